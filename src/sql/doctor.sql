-- statbus.doctor(): what is wrong with a register although no request has failed yet.

CREATE OR REPLACE FUNCTION statbus.doctor()
RETURNS TABLE (severity text, object text, problem text, hint text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $doctor$
    WITH ours AS (
        SELECT n.oid, n.nspname FROM pg_namespace AS n WHERE n.nspname = ANY ('{register,auth,import,worker,api}')
    ), member AS (
        SELECT d.objid FROM pg_depend AS d JOIN pg_extension AS x ON x.oid = d.refobjid AND x.extname = 'statbus'
        WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
    ), trigger AS (
        SELECT t.*, p.proname AS function_name, f.nspname = 'temporal' AND p.proname <> ALL ('{portion_row,portion_statement}') AS is_key,
            t.tgconstrrelid <> 0 AND p.proname IN ('foreign_key_child', 'foreign_key_parent') AS is_pair
        FROM pg_trigger AS t
        JOIN member AS m ON m.objid = t.tgfoid
        JOIN pg_proc AS p ON p.oid = t.tgfoid
        JOIN pg_namespace AS f ON f.oid = p.pronamespace
        WHERE NOT t.tgisinternal
    )
    SELECT 'error', 'register', 'The tables are not those of this version of the extension.', 'Run CALL statbus.migrate().'
    WHERE statbus.needs_migration()
    UNION ALL
    SELECT 'error', format('trigger %I on %s', t.tgname, t.tgrelid::regclass),
        CASE WHEN t.is_key THEN 'A temporal key is not checked: ' ELSE 'What the trigger does is left out: ' END
            || CASE t.tgenabled WHEN 'R' THEN 'its trigger fires only on a replica.' ELSE 'its trigger is disabled.' END,
        format('Run ALTER TABLE %s ENABLE TRIGGER %I%s.', t.tgrelid::regclass, t.tgname,
            CASE WHEN t.is_key THEN ', then temporal.validate_constraint() for the keys of the table' ELSE '' END)
    FROM trigger AS t
    WHERE t.tgenabled IN ('D', 'R')
    UNION ALL
    SELECT 'error', format('trigger %I on %s', t.tgname, t.tgrelid::regclass),
        'A temporal foreign key has lost its other half, so that it is checked on one side only.',
        'Drop this trigger and add the key again with temporal.add_foreign_key.'
    FROM trigger AS t
    WHERE t.is_pair AND NOT EXISTS (
        SELECT FROM trigger AS o
        WHERE o.tgrelid = t.tgconstrrelid AND o.tgconstrrelid = t.tgrelid AND o.tgargs = t.tgargs AND o.tgfoid <> t.tgfoid AND o.is_pair)
    UNION ALL
    SELECT 'error', format('table %s', k.relation),
        format('Temporal keys are not checked after %s: its statement trigger is missing.', upper(k.event)),
        'Drop one of the table''s temporal keys with temporal.drop_constraint and add it again.'
    FROM (
        SELECT DISTINCT t.tgrelid::regclass AS relation, e.event
        FROM trigger AS t
        CROSS JOIN LATERAL unnest(CASE t.function_name WHEN 'foreign_key_parent' THEN '{update,delete,truncate}'::text[] ELSE '{insert,update}' END) AS e(event)
        WHERE t.function_name IN ('unique_key', 'foreign_key_child', 'foreign_key_parent') AND (NOT t.tgdeferrable OR e.event = 'truncate')) AS k
    WHERE NOT EXISTS (
        SELECT FROM trigger AS s
        WHERE s.tgrelid = k.relation AND s.function_name IN ('key_statement', 'foreign_key_statement') AND s.tgname = 'temporal_key_' || k.event)
    UNION ALL
    -- statement triggers fire for the table that a statement names
    SELECT 'error', format('table %s', k.relation),
        format('Temporal keys are not checked when rows are written by way of %s.', i.inhparent::regclass),
        CASE WHEN c.relispartition THEN format('Run ALTER TABLE %s DETACH PARTITION %s', i.inhparent::regclass, k.relation)
            ELSE format('Run ALTER TABLE %s NO INHERIT %s', k.relation, i.inhparent::regclass) END
            || ', then temporal.validate_constraint() for the keys of the table.'
    FROM (
        SELECT DISTINCT t.tgrelid::regclass AS relation FROM trigger AS t
        WHERE t.function_name IN ('key_statement', 'foreign_key_statement') AND t.tgname <> 'temporal_key_truncate') AS k
    JOIN pg_inherits AS i ON i.inhrelid = k.relation
    JOIN pg_class AS c ON c.oid = i.inhrelid
    UNION ALL
    SELECT 'error', format('trigger %I on %s', t.tgname, t.tgrelid::regclass),
        'A temporal unique key has lost its index, so that nothing can be written to the table.',
        'Drop the trigger and add the key again with temporal.add_unique.'
    FROM trigger AS t
    -- columns of a predicate follow the period
    CROSS JOIN LATERAL (
        SELECT coalesce((regexp_match(encode(t.tgargs, 'escape'), '(?:^|\\000)columns ([0-9]{1,3})\\000'))[1]::integer, array_length(t.tgattr::smallint[], 1) - 1) AS width) AS w
    WHERE t.function_name = 'unique_key' AND NOT EXISTS (
        SELECT FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS a ON a.oid = c.relam AND a.amname = 'btree'
        WHERE i.indrelid = t.tgrelid AND i.indisvalid
            AND (i.indkey::smallint[])[0:w.width - 1] = (t.tgattr::smallint[])[0:w.width - 1])
    UNION ALL
    SELECT 'error', format('trigger %I on %s', t.tgname, t.tgrelid::regclass),
        'A temporal foreign key has lost an index on this table, so that some writes fail.',
        'Run SELECT temporal.ensure_foreign_key_indexes(relation, constraint_name) FROM temporal.constraint WHERE constraint_type = ''foreign key''.'
    FROM trigger AS t
    JOIN trigger AS p ON p.function_name = 'foreign_key_parent' AND p.tgargs = t.tgargs
        AND (p.oid = t.oid OR p.tgrelid = t.tgconstrrelid AND p.tgconstrrelid = t.tgrelid)
    CROSS JOIN LATERAL (
        SELECT (t.tgattr::smallint[])[0:array_length(p.tgattr::smallint[], 1) - 2] AS numbers) AS k
    WHERE t.is_pair AND NOT EXISTS (
        SELECT FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS a ON a.oid = c.relam AND a.amname = 'btree'
        WHERE i.indrelid = t.tgrelid AND i.indisvalid
            AND (i.indkey::smallint[])[0:cardinality(k.numbers) - 1] @> k.numbers AND (i.indkey::smallint[])[0:cardinality(k.numbers) - 1] <@ k.numbers)
    UNION ALL
    SELECT 'error', format('index %s', i.indexrelid::regclass), 'The index is not valid and not used.', format('Run REINDEX INDEX %s.', i.indexrelid::regclass)
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid JOIN ours AS o ON o.oid = c.relnamespace
    WHERE NOT i.indisvalid
    UNION ALL
    SELECT 'warning', format('constraint %I on %s', n.conname, n.conrelid::regclass), 'The constraint was never checked for the rows that were there.',
        format('Run ALTER TABLE %s VALIDATE CONSTRAINT %I.', n.conrelid::regclass, n.conname)
    FROM pg_constraint AS n JOIN ours AS o ON o.oid = n.connamespace
    WHERE NOT n.convalidated AND n.conrelid <> 0
    UNION ALL
    SELECT 'error', format('table %s', c.oid::regclass), 'Row level security is off: its policies do not act.',
        format('Run ALTER TABLE %s ENABLE ROW LEVEL SECURITY.', c.oid::regclass)
    FROM pg_class AS c JOIN ours AS o ON o.oid = c.relnamespace
    WHERE NOT c.relrowsecurity AND EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid)
    UNION ALL
    SELECT 'warning', format('database %I', d.datname), 'Every role of the server may connect.', 'Run SELECT auth.restrict_connect().'
    FROM pg_database AS d
    WHERE d.datname = current_database() AND EXISTS (
        SELECT FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a WHERE a.grantee = 0 AND a.privilege_type = 'CONNECT')
    ORDER BY 1, 2, 3
$doctor$;
COMMENT ON FUNCTION statbus.doctor() IS
    'What is wrong with the register: disabled or incomplete keys, tables that are not up to date, policies that do not act, and what to do. No rows: nothing is';
REVOKE ALL ON FUNCTION statbus.doctor() FROM PUBLIC;

-- Temporal keys: unique keys and foreign keys over a period.
--
-- A unique key is an exclusion constraint: equal columns, overlapping periods. It is DEFERRABLE INITIALLY IMMEDIATE inside,
-- so that one statement may pass through overlaps and is judged by its end; the constraint's comment records that the caller
-- asked for no more than that.
--
-- A foreign key is a pair of constraint triggers with the same arguments (a name that never changes, the action on delete):
--   on the child   AFTER … UPDATE OF <columns>, <period> FROM <parent>  EXECUTE temporal.foreign_key_child
--   on the parent  AFTER … UPDATE OF <columns>, <period> FROM <child>   EXECUTE temporal.foreign_key_parent
-- The column lists live in UPDATE OF and the tables in FROM: PostgreSQL renames, dumps and drops them with the tables, and
-- refuses DROP COLUMN without CASCADE. Of a deferrable key the pair does the checking, row by row. Otherwise the pair has
-- WHEN (false) and only keeps the definition, and each table concerned has one set of statement triggers with transition
-- tables (temporal_key_insert, _update, _delete, _truncate) that look the pairs up and check a statement's rows as one set.

-- The period column of a table: its range type, and the two columns it is generated from, if it is.
CREATE OR REPLACE FUNCTION temporal.period_of(
    table_name regclass, period name,
    OUT attnum smallint, OUT range_type regtype, OUT subtype regtype, OUT from_column name, OUT until_column name)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $period_of$
DECLARE
    expression text;
    parts text[];
BEGIN
    SELECT a.attnum, a.atttypid, r.rngsubtype, CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END
    INTO attnum, range_type, subtype, expression
    FROM pg_attribute AS a
    LEFT JOIN pg_range AS r ON r.rngtypid = a.atttypid
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = table_name AND a.attname = period AND a.attnum > 0 AND NOT a.attisdropped;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'column "%" of relation % does not exist', period, table_name USING ERRCODE = 'undefined_column';
    END IF;
    IF subtype IS NULL THEN
        RAISE EXCEPTION 'column "%" of relation % is not a range', period, table_name USING ERRCODE = 'datatype_mismatch';
    END IF;
    IF expression IS NOT NULL THEN
        parts := regexp_match(expression,
            '^(?:[^(]*)\(((?:"(?:[^"]|"")+")|(?:[a-z_][a-z0-9_$]*)), ((?:"(?:[^"]|"")+")|(?:[a-z_][a-z0-9_$]*))(?:, ''\[\)''::text)?\)$');
        IF parts IS NULL THEN
            RAISE EXCEPTION 'period "%" of relation % is not generated from two columns', period, table_name
                USING ERRCODE = 'feature_not_supported', DETAIL = 'It is generated as ' || expression || '.';
        END IF;
        from_column := (parse_ident(parts[1]))[1];
        until_column := (parse_ident(parts[2]))[1];
    END IF;
END
$period_of$;
REVOKE ALL ON FUNCTION temporal.period_of(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.period_of(regclass, name) TO PUBLIC;
COMMENT ON FUNCTION temporal.period_of(regclass, name) IS 'the range type of a period column and the two columns it is generated from';

-- The attribute numbers of some columns, in order; 42703 for one that does not exist.
CREATE OR REPLACE FUNCTION temporal.column_numbers(table_name regclass, columns name[]) RETURNS smallint[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $column_numbers$
DECLARE
    result smallint[];
    missing name;
BEGIN
    SELECT array_agg(a.attnum ORDER BY c.position), min(c.name::text) FILTER (WHERE a.attnum IS NULL)
    INTO result, missing
    FROM unnest(columns) WITH ORDINALITY AS c(name, position)
    LEFT JOIN pg_attribute AS a ON a.attrelid = table_name AND a.attname = c.name AND a.attnum > 0 AND NOT a.attisdropped;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'column "%" of relation % does not exist', missing, table_name USING ERRCODE = 'undefined_column';
    END IF;
    RETURN coalesce(result, '{}');
END
$column_numbers$;
REVOKE ALL ON FUNCTION temporal.column_numbers(regclass, name[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.column_numbers(regclass, name[]) TO PUBLIC;
COMMENT ON FUNCTION temporal.column_numbers(regclass, name[]) IS 'attribute numbers of columns by name';

-- The names of attribute numbers, in order.
CREATE OR REPLACE FUNCTION temporal.column_names(table_name regclass, numbers smallint[]) RETURNS name[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $column_names$
    SELECT coalesce(array_agg(a.attname ORDER BY n.position), '{}')
    FROM unnest(numbers) WITH ORDINALITY AS n(attnum, position)
    JOIN pg_attribute AS a ON a.attrelid = table_name AND a.attnum = n.attnum
$column_names$;
REVOKE ALL ON FUNCTION temporal.column_names(regclass, smallint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.column_names(regclass, smallint[]) TO PUBLIC;
COMMENT ON FUNCTION temporal.column_names(regclass, smallint[]) IS 'names of columns by attribute number';

-- All temporal keys, read from the catalogue alone.
CREATE OR REPLACE VIEW temporal.constraint AS
WITH excluding AS (
    SELECT con.oid, con.conrelid, con.conname, con.conindid, con.conkey, con.condeferrable, con.condeferred,
        cardinality(con.conkey) AS width
    FROM pg_catalog.pg_constraint AS con
    WHERE con.contype = 'x'
        AND con.conkey[cardinality(con.conkey)] <> 0
        AND (
            SELECT pg_catalog.bool_and(o.oprname = CASE WHEN e.position < cardinality(con.conexclop) THEN '=' ELSE '&&' END)
            FROM unnest(con.conexclop) WITH ORDINALITY AS e(operator, position)
            JOIN pg_catalog.pg_operator AS o ON o.oid = e.operator)
        AND EXISTS (
            SELECT FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
            WHERE a.attrelid = con.conrelid AND a.attnum = con.conkey[cardinality(con.conkey)] AND t.typtype IN ('r', 'm'))
), element AS (
    SELECT x.oid, k.position, x.conrelid, k.attnum,
        CASE WHEN k.attnum = 0 THEN pg_catalog.regexp_match(
            pg_catalog.pg_get_indexdef(x.conindid, k.position::integer, false),
            '^COALESCE\(((?:"(?:[^"]|"")+")|(?:[a-z_][a-z0-9_$]*)),') END AS coalesced
    FROM excluding AS x CROSS JOIN LATERAL unnest(x.conkey) WITH ORDINALITY AS k(attnum, position)
    WHERE k.position < x.width
), key_columns AS (
    SELECT e.oid,
        pg_catalog.array_agg(coalesce(a.attname, (pg_catalog.parse_ident(e.coalesced[1]))[1]::name) ORDER BY e.position)
            FILTER (WHERE e.attnum <> 0 OR e.coalesced IS NOT NULL) AS columns,
        pg_catalog.bool_or(e.attnum = 0) AS nulls_not_distinct
    FROM element AS e
    LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = e.conrelid AND a.attnum = e.attnum AND e.attnum <> 0
    GROUP BY e.oid
), foreign_key AS (
    SELECT c.tgrelid AS child, c.tgname, p.tgrelid AS parent, c.tgdeferrable, c.tginitdeferred,
        c.tgattr::smallint[] AS child_numbers, p.tgattr::smallint[] AS parent_numbers,
        pg_catalog.array_length(p.tgattr::smallint[], 1) - 1 AS width,
        pg_catalog.encode(c.tgargs, 'escape') AS arguments
    FROM pg_catalog.pg_trigger AS c
    JOIN pg_catalog.pg_trigger AS p ON p.tgrelid = c.tgconstrrelid AND p.tgconstrrelid = c.tgrelid AND p.tgargs = c.tgargs
    JOIN pg_catalog.pg_proc AS cf ON cf.oid = c.tgfoid AND cf.proname = 'foreign_key_child'
    JOIN pg_catalog.pg_namespace AS cn ON cn.oid = cf.pronamespace AND cn.nspname = 'temporal'
    JOIN pg_catalog.pg_proc AS pf ON pf.oid = p.tgfoid AND pf.proname = 'foreign_key_parent' AND pf.pronamespace = cn.oid
)
SELECT n.nspname AS table_schema, r.relname AS table_name, x.conname AS constraint_name, 'unique'::text AS constraint_type,
    coalesce(k.columns, '{}') AS columns, pa.attname AS period,
    NULL::name AS references_schema, NULL::name AS references_table, NULL::name[] AS references_columns,
    NULL::name AS references_period, NULL::text AS on_delete,
    pg_catalog.pg_get_expr(i.indpred, i.indrelid) AS predicate,
    coalesce(k.nulls_not_distinct, false) AS nulls_not_distinct,
    x.condeferrable AND coalesce(d.description, '') NOT LIKE 'temporal key, not deferrable%' AS is_deferrable,
    x.condeferred AS initially_deferred,
    x.conrelid::regclass AS relation, NULL::regclass AS references_relation
FROM excluding AS x
JOIN pg_catalog.pg_class AS r ON r.oid = x.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = r.relnamespace
JOIN pg_catalog.pg_index AS i ON i.indexrelid = x.conindid
JOIN pg_catalog.pg_attribute AS pa ON pa.attrelid = x.conrelid AND pa.attnum = x.conkey[x.width]
LEFT JOIN key_columns AS k ON k.oid = x.oid
LEFT JOIN pg_catalog.pg_description AS d
    ON d.objoid = x.oid AND d.classoid = 'pg_catalog.pg_constraint'::regclass AND d.objsubid = 0
UNION ALL
SELECT n.nspname, r.relname, f.tgname, 'foreign key',
    (SELECT pg_catalog.array_agg(a.attname ORDER BY u.position)
     FROM unnest(f.child_numbers) WITH ORDINALITY AS u(attnum, position)
     JOIN pg_catalog.pg_attribute AS a ON a.attrelid = f.child AND a.attnum = u.attnum WHERE u.position <= f.width),
    (SELECT a.attname FROM pg_catalog.pg_attribute AS a
     WHERE a.attrelid = f.child AND a.attnum = (f.child_numbers::smallint[])[f.width]
         AND pg_catalog.array_length(f.child_numbers, 1) > f.width),
    pn.nspname, pr.relname,
    (SELECT pg_catalog.array_agg(a.attname ORDER BY u.position)
     FROM unnest(f.parent_numbers) WITH ORDINALITY AS u(attnum, position)
     JOIN pg_catalog.pg_attribute AS a ON a.attrelid = f.parent AND a.attnum = u.attnum WHERE u.position <= f.width),
    (SELECT a.attname FROM pg_catalog.pg_attribute AS a
     WHERE a.attrelid = f.parent AND a.attnum = (f.parent_numbers::smallint[])[f.width]),
    pg_catalog.split_part(f.arguments, '\000', 2), NULL, false, f.tgdeferrable, f.tginitdeferred, f.child::regclass, f.parent::regclass
FROM foreign_key AS f
JOIN pg_catalog.pg_class AS r ON r.oid = f.child
JOIN pg_catalog.pg_namespace AS n ON n.oid = r.relnamespace
JOIN pg_catalog.pg_class AS pr ON pr.oid = f.parent
JOIN pg_catalog.pg_namespace AS pn ON pn.oid = pr.relnamespace;
REVOKE ALL ON temporal.constraint FROM PUBLIC;
GRANT SELECT ON temporal.constraint TO PUBLIC;
COMMENT ON VIEW temporal.constraint IS 'all temporal unique keys and foreign keys of this database';

-- Adds a temporal unique key and returns its name.
CREATE OR REPLACE FUNCTION temporal.add_unique(
    table_name regclass, columns name[], period name DEFAULT 'valid_range', predicate text DEFAULT NULL,
    nulls_not_distinct boolean DEFAULT false, is_deferrable boolean DEFAULT false,
    initially_deferred boolean DEFAULT false, constraint_name name DEFAULT NULL) RETURNS name
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $add_unique$
DECLARE
    elements text := '';
    sentinel text;
    key_column record;
    result name := constraint_name;
BEGIN
    IF table_name IS NULL OR columns IS NULL OR period IS NULL THEN
        RAISE EXCEPTION 'table, columns and period must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF initially_deferred AND NOT is_deferrable THEN
        RAISE EXCEPTION 'constraint declared initially deferred must be deferrable' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM temporal.column_numbers(table_name, columns);
    PERFORM temporal.period_of(table_name, period);
    FOR key_column IN
        SELECT a.attname, a.attnotnull, a.atttypid, coalesce(nullif(t.typbasetype, 0), t.oid) AS base, t.typtype
        FROM unnest(columns) WITH ORDINALITY AS c(name, position)
        JOIN pg_attribute AS a ON a.attrelid = table_name AND a.attname = c.name AND a.attnum > 0
        JOIN pg_type AS t ON t.oid = a.atttypid
        ORDER BY c.position
    LOOP
        IF nulls_not_distinct AND NOT key_column.attnotnull THEN
            sentinel := CASE
                WHEN key_column.base IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype) THEN '0'
                WHEN key_column.base IN ('text'::regtype, 'varchar'::regtype) THEN ''''''
                WHEN key_column.base = 'date'::regtype THEN '''2000-01-01'''
                WHEN key_column.base = 'uuid'::regtype THEN '''00000000-0000-0000-0000-000000000000'''
                WHEN key_column.typtype = 'e' THEN
                    (SELECT quote_literal(e.enumlabel) FROM pg_enum AS e WHERE e.enumtypid = key_column.atttypid ORDER BY e.enumsortorder LIMIT 1)
            END;
            IF sentinel IS NULL THEN
                RAISE EXCEPTION 'NULLS NOT DISTINCT is not supported for column "%" of type %',
                    key_column.attname, key_column.atttypid::regtype USING ERRCODE = 'feature_not_supported';
            END IF;
            elements := elements || format('(COALESCE(%I, %s)) WITH OPERATOR(pg_catalog.=), ((%I IS NULL)::integer) WITH OPERATOR(pg_catalog.=), ',
                key_column.attname, sentinel, key_column.attname);
        ELSE
            elements := elements || format('%I WITH OPERATOR(pg_catalog.=), ', key_column.attname);
        END IF;
    END LOOP;
    result := coalesce(result, temporal.free_name(table_name, columns || period, 'excl'));
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I EXCLUDE USING gist (%s%I WITH OPERATOR(pg_catalog.&&))%s DEFERRABLE INITIALLY %s',
        table_name, result, elements, period, ' WHERE (' || predicate || ')',
        CASE WHEN initially_deferred THEN 'DEFERRED' ELSE 'IMMEDIATE' END);
    IF NOT is_deferrable THEN
        EXECUTE format('COMMENT ON CONSTRAINT %I ON %s IS %L', result, table_name,
            'temporal key, not deferrable: checked at the end of each statement');
    END IF;
    RETURN result;
END
$add_unique$;
REVOKE ALL ON FUNCTION temporal.add_unique(regclass, name[], name, text, boolean, boolean, boolean, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.add_unique(regclass, name[], name, text, boolean, boolean, boolean, name) TO PUBLIC;
COMMENT ON FUNCTION temporal.add_unique(regclass, name[], name, text, boolean, boolean, boolean, name)
    IS 'no two rows with equal columns have overlapping periods';

-- The statement trigger of all temporal keys of a table that are not deferrable: temporal_key_insert, _update, _delete, _truncate.
CREATE OR REPLACE FUNCTION temporal.key_statement() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_temporal_key_statement';
REVOKE ALL ON FUNCTION temporal.key_statement() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.key_statement() TO PUBLIC;
COMMENT ON FUNCTION temporal.key_statement() IS 'statement trigger that checks the temporal keys of a table; to be named temporal_key_<event>';

-- A constraint name of at most 63 bytes that no constraint or trigger of the table has.
CREATE OR REPLACE FUNCTION temporal.free_name(table_name regclass, parts name[], suffix text) RETURNS name
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $free_name$
DECLARE
    stem text := (SELECT c.relname FROM pg_class AS c WHERE c.oid = table_name) || '_' || array_to_string(parts, '_');
    candidate text;
    attempt integer := 0;
BEGIN
    LOOP
        candidate := '_' || suffix || CASE WHEN attempt = 0 THEN '' ELSE attempt::text END;
        candidate := stem || candidate;
        WHILE octet_length(candidate) > 63 LOOP
            stem := left(stem, -1);
            candidate := stem || '_' || suffix || CASE WHEN attempt = 0 THEN '' ELSE attempt::text END;
        END LOOP;
        EXIT WHEN NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conrelid = table_name AND c.conname = candidate)
            AND NOT EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = table_name AND t.tgname = candidate)
            AND NOT EXISTS (
                SELECT FROM pg_class AS c
                WHERE c.relname = candidate AND c.relnamespace = (SELECT o.relnamespace FROM pg_class AS o WHERE o.oid = table_name));
        attempt := attempt + 1;
    END LOOP;
    RETURN candidate::name;
END
$free_name$;
REVOKE ALL ON FUNCTION temporal.free_name(regclass, name[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.free_name(regclass, name[], text) TO PUBLIC;
COMMENT ON FUNCTION temporal.free_name(regclass, name[], text) IS 'a name for a constraint or index that is not taken';

-- Drops a temporal key. A unique key that a temporal foreign key needs is kept, with 2BP01.
CREATE OR REPLACE FUNCTION temporal.drop_constraint(table_name regclass, constraint_name name) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $drop_constraint$
DECLARE
    k record;
    needed name;
    t record;
BEGIN
    SELECT c.* INTO k FROM temporal.constraint AS c
    WHERE c.relation = drop_constraint.table_name AND c.constraint_name = drop_constraint.constraint_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'temporal key "%" of relation % does not exist', constraint_name, table_name USING ERRCODE = 'undefined_object';
    END IF;
    IF k.constraint_type = 'unique' THEN
        SELECT f.constraint_name INTO needed FROM temporal.constraint AS f
        WHERE f.references_relation = k.relation AND f.references_period = k.period AND k.predicate IS NULL
            AND f.references_columns @> k.columns AND f.references_columns <@ k.columns
            AND NOT EXISTS (
                SELECT FROM temporal.constraint AS u
                WHERE u.relation = k.relation AND u.constraint_name <> k.constraint_name AND u.constraint_type = 'unique' AND u.predicate IS NULL
                    AND u.period = k.period AND u.columns @> k.columns AND u.columns <@ k.columns)
        LIMIT 1;
        IF needed IS NOT NULL THEN
            RAISE EXCEPTION 'cannot drop temporal key "%" because temporal foreign key "%" needs it', constraint_name, needed
                USING ERRCODE = 'dependent_objects_still_exist';
        END IF;
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', table_name, constraint_name);
        RETURN;
    END IF;
    EXECUTE (
        SELECT string_agg(format('DROP TRIGGER %I ON %s', g.tgname, g.tgrelid::regclass), '; ')
        FROM pg_trigger AS c
        JOIN pg_trigger AS g ON g.oid = c.oid
            OR g.tgrelid = c.tgconstrrelid AND g.tgconstrrelid = c.tgrelid AND g.tgargs = c.tgargs
            AND g.tgfoid = 'temporal.foreign_key_parent()'::regprocedure
        WHERE c.tgrelid = drop_constraint.table_name AND c.tgname = drop_constraint.constraint_name);
    -- the statement triggers go with the last key that needs them
    FOR t IN
        SELECT g.tgname, g.tgrelid FROM pg_trigger AS g
        WHERE g.tgrelid IN (k.relation, k.references_relation) AND g.tgfoid = 'temporal.foreign_key_statement()'::regprocedure
            AND NOT EXISTS (
                SELECT FROM pg_trigger AS o
                WHERE o.tgrelid = g.tgrelid
                    AND o.tgfoid = ANY (CASE g.tgname
                        WHEN 'temporal_key_insert' THEN ARRAY['temporal.foreign_key_child()'::regprocedure]
                        WHEN 'temporal_key_update' THEN ARRAY['temporal.foreign_key_child()'::regprocedure, 'temporal.foreign_key_parent()'::regprocedure]
                        ELSE ARRAY['temporal.foreign_key_parent()'::regprocedure] END))
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass);
    END LOOP;
END
$drop_constraint$;
REVOKE ALL ON FUNCTION temporal.drop_constraint(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.drop_constraint(regclass, name) TO PUBLIC;
COMMENT ON FUNCTION temporal.drop_constraint(regclass, name) IS 'drops a temporal unique key or foreign key';

-- Adds the key unless the table has a temporal key of that name; true when it was added.
CREATE OR REPLACE FUNCTION temporal.ensure_unique(
    constraint_name name, table_name regclass, columns name[], period name DEFAULT 'valid_range', predicate text DEFAULT NULL,
    nulls_not_distinct boolean DEFAULT false, is_deferrable boolean DEFAULT false, initially_deferred boolean DEFAULT false) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $ensure_unique$
BEGIN
    IF constraint_name IS NULL THEN
        RAISE EXCEPTION 'constraint_name must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF EXISTS (
        SELECT FROM temporal.constraint AS c
        WHERE c.relation = ensure_unique.table_name AND c.constraint_name = ensure_unique.constraint_name) THEN
        RETURN false;
    END IF;
    PERFORM temporal.add_unique(table_name, columns, period, predicate, nulls_not_distinct, is_deferrable, initially_deferred, constraint_name);
    RETURN true;
END
$ensure_unique$;
REVOKE ALL ON FUNCTION temporal.ensure_unique(name, regclass, name[], name, text, boolean, boolean, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.ensure_unique(name, regclass, name[], name, text, boolean, boolean, boolean) TO PUBLIC;
COMMENT ON FUNCTION temporal.ensure_unique(name, regclass, name[], name, text, boolean, boolean, boolean) IS 'temporal.add_unique unless it is there';

-- Temporal foreign keys: each row's period is covered by the slices of its parent.
--
-- How a key is written down in the catalogue: temporal_keys.sql. Checks and cascades are in C and take no locks on rows: both
-- sides write first and look afterwards, at what is committed and at what is in progress. Who meets something undecided
-- waits for it. So the answer is right at every isolation level, and nobody's rights or row security matter to it.

-- Statement trigger, as registers made by 0.1 and 0.2 call it: temporal.key_statement() by its old name.
CREATE OR REPLACE FUNCTION temporal.foreign_key_statement() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_temporal_key_statement';
REVOKE ALL ON FUNCTION temporal.foreign_key_statement() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.foreign_key_statement() TO PUBLIC;
COMMENT ON FUNCTION temporal.foreign_key_statement() IS 'Statement trigger of temporal keys, by its name up to 0.2: temporal.key_statement.';

-- Of a deferrable key: checks one child row. The row may be gone or changed by now: only what is in the table counts.
CREATE OR REPLACE FUNCTION temporal.foreign_key_child() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_temporal_foreign_key_child';
REVOKE ALL ON FUNCTION temporal.foreign_key_child() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.foreign_key_child() TO PUBLIC;
COMMENT ON FUNCTION temporal.foreign_key_child() IS 'Constraint trigger on the child of a temporal foreign key: use temporal.add_foreign_key.';

-- Of a deferrable key: checks the children of one parent row that was deleted or changed, or cascades to them.
CREATE OR REPLACE FUNCTION temporal.foreign_key_parent() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_temporal_foreign_key_parent';
REVOKE ALL ON FUNCTION temporal.foreign_key_parent() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.foreign_key_parent() TO PUBLIC;
COMMENT ON FUNCTION temporal.foreign_key_parent() IS 'Constraint trigger on the parent of a temporal foreign key: use temporal.add_foreign_key.';

-- The two steps of adding a key that need C; each asks for the caller's rights itself.
CREATE OR REPLACE FUNCTION temporal.foreign_key_lock(table_name regclass, references_table regclass, references_columns name[]) RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_temporal_foreign_key_lock';
REVOKE ALL ON FUNCTION temporal.foreign_key_lock(regclass, regclass, name[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.foreign_key_lock(regclass, regclass, name[]) TO PUBLIC;
COMMENT ON FUNCTION temporal.foreign_key_lock(regclass, regclass, name[]) IS
    'Locks both tables against writers for add_foreign_key. 42501 unless the caller owns the child and has REFERENCES on the parent, or on these '
    'columns of it; 42809 for anything but plain tables; 42P16 for tables of different persistence.';

CREATE OR REPLACE FUNCTION temporal.foreign_key_create(
    table_name regclass, columns name[], references_table regclass, references_columns name[], on_delete text,
    is_deferrable boolean, initially_deferred boolean, constraint_name name, reference_name name) RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_temporal_foreign_key_create';
REVOKE ALL ON FUNCTION temporal.foreign_key_create(regclass, name[], regclass, name[], text, boolean, boolean, name, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.foreign_key_create(regclass, name[], regclass, name[], text, boolean, boolean, name, name) TO PUBLIC;
COMMENT ON FUNCTION temporal.foreign_key_create(regclass, name[], regclass, name[], text, boolean, boolean, name, name) IS
    'Makes the triggers of a temporal foreign key and checks the rows that are there: use add_foreign_key. The lists name the key '
    'columns and then the period; a regular child has one column less. Errors as foreign_key_lock, and 23503.';

CREATE OR REPLACE FUNCTION temporal.foreign_key_validate(table_name regclass, constraint_name name) RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'statbus_temporal_foreign_key_validate';
REVOKE ALL ON FUNCTION temporal.foreign_key_validate(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.foreign_key_validate(regclass, name) TO PUBLIC;
COMMENT ON FUNCTION temporal.foreign_key_validate(regclass, name) IS
    'Checks all rows of a temporal foreign key by one walk over both indexes: 23503 for the first row without its parent, '
    '42704 when there is no such key, 42501 unless the caller owns the table.';

-- Makes a btree that finds the rows of some columns in the order of their periods, unless one is there, or that of a wider
-- unique key, which begins with the columns: there the rows of a value are few, and are sorted when they are needed.
CREATE OR REPLACE FUNCTION temporal.ensure_index(table_name regclass, columns name[], period name) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $ensure_index$
DECLARE
    numbers smallint[] := temporal.column_numbers(table_name, columns);
    further name[] := '{}';
    further_numbers smallint[];
    bounds record;
    width integer := cardinality(numbers);
BEGIN
    IF period IS NOT NULL THEN
        bounds := temporal.period_of(table_name, period);
        further := CASE WHEN bounds.from_column IS NULL THEN ARRAY[period] ELSE ARRAY[bounds.from_column, bounds.until_column] END;
    END IF;
    further_numbers := temporal.column_numbers(table_name, further);
    PERFORM FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
    CROSS JOIN LATERAL (SELECT CASE WHEN i.indisunique THEN width ELSE width + cardinality(further) END AS places) AS used
    WHERE i.indrelid = table_name AND i.indisvalid AND i.indisready AND i.indislive
        AND i.indnkeyatts >= used.places
        AND (i.indkey::smallint[])[0:width - 1] @> numbers AND (i.indkey::smallint[])[0:width - 1] <@ numbers
        AND (period IS NULL OR i.indisunique OR (i.indkey::smallint[])[width:width + cardinality(further) - 1] = further_numbers)
        AND NOT 0 = ANY ((i.indkey::smallint[])[0:used.places - 1])
        AND NOT EXISTS (
            SELECT FROM generate_series(0, used.places - 1) AS u(place)
            JOIN pg_opclass AS o ON o.oid = i.indclass[u.place]
            JOIN pg_attribute AS a ON a.attrelid = table_name AND a.attnum = i.indkey[u.place]
            WHERE NOT o.opcdefault OR i.indcollation[u.place] <> a.attcollation)
        AND (i.indpred IS NULL OR replace(replace(pg_get_expr(i.indpred, i.indrelid), '(', ''), ')', '') = ANY (
             SELECT format('%I IS NOT NULL', k.name) FROM unnest(columns) AS k(name)));
    IF FOUND THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE INDEX %I ON %s (%s)', temporal.free_name(table_name, columns, 'temporal_idx'), table_name, (
        SELECT string_agg(quote_ident(a.attname)
            || CASE WHEN c.position = width + 1 AND NOT a.attnotnull AND cardinality(further) = 2 THEN ' NULLS FIRST' ELSE '' END, ', ' ORDER BY c.position)
        FROM unnest(columns || further) WITH ORDINALITY AS c(name, position)
        JOIN pg_attribute AS a ON a.attrelid = table_name AND a.attname = c.name));
END
$ensure_index$;
REVOKE ALL ON FUNCTION temporal.ensure_index(regclass, name[], name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.ensure_index(regclass, name[], name) TO PUBLIC;
COMMENT ON FUNCTION temporal.ensure_index(regclass, name[], name) IS
    'Makes the btree that a temporal foreign key needs on one of its tables, on (columns, from, until), (columns, period) or, of a '
    'regular table, where period is NULL, (columns), unless it is there, or the index of a unique key begins with the columns.';

-- Adds a temporal foreign key and returns its name.
CREATE OR REPLACE FUNCTION temporal.add_foreign_key(
    table_name regclass, columns name[], references_table regclass, references_columns name[],
    period name DEFAULT 'valid_range', references_period name DEFAULT 'valid_range',
    on_delete text DEFAULT 'no action', is_deferrable boolean DEFAULT false,
    initially_deferred boolean DEFAULT false, constraint_name name DEFAULT NULL) RETURNS name
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $add_foreign_key$
DECLARE
    result name := constraint_name;
    key_columns name[];
    wrong record;
    child_list name[];
    parent_list name[];
    child_period name[] := CASE WHEN period IS NULL THEN '{}' ELSE ARRAY[period] END;
BEGIN
    IF table_name IS NULL OR columns IS NULL OR references_table IS NULL OR references_columns IS NULL OR references_period IS NULL
        OR is_deferrable IS NULL OR initially_deferred IS NULL THEN
        RAISE EXCEPTION 'only period and constraint_name may be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF initially_deferred AND NOT is_deferrable THEN
        RAISE EXCEPTION 'constraint declared initially deferred must be deferrable' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF cardinality(columns) = 0 OR cardinality(columns) <> cardinality(references_columns) THEN
        RAISE EXCEPTION 'number of referencing and referenced columns for foreign key disagree' USING ERRCODE = 'invalid_foreign_key';
    END IF;
    IF on_delete IS NULL OR on_delete NOT IN ('no action', 'cascade') THEN
        RAISE EXCEPTION 'on_delete must be "no action" or "cascade"' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM temporal.foreign_key_lock(table_name, references_table, references_columns || references_period);
    PERFORM temporal.column_numbers(table_name, columns || child_period), temporal.column_numbers(references_table, references_columns || references_period);
    PERFORM temporal.period_of(references_table, references_period);
    IF period IS NOT NULL AND (temporal.period_of(table_name, period)).range_type
        <> (temporal.period_of(references_table, references_period)).range_type THEN
        RAISE EXCEPTION 'period "%" and period "%" are of different types', period, references_period USING ERRCODE = 'datatype_mismatch';
    END IF;

    -- equal types, or integers of any width, or types that are the same in memory, as varchar and text
    SELECT l.name AS child_name, r.name AS parent_name, la.atttypid::regtype AS child_type, ra.atttypid::regtype AS parent_type INTO wrong
    FROM unnest(columns) WITH ORDINALITY AS l(name, position)
    JOIN unnest(references_columns) WITH ORDINALITY AS r(name, position) USING (position)
    JOIN pg_attribute AS la ON la.attrelid = table_name AND la.attname = l.name
    JOIN pg_attribute AS ra ON ra.attrelid = references_table AND ra.attname = r.name
    JOIN pg_type AS lt ON lt.oid = la.atttypid
    JOIN pg_type AS rt ON rt.oid = ra.atttypid
    CROSS JOIN LATERAL (SELECT coalesce(nullif(lt.typbasetype, 0), lt.oid) AS child, coalesce(nullif(rt.typbasetype, 0), rt.oid) AS parent) AS base
    WHERE base.child <> base.parent
        AND NOT (base.child IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) AND base.parent IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype))
        AND NOT (base.child IN ('text'::regtype, 'varchar'::regtype) AND base.parent IN ('text'::regtype, 'varchar'::regtype))
    ORDER BY position
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'columns "%" and "%" are of incompatible types: % and %', wrong.child_name, wrong.parent_name, wrong.child_type, wrong.parent_type
            USING ERRCODE = 'datatype_mismatch';
    END IF;

    -- the key that is referenced; the pairs of columns take its order, so that its index finds them
    SELECT u.columns INTO key_columns FROM (
        SELECT u.columns, 1 AS preference, u.constraint_name
        FROM temporal.constraint AS u
        WHERE u.relation = add_foreign_key.references_table AND u.constraint_type = 'unique' AND u.predicate IS NULL AND NOT u.is_deferrable
            AND u.period = add_foreign_key.references_period
        UNION ALL
        SELECT temporal.column_names(references_table, n.conkey[:cardinality(n.conkey) - 1]), 2, n.conname
        FROM pg_constraint AS n
        WHERE n.conrelid = references_table AND n.contype IN ('p', 'u') AND NOT n.condeferrable AND (to_jsonb(n) ->> 'conperiod')::boolean
            AND temporal.column_names(references_table, n.conkey[cardinality(n.conkey):]) = ARRAY[add_foreign_key.references_period]) AS u
    WHERE u.columns @> add_foreign_key.references_columns AND u.columns <@ add_foreign_key.references_columns
        AND cardinality(u.columns) = cardinality(add_foreign_key.references_columns)
    ORDER BY u.columns <> add_foreign_key.references_columns, u.preference, u.constraint_name
    LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no temporal unique key matching given keys for referenced table %', references_table
            USING ERRCODE = 'invalid_foreign_key', DETAIL = format('Columns (%s), period "%s".', array_to_string(references_columns, ', '), references_period),
            HINT = 'Add one with temporal.add_unique; a deferrable or a partial key cannot be referenced.';
    END IF;
    SELECT array_agg(columns[k.place] ORDER BY k.position), array_agg(references_columns[k.place] ORDER BY k.position)
    INTO child_list, parent_list
    FROM (SELECT u.position, array_position(references_columns, u.name) AS place FROM unnest(key_columns) WITH ORDINALITY AS u(name, position)) AS k;

    result := coalesce(result, temporal.free_name(table_name, columns || child_period, 'fkey'));
    IF EXISTS (
        SELECT FROM pg_trigger AS g
        WHERE g.tgrelid IN (table_name, references_table)
            AND (g.tgname = result OR split_part(encode(g.tgargs, 'escape'), '\000', 1) = result AND g.tgconstrrelid IN (table_name, references_table))) THEN
        RAISE EXCEPTION 'constraint "%" for relation % already exists', result, table_name USING ERRCODE = 'duplicate_object';
    END IF;
    PERFORM temporal.ensure_index(table_name, child_list, period);
    PERFORM temporal.ensure_index(references_table, parent_list, references_period);
    PERFORM temporal.ensure_statement_triggers(table_name, '{}');
    PERFORM temporal.foreign_key_create(table_name, child_list || child_period, references_table, parent_list || references_period,
        on_delete, is_deferrable, initially_deferred, result, temporal.free_name(references_table, ARRAY[result], 'ref'));
    RETURN result;
END
$add_foreign_key$;
REVOKE ALL ON FUNCTION temporal.add_foreign_key(regclass, name[], regclass, name[], name, name, text, boolean, boolean, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.add_foreign_key(regclass, name[], regclass, name[], name, name, text, boolean, boolean, name) TO PUBLIC;
COMMENT ON FUNCTION temporal.add_foreign_key(regclass, name[], regclass, name[], name, name, text, boolean, boolean, name) IS
    'Each row''s period must be covered by the referenced table''s slices with the same key; with period NULL, the key must exist at some time. '
    'Rows with a NULL key are free. Returns the name. on_delete "no action" refuses with 23503 what would leave a row uncovered; "cascade" takes '
    'exactly the lost time from it. Rows that are there are checked. Needs ownership of the table and REFERENCES on the other, 42501; a temporal '
    'unique key over the referenced columns, not deferrable, not partial, 42830.';

-- Adds the key unless the table has a temporal key of that name; true when it was added.
CREATE OR REPLACE FUNCTION temporal.ensure_foreign_key(
    constraint_name name, table_name regclass, columns name[], references_table regclass, references_columns name[],
    period name DEFAULT 'valid_range', references_period name DEFAULT 'valid_range',
    on_delete text DEFAULT 'no action', is_deferrable boolean DEFAULT false, initially_deferred boolean DEFAULT false) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $ensure_foreign_key$
BEGIN
    IF constraint_name IS NULL THEN
        RAISE EXCEPTION 'constraint_name must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF EXISTS (
        SELECT FROM temporal.constraint AS c
        WHERE c.relation = ensure_foreign_key.table_name AND c.constraint_name = ensure_foreign_key.constraint_name) THEN
        PERFORM temporal.ensure_foreign_key_indexes(table_name, constraint_name);
        RETURN false;
    END IF;
    PERFORM temporal.add_foreign_key(table_name, columns, references_table, references_columns, period, references_period,
        on_delete, is_deferrable, initially_deferred, constraint_name);
    RETURN true;
END
$ensure_foreign_key$;
REVOKE ALL ON FUNCTION temporal.ensure_foreign_key(name, regclass, name[], regclass, name[], name, name, text, boolean, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.ensure_foreign_key(name, regclass, name[], regclass, name[], name, name, text, boolean, boolean) TO PUBLIC;
COMMENT ON FUNCTION temporal.ensure_foreign_key(name, regclass, name[], regclass, name[], name, name, text, boolean, boolean)
    IS 'temporal.add_foreign_key unless the table has a temporal key of that name; true when it was added. The indexes of a key that is there are made when they are missing.';

-- Keys made by 0.1 and 0.2 were content with other indexes.
CREATE OR REPLACE FUNCTION temporal.ensure_foreign_key_indexes(table_name regclass, constraint_name name) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $ensure_foreign_key_indexes$
    SELECT temporal.ensure_index(c.relation, c.columns, c.period), temporal.ensure_index(c.references_relation, c.references_columns, c.references_period)
    FROM temporal.constraint AS c
    WHERE c.relation = ensure_foreign_key_indexes.table_name AND c.constraint_name = ensure_foreign_key_indexes.constraint_name AND c.constraint_type = 'foreign key'
$ensure_foreign_key_indexes$;
REVOKE ALL ON FUNCTION temporal.ensure_foreign_key_indexes(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.ensure_foreign_key_indexes(regclass, name) TO PUBLIC;
COMMENT ON FUNCTION temporal.ensure_foreign_key_indexes(regclass, name) IS
    'Makes the indexes that a temporal foreign key needs on both of its tables, unless they are there; nothing when there is no such key.';

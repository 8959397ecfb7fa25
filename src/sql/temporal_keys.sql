-- Temporal keys: unique keys over a period, and how all temporal keys are written down.
--
-- A unique key is a constraint trigger and a btree:
--   AFTER UPDATE OF <columns>, <period>, <columns of the predicate>  EXECUTE temporal.unique_key(<flags>)
--   (<columns>, from, until) where the period is generated from these two, else (<columns>, <period>)
-- A foreign key is a pair of constraint triggers with the same arguments (a name that never changes, the action on delete):
--   on the child   AFTER … UPDATE OF <columns>, <period> FROM <parent>  EXECUTE temporal.foreign_key_child
--   on the parent  AFTER … UPDATE OF <columns>, <period> FROM <child>   EXECUTE temporal.foreign_key_parent
-- The column lists live in UPDATE OF and in the index, the predicate in the index, the tables in FROM: PostgreSQL renames, dumps and
-- drops them with the tables, and refuses DROP COLUMN without CASCADE. Triggers of a deferrable key do the checking, row by row.
-- Otherwise they have WHEN (false) and only keep the definition, and the table has one set of statement triggers with transition
-- tables (temporal_key_insert, _update, _delete, _truncate) that check a statement's rows together.
--
-- The index is found: of the valid ones with these columns the one whose name the trigger was given when it was made, else one that was
-- not made for another key. So keys, columns, tables and indexes may be renamed. Flags: 'partial', the index has a predicate;
-- 'nulls not distinct'; 'index <name>', the one that was made with the key and is dropped with it; 'columns <n>', how many are before
-- the period, when a predicate's columns follow it.
--
-- Exclusion constraints with = on the columns and && on the period, and the WITHOUT OVERLAPS keys of 18, are temporal keys as well.

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
            '^([^(]*)\(((?:"(?:[^"]|"")+")|(?:[a-z_][a-z0-9_$]*)), ((?:"(?:[^"]|"")+")|(?:[a-z_][a-z0-9_$]*))(?:, ''\[\)''::text)?\)$');
        -- the function that makes a range has the name of its type
        IF parts IS NULL OR (parse_ident(parts[1]))[array_upper(parse_ident(parts[1]), 1)] <> (SELECT t.typname FROM pg_type AS t WHERE t.oid = range_type) THEN
            RAISE EXCEPTION 'period "%" of relation % is not generated from two columns', period, table_name
                USING ERRCODE = 'feature_not_supported', DETAIL = 'It is generated as ' || expression || '.';
        END IF;
        from_column := (parse_ident(parts[2]))[1];
        until_column := (parse_ident(parts[3]))[1];
    END IF;
END
$period_of$;
REVOKE ALL ON FUNCTION temporal.period_of(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.period_of(regclass, name) TO PUBLIC;
COMMENT ON FUNCTION temporal.period_of(regclass, name) IS
    'The range type of a period column, and the two columns it is generated from, or NULL. 42703 when there is no such column, 42804 when it is no range, '
    '0A000 when it is generated otherwise than as range(from, until). NULL for NULL.';

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
COMMENT ON FUNCTION temporal.column_numbers(regclass, name[]) IS 'The attribute numbers of columns, in the order of their names as given; 42703 for one that does not exist. NULL for NULL.';

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
COMMENT ON FUNCTION temporal.column_names(regclass, smallint[]) IS 'The names of columns by attribute number, in the order given. NULL for NULL.';

-- All temporal keys, read from the catalogue alone.
CREATE OR REPLACE VIEW temporal.constraint AS
WITH excluding AS (
    SELECT con.oid, con.conrelid, con.conname, con.conindid, con.conkey, con.condeferrable, con.condeferred,
        cardinality(con.conkey) AS width
    FROM pg_catalog.pg_constraint AS con
    WHERE con.conexclop IS NOT NULL
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
), unique_key AS (
    SELECT t.oid, t.tgrelid, t.tgname, t.tgdeferrable, t.tginitdeferred, t.tgattr::smallint[] AS numbers,
        coalesce(
            (pg_catalog.regexp_match(pg_catalog.encode(t.tgargs, 'escape'), '(?:^|\\000)columns ([0-9]{1,3})\\000'))[1]::integer,
            pg_catalog.array_length(t.tgattr::smallint[], 1) - 1) AS width,
        '\000'::bytea || t.tgargs AS flags
    FROM pg_catalog.pg_trigger AS t
    JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid AND p.proname = 'unique_key'
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace AND n.nspname = 'temporal'
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
SELECT n.nspname, r.relname, k.tgname, 'unique',
    (SELECT coalesce(pg_catalog.array_agg(a.attname ORDER BY u.position), '{}')
     FROM unnest(k.numbers) WITH ORDINALITY AS u(attnum, position)
     JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.tgrelid AND a.attnum = u.attnum WHERE u.position <= k.width),
    (SELECT a.attname FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = k.tgrelid AND a.attnum = (k.numbers)[k.width]),
    NULL, NULL, NULL, NULL, NULL,
    CASE WHEN position('\000partial\000'::bytea IN k.flags) > 0 THEN (
        SELECT pg_catalog.pg_get_expr(i.indpred, i.indrelid)
        FROM pg_catalog.pg_index AS i
        JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
        JOIN pg_catalog.pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
        WHERE i.indrelid = k.tgrelid AND i.indisvalid AND i.indpred IS NOT NULL AND i.indnkeyatts > k.width
            AND (i.indkey::smallint[])[0:k.width - 1] @> (k.numbers)[0:k.width - 1]
            AND (i.indkey::smallint[])[0:k.width - 1] <@ (k.numbers)[0:k.width - 1]
        ORDER BY position('\000index '::bytea || pg_catalog.convert_to(c.relname, pg_catalog.getdatabaseencoding()) || '\000'::bytea IN k.flags) > 0 DESC,
            EXISTS (
                SELECT FROM unique_key AS o
                WHERE o.tgrelid = k.tgrelid
                    AND position('\000index '::bytea || pg_catalog.convert_to(c.relname, pg_catalog.getdatabaseencoding()) || '\000'::bytea IN o.flags) > 0),
            c.oid
        LIMIT 1) END,
    position('\000nulls not distinct\000'::bytea IN k.flags) > 0, k.tgdeferrable, k.tginitdeferred, k.tgrelid::regclass, NULL
FROM unique_key AS k
JOIN pg_catalog.pg_class AS r ON r.oid = k.tgrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = r.relnamespace
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
COMMENT ON VIEW temporal.constraint IS
    'All temporal unique keys and foreign keys of this database, read from the catalogue. period is NULL for a regular table; the columns references_… and on_delete are NULL for a unique key.';

-- Adds a temporal unique key and returns its name.
CREATE OR REPLACE FUNCTION temporal.add_unique(
    table_name regclass, columns name[], period name DEFAULT 'valid_range', predicate text DEFAULT NULL,
    nulls_not_distinct boolean DEFAULT false, is_deferrable boolean DEFAULT false,
    initially_deferred boolean DEFAULT false, constraint_name name DEFAULT NULL) RETURNS name
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $add_unique$
DECLARE
    result name := constraint_name;
    index_columns name[];
    watched name[];
    flags text[];
    has_index boolean := false;
BEGIN
    IF table_name IS NULL OR columns IS NULL OR period IS NULL OR array_position(columns, NULL) IS NOT NULL
        OR nulls_not_distinct IS NULL OR is_deferrable IS NULL OR initially_deferred IS NULL THEN
        RAISE EXCEPTION 'only predicate and constraint_name may be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF initially_deferred AND NOT is_deferrable THEN
        RAISE EXCEPTION 'constraint declared initially deferred must be deferrable' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    index_columns := temporal.unique_columns(table_name, columns, period);
    IF result IS NULL THEN
        result := temporal.free_name(table_name, columns || period, 'excl');
    ELSIF EXISTS (SELECT FROM pg_constraint AS c WHERE c.conrelid = table_name AND c.conname = result)
        OR EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = table_name AND t.tgname = result) THEN
        RAISE EXCEPTION 'constraint "%" for relation % already exists', result, table_name USING ERRCODE = 'duplicate_object';
    END IF;
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', table_name);
    -- an index of that name is what DROP EXTENSION … CASCADE has left of the key
    IF EXISTS (
        SELECT FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
        WHERE i.indrelid = table_name AND c.relname = result
            AND (temporal.column_names(table_name, i.indkey::smallint[]))[1:i.indnkeyatts] = index_columns) THEN
        EXECUTE format('DROP INDEX %I.%I', (SELECT n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = table_name), result);
    END IF;
    IF predicate IS NULL THEN
        has_index := EXISTS (
            SELECT FROM pg_index AS i
            JOIN pg_class AS c ON c.oid = i.indexrelid
            JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
            WHERE i.indrelid = table_name AND i.indisvalid AND i.indisunique AND i.indpred IS NULL
                AND i.indnkeyatts = cardinality(index_columns)
                AND (temporal.column_names(table_name, i.indkey::smallint[]))[1:i.indnkeyatts] = index_columns
                -- with its own order and collation: a walk searches by those of the columns
                AND NOT EXISTS (
                    SELECT FROM unnest(i.indclass::oid[], i.indcollation::oid[], i.indkey::smallint[]) AS k(opclass, collation_id, attnum)
                    JOIN pg_opclass AS o ON o.oid = k.opclass
                    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                    WHERE NOT o.opcdefault OR a.attcollation <> k.collation_id));
    END IF;
    flags := array_remove(ARRAY[
        CASE WHEN predicate IS NOT NULL THEN 'partial' END,
        CASE WHEN nulls_not_distinct THEN 'nulls not distinct' END,
        CASE WHEN NOT has_index THEN 'index ' || result END,
        CASE WHEN predicate IS NOT NULL THEN 'columns ' || cardinality(columns) END], NULL);
    IF NOT has_index THEN
        EXECUTE format('CREATE %s INDEX %I ON %s (%s)%s%s', CASE WHEN is_deferrable THEN '' ELSE 'UNIQUE' END, result, table_name,
            (SELECT string_agg(quote_ident(a.attname) || CASE WHEN a.attnotnull OR c.position <= cardinality(columns) THEN '' ELSE ' NULLS FIRST' END,
                ', ' ORDER BY c.position)
             FROM unnest(index_columns) WITH ORDINALITY AS c(name, position)
             JOIN pg_attribute AS a ON a.attrelid = table_name AND a.attname = c.name),
            CASE WHEN nulls_not_distinct AND NOT is_deferrable THEN ' NULLS NOT DISTINCT' ELSE '' END,
            ' WHERE (' || predicate || ')');
    END IF;
    -- a row may begin to count, or cease, by a column of the predicate
    SELECT columns || period || coalesce(array_agg(a.attname ORDER BY a.attnum), '{}') INTO watched
    FROM pg_attribute AS a
    WHERE predicate IS NOT NULL AND a.attrelid = table_name AND a.attname <> ALL (index_columns || period) AND a.attnum IN (
        SELECT d.refobjsubid FROM pg_depend AS d
        WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = table_name
            AND d.objid = (SELECT i.indexrelid FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
                           WHERE i.indrelid = table_name AND c.relname = result));
    EXECUTE format('CREATE CONSTRAINT TRIGGER %I AFTER %s UPDATE OF %s ON %s %s FOR EACH ROW %s EXECUTE FUNCTION temporal.unique_key(%s)',
        result, CASE WHEN is_deferrable THEN 'INSERT OR' ELSE '' END,
        (SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.position) FROM unnest(watched) WITH ORDINALITY AS c(name, position)),
        table_name,
        CASE WHEN NOT is_deferrable THEN 'NOT DEFERRABLE' WHEN initially_deferred THEN 'DEFERRABLE INITIALLY DEFERRED' ELSE 'DEFERRABLE INITIALLY IMMEDIATE' END,
        CASE WHEN is_deferrable THEN '' ELSE 'WHEN (false)' END,
        (SELECT string_agg(quote_literal(f.flag), ', ' ORDER BY f.position) FROM unnest(flags) WITH ORDINALITY AS f(flag, position)));
    -- of a deferrable key for the rows that a BEFORE trigger changes behind the statement's back
    PERFORM temporal.ensure_statement_triggers(table_name,
        CASE WHEN is_deferrable THEN '{update}' ELSE '{insert,update}' END::text[]);
    PERFORM temporal.unique_key_validate(table_name, result);
    RETURN result;
END
$add_unique$;
REVOKE ALL ON FUNCTION temporal.add_unique(regclass, name[], name, text, boolean, boolean, boolean, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.add_unique(regclass, name[], name, text, boolean, boolean, boolean, name) TO PUBLIC;
COMMENT ON FUNCTION temporal.add_unique(regclass, name[], name, text, boolean, boolean, boolean, name) IS
    'No two rows, of those that the predicate is true for, with equal columns have overlapping periods: 23P01, or 23505 for an equal period. '
    'Rows with a NULL column are free unless nulls_not_distinct; rows with an empty period, or none, always (two equal ones only of a deferrable key: '
    'the btree is unique otherwise, and also refuses a slice that equals one which the same UPDATE is still to move). Returns the name. A unique btree over '
    'these columns and the period that is there is used, otherwise one is made. Rows that are there are checked. Ownership needed, 42501; '
    'plain tables only, 0A000 for partitioned ones and partitions.';

-- What add_unique demands of a table and its columns; the columns of the index that it needs.
CREATE OR REPLACE FUNCTION temporal.unique_columns(table_name regclass, columns name[], period name) RETURNS name[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $unique_columns$
DECLARE
    kind record;
    bounds record;
    missing text;
BEGIN
    SELECT c.relkind, c.relispartition, c.relname, c.relowner INTO kind FROM pg_class AS c WHERE c.oid = table_name;
    IF kind.relkind = 'p' OR kind.relispartition THEN
        RAISE EXCEPTION 'temporal keys are not supported on % "%"', CASE WHEN kind.relkind = 'p' THEN 'partitioned table' ELSE 'partition' END, kind.relname
            USING ERRCODE = 'feature_not_supported', DETAIL = 'A key over several tables could not be checked by one index.';
    ELSIF kind.relkind IS DISTINCT FROM 'r' THEN
        RAISE EXCEPTION '"%" is not a table', table_name USING ERRCODE = 'wrong_object_type';
    ELSIF NOT pg_has_role(kind.relowner, 'USAGE') THEN
        RAISE EXCEPTION 'must be owner of table %', kind.relname USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF cardinality(columns) > 29 THEN
        RAISE EXCEPTION 'a temporal key has at most 29 columns' USING ERRCODE = 'too_many_columns';
    END IF;
    PERFORM temporal.column_numbers(table_name, columns);
    IF period = ANY (columns) OR cardinality(columns) <> (SELECT count(DISTINCT c.name) FROM unnest(columns) AS c(name)) THEN
        RAISE EXCEPTION 'a column appears twice in temporal key' USING ERRCODE = 'duplicate_column';
    END IF;
    bounds := temporal.period_of(table_name, period);
    SELECT string_agg(format('"%s" of type %s', a.attname, a.atttypid::regtype), ', ') INTO missing
    FROM pg_attribute AS a
    WHERE a.attrelid = table_name AND a.attname = ANY (columns) AND a.attnum > 0
        AND NOT temporal.has_order(a.atttypid);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'temporal keys need a btree order, which column % has not', missing USING ERRCODE = 'undefined_object';
    END IF;
    RETURN columns || CASE WHEN bounds.from_column IS NULL THEN ARRAY[period] ELSE ARRAY[bounds.from_column, bounds.until_column] END;
END
$unique_columns$;
REVOKE ALL ON FUNCTION temporal.unique_columns(regclass, name[], name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.unique_columns(regclass, name[], name) TO PUBLIC;
COMMENT ON FUNCTION temporal.unique_columns(regclass, name[], name) IS
    'The index columns of a temporal unique key: its columns, then the two that the period is generated from, or the period. '
    '0A000, 42809, 42501, 54011, 42703, 42701, 42804 or 42704 for what cannot be a key.';

-- A key's trigger: checks a row of a deferrable key, and holds the definition of any other.
CREATE OR REPLACE FUNCTION temporal.unique_key() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_temporal_unique_key';
REVOKE ALL ON FUNCTION temporal.unique_key() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.unique_key() TO PUBLIC;
COMMENT ON FUNCTION temporal.unique_key() IS 'Constraint trigger of a temporal unique key, named as the key: use temporal.add_unique.';

CREATE OR REPLACE FUNCTION temporal.unique_key_validate(table_name regclass, constraint_name name) RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'statbus_temporal_unique_key_validate';
REVOKE ALL ON FUNCTION temporal.unique_key_validate(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.unique_key_validate(regclass, name) TO PUBLIC;
COMMENT ON FUNCTION temporal.unique_key_validate(regclass, name) IS
    'Checks all rows of a temporal unique key by one walk over its index: 23P01 for the first two rows that overlap, '
    '42704 when there is no such key, 42501 unless the caller owns the table.';

-- Checks a key for all rows that are there: after its triggers were disabled, or did not fire on a replica.
CREATE OR REPLACE FUNCTION temporal.validate_constraint(table_name regclass, constraint_name name) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $validate_constraint$
DECLARE
    k record;
BEGIN
    IF table_name IS NULL OR constraint_name IS NULL THEN
        RAISE EXCEPTION 'table_name and constraint_name must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT c.constraint_type,
        EXISTS (SELECT FROM pg_constraint AS n WHERE n.conrelid = c.relation AND n.conname = c.constraint_name AND n.conexclop IS NOT NULL) AS is_native
    INTO k FROM temporal.constraint AS c
    WHERE c.relation = validate_constraint.table_name AND c.constraint_name = validate_constraint.constraint_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'temporal key "%" of relation % does not exist', constraint_name, table_name USING ERRCODE = 'undefined_object';
    ELSIF k.constraint_type = 'foreign key' THEN
        PERFORM temporal.foreign_key_validate(table_name, constraint_name);
    ELSIF NOT k.is_native THEN
        PERFORM temporal.unique_key_validate(table_name, constraint_name);
    END IF;
END
$validate_constraint$;
REVOKE ALL ON FUNCTION temporal.validate_constraint(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.validate_constraint(regclass, name) TO PUBLIC;
COMMENT ON FUNCTION temporal.validate_constraint(regclass, name) IS
    'Checks all rows of a temporal key, unique or foreign: 23P01 or 23503 for the first that is wrong, 42704 when there is no such key, '
    '42501 unless the caller owns the table. Nothing to do for an exclusion constraint, which no setting can switch off.';

-- True when values of a type have a btree order of their own.
CREATE OR REPLACE FUNCTION temporal.has_order(type_id oid) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_temporal_has_order';
REVOKE ALL ON FUNCTION temporal.has_order(oid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.has_order(oid) TO PUBLIC;
COMMENT ON FUNCTION temporal.has_order(oid) IS 'True when a type has a default btree operator class, so that it can be a column of a temporal key. NULL for NULL.';

-- Makes the statement triggers of a table for some events, unless they are there.
CREATE OR REPLACE FUNCTION temporal.ensure_statement_triggers(table_name regclass, events text[]) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $ensure_statement_triggers$
DECLARE
    e record;
BEGIN
    FOR e IN
        SELECT v.event, v.referencing
        FROM (VALUES
            ('insert', 'REFERENCING NEW TABLE AS new_rows'),
            ('update', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'),
            ('delete', 'REFERENCING OLD TABLE AS old_rows'),
            ('truncate', '')) AS v(event, referencing)
        WHERE v.event = ANY (events) AND NOT EXISTS (
            SELECT FROM pg_trigger AS g
            JOIN pg_proc AS p ON p.oid = g.tgfoid AND p.proname IN ('key_statement', 'foreign_key_statement')
            JOIN pg_namespace AS n ON n.oid = p.pronamespace AND n.nspname = 'temporal'
            WHERE g.tgrelid = table_name AND g.tgname = 'temporal_key_' || v.event)
    LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION temporal.key_statement()',
            'temporal_key_' || e.event, e.event, table_name, e.referencing);
    END LOOP;
    -- Statement triggers fire for the table that a statement names: a keyed table must not become part of another one. A row trigger
    -- with a transition table keeps ATTACH PARTITION and INHERIT away; it never fires.
    IF NOT EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgrelid = table_name AND g.tgname = 'temporal_key_alone') THEN
        EXECUTE format('CREATE TRIGGER temporal_key_alone AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows FOR EACH ROW WHEN (false)'
            ' EXECUTE FUNCTION temporal.key_statement()', table_name);
    END IF;
END
$ensure_statement_triggers$;
REVOKE ALL ON FUNCTION temporal.ensure_statement_triggers(regclass, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.ensure_statement_triggers(regclass, text[]) TO PUBLIC;
COMMENT ON FUNCTION temporal.ensure_statement_triggers(regclass, text[]) IS
    'Makes the triggers temporal_key_<event> of a table that has temporal keys; the caller needs the right to make triggers';

-- The statement trigger of all temporal keys of a table that are not deferrable: temporal_key_insert, _update, _delete, _truncate.
CREATE OR REPLACE FUNCTION temporal.key_statement() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_temporal_key_statement';
REVOKE ALL ON FUNCTION temporal.key_statement() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.key_statement() TO PUBLIC;
COMMENT ON FUNCTION temporal.key_statement() IS 'Statement trigger that checks the temporal keys of a table, by the name of temporal_key_<event>: use temporal.add_unique or add_foreign_key.';

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
COMMENT ON FUNCTION temporal.free_name(regclass, name[], text) IS 'A name of at most 63 bytes, made of the table''s, parts and suffix, that no constraint, trigger or index there has. NULL for NULL.';

-- Drops a temporal key. A unique key that a temporal foreign key needs is kept, with 2BP01.
CREATE OR REPLACE FUNCTION temporal.drop_constraint(table_name regclass, constraint_name name) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $drop_constraint$
DECLARE
    k record;
    needed name;
    own_index regclass;
    t record;
BEGIN
    IF table_name IS NULL OR constraint_name IS NULL THEN
        RAISE EXCEPTION 'table_name and constraint_name must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
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
        IF EXISTS (SELECT FROM pg_constraint AS n WHERE n.conrelid = table_name AND n.conname = k.constraint_name AND n.conexclop IS NOT NULL) THEN
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', table_name, constraint_name);
            RETURN;
        END IF;
    END IF;
    own_index := temporal.drop_key_triggers(table_name, constraint_name);
    -- the index goes with the key it was made for, unless another key looks into it
    IF own_index IS NOT NULL AND NOT EXISTS (
        SELECT FROM temporal.constraint AS o
        WHERE o.relation = k.relation AND o.columns @> k.columns AND o.columns <@ k.columns
            AND (o.constraint_type = 'foreign key' OR o.predicate IS NOT DISTINCT FROM k.predicate)
            OR o.references_relation = k.relation AND o.references_columns @> k.columns AND o.references_columns <@ k.columns) THEN
        EXECUTE format('DROP INDEX %s', own_index);
        -- a foreign key over the first of its columns may have been content with it
        PERFORM temporal.ensure_index(o.relation, o.columns, o.period)
        FROM temporal.constraint AS o
        WHERE o.relation = k.relation AND o.constraint_type = 'foreign key' AND o.columns <@ k.columns;
    END IF;
    -- the statement triggers go with the last key that needs them
    FOR t IN
        SELECT g.tgname, g.tgrelid
        FROM pg_trigger AS g
        JOIN pg_class AS c ON c.oid = g.tgrelid AND pg_has_role(c.relowner, 'USAGE')
        WHERE g.tgrelid IN (k.relation, k.references_relation)
            AND g.tgfoid IN ('temporal.key_statement()'::regprocedure, 'temporal.foreign_key_statement()'::regprocedure)
            AND NOT EXISTS (
                SELECT FROM pg_trigger AS o
                WHERE o.tgrelid = g.tgrelid AND CASE o.tgfoid
                    WHEN 'temporal.unique_key()'::regprocedure THEN g.tgname IN ('temporal_key_insert', 'temporal_key_update', 'temporal_key_alone')
                    WHEN 'temporal.foreign_key_child()'::regprocedure THEN g.tgname IN ('temporal_key_insert', 'temporal_key_update', 'temporal_key_alone')
                    WHEN 'temporal.foreign_key_parent()'::regprocedure THEN g.tgname IN ('temporal_key_update', 'temporal_key_delete', 'temporal_key_truncate')
                    ELSE false END)
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass);
    END LOOP;
END
$drop_constraint$;
REVOKE ALL ON FUNCTION temporal.drop_constraint(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.drop_constraint(regclass, name) TO PUBLIC;
COMMENT ON FUNCTION temporal.drop_constraint(regclass, name) IS
    'Drops a temporal key of the table, with the index that was made for it. 42704 when there is none of that name, 2BP01 when a temporal foreign key '
    'needs it, 42501 unless the caller owns the table.';

-- The part of drop_constraint that needs C: of a foreign key the parent's trigger goes too, whoever owns the parent.
CREATE OR REPLACE FUNCTION temporal.drop_key_triggers(table_name regclass, constraint_name name) RETURNS regclass
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_temporal_drop_key_triggers';
REVOKE ALL ON FUNCTION temporal.drop_key_triggers(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.drop_key_triggers(regclass, name) TO PUBLIC;
COMMENT ON FUNCTION temporal.drop_key_triggers(regclass, name) IS
    'Drops the constraint triggers of a temporal key: use drop_constraint. The index that was made for a unique key, or NULL. 42704 when there is no such '
    'key, 42501 unless the caller owns the table.';

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
COMMENT ON FUNCTION temporal.ensure_unique(name, regclass, name[], name, text, boolean, boolean, boolean) IS
    'temporal.add_unique unless the table has a temporal key of that name, whatever its columns; true when it was added. 22004 for a NULL name, else errors as temporal.add_unique.';

-- Portions of time: views through which a plain UPDATE changes a part of a slice, and functions that remove a part of an entity.
--
-- The view <table>__for_portion_of_valid has the table's columns. Its row trigger only collects: the entity, the part of time, and the
-- columns that changed. A statement trigger then merges all of them at once (src/portion_sql.c).

-- The period of a table: valid_range if it has one, else the period of its first temporal unique key, else the range column of its primary key.
CREATE OR REPLACE FUNCTION temporal.portion_period(table_name regclass) RETURNS name
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $portion_period$
DECLARE
    result name;
BEGIN
    IF EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = table_name AND a.attname = 'valid_range' AND NOT a.attisdropped) THEN
        RETURN 'valid_range';
    END IF;
    SELECT u.period INTO result FROM temporal.constraint AS u WHERE u.relation = portion_period.table_name AND u.constraint_type = 'unique'
    ORDER BY u.predicate IS NOT NULL, cardinality(u.columns), u.constraint_name LIMIT 1;
    IF result IS NULL THEN
        SELECT a.attname INTO result
        FROM pg_constraint AS c JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
        JOIN pg_range AS r ON r.rngtypid = a.atttypid WHERE c.conrelid = table_name AND c.contype = 'p'
        ORDER BY array_position(c.conkey, a.attnum) DESC LIMIT 1;
    END IF;
    RETURN coalesce(result, 'valid_range');
END
$portion_period$;
REVOKE ALL ON FUNCTION temporal.portion_period(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.portion_period(regclass) TO PUBLIC;
COMMENT ON FUNCTION temporal.portion_period(regclass) IS
    'The period of a table for portions: valid_range, else that of its first temporal unique key, else the range column of its primary key; valid_range when there is none. NULL for NULL.';

-- The columns that identify an entity of a temporal table: its primary key without the period, else its first temporal unique key. A
-- primary key without the period identifies slices, not entities.
CREATE OR REPLACE FUNCTION temporal.identity_of(table_name regclass, period name) RETURNS name[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $identity_of$
DECLARE
    span record := temporal.period_of(table_name, period);
    result name[];
BEGIN
    SELECT array_agg(k.attname ORDER BY k.position) FILTER (WHERE NOT k.is_period) INTO result
    FROM (
        SELECT k.position, a.attname, a.attname = period OR coalesce(a.attname IN (span.from_column, span.until_column), false) AS is_period
        FROM pg_constraint AS c
        CROSS JOIN LATERAL unnest(c.conkey) WITH ORDINALITY AS k(attnum, position)
        JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.attnum
        WHERE c.conrelid = table_name AND c.contype = 'p') AS k
    HAVING bool_or(k.is_period);
    IF result IS NULL THEN
        SELECT u.columns INTO result FROM temporal.constraint AS u
        WHERE u.relation = identity_of.table_name AND u.constraint_type = 'unique' AND u.predicate IS NULL AND u.period = identity_of.period
        ORDER BY cardinality(u.columns), u.constraint_name LIMIT 1;
    END IF;
    IF result IS NULL THEN
        RAISE EXCEPTION 'relation % has neither a primary key with period "%" nor a temporal unique key', table_name, period
            USING ERRCODE = 'invalid_table_definition';
    END IF;
    RETURN result;
END
$identity_of$;
REVOKE ALL ON FUNCTION temporal.identity_of(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.identity_of(regclass, name) TO PUBLIC;
COMMENT ON FUNCTION temporal.identity_of(regclass, name) IS
    'The columns that identify an entity: those of the primary key without the period, else of the first temporal unique key; 42P16 when there is neither. NULL for NULL.';

-- Triggers of portion views. Their names and arguments are those of the views that version 0.1 made, and so are these functions.
CREATE OR REPLACE FUNCTION temporal.portion_row() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_portion_row';
REVOKE ALL ON FUNCTION temporal.portion_row() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.portion_row() TO PUBLIC;
COMMENT ON FUNCTION temporal.portion_row() IS
    'INSTEAD OF row trigger of a portion view: collects what changed of a slice; its argument is the period. Use temporal.add_portion_view.';

CREATE OR REPLACE FUNCTION temporal.portion_statement() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'statbus_portion_statement';
REVOKE ALL ON FUNCTION temporal.portion_statement() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.portion_statement() TO PUBLIC;
COMMENT ON FUNCTION temporal.portion_statement() IS
    'BEFORE and AFTER statement trigger of a portion view: merges what its row trigger collected; its arguments are the period and the ephemeral columns. Use temporal.add_portion_view.';

-- Makes or remakes <table>__for_portion_of_valid and returns it. Ephemeral columns never make two slices different.
CREATE OR REPLACE FUNCTION temporal.add_portion_view(table_name regclass, view_schema name DEFAULT NULL, ephemeral_columns name[] DEFAULT '{}')
RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $add_portion_view$
DECLARE
    own record;
    view_name text;
    period name;
    renamed record;
BEGIN
    IF table_name IS NULL THEN
        RAISE EXCEPTION 'table must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT c.relname, n.nspname INTO own FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = table_name;
    period := temporal.portion_period(table_name);
    PERFORM temporal.identity_of(table_name, period), temporal.column_numbers(table_name, coalesce(ephemeral_columns, '{}'));
    IF octet_length(own.relname || '__for_portion_of_valid') > 63 THEN
        RAISE EXCEPTION 'name of table "%" is too long for a portion view', own.relname USING ERRCODE = 'name_too_long';
    END IF;
    view_name := format('%I.%I', coalesce(view_schema, own.nspname), own.relname || '__for_portion_of_valid');
    -- CREATE OR REPLACE VIEW keeps the names of columns: those renamed in the table are renamed here, by way of names that nobody has
    FOR renamed IN
        WITH pair AS (
            SELECT v.was, t.wanted, v.position
            FROM (SELECT a.attname AS was, row_number() OVER (ORDER BY a.attnum) AS position FROM pg_attribute AS a
                WHERE a.attrelid = to_regclass(view_name) AND a.attnum > 0 AND NOT a.attisdropped) AS v
            JOIN (SELECT a.attname AS wanted, row_number() OVER (ORDER BY a.attnum) AS position FROM pg_attribute AS a
                WHERE a.attrelid = table_name AND a.attnum > 0 AND NOT a.attisdropped) AS t USING (position)
            WHERE v.was <> t.wanted)
        SELECT 1 AS step, p.was, 'temporal renamed ' || p.position AS wanted FROM pair AS p
        UNION ALL SELECT 2, 'temporal renamed ' || p.position, p.wanted FROM pair AS p ORDER BY 1
    LOOP
        EXECUTE format('ALTER VIEW %s RENAME COLUMN %I TO %I', view_name, renamed.was, renamed.wanted);
    END LOOP;
    EXECUTE format('CREATE OR REPLACE VIEW %s WITH (security_invoker = true) AS SELECT %s FROM %s AS b', view_name,
        (SELECT string_agg(format('b.%I', a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute AS a
         WHERE a.attrelid = table_name AND a.attnum > 0 AND NOT a.attisdropped), table_name);
    EXECUTE format('CREATE OR REPLACE TRIGGER collect INSTEAD OF INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION temporal.portion_row(%L)',
        view_name, period);
    EXECUTE format('CREATE OR REPLACE TRIGGER prepare BEFORE UPDATE OR DELETE ON %s FOR EACH STATEMENT EXECUTE FUNCTION temporal.portion_statement(%L, %L)',
        view_name, period, coalesce(ephemeral_columns, '{}'));
    EXECUTE format('CREATE OR REPLACE TRIGGER apply AFTER UPDATE OR DELETE ON %s FOR EACH STATEMENT EXECUTE FUNCTION temporal.portion_statement(%L, %L)',
        view_name, period, coalesce(ephemeral_columns, '{}'));
    RETURN view_name::regclass;
END
$add_portion_view$;
REVOKE ALL ON FUNCTION temporal.add_portion_view(regclass, name, name[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.add_portion_view(regclass, name, name[]) TO PUBLIC;
COMMENT ON FUNCTION temporal.add_portion_view(regclass, name, name[]) IS
    'Makes or remakes a view, <table>__for_portion_of_valid in the table''s schema or view_schema, whose UPDATE changes a portion of time, and returns it. Ephemeral columns never make two slices different. '
    '22004 for a NULL table, 42622 for a name too long, 42703 for columns that do not exist, 42P16 for a table without a key over time. Source: doc/temporal.md';

-- Removes a part of one entity's time; returns the number of slices it concerned.
CREATE OR REPLACE FUNCTION temporal.delete_portion(table_name regclass, identity jsonb, portion anyrange) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'statbus_delete_portion';
REVOKE ALL ON FUNCTION temporal.delete_portion(regclass, jsonb, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.delete_portion(regclass, jsonb, anyrange) TO PUBLIC;
COMMENT ON FUNCTION temporal.delete_portion(regclass, jsonb, anyrange) IS
    'Removes a part of one entity''s time; returns how many slices it concerned. identity gives each identity column, like {"id": 7}; 22004 for a NULL, 22023 for another identity or an empty portion, 42804 for another type than the period''s';

CREATE OR REPLACE FUNCTION temporal.delete_portion(table_name regclass, identity jsonb, valid_from date, valid_until date) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'statbus_delete_portion_days';
REVOKE ALL ON FUNCTION temporal.delete_portion(regclass, jsonb, date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.delete_portion(regclass, jsonb, date, date) TO PUBLIC;
COMMENT ON FUNCTION temporal.delete_portion(regclass, jsonb, date, date) IS
    'Removes the days from valid_from to the day before valid_until from one entity; returns how many slices it concerned. Errors as temporal.delete_portion of a range';

-- Temporal foreign keys. How they are written down in the catalogue: temporal_keys.sql.

-- The query that finds one violation of a foreign key among changed children. `changed` is a query with the child's key columns
-- as k1, k2 … and, when the child has a period, its period as per. The parent's slices it relies on are locked, so that nobody takes
-- them away before this transaction ends: with FOR KEY SHARE where a unique index holds the period's bounds, so that an update of them is a
-- key update, otherwise with FOR SHARE.
CREATE OR REPLACE FUNCTION temporal.foreign_key_query(
    parent regclass, parent_columns name[], has_period boolean, changed text, take_locks boolean) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $foreign_key_query$
DECLARE
    width integer := cardinality(parent_columns) - 1;
    period name := parent_columns[cardinality(parent_columns)];
    parent_keys text;
    keys text;
    joined text;
    shown text;
    bounds record;
    strength text := '';
BEGIN
    SELECT string_agg(format('p.%I AS k%s', c.name, c.position), ', ' ORDER BY c.position),
        string_agg(format('k%s', c.position), ', ' ORDER BY c.position),
        string_agg(format('c.k%s = p.%I', c.position, c.name), ' AND ' ORDER BY c.position),
        string_agg(format('c.k%s', c.position), ', ' ORDER BY c.position)
    INTO parent_keys, keys, joined, shown
    FROM unnest(parent_columns[1:width]) WITH ORDINALITY AS c(name, position);
    IF take_locks THEN
        bounds := temporal.period_of(parent, period);
        strength := CASE WHEN EXISTS (
            SELECT FROM pg_index AS i
            WHERE i.indrelid = parent AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
                AND temporal.column_numbers(parent, CASE WHEN bounds.from_column IS NULL THEN ARRAY[period]
                    ELSE ARRAY[bounds.from_column, bounds.until_column] END) <@ i.indkey::smallint[])
            THEN ' FOR KEY SHARE OF p' ELSE ' FOR SHARE OF p' END;
    END IF;
    -- whatever is covered was changed: the full join is an inner or left one, but never a nested loop, whatever the estimates
    IF has_period THEN
        RETURN format(
            'WITH changed AS MATERIALIZED (%1$s), relied_on AS MATERIALIZED (SELECT %2$s, p.%3$I AS per FROM %4$s AS p'
            ' WHERE EXISTS (SELECT FROM changed AS c WHERE %5$s AND c.per && p.%3$I)%6$s),'
            ' covered AS (SELECT %7$s, range_agg(per) AS pers FROM relied_on GROUP BY %7$s)'
            ' SELECT concat_ws('', '', %8$s), c.per::text FROM changed AS c FULL JOIN covered AS v USING (%7$s)'
            ' WHERE isempty(c.per) OR NOT coalesce(c.per <@ v.pers, false) LIMIT 1',
            changed, parent_keys, period, parent, joined, strength, keys, shown);
    END IF;
    RETURN format(
        'WITH changed AS MATERIALIZED (%1$s), relied_on AS MATERIALIZED (SELECT %2$s FROM %3$s AS p'
        ' WHERE EXISTS (SELECT FROM changed AS c WHERE %4$s) AND NOT isempty(p.%8$I)%5$s), covered AS (SELECT DISTINCT %6$s, true AS found FROM relied_on)'
        ' SELECT concat_ws('', '', %7$s), NULL::text FROM changed AS c FULL JOIN covered AS v USING (%6$s)'
        ' WHERE v.found IS NULL LIMIT 1',
        changed, parent_keys, parent, joined, strength, keys, shown, period);
END
$foreign_key_query$;
REVOKE ALL ON FUNCTION temporal.foreign_key_query(regclass, name[], boolean, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.foreign_key_query(regclass, name[], boolean, text, boolean) TO PUBLIC;
COMMENT ON FUNCTION temporal.foreign_key_query(regclass, name[], boolean, text, boolean) IS 'query text that finds a violation of a temporal foreign key';

-- Raises a violation of a foreign key.
CREATE OR REPLACE FUNCTION temporal.foreign_key_violated(
    constraint_name name, child regclass, child_columns name[], parent regclass, parent_columns name[], parent_changed boolean,
    key_values text, period text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $foreign_key_violated$
DECLARE
    child_schema name;
    child_table name;
    parent_table name;
    width integer := cardinality(parent_columns) - 1;
BEGIN
    SELECT n.nspname, c.relname INTO child_schema, child_table
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = child;
    SELECT c.relname INTO parent_table FROM pg_class AS c WHERE c.oid = parent;
    IF parent_changed THEN
        RAISE EXCEPTION 'update or delete on table "%" violates temporal foreign key "%" on table "%"', parent_table, constraint_name, child_table
            USING ERRCODE = 'foreign_key_violation', SCHEMA = child_schema, TABLE = child_table, CONSTRAINT = constraint_name,
            DETAIL = format('Key (%s)=(%s)%s is still referenced from table "%s".', array_to_string(parent_columns[1:width], ', '),
                key_values, coalesce(' during ' || period, ''), child_table);
    END IF;
    RAISE EXCEPTION 'insert or update on table "%" violates temporal foreign key "%"', child_table, constraint_name
        USING ERRCODE = 'foreign_key_violation', SCHEMA = child_schema, TABLE = child_table, CONSTRAINT = constraint_name,
        DETAIL = CASE WHEN period = 'empty' THEN format('Key (%s)=(%s) has an empty period.', array_to_string(child_columns[1:width], ', '), key_values)
            WHEN period IS NULL THEN format('Key (%s)=(%s) is never present in table "%s".', array_to_string(child_columns[1:width], ', '), key_values, parent_table)
            ELSE format('Key (%s)=(%s) is not present in table "%s" during all of %s.',
                array_to_string(child_columns[1:width], ', '), key_values, parent_table, period) END;
END
$foreign_key_violated$;
REVOKE ALL ON FUNCTION temporal.foreign_key_violated(name, regclass, name[], regclass, name[], boolean, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.foreign_key_violated(name, regclass, name[], regclass, name[], boolean, text, text) TO PUBLIC;
COMMENT ON FUNCTION temporal.foreign_key_violated(name, regclass, name[], regclass, name[], boolean, text, text) IS 'raises 23503 for a temporal foreign key';

-- Refuses tables that do not belong to superusers: the triggers below read tables as a superuser, and a table can carry code of its
-- owner (types with casts, expressions of indexes), which would then run as a superuser too.
CREATE OR REPLACE FUNCTION temporal.foreign_key_trusts(relations oid[]) RETURNS void
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $foreign_key_trusts$
DECLARE
    stranger regclass := (
        SELECT c.oid FROM pg_class AS c JOIN pg_roles AS r ON r.oid = c.relowner
        WHERE c.oid = ANY (relations) AND NOT r.rolsuper
        ORDER BY c.oid LIMIT 1);
BEGIN
    IF stranger IS NOT NULL THEN
        RAISE EXCEPTION 'temporal foreign keys are not supported on table % because it does not belong to a superuser', stranger
            USING ERRCODE = 'feature_not_supported', HINT = 'Give the table to a superuser with ALTER TABLE … OWNER TO.';
    END IF;
END
$foreign_key_trusts$;
REVOKE ALL ON FUNCTION temporal.foreign_key_trusts(oid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.foreign_key_trusts(oid[]) TO PUBLIC;
COMMENT ON FUNCTION temporal.foreign_key_trusts(oid[]) IS 'refuses tables whose owner is not a superuser';

-- Checks, after a statement, all not deferrable foreign keys that its table takes part in.
-- DEFINER: as a native key it must see all rows of both tables (row level security is for people), and lock the parent's rows, whatever
-- the writer may do there. It reads and locks only, compares with pg_catalog operators, and touches only tables of superusers, because
-- those of others can make it run their owner's code.
CREATE OR REPLACE FUNCTION temporal.foreign_key_statement() RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
SET enable_nestloop = on
AS $foreign_key_statement$
DECLARE
    k record;
    child_columns name[];
    parent_columns name[];
    width integer;
    changed text;
    query text;
    bad_values text;
    bad_period text;
BEGIN
    FOR k IN
        SELECT r.as_parent, c.tgname, c.tgrelid AS child, p.tgrelid AS parent, c.tgattr::smallint[] AS child_numbers,
            p.tgattr::smallint[] AS parent_numbers
        FROM pg_trigger AS t
        JOIN pg_trigger AS o ON o.tgrelid = t.tgconstrrelid AND o.tgconstrrelid = t.tgrelid AND o.tgargs = t.tgargs
            AND o.tgfoid <> t.tgfoid
        CROSS JOIN LATERAL (SELECT t.tgfoid = 'temporal.foreign_key_parent()'::regprocedure AS as_parent) AS r
        CROSS JOIN LATERAL (SELECT CASE WHEN r.as_parent THEN o.oid ELSE t.oid END AS child_trigger,
            CASE WHEN r.as_parent THEN t.oid ELSE o.oid END AS parent_trigger) AS ids
        JOIN pg_trigger AS c ON c.oid = ids.child_trigger
        JOIN pg_trigger AS p ON p.oid = ids.parent_trigger
        WHERE t.tgrelid = TG_RELID AND t.tgenabled <> 'D'
            AND t.tgfoid IN ('temporal.foreign_key_child()'::regprocedure, 'temporal.foreign_key_parent()'::regprocedure)
            AND o.tgfoid IN ('temporal.foreign_key_child()'::regprocedure, 'temporal.foreign_key_parent()'::regprocedure)
            AND (NOT t.tgdeferrable OR TG_OP = 'TRUNCATE')
            AND CASE TG_OP WHEN 'INSERT' THEN NOT r.as_parent WHEN 'UPDATE' THEN true ELSE r.as_parent END
        ORDER BY c.tgname, r.as_parent
    LOOP
        PERFORM temporal.foreign_key_trusts(ARRAY[k.child, k.parent]);
        width := cardinality(k.parent_numbers) - 1;
        child_columns := temporal.column_names(k.child::regclass, k.child_numbers);
        parent_columns := temporal.column_names(k.parent::regclass, k.parent_numbers);
        IF NOT k.as_parent THEN
            changed := temporal.foreign_key_rows('new_rows', child_columns, width, 'new_rows');
            IF TG_OP = 'UPDATE' THEN
                changed := changed || ' EXCEPT ' || temporal.foreign_key_rows('old_rows', child_columns, width, 'old_rows');
            END IF;
        ELSIF TG_OP = 'TRUNCATE' THEN
            changed := temporal.foreign_key_rows(k.child::regclass::text, child_columns, width, 'x');
        ELSE
            changed := temporal.foreign_key_rows('old_rows', parent_columns, width, 'old_rows');
            IF TG_OP = 'UPDATE' THEN
                changed := changed || ' EXCEPT ' || temporal.foreign_key_rows('new_rows', parent_columns, width, 'new_rows');
            END IF;
            changed := temporal.foreign_key_children(k.child::regclass, child_columns, width, changed);
        END IF;
        query := temporal.foreign_key_query(k.parent::regclass, parent_columns, cardinality(child_columns) > width, changed, TG_OP <> 'TRUNCATE');
        EXECUTE query INTO bad_values, bad_period;
        IF bad_values IS NOT NULL THEN
            -- look twice: a parent that was split while its lock was awaited shows its new slices only to a new snapshot
            EXECUTE query INTO bad_values, bad_period;
        END IF;
        IF bad_values IS NOT NULL THEN
            PERFORM temporal.foreign_key_violated(k.tgname, k.child::regclass, child_columns, k.parent::regclass, parent_columns,
                k.as_parent, bad_values, bad_period);
        END IF;
    END LOOP;
    RETURN NULL;
END
$foreign_key_statement$;
REVOKE ALL ON FUNCTION temporal.foreign_key_statement() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.foreign_key_statement() TO PUBLIC;
COMMENT ON FUNCTION temporal.foreign_key_statement() IS 'statement trigger of temporal foreign keys';

-- SELECT of the distinct keys (and period, when there is one more column than the width) of a relation, without NULLs.
CREATE OR REPLACE FUNCTION temporal.foreign_key_rows(relation text, columns name[], width integer, alias text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $foreign_key_rows$
    SELECT format('SELECT DISTINCT %s FROM %s AS %I WHERE %s',
        string_agg(format('%I.%I AS %s', alias, c.name, CASE WHEN c.position > width THEN 'per' ELSE 'k' || c.position END), ', ' ORDER BY c.position),
        relation, alias,
        string_agg(format('%I.%I IS NOT NULL', alias, c.name), ' AND ' ORDER BY c.position))
    FROM unnest(columns) WITH ORDINALITY AS c(name, position)
$foreign_key_rows$;
REVOKE ALL ON FUNCTION temporal.foreign_key_rows(text, name[], integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.foreign_key_rows(text, name[], integer, text) TO PUBLIC;
COMMENT ON FUNCTION temporal.foreign_key_rows(text, name[], integer, text) IS 'query text: keys and periods of a relation';

-- SELECT of the children that a set of parents' keys and periods (k1 … per) concerns.
CREATE OR REPLACE FUNCTION temporal.foreign_key_children(child regclass, columns name[], width integer, lost text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $foreign_key_children$
    SELECT format('SELECT DISTINCT %s FROM %s AS x JOIN (%s) AS o ON %s',
        string_agg(format('x.%I AS %s', c.name, CASE WHEN c.position > width THEN 'per' ELSE 'k' || c.position END), ', ' ORDER BY c.position),
        child, lost,
        string_agg(CASE WHEN c.position > width THEN format('x.%I && o.per', c.name) ELSE format('x.%I = o.k%s', c.name, c.position) END,
            ' AND ' ORDER BY c.position))
    FROM unnest(columns) WITH ORDINALITY AS c(name, position)
$foreign_key_children$;
REVOKE ALL ON FUNCTION temporal.foreign_key_children(regclass, name[], integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.foreign_key_children(regclass, name[], integer, text) TO PUBLIC;
COMMENT ON FUNCTION temporal.foreign_key_children(regclass, name[], integer, text) IS 'query text: children of lost parent slices';

-- Checks one child row of a deferrable foreign key. The row may be gone or changed by now: only what is in the table counts.
-- DEFINER: as foreign_key_statement.
CREATE OR REPLACE FUNCTION temporal.foreign_key_child() RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
SET enable_nestloop = on
AS $foreign_key_child$
BEGIN
    -- before the row is touched: to_jsonb calls casts
    PERFORM temporal.foreign_key_trusts(ARRAY[TG_RELID]);
    PERFORM temporal.foreign_key_check_row(TG_RELID, TG_NAME, to_jsonb(NEW), false);
    RETURN NULL;
END
$foreign_key_child$;
REVOKE ALL ON FUNCTION temporal.foreign_key_child() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.foreign_key_child() TO PUBLIC;
COMMENT ON FUNCTION temporal.foreign_key_child() IS 'constraint trigger on the child of a temporal foreign key';

-- Checks the children of one parent row of a deferrable foreign key that was deleted or changed.
-- DEFINER: as foreign_key_statement.
CREATE OR REPLACE FUNCTION temporal.foreign_key_parent() RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
SET enable_nestloop = on
AS $foreign_key_parent$
BEGIN
    -- before the row is touched: to_jsonb calls casts
    PERFORM temporal.foreign_key_trusts(ARRAY[TG_RELID]);
    PERFORM temporal.foreign_key_check_row(TG_RELID, TG_NAME, to_jsonb(OLD), true);
    RETURN NULL;
END
$foreign_key_parent$;
REVOKE ALL ON FUNCTION temporal.foreign_key_parent() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.foreign_key_parent() TO PUBLIC;
COMMENT ON FUNCTION temporal.foreign_key_parent() IS 'constraint trigger on the parent of a temporal foreign key';

-- The common part of the two: which children overlap the given row's key and period, and are they covered.
CREATE OR REPLACE FUNCTION temporal.foreign_key_check_row(relation oid, trigger_name name, old_or_new jsonb, as_parent boolean) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $foreign_key_check_row$
DECLARE
    k record;
    child_columns name[];
    parent_columns name[];
    own_columns name[];
    width integer;
    lost text;
    query text;
    bad_values text;
    bad_period text;
BEGIN
    SELECT CASE WHEN as_parent THEN o.tgname ELSE t.tgname END AS tgname,
        CASE WHEN as_parent THEN o.tgrelid ELSE t.tgrelid END AS child, CASE WHEN as_parent THEN t.tgrelid ELSE o.tgrelid END AS parent,
        CASE WHEN as_parent THEN o.tgattr ELSE t.tgattr END::smallint[] AS child_numbers,
        CASE WHEN as_parent THEN t.tgattr ELSE o.tgattr END::smallint[] AS parent_numbers
    INTO k
    FROM pg_trigger AS t
    JOIN pg_trigger AS o ON o.tgrelid = t.tgconstrrelid AND o.tgconstrrelid = t.tgrelid AND o.tgargs = t.tgargs AND o.oid <> t.oid
    WHERE t.tgrelid = relation AND t.tgname = trigger_name;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM temporal.foreign_key_trusts(ARRAY[k.child, k.parent]);
    width := cardinality(k.parent_numbers) - 1;
    child_columns := temporal.column_names(k.child::regclass, k.child_numbers);
    parent_columns := temporal.column_names(k.parent::regclass, k.parent_numbers);
    own_columns := CASE WHEN as_parent THEN parent_columns ELSE child_columns END;
    SELECT format('SELECT %s FROM jsonb_populate_record(NULL::%s, $1) AS n', string_agg(
        format('n.%I AS %s', c.name, CASE WHEN c.position > width THEN 'per' ELSE 'k' || c.position END), ', ' ORDER BY c.position), relation::regclass)
    INTO lost FROM unnest(own_columns) WITH ORDINALITY AS c(name, position);
    query := temporal.foreign_key_query(k.parent::regclass, parent_columns, cardinality(child_columns) > width,
        temporal.foreign_key_children(k.child::regclass, child_columns, width, lost), true);
    EXECUTE query INTO bad_values, bad_period USING old_or_new;
    IF bad_values IS NOT NULL THEN
        EXECUTE query INTO bad_values, bad_period USING old_or_new;
    END IF;
    IF bad_values IS NOT NULL THEN
        PERFORM temporal.foreign_key_violated(k.tgname, k.child::regclass, child_columns, k.parent::regclass, parent_columns, as_parent,
            bad_values, bad_period);
    END IF;
END
$foreign_key_check_row$;
REVOKE ALL ON FUNCTION temporal.foreign_key_check_row(oid, name, jsonb, boolean) FROM PUBLIC;
COMMENT ON FUNCTION temporal.foreign_key_check_row(oid, name, jsonb, boolean) IS 'checks one row of a deferrable temporal foreign key';

-- Makes a btree whose first columns are the given ones, unless an index that can find them is there.
CREATE OR REPLACE FUNCTION temporal.ensure_index(table_name regclass, columns name[], period name) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $ensure_index$
DECLARE
    numbers smallint[] := temporal.column_numbers(table_name, columns);
    bounds record;
    further text := '';
BEGIN
    PERFORM FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_am AS m ON m.oid = c.relam
    WHERE i.indrelid = table_name AND i.indisvalid AND m.amname IN ('btree', 'gist')
        AND (SELECT array_agg(u.attnum) FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS u(attnum, position)
             WHERE u.position <= cardinality(numbers)) @> numbers
        AND (i.indpred IS NULL OR replace(replace(pg_get_expr(i.indpred, i.indrelid), '(', ''), ')', '') = ANY (
             SELECT format('%I IS NOT NULL', c2.name) FROM unnest(columns) AS c2(name)));
    IF FOUND THEN
        RETURN;
    END IF;
    IF period IS NOT NULL THEN
        bounds := temporal.period_of(table_name, period);
        further := CASE WHEN bounds.from_column IS NULL THEN format(', %I', period)
            ELSE format(', %I, %I', bounds.from_column, bounds.until_column) END;
    END IF;
    EXECUTE format('CREATE INDEX %I ON %s (%s%s)', temporal.free_name(table_name, columns, 'temporal_idx'), table_name,
        (SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.position) FROM unnest(columns) WITH ORDINALITY AS c(name, position)), further);
END
$ensure_index$;
REVOKE ALL ON FUNCTION temporal.ensure_index(regclass, name[], name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.ensure_index(regclass, name[], name) TO PUBLIC;
COMMENT ON FUNCTION temporal.ensure_index(regclass, name[], name) IS 'makes the index that a temporal foreign key needs';

-- Adds a temporal foreign key and returns its name.
CREATE OR REPLACE FUNCTION temporal.add_foreign_key(
    table_name regclass, columns name[], references_table regclass, references_columns name[],
    period name DEFAULT 'valid_range', references_period name DEFAULT 'valid_range',
    on_delete text DEFAULT 'no action', is_deferrable boolean DEFAULT false,
    initially_deferred boolean DEFAULT false, constraint_name name DEFAULT NULL) RETURNS name
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET row_security = off
AS $add_foreign_key$
DECLARE
    result name := constraint_name;
    child_list name[] := columns || period;
    parent_list name[] := references_columns || references_period;
    timing text;
    bad_values text;
    bad_period text;
    t record;
BEGIN
    IF table_name IS NULL OR columns IS NULL OR references_table IS NULL OR references_columns IS NULL OR references_period IS NULL THEN
        RAISE EXCEPTION 'tables, columns and references_period must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF period IS NULL THEN
        child_list := columns;
    END IF;
    IF initially_deferred AND NOT is_deferrable THEN
        RAISE EXCEPTION 'constraint declared initially deferred must be deferrable' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF cardinality(columns) = 0 OR cardinality(columns) <> cardinality(references_columns) THEN
        RAISE EXCEPTION 'number of referencing and referenced columns for foreign key disagree' USING ERRCODE = 'invalid_foreign_key';
    END IF;
    IF on_delete = 'cascade' THEN
        RAISE EXCEPTION 'temporal foreign keys do not support on_delete "cascade" yet' USING ERRCODE = 'feature_not_supported';
    ELSIF on_delete IS DISTINCT FROM 'no action' THEN
        RAISE EXCEPTION 'on_delete must be "no action" or "cascade"' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM temporal.foreign_key_trusts(ARRAY[table_name, references_table]::oid[]);
    PERFORM temporal.column_numbers(table_name, child_list), temporal.column_numbers(references_table, parent_list);
    IF period IS NOT NULL AND (temporal.period_of(table_name, period)).range_type
        <> (temporal.period_of(references_table, references_period)).range_type THEN
        RAISE EXCEPTION 'period "%" and period "%" are of different types', period, references_period USING ERRCODE = 'datatype_mismatch';
    END IF;
    IF NOT EXISTS (
        SELECT FROM temporal.constraint AS u
        WHERE u.relation = add_foreign_key.references_table AND u.constraint_type = 'unique' AND u.predicate IS NULL AND NOT u.is_deferrable
            AND u.period = add_foreign_key.references_period
            AND u.columns @> add_foreign_key.references_columns AND u.columns <@ add_foreign_key.references_columns
        UNION ALL
        SELECT FROM pg_constraint AS n
        WHERE n.conrelid = references_table AND n.contype IN ('p', 'u') AND NOT n.condeferrable AND (to_jsonb(n) ->> 'conperiod')::boolean
            AND n.conkey @> temporal.column_numbers(references_table, parent_list)
            AND n.conkey <@ temporal.column_numbers(references_table, parent_list))
    THEN
        RAISE EXCEPTION 'there is no temporal unique key matching given keys for referenced table %', references_table
            USING ERRCODE = 'invalid_foreign_key', DETAIL = format('Columns (%s), period "%s".', array_to_string(references_columns, ', '), references_period),
            HINT = 'Add one with temporal.add_unique; a deferrable or a partial key cannot be referenced.';
    END IF;
    result := coalesce(result, temporal.free_name(table_name, child_list, 'fkey'));
    IF EXISTS (
        SELECT FROM pg_trigger AS g
        WHERE g.tgrelid IN (table_name, references_table)
            AND (g.tgname = result OR split_part(encode(g.tgargs, 'escape'), '\000', 1) = result AND g.tgconstrrelid IN (table_name, references_table))) THEN
        RAISE EXCEPTION 'constraint "%" for relation % already exists', result, table_name USING ERRCODE = 'duplicate_object';
    END IF;
    EXECUTE format('LOCK TABLE %s, %s IN SHARE ROW EXCLUSIVE MODE', references_table, table_name);
    EXECUTE temporal.foreign_key_query(references_table, parent_list, period IS NOT NULL,
        temporal.foreign_key_rows(table_name::text, child_list, cardinality(columns), 'x'), false) INTO bad_values, bad_period;
    IF bad_values IS NOT NULL THEN
        PERFORM temporal.foreign_key_violated(result, table_name, child_list, references_table, parent_list, false, bad_values, bad_period);
    END IF;
    PERFORM temporal.ensure_index(table_name, columns, period);
    PERFORM temporal.ensure_index(references_table, references_columns, references_period);
    timing := CASE WHEN is_deferrable THEN 'DEFERRABLE INITIALLY ' || CASE WHEN initially_deferred THEN 'DEFERRED' ELSE 'IMMEDIATE' END
        ELSE 'NOT DEFERRABLE' END || ' FOR EACH ROW' || CASE WHEN is_deferrable THEN '' ELSE ' WHEN (false)' END;
    EXECUTE format('CREATE CONSTRAINT TRIGGER %I AFTER %s UPDATE OF %s ON %s FROM %s %s EXECUTE FUNCTION temporal.foreign_key_child(%L, %L)',
        result, CASE WHEN is_deferrable THEN 'INSERT OR' ELSE '' END,
        (SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.position) FROM unnest(child_list) WITH ORDINALITY AS c(name, position)),
        table_name, references_table, timing, result, on_delete);
    EXECUTE format('CREATE CONSTRAINT TRIGGER %I AFTER %s UPDATE OF %s ON %s FROM %s %s EXECUTE FUNCTION temporal.foreign_key_parent(%L, %L)',
        temporal.free_name(references_table, ARRAY[result], 'ref'), CASE WHEN is_deferrable THEN 'DELETE OR' ELSE '' END,
        (SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.position) FROM unnest(parent_list) WITH ORDINALITY AS c(name, position)),
        references_table, table_name, timing, result, on_delete);
    FOR t IN
        SELECT * FROM (VALUES
            (table_name, 'insert', 'REFERENCING NEW TABLE AS new_rows', true),
            (table_name, 'update', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows', true),
            (references_table, 'update', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows', true),
            (references_table, 'delete', 'REFERENCING OLD TABLE AS old_rows', true),
            (references_table, 'truncate', '', false)) AS v(relation, event, referencing, only_immediate)
        WHERE NOT (is_deferrable AND v.only_immediate)
    LOOP
        IF NOT EXISTS (
            SELECT FROM pg_trigger AS g
            WHERE g.tgrelid = t.relation AND g.tgname = 'temporal_key_' || t.event
                AND g.tgfoid = 'temporal.foreign_key_statement()'::regprocedure) THEN
            EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION temporal.foreign_key_statement()',
                'temporal_key_' || t.event, t.event, t.relation, t.referencing);
        END IF;
    END LOOP;
    RETURN result;
END
$add_foreign_key$;
REVOKE ALL ON FUNCTION temporal.add_foreign_key(regclass, name[], regclass, name[], name, name, text, boolean, boolean, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.add_foreign_key(regclass, name[], regclass, name[], name, name, text, boolean, boolean, name) TO PUBLIC;
COMMENT ON FUNCTION temporal.add_foreign_key(regclass, name[], regclass, name[], name, name, text, boolean, boolean, name)
    IS 'each row''s period is covered by the referenced table''s slices with the same key';

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
    IS 'temporal.add_foreign_key unless it is there';

-- Portions of time: views through which a plain UPDATE changes a part of a slice, and a function that removes a part of an entity.
--
-- The view <table>__for_portion_of_valid has the table's columns. Its row triggers only collect: what was changed, for which slice and for
-- which part of it, goes into a temporary table; a statement trigger then merges all of them at once.

-- The columns that identify an entity of a temporal table: its primary key without the period, else its first temporal unique key.
CREATE OR REPLACE FUNCTION temporal.identity_of(table_name regclass, period name) RETURNS name[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $identity_of$
DECLARE
    span record := temporal.period_of(table_name, period);
    result name[];
BEGIN
    SELECT array_agg(a.attname ORDER BY k.position) INTO result
    FROM pg_constraint AS c
    CROSS JOIN LATERAL unnest(c.conkey) WITH ORDINALITY AS k(attnum, position)
    JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.attnum
    WHERE c.conrelid = table_name AND c.contype = 'p' AND a.attname <> period
        AND a.attname IS DISTINCT FROM span.from_column AND a.attname IS DISTINCT FROM span.until_column;
    IF result IS NULL THEN
        SELECT u.columns INTO result FROM temporal.constraint AS u
        WHERE u.relation = identity_of.table_name AND u.constraint_type = 'unique' AND u.predicate IS NULL AND u.period = identity_of.period
        ORDER BY cardinality(u.columns), u.constraint_name LIMIT 1;
    END IF;
    IF result IS NULL THEN
        RAISE EXCEPTION 'relation % has neither a primary key nor a temporal unique key', table_name USING ERRCODE = 'invalid_table_definition';
    END IF;
    RETURN result;
END
$identity_of$;
REVOKE ALL ON FUNCTION temporal.identity_of(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.identity_of(regclass, name) TO PUBLIC;
COMMENT ON FUNCTION temporal.identity_of(regclass, name) IS 'the columns that identify an entity of a temporal table';

-- Where a view's changes are collected: a temporary table of this session, one per base table, with the base table's columns.
CREATE OR REPLACE FUNCTION temporal.portion_table(base oid) RETURNS name
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $portion_table$ SELECT ('temporal_portion_' || base)::name $portion_table$;
REVOKE ALL ON FUNCTION temporal.portion_table(oid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.portion_table(oid) TO PUBLIC;
COMMENT ON FUNCTION temporal.portion_table(oid) IS 'name of the temporary table that collects portions';

-- Row trigger of a portion view: collects. Arguments: the base table's oid is found through the view, the period's name is given.
CREATE OR REPLACE FUNCTION temporal.portion_row() RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $portion_row$
DECLARE
    period name := TG_ARGV[0];
    base oid := temporal.portion_base(TG_RELID);
    span record;
    was jsonb := to_jsonb(OLD);
    is_now jsonb;
    changed jsonb := '{}';
    slice text;
    part text;
    unknown text;
    matched text;
    named jsonb;
BEGIN
    IF TG_OP = 'INSERT' THEN
        RAISE EXCEPTION 'rows cannot be inserted into view "%"', TG_TABLE_NAME USING ERRCODE = 'feature_not_supported',
            HINT = 'Insert into the table, or use temporal.merge.';
    END IF;
    span := temporal.period_of(base, period);
    slice := was ->> period;
    part := slice;
    IF TG_OP = 'UPDATE' THEN
        is_now := to_jsonb(NEW);
        SELECT coalesce(jsonb_object_agg(n.key, n.value), '{}') INTO changed
        FROM jsonb_each(is_now) AS n WHERE n.value IS DISTINCT FROM was -> n.key;
        IF changed = '{}' THEN
            RETURN NEW;
        END IF;
        part := temporal.portion_range(span.range_type, span.subtype, was ->> period, changed ->> period,
            was ->> coalesce(span.from_column, 'valid_from'), changed ->> coalesce(span.from_column, 'valid_from'),
            changed ->> coalesce(span.until_column, 'valid_until'), changed ->> 'valid_to',
            changed ?| ARRAY[period, coalesce(span.from_column, 'valid_from'), coalesce(span.until_column, 'valid_until'), 'valid_to']::text[]);
        changed := changed - ARRAY[period, coalesce(span.from_column, 'valid_from'), coalesce(span.until_column, 'valid_until'), 'valid_to']::text[];
        SELECT string_agg(quote_ident(c.key), ', ') INTO unknown
        FROM jsonb_object_keys(changed) AS c(key)
        WHERE NOT EXISTS (
            SELECT FROM pg_attribute AS a WHERE a.attrelid = base AND a.attname = c.key AND a.attnum > 0 AND a.attgenerated = '');
        IF unknown IS NOT NULL THEN
            RAISE EXCEPTION 'table % has no column % to write', base::regclass, unknown USING ERRCODE = 'undefined_column',
                HINT = 'After renaming a column call temporal.add_portion_view again.';
        END IF;
        SELECT string_agg(quote_ident(i.name), ', ') INTO unknown FROM unnest(temporal.identity_of(base, period)) AS i(name) WHERE changed ? i.name::text;
        IF unknown IS NOT NULL THEN
            RAISE EXCEPTION 'identity column % cannot be changed for a portion of time', unknown USING ERRCODE = 'feature_not_supported';
        END IF;
    END IF;
    SELECT string_agg(format('b.%1$I = ($1 ->> %1$L)::%2$s', a.attname, format_type(a.atttypid, a.atttypmod)), ' AND ') INTO matched
    FROM unnest(temporal.identity_of(base, period)) AS i(name) JOIN pg_attribute AS a ON a.attrelid = base AND a.attname = i.name;
    EXECUTE format(
        'INSERT INTO pg_temp.%1$I SELECT 0, %2$L, b.%3$I * $3::%4$s, %5$s FROM %6$s AS b'
        ' CROSS JOIN LATERAL jsonb_populate_record(b, $2) AS r WHERE %7$s AND b.%3$I = $4::%4$s AND NOT isempty(b.%3$I * $3::%4$s)',
        temporal.portion_table(base), TG_OP, period, span.range_type,
        (SELECT string_agg(format('r.%I', a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute AS a
         WHERE a.attrelid = base AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
             AND a.attname <> ALL (ARRAY[period, coalesce(span.from_column, period), coalesce(span.until_column, period)])),
        base::regclass, matched)
    USING was, changed, part, slice;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$portion_row$;
REVOKE ALL ON FUNCTION temporal.portion_row() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.portion_row() TO PUBLIC;
COMMENT ON FUNCTION temporal.portion_row() IS 'row trigger of a portion view';

-- The portion an UPDATE asks for: what was set of the range, the start, and either end; what was not set stays the slice's.
CREATE OR REPLACE FUNCTION temporal.portion_range(
    range_type regtype, subtype regtype, slice text, new_range text, old_from text, new_from text, new_until text, new_to text, is_changed boolean) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $portion_range$
DECLARE
    result text;
    fault text;
BEGIN
    IF NOT is_changed THEN
        RETURN slice;
    END IF;
    EXECUTE format(
        'SELECT CASE WHEN u.r IS NOT NULL AND (u.f IS NOT NULL AND u.f IS DISTINCT FROM lower(u.r) OR u.e IS NOT NULL AND u.e IS DISTINCT FROM upper(u.r))'
        ' OR u.e <> u.t THEN ''contradictory'' WHEN u.r IS NULL AND coalesce(u.f, lower(u.s)) >= coalesce(u.e, u.t, upper(u.s)) OR isempty(u.r)'
        ' THEN ''empty'' END, CASE WHEN u.r IS NOT NULL THEN u.r WHEN coalesce(u.f, lower(u.s)) < coalesce(u.e, u.t, upper(u.s)) IS NOT FALSE'
        ' THEN %1$s(coalesce(u.f, lower(u.s)), coalesce(u.e, u.t, upper(u.s))) END::text'
        ' FROM (SELECT $1::%1$s AS s, $2::%1$s AS r, $3::%2$s AS f, coalesce($4::%2$s, CASE WHEN $5 IS NOT NULL AND $2 IS NOT NULL THEN %3$s END) AS e, %3$s AS t) AS u',
        range_type, subtype, CASE WHEN subtype IN ('date'::regtype, 'integer'::regtype, 'bigint'::regtype) THEN format('$5::%s + 1', subtype)
            ELSE format('NULL::%s', subtype) END)
    INTO fault, result USING slice, new_range, new_from, new_until, new_to;
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION 'the portion of time is %', fault USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN result;
END
$portion_range$;
REVOKE ALL ON FUNCTION temporal.portion_range(regtype, regtype, text, text, text, text, text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.portion_range(regtype, regtype, text, text, text, text, text, text, boolean) TO PUBLIC;
COMMENT ON FUNCTION temporal.portion_range(regtype, regtype, text, text, text, text, text, text, boolean) IS 'the portion that an UPDATE of a portion view asks for';

-- The table a portion view stands on.
CREATE OR REPLACE FUNCTION temporal.portion_base(portion_view oid) RETURNS oid
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $portion_base$
    SELECT d.refobjid FROM pg_rewrite AS r
    JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
    WHERE r.ev_class = portion_view AND d.refobjid <> portion_view LIMIT 1
$portion_base$;
REVOKE ALL ON FUNCTION temporal.portion_base(oid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.portion_base(oid) TO PUBLIC;
COMMENT ON FUNCTION temporal.portion_base(oid) IS 'the table a portion view stands on';

-- Statement triggers of a portion view. BEFORE: makes or empties the collecting table. AFTER: merges what was collected.
CREATE OR REPLACE FUNCTION temporal.portion_statement() RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $portion_statement$
DECLARE
    period name := TG_ARGV[0];
    base oid := temporal.portion_base(TG_RELID);
    span record := temporal.period_of(base, period);
    collected text := format('pg_temp.%I', temporal.portion_table(base));
    ephemeral name[];
    listed text;
    fault record;
    has_rows boolean;
BEGIN
    IF TG_WHEN = 'BEFORE' THEN
        SELECT string_agg(format('b.%I', a.attname), ', ' ORDER BY a.attnum) INTO listed FROM pg_attribute AS a
        WHERE a.attrelid = base AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
            AND a.attname <> ALL (ARRAY[period, coalesce(span.from_column, period), coalesce(span.until_column, period)]);
        EXECUTE format('DROP TABLE IF EXISTS %s', collected);
        EXECUTE format('CREATE TEMPORARY TABLE %s ON COMMIT DROP AS SELECT 0::bigint AS "temporal row", ''''::text AS "temporal operation",'
            ' b.%I, %s FROM %s AS b WITH NO DATA', substr(collected, 9), period, listed, base::regclass);
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', collected) INTO has_rows;
    IF has_rows THEN
        SELECT coalesce(array_agg(a.attname), '{}') INTO ephemeral
        FROM pg_attribute AS a WHERE a.attrelid = base AND a.attname = ANY (TG_ARGV[1]::name[]);
        EXECUTE 'SELECT m.status, m.message FROM temporal.merge($1, $2, $3, $4, period := $5, row_id_column := ''temporal row'', ephemeral_columns := $6) AS m'
            ' ORDER BY m.status <> ''ERROR'' LIMIT 1'
        INTO fault USING base::regclass, collected::regclass, temporal.identity_of(base, period),
            CASE WHEN TG_OP = 'DELETE' THEN 'DELETE_FOR_PORTION_OF' ELSE 'REPLACE_FOR_PORTION_OF' END::temporal.merge_mode, period, ephemeral;
        IF fault.status = 'ERROR' THEN
            RAISE EXCEPTION '%', fault.message USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END IF;
    EXECUTE format('DROP TABLE %s', collected);
    RETURN NULL;
END
$portion_statement$;
REVOKE ALL ON FUNCTION temporal.portion_statement() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.portion_statement() TO PUBLIC;
COMMENT ON FUNCTION temporal.portion_statement() IS 'statement triggers of a portion view';

-- Makes or remakes <table>__for_portion_of_valid and returns it. Ephemeral columns never make two slices different.
CREATE OR REPLACE FUNCTION temporal.add_portion_view(table_name regclass, view_schema name DEFAULT NULL, ephemeral_columns name[] DEFAULT '{}')
RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $add_portion_view$
DECLARE
    own record;
    view_name text;
    period name;
BEGIN
    IF table_name IS NULL THEN
        RAISE EXCEPTION 'table must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT c.relname, n.nspname INTO own FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = table_name;
    SELECT coalesce(
        (SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = table_name AND a.attname = 'valid_range' AND NOT a.attisdropped),
        (SELECT u.period FROM temporal.constraint AS u WHERE u.relation = add_portion_view.table_name AND u.constraint_type = 'unique' LIMIT 1),
        'valid_range') INTO period;
    PERFORM temporal.identity_of(table_name, period);
    IF octet_length(own.relname || '__for_portion_of_valid') > 63 THEN
        RAISE EXCEPTION 'name of table "%" is too long for a portion view', own.relname USING ERRCODE = 'name_too_long';
    END IF;
    view_name := format('%I.%I', coalesce(view_schema, own.nspname), own.relname || '__for_portion_of_valid');
    EXECUTE format('CREATE OR REPLACE VIEW %s WITH (security_invoker = true) AS SELECT %s FROM %s AS b', view_name,
        (SELECT string_agg(format('b.%I', a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute AS a
         WHERE a.attrelid = table_name AND a.attnum > 0 AND NOT a.attisdropped), table_name);
    EXECUTE format('CREATE OR REPLACE TRIGGER collect INSTEAD OF INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION temporal.portion_row(%L)', view_name, period);
    EXECUTE format('CREATE OR REPLACE TRIGGER prepare BEFORE UPDATE OR DELETE ON %s FOR EACH STATEMENT EXECUTE FUNCTION temporal.portion_statement(%L, %L)', view_name, period, ephemeral_columns);
    EXECUTE format('CREATE OR REPLACE TRIGGER apply AFTER UPDATE OR DELETE ON %s FOR EACH STATEMENT EXECUTE FUNCTION temporal.portion_statement(%L, %L)', view_name, period, ephemeral_columns);
    RETURN view_name::regclass;
END
$add_portion_view$;
REVOKE ALL ON FUNCTION temporal.add_portion_view(regclass, name, name[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.add_portion_view(regclass, name, name[]) TO PUBLIC;
COMMENT ON FUNCTION temporal.add_portion_view(regclass, name, name[]) IS 'makes a view whose UPDATE changes a portion of time';

-- Removes a part of one entity's time; returns the number of slices it concerned.
CREATE OR REPLACE FUNCTION temporal.delete_portion(table_name regclass, identity jsonb, valid_from date, valid_until date) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $delete_portion$
DECLARE
    id_columns name[];
    collected name := temporal.portion_table(table_name) || '_delete';
    fields text;
    same text;
    concerned bigint;
BEGIN
    IF table_name IS NULL OR identity IS NULL OR valid_from IS NULL OR valid_until IS NULL THEN
        RAISE EXCEPTION 'table, identity, valid_from and valid_until must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF valid_from >= valid_until THEN
        RAISE EXCEPTION 'the portion of time is empty' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    id_columns := temporal.identity_of(table_name, 'valid_range');
    IF EXISTS (SELECT FROM unnest(id_columns) AS i(name) WHERE identity ->> i.name::text IS NULL)
        OR (SELECT count(*) FROM jsonb_object_keys(identity)) <> cardinality(id_columns) THEN
        RAISE EXCEPTION 'identity must give exactly the columns (%)', array_to_string(id_columns, ', ') USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT string_agg(format('(%L::jsonb ->> %L)::%s AS %I', identity, a.attname, format_type(a.atttypid, a.atttypmod), a.attname), ', '),
        string_agg(format('b.%1$I = (%2$L::jsonb ->> %3$L)::%4$s', a.attname, identity, a.attname, format_type(a.atttypid, a.atttypmod)), ' AND ')
    INTO fields, same
    FROM unnest(id_columns) AS i(name) JOIN pg_attribute AS a ON a.attrelid = table_name AND a.attname = i.name;
    EXECUTE format('SELECT count(*) FROM %s AS b WHERE %s AND b.valid_range && daterange($1, $2)', table_name, same)
        INTO concerned USING valid_from, valid_until;
    IF concerned > 0 THEN
        EXECUTE format('CREATE TEMPORARY TABLE %I ON COMMIT DROP AS SELECT 1 AS row_id, %s, daterange(%L, %L) AS valid_range', collected, fields, valid_from, valid_until);
        PERFORM temporal.merge(table_name, format('pg_temp.%I', collected)::regclass, id_columns, 'DELETE_FOR_PORTION_OF');
        EXECUTE format('DROP TABLE pg_temp.%I', collected);
    END IF;
    RETURN concerned;
END
$delete_portion$;
REVOKE ALL ON FUNCTION temporal.delete_portion(regclass, jsonb, date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.delete_portion(regclass, jsonb, date, date) TO PUBLIC;
COMMENT ON FUNCTION temporal.delete_portion(regclass, jsonb, date, date) IS 'removes a part of one entity''s time';

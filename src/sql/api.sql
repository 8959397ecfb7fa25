-- What stands behind schema api: how its views are made and written through, and whose rights they carry. The views
-- and functions themselves are definitions (src/sql/define/80_api.sql and after): PostgREST shows only schema api,
-- so nothing here is reachable over HTTP.

-- making views ----------------------------------------------------------------------------------------------------

-- The column list of a view over one table: what the view has already, in its order, then what is new. So a column that is
-- added to the table, by a later version or by the office, joins at the end and CREATE OR REPLACE VIEW goes on working.
-- NULL when the view has a column that is neither the table's nor computed: somebody has made it his own.
CREATE OR REPLACE FUNCTION statbus.api_view_columns(base_table regclass, view_name text, hidden name[], computed jsonb)
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $api_view_columns$
DECLARE
    columns text;
    complete boolean;
BEGIN
    SELECT string_agg(coalesce(wanted.expression || ' AS ', 't.') || quote_ident(coalesce(wanted.name, shown.attname)),
                      ', ' ORDER BY shown.attnum NULLS LAST, wanted.position),
           bool_and(wanted.name IS NOT NULL)
    INTO columns, complete
    FROM (SELECT a.attname AS name, NULL::text AS expression, a.attnum::integer AS position
          FROM pg_attribute AS a
          WHERE a.attrelid = base_table AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL (hidden)
          UNION ALL
          SELECT c.key::name, c.value, 10000 + row_number() OVER (ORDER BY c.key)::integer
          FROM jsonb_each_text(computed) AS c) AS wanted
    FULL JOIN (SELECT a.attname, a.attnum
               FROM pg_attribute AS a
               WHERE a.attrelid = to_regclass(view_name) AND a.attnum > 0 AND NOT a.attisdropped) AS shown
        ON shown.attname = wanted.name;
    RETURN CASE WHEN complete THEN columns END;
END
$api_view_columns$;
COMMENT ON FUNCTION statbus.api_view_columns(regclass, text, name[], jsonb) IS
    'Internal: the select list of a view of schema api; NULL when the view has columns of somebody else''s';
REVOKE ALL ON FUNCTION statbus.api_view_columns(regclass, text, name[], jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.generate_api_view(
    base_table regclass,
    view_name name,
    hidden name[] DEFAULT '{}',
    computed jsonb DEFAULT '{}'
)
RETURNS regclass
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $generate_api_view$
DECLARE
    view_path CONSTANT text := format('api.%I', view_name);
    columns CONSTANT text := statbus.api_view_columns(base_table, view_path, hidden, computed);
    made regclass;
    part record;
    is_edited boolean;
    is_temporal boolean;
BEGIN
    IF columns IS NULL THEN
        RAISE WARNING 'view "%" has columns of its own and is left as it is', view_path
            USING HINT = format('To get the shipped view back, drop it and run CALL statbus.migrate(). It shows %s.', base_table);
        RETURN to_regclass(view_path);
    END IF;
    EXECUTE format('CREATE OR REPLACE VIEW %s WITH (security_invoker = true) AS SELECT %s FROM %s AS t', view_path, columns, base_table);
    made := view_path::regclass;

    -- PostgREST documents the api from these comments; one that somebody has written stays.
    FOR part IN
        SELECT 0 AS position, NULL::name AS name, obj_description(base_table, 'pg_class') AS text
        WHERE obj_description(made, 'pg_class') IS NULL
        UNION ALL
        SELECT shown.attnum, shown.attname, col_description(base_table, a.attnum)
        FROM pg_attribute AS a
        JOIN pg_attribute AS shown ON shown.attrelid = made AND shown.attname = a.attname
        WHERE a.attrelid = base_table AND a.attnum > 0 AND NOT a.attisdropped
        AND col_description(made, shown.attnum) IS NULL
        ORDER BY 1
    LOOP
        CONTINUE WHEN part.text IS NULL;
        IF part.name IS NULL THEN
            EXECUTE format('COMMENT ON VIEW %s IS %L', made, part.text);
        ELSE
            EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', made, part.name, part.text);
        END IF;
    END LOOP;

    SELECT coalesce(bool_or(a.attname = 'edit_by_user_id'), false), coalesce(bool_or(a.attname = 'valid_range'), false)
    INTO is_edited, is_temporal
    FROM pg_attribute AS a
    WHERE a.attrelid = base_table AND a.attnum > 0 AND NOT a.attisdropped;
    IF is_edited THEN
        EXECUTE format('CREATE OR REPLACE TRIGGER api_update INSTEAD OF UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION statbus.api_update(%L)',
                       made, base_table);
        IF is_temporal THEN
            EXECUTE format('CREATE OR REPLACE TRIGGER api_insert INSTEAD OF INSERT ON %s FOR EACH ROW EXECUTE FUNCTION statbus.api_insert(%L)',
                           made, base_table);
            EXECUTE format('CREATE OR REPLACE TRIGGER api_delete INSTEAD OF DELETE ON %s FOR EACH ROW EXECUTE FUNCTION statbus.api_delete(%L)',
                           made, base_table);
        END IF;
    END IF;
    RETURN made;
END
$generate_api_view$;
COMMENT ON FUNCTION statbus.generate_api_view(regclass, name, name[], jsonb) IS
    'Makes or extends the view of a table in schema api: all columns but the hidden ones, then the computed ones ({"name": "expression over t"}).  Edited tables get the triggers that fill in who and when; temporal ones also take valid_to';
REVOKE ALL ON FUNCTION statbus.generate_api_view(regclass, name, name[], jsonb) FROM PUBLIC;

-- writing through views -------------------------------------------------------------------------------------------

-- The one date on which all given ones agree; NULL when none is given.
CREATE OR REPLACE FUNCTION statbus.agreed_date(given date[], meaning text)
RETURNS date
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $agreed_date$
DECLARE
    first_day date;
    last_day date;
BEGIN
    SELECT min(g.day), max(g.day) INTO first_day, last_day FROM unnest(given) AS g (day);
    IF first_day <> last_day THEN
        RAISE EXCEPTION 'contradictory period'
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = format('%s is both %s and %s.', meaning, first_day, last_day),
                  HINT = 'Give valid_to (the last day) or valid_until (the day after it), or both one day apart.';
    END IF;
    RETURN first_day;
END
$agreed_date$;
COMMENT ON FUNCTION statbus.agreed_date(date[], text) IS 'The date that all given ones name; an error when they differ, NULL when none is given';
REVOKE ALL ON FUNCTION statbus.agreed_date(date[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION statbus.agreed_date(date[], text) TO authenticated;

-- A range says the same as the two dates; infinity stands for an open end in all of them.
CREATE OR REPLACE FUNCTION statbus.check_period(valid_from date, valid_until date)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $check_period$
BEGIN
    IF valid_from IS NULL THEN
        RAISE EXCEPTION 'period has no first day'
            USING ERRCODE = 'not_null_violation', HINT = 'Give valid_from.', COLUMN = 'valid_from';
    END IF;
    -- Said here because the generated range would raise before any CHECK does.
    IF valid_from >= valid_until THEN
        RAISE EXCEPTION 'period ends before it begins'
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = format('valid_from is %s, valid_to is %s.', valid_from, valid_until - 1);
    END IF;
END
$check_period$;
COMMENT ON FUNCTION statbus.check_period(date, date) IS 'Refuses a period without a first day, and one that ends before it begins';
REVOKE ALL ON FUNCTION statbus.check_period(date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION statbus.check_period(date, date) TO authenticated;

-- Refuses a value for a column that the server computes (but for the period, which is read above).
CREATE OR REPLACE FUNCTION statbus.refuse_generated_column(view_name text, column_name text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $refuse_generated_column$
BEGIN
    RAISE EXCEPTION 'column "%" of view "%" cannot be written', column_name, view_name
        USING ERRCODE = 'generated_always', DETAIL = 'It is computed from other columns.';
END
$refuse_generated_column$;
COMMENT ON FUNCTION statbus.refuse_generated_column(text, text) IS 'Raises the error of a column that cannot be written';
REVOKE ALL ON FUNCTION statbus.refuse_generated_column(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION statbus.refuse_generated_column(text, text) TO authenticated;

-- Which columns of the table a written row fills, and what comes back for each column of the view.
CREATE OR REPLACE FUNCTION statbus.api_returning(view_oid oid, base_table regclass)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $api_returning$
    SELECT string_agg(CASE WHEN b.attname IS NULL THEN format('($1).%I', v.attname) ELSE format('t.%I', v.attname) END, ', ' ORDER BY v.attnum)
    FROM pg_attribute AS v
    LEFT JOIN pg_attribute AS b ON b.attrelid = base_table AND b.attname = v.attname AND b.attnum > 0 AND NOT b.attisdropped
    WHERE v.attrelid = view_oid AND v.attnum > 0 AND NOT v.attisdropped
$api_returning$;
COMMENT ON FUNCTION statbus.api_returning(oid, regclass) IS 'Internal: what an INSERT or UPDATE of a table returns as a row of its view';
REVOKE ALL ON FUNCTION statbus.api_returning(oid, regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION statbus.api_returning(oid, regclass) TO authenticated;

-- api_insert(base table [, code column, id column, table of the code, its code column]): only what is given is written, so
-- that the table's defaults fill the rest. A trigger on a view cannot tell NULL from not given: both mean the default.
-- With a code column, the code may be given in place of the id.
CREATE OR REPLACE FUNCTION statbus.api_insert()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $api_insert$
DECLARE
    base_table CONSTANT regclass := TG_ARGV[0]::regclass;
    period CONSTANT name[] := '{valid_from,valid_until,valid_to,valid_range}';
    given jsonb;
    is_temporal boolean;
    resolved_id integer;
    first_day date;
    end_day date;
    refused text;
    names text;
    fields text;
BEGIN
    IF TG_NARGS > 1 THEN
        given := to_jsonb(NEW);
        IF given ->> TG_ARGV[1] IS NOT NULL THEN
            EXECUTE format('SELECT c.id FROM %s AS c WHERE c.%I = $1', TG_ARGV[3], TG_ARGV[4]) INTO resolved_id USING given ->> TG_ARGV[1];
            IF resolved_id IS NULL THEN
                RAISE EXCEPTION '% "%" does not exist', replace(TG_ARGV[1], '_', ' '), given ->> TG_ARGV[1]
                    USING ERRCODE = 'invalid_parameter_value';
            ELSIF resolved_id <> (given ->> TG_ARGV[2])::integer THEN
                RAISE EXCEPTION '"%" and "%" contradict each other', TG_ARGV[1], TG_ARGV[2]
                    USING ERRCODE = 'invalid_parameter_value';
            END IF;
            NEW := jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[2], resolved_id));
        END IF;
    END IF;

    is_temporal := EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = base_table AND a.attname = 'valid_range' AND NOT a.attisdropped);
    IF is_temporal THEN
        IF isempty(NEW.valid_range) THEN
            RAISE EXCEPTION 'period is empty' USING ERRCODE = 'invalid_parameter_value';
        END IF;
        first_day := statbus.agreed_date(ARRAY[NEW.valid_from, lower(NEW.valid_range)], 'The first day');
        end_day := coalesce(
            statbus.agreed_date(
                ARRAY[NEW.valid_until, NEW.valid_to + 1,
                      CASE WHEN upper_inf(NEW.valid_range) THEN 'infinity'::date ELSE upper(NEW.valid_range) END],
                'The day after the last one'),
            'infinity');
        PERFORM statbus.check_period(first_day, end_day);
    END IF;

    given := jsonb_strip_nulls(to_jsonb(NEW));
    SELECT string_agg(format('%I', b.attname), ', ' ORDER BY b.attnum),
           string_agg(format('($1).%I', b.attname), ', ' ORDER BY b.attnum),
           min(b.attname) FILTER (WHERE b.attgenerated <> '')
    INTO names, fields, refused
    FROM pg_attribute AS b
    WHERE b.attrelid = base_table AND b.attnum > 0 AND NOT b.attisdropped
    AND given ? b.attname::text
    AND NOT (is_temporal AND b.attname = ANY (period));
    IF refused IS NOT NULL THEN
        PERFORM statbus.refuse_generated_column(TG_TABLE_NAME, refused);
    END IF;
    IF is_temporal THEN
        names := concat_ws(', ', 'valid_from, valid_until', names);
        fields := concat_ws(', ', '$2, $3', fields);
    END IF;

    EXECUTE format('INSERT INTO %s AS t %s RETURNING %s', base_table,
                   CASE WHEN names IS NULL THEN 'DEFAULT VALUES' ELSE format('(%s) VALUES (%s)', names, fields) END,
                   statbus.api_returning(TG_RELID, base_table))
    INTO NEW USING NEW, first_day, end_day;
    RETURN NEW;
END
$api_insert$;
COMMENT ON FUNCTION statbus.api_insert() IS
    'Trigger on views of schema api: inserts into the table what is given; of the columns of a period any that agree';
REVOKE ALL ON FUNCTION statbus.api_insert() FROM PUBLIC;

-- api_update(base table): only columns that change count, also of a period. Who and when are filled in unless said. An update
-- that says what is there already writes nothing.
CREATE OR REPLACE FUNCTION statbus.api_update()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $api_update$
DECLARE
    base_table CONSTANT regclass := TG_ARGV[0]::regclass;
    period CONSTANT name[] := '{valid_from,valid_until,valid_to,valid_range}';
    was CONSTANT jsonb := to_jsonb(OLD);
    becomes CONSTANT jsonb := to_jsonb(NEW);
    is_temporal boolean;
    first_day date;
    end_day date;
    refused text;
    changes text;
    written integer;
BEGIN
    IF was = becomes THEN
        RETURN NEW;
    END IF;
    is_temporal := EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = base_table AND a.attname = 'valid_range' AND NOT a.attisdropped);
    IF is_temporal THEN
        IF num_nulls(NEW.valid_from, NEW.valid_until, NEW.valid_to, NEW.valid_range) > 0 THEN
            RAISE EXCEPTION 'a period cannot be NULL'
                USING ERRCODE = 'null_value_not_allowed', HINT = 'Use infinity for an open end.';
        ELSIF isempty(NEW.valid_range) THEN
            RAISE EXCEPTION 'period is empty' USING ERRCODE = 'invalid_parameter_value';
        END IF;
        first_day := coalesce(
            statbus.agreed_date(
                ARRAY[nullif(NEW.valid_from, OLD.valid_from),
                      CASE WHEN NEW.valid_range <> OLD.valid_range THEN nullif(lower(NEW.valid_range), lower(OLD.valid_range)) END],
                'The first day'),
            OLD.valid_from);
        end_day := coalesce(
            statbus.agreed_date(
                ARRAY[nullif(NEW.valid_until, OLD.valid_until), nullif(NEW.valid_to, OLD.valid_to) + 1,
                      CASE WHEN NEW.valid_range <> OLD.valid_range
                           THEN nullif(CASE WHEN upper_inf(NEW.valid_range) THEN 'infinity' ELSE upper(NEW.valid_range) END, OLD.valid_until) END],
                'The day after the last one'),
            OLD.valid_until);
        PERFORM statbus.check_period(first_day, end_day);
    END IF;

    SELECT string_agg(
               format('%I = %s', b.attname,
                      CASE WHEN becomes -> b.attname::text IS DISTINCT FROM was -> b.attname::text THEN format('($1).%I', b.attname)
                           WHEN b.attname = 'edit_by_user_id' THEN 'auth.uid()'
                           ELSE 'statement_timestamp()' END),
               ', ' ORDER BY b.attnum),
           min(b.attname) FILTER (WHERE b.attgenerated <> '')
    INTO changes, refused
    FROM pg_attribute AS b
    WHERE b.attrelid = base_table AND b.attnum > 0 AND NOT b.attisdropped
    AND (becomes -> b.attname::text IS DISTINCT FROM was -> b.attname::text OR b.attname IN ('edit_by_user_id', 'edit_at'))
    AND NOT (is_temporal AND b.attname = ANY (period));
    IF refused IS NOT NULL THEN
        PERFORM statbus.refuse_generated_column(TG_TABLE_NAME, refused);
    END IF;
    IF is_temporal THEN
        IF first_day <> OLD.valid_from THEN
            changes := 'valid_from = $3, ' || changes;
        END IF;
        IF end_day <> OLD.valid_until THEN
            changes := 'valid_until = $4, ' || changes;
        END IF;
    END IF;

    EXECUTE format('UPDATE %s AS t SET %s WHERE t.id = ($2).id%s RETURNING %s', base_table, changes,
                   CASE WHEN is_temporal THEN ' AND t.valid_from = ($2).valid_from AND t.valid_until = ($2).valid_until' ELSE '' END,
                   statbus.api_returning(TG_RELID, base_table))
    INTO NEW USING NEW, OLD, first_day, end_day;
    GET DIAGNOSTICS written = ROW_COUNT;
    -- As for a table: a row that a policy withholds from writing, or that is gone by now, is not counted.
    RETURN CASE WHEN written > 0 THEN NEW END;
END
$api_update$;
COMMENT ON FUNCTION statbus.api_update() IS
    'Trigger on views of schema api: writes the columns that change, who changed them and when; of the columns of a period the changed ones count and must agree';
REVOKE ALL ON FUNCTION statbus.api_update() FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.api_delete()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $api_delete$
DECLARE
    deleted integer;
BEGIN
    EXECUTE format('DELETE FROM %s AS t WHERE t.id = ($1).id AND t.valid_from = ($1).valid_from AND t.valid_until = ($1).valid_until',
                   TG_ARGV[0]::regclass)
    USING OLD;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN CASE WHEN deleted > 0 THEN OLD END;
END
$api_delete$;
COMMENT ON FUNCTION statbus.api_delete() IS 'Trigger on views of schema api: deletes the slice from the table';
REVOKE ALL ON FUNCTION statbus.api_delete() FROM PUBLIC;

-- api_portion_editor(): whoever changes a part of a slice is the editor of that part, which says no longer what a file said. Fires before the trigger that collects the
-- portion (by its name).
CREATE OR REPLACE FUNCTION statbus.api_portion_editor()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $api_portion_editor$
BEGIN
    IF NEW OPERATOR(pg_catalog.*<>) OLD THEN
        NEW.edit_by_user_id := auth.uid();
        NEW.edit_at := statement_timestamp();
        IF NEW.import_job_id = OLD.import_job_id THEN
            NEW.import_job_id := NULL;
            NEW.import_source_line := NULL;
        END IF;
    END IF;
    RETURN NEW;
END
$api_portion_editor$;
COMMENT ON FUNCTION statbus.api_portion_editor() IS
    'Trigger on the portion views of schema api: the current user becomes the editor of the part that he changes';
REVOKE ALL ON FUNCTION statbus.api_portion_editor() FROM PUBLIC;

-- rights ----------------------------------------------------------------------------------------------------------

-- A view of schema api carries the grants of what it shows: a group role may do with it what it may do with every table
-- behind it. Views run with the rights of their caller, so this gives nothing that he does not have already. Views without
-- security_invoker are not ours to open.
CREATE OR REPLACE FUNCTION statbus.grant_api_views()
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $grant_api_views$
DECLARE
    grantees CONSTANT name[] := '{authenticated,external_user,restricted_user,regular_user,admin_user}';
    shown record;
    granted record;
    made integer := 0;
BEGIN
    -- By oid: a view over another view is younger than it.
    FOR shown IN
        SELECT v.oid, v.oid::regclass AS name, pg_relation_is_updatable(v.oid, true) AS events,
               (SELECT array_agg(DISTINCT d.refobjid)
                FROM pg_rewrite AS r
                JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                    AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> v.oid
                WHERE r.ev_class = v.oid) AS behind
        FROM pg_class AS v
        JOIN pg_namespace AS n ON n.oid = v.relnamespace
        WHERE n.nspname = 'api' AND v.relkind = 'v'
        AND EXISTS (SELECT FROM pg_options_to_table(v.reloptions) AS o
                    WHERE o.option_name = 'security_invoker' AND o.option_value IN ('true', 'on', 'yes', '1'))
        ORDER BY v.oid
    LOOP
        CONTINUE WHEN shown.behind IS NULL;
        FOR granted IN
            SELECT role.name AS grantee, p.privilege
            FROM unnest(grantees) AS role (name)
            CROSS JOIN (VALUES ('SELECT', 0), ('INSERT', 8), ('UPDATE', 4), ('DELETE', 16)) AS p (privilege, event)
            WHERE shown.events & p.event = p.event
            AND (SELECT bool_and(EXISTS (
                     SELECT
                     FROM pg_class AS c
                     CROSS JOIN LATERAL aclexplode(c.relacl) AS acl
                     WHERE c.oid = b.oid AND acl.grantee = role.name::regrole AND acl.privilege_type = p.privilege))
                 FROM unnest(shown.behind) AS b (oid))
        LOOP
            EXECUTE format('GRANT %s ON %s TO %I', granted.privilege, shown.name, granted.grantee);
            made := made + 1;
        END LOOP;
        -- Grants of single columns, where the view shows the same columns of one table.
        FOR granted IN
            SELECT acl.grantee::regrole AS grantee, acl.privilege_type AS privilege,
                   string_agg(quote_ident(v.attname), ', ' ORDER BY v.attnum) AS columns
            FROM pg_attribute AS v
            JOIN pg_attribute AS b ON b.attrelid = shown.behind[1] AND b.attname = v.attname AND NOT b.attisdropped
            CROSS JOIN LATERAL aclexplode(b.attacl) AS acl
            WHERE cardinality(shown.behind) = 1 AND v.attrelid = shown.oid AND v.attnum > 0
            AND acl.grantee IN (SELECT role.name::regrole FROM unnest(grantees) AS role (name))
            GROUP BY acl.grantee, acl.privilege_type
        LOOP
            EXECUTE format('GRANT %s (%s) ON %s TO %s', granted.privilege, granted.columns, shown.name, granted.grantee);
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$grant_api_views$;
COMMENT ON FUNCTION statbus.grant_api_views() IS
    'Gives every security_invoker view of schema api the grants that group roles have on all tables behind it; returns how many';
REVOKE ALL ON FUNCTION statbus.grant_api_views() FROM PUBLIC;

-- progress --------------------------------------------------------------------------------------------------------

-- DEFINER: tasks, with their payloads and errors, are the administrator's; that something is under way is everybody's
CREATE OR REPLACE FUNCTION statbus.open_tasks(commands text[])
RETURNS TABLE (command text, pending bigint, processing bigint)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $open_tasks$
BEGIN
    RETURN QUERY
        SELECT t.command,
               count(*) FILTER (WHERE t.state <> 'processing'),
               count(*) FILTER (WHERE t.state = 'processing')
        FROM worker.tasks AS t
        WHERE t.command = ANY (commands) AND t.state IN ('pending', 'interrupted', 'waiting', 'processing')
        GROUP BY t.command
        ORDER BY t.command;
END
$open_tasks$;
COMMENT ON FUNCTION statbus.open_tasks(text[]) IS 'How many tasks of some commands are waiting and being done';
REVOKE ALL ON FUNCTION statbus.open_tasks(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION statbus.open_tasks(text[]) TO authenticated;

-- findings --------------------------------------------------------------------------------------------------------

-- One pass over the template: what a value holds is never read as a placeholder again.
CREATE OR REPLACE FUNCTION statbus.render_template(template text, given jsonb)
RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_render_template';
COMMENT ON FUNCTION statbus.render_template(text, jsonb) IS 'A text in which {key} stands for the value of the key; a key that is not given stays as it is';
REVOKE ALL ON FUNCTION statbus.render_template(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION statbus.render_template(text, jsonb) TO authenticated;

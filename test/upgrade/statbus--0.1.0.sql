-- statbus 0.1.0 as it was released.  Made by test/upgrade/freeze.sh; not to be edited.
-- step 0001_types sha256 c10bfafb5f1a9a86d9f1c7ece1011c1dbf3d269f6eaaf6dbd78e1dde165b184c
-- step 0002_auth sha256 4d7b536da05a7d69748ff5f06cd62105156cdcc010728165c449e4a91f7946dc
-- step 0003_code_lists sha256 e3bac6cfa2b11ab987cde73cf0f9dd70e64e75da5abeda8cdc2073392304bd0e
-- step 0004_seed_codes sha256 0ca5fb5817f32087b2cd07093366062f18dbdfc5f5a58c0a85d541315d22a95f
-- step 0005_seed_isic_v4 sha256 510c989b683278b24a22e473a889917bb00c78543530ef8f277fede1e37af096
-- step 0006_seed_nace_v2_1 sha256 c18548e5d7b74b6b4de5f040de5bf30eb2ba4b32b919558edb3c4bf2342e1452
-- step 0008_units sha256 8f44f1973cf8c5884e16e18bbf9e26341df37a04b9d5bd4223bcb89ad13e2000
-- statbus: install and update script, built from src/sql (order: Makefile)
\echo Use "CREATE EXTENSION statbus CASCADE" or "ALTER EXTENSION statbus UPDATE" to load this file. \quit

-- What kind of install is this?
--   new      none of the five data schemas exists: build everything
--   code     all five exist and are empty (pg_dump makes schemas before the extension), or hold the
--            tables of a register whose extension was dropped: code only
--   refused  anything else
-- The answer is left in statbus_install.mode for footer.sql.
DO $guard$
DECLARE
    data_schemas CONSTANT name[] := ARRAY['register', 'auth', 'import', 'worker', 'api'];
    present name[];
    required record;
    stranger record;
    mode text;
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'statbus needs a database with encoding UTF8, this one has %', current_setting('server_encoding')
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Create the database with ENCODING ''UTF8'' TEMPLATE template0.';
    END IF;

    -- Functions name these schemas in their search_path: whoever may create there could capture a name.
    FOR required IN
        SELECT DISTINCT n.nspname
        FROM pg_catalog.pg_extension AS x
        JOIN pg_catalog.pg_namespace AS n ON n.oid = x.extnamespace
        WHERE x.extname IN ('ltree', 'citext', 'btree_gist')
        AND pg_catalog.has_schema_privilege('public', n.oid, 'CREATE')
    LOOP
        RAISE EXCEPTION 'schema "%" holds an extension that statbus needs, and PUBLIC may create objects in it', required.nspname
            USING ERRCODE = 'insufficient_privilege',
                  HINT = pg_catalog.format('Run REVOKE CREATE ON SCHEMA %I FROM PUBLIC.', required.nspname);
    END LOOP;

    -- The owner of such a schema could as well; he owns the database, so he is told and not refused.
    FOR required IN
        SELECT DISTINCT n.nspname, r.rolname
        FROM pg_catalog.pg_extension AS x
        JOIN pg_catalog.pg_namespace AS n ON n.oid = x.extnamespace
        JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()
        JOIN pg_catalog.pg_roles AS r
            ON NOT r.rolsuper
            AND r.oid = CASE WHEN n.nspowner = 'pg_database_owner'::pg_catalog.regrole THEN d.datdba ELSE n.nspowner END
        WHERE x.extname IN ('ltree', 'citext', 'btree_gist')
    LOOP
        RAISE WARNING 'role "%" may create objects in schema "%", which holds an extension that statbus needs', required.rolname, required.nspname
            USING DETAIL = 'Functions that superusers run look names up there.',
                  HINT = 'Install ltree, citext and btree_gist in a schema that a superuser owns.';
    END LOOP;

    SELECT pg_catalog.array_agg(n.nspname ORDER BY n.nspname) INTO present
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname = ANY (data_schemas);

    IF present IS NULL THEN
        mode := 'new';
    ELSIF pg_catalog.cardinality(present) < pg_catalog.cardinality(data_schemas) THEN
        RAISE EXCEPTION 'schema "%" already exists', present[1]
            USING ERRCODE = 'duplicate_schema',
                  DETAIL = pg_catalog.format('statbus makes the schemas %s itself; of these, %s exist.',
                           pg_catalog.array_to_string(data_schemas, ', '), pg_catalog.array_to_string(present, ', ')),
                  HINT = 'Rename the schema, or restore all schemas of the register from one dump.';
    ELSE
        mode := 'code';
        IF pg_catalog.to_regclass('register.migration') IS NULL THEN
            SELECT n.nspname, c.relname INTO stranger
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = ANY (data_schemas)
            ORDER BY 1, 2
            LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'schema "%" already exists and holds relation "%", which is not part of a register', stranger.nspname, stranger.relname
                    USING ERRCODE = 'duplicate_schema',
                          HINT = 'Rename the schema, or drop what is in it.';
            END IF;
        END IF;
        -- The server mutes notices of install scripts; this one must be heard.
        PERFORM pg_catalog.set_config('client_min_messages', 'notice', true);
        RAISE NOTICE 'statbus: tables are expected from a dump; otherwise run CALL statbus.migrate()';
        PERFORM pg_catalog.set_config('client_min_messages', 'warning', true);
    END IF;
    SELECT pg_catalog.pg_describe_object(d.classid, d.objid, 0) AS name INTO stranger
    FROM pg_catalog.pg_depend AS d
    WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
    AND d.refobjid = pg_catalog.to_regnamespace('temporal')
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'schema "temporal" already exists and holds %', stranger.name
            USING ERRCODE = 'duplicate_schema',
                  HINT = 'Rename the schema, or drop what is in it.';
    END IF;
    IF EXISTS (SELECT
               FROM pg_catalog.pg_namespace AS n
               JOIN pg_catalog.pg_roles AS r ON r.oid = n.nspowner
               WHERE n.nspname = ANY (data_schemas || 'temporal'::name) AND NOT r.rolsuper) THEN
        RAISE EXCEPTION 'a schema of statbus belongs to a role that is not a superuser'
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = pg_catalog.format('The schemas are %s and temporal.', pg_catalog.array_to_string(data_schemas, ', ')),
                  HINT = 'Give them to a superuser with ALTER SCHEMA … OWNER TO.';
    END IF;
    PERFORM pg_catalog.set_config('statbus_install.mode', mode, true);
END
$guard$;

-- The schemas belong to no extension, so that pg_dump writes them before it.  That holds for temporal as well,
-- although only code lives there: a member schema would have to follow the extension, and pg_dump would let every
-- schema whose name sorts after it follow too.
CREATE FUNCTION statbus.execute_unowned(sql text)
RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_execute_unowned';

DO $schemas$
BEGIN
    IF pg_catalog.current_setting('statbus_install.mode') = 'new' THEN
        PERFORM statbus.execute_unowned($sql$
            CREATE SCHEMA register;
            COMMENT ON SCHEMA register IS 'The register: units, code lists and what is derived from them';
            CREATE SCHEMA auth;
            COMMENT ON SCHEMA auth IS 'Users, sessions, keys and rights';
            CREATE SCHEMA import;
            COMMENT ON SCHEMA import IS 'Import definitions, jobs, findings and the tables of each job';
            CREATE SCHEMA worker;
            COMMENT ON SCHEMA worker IS 'Task queue';
            CREATE SCHEMA api;
            COMMENT ON SCHEMA api IS 'Statistical business register';
        $sql$);
    END IF;
    IF pg_catalog.to_regnamespace('temporal') IS NULL THEN
        PERFORM statbus.execute_unowned($sql$
            CREATE SCHEMA temporal;
            COMMENT ON SCHEMA temporal IS 'Interval algebra, temporal keys and temporal merge, for any table';
            GRANT USAGE ON SCHEMA statbus, temporal TO PUBLIC;
        $sql$);
    END IF;
END
$schemas$;
-- Cluster roles.  They are shared by all databases of the cluster, made when missing and never dropped.
DO $roles$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT *
        FROM (VALUES ('authenticator', 'LOGIN NOINHERIT'),
                     ('anon', 'NOLOGIN'),
                     ('authenticated', 'NOLOGIN'),
                     ('external_user', 'NOLOGIN'),
                     ('restricted_user', 'NOLOGIN'),
                     ('regular_user', 'NOLOGIN'),
                     ('admin_user', 'NOLOGIN'),
                     ('notify_reader', 'NOLOGIN')) AS role (name, options)
    LOOP
        BEGIN
            EXECUTE pg_catalog.format('CREATE ROLE %I %s', wanted.name, wanted.options);
        EXCEPTION WHEN duplicate_object THEN
            NULL;   -- made by another register of this cluster
        END;
    END LOOP;
    SET LOCAL client_min_messages = 'warning';  -- "is already a member" is no news
    GRANT anon TO authenticator;
    GRANT authenticated TO external_user;
    GRANT external_user TO restricted_user;
    GRANT restricted_user TO regular_user;
    GRANT regular_user TO admin_user;
END
$roles$;
-- Member types. A type is made once and never replaced: later changes go into an update script.

CREATE TYPE temporal.merge_mode AS ENUM (
    'MERGE_ENTITY_UPSERT',
    'MERGE_ENTITY_PATCH',
    'MERGE_ENTITY_REPLACE',
    'INSERT_NEW_ENTITIES',
    'UPDATE_FOR_PORTION_OF',
    'PATCH_FOR_PORTION_OF',
    'REPLACE_FOR_PORTION_OF',
    'DELETE_FOR_PORTION_OF'
);
COMMENT ON TYPE temporal.merge_mode IS 'what temporal.merge does with the columns and the time of its source rows';

CREATE TYPE temporal.merge_delete_mode AS ENUM (
    'NONE',
    'DELETE_MISSING_TIMELINE',
    'DELETE_MISSING_ENTITIES',
    'DELETE_MISSING_TIMELINE_AND_ENTITIES'
);
COMMENT ON TYPE temporal.merge_delete_mode IS 'what temporal.merge removes because its source does not mention it';

CREATE TYPE temporal.merge_status AS ENUM (
    'APPLIED',
    'SKIPPED_IDENTICAL',
    'SKIPPED_FILTERED',
    'SKIPPED_NO_TARGET',
    'SKIPPED_ECLIPSED',
    'ERROR'
);
COMMENT ON TYPE temporal.merge_status IS 'what became of one source row of temporal.merge';
-- The one member table: what is in it must never reach a dump, so it stays a member without
-- pg_extension_config_dump.  A restore makes new secrets.
CREATE TABLE auth.secrets (
    key text PRIMARY KEY CHECK (key <> ''),
    value text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.statement_timestamp()
);
COMMENT ON TABLE auth.secrets IS 'Secrets of this database; never dumped, readable by no role';
REVOKE ALL ON auth.secrets FROM PUBLIC;
ALTER TABLE auth.secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.secrets FORCE ROW LEVEL SECURITY;
-- What builds and describes the installation itself.

COMMENT ON FUNCTION statbus.execute_unowned(text) IS
    'Runs statements whose objects belong to no extension, also inside CREATE EXTENSION; superusers only';
REVOKE ALL ON FUNCTION statbus.execute_unowned(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.version()
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $version$
    SELECT x.extversion FROM pg_extension AS x WHERE x.extname = 'statbus'
$version$;
COMMENT ON FUNCTION statbus.version() IS 'The installed version of the extension';

CREATE OR REPLACE FUNCTION statbus.required_schemas()
RETURNS name[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $required_schemas$
    SELECT coalesce(array_agg(DISTINCT n.nspname ORDER BY n.nspname), '{}')
    FROM pg_extension AS x
    JOIN pg_namespace AS n ON n.oid = x.extnamespace
    WHERE x.extname IN ('ltree', 'citext', 'btree_gist')
    AND n.nspname <> 'pg_catalog'
$required_schemas$;
COMMENT ON FUNCTION statbus.required_schemas() IS
    'The schemas of the extensions that statbus needs: also what PostgREST needs as db-extra-search-path';

CREATE OR REPLACE FUNCTION statbus.search_path()
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $search_path$
    SELECT string_agg(quote_ident(part.name), ', ' ORDER BY part.position)
    FROM (SELECT 'pg_catalog'::name AS name, 0 AS position
          UNION ALL
          SELECT r.name, r.position
          FROM unnest(statbus.required_schemas()) WITH ORDINALITY AS r (name, position)
          UNION ALL
          SELECT 'pg_temp', 1000000) AS part
$search_path$;
COMMENT ON FUNCTION statbus.search_path() IS
    'The search_path of functions that use types or operators of other extensions';

-- A function cannot know at build time where ltree and citext are installed.  It says
-- "statbus_requires" in its search_path, and this puts the real schemas there.
CREATE OR REPLACE FUNCTION statbus.pin_search_path()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $pin_search_path$
DECLARE
    routine record;
BEGIN
    FOR routine IN
        SELECT p.oid::regprocedure AS name
        FROM pg_proc AS p
        JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname IN ('statbus', 'temporal', 'register', 'auth', 'import', 'worker', 'api')
        AND EXISTS (SELECT FROM unnest(p.proconfig) AS setting (text) WHERE setting.text LIKE 'search\_path=%statbus\_requires%')
    LOOP
        EXECUTE format('ALTER ROUTINE %s SET search_path = %s', routine.name, statbus.search_path());
    END LOOP;
END
$pin_search_path$;
COMMENT ON FUNCTION statbus.pin_search_path() IS
    'Puts the schemas of required extensions into the search_path of the functions that need them';
REVOKE ALL ON FUNCTION statbus.pin_search_path() FROM PUBLIC;

-- The server does not look into function bodies while it runs an install script, so broken ones would install.
CREATE OR REPLACE FUNCTION statbus.validate_functions()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET check_function_bodies = on
AS $validate_functions$
DECLARE
    routine record;
BEGIN
    FOR routine IN
        SELECT p.oid, v.proname AS validator,
               (SELECT substr(s.setting, length('search_path=') + 1) FROM unnest(p.proconfig) AS s (setting) WHERE s.setting LIKE 'search\_path=%') AS path
        FROM pg_proc AS p
        JOIN pg_namespace AS n ON n.oid = p.pronamespace
        JOIN pg_language AS l ON l.oid = p.prolang
        JOIN pg_proc AS v ON v.oid = l.lanvalidator
        WHERE n.nspname IN ('statbus', 'temporal', 'register', 'auth', 'import', 'worker', 'api')
        AND l.lanname IN ('plpgsql', 'sql')
    LOOP
        PERFORM set_config('search_path', coalesce(routine.path, 'pg_catalog'), true);
        EXECUTE format('SELECT pg_catalog.%I(%s)', routine.validator, routine.oid);
    END LOOP;
END
$validate_functions$;
COMMENT ON FUNCTION statbus.validate_functions() IS
    'Checks the body of every function of statbus: an error names the first broken one';
REVOKE ALL ON FUNCTION statbus.validate_functions() FROM PUBLIC;
-- Parsers for the cells of an uploaded file, and what day it is.
--
-- A bad value never raises: import.parse_x gives NULL and import.parse_x_error the code of the
-- finding. A value of nothing but spaces is no value and no fault: both give NULL. A bad format,
-- mark or word list is a bad call and raises 22023. The results depend on nothing but the
-- arguments: no DateStyle, no locale, no clock.
--
-- Everybody may execute them: they read no data.

CREATE OR REPLACE FUNCTION statbus.today()
RETURNS date
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_today';
COMMENT ON FUNCTION statbus.today() IS
    'The day of setting statbus.current_date, or the current date when it is empty.';
REVOKE ALL ON FUNCTION statbus.today() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION statbus.today() TO PUBLIC;

CREATE OR REPLACE FUNCTION statbus.in_transaction_block()
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_in_transaction_block';
COMMENT ON FUNCTION statbus.in_transaction_block() IS
    'True when the caller may not COMMIT: in a transaction block or subtransaction, or not called through CALL.';
REVOKE ALL ON FUNCTION statbus.in_transaction_block() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION statbus.in_transaction_block() TO PUBLIC;

-- Formats: YYYY-MM-DD YYYYMMDD DD.MM.YYYY D.M.YYYY DD/MM/YYYY MM/DD/YYYY YYYY/MM/DD. The first that
-- gives a day of the calendar wins. "infinity" is always a date. Years 1 to 9999; what is plausible is for the caller to say.
CREATE OR REPLACE FUNCTION import.parse_date(value text, formats text[] DEFAULT '{YYYY-MM-DD}')
RETURNS date
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_date';
COMMENT ON FUNCTION import.parse_date(text, text[]) IS
    'The day that a value means in the first of the declared formats that fits; NULL when it means none.';
REVOKE ALL ON FUNCTION import.parse_date(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_date(text, text[]) TO PUBLIC;

CREATE OR REPLACE FUNCTION import.parse_date_error(value text, formats text[] DEFAULT '{YYYY-MM-DD}')
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_date_error';
COMMENT ON FUNCTION import.parse_date_error(text, text[]) IS
    'Why a value is no date: date_format, date_not_in_calendar, date_ambiguous, date_out_of_range or date_incomplete; NULL when it is one.';
REVOKE ALL ON FUNCTION import.parse_date_error(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_date_error(text, text[]) TO PUBLIC;

CREATE OR REPLACE FUNCTION import.parse_date_info(value text, formats text[] DEFAULT '{YYYY-MM-DD}')
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_date_info';
COMMENT ON FUNCTION import.parse_date_info(text, text[]) IS
    'time_dropped when a date was written as a timestamp at 00:00: worth an information; else NULL.';
REVOKE ALL ON FUNCTION import.parse_date_info(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_date_info(text, text[]) TO PUBLIC;

CREATE OR REPLACE FUNCTION import.parse_date_warning(value text, formats text[] DEFAULT '{YYYY-MM-DD}')
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_date_warning';
COMMENT ON FUNCTION import.parse_date_warning(text, text[]) IS
    'time_dropped when a date was written as a timestamp at another time than 00:00: worth a warning; else NULL.';
REVOKE ALL ON FUNCTION import.parse_date_warning(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_date_warning(text, text[]) TO PUBLIC;

-- Thousands marks: "." "," "'" a space (any of space, U+00A0, U+202F), or none.
CREATE OR REPLACE FUNCTION import.parse_integer(value text, thousands text DEFAULT '')
RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_integer';
COMMENT ON FUNCTION import.parse_integer(text, text) IS
    'The whole number that a value means; NULL when it means none. Zeros after a decimal mark are dropped.';
REVOKE ALL ON FUNCTION import.parse_integer(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_integer(text, text) TO PUBLIC;

CREATE OR REPLACE FUNCTION import.parse_integer_error(value text, thousands text DEFAULT '')
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_integer_error';
COMMENT ON FUNCTION import.parse_integer_error(text, text) IS
    'Why a value is no whole number: not_a_number, not_whole, number_too_big, number_scientific or grouping; NULL when it is one.';
REVOKE ALL ON FUNCTION import.parse_integer_error(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_integer_error(text, text) TO PUBLIC;

CREATE OR REPLACE FUNCTION import.parse_integer_info(value text, thousands text DEFAULT '')
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_integer_info';
COMMENT ON FUNCTION import.parse_integer_info(text, text) IS
    'decimal_zero_dropped when a whole number was written as 12.0 or 12,0: worth an information; else NULL.';
REVOKE ALL ON FUNCTION import.parse_integer_info(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_integer_info(text, text) TO PUBLIC;

-- The decimal mark is "." or ",". At most 1000 digits.
CREATE OR REPLACE FUNCTION import.parse_numeric(value text, decimal_mark text DEFAULT '.', thousands text DEFAULT '')
RETURNS numeric
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 4
AS 'MODULE_PATHNAME', 'statbus_parse_numeric';
COMMENT ON FUNCTION import.parse_numeric(text, text, text) IS
    'The decimal number that a value means with the declared marks; NULL when it means none.';
REVOKE ALL ON FUNCTION import.parse_numeric(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_numeric(text, text, text) TO PUBLIC;

CREATE OR REPLACE FUNCTION import.parse_numeric_error(value text, decimal_mark text DEFAULT '.', thousands text DEFAULT '')
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_numeric_error';
COMMENT ON FUNCTION import.parse_numeric_error(text, text, text) IS
    'Why a value is no number: not_a_number, number_too_big, number_scientific, number_format or grouping; NULL when it is one.';
REVOKE ALL ON FUNCTION import.parse_numeric_error(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_numeric_error(text, text, text) TO PUBLIC;

-- Upper and lower case do not matter in Latin, Greek and Cyrillic words.
CREATE OR REPLACE FUNCTION import.parse_boolean(value text, true_words text[] DEFAULT '{true,t,yes,y,1}',
    false_words text[] DEFAULT '{false,f,no,n,0}')
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_boolean';
COMMENT ON FUNCTION import.parse_boolean(text, text[], text[]) IS
    'True or false by the declared words; NULL for any other value.';
REVOKE ALL ON FUNCTION import.parse_boolean(text, text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_boolean(text, text[], text[]) TO PUBLIC;

CREATE OR REPLACE FUNCTION import.parse_boolean_error(value text, true_words text[] DEFAULT '{true,t,yes,y,1}',
    false_words text[] DEFAULT '{false,f,no,n,0}')
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2
AS 'MODULE_PATHNAME', 'statbus_parse_boolean_error';
COMMENT ON FUNCTION import.parse_boolean_error(text, text[], text[]) IS
    'not_a_boolean when a value is none of the declared words; NULL when it is one.';
REVOKE ALL ON FUNCTION import.parse_boolean_error(text, text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_boolean_error(text, text[], text[]) TO PUBLIC;

CREATE OR REPLACE FUNCTION import.parse_hint(kind text, value text)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'statbus_parse_hint';
COMMENT ON FUNCTION import.parse_hint(text, text) IS
    'A sentence that may help with a refused value of kind date, integer, numeric or boolean; NULL when there is none.';
REVOKE ALL ON FUNCTION import.parse_hint(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.parse_hint(text, text) TO PUBLIC;
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
-- temporal.merge: a set of rows, each valid during a period, becomes part of a temporal table.
--
-- Per call: (1) find the target's slices of the entities that the source mentions and lock them; (2) one SELECT plans: it identifies
-- the source rows, cuts each entity's time at every bound, works out each segment's columns, joins equal neighbours and compares
-- with what is there; (3) one statement with DELETE, UPDATE and INSERT applies, so that keys are checked on the end state.
--
-- A bound is represented by a range too, the "cut" of everything before it: `empty` before an unbounded start, (,b) before b,
-- (,) after an unbounded end. Cuts of one range type are ordered and hashed by that type's own operators, whatever the type.

-- The first value that is not NULL, in input order. A strict transition function makes the first one the state for nothing.
CREATE OR REPLACE FUNCTION temporal.keep_first(state anyelement, value anyelement) RETURNS anyelement
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $keep_first$ SELECT state $keep_first$;
REVOKE ALL ON FUNCTION temporal.keep_first(anyelement, anyelement) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.keep_first(anyelement, anyelement) TO PUBLIC;
COMMENT ON FUNCTION temporal.keep_first(anyelement, anyelement) IS 'transition function of temporal.first_non_null';

CREATE OR REPLACE AGGREGATE temporal.first_non_null(anyelement) (SFUNC = temporal.keep_first, STYPE = anyelement, PARALLEL = SAFE);
REVOKE ALL ON FUNCTION temporal.first_non_null(anyelement) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.first_non_null(anyelement) TO PUBLIC;
COMMENT ON AGGREGATE temporal.first_non_null(anyelement) IS 'first value that is not NULL, in input order';

-- Applies a plan: deletes and updates rows by ctid (the caller holds their locks), inserts others, in one statement, under the
-- settings of merge's caller, so that his triggers and defaults see his search_path. `texts` are the caller's search_path,
-- enable_nestloop, jit and enable_mergejoin, then the lists for INSERT, its SELECT, UPDATE, and an OVERRIDING clause. Returns the number of rows written.
CREATE OR REPLACE FUNCTION temporal.merge_apply(
    target regclass, texts text[], deleted tid[], updated tid[], new_values anyarray, inserted anyarray) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $merge_apply$
DECLARE
    pinned text := pg_catalog.current_setting('search_path');
    table_text text := (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = target);
    parts text[] := '{}';
    counts text := '';
    expected bigint := coalesce(cardinality(deleted), 0) + coalesce(cardinality(updated), 0) + coalesce(cardinality(inserted), 0);
    written bigint;
BEGIN
    IF expected = 0 THEN
        RETURN 0;
    END IF;
    IF deleted IS NOT NULL THEN
        parts := parts || format('d AS (DELETE FROM %s AS t WHERE t.ctid OPERATOR(pg_catalog.=) ANY ($1) RETURNING 1)', table_text);
        counts := counts || ' OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM d)';
    END IF;
    IF updated IS NOT NULL THEN
        parts := parts || format('u AS (UPDATE %s AS t SET %s FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) AS o("temporal ctid")'
            ' WHERE t.ctid OPERATOR(pg_catalog.=) o."temporal ctid" RETURNING 1)', table_text, texts[7]);
        counts := counts || ' OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM u)';
    END IF;
    IF inserted IS NOT NULL THEN
        parts := parts || format('i AS (INSERT INTO %s (%s) %s SELECT %s FROM pg_catalog.unnest($4) AS o RETURNING 1)', table_text,
            texts[5], texts[8], texts[6]);
        counts := counts || ' OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM i)';
    END IF;
    PERFORM set_config('enable_nestloop', texts[2], true), set_config('jit', texts[3], true),
        set_config('enable_mergejoin', texts[4], true), set_config('search_path', texts[1], true);
    EXECUTE pg_catalog.concat('WITH ', pg_catalog.array_to_string(parts, ', '), ' SELECT 0::pg_catalog.int8', counts)
        INTO written USING deleted, updated, new_values, inserted;
    PERFORM pg_catalog.set_config('search_path', pinned, true);
    IF written <> expected THEN
        RAISE EXCEPTION 'merge could write only % of % rows of relation %', written, expected, table_text
            USING ERRCODE = 'insufficient_privilege',
            DETAIL = 'A row level security policy or a trigger of the target kept the others from being written.';
    END IF;
    RETURN written;
END
$merge_apply$;
REVOKE ALL ON FUNCTION temporal.merge_apply(regclass, text[], tid[], tid[], anyarray, anyarray) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.merge_apply(regclass, text[], tid[], tid[], anyarray, anyarray) TO PUBLIC;
COMMENT ON FUNCTION temporal.merge_apply(regclass, text[], tid[], tid[], anyarray, anyarray) IS 'the writing half of temporal.merge';

CREATE OR REPLACE FUNCTION temporal.merge(
    target regclass, source regclass, identity_columns name[],
    mode temporal.merge_mode DEFAULT 'MERGE_ENTITY_PATCH', natural_keys jsonb DEFAULT '[]',
    delete_mode temporal.merge_delete_mode DEFAULT 'NONE', period name DEFAULT 'valid_range',
    row_id_column name DEFAULT 'row_id', founding_id_column name DEFAULT NULL, ephemeral_columns name[] DEFAULT '{}')
RETURNS TABLE (row_id bigint, status temporal.merge_status, entity jsonb, message text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $merge$
#variable_conflict use_variable
DECLARE
    settings text[] := ARRAY[pg_catalog.current_setting('search_path'), pg_catalog.current_setting('enable_nestloop'),
        pg_catalog.current_setting('jit'), pg_catalog.current_setting('enable_mergejoin')];
    is_patch boolean := mode IN ('MERGE_ENTITY_PATCH', 'PATCH_FOR_PORTION_OF');
    is_upsert boolean := mode IN ('MERGE_ENTITY_UPSERT', 'UPDATE_FOR_PORTION_OF');
    is_portion boolean := mode IN ('UPDATE_FOR_PORTION_OF', 'PATCH_FOR_PORTION_OF', 'REPLACE_FOR_PORTION_OF', 'DELETE_FOR_PORTION_OF');
    is_delete boolean := mode = 'DELETE_FOR_PORTION_OF';
    drops_timeline boolean := delete_mode IN ('DELETE_MISSING_TIMELINE', 'DELETE_MISSING_TIMELINE_AND_ENTITIES');
    drops_entities boolean := delete_mode IN ('DELETE_MISSING_ENTITIES', 'DELETE_MISSING_TIMELINE_AND_ENTITIES');
    identity name[] := identity_columns;
    key_sets jsonb := coalesce(natural_keys, '[]');
    span record;
    range_name text;
    discrete boolean;
    low text;
    high text;
    col record;
    value_text text;
    default_text text;
    keeps_default boolean;
    -- pieces of generated text
    source_ids text := '';  target_ids text := '';  source_values text := '';  target_values text := '';
    final_values text := '';  solo_values text := '';  fold_values text := '';  row_values text := '';
    payload_wide text := '';  payload_target text := '';  insert_list text := '';  select_list text := '';  update_list text := '';  overriding text := '';
    id_names text := '';  id_defaults text := '';  id_missing text := '';  entity_text text := '';  key_fill text := '';  carried text := '';  wide_names text := '';
    outcome_text text;
    equal_ids text; id_join text;
    period_raw text; period_error text; has_range boolean; has_from boolean; has_until boolean; has_to boolean;
    candidates text := '';  complete text := '';  labels text := '';  label_steps text := '';  label_text text;  lookup text := '';
    key_set jsonb; j integer := 0; parts record;
    query text; lock_query text; find_query text; found_tids tid[];
    target_name text; source_name text;
    existing bigint; attempt integer := 0;
    row_ids bigint[]; statuses text[]; entities jsonb[]; messages text[]; written bigint;
    for_new boolean;
BEGIN
    -- names in the generated text are the catalogue's; the schemas of ltree and citext hold the operators of their types
    PERFORM pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', 'pg_catalog', (
        SELECT pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(n.nspname), ', ')
        FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
        WHERE e.extname OPERATOR(pg_catalog.=) ANY ('{ltree,citext}'::pg_catalog.name[])), 'pg_temp'), true);
    IF target IS NULL OR source IS NULL OR mode IS NULL OR delete_mode IS NULL OR period IS NULL OR row_id_column IS NULL THEN
        RAISE EXCEPTION 'target, source, mode, delete_mode, period and row_id_column must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF delete_mode <> 'NONE' AND (is_portion OR mode = 'INSERT_NEW_ENTITIES') THEN
        RAISE EXCEPTION 'delete mode % cannot be used with mode %', delete_mode, mode USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF jsonb_typeof(key_sets) <> 'array' OR jsonb_path_exists(key_sets, 'strict $[*] ? (@.type() != "array")') THEN
        RAISE EXCEPTION 'natural_keys must be an array of arrays of column names' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF coalesce(cardinality(identity), 0) = 0 THEN
        identity := (SELECT array_agg(n::name ORDER BY o) FROM jsonb_array_elements_text(key_sets -> 0) WITH ORDINALITY AS e(n, o));
        IF coalesce(cardinality(identity), 0) = 0 THEN
            RAISE EXCEPTION 'merge needs identity_columns or natural_keys' USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END IF;
    IF (SELECT c.relkind FROM pg_class AS c WHERE c.oid = target) <> 'r' THEN
        RAISE EXCEPTION 'relation % is not an ordinary table', target USING ERRCODE = 'wrong_object_type';
    END IF;
    PERFORM temporal.column_numbers(target, identity || coalesce(ephemeral_columns, '{}')
        || (SELECT coalesce(array_agg(c::name), '{}') FROM jsonb_array_elements(key_sets) AS k(v), jsonb_array_elements_text(k.v) AS c));
    SELECT format('%I.%I', n.nspname, c.relname) INTO target_name
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = target;
    SELECT format('%I.%I', n.nspname, c.relname) INTO source_name
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = source;
    span := temporal.period_of(target, period);
    SELECT format('%I.%I', n.nspname, t.typname), r.rngcanonical <> 0 INTO range_name, discrete
    FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace JOIN pg_range AS r ON r.rngtypid = t.oid
    WHERE t.oid = span.range_type;
    low := CASE WHEN discrete
        THEN format('CASE WHEN lower_inf(%%1$s) THEN ''empty''::%1$s ELSE %1$s(NULL, lower(%%1$s)) END', range_name)
        ELSE format('CASE WHEN lower_inf(%%1$s) THEN ''empty''::%1$s ELSE %1$s(NULL, lower(%%1$s), CASE WHEN lower_inc(%%1$s) THEN ''()'' ELSE ''(]'' END) END', range_name) END;
    high := CASE WHEN discrete THEN format('%1$s(NULL, upper(%%1$s))', range_name)
        ELSE format('%1$s(NULL, upper(%%1$s), CASE WHEN upper_inc(%%1$s) THEN ''(]'' ELSE ''()'' END)', range_name) END;

    -- the target's columns, each with what the mode makes of it
    FOR col IN
        SELECT a.attnum, a.attname, a.attgenerated <> '' AS is_generated, a.attidentity, a.attnotnull, a.atttypid, a.atttypmod,
            format_type(a.atttypid, a.atttypmod) AS type_text, array_position(identity, a.attname) AS id_position,
            a.attname = ANY (coalesce(ephemeral_columns, '{}')) AS is_ephemeral,
            CASE WHEN a.attname = period OR a.attname IN (span.from_column, span.until_column) THEN true ELSE false END AS is_period,
            CASE WHEN a.attidentity <> '' THEN format('nextval(%L::regclass)', pg_get_serial_sequence(target::text, a.attname))
                WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS default_text,
            s.attnum IS NOT NULL AS in_source, s.atttypid AS source_type, s.atttypmod AS source_typmod,
            NOT EXISTS (SELECT FROM pg_opclass AS o JOIN pg_am AS m ON m.oid = o.opcmethod AND m.amname = 'btree'
                WHERE o.opcdefault AND (o.opcintype = b.base OR EXISTS (
                    SELECT FROM pg_cast AS c WHERE c.castsource = b.base AND c.casttarget = o.opcintype AND c.castmethod = 'b' AND c.castcontext = 'i')))
                AND b.typtype NOT IN ('e', 'r', 'm') AND b.typcategory <> 'A' OR b.typname = 'citext' AS by_text,
            b.base, EXISTS (
                SELECT FROM jsonb_array_elements(key_sets) AS k(v), jsonb_array_elements_text(k.v) AS kc(n) WHERE kc.n = a.attname) AS is_natural
        FROM pg_attribute AS a
        JOIN LATERAL (
            SELECT bt.oid AS base, bt.typtype, bt.typcategory, bt.typname
            FROM pg_type AS ty JOIN pg_type AS bt ON bt.oid = coalesce(nullif(ty.typbasetype, 0), ty.oid) WHERE ty.oid = a.atttypid) AS b ON true
        LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        LEFT JOIN pg_attribute AS s ON s.attrelid = source AND s.attname = a.attname AND s.attnum > 0 AND NOT s.attisdropped
        WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attnum
    LOOP
        IF col.is_period THEN
            IF NOT col.is_generated THEN
                insert_list := insert_list || format(', %I', col.attname);
                select_list := select_list || format(', o.%I', col.attname);
                update_list := update_list || format(', %1$I = o.%1$I', col.attname);
                row_values := row_values || CASE WHEN col.attname = span.from_column THEN ', lower(x.rng)'
                    WHEN col.attname = span.until_column THEN ', upper(x.rng)' ELSE ', x.rng' END;
            ELSE
                row_values := row_values || format(', NULL::%s', col.type_text);
            END IF;
            CONTINUE;
        END IF;
        value_text := CASE
            WHEN NOT col.in_source THEN format('NULL::%s', col.type_text)
            WHEN col.source_type = col.atttypid AND col.source_typmod = col.atttypmod THEN format('s.%I', col.attname)
            WHEN col.atttypmod > 0 AND col.atttypid = 'varchar'::regtype
                THEN format('pg_catalog."varchar"(s.%I::varchar, %s, false)', col.attname, col.atttypmod)
            WHEN col.atttypmod > 0 AND col.atttypid = 'bpchar'::regtype
                THEN format('pg_catalog.bpchar(s.%I::bpchar, %s, false)', col.attname, col.atttypmod)
            ELSE format('s.%I::%s', col.attname, col.type_text) END;
        IF col.id_position IS NOT NULL THEN
            source_ids := source_ids || format(', %s AS i%s', value_text, col.id_position);
            target_ids := target_ids || format(', t.%I AS i%s', col.attname, col.id_position);
            row_values := row_values || format(', n.e%s', col.id_position);
            insert_list := insert_list || format(', %I', col.attname);
            select_list := select_list || format(', o.%I', col.attname);
            IF col.attidentity = 'a' THEN
                overriding := 'OVERRIDING SYSTEM VALUE';
            END IF;
            id_defaults := id_defaults || format(', %s AS e%s',
                CASE WHEN col.default_text IS NULL THEN 'g.i' || col.id_position
                    ELSE format('CASE WHEN g.i%1$s IS NULL THEN %2$s ELSE g.i%1$s END', col.id_position, col.default_text) END, col.id_position);
            IF col.default_text IS NULL THEN
                id_missing := id_missing || format(' WHEN NOT q.known AND q.i%s IS NULL THEN %L', col.id_position,
                    format('identity column "%s" is NULL and has no default', col.attname));
            END IF;
            entity_text := entity_text || format(', %s, %%1$s.%%2$s%s', replace(quote_literal(col.attname), '%', '%%'), col.id_position);
        END IF;
        IF col.is_generated OR col.attidentity = 'a' AND col.id_position IS NULL THEN
            row_values := row_values || format(', NULL::%s', col.type_text);
            CONTINUE;
        END IF;
        -- natural key columns are wanted by number too, even where they identify
        source_values := source_values || format(', %s AS c%s', value_text, col.attnum);
        target_values := target_values || format(', t.%I AS c%s', col.attname, col.attnum);
        carried := carried || format(', c%s', col.attnum);
        key_fill := key_fill || CASE WHEN col.is_natural AND col.id_position IS NULL
            THEN format(', CASE WHEN c%1$s IS NULL AND known_ent IS NULL THEN temporal.first_non_null(c%1$s) OVER natural_key ELSE c%1$s END AS c%1$s', col.attnum)
            ELSE format(', c%s', col.attnum) END;
        IF col.id_position IS NOT NULL THEN
            CONTINUE;
        END IF;
        keeps_default := col.attnotnull OR col.default_text IS NOT NULL;
        default_text := coalesce(col.default_text, 'NULL');
        -- the value of a segment: source rows over target
        IF is_delete OR NOT col.in_source AND (is_patch OR is_upsert) THEN
            value_text := format('t.c%s', col.attnum);
        ELSIF is_patch OR is_upsert AND keeps_default THEN
            value_text := format('coalesce(s.c%1$s, f.c%1$s, t.c%1$s)', col.attnum);
            fold_values := fold_values || format(', temporal.first_non_null(c%1$s) AS c%1$s', col.attnum);
        ELSIF is_upsert THEN
            value_text := format('CASE WHEN g.top IS NOT NULL THEN s.c%1$s ELSE t.c%1$s END', col.attnum);
        ELSIF NOT col.in_source THEN
            value_text := format('CASE WHEN g.top IS NOT NULL THEN %2$s ELSE t.c%1$s END', col.attnum, default_text);
        ELSIF col.attnotnull THEN
            value_text := format('CASE WHEN g.top IS NOT NULL THEN coalesce(s.c%1$s, %2$s) ELSE t.c%1$s END', col.attnum, default_text);
        ELSE
            value_text := format('CASE WHEN g.top IS NOT NULL THEN s.c%1$s ELSE t.c%1$s END', col.attnum);
        END IF;
        IF (is_patch OR is_upsert) AND col.default_text IS NOT NULL THEN
            value_text := format('CASE WHEN g.tid IS NULL THEN coalesce(%s, %s) ELSE %1$s END', value_text, default_text);
        END IF;
        final_values := final_values || format(', %s AS c%s', value_text, col.attnum);
        wide_names := wide_names || format(', w.c%s', col.attnum);
        solo_values := solo_values || format(', %s AS c%s', CASE
            WHEN col.default_text IS NOT NULL AND NOT col.in_source THEN default_text
            WHEN col.default_text IS NOT NULL AND (is_patch OR is_upsert OR col.attnotnull) THEN format('coalesce(s.c%s, %s)', col.attnum, default_text)
            ELSE format('s.c%s', col.attnum) END, col.attnum);
        row_values := row_values || format(', x.c%s', col.attnum);
        insert_list := insert_list || format(', %I', col.attname);
        select_list := select_list || format(', o.%I', col.attname);
        IF col.in_source OR col.is_ephemeral OR NOT (is_patch OR is_upsert) THEN
            update_list := update_list || format(', %1$I = o.%1$I', col.attname);
        END IF;
        IF NOT col.is_ephemeral THEN
            payload_wide := payload_wide || format(', w.c%s%s', col.attnum, CASE WHEN col.by_text THEN '::text' ELSE '' END);
            payload_target := payload_target || format(', t.c%s%s', col.attnum, CASE WHEN col.by_text THEN '::text' ELSE '' END);
        END IF;
    END LOOP;
    insert_list := substr(insert_list, 3);
    select_list := substr(select_list, 3);
    update_list := substr(update_list, 3);
    entity_text := 'jsonb_build_object(' || substr(entity_text, 3) || ')';
    SELECT string_agg(format('%%1$s.i%1$s = %%2$s.%%3$s%1$s', n), ' AND ' ORDER BY n), string_agg(format('i%s', n), ', ' ORDER BY n)
    INTO equal_ids, id_names FROM generate_series(1, cardinality(identity)) AS n;

    -- the period of a source row: the range, or its start with either end
    SELECT bool_or(a.attname = period), bool_or(a.attname = coalesce(span.from_column, 'valid_from')),
        bool_or(a.attname = coalesce(span.until_column, 'valid_until')), bool_or(a.attname = 'valid_to') AND discrete
    INTO has_range, has_from, has_until, has_to
    FROM pg_attribute AS a WHERE a.attrelid = source AND a.attnum > 0 AND NOT a.attisdropped;
    IF NOT has_range AND NOT (has_from AND (has_until OR has_to)) THEN
        RAISE EXCEPTION 'source % has neither the period "%" nor its bounds', source, period USING ERRCODE = 'undefined_column';
    END IF;
    period_raw := format(', %s AS p_range, %s AS p_from, %s AS p_until, %s AS p_after',
        CASE WHEN has_range THEN format('s.%I::%s', period, range_name) ELSE 'NULL::' || range_name END,
        CASE WHEN has_from THEN format('s.%I::%s', coalesce(span.from_column, 'valid_from'), span.subtype) ELSE format('NULL::%s', span.subtype) END,
        CASE WHEN has_until THEN format('s.%I::%s', coalesce(span.until_column, 'valid_until'), span.subtype) ELSE format('NULL::%s', span.subtype) END,
        CASE WHEN has_to THEN format('s.valid_to::%s + 1', span.subtype) ELSE format('NULL::%s', span.subtype) END);
    period_error := 'CASE WHEN p_range IS NULL AND (p_from IS NULL OR coalesce(p_until, p_after) IS NULL) THEN ''the period is NULL'''
        ' WHEN isempty(p_range) THEN ''the period is empty'''
        ' WHEN p_until <> p_after THEN ''the period is contradictory: its end is given twice, differently'''
        ' WHEN p_range IS NULL AND p_from = coalesce(p_until, p_after) THEN ''the period is empty'''
        ' WHEN p_range IS NULL AND p_from > coalesce(p_until, p_after) THEN ''the period ends before it begins'''
        ' WHEN p_range IS NOT NULL AND (p_from IS NOT NULL AND p_from IS DISTINCT FROM lower(p_range)'
        '  OR coalesce(p_until, p_after) IS NOT NULL AND coalesce(p_until, p_after) IS DISTINCT FROM upper(p_range))'
        '  THEN ''the period is contradictory: the range and its bounds differ''';
    FOR parts IN
        SELECT a.attname, a.attname = span.from_column AS is_start FROM pg_attribute AS a
        WHERE a.attrelid = target AND a.attnotnull AND a.attname IN (span.from_column, span.until_column)
    LOOP
        period_error := period_error || format(' WHEN %s(p_range) THEN %L', CASE WHEN parts.is_start THEN 'lower_inf' ELSE 'upper_inf' END,
            format('the period is unbounded, but column "%s" of the target is NOT NULL', parts.attname));
    END LOOP;
    period_error := period_error || ' END';

    -- natural keys: look-ups in the target, and labels for new entities
    FOR key_set IN SELECT v FROM jsonb_array_elements(key_sets) WITH ORDINALITY AS k(v, o) ORDER BY o LOOP
        j := j + 1;
        SELECT string_agg(format('s.c%1$s = o.c%1$s', a.attnum), ' AND ') AS equal,
            string_agg(format('s.c%s IS NOT NULL', a.attnum), ' AND ') AS filled,
            string_agg(format('s.c%s', a.attnum), ', ') AS listed,
            string_agg(format('k.%1$I = s.%1$I::%2$s', a.attname, format_type(a.atttypid, NULL)), ' AND ') AS by_name,
            bool_and(s.attnum IS NOT NULL) AS given
        INTO parts
        FROM jsonb_array_elements_text(key_set) AS c(n)
        JOIN pg_attribute AS a ON a.attrelid = target AND a.attname = c.n
        LEFT JOIN pg_attribute AS s ON s.attrelid = source AND s.attname = c.n AND s.attnum > 0 AND NOT s.attisdropped;
        IF parts.given THEN
            lookup := lookup || format(' UNION SELECT %s FROM %s AS k JOIN %s AS s ON %s%s',
                (SELECT string_agg(format('k.%I', n), ', ' ORDER BY o) FROM unnest(identity) WITH ORDINALITY AS i(n, o)), target_name, source_name, parts.by_name,
                (SELECT ' WHERE ' || string_agg(format('s.%I IS NULL', i.n), ' OR ') FROM unnest(identity) AS i(n)
                 WHERE NOT EXISTS (SELECT FROM unnest(identity) AS m(n) WHERE NOT EXISTS (
                     SELECT FROM pg_attribute AS a WHERE a.attrelid = source AND a.attname = m.n AND a.attnum > 0 AND NOT a.attisdropped))));
        END IF;
        candidates := candidates || CASE WHEN j > 1 THEN ' UNION ' ELSE '' END || format(
            'SELECT s.rn, %1$s FROM s1 AS s JOIN t0 AS o ON %2$s WHERE NOT s.given'
            ' UNION SELECT s.rn, %1$s FROM s1 AS s JOIN s1 AS o ON %2$s WHERE NOT s.given AND o.given',
            'o.' || replace(id_names, ', ', ', o.'), parts.equal);
        complete := complete || CASE WHEN j > 1 THEN ' OR ' ELSE '' END || '(' || parts.filled || ')';
        labels := labels || format(', CASE WHEN %s THEN min(s.rn) OVER (PARTITION BY %s, (%s)) * %s + %s END AS g%s',
            parts.filled, parts.listed, parts.filled, jsonb_array_length(key_sets), j - 1, j);
    END LOOP;
    IF founding_id_column IS NOT NULL THEN
        label_text := 'CASE WHEN s.fnd IS NULL THEN s.rn ELSE min(s.rn) OVER (PARTITION BY s.fnd) END';
        label_steps := format('labelled AS (SELECT s.rn, %s AS label FROM r AS s WHERE NOT s.known AND s.err IS NULL), ', label_text);
    ELSIF j = 0 THEN
        label_steps := 'labelled AS (SELECT s.rn, s.rn AS label FROM r AS s WHERE NOT s.known AND s.err IS NULL), ';
    ELSE
        -- rows whose keys share a value are one entity, also through other rows: the smallest node that each node reaches
        label_steps := format('keyed AS MATERIALIZED (SELECT s.rn%s FROM r AS s WHERE NOT s.known AND s.err IS NULL), '
            'edge AS MATERIALIZED (SELECT DISTINCT u.a, u.b FROM keyed AS k CROSS JOIN LATERAL (SELECT coalesce(%s) AS c) AS h'
            ' CROSS JOIN LATERAL (VALUES %s) AS v(n) CROSS JOIN LATERAL (VALUES (h.c, v.n), (v.n, h.c)) AS u(a, b) WHERE v.n <> h.c), '
            'reach(a, b) AS (SELECT e.a, e.a FROM edge AS e UNION SELECT r.a, e.b FROM reach AS r JOIN edge AS e ON e.a = r.b), '
            'root AS MATERIALIZED (SELECT a, min(b) AS label FROM reach GROUP BY a), '
            'labelled AS (SELECT k.rn, coalesce(o.label, coalesce(%2$s)) / %4$s AS label FROM keyed AS k LEFT JOIN root AS o ON o.a = coalesce(%2$s)), ',
            labels, (SELECT string_agg('k.g' || n, ', ' ORDER BY n) FROM generate_series(1, j) AS n),
            (SELECT string_agg('(k.g' || n || ')', ', ' ORDER BY n) FROM generate_series(1, j) AS n), jsonb_array_length(key_sets));
    END IF;

    -- the slices in question: found and locked first
    SELECT string_agg(format('t.%I = e.i%s', n, o), ' AND ') INTO id_join FROM unnest(identity) WITH ORDINALITY AS i(n, o);
    IF (SELECT count(*) = cardinality(identity) FROM pg_attribute AS a
        WHERE a.attrelid = source AND a.attname = ANY (identity) AND a.attnum > 0 AND NOT a.attisdropped) THEN
        lookup := format(' UNION SELECT %s FROM %s AS s',
            (SELECT string_agg(format('s.%I::%s', i.n, format_type(a.atttypid, NULL)), ', ' ORDER BY i.o) FROM unnest(identity) WITH ORDINALITY AS i(n, o)
             JOIN pg_attribute AS a ON a.attrelid = target AND a.attname = i.n), source_name) || lookup;
    END IF;
    find_query := CASE
        WHEN drops_entities THEN format('SELECT t.ctid FROM %s AS t', target_name)
        WHEN lookup = '' THEN format('SELECT t.ctid FROM %s AS t WHERE false', target_name)
        ELSE format('SELECT t.ctid FROM %s AS t JOIN (%s) AS e(%s) ON %s', target_name, substr(lookup, 8), id_names, id_join) END;
    lock_query := format('SELECT count(*) FROM (%s ORDER BY %s, t.%I FOR UPDATE OF t) AS l', find_query,
        (SELECT string_agg(format('t.%I', n), ', ' ORDER BY o) FROM unnest(identity) WITH ORDINALITY AS i(n, o)), period);

    query := format('WITH RECURSIVE '
        -- source rows in order, in the target's types, with their period or what is wrong with it
        's0 AS (SELECT row_number() OVER (ORDER BY s.%1$I) AS rn, s.%1$I::bigint AS row_id, %2$s AS fnd%3$s%4$s%5$s FROM %6$s AS s), '
        's1 AS MATERIALIZED (SELECT s0.*, %7$s AS given, %8$s AS period_error FROM s0), '
        't0 AS MATERIALIZED (SELECT t.ctid AS tid, t.%9$I AS rng%10$s%11$s FROM %12$s AS t WHERE t.ctid = ANY ($1) AND NOT isempty(t.%9$I)), ',
        row_id_column, CASE WHEN founding_id_column IS NULL THEN 'NULL::integer' ELSE format('s.%I', founding_id_column) END,
        source_ids, period_raw, source_values, source_name,
        (SELECT string_agg(format('i%s IS NOT NULL', n), ' AND ') FROM generate_series(1, cardinality(identity)) AS n),
        period_error, period, target_ids, target_values, target_name);
    query := query || CASE WHEN j = 0 THEN '' ELSE format(
        'candidate AS MATERIALIZED (%s), '
        'chosen AS MATERIALIZED (SELECT c.rn, count(*) AS n, jsonb_agg(%s ORDER BY %s) AS ids, %s FROM candidate AS c GROUP BY c.rn), ',
        candidates, format(entity_text, 'c', 'i'), 'c.' || replace(id_names, ', ', ', c.'),
        (SELECT string_agg(format('(array_agg(c.i%1$s))[1] AS i%1$s', n), ', ') FROM generate_series(1, cardinality(identity)) AS n)) END;
    query := query || format(
        'r AS MATERIALIZED (SELECT q.*, CASE %1$s%2$s ELSE q.period_error END AS err FROM ('
        'SELECT s.*, %3$s, s.given OR %4$s AS known%5$s FROM s1 AS s %6$s) AS q), ',
        CASE WHEN j = 0 THEN 'WHEN false THEN NULL' ELSE 'WHEN q.n > 1 THEN ''the natural keys are ambiguous: they belong to '' || q.ids::text '
            || CASE WHEN founding_id_column IS NULL THEN 'WHEN NOT q.known AND NOT q.complete THEN ''the row cannot be identified: all keys are NULL''' ELSE '' END END,
        id_missing,
        (SELECT string_agg(CASE WHEN j = 0 THEN format('s.i%1$s AS e%1$s', n)
            ELSE format('CASE WHEN s.given THEN s.i%1$s WHEN c.n = 1 THEN c.i%1$s END AS e%1$s', n) END, ', ') FROM generate_series(1, cardinality(identity)) AS n),
        CASE WHEN j = 0 THEN 'false' ELSE 'coalesce(c.n = 1, false)' END,
        CASE WHEN j = 0 THEN '' ELSE ', c.n, c.ids, (' || complete || ') AS complete' END,
        CASE WHEN j = 0 THEN '' ELSE 'LEFT JOIN chosen AS c ON c.rn = s.rn' END)
        || label_steps || format(
        -- entities: a positive number for a known identity, a negative one for a new entity
        'ids AS MATERIALIZED (SELECT %1$s, row_number() OVER () AS ent, bool_or(u.there) AS there FROM ('
        'SELECT %2$s, true FROM t0 UNION ALL SELECT %3$s, false FROM r WHERE r.known) AS u(%1$s, there) GROUP BY %1$s), '
        'filed AS (SELECT r.*, i.ent AS known_ent, coalesce(i.ent, -l.label) AS ent, coalesce(i.there, false) AS there,'
        ' coalesce(r.p_range, CASE WHEN r.period_error IS NULL THEN %4$s(r.p_from, coalesce(r.p_until, r.p_after)) END) AS rng'
        ' FROM r LEFT JOIN ids AS i ON r.known AND %5$s LEFT JOIN labelled AS l ON l.rn = r.rn), '
        'rated AS MATERIALIZED (SELECT f.*, CASE WHEN f.err IS NOT NULL THEN ''ERROR''%6$s END AS verdict FROM filed AS f), '
        'act0 AS (SELECT rn, ent, there, known_ent, err, rng, %7$s%8$s FROM rated WHERE verdict IS NULL%9$s), '
        'act AS MATERIALIZED (SELECT a.*, %10$s AS lo, %11$s AS hi, NOT a.there AND count(*) OVER (PARTITION BY a.ent) = 1 AS solo FROM act0 AS a), ',
        replace(id_names, 'i', 'e'), id_names, replace(id_names, 'i', 'r.e'), range_name, replace(format(equal_ids, 'i', 'r', 'e'), 'i.i', 'i.e'),
        CASE WHEN mode = 'INSERT_NEW_ENTITIES' THEN ' WHEN f.there THEN ''SKIPPED_FILTERED'''
            WHEN is_portion THEN ' WHEN NOT f.there THEN ''SKIPPED_NO_TARGET''' ELSE '' END,
        id_names, CASE WHEN j = 0 THEN carried ELSE key_fill END,
        CASE WHEN j = 0 THEN '' ELSE ' WINDOW natural_key AS (PARTITION BY ent ORDER BY rn DESC ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)' END,
        format(low, 'a.rng'), format(high, 'a.rng'));
    outcome_text := CASE WHEN is_patch THEN '' ELSE 'WHEN NOT o.top THEN ''SKIPPED_ECLIPSED'' ' END
        || CASE WHEN is_portion THEN 'WHEN NOT o.hit THEN ''SKIPPED_NO_TARGET'' ' ELSE '' END
        || CASE WHEN is_delete THEN 'ELSE ''APPLIED''' ELSE 'WHEN o.written THEN ''APPLIED'' ELSE ''SKIPPED_IDENTICAL''' END;
    query := query || format(
        'fresh AS MATERIALIZED (SELECT g.ent%1$s FROM (SELECT ent, %2$s FROM (SELECT * FROM act WHERE ent < 0 ORDER BY ent DESC, rn) AS o'
        ' GROUP BY ent ORDER BY ent DESC) AS g), '
        'named AS MATERIALIZED (SELECT ent, %3$s FROM ids UNION ALL SELECT ent, %3$s FROM fresh), '
        'tg AS MATERIALIZED (SELECT i.ent, t.*, ROW(%8$s) AS pl, %4$s AS lo, %5$s AS hi FROM t0 AS t JOIN ids AS i ON %6$s'
        ' WHERE i.ent IN (SELECT a.ent FROM act AS a)%7$s), '
        -- segments
        'ev AS MATERIALIZED (SELECT ent, rn, NULL::tid AS tid, lo, hi FROM act WHERE NOT solo UNION ALL SELECT ent, NULL, tid, lo, hi FROM tg), '
        'cuts AS MATERIALIZED (SELECT ent, cut, row_number() OVER w AS ord, lead(cut) OVER w AS nxt'
        ' FROM (SELECT ent, lo FROM ev UNION SELECT ent, hi FROM ev) AS u(ent, cut) WINDOW w AS (PARTITION BY ent ORDER BY cut)), '
        'piece AS MATERIALIZED (SELECT e.ent, e.rn, e.tid, g.ord FROM ev AS e JOIN cuts AS a ON a.ent = e.ent AND a.cut = e.lo'
        ' JOIN cuts AS b ON b.ent = e.ent AND b.cut = e.hi CROSS JOIN LATERAL generate_series(a.ord, b.ord - 1) AS g(ord)), '
        'seg AS MATERIALIZED (SELECT ent, ord, max(rn) AS top, count(rn) AS n, max(tid) AS tid FROM piece GROUP BY ent, ord), '
        'seen AS MATERIALIZED (SELECT p.rn, bool_or(p.rn = g.top) AS seen FROM piece AS p JOIN seg AS g USING (ent, ord) WHERE p.rn IS NOT NULL GROUP BY p.rn), ',
        id_defaults, (SELECT string_agg(format('temporal.first_non_null(i%1$s) AS i%1$s', n), ', ') FROM generate_series(1, cardinality(identity)) AS n),
        replace(id_names, 'i', 'e'), format(low, 't.rng'), format(high, 't.rng'), replace(format(equal_ids, 't', 'i', 'e'), 't.e', 't.i'),
        CASE WHEN drops_entities THEN ' OR i.ent NOT IN (SELECT m.ent FROM rated AS m WHERE m.ent IS NOT NULL'
            || CASE WHEN j = 0 THEN '' ELSE format(' UNION ALL SELECT i2.ent FROM candidate AS c JOIN ids AS i2 ON %s',
                replace(format(equal_ids, 'c', 'i2', 'e'), 'i2.i', 'i2.e')) END || ')' ELSE '' END, substr(payload_target, 3))
        || CASE WHEN fold_values = '' THEN '' ELSE format(
        'fold AS MATERIALIZED (SELECT ent, ord%1$s FROM (SELECT p.ord, a.* FROM piece AS p JOIN seg AS g ON g.ent = p.ent AND g.ord = p.ord AND g.n > 1'
        ' JOIN act AS a ON a.rn = p.rn%2$s ORDER BY p.ent, p.ord, p.rn DESC) AS o GROUP BY ent, ord), ',
        fold_values, CASE WHEN is_upsert THEN ' JOIN seen AS s ON s.rn = p.rn AND s.seen' ELSE '' END) END
        || format(
        'wide AS MATERIALIZED (SELECT w.*, ROW(%4$s) AS pl FROM (SELECT g.ent, g.ord, g.tid%1$s FROM seg AS g LEFT JOIN act AS s ON s.rn = g.top'
        ' LEFT JOIN tg AS t ON t.tid = g.tid%2$s%3$s) AS w), '
        -- equal neighbours become one slice
        'marked AS (SELECT ent, ord, tid, NOT coalesce(lag(ord) OVER w = ord - 1 AND lag(pl) OVER w = pl, false) AS starts'
        ' FROM wide WINDOW w AS (PARTITION BY ent ORDER BY ord)), '
        'run AS MATERIALIZED (SELECT ent, ord, tid, count(*) FILTER (WHERE starts) OVER (PARTITION BY ent ORDER BY ord) AS run FROM marked), '
        'slice AS (SELECT ent, run, min(ord) AS f, max(ord) AS l, min(ord) FILTER (WHERE tid IS NOT NULL) AS anc FROM run GROUP BY ent, run), '
        'placed AS (SELECT s.ent, s.run, s.l, b.nxt - a.cut AS rng, a.cut AS lo, g.tid FROM slice AS s JOIN cuts AS a ON a.ent = s.ent AND a.ord = s.f'
        ' JOIN cuts AS b ON b.ent = s.ent AND b.ord = s.l LEFT JOIN seg AS g ON g.ent = s.ent AND g.ord = s.anc), '
        -- the difference to the target
        'compared AS (SELECT p.ent, p.run, p.l, p.rng, p.tid, p.lo, p.lo = t.lo AS same_start,'
        ' CASE WHEN p.rng = t.rng THEN w.pl = t.pl ELSE false END AS same'
        ' FROM placed AS p JOIN wide AS w ON w.ent = p.ent AND w.ord = p.l LEFT JOIN tg AS t ON t.tid = p.tid), '
        'op AS MATERIALIZED (SELECT c.*, CASE WHEN same THEN ''K'' WHEN tid IS NOT NULL AND row_number() OVER'
        ' (PARTITION BY tid ORDER BY same_start DESC, l) = 1 THEN ''U'' ELSE ''I'' END AS op FROM compared AS c), '
        'x AS (SELECT o.op, o.ent, o.tid, o.lo, o.rng%5$s FROM op AS o JOIN wide AS w ON w.ent = o.ent AND w.ord = o.l WHERE o.op <> ''K'''
        ' UNION ALL SELECT ''I'', s.ent, NULL, s.lo, s.rng%6$s FROM act AS s WHERE s.solo), '
        'applied AS (SELECT temporal.merge_apply($2, $3,'
        ' (SELECT array_agg(t.tid) FROM tg AS t LEFT JOIN op AS o ON o.tid = t.tid AND o.op <> ''I'' WHERE o.tid IS NULL),'
        ' array_agg(x.tid) FILTER (WHERE x.op = ''U''), array_agg(x.new) FILTER (WHERE x.op = ''U''), array_agg(x.new) FILTER (WHERE x.op = ''I'')) AS n'
        ' FROM (SELECT x.op, x.tid, ROW(%7$s)::%8$s AS new FROM x JOIN named AS n ON n.ent = x.ent'
        ' ORDER BY sign(x.ent) DESC, abs(x.ent), x.lo) AS x), '
        -- what became of each source row
        'outcome AS (SELECT p.rn, bool_or(p.rn = g.top) AS top, bool_or(g.tid IS NOT NULL) AS hit, bool_or(o.op <> ''K'')%9$s AS written'
        ' FROM piece AS p JOIN seg AS g ON g.ent = p.ent AND g.ord = p.ord LEFT JOIN run AS u ON u.ent = p.ent AND u.ord = p.ord'
        ' LEFT JOIN op AS o ON o.ent = u.ent AND o.run = u.run WHERE p.rn IS NOT NULL GROUP BY p.rn) '
        'SELECT (SELECT n FROM applied), array_agg(m.row_id ORDER BY m.rn), array_agg(CASE WHEN m.verdict IS NOT NULL THEN m.verdict'
        ' WHEN o.rn IS NULL THEN ''APPLIED'' %10$s END ORDER BY m.rn),'
        ' array_agg(CASE WHEN n.ent IS NOT NULL THEN %11$s END ORDER BY m.rn), array_agg(m.err ORDER BY m.rn)'
        ' FROM rated AS m LEFT JOIN outcome AS o ON o.rn = m.rn LEFT JOIN named AS n ON n.ent = m.ent',
        final_values, CASE WHEN fold_values = '' THEN '' ELSE ' LEFT JOIN fold AS f ON f.ent = g.ent AND f.ord = g.ord' END,
        CASE WHEN is_delete THEN ' WHERE g.top IS NULL' WHEN is_portion THEN ' WHERE g.tid IS NOT NULL'
            WHEN drops_timeline THEN ' WHERE g.top IS NOT NULL' WHEN drops_entities THEN ' WHERE g.ent IN (SELECT z.ent FROM act AS z)' ELSE '' END,
        substr(payload_wide, 3),
        wide_names, solo_values, substr(row_values, 3), target_name, CASE WHEN is_patch THEN '' ELSE ' FILTER (WHERE p.rn = g.top)' END,
        outcome_text,
        format(entity_text, 'n', 'e'));
    LOOP
        attempt := attempt + 1;
        BEGIN
            EXECUTE format('SELECT array_agg(l.ctid), count(*) FROM (%s) AS l', find_query) INTO found_tids, existing;
            IF existing > 0 AND mode <> 'INSERT_NEW_ENTITIES' THEN
                EXECUTE lock_query INTO existing;
                EXECUTE format('SELECT array_agg(l.ctid) FROM (%s) AS l', find_query) INTO found_tids;
            END IF;
            -- the plan's estimates are guesses, and every join in it is on an entity or row number: hash joins only
            PERFORM set_config('enable_nestloop', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true);
            EXECUTE query INTO written, row_ids, statuses, entities, messages
                USING coalesce(found_tids, '{}'), target, settings || ARRAY[insert_list, select_list, update_list, overriding];
            PERFORM set_config('enable_nestloop', settings[2], true), set_config('jit', settings[3], true),
                set_config('enable_mergejoin', settings[4], true);
            EXIT;
        EXCEPTION WHEN exclusion_violation OR unique_violation THEN
            -- somebody may have made the same new entity meanwhile: plan once more with what he committed
            IF attempt > 1 OR current_setting('transaction_isolation') <> 'read committed' THEN
                RAISE;
            END IF;
        END;
    END LOOP;
    RETURN QUERY SELECT u.a, u.b::temporal.merge_status, u.c, u.d FROM unnest(row_ids, statuses, entities, messages) AS u(a, b, c, d);
    PERFORM set_config('search_path', settings[1], true);
END
$merge$;
REVOKE ALL ON FUNCTION temporal.merge(regclass, regclass, name[], temporal.merge_mode, jsonb, temporal.merge_delete_mode, name, name, name, name[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.merge(regclass, regclass, name[], temporal.merge_mode, jsonb, temporal.merge_delete_mode, name, name, name, name[]) TO PUBLIC;
COMMENT ON FUNCTION temporal.merge(regclass, regclass, name[], temporal.merge_mode, jsonb, temporal.merge_delete_mode, name, name, name, name[])
    IS 'merges the rows of a relation into a temporal table; one result row per source row';
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
-- Code lists: the trigger functions of their tables, the functions behind the views that load them, and the generator of
-- those views. All are SECURITY INVOKER: who loads a list needs the rights on its table.

-- ---------------------------------------------------------------------------------------------------------------------
-- Triggers of tables
-- ---------------------------------------------------------------------------------------------------------------------

-- BEFORE UPDATE OF id FOR EACH ROW: an id stays what it is for ever.
CREATE OR REPLACE FUNCTION statbus.refuse_id_change()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $refuse_id_change$
BEGIN
    IF NEW.id IS DISTINCT FROM OLD.id THEN
        RAISE EXCEPTION 'id of table "%" cannot be changed', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation',
                DETAIL = format('id %s would become %s', OLD.id, coalesce(NEW.id::text, 'null')),
                SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'id';
    END IF;
    RETURN NEW;
END
$refuse_id_change$;
REVOKE ALL ON FUNCTION statbus.refuse_id_change() FROM PUBLIC;
COMMENT ON FUNCTION statbus.refuse_id_change() IS 'trigger: refuses a change of column id';

-- BEFORE UPDATE FOR EACH ROW: keeps updated_at, unless the statement itself sets it.
CREATE OR REPLACE FUNCTION statbus.touch_updated_at()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $touch_updated_at$
BEGIN
    IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
        NEW.updated_at := statement_timestamp();
    END IF;
    RETURN NEW;
END
$touch_updated_at$;
REVOKE ALL ON FUNCTION statbus.touch_updated_at() FROM PUBLIC;
COMMENT ON FUNCTION statbus.touch_updated_at() IS 'trigger: keeps column updated_at';

-- BEFORE INSERT OR UPDATE OF path, parent_id and the scope column FOR EACH ROW: parent_id follows from the path.
-- The argument names the column within which paths are looked up (standard_id, version_id), or is empty.
CREATE OR REPLACE FUNCTION register.set_path_parent()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $set_path_parent$
DECLARE
    v_parent_id integer;
BEGIN
    IF nlevel(NEW.path) > 1 THEN
        EXECUTE format('SELECT p.id FROM %I.%I AS p WHERE p.path = subpath(($1).path, 0, -1)', TG_TABLE_SCHEMA, TG_TABLE_NAME)
            || CASE WHEN TG_ARGV[0] <> '' THEN format(' AND p.%1$I = ($1).%1$I', TG_ARGV[0]) ELSE '' END
            -- Only activities have more than one row of a path: the enabled one is the parent.
            || CASE WHEN TG_ARGV[0] = 'standard_id' THEN ' ORDER BY p.enabled DESC LIMIT 1' ELSE '' END
            INTO v_parent_id USING NEW;
        IF v_parent_id IS NULL THEN
            RAISE EXCEPTION 'parent "%" of % "%" does not exist', subpath(NEW.path, 0, -1), TG_TABLE_NAME, NEW.path
                USING ERRCODE = 'foreign_key_violation',
                    HINT = 'load a parent before its children',
                    SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'path';
        END IF;
    END IF;
    NEW.parent_id := v_parent_id;
    RETURN NEW;
END
$set_path_parent$;
REVOKE ALL ON FUNCTION register.set_path_parent() FROM PUBLIC;
COMMENT ON FUNCTION register.set_path_parent() IS 'trigger: fills parent_id from the path; the parent must exist';

-- The code of an activity category: the digits of its path, written in the pattern of its standard.
CREATE OR REPLACE FUNCTION register.activity_category_code(category_path ltree, code_pattern text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $activity_category_code$
    SELECT CASE
        WHEN d.digits = '' THEN NULL
        WHEN code_pattern = 'dot_after_two_digits' AND length(d.digits) > 2 THEN left(d.digits, 2) || '.' || substr(d.digits, 3)
        ELSE d.digits
    END
    FROM (SELECT regexp_replace(ltree2text(category_path), '[^0-9]', '', 'g') AS digits) AS d
$activity_category_code$;
REVOKE ALL ON FUNCTION register.activity_category_code(ltree, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION register.activity_category_code(ltree, text) TO PUBLIC;
COMMENT ON FUNCTION register.activity_category_code(ltree, text) IS
    'code of an activity category from its path; code_pattern is digits or dot_after_two_digits';

-- BEFORE INSERT OR UPDATE OF path, standard_id, code FOR EACH ROW.
CREATE OR REPLACE FUNCTION register.set_activity_category_code()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $set_activity_category_code$
BEGIN
    NEW.code := (
        SELECT register.activity_category_code(NEW.path, s.code_pattern::text)
        FROM register.activity_category_standard AS s
        WHERE s.id = NEW.standard_id
    );
    RETURN NEW;
END
$set_activity_category_code$;
REVOKE ALL ON FUNCTION register.set_activity_category_code() FROM PUBLIC;
COMMENT ON FUNCTION register.set_activity_category_code() IS 'trigger: writes the code of an activity category';

-- AFTER UPDATE OF code_pattern FOR EACH ROW on the standards.
CREATE OR REPLACE FUNCTION register.recompute_activity_category_codes()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $recompute_activity_category_codes$
BEGIN
    UPDATE register.activity_category AS c
    SET code = register.activity_category_code(c.path, NEW.code_pattern::text)
    WHERE c.standard_id = NEW.id
        AND c.code IS DISTINCT FROM register.activity_category_code(c.path, NEW.code_pattern::text);
    RETURN NULL;
END
$recompute_activity_category_codes$;
REVOKE ALL ON FUNCTION register.recompute_activity_category_codes() FROM PUBLIC;
COMMENT ON FUNCTION register.recompute_activity_category_codes() IS 'trigger: a new code pattern of a standard changes its codes';

-- ---------------------------------------------------------------------------------------------------------------------
-- Loading a list through a view: one statement is one load.
--
-- The BEFORE STATEMENT trigger forgets the load before. The first row of the statement begins the load: it locks the table
-- against other loads, disables what the list replaces, and draws a marker, a time that no row of the table bears. Every row
-- that the statement mentions gets the marker as its updated_at. So the AFTER STATEMENT trigger knows exactly which rows were
-- not mentioned, and a statement without rows does nothing at all.
-- ---------------------------------------------------------------------------------------------------------------------

-- The marker of the running load of a view. disable: none, system (shipped rows), all.
CREATE OR REPLACE FUNCTION register.code_list_load_marker(load_view oid, base_table regclass, disable text DEFAULT 'none')
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $code_list_load_marker$
DECLARE
    v_setting CONSTANT text := 'statbus_load.v' || load_view::text;
    v_marker timestamptz := nullif(current_setting(v_setting, true), '')::timestamptz;
    v_constraints text;
BEGIN
    IF v_marker IS NOT NULL THEN
        RETURN v_marker;
    END IF;
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', base_table);
    EXECUTE format('SELECT greatest(clock_timestamp(), max(t.updated_at) + interval ''1 microsecond'') FROM %s AS t', base_table)
        INTO v_marker;
    PERFORM set_config(v_setting, to_jsonb(v_marker) #>> '{}', true);

    -- A row may be disabled now and enabled again by a later row of the same statement.
    v_constraints := register.code_list_deferrable_keys(base_table);
    IF v_constraints IS NOT NULL THEN
        EXECUTE 'SET CONSTRAINTS ' || v_constraints || ' DEFERRED';
    END IF;
    IF disable IN ('all', 'system') THEN
        EXECUTE format('UPDATE %s AS t SET enabled = false WHERE t.enabled', base_table)
            || CASE disable WHEN 'system' THEN ' AND NOT t.custom' ELSE '' END;
    END IF;
    RETURN v_marker;
END
$code_list_load_marker$;
REVOKE ALL ON FUNCTION register.code_list_load_marker(oid, regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION register.code_list_load_marker(oid, regclass, text) TO PUBLIC;
COMMENT ON FUNCTION register.code_list_load_marker(oid, regclass, text) IS 'internal: begins or continues the load of a code list';

-- The foreign keys to a table that can wait for the end of a load, as SET CONSTRAINTS wants them; NULL when there is none.
CREATE OR REPLACE FUNCTION register.code_list_deferrable_keys(base_table regclass)
RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $code_list_deferrable_keys$
    SELECT string_agg(format('%I.%I', n.nspname, c.conname), ', ' ORDER BY c.conname)
    FROM pg_constraint AS c
    JOIN pg_namespace AS n ON n.oid = c.connamespace
    WHERE c.contype = 'f' AND c.confrelid = base_table AND c.condeferrable AND NOT c.condeferred
$code_list_deferrable_keys$;
REVOKE ALL ON FUNCTION register.code_list_deferrable_keys(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION register.code_list_deferrable_keys(regclass) TO PUBLIC;
COMMENT ON FUNCTION register.code_list_deferrable_keys(regclass) IS 'internal: deferrable foreign keys to a code list';

-- BEFORE INSERT FOR EACH STATEMENT on a view.
CREATE OR REPLACE FUNCTION register.code_list_begin()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $code_list_begin$
BEGIN
    PERFORM set_config('statbus_load.v' || TG_RELID::text, '', true);
    RETURN NULL;
END
$code_list_begin$;
REVOKE ALL ON FUNCTION register.code_list_begin() FROM PUBLIC;
COMMENT ON FUNCTION register.code_list_begin() IS 'trigger: a statement on the view of a code list begins';

-- AFTER INSERT FOR EACH STATEMENT on a view. Arguments: the table, and what makes a row stale when the statement did not
-- mention it (a condition on t; empty: nothing is ever stale). A stale row goes when nothing refers to it, else it is disabled.
CREATE OR REPLACE FUNCTION register.code_list_finish()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $code_list_finish$
DECLARE
    v_base CONSTANT regclass := TG_ARGV[0]::regclass;
    v_marker CONSTANT timestamptz := nullif(current_setting('statbus_load.v' || TG_RELID::text, true), '')::timestamptz;
    v_constraints CONSTANT text := register.code_list_deferrable_keys(v_base);
    v_unused text;
    v_count bigint;
BEGIN
    IF v_marker IS NULL THEN
        RETURN NULL;
    END IF;
    IF TG_ARGV[1] <> '' THEN
        -- Not left to the foreign keys: some of them cascade.
        SELECT coalesce(string_agg(format(' AND NOT EXISTS (SELECT FROM %s AS r WHERE r.%I = t.id)', c.conrelid::regclass, a.attname), ''), '')
        INTO v_unused
        FROM pg_constraint AS c
        CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS k (attnum, referenced_attnum)
        JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.attnum
        JOIN pg_attribute AS f ON f.attrelid = c.confrelid AND f.attnum = k.referenced_attnum
        WHERE c.contype = 'f' AND c.confrelid = v_base AND f.attname = 'id';
        -- Leaves first: a parent can go when its children are gone.
        LOOP
            EXECUTE format('DELETE FROM %s AS t WHERE t.updated_at <> $1 AND (%s)%s', v_base, TG_ARGV[1], v_unused) USING v_marker;
            GET DIAGNOSTICS v_count = ROW_COUNT;
            EXIT WHEN v_count = 0;
        END LOOP;
        EXECUTE format('UPDATE %s AS t SET enabled = false WHERE t.enabled AND t.updated_at <> $1 AND (%s)', v_base, TG_ARGV[1])
            USING v_marker;
    END IF;
    IF v_constraints IS NOT NULL THEN
        EXECUTE 'SET CONSTRAINTS ' || v_constraints || ' IMMEDIATE';
    END IF;
    PERFORM set_config('statbus_load.v' || TG_RELID::text, '', true);
    RETURN NULL;
END
$code_list_finish$;
REVOKE ALL ON FUNCTION register.code_list_finish() FROM PUBLIC;
COMMENT ON FUNCTION register.code_list_finish() IS 'trigger: a statement on the view of a code list ends; rows it did not mention are retired';

-- INSTEAD OF INSERT FOR EACH ROW on <list>_system, <list>_custom and <list>_custom_only.
-- Arguments: the table; its key column, path or code; whether the key alone is unique (then a row changes hands between
-- system and custom) or the list keeps one row of each; custom; what the load disables first.
-- A column that is NULL keeps its value, or gets its default in a new row.
CREATE OR REPLACE FUNCTION register.code_list_upsert()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $code_list_upsert$
DECLARE
    v_base CONSTANT regclass := TG_ARGV[0]::regclass;
    v_key CONSTANT text := TG_ARGV[1];
    v_key_is_unique CONSTANT boolean := TG_ARGV[2]::boolean;
    v_custom CONSTANT boolean := TG_ARGV[3]::boolean;
    v_disable CONSTANT text := TG_ARGV[4];
    v_row CONSTANT jsonb := jsonb_strip_nulls(to_jsonb(NEW));
    v_key_value CONSTANT text := CASE v_key WHEN 'code' THEN 'btrim(($1).code)' ELSE '($1).path' END;
    v_marker timestamptz;
    v_columns text;
    v_values text;
    v_id integer;
    v_path ltree;
    v_parent_fits boolean;
BEGIN
    IF NOT v_row ? v_key THEN
        RAISE EXCEPTION 'column "%" of view "%" is missing', v_key, TG_TABLE_NAME
            USING ERRCODE = 'not_null_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = v_key;
    END IF;
    v_marker := register.code_list_load_marker(TG_RELID, v_base, v_disable);

    IF v_key = 'path' THEN
        v_path := (v_row ->> 'path')::ltree;
        IF nlevel(v_path) > 1 THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM %s AS p WHERE p.path = subpath($1, 0, -1) AND p.enabled AND (p.custom OR NOT $2))', v_base)
                INTO v_parent_fits USING v_path, v_custom;
            IF NOT v_parent_fits THEN
                RAISE EXCEPTION 'parent "%" of "%" does not exist or is not enabled', subpath(v_path, 0, -1), v_path
                    USING ERRCODE = 'foreign_key_violation',
                        HINT = CASE WHEN v_custom THEN 'load a parent before its children; the parent of a custom row is a custom row in use'
                            ELSE 'load a parent before its children' END,
                        SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'path';
            END IF;
        END IF;
    END IF;

    EXECUTE format('SELECT t.id FROM %s AS t WHERE t.%I = %s', v_base, v_key, v_key_value)
        || CASE WHEN v_key_is_unique THEN '' ELSE ' AND t.custom = $2' END
        || ' ORDER BY t.enabled DESC, t.id DESC LIMIT 1'
        INTO v_id USING NEW, v_custom;
    EXECUTE format('UPDATE %s AS t SET enabled = false WHERE t.enabled AND t.%I = %s AND t.id IS DISTINCT FROM $2', v_base, v_key, v_key_value)
        USING NEW, v_id;

    SELECT string_agg(quote_ident(k), ', ' ORDER BY k),
        string_agg(CASE k WHEN v_key THEN v_key_value ELSE '($1).' || quote_ident(k) END, ', ' ORDER BY k)
    INTO v_columns, v_values
    FROM jsonb_object_keys(v_row) AS k;
    IF v_id IS NULL THEN
        EXECUTE format('INSERT INTO %s (%s, custom, enabled, updated_at) SELECT %s, $2, true, $3', v_base, v_columns, v_values)
            USING NEW, v_custom, v_marker;
    ELSE
        EXECUTE format('UPDATE %s AS t SET (%s, custom, enabled, updated_at) = ROW(%s, $2, true, $3) WHERE t.id = $4', v_base, v_columns, v_values)
            USING NEW, v_custom, v_marker, v_id;
    END IF;
    RETURN NEW;
END
$code_list_upsert$;
REVOKE ALL ON FUNCTION register.code_list_upsert() FROM PUBLIC;
COMMENT ON FUNCTION register.code_list_upsert() IS 'trigger: inserts or updates the row of a code list';

-- The settings of the register, or an error that says how to make them.
CREATE OR REPLACE FUNCTION register.required_setting(setting_name text)
RETURNS integer
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $required_setting$
DECLARE
    v_value integer;
BEGIN
    SELECT (to_jsonb(s) ->> setting_name)::integer INTO v_value FROM register.settings AS s;
    IF v_value IS NULL THEN
        RAISE EXCEPTION 'setting "%" is missing', setting_name
            USING ERRCODE = 'object_not_in_prerequisite_state',
                HINT = 'insert one row into settings: activity_category_standard_id, country_id, region_version_id';
    END IF;
    RETURN v_value;
END
$required_setting$;
REVOKE ALL ON FUNCTION register.required_setting(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION register.required_setting(text) TO PUBLIC;
COMMENT ON FUNCTION register.required_setting(text) IS 'value of a column of the settings; an error when there are no settings';

-- INSTEAD OF INSERT FOR EACH ROW on activity_category_enabled and activity_category_enabled_custom: the office's own text for
-- a path of the chosen standard, or its own path. The shipped row of the path is disabled, its children follow.
CREATE OR REPLACE FUNCTION register.activity_category_upsert_custom()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $activity_category_upsert_custom$
DECLARE
    v_marker CONSTANT timestamptz := register.code_list_load_marker(TG_RELID, 'register.activity_category'::regclass);
    v_standard_code CONSTANT text := to_jsonb(NEW) ->> 'standard_code';
    v_standard_id integer;
    v_id integer;
BEGIN
    IF NEW.path IS NULL THEN
        RAISE EXCEPTION 'column "path" of view "%" is missing', TG_TABLE_NAME
            USING ERRCODE = 'not_null_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'path';
    END IF;
    IF v_standard_code IS NULL THEN
        v_standard_id := register.required_setting('activity_category_standard_id');
    ELSE
        SELECT s.id INTO v_standard_id FROM register.activity_category_standard AS s WHERE s.code = v_standard_code AND s.enabled;
        IF v_standard_id IS NULL THEN
            RAISE EXCEPTION 'activity category standard "%" does not exist or is not enabled', v_standard_code
                USING ERRCODE = 'foreign_key_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'standard_code';
        END IF;
    END IF;
    IF nlevel(NEW.path) > 1 AND NOT EXISTS (
        SELECT FROM register.activity_category AS p
        WHERE p.standard_id = v_standard_id AND p.path = subpath(NEW.path, 0, -1) AND p.enabled
    ) THEN
        RAISE EXCEPTION 'parent "%" of activity category "%" does not exist or is not enabled', subpath(NEW.path, 0, -1), NEW.path
            USING ERRCODE = 'foreign_key_violation', HINT = 'load a parent before its children',
                SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'path';
    END IF;

    SELECT c.id INTO v_id
    FROM register.activity_category AS c
    WHERE c.standard_id = v_standard_id AND c.path = NEW.path AND c.custom
    ORDER BY c.enabled DESC LIMIT 1;
    -- One statement, because the enabled and the disabled row of the path may change places.
    UPDATE register.activity_category AS c
    SET enabled = (c.id IS NOT DISTINCT FROM v_id)
    WHERE c.standard_id = v_standard_id AND c.path = NEW.path AND c.enabled IS DISTINCT FROM (c.id IS NOT DISTINCT FROM v_id);
    IF v_id IS NULL THEN
        INSERT INTO register.activity_category (standard_id, path, name, description, enabled, custom, updated_at)
        VALUES (v_standard_id, NEW.path, NEW.name, NEW.description, true, true, v_marker)
        RETURNING id INTO v_id;
    ELSE
        UPDATE register.activity_category AS c
        SET name = coalesce(NEW.name, c.name), description = coalesce(NEW.description, c.description), updated_at = v_marker
        WHERE c.id = v_id;
    END IF;
    UPDATE register.activity_category AS c
    SET parent_id = v_id
    WHERE c.standard_id = v_standard_id AND c.path <@ NEW.path AND c.parent_path = NEW.path AND c.parent_id <> v_id;
    -- A code leads to one category: a shipped one with this code elsewhere in the tree (the office moved it) is no longer used.
    UPDATE register.activity_category AS c
    SET enabled = false
    FROM register.activity_category AS o
    WHERE o.id = v_id AND c.standard_id = o.standard_id AND c.code = o.code AND c.path <> o.path AND c.enabled AND NOT c.custom
        AND NOT EXISTS (
            SELECT FROM register.activity_category AS d
            WHERE d.standard_id = c.standard_id AND d.path = c.path AND NOT d.enabled
        );
    RETURN NEW;
END
$activity_category_upsert_custom$;
REVOKE ALL ON FUNCTION register.activity_category_upsert_custom() FROM PUBLIC;
COMMENT ON FUNCTION register.activity_category_upsert_custom() IS 'trigger: inserts or updates a custom activity category';

-- INSTEAD OF INSERT FOR EACH ROW on activity_category_<standard>: the text of the standard itself. The argument is its code.
-- A custom row of the same path or code stays in force.
CREATE OR REPLACE FUNCTION register.activity_category_upsert_standard()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $activity_category_upsert_standard$
DECLARE
    v_marker CONSTANT timestamptz := register.code_list_load_marker(TG_RELID, 'register.activity_category'::regclass);
    v_standard_id integer;
    v_code_pattern text;
    v_id integer;
    v_enabled boolean;
BEGIN
    IF NEW.standard IS NOT NULL AND NEW.standard <> TG_ARGV[0] THEN
        RAISE EXCEPTION 'view "%" takes rows of standard "%" only, not of "%"', TG_TABLE_NAME, TG_ARGV[0], NEW.standard
            USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'standard';
    END IF;
    IF NEW.path IS NULL THEN
        RAISE EXCEPTION 'column "path" of view "%" is missing', TG_TABLE_NAME
            USING ERRCODE = 'not_null_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'path';
    END IF;
    SELECT s.id, s.code_pattern::text INTO v_standard_id, v_code_pattern
    FROM register.activity_category_standard AS s
    WHERE s.code = TG_ARGV[0];
    IF v_standard_id IS NULL THEN
        RAISE EXCEPTION 'activity category standard "%" does not exist', TG_ARGV[0]
            USING ERRCODE = 'foreign_key_violation', HINT = 'insert it into activity_category_standard';
    END IF;
    SELECT c.id INTO v_id
    FROM register.activity_category AS c
    WHERE c.standard_id = v_standard_id AND c.path = NEW.path AND NOT c.custom
    ORDER BY c.enabled DESC LIMIT 1;
    v_enabled := NOT EXISTS (
        SELECT FROM register.activity_category AS c
        WHERE c.standard_id = v_standard_id AND c.enabled AND c.id IS DISTINCT FROM v_id
            AND (c.path = NEW.path OR c.custom AND c.code = register.activity_category_code(NEW.path, v_code_pattern))
    );
    IF v_id IS NULL THEN
        INSERT INTO register.activity_category (standard_id, path, name, description, enabled, custom, updated_at)
        VALUES (v_standard_id, NEW.path, NEW.name, NEW.description, v_enabled, false, v_marker);
    ELSE
        UPDATE register.activity_category AS c
        SET name = coalesce(NEW.name, c.name), description = coalesce(NEW.description, c.description),
            enabled = v_enabled, updated_at = v_marker
        WHERE c.id = v_id;
    END IF;
    RETURN NEW;
END
$activity_category_upsert_standard$;
REVOKE ALL ON FUNCTION register.activity_category_upsert_standard() FROM PUBLIC;
COMMENT ON FUNCTION register.activity_category_upsert_standard() IS 'trigger: inserts or updates a shipped activity category';

-- INSTEAD OF INSERT FOR EACH ROW on country_view; iso_2 is the key.
CREATE OR REPLACE FUNCTION register.country_upsert()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $country_upsert$
DECLARE
    v_marker CONSTANT timestamptz := register.code_list_load_marker(TG_RELID, 'register.country'::regclass);
BEGIN
    UPDATE register.country AS c
    SET iso_3 = coalesce(NEW.iso_3, c.iso_3), iso_num = coalesce(NEW.iso_num, c.iso_num), name = coalesce(NEW.name, c.name),
        enabled = coalesce(NEW.enabled, true), custom = coalesce(NEW.custom, false), updated_at = v_marker
    WHERE c.iso_2 = NEW.iso_2;
    IF NOT FOUND THEN
        INSERT INTO register.country (iso_2, iso_3, iso_num, name, enabled, custom, updated_at)
        VALUES (NEW.iso_2, NEW.iso_3, NEW.iso_num, NEW.name, coalesce(NEW.enabled, true), coalesce(NEW.custom, false), v_marker);
    END IF;
    RETURN NEW;
END
$country_upsert$;
REVOKE ALL ON FUNCTION register.country_upsert() FROM PUBLIC;
COMMENT ON FUNCTION register.country_upsert() IS 'trigger: inserts or updates a country';

-- INSTEAD OF INSERT FOR EACH ROW on region_upload: regions of the chosen edition. Everything comes as text, as in a file; the
-- first wrong value stops the load.
CREATE OR REPLACE FUNCTION register.region_upsert()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $region_upsert$
DECLARE
    v_marker CONSTANT timestamptz := register.code_list_load_marker(TG_RELID, 'register.region'::regclass);
    v_version_id CONSTANT integer := register.required_setting('region_version_id');
    v_path_text CONSTANT text := btrim(NEW.path);
    v_path ltree;
    v_column text;
    v_value text;
    v_latitude numeric;
    v_longitude numeric;
    v_altitude numeric;
BEGIN
    IF v_path_text IS NULL OR v_path_text !~ '^[[:alnum:]_]+([.][[:alnum:]_]+)*$' THEN
        RAISE EXCEPTION 'invalid path of region: "%"', coalesce(NEW.path, '')
            USING ERRCODE = 'invalid_text_representation',
                HINT = 'a path is made of labels of letters, digits and underscores with dots between them, such as 01.0301',
                SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'path';
    END IF;
    v_path := text2ltree(v_path_text);
    FOREACH v_column IN ARRAY ARRAY['center_latitude', 'center_longitude', 'center_altitude'] LOOP
        v_value := nullif(btrim(to_jsonb(NEW) ->> v_column), '');
        IF v_value !~ '^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)$' THEN
            RAISE EXCEPTION 'invalid number in column "%" of region "%": "%"', v_column, v_path, v_value
                USING ERRCODE = 'invalid_text_representation',
                    HINT = 'numbers are written with digits and a decimal point, such as 59.913',
                    SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = v_column;
        END IF;
        CASE v_column
            WHEN 'center_latitude' THEN v_latitude := v_value::numeric;
            WHEN 'center_longitude' THEN v_longitude := v_value::numeric;
            ELSE v_altitude := v_value::numeric;
        END CASE;
    END LOOP;

    UPDATE register.region AS r
    SET name = coalesce(btrim(NEW.name), r.name), center_latitude = coalesce(v_latitude, r.center_latitude),
        center_longitude = coalesce(v_longitude, r.center_longitude), center_altitude = coalesce(v_altitude, r.center_altitude),
        updated_at = v_marker
    WHERE r.version_id = v_version_id AND r.path = v_path;
    IF NOT FOUND THEN
        INSERT INTO register.region (version_id, path, name, center_latitude, center_longitude, center_altitude, updated_at)
        VALUES (v_version_id, v_path, btrim(NEW.name), v_latitude, v_longitude, v_altitude, v_marker);
    END IF;
    RETURN NEW;
END
$region_upsert$;
REVOKE ALL ON FUNCTION register.region_upsert() FROM PUBLIC;
COMMENT ON FUNCTION register.region_upsert() IS 'trigger: inserts or updates a region of the chosen edition';

-- ---------------------------------------------------------------------------------------------------------------------
-- The views of a code list
-- ---------------------------------------------------------------------------------------------------------------------

-- The columns that a view shall have: those that it already has, in their order, then the wanted ones that are new, so that a
-- column added by a user joins at the end.
CREATE OR REPLACE FUNCTION register.code_list_view_columns(view_name text, wanted name[])
RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $code_list_view_columns$
    SELECT string_agg('t.' || quote_ident(w.column_name), ', ' ORDER BY a.attnum NULLS LAST, w.position)
    FROM unnest(wanted) WITH ORDINALITY AS w (column_name, position)
    LEFT JOIN pg_attribute AS a ON a.attrelid = to_regclass(view_name) AND a.attname = w.column_name AND NOT a.attisdropped
$code_list_view_columns$;
REVOKE ALL ON FUNCTION register.code_list_view_columns(text, name[]) FROM PUBLIC;
COMMENT ON FUNCTION register.code_list_view_columns(text, name[]) IS 'internal: columns of the view of a code list, in order';

-- The views of register.<table_name> in a schema: <table>_ordered (all rows), <table>_enabled, <table>_system and <table>_custom
-- (each readable, and an INSERT or COPY into it is an upsert). Returns the names of the views. Can be repeated.
CREATE OR REPLACE FUNCTION register.generate_code_list_views(
    table_name text,
    schema_name text DEFAULT 'api',
    kinds text[] DEFAULT '{ordered,enabled,system,custom}'
)
RETURNS text[]
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $generate_code_list_views$
DECLARE
    v_base CONSTANT regclass := to_regclass(format('register.%I', table_name));
    v_all name[];
    v_writable name[];
    v_key text;
    v_key_is_unique boolean;
    v_order text;
    v_kind text;
    v_view text;
    v_views text[] := '{}';
BEGIN
    IF v_base IS NULL THEN
        RAISE EXCEPTION 'table "register.%" does not exist', table_name USING ERRCODE = 'undefined_table';
    END IF;
    SELECT array_agg(a.attname ORDER BY a.attnum),
        array_agg(a.attname ORDER BY array_position(ARRAY['path', 'code', 'name', 'priority', 'description']::name[], a.attname), a.attnum)
            FILTER (WHERE a.attgenerated = '' AND a.attname <> ALL (ARRAY['id', 'parent_id', 'enabled', 'custom', 'created_at', 'updated_at']::name[]))
    INTO v_all, v_writable
    FROM pg_attribute AS a
    WHERE a.attrelid = v_base AND a.attnum > 0 AND NOT a.attisdropped;
    v_key := CASE WHEN 'path' = ANY (v_all) THEN 'path' WHEN 'code' = ANY (v_all) THEN 'code' ELSE 'iso_2' END;
    v_order := CASE WHEN v_key = 'code' AND 'priority' = ANY (v_all) THEN 't.priority, t.code' ELSE 't.' || v_key END;
    v_key_is_unique := EXISTS (
        SELECT
        FROM pg_index AS i
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = v_base AND i.indisunique AND i.indpred IS NULL AND i.indnkeyatts = 1 AND a.attname = v_key
    );
    IF NOT 'enabled' = ANY (v_all) OR ('custom' <> ALL (v_all) AND kinds && '{system,custom}') THEN
        RAISE EXCEPTION 'table "register.%" is not a code list', table_name
            USING ERRCODE = 'wrong_object_type', DETAIL = 'a code list has the columns enabled and custom';
    END IF;

    FOREACH v_kind IN ARRAY kinds LOOP
        IF v_kind <> ALL (ARRAY['ordered', 'enabled', 'system', 'custom']) THEN
            RAISE EXCEPTION 'kind of view "%" does not exist', v_kind
                USING ERRCODE = 'invalid_parameter_value', HINT = 'kinds are ordered, enabled, system and custom';
        END IF;
        v_view := format('%I.%I', schema_name, table_name || '_' || v_kind);
        EXECUTE format('CREATE OR REPLACE VIEW %s WITH (security_invoker = on) AS SELECT %s FROM %s AS t%s ORDER BY %s',
            v_view,
            register.code_list_view_columns(v_view, CASE WHEN v_kind IN ('ordered', 'enabled') THEN v_all ELSE v_writable END),
            v_base,
            CASE v_kind WHEN 'ordered' THEN '' WHEN 'enabled' THEN ' WHERE t.enabled'
                WHEN 'system' THEN ' WHERE t.enabled AND NOT t.custom' ELSE ' WHERE t.enabled AND t.custom' END,
            v_order);
        EXECUTE format('COMMENT ON VIEW %s IS %L', v_view,
            table_name || CASE v_kind
                WHEN 'ordered' THEN ': all rows, in order'
                WHEN 'enabled' THEN ': the rows in use, in order'
                WHEN 'system' THEN ': the shipped rows in use; an insert adds or updates one'
                ELSE ': the rows of the office; an insert replaces the list by the rows of the statement' END);
        IF v_kind IN ('system', 'custom') THEN
            EXECUTE format('CREATE OR REPLACE TRIGGER begin_load BEFORE INSERT ON %s FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_begin()', v_view);
            EXECUTE format('CREATE OR REPLACE TRIGGER upsert INSTEAD OF INSERT ON %s FOR EACH ROW EXECUTE FUNCTION register.code_list_upsert(%L, %L, %L, %L, %L)',
                v_view, format('register.%I', table_name), v_key, v_key_is_unique::text, (v_kind = 'custom')::text, CASE v_kind WHEN 'custom' THEN 'all' ELSE 'none' END);
            EXECUTE format('CREATE OR REPLACE TRIGGER finish_load AFTER INSERT ON %s FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_finish(%L, %L)',
                v_view, format('register.%I', table_name), '');
        END IF;
        v_views := v_views || v_view;
    END LOOP;
    RETURN v_views;
END
$generate_code_list_views$;
REVOKE ALL ON FUNCTION register.generate_code_list_views(text, text, text[]) FROM PUBLIC;
COMMENT ON FUNCTION register.generate_code_list_views(text, text, text[]) IS
    'makes the views _ordered, _enabled, _system and _custom of a code list';
-- Who is asking.  A person is the database role that carries his e-mail address, and a row of
-- auth."user" in this database: one without the other has no rights here.

-- DEFINER: user rows are not readable by everybody who has to be identified
CREATE OR REPLACE FUNCTION auth.user_id_of(role_name name)
RETURNS integer
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $user_id_of$
    SELECT coalesce(
        -- The index finds the address in any case; names of roles differ in case.
        (SELECT u.id
         FROM auth."user" AS u
         WHERE u.email = role_name::text::citext AND u.email::text = role_name::text AND u.deleted_at IS NULL),
        (SELECT u.id
         FROM auth."user" AS u
         WHERE u.email IS NULL
         AND (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = role_name)))
$user_id_of$;
COMMENT ON FUNCTION auth.user_id_of(name) IS
    'The id of the live user who owns a role; of the built-in user "system" for a superuser''s role; NULL for any other role';

CREATE OR REPLACE FUNCTION auth.uid()
RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $uid$
    SELECT auth.user_id_of(CURRENT_USER)
$uid$;
COMMENT ON FUNCTION auth.uid() IS
    'The id of the current user in auth."user"; NULL when the current role belongs to no live user of this database.  Claims that a client sets are not believed';

-- DEFINER: as auth.user_id_of.  It tells about the person who asks and about "system", not about others: in here
-- current_user is the owner of the function; who asks is the role set, or else the one who logged in.
CREATE OR REPLACE FUNCTION auth.user_field_of(user_id integer, field text)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $user_field_of$
    SELECT CASE field
               WHEN 'sub' THEN u.sub::text
               WHEN 'email' THEN u.email::text
               WHEN 'statbus_role' THEN u.statbus_role::text
           END
    FROM auth."user" AS u
    WHERE u.id = user_id
    AND (u.email IS NULL OR u.email::text IN (session_user::text, current_setting('role')))
$user_field_of$;
COMMENT ON FUNCTION auth.user_field_of(integer, text) IS 'One of sub, email, statbus_role of a user who asks about himself, or of "system"; internal';
REVOKE ALL ON FUNCTION auth.user_field_of(integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.user_field_of(integer, text) TO authenticated;

CREATE OR REPLACE FUNCTION auth.sub()
RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $sub$
    SELECT auth.user_field_of(auth.uid(), 'sub')::uuid
$sub$;
COMMENT ON FUNCTION auth.sub() IS 'The public identifier of the current user; NULL when there is none';

CREATE OR REPLACE FUNCTION auth.email()
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $email$
    SELECT auth.user_field_of(auth.uid(), 'email')
$email$;
COMMENT ON FUNCTION auth.email() IS 'The e-mail address of the current user; NULL when there is none';

CREATE OR REPLACE FUNCTION auth.statbus_role()
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $statbus_role$
    SELECT auth.user_field_of(auth.uid(), 'statbus_role')
$statbus_role$;
COMMENT ON FUNCTION auth.statbus_role() IS 'The role of the current user in this register; NULL when there is none';

CREATE OR REPLACE FUNCTION auth.is_at_least(statbus_role text)
RETURNS boolean
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $is_at_least$
DECLARE
    rank CONSTANT text[] := ARRAY['external_user', 'restricted_user', 'regular_user', 'admin_user'];
BEGIN
    IF NOT statbus_role = ANY (rank) THEN
        RAISE EXCEPTION 'unknown role "%"', statbus_role
            USING ERRCODE = 'invalid_parameter_value', HINT = format('Roles are %s.', array_to_string(rank, ', '));
    END IF;
    RETURN coalesce(array_position(rank, auth.statbus_role()) >= array_position(rank, statbus_role), false);
END
$is_at_least$;
COMMENT ON FUNCTION auth.is_at_least(text) IS
    'Whether the current user of this register holds a statbus role or a higher one; false for anybody who is no live user of it';

-- Policies demand that a row is signed by its writer.  A writer who does not say who he is signs as himself, also
-- when a statement that he made (a split of a timeline, for instance) changes a slice that somebody else wrote.
CREATE OR REPLACE FUNCTION auth.sign_edit()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $sign_edit$
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- A row that carries another time of edit is a copy: what is left of a slice that was split.
        IF NOT auth.is_at_least('admin_user') THEN
            NEW.edit_by_user_id := auth.uid();
            NEW.edit_at := statement_timestamp();
        END IF;
        RETURN NEW;
    END IF;
    -- Another one's signature of an earlier time is a copy too: two slices were joined, and the last one's is left.
    IF NEW.edit_by_user_id = OLD.edit_by_user_id
        OR NEW.edit_at <> OLD.edit_at AND NEW.edit_at < statement_timestamp() AND NOT auth.is_at_least('admin_user') THEN
        NEW.edit_at := CASE WHEN NEW.edit_by_user_id <> OLD.edit_by_user_id THEN statement_timestamp() ELSE NEW.edit_at END;
        NEW.edit_by_user_id := auth.uid();
    END IF;
    IF NEW.edit_at = OLD.edit_at OR NEW.edit_at > clock_timestamp() THEN
        NEW.edit_at := statement_timestamp();
    END IF;
    RETURN NEW;
END
$sign_edit$;
COMMENT ON FUNCTION auth.sign_edit() IS 'Trigger: an update is signed by the current user, now, unless it says otherwise; a copy of an earlier row by whoever copies it';

-- Granting a region or an activity grants everything below it.
CREATE OR REPLACE FUNCTION auth.accessible_region_ids()
RETURNS integer[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $accessible_region_ids$
    SELECT coalesce(array_agg(DISTINCT below.id), '{}')
    FROM register.region_access AS access
    JOIN register.region AS granted ON granted.id = access.region_id
    JOIN register.region AS below ON below.version_id = granted.version_id AND below.path <@ granted.path
    WHERE access.user_id = auth.uid()
$accessible_region_ids$;
COMMENT ON FUNCTION auth.accessible_region_ids() IS
    'The regions that the current user, if restricted, may write: those granted in region_access and all below them';

CREATE OR REPLACE FUNCTION auth.accessible_activity_category_ids()
RETURNS integer[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $accessible_activity_category_ids$
    SELECT coalesce(array_agg(DISTINCT below.id), '{}')
    FROM register.activity_category_access AS access
    JOIN register.activity_category AS granted ON granted.id = access.activity_category_id
    JOIN register.activity_category AS below ON below.standard_id = granted.standard_id AND below.path <@ granted.path
    WHERE access.user_id = auth.uid()
$accessible_activity_category_ids$;
COMMENT ON FUNCTION auth.accessible_activity_category_ids() IS
    'The activity categories that the current user, if restricted, may write: those granted in activity_category_access and all below them';

-- Who may connect is no part of a dump, so every install says it again.
CREATE OR REPLACE FUNCTION auth.restrict_connect()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $restrict_connect$
BEGIN
    EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO authenticator, notify_reader', current_database());
END
$restrict_connect$;
COMMENT ON FUNCTION auth.restrict_connect() IS
    'Lets PostgREST''s role and notify_reader connect to this database, and nobody else who was not granted it by name';
REVOKE ALL ON FUNCTION auth.restrict_connect() FROM PUBLIC;

-- The login roles of this database's users.  Needed after a restore into another cluster: a dump
-- of a database holds no roles.
CREATE OR REPLACE FUNCTION auth.sync_roles()
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = 'warning'
AS $sync_roles$
DECLARE
    person record;
    made integer := 0;
BEGIN
    PERFORM auth.restrict_connect();
    FOR person IN
        SELECT u.email::text AS role_name, u.statbus_role::text AS group_name, u.deleted_at
        FROM auth."user" AS u
        WHERE u.email IS NOT NULL
        ORDER BY u.id
    LOOP
        IF octet_length(person.role_name) > 63 THEN
            RAISE EXCEPTION 'e-mail address "%" is longer than 63 bytes', person.role_name
                USING ERRCODE = 'name_too_long', DETAIL = 'A role of the server carries the address of each user.';
        END IF;
        -- Whoever comes in through the authenticator may take on the roles of all users, so none of them may rule the server.
        IF person.deleted_at IS NULL AND EXISTS (
            SELECT
            FROM pg_roles AS r
            JOIN pg_roles AS held ON pg_has_role(r.oid, held.oid, 'MEMBER')
            WHERE r.rolname = person.role_name
            AND (held.rolsuper OR held.rolcreaterole OR held.rolreplication OR held.rolbypassrls OR held.rolname LIKE 'pg\_%')) THEN
            RAISE EXCEPTION 'role "%" cannot become the role of a user of the register', person.role_name
                USING ERRCODE = 'invalid_role_specification',
                      DETAIL = 'It is there already, and has rights on the whole server.',
                      HINT = 'Give the user another e-mail address, or take the rights from the role.';
        END IF;
        IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = person.role_name) THEN
            CONTINUE WHEN person.deleted_at IS NOT NULL;
            EXECUTE format('CREATE ROLE %I LOGIN INHERIT', person.role_name);
            made := made + 1;
        END IF;
        -- A role is shared by all registers of the cluster and holds what its owner needs in any of them;
        -- what he may do in this one is decided by auth.statbus_role().
        IF person.deleted_at IS NOT NULL THEN
            EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM %I', current_database(), person.role_name);
        END IF;
        IF person.deleted_at IS NULL THEN
            EXECUTE format('GRANT %I TO %I', person.group_name, person.role_name);
            EXECUTE format('GRANT %I TO authenticator', person.role_name);
            EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), person.role_name);
        END IF;
    END LOOP;
    RETURN made;
END
$sync_roles$;
COMMENT ON FUNCTION auth.sync_roles() IS
    'Makes the login role of every user who has none, grants each his statbus role and the right to connect; returns how many were made.  Run it after a restore; superusers only';
REVOKE ALL ON FUNCTION auth.sync_roles() FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.pre_request()
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $pre_request$
BEGIN
    IF statbus.needs_migration() THEN
        RAISE EXCEPTION 'the register is not up to date with the extension'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Run CALL statbus.migrate().';
    END IF;
END
$pre_request$;
COMMENT ON FUNCTION auth.pre_request() IS 'For PostgREST''s db-pre-request: refuses requests while CALL statbus.migrate() is due';
-- Functions behind the triggers and defaults of the unit tables (define/30_units.sql, define/40_relationships.sql).

-- image -----------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION register.detect_image_type(data bytea)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $detect_image_type$
    SELECT CASE
        WHEN substring(data FROM 1 FOR 8) = '\x89504e470d0a1a0a'::bytea THEN 'image/png'
        WHEN substring(data FROM 1 FOR 3) = '\xffd8ff'::bytea THEN 'image/jpeg'
        WHEN substring(data FROM 1 FOR 6) IN ('GIF87a'::bytea, 'GIF89a'::bytea) THEN 'image/gif'
        WHEN substring(data FROM 1 FOR 4) = 'RIFF'::bytea AND substring(data FROM 9 FOR 4) = 'WEBP'::bytea THEN 'image/webp'
    END
$detect_image_type$;
COMMENT ON FUNCTION register.detect_image_type(bytea) IS
    'Media type of a picture from its first bytes: PNG, JPEG, GIF or WebP; NULL for anything else';
-- A pure function of its argument, called with the rights of whoever stores a picture.
GRANT EXECUTE ON FUNCTION register.detect_image_type(bytea) TO PUBLIC;

CREATE OR REPLACE FUNCTION register.image_set_type()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $image_set_type$
BEGIN
    NEW.type := register.detect_image_type(NEW.data);
    IF NEW.type IS NULL AND NEW.data IS NOT NULL THEN
        RAISE EXCEPTION 'unknown image type'
            USING ERRCODE = 'check_violation',
                  HINT = 'Use PNG, JPEG, GIF or WebP; SVG is refused because it may carry scripts.',
                  SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = 'image_type_check';
    END IF;
    RETURN NEW;
END
$image_set_type$;
COMMENT ON FUNCTION register.image_set_type() IS 'Trigger: decides the media type of a picture from its first bytes';
REVOKE ALL ON FUNCTION register.image_set_type() FROM PUBLIC;

-- location --------------------------------------------------------------------------------------------------------

-- The version is a property of the region, so it is copied even where a (stale) one is given: a slice that gets a
-- region of the next version through a merge still carries the version of the slice it came from.
CREATE OR REPLACE FUNCTION register.location_set_region_version()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $location_set_region_version$
BEGIN
    IF NEW.region_id IS NULL THEN
        NEW.region_version_id := NULL;
        RETURN NEW;
    END IF;
    SELECT r.version_id INTO NEW.region_version_id FROM register.region AS r WHERE r.id = NEW.region_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'region with id % does not exist', NEW.region_id
            USING ERRCODE = 'foreign_key_violation',
                  SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = 'location_region_id_fkey';
    END IF;
    RETURN NEW;
END
$location_set_region_version$;
COMMENT ON FUNCTION register.location_set_region_version() IS 'Trigger: region_version_id is the version of region_id';
REVOKE ALL ON FUNCTION register.location_set_region_version() FROM PUBLIC;

-- external_ident --------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION register.external_ident_set_shape()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $external_ident_set_shape$
DECLARE
    type_code text;
BEGIN
    SELECT t.shape, t.labels, t.code
    INTO NEW.shape, NEW.labels, type_code
    FROM register.external_ident_type AS t
    WHERE t.id = NEW.type_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'identifier type with id % does not exist', NEW.type_id
            USING ERRCODE = 'foreign_key_violation',
                  SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = 'external_ident_type_id_fkey';
    END IF;
    IF NEW.shape = 'regular' AND (NEW.ident IS NULL OR NEW.idents IS NOT NULL) THEN
        RAISE EXCEPTION 'identifier type "%" is regular: "ident" must be given, and "idents" must not', type_code
            USING ERRCODE = 'check_violation',
                  SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = 'external_ident_shape_check';
    ELSIF NEW.shape = 'hierarchical' AND (NEW.idents IS NULL OR NEW.ident IS NOT NULL) THEN
        RAISE EXCEPTION 'identifier type "%" is hierarchical: "idents" must be given, and "ident" must not', type_code
            USING ERRCODE = 'check_violation',
                  HINT = format('Its components are %s.', NEW.labels::text),
                  SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = 'external_ident_shape_check';
    END IF;
    RETURN NEW;
END
$external_ident_set_shape$;
COMMENT ON FUNCTION register.external_ident_set_shape() IS
    'Trigger: copies shape and labels from the identifier type and refuses the field of the other shape';
REVOKE ALL ON FUNCTION register.external_ident_set_shape() FROM PUBLIC;

-- legal_relationship ----------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION register.legal_relationship_set_primary_influencer_only()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $legal_relationship_set_primary_influencer_only$
BEGIN
    SELECT t.primary_influencer_only INTO NEW.primary_influencer_only
    FROM register.legal_rel_type AS t
    WHERE t.id = NEW.type_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'legal relationship type with id % does not exist', NEW.type_id
            USING ERRCODE = 'foreign_key_violation',
                  SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = 'legal_relationship_type_id_fkey';
    END IF;
    RETURN NEW;
END
$legal_relationship_set_primary_influencer_only$;
COMMENT ON FUNCTION register.legal_relationship_set_primary_influencer_only() IS
    'Trigger: primary_influencer_only is that of the relationship type';
REVOKE ALL ON FUNCTION register.legal_relationship_set_primary_influencer_only() FROM PUBLIC;

-- power_group, power_root -----------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION register.power_group_ident(counter bigint)
RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $power_group_ident$
DECLARE
    rest bigint := counter;
    digits text := '';
BEGIN
    IF counter < 0 THEN
        RAISE EXCEPTION 'counter must not be negative' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    WHILE rest > 0 LOOP
        digits := substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', (rest % 36)::integer + 1, 1) || digits;
        rest := rest / 36;
    END LOOP;
    RETURN 'PG' || lpad(digits, greatest(4, length(digits)), '0');
END
$power_group_ident$;
COMMENT ON FUNCTION register.power_group_ident(bigint) IS
    'The ident of the n-th power group: PG and n in base 36, at least four digits';
-- A pure function of its argument; the default of power_group.ident calls it with the rights of whoever inserts.
GRANT EXECUTE ON FUNCTION register.power_group_ident(bigint) TO PUBLIC;

-- Membership has no time here, as in the derivation of the groups themselves: a root is a member when any
-- relationship of the group has it at either end.
CREATE OR REPLACE FUNCTION register.power_root_check_member()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $power_root_check_member$
DECLARE
    stranger record;
BEGIN
    SELECT w.power_group_id, root.legal_unit_id INTO stranger
    FROM written AS w
    CROSS JOIN LATERAL (VALUES (w.derived_root_legal_unit_id), (w.custom_root_legal_unit_id)) AS root (legal_unit_id)
    WHERE root.legal_unit_id IS NOT NULL
      AND NOT EXISTS (
          SELECT
          FROM register.legal_relationship AS lr
          WHERE lr.derived_power_group_id = w.power_group_id
            AND root.legal_unit_id IN (lr.influencing_id, lr.influenced_id))
    ORDER BY w.power_group_id, root.legal_unit_id
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'legal unit % is not a member of power group %', stranger.legal_unit_id, stranger.power_group_id
            USING ERRCODE = 'check_violation',
                  SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = 'power_root_member_check';
    END IF;
    RETURN NULL;
END
$power_root_check_member$;
COMMENT ON FUNCTION register.power_root_check_member() IS
    'Trigger: the derived and the custom root of a power group are members of the group';
REVOKE ALL ON FUNCTION register.power_root_check_member() FROM PUBLIC;
CREATE OR REPLACE FUNCTION statbus.newest_step()
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $newest_step$ SELECT 8 $newest_step$;
COMMENT ON FUNCTION statbus.newest_step() IS 'The number of the last migration step that this version of the extension knows';

CREATE OR REPLACE FUNCTION statbus.migration()
RETURNS TABLE (version integer, name text, body text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $migration$
BEGIN
    RETURN QUERY SELECT 1, '0001_types'::text, $step$-- Step 0001: every enumeration that table columns use. Values stand in the order in which they sort.

-- The kinds of statistical unit; the order is the order of lists and reports.
CREATE TYPE register.statistical_unit_type AS ENUM ('establishment', 'legal_unit', 'enterprise', 'power_group');

CREATE TYPE register.activity_type AS ENUM ('primary', 'secondary', 'ancilliary');
CREATE TYPE register.location_type AS ENUM ('physical', 'postal');
CREATE TYPE register.person_sex AS ENUM ('Male', 'Female');

-- Statistical variables: the type of their values and how often they are observed.
CREATE TYPE register.stat_type AS ENUM ('int', 'float', 'string', 'bool');
CREATE TYPE register.stat_frequency AS ENUM ('daily', 'weekly', 'biweekly', 'monthly', 'bimonthly', 'quarterly', 'semesterly', 'yearly');

CREATE TYPE register.external_ident_shape AS ENUM ('regular', 'hierarchical');

-- How the code of an activity category is written, given the digits of its path.
CREATE TYPE register.activity_category_code_behaviour AS ENUM ('digits', 'dot_after_two_digits');

-- Time contexts: periods relative to today, tags with dates, and years.
CREATE TYPE register.relative_period_scope AS ENUM ('input_and_query', 'query', 'input');
CREATE TYPE register.relative_period_code AS ENUM (
    'today',
    'year_curr', 'year_prev', 'year_curr_only', 'year_prev_only',
    'start_of_week_curr', 'stop_of_week_prev', 'start_of_week_prev',
    'start_of_month_curr', 'stop_of_month_prev', 'start_of_month_prev',
    'start_of_quarter_curr', 'stop_of_quarter_prev', 'start_of_quarter_prev',
    'start_of_semester_curr', 'stop_of_semester_prev', 'start_of_semester_prev',
    'start_of_year_curr', 'stop_of_year_prev', 'start_of_year_prev',
    'start_of_quinquennial_curr', 'stop_of_quinquennial_prev', 'start_of_quinquennial_prev',
    'start_of_decade_curr', 'stop_of_decade_prev', 'start_of_decade_prev'
);
CREATE TYPE register.time_context_type AS ENUM ('relative_period', 'tag', 'year');

CREATE TYPE register.history_resolution AS ENUM ('year', 'year-month');
CREATE TYPE register.hierarchy_scope AS ENUM ('all', 'tree', 'details');
CREATE TYPE register.power_group_root_status AS ENUM ('single', 'cycle', 'multi');

-- Users: from the most to the least powerful.
CREATE TYPE auth.statbus_role AS ENUM ('admin_user', 'regular_user', 'restricted_user', 'external_user');

CREATE TYPE import.mode AS ENUM (
    'legal_unit', 'establishment_formal', 'establishment_informal', 'generic_unit', 'legal_relationship'
);
CREATE TYPE import.strategy AS ENUM (
    'insert_or_replace', 'insert_only', 'replace_only', 'insert_or_update', 'update_only'
);
CREATE TYPE import.valid_time_from AS ENUM ('job_provided', 'source_columns');
CREATE TYPE import.job_state AS ENUM (
    'waiting_for_upload', 'upload_completed', 'preparing_data', 'analysing_data', 'waiting_for_review',
    'approved', 'rejected', 'processing_data', 'failed', 'finished'
);
CREATE TYPE import.data_state AS ENUM ('pending', 'analysing', 'analysed', 'processing', 'processed', 'error');
CREATE TYPE import.row_operation AS ENUM ('insert', 'replace', 'update');
CREATE TYPE import.row_action AS ENUM ('use', 'skip');
CREATE TYPE import.column_purpose AS ENUM ('source_input', 'internal', 'pk_id', 'metadata');
CREATE TYPE import.source_expression AS ENUM ('now', 'default');

CREATE TYPE worker.task_state AS ENUM ('pending', 'processing', 'interrupted', 'waiting', 'completed', 'failed');
CREATE TYPE worker.child_mode AS ENUM ('concurrent', 'serial');
$step$::text;
    RETURN QUERY SELECT 2, '0002_auth'::text, $step$-- Step 0002: users, their sessions and their keys.

-- The people who may use this register, and the built-in row `system` (id 1), as which superusers and background
-- workers act. `system` has no e-mail and therefore no role to log in with.
CREATE TABLE auth."user" (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sub uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    display_name text NOT NULL UNIQUE,
    email citext UNIQUE,
    -- Write-only: a trigger hashes what is written and blanks it; a clear password is never stored.
    password text,
    encrypted_password text NOT NULL DEFAULT '!',
    statbus_role auth.statbus_role NOT NULL DEFAULT 'regular_user',
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    last_sign_in_at timestamptz,
    email_confirmed_at timestamptz,
    deleted_at timestamptz,
    CONSTRAINT user_display_name_not_empty CHECK (btrim(display_name) <> ''),
    CONSTRAINT user_system_has_no_email CHECK ((email IS NULL) = (id = 1)),
    CONSTRAINT user_system_is_id_1 CHECK ((display_name = 'system') = (id = 1)),
    CONSTRAINT user_system_no_login CHECK (id <> 1 OR (deleted_at IS NULL AND encrypted_password = '!')),
    -- The e-mail is the name of the user's role: lower case and no longer than a name may be.
    CONSTRAINT user_email_lower_case CHECK (email::text = lower(email::text)),
    CONSTRAINT user_email_is_a_role_name CHECK (octet_length(email::text) BETWEEN 3 AND 63),
    CONSTRAINT user_email_has_at CHECK (email::text ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    CONSTRAINT user_password_not_stored CHECK (password IS NULL),
    CONSTRAINT user_encrypted_password_bcrypt CHECK (encrypted_password = '!' OR encrypted_password ~ '^\$2[abxy]\$[0-9]{2}\$.{53}$')
);
COMMENT ON TABLE auth."user" IS 'Users of this register; the row with id 1 is the built-in user system';
COMMENT ON COLUMN auth."user".encrypted_password IS 'bcrypt hash; ! means that no password opens the account';

INSERT INTO auth."user" (display_name, statbus_role) VALUES ('system', 'admin_user');

CREATE TABLE auth.refresh_session (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    jti uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    user_id integer NOT NULL REFERENCES auth."user" ON DELETE CASCADE,
    refresh_version integer NOT NULL DEFAULT 0 CHECK (refresh_version >= 0),
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    last_used_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    expires_at timestamptz NOT NULL,
    user_agent text,
    ip_address inet,
    CONSTRAINT refresh_session_expires_later CHECK (created_at < expires_at)
);
CREATE INDEX refresh_session_user_id_idx ON auth.refresh_session (user_id);
CREATE INDEX refresh_session_expires_at_idx ON auth.refresh_session (expires_at);
COMMENT ON TABLE auth.refresh_session IS 'One row per signed-in device; its version rotates with every refresh';

-- Keys for scripts. The token itself is shown once and never stored: only its hash and a prefix to recognise it by.
CREATE TABLE auth.api_key (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    jti uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    user_id integer NOT NULL REFERENCES auth."user" ON DELETE CASCADE,
    description text,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    token_hash bytea NOT NULL UNIQUE,
    token_prefix text NOT NULL,
    CONSTRAINT api_key_expires_later CHECK (created_at < expires_at),
    CONSTRAINT api_key_hash_is_sha256 CHECK (octet_length(token_hash) = 32),
    CONSTRAINT api_key_prefix_short CHECK (length(token_prefix) BETWEEN 4 AND 16)
);
CREATE INDEX api_key_user_id_idx ON auth.api_key (user_id);
COMMENT ON TABLE auth.api_key IS 'API keys: SHA-256 of the token and its first characters, never the token';
$step$::text;
    RETURN QUERY SELECT 3, '0003_code_lists'::text, $step$-- Step 0003: the code lists, the settings, and who may write which region and activity.
--
-- What they share
-- * enabled: offered for use. At most one enabled row per code or path; disabled rows stay for the units that refer to them.
-- * custom: made by the office (true) or shipped (false).
-- * Lists with a path are trees. parent_path is the path without its last label, and the foreign key over (parent_id,
--   parent_path) keeps both ends of the tree true. A trigger fills parent_id.
-- * label is the path without its dots, code the digits of the path.

CREATE TABLE register.activity_category_standard (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code varchar(16) NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_.]*$'),
    name text NOT NULL UNIQUE CHECK (btrim(name) <> ''),
    description text,
    code_pattern register.activity_category_code_behaviour NOT NULL DEFAULT 'digits',
    enabled boolean NOT NULL DEFAULT true,
    lasts_to date,
    UNIQUE (id, enabled)
);
COMMENT ON TABLE register.activity_category_standard IS 'Classifications of economic activities, such as ISIC and NACE';
COMMENT ON COLUMN register.activity_category_standard.lasts_to IS 'last day on which the standard is used; NULL: it is current';

CREATE TABLE register.activity_category (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    standard_id integer NOT NULL REFERENCES register.activity_category_standard ON DELETE RESTRICT,
    path ltree NOT NULL CHECK (nlevel(path) >= 1),
    parent_path ltree GENERATED ALWAYS AS (CASE WHEN nlevel(path) > 1 THEN subpath(path, 0, -1) END) STORED,
    parent_id integer,
    level integer GENERATED ALWAYS AS (nlevel(path)) STORED,
    label text GENERATED ALWAYS AS (replace(ltree2text(path), '.', '')) STORED,
    -- Follows from the path and the code_pattern of the standard; written by a trigger. Sections have none.
    code text,
    name varchar(256) NOT NULL CHECK (btrim(name) <> ''),
    description text,
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    -- Deferrable, so that one statement can swap an enabled and a disabled row of one path.
    UNIQUE (standard_id, path, enabled) DEFERRABLE INITIALLY IMMEDIATE,
    UNIQUE (id, standard_id, path),
    CONSTRAINT activity_category_parent_required CHECK ((nlevel(path) > 1) = (parent_id IS NOT NULL)),
    CONSTRAINT activity_category_parent_fkey FOREIGN KEY (parent_id, standard_id, parent_path)
        REFERENCES register.activity_category (id, standard_id, path) DEFERRABLE INITIALLY IMMEDIATE
);
CREATE INDEX activity_category_parent_id_idx ON register.activity_category (parent_id);
CREATE INDEX activity_category_standard_id_code_idx ON register.activity_category (standard_id, code);
CREATE INDEX activity_category_path_idx ON register.activity_category USING gist (path);
COMMENT ON TABLE register.activity_category IS 'Economic activities: one tree per standard';

CREATE TABLE register.country (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    iso_2 text NOT NULL UNIQUE CHECK (iso_2 ~ '^[A-Z]{2}$'),
    iso_3 text NOT NULL UNIQUE CHECK (iso_3 ~ '^[A-Z]{3}$'),
    -- Three digits in ISO 3166; rows that are not in it may have fewer.
    iso_num text NOT NULL UNIQUE CHECK (iso_num ~ '^[0-9]{1,3}$'),
    name text NOT NULL UNIQUE CHECK (btrim(name) <> ''),
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
COMMENT ON TABLE register.country IS 'Countries by ISO 3166; UN stands for a country that exists only in examples';

CREATE TABLE register.data_source (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE UNIQUE INDEX data_source_code_enabled_key ON register.data_source (code) WHERE enabled;
COMMENT ON TABLE register.data_source IS 'Where information comes from: registers, surveys, manual work';

-- The code becomes part of column names of import files (<code>_raw, legal_unit_<code>_raw), hence its form and length.
CREATE TABLE register.external_ident_type (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code varchar(128) NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]{0,39}$'),
    name varchar(50) NOT NULL CHECK (btrim(name) <> ''),
    shape register.external_ident_shape NOT NULL DEFAULT 'regular',
    labels ltree,
    description text,
    priority integer UNIQUE DEFERRABLE INITIALLY IMMEDIATE,
    enabled boolean NOT NULL DEFAULT true,
    UNIQUE (id, shape),
    CONSTRAINT external_ident_type_labels_iff_hierarchical CHECK ((shape = 'hierarchical') = (labels IS NOT NULL)),
    CONSTRAINT external_ident_type_labels_not_empty CHECK (nlevel(labels) >= 1),
    CONSTRAINT external_ident_type_labels_lower_case CHECK (ltree2text(labels) ~ '^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)*$')
);
COMMENT ON TABLE register.external_ident_type IS 'Kinds of identifiers issued outside, such as a tax number';
COMMENT ON COLUMN register.external_ident_type.labels IS 'names of the components of a hierarchical identifier, outermost first';

CREATE TABLE register.foreign_participation (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE UNIQUE INDEX foreign_participation_code_enabled_key ON register.foreign_participation (code) WHERE enabled;
COMMENT ON TABLE register.foreign_participation IS 'How a unit takes part in trade and investment across borders';

CREATE TABLE register.legal_form (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    UNIQUE (code, enabled, custom) DEFERRABLE INITIALLY IMMEDIATE
);
CREATE UNIQUE INDEX legal_form_code_enabled_key ON register.legal_form (code) WHERE enabled;
COMMENT ON TABLE register.legal_form IS 'Legal forms of legal units';

CREATE TABLE register.legal_rel_type (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    description text,
    -- At most one unit at a time may influence another by a relationship of this type.
    primary_influencer_only boolean NOT NULL DEFAULT false,
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    UNIQUE (id, primary_influencer_only)
);
CREATE UNIQUE INDEX legal_rel_type_code_enabled_key ON register.legal_rel_type (code) WHERE enabled;
COMMENT ON TABLE register.legal_rel_type IS 'Kinds of relationship between legal units';

CREATE TABLE register.legal_reorg_type (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    description text,
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE UNIQUE INDEX legal_reorg_type_code_enabled_key ON register.legal_reorg_type (code) WHERE enabled;
COMMENT ON TABLE register.legal_reorg_type IS 'Kinds of reorganisation, such as merger and spin-off';

CREATE TABLE register.person_role (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE UNIQUE INDEX person_role_code_enabled_key ON register.person_role (code) WHERE enabled;
COMMENT ON TABLE register.person_role IS 'What a person is to a unit';

CREATE TABLE register.power_group_type (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE UNIQUE INDEX power_group_type_code_enabled_key ON register.power_group_type (code) WHERE enabled;
COMMENT ON TABLE register.power_group_type IS 'Kinds of enterprise group by control and reach';

CREATE TABLE register.region_version (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL UNIQUE CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    description text,
    lasts_to date,
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    UNIQUE (id, enabled)
);
CREATE UNIQUE INDEX region_version_lasts_to_enabled_key ON register.region_version (lasts_to) NULLS NOT DISTINCT WHERE enabled;
COMMENT ON TABLE register.region_version IS 'Editions of the regions of the country; one enabled edition is current';
COMMENT ON COLUMN register.region_version.lasts_to IS 'last day on which the edition is in force; NULL: it is current';

CREATE TABLE register.region (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version_id integer NOT NULL REFERENCES register.region_version ON DELETE RESTRICT,
    path ltree NOT NULL CHECK (nlevel(path) >= 1),
    parent_path ltree GENERATED ALWAYS AS (CASE WHEN nlevel(path) > 1 THEN subpath(path, 0, -1) END) STORED,
    parent_id integer,
    level integer GENERATED ALWAYS AS (nlevel(path)) STORED,
    label text GENERATED ALWAYS AS (replace(ltree2text(path), '.', '')) STORED,
    code text GENERATED ALWAYS AS (nullif(regexp_replace(ltree2text(path), '[^0-9]', '', 'g'), '')) STORED,
    name text NOT NULL CHECK (btrim(name) <> ''),
    center_latitude numeric(9,6),
    center_longitude numeric(9,6),
    center_altitude numeric(6,1),
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    UNIQUE (version_id, path),
    UNIQUE (version_id, code),
    UNIQUE (id, version_id),
    UNIQUE (id, version_id, path),
    CONSTRAINT region_parent_required CHECK ((nlevel(path) > 1) = (parent_id IS NOT NULL)),
    CONSTRAINT region_parent_fkey FOREIGN KEY (parent_id, version_id, parent_path)
        REFERENCES register.region (id, version_id, path) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT region_latitude_range CHECK (center_latitude BETWEEN -90 AND 90),
    CONSTRAINT region_longitude_range CHECK (center_longitude BETWEEN -180 AND 180),
    CONSTRAINT region_altitude_range CHECK (center_altitude >= 0),
    CONSTRAINT region_coordinates_in_pairs CHECK ((center_latitude IS NULL) = (center_longitude IS NULL)),
    CONSTRAINT region_altitude_needs_coordinates CHECK (center_altitude IS NULL OR center_latitude IS NOT NULL)
);
CREATE INDEX region_parent_id_idx ON register.region (parent_id);
CREATE INDEX region_path_idx ON register.region USING gist (path);
COMMENT ON TABLE register.region IS 'Regions of the country: one tree per edition';

CREATE TABLE register.relative_period (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code register.relative_period_code NOT NULL UNIQUE,
    name_when_query text,
    name_when_input text,
    scope register.relative_period_scope NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    CONSTRAINT relative_period_names_fit_scope CHECK (
        (name_when_query IS NOT NULL) = (scope IN ('input_and_query', 'query'))
        AND (name_when_input IS NOT NULL) = (scope IN ('input_and_query', 'input'))
    )
);
COMMENT ON TABLE register.relative_period IS 'Periods relative to today that a user may choose for a query or an import';

CREATE TABLE register.sector (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    path ltree NOT NULL UNIQUE CHECK (nlevel(path) >= 1),
    parent_path ltree GENERATED ALWAYS AS (CASE WHEN nlevel(path) > 1 THEN subpath(path, 0, -1) END) STORED,
    parent_id integer,
    label text GENERATED ALWAYS AS (replace(ltree2text(path), '.', '')) STORED,
    code text GENERATED ALWAYS AS (nullif(regexp_replace(ltree2text(path), '[^0-9]', '', 'g'), '')) STORED,
    name text NOT NULL CHECK (btrim(name) <> ''),
    description text,
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    UNIQUE (id, path),
    CONSTRAINT sector_parent_required CHECK ((nlevel(path) > 1) = (parent_id IS NOT NULL)),
    CONSTRAINT sector_parent_fkey FOREIGN KEY (parent_id, parent_path)
        REFERENCES register.sector (id, path) DEFERRABLE INITIALLY IMMEDIATE
);
CREATE INDEX sector_parent_id_idx ON register.sector (parent_id);
CREATE INDEX sector_code_idx ON register.sector (code);
CREATE INDEX sector_path_idx ON register.sector USING gist (path);
COMMENT ON TABLE register.sector IS 'Institutional sectors of the system of national accounts';

CREATE TABLE register.settings (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    only_one_setting boolean GENERATED ALWAYS AS (id IS NOT NULL) STORED UNIQUE,
    activity_category_standard_id integer NOT NULL,
    country_id integer NOT NULL REFERENCES register.country ON DELETE RESTRICT,
    region_version_id integer NOT NULL,
    partition_count_target integer NOT NULL DEFAULT 256 CHECK (partition_count_target > 0),
    required_to_be_enabled boolean GENERATED ALWAYS AS (true) STORED,
    CONSTRAINT settings_activity_category_standard_fkey FOREIGN KEY (activity_category_standard_id, required_to_be_enabled)
        REFERENCES register.activity_category_standard (id, enabled) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT settings_region_version_fkey FOREIGN KEY (region_version_id, required_to_be_enabled)
        REFERENCES register.region_version (id, enabled) DEFERRABLE INITIALLY IMMEDIATE
);
COMMENT ON TABLE register.settings IS 'What this register uses: one row, written when the office starts';

-- The code becomes part of column names of import files (<code>_raw, stat_for_unit_<code>_id), hence its form and length.
CREATE TABLE register.stat_definition (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code varchar NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]{0,39}$'),
    type register.stat_type NOT NULL,
    frequency register.stat_frequency NOT NULL,
    name varchar NOT NULL CHECK (btrim(name) <> ''),
    description text,
    priority integer UNIQUE DEFERRABLE INITIALLY IMMEDIATE,
    enabled boolean NOT NULL DEFAULT true,
    UNIQUE (id, type)
);
COMMENT ON TABLE register.stat_definition IS 'Statistical variables that are kept per unit';

CREATE TABLE register.status (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    assigned_by_default boolean NOT NULL DEFAULT false,
    used_for_counting boolean NOT NULL DEFAULT true,
    priority integer,
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE UNIQUE INDEX status_code_enabled_key ON register.status (code) WHERE enabled;
CREATE UNIQUE INDEX status_assigned_by_default_key ON register.status (assigned_by_default) WHERE assigned_by_default AND enabled;
COMMENT ON TABLE register.status IS 'Status of units';
COMMENT ON COLUMN register.status.used_for_counting IS 'units with this status appear in counts and statistics';

CREATE TABLE register.tag (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    path ltree NOT NULL UNIQUE CHECK (nlevel(path) >= 1),
    parent_path ltree GENERATED ALWAYS AS (CASE WHEN nlevel(path) > 1 THEN subpath(path, 0, -1) END) STORED,
    parent_id integer,
    level integer GENERATED ALWAYS AS (nlevel(path)) STORED,
    label text GENERATED ALWAYS AS (replace(ltree2text(path), '.', '')) STORED,
    code text GENERATED ALWAYS AS (nullif(regexp_replace(ltree2text(path), '[^0-9]', '', 'g'), '')) STORED,
    name varchar(256) NOT NULL CHECK (btrim(name) <> ''),
    description text,
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    -- A tag with these dates is a time context.
    context_valid_from date,
    context_valid_to date,
    context_valid_until date GENERATED ALWAYS AS (context_valid_to + 1) STORED,
    context_valid_on date,
    UNIQUE (id, path),
    CONSTRAINT tag_parent_required CHECK ((nlevel(path) > 1) = (parent_id IS NOT NULL)),
    CONSTRAINT tag_parent_fkey FOREIGN KEY (parent_id, parent_path)
        REFERENCES register.tag (id, path) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT tag_context_dates_all_or_none CHECK (num_nulls(context_valid_from, context_valid_to, context_valid_on) IN (0, 3)),
    CONSTRAINT tag_context_dates_in_order CHECK (context_valid_from <= context_valid_to)
);
CREATE INDEX tag_parent_id_idx ON register.tag (parent_id);
CREATE INDEX tag_path_idx ON register.tag USING gist (path);
COMMENT ON TABLE register.tag IS 'Labels that an office puts on units';

CREATE TABLE register.unit_size (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE UNIQUE INDEX unit_size_code_enabled_key ON register.unit_size (code) WHERE enabled;
COMMENT ON TABLE register.unit_size IS 'Size classes of units';

-- Where a restricted user may write: regions (and all below them) and activities.
CREATE TABLE register.region_access (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id integer NOT NULL REFERENCES auth."user" ON DELETE CASCADE,
    region_id integer NOT NULL REFERENCES register.region ON DELETE CASCADE,
    UNIQUE (user_id, region_id)
);
CREATE INDEX region_access_region_id_idx ON register.region_access (region_id);
COMMENT ON TABLE register.region_access IS 'Regions in which a restricted user may write';

CREATE TABLE register.activity_category_access (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id integer NOT NULL REFERENCES auth."user" ON DELETE CASCADE,
    activity_category_id integer NOT NULL REFERENCES register.activity_category ON DELETE CASCADE,
    UNIQUE (user_id, activity_category_id)
);
CREATE INDEX activity_category_access_activity_category_id_idx ON register.activity_category_access (activity_category_id);
COMMENT ON TABLE register.activity_category_access IS 'Activities for which a restricted user may write';
$step$::text;
    RETURN QUERY SELECT 4, '0004_seed_codes'::text, $step$-- Step 0004: the small code lists. Shipped rows are custom = false.

INSERT INTO register.activity_category_standard (code, name, description, code_pattern) VALUES
    ('isic_v4', 'ISIC Rev. 4', 'International Standard Industrial Classification of All Economic Activities, Revision 4', 'digits'),
    ('nace_v2.1', 'NACE Rev. 2.1', 'Statistical Classification of Economic Activities in the European Union, Revision 2.1', 'dot_after_two_digits');

-- ISO 3166, and UN for the country of the examples.
INSERT INTO register.country (iso_2, iso_3, iso_num, name, custom) VALUES
    ('AF', 'AFG', '004', 'Afghanistan', false),
    ('AX', 'ALA', '248', 'Åland Islands', false),
    ('AL', 'ALB', '008', 'Albania', false),
    ('DZ', 'DZA', '012', 'Algeria', false),
    ('AS', 'ASM', '016', 'American Samoa', false),
    ('AD', 'AND', '020', 'Andorra', false),
    ('AO', 'AGO', '024', 'Angola', false),
    ('AI', 'AIA', '660', 'Anguilla', false),
    ('AQ', 'ATA', '010', 'Antarctica', false),
    ('AG', 'ATG', '028', 'Antigua and Barbuda', false),
    ('AR', 'ARG', '032', 'Argentina', false),
    ('AM', 'ARM', '051', 'Armenia', false),
    ('AW', 'ABW', '533', 'Aruba', false),
    ('AU', 'AUS', '036', 'Australia', false),
    ('AT', 'AUT', '040', 'Austria', false),
    ('AZ', 'AZE', '031', 'Azerbaijan', false),
    ('BS', 'BHS', '044', 'Bahamas (the)', false),
    ('BH', 'BHR', '048', 'Bahrain', false),
    ('BD', 'BGD', '050', 'Bangladesh', false),
    ('BB', 'BRB', '052', 'Barbados', false),
    ('BY', 'BLR', '112', 'Belarus', false),
    ('BE', 'BEL', '056', 'Belgium', false),
    ('BZ', 'BLZ', '084', 'Belize', false),
    ('BJ', 'BEN', '204', 'Benin', false),
    ('BM', 'BMU', '060', 'Bermuda', false),
    ('BT', 'BTN', '064', 'Bhutan', false),
    ('BO', 'BOL', '068', 'Bolivia (Plurinational State of)', false),
    ('BQ', 'BES', '535', 'Bonaire, Sint Eustatius and Saba', false),
    ('BA', 'BIH', '070', 'Bosnia and Herzegovina', false),
    ('BW', 'BWA', '072', 'Botswana', false),
    ('BV', 'BVT', '074', 'Bouvet Island', false),
    ('BR', 'BRA', '076', 'Brazil', false),
    ('IO', 'IOT', '086', 'British Indian Ocean Territory (the)', false),
    ('BN', 'BRN', '096', 'Brunei Darussalam', false),
    ('BG', 'BGR', '100', 'Bulgaria', false),
    ('BF', 'BFA', '854', 'Burkina Faso', false),
    ('BI', 'BDI', '108', 'Burundi', false),
    ('CV', 'CPV', '132', 'Cabo Verde', false),
    ('KH', 'KHM', '116', 'Cambodia', false),
    ('CM', 'CMR', '120', 'Cameroon', false),
    ('CA', 'CAN', '124', 'Canada', false),
    ('KY', 'CYM', '136', 'Cayman Islands (the)', false),
    ('CF', 'CAF', '140', 'Central African Republic (the)', false),
    ('TD', 'TCD', '148', 'Chad', false),
    ('CL', 'CHL', '152', 'Chile', false),
    ('CN', 'CHN', '156', 'China', false),
    ('CX', 'CXR', '162', 'Christmas Island', false),
    ('CC', 'CCK', '166', 'Cocos (Keeling) Islands (the)', false),
    ('CO', 'COL', '170', 'Colombia', false),
    ('KM', 'COM', '174', 'Comoros (the)', false),
    ('CD', 'COD', '180', 'Congo (the Democratic Republic of the)', false),
    ('CG', 'COG', '178', 'Congo (the)', false),
    ('CK', 'COK', '184', 'Cook Islands (the)', false),
    ('CR', 'CRI', '188', 'Costa Rica', false),
    ('CI', 'CIV', '384', 'Côte d''Ivoire', false),
    ('HR', 'HRV', '191', 'Croatia', false),
    ('CU', 'CUB', '192', 'Cuba', false),
    ('CW', 'CUW', '531', 'Curaçao', false),
    ('CY', 'CYP', '196', 'Cyprus', false),
    ('CZ', 'CZE', '203', 'Czechia', false),
    ('DK', 'DNK', '208', 'Denmark', false),
    ('DJ', 'DJI', '262', 'Djibouti', false),
    ('DM', 'DMA', '212', 'Dominica', false),
    ('DO', 'DOM', '214', 'Dominican Republic (the)', false),
    ('EC', 'ECU', '218', 'Ecuador', false),
    ('EG', 'EGY', '818', 'Egypt', false),
    ('SV', 'SLV', '222', 'El Salvador', false),
    ('GQ', 'GNQ', '226', 'Equatorial Guinea', false),
    ('ER', 'ERI', '232', 'Eritrea', false),
    ('EE', 'EST', '233', 'Estonia', false),
    ('SZ', 'SWZ', '748', 'Eswatini', false),
    ('ET', 'ETH', '231', 'Ethiopia', false),
    ('FK', 'FLK', '238', 'Falkland Islands (the) [Malvinas]', false),
    ('FO', 'FRO', '234', 'Faroe Islands (the)', false),
    ('FJ', 'FJI', '242', 'Fiji', false),
    ('FI', 'FIN', '246', 'Finland', false),
    ('FR', 'FRA', '250', 'France', false),
    ('GF', 'GUF', '254', 'French Guiana', false),
    ('PF', 'PYF', '258', 'French Polynesia', false),
    ('TF', 'ATF', '260', 'French Southern Territories (the)', false),
    ('GA', 'GAB', '266', 'Gabon', false),
    ('GM', 'GMB', '270', 'Gambia (the)', false),
    ('GE', 'GEO', '268', 'Georgia', false),
    ('DE', 'DEU', '276', 'Germany', false),
    ('GH', 'GHA', '288', 'Ghana', false),
    ('GI', 'GIB', '292', 'Gibraltar', false),
    ('GR', 'GRC', '300', 'Greece', false),
    ('GL', 'GRL', '304', 'Greenland', false),
    ('GD', 'GRD', '308', 'Grenada', false),
    ('GP', 'GLP', '312', 'Guadeloupe', false),
    ('GU', 'GUM', '316', 'Guam', false),
    ('GT', 'GTM', '320', 'Guatemala', false),
    ('GG', 'GGY', '831', 'Guernsey', false),
    ('GN', 'GIN', '324', 'Guinea', false),
    ('GW', 'GNB', '624', 'Guinea-Bissau', false),
    ('GY', 'GUY', '328', 'Guyana', false),
    ('HT', 'HTI', '332', 'Haiti', false),
    ('HM', 'HMD', '334', 'Heard Island and McDonald Islands', false),
    ('VA', 'VAT', '336', 'Holy See (the)', false),
    ('HN', 'HND', '340', 'Honduras', false),
    ('HK', 'HKG', '344', 'Hong Kong', false),
    ('HU', 'HUN', '348', 'Hungary', false),
    ('IS', 'ISL', '352', 'Iceland', false),
    ('IN', 'IND', '356', 'India', false),
    ('ID', 'IDN', '360', 'Indonesia', false),
    ('IR', 'IRN', '364', 'Iran (Islamic Republic of)', false),
    ('IQ', 'IRQ', '368', 'Iraq', false),
    ('IE', 'IRL', '372', 'Ireland', false),
    ('IM', 'IMN', '833', 'Isle of Man', false),
    ('IL', 'ISR', '376', 'Israel', false),
    ('IT', 'ITA', '380', 'Italy', false),
    ('JM', 'JAM', '388', 'Jamaica', false),
    ('JP', 'JPN', '392', 'Japan', false),
    ('JE', 'JEY', '832', 'Jersey', false),
    ('JO', 'JOR', '400', 'Jordan', false),
    ('KZ', 'KAZ', '398', 'Kazakhstan', false),
    ('KE', 'KEN', '404', 'Kenya', false),
    ('KI', 'KIR', '296', 'Kiribati', false),
    ('KP', 'PRK', '408', 'Korea (the Democratic People''s Republic of)', false),
    ('KR', 'KOR', '410', 'Korea (the Republic of)', false),
    ('KW', 'KWT', '414', 'Kuwait', false),
    ('KG', 'KGZ', '417', 'Kyrgyzstan', false),
    ('LA', 'LAO', '418', 'Lao People''s Democratic Republic (the)', false),
    ('LV', 'LVA', '428', 'Latvia', false),
    ('LB', 'LBN', '422', 'Lebanon', false),
    ('LS', 'LSO', '426', 'Lesotho', false),
    ('LR', 'LBR', '430', 'Liberia', false),
    ('LY', 'LBY', '434', 'Libya', false),
    ('LI', 'LIE', '438', 'Liechtenstein', false),
    ('LT', 'LTU', '440', 'Lithuania', false),
    ('LU', 'LUX', '442', 'Luxembourg', false),
    ('MO', 'MAC', '446', 'Macao', false),
    ('MK', 'MKD', '807', 'Republic of North Macedonia', false),
    ('MG', 'MDG', '450', 'Madagascar', false),
    ('MW', 'MWI', '454', 'Malawi', false),
    ('MY', 'MYS', '458', 'Malaysia', false),
    ('MV', 'MDV', '462', 'Maldives', false),
    ('ML', 'MLI', '466', 'Mali', false),
    ('MT', 'MLT', '470', 'Malta', false),
    ('MH', 'MHL', '584', 'Marshall Islands (the)', false),
    ('MQ', 'MTQ', '474', 'Martinique', false),
    ('MR', 'MRT', '478', 'Mauritania', false),
    ('MU', 'MUS', '480', 'Mauritius', false),
    ('YT', 'MYT', '175', 'Mayotte', false),
    ('MX', 'MEX', '484', 'Mexico', false),
    ('FM', 'FSM', '583', 'Micronesia (Federated States of)', false),
    ('MD', 'MDA', '498', 'Moldova (the Republic of)', false),
    ('MC', 'MCO', '492', 'Monaco', false),
    ('MN', 'MNG', '496', 'Mongolia', false),
    ('ME', 'MNE', '499', 'Montenegro', false),
    ('MS', 'MSR', '500', 'Montserrat', false),
    ('MA', 'MAR', '504', 'Morocco', false),
    ('MZ', 'MOZ', '508', 'Mozambique', false),
    ('MM', 'MMR', '104', 'Myanmar', false),
    ('NA', 'NAM', '516', 'Namibia', false),
    ('NR', 'NRU', '520', 'Nauru', false),
    ('NP', 'NPL', '524', 'Nepal', false),
    ('NL', 'NLD', '528', 'Netherlands (the)', false),
    ('NC', 'NCL', '540', 'New Caledonia', false),
    ('NZ', 'NZL', '554', 'New Zealand', false),
    ('NI', 'NIC', '558', 'Nicaragua', false),
    ('NE', 'NER', '562', 'Niger (the)', false),
    ('NG', 'NGA', '566', 'Nigeria', false),
    ('NU', 'NIU', '570', 'Niue', false),
    ('NF', 'NFK', '574', 'Norfolk Island', false),
    ('MP', 'MNP', '580', 'Northern Mariana Islands (the)', false),
    ('NO', 'NOR', '578', 'Norway', false),
    ('OM', 'OMN', '512', 'Oman', false),
    ('PK', 'PAK', '586', 'Pakistan', false),
    ('PW', 'PLW', '585', 'Palau', false),
    ('PS', 'PSE', '275', 'Palestine, State of', false),
    ('PA', 'PAN', '591', 'Panama', false),
    ('PG', 'PNG', '598', 'Papua New Guinea', false),
    ('PY', 'PRY', '600', 'Paraguay', false),
    ('PE', 'PER', '604', 'Peru', false),
    ('PH', 'PHL', '608', 'Philippines (the)', false),
    ('PN', 'PCN', '612', 'Pitcairn', false),
    ('PL', 'POL', '616', 'Poland', false),
    ('PT', 'PRT', '620', 'Portugal', false),
    ('PR', 'PRI', '630', 'Puerto Rico', false),
    ('QA', 'QAT', '634', 'Qatar', false),
    ('RE', 'REU', '638', 'Réunion', false),
    ('RO', 'ROU', '642', 'Romania', false),
    ('RU', 'RUS', '643', 'Russian Federation (the)', false),
    ('RW', 'RWA', '646', 'Rwanda', false),
    ('BL', 'BLM', '652', 'Saint Barthélemy', false),
    ('SH', 'SHN', '654', 'Saint Helena, Ascension and Tristan da Cunha', false),
    ('KN', 'KNA', '659', 'Saint Kitts and Nevis', false),
    ('LC', 'LCA', '662', 'Saint Lucia', false),
    ('MF', 'MAF', '663', 'Saint Martin (French part)', false),
    ('PM', 'SPM', '666', 'Saint Pierre and Miquelon', false),
    ('VC', 'VCT', '670', 'Saint Vincent and the Grenadines', false),
    ('WS', 'WSM', '882', 'Samoa', false),
    ('SM', 'SMR', '674', 'San Marino', false),
    ('ST', 'STP', '678', 'Sao Tome and Principe', false),
    ('SA', 'SAU', '682', 'Saudi Arabia', false),
    ('SN', 'SEN', '686', 'Senegal', false),
    ('RS', 'SRB', '688', 'Serbia', false),
    ('SC', 'SYC', '690', 'Seychelles', false),
    ('SL', 'SLE', '694', 'Sierra Leone', false),
    ('SG', 'SGP', '702', 'Singapore', false),
    ('SX', 'SXM', '534', 'Sint Maarten (Dutch part)', false),
    ('SK', 'SVK', '703', 'Slovakia', false),
    ('SI', 'SVN', '705', 'Slovenia', false),
    ('SB', 'SLB', '090', 'Solomon Islands', false),
    ('SO', 'SOM', '706', 'Somalia', false),
    ('ZA', 'ZAF', '710', 'South Africa', false),
    ('GS', 'SGS', '239', 'South Georgia and the South Sandwich Islands', false),
    ('SS', 'SSD', '728', 'South Sudan', false),
    ('ES', 'ESP', '724', 'Spain', false),
    ('LK', 'LKA', '144', 'Sri Lanka', false),
    ('SD', 'SDN', '729', 'Sudan (the)', false),
    ('SR', 'SUR', '740', 'Suriname', false),
    ('SJ', 'SJM', '744', 'Svalbard and Jan Mayen', false),
    ('SE', 'SWE', '752', 'Sweden', false),
    ('CH', 'CHE', '756', 'Switzerland', false),
    ('SY', 'SYR', '760', 'Syrian Arab Republic', false),
    ('TW', 'TWN', '158', 'Taiwan (Province of China)', false),
    ('TJ', 'TJK', '762', 'Tajikistan', false),
    ('TZ', 'TZA', '834', 'Tanzania, United Republic of', false),
    ('TH', 'THA', '764', 'Thailand', false),
    ('TL', 'TLS', '626', 'Timor-Leste', false),
    ('TG', 'TGO', '768', 'Togo', false),
    ('TK', 'TKL', '772', 'Tokelau', false),
    ('TO', 'TON', '776', 'Tonga', false),
    ('TT', 'TTO', '780', 'Trinidad and Tobago', false),
    ('TN', 'TUN', '788', 'Tunisia', false),
    ('TR', 'TUR', '792', 'Turkey', false),
    ('KK', 'KKC', '90', 'Turkish Republic of Northern Cyprus / Kuzey Kıbrıs Türk Cumhuriyeti', false),
    ('TM', 'TKM', '795', 'Turkmenistan', false),
    ('TC', 'TCA', '796', 'Turks and Caicos Islands (the)', false),
    ('TV', 'TUV', '798', 'Tuvalu', false),
    ('UG', 'UGA', '800', 'Uganda', false),
    ('UA', 'UKR', '804', 'Ukraine', false),
    ('AE', 'ARE', '784', 'United Arab Emirates (the)', false),
    ('GB', 'GBR', '826', 'United Kingdom of Great Britain and Northern Ireland (the)', false),
    ('UN', 'UNC', '000', 'United Nations', false),
    ('UM', 'UMI', '581', 'United States Minor Outlying Islands (the)', false),
    ('US', 'USA', '840', 'United States of America (the)', false),
    ('UY', 'URY', '858', 'Uruguay', false),
    ('UZ', 'UZB', '860', 'Uzbekistan', false),
    ('VU', 'VUT', '548', 'Vanuatu', false),
    ('VE', 'VEN', '862', 'Venezuela (Bolivarian Republic of)', false),
    ('VN', 'VNM', '704', 'Viet Nam', false),
    ('VG', 'VGB', '092', 'Virgin Islands (British)', false),
    ('VI', 'VIR', '850', 'Virgin Islands (U.S.)', false),
    ('WF', 'WLF', '876', 'Wallis and Futuna', false),
    ('EH', 'ESH', '732', 'Western Sahara', false),
    ('YE', 'YEM', '887', 'Yemen', false),
    ('ZM', 'ZMB', '894', 'Zambia', false),
    ('ZW', 'ZWE', '716', 'Zimbabwe', false);

-- Sources of information.
INSERT INTO register.data_source (code, name, custom) VALUES
    ('ntr', 'National Tax Registry', false),
    ('nlr', 'National Legal Business Registry', false),
    ('census', 'Census', false),
    ('survey', 'Survey Data', false),
    ('mi', 'Manual Input', false),
    ('other', 'Other External Data Source', false);

-- Foreign participation.
INSERT INTO register.foreign_participation (code, name, custom) VALUES
    ('a', 'Exports or imports of goods', false),
    ('b', 'Exports or imports of services', false),
    ('c', 'Merchanting', false),
    ('d', 'Equity Investments abroad', false),
    ('e', 'Non -Equity (External borrowing or lending)', false),
    ('f', 'External Remittances', false),
    ('g', 'No foreign participation', false),
    ('h', 'Multiple kinds of foreign participation. See notes', false);

-- Legal forms.
INSERT INTO register.legal_form (code, name, custom) VALUES
    ('ACO', 'Association/club/organisation', false),
    ('AUPS', 'Administrative Unit - Public Sector', false),
    ('BE', 'Bankrupt estate', false),
    ('CFO', 'Condominium flat owner', false),
    ('CMBE', 'County municipal business enterprise', false),
    ('COOP', 'Co-operation', false),
    ('CTY', 'County', false),
    ('DDRG', 'Dominant Domestic Religious Group', false),
    ('RG', 'Religious Group', false),
    ('DFBE', 'Domestic Division of Foreign Business Enterprise', false),
    ('EEEG', 'European Economic Enterprise Group', false),
    ('FDN', 'Foundation', false),
    ('FE', 'Foreign entity', false),
    ('GP', 'General partnership', false),
    ('GPSL', 'General partnership with shared liability', false),
    ('HBC', 'House building cooperative', false),
    ('HC', 'Housing cooperative', false),
    ('IAR', 'Individuals who are registered in affiliated register', false),
    ('IMC', 'Inter-municipal company', false),
    ('IRAU', 'Individuals Registered in the Auditor Register', false),
    ('JO', 'Joint office', false),
    ('JOLP', 'Joint ownership according to the law of property', false),
    ('JOSC', 'Jointly owned shipping company', false),
    ('LC', 'Limited company', false),
    ('LLC', 'Company with limited liability', false),
    ('LP', 'Limited partnership', false),
    ('MBE', 'Municipal business enterprise', false),
    ('MIC', 'Mutual insurance company', false),
    ('MUN', 'Municipality', false),
    ('OBC', 'Other body corporate', false),
    ('OBE', 'Other business enterprise in accordance with special legislation', false),
    ('OE', 'Other estates', false),
    ('ONBC', 'Other non-body corporate', false),
    ('OS', 'Organisation section', false),
    ('PC', 'Public corporation', false),
    ('PF', 'Pension Fund', false),
    ('PLC', 'Public limited company', false),
    ('SB', 'Savings bank', false),
    ('SCPA', 'Subsidiary to Commercial and Public Administration', false),
    ('SE', 'European Company', false),
    ('SP', 'Sole proprietorship', false),
    ('SSU', 'Specially sectioned unit', false),
    ('STATE', 'State', false),
    ('UNDEF', 'Undefined', false),
    ('UT', 'Unit trusts', false),
    ('VATRL', 'Compulsory registration in the Value Added Tax Registration List', false);

-- Relationships of legal units: only one unit at a time controls another.
INSERT INTO register.legal_rel_type (code, name, description, primary_influencer_only, custom) VALUES
    ('ownership', 'Ownership', 'Direct share ownership percentage', false, false),
    ('control', 'Control', 'Controlling interest (may differ from ownership via voting rights or agreements)', true, false);

-- Reorganisations.
INSERT INTO register.legal_reorg_type (code, name, description, custom) VALUES
    ('acq', 'Acquisition', 'A corporate action where one company takes over controlling interest in another company. The acquired company may continue to operate as an independent entity.', false),
    ('div', 'Divestiture', 'The process of selling off a portion of a company, such as a subsidiary, department, or property, often to streamline operations or raise capital.', false),
    ('mer', 'Merger', 'A process where two or more companies combine to form a new entity, often to achieve synergies, expand market reach, or enhance capabilities.', false),
    ('reb', 'Re-branding', 'The process of changing the corporate image of a company, including changes to logos, marketing materials, and overall brand strategy, to create a new identity.', false),
    ('res', 'Restructuring', 'A significant modification in the organization, strategy, or operations of a company, often in response to financial instability, market changes, or management decisions.', false),
    ('spo', 'Spin-off', 'A type of corporate reorganization where a company creates a new independent company through the sale or distribution of new shares of an existing business/division.', false);

-- Roles of persons.
INSERT INTO register.person_role (code, name, custom) VALUES
    ('dir', 'Director', false),
    ('own', 'Owner', false),
    ('mgr', 'Manager', false),
    ('prop', 'Proprietor', false),
    ('acct', 'Accountant', false),
    ('prin', 'Principal', false),
    ('sup', 'Supervisor', false),
    ('emp', 'Employee', false),
    ('ht', 'Headteacher', false),
    ('cp', 'Contact Person', false),
    ('unkn', 'Unknown', false);

-- Types of enterprise group.
INSERT INTO register.power_group_type (code, name, custom) VALUES
    ('dcn', 'Domestically Controlled National', false),
    ('fcn', 'Foreign Controlled National', false),
    ('dcm', 'Domestically Controlled Multinational', false),
    ('fcm', 'Foreign Controlled Multinational', false);

-- Size classes.
INSERT INTO register.unit_size (code, name, custom) VALUES
    ('tny', 'Tiny', false),
    ('sml', 'Small', false),
    ('med', 'Medium', false),
    ('lrg', 'Large', false);

INSERT INTO register.status (code, name, assigned_by_default, used_for_counting, priority, custom) VALUES
    ('active', 'Active', true, true, 1, false),
    ('passive', 'Passive', false, false, 2, false);

INSERT INTO register.region_version (code, name, description, custom) VALUES
    ('initial', 'Initial', 'The regions with which the register starts', false);

INSERT INTO register.external_ident_type (code, name, shape, description, priority) VALUES
    ('tax_ident', 'Tax Identifier', 'regular', 'Number given by the tax authority', 1),
    ('stat_ident', 'Statistical Identifier', 'regular', 'Number given by the statistical office', 2),
    ('person_ident', 'Person Identifier', 'regular', 'Number of a person in the population register', 10);

INSERT INTO register.stat_definition (code, type, frequency, name, description, priority) VALUES
    ('employees', 'int', 'yearly', 'Employees', 'Number of persons employed', 1),
    ('turnover', 'float', 'yearly', 'Turnover', 'Turnover in local currency', 2);

-- Periods relative to today.
INSERT INTO register.relative_period (code, name_when_query, name_when_input, scope) VALUES
    ('today', 'Today', 'From today', 'input_and_query'),
    ('year_curr', 'Current year', 'Current year and onwards', 'input_and_query'),
    ('year_prev', 'Previous year', 'Previous year and onwards', 'input_and_query'),
    ('year_curr_only', NULL, 'Current year only', 'input'),
    ('year_prev_only', NULL, 'Previous year only', 'input'),
    ('start_of_week_curr', 'Start of current week', NULL, 'query'),
    ('stop_of_week_prev', 'End of previous week', NULL, 'query'),
    ('start_of_week_prev', 'Start of previous week', NULL, 'query'),
    ('start_of_month_curr', 'Start of current month', NULL, 'query'),
    ('stop_of_month_prev', 'End of previous month', NULL, 'query'),
    ('start_of_month_prev', 'Start of previous month', NULL, 'query'),
    ('start_of_quarter_curr', 'Start of current quarter', NULL, 'query'),
    ('stop_of_quarter_prev', 'End of previous quarter', NULL, 'query'),
    ('start_of_quarter_prev', 'Start of previous quarter', NULL, 'query'),
    ('start_of_semester_curr', 'Start of current semester', NULL, 'query'),
    ('stop_of_semester_prev', 'End of previous semester', NULL, 'query'),
    ('start_of_semester_prev', 'Start of previous semester', NULL, 'query'),
    ('start_of_year_curr', 'Start of current year', NULL, 'query'),
    ('stop_of_year_prev', 'End of previous year', NULL, 'query'),
    ('start_of_year_prev', 'Start of previous year', NULL, 'query'),
    ('start_of_quinquennial_curr', 'Start of current five-year period', NULL, 'query'),
    ('stop_of_quinquennial_prev', 'End of previous five-year period', NULL, 'query'),
    ('start_of_quinquennial_prev', 'Start of previous five-year period', NULL, 'query'),
    ('start_of_decade_curr', 'Start of current decade', NULL, 'query'),
    ('stop_of_decade_prev', 'End of previous decade', NULL, 'query'),
    ('start_of_decade_prev', 'Start of previous decade', NULL, 'query');

-- Sectors. Rows get their ids in the order of the paths; each finds its parent among them.
WITH seed (path, name) AS (
    VALUES
        ('domestic'::ltree, 'Domestic sectors'),
        ('r_of_world'::ltree, 'Rest of the world'),
        ('domestic.a_non_fin'::ltree, 'Non-financial corporations'),
        ('domestic.b_fin'::ltree, 'Financial corporations'),
        ('domestic.c_pub_sector'::ltree, 'General government'),
        ('domestic.d_nonprofit'::ltree, 'Non-profit institutions serving households'),
        ('domestic.e_household'::ltree, 'Households'),
        ('r_of_world.f_foreign'::ltree, 'Rest of the world'),
        ('domestic.a_non_fin.1110'::ltree, 'Public unincorporated enterprises, owned by central government'),
        ('domestic.a_non_fin.1120'::ltree, 'Public incorporated enterprises, owned by central government'),
        ('domestic.a_non_fin.1510'::ltree, 'Public unincorporated enterprises, owned by local government'),
        ('domestic.a_non_fin.1520'::ltree, 'Public incorporated enterprises, owned by local government'),
        ('domestic.a_non_fin.2100'::ltree, 'Private non-financial incorporated enterprises'),
        ('domestic.a_non_fin.2300'::ltree, 'Private non-financial unincorporated enterprises'),
        ('domestic.a_non_fin.2500'::ltree, 'Private non-profit institutions serving enterprises'),
        ('domestic.a_non_fin.2700'::ltree, 'Private for-profit Schools'),
        ('domestic.b_fin.3100'::ltree, 'Central Bank'),
        ('domestic.b_fin.3200'::ltree, 'Banks'),
        ('domestic.b_fin.3500'::ltree, 'Mortgage companies'),
        ('domestic.b_fin.3600'::ltree, 'Finance companies'),
        ('domestic.b_fin.3900'::ltree, 'State lending institutions etc.'),
        ('domestic.b_fin.4100'::ltree, 'Financial holding companies'),
        ('domestic.b_fin.4300'::ltree, 'Mutual funds'),
        ('domestic.b_fin.4500'::ltree, 'Investment trusts and private equity funds'),
        ('domestic.b_fin.4900'::ltree, 'Other financial enterprises, except insurance companies and pension funds'),
        ('domestic.b_fin.5500'::ltree, 'Life insurance companies and pension funds'),
        ('domestic.b_fin.5700'::ltree, 'Non-life insurance companies'),
        ('domestic.c_pub_sector.6100'::ltree, 'Central government'),
        ('domestic.c_pub_sector.6500'::ltree, 'Local government'),
        ('domestic.c_pub_sector.6700'::ltree, 'Public Schools'),
        ('domestic.d_nonprofit.7000'::ltree, 'Non-profit institutions serving households'),
        ('domestic.d_nonprofit.7700'::ltree, 'Private non-profit Schools'),
        ('domestic.e_household.8200'::ltree, 'Unincorporated enterprises within households'),
        ('domestic.e_household.8300'::ltree, 'Housing cooperatives etc.'),
        ('domestic.e_household.8500'::ltree, 'Employees, recipients of property income, pensions and social contributions, students etc.'),
        ('r_of_world.f_foreign.9000'::ltree, 'Rest of the world')
), numbered AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('register.sector', 'id'))::integer AS id, s.path, s.name
    FROM (SELECT seed.path, seed.name FROM seed ORDER BY seed.path) AS s
)
INSERT INTO register.sector (id, path, parent_id, name, custom)
OVERRIDING SYSTEM VALUE
SELECT n.id, n.path, p.id, n.name, false
FROM numbered AS n
LEFT JOIN numbered AS p ON nlevel(n.path) > 1 AND p.path = subpath(n.path, 0, -1)
ORDER BY n.id;
$step$::text;
    RETURN QUERY SELECT 5, '0005_seed_isic_v4'::text, $step$-- Step 0005: ISIC Rev. 4. The code is the digits of the path.
-- Rows get their ids in the order of the paths; each finds its parent among them.
WITH seed (path, name) AS (
    VALUES
        ('A'::ltree, 'Agriculture, forestry and fishing'),
        ('A.01'::ltree, 'Crop and animal production, hunting and related service activities'),
        ('A.01.1'::ltree, 'Growing of non-perennial crops'),
        ('A.01.1.1'::ltree, 'Growing of cereals (except rice), leguminous crops and oil seeds'),
        ('A.01.1.2'::ltree, 'Growing of rice'),
        ('A.01.1.3'::ltree, 'Growing of vegetables and melons, roots and tubers'),
        ('A.01.1.4'::ltree, 'Growing of sugar cane'),
        ('A.01.1.5'::ltree, 'Growing of tobacco'),
        ('A.01.1.6'::ltree, 'Growing of fibre crops'),
        ('A.01.1.9'::ltree, 'Growing of other non-perennial crops'),
        ('A.01.2'::ltree, 'Growing of perennial crops'),
        ('A.01.2.1'::ltree, 'Growing of grapes'),
        ('A.01.2.2'::ltree, 'Growing of tropical and subtropical fruits'),
        ('A.01.2.3'::ltree, 'Growing of citrus fruits'),
        ('A.01.2.4'::ltree, 'Growing of pome fruits and stone fruits'),
        ('A.01.2.5'::ltree, 'Growing of other tree and bush fruits and nuts'),
        ('A.01.2.6'::ltree, 'Growing of oleaginous fruits'),
        ('A.01.2.7'::ltree, 'Growing of beverage crops'),
        ('A.01.2.8'::ltree, 'Growing of spices, aromatic, drug and pharmaceutical crops'),
        ('A.01.2.9'::ltree, 'Growing of other perennial crops'),
        ('A.01.3'::ltree, 'Plant propagation'),
        ('A.01.3.0'::ltree, 'Plant propagation'),
        ('A.01.4'::ltree, 'Animal production'),
        ('A.01.4.1'::ltree, 'Raising of cattle and buffaloes'),
        ('A.01.4.2'::ltree, 'Raising of horses and other equines'),
        ('A.01.4.3'::ltree, 'Raising of camels and camelids'),
        ('A.01.4.4'::ltree, 'Raising of sheep and goats'),
        ('A.01.4.5'::ltree, 'Raising of swine/pigs'),
        ('A.01.4.6'::ltree, 'Raising of poultry'),
        ('A.01.4.9'::ltree, 'Raising of other animals'),
        ('A.01.5'::ltree, 'Mixed farming'),
        ('A.01.5.0'::ltree, 'Mixed farming'),
        ('A.01.6'::ltree, 'Support activities to agriculture and post-harvest crop activities'),
        ('A.01.6.1'::ltree, 'Support activities for crop production'),
        ('A.01.6.2'::ltree, 'Support activities for animal production'),
        ('A.01.6.3'::ltree, 'Post-harvest crop activities'),
        ('A.01.6.4'::ltree, 'Seed processing for propagation'),
        ('A.01.7'::ltree, 'Hunting, trapping and related service activities'),
        ('A.01.7.0'::ltree, 'Hunting, trapping and related service activities'),
        ('A.02'::ltree, 'Forestry and logging'),
        ('A.02.1'::ltree, 'Silviculture and other forestry activities'),
        ('A.02.1.0'::ltree, 'Silviculture and other forestry activities'),
        ('A.02.2'::ltree, 'Logging'),
        ('A.02.2.0'::ltree, 'Logging'),
        ('A.02.3'::ltree, 'Gathering of non-wood forest products'),
        ('A.02.3.0'::ltree, 'Gathering of non-wood forest products'),
        ('A.02.4'::ltree, 'Support services to forestry'),
        ('A.02.4.0'::ltree, 'Support services to forestry'),
        ('A.03'::ltree, 'Fishing and aquaculture'),
        ('A.03.1'::ltree, 'Fishing'),
        ('A.03.1.1'::ltree, 'Marine fishing'),
        ('A.03.1.2'::ltree, 'Freshwater fishing'),
        ('A.03.2'::ltree, 'Aquaculture'),
        ('A.03.2.1'::ltree, 'Marine aquaculture'),
        ('A.03.2.2'::ltree, 'Freshwater aquaculture'),
        ('B'::ltree, 'Mining and quarrying'),
        ('B.05'::ltree, 'Mining of coal and lignite'),
        ('B.05.1'::ltree, 'Mining of hard coal'),
        ('B.05.1.0'::ltree, 'Mining of hard coal'),
        ('B.05.2'::ltree, 'Mining of lignite'),
        ('B.05.2.0'::ltree, 'Mining of lignite'),
        ('B.06'::ltree, 'Extraction of crude petroleum and natural gas'),
        ('B.06.1'::ltree, 'Extraction of crude petroleum'),
        ('B.06.1.0'::ltree, 'Extraction of crude petroleum'),
        ('B.06.2'::ltree, 'Extraction of natural gas'),
        ('B.06.2.0'::ltree, 'Extraction of natural gas'),
        ('B.07'::ltree, 'Mining of metal ores'),
        ('B.07.1'::ltree, 'Mining of iron ores'),
        ('B.07.1.0'::ltree, 'Mining of iron ores'),
        ('B.07.2'::ltree, 'Mining of non-ferrous metal ores'),
        ('B.07.2.1'::ltree, 'Mining of uranium and thorium ores'),
        ('B.07.2.9'::ltree, 'Mining of other non-ferrous metal ores'),
        ('B.08'::ltree, 'Other mining and quarrying'),
        ('B.08.1'::ltree, 'Quarrying of stone, sand and clay'),
        ('B.08.1.0'::ltree, 'Quarrying of stone, sand and clay'),
        ('B.08.9'::ltree, 'Mining and quarrying n.e.c.'),
        ('B.08.9.1'::ltree, 'Mining of chemical and fertilizer minerals'),
        ('B.08.9.2'::ltree, 'Extraction of peat'),
        ('B.08.9.3'::ltree, 'Extraction of salt'),
        ('B.08.9.9'::ltree, 'Other mining and quarrying n.e.c.'),
        ('B.09'::ltree, 'Mining support service activities'),
        ('B.09.1'::ltree, 'Support activities for petroleum and natural gas extraction'),
        ('B.09.1.0'::ltree, 'Support activities for petroleum and natural gas extraction'),
        ('B.09.9'::ltree, 'Support activities for other mining and quarrying'),
        ('B.09.9.0'::ltree, 'Support activities for other mining and quarrying'),
        ('C'::ltree, 'Manufacturing'),
        ('C.10'::ltree, 'Manufacture of food products'),
        ('C.10.1'::ltree, 'Processing and preserving of meat'),
        ('C.10.1.0'::ltree, 'Processing and preserving of meat'),
        ('C.10.2'::ltree, 'Processing and preserving of fish, crustaceans and molluscs'),
        ('C.10.2.0'::ltree, 'Processing and preserving of fish, crustaceans and molluscs'),
        ('C.10.3'::ltree, 'Processing and preserving of fruit and vegetables'),
        ('C.10.3.0'::ltree, 'Processing and preserving of fruit and vegetables'),
        ('C.10.4'::ltree, 'Manufacture of vegetable and animal oils and fats'),
        ('C.10.4.0'::ltree, 'Manufacture of vegetable and animal oils and fats'),
        ('C.10.5'::ltree, 'Manufacture of dairy products'),
        ('C.10.5.0'::ltree, 'Manufacture of dairy products'),
        ('C.10.6'::ltree, 'Manufacture of grain mill products, starches and starch products'),
        ('C.10.6.1'::ltree, 'Manufacture of grain mill products'),
        ('C.10.6.2'::ltree, 'Manufacture of starches and starch products'),
        ('C.10.7'::ltree, 'Manufacture of other food products'),
        ('C.10.7.1'::ltree, 'Manufacture of bakery products'),
        ('C.10.7.2'::ltree, 'Manufacture of sugar'),
        ('C.10.7.3'::ltree, 'Manufacture of cocoa, chocolate and sugar confectionery'),
        ('C.10.7.4'::ltree, 'Manufacture of macaroni, noodles, couscous and similar farinaceous products'),
        ('C.10.7.5'::ltree, 'Manufacture of prepared meals and dishes'),
        ('C.10.7.9'::ltree, 'Manufacture of other food products n.e.c.'),
        ('C.10.8'::ltree, 'Manufacture of prepared animal feeds'),
        ('C.10.8.0'::ltree, 'Manufacture of prepared animal feeds'),
        ('C.11'::ltree, 'Manufacture of beverages'),
        ('C.11.0'::ltree, 'Manufacture of beverages'),
        ('C.11.0.1'::ltree, 'Distilling, rectifying and blending of spirits'),
        ('C.11.0.2'::ltree, 'Manufacture of wines'),
        ('C.11.0.3'::ltree, 'Manufacture of malt liquors and malt'),
        ('C.11.0.4'::ltree, 'Manufacture of soft drinks; production of mineral waters and other bottled waters'),
        ('C.12'::ltree, 'Manufacture of tobacco products'),
        ('C.12.0'::ltree, 'Manufacture of tobacco products'),
        ('C.12.0.0'::ltree, 'Manufacture of tobacco products'),
        ('C.13'::ltree, 'Manufacture of textiles'),
        ('C.13.1'::ltree, 'Spinning, weaving and finishing of textiles'),
        ('C.13.1.1'::ltree, 'Preparation and spinning of textile fibres'),
        ('C.13.1.2'::ltree, 'Weaving of textiles'),
        ('C.13.1.3'::ltree, 'Finishing of textiles'),
        ('C.13.9'::ltree, 'Manufacture of other textiles'),
        ('C.13.9.1'::ltree, 'Manufacture of knitted and crocheted fabrics'),
        ('C.13.9.2'::ltree, 'Manufacture of made-up textile articles, except apparel'),
        ('C.13.9.3'::ltree, 'Manufacture of carpets and rugs'),
        ('C.13.9.4'::ltree, 'Manufacture of cordage, rope, twine and netting'),
        ('C.13.9.9'::ltree, 'Manufacture of other textiles n.e.c.'),
        ('C.14'::ltree, 'Manufacture of wearing apparel'),
        ('C.14.1'::ltree, 'Manufacture of wearing apparel, except fur apparel'),
        ('C.14.1.0'::ltree, 'Manufacture of wearing apparel, except fur apparel'),
        ('C.14.2'::ltree, 'Manufacture of articles of fur'),
        ('C.14.2.0'::ltree, 'Manufacture of articles of fur'),
        ('C.14.3'::ltree, 'Manufacture of knitted and crocheted apparel'),
        ('C.14.3.0'::ltree, 'Manufacture of knitted and crocheted apparel'),
        ('C.15'::ltree, 'Manufacture of leather and related products'),
        ('C.15.1'::ltree, 'Tanning and dressing of leather; manufacture of luggage, handbags, saddlery and harness; dressing and dyeing of fur'),
        ('C.15.1.1'::ltree, 'Tanning and dressing of leather; dressing and dyeing of fur'),
        ('C.15.1.2'::ltree, 'Manufacture of luggage, handbags and the like, saddlery and harness'),
        ('C.15.2'::ltree, 'Manufacture of footwear'),
        ('C.15.2.0'::ltree, 'Manufacture of footwear'),
        ('C.16'::ltree, 'Manufacture of wood and of products of wood and cork, except furniture; manufacture of articles of straw and plaiting materials'),
        ('C.16.1'::ltree, 'Sawmilling and planing of wood'),
        ('C.16.1.0'::ltree, 'Sawmilling and planing of wood'),
        ('C.16.2'::ltree, 'Manufacture of products of wood, cork, straw and plaiting materials'),
        ('C.16.2.1'::ltree, 'Manufacture of veneer sheets and wood-based panels'),
        ('C.16.2.2'::ltree, 'Manufacture of builders'' carpentry and joinery'),
        ('C.16.2.3'::ltree, 'Manufacture of wooden containers'),
        ('C.16.2.9'::ltree, 'Manufacture of other products of wood; manufacture of articles of cork, straw and plaiting materials'),
        ('C.17'::ltree, 'Manufacture of paper and paper products'),
        ('C.17.0'::ltree, 'Manufacture of paper and paper products'),
        ('C.17.0.1'::ltree, 'Manufacture of pulp, paper and paperboard'),
        ('C.17.0.2'::ltree, 'Manufacture of corrugated paper and paperboard and of containers of paper and paperboard'),
        ('C.17.0.9'::ltree, 'Manufacture of other articles of paper and paperboard'),
        ('C.18'::ltree, 'Printing and reproduction of recorded media'),
        ('C.18.1'::ltree, 'Printing and service activities related to printing'),
        ('C.18.1.1'::ltree, 'Printing'),
        ('C.18.1.2'::ltree, 'Service activities related to printing'),
        ('C.18.2'::ltree, 'Reproduction of recorded media'),
        ('C.18.2.0'::ltree, 'Reproduction of recorded media'),
        ('C.19'::ltree, 'Manufacture of coke and refined petroleum products'),
        ('C.19.1'::ltree, 'Manufacture of coke oven products'),
        ('C.19.1.0'::ltree, 'Manufacture of coke oven products'),
        ('C.19.2'::ltree, 'Manufacture of refined petroleum products'),
        ('C.19.2.0'::ltree, 'Manufacture of refined petroleum products'),
        ('C.20'::ltree, 'Manufacture of chemicals and chemical products'),
        ('C.20.1'::ltree, 'Manufacture of basic chemicals, fertilizers and nitrogen compounds, plastics and synthetic rubber in primary forms'),
        ('C.20.1.1'::ltree, 'Manufacture of basic chemicals'),
        ('C.20.1.2'::ltree, 'Manufacture of fertilizers and nitrogen compounds'),
        ('C.20.1.3'::ltree, 'Manufacture of plastics and synthetic rubber in primary forms'),
        ('C.20.2'::ltree, 'Manufacture of other chemical products'),
        ('C.20.2.1'::ltree, 'Manufacture of pesticides and other agrochemical products'),
        ('C.20.2.2'::ltree, 'Manufacture of paints, varnishes and similar coatings, printing ink and mastics'),
        ('C.20.2.3'::ltree, 'Manufacture of soap and detergents, cleaning and polishing preparations, perfumes and toilet preparations'),
        ('C.20.2.9'::ltree, 'Manufacture of other chemical products n.e.c.'),
        ('C.20.3'::ltree, 'Manufacture of man-made fibres'),
        ('C.20.3.0'::ltree, 'Manufacture of man-made fibres'),
        ('C.21'::ltree, 'Manufacture of basic pharmaceutical products and pharmaceutical preparations'),
        ('C.21.0'::ltree, 'Manufacture of pharmaceuticals, medicinal chemical and botanical products'),
        ('C.21.0.0'::ltree, 'Manufacture of pharmaceuticals, medicinal chemical and botanical products'),
        ('C.22'::ltree, 'Manufacture of rubber and plastics products'),
        ('C.22.1'::ltree, 'Manufacture of rubber products'),
        ('C.22.1.1'::ltree, 'Manufacture of rubber tyres and tubes; retreading and rebuilding of rubber tyres'),
        ('C.22.1.9'::ltree, 'Manufacture of other rubber products'),
        ('C.22.2'::ltree, 'Manufacture of plastics products'),
        ('C.22.2.0'::ltree, 'Manufacture of plastics products'),
        ('C.23'::ltree, 'Manufacture of other non-metallic mineral products'),
        ('C.23.1'::ltree, 'Manufacture of glass and glass products'),
        ('C.23.1.0'::ltree, 'Manufacture of glass and glass products'),
        ('C.23.9'::ltree, 'Manufacture of non-metallic mineral products n.e.c.'),
        ('C.23.9.1'::ltree, 'Manufacture of refractory products'),
        ('C.23.9.2'::ltree, 'Manufacture of clay building materials'),
        ('C.23.9.3'::ltree, 'Manufacture of other porcelain and ceramic products'),
        ('C.23.9.4'::ltree, 'Manufacture of cement, lime and plaster'),
        ('C.23.9.5'::ltree, 'Manufacture of articles of concrete, cement and plaster'),
        ('C.23.9.6'::ltree, 'Cutting, shaping and finishing of stone'),
        ('C.23.9.9'::ltree, 'Manufacture of other non-metallic mineral products n.e.c.'),
        ('C.24'::ltree, 'Manufacture of basic metals'),
        ('C.24.1'::ltree, 'Manufacture of basic iron and steel'),
        ('C.24.1.0'::ltree, 'Manufacture of basic iron and steel'),
        ('C.24.2'::ltree, 'Manufacture of basic precious and other non-ferrous metals'),
        ('C.24.2.0'::ltree, 'Manufacture of basic precious and other non-ferrous metals'),
        ('C.24.3'::ltree, 'Casting of metals'),
        ('C.24.3.1'::ltree, 'Casting of iron and steel'),
        ('C.24.3.2'::ltree, 'Casting of non-ferrous metals'),
        ('C.25'::ltree, 'Manufacture of fabricated metal products, except machinery and equipment'),
        ('C.25.1'::ltree, 'Manufacture of structural metal products, tanks, reservoirs and steam generators'),
        ('C.25.1.1'::ltree, 'Manufacture of structural metal products'),
        ('C.25.1.2'::ltree, 'Manufacture of tanks, reservoirs and containers of metal'),
        ('C.25.1.3'::ltree, 'Manufacture of steam generators, except central heating hot water boilers'),
        ('C.25.2'::ltree, 'Manufacture of weapons and ammunition'),
        ('C.25.2.0'::ltree, 'Manufacture of weapons and ammunition'),
        ('C.25.9'::ltree, 'Manufacture of other fabricated metal products; metalworking service activities'),
        ('C.25.9.1'::ltree, 'Forging, pressing, stamping and roll-forming of metal; powder metallurgy'),
        ('C.25.9.2'::ltree, 'Treatment and coating of metals; machining'),
        ('C.25.9.3'::ltree, 'Manufacture of cutlery, hand tools and general hardware'),
        ('C.25.9.9'::ltree, 'Manufacture of other fabricated metal products n.e.c.'),
        ('C.26'::ltree, 'Manufacture of computer, electronic and optical products'),
        ('C.26.1'::ltree, 'Manufacture of electronic components and boards'),
        ('C.26.1.0'::ltree, 'Manufacture of electronic components and boards'),
        ('C.26.2'::ltree, 'Manufacture of computers and peripheral equipment'),
        ('C.26.2.0'::ltree, 'Manufacture of computers and peripheral equipment'),
        ('C.26.3'::ltree, 'Manufacture of communication equipment'),
        ('C.26.3.0'::ltree, 'Manufacture of communication equipment'),
        ('C.26.4'::ltree, 'Manufacture of consumer electronics'),
        ('C.26.4.0'::ltree, 'Manufacture of consumer electronics'),
        ('C.26.5'::ltree, 'Manufacture of measuring, testing, navigating and control equipment; watches and clocks'),
        ('C.26.5.1'::ltree, 'Manufacture of measuring, testing, navigating and control equipment'),
        ('C.26.5.2'::ltree, 'Manufacture of watches and clocks'),
        ('C.26.6'::ltree, 'Manufacture of irradiation, electromedical and electrotherapeutic equipment'),
        ('C.26.6.0'::ltree, 'Manufacture of irradiation, electromedical and electrotherapeutic equipment'),
        ('C.26.7'::ltree, 'Manufacture of optical instruments and photographic equipment'),
        ('C.26.7.0'::ltree, 'Manufacture of optical instruments and photographic equipment'),
        ('C.26.8'::ltree, 'Manufacture of magnetic and optical media'),
        ('C.26.8.0'::ltree, 'Manufacture of magnetic and optical media'),
        ('C.27'::ltree, 'Manufacture of electrical equipment'),
        ('C.27.1'::ltree, 'Manufacture of electric motors, generators, transformers and electricity distribution and control apparatus'),
        ('C.27.1.0'::ltree, 'Manufacture of electric motors, generators, transformers and electricity distribution and control apparatus'),
        ('C.27.2'::ltree, 'Manufacture of batteries and accumulators'),
        ('C.27.2.0'::ltree, 'Manufacture of batteries and accumulators'),
        ('C.27.3'::ltree, 'Manufacture of wiring and wiring devices'),
        ('C.27.3.1'::ltree, 'Manufacture of fibre optic cables'),
        ('C.27.3.2'::ltree, 'Manufacture of other electronic and electric wires and cables'),
        ('C.27.3.3'::ltree, 'Manufacture of wiring devices'),
        ('C.27.4'::ltree, 'Manufacture of electric lighting equipment'),
        ('C.27.4.0'::ltree, 'Manufacture of electric lighting equipment'),
        ('C.27.5'::ltree, 'Manufacture of domestic appliances'),
        ('C.27.5.0'::ltree, 'Manufacture of domestic appliances'),
        ('C.27.9'::ltree, 'Manufacture of other electrical equipment'),
        ('C.27.9.0'::ltree, 'Manufacture of other electrical equipment'),
        ('C.28'::ltree, 'Manufacture of machinery and equipment n.e.c.'),
        ('C.28.1'::ltree, 'Manufacture of general-purpose machinery'),
        ('C.28.1.1'::ltree, 'Manufacture of engines and turbines, except aircraft, vehicle and cycle engines'),
        ('C.28.1.2'::ltree, 'Manufacture of fluid power equipment'),
        ('C.28.1.3'::ltree, 'Manufacture of other pumps, compressors, taps and valves'),
        ('C.28.1.4'::ltree, 'Manufacture of bearings, gears, gearing and driving elements'),
        ('C.28.1.5'::ltree, 'Manufacture of ovens, furnaces and furnace burners'),
        ('C.28.1.6'::ltree, 'Manufacture of lifting and handling equipment'),
        ('C.28.1.7'::ltree, 'Manufacture of office machinery and equipment (except computers and peripheral equipment)'),
        ('C.28.1.8'::ltree, 'Manufacture of power-driven hand tools'),
        ('C.28.1.9'::ltree, 'Manufacture of other general-purpose machinery'),
        ('C.28.2'::ltree, 'Manufacture of special-purpose machinery'),
        ('C.28.2.1'::ltree, 'Manufacture of agricultural and forestry machinery'),
        ('C.28.2.2'::ltree, 'Manufacture of metal-forming machinery and machine tools'),
        ('C.28.2.3'::ltree, 'Manufacture of machinery for metallurgy'),
        ('C.28.2.4'::ltree, 'Manufacture of machinery for mining, quarrying and construction'),
        ('C.28.2.5'::ltree, 'Manufacture of machinery for food, beverage and tobacco processing'),
        ('C.28.2.6'::ltree, 'Manufacture of machinery for textile, apparel and leather production'),
        ('C.28.2.9'::ltree, 'Manufacture of other special-purpose machinery'),
        ('C.29'::ltree, 'Manufacture of motor vehicles, trailers and semi-trailers'),
        ('C.29.1'::ltree, 'Manufacture of motor vehicles'),
        ('C.29.1.0'::ltree, 'Manufacture of motor vehicles'),
        ('C.29.2'::ltree, 'Manufacture of bodies (coachwork) for motor vehicles; manufacture of trailers and semi-trailers'),
        ('C.29.2.0'::ltree, 'Manufacture of bodies (coachwork) for motor vehicles; manufacture of trailers and semi-trailers'),
        ('C.29.3'::ltree, 'Manufacture of parts and accessories for motor vehicles'),
        ('C.29.3.0'::ltree, 'Manufacture of parts and accessories for motor vehicles'),
        ('C.30'::ltree, 'Manufacture of other transport equipment'),
        ('C.30.1'::ltree, 'Building of ships and boats'),
        ('C.30.1.1'::ltree, 'Building of ships and floating structures'),
        ('C.30.1.2'::ltree, 'Building of pleasure and sporting boats'),
        ('C.30.2'::ltree, 'Manufacture of railway locomotives and rolling stock'),
        ('C.30.2.0'::ltree, 'Manufacture of railway locomotives and rolling stock'),
        ('C.30.3'::ltree, 'Manufacture of air and spacecraft and related machinery'),
        ('C.30.3.0'::ltree, 'Manufacture of air and spacecraft and related machinery'),
        ('C.30.4'::ltree, 'Manufacture of military fighting vehicles'),
        ('C.30.4.0'::ltree, 'Manufacture of military fighting vehicles'),
        ('C.30.9'::ltree, 'Manufacture of transport equipment n.e.c.'),
        ('C.30.9.1'::ltree, 'Manufacture of motorcycles'),
        ('C.30.9.2'::ltree, 'Manufacture of bicycles and invalid carriages'),
        ('C.30.9.9'::ltree, 'Manufacture of other transport equipment n.e.c.'),
        ('C.31'::ltree, 'Manufacture of furniture'),
        ('C.31.0'::ltree, 'Manufacture of furniture'),
        ('C.31.0.0'::ltree, 'Manufacture of furniture'),
        ('C.32'::ltree, 'Other manufacturing'),
        ('C.32.1'::ltree, 'Manufacture of jewellery, bijouterie and related articles'),
        ('C.32.1.1'::ltree, 'Manufacture of jewellery and related articles'),
        ('C.32.1.2'::ltree, 'Manufacture of imitation jewellery and related articles'),
        ('C.32.2'::ltree, 'Manufacture of musical instruments'),
        ('C.32.2.0'::ltree, 'Manufacture of musical instruments'),
        ('C.32.3'::ltree, 'Manufacture of sports goods'),
        ('C.32.3.0'::ltree, 'Manufacture of sports goods'),
        ('C.32.4'::ltree, 'Manufacture of games and toys'),
        ('C.32.4.0'::ltree, 'Manufacture of games and toys'),
        ('C.32.5'::ltree, 'Manufacture of medical and dental instruments and supplies'),
        ('C.32.5.0'::ltree, 'Manufacture of medical and dental instruments and supplies'),
        ('C.32.9'::ltree, 'Other manufacturing n.e.c.'),
        ('C.32.9.0'::ltree, 'Other manufacturing n.e.c.'),
        ('C.33'::ltree, 'Repair and installation of machinery and equipment'),
        ('C.33.1'::ltree, 'Repair of fabricated metal products, machinery and equipment'),
        ('C.33.1.1'::ltree, 'Repair of fabricated metal products'),
        ('C.33.1.2'::ltree, 'Repair of machinery'),
        ('C.33.1.3'::ltree, 'Repair of electronic and optical equipment'),
        ('C.33.1.4'::ltree, 'Repair of electrical equipment'),
        ('C.33.1.5'::ltree, 'Repair of transport equipment, except motor vehicles'),
        ('C.33.1.9'::ltree, 'Repair of other equipment'),
        ('C.33.2'::ltree, 'Installation of industrial machinery and equipment'),
        ('C.33.2.0'::ltree, 'Installation of industrial machinery and equipment'),
        ('D'::ltree, 'Electricity, gas, steam and air conditioning supply'),
        ('D.35'::ltree, 'Electricity, gas, steam and air conditioning supply'),
        ('D.35.1'::ltree, 'Electric power generation, transmission and distribution'),
        ('D.35.1.0'::ltree, 'Electric power generation, transmission and distribution'),
        ('D.35.2'::ltree, 'Manufacture of gas; distribution of gaseous fuels through mains'),
        ('D.35.2.0'::ltree, 'Manufacture of gas; distribution of gaseous fuels through mains'),
        ('D.35.3'::ltree, 'Steam and air conditioning supply'),
        ('D.35.3.0'::ltree, 'Steam and air conditioning supply'),
        ('E'::ltree, 'Water supply; sewerage, waste management and remediation activities'),
        ('E.36'::ltree, 'Water collection, treatment and supply'),
        ('E.36.0'::ltree, 'Water collection, treatment and supply'),
        ('E.36.0.0'::ltree, 'Water collection, treatment and supply'),
        ('E.37'::ltree, 'Sewerage'),
        ('E.37.0'::ltree, 'Sewerage'),
        ('E.37.0.0'::ltree, 'Sewerage'),
        ('E.38'::ltree, 'Waste collection, treatment and disposal activities; materials recovery'),
        ('E.38.1'::ltree, 'Waste collection'),
        ('E.38.1.1'::ltree, 'Collection of non-hazardous waste'),
        ('E.38.1.2'::ltree, 'Collection of hazardous waste'),
        ('E.38.2'::ltree, 'Waste treatment and disposal'),
        ('E.38.2.1'::ltree, 'Treatment and disposal of non-hazardous waste'),
        ('E.38.2.2'::ltree, 'Treatment and disposal of hazardous waste'),
        ('E.38.3'::ltree, 'Materials recovery'),
        ('E.38.3.0'::ltree, 'Materials recovery'),
        ('E.39'::ltree, 'Remediation activities and other waste management services'),
        ('E.39.0'::ltree, 'Remediation activities and other waste management services'),
        ('E.39.0.0'::ltree, 'Remediation activities and other waste management services'),
        ('F'::ltree, 'Construction'),
        ('F.41'::ltree, 'Construction of buildings'),
        ('F.41.0'::ltree, 'Construction of buildings'),
        ('F.41.0.0'::ltree, 'Construction of buildings'),
        ('F.42'::ltree, 'Civil engineering'),
        ('F.42.1'::ltree, 'Construction of roads and railways'),
        ('F.42.1.0'::ltree, 'Construction of roads and railways'),
        ('F.42.2'::ltree, 'Construction of utility projects'),
        ('F.42.2.0'::ltree, 'Construction of utility projects'),
        ('F.42.9'::ltree, 'Construction of other civil engineering projects'),
        ('F.42.9.0'::ltree, 'Construction of other civil engineering projects'),
        ('F.43'::ltree, 'Specialized construction activities'),
        ('F.43.1'::ltree, 'Demolition and site preparation'),
        ('F.43.1.1'::ltree, 'Demolition'),
        ('F.43.1.2'::ltree, 'Site preparation'),
        ('F.43.2'::ltree, 'Electrical, plumbing and other construction installation activities'),
        ('F.43.2.1'::ltree, 'Electrical installation'),
        ('F.43.2.2'::ltree, 'Plumbing, heat and air-conditioning installation'),
        ('F.43.2.9'::ltree, 'Other construction installation'),
        ('F.43.3'::ltree, 'Building completion and finishing'),
        ('F.43.3.0'::ltree, 'Building completion and finishing'),
        ('F.43.9'::ltree, 'Other specialized construction activities'),
        ('F.43.9.0'::ltree, 'Other specialized construction activities'),
        ('G'::ltree, 'Wholesale and retail trade; repair of motor vehicles and motorcycles'),
        ('G.45'::ltree, 'Wholesale and retail trade and repair of motor vehicles and motorcycles'),
        ('G.45.1'::ltree, 'Sale of motor vehicles'),
        ('G.45.1.0'::ltree, 'Sale of motor vehicles'),
        ('G.45.2'::ltree, 'Maintenance and repair of motor vehicles'),
        ('G.45.2.0'::ltree, 'Maintenance and repair of motor vehicles'),
        ('G.45.3'::ltree, 'Sale of motor vehicle parts and accessories'),
        ('G.45.3.0'::ltree, 'Sale of motor vehicle parts and accessories'),
        ('G.45.4'::ltree, 'Sale, maintenance and repair of motorcycles and related parts and accessories'),
        ('G.45.4.0'::ltree, 'Sale, maintenance and repair of motorcycles and related parts and accessories'),
        ('G.46'::ltree, 'Wholesale trade, except of motor vehicles and motorcycles'),
        ('G.46.1'::ltree, 'Wholesale on a fee or contract basis'),
        ('G.46.1.0'::ltree, 'Wholesale on a fee or contract basis'),
        ('G.46.2'::ltree, 'Wholesale of agricultural raw materials and live animals'),
        ('G.46.2.0'::ltree, 'Wholesale of agricultural raw materials and live animals'),
        ('G.46.3'::ltree, 'Wholesale of food, beverages and tobacco'),
        ('G.46.3.0'::ltree, 'Wholesale of food, beverages and tobacco'),
        ('G.46.4'::ltree, 'Wholesale of household goods'),
        ('G.46.4.1'::ltree, 'Wholesale of textiles, clothing and footwear'),
        ('G.46.4.9'::ltree, 'Wholesale of other household goods'),
        ('G.46.5'::ltree, 'Wholesale of machinery, equipment and supplies'),
        ('G.46.5.1'::ltree, 'Wholesale of computers, computer peripheral equipment and software'),
        ('G.46.5.2'::ltree, 'Wholesale of electronic and telecommunications equipment and parts'),
        ('G.46.5.3'::ltree, 'Wholesale of agricultural machinery, equipment and supplies'),
        ('G.46.5.9'::ltree, 'Wholesale of other machinery and equipment'),
        ('G.46.6'::ltree, 'Other specialized wholesale'),
        ('G.46.6.1'::ltree, 'Wholesale of solid, liquid and gaseous fuels and related products'),
        ('G.46.6.2'::ltree, 'Wholesale of metals and metal ores'),
        ('G.46.6.3'::ltree, 'Wholesale of construction materials, hardware, plumbing and heating equipment and supplies'),
        ('G.46.6.9'::ltree, 'Wholesale of waste and scrap and other products n.e.c.'),
        ('G.46.9'::ltree, 'Non-specialized wholesale trade'),
        ('G.46.9.0'::ltree, 'Non-specialized wholesale trade'),
        ('G.47'::ltree, 'Retail trade, except of motor vehicles and motorcycles'),
        ('G.47.1'::ltree, 'Retail sale in non-specialized stores'),
        ('G.47.1.1'::ltree, 'Retail sale in non-specialized stores with food, beverages or tobacco predominating'),
        ('G.47.1.9'::ltree, 'Other retail sale in non-specialized stores'),
        ('G.47.2'::ltree, 'Retail sale of food, beverages and tobacco in specialized stores'),
        ('G.47.2.1'::ltree, 'Retail sale of food in specialized stores'),
        ('G.47.2.2'::ltree, 'Retail sale of beverages in specialized stores'),
        ('G.47.2.3'::ltree, 'Retail sale of tobacco products in specialized stores'),
        ('G.47.3'::ltree, 'Retail sale of automotive fuel in specialized stores'),
        ('G.47.3.0'::ltree, 'Retail sale of automotive fuel in specialized stores'),
        ('G.47.4'::ltree, 'Retail sale of information and communications equipment in specialized stores'),
        ('G.47.4.1'::ltree, 'Retail sale of computers, peripheral units, software and telecommunications equipment in specialized stores'),
        ('G.47.4.2'::ltree, 'Retail sale of audio and video equipment in specialized stores'),
        ('G.47.5'::ltree, 'Retail sale of other household equipment in specialized stores'),
        ('G.47.5.1'::ltree, 'Retail sale of textiles in specialized stores'),
        ('G.47.5.2'::ltree, 'Retail sale of hardware, paints and glass in specialized stores'),
        ('G.47.5.3'::ltree, 'Retail sale of carpets, rugs, wall and floor coverings in specialized stores'),
        ('G.47.5.9'::ltree, 'Retail sale of electrical household appliances, furniture, lighting equipment and other household articles in specialized stores'),
        ('G.47.6'::ltree, 'Retail sale of cultural and recreation goods in specialized stores'),
        ('G.47.6.1'::ltree, 'Retail sale of books, newspapers and stationary in specialized stores'),
        ('G.47.6.2'::ltree, 'Retail sale of music and video recordings in specialized stores'),
        ('G.47.6.3'::ltree, 'Retail sale of sporting equipment in specialized stores'),
        ('G.47.6.4'::ltree, 'Retail sale of games and toys in specialized stores'),
        ('G.47.7'::ltree, 'Retail sale of other goods in specialized stores'),
        ('G.47.7.1'::ltree, 'Retail sale of clothing, footwear and leather articles in specialized stores'),
        ('G.47.7.2'::ltree, 'Retail sale of pharmaceutical and medical goods, cosmetic and toilet articles in specialized stores'),
        ('G.47.7.3'::ltree, 'Other retail sale of new goods in specialized stores'),
        ('G.47.7.4'::ltree, 'Retail sale of second-hand goods'),
        ('G.47.8'::ltree, 'Retail sale via stalls and markets'),
        ('G.47.8.1'::ltree, 'Retail sale via stalls and markets of food, beverages and tobacco products'),
        ('G.47.8.2'::ltree, 'Retail sale via stalls and markets of textiles, clothing and footwear'),
        ('G.47.8.9'::ltree, 'Retail sale via stalls and markets of other goods'),
        ('G.47.9'::ltree, 'Retail trade not in stores, stalls or markets'),
        ('G.47.9.1'::ltree, 'Retail sale via mail order houses or via Internet'),
        ('G.47.9.9'::ltree, 'Other retail sale not in stores, stalls or markets'),
        ('H'::ltree, 'Transportation and storage'),
        ('H.49'::ltree, 'Land transport and transport via pipelines'),
        ('H.49.1'::ltree, 'Transport via railways'),
        ('H.49.1.1'::ltree, 'Passenger rail transport, interurban'),
        ('H.49.1.2'::ltree, 'Freight rail transport'),
        ('H.49.2'::ltree, 'Other land transport'),
        ('H.49.2.1'::ltree, 'Urban and suburban passenger land transport'),
        ('H.49.2.2'::ltree, 'Other passenger land transport'),
        ('H.49.2.3'::ltree, 'Freight transport by road'),
        ('H.49.3'::ltree, 'Transport via pipeline'),
        ('H.49.3.0'::ltree, 'Transport via pipeline'),
        ('H.50'::ltree, 'Water transport'),
        ('H.50.1'::ltree, 'Sea and coastal water transport'),
        ('H.50.1.1'::ltree, 'Sea and coastal passenger water transport'),
        ('H.50.1.2'::ltree, 'Sea and coastal freight water transport'),
        ('H.50.2'::ltree, 'Inland water transport'),
        ('H.50.2.1'::ltree, 'Inland passenger water transport'),
        ('H.50.2.2'::ltree, 'Inland freight water transport'),
        ('H.51'::ltree, 'Air transport'),
        ('H.51.1'::ltree, 'Passenger air transport'),
        ('H.51.1.0'::ltree, 'Passenger air transport'),
        ('H.51.2'::ltree, 'Freight air transport'),
        ('H.51.2.0'::ltree, 'Freight air transport'),
        ('H.52'::ltree, 'Warehousing and support activities for transportation'),
        ('H.52.1'::ltree, 'Warehousing and storage'),
        ('H.52.1.0'::ltree, 'Warehousing and storage'),
        ('H.52.2'::ltree, 'Support activities for transportation'),
        ('H.52.2.1'::ltree, 'Service activities incidental to land transportation'),
        ('H.52.2.2'::ltree, 'Service activities incidental to water transportation'),
        ('H.52.2.3'::ltree, 'Service activities incidental to air transportation'),
        ('H.52.2.4'::ltree, 'Cargo handling'),
        ('H.52.2.9'::ltree, 'Other transportation support activities'),
        ('H.53'::ltree, 'Postal and courier activities'),
        ('H.53.1'::ltree, 'Postal activities'),
        ('H.53.1.0'::ltree, 'Postal activities'),
        ('H.53.2'::ltree, 'Courier activities'),
        ('H.53.2.0'::ltree, 'Courier activities'),
        ('I'::ltree, 'Accommodation and food service activities'),
        ('I.55'::ltree, 'Accommodation'),
        ('I.55.1'::ltree, 'Short term accommodation activities'),
        ('I.55.1.0'::ltree, 'Short term accommodation activities'),
        ('I.55.2'::ltree, 'Camping grounds, recreational vehicle parks and trailer parks'),
        ('I.55.2.0'::ltree, 'Camping grounds, recreational vehicle parks and trailer parks'),
        ('I.55.9'::ltree, 'Other accommodation'),
        ('I.55.9.0'::ltree, 'Other accommodation'),
        ('I.56'::ltree, 'Food and beverage service activities'),
        ('I.56.1'::ltree, 'Restaurants and mobile food service activities'),
        ('I.56.1.0'::ltree, 'Restaurants and mobile food service activities'),
        ('I.56.2'::ltree, 'Event catering and other food service activities'),
        ('I.56.2.1'::ltree, 'Event catering'),
        ('I.56.2.9'::ltree, 'Other food service activities'),
        ('I.56.3'::ltree, 'Beverage serving activities'),
        ('I.56.3.0'::ltree, 'Beverage serving activities'),
        ('J'::ltree, 'Information and communication'),
        ('J.58'::ltree, 'Publishing activities'),
        ('J.58.1'::ltree, 'Publishing of books, periodicals and other publishing activities'),
        ('J.58.1.1'::ltree, 'Book publishing'),
        ('J.58.1.2'::ltree, 'Publishing of directories and mailing lists'),
        ('J.58.1.3'::ltree, 'Publishing of newspapers, journals and periodicals'),
        ('J.58.1.9'::ltree, 'Other publishing activities'),
        ('J.58.2'::ltree, 'Software publishing'),
        ('J.58.2.0'::ltree, 'Software publishing'),
        ('J.59'::ltree, 'Motion picture, video and television programme production, sound recording and music publishing activities'),
        ('J.59.1'::ltree, 'Motion picture, video and television programme activities'),
        ('J.59.1.1'::ltree, 'Motion picture, video and television programme production activities'),
        ('J.59.1.2'::ltree, 'Motion picture, video and television programme post-production activities'),
        ('J.59.1.3'::ltree, 'Motion picture, video and television programme distribution activities'),
        ('J.59.1.4'::ltree, 'Motion picture projection activities'),
        ('J.59.2'::ltree, 'Sound recording and music publishing activities'),
        ('J.59.2.0'::ltree, 'Sound recording and music publishing activities'),
        ('J.60'::ltree, 'Programming and broadcasting activities'),
        ('J.60.1'::ltree, 'Radio broadcasting'),
        ('J.60.1.0'::ltree, 'Radio broadcasting'),
        ('J.60.2'::ltree, 'Television programming and broadcasting activities'),
        ('J.60.2.0'::ltree, 'Television programming and broadcasting activities'),
        ('J.61'::ltree, 'Telecommunications'),
        ('J.61.1'::ltree, 'Wired telecommunications activities'),
        ('J.61.1.0'::ltree, 'Wired telecommunications activities'),
        ('J.61.2'::ltree, 'Wireless telecommunications activities'),
        ('J.61.2.0'::ltree, 'Wireless telecommunications activities'),
        ('J.61.3'::ltree, 'Satellite telecommunications activities'),
        ('J.61.3.0'::ltree, 'Satellite telecommunications activities'),
        ('J.61.9'::ltree, 'Other telecommunications activities'),
        ('J.61.9.0'::ltree, 'Other telecommunications activities'),
        ('J.62'::ltree, 'Computer programming, consultancy and related activities'),
        ('J.62.0'::ltree, 'Computer programming, consultancy and related activities'),
        ('J.62.0.1'::ltree, 'Computer programming activities'),
        ('J.62.0.2'::ltree, 'Computer consultancy and computer facilities management activities'),
        ('J.62.0.9'::ltree, 'Other information technology and computer service activities'),
        ('J.63'::ltree, 'Information service activities'),
        ('J.63.1'::ltree, 'Data processing, hosting and related activities; web portals'),
        ('J.63.1.1'::ltree, 'Data processing, hosting and related activities'),
        ('J.63.1.2'::ltree, 'Web portals'),
        ('J.63.9'::ltree, 'Other information service activities'),
        ('J.63.9.1'::ltree, 'News agency activities'),
        ('J.63.9.9'::ltree, 'Other information service activities n.e.c.'),
        ('K'::ltree, 'Financial and insurance activities'),
        ('K.64'::ltree, 'Financial service activities, except insurance and pension funding'),
        ('K.64.1'::ltree, 'Monetary intermediation'),
        ('K.64.1.1'::ltree, 'Central banking'),
        ('K.64.1.9'::ltree, 'Other monetary intermediation'),
        ('K.64.2'::ltree, 'Activities of holding companies'),
        ('K.64.2.0'::ltree, 'Activities of holding companies'),
        ('K.64.3'::ltree, 'Trusts, funds and similar financial entities'),
        ('K.64.3.0'::ltree, 'Trusts, funds and similar financial entities'),
        ('K.64.9'::ltree, 'Other financial service activities, except insurance and pension funding activities'),
        ('K.64.9.1'::ltree, 'Financial leasing'),
        ('K.64.9.2'::ltree, 'Other credit granting'),
        ('K.64.9.9'::ltree, 'Other financial service activities, except insurance and pension funding activities, n.e.c.'),
        ('K.65'::ltree, 'Insurance, reinsurance and pension funding, except compulsory social security'),
        ('K.65.1'::ltree, 'Insurance'),
        ('K.65.1.1'::ltree, 'Life insurance'),
        ('K.65.1.2'::ltree, 'Non-life insurance'),
        ('K.65.2'::ltree, 'Reinsurance'),
        ('K.65.2.0'::ltree, 'Reinsurance'),
        ('K.65.3'::ltree, 'Pension funding'),
        ('K.65.3.0'::ltree, 'Pension funding'),
        ('K.66'::ltree, 'Activities auxiliary to financial service and insurance activities'),
        ('K.66.1'::ltree, 'Activities auxiliary to financial service activities, except insurance and pension funding'),
        ('K.66.1.1'::ltree, 'Administration of financial markets'),
        ('K.66.1.2'::ltree, 'Security and commodity contracts brokerage'),
        ('K.66.1.9'::ltree, 'Other activities auxiliary to financial service activities'),
        ('K.66.2'::ltree, 'Activities auxiliary to insurance and pension funding'),
        ('K.66.2.1'::ltree, 'Risk and damage evaluation'),
        ('K.66.2.2'::ltree, 'Activities of insurance agents and brokers'),
        ('K.66.2.9'::ltree, 'Other activities auxiliary to insurance and pension funding'),
        ('K.66.3'::ltree, 'Fund management activities'),
        ('K.66.3.0'::ltree, 'Fund management activities'),
        ('L'::ltree, 'Real estate activities'),
        ('L.68'::ltree, 'Real estate activities'),
        ('L.68.1'::ltree, 'Real estate activities with own or leased property'),
        ('L.68.1.0'::ltree, 'Real estate activities with own or leased property'),
        ('L.68.2'::ltree, 'Real estate activities on a fee or contract basis'),
        ('L.68.2.0'::ltree, 'Real estate activities on a fee or contract basis'),
        ('M'::ltree, 'Professional, scientific and technical activities'),
        ('M.69'::ltree, 'Legal and accounting activities'),
        ('M.69.1'::ltree, 'Legal activities'),
        ('M.69.1.0'::ltree, 'Legal activities'),
        ('M.69.2'::ltree, 'Accounting, bookkeeping and auditing activities; tax consultancy'),
        ('M.69.2.0'::ltree, 'Accounting, bookkeeping and auditing activities; tax consultancy'),
        ('M.70'::ltree, 'Activities of head offices; management consultancy activities'),
        ('M.70.1'::ltree, 'Activities of head offices'),
        ('M.70.1.0'::ltree, 'Activities of head offices'),
        ('M.70.2'::ltree, 'Management consultancy activities'),
        ('M.70.2.0'::ltree, 'Management consultancy activities'),
        ('M.71'::ltree, 'Architectural and engineering activities; technical testing and analysis'),
        ('M.71.1'::ltree, 'Architectural and engineering activities and related technical consultancy'),
        ('M.71.1.0'::ltree, 'Architectural and engineering activities and related technical consultancy'),
        ('M.71.2'::ltree, 'Technical testing and analysis'),
        ('M.71.2.0'::ltree, 'Technical testing and analysis'),
        ('M.72'::ltree, 'Scientific research and development'),
        ('M.72.1'::ltree, 'Research and experimental development on natural sciences and engineering'),
        ('M.72.1.0'::ltree, 'Research and experimental development on natural sciences and engineering'),
        ('M.72.2'::ltree, 'Research and experimental development on social sciences and humanities'),
        ('M.72.2.0'::ltree, 'Research and experimental development on social sciences and humanities'),
        ('M.73'::ltree, 'Advertising and market research'),
        ('M.73.1'::ltree, 'Advertising'),
        ('M.73.1.0'::ltree, 'Advertising'),
        ('M.73.2'::ltree, 'Market research and public opinion polling'),
        ('M.73.2.0'::ltree, 'Market research and public opinion polling'),
        ('M.74'::ltree, 'Other professional, scientific and technical activities'),
        ('M.74.1'::ltree, 'Specialized design activities'),
        ('M.74.1.0'::ltree, 'Specialized design activities'),
        ('M.74.2'::ltree, 'Photographic activities'),
        ('M.74.2.0'::ltree, 'Photographic activities'),
        ('M.74.9'::ltree, 'Other professional, scientific and technical activities n.e.c.'),
        ('M.74.9.0'::ltree, 'Other professional, scientific and technical activities n.e.c.'),
        ('M.75'::ltree, 'Veterinary activities'),
        ('M.75.0'::ltree, 'Veterinary activities'),
        ('M.75.0.0'::ltree, 'Veterinary activities'),
        ('N'::ltree, 'Administrative and support service activities'),
        ('N.77'::ltree, 'Rental and leasing activities'),
        ('N.77.1'::ltree, 'Renting and leasing of motor vehicles'),
        ('N.77.1.0'::ltree, 'Renting and leasing of motor vehicles'),
        ('N.77.2'::ltree, 'Renting and leasing of personal and household goods'),
        ('N.77.2.1'::ltree, 'Renting and leasing of recreational and sports goods'),
        ('N.77.2.2'::ltree, 'Renting of video tapes and disks'),
        ('N.77.2.9'::ltree, 'Renting and leasing of other personal and household goods'),
        ('N.77.3'::ltree, 'Renting and leasing of other machinery, equipment and tangible goods'),
        ('N.77.3.0'::ltree, 'Renting and leasing of other machinery, equipment and tangible goods'),
        ('N.77.4'::ltree, 'Leasing of intellectual property and similar products, except copyrighted works'),
        ('N.77.4.0'::ltree, 'Leasing of intellectual property and similar products, except copyrighted works'),
        ('N.78'::ltree, 'Employment activities'),
        ('N.78.1'::ltree, 'Activities of employment placement agencies'),
        ('N.78.1.0'::ltree, 'Activities of employment placement agencies'),
        ('N.78.2'::ltree, 'Temporary employment agency activities'),
        ('N.78.2.0'::ltree, 'Temporary employment agency activities'),
        ('N.78.3'::ltree, 'Other human resources provision'),
        ('N.78.3.0'::ltree, 'Other human resources provision'),
        ('N.79'::ltree, 'Travel agency, tour operator, reservation service and related activities'),
        ('N.79.1'::ltree, 'Travel agency and tour operator activities'),
        ('N.79.1.1'::ltree, 'Travel agency activities'),
        ('N.79.1.2'::ltree, 'Tour operator activities'),
        ('N.79.9'::ltree, 'Other reservation service and related activities'),
        ('N.79.9.0'::ltree, 'Other reservation service and related activities'),
        ('N.80'::ltree, 'Security and investigation activities'),
        ('N.80.1'::ltree, 'Private security activities'),
        ('N.80.1.0'::ltree, 'Private security activities'),
        ('N.80.2'::ltree, 'Security systems service activities'),
        ('N.80.2.0'::ltree, 'Security systems service activities'),
        ('N.80.3'::ltree, 'Investigation activities'),
        ('N.80.3.0'::ltree, 'Investigation activities'),
        ('N.81'::ltree, 'Services to buildings and landscape activities'),
        ('N.81.1'::ltree, 'Combined facilities support activities'),
        ('N.81.1.0'::ltree, 'Combined facilities support activities'),
        ('N.81.2'::ltree, 'Cleaning activities'),
        ('N.81.2.1'::ltree, 'General cleaning of buildings'),
        ('N.81.2.9'::ltree, 'Other building and industrial cleaning activities'),
        ('N.81.3'::ltree, 'Landscape care and maintenance service activities'),
        ('N.81.3.0'::ltree, 'Landscape care and maintenance service activities'),
        ('N.82'::ltree, 'Office administrative, office support and other business support activities'),
        ('N.82.1'::ltree, 'Office administrative and support activities'),
        ('N.82.1.1'::ltree, 'Combined office administrative service activities'),
        ('N.82.1.9'::ltree, 'Photocopying, document preparation and other specialized office support activities'),
        ('N.82.2'::ltree, 'Activities of call centres'),
        ('N.82.2.0'::ltree, 'Activities of call centres'),
        ('N.82.3'::ltree, 'Organization of conventions and trade shows'),
        ('N.82.3.0'::ltree, 'Organization of conventions and trade shows'),
        ('N.82.9'::ltree, 'Business support service activities n.e.c.'),
        ('N.82.9.1'::ltree, 'Activities of collection agencies and credit bureaus'),
        ('N.82.9.2'::ltree, 'Packaging activities'),
        ('N.82.9.9'::ltree, 'Other business support service activities n.e.c.'),
        ('O'::ltree, 'Public administration and defence; compulsory social security'),
        ('O.84'::ltree, 'Public administration and defence; compulsory social security'),
        ('O.84.1'::ltree, 'Administration of the State and the economic and social policy of the community'),
        ('O.84.1.1'::ltree, 'General public administration activities'),
        ('O.84.1.2'::ltree, 'Regulation of the activities of providing health care, education, cultural services and other social services, excluding social security'),
        ('O.84.1.3'::ltree, 'Regulation of and contribution to more efficient operation of businesses'),
        ('O.84.2'::ltree, 'Provision of services to the community as a whole'),
        ('O.84.2.1'::ltree, 'Foreign affairs'),
        ('O.84.2.2'::ltree, 'Defence activities'),
        ('O.84.2.3'::ltree, 'Public order and safety activities'),
        ('O.84.3'::ltree, 'Compulsory social security activities'),
        ('O.84.3.0'::ltree, 'Compulsory social security activities'),
        ('P'::ltree, 'Education'),
        ('P.85'::ltree, 'Education'),
        ('P.85.1'::ltree, 'Pre-primary and primary education'),
        ('P.85.1.0'::ltree, 'Pre-primary and primary education'),
        ('P.85.2'::ltree, 'Secondary education'),
        ('P.85.2.1'::ltree, 'General secondary education'),
        ('P.85.2.2'::ltree, 'Technical and vocational secondary education'),
        ('P.85.3'::ltree, 'Higher education'),
        ('P.85.3.0'::ltree, 'Higher education'),
        ('P.85.4'::ltree, 'Other education'),
        ('P.85.4.1'::ltree, 'Sports and recreation education'),
        ('P.85.4.2'::ltree, 'Cultural education'),
        ('P.85.4.9'::ltree, 'Other education n.e.c.'),
        ('P.85.5'::ltree, 'Educational support activities'),
        ('P.85.5.0'::ltree, 'Educational support activities'),
        ('Q'::ltree, 'Human health and social work activities'),
        ('Q.86'::ltree, 'Human health activities'),
        ('Q.86.1'::ltree, 'Hospital activities'),
        ('Q.86.1.0'::ltree, 'Hospital activities'),
        ('Q.86.2'::ltree, 'Medical and dental practice activities'),
        ('Q.86.2.0'::ltree, 'Medical and dental practice activities'),
        ('Q.86.9'::ltree, 'Other human health activities'),
        ('Q.86.9.0'::ltree, 'Other human health activities'),
        ('Q.87'::ltree, 'Residential care activities'),
        ('Q.87.1'::ltree, 'Residential nursing care facilities'),
        ('Q.87.1.0'::ltree, 'Residential nursing care facilities'),
        ('Q.87.2'::ltree, 'Residential care activities for mental retardation, mental health and substance abuse'),
        ('Q.87.2.0'::ltree, 'Residential care activities for mental retardation, mental health and substance abuse'),
        ('Q.87.3'::ltree, 'Residential care activities for the elderly and disabled'),
        ('Q.87.3.0'::ltree, 'Residential care activities for the elderly and disabled'),
        ('Q.87.9'::ltree, 'Other residential care activities'),
        ('Q.87.9.0'::ltree, 'Other residential care activities'),
        ('Q.88'::ltree, 'Social work activities without accommodation'),
        ('Q.88.1'::ltree, 'Social work activities without accommodation for the elderly and disabled'),
        ('Q.88.1.0'::ltree, 'Social work activities without accommodation for the elderly and disabled'),
        ('Q.88.9'::ltree, 'Other social work activities without accommodation'),
        ('Q.88.9.0'::ltree, 'Other social work activities without accommodation'),
        ('R'::ltree, 'Arts, entertainment and recreation'),
        ('R.90'::ltree, 'Creative, arts and entertainment activities'),
        ('R.90.0'::ltree, 'Creative, arts and entertainment activities'),
        ('R.90.0.0'::ltree, 'Creative, arts and entertainment activities'),
        ('R.91'::ltree, 'Libraries, archives, museums and other cultural activities'),
        ('R.91.0'::ltree, 'Libraries, archives, museums and other cultural activities'),
        ('R.91.0.1'::ltree, 'Library and archives activities'),
        ('R.91.0.2'::ltree, 'Museums activities and operation of historical sites and buildings'),
        ('R.91.0.3'::ltree, 'Botanical and zoological gardens and nature reserves activities'),
        ('R.92'::ltree, 'Gambling and betting activities'),
        ('R.92.0'::ltree, 'Gambling and betting activities'),
        ('R.92.0.0'::ltree, 'Gambling and betting activities'),
        ('R.93'::ltree, 'Sports activities and amusement and recreation activities'),
        ('R.93.1'::ltree, 'Sports activities'),
        ('R.93.1.1'::ltree, 'Operation of sports facilities'),
        ('R.93.1.2'::ltree, 'Activities of sports clubs'),
        ('R.93.1.9'::ltree, 'Other sports activities'),
        ('R.93.2'::ltree, 'Other amusement and recreation activities'),
        ('R.93.2.1'::ltree, 'Activities of amusement parks and theme parks'),
        ('R.93.2.9'::ltree, 'Other amusement and recreation activities n.e.c.'),
        ('S'::ltree, 'Other service activities'),
        ('S.94'::ltree, 'Activities of membership organizations'),
        ('S.94.1'::ltree, 'Activities of business, employers and professional membership organizations'),
        ('S.94.1.1'::ltree, 'Activities of business and employers membership organizations'),
        ('S.94.1.2'::ltree, 'Activities of professional membership organizations'),
        ('S.94.2'::ltree, 'Activities of trade unions'),
        ('S.94.2.0'::ltree, 'Activities of trade unions'),
        ('S.94.9'::ltree, 'Activities of other membership organizations'),
        ('S.94.9.1'::ltree, 'Activities of religious organizations'),
        ('S.94.9.2'::ltree, 'Activities of political organizations'),
        ('S.94.9.9'::ltree, 'Activities of other membership organizations n.e.c.'),
        ('S.95'::ltree, 'Repair of computers and personal and household goods'),
        ('S.95.1'::ltree, 'Repair of computers and communication equipment'),
        ('S.95.1.1'::ltree, 'Repair of computers and peripheral equipment'),
        ('S.95.1.2'::ltree, 'Repair of communication equipment'),
        ('S.95.2'::ltree, 'Repair of personal and household goods'),
        ('S.95.2.1'::ltree, 'Repair of consumer electronics'),
        ('S.95.2.2'::ltree, 'Repair of household appliances and home and garden equipment'),
        ('S.95.2.3'::ltree, 'Repair of footwear and leather goods'),
        ('S.95.2.4'::ltree, 'Repair of furniture and home furnishings'),
        ('S.95.2.9'::ltree, 'Repair of other personal and household goods'),
        ('S.96'::ltree, 'Other personal service activities'),
        ('S.96.0'::ltree, 'Other personal service activities'),
        ('S.96.0.1'::ltree, 'Washing and (dry-) cleaning of textile and fur products'),
        ('S.96.0.2'::ltree, 'Hairdressing and other beauty treatment'),
        ('S.96.0.3'::ltree, 'Funeral and related activities'),
        ('S.96.0.9'::ltree, 'Other personal service activities n.e.c.'),
        ('T'::ltree, 'Activities of households as employers; undifferentiated goods- and services-producing activities of households for own use'),
        ('T.97'::ltree, 'Activities of households as employers of domestic personnel'),
        ('T.97.0'::ltree, 'Activities of households as employers of domestic personnel'),
        ('T.97.0.0'::ltree, 'Activities of households as employers of domestic personnel'),
        ('T.98'::ltree, 'Undifferentiated goods- and services-producing activities of private households for own use'),
        ('T.98.1'::ltree, 'Undifferentiated goods-producing activities of private households for own use'),
        ('T.98.1.0'::ltree, 'Undifferentiated goods-producing activities of private households for own use'),
        ('T.98.2'::ltree, 'Undifferentiated service-producing activities of private households for own use'),
        ('T.98.2.0'::ltree, 'Undifferentiated service-producing activities of private households for own use'),
        ('U'::ltree, 'Activities of extraterritorial organizations and bodies'),
        ('U.99'::ltree, 'Activities of extraterritorial organizations and bodies'),
        ('U.99.0'::ltree, 'Activities of extraterritorial organizations and bodies'),
        ('U.99.0.0'::ltree, 'Activities of extraterritorial organizations and bodies')
), numbered AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('register.activity_category', 'id'))::integer AS id, s.path, s.name,
        regexp_replace(ltree2text(s.path), '[^0-9]', '', 'g') AS digits
    FROM (SELECT seed.path, seed.name FROM seed ORDER BY seed.path) AS s
)
INSERT INTO register.activity_category (id, standard_id, path, parent_id, code, name, custom)
OVERRIDING SYSTEM VALUE
SELECT n.id, st.id, n.path, p.id,
    nullif(n.digits, ''),
    n.name, false
FROM numbered AS n
JOIN register.activity_category_standard AS st ON st.code = 'isic_v4'
LEFT JOIN numbered AS p ON nlevel(n.path) > 1 AND p.path = subpath(n.path, 0, -1)
ORDER BY n.id;
$step$::text;
    RETURN QUERY SELECT 6, '0006_seed_nace_v2_1'::text, $step$-- Step 0006: NACE Rev. 2.1. The code is the digits of the path with a dot after two.
-- Rows get their ids in the order of the paths; each finds its parent among them.
WITH seed (path, name) AS (
    VALUES
        ('A'::ltree, 'AGRICULTURE, FORESTRY AND FISHING'),
        ('A.01'::ltree, 'Crop and animal production, hunting and related service activities'),
        ('A.01.1'::ltree, 'Growing of non-perennial crops'),
        ('A.01.1.1'::ltree, 'Growing of cereals, other than rice, leguminous crops and oil seeds'),
        ('A.01.1.2'::ltree, 'Growing of rice'),
        ('A.01.1.3'::ltree, 'Growing of vegetables and melons, roots and tubers'),
        ('A.01.1.4'::ltree, 'Growing of sugar cane'),
        ('A.01.1.5'::ltree, 'Growing of tobacco'),
        ('A.01.1.6'::ltree, 'Growing of fibre crops'),
        ('A.01.1.9'::ltree, 'Growing of other non-perennial crops'),
        ('A.01.2'::ltree, 'Growing of perennial crops'),
        ('A.01.2.1'::ltree, 'Growing of grapes'),
        ('A.01.2.2'::ltree, 'Growing of tropical and subtropical fruits'),
        ('A.01.2.3'::ltree, 'Growing of citrus fruits'),
        ('A.01.2.4'::ltree, 'Growing of pome fruits and stone fruits'),
        ('A.01.2.5'::ltree, 'Growing of other tree and bush fruits and nuts'),
        ('A.01.2.6'::ltree, 'Growing of oleaginous fruits'),
        ('A.01.2.7'::ltree, 'Growing of beverage crops'),
        ('A.01.2.8'::ltree, 'Growing of spices, aromatic, drug and pharmaceutical crops'),
        ('A.01.2.9'::ltree, 'Growing of other perennial crops'),
        ('A.01.3'::ltree, 'Plant propagation'),
        ('A.01.3.0'::ltree, 'Plant propagation'),
        ('A.01.4'::ltree, 'Animal production'),
        ('A.01.4.1'::ltree, 'Raising of dairy cattle'),
        ('A.01.4.2'::ltree, 'Raising of other cattle and buffaloes'),
        ('A.01.4.3'::ltree, 'Raising of horses and other equines'),
        ('A.01.4.4'::ltree, 'Raising of camels and camelids'),
        ('A.01.4.5'::ltree, 'Raising of sheep and goats'),
        ('A.01.4.6'::ltree, 'Raising of swine and pigs'),
        ('A.01.4.7'::ltree, 'Raising of poultry'),
        ('A.01.4.8'::ltree, 'Raising of other animals'),
        ('A.01.5'::ltree, 'Mixed farming'),
        ('A.01.5.0'::ltree, 'Mixed farming'),
        ('A.01.6'::ltree, 'Support activities to agriculture and post-harvest crop activities'),
        ('A.01.6.1'::ltree, 'Support activities for crop production'),
        ('A.01.6.2'::ltree, 'Support activities for animal production'),
        ('A.01.6.3'::ltree, 'Post-harvest crop activities and seed processing for propagation'),
        ('A.01.7'::ltree, 'Hunting, trapping and related service activities'),
        ('A.01.7.0'::ltree, 'Hunting, trapping and related service activities'),
        ('A.02'::ltree, 'Forestry and logging'),
        ('A.02.1'::ltree, 'Silviculture and other forestry activities'),
        ('A.02.1.0'::ltree, 'Silviculture and other forestry activities'),
        ('A.02.2'::ltree, 'Logging'),
        ('A.02.2.0'::ltree, 'Logging'),
        ('A.02.3'::ltree, 'Gathering of wild growing non-wood products'),
        ('A.02.3.0'::ltree, 'Gathering of wild growing non-wood products'),
        ('A.02.4'::ltree, 'Support services to forestry'),
        ('A.02.4.0'::ltree, 'Support services to forestry'),
        ('A.03'::ltree, 'Fishing and aquaculture'),
        ('A.03.1'::ltree, 'Fishing'),
        ('A.03.1.1'::ltree, 'Marine fishing'),
        ('A.03.1.2'::ltree, 'Freshwater fishing'),
        ('A.03.2'::ltree, 'Aquaculture'),
        ('A.03.2.1'::ltree, 'Marine aquaculture'),
        ('A.03.2.2'::ltree, 'Freshwater aquaculture'),
        ('A.03.3'::ltree, 'Support activities for fishing and aquaculture'),
        ('A.03.3.0'::ltree, 'Support activities for fishing and aquaculture'),
        ('B'::ltree, 'MINING AND QUARRYING'),
        ('B.05'::ltree, 'Mining of coal and lignite'),
        ('B.05.1'::ltree, 'Mining of hard coal'),
        ('B.05.1.0'::ltree, 'Mining of hard coal'),
        ('B.05.2'::ltree, 'Mining of lignite'),
        ('B.05.2.0'::ltree, 'Mining of lignite'),
        ('B.06'::ltree, 'Extraction of crude petroleum and natural gas'),
        ('B.06.1'::ltree, 'Extraction of crude petroleum'),
        ('B.06.1.0'::ltree, 'Extraction of crude petroleum'),
        ('B.06.2'::ltree, 'Extraction of natural gas'),
        ('B.06.2.0'::ltree, 'Extraction of natural gas'),
        ('B.07'::ltree, 'Mining of metal ores'),
        ('B.07.1'::ltree, 'Mining of iron ores'),
        ('B.07.1.0'::ltree, 'Mining of iron ores'),
        ('B.07.2'::ltree, 'Mining of non-ferrous metal ores'),
        ('B.07.2.1'::ltree, 'Mining of uranium and thorium ores'),
        ('B.07.2.9'::ltree, 'Mining of other non-ferrous metal ores'),
        ('B.08'::ltree, 'Other mining and quarrying'),
        ('B.08.1'::ltree, 'Quarrying of stone, sand and clay'),
        ('B.08.1.1'::ltree, 'Quarrying of ornamental stone, limestone, gypsum, slate and other stone'),
        ('B.08.1.2'::ltree, 'Operation of gravel and sand pits and mining of clay and kaolin'),
        ('B.08.9'::ltree, 'Mining and quarrying n.e.c.'),
        ('B.08.9.1'::ltree, 'Mining of chemical and fertiliser minerals'),
        ('B.08.9.2'::ltree, 'Extraction of peat'),
        ('B.08.9.3'::ltree, 'Extraction of salt'),
        ('B.08.9.9'::ltree, 'Other mining and quarrying n.e.c.'),
        ('B.09'::ltree, 'Mining support service activities'),
        ('B.09.1'::ltree, 'Support activities for petroleum and natural gas extraction'),
        ('B.09.1.0'::ltree, 'Support activities for petroleum and natural gas extraction'),
        ('B.09.9'::ltree, 'Support activities for other mining and quarrying'),
        ('B.09.9.0'::ltree, 'Support activities for other mining and quarrying'),
        ('C'::ltree, 'MANUFACTURING'),
        ('C.10'::ltree, 'Manufacture of food products'),
        ('C.10.1'::ltree, 'Processing and preserving of meat and production of meat products'),
        ('C.10.1.1'::ltree, 'Processing and preserving of meat, except of poultry meat'),
        ('C.10.1.2'::ltree, 'Processing and preserving of poultry meat'),
        ('C.10.1.3'::ltree, 'Production of meat and poultry meat products'),
        ('C.10.2'::ltree, 'Processing and preserving of fish, crustaceans and molluscs'),
        ('C.10.2.0'::ltree, 'Processing and preserving of fish, crustaceans and molluscs'),
        ('C.10.3'::ltree, 'Processing and preserving of fruit and vegetables'),
        ('C.10.3.1'::ltree, 'Processing and preserving of potatoes'),
        ('C.10.3.2'::ltree, 'Manufacture of fruit and vegetable juice'),
        ('C.10.3.9'::ltree, 'Other processing and preserving of fruit and vegetables'),
        ('C.10.4'::ltree, 'Manufacture of vegetable and animal oils and fats'),
        ('C.10.4.1'::ltree, 'Manufacture of oils and fats'),
        ('C.10.4.2'::ltree, 'Manufacture of margarine and similar edible fats'),
        ('C.10.5'::ltree, 'Manufacture of dairy products and edible ice'),
        ('C.10.5.1'::ltree, 'Manufacture of dairy products'),
        ('C.10.5.2'::ltree, 'Manufacture of ice cream and other edible ice'),
        ('C.10.6'::ltree, 'Manufacture of grain mill products, starches and starch products'),
        ('C.10.6.1'::ltree, 'Manufacture of grain mill products'),
        ('C.10.6.2'::ltree, 'Manufacture of starches and starch products'),
        ('C.10.7'::ltree, 'Manufacture of bakery and farinaceous products'),
        ('C.10.7.1'::ltree, 'Manufacture of bread; manufacture of fresh pastry goods and cakes'),
        ('C.10.7.2'::ltree, 'Manufacture of rusks, biscuits, preserved pastries and cakes'),
        ('C.10.7.3'::ltree, 'Manufacture of farinaceous products'),
        ('C.10.8'::ltree, 'Manufacture of other food products'),
        ('C.10.8.1'::ltree, 'Manufacture of sugar'),
        ('C.10.8.2'::ltree, 'Manufacture of cocoa, chocolate and sugar confectionery'),
        ('C.10.8.3'::ltree, 'Processing of tea and coffee'),
        ('C.10.8.4'::ltree, 'Manufacture of condiments and seasonings'),
        ('C.10.8.5'::ltree, 'Manufacture of prepared meals and dishes'),
        ('C.10.8.6'::ltree, 'Manufacture of homogenised food preparations and dietetic food'),
        ('C.10.8.9'::ltree, 'Manufacture of other food products n.e.c.'),
        ('C.10.9'::ltree, 'Manufacture of prepared animal feeds'),
        ('C.10.9.1'::ltree, 'Manufacture of prepared feeds for farm animals'),
        ('C.10.9.2'::ltree, 'Manufacture of prepared pet foods'),
        ('C.11'::ltree, 'Manufacture of beverages'),
        ('C.11.0'::ltree, 'Manufacture of beverages'),
        ('C.11.0.1'::ltree, 'Distilling, rectifying and blending of spirits'),
        ('C.11.0.2'::ltree, 'Manufacture of wine from grape'),
        ('C.11.0.3'::ltree, 'Manufacture of cider and other fruit fermented beverages'),
        ('C.11.0.4'::ltree, 'Manufacture of other non-distilled fermented beverages'),
        ('C.11.0.5'::ltree, 'Manufacture of beer'),
        ('C.11.0.6'::ltree, 'Manufacture of malt'),
        ('C.11.0.7'::ltree, 'Manufacture of soft drinks and bottled waters'),
        ('C.12'::ltree, 'Manufacture of tobacco products'),
        ('C.12.0'::ltree, 'Manufacture of tobacco products'),
        ('C.12.0.0'::ltree, 'Manufacture of tobacco products'),
        ('C.13'::ltree, 'Manufacture of textiles'),
        ('C.13.1'::ltree, 'Preparation and spinning of textile fibres'),
        ('C.13.1.0'::ltree, 'Preparation and spinning of textile fibres'),
        ('C.13.2'::ltree, 'Weaving of textiles'),
        ('C.13.2.0'::ltree, 'Weaving of textiles'),
        ('C.13.3'::ltree, 'Finishing of textiles'),
        ('C.13.3.0'::ltree, 'Finishing of textiles'),
        ('C.13.9'::ltree, 'Manufacture of other textiles'),
        ('C.13.9.1'::ltree, 'Manufacture of knitted and crocheted fabrics'),
        ('C.13.9.2'::ltree, 'Manufacture of household textiles and made-up furnishing articles'),
        ('C.13.9.3'::ltree, 'Manufacture of carpets and rugs'),
        ('C.13.9.4'::ltree, 'Manufacture of cordage, rope, twine and netting'),
        ('C.13.9.5'::ltree, 'Manufacture of non-wovens and non-woven articles'),
        ('C.13.9.6'::ltree, 'Manufacture of other technical and industrial textiles'),
        ('C.13.9.9'::ltree, 'Manufacture of other textiles n.e.c.'),
        ('C.14'::ltree, 'Manufacture of wearing apparel'),
        ('C.14.1'::ltree, 'Manufacture of knitted and crocheted apparel'),
        ('C.14.1.0'::ltree, 'Manufacture of knitted and crocheted apparel'),
        ('C.14.2'::ltree, 'Manufacture of other wearing apparel and accessories'),
        ('C.14.2.1'::ltree, 'Manufacture of outerwear'),
        ('C.14.2.2'::ltree, 'Manufacture of underwear'),
        ('C.14.2.3'::ltree, 'Manufacture of workwear'),
        ('C.14.2.4'::ltree, 'Manufacture of leather clothes and fur apparel'),
        ('C.14.2.9'::ltree, 'Manufacture of other wearing apparel and accessories n.e.c.'),
        ('C.15'::ltree, 'Manufacture of leather and related products of other materials'),
        ('C.15.1'::ltree, 'Tanning, dyeing, dressing of leather and fur; manufacture of luggage, handbags, saddlery and harness'),
        ('C.15.1.1'::ltree, 'Tanning, dressing, dyeing of leather and fur'),
        ('C.15.1.2'::ltree, 'Manufacture of luggage, handbags, saddlery and harness of any material'),
        ('C.15.2'::ltree, 'Manufacture of footwear'),
        ('C.15.2.0'::ltree, 'Manufacture of footwear'),
        ('C.16'::ltree, 'Manufacture of wood and of products of wood and cork, except furniture; manufacture of articles of straw and plaiting materials'),
        ('C.16.1'::ltree, 'Sawmilling and planing of wood; processing and finishing of wood'),
        ('C.16.1.1'::ltree, 'Sawmilling and planing of wood'),
        ('C.16.1.2'::ltree, 'Processing and finishing of wood'),
        ('C.16.2'::ltree, 'Manufacture of products of wood, cork, straw and plaiting materials'),
        ('C.16.2.1'::ltree, 'Manufacture of veneer sheets and wood-based panels'),
        ('C.16.2.2'::ltree, 'Manufacture of assembled parquet floors'),
        ('C.16.2.3'::ltree, 'Manufacture of other builders'' carpentry and joinery'),
        ('C.16.2.4'::ltree, 'Manufacture of wooden containers'),
        ('C.16.2.5'::ltree, 'Manufacture of doors and windows of wood'),
        ('C.16.2.6'::ltree, 'Manufacture of solid fuels from vegetable biomass'),
        ('C.16.2.7'::ltree, 'Finishing of wooden products'),
        ('C.16.2.8'::ltree, 'Manufacture of other products of wood and articles of cork, straw and plaiting materials'),
        ('C.17'::ltree, 'Manufacture of paper and paper products'),
        ('C.17.1'::ltree, 'Manufacture of pulp, paper and paperboard'),
        ('C.17.1.1'::ltree, 'Manufacture of pulp'),
        ('C.17.1.2'::ltree, 'Manufacture of paper and paperboard'),
        ('C.17.2'::ltree, 'Manufacture of articles of paper and paperboard'),
        ('C.17.2.1'::ltree, 'Manufacture of corrugated paper, paperboard and containers of paper and paperboard'),
        ('C.17.2.2'::ltree, 'Manufacture of household and sanitary goods and of toilet requisites'),
        ('C.17.2.3'::ltree, 'Manufacture of paper stationery'),
        ('C.17.2.4'::ltree, 'Manufacture of wallpaper'),
        ('C.17.2.5'::ltree, 'Manufacture of other articles of paper and paperboard'),
        ('C.18'::ltree, 'Printing and reproduction of recorded media'),
        ('C.18.1'::ltree, 'Printing and service activities related to printing'),
        ('C.18.1.1'::ltree, 'Printing of newspapers'),
        ('C.18.1.2'::ltree, 'Other printing'),
        ('C.18.1.3'::ltree, 'Pre-press and pre-media services'),
        ('C.18.1.4'::ltree, 'Binding and related services'),
        ('C.18.2'::ltree, 'Reproduction of recorded media'),
        ('C.18.2.0'::ltree, 'Reproduction of recorded media'),
        ('C.19'::ltree, 'Manufacture of coke and refined petroleum products'),
        ('C.19.1'::ltree, 'Manufacture of coke oven products'),
        ('C.19.1.0'::ltree, 'Manufacture of coke oven products'),
        ('C.19.2'::ltree, 'Manufacture of refined petroleum products and fossil fuel products'),
        ('C.19.2.0'::ltree, 'Manufacture of refined petroleum products and fossil fuel products'),
        ('C.20'::ltree, 'Manufacture of chemicals and chemical products'),
        ('C.20.1'::ltree, 'Manufacture of basic chemicals, fertilisers and nitrogen compounds, plastics and synthetic rubber in primary forms'),
        ('C.20.1.1'::ltree, 'Manufacture of industrial gases'),
        ('C.20.1.2'::ltree, 'Manufacture of dyes and pigments'),
        ('C.20.1.3'::ltree, 'Manufacture of other inorganic basic chemicals'),
        ('C.20.1.4'::ltree, 'Manufacture of other organic basic chemicals'),
        ('C.20.1.5'::ltree, 'Manufacture of fertilisers and nitrogen compounds'),
        ('C.20.1.6'::ltree, 'Manufacture of plastics in primary forms'),
        ('C.20.1.7'::ltree, 'Manufacture of synthetic rubber in primary forms'),
        ('C.20.2'::ltree, 'Manufacture of pesticides, disinfectants and other agrochemical products'),
        ('C.20.2.0'::ltree, 'Manufacture of pesticides, disinfectants and other agrochemical products'),
        ('C.20.3'::ltree, 'Manufacture of paints, varnishes and similar coatings, printing ink and mastics'),
        ('C.20.3.0'::ltree, 'Manufacture of paints, varnishes and similar coatings, printing ink and mastics'),
        ('C.20.4'::ltree, 'Manufacture of washing, cleaning and polishing preparations'),
        ('C.20.4.1'::ltree, 'Manufacture of soap and detergents, cleaning and polishing preparations'),
        ('C.20.4.2'::ltree, 'Manufacture of perfumes and toilet preparations'),
        ('C.20.5'::ltree, 'Manufacture of other chemical products'),
        ('C.20.5.1'::ltree, 'Manufacture of liquid biofuels'),
        ('C.20.5.9'::ltree, 'Manufacture of other chemical products n.e.c.'),
        ('C.20.6'::ltree, 'Manufacture of man-made fibres'),
        ('C.20.6.0'::ltree, 'Manufacture of man-made fibres'),
        ('C.21'::ltree, 'Manufacture of basic pharmaceutical products and pharmaceutical preparations'),
        ('C.21.1'::ltree, 'Manufacture of basic pharmaceutical products'),
        ('C.21.1.0'::ltree, 'Manufacture of basic pharmaceutical products'),
        ('C.21.2'::ltree, 'Manufacture of pharmaceutical preparations'),
        ('C.21.2.0'::ltree, 'Manufacture of pharmaceutical preparations'),
        ('C.22'::ltree, 'Manufacture of rubber and plastic products'),
        ('C.22.1'::ltree, 'Manufacture of rubber products'),
        ('C.22.1.1'::ltree, 'Manufacture, retreading and rebuilding of rubber tyres and manufacture of tubes'),
        ('C.22.1.2'::ltree, 'Manufacture of other rubber products'),
        ('C.22.2'::ltree, 'Manufacture of plastic products'),
        ('C.22.2.1'::ltree, 'Manufacture of plastic plates, sheets, tubes and profiles'),
        ('C.22.2.2'::ltree, 'Manufacture of plastic packing goods'),
        ('C.22.2.3'::ltree, 'Manufacture of doors and windows of plastic'),
        ('C.22.2.4'::ltree, 'Manufacture of builders’ ware of plastic'),
        ('C.22.2.5'::ltree, 'Processing and finishing of plastic products'),
        ('C.22.2.6'::ltree, 'Manufacture of other plastic products'),
        ('C.23'::ltree, 'Manufacture of other non-metallic mineral products'),
        ('C.23.1'::ltree, 'Manufacture of glass and glass products'),
        ('C.23.1.1'::ltree, 'Manufacture of flat glass'),
        ('C.23.1.2'::ltree, 'Shaping and processing of flat glass'),
        ('C.23.1.3'::ltree, 'Manufacture of hollow glass'),
        ('C.23.1.4'::ltree, 'Manufacture of glass fibres'),
        ('C.23.1.5'::ltree, 'Manufacture and processing of other glass, including technical glassware'),
        ('C.23.2'::ltree, 'Manufacture of refractory products'),
        ('C.23.2.0'::ltree, 'Manufacture of refractory products'),
        ('C.23.3'::ltree, 'Manufacture of clay building materials'),
        ('C.23.3.1'::ltree, 'Manufacture of ceramic tiles and flags'),
        ('C.23.3.2'::ltree, 'Manufacture of bricks, tiles and construction products, in baked clay'),
        ('C.23.4'::ltree, 'Manufacture of other porcelain and ceramic products'),
        ('C.23.4.1'::ltree, 'Manufacture of ceramic household and ornamental articles'),
        ('C.23.4.2'::ltree, 'Manufacture of ceramic sanitary fixtures'),
        ('C.23.4.3'::ltree, 'Manufacture of ceramic insulators and insulating fittings'),
        ('C.23.4.4'::ltree, 'Manufacture of other technical ceramic products'),
        ('C.23.4.5'::ltree, 'Manufacture of other ceramic products'),
        ('C.23.5'::ltree, 'Manufacture of cement, lime and plaster'),
        ('C.23.5.1'::ltree, 'Manufacture of cement'),
        ('C.23.5.2'::ltree, 'Manufacture of lime and plaster'),
        ('C.23.6'::ltree, 'Manufacture of articles of concrete, cement and plaster'),
        ('C.23.6.1'::ltree, 'Manufacture of concrete products for construction purposes'),
        ('C.23.6.2'::ltree, 'Manufacture of plaster products for construction purposes'),
        ('C.23.6.3'::ltree, 'Manufacture of ready-mixed concrete'),
        ('C.23.6.4'::ltree, 'Manufacture of mortars'),
        ('C.23.6.5'::ltree, 'Manufacture of fibre cement'),
        ('C.23.6.6'::ltree, 'Manufacture of other articles of concrete, cement and plaster'),
        ('C.23.7'::ltree, 'Cutting, shaping and finishing of stone'),
        ('C.23.7.0'::ltree, 'Cutting, shaping and finishing of stone'),
        ('C.23.9'::ltree, 'Manufacture of abrasive products and non-metallic mineral products n.e.c.'),
        ('C.23.9.1'::ltree, 'Manufacture of abrasive products'),
        ('C.23.9.9'::ltree, 'Manufacture of other non-metallic mineral products n.e.c.'),
        ('C.24'::ltree, 'Manufacture of basic metals'),
        ('C.24.1'::ltree, 'Manufacture of basic iron and steel and of ferro-alloys'),
        ('C.24.1.0'::ltree, 'Manufacture of basic iron and steel and of ferro-alloys'),
        ('C.24.2'::ltree, 'Manufacture of tubes, pipes, hollow profiles and related fittings, of steel'),
        ('C.24.2.0'::ltree, 'Manufacture of tubes, pipes, hollow profiles and related fittings, of steel'),
        ('C.24.3'::ltree, 'Manufacture of other products of first processing of steel'),
        ('C.24.3.1'::ltree, 'Cold drawing of bars'),
        ('C.24.3.2'::ltree, 'Cold rolling of narrow strip'),
        ('C.24.3.3'::ltree, 'Cold forming or folding'),
        ('C.24.3.4'::ltree, 'Cold drawing of wire'),
        ('C.24.4'::ltree, 'Manufacture of basic precious and other non-ferrous metals'),
        ('C.24.4.1'::ltree, 'Precious metals production'),
        ('C.24.4.2'::ltree, 'Aluminium production'),
        ('C.24.4.3'::ltree, 'Lead, zinc and tin production'),
        ('C.24.4.4'::ltree, 'Copper production'),
        ('C.24.4.5'::ltree, 'Other non-ferrous metal production'),
        ('C.24.4.6'::ltree, 'Processing of nuclear fuel'),
        ('C.24.5'::ltree, 'Casting of metals'),
        ('C.24.5.1'::ltree, 'Casting of iron'),
        ('C.24.5.2'::ltree, 'Casting of steel'),
        ('C.24.5.3'::ltree, 'Casting of light metals'),
        ('C.24.5.4'::ltree, 'Casting of other non-ferrous metals'),
        ('C.25'::ltree, 'Manufacture of fabricated metal products, except machinery and equipment'),
        ('C.25.1'::ltree, 'Manufacture of structural metal products'),
        ('C.25.1.1'::ltree, 'Manufacture of metal structures and parts of structures'),
        ('C.25.1.2'::ltree, 'Manufacture of doors and windows of metal'),
        ('C.25.2'::ltree, 'Manufacture of tanks, reservoirs and containers of metal'),
        ('C.25.2.1'::ltree, 'Manufacture of central heating radiators, steam generators and boilers'),
        ('C.25.2.2'::ltree, 'Manufacture of other tanks, reservoirs and containers of metal'),
        ('C.25.3'::ltree, 'Manufacture of weapons and ammunition'),
        ('C.25.3.0'::ltree, 'Manufacture of weapons and ammunition'),
        ('C.25.4'::ltree, 'Forging and shaping metal and powder metallurgy'),
        ('C.25.4.0'::ltree, 'Forging and shaping metal and powder metallurgy'),
        ('C.25.5'::ltree, 'Treatment and coating of metals; machining'),
        ('C.25.5.1'::ltree, 'Coating of metals'),
        ('C.25.5.2'::ltree, 'Heat treatment of metals'),
        ('C.25.5.3'::ltree, 'Machining of metals'),
        ('C.25.6'::ltree, 'Manufacture of cutlery, tools and general hardware'),
        ('C.25.6.1'::ltree, 'Manufacture of cutlery'),
        ('C.25.6.2'::ltree, 'Manufacture of locks and hinges'),
        ('C.25.6.3'::ltree, 'Manufacture of tools'),
        ('C.25.9'::ltree, 'Manufacture of other fabricated metal products'),
        ('C.25.9.1'::ltree, 'Manufacture of steel drums and similar containers'),
        ('C.25.9.2'::ltree, 'Manufacture of light metal packaging'),
        ('C.25.9.3'::ltree, 'Manufacture of wire products, chain and springs'),
        ('C.25.9.4'::ltree, 'Manufacture of fasteners and screw machine products'),
        ('C.25.9.9'::ltree, 'Manufacture of other fabricated metal products n.e.c.'),
        ('C.26'::ltree, 'Manufacture of computer, electronic and optical products'),
        ('C.26.1'::ltree, 'Manufacture of electronic components and boards'),
        ('C.26.1.1'::ltree, 'Manufacture of electronic components'),
        ('C.26.1.2'::ltree, 'Manufacture of loaded electronic boards'),
        ('C.26.2'::ltree, 'Manufacture of computers and peripheral equipment'),
        ('C.26.2.0'::ltree, 'Manufacture of computers and peripheral equipment'),
        ('C.26.3'::ltree, 'Manufacture of communication equipment'),
        ('C.26.3.0'::ltree, 'Manufacture of communication equipment'),
        ('C.26.4'::ltree, 'Manufacture of consumer electronics'),
        ('C.26.4.0'::ltree, 'Manufacture of consumer electronics'),
        ('C.26.5'::ltree, 'Manufacture of measuring testing instruments, clocks and watches'),
        ('C.26.5.1'::ltree, 'Manufacture of instruments and appliances for measuring, testing and navigation'),
        ('C.26.5.2'::ltree, 'Manufacture of watches and clocks'),
        ('C.26.6'::ltree, 'Manufacture of irradiation, electromedical and electrotherapeutic equipment'),
        ('C.26.6.0'::ltree, 'Manufacture of irradiation, electromedical and electrotherapeutic equipment'),
        ('C.26.7'::ltree, 'Manufacture of optical instruments, magnetic and optical media and photographic equipment'),
        ('C.26.7.0'::ltree, 'Manufacture of optical instruments, magnetic and optical media and photographic equipment'),
        ('C.27'::ltree, 'Manufacture of electrical equipment'),
        ('C.27.1'::ltree, 'Manufacture of electric motors, generators, transformers and electricity distribution and control apparatus'),
        ('C.27.1.1'::ltree, 'Manufacture of electric motors, generators and transformers'),
        ('C.27.1.2'::ltree, 'Manufacture of electricity distribution and control apparatus'),
        ('C.27.2'::ltree, 'Manufacture of batteries and accumulators'),
        ('C.27.2.0'::ltree, 'Manufacture of batteries and accumulators'),
        ('C.27.3'::ltree, 'Manufacture of wiring and wiring devices'),
        ('C.27.3.1'::ltree, 'Manufacture of fibre optic cables'),
        ('C.27.3.2'::ltree, 'Manufacture of other electronic and electric wires and cables'),
        ('C.27.3.3'::ltree, 'Manufacture of wiring devices'),
        ('C.27.4'::ltree, 'Manufacture of lighting equipment'),
        ('C.27.4.0'::ltree, 'Manufacture of lighting equipment'),
        ('C.27.5'::ltree, 'Manufacture of domestic appliances'),
        ('C.27.5.1'::ltree, 'Manufacture of electric domestic appliances'),
        ('C.27.5.2'::ltree, 'Manufacture of non-electric domestic appliances'),
        ('C.27.9'::ltree, 'Manufacture of other electrical equipment'),
        ('C.27.9.0'::ltree, 'Manufacture of other electrical equipment'),
        ('C.28'::ltree, 'Manufacture of machinery and equipment n.e.c.'),
        ('C.28.1'::ltree, 'Manufacture of general-purpose machinery'),
        ('C.28.1.1'::ltree, 'Manufacture of engines and turbines, except aircraft, vehicle and cycle engines'),
        ('C.28.1.2'::ltree, 'Manufacture of fluid power equipment'),
        ('C.28.1.3'::ltree, 'Manufacture of other pumps and compressors'),
        ('C.28.1.4'::ltree, 'Manufacture of other taps and valves'),
        ('C.28.1.5'::ltree, 'Manufacture of bearings, gears, gearing and driving elements'),
        ('C.28.2'::ltree, 'Manufacture of other general-purpose machinery'),
        ('C.28.2.1'::ltree, 'Manufacture of ovens, furnaces and permanent household heating equipment'),
        ('C.28.2.2'::ltree, 'Manufacture of lifting and handling equipment'),
        ('C.28.2.3'::ltree, 'Manufacture of office machinery and equipment, except computers and peripheral equipment'),
        ('C.28.2.4'::ltree, 'Manufacture of power-driven hand tools'),
        ('C.28.2.5'::ltree, 'Manufacture of non-domestic air conditioning equipment'),
        ('C.28.2.9'::ltree, 'Manufacture of other general-purpose machinery n.e.c.'),
        ('C.28.3'::ltree, 'Manufacture of agricultural and forestry machinery'),
        ('C.28.3.0'::ltree, 'Manufacture of agricultural and forestry machinery'),
        ('C.28.4'::ltree, 'Manufacture of metal forming machinery and machine tools'),
        ('C.28.4.1'::ltree, 'Manufacture of metal forming machinery and machine tools for metal work'),
        ('C.28.4.2'::ltree, 'Manufacture of other machine tools'),
        ('C.28.9'::ltree, 'Manufacture of other special-purpose machinery'),
        ('C.28.9.1'::ltree, 'Manufacture of machinery for metallurgy'),
        ('C.28.9.2'::ltree, 'Manufacture of machinery for mining, quarrying and construction'),
        ('C.28.9.3'::ltree, 'Manufacture of machinery for food, beverage and tobacco processing'),
        ('C.28.9.4'::ltree, 'Manufacture of machinery for textile, apparel and leather production'),
        ('C.28.9.5'::ltree, 'Manufacture of machinery for paper and paperboard production'),
        ('C.28.9.6'::ltree, 'Manufacture of plastics and rubber machinery'),
        ('C.28.9.7'::ltree, 'Manufacture of additive manufacturing machinery'),
        ('C.28.9.9'::ltree, 'Manufacture of other special-purpose machinery n.e.c.'),
        ('C.29'::ltree, 'Manufacture of motor vehicles, trailers and semi-trailers'),
        ('C.29.1'::ltree, 'Manufacture of motor vehicles'),
        ('C.29.1.0'::ltree, 'Manufacture of motor vehicles'),
        ('C.29.2'::ltree, 'Manufacture of bodies and coachwork for motor vehicles; manufacture of trailers and semi-trailers'),
        ('C.29.2.0'::ltree, 'Manufacture of bodies and coachwork for motor vehicles; manufacture of trailers and semi-trailers'),
        ('C.29.3'::ltree, 'Manufacture of motor vehicle parts and accessories'),
        ('C.29.3.1'::ltree, 'Manufacture of electrical and electronic equipment for motor vehicles'),
        ('C.29.3.2'::ltree, 'Manufacture of other parts and accessories for motor vehicles'),
        ('C.30'::ltree, 'Manufacture of other transport equipment'),
        ('C.30.1'::ltree, 'Building of ships and boats'),
        ('C.30.1.1'::ltree, 'Building of civilian ships and floating structures'),
        ('C.30.1.2'::ltree, 'Building of pleasure and sporting boats'),
        ('C.30.1.3'::ltree, 'Building of military ships and vessels'),
        ('C.30.2'::ltree, 'Manufacture of railway locomotives and rolling stock'),
        ('C.30.2.0'::ltree, 'Manufacture of railway locomotives and rolling stock'),
        ('C.30.3'::ltree, 'Manufacture of air and spacecraft and related machinery'),
        ('C.30.3.1'::ltree, 'Manufacture of civilian air and spacecraft and related machinery'),
        ('C.30.3.2'::ltree, 'Manufacture of military air and spacecraft and related machinery'),
        ('C.30.4'::ltree, 'Manufacture of military fighting vehicles'),
        ('C.30.4.0'::ltree, 'Manufacture of military fighting vehicles'),
        ('C.30.9'::ltree, 'Manufacture of transport equipment n.e.c.'),
        ('C.30.9.1'::ltree, 'Manufacture of motorcycles'),
        ('C.30.9.2'::ltree, 'Manufacture of bicycles and invalid carriages'),
        ('C.30.9.9'::ltree, 'Manufacture of other transport equipment n.e.c.'),
        ('C.31'::ltree, 'Manufacture of furniture'),
        ('C.31.0'::ltree, 'Manufacture of furniture'),
        ('C.31.0.0'::ltree, 'Manufacture of furniture'),
        ('C.32'::ltree, 'Other manufacturing'),
        ('C.32.1'::ltree, 'Manufacture of jewellery, bijouterie and related articles'),
        ('C.32.1.1'::ltree, 'Striking of coins'),
        ('C.32.1.2'::ltree, 'Manufacture of jewellery and related articles'),
        ('C.32.1.3'::ltree, 'Manufacture of imitation jewellery and related articles'),
        ('C.32.2'::ltree, 'Manufacture of musical instruments'),
        ('C.32.2.0'::ltree, 'Manufacture of musical instruments'),
        ('C.32.3'::ltree, 'Manufacture of sports goods'),
        ('C.32.3.0'::ltree, 'Manufacture of sports goods'),
        ('C.32.4'::ltree, 'Manufacture of games and toys'),
        ('C.32.4.0'::ltree, 'Manufacture of games and toys'),
        ('C.32.5'::ltree, 'Manufacture of medical and dental instruments and supplies'),
        ('C.32.5.0'::ltree, 'Manufacture of medical and dental instruments and supplies'),
        ('C.32.9'::ltree, 'Manufacturing n.e.c.'),
        ('C.32.9.1'::ltree, 'Manufacture of brooms and brushes'),
        ('C.32.9.9'::ltree, 'Other manufacturing n.e.c.'),
        ('C.33'::ltree, 'Repair, maintenance and installation of machinery and equipment'),
        ('C.33.1'::ltree, 'Repair and maintenance of fabricated metal products, machinery and equipment'),
        ('C.33.1.1'::ltree, 'Repair and maintenance of fabricated metal products'),
        ('C.33.1.2'::ltree, 'Repair and maintenance of machinery'),
        ('C.33.1.3'::ltree, 'Repair and maintenance of electronic and optical equipment'),
        ('C.33.1.4'::ltree, 'Repair and maintenance of electrical equipment'),
        ('C.33.1.5'::ltree, 'Repair and maintenance of civilian ships and boats'),
        ('C.33.1.6'::ltree, 'Repair and maintenance of civilian air and spacecraft'),
        ('C.33.1.7'::ltree, 'Repair and maintenance of other civilian transport equipment'),
        ('C.33.1.8'::ltree, 'Repair and maintenance of military fighting vehicles, ships, boats, air and spacecraft'),
        ('C.33.1.9'::ltree, 'Repair and maintenance of other equipment'),
        ('C.33.2'::ltree, 'Installation of industrial machinery and equipment'),
        ('C.33.2.0'::ltree, 'Installation of industrial machinery and equipment'),
        ('D'::ltree, 'ELECTRICITY, GAS, STEAM AND AIR CONDITIONING SUPPLY'),
        ('D.35'::ltree, 'Electricity, gas, steam and air conditioning supply'),
        ('D.35.1'::ltree, 'Electric power generation, transmission and distribution'),
        ('D.35.1.1'::ltree, 'Production of electricity from non-renewable sources'),
        ('D.35.1.2'::ltree, 'Production of electricity from renewable sources'),
        ('D.35.1.3'::ltree, 'Transmission of electricity'),
        ('D.35.1.4'::ltree, 'Distribution of electricity'),
        ('D.35.1.5'::ltree, 'Trade of electricity'),
        ('D.35.1.6'::ltree, 'Storage of electricity'),
        ('D.35.2'::ltree, 'Manufacture of gas, and distribution of gaseous fuels through mains'),
        ('D.35.2.1'::ltree, 'Manufacture of gas'),
        ('D.35.2.2'::ltree, 'Distribution of gaseous fuels through mains'),
        ('D.35.2.3'::ltree, 'Trade of gas through mains'),
        ('D.35.2.4'::ltree, 'Storage of gas as part of network supply services'),
        ('D.35.3'::ltree, 'Steam and air conditioning supply'),
        ('D.35.3.0'::ltree, 'Steam and air conditioning supply'),
        ('D.35.4'::ltree, 'Activities of brokers and agents for electric power and natural gas'),
        ('D.35.4.0'::ltree, 'Activities of brokers and agents for electric power and natural gas'),
        ('E'::ltree, 'WATER SUPPLY; SEWERAGE, WASTE MANAGEMENT AND REMEDIATION ACTIVITIES'),
        ('E.36'::ltree, 'Water collection, treatment and supply'),
        ('E.36.0'::ltree, 'Water collection, treatment and supply'),
        ('E.36.0.0'::ltree, 'Water collection, treatment and supply'),
        ('E.37'::ltree, 'Sewerage'),
        ('E.37.0'::ltree, 'Sewerage'),
        ('E.37.0.0'::ltree, 'Sewerage'),
        ('E.38'::ltree, 'Waste collection, recovery and disposal activities'),
        ('E.38.1'::ltree, 'Waste collection'),
        ('E.38.1.1'::ltree, 'Collection of non-hazardous waste'),
        ('E.38.1.2'::ltree, 'Collection of hazardous waste'),
        ('E.38.2'::ltree, 'Waste recovery'),
        ('E.38.2.1'::ltree, 'Materials recovery'),
        ('E.38.2.2'::ltree, 'Energy recovery'),
        ('E.38.2.3'::ltree, 'Other waste recovery'),
        ('E.38.3'::ltree, 'Waste disposal without recovery'),
        ('E.38.3.1'::ltree, 'Incineration without energy recovery'),
        ('E.38.3.2'::ltree, 'Landfilling or permanent storage'),
        ('E.38.3.3'::ltree, 'Other waste disposal'),
        ('E.39'::ltree, 'Remediation activities and other waste management service activities'),
        ('E.39.0'::ltree, 'Remediation activities and other waste management service activities'),
        ('E.39.0.0'::ltree, 'Remediation activities and other waste management service activities'),
        ('F'::ltree, 'CONSTRUCTION'),
        ('F.41'::ltree, 'Construction of residential and non-residential buildings'),
        ('F.41.0'::ltree, 'Construction of residential and non-residential buildings'),
        ('F.41.0.0'::ltree, 'Construction of residential and non-residential buildings'),
        ('F.42'::ltree, 'Civil engineering'),
        ('F.42.1'::ltree, 'Construction of roads and railways'),
        ('F.42.1.1'::ltree, 'Construction of roads and motorways'),
        ('F.42.1.2'::ltree, 'Construction of railways and underground railways'),
        ('F.42.1.3'::ltree, 'Construction of bridges and tunnels'),
        ('F.42.2'::ltree, 'Construction of utility projects'),
        ('F.42.2.1'::ltree, 'Construction of utility projects for fluids'),
        ('F.42.2.2'::ltree, 'Construction of utility projects for electricity and telecommunications'),
        ('F.42.9'::ltree, 'Construction of other civil engineering projects'),
        ('F.42.9.1'::ltree, 'Construction of water projects'),
        ('F.42.9.9'::ltree, 'Construction of other civil engineering projects n.e.c.'),
        ('F.43'::ltree, 'Specialised construction activities'),
        ('F.43.1'::ltree, 'Demolition and site preparation'),
        ('F.43.1.1'::ltree, 'Demolition'),
        ('F.43.1.2'::ltree, 'Site preparation'),
        ('F.43.1.3'::ltree, 'Test drilling and boring'),
        ('F.43.2'::ltree, 'Electrical, plumbing and other construction installation activities'),
        ('F.43.2.1'::ltree, 'Electrical installation'),
        ('F.43.2.2'::ltree, 'Plumbing, heat and air-conditioning installation'),
        ('F.43.2.3'::ltree, 'Installation of insulation'),
        ('F.43.2.4'::ltree, 'Other construction installation'),
        ('F.43.3'::ltree, 'Building completion and finishing'),
        ('F.43.3.1'::ltree, 'Plastering'),
        ('F.43.3.2'::ltree, 'Joinery installation'),
        ('F.43.3.3'::ltree, 'Floor and wall covering'),
        ('F.43.3.4'::ltree, 'Painting and glazing'),
        ('F.43.3.5'::ltree, 'Other building completion and finishing'),
        ('F.43.4'::ltree, 'Specialised construction activities in construction of buildings'),
        ('F.43.4.1'::ltree, 'Roofing activities'),
        ('F.43.4.2'::ltree, 'Other specialised construction activities in construction of buildings'),
        ('F.43.5'::ltree, 'Specialised construction activities in civil engineering'),
        ('F.43.5.0'::ltree, 'Specialised construction activities in civil engineering'),
        ('F.43.6'::ltree, 'Intermediation service activities for specialised construction services'),
        ('F.43.6.0'::ltree, 'Intermediation service activities for specialised construction services'),
        ('F.43.9'::ltree, 'Other specialised construction activities'),
        ('F.43.9.1'::ltree, 'Masonry and bricklaying activities'),
        ('F.43.9.9'::ltree, 'Other specialised construction activities n.e.c.'),
        ('G'::ltree, 'WHOLESALE AND RETAIL TRADE'),
        ('G.46'::ltree, 'Wholesale trade'),
        ('G.46.1'::ltree, 'Wholesale on a fee or contract basis'),
        ('G.46.1.1'::ltree, 'Activities of agents involved in the wholesale of agricultural raw materials, live animals, textile raw materials and semi-finished goods'),
        ('G.46.1.2'::ltree, 'Activities of agents involved in the wholesale of fuels, ores, metals and industrial chemicals'),
        ('G.46.1.3'::ltree, 'Activities of agents involved in the wholesale of timber and building materials'),
        ('G.46.1.4'::ltree, 'Activities of agents involved in the wholesale of machinery, industrial equipment, ships and aircraft'),
        ('G.46.1.5'::ltree, 'Activities of agents involved in the wholesale of furniture, household goods, hardware and ironmongery'),
        ('G.46.1.6'::ltree, 'Activities of agents involved in the wholesale of textiles, clothing, fur, footwear and leather goods'),
        ('G.46.1.7'::ltree, 'Activities of agents involved in the wholesale of food, beverages and tobacco'),
        ('G.46.1.8'::ltree, 'Activities of agents involved in the wholesale of other particular products'),
        ('G.46.1.9'::ltree, 'Activities of agents involved in non-specialised wholesale'),
        ('G.46.2'::ltree, 'Wholesale of agricultural raw materials and live animals'),
        ('G.46.2.1'::ltree, 'Wholesale of grain, unmanufactured tobacco, seeds and animal feeds'),
        ('G.46.2.2'::ltree, 'Wholesale of flowers and plants'),
        ('G.46.2.3'::ltree, 'Wholesale of live animals'),
        ('G.46.2.4'::ltree, 'Wholesale of hides, skins and leather'),
        ('G.46.3'::ltree, 'Wholesale of food, beverages and tobacco'),
        ('G.46.3.1'::ltree, 'Wholesale of fruit and vegetables'),
        ('G.46.3.2'::ltree, 'Wholesale of meat, meat products, fish and fish products'),
        ('G.46.3.3'::ltree, 'Wholesale of dairy products, eggs and edible oils and fats'),
        ('G.46.3.4'::ltree, 'Wholesale of beverages'),
        ('G.46.3.5'::ltree, 'Wholesale of tobacco products'),
        ('G.46.3.6'::ltree, 'Wholesale of sugar, chocolate and sugar confectionery'),
        ('G.46.3.7'::ltree, 'Wholesale of coffee, tea, cocoa and spices'),
        ('G.46.3.8'::ltree, 'Wholesale of other food'),
        ('G.46.3.9'::ltree, 'Non-specialised wholesale of food, beverages and tobacco'),
        ('G.46.4'::ltree, 'Wholesale of household goods'),
        ('G.46.4.1'::ltree, 'Wholesale of textiles'),
        ('G.46.4.2'::ltree, 'Wholesale of clothing and footwear'),
        ('G.46.4.3'::ltree, 'Wholesale of electrical household appliances'),
        ('G.46.4.4'::ltree, 'Wholesale of china and glassware and cleaning materials'),
        ('G.46.4.5'::ltree, 'Wholesale of perfume and cosmetics'),
        ('G.46.4.6'::ltree, 'Wholesale of pharmaceutical and medical goods'),
        ('G.46.4.7'::ltree, 'Wholesale of household, office and shop furniture, carpets and lighting equipment'),
        ('G.46.4.8'::ltree, 'Wholesale of watches and jewellery'),
        ('G.46.4.9'::ltree, 'Wholesale of other household goods'),
        ('G.46.5'::ltree, 'Wholesale of information and communication equipment'),
        ('G.46.5.0'::ltree, 'Wholesale of information and communication equipment'),
        ('G.46.6'::ltree, 'Wholesale of other machinery, equipment and supplies'),
        ('G.46.6.1'::ltree, 'Wholesale of agricultural machinery, equipment and supplies'),
        ('G.46.6.2'::ltree, 'Wholesale of machine tools'),
        ('G.46.6.3'::ltree, 'Wholesale of mining, construction and civil engineering machinery'),
        ('G.46.6.4'::ltree, 'Wholesale of other machinery and equipment'),
        ('G.46.7'::ltree, 'Wholesale of motor vehicles, motorcycles and related parts and accessories'),
        ('G.46.7.1'::ltree, 'Wholesale of motor vehicles'),
        ('G.46.7.2'::ltree, 'Wholesale of motor vehicle parts and accessories'),
        ('G.46.7.3'::ltree, 'Wholesale of motorcycles, motorcycle parts and accessories'),
        ('G.46.8'::ltree, 'Other specialised wholesale'),
        ('G.46.8.1'::ltree, 'Wholesale of solid, liquid and gaseous fuels and related products'),
        ('G.46.8.2'::ltree, 'Wholesale of metals and metal ores'),
        ('G.46.8.3'::ltree, 'Wholesale of wood, construction materials and sanitary equipment'),
        ('G.46.8.4'::ltree, 'Wholesale of hardware, plumbing and heating equipment and supplies'),
        ('G.46.8.5'::ltree, 'Wholesale of chemical products'),
        ('G.46.8.6'::ltree, 'Wholesale of other intermediate products'),
        ('G.46.8.7'::ltree, 'Wholesale of waste and scrap'),
        ('G.46.8.9'::ltree, 'Other specialised wholesale n.e.c.'),
        ('G.46.9'::ltree, 'Non-specialised wholesale trade'),
        ('G.46.9.0'::ltree, 'Non-specialised wholesale trade'),
        ('G.47'::ltree, 'Retail trade'),
        ('G.47.1'::ltree, 'Non-specialised retail sale'),
        ('G.47.1.1'::ltree, 'Non-specialised retail sale of predominately food, beverages or tobacco'),
        ('G.47.1.2'::ltree, 'Other non-specialised retail sale'),
        ('G.47.2'::ltree, 'Retail sale of food, beverages and tobacco'),
        ('G.47.2.1'::ltree, 'Retail sale of fruit and vegetables'),
        ('G.47.2.2'::ltree, 'Retail sale of meat and meat products'),
        ('G.47.2.3'::ltree, 'Retail sale of fish, crustaceans and molluscs'),
        ('G.47.2.4'::ltree, 'Retail sale of bread, cake and confectionery'),
        ('G.47.2.5'::ltree, 'Retail sale of beverages'),
        ('G.47.2.6'::ltree, 'Retail sale of tobacco products'),
        ('G.47.2.7'::ltree, 'Retail sale of other food'),
        ('G.47.3'::ltree, 'Retail sale of automotive fuel'),
        ('G.47.3.0'::ltree, 'Retail sale of automotive fuel'),
        ('G.47.4'::ltree, 'Retail sale of information and communication equipment'),
        ('G.47.4.0'::ltree, 'Retail sale of information and communication equipment'),
        ('G.47.5'::ltree, 'Retail sale of other household equipment'),
        ('G.47.5.1'::ltree, 'Retail sale of textiles'),
        ('G.47.5.2'::ltree, 'Retail sale of hardware, building materials, paints and glass'),
        ('G.47.5.3'::ltree, 'Retail sale of carpets, rugs, wall and floor coverings'),
        ('G.47.5.4'::ltree, 'Retail sale of electrical household appliances'),
        ('G.47.5.5'::ltree, 'Retail sale of furniture, lighting equipment, tableware and other household goods'),
        ('G.47.6'::ltree, 'Retail sale of cultural and recreational goods'),
        ('G.47.6.1'::ltree, 'Retail sale of books'),
        ('G.47.6.2'::ltree, 'Retail sale of newspapers, and other periodical publications and stationery'),
        ('G.47.6.3'::ltree, 'Retail sale of sporting equipment'),
        ('G.47.6.4'::ltree, 'Retail sale of games and toys'),
        ('G.47.6.9'::ltree, 'Retail sale of cultural and recreational goods n.e.c.'),
        ('G.47.7'::ltree, 'Retail sale of other goods, except motor vehicles and motorcycles'),
        ('G.47.7.1'::ltree, 'Retail sale of clothing'),
        ('G.47.7.2'::ltree, 'Retail sale of footwear and leather goods'),
        ('G.47.7.3'::ltree, 'Retail sale of pharmaceutical products'),
        ('G.47.7.4'::ltree, 'Retail sale of medical and orthopaedic goods'),
        ('G.47.7.5'::ltree, 'Retail sale of cosmetic and toilet articles'),
        ('G.47.7.6'::ltree, 'Retail sale of flowers, plants, fertilisers, pets and pet food'),
        ('G.47.7.7'::ltree, 'Retail sale of watches and jewellery'),
        ('G.47.7.8'::ltree, 'Retail sale of other new goods'),
        ('G.47.7.9'::ltree, 'Retail sale of second-hand goods'),
        ('G.47.8'::ltree, 'Retail sale of motor vehicles, motorcycles and related parts and accessories'),
        ('G.47.8.1'::ltree, 'Retail sale of motor vehicles'),
        ('G.47.8.2'::ltree, 'Retail sale of motor vehicle parts and accessories'),
        ('G.47.8.3'::ltree, 'Retail sale of motorcycles, motorcycle parts and accessories'),
        ('G.47.9'::ltree, 'Intermediation service activities for retail sale'),
        ('G.47.9.1'::ltree, 'Intermediation service activities for non-specialised retail sale'),
        ('G.47.9.2'::ltree, 'Intermediation service activities for specialised retail sale'),
        ('H'::ltree, 'TRANSPORTATION AND STORAGE'),
        ('H.49'::ltree, 'Land transport and transport via pipelines'),
        ('H.49.1'::ltree, 'Passenger rail transport'),
        ('H.49.1.1'::ltree, 'Passenger heavy rail transport'),
        ('H.49.1.2'::ltree, 'Other passenger rail transport'),
        ('H.49.2'::ltree, 'Freight rail transport'),
        ('H.49.2.0'::ltree, 'Freight rail transport'),
        ('H.49.3'::ltree, 'Other passenger land transport'),
        ('H.49.3.1'::ltree, 'Scheduled passenger transport by road'),
        ('H.49.3.2'::ltree, 'Non-scheduled passenger transport by road'),
        ('H.49.3.3'::ltree, 'On-demand passenger transport service activities by vehicle with driver'),
        ('H.49.3.4'::ltree, 'Passenger transport by cableways and ski lifts'),
        ('H.49.3.9'::ltree, 'Other passenger land transport n.e.c.'),
        ('H.49.4'::ltree, 'Freight transport by road and removal services'),
        ('H.49.4.1'::ltree, 'Freight transport by road'),
        ('H.49.4.2'::ltree, 'Removal services'),
        ('H.49.5'::ltree, 'Transport via pipeline'),
        ('H.49.5.0'::ltree, 'Transport via pipeline'),
        ('H.50'::ltree, 'Water transport'),
        ('H.50.1'::ltree, 'Sea and coastal passenger water transport'),
        ('H.50.1.0'::ltree, 'Sea and coastal passenger water transport'),
        ('H.50.2'::ltree, 'Sea and coastal freight water transport'),
        ('H.50.2.0'::ltree, 'Sea and coastal freight water transport'),
        ('H.50.3'::ltree, 'Inland passenger water transport'),
        ('H.50.3.0'::ltree, 'Inland passenger water transport'),
        ('H.50.4'::ltree, 'Inland freight water transport'),
        ('H.50.4.0'::ltree, 'Inland freight water transport'),
        ('H.51'::ltree, 'Air transport'),
        ('H.51.1'::ltree, 'Passenger air transport'),
        ('H.51.1.0'::ltree, 'Passenger air transport'),
        ('H.51.2'::ltree, 'Freight air transport and space transport'),
        ('H.51.2.1'::ltree, 'Freight air transport'),
        ('H.51.2.2'::ltree, 'Space transport'),
        ('H.52'::ltree, 'Warehousing, storage and support activities for transportation'),
        ('H.52.1'::ltree, 'Warehousing and storage'),
        ('H.52.1.0'::ltree, 'Warehousing and storage'),
        ('H.52.2'::ltree, 'Support activities for transportation'),
        ('H.52.2.1'::ltree, 'Service activities incidental to land transportation'),
        ('H.52.2.2'::ltree, 'Service activities incidental to water transportation'),
        ('H.52.2.3'::ltree, 'Service activities incidental to air transportation'),
        ('H.52.2.4'::ltree, 'Cargo handling'),
        ('H.52.2.5'::ltree, 'Logistics service activities'),
        ('H.52.2.6'::ltree, 'Other support activities for transportation'),
        ('H.52.3'::ltree, 'Intermediation service activities for transportation'),
        ('H.52.3.1'::ltree, 'Intermediation service activities for freight transportation'),
        ('H.52.3.2'::ltree, 'Intermediation service activities for passenger transportation'),
        ('H.53'::ltree, 'Postal and courier activities'),
        ('H.53.1'::ltree, 'Postal activities under universal service obligation'),
        ('H.53.1.0'::ltree, 'Postal activities under universal service obligation'),
        ('H.53.2'::ltree, 'Other postal and courier activities'),
        ('H.53.2.0'::ltree, 'Other postal and courier activities'),
        ('H.53.3'::ltree, 'Intermediation service activities for postal and courier activities'),
        ('H.53.3.0'::ltree, 'Intermediation service activities for postal and courier activities'),
        ('I'::ltree, 'ACCOMMODATION AND FOOD SERVICE ACTIVITIES'),
        ('I.55'::ltree, 'Accommodation'),
        ('I.55.1'::ltree, 'Hotels and similar accommodation'),
        ('I.55.1.0'::ltree, 'Hotels and similar accommodation'),
        ('I.55.2'::ltree, 'Holiday and other short-stay accommodation'),
        ('I.55.2.0'::ltree, 'Holiday and other short-stay accommodation'),
        ('I.55.3'::ltree, 'Camping grounds and recreational vehicle parks'),
        ('I.55.3.0'::ltree, 'Camping grounds and recreational vehicle parks'),
        ('I.55.4'::ltree, 'Intermediation service activities for accommodation'),
        ('I.55.4.0'::ltree, 'Intermediation service activities for accommodation'),
        ('I.55.9'::ltree, 'Other accommodation'),
        ('I.55.9.0'::ltree, 'Other accommodation'),
        ('I.56'::ltree, 'Food and beverage service activities'),
        ('I.56.1'::ltree, 'Restaurants and mobile food service activities'),
        ('I.56.1.1'::ltree, 'Restaurant activities'),
        ('I.56.1.2'::ltree, 'Mobile food service activities'),
        ('I.56.2'::ltree, 'Event catering, contract catering service activities and other food service activities'),
        ('I.56.2.1'::ltree, 'Event catering activities'),
        ('I.56.2.2'::ltree, 'Contract catering service activities and other food service activities'),
        ('I.56.3'::ltree, 'Beverage serving activities'),
        ('I.56.3.0'::ltree, 'Beverage serving activities'),
        ('I.56.4'::ltree, 'Intermediation service activities for food and beverage services activities'),
        ('I.56.4.0'::ltree, 'Intermediation service activities for food and beverage services activities'),
        ('J'::ltree, 'PUBLISHING, BROADCASTING, AND CONTENT PRODUCTION AND DISTRIBUTION ACTIVITIES'),
        ('J.58'::ltree, 'Publishing activities'),
        ('J.58.1'::ltree, 'Publishing of books, newspapers and other publishing activities, except software publishing'),
        ('J.58.1.1'::ltree, 'Publishing of books'),
        ('J.58.1.2'::ltree, 'Publishing of newspapers'),
        ('J.58.1.3'::ltree, 'Publishing of journals and periodicals'),
        ('J.58.1.9'::ltree, 'Other publishing activities, except software publishing'),
        ('J.58.2'::ltree, 'Software publishing'),
        ('J.58.2.1'::ltree, 'Publishing of video games'),
        ('J.58.2.9'::ltree, 'Other software publishing'),
        ('J.59'::ltree, 'Motion picture, video and television programme production, sound recording and music publishing activities'),
        ('J.59.1'::ltree, 'Motion picture, video and television programme activities'),
        ('J.59.1.1'::ltree, 'Motion picture, video and television programme production activities'),
        ('J.59.1.2'::ltree, 'Motion picture, video and television programme post-production activities'),
        ('J.59.1.3'::ltree, 'Motion picture and video distribution activities'),
        ('J.59.1.4'::ltree, 'Motion picture projection activities'),
        ('J.59.2'::ltree, 'Sound recording and music publishing activities'),
        ('J.59.2.0'::ltree, 'Sound recording and music publishing activities'),
        ('J.60'::ltree, 'Programming, broadcasting, news agency and other content distribution activities'),
        ('J.60.1'::ltree, 'Radio broadcasting and audio distribution activities'),
        ('J.60.1.0'::ltree, 'Radio broadcasting and audio distribution activities'),
        ('J.60.2'::ltree, 'Television programming, broadcasting and video distribution activities'),
        ('J.60.2.0'::ltree, 'Television programming, broadcasting and video distribution activities'),
        ('J.60.3'::ltree, 'News agency and other content distribution activities'),
        ('J.60.3.1'::ltree, 'News agency activities'),
        ('J.60.3.9'::ltree, 'Other content distribution activities'),
        ('K'::ltree, 'TELECOMMUNICATION, COMPUTER PROGRAMMING, CONSULTING, COMPUTING INFRASTRUCTURE AND OTHER INFORMATION SERVICE ACTIVITIES'),
        ('K.61'::ltree, 'Telecommunication'),
        ('K.61.1'::ltree, 'Wired, wireless, and satellite telecommunication activities'),
        ('K.61.1.0'::ltree, 'Wired, wireless, and satellite telecommunication activities'),
        ('K.61.2'::ltree, 'Telecommunication reselling activities and intermediation service activities for telecommunication'),
        ('K.61.2.0'::ltree, 'Telecommunication reselling activities and intermediation service activities for telecommunication'),
        ('K.61.9'::ltree, 'Other telecommunication activities'),
        ('K.61.9.0'::ltree, 'Other telecommunication activities'),
        ('K.62'::ltree, 'Computer programming, consultancy and related activities'),
        ('K.62.1'::ltree, 'Computer programming activities'),
        ('K.62.1.0'::ltree, 'Computer programming activities'),
        ('K.62.2'::ltree, 'Computer consultancy and computer facilities management activities'),
        ('K.62.2.0'::ltree, 'Computer consultancy and computer facilities management activities'),
        ('K.62.9'::ltree, 'Other information technology and computer service activities'),
        ('K.62.9.0'::ltree, 'Other information technology and computer service activities'),
        ('K.63'::ltree, 'Computing infrastructure, data processing, hosting and other information service activities'),
        ('K.63.1'::ltree, 'Computing infrastructure, data processing, hosting and related activities'),
        ('K.63.1.0'::ltree, 'Computing infrastructure, data processing, hosting and related activities'),
        ('K.63.9'::ltree, 'Web search portal activities and other information service activities'),
        ('K.63.9.1'::ltree, 'Web search portal activities'),
        ('K.63.9.2'::ltree, 'Other information service activities'),
        ('L'::ltree, 'FINANCIAL AND INSURANCE ACTIVITIES'),
        ('L.64'::ltree, 'Financial service activities, except insurance and pension funding'),
        ('L.64.1'::ltree, 'Monetary intermediation'),
        ('L.64.1.1'::ltree, 'Central banking'),
        ('L.64.1.9'::ltree, 'Other monetary intermediation'),
        ('L.64.2'::ltree, 'Activities of holding companies and financing conduits'),
        ('L.64.2.1'::ltree, 'Activities of holding companies'),
        ('L.64.2.2'::ltree, 'Activities of financing conduits'),
        ('L.64.3'::ltree, 'Activities of trusts, funds and similar financial entities'),
        ('L.64.3.1'::ltree, 'Activities of money market and non-money market investments funds'),
        ('L.64.3.2'::ltree, 'Activities of trust, estate and agency accounts'),
        ('L.64.9'::ltree, 'Other financial service activities, except insurance and pension funding'),
        ('L.64.9.1'::ltree, 'Financial leasing'),
        ('L.64.9.2'::ltree, 'Other credit granting'),
        ('L.64.9.9'::ltree, 'Other financial service activities, except insurance and pension funding n.e.c.'),
        ('L.65'::ltree, 'Insurance, reinsurance and pension funding, except compulsory social security'),
        ('L.65.1'::ltree, 'Insurance'),
        ('L.65.1.1'::ltree, 'Life insurance'),
        ('L.65.1.2'::ltree, 'Non-life insurance'),
        ('L.65.2'::ltree, 'Reinsurance'),
        ('L.65.2.0'::ltree, 'Reinsurance'),
        ('L.65.3'::ltree, 'Pension funding'),
        ('L.65.3.0'::ltree, 'Pension funding'),
        ('L.66'::ltree, 'Activities auxiliary to financial services and insurance activities'),
        ('L.66.1'::ltree, 'Activities auxiliary to financial services, except insurance and pension funding'),
        ('L.66.1.1'::ltree, 'Administration of financial markets'),
        ('L.66.1.2'::ltree, 'Security and commodity contracts brokerage'),
        ('L.66.1.9'::ltree, 'Other activities auxiliary to financial services, except insurance and pension funding'),
        ('L.66.2'::ltree, 'Activities auxiliary to insurance and pension funding'),
        ('L.66.2.1'::ltree, 'Risk and damage evaluation'),
        ('L.66.2.2'::ltree, 'Activities of insurance agents and brokers'),
        ('L.66.2.9'::ltree, 'Activities auxiliary to insurance and pension funding n.e.c.'),
        ('L.66.3'::ltree, 'Fund management activities'),
        ('L.66.3.0'::ltree, 'Fund management activities'),
        ('M'::ltree, 'REAL ESTATE ACTIVITIES'),
        ('M.68'::ltree, 'Real estate activities'),
        ('M.68.1'::ltree, 'Real estate activities with own property and development of building projects'),
        ('M.68.1.1'::ltree, 'Buying and selling of own real estate'),
        ('M.68.1.2'::ltree, 'Development of building projects'),
        ('M.68.2'::ltree, 'Rental and operating of own or leased real estate'),
        ('M.68.2.0'::ltree, 'Rental and operating of own or leased real estate'),
        ('M.68.3'::ltree, 'Real estate activities on a fee or contract basis'),
        ('M.68.3.1'::ltree, 'Intermediation service activities for real estate activities'),
        ('M.68.3.2'::ltree, 'Other real estate activities on a fee or contract basis'),
        ('N'::ltree, 'PROFESSIONAL, SCIENTIFIC AND TECHNICAL ACTIVITIES'),
        ('N.69'::ltree, 'Legal and accounting activities'),
        ('N.69.1'::ltree, 'Legal activities'),
        ('N.69.1.0'::ltree, 'Legal activities'),
        ('N.69.2'::ltree, 'Accounting, bookkeeping and auditing activities; tax consultancy'),
        ('N.69.2.0'::ltree, 'Accounting, bookkeeping and auditing activities; tax consultancy'),
        ('N.70'::ltree, 'Activities of head offices and management consultancy'),
        ('N.70.1'::ltree, 'Activities of head offices'),
        ('N.70.1.0'::ltree, 'Activities of head offices'),
        ('N.70.2'::ltree, 'Business and other management consultancy activities'),
        ('N.70.2.0'::ltree, 'Business and other management consultancy activities'),
        ('N.71'::ltree, 'Architectural and engineering activities; technical testing and analysis'),
        ('N.71.1'::ltree, 'Architectural and engineering activities and related technical consultancy'),
        ('N.71.1.1'::ltree, 'Architectural activities'),
        ('N.71.1.2'::ltree, 'Engineering activities and related technical consultancy'),
        ('N.71.2'::ltree, 'Technical testing and analysis'),
        ('N.71.2.0'::ltree, 'Technical testing and analysis'),
        ('N.72'::ltree, 'Scientific research and development'),
        ('N.72.1'::ltree, 'Research and experimental development on natural sciences and engineering'),
        ('N.72.1.0'::ltree, 'Research and experimental development on natural sciences and engineering'),
        ('N.72.2'::ltree, 'Research and experimental development on social sciences and humanities'),
        ('N.72.2.0'::ltree, 'Research and experimental development on social sciences and humanities'),
        ('N.73'::ltree, 'Activities of advertising, market research and public relations'),
        ('N.73.1'::ltree, 'Advertising'),
        ('N.73.1.1'::ltree, 'Activities of advertising agencies'),
        ('N.73.1.2'::ltree, 'Media representation'),
        ('N.73.2'::ltree, 'Market research and public opinion polling'),
        ('N.73.2.0'::ltree, 'Market research and public opinion polling'),
        ('N.73.3'::ltree, 'Public relations and communication activities'),
        ('N.73.3.0'::ltree, 'Public relations and communication activities'),
        ('N.74'::ltree, 'Other professional, scientific and technical activities'),
        ('N.74.1'::ltree, 'Specialised design activities'),
        ('N.74.1.1'::ltree, 'Industrial product and fashion design activities'),
        ('N.74.1.2'::ltree, 'Graphic design and visual communication activities'),
        ('N.74.1.3'::ltree, 'Interior design activities'),
        ('N.74.1.4'::ltree, 'Other specialised design activities'),
        ('N.74.2'::ltree, 'Photographic activities'),
        ('N.74.2.0'::ltree, 'Photographic activities'),
        ('N.74.3'::ltree, 'Translation and interpretation activities'),
        ('N.74.3.0'::ltree, 'Translation and interpretation activities'),
        ('N.74.9'::ltree, 'Other professional, scientific and technical activities n.e.c.'),
        ('N.74.9.1'::ltree, 'Patent brokering and marketing service activities'),
        ('N.74.9.9'::ltree, 'All other professional, scientific and technical activities n.e.c.'),
        ('N.75'::ltree, 'Veterinary activities'),
        ('N.75.0'::ltree, 'Veterinary activities'),
        ('N.75.0.0'::ltree, 'Veterinary activities'),
        ('O'::ltree, 'ADMINISTRATIVE AND SUPPORT SERVICE ACTIVITIES'),
        ('O.77'::ltree, 'Rental and leasing activities'),
        ('O.77.1'::ltree, 'Rental and leasing of motor vehicles'),
        ('O.77.1.1'::ltree, 'Rental and leasing of cars and light motor vehicles'),
        ('O.77.1.2'::ltree, 'Rental and leasing of trucks'),
        ('O.77.2'::ltree, 'Rental and leasing of personal and household goods'),
        ('O.77.2.1'::ltree, 'Rental and leasing of recreational and sports goods'),
        ('O.77.2.2'::ltree, 'Rental and leasing of other personal and household goods'),
        ('O.77.3'::ltree, 'Rental and leasing of other machinery, equipment and tangible goods'),
        ('O.77.3.1'::ltree, 'Rental and leasing of agricultural machinery and equipment'),
        ('O.77.3.2'::ltree, 'Rental and leasing of construction and civil engineering machinery and equipment'),
        ('O.77.3.3'::ltree, 'Rental and leasing of office machinery, equipment and computers'),
        ('O.77.3.4'::ltree, 'Rental and leasing of water transport equipment'),
        ('O.77.3.5'::ltree, 'Rental and leasing of air transport equipment'),
        ('O.77.3.9'::ltree, 'Rental and leasing of other machinery, equipment and tangible goods n.e.c.'),
        ('O.77.4'::ltree, 'Leasing of intellectual property and similar products, except copyrighted works'),
        ('O.77.4.0'::ltree, 'Leasing of intellectual property and similar products, except copyrighted works'),
        ('O.77.5'::ltree, 'Intermediation service activities for rental and leasing of tangible goods and non-financial intangible assets'),
        ('O.77.5.1'::ltree, 'Intermediation service activities for rental and leasing of cars, motorhomes and trailers'),
        ('O.77.5.2'::ltree, 'Intermediation service activities for rental and leasing of other tangible goods and non-financial intangible assets'),
        ('O.78'::ltree, 'Employment activities'),
        ('O.78.1'::ltree, 'Activities of employment placement agencies'),
        ('O.78.1.0'::ltree, 'Activities of employment placement agencies'),
        ('O.78.2'::ltree, 'Temporary employment agency activities and other human resource provisions'),
        ('O.78.2.0'::ltree, 'Temporary employment agency activities and other human resource provisions'),
        ('O.79'::ltree, 'Travel agency, tour operator and other reservation service and related activities'),
        ('O.79.1'::ltree, 'Travel agency and tour operator activities'),
        ('O.79.1.1'::ltree, 'Travel agency activities'),
        ('O.79.1.2'::ltree, 'Tour operator activities'),
        ('O.79.9'::ltree, 'Other reservation service and related activities'),
        ('O.79.9.0'::ltree, 'Other reservation service and related activities'),
        ('O.80'::ltree, 'Investigation and security activities'),
        ('O.80.0'::ltree, 'Investigation and security activities'),
        ('O.80.0.1'::ltree, 'Investigation and private security activities'),
        ('O.80.0.9'::ltree, 'Security activities n.e.c.'),
        ('O.81'::ltree, 'Services to buildings and landscape activities'),
        ('O.81.1'::ltree, 'Combined facilities support activities'),
        ('O.81.1.0'::ltree, 'Combined facilities support activities'),
        ('O.81.2'::ltree, 'Cleaning activities'),
        ('O.81.2.1'::ltree, 'General cleaning of buildings'),
        ('O.81.2.2'::ltree, 'Other building and industrial cleaning activities'),
        ('O.81.2.3'::ltree, 'Other cleaning activities'),
        ('O.81.3'::ltree, 'Landscape service activities'),
        ('O.81.3.0'::ltree, 'Landscape service activities'),
        ('O.82'::ltree, 'Office administrative, office support and other business support activities'),
        ('O.82.1'::ltree, 'Office administrative and support activities'),
        ('O.82.1.0'::ltree, 'Office administrative and support activities'),
        ('O.82.2'::ltree, 'Activities of call centres'),
        ('O.82.2.0'::ltree, 'Activities of call centres'),
        ('O.82.3'::ltree, 'Organisation of conventions and trade shows'),
        ('O.82.3.0'::ltree, 'Organisation of conventions and trade shows'),
        ('O.82.4'::ltree, 'Intermediation service activities for business support service activities n.e.c.'),
        ('O.82.4.0'::ltree, 'Intermediation service activities for business support service activities n.e.c.'),
        ('O.82.9'::ltree, 'Business support service activities n.e.c.'),
        ('O.82.9.1'::ltree, 'Activities of collection agencies and credit bureaus'),
        ('O.82.9.2'::ltree, 'Packaging activities'),
        ('O.82.9.9'::ltree, 'Other business support service activities n.e.c.'),
        ('P'::ltree, 'PUBLIC ADMINISTRATION AND DEFENCE; COMPULSORY SOCIAL SECURITY'),
        ('P.84'::ltree, 'Public administration and defence; compulsory social security'),
        ('P.84.1'::ltree, 'Administration of the State and the economic, social and environmental policies of the community'),
        ('P.84.1.1'::ltree, 'General public administration activities'),
        ('P.84.1.2'::ltree, 'Regulation of health care, education, cultural services and other social services'),
        ('P.84.1.3'::ltree, 'Regulation of and contribution to more efficient operation of businesses'),
        ('P.84.2'::ltree, 'Provision of services to the community as a whole'),
        ('P.84.2.1'::ltree, 'Foreign affairs'),
        ('P.84.2.2'::ltree, 'Defence activities'),
        ('P.84.2.3'::ltree, 'Justice and judicial activities'),
        ('P.84.2.4'::ltree, 'Public order and safety activities'),
        ('P.84.2.5'::ltree, 'Fire service activities'),
        ('P.84.3'::ltree, 'Compulsory social security activities'),
        ('P.84.3.0'::ltree, 'Compulsory social security activities'),
        ('Q'::ltree, 'EDUCATION'),
        ('Q.85'::ltree, 'Education'),
        ('Q.85.1'::ltree, 'Pre-primary education'),
        ('Q.85.1.0'::ltree, 'Pre-primary education'),
        ('Q.85.2'::ltree, 'Primary education'),
        ('Q.85.2.0'::ltree, 'Primary education'),
        ('Q.85.3'::ltree, 'Secondary and post-secondary non-tertiary education'),
        ('Q.85.3.1'::ltree, 'General secondary education'),
        ('Q.85.3.2'::ltree, 'Vocational secondary education'),
        ('Q.85.3.3'::ltree, 'Post-secondary non-tertiary education'),
        ('Q.85.4'::ltree, 'Tertiary education'),
        ('Q.85.4.0'::ltree, 'Tertiary education'),
        ('Q.85.5'::ltree, 'Other education'),
        ('Q.85.5.1'::ltree, 'Sports and recreation education'),
        ('Q.85.5.2'::ltree, 'Cultural education'),
        ('Q.85.5.3'::ltree, 'Driving school activities'),
        ('Q.85.5.9'::ltree, 'Other education n.e.c.'),
        ('Q.85.6'::ltree, 'Educational support activities'),
        ('Q.85.6.1'::ltree, 'Intermediation service activities for courses and tutors'),
        ('Q.85.6.9'::ltree, 'Educational support activities n.e.c.'),
        ('R'::ltree, 'HUMAN HEALTH AND SOCIAL WORK ACTIVITIES'),
        ('R.86'::ltree, 'Human health activities'),
        ('R.86.1'::ltree, 'Hospital activities'),
        ('R.86.1.0'::ltree, 'Hospital activities'),
        ('R.86.2'::ltree, 'Medical and dental practice activities'),
        ('R.86.2.1'::ltree, 'General medical practice activities'),
        ('R.86.2.2'::ltree, 'Medical specialists activities'),
        ('R.86.2.3'::ltree, 'Dental practice care activities'),
        ('R.86.9'::ltree, 'Other human health activities'),
        ('R.86.9.1'::ltree, 'Diagnostic imaging services and medical laboratory activities'),
        ('R.86.9.2'::ltree, 'Patient transportation by ambulance'),
        ('R.86.9.3'::ltree, 'Activities of psychologists and psychotherapists, except medical doctors'),
        ('R.86.9.4'::ltree, 'Nursing and midwifery activities'),
        ('R.86.9.5'::ltree, 'Physiotherapy activities'),
        ('R.86.9.6'::ltree, 'Traditional, complementary and alternative medicine activities'),
        ('R.86.9.7'::ltree, 'Intermediation service activities for medical, dental and other human health services'),
        ('R.86.9.9'::ltree, 'Other human health activities n.e.c.'),
        ('R.87'::ltree, 'Residential care activities'),
        ('R.87.1'::ltree, 'Residential nursing care activities'),
        ('R.87.1.0'::ltree, 'Residential nursing care activities'),
        ('R.87.2'::ltree, 'Residential care activities for persons living with or having a diagnosis of a mental illness or substance abuse'),
        ('R.87.2.0'::ltree, 'Residential care activities for persons living with or having a diagnosis of a mental illness or substance abuse'),
        ('R.87.3'::ltree, 'Residential care activities for older persons or persons with physical disabilities'),
        ('R.87.3.0'::ltree, 'Residential care activities for older persons or persons with physical disabilities'),
        ('R.87.9'::ltree, 'Other residential care activities'),
        ('R.87.9.1'::ltree, 'Intermediation service activities for residential care activities'),
        ('R.87.9.9'::ltree, 'Other residential care activities n.e.c.'),
        ('R.88'::ltree, 'Social work activities without accommodation'),
        ('R.88.1'::ltree, 'Social work activities without accommodation for older persons or persons with disabilities'),
        ('R.88.1.0'::ltree, 'Social work activities without accommodation for older persons or persons with disabilities'),
        ('R.88.9'::ltree, 'Other social work activities without accommodation'),
        ('R.88.9.1'::ltree, 'Child day-care activities'),
        ('R.88.9.9'::ltree, 'Other social work activities without accommodation n.e.c.'),
        ('S'::ltree, 'ARTS, SPORTS AND RECREATION'),
        ('S.90'::ltree, 'Arts creation and performing arts activities'),
        ('S.90.1'::ltree, 'Arts creation activities'),
        ('S.90.1.1'::ltree, 'Literary creation and musical composition activities'),
        ('S.90.1.2'::ltree, 'Visual arts creation activities'),
        ('S.90.1.3'::ltree, 'Other arts creation activities'),
        ('S.90.2'::ltree, 'Activities of performing arts'),
        ('S.90.2.0'::ltree, 'Activities of performing arts'),
        ('S.90.3'::ltree, 'Support activities to arts creation and performing arts'),
        ('S.90.3.1'::ltree, 'Operation of arts facilities and sites'),
        ('S.90.3.9'::ltree, 'Other support activities to arts and performing arts'),
        ('S.91'::ltree, 'Libraries, archives, museums and other cultural activities'),
        ('S.91.1'::ltree, 'Library and archive activities'),
        ('S.91.1.1'::ltree, 'Library activities'),
        ('S.91.1.2'::ltree, 'Archive activities'),
        ('S.91.2'::ltree, 'Museum, collection, historical site and monument activities'),
        ('S.91.2.1'::ltree, 'Museum and collection activities'),
        ('S.91.2.2'::ltree, 'Historical site and monument activities'),
        ('S.91.3'::ltree, 'Conservation, restoration and other support activities for cultural heritage'),
        ('S.91.3.0'::ltree, 'Conservation, restoration and other support activities for cultural heritage'),
        ('S.91.4'::ltree, 'Botanical and zoological garden and nature reserve activities'),
        ('S.91.4.1'::ltree, 'Botanical and zoological garden activities'),
        ('S.91.4.2'::ltree, 'Nature reserve activities'),
        ('S.92'::ltree, 'Gambling and betting activities'),
        ('S.92.0'::ltree, 'Gambling and betting activities'),
        ('S.92.0.0'::ltree, 'Gambling and betting activities'),
        ('S.93'::ltree, 'Sports activities and amusement and recreation activities'),
        ('S.93.1'::ltree, 'Sports activities'),
        ('S.93.1.1'::ltree, 'Operation of sports facilities'),
        ('S.93.1.2'::ltree, 'Activities of sports clubs'),
        ('S.93.1.3'::ltree, 'Activities of fitness centres'),
        ('S.93.1.9'::ltree, 'Sports activities n.e.c.'),
        ('S.93.2'::ltree, 'Amusement and recreation activities'),
        ('S.93.2.1'::ltree, 'Activities of amusement parks and theme parks'),
        ('S.93.2.9'::ltree, 'Amusement and recreation activities n.e.c.'),
        ('T'::ltree, 'OTHER SERVICE ACTIVITIES'),
        ('T.94'::ltree, 'Activities of membership organisations'),
        ('T.94.1'::ltree, 'Activities of business, employers and professional membership organisations'),
        ('T.94.1.1'::ltree, 'Activities of business and employers membership organisations'),
        ('T.94.1.2'::ltree, 'Activities of professional membership organisations'),
        ('T.94.2'::ltree, 'Activities of trade unions'),
        ('T.94.2.0'::ltree, 'Activities of trade unions'),
        ('T.94.9'::ltree, 'Activities of other membership organisations'),
        ('T.94.9.1'::ltree, 'Activities of religious organisations'),
        ('T.94.9.2'::ltree, 'Activities of political organisations'),
        ('T.94.9.9'::ltree, 'Activities of other membership organisations n.e.c.'),
        ('T.95'::ltree, 'Repair and maintenance of computers, personal and household goods, and motor vehicles and motorcycles'),
        ('T.95.1'::ltree, 'Repair and maintenance of computers and communication equipment'),
        ('T.95.1.0'::ltree, 'Repair and maintenance of computers and communication equipment'),
        ('T.95.2'::ltree, 'Repair and maintenance of personal and household goods'),
        ('T.95.2.1'::ltree, 'Repair and maintenance of consumer electronics'),
        ('T.95.2.2'::ltree, 'Repair and maintenance of household appliances and home and garden equipment'),
        ('T.95.2.3'::ltree, 'Repair and maintenance of footwear and leather goods'),
        ('T.95.2.4'::ltree, 'Repair and maintenance of furniture and home furnishings'),
        ('T.95.2.5'::ltree, 'Repair and maintenance of watches, clocks and jewellery'),
        ('T.95.2.9'::ltree, 'Repair and maintenance of personal and household goods n.e.c.'),
        ('T.95.3'::ltree, 'Repair and maintenance of motor vehicles and motorcycles'),
        ('T.95.3.1'::ltree, 'Repair and maintenance of motor vehicles'),
        ('T.95.3.2'::ltree, 'Repair and maintenance of motorcycles'),
        ('T.95.4'::ltree, 'Intermediation service activities for repair and maintenance of computers, personal and household goods, and motor vehicles and motorcycles'),
        ('T.95.4.0'::ltree, 'Intermediation service activities for repair and maintenance of computers, personal and household goods, and motor vehicles and motorcycles'),
        ('T.96'::ltree, 'Personal service activities'),
        ('T.96.1'::ltree, 'Washing and cleaning of textile and fur products'),
        ('T.96.1.0'::ltree, 'Washing and cleaning of textile and fur products'),
        ('T.96.2'::ltree, 'Hairdressing, beauty treatment, day spa and similar activities'),
        ('T.96.2.1'::ltree, 'Hairdressing and barber activities'),
        ('T.96.2.2'::ltree, 'Beauty care and other beauty treatment activities'),
        ('T.96.2.3'::ltree, 'Day spa, sauna and steam bath activities'),
        ('T.96.3'::ltree, 'Funeral and related activities'),
        ('T.96.3.0'::ltree, 'Funeral and related activities'),
        ('T.96.4'::ltree, 'Intermediation service activities for personal services'),
        ('T.96.4.0'::ltree, 'Intermediation service activities for personal services'),
        ('T.96.9'::ltree, 'Other personal service activities'),
        ('T.96.9.1'::ltree, 'Provision of domestic personal service activities'),
        ('T.96.9.9'::ltree, 'Other personal service activities n.e.c.'),
        ('U'::ltree, 'ACTIVITIES OF HOUSEHOLDS AS EMPLOYERS AND UNDIFFERENTIATED GOODS - AND SERVICE-PRODUCING ACTIVITIES OF HOUSEHOLDS FOR OWN USE'),
        ('U.97'::ltree, 'Activities of households as employers of domestic personnel'),
        ('U.97.0'::ltree, 'Activities of households as employers of domestic personnel'),
        ('U.97.0.0'::ltree, 'Activities of households as employers of domestic personnel'),
        ('U.98'::ltree, 'Undifferentiated goods- and service-producing activities of private households for own use'),
        ('U.98.1'::ltree, 'Undifferentiated goods-producing activities of private households for own use'),
        ('U.98.1.0'::ltree, 'Undifferentiated goods-producing activities of private households for own use'),
        ('U.98.2'::ltree, 'Undifferentiated service-producing activities of private households for own use'),
        ('U.98.2.0'::ltree, 'Undifferentiated service-producing activities of private households for own use'),
        ('V'::ltree, 'ACTIVITIES OF EXTRATERRITORIAL ORGANISATIONS AND BODIES'),
        ('V.99'::ltree, 'Activities of extraterritorial organisations and bodies'),
        ('V.99.0'::ltree, 'Activities of extraterritorial organisations and bodies'),
        ('V.99.0.0'::ltree, 'Activities of extraterritorial organisations and bodies')
), numbered AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('register.activity_category', 'id'))::integer AS id, s.path, s.name,
        regexp_replace(ltree2text(s.path), '[^0-9]', '', 'g') AS digits
    FROM (SELECT seed.path, seed.name FROM seed ORDER BY seed.path) AS s
)
INSERT INTO register.activity_category (id, standard_id, path, parent_id, code, name, custom)
OVERRIDING SYSTEM VALUE
SELECT n.id, st.id, n.path, p.id,
    CASE WHEN length(n.digits) > 2 THEN left(n.digits, 2) || '.' || substr(n.digits, 3) ELSE nullif(n.digits, '') END,
    n.name, false
FROM numbered AS n
JOIN register.activity_category_standard AS st ON st.code = 'nace_v2.1'
LEFT JOIN numbered AS p ON nlevel(n.path) > 1 AND p.path = subpath(n.path, 0, -1)
ORDER BY n.id;
$step$::text;
    RETURN QUERY SELECT 8, '0008_units'::text, $step$-- Step 0008: the units, and what hangs on one unit.
--
-- Layout of a temporal table: see doc/data-model.md. Keys over time and foreign keys over time are made in
-- define/30_units.sql by temporal.ensure_unique and temporal.ensure_foreign_key; column defaults and triggers
-- that call our functions are there too. Plain foreign keys, CHECKs and indexes are here.
--
-- Deleting a code that history uses is refused everywhere (RESTRICT or NO ACTION): an activity or a location must
-- not vanish because somebody tidied a code list. Only the data source of a detail is let go (SET NULL): it says
-- where a fact came from, not what the fact is.

-- image ---------------------------------------------------------------------------------------------------------

CREATE TABLE register.image (
    id integer GENERATED ALWAYS AS IDENTITY,
    data bytea NOT NULL,
    type text NOT NULL,
    uploaded_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    uploaded_by_user_id integer NOT NULL REFERENCES auth."user" ON DELETE RESTRICT,
    CONSTRAINT image_pkey PRIMARY KEY (id),
    CONSTRAINT image_data_check CHECK (octet_length(data) <= 4194304),
    CONSTRAINT image_type_check CHECK (type IN ('image/png', 'image/jpeg', 'image/gif', 'image/webp'))
);
ALTER TABLE register.image ALTER COLUMN data SET STORAGE EXTERNAL;

COMMENT ON TABLE register.image IS 'Pictures of units: PNG, JPEG, GIF or WebP up to 4 MiB';
COMMENT ON COLUMN register.image.data IS 'The file itself; stored uncompressed, because these formats are compressed already';
COMMENT ON COLUMN register.image.type IS 'Media type, decided by a trigger from the first bytes of data and never believed from the client';

-- enterprise ----------------------------------------------------------------------------------------------------

CREATE TABLE register.enterprise (
    id integer GENERATED ALWAYS AS IDENTITY,
    enabled boolean NOT NULL DEFAULT true,
    short_name varchar(16),
    edit_comment varchar(512),
    edit_by_user_id integer NOT NULL REFERENCES auth."user" ON DELETE RESTRICT,
    edit_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    import_job_id integer,
    import_source_line bigint,
    CONSTRAINT enterprise_pkey PRIMARY KEY (id)
);

COMMENT ON TABLE register.enterprise IS
    'The statistical unit that groups legal units, or informal establishments. Timeless: which units it has on a day follows from their slices';
COMMENT ON COLUMN register.enterprise.short_name IS 'Overrides the name derived from the primary unit';

-- legal_unit ----------------------------------------------------------------------------------------------------

CREATE TABLE register.legal_unit (
    id integer GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    valid_from date NOT NULL,
    valid_until date NOT NULL DEFAULT 'infinity',
    valid_to date GENERATED ALWAYS AS (valid_until - 1) STORED,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED,
    short_name varchar(16),
    name varchar(256) NOT NULL,
    birth_date date,
    death_date date,
    free_econ_zone boolean,
    sector_id integer REFERENCES register.sector ON DELETE RESTRICT,
    status_id integer NOT NULL REFERENCES register.status ON DELETE RESTRICT,
    legal_form_id integer REFERENCES register.legal_form,
    unit_size_id integer REFERENCES register.unit_size,
    foreign_participation_id integer REFERENCES register.foreign_participation,
    data_source_id integer REFERENCES register.data_source ON DELETE RESTRICT,
    enterprise_id integer NOT NULL REFERENCES register.enterprise ON DELETE RESTRICT,
    primary_for_enterprise boolean NOT NULL,
    image_id integer REFERENCES register.image,
    edit_comment varchar(512),
    edit_by_user_id integer NOT NULL REFERENCES auth."user" ON DELETE RESTRICT,
    edit_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    import_job_id integer,
    import_source_line bigint,
    CONSTRAINT legal_unit_pkey PRIMARY KEY (id, valid_from, valid_until),
    CONSTRAINT legal_unit_valid_check CHECK (valid_from < valid_until),
    CONSTRAINT legal_unit_valid_from_check CHECK (isfinite(valid_from))
);
CREATE INDEX legal_unit_enterprise_id_idx ON register.legal_unit (enterprise_id, valid_from);
CREATE INDEX legal_unit_sector_id_idx ON register.legal_unit (sector_id) WHERE sector_id IS NOT NULL;
CREATE INDEX legal_unit_status_id_idx ON register.legal_unit (status_id);
CREATE INDEX legal_unit_legal_form_id_idx ON register.legal_unit (legal_form_id) WHERE legal_form_id IS NOT NULL;
CREATE INDEX legal_unit_unit_size_id_idx ON register.legal_unit (unit_size_id) WHERE unit_size_id IS NOT NULL;
CREATE INDEX legal_unit_foreign_participation_id_idx ON register.legal_unit (foreign_participation_id) WHERE foreign_participation_id IS NOT NULL;
CREATE INDEX legal_unit_data_source_id_idx ON register.legal_unit (data_source_id) WHERE data_source_id IS NOT NULL;
CREATE INDEX legal_unit_image_id_idx ON register.legal_unit (image_id) WHERE image_id IS NOT NULL;

COMMENT ON TABLE register.legal_unit IS
    'Legal units: one row per unit (id) and period in which nothing about it changed. Belongs to one enterprise at a time';
COMMENT ON COLUMN register.legal_unit.status_id IS 'Decides through status.used_for_counting whether the unit is counted, apart from its being valid';
COMMENT ON COLUMN register.legal_unit.primary_for_enterprise IS 'The legal unit that gives its enterprise name, sector and so on; at most one at a time per enterprise';

-- establishment -------------------------------------------------------------------------------------------------

CREATE TABLE register.establishment (
    id integer GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    valid_from date NOT NULL,
    valid_until date NOT NULL DEFAULT 'infinity',
    valid_to date GENERATED ALWAYS AS (valid_until - 1) STORED,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED,
    short_name varchar(16),
    name varchar(256) NOT NULL,
    birth_date date,
    death_date date,
    free_econ_zone boolean,
    sector_id integer REFERENCES register.sector ON DELETE RESTRICT,
    status_id integer NOT NULL REFERENCES register.status ON DELETE RESTRICT,
    unit_size_id integer REFERENCES register.unit_size,
    data_source_id integer REFERENCES register.data_source ON DELETE RESTRICT,
    enterprise_id integer REFERENCES register.enterprise ON DELETE RESTRICT,
    legal_unit_id integer,
    primary_for_legal_unit boolean,
    primary_for_enterprise boolean,
    image_id integer REFERENCES register.image,
    edit_comment varchar(512),
    edit_by_user_id integer NOT NULL REFERENCES auth."user" ON DELETE RESTRICT,
    edit_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    import_job_id integer,
    import_source_line bigint,
    CONSTRAINT establishment_pkey PRIMARY KEY (id, valid_from, valid_until),
    CONSTRAINT establishment_valid_check CHECK (valid_from < valid_until),
    CONSTRAINT establishment_valid_from_check CHECK (isfinite(valid_from)),
    CONSTRAINT establishment_owner_check CHECK (num_nonnulls(enterprise_id, legal_unit_id) = 1),
    CONSTRAINT establishment_primary_for_legal_unit_check
        CHECK ((primary_for_legal_unit IS NULL) = (legal_unit_id IS NULL)),
    CONSTRAINT establishment_primary_for_enterprise_check
        CHECK ((primary_for_enterprise IS NULL) = (enterprise_id IS NULL)),
    CONSTRAINT establishment_sector_id_check CHECK (sector_id IS NULL OR enterprise_id IS NOT NULL)
);
CREATE INDEX establishment_legal_unit_id_idx ON register.establishment (legal_unit_id, valid_from) WHERE legal_unit_id IS NOT NULL;
CREATE INDEX establishment_enterprise_id_idx ON register.establishment (enterprise_id, valid_from) WHERE enterprise_id IS NOT NULL;
CREATE INDEX establishment_sector_id_idx ON register.establishment (sector_id) WHERE sector_id IS NOT NULL;
CREATE INDEX establishment_status_id_idx ON register.establishment (status_id);
CREATE INDEX establishment_unit_size_id_idx ON register.establishment (unit_size_id) WHERE unit_size_id IS NOT NULL;
CREATE INDEX establishment_data_source_id_idx ON register.establishment (data_source_id) WHERE data_source_id IS NOT NULL;
CREATE INDEX establishment_image_id_idx ON register.establishment (image_id) WHERE image_id IS NOT NULL;

COMMENT ON TABLE register.establishment IS
    'Establishments, one row per unit and unchanged period: formal ones belong to a legal unit, informal ones directly to an enterprise';
COMMENT ON COLUMN register.establishment.legal_unit_id IS 'Set: formal. The legal unit must be valid on every day of the slice';
COMMENT ON COLUMN register.establishment.enterprise_id IS 'Set: informal, there is no registered legal unit';
COMMENT ON COLUMN register.establishment.sector_id IS 'For informal establishments only: a formal one has the sector of its legal unit';
COMMENT ON COLUMN register.establishment.primary_for_legal_unit IS 'At most one true at a time per legal unit; NULL for informal establishments';
COMMENT ON COLUMN register.establishment.primary_for_enterprise IS 'At most one true at a time per enterprise; NULL for formal establishments';

-- activity ------------------------------------------------------------------------------------------------------

CREATE TABLE register.activity (
    id integer GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    valid_from date NOT NULL,
    valid_until date NOT NULL DEFAULT 'infinity',
    valid_to date GENERATED ALWAYS AS (valid_until - 1) STORED,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED,
    type register.activity_type NOT NULL,
    -- The reference system cascades here. Deleting a category would then delete history without a word: refused.
    category_id integer NOT NULL REFERENCES register.activity_category ON DELETE RESTRICT,
    data_source_id integer REFERENCES register.data_source ON DELETE SET NULL,
    establishment_id integer,
    legal_unit_id integer,
    edit_comment varchar(512),
    edit_by_user_id integer NOT NULL REFERENCES auth."user" ON DELETE RESTRICT,
    edit_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    import_job_id integer,
    import_source_line bigint,
    CONSTRAINT activity_pkey PRIMARY KEY (id, valid_from, valid_until),
    CONSTRAINT activity_valid_check CHECK (valid_from < valid_until),
    CONSTRAINT activity_valid_from_check CHECK (isfinite(valid_from)),
    CONSTRAINT activity_owner_check CHECK (num_nonnulls(establishment_id, legal_unit_id) = 1)
);
CREATE INDEX activity_legal_unit_id_idx ON register.activity (legal_unit_id, valid_from) WHERE legal_unit_id IS NOT NULL;
CREATE INDEX activity_establishment_id_idx ON register.activity (establishment_id, valid_from) WHERE establishment_id IS NOT NULL;
CREATE INDEX activity_category_id_idx ON register.activity (category_id);
CREATE INDEX activity_data_source_id_idx ON register.activity (data_source_id) WHERE data_source_id IS NOT NULL;

COMMENT ON TABLE register.activity IS 'What a legal unit or an establishment does: one activity of each type at a time';

-- location ------------------------------------------------------------------------------------------------------

CREATE TABLE register.location (
    id integer GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    valid_from date NOT NULL,
    valid_until date NOT NULL DEFAULT 'infinity',
    valid_to date GENERATED ALWAYS AS (valid_until - 1) STORED,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED,
    type register.location_type NOT NULL,
    address_part1 varchar(200),
    address_part2 varchar(200),
    address_part3 varchar(200),
    postcode varchar(200),
    postplace varchar(200),
    region_id integer,
    region_version_id integer,
    country_id integer NOT NULL REFERENCES register.country ON DELETE RESTRICT,
    latitude numeric(9, 6),
    longitude numeric(9, 6),
    altitude numeric(6, 1),
    establishment_id integer,
    legal_unit_id integer,
    data_source_id integer REFERENCES register.data_source ON DELETE SET NULL,
    edit_comment varchar(512),
    edit_by_user_id integer NOT NULL REFERENCES auth."user" ON DELETE RESTRICT,
    edit_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    import_job_id integer,
    import_source_line bigint,
    CONSTRAINT location_pkey PRIMARY KEY (id, valid_from, valid_until),
    CONSTRAINT location_valid_check CHECK (valid_from < valid_until),
    CONSTRAINT location_valid_from_check CHECK (isfinite(valid_from)),
    CONSTRAINT location_owner_check CHECK (num_nonnulls(establishment_id, legal_unit_id) = 1),
    CONSTRAINT location_region_check CHECK ((region_id IS NULL) = (region_version_id IS NULL)),
    CONSTRAINT location_latitude_check CHECK (latitude BETWEEN -90 AND 90),
    CONSTRAINT location_longitude_check CHECK (longitude BETWEEN -180 AND 180),
    CONSTRAINT location_altitude_check CHECK (altitude >= 0),
    CONSTRAINT location_coordinates_check CHECK ((latitude IS NULL) = (longitude IS NULL)),
    CONSTRAINT location_altitude_coordinates_check CHECK (altitude IS NULL OR (latitude IS NOT NULL AND longitude IS NOT NULL)),
    CONSTRAINT location_postal_check
        CHECK (type <> 'postal' OR (latitude IS NULL AND longitude IS NULL AND altitude IS NULL)),
    CONSTRAINT location_region_id_fkey
        FOREIGN KEY (region_id, region_version_id) REFERENCES register.region (id, version_id) ON DELETE RESTRICT
);
CREATE INDEX location_legal_unit_id_idx ON register.location (legal_unit_id, valid_from) WHERE legal_unit_id IS NOT NULL;
CREATE INDEX location_establishment_id_idx ON register.location (establishment_id, valid_from) WHERE establishment_id IS NOT NULL;
CREATE INDEX location_region_id_idx ON register.location (region_id) WHERE region_id IS NOT NULL;
CREATE INDEX location_country_id_idx ON register.location (country_id);
CREATE INDEX location_data_source_id_idx ON register.location (data_source_id) WHERE data_source_id IS NOT NULL;

COMMENT ON TABLE register.location IS 'Where a legal unit or an establishment is (physical) or gets its mail (postal): one of each at a time';
COMMENT ON COLUMN register.location.region_version_id IS 'Always the version of region_id, copied by a trigger';
COMMENT ON COLUMN register.location.altitude IS 'Metres above the sea; needs latitude and longitude';

-- contact -------------------------------------------------------------------------------------------------------

CREATE TABLE register.contact (
    id integer GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    valid_from date NOT NULL,
    valid_until date NOT NULL DEFAULT 'infinity',
    valid_to date GENERATED ALWAYS AS (valid_until - 1) STORED,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED,
    web_address varchar(256),
    email_address varchar(50),
    phone_number varchar(50),
    landline varchar(50),
    mobile_number varchar(50),
    fax_number varchar(50),
    establishment_id integer,
    legal_unit_id integer,
    data_source_id integer REFERENCES register.data_source ON DELETE SET NULL,
    edit_comment varchar(512),
    edit_by_user_id integer NOT NULL REFERENCES auth."user" ON DELETE RESTRICT,
    edit_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    import_job_id integer,
    import_source_line bigint,
    CONSTRAINT contact_pkey PRIMARY KEY (id, valid_from, valid_until),
    CONSTRAINT contact_valid_check CHECK (valid_from < valid_until),
    CONSTRAINT contact_valid_from_check CHECK (isfinite(valid_from)),
    CONSTRAINT contact_owner_check CHECK (num_nonnulls(establishment_id, legal_unit_id) = 1),
    CONSTRAINT contact_information_check
        CHECK (num_nonnulls(web_address, email_address, phone_number, landline, mobile_number, fax_number) > 0)
);
CREATE INDEX contact_legal_unit_id_idx ON register.contact (legal_unit_id, valid_from) WHERE legal_unit_id IS NOT NULL;
CREATE INDEX contact_establishment_id_idx ON register.contact (establishment_id, valid_from) WHERE establishment_id IS NOT NULL;
CREATE INDEX contact_data_source_id_idx ON register.contact (data_source_id) WHERE data_source_id IS NOT NULL;

COMMENT ON TABLE register.contact IS 'How to reach a legal unit or an establishment: one row per unit at a time, never an empty one';

-- stat_for_unit -------------------------------------------------------------------------------------------------

CREATE TABLE register.stat_for_unit (
    id integer GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    valid_from date NOT NULL,
    valid_until date NOT NULL DEFAULT 'infinity',
    valid_to date GENERATED ALWAYS AS (valid_until - 1) STORED,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED,
    stat_definition_id integer NOT NULL,
    value_int integer,
    value_float double precision,
    value_string varchar,
    value_bool boolean,
    value_type register.stat_type GENERATED ALWAYS AS (
        CASE
            WHEN value_int IS NOT NULL THEN 'int'::register.stat_type
            WHEN value_float IS NOT NULL THEN 'float'::register.stat_type
            WHEN value_string IS NOT NULL THEN 'string'::register.stat_type
            WHEN value_bool IS NOT NULL THEN 'bool'::register.stat_type
        END) STORED,
    -- The text of a float follows the session's extra_float_digits, that of a numeric (15 digits) does not.
    -- jsonb_build_object and to_jsonb are only STABLE; jsonb_object(text[]) and the cast from text are IMMUTABLE.
    stat jsonb GENERATED ALWAYS AS (
        CASE
            WHEN value_int IS NOT NULL THEN ('{"type": "int", "value": ' || value_int::text || '}')::jsonb
            WHEN '-Infinity' < value_float AND value_float < 'Infinity' THEN ('{"type": "float", "value": ' || value_float::numeric::text || '}')::jsonb
            WHEN value_bool IS NOT NULL THEN ('{"type": "bool", "value": ' || value_bool::text || '}')::jsonb
            WHEN value_string IS NOT NULL THEN jsonb_object(ARRAY['type', 'str', 'value', value_string::text])
        END) STORED,
    establishment_id integer,
    legal_unit_id integer,
    data_source_id integer REFERENCES register.data_source ON DELETE SET NULL,
    edit_comment varchar(512),
    edit_by_user_id integer NOT NULL REFERENCES auth."user" ON DELETE RESTRICT,
    edit_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    import_job_id integer,
    import_source_line bigint,
    CONSTRAINT stat_for_unit_pkey PRIMARY KEY (id, valid_from, valid_until),
    CONSTRAINT stat_for_unit_valid_check CHECK (valid_from < valid_until),
    CONSTRAINT stat_for_unit_valid_from_check CHECK (isfinite(valid_from)),
    CONSTRAINT stat_for_unit_owner_check CHECK (num_nonnulls(establishment_id, legal_unit_id) = 1),
    CONSTRAINT stat_for_unit_value_check CHECK (num_nonnulls(value_int, value_float, value_string, value_bool) = 1),
    -- NaN sorts above Infinity, so this refuses all three values that are no numbers for a statistic, nor for JSON.
    CONSTRAINT stat_for_unit_value_float_check CHECK ('-Infinity' < value_float AND value_float < 'Infinity'),
    CONSTRAINT stat_for_unit_stat_definition_id_fkey FOREIGN KEY (stat_definition_id, value_type)
        REFERENCES register.stat_definition (id, type) ON DELETE RESTRICT
);
CREATE INDEX stat_for_unit_legal_unit_id_idx ON register.stat_for_unit (legal_unit_id, valid_from) WHERE legal_unit_id IS NOT NULL;
CREATE INDEX stat_for_unit_establishment_id_idx ON register.stat_for_unit (establishment_id, valid_from) WHERE establishment_id IS NOT NULL;
CREATE INDEX stat_for_unit_stat_definition_id_idx ON register.stat_for_unit (stat_definition_id);
CREATE INDEX stat_for_unit_data_source_id_idx ON register.stat_for_unit (data_source_id) WHERE data_source_id IS NOT NULL;

COMMENT ON TABLE register.stat_for_unit IS
    'Statistical variables (employees, turnover, …) of a legal unit or an establishment: one value per variable at a time';
COMMENT ON COLUMN register.stat_for_unit.value_int IS 'Exactly one of the four value columns is set: the one that the type of the definition asks for';
COMMENT ON COLUMN register.stat_for_unit.value_type IS 'Which value column is set; the foreign key to the definition compares it with the type declared there';
COMMENT ON COLUMN register.stat_for_unit.stat IS 'The value as {"type": "int" | "float" | "bool" | "str", "value": …}';

-- external_ident ------------------------------------------------------------------------------------------------

CREATE TABLE register.external_ident (
    id integer GENERATED ALWAYS AS IDENTITY,
    type_id integer NOT NULL,
    shape register.external_ident_shape NOT NULL,
    ident varchar(50),
    labels ltree,
    idents ltree,
    establishment_id integer,
    legal_unit_id integer,
    enterprise_id integer REFERENCES register.enterprise ON DELETE CASCADE,
    power_group_id integer,
    person_id integer,
    edit_comment varchar(512),
    edit_by_user_id integer NOT NULL REFERENCES auth."user" ON DELETE RESTRICT,
    edit_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    import_job_id integer,
    import_source_line bigint,
    CONSTRAINT external_ident_pkey PRIMARY KEY (id),
    CONSTRAINT external_ident_owner_check
        CHECK (num_nonnulls(establishment_id, legal_unit_id, enterprise_id, power_group_id, person_id) = 1),
    CONSTRAINT external_ident_shape_check CHECK (
        CASE shape
            WHEN 'regular' THEN ident IS NOT NULL AND idents IS NULL AND labels IS NULL
            WHEN 'hierarchical' THEN ident IS NULL AND idents IS NOT NULL AND labels IS NOT NULL
            ELSE false
        END),
    CONSTRAINT external_ident_ident_check CHECK (ident <> ''),
    CONSTRAINT external_ident_idents_check CHECK (nlevel(idents) = nlevel(labels)),
    CONSTRAINT external_ident_type_id_fkey FOREIGN KEY (type_id, shape)
        REFERENCES register.external_ident_type (id, shape) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX external_ident_ident_key ON register.external_ident (type_id, ident)
    INCLUDE (legal_unit_id, establishment_id) WHERE ident IS NOT NULL;
CREATE UNIQUE INDEX external_ident_idents_key ON register.external_ident (type_id, idents)
    INCLUDE (legal_unit_id, establishment_id) WHERE idents IS NOT NULL;
CREATE INDEX external_ident_idents_idx ON register.external_ident USING gist (idents) WHERE idents IS NOT NULL;
-- One identifier of a type per unit. One partial index per kind of owner says the same as one wide
-- NULLS NOT DISTINCT key, and finds the identifiers of a unit as well.
CREATE UNIQUE INDEX external_ident_legal_unit_id_key ON register.external_ident (legal_unit_id, type_id) WHERE legal_unit_id IS NOT NULL;
CREATE UNIQUE INDEX external_ident_establishment_id_key ON register.external_ident (establishment_id, type_id) WHERE establishment_id IS NOT NULL;
CREATE UNIQUE INDEX external_ident_enterprise_id_key ON register.external_ident (enterprise_id, type_id) WHERE enterprise_id IS NOT NULL;
CREATE UNIQUE INDEX external_ident_power_group_id_key ON register.external_ident (power_group_id, type_id) WHERE power_group_id IS NOT NULL;
CREATE UNIQUE INDEX external_ident_person_id_key ON register.external_ident (person_id, type_id) WHERE person_id IS NOT NULL;

COMMENT ON TABLE register.external_ident IS
    'Identifiers issued outside the register. Not temporal: an identifier names the same unit for ever';
COMMENT ON COLUMN register.external_ident.shape IS 'Copied from the type by a trigger';
COMMENT ON COLUMN register.external_ident.ident IS 'The identifier when its type is regular';
COMMENT ON COLUMN register.external_ident.labels IS 'Copied from the type by a trigger: the names of the components of idents';
COMMENT ON COLUMN register.external_ident.idents IS 'The components when the type is hierarchical; as many as labels has';

-- tag_for_unit --------------------------------------------------------------------------------------------------

CREATE TABLE register.tag_for_unit (
    id integer GENERATED ALWAYS AS IDENTITY,
    tag_id integer NOT NULL REFERENCES register.tag ON DELETE RESTRICT,
    establishment_id integer,
    legal_unit_id integer,
    enterprise_id integer REFERENCES register.enterprise ON DELETE CASCADE,
    power_group_id integer,
    edit_comment varchar(512),
    edit_by_user_id integer NOT NULL REFERENCES auth."user" ON DELETE RESTRICT,
    edit_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    import_job_id integer,
    import_source_line bigint,
    CONSTRAINT tag_for_unit_pkey PRIMARY KEY (id),
    CONSTRAINT tag_for_unit_owner_check
        CHECK (num_nonnulls(establishment_id, legal_unit_id, enterprise_id, power_group_id) = 1)
);
CREATE INDEX tag_for_unit_tag_id_idx ON register.tag_for_unit (tag_id);
CREATE UNIQUE INDEX tag_for_unit_legal_unit_id_key ON register.tag_for_unit (legal_unit_id, tag_id) WHERE legal_unit_id IS NOT NULL;
CREATE UNIQUE INDEX tag_for_unit_establishment_id_key ON register.tag_for_unit (establishment_id, tag_id) WHERE establishment_id IS NOT NULL;
CREATE UNIQUE INDEX tag_for_unit_enterprise_id_key ON register.tag_for_unit (enterprise_id, tag_id) WHERE enterprise_id IS NOT NULL;
CREATE UNIQUE INDEX tag_for_unit_power_group_id_key ON register.tag_for_unit (power_group_id, tag_id) WHERE power_group_id IS NOT NULL;

COMMENT ON TABLE register.tag_for_unit IS 'Which unit carries which tag; not temporal';

-- unit_notes ----------------------------------------------------------------------------------------------------

CREATE TABLE register.unit_notes (
    id integer GENERATED ALWAYS AS IDENTITY,
    notes text NOT NULL,
    establishment_id integer,
    legal_unit_id integer,
    enterprise_id integer REFERENCES register.enterprise ON DELETE CASCADE,
    power_group_id integer,
    edit_comment varchar(512),
    edit_by_user_id integer NOT NULL REFERENCES auth."user" ON DELETE RESTRICT,
    edit_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT unit_notes_pkey PRIMARY KEY (id),
    CONSTRAINT unit_notes_owner_check
        CHECK (num_nonnulls(establishment_id, legal_unit_id, enterprise_id, power_group_id) = 1)
);
CREATE UNIQUE INDEX unit_notes_legal_unit_id_key ON register.unit_notes (legal_unit_id) WHERE legal_unit_id IS NOT NULL;
CREATE UNIQUE INDEX unit_notes_establishment_id_key ON register.unit_notes (establishment_id) WHERE establishment_id IS NOT NULL;
CREATE UNIQUE INDEX unit_notes_enterprise_id_key ON register.unit_notes (enterprise_id) WHERE enterprise_id IS NOT NULL;
CREATE UNIQUE INDEX unit_notes_power_group_id_key ON register.unit_notes (power_group_id) WHERE power_group_id IS NOT NULL;

COMMENT ON TABLE register.unit_notes IS 'Free text of the staff about a unit, one per unit; not temporal';
$step$::text;
END
$migration$;
COMMENT ON FUNCTION statbus.migration() IS 'The numbered steps that statbus.migrate() runs once each';
REVOKE ALL ON FUNCTION statbus.migration() FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.definition()
RETURNS TABLE (version integer, name text, body text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $definition$
BEGIN
    RETURN QUERY SELECT 0, '00_installation'::text, $define$-- A relation that hangs on a function of the extension: when it is gone, so is everything else that did.
CREATE OR REPLACE VIEW register.installation WITH (security_invoker = true) AS
    SELECT statbus.version() AS version;
COMMENT ON VIEW register.installation IS 'The version of statbus that serves this register; missing while CALL statbus.migrate() is due';
$define$::text;
    RETURN QUERY SELECT 20, '20_code_lists'::text, $define$-- Definitions 20: triggers of the code lists, and their views in schema api.

-- Every table with an id keeps it; every table with updated_at keeps that true.
DO $triggers$
DECLARE
    v_table record;
BEGIN
    FOR v_table IN
        SELECT c.oid::regclass AS name, bool_or(a.attname = 'id') AS has_id, bool_or(a.attname = 'updated_at') AS has_updated_at
        FROM unnest(ARRAY[
            'auth."user"', 'auth.refresh_session', 'auth.api_key',
            'register.activity_category', 'register.activity_category_access', 'register.activity_category_standard', 'register.country',
            'register.data_source', 'register.external_ident_type', 'register.foreign_participation', 'register.legal_form',
            'register.legal_rel_type', 'register.legal_reorg_type', 'register.person_role', 'register.power_group_type', 'register.region',
            'register.region_access', 'register.region_version', 'register.relative_period', 'register.sector', 'register.settings',
            'register.stat_definition', 'register.status', 'register.tag', 'register.unit_size'
        ]) AS t (name)
        JOIN pg_catalog.pg_class AS c ON c.oid = t.name::regclass
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname IN ('id', 'updated_at') AND NOT a.attisdropped
        GROUP BY c.oid
        ORDER BY 1
    LOOP
        IF v_table.has_id THEN
            EXECUTE format('CREATE OR REPLACE TRIGGER refuse_id_change BEFORE UPDATE OF id ON %s FOR EACH ROW EXECUTE FUNCTION statbus.refuse_id_change()', v_table.name);
        END IF;
        IF v_table.has_updated_at THEN
            EXECUTE format('CREATE OR REPLACE TRIGGER touch_updated_at BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION statbus.touch_updated_at()', v_table.name);
        END IF;
    END LOOP;
END
$triggers$;

-- Trees: the parent follows from the path.
CREATE OR REPLACE TRIGGER set_parent BEFORE INSERT OR UPDATE OF path, parent_id, standard_id ON register.activity_category
    FOR EACH ROW EXECUTE FUNCTION register.set_path_parent('standard_id');
CREATE OR REPLACE TRIGGER set_parent BEFORE INSERT OR UPDATE OF path, parent_id, version_id ON register.region
    FOR EACH ROW EXECUTE FUNCTION register.set_path_parent('version_id');
CREATE OR REPLACE TRIGGER set_parent BEFORE INSERT OR UPDATE OF path, parent_id ON register.sector
    FOR EACH ROW EXECUTE FUNCTION register.set_path_parent('');
CREATE OR REPLACE TRIGGER set_parent BEFORE INSERT OR UPDATE OF path, parent_id ON register.tag
    FOR EACH ROW EXECUTE FUNCTION register.set_path_parent('');

-- Codes of activities follow from the path and the standard.
CREATE OR REPLACE TRIGGER set_code BEFORE INSERT OR UPDATE OF path, standard_id, code ON register.activity_category
    FOR EACH ROW EXECUTE FUNCTION register.set_activity_category_code();
CREATE OR REPLACE TRIGGER recompute_codes AFTER UPDATE OF code_pattern ON register.activity_category_standard
    FOR EACH ROW WHEN (OLD.code_pattern IS DISTINCT FROM NEW.code_pattern)
    EXECUTE FUNCTION register.recompute_activity_category_codes();

-- The families of views.
DO $families$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY[
        'data_source', 'foreign_participation', 'legal_form', 'legal_rel_type', 'legal_reorg_type', 'person_role',
        'power_group_type', 'region_version', 'sector', 'status', 'tag', 'unit_size'
    ] LOOP
        PERFORM register.generate_code_list_views(v_table);
    END LOOP;
    FOREACH v_table IN ARRAY ARRAY['country', 'external_ident_type', 'stat_definition', 'activity_category_standard'] LOOP
        PERFORM register.generate_code_list_views(v_table, 'api', '{ordered,enabled}');
    END LOOP;
END
$families$;

-- Views for loading a file. What an insert does is said in each comment.
CREATE OR REPLACE VIEW api.activity_category_enabled WITH (security_invoker = on) AS
SELECT s.code AS standard_code, c.id, c.path, c.parent_path, c.code, c.label, c.name, c.description, c.custom
FROM register.activity_category AS c
JOIN register.activity_category_standard AS s ON s.id = c.standard_id
WHERE c.enabled
    AND c.standard_id = (SELECT g.activity_category_standard_id FROM register.settings AS g)
ORDER BY c.path;
COMMENT ON VIEW api.activity_category_enabled IS
    'activity categories of the chosen standard in use; an insert adds or updates a custom one in place of the shipped one';
CREATE OR REPLACE TRIGGER begin_load BEFORE INSERT ON api.activity_category_enabled
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_begin();
CREATE OR REPLACE TRIGGER upsert INSTEAD OF INSERT ON api.activity_category_enabled
    FOR EACH ROW EXECUTE FUNCTION register.activity_category_upsert_custom();
CREATE OR REPLACE TRIGGER finish_load AFTER INSERT ON api.activity_category_enabled
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_finish('register.activity_category', '');

CREATE OR REPLACE VIEW api.activity_category_enabled_custom WITH (security_invoker = on) AS
SELECT c.path, c.name, c.description
FROM register.activity_category AS c
WHERE c.enabled AND c.custom
    AND c.standard_id = (SELECT g.activity_category_standard_id FROM register.settings AS g)
ORDER BY c.path;
COMMENT ON VIEW api.activity_category_enabled_custom IS
    'custom activity categories of the chosen standard; an insert adds or updates one in place of the shipped one';
CREATE OR REPLACE TRIGGER begin_load BEFORE INSERT ON api.activity_category_enabled_custom
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_begin();
CREATE OR REPLACE TRIGGER upsert INSTEAD OF INSERT ON api.activity_category_enabled_custom
    FOR EACH ROW EXECUTE FUNCTION register.activity_category_upsert_custom();
CREATE OR REPLACE TRIGGER finish_load AFTER INSERT ON api.activity_category_enabled_custom
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_finish('register.activity_category', '');

-- One view per shipped standard: the standard as published.
DO $standards$
DECLARE
    v_standard record;
BEGIN
    FOR v_standard IN SELECT * FROM (VALUES ('isic_v4', 'isic_v4'), ('nace_v2.1', 'nace_v2_1')) AS v (code, suffix) LOOP
        EXECUTE format(
            'CREATE OR REPLACE VIEW api.%I WITH (security_invoker = on) AS
            SELECT s.code AS standard, c.path, c.label, c.code, c.name, c.description
            FROM register.activity_category AS c
            JOIN register.activity_category_standard AS s ON s.id = c.standard_id
            WHERE s.code = %L AND NOT c.custom
            ORDER BY c.path', 'activity_category_' || v_standard.suffix, v_standard.code);
        EXECUTE format('COMMENT ON VIEW api.%I IS %L', 'activity_category_' || v_standard.suffix,
            'activity categories of standard ' || v_standard.code || ' as published; an insert loads the whole standard: rows that it does not mention are deleted, or disabled when in use');
        EXECUTE format('CREATE OR REPLACE TRIGGER begin_load BEFORE INSERT ON api.%I FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_begin()',
            'activity_category_' || v_standard.suffix);
        EXECUTE format('CREATE OR REPLACE TRIGGER upsert INSTEAD OF INSERT ON api.%I FOR EACH ROW EXECUTE FUNCTION register.activity_category_upsert_standard(%L)',
            'activity_category_' || v_standard.suffix, v_standard.code);
        EXECUTE format('CREATE OR REPLACE TRIGGER finish_load AFTER INSERT ON api.%I FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_finish(%L, %L)',
            'activity_category_' || v_standard.suffix, 'register.activity_category',
            format('NOT t.custom AND t.standard_id = (SELECT s.id FROM register.activity_category_standard AS s WHERE s.code = %L)', v_standard.code));
    END LOOP;
END
$standards$;

CREATE OR REPLACE VIEW api.country_view WITH (security_invoker = on) AS
SELECT c.id, c.iso_2, c.iso_3, c.iso_num, c.name, c.enabled, c.custom
FROM register.country AS c
ORDER BY c.iso_2;
COMMENT ON VIEW api.country_view IS
    'countries; an insert loads the whole list: shipped rows that it does not mention are deleted, or disabled when in use';
CREATE OR REPLACE TRIGGER begin_load BEFORE INSERT ON api.country_view
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_begin();
CREATE OR REPLACE TRIGGER upsert INSTEAD OF INSERT ON api.country_view
    FOR EACH ROW EXECUTE FUNCTION register.country_upsert();
CREATE OR REPLACE TRIGGER finish_load AFTER INSERT ON api.country_view
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_finish('register.country', 'NOT t.custom');

CREATE OR REPLACE VIEW api.legal_form_custom_only WITH (security_invoker = on) AS
SELECT t.code, t.name
FROM register.legal_form AS t
WHERE t.enabled AND t.custom
ORDER BY t.code;
COMMENT ON VIEW api.legal_form_custom_only IS
    'legal forms of the office; an insert disables the shipped ones and adds or updates the rows of the statement';
CREATE OR REPLACE TRIGGER begin_load BEFORE INSERT ON api.legal_form_custom_only
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_begin();
CREATE OR REPLACE TRIGGER upsert INSTEAD OF INSERT ON api.legal_form_custom_only
    FOR EACH ROW EXECUTE FUNCTION register.code_list_upsert('register.legal_form', 'code', 'false', 'true', 'system');
CREATE OR REPLACE TRIGGER finish_load AFTER INSERT ON api.legal_form_custom_only
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_finish('register.legal_form', '');

CREATE OR REPLACE VIEW api.sector_custom_only WITH (security_invoker = on) AS
SELECT t.path, t.name, t.description
FROM register.sector AS t
WHERE t.enabled AND t.custom
ORDER BY t.path;
COMMENT ON VIEW api.sector_custom_only IS
    'sectors of the office; an insert disables the shipped ones and adds or updates the rows of the statement';
CREATE OR REPLACE TRIGGER begin_load BEFORE INSERT ON api.sector_custom_only
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_begin();
CREATE OR REPLACE TRIGGER upsert INSTEAD OF INSERT ON api.sector_custom_only
    FOR EACH ROW EXECUTE FUNCTION register.code_list_upsert('register.sector', 'path', 'true', 'true', 'system');
CREATE OR REPLACE TRIGGER finish_load AFTER INSERT ON api.sector_custom_only
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_finish('register.sector', '');

CREATE OR REPLACE VIEW api.region_upload WITH (security_invoker = on) AS
SELECT ltree2text(r.path) AS path, r.name, r.center_latitude::text AS center_latitude,
    r.center_longitude::text AS center_longitude, r.center_altitude::text AS center_altitude
FROM register.region AS r
WHERE r.version_id = (SELECT g.region_version_id FROM register.settings AS g)
ORDER BY r.path;
COMMENT ON VIEW api.region_upload IS 'regions of the chosen edition; an insert adds or updates one';
CREATE OR REPLACE TRIGGER begin_load BEFORE INSERT ON api.region_upload
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_begin();
CREATE OR REPLACE TRIGGER upsert INSTEAD OF INSERT ON api.region_upload
    FOR EACH ROW EXECUTE FUNCTION register.region_upsert();
CREATE OR REPLACE TRIGGER finish_load AFTER INSERT ON api.region_upload
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_finish('register.region', '');

-- The dates of every relative period, seen from today. Weeks begin on Monday; periods of five and ten years begin in years
-- divisible by five and ten.
CREATE OR REPLACE VIEW api.relative_period_with_time WITH (security_invoker = on) AS
WITH d AS (
    SELECT t.today,
        extract(year FROM t.today)::integer AS year,
        extract(month FROM t.today)::integer AS month
    FROM (SELECT statbus.today() AS today) AS t
), unit (unit, start_curr, length) AS (
    SELECT u.unit, u.start_curr, u.length
    FROM d
    CROSS JOIN LATERAL (VALUES
        ('week', date_trunc('week', d.today::timestamp)::date, interval '7 days'),
        ('month', make_date(d.year, d.month, 1), interval '1 month'),
        ('quarter', make_date(d.year, (d.month - 1) / 3 * 3 + 1, 1), interval '3 months'),
        ('semester', make_date(d.year, (d.month - 1) / 6 * 6 + 1, 1), interval '6 months'),
        ('year', make_date(d.year, 1, 1), interval '1 year'),
        ('quinquennial', make_date(d.year - d.year % 5, 1, 1), interval '5 years'),
        ('decade', make_date(d.year - d.year % 10, 1, 1), interval '10 years')
    ) AS u (unit, start_curr, length)
), dated (code, valid_from, valid_to, valid_on) AS (
    SELECT v.code, v.valid_from, v.valid_to, v.valid_on
    FROM d
    CROSS JOIN LATERAL (VALUES
        ('today', d.today, 'infinity'::date, d.today),
        ('year_curr', make_date(d.year, 1, 1), 'infinity'::date, d.today),
        ('year_prev', make_date(d.year - 1, 1, 1), 'infinity'::date, make_date(d.year - 1, 12, 31)),
        ('year_curr_only', make_date(d.year, 1, 1), make_date(d.year, 12, 31), d.today),
        ('year_prev_only', make_date(d.year - 1, 1, 1), make_date(d.year - 1, 12, 31), make_date(d.year - 1, 12, 31))
    ) AS v (code, valid_from, valid_to, valid_on)
    UNION ALL
    SELECT 'start_of_' || u.unit || '_curr' AS code, NULL::date AS valid_from, NULL::date AS valid_to, u.start_curr AS valid_on FROM unit AS u
    UNION ALL
    SELECT 'stop_of_' || u.unit || '_prev' AS code, NULL::date AS valid_from, NULL::date AS valid_to, u.start_curr - 1 AS valid_on FROM unit AS u
    UNION ALL
    SELECT 'start_of_' || u.unit || '_prev' AS code, NULL::date AS valid_from, NULL::date AS valid_to, (u.start_curr - u.length)::date AS valid_on FROM unit AS u
)
SELECT p.id, p.code, p.name_when_query, p.name_when_input, p.scope, p.enabled, t.valid_from, t.valid_to, t.valid_on
FROM register.relative_period AS p
JOIN dated AS t ON t.code = p.code::text
ORDER BY p.code;
COMMENT ON VIEW api.relative_period_with_time IS 'relative periods with their dates, seen from today';
$define$::text;
    RETURN QUERY SELECT 30, '30_units'::text, $define$-- Definitions for the tables of step 0008: defaults, triggers, keys over time and foreign keys over time.
-- Run again by every statbus.migrate(), so everything here may already be there.

-- who wrote a row -------------------------------------------------------------------------------------------------

ALTER TABLE register.image ALTER COLUMN uploaded_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.enterprise ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.legal_unit ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.establishment ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.activity ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.location ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.contact ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.stat_for_unit ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.external_ident ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.tag_for_unit ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.unit_notes ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();

-- triggers --------------------------------------------------------------------------------------------------------

CREATE OR REPLACE TRIGGER image_refuse_id_change
    BEFORE UPDATE OF id ON register.image
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER enterprise_refuse_id_change
    BEFORE UPDATE OF id ON register.enterprise
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER legal_unit_refuse_id_change
    BEFORE UPDATE OF id ON register.legal_unit
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER establishment_refuse_id_change
    BEFORE UPDATE OF id ON register.establishment
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER activity_refuse_id_change
    BEFORE UPDATE OF id ON register.activity
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER location_refuse_id_change
    BEFORE UPDATE OF id ON register.location
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER contact_refuse_id_change
    BEFORE UPDATE OF id ON register.contact
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER stat_for_unit_refuse_id_change
    BEFORE UPDATE OF id ON register.stat_for_unit
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER external_ident_refuse_id_change
    BEFORE UPDATE OF id ON register.external_ident
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER tag_for_unit_refuse_id_change
    BEFORE UPDATE OF id ON register.tag_for_unit
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER unit_notes_refuse_id_change
    BEFORE UPDATE OF id ON register.unit_notes
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();

CREATE OR REPLACE TRIGGER image_set_type
    BEFORE INSERT OR UPDATE OF data, type ON register.image
    FOR EACH ROW EXECUTE FUNCTION register.image_set_type();

CREATE OR REPLACE TRIGGER location_set_region_version
    BEFORE INSERT OR UPDATE OF region_id, region_version_id ON register.location
    FOR EACH ROW WHEN (NEW.region_id IS NOT NULL OR NEW.region_version_id IS NOT NULL)
    EXECUTE FUNCTION register.location_set_region_version();

CREATE OR REPLACE TRIGGER external_ident_set_shape
    BEFORE INSERT OR UPDATE OF type_id, shape, labels, ident, idents ON register.external_ident
    FOR EACH ROW WHEN (NEW.type_id IS NOT NULL) EXECUTE FUNCTION register.external_ident_set_shape();

-- keys over time --------------------------------------------------------------------------------------------------
-- Of every unit: one slice at a time. Of what hangs on a unit: one of a kind per unit at a time, said once per kind
-- of owner, the owner first: the index then also finds what a unit has. Primary flags: one primary at a time; checked at the end of the statement, and deferrable, so that two
-- units can swap places within a transaction.

SELECT temporal.ensure_unique(table_name => 'register.legal_unit', columns => '{id}', constraint_name => 'legal_unit_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.establishment', columns => '{id}',
    constraint_name => 'establishment_id_valid');
SELECT temporal.ensure_unique(table_name => 'register.activity', columns => '{id}', constraint_name => 'activity_id_valid');
SELECT temporal.ensure_unique(table_name => 'register.location', columns => '{id}', constraint_name => 'location_id_valid');
SELECT temporal.ensure_unique(table_name => 'register.contact', columns => '{id}', constraint_name => 'contact_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.stat_for_unit', columns => '{id}',
    constraint_name => 'stat_for_unit_id_valid');

SELECT temporal.ensure_unique(
    table_name => 'register.legal_unit', columns => '{enterprise_id}',
    predicate => 'primary_for_enterprise', is_deferrable => true, constraint_name => 'legal_unit_primary_for_enterprise_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.establishment', columns => '{enterprise_id}',
    predicate => 'primary_for_enterprise', is_deferrable => true, constraint_name => 'establishment_primary_for_enterprise_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.establishment', columns => '{legal_unit_id}',
    predicate => 'primary_for_legal_unit', is_deferrable => true, constraint_name => 'establishment_primary_for_legal_unit_valid');

SELECT temporal.ensure_unique(
    table_name => 'register.activity', columns => '{legal_unit_id,type}',
    predicate => 'legal_unit_id IS NOT NULL', constraint_name => 'activity_legal_unit_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.activity', columns => '{establishment_id,type}',
    predicate => 'establishment_id IS NOT NULL', constraint_name => 'activity_establishment_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.location', columns => '{legal_unit_id,type}',
    predicate => 'legal_unit_id IS NOT NULL', constraint_name => 'location_legal_unit_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.location', columns => '{establishment_id,type}',
    predicate => 'establishment_id IS NOT NULL', constraint_name => 'location_establishment_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.contact', columns => '{legal_unit_id}',
    predicate => 'legal_unit_id IS NOT NULL', constraint_name => 'contact_legal_unit_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.contact', columns => '{establishment_id}',
    predicate => 'establishment_id IS NOT NULL', constraint_name => 'contact_establishment_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.stat_for_unit', columns => '{legal_unit_id,stat_definition_id}',
    predicate => 'legal_unit_id IS NOT NULL', constraint_name => 'stat_for_unit_legal_unit_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.stat_for_unit', columns => '{establishment_id,stat_definition_id}',
    predicate => 'establishment_id IS NOT NULL', constraint_name => 'stat_for_unit_establishment_id_valid');

-- foreign keys over time ------------------------------------------------------------------------------------------
-- The slices of the unit must cover every slice of what refers to it. Deleting, or shortening, a unit under its
-- details is refused.

SELECT temporal.ensure_foreign_key(
    table_name => 'register.establishment', columns => '{legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'establishment_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.activity', columns => '{legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'activity_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.activity', columns => '{establishment_id}', references_table => 'register.establishment', references_columns => '{id}',
    constraint_name => 'activity_establishment_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.location', columns => '{legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'location_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.location', columns => '{establishment_id}', references_table => 'register.establishment', references_columns => '{id}',
    constraint_name => 'location_establishment_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.contact', columns => '{legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'contact_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.contact', columns => '{establishment_id}', references_table => 'register.establishment', references_columns => '{id}',
    constraint_name => 'contact_establishment_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.stat_for_unit', columns => '{legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'stat_for_unit_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.stat_for_unit', columns => '{establishment_id}', references_table => 'register.establishment', references_columns => '{id}',
    constraint_name => 'stat_for_unit_establishment_id_fkey');

-- From tables without time: the unit must exist at some time.

SELECT temporal.ensure_foreign_key(
    table_name => 'register.external_ident', columns => '{legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    period => NULL, constraint_name => 'external_ident_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.external_ident', columns => '{establishment_id}', references_table => 'register.establishment', references_columns => '{id}',
    period => NULL, constraint_name => 'external_ident_establishment_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.tag_for_unit', columns => '{legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    period => NULL, constraint_name => 'tag_for_unit_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.tag_for_unit', columns => '{establishment_id}', references_table => 'register.establishment', references_columns => '{id}',
    period => NULL, constraint_name => 'tag_for_unit_establishment_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.unit_notes', columns => '{legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    period => NULL, constraint_name => 'unit_notes_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.unit_notes', columns => '{establishment_id}', references_table => 'register.establishment', references_columns => '{id}',
    period => NULL, constraint_name => 'unit_notes_establishment_id_fkey');
$define$::text;
    RETURN QUERY SELECT 90, '90_rights'::text, $define$-- Who may do what.  Every table is in exactly one of the lists below; each list is one pattern of
-- grants and policies.  Rights come from two sides: a grant to a group role, which is shared by all
-- registers of the cluster, and a policy, which asks for the user's role in this register.
--
-- Policies call the identity functions in a scalar subquery, so that they run once per query.
DO $rights$
DECLARE
    -- Data that a regular user edits, under his own name.
    edited CONSTANT text[] := ARRAY[
        'register.enterprise', 'register.legal_unit', 'register.establishment', 'register.activity', 'register.location',
        'register.contact', 'register.stat_for_unit', 'register.external_ident', 'register.tag_for_unit',
        'register.unit_notes', 'register.person', 'register.person_for_unit', 'register.legal_relationship', 'register.power_group',
        'register.power_root'];
    -- The same; the column that says who did it has another name.
    uploaded CONSTANT text[] := ARRAY['register.image'];
    -- What everybody reads and an administrator configures.
    configured CONSTANT text[] := ARRAY[
        'register.activity_category', 'register.activity_category_standard', 'register.country', 'register.data_source',
        'register.external_ident_type', 'register.foreign_participation', 'register.legal_form', 'register.legal_rel_type',
        'register.legal_reorg_type', 'register.person_role', 'register.power_group_type', 'register.region',
        'register.region_version', 'register.relative_period', 'register.sector', 'register.settings',
        'register.stat_definition', 'register.status', 'register.tag', 'register.unit_size',
        'import.definition', 'import.definition_step', 'import.source_column', 'import.mapping'];
    -- What everybody reads and only functions of the extension write.
    derived CONSTANT text[] := ARRAY[
        'register.timepoints', 'register.timesegments', 'register.timesegments_years', 'register.timeline_establishment',
        'register.timeline_legal_unit', 'register.timeline_enterprise', 'register.timeline_power_group',
        'register.statistical_unit', 'register.activity_category_used', 'register.country_used',
        'register.data_source_used', 'register.legal_form_used', 'register.region_used', 'register.sector_used',
        'import.step', 'import.data_column', 'import.finding_code'];
    -- What an administrator reads.
    operated CONSTANT text[] := ARRAY[
        'register.migration', 'worker.tasks', 'worker.queue_registry', 'worker.command_registry'];
    -- What no role touches directly.
    internal CONSTANT text[] := ARRAY['worker.base_change_log'];
    table_name text;
    relation regclass;
BEGIN
    GRANT USAGE ON SCHEMA register, import, worker TO authenticated;
    GRANT USAGE ON SCHEMA auth, api TO authenticated, anon;

    FOREACH table_name IN ARRAY edited || uploaded || configured || derived || operated || internal LOOP
        relation := to_regclass(table_name);
        CONTINUE WHEN relation IS NULL;     -- a step that is yet to come
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', relation);

        IF table_name = ANY (operated || internal) THEN
            IF table_name = ANY (operated) THEN
                EXECUTE format('GRANT SELECT ON %s TO admin_user', relation);
                EXECUTE format('DROP POLICY IF EXISTS admin_user_read ON %s', relation);
                EXECUTE format($policy$CREATE POLICY admin_user_read ON %s FOR SELECT TO admin_user
                                       USING ((SELECT auth.is_at_least('admin_user')))$policy$, relation);
            END IF;
            CONTINUE;
        END IF;

        EXECUTE format('GRANT SELECT ON %s TO authenticated', relation);
        EXECUTE format('DROP POLICY IF EXISTS authenticated_read ON %s', relation);
        EXECUTE format($policy$CREATE POLICY authenticated_read ON %s FOR SELECT TO authenticated
                               USING ((SELECT auth.uid()) IS NOT NULL)$policy$, relation);

        IF table_name = ANY (edited || uploaded || configured) THEN
            EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %s TO admin_user', relation);
            EXECUTE format('DROP POLICY IF EXISTS admin_user_manage ON %s', relation);
            EXECUTE format($policy$CREATE POLICY admin_user_manage ON %s FOR ALL TO admin_user
                                   USING ((SELECT auth.is_at_least('admin_user')))
                                   WITH CHECK ((SELECT auth.is_at_least('admin_user')))$policy$, relation);
        END IF;

        IF table_name = ANY (edited || uploaded) THEN
            EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %s TO regular_user', relation);
            EXECUTE format('DROP POLICY IF EXISTS regular_user_manage ON %s', relation);
            EXECUTE format($policy$CREATE POLICY regular_user_manage ON %s FOR ALL TO regular_user
                                   USING ((SELECT auth.is_at_least('regular_user')))
                                   WITH CHECK ((SELECT auth.is_at_least('regular_user')) AND %s)$policy$, relation,
                           CASE WHEN table_name = ANY (edited) THEN 'edit_by_user_id = (SELECT auth.uid())' ELSE 'uploaded_by_user_id = (SELECT auth.uid())' END);
        END IF;
    END LOOP;

    FOREACH table_name IN ARRAY edited LOOP
        relation := to_regclass(table_name);
        CONTINUE WHEN relation IS NULL;
        EXECUTE format('CREATE OR REPLACE TRIGGER sign_copy BEFORE INSERT ON %s FOR EACH ROW
                        WHEN (NEW.edit_at <> statement_timestamp()) EXECUTE FUNCTION auth.sign_edit()', relation);
        EXECUTE format('CREATE OR REPLACE TRIGGER sign_edit BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION auth.sign_edit()', relation);
    END LOOP;

    -- A restricted user writes where a region or an activity was granted to him, whatever else he may read.
    GRANT INSERT, UPDATE, DELETE ON register.location, register.activity TO restricted_user;
    DROP POLICY IF EXISTS restricted_user_manage ON register.location;
    CREATE POLICY restricted_user_manage ON register.location FOR ALL TO restricted_user
        USING ((SELECT auth.is_at_least('restricted_user'))
               AND (region_id IS NULL OR region_id = ANY ((SELECT auth.accessible_region_ids())::integer[])))
        WITH CHECK ((SELECT auth.is_at_least('restricted_user')) AND edit_by_user_id = (SELECT auth.uid())
                    AND (region_id IS NULL OR region_id = ANY ((SELECT auth.accessible_region_ids())::integer[])));
    DROP POLICY IF EXISTS restricted_user_manage ON register.activity;
    CREATE POLICY restricted_user_manage ON register.activity FOR ALL TO restricted_user
        USING ((SELECT auth.is_at_least('restricted_user'))
               AND category_id = ANY ((SELECT auth.accessible_activity_category_ids())::integer[]))
        WITH CHECK ((SELECT auth.is_at_least('restricted_user')) AND edit_by_user_id = (SELECT auth.uid())
                    AND category_id = ANY ((SELECT auth.accessible_activity_category_ids())::integer[]));

    -- Users: everybody sees and renames himself, an administrator everybody.  Nobody reads a password hash.
    ALTER TABLE auth."user" ENABLE ROW LEVEL SECURITY;
    REVOKE ALL ON auth."user" FROM PUBLIC;
    GRANT SELECT (id, sub, display_name, email, statbus_role, created_at, updated_at, last_sign_in_at, email_confirmed_at, deleted_at)
        ON auth."user" TO authenticated;
    GRANT UPDATE (display_name) ON auth."user" TO authenticated;
    GRANT UPDATE (display_name, statbus_role, email_confirmed_at, deleted_at) ON auth."user" TO admin_user;
    DROP POLICY IF EXISTS self_read ON auth."user";
    CREATE POLICY self_read ON auth."user" FOR SELECT TO authenticated USING (id = (SELECT auth.uid()));
    DROP POLICY IF EXISTS self_update ON auth."user";
    CREATE POLICY self_update ON auth."user" FOR UPDATE TO authenticated
        USING (id = (SELECT auth.uid())) WITH CHECK (id = (SELECT auth.uid()));
    DROP POLICY IF EXISTS admin_user_manage ON auth."user";
    CREATE POLICY admin_user_manage ON auth."user" FOR ALL TO admin_user
        USING ((SELECT auth.is_at_least('admin_user')))
        -- What "system" may do is not theirs to say.
        WITH CHECK ((SELECT auth.is_at_least('admin_user')) AND (email IS NOT NULL OR statbus_role = 'admin_user'));

    -- Sessions and keys: one's own, and without the hash of a key.  A key that was revoked stays so.
    ALTER TABLE auth.refresh_session ENABLE ROW LEVEL SECURITY;
    REVOKE ALL ON auth.refresh_session FROM PUBLIC;
    GRANT SELECT, DELETE ON auth.refresh_session TO authenticated;
    DROP POLICY IF EXISTS self_manage ON auth.refresh_session;
    CREATE POLICY self_manage ON auth.refresh_session FOR ALL TO authenticated
        USING (user_id = (SELECT auth.uid())) WITH CHECK (user_id = (SELECT auth.uid()));
    ALTER TABLE auth.api_key ENABLE ROW LEVEL SECURITY;
    REVOKE ALL ON auth.api_key FROM PUBLIC;
    GRANT SELECT (id, jti, user_id, description, created_at, expires_at, revoked_at, token_prefix) ON auth.api_key TO authenticated;
    GRANT UPDATE (description, revoked_at) ON auth.api_key TO authenticated;
    DROP POLICY IF EXISTS self_manage ON auth.api_key;
    DROP POLICY IF EXISTS self_read ON auth.api_key;
    CREATE POLICY self_read ON auth.api_key FOR SELECT TO authenticated USING (user_id = (SELECT auth.uid()));
    DROP POLICY IF EXISTS self_update ON auth.api_key;
    CREATE POLICY self_update ON auth.api_key FOR UPDATE TO authenticated
        USING (user_id = (SELECT auth.uid()) AND revoked_at IS NULL) WITH CHECK (user_id = (SELECT auth.uid()));

    -- What was granted to whom: one's own, and everything for an administrator.
    FOREACH table_name IN ARRAY ARRAY['register.region_access', 'register.activity_category_access'] LOOP
        relation := table_name::regclass;
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', relation);
        EXECUTE format('GRANT SELECT ON %s TO authenticated', relation);
        EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %s TO admin_user', relation);
        EXECUTE format('DROP POLICY IF EXISTS self_read ON %s', relation);
        EXECUTE format('CREATE POLICY self_read ON %s FOR SELECT TO authenticated USING (user_id = (SELECT auth.uid()))', relation);
        EXECUTE format('DROP POLICY IF EXISTS admin_user_manage ON %s', relation);
        EXECUTE format($policy$CREATE POLICY admin_user_manage ON %s FOR ALL TO admin_user
                               USING ((SELECT auth.is_at_least('admin_user')))
                               WITH CHECK ((SELECT auth.is_at_least('admin_user')))$policy$, relation);
    END LOOP;

    -- Import jobs: everybody sees them, each changes his own, an administrator all.
    IF to_regclass('import.job') IS NOT NULL THEN
        ALTER TABLE import.job ENABLE ROW LEVEL SECURITY;
        REVOKE ALL ON import.job FROM PUBLIC;
        GRANT SELECT ON import.job TO authenticated;
        GRANT INSERT, UPDATE, DELETE ON import.job TO regular_user;
        DROP POLICY IF EXISTS authenticated_read ON import.job;
        CREATE POLICY authenticated_read ON import.job FOR SELECT TO authenticated USING ((SELECT auth.uid()) IS NOT NULL);
        DROP POLICY IF EXISTS regular_user_manage ON import.job;
        CREATE POLICY regular_user_manage ON import.job FOR ALL TO regular_user
            USING ((SELECT auth.is_at_least('regular_user')) AND user_id = (SELECT auth.uid()))
            WITH CHECK ((SELECT auth.is_at_least('regular_user')) AND user_id = (SELECT auth.uid()));
        DROP POLICY IF EXISTS admin_user_manage ON import.job;
        CREATE POLICY admin_user_manage ON import.job FOR ALL TO admin_user
            USING ((SELECT auth.is_at_least('admin_user'))) WITH CHECK ((SELECT auth.is_at_least('admin_user')));

        -- Findings quote the file: they are for those who may see its rows.
        ALTER TABLE import.bad_row ENABLE ROW LEVEL SECURITY;
        REVOKE ALL ON import.bad_row FROM PUBLIC;
        GRANT SELECT ON import.bad_row TO authenticated;
        DROP POLICY IF EXISTS authenticated_read ON import.bad_row;
        DROP POLICY IF EXISTS job_user_read ON import.bad_row;
        CREATE POLICY job_user_read ON import.bad_row FOR SELECT TO authenticated
            USING (job_id IN (SELECT j.id FROM import.job AS j WHERE j.user_id = (SELECT auth.uid())));
        DROP POLICY IF EXISTS admin_user_read ON import.bad_row;
        CREATE POLICY admin_user_read ON import.bad_row FOR SELECT TO admin_user
            USING ((SELECT auth.is_at_least('admin_user')));
    END IF;

    GRANT USAGE ON ALL SEQUENCES IN SCHEMA register TO regular_user;
    GRANT SELECT ON register.installation TO authenticated;

    -- The anonymous web visitor comes through PostgREST; everybody else is named by auth.sync_roles().
    PERFORM auth.restrict_connect();
END
$rights$;
$define$::text;
END
$definition$;
COMMENT ON FUNCTION statbus.definition() IS 'The definitions that statbus.migrate() runs every time: what hangs on functions of the extension';
REVOKE ALL ON FUNCTION statbus.definition() FROM PUBLIC;

-- Builds the register, brings an older one up to date, and mends one whose extension was dropped.

CREATE OR REPLACE PROCEDURE statbus.migrate()
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = 'warning'
AS $migrate$
DECLARE
    step record;
    is_mended boolean;
BEGIN
    IF NOT (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user) THEN
        RAISE EXCEPTION 'permission denied to migrate statbus'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Connect as a superuser.';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('statbus.migrate', 0));
    PERFORM set_config('search_path', statbus.search_path(), true);

    is_mended := to_regclass('register.migration') IS NOT NULL AND statbus.needs_migration();
    IF to_regclass('register.migration') IS NULL THEN
        PERFORM statbus.execute_unowned($ledger$
            CREATE TABLE register.migration (
                version integer PRIMARY KEY CHECK (version > 0),
                name text NOT NULL UNIQUE,
                body_hash text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
                applied_by text NOT NULL DEFAULT CURRENT_USER
            );
            COMMENT ON TABLE register.migration IS 'The steps of statbus.migrate() that this register has had';
        $ledger$);
    END IF;

    -- A register that newer code has built may hold what this code does not know.
    IF EXISTS (SELECT FROM register.migration AS done WHERE done.version > statbus.newest_step()) THEN
        RAISE EXCEPTION 'this register was built by a newer version of statbus than %', statbus.version()
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Install the newer version, then run ALTER EXTENSION statbus UPDATE.';
    END IF;

    FOR step IN
        SELECT m.version, m.name, m.body
        FROM statbus.migration() AS m
        WHERE NOT EXISTS (SELECT FROM register.migration AS done WHERE done.version = m.version)
        ORDER BY m.version
    LOOP
        PERFORM statbus.execute_unowned(step.body);
        INSERT INTO register.migration (version, name, body_hash)
        VALUES (step.version, step.name, encode(sha256(convert_to(step.body, 'UTF8')), 'hex'));
    END LOOP;

    FOR step IN
        SELECT d.name, d.body FROM statbus.definition() AS d ORDER BY d.version, d.name
    LOOP
        PERFORM statbus.execute_unowned(step.body);
    END LOOP;
    PERFORM statbus.pin_search_path();
    PERFORM statbus.validate_functions();

    -- Rows that are older than a derived table, or than the triggers that keep it, are derived now.
    IF is_mended AND to_regprocedure('statbus.rebuild()') IS NOT NULL THEN
        PERFORM statbus.execute_unowned('SELECT statbus.rebuild()');
    END IF;
END
$migrate$;
COMMENT ON PROCEDURE statbus.migrate() IS
    'Builds what is missing of the register: tables, keys, policies, triggers, views.  Nothing is lost; calling it again changes nothing.  Superusers only';
REVOKE ALL ON PROCEDURE statbus.migrate() FROM PUBLIC;

-- DEFINER: the ledger is not for every caller, the answer is
CREATE OR REPLACE FUNCTION statbus.needs_migration()
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $needs_migration$
BEGIN
    -- register.installation hangs on a function of the extension: DROP EXTENSION … CASCADE takes it along.
    IF to_regclass('register.installation') IS NULL OR to_regclass('register.migration') IS NULL THEN
        RETURN true;
    END IF;
    RETURN statbus.newest_step() > (SELECT coalesce(max(done.version), 0) FROM register.migration AS done);
END
$needs_migration$;
COMMENT ON FUNCTION statbus.needs_migration() IS 'Whether CALL statbus.migrate() has something to build';

CREATE OR REPLACE FUNCTION statbus.status()
RETURNS TABLE (item text, value text, hint text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $status$
BEGIN
    RETURN QUERY SELECT 'version'::text, statbus.version(), NULL::text;
    RETURN QUERY SELECT 'server_version'::text, current_setting('server_version'), NULL::text;
    RETURN QUERY SELECT 'tables'::text,
                        CASE WHEN statbus.needs_migration() THEN 'not up to date' ELSE 'up to date' END,
                        CASE WHEN statbus.needs_migration() THEN 'Run CALL statbus.migrate().' END;
    RETURN QUERY SELECT 'db-schemas'::text, 'api'::text, 'Setting of PostgREST.'::text;
    RETURN QUERY SELECT 'db-extra-search-path'::text, array_to_string(statbus.required_schemas(), ','), 'Setting of PostgREST.'::text;
    RETURN QUERY SELECT 'db-pre-request'::text, 'auth.pre_request'::text, 'Setting of PostgREST.'::text;
END
$status$;
COMMENT ON FUNCTION statbus.status() IS 'What is installed, what is left to do, and what PostgREST must be told';
-- Last part of an install: put the real schemas into search paths, then build the register if it is a new one.
SELECT statbus.pin_search_path();

DO $footer$
BEGIN
    IF pg_catalog.current_setting('statbus_install.mode') = 'new' THEN
        CALL statbus.migrate();
    END IF;
END
$footer$;

SELECT auth.restrict_connect();

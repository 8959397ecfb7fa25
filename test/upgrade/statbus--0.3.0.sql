-- statbus 0.3.0 as it was released.  Made by test/upgrade/freeze.sh; not to be edited.
-- step 0001_types sha256 c10bfafb5f1a9a86d9f1c7ece1011c1dbf3d269f6eaaf6dbd78e1dde165b184c
-- step 0002_auth sha256 4d7b536da05a7d69748ff5f06cd62105156cdcc010728165c449e4a91f7946dc
-- step 0003_code_lists sha256 e3bac6cfa2b11ab987cde73cf0f9dd70e64e75da5abeda8cdc2073392304bd0e
-- step 0004_seed_codes sha256 0ca5fb5817f32087b2cd07093366062f18dbdfc5f5a58c0a85d541315d22a95f
-- step 0005_seed_isic_v4 sha256 510c989b683278b24a22e473a889917bb00c78543530ef8f277fede1e37af096
-- step 0006_seed_nace_v2_1 sha256 c18548e5d7b74b6b4de5f040de5bf30eb2ba4b32b919558edb3c4bf2342e1452
-- step 0008_units sha256 8f44f1973cf8c5884e16e18bbf9e26341df37a04b9d5bd4223bcb89ad13e2000
-- step 0010_relationships sha256 45a3a0b470380caef9088b6757fc87ba918f4b7b05358fab779bf400b42cef1b
-- step 0011_worker sha256 25c6269a683c984eb72964cf6bb4cb8eb6f964ff83569d819e9e4546d3da4578
-- step 0012_import sha256 48d21510ac19306757c774b8b03e3df9b196101f3a97b61bfb390f8e0a075f22
-- step 0013_import_seed sha256 4ecce0db0e2963b199f466273643cdad3a98a14375d8a79e7ae5bb05774ac24c
-- step 0014_derived sha256 99766a72be527529f0abdd69faea24837ac32ecde68f31e7b76de43491c3ff36
-- step 0015_temporal_keys sha256 03701215297b188c60ef319a908d503740366210d66aaf84f8929147405d5217
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
        FROM pg_catalog.pg_extension AS s
        JOIN pg_catalog.pg_depend AS e
            ON e.classid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND e.objid = s.oid
            AND e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
        JOIN pg_catalog.pg_extension AS x ON x.oid = e.refobjid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = x.extnamespace
        WHERE s.extname = 'statbus'
        AND pg_catalog.has_schema_privilege('public', n.oid, 'CREATE')
    LOOP
        RAISE EXCEPTION 'schema "%" holds an extension that statbus needs, and PUBLIC may create objects in it', required.nspname
            USING ERRCODE = 'insufficient_privilege',
                  HINT = pg_catalog.format('Run REVOKE CREATE ON SCHEMA %I FROM PUBLIC.', required.nspname);
    END LOOP;

    -- The owner of such a schema could as well; he owns the database, so he is told and not refused.
    FOR required IN
        SELECT DISTINCT n.nspname, r.rolname
        FROM pg_catalog.pg_extension AS s
        JOIN pg_catalog.pg_depend AS e
            ON e.classid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND e.objid = s.oid
            AND e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
        JOIN pg_catalog.pg_extension AS x ON x.oid = e.refobjid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = x.extnamespace
        JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()
        JOIN pg_catalog.pg_roles AS r
            ON NOT r.rolsuper
            AND r.oid = CASE WHEN n.nspowner = 'pg_database_owner'::pg_catalog.regrole THEN d.datdba ELSE n.nspowner END
        WHERE s.extname = 'statbus'
    LOOP
        RAISE WARNING 'role "%" may create objects in schema "%", which holds an extension that statbus needs', required.rolname, required.nspname
            USING DETAIL = 'Functions that superusers run look names up there.',
                  HINT = 'Install the extensions that statbus needs in a schema that a superuser owns.';
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

-- Allen 1983: how one period lies to another.
CREATE TYPE temporal.allen_relation AS ENUM (
    'precedes',
    'meets',
    'overlaps',
    'starts',
    'during',
    'finishes',
    'equals',
    'overlapped_by',
    'started_by',
    'contains',
    'finished_by',
    'met_by',
    'preceded_by'
);
COMMENT ON TYPE temporal.allen_relation IS 'how one period lies to another: exactly one of thirteen relations (Allen, 1983)';
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
    FROM pg_extension AS s
    JOIN pg_depend AS d ON d.classid = 'pg_extension'::regclass AND d.objid = s.oid AND d.refclassid = 'pg_extension'::regclass
    JOIN pg_extension AS x ON x.oid = d.refobjid
    JOIN pg_namespace AS n ON n.oid = x.extnamespace
    WHERE s.extname = 'statbus' AND n.nspname <> 'pg_catalog'
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
-- The interval algebra: Allen's relations between two periods, and aggregates over many.
--
-- Half-open or not, bounds mean what PostgreSQL's own ranges mean: infinity is a value, an unbounded side is none.
-- Any range type; dates, integers and timestamps are compared without calling their type's functions.
--
-- Everybody may execute them: they read no data.

CREATE OR REPLACE FUNCTION temporal.allen(x anyrange, y anyrange)
RETURNS temporal.allen_relation
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen';
COMMENT ON FUNCTION temporal.allen(anyrange, anyrange) IS
    'The one of Allen''s thirteen relations that x has to y (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.allen(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.allen(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.allen(x_from anycompatible, x_until anycompatible, y_from anycompatible, y_until anycompatible)
RETURNS temporal.allen_relation
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_scalars';
COMMENT ON FUNCTION temporal.allen(anycompatible, anycompatible, anycompatible, anycompatible) IS
    'The relation of [x_from, x_until) to [y_from, y_until) as temporal.allen(x, y); NULL when a bound is NULL or a period is empty or reversed; 42883 for a type without order.';
REVOKE ALL ON FUNCTION temporal.allen(anycompatible, anycompatible, anycompatible, anycompatible) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.allen(anycompatible, anycompatible, anycompatible, anycompatible) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.inverse(relation temporal.allen_relation)
RETURNS temporal.allen_relation
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_inverse';
COMMENT ON FUNCTION temporal.inverse(temporal.allen_relation) IS
    'The relation of y to x when x has the given one to y; NULL for NULL.';
REVOKE ALL ON FUNCTION temporal.inverse(temporal.allen_relation) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.inverse(temporal.allen_relation) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.compose(x_to_y temporal.allen_relation, y_to_z temporal.allen_relation)
RETURNS temporal.allen_relation[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_compose';
COMMENT ON FUNCTION temporal.compose(temporal.allen_relation, temporal.allen_relation) IS
    'The relations that x may have to z, in the order of the type: Allen''s table of 13 by 13 (Allen, 1983), over dense time; NULL when an argument is NULL.';
REVOKE ALL ON FUNCTION temporal.compose(temporal.allen_relation, temporal.allen_relation) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.compose(temporal.allen_relation, temporal.allen_relation) TO PUBLIC;

-- The thirteen predicates: temporal.R(x, y) is temporal.allen(x, y) = 'R'.

CREATE OR REPLACE FUNCTION temporal.precedes(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_precedes';
COMMENT ON FUNCTION temporal.precedes(anyrange, anyrange) IS
    'True when x ends before y begins, with time between them (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.precedes(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.precedes(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.meets(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_meets';
COMMENT ON FUNCTION temporal.meets(anyrange, anyrange) IS
    'True when x ends where y begins (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.meets(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.meets(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.overlaps(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_overlaps';
COMMENT ON FUNCTION temporal.overlaps(anyrange, anyrange) IS
    'True when x begins first and ends inside y (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.overlaps(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.overlaps(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.starts(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_starts';
COMMENT ON FUNCTION temporal.starts(anyrange, anyrange) IS
    'True when x begins with y and ends before it (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.starts(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.starts(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.during(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_during';
COMMENT ON FUNCTION temporal.during(anyrange, anyrange) IS
    'True when x begins after y and ends before it (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.during(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.during(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.finishes(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_finishes';
COMMENT ON FUNCTION temporal.finishes(anyrange, anyrange) IS
    'True when x begins after y and ends with it (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.finishes(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.finishes(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.equals(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_equals';
COMMENT ON FUNCTION temporal.equals(anyrange, anyrange) IS
    'True when x and y begin and end together (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.equals(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.equals(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.overlapped_by(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_overlapped_by';
COMMENT ON FUNCTION temporal.overlapped_by(anyrange, anyrange) IS
    'True when y begins first and ends inside x (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.overlapped_by(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.overlapped_by(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.started_by(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_started_by';
COMMENT ON FUNCTION temporal.started_by(anyrange, anyrange) IS
    'True when x begins with y and ends after it (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.started_by(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.started_by(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.contains(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_contains';
COMMENT ON FUNCTION temporal.contains(anyrange, anyrange) IS
    'True when x begins before y and ends after it (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.contains(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.contains(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.finished_by(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_finished_by';
COMMENT ON FUNCTION temporal.finished_by(anyrange, anyrange) IS
    'True when x begins before y and ends with it (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.finished_by(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.finished_by(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.met_by(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_met_by';
COMMENT ON FUNCTION temporal.met_by(anyrange, anyrange) IS
    'True when y ends where x begins (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.met_by(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.met_by(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.preceded_by(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_preceded_by';
COMMENT ON FUNCTION temporal.preceded_by(anyrange, anyrange) IS
    'True when y ends before x begins, with time between them (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.preceded_by(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.preceded_by(anyrange, anyrange) TO PUBLIC;

-- Aggregates. Their result does not depend on the order of the rows, and a NULL or empty range covers nothing. The
-- state holds the islands met so far, not the rows, and crosses between parallel workers.

CREATE OR REPLACE FUNCTION temporal.islands_accumulate(internal, anyrange)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_accumulate';
COMMENT ON FUNCTION temporal.islands_accumulate(internal, anyrange) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_accumulate(internal, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_accumulate(internal, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_accumulate_within(internal, anyrange, anyrange)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_accumulate_within';
COMMENT ON FUNCTION temporal.islands_accumulate_within(internal, anyrange, anyrange) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_accumulate_within(internal, anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_accumulate_within(internal, anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_combine(internal, internal)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_combine';
COMMENT ON FUNCTION temporal.islands_combine(internal, internal) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_combine(internal, internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_combine(internal, internal) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_combine_within(internal, internal)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_combine_within';
COMMENT ON FUNCTION temporal.islands_combine_within(internal, internal) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_combine_within(internal, internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_combine_within(internal, internal) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_serialize(internal)
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_serialize';
COMMENT ON FUNCTION temporal.islands_serialize(internal) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_serialize(internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_serialize(internal) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_deserialize(bytea, internal)
RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_deserialize';
COMMENT ON FUNCTION temporal.islands_deserialize(bytea, internal) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_deserialize(bytea, internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_deserialize(bytea, internal) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_serialize_within(internal)
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_serialize_within';
COMMENT ON FUNCTION temporal.islands_serialize_within(internal) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_serialize_within(internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_serialize_within(internal) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_deserialize_within(bytea, internal)
RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_deserialize_within';
COMMENT ON FUNCTION temporal.islands_deserialize_within(bytea, internal) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_deserialize_within(bytea, internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_deserialize_within(bytea, internal) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_coalesce(internal, anyrange)
RETURNS anymultirange
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_coalesce';
COMMENT ON FUNCTION temporal.islands_coalesce(internal, anyrange) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_coalesce(internal, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_coalesce(internal, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_gaps(internal, anyrange)
RETURNS anymultirange
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_gaps';
COMMENT ON FUNCTION temporal.islands_gaps(internal, anyrange) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_gaps(internal, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_gaps(internal, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_gaps_within(internal, anyrange, anyrange)
RETURNS anymultirange
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_gaps_within';
COMMENT ON FUNCTION temporal.islands_gaps_within(internal, anyrange, anyrange) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_gaps_within(internal, anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_gaps_within(internal, anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_cover(internal, anyrange, anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_cover';
COMMENT ON FUNCTION temporal.islands_cover(internal, anyrange, anyrange) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_cover(internal, anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_cover(internal, anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.segments_accumulate(internal, anyelement)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_segments_accumulate';
COMMENT ON FUNCTION temporal.segments_accumulate(internal, anyelement) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.segments_accumulate(internal, anyelement) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.segments_accumulate(internal, anyelement) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.segments_combine(internal, internal)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_segments_combine';
COMMENT ON FUNCTION temporal.segments_combine(internal, internal) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.segments_combine(internal, internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.segments_combine(internal, internal) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.segments_serialize(internal)
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_segments_serialize';
COMMENT ON FUNCTION temporal.segments_serialize(internal) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.segments_serialize(internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.segments_serialize(internal) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.segments_deserialize(bytea, internal)
RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_segments_deserialize';
COMMENT ON FUNCTION temporal.segments_deserialize(bytea, internal) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.segments_deserialize(bytea, internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.segments_deserialize(bytea, internal) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.segments_array(internal, anyelement)
RETURNS anyarray
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_segments_array';
COMMENT ON FUNCTION temporal.segments_array(internal, anyelement) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.segments_array(internal, anyelement) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.segments_array(internal, anyelement) TO PUBLIC;

CREATE OR REPLACE AGGREGATE temporal.range_coalesce(r anyrange) (
    SFUNC = temporal.islands_accumulate, STYPE = internal, SSPACE = 128,
    FINALFUNC = temporal.islands_coalesce, FINALFUNC_EXTRA, FINALFUNC_MODIFY = READ_ONLY,
    COMBINEFUNC = temporal.islands_combine, SERIALFUNC = temporal.islands_serialize, DESERIALFUNC = temporal.islands_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE temporal.range_coalesce(anyrange) IS
    'The union of the ranges as a multirange, as range_agg; NULL and empty ranges add nothing; {} of empty ranges alone, NULL without a range.';
REVOKE ALL ON FUNCTION temporal.range_coalesce(anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.range_coalesce(anyrange) TO PUBLIC;

CREATE OR REPLACE AGGREGATE temporal.gaps(r anyrange) (
    SFUNC = temporal.islands_accumulate, STYPE = internal, SSPACE = 128,
    FINALFUNC = temporal.islands_gaps, FINALFUNC_EXTRA, FINALFUNC_MODIFY = READ_ONLY,
    COMBINEFUNC = temporal.islands_combine, SERIALFUNC = temporal.islands_serialize, DESERIALFUNC = temporal.islands_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE temporal.gaps(anyrange) IS
    'What lies between the first and the last of the ranges and is covered by none; NULL and empty ranges add nothing; {} when there is no gap, NULL without a range.';
REVOKE ALL ON FUNCTION temporal.gaps(anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.gaps(anyrange) TO PUBLIC;

CREATE OR REPLACE AGGREGATE temporal.gaps(r anyrange, within anyrange) (
    SFUNC = temporal.islands_accumulate_within, STYPE = internal, SSPACE = 128,
    FINALFUNC = temporal.islands_gaps_within, FINALFUNC_EXTRA, FINALFUNC_MODIFY = READ_ONLY,
    COMBINEFUNC = temporal.islands_combine_within, SERIALFUNC = temporal.islands_serialize_within, DESERIALFUNC = temporal.islands_deserialize_within,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE temporal.gaps(anyrange, anyrange) IS
    'The parts of within that no range covers; NULL and empty ranges cover nothing, of an empty within there are no parts; NULL when within is NULL in all rows; two different values of within in one group raise 22023.';
REVOKE ALL ON FUNCTION temporal.gaps(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.gaps(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE AGGREGATE temporal.covers_without_gaps(r anyrange, target anyrange) (
    SFUNC = temporal.islands_accumulate_within, STYPE = internal, SSPACE = 64,
    FINALFUNC = temporal.islands_cover, FINALFUNC_EXTRA, FINALFUNC_MODIFY = READ_ONLY,
    COMBINEFUNC = temporal.islands_combine_within, SERIALFUNC = temporal.islands_serialize_within, DESERIALFUNC = temporal.islands_deserialize_within,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE temporal.covers_without_gaps(anyrange, anyrange) IS
    'True when the ranges together cover all of target; NULL and empty ranges cover nothing, an empty target is covered; NULL when target is NULL in all rows; two different values of target in one group raise 22023.';
REVOKE ALL ON FUNCTION temporal.covers_without_gaps(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.covers_without_gaps(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE AGGREGATE temporal.segments(r anyelement) (
    SFUNC = temporal.segments_accumulate, STYPE = internal, SSPACE = 256,
    FINALFUNC = temporal.segments_array, FINALFUNC_EXTRA, FINALFUNC_MODIFY = READ_ONLY,
    COMBINEFUNC = temporal.segments_combine, SERIALFUNC = temporal.segments_serialize, DESERIALFUNC = temporal.segments_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE temporal.segments(anyelement) IS
    'The covered time cut at every bound of the ranges, as an array of ranges in order of time; NULL and empty ranges add nothing; {} of empty ranges alone, NULL without a range; 42804 when the argument is no range.';
REVOKE ALL ON FUNCTION temporal.segments(anyelement) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.segments(anyelement) TO PUBLIC;
-- Sweeps over rows: set-returning functions over one read-only SELECT that is given as text.
--
-- What all of them have in common:
--   - The query runs once, as the caller, with the caller's search_path and rights, in the snapshot of the statement.
--     It is refused unless it is a single SELECT (or VALUES, or TABLE) that only reads.
--   - Key columns and the period are given by name. Rows with equal keys are a group; no keys, '{}', make one group of all.
--   - A row whose period is NULL or empty is left out. Any range type will do; unbounded sides and infinity are what they
--     are in the range type. Results are half-open where the input is.
--   - A row of the result has the key columns, then the value columns, then the period, all with the types they have in
--     the query. In FROM a column definition list gives them names. The order of the rows is not defined: use ORDER BY.
--   - Sorting stays within work_mem. In a SELECT list the rows come one by one; in FROM they are collected first, which
--     is what the executor does with any function there.
--
-- Everybody may execute them: they read what the caller may read. No schema that PostgREST exposes has them.

CREATE OR REPLACE FUNCTION temporal.coalesce_rows(query text, key_columns name[], period name DEFAULT 'valid_range',
    value_columns name[] DEFAULT NULL)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 ROWS 1000
AS 'MODULE_PATHNAME', 'statbus_coalesce_rows';
COMMENT ON FUNCTION temporal.coalesce_rows(text, name[], name, name[]) IS
    'Joins periods that overlap or meet and whose rows agree in keys and values: key columns, value columns, the longest periods. Without value_columns all other columns of the query are values; ''{}'' means none, and all periods of a key are joined. Equality is that of the types, NULL is equal to NULL (as in GROUP BY). Rows without a period or with an empty one are left out. Errors: 22023 or 0A000 for a query that is not a single SELECT that only reads, 22004 for a NULL argument, 42703 for a column that the query does not return, 42702 for one that it returns twice, 42701 for one named twice, 42804 for a period that is no range and for a wrong column definition list, 42883 for a type without an order. Source: Böhlen, Snodgrass, Soo, Coalescing in Temporal Databases, 1996.';
REVOKE ALL ON FUNCTION temporal.coalesce_rows(text, name[], name, name[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.coalesce_rows(text, name[], name, name[]) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.segment_rows(query text, key_columns name[], period name DEFAULT 'valid_range',
    with_gaps boolean DEFAULT false)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 ROWS 1000
AS 'MODULE_PATHNAME', 'statbus_segment_rows';
COMMENT ON FUNCTION temporal.segment_rows(text, name[], name, boolean) IS
    'The atomic segments of each group: key columns, period. Time is cut at every bound of a row of the group; no row begins or ends inside a segment. Pieces that no row covers are left out unless with_gaps. NULL keys are one group. Rows without a period or with an empty one are left out. Errors as temporal.coalesce_rows. Source: the temporal splitter of Dignös, Böhlen, Gamper, Temporal Alignment, SIGMOD 2012.';
REVOKE ALL ON FUNCTION temporal.segment_rows(text, name[], name, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.segment_rows(text, name[], name, boolean) TO PUBLIC;

-- Kinds: inner   a piece for each pair of rows with equal keys whose periods overlap
--        left    and the longest pieces of left rows that no right row covers, with NULL for the values of the right
--        full    and those of right rows
--        semi    the longest pieces of left rows that right rows cover; no right values
--        anti    the longest pieces of left rows that no right row covers; no right values
CREATE OR REPLACE FUNCTION temporal.join_rows(left_query text, right_query text, key_columns name[],
    period name DEFAULT 'valid_range', kind text DEFAULT 'inner', left_values name[] DEFAULT NULL,
    right_values name[] DEFAULT NULL)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 ROWS 1000
AS 'MODULE_PATHNAME', 'statbus_join_rows';
COMMENT ON FUNCTION temporal.join_rows(text, text, name[], name, text, name[], name[]) IS
    'Joins the rows of two queries with equal keys over the time that they share: key columns, values of the left, values of the right (not for semi and anti), period. Kinds: inner, left, full, semi, anti; the pieces of a left row cover it exactly in a left or full join, and semi and anti pieces together do too. Key columns and period have the same names and types in both queries. Without left_values or right_values all other columns of that query are values. A NULL key equals nothing, as in SQL. Rows without a period or with an empty one are left out. Errors as temporal.coalesce_rows; 22023 also for an unknown kind and for right_values of a semi or anti join, 42804 also for keys or periods of different types, 42P22 for keys of different collations. Source: the outer temporal joins of Dignös, Böhlen, Gamper, Temporal Alignment, SIGMOD 2012.';
REVOKE ALL ON FUNCTION temporal.join_rows(text, text, name[], name, text, name[], name[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.join_rows(text, text, name[], name, text, name[], name[]) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.sequenced_aggregate(query text, key_columns name[], aggregates text[] DEFAULT '{count(*)}',
    period name DEFAULT 'valid_range', with_gaps boolean DEFAULT false)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 ROWS 1000
AS 'MODULE_PATHNAME', 'statbus_sequenced_aggregate';
COMMENT ON FUNCTION temporal.sequenced_aggregate(text, name[], text[], name, boolean) IS
    'Aggregates over the rows that hold in each atomic segment of a group: key columns, one column per aggregate, period. Aggregates are count(*), count(column), sum(column), min(column) and max(column), with columns written as in SQL. NULL values are ignored as SQL aggregates do: without a value sum, min and max are NULL. Sums have the type that sum() gives (smallint and integer: bigint; bigint and numeric: numeric), or the type of the values'' own operator +. Segments that no row covers are left out unless with_gaps. Rows without a period or with an empty one are left out. Errors as temporal.coalesce_rows; 22023 also for a malformed aggregate, 42883 for a column that cannot be summed or compared, 22003 for a sum out of range. Source: sequenced semantics, Snodgrass, Developing Time-Oriented Database Applications in SQL, 1999.';
REVOKE ALL ON FUNCTION temporal.sequenced_aggregate(text, name[], text[], name, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.sequenced_aggregate(text, name[], text[], name, boolean) TO PUBLIC;
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

-- Makes a btree that finds the rows of some columns in the order of their periods, unless one is there.
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
    WHERE i.indrelid = table_name AND i.indisvalid AND i.indisready AND i.indislive
        AND i.indnkeyatts >= width + cardinality(further)
        AND (i.indkey::smallint[])[0:width - 1] @> numbers AND (i.indkey::smallint[])[0:width - 1] <@ numbers
        AND (period IS NULL OR (i.indkey::smallint[])[width:width + cardinality(further) - 1] = further_numbers)
        AND NOT 0 = ANY ((i.indkey::smallint[])[0:width + cardinality(further) - 1])
        AND NOT EXISTS (
            SELECT FROM generate_series(0, width + cardinality(further) - 1) AS u(place)
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
    'regular table, where period is NULL, (columns), unless it is there.';

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
-- temporal.merge: a set of rows, each valid during a period, becomes part of a temporal table.
--
-- Per call: (1) read the source once, in the order of row_id; (2) identify its rows, by identity or natural keys, then lock and read the
-- target's slices of the entities in question, until nobody changes them any more; (3) entity by entity cut time at every bound, work out
-- each segment's columns, join equal neighbours and compare with what is there; (4) one statement with DELETE, UPDATE and INSERT applies, so
-- that keys are checked on the end state. All of it is C: src/merge*.c.

-- One attempt. Natural keys, modes and results are those of temporal.merge.
CREATE OR REPLACE FUNCTION temporal.merge_once(
    target regclass, source regclass, identity_columns name[], mode temporal.merge_mode, natural_keys jsonb,
    delete_mode temporal.merge_delete_mode, period name, row_id_column name, founding_id_column name, ephemeral_columns name[])
RETURNS TABLE (row_id bigint, status temporal.merge_status, entity jsonb, message text)
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000 ROWS 1000
AS 'MODULE_PATHNAME', 'statbus_temporal_merge';
REVOKE ALL ON FUNCTION temporal.merge_once(regclass, regclass, name[], temporal.merge_mode, jsonb, temporal.merge_delete_mode, name, name, name, name[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.merge_once(regclass, regclass, name[], temporal.merge_mode, jsonb, temporal.merge_delete_mode, name, name, name, name[]) TO PUBLIC;
COMMENT ON FUNCTION temporal.merge_once(regclass, regclass, name[], temporal.merge_mode, jsonb, temporal.merge_delete_mode, name, name, name, name[])
    IS 'temporal.merge without its second attempt after a key violation: use temporal.merge. All arguments are given; NULLs and errors as there.';

-- Everything in the body is qualified: the search_path stays the caller's, for triggers and defaults of the target.
CREATE OR REPLACE FUNCTION temporal.merge(
    target regclass, source regclass, identity_columns name[],
    mode temporal.merge_mode DEFAULT 'MERGE_ENTITY_PATCH', natural_keys jsonb DEFAULT '[]',
    delete_mode temporal.merge_delete_mode DEFAULT 'NONE', period name DEFAULT 'valid_range',
    row_id_column name DEFAULT 'row_id', founding_id_column name DEFAULT NULL, ephemeral_columns name[] DEFAULT '{}')
RETURNS TABLE (row_id bigint, status temporal.merge_status, entity jsonb, message text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000 ROWS 1000
AS $merge$
#variable_conflict use_variable
BEGIN
    RETURN QUERY SELECT m.row_id, m.status, m.entity, m.message FROM temporal.merge_once(
        target, source, identity_columns, mode, natural_keys, delete_mode, period, row_id_column, founding_id_column, ephemeral_columns) AS m;
EXCEPTION WHEN exclusion_violation OR unique_violation THEN
    -- somebody may have made the same new entity meanwhile: look once more, at what he committed
    IF pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.<>) 'read committed' THEN
        RAISE;
    END IF;
    RETURN QUERY SELECT m.row_id, m.status, m.entity, m.message FROM temporal.merge_once(
        target, source, identity_columns, mode, natural_keys, delete_mode, period, row_id_column, founding_id_column, ephemeral_columns) AS m;
END
$merge$;
REVOKE ALL ON FUNCTION temporal.merge(regclass, regclass, name[], temporal.merge_mode, jsonb, temporal.merge_delete_mode, name, name, name, name[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.merge(regclass, regclass, name[], temporal.merge_mode, jsonb, temporal.merge_delete_mode, name, name, name, name[]) TO PUBLIC;
COMMENT ON FUNCTION temporal.merge(regclass, regclass, name[], temporal.merge_mode, jsonb, temporal.merge_delete_mode, name, name, name, name[])
    IS 'Merges the rows of a relation into a temporal table; one result row per source row, in the order of row_id. NULL is allowed for identity_columns (the first natural key identifies), natural_keys, founding_id_column and ephemeral_columns; 22004 for another NULL, 22023 for arguments that contradict each other, 42703, 42804 and 42809 for what cannot be merged, 42501 for a missing right. Source: doc/temporal.md';
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
-- The task queue: spawn() puts tasks in, process_tasks() runs them in order.

-- DEFINER: queueing tasks
CREATE OR REPLACE FUNCTION worker.spawn(
    command text,
    payload jsonb DEFAULT '{}',
    queue text DEFAULT NULL,
    priority bigint DEFAULT NULL,
    parent_id bigint DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $spawn$
DECLARE
    registered record;
    parent_depth integer := -1;
    task_id bigint;
    payload_given jsonb := coalesce(payload, '{}');
BEGIN
    SELECT r.queue, r.is_unique INTO registered
    FROM worker.command_registry AS r
    WHERE r.command = spawn.command;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'command "%" is not registered', command
            USING ERRCODE = 'undefined_object', HINT = 'Commands stand in worker.command_registry.';
    END IF;
    IF jsonb_typeof(payload_given) <> 'object' THEN
        RAISE EXCEPTION 'payload of command "%" is not a JSON object', command
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF spawn.parent_id IS NOT NULL THEN
        SELECT t.depth INTO STRICT parent_depth FROM worker.tasks AS t WHERE t.id = spawn.parent_id;
    END IF;

    LOOP
        -- The lock keeps the pending task from being run before the caller's changes are committed, so that it
        -- will see them; callers do not block each other.
        IF registered.is_unique THEN
            SELECT t.id INTO task_id
            FROM worker.tasks AS t
            WHERE t.command = spawn.command
            AND md5(t.payload::text) = md5(payload_given::text)
            AND t.is_unique
            AND t.state = 'pending'
            FOR KEY SHARE;
            IF FOUND THEN
                RETURN task_id;
            END IF;
        END IF;
        INSERT INTO worker.tasks (command, queue, priority, payload, is_unique, parent_id, depth)
        VALUES (command, coalesce(spawn.queue, registered.queue),
                coalesce(spawn.priority, nextval('worker.task_priority_seq')),
                payload_given, registered.is_unique, spawn.parent_id, parent_depth + 1)
        ON CONFLICT DO NOTHING
        RETURNING id INTO task_id;
        EXIT WHEN FOUND;
    END LOOP;

    PERFORM pg_notify('worker_tasks', coalesce(spawn.queue, registered.queue));
    RETURN task_id;
EXCEPTION
    WHEN no_data_found THEN
        RAISE EXCEPTION 'parent task % does not exist', spawn.parent_id
            USING ERRCODE = 'foreign_key_violation';
END
$spawn$;
COMMENT ON FUNCTION worker.spawn(text, jsonb, text, bigint, bigint) IS
    'Queues a task and returns its id.  A command flagged is_unique is pending once per payload: the pending task is returned, with its priority';
REVOKE ALL ON FUNCTION worker.spawn(text, jsonb, text, bigint, bigint) FROM PUBLIC;

-- Takes the next task of some queues.  What is still "processing" there was left behind by a session that ended:
-- the caller owns the queues.
CREATE OR REPLACE FUNCTION worker.claim(queues text[])
RETURNS TABLE (task_id bigint, handler_procedure text, failure_procedure text, payload jsonb)
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $claim$
DECLARE
    attempts_allowed CONSTANT integer := 5;
BEGIN
    UPDATE worker.tasks AS t
    SET state = CASE WHEN t.attempts < attempts_allowed THEN 'interrupted'::worker.task_state ELSE 'failed' END,
        error = CASE WHEN t.attempts < attempts_allowed THEN NULL ELSE format('interrupted %s times', t.attempts) END,
        completed_at = CASE WHEN t.attempts < attempts_allowed THEN NULL ELSE clock_timestamp() END,
        process_stop_at = clock_timestamp()
    WHERE t.state = 'processing'
    AND t.queue = ANY (queues);

    RETURN QUERY
        UPDATE worker.tasks AS t
        SET state = 'processing',
            attempts = t.attempts + 1,
            process_start_at = clock_timestamp(),
            process_stop_at = NULL,
            worker_pid = pg_backend_pid()
        FROM worker.command_registry AS r
        WHERE r.command = t.command
        AND t.id = (SELECT next.id
                    FROM worker.tasks AS next
                    WHERE next.state IN ('pending', 'interrupted')
                    AND next.queue = ANY (queues)
                    AND (next.scheduled_at IS NULL OR next.scheduled_at <= clock_timestamp())
                    ORDER BY next.priority, next.id
                    LIMIT 1
                    FOR UPDATE SKIP LOCKED)
        RETURNING t.id, r.handler_procedure, r.failure_procedure, t.payload;
END
$claim$;
COMMENT ON FUNCTION worker.claim(text[]) IS 'Marks the next task of these queues as being processed and returns it; the caller must own the queues; internal';
REVOKE ALL ON FUNCTION worker.claim(text[]) FROM PUBLIC;

-- What became of a task: no error_code, it is completed; a cancelled session, it will run again; a deadlock or a lock that
-- others held for too long, the same up to five times; else it has failed.
CREATE OR REPLACE FUNCTION worker.settle(
    task_id bigint, duration_ms numeric, error_code text, error text, detail text, hint text, context text
)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $settle$
    UPDATE worker.tasks AS t
    SET state = outcome.state,
        process_stop_at = clock_timestamp(),
        completed_at = CASE WHEN outcome.state <> 'interrupted' THEN clock_timestamp() END,
        duration_ms = settle.duration_ms,
        worker_pid = NULL,
        error = CASE WHEN outcome.state = 'failed' THEN settle.error END,
        error_code = CASE WHEN outcome.state = 'failed' THEN settle.error_code END,
        error_detail = CASE WHEN outcome.state = 'failed' THEN nullif(settle.detail, '') END,
        error_hint = CASE WHEN outcome.state = 'failed' THEN nullif(settle.hint, '') END,
        error_context = CASE WHEN outcome.state = 'failed' THEN nullif(settle.context, '') END
    FROM (SELECT CASE
                     WHEN settle.error_code IS NULL THEN 'completed'::worker.task_state
                     WHEN settle.error_code = '57014' THEN 'interrupted'
                     WHEN settle.error_code IN ('40001', '40P01', '55P03') AND before.attempts < 5 THEN 'interrupted'
                     ELSE 'failed'
                 END AS state
          FROM worker.tasks AS before
          WHERE before.id = settle.task_id) AS outcome
    WHERE t.id = settle.task_id
$settle$;
COMMENT ON FUNCTION worker.settle(bigint, numeric, text, text, text, text, text) IS 'Records the end of a task; internal';
REVOKE ALL ON FUNCTION worker.settle(bigint, numeric, text, text, text, text, text) FROM PUBLIC;

-- A procedure that commits: no SET clause is allowed, every name is qualified.
--
-- One session at a time works on a queue; another one that asks for it waits, and then does what is left. So when
-- the call returns, the tasks that were ready when it was made are done, whoever did them.
-- Each task has a transaction of its own. In a transaction block nothing is committed, and deferred triggers wait for
-- the end of the block.
CREATE OR REPLACE PROCEDURE worker.process_tasks(queue text DEFAULT NULL, max_tasks integer DEFAULT NULL)
LANGUAGE plpgsql
AS $process_tasks$
DECLARE
    in_block CONSTANT boolean := statbus.in_transaction_block();
    queues text[];
    queue_name text;
    owned text[] := '{}';
    task record;
    done integer := 0;
    started_at timestamptz;
    error_code text;
    error_message text;
    error_detail text;
    error_hint text;
    error_context text;
BEGIN
    SELECT pg_catalog.array_agg(r.queue ORDER BY r.queue) INTO queues
    FROM worker.queue_registry AS r
    WHERE process_tasks.queue IS NULL OR r.queue OPERATOR(pg_catalog.=) process_tasks.queue;
    IF queues IS NULL THEN
        RAISE EXCEPTION 'queue "%" does not exist', queue
            USING ERRCODE = 'undefined_object', HINT = 'Queues stand in worker.queue_registry.';
    END IF;

    -- In the order of names, so that two sessions cannot wait for each other. A lock of the session outlives an error:
    -- from here on every error is caught, and raised again when the locks are given back.
    BEGIN
        FOREACH queue_name IN ARRAY queues LOOP
            IF in_block THEN
                PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('statbus.worker.' || queue_name, 0));
            ELSE
                PERFORM pg_catalog.pg_advisory_lock(pg_catalog.hashtextextended('statbus.worker.' || queue_name, 0));
                owned := owned || queue_name;
            END IF;
        END LOOP;
    EXCEPTION WHEN query_canceled OR OTHERS THEN
        GET STACKED DIAGNOSTICS error_code = RETURNED_SQLSTATE, error_message = MESSAGE_TEXT;
    END;

    WHILE error_code IS NULL AND (max_tasks IS NULL OR done < max_tasks) LOOP
        BEGIN
            SELECT c.task_id, c.handler_procedure, c.failure_procedure, c.payload INTO task FROM worker.claim(queues) AS c;
        EXCEPTION WHEN query_canceled OR OTHERS THEN
            GET STACKED DIAGNOSTICS error_code = RETURNED_SQLSTATE, error_message = MESSAGE_TEXT;
        END;
        EXIT WHEN error_code IS NOT NULL;
        EXIT WHEN task.task_id IS NULL;
        IF NOT in_block THEN
            COMMIT;
        END IF;

        started_at := pg_catalog.clock_timestamp();
        BEGIN
            EXECUTE pg_catalog.format('CALL %s($1)', task.handler_procedure) USING task.payload;
            IF NOT in_block THEN
                -- What fails in a deferred trigger fails the task, not this procedure.
                SET CONSTRAINTS ALL IMMEDIATE;
            END IF;
        EXCEPTION WHEN query_canceled OR OTHERS THEN
            GET STACKED DIAGNOSTICS error_code = RETURNED_SQLSTATE, error_message = MESSAGE_TEXT,
                error_detail = PG_EXCEPTION_DETAIL, error_hint = PG_EXCEPTION_HINT, error_context = PG_EXCEPTION_CONTEXT;
        END;
        PERFORM worker.settle(task.task_id,
                              (1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - started_at))::pg_catalog.numeric,
                              error_code, error_message, error_detail, error_hint, error_context);
        IF NOT in_block THEN
            COMMIT;
        END IF;
        EXIT WHEN error_code = '57014';     -- cancelled

        IF error_code IS NOT NULL AND task.failure_procedure IS NOT NULL
            AND EXISTS (SELECT FROM worker.tasks AS t WHERE t.id OPERATOR(pg_catalog.=) task.task_id AND t.state OPERATOR(pg_catalog.=) 'failed') THEN
            BEGIN
                EXECUTE pg_catalog.format('CALL %s($1, $2)', task.failure_procedure) USING task.payload, error_message;
            EXCEPTION WHEN OTHERS THEN
                RAISE WARNING 'failure procedure of task % failed: %', task.task_id, SQLERRM;
            END;
            IF NOT in_block THEN
                COMMIT;
            END IF;
        END IF;
        error_code := NULL;
        done := done + 1;
    END LOOP;

    FOREACH queue_name IN ARRAY owned LOOP
        PERFORM pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended('statbus.worker.' || queue_name, 0));
    END LOOP;
    IF error_code IS NOT NULL THEN
        RAISE EXCEPTION '%', error_message USING ERRCODE = error_code;
    END IF;
END
$process_tasks$;
COMMENT ON PROCEDURE worker.process_tasks(text, integer) IS
    'Runs the tasks that are ready, of one queue or of all, lowest priority number first, each in its own transaction.  A failed task does not stop the others';
REVOKE ALL ON PROCEDURE worker.process_tasks(text, integer) FROM PUBLIC;

CREATE OR REPLACE PROCEDURE worker.delete_old_tasks(payload jsonb)
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $delete_old_tasks$
    DELETE FROM worker.tasks AS t
    WHERE t.completed_at < statement_timestamp() - CASE WHEN t.state = 'failed' THEN interval '30 days' ELSE interval '7 days' END
    AND NOT EXISTS (SELECT
                    FROM worker.tasks AS child
                    WHERE child.parent_id = t.id
                    AND child.state NOT IN ('completed', 'failed'));
$delete_old_tasks$;
COMMENT ON PROCEDURE worker.delete_old_tasks(jsonb) IS 'Handler of task_cleanup: deletes completed tasks after 7 days and failed ones after 30';
REVOKE ALL ON PROCEDURE worker.delete_old_tasks(jsonb) FROM PUBLIC;
-- What makes a definition fit for use, and how definitions follow the types of identifier and the statistics.

-- Takes the columns of the definition that matter as arguments, because a BEFORE trigger knows them before the table does.
CREATE OR REPLACE FUNCTION import.definition_error(
    definition_id integer, mode text, valid_time_from text, data_source_id integer
)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $definition_error$
    WITH step AS (
        SELECT s.id, s.code, s.priority
        FROM import.definition_step AS ds
        JOIN import.step AS s ON s.id = ds.step_id
        WHERE ds.definition_id = definition_error.definition_id
    ), source AS (
        SELECT h.id, h.column_name, h.priority
        FROM import.source_column AS h
        WHERE h.definition_id = definition_error.definition_id
    ), mapping AS (
        SELECT m.id, m.source_column_id, m.source_value, m.source_expression, m.is_ignored,
               c.column_name, c.enabled, c.is_uniquely_identifying, c.external_ident_type_id, s.code AS step_code
        FROM import.mapping AS m
        LEFT JOIN import.data_column AS c ON c.id = m.target_data_column_id
        LEFT JOIN import.step AS s ON s.id = c.step_id
        WHERE m.definition_id = definition_error.definition_id
    ), needed (step_code) AS (
        SELECT unnest('{valid_time,edit_info,metadata}'::text[])
        UNION ALL
        SELECT unnest(
            CASE mode
                WHEN 'legal_unit' THEN '{external_idents,legal_unit,enterprise_link_for_legal_unit}'
                WHEN 'establishment_formal' THEN '{external_idents,establishment,link_establishment_to_legal_unit}'
                WHEN 'establishment_informal' THEN '{external_idents,establishment,enterprise_link_for_establishment}'
                WHEN 'generic_unit' THEN '{external_idents,statistical_variables}'
                WHEN 'legal_relationship' THEN '{legal_relationship}'
            END::text[])
    ), problem (position, detail, message) AS (
        SELECT 1, n.step_code, format('step %s is missing', n.step_code)
        FROM needed AS n
        WHERE n.step_code NOT IN (SELECT s.code FROM step AS s)
        UNION ALL
        SELECT 2, min(s.code), format('steps %s have the same priority', string_agg(s.code, ', ' ORDER BY s.code))
        FROM step AS s
        GROUP BY s.priority
        HAVING count(*) > 1
        UNION ALL
        SELECT 3, bound.name,
               CASE valid_time_from
                   WHEN 'source_columns' THEN format('%s is not mapped from a source column', bound.name)
                   ELSE format('%s is not mapped from expression default', bound.name)
               END
        FROM (VALUES ('valid_from'), ('valid_to')) AS bound (name)
        WHERE NOT EXISTS (SELECT
                          FROM mapping AS m
                          WHERE m.column_name = bound.name || '_raw'
                          AND m.step_code = 'valid_time'
                          AND CASE valid_time_from
                                  WHEN 'source_columns' THEN m.source_column_id IS NOT NULL
                                  ELSE m.source_expression = 'default'
                              END)
        UNION ALL
        SELECT 4, '', 'no identifier is mapped'
        WHERE mode <> 'legal_relationship'
        AND NOT EXISTS (SELECT FROM mapping AS m WHERE m.is_uniquely_identifying AND m.enabled)
        UNION ALL
        SELECT 5, '', 'no identifier of the legal unit is mapped'
        WHERE mode = 'establishment_formal'
        AND NOT EXISTS (SELECT
                        FROM mapping AS m
                        WHERE m.step_code = 'link_establishment_to_legal_unit'
                        AND m.external_ident_type_id IS NOT NULL
                        AND m.enabled)
        UNION ALL
        SELECT 6, needed.name, format('%s is not mapped', needed.name)
        FROM (VALUES ('influencing_tax_ident'), ('influenced_tax_ident'), ('rel_type_code')) AS needed (name)
        WHERE mode = 'legal_relationship'
        AND NOT EXISTS (SELECT FROM mapping AS m WHERE m.column_name = needed.name || '_raw')
        UNION ALL
        SELECT 7, '', 'there is no data source, and data_source_code is not mapped'
        WHERE definition_error.data_source_id IS NULL
        AND NOT EXISTS (SELECT FROM mapping AS m WHERE m.column_name = 'data_source_code_raw')
        UNION ALL
        SELECT 8, to_char(h.priority, '0000000000'), format('source column "%s" is neither mapped nor ignored', h.column_name)
        FROM source AS h
        WHERE NOT EXISTS (SELECT FROM mapping AS m WHERE m.source_column_id = h.id)
        UNION ALL
        SELECT 9, to_char(h.priority, '0000000000'), format('source column "%s" is both mapped and ignored', h.column_name)
        FROM source AS h
        WHERE EXISTS (SELECT FROM mapping AS m WHERE m.source_column_id = h.id AND m.is_ignored)
        AND EXISTS (SELECT FROM mapping AS m WHERE m.source_column_id = h.id AND NOT m.is_ignored)
        UNION ALL
        SELECT 10, m.column_name, format('%s is mapped and belongs to step %s, which the definition lacks', m.column_name, m.step_code)
        FROM mapping AS m
        WHERE m.step_code NOT IN (SELECT s.code FROM step AS s)
        UNION ALL
        SELECT 11, '', 'there are no source columns'
        WHERE NOT EXISTS (SELECT FROM source)
    )
    SELECT string_agg(p.message, '; ' ORDER BY p.position, p.detail)
    FROM problem AS p
$definition_error$;
COMMENT ON FUNCTION import.definition_error(integer, text, text, integer) IS
    'What keeps jobs from using a definition of this mode, time and data source; NULL: nothing';
REVOKE ALL ON FUNCTION import.definition_error(integer, text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.definition_error(integer, text, text, integer) TO authenticated;

CREATE OR REPLACE FUNCTION import.definition_validate()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $definition_validate$
BEGIN
    NEW.validation_error := import.definition_error(NEW.id, NEW.mode::text, NEW.valid_time_from::text, NEW.data_source_id);
    NEW.valid := NEW.validation_error IS NULL;
    IF TG_OP = 'UPDATE' THEN
        NEW.updated_at := statement_timestamp();
    END IF;
    RETURN NEW;
END
$definition_validate$;
COMMENT ON FUNCTION import.definition_validate() IS 'Trigger: valid and validation_error follow from the definition, whatever is written to them';
REVOKE ALL ON FUNCTION import.definition_validate() FROM PUBLIC;

CREATE OR REPLACE FUNCTION import.validate_definitions(definition_id integer DEFAULT NULL)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $validate_definitions$
    -- The trigger of the table writes the new verdict.
    UPDATE import.definition AS d
    SET valid = d.valid
    WHERE (validate_definitions.definition_id IS NULL OR d.id = validate_definitions.definition_id)
    AND d.validation_error IS DISTINCT FROM import.definition_error(d.id, d.mode::text, d.valid_time_from::text, d.data_source_id)
$validate_definitions$;
COMMENT ON FUNCTION import.validate_definitions(integer) IS 'Judges one definition, or all, anew; the verdict is written where it changed';
REVOKE ALL ON FUNCTION import.validate_definitions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.validate_definitions(integer) TO admin_user;

-- For the tables that a definition consists of: all have a column definition_id.
CREATE OR REPLACE FUNCTION import.definition_part_changed()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $definition_part_changed$
BEGIN
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        PERFORM import.validate_definitions(OLD.definition_id);
    END IF;
    IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND NEW.definition_id <> OLD.definition_id) THEN
        PERFORM import.validate_definitions(NEW.definition_id);
    END IF;
    RETURN NULL;
END
$definition_part_changed$;
COMMENT ON FUNCTION import.definition_part_changed() IS 'Trigger: validates the definition that a step, a source column or a mapping belongs to';
REVOKE ALL ON FUNCTION import.definition_part_changed() FROM PUBLIC;

-- The data columns that types of identifier and statistics ask for. Step, origin, role (the priority) and label name a
-- column for good; its name and type follow the code list.
CREATE OR REPLACE FUNCTION import.wanted_columns()
RETURNS TABLE (
    step_id integer, priority integer, column_name text, column_type text, purpose text, is_uniquely_identifying boolean,
    target_pg_type text, external_ident_type_id integer, ident_label text, stat_definition_id integer, enabled boolean,
    rank integer, "position" bigint
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $wanted_columns$
    SELECT s.id, c.priority, format(c.pattern, side.prefix, t.code), c.column_type, c.purpose, c.purpose = 'source_input' AND side.prefix = '',
           CASE WHEN c.purpose = 'source_input' THEN c.target_pg_type END, t.id, NULL::text, NULL::integer, t.enabled, t.priority, 0::bigint
    FROM register.external_ident_type AS t
    CROSS JOIN (VALUES ('external_idents', ''), ('link_establishment_to_legal_unit', 'legal_unit_')) AS side (step, prefix)
    JOIN import.step AS s ON s.code = side.step
    JOIN (VALUES ('regular', 100, '%s%s_raw', 'text', 'source_input', 'character varying(50)'),
                 ('hierarchical', 110, '%s%s_path', 'ltree', 'internal', NULL))
        AS c (shape, priority, pattern, column_type, purpose, target_pg_type) ON c.shape = t.shape::text
    UNION ALL
    SELECT s.id, 100, format('%s%s_%s_raw', side.prefix, t.code, label.name), 'text', 'source_input', side.prefix = '',
           'ltree', t.id, label.name, NULL, t.enabled, t.priority, label.position
    FROM register.external_ident_type AS t
    CROSS JOIN (VALUES ('external_idents', ''), ('link_establishment_to_legal_unit', 'legal_unit_')) AS side (step, prefix)
    JOIN import.step AS s ON s.code = side.step
    CROSS JOIN LATERAL unnest(string_to_array(ltree2text(t.labels), '.')) WITH ORDINALITY AS label (name, position)
    WHERE t.shape = 'hierarchical'
    UNION ALL
    SELECT s.id, c.priority, format(c.pattern, v.code), coalesce(c.column_type, kind.name), c.purpose, false,
           CASE WHEN c.purpose = 'source_input' THEN kind.name END, NULL, NULL, v.id, v.enabled, v.priority, 0
    FROM register.stat_definition AS v
    JOIN (VALUES ('int', 'integer'), ('float', 'numeric'), ('string', 'text'), ('bool', 'boolean')) AS kind (type, name) ON kind.type = v.type::text
    CROSS JOIN (VALUES (100, '%s_raw', 'text', 'source_input'), (110, '%s', NULL, 'internal'), (120, 'stat_for_unit_%s_id', 'integer', 'pk_id'))
        AS c (priority, pattern, column_type, purpose)
    JOIN import.step AS s ON s.code = 'statistical_variables'
$wanted_columns$;
COMMENT ON FUNCTION import.wanted_columns() IS 'The data columns that exist because of a type of identifier or a statistic; internal';
REVOKE ALL ON FUNCTION import.wanted_columns() FROM PUBLIC;

CREATE OR REPLACE FUNCTION import.synchronise_columns()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $synchronise_columns$
BEGIN
    -- A renamed code renames the headings that were named for it.
    UPDATE import.source_column AS h
    SET column_name = regexp_replace(w.column_name, '_raw$', '')
    FROM import.definition AS d, import.mapping AS m, import.data_column AS c, import.wanted_columns() AS w
    WHERE d.id = h.definition_id
    AND d.dynamic_columns
    AND m.source_column_id = h.id
    AND c.id = m.target_data_column_id
    AND h.column_name = regexp_replace(c.column_name, '_raw$', '')
    AND w.step_id = c.step_id
    AND w.priority = c.priority
    AND (w.external_ident_type_id = c.external_ident_type_id OR w.stat_definition_id = c.stat_definition_id)
    AND w.ident_label IS NOT DISTINCT FROM c.ident_label
    AND w.column_name <> c.column_name;

    UPDATE import.data_column AS c
    SET column_name = w.column_name, column_type = w.column_type, target_pg_type = w.target_pg_type, enabled = w.enabled
    FROM import.wanted_columns() AS w
    WHERE w.step_id = c.step_id
    AND w.priority = c.priority
    AND (w.external_ident_type_id = c.external_ident_type_id OR w.stat_definition_id = c.stat_definition_id)
    AND w.ident_label IS NOT DISTINCT FROM c.ident_label
    AND (c.column_name, c.column_type, c.target_pg_type, c.enabled)
        IS DISTINCT FROM (w.column_name, w.column_type, w.target_pg_type, w.enabled);

    -- What is wanted no longer is disabled, takes its headings along where definitions follow, and goes.
    UPDATE import.data_column AS c
    SET enabled = false
    WHERE c.enabled
    AND num_nonnulls(c.external_ident_type_id, c.stat_definition_id) = 1
    AND NOT EXISTS (SELECT
                    FROM import.wanted_columns() AS w
                    WHERE w.step_id = c.step_id
                    AND w.priority = c.priority
                    AND (w.external_ident_type_id = c.external_ident_type_id OR w.stat_definition_id = c.stat_definition_id)
                    AND w.ident_label IS NOT DISTINCT FROM c.ident_label);

    DELETE FROM import.source_column AS h
    USING import.definition AS d, import.mapping AS m, import.data_column AS c
    WHERE d.id = h.definition_id
    AND d.dynamic_columns
    AND m.source_column_id = h.id
    AND c.id = m.target_data_column_id
    AND NOT c.enabled;

    DELETE FROM import.data_column AS c
    WHERE num_nonnulls(c.external_ident_type_id, c.stat_definition_id) = 1
    AND NOT EXISTS (SELECT
                    FROM import.wanted_columns() AS w
                    WHERE w.step_id = c.step_id
                    AND w.priority = c.priority
                    AND (w.external_ident_type_id = c.external_ident_type_id OR w.stat_definition_id = c.stat_definition_id)
                    AND w.ident_label IS NOT DISTINCT FROM c.ident_label);

    INSERT INTO import.data_column
        (step_id, priority, column_name, column_type, purpose, is_uniquely_identifying, target_pg_type,
         external_ident_type_id, ident_label, stat_definition_id, enabled)
    SELECT w.step_id, w.priority, w.column_name, w.column_type, w.purpose::import.column_purpose, w.is_uniquely_identifying, w.target_pg_type,
           w.external_ident_type_id, w.ident_label, w.stat_definition_id, w.enabled
    FROM import.wanted_columns() AS w
    WHERE NOT EXISTS (SELECT
                      FROM import.data_column AS c
                      WHERE w.step_id = c.step_id
                      AND w.priority = c.priority
                      AND (w.external_ident_type_id = c.external_ident_type_id OR w.stat_definition_id = c.stat_definition_id)
                      AND w.ident_label IS NOT DISTINCT FROM c.ident_label)
    ORDER BY w.step_id, w.rank, w.priority, w.position;

    -- New headings come last.
    INSERT INTO import.source_column (definition_id, column_name, priority)
    SELECT d.id, regexp_replace(c.column_name, '_raw$', ''),
           coalesce((SELECT max(h.priority) FROM import.source_column AS h WHERE h.definition_id = d.id), 0)
               + row_number() OVER (PARTITION BY d.id ORDER BY s.priority, c.id)
    FROM import.definition AS d
    JOIN import.definition_step AS ds ON ds.definition_id = d.id
    JOIN import.step AS s ON s.id = ds.step_id
    JOIN import.data_column AS c ON c.step_id = s.id
    WHERE d.dynamic_columns
    AND c.enabled
    AND c.purpose = 'source_input'
    AND num_nonnulls(c.external_ident_type_id, c.stat_definition_id) = 1
    AND NOT EXISTS (SELECT FROM import.mapping AS m WHERE m.definition_id = d.id AND m.target_data_column_id = c.id)
    AND NOT EXISTS (SELECT
                    FROM import.source_column AS h
                    WHERE h.definition_id = d.id
                    AND h.column_name = regexp_replace(c.column_name, '_raw$', ''));

    INSERT INTO import.mapping (definition_id, source_column_id, target_data_column_id)
    SELECT d.id, h.id, c.id
    FROM import.definition AS d
    JOIN import.definition_step AS ds ON ds.definition_id = d.id
    JOIN import.data_column AS c ON c.step_id = ds.step_id
    JOIN import.source_column AS h ON h.definition_id = d.id AND h.column_name = regexp_replace(c.column_name, '_raw$', '')
    WHERE d.dynamic_columns
    AND c.enabled
    AND c.purpose = 'source_input'
    AND num_nonnulls(c.external_ident_type_id, c.stat_definition_id) = 1
    AND NOT EXISTS (SELECT FROM import.mapping AS m WHERE m.source_column_id = h.id)
    AND NOT EXISTS (SELECT FROM import.mapping AS m WHERE m.definition_id = d.id AND m.target_data_column_id = c.id);

    PERFORM import.validate_definitions();
END
$synchronise_columns$;
COMMENT ON FUNCTION import.synchronise_columns() IS
    'Brings data columns, and the source columns and mappings of definitions with dynamic_columns, in step with the types of identifier and the statistics';
REVOKE ALL ON FUNCTION import.synchronise_columns() FROM PUBLIC;

-- DEFINER: data columns follow the code lists; nobody writes them himself
CREATE OR REPLACE FUNCTION import.columns_wanted_changed()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $columns_wanted_changed$
BEGIN
    PERFORM import.synchronise_columns();
    RETURN NULL;
END
$columns_wanted_changed$;
COMMENT ON FUNCTION import.columns_wanted_changed() IS 'Trigger: types of identifier and statistics have columns in import files';
REVOKE ALL ON FUNCTION import.columns_wanted_changed() FROM PUBLIC;

-- Before the row is deleted: afterwards its data columns are gone, and with them what links the headings to it.
CREATE OR REPLACE FUNCTION import.columns_wanted_delete()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $columns_wanted_delete$
BEGIN
    DELETE FROM import.source_column AS h
    USING import.definition AS d, import.mapping AS m, import.data_column AS c
    WHERE d.id = h.definition_id
    AND d.dynamic_columns
    AND m.source_column_id = h.id
    AND c.id = m.target_data_column_id
    AND CASE TG_TABLE_NAME
            WHEN 'external_ident_type' THEN c.external_ident_type_id = OLD.id
            ELSE c.stat_definition_id = OLD.id
        END;
    RETURN OLD;
END
$columns_wanted_delete$;
COMMENT ON FUNCTION import.columns_wanted_delete() IS 'Trigger: removes the headings of a type of identifier or a statistic from definitions that follow';
REVOKE ALL ON FUNCTION import.columns_wanted_delete() FROM PUBLIC;
-- A job: one file on its way into the register.
--
--   waiting_for_upload → upload_completed → preparing_data → analysing_data → [waiting_for_review → approved | rejected]
--   → processing_data → finished; from any of them → failed
--
-- The upload queues task import_job; each run of it takes one step and queues the next. Jobs run one after the other, in
-- the order in which their uploads were completed: a job whose turn has not come is left alone, and woken when the one
-- before it is done.

-- Which state may follow which.
CREATE OR REPLACE FUNCTION import.job_state_follows(old_state text, new_state text)
RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $job_state_follows$
    SELECT new_state = ANY (
        CASE old_state
            WHEN 'waiting_for_upload' THEN '{upload_completed,failed}'
            WHEN 'upload_completed' THEN '{preparing_data,failed}'
            WHEN 'preparing_data' THEN '{analysing_data,failed}'
            WHEN 'analysing_data' THEN '{waiting_for_review,processing_data,failed}'
            WHEN 'waiting_for_review' THEN '{approved,rejected,failed}'
            WHEN 'approved' THEN '{processing_data,failed}'
            WHEN 'rejected' THEN '{finished,failed}'
            WHEN 'processing_data' THEN '{finished,failed}'
            ELSE '{}'
        END::text[])
$job_state_follows$;
COMMENT ON FUNCTION import.job_state_follows(text, text) IS 'Whether an import job may go from one state to the other';
REVOKE ALL ON FUNCTION import.job_state_follows(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.job_state_follows(text, text) TO authenticated;

CREATE OR REPLACE FUNCTION import.definition_snapshot(definition_id integer)
RETURNS jsonb
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $definition_snapshot$
    SELECT jsonb_build_object(
        'import_definition', to_jsonb(d),
        'import_step_list', (
            SELECT coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.priority, s.code), '[]')
            FROM import.definition_step AS ds
            JOIN import.step AS s ON s.id = ds.step_id
            WHERE ds.definition_id = d.id),
        'import_data_column_list', (
            SELECT coalesce(jsonb_agg(to_jsonb(c) ORDER BY s.priority, s.code, c.priority, c.id), '[]')
            FROM import.definition_step AS ds
            JOIN import.step AS s ON s.id = ds.step_id
            JOIN import.data_column AS c ON c.step_id = s.id
            WHERE ds.definition_id = d.id
            AND c.enabled),
        'import_source_column_list', (
            SELECT coalesce(jsonb_agg(to_jsonb(h) ORDER BY h.priority), '[]')
            FROM import.source_column AS h
            WHERE h.definition_id = d.id),
        -- A mapping to a disabled column is as good as none.
        'import_mapping_list', (
            SELECT coalesce(jsonb_agg(to_jsonb(m) ORDER BY m.id), '[]')
            FROM import.mapping AS m
            LEFT JOIN import.data_column AS c ON c.id = m.target_data_column_id
            WHERE m.definition_id = d.id
            AND (m.is_ignored OR c.enabled)))
    FROM import.definition AS d
    WHERE d.id = definition_snapshot.definition_id
$definition_snapshot$;
COMMENT ON FUNCTION import.definition_snapshot(integer) IS 'A definition with its steps, data columns, source columns and mappings as they are now';
REVOKE ALL ON FUNCTION import.definition_snapshot(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.definition_snapshot(integer) TO authenticated;

CREATE OR REPLACE FUNCTION import.job_prepare()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $job_prepare$
DECLARE
    definition import.definition;
    context record;
BEGIN
    SELECT d.* INTO definition FROM import.definition AS d WHERE d.id = NEW.definition_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'import definition % does not exist', coalesce(NEW.definition_id::text, 'NULL')
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF NOT definition.valid THEN
        RAISE EXCEPTION 'import definition "%" is not valid', definition.slug
            USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = definition.validation_error;
    END IF;
    IF NOT definition.enabled THEN
        RAISE EXCEPTION 'import definition "%" is disabled', definition.slug
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

    NEW.slug := coalesce(NEW.slug, 'import_job_' || NEW.id);
    NEW.definition_snapshot := import.definition_snapshot(definition.id);

    IF definition.valid_time_from = 'source_columns' THEN
        IF num_nonnulls(NEW.time_context_ident, NEW.default_valid_from, NEW.default_valid_to) > 0 THEN
            RAISE EXCEPTION 'import definition "%" takes periods from the file, not from the job', definition.slug
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = 'Leave time_context_ident, default_valid_from and default_valid_to out.';
        END IF;
    ELSIF (NEW.time_context_ident IS NOT NULL) = (num_nonnulls(NEW.default_valid_from, NEW.default_valid_to) > 0) THEN
        RAISE EXCEPTION 'import definition "%" takes its period from the job', definition.slug
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give either time_context_ident or both default_valid_from and default_valid_to.';
    ELSIF NEW.time_context_ident IS NOT NULL THEN
        SELECT c.type::text AS type, c.ident, c.name_when_input, c.valid_from, c.valid_to INTO context
        FROM api.time_context AS c
        WHERE c.ident = NEW.time_context_ident
        AND c.scope IN ('input_and_query', 'input')
        AND c.valid_from IS NOT NULL
        AND c.valid_to IS NOT NULL;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'time context "%" does not exist or is not meant for imports', NEW.time_context_ident
                USING ERRCODE = 'invalid_parameter_value', HINT = 'Time contexts stand in api.time_context.';
        END IF;
        NEW.default_valid_from := context.valid_from;
        NEW.default_valid_to := context.valid_to;
        NEW.definition_snapshot := NEW.definition_snapshot || jsonb_build_object('time_context', to_jsonb(context));
    END IF;

    IF NEW.default_data_source_code IS NULL THEN
        SELECT s.code INTO NEW.default_data_source_code FROM register.data_source AS s WHERE s.id = definition.data_source_id;
    ELSIF NOT EXISTS (SELECT FROM register.data_source AS s WHERE s.code = NEW.default_data_source_code AND s.enabled) THEN
        RAISE EXCEPTION 'data source "%" does not exist', NEW.default_data_source_code
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    NEW.user_id := coalesce(NEW.user_id, auth.uid());
    -- A job is applied with the rights of its user: those of "system" are a superuser's.
    IF NEW.user_id <> auth.uid() AND EXISTS (SELECT FROM auth."user" AS u WHERE u.id = NEW.user_id AND u.email IS NULL) THEN
        RAISE EXCEPTION 'permission denied to make an import job of user "system"'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Leave user_id out.';
    END IF;
    NEW.unique_units := definition.unique_units;
    NEW.expires_at := coalesce(NEW.expires_at, statement_timestamp() + definition.default_retention_period);
    NEW.upload_table_name := NEW.slug || '_upload';
    NEW.data_table_name := NEW.slug || '_data';

    -- How far the job has come is for the machine to say.
    NEW.state := 'waiting_for_upload';
    NEW.error := NULL;
    NEW.priority := NULL;
    NEW.total_rows := NULL;
    NEW.imported_rows := 0;
    NEW.unchanged_rows := 0;
    NEW.skipped_rows := 0;
    NEW.error_count := 0;
    NEW.warning_count := 0;
    NEW.analysis_completed_pct := 0;
    NEW.import_completed_pct := 0;
    RETURN NEW;
END
$job_prepare$;
COMMENT ON FUNCTION import.job_prepare() IS 'Trigger: resolves definition, period, data source and user of a new import job';
REVOKE ALL ON FUNCTION import.job_prepare() FROM PUBLIC;

CREATE OR REPLACE FUNCTION import.job_check_update()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $job_check_update$
DECLARE
    for_users CONSTANT text[] := '{description,note,review,edit_comment,expires_at,truncate_overlong,
        analysis_batch_size,processing_batch_size,state,updated_at}';
    refused text;
BEGIN
    IF NEW.slug <> OLD.slug THEN
        RAISE EXCEPTION 'slug of import job "%" cannot change', OLD.slug
            USING ERRCODE = 'feature_not_supported', DETAIL = 'The tables of the job are named for it.';
    END IF;

    -- Everybody but the owner of the table, who is also who the triggers and the worker act as.
    IF NOT pg_has_role(CURRENT_USER, (SELECT c.relowner FROM pg_class AS c WHERE c.oid = TG_RELID), 'MEMBER') THEN
        SELECT string_agg(format('"%s"', n.key), ', ' ORDER BY n.key) INTO refused
        FROM jsonb_each(to_jsonb(NEW)) AS n
        JOIN jsonb_each(to_jsonb(OLD)) AS o ON o.key = n.key
        WHERE o.value <> n.value
        AND n.key <> ALL (for_users);
        IF refused IS NOT NULL THEN
            RAISE EXCEPTION 'import job "%": % cannot be changed', OLD.slug, refused
                USING ERRCODE = 'insufficient_privilege', HINT = 'Make a new job.';
        END IF;
        IF NEW.state <> OLD.state AND NEW.state NOT IN ('approved', 'rejected') THEN
            RAISE EXCEPTION 'import job "%" cannot be set to state "%"', OLD.slug, NEW.state
                USING ERRCODE = 'insufficient_privilege', HINT = 'A review sets approved or rejected.';
        END IF;
    END IF;

    IF NEW.state <> OLD.state THEN
        IF NOT import.job_state_follows(OLD.state::text, NEW.state::text) THEN
            RAISE EXCEPTION 'import job "%" cannot go from state "%" to "%"', OLD.slug, OLD.state, NEW.state
                USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
        CASE NEW.state
            WHEN 'preparing_data' THEN NEW.preparing_data_at := clock_timestamp();
            WHEN 'analysing_data' THEN NEW.analysis_start_at := clock_timestamp();
            WHEN 'approved' THEN NEW.changes_approved_at := clock_timestamp();
            WHEN 'rejected' THEN NEW.changes_rejected_at := clock_timestamp();
            WHEN 'processing_data' THEN NEW.processing_start_at := clock_timestamp();
            ELSE NULL;
        END CASE;
        NEW.last_progress_update := clock_timestamp();
    END IF;
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$job_check_update$;
COMMENT ON FUNCTION import.job_check_update() IS
    'Trigger: what users may change of an import job, and which state may follow which';
REVOKE ALL ON FUNCTION import.job_check_update() FROM PUBLIC;

-- Everything of a job's tables that depends on code or on rights; called again by every migrate().
CREATE OR REPLACE FUNCTION import.attach_job(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = 'warning'
AS $attach_job$
DECLARE
    job record;
    reader text;
BEGIN
    SELECT j.user_id, j.upload_table_name, j.data_table_name, u.email::text AS owner INTO STRICT job
    FROM import.job AS j
    JOIN auth."user" AS u ON u.id = j.user_id
    WHERE j.id = attach_job.job_id;
    IF num_nulls(to_regclass(format('import.%I', job.upload_table_name)), to_regclass(format('import.%I', job.data_table_name))) > 0 THEN
        RETURN;     -- a job whose tables somebody dropped is past help
    END IF;

    EXECUTE format('DROP TRIGGER IF EXISTS upload_start ON import.%I', job.upload_table_name);
    EXECUTE format('CREATE TRIGGER upload_start BEFORE INSERT ON import.%I FOR EACH STATEMENT EXECUTE FUNCTION import.upload_start()', job.upload_table_name);
    EXECUTE format('DROP TRIGGER IF EXISTS upload_done ON import.%I', job.upload_table_name);
    EXECUTE format('CREATE TRIGGER upload_done AFTER INSERT ON import.%I FOR EACH STATEMENT EXECUTE FUNCTION import.upload_done()', job.upload_table_name);
    EXECUTE format('CREATE OR REPLACE VIEW api.%1$I WITH (security_invoker = true) AS SELECT * FROM import.%1$I', job.upload_table_name);
    EXECUTE format('CREATE OR REPLACE VIEW api.%1$I WITH (security_invoker = true) AS SELECT * FROM import.%1$I', job.data_table_name);

    -- What was uploaded is its user's alone: COPY FROM works on no table with row level security, and without it a grant to
    -- the group would hold for administrators of other registers. They read the rows as analysed.
    EXECUTE format('ALTER TABLE import.%I ENABLE ROW LEVEL SECURITY', job.data_table_name);
    EXECUTE format('DROP POLICY IF EXISTS job_user ON import.%I', job.data_table_name);
    EXECUTE format('CREATE POLICY job_user ON import.%I FOR ALL TO authenticated USING ((SELECT auth.uid()) = %s)', job.data_table_name, job.user_id);
    EXECUTE format('DROP POLICY IF EXISTS admin_user_read ON import.%I', job.data_table_name);
    EXECUTE format($policy$CREATE POLICY admin_user_read ON import.%I FOR SELECT TO admin_user
                           USING ((SELECT auth.is_at_least('admin_user')))$policy$, job.data_table_name);
    EXECUTE format('REVOKE ALL ON import.%1$I, api.%1$I FROM admin_user', job.upload_table_name);

    FOR reader IN
        SELECT r.rolname FROM pg_roles AS r WHERE r.rolname IN ('admin_user', job.owner)
    LOOP
        EXECUTE format('GRANT SELECT ON import.%1$I, api.%1$I TO %2$I', job.data_table_name, reader);
        IF reader = job.owner THEN
            EXECUTE format('GRANT SELECT, INSERT ON import.%1$I, api.%1$I TO %2$I', job.upload_table_name, reader);
            -- The job is applied with the rights of its user.
            EXECUTE format('GRANT UPDATE ON import.%I TO %I', job.data_table_name, reader);
        END IF;
    END LOOP;
END
$attach_job$;
COMMENT ON FUNCTION import.attach_job(integer) IS 'Puts triggers, views and grants on the tables of an import job; internal';
REVOKE ALL ON FUNCTION import.attach_job(integer) FROM PUBLIC;

-- DEFINER: creating a job's tables
CREATE OR REPLACE FUNCTION import.job_create_tables()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $job_create_tables$
DECLARE
    pinned CONSTANT text := current_setting('search_path');
    relation text;
    data_table text;
BEGIN
    FOREACH relation IN ARRAY ARRAY[NEW.upload_table_name, NEW.data_table_name] LOOP
        IF num_nonnulls(to_regclass(format('import.%I', relation)), to_regclass(format('api.%I', relation))) > 0 THEN
            RAISE EXCEPTION 'slug "%" is taken: relation "%" already exists', NEW.slug, relation
                USING ERRCODE = 'duplicate_table', HINT = 'Choose another slug.';
        END IF;
    END LOOP;

    EXECUTE format('CREATE TABLE import.%I (%s)', NEW.upload_table_name,
        (SELECT string_agg(format('%I text', h ->> 'column_name'), ', ' ORDER BY position)
         FROM jsonb_array_elements(NEW.definition_snapshot -> 'import_source_column_list') WITH ORDINALITY AS list (h, position)));
    EXECUTE format('COMMENT ON TABLE import.%I IS %L', NEW.upload_table_name, format('The file of import job %s, as it came', NEW.slug));

    -- Only the types of its columns are looked up where ltree is: the owner of that schema may have functions there that look
    -- like ours.
    data_table := format('CREATE TABLE import.%I (row_id bigint PRIMARY KEY, source_line bigint, %s)', NEW.data_table_name,
        (SELECT string_agg(format('%I %s%s%s', c ->> 'column_name', c ->> 'column_type',
                                  CASE WHEN (c ->> 'is_nullable')::boolean THEN '' ELSE ' NOT NULL' END,
                                  coalesce(' DEFAULT ' || (c ->> 'default_value'), '')), ', ' ORDER BY position)
         FROM jsonb_array_elements(NEW.definition_snapshot -> 'import_data_column_list') WITH ORDINALITY AS list (c, position)));
    PERFORM set_config('search_path', statbus.search_path(), true);
    EXECUTE data_table;
    PERFORM set_config('search_path', pinned, true);
    EXECUTE format('CREATE INDEX ON import.%I (batch_seq) WHERE batch_seq IS NOT NULL', NEW.data_table_name);
    EXECUTE format('COMMENT ON TABLE import.%I IS %L', NEW.data_table_name, format('The rows of import job %s, analysed', NEW.slug));

    PERFORM import.attach_job(NEW.id);
    NOTIFY pgrst, 'reload schema';
    RETURN NULL;
END
$job_create_tables$;
COMMENT ON FUNCTION import.job_create_tables() IS 'Trigger: makes the upload table and the data table of an import job';
REVOKE ALL ON FUNCTION import.job_create_tables() FROM PUBLIC;

-- DEFINER: the tables of a job go with it
CREATE OR REPLACE FUNCTION import.job_drop_tables()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET client_min_messages = 'warning'
AS $job_drop_tables$
BEGIN
    EXECUTE format('DROP VIEW IF EXISTS api.%I, api.%I', OLD.upload_table_name, OLD.data_table_name);
    EXECUTE format('DROP TABLE IF EXISTS import.%I, import.%I', OLD.upload_table_name, OLD.data_table_name);
    PERFORM import.wake_jobs();
    NOTIFY pgrst, 'reload schema';
    RETURN NULL;
END
$job_drop_tables$;
COMMENT ON FUNCTION import.job_drop_tables() IS 'Trigger: drops the tables of a deleted import job';
REVOKE ALL ON FUNCTION import.job_drop_tables() FROM PUBLIC;

-- The upload ------------------------------------------------------------------------------------------------------

-- DEFINER: who uploads need not be who may write jobs
CREATE OR REPLACE FUNCTION import.upload_start()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $upload_start$
DECLARE
    job record;
BEGIN
    -- The lock makes a second upload wait for the outcome of the first.
    SELECT j.slug, j.state, u.display_name, u.deleted_at INTO job
    FROM import.job AS j
    JOIN auth."user" AS u ON u.id = j.user_id
    WHERE j.upload_table_name = TG_TABLE_NAME
    FOR NO KEY UPDATE OF j;
    -- His role may still be there, and the right to the table is the role's.
    IF job.deleted_at IS NOT NULL THEN
        RAISE EXCEPTION 'user "%" of import job "%" was deleted', job.display_name, job.slug
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT FOUND OR job.state <> 'waiting_for_upload' THEN
        RAISE EXCEPTION 'import job "%" does not wait for an upload', coalesce(job.slug, TG_TABLE_NAME)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = format('Its state is "%s".', coalesce(job.state::text, 'deleted')),
                  HINT = 'A job takes one file, by one COPY or INSERT.  Make a new job for another file.';
    END IF;
    RETURN NULL;
END
$upload_start$;
COMMENT ON FUNCTION import.upload_start() IS 'Trigger: a job takes one file';
REVOKE ALL ON FUNCTION import.upload_start() FROM PUBLIC;

-- DEFINER: as import.upload_start; queueing tasks
CREATE OR REPLACE FUNCTION import.upload_done()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $upload_done$
DECLARE
    uploaded bigint;
    job record;
BEGIN
    EXECUTE format('SELECT count(*) FROM import.%I', TG_TABLE_NAME) INTO uploaded;
    IF uploaded > 0 THEN
        UPDATE import.job AS j
        SET state = 'upload_completed', total_rows = uploaded, priority = nextval('worker.task_priority_seq')
        WHERE j.upload_table_name = TG_TABLE_NAME
        RETURNING j.id, j.priority INTO STRICT job;
        PERFORM worker.spawn('import_job', jsonb_build_object('job_id', job.id), priority := job.priority);
    END IF;
    RETURN NULL;
END
$upload_done$;
COMMENT ON FUNCTION import.upload_done() IS 'Trigger: rows have come, so the file is complete and the job is queued';
REVOKE ALL ON FUNCTION import.upload_done() FROM PUBLIC;

-- The course of a job ---------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION import.wake_jobs()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $wake_jobs$
DECLARE
    job record;
BEGIN
    FOR job IN
        SELECT j.id, j.priority
        FROM import.job AS j
        WHERE j.state IN ('upload_completed', 'approved', 'rejected')
        ORDER BY j.priority
    LOOP
        PERFORM worker.spawn('import_job', jsonb_build_object('job_id', job.id), priority := job.priority);
    END LOOP;
END
$wake_jobs$;
COMMENT ON FUNCTION import.wake_jobs() IS 'Queues the jobs that wait for their turn, in order; internal';
REVOKE ALL ON FUNCTION import.wake_jobs() FROM PUBLIC;

-- DEFINER: queueing tasks
CREATE OR REPLACE FUNCTION import.job_state_changed()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $job_state_changed$
BEGIN
    IF NEW.state IN ('approved', 'rejected', 'finished', 'failed') THEN
        PERFORM import.wake_jobs();
    END IF;
    PERFORM pg_notify('import_job', jsonb_build_object('verb', 'UPDATE', 'id', NEW.id)::text);
    RETURN NULL;
END
$job_state_changed$;
COMMENT ON FUNCTION import.job_state_changed() IS 'Trigger: a decided or finished job lets the next one go on';
REVOKE ALL ON FUNCTION import.job_state_changed() FROM PUBLIC;

-- One batch, with the rights of the job's user. The caller must not be SECURITY DEFINER: such functions cannot change role.
CREATE OR REPLACE FUNCTION import.apply_batch_as_user(job_id integer)
RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $apply_batch_as_user$
DECLARE
    role_before CONSTANT text := current_setting('role');
    owner record;
    applied bigint;
BEGIN
    SELECT u.email::text AS role_name, u.display_name, u.deleted_at INTO STRICT owner
    FROM import.job AS j
    JOIN auth."user" AS u ON u.id = j.user_id
    WHERE j.id = apply_batch_as_user.job_id;
    IF owner.deleted_at IS NOT NULL THEN
        RAISE EXCEPTION 'user "%" of import job % was deleted', owner.display_name, job_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF owner.role_name IS NOT NULL THEN
        IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = owner.role_name) THEN
            RAISE EXCEPTION 'role "%" does not exist', owner.role_name
                USING ERRCODE = 'undefined_object', HINT = 'Run SELECT auth.sync_roles().';
        END IF;
        PERFORM set_config('role', owner.role_name, true);
    END IF;
    applied := import.apply_batch(job_id);
    PERFORM set_config('role', role_before, true);
    RETURN applied;
END
$apply_batch_as_user$;
COMMENT ON FUNCTION import.apply_batch_as_user(integer) IS
    'Applies the next batch of an import job with the rights of the job''s user; returns how many rows, 0 when none is left; internal';
REVOKE ALL ON FUNCTION import.apply_batch_as_user(integer) FROM PUBLIC;

-- What became of the rows, by the data table: an error, left out, taken and the register was so already, or taken and changed
-- it. Rows taken carry "APPLIED" in merge_status for what was changed.
CREATE OR REPLACE FUNCTION import.row_counts(job_id integer, batch integer DEFAULT NULL)
RETURNS TABLE (total bigint, imported bigint, unchanged bigint, skipped bigint, errors bigint, open bigint, warnings bigint)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $row_counts$
DECLARE
    data_table text;
BEGIN
    SELECT j.data_table_name INTO STRICT data_table FROM import.job AS j WHERE j.id = row_counts.job_id;
    RETURN QUERY EXECUTE format($sql$
        SELECT count(*),
               count(*) FILTER (WHERE r.outcome = 'imported'),
               count(*) FILTER (WHERE r.outcome = 'unchanged'),
               count(*) FILTER (WHERE r.outcome = 'skipped'),
               count(*) FILTER (WHERE r.outcome = 'error'),
               count(*) FILTER (WHERE r.outcome = 'open'),
               count(*) FILTER (WHERE r.has_warnings AND r.outcome NOT IN ('error', 'skipped'))
        FROM (SELECT d.warnings <> '{}' AS has_warnings,
                     CASE
                         WHEN d.state = 'error' THEN 'error'
                         WHEN d.action = 'skip' THEN 'skipped'
                         WHEN d.state <> 'processed' THEN 'open'
                         WHEN jsonb_path_exists(d.merge_status, '$.** ? (@ == "APPLIED")') THEN 'imported'
                         ELSE 'unchanged'
                     END AS outcome
              FROM import.%I AS d
              WHERE %s) AS r $sql$, data_table, CASE WHEN batch IS NULL THEN 'true' ELSE format('d.batch_seq = %s', batch) END);
END
$row_counts$;
COMMENT ON FUNCTION import.row_counts(integer, integer) IS
    'How many rows of an import job, or of one batch of it, were imported, found unchanged, skipped, refused, are still open, and how many of those taken have warnings; internal';
REVOKE ALL ON FUNCTION import.row_counts(integer, integer) FROM PUBLIC;

-- Takes one step and returns whether there is another one to take now.
CREATE OR REPLACE FUNCTION import.job_step(job_id integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $job_step$
DECLARE
    job record;
    counts record;
    started_at CONSTANT timestamptz := clock_timestamp();
    seconds numeric;
    batch integer;
    applied bigint;
    next_state text;
BEGIN
    SELECT j.id, j.slug, j.state::text AS state, j.review, j.upload_table_name, j.data_table_name, j.total_rows, j.processing_start_at
    INTO job
    FROM import.job AS j
    WHERE j.id = job_step.job_id;
    IF NOT FOUND THEN
        RETURN false;   -- deleted meanwhile
    END IF;

    CASE job.state
        WHEN 'upload_completed' THEN
            -- Its turn comes when the job before it is done; that job then wakes it.
            IF EXISTS (SELECT
                       FROM import.job AS other
                       WHERE other.state IN ('preparing_data', 'analysing_data', 'waiting_for_review', 'approved', 'rejected', 'processing_data')) THEN
                RETURN false;
            END IF;
            next_state := 'preparing_data';
            UPDATE import.job AS j SET state = 'preparing_data' WHERE j.id = job.id;

        WHEN 'preparing_data' THEN
            EXECUTE format('ANALYZE import.%I', job.upload_table_name);
            next_state := 'analysing_data';
            UPDATE import.job AS j SET state = 'analysing_data' WHERE j.id = job.id;

        WHEN 'analysing_data' THEN
            PERFORM import.analyse(job.id);
            EXECUTE format('ANALYZE import.%I', job.data_table_name);
            SELECT * INTO counts FROM import.row_counts(job.id);
            IF counts.total <> job.total_rows THEN
                RAISE EXCEPTION 'import job "%": % rows were uploaded and % analysed', job.slug, job.total_rows, counts.total
                    USING ERRCODE = 'data_corrupted';
            END IF;
            next_state := CASE WHEN coalesce(job.review, counts.errors > 0) THEN 'waiting_for_review' ELSE 'processing_data' END;
            seconds := greatest(EXTRACT(epoch FROM clock_timestamp() - started_at), 0.001);
            UPDATE import.job AS j
            SET state = next_state::import.job_state, analysis_stop_at = clock_timestamp(), analysis_completed_pct = 100,
                analysis_rows_per_sec = counts.total / seconds, error_count = counts.errors, warning_count = counts.warnings, skipped_rows = counts.skipped
            WHERE j.id = job.id;

        WHEN 'approved' THEN
            next_state := 'processing_data';
            UPDATE import.job AS j SET state = 'processing_data' WHERE j.id = job.id;

        WHEN 'rejected' THEN
            next_state := 'finished';
            UPDATE import.job AS j
            SET state = 'finished', imported_rows = 0, unchanged_rows = 0, skipped_rows = j.total_rows - j.error_count
            WHERE j.id = job.id;

        WHEN 'processing_data' THEN
            EXECUTE format('SELECT min(d.batch_seq) FROM import.%I AS d WHERE d.state = ''analysed'' AND d.action = ''use''', job.data_table_name)
                INTO batch;
            applied := import.apply_batch_as_user(job.id);
            seconds := greatest(EXTRACT(epoch FROM clock_timestamp() - job.processing_start_at), 0.001);
            IF applied > 0 THEN
                -- Rows of the batch that the register refused have left it.
                next_state := 'processing_data';
                SELECT * INTO counts FROM import.row_counts(job.id, batch);
                UPDATE import.job AS j
                SET imported_rows = j.imported_rows + counts.imported, unchanged_rows = j.unchanged_rows + counts.unchanged,
                    error_count = j.error_count + applied - counts.total, last_progress_update = clock_timestamp()
                WHERE j.id = job.id;
            ELSE
                next_state := 'finished';
                SELECT * INTO counts FROM import.row_counts(job.id);
                IF counts.open > 0 THEN
                    RAISE EXCEPTION 'import job "%": % rows were not applied', job.slug, counts.open
                        USING ERRCODE = 'data_corrupted';
                END IF;
                UPDATE import.job AS j
                SET state = 'finished', processing_stop_at = clock_timestamp(), imported_rows = counts.imported, unchanged_rows = counts.unchanged,
                    skipped_rows = counts.skipped, error_count = counts.errors, warning_count = counts.warnings
                WHERE j.id = job.id;
            END IF;
            UPDATE import.job AS j
            SET import_completed_pct = least(100, 100.0 * (j.imported_rows + j.unchanged_rows + j.skipped_rows + j.error_count) / greatest(j.total_rows, 1)),
                import_rows_per_sec = (j.imported_rows + j.unchanged_rows) / seconds
            WHERE j.id = job.id;

        ELSE
            RETURN false;   -- waits for a person, or is done
    END CASE;
    RETURN next_state NOT IN ('waiting_for_review', 'finished');
END
$job_step$;
COMMENT ON FUNCTION import.job_step(integer) IS 'Takes the next step of an import job; returns whether another one can be taken at once; internal';
REVOKE ALL ON FUNCTION import.job_step(integer) FROM PUBLIC;

CREATE OR REPLACE PROCEDURE import.process_job(payload jsonb)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $process_job$
DECLARE
    this_job CONSTANT integer := (payload ->> 'job_id')::integer;
BEGIN
    IF import.job_step(this_job) THEN
        PERFORM worker.spawn('import_job', jsonb_build_object('job_id', this_job),
                             priority := (SELECT j.priority FROM import.job AS j WHERE j.id = this_job));
    END IF;
END
$process_job$;
COMMENT ON PROCEDURE import.process_job(jsonb) IS 'Handler of import_job: takes one step with job {"job_id": n} and queues the next';
REVOKE ALL ON PROCEDURE import.process_job(jsonb) FROM PUBLIC;

CREATE OR REPLACE PROCEDURE import.fail_job(payload jsonb, error text)
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $fail_job$
    UPDATE import.job AS j
    SET state = 'failed', error = coalesce(nullif(fail_job.error, ''), 'unknown error')
    WHERE j.id = (payload ->> 'job_id')::integer
    AND j.state NOT IN ('finished', 'failed');
$fail_job$;
COMMENT ON PROCEDURE import.fail_job(jsonb, text) IS 'Marks the job of a failed task as failed';
REVOKE ALL ON PROCEDURE import.fail_job(jsonb, text) FROM PUBLIC;

CREATE OR REPLACE PROCEDURE import.delete_expired_jobs(payload jsonb)
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $delete_expired_jobs$
    DELETE FROM import.job AS j
    WHERE j.expires_at < statement_timestamp()
    AND j.state IN ('waiting_for_upload', 'finished', 'failed');
$delete_expired_jobs$;
COMMENT ON PROCEDURE import.delete_expired_jobs(jsonb) IS 'Handler of import_job_cleanup: deletes jobs past expires_at, with their tables';
REVOKE ALL ON PROCEDURE import.delete_expired_jobs(jsonb) FROM PUBLIC;

-- What people see -------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION import.job_progress(job_id integer)
RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $job_progress$
DECLARE
    progress jsonb;
    data_table text;
    row_states jsonb;
BEGIN
    SELECT jsonb_build_object(
               'job_id', j.id, 'slug', j.slug, 'state', j.state, 'error', j.error, 'total_rows', j.total_rows,
               'analysis_completed_pct', j.analysis_completed_pct, 'analysis_rows_per_sec', j.analysis_rows_per_sec,
               'import_completed_pct', j.import_completed_pct, 'import_rows_per_sec', j.import_rows_per_sec,
               'imported_rows', j.imported_rows, 'unchanged_rows', j.unchanged_rows, 'skipped_rows', j.skipped_rows,
               'error_count', j.error_count, 'warning_count', j.warning_count,
               'current_step_code', j.current_step_code, 'last_progress_update', j.last_progress_update),
           format('import.%I', j.data_table_name)
    INTO progress, data_table
    FROM import.job AS j
    WHERE j.id = job_progress.job_id;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    -- Everybody sees the job, its user and administrators its rows.
    IF has_table_privilege(data_table, 'SELECT') THEN
        EXECUTE format('SELECT coalesce(jsonb_object_agg(s.state, s.count), ''{}'')
                        FROM (SELECT d.state, count(*) FROM %s AS d GROUP BY d.state) AS s', data_table)
            INTO row_states;
    END IF;
    RETURN progress || jsonb_build_object('row_states', row_states);
END
$job_progress$;
COMMENT ON FUNCTION import.job_progress(integer) IS 'State, percentages and counts of an import job; NULL when there is none';
REVOKE ALL ON FUNCTION import.job_progress(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.job_progress(integer) TO authenticated;

-- One pass over the template: what is put in is not read again.
CREATE OR REPLACE FUNCTION import.finding_message(template text, column_name text, value text, details jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $finding_message$
    SELECT string_agg(
               CASE
                   WHEN part.position % 2 = 1 THEN part.text
                   ELSE coalesce(CASE part.text WHEN 'column' THEN finding_message.column_name WHEN 'value' THEN finding_message.value END,
                                 finding_message.details ->> part.text, '{' || part.text || '}')
               END, '' ORDER BY part.position)
    FROM regexp_split_to_table(regexp_replace(finding_message.template, '\{([a-z_]+)\}', E'\x01\\1\x01', 'g'), E'\x01') WITH ORDINALITY AS part (text, position)
$finding_message$;
COMMENT ON FUNCTION import.finding_message(text, text, text, jsonb) IS 'The text of a finding: a template of import.finding_code with the finding put in';
REVOKE ALL ON FUNCTION import.finding_message(text, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.finding_message(text, text, text, jsonb) TO authenticated;
-- Analysis of a job: upload rows become typed rows with findings.
--
-- import.analyse(job_id) is the seam for another engine: upload table and definition snapshot in, the rows of the data
-- table and import.bad_row out. Everything below it is this engine's own.
--
-- Four stages, each a few set-based statements; the joins are equality joins, and what is filled is analysed.
--   1. pg_temp.import_source: the rows in file order, trimmed, words for "nothing" made NULL, columns by their names here.
--   2. pg_temp.import_row: per row its period, its entity, the unit it means, its batch; pg_temp.import_note: findings
--      that need more than one row or the register.
--   3. One INSERT … SELECT writes every row of the data table once: cells parsed and judged, codes looked up.
--   4. import.bad_row: the findings, packed per row.
--
-- A bad row stops no other row: the rows of one new entity fail together only when the fault is in what makes them one
-- entity, which is their identifiers.
--
-- Stage 2 is in import_identify.sql, stage 3 in import_cells.sql.

-- The columns of the job's data table, with what fills them. column_name carries _raw when purpose is source_input.
CREATE OR REPLACE FUNCTION import.plan_column(definition_snapshot jsonb)
RETURNS TABLE (
    column_name text, purpose text, step_code text, column_type text, target_pg_type text, external_ident_type_id integer,
    ident_label text, stat_definition_id integer, source_column_name text, source_value text, source_expression text, place bigint)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $plan_column$
    SELECT dc ->> 'column_name', dc ->> 'purpose', st ->> 'code', dc ->> 'column_type', dc ->> 'target_pg_type',
           (dc ->> 'external_ident_type_id')::integer, dc ->> 'ident_label', (dc ->> 'stat_definition_id')::integer,
           sc ->> 'column_name', m ->> 'source_value', m ->> 'source_expression',
           row_number() OVER (ORDER BY (st ->> 'priority')::integer, (dc ->> 'priority')::integer, dc ->> 'column_name')
    FROM jsonb_array_elements(definition_snapshot -> 'import_data_column_list') AS dc
    LEFT JOIN jsonb_array_elements(definition_snapshot -> 'import_step_list') AS st ON st -> 'id' = dc -> 'step_id'
    LEFT JOIN jsonb_array_elements(definition_snapshot -> 'import_mapping_list') AS m ON m -> 'target_data_column_id' = dc -> 'id'
    LEFT JOIN jsonb_array_elements(definition_snapshot -> 'import_source_column_list') AS sc ON sc -> 'id' = m -> 'source_column_id'
$plan_column$;
COMMENT ON FUNCTION import.plan_column(jsonb) IS 'The columns of a job''s data table by its definition snapshot, and the source of each';
REVOKE ALL ON FUNCTION import.plan_column(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.plan_column(jsonb) TO authenticated;

-- SQL text that builds one finding. value and details are SQL expressions.
CREATE OR REPLACE FUNCTION import.finding_sql(
    severity text, code text, column_name text DEFAULT NULL, value text DEFAULT 'NULL', details text DEFAULT 'NULL')
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $finding_sql$
    SELECT format('jsonb_strip_nulls(jsonb_build_object(''code'', %L, ''severity'', %L, ''column'', %L::text, ''value'', (%s)::text, ''details'', (%s)::jsonb))',
                  finding_sql.code, finding_sql.severity, finding_sql.column_name, finding_sql.value, finding_sql.details)
$finding_sql$;
COMMENT ON FUNCTION import.finding_sql(text, text, text, text, text) IS 'SQL text of an expression that builds a finding';
REVOKE ALL ON FUNCTION import.finding_sql(text, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.finding_sql(text, text, text, text, text) TO authenticated;

-- Findings as clients of the data table read them: one key per column, <column>_raw. An error shows its code, a warning
-- the value of the file. A finding without a column of its own stands under each column that its details name.
CREATE OR REPLACE FUNCTION import.findings_by_column(findings jsonb[], show_value boolean)
RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $findings_by_column$
    SELECT coalesce(jsonb_object_agg(
               coalesce(k.key || '_raw', 'row'),
               CASE WHEN show_value THEN coalesce(f.finding -> 'value', f.finding -> 'code') ELSE f.finding -> 'code' END
               ORDER BY f.place DESC), '{}')
    FROM unnest(findings) WITH ORDINALITY AS f (finding, place)
    CROSS JOIN LATERAL (
        SELECT f.finding ->> 'column' AS key
        WHERE f.finding ? 'column' OR NOT coalesce(f.finding -> 'details' ? 'columns', false)
        UNION ALL
        SELECT jsonb_array_elements_text(f.finding -> 'details' -> 'columns')
        WHERE NOT f.finding ? 'column' AND f.finding -> 'details' ? 'columns') AS k
$findings_by_column$;
COMMENT ON FUNCTION import.findings_by_column(jsonb[], boolean) IS 'Findings as an object with one key per column, <column>_raw';
REVOKE ALL ON FUNCTION import.findings_by_column(jsonb[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.findings_by_column(jsonb[], boolean) TO authenticated;

CREATE OR REPLACE FUNCTION import.drop_temporary(VARIADIC names text[])
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $drop_temporary$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY names LOOP
        IF to_regclass('pg_temp.' || quote_ident(name)) IS NOT NULL THEN
            EXECUTE format('DROP TABLE pg_temp.%I', name);
        END IF;
    END LOOP;
END
$drop_temporary$;
COMMENT ON FUNCTION import.drop_temporary(text[]) IS 'Drops temporary tables of the session that exist';
REVOKE ALL ON FUNCTION import.drop_temporary(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.drop_temporary(text[]) TO authenticated;

-- A period of days as people read it, for the details of findings.
CREATE OR REPLACE FUNCTION import.periods_as_text(periods datemultirange)
RETURNS jsonb
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $periods_as_text$
    SELECT coalesce(jsonb_agg(jsonb_build_array(
               to_char(lower(p), 'YYYY-MM-DD'),
               CASE WHEN upper(p) = 'infinity' THEN 'infinity' ELSE to_char(upper(p) - 1, 'YYYY-MM-DD') END) ORDER BY p), '[]')
    FROM unnest(periods) AS p
$periods_as_text$;
COMMENT ON FUNCTION import.periods_as_text(datemultirange) IS 'Periods as pairs of first and last day';
REVOKE ALL ON FUNCTION import.periods_as_text(datemultirange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.periods_as_text(datemultirange) TO authenticated;

-- Stage 1 -------------------------------------------------------------------------------------------------------------

-- Spaces of every kind at both ends go. " | " and what follows goes in columns bound to a code list, where a spreadsheet's
-- menu shows "code | name"; nowhere else, for a name may hold it.
CREATE OR REPLACE FUNCTION import.analyse_source(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_source$
DECLARE
    blanks CONSTANT text := E' \t\n\u000b\f\r\u0085\u00a0\u1680\u2007\u202f\u2060\u200b\u200c\u200d\u3000\ufeff';
    widthless CONSTANT text := E'\u00ad\u200b\u200c\u200d\u2060\ufeff';
    job record;
    c record;
    words text[];
    longest integer;
    trimmed text[] := '{}';
    selected text[] := '{}';
    given text;
    cleaned text;
    expression text;
BEGIN
    SELECT j.upload_table_name, j.definition_snapshot AS snapshot, j.definition_snapshot -> 'import_definition' AS definition,
           j.default_valid_from, j.default_valid_to, j.default_data_source_code
    INTO STRICT job FROM import.job AS j WHERE j.id = analyse_source.job_id;
    SELECT coalesce(array_agg(upper(w)), '{}'), coalesce(max(length(w)), 0) INTO words, longest
    FROM jsonb_array_elements_text(job.definition -> 'import_as_null') AS w;

    FOR c IN SELECT p.* FROM import.plan_column(job.snapshot) AS p WHERE p.purpose = 'source_input' ORDER BY p.place LOOP
        IF c.source_column_name IS NOT NULL THEN
            IF c.external_ident_type_id IS NULL AND NOT (c.step_code = 'legal_relationship' AND c.column_name LIKE '%\_ident\_raw') THEN
                trimmed := trimmed || format('btrim(u.%I, %L) AS %I', c.source_column_name, blanks, c.column_name);
            ELSE
                -- What looks the same is the same identifier: composed and decomposed letters, full width, characters without
                -- width. The column "given …" has it as it stands in the file where something was changed.
                cleaned := format('btrim(CASE WHEN octet_length(u.%1$I) = length(u.%1$I) THEN u.%1$I ELSE translate(normalize(u.%1$I, NFKC), %2$L, '''') END, %3$L)',
                                  c.source_column_name, widthless, blanks);
                trimmed := trimmed || format('%s AS %I, nullif(u.%I, %1$s) AS %4$I', cleaned, c.column_name, c.source_column_name, 'given ' || c.column_name);
                selected := selected || format('t.%I', 'given ' || c.column_name);
            END IF;
            expression := format('CASE WHEN t.%1$I = '''' OR length(t.%1$I) <= %2$s AND upper(t.%1$I) = ANY (%3$L) THEN NULL ELSE t.%1$I END',
                                 c.column_name, longest, words);
            IF c.external_ident_type_id IS NULL AND c.stat_definition_id IS NULL AND import.is_code_column(c.column_name) THEN
                expression := format('split_part(%s, '' | '', 1)', expression);
            END IF;
        ELSE
            given := CASE
                WHEN c.source_value IS NOT NULL THEN c.source_value
                WHEN c.source_expression = 'now' THEN to_char(statbus.today(), 'YYYY-MM-DD')
                WHEN c.source_expression = 'default' AND c.column_name = 'valid_from_raw' THEN to_char(job.default_valid_from, 'YYYY-MM-DD')
                WHEN c.source_expression = 'default' AND c.column_name = 'valid_to_raw' THEN
                    CASE WHEN isfinite(job.default_valid_to) THEN to_char(job.default_valid_to, 'YYYY-MM-DD') ELSE job.default_valid_to::text END
                WHEN c.source_expression = 'default' AND c.column_name = 'data_source_code_raw' THEN job.default_data_source_code
            END;
            expression := format('%L::text', given);
        END IF;
        selected := selected || format('%s AS %I', expression, c.column_name);
    END LOOP;

    PERFORM import.drop_temporary('import_source');
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_source AS
        SELECT t.row_id, t.row_id + 1 AS source_line, %s
        FROM (SELECT row_number() OVER (ORDER BY u.ctid) AS row_id%s FROM import.%I AS u OFFSET 0) AS t$sql$,
        array_to_string(selected, ', '), coalesce(', ' || nullif(array_to_string(trimmed, ', '), ''), ''), job.upload_table_name);
    ANALYZE pg_temp.import_source;
END
$analyse_source$;
COMMENT ON FUNCTION import.analyse_source(integer) IS 'First stage of the analysis: the rows of the upload, numbered and trimmed';
REVOKE ALL ON FUNCTION import.analyse_source(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_source(integer) TO authenticated;

CREATE OR REPLACE FUNCTION import.is_code_column(column_name text)
RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $is_code_column$
    SELECT column_name ~ '(_code|_country_iso_2|^tag_path)_raw$'
$is_code_column$;
COMMENT ON FUNCTION import.is_code_column(text) IS 'Whether a data column that is no identifier and no statistic holds codes of a list';
REVOKE ALL ON FUNCTION import.is_code_column(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.is_code_column(text) TO authenticated;

-- Stage 2 -------------------------------------------------------------------------------------------------------------

-- The period of each row, and what is wrong with it. A row without a usable period has valid_from NULL.
CREATE OR REPLACE FUNCTION import.analyse_period(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_period$
DECLARE
    definition jsonb;
    formats text[];
    by_job boolean;
    bound text;
BEGIN
    SELECT j.definition_snapshot -> 'import_definition' INTO STRICT definition
    FROM import.job AS j WHERE j.id = analyse_period.job_id;
    by_job := definition ->> 'valid_time_from' = 'job_provided';
    formats := CASE WHEN by_job THEN ARRAY['YYYY-MM-DD']
                    ELSE ARRAY(SELECT jsonb_array_elements_text(definition -> 'date_formats')) END;

    PERFORM import.drop_temporary('import_note', 'import_row');
    CREATE TEMPORARY TABLE import_note (row_id bigint NOT NULL, severity text NOT NULL, finding jsonb NOT NULL);
    CREATE TEMPORARY TABLE import_row AS
    SELECT s.row_id, d.valid_from, d.valid_to,
           CASE WHEN d.valid_to = 'infinity' THEN d.valid_to ELSE d.valid_to + 1 END AS valid_until,
           -- What the later statements fill.
           s.row_id AS founding_row_id, NULL::integer AS legal_unit_id, NULL::integer AS establishment_id,
           NULL::integer AS link_legal_unit_id, NULL::integer AS relationship_id, true AS is_new, false AS is_covered, false AS is_skipped, false AS is_refused, 1 AS batch_seq
    FROM pg_temp.import_source AS s
    CROSS JOIN LATERAL (SELECT import.parse_date(s.valid_from_raw, formats) AS valid_from,
                               import.parse_date(s.valid_to_raw, formats) AS valid_to) AS d;
    CREATE UNIQUE INDEX import_row_key ON pg_temp.import_row (row_id);

    FOREACH bound IN ARRAY ARRAY['valid_from', 'valid_to'] LOOP
        EXECUTE format($sql$
            INSERT INTO pg_temp.import_note (row_id, severity, finding)
            SELECT s.row_id, 'error', CASE WHEN s.%1$I IS NULL THEN %2$s ELSE %3$s END
            FROM pg_temp.import_source AS s JOIN pg_temp.import_row AS r USING (row_id)
            WHERE r.%4$I IS NULL
            UNION ALL
            SELECT s.row_id, CASE WHEN import.parse_date_info(s.%1$I, %5$L) IS NULL THEN 'warning' ELSE 'info' END,
                   CASE WHEN import.parse_date_info(s.%1$I, %5$L) IS NULL THEN %6$s ELSE %7$s END
            FROM pg_temp.import_source AS s JOIN pg_temp.import_row AS r USING (row_id)
            WHERE r.%4$I IS NOT NULL AND length(s.%1$I) > 10
            AND coalesce(import.parse_date_info(s.%1$I, %5$L), import.parse_date_warning(s.%1$I, %5$L)) IS NOT NULL$sql$,
            bound || '_raw',
            import.finding_sql('error', 'value_missing', bound),
            replace(import.finding_sql('error', '@', bound, format('s.%I', bound || '_raw'),
                format('jsonb_build_object(''formats'', to_jsonb(%L::text[]), ''hint'', import.parse_hint(''date'', s.%I))', formats, bound || '_raw')),
                $$'@'$$, format('import.parse_date_error(s.%I, %L)', bound || '_raw', formats)),
            bound, formats,
            import.finding_sql('warning', 'time_dropped', bound, format('s.%I', bound || '_raw')),
            import.finding_sql('info', 'time_dropped', bound, format('s.%I', bound || '_raw')));
    END LOOP;

    EXECUTE format($sql$
        INSERT INTO pg_temp.import_note (row_id, severity, finding)
        SELECT r.row_id, 'error', %s FROM pg_temp.import_source AS s JOIN pg_temp.import_row AS r USING (row_id)
        WHERE NOT isfinite(r.valid_from)
        UNION ALL
        SELECT r.row_id, 'error', f.finding
        FROM pg_temp.import_source AS s JOIN pg_temp.import_row AS r USING (row_id)
        CROSS JOIN LATERAL (VALUES (%s), (%s)) AS f (finding)
        WHERE isfinite(r.valid_from) AND r.valid_to < r.valid_from
        UNION ALL
        SELECT r.row_id, 'warning', %s FROM pg_temp.import_source AS s JOIN pg_temp.import_row AS r USING (row_id)
        WHERE isfinite(r.valid_from) AND (r.valid_from < '1800-01-01' OR r.valid_from > statbus.today() + 36525)$sql$,
        import.finding_sql('error', 'date_infinite_not_allowed', 'valid_from', 's.valid_from_raw'),
        import.finding_sql('error', 'period_reversed', 'valid_from', 's.valid_from_raw'),
        import.finding_sql('error', 'period_reversed', 'valid_to', 's.valid_to_raw'),
        import.finding_sql('warning', 'date_implausible', 'valid_from', 's.valid_from_raw'));

    UPDATE pg_temp.import_row AS r SET valid_from = NULL, valid_to = NULL, valid_until = NULL
    WHERE r.valid_from IS NULL OR r.valid_to IS NULL OR NOT isfinite(r.valid_from) OR r.valid_to < r.valid_from;
    ANALYZE pg_temp.import_row;
END
$analyse_period$;
COMMENT ON FUNCTION import.analyse_period(integer) IS 'Second stage of the analysis, first part: the period of each row';
REVOKE ALL ON FUNCTION import.analyse_period(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_period(integer) TO authenticated;

-- Findings are for reading: no role writes import.bad_row. The job's user may add those of his own job, a superuser of any.
-- DEFINER: findings are written by the analysis and the application of a job, and by nobody else
CREATE OR REPLACE FUNCTION import.store_findings(job_id integer, row_ids bigint[], source_lines bigint[], findings jsonb[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $store_findings$
DECLARE
    -- In here current_user is the owner of the function; who called is the role set, or else the one who logged in.
    caller CONSTANT text := coalesce(nullif(current_setting('role'), 'none'), session_user);
BEGIN
    IF NOT EXISTS (SELECT
                   FROM import.job AS j
                   JOIN auth."user" AS u ON u.id = j.user_id
                   WHERE j.id = store_findings.job_id
                   AND (u.email::text = caller OR (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = caller))) THEN
        RAISE EXCEPTION 'permission denied to write findings of job %', job_id USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO import.bad_row AS b (job_id, row_id, source_line, findings)
    SELECT store_findings.job_id, f.row_id, f.source_line, f.finding
    FROM unnest(row_ids, source_lines, store_findings.findings) AS f (row_id, source_line, finding)
    ON CONFLICT ON CONSTRAINT bad_row_pkey DO UPDATE SET findings = b.findings || EXCLUDED.findings;
END
$store_findings$;
COMMENT ON FUNCTION import.store_findings(integer, bigint[], bigint[], jsonb[]) IS 'Adds findings to rows of a job';
REVOKE ALL ON FUNCTION import.store_findings(integer, bigint[], bigint[], jsonb[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.store_findings(integer, bigint[], bigint[], jsonb[]) TO authenticated;

-- The whole ----------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION import.analyse(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse$
DECLARE
    mode text;
    data_table text;
BEGIN
    SELECT j.definition_snapshot #>> '{import_definition,mode}', j.data_table_name INTO mode, data_table
    FROM import.job AS j WHERE j.id = $1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'import job % does not exist', job_id USING ERRCODE = 'no_data_found';
    END IF;
    PERFORM import.analyse_source(job_id);
    PERFORM import.analyse_period(job_id);
    PERFORM import.analyse_identifiers(job_id);
    IF mode = 'legal_relationship' THEN
        PERFORM import.analyse_relationships(job_id);
    ELSE
        PERFORM import.analyse_units(job_id);
    END IF;
    PERFORM import.analyse_repeats(job_id);
    PERFORM import.analyse_cells(job_id);
    PERFORM import.store_findings(job_id, array_agg(b.row_id), array_agg(b.source_line), array_agg(b.findings))
    FROM (SELECT x.*, (row_number() OVER (ORDER BY x.row_id) - 1) / 10000 AS portion FROM pg_temp.import_bad AS x) AS b
    GROUP BY b.portion
    ORDER BY b.portion;
    PERFORM import.drop_temporary('import_source', 'import_row', 'import_note', 'import_noted', 'import_bad', 'import_ident', 'import_key', 'import_life',
                                  'import_hit', 'import_edge', 'import_entity', 'import_unit', 'import_link', 'import_repeat');
    IF pg_has_role(current_user, (SELECT c.relowner FROM pg_class AS c WHERE c.oid = format('import.%I', data_table)::regclass), 'MEMBER') THEN
        EXECUTE format('ANALYZE import.%I', data_table);
    END IF;
END
$analyse$;
COMMENT ON FUNCTION import.analyse(integer) IS 'Analyses the upload of a job: fills its data table and the findings';
REVOKE ALL ON FUNCTION import.analyse(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse(integer) TO authenticated;
-- Analysis of a job, second stage (import_analyse.sql): which unit a row means, which rows are one unit, what links to
-- what, and which rows repeat or contradict each other.

-- Identifiers of the file: pg_temp.import_ident has one row per identifier given, pg_temp.import_key one per distinct
-- identifier with what the register knows of it.
--   role 0: of the row's own unit; 1: of the legal unit of an establishment; 2, 3: of the influencing and influenced unit
CREATE OR REPLACE FUNCTION import.analyse_identifiers(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $analyse_identifiers$
DECLARE
    snapshot jsonb;
    c record;
    own_columns text[] := '{}';
    all_regular text[] := '{}';
    expression text;
BEGIN
    SELECT j.definition_snapshot INTO STRICT snapshot FROM import.job AS j WHERE j.id = analyse_identifiers.job_id;
    PERFORM import.drop_temporary('import_ident', 'import_key');
    CREATE TEMPORARY TABLE import_ident (
        row_id bigint NOT NULL, role integer NOT NULL, type_id integer NOT NULL, column_name text NOT NULL, value text NOT NULL);

    FOR c IN
        SELECT t.id AS type_id, t.shape::text AS shape, x.role, array_agg(p.column_name ORDER BY p.place) AS columns,
               bool_and(p.external_ident_type_id IS NOT NULL AND p.source_column_name IS NOT NULL) AS is_given
        FROM import.plan_column(snapshot) AS p
        CROSS JOIN LATERAL (
            SELECT CASE WHEN p.column_name LIKE 'legal\_unit\_%' AND p.step_code = 'link_establishment_to_legal_unit' THEN 1
                        WHEN p.column_name LIKE 'influencing\_%' AND p.step_code = 'legal_relationship' THEN 2
                        WHEN p.column_name LIKE 'influenced\_%' AND p.step_code = 'legal_relationship' THEN 3
                        WHEN p.step_code = 'external_idents' THEN 0 END AS role) AS x
        JOIN register.external_ident_type AS t
            ON t.id = p.external_ident_type_id
            OR p.external_ident_type_id IS NULL AND x.role > 0
               AND t.code = regexp_replace(p.column_name, '^(influencing|influenced|legal_unit)_(.*)_raw$', '\2')
        WHERE p.purpose = 'source_input' AND x.role IS NOT NULL
        GROUP BY t.id, t.shape, x.role, t.labels, t.priority
        ORDER BY x.role, t.priority, t.id
    LOOP
        IF c.role = 0 THEN
            own_columns := own_columns || c.columns;
        END IF;
        IF c.shape = 'regular' THEN
            expression := format('s.%I', c.columns[1]);
            EXECUTE format($sql$
                INSERT INTO pg_temp.import_note (row_id, severity, finding)
                SELECT s.row_id, 'error', CASE WHEN length(%1$s) > 50 THEN %2$s ELSE %3$s END
                FROM pg_temp.import_source AS s
                WHERE length(%1$s) > 50 OR %1$s ~ '^[0-9]+([.,][0-9]+)?[eE][+][0-9]+$'$sql$,
                expression,
                import.finding_sql('error', 'too_long', left(c.columns[1], -4), expression,
                    format('jsonb_build_object(''length'', length(%s), ''limit'', 50)', expression)),
                import.finding_sql('error', 'ident_scientific', left(c.columns[1], -4), expression));
            IF c.is_given THEN
                EXECUTE format($sql$
                    INSERT INTO pg_temp.import_note (row_id, severity, finding)
                    SELECT s.row_id, 'info', %s FROM pg_temp.import_source AS s WHERE s.%I IS NOT NULL AND %s IS NOT NULL$sql$,
                    import.finding_sql('info', 'ident_normalised', left(c.columns[1], -4), format('s.%I', 'given ' || c.columns[1]),
                        format('jsonb_build_object(''normalised'', %s)', expression)), 'given ' || c.columns[1], expression);
            END IF;
            EXECUTE format($sql$
                INSERT INTO pg_temp.import_ident (row_id, role, type_id, column_name, value)
                SELECT s.row_id, %L, %L, %L, %s
                FROM pg_temp.import_source AS s
                WHERE length(%4$s) <= 50 AND %4$s !~ '^[0-9]+([.,][0-9]+)?[eE][+][0-9]+$'$sql$,
                c.role, c.type_id, left(c.columns[1], -4), expression);
        ELSE
            SELECT string_agg(format('s.%I', name), ', ') INTO expression FROM unnest(c.columns) AS name;
            EXECUTE format($sql$
                INSERT INTO pg_temp.import_note (row_id, severity, finding)
                SELECT s.row_id, 'error', CASE WHEN part.value IS NULL THEN %1$s ELSE %2$s END || jsonb_build_object('column', part.name)
                FROM pg_temp.import_source AS s
                CROSS JOIN LATERAL unnest(%3$L::text[], ARRAY[%4$s]) AS part (name, value)
                WHERE num_nonnulls(%4$s) > 0 AND (part.value IS NULL OR part.value !~ '^[A-Za-z0-9_]{1,255}$')$sql$,
                import.finding_sql('error', 'ident_part_missing'),
                import.finding_sql('error', 'ident_char', NULL, 'part.value',
                    $$jsonb_build_object('char', substring(part.value FROM '[^A-Za-z0-9_]'))$$),
                ARRAY(SELECT left(name, -4) FROM unnest(c.columns) AS name), expression);
            EXECUTE format($sql$
                INSERT INTO pg_temp.import_ident (row_id, role, type_id, column_name, value)
                SELECT s.row_id, %L, %L, %L, concat_ws('.', %s)
                FROM pg_temp.import_source AS s
                WHERE num_nonnulls(%4$s) = %5$s
                AND (SELECT bool_and(part.value ~ '^[A-Za-z0-9_]{1,255}$') FROM unnest(ARRAY[%4$s]) AS part (value))$sql$,
                c.role, c.type_id, left(c.columns[1], -4), expression, cardinality(c.columns));
        END IF;
    END LOOP;
    ANALYZE pg_temp.import_ident;

    CREATE TEMPORARY TABLE import_key AS
    SELECT row_number() OVER () AS key_id, k.type_id, k.value,
           e.legal_unit_id, e.establishment_id, e.id IS NOT NULL AS is_known,
           e.id IS NOT NULL AND e.legal_unit_id IS NULL AND e.establishment_id IS NULL AS is_other
    FROM (SELECT DISTINCT i.type_id, i.value, t.shape
          FROM pg_temp.import_ident AS i JOIN register.external_ident_type AS t ON t.id = i.type_id) AS k
    LEFT JOIN (SELECT x.id, x.type_id, coalesce(x.ident, x.idents::text) AS value, x.legal_unit_id, x.establishment_id
               FROM register.external_ident AS x) AS e ON e.type_id = k.type_id AND e.value = k.value;
    ANALYZE pg_temp.import_key;

    -- A row with nothing at all is a blank line; a row with other cells lacks an identifier.
    IF own_columns <> '{}' THEN
        SELECT string_agg(format('s.%I', p.column_name), ', ' ORDER BY p.place) INTO expression
        FROM import.plan_column(snapshot) AS p
        WHERE p.purpose = 'source_input' AND p.source_column_name IS NOT NULL;
        EXECUTE format($sql$
            WITH blank AS (
                UPDATE pg_temp.import_row AS r SET is_skipped = true
                FROM pg_temp.import_source AS s WHERE s.row_id = r.row_id AND num_nonnulls(%1$s) = 0
                RETURNING r.row_id)
            INSERT INTO pg_temp.import_note (row_id, severity, finding)
            SELECT b.row_id, 'info', %2$s FROM blank AS b
            UNION ALL
            SELECT s.row_id, 'error', %3$s FROM pg_temp.import_source AS s
            WHERE num_nonnulls(%4$s) = 0 AND num_nonnulls(%1$s) > 0$sql$,
            expression,
            import.finding_sql('info', 'blank_row'),
            import.finding_sql('error', 'ident_missing', NULL, 'NULL',
                format('jsonb_build_object(''columns'', to_jsonb(%L::text[]))', ARRAY(SELECT left(name, -4) FROM unnest(own_columns) AS name))),
            (SELECT string_agg(format('s.%I', name), ', ') FROM unnest(own_columns) AS name));
        -- Of a blank row only that it is blank is worth saying.
        DELETE FROM pg_temp.import_note AS n USING pg_temp.import_row AS r
        WHERE r.row_id = n.row_id AND r.is_skipped AND n.finding ->> 'code' <> 'blank_row';
    END IF;
END
$analyse_identifiers$;
COMMENT ON FUNCTION import.analyse_identifiers(integer) IS 'Second stage of the analysis, second part: the identifiers of the file and whose they are';
REVOKE ALL ON FUNCTION import.analyse_identifiers(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_identifiers(integer) TO authenticated;

-- Which rows are one unit, which unit of the register that is, and what speaks against it.
-- Rows are one entity when they share an identifier, or give identifiers that the register knows to be one unit's.
CREATE OR REPLACE FUNCTION import.analyse_units(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_units$
DECLARE
    definition jsonb;
    mode text;
    strategy text;
    changed bigint;
    jumped bigint;
BEGIN
    SELECT j.definition_snapshot -> 'import_definition' INTO STRICT definition
    FROM import.job AS j WHERE j.id = analyse_units.job_id;
    mode := definition ->> 'mode';
    strategy := definition ->> 'strategy';
    PERFORM import.drop_temporary('import_life', 'import_hit', 'import_edge', 'import_entity', 'import_unit');

    -- When the units that the file mentions exist, by the register.
    CREATE TEMPORARY TABLE import_life AS
    SELECT 'legal_unit' AS kind, lu.id, range_agg(lu.valid_range) AS life, NULL::boolean AS is_formal
    FROM register.legal_unit AS lu
    WHERE lu.id IN (SELECT k.legal_unit_id FROM pg_temp.import_key AS k)
    GROUP BY lu.id
    UNION ALL
    SELECT 'establishment', es.id, range_agg(es.valid_range), (array_agg(es.legal_unit_id IS NOT NULL ORDER BY es.valid_from DESC))[1]
    FROM register.establishment AS es
    WHERE es.id IN (SELECT k.establishment_id FROM pg_temp.import_key AS k)
    GROUP BY es.id;
    ANALYZE pg_temp.import_life;

    CREATE TEMPORARY TABLE import_hit AS
    SELECT i.row_id, i.role, array_agg(i.column_name ORDER BY i.column_name) AS columns,
           min(k.legal_unit_id) AS legal_unit_id, min(k.establishment_id) AS establishment_id,
           bool_or(k.is_other) AS is_other, bool_or(k.is_known) AS is_known,
           coalesce(min(k.legal_unit_id) <> max(k.legal_unit_id), false) OR coalesce(min(k.establishment_id) <> max(k.establishment_id), false)
               OR (min(k.legal_unit_id) IS NOT NULL AND min(k.establishment_id) IS NOT NULL) AS is_ambiguous
    FROM pg_temp.import_ident AS i
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value
    GROUP BY i.row_id, i.role;
    ANALYZE pg_temp.import_hit;

    -- Identifiers of one row that belong to different units.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT h.row_id, 'error', jsonb_build_object('code', CASE h.role WHEN 0 THEN 'ident_conflict' ELSE 'link_conflict' END, 'severity', 'error',
               'column', i.column_name, 'value', i.value, 'details', jsonb_strip_nulls(jsonb_build_object(
                   'columns', to_jsonb(h.columns), 'legal_unit_id', k.legal_unit_id, 'establishment_id', k.establishment_id)))
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value
    WHERE h.is_ambiguous;

    -- A unit of another kind than the file is about.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT h.row_id, 'error', jsonb_build_object('code', 'unit_type_conflict', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_strip_nulls(jsonb_build_object('legal_unit_id', h.legal_unit_id, 'establishment_id', h.establishment_id, 'unit_type', CASE WHEN h.is_other THEN 'other' WHEN h.legal_unit_id IS NOT NULL THEN 'legal_unit'
                                 WHEN l.is_formal THEN 'establishment_formal' ELSE 'establishment_informal' END)))
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value AND k.is_known
    LEFT JOIN pg_temp.import_life AS l ON l.kind = 'establishment' AND l.id = h.establishment_id
    WHERE NOT h.is_ambiguous
    AND (h.is_other
         OR h.role > 0 AND h.establishment_id IS NOT NULL
         OR h.role = 0 AND CASE mode
            WHEN 'legal_unit' THEN h.establishment_id IS NOT NULL
            WHEN 'establishment_formal' THEN h.legal_unit_id IS NOT NULL OR NOT l.is_formal
            WHEN 'establishment_informal' THEN h.legal_unit_id IS NOT NULL OR l.is_formal
            ELSE false END);

    ANALYZE pg_temp.import_note;
    -- These rows say nothing about which rows are one entity; nor do rows whose identifiers are faulty.
    UPDATE pg_temp.import_row AS r SET is_refused = true
    FROM pg_temp.import_note AS n
    WHERE n.row_id = r.row_id AND n.severity = 'error'
    AND n.finding ->> 'code' IN ('ident_conflict', 'unit_type_conflict', 'ident_missing', 'ident_part_missing', 'ident_char', 'ident_scientific', 'too_long');

    -- Entities: a node is an identifier, or the unit that it is known to be of. Every row starts as the root of a tree of its
    -- own. In each round every tree hangs itself on the lowest tree with which it shares a node; then every row goes up to
    -- its root, twice as far at each step. So long chains need few rounds, and files in which a row has one node need one.
    CREATE TEMPORARY TABLE import_edge AS
    SELECT DISTINCT i.row_id, CASE WHEN k.legal_unit_id IS NOT NULL THEN -2 * k.legal_unit_id::bigint
                                   WHEN k.establishment_id IS NOT NULL THEN -2 * k.establishment_id::bigint - 1
                                   ELSE k.key_id END AS node_id
    FROM pg_temp.import_ident AS i
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value
    JOIN pg_temp.import_row AS r ON r.row_id = i.row_id
    WHERE i.role = 0 AND NOT r.is_refused AND NOT r.is_skipped;
    ANALYZE pg_temp.import_edge;
    CREATE TEMPORARY TABLE import_entity AS
    SELECT DISTINCT e.row_id, e.row_id AS founding_row_id FROM pg_temp.import_edge AS e;
    ANALYZE pg_temp.import_entity;
    LOOP
        UPDATE pg_temp.import_entity AS t SET founding_row_id = h.lowest
        FROM (SELECT t.founding_row_id AS root, min(n.lowest) AS lowest
              FROM pg_temp.import_edge AS e
              JOIN pg_temp.import_entity AS t ON t.row_id = e.row_id
              JOIN (SELECT x.node_id, min(y.founding_row_id) AS lowest
                    FROM pg_temp.import_edge AS x
                    JOIN pg_temp.import_entity AS y ON y.row_id = x.row_id
                    GROUP BY x.node_id) AS n ON n.node_id = e.node_id
              GROUP BY t.founding_row_id) AS h
        WHERE t.row_id = h.root AND h.lowest < t.founding_row_id;
        GET DIAGNOSTICS changed = ROW_COUNT;
        EXIT WHEN changed = 0;
        LOOP
            UPDATE pg_temp.import_entity AS t SET founding_row_id = f.founding_row_id
            FROM pg_temp.import_entity AS f
            WHERE f.row_id = t.founding_row_id AND f.founding_row_id < t.founding_row_id;
            GET DIAGNOSTICS jumped = ROW_COUNT;
            EXIT WHEN jumped = 0;
        END LOOP;
    END LOOP;
    CREATE TEMPORARY TABLE import_unit AS
    SELECT t.founding_row_id, min(h.legal_unit_id) AS legal_unit_id, min(h.establishment_id) AS establishment_id,
           count(DISTINCT h.legal_unit_id) + count(DISTINCT h.establishment_id) > 1 AS is_ambiguous
    FROM pg_temp.import_entity AS t
    JOIN pg_temp.import_hit AS h ON h.row_id = t.row_id AND h.role = 0
    GROUP BY t.founding_row_id;
    ANALYZE pg_temp.import_unit;

    UPDATE pg_temp.import_row AS r
    SET founding_row_id = t.founding_row_id, legal_unit_id = u.legal_unit_id, establishment_id = u.establishment_id,
        is_new = u.legal_unit_id IS NULL AND u.establishment_id IS NULL,
        is_covered = coalesce(l.life @> daterange(r.valid_from, r.valid_until), false)
    FROM pg_temp.import_entity AS t
    JOIN pg_temp.import_unit AS u ON u.founding_row_id = t.founding_row_id
    LEFT JOIN pg_temp.import_life AS l
        ON l.kind = CASE WHEN u.legal_unit_id IS NOT NULL THEN 'legal_unit' ELSE 'establishment' END
        AND l.id = coalesce(u.legal_unit_id, u.establishment_id)
    WHERE t.row_id = r.row_id;

    -- Rows that tie two known units together, or give one unit two identifiers of one type.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT r.row_id, 'error', jsonb_build_object('code', 'ident_conflict', 'severity', 'error', 'details', jsonb_build_object(
               'columns', to_jsonb(h.columns), 'founding_row_id', r.founding_row_id))
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_hit AS h ON h.row_id = r.row_id AND h.role = 0
    JOIN pg_temp.import_unit AS u ON u.founding_row_id = r.founding_row_id AND u.is_ambiguous
    WHERE NOT r.is_refused;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT r.row_id, 'error', jsonb_build_object('code', 'ident_conflict', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_build_object('values', v.some_values, 'founding_row_id', r.founding_row_id))
    FROM (SELECT r.founding_row_id, i.type_id, to_jsonb((array_agg(DISTINCT i.value))[:10]) AS some_values
          FROM pg_temp.import_row AS r
          JOIN pg_temp.import_ident AS i ON i.row_id = r.row_id AND i.role = 0
          WHERE NOT r.is_refused AND NOT r.is_skipped
          GROUP BY r.founding_row_id, i.type_id
          HAVING min(i.value) <> max(i.value)) AS v
    JOIN pg_temp.import_row AS r ON r.founding_row_id = v.founding_row_id AND NOT r.is_refused AND NOT r.is_skipped
    JOIN pg_temp.import_ident AS i ON i.row_id = r.row_id AND i.role = 0 AND i.type_id = v.type_id
    -- Of a type that the register holds of the unit, only the row that departs from it is at fault.
    WHERE NOT EXISTS (SELECT FROM register.external_ident AS e
                      WHERE e.type_id = v.type_id AND (e.legal_unit_id = r.legal_unit_id OR e.establishment_id = r.establishment_id));
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT r.row_id, 'error', jsonb_build_object('code', 'ident_change', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_build_object('from', coalesce(e.ident, e.idents::text), 'to', i.value))
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_ident AS i ON i.row_id = r.row_id AND i.role = 0
    JOIN register.external_ident AS e ON e.legal_unit_id = r.legal_unit_id AND e.type_id = i.type_id
    WHERE NOT r.is_refused AND coalesce(e.ident, e.idents::text) <> i.value
    UNION ALL
    SELECT r.row_id, 'error', jsonb_build_object('code', 'ident_change', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_build_object('from', coalesce(e.ident, e.idents::text), 'to', i.value))
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_ident AS i ON i.row_id = r.row_id AND i.role = 0
    JOIN register.external_ident AS e ON e.establishment_id = r.establishment_id AND e.type_id = i.type_id
    WHERE NOT r.is_refused AND coalesce(e.ident, e.idents::text) <> i.value;

    UPDATE pg_temp.import_row AS r SET is_refused = true
    FROM pg_temp.import_note AS n
    WHERE n.row_id = r.row_id AND n.finding ->> 'code' IN ('ident_conflict', 'ident_change');

    -- What the strategy does not do.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT r.row_id, 'error', jsonb_build_object('code', CASE WHEN r.is_new THEN 'unit_not_found' ELSE 'unit_already_exists' END, 'severity', 'error',
               'details', jsonb_build_object('columns', to_jsonb(h.columns), 'strategy', strategy))
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_hit AS h ON h.row_id = r.row_id AND h.role = 0
    WHERE NOT r.is_refused AND NOT r.is_skipped
    AND CASE WHEN mode = 'generic_unit' THEN r.is_new
             ELSE r.is_new AND strategy IN ('replace_only', 'update_only') OR NOT r.is_new AND strategy = 'insert_only' END;
    -- Updates and replacements happen within the life of the unit.
    IF mode = 'generic_unit' OR strategy IN ('replace_only', 'update_only') THEN
        INSERT INTO pg_temp.import_note (row_id, severity, finding)
        SELECT r.row_id, 'error', jsonb_build_object('code', 'reference_not_valid_then', 'severity', 'error', 'details', jsonb_build_object(
                   'columns', to_jsonb(h.columns), 'periods', import.periods_as_text(l.life)))
        FROM pg_temp.import_row AS r
        JOIN pg_temp.import_hit AS h ON h.row_id = r.row_id AND h.role = 0
        JOIN pg_temp.import_life AS l
            ON l.kind = CASE WHEN r.legal_unit_id IS NOT NULL THEN 'legal_unit' ELSE 'establishment' END
            AND l.id = coalesce(r.legal_unit_id, r.establishment_id)
        WHERE NOT r.is_refused AND NOT r.is_skipped AND NOT l.life && daterange(r.valid_from, r.valid_until);
    END IF;

    IF mode = 'establishment_formal' THEN
        PERFORM import.analyse_links(job_id);
    END IF;
END
$analyse_units$;
COMMENT ON FUNCTION import.analyse_units(integer) IS 'Second stage of the analysis, third part: entities of the file and units of the register';
REVOKE ALL ON FUNCTION import.analyse_units(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_units(integer) TO authenticated;

-- The legal unit of each establishment. Known establishments may leave it out: they keep theirs.
CREATE OR REPLACE FUNCTION import.analyse_links(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_links$
DECLARE
    columns text[];
    within_life boolean;
BEGIN
    SELECT array_agg(left(p.column_name, -4) ORDER BY p.place),
           bool_or(j.definition_snapshot #>> '{import_definition,strategy}' IN ('replace_only', 'update_only'))
    INTO columns, within_life
    FROM import.job AS j
    CROSS JOIN LATERAL import.plan_column(j.definition_snapshot) AS p
    WHERE j.id = analyse_links.job_id AND p.purpose = 'source_input' AND p.column_name LIKE 'legal\_unit\_%';

    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT r.row_id, 'error', jsonb_build_object('code', 'link_missing', 'severity', 'error', 'details', jsonb_build_object('columns', to_jsonb(columns)))
    FROM pg_temp.import_row AS r
    WHERE r.is_new AND NOT r.is_skipped
    AND NOT EXISTS (SELECT FROM pg_temp.import_ident AS i WHERE i.row_id = r.row_id AND i.role = 1);
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT i.row_id, 'error', jsonb_build_object('code', 'reference_missing', 'severity', 'error', 'column', i.column_name, 'value', i.value)
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    WHERE h.role = 1 AND NOT h.is_known;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT i.row_id, 'error', jsonb_build_object('code', 'reference_not_valid_then', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_build_object('legal_unit_id', h.legal_unit_id, 'periods', import.periods_as_text(l.life)))
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_row AS r ON r.row_id = h.row_id
    JOIN pg_temp.import_life AS l ON l.kind = 'legal_unit' AND l.id = h.legal_unit_id
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    WHERE h.role = 1 AND NOT h.is_ambiguous AND NOT r.is_skipped AND NOT l.life @> daterange(r.valid_from, r.valid_until);

    -- Without a link, new time of an establishment belongs to the legal unit of the slice before it, or after it.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT DISTINCT ON (r.row_id) r.row_id, 'error', jsonb_build_object('code', 'reference_not_valid_then', 'severity', 'error', 'details', jsonb_build_object(
               'columns', to_jsonb(columns), 'legal_unit_id', n.legal_unit_id, 'periods', import.periods_as_text(l.life)))
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_life AS e ON e.kind = 'establishment' AND e.id = r.establishment_id
    CROSS JOIN LATERAL unnest(datemultirange(daterange(r.valid_from, r.valid_until)) - e.life) AS gap
    CROSS JOIN LATERAL (SELECT t.legal_unit_id FROM register.establishment AS t
                        WHERE t.id = r.establishment_id
                        ORDER BY t.valid_from < lower(gap) DESC, CASE WHEN t.valid_from < lower(gap) THEN t.valid_from END DESC, t.valid_from
                        LIMIT 1) AS n
    CROSS JOIN LATERAL (SELECT range_agg(lu.valid_range) AS life FROM register.legal_unit AS lu WHERE lu.id = n.legal_unit_id) AS l
    WHERE NOT r.is_skipped AND NOT r.is_refused AND NOT r.is_covered AND r.valid_from IS NOT NULL AND NOT within_life AND NOT l.life @> gap
    AND NOT EXISTS (SELECT FROM pg_temp.import_ident AS i WHERE i.row_id = r.row_id AND i.role = 1)
    ORDER BY r.row_id, gap;

    UPDATE pg_temp.import_row AS r SET link_legal_unit_id = h.legal_unit_id
    FROM pg_temp.import_hit AS h
    WHERE h.row_id = r.row_id AND h.role = 1 AND NOT h.is_ambiguous;
END
$analyse_links$;
COMMENT ON FUNCTION import.analyse_links(integer) IS 'Second stage of the analysis: the legal units of establishments';
REVOKE ALL ON FUNCTION import.analyse_links(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_links(integer) TO authenticated;

-- Relationships: both ends must be legal units that exist throughout the period of the row.
CREATE OR REPLACE FUNCTION import.analyse_relationships(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_relationships$
DECLARE
    strategy text;
    plan text[];
    side record;
BEGIN
    SELECT j.definition_snapshot #>> '{import_definition,strategy}',
           ARRAY(SELECT p.column_name FROM import.plan_column(j.definition_snapshot) AS p WHERE p.purpose = 'source_input')
    INTO STRICT strategy, plan
    FROM import.job AS j WHERE j.id = analyse_relationships.job_id;
    PERFORM import.drop_temporary('import_life', 'import_hit', 'import_link');

    CREATE TEMPORARY TABLE import_life AS
    SELECT lu.id, range_agg(lu.valid_range) AS life
    FROM register.legal_unit AS lu
    WHERE lu.id IN (SELECT k.legal_unit_id FROM pg_temp.import_key AS k)
    GROUP BY lu.id;
    ANALYZE pg_temp.import_life;
    CREATE TEMPORARY TABLE import_hit AS
    SELECT i.row_id, i.role, array_agg(i.column_name ORDER BY i.column_name) AS columns, min(k.legal_unit_id) AS legal_unit_id,
           coalesce(min(k.legal_unit_id) <> max(k.legal_unit_id), false) AS is_ambiguous
    FROM pg_temp.import_ident AS i
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value
    GROUP BY i.row_id, i.role;
    ANALYZE pg_temp.import_hit;

    FOR side IN SELECT * FROM (VALUES (2, 'influencing\_%'), (3, 'influenced\_%')) AS v (role, pattern) LOOP
        INSERT INTO pg_temp.import_note (row_id, severity, finding)
        SELECT r.row_id, 'error', jsonb_build_object('code', 'value_missing', 'severity', 'error', 'details', jsonb_build_object(
                   'columns', (SELECT jsonb_agg(left(name, -4)) FROM unnest(plan) AS name WHERE name LIKE side.pattern)))
        FROM pg_temp.import_row AS r
        WHERE NOT r.is_skipped
        AND NOT EXISTS (SELECT FROM pg_temp.import_ident AS i WHERE i.row_id = r.row_id AND i.role = side.role)
        AND NOT EXISTS (SELECT FROM pg_temp.import_note AS n WHERE n.row_id = r.row_id AND n.finding ->> 'column' || '_raw' LIKE side.pattern);
    END LOOP;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT h.row_id, 'error', jsonb_build_object('code', 'ident_conflict', 'severity', 'error', 'details', jsonb_build_object('columns', to_jsonb(h.columns)))
    FROM pg_temp.import_hit AS h WHERE h.is_ambiguous;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT i.row_id, 'error', jsonb_build_object('code', CASE WHEN k.is_known THEN 'unit_type_conflict' ELSE 'reference_missing' END, 'severity', 'error',
               'column', i.column_name, 'value', i.value)
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value
    WHERE h.legal_unit_id IS NULL;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT i.row_id, 'error', jsonb_build_object('code', 'reference_not_valid_then', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_build_object('legal_unit_id', h.legal_unit_id, 'periods', import.periods_as_text(l.life)))
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_row AS r ON r.row_id = h.row_id
    JOIN pg_temp.import_life AS l ON l.id = h.legal_unit_id
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    WHERE NOT h.is_ambiguous AND NOT l.life @> daterange(r.valid_from, r.valid_until);
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT x.row_id, 'error', jsonb_build_object('code', 'ownership_self', 'severity', 'error', 'details', jsonb_build_object('columns', to_jsonb(x.columns || y.columns)))
    FROM pg_temp.import_hit AS x
    JOIN pg_temp.import_hit AS y ON y.row_id = x.row_id AND y.legal_unit_id = x.legal_unit_id
    WHERE x.role = 2 AND y.role = 3;

    -- Only sound ends make an entity: influencing unit, influenced unit and type.
    CREATE TEMPORARY TABLE import_link AS
    SELECT r.row_id, r.valid_from, r.valid_until, x.legal_unit_id AS influencing_id, y.legal_unit_id AS influenced_id, t.id AS type_id, t.primary_influencer_only
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_source AS s ON s.row_id = r.row_id
    JOIN pg_temp.import_hit AS x ON x.row_id = r.row_id AND x.role = 2
    JOIN pg_temp.import_hit AS y ON y.row_id = r.row_id AND y.role = 3
    JOIN register.legal_rel_type AS t ON t.code = s.rel_type_code_raw AND t.enabled
    WHERE NOT EXISTS (SELECT FROM pg_temp.import_note AS n WHERE n.row_id = r.row_id AND n.severity = 'error');
    ANALYZE pg_temp.import_link;
    UPDATE pg_temp.import_row AS r SET is_refused = true
    WHERE NOT EXISTS (SELECT FROM pg_temp.import_link AS k WHERE k.row_id = r.row_id);
    UPDATE pg_temp.import_row AS r
    SET founding_row_id = f.founding_row_id, relationship_id = f.relationship_id, is_new = f.relationship_id IS NULL
    FROM (SELECT k.row_id, min(k.row_id) OVER (PARTITION BY k.influencing_id, k.influenced_id, k.type_id) AS founding_row_id, e.id AS relationship_id
          FROM pg_temp.import_link AS k
          LEFT JOIN (SELECT lr.influencing_id, lr.influenced_id, lr.type_id, min(lr.id) AS id
                     FROM register.legal_relationship AS lr
                     GROUP BY lr.influencing_id, lr.influenced_id, lr.type_id) AS e
              ON e.influencing_id = k.influencing_id AND e.influenced_id = k.influenced_id AND e.type_id = k.type_id) AS f
    WHERE f.row_id = r.row_id;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT r.row_id, 'error', jsonb_build_object('code', CASE WHEN r.is_new THEN 'unit_not_found' ELSE 'unit_already_exists' END, 'severity', 'error',
               'details', jsonb_build_object('columns', to_jsonb(x.columns || y.columns), 'strategy', strategy))
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_hit AS x ON x.row_id = r.row_id AND x.role = 2
    JOIN pg_temp.import_hit AS y ON y.row_id = r.row_id AND y.role = 3
    WHERE NOT r.is_refused
    AND (r.is_new AND strategy IN ('replace_only', 'update_only') OR NOT r.is_new AND strategy = 'insert_only');

    -- At most one influencer at a time of a type that says so: both rows of the file are at fault, and the row that meets
    -- a stored relationship. Islands of overlapping periods with more than one influencer hold exactly such rows.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    WITH placed AS MATERIALIZED (
        SELECT p.*, count(*) FILTER (WHERE p.starts) OVER (PARTITION BY p.influenced_id, p.type_id ORDER BY p.valid_from, p.row_id) AS island
        FROM (SELECT k.*, coalesce(max(k.valid_until) OVER (PARTITION BY k.influenced_id, k.type_id ORDER BY k.valid_from, k.row_id
                                                            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) <= k.valid_from, true) AS starts
              FROM pg_temp.import_link AS k
              WHERE k.primary_influencer_only) AS p)
    SELECT i.row_id, 'error', jsonb_build_object('code', 'duplicate_primary_controller', 'severity', 'error', 'column', 'influenced_tax_ident',
               'value', s.influenced_tax_ident_raw, 'details', jsonb_build_object('rows', to_jsonb(c.rows)))
    FROM placed AS i
    JOIN (SELECT x.influenced_id, x.type_id, x.island, (array_agg(x.row_id ORDER BY x.row_id))[:10] AS rows
          FROM placed AS x
          GROUP BY x.influenced_id, x.type_id, x.island
          HAVING min(x.influencing_id) <> max(x.influencing_id)) AS c ON c.influenced_id = i.influenced_id AND c.type_id = i.type_id AND c.island = i.island
    JOIN pg_temp.import_source AS s ON s.row_id = i.row_id;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT DISTINCT ON (k.row_id) k.row_id, 'error', jsonb_build_object('code', 'duplicate_primary_controller', 'severity', 'error', 'column', 'influenced_tax_ident',
               'value', s.influenced_tax_ident_raw, 'details', jsonb_build_object('influencing_id', lr.influencing_id, 'legal_relationship_id', lr.id))
    FROM pg_temp.import_link AS k
    JOIN pg_temp.import_source AS s ON s.row_id = k.row_id
    JOIN register.legal_relationship AS lr ON lr.influenced_id = k.influenced_id AND lr.type_id = k.type_id
    WHERE k.primary_influencer_only AND lr.influencing_id <> k.influencing_id
    AND lr.valid_from < k.valid_until AND k.valid_from < lr.valid_until
    ORDER BY k.row_id, lr.id;
END
$analyse_relationships$;
COMMENT ON FUNCTION import.analyse_relationships(integer) IS 'Second stage of the analysis, third part, for relationships: their ends and their conflicts';
REVOKE ALL ON FUNCTION import.analyse_relationships(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_relationships(integer) TO authenticated;

-- Several rows of one entity: copies, contradictions, gaps; and the batch of each entity.
CREATE OR REPLACE FUNCTION import.analyse_repeats(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_repeats$
DECLARE
    job record;
BEGIN
    SELECT j.unique_units, j.processing_batch_size,
           string_agg(format('s.%I', p.column_name), ', ' ORDER BY p.place) AS all_columns,
           string_agg(format('s.%I', p.column_name), ', ' ORDER BY p.place) FILTER (WHERE p.column_name NOT IN ('valid_from_raw', 'valid_to_raw')) AS content_columns
    INTO STRICT job
    FROM import.job AS j
    CROSS JOIN LATERAL import.plan_column(j.definition_snapshot) AS p
    WHERE j.id = analyse_repeats.job_id AND p.purpose = 'source_input'
    GROUP BY j.id;
    PERFORM import.drop_temporary('import_repeat');
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_repeat AS
        SELECT r.row_id, r.founding_row_id, r.valid_from, r.valid_until, md5(ROW(%s)::text) AS whole, md5(ROW(%s)::text) AS content
        FROM pg_temp.import_row AS r
        JOIN pg_temp.import_source AS s ON s.row_id = r.row_id
        WHERE NOT r.is_refused AND NOT r.is_skipped AND r.valid_from IS NOT NULL
        AND r.founding_row_id IN (SELECT x.founding_row_id FROM pg_temp.import_row AS x
                                  WHERE NOT x.is_refused AND NOT x.is_skipped AND x.valid_from IS NOT NULL
                                  GROUP BY x.founding_row_id HAVING count(*) > 1)$sql$, job.all_columns, job.content_columns);
    ANALYZE pg_temp.import_repeat;

    IF EXISTS (SELECT FROM pg_temp.import_repeat) THEN
        WITH copy AS (
            DELETE FROM pg_temp.import_repeat AS t
            USING (SELECT x.row_id, min(x.row_id) OVER (PARTITION BY x.founding_row_id, x.whole) AS first_row_id
                   FROM pg_temp.import_repeat AS x) AS f
            WHERE f.row_id = t.row_id AND f.first_row_id < t.row_id
            RETURNING t.row_id, f.first_row_id),
        skipped AS (
            UPDATE pg_temp.import_row AS r SET is_skipped = true FROM copy AS c WHERE c.row_id = r.row_id)
        INSERT INTO pg_temp.import_note (row_id, severity, finding)
        SELECT c.row_id, 'warning', jsonb_build_object('code', 'row_duplicate', 'severity', 'warning', 'details', jsonb_build_object('row', c.first_row_id))
        FROM copy AS c;

        -- Islands of overlapping periods: equal rows are worth a word, different ones contradict each other. Each row is
        -- compared with the first of its island, that one with the second.
        INSERT INTO pg_temp.import_note (row_id, severity, finding)
        WITH placed AS MATERIALIZED (
            SELECT p.*, count(*) FILTER (WHERE p.starts) OVER (PARTITION BY p.founding_row_id ORDER BY p.valid_from, p.row_id) AS island
            FROM (SELECT t.*, coalesce(max(t.valid_until) OVER (PARTITION BY t.founding_row_id ORDER BY t.valid_from, t.row_id
                                                                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) <= t.valid_from, true) AS starts
                  FROM pg_temp.import_repeat AS t) AS p),
        crowded AS MATERIALIZED (
            SELECT i.founding_row_id, i.island, (array_agg(i.row_id ORDER BY i.row_id))[:10] AS rows,
                   min(i.content) <> max(i.content) AS differs,
                   min(i.valid_from) = max(i.valid_from) AND min(i.valid_until) = max(i.valid_until) AS same_period
            FROM placed AS i
            GROUP BY i.founding_row_id, i.island
            HAVING count(*) > 1)
        SELECT k.row_id, CASE WHEN k.differs THEN 'error' ELSE 'info' END, jsonb_build_object(
                   'code', CASE WHEN k.differs AND k.same_period THEN 'row_conflict' WHEN k.differs THEN 'period_overlap_conflict' ELSE 'period_overlap_equal' END,
                   'severity', CASE WHEN k.differs THEN 'error' ELSE 'info' END)
                   || CASE WHEN k.differs AND k.same_period THEN '{}' ELSE jsonb_build_object('column', 'valid_from', 'value', to_char(k.valid_from, 'YYYY-MM-DD')) END
                   || jsonb_build_object('details', jsonb_build_object('row', k.other, 'rows', to_jsonb(k.rows))
                       || CASE WHEN k.differs THEN jsonb_build_object('columns', (
                              SELECT jsonb_agg(left(x.key, -4) ORDER BY x.key)
                              FROM jsonb_each(v.mine) AS x
                              WHERE x.key LIKE '%\_raw' AND x.key NOT LIKE 'given %' AND v.theirs -> x.key <> x.value)) ELSE '{}' END)
        FROM (SELECT i.row_id, i.valid_from, c.rows, c.differs, c.same_period, CASE WHEN c.rows[1] = i.row_id THEN c.rows[2] ELSE c.rows[1] END AS other
              FROM placed AS i
              JOIN crowded AS c ON c.founding_row_id = i.founding_row_id AND c.island = i.island) AS k
        JOIN pg_temp.import_source AS a ON a.row_id = k.row_id
        JOIN pg_temp.import_source AS b ON b.row_id = k.other
        CROSS JOIN LATERAL (SELECT CASE WHEN k.differs THEN to_jsonb(a) END AS mine, CASE WHEN k.differs THEN to_jsonb(b) END AS theirs OFFSET 0) AS v;
        INSERT INTO pg_temp.import_note (row_id, severity, finding)
        SELECT g.row_id, 'info', jsonb_build_object('code', 'period_gap', 'severity', 'info', 'column', 'valid_from', 'value', to_char(g.valid_from, 'YYYY-MM-DD'), 'details', jsonb_build_object(
                   'from', to_char(g.reached, 'YYYY-MM-DD'), 'to', to_char(g.valid_from - 1, 'YYYY-MM-DD')))
        FROM (SELECT t.row_id, t.valid_from, max(t.valid_until) OVER (PARTITION BY t.founding_row_id ORDER BY t.valid_from, t.row_id
                                                                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
              FROM pg_temp.import_repeat AS t) AS g
        WHERE g.reached < g.valid_from;
        ANALYZE pg_temp.import_note;
        IF job.unique_units THEN
            INSERT INTO pg_temp.import_note (row_id, severity, finding)
            SELECT t.row_id, 'error', jsonb_build_object('code', 'row_conflict', 'severity', 'error', 'details', jsonb_build_object(
                       'rows', to_jsonb(x.rows), 'unique_units', true))
            FROM pg_temp.import_repeat AS t
            JOIN (SELECT y.founding_row_id, (array_agg(y.row_id ORDER BY y.row_id))[:10] AS rows
                  FROM pg_temp.import_repeat AS y GROUP BY y.founding_row_id HAVING count(*) > 1) AS x ON x.founding_row_id = t.founding_row_id
            WHERE NOT EXISTS (SELECT FROM pg_temp.import_note AS n WHERE n.row_id = t.row_id AND n.severity = 'error');
        END IF;
    END IF;

    -- Batches of whole entities, in the order of their first rows.
    UPDATE pg_temp.import_row AS r SET batch_seq = b.batch_seq
    FROM (SELECT n.row_id, 1 + (min(n.place) OVER (PARTITION BY n.founding_row_id) - 1) / job.processing_batch_size AS batch_seq
          FROM (SELECT x.row_id, x.founding_row_id, row_number() OVER (ORDER BY x.founding_row_id, x.row_id) AS place
                FROM pg_temp.import_row AS x) AS n) AS b
    WHERE b.row_id = r.row_id AND b.batch_seq > 1;
    ANALYZE pg_temp.import_row;
END
$analyse_repeats$;
COMMENT ON FUNCTION import.analyse_repeats(integer) IS 'Second stage of the analysis, last part: rows of one entity against each other, and batches';
REVOKE ALL ON FUNCTION import.analyse_repeats(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_repeats(integer) TO authenticated;

-- Stage 3 -------------------------------------------------------------------------------------------------------------
-- Analysis of a job, third stage (import_analyse.sql): every cell parsed, judged and looked up, and each row of the data
-- table written once.

-- SQL text of a code list: code, id, enabled, is_leaf, one row per code; an enabled row before a disabled one.
CREATE OR REPLACE FUNCTION import.code_list_sql(list text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $code_list_sql$
    SELECT format('(SELECT DISTINCT ON (l.code) l.code, l.id, l.enabled, l.is_leaf FROM (%s) AS l WHERE l.code IS NOT NULL ORDER BY l.code, l.enabled DESC, l.id)',
        CASE list
            WHEN 'country' THEN 'SELECT c.iso_2 AS code, c.id, c.enabled, true AS is_leaf FROM register.country AS c'
            WHEN 'region' THEN 'SELECT c.code, c.id, true AS enabled, true AS is_leaf FROM register.region AS c
                WHERE c.version_id = (SELECT s.region_version_id FROM register.settings AS s)'
            WHEN 'tag' THEN 'SELECT c.path::text AS code, c.id, c.enabled, true AS is_leaf FROM register.tag AS c'
            WHEN 'activity_category' THEN 'SELECT c.code, c.id, c.enabled,
                    NOT EXISTS (SELECT FROM register.activity_category AS x WHERE x.parent_id = c.id AND x.enabled) AS is_leaf
                FROM register.activity_category AS c
                WHERE c.standard_id = (SELECT s.activity_category_standard_id FROM register.settings AS s)'
            ELSE format('SELECT c.code, c.id, c.enabled, true AS is_leaf FROM register.%I AS c', list)
        END)
$code_list_sql$;
COMMENT ON FUNCTION import.code_list_sql(text) IS 'SQL text of a subquery that gives the codes of a code list';
REVOKE ALL ON FUNCTION import.code_list_sql(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.code_list_sql(text) TO authenticated;

-- Which code list the values of a data column are of; NULL: none.
CREATE OR REPLACE FUNCTION import.code_list_of_column(column_name text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $code_list_of_column$
    SELECT CASE
        WHEN column_name LIKE '%region\_code\_raw' THEN 'region'
        WHEN column_name LIKE '%country\_iso\_2\_raw' THEN 'country'
        WHEN column_name LIKE '%activity\_category\_code\_raw' THEN 'activity_category'
        WHEN column_name = 'tag_path_raw' THEN 'tag'
        WHEN column_name = 'rel_type_code_raw' THEN 'legal_rel_type'
        WHEN column_name IN ('data_source_code_raw', 'status_code_raw', 'sector_code_raw', 'unit_size_code_raw', 'legal_form_code_raw')
            THEN replace(column_name, '_code_raw', '')
    END
$code_list_of_column$;
COMMENT ON FUNCTION import.code_list_of_column(text) IS 'The code list that a column of the data table is bound to; NULL when to none';
REVOKE ALL ON FUNCTION import.code_list_of_column(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.code_list_of_column(text) TO authenticated;

-- Builds and runs the statement that writes the data table, and keeps the findings in pg_temp.import_bad.
--   t   the row of the file with its cells parsed (p_<column>) and its codes looked up (id_, on_, leaf_<column>)
--   j   t with its findings and the values for the register
CREATE OR REPLACE FUNCTION import.analyse_cells(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $analyse_cells$
DECLARE
    job record;
    mode text;
    strategy text;
    date_formats text[];
    decimal_mark text;
    thousands text;
    parsed text[] := '{}';      -- expressions over the source, in the select list of t
    joins text[] := '{}';
    errors text[] := '{}';      -- expressions over t: a finding or NULL
    warnings text[] := '{}';
    infos text[] := '{}';
    typed jsonb := '{}';        -- column of the data table → expression over t
    has text[];
    is_status_mapped boolean;
    c record;
    list text;
    col text;
    raw text;
    value text;
    length_limit integer;
    bad text;
    place text;
    address text;
    anything text;
    raw_columns text;
    target text;
    expressions text;
BEGIN
    SELECT j.data_table_name, j.truncate_overlong, j.user_id, j.edit_comment, j.definition_snapshot AS snapshot,
           j.definition_snapshot -> 'import_definition' AS definition,
           (SELECT s.country_id FROM register.settings AS s) AS country_id,
           (SELECT s.id FROM register.status AS s WHERE s.assigned_by_default AND s.enabled) AS status_id
    INTO STRICT job FROM import.job AS j WHERE j.id = analyse_cells.job_id;
    mode := job.definition ->> 'mode';
    strategy := job.definition ->> 'strategy';
    date_formats := ARRAY(SELECT jsonb_array_elements_text(job.definition -> 'date_formats'));
    decimal_mark := job.definition ->> 'decimal_mark';
    thousands := job.definition ->> 'thousands';
    has := ARRAY(SELECT p.column_name FROM import.plan_column(job.snapshot) AS p WHERE p.purpose = 'source_input');
    is_status_mapped := EXISTS (SELECT FROM import.plan_column(job.snapshot) AS p
                                WHERE p.column_name = 'status_code_raw' AND num_nonnulls(p.source_column_name, p.source_value, p.source_expression) > 0);
    IF 'physical_address_part1_raw' = ANY (has) AND job.country_id IS NULL THEN
        RAISE EXCEPTION 'the register has no settings'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Choose country, activity standard and region version first: INSERT INTO api.settings.';
    END IF;

    FOR c IN SELECT p.* FROM import.plan_column(job.snapshot) AS p WHERE p.purpose = 'source_input' ORDER BY p.place LOOP
        col := left(c.column_name, -4);
        raw := format('t.%I', c.column_name);
        value := format('t.%I', 'p_' || col);
        list := CASE WHEN c.external_ident_type_id IS NULL AND c.stat_definition_id IS NULL THEN import.code_list_of_column(c.column_name) END;
        IF list IS NOT NULL THEN
            joins := joins || format('LEFT JOIN %s AS %I ON %2$I.code = s.%3$I', import.code_list_sql(list), 'l_' || col, c.column_name);
            parsed := parsed || format('%1$I.id AS %2$I, %1$I.enabled AS %3$I, %1$I.is_leaf AS %4$I', 'l_' || col, 'id_' || col, 'on_' || col, 'leaf_' || col);
            -- What is a mere warning elsewhere decides a country, a tag, a type of relationship.
            bad := format('%s IS NOT NULL AND t.%I IS NULL', raw, 'id_' || col);
            IF list = 'country' THEN
                address := (SELECT string_agg(format('t.%I', x), ', ') FROM unnest(has) AS x
                            WHERE x LIKE replace(left(col, -length('country_iso_2')), '_', '\_') || '%' AND x NOT IN (c.column_name) AND x !~ '_(latitude|longitude|altitude)_raw$');
                errors := errors || format('CASE WHEN %s AND num_nonnulls(%s) > 0 THEN %s END', bad, address,
                    import.finding_sql('error', 'country_unknown', col, raw,
                        format('(SELECT jsonb_build_object(''suggestion'', k.iso_2) FROM register.country AS k WHERE k.iso_3 = upper(%1$s) OR k.name = %1$s OR k.iso_2 = upper(%1$s) ORDER BY k.id LIMIT 1)', raw)));
                warnings := warnings || format('CASE WHEN %s AND num_nonnulls(%s) = 0 THEN %s END', bad, address,
                    import.finding_sql('warning', 'country_unknown', col, raw));
            ELSIF list = 'tag' THEN
                errors := errors || format('CASE WHEN %s THEN %s END', bad, import.finding_sql('error', 'tag_unknown', col, raw));
            ELSIF list = 'legal_rel_type' THEN
                errors := errors || format('CASE WHEN %s IS NULL THEN %s WHEN %s THEN %s WHEN NOT t.%I THEN %s END', raw, import.finding_sql('error', 'value_missing', col),
                    bad, import.finding_sql('error', 'code_unknown', col, raw), 'on_' || col, import.finding_sql('error', 'code_inactive', col, raw));
            ELSE
                warnings := warnings || format('CASE WHEN %s THEN %s END', bad, import.finding_sql('warning', 'code_unknown', col, raw,
                    CASE WHEN list IN ('region', 'activity_category') THEN
                        format('(SELECT jsonb_build_object(''suggestion'', l.code) FROM %s AS l WHERE l.code = ''0'' || %s)', import.code_list_sql(list), raw)
                    ELSE 'NULL' END));
            END IF;
            IF list <> 'legal_rel_type' THEN
                warnings := warnings || format('CASE WHEN NOT t.%I THEN %s END', 'on_' || col, import.finding_sql('warning', 'code_inactive', col, raw));
            END IF;
            IF list = 'activity_category' THEN
                warnings := warnings || format('CASE WHEN t.%I AND NOT t.%I THEN %s END', 'on_' || col, 'leaf_' || col, import.finding_sql('warning', 'code_not_leaf', col, raw));
            END IF;
            target := CASE WHEN list IN ('country', 'region') THEN regexp_replace(col, '(country_iso_2|region_code)$', list || '_id')
                           WHEN list = 'activity_category' THEN replace(col, '_code', '_id')
                           WHEN list = 'tag' THEN 'tag_id'
                           WHEN list = 'legal_rel_type' THEN 'type_id'
                           ELSE list || '_id' END;
            typed := typed || jsonb_build_object(target, format('CASE WHEN t.%I THEN t.%I END', 'on_' || col, 'id_' || col));

        ELSIF c.step_code = 'valid_time' OR c.step_code IN ('external_idents', 'link_establishment_to_legal_unit')
              OR col IN ('influencing_tax_ident', 'influenced_tax_ident') THEN
            NULL;   -- judged in stage 2

        ELSIF col IN ('birth_date', 'death_date') THEN
            parsed := parsed || format('import.parse_date(s.%I, %L) AS %I', c.column_name, date_formats, 'p_' || col);
            errors := errors || format('CASE WHEN %1$s IS NOT NULL AND %2$s IS NULL THEN %3$s WHEN NOT isfinite(%2$s) THEN %4$s END', raw, value,
                replace(import.finding_sql('error', '@', col, raw, format('jsonb_build_object(''formats'', to_jsonb(%L::text[]), ''hint'', import.parse_hint(''date'', %s))', date_formats, raw)),
                    $$'@'$$, format('import.parse_date_error(%s, %L)', raw, date_formats)),
                import.finding_sql('error', 'date_infinite_not_allowed', col, raw));
            warnings := warnings
                || format('CASE WHEN isfinite(%1$s) AND (%1$s < ''1800-01-01'' OR %1$s > statbus.today() + 36525) THEN %2$s END', value, import.finding_sql('warning', 'date_implausible', col, raw))
                || format('CASE WHEN length(%1$s) > 10 AND import.parse_date_warning(%1$s, %2$L) IS NOT NULL THEN %3$s END', raw, date_formats, import.finding_sql('warning', 'time_dropped', col, raw));
            infos := infos || format('CASE WHEN length(%1$s) > 10 AND import.parse_date_info(%1$s, %2$L) IS NOT NULL THEN %3$s END', raw, date_formats, import.finding_sql('info', 'time_dropped', col, raw));
            typed := typed || jsonb_build_object(col, value);

        ELSIF c.stat_definition_id IS NOT NULL AND c.target_pg_type <> 'text' THEN
            CASE c.target_pg_type
            WHEN 'integer' THEN
                parsed := parsed || format('import.parse_integer(s.%I, %L) AS %I', c.column_name, thousands, 'p_' || col);
                errors := errors || format('CASE WHEN %1$s IS NOT NULL AND %2$s IS NULL THEN %3$s WHEN %2$s > 2147483647 THEN %4$s WHEN %2$s < 0 THEN %5$s END', raw, value,
                    replace(import.finding_sql('error', '@', col, raw, format('jsonb_build_object(''hint'', import.parse_hint(''integer'', %s))', raw)),
                        $$'@'$$, format('import.parse_integer_error(%s, %L)', raw, thousands)),
                    import.finding_sql('error', 'number_too_big', col, raw),
                    -- Whole-number statistics count something.
                    import.finding_sql('error', 'number_negative', col, raw));
                infos := infos || format('CASE WHEN %1$s IS NOT NULL AND import.parse_integer_info(%2$s, %3$L) IS NOT NULL THEN %4$s END', value, raw, thousands,
                    import.finding_sql('info', 'decimal_zero_dropped', col, raw));
                typed := typed || jsonb_build_object(col, format('CASE WHEN %1$s BETWEEN 0 AND 2147483647 THEN %1$s END', value));
            WHEN 'numeric' THEN
                parsed := parsed || format('import.parse_numeric(s.%I, %L, %L) AS %I', c.column_name, decimal_mark, thousands, 'p_' || col);
                errors := errors || format('CASE WHEN %1$s IS NOT NULL AND %2$s IS NULL THEN %3$s WHEN abs(%2$s) > 1e300 THEN %4$s END', raw, value,
                    replace(import.finding_sql('error', '@', col, raw, format('jsonb_build_object(''hint'', import.parse_hint(''numeric'', %s))', raw)),
                        $$'@'$$, format('import.parse_numeric_error(%s, %L, %L)', raw, decimal_mark, thousands)),
                    import.finding_sql('error', 'number_too_big', col, raw));
                -- What double precision would call an underflow is nothing.
                typed := typed || jsonb_build_object(col, format('CASE WHEN abs(%1$s) < 1e-300 THEN 0 WHEN abs(%1$s) <= 1e300 THEN %1$s END', value));
            WHEN 'boolean' THEN
                parsed := parsed || format('import.parse_boolean(s.%I, %L, %L) AS %I', c.column_name, ARRAY(SELECT jsonb_array_elements_text(job.definition -> 'true_words')),
                    ARRAY(SELECT jsonb_array_elements_text(job.definition -> 'false_words')), 'p_' || col);
                errors := errors || format('CASE WHEN %s IS NOT NULL AND %s IS NULL THEN %s END', raw, value, import.finding_sql('error', 'not_a_boolean', col, raw));
                typed := typed || jsonb_build_object(col, value);
            END CASE;

        ELSIF col ~ '_(latitude|longitude|altitude)$' OR col = 'percentage' THEN
            parsed := parsed || format('import.parse_numeric(s.%I, %L, %L) AS %I', c.column_name, decimal_mark, thousands, 'p_' || col);
            IF col LIKE 'postal\_%' THEN
                errors := errors || format('CASE WHEN %s IS NOT NULL THEN %s END', raw, import.finding_sql('error', 'coordinate_postal', col, raw));
            ELSE
                bad := CASE WHEN col LIKE '%latitude' THEN format('abs(%s) > 90', value)
                            WHEN col LIKE '%longitude' THEN format('abs(%s) > 180', value)
                            WHEN col LIKE '%altitude' THEN format('NOT %s BETWEEN 0 AND 99999.9', value)
                            ELSE format('NOT %s BETWEEN 0 AND 100', value) END;
                errors := errors || format('CASE WHEN %1$s IS NOT NULL AND %2$s IS NULL THEN %3$s WHEN %4$s THEN %5$s END', raw, value,
                    replace(import.finding_sql('error', '@', col, raw, format('jsonb_build_object(''hint'', import.parse_hint(''numeric'', %s))', raw)),
                        $$'@'$$, format('import.parse_numeric_error(%s, %L, %L)', raw, decimal_mark, thousands)),
                    bad, import.finding_sql('error', CASE WHEN col = 'percentage' THEN 'percentage_range' ELSE 'coordinate_range' END, col, raw,
                        CASE WHEN col ~ 'tude$' AND col !~ 'altitude$' THEN format('CASE WHEN abs(%s) > 10000 THEN jsonb_build_object(''hint'', ''looks like UTM metres'') END', value) ELSE 'NULL' END));
                length_limit := CASE WHEN col LIKE '%altitude' THEN 1 WHEN col = 'percentage' THEN 2 ELSE 6 END;
                infos := infos || format('CASE WHEN NOT (%1$s) AND %2$s <> round(%2$s, %3$s) THEN %4$s END', bad, value, length_limit, import.finding_sql('info', 'precision_lost', col, raw));
                typed := typed || jsonb_build_object(col, format('CASE WHEN NOT (%s) THEN round(%s, %s) END', bad, value, length_limit));
                IF col = 'percentage' THEN
                    parsed := parsed || format('max(import.parse_numeric(s.%I, %L, %L)) OVER () AS highest_percentage', c.column_name, decimal_mark, thousands);
                    warnings := warnings || format('CASE WHEN %1$s > 0 AND t.highest_percentage <= 1 THEN %2$s END', value, import.finding_sql('warning', 'percentage_maybe_fraction', col, raw));
                END IF;
            END IF;

        ELSE
            -- Texts. Control characters become spaces; what is decomposed is composed.
            length_limit := substring(c.target_pg_type FROM '\((\d+)\)')::integer;
            parsed := parsed || format($sql$CASE WHEN s.%1$I ~ '[\u0001-\u001f\u007f\u2028\u2029]|(?<![\u00c2\u00c3])\u0085' THEN btrim(regexp_replace(s.%1$I, '([\u0001-\u001f\u007f\u2028\u2029]|(?<![\u00c2\u00c3])\u0085)+', ' ', 'g'))
                                            WHEN octet_length(s.%1$I) > length(s.%1$I) THEN normalize(s.%1$I, NFC) ELSE s.%1$I END AS %2$I$sql$, c.column_name, 'p_' || col);
            warnings := warnings || format($sql$CASE WHEN %1$s ~ '[\u0001-\u001f\u007f\u2028\u2029]|(?<![\u00c2\u00c3])\u0085' THEN %2$s END$sql$, raw,
                import.finding_sql('warning', 'control_char', col, raw,
                    format($sql$jsonb_build_object('codepoint', 'U+' || upper(lpad(to_hex(ascii(substring(%s FROM '[\u0001-\u001f\u007f\u2028\u2029]|(?<![\u00c2\u00c3])\u0085'))), 4, '0')))$sql$, raw)));
            IF length_limit IS NOT NULL THEN
                bad := format('length(%s) > %s', value, length_limit);
                IF job.truncate_overlong THEN
                    warnings := warnings || format('CASE WHEN %s THEN %s END', bad,
                        import.finding_sql('warning', 'truncated', col, raw, format('jsonb_build_object(''length'', length(%s), ''limit'', %s)', value, length_limit)));
                ELSE
                    errors := errors || format('CASE WHEN %s THEN %s END', bad,
                        import.finding_sql('error', 'too_long', col, raw, format('jsonb_build_object(''length'', length(%s), ''limit'', %s)', value, length_limit)));
                END IF;
                value := format('left(%s, %s)', value, length_limit);
            END IF;
            IF col NOT IN ('phone_number', 'landline', 'mobile_number', 'fax_number') THEN
                infos := infos || format($sql$CASE WHEN %1$s ~ '^([=@]|[+-][^0-9])' THEN %2$s END$sql$, raw, import.finding_sql('info', 'formula_like', col, raw));
                warnings := warnings || format($sql$CASE WHEN octet_length(%1$s) > length(%1$s) AND %1$s ~ '[\u00c2\u00c3][\u0080-\u00bf]' THEN %2$s END$sql$, raw, import.finding_sql('warning', 'mojibake', col, raw));
            END IF;
            IF col LIKE '%address\_part_' THEN
                warnings := warnings || format($sql$CASE WHEN %1$s ~ '[^/[:space:]]/n[[:upper:][:digit:]]' THEN %2$s END$sql$, raw, import.finding_sql('warning', 'escaped_newline', col, raw));
            ELSIF col = 'email_address' THEN
                warnings := warnings || format($sql$CASE WHEN %1$s !~ '^[^@[:space:]]+@[^@[:space:].]+([.][^@[:space:].]+)+$' THEN %2$s END$sql$, raw, import.finding_sql('warning', 'email_format', col, raw));
            END IF;
            typed := typed || jsonb_build_object(col, value);
        END IF;
    END LOOP;

    -- Between cells of one row.
    IF has @> '{birth_date_raw,death_date_raw}' THEN
        warnings := warnings
            || format('CASE WHEN isfinite(t.p_birth_date) AND (t.p_birth_date > t.valid_from OR t.p_death_date < t.p_birth_date) THEN %s END', import.finding_sql('warning', 'dates_inconsistent', 'birth_date', 't.birth_date_raw'))
            || format('CASE WHEN isfinite(t.p_death_date) AND (t.p_death_date < t.p_birth_date OR t.p_death_date > statbus.today()) THEN %s END', import.finding_sql('warning', 'dates_inconsistent', 'death_date', 't.death_date_raw'));
    END IF;
    IF 'secondary_activity_category_code_raw' = ANY (has) THEN
        warnings := warnings || format('CASE WHEN t.secondary_activity_category_code_raw = t.primary_activity_category_code_raw THEN %s END',
            import.finding_sql('warning', 'activity_same', 'secondary_activity_category_code', 't.secondary_activity_category_code_raw'));
    END IF;
    FOREACH place IN ARRAY ARRAY['physical', 'postal'] LOOP
        CONTINUE WHEN NOT place || '_address_part1_raw' = ANY (has);
        anything := (SELECT string_agg(format('t.%I', place || '_' || x || '_raw'), ', ')
                     FROM unnest('{address_part1,address_part2,address_part3,postcode,postplace}'::text[]) AS x);
        -- Some address, or a known region or country, or coordinates: then there is a location, in this country unless another is given.
        typed := typed || jsonb_build_object(place || '_country_id', format(
            'CASE WHEN t.%1$I THEN t.%2$I WHEN t.%3$I IS NULL AND num_nonnulls(%4$s, t.%5$I%6$s) > 0 THEN %7$s END',
            'on_' || place || '_country_iso_2', 'id_' || place || '_country_iso_2', place || '_country_iso_2_raw', anything, 'id_' || place || '_region_code',
            CASE place WHEN 'physical' THEN ', t.p_physical_latitude' ELSE '' END, job.country_id));
        errors := errors || format('CASE WHEN t.%I IS NOT NULL AND t.%I <> %s THEN %s END', place || '_region_code_raw', 'id_' || place || '_country_iso_2', job.country_id,
            import.finding_sql('error', 'region_needs_domestic', place || '_region_code', format('t.%I', place || '_region_code_raw')));
        IF place = 'physical' THEN
            warnings := warnings || format('CASE WHEN t.physical_region_code_raw IS NULL AND (t.physical_country_iso_2_raw IS NULL OR t.id_physical_country_iso_2 = %s) AND num_nonnulls(%s) > 0 THEN %s END',
                job.country_id, anything, import.finding_sql('warning', 'region_missing', 'physical_region_code'));
            errors := errors || format($sql$CASE WHEN (t.physical_latitude_raw IS NULL) <> (t.physical_longitude_raw IS NULL)
                                                   OR t.physical_altitude_raw IS NOT NULL AND t.physical_latitude_raw IS NULL THEN %s END$sql$,
                replace(import.finding_sql('error', 'coordinate_pair', '@', 'NULL',
                    $$jsonb_build_object('columns', to_jsonb(ARRAY['physical_latitude', 'physical_longitude']
                        || CASE WHEN t.physical_altitude_raw IS NOT NULL THEN ARRAY['physical_altitude'] ELSE '{}' END))$$),
                    $$'@'$$, $$CASE WHEN t.physical_latitude_raw IS NULL THEN 'physical_latitude' ELSE 'physical_longitude' END$$));
        END IF;
    END LOOP;

    -- The unit itself.
    IF 'name_raw' = ANY (has) THEN
        errors := errors || format('CASE WHEN t.name_raw IS NULL AND NOT t.is_skipped AND NOT t.is_refused AND (%s) THEN %s END',
            CASE strategy WHEN 'insert_or_update' THEN 't.is_new OR NOT t.is_covered' WHEN 'update_only' THEN 'false' ELSE 'true' END,
            import.finding_sql('error', 'value_missing', 'name'));
    END IF;
    IF 'status_code_raw' = ANY (has) THEN
        -- A unit that is patched, or whose file has no such column, keeps its status where the file says nothing; new time gets the default one.
        typed := jsonb_set(typed, '{status_id}', to_jsonb(
            CASE WHEN strategy IN ('insert_or_update', 'update_only') OR NOT is_status_mapped
                THEN format('CASE WHEN t.on_status_code THEN t.id_status_code WHEN t.is_new THEN %L::integer END', job.status_id)
                ELSE format('CASE WHEN t.on_status_code THEN t.id_status_code ELSE %L::integer END', job.status_id) END));
        IF job.status_id IS NULL THEN
            errors := errors || format('CASE WHEN t.on_status_code IS NOT TRUE AND NOT t.is_skipped THEN %s END', import.finding_sql('error', 'status_missing', 'status_code', 't.status_code_raw'));
        END IF;
    END IF;
    IF mode = 'establishment_formal' AND 'sector_code_raw' = ANY (has) THEN
        typed := typed || jsonb_build_object('sector_id', 'NULL::integer');
        warnings := warnings || format('CASE WHEN t.sector_code_raw IS NOT NULL THEN %s END',
            import.finding_sql('warning', 'implausible', 'sector_code', 't.sector_code_raw', $$jsonb_build_object('rule', 'a formal establishment has the sector of its legal unit')$$));
    END IF;
    IF 'data_source_code_raw' = ANY (has) THEN
        typed := typed || jsonb_build_object('data_source_id', format('coalesce(CASE WHEN t.on_data_source_code THEN t.id_data_source_code END, %L::integer)', job.definition ->> 'data_source_id'));
    END IF;
    IF 'tag_path_raw' = ANY (has) THEN
        typed := typed || jsonb_build_object('tag_path', 'CASE WHEN t.id_tag_path IS NOT NULL THEN text2ltree(t.tag_path_raw) END');
    END IF;
    typed := typed || jsonb_build_object(
        'valid_from', 't.valid_from', 'valid_to', 't.valid_to', 'valid_until', 't.valid_until',
        'legal_unit_id', CASE mode WHEN 'establishment_formal' THEN 't.link_legal_unit_id' ELSE 't.legal_unit_id' END,
        'establishment_id', 't.establishment_id', 'legal_relationship_id', 't.relationship_id',
        'edit_comment', format('coalesce(%s, %L)', coalesce(typed ->> 'edit_comment', 'NULL'), job.edit_comment),
        'edit_by_user_id', job.user_id::text, 'edit_at', 'statement_timestamp()');
    IF mode = 'legal_relationship' THEN
        joins := joins || 'LEFT JOIN pg_temp.import_link AS k ON k.row_id = s.row_id'::text;
        parsed := parsed || 'k.influencing_id, k.influenced_id'::text;
        typed := typed || '{"influencing_id": "t.influencing_id", "influenced_id": "t.influenced_id"}';
    END IF;
    FOR c IN SELECT p.column_name, p.external_ident_type_id FROM import.plan_column(job.snapshot) AS p
             WHERE p.external_ident_type_id IS NOT NULL AND p.purpose = 'internal' AND p.column_name LIKE '%\_path' LOOP
        raw := format('SELECT i.value FROM pg_temp.import_ident AS i WHERE i.row_id = t.row_id AND i.type_id = %s AND i.role = %s',
            c.external_ident_type_id, CASE WHEN c.column_name LIKE 'legal\_unit\_%' AND mode = 'establishment_formal' THEN 1 ELSE 0 END);
        typed := typed || jsonb_build_object(c.column_name, format('text2ltree((%s))', raw));
    END LOOP;

    -- The statement.
    SELECT string_agg(format('%I', x), ', ') INTO raw_columns FROM unnest(has) AS x;
    SELECT string_agg(format('%I', p.column_name), ', ' ORDER BY p.place),
           string_agg(format('(%s)::%s AS %I', typed ->> p.column_name, p.column_type, 'v_' || p.column_name), ', ' ORDER BY p.place) AS expressions,
           string_agg(format('j.%I', 'v_' || p.column_name), ', ' ORDER BY p.place)
    INTO target, expressions, value
    FROM (SELECT DISTINCT ON (p.column_name) p.* FROM import.plan_column(job.snapshot) AS p
          WHERE p.purpose IN ('internal', 'pk_id') AND typed ? p.column_name ORDER BY p.column_name, p.place) AS p;

    PERFORM import.drop_temporary('import_bad', 'import_noted');
    CREATE TEMPORARY TABLE import_bad (row_id bigint NOT NULL, source_line bigint NOT NULL, findings jsonb NOT NULL);
    CREATE TEMPORARY TABLE import_noted AS
    SELECT n.row_id,
           coalesce(array_agg(n.finding ORDER BY n.finding ->> 'column', n.finding ->> 'code') FILTER (WHERE n.severity = 'error'), '{}') AS errors,
           coalesce(array_agg(n.finding ORDER BY n.finding ->> 'column', n.finding ->> 'code') FILTER (WHERE n.severity = 'warning'), '{}') AS warnings,
           coalesce(array_agg(n.finding ORDER BY n.finding ->> 'column', n.finding ->> 'code') FILTER (WHERE n.severity = 'info'), '{}') AS infos
    FROM pg_temp.import_note AS n
    GROUP BY n.row_id;
    ANALYZE pg_temp.import_noted;

    EXECUTE format($sql$
        WITH judged AS MATERIALIZED (
            SELECT j.*, cardinality(j.errors) > 0 AS is_error
            FROM (SELECT t.row_id, t.source_line, %1$s, t.founding_row_id, t.is_new, t.is_skipped, t.batch_seq, %2$s,
                         coalesce(t.noted_errors, '{}') || CASE WHEN t.is_skipped THEN '{}' ELSE array_remove(ARRAY[%3$s]::jsonb[], NULL) END AS errors,
                         coalesce(t.noted_warnings, '{}') || CASE WHEN t.is_skipped THEN '{}' ELSE array_remove(ARRAY[%4$s]::jsonb[], NULL) END AS warnings,
                         coalesce(t.noted_infos, '{}') || CASE WHEN t.is_skipped THEN '{}' ELSE array_remove(ARRAY[%5$s]::jsonb[], NULL) END AS infos
                  FROM (SELECT s.*, r.founding_row_id, r.legal_unit_id, r.establishment_id, r.link_legal_unit_id, r.relationship_id, r.is_new, r.is_covered,
                               r.is_skipped, r.is_refused, r.batch_seq, r.valid_from, r.valid_to, r.valid_until,
                               n.errors AS noted_errors, n.warnings AS noted_warnings, n.infos AS noted_infos%6$s
                        FROM pg_temp.import_source AS s
                        JOIN pg_temp.import_row AS r ON r.row_id = s.row_id
                        LEFT JOIN pg_temp.import_noted AS n ON n.row_id = s.row_id
                        %7$s
                        OFFSET 0) AS t
                  OFFSET 0) AS j),
        bad AS (
            INSERT INTO pg_temp.import_bad (row_id, source_line, findings)
            SELECT j.row_id, j.source_line, to_jsonb(j.errors || j.warnings || j.infos)
            FROM judged AS j
            WHERE cardinality(j.errors) + cardinality(j.warnings) + cardinality(j.infos) > 0)
        INSERT INTO import.%8$I (row_id, source_line, %9$s, %10$s, founding_row_id, operation, action, state, batch_seq, errors, warnings)
        SELECT j.row_id, j.source_line, %9$s, %11$s, j.founding_row_id,
               (CASE WHEN j.is_new THEN 'insert' ELSE %12$L END)::import.row_operation,
               (CASE WHEN j.is_error OR j.is_skipped THEN 'skip' ELSE 'use' END)::import.row_action,
               (CASE WHEN j.is_error THEN 'error' ELSE 'analysed' END)::import.data_state,
               CASE WHEN NOT j.is_error AND NOT j.is_skipped THEN j.batch_seq END,
               CASE WHEN j.is_error THEN import.findings_by_column(j.errors, false) ELSE '{}' END,
               CASE WHEN cardinality(j.warnings) > 0 THEN import.findings_by_column(j.warnings, true) ELSE '{}' END
        FROM judged AS j
        ORDER BY j.row_id$sql$,
        (SELECT string_agg(format('t.%I', x), ', ') FROM unnest(has) AS x),
        expressions,
        coalesce(nullif(array_to_string(errors, ', '), ''), 'NULL'),
        coalesce(nullif(array_to_string(warnings, ', '), ''), 'NULL'),
        coalesce(nullif(array_to_string(infos, ', '), ''), 'NULL'),
        coalesce(', ' || nullif(array_to_string(parsed, ', '), ''), ''),
        array_to_string(joins, ' '),
        job.data_table_name, raw_columns, target, value,
        CASE WHEN strategy IN ('insert_or_update', 'update_only') THEN 'update' ELSE 'replace' END);
END
$analyse_cells$;
COMMENT ON FUNCTION import.analyse_cells(integer) IS 'Third stage of the analysis: every row of the data table, written once';
REVOKE ALL ON FUNCTION import.analyse_cells(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_cells(integer) TO authenticated;

-- Stage 4 -------------------------------------------------------------------------------------------------------------
-- Application of a job: analysed rows become units.
--
-- import.apply_batch(job_id) applies the next batch of whole entities and says how many rows it had; 0: nothing is left.
-- Everything is done by a few statements per batch; time goes through temporal.merge. A row ends as state processed with
-- merge_status {"<table>": "APPLIED" | "SKIPPED_IDENTICAL" | …}, or as state error: it was imported when anything was applied,
-- and unchanged otherwise.
--
-- The checks of the analysis are twins of the constraints. Should one be missing, the batch is halved until the row is
-- found that violates a constraint: it gets the finding "constraint" and the others go in.

CREATE OR REPLACE FUNCTION import.apply_batch(job_id integer)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $apply_batch$
DECLARE
    data_table text;
    unit_table text;
    row_ids bigint[];
BEGIN
    SELECT j.data_table_name INTO data_table FROM import.job AS j WHERE j.id = apply_batch.job_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'import job % does not exist', job_id USING ERRCODE = 'no_data_found';
    END IF;
    EXECUTE format($sql$
        SELECT array_agg(d.row_id ORDER BY d.founding_row_id, d.row_id)
        FROM import.%1$I AS d
        WHERE d.state = 'analysed' AND d.action = 'use'
        AND d.batch_seq = (SELECT min(x.batch_seq) FROM import.%1$I AS x WHERE x.state = 'analysed' AND x.action = 'use')$sql$, data_table)
    INTO row_ids;
    IF row_ids IS NULL THEN
        EXECUTE format($sql$
            UPDATE import.%I AS d SET state = 'processed'
            WHERE d.state = 'analysed' AND d.action = 'skip'$sql$, data_table);
        RETURN 0;
    END IF;
    -- Who may not write the table at all need not find out row by row.
    SELECT CASE j.definition_snapshot #>> '{import_definition,mode}'
               WHEN 'legal_unit' THEN 'legal_unit' WHEN 'generic_unit' THEN 'stat_for_unit' WHEN 'legal_relationship' THEN 'legal_relationship'
               ELSE 'establishment' END
    INTO unit_table FROM import.job AS j WHERE j.id = apply_batch.job_id;
    IF has_table_privilege('register.' || unit_table, 'INSERT') AND has_table_privilege('register.' || unit_table, 'UPDATE') THEN
        PERFORM import.apply_isolated(job_id, row_ids);
    ELSE
        PERFORM import.refuse_rows(job_id, row_ids, jsonb_build_object('code', 'not_permitted', 'severity', 'error',
            'details', jsonb_build_object('table', unit_table)));
    END IF;
    RETURN cardinality(row_ids);
END
$apply_batch$;
COMMENT ON FUNCTION import.apply_batch(integer) IS 'Applies the next batch of an analysed job; the number of its rows, 0 when none is left';
REVOKE ALL ON FUNCTION import.apply_batch(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_batch(integer) TO authenticated;

-- Applies rows, given in the order of their entities; on a violation halves them, down to the row at fault.
CREATE OR REPLACE FUNCTION import.apply_isolated(job_id integer, row_ids bigint[], is_part boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $apply_isolated$
DECLARE
    middle integer := cardinality(row_ids) / 2;
    message text;
    detail text;
    state text;
    constraint_name text;
    table_name text;
    column_name text;
    finding jsonb;
BEGIN
    BEGIN
        PERFORM import.apply_rows(job_id, row_ids, is_part);
        RETURN;
    -- What a trigger of the installation refuses comes as raise_exception, a value too long for an index as program_limit_exceeded.
    EXCEPTION WHEN integrity_constraint_violation OR data_exception OR insufficient_privilege OR with_check_option_violation
        OR raise_exception OR program_limit_exceeded THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, state = RETURNED_SQLSTATE,
            constraint_name = CONSTRAINT_NAME, table_name = TABLE_NAME, column_name = COLUMN_NAME;
    END;
    IF middle > 0 THEN
        PERFORM import.apply_isolated(job_id, row_ids[:middle], true);
        PERFORM import.apply_isolated(job_id, row_ids[middle + 1:], true);
        RETURN;
    END IF;

    finding := jsonb_strip_nulls(jsonb_build_object(
        'code', CASE WHEN state IN ('42501', '44000') THEN 'not_permitted' ELSE 'constraint' END, 'severity', 'error',
        'details', jsonb_build_object('name', coalesce(nullif(constraint_name, ''), nullif(column_name, ''), state), 'table', nullif(table_name, ''),
                                      'sqlstate', state, 'message', message, 'detail', nullif(detail, ''))));
    PERFORM import.refuse_rows(job_id, row_ids, finding);
END
$apply_isolated$;
COMMENT ON FUNCTION import.apply_isolated(integer, bigint[], boolean) IS 'Applies rows of a job so that a row that violates a constraint fails alone';
REVOKE ALL ON FUNCTION import.apply_isolated(integer, bigint[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_isolated(integer, bigint[], boolean) TO authenticated;

-- Rows that the register does not take after all.
CREATE OR REPLACE FUNCTION import.refuse_rows(job_id integer, row_ids bigint[], finding jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $refuse_rows$
DECLARE
    data_table text;
    refused bigint[];
    source_lines bigint[];
BEGIN
    SELECT j.data_table_name INTO STRICT data_table FROM import.job AS j WHERE j.id = refuse_rows.job_id;
    EXECUTE format($sql$
        WITH refused AS (
            UPDATE import.%I AS d SET state = 'error', action = 'skip', batch_seq = NULL, errors = d.errors || jsonb_build_object('row', $1 -> 'code')
            WHERE d.row_id = ANY ($2)
            RETURNING d.row_id, d.source_line)
        SELECT array_agg(r.row_id ORDER BY r.row_id), array_agg(r.source_line ORDER BY r.row_id) FROM refused AS r$sql$, data_table)
    INTO refused, source_lines USING finding, row_ids;
    PERFORM import.store_findings(job_id, refused, source_lines, array_fill(jsonb_build_array(finding), ARRAY[cardinality(refused)]));
END
$refuse_rows$;
COMMENT ON FUNCTION import.refuse_rows(integer, bigint[], jsonb) IS 'Gives rows of a job an error that came up while they were applied';
REVOKE ALL ON FUNCTION import.refuse_rows(integer, bigint[], jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.refuse_rows(integer, bigint[], jsonb) TO authenticated;

-- Applies rows of a job, all or none. is_part: other rows of their entities may have been applied before them.
CREATE OR REPLACE FUNCTION import.apply_rows(job_id integer, row_ids bigint[], is_part boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_rows$
DECLARE
    job record;
    mode text;
    refused record;
BEGIN
    SELECT j.data_table_name, j.definition_snapshot AS snapshot INTO STRICT job FROM import.job AS j WHERE j.id = apply_rows.job_id;
    mode := job.snapshot #>> '{import_definition,mode}';

    PERFORM import.drop_temporary('import_apply', 'import_piece', 'import_span', 'import_result');
    EXECUTE format('CREATE TEMPORARY TABLE import_apply AS
        SELECT d.*, %2$s AS unit_type, %3$s AS unit_id, false AS founds FROM import.%1$I AS d WHERE d.row_id = ANY ($1)',
        job.data_table_name,
        CASE mode WHEN 'legal_unit' THEN quote_literal('legal_unit')
                  WHEN 'generic_unit' THEN 'CASE WHEN d.legal_unit_id IS NOT NULL THEN ''legal_unit'' ELSE ''establishment'' END'
                  WHEN 'legal_relationship' THEN quote_literal('legal_relationship')
                  ELSE quote_literal('establishment') END,
        CASE mode WHEN 'legal_unit' THEN 'd.legal_unit_id'
                  WHEN 'generic_unit' THEN 'coalesce(d.legal_unit_id, d.establishment_id)'
                  WHEN 'legal_relationship' THEN 'd.legal_relationship_id'
                  ELSE 'd.establishment_id' END)
    USING row_ids;
    ANALYZE pg_temp.import_apply;
    -- What was done with a row: per row and table the status of its pieces.
    CREATE TEMPORARY TABLE import_result (row_id bigint NOT NULL, part text NOT NULL, status text NOT NULL, message text);

    IF mode = 'legal_relationship' THEN
        PERFORM import.apply_relationships(job_id);
    ELSE
        IF mode <> 'generic_unit' THEN
            PERFORM import.apply_units(job_id, is_part);
            PERFORM import.apply_identifiers(job_id);
        ELSE
            PERFORM import.apply_generic_spans();
        END IF;
        PERFORM import.apply_parts(job_id);
    END IF;

    SELECT r.part, r.message INTO refused FROM pg_temp.import_result AS r WHERE r.status = 'ERROR' ORDER BY r.row_id, r.part LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '%: %', refused.part, refused.message USING ERRCODE = 'data_exception', TABLE = refused.part;
    END IF;

    EXECUTE format($sql$
        UPDATE import.%I AS d
        SET state = 'processed', merge_status = coalesce(o.parts, '{}')%s
        FROM pg_temp.import_apply AS a
        LEFT JOIN (SELECT r.row_id, jsonb_object_agg(r.part, r.status) AS parts
                   FROM (SELECT x.row_id, x.part, CASE WHEN bool_or(x.status = 'APPLIED') THEN 'APPLIED' ELSE min(x.status) END AS status
                         FROM pg_temp.import_result AS x
                         GROUP BY x.row_id, x.part) AS r
                   GROUP BY r.row_id) AS o ON o.row_id = a.row_id
        WHERE d.row_id = a.row_id$sql$, job.data_table_name,
        CASE mode WHEN 'legal_unit' THEN ', legal_unit_id = a.unit_id, enterprise_id = a.enterprise_id'
                  WHEN 'establishment_formal' THEN ', establishment_id = a.unit_id'
                  WHEN 'establishment_informal' THEN ', establishment_id = a.unit_id, enterprise_id = a.enterprise_id'
                  ELSE '' END);
    PERFORM import.drop_temporary('import_apply', 'import_piece', 'import_span', 'import_result');
END
$apply_rows$;
COMMENT ON FUNCTION import.apply_rows(integer, bigint[], boolean) IS 'Applies rows of a job, all or none';
REVOKE ALL ON FUNCTION import.apply_rows(integer, bigint[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_rows(integer, bigint[], boolean) TO authenticated;

-- How a strategy acts on a unit, and on what hangs on it. A strategy that only touches known units touches them within their
-- life; what hangs on them is brought in there whether it was there before or not.
CREATE OR REPLACE FUNCTION import.merge_mode(strategy text, is_part boolean)
RETURNS temporal.merge_mode
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $merge_mode$
    SELECT (CASE strategy
        WHEN 'insert_or_replace' THEN 'MERGE_ENTITY_REPLACE'
        WHEN 'replace_only' THEN CASE WHEN is_part THEN 'MERGE_ENTITY_REPLACE' ELSE 'REPLACE_FOR_PORTION_OF' END
        WHEN 'update_only' THEN CASE WHEN is_part THEN 'MERGE_ENTITY_PATCH' ELSE 'PATCH_FOR_PORTION_OF' END
        ELSE 'MERGE_ENTITY_PATCH'
    END)::temporal.merge_mode
$merge_mode$;
COMMENT ON FUNCTION import.merge_mode(text, boolean) IS 'The mode of temporal.merge for a strategy';
REVOKE ALL ON FUNCTION import.merge_mode(text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.merge_mode(text, boolean) TO authenticated;

-- Merges pg_temp.<source>, whose source_row_id is the row of the file, and notes the results.
CREATE OR REPLACE FUNCTION import.apply_merge(part text, source text, mode temporal.merge_mode, natural_keys jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_merge$
BEGIN
    EXECUTE format('ANALYZE pg_temp.%I', source);
    EXECUTE format($sql$
        INSERT INTO pg_temp.import_result (row_id, part, status, message)
        SELECT s.source_row_id, $1, m.status::text, m.message
        FROM temporal.merge(target => $2::regclass, source => $3::regclass, identity_columns => '{id}', mode => $4, natural_keys => $5,
                            ephemeral_columns => '{edit_comment,edit_by_user_id,edit_at,import_job_id,import_source_line}') AS m
        JOIN pg_temp.%I AS s ON s.row_id = m.row_id$sql$, source)
    USING part, 'register.' || part, 'pg_temp.' || source, mode, natural_keys;
    PERFORM import.drop_temporary(source);
END
$apply_merge$;
COMMENT ON FUNCTION import.apply_merge(text, text, temporal.merge_mode, jsonb) IS 'Merges a temporary table into a table of units and notes what became of each row';
REVOKE ALL ON FUNCTION import.apply_merge(text, text, temporal.merge_mode, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_merge(text, text, temporal.merge_mode, jsonb) TO authenticated;

-- Units: ids and enterprises of new ones, then the slices.
--
-- The period of a row is cut into pieces: what the unit's slices cover, and what is new time. A piece on a slice keeps what
-- the file does not speak of: enterprise, primary flag, columns that the definition does not map. New time takes them from
-- the slice before it, or after it. Who is primary is decided for new time and for a changed owner only.
CREATE OR REPLACE FUNCTION import.apply_units(job_id integer, is_part boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_units$
DECLARE
    job record;
    mode text;
    strategy text;
    unit_table text;
    owner_column text;
    primary_column text;
    mapped text[];
    carried text := '';
    col record;
    piece_columns text;
BEGIN
    SELECT j.data_table_name, j.definition_snapshot AS snapshot,
           (SELECT s.id FROM register.status AS s WHERE s.assigned_by_default AND s.enabled) AS status_id
    INTO STRICT job FROM import.job AS j WHERE j.id = apply_units.job_id;
    mode := job.snapshot #>> '{import_definition,mode}';
    strategy := job.snapshot #>> '{import_definition,strategy}';
    unit_table := CASE mode WHEN 'legal_unit' THEN 'legal_unit' ELSE 'establishment' END;
    owner_column := CASE mode WHEN 'establishment_formal' THEN 'legal_unit_id' ELSE 'enterprise_id' END;
    primary_column := 'primary_for_' || left(owner_column, -3);
    mapped := ARRAY(SELECT left(p.column_name, -4) FROM import.plan_column(job.snapshot) AS p
                    WHERE p.purpose = 'source_input' AND num_nonnulls(p.source_column_name, p.source_value, p.source_expression) > 0);

    -- Rows of a new unit share the id that one of them gets; a sibling that was applied before may have it already.
    IF is_part THEN
        EXECUTE format($sql$
            UPDATE pg_temp.import_apply AS a SET unit_id = s.unit_id
            FROM (SELECT d.founding_row_id, min(d.%1$I) AS unit_id FROM import.%2$I AS d
                  WHERE d.state = 'processed' AND d.operation = 'insert' AND d.%1$I IS NOT NULL GROUP BY d.founding_row_id) AS s
            WHERE a.unit_id IS NULL AND s.founding_row_id = a.founding_row_id$sql$, unit_table || '_id', job.data_table_name);
    END IF;
    EXECUTE format($sql$
        WITH new AS (
            SELECT n.founding_row_id, n.row_id, nextval(pg_get_serial_sequence('register.%1$s', 'id')) AS unit_id
            FROM (SELECT a.founding_row_id, min(a.row_id) AS row_id FROM pg_temp.import_apply AS a
                  WHERE a.unit_id IS NULL GROUP BY a.founding_row_id ORDER BY a.founding_row_id) AS n)
        UPDATE pg_temp.import_apply AS a SET unit_id = n.unit_id, founds = a.row_id = n.row_id
        FROM new AS n WHERE n.founding_row_id = a.founding_row_id AND a.unit_id IS NULL$sql$, unit_table);

    -- An enterprise of its own for each new legal unit and each new informal establishment.
    IF mode <> 'establishment_formal' THEN
        UPDATE pg_temp.import_apply AS a SET enterprise_id = n.enterprise_id
        FROM (SELECT x.unit_id, nextval(pg_get_serial_sequence('register.enterprise', 'id')) AS enterprise_id
              FROM (SELECT y.unit_id FROM pg_temp.import_apply AS y WHERE y.founds ORDER BY y.row_id) AS x) AS n
        WHERE n.unit_id = a.unit_id;
        INSERT INTO register.enterprise (id, edit_comment, edit_by_user_id, edit_at, import_job_id, import_source_line)
        OVERRIDING SYSTEM VALUE
        SELECT a.enterprise_id, a.edit_comment, a.edit_by_user_id, a.edit_at, apply_units.job_id, a.source_line
        FROM pg_temp.import_apply AS a
        WHERE a.founds
        ORDER BY a.row_id;
    END IF;

    -- Columns of the unit. What the definition does not map stays as it is.
    FOR col IN
        SELECT a.attname AS name,
               CASE a.attname WHEN 'sector_id' THEN 'sector_code' WHEN 'unit_size_id' THEN 'unit_size_code' WHEN 'legal_form_id' THEN 'legal_form_code' ELSE a.attname END AS source
        FROM pg_attribute AS a
        WHERE a.attrelid = format('register.%I', unit_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        AND a.attname NOT IN ('id', 'valid_from', 'valid_until', 'edit_comment', 'edit_by_user_id', 'edit_at', 'import_job_id', 'import_source_line',
                              'status_id', 'data_source_id', 'enterprise_id', 'legal_unit_id', 'primary_for_enterprise', 'primary_for_legal_unit')
        ORDER BY a.attnum
    LOOP
        carried := carried || CASE WHEN col.source = ANY (mapped) THEN format(', a.%I', col.name)
                                   ELSE format(', s.%I', col.name) END;
    END LOOP;

    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_piece AS
        SELECT row_number() OVER (ORDER BY a.row_id, s.piece_from) AS row_id, a.row_id AS source_row_id, a.unit_id AS id,
               s.piece_from AS valid_from, s.piece_until AS valid_until,
               coalesce(a.status_id, CASE WHEN s.is_covered THEN s.status_id ELSE %5$L::integer END) AS status_id, a.data_source_id,
               %6$s AS %3$I,
               CASE WHEN s.is_covered AND %6$s = s.%3$I THEN s.%4$I END AS %4$I
               %7$s,
               a.edit_comment, a.edit_by_user_id, a.edit_at, $1 AS import_job_id, a.source_line AS import_source_line
        FROM pg_temp.import_apply AS a
        CROSS JOIN LATERAL (
            SELECT greatest(t.valid_from, a.valid_from) AS piece_from, least(t.valid_until, a.valid_until) AS piece_until, true AS is_covered, t.*
            FROM register.%1$I AS t
            WHERE NOT a.founds AND t.id = a.unit_id AND t.valid_from < a.valid_until AND a.valid_from < t.valid_until
            UNION ALL
            SELECT lower(g.gap), upper(g.gap), false, n.*
            FROM (SELECT unnest(datemultirange(daterange(a.valid_from, a.valid_until)) - coalesce(
                      (SELECT range_agg(t.valid_range) FROM register.%1$I AS t WHERE NOT a.founds AND t.id = a.unit_id), '{}'::datemultirange)) AS gap) AS g
            LEFT JOIN LATERAL (
                SELECT t.* FROM register.%1$I AS t
                WHERE NOT a.founds AND t.id = a.unit_id
                ORDER BY t.valid_from < lower(g.gap) DESC, CASE WHEN t.valid_from < lower(g.gap) THEN t.valid_from END DESC, t.valid_from
                LIMIT 1) AS n ON true
            WHERE %2$L) AS s$sql$,
        unit_table, strategy NOT IN ('replace_only', 'update_only'), owner_column, primary_column, job.status_id,
        -- A link given by the file, the own enterprise of a new unit, or what the unit has.
        CASE mode WHEN 'establishment_formal' THEN 'coalesce(a.legal_unit_id, s.legal_unit_id)'
                  ELSE 'coalesce(s.enterprise_id, a.enterprise_id)' END,
        carried)
    USING job_id;
    ANALYZE pg_temp.import_piece;
    -- Of a new unit's rows the later ones take the enterprise of the first; an applied sibling has it in the register.
    IF mode <> 'establishment_formal' THEN
        UPDATE pg_temp.import_apply AS a SET enterprise_id = p.enterprise_id
        FROM (SELECT DISTINCT ON (x.source_row_id) x.source_row_id, x.enterprise_id FROM pg_temp.import_piece AS x ORDER BY x.source_row_id, x.row_id) AS p
        WHERE p.source_row_id = a.row_id AND a.enterprise_id IS NULL;
    END IF;

    -- Primary, at each time: nobody while another unit of the owner is; else the first piece of the owner.
    PERFORM import.drop_temporary('import_turn');
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_turn AS
        SELECT p.row_id AS place, p.%3$I AS owner_id, p.id AS unit_id, '{}'::datemultirange AS mine,
               datemultirange(daterange(p.valid_from, p.valid_until)) - coalesce(
                   (SELECT range_agg(t.valid_range) FROM register.%1$I AS t
                    WHERE t.%3$I = p.%3$I AND t.%2$I AND t.id <> p.id AND t.valid_from < p.valid_until AND p.valid_from < t.valid_until), '{}') AS free
        FROM pg_temp.import_piece AS p
        WHERE p.%2$I IS NULL$sql$, unit_table, primary_column, owner_column);
    PERFORM import.take_turns();
    -- A piece that is primary for a part of its time is cut.
    SELECT string_agg(format('p.%I', c.attname), ', ' ORDER BY c.attnum) INTO piece_columns
    FROM pg_attribute AS c
    WHERE c.attrelid = 'pg_temp.import_piece'::regclass AND c.attnum > 0 AND NOT c.attisdropped
    AND c.attname NOT IN ('row_id', 'valid_from', 'valid_until', primary_column);
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_cut AS
        SELECT row_number() OVER (ORDER BY p.row_id, c.part) AS row_id, lower(c.part) AS valid_from, upper(c.part) AS valid_until,
               coalesce(p.%1$I, c.is_primary) AS %1$I, %2$s
        FROM pg_temp.import_piece AS p
        LEFT JOIN pg_temp.import_turn AS n ON n.place = p.row_id
        CROSS JOIN LATERAL (SELECT true AS is_primary, unnest(n.mine) AS part
                            UNION ALL
                            SELECT false, unnest(datemultirange(daterange(p.valid_from, p.valid_until)) - coalesce(n.mine, '{}'))) AS c$sql$,
        primary_column, piece_columns);
    DROP TABLE pg_temp.import_piece;
    ALTER TABLE pg_temp.import_cut RENAME TO import_piece;
    ANALYZE pg_temp.import_piece;
    -- Where a primary unit leaves its owner.
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_left AS
        SELECT t.%3$I AS owner_id, range_agg(t.valid_range * daterange(p.valid_from, p.valid_until)) AS span, min(p.source_row_id) AS row_id
        FROM pg_temp.import_piece AS p
        JOIN register.%1$I AS t ON t.id = p.id AND t.valid_from < p.valid_until AND p.valid_from < t.valid_until
        WHERE t.%2$I AND t.%3$I <> p.%3$I
        GROUP BY t.%3$I$sql$, unit_table, primary_column, owner_column);

    -- Where what hangs on the unit may be.
    IF strategy IN ('replace_only', 'update_only') THEN
        CREATE TEMPORARY TABLE import_span AS
        SELECT p.source_row_id AS row_id, p.valid_from, p.valid_until FROM pg_temp.import_piece AS p;
    ELSE
        CREATE TEMPORARY TABLE import_span AS
        SELECT a.row_id, a.valid_from, a.valid_until FROM pg_temp.import_apply AS a;
    END IF;
    ANALYZE pg_temp.import_span;
    PERFORM import.apply_merge(unit_table, 'import_piece', import.merge_mode(strategy, false), '[]');
    PERFORM import.apply_heirs(job_id, unit_table, owner_column, primary_column);
END
$apply_units$;
COMMENT ON FUNCTION import.apply_units(integer, boolean) IS 'Applies rows: the units themselves, and enterprises for new ones';
REVOKE ALL ON FUNCTION import.apply_units(integer, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_units(integer, boolean) TO authenticated;

-- Shares out time: pg_temp.import_turn has candidates with the time that is free for them, and gives each what is left of it
-- by those of the same owner before it. Of one unit there may be several candidates; they do not compete.
CREATE OR REPLACE FUNCTION import.take_turns()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $take_turns$
DECLARE
    taken bigint;
BEGIN
    LOOP
        WITH first AS MATERIALIZED (
            SELECT DISTINCT ON (t.owner_id) t.place, t.owner_id, t.unit_id, t.free FROM pg_temp.import_turn AS t
            WHERE NOT isempty(t.free)
            ORDER BY t.owner_id, t.place)
        UPDATE pg_temp.import_turn AS t
        SET mine = CASE WHEN t.place = f.place THEN f.free ELSE t.mine END,
            free = CASE WHEN t.place = f.place THEN '{}' ELSE t.free - f.free END
        FROM first AS f
        WHERE f.owner_id = t.owner_id
        AND (t.place = f.place OR t.unit_id <> f.unit_id AND t.free && f.free);
        GET DIAGNOSTICS taken = ROW_COUNT;
        EXIT WHEN taken = 0;
    END LOOP;
END
$take_turns$;
COMMENT ON FUNCTION import.take_turns() IS 'Applies rows: shares out the time in which one of several units can be primary';
REVOKE ALL ON FUNCTION import.take_turns() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.take_turns() TO authenticated;

-- What a primary unit leaves behind when it goes to another owner falls to the oldest of those that stay.
CREATE OR REPLACE FUNCTION import.apply_heirs(job_id integer, unit_table text, owner_column text, primary_column text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_heirs$
BEGIN
    PERFORM import.drop_temporary('import_turn');
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_turn AS
        SELECT row_number() OVER (ORDER BY t.id, t.valid_from) AS place, t.%3$I AS owner_id, t.id AS unit_id, '{}'::datemultirange AS mine,
               datemultirange(t.valid_range) * (l.span - coalesce(
                   (SELECT range_agg(x.valid_range) FROM register.%1$I AS x WHERE x.%3$I = t.%3$I AND x.%2$I), '{}')) AS free, l.row_id
        FROM pg_temp.import_left AS l
        JOIN register.%1$I AS t ON t.%3$I = l.owner_id AND t.valid_range && l.span$sql$, unit_table, primary_column, owner_column);
    DROP TABLE pg_temp.import_left;
    PERFORM import.take_turns();
    IF EXISTS (SELECT FROM pg_temp.import_turn AS t WHERE NOT isempty(t.mine)) THEN
        EXECUTE format($sql$
            CREATE TEMPORARY TABLE import_heir AS
            SELECT row_number() OVER (ORDER BY h.place, h.part) AS row_id, h.unit_id AS id, lower(h.part) AS valid_from, upper(h.part) AS valid_until, true AS %1$I,
                   'primary in place of a unit that left' AS edit_comment, a.edit_by_user_id, a.edit_at, $1 AS import_job_id, a.source_line AS import_source_line
            FROM (SELECT t.place, t.unit_id, t.row_id, unnest(t.mine) AS part FROM pg_temp.import_turn AS t) AS h
            JOIN pg_temp.import_apply AS a ON a.row_id = h.row_id$sql$, primary_column)
        USING job_id;
        PERFORM temporal.merge(target => ('register.' || unit_table)::regclass, source => 'pg_temp.import_heir', identity_columns => '{id}', mode => 'PATCH_FOR_PORTION_OF',
                               ephemeral_columns => '{edit_comment,edit_by_user_id,edit_at,import_job_id,import_source_line}');
        DROP TABLE pg_temp.import_heir;
    END IF;
    DROP TABLE pg_temp.import_turn;
END
$apply_heirs$;
COMMENT ON FUNCTION import.apply_heirs(integer, text, text, text) IS 'Applies rows: who is primary where a primary unit went to another owner';
REVOKE ALL ON FUNCTION import.apply_heirs(integer, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_heirs(integer, text, text, text) TO authenticated;

-- Rows about known units of either kind: their periods within the lives of the units.
CREATE OR REPLACE FUNCTION import.apply_generic_spans()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $apply_generic_spans$
BEGIN
    CREATE TEMPORARY TABLE import_span AS
    SELECT x.row_id, lower(x.span) AS valid_from, upper(x.span) AS valid_until
    FROM (SELECT a.row_id, unnest(range_agg(t.valid_range) * datemultirange(daterange(a.valid_from, a.valid_until))) AS span
          FROM pg_temp.import_apply AS a
          JOIN (SELECT 'legal_unit' AS unit_type, lu.id, lu.valid_range FROM register.legal_unit AS lu
                UNION ALL
                SELECT 'establishment', es.id, es.valid_range FROM register.establishment AS es) AS t
              ON t.unit_type = a.unit_type AND t.id = a.unit_id
          GROUP BY a.row_id, a.valid_from, a.valid_until) AS x;
END
$apply_generic_spans$;
COMMENT ON FUNCTION import.apply_generic_spans() IS 'Applies rows about known units: cuts their periods to the lives of the units';
REVOKE ALL ON FUNCTION import.apply_generic_spans() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_generic_spans() TO authenticated;

-- Identifiers that the unit does not have yet.
CREATE OR REPLACE FUNCTION import.apply_identifiers(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_identifiers$
DECLARE
    snapshot jsonb;
    owner_column text;
    c record;
BEGIN
    SELECT j.definition_snapshot INTO STRICT snapshot FROM import.job AS j WHERE j.id = apply_identifiers.job_id;
    owner_column := CASE snapshot #>> '{import_definition,mode}' WHEN 'legal_unit' THEN 'legal_unit_id' ELSE 'establishment_id' END;
    FOR c IN
        SELECT t.id AS type_id, t.shape::text AS shape,
               CASE t.shape WHEN 'regular' THEN 'ident' ELSE 'idents' END AS target,
               CASE t.shape WHEN 'regular' THEN t.code || '_raw' ELSE t.code || '_path' END AS column_name
        FROM import.plan_column(snapshot) AS p
        JOIN register.external_ident_type AS t ON t.id = p.external_ident_type_id
        WHERE p.step_code = 'external_idents' AND p.purpose = 'source_input'
        GROUP BY t.id, t.shape, t.code
        ORDER BY t.id
    LOOP
        EXECUTE format($sql$
            WITH given AS (
                SELECT DISTINCT ON (a.unit_id) a.unit_id, a.row_id, a.%3$I AS ident, a.edit_comment, a.edit_by_user_id, a.edit_at, a.source_line
                FROM pg_temp.import_apply AS a
                WHERE a.%3$I IS NOT NULL
                AND NOT EXISTS (SELECT FROM register.external_ident AS e WHERE e.%4$I = a.unit_id AND e.type_id = $1)
                ORDER BY a.unit_id, a.row_id),
            written AS (
                INSERT INTO register.external_ident (type_id, shape, %2$I, %4$I, labels, edit_comment, edit_by_user_id, edit_at, import_job_id, import_source_line)
                SELECT $1, t.shape, g.ident, g.unit_id, t.labels, g.edit_comment, g.edit_by_user_id, g.edit_at, $2, g.source_line
                FROM given AS g
                JOIN register.external_ident_type AS t ON t.id = $1
                ORDER BY g.row_id)
            INSERT INTO pg_temp.import_result (row_id, part, status)
            SELECT g.row_id, 'external_ident', 'APPLIED' FROM given AS g$sql$,
            NULL, c.target, c.column_name, owner_column)
        USING c.type_id, job_id;
    END LOOP;
END
$apply_identifiers$;
COMMENT ON FUNCTION import.apply_identifiers(integer) IS 'Applies rows: the identifiers of their units';
REVOKE ALL ON FUNCTION import.apply_identifiers(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_identifiers(integer) TO authenticated;

-- What hangs on units: locations, activities, contact, statistics, tags. Only rows that say something about a part write it.
CREATE OR REPLACE FUNCTION import.apply_parts(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_parts$
DECLARE
    audit CONSTANT text := 'a.edit_comment, a.edit_by_user_id, a.edit_at, $1 AS import_job_id, a.source_line AS import_source_line';
    snapshot jsonb;
    strategy text;
    part_mode temporal.merge_mode;
    columns_mode temporal.merge_mode;
    has text[];
    mapped text[];
    kind text;
    owner text;
    channels text;
    selects text[];
    stat record;
BEGIN
    SELECT j.definition_snapshot INTO STRICT snapshot FROM import.job AS j WHERE j.id = apply_parts.job_id;
    strategy := snapshot #>> '{import_definition,strategy}';
    part_mode := import.merge_mode(strategy, true);
    -- Of an address or a contact, columns that the definition does not map stay as they are, also where a row replaces.
    columns_mode := CASE part_mode WHEN 'MERGE_ENTITY_REPLACE' THEN 'MERGE_ENTITY_UPSERT' ELSE part_mode END;
    has := ARRAY(SELECT p.column_name FROM import.plan_column(snapshot) AS p);
    mapped := ARRAY(SELECT left(p.column_name, -4) FROM import.plan_column(snapshot) AS p
                    WHERE p.purpose = 'source_input' AND num_nonnulls(p.source_column_name, p.source_value, p.source_expression) > 0);

    FOREACH owner IN ARRAY ARRAY['legal_unit', 'establishment'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_temp.import_apply AS a WHERE a.unit_type = owner);

        FOREACH kind IN ARRAY ARRAY['physical', 'postal'] LOOP
            CONTINUE WHEN NOT kind || '_country_id' = ANY (has);
            PERFORM import.apply_part(job_id, 'location', ARRAY[format($sql$
                SELECT a.row_id AS source_row_id, x.valid_from, x.valid_until, %1$L::register.location_type AS type, a.unit_id AS %2$I%3$s,
                       %4$s AS country_id, a.data_source_id, %5$s
                FROM pg_temp.import_apply AS a JOIN pg_temp.import_span AS x ON x.row_id = a.row_id
                WHERE a.unit_type = %6$L AND a.%7$I IS NOT NULL$sql$,
                kind, owner || '_id',
                (SELECT string_agg(CASE WHEN c.name = 'region_code'
                            THEN format(', a.%1$I AS region_id, (SELECT r.version_id FROM register.region AS r WHERE r.id = a.%1$I) AS region_version_id', kind || '_region_id')
                            ELSE format(', a.%I AS %I', kind || '_' || c.name, c.name) END, '' ORDER BY c.place)
                 FROM unnest('{address_part1,address_part2,address_part3,postcode,postplace,region_code,latitude,longitude,altitude}'::text[]) WITH ORDINALITY AS c (name, place)
                 WHERE kind || '_' || c.name = ANY (mapped) AND NOT (kind = 'postal' AND c.name LIKE '%tude')),
                -- An address without a country is in this one; but patching one that is elsewhere leaves it there, unless it gets a region.
                CASE WHEN part_mode = 'MERGE_ENTITY_PATCH' THEN format($sql$CASE WHEN a.%1$I IS NULL AND a.%5$I IS NULL THEN coalesce(
                        (SELECT l.country_id FROM register.location AS l
                         WHERE l.%2$I = a.unit_id AND l.type = %3$L AND l.valid_from < x.valid_until AND x.valid_from < l.valid_until
                         ORDER BY l.valid_from DESC LIMIT 1), a.%4$I) ELSE a.%4$I END$sql$, kind || '_country_iso_2_raw', owner || '_id', kind, kind || '_country_id', kind || '_region_id')
                     ELSE format('a.%I', kind || '_country_id') END,
                audit, owner, kind || '_country_id')], columns_mode, format('[["%s_id", "type"]]', owner)::jsonb);
            -- Who moves abroad leaves his region.
            PERFORM import.apply_part(job_id, 'location', ARRAY[format($sql$
                SELECT a.row_id AS source_row_id, greatest(l.valid_from, x.valid_from) AS valid_from, least(l.valid_until, x.valid_until) AS valid_until,
                       l.id, NULL::integer AS region_id, NULL::integer AS region_version_id, %1$s
                FROM pg_temp.import_apply AS a
                JOIN pg_temp.import_span AS x ON x.row_id = a.row_id
                JOIN register.location AS l ON l.%2$I = a.unit_id AND l.type = %3$L AND l.valid_from < x.valid_until AND x.valid_from < l.valid_until
                WHERE a.unit_type = %4$L AND a.%5$I IS NOT NULL AND a.%6$I IS NULL
                AND l.region_id IS NOT NULL AND l.country_id <> (SELECT s.country_id FROM register.settings AS s)$sql$,
                audit, owner || '_id', kind, owner, kind || '_country_iso_2_raw', kind || '_region_id')], 'UPDATE_FOR_PORTION_OF', '[]');
        END LOOP;

        selects := '{}';
        FOREACH kind IN ARRAY ARRAY['primary', 'secondary'] LOOP
            CONTINUE WHEN NOT kind || '_activity_category_id' = ANY (has);
            selects := selects || format($sql$
                SELECT a.row_id AS source_row_id, x.valid_from, x.valid_until, %1$L::register.activity_type AS type, a.unit_id AS %2$I,
                       a.%3$I AS category_id, a.data_source_id, %4$s
                FROM pg_temp.import_apply AS a JOIN pg_temp.import_span AS x ON x.row_id = a.row_id
                WHERE a.unit_type = %5$L AND a.%3$I IS NOT NULL$sql$,
                kind, owner || '_id', kind || '_activity_category_id', audit, owner);
        END LOOP;
        PERFORM import.apply_part(job_id, 'activity', selects, part_mode, format('[["%s_id", "type"]]', owner)::jsonb);

        SELECT string_agg(format('a.%I', c.name), ', ') INTO channels
        FROM unnest('{web_address,email_address,phone_number,landline,mobile_number,fax_number}'::text[]) AS c (name)
        WHERE c.name = ANY (mapped);
        IF channels IS NOT NULL THEN
            PERFORM import.apply_part(job_id, 'contact', ARRAY[format($sql$
                SELECT a.row_id AS source_row_id, x.valid_from, x.valid_until, a.unit_id AS %1$I, %2$s, a.data_source_id, %3$s
                FROM pg_temp.import_apply AS a JOIN pg_temp.import_span AS x ON x.row_id = a.row_id
                WHERE a.unit_type = %4$L AND num_nonnulls(%2$s) > 0$sql$,
                owner || '_id', channels, audit, owner)], columns_mode, format('[["%s_id"]]', owner)::jsonb);
        END IF;

        selects := '{}';
        FOR stat IN
            SELECT d.id, d.code, d.type::text AS type
            FROM import.plan_column(snapshot) AS p
            JOIN register.stat_definition AS d ON d.id = p.stat_definition_id AND d.code = p.column_name
            WHERE p.purpose = 'internal'
            ORDER BY d.id
        LOOP
            selects := selects || format($sql$
                SELECT a.row_id AS source_row_id, x.valid_from, x.valid_until, %1$s AS stat_definition_id, a.unit_id AS %2$I,
                       %3$s::integer AS value_int, %4$s::double precision AS value_float, %5$s::varchar AS value_string, %6$s::boolean AS value_bool,
                       a.data_source_id, %7$s
                FROM pg_temp.import_apply AS a JOIN pg_temp.import_span AS x ON x.row_id = a.row_id
                WHERE a.unit_type = %8$L AND a.%9$I IS NOT NULL$sql$,
                stat.id, owner || '_id',
                CASE stat.type WHEN 'int' THEN format('a.%I', stat.code) ELSE 'NULL' END, CASE stat.type WHEN 'float' THEN format('a.%I', stat.code) ELSE 'NULL' END,
                CASE stat.type WHEN 'string' THEN format('a.%I', stat.code) ELSE 'NULL' END, CASE stat.type WHEN 'bool' THEN format('a.%I', stat.code) ELSE 'NULL' END,
                audit, owner, stat.code);
        END LOOP;
        PERFORM import.apply_part(job_id, 'stat_for_unit', selects, part_mode, format('[["%s_id", "stat_definition_id"]]', owner)::jsonb);

        IF 'tag_id' = ANY (has) THEN
            EXECUTE format($sql$
                WITH given AS (
                    SELECT DISTINCT ON (a.unit_id, a.tag_id) a.unit_id, a.tag_id, a.row_id, a.edit_comment, a.edit_by_user_id, a.edit_at, a.source_line
                    FROM pg_temp.import_apply AS a
                    WHERE a.unit_type = %2$L AND a.tag_id IS NOT NULL
                    AND NOT EXISTS (SELECT FROM register.tag_for_unit AS t WHERE t.%1$I = a.unit_id AND t.tag_id = a.tag_id)
                    ORDER BY a.unit_id, a.tag_id, a.row_id),
                written AS (
                    INSERT INTO register.tag_for_unit (tag_id, %1$I, edit_comment, edit_by_user_id, edit_at, import_job_id, import_source_line)
                    SELECT g.tag_id, g.unit_id, g.edit_comment, g.edit_by_user_id, g.edit_at, $1, g.source_line FROM given AS g ORDER BY g.row_id)
                INSERT INTO pg_temp.import_result (row_id, part, status)
                SELECT g.row_id, 'tag_for_unit', 'APPLIED' FROM given AS g$sql$, owner || '_id', owner)
            USING job_id;
        END IF;
    END LOOP;
END
$apply_parts$;
COMMENT ON FUNCTION import.apply_parts(integer) IS 'Applies rows: what hangs on their units';
REVOKE ALL ON FUNCTION import.apply_parts(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_parts(integer) TO authenticated;

-- Merges the union of SELECTs, whose $1 is the job, into one table of parts.
CREATE OR REPLACE FUNCTION import.apply_part(job_id integer, part text, selects text[], mode temporal.merge_mode, natural_keys jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_part$
DECLARE
    filled boolean;
BEGIN
    IF selects = '{}' THEN
        RETURN;
    END IF;
    PERFORM import.drop_temporary('import_part');
    EXECUTE format('CREATE TEMPORARY TABLE import_part AS SELECT row_number() OVER (ORDER BY u.source_row_id, u.valid_from) AS row_id, u.* FROM (%s) AS u',
                   replace(array_to_string(selects, ' UNION ALL '), '$1', job_id::text));
    SELECT EXISTS (SELECT FROM pg_temp.import_part) INTO filled;
    IF filled THEN
        PERFORM import.apply_merge(part, 'import_part', mode, natural_keys);
    END IF;
    PERFORM import.drop_temporary('import_part');
END
$apply_part$;
COMMENT ON FUNCTION import.apply_part(integer, text, text[], temporal.merge_mode, jsonb) IS 'Applies rows: one table of parts of units';
REVOKE ALL ON FUNCTION import.apply_part(integer, text, text[], temporal.merge_mode, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_part(integer, text, text[], temporal.merge_mode, jsonb) TO authenticated;

CREATE OR REPLACE FUNCTION import.apply_relationships(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $apply_relationships$
DECLARE
    strategy text;
BEGIN
    SELECT j.definition_snapshot #>> '{import_definition,strategy}' INTO STRICT strategy
    FROM import.job AS j WHERE j.id = apply_relationships.job_id;
    PERFORM import.drop_temporary('import_part');
    CREATE TEMPORARY TABLE import_part AS
    SELECT row_number() OVER (ORDER BY a.row_id) AS row_id, a.row_id AS source_row_id, a.valid_from, a.valid_until,
           a.influencing_id, a.influenced_id, a.type_id, t.primary_influencer_only, a.percentage,
           a.edit_comment, a.edit_by_user_id, a.edit_at, apply_relationships.job_id AS import_job_id, a.source_line AS import_source_line
    FROM pg_temp.import_apply AS a
    JOIN register.legal_rel_type AS t ON t.id = a.type_id;
    PERFORM import.apply_merge('legal_relationship', 'import_part', import.merge_mode(strategy, false), '[["influencing_id", "influenced_id", "type_id"]]');
END
$apply_relationships$;
COMMENT ON FUNCTION import.apply_relationships(integer) IS 'Applies rows: relationships between legal units';
REVOKE ALL ON FUNCTION import.apply_relationships(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_relationships(integer) TO authenticated;
-- Statistics in derived rows: a unit's own values, and summaries that can be merged.

CREATE OR REPLACE FUNCTION statbus.stats_to_agg(stats jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_generic_plan'   -- also below statbus.sync_units(), which may ask for custom plans
AS $stats_to_agg$
BEGIN
    IF stats = '{}' THEN
        RETURN stats;
    END IF;
    RETURN (
        SELECT jsonb_object_agg(s.key, CASE
            WHEN s.value ->> 'type' IN ('int', 'float') THEN jsonb_build_object(
                'type', (s.value ->> 'type') || '_agg', 'count', 1,
                'sum', s.value -> 'value', 'min', s.value -> 'value', 'max', s.value -> 'value', 'mean', s.value -> 'value')
            ELSE jsonb_build_object(
                'type', (s.value ->> 'type') || '_agg', 'counts', jsonb_build_object(s.value ->> 'value', 1))
            END)
        FROM jsonb_each(stats) AS s);
END
$stats_to_agg$;
COMMENT ON FUNCTION statbus.stats_to_agg(jsonb) IS
    'The statistics of one unit as a summary of one unit: numbers as count, sum, min, max, mean; other values as counts per value';

CREATE OR REPLACE FUNCTION statbus.stats_merge_all(summaries jsonb[])
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_generic_plan'   -- also below statbus.sync_units(), which may ask for custom plans
AS $stats_merge_all$
BEGIN
    IF cardinality(summaries) < 2 THEN
        RETURN coalesce(summaries[1], '{}');
    END IF;
    -- The numbers are numeric: their sum does not depend on the order. int with float is float.
    RETURN (
        SELECT coalesce(jsonb_object_agg(m.code, CASE
            WHEN m.type IN ('int_agg', 'float_agg') THEN jsonb_build_object(
                'type', m.type, 'count', m.count, 'sum', m.sum, 'min', m.min, 'max', m.max, 'mean', trim_scale(m.sum / m.count))
            ELSE jsonb_build_object('type', m.type, 'counts', (
                SELECT jsonb_object_agg(v.value, v.count)
                FROM (SELECT c.key AS value, sum(c.value::numeric) AS count
                      FROM unnest(m.items) AS i (item)
                      CROSS JOIN LATERAL jsonb_each_text(i.item -> 'counts') AS c
                      GROUP BY c.key) AS v))
            END), '{}')
        FROM (SELECT s.key AS code, min(s.value ->> 'type') AS type, array_agg(s.value) AS items,
                     sum((s.value ->> 'count')::numeric) AS count, sum((s.value ->> 'sum')::numeric) AS sum,
                     min((s.value ->> 'min')::numeric) AS min, max((s.value ->> 'max')::numeric) AS max
              FROM unnest(summaries) AS part (summary)
              CROSS JOIN LATERAL jsonb_each(part.summary) AS s
              GROUP BY s.key) AS m);
END
$stats_merge_all$;
COMMENT ON FUNCTION statbus.stats_merge_all(jsonb[]) IS 'The summary of all units that the given summaries stand for';

CREATE OR REPLACE FUNCTION statbus.stats_merge(a jsonb, b jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $stats_merge$
BEGIN
    RETURN CASE WHEN a = '{}' THEN b WHEN b = '{}' THEN a ELSE statbus.stats_merge_all(ARRAY[a, b]) END;
END
$stats_merge$;
COMMENT ON FUNCTION statbus.stats_merge(jsonb, jsonb) IS 'The summary of all units that two summaries stand for';

CREATE OR REPLACE AGGREGATE statbus.stats_merge_agg(summary jsonb) (
    SFUNC = pg_catalog.array_append,
    STYPE = jsonb[],
    INITCOND = '{}',
    FINALFUNC = statbus.stats_merge_all,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE statbus.stats_merge_agg(jsonb) IS 'The summary of all units that the summaries stand for; their order does not matter';

REVOKE ALL ON FUNCTION statbus.stats_to_agg(jsonb), statbus.stats_merge_all(jsonb[]), statbus.stats_merge(jsonb, jsonb),
    statbus.stats_merge_agg(jsonb) FROM PUBLIC;

-- timepoints and timesegments -------------------------------------------------------------------------------------
-- First stages of the derivation (derive.sql): the days on which a unit's picture can change, and the segments between
-- them.

CREATE OR REPLACE FUNCTION statbus.timepoints_of(unit_type text, unit_ids integer[])
RETURNS TABLE (unit_id integer, timepoint date)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $timepoints_of$
#variable_conflict use_column
DECLARE
    kind CONSTANT text := unit_type;
BEGIN
    -- UNION: one day may be a bound of many things.
    IF kind = 'establishment' THEN
        RETURN QUERY
        WITH dirty AS (
            SELECT unnest(unit_ids) AS id
        ), own AS (
            SELECT o.id, o.valid_from, o.valid_until FROM dirty JOIN register.establishment AS o ON o.id = dirty.id
        ), detail (id, valid_from, valid_until) AS (
            SELECT d.establishment_id, d.valid_from, d.valid_until FROM dirty JOIN register.activity AS d ON d.establishment_id = dirty.id
            UNION ALL SELECT d.establishment_id, d.valid_from, d.valid_until FROM dirty JOIN register.location AS d ON d.establishment_id = dirty.id
            UNION ALL SELECT d.establishment_id, d.valid_from, d.valid_until FROM dirty JOIN register.contact AS d ON d.establishment_id = dirty.id
            UNION ALL SELECT d.establishment_id, d.valid_from, d.valid_until FROM dirty JOIN register.stat_for_unit AS d ON d.establishment_id = dirty.id
            UNION ALL SELECT d.establishment_id, d.valid_from, d.valid_until FROM dirty JOIN register.person_for_unit AS d ON d.establishment_id = dirty.id
        ), period AS (
            SELECT o.id, o.valid_from, o.valid_until FROM own AS o
            UNION ALL
            SELECT o.id, greatest(o.valid_from, d.valid_from), least(o.valid_until, d.valid_until)
            FROM own AS o
            JOIN detail AS d ON d.id = o.id AND d.valid_from < o.valid_until AND o.valid_from < d.valid_until
        )
        SELECT p.id, bound.timepoint
        FROM period AS p
        CROSS JOIN LATERAL (VALUES (p.valid_from), (p.valid_until)) AS bound (timepoint)
        GROUP BY 1, 2;
    ELSIF kind = 'legal_unit' THEN
        RETURN QUERY
        WITH dirty AS (
            SELECT unnest(unit_ids) AS id
        ), own AS (
            SELECT o.id, o.valid_from, o.valid_until FROM dirty JOIN register.legal_unit AS o ON o.id = dirty.id
        ), detail (id, valid_from, valid_until) AS (
            SELECT d.legal_unit_id, d.valid_from, d.valid_until FROM dirty JOIN register.activity AS d ON d.legal_unit_id = dirty.id
            UNION ALL SELECT d.legal_unit_id, d.valid_from, d.valid_until FROM dirty JOIN register.location AS d ON d.legal_unit_id = dirty.id
            UNION ALL SELECT d.legal_unit_id, d.valid_from, d.valid_until FROM dirty JOIN register.contact AS d ON d.legal_unit_id = dirty.id
            UNION ALL SELECT d.legal_unit_id, d.valid_from, d.valid_until FROM dirty JOIN register.stat_for_unit AS d ON d.legal_unit_id = dirty.id
            UNION ALL SELECT d.legal_unit_id, d.valid_from, d.valid_until FROM dirty JOIN register.person_for_unit AS d ON d.legal_unit_id = dirty.id
        ), period AS (
            SELECT o.id, o.valid_from, o.valid_until FROM own AS o
            UNION ALL
            SELECT o.id, greatest(o.valid_from, d.valid_from), least(o.valid_until, d.valid_until)
            FROM own AS o
            JOIN detail AS d ON d.id = o.id AND d.valid_from < o.valid_until AND o.valid_from < d.valid_until
        )
        SELECT p.id, bound.timepoint
        FROM period AS p
        CROSS JOIN LATERAL (VALUES (p.valid_from), (p.valid_until)) AS bound (timepoint)
        UNION
        -- What happens in an establishment while it belongs to the unit.
        SELECT e.legal_unit_id, t.timepoint
        FROM dirty
        JOIN register.establishment AS e ON e.legal_unit_id = dirty.id
        JOIN register.timepoints AS t ON t.unit_type = 'establishment' AND t.unit_id = e.id
            AND e.valid_from <= t.timepoint AND t.timepoint <= e.valid_until;
    ELSIF kind = 'enterprise' THEN
        RETURN QUERY
        WITH dirty AS (
            SELECT unnest(unit_ids) AS id
        )
        SELECT l.enterprise_id, t.timepoint
        FROM dirty
        JOIN register.legal_unit AS l ON l.enterprise_id = dirty.id
        JOIN register.timepoints AS t ON t.unit_type = 'legal_unit' AND t.unit_id = l.id
            AND l.valid_from <= t.timepoint AND t.timepoint <= l.valid_until
        UNION
        SELECT e.enterprise_id, t.timepoint
        FROM dirty
        JOIN register.establishment AS e ON e.enterprise_id = dirty.id
        JOIN register.timepoints AS t ON t.unit_type = 'establishment' AND t.unit_id = e.id
            AND e.valid_from <= t.timepoint AND t.timepoint <= e.valid_until;
    ELSIF kind = 'power_group' THEN
        RETURN QUERY
        WITH dirty AS (
            SELECT unnest(unit_ids) AS id
        ), relation AS (
            SELECT r.derived_power_group_id AS id, r.influencing_id, r.influenced_id, r.valid_from, r.valid_until
            FROM dirty
            JOIN register.legal_relationship AS r ON r.derived_power_group_id = dirty.id
        ), period AS (
            SELECT r.id, r.valid_from, r.valid_until FROM relation AS r
            UNION ALL
            SELECT p.power_group_id, p.valid_from, p.valid_until
            FROM dirty
            JOIN register.power_root AS p ON p.power_group_id = dirty.id
        )
        SELECT p.id, bound.timepoint
        FROM period AS p
        CROSS JOIN LATERAL (VALUES (p.valid_from), (p.valid_until)) AS bound (timepoint)
        UNION
        -- What happens in a legal unit while it is a member.
        SELECT r.id, t.timepoint
        FROM relation AS r
        CROSS JOIN LATERAL (VALUES (r.influencing_id), (r.influenced_id)) AS member (legal_unit_id)
        JOIN register.timepoints AS t ON t.unit_type = 'legal_unit' AND t.unit_id = member.legal_unit_id
            AND r.valid_from <= t.timepoint AND t.timepoint <= r.valid_until;
    END IF;
END
$timepoints_of$;
COMMENT ON FUNCTION statbus.timepoints_of(text, integer[]) IS
    'The days on which the pictures of these units may change; those of the units below them are taken from register.timepoints';
REVOKE ALL ON FUNCTION statbus.timepoints_of(text, integer[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.timesegments_of(unit_type text, unit_ids integer[])
RETURNS TABLE (unit_id integer, valid_from date, valid_until date)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $timesegments_of$
#variable_conflict use_column
DECLARE
    kind CONSTANT register.statistical_unit_type := unit_type;
BEGIN
    RETURN QUERY
    WITH step AS (
        SELECT t.unit_id, t.timepoint AS valid_from, lead(t.timepoint) OVER (PARTITION BY t.unit_id ORDER BY t.timepoint) AS valid_until
        FROM unnest(unit_ids) AS dirty (id)
        JOIN register.timepoints AS t ON t.unit_type = kind AND t.unit_id = dirty.id
    )
    SELECT s.unit_id, s.valid_from, s.valid_until
    FROM step AS s
    WHERE s.valid_until IS NOT NULL
    -- The unit exists on the first day, and so on every day of the segment.
    AND CASE kind
        WHEN 'establishment' THEN EXISTS (
            SELECT FROM register.establishment AS e
            WHERE e.id = s.unit_id AND e.valid_from <= s.valid_from AND s.valid_from < e.valid_until)
        WHEN 'legal_unit' THEN EXISTS (
            SELECT FROM register.legal_unit AS l
            WHERE l.id = s.unit_id AND l.valid_from <= s.valid_from AND s.valid_from < l.valid_until)
        WHEN 'enterprise' THEN EXISTS (
            SELECT FROM register.legal_unit AS l
            WHERE l.enterprise_id = s.unit_id AND l.valid_from <= s.valid_from AND s.valid_from < l.valid_until)
            OR EXISTS (
            SELECT FROM register.establishment AS e
            WHERE e.enterprise_id = s.unit_id AND e.valid_from <= s.valid_from AND s.valid_from < e.valid_until)
        WHEN 'power_group' THEN EXISTS (
            SELECT FROM register.legal_relationship AS r
            WHERE r.derived_power_group_id = s.unit_id AND r.valid_from <= s.valid_from AND s.valid_from < r.valid_until)
        END;
END
$timesegments_of$;
COMMENT ON FUNCTION statbus.timesegments_of(text, integer[]) IS
    'From one of register.timepoints to the next, where the unit exists';
REVOKE ALL ON FUNCTION statbus.timesegments_of(text, integer[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.sync_timesegments(unit_type text, unit_ids integer[], is_write boolean)
RETURNS TABLE (unit_id integer, valid_from date, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $sync_timesegments$
#variable_conflict use_column
DECLARE
    kind CONSTANT register.statistical_unit_type := unit_type;
BEGIN
    RETURN QUERY
    WITH fresh AS MATERIALIZED (
        SELECT f.unit_id, f.timepoint FROM statbus.timepoints_of(kind::text, unit_ids) AS f
    ), stored AS MATERIALIZED (
        SELECT t.unit_id, t.timepoint
        FROM unnest(unit_ids) AS dirty (id)
        JOIN register.timepoints AS t ON t.unit_type = kind AND t.unit_id = dirty.id
    ), difference AS MATERIALIZED (
        SELECT coalesce(f.unit_id, s.unit_id) AS unit_id, coalesce(f.timepoint, s.timepoint) AS timepoint, s.unit_id IS NULL AS is_missing
        FROM fresh AS f
        FULL JOIN stored AS s ON s.unit_id = f.unit_id AND s.timepoint = f.timepoint
        WHERE f.unit_id IS NULL OR s.unit_id IS NULL
    ), gone AS (
        DELETE FROM register.timepoints AS t
        USING difference AS d
        WHERE is_write AND NOT d.is_missing AND t.unit_type = kind AND t.unit_id = d.unit_id AND t.timepoint = d.timepoint
    ), added AS (
        INSERT INTO register.timepoints (unit_type, unit_id, timepoint)
        SELECT kind, d.unit_id, d.timepoint FROM difference AS d WHERE is_write AND d.is_missing
    )
    SELECT d.unit_id, d.timepoint, 'timepoint ' || CASE WHEN d.is_missing THEN 'missing' ELSE 'surplus' END
    FROM difference AS d;

    RETURN QUERY
    WITH fresh AS MATERIALIZED (
        SELECT f.unit_id, f.valid_from, f.valid_until FROM statbus.timesegments_of(kind::text, unit_ids) AS f
    ), stored AS MATERIALIZED (
        SELECT s.unit_id, s.valid_from, s.valid_until
        FROM unnest(unit_ids) AS dirty (id)
        JOIN register.timesegments AS s ON s.unit_type = kind AND s.unit_id = dirty.id
    ), difference AS MATERIALIZED (
        SELECT coalesce(f.unit_id, s.unit_id) AS unit_id, coalesce(f.valid_from, s.valid_from) AS valid_from, f.valid_until,
               CASE WHEN s.unit_id IS NULL THEN 'missing' WHEN f.unit_id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
        FROM fresh AS f
        FULL JOIN stored AS s ON s.unit_id = f.unit_id AND s.valid_from = f.valid_from
        WHERE f.valid_until IS DISTINCT FROM s.valid_until
    ), gone AS (
        DELETE FROM register.timesegments AS s
        USING difference AS d
        WHERE is_write AND d.problem = 'surplus' AND s.unit_type = kind AND s.unit_id = d.unit_id AND s.valid_from = d.valid_from
    ), changed AS (
        UPDATE register.timesegments AS s
        SET valid_until = d.valid_until
        FROM difference AS d
        WHERE is_write AND d.problem = 'differs' AND s.unit_type = kind AND s.unit_id = d.unit_id AND s.valid_from = d.valid_from
    ), added AS (
        INSERT INTO register.timesegments (unit_type, unit_id, valid_from, valid_until)
        SELECT kind, d.unit_id, d.valid_from, d.valid_until FROM difference AS d WHERE is_write AND d.problem = 'missing'
    )
    SELECT d.unit_id, d.valid_from, 'timesegment ' || d.problem FROM difference AS d;
END
$sync_timesegments$;
COMMENT ON FUNCTION statbus.sync_timesegments(text, integer[], boolean) IS
    'What is wrong in register.timepoints and timesegments for these units; is_write puts it right';
REVOKE ALL ON FUNCTION statbus.sync_timesegments(text, integer[], boolean) FROM PUBLIC;

-- rows ------------------------------------------------------------------------------------------------------------
-- Third stage of the derivation (derive.sql): what stands in statistical_unit for each segment of a unit, one function for
-- each kind of unit.

CREATE OR REPLACE FUNCTION statbus.sync_establishments(unit_ids integer[], is_write boolean)
RETURNS TABLE (unit_id integer, valid_from date, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $sync_establishments$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH dirty AS (
        SELECT unnest(unit_ids) AS id
    ), segment AS (
        SELECT s.unit_id, s.valid_from, s.valid_until
        FROM dirty
        JOIN register.timesegments AS s ON s.unit_type = 'establishment' AND s.unit_id = dirty.id
    ), statistic AS (
        SELECT s.unit_id, s.valid_from, jsonb_object_agg(d.code, x.stat) AS stats, array_agg(x.data_source_id) AS data_source_ids,
               (array_agg(x.edit_at ORDER BY x.edit_at DESC, x.edit_by_user_id DESC, x.edit_comment DESC NULLS LAST))[1] AS edit_at,
               (array_agg(x.edit_by_user_id ORDER BY x.edit_at DESC, x.edit_by_user_id DESC, x.edit_comment DESC NULLS LAST))[1] AS edit_by_user_id,
               (array_agg(x.edit_comment ORDER BY x.edit_at DESC, x.edit_by_user_id DESC, x.edit_comment DESC NULLS LAST))[1] AS edit_comment
        FROM segment AS s
        JOIN register.stat_for_unit AS x ON x.establishment_id = s.unit_id AND x.valid_from <= s.valid_from AND s.valid_from < x.valid_until
        JOIN register.stat_definition AS d ON d.id = x.stat_definition_id
        GROUP BY s.unit_id, s.valid_from
    ), identified AS (
        SELECT x.establishment_id AS unit_id, jsonb_object_agg(t.code, coalesce(x.ident, ltree2text(x.idents))) AS external_idents
        FROM dirty
        JOIN register.external_ident AS x ON x.establishment_id = dirty.id
        JOIN register.external_ident_type AS t ON t.id = x.type_id
        GROUP BY x.establishment_id
    ), tagged AS (
        SELECT x.establishment_id AS unit_id, array_agg(t.path ORDER BY t.path) AS tag_paths
        FROM dirty
        JOIN register.tag_for_unit AS x ON x.establishment_id = dirty.id
        JOIN register.tag AS t ON t.id = x.tag_id
        GROUP BY x.establishment_id
    ), fresh (
        unit_type, unit_id, valid_from, valid_until, external_idents, name, birth_date, death_date,
        primary_activity_category_id, primary_activity_category_path, primary_activity_category_code,
        secondary_activity_category_id, secondary_activity_category_path, secondary_activity_category_code,
        activity_category_paths, sector_id, sector_path, sector_code, sector_name, data_source_ids, data_source_codes,
        legal_form_id, legal_form_code, legal_form_name, physical_address_part1, physical_address_part2,
        physical_address_part3, physical_postcode, physical_postplace, physical_region_id, physical_region_path,
        physical_region_code, physical_country_id, physical_country_iso_2, physical_latitude, physical_longitude,
        physical_altitude, domestic, postal_address_part1, postal_address_part2, postal_address_part3, postal_postcode,
        postal_postplace, postal_region_id, postal_region_path, postal_region_code, postal_country_id,
        postal_country_iso_2, postal_latitude, postal_longitude, postal_altitude, web_address, email_address,
        phone_number, landline, mobile_number, fax_number, unit_size_id, unit_size_code, status_id, status_code,
        used_for_counting, last_edit_comment, last_edit_by_user_id, last_edit_at, has_legal_unit,
        related_establishment_ids, excluded_establishment_ids, included_establishment_ids, related_legal_unit_ids,
        excluded_legal_unit_ids, included_legal_unit_ids, related_enterprise_ids, excluded_enterprise_ids,
        included_enterprise_ids, stats, stats_summary, tag_paths, establishment_id, legal_unit_id, enterprise_id,
        power_group_id, primary_for_legal_unit, primary_for_enterprise, primary_establishment_id, primary_legal_unit_id
    ) AS MATERIALIZED (
        SELECT
            'establishment'::register.statistical_unit_type, s.unit_id, s.valid_from, s.valid_until,
            coalesce(identified.external_idents, '{}'), own.name, own.birth_date, own.death_date,
            pac.id, pac.path, pac.code, sac.id, sac.path, sac.code, array_remove(ARRAY[pac.path, sac.path], NULL),
            sector.id, sector.path, sector.code, sector.name, source.ids, source.codes,
            NULL::integer, NULL::text, NULL::text,
            physical.address_part1, physical.address_part2, physical.address_part3, physical.postcode,
            physical.postplace, physical.region_id, physical_region.path, physical_region.code, physical.country_id,
            physical_country.iso_2, physical.latitude, physical.longitude, physical.altitude,
            physical.country_id = (SELECT n.country_id FROM register.settings AS n),
            postal.address_part1, postal.address_part2, postal.address_part3, postal.postcode, postal.postplace,
            postal.region_id, postal_region.path, postal_region.code, postal.country_id, postal_country.iso_2,
            postal.latitude, postal.longitude, postal.altitude,
            contact.web_address, contact.email_address, contact.phone_number, contact.landline, contact.mobile_number, contact.fax_number,
            unit_size.id, unit_size.code, status.id, status.code, status.used_for_counting,
            edit.edit_comment, edit.edit_by_user_id, edit.edit_at, own.legal_unit_id IS NOT NULL,
            ARRAY[s.unit_id], CASE WHEN status.used_for_counting THEN '{}' ELSE ARRAY[s.unit_id] END,
            CASE WHEN status.used_for_counting THEN ARRAY[s.unit_id] ELSE '{}' END,
            array_remove(ARRAY[own.legal_unit_id], NULL), '{}'::integer[], '{}'::integer[],
            array_remove(ARRAY[own.enterprise_id], NULL), '{}'::integer[], '{}'::integer[],
            coalesce(statistic.stats, '{}'), statbus.stats_to_agg(coalesce(statistic.stats, '{}')),
            coalesce(tagged.tag_paths, '{}'),
            s.unit_id, own.legal_unit_id, own.enterprise_id, NULL::integer,
            own.primary_for_legal_unit, own.primary_for_enterprise, NULL::integer, NULL::integer
        FROM segment AS s
        JOIN register.establishment AS own ON own.id = s.unit_id AND own.valid_from <= s.valid_from AND s.valid_from < own.valid_until
        JOIN register.status ON status.id = own.status_id
        LEFT JOIN register.unit_size ON unit_size.id = own.unit_size_id
        LEFT JOIN register.sector ON sector.id = own.sector_id
        LEFT JOIN register.activity AS pa ON pa.establishment_id = s.unit_id AND pa.type = 'primary'
            AND pa.valid_from <= s.valid_from AND s.valid_from < pa.valid_until
        LEFT JOIN register.activity_category AS pac ON pac.id = pa.category_id
        LEFT JOIN register.activity AS sa ON sa.establishment_id = s.unit_id AND sa.type = 'secondary'
            AND sa.valid_from <= s.valid_from AND s.valid_from < sa.valid_until
        LEFT JOIN register.activity_category AS sac ON sac.id = sa.category_id
        LEFT JOIN register.location AS physical ON physical.establishment_id = s.unit_id AND physical.type = 'physical'
            AND physical.valid_from <= s.valid_from AND s.valid_from < physical.valid_until
        LEFT JOIN register.region AS physical_region ON physical_region.id = physical.region_id
        LEFT JOIN register.country AS physical_country ON physical_country.id = physical.country_id
        LEFT JOIN register.location AS postal ON postal.establishment_id = s.unit_id AND postal.type = 'postal'
            AND postal.valid_from <= s.valid_from AND s.valid_from < postal.valid_until
        LEFT JOIN register.region AS postal_region ON postal_region.id = postal.region_id
        LEFT JOIN register.country AS postal_country ON postal_country.id = postal.country_id
        LEFT JOIN register.contact AS contact ON contact.establishment_id = s.unit_id
            AND contact.valid_from <= s.valid_from AND s.valid_from < contact.valid_until
        LEFT JOIN statistic ON statistic.unit_id = s.unit_id AND statistic.valid_from = s.valid_from
        LEFT JOIN identified ON identified.unit_id = s.unit_id
        LEFT JOIN tagged ON tagged.unit_id = s.unit_id
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(d.id ORDER BY d.id), '{}') AS ids, coalesce(array_agg(d.code ORDER BY d.id), '{}') AS codes
            FROM register.data_source AS d
            WHERE d.id = ANY (ARRAY[own.data_source_id, pa.data_source_id, sa.data_source_id, physical.data_source_id,
                                    postal.data_source_id, contact.data_source_id] || statistic.data_source_ids)) AS source
        CROSS JOIN LATERAL (
            SELECT e.edit_at, e.edit_by_user_id, e.edit_comment
            FROM (VALUES (own.edit_at, own.edit_by_user_id, own.edit_comment),
                         (pa.edit_at, pa.edit_by_user_id, pa.edit_comment), (sa.edit_at, sa.edit_by_user_id, sa.edit_comment),
                         (physical.edit_at, physical.edit_by_user_id, physical.edit_comment),
                         (postal.edit_at, postal.edit_by_user_id, postal.edit_comment),
                         (contact.edit_at, contact.edit_by_user_id, contact.edit_comment),
                         (statistic.edit_at, statistic.edit_by_user_id, statistic.edit_comment)) AS e (edit_at, edit_by_user_id, edit_comment)
            WHERE e.edit_at IS NOT NULL
            ORDER BY e.edit_at DESC, e.edit_by_user_id DESC, e.edit_comment DESC NULLS LAST
            LIMIT 1) AS edit
    ), stored AS MATERIALIZED (
        SELECT s.unit_id, s.valid_from, s AS row
        FROM dirty
        JOIN register.statistical_unit_stored AS s ON s.unit_type = 'establishment' AND s.unit_id = dirty.id
    ), difference AS MATERIALIZED (
        SELECT coalesce(f.unit_id, s.unit_id) AS unit_id, coalesce(f.valid_from, s.valid_from) AS valid_from,
               CASE WHEN s.unit_id IS NULL THEN 'missing' WHEN f.unit_id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
        FROM fresh AS f
        FULL JOIN stored AS s ON s.unit_id = f.unit_id AND s.valid_from = f.valid_from
        WHERE s.unit_id IS NULL OR f.unit_id IS NULL OR f OPERATOR(pg_catalog.*<>) s.row
    ), gone AS (
        DELETE FROM register.timeline_establishment AS t
        USING difference AS d
        WHERE is_write AND d.problem <> 'missing'
        AND t.unit_type = 'establishment' AND t.unit_id = d.unit_id AND t.valid_from = d.valid_from
        RETURNING t.unit_id
    ), added AS (
        -- By position. The count makes the old version go before the new one comes.
        INSERT INTO register.timeline_establishment
        SELECT f.*
        FROM fresh AS f
        JOIN difference AS d ON d.unit_id = f.unit_id AND d.valid_from = f.valid_from
        WHERE is_write AND d.problem <> 'surplus' AND (SELECT count(*) FROM gone) >= 0
    )
    SELECT d.unit_id, d.valid_from, 'row ' || d.problem FROM difference AS d;
END
$sync_establishments$;
COMMENT ON FUNCTION statbus.sync_establishments(integer[], boolean) IS
    'What is wrong in register.timeline_establishment for these units; is_write puts it right';
REVOKE ALL ON FUNCTION statbus.sync_establishments(integer[], boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.sync_legal_units(unit_ids integer[], is_write boolean)
RETURNS TABLE (unit_id integer, valid_from date, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $sync_legal_units$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH dirty AS (
        SELECT unnest(unit_ids) AS id
    ), segment AS (
        SELECT s.unit_id, s.valid_from, s.valid_until
        FROM dirty
        JOIN register.timesegments AS s ON s.unit_type = 'legal_unit' AND s.unit_id = dirty.id
    ), statistic AS (
        SELECT s.unit_id, s.valid_from, jsonb_object_agg(d.code, x.stat) AS stats, array_agg(x.data_source_id) AS data_source_ids,
               (array_agg(x.edit_at ORDER BY x.edit_at DESC, x.edit_by_user_id DESC, x.edit_comment DESC NULLS LAST))[1] AS edit_at,
               (array_agg(x.edit_by_user_id ORDER BY x.edit_at DESC, x.edit_by_user_id DESC, x.edit_comment DESC NULLS LAST))[1] AS edit_by_user_id,
               (array_agg(x.edit_comment ORDER BY x.edit_at DESC, x.edit_by_user_id DESC, x.edit_comment DESC NULLS LAST))[1] AS edit_comment
        FROM segment AS s
        JOIN register.stat_for_unit AS x ON x.legal_unit_id = s.unit_id AND x.valid_from <= s.valid_from AND s.valid_from < x.valid_until
        JOIN register.stat_definition AS d ON d.id = x.stat_definition_id
        GROUP BY s.unit_id, s.valid_from
    ), member AS (
        SELECT s.unit_id, s.valid_from, c.unit_id AS id, c.used_for_counting AS counts, e.primary_for_legal_unit AS is_primary,
               c.stats_summary, c.data_source_ids
        FROM segment AS s
        JOIN register.establishment AS e ON e.legal_unit_id = s.unit_id AND e.valid_from <= s.valid_from AND s.valid_from < e.valid_until
        JOIN register.timeline_establishment AS c ON c.unit_type = 'establishment' AND c.unit_id = e.id
            AND c.valid_from <= s.valid_from AND s.valid_from < c.valid_until
    ), below AS (
        SELECT m.unit_id, m.valid_from, array_agg(m.id ORDER BY m.id) AS ids,
               array_agg(m.id ORDER BY m.id) FILTER (WHERE m.counts) AS included_ids,
               array_agg(m.id ORDER BY m.id) FILTER (WHERE NOT m.counts) AS excluded_ids,
               statbus.stats_merge_agg(m.stats_summary) FILTER (WHERE m.counts) AS stats_summary,
               min(m.id) FILTER (WHERE m.is_primary) AS primary_id
        FROM member AS m
        GROUP BY m.unit_id, m.valid_from
    ), below_source AS (
        SELECT m.unit_id, m.valid_from, array_agg(DISTINCT d.id) AS ids
        FROM member AS m
        CROSS JOIN LATERAL unnest(m.data_source_ids) AS d (id)
        GROUP BY m.unit_id, m.valid_from
    ), identified AS (
        SELECT x.legal_unit_id AS unit_id, jsonb_object_agg(t.code, coalesce(x.ident, ltree2text(x.idents))) AS external_idents
        FROM dirty
        JOIN register.external_ident AS x ON x.legal_unit_id = dirty.id
        JOIN register.external_ident_type AS t ON t.id = x.type_id
        GROUP BY x.legal_unit_id
    ), tagged AS (
        SELECT x.legal_unit_id AS unit_id, array_agg(t.path ORDER BY t.path) AS tag_paths
        FROM dirty
        JOIN register.tag_for_unit AS x ON x.legal_unit_id = dirty.id
        JOIN register.tag AS t ON t.id = x.tag_id
        GROUP BY x.legal_unit_id
    ), fresh (
        unit_type, unit_id, valid_from, valid_until, external_idents, name, birth_date, death_date,
        primary_activity_category_id, primary_activity_category_path, primary_activity_category_code,
        secondary_activity_category_id, secondary_activity_category_path, secondary_activity_category_code,
        activity_category_paths, sector_id, sector_path, sector_code, sector_name, data_source_ids, data_source_codes,
        legal_form_id, legal_form_code, legal_form_name, physical_address_part1, physical_address_part2,
        physical_address_part3, physical_postcode, physical_postplace, physical_region_id, physical_region_path,
        physical_region_code, physical_country_id, physical_country_iso_2, physical_latitude, physical_longitude,
        physical_altitude, domestic, postal_address_part1, postal_address_part2, postal_address_part3, postal_postcode,
        postal_postplace, postal_region_id, postal_region_path, postal_region_code, postal_country_id,
        postal_country_iso_2, postal_latitude, postal_longitude, postal_altitude, web_address, email_address,
        phone_number, landline, mobile_number, fax_number, unit_size_id, unit_size_code, status_id, status_code,
        used_for_counting, last_edit_comment, last_edit_by_user_id, last_edit_at, has_legal_unit,
        related_establishment_ids, excluded_establishment_ids, included_establishment_ids, related_legal_unit_ids,
        excluded_legal_unit_ids, included_legal_unit_ids, related_enterprise_ids, excluded_enterprise_ids,
        included_enterprise_ids, stats, stats_summary, tag_paths, establishment_id, legal_unit_id, enterprise_id,
        power_group_id, primary_for_legal_unit, primary_for_enterprise, primary_establishment_id, primary_legal_unit_id
    ) AS MATERIALIZED (
        SELECT
            'legal_unit'::register.statistical_unit_type, s.unit_id, s.valid_from, s.valid_until,
            coalesce(identified.external_idents, '{}'), own.name, own.birth_date, own.death_date,
            pac.id, pac.path, pac.code, sac.id, sac.path, sac.code, array_remove(ARRAY[pac.path, sac.path], NULL),
            sector.id, sector.path, sector.code, sector.name, source.ids, source.codes,
            legal_form.id, legal_form.code, legal_form.name,
            physical.address_part1, physical.address_part2, physical.address_part3, physical.postcode,
            physical.postplace, physical.region_id, physical_region.path, physical_region.code, physical.country_id,
            physical_country.iso_2, physical.latitude, physical.longitude, physical.altitude,
            physical.country_id = (SELECT n.country_id FROM register.settings AS n),
            postal.address_part1, postal.address_part2, postal.address_part3, postal.postcode, postal.postplace,
            postal.region_id, postal_region.path, postal_region.code, postal.country_id, postal_country.iso_2,
            postal.latitude, postal.longitude, postal.altitude,
            contact.web_address, contact.email_address, contact.phone_number, contact.landline, contact.mobile_number, contact.fax_number,
            unit_size.id, unit_size.code, status.id, status.code, status.used_for_counting,
            edit.edit_comment, edit.edit_by_user_id, edit.edit_at, true,
            coalesce(below.ids, '{}'),
            CASE WHEN NOT status.used_for_counting THEN coalesce(below.ids, '{}') ELSE coalesce(below.excluded_ids, '{}') END,
            CASE WHEN status.used_for_counting THEN coalesce(below.included_ids, '{}') ELSE '{}' END,
            ARRAY[s.unit_id], CASE WHEN status.used_for_counting THEN '{}' ELSE ARRAY[s.unit_id] END,
            CASE WHEN status.used_for_counting THEN ARRAY[s.unit_id] ELSE '{}' END,
            ARRAY[own.enterprise_id], '{}'::integer[], '{}'::integer[],
            coalesce(statistic.stats, '{}'),
            CASE WHEN status.used_for_counting
                 THEN statbus.stats_merge(statbus.stats_to_agg(coalesce(statistic.stats, '{}')), coalesce(below.stats_summary, '{}'))
                 ELSE '{}' END,
            coalesce(tagged.tag_paths, '{}'),
            NULL::integer, s.unit_id, own.enterprise_id, NULL::integer,
            NULL::boolean, own.primary_for_enterprise, below.primary_id, NULL::integer
        FROM segment AS s
        JOIN register.legal_unit AS own ON own.id = s.unit_id AND own.valid_from <= s.valid_from AND s.valid_from < own.valid_until
        JOIN register.status ON status.id = own.status_id
        LEFT JOIN register.unit_size ON unit_size.id = own.unit_size_id
        LEFT JOIN register.sector ON sector.id = own.sector_id
        LEFT JOIN register.legal_form ON legal_form.id = own.legal_form_id
        LEFT JOIN register.activity AS pa ON pa.legal_unit_id = s.unit_id AND pa.type = 'primary'
            AND pa.valid_from <= s.valid_from AND s.valid_from < pa.valid_until
        LEFT JOIN register.activity_category AS pac ON pac.id = pa.category_id
        LEFT JOIN register.activity AS sa ON sa.legal_unit_id = s.unit_id AND sa.type = 'secondary'
            AND sa.valid_from <= s.valid_from AND s.valid_from < sa.valid_until
        LEFT JOIN register.activity_category AS sac ON sac.id = sa.category_id
        LEFT JOIN register.location AS physical ON physical.legal_unit_id = s.unit_id AND physical.type = 'physical'
            AND physical.valid_from <= s.valid_from AND s.valid_from < physical.valid_until
        LEFT JOIN register.region AS physical_region ON physical_region.id = physical.region_id
        LEFT JOIN register.country AS physical_country ON physical_country.id = physical.country_id
        LEFT JOIN register.location AS postal ON postal.legal_unit_id = s.unit_id AND postal.type = 'postal'
            AND postal.valid_from <= s.valid_from AND s.valid_from < postal.valid_until
        LEFT JOIN register.region AS postal_region ON postal_region.id = postal.region_id
        LEFT JOIN register.country AS postal_country ON postal_country.id = postal.country_id
        LEFT JOIN register.contact AS contact ON contact.legal_unit_id = s.unit_id
            AND contact.valid_from <= s.valid_from AND s.valid_from < contact.valid_until
        LEFT JOIN statistic ON statistic.unit_id = s.unit_id AND statistic.valid_from = s.valid_from
        LEFT JOIN below ON below.unit_id = s.unit_id AND below.valid_from = s.valid_from
        LEFT JOIN below_source ON below_source.unit_id = s.unit_id AND below_source.valid_from = s.valid_from
        LEFT JOIN identified ON identified.unit_id = s.unit_id
        LEFT JOIN tagged ON tagged.unit_id = s.unit_id
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(d.id ORDER BY d.id), '{}') AS ids, coalesce(array_agg(d.code ORDER BY d.id), '{}') AS codes
            FROM register.data_source AS d
            WHERE d.id = ANY (ARRAY[own.data_source_id, pa.data_source_id, sa.data_source_id, physical.data_source_id,
                                    postal.data_source_id, contact.data_source_id] || statistic.data_source_ids || below_source.ids)) AS source
        CROSS JOIN LATERAL (
            SELECT e.edit_at, e.edit_by_user_id, e.edit_comment
            FROM (VALUES (own.edit_at, own.edit_by_user_id, own.edit_comment),
                         (pa.edit_at, pa.edit_by_user_id, pa.edit_comment), (sa.edit_at, sa.edit_by_user_id, sa.edit_comment),
                         (physical.edit_at, physical.edit_by_user_id, physical.edit_comment),
                         (postal.edit_at, postal.edit_by_user_id, postal.edit_comment),
                         (contact.edit_at, contact.edit_by_user_id, contact.edit_comment),
                         (statistic.edit_at, statistic.edit_by_user_id, statistic.edit_comment)) AS e (edit_at, edit_by_user_id, edit_comment)
            WHERE e.edit_at IS NOT NULL
            ORDER BY e.edit_at DESC, e.edit_by_user_id DESC, e.edit_comment DESC NULLS LAST
            LIMIT 1) AS edit
    ), stored AS MATERIALIZED (
        SELECT s.unit_id, s.valid_from, s AS row
        FROM dirty
        JOIN register.statistical_unit_stored AS s ON s.unit_type = 'legal_unit' AND s.unit_id = dirty.id
    ), difference AS MATERIALIZED (
        SELECT coalesce(f.unit_id, s.unit_id) AS unit_id, coalesce(f.valid_from, s.valid_from) AS valid_from,
               CASE WHEN s.unit_id IS NULL THEN 'missing' WHEN f.unit_id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
        FROM fresh AS f
        FULL JOIN stored AS s ON s.unit_id = f.unit_id AND s.valid_from = f.valid_from
        WHERE s.unit_id IS NULL OR f.unit_id IS NULL OR f OPERATOR(pg_catalog.*<>) s.row
    ), gone AS (
        DELETE FROM register.timeline_legal_unit AS t
        USING difference AS d
        WHERE is_write AND d.problem <> 'missing'
        AND t.unit_type = 'legal_unit' AND t.unit_id = d.unit_id AND t.valid_from = d.valid_from
        RETURNING t.unit_id
    ), added AS (
        -- By position. The count makes the old version go before the new one comes.
        INSERT INTO register.timeline_legal_unit
        SELECT f.*
        FROM fresh AS f
        JOIN difference AS d ON d.unit_id = f.unit_id AND d.valid_from = f.valid_from
        WHERE is_write AND d.problem <> 'surplus' AND (SELECT count(*) FROM gone) >= 0
    )
    SELECT d.unit_id, d.valid_from, 'row ' || d.problem FROM difference AS d;
END
$sync_legal_units$;
COMMENT ON FUNCTION statbus.sync_legal_units(integer[], boolean) IS
    'What is wrong in register.timeline_legal_unit for these units; is_write puts it right';
REVOKE ALL ON FUNCTION statbus.sync_legal_units(integer[], boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.sync_enterprises(unit_ids integer[], is_write boolean)
RETURNS TABLE (unit_id integer, valid_from date, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $sync_enterprises$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH dirty AS (
        SELECT unnest(unit_ids) AS id
    ), segment AS (
        SELECT s.unit_id, s.valid_from, s.valid_until
        FROM dirty
        JOIN register.timesegments AS s ON s.unit_type = 'enterprise' AND s.unit_id = dirty.id
    ), member AS (
        SELECT s.unit_id, s.valid_from, true AS is_legal_unit, c.unit_id AS id, c.used_for_counting AS counts,
               l.primary_for_enterprise AS is_primary, c.stats_summary, c.data_source_ids,
               c.related_establishment_ids, c.included_establishment_ids
        FROM segment AS s
        JOIN register.legal_unit AS l ON l.enterprise_id = s.unit_id AND l.valid_from <= s.valid_from AND s.valid_from < l.valid_until
        JOIN register.timeline_legal_unit AS c ON c.unit_type = 'legal_unit' AND c.unit_id = l.id
            AND c.valid_from <= s.valid_from AND s.valid_from < c.valid_until
        UNION ALL
        SELECT s.unit_id, s.valid_from, false, c.unit_id, c.used_for_counting, e.primary_for_enterprise, c.stats_summary, c.data_source_ids,
               c.related_establishment_ids, c.included_establishment_ids
        FROM segment AS s
        JOIN register.establishment AS e ON e.enterprise_id = s.unit_id AND e.valid_from <= s.valid_from AND s.valid_from < e.valid_until
        JOIN register.timeline_establishment AS c ON c.unit_type = 'establishment' AND c.unit_id = e.id
            AND c.valid_from <= s.valid_from AND s.valid_from < c.valid_until
    ), below AS MATERIALIZED (
        SELECT m.unit_id, m.valid_from,
               array_agg(m.id ORDER BY m.id) FILTER (WHERE m.is_legal_unit) AS legal_unit_ids,
               array_agg(m.id ORDER BY m.id) FILTER (WHERE m.is_legal_unit AND m.counts) AS included_legal_unit_ids,
               array_agg(m.id ORDER BY m.id) FILTER (WHERE m.is_legal_unit AND NOT m.counts) AS excluded_legal_unit_ids,
               statbus.stats_merge_agg(m.stats_summary) FILTER (WHERE m.counts) AS stats_summary,
               min(m.id) FILTER (WHERE m.is_legal_unit AND m.is_primary) AS primary_legal_unit_id,
               min(m.id) FILTER (WHERE NOT m.is_legal_unit AND m.is_primary) AS primary_establishment_id
        FROM member AS m
        GROUP BY m.unit_id, m.valid_from
    ), below_establishment AS (
        SELECT m.unit_id, m.valid_from, array_agg(e.id ORDER BY e.id) AS ids,
               array_agg(e.id ORDER BY e.id) FILTER (WHERE e.id = ANY (m.included_establishment_ids)) AS included_ids,
               array_agg(e.id ORDER BY e.id) FILTER (WHERE e.id <> ALL (m.included_establishment_ids)) AS excluded_ids
        FROM member AS m
        CROSS JOIN LATERAL unnest(m.related_establishment_ids) AS e (id)
        GROUP BY m.unit_id, m.valid_from
    ), below_source AS (
        SELECT m.unit_id, m.valid_from, array_agg(DISTINCT d.id) AS ids
        FROM member AS m
        CROSS JOIN LATERAL unnest(m.data_source_ids) AS d (id)
        GROUP BY m.unit_id, m.valid_from
    ), main_unit AS (
        -- The primary legal unit describes the enterprise, else the primary establishment.
        SELECT b.unit_id AS parent_id, b.valid_from AS parent_from, c.*
        FROM below AS b
        JOIN register.statistical_unit_stored AS c ON c.unit_type = 'legal_unit' AND c.unit_id = b.primary_legal_unit_id
            AND c.valid_from <= b.valid_from AND b.valid_from < c.valid_until
        UNION ALL
        SELECT b.unit_id, b.valid_from, c.*
        FROM below AS b
        JOIN register.statistical_unit_stored AS c ON c.unit_type = 'establishment' AND c.unit_id = b.primary_establishment_id
            AND c.valid_from <= b.valid_from AND b.valid_from < c.valid_until
        WHERE b.primary_legal_unit_id IS NULL
    ), identified AS (
        SELECT x.enterprise_id AS unit_id, jsonb_object_agg(t.code, coalesce(x.ident, ltree2text(x.idents))) AS external_idents
        FROM dirty
        JOIN register.external_ident AS x ON x.enterprise_id = dirty.id
        JOIN register.external_ident_type AS t ON t.id = x.type_id
        GROUP BY x.enterprise_id
    ), tagged AS (
        SELECT x.enterprise_id AS unit_id, array_agg(t.path ORDER BY t.path) AS tag_paths
        FROM dirty
        JOIN register.tag_for_unit AS x ON x.enterprise_id = dirty.id
        JOIN register.tag AS t ON t.id = x.tag_id
        GROUP BY x.enterprise_id
    ), fresh (
        unit_type, unit_id, valid_from, valid_until, external_idents, name, birth_date, death_date,
        primary_activity_category_id, primary_activity_category_path, primary_activity_category_code,
        secondary_activity_category_id, secondary_activity_category_path, secondary_activity_category_code,
        activity_category_paths, sector_id, sector_path, sector_code, sector_name, data_source_ids, data_source_codes,
        legal_form_id, legal_form_code, legal_form_name, physical_address_part1, physical_address_part2,
        physical_address_part3, physical_postcode, physical_postplace, physical_region_id, physical_region_path,
        physical_region_code, physical_country_id, physical_country_iso_2, physical_latitude, physical_longitude,
        physical_altitude, domestic, postal_address_part1, postal_address_part2, postal_address_part3, postal_postcode,
        postal_postplace, postal_region_id, postal_region_path, postal_region_code, postal_country_id,
        postal_country_iso_2, postal_latitude, postal_longitude, postal_altitude, web_address, email_address,
        phone_number, landline, mobile_number, fax_number, unit_size_id, unit_size_code, status_id, status_code,
        used_for_counting, last_edit_comment, last_edit_by_user_id, last_edit_at, has_legal_unit,
        related_establishment_ids, excluded_establishment_ids, included_establishment_ids, related_legal_unit_ids,
        excluded_legal_unit_ids, included_legal_unit_ids, related_enterprise_ids, excluded_enterprise_ids,
        included_enterprise_ids, stats, stats_summary, tag_paths, establishment_id, legal_unit_id, enterprise_id,
        power_group_id, primary_for_legal_unit, primary_for_enterprise, primary_establishment_id, primary_legal_unit_id
    ) AS MATERIALIZED (
        SELECT
            'enterprise'::register.statistical_unit_type, s.unit_id, s.valid_from, s.valid_until,
            -- Without identifiers of its own: those of its primary establishment, else of its primary legal unit.
            coalesce(identified.external_idents, nullif(informal.external_idents, '{}'), p.external_idents, '{}'),
            coalesce(own.short_name, p.name),
            p.birth_date, p.death_date, p.primary_activity_category_id, p.primary_activity_category_path,
            p.primary_activity_category_code, p.secondary_activity_category_id, p.secondary_activity_category_path,
            p.secondary_activity_category_code, coalesce(p.activity_category_paths, '{}'), p.sector_id, p.sector_path,
            p.sector_code, p.sector_name, source.ids, source.codes, p.legal_form_id, p.legal_form_code,
            p.legal_form_name,
            p.physical_address_part1, p.physical_address_part2, p.physical_address_part3, p.physical_postcode,
            p.physical_postplace, p.physical_region_id, p.physical_region_path, p.physical_region_code,
            p.physical_country_id, p.physical_country_iso_2, p.physical_latitude, p.physical_longitude,
            p.physical_altitude, p.domestic, p.postal_address_part1, p.postal_address_part2, p.postal_address_part3,
            p.postal_postcode, p.postal_postplace, p.postal_region_id, p.postal_region_path, p.postal_region_code,
            p.postal_country_id, p.postal_country_iso_2, p.postal_latitude, p.postal_longitude, p.postal_altitude,
            p.web_address, p.email_address, p.phone_number, p.landline, p.mobile_number, p.fax_number, p.unit_size_id,
            p.unit_size_code, p.status_id, p.status_code,
            coalesce(p.used_for_counting, false),
            edit.edit_comment, edit.edit_by_user_id, edit.edit_at, b.legal_unit_ids IS NOT NULL,
            coalesce(be.ids, '{}'), coalesce(be.excluded_ids, '{}'), coalesce(be.included_ids, '{}'),
            coalesce(b.legal_unit_ids, '{}'), coalesce(b.excluded_legal_unit_ids, '{}'), coalesce(b.included_legal_unit_ids, '{}'),
            ARRAY[s.unit_id], CASE WHEN p.used_for_counting THEN '{}' ELSE ARRAY[s.unit_id] END,
            CASE WHEN p.used_for_counting THEN ARRAY[s.unit_id] ELSE '{}' END,
            NULL::jsonb, coalesce(b.stats_summary, '{}'), coalesce(tagged.tag_paths, '{}'),
            NULL::integer, NULL::integer, s.unit_id, NULL::integer,
            NULL::boolean, NULL::boolean, b.primary_establishment_id, b.primary_legal_unit_id
        FROM segment AS s
        JOIN register.enterprise AS own ON own.id = s.unit_id
        JOIN below AS b ON b.unit_id = s.unit_id AND b.valid_from = s.valid_from
        LEFT JOIN below_establishment AS be ON be.unit_id = s.unit_id AND be.valid_from = s.valid_from
        LEFT JOIN below_source AS bs ON bs.unit_id = s.unit_id AND bs.valid_from = s.valid_from
        LEFT JOIN main_unit AS p ON p.parent_id = s.unit_id AND p.parent_from = s.valid_from
        LEFT JOIN register.timeline_establishment AS informal ON informal.unit_type = 'establishment'
            AND informal.unit_id = b.primary_establishment_id
            AND informal.valid_from <= s.valid_from AND s.valid_from < informal.valid_until
        LEFT JOIN identified ON identified.unit_id = s.unit_id
        LEFT JOIN tagged ON tagged.unit_id = s.unit_id
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(d.id ORDER BY d.id), '{}') AS ids, coalesce(array_agg(d.code ORDER BY d.id), '{}') AS codes
            FROM register.data_source AS d
            WHERE d.id = ANY (bs.ids)) AS source
        CROSS JOIN LATERAL (
            SELECT e.edit_at, e.edit_by_user_id, e.edit_comment
            FROM (VALUES (own.edit_at, own.edit_by_user_id, own.edit_comment),
                         (p.last_edit_at, p.last_edit_by_user_id, p.last_edit_comment)) AS e (edit_at, edit_by_user_id, edit_comment)
            WHERE e.edit_at IS NOT NULL
            ORDER BY e.edit_at DESC, e.edit_by_user_id DESC, e.edit_comment DESC NULLS LAST
            LIMIT 1) AS edit
    ), stored AS MATERIALIZED (
        SELECT s.unit_id, s.valid_from, s AS row
        FROM dirty
        JOIN register.statistical_unit_stored AS s ON s.unit_type = 'enterprise' AND s.unit_id = dirty.id
    ), difference AS MATERIALIZED (
        SELECT coalesce(f.unit_id, s.unit_id) AS unit_id, coalesce(f.valid_from, s.valid_from) AS valid_from,
               CASE WHEN s.unit_id IS NULL THEN 'missing' WHEN f.unit_id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
        FROM fresh AS f
        FULL JOIN stored AS s ON s.unit_id = f.unit_id AND s.valid_from = f.valid_from
        WHERE s.unit_id IS NULL OR f.unit_id IS NULL OR f OPERATOR(pg_catalog.*<>) s.row
    ), gone AS (
        DELETE FROM register.timeline_enterprise AS t
        USING difference AS d
        WHERE is_write AND d.problem <> 'missing'
        AND t.unit_type = 'enterprise' AND t.unit_id = d.unit_id AND t.valid_from = d.valid_from
        RETURNING t.unit_id
    ), added AS (
        -- By position. The count makes the old version go before the new one comes.
        INSERT INTO register.timeline_enterprise
        SELECT f.*
        FROM fresh AS f
        JOIN difference AS d ON d.unit_id = f.unit_id AND d.valid_from = f.valid_from
        WHERE is_write AND d.problem <> 'surplus' AND (SELECT count(*) FROM gone) >= 0
    )
    SELECT d.unit_id, d.valid_from, 'row ' || d.problem FROM difference AS d;
END
$sync_enterprises$;
COMMENT ON FUNCTION statbus.sync_enterprises(integer[], boolean) IS
    'What is wrong in register.timeline_enterprise for these units; is_write puts it right';
REVOKE ALL ON FUNCTION statbus.sync_enterprises(integer[], boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.sync_power_groups(unit_ids integer[], is_write boolean)
RETURNS TABLE (unit_id integer, valid_from date, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $sync_power_groups$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH dirty AS (
        SELECT unnest(unit_ids) AS id
    ), segment AS (
        SELECT s.unit_id, s.valid_from, s.valid_until
        FROM dirty
        JOIN register.timesegments AS s ON s.unit_type = 'power_group' AND s.unit_id = dirty.id
    ), relation AS MATERIALIZED (
        SELECT s.unit_id, s.valid_from, r.influencing_id, r.influenced_id
        FROM segment AS s
        JOIN register.legal_relationship AS r ON r.derived_power_group_id = s.unit_id
            AND r.valid_from <= s.valid_from AND s.valid_from < r.valid_until
    ), belongs AS (
        -- UNION: a unit may have many relationships in its group.
        SELECT r.unit_id, r.valid_from, r.influencing_id AS id FROM relation AS r
        UNION
        SELECT r.unit_id, r.valid_from, r.influenced_id FROM relation AS r
    ), influenced AS (
        SELECT r.unit_id, r.valid_from, r.influenced_id AS id FROM relation AS r GROUP BY 1, 2, 3
    ), ever_influenced AS (
        SELECT r.derived_power_group_id AS unit_id, r.influenced_id AS id
        FROM dirty
        JOIN register.legal_relationship AS r ON r.derived_power_group_id = dirty.id
        GROUP BY 1, 2
    ), root AS (
        -- What power_root says, else who is influenced by nobody: on these days, or better on no day.
        SELECT DISTINCT ON (m.unit_id, m.valid_from) m.unit_id, m.valid_from, m.id
        FROM belongs AS m
        LEFT JOIN register.power_root AS p ON p.power_group_id = m.unit_id AND p.valid_from <= m.valid_from AND m.valid_from < p.valid_until
        LEFT JOIN influenced AS i ON i.unit_id = m.unit_id AND i.valid_from = m.valid_from AND i.id = m.id
        LEFT JOIN ever_influenced AS ever ON ever.unit_id = m.unit_id AND ever.id = m.id
        ORDER BY m.unit_id, m.valid_from, m.id IS DISTINCT FROM p.root_legal_unit_id, i.id IS NOT NULL, ever.id IS NOT NULL, m.id
    ), member AS (
        SELECT m.unit_id, m.valid_from, c.unit_id AS id, c.used_for_counting AS counts, c.enterprise_id, c.stats_summary, c.data_source_ids,
               c.related_establishment_ids, c.included_establishment_ids
        FROM belongs AS m
        JOIN register.timeline_legal_unit AS c ON c.unit_type = 'legal_unit' AND c.unit_id = m.id
            AND c.valid_from <= m.valid_from AND m.valid_from < c.valid_until
    ), below AS (
        SELECT m.unit_id, m.valid_from, array_agg(m.id ORDER BY m.id) AS legal_unit_ids,
               array_agg(m.id ORDER BY m.id) FILTER (WHERE m.counts) AS included_legal_unit_ids,
               array_agg(m.id ORDER BY m.id) FILTER (WHERE NOT m.counts) AS excluded_legal_unit_ids,
               statbus.stats_merge_agg(m.stats_summary) FILTER (WHERE m.counts) AS stats_summary
        FROM member AS m
        GROUP BY m.unit_id, m.valid_from
    ), below_enterprise AS (
        -- An enterprise is included when one of its members here counts.
        SELECT m.unit_id, m.valid_from, array_agg(m.id ORDER BY m.id) AS ids,
               array_agg(m.id ORDER BY m.id) FILTER (WHERE m.counts) AS included_ids,
               array_agg(m.id ORDER BY m.id) FILTER (WHERE NOT m.counts) AS excluded_ids
        FROM (SELECT m.unit_id, m.valid_from, m.enterprise_id AS id, bool_or(m.counts) AS counts
              FROM member AS m
              GROUP BY m.unit_id, m.valid_from, m.enterprise_id) AS m
        GROUP BY m.unit_id, m.valid_from
    ), below_establishment AS (
        SELECT m.unit_id, m.valid_from, array_agg(e.id ORDER BY e.id) AS ids,
               array_agg(e.id ORDER BY e.id) FILTER (WHERE e.id = ANY (m.included_establishment_ids)) AS included_ids,
               array_agg(e.id ORDER BY e.id) FILTER (WHERE e.id <> ALL (m.included_establishment_ids)) AS excluded_ids
        FROM member AS m
        CROSS JOIN LATERAL unnest(m.related_establishment_ids) AS e (id)
        GROUP BY m.unit_id, m.valid_from
    ), below_source AS (
        SELECT m.unit_id, m.valid_from, array_agg(DISTINCT d.id) AS ids
        FROM member AS m
        CROSS JOIN LATERAL unnest(m.data_source_ids) AS d (id)
        GROUP BY m.unit_id, m.valid_from
    ), identified AS (
        SELECT x.power_group_id AS unit_id, jsonb_object_agg(t.code, coalesce(x.ident, ltree2text(x.idents))) AS external_idents
        FROM dirty
        JOIN register.external_ident AS x ON x.power_group_id = dirty.id
        JOIN register.external_ident_type AS t ON t.id = x.type_id
        GROUP BY x.power_group_id
    ), tagged AS (
        SELECT x.power_group_id AS unit_id, array_agg(t.path ORDER BY t.path) AS tag_paths
        FROM dirty
        JOIN register.tag_for_unit AS x ON x.power_group_id = dirty.id
        JOIN register.tag AS t ON t.id = x.tag_id
        GROUP BY x.power_group_id
    ), fresh (
        unit_type, unit_id, valid_from, valid_until, external_idents, name, birth_date, death_date,
        primary_activity_category_id, primary_activity_category_path, primary_activity_category_code,
        secondary_activity_category_id, secondary_activity_category_path, secondary_activity_category_code,
        activity_category_paths, sector_id, sector_path, sector_code, sector_name, data_source_ids, data_source_codes,
        legal_form_id, legal_form_code, legal_form_name, physical_address_part1, physical_address_part2,
        physical_address_part3, physical_postcode, physical_postplace, physical_region_id, physical_region_path,
        physical_region_code, physical_country_id, physical_country_iso_2, physical_latitude, physical_longitude,
        physical_altitude, domestic, postal_address_part1, postal_address_part2, postal_address_part3, postal_postcode,
        postal_postplace, postal_region_id, postal_region_path, postal_region_code, postal_country_id,
        postal_country_iso_2, postal_latitude, postal_longitude, postal_altitude, web_address, email_address,
        phone_number, landline, mobile_number, fax_number, unit_size_id, unit_size_code, status_id, status_code,
        used_for_counting, last_edit_comment, last_edit_by_user_id, last_edit_at, has_legal_unit,
        related_establishment_ids, excluded_establishment_ids, included_establishment_ids, related_legal_unit_ids,
        excluded_legal_unit_ids, included_legal_unit_ids, related_enterprise_ids, excluded_enterprise_ids,
        included_enterprise_ids, stats, stats_summary, tag_paths, establishment_id, legal_unit_id, enterprise_id,
        power_group_id, primary_for_legal_unit, primary_for_enterprise, primary_establishment_id, primary_legal_unit_id
    ) AS MATERIALIZED (
        SELECT
            'power_group'::register.statistical_unit_type, s.unit_id, s.valid_from, s.valid_until,
            coalesce(identified.external_idents, '{}'), coalesce(own.short_name, own.name, p.name),
            p.birth_date, p.death_date, p.primary_activity_category_id, p.primary_activity_category_path,
            p.primary_activity_category_code, p.secondary_activity_category_id, p.secondary_activity_category_path,
            p.secondary_activity_category_code, coalesce(p.activity_category_paths, '{}'), p.sector_id, p.sector_path,
            p.sector_code, p.sector_name, source.ids, source.codes, p.legal_form_id, p.legal_form_code,
            p.legal_form_name,
            p.physical_address_part1, p.physical_address_part2, p.physical_address_part3, p.physical_postcode,
            p.physical_postplace, p.physical_region_id, p.physical_region_path, p.physical_region_code,
            p.physical_country_id, p.physical_country_iso_2, p.physical_latitude, p.physical_longitude,
            p.physical_altitude, p.domestic, p.postal_address_part1, p.postal_address_part2, p.postal_address_part3,
            p.postal_postcode, p.postal_postplace, p.postal_region_id, p.postal_region_path, p.postal_region_code,
            p.postal_country_id, p.postal_country_iso_2, p.postal_latitude, p.postal_longitude, p.postal_altitude,
            p.web_address, p.email_address, p.phone_number, p.landline, p.mobile_number, p.fax_number, p.unit_size_id,
            p.unit_size_code, p.status_id, p.status_code,
            true,
            edit.edit_comment, edit.edit_by_user_id, edit.edit_at, true,
            coalesce(be.ids, '{}'), coalesce(be.excluded_ids, '{}'), coalesce(be.included_ids, '{}'),
            coalesce(b.legal_unit_ids, '{}'), coalesce(b.excluded_legal_unit_ids, '{}'), coalesce(b.included_legal_unit_ids, '{}'),
            coalesce(bn.ids, '{}'), coalesce(bn.excluded_ids, '{}'), coalesce(bn.included_ids, '{}'),
            NULL::jsonb, coalesce(b.stats_summary, '{}'), coalesce(tagged.tag_paths, '{}'),
            NULL::integer, NULL::integer, NULL::integer, s.unit_id,
            NULL::boolean, NULL::boolean, NULL::integer, p.unit_id
        FROM segment AS s
        JOIN register.power_group AS own ON own.id = s.unit_id
        LEFT JOIN below AS b ON b.unit_id = s.unit_id AND b.valid_from = s.valid_from
        LEFT JOIN below_enterprise AS bn ON bn.unit_id = s.unit_id AND bn.valid_from = s.valid_from
        LEFT JOIN below_establishment AS be ON be.unit_id = s.unit_id AND be.valid_from = s.valid_from
        LEFT JOIN below_source AS bs ON bs.unit_id = s.unit_id AND bs.valid_from = s.valid_from
        LEFT JOIN root ON root.unit_id = s.unit_id AND root.valid_from = s.valid_from
        LEFT JOIN register.timeline_legal_unit AS p ON p.unit_type = 'legal_unit' AND p.unit_id = root.id
            AND p.valid_from <= s.valid_from AND s.valid_from < p.valid_until
        LEFT JOIN identified ON identified.unit_id = s.unit_id
        LEFT JOIN tagged ON tagged.unit_id = s.unit_id
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(d.id ORDER BY d.id), '{}') AS ids, coalesce(array_agg(d.code ORDER BY d.id), '{}') AS codes
            FROM register.data_source AS d
            WHERE d.id = ANY (bs.ids)) AS source
        CROSS JOIN LATERAL (
            SELECT e.edit_at, e.edit_by_user_id, e.edit_comment
            FROM (VALUES (own.edit_at, own.edit_by_user_id, own.edit_comment),
                         (p.last_edit_at, p.last_edit_by_user_id, p.last_edit_comment)) AS e (edit_at, edit_by_user_id, edit_comment)
            WHERE e.edit_at IS NOT NULL
            ORDER BY e.edit_at DESC, e.edit_by_user_id DESC, e.edit_comment DESC NULLS LAST
            LIMIT 1) AS edit
    ), stored AS MATERIALIZED (
        SELECT s.unit_id, s.valid_from, s AS row
        FROM dirty
        JOIN register.statistical_unit_stored AS s ON s.unit_type = 'power_group' AND s.unit_id = dirty.id
    ), difference AS MATERIALIZED (
        SELECT coalesce(f.unit_id, s.unit_id) AS unit_id, coalesce(f.valid_from, s.valid_from) AS valid_from,
               CASE WHEN s.unit_id IS NULL THEN 'missing' WHEN f.unit_id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
        FROM fresh AS f
        FULL JOIN stored AS s ON s.unit_id = f.unit_id AND s.valid_from = f.valid_from
        WHERE s.unit_id IS NULL OR f.unit_id IS NULL OR f OPERATOR(pg_catalog.*<>) s.row
    ), gone AS (
        DELETE FROM register.timeline_power_group AS t
        USING difference AS d
        WHERE is_write AND d.problem <> 'missing'
        AND t.unit_type = 'power_group' AND t.unit_id = d.unit_id AND t.valid_from = d.valid_from
        RETURNING t.unit_id
    ), added AS (
        -- By position. The count makes the old version go before the new one comes.
        INSERT INTO register.timeline_power_group
        SELECT f.*
        FROM fresh AS f
        JOIN difference AS d ON d.unit_id = f.unit_id AND d.valid_from = f.valid_from
        WHERE is_write AND d.problem <> 'surplus' AND (SELECT count(*) FROM gone) >= 0
    )
    SELECT d.unit_id, d.valid_from, 'row ' || d.problem FROM difference AS d;
END
$sync_power_groups$;
COMMENT ON FUNCTION statbus.sync_power_groups(integer[], boolean) IS
    'What is wrong in register.timeline_power_group for these units; is_write puts it right';
REVOKE ALL ON FUNCTION statbus.sync_power_groups(integer[], boolean) FROM PUBLIC;

-- codes in use ----------------------------------------------------------------------------------------------------
-- From the base tables to register.statistical_unit: what a unit's segments are, what stands in a row, who writes it and when.
--
-- The way: base tables → timepoints → timesegments → statistical_unit, each for establishments, then legal units, then
-- enterprises, then power groups. Every stage has one function that says what ought to stand there and compares it with
-- what does; with is_write it also writes the difference. statbus.derive(), rebuild() and verify_derived() are three ways to
-- call these functions. doc/derive.md has the semantics.
--
-- Units are given as arrays of distinct ids. Each statement begins with "dirty", the unnested array, and joins on ids, with
-- the period as an extra condition: the planner then has hash joins for many units and index scans for few.
--
-- The stages are in derive_segments.sql and derive_rows.sql, the summaries in derive_stats.sql; here is who calls them.

CREATE OR REPLACE FUNCTION statbus.sync_used(lists text[], is_write boolean)
RETURNS TABLE (id integer, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $sync_used$
#variable_conflict use_column
BEGIN
    IF 'activity_category' = ANY (lists) THEN
        RETURN QUERY
        WITH RECURSIVE node AS (
            SELECT c.id, c.parent_id
            FROM register.activity_category AS c
            WHERE EXISTS (SELECT FROM register.statistical_unit AS u WHERE u.primary_activity_category_id = c.id)
            UNION
            SELECT c.id, c.parent_id FROM node AS n JOIN register.activity_category AS c ON c.id = n.parent_id
        ), fresh (standard_code, id, path, parent_path, code, label, name, description) AS MATERIALIZED (
            SELECT s.code, c.id, c.path, c.parent_path, c.code, c.label, c.name, c.description
            FROM node AS n
            JOIN register.activity_category AS c ON c.id = n.id
            JOIN register.activity_category_standard AS s ON s.id = c.standard_id
        ), difference AS MATERIALIZED (
            SELECT coalesce(f.id, u.id) AS id, CASE WHEN u.id IS NULL THEN 'missing' WHEN f.id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
            FROM fresh AS f
            FULL JOIN register.activity_category_used AS u ON u.id = f.id
            WHERE u.id IS NULL OR f.id IS NULL
            OR (u.standard_code, u.id, u.path, u.parent_path, u.code, u.label, u.name, u.description) IS DISTINCT FROM (f.standard_code, f.id, f.path, f.parent_path, f.code, f.label, f.name, f.description)
        ), gone AS (
            DELETE FROM register.activity_category_used AS u
            USING difference AS d
            WHERE is_write AND d.problem <> 'missing' AND u.id = d.id
            RETURNING u.id
        ), added AS (
            INSERT INTO register.activity_category_used (standard_code, id, path, parent_path, code, label, name, description)
            SELECT f.standard_code, f.id, f.path, f.parent_path, f.code, f.label, f.name, f.description
            FROM fresh AS f
            JOIN difference AS d ON d.id = f.id
            WHERE is_write AND (SELECT count(*) FROM gone) >= 0
        )
        SELECT d.id, 'activity_category_used row ' || d.problem FROM difference AS d;
    END IF;
    IF 'region' = ANY (lists) THEN
        RETURN QUERY
        WITH RECURSIVE node AS (
            SELECT c.id, c.parent_id
            FROM register.region AS c
            WHERE EXISTS (SELECT FROM register.statistical_unit AS u WHERE u.physical_region_id = c.id)
            UNION
            SELECT c.id, c.parent_id FROM node AS n JOIN register.region AS c ON c.id = n.parent_id
        ), fresh (id, path, level, label, code, name) AS MATERIALIZED (
            SELECT c.id, c.path, c.level, c.label, c.code, c.name
            FROM node AS n
            JOIN register.region AS c ON c.id = n.id
        ), difference AS MATERIALIZED (
            SELECT coalesce(f.id, u.id) AS id, CASE WHEN u.id IS NULL THEN 'missing' WHEN f.id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
            FROM fresh AS f
            FULL JOIN register.region_used AS u ON u.id = f.id
            WHERE u.id IS NULL OR f.id IS NULL
            OR (u.id, u.path, u.level, u.label, u.code, u.name) IS DISTINCT FROM (f.id, f.path, f.level, f.label, f.code, f.name)
        ), gone AS (
            DELETE FROM register.region_used AS u
            USING difference AS d
            WHERE is_write AND d.problem <> 'missing' AND u.id = d.id
            RETURNING u.id
        ), added AS (
            INSERT INTO register.region_used (id, path, level, label, code, name)
            SELECT f.id, f.path, f.level, f.label, f.code, f.name
            FROM fresh AS f
            JOIN difference AS d ON d.id = f.id
            WHERE is_write AND (SELECT count(*) FROM gone) >= 0
        )
        SELECT d.id, 'region_used row ' || d.problem FROM difference AS d;
    END IF;
    IF 'sector' = ANY (lists) THEN
        RETURN QUERY
        WITH RECURSIVE node AS (
            SELECT c.id, c.parent_id
            FROM register.sector AS c
            WHERE EXISTS (SELECT FROM register.statistical_unit AS u WHERE u.sector_id = c.id)
            UNION
            SELECT c.id, c.parent_id FROM node AS n JOIN register.sector AS c ON c.id = n.parent_id
        ), fresh (id, path, label, code, name) AS MATERIALIZED (
            SELECT c.id, c.path, c.label, c.code, c.name
            FROM node AS n
            JOIN register.sector AS c ON c.id = n.id
        ), difference AS MATERIALIZED (
            SELECT coalesce(f.id, u.id) AS id, CASE WHEN u.id IS NULL THEN 'missing' WHEN f.id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
            FROM fresh AS f
            FULL JOIN register.sector_used AS u ON u.id = f.id
            WHERE u.id IS NULL OR f.id IS NULL
            OR (u.id, u.path, u.label, u.code, u.name) IS DISTINCT FROM (f.id, f.path, f.label, f.code, f.name)
        ), gone AS (
            DELETE FROM register.sector_used AS u
            USING difference AS d
            WHERE is_write AND d.problem <> 'missing' AND u.id = d.id
            RETURNING u.id
        ), added AS (
            INSERT INTO register.sector_used (id, path, label, code, name)
            SELECT f.id, f.path, f.label, f.code, f.name
            FROM fresh AS f
            JOIN difference AS d ON d.id = f.id
            WHERE is_write AND (SELECT count(*) FROM gone) >= 0
        )
        SELECT d.id, 'sector_used row ' || d.problem FROM difference AS d;
    END IF;
    IF 'legal_form' = ANY (lists) THEN
        RETURN QUERY
        WITH fresh (id, code, name) AS MATERIALIZED (
            SELECT c.id, c.code, c.name
            FROM register.legal_form AS c
            WHERE EXISTS (SELECT FROM register.statistical_unit AS u WHERE u.legal_form_id = c.id)
        ), difference AS MATERIALIZED (
            SELECT coalesce(f.id, u.id) AS id, CASE WHEN u.id IS NULL THEN 'missing' WHEN f.id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
            FROM fresh AS f
            FULL JOIN register.legal_form_used AS u ON u.id = f.id
            WHERE u.id IS NULL OR f.id IS NULL
            OR (u.id, u.code, u.name) IS DISTINCT FROM (f.id, f.code, f.name)
        ), gone AS (
            DELETE FROM register.legal_form_used AS u
            USING difference AS d
            WHERE is_write AND d.problem <> 'missing' AND u.id = d.id
            RETURNING u.id
        ), added AS (
            INSERT INTO register.legal_form_used (id, code, name)
            SELECT f.id, f.code, f.name
            FROM fresh AS f
            JOIN difference AS d ON d.id = f.id
            WHERE is_write AND (SELECT count(*) FROM gone) >= 0
        )
        SELECT d.id, 'legal_form_used row ' || d.problem FROM difference AS d;
    END IF;
    IF 'country' = ANY (lists) THEN
        RETURN QUERY
        WITH fresh (id, iso_2, name) AS MATERIALIZED (
            SELECT c.id, c.iso_2, c.name
            FROM register.country AS c
            WHERE EXISTS (SELECT FROM register.statistical_unit AS u WHERE u.physical_country_id = c.id)
        ), difference AS MATERIALIZED (
            SELECT coalesce(f.id, u.id) AS id, CASE WHEN u.id IS NULL THEN 'missing' WHEN f.id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
            FROM fresh AS f
            FULL JOIN register.country_used AS u ON u.id = f.id
            WHERE u.id IS NULL OR f.id IS NULL
            OR (u.id, u.iso_2, u.name) IS DISTINCT FROM (f.id, f.iso_2, f.name)
        ), gone AS (
            DELETE FROM register.country_used AS u
            USING difference AS d
            WHERE is_write AND d.problem <> 'missing' AND u.id = d.id
            RETURNING u.id
        ), added AS (
            INSERT INTO register.country_used (id, iso_2, name)
            SELECT f.id, f.iso_2, f.name
            FROM fresh AS f
            JOIN difference AS d ON d.id = f.id
            WHERE is_write AND (SELECT count(*) FROM gone) >= 0
        )
        SELECT d.id, 'country_used row ' || d.problem FROM difference AS d;
    END IF;
    IF 'data_source' = ANY (lists) THEN
        RETURN QUERY
        WITH fresh (id, code, name) AS MATERIALIZED (
            SELECT c.id, c.code, c.name
            FROM register.data_source AS c
            WHERE EXISTS (SELECT FROM register.statistical_unit AS u WHERE c.id = ANY (u.data_source_ids))
        ), difference AS MATERIALIZED (
            SELECT coalesce(f.id, u.id) AS id, CASE WHEN u.id IS NULL THEN 'missing' WHEN f.id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
            FROM fresh AS f
            FULL JOIN register.data_source_used AS u ON u.id = f.id
            WHERE u.id IS NULL OR f.id IS NULL
            OR (u.id, u.code, u.name) IS DISTINCT FROM (f.id, f.code, f.name)
        ), gone AS (
            DELETE FROM register.data_source_used AS u
            USING difference AS d
            WHERE is_write AND d.problem <> 'missing' AND u.id = d.id
            RETURNING u.id
        ), added AS (
            INSERT INTO register.data_source_used (id, code, name)
            SELECT f.id, f.code, f.name
            FROM fresh AS f
            JOIN difference AS d ON d.id = f.id
            WHERE is_write AND (SELECT count(*) FROM gone) >= 0
        )
        SELECT d.id, 'data_source_used row ' || d.problem FROM difference AS d;
    END IF;
END
$sync_used$;
COMMENT ON FUNCTION statbus.sync_used(text[], boolean) IS 'What is wrong in register.<list>_used for these code lists; is_write puts it right';
REVOKE ALL ON FUNCTION statbus.sync_used(text[], boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.sync_units(
    establishment_ids integer[], legal_unit_ids integer[], enterprise_ids integer[], power_group_ids integer[], is_write boolean
)
RETURNS TABLE (unit_type text, unit_id integer, valid_from date, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'auto'
SET enable_nestloop = 'on'
SET work_mem = '64MB'
SET jit = 'off'
AS $sync_units$
#variable_conflict use_column
DECLARE
    is_mass CONSTANT boolean := cardinality(establishment_ids) + cardinality(legal_unit_ids)
        + cardinality(enterprise_ids) + cardinality(power_group_ids) > 1000;
    batch_size CONSTANT integer := CASE WHEN is_mass THEN 20000 ELSE 20 END;
    kind text;
    ids integer[];
    batch integer[];
    position integer;
    grown regclass;
BEGIN
    -- The planner cannot estimate how many slices cover a segment; it guesses too few, and a nested loop over what it
    -- guessed wrong takes time by the square. Few units: batches so small that this does not matter, with plans made once,
    -- which find everything by index. Many: hash joins only, with plans for the real number of units and fresh statistics;
    -- the size of a batch then bounds the memory of a statement.
    PERFORM set_config('plan_cache_mode', CASE WHEN is_mass THEN 'force_custom_plan' ELSE 'force_generic_plan' END, true),
            set_config('enable_nestloop', CASE WHEN is_mass THEN 'off' ELSE 'on' END, true);
    IF is_mass AND is_write THEN
        ANALYZE register.establishment, register.legal_unit, register.activity, register.location, register.contact,
            register.stat_for_unit, register.person_for_unit, register.external_ident, register.tag_for_unit,
            register.legal_relationship;
    ELSIF is_write THEN
        -- A plan that was made when a table was small reads all of it. Statistics of a table that has grown to more than the
        -- double bring new plans; autovacuum would, a minute later.
        FOR grown IN
            SELECT c.oid FROM pg_class AS c
            WHERE c.oid = ANY (ARRAY['register.establishment', 'register.legal_unit', 'register.activity', 'register.location', 'register.contact',
                                     'register.stat_for_unit', 'register.external_ident', 'register.timepoints', 'register.timesegments',
                                     'register.timeline_establishment', 'register.timeline_legal_unit', 'register.timeline_enterprise']::regclass[])
            AND pg_relation_size(c.oid) > (2 * greatest(c.relpages, 0) + 16) * current_setting('block_size')::bigint
        LOOP
            EXECUTE format('ANALYZE %s', grown);
        END LOOP;
    END IF;

    FOREACH kind IN ARRAY ARRAY['establishment', 'legal_unit', 'enterprise', 'power_group'] LOOP
        ids := CASE kind WHEN 'establishment' THEN establishment_ids WHEN 'legal_unit' THEN legal_unit_ids
                         WHEN 'enterprise' THEN enterprise_ids ELSE power_group_ids END;
        CONTINUE WHEN cardinality(ids) = 0;
        FOR position IN 1 .. cardinality(ids) BY batch_size LOOP
            batch := ids[position : position + batch_size - 1];
            RETURN QUERY SELECT kind, s.unit_id, s.valid_from, s.problem FROM statbus.sync_timesegments(kind, batch, is_write) AS s;
        END LOOP;
        IF is_mass AND is_write THEN
            ANALYZE register.timepoints, register.timesegments;
        END IF;
        FOR position IN 1 .. cardinality(ids) BY batch_size LOOP
            batch := ids[position : position + batch_size - 1];
            IF kind = 'establishment' THEN
                RETURN QUERY SELECT kind, s.unit_id, s.valid_from, s.problem FROM statbus.sync_establishments(batch, is_write) AS s;
            ELSIF kind = 'legal_unit' THEN
                RETURN QUERY SELECT kind, s.unit_id, s.valid_from, s.problem FROM statbus.sync_legal_units(batch, is_write) AS s;
            ELSIF kind = 'enterprise' THEN
                RETURN QUERY SELECT kind, s.unit_id, s.valid_from, s.problem FROM statbus.sync_enterprises(batch, is_write) AS s;
            ELSE
                RETURN QUERY SELECT kind, s.unit_id, s.valid_from, s.problem FROM statbus.sync_power_groups(batch, is_write) AS s;
            END IF;
        END LOOP;
        IF is_mass AND is_write THEN
            EXECUTE format('ANALYZE register.%I', 'timeline_' || kind);
        END IF;
    END LOOP;
    IF is_mass AND is_write THEN
        -- Autovacuum never gathers the statistics of a partitioned table as a whole.
        ANALYZE register.statistical_unit;
    END IF;
END
$sync_units$;
COMMENT ON FUNCTION statbus.sync_units(integer[], integer[], integer[], integer[], boolean) IS
    'What is wrong in the segments and rows of exactly these units, given in arrays of distinct ids; is_write puts it right';
REVOKE ALL ON FUNCTION statbus.sync_units(integer[], integer[], integer[], integer[], boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.lock_derived()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $lock_derived$
BEGIN
    -- One lock for all: the second waits, and as each statement at READ COMMITTED has its own snapshot, it then sees what
    -- the first has committed. Locks per enterprise would have to be taken for a set that itself depends on what others are
    -- about to commit (moves, groups), and timesegments_years and *_used are shared anyway. It is the last lock that an
    -- ordinary transaction takes, so that it ends no deadlock.
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'derived data cannot be written at isolation level %', upper(current_setting('transaction_isolation'))
            USING ERRCODE = 'invalid_transaction_state',
                  DETAIL = 'The transaction would not see what others have committed meanwhile.',
                  HINT = 'Use READ COMMITTED, or leave it to a task: changes made at this level are derived by CALL worker.process_tasks().';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('statbus.derive', 0));
END
$lock_derived$;
COMMENT ON FUNCTION statbus.lock_derived() IS 'Makes this transaction the one writer of derived data';
REVOKE ALL ON FUNCTION statbus.lock_derived() FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.sync_years(years integer[], is_write boolean)
RETURNS TABLE (year integer, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $sync_years$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH difference AS MATERIALIZED (
        SELECT y.year, f.is_there AS is_missing
        FROM (SELECT DISTINCT u.year FROM unnest(years) AS u (year)) AS y
        CROSS JOIN LATERAL (
            SELECT EXISTS (SELECT FROM register.timesegments AS s
                           WHERE make_date(y.year, 1, 1) <= s.valid_from AND s.valid_from < make_date(y.year + 1, 1, 1)) AS is_there) AS f
        WHERE f.is_there <> EXISTS (SELECT FROM register.timesegments_years AS t WHERE t.year = y.year)
    ), gone AS (
        DELETE FROM register.timesegments_years AS t USING difference AS d WHERE is_write AND NOT d.is_missing AND t.year = d.year
    ), added AS (
        INSERT INTO register.timesegments_years (year) SELECT d.year FROM difference AS d WHERE is_write AND d.is_missing
    )
    SELECT d.year, 'year ' || CASE WHEN d.is_missing THEN 'missing' ELSE 'surplus' END FROM difference AS d;
END
$sync_years$;
COMMENT ON FUNCTION statbus.sync_years(integer[], boolean) IS 'What is wrong in register.timesegments_years for these years; is_write puts it right';
REVOKE ALL ON FUNCTION statbus.sync_years(integer[], boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.codes_of(
    establishment_ids integer[], legal_unit_ids integer[], enterprise_ids integer[], power_group_ids integer[]
)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $codes_of$
BEGIN
    RETURN (
        WITH unit AS (
            SELECT u.primary_activity_category_id, u.physical_region_id, u.sector_id, u.legal_form_id, u.physical_country_id, u.data_source_ids
            FROM (SELECT unnest(establishment_ids)) AS d (id)
            JOIN register.timeline_establishment AS u ON u.unit_type = 'establishment' AND u.unit_id = d.id
            UNION ALL
            SELECT u.primary_activity_category_id, u.physical_region_id, u.sector_id, u.legal_form_id, u.physical_country_id, u.data_source_ids
            FROM (SELECT unnest(legal_unit_ids)) AS d (id)
            JOIN register.timeline_legal_unit AS u ON u.unit_type = 'legal_unit' AND u.unit_id = d.id
            UNION ALL
            SELECT u.primary_activity_category_id, u.physical_region_id, u.sector_id, u.legal_form_id, u.physical_country_id, u.data_source_ids
            FROM (SELECT unnest(enterprise_ids)) AS d (id)
            JOIN register.timeline_enterprise AS u ON u.unit_type = 'enterprise' AND u.unit_id = d.id
            UNION ALL
            SELECT u.primary_activity_category_id, u.physical_region_id, u.sector_id, u.legal_form_id, u.physical_country_id, u.data_source_ids
            FROM (SELECT unnest(power_group_ids)) AS d (id)
            JOIN register.timeline_power_group AS u ON u.unit_type = 'power_group' AND u.unit_id = d.id
        )
        SELECT jsonb_build_object(
            'activity_category', jsonb_agg(DISTINCT u.primary_activity_category_id),
            'region', jsonb_agg(DISTINCT u.physical_region_id),
            'sector', jsonb_agg(DISTINCT u.sector_id),
            'legal_form', jsonb_agg(DISTINCT u.legal_form_id),
            'country', jsonb_agg(DISTINCT u.physical_country_id),
            'data_source', jsonb_agg(DISTINCT u.data_source_ids))
        FROM unit AS u);
END
$codes_of$;
COMMENT ON FUNCTION statbus.codes_of(integer[], integer[], integer[], integer[]) IS
    'The codes in the rows of these units, per code list: when they are the same before and after, *_used is right';
REVOKE ALL ON FUNCTION statbus.codes_of(integer[], integer[], integer[], integer[]) FROM PUBLIC;

-- DEFINER: writes derived tables, which no role may write
CREATE OR REPLACE FUNCTION statbus.derive_changes(
    establishment_ids integer[], legal_unit_ids integer[], enterprise_ids integer[], power_group_ids integer[], code_lists text[]
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'auto'
SET jit = 'off'
AS $derive_changes$
DECLARE
    all_lists CONSTANT text[] := ARRAY['activity_category', 'region', 'sector', 'legal_form', 'country', 'data_source'];
    establishments integer[];
    legal_units integer[];
    enterprises integer[];
    power_groups integer[];
    is_mass boolean;
    codes_before jsonb;
    codes_after jsonb;
    years integer[];
    lists text[] := coalesce(code_lists, '{}');
BEGIN
    PERFORM statbus.lock_derived();
    PERFORM set_config('plan_cache_mode', CASE WHEN cardinality(establishment_ids) + cardinality(legal_unit_ids) > 20
                                               THEN 'force_custom_plan' ELSE 'force_generic_plan' END, true);

    -- Upwards, to what a unit belongs to on any day, and to what it belonged to when it was last derived.
    establishments := ARRAY(SELECT DISTINCT u.id FROM unnest(establishment_ids) AS u (id) WHERE u.id IS NOT NULL ORDER BY 1);
    legal_units := ARRAY(
        SELECT u.id FROM unnest(legal_unit_ids) AS u (id) WHERE u.id IS NOT NULL
        UNION
        SELECT e.legal_unit_id FROM (SELECT unnest(establishments)) AS d (id)
        JOIN register.establishment AS e ON e.id = d.id WHERE e.legal_unit_id IS NOT NULL
        UNION
        SELECT e.legal_unit_id FROM (SELECT unnest(establishments)) AS d (id)
        JOIN register.timeline_establishment AS e ON e.unit_type = 'establishment' AND e.unit_id = d.id WHERE e.legal_unit_id IS NOT NULL
        ORDER BY 1);
    enterprises := ARRAY(
        SELECT u.id FROM unnest(enterprise_ids) AS u (id) WHERE u.id IS NOT NULL
        UNION
        SELECT e.enterprise_id FROM (SELECT unnest(establishments)) AS d (id)
        JOIN register.establishment AS e ON e.id = d.id WHERE e.enterprise_id IS NOT NULL
        UNION
        SELECT e.enterprise_id FROM (SELECT unnest(establishments)) AS d (id)
        JOIN register.timeline_establishment AS e ON e.unit_type = 'establishment' AND e.unit_id = d.id WHERE e.enterprise_id IS NOT NULL
        UNION
        SELECT l.enterprise_id FROM (SELECT unnest(legal_units)) AS d (id)
        JOIN register.legal_unit AS l ON l.id = d.id
        UNION
        SELECT l.enterprise_id FROM (SELECT unnest(legal_units)) AS d (id)
        JOIN register.timeline_legal_unit AS l ON l.unit_type = 'legal_unit' AND l.unit_id = d.id
        ORDER BY 1);
    power_groups := ARRAY(
        SELECT u.id FROM unnest(power_group_ids) AS u (id) WHERE u.id IS NOT NULL
        UNION
        SELECT r.derived_power_group_id FROM (SELECT unnest(legal_units)) AS d (id)
        JOIN register.legal_relationship AS r ON r.influencing_id = d.id WHERE r.derived_power_group_id IS NOT NULL
        UNION
        SELECT r.derived_power_group_id FROM (SELECT unnest(legal_units)) AS d (id)
        JOIN register.legal_relationship AS r ON r.influenced_id = d.id WHERE r.derived_power_group_id IS NOT NULL
        ORDER BY 1);

    is_mass := cardinality(establishments) + cardinality(legal_units) + cardinality(enterprises) + cardinality(power_groups) > 1000;
    IF NOT is_mass THEN
        codes_before := statbus.codes_of(establishments, legal_units, enterprises, power_groups);
    END IF;
    years := ARRAY(
        SELECT DISTINCT extract(year FROM s.valid_from)::integer
        FROM statbus.sync_units(establishments, legal_units, enterprises, power_groups, true) AS s
        WHERE s.problem IN ('timesegment missing', 'timesegment surplus'));
    IF cardinality(years) > 0 THEN
        PERFORM statbus.sync_years(years, true);
    END IF;
    IF is_mass THEN
        lists := all_lists;
    ELSE
        codes_after := statbus.codes_of(establishments, legal_units, enterprises, power_groups);
        lists := lists || ARRAY(SELECT l.name FROM unnest(all_lists) AS l (name)
                                WHERE codes_before -> l.name IS DISTINCT FROM codes_after -> l.name);
    END IF;
    IF cardinality(lists) > 0 THEN
        PERFORM statbus.sync_used(lists, true);
    END IF;
END
$derive_changes$;
COMMENT ON FUNCTION statbus.derive_changes(integer[], integer[], integer[], integer[], text[]) IS
    'statbus.derive(), and the *_used tables of these code lists';
REVOKE ALL ON FUNCTION statbus.derive_changes(integer[], integer[], integer[], integer[], text[]) FROM PUBLIC;

-- DEFINER: writes derived tables, which no role may write
CREATE OR REPLACE FUNCTION statbus.derive(
    establishment_ids integer[], legal_unit_ids integer[], enterprise_ids integer[], power_group_ids integer[]
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $derive$
BEGIN
    PERFORM statbus.derive_changes(coalesce(establishment_ids, '{}'), coalesce(legal_unit_ids, '{}'),
                                   coalesce(enterprise_ids, '{}'), coalesce(power_group_ids, '{}'), '{}');
END
$derive$;
COMMENT ON FUNCTION statbus.derive(integer[], integer[], integer[], integer[]) IS
    'Derives these units and all they belong to; writes what differs, deletes the rows of units that no longer exist';
REVOKE ALL ON FUNCTION statbus.derive(integer[], integer[], integer[], integer[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.all_units(
    OUT establishment_ids integer[], OUT legal_unit_ids integer[], OUT enterprise_ids integer[], OUT power_group_ids integer[]
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $all_units$
BEGIN
    -- Derived units that no longer exist are units too: their rows are to go.
    SELECT coalesce(array_agg(u.id ORDER BY u.id) FILTER (WHERE u.kind = 'establishment'), '{}'),
           coalesce(array_agg(u.id ORDER BY u.id) FILTER (WHERE u.kind = 'legal_unit'), '{}'),
           coalesce(array_agg(u.id ORDER BY u.id) FILTER (WHERE u.kind = 'enterprise'), '{}'),
           coalesce(array_agg(u.id ORDER BY u.id) FILTER (WHERE u.kind = 'power_group'), '{}')
    INTO establishment_ids, legal_unit_ids, enterprise_ids, power_group_ids
    FROM (SELECT 'establishment'::register.statistical_unit_type, e.id FROM register.establishment AS e
          UNION SELECT 'legal_unit', l.id FROM register.legal_unit AS l
          UNION SELECT 'enterprise', n.id FROM register.enterprise AS n
          UNION SELECT 'power_group', p.id FROM register.power_group AS p
          UNION SELECT t.unit_type, t.unit_id FROM register.timepoints AS t
          UNION SELECT s.unit_type, s.unit_id FROM register.timesegments AS s
          UNION SELECT u.unit_type, u.unit_id FROM register.statistical_unit AS u) AS u (kind, id);
END
$all_units$;
COMMENT ON FUNCTION statbus.all_units() IS 'Every unit that is in a base table or in a derived one';
REVOKE ALL ON FUNCTION statbus.all_units() FROM PUBLIC;

-- DEFINER: writes derived tables, which no role may write
CREATE OR REPLACE FUNCTION statbus.rebuild()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $rebuild$
DECLARE
    units record;
    years integer[];
BEGIN
    PERFORM statbus.lock_derived();
    -- What is committed by now is derived here.
    DELETE FROM worker.base_change_log;
    SELECT * INTO units FROM statbus.all_units();
    PERFORM statbus.sync_units(units.establishment_ids, units.legal_unit_ids, units.enterprise_ids, units.power_group_ids, true);
    years := ARRAY(SELECT extract(year FROM s.valid_from)::integer FROM register.timesegments AS s
                   UNION SELECT t.year FROM register.timesegments_years AS t);
    PERFORM statbus.sync_years(years, true);
    PERFORM statbus.sync_used(ARRAY['activity_category', 'region', 'sector', 'legal_form', 'country', 'data_source'], true);
END
$rebuild$;
COMMENT ON FUNCTION statbus.rebuild() IS
    'Derives everything from the base tables, in one transaction; writes what differs, so that readers never see half of it';
REVOKE ALL ON FUNCTION statbus.rebuild() FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.verify_derived()
RETURNS TABLE (unit_type text, unit_id integer, valid_from date, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $verify_derived$
#variable_conflict use_column
DECLARE
    units record;
    years integer[];
BEGIN
    -- Each stage is compared with what follows from the stage before it as it is stored. When no stage differs,
    -- all is as a rebuild from nothing would make it.
    PERFORM statbus.lock_derived();
    SELECT * INTO units FROM statbus.all_units();
    RETURN QUERY
        SELECT s.unit_type, s.unit_id, s.valid_from, s.problem
        FROM statbus.sync_units(units.establishment_ids, units.legal_unit_ids, units.enterprise_ids, units.power_group_ids, false) AS s;
    years := ARRAY(SELECT extract(year FROM s.valid_from)::integer FROM register.timesegments AS s
                   UNION SELECT t.year FROM register.timesegments_years AS t);
    RETURN QUERY SELECT NULL::text, NULL::integer, make_date(s.year, 1, 1), s.problem FROM statbus.sync_years(years, false) AS s;
    RETURN QUERY
        SELECT NULL::text, s.id, NULL::date, s.problem
        FROM statbus.sync_used(ARRAY['activity_category', 'region', 'sector', 'legal_form', 'country', 'data_source'], false) AS s;
END
$verify_derived$;
COMMENT ON FUNCTION statbus.verify_derived() IS
    'Where derived data differs from what the base tables say, empty when all is right; unit_id of a *_used problem is the id of the code';
REVOKE ALL ON FUNCTION statbus.verify_derived() FROM PUBLIC;

-- DEFINER: writes derived tables and the change log, which no role may write
CREATE OR REPLACE FUNCTION statbus.derive_pending(max_units integer DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $derive_pending$
DECLARE
    change record;
BEGIN
    PERFORM statbus.lock_derived();
    IF EXISTS (SELECT FROM worker.base_change_log AS c WHERE c.all_units) THEN
        PERFORM statbus.rebuild();
        RETURN 0;
    END IF;
    WITH drained AS MATERIALIZED (
        DELETE FROM worker.base_change_log AS c
        USING (SELECT l.id, sum(cardinality(l.establishment_ids) + cardinality(l.legal_unit_ids) + cardinality(l.enterprise_ids)
                                + cardinality(l.power_group_ids)) OVER (ORDER BY l.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
               FROM worker.base_change_log AS l) AS run
        WHERE c.id = run.id AND (max_units IS NULL OR coalesce(run.before, 0) < max_units)
        RETURNING c.establishment_ids, c.legal_unit_ids, c.enterprise_ids, c.power_group_ids, c.code_lists
    )
    SELECT ARRAY(SELECT DISTINCT unnest(d.establishment_ids) FROM drained AS d) AS establishment_ids,
           ARRAY(SELECT DISTINCT unnest(d.legal_unit_ids) FROM drained AS d) AS legal_unit_ids,
           ARRAY(SELECT DISTINCT unnest(d.enterprise_ids) FROM drained AS d) AS enterprise_ids,
           ARRAY(SELECT DISTINCT unnest(d.power_group_ids) FROM drained AS d) AS power_group_ids,
           ARRAY(SELECT DISTINCT unnest(d.code_lists) FROM drained AS d) AS code_lists,
           EXISTS (SELECT FROM drained) AS is_any
    INTO change;
    IF change.is_any THEN
        PERFORM statbus.derive_changes(change.establishment_ids, change.legal_unit_ids, change.enterprise_ids, change.power_group_ids, change.code_lists);
    END IF;
    RETURN (SELECT count(*) FROM worker.base_change_log AS c);
END
$derive_pending$;
COMMENT ON FUNCTION statbus.derive_pending(integer) IS
    'Derives what the change log holds, the oldest first, until about max_units units; returns how many rows of the log are left';
REVOKE ALL ON FUNCTION statbus.derive_pending(integer) FROM PUBLIC;

CREATE OR REPLACE PROCEDURE statbus.derive_task(payload jsonb)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $derive_task$
BEGIN
    IF statbus.derive_pending(50000) > 0 THEN
        PERFORM worker.spawn('derive_statistical_unit');
    END IF;
END
$derive_task$;
COMMENT ON PROCEDURE statbus.derive_task(jsonb) IS 'Handler of the command derive_statistical_unit';
REVOKE ALL ON PROCEDURE statbus.derive_task(jsonb) FROM PUBLIC;

-- DEFINER: writes the change log, which no role may write
-- Arguments: the columns of the changed table that hold ids of establishments, legal units, enterprises and power groups;
-- '' for none.
CREATE OR REPLACE FUNCTION statbus.log_base_change()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $log_base_change$
DECLARE
    columns CONSTANT text := (
        SELECT string_agg(CASE WHEN a.name = '' THEN 'NULL::integer' ELSE quote_ident(a.name) END, ', ' ORDER BY a.position)
        FROM unnest(TG_ARGV) WITH ORDINALITY AS a (name, position));
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO worker.base_change_log (all_units) VALUES (true);
        RETURN NULL;
    END IF;
    EXECUTE format($insert$
        INSERT INTO worker.base_change_log (establishment_ids, legal_unit_ids, enterprise_ids, power_group_ids)
        SELECT coalesce(array_agg(DISTINCT c.e) FILTER (WHERE c.e IS NOT NULL), '{}'),
               coalesce(array_agg(DISTINCT c.l) FILTER (WHERE c.l IS NOT NULL), '{}'),
               coalesce(array_agg(DISTINCT c.n) FILTER (WHERE c.n IS NOT NULL), '{}'),
               coalesce(array_agg(DISTINCT c.p) FILTER (WHERE c.p IS NOT NULL), '{}')
        FROM (%s) AS c (e, l, n, p)
        HAVING count(c.e) + count(c.l) + count(c.n) + count(c.p) > 0
        $insert$,
        CASE TG_OP
            WHEN 'INSERT' THEN format('SELECT %s FROM new_rows', columns)
            WHEN 'DELETE' THEN format('SELECT %s FROM old_rows', columns)
            ELSE format('SELECT %1$s FROM old_rows UNION ALL SELECT %1$s FROM new_rows', columns)
        END);
    RETURN NULL;
END
$log_base_change$;
COMMENT ON FUNCTION statbus.log_base_change() IS 'Statement trigger on base tables: notes which units to derive again';
REVOKE ALL ON FUNCTION statbus.log_base_change() FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.prefix_columns(alias text, columns text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $prefix_columns$
    SELECT coalesce(string_agg(alias || '.' || quote_ident(btrim(c.name)), ', ' ORDER BY c.position), '')
    FROM unnest(string_to_array(columns, ',')) WITH ORDINALITY AS c (name, position)
$prefix_columns$;
COMMENT ON FUNCTION statbus.prefix_columns(text, text) IS 'a, b → alias.a, alias.b';
REVOKE ALL ON FUNCTION statbus.prefix_columns(text, text) FROM PUBLIC;

-- DEFINER: writes the change log, which no role may write
-- Arguments: the columns that show in the rows of units, those that show only in *_used, then who refers to the list, as
-- table.column.
CREATE OR REPLACE FUNCTION statbus.log_code_change()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $log_code_change$
DECLARE
    -- Rows are compared by their images: ltree has a place for its operators that this function need not know.
    comparison CONSTANT text :=
        'SELECT coalesce(array_agg(n.id), ''{}'') FROM new_rows AS n JOIN old_rows AS o ON o.id = n.id
         WHERE ROW(%s)::record OPERATOR(pg_catalog.*<>) ROW(%s)::record';
    list CONSTANT text := CASE TG_TABLE_NAME WHEN 'activity_category_standard' THEN 'activity_category' ELSE TG_TABLE_NAME END;
    lists text[] := '{}';
    shown_in_units integer[];
    shown_in_used integer[];
    units text;
BEGIN
    EXECUTE format(comparison, statbus.prefix_columns('n', TG_ARGV[0]), statbus.prefix_columns('o', TG_ARGV[0])) INTO shown_in_units;
    EXECUTE format(comparison, statbus.prefix_columns('n', TG_ARGV[1]), statbus.prefix_columns('o', TG_ARGV[1])) INTO shown_in_used;
    IF list IN ('activity_category', 'region', 'sector', 'legal_form', 'country', 'data_source')
        AND cardinality(shown_in_units) + cardinality(shown_in_used) > 0 THEN
        lists := ARRAY[list];
    END IF;
    SELECT string_agg(format('SELECT %s, %s, %s, %s FROM register.%I AS r WHERE r.%I = ANY ($1)',
                             CASE t.name WHEN 'establishment' THEN 'r.id' WHEN 'legal_unit' THEN 'NULL::integer' ELSE 'r.establishment_id' END,
                             CASE t.name WHEN 'legal_unit' THEN 'r.id' WHEN 'establishment' THEN 'NULL::integer' ELSE 'r.legal_unit_id' END,
                             CASE WHEN t.name IN ('external_ident', 'tag_for_unit') THEN 'r.enterprise_id' ELSE 'NULL::integer' END,
                             CASE WHEN t.name IN ('external_ident', 'tag_for_unit') THEN 'r.power_group_id' ELSE 'NULL::integer' END,
                             t.name, t.column_name), ' UNION ALL ')
    INTO units
    FROM (SELECT split_part(a.reference, '.', 1) AS name, split_part(a.reference, '.', 2) AS column_name
          FROM unnest(TG_ARGV[2:]) AS a (reference)) AS t;
    EXECUTE format($insert$
        INSERT INTO worker.base_change_log (establishment_ids, legal_unit_ids, enterprise_ids, power_group_ids, code_lists)
        SELECT coalesce(array_agg(DISTINCT c.e) FILTER (WHERE c.e IS NOT NULL), '{}'),
               coalesce(array_agg(DISTINCT c.l) FILTER (WHERE c.l IS NOT NULL), '{}'),
               coalesce(array_agg(DISTINCT c.n) FILTER (WHERE c.n IS NOT NULL), '{}'),
               coalesce(array_agg(DISTINCT c.p) FILTER (WHERE c.p IS NOT NULL), '{}'), $2
        FROM (%s) AS c (e, l, n, p)
        HAVING count(c.e) + count(c.l) + count(c.n) + count(c.p) + cardinality($2) > 0
        $insert$, coalesce(units, 'SELECT NULL::integer, NULL::integer, NULL::integer, NULL::integer WHERE $1 IS NULL'))
    USING shown_in_units, lists;
    RETURN NULL;
END
$log_code_change$;
COMMENT ON FUNCTION statbus.log_code_change() IS 'Statement trigger on code lists: notes the units that show a changed code';
REVOKE ALL ON FUNCTION statbus.log_code_change() FROM PUBLIC;

-- DEFINER: writes the change log, which no role may write
CREATE OR REPLACE FUNCTION statbus.log_settings_change()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $log_settings_change$
BEGIN
    -- The country decides which units are domestic.
    IF EXISTS (SELECT FROM register.statistical_unit) THEN
        INSERT INTO worker.base_change_log (all_units) VALUES (true);
    END IF;
    RETURN NULL;
END
$log_settings_change$;
COMMENT ON FUNCTION statbus.log_settings_change() IS 'Statement trigger on register.settings: notes that every unit is to be derived again';
REVOKE ALL ON FUNCTION statbus.log_settings_change() FROM PUBLIC;

-- DEFINER: writes derived tables and the change log, which no role may write, and queues a task
CREATE OR REPLACE FUNCTION statbus.derive_at_commit()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $derive_at_commit$
DECLARE
    immediate_limit CONSTANT integer := coalesce(nullif(current_setting('statbus.derive_immediate_limit', true), '')::integer, 1000);
    is_deferred CONSTANT boolean := coalesce(current_setting('statbus.derive', true), '') = 'deferred'
        OR current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted');
    change record;
BEGIN
    -- The first row of the transaction speaks for all; the others then find nothing to do.
    IF NOT EXISTS (SELECT FROM worker.base_change_log AS c WHERE c.id = NEW.id AND NOT c.is_queued) THEN
        RETURN NULL;
    END IF;
    SELECT sum(cardinality(c.establishment_ids) + cardinality(c.legal_unit_ids) + cardinality(c.enterprise_ids)
               + cardinality(c.power_group_ids)) AS units,
           bool_or(c.all_units) AS all_units
    INTO change
    FROM worker.base_change_log AS c
    WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued;

    IF NOT is_deferred AND change.units > immediate_limit THEN
        -- Several statements may have named the same units.
        SELECT count(*) AS units, change.all_units AS all_units
        INTO change
        FROM (SELECT 1, unnest(c.establishment_ids) FROM worker.base_change_log AS c WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued
              UNION SELECT 2, unnest(c.legal_unit_ids) FROM worker.base_change_log AS c WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued
              UNION SELECT 3, unnest(c.enterprise_ids) FROM worker.base_change_log AS c WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued
              UNION SELECT 4, unnest(c.power_group_ids) FROM worker.base_change_log AS c WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued) AS u;
    END IF;
    IF change.all_units THEN
        SELECT count(*) AS units, true AS all_units
        INTO change
        FROM (SELECT FROM register.timesegments AS s GROUP BY s.unit_type, s.unit_id LIMIT immediate_limit::bigint + 1) AS u;
    END IF;

    IF is_deferred OR change.units > immediate_limit THEN
        UPDATE worker.base_change_log AS c SET is_queued = true WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued;
        PERFORM worker.spawn('derive_statistical_unit');
        RETURN NULL;
    END IF;

    PERFORM statbus.lock_derived();
    IF change.all_units THEN
        PERFORM statbus.rebuild();
        RETURN NULL;
    END IF;
    WITH drained AS MATERIALIZED (
        DELETE FROM worker.base_change_log AS c
        WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued
        RETURNING c.establishment_ids, c.legal_unit_ids, c.enterprise_ids, c.power_group_ids, c.code_lists
    )
    SELECT ARRAY(SELECT DISTINCT unnest(d.establishment_ids) FROM drained AS d) AS establishment_ids,
           ARRAY(SELECT DISTINCT unnest(d.legal_unit_ids) FROM drained AS d) AS legal_unit_ids,
           ARRAY(SELECT DISTINCT unnest(d.enterprise_ids) FROM drained AS d) AS enterprise_ids,
           ARRAY(SELECT DISTINCT unnest(d.power_group_ids) FROM drained AS d) AS power_group_ids,
           ARRAY(SELECT DISTINCT unnest(d.code_lists) FROM drained AS d) AS code_lists
    INTO change;
    PERFORM statbus.derive_changes(change.establishment_ids, change.legal_unit_ids, change.enterprise_ids, change.power_group_ids, change.code_lists);
    RETURN NULL;
END
$derive_at_commit$;
COMMENT ON FUNCTION statbus.derive_at_commit() IS
    'Deferred trigger on the change log: derives the changes of the transaction, or queues a task (settings statbus.derive, statbus.derive_immediate_limit)';
REVOKE ALL ON FUNCTION statbus.derive_at_commit() FROM PUBLIC;
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

-- api_portion_editor(): whoever changes a part of a slice is the editor of that part. Fires before the trigger that collects the
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
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $render_template$
    SELECT string_agg(coalesce(CASE WHEN part.piece[1] IS NOT NULL THEN given ->> part.piece[1] END, part.piece[2], '{' || part.piece[1] || '}', ''),
                      '' ORDER BY part.position)
    FROM regexp_matches(template, '\{([a-z_0-9]+)\}|([^{]+|\{)', 'g') WITH ORDINALITY AS part (piece, position)
$render_template$;
COMMENT ON FUNCTION statbus.render_template(text, jsonb) IS 'A text in which {key} stands for the value of the key; a key that is not given stays as it is';
REVOKE ALL ON FUNCTION statbus.render_template(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION statbus.render_template(text, jsonb) TO authenticated;
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
CREATE OR REPLACE FUNCTION statbus.newest_step()
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $newest_step$ SELECT 15 $newest_step$;
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
    RETURN QUERY SELECT 10, '0010_relationships'::text, $step$-- Step 0010: persons, relationships between legal units, power groups, and the foreign keys that
-- external_ident, tag_for_unit and unit_notes could not have before these tables existed.

-- person --------------------------------------------------------------------------------------------------------

CREATE TABLE register.person (
    id integer GENERATED ALWAYS AS IDENTITY,
    given_name varchar(150),
    middle_name varchar(150),
    family_name varchar(150),
    country_id integer REFERENCES register.country ON DELETE RESTRICT,
    birth_date date,
    death_date date,
    sex register.person_sex,
    phone_number varchar(50),
    mobile_number varchar(50),
    address_part1 varchar(200),
    address_part2 varchar(200),
    address_part3 varchar(200),
    edit_comment varchar(512),
    edit_by_user_id integer NOT NULL REFERENCES auth."user" ON DELETE RESTRICT,
    edit_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT person_pkey PRIMARY KEY (id)
);
CREATE INDEX person_country_id_idx ON register.person (country_id) WHERE country_id IS NOT NULL;

COMMENT ON TABLE register.person IS 'Natural persons who play a part in units; identified through external_ident.person_id. Not temporal';

CREATE TABLE register.person_for_unit (
    id integer GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    valid_from date NOT NULL,
    valid_until date NOT NULL DEFAULT 'infinity',
    valid_to date GENERATED ALWAYS AS (valid_until - 1) STORED,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED,
    person_id integer NOT NULL REFERENCES register.person ON DELETE RESTRICT,
    person_role_id integer REFERENCES register.person_role ON DELETE RESTRICT,
    data_source_id integer REFERENCES register.data_source ON DELETE SET NULL,
    establishment_id integer,
    legal_unit_id integer,
    edit_comment varchar(512),
    edit_by_user_id integer NOT NULL REFERENCES auth."user" ON DELETE RESTRICT,
    edit_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    import_job_id integer,
    import_source_line bigint,
    CONSTRAINT person_for_unit_pkey PRIMARY KEY (id, valid_from, valid_until),
    CONSTRAINT person_for_unit_valid_check CHECK (valid_from < valid_until),
    CONSTRAINT person_for_unit_valid_from_check CHECK (isfinite(valid_from)),
    CONSTRAINT person_for_unit_owner_check CHECK (num_nonnulls(establishment_id, legal_unit_id) = 1)
);
CREATE INDEX person_for_unit_person_id_idx ON register.person_for_unit (person_id, valid_from);
CREATE INDEX person_for_unit_legal_unit_id_idx ON register.person_for_unit (legal_unit_id, valid_from) WHERE legal_unit_id IS NOT NULL;
CREATE INDEX person_for_unit_establishment_id_idx ON register.person_for_unit (establishment_id, valid_from) WHERE establishment_id IS NOT NULL;
CREATE INDEX person_for_unit_person_role_id_idx ON register.person_for_unit (person_role_id) WHERE person_role_id IS NOT NULL;
CREATE INDEX person_for_unit_data_source_id_idx ON register.person_for_unit (data_source_id) WHERE data_source_id IS NOT NULL;

COMMENT ON TABLE register.person_for_unit IS
    'The roles of persons in legal units and establishments; the same person holds the same role in a unit once at a time';
COMMENT ON COLUMN register.person_for_unit.person_role_id IS 'NULL: the role is not known; this too can be said only once at a time per person and unit';

-- power_group ---------------------------------------------------------------------------------------------------

CREATE SEQUENCE register.power_group_ident_seq AS bigint;

CREATE TABLE register.power_group (
    id integer GENERATED ALWAYS AS IDENTITY,
    ident text NOT NULL,
    short_name varchar(16),
    name varchar(256),
    type_id integer REFERENCES register.power_group_type ON DELETE RESTRICT,
    contact_person text,
    unit_size_id integer REFERENCES register.unit_size,
    data_source_id integer REFERENCES register.data_source ON DELETE RESTRICT,
    foreign_participation_id integer REFERENCES register.foreign_participation,
    edit_comment varchar(512),
    edit_by_user_id integer NOT NULL REFERENCES auth."user" ON DELETE RESTRICT,
    edit_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT power_group_pkey PRIMARY KEY (id),
    CONSTRAINT power_group_ident_key UNIQUE (ident)
);
ALTER SEQUENCE register.power_group_ident_seq OWNED BY register.power_group.ident;
CREATE INDEX power_group_type_id_idx ON register.power_group (type_id) WHERE type_id IS NOT NULL;
CREATE INDEX power_group_unit_size_id_idx ON register.power_group (unit_size_id) WHERE unit_size_id IS NOT NULL;
CREATE INDEX power_group_data_source_id_idx ON register.power_group (data_source_id) WHERE data_source_id IS NOT NULL;
CREATE INDEX power_group_foreign_participation_id_idx ON register.power_group (foreign_participation_id) WHERE foreign_participation_id IS NOT NULL;

COMMENT ON TABLE register.power_group IS
    'Groups of legal units bound by legal relationships. Timeless: a group is active on a day when one of its relationships is valid. Never deleted by the register itself';
COMMENT ON COLUMN register.power_group.ident IS 'PG0001, PG0002, … counted in base 36';
COMMENT ON SEQUENCE register.power_group_ident_seq IS 'Counts the idents of power groups';

-- legal_relationship --------------------------------------------------------------------------------------------

CREATE TABLE register.legal_relationship (
    id integer GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    valid_from date NOT NULL,
    valid_until date NOT NULL DEFAULT 'infinity',
    valid_to date GENERATED ALWAYS AS (valid_until - 1) STORED,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED,
    influencing_id integer NOT NULL,
    influenced_id integer NOT NULL,
    type_id integer NOT NULL,
    reorg_type_id integer REFERENCES register.legal_reorg_type ON DELETE RESTRICT,
    primary_influencer_only boolean NOT NULL,
    percentage numeric(5, 2),
    derived_power_group_id integer REFERENCES register.power_group ON DELETE SET NULL,
    derived_influenced_power_level integer,
    edit_comment varchar(512),
    edit_by_user_id integer NOT NULL REFERENCES auth."user" ON DELETE RESTRICT,
    edit_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    import_job_id integer,
    import_source_line bigint,
    CONSTRAINT legal_relationship_pkey PRIMARY KEY (id, valid_from, valid_until),
    CONSTRAINT legal_relationship_valid_check CHECK (valid_from < valid_until),
    CONSTRAINT legal_relationship_valid_from_check CHECK (isfinite(valid_from)),
    CONSTRAINT legal_relationship_influenced_id_check CHECK (influencing_id <> influenced_id),
    CONSTRAINT legal_relationship_percentage_check CHECK (percentage BETWEEN 0 AND 100),
    CONSTRAINT legal_relationship_derived_influenced_power_level_check CHECK (derived_influenced_power_level >= 0),
    CONSTRAINT legal_relationship_type_id_fkey FOREIGN KEY (type_id, primary_influencer_only)
        REFERENCES register.legal_rel_type (id, primary_influencer_only) ON UPDATE CASCADE ON DELETE RESTRICT
);
CREATE INDEX legal_relationship_influencing_id_idx ON register.legal_relationship (influencing_id, valid_from);
CREATE INDEX legal_relationship_influenced_id_idx ON register.legal_relationship (influenced_id, valid_from);
CREATE INDEX legal_relationship_type_id_idx ON register.legal_relationship (type_id);
CREATE INDEX legal_relationship_reorg_type_id_idx ON register.legal_relationship (reorg_type_id) WHERE reorg_type_id IS NOT NULL;
CREATE INDEX legal_relationship_derived_power_group_id_idx ON register.legal_relationship (derived_power_group_id) WHERE derived_power_group_id IS NOT NULL;

COMMENT ON TABLE register.legal_relationship IS 'Which legal unit influences which other, how, and by how much';
COMMENT ON COLUMN register.legal_relationship.primary_influencer_only IS
    'Copied from the type by a trigger. True: a unit has at most one influencer of this type at a time';
COMMENT ON COLUMN register.legal_relationship.percentage IS 'Share of ownership or votes, 0 to 100';
COMMENT ON COLUMN register.legal_relationship.derived_power_group_id IS 'The group this relationship belongs to; written by the derivation of power groups only';
COMMENT ON COLUMN register.legal_relationship.derived_influenced_power_level IS
    'Distance of the influenced unit from the root of its group; NULL inside cycles; derived';

-- power_root ----------------------------------------------------------------------------------------------------

CREATE TABLE register.power_root (
    id integer GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    valid_from date NOT NULL,
    valid_until date NOT NULL DEFAULT 'infinity',
    valid_to date GENERATED ALWAYS AS (valid_until - 1) STORED,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED,
    power_group_id integer NOT NULL REFERENCES register.power_group ON DELETE RESTRICT,
    derived_root_legal_unit_id integer NOT NULL,
    derived_root_status register.power_group_root_status NOT NULL,
    custom_root_legal_unit_id integer,
    root_legal_unit_id integer GENERATED ALWAYS AS (COALESCE(custom_root_legal_unit_id, derived_root_legal_unit_id)) STORED,
    edit_comment varchar(512),
    edit_by_user_id integer NOT NULL REFERENCES auth."user" ON DELETE RESTRICT,
    edit_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    import_job_id integer,
    import_source_line bigint,
    CONSTRAINT power_root_pkey PRIMARY KEY (id, valid_from, valid_until),
    CONSTRAINT power_root_valid_check CHECK (valid_from < valid_until),
    CONSTRAINT power_root_valid_from_check CHECK (isfinite(valid_from)),
    CONSTRAINT power_root_derived_root_status_check CHECK (derived_root_status IN ('cycle', 'multi'))
);
CREATE INDEX power_root_power_group_id_idx ON register.power_root (power_group_id, valid_from);
CREATE INDEX power_root_derived_root_legal_unit_id_idx ON register.power_root (derived_root_legal_unit_id, valid_from);
CREATE INDEX power_root_custom_root_legal_unit_id_idx ON register.power_root (custom_root_legal_unit_id, valid_from)
    WHERE custom_root_legal_unit_id IS NOT NULL;

COMMENT ON TABLE register.power_root IS
    'The root of those power groups whose root is not obvious: every unit is influenced by another (cycle), or several are by none (multi)';
COMMENT ON COLUMN register.power_root.derived_root_legal_unit_id IS 'What the derivation chose; written by it only';
COMMENT ON COLUMN register.power_root.custom_root_legal_unit_id IS 'What the office chose instead';
COMMENT ON COLUMN register.power_root.root_legal_unit_id IS 'The choice of the office, else the derived one';

-- the owners that step 0008 could not reference yet ----------------------------------------------------------------

ALTER TABLE register.external_ident
    ADD CONSTRAINT external_ident_power_group_id_fkey FOREIGN KEY (power_group_id) REFERENCES register.power_group ON DELETE CASCADE,
    ADD CONSTRAINT external_ident_person_id_fkey FOREIGN KEY (person_id) REFERENCES register.person ON DELETE CASCADE;
ALTER TABLE register.tag_for_unit
    ADD CONSTRAINT tag_for_unit_power_group_id_fkey FOREIGN KEY (power_group_id) REFERENCES register.power_group ON DELETE CASCADE;
ALTER TABLE register.unit_notes
    ADD CONSTRAINT unit_notes_power_group_id_fkey FOREIGN KEY (power_group_id) REFERENCES register.power_group ON DELETE CASCADE;
$step$::text;
    RETURN QUERY SELECT 11, '0011_worker'::text, $step$-- Step 0011: the task queue. worker.spawn() puts tasks in, CALL worker.process_tasks() runs them.

CREATE TABLE worker.queue_registry (
    queue text PRIMARY KEY CHECK (queue ~ '^[a-z][a-z0-9_]*$'),
    description text NOT NULL,
    default_concurrency integer NOT NULL DEFAULT 1 CHECK (default_concurrency > 0)
);
COMMENT ON TABLE worker.queue_registry IS 'Queues of tasks';
COMMENT ON COLUMN worker.queue_registry.default_concurrency IS
    'How many sessions the full engine may give the queue; CALL worker.process_tasks() always works alone on a queue';

CREATE TABLE worker.command_registry (
    command text PRIMARY KEY CHECK (command ~ '^[a-z][a-z0-9_]*$'),
    handler_procedure text NOT NULL CHECK (btrim(handler_procedure) <> ''),
    failure_procedure text CHECK (btrim(failure_procedure) <> ''),
    queue text NOT NULL REFERENCES worker.queue_registry ON UPDATE CASCADE,
    is_unique boolean NOT NULL DEFAULT false,
    description text NOT NULL
);
CREATE INDEX command_registry_queue_idx ON worker.command_registry (queue);
COMMENT ON TABLE worker.command_registry IS 'What a task may be, and the procedure that does it';
COMMENT ON COLUMN worker.command_registry.handler_procedure IS
    'Called as CALL handler_procedure(payload jsonb).  It never commits; what is left to do it spawns';
COMMENT ON COLUMN worker.command_registry.failure_procedure IS
    'Called as CALL failure_procedure(payload jsonb, error text) after a task of the command has failed';
COMMENT ON COLUMN worker.command_registry.is_unique IS 'At most one task with the same payload is pending';

CREATE SEQUENCE worker.task_priority_seq AS bigint;
COMMENT ON SEQUENCE worker.task_priority_seq IS 'Default priority of tasks, and of import jobs: first come, first served';

CREATE TABLE worker.tasks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    command text NOT NULL REFERENCES worker.command_registry ON UPDATE CASCADE,
    queue text NOT NULL REFERENCES worker.queue_registry ON UPDATE CASCADE,
    priority bigint NOT NULL DEFAULT nextval('worker.task_priority_seq'),
    payload jsonb NOT NULL DEFAULT '{}',
    is_unique boolean NOT NULL DEFAULT false,
    state worker.task_state NOT NULL DEFAULT 'pending',
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    scheduled_at timestamptz,
    process_start_at timestamptz,
    process_stop_at timestamptz,
    completed_at timestamptz,
    duration_ms numeric(14, 3) CHECK (duration_ms >= 0),
    worker_pid integer,
    error text,
    error_code text CHECK (error_code ~ '^[0-9A-Z]{5}$'),
    error_detail text,
    error_hint text,
    error_context text,
    parent_id bigint REFERENCES worker.tasks ON DELETE CASCADE,
    child_mode worker.child_mode,
    depth integer NOT NULL DEFAULT 0 CHECK (depth >= 0),
    info jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT tasks_payload_object CHECK (jsonb_typeof(payload) = 'object'),
    CONSTRAINT tasks_info_object CHECK (jsonb_typeof(info) = 'object'),
    CONSTRAINT tasks_error_iff_failed CHECK ((state = 'failed') = (error IS NOT NULL)),
    CONSTRAINT tasks_error_parts_only_with_error
        CHECK (error IS NOT NULL OR num_nonnulls(error_code, error_detail, error_hint, error_context) = 0),
    CONSTRAINT tasks_completed_iff_done CHECK ((state IN ('completed', 'failed')) = (completed_at IS NOT NULL)),
    CONSTRAINT tasks_parent_is_older CHECK (parent_id < id)
);
CREATE INDEX tasks_open_idx ON worker.tasks (queue, priority, id) WHERE state IN ('pending', 'interrupted');
CREATE INDEX tasks_processing_idx ON worker.tasks (queue) WHERE state = 'processing';
CREATE UNIQUE INDEX tasks_unique_pending_key ON worker.tasks (command, md5(payload::text)) WHERE is_unique AND state = 'pending';
CREATE INDEX tasks_parent_id_idx ON worker.tasks (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX tasks_command_idx ON worker.tasks (command, id);
CREATE INDEX tasks_completed_at_idx ON worker.tasks (completed_at) WHERE completed_at IS NOT NULL;
COMMENT ON TABLE worker.tasks IS 'Work to do, being done and done; lower priority numbers first, then lower ids';
COMMENT ON COLUMN worker.tasks.state IS
    'pending: to do; processing: a session is at it; interrupted: its session was cancelled or died, it will run again; completed, failed: done';
COMMENT ON COLUMN worker.tasks.is_unique IS 'Copied from the command when the task was spawned';
COMMENT ON COLUMN worker.tasks.scheduled_at IS 'Not before; NULL: as soon as possible';
COMMENT ON COLUMN worker.tasks.attempts IS 'How often the task was begun';
COMMENT ON COLUMN worker.tasks.duration_ms IS 'How long the handler ran, in milliseconds';

INSERT INTO worker.queue_registry (queue, description, default_concurrency) VALUES
    ('import', 'Import jobs, one after the other', 1),
    ('analytics', 'Derived data', 4),
    ('maintenance', 'Cleaning up', 1);
$step$::text;
    RETURN QUERY SELECT 12, '0012_import'::text, $step$-- Step 0012: import. A definition says what a file's columns mean; a job is one file on its way into the register.
--
-- The tables of a job (made by a trigger, gone with the job)
-- * import."<slug>_upload": one text column per source column of the definition, named as the heading, in order, no
--   other column. One COPY fills it; the order of its rows is the order of the file.
-- * import."<slug>_data": one row per row of the file, in this order of columns:
--     row_id bigint PRIMARY KEY (1, 2, …: the order of the file), source_line bigint,
--     per step, by data_column.priority: source_input columns (<name>_raw text), internal and pk_id columns (typed),
--     and those of step "metadata": founding_row_id bigint, operation, action, state, batch_seq integer,
--     errors jsonb, warnings jsonb, merge_status jsonb.

-- definitions -----------------------------------------------------------------------------------------------------

CREATE TABLE import.definition (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9_]{0,62}$'),
    name text NOT NULL UNIQUE CHECK (btrim(name) <> ''),
    note text,
    data_source_id integer REFERENCES register.data_source ON DELETE RESTRICT,
    strategy import.strategy NOT NULL DEFAULT 'insert_or_replace',
    mode import.mode NOT NULL,
    valid_time_from import.valid_time_from NOT NULL,
    user_id integer REFERENCES auth."user" ON DELETE SET NULL,
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    valid boolean NOT NULL DEFAULT false,
    validation_error text,
    default_retention_period interval NOT NULL DEFAULT '18 months',
    -- How values are written in the file.
    import_as_null text[] NOT NULL DEFAULT '{"",NA,N/A,"NULL",NONE,NaN}',
    date_formats text[] NOT NULL DEFAULT '{YYYY-MM-DD}',
    decimal_mark text NOT NULL DEFAULT '.',
    thousands text NOT NULL DEFAULT '',
    true_words text[] NOT NULL DEFAULT '{true,t,yes,y,1}',
    false_words text[] NOT NULL DEFAULT '{false,f,no,n,0}',
    unique_units boolean NOT NULL DEFAULT true,
    dynamic_columns boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT definition_unique_units CHECK (NOT (valid_time_from = 'job_provided' AND NOT unique_units)),
    CONSTRAINT definition_valid_or_error CHECK (valid = (validation_error IS NULL)),
    CONSTRAINT definition_retention_positive CHECK (default_retention_period > interval '0'),
    CONSTRAINT definition_import_as_null_no_nulls CHECK (array_position(import_as_null, NULL) IS NULL),
    CONSTRAINT definition_date_formats CHECK (
        cardinality(date_formats) > 0
        AND date_formats <@ '{YYYY-MM-DD,YYYYMMDD,DD.MM.YYYY,D.M.YYYY,DD/MM/YYYY,MM/DD/YYYY,YYYY/MM/DD}'::text[]),
    CONSTRAINT definition_decimal_mark CHECK (decimal_mark IN ('.', ',')),
    CONSTRAINT definition_thousands CHECK (char_length(thousands) <= 1 AND thousands <> decimal_mark AND thousands !~ '[0-9+-]'),
    CONSTRAINT definition_boolean_words CHECK (NOT true_words && false_words AND cardinality(true_words) > 0 AND cardinality(false_words) > 0)
);
CREATE INDEX definition_data_source_id_idx ON import.definition (data_source_id);
CREATE INDEX definition_user_id_idx ON import.definition (user_id);
COMMENT ON TABLE import.definition IS 'What the columns of a kind of file mean and how its rows act on the register';
COMMENT ON COLUMN import.definition.valid IS 'Written by triggers: whether jobs may use the definition; validation_error says what is wrong';
COMMENT ON COLUMN import.definition.import_as_null IS 'Values that mean nothing at all; compared without regard to case';
COMMENT ON COLUMN import.definition.unique_units IS 'Whether a unit may stand in a file only once; false needs dates in the file';
COMMENT ON COLUMN import.definition.dynamic_columns IS
    'Whether enabling a type of identifier or a statistic adds a source column of its name, and disabling removes it';

CREATE TABLE import.step (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]*$'),
    name text NOT NULL CHECK (btrim(name) <> ''),
    priority integer NOT NULL,
    is_analysed boolean NOT NULL,
    is_processed boolean NOT NULL,
    is_holistic boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE import.step IS 'Parts of an import: each owns columns of the data table';
COMMENT ON COLUMN import.step.is_analysed IS 'The analysis of a row judges columns of the step';
COMMENT ON COLUMN import.step.is_processed IS 'The step writes to the register';
COMMENT ON COLUMN import.step.is_holistic IS 'The step needs to see all rows of the file at once';

CREATE TABLE import.definition_step (
    definition_id integer NOT NULL REFERENCES import.definition ON DELETE CASCADE,
    step_id integer NOT NULL REFERENCES import.step ON DELETE RESTRICT,
    PRIMARY KEY (definition_id, step_id)
);
CREATE INDEX definition_step_step_id_idx ON import.definition_step (step_id);
COMMENT ON TABLE import.definition_step IS 'Which steps a definition has';

CREATE TABLE import.data_column (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    step_id integer NOT NULL REFERENCES import.step ON DELETE CASCADE,
    priority integer NOT NULL,
    column_name text NOT NULL CHECK (octet_length(column_name) BETWEEN 1 AND 63),
    column_type text NOT NULL,
    purpose import.column_purpose NOT NULL,
    is_nullable boolean NOT NULL DEFAULT true,
    default_value text,
    is_uniquely_identifying boolean NOT NULL DEFAULT false,
    target_pg_type text,
    -- Columns that exist because of a type of identifier or a statistic.
    external_ident_type_id integer REFERENCES register.external_ident_type ON DELETE CASCADE,
    ident_label text,
    stat_definition_id integer REFERENCES register.stat_definition ON DELETE CASCADE,
    enabled boolean NOT NULL DEFAULT true,
    UNIQUE (step_id, column_name),
    UNIQUE (id, purpose),
    CONSTRAINT data_column_raw_name CHECK ((purpose = 'source_input') = (column_name LIKE '%\_raw')),
    CONSTRAINT data_column_raw_is_text CHECK (purpose <> 'source_input' OR (column_type = 'text' AND is_nullable)),
    CONSTRAINT data_column_identifying_is_source CHECK (NOT is_uniquely_identifying OR purpose = 'source_input'),
    CONSTRAINT data_column_one_origin CHECK (num_nonnulls(external_ident_type_id, stat_definition_id) <= 1),
    CONSTRAINT data_column_label_of_ident CHECK (ident_label IS NULL OR external_ident_type_id IS NOT NULL),
    CONSTRAINT data_column_fixed_is_enabled CHECK (enabled OR num_nonnulls(external_ident_type_id, stat_definition_id) = 1)
);
CREATE INDEX data_column_external_ident_type_id_idx ON import.data_column (external_ident_type_id) WHERE external_ident_type_id IS NOT NULL;
CREATE INDEX data_column_stat_definition_id_idx ON import.data_column (stat_definition_id) WHERE stat_definition_id IS NOT NULL;
COMMENT ON TABLE import.data_column IS 'The columns that a step gives to the data table of a job';
COMMENT ON COLUMN import.data_column.column_type IS 'Type in the data table, as SQL text; ltree stands without a schema';
COMMENT ON COLUMN import.data_column.target_pg_type IS 'Type of the column of the register that the value ends up in, for the check of its length';
COMMENT ON COLUMN import.data_column.ident_label IS 'The component of a hierarchical identifier that the column holds';
COMMENT ON COLUMN import.data_column.enabled IS 'False while its type of identifier or its statistic is disabled: new jobs get no such column, and mappings to it are ignored';

CREATE TABLE import.source_column (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    definition_id integer NOT NULL REFERENCES import.definition ON DELETE CASCADE,
    column_name text NOT NULL,
    priority integer NOT NULL CHECK (priority > 0),
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    UNIQUE (definition_id, column_name),
    UNIQUE (definition_id, priority) DEFERRABLE INITIALLY IMMEDIATE,
    UNIQUE (id, definition_id),
    -- The heading becomes a column's name.
    CONSTRAINT source_column_name_length CHECK (octet_length(column_name) BETWEEN 1 AND 63),
    CONSTRAINT source_column_name_visible CHECK (column_name = btrim(column_name) AND column_name !~ '[[:cntrl:]]'),
    CONSTRAINT source_column_name_not_reserved CHECK (column_name NOT IN ('tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'))
);
COMMENT ON TABLE import.source_column IS 'The headings of a file, in order; each is at most 63 bytes long';

CREATE TABLE import.mapping (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    definition_id integer NOT NULL REFERENCES import.definition ON DELETE CASCADE,
    source_column_id integer,
    source_value text,
    source_expression import.source_expression,
    target_data_column_id integer,
    target_data_column_purpose import.column_purpose GENERATED ALWAYS AS ('source_input'::import.column_purpose) STORED,
    is_ignored boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    UNIQUE (definition_id, target_data_column_id),
    CONSTRAINT mapping_source_column_fkey FOREIGN KEY (source_column_id, definition_id)
        REFERENCES import.source_column (id, definition_id) ON DELETE CASCADE,
    CONSTRAINT mapping_target_data_column_fkey FOREIGN KEY (target_data_column_id, target_data_column_purpose)
        REFERENCES import.data_column (id, purpose) ON DELETE CASCADE,
    CONSTRAINT mapping_one_source CHECK (num_nonnulls(source_column_id, source_value, source_expression) = 1),
    CONSTRAINT mapping_target_unless_ignored CHECK (is_ignored = (target_data_column_id IS NULL)),
    CONSTRAINT mapping_ignores_a_source_column CHECK (NOT is_ignored OR source_column_id IS NOT NULL)
);
CREATE UNIQUE INDEX mapping_ignored_key ON import.mapping (source_column_id) WHERE is_ignored;
CREATE INDEX mapping_source_column_id_idx ON import.mapping (source_column_id) WHERE source_column_id IS NOT NULL;
CREATE INDEX mapping_target_data_column_id_idx ON import.mapping (target_data_column_id) WHERE target_data_column_id IS NOT NULL;
COMMENT ON TABLE import.mapping IS 'Which source column, fixed value or expression fills which column of the data table';
COMMENT ON COLUMN import.mapping.source_expression IS 'default: what the job says; now: the day of the analysis';
COMMENT ON COLUMN import.mapping.is_ignored IS 'The source column is left out on purpose';

-- jobs ------------------------------------------------------------------------------------------------------------

CREATE TABLE import.job (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9_]{0,47}$'),
    description text,
    note text,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    definition_id integer NOT NULL REFERENCES import.definition ON DELETE RESTRICT,
    user_id integer NOT NULL REFERENCES auth."user" ON DELETE RESTRICT,
    time_context_ident text,
    default_valid_from date,
    default_valid_to date,
    default_data_source_code text,
    upload_table_name text NOT NULL UNIQUE,
    data_table_name text NOT NULL UNIQUE,
    priority bigint,
    analysis_batch_size integer NOT NULL DEFAULT 32768 CHECK (analysis_batch_size > 0),
    processing_batch_size integer NOT NULL DEFAULT 8000 CHECK (processing_batch_size > 0),
    definition_snapshot jsonb NOT NULL,
    unique_units boolean NOT NULL,
    truncate_overlong boolean NOT NULL DEFAULT false,
    review boolean,
    edit_comment varchar(512),
    expires_at timestamptz NOT NULL,
    state import.job_state NOT NULL DEFAULT 'waiting_for_upload',
    error text,
    preparing_data_at timestamptz,
    analysis_start_at timestamptz,
    analysis_stop_at timestamptz,
    changes_approved_at timestamptz,
    changes_rejected_at timestamptz,
    processing_start_at timestamptz,
    processing_stop_at timestamptz,
    current_step_code text,
    current_step_priority integer,
    max_analysis_priority integer,
    total_analysis_steps_weighted bigint,
    completed_analysis_steps_weighted bigint,
    analysis_completed_pct numeric(5, 2) NOT NULL DEFAULT 0 CHECK (analysis_completed_pct BETWEEN 0 AND 100),
    analysis_rows_per_sec numeric(14, 2),
    import_completed_pct numeric(5, 2) NOT NULL DEFAULT 0 CHECK (import_completed_pct BETWEEN 0 AND 100),
    import_rows_per_sec numeric(14, 2),
    last_progress_update timestamptz,
    -- Rows, not findings.
    total_rows bigint CHECK (total_rows >= 0),
    imported_rows bigint NOT NULL DEFAULT 0 CHECK (imported_rows >= 0),
    unchanged_rows bigint NOT NULL DEFAULT 0 CHECK (unchanged_rows >= 0),
    skipped_rows bigint NOT NULL DEFAULT 0 CHECK (skipped_rows >= 0),
    error_count bigint NOT NULL DEFAULT 0 CHECK (error_count >= 0),
    warning_count bigint NOT NULL DEFAULT 0 CHECK (warning_count >= 0),
    CONSTRAINT job_priority_once_uploaded CHECK (priority IS NOT NULL OR state IN ('waiting_for_upload', 'failed')),
    CONSTRAINT job_dates_both_or_none CHECK ((default_valid_from IS NULL) = (default_valid_to IS NULL)),
    CONSTRAINT job_dates_in_order CHECK (default_valid_from <= default_valid_to),
    CONSTRAINT job_valid_from_finite CHECK (isfinite(default_valid_from)),
    CONSTRAINT job_dates_as_definition CHECK (
        CASE definition_snapshot #>> '{import_definition,valid_time_from}'
            WHEN 'job_provided' THEN default_valid_from IS NOT NULL
            WHEN 'source_columns' THEN default_valid_from IS NULL AND time_context_ident IS NULL
            ELSE false
        END),
    CONSTRAINT job_snapshot_complete CHECK (
        definition_snapshot ?& '{import_definition,import_step_list,import_data_column_list,import_source_column_list,import_mapping_list}'
        AND (time_context_ident IS NULL OR definition_snapshot ? 'time_context')),
    CONSTRAINT job_error_when_failed CHECK ((state = 'failed') = (error IS NOT NULL)),
    CONSTRAINT job_expires_later CHECK (created_at < expires_at),
    -- Conservation: every row of the file is accounted for.
    CONSTRAINT job_rows_conserved CHECK (
        state <> 'finished' OR total_rows IS NOT DISTINCT FROM imported_rows + unchanged_rows + skipped_rows + error_count)
);
CREATE INDEX job_definition_id_idx ON import.job (definition_id);
CREATE INDEX job_user_id_idx ON import.job (user_id);
CREATE INDEX job_open_idx ON import.job (priority) WHERE state NOT IN ('finished', 'failed');
CREATE INDEX job_expires_at_idx ON import.job (expires_at);
COMMENT ON TABLE import.job IS 'One file on its way into the register';
COMMENT ON COLUMN import.job.definition_snapshot IS 'The definition as it was when the job was made: later changes of it do not reach the job';
COMMENT ON COLUMN import.job.priority IS 'Jobs run one after the other, lower numbers first; the number is drawn when the upload is complete';
COMMENT ON COLUMN import.job.review IS 'true: always wait for review; false: never; NULL: only when rows have errors';
COMMENT ON COLUMN import.job.error_count IS 'Rows with an error';
COMMENT ON COLUMN import.job.warning_count IS 'Rows with a warning that are used all the same';

-- findings --------------------------------------------------------------------------------------------------------

CREATE TABLE import.finding_code (
    code text PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9_]*$'),
    level text NOT NULL DEFAULT 'row' CHECK (level IN ('file', 'row')),
    severity text NOT NULL CHECK (severity IN ('error', 'warning', 'info')),
    message text NOT NULL CHECK (btrim(message) <> ''),
    hint text
);
COMMENT ON TABLE import.finding_code IS 'What can be wrong with a file or a row: one code per cause';
COMMENT ON COLUMN import.finding_code.severity IS 'What the finding does to its row unless the finding itself says otherwise';
COMMENT ON COLUMN import.finding_code.message IS
    'Template: {column}, {value} and the keys of the finding''s details stand for what they hold';

-- One row per bad record. findings is an array of objects: code, column (without _raw; absent: the whole row), value (as in
-- the file), details (object), severity (absent: that of the code). row_id 0 stands for the file.
CREATE TABLE import.bad_row (
    job_id integer NOT NULL REFERENCES import.job ON DELETE CASCADE,
    row_id bigint NOT NULL CHECK (row_id >= 0),
    source_line bigint,
    findings jsonb NOT NULL CHECK (jsonb_typeof(findings) = 'array'),
    PRIMARY KEY (job_id, row_id)
);
COMMENT ON TABLE import.bad_row IS 'Records of a file about which there is something to say, with all that there is; see view import.finding';
$step$::text;
    RETURN QUERY SELECT 13, '0013_import_seed'::text, $step$-- Step 0013: the steps of an import, the columns they give to the data table, the default definitions, and the catalogue of findings.

INSERT INTO import.step (priority, code, name, is_analysed, is_processed, is_holistic) VALUES
    (10, 'valid_time', 'Validity', true, false, false),
    (11, 'length_limits', 'Length limits', true, false, false),
    (15, 'external_idents', 'Identifiers', true, false, true),
    (16, 'data_source', 'Data source', true, false, false),
    (17, 'status', 'Status', true, false, false),
    (18, 'enterprise_link_for_legal_unit', 'Enterprise of the legal unit', true, true, false),
    (19, 'enterprise_link_for_establishment', 'Enterprise of the establishment', true, true, false),
    (19, 'link_establishment_to_legal_unit', 'Legal unit of the establishment', true, false, true),
    (20, 'legal_unit', 'Legal unit', true, true, false),
    (20, 'establishment', 'Establishment', true, true, false),
    (20, 'legal_relationship', 'Legal relationship', true, true, false),
    (21, 'power_group_link', 'Power group', true, true, true),
    (30, 'physical_location', 'Physical location', true, true, false),
    (40, 'postal_location', 'Postal location', true, true, false),
    (50, 'primary_activity', 'Primary activity', true, true, false),
    (60, 'secondary_activity', 'Secondary activity', true, true, false),
    (70, 'contact', 'Contact', true, true, false),
    (80, 'statistical_variables', 'Statistical variables', true, true, false),
    (90, 'tags', 'Tags', true, true, false),
    (100, 'edit_info', 'Edit information', true, false, false),
    (110, 'metadata', 'Bookkeeping of the row', false, false, false);

-- Columns of the data table ---------------------------------------------------------------------------------------

INSERT INTO import.data_column (step_id, priority, column_name, column_type, purpose, target_pg_type)
SELECT s.id, c.priority, c.column_name, c.column_type, c.purpose::import.column_purpose, c.target_pg_type
FROM (VALUES
        ('valid_time', 1, 'valid_from_raw', 'text', 'source_input', 'date'),
        ('valid_time', 2, 'valid_to_raw', 'text', 'source_input', 'date'),
        ('valid_time', 3, 'valid_from', 'date', 'internal', NULL),
        ('valid_time', 4, 'valid_to', 'date', 'internal', NULL),
        ('valid_time', 5, 'valid_until', 'date', 'internal', NULL),
        ('external_idents', 1, 'legal_unit_id', 'integer', 'pk_id', NULL),
        ('external_idents', 2, 'establishment_id', 'integer', 'pk_id', NULL),
        ('data_source', 1, 'data_source_code_raw', 'text', 'source_input', 'text'),
        ('data_source', 2, 'data_source_id', 'integer', 'internal', NULL),
        ('status', 1, 'status_code_raw', 'text', 'source_input', 'text'),
        ('status', 2, 'status_id', 'integer', 'internal', NULL),
        ('enterprise_link_for_legal_unit', 1, 'enterprise_id', 'integer', 'pk_id', NULL),
        ('enterprise_link_for_legal_unit', 2, 'primary_for_enterprise', 'boolean', 'internal', NULL),
        ('enterprise_link_for_establishment', 1, 'enterprise_id', 'integer', 'pk_id', NULL),
        ('enterprise_link_for_establishment', 2, 'primary_for_enterprise', 'boolean', 'internal', NULL),
        ('link_establishment_to_legal_unit', 1, 'primary_for_legal_unit', 'boolean', 'internal', NULL),
        ('legal_relationship', 1, 'influencing_tax_ident_raw', 'text', 'source_input', 'character varying(50)'),
        ('legal_relationship', 2, 'influenced_tax_ident_raw', 'text', 'source_input', 'character varying(50)'),
        ('legal_relationship', 3, 'rel_type_code_raw', 'text', 'source_input', 'text'),
        ('legal_relationship', 4, 'percentage_raw', 'text', 'source_input', 'numeric(5,2)'),
        ('legal_relationship', 5, 'influencing_id', 'integer', 'internal', NULL),
        ('legal_relationship', 6, 'influenced_id', 'integer', 'internal', NULL),
        ('legal_relationship', 7, 'type_id', 'integer', 'internal', NULL),
        ('legal_relationship', 8, 'percentage', 'numeric(5,2)', 'internal', NULL),
        ('legal_relationship', 9, 'legal_relationship_id', 'integer', 'pk_id', NULL),
        ('primary_activity', 1, 'primary_activity_category_code_raw', 'text', 'source_input', 'text'),
        ('primary_activity', 2, 'primary_activity_category_id', 'integer', 'internal', NULL),
        ('primary_activity', 3, 'primary_activity_id', 'integer', 'pk_id', NULL),
        ('secondary_activity', 1, 'secondary_activity_category_code_raw', 'text', 'source_input', 'text'),
        ('secondary_activity', 2, 'secondary_activity_category_id', 'integer', 'internal', NULL),
        ('secondary_activity', 3, 'secondary_activity_id', 'integer', 'pk_id', NULL),
        ('contact', 13, 'contact_id', 'integer', 'pk_id', NULL),
        ('tags', 1, 'tag_path_raw', 'text', 'source_input', 'ltree'),
        ('tags', 2, 'tag_path', 'ltree', 'internal', NULL),
        ('tags', 3, 'tag_id', 'integer', 'internal', NULL),
        ('tags', 4, 'tag_for_unit_id', 'integer', 'pk_id', NULL),
        ('edit_info', 1, 'edit_comment_raw', 'text', 'source_input', 'character varying(512)'),
        ('edit_info', 2, 'edit_comment', 'text', 'internal', NULL),
        ('edit_info', 3, 'edit_by_user_id', 'integer', 'internal', NULL),
        ('edit_info', 4, 'edit_at', 'timestamp with time zone', 'internal', NULL)
    ) AS c (step, priority, column_name, column_type, purpose, target_pg_type)
JOIN import.step AS s ON s.code = c.step
ORDER BY s.priority, s.code, c.priority;

INSERT INTO import.data_column (step_id, priority, column_name, column_type, purpose, is_nullable, default_value)
SELECT s.id, c.priority, c.column_name, c.column_type, 'metadata', c.default_value IS NULL, c.default_value
FROM (VALUES
        (1, 'founding_row_id', 'bigint', NULL),
        (2, 'operation', 'import.row_operation', NULL),
        (3, 'action', 'import.row_action', NULL),
        (4, 'state', 'import.data_state', '''pending'''),
        (5, 'batch_seq', 'integer', NULL),
        (6, 'errors', 'jsonb', '''{}'''),
        (7, 'warnings', 'jsonb', '''{}'''),
        (8, 'merge_status', 'jsonb', '''{}''')
    ) AS c (priority, column_name, column_type, default_value)
JOIN import.step AS s ON s.code = 'metadata'
ORDER BY c.priority;

-- Texts, dates and codes of the file, then what they are read as.
INSERT INTO import.data_column (step_id, priority, column_name, column_type, purpose, target_pg_type)
SELECT s.id, c.priority, c.source || '_raw', 'text', 'source_input'::import.column_purpose, c.target_pg_type
FROM (VALUES
        ('legal_unit', 1, 'name', 'character varying(256)'),
        ('legal_unit', 2, 'birth_date', 'date'),
        ('legal_unit', 3, 'death_date', 'date'),
        ('legal_unit', 4, 'sector_code', 'text'),
        ('legal_unit', 5, 'unit_size_code', 'text'),
        ('legal_unit', 6, 'legal_form_code', 'text'),
        ('establishment', 1, 'name', 'character varying(256)'),
        ('establishment', 2, 'birth_date', 'date'),
        ('establishment', 3, 'death_date', 'date'),
        ('establishment', 4, 'sector_code', 'text'),
        ('establishment', 5, 'unit_size_code', 'text'),
        ('contact', 1, 'web_address', 'character varying(256)'),
        ('contact', 2, 'email_address', 'character varying(50)'),
        ('contact', 3, 'phone_number', 'character varying(50)'),
        ('contact', 4, 'landline', 'character varying(50)'),
        ('contact', 5, 'mobile_number', 'character varying(50)'),
        ('contact', 6, 'fax_number', 'character varying(50)')
    ) AS c (step, priority, source, target_pg_type)
JOIN import.step AS s ON s.code = c.step
UNION ALL
SELECT s.id, c.priority, l.kind || '_' || c.source || '_raw', 'text', 'source_input', c.target_pg_type
FROM (VALUES ('physical'), ('postal')) AS l (kind)
JOIN import.step AS s ON s.code = l.kind || '_location'
CROSS JOIN (VALUES
        (1, 'address_part1', 'character varying(200)'),
        (2, 'address_part2', 'character varying(200)'),
        (3, 'address_part3', 'character varying(200)'),
        (4, 'postcode', 'character varying(200)'),
        (5, 'postplace', 'character varying(200)'),
        (6, 'region_code', 'text'),
        (7, 'country_iso_2', 'text'),
        (8, 'latitude', 'numeric(9,6)'),
        (9, 'longitude', 'numeric(9,6)'),
        (10, 'altitude', 'numeric(6,1)')
    ) AS c (priority, source, target_pg_type)
ORDER BY 1, 2;

INSERT INTO import.data_column (step_id, priority, column_name, column_type, purpose)
SELECT s.id, c.priority, c.column_name, c.column_type, c.purpose::import.column_purpose
FROM (VALUES
        ('legal_unit', 11, 'name', 'text', 'internal'),
        ('legal_unit', 12, 'birth_date', 'date', 'internal'),
        ('legal_unit', 13, 'death_date', 'date', 'internal'),
        ('legal_unit', 14, 'sector_id', 'integer', 'internal'),
        ('legal_unit', 15, 'unit_size_id', 'integer', 'internal'),
        ('legal_unit', 16, 'legal_form_id', 'integer', 'internal'),
        ('establishment', 11, 'name', 'text', 'internal'),
        ('establishment', 12, 'birth_date', 'date', 'internal'),
        ('establishment', 13, 'death_date', 'date', 'internal'),
        ('establishment', 14, 'sector_id', 'integer', 'internal'),
        ('establishment', 15, 'unit_size_id', 'integer', 'internal'),
        ('contact', 7, 'web_address', 'text', 'internal'),
        ('contact', 8, 'email_address', 'text', 'internal'),
        ('contact', 9, 'phone_number', 'text', 'internal'),
        ('contact', 10, 'landline', 'text', 'internal'),
        ('contact', 11, 'mobile_number', 'text', 'internal'),
        ('contact', 12, 'fax_number', 'text', 'internal')
    ) AS c (step, priority, column_name, column_type, purpose)
JOIN import.step AS s ON s.code = c.step
UNION ALL
SELECT s.id, c.priority, l.kind || '_' || c.column_name, c.column_type, c.purpose::import.column_purpose
FROM (VALUES ('physical'), ('postal')) AS l (kind)
JOIN import.step AS s ON s.code = l.kind || '_location'
CROSS JOIN (VALUES
        (11, 'address_part1', 'text', 'internal'),
        (12, 'address_part2', 'text', 'internal'),
        (13, 'address_part3', 'text', 'internal'),
        (14, 'postcode', 'text', 'internal'),
        (15, 'postplace', 'text', 'internal'),
        (16, 'region_id', 'integer', 'internal'),
        (17, 'country_id', 'integer', 'internal'),
        (18, 'latitude', 'numeric(9,6)', 'internal'),
        (19, 'longitude', 'numeric(9,6)', 'internal'),
        (20, 'altitude', 'numeric(6,1)', 'internal'),
        (21, 'location_id', 'integer', 'pk_id')
    ) AS c (priority, column_name, column_type, purpose)
ORDER BY 1, 2;

-- What import.synchronise_columns() makes for the types of identifier and the statistics that exist today; it keeps them
-- in step from here on.
INSERT INTO import.data_column
    (step_id, priority, column_name, column_type, purpose, target_pg_type, is_uniquely_identifying, external_ident_type_id, ident_label, enabled)
SELECT s.id, 100, side.prefix || t.code || '_raw', 'text', 'source_input'::import.column_purpose, 'character varying(50)', side.prefix = '', t.id, NULL, t.enabled
FROM register.external_ident_type AS t
CROSS JOIN (VALUES ('external_idents', ''), ('link_establishment_to_legal_unit', 'legal_unit_')) AS side (step, prefix)
JOIN import.step AS s ON s.code = side.step
WHERE t.shape = 'regular'
UNION ALL
SELECT s.id, 100, side.prefix || t.code || '_' || label.name || '_raw', 'text', 'source_input', 'ltree', side.prefix = '', t.id, label.name, t.enabled
FROM register.external_ident_type AS t
CROSS JOIN (VALUES ('external_idents', ''), ('link_establishment_to_legal_unit', 'legal_unit_')) AS side (step, prefix)
JOIN import.step AS s ON s.code = side.step
CROSS JOIN LATERAL unnest(string_to_array(ltree2text(t.labels), '.')) AS label (name)
WHERE t.shape = 'hierarchical'
UNION ALL
SELECT s.id, 110, side.prefix || t.code || '_path', 'ltree', 'internal', NULL, false, t.id, NULL, t.enabled
FROM register.external_ident_type AS t
CROSS JOIN (VALUES ('external_idents', ''), ('link_establishment_to_legal_unit', 'legal_unit_')) AS side (step, prefix)
JOIN import.step AS s ON s.code = side.step
WHERE t.shape = 'hierarchical'
ORDER BY 1, 2, 8, 3;

INSERT INTO import.data_column (step_id, priority, column_name, column_type, purpose, target_pg_type, stat_definition_id, enabled)
SELECT s.id, c.priority, format(c.pattern, v.code), coalesce(c.column_type, kind.name), c.purpose::import.column_purpose,
       CASE WHEN c.purpose = 'source_input' THEN kind.name END, v.id, v.enabled
FROM register.stat_definition AS v
JOIN (VALUES ('int', 'integer'), ('float', 'numeric'), ('string', 'text'), ('bool', 'boolean')) AS kind (type, name) ON kind.type = v.type::text
CROSS JOIN (VALUES
        (100, '%s_raw', 'text', 'source_input'),
        (110, '%s', NULL, 'internal'),
        (120, 'stat_for_unit_%s_id', 'integer', 'pk_id')
    ) AS c (priority, pattern, column_type, purpose)
JOIN import.step AS s ON s.code = 'statistical_variables'
ORDER BY v.id, c.priority;

-- Definitions -----------------------------------------------------------------------------------------------------

INSERT INTO import.definition (slug, name, note, data_source_id, strategy, mode, valid_time_from, unique_units, custom, dynamic_columns, validation_error)
-- Where the file gives periods, a unit may stand in it once for each period.
SELECT d.slug, d.name, d.note,
       (SELECT s.id FROM register.data_source AS s WHERE s.code = d.data_source AND s.enabled),
       d.strategy::import.strategy, d.mode::import.mode, d.valid_time_from::import.valid_time_from,
       d.valid_time_from = 'job_provided', false, d.dynamic_columns, 'not validated yet'
FROM (VALUES
        ('legal_unit_job_provided', 'Legal units, period of the job',
         'Every row is valid in the period that the job gives.', 'nlr', 'insert_or_update', 'legal_unit', 'job_provided', true),
        ('legal_unit_source_dates', 'Legal units, period in the file',
         'Every row gives its own period in valid_from and valid_to.', 'nlr', 'insert_or_update', 'legal_unit', 'source_columns', true),
        ('establishment_for_lu_job_provided', 'Establishments of legal units, period of the job',
         'Each establishment names its legal unit by an identifier.', 'nlr', 'insert_or_update', 'establishment_formal', 'job_provided', true),
        ('establishment_for_lu_source_dates', 'Establishments of legal units, period in the file',
         'Each establishment names its legal unit by an identifier.', 'nlr', 'insert_or_update', 'establishment_formal', 'source_columns', true),
        ('establishment_without_lu_job_provided', 'Establishments without legal unit, period of the job',
         'Informal establishments: each new one gets an enterprise of its own.', 'census', 'insert_or_update', 'establishment_informal', 'job_provided', true),
        ('establishment_without_lu_source_dates', 'Establishments without legal unit, period in the file',
         'Informal establishments: each new one gets an enterprise of its own.', 'census', 'insert_or_update', 'establishment_informal', 'source_columns', true),
        ('generic_unit_stats_update_job_provided', 'Statistics of known units, period of the job',
         'Updates statistical variables of legal units and establishments that exist already.', 'survey', 'replace_only', 'generic_unit', 'job_provided', true),
        ('generic_unit_stats_update_source_dates', 'Statistics of known units, period in the file',
         'Updates statistical variables of legal units and establishments that exist already.', 'survey', 'replace_only', 'generic_unit', 'source_columns', true),
        ('legal_relationship_job_provided', 'Legal relationships, period of the job',
         'Which legal unit influences which, how, and by how many per cent.', 'nlr', 'insert_or_update', 'legal_relationship', 'job_provided', false),
        ('legal_relationship_source_dates', 'Legal relationships, period in the file',
         'Which legal unit influences which, how, and by how many per cent.', 'nlr', 'insert_or_update', 'legal_relationship', 'source_columns', false),
        ('brreg_hovedenhet', 'Norway: units of the Brønnøysund registers',
         'CSV of hovedenheter with the headings of 2024 and 2025, in any order.', 'nlr', 'insert_or_replace', 'legal_unit', 'job_provided', false),
        ('brreg_underenhet', 'Norway: subunits of the Brønnøysund registers',
         'CSV of underenheter with the headings of 2024 and 2025, in any order.', 'nlr', 'insert_or_replace', 'establishment_formal', 'job_provided', false)
    ) AS d (slug, name, note, data_source, strategy, mode, valid_time_from, dynamic_columns);

INSERT INTO import.definition_step (definition_id, step_id)
SELECT d.id, s.id
FROM import.definition AS d
JOIN import.step AS s ON s.code = ANY (
    CASE d.mode
        WHEN 'legal_unit' THEN '{valid_time,length_limits,external_idents,data_source,status,enterprise_link_for_legal_unit,legal_unit,
            physical_location,postal_location,primary_activity,secondary_activity,contact,statistical_variables,tags,edit_info,metadata}'
        WHEN 'establishment_formal' THEN '{valid_time,length_limits,external_idents,data_source,status,link_establishment_to_legal_unit,establishment,
            physical_location,postal_location,primary_activity,secondary_activity,contact,statistical_variables,tags,edit_info,metadata}'
        WHEN 'establishment_informal' THEN '{valid_time,length_limits,external_idents,data_source,status,enterprise_link_for_establishment,establishment,
            physical_location,postal_location,primary_activity,secondary_activity,contact,statistical_variables,tags,edit_info,metadata}'
        WHEN 'generic_unit' THEN '{valid_time,length_limits,external_idents,data_source,statistical_variables,edit_info,metadata}'
        WHEN 'legal_relationship' THEN '{valid_time,length_limits,data_source,legal_relationship,power_group_link,edit_info,metadata}'
    END::text[])
WHERE NOT d.custom
ORDER BY d.id, s.priority;

-- The source columns of the default definitions are named as the columns that they fill.
INSERT INTO import.source_column (definition_id, column_name, priority)
SELECT f.definition_id, f.column_name, row_number() OVER (PARTITION BY f.definition_id ORDER BY f.block, f.position, f.column_id)
FROM (
    SELECT d.id AS definition_id, regexp_replace(c.column_name, '_raw$', '') AS column_name,
           CASE s.code WHEN 'external_idents' THEN 10 WHEN 'link_establishment_to_legal_unit' THEN 11 ELSE 50 END AS block,
           coalesce(t.priority, v.priority)::bigint AS position, c.id AS column_id
    FROM import.definition AS d
    JOIN import.definition_step AS ds ON ds.definition_id = d.id
    JOIN import.step AS s ON s.id = ds.step_id
    JOIN import.data_column AS c ON c.step_id = s.id
    LEFT JOIN register.external_ident_type AS t ON t.id = c.external_ident_type_id
    LEFT JOIN register.stat_definition AS v ON v.id = c.stat_definition_id
    WHERE d.dynamic_columns
    AND c.enabled
    AND c.purpose = 'source_input'
    AND num_nonnulls(c.external_ident_type_id, c.stat_definition_id) = 1
    UNION ALL
    SELECT d.id, name.name, 20, name.position, 0
    FROM import.definition AS d
    CROSS JOIN unnest('{valid_from,valid_to}'::text[]) WITH ORDINALITY AS name (name, position)
    WHERE d.valid_time_from = 'source_columns'
    AND NOT d.custom
    UNION ALL
    SELECT d.id, name.name, 30, name.position, 0
    FROM import.definition AS d
    CROSS JOIN unnest('{name,birth_date,death_date,
        physical_address_part1,physical_address_part2,physical_address_part3,physical_postcode,physical_postplace,
        physical_latitude,physical_longitude,physical_altitude,physical_region_code,physical_country_iso_2,
        postal_address_part1,postal_address_part2,postal_address_part3,postal_postcode,postal_postplace,postal_region_code,postal_country_iso_2,
        web_address,email_address,phone_number,landline,mobile_number,fax_number,
        primary_activity_category_code,secondary_activity_category_code,
        sector_code,unit_size_code,status_code,data_source_code,legal_form_code,tag_path}'::text[]) WITH ORDINALITY AS name (name, position)
    WHERE d.dynamic_columns
    AND d.mode IN ('legal_unit', 'establishment_formal', 'establishment_informal')
    AND (name.name <> 'legal_form_code' OR d.mode = 'legal_unit')
    UNION ALL
    SELECT d.id, 'data_source_code', 40, 1, 0
    FROM import.definition AS d
    WHERE d.dynamic_columns
    AND d.mode = 'generic_unit'
    UNION ALL
    SELECT d.id, name.name, 15, name.position, 0
    FROM import.definition AS d
    CROSS JOIN unnest('{influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage}'::text[])
        WITH ORDINALITY AS name (name, position)
    WHERE d.mode = 'legal_relationship'
    AND NOT d.custom
) AS f
ORDER BY 1, 3;

INSERT INTO import.mapping (definition_id, source_column_id, target_data_column_id)
SELECT h.definition_id, h.id, c.id
FROM import.source_column AS h
JOIN import.definition_step AS ds ON ds.definition_id = h.definition_id
JOIN import.data_column AS c ON c.step_id = ds.step_id AND c.column_name = h.column_name || '_raw'
ORDER BY h.definition_id, h.priority;

-- The registry's own headings; those without a target are ignored on purpose.
INSERT INTO import.source_column (definition_id, column_name, priority)
SELECT d.id, h.heading, h.priority
FROM (VALUES
        ('brreg_hovedenhet', 1, 'organisasjonsnummer'),
        ('brreg_hovedenhet', 2, 'navn'),
        ('brreg_hovedenhet', 3, 'organisasjonsform.kode'),
        ('brreg_hovedenhet', 4, 'organisasjonsform.beskrivelse'),
        ('brreg_hovedenhet', 5, 'naeringskode1.kode'),
        ('brreg_hovedenhet', 6, 'naeringskode1.beskrivelse'),
        ('brreg_hovedenhet', 7, 'naeringskode2.kode'),
        ('brreg_hovedenhet', 8, 'naeringskode2.beskrivelse'),
        ('brreg_hovedenhet', 9, 'naeringskode3.kode'),
        ('brreg_hovedenhet', 10, 'naeringskode3.beskrivelse'),
        ('brreg_hovedenhet', 11, 'hjelpeenhetskode.kode'),
        ('brreg_hovedenhet', 12, 'hjelpeenhetskode.beskrivelse'),
        ('brreg_hovedenhet', 13, 'harRegistrertAntallAnsatte'),
        ('brreg_hovedenhet', 14, 'antallAnsatte'),
        ('brreg_hovedenhet', 15, 'hjemmeside'),
        ('brreg_hovedenhet', 16, 'postadresse.adresse'),
        ('brreg_hovedenhet', 17, 'postadresse.poststed'),
        ('brreg_hovedenhet', 18, 'postadresse.postnummer'),
        ('brreg_hovedenhet', 19, 'postadresse.kommune'),
        ('brreg_hovedenhet', 20, 'postadresse.kommunenummer'),
        ('brreg_hovedenhet', 21, 'postadresse.land'),
        ('brreg_hovedenhet', 22, 'postadresse.landkode'),
        ('brreg_hovedenhet', 23, 'forretningsadresse.adresse'),
        ('brreg_hovedenhet', 24, 'forretningsadresse.poststed'),
        ('brreg_hovedenhet', 25, 'forretningsadresse.postnummer'),
        ('brreg_hovedenhet', 26, 'forretningsadresse.kommune'),
        ('brreg_hovedenhet', 27, 'forretningsadresse.kommunenummer'),
        ('brreg_hovedenhet', 28, 'forretningsadresse.land'),
        ('brreg_hovedenhet', 29, 'forretningsadresse.landkode'),
        ('brreg_hovedenhet', 30, 'institusjonellSektorkode.kode'),
        ('brreg_hovedenhet', 31, 'institusjonellSektorkode.beskrivelse'),
        ('brreg_hovedenhet', 32, 'sisteInnsendteAarsregnskap'),
        ('brreg_hovedenhet', 33, 'registreringsdatoenhetsregisteret'),
        ('brreg_hovedenhet', 34, 'stiftelsesdato'),
        ('brreg_hovedenhet', 35, 'registrertIMvaRegisteret'),
        ('brreg_hovedenhet', 36, 'frivilligMvaRegistrertBeskrivelser'),
        ('brreg_hovedenhet', 37, 'registrertIFrivillighetsregisteret'),
        ('brreg_hovedenhet', 38, 'registrertIForetaksregisteret'),
        ('brreg_hovedenhet', 39, 'registrertIStiftelsesregisteret'),
        ('brreg_hovedenhet', 40, 'konkurs'),
        ('brreg_hovedenhet', 41, 'konkursdato'),
        ('brreg_hovedenhet', 42, 'underAvvikling'),
        ('brreg_hovedenhet', 43, 'underAvviklingDato'),
        ('brreg_hovedenhet', 44, 'underTvangsavviklingEllerTvangsopplosning'),
        ('brreg_hovedenhet', 45, 'tvangsopplostPgaManglendeDagligLederDato'),
        ('brreg_hovedenhet', 46, 'tvangsopplostPgaManglendeRevisorDato'),
        ('brreg_hovedenhet', 47, 'tvangsopplostPgaManglendeRegnskapDato'),
        ('brreg_hovedenhet', 48, 'tvangsopplostPgaMangelfulltStyreDato'),
        ('brreg_hovedenhet', 49, 'tvangsavvikletPgaManglendeSlettingDato'),
        ('brreg_hovedenhet', 50, 'overordnetEnhet'),
        ('brreg_hovedenhet', 51, 'maalform'),
        ('brreg_hovedenhet', 52, 'vedtektsdato'),
        ('brreg_hovedenhet', 53, 'vedtektsfestetFormaal'),
        ('brreg_hovedenhet', 54, 'aktivitet'),
        ('brreg_hovedenhet', 55, 'registreringsdatoAntallAnsatteEnhetsregisteret'),
        ('brreg_hovedenhet', 56, 'registreringsdatoantallansatteNAVAaregisteret'),
        ('brreg_hovedenhet', 57, 'epostadresse'),
        ('brreg_hovedenhet', 58, 'telefon'),
        ('brreg_hovedenhet', 59, 'mobil'),
        ('brreg_hovedenhet', 60, 'registreringsdatoMerverdiavgiftsregisteret'),
        ('brreg_hovedenhet', 61, 'registreringsdatoMerverdiavgiftsregisteretEnhetsregisteret'),
        ('brreg_hovedenhet', 62, 'registreringsdatoFrivilligMerverdiavgiftsregisteret'),
        ('brreg_hovedenhet', 63, 'registreringsdatoFrivillighetsregisteret'),
        ('brreg_hovedenhet', 64, 'registreringsdatoForetaksregisteret'),
        ('brreg_hovedenhet', 65, 'registrertIPartiregisteret'),
        ('brreg_hovedenhet', 66, 'registreringsdatoPartiregisteret'),
        ('brreg_hovedenhet', 67, 'registreringsnummerIHjemlandet'),
        ('brreg_hovedenhet', 68, 'paategninger'),
        ('brreg_underenhet', 1, 'organisasjonsnummer'),
        ('brreg_underenhet', 2, 'navn'),
        ('brreg_underenhet', 3, 'organisasjonsform.kode'),
        ('brreg_underenhet', 4, 'organisasjonsform.beskrivelse'),
        ('brreg_underenhet', 5, 'naeringskode1.kode'),
        ('brreg_underenhet', 6, 'naeringskode1.beskrivelse'),
        ('brreg_underenhet', 7, 'naeringskode2.kode'),
        ('brreg_underenhet', 8, 'naeringskode2.beskrivelse'),
        ('brreg_underenhet', 9, 'naeringskode3.kode'),
        ('brreg_underenhet', 10, 'naeringskode3.beskrivelse'),
        ('brreg_underenhet', 11, 'hjelpeenhetskode.kode'),
        ('brreg_underenhet', 12, 'hjelpeenhetskode.beskrivelse'),
        ('brreg_underenhet', 13, 'harRegistrertAntallAnsatte'),
        ('brreg_underenhet', 14, 'antallAnsatte'),
        ('brreg_underenhet', 15, 'hjemmeside'),
        ('brreg_underenhet', 16, 'postadresse.adresse'),
        ('brreg_underenhet', 17, 'postadresse.poststed'),
        ('brreg_underenhet', 18, 'postadresse.postnummer'),
        ('brreg_underenhet', 19, 'postadresse.kommune'),
        ('brreg_underenhet', 20, 'postadresse.kommunenummer'),
        ('brreg_underenhet', 21, 'postadresse.land'),
        ('brreg_underenhet', 22, 'postadresse.landkode'),
        ('brreg_underenhet', 23, 'beliggenhetsadresse.adresse'),
        ('brreg_underenhet', 24, 'beliggenhetsadresse.poststed'),
        ('brreg_underenhet', 25, 'beliggenhetsadresse.postnummer'),
        ('brreg_underenhet', 26, 'beliggenhetsadresse.kommune'),
        ('brreg_underenhet', 27, 'beliggenhetsadresse.kommunenummer'),
        ('brreg_underenhet', 28, 'beliggenhetsadresse.land'),
        ('brreg_underenhet', 29, 'beliggenhetsadresse.landkode'),
        ('brreg_underenhet', 30, 'registreringsdatoIEnhetsregisteret'),
        ('brreg_underenhet', 31, 'frivilligMvaRegistrertBeskrivelser'),
        ('brreg_underenhet', 32, 'registrertIMvaregisteret'),
        ('brreg_underenhet', 33, 'oppstartsdato'),
        ('brreg_underenhet', 34, 'datoEierskifte'),
        ('brreg_underenhet', 35, 'overordnetEnhet'),
        ('brreg_underenhet', 36, 'nedleggelsesdato'),
        ('brreg_underenhet', 37, 'registreringsdatoAntallAnsatteEnhetsregisteret'),
        ('brreg_underenhet', 38, 'registreringsdatoantallansatteNAVAaregisteret'),
        ('brreg_underenhet', 39, 'epostadresse'),
        ('brreg_underenhet', 40, 'telefon'),
        ('brreg_underenhet', 41, 'mobil'),
        ('brreg_underenhet', 42, 'registreringsdatoFrivilligMerverdiavgiftsregisteret'),
        ('brreg_underenhet', 43, 'registreringsdatoMerverdiavgiftsregisteret'),
        ('brreg_underenhet', 44, 'registreringsdatoMerverdiavgiftsregisteretEnhetsregisteret')
    ) AS h (slug, priority, heading)
JOIN import.definition AS d ON d.slug = h.slug
ORDER BY d.id, h.priority;

INSERT INTO import.mapping (definition_id, source_column_id, target_data_column_id, is_ignored)
SELECT h.definition_id, h.id, c.id, c.id IS NULL
FROM import.definition AS d
JOIN import.source_column AS h ON h.definition_id = d.id
LEFT JOIN (VALUES
        ('brreg_hovedenhet', 'organisasjonsnummer', 'tax_ident'),
        ('brreg_hovedenhet', 'navn', 'name'),
        ('brreg_hovedenhet', 'organisasjonsform.kode', 'legal_form_code'),
        ('brreg_hovedenhet', 'naeringskode1.kode', 'primary_activity_category_code'),
        ('brreg_hovedenhet', 'naeringskode2.kode', 'secondary_activity_category_code'),
        ('brreg_hovedenhet', 'antallAnsatte', 'employees'),
        ('brreg_hovedenhet', 'hjemmeside', 'web_address'),
        ('brreg_hovedenhet', 'postadresse.adresse', 'postal_address_part1'),
        ('brreg_hovedenhet', 'postadresse.poststed', 'postal_postplace'),
        ('brreg_hovedenhet', 'postadresse.postnummer', 'postal_postcode'),
        ('brreg_hovedenhet', 'postadresse.kommunenummer', 'postal_region_code'),
        ('brreg_hovedenhet', 'postadresse.landkode', 'postal_country_iso_2'),
        ('brreg_hovedenhet', 'forretningsadresse.adresse', 'physical_address_part1'),
        ('brreg_hovedenhet', 'forretningsadresse.poststed', 'physical_postplace'),
        ('brreg_hovedenhet', 'forretningsadresse.postnummer', 'physical_postcode'),
        ('brreg_hovedenhet', 'forretningsadresse.kommunenummer', 'physical_region_code'),
        ('brreg_hovedenhet', 'forretningsadresse.landkode', 'physical_country_iso_2'),
        ('brreg_hovedenhet', 'institusjonellSektorkode.kode', 'sector_code'),
        ('brreg_hovedenhet', 'stiftelsesdato', 'birth_date'),
        ('brreg_underenhet', 'organisasjonsnummer', 'tax_ident'),
        ('brreg_underenhet', 'navn', 'name'),
        ('brreg_underenhet', 'naeringskode1.kode', 'primary_activity_category_code'),
        ('brreg_underenhet', 'naeringskode2.kode', 'secondary_activity_category_code'),
        ('brreg_underenhet', 'antallAnsatte', 'employees'),
        ('brreg_underenhet', 'hjemmeside', 'web_address'),
        ('brreg_underenhet', 'postadresse.adresse', 'postal_address_part1'),
        ('brreg_underenhet', 'postadresse.poststed', 'postal_postplace'),
        ('brreg_underenhet', 'postadresse.postnummer', 'postal_postcode'),
        ('brreg_underenhet', 'postadresse.kommunenummer', 'postal_region_code'),
        ('brreg_underenhet', 'postadresse.landkode', 'postal_country_iso_2'),
        ('brreg_underenhet', 'beliggenhetsadresse.adresse', 'physical_address_part1'),
        ('brreg_underenhet', 'beliggenhetsadresse.poststed', 'physical_postplace'),
        ('brreg_underenhet', 'beliggenhetsadresse.postnummer', 'physical_postcode'),
        ('brreg_underenhet', 'beliggenhetsadresse.kommunenummer', 'physical_region_code'),
        ('brreg_underenhet', 'beliggenhetsadresse.landkode', 'physical_country_iso_2'),
        ('brreg_underenhet', 'oppstartsdato', 'birth_date'),
        ('brreg_underenhet', 'overordnetEnhet', 'legal_unit_tax_ident'),
        ('brreg_underenhet', 'nedleggelsesdato', 'death_date')
    ) AS m (slug, heading, target) ON m.slug = d.slug AND m.heading = h.column_name
LEFT JOIN (import.definition_step AS ds JOIN import.data_column AS c ON c.step_id = ds.step_id)
    ON ds.definition_id = d.id AND c.column_name = m.target || '_raw'
WHERE d.slug IN ('brreg_hovedenhet', 'brreg_underenhet')
ORDER BY h.definition_id, h.priority;

-- Job-provided periods.
INSERT INTO import.mapping (definition_id, source_expression, target_data_column_id)
SELECT d.id, 'default', c.id
FROM import.definition AS d
JOIN import.step AS s ON s.code = 'valid_time'
JOIN import.data_column AS c ON c.step_id = s.id AND c.purpose = 'source_input'
WHERE d.valid_time_from = 'job_provided'
AND NOT d.custom
ORDER BY d.id, c.priority;

-- Findings --------------------------------------------------------------------------------------------------------

INSERT INTO import.finding_code (level, severity, code, message, hint) VALUES
    ('file', 'info', 'bom_removed', 'The file starts with a byte order mark; it was removed', NULL),
    ('file', 'error', 'encoding_invalid', 'The file is not valid UTF-8 at line {line}, byte {offset}', 'Save the file as UTF-8, or declare its encoding'),
    ('file', 'error', 'encoding_utf16', 'The file is UTF-16', 'Save it as "CSV UTF-8"'),
    ('row', 'error', 'nul_byte', 'The record holds a zero byte', NULL),
    ('file', 'warning', 'mixed_line_endings', 'The file mixes kinds of line endings', NULL),
    ('row', 'error', 'row_too_short', 'The record has {got} fields instead of {expected}', NULL),
    ('row', 'error', 'row_too_long', 'The record has {got} fields instead of {expected}', 'Is a field with a delimiter in it missing its quotes?'),
    ('row', 'error', 'quote_unclosed', 'A quote that opens in this record is never closed', NULL),
    ('row', 'warning', 'quote_inside_field', 'A quote stands inside a field without quotes; the value was kept as it is', NULL),
    ('row', 'warning', 'text_after_quote', 'Text follows a closing quote', NULL),
    ('file', 'error', 'delimiter_mismatch', 'The delimiter seems to be {detected}', 'Upload the file again with this delimiter'),
    ('file', 'info', 'excel_sep_line', 'The first line names the delimiter; it was used and skipped', NULL),
    ('file', 'error', 'header_not_found', 'No heading line was found', 'Line {line} looks like one'),
    ('file', 'error', 'header_duplicate', 'Heading {name} occurs more than once', NULL),
    ('file', 'info', 'header_normalised', 'Heading {value} was read as {name}', NULL),
    ('file', 'error', 'column_missing', 'The file has no column {column}', 'Did you mean {suggestion}?'),
    ('file', 'warning', 'column_ignored', 'Column {column} is unknown and was ignored', NULL),
    ('file', 'error', 'file_empty', 'The file is empty', NULL),
    ('file', 'warning', 'no_rows', 'The file has headings and no rows', NULL),
    ('row', 'info', 'blank_line', 'A blank line was skipped', NULL),
    ('row', 'info', 'blank_row', 'A row without any value was skipped', NULL),
    ('row', 'error', 'field_too_long', 'A field has more than {limit} bytes', NULL),
    ('row', 'warning', 'control_char', '{column} holds control character {codepoint}', NULL),
    ('file', 'error', 'not_a_csv', 'The file is not a CSV file but looks like {magic}', NULL),
    ('file', 'warning', 'file_already_imported', 'The same file was imported by job {job}', NULL),
    ('file', 'error', 'wrong_definition', 'The headings fit definition {definition} better', NULL),
    ('row', 'error', 'date_format', '{column}: "{value}" is not a date in the declared format', 'Write dates as YYYY-MM-DD, or declare other formats in the definition'),
    ('row', 'error', 'date_not_in_calendar', '{column}: there is no such day as "{value}"', NULL),
    ('row', 'error', 'date_ambiguous', '{column}: "{value}" is a different day in each declared format', 'Declare exactly one format in the definition'),
    ('row', 'error', 'date_out_of_range', '{column}: "{value}" is too early or too late', NULL),
    ('row', 'error', 'date_incomplete', '{column}: "{value}" lacks the day or the month', NULL),
    ('row', 'error', 'date_infinite_not_allowed', '{column}: infinity is not a day', NULL),
    ('row', 'warning', 'date_implausible', '{column}: "{value}" is an implausible year', NULL),
    ('row', 'info', 'time_dropped', '{column}: the time of day in "{value}" was dropped', NULL),
    ('row', 'error', 'period_reversed', 'The period ends before it starts', NULL),
    ('row', 'error', 'value_missing', '{column} has no value', NULL),
    ('row', 'info', 'period_overlap_equal', 'The period overlaps that of row {row}, with the same values', NULL),
    ('row', 'error', 'period_overlap_conflict', 'The period overlaps that of row {row}, with other values', NULL),
    ('row', 'info', 'period_gap', 'The unit has a gap between its periods', NULL),
    ('row', 'warning', 'dates_inconsistent', '{column}: "{value}" contradicts another date of the row', NULL),
    ('row', 'warning', 'period_outside_context', 'The period lies outside the time context of the job', NULL),
    ('row', 'info', 'open_end_normalised', '{column}: "{value}" was read as open end', NULL),
    ('row', 'error', 'ident_checksum', '{column}: the check digit of "{value}" is wrong', NULL),
    ('row', 'error', 'ident_length', '{column}: "{value}" has a wrong number of characters', NULL),
    ('row', 'error', 'ident_scientific', '{column}: digits of "{value}" are lost', 'Format the column as text in the spreadsheet'),
    ('row', 'info', 'ident_normalised', '{column}: "{value}" was read as {normalised}', NULL),
    ('row', 'warning', 'mixed_script', '{column}: "{value}" mixes scripts', NULL),
    ('row', 'error', 'ident_missing', 'The row has no identifier', NULL),
    ('row', 'error', 'ident_conflict', 'The identifiers of the row belong to different units', NULL),
    ('row', 'error', 'unit_type_conflict', 'The identifier belongs to a unit of another kind', NULL),
    ('row', 'error', 'ident_change', '{column}: the unit has another identifier of this type', 'Identifiers do not change'),
    ('row', 'warning', 'row_duplicate', 'The row repeats row {row}', NULL),
    ('row', 'error', 'row_conflict', 'The unit stands in the file more than once, with other values', NULL),
    ('row', 'error', 'unit_already_exists', 'The unit exists already, and the definition only inserts', NULL),
    ('row', 'error', 'unit_not_found', 'The unit does not exist, and the definition only changes existing units', NULL),
    ('row', 'error', 'founding_row_failed', 'Another row of the same new unit has an error', NULL),
    ('row', 'error', 'link_missing', 'The row names no legal unit', NULL),
    ('row', 'error', 'link_conflict', 'The identifiers of the legal unit belong to different legal units', NULL),
    ('row', 'error', 'reference_missing', '{column}: no legal unit has "{value}"', NULL),
    ('row', 'error', 'reference_not_valid_then', '{column}: legal unit "{value}" is not valid in the whole period of the row', NULL),
    ('row', 'warning', 'ownership_cycle', 'The relationship closes a circle', NULL),
    ('row', 'error', 'ownership_self', 'A unit cannot influence itself', NULL),
    ('row', 'error', 'percentage_range', '{column}: "{value}" is not between 0 and 100', NULL),
    ('row', 'warning', 'percentage_maybe_fraction', '{column}: "{value}" may be a fraction rather than per cent', NULL),
    ('row', 'warning', 'percentage_sum', 'The shares of the influenced unit add up to more than 100 per cent', NULL),
    ('row', 'error', 'duplicate_primary_controller', 'The influenced unit has another primary influencer in the period', NULL),
    ('row', 'warning', 'code_unknown', '{column}: code "{value}" is unknown', NULL),
    ('row', 'warning', 'code_not_leaf', '{column}: code "{value}" is too coarse', NULL),
    ('row', 'error', 'code_not_valid_then', '{column}: code "{value}" is not in force in the period of the row', NULL),
    ('row', 'warning', 'code_inactive', '{column}: code "{value}" is disabled', NULL),
    ('row', 'error', 'status_missing', 'The row has no status, and none is assigned by default', NULL),
    ('row', 'error', 'ident_part_missing', '{column}: a component of the identifier is missing', NULL),
    ('row', 'error', 'ident_char', '{column}: "{value}" holds characters other than letters, digits and _', NULL),
    ('row', 'error', 'region_needs_domestic', 'A region of this country is given for a foreign address', NULL),
    ('row', 'warning', 'region_missing', 'The address in this country has no region', NULL),
    ('row', 'error', 'country_unknown', '{column}: country "{value}" is unknown', 'Use the two letters of ISO 3166'),
    ('row', 'info', 'country_default', 'The country was taken from the settings', NULL),
    ('row', 'warning', 'postcode_format', '{column}: "{value}" is not a postcode', NULL),
    ('row', 'warning', 'columns_swapped', '{column}: "{value}" seems to belong in another column', NULL),
    ('row', 'error', 'coordinate_range', '{column}: "{value}" is out of range', 'Coordinates are degrees'),
    ('row', 'error', 'coordinate_pair', 'Latitude and longitude must be given together', NULL),
    ('row', 'error', 'coordinate_postal', 'A postal address has no coordinates', NULL),
    ('row', 'warning', 'coordinates_swapped', 'Latitude and longitude seem to be swapped', NULL),
    ('row', 'error', 'number_format', '{column}: "{value}" is not written as declared', 'Is the decimal mark a comma?'),
    ('row', 'info', 'precision_lost', '{column}: "{value}" was rounded', NULL),
    ('row', 'info', 'decimal_zero_dropped', '{column}: the decimals of "{value}" are zero and were dropped', NULL),
    ('row', 'error', 'number_negative', '{column}: "{value}" is negative', NULL),
    ('row', 'error', 'not_whole', '{column}: "{value}" is not a whole number', NULL),
    ('row', 'error', 'not_a_number', '{column}: "{value}" is not a number', NULL),
    ('row', 'error', 'number_scientific', '{column}: "{value}" is in scientific notation', NULL),
    ('row', 'error', 'number_too_big', '{column}: "{value}" is too big', NULL),
    ('row', 'error', 'grouping', '{column}: the digits of "{value}" are grouped irregularly', NULL),
    ('row', 'error', 'not_a_boolean', '{column}: "{value}" is neither a word for true nor one for false', NULL),
    ('row', 'warning', 'implausible', '{column}: "{value}" is implausible', NULL),
    ('file', 'error', 'column_shifted', 'Column {column} holds text in nearly every row', 'Are the columns shifted?'),
    ('row', 'error', 'too_long', '{column} has {length} characters, at most {limit} are allowed', NULL),
    ('row', 'warning', 'truncated', '{column} was cut from {length} to {limit} characters', NULL),
    ('row', 'info', 'formula_like', '{column}: "{value}" would be a formula in a spreadsheet', NULL),
    ('row', 'warning', 'email_format', '{column}: "{value}" is not an e-mail address', NULL),
    ('row', 'warning', 'mojibake', '{column}: "{value}" seems to be encoded twice', NULL),
    ('row', 'warning', 'escaped_newline', '{column}: "{value}" seems to hold an escaped line break', NULL),
    ('row', 'warning', 'activity_same', 'The secondary activity equals the primary one', NULL),
    ('row', 'error', 'tag_unknown', '{column}: there is no tag "{value}"', NULL),
    ('row', 'error', 'not_permitted', 'The user of the job may not write this row', NULL),
    ('row', 'info', 'nothing_to_import', 'The row has no value for the register', NULL),
    ('row', 'error', 'constraint', 'The row violates constraint {name}', 'Please report this: the check is missing from the analysis');
$step$::text;
    RETURN QUERY SELECT 14, '0014_derived'::text, $step$-- Step 0014: what is derived from the base tables, and the log of base changes that are still to be derived.
--
-- Everything here but worker.base_change_log can be emptied and rebuilt from the base tables by statbus.rebuild(). It has
-- one writer, statbus.derive() (src/sql/derive.sql); which segments a unit has and what stands in a row: doc/derive.md.

-- the change log --------------------------------------------------------------------------------------------------

-- Logged, not unlogged: after a crash it must still say what is left to do.
CREATE TABLE worker.base_change_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    establishment_ids integer[] NOT NULL DEFAULT '{}',
    legal_unit_ids integer[] NOT NULL DEFAULT '{}',
    enterprise_ids integer[] NOT NULL DEFAULT '{}',
    power_group_ids integer[] NOT NULL DEFAULT '{}',
    -- Code lists whose *_used table must be looked at again.
    code_lists text[] NOT NULL DEFAULT '{}',
    -- The change may concern every unit.
    all_units boolean NOT NULL DEFAULT false,
    -- A task was queued for the row: it is not derived at the end of its transaction.
    is_queued boolean NOT NULL DEFAULT false,
    logged_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
-- A transaction finds its own rows when it commits.
CREATE INDEX base_change_log_transaction_id_idx ON worker.base_change_log (transaction_id);
COMMENT ON TABLE worker.base_change_log IS
    'One row per statement that changed base tables: the units to derive again. Rows go when they are derived';
COMMENT ON COLUMN worker.base_change_log.transaction_id IS
    'Who wrote the row; a restored row keeps the number of its old cluster, which can only make another transaction derive it too';

-- segments --------------------------------------------------------------------------------------------------------

CREATE TABLE register.timepoints (
    unit_type register.statistical_unit_type NOT NULL,
    unit_id integer NOT NULL,
    timepoint date NOT NULL,
    CONSTRAINT timepoints_pkey PRIMARY KEY (unit_type, unit_id, timepoint)
);
COMMENT ON TABLE register.timepoints IS 'Derived: the days on which the picture of a unit may change, and the day after its last one';

CREATE TABLE register.timesegments (
    unit_type register.statistical_unit_type NOT NULL,
    unit_id integer NOT NULL,
    valid_from date NOT NULL,
    valid_until date NOT NULL,
    CONSTRAINT timesegments_pkey PRIMARY KEY (unit_type, unit_id, valid_from),
    CONSTRAINT timesegments_valid_check CHECK (valid_from < valid_until)
);
-- Whether a year still has a segment that starts in it (timesegments_years).
CREATE INDEX timesegments_valid_from_idx ON register.timesegments (valid_from);
COMMENT ON TABLE register.timesegments IS 'Derived: from one timepoint of a unit to the next, where the unit exists';

CREATE TABLE register.timesegments_years (
    year integer PRIMARY KEY
);
COMMENT ON TABLE register.timesegments_years IS 'Derived: the years in which a segment starts';

-- statistical_unit and its parts ----------------------------------------------------------------------------------

-- One row per unit and segment. The timelines of the four kinds of unit are its partitions: a row is stored once, and a
-- query for one kind reads one table. The generated columns stand last: the writer gives the others by position.
CREATE TABLE register.statistical_unit (
    unit_type register.statistical_unit_type NOT NULL,
    unit_id integer NOT NULL,
    valid_from date NOT NULL,
    valid_until date NOT NULL,
    external_idents jsonb NOT NULL,
    name varchar(256),
    birth_date date,
    death_date date,
    primary_activity_category_id integer,
    primary_activity_category_path ltree,
    primary_activity_category_code text,
    secondary_activity_category_id integer,
    secondary_activity_category_path ltree,
    secondary_activity_category_code text,
    activity_category_paths ltree[] NOT NULL,
    sector_id integer,
    sector_path ltree,
    sector_code text,
    sector_name text,
    data_source_ids integer[] NOT NULL,
    data_source_codes text[] NOT NULL,
    legal_form_id integer,
    legal_form_code text,
    legal_form_name text,
    physical_address_part1 varchar(200),
    physical_address_part2 varchar(200),
    physical_address_part3 varchar(200),
    physical_postcode varchar(200),
    physical_postplace varchar(200),
    physical_region_id integer,
    physical_region_path ltree,
    physical_region_code text,
    physical_country_id integer,
    physical_country_iso_2 text,
    physical_latitude numeric(9, 6),
    physical_longitude numeric(9, 6),
    physical_altitude numeric(6, 1),
    domestic boolean,
    postal_address_part1 varchar(200),
    postal_address_part2 varchar(200),
    postal_address_part3 varchar(200),
    postal_postcode varchar(200),
    postal_postplace varchar(200),
    postal_region_id integer,
    postal_region_path ltree,
    postal_region_code text,
    postal_country_id integer,
    postal_country_iso_2 text,
    postal_latitude numeric(9, 6),
    postal_longitude numeric(9, 6),
    postal_altitude numeric(6, 1),
    web_address varchar(256),
    email_address varchar(50),
    phone_number varchar(50),
    landline varchar(50),
    mobile_number varchar(50),
    fax_number varchar(50),
    unit_size_id integer,
    unit_size_code text,
    status_id integer,
    status_code text,
    used_for_counting boolean NOT NULL,
    last_edit_comment varchar(512),
    last_edit_by_user_id integer,
    last_edit_at timestamptz,
    has_legal_unit boolean NOT NULL,
    related_establishment_ids integer[] NOT NULL,
    excluded_establishment_ids integer[] NOT NULL,
    included_establishment_ids integer[] NOT NULL,
    related_legal_unit_ids integer[] NOT NULL,
    excluded_legal_unit_ids integer[] NOT NULL,
    included_legal_unit_ids integer[] NOT NULL,
    related_enterprise_ids integer[] NOT NULL,
    excluded_enterprise_ids integer[] NOT NULL,
    included_enterprise_ids integer[] NOT NULL,
    stats jsonb,
    stats_summary jsonb NOT NULL,
    tag_paths ltree[] NOT NULL,
    establishment_id integer,
    legal_unit_id integer,
    enterprise_id integer,
    power_group_id integer,
    primary_for_legal_unit boolean,
    primary_for_enterprise boolean,
    primary_establishment_id integer,
    primary_legal_unit_id integer,
    included_establishment_count integer GENERATED ALWAYS AS (cardinality(included_establishment_ids)) STORED,
    included_legal_unit_count integer GENERATED ALWAYS AS (cardinality(included_legal_unit_ids)) STORED,
    included_enterprise_count integer GENERATED ALWAYS AS (cardinality(included_enterprise_ids)) STORED,
    valid_to date GENERATED ALWAYS AS (valid_until - 1) STORED,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED,
    search tsvector GENERATED ALWAYS AS (to_tsvector('pg_catalog.simple'::regconfig, coalesce(name, ''))) STORED,
    CONSTRAINT statistical_unit_pkey PRIMARY KEY (unit_type, unit_id, valid_from),
    CONSTRAINT statistical_unit_valid_check CHECK (valid_from < valid_until)
) PARTITION BY LIST (unit_type);
CREATE TABLE register.timeline_establishment PARTITION OF register.statistical_unit FOR VALUES IN ('establishment');
CREATE TABLE register.timeline_legal_unit PARTITION OF register.statistical_unit FOR VALUES IN ('legal_unit');
CREATE TABLE register.timeline_enterprise PARTITION OF register.statistical_unit FOR VALUES IN ('enterprise');
CREATE TABLE register.timeline_power_group PARTITION OF register.statistical_unit FOR VALUES IN ('power_group');

-- Words of a name.
CREATE INDEX statistical_unit_search_idx ON register.statistical_unit USING gin (search);
-- Lists of units in the order of their names, page by page.
CREATE INDEX statistical_unit_name_idx ON register.statistical_unit (name);
-- Filters by code (a subtree is filtered by the ids below a path); also whether a code is still in use (*_used).
CREATE INDEX statistical_unit_physical_region_id_idx ON register.statistical_unit (physical_region_id);
CREATE INDEX statistical_unit_primary_activity_category_id_idx ON register.statistical_unit (primary_activity_category_id);
CREATE INDEX statistical_unit_sector_id_idx ON register.statistical_unit (sector_id);
CREATE INDEX statistical_unit_legal_form_id_idx ON register.statistical_unit (legal_form_id);
CREATE INDEX statistical_unit_physical_country_id_idx ON register.statistical_unit (physical_country_id);

COMMENT ON TABLE register.statistical_unit IS
    'Derived: what is known of every unit, one row per segment; each row is true on each of its days. Partitions: the timelines';
COMMENT ON TABLE register.timeline_establishment IS 'Derived: the establishments of statistical_unit';
COMMENT ON TABLE register.timeline_legal_unit IS 'Derived: the legal units of statistical_unit';
COMMENT ON TABLE register.timeline_enterprise IS 'Derived: the enterprises of statistical_unit';
COMMENT ON TABLE register.timeline_power_group IS 'Derived: the power groups of statistical_unit';
COMMENT ON COLUMN register.statistical_unit.valid_to IS 'Last day; infinity while open';
COMMENT ON COLUMN register.statistical_unit.external_idents IS 'Code of the identifier type → identifier';
COMMENT ON COLUMN register.statistical_unit.domestic IS 'Whether the physical country is the country of the settings';
COMMENT ON COLUMN register.statistical_unit.used_for_counting IS 'Whether the status of the unit (enterprise: of its primary unit) makes it count';
COMMENT ON COLUMN register.statistical_unit.stats IS 'The unit''s own statistics; NULL for enterprises and power groups, which have none';
COMMENT ON COLUMN register.statistical_unit.stats_summary IS 'Statistics of the unit and the counted units below it: count, sum, min, max, mean';
COMMENT ON COLUMN register.statistical_unit.establishment_id IS 'The unit itself, when it is an establishment';
COMMENT ON COLUMN register.statistical_unit.legal_unit_id IS 'The unit itself, or the legal unit of an establishment';
COMMENT ON COLUMN register.statistical_unit.enterprise_id IS 'The unit itself, or the enterprise of a legal unit or of an informal establishment';

-- codes in use ----------------------------------------------------------------------------------------------------

-- What search filters offer: the codes that occur in statistical_unit. Trees hold the ancestors of these codes too.
CREATE TABLE register.activity_category_used (
    standard_code text NOT NULL,
    id integer PRIMARY KEY,
    path ltree NOT NULL,
    parent_path ltree,
    code text,
    label text NOT NULL,
    name text NOT NULL,
    description text
);
COMMENT ON TABLE register.activity_category_used IS 'Derived: primary activities that occur, and those above them';

CREATE TABLE register.region_used (
    id integer PRIMARY KEY,
    path ltree NOT NULL,
    level integer NOT NULL,
    label text NOT NULL,
    code text,
    name text NOT NULL
);
COMMENT ON TABLE register.region_used IS 'Derived: physical regions that occur, and those above them';

CREATE TABLE register.sector_used (
    id integer PRIMARY KEY,
    path ltree NOT NULL,
    label text NOT NULL,
    code text,
    name text NOT NULL
);
COMMENT ON TABLE register.sector_used IS 'Derived: sectors that occur, and those above them';

CREATE TABLE register.legal_form_used (
    id integer PRIMARY KEY,
    code text NOT NULL,
    name text NOT NULL
);
COMMENT ON TABLE register.legal_form_used IS 'Derived: legal forms that occur';

CREATE TABLE register.country_used (
    id integer PRIMARY KEY,
    iso_2 text NOT NULL,
    name text NOT NULL
);
COMMENT ON TABLE register.country_used IS 'Derived: physical countries that occur';

CREATE TABLE register.data_source_used (
    id integer PRIMARY KEY,
    code text NOT NULL,
    name text NOT NULL
);
COMMENT ON TABLE register.data_source_used IS 'Derived: data sources that occur';

INSERT INTO worker.command_registry (command, handler_procedure, queue, is_unique, description) VALUES
    ('derive_statistical_unit', 'statbus.derive_task', 'analytics', true, 'Derives the units whose base rows have changed');
$step$::text;
    RETURN QUERY SELECT 15, '0015_temporal_keys'::text, $step$-- Step 0015: the register's keys over time become btrees with checks in C.
--
-- Up to 0.2.0 a unique key over time was an exclusion constraint over GiST, and a table's statement triggers knew only of
-- foreign keys. Both are dropped here, by the names that the definitions gave them; define/30_units.sql and
-- define/40_relationships.sql, which run after every step, make their successors under the same names and check the rows.
-- What users have added to these tables stays: temporal keys of their own keep working over the exclusion constraints
-- that they have made, and the statement triggers that their foreign keys need come back with those of the register.
DO $temporal_keys$
DECLARE
    names CONSTANT text[] := ARRAY[
        'legal_unit_id_valid', 'establishment_id_valid', 'activity_id_valid', 'location_id_valid', 'contact_id_valid', 'stat_for_unit_id_valid',
        'legal_unit_primary_for_enterprise_valid', 'establishment_primary_for_enterprise_valid', 'establishment_primary_for_legal_unit_valid',
        'activity_legal_unit_id_valid', 'activity_establishment_id_valid', 'location_legal_unit_id_valid', 'location_establishment_id_valid',
        'contact_legal_unit_id_valid', 'contact_establishment_id_valid', 'stat_for_unit_legal_unit_id_valid', 'stat_for_unit_establishment_id_valid',
        'person_for_unit_id_valid', 'legal_relationship_id_valid', 'power_root_id_valid', 'person_for_unit_legal_unit_id_valid',
        'person_for_unit_establishment_id_valid', 'legal_relationship_pair_valid', 'legal_relationship_primary_influencer_valid',
        'power_root_power_group_id_valid'];
    statement text;
BEGIN
    FOR statement IN
        SELECT format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass)
        FROM pg_catalog.pg_trigger AS t
        JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid AND c.relnamespace = 'register'::regnamespace
        JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid AND p.pronamespace = 'temporal'::regnamespace
        LEFT JOIN pg_catalog.pg_class AS o ON o.oid = t.tgconstrrelid
        -- a pair of constraint triggers between two tables of the register, or one of the statement triggers
        WHERE p.proname = 'foreign_key_statement'
            OR p.proname IN ('foreign_key_child', 'foreign_key_parent') AND o.relnamespace = 'register'::regnamespace
        ORDER BY c.relname, t.tgname
    LOOP
        EXECUTE statement;
    END LOOP;
    FOR statement IN
        SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', n.conrelid::regclass, n.conname)
        FROM pg_catalog.pg_constraint AS n
        JOIN pg_catalog.pg_class AS c ON c.oid = n.conrelid AND c.relnamespace = 'register'::regnamespace
        WHERE n.contype = 'x' AND n.conname = ANY (names)
        ORDER BY c.relname, n.conname
    LOOP
        EXECUTE statement;
    END LOOP;
END
$temporal_keys$;
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
    RETURN QUERY SELECT 22, '22_time_context'::text, $define$-- Definitions 22: the times that a user may choose for a query (valid_on) or an import (valid_from to valid_to).
CREATE OR REPLACE VIEW api.time_context WITH (security_invoker = on) AS
SELECT c.type, c.ident, c.name_when_query, c.name_when_input, c.scope, c.valid_from, c.valid_to, c.valid_on, c.code, c.path
FROM (
    SELECT 'relative_period'::register.time_context_type AS type,
        'r_' || p.code::text AS ident,
        p.name_when_query || y.suffix AS name_when_query,
        p.name_when_input || y.suffix AS name_when_input,
        p.scope, p.valid_from, p.valid_to, p.valid_on, p.code, NULL::ltree AS path,
        NULL::integer AS year
    FROM api.relative_period_with_time AS p
    CROSS JOIN LATERAL (
        SELECT CASE WHEN p.code::text LIKE 'year\_%' THEN ' (' || extract(year FROM p.valid_from)::integer || ')' ELSE '' END AS suffix
    ) AS y
    WHERE p.enabled
    UNION ALL
    SELECT 'tag'::register.time_context_type AS type, 't_' || ltree2text(t.path) AS ident, t.name AS name_when_query, t.name AS name_when_input,
        'input_and_query'::register.relative_period_scope AS scope, t.context_valid_from AS valid_from, t.context_valid_to AS valid_to,
        t.context_valid_on AS valid_on, NULL::register.relative_period_code AS code, t.path, NULL::integer AS year
    FROM register.tag AS t
    WHERE t.enabled AND t.context_valid_from IS NOT NULL AND t.context_valid_to IS NOT NULL AND t.context_valid_on IS NOT NULL
    UNION ALL
    SELECT 'year'::register.time_context_type AS type, 'y_' || s.year AS ident, s.year::text AS name_when_query, s.year::text AS name_when_input,
        'input_and_query'::register.relative_period_scope AS scope, make_date(s.year, 1, 1) AS valid_from, make_date(s.year, 12, 31) AS valid_to,
        make_date(s.year, 12, 31) AS valid_on, NULL::register.relative_period_code AS code, NULL::ltree AS path, s.year
    FROM register.timesegments_years AS s
    CROSS JOIN (SELECT extract(year FROM statbus.today())::integer AS year) AS now
    WHERE s.year NOT IN (now.year, now.year - 1)
) AS c
ORDER BY c.type, c.year DESC, c.code, c.path;
COMMENT ON VIEW api.time_context IS 'times to choose from: periods relative to today, tags with dates, years with data';
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
    RETURN QUERY SELECT 40, '40_relationships'::text, $define$-- Definitions for the tables of step 0010: defaults, triggers, keys over time and foreign keys over time.
-- Run again by every statbus.migrate(), so everything here may already be there.

-- defaults --------------------------------------------------------------------------------------------------------

ALTER TABLE register.person ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.person_for_unit ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.power_group ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.legal_relationship ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.power_root ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.power_group ALTER COLUMN ident
    SET DEFAULT register.power_group_ident(nextval('register.power_group_ident_seq'));

-- triggers --------------------------------------------------------------------------------------------------------

CREATE OR REPLACE TRIGGER person_refuse_id_change
    BEFORE UPDATE OF id ON register.person
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER person_for_unit_refuse_id_change
    BEFORE UPDATE OF id ON register.person_for_unit
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER power_group_refuse_id_change
    BEFORE UPDATE OF id ON register.power_group
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER legal_relationship_refuse_id_change
    BEFORE UPDATE OF id ON register.legal_relationship
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER power_root_refuse_id_change
    BEFORE UPDATE OF id ON register.power_root
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();

CREATE OR REPLACE TRIGGER legal_relationship_set_primary_influencer_only
    BEFORE INSERT OR UPDATE OF type_id, primary_influencer_only ON register.legal_relationship
    FOR EACH ROW WHEN (NEW.type_id IS NOT NULL) EXECUTE FUNCTION register.legal_relationship_set_primary_influencer_only();

CREATE OR REPLACE TRIGGER power_root_check_member_insert
    AFTER INSERT ON register.power_root REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION register.power_root_check_member();
CREATE OR REPLACE TRIGGER power_root_check_member_update
    AFTER UPDATE ON register.power_root REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION register.power_root_check_member();

-- keys over time --------------------------------------------------------------------------------------------------

SELECT temporal.ensure_unique(
    table_name => 'register.person_for_unit', columns => '{id}',
    constraint_name => 'person_for_unit_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.legal_relationship', columns => '{id}',
    constraint_name => 'legal_relationship_id_valid');
SELECT temporal.ensure_unique(table_name => 'register.power_root', columns => '{id}', constraint_name => 'power_root_id_valid');

SELECT temporal.ensure_unique(
    table_name => 'register.person_for_unit', columns => '{person_id,person_role_id,legal_unit_id}',
    predicate => 'legal_unit_id IS NOT NULL', nulls_not_distinct => true, constraint_name => 'person_for_unit_legal_unit_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.person_for_unit', columns => '{person_id,person_role_id,establishment_id}',
    predicate => 'establishment_id IS NOT NULL', nulls_not_distinct => true, constraint_name => 'person_for_unit_establishment_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.legal_relationship', columns => '{influencing_id,influenced_id,type_id}',
    constraint_name => 'legal_relationship_pair_valid');
-- One primary influencer of a type at a time; deferrable, so that two can swap places within a transaction.
SELECT temporal.ensure_unique(
    table_name => 'register.legal_relationship', columns => '{influenced_id,type_id}',
    predicate => 'primary_influencer_only', is_deferrable => true, constraint_name => 'legal_relationship_primary_influencer_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.power_root', columns => '{power_group_id}',
    constraint_name => 'power_root_power_group_id_valid');

-- foreign keys over time ------------------------------------------------------------------------------------------

SELECT temporal.ensure_foreign_key(
    table_name => 'register.person_for_unit', columns => '{legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'person_for_unit_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.person_for_unit', columns => '{establishment_id}', references_table => 'register.establishment', references_columns => '{id}',
    constraint_name => 'person_for_unit_establishment_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.legal_relationship', columns => '{influencing_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'legal_relationship_influencing_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.legal_relationship', columns => '{influenced_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'legal_relationship_influenced_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.power_root', columns => '{derived_root_legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'power_root_derived_root_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.power_root', columns => '{custom_root_legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'power_root_custom_root_legal_unit_id_fkey');
$define$::text;
    RETURN QUERY SELECT 45, '45_temporal_keys'::text, $define$-- The btrees that temporal foreign keys walk over. Keys that users made with 0.1 or 0.2 were content with other indexes; those of
-- the register have got theirs from ensure_foreign_key.
SELECT temporal.ensure_foreign_key_indexes(c.relation, c.constraint_name)
FROM temporal.constraint AS c
WHERE c.constraint_type = 'foreign key' AND c.table_schema <> 'register';
$define$::text;
    RETURN QUERY SELECT 50, '50_worker'::text, $define$-- Nothing of the queue hangs on a function: its tables are complete after step 0011.  What may be seen of it is in
-- 90_rights.sql.

-- The registered commands are data of the release, not of the office: the handlers are those of the code installed.
INSERT INTO worker.command_registry (command, handler_procedure, failure_procedure, queue, is_unique, description) VALUES
    ('import_job', 'import.process_job', 'import.fail_job', 'import', true, 'Takes one step with an import job'),
    ('import_job_cleanup', 'import.delete_expired_jobs', NULL, 'maintenance', true, 'Deletes import jobs that have expired'),
    ('task_cleanup', 'worker.delete_old_tasks', NULL, 'maintenance', true, 'Deletes tasks that are done: completed ones after 7 days, failed ones after 30')
ON CONFLICT (command) DO UPDATE
SET handler_procedure = EXCLUDED.handler_procedure,
    failure_procedure = EXCLUDED.failure_procedure,
    queue = EXCLUDED.queue,
    is_unique = EXCLUDED.is_unique,
    description = EXCLUDED.description
WHERE (command_registry.handler_procedure, command_registry.failure_procedure, command_registry.queue, command_registry.is_unique, command_registry.description)
    IS DISTINCT FROM (EXCLUDED.handler_procedure, EXCLUDED.failure_procedure, EXCLUDED.queue, EXCLUDED.is_unique, EXCLUDED.description);
$define$::text;
    RETURN QUERY SELECT 60, '60_import'::text, $define$-- Import: what hangs on functions.

-- Definitions judge themselves, and follow the types of identifier and the statistics.
DROP TRIGGER IF EXISTS definition_validate ON import.definition;
CREATE TRIGGER definition_validate BEFORE INSERT OR UPDATE ON import.definition
    FOR EACH ROW EXECUTE FUNCTION import.definition_validate();
DROP TRIGGER IF EXISTS definition_part_changed ON import.definition_step;
CREATE TRIGGER definition_part_changed AFTER INSERT OR UPDATE OR DELETE ON import.definition_step
    FOR EACH ROW EXECUTE FUNCTION import.definition_part_changed();
DROP TRIGGER IF EXISTS definition_part_changed ON import.source_column;
CREATE TRIGGER definition_part_changed AFTER INSERT OR UPDATE OR DELETE ON import.source_column
    FOR EACH ROW EXECUTE FUNCTION import.definition_part_changed();
DROP TRIGGER IF EXISTS definition_part_changed ON import.mapping;
CREATE TRIGGER definition_part_changed AFTER INSERT OR UPDATE OR DELETE ON import.mapping
    FOR EACH ROW EXECUTE FUNCTION import.definition_part_changed();

DROP TRIGGER IF EXISTS import_columns_delete ON register.external_ident_type;
CREATE TRIGGER import_columns_delete BEFORE DELETE ON register.external_ident_type
    FOR EACH ROW EXECUTE FUNCTION import.columns_wanted_delete();
DROP TRIGGER IF EXISTS import_columns_change ON register.external_ident_type;
CREATE TRIGGER import_columns_change AFTER INSERT OR UPDATE OR DELETE ON register.external_ident_type
    FOR EACH STATEMENT EXECUTE FUNCTION import.columns_wanted_changed();
DROP TRIGGER IF EXISTS import_columns_delete ON register.stat_definition;
CREATE TRIGGER import_columns_delete BEFORE DELETE ON register.stat_definition
    FOR EACH ROW EXECUTE FUNCTION import.columns_wanted_delete();
DROP TRIGGER IF EXISTS import_columns_change ON register.stat_definition;
CREATE TRIGGER import_columns_change AFTER INSERT OR UPDATE OR DELETE ON register.stat_definition
    FOR EACH STATEMENT EXECUTE FUNCTION import.columns_wanted_changed();

SELECT import.synchronise_columns();

-- Jobs.
ALTER TABLE import.definition ALTER COLUMN user_id SET DEFAULT auth.uid();
ALTER TABLE import.job ALTER COLUMN user_id SET DEFAULT auth.uid();

DROP TRIGGER IF EXISTS job_prepare ON import.job;
CREATE TRIGGER job_prepare BEFORE INSERT ON import.job
    FOR EACH ROW EXECUTE FUNCTION import.job_prepare();
DROP TRIGGER IF EXISTS job_create_tables ON import.job;
CREATE TRIGGER job_create_tables AFTER INSERT ON import.job
    FOR EACH ROW EXECUTE FUNCTION import.job_create_tables();
DROP TRIGGER IF EXISTS job_check_update ON import.job;
CREATE TRIGGER job_check_update BEFORE UPDATE ON import.job
    FOR EACH ROW EXECUTE FUNCTION import.job_check_update();
DROP TRIGGER IF EXISTS job_state_changed ON import.job;
CREATE TRIGGER job_state_changed AFTER UPDATE OF state ON import.job
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION import.job_state_changed();
DROP TRIGGER IF EXISTS job_drop_tables ON import.job;
CREATE TRIGGER job_drop_tables AFTER DELETE ON import.job
    FOR EACH ROW EXECUTE FUNCTION import.job_drop_tables();

SELECT import.attach_job(j.id) FROM import.job AS j ORDER BY j.id;

-- Findings, one row each.
CREATE OR REPLACE VIEW import.finding WITH (security_invoker = true) AS
SELECT b.job_id, b.row_id, b.source_line,
       f.finding ->> 'column' AS column_name,
       f.finding ->> 'code' AS code,
       coalesce(f.finding ->> 'severity', c.severity) AS severity,
       f.finding ->> 'value' AS value,
       f.finding -> 'details' AS details
FROM import.bad_row AS b
CROSS JOIN LATERAL jsonb_array_elements(b.findings) WITH ORDINALITY AS f (finding, position)
LEFT JOIN import.finding_code AS c ON c.code = f.finding ->> 'code';
COMMENT ON VIEW import.finding IS 'What there is to say about the rows of import jobs: one row per finding';
GRANT SELECT ON import.finding TO authenticated;
$define$::text;
    RETURN QUERY SELECT 70, '70_derived'::text, $define$-- What hangs on the functions of src/sql/derive.sql: the triggers that note changes and derive them.

-- The columns that statbus.derive() writes, in the order of the table: not the generated ones, and none that a user has added.
CREATE OR REPLACE VIEW register.statistical_unit_stored AS
    SELECT
        unit_type, unit_id, valid_from, valid_until, external_idents, name, birth_date, death_date,
        primary_activity_category_id, primary_activity_category_path, primary_activity_category_code,
        secondary_activity_category_id, secondary_activity_category_path, secondary_activity_category_code,
        activity_category_paths, sector_id, sector_path, sector_code, sector_name, data_source_ids, data_source_codes,
        legal_form_id, legal_form_code, legal_form_name, physical_address_part1, physical_address_part2,
        physical_address_part3, physical_postcode, physical_postplace, physical_region_id, physical_region_path,
        physical_region_code, physical_country_id, physical_country_iso_2, physical_latitude, physical_longitude,
        physical_altitude, domestic, postal_address_part1, postal_address_part2, postal_address_part3, postal_postcode,
        postal_postplace, postal_region_id, postal_region_path, postal_region_code, postal_country_id,
        postal_country_iso_2, postal_latitude, postal_longitude, postal_altitude, web_address, email_address,
        phone_number, landline, mobile_number, fax_number, unit_size_id, unit_size_code, status_id, status_code,
        used_for_counting, last_edit_comment, last_edit_by_user_id, last_edit_at, has_legal_unit,
        related_establishment_ids, excluded_establishment_ids, included_establishment_ids, related_legal_unit_ids,
        excluded_legal_unit_ids, included_legal_unit_ids, related_enterprise_ids, excluded_enterprise_ids,
        included_enterprise_ids, stats, stats_summary, tag_paths, establishment_id, legal_unit_id, enterprise_id,
        power_group_id, primary_for_legal_unit, primary_for_enterprise, primary_establishment_id, primary_legal_unit_id
    FROM register.statistical_unit;
COMMENT ON VIEW register.statistical_unit_stored IS 'The written columns of register.statistical_unit; for its writer only';
REVOKE ALL ON register.statistical_unit_stored FROM PUBLIC;

DO $triggers$
DECLARE
    change record;
    operation text;
BEGIN
    -- Which columns of a base table name an establishment, a legal unit, an enterprise, a power group.
    FOR change IN
        SELECT *
        FROM (VALUES
            ('establishment', 'id', 'legal_unit_id', 'enterprise_id', ''),
            ('legal_unit', '', 'id', 'enterprise_id', ''),
            ('enterprise', '', '', 'id', ''),
            ('power_group', '', '', '', 'id'),
            ('activity', 'establishment_id', 'legal_unit_id', '', ''),
            ('location', 'establishment_id', 'legal_unit_id', '', ''),
            ('contact', 'establishment_id', 'legal_unit_id', '', ''),
            ('stat_for_unit', 'establishment_id', 'legal_unit_id', '', ''),
            ('person_for_unit', 'establishment_id', 'legal_unit_id', '', ''),
            ('external_ident', 'establishment_id', 'legal_unit_id', 'enterprise_id', 'power_group_id'),
            ('tag_for_unit', 'establishment_id', 'legal_unit_id', 'enterprise_id', 'power_group_id'),
            ('legal_relationship', '', '', '', 'derived_power_group_id'),
            ('power_root', '', '', '', 'power_group_id')
        ) AS base (name, establishment, legal_unit, enterprise, power_group)
    LOOP
        FOREACH operation IN ARRAY ARRAY['insert', 'update', 'delete', 'truncate'] LOOP
            EXECUTE format('CREATE OR REPLACE TRIGGER %1$s_log_%2$s AFTER %2$s ON register.%1$I %3$s FOR EACH STATEMENT
                            EXECUTE FUNCTION statbus.log_base_change(%4$L, %5$L, %6$L, %7$L)',
                           change.name, operation,
                           CASE operation
                               WHEN 'insert' THEN 'REFERENCING NEW TABLE AS new_rows'
                               WHEN 'delete' THEN 'REFERENCING OLD TABLE AS old_rows'
                               WHEN 'update' THEN 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'
                               ELSE '' END,
                           change.establishment, change.legal_unit, change.enterprise, change.power_group);
        END LOOP;
    END LOOP;

    -- Which columns of a code list show in the rows of units, which only in *_used, and who refers to the list. A code that
    -- nobody uses shows nowhere, so that INSERT and DELETE change nothing.
    FOR change IN
        SELECT *
        FROM (VALUES
            ('activity_category', 'path, code', 'parent_path, parent_id, label, name, description', ARRAY['activity.category_id']),
            ('activity_category_standard', '', 'code', '{}'),
            ('country', 'iso_2', 'name', ARRAY['location.country_id']),
            ('data_source', 'code', 'name', ARRAY['establishment.data_source_id', 'legal_unit.data_source_id', 'activity.data_source_id',
                'location.data_source_id', 'contact.data_source_id', 'stat_for_unit.data_source_id']),
            ('external_ident_type', 'code', '', ARRAY['external_ident.type_id']),
            ('legal_form', 'code, name', '', ARRAY['legal_unit.legal_form_id']),
            ('region', 'path, code', 'parent_id, level, label, name', ARRAY['location.region_id']),
            ('sector', 'path, code, name', 'parent_id, label', ARRAY['establishment.sector_id', 'legal_unit.sector_id']),
            ('stat_definition', 'code', '', ARRAY['stat_for_unit.stat_definition_id']),
            ('status', 'code, used_for_counting', '', ARRAY['establishment.status_id', 'legal_unit.status_id']),
            ('tag', 'path', '', ARRAY['tag_for_unit.tag_id']),
            ('unit_size', 'code', '', ARRAY['establishment.unit_size_id', 'legal_unit.unit_size_id'])
        ) AS list (name, in_units, in_used, referrers)
    LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER %1$s_log_update AFTER UPDATE ON register.%1$I
                        REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
                        EXECUTE FUNCTION statbus.log_code_change(%2$L, %3$L%4$s)',
                       change.name, change.in_units, change.in_used,
                       (SELECT string_agg(', ' || quote_literal(r.reference), '' ORDER BY r.position)
                        FROM unnest(change.referrers) WITH ORDINALITY AS r (reference, position)));
    END LOOP;
END
$triggers$;

CREATE OR REPLACE TRIGGER settings_log_change
    AFTER INSERT OR DELETE OR UPDATE OF country_id ON register.settings
    FOR EACH STATEMENT EXECUTE FUNCTION statbus.log_settings_change();

DROP TRIGGER IF EXISTS base_change_log_derive ON worker.base_change_log;
CREATE CONSTRAINT TRIGGER base_change_log_derive
    AFTER INSERT ON worker.base_change_log
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION statbus.derive_at_commit();
$define$::text;
    RETURN QUERY SELECT 80, '80_api'::text, $define$-- Definitions 80: the views of schema api over tables. Relationships between them are in 81, reports in 82; the families of
-- the code lists are in 20; grants follow in 95, when the tables have theirs.
--
-- Every view runs with the rights of its caller (security_invoker): what a row of it may show or take is decided by the
-- grants and policies of the table.

-- One view per table -----------------------------------------------------------------------------------------------
DO $views$
DECLARE
    shown record;
BEGIN
    FOR shown IN
        SELECT listed.base, coalesce(listed.view_name, split_part(listed.base, '.', 2)) AS view_name, listed.hidden, listed.computed
        FROM (
            -- Tables that are shown whole, under their own name.
            SELECT 'register.' || name AS base, NULL AS view_name, '{}'::name[] AS hidden, '{}'::jsonb AS computed
            FROM unnest(ARRAY[
                -- code lists and settings
                'activity_category', 'activity_category_access', 'activity_category_standard', 'country', 'data_source',
                'external_ident_type', 'foreign_participation', 'legal_form', 'legal_rel_type', 'legal_reorg_type', 'person_role',
                'power_group_type', 'region', 'region_access', 'region_version', 'relative_period', 'sector', 'settings',
                'stat_definition', 'status', 'tag', 'unit_size',
                -- units
                'enterprise', 'legal_unit', 'establishment', 'activity', 'location', 'contact', 'stat_for_unit', 'external_ident',
                'tag_for_unit', 'unit_notes', 'image', 'person', 'person_for_unit', 'power_group', 'power_root', 'legal_relationship',
                -- derived
                'timepoints', 'timesegments', 'timesegments_years', 'statistical_unit', 'timeline_establishment',
                'timeline_legal_unit', 'timeline_enterprise', 'timeline_power_group', 'activity_category_used', 'country_used',
                'data_source_used', 'legal_form_used', 'region_used', 'sector_used'
            ]) AS t (name)
            UNION ALL
            -- Import: the tables without the prefix that a view needs.
            SELECT 'import.' || name, 'import_' || name, '{}', '{}'
            FROM unnest(ARRAY['definition', 'step', 'definition_step', 'data_column', 'source_column', 'mapping', 'finding_code']) AS t (name)
            UNION ALL
            SELECT 'import.job', 'import_job', '{}',
                   '{"definition_slug": "(SELECT d.slug FROM import.definition AS d WHERE d.id = t.definition_id)"}'
            UNION ALL
            -- People: nothing that a password or a key could be tried against.
            SELECT 'auth."user"', 'user', '{password,encrypted_password}', '{"password": "NULL::text"}'
            UNION ALL
            SELECT 'auth.api_key', 'api_key', '{token_hash}', '{}'
        ) AS listed
    LOOP
        PERFORM statbus.generate_api_view(shown.base::regclass, shown.view_name, shown.hidden, shown.computed);
    END LOOP;
END
$views$;

COMMENT ON COLUMN api."user".password IS 'Always NULL';
-- Every column, also the one that is not the table's; writing is granted by column, as of the table.
GRANT SELECT ON api."user" TO authenticated;
COMMENT ON COLUMN api.import_job.definition_slug IS 'On INSERT it may be given in place of definition_id';

-- A job is made by naming its definition; the rest are defaults of the job.
CREATE OR REPLACE TRIGGER api_insert INSTEAD OF INSERT ON api.import_job
    FOR EACH ROW EXECUTE FUNCTION statbus.api_insert('import.job', 'definition_slug', 'definition_id', 'import.definition', 'slug');
-- Said here, because the view also reads a table that its users may not write.
GRANT INSERT, UPDATE, DELETE ON api.import_job TO regular_user;

-- Portions of time ---------------------------------------------------------------------------------------------------
-- UPDATE with a period changes just that part of a unit's history.
DO $portions$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY[
        'legal_unit', 'establishment', 'activity', 'location', 'contact', 'stat_for_unit', 'person_for_unit',
        'legal_relationship', 'power_root'
    ] LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER api_editor INSTEAD OF UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION statbus.api_portion_editor()',
                       temporal.add_portion_view(format('register.%I', table_name)::regclass, 'api',
                           '{edit_comment,edit_by_user_id,edit_at,import_job_id,import_source_line}'));
        EXECUTE format('COMMENT ON VIEW api.%I IS %L', table_name || '__for_portion_of_valid',
                       format('%s: an UPDATE changes it from valid_from to valid_to only, and leaves its history before and after as it is', table_name));
    END LOOP;
END
$portions$;

-- Views that read more than one table ----------------------------------------------------------------------------------

CREATE OR REPLACE VIEW api.import_source_column_type WITH (security_invoker = true) AS
SELECT s.definition_id, s.column_name, s.priority, target.target_pg_type
FROM import.source_column AS s
LEFT JOIN LATERAL (
    SELECT c.target_pg_type
    FROM import.mapping AS m
    JOIN import.data_column AS c ON c.id = m.target_data_column_id
    WHERE m.source_column_id = s.id
    ORDER BY c.priority, c.id
    LIMIT 1
) AS target ON true;
COMMENT ON VIEW api.import_source_column_type IS
    'The type in which the values of a source column end up in the register; NULL for a column that is ignored';

CREATE OR REPLACE VIEW api.worker_task WITH (security_invoker = true) AS
SELECT t.id, t.command, t.priority, t.state, t.parent_id, t.depth, t.child_mode, t.created_at, t.process_start_at,
    t.process_stop_at, t.completed_at, t.duration_ms AS process_duration_ms,
    (1000 * extract(epoch FROM t.completed_at - t.process_start_at))::numeric(14, 3) AS completion_duration_ms,
    t.error, t.scheduled_at, t.worker_pid, t.payload, t.info, t.queue, c.description AS command_description
FROM worker.tasks AS t
JOIN worker.command_registry AS c ON c.command = t.command;
COMMENT ON VIEW api.worker_task IS 'Tasks to do, being done and done; for administrators';
COMMENT ON COLUMN api.worker_task.completion_duration_ms IS 'From the start of the task to the end of its last child';

CREATE OR REPLACE VIEW api.enterprise_external_idents WITH (security_invoker = true) AS
SELECT u.unit_type, u.unit_id, u.external_idents, u.valid_from, u.valid_to, u.valid_until
FROM register.statistical_unit AS u
WHERE u.unit_type = 'enterprise';
COMMENT ON VIEW api.enterprise_external_idents IS 'Identifiers by which an enterprise is found';

CREATE OR REPLACE VIEW api.legal_relationship_cluster WITH (security_invoker = true) AS
SELECT DISTINCT r.id AS legal_relationship_id, r.derived_power_group_id AS power_group_id
FROM register.legal_relationship AS r
WHERE r.derived_power_group_id IS NOT NULL;
COMMENT ON VIEW api.legal_relationship_cluster IS 'Which power group each legal relationship belongs to';

CREATE OR REPLACE VIEW api.power_group_active WITH (security_invoker = true) AS
SELECT g.id, g.ident, g.short_name, g.name, g.type_id
FROM register.power_group AS g
WHERE EXISTS (
    SELECT
    FROM register.legal_relationship AS r
    WHERE r.derived_power_group_id = g.id
    AND r.valid_from <= (SELECT statbus.today()) AND (SELECT statbus.today()) < r.valid_until);
COMMENT ON VIEW api.power_group_active IS 'Power groups of which a relationship is valid today';

CREATE OR REPLACE VIEW api.import_finding WITH (security_invoker = true) AS
SELECT f.job_id, j.slug AS job_slug, f.row_id, f.source_line, f.column_name, f.code, f.severity, f.value, f.details,
    statbus.render_template(c.message, coalesce(f.details, '{}') || jsonb_build_object('column', f.column_name, 'value', f.value)) AS message,
    c.hint
FROM import.finding AS f
JOIN import.job AS j ON j.id = f.job_id
LEFT JOIN import.finding_code AS c ON c.code = f.code;
COMMENT ON VIEW api.import_finding IS 'What there is to say about the rows of import jobs, in words; row_id 0 is the file as a whole';
$define$::text;
    RETURN QUERY SELECT 81, '81_api_relationships'::text, $define$-- Definitions 81: embedding for PostgREST. It finds native foreign keys behind views by itself; a reference to a temporal
-- table is none, so each gets a computed relationship: a function of a row of the view that returns what it refers to.
--
-- Which slice? The one valid on the day of the row: today, moved into the row's own period (its last day if that is over,
-- its first if that is to come). For a row without a period: the slice valid today, else the last one, else the first to come.
-- ROWS 1 tells PostgREST to give one object instead of a list.
--
-- These functions pin no search_path: only so can the planner put their one SELECT into the query (1.7 ms instead of 124 ms
-- for 1000 embedded units). They name every relation and function with its schema and run with the rights of their caller.
DO $relationships$
DECLARE
    -- The day of row $1.
    row_day CONSTANT text := 'least(greatest((SELECT statbus.today()), $1.valid_from), $1.valid_until - 1)';
    -- Condition: slice t is valid on the day of row $1.
    same_day CONSTANT text := format('t.valid_from <= %1$s AND %1$s < t.valid_until', row_day);
    -- Of the slices t of one unit, the one for a row without a period.
    nearest CONSTANT text :=
        ' ORDER BY (t.valid_from <= (SELECT statbus.today())) DESC,'
        ' CASE WHEN t.valid_from <= (SELECT statbus.today()) THEN t.valid_from END DESC, t.valid_from LIMIT 1';
    made record;
    signature text;
BEGIN
    FOR made IN
        -- A temporal row and the unit it belongs to.
        SELECT r.of, r.name, r.target, 1 AS rows,
               format('t.id = $1.%I AND %s', r.id_column, same_day) AS condition,
               format('the %s of that day', replace(r.name, '_', ' ')) AS comment
        FROM (
            SELECT owned.of, unit.name, unit.name AS target, unit.name || '_id' AS id_column
            FROM unnest(ARRAY['activity', 'location', 'contact', 'stat_for_unit', 'person_for_unit']) AS owned (of)
            CROSS JOIN unnest(ARRAY['legal_unit', 'establishment']) AS unit (name)
            UNION ALL
            VALUES ('establishment', 'legal_unit', 'legal_unit', 'legal_unit_id'),
                   ('legal_relationship', 'influencing', 'legal_unit', 'influencing_id'),
                   ('legal_relationship', 'influenced', 'legal_unit', 'influenced_id'),
                   ('power_root', 'derived_root_legal_unit', 'legal_unit', 'derived_root_legal_unit_id'),
                   ('power_root', 'custom_root_legal_unit', 'legal_unit', 'custom_root_legal_unit_id'),
                   ('power_root', 'root_legal_unit', 'legal_unit', 'root_legal_unit_id'),
                   ('statistical_unit', 'establishment', 'establishment', 'establishment_id'),
                   ('statistical_unit', 'legal_unit', 'legal_unit', 'legal_unit_id'),
                   ('statistical_unit', 'primary_establishment', 'establishment', 'primary_establishment_id'),
                   ('statistical_unit', 'primary_legal_unit', 'legal_unit', 'primary_legal_unit_id')
        ) AS r
        UNION ALL
        -- A row without a period and the unit it belongs to.
        SELECT owned.of, unit.name, unit.name, 1, format('t.id = $1.%I', unit.name || '_id') || nearest,
               format('the %s as it is today', replace(unit.name, '_', ' '))
        FROM unnest(ARRAY['external_ident', 'tag_for_unit', 'unit_notes']) AS owned (of)
        CROSS JOIN unnest(ARRAY['legal_unit', 'establishment']) AS unit (name)
        UNION ALL
        -- A unit and what hangs on it.
        SELECT unit.name, owned.name, owned.name, owned.rows,
               format('t.%I = $1.id', unit.name || '_id') || CASE WHEN owned.is_temporal THEN ' AND ' || same_day ELSE '' END,
               format('what the %s has%s', replace(unit.name, '_', ' '), CASE WHEN owned.is_temporal THEN ' on that day' ELSE '' END)
        FROM unnest(ARRAY['legal_unit', 'establishment']) AS unit (name)
        CROSS JOIN (VALUES ('activity', 3, true), ('location', 2, true), ('contact', 1, true), ('stat_for_unit', 5, true),
                           ('person_for_unit', 3, true), ('external_ident', 3, false), ('tag_for_unit', 3, false),
                           ('unit_notes', 1, false)) AS owned (name, rows, is_temporal)
        UNION ALL
        SELECT r.of, r.name, r.target, r.rows, r.condition || ' AND ' || same_day, r.comment
        FROM (VALUES
            ('legal_unit', 'establishment', 'establishment', 5, 't.legal_unit_id = $1.id', 'the establishments of that day'),
            ('legal_unit', 'influences', 'legal_relationship', 5, 't.influencing_id = $1.id', 'relationships of that day by which it influences others'),
            ('legal_unit', 'influenced_by', 'legal_relationship', 5, 't.influenced_id = $1.id', 'relationships of that day by which others influence it'),
            ('legal_unit', 'statistical_unit', 'statistical_unit', 1, 't.unit_type = ''legal_unit'' AND t.unit_id = $1.id', 'what is derived of it for that day'),
            ('establishment', 'statistical_unit', 'statistical_unit', 1, 't.unit_type = ''establishment'' AND t.unit_id = $1.id', 'what is derived of it for that day')
        ) AS r (of, name, target, rows, condition, comment)
        UNION ALL
        -- A derived row and the code lists and timeless units it names.
        SELECT 'statistical_unit', r.name, r.target, 1, format('t.id = $1.%I', r.name || '_id'), format('the %s', replace(r.name, '_', ' '))
        FROM (VALUES
            ('physical_region', 'region'), ('postal_region', 'region'), ('physical_country', 'country'), ('postal_country', 'country'),
            ('primary_activity_category', 'activity_category'), ('secondary_activity_category', 'activity_category'),
            ('sector', 'sector'), ('legal_form', 'legal_form'), ('unit_size', 'unit_size'), ('status', 'status'),
            ('enterprise', 'enterprise'), ('power_group', 'power_group')
        ) AS r (name, target)
    LOOP
        signature := format('api.%I(api.%I)', made.name, made.of);
        EXECUTE format('CREATE OR REPLACE FUNCTION %s RETURNS SETOF api.%I LANGUAGE sql STABLE PARALLEL SAFE ROWS %s AS %L',
                       signature, made.target, made.rows,
                       format('SELECT t.* FROM api.%I AS t WHERE %s', made.target, made.condition));
        EXECUTE format('COMMENT ON FUNCTION %s IS %L', signature, 'Embedding: ' || made.comment);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO authenticated', signature);
    END LOOP;
END
$relationships$;
$define$::text;
    RETURN QUERY SELECT 82, '82_api_reports'::text, $define$-- Definitions 82: functions of schema api that answer questions about a unit, and a few actions. All run with the rights of
-- their caller. valid_on NULL, or left out, means today.
--
-- A hierarchy is built from parts, each an object with the key that it has in the whole:
--   {"enterprise": {…, "legal_unit": [{…, "establishment": [{…}]}], "establishment": [{…}]}}
-- scope tree: every unit with identifiers, activities and locations; all: with everything known of each unit; details:
-- everything known of the one unit, without the units below it.
--
-- What uses ltree in its body is made with the search_path of statbus.migrate() (FROM CURRENT), which has ltree's schema.

-- parts of one code list row -----------------------------------------------------------------------------------------
DO $codes$
DECLARE
    code_list text;
    signature text;
BEGIN
    FOREACH code_list IN ARRAY ARRAY['region', 'sector', 'country', 'legal_form', 'status', 'unit_size', 'data_source',
                                     'foreign_participation', 'activity_category_standard'] LOOP
        signature := format('api.%I(integer)', code_list || '_hierarchy');
        EXECUTE format('CREATE OR REPLACE FUNCTION api.%I(%I integer) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE '
                       'SET search_path = pg_catalog, pg_temp AS %L',
                       code_list || '_hierarchy', code_list || '_id',
                       format('SELECT jsonb_build_object(%L, (SELECT to_jsonb(c) FROM register.%I AS c WHERE c.id = $1))', code_list, code_list));
        EXECUTE format('COMMENT ON FUNCTION %s IS %L', signature, format('{"%s": the row with this id, or null}', code_list));
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO authenticated', signature);
    END LOOP;
END
$codes$;

CREATE OR REPLACE FUNCTION api.activity_category_hierarchy(activity_category_id integer)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $activity_category_hierarchy$
    SELECT jsonb_build_object('activity_category', (
        SELECT to_jsonb(c) || api.activity_category_standard_hierarchy(c.standard_id)
        FROM register.activity_category AS c
        WHERE c.id = $1))
$activity_category_hierarchy$;
COMMENT ON FUNCTION api.activity_category_hierarchy(integer) IS '{"activity_category": the row with this id and its standard, or null}';

-- parts of one unit --------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION api.external_idents_hierarchy(
    parent_establishment_id integer DEFAULT NULL, parent_legal_unit_id integer DEFAULT NULL,
    parent_enterprise_id integer DEFAULT NULL, parent_power_group_id integer DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $external_idents_hierarchy$
    SELECT jsonb_build_object('external_idents', coalesce(
        jsonb_object_agg(k.code, coalesce(i.ident, ltree2text(i.idents)) ORDER BY k.priority, k.code), '{}'))
    FROM register.external_ident AS i
    JOIN register.external_ident_type AS k ON k.id = i.type_id
    WHERE i.establishment_id = $1 OR i.legal_unit_id = $2 OR i.enterprise_id = $3 OR i.power_group_id = $4
$external_idents_hierarchy$;
COMMENT ON FUNCTION api.external_idents_hierarchy(integer, integer, integer, integer) IS '{"external_idents": {code of the type: identifier}} of one unit';

CREATE OR REPLACE FUNCTION api.activity_hierarchy(parent_establishment_id integer, parent_legal_unit_id integer, valid_on date DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $activity_hierarchy$
    SELECT jsonb_build_object('activity', coalesce(
        jsonb_agg(to_jsonb(a) - 'valid_range' || api.activity_category_hierarchy(a.category_id) || api.data_source_hierarchy(a.data_source_id)
                  ORDER BY a.type), '[]'))
    FROM register.activity AS a
    WHERE (a.establishment_id = $1 OR a.legal_unit_id = $2)
    AND a.valid_from <= coalesce($3, statbus.today()) AND coalesce($3, statbus.today()) < a.valid_until
$activity_hierarchy$;
COMMENT ON FUNCTION api.activity_hierarchy(integer, integer, date) IS '{"activity": [activities of a unit on a day]}';

CREATE OR REPLACE FUNCTION api.location_hierarchy(parent_establishment_id integer, parent_legal_unit_id integer, valid_on date DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $location_hierarchy$
    SELECT jsonb_build_object('location', coalesce(
        jsonb_agg(to_jsonb(l) - 'valid_range' || api.region_hierarchy(l.region_id) || api.country_hierarchy(l.country_id)
                  || api.data_source_hierarchy(l.data_source_id) ORDER BY l.type), '[]'))
    FROM register.location AS l
    WHERE (l.establishment_id = $1 OR l.legal_unit_id = $2)
    AND l.valid_from <= coalesce($3, statbus.today()) AND coalesce($3, statbus.today()) < l.valid_until
$location_hierarchy$;
COMMENT ON FUNCTION api.location_hierarchy(integer, integer, date) IS '{"location": [locations of a unit on a day]}';

CREATE OR REPLACE FUNCTION api.contact_hierarchy(parent_establishment_id integer, parent_legal_unit_id integer, valid_on date DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $contact_hierarchy$
    SELECT jsonb_build_object('contact', (
        SELECT to_jsonb(c) - 'valid_range' || api.data_source_hierarchy(c.data_source_id)
        FROM register.contact AS c
        WHERE (c.establishment_id = $1 OR c.legal_unit_id = $2)
        AND c.valid_from <= coalesce($3, statbus.today()) AND coalesce($3, statbus.today()) < c.valid_until))
$contact_hierarchy$;
COMMENT ON FUNCTION api.contact_hierarchy(integer, integer, date) IS '{"contact": how to reach a unit on a day, or null}';

CREATE OR REPLACE FUNCTION api.stat_for_unit_hierarchy(parent_establishment_id integer, parent_legal_unit_id integer, valid_on date DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $stat_for_unit_hierarchy$
    SELECT jsonb_build_object('stat_for_unit', coalesce(
        jsonb_agg(to_jsonb(s) - 'valid_range' || jsonb_build_object('stat_definition', to_jsonb(d)) || api.data_source_hierarchy(s.data_source_id)
                  ORDER BY d.priority, d.code), '[]'))
    FROM register.stat_for_unit AS s
    JOIN register.stat_definition AS d ON d.id = s.stat_definition_id
    WHERE (s.establishment_id = $1 OR s.legal_unit_id = $2)
    AND s.valid_from <= coalesce($3, statbus.today()) AND coalesce($3, statbus.today()) < s.valid_until
$stat_for_unit_hierarchy$;
COMMENT ON FUNCTION api.stat_for_unit_hierarchy(integer, integer, date) IS '{"stat_for_unit": [statistics of a unit on a day]}';

CREATE OR REPLACE FUNCTION api.tag_for_unit_hierarchy(
    parent_establishment_id integer DEFAULT NULL, parent_legal_unit_id integer DEFAULT NULL,
    parent_enterprise_id integer DEFAULT NULL, parent_power_group_id integer DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $tag_for_unit_hierarchy$
    SELECT jsonb_build_object('tag', coalesce(jsonb_agg(to_jsonb(t) ORDER BY t.path), '[]'))
    FROM register.tag_for_unit AS u
    JOIN register.tag AS t ON t.id = u.tag_id
    WHERE u.establishment_id = $1 OR u.legal_unit_id = $2 OR u.enterprise_id = $3 OR u.power_group_id = $4
$tag_for_unit_hierarchy$;
COMMENT ON FUNCTION api.tag_for_unit_hierarchy(integer, integer, integer, integer) IS '{"tag": [tags of one unit]}';

CREATE OR REPLACE FUNCTION api.notes_for_unit(
    parent_establishment_id integer DEFAULT NULL, parent_legal_unit_id integer DEFAULT NULL,
    parent_enterprise_id integer DEFAULT NULL, parent_power_group_id integer DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $notes_for_unit$
    SELECT jsonb_build_object('notes', (
        SELECT to_jsonb(n)
        FROM register.unit_notes AS n
        WHERE n.establishment_id = $1 OR n.legal_unit_id = $2 OR n.enterprise_id = $3 OR n.power_group_id = $4))
$notes_for_unit$;
COMMENT ON FUNCTION api.notes_for_unit(integer, integer, integer, integer) IS '{"notes": what the staff wrote about one unit, or null}';

CREATE OR REPLACE FUNCTION api.power_group_link(parent_legal_unit_id integer, parent_enterprise_id integer DEFAULT NULL, valid_on date DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $power_group_link$
    SELECT jsonb_build_object('power_group', coalesce(jsonb_agg(to_jsonb(g) ORDER BY g.ident), '[]'))
    FROM register.power_group AS g
    WHERE EXISTS (
        SELECT
        FROM register.legal_unit AS u
        JOIN register.legal_relationship AS r ON u.id IN (r.influencing_id, r.influenced_id)
        WHERE (u.id = $1 OR u.enterprise_id = $2)
        AND u.valid_from <= coalesce($3, statbus.today()) AND coalesce($3, statbus.today()) < u.valid_until
        AND r.derived_power_group_id = g.id
        AND r.valid_from <= coalesce($3, statbus.today()) AND coalesce($3, statbus.today()) < r.valid_until)
$power_group_link$;
COMMENT ON FUNCTION api.power_group_link(integer, integer, date) IS '{"power_group": [groups that a legal unit, or the legal units of an enterprise, belong to on a day]}';

-- units --------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION api.establishment_hierarchy(
    establishment_id integer DEFAULT NULL, parent_legal_unit_id integer DEFAULT NULL, parent_enterprise_id integer DEFAULT NULL,
    scope register.hierarchy_scope DEFAULT 'all', valid_on date DEFAULT NULL, primary_only boolean DEFAULT false)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $establishment_hierarchy$
    SELECT jsonb_build_object('establishment', coalesce(jsonb_agg(
        to_jsonb(e) - 'valid_range'
        || api.external_idents_hierarchy(parent_establishment_id => e.id)
        || api.activity_hierarchy(e.id, NULL, d.day)
        || api.location_hierarchy(e.id, NULL, d.day)
        || CASE WHEN $4 = 'tree' THEN '{}' ELSE
               api.stat_for_unit_hierarchy(e.id, NULL, d.day)
               || api.contact_hierarchy(e.id, NULL, d.day)
               || api.sector_hierarchy(e.sector_id)
               || api.unit_size_hierarchy(e.unit_size_id)
               || api.status_hierarchy(e.status_id)
               || api.data_source_hierarchy(e.data_source_id)
               || api.tag_for_unit_hierarchy(parent_establishment_id => e.id)
               || api.notes_for_unit(parent_establishment_id => e.id)
           END
        ORDER BY coalesce(e.primary_for_legal_unit, e.primary_for_enterprise) DESC, e.name, e.id), '[]'))
    FROM (SELECT coalesce($5, statbus.today()) AS day) AS d
    JOIN register.establishment AS e
        ON (e.id = $1 OR ($1 IS NULL AND e.legal_unit_id = $2) OR ($1 IS NULL AND e.enterprise_id = $3))
        AND e.valid_from <= d.day AND d.day < e.valid_until
    WHERE NOT coalesce($6, false) OR coalesce(e.primary_for_legal_unit, e.primary_for_enterprise)
$establishment_hierarchy$;
COMMENT ON FUNCTION api.establishment_hierarchy(integer, integer, integer, register.hierarchy_scope, date, boolean) IS
    '{"establishment": [one establishment, or those of a legal unit or an enterprise, on a day]}';

CREATE OR REPLACE FUNCTION api.legal_unit_hierarchy(
    legal_unit_id integer DEFAULT NULL, parent_enterprise_id integer DEFAULT NULL,
    scope register.hierarchy_scope DEFAULT 'all', valid_on date DEFAULT NULL, primary_only boolean DEFAULT false)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $legal_unit_hierarchy$
    SELECT jsonb_build_object('legal_unit', coalesce(jsonb_agg(
        to_jsonb(u) - 'valid_range'
        || api.external_idents_hierarchy(parent_legal_unit_id => u.id)
        || api.activity_hierarchy(NULL, u.id, d.day)
        || api.location_hierarchy(NULL, u.id, d.day)
        || CASE WHEN $3 = 'details' THEN '{}' ELSE
               api.establishment_hierarchy(NULL, u.id, NULL, $3, d.day, $5)
           END
        || CASE WHEN $3 = 'tree' THEN '{}' ELSE
               api.stat_for_unit_hierarchy(NULL, u.id, d.day)
               || api.contact_hierarchy(NULL, u.id, d.day)
               || api.sector_hierarchy(u.sector_id)
               || api.unit_size_hierarchy(u.unit_size_id)
               || api.status_hierarchy(u.status_id)
               || api.legal_form_hierarchy(u.legal_form_id)
               || api.foreign_participation_hierarchy(u.foreign_participation_id)
               || api.data_source_hierarchy(u.data_source_id)
               || api.tag_for_unit_hierarchy(parent_legal_unit_id => u.id)
               || api.notes_for_unit(parent_legal_unit_id => u.id)
               || api.power_group_link(u.id, NULL, d.day)
           END
        ORDER BY u.primary_for_enterprise DESC, u.name, u.id), '[]'))
    FROM (SELECT coalesce($4, statbus.today()) AS day) AS d
    JOIN register.legal_unit AS u
        ON (u.id = $1 OR ($1 IS NULL AND u.enterprise_id = $2))
        AND u.valid_from <= d.day AND d.day < u.valid_until
    WHERE NOT coalesce($5, false) OR u.primary_for_enterprise
$legal_unit_hierarchy$;
COMMENT ON FUNCTION api.legal_unit_hierarchy(integer, integer, register.hierarchy_scope, date, boolean) IS
    '{"legal_unit": [one legal unit, or those of an enterprise, on a day]}';

CREATE OR REPLACE FUNCTION api.enterprise_hierarchy(
    enterprise_id integer, scope register.hierarchy_scope DEFAULT 'all', valid_on date DEFAULT NULL, primary_only boolean DEFAULT false)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $enterprise_hierarchy$
    SELECT jsonb_build_object('enterprise', (
        SELECT to_jsonb(e)
            || api.external_idents_hierarchy(parent_enterprise_id => e.id)
            || CASE WHEN $2 = 'details' THEN '{}' ELSE
                   api.legal_unit_hierarchy(NULL, e.id, $2, d.day, $4)
                   || api.establishment_hierarchy(NULL, NULL, e.id, $2, d.day, $4)
               END
            || CASE WHEN $2 = 'tree' THEN '{}' ELSE
                   api.tag_for_unit_hierarchy(parent_enterprise_id => e.id)
                   || api.notes_for_unit(parent_enterprise_id => e.id)
                   || api.power_group_link(NULL, e.id, d.day)
               END
        FROM register.enterprise AS e
        CROSS JOIN (SELECT coalesce($3, statbus.today()) AS day) AS d
        WHERE e.id = $1))
$enterprise_hierarchy$;
COMMENT ON FUNCTION api.enterprise_hierarchy(integer, register.hierarchy_scope, date, boolean) IS '{"enterprise": one enterprise and, unless scope is details, its units on a day}';

CREATE OR REPLACE FUNCTION api.power_group_hierarchy(
    power_group_id integer, scope register.hierarchy_scope DEFAULT 'all', valid_on date DEFAULT NULL, primary_only boolean DEFAULT false)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $power_group_hierarchy$
    SELECT jsonb_build_object('power_group', (
        SELECT to_jsonb(g)
            || api.external_idents_hierarchy(parent_power_group_id => g.id)
            || CASE WHEN $2 = 'details' THEN '{}' ELSE
                   (SELECT jsonb_build_object('enterprise', coalesce(
                               jsonb_agg(api.enterprise_hierarchy(m.enterprise_id, $2, d.day, $4) -> 'enterprise' ORDER BY m.enterprise_id), '[]'))
                    FROM (SELECT DISTINCT u.enterprise_id
                          FROM register.legal_relationship AS r
                          JOIN register.legal_unit AS u ON u.id IN (r.influencing_id, r.influenced_id)
                          WHERE r.derived_power_group_id = g.id
                          AND r.valid_from <= d.day AND d.day < r.valid_until
                          AND u.valid_from <= d.day AND d.day < u.valid_until) AS m)
               END
            || CASE WHEN $2 = 'tree' THEN '{}' ELSE
                   api.tag_for_unit_hierarchy(parent_power_group_id => g.id)
                   || api.notes_for_unit(parent_power_group_id => g.id)
                   || api.unit_size_hierarchy(g.unit_size_id)
                   || api.data_source_hierarchy(g.data_source_id)
               END
        FROM register.power_group AS g
        CROSS JOIN (SELECT coalesce($3, statbus.today()) AS day) AS d
        WHERE g.id = $1))
$power_group_hierarchy$;
COMMENT ON FUNCTION api.power_group_hierarchy(integer, register.hierarchy_scope, date, boolean) IS '{"power_group": one power group and, unless scope is details, its enterprises on a day}';

-- about one unit -----------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION api.statistical_unit_enterprise_id(unit_type register.statistical_unit_type, unit_id integer, valid_on date DEFAULT NULL)
RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $statistical_unit_enterprise_id$
    SELECT CASE $1
        WHEN 'enterprise' THEN (SELECT e.id FROM register.enterprise AS e WHERE e.id = $2)
        WHEN 'legal_unit' THEN (
            SELECT u.enterprise_id FROM register.legal_unit AS u
            WHERE u.id = $2 AND u.valid_from <= d.day AND d.day < u.valid_until)
        WHEN 'establishment' THEN (
            SELECT coalesce(e.enterprise_id, u.enterprise_id)
            FROM register.establishment AS e
            LEFT JOIN register.legal_unit AS u ON u.id = e.legal_unit_id AND u.valid_from <= d.day AND d.day < u.valid_until
            WHERE e.id = $2 AND e.valid_from <= d.day AND d.day < e.valid_until)
        END
    FROM (SELECT coalesce($3, statbus.today()) AS day) AS d
$statistical_unit_enterprise_id$;
COMMENT ON FUNCTION api.statistical_unit_enterprise_id(register.statistical_unit_type, integer, date) IS
    'The enterprise of a unit on a day; NULL when the unit is not there on that day, and for power groups, which have many';

CREATE OR REPLACE FUNCTION api.statistical_unit_hierarchy(
    unit_type register.statistical_unit_type, unit_id integer, scope register.hierarchy_scope DEFAULT 'all', valid_on date DEFAULT NULL,
    strip_nulls boolean DEFAULT false, primary_only boolean DEFAULT false)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $statistical_unit_hierarchy$
    SELECT CASE WHEN $5 THEN jsonb_strip_nulls(h.hierarchy) ELSE h.hierarchy END
    FROM (SELECT CASE $1
              WHEN 'power_group' THEN api.power_group_hierarchy($2, $3, $4, $6)
              ELSE api.enterprise_hierarchy(api.statistical_unit_enterprise_id($1, $2, $4), $3, $4, $6)
          END AS hierarchy) AS h
$statistical_unit_hierarchy$;
COMMENT ON FUNCTION api.statistical_unit_hierarchy(register.statistical_unit_type, integer, register.hierarchy_scope, date, boolean, boolean) IS
    'The enterprise of a unit on a day with its legal units and establishments, as one object; scope: all, tree or details';

CREATE OR REPLACE FUNCTION api.statistical_unit_tree(unit_type register.statistical_unit_type, unit_id integer, valid_on date DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $statistical_unit_tree$
    SELECT api.statistical_unit_hierarchy($1, $2, 'tree', $3)
$statistical_unit_tree$;
COMMENT ON FUNCTION api.statistical_unit_tree(register.statistical_unit_type, integer, date) IS
    'The enterprise of a unit on a day with its units, their identifiers, activities and locations';

CREATE OR REPLACE FUNCTION api.statistical_unit_details(unit_type register.statistical_unit_type, unit_id integer, valid_on date DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $statistical_unit_details$
    SELECT CASE $1
        WHEN 'establishment' THEN api.establishment_hierarchy($2, NULL, NULL, 'details', $3)
        WHEN 'legal_unit' THEN api.legal_unit_hierarchy($2, NULL, 'details', $3)
        WHEN 'enterprise' THEN api.enterprise_hierarchy($2, 'details', $3)
        WHEN 'power_group' THEN api.power_group_hierarchy($2, 'details', $3)
    END
$statistical_unit_details$;
COMMENT ON FUNCTION api.statistical_unit_details(register.statistical_unit_type, integer, date) IS
    'Everything known of one unit on a day, without the units below it';

CREATE OR REPLACE FUNCTION api.relevant_statistical_units(unit_type register.statistical_unit_type, unit_id integer, valid_on date DEFAULT NULL)
RETURNS SETOF api.statistical_unit
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $relevant_statistical_units$
    WITH d AS (
        SELECT coalesce($3, statbus.today()) AS day
    ), top AS (
        SELECT u.unit_type, u.unit_id, u.related_enterprise_ids, u.related_legal_unit_ids, u.related_establishment_ids
        FROM d
        JOIN register.statistical_unit AS u ON u.valid_from <= d.day AND d.day < u.valid_until
        WHERE CASE $1 WHEN 'power_group' THEN u.unit_type = 'power_group' AND u.unit_id = $2
                      ELSE u.unit_type = 'enterprise' AND u.unit_id = api.statistical_unit_enterprise_id($1, $2, $3) END
    ), wanted AS (
        SELECT top.unit_type, top.unit_id FROM top
        UNION
        SELECT 'enterprise', unnest(top.related_enterprise_ids) FROM top
        UNION
        SELECT 'legal_unit', unnest(top.related_legal_unit_ids) FROM top
        UNION
        SELECT 'establishment', unnest(top.related_establishment_ids) FROM top
    )
    SELECT u.*
    FROM d
    CROSS JOIN wanted AS w
    JOIN api.statistical_unit AS u
        ON u.unit_type = w.unit_type AND u.unit_id = w.unit_id AND u.valid_from <= d.day AND d.day < u.valid_until
    ORDER BY u.unit_type DESC, u.unit_id
$relevant_statistical_units$;
COMMENT ON FUNCTION api.relevant_statistical_units(register.statistical_unit_type, integer, date) IS
    'The rows of statistical_unit of the same enterprise (of a power group: of its enterprises) on a day';

CREATE OR REPLACE FUNCTION api.statistical_unit_stats(unit_type register.statistical_unit_type, unit_id integer, valid_on date DEFAULT NULL)
RETURNS TABLE (
    unit_type register.statistical_unit_type, unit_id integer, valid_from date, valid_to date, stats jsonb, stats_summary jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $statistical_unit_stats$
    SELECT u.unit_type, u.unit_id, u.valid_from, u.valid_to, u.stats, u.stats_summary
    FROM api.relevant_statistical_units($1, $2, $3) AS u
    ORDER BY u.unit_type DESC, u.unit_id
$statistical_unit_stats$;
COMMENT ON FUNCTION api.statistical_unit_stats(register.statistical_unit_type, integer, date) IS
    'The statistics of all units of the same enterprise on a day';

CREATE OR REPLACE FUNCTION api.get_external_idents(unit_type register.statistical_unit_type, unit_id integer)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $get_external_idents$
    SELECT api.external_idents_hierarchy(
        CASE WHEN $1 = 'establishment' THEN $2 END, CASE WHEN $1 = 'legal_unit' THEN $2 END,
        CASE WHEN $1 = 'enterprise' THEN $2 END, CASE WHEN $1 = 'power_group' THEN $2 END) -> 'external_idents'
$get_external_idents$;
COMMENT ON FUNCTION api.get_external_idents(register.statistical_unit_type, integer) IS '{code of the type: identifier} of a unit';

CREATE OR REPLACE FUNCTION api.websearch_to_wildcard_tsquery(query text)
RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $websearch_to_wildcard_tsquery$
    -- In a tsquery's text every word stands in quotes, and a quote inside a word is doubled.
    SELECT regexp_replace(websearch_to_tsquery('pg_catalog.simple', query)::text, '''(?:[^'']|'''')*''', '\&:*', 'g')::tsquery
$websearch_to_wildcard_tsquery$;
COMMENT ON FUNCTION api.websearch_to_wildcard_tsquery(text) IS
    'Words as a user types them, as a query for the column search: every word is the beginning of a word';

-- progress -----------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION api.is_importing()
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $is_importing$
    SELECT jsonb_build_object(
        'active', count(*) > 0,
        'jobs', coalesce(jsonb_agg(jsonb_build_object(
            'id', j.id, 'slug', j.slug, 'state', j.state, 'total_rows', j.total_rows, 'imported_rows', j.imported_rows,
            'analysis_completed_pct', j.analysis_completed_pct, 'import_completed_pct', j.import_completed_pct) ORDER BY j.priority, j.id), '[]'))
    FROM import.job AS j
    WHERE j.state IN ('upload_completed', 'preparing_data', 'analysing_data', 'approved', 'processing_data')
$is_importing$;
COMMENT ON FUNCTION api.is_importing() IS '{"active", "jobs"}: the import jobs that are under way';

CREATE OR REPLACE FUNCTION api.is_deriving_statistical_units()
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $is_deriving_statistical_units$
    SELECT jsonb_build_object('active', count(*) > 0, 'progress', coalesce(jsonb_agg(to_jsonb(o) ORDER BY o.command), '[]'))
    FROM statbus.open_tasks('{derive_statistical_unit}') AS o
$is_deriving_statistical_units$;
COMMENT ON FUNCTION api.is_deriving_statistical_units() IS '{"active", "progress"}: whether statistical_unit is behind the base tables';

CREATE OR REPLACE FUNCTION api.is_deriving_reports()
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $is_deriving_reports$
    SELECT jsonb_build_object('active', count(*) > 0, 'progress', coalesce(jsonb_agg(to_jsonb(o) ORDER BY o.command), '[]'))
    FROM statbus.open_tasks('{derive_reports}') AS o
$is_deriving_reports$;
COMMENT ON FUNCTION api.is_deriving_reports() IS '{"active", "progress"}: whether the reports are behind statistical_unit';

CREATE OR REPLACE FUNCTION api.get_import_job_progress(job_id integer)
RETURNS json
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $get_import_job_progress$
DECLARE
    job import.job;
    data_table regclass;
    row_states jsonb;
BEGIN
    SELECT j.* INTO job FROM import.job AS j WHERE j.id = get_import_job_progress.job_id;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    data_table := to_regclass(format('import.%I', job.data_table_name));
    -- How far a job is, everybody may know; its rows are its owner's.
    IF has_table_privilege(data_table, 'SELECT') THEN
        EXECUTE format('SELECT coalesce(jsonb_object_agg(s.state, s.count), ''{}'')
                        FROM (SELECT d.state, count(*) AS count FROM %s AS d GROUP BY d.state) AS s', data_table)
        INTO row_states;
    END IF;
    RETURN json_build_object(
        'job_id', job.id, 'slug', job.slug, 'state', job.state, 'total_rows', job.total_rows, 'imported_rows', job.imported_rows,
        'unchanged_rows', job.unchanged_rows, 'skipped_rows', job.skipped_rows,
        'error_count', job.error_count, 'warning_count', job.warning_count,
        'analysis_completed_pct', job.analysis_completed_pct, 'analysis_rows_per_sec', job.analysis_rows_per_sec,
        'import_completed_pct', job.import_completed_pct, 'import_rows_per_sec', job.import_rows_per_sec,
        'current_step_code', job.current_step_code, 'last_progress_update', job.last_progress_update, 'error', job.error,
        'row_states', row_states);
END
$get_import_job_progress$;
COMMENT ON FUNCTION api.get_import_job_progress(integer) IS 'How far an import job is; with its rows by state for those who may read them; null when there is no such job';

-- files --------------------------------------------------------------------------------------------------------------

DO $media_type$
BEGIN
    -- PostgREST takes a domain of this name for any media type.
    IF to_regtype('api."*/*"') IS NULL THEN
        CREATE DOMAIN api."*/*" AS bytea;
    END IF;
END
$media_type$;
COMMENT ON DOMAIN api."*/*" IS 'A file of any media type; the response says which';

CREATE OR REPLACE FUNCTION api.image_data(id integer)
RETURNS api."*/*"
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $image_data$
DECLARE
    picture record;
BEGIN
    SELECT i.data, i.type INTO picture FROM register.image AS i WHERE i.id = image_data.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'image % does not exist', image_data.id USING ERRCODE = 'PT404';
    END IF;
    PERFORM set_config('response.headers', jsonb_build_array(
        jsonb_build_object('Content-Type', picture.type),
        jsonb_build_object('Cache-Control', 'private, max-age=86400'),
        jsonb_build_object('X-Content-Type-Options', 'nosniff'))::text, true);
    RETURN picture.data;
END
$image_data$;
COMMENT ON FUNCTION api.image_data(integer) IS 'The bytes of a picture, with its media type';

-- actions ------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION api.delete_portion(
    table_name text, identity jsonb, valid_from date, valid_until date DEFAULT NULL, valid_to date DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $delete_portion$
DECLARE
    temporal_tables CONSTANT text[] := ARRAY[
        'legal_unit', 'establishment', 'activity', 'location', 'contact', 'stat_for_unit', 'person_for_unit',
        'legal_relationship', 'power_root'];
    end_day date;
BEGIN
    IF delete_portion.table_name IS NULL OR delete_portion.table_name <> ALL (temporal_tables) THEN
        RAISE EXCEPTION 'table "%" has no history', delete_portion.table_name
            USING ERRCODE = 'invalid_parameter_value', HINT = format('Tables with a history are %s.', array_to_string(temporal_tables, ', '));
    END IF;
    end_day := statbus.agreed_date(ARRAY[delete_portion.valid_until, delete_portion.valid_to + 1], 'The day after the last one');
    IF end_day IS NULL THEN
        RAISE EXCEPTION 'period has no last day'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give valid_to or valid_until; infinity for an open end.';
    END IF;
    PERFORM statbus.check_period(delete_portion.valid_from, end_day);
    RETURN temporal.delete_portion(format('register.%I', delete_portion.table_name)::regclass, delete_portion.identity,
                                   delete_portion.valid_from, end_day);
END
$delete_portion$;
COMMENT ON FUNCTION api.delete_portion(text, jsonb, date, date, date) IS
    'Takes a period out of the history of one unit or detail, identity {"id": …}; returns how many slices it had there';

-- Only the portion changes: before and after it, history stays as it was. The one that gives way goes first, so that there are
-- never two at a time; a period in which the unit belongs elsewhere is its own affair.
CREATE OR REPLACE FUNCTION api.set_primary_legal_unit_for_enterprise(
    legal_unit_id integer, valid_from_param date DEFAULT NULL, valid_to_param date DEFAULT 'infinity')
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $set_primary_legal_unit_for_enterprise$
DECLARE
    first_day CONSTANT date := coalesce(valid_from_param, statbus.today());
    end_day CONSTANT date := coalesce(valid_to_param, 'infinity') + 1;
    part record;
    demoted bigint := 0;
    promoted bigint := 0;
    changed bigint;
BEGIN
    PERFORM statbus.check_period(first_day, end_day);
    FOR part IN
        SELECT u.enterprise_id, greatest(u.valid_from, first_day) AS valid_from, least(u.valid_until, end_day) AS valid_until
        FROM register.legal_unit AS u
        WHERE u.id = set_primary_legal_unit_for_enterprise.legal_unit_id
        AND u.valid_from < end_day AND first_day < u.valid_until AND NOT u.primary_for_enterprise
        ORDER BY u.valid_from
    LOOP
        UPDATE api.legal_unit__for_portion_of_valid AS other
        SET primary_for_enterprise = false, valid_from = part.valid_from, valid_until = part.valid_until
        WHERE other.enterprise_id = part.enterprise_id AND other.primary_for_enterprise
        AND other.valid_from < part.valid_until AND part.valid_from < other.valid_until;
        GET DIAGNOSTICS changed = ROW_COUNT;
        demoted := demoted + changed;
        UPDATE api.legal_unit__for_portion_of_valid AS chosen
        SET primary_for_enterprise = true, valid_from = part.valid_from, valid_until = part.valid_until
        WHERE chosen.id = set_primary_legal_unit_for_enterprise.legal_unit_id
        AND chosen.valid_from < part.valid_until AND part.valid_from < chosen.valid_until;
        GET DIAGNOSTICS changed = ROW_COUNT;
        promoted := promoted + changed;
    END LOOP;
    RETURN jsonb_build_object('demoted', demoted, 'promoted', promoted);
END
$set_primary_legal_unit_for_enterprise$;
COMMENT ON FUNCTION api.set_primary_legal_unit_for_enterprise(integer, date, date) IS
    'Makes a legal unit the primary one of its enterprise for a period, from today when no first day is given';

CREATE OR REPLACE FUNCTION api.set_primary_establishment_for_legal_unit(
    establishment_id integer, valid_from_param date DEFAULT NULL, valid_to_param date DEFAULT 'infinity')
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $set_primary_establishment_for_legal_unit$
DECLARE
    first_day CONSTANT date := coalesce(valid_from_param, statbus.today());
    end_day CONSTANT date := coalesce(valid_to_param, 'infinity') + 1;
    part record;
    demoted bigint := 0;
    promoted bigint := 0;
    changed bigint;
BEGIN
    PERFORM statbus.check_period(first_day, end_day);
    FOR part IN
        SELECT e.legal_unit_id, greatest(e.valid_from, first_day) AS valid_from, least(e.valid_until, end_day) AS valid_until
        FROM register.establishment AS e
        WHERE e.id = set_primary_establishment_for_legal_unit.establishment_id AND e.legal_unit_id IS NOT NULL
        AND e.valid_from < end_day AND first_day < e.valid_until AND NOT e.primary_for_legal_unit
        ORDER BY e.valid_from
    LOOP
        UPDATE api.establishment__for_portion_of_valid AS other
        SET primary_for_legal_unit = false, valid_from = part.valid_from, valid_until = part.valid_until
        WHERE other.legal_unit_id = part.legal_unit_id AND other.primary_for_legal_unit
        AND other.valid_from < part.valid_until AND part.valid_from < other.valid_until;
        GET DIAGNOSTICS changed = ROW_COUNT;
        demoted := demoted + changed;
        UPDATE api.establishment__for_portion_of_valid AS chosen
        SET primary_for_legal_unit = true, valid_from = part.valid_from, valid_until = part.valid_until
        WHERE chosen.id = set_primary_establishment_for_legal_unit.establishment_id
        AND chosen.valid_from < part.valid_until AND part.valid_from < chosen.valid_until;
        GET DIAGNOSTICS changed = ROW_COUNT;
        promoted := promoted + changed;
    END LOOP;
    RETURN jsonb_build_object('demoted', demoted, 'promoted', promoted);
END
$set_primary_establishment_for_legal_unit$;
COMMENT ON FUNCTION api.set_primary_establishment_for_legal_unit(integer, date, date) IS
    'Makes an establishment the primary one of its legal unit for a period, from today when no first day is given';

-- rights -------------------------------------------------------------------------------------------------------------
-- Of every function above: nobody but signed-in users; what they may see or do is decided where the functions read and write.
DO $rights$
DECLARE
    named text;
    routine regprocedure;
BEGIN
    FOREACH named IN ARRAY ARRAY[
        'activity_category_hierarchy', 'external_idents_hierarchy', 'activity_hierarchy', 'location_hierarchy', 'contact_hierarchy',
        'stat_for_unit_hierarchy', 'tag_for_unit_hierarchy', 'notes_for_unit', 'power_group_link', 'establishment_hierarchy',
        'legal_unit_hierarchy', 'enterprise_hierarchy', 'power_group_hierarchy', 'statistical_unit_enterprise_id',
        'statistical_unit_hierarchy', 'statistical_unit_tree', 'statistical_unit_details', 'relevant_statistical_units',
        'statistical_unit_stats', 'get_external_idents', 'websearch_to_wildcard_tsquery', 'is_importing',
        'is_deriving_statistical_units', 'is_deriving_reports', 'get_import_job_progress', 'image_data', 'delete_portion',
        'set_primary_legal_unit_for_enterprise', 'set_primary_establishment_for_legal_unit'
    ] LOOP
        routine := format('api.%I', named)::regproc::regprocedure;
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', routine);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO authenticated', routine);
    END LOOP;
END
$rights$;
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
    RETURN QUERY SELECT 95, '95_api_rights'::text, $define$-- Definitions 95: who may use the views of schema api: whoever may use the tables behind them (granted in 90).
SELECT statbus.grant_api_views();

-- PostgREST reads the schema again at the end of the transaction.
NOTIFY pgrst, 'reload schema';
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

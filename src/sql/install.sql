-- What builds and describes the installation itself.

COMMENT ON FUNCTION statbus.execute_unowned(text) IS
    'Runs statements whose objects belong to no extension, also inside CREATE EXTENSION; superusers only';
REVOKE ALL ON FUNCTION statbus.execute_unowned(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.setting(name text)
RETURNS text
LANGUAGE C STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_setting';
COMMENT ON FUNCTION statbus.setting(text) IS
    'A setting of statbus as SHOW gives it, never what somebody wrote under its name before the library was loaded; 22023 for another name, 42704 for one that is not there';

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

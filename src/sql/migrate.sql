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
    RETURN QUERY SELECT 'db-anon-role'::text, 'anon'::text, 'Setting of PostgREST, which logs in as authenticator.'::text;
    RETURN QUERY SELECT 'db-extra-search-path'::text, array_to_string(statbus.required_schemas(), ','), 'Setting of PostgREST.'::text;
    RETURN QUERY SELECT 'db-pre-request'::text, 'auth.pre_request'::text, 'Setting of PostgREST.'::text;
    RETURN QUERY SELECT k.item, k.value, k.hint FROM statbus.key_status() AS k;
END
$status$;
COMMENT ON FUNCTION statbus.status() IS 'What is installed, what is left to do, and what PostgREST must be told';

-- What must be true of every function of statbus, member or released.
CREATE VIEW pg_temp.routine AS
SELECT p.oid, n.nspname AS schema, p.proname AS name, p.oid::regprocedure::text AS signature, p.prokind, p.prosecdef,
       l.lanname, p.provolatile, p.proparallel, p.proconfig, p.proacl
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_language AS l ON l.oid = p.prolang
WHERE n.nspname IN ('statbus', 'temporal', 'register', 'auth', 'import', 'worker', 'api');

-- The install checks every body: a broken one is refused.
SELECT statbus.validate_functions();
SET check_function_bodies = off;
CREATE FUNCTION statbus.broken() RETURNS integer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $broken$ BEGIN RETRUN 1; END $broken$;
RESET check_function_bodies;
\set VERBOSITY sqlstate
CALL statbus.migrate();                                         -- fails
DROP FUNCTION statbus.broken();
SET check_function_bodies = off;
CREATE FUNCTION statbus.broken() RETURNS integer LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $broken$ SELECT id FROM register.no_such_table $broken$;
RESET check_function_bodies;
CALL statbus.migrate();                                         -- fails
\set VERBOSITY default
DROP FUNCTION statbus.broken();

-- Every SQL and PL/pgSQL function pins its search_path.  The exceptions: a procedure that commits; the merge, which
-- pins it by itself and gives the caller's back to the caller's triggers.
SELECT signature FROM pg_temp.routine
WHERE lanname IN ('plpgsql', 'sql')
AND NOT EXISTS (SELECT FROM unnest(proconfig) AS c WHERE c LIKE 'search\_path=%')
AND NOT (schema = 'api' AND lanname = 'sql' AND signature ~ '^api\.\w+\(api\.\w+\)$')
ORDER BY signature COLLATE "C";

-- And the computed relationships of the API: SECURITY INVOKER, every name qualified, so that the planner inlines them.
SELECT count(*) > 50 AS many, bool_and(NOT prosecdef AND provolatile = 's') AS harmless FROM pg_temp.routine
WHERE schema = 'api' AND lanname = 'sql' AND signature ~ '^api\.\w+\(api\.\w+\)$' AND proconfig IS NULL;

-- No marker is left in a search_path, and each ends with pg_temp.
SELECT signature, proconfig FROM pg_temp.routine
WHERE EXISTS (SELECT FROM unnest(proconfig) AS c
              WHERE c LIKE 'search\_path=%' AND (c LIKE '%statbus\_requires%' OR c NOT LIKE '%, pg\_temp'))
ORDER BY signature COLLATE "C";

-- SECURITY DEFINER: this is the whole list, with the reason for each.
CREATE TEMP TABLE definer (signature text PRIMARY KEY, reason text NOT NULL);
INSERT INTO definer VALUES
    ('auth.admin_change_password(uuid,text)', 'passwords are written by no role'),
    ('auth.api_key_revoked()', 'trigger: events are written by no role'),
    ('auth.auth_expire_access_keep_refresh()', 'signs a token'),
    ('auth.auth_status()', 'a visitor is told about the session of his cookie'),
    ('auth.change_password(text)', 'passwords are written by no role'),
    ('auth.cookie_claims(text)', 'verifies the token of a cookie; reads user and session rows'),
    ('auth.create_api_key(text,interval)', 'signs a token; keys are inserted by no role'),
    ('auth.explain(text,regclass,bigint,text)', 'asks the policies of tables for another user'),
    ('auth.jwks()', 'the public parts of keys are for everybody, their rows are not'),
    ('auth.jwt_verify(text)', 'keys are read by no role; a caller learns what his own token says'),
    ('auth.log_event(text,integer,jsonb,text,uuid)', 'events are written by no role'),
    ('auth.login(text,text)', 'reads password hashes; writes sessions and counters'),
    ('auth.logout()', 'a visitor ends the session of his cookie'),
    ('auth.may_request(jsonb)', 'user, session and key rows: is the caller''s token still good?'),
    ('auth.refresh()', 'writes sessions; signs tokens'),
    ('auth.revoke_api_key(uuid)', 'keys are written by no role'),
    ('auth.revoke_session(uuid)', 'events are written by no role'),
    ('auth.user_create(text,text,text,text)', 'user rows and roles are made by no role'),
    ('auth.end_connections(uuid)', 'connections of another role are a superuser''s to end'),
    ('auth.user_follow()', 'trigger: the server''s role of a user follows him; events'),
    ('auth.user_lock()', 'trigger: the lock of all registers'' roles is not everybody''s to take'),
    ('auth.user_prepare()', 'trigger: hashes passwords'),
    ('auth.user_sign_out()', 'trigger: sessions and keys of another user are not to touch otherwise'),
    ('import.cancel_upload(text)', 'chunks are written by no role'),
    ('import.columns_wanted_changed()', 'trigger: a new identifier type or statistic grows the columns of definitions'),
    ('import.job_create_tables()', 'trigger: creates a job''s tables'),
    ('import.job_drop_tables()', 'trigger: drops a job''s tables'),
    ('import.job_state_changed()', 'trigger: queues tasks when a job is decided'),
    ('import.keep_undo()', 'trigger: what a job writes is kept by no role'),
    ('import.keep_undo_timeless()', 'trigger: what a job writes is kept by no role'),
    ('import.store_findings(integer,bigint[],bigint[],jsonb[])', 'findings are written by no role'),
    ('import.upload_chunk(text,integer,boolean,bytea,text,jsonb)', 'chunks are written by no role'),
    ('import.upload_done()', 'trigger: queues the task of a job'),
    ('import.upload_start()', 'trigger: reads the state of a job'),
    ('statbus.derive(integer[],integer[],integer[],integer[])', 'writes derived tables'),
    ('statbus.derive_at_commit()', 'trigger: writes derived tables'),
    ('statbus.derive_changes(integer[],integer[],integer[],integer[],text[])', 'writes derived tables'),
    ('statbus.derive_pending(integer)', 'writes derived tables'),
    ('statbus.key_status()', 'keys are read by no role, their state is for everybody'),
    ('statbus.log_base_change()', 'trigger: the change log is written by no role'),
    ('statbus.log_code_change()', 'trigger: the change log is written by no role'),
    ('statbus.log_settings_change()', 'trigger: the change log is written by no role'),
    ('statbus.needs_migration()', 'the ledger of migrations is not for every caller, the answer is'),
    ('statbus.open_tasks(text[])', 'tasks are read by administrators; the counts are for everybody'),
    ('statbus.rebuild()', 'writes derived tables'),
    ('import.cancel_job(text)', 'tells a session of another user to stop'),
    ('import.copy_read_file(text,text)', 'what reading a file has found is written by no role'),
    ('worker.spawn(text,jsonb,text,bigint,bigint)', 'queues tasks');
SELECT signature AS unlisted FROM pg_temp.routine AS r WHERE prosecdef AND NOT EXISTS (SELECT FROM definer AS d WHERE d.signature = r.signature) ORDER BY 1;
SELECT signature AS no_longer_there FROM definer AS d WHERE NOT EXISTS (SELECT FROM pg_temp.routine AS r WHERE prosecdef AND d.signature = r.signature) ORDER BY 1;
-- None of them without a pinned search_path.
SELECT signature FROM pg_temp.routine WHERE prosecdef AND NOT EXISTS (SELECT FROM unnest(proconfig) AS c WHERE c LIKE 'search\_path=%, pg\_temp') ORDER BY 1;

-- Functions for the public have a comment.
SELECT signature FROM pg_temp.routine
WHERE schema IN ('statbus', 'temporal', 'auth', 'import', 'worker', 'api')
AND prokind IN ('f', 'p', 'a')
AND pg_get_function_result(oid) IS DISTINCT FROM 'trigger'
AND obj_description(oid, 'pg_proc') IS NULL
ORDER BY signature COLLATE "C";

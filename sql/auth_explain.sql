-- auth.explain: which rule allows or refuses; and it says what then happens.
\set VERBOSITY terse
BEGIN;
SET LOCAL client_min_messages = 'warning';
INSERT INTO auth."user" (display_name, email, statbus_role)
SELECT 'Explain ' || r, 'explain_' || r || '@example.org', (CASE r WHEN 'left' THEN 'admin' ELSE r END || '_user')::auth.statbus_role
FROM unnest('{admin,regular,restricted,external,left}'::text[]) AS r;
SELECT auth.sync_roles() >= 0 AS roles_are_there;
UPDATE auth."user" SET deleted_at = statement_timestamp() WHERE email = 'explain_left@example.org';

INSERT INTO register.region (path, name, version_id)
SELECT r.path::ltree, r.path, v.id FROM register.region_version AS v, unnest('{91,91.01,92}'::text[]) AS r (path) WHERE v.code = 'initial';
INSERT INTO register.region_access (user_id, region_id)
SELECT u.id, r.id FROM auth."user" AS u, register.region AS r WHERE u.email = 'explain_restricted@example.org' AND r.path = '91';
INSERT INTO register.enterprise (id, short_name) OVERRIDING SYSTEM VALUE VALUES (1000001, 'e1');
INSERT INTO register.legal_unit (id, valid_from, name, status_id, enterprise_id, primary_for_enterprise)
SELECT 1000001, '2020-01-01', 'Unit one', s.id, 1000001, true FROM register.status AS s WHERE s.code = 'active';
-- 1000001: granted to the restricted user; 1000002: not; 1000003: granted in its first year.
INSERT INTO register.location (id, type, valid_from, valid_until, legal_unit_id, country_id, region_id)
SELECT l.id, l.type::register.location_type, l.valid_from, l.valid_until, 1000001, c.id, r.id
FROM (VALUES (1000001, 'physical', date '2020-01-01', date 'infinity', '91.01'), (1000002, 'postal', '2020-01-01', '2021-01-01', '92'),
             (1000003, 'postal', '2021-01-01', '2022-01-01', '91'), (1000003, 'postal', '2022-01-01', 'infinity', '92')) AS l (id, type, valid_from, valid_until, path)
JOIN register.region AS r ON r.path = l.path::ltree JOIN register.country AS c ON c.iso_2 = 'NO';

INSERT INTO auth.event (kind, email) VALUES ('user_changed', 'explain_left@example.org');

-- A refusal and why; ids of users differ from run to run.
CREATE FUNCTION pg_temp.explained(who text, relation regclass, row_id bigint, action text)
RETURNS TABLE (step integer, rule text, allows boolean, reason text) LANGUAGE sql AS $explained$
    SELECT e.step, e.rule, e.allows, regexp_replace(e.reason, '^(id|deleted at) .*$', '\1 …')
    FROM auth.explain('explain_' || who || '@example.org', relation, row_id, action) AS e
$explained$;
SELECT * FROM pg_temp.explained('restricted', 'register.location', 1000002, 'update');
SELECT * FROM pg_temp.explained('regular', 'api.location', NULL, 'INSERT');
-- Some rows of an id; the grant; what depends on the row; a visitor of another register; nobody.
SELECT rule, allows, reason FROM pg_temp.explained('restricted', 'register.location', 1000003, 'delete') WHERE rule ~ '^(perm|rows|verd)';
SELECT rule, allows, reason FROM pg_temp.explained('external', 'register.location', 1000001, 'update') WHERE rule ~ '^(grant|perm|poli|rows|verd)';
SELECT rule, allows, reason FROM pg_temp.explained('external', 'auth.user', NULL, 'update') WHERE rule ~ '^(grant|perm|poli|rows|verd)';
SELECT rule, allows, reason FROM pg_temp.explained('restricted', 'register.activity', NULL, 'insert') WHERE rule ~ '^(rows|verd)';
SELECT rule, allows, reason FROM pg_temp.explained('admin', 'auth.secrets', NULL, 'select') WHERE rule ~ '^(grant|perm|poli|rows|verd)';
SELECT rule, allows, reason FROM pg_temp.explained('left', 'register.country', NULL, 'select') WHERE rule ~ '^(live|perm|rows|verd)';
SELECT * FROM pg_temp.explained('nobody', 'register.country', NULL, 'select');
SELECT rule, allows, reason FROM pg_temp.explained('regular', 'register.legal_unit', 77, 'select') WHERE rule ~ '^(perm|rows|verd)';

-- A role of the server that is missing, has lost its group, or rules.
SAVEPOINT s;
ALTER ROLE "explain_external@example.org" RENAME TO "explain_gone@example.org";
SELECT rule, allows, reason FROM pg_temp.explained('external', 'register.country', NULL, 'select') WHERE NOT allows;
ROLLBACK TO s;
REVOKE external_user FROM "explain_external@example.org";
SELECT rule, allows, reason FROM pg_temp.explained('external', 'register.country', NULL, 'select') WHERE NOT allows;
ROLLBACK TO s;
ALTER ROLE "explain_external@example.org" SUPERUSER;
SELECT rule, allows, reason FROM pg_temp.explained('external', 'auth.secrets', NULL, 'select') WHERE rule ~ '^(role|verd)';
ROLLBACK TO s;

-- The verdict is what happens: users, tables, rows and actions against statements that are taken back.
CREATE FUNCTION pg_temp.happens(who text, relation text, row_id bigint, action text) RETURNS boolean
LANGUAGE plpgsql AS $happens$
DECLARE
    changed bigint;
BEGIN
    PERFORM set_config('role', 'explain_' || who || '@example.org', true);
    EXECUTE CASE action
        WHEN 'select' THEN format('SELECT count(id) FROM %s WHERE id = $1', relation)
        WHEN 'update' THEN format('WITH changed AS (UPDATE %s SET %I = %2$I WHERE id = $1 RETURNING id) SELECT count(*) FROM changed', relation,
            CASE WHEN relation = 'auth.user' THEN 'display_name' WHEN relation ~ 'country|data_source' THEN 'name' ELSE 'edit_comment' END)
        WHEN 'delete' THEN format('WITH changed AS (DELETE FROM %s WHERE id = $1 RETURNING id) SELECT count(*) FROM changed', relation) END
        INTO changed USING row_id;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = changed;
EXCEPTION
    WHEN SQLSTATE 'ZZ001' THEN
        RETURN sqlerrm::bigint > 0;
    WHEN insufficient_privilege THEN
        RETURN false;
    WHEN integrity_constraint_violation OR object_not_in_prerequisite_state THEN
        RETURN true;    -- what is refused for other reasons is allowed
END
$happens$;
CREATE TEMP TABLE oracle AS
SELECT u.who, r.relation, r.row_id, a.action,
       pg_temp.happens(u.who, r.relation, r.row_id, a.action) AS happens,
       (SELECT e.allows FROM pg_temp.explained(u.who, r.relation::regclass, r.row_id, a.action) AS e WHERE e.rule = 'verdict') AS explained
FROM unnest('{admin,regular,restricted,external,left}'::text[]) AS u (who)
CROSS JOIN (
    SELECT relation, 1000001::bigint AS row_id FROM unnest('{register.legal_unit,api.legal_unit,register.location,register.enterprise}'::text[]) AS relation
    UNION ALL SELECT 'register.location', 1000002
    UNION ALL SELECT 'register.location', 0
    UNION ALL SELECT 'register.country', min(c.id) FROM register.country AS c
    UNION ALL SELECT 'register.data_source', min(d.id) FROM register.data_source AS d
    UNION ALL SELECT 'auth.user', u.id FROM auth."user" AS u WHERE u.email LIKE 'explain\_%'
    UNION ALL SELECT 'auth.event', min(e.id) FROM auth.event AS e
) AS r
CROSS JOIN unnest('{select,update,delete}'::text[]) AS a (action)
WHERE NOT (r.relation ~ '^(api|auth)\.' AND a.action = 'delete') AND NOT (r.relation = 'auth.event' AND a.action = 'update');
SELECT * FROM oracle WHERE explained IS DISTINCT FROM happens;
SELECT count(*) > 150 AS many, count(*) FILTER (WHERE happens) > 50 AS allowed, count(*) FILTER (WHERE NOT happens) > 50 AS refused FROM oracle;

-- A restrictive policy; one that would run other people's code as a superuser; one that fails, whose message quotes the row.
SAVEPOINT s;
CREATE POLICY nothing_old ON register.location AS RESTRICTIVE FOR SELECT USING (valid_from >= '2021-01-01');
SELECT rule, allows, reason FROM pg_temp.explained('external', 'register.location', 1000002, 'select') WHERE rule ~ '^(perm|rest|rows|verd)';
SELECT rule, allows, reason FROM pg_temp.explained('external', 'register.location', 1000003, 'select') WHERE rule ~ '^(perm|rest|rows|verd)';
ROLLBACK TO s;
CREATE FUNCTION public.explain_theirs(integer) RETURNS boolean LANGUAGE plpgsql AS $theirs$ BEGIN RAISE WARNING 'runs as superuser'; RETURN true; END $theirs$;
ALTER FUNCTION public.explain_theirs(integer) OWNER TO "explain_regular@example.org";
CREATE POLICY theirs ON register.location FOR SELECT USING (public.explain_theirs(id));
SELECT rule, allows, reason FROM pg_temp.explained('left', 'register.location', 1000001, 'select') WHERE rule ~ '^(perm|rows|verd)';
SELECT rule, allows, reason FROM pg_temp.explained('external', 'register.location', 1000001, 'select') WHERE rule ~ '^(perm|rows|verd)';
ROLLBACK TO s;
CREATE POLICY server ON register.location FOR SELECT USING (pg_has_role('admin_user', 'USAGE'));
SELECT rule, allows, reason FROM pg_temp.explained('left', 'register.location', 1000001, 'select') WHERE rule ~ '^(perm|rows|verd)';
ROLLBACK TO s;
CREATE POLICY fails ON register.location FOR SELECT USING (type::text::integer = 1);
SELECT rule, allows, reason FROM pg_temp.explained('left', 'register.location', 1000001, 'select') WHERE rule ~ '^(perm|rows|verd)';
ROLLBACK TO s;

-- The one who asks is himself again, after an answer and after an error.
SELECT auth.email() IS NULL AND auth.statbus_role() = 'admin_user' AS am_system;
SELECT auth.assume_role('"explain_external@example.org"'::regrole);
SELECT auth.email(), auth.caller_id() = auth.uid() AS calls_as_him;
SAVEPOINT inner_one;
RELEASE inner_one;
SELECT auth.email();
ROLLBACK TO s;
SELECT auth.email() IS NULL AND auth.statbus_role() = 'admin_user' AS am_system;
SELECT auth.assume_role('"explain_external@example.org"'::regrole);
SET LOCAL ROLE "explain_regular@example.org";
SELECT auth.email();                                            -- only superusers are taken for somebody else
RESET ROLE;
SELECT auth.assume_role(NULL);

-- Who may ask: an administrator about everybody, everybody about himself; claims that a client sets change nothing.
SET LOCAL request.jwt.claims = '{"role": "explain_admin@example.org", "email": "explain_admin@example.org", "statbus_role": "admin_user", "uid": 1}';
SET LOCAL ROLE "explain_admin@example.org";
SELECT rule, allows FROM pg_temp.explained('external', 'register.country', NULL, 'delete') WHERE rule = 'verdict';
SET LOCAL ROLE "explain_regular@example.org";
SELECT rule, allows FROM pg_temp.explained('REGULAR', 'register.country', NULL, 'delete') WHERE rule = 'verdict';
SAVEPOINT s;
SELECT * FROM pg_temp.explained('admin', 'register.country', NULL, 'delete');                   -- fails
ROLLBACK TO s;
SELECT * FROM auth.explain(NULL, 'register.country', NULL, 'delete');                           -- fails
ROLLBACK TO s;
SELECT * FROM auth.policy_answers('true', false, 'register.country', 'id', 1, '{}');            -- fails
ROLLBACK TO s;
SET LOCAL ROLE anon;
SELECT * FROM auth.explain('explain_regular@example.org', 'register.country', NULL, 'delete');  -- fails
ROLLBACK TO s;
SET LOCAL ROLE "explain_left@example.org";
SELECT * FROM auth.explain('explain_left@example.org', 'register.country', NULL, 'delete');     -- fails
ROLLBACK TO s;

-- Whoever does not see a row does not learn that it is there.
SELECT count(*) AS different FROM (
    SELECT rule, allows, replace(reason, 'id 1 ', 'id X ') FROM pg_temp.explained('regular', 'auth.user', 1, 'select')
    EXCEPT SELECT rule, allows, replace(reason, 'id 2147483647 ', 'id X ') FROM pg_temp.explained('regular', 'auth.user', 2147483647, 'select')) AS d;
RESET ROLE;

-- Bad calls say so.
SAVEPOINT s;
SELECT * FROM pg_temp.explained('admin', 'register.country', NULL, 'truncate');                 -- fails
ROLLBACK TO s;
SELECT * FROM pg_temp.explained('admin', 'pg_class', NULL, 'select');                           -- fails
ROLLBACK TO s;
SELECT * FROM pg_temp.explained('admin', NULL, NULL, 'select');                                 -- fails
ROLLBACK TO s;
SELECT * FROM pg_temp.explained('admin', 'api.time_context', NULL, 'select');                   -- fails
ROLLBACK TO s;
SELECT * FROM pg_temp.explained('admin', 'register.statistical_unit', 1, 'select');             -- fails
ROLLBACK TO s;
-- A table of somebody else in a schema of ours.
CREATE TABLE import.explain_theirs (id integer);
ALTER TABLE import.explain_theirs OWNER TO "explain_admin@example.org";
SELECT * FROM pg_temp.explained('admin', 'import.explain_theirs', NULL, 'select');              -- fails
ROLLBACK;

-- Who may do what, as the users themselves.
BEGIN;
SET LOCAL statbus."current_date" = '2024-06-15';
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES
    ('Ada Admin', 'regress_admin@example.org', 'admin_user'),
    ('Rita Regular', 'regress_regular@example.org', 'regular_user'),
    ('Rolf Restricted', 'regress_restricted@example.org', 'restricted_user'),
    ('Eva External', 'regress_external@example.org', 'external_user'),
    ('Lea Left', 'regress_left@example.org', 'admin_user');
SELECT auth.sync_roles() AS roles_made;       -- a trigger made them
UPDATE auth."user" SET deleted_at = '2024-01-01' WHERE email = 'regress_left@example.org';

-- Some regions, two levels; the restricted user gets the first, and with it what lies below.
INSERT INTO register.region (path, name, version_id)
SELECT r.path::ltree, r.name, v.id
FROM (VALUES ('91', 'North'), ('92', 'South')) AS r (path, name), register.region_version AS v WHERE v.code = 'initial';
INSERT INTO register.region (path, name, version_id, parent_id)
SELECT r.path::ltree, r.name, v.id, p.id
FROM (VALUES ('91.01', 'North Town', '91'), ('92.01', 'South Town', '92')) AS r (path, name, parent)
JOIN register.region_version AS v ON v.code = 'initial'
JOIN register.region AS p ON p.version_id = v.id AND p.path = r.parent::ltree;
INSERT INTO register.region_access (user_id, region_id)
SELECT u.id, r.id FROM auth."user" AS u, register.region AS r
WHERE u.email = 'regress_restricted@example.org' AND r.path = '91';
INSERT INTO register.activity_category_access (user_id, activity_category_id)
SELECT u.id, c.id FROM auth."user" AS u, register.activity_category AS c
JOIN register.activity_category_standard AS s ON s.id = c.standard_id AND s.code = 'isic_v4'
WHERE u.email = 'regress_restricted@example.org' AND c.path = 'A.01';

INSERT INTO register.enterprise (id, short_name) OVERRIDING SYSTEM VALUE VALUES (1000001, 'e1');
INSERT INTO register.legal_unit (id, valid_from, name, status_id, enterprise_id, primary_for_enterprise)
SELECT 1000001, '2020-01-01', 'Unit one', s.id, 1000001, true FROM register.status AS s WHERE s.code = 'active';
INSERT INTO register.location (id, type, valid_from, legal_unit_id, country_id, region_id)
SELECT 1000000 + row_number() OVER (ORDER BY r.path), CASE r.path::text WHEN '91.01' THEN 'physical' ELSE 'postal' END::register.location_type,
       '2020-01-01', 1000001, c.id, r.id
FROM register.region AS r, register.country AS c WHERE r.path IN ('91.01', '92.01') AND c.iso_2 = 'NO';
INSERT INTO register.activity (id, type, valid_from, legal_unit_id, category_id)
SELECT 1000000 + row_number() OVER (ORDER BY c.path), CASE c.path::text WHEN 'A.01.1.1' THEN 'primary' ELSE 'secondary' END::register.activity_type,
       '2020-01-01', 1000001, c.id
FROM register.activity_category AS c JOIN register.activity_category_standard AS s ON s.id = c.standard_id AND s.code = 'isic_v4'
WHERE c.path IN ('A.01.1.1', 'B.05');

\set VERBOSITY sqlstate
CREATE FUNCTION pg_temp.who() RETURNS TABLE (uid_known boolean, email text, statbus_role text, regular boolean)
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $who$ SELECT auth.uid() IS NOT NULL, auth.email(), auth.statbus_role(), auth.is_at_least('regular_user') $who$;

-- The superuser is "system"; a claim that a client sets changes nothing.
SELECT email, statbus_role, regular FROM pg_temp.who();
SET LOCAL request.jwt.claims = '{"email": "regress_admin@example.org", "role": "regress_admin@example.org", "statbus_role": "admin_user", "uid": 2}';

-- A user who left, and a visitor: they see nothing.
SET LOCAL ROLE "regress_left@example.org";
SELECT * FROM pg_temp.who();
SELECT count(*) FROM register.legal_unit;
SELECT count(*) FROM register.country;
RESET ROLE;
SAVEPOINT s;
SET LOCAL ROLE anon;
SELECT count(*) FROM register.legal_unit;                       -- fails
ROLLBACK TO s;

-- External: reads, writes nothing.
SET LOCAL ROLE "regress_external@example.org";
SELECT * FROM pg_temp.who();
SELECT count(*) FROM register.legal_unit WHERE id = 1000001;
SAVEPOINT s;
UPDATE register.legal_unit SET name = 'x' WHERE id = 1000001;  -- fails
ROLLBACK TO s;
INSERT INTO register.tag (path, name) VALUES ('x', 'x');       -- fails
ROLLBACK TO s;
SELECT encrypted_password FROM auth."user";                    -- fails
ROLLBACK TO s;
SELECT key FROM auth.secrets;                                   -- fails
ROLLBACK TO s;
SELECT email FROM auth."user" ORDER BY email;
RESET ROLE;

-- Restricted: writes locations and activities, only below what was granted.
SET LOCAL ROLE "regress_restricted@example.org";
SELECT l.type, r.path FROM register.location AS l JOIN register.region AS r ON r.id = l.region_id WHERE l.legal_unit_id = 1000001 ORDER BY r.path;
WITH changed AS (UPDATE register.location SET postplace = 'here', edit_by_user_id = auth.uid() WHERE legal_unit_id = 1000001 RETURNING region_id)
SELECT r.path AS changed FROM changed JOIN register.region AS r ON r.id = changed.region_id;
WITH changed AS (UPDATE register.activity SET edit_comment = 'checked', edit_by_user_id = auth.uid() WHERE legal_unit_id = 1000001 RETURNING category_id)
SELECT c.path AS changed FROM changed JOIN register.activity_category AS c ON c.id = changed.category_id;
SAVEPOINT s;
-- moving a location out of what was granted
UPDATE register.location SET region_id = (SELECT id FROM register.region WHERE path = '92.01'), edit_by_user_id = auth.uid()
WHERE legal_unit_id = 1000001 AND type = 'physical';           -- fails
ROLLBACK TO s;
-- signing with another name
UPDATE register.location SET edit_by_user_id = 1 WHERE legal_unit_id = 1000001 AND type = 'physical';  -- fails
ROLLBACK TO s;
UPDATE register.legal_unit SET name = 'x' WHERE id = 1000001;  -- fails
ROLLBACK TO s;
DELETE FROM register.location WHERE legal_unit_id = 1000001 AND type = 'postal';
SELECT count(*) AS still_two FROM register.location WHERE legal_unit_id = 1000001;
RESET ROLE;

-- Regular: edits units under his own name, configures nothing.
SET LOCAL ROLE "regress_regular@example.org";
SELECT * FROM pg_temp.who();
SAVEPOINT s;
UPDATE register.legal_unit SET name = 'Unit 1' WHERE id = 1000001;
SELECT name, edit_by_user_id = auth.uid() AS signed_by_her FROM register.legal_unit WHERE id = 1000001;
SAVEPOINT s;
UPDATE register.legal_unit SET name = 'Unit 1', edit_by_user_id = (SELECT id FROM auth."user" WHERE email IS NULL) WHERE id = 1000001;    -- fails
ROLLBACK TO s;
INSERT INTO register.data_source (code, name) VALUES ('x', 'x');                                -- fails
ROLLBACK TO s;
UPDATE auth."user" SET statbus_role = 'admin_user' WHERE email = 'regress_regular@example.org'; -- fails
ROLLBACK TO s;
INSERT INTO register.region_access (user_id, region_id) SELECT auth.uid(), id FROM register.region LIMIT 1; -- fails
ROLLBACK TO s;
UPDATE auth."user" SET display_name = 'Rita R.' WHERE email = 'regress_regular@example.org';
RESET ROLE;
SELECT display_name FROM auth."user" WHERE email = 'regress_regular@example.org';

-- A part of a history that somebody else wrote: she signs what she writes, the rest included; changed back, it is one slice again.
SET LOCAL ROLE "regress_regular@example.org";
UPDATE api.legal_unit__for_portion_of_valid SET name = 'For a year', valid_from = '2021-01-01', valid_to = '2021-12-31' WHERE id = 1000001;
SELECT valid_from, valid_to, name, edit_by_user_id = auth.uid() AS signed_by_her FROM register.legal_unit WHERE id = 1000001 ORDER BY valid_from;
RESET ROLE;
SET LOCAL ROLE "regress_admin@example.org";
UPDATE api.legal_unit__for_portion_of_valid SET name = 'Unit 1' WHERE id = 1000001 AND valid_from = '2021-01-01';
SELECT valid_from, valid_to, name FROM register.legal_unit WHERE id = 1000001 ORDER BY valid_from;
RESET ROLE;
SAVEPOINT s;
SET LOCAL ROLE "regress_external@example.org";
UPDATE api.legal_unit__for_portion_of_valid SET name = 'x', valid_from = '2021-01-01' WHERE id = 1000001;   -- fails
ROLLBACK TO s;
SET LOCAL ROLE "regress_restricted@example.org";
UPDATE api.location__for_portion_of_valid SET postplace = 'x', valid_from = '2021-01-01' WHERE legal_unit_id = 1000001 AND type = 'postal';   -- fails
ROLLBACK TO s;
RESET ROLE;

-- Admin: all of it, and still no secrets.
SET LOCAL ROLE "regress_admin@example.org";
SELECT * FROM pg_temp.who();
INSERT INTO register.data_source (code, name, enabled, custom) VALUES ('regress', 'Regress', true, true);
UPDATE auth."user" SET statbus_role = 'external_user' WHERE email = 'regress_regular@example.org';
SELECT count(*) AS users FROM auth."user" WHERE email LIKE 'regress%';
SAVEPOINT s;
SELECT key FROM auth.secrets;                                   -- fails
ROLLBACK TO s;
SELECT encrypted_password FROM auth."user";                    -- fails
ROLLBACK TO s;
RESET ROLE;

-- The role that was taken away counts at once, whatever the server's role holds.
GRANT regular_user TO "regress_regular@example.org";
SET LOCAL ROLE "regress_regular@example.org";
WITH changed AS (UPDATE register.legal_unit SET name = 'x', edit_by_user_id = auth.uid() WHERE id = 1000001 RETURNING 1)
SELECT count(*) AS changed FROM changed;
RESET ROLE;

-- Who somebody is follows what this transaction has changed, and what it takes back; by an address without an index too.
CREATE FUNCTION pg_temp.role_of(role_name text) RETURNS text LANGUAGE plpgsql AS $role_of$
DECLARE
    found text;
BEGIN
    PERFORM set_config('role', role_name, true);
    found := coalesce(auth.statbus_role(), 'nobody');
    PERFORM set_config('role', 'none', true);
    RETURN found;
END $role_of$;
SELECT pg_temp.role_of('regress_regular@example.org') AS before;
SAVEPOINT s;
UPDATE auth."user" SET statbus_role = 'restricted_user' WHERE email = 'regress_regular@example.org';
SELECT pg_temp.role_of('regress_regular@example.org') AS changed;
SAVEPOINT s2;
UPDATE auth."user" SET deleted_at = '2024-01-01' WHERE email = 'regress_regular@example.org';
SELECT pg_temp.role_of('regress_regular@example.org') AS deleted;
ROLLBACK TO s2;
SELECT pg_temp.role_of('regress_regular@example.org') AS changed;
ALTER ROLE "regress_regular@example.org" RENAME TO "regress_renamed@example.org";
SELECT pg_temp.role_of('regress_renamed@example.org') AS renamed;
ALTER ROLE "regress_renamed@example.org" SUPERUSER;
SELECT pg_temp.role_of('regress_renamed@example.org') AS of_system;
ROLLBACK TO s;
SELECT pg_temp.role_of('regress_regular@example.org') AS before;
ALTER TABLE auth."user" DROP CONSTRAINT user_email_key;
SELECT pg_temp.role_of('regress_regular@example.org') AS without_index, auth.statbus_role() AS of_system, auth.sub() IS NOT NULL AS has_sub;
SET LOCAL session_replication_role = replica;
UPDATE auth."user" SET statbus_role = 'restricted_user' WHERE email = 'regress_regular@example.org';
SELECT pg_temp.role_of('regress_regular@example.org') AS without_triggers;
SET LOCAL session_replication_role = origin;
\set VERBOSITY terse
DO $inner$ BEGIN
    UPDATE auth."user" SET statbus_role = 'external_user' WHERE email = 'regress_regular@example.org';
    RAISE NOTICE 'in a block: %', pg_temp.role_of('regress_regular@example.org');
    RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN
    RAISE NOTICE 'after it failed: %', pg_temp.role_of('regress_regular@example.org');
END $inner$;
ROLLBACK TO s;

-- Workers of a parallel query know it too, also what this transaction has not committed.
UPDATE auth."user" SET statbus_role = 'restricted_user' WHERE email = 'regress_regular@example.org';
CREATE TABLE public.regress_rows (n integer) WITH (parallel_workers = 2);
INSERT INTO public.regress_rows SELECT generate_series(1, 2000);
GRANT SELECT ON public.regress_rows TO PUBLIC;
SET LOCAL ROLE "regress_regular@example.org";
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL parallel_leader_participation = off;
EXPLAIN (COSTS OFF) SELECT min(auth.email() || left(r.n::text, 0)) FROM public.regress_rows AS r;
SELECT count(*), min(auth.email() || left(r.n::text, 0)) AS email, min(auth.statbus_role() || left(r.n::text, 0)) AS statbus_role,
       bool_and(auth.uid() + 0 * r.n = auth.caller_id()) AS is_caller
FROM public.regress_rows AS r;
ROLLBACK TO s;

-- In a SECURITY DEFINER function the caller is still known; not where the server runs code of a table's owner.
CREATE FUNCTION pg_temp.definer() RETURNS TABLE (statbus_role text, caller text) LANGUAGE sql SECURITY DEFINER AS $definer$
    SELECT auth.statbus_role(), (SELECT u.email::text FROM auth."user" AS u WHERE u.id = auth.caller_id()) $definer$;
SET LOCAL ROLE "regress_regular@example.org";
SELECT * FROM pg_temp.definer();
RESET ROLE;
CREATE TABLE public.regress_theirs (n integer);
INSERT INTO public.regress_theirs VALUES (1);
ALTER TABLE public.regress_theirs OWNER TO "regress_regular@example.org";
CREATE FUNCTION public.regress_theirs(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $theirs$ BEGIN
    RAISE NOTICE 'runs for %', coalesce(auth.caller_id()::text, 'nobody');
    RETURN 1;
END $theirs$;
CREATE INDEX ON public.regress_theirs (public.regress_theirs(n));
\set VERBOSITY sqlstate
ROLLBACK TO s;

-- The address of a role is exact, and only superusers ask as somebody else.
CREATE ROLE "regress_ADMIN@example.org" IN ROLE authenticated;
SET LOCAL ROLE "regress_ADMIN@example.org";
SELECT * FROM pg_temp.who();
RESET ROLE;
SAVEPOINT s;
SET LOCAL ROLE "regress_external@example.org";
SELECT auth.assume_role(1);                                    -- fails
ROLLBACK TO s;

-- Nobody makes the keys of temporal tables run his code as their owner.
CREATE TYPE pg_temp.regress_code AS ENUM ('a');
CREATE FUNCTION pg_temp.regress_as_json(pg_temp.regress_code) RETURNS json
LANGUAGE plpgsql AS $as_json$ BEGIN RAISE WARNING 'runs as superuser: %', (SELECT rolsuper FROM pg_roles WHERE rolname = current_user); RETURN '1'; END $as_json$;
CREATE CAST (pg_temp.regress_code AS json) WITH FUNCTION pg_temp.regress_as_json(pg_temp.regress_code);
CREATE TEMPORARY TABLE regress_parent (code integer NOT NULL, valid_range daterange NOT NULL);
CREATE TEMPORARY TABLE regress_child (code integer NOT NULL, valid_range daterange NOT NULL, extra pg_temp.regress_code);
CREATE TRIGGER child AFTER INSERT ON regress_child FOR EACH ROW EXECUTE FUNCTION temporal.foreign_key_child('child', 'no action');
CREATE TRIGGER parent AFTER DELETE ON regress_parent FOR EACH ROW EXECUTE FUNCTION temporal.foreign_key_parent('child', 'no action');
SAVEPOINT s;
INSERT INTO regress_child VALUES (1, '[2020-01-01,2021-01-01)', 'a');  -- a trigger without its key does nothing, and never calls the cast
ROLLBACK TO s;
INSERT INTO regress_parent VALUES (1, '[2020-01-01,2021-01-01)');
SAVEPOINT s;
DELETE FROM regress_parent;
ROLLBACK TO s;
CREATE CONSTRAINT TRIGGER child_key AFTER UPDATE OF code, valid_range ON regress_child FROM regress_parent
    FOR EACH ROW WHEN (false) EXECUTE FUNCTION temporal.foreign_key_child('key', 'no action');
CREATE CONSTRAINT TRIGGER parent_key AFTER UPDATE OF code, valid_range ON regress_parent FROM regress_child
    FOR EACH ROW WHEN (false) EXECUTE FUNCTION temporal.foreign_key_parent('key', 'no action');
DROP TRIGGER child ON regress_child;
CREATE TRIGGER child AFTER INSERT ON regress_child REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION temporal.foreign_key_statement();
SAVEPOINT s;
INSERT INTO regress_child VALUES (1, '[2020-01-01,2021-01-01)');       -- fails: the key has no index
ROLLBACK TO s;
DROP TABLE regress_child, regress_parent;
RESET ROLE;

-- No role that rules the server becomes the role of a user.
SAVEPOINT s;
CREATE ROLE "regress_dba@example.org" CREATEROLE;
INSERT INTO auth."user" (display_name, email) VALUES ('Dora', 'regress_dba@example.org');   -- fails
ROLLBACK TO s;
CREATE ROLE "regress_dba@example.org";
GRANT pg_read_all_data TO "regress_dba@example.org";
INSERT INTO auth."user" (display_name, email) VALUES ('Dora', 'regress_dba@example.org');   -- fails
ROLLBACK TO s;

-- A job: its rows and what was found in them are for its user and the administrators of this register. The trigger that
-- makes its tables takes no function from the schema of another extension.
UPDATE auth."user" SET statbus_role = 'regular_user' WHERE email = 'regress_regular@example.org';
CREATE FUNCTION public.num_nonnulls(regclass, regclass) RETURNS integer
LANGUAGE plpgsql AS $num_nonnulls$ BEGIN RAISE EXCEPTION 'not ours'; END $num_nonnulls$;
SET LOCAL ROLE "regress_regular@example.org";
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to)
SELECT 'regress_rights', d.id, '2024-01-01', 'infinity' FROM import.definition AS d WHERE d.slug = 'legal_unit_job_provided';
INSERT INTO import.regress_rights_upload (name) VALUES ('One');
RESET ROLE;
DROP FUNCTION public.num_nonnulls(regclass, regclass);
INSERT INTO import.regress_rights_data (row_id, name_raw) VALUES (1, 'One');
INSERT INTO import.bad_row (job_id, row_id, source_line, findings)
SELECT j.id, 1, 2, '[{"code": "value_missing", "severity": "error"}]' FROM import.job AS j WHERE j.slug = 'regress_rights';
SELECT c.relrowsecurity, array_agg(format('%s to %s', p.polname, array_to_string(p.polroles::regrole[], ', ')) ORDER BY p.polname) AS policies
FROM pg_class AS c JOIN pg_policy AS p ON p.polrelid = c.oid WHERE c.oid = 'import.regress_rights_data'::regclass GROUP BY c.oid;
SET LOCAL ROLE "regress_regular@example.org";
SELECT (SELECT count(*) FROM import.regress_rights_data) AS rows, (SELECT count(*) FROM import.finding) AS findings;
RESET ROLE;
SET LOCAL ROLE "regress_external@example.org";
SELECT count(*) AS findings FROM import.finding;
SAVEPOINT s;
SELECT count(*) FROM import.regress_rights_data;               -- fails
ROLLBACK TO s;
RESET ROLE;
SET LOCAL ROLE "regress_admin@example.org";
SELECT (SELECT count(*) FROM import.regress_rights_data) AS rows, (SELECT count(*) FROM import.finding) AS findings;
SAVEPOINT s;
SELECT count(*) FROM import.regress_rights_upload;             -- fails
ROLLBACK TO s;
INSERT INTO import.job (slug, definition_id, user_id, default_valid_from, default_valid_to)
SELECT 'regress_system', d.id, 1, '2024-01-01', 'infinity' FROM import.definition AS d WHERE d.slug = 'legal_unit_job_provided'; -- fails
ROLLBACK TO s;
RESET ROLE;
-- The role of the server may hold more, as one of another register's administrator does, the role in this register counts.
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES ('Ada Other', 'regress_other@example.org', 'admin_user');
UPDATE auth."user" SET statbus_role = 'external_user' WHERE email = 'regress_admin@example.org';
GRANT admin_user TO "regress_admin@example.org";
SET LOCAL ROLE "regress_admin@example.org";
SELECT (SELECT count(*) FROM import.regress_rights_data) AS rows, (SELECT count(*) FROM import.finding) AS findings;
RESET ROLE;

-- Somebody who was deleted uploads nothing more, though his role is still there.
SET LOCAL ROLE "regress_regular@example.org";
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to)
SELECT 'regress_late', d.id, '2024-01-01', 'infinity' FROM import.definition AS d WHERE d.slug = 'legal_unit_job_provided';
RESET ROLE;
SAVEPOINT s;
UPDATE auth."user" SET deleted_at = '2024-01-01' WHERE email = 'regress_regular@example.org';
SET LOCAL ROLE "regress_regular@example.org";
INSERT INTO import.regress_late_upload (name) VALUES ('One');  -- fails
ROLLBACK TO s;

-- A key that was revoked stays so; what "system" may do is not an administrator's to say.
INSERT INTO auth.api_key (user_id, expires_at, revoked_at, token_hash, token_prefix)
SELECT u.id, 'infinity', CASE k.prefix WHEN 'dead' THEN timestamptz '2024-01-01' END, sha256(k.prefix::bytea), k.prefix
FROM auth."user" AS u, (VALUES ('dead'), ('live')) AS k (prefix) WHERE u.email = 'regress_regular@example.org';
SET LOCAL ROLE "regress_regular@example.org";
UPDATE api.api_key SET revoked_at = NULL;
UPDATE api.api_key SET revoked_at = '2024-02-01' WHERE token_prefix = 'live';
SELECT token_prefix, revoked_at IS NOT NULL AS is_revoked FROM api.api_key ORDER BY token_prefix;
RESET ROLE;
UPDATE auth."user" SET statbus_role = 'admin_user' WHERE email = 'regress_admin@example.org';
SET LOCAL ROLE "regress_admin@example.org";
SAVEPOINT s;
UPDATE auth."user" SET statbus_role = 'external_user' WHERE email IS NULL;     -- fails
ROLLBACK TO s;
RESET ROLE;

-- A bad call says so.
SELECT auth.is_at_least('emperor');                            -- fails
ROLLBACK;

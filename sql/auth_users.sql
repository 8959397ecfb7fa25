-- Users, their roles of the server, their passwords, and who may say what about them.
\set VERBOSITY sqlstate
\set ON_ERROR_ROLLBACK on
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;

-- What the server knows about the role of a user.
CREATE TEMPORARY VIEW role_of_user AS
SELECT u.email::text AS email, u.has_own_role AS own, a.rolcanlogin AS login, left(a.rolpassword, 13) AS password,
       (SELECT count(*) FROM pg_database AS d, aclexplode(d.datacl) AS g
        WHERE d.datname = current_database() AND g.grantee = a.oid AND g.privilege_type = 'CONNECT') AS connect,
       (SELECT string_agg(g.rolname, ' ' ORDER BY g.rolname) FROM pg_auth_members AS m JOIN pg_roles AS g ON g.oid = m.roleid WHERE m.member = a.oid) AS groups,
       pg_has_role('authenticator', a.oid, 'MEMBER') AS via_http
FROM auth."user" AS u LEFT JOIN pg_authid AS a ON a.rolname = u.email::text
WHERE u.email IS NOT NULL;
CREATE FUNCTION pg_temp.opens(address text, word text) RETURNS boolean LANGUAGE sql
AS $opens$ SELECT auth.verify_password(u.encrypted_password, word) FROM auth."user" AS u WHERE u.email::text = address $opens$;
CREATE TEMPORARY VIEW last_events AS
SELECT e.kind, e.email, u.display_name AS by, (SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(e.details) AS k) AS details
FROM auth.event AS e LEFT JOIN auth."user" AS u ON u.id = e.by_user_id WHERE e.at >= now() AND e.kind::text NOT LIKE 'key%' ORDER BY e.id;

-- A role comes with its user ----------------------------------------------------------------------------------------------
INSERT INTO auth."user" (display_name, email, statbus_role, email_confirmed_at, password) VALUES
    ('Ada', 'Regress_Ada@Example.org', 'admin_user', now(), 'correct horse');
INSERT INTO auth."user" (display_name, email) VALUES ('Rita', 'regress_rita@example.org'), ('Rolf', 'regress_rolf@example.org');
SELECT * FROM role_of_user ORDER BY email;
SELECT email, password, encrypted_password ~ '^\$2a\$10\$.{53}$' AS bcrypt FROM auth."user" WHERE display_name IN ('Ada', 'Rita') ORDER BY email;
SELECT pg_temp.opens('regress_ada@example.org', 'correct horse') AS right, pg_temp.opens('regress_ada@example.org', 'correct Horse') AS wrong,
       pg_temp.opens('regress_rita@example.org', '') AS none;
SELECT auth.sync_roles() AS made;

-- What is refused is refused before there is a hash that a message could show.
\set VERBOSITY default
INSERT INTO auth."user" (display_name, email, password) VALUES (' ', 'regress_no_name@example.org', 'correct horse');
INSERT INTO auth."user" (display_name, email, password) VALUES ('No at', 'regress_no_at', 'correct horse');
INSERT INTO auth."user" (display_name, email, password) VALUES ('Long', repeat('a', 52) || '@example.org', 'correct horse');
INSERT INTO auth."user" (display_name, email, password) VALUES ('No address', NULL, 'correct horse');
INSERT INTO auth."user" (display_name, email, password) VALUES ('Short', 'regress_short@example.org', 'seven77');
INSERT INTO auth."user" (display_name, email, password) VALUES ('Reserved', 'pg_regress@example.org', 'correct horse');
UPDATE auth."user" SET display_name = '' WHERE display_name = 'Ada';
UPDATE auth."user" SET email = 'regress_ada' WHERE display_name = 'Ada';
\set VERBOSITY sqlstate

-- Passwords: at least 8 characters, at most 72 bytes; a text holds no NUL, and letters count, not bytes.
SELECT length, bytes, (SELECT auth.check_new_password(word)) IS NOT NULL AS is_good FROM (VALUES
    (repeat('x', 8)), (repeat('ü', 8)), (repeat('x', 72)), (repeat('ü', 36))) AS w (word), length(word) AS length, octet_length(word) AS bytes;
SELECT auth.check_new_password(repeat('x', 7));
SELECT auth.check_new_password(repeat('ü', 7));
SELECT auth.check_new_password(repeat('x', 73));
SELECT auth.check_new_password(repeat('ü', 37));
SELECT auth.check_new_password('');
SELECT auth.check_new_password(NULL);
-- bcrypt would take the first 72 bytes for the whole.
SELECT auth.verify_password(auth.hash_password(repeat('x', 72)), repeat('x', 72)) AS same, auth.verify_password(auth.hash_password(repeat('x', 72)), repeat('x', 73)) AS longer,
       auth.verify_password(auth.hash_password('12345678'), NULL) AS null, auth.verify_password(NULL, NULL) AS nothing,
       auth.verify_password('!', '!') AS locked, auth.verify_password(NULL, '') AS empty;
-- A known hash, as other programs write it.
SELECT kind, auth.verify_password('$2' || kind || '$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'U*U') AS right,
       auth.verify_password('$2' || kind || '$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'U*V') AS wrong
FROM unnest(ARRAY['a', 'b', 'y']) AS kind;

-- The same work, whoever it is: calls of crypt() by their costs, and the sum of their rounds against one call of the dearest.
SAVEPOINT counting;
CREATE SCHEMA regress_counted;
CREATE TABLE regress_counted.call (cost integer);
CREATE FUNCTION regress_counted.crypt(word text, salt text) RETURNS text LANGUAGE sql
AS $crypt$ INSERT INTO regress_counted.call VALUES (substr(salt, 5, 2)::integer) RETURNING 'x' $crypt$;
DO $counting$ BEGIN EXECUTE format('ALTER FUNCTION auth.verify_password(text, text) SET search_path = pg_catalog, regress_counted, %s', substr(statbus.search_path(), 13)); END $counting$;
CREATE FUNCTION pg_temp.counted(configured integer, hash text) RETURNS TABLE (calls text, rounds numeric) LANGUAGE plpgsql
AS $counted$
BEGIN
    DELETE FROM regress_counted.call;
    PERFORM set_config('statbus.bcrypt_cost', configured::text, true);
    PERFORM auth.verify_password(hash, 'word');
    RETURN QUERY SELECT string_agg(c.cost::text, ' ' ORDER BY c.ctid), sum(2 ^ c.cost)::numeric / 1024 FROM regress_counted.call AS c;
END
$counted$;
CREATE TEMPORARY VIEW counted AS
SELECT t.who, t.configured, c.* FROM (VALUES
    (1, 'nobody', 10, NULL), (2, 'no password', 10, '!'), (3, 'as configured', 10, '10'), (4, 'older', 10, '06'), (5, 'older', 12, '10'),
    (6, 'nobody', 12, NULL)) AS t (n, who, configured, cost),
    LATERAL pg_temp.counted(t.configured, CASE WHEN t.cost ~ '^[0-9]' THEN '$2a$' || t.cost || '$' || repeat('.', 53) ELSE t.cost END) AS c ORDER BY t.n;
SELECT * FROM counted;
-- The setting was lowered, and somebody has not signed in since.
UPDATE auth."user" SET encrypted_password = '$2a$12$' || repeat('.', 53) WHERE display_name = 'Ada';
SELECT * FROM counted;
ROLLBACK TO counting;

-- What follows a change ------------------------------------------------------------------------------------------------------
CREATE FUNCTION pg_temp.sign_in() RETURNS void LANGUAGE sql AS $sign_in$
    DELETE FROM auth.api_key;
    INSERT INTO auth.refresh_session (user_id, expires_at) SELECT u.id, 'infinity' FROM auth."user" AS u WHERE u.email IS NOT NULL;
    INSERT INTO auth.api_key (user_id, expires_at, token_hash, token_prefix)
    SELECT u.id, 'infinity', sha256(u.email::text::bytea), 'abcd' FROM auth."user" AS u WHERE u.email IS NOT NULL;
$sign_in$;
CREATE TEMPORARY VIEW signed_in AS
SELECT u.display_name, (SELECT count(*) FROM auth.refresh_session AS s WHERE s.user_id = u.id) AS sessions,
       (SELECT count(*) FROM auth.api_key AS k WHERE k.user_id = u.id AND k.revoked_at IS NULL) AS keys
FROM auth."user" AS u WHERE u.email IS NOT NULL ORDER BY 1;
SELECT pg_temp.sign_in();
-- A login: nothing ends, nothing is recorded; the same where a hash is renewed.
SELECT count(*) AS events FROM last_events \gset
UPDATE auth."user" SET last_sign_in_at = now() WHERE display_name = 'Ada';
UPDATE auth."user" SET encrypted_password = auth.hash_password('correct horse') WHERE display_name = 'Ada';
UPDATE auth."user" SET password = NULL WHERE display_name = 'Ada';
SELECT count(*) - :events AS new_events FROM last_events;
SELECT * FROM signed_in;
-- A new password; the server has it as well, hashed again.
SELECT rolpassword AS before FROM pg_authid WHERE rolname = 'regress_ada@example.org' \gset
UPDATE auth."user" SET password = 'battery staple' WHERE display_name = 'Ada';
SELECT rolpassword <> :'before' AS is_new, rolpassword LIKE 'SCRAM-SHA-256$%' AS is_scram FROM pg_authid WHERE rolname = 'regress_ada@example.org';
SELECT pg_temp.opens('regress_ada@example.org', 'battery staple') AS new, pg_temp.opens('regress_ada@example.org', 'correct horse') AS old;
SELECT * FROM signed_in;
-- Whatever the server would make of a password otherwise.
SET LOCAL password_encryption = 'md5';
UPDATE auth."user" SET password = 'staple battery' WHERE display_name = 'Ada';
SELECT email, password FROM role_of_user WHERE email LIKE 'regress_ada%';
-- No password any more.
UPDATE auth."user" SET encrypted_password = '!' WHERE display_name = 'Ada';
SELECT email, password FROM role_of_user WHERE email LIKE 'regress_ada%';
-- A statement that fails after the hash was made leaves no password for the next one.
UPDATE auth."user" SET password = 'never to be seen', statbus_role = 'external_user' WHERE display_name = 'Ada';
SELECT email, password FROM role_of_user WHERE email LIKE 'regress_ada%';
UPDATE auth."user" SET password = 'battery staple' WHERE display_name = 'Ada';

-- Another role, another address, taken out, brought back.
SELECT pg_temp.sign_in();
UPDATE auth."user" SET statbus_role = 'restricted_user' WHERE display_name = 'Rita';
UPDATE auth."user" SET password = 'correct horse' WHERE display_name = 'Rita';
UPDATE auth."user" SET password = 'correct horse' WHERE display_name = 'Rolf';
SELECT rolpassword AS before FROM pg_authid WHERE rolname = 'regress_rita@example.org' \gset
UPDATE auth."user" SET email = 'Regress_Rita_R@example.org' WHERE display_name = 'Rita';
UPDATE auth."user" SET deleted_at = now() WHERE display_name = 'Rolf';
SELECT * FROM role_of_user ORDER BY email;
SELECT has_database_privilege('regress_rita@example.org', current_database(), 'CONNECT') AS former_address_connects,
       (SELECT a.rolpassword FROM pg_authid AS a WHERE a.rolname = 'regress_rita@example.org') AS former_password,
       (SELECT a.rolpassword = :'before' FROM pg_authid AS a WHERE a.rolname = 'regress_rita_r@example.org') AS same_password;
SELECT * FROM signed_in;
UPDATE auth."user" SET deleted_at = NULL WHERE display_name = 'Rolf';
SELECT * FROM role_of_user WHERE email LIKE 'regress_rolf%';
DELETE FROM auth."user" WHERE display_name = 'Rolf';
SELECT has_database_privilege('regress_rolf@example.org', current_database(), 'CONNECT') AS connects;
DELETE FROM auth."user" WHERE email IS NULL;                                                     -- fails
UPDATE auth."user" SET statbus_role = 'regular_user' WHERE email IS NULL;                        -- fails
SELECT * FROM last_events;

-- A role that was there before --------------------------------------------------------------------------------------------
CREATE ROLE "regress_before@example.org" LOGIN;
CREATE ROLE "regress_clerk@example.org" LOGIN;
INSERT INTO auth."user" (display_name, email, password) VALUES ('Before', 'regress_before@example.org', 'correct horse');
SELECT * FROM role_of_user WHERE email LIKE 'regress_before%';
SELECT auth.sync_roles() AS made;
SELECT * FROM role_of_user WHERE email LIKE 'regress_before%';
-- Rights on the server are never a register's, and a role that has got them is not opened by one.
CREATE ROLE "regress_dba@example.org" SUPERUSER;
INSERT INTO auth."user" (display_name, email) VALUES ('DBA', 'regress_dba@example.org');      -- fails
SELECT auth.role_rules_server('regress_dba@example.org') AS dba, auth.role_rules_server('regress_ada@example.org') AS ada, auth.role_rules_server('nobody') AS nobody;
SAVEPOINT s;
GRANT pg_read_all_data TO "regress_rita_r@example.org";
SELECT rolpassword AS before FROM pg_authid WHERE rolname = 'regress_rita_r@example.org' \gset
UPDATE auth."user" SET password = 'battery staple' WHERE display_name = 'Rita';
SELECT rolpassword = :'before' AS is_unchanged FROM pg_authid WHERE rolname = 'regress_rita_r@example.org';
UPDATE auth."user" SET statbus_role = 'admin_user' WHERE display_name = 'Rita';                -- fails
ROLLBACK TO s;
-- Nor one that another database lets in by name.
GRANT CONNECT ON DATABASE postgres TO "regress_rita_r@example.org";
SELECT auth.role_is_shared('regress_rita_r@example.org') AS rita, auth.role_is_shared('regress_ada@example.org') AS ada, auth.role_is_shared('nobody') AS nobody;
UPDATE auth."user" SET password = 'battery staple', statbus_role = 'external_user' WHERE display_name = 'Rita';
SELECT rolpassword = :'before' AS is_unchanged FROM pg_authid WHERE rolname = 'regress_rita_r@example.org';
SELECT * FROM role_of_user WHERE email LIKE 'regress_rita_r%';
REVOKE CONNECT ON DATABASE postgres FROM "regress_rita_r@example.org";

-- After a restore the roles are not there.
SAVEPOINT s;
REVOKE CONNECT ON DATABASE :DBNAME FROM "regress_ada@example.org";
ALTER ROLE "regress_ada@example.org" RENAME TO regress_gone;
SELECT auth.sync_roles() AS made;
SELECT * FROM role_of_user WHERE email LIKE 'regress_ada%';
ROLLBACK TO s;

-- Administrators ----------------------------------------------------------------------------------------------------------
-- The last one stays, whoever tries; and the last whose address is confirmed.
UPDATE auth."user" SET statbus_role = 'regular_user' WHERE display_name = 'Ada';                -- fails
UPDATE auth."user" SET deleted_at = now() WHERE display_name = 'Ada';                           -- fails
DELETE FROM auth."user" WHERE display_name = 'Ada';                                              -- fails
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES ('Eve', 'regress_eve@example.org', 'admin_user');
UPDATE auth."user" SET statbus_role = 'regular_user' WHERE display_name = 'Ada';                -- fails
UPDATE auth."user" SET email_confirmed_at = NULL WHERE display_name = 'Ada';                    -- fails
UPDATE auth."user" SET deleted_at = now() WHERE statbus_role = 'admin_user' AND email IS NOT NULL;  -- fails
UPDATE auth."user" SET email_confirmed_at = now() WHERE display_name = 'Eve';
UPDATE auth."user" SET statbus_role = CASE display_name WHEN 'Ada' THEN 'regular_user' ELSE 'admin_user' END::auth.statbus_role WHERE display_name IN ('Ada', 'Before');
SELECT display_name, statbus_role FROM auth."user" WHERE email IS NOT NULL ORDER BY 1;
UPDATE auth."user" SET statbus_role = CASE display_name WHEN 'Ada' THEN 'admin_user' ELSE 'regular_user' END::auth.statbus_role WHERE display_name IN ('Ada', 'Before');

-- Nobody takes his own rights away.
SET LOCAL ROLE "regress_ada@example.org";
UPDATE api."user" SET statbus_role = 'external_user' WHERE display_name = 'Ada';                -- fails
UPDATE api."user" SET deleted_at = now() WHERE display_name = 'Ada';                            -- fails
UPDATE api."user" SET display_name = 'Ada A.' WHERE display_name = 'Ada';
UPDATE api."user" SET statbus_role = 'admin_user' WHERE display_name = 'Rita' RETURNING statbus_role;
UPDATE auth."user" SET password = 'battery staple' WHERE display_name = 'Rita';                 -- fails
UPDATE auth."user" SET encrypted_password = '!' WHERE display_name = 'Rita';                    -- fails
UPDATE auth."user" SET has_own_role = true WHERE display_name = 'Before';                       -- fails
INSERT INTO auth."user" (display_name, email) VALUES ('X', 'regress_x@example.org');            -- fails

RESET ROLE;
-- What is made up: every character as likely as another, never twice the same.
SELECT count(DISTINCT p.word) AS words, min(length(p.word)), max(length(p.word)), (SELECT count(DISTINCT c) FROM string_to_table(string_agg(p.word, ''), NULL) AS c) AS characters
FROM (SELECT auth.random_password() AS word FROM generate_series(1, 200)) AS p;
SET LOCAL ROLE "regress_ada@example.org";

-- user_create ---------------------------------------------------------------------------------------------------------------
SELECT email, password ~ '^[a-z2-9]{20}$' AS made_up FROM auth.user_create('Nora', ' Regress_Nora@example.org ', 'regular_user');
SELECT * FROM auth.user_create('Olaf', 'regress_olaf@example.org', 'external_user', 'correct horse');
-- Again: his name and role, never his password.
SELECT * FROM auth.user_create('Olaf O.', 'REGRESS_olaf@example.org', 'regular_user');
SELECT * FROM auth.user_create('Olaf', 'regress_olaf@example.org', 'external_user', 'battery staple');   -- fails
SELECT display_name, statbus_role, email_confirmed_at IS NOT NULL AS is_confirmed FROM api."user" WHERE email = 'regress_olaf@example.org';
-- Brought back, he is who he was, and has a new one.
UPDATE api."user" SET deleted_at = now() WHERE email = 'regress_olaf@example.org';
SELECT email, password ~ '^[a-z2-9]{20}$' AS made_up FROM auth.user_create('Olaf', 'regress_olaf@example.org', 'external_user');
\set VERBOSITY terse
SELECT * FROM auth.user_create('Ada', 'regress_ada@example.org', 'regular_user');               -- fails: herself
SELECT * FROM auth.user_create('X', 'regress_x', 'regular_user');                               -- fails
SELECT * FROM auth.user_create('X', NULL, 'regular_user');                                      -- fails
SELECT * FROM auth.user_create('', 'regress_x@example.org', 'regular_user');                    -- fails
SELECT * FROM auth.user_create('system', 'regress_x@example.org', 'regular_user');              -- fails
SELECT * FROM auth.user_create('X', 'regress_x@example.org', 'superuser');                      -- fails
SELECT * FROM auth.user_create('X', 'regress_x@example.org', NULL);                             -- fails
SELECT * FROM auth.user_create('X', 'regress_x@example.org', 'regular_user', 'short');          -- fails
SELECT * FROM auth.user_create('X', 'regress_clerk@example.org', 'regular_user');               -- fails: somebody's role
SELECT * FROM auth.user_create('X', 'regress_dba@example.org', 'regular_user');                 -- fails
\set VERBOSITY sqlstate

-- Passwords of others and one's own.
SELECT sub AS rita FROM api."user" WHERE display_name = 'Rita' \gset
SELECT auth.admin_change_password(:'rita', 'changed by Ada');
SELECT auth.admin_change_password(:'rita', 'short');                                             -- fails
SELECT auth.admin_change_password(:'rita', NULL);                                                -- fails
SELECT auth.admin_change_password(gen_random_uuid(), 'correct horse');                          -- fails
SELECT auth.admin_change_password(NULL, 'correct horse');                                        -- fails
SELECT auth.change_password('changed by myself');
SELECT auth.hash_password('correct horse');                                                      -- fails
SELECT auth.set_password(1, 'correct horse');                                                    -- fails
SELECT auth.verify_password(NULL, 'correct horse');                                              -- fails
SELECT auth.make_role('regress_x', 'admin_user', true);                                          -- fails
SELECT auth.keep_password('!', 'x');                                                             -- fails
SELECT auth.set_role_password('postgres', '!');                                                  -- fails
-- The triggers run as their owner: nobody hangs them on a table of his own.
CREATE TEMPORARY TABLE regress_mine (id integer);
CREATE TRIGGER mine BEFORE INSERT ON regress_mine FOR EACH ROW EXECUTE FUNCTION auth.user_prepare();    -- fails
CREATE TRIGGER mine AFTER INSERT ON regress_mine FOR EACH ROW EXECUTE FUNCTION auth.user_follow();      -- fails
CREATE TRIGGER mine AFTER UPDATE ON regress_mine FOR EACH ROW EXECUTE FUNCTION auth.user_sign_out();    -- fails
RESET ROLE;
CREATE TEMPORARY TABLE regress_like (LIKE auth."user");
CREATE TRIGGER mine BEFORE INSERT ON regress_like FOR EACH ROW EXECUTE FUNCTION auth.user_prepare();
INSERT INTO regress_like (id, sub, display_name, email, created_at, updated_at, encrypted_password, statbus_role, has_own_role)
VALUES (1, gen_random_uuid(), 'X', 'regress_x@example.org', now(), now(), '!', 'admin_user', true);      -- fails
SELECT pg_temp.opens('regress_rita_r@example.org', 'changed by Ada') AS rita, pg_temp.opens('regress_ada@example.org', 'changed by myself') AS ada;
UPDATE auth."user" SET statbus_role = 'regular_user' WHERE display_name = 'Rita';
SELECT auth.admin_change_password(sub, 'correct horse') FROM auth."user" WHERE id = 1;         -- fails
SELECT auth.change_password('correct horse');                                                    -- fails
UPDATE auth."user" SET deleted_at = now() WHERE display_name = 'Rita';
SELECT auth.admin_change_password(:'rita', 'correct horse');                                     -- fails
UPDATE auth."user" SET deleted_at = NULL WHERE display_name = 'Rita';

-- No other user may any of this.
SET LOCAL ROLE "regress_nora@example.org";
SELECT * FROM auth.user_create('X', 'regress_x@example.org', 'regular_user');                   -- fails
SELECT auth.admin_change_password(:'rita', 'correct horse');                                     -- fails
RESET ROLE;
-- Also not with the group of another register's administrators.
GRANT admin_user TO "regress_nora@example.org";
SET LOCAL ROLE "regress_nora@example.org";
SELECT * FROM auth.user_create('X', 'regress_x@example.org', 'regular_user');                   -- fails
SELECT auth.admin_change_password(:'rita', 'correct horse');                                     -- fails
UPDATE api."user" SET statbus_role = 'admin_user' WHERE display_name = 'Nora' RETURNING statbus_role;   -- fails
RESET ROLE;
-- What a grant lets through, the trigger refuses.
GRANT UPDATE (statbus_role, email_confirmed_at) ON auth."user" TO regular_user;
SET LOCAL ROLE "regress_nora@example.org";
UPDATE auth."user" SET statbus_role = 'admin_user' WHERE display_name = 'Nora' RETURNING statbus_role;   -- fails
RESET ROLE;

-- Over HTTP, the token must be that of a session, not a key.
SET LOCAL SESSION AUTHORIZATION authenticator;
SET LOCAL ROLE "regress_nora@example.org";
SELECT set_config('request.jwt.claims', '{"type": "api_key"}', true);
SELECT auth.change_password('correct horse');                                                    -- fails
SELECT set_config('request.jwt.claims', '', true);
SELECT auth.change_password('correct horse');                                                    -- fails
SELECT set_config('request.jwt.claims', '{"type": "access"}', true);
SELECT auth.change_password('correct horse');
RESET ROLE;
SELECT auth.change_password('correct horse');                                                    -- fails
RESET SESSION AUTHORIZATION;
SELECT pg_temp.opens('regress_nora@example.org', 'correct horse') AS changed;
SELECT * FROM last_events OFFSET 15;
ROLLBACK;
SELECT rolname FROM pg_roles WHERE rolname LIKE 'regress%@%';

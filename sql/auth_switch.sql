-- auth.jwt_switch_role: the role of an access token on a direct connection, until the end of the transaction.
SET client_min_messages = warning;

CREATE FUNCTION pg_temp.state_of(statement text) RETURNS text LANGUAGE plpgsql AS $state_of$
DECLARE
    told text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS told = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || coalesce(' / ' || nullif(told, ''), '');
END
$state_of$;

-- Two people, and roles that no token may give.
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES
    ('Switch', 'switch@example.com', 'regular_user'), ('Switch left', 'switch.left@example.com', 'regular_user');
SELECT auth.sync_roles() >= 0 AS synchronised;
CREATE ROLE regress_switch_stranger LOGIN;
CREATE ROLE "Regress_switch; --" LOGIN;
CREATE ROLE regress_switch_maker NOLOGIN CREATEROLE;
CREATE ROLE regress_switch_heir NOLOGIN IN ROLE regress_switch_maker;
CREATE ROLE regress_switch_bypass NOLOGIN BYPASSRLS;
CREATE ROLE regress_switch_reader NOLOGIN IN ROLE pg_read_all_data;
GRANT regress_switch_maker, regress_switch_heir, regress_switch_bypass, regress_switch_reader, pg_monitor, "Regress_switch; --" TO authenticator;
INSERT INTO auth.refresh_session (user_id, jti, expires_at)
SELECT u.id, ('00000000-0000-4000-8000-00000000000' || n)::uuid, clock_timestamp() + CASE n WHEN 1 THEN interval '1 hour' ELSE interval '0.001 seconds' END
FROM auth."user" AS u, generate_series(1, 2) AS n WHERE u.email::text = 'switch@example.com';

-- Tokens are made before the session becomes that of a client.
CREATE TEMP TABLE token AS
SELECT name, auth.jwt_sign(jsonb_build_object('role', 'switch@example.com', 'type', 'access', 'exp', 4102444800) || claims::jsonb) AS token, good
FROM (VALUES
    ('good', '{}', true),
    ('of a session', '{"sid": "00000000-0000-4000-8000-000000000001"}', true),
    ('of a session that has expired', '{"sid": "00000000-0000-4000-8000-000000000002"}', false),
    ('of a session that is not there', '{"sid": "00000000-0000-4000-8000-000000000009"}', false),
    ('sid is no text', '{"sid": 1}', false),
    ('another subject', '{"sub": "00000000-0000-4000-8000-000000000009"}', false),
    ('refresh', '{"type": "refresh"}', false),
    ('api_key', '{"type": "api_key"}', false),
    ('type is null', '{"type": null}', false),
    ('type is a list', '{"type": ["access"]}', false),
    ('type in capitals', '{"type": "ACCESS"}', false),
    ('expired', '{"exp": 1}', false),
    ('role is null', '{"role": null}', false),
    ('role is a list', '{"role": ["switch@example.com"]}', false),
    ('role is an object', '{"role": {"r": "switch@example.com"}}', false),
    ('role is empty', '{"role": ""}', false),
    ('role is none', '{"role": "none"}', false),
    ('role is None', '{"role": "None"}', false),
    ('role is not there', '{"role": "nobody@example.com"}', false),
    ('role in capitals', '{"role": "Switch@example.com"}', false),
    ('role quoted', '{"role": "\"switch@example.com\""}', false),
    ('role with SQL', '{"role": "switch@example.com; DROP ROLE anon; --"}', false),
    ('nobody''s role', '{"role": "Regress_switch; --"}', false),
    ('role is a group', '{"role": "regular_user"}', false),
    ('role is anon', '{"role": "anon"}', false),
    ('role is the server''s', '{"role": "pg_monitor"}', false),
    ('role makes roles', '{"role": "regress_switch_maker"}', false),
    ('role inherits that', '{"role": "regress_switch_heir"}', false),
    ('role passes by policies', '{"role": "regress_switch_bypass"}', false),
    ('role reads everything', '{"role": "regress_switch_reader"}', false),
    ('session_user cannot', '{"role": "regress_switch_stranger"}', false)) AS t (name, claims, good);
INSERT INTO token
SELECT 'superuser', auth.jwt_sign(jsonb_build_object('role', r.rolname, 'type', 'access', 'exp', 4102444800)), false FROM pg_roles AS r WHERE r.oid = 10
UNION ALL
SELECT 'long', auth.jwt_sign(jsonb_build_object('role', rpad('switch@example.com', 64, 'x'), 'type', 'access', 'exp', 4102444800)), false
UNION ALL
SELECT 'no type', auth.jwt_sign('{"role": "switch@example.com", "exp": 4102444800}'), false
UNION ALL
SELECT 'no role', auth.jwt_sign('{"type": "access", "exp": 4102444800}'), false
UNION ALL
SELECT 'no exp', auth.jwt_sign('{"role": "switch@example.com", "type": "access"}'), false
UNION ALL
SELECT 'changed', overlay((SELECT token FROM token WHERE name = 'good') PLACING 'AAAA' FROM 200), false
UNION ALL
SELECT 'null', NULL, false
UNION ALL
SELECT 'deleted user', auth.jwt_sign('{"role": "switch.left@example.com", "type": "access", "exp": 4102444800}'), false;
GRANT SELECT ON token TO PUBLIC;
UPDATE auth."user" SET deleted_at = clock_timestamp() WHERE email::text = 'switch.left@example.com';
SELECT token AS good FROM token WHERE name = 'good' \gset

-- Each is tried and taken back; what PostgREST may become, a direct connection may as well.
CREATE FUNCTION pg_temp.try(token text, OUT role text, OUT answer text) LANGUAGE plpgsql AS $try$
BEGIN
    BEGIN
        PERFORM auth.jwt_switch_role(token);
        role := current_user;
        RAISE SQLSTATE 'OK000' USING MESSAGE = 'switched';
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS answer = PG_EXCEPTION_DETAIL;
        answer := SQLSTATE || ' ' || SQLERRM || coalesce(' / ' || nullif(answer, ''), '');
    END;
    IF current_user <> session_user THEN
        answer := answer || ', and the role stays ' || current_user;
    END IF;
END
$try$;
SET SESSION AUTHORIZATION authenticator;
BEGIN;
SELECT t.name, t.good, a.role, a.answer FROM token AS t CROSS JOIN LATERAL pg_temp.try(t.token) AS a ORDER BY t.good DESC, t.name COLLATE "C";
COMMIT;
-- Nothing else decides: a superuser's session becomes no more than a user either.
RESET SESSION AUTHORIZATION;
BEGIN;
SELECT t.name, a.role, left(a.answer, 5) AS state FROM token AS t CROSS JOIN LATERAL pg_temp.try(t.token) AS a
WHERE a.answer LIKE 'OK000%' <> t.good OR t.name IN ('session_user cannot', 'role is a group', 'superuser') ORDER BY t.name COLLATE "C";
COMMIT;
-- Another login role may not become the user.
SET SESSION AUTHORIZATION regress_switch_stranger;
BEGIN;
SELECT pg_temp.try(:'good');
COMMIT;

-- The role lasts as long as the transaction, and not when that part of it is undone.
SET SESSION AUTHORIZATION authenticator;
SELECT auth.jwt_switch_role(:'good');                           -- fails
BEGIN;
SAVEPOINT before;
SELECT auth.jwt_switch_role(:'good');
SELECT current_user, auth.email(), auth.statbus_role();
ROLLBACK TO SAVEPOINT before;
SELECT current_user;
SELECT auth.jwt_switch_role(:'good');
SELECT current_user;
COMMIT;
SELECT current_user;
BEGIN;
SELECT auth.jwt_switch_role(:'good');
-- From one user to another: session_user decides, not the role.
SELECT auth.jwt_switch_role(:'good');
SELECT current_user;
ROLLBACK;
SELECT current_user;
-- No function that runs with its owner's rights takes on a role.
RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.definer(token text) RETURNS void LANGUAGE sql SECURITY DEFINER AS $definer$ SELECT auth.jwt_switch_role(token) $definer$;
GRANT EXECUTE ON FUNCTION pg_temp.definer(text) TO PUBLIC;
SET SESSION AUTHORIZATION authenticator;
BEGIN;
SELECT pg_temp.state_of(format('SELECT pg_temp.definer(%L)', :'good'));
SELECT current_user;
COMMIT;
RESET SESSION AUTHORIZATION;

DELETE FROM auth."user" WHERE email::text LIKE 'switch%@example.com';
DROP OWNED BY "switch@example.com", "switch.left@example.com", regress_switch_stranger, "Regress_switch; --";
DROP ROLE "switch@example.com", "switch.left@example.com", regress_switch_stranger, "Regress_switch; --", regress_switch_heir, regress_switch_maker, regress_switch_bypass, regress_switch_reader;
REVOKE pg_monitor FROM authenticator;

-- A failed login of an unknown and of a known user, statement by statement, as PostgREST calls it; refresh of a session; pre_request.
-- needs: auth.login auth.pre_request
-- run: unknown x15
-- run: known x15
-- run: crypt x15
-- run: pre_request
-- run: nothing
-- ratio: unknown, of the time of a known user with a wrong password | auth.login | unknown / known | 0.95..1.05
-- ratio: a failed login, of the bare hash | auth.login | known / crypt | <= 1.2
-- ratio: 10,000 requests let through, of 10,000 calls of an empty function | auth.pre_request | pre_request / nothing |
-- time: 10,000 requests let through (1,000 ms are 100 µs each) | auth.pre_request | pre_request | <= 1000
\echo == setup
INSERT INTO auth."user" (display_name, email, password, email_confirmed_at) VALUES ('Bench', 'bench@example.org', 'a good password', now())
ON CONFLICT DO NOTHING;
SET statbus.login_attempts = 1000;
CREATE OR REPLACE PROCEDURE log_in(email text) LANGUAGE plpgsql AS $log_in$
BEGIN
    FOR i IN 1..10 LOOP
        PERFORM set_config('request.method', 'POST', true), set_config('request.headers', '{}', true), set_config('request.cookies', '{}', true);
        PERFORM auth.login(email, 'a bad password');
    END LOOP;
END $log_in$;
CREATE OR REPLACE FUNCTION nothing() RETURNS void LANGUAGE plpgsql STABLE AS $nothing$ BEGIN END $nothing$;
CREATE TABLE IF NOT EXISTS bearer AS SELECT jsonb_build_object('host', 'x', 'authorization', 'Bearer ' || auth.jwt_sign(jsonb_build_object('role', u.email, 'type', 'access', 'exp', 4102444800))) AS headers
FROM auth."user" AS u WHERE u.email = 'bench@example.org';
GRANT SELECT ON bearer TO PUBLIC;
GRANT EXECUTE ON FUNCTION nothing() TO PUBLIC;
\echo == unknown: prepare
DELETE FROM auth.throttle;
SET statbus.login_attempts = 1000;
\echo == unknown
CALL log_in('nobody@example.org');
\echo == known: prepare
DELETE FROM auth.throttle;
SET statbus.login_attempts = 1000;
\echo == known
CALL log_in('bench@example.org');
\echo == crypt
SELECT count(crypt('a bad password', u.encrypted_password)) FROM auth."user" AS u, generate_series(1, 10) WHERE u.email = 'bench@example.org';
\echo == pre_request
SET SESSION AUTHORIZATION authenticator;
SELECT set_config('request.method', 'GET', false), set_config('request.headers', b.headers::text, false), set_config('request.cookies', '{}', false) FROM bearer AS b;
SET ROLE "bench@example.org";
SELECT auth.pre_request();
SELECT count(*) FROM (SELECT auth.pre_request() FROM generate_series(1, 10000) OFFSET 0) AS r;
\echo == nothing
SET SESSION AUTHORIZATION authenticator;
SET ROLE "bench@example.org";
SELECT count(*) FROM (SELECT nothing() FROM generate_series(1, 10000) OFFSET 0) AS r;

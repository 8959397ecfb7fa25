-- Signing in, as requests of PostgREST: role authenticator, settings request.*, auth.pre_request(), the call, settings
-- response.*.  All in one transaction; what fails is rolled back to where the request began, as PostgREST does.
\set SHOW_CONTEXT never
-- What was rolled back before, here or by another test, would count.
TRUNCATE auth.login_try;
BEGIN;
SET LOCAL statbus.trusted_proxies = '10.0.0.0/8';
SET LOCAL track_functions = 'all';
INSERT INTO auth."user" (display_name, email, encrypted_password, email_confirmed_at)
SELECT initcap(u.name), format('regress_%s@example.org', u.name),
       coalesce(auth.hash_password(format('password of %s', u.name)), '!'), u.confirmed_at
FROM (VALUES ('ada', '2024-01-01'::timestamptz), ('bob', '2024-01-01'), ('new', NULL), ('gone', '2024-01-01'), ('mute', '2024-01-01')) AS u (name, confirmed_at);
UPDATE auth."user" SET encrypted_password = '!' WHERE email = 'regress_mute@example.org';
DO $roles$ BEGIN PERFORM auth.sync_roles(); END $roles$;
UPDATE auth."user" SET deleted_at = '2024-02-01' WHERE email = 'regress_gone@example.org';

CREATE FUNCTION pg_temp.verified(token text) RETURNS jsonb LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $verified$ SELECT (auth.jwt_verify(token)).claims $verified$;
DELETE FROM auth.event WHERE kind::text NOT LIKE 'key%';
-- One request of a browser, whose cookies are in test.jar.  token: what an Authorization header says; refresh cookies
-- are sent to refresh() only.
CREATE FUNCTION pg_temp.http(call text, headers jsonb DEFAULT '{}', method text DEFAULT 'POST', token text DEFAULT NULL)
RETURNS TABLE (status text, body jsonb, header jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $http$
DECLARE
    jar jsonb := coalesce(nullif(current_setting('test.jar', true), ''), '{}')::jsonb;
    claims jsonb := coalesce(pg_temp.verified(token), '{"role": "anon"}');
    set_cookie text;
BEGIN
    PERFORM set_config('request.method', method, true), set_config('response.status', '', true), set_config('response.headers', '', true),
        set_config('request.headers', (jsonb_build_object('host', 'register.example', 'user-agent', 'test', 'x-forwarded-for', '192.0.2.1')
            || CASE WHEN token IS NULL THEN '{}' ELSE jsonb_build_object('authorization', 'Bearer ' || token) END || headers)::text, true),
        set_config('request.cookies', (CASE WHEN call LIKE 'refresh(%' THEN jar ELSE jar - 'statbus-refresh' END)::text, true),
        set_config('request.jwt.claims', claims::text, true),
        set_config('role', claims ->> 'role', true);
    BEGIN
        PERFORM auth.pre_request();
        EXECUTE format('SELECT to_jsonb(r) FROM (SELECT jsonb_agg(to_jsonb(f)) AS r FROM api.%s AS f) AS result (r)', call) INTO body;
        PERFORM set_config('role', 'none', true);
        header := coalesce(nullif(current_setting('response.headers', true), '')::jsonb, '[]');
        FOR set_cookie IN SELECT h ->> 'Set-Cookie' FROM jsonb_array_elements(header) AS h WHERE h ? 'Set-Cookie' LOOP
            jar := jar || jsonb_build_object(split_part(set_cookie, '=', 1), split_part(split_part(set_cookie, ';', 1), '=', 2));
            IF set_cookie LIKE '%; Max-Age=0%' THEN
                jar := jar - split_part(set_cookie, '=', 1);
            END IF;
        END LOOP;
        PERFORM set_config('test.jar', jar::text, true);
        RETURN QUERY SELECT coalesce(nullif(current_setting('response.status', true), ''), '200'),
            CASE WHEN jsonb_array_length(body) = 1 THEN body -> 0 ELSE body END, header;
    EXCEPTION WHEN OTHERS THEN
        RETURN QUERY SELECT SQLSTATE::text, to_jsonb(SQLERRM), NULL::jsonb;
    END;
    PERFORM set_config('role', 'none', true);
END
$http$;
CREATE FUNCTION pg_temp.login(name text, password text DEFAULT NULL, headers jsonb DEFAULT '{}')
RETURNS TABLE (status text, body jsonb, header jsonb)
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $login$
    SELECT * FROM pg_temp.http(format('login(%L, %L)', format('regress_%s@example.org', name), coalesce(password, 'password of ' || name)), headers)
$login$;
-- What matters of an answer.
CREATE FUNCTION pg_temp.short(body jsonb) RETURNS text LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $short$
    SELECT CASE WHEN jsonb_typeof(body) <> 'object' THEN body::text
                ELSE concat_ws(', ', CASE WHEN (body ->> 'is_authenticated')::boolean THEN 'signed in as ' || (body ->> 'display_name') ELSE 'nobody' END,
                               body ->> 'error_code', CASE WHEN (body ->> 'expired_access_token_call_refresh')::boolean THEN 'call refresh' END) END
$short$;
CREATE FUNCTION pg_temp.cookie(name text) RETURNS text LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS $cookie$ SELECT nullif(current_setting('test.jar', true), '')::jsonb ->> name $cookie$;
CREATE FUNCTION pg_temp.claims(name text) RETURNS jsonb LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS $claims$ SELECT pg_temp.verified(pg_temp.cookie(name)) $claims$;
CREATE FUNCTION pg_temp.user_id(name text) RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $user_id$ SELECT u.id FROM auth."user" AS u WHERE u.display_name = initcap(name) $user_id$;
CREATE FUNCTION pg_temp.sub(name text) RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $sub$ SELECT u.sub FROM auth."user" AS u WHERE u.display_name = initcap(name) $sub$;
-- Time goes by.
CREATE FUNCTION pg_temp.sleep(seconds integer) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $sleep$
    UPDATE auth.throttle SET last_failure_at = last_failure_at - make_interval(secs => seconds), blocked_until = blocked_until - make_interval(secs => seconds);
    UPDATE auth.refresh_session SET last_used_at = last_used_at - make_interval(secs => seconds);
$sleep$;
-- Blocks last: an hour longer, so that a slow machine does not see their end.
CREATE FUNCTION pg_temp.stretch() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $stretch$
    UPDATE auth.throttle SET blocked_until = blocked_until + interval '1 hour';
$stretch$;
-- For how many seconds each kind of row blocks.
CREATE FUNCTION pg_temp.blocks(OUT kind text, OUT failures integer, OUT seconds numeric) RETURNS SETOF record LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $blocks$
    SELECT t.kind, t.failures, round(extract(epoch FROM nullif(t.blocked_until, '-infinity') - t.last_failure_at), 1) FROM auth.throttle AS t ORDER BY t.kind, t.subject
$blocks$;
CREATE VIEW pg_temp.event AS
SELECT e.kind, u.display_name AS about, e.by_user_id IS NOT NULL AS by_other, e.email, e.ip_address, e.user_agent, e.session_jti IS NOT NULL AS session, e.details
FROM auth.event AS e LEFT JOIN auth."user" AS u ON u.id = e.user_id WHERE e.kind::text NOT LIKE 'key%' AND e.kind::text NOT LIKE 'user%' ORDER BY e.id;

-- Failures ---------------------------------------------------------------------------------------------------------------
-- One answer, and one amount of work, for every reason.  The true reason is on record.
CREATE TEMP TABLE answer (name text, password text, status text, body jsonb, header jsonb, hashes bigint);
CREATE FUNCTION pg_temp.hashes() RETURNS bigint LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS $hashes$ SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_xact_user_functions WHERE funcname = 'crypt' $hashes$;
GRANT ALL ON answer TO PUBLIC;
GRANT SELECT ON pg_temp.event TO PUBLIC;
SET SESSION AUTHORIZATION authenticator;
INSERT INTO answer (name, password, hashes) VALUES
    ('ada', 'wrong password', 0), ('ada', '', 0), ('ada', repeat('x', 73), 0), ('nobody', 'wrong password', 0), ('new', 'password of new', 0),
    ('new', 'wrong password', 0), ('gone', 'password of gone', 0), ('mute', '!', 0), ('mute', 'password of mute', 0);
DO $attempts$
DECLARE
    attempt record;
    before bigint;
BEGIN
    FOR attempt IN SELECT a.ctid, a.* FROM answer AS a LOOP
        before := pg_temp.hashes();
        UPDATE answer AS a SET (status, body, header) = (SELECT r.status, r.body, r.header FROM pg_temp.login(attempt.name, attempt.password) AS r)
        WHERE a.name = attempt.name AND a.password = attempt.password;
        UPDATE answer AS a SET hashes = pg_temp.hashes() - before WHERE a.name = attempt.name AND a.password = attempt.password;
    END LOOP;
END
$attempts$;
SELECT count(*), count(DISTINCT (status, body, header, hashes)) AS different, min(status) AS status, min(hashes) > 0 AS hashed, min(pg_temp.short(body)) AS answer FROM answer;
SELECT jsonb_pretty(body) FROM answer LIMIT 1;
SELECT h ->> 'Set-Cookie' AS set_cookie FROM answer, jsonb_array_elements(header) AS h WHERE password = '!';
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.event;
-- What cannot be an address may be a password, and is not kept.
SET SESSION AUTHORIZATION authenticator;
SELECT status FROM pg_temp.http($$login('My s3cret password', 'x')$$);
SELECT status FROM pg_temp.http($$login(NULL, NULL)$$);
SELECT status, body FROM pg_temp.http($$login('x@example.org', 'x')$$, method => 'GET');
SELECT status, body FROM pg_temp.http($$login('x@example.org', 'x')$$, headers => '{"sec-fetch-site": "cross-site"}');
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM auth.event AS e WHERE e::text LIKE '%s3cret%';
SELECT count(*) FROM auth.throttle AS t WHERE t::text LIKE '%s3cret%';
DELETE FROM auth.event WHERE kind::text NOT LIKE 'key%';
DELETE FROM auth.throttle;

-- A session --------------------------------------------------------------------------------------------------------------
SET SESSION AUTHORIZATION authenticator;
-- The address in any case; blanks around it do not matter.
SELECT status, pg_temp.short(body), body - '{uid,sub,last_sign_in_at,created_at,token_expires_at}'::text[] AS body
FROM pg_temp.http($$login(' Regress_ADA@example.org ', 'password of ada')$$);
SELECT regexp_replace(regexp_replace(h ->> 'Set-Cookie', '=[^;]{100,}', '=TOKEN'), 'Expires=.*', 'Expires') AS cookie,
       substring(h ->> 'Set-Cookie' FROM 'Max-Age=(\d+)')::integer BETWEEN 2591990 AND 2592000 AS for_30_days
FROM pg_temp.login('ada', headers => '{"x-forwarded-proto": "https"}') AS r, jsonb_array_elements(r.header) AS h;
SELECT token.name, string_agg(c.key, ' ' ORDER BY c.key COLLATE "C") AS claims,
       jsonb_object_agg(c.key, c.value) - '{sub,uid,iat,exp,jti,sid}'::text[] AS claims_1,
       max(c.value::text::bigint) FILTER (WHERE c.key = 'exp') - max(c.value::text::bigint) FILTER (WHERE c.key = 'iat') AS lifetime
FROM (VALUES ('statbus'), ('statbus-refresh')) AS token (name), jsonb_each(pg_temp.claims(token.name)) AS c
GROUP BY token.name ORDER BY token.name;
SELECT pg_temp.claims('statbus') ->> 'sid' = pg_temp.claims('statbus-refresh') ->> 'jti' AS same_session,
       pg_temp.claims('statbus') -> 'uid' = to_jsonb(pg_temp.user_id('ada')) AS uid;
SELECT status, pg_temp.short(body), body ->> 'token_expires_at' IS NOT NULL AS expires FROM pg_temp.http('auth_status()', method => 'GET');
SELECT status, pg_temp.short(body) FROM pg_temp.http('auth_status()', token => pg_temp.cookie('statbus'));
RESET SESSION AUTHORIZATION;
SELECT count(*) AS sessions, count(DISTINCT (ip_address, user_agent, refresh_version)) AS alike, min(ip_address) AS ip_address,
       bool_and(expires_at - created_at BETWEEN interval '29 days 23:59:59' AND interval '30 days') AS for_30_days
FROM auth.refresh_session WHERE user_id = pg_temp.user_id('ada');
SELECT u.last_sign_in_at > transaction_timestamp() AS signed_in FROM auth."user" AS u WHERE u.display_name = 'Ada';
SELECT * FROM pg_temp.event;
DELETE FROM auth.event WHERE kind::text NOT LIKE 'key%';
-- A long user agent is cut, an audience is named, a hash of another cost is renewed.
UPDATE auth."user" AS u SET encrypted_password = public.crypt('password of bob', public.gen_salt('bf', 8)) WHERE u.display_name = 'Bob';
SET LOCAL statbus.jwt_audience = 'statbus';
SET SESSION AUTHORIZATION authenticator;
SELECT status, pg_temp.claims('statbus') ->> 'aud' AS aud FROM pg_temp.login('bob', headers => jsonb_build_object('user-agent', repeat('é', 5000)));
RESET SESSION AUTHORIZATION;
SET LOCAL statbus.jwt_audience = '';
SELECT left(u.encrypted_password, 7) AS cost FROM auth."user" AS u WHERE u.display_name = 'Bob';
SELECT octet_length(s.user_agent) AS bytes FROM auth.refresh_session AS s WHERE s.user_id = pg_temp.user_id('bob');
SET SESSION AUTHORIZATION authenticator;
SELECT status, pg_temp.short(body) FROM pg_temp.login('bob');
-- Nobody is signed in by a refresh token, or by nothing.
SELECT status, body FROM pg_temp.http('auth_status()', token => pg_temp.cookie('statbus-refresh'));
SELECT set_config('test.jar', '{}', true);
SELECT status, pg_temp.short(body) FROM pg_temp.http('auth_status()');
SELECT status, body FROM pg_temp.http('list_active_sessions()');
-- A session of one's own cannot log in: it could hold the account's counter for as long as it likes.
SET SESSION AUTHORIZATION "regress_bob@example.org";
SAVEPOINT s;
SELECT api.login('regress_ada@example.org', 'wrong');          -- fails
ROLLBACK TO s;
SELECT pg_temp.short(to_jsonb(r)) FROM api.auth_status() AS r;
RESET SESSION AUTHORIZATION;
DELETE FROM auth.event WHERE kind::text NOT LIKE 'key%';

-- Refreshing -------------------------------------------------------------------------------------------------------------
SET SESSION AUTHORIZATION authenticator;
SELECT status, pg_temp.short(body), header::text LIKE '%statbus=;%' AS cleared FROM pg_temp.http('refresh()');
SELECT status FROM pg_temp.login('ada');
CREATE TEMP TABLE token AS SELECT 'first' AS name, pg_temp.cookie('statbus') AS access, pg_temp.cookie('statbus-refresh') AS refresh;
GRANT ALL ON token TO PUBLIC;
SELECT status, body FROM pg_temp.http('refresh()', method => 'GET');
SELECT status, pg_temp.short(body) FROM pg_temp.http('refresh()');
INSERT INTO token SELECT 'second', pg_temp.cookie('statbus'), pg_temp.cookie('statbus-refresh');
SELECT a.name, pg_temp.verified(a.refresh) -> 'version' AS version, a.access <> b.access AS other_access,
       pg_temp.verified(a.access) -> 'sid' = pg_temp.verified(b.access) -> 'sid' AS same_session
FROM token AS a JOIN token AS b ON b.name <> a.name ORDER BY a.name;
-- Another tab sends the first token a moment later: it gets tokens of the same version.
SELECT set_config('test.jar', jsonb_build_object('statbus-refresh', refresh)::text, true) IS NULL FROM token WHERE name = 'first';
SELECT status, pg_temp.short(body), pg_temp.claims('statbus-refresh') -> 'version' AS version FROM pg_temp.http('refresh()');
SELECT status, pg_temp.short(body), pg_temp.claims('statbus-refresh') -> 'version' AS version FROM pg_temp.http('refresh()');
-- Two versions back is a copy, also at once: the session ends, also for who has the newest token.
SELECT set_config('test.jar', jsonb_build_object('statbus-refresh', refresh)::text, true) IS NULL FROM token WHERE name = 'first';
INSERT INTO token SELECT 'newest', pg_temp.cookie('statbus'), pg_temp.cookie('statbus-refresh');
SELECT status, pg_temp.short(body), header::text LIKE '%statbus=;%' AS cleared FROM pg_temp.http('refresh()');
SELECT set_config('test.jar', jsonb_build_object('statbus-refresh', refresh)::text, true) IS NULL FROM token WHERE name = 'second';
SELECT status, pg_temp.short(body) FROM pg_temp.http('refresh()');
SELECT status, body FROM pg_temp.http('auth_status()', token => (SELECT access FROM token WHERE name = 'second'));
-- So does the version before, once the moment is over.
SELECT status FROM pg_temp.login('ada');
INSERT INTO token SELECT 'third', pg_temp.cookie('statbus'), pg_temp.cookie('statbus-refresh');
SELECT status FROM pg_temp.http('refresh()');
SELECT pg_temp.sleep(11);
SELECT set_config('test.jar', jsonb_build_object('statbus-refresh', refresh)::text, true) IS NULL FROM token WHERE name = 'third';
SELECT status, pg_temp.short(body) FROM pg_temp.http('refresh()');
RESET SESSION AUTHORIZATION;
SELECT kind, about, session, details FROM pg_temp.event;
DELETE FROM auth.event WHERE kind::text NOT LIKE 'key%';
SELECT count(*) FROM auth.refresh_session AS s WHERE s.jti::text = (SELECT pg_temp.verified(access) ->> 'sid' FROM token WHERE name = 'third');
-- An access token, a token of nobody's, one of another key, and what is none; a session and a user that are gone.
CREATE FUNCTION pg_temp.refresh_with(token text) RETURNS TABLE (status text, answer text) LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $refresh_with$
    SELECT set_config('test.jar', jsonb_build_object('statbus-refresh', token)::text, true);
    SELECT status, pg_temp.short(body) FROM pg_temp.http('refresh()');
$refresh_with$;
CREATE TEMP TABLE forged AS
SELECT name, auth.jwt_sign(claims || changes) AS token
FROM (SELECT auth.token_claims(pg_temp.user_id('ada'), 'refresh', clock_timestamp() + interval '1 hour') || '{"version": 0}' AS claims) AS good,
     (VALUES ('no such session', '{}'::jsonb), ('no such user', '{"sub": "00000000-0000-4000-8000-000000000000"}'), ('user without a name', '{"sub": 17}'),
             ('type of another kind', '{"type": "api_key"}'), ('session without a name', '{"jti": "x"}'), ('expired', '{"exp": 1700000000, "iat": 1700000000}')) AS c (name, changes);
GRANT SELECT ON forged TO PUBLIC;
SET SESSION AUTHORIZATION authenticator;
SELECT f.name, r.* FROM forged AS f, pg_temp.refresh_with(f.token) AS r ORDER BY f.name;
SELECT * FROM pg_temp.refresh_with((SELECT access FROM token WHERE name = 'third'));
SELECT * FROM pg_temp.refresh_with((SELECT refresh || 'x' FROM token WHERE name = 'third'));
SELECT * FROM pg_temp.refresh_with('x');
SELECT * FROM pg_temp.refresh_with('');
SELECT status FROM pg_temp.login('ada');
RESET SESSION AUTHORIZATION;
SELECT kind, about, details FROM pg_temp.event;                -- only what was signed by us is worth a record, once a minute
-- A session past its time, and a version that is no number.
UPDATE auth.refresh_session SET created_at = created_at - interval '31 days', expires_at = clock_timestamp() - interval '1 second'
WHERE jti::text = pg_temp.claims('statbus-refresh') ->> 'jti';
SET SESSION AUTHORIZATION authenticator;
SELECT status, body FROM pg_temp.http('auth_status()', token => pg_temp.cookie('statbus'));
SELECT status, pg_temp.short(body) FROM pg_temp.http('auth_status()');
SELECT status, pg_temp.short(body) FROM pg_temp.http('refresh()');
SELECT status FROM pg_temp.login('ada');
RESET SESSION AUTHORIZATION;
CREATE TEMP TABLE odd AS SELECT auth.jwt_sign(pg_temp.claims('statbus-refresh') || '{"version": "zero"}') AS token;
GRANT SELECT ON odd TO PUBLIC;
SET SESSION AUTHORIZATION authenticator;
SELECT * FROM pg_temp.refresh_with((SELECT token FROM odd));
-- A grace of none.
RESET SESSION AUTHORIZATION;
SET LOCAL statbus.refresh_grace = 0;
SET SESSION AUTHORIZATION authenticator;
SELECT status FROM pg_temp.login('ada');
INSERT INTO token SELECT 'fourth', pg_temp.cookie('statbus'), pg_temp.cookie('statbus-refresh');
SELECT status FROM pg_temp.http('refresh()');
SELECT * FROM pg_temp.refresh_with((SELECT refresh FROM token WHERE name = 'fourth'));
RESET SESSION AUTHORIZATION;
SET LOCAL statbus.refresh_grace = 10;

-- An access token past its time -----------------------------------------------------------------------------------------
SET SESSION AUTHORIZATION authenticator;
SELECT set_config('test.jar', '{}', true);
SELECT status FROM pg_temp.http('auth_expire_access_keep_refresh()');
SELECT status FROM pg_temp.login('ada');
SELECT status, body, jsonb_array_length(header) AS cookies FROM pg_temp.http('auth_expire_access_keep_refresh()');
SELECT status, pg_temp.short(body) FROM pg_temp.http('auth_status()');
SELECT status, body FROM pg_temp.http('list_active_sessions()');
SELECT status, pg_temp.short(body) FROM pg_temp.http('refresh()');
SELECT status, pg_temp.short(body) FROM pg_temp.http('auth_status()');
-- It ends its session all the same, and tells nothing of one that has ended.
SELECT status FROM pg_temp.http('auth_expire_access_keep_refresh()');
CREATE TEMP TABLE jar AS SELECT current_setting('test.jar') AS value;
SELECT status, pg_temp.short(body), header::text LIKE '%statbus=;%statbus-refresh=;%' AS cleared FROM pg_temp.http('logout()');
SELECT set_config('test.jar', value, true) IS NULL FROM jar;
SELECT status, pg_temp.short(body) FROM pg_temp.http('auth_status()');
SELECT status, pg_temp.short(body) FROM pg_temp.http('refresh()');
SELECT status, pg_temp.short(body) FROM pg_temp.http('logout()');
SELECT status, body FROM pg_temp.http('logout()', method => 'GET');

-- Several sessions -------------------------------------------------------------------------------------------------------
RESET SESSION AUTHORIZATION;
DELETE FROM auth.refresh_session;
DELETE FROM auth.event WHERE kind::text NOT LIKE 'key%';
SET SESSION AUTHORIZATION authenticator;
SELECT status FROM pg_temp.login('bob');
CREATE TEMP TABLE bobs AS SELECT pg_temp.cookie('statbus') AS token, pg_temp.claims('statbus') ->> 'sid' AS sid;
SELECT status FROM pg_temp.login('ada', headers => '{"user-agent": "one"}');
INSERT INTO token SELECT 'one', pg_temp.cookie('statbus'), pg_temp.cookie('statbus-refresh');
SELECT status FROM pg_temp.login('ada', headers => '{"user-agent": "two", "x-forwarded-for": "2001:db8::7"}');
SELECT s ->> 'user_agent' AS user_agent, s ->> 'ip_address' AS ip_address, s -> 'current_session' AS current
FROM pg_temp.http('list_active_sessions()', method => 'GET') AS r, jsonb_array_elements(r.body) AS s;
SELECT status, body FROM pg_temp.http(format('revoke_session(%L)', (SELECT sid FROM bobs)));
SELECT status, body FROM pg_temp.http(format('revoke_session(%L)', (SELECT pg_temp.verified(access) ->> 'sid' FROM token WHERE name = 'one')), method => 'GET');
SELECT status, body, header FROM pg_temp.http(format('revoke_session(%L)', (SELECT pg_temp.verified(access) ->> 'sid' FROM token WHERE name = 'one')));
SELECT status, body, header FROM pg_temp.http(format('revoke_session(%L)', (SELECT pg_temp.verified(access) ->> 'sid' FROM token WHERE name = 'one')));
SELECT status, body FROM pg_temp.http('auth_status()', token => (SELECT access FROM token WHERE name = 'one'));
SELECT status, pg_temp.short(body) FROM pg_temp.http('auth_status()');
SELECT status, pg_temp.short(body) FROM pg_temp.http('auth_status()', token => (SELECT token FROM bobs));
SELECT status, body, jsonb_array_length(header) AS cookies FROM pg_temp.http(format('revoke_session(%L)', pg_temp.claims('statbus') ->> 'sid'));
SELECT status, pg_temp.short(body) FROM pg_temp.http('auth_status()');
RESET SESSION AUTHORIZATION;
SELECT kind, about, by_other, session FROM pg_temp.event WHERE kind <> 'login';

-- API keys ---------------------------------------------------------------------------------------------------------------
SET SESSION AUTHORIZATION authenticator;
SELECT status FROM pg_temp.http('create_api_key()');
SELECT status FROM pg_temp.login('ada');
SELECT status, body - '{id,jti,user_id,created_at,expires_at,token,token_prefix}'::text[] AS body,
       (body ->> 'expires_at')::timestamptz - (body ->> 'created_at')::timestamptz > interval '364 days' AS for_a_year
FROM pg_temp.http('create_api_key()');
CREATE TEMP TABLE key AS SELECT r.body FROM pg_temp.http($$create_api_key('of a script', '1 day')$$) AS r;
GRANT SELECT ON key TO PUBLIC;
SELECT string_agg(c.key, ' ' ORDER BY c.key COLLATE "C") AS claims FROM key, jsonb_each(pg_temp.verified(body ->> 'token')) AS c;
SELECT c -> 'type' AS type, c -> 'description' AS description, c -> 'jti' = body -> 'jti' AS jti, left(body ->> 'jti', 8) = body ->> 'token_prefix' AS prefix
FROM key, LATERAL (SELECT pg_temp.verified(body ->> 'token') AS c) AS v;
SELECT set_config('test.jar', '{}', true);
SELECT status, pg_temp.short(r.body) FROM key, pg_temp.http('auth_status()', token => key.body ->> 'token') AS r;
-- It makes no other keys, and manages no sessions.
SELECT status, r.body FROM key, pg_temp.http('create_api_key()', token => key.body ->> 'token') AS r;
SELECT status, r.body FROM key, pg_temp.http('auth_expire_access_keep_refresh()', token => key.body ->> 'token') AS r;
SELECT status, r.body FROM key, pg_temp.http(format('revoke_api_key(%L)', key.body ->> 'jti'), token => key.body ->> 'token') AS r;
SELECT status, r.body FROM key, pg_temp.http(format('revoke_session(%L)', key.body ->> 'jti'), token => key.body ->> 'token') AS r;
-- What is kept of it is not the token.
RESET SESSION AUTHORIZATION;
SELECT count(*) AS keys, bool_or(k::text LIKE '%' || (key.body ->> 'token') || '%') AS with_token, bool_or(k.token_hash = sha256(convert_to(key.body ->> 'token', 'UTF8'))) AS with_hash,
       bool_and(k.kid IN (SELECT s.kid FROM auth.signing_key AS s)) AS kid_known
FROM auth.api_key AS k, key;
SET SESSION AUTHORIZATION authenticator;
SELECT status FROM pg_temp.login('bob');
SELECT status, r.body FROM key, pg_temp.http(format('revoke_api_key(%L)', key.body ->> 'jti')) AS r;
SELECT status FROM pg_temp.login('ada');
SELECT status, r.body FROM key, pg_temp.http(format('revoke_api_key(%L)', key.body ->> 'jti'), method => 'GET') AS r;
SELECT status, r.body FROM key, pg_temp.http(format('revoke_api_key(%L)', key.body ->> 'jti')) AS r;
SELECT status, r.body FROM key, pg_temp.http(format('revoke_api_key(%L)', key.body ->> 'jti')) AS r;
SELECT status, body FROM pg_temp.http($$create_api_key('x', '10 seconds')$$);
SELECT status, body FROM pg_temp.http($$create_api_key('x', '-1 year')$$);
SELECT status, body FROM pg_temp.http($$create_api_key('x', '11 years')$$);
SELECT status, body FROM pg_temp.http($$create_api_key('x', NULL)$$);
SELECT status, body FROM pg_temp.http(format('create_api_key(%L)', repeat('x', 201)));
SELECT status, body FROM pg_temp.http('create_api_key()', method => 'GET');
SELECT set_config('test.jar', '{}', true);
SELECT status, r.body FROM key, pg_temp.http('auth_status()', token => key.body ->> 'token') AS r;
RESET SESSION AUTHORIZATION;
-- Through the view it is on record too.
SET SESSION AUTHORIZATION "regress_ada@example.org";
UPDATE api.api_key SET revoked_at = now() WHERE description = 'Default API Key';
UPDATE api.api_key SET revoked_at = NULL;
RESET SESSION AUTHORIZATION;
SELECT kind, about, details ? 'jti' AS jti, details ? 'token' AS token FROM pg_temp.event WHERE kind::text LIKE 'api%';
-- Nobody keeps others from signing in.
SELECT c.oid::regclass AS open_to_a_lock
FROM pg_class AS c
WHERE c.relnamespace = 'auth'::regnamespace AND c.relkind = 'r'
AND EXISTS (SELECT FROM unnest('{authenticated,external_user,restricted_user,regular_user,admin_user,anon}'::text[]) AS r (name)
            WHERE has_table_privilege(r.name, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'));
SAVEPOINT s;
SET LOCAL ROLE "regress_ada@example.org";
LOCK TABLE auth.refresh_session IN SHARE MODE;                  -- fails
ROLLBACK TO s;
-- A superuser is nobody who could have a key.
SAVEPOINT s;
SELECT api.create_api_key();                                    -- fails
ROLLBACK TO s;

-- What the request looked like ------------------------------------------------------------------------------------------
SET SESSION AUTHORIZATION authenticator;
SELECT status FROM pg_temp.login('ada');
CREATE TEMP TABLE seen AS SELECT r.body FROM pg_temp.http('auth_test()', method => 'GET', token => pg_temp.cookie('statbus'),
    headers => jsonb_build_object('cookie', 'statbus=' || pg_temp.cookie('statbus'), 'x-api-key', 'a s3cret', 'x-forwarded-proto', 'https')) AS r;
SELECT body ->> 'is_https' AS is_https, body -> 'headers' ->> 'host' AS host, body -> 'headers' ->> 'authorization' ~ '^\(\d+ bytes\)$' AS hidden,
       body -> 'headers' ->> 'x-api-key' AS x_api_key, body -> 'cookies' ->> 'statbus' ~ '^\(\d+ bytes\)$' AS cookie_hidden,
       body -> 'claims' ->> 'type' AS type FROM seen;
SELECT body -> 'access_token' ->> 'valid' AS valid, body -> 'access_token' ->> 'expired' AS expired, body -> 'access_token' ->> 'present' AS present,
       body -> 'refresh_token' ->> 'present' AS refresh_present FROM seen;
SELECT position(split_part(pg_temp.cookie('statbus'), '.', part) IN body::text) AS shown FROM seen, generate_series(1, 3) AS part;
SELECT body::text LIKE '%s3cret%' AS shown FROM seen;
SELECT set_config('test.jar', '{"statbus": "x.y.z", "statbus-refresh": ""}', true);
SELECT r.body -> 'access_token' AS access_token, r.body -> 'refresh_token' AS refresh_token FROM pg_temp.http('auth_test()') AS r;
SET SESSION AUTHORIZATION "regress_bob@example.org";
SELECT headers, cookies, claims FROM api.auth_test();
RESET SESSION AUTHORIZATION;

-- Too often wrong --------------------------------------------------------------------------------------------------------
DELETE FROM auth.refresh_session;
DELETE FROM auth.throttle;
DELETE FROM auth.event WHERE kind::text NOT LIKE 'key%';
CREATE FUNCTION pg_temp.guess(name text, times integer, headers jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $guess$
DECLARE
    statuses text[];
BEGIN
    FOR i IN 1 .. times LOOP
        statuses := statuses || (SELECT l.status FROM pg_temp.login(name, 'wrong', headers) AS l);
    END LOOP;
    RETURN array_to_string(statuses, ' ');
END
$guess$;
SET SESSION AUTHORIZATION authenticator;
SELECT set_config('test.jar', '{}', true);
SELECT pg_temp.guess('ada', 5), pg_temp.guess('nobody', 5);
SELECT * FROM pg_temp.blocks();
SELECT pg_temp.stretch();
SELECT pg_temp.guess('ada', 2), pg_temp.guess('nobody', 2);
-- While it is blocked the password is not looked at, and nothing is counted.
SELECT status, body ->> 'error_code' AS error_code, header -> 0 ->> 'Retry-After' BETWEEN '3500' AND '3601' AS retry_after, jsonb_array_length(header) AS headers
FROM pg_temp.login('ada');
SELECT status, body ->> 'error_code' AS error_code FROM pg_temp.login('bob');
RESET SESSION AUTHORIZATION;
SELECT kind, subject, failures, refused FROM auth.throttle ORDER BY kind, subject;
SELECT kind, about, email, ip_address, count(*), count(*) FILTER (WHERE details ->> 'blocked' = 'account') AS blocked FROM pg_temp.event GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3;
DELETE FROM auth.throttle WHERE subject LIKE '%nobody%';
SET SESSION AUTHORIZATION authenticator;
-- Each failure after a block doubles the next one, up to a quarter of an hour.
SELECT pg_temp.sleep(3601), pg_temp.guess('new', 5);
SELECT * FROM pg_temp.blocks();
SELECT pg_temp.sleep(1), pg_temp.guess('new', 1);
SELECT pg_temp.sleep(2), pg_temp.guess('new', 1);
SELECT pg_temp.sleep(4), pg_temp.guess('new', 1);
SELECT * FROM pg_temp.blocks();
RESET SESSION AUTHORIZATION;
UPDATE auth.throttle SET failures = 13, blocked_until = clock_timestamp(), last_failure_at = clock_timestamp() WHERE kind = 'account';
SET SESSION AUTHORIZATION authenticator;
SELECT pg_temp.guess('new', 1);
SELECT * FROM pg_temp.blocks();
SELECT pg_temp.sleep(900), pg_temp.guess('new', 1);
SELECT * FROM pg_temp.blocks();
-- A long block is remembered for an hour, failures without one for a quarter of an hour.
SELECT pg_temp.sleep(3590), pg_temp.guess('new', 1);
SELECT * FROM pg_temp.blocks();
SELECT pg_temp.sleep(3601), pg_temp.guess('new', 1);
SELECT * FROM pg_temp.blocks();
SELECT pg_temp.sleep(890), pg_temp.guess('new', 1);
SELECT * FROM pg_temp.blocks();
SELECT pg_temp.sleep(901), pg_temp.guess('new', 1);
SELECT * FROM pg_temp.blocks();
-- Success makes it forgotten, for the account and not for the address.
SELECT pg_temp.guess('bob', 4);
SELECT status FROM pg_temp.login('bob');
SELECT * FROM pg_temp.blocks();
-- From where the account is signed in, failures of others do not matter, and one's own do not lock it elsewhere.
RESET SESSION AUTHORIZATION;
DELETE FROM auth.throttle;
SET SESSION AUTHORIZATION authenticator;
SELECT status FROM pg_temp.login('ada');
SELECT pg_temp.guess('ada', 5, '{"x-forwarded-for": "198.51.100.7"}'), pg_temp.stretch();
SELECT status FROM pg_temp.login('ada', headers => '{"x-forwarded-for": "203.0.113.9"}');
SELECT status FROM pg_temp.login('ada');
SELECT pg_temp.guess('ada', 5), pg_temp.stretch();
SELECT status FROM pg_temp.login('ada');
RESET SESSION AUTHORIZATION;
SELECT kind, subject, failures FROM auth.throttle ORDER BY kind, subject;
DELETE FROM auth.throttle WHERE kind = 'account';
SET SESSION AUTHORIZATION authenticator;
SELECT status FROM pg_temp.login('ada', headers => '{"x-forwarded-for": "203.0.113.9"}');
RESET SESSION AUTHORIZATION;
-- A block of a superuser's stays until he lifts it.
DELETE FROM auth.throttle;
INSERT INTO auth.throttle (kind, subject, last_failure_at, blocked_until) VALUES ('account', 'regress_bob@example.org', '2024-01-01', 'infinity');
SET SESSION AUTHORIZATION authenticator;
SELECT pg_temp.guess('ada', 1);
SELECT status, header -> 0 ->> 'Retry-After' AS retry_after FROM pg_temp.login('bob', headers => '{"x-forwarded-for": "203.0.113.10"}');
RESET SESSION AUTHORIZATION;
SELECT throttles FROM auth.prune();
SELECT kind, blocked_until FROM auth.throttle WHERE blocked_until = 'infinity';
-- From one address many accounts.  Of IPv6, one address is a network.  Where addresses are not known, none counts.
DELETE FROM auth.throttle;
SET LOCAL statbus.login_attempts_per_address = 3;
SET SESSION AUTHORIZATION authenticator;
SELECT pg_temp.guess('a', 1), pg_temp.guess('b', 1), pg_temp.guess('c', 1), pg_temp.stretch(), pg_temp.guess('d', 1), pg_temp.guess('e', 1, '{"x-forwarded-for": "192.0.2.2"}');
SELECT pg_temp.guess('a', 1, '{"x-forwarded-for": "2001:db8::1"}'), pg_temp.guess('b', 1, '{"x-forwarded-for": "2001:db8::2"}'),
       pg_temp.guess('c', 1, '{"x-forwarded-for": "2001:db8:0:0:1::3"}'), pg_temp.stretch(), pg_temp.guess('d', 1, '{"x-forwarded-for": "2001:db8::4"}'),
       pg_temp.guess('e', 1, '{"x-forwarded-for": "2001:db8:0:1::4"}');
SELECT pg_temp.guess(name, 1, '{"x-forwarded-for": "garbage"}') FROM unnest('{f,g,h,i,j}'::text[]) AS name;
RESET SESSION AUTHORIZATION;
SELECT kind, subject, failures FROM auth.throttle WHERE kind = 'address' ORDER BY kind, subject;
SELECT kind, details ->> 'blocked' AS blocked, ip_address FROM pg_temp.event WHERE kind = 'login_refused' ORDER BY ip_address DESC LIMIT 2;
SET LOCAL statbus.login_attempts_per_address = 20;
DELETE FROM auth.throttle;
-- A request that is made to fail after the login takes its count back, and is counted.
SET SESSION AUTHORIZATION authenticator;
DO $rolled_back$
BEGIN
    FOR i IN 1 .. 5 LOOP
        BEGIN
            RAISE NOTICE '%', (SELECT l.status FROM pg_temp.login('bob', 'wrong', '{"x-forwarded-for": "203.0.113.99"}') AS l);
            RAISE division_by_zero;
        EXCEPTION WHEN division_by_zero THEN
            NULL;
        END;
    END LOOP;
END
$rolled_back$;
RESET SESSION AUTHORIZATION;
SET LOCAL statbus.login_attempts = 1;                           -- the block is longer
SET SESSION AUTHORIZATION authenticator;
SELECT status FROM pg_temp.login('bob', headers => '{"x-forwarded-for": "203.0.113.99"}');
SELECT pg_temp.guess('bob', 1, '{"x-forwarded-for": "203.0.113.100"}'), pg_temp.guess('nobody', 1, '{"x-forwarded-for": "203.0.113.99"}');
RESET SESSION AUTHORIZATION;
SET LOCAL statbus.login_attempts = 5;
SELECT tries, last_at > transaction_timestamp() AS now FROM auth.rolled_back_tries('account regress_bob@example.org', '-infinity');
SELECT tries, last_at FROM auth.rolled_back_tries('account regress_bob@example.org', clock_timestamp());
SELECT tries FROM auth.rolled_back_tries('account regress_ada@example.org', '-infinity');

-- Users and passwords -----------------------------------------------------------------------------------------------------
DELETE FROM auth.throttle;
DELETE FROM auth.event WHERE kind::text NOT LIKE 'key%';
INSERT INTO auth."user" (display_name, email, statbus_role, password, email_confirmed_at) VALUES ('Eve', 'regress_eve@example.org', 'admin_user', 'password of eve', now());
SET SESSION AUTHORIZATION authenticator;
SELECT set_config('test.jar', '{}', true);
SELECT status, body FROM pg_temp.http($$user_create('Max', 'regress_max@example.org', 'regular_user')$$);
SELECT status FROM pg_temp.login('ada', headers => '{"x-forwarded-for": "203.0.113.5"}');
SELECT status, body FROM pg_temp.http($$user_create('Max', 'regress_max@example.org', 'regular_user')$$);
SELECT status, body FROM pg_temp.http($$admin_change_password('00000000-0000-4000-8000-000000000000', 'another password')$$);
SELECT status FROM pg_temp.login('eve');
SELECT status, body FROM pg_temp.http($$user_create('Max', 'regress_max@example.org', 'regular_user')$$, method => 'GET');
SELECT status, body - 'password' AS body, length(body ->> 'password') FROM pg_temp.http($$user_create('Max', 'regress_max@example.org', 'regular_user')$$);
SELECT status, body FROM pg_temp.http(format($$admin_change_password(%L, 'password of max')$$, pg_temp.sub('max')));
SELECT status, body FROM pg_temp.http(format($$admin_change_password(%L, 'short')$$, pg_temp.sub('max')));
-- A key of an administrator does none of it.
CREATE TEMP TABLE eves AS SELECT r.body ->> 'token' AS token FROM pg_temp.http('create_api_key()') AS r;
CREATE TEMP TABLE eves_jar AS SELECT current_setting('test.jar') AS value;
SELECT set_config('test.jar', '{}', true);
SELECT status, body FROM eves, pg_temp.http($$user_create('Mallory', 'regress_mallory@example.org', 'admin_user')$$, token => token);
SELECT status, body FROM eves, pg_temp.http(format($$admin_change_password(%L, 'password of mallory')$$, pg_temp.sub('eve')), token => token);
SELECT status, body FROM eves, pg_temp.http($$change_password('password of mallory')$$, token => token);
SAVEPOINT s;
DO $by_key$ BEGIN PERFORM set_config('request.jwt.claims', pg_temp.verified(token)::text, true), set_config('role', 'regress_eve@example.org', true) FROM eves; END $by_key$;
UPDATE api."user" SET statbus_role = 'admin_user' WHERE display_name = 'Ada';      -- fails
ROLLBACK TO s;
DO $by_key$ BEGIN PERFORM set_config('request.jwt.claims', pg_temp.verified(token)::text, true), set_config('role', 'regress_eve@example.org', true) FROM eves; END $by_key$;
UPDATE api.api_key SET revoked_at = now();                      -- fails
ROLLBACK TO s;
-- Another password ends everything that the one before has opened.
SELECT status FROM pg_temp.login('max');
SELECT status, body FROM pg_temp.http($$change_password('short')$$);
SELECT status, body FROM pg_temp.http($$change_password('a longer password')$$, method => 'GET');
CREATE TEMP TABLE max AS SELECT pg_temp.cookie('statbus') AS access, current_setting('test.jar') AS value;
SELECT status, body, header::text LIKE '%statbus=;%statbus-refresh=;%' AS cleared FROM pg_temp.http($$change_password('a longer password')$$);
SELECT status, body FROM max, pg_temp.http('auth_status()', token => access);
SELECT set_config('test.jar', value, true) IS NULL FROM max;
SELECT status, pg_temp.short(body) FROM pg_temp.http('refresh()');
SELECT status FROM pg_temp.login('max');
SELECT status, pg_temp.short(body) FROM pg_temp.login('max', 'a longer password');
SELECT status, pg_temp.short(body) FROM eves, pg_temp.http('auth_status()', token => token);
RESET SESSION AUTHORIZATION;
SELECT kind, about, by_other FROM pg_temp.event;
SELECT count(*) AS told FROM auth.event AS e WHERE e::text ~ 'password of|a longer password';

-- Cleaning up ------------------------------------------------------------------------------------------------------------
UPDATE auth.throttle SET last_failure_at = clock_timestamp() - interval '61 minutes';
UPDATE auth.event SET at = clock_timestamp() - interval '2 years' WHERE kind = 'login_failed';
SELECT count(*) > 0 AS events FROM auth.event WHERE kind = 'login_failed';
SELECT events > 0 AS events, throttles > 0 AS throttles, sessions FROM auth.prune();
SELECT count(*) AS left_over FROM auth.event WHERE kind = 'login_failed';
SELECT count(*) AS left_over FROM auth.throttle;
-- Not for users.
SET SESSION AUTHORIZATION "regress_ada@example.org";
SAVEPOINT s;
SELECT auth.prune();                                            -- fails
ROLLBACK TO s;
SELECT auth.log_event('login', 1);                              -- fails
ROLLBACK TO s;
SELECT auth.give_tokens(gen_random_uuid());                     -- fails
ROLLBACK TO s;
SELECT count(*) FROM auth.throttle;                             -- fails
ROLLBACK TO s;
SELECT count(*) FROM auth.login_try;                            -- fails
ROLLBACK TO s;
SELECT count(*) FROM auth.event;                                -- fails
ROLLBACK TO s;
RESET SESSION AUTHORIZATION;
ROLLBACK;
TRUNCATE auth.login_try;

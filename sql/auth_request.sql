-- What PostgREST hands over, what is refused before a request begins, and what is answered beside the body.
-- Everything happens in one transaction that is taken back; whoever comes in does so as role authenticator.
\set VERBOSITY terse
SET client_min_messages = warning;
BEGIN;

-- Headers, cookies, method ---------------------------------------------------------------------------------------------------
SELECT set_config('request.headers', '{"host":"api.example.org","x-empty":"","x-list":["a"],"x-number":1,"x-null":null,"x-é":"ü"}', true) <> '' AS headers,
       set_config('request.cookies', '{"statbus":"a.b.c","Other":"d"}', true) <> '' AS cookies,
       set_config('request.method', 'POST', true) <> '' AS method,
       set_config('request.jwt.claims', '{"role":"anon"}', true) <> '' AS claims;

-- A session of somebody else has no request, whatever it writes into the settings.
SELECT auth.request_header('host'), auth.request_cookie('statbus'), auth.request_method(), auth.request_claims();

SET LOCAL SESSION AUTHORIZATION authenticator;
SET LOCAL ROLE anon;
SELECT auth.request_header('host'), auth.request_cookie('statbus'), auth.request_method(), auth.request_claims();
SELECT name, auth.request_header(name) AS value
FROM unnest(ARRAY['host', 'Host', 'HOST', 'x-empty', 'x-list', 'x-number', 'x-null', 'x-é', 'x-none', '', NULL]) AS name;
SELECT name, auth.request_cookie(name) AS value FROM unnest(ARRAY['statbus', 'Statbus', 'other', 'Other', '', NULL]) AS name;

-- What cannot be read is not there.
SELECT left(content, 30) AS content, set_config('request.headers', content, true) = content AS is_set, auth.request_header('host')
FROM unnest(ARRAY['', ' ', 'garbage', '{', '3', 'null', '"host"', '[]', '["host"]', '[{"host":"a"}]', '{"host":"a"} {}', '{"host":"a","b":"\u0000"}',
                  '{"host":"a","b":"\ud800"}', '{"host":"a","b":' || repeat('[', 100000), '{"host":"a"}', ' {"host" : "\u0061\/\"" } ']) AS content;
SELECT content, set_config('request.jwt.claims', content, true) = content AS is_set, auth.request_claims()
FROM unnest(ARRAY['', 'garbage', '{"role":"\u0000"}', '{"role":"anon"}']) AS content;

SELECT method, set_config('request.method', method, true) = method AS is_set, auth.request_method() FROM unnest(ARRAY['', 'GET', 'PATCH']) AS method;
SELECT auth.refuse_get();
SAVEPOINT before_refusal;
SELECT set_config('request.method', 'GET', true);
SELECT auth.refuse_get();                                   -- fails
ROLLBACK TO before_refusal;
SELECT set_config('request.method', 'HEAD', true);
\set VERBOSITY sqlstate
SELECT auth.refuse_get();                                   -- fails
\set VERBOSITY terse
ROLLBACK TO before_refusal;

-- The address ----------------------------------------------------------------------------------------------------------------
SELECT set_config('request.headers', '{"x-forwarded-for":"6.6.6.6, 203.0.113.5, 10.0.0.7"}', true) <> '' AS is_set;
SELECT auth.client_address();
RESET SESSION AUTHORIZATION;
SET LOCAL statbus.trusted_proxies = '10.0.0.0/8, fd00::1';
SELECT auth.client_address() IS NOT DISTINCT FROM inet_client_addr() AS of_the_connection;
SET LOCAL SESSION AUTHORIZATION authenticator;
SET LOCAL ROLE anon;
SELECT auth.client_address();
SELECT header, set_config('request.headers', header::text, true) <> '' AS is_set, auth.client_address()
FROM unnest(ARRAY['{"x-forwarded-for":"203.0.113.5"}', '{"x-forwarded-for":"203.0.113.5, garbage"}', '{"x-forwarded-for":"10.0.0.1"}',
                  '{"x-forwarded-for":"2001:db8::5, FD00:0::1"}', '{"x-forwarded-for":""}', '{"forwarded":"for=203.0.113.5"}', '{}']) AS header;
SAVEPOINT before_refusal;
SET LOCAL statbus.trusted_proxies = '0.0.0.0/1';            -- fails
ROLLBACK TO before_refusal;
RESET SESSION AUTHORIZATION;
\set VERBOSITY default
SET LOCAL statbus.trusted_proxies = '10.0.0.1/8';           -- fails
\set VERBOSITY terse
ROLLBACK TO before_refusal;
RESET SESSION AUTHORIZATION;
SET LOCAL statbus.trusted_proxies = '';

SELECT forwarded, proxies, auth.forwarded_for(forwarded, proxies)
FROM (VALUES ('203.0.113.5', ''), ('203.0.113.5', '10.0.0.1'), ('203.0.113.5, 10.0.0.1', '10.0.0.1'), ('6.6.6.6,203.0.113.5:80,[::ffff:10.0.0.1]:90', '10.0.0.1'),
             ('203.0.113.5, 10.0.0.2', '10.0.0.1'), ('203.0.113.05', '10.0.0.1'), ('', '10.0.0.1'), (NULL, '10.0.0.1'), ('203.0.113.5', NULL)) AS t (forwarded, proxies);
SAVEPOINT before_refusal;
SELECT auth.forwarded_for('203.0.113.5', 'localhost');      -- fails
ROLLBACK TO before_refusal;

-- The answer -----------------------------------------------------------------------------------------------------------------
CREATE FUNCTION pg_temp.answer() RETURNS TABLE (status text, header text, value text)
LANGUAGE sql AS $$
    SELECT nullif(current_setting('response.status', true), ''), pair.key,
           regexp_replace(regexp_replace(pair.value, '20\d\d', 'YYYY'), 'Expires=\w\w\w, \d\d \w\w\w YYYY \d\d:\d\d:\d\d GMT', 'Expires=…')
    FROM jsonb_array_elements(nullif(current_setting('response.headers', true), '')::jsonb) AS one (header), jsonb_each_text(one.header) AS pair
$$;
SET LOCAL SESSION AUTHORIZATION authenticator;
SET LOCAL ROLE anon;
SELECT set_config('request.headers', '{"x-forwarded-proto":"https"}', true) <> '' AS is_set;
SAVEPOINT before_answer;
SELECT auth.respond(401), auth.add_response_header('Retry-After', '7'), auth.add_response_header('Retry-After', '8 ü "'), auth.add_response_header('X-Empty', '');
SELECT * FROM pg_temp.answer();
SELECT current_setting('response.headers');
ROLLBACK TO before_answer;
-- An API's own headers stay.
SELECT set_config('response.headers', '[{"Cache-Control":"private"}]', true);
SELECT auth.set_session_cookies('aaa.bbb.ccc', 'ddd.eee-f.f_f', clock_timestamp() + interval '3600.99 s');
SELECT * FROM pg_temp.answer();
ROLLBACK TO before_answer;
-- Expires says the same as Max-Age.
SELECT auth.set_session_cookies('aaa.bbb.ccc', NULL, clock_timestamp() + interval '30 d 0.99 s');
SELECT count(*),
       bool_and(abs(extract(epoch FROM to_timestamp(substring(value FROM 'Expires=\w{3}, (.+) GMT'), 'DD Mon YYYY HH24:MI:SS')
                                       - clock_timestamp() AT TIME ZONE 'UTC') - 30 * 86400) < 60) AS expires,
       bool_and(substring(value FROM 'Max-Age=(\d+)$') = '2592000') AS max_age
FROM jsonb_array_elements(current_setting('response.headers')::jsonb) AS one (header), jsonb_each_text(one.header);
ROLLBACK TO before_answer;
CREATE FUNCTION pg_temp.cookie_of(proto text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.headers', jsonb_build_object('x-forwarded-proto', proto)::text, true), set_config('response.headers', '', true),
            auth.set_session_cookies('a', NULL, now());
    RETURN (SELECT a.value FROM pg_temp.answer() AS a);
END
$$;
SELECT proto, pg_temp.cookie_of(proto) FROM unnest(ARRAY['https', 'HTTPS', 'https, http', 'http', 'http, https', 'httpss', '', NULL]) AS proto;
ROLLBACK TO before_answer;
SELECT auth.clear_session_cookies();
SELECT current_setting('response.headers');
ROLLBACK TO before_answer;
RESET SESSION AUTHORIZATION;
SET LOCAL statbus.api_path = '/';
SELECT auth.set_session_cookies(NULL, 'r', now());
SELECT value FROM pg_temp.answer();
ROLLBACK TO before_answer;
SELECT auth.respond(99);                                    -- fails
ROLLBACK TO before_answer;
SELECT auth.respond(NULL);                                  -- fails
ROLLBACK TO before_answer;
SELECT auth.add_response_header('X', E'a\r\nSet-Cookie: b');  -- fails
ROLLBACK TO before_answer;
SELECT auth.add_response_header('X: b', 'a');               -- fails
ROLLBACK TO before_answer;
SELECT auth.add_response_header('X', NULL);                 -- fails
ROLLBACK TO before_answer;
SELECT auth.set_session_cookies('a; Domain=example.org', 'b', now());  -- fails
ROLLBACK TO before_answer;
RESET SESSION AUTHORIZATION;

-- Requests -------------------------------------------------------------------------------------------------------------------
INSERT INTO auth."user" (display_name, email, statbus_role, email_confirmed_at) VALUES
    ('Request Ada', 'ada@request.example.org', 'admin_user', now()),
    ('Request Bob', 'bob@request.example.org', 'regular_user', now());
SELECT auth.sync_roles() >= 0 AS done;
CREATE ROLE request_root SUPERUSER;
-- Sessions end in …1: Ada's, …2: Bob's, …3: Ada's that has ended.  Keys: …4: Ada's, …5: revoked, …6: ended, …7: Bob's.
INSERT INTO auth.refresh_session (jti, user_id, created_at, expires_at)
SELECT ('00000000-0000-0000-0000-00000000000' || s.n)::uuid, u.id, now() - interval '2 d', now() + s.lives
FROM (VALUES (1, 'ada', interval '1 d'), (2, 'bob', interval '1 d'), (3, 'ada', interval '-1 ms')) AS s (n, name, lives)
JOIN auth."user" AS u ON u.email = s.name || '@request.example.org';
INSERT INTO auth.api_key (jti, user_id, created_at, expires_at, revoked_at, token_hash, token_prefix)
SELECT ('00000000-0000-0000-0000-00000000000' || k.n)::uuid, u.id, now() - interval '2 d', now() + k.lives, k.revoked_at, sha256(k.n::text::bytea), 'abcd'
FROM (VALUES (4, 'ada', interval '1 d', NULL), (5, 'ada', interval '1 d', now()), (6, 'ada', interval '-1 ms', NULL), (7, 'bob', interval '1 d', NULL))
    AS k (n, name, lives, revoked_at)
JOIN auth."user" AS u ON u.email = k.name || '@request.example.org';

CREATE FUNCTION pg_temp.base64url(bytes bytea) RETURNS text LANGUAGE sql AS $$ SELECT translate(encode(bytes, 'base64'), E'+/=\n', '-_') $$;
-- A header with a token of these claims, whatever they are.
CREATE FUNCTION pg_temp.bearer(claims text) RETURNS jsonb LANGUAGE sql SECURITY DEFINER AS $$
    SELECT jsonb_build_object('authorization', 'Bearer ' || t.part || '.' || pg_temp.base64url(hmac(convert_to(t.part, 'UTF8'), convert_to(s.value, 'UTF8'), 'sha256')))
    FROM auth.signing_key AS k
    JOIN auth.secrets AS s ON s.key = 'jwt_secret:' || k.kid
    CROSS JOIN LATERAL (SELECT pg_temp.base64url(convert_to(format('{"alg":"HS256","kid":"%s"}', k.kid), 'UTF8')) || '.' || pg_temp.base64url(convert_to(claims, 'UTF8')) AS part) AS t
    ORDER BY k.created_at LIMIT 1
$$;
-- One request as PostgREST makes it: who it is in the end, or why it is refused.
CREATE FUNCTION pg_temp.request(role_name text, method text, claims text DEFAULT NULL, cookies jsonb DEFAULT '{}', headers jsonb DEFAULT '{}') RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('role', 'none', true);
    PERFORM set_config('role', role_name, true), set_config('request.method', method, true),
            set_config('request.jwt.claims', coalesce(claims, '{"role":"anon"}'), true), set_config('request.cookies', cookies::text, true),
            set_config('request.headers', (jsonb_build_object('host', 'api.example.org') || coalesce(pg_temp.bearer(claims), '{}') || headers)::text, true);
    PERFORM auth.pre_request();
    RETURN current_user;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
-- The claims of a token: @ is the beginning of an identifier.
CREATE FUNCTION pg_temp.claims(who text, more text) RETURNS text LANGUAGE sql AS $$
    SELECT (jsonb_build_object('role', who || '@request.example.org', 'exp', floor(extract(epoch FROM clock_timestamp())) + 60)
            || replace(more, '@', '00000000-0000-0000-0000-00000000000')::jsonb)::text
$$;

SET LOCAL SESSION AUTHORIZATION authenticator;
SELECT pg_temp.request('anon', 'GET') AS anonymous_reads, pg_temp.request('anon', 'POST') AS anonymous_posts;

-- Tokens whose signature PostgREST has verified.
SELECT who, more, pg_temp.request(who || '@request.example.org', 'POST', pg_temp.claims(who, more)) AS becomes
FROM (VALUES
    ('ada', '{"type":"access","sid":"@1"}'),
    ('bob', '{"type":"access","sid":"@2"}'),
    ('ada', '{"type":"access"}'),
    ('ada', '{"type":"api_key","jti":"@4"}'),
    ('bob', '{"type":"api_key","jti":"@7"}'),
    -- another kind of token
    ('ada', '{"sid":"@1"}'),
    ('ada', '{"type":null,"sid":"@1"}'),
    ('ada', '{"type":"refresh","jti":"@1","version":0}'),
    ('ada', '{"type":["access"],"sid":"@1"}'),
    ('ada', '{"type":"Access"}'),
    -- a session that is gone, has ended, or is somebody else's
    ('ada', '{"type":"access","sid":"@9"}'),
    ('ada', '{"type":"access","sid":"@3"}'),
    ('ada', '{"type":"access","sid":"@2"}'),
    ('ada', '{"type":"access","sid":null}'),
    ('ada', '{"type":"access","sid":"@"}'),
    ('ada', '{"type":"access","sid":{"jti":"@1"}}'),
    -- a key that is not there, was revoked, has ended, or is somebody else's
    ('ada', '{"type":"api_key"}'),
    ('ada', '{"type":"api_key","jti":"@9"}'),
    ('ada', '{"type":"api_key","jti":"@5"}'),
    ('ada', '{"type":"api_key","jti":"@6"}'),
    ('ada', '{"type":"api_key","jti":"@7"}'),
    ('ada', '{"type":"api_key","jti":"@1","sid":"@1"}'),
    -- PostgREST allows 30 seconds more, and no end at all
    ('ada', '{"type":"access","exp":1}'),
    ('ada', '{"type":"access","exp":null}'),
    ('ada', '{"type":"access","exp":"99999999999"}'),
    ('ada', '{"type":"access","exp":1e400}'),
    -- the address of somebody who had it before
    ('ada', '{"type":"access","sub":"@1"}'),
    ('ada', '{"type":"access","sub":null}')) AS t (who, more);
SELECT pg_temp.request('ada@request.example.org', 'GET', claims) FROM unnest(ARRAY['', 'garbage', '[]', '{}', '{"type":"access","exp":9999999999,"x":"\u0000"}']) AS claims;

-- The token is looked at again: PostgREST may hold a key that was taken from the register, and read another header.
SELECT headers, pg_temp.request('ada@request.example.org', 'GET', pg_temp.claims('ada', '{"type":"access"}'), '{}', headers)
FROM unnest(ARRAY['{"authorization":null}', '{"authorization":"Bearer "}', '{"authorization":"Bearer a.b.c"}', '{"authorization":"Basic YTpi"}']::jsonb[]) AS headers;
SELECT pg_temp.request('ada@request.example.org', 'GET', pg_temp.claims('ada', '{"type":"access"}'), '{}', pg_temp.bearer(pg_temp.claims('bob', '{"type":"access"}'))) AS token_of_bob;

-- Roles that are no user's.
SELECT role_name, pg_temp.request(role_name, 'GET', pg_temp.claims('ada', '{"type":"access","sid":"@1"}'))
FROM unnest(ARRAY['authenticated', 'external_user', 'admin_user', 'none', 'bob@request.example.org', 'request_root', 'nobody@request.example.org']) AS role_name;

RESET SESSION AUTHORIZATION;
SELECT pg_temp.bearer(pg_temp.claims('ada', '{"type":"access"}')) ->> 'authorization' AS old_bearer \gset
SAVEPOINT before_change;
-- An audience, once there is one, is asked for.
SET LOCAL statbus.jwt_audience = 'register';
SET LOCAL SESSION AUTHORIZATION authenticator;
SELECT aud, pg_temp.request('ada@request.example.org', 'GET', pg_temp.claims('ada', '{"type":"access","sid":"@1"' || aud || '}'))
FROM unnest(ARRAY['', ',"aud":null', ',"aud":"other"', ',"aud":"register"', ',"aud":[]', ',"aud":["other"]', ',"aud":["other","register"]', ',"aud":{"register":1}']) AS aud;
ROLLBACK TO before_change;
-- The subject is the user's.
SELECT sub AS ada_sub FROM auth."user" WHERE email = 'ada@request.example.org' \gset
SET LOCAL SESSION AUTHORIZATION authenticator;
SELECT pg_temp.request('ada@request.example.org', 'GET', pg_temp.claims('ada', '{"type":"access","sid":"@1","sub":"' || :'ada_sub' || '"}'));
ROLLBACK TO before_change;
-- A key that is succeeded by another, and then revoked.
SELECT auth.rotate_signing_key() <> '' AS rotated;
SET LOCAL SESSION AUTHORIZATION authenticator;
SELECT pg_temp.request('ada@request.example.org', 'GET', pg_temp.claims('ada', '{"type":"access"}'), '{}', jsonb_build_object('authorization', :'old_bearer'));
RESET SESSION AUTHORIZATION;
SELECT auth.revoke_signing_key(kid) FROM auth.signing_key WHERE state = 'verify_only';
SET LOCAL SESSION AUTHORIZATION authenticator;
SELECT pg_temp.request('ada@request.example.org', 'GET', pg_temp.claims('ada', '{"type":"access"}'), '{}', jsonb_build_object('authorization', :'old_bearer'));
ROLLBACK TO before_change;
-- A user who is gone, and one who has become a superuser.
UPDATE auth."user" SET deleted_at = now() WHERE email = 'bob@request.example.org';
ALTER ROLE "ada@request.example.org" SUPERUSER;
SET LOCAL SESSION AUTHORIZATION authenticator;
SELECT pg_temp.request(who || '@request.example.org', 'GET', pg_temp.claims(who, '{"type":"access"}')) FROM unnest(ARRAY['ada', 'bob']) AS who;
ROLLBACK TO before_change;

-- It writes nothing.
SET LOCAL SESSION AUTHORIZATION authenticator;
SET LOCAL transaction_read_only = on;
SELECT pg_temp.request('ada@request.example.org', 'GET', pg_temp.claims('ada', '{"type":"access","sid":"@1"}'));
ROLLBACK TO before_change;

-- Cookies --------------------------------------------------------------------------------------------------------------------
SELECT auth.jwt_sign(pg_temp.claims('ada', '{"type":"access","sid":"@1"}')::jsonb) AS access,
       auth.jwt_sign(pg_temp.claims('ada', '{"type":"access"}')::jsonb) AS no_session,
       auth.jwt_sign(pg_temp.claims('ada', '{"type":"access","sid":"@3"}')::jsonb) AS ended,
       auth.jwt_sign(pg_temp.claims('ada', '{"type":"access","sid":"@2"}')::jsonb) AS of_bob,
       auth.jwt_sign(pg_temp.claims('ada', '{"type":"access","sid":"@1","exp":1000000000}')::jsonb) AS expired,
       auth.jwt_sign(pg_temp.claims('ada', '{"type":"refresh","jti":"@1","sid":"@1"}')::jsonb) AS refresh,
       auth.jwt_sign(pg_temp.claims('ada', '{"type":"api_key","jti":"@4","sid":"@1"}')::jsonb) AS api_key,
       auth.jwt_sign(pg_temp.claims('ADA', '{"type":"access","sid":"@1"}')::jsonb) AS upper_case,
       auth.jwt_sign((pg_temp.claims('ada', '{"type":"access","sid":"@1"}')::jsonb || '{"role":"admin_user"}')) AS group_role,
       auth.jwt_sign((pg_temp.claims('ada', '{"type":"access","sid":"@1"}')::jsonb || '{"role":["ada@request.example.org"]}')) AS role_list \gset
SET LOCAL SESSION AUTHORIZATION authenticator;
SELECT t.cookie, pg_temp.request('anon', 'GET', NULL, jsonb_build_object('statbus', t.value)) AS becomes
FROM (VALUES ('access', :'access'), ('access token without a session', :'no_session'), ('of a session that has ended', :'ended'),
             ('of the session of somebody else', :'of_bob'), ('expired', :'expired'), ('refresh token', :'refresh'), ('API key', :'api_key'),
             ('of an address in capitals', :'upper_case'), ('of a group role', :'group_role'), ('of a list of roles', :'role_list'),
             ('without signature', regexp_replace(:'access', '[^.]+$', '')), ('garbage', 'garbage'), ('nothing', '')) AS t (cookie, value);
SELECT pg_temp.request('anon', 'GET', NULL, jsonb_build_object('statbus-refresh', :'access', 'Statbus', :'access')) AS other_cookies,
       pg_temp.request('anon', 'POST', NULL, jsonb_build_object('statbus', :'access')) AS posts,
       pg_temp.request('bob@request.example.org', 'GET', pg_temp.claims('bob', '{"type":"access"}'), jsonb_build_object('statbus', :'access')) AS header_wins;
-- A token that makes nobody of its bearer says nothing about anybody: PostgREST may know a key that is revoked here.
SELECT pg_temp.request('anon', 'POST', '{"role":"anon"}') AS visitor,
       pg_temp.request('anon', 'POST', (pg_temp.claims('ada', '{"type":"access","sid":"@1"}')::jsonb || '{"role":"anon"}')::text) AS visitor_with_claims;
-- The claims are those of the token.
SELECT pg_temp.request('anon', 'GET', NULL, jsonb_build_object('statbus', :'access')) AS becomes, auth.request_claims() ->> 'sid' AS sid, auth.email();
ROLLBACK TO before_change;
SET LOCAL SESSION AUTHORIZATION authenticator;
SET LOCAL transaction_read_only = on;
SELECT pg_temp.request('anon', 'GET', NULL, jsonb_build_object('statbus', :'access')) AS in_a_transaction_that_reads;
ROLLBACK TO before_change;
SET LOCAL statbus.cookie_login = off;
SET LOCAL SESSION AUTHORIZATION authenticator;
SELECT pg_temp.request('anon', 'GET', NULL, jsonb_build_object('statbus', :'access')) AS cookie_login_is_off;
ROLLBACK TO before_change;
DELETE FROM auth.refresh_session WHERE jti = '00000000-0000-0000-0000-000000000001';
SET LOCAL SESSION AUTHORIZATION authenticator;
SELECT pg_temp.request('anon', 'GET', NULL, jsonb_build_object('statbus', :'access')) AS session_is_gone;
ROLLBACK TO before_change;
REVOKE "ada@request.example.org" FROM authenticator;
SET LOCAL SESSION AUTHORIZATION authenticator;
SELECT pg_temp.request('anon', 'GET', NULL, jsonb_build_object('statbus', :'access')) AS role_is_not_for_postgrest;
ROLLBACK TO before_change;
-- Tokens are verified for visitors only.
SET LOCAL ROLE authenticated;
\set VERBOSITY sqlstate
SELECT auth.cookie_claims('a.b.c');                         -- fails
ROLLBACK TO before_change;
SET LOCAL ROLE anon;
SELECT auth.claims_are_live('{}', 1);                       -- fails
ROLLBACK TO before_change;
\set VERBOSITY terse

-- Other sites ----------------------------------------------------------------------------------------------------------------
SET LOCAL SESSION AUTHORIZATION authenticator;
SELECT headers,
       pg_temp.request('anon', 'POST', NULL, jsonb_build_object('statbus', :'access'), headers) AS with_cookie,
       pg_temp.request('anon', 'POST', NULL, '{}', headers) AS anonymous,
       pg_temp.request('anon', 'GET', NULL, jsonb_build_object('statbus', :'access'), headers) AS reads
FROM unnest(ARRAY[
    '{}',
    '{"sec-fetch-site":"same-origin"}', '{"sec-fetch-site":"none"}', '{"sec-fetch-site":"same-site"}', '{"sec-fetch-site":"cross-site"}', '{"sec-fetch-site":""}', '{"sec-fetch-site":"new"}',
    '{"sec-fetch-site":"same-origin","origin":"https://evil.example"}', '{"sec-fetch-site":"cross-site","origin":"https://api.example.org"}',
    '{"origin":"https://api.example.org"}', '{"origin":"HTTPS://API.example.org"}', '{"origin":"https://api.example.org:443"}', '{"origin":"http://api.example.org"}', '{"host":"api.example.org:8080","origin":"http://api.example.org:8080"}',
    '{"origin":"https://evil.example"}', '{"origin":"https://api.example.org.evil.example"}', '{"origin":"https://evil-api.example.org"}', '{"origin":"https://api.example.org:8443"}', '{"origin":"https://api.example.org:80"}',
    '{"origin":"null"}', '{"origin":""}', '{"origin":"https://"}', '{"origin":"file://"}', '{"origin":"ftp://api.example.org"}', '{"origin":"https://a,https://api.example.org"}',
    '{"host":"","origin":"https://"}', '{"host":null}',
    '{"origin":"https://register.example","x-forwarded-host":"register.example"}']::jsonb[]) AS headers;
SELECT pg_temp.request('bob@request.example.org', method, pg_temp.claims('bob', '{"type":"access"}'), cookies, '{"sec-fetch-site":"cross-site"}') AS with_token, method, cookies
FROM unnest(ARRAY['POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'HEAD', 'OPTIONS', '']) AS method, unnest(ARRAY['{}', '{"statbus":""}', '{"statbus-refresh":""}', '{"other":""}']::jsonb[]) AS cookies
WHERE method = 'POST' OR cookies = '{"statbus":""}'
ORDER BY method, cookies;
SELECT pg_temp.request('bob@request.example.org', 'POST', pg_temp.claims('bob', '{"type":"access"}'), '{}', '{"host":null}') AS no_host;
RESET SESSION AUTHORIZATION;
SET LOCAL statbus.trusted_proxies = '10.0.0.1';
SET LOCAL SESSION AUTHORIZATION authenticator;
SELECT headers, pg_temp.request('anon', 'POST', NULL, '{"statbus":""}', headers) AS behind_a_proxy
FROM unnest(ARRAY[
    '{"origin":"https://register.example","x-forwarded-host":"register.example"}', '{"origin":"https://register.example","x-forwarded-host":"register.example:443, 10.0.0.1"}',
    '{"origin":"https://evil.example","x-forwarded-host":"register.example"}', '{"origin":"https://api.example.org","x-forwarded-host":"register.example"}',
    '{"origin":"https://register.example"}', '{"origin":"null","x-forwarded-host":"null"}']::jsonb[]) AS headers;
ROLLBACK TO before_change;

-- Other sessions -------------------------------------------------------------------------------------------------------------
-- Settings that a user of psql makes up are no request, and a PostgREST that logs in as somebody else is told.
SELECT set_config('request.method', '', true), set_config('request.jwt.claims', '{"role":"admin_user","type":"access","exp":9999999999}', true) <> '' AS is_set;
SELECT auth.pre_request();
SELECT set_config('request.method', 'GET', true);
SELECT auth.pre_request();                                  -- fails
ROLLBACK;

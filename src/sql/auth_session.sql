-- Signing in and out, and the record of it.  What failures count for is in auth_throttle.sql, what users do with their own
-- sessions and API keys in auth_own_sessions.sql.
--
-- What fails here answers with a status and returns: an error would take back the counters and events with it.

-- The record ------------------------------------------------------------------------------------------------------------

-- DEFINER: events are written by no role
CREATE OR REPLACE FUNCTION auth.log_event(kind text, user_id integer, details jsonb DEFAULT NULL, email text DEFAULT NULL, session_jti uuid DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $log_event$
BEGIN
    INSERT INTO auth.event (kind, user_id, by_user_id, email, session_jti, ip_address, user_agent, details)
    VALUES (
        kind::auth.event_kind, user_id, nullif(auth.caller_id(), user_id),
        CASE
            WHEN email IS NULL THEN (SELECT u.email::text FROM auth."user" AS u WHERE u.id = log_event.user_id)
            -- People type passwords into the field of the address.
            WHEN email ~ '^[^@[:space:]]+@[^@[:space:]]+$' AND octet_length(email) <= 320 THEN email
        END,
        session_jti, auth.client_address(), auth.user_agent(), details);
END
$log_event$;
COMMENT ON FUNCTION auth.log_event(text, integer, jsonb, text, uuid) IS
    'Internal: records what happened to an account, a session or a key, with who did it and from where';
REVOKE ALL ON FUNCTION auth.log_event(text, integer, jsonb, text, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.user_agent()
RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $user_agent$
    SELECT CASE WHEN octet_length(agent.name) <= 512 THEN agent.name ELSE left(agent.name, 128) END
    FROM auth.request_header('user-agent') AS agent (name)
$user_agent$;
COMMENT ON FUNCTION auth.user_agent() IS 'What the client of the request calls itself, in 512 bytes at most; NULL when there is no request of PostgREST';

CREATE OR REPLACE FUNCTION auth.prune(keep interval DEFAULT '1 year', OUT events bigint, OUT throttles bigint, OUT sessions bigint)
RETURNS record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $prune$
BEGIN
    -- A key without a record counts as made by a restore.
    DELETE FROM auth.event AS e WHERE e.at < clock_timestamp() - keep AND e.kind NOT IN ('key_created', 'key_loaded');
    GET DIAGNOSTICS events = ROW_COUNT;
    DELETE FROM auth.throttle AS t WHERE t.last_failure_at < clock_timestamp() - interval '1 hour' AND t.blocked_until < clock_timestamp();
    GET DIAGNOSTICS throttles = ROW_COUNT;
    DELETE FROM auth.login_try AS t WHERE t.at < clock_timestamp() - interval '1 hour';
    DELETE FROM auth.refresh_session AS s WHERE s.expires_at < clock_timestamp();
    GET DIAGNOSTICS sessions = ROW_COUNT;
END
$prune$;
COMMENT ON FUNCTION auth.prune(interval) IS
    'Removes events older than this, sessions that have ended and counts of failed logins that are forgotten; returns how many of each.  Superusers only';
REVOKE ALL ON FUNCTION auth.prune(interval) FROM PUBLIC;

-- Who asks --------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION auth.uuid_or_null(value text)
RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $uuid_or_null$
    SELECT CASE WHEN value ~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$' THEN value::uuid END
$uuid_or_null$;
COMMENT ON FUNCTION auth.uuid_or_null(text) IS 'Internal: an identifier of a token; NULL when it is none';

-- PostgREST has checked the token whose claims it hands over; a cookie is checked here.
CREATE OR REPLACE FUNCTION auth.request_token()
RETURNS auth.jwt_verify_result
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $request_token$
DECLARE
    claims CONSTANT jsonb := auth.request_claims();
    checked auth.jwt_verify_result;
BEGIN
    IF claims ? 'type' THEN
        RETURN ROW (true, claims, NULL, false)::auth.jwt_verify_result;
    END IF;
    checked := auth.jwt_verify(auth.request_cookie('statbus'));
    IF checked.is_valid AND checked.claims ->> 'type' = 'access' THEN
        RETURN checked;
    END IF;
    RETURN NULL;
END
$request_token$;
COMMENT ON FUNCTION auth.request_token() IS
    'Internal: the claims of the token that came with a request of PostgREST, of a cookie also past its time; all NULL when there is none';
REVOKE ALL ON FUNCTION auth.request_token() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.request_token() TO authenticated;

-- Accounts, sessions and keys are managed by people.  A key that was stolen must not make others, or users.
CREATE OR REPLACE FUNCTION auth.refuse_api_key()
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $refuse_api_key$
BEGIN
    IF session_user = 'authenticator' AND auth.request_claims() ->> 'type' IS DISTINCT FROM 'access' THEN
        RAISE EXCEPTION 'an API key does not allow this'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Sign in with your password.';
    END IF;
END
$refuse_api_key$;
COMMENT ON FUNCTION auth.refuse_api_key() IS 'Refuses a request that was not signed in with a password: 42501';

CREATE OR REPLACE FUNCTION auth.refuse_api_key_change()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $refuse_api_key_change$
BEGIN
    -- Nobody is signed in who signs in.
    IF auth.request_claims() ? 'type' THEN
        PERFORM auth.refuse_api_key();
    END IF;
    RETURN NULL;
END
$refuse_api_key_change$;
COMMENT ON FUNCTION auth.refuse_api_key_change() IS 'Trigger: accounts and keys are not changed by whoever comes with an API key';

CREATE OR REPLACE FUNCTION auth.signed_in_user()
RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $signed_in_user$
DECLARE
    caller CONSTANT integer := auth.caller_id();
BEGIN
    IF caller IS NULL OR caller = 1 THEN
        RAISE EXCEPTION 'only users of the register can do this'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Sign in.';
    END IF;
    PERFORM auth.refuse_api_key();
    RETURN caller;
END
$signed_in_user$;
COMMENT ON FUNCTION auth.signed_in_user() IS
    'Internal: the id of the user who calls, signed in with a password; raises for anybody else and for an API key';
REVOKE ALL ON FUNCTION auth.signed_in_user() FROM PUBLIC;

-- Answers ---------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION auth.response_for(user_id integer, token_expires_at timestamptz)
RETURNS auth.auth_response
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $response_for$
    SELECT ROW (true, u.id, u.sub, u.email::text, u.display_name, u.email::text, u.statbus_role::text, u.last_sign_in_at, u.created_at,
                token_expires_at, false, NULL)::auth.auth_response
    FROM auth."user" AS u
    WHERE u.id = user_id
$response_for$;
COMMENT ON FUNCTION auth.response_for(integer, timestamptz) IS 'Internal: says that a user is signed in';
REVOKE ALL ON FUNCTION auth.response_for(integer, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.response_for_nobody(error_code text DEFAULT NULL, call_refresh boolean DEFAULT false)
RETURNS auth.auth_response
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $response_for_nobody$
    SELECT ROW (false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, call_refresh, error_code)::auth.auth_response
$response_for_nobody$;
COMMENT ON FUNCTION auth.response_for_nobody(text, boolean) IS 'Internal: says that nobody is signed in, and why';
REVOKE ALL ON FUNCTION auth.response_for_nobody(text, boolean) FROM PUBLIC;

-- Tokens ----------------------------------------------------------------------------------------------------------------

-- The name is cut: a cookie has 4 kB.
CREATE OR REPLACE FUNCTION auth.token_claims(user_id integer, type text, expires_at timestamptz)
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $token_claims$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'role', u.email::text, 'statbus_role', u.statbus_role::text, 'sub', u.sub, 'uid', u.id, 'email', u.email::text,
        'display_name', left(u.display_name, 100), 'type', type,
        'iat', floor(extract(epoch FROM clock_timestamp()))::bigint,
        'exp', floor(extract(epoch FROM expires_at))::bigint,
        'jti', gen_random_uuid(),
        'aud', nullif(statbus.setting('statbus.jwt_audience'), '')))
    FROM auth."user" AS u
    WHERE u.id = user_id
$token_claims$;
COMMENT ON FUNCTION auth.token_claims(integer, text, timestamptz) IS 'Internal: what all tokens of a user say';
REVOKE ALL ON FUNCTION auth.token_claims(integer, text, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.give_tokens(session_jti uuid)
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $give_tokens$
DECLARE
    session record;
    access_until timestamptz;
BEGIN
    SELECT s.* INTO STRICT session FROM auth.refresh_session AS s WHERE s.jti = session_jti;
    access_until := least(
        session.expires_at,
        date_trunc('second', clock_timestamp()) + make_interval(secs => statbus.setting('statbus.access_token_lifetime')::integer));
    PERFORM auth.set_session_cookies(
        auth.jwt_sign(auth.token_claims(session.user_id, 'access', access_until) || jsonb_build_object('sid', session_jti)),
        auth.jwt_sign(auth.token_claims(session.user_id, 'refresh', session.expires_at)
                      || jsonb_build_object('jti', session_jti, 'version', session.refresh_version)
                      || jsonb_strip_nulls(jsonb_build_object('ip', host(session.ip_address)))),
        session.expires_at);
    RETURN access_until;
END
$give_tokens$;
COMMENT ON FUNCTION auth.give_tokens(uuid) IS
    'Internal: gives the client a new access token of a session and the refresh token of its version; returns when the access token expires';
REVOKE ALL ON FUNCTION auth.give_tokens(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.session_end()
RETURNS timestamptz
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $session_end$
    SELECT date_trunc('second', clock_timestamp()) + make_interval(secs => statbus.setting('statbus.refresh_token_lifetime')::integer)
$session_end$;
COMMENT ON FUNCTION auth.session_end() IS 'Internal: when a session ends that is begun or refreshed now';
REVOKE ALL ON FUNCTION auth.session_end() FROM PUBLIC;

-- Signing in ------------------------------------------------------------------------------------------------------------

-- A login counts against its account and its address.  Where the account is signed in already, failures from elsewhere do
-- not lock it: there it is counted apart.
CREATE OR REPLACE FUNCTION auth.login_counters(address text, user_id integer, OUT kinds text[], OUT subjects text[])
RETURNS record
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $login_counters$
DECLARE
    network CONSTANT text := auth.network_of(auth.client_address());
    account CONSTANT text := CASE WHEN address ~ '^[^@[:space:]]+@[^@[:space:]]+$' AND octet_length(address) <= 320
                                  THEN address ELSE encode(sha256(convert_to(address, 'UTF8')), 'hex') END;
BEGIN
    IF EXISTS (SELECT FROM auth.refresh_session AS s
               WHERE s.user_id = login_counters.user_id AND auth.network_of(s.ip_address) = network AND s.expires_at > clock_timestamp()) THEN
        kinds := ARRAY['device'];
        subjects := ARRAY[concat_ws(' ', account, network)];
    ELSE
        kinds := ARRAY['account'];
        subjects := ARRAY[account];
    END IF;
    IF network IS NOT NULL THEN
        kinds := kinds || 'address'::text;
        subjects := subjects || network;
    END IF;
END
$login_counters$;
COMMENT ON FUNCTION auth.login_counters(text, integer) IS 'Internal: what a login for an address, which may be a user''s, counts against, in the order in which it is locked';
REVOKE ALL ON FUNCTION auth.login_counters(text, integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.refuse_login(status integer, user_id integer, address text, details jsonb)
RETURNS auth.auth_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $refuse_login$
BEGIN
    PERFORM auth.respond(status);
    IF details IS NOT NULL THEN
        PERFORM auth.log_event(CASE status WHEN 429 THEN 'login_refused' ELSE 'login_failed' END, user_id, details, address);
    END IF;
    RETURN auth.response_for_nobody(CASE status WHEN 429 THEN 'TOO_MANY_ATTEMPTS' ELSE 'WRONG_PASSWORD' END);
END
$refuse_login$;
COMMENT ON FUNCTION auth.refuse_login(integer, integer, text, jsonb) IS 'Internal: answers a login that fails, and records why if details are given';
REVOKE ALL ON FUNCTION auth.refuse_login(integer, integer, text, jsonb) FROM PUBLIC;

-- Holds what the login counts against.  The first login that a block refuses is recorded.
CREATE OR REPLACE FUNCTION auth.login_block(kinds text[], subjects text[], OUT until timestamptz, OUT details jsonb)
RETURNS record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $login_block$
DECLARE
    ends timestamptz;
    longest integer;
BEGIN
    FOR i IN 1 .. cardinality(kinds) LOOP
        ends := auth.throttle_lock(kinds[i], subjects[i]);
        IF until IS NULL OR ends > until THEN
            until := ends;
            longest := i;
        END IF;
    END LOOP;
    IF until > clock_timestamp() AND auth.throttle_refuse(kinds[longest], subjects[longest]) THEN
        details := jsonb_build_object('blocked', kinds[longest], 'until', date_trunc('second', until));
    END IF;
END
$login_block$;
COMMENT ON FUNCTION auth.login_block(text[], text[]) IS 'Internal: until when logins are blocked that count against these, and what is to be recorded of it';
REVOKE ALL ON FUNCTION auth.login_block(text[], text[]) FROM PUBLIC;

-- One comparison of equal cost, whoever it is.
CREATE OR REPLACE FUNCTION auth.login_failure(user_id integer, password text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $login_failure$
DECLARE
    person record;
    matches boolean;
BEGIN
    SELECT u.id, u.encrypted_password, u.email_confirmed_at, u.deleted_at INTO person FROM auth."user" AS u WHERE u.id = user_id;
    matches := auth.verify_password(person.encrypted_password, password);
    IF person.id IS NULL THEN
        RETURN 'USER_NOT_FOUND';
    ELSIF person.deleted_at IS NOT NULL THEN
        RETURN 'USER_DELETED';
    ELSIF person.encrypted_password = '!' THEN
        RETURN 'USER_MISSING_PASSWORD';
    ELSIF NOT matches THEN
        RETURN 'WRONG_PASSWORD';
    ELSIF person.email_confirmed_at IS NULL THEN
        RETURN 'USER_NOT_CONFIRMED_EMAIL';
    END IF;
    -- A password that is changed at this moment opens nothing any more, and ends what was opened with it.
    UPDATE auth."user" AS u
    SET last_sign_in_at = clock_timestamp()
    WHERE u.id = user_id AND u.encrypted_password = person.encrypted_password AND u.deleted_at IS NULL;
    RETURN CASE WHEN NOT FOUND THEN 'WRONG_PASSWORD' END;
END
$login_failure$;
COMMENT ON FUNCTION auth.login_failure(integer, text) IS 'Internal: why a user cannot sign in with a password, as auth.login_error_code; NULL when he can. Who he is stays as it is until the transaction ends';
REVOKE ALL ON FUNCTION auth.login_failure(integer, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.begin_session(user_id integer)
RETURNS auth.auth_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $begin_session$
DECLARE
    session_jti uuid;
BEGIN
    DELETE FROM auth.refresh_session AS s WHERE s.user_id = begin_session.user_id AND s.expires_at <= clock_timestamp();
    INSERT INTO auth.refresh_session AS s (user_id, created_at, last_used_at, expires_at, user_agent, ip_address)
    VALUES (begin_session.user_id, clock_timestamp(), clock_timestamp(), auth.session_end(), auth.user_agent(), auth.client_address())
    RETURNING s.jti INTO session_jti;
    PERFORM auth.log_event('login', user_id, session_jti => session_jti);
    RETURN auth.response_for(user_id, auth.give_tokens(session_jti));
END
$begin_session$;
COMMENT ON FUNCTION auth.begin_session(integer) IS 'Internal: signs a user in: his session, and its tokens for the client';
REVOKE ALL ON FUNCTION auth.begin_session(integer) FROM PUBLIC;

-- Whatever is wrong, a login that fails takes as long and answers with the same; auth.event says why.
-- DEFINER: reads password hashes; writes sessions and counters, which no role may
CREATE OR REPLACE FUNCTION auth.login(email text, password text)
RETURNS auth.auth_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $login$
DECLARE
    address CONSTANT text := coalesce(lower(btrim(login.email)), '');
    user_id CONSTANT integer := (SELECT u.id FROM auth."user" AS u WHERE u.email = address::citext AND u.email::text = address);
    counted record;
    blocked record;
    failure text;
BEGIN
    PERFORM auth.refuse_get();
    -- A login holds what it counts against until its transaction ends, which a session of one's own may put off.
    IF session_user <> 'authenticator' AND NOT (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = session_user) THEN
        RAISE EXCEPTION 'logins come through PostgREST'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Whoever is connected to the database is signed in.';
    END IF;
    counted := auth.login_counters(address, user_id);
    blocked := auth.login_block(counted.kinds, counted.subjects);
    IF blocked.until > clock_timestamp() THEN
        PERFORM auth.add_response_header('Retry-After', greatest(ceil(extract(epoch FROM
            least(blocked.until, clock_timestamp() + interval '1 day') - clock_timestamp())), 1)::integer::text);
        RETURN auth.refuse_login(429, user_id, address, blocked.details);
    END IF;

    PERFORM auth.throttle_try(kind, subject) FROM unnest(counted.kinds, counted.subjects) AS c (kind, subject);
    failure := auth.login_failure(user_id, login.password);
    IF failure IS NOT NULL THEN
        PERFORM auth.throttle_fail(kind, subject) FROM unnest(counted.kinds, counted.subjects) AS c (kind, subject);
        PERFORM auth.throttle_tidy();
        PERFORM auth.clear_session_cookies();
        RETURN auth.refuse_login(401, user_id, address, jsonb_build_object('reason', failure));
    END IF;
    PERFORM auth.throttle_clear(counted.kinds[1], counted.subjects[1]);
    PERFORM auth.throttle_tidy();
    UPDATE auth."user" AS u
    SET encrypted_password = auth.hash_password(login.password)
    WHERE u.id = user_id AND split_part(u.encrypted_password, '$', 3)::integer <> statbus.setting('statbus.bcrypt_cost')::integer;
    RETURN auth.begin_session(user_id);
END
$login$;
COMMENT ON FUNCTION auth.login(text, text) IS
    'Begins a session: its tokens go into cookies of the response.  Wrong: 401 and WRONG_PASSWORD, whatever was wrong; too often wrong: 429 and Retry-After';
REVOKE ALL ON FUNCTION auth.login(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.login(text, text) TO anon, authenticated;

CREATE OR REPLACE FUNCTION auth.refuse_refresh(error_code text, user_id integer DEFAULT NULL, session_jti uuid DEFAULT NULL, kind text DEFAULT 'refresh_failed')
RETURNS auth.auth_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $refuse_refresh$
BEGIN
    -- What carries no token of ours is not worth a record, and neither is a token of ours again and again: anybody could fill it.
    IF user_id IS NOT NULL AND NOT EXISTS (
        SELECT
        FROM auth.event AS e
        WHERE e.user_id = refuse_refresh.user_id AND e.kind = 'refresh_failed' AND refuse_refresh.kind = 'refresh_failed'
        AND e.at > clock_timestamp() - interval '1 minute') THEN
        PERFORM auth.log_event(kind, user_id, jsonb_build_object('reason', error_code), session_jti => session_jti);
    END IF;
    PERFORM auth.clear_session_cookies();
    PERFORM auth.respond(401);
    RETURN auth.response_for_nobody(error_code);
END
$refuse_refresh$;
COMMENT ON FUNCTION auth.refuse_refresh(text, integer, uuid, text) IS 'Internal: answers a refresh that fails';
REVOKE ALL ON FUNCTION auth.refuse_refresh(text, integer, uuid, text) FROM PUBLIC;

-- A refresh token works once.  One that comes back later was copied, by whoever uses it now or by whoever used it
-- first: the session ends for both.
-- DEFINER: writes sessions, which no role may
CREATE OR REPLACE FUNCTION auth.refresh()
RETURNS auth.auth_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $refresh$
DECLARE
    cookie CONSTANT text := nullif(auth.request_cookie('statbus-refresh'), '');
    token auth.jwt_verify_result;
    version integer;
    person record;
    session record;
BEGIN
    PERFORM auth.refuse_get();
    IF cookie IS NULL THEN
        RETURN auth.refuse_refresh('REFRESH_NO_TOKEN_COOKIE');
    END IF;
    token := auth.jwt_verify(cookie);
    IF token.is_valid IS NOT TRUE OR token.claims ->> 'type' IS DISTINCT FROM 'refresh' THEN
        RETURN auth.refuse_refresh('REFRESH_INVALID_TOKEN_TYPE');
    END IF;
    SELECT u.id INTO person FROM auth."user" AS u WHERE u.sub = auth.uuid_or_null(token.claims ->> 'sub') AND u.deleted_at IS NULL;
    IF NOT FOUND THEN
        RETURN auth.refuse_refresh('REFRESH_USER_NOT_FOUND_OR_DELETED');
    END IF;
    SELECT s.* INTO session
    FROM auth.refresh_session AS s
    WHERE s.jti = auth.uuid_or_null(token.claims ->> 'jti') AND s.user_id = person.id
    FOR UPDATE;
    IF NOT FOUND OR token.expired OR session.expires_at <= clock_timestamp() THEN
        RETURN auth.refuse_refresh('REFRESH_SESSION_INVALID_OR_SUPERSEDED', person.id, session.jti);
    END IF;

    version := CASE WHEN token.claims ->> 'version' ~ '^[0-9]{1,9}$' THEN (token.claims ->> 'version')::integer END;
    IF version = session.refresh_version THEN
        UPDATE auth.refresh_session AS s
        SET refresh_version = s.refresh_version + 1, last_used_at = clock_timestamp(), expires_at = auth.session_end(),
            ip_address = coalesce(auth.client_address(), s.ip_address), user_agent = coalesce(auth.user_agent(), s.user_agent)
        WHERE s.id = session.id;
        PERFORM auth.log_event('refresh', person.id, session_jti => session.jti);
    ELSIF version = session.refresh_version - 1
        AND clock_timestamp() < session.last_used_at + make_interval(secs => statbus.setting('statbus.refresh_grace')::integer) THEN
        -- Another tab of the browser was first.
        NULL;
    ELSE
        DELETE FROM auth.refresh_session AS s WHERE s.id = session.id;
        RETURN auth.refuse_refresh('REFRESH_SESSION_INVALID_OR_SUPERSEDED', person.id, session.jti, 'refresh_reuse');
    END IF;
    RETURN auth.response_for(person.id, auth.give_tokens(session.jti));
END
$refresh$;
COMMENT ON FUNCTION auth.refresh() IS
    'Exchanges the refresh token of the request''s cookie for new tokens.  A token that was exchanged before ends its session, unless that was just now';
REVOKE ALL ON FUNCTION auth.refresh() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.refresh() TO anon, authenticated;

-- DEFINER: a visitor whose access token is past its time ends its session too
CREATE OR REPLACE FUNCTION auth.logout()
RETURNS auth.auth_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $logout$
DECLARE
    token CONSTANT auth.jwt_verify_result := auth.request_token();
    session record;
BEGIN
    PERFORM auth.refuse_get();
    DELETE FROM auth.refresh_session AS s
    USING auth."user" AS u
    WHERE s.jti = auth.uuid_or_null(token.claims ->> 'sid') AND u.id = s.user_id AND u.sub = auth.uuid_or_null(token.claims ->> 'sub')
    RETURNING s.jti, s.user_id INTO session;
    IF FOUND THEN
        PERFORM auth.log_event('logout', session.user_id, session_jti => session.jti);
    END IF;
    PERFORM auth.clear_session_cookies();
    RETURN auth.response_for_nobody();
END
$logout$;
COMMENT ON FUNCTION auth.logout() IS 'Ends the session of the request and takes its tokens from the browser; also when there is none';
REVOKE ALL ON FUNCTION auth.logout() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.logout() TO anon, authenticated;

-- DEFINER: a visitor is told about the session of his cookie
CREATE OR REPLACE FUNCTION auth.auth_status()
RETURNS auth.auth_response
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $auth_status$
DECLARE
    caller CONSTANT integer := auth.caller_id();
    token CONSTANT auth.jwt_verify_result := auth.request_token();
    owner integer;
BEGIN
    IF caller IS NOT NULL THEN
        RETURN auth.response_for(caller, to_timestamp((token.claims ->> 'exp')::double precision));
    END IF;
    -- The cookie did not sign this request in: it is past its time, or cookies do not sign in here.
    SELECT s.user_id INTO owner
    FROM auth.refresh_session AS s
    JOIN auth."user" AS u ON u.id = s.user_id
    WHERE s.jti = auth.uuid_or_null(token.claims ->> 'sid') AND s.expires_at > clock_timestamp()
    AND u.sub = auth.uuid_or_null(token.claims ->> 'sub') AND u.deleted_at IS NULL;
    IF owner IS NULL THEN
        RETURN auth.response_for_nobody();
    ELSIF token.expired THEN
        RETURN auth.response_for_nobody(call_refresh => true);
    END IF;
    RETURN auth.response_for(owner, to_timestamp((token.claims ->> 'exp')::double precision));
END
$auth_status$;
COMMENT ON FUNCTION auth.auth_status() IS
    'Who is signed in; expired_access_token_call_refresh when it is time to call refresh()';
REVOKE ALL ON FUNCTION auth.auth_status() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.auth_status() TO anon, authenticated;

CREATE OR REPLACE FUNCTION auth.describe_token(token text)
RETURNS auth.token_info
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $describe_token$
DECLARE
    checked CONSTANT auth.jwt_verify_result := auth.jwt_verify(token);
BEGIN
    RETURN ROW (coalesce(token, '') <> '', octet_length(token), checked.claims, coalesce(checked.is_valid, false), checked.expired,
                checked.claims ->> 'jti',
                CASE WHEN checked.claims ->> 'version' ~ '^[0-9]{1,9}$' THEN (checked.claims ->> 'version')::integer END)::auth.token_info;
END
$describe_token$;
COMMENT ON FUNCTION auth.describe_token(text) IS 'Internal: what is known of a token, without the token';
REVOKE ALL ON FUNCTION auth.describe_token(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.describe_token(text) TO anon, authenticated;

-- Headers with the values that help to find out what a proxy does; of any other header, which may hold a secret, and of
-- each cookie only how long it is.
CREATE OR REPLACE FUNCTION auth.auth_test()
RETURNS auth.auth_test_response
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $auth_test$
DECLARE
    shown CONSTANT text[] := ARRAY[
        'accept', 'accept-encoding', 'accept-language', 'cache-control', 'connection', 'content-length', 'content-type', 'host',
        'origin', 'prefer', 'sec-fetch-dest', 'sec-fetch-mode', 'sec-fetch-site', 'user-agent', 'via',
        'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-proto', 'x-real-ip'];
    is_request CONSTANT boolean := session_user = 'authenticator';
    bearer CONSTANT text := substring(auth.request_header('authorization') FROM '^[Bb]earer +(.*)$');
    headers jsonb;
    cookies jsonb;
BEGIN
    IF is_request THEN
        SELECT jsonb_object_agg(h.key, CASE WHEN h.key = ANY (shown) THEN h.value ELSE format('(%s bytes)', octet_length(h.value)) END)
        INTO headers
        FROM jsonb_each_text(nullif(current_setting('request.headers', true), '')::jsonb) AS h;
        SELECT jsonb_object_agg(c.key, format('(%s bytes)', octet_length(c.value)))
        INTO cookies
        FROM jsonb_each_text(nullif(current_setting('request.cookies', true), '')::jsonb) AS c;
    END IF;
    RETURN ROW (
        coalesce(headers, '{}'), coalesce(cookies, '{}'),
        CASE WHEN is_request THEN nullif(current_setting('request.jwt.claims', true), '')::jsonb END,
        auth.describe_token(coalesce(bearer, auth.request_cookie('statbus'))),
        auth.describe_token(auth.request_cookie('statbus-refresh')),
        clock_timestamp(),
        CASE WHEN is_request THEN nullif(current_setting('app.settings.deployment_slot_code', true), '') END,
        auth.is_https())::auth.auth_test_response;
END
$auth_test$;
COMMENT ON FUNCTION auth.auth_test() IS 'What the request looks like to the database; without tokens and without values of cookies';
REVOKE ALL ON FUNCTION auth.auth_test() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.auth_test() TO anon, authenticated;

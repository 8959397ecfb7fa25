-- The request that PostgREST handed over: its headers, cookies and address, what is refused before it begins, and
-- what is answered beside the body.  PostgREST logs in as authenticator; whatever another session writes into
-- settings named request.* is not a request.

CREATE OR REPLACE FUNCTION auth.request_part(setting text, name text)
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $request_part$
BEGIN
    IF session_user <> 'authenticator' THEN
        RETURN NULL;
    END IF;
    RETURN nullif(current_setting(setting, true), '')::jsonb ->> name;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN NULL;
END
$request_part$;
COMMENT ON FUNCTION auth.request_part(text, text) IS 'Internal: one text of a JSON object that PostgREST left in a setting; NULL when the setting holds something else';

CREATE OR REPLACE FUNCTION auth.request_header(name text)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $request_header$
    SELECT auth.request_part('request.headers', lower(name))
$request_header$;
COMMENT ON FUNCTION auth.request_header(text) IS 'A header of the request, its name in any case; NULL when there is none, or no request of PostgREST';

CREATE OR REPLACE FUNCTION auth.request_cookie(name text)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $request_cookie$
    SELECT auth.request_part('request.cookies', name)
$request_cookie$;
COMMENT ON FUNCTION auth.request_cookie(text) IS 'A cookie of the request; NULL when there is none, or no request of PostgREST';

CREATE OR REPLACE FUNCTION auth.request_method()
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $request_method$
    SELECT CASE WHEN session_user = 'authenticator' THEN nullif(current_setting('request.method', true), '') END
$request_method$;
COMMENT ON FUNCTION auth.request_method() IS 'GET, POST and so on; NULL when there is no request of PostgREST';

CREATE OR REPLACE FUNCTION auth.forwarded_for(forwarded text, proxies text)
RETURNS inet
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_forwarded_for';
COMMENT ON FUNCTION auth.forwarded_for(text, text) IS
    'The last address of a header X-Forwarded-For that is none of the proxies, or the first when all are; NULL when no proxy is named, or when something that is no address comes first';

-- PostgREST does not tell who called it.  The setting says that only these proxies can; without it nobody is believed.
CREATE OR REPLACE FUNCTION auth.client_address()
RETURNS inet
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $client_address$
    SELECT CASE
               WHEN session_user <> 'authenticator' THEN inet_client_addr()
               ELSE auth.forwarded_for(auth.request_header('x-forwarded-for'), statbus.setting('statbus.trusted_proxies'))
           END
$client_address$;
COMMENT ON FUNCTION auth.client_address() IS
    'Where the request comes from: the address of the client, told by a proxy that statbus.trusted_proxies names; NULL when that is not known';

CREATE OR REPLACE FUNCTION auth.refuse_get()
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $refuse_get$
BEGIN
    IF auth.request_method() IN ('GET', 'HEAD') THEN
        RAISE EXCEPTION 'Method Not Allowed' USING ERRCODE = 'PT405', HINT = 'Use POST.';
    END IF;
END
$refuse_get$;
COMMENT ON FUNCTION auth.refuse_get() IS
    'Refuses a request by GET or HEAD with 405: for functions that change something, or whose arguments must not stand in a URL';

CREATE OR REPLACE FUNCTION auth.respond(status integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $respond$
BEGIN
    IF status IS NULL OR status NOT BETWEEN 200 AND 599 THEN
        RAISE EXCEPTION '% is no status of a response', status
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Statuses are 200 to 599.';
    END IF;
    PERFORM set_config('response.status', status::text, true);
END
$respond$;
COMMENT ON FUNCTION auth.respond(integer) IS
    'The HTTP status of the response, for a function that returns; what has raised an error has lost it';

CREATE OR REPLACE FUNCTION auth.add_response_header(name text, value text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $add_response_header$
BEGIN
    IF name IS NULL OR value IS NULL OR name !~ '^[A-Za-z0-9!#$%&''*+.^_`|~-]+$' OR value ~ '[\x01-\x08\x0A-\x1F\x7F]' THEN
        RAISE EXCEPTION 'no header of a response' USING
            ERRCODE = 'invalid_parameter_value', DETAIL = 'A name is of letters, digits and some signs; a value has no control characters.';
    END IF;
    -- PostgREST reads an array of objects with one member each, so that a name may come twice.
    PERFORM set_config('response.headers',
        (coalesce(nullif(current_setting('response.headers', true), ''), '[]')::jsonb
         || jsonb_build_array(jsonb_build_object(name, value)))::text,
        true);
END
$add_response_header$;
COMMENT ON FUNCTION auth.add_response_header(text, text) IS 'Adds a header to the response, also beside others of its name';

-- Scripts of a page never see these cookies, other sites never cause them to be sent, and the refresh token goes to
-- one address only.
CREATE OR REPLACE FUNCTION auth.add_cookie(name text, value text, path text, expires_at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $add_cookie$
BEGIN
    IF value !~ '^[A-Za-z0-9._-]*$' THEN
        RAISE EXCEPTION 'no value of a cookie' USING ERRCODE = 'invalid_parameter_value', HINT = 'Tokens are of letters, digits, dots, _ and -.';
    END IF;
    PERFORM auth.add_response_header('Set-Cookie', concat(
        name, '=', value, '; Path=', path, '; HttpOnly; SameSite=Strict',
        CASE WHEN lower(btrim(split_part(auth.request_header('x-forwarded-proto'), ',', 1))) = 'https' THEN '; Secure' END,
        '; Expires=', to_char(expires_at AT TIME ZONE 'UTC', 'Dy, DD Mon YYYY HH24:MI:SS "GMT"'),
        '; Max-Age=', greatest(floor(extract(epoch FROM expires_at - clock_timestamp()))::bigint, 0)));
END
$add_cookie$;
COMMENT ON FUNCTION auth.add_cookie(text, text, text, timestamptz) IS 'Internal: one cookie of the response';

-- Both live as long as the session: a browser that sends an access token past its time is told to refresh.
CREATE OR REPLACE FUNCTION auth.set_session_cookies(access text, refresh text, expires_at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $set_session_cookies$
BEGIN
    IF access IS NOT NULL THEN
        PERFORM auth.add_cookie('statbus', access, '/', expires_at);
    END IF;
    IF refresh IS NOT NULL THEN
        PERFORM auth.add_cookie('statbus-refresh', refresh, rtrim(statbus.setting('statbus.api_path'), '/') || '/rpc/refresh', expires_at);
    END IF;
END
$set_session_cookies$;
COMMENT ON FUNCTION auth.set_session_cookies(text, text, timestamptz) IS
    'Gives the browser the tokens of a session, until the session ends; a token that is NULL leaves its cookie as it is';

CREATE OR REPLACE FUNCTION auth.clear_session_cookies()
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $clear_session_cookies$
    SELECT auth.set_session_cookies('', '', to_timestamp(0))
$clear_session_cookies$;
COMMENT ON FUNCTION auth.clear_session_cookies() IS 'Takes the tokens of a session away from the browser';

CREATE OR REPLACE FUNCTION auth.pre_request()
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $pre_request$
BEGIN
    IF statbus.needs_migration() THEN
        RAISE EXCEPTION 'the register is not up to date with the extension'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Run CALL statbus.migrate().';
    END IF;
END
$pre_request$;
COMMENT ON FUNCTION auth.pre_request() IS 'For PostgREST''s db-pre-request: refuses requests while CALL statbus.migrate() is due';

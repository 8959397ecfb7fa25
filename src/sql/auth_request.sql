-- The request that PostgREST handed over: its headers, cookies and address, what is refused before it begins, and
-- what is answered beside the body.  PostgREST logs in as authenticator; whatever another session writes into
-- settings named request.* is not a request.

CREATE OR REPLACE FUNCTION auth.request_header(name text)
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_request_header';
COMMENT ON FUNCTION auth.request_header(text) IS
    'A header of the request, its name in any case, the last of several; NULL when there is none, when the headers cannot be read, or when there is no request of PostgREST';

CREATE OR REPLACE FUNCTION auth.request_cookie(name text)
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_request_cookie';
COMMENT ON FUNCTION auth.request_cookie(text) IS
    'A cookie of the request, the last of several; NULL when there is none, when the cookies cannot be read, or when there is no request of PostgREST';

CREATE OR REPLACE FUNCTION auth.request_claims()
RETURNS jsonb
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_request_claims';
COMMENT ON FUNCTION auth.request_claims() IS
    'The claims of the token of the request, which PostgREST or auth.pre_request() has verified; NULL when they cannot be read, or when there is no request of PostgREST';

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
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_forwarded_for';
COMMENT ON FUNCTION auth.forwarded_for(text, text) IS
    'The last address of a header X-Forwarded-For that is none of the proxies, or the first when all are; NULL when no proxy is named, or when something that is no address comes first';

-- PostgREST does not tell who called it.  The setting says that only these proxies can; without it nobody is believed.
CREATE OR REPLACE FUNCTION auth.client_address()
RETURNS inet
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $client_address$
    SELECT CASE
               WHEN session_user <> 'authenticator' THEN inet_client_addr()
               ELSE auth.forwarded_for(auth.request_header('x-forwarded-for'), statbus.setting('statbus.trusted_proxies'))
           END
$client_address$;
COMMENT ON FUNCTION auth.client_address() IS
    'Where the request comes from: the address of the client, told by a proxy that statbus.trusted_proxies names; NULL when that is not known';

-- Of several proxies the first, to which the browser speaks.
CREATE OR REPLACE FUNCTION auth.is_https()
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $is_https$
    SELECT coalesce(lower(btrim(split_part(auth.request_header('x-forwarded-proto'), ',', 1))) = 'https', false)
$is_https$;
COMMENT ON FUNCTION auth.is_https() IS 'Whether the client speaks TLS, as a proxy says in X-Forwarded-Proto';

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
        CASE WHEN auth.is_https() THEN '; Secure' END,
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

-- What is refused before a request begins -------------------------------------------------------------------------------

-- Browsers say where a request comes from and no page can make them say otherwise.  Older ones send Origin only, which
-- is compared with the name under which the server was called.  Programs send neither: nobody can have tricked them.
CREATE OR REPLACE FUNCTION auth.is_cross_site()
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $is_cross_site$
DECLARE
    host CONSTANT text := lower(auth.request_header('host'));
    site CONSTANT text := lower(auth.request_header('sec-fetch-site'));
    origin text;
    forwarded_host text;
    default_port text;
BEGIN
    IF site IS NOT NULL THEN
        RETURN site NOT IN ('same-origin', 'none');
    END IF;
    origin := lower(auth.request_header('origin'));
    IF origin IS NULL THEN
        RETURN false;
    END IF;
    default_port := CASE WHEN origin LIKE 'https:%' THEN ':443$' ELSE ':80$' END;
    origin := regexp_replace(substring(origin FROM '^https?://(.+)$'), default_port, '');
    IF statbus.setting('statbus.trusted_proxies') <> '' THEN
        forwarded_host := lower(auth.request_header('x-forwarded-host'));
    END IF;
    RETURN NOT EXISTS (
        SELECT
        FROM unnest(string_to_array(concat_ws(',', host, forwarded_host), ',')) AS known (host)
        WHERE regexp_replace(btrim(known.host), default_port, '') = origin);
END
$is_cross_site$;
COMMENT ON FUNCTION auth.is_cross_site() IS 'Whether a page of another site had a browser send the request, or may have';

-- Whoever changed his address has left it: the subject tells him from the next who has it.  A token without a session
-- was signed by somebody who holds the key, and lives as long as it says.
CREATE OR REPLACE FUNCTION auth.claims_are_live(claims jsonb, of_user_id integer)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $claims_are_live$
DECLARE
    audience CONSTANT text := statbus.setting('statbus.jwt_audience');
    id_claim CONSTANT text := CASE claims ->> 'type' WHEN 'access' THEN 'sid' WHEN 'api_key' THEN 'jti' END;
    id_text CONSTANT text := claims ->> id_claim;
    id_value CONSTANT uuid := CASE WHEN id_text ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN id_text END;
    moment CONSTANT timestamptz := clock_timestamp();
BEGIN
    IF id_claim IS NULL OR jsonb_typeof(claims -> 'exp') IS DISTINCT FROM 'number' THEN
        RETURN false;
    END IF;
    -- PostgREST allows half a minute more, and any number.  No date is later than the end of year 9999.
    IF (claims ->> 'exp')::numeric <= extract(epoch FROM moment) OR (claims ->> 'exp')::numeric > 253402300799 THEN
        RETURN false;
    END IF;
    IF audience <> '' AND NOT coalesce(claims -> 'aud' @> to_jsonb(audience), false) THEN
        RETURN false;
    END IF;
    RETURN EXISTS (
        SELECT
        FROM auth."user" AS u
        WHERE u.id = of_user_id AND u.email IS NOT NULL AND u.deleted_at IS NULL
        AND (NOT claims ? 'sub' OR u.sub::text = claims ->> 'sub')
        AND CASE id_claim
                WHEN 'sid' THEN
                    NOT claims ? 'sid'
                    OR EXISTS (SELECT FROM auth.refresh_session AS s
                               WHERE s.jti = id_value AND s.user_id = u.id AND moment < s.expires_at)
                ELSE
                    EXISTS (SELECT FROM auth.api_key AS k
                            WHERE k.jti = id_value AND k.user_id = u.id AND k.revoked_at IS NULL AND moment < k.expires_at)
            END);
END
$claims_are_live$;
COMMENT ON FUNCTION auth.claims_are_live(jsonb, integer) IS
    'Internal: whether the claims of a good token are those of an access token or an API key of a live user, whose session or key still stands';
REVOKE ALL ON FUNCTION auth.claims_are_live(jsonb, integer) FROM PUBLIC;

-- DEFINER: user, session and key rows are not readable by everybody who has to be identified
CREATE OR REPLACE FUNCTION auth.may_request(claims jsonb)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $may_request$
BEGIN
    RETURN auth.claims_are_live(claims, auth.caller_id());
END
$may_request$;
COMMENT ON FUNCTION auth.may_request(jsonb) IS
    'Internal: whether a good token with these claims lets the current user in';

-- PostgREST has verified the token, with the key that it was told of last; a key that is revoked here dies here.  The role
-- that it took on must be the token's, whichever of two headers it has read.
CREATE OR REPLACE FUNCTION auth.bearer_claims()
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $bearer_claims$
DECLARE
    found CONSTANT auth.jwt_verify_result := auth.jwt_verify(substring(auth.request_header('authorization') FROM '^[Bb]earer +([^ ]+)$'));
BEGIN
    IF found.is_valid IS TRUE AND found.expired IS FALSE AND found.claims ->> 'role' = CURRENT_USER THEN
        RETURN found.claims;
    END IF;
    RETURN NULL;
END
$bearer_claims$;
COMMENT ON FUNCTION auth.bearer_claims() IS
    'Internal: the claims of the token in the header Authorization, if a key of this register signed it for the current role; else NULL';

-- DEFINER: verifies the access token of a cookie, and reads user and session rows
CREATE OR REPLACE FUNCTION auth.cookie_claims(token text)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $cookie_claims$
DECLARE
    found CONSTANT auth.jwt_verify_result := auth.jwt_verify(token);
BEGIN
    IF found.is_valid IS TRUE AND found.expired IS FALSE AND found.claims ->> 'type' = 'access' AND found.claims ? 'sid'
        AND auth.claims_are_live(found.claims,
                (SELECT u.id FROM auth."user" AS u
                 WHERE u.email = (found.claims ->> 'role')::citext AND u.email::text = found.claims ->> 'role')) THEN
        RETURN found.claims;
    END IF;
    RETURN NULL;
END
$cookie_claims$;
COMMENT ON FUNCTION auth.cookie_claims(text) IS
    'Internal: the claims of an access token whose session still stands; NULL for any other text';
REVOKE ALL ON FUNCTION auth.cookie_claims(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.cookie_claims(text) TO anon;

-- PostgREST has believed no cookie.  Here the cookie does for the request what an Authorization header would have done.
CREATE OR REPLACE FUNCTION auth.cookie_login()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $cookie_login$
DECLARE
    claims CONSTANT jsonb := auth.cookie_claims(auth.request_cookie('statbus'));
BEGIN
    -- A user whose role PostgREST may not take on stays anonymous, as one who is not known.
    IF claims IS NOT NULL AND EXISTS (SELECT FROM pg_roles AS r
                                      WHERE r.rolname = claims ->> 'role' AND NOT r.rolsuper AND pg_has_role(session_user, r.oid, 'MEMBER')) THEN
        PERFORM set_config('request.jwt.claims', claims::text, true), set_config('role', claims ->> 'role', true);
    END IF;
END
$cookie_login$;
COMMENT ON FUNCTION auth.cookie_login() IS
    'Internal: takes on, for this transaction, the role of the user whose access token is in cookie statbus; does nothing for a token that is not good';

-- It runs in transactions that only read, too: nothing is written here.
CREATE OR REPLACE FUNCTION auth.pre_request()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $pre_request$
DECLARE
    has_cookie CONSTANT boolean := auth.request_cookie('statbus') IS NOT NULL;
BEGIN
    IF statbus.needs_migration() THEN
        RAISE EXCEPTION 'the register is not up to date with the extension'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Run CALL statbus.migrate().';
    END IF;
    -- Somebody tries it out.  A PostgREST that logs in as another role would go unchecked.
    IF session_user <> 'authenticator' THEN
        IF nullif(current_setting('request.method', true), '') IS NOT NULL THEN
            RAISE EXCEPTION 'requests come from role authenticator only'
                USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'PostgREST logs in as authenticator.';
        END IF;
        RETURN;
    END IF;

    IF coalesce(auth.request_method() NOT IN ('GET', 'HEAD'), true) THEN
        -- Every request has a host; without one, the headers could not be read.
        IF auth.request_header('host') IS NULL THEN
            RAISE EXCEPTION 'Bad Request' USING ERRCODE = 'PT400';
        END IF;
        -- Cookies are sent without anybody's doing, and a page of somebody else could sign its visitor in as another user.
        IF (has_cookie OR CURRENT_USER = 'anon' OR auth.request_cookie('statbus-refresh') IS NOT NULL) AND auth.is_cross_site() THEN
            RAISE EXCEPTION 'Forbidden' USING ERRCODE = 'PT403';
        END IF;
    END IF;

    IF CURRENT_USER = 'anon' THEN
        -- A visitor has no token.  What this one claims nobody has checked with the keys of here.
        IF auth.request_claims() ? 'type' THEN
            RAISE EXCEPTION 'Unauthorized' USING ERRCODE = 'PT401', HINT = 'Sign in again.';
        END IF;
        IF has_cookie AND statbus.setting('statbus.cookie_login')::boolean THEN
            PERFORM auth.cookie_login();
        END IF;
    ELSIF current_setting('is_superuser')::boolean OR auth.may_request(auth.bearer_claims()) IS NOT TRUE THEN
        RAISE EXCEPTION 'Unauthorized' USING ERRCODE = 'PT401', HINT = 'Sign in again.';
    END IF;
END
$pre_request$;
COMMENT ON FUNCTION auth.pre_request() IS
    'For PostgREST''s db-pre-request: refuses requests while CALL statbus.migrate() is due, what a page of another site sends, and tokens of users, sessions and keys that are gone; signs in who sends the access cookie';

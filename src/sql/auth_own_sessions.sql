-- What users do with their own sessions and API keys.

-- Sessions --------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION auth.list_active_sessions()
RETURNS SETOF auth.session_info
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $list_active_sessions$
    SELECT s.id, s.jti, s.user_agent, host(s.ip_address), s.created_at, s.last_used_at, s.expires_at,
           coalesce(s.jti = auth.uuid_or_null((auth.request_token()).claims ->> 'sid'), false)
    FROM auth.refresh_session AS s
    WHERE s.user_id = auth.uid() AND s.expires_at > clock_timestamp()
    ORDER BY s.last_used_at DESC, s.id DESC
$list_active_sessions$;
COMMENT ON FUNCTION auth.list_active_sessions() IS 'Where the current user is signed in';
REVOKE ALL ON FUNCTION auth.list_active_sessions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.list_active_sessions() TO authenticated;

-- DEFINER: the record of it
CREATE OR REPLACE FUNCTION auth.revoke_session(refresh_session_jti uuid)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $revoke_session$
DECLARE
    caller CONSTANT integer := auth.signed_in_user();
BEGIN
    PERFORM auth.refuse_get();
    DELETE FROM auth.refresh_session AS s WHERE s.jti = refresh_session_jti AND s.user_id = caller;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM auth.log_event('session_revoked', caller, session_jti => refresh_session_jti);
    IF auth.uuid_or_null((auth.request_token()).claims ->> 'sid') = refresh_session_jti THEN
        PERFORM auth.clear_session_cookies();
    END IF;
    RETURN true;
END
$revoke_session$;
COMMENT ON FUNCTION auth.revoke_session(uuid) IS 'Ends a session of the current user, and its access token with it; false when he has none of this name';
REVOKE ALL ON FUNCTION auth.revoke_session(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.revoke_session(uuid) TO authenticated;

-- For tests of clients.
-- DEFINER: signs a token
CREATE OR REPLACE FUNCTION auth.auth_expire_access_keep_refresh()
RETURNS json
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $auth_expire_access_keep_refresh$
DECLARE
    caller CONSTANT integer := auth.signed_in_user();
    session record;
BEGIN
    PERFORM auth.refuse_get();
    SELECT s.jti, s.expires_at INTO session
    FROM auth.refresh_session AS s
    WHERE s.user_id = caller AND s.jti = auth.uuid_or_null((auth.request_token()).claims ->> 'sid');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this request belongs to no session'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Sign in over HTTP.';
    END IF;
    PERFORM auth.set_session_cookies(
        auth.jwt_sign(auth.token_claims(caller, 'access', clock_timestamp() - interval '1 minute')
                      || jsonb_build_object('sid', session.jti, 'iat', floor(extract(epoch FROM clock_timestamp()))::bigint - 3600)),
        NULL, session.expires_at);
    RETURN json_build_object('access_token', 'expired', 'refresh_token', 'kept');
END
$auth_expire_access_keep_refresh$;
COMMENT ON FUNCTION auth.auth_expire_access_keep_refresh() IS
    'For tests of clients: gives the browser an access token past its time in place of its own, as if an hour had gone by';
REVOKE ALL ON FUNCTION auth.auth_expire_access_keep_refresh() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.auth_expire_access_keep_refresh() TO authenticated;

-- API keys --------------------------------------------------------------------------------------------------------------

-- The token is shown once.  What is kept tells it from others but does not let anybody in.
-- DEFINER: signs a token; keys are inserted by no role
CREATE OR REPLACE FUNCTION auth.create_api_key(description text DEFAULT 'Default API Key', duration interval DEFAULT '1 year')
RETURNS auth.new_api_key
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $create_api_key$
DECLARE
    caller CONSTANT integer := auth.signed_in_user();
    key_jti CONSTANT uuid := gen_random_uuid();
    label CONSTANT text := coalesce(nullif(btrim(create_api_key.description), ''), 'Default API Key');
    sid CONSTANT uuid := auth.uuid_or_null(auth.request_claims() ->> 'sid');
    is_live boolean;
    expires_at timestamptz;
    token text;
    header text;
    made auth.new_api_key;
BEGIN
    PERFORM auth.refuse_get();
    IF duration IS NULL OR duration < interval '1 minute' OR duration > interval '10 years' THEN
        RAISE EXCEPTION 'an API key is valid for a minute to ten years'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'duration is an interval such as ''1 year''.';
    END IF;
    IF length(label) > 200 THEN
        RAISE EXCEPTION 'the description of an API key has 200 characters at most' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- Whoever changes the password or ends the session at this moment means this key, too: he waits, or we do.  The row is
    -- written, not only locked, so that who has an older snapshot, and would not see the key, has to try again.
    UPDATE auth."user" AS u SET last_sign_in_at = u.last_sign_in_at WHERE u.id = caller AND u.deleted_at IS NULL;
    is_live := FOUND;
    IF sid IS NOT NULL THEN
        PERFORM FROM auth.refresh_session AS s WHERE s.jti = sid AND s.user_id = caller FOR KEY SHARE;
        is_live := is_live AND FOUND;
    END IF;
    IF NOT is_live THEN
        RAISE EXCEPTION 'Unauthorized' USING ERRCODE = 'PT401', HINT = 'Sign in again.';
    END IF;
    expires_at := date_trunc('second', clock_timestamp()) + duration;
    token := auth.jwt_sign(auth.token_claims(caller, 'api_key', expires_at) || jsonb_build_object('jti', key_jti, 'description', label));
    header := rpad(translate(split_part(token, '.', 1), '-_', '+/'), (length(split_part(token, '.', 1)) + 3) / 4 * 4, '=');
    INSERT INTO auth.api_key AS k (jti, user_id, description, created_at, expires_at, token_hash, token_prefix, kid)
    VALUES (key_jti, caller, label, clock_timestamp(), expires_at, sha256(convert_to(token, 'UTF8')), left(key_jti::text, 8),
            convert_from(decode(header, 'base64'), 'UTF8')::jsonb ->> 'kid')
    RETURNING k.id, k.jti, k.user_id, k.description, k.created_at, k.expires_at, k.revoked_at, k.token_prefix, token INTO made;
    PERFORM auth.log_event('api_key_created', caller, jsonb_build_object('jti', key_jti, 'expires_at', expires_at));
    RETURN made;
END
$create_api_key$;
COMMENT ON FUNCTION auth.create_api_key(text, interval) IS
    'A token for scripts of the current user, shown this once; 22023 for a duration or a description out of bounds';
REVOKE ALL ON FUNCTION auth.create_api_key(text, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.create_api_key(text, interval) TO authenticated;

-- DEFINER: keys are written by no role
CREATE OR REPLACE FUNCTION auth.revoke_api_key(key_jti uuid)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $revoke_api_key$
DECLARE
    caller CONSTANT integer := auth.signed_in_user();
BEGIN
    PERFORM auth.refuse_get();
    UPDATE auth.api_key AS k SET revoked_at = clock_timestamp() WHERE k.jti = key_jti AND k.user_id = caller AND k.revoked_at IS NULL;
    RETURN FOUND;
END
$revoke_api_key$;
COMMENT ON FUNCTION auth.revoke_api_key(uuid) IS 'Ends an API key of the current user; false when he has no such key that is valid';
REVOKE ALL ON FUNCTION auth.revoke_api_key(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.revoke_api_key(uuid) TO authenticated;

-- Keys are also revoked through their view, and when their user is deleted or changes his password.
-- DEFINER: events are written by no role
CREATE OR REPLACE FUNCTION auth.api_key_revoked()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $api_key_revoked$
BEGIN
    IF TG_RELID <> 'auth.api_key'::regclass THEN
        RAISE EXCEPTION 'this trigger is for API keys' USING ERRCODE = 'wrong_object_type';
    END IF;
    PERFORM auth.log_event('api_key_revoked', NEW.user_id, jsonb_build_object('jti', NEW.jti));
    RETURN NULL;
END
$api_key_revoked$;
COMMENT ON FUNCTION auth.api_key_revoked() IS 'Trigger: records that an API key was revoked';
REVOKE ALL ON FUNCTION auth.api_key_revoked() FROM PUBLIC;

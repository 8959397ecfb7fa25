-- Definitions 83: signing in and out, keys and users over HTTP. Each function is the caller's own way to one of schema auth.

CREATE OR REPLACE FUNCTION api.login(email text, password text)
RETURNS auth.auth_response
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $login$
    SELECT auth.login(email, password)
$login$;
COMMENT ON FUNCTION api.login(text, text) IS
    'Begins a session; its tokens come in cookies. 401 with error_code WRONG_PASSWORD when it fails, 429 with Retry-After when it has failed too often';
REVOKE ALL ON FUNCTION api.login(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.login(text, text) TO anon, authenticated;

CREATE OR REPLACE FUNCTION api.refresh()
RETURNS auth.auth_response
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $refresh$
    SELECT auth.refresh()
$refresh$;
COMMENT ON FUNCTION api.refresh() IS 'Exchanges the refresh token of the cookie for new tokens; 401 with an error_code REFRESH_… when there is no session any more';
REVOKE ALL ON FUNCTION api.refresh() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.refresh() TO anon, authenticated;

CREATE OR REPLACE FUNCTION api.logout()
RETURNS auth.auth_response
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $logout$
    SELECT auth.logout()
$logout$;
COMMENT ON FUNCTION api.logout() IS 'Ends the session of the request';
REVOKE ALL ON FUNCTION api.logout() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.logout() TO anon, authenticated;

CREATE OR REPLACE FUNCTION api.auth_status()
RETURNS auth.auth_response
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $auth_status$
    SELECT auth.auth_status()
$auth_status$;
COMMENT ON FUNCTION api.auth_status() IS 'Who is signed in; expired_access_token_call_refresh says when to call refresh()';
REVOKE ALL ON FUNCTION api.auth_status() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.auth_status() TO anon, authenticated;

CREATE OR REPLACE FUNCTION api.auth_test()
RETURNS auth.auth_test_response
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $auth_test$
    SELECT auth.auth_test()
$auth_test$;
COMMENT ON FUNCTION api.auth_test() IS 'What the request looks like to the database, to find out what a proxy does with it; without its tokens';
REVOKE ALL ON FUNCTION api.auth_test() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.auth_test() TO anon, authenticated;

CREATE OR REPLACE FUNCTION api.auth_expire_access_keep_refresh()
RETURNS json
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $auth_expire_access_keep_refresh$
    SELECT auth.auth_expire_access_keep_refresh()
$auth_expire_access_keep_refresh$;
COMMENT ON FUNCTION api.auth_expire_access_keep_refresh() IS 'For tests of clients: the browser gets an access token past its time, and keeps its refresh token';
REVOKE ALL ON FUNCTION api.auth_expire_access_keep_refresh() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.auth_expire_access_keep_refresh() TO authenticated;

CREATE OR REPLACE FUNCTION api.list_active_sessions()
RETURNS SETOF auth.session_info
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $list_active_sessions$
    SELECT * FROM auth.list_active_sessions()
$list_active_sessions$;
COMMENT ON FUNCTION api.list_active_sessions() IS 'Where the caller is signed in';
REVOKE ALL ON FUNCTION api.list_active_sessions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.list_active_sessions() TO authenticated;

CREATE OR REPLACE FUNCTION api.revoke_session(refresh_session_jti uuid)
RETURNS boolean
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $revoke_session$
    SELECT auth.revoke_session(refresh_session_jti)
$revoke_session$;
COMMENT ON FUNCTION api.revoke_session(uuid) IS 'Ends a session of the caller; false when there is none';
REVOKE ALL ON FUNCTION api.revoke_session(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.revoke_session(uuid) TO authenticated;

CREATE OR REPLACE FUNCTION api.create_api_key(description text DEFAULT 'Default API Key', duration interval DEFAULT '1 year')
RETURNS auth.new_api_key
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $create_api_key$
    SELECT auth.create_api_key(description, duration)
$create_api_key$;
COMMENT ON FUNCTION api.create_api_key(text, interval) IS 'A token for scripts of the caller; it is shown once and not stored';
REVOKE ALL ON FUNCTION api.create_api_key(text, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.create_api_key(text, interval) TO authenticated;

CREATE OR REPLACE FUNCTION api.revoke_api_key(key_jti uuid)
RETURNS boolean
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $revoke_api_key$
    SELECT auth.revoke_api_key(key_jti)
$revoke_api_key$;
COMMENT ON FUNCTION api.revoke_api_key(uuid) IS 'Ends an API key of the caller; false when there is none that is valid';
REVOKE ALL ON FUNCTION api.revoke_api_key(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.revoke_api_key(uuid) TO authenticated;

-- Users and passwords ----------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION api.user_create(p_display_name text, p_email text, p_statbus_role text, p_password text DEFAULT NULL)
RETURNS TABLE (email text, password text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $user_create$
BEGIN
    PERFORM auth.refuse_get(), auth.refuse_api_key();
    RETURN QUERY SELECT c.email, c.password FROM auth.user_create(p_display_name, p_email, p_statbus_role, p_password) AS c;
END
$user_create$;
COMMENT ON FUNCTION api.user_create(text, text, text, text) IS
    'Makes a user and says his password this once; of a user who is there it changes the name and the role, and says no password. For administrators';
REVOKE ALL ON FUNCTION api.user_create(text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.user_create(text, text, text, text) TO admin_user;

CREATE OR REPLACE FUNCTION api.admin_change_password(user_sub uuid, new_password text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $admin_change_password$
BEGIN
    PERFORM auth.refuse_get(), auth.refuse_api_key();
    RETURN auth.admin_change_password(user_sub, new_password);
END
$admin_change_password$;
COMMENT ON FUNCTION api.admin_change_password(uuid, text) IS 'Gives a user another password; his sessions and API keys end. For administrators';
REVOKE ALL ON FUNCTION api.admin_change_password(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.admin_change_password(uuid, text) TO admin_user;

CREATE OR REPLACE FUNCTION api.end_connections(user_sub uuid)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $end_connections$
BEGIN
    PERFORM auth.refuse_get(), auth.refuse_api_key();
    RETURN auth.end_connections(user_sub);
END
$end_connections$;
COMMENT ON FUNCTION api.end_connections(uuid) IS 'Ends what a user has open in psql and the like; how many connections that were. For administrators';
REVOKE ALL ON FUNCTION api.end_connections(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.end_connections(uuid) TO admin_user;

CREATE OR REPLACE FUNCTION api.change_password(new_password text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $change_password$
BEGIN
    PERFORM auth.refuse_get(), auth.refuse_api_key();
    PERFORM auth.change_password(new_password);
    -- The session that asked has ended with the others.
    PERFORM auth.clear_session_cookies();
    RETURN true;
END
$change_password$;
COMMENT ON FUNCTION api.change_password(text) IS 'Gives the caller another password; all his sessions and API keys end, and he signs in again';
REVOKE ALL ON FUNCTION api.change_password(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.change_password(text) TO authenticated;

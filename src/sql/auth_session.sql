-- Signing in and out: sessions, API keys, and the record of both.

-- DEFINER: events are written by no role
CREATE OR REPLACE FUNCTION auth.log_event(kind text, user_id integer, details jsonb DEFAULT NULL, email text DEFAULT NULL, session_jti uuid DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $log_event$
BEGIN
    INSERT INTO auth.event (kind, user_id, by_user_id, email, session_jti, details)
    VALUES (kind::auth.event_kind, user_id, NULL, left(email, 80), session_jti, details);
END
$log_event$;
COMMENT ON FUNCTION auth.log_event(text, integer, jsonb, text, uuid) IS
    'Internal: records what happened to an account, a session or a key, with who did it and from where';
REVOKE ALL ON FUNCTION auth.log_event(text, integer, jsonb, text, uuid) FROM PUBLIC;

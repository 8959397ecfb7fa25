-- The register's own keys, and tokens signed with them.  The tables are those of secrets.sql; only C reads secrets.

-- A key that is changed or revoked is forgotten by every session when that is committed.
CREATE OR REPLACE FUNCTION auth.keys_changed()
RETURNS trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_auth_keys_changed';
COMMENT ON FUNCTION auth.keys_changed() IS 'Trigger: lets every session read the keys of tokens again';
REVOKE ALL ON FUNCTION auth.keys_changed() FROM PUBLIC;

CREATE OR REPLACE TRIGGER keys_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON auth.signing_key
FOR EACH STATEMENT EXECUTE FUNCTION auth.keys_changed();
ALTER TABLE auth.signing_key ENABLE ALWAYS TRIGGER keys_changed;

CREATE OR REPLACE TRIGGER keys_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON auth.secrets
FOR EACH STATEMENT EXECUTE FUNCTION auth.keys_changed();
ALTER TABLE auth.secrets ENABLE ALWAYS TRIGGER keys_changed;

-- Statistics would be copies of what is in the table.
ALTER TABLE auth.secrets ALTER COLUMN value SET STATISTICS 0;

-- DEFINER: the keys are read by no role; a caller learns what his own token says
CREATE OR REPLACE FUNCTION auth.jwt_verify(token_value text)
RETURNS auth.jwt_verify_result
LANGUAGE C STABLE PARALLEL SAFE COST 100 SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'statbus_auth_jwt_verify';
COMMENT ON FUNCTION auth.jwt_verify(text) IS
    'Whether a key of this register signed a token, and what it claims.  A good token past its exp is valid and expired; anything else wrong: not valid, no claims.  Never raises for a bad token';

CREATE OR REPLACE FUNCTION auth.jwt_sign(claims jsonb, kid text DEFAULT NULL)
RETURNS text
LANGUAGE C VOLATILE PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'statbus_auth_jwt_sign';
COMMENT ON FUNCTION auth.jwt_sign(jsonb, text) IS
    'A token of these claims, signed with the newest active key or with the one named.  22023 when the claims are no JSON object, 55000 when no key can sign';
REVOKE ALL ON FUNCTION auth.jwt_sign(jsonb, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.jwt_switch_role(token_value text)
RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_auth_jwt_switch_role';
COMMENT ON FUNCTION auth.jwt_switch_role(text) IS
    'Takes on the role of an access token until the end of the transaction, if session_user may; 28000 for a token that is not good, 0P000 for a role that is not a user''s, 25P01 outside a transaction';

CREATE OR REPLACE FUNCTION auth.store_key(kid text, algorithm text, path text, otherwise text)
RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_auth_store_key';
COMMENT ON FUNCTION auth.store_key(text, text, text, text) IS
    'Internal: makes a key, or reads it from a file of the server if a path is given, and keeps its secret; its kid (as given, else as in the file, else the last argument) and public part. Superusers only';
REVOKE ALL ON FUNCTION auth.store_key(text, text, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.unrecorded_keys()
RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $unrecorded_keys$
BEGIN
    RETURN QUERY
    SELECT k.kid
    FROM auth.signing_key AS k
    WHERE k.state <> 'revoked'
    AND NOT EXISTS (SELECT FROM auth.event AS e WHERE e.kind IN ('key_created', 'key_loaded') AND e.details->>'kid' = k.kid);
END
$unrecorded_keys$;
COMMENT ON FUNCTION auth.unrecorded_keys() IS 'Internal: keys that a restore or a new CREATE EXTENSION has made, by kid';
REVOKE ALL ON FUNCTION auth.unrecorded_keys() FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.lost_key(algorithm text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $lost_key$
BEGIN
    IF to_regclass('auth.event') IS NULL OR NOT EXISTS (SELECT FROM auth.unrecorded_keys()) THEN
        RETURN NULL;
    END IF;
    RETURN (
        SELECT e.details->>'kid'
        FROM auth.event AS e
        WHERE e.kind IN ('key_created', 'key_loaded')
        AND (lost_key.algorithm IS NULL OR e.details->>'algorithm' = lost_key.algorithm)
        AND NOT EXISTS (SELECT FROM auth.event AS r WHERE r.kind = 'key_revoked' AND r.details->>'kid' = e.details->>'kid')
        AND NOT EXISTS (SELECT FROM auth.signing_key AS k WHERE k.kid = e.details->>'kid')
        ORDER BY e.id DESC
        LIMIT 1);
END
$lost_key$;
COMMENT ON FUNCTION auth.lost_key(text) IS 'Internal: the newest key of before a restore, by kid; NULL when there was none, or somebody has seen to the keys since';
REVOKE ALL ON FUNCTION auth.lost_key(text) FROM PUBLIC;

-- A key and its row, without a record of it.
CREATE OR REPLACE FUNCTION auth.add_key(kid text, algorithm text, path text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $add_key$
DECLARE
    made jsonb;
BEGIN
    -- One at a time, or two would both be the newest.
    LOCK TABLE auth.signing_key IN SHARE ROW EXCLUSIVE MODE;
    made := auth.store_key(kid, algorithm, path, CASE WHEN path IS NOT NULL THEN auth.lost_key(algorithm) END);
    IF EXISTS (SELECT FROM auth.signing_key AS k WHERE k.kid = made->>'kid' AND k.state = 'revoked') THEN
        RAISE EXCEPTION 'key "%" was revoked', made->>'kid' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    INSERT INTO auth.signing_key AS k (kid, algorithm, public_jwk, created_at)
    VALUES (made->>'kid', algorithm, nullif(made->'public_jwk', 'null'), clock_timestamp())
    ON CONFLICT ON CONSTRAINT signing_key_pkey DO UPDATE
    SET algorithm = excluded.algorithm, state = 'active', public_jwk = excluded.public_jwk,
        not_before = '-infinity', not_after = 'infinity', created_at = excluded.created_at;
    RETURN made->>'kid';
END
$add_key$;
COMMENT ON FUNCTION auth.add_key(text, text, text) IS 'Internal: a key of tokens, new or from a file; its kid';
REVOKE ALL ON FUNCTION auth.add_key(text, text, text) FROM PUBLIC;

-- Keys belong to no dump.  Those that an install makes are therefore recorded only in a new register: elsewhere the
-- missing record says that the tokens of before are dead, until somebody sees to the keys.
CREATE OR REPLACE FUNCTION auth.ensure_signing_key()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $ensure_signing_key$
BEGIN
    IF NOT EXISTS (SELECT FROM auth.signing_key AS k WHERE k.state = 'active' AND clock_timestamp() < k.not_after) THEN
        PERFORM auth.add_key(NULL, 'HS256', NULL);
    END IF;
END
$ensure_signing_key$;
COMMENT ON FUNCTION auth.ensure_signing_key() IS 'Internal: makes a first key of tokens if there is none';
REVOKE ALL ON FUNCTION auth.ensure_signing_key() FROM PUBLIC;

-- Whoever sees to the keys has seen what a restore made of them.
CREATE OR REPLACE FUNCTION auth.record_key(kind text, kid text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $record_key$
DECLARE
    other text;
BEGIN
    PERFORM auth.log_event(kind, NULL, (
        SELECT jsonb_build_object('kid', k.kid, 'algorithm', k.algorithm) FROM auth.signing_key AS k WHERE k.kid = record_key.kid));
    FOR other IN SELECT u.kid FROM auth.unrecorded_keys() AS u (kid) LOOP
        PERFORM auth.log_event('key_created', NULL, (
            SELECT jsonb_build_object('kid', k.kid, 'algorithm', k.algorithm) FROM auth.signing_key AS k WHERE k.kid = other));
    END LOOP;
END
$record_key$;
COMMENT ON FUNCTION auth.record_key(text, text) IS 'Internal: an event about a key, and about those that nobody has recorded';
REVOKE ALL ON FUNCTION auth.record_key(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.create_signing_key(algorithm text DEFAULT 'HS256')
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $create_signing_key$
DECLARE
    made text := auth.add_key(NULL, algorithm, NULL);
BEGIN
    PERFORM auth.record_key('key_created', made);
    RETURN made;
END
$create_signing_key$;
COMMENT ON FUNCTION auth.create_signing_key(text) IS
    'Makes a key that signs from now on, beside those that are there; returns its kid.  PostgREST has to be given auth.jwt_secret() again.  Superusers only';
REVOKE ALL ON FUNCTION auth.create_signing_key(text) FROM PUBLIC;

-- What has been signed stays good: sessions until they have been refreshed, API keys until they expire.
CREATE OR REPLACE FUNCTION auth.retire_keys(except_kid text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $retire_keys$
DECLARE
    moment timestamptz := clock_timestamp();
    lifetime interval := make_interval(secs => statbus.setting('statbus.refresh_token_lifetime')::integer);
    retired record;
BEGIN
    FOR retired IN
        UPDATE auth.signing_key AS k
        SET state = 'verify_only',
            not_after = least(k.not_after, greatest(moment + lifetime, (
                SELECT max(a.expires_at) FROM auth.api_key AS a WHERE a.kid = k.kid AND a.revoked_at IS NULL)))
        WHERE k.state = 'active' AND k.kid <> except_kid AND k.not_before < moment
        RETURNING k.kid
    LOOP
        PERFORM auth.record_key('key_changed', retired.kid);
    END LOOP;
    -- A private part that signs no more, and a secret that no longer verifies, need not be kept.
    DELETE FROM auth.secrets AS s
    USING auth.signing_key AS k
    WHERE s.key = 'jwt_secret:' || k.kid
    AND (k.not_after < moment OR (k.state <> 'active' AND k.public_jwk IS NOT NULL));
    DELETE FROM auth.signing_key AS k WHERE k.not_after < moment;
END
$retire_keys$;
COMMENT ON FUNCTION auth.retire_keys(text) IS 'Internal: lets all other keys only verify, and removes those whose time is over';
REVOKE ALL ON FUNCTION auth.retire_keys(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.rotate_signing_key(algorithm text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $rotate_signing_key$
DECLARE
    made text;
BEGIN
    made := auth.add_key(NULL, coalesce(algorithm, (
        SELECT k.algorithm FROM auth.signing_key AS k WHERE k.state = 'active' ORDER BY k.created_at DESC, k.kid DESC LIMIT 1), 'HS256'), NULL);
    PERFORM auth.record_key('key_created', made);
    PERFORM auth.retire_keys(made);
    RETURN made;
END
$rotate_signing_key$;
COMMENT ON FUNCTION auth.rotate_signing_key(text) IS
    'Makes a key that signs from now on, of the same algorithm if none is named; the others only verify, as long as sessions and API keys of them can live.  Returns its kid.  PostgREST has to be given auth.jwt_secret() again.  Superusers only';
REVOKE ALL ON FUNCTION auth.rotate_signing_key(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.revoke_signing_key(kid text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $revoke_signing_key$
DECLARE
    revoked record;
BEGIN
    LOCK TABLE auth.signing_key IN SHARE ROW EXCLUSIVE MODE;
    UPDATE auth.signing_key AS k SET state = 'revoked' WHERE k.kid = revoke_signing_key.kid RETURNING k.algorithm INTO revoked;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no signing key "%"', kid USING ERRCODE = 'undefined_object';
    END IF;
    DELETE FROM auth.secrets AS s WHERE s.key = 'jwt_secret:' || revoke_signing_key.kid;
    PERFORM auth.record_key('key_revoked', kid);
    -- People must be able to sign in again.
    IF NOT EXISTS (SELECT FROM auth.signing_key AS k WHERE k.state = 'active' AND k.not_before <= clock_timestamp() AND clock_timestamp() < k.not_after) THEN
        PERFORM auth.create_signing_key(revoked.algorithm);
    END IF;
END
$revoke_signing_key$;
COMMENT ON FUNCTION auth.revoke_signing_key(text) IS
    'No token of this key is valid any more, and its secret is gone; another key is made if none is left that signs.  PostgREST has to be given auth.jwt_secret() again.  Superusers only';
REVOKE ALL ON FUNCTION auth.revoke_signing_key(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION auth.set_secret_from_file(path text, kid text DEFAULT NULL, algorithm text DEFAULT 'HS256')
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $set_secret_from_file$
DECLARE
    loaded text;
BEGIN
    IF path IS NULL THEN
        RAISE EXCEPTION 'no file is named' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    loaded := auth.add_key(kid, algorithm, path);
    PERFORM auth.record_key('key_loaded', loaded);
    PERFORM auth.retire_keys(loaded);
    RETURN loaded;
END
$set_secret_from_file$;
COMMENT ON FUNCTION auth.set_secret_from_file(text, text, text) IS
    'Loads a key from a file of the server: the text of a shared secret, or a JWK with its private part. It signs from now on, the others only verify. Tokens that were signed with it elsewhere are good if it has the same kid; after a restore, a key that is not named is the newest of before. Returns the kid. Superusers only';
REVOKE ALL ON FUNCTION auth.set_secret_from_file(text, text, text) FROM PUBLIC;

-- DEFINER: the public parts of keys are for everybody, their rows are not
CREATE OR REPLACE FUNCTION auth.jwks()
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $jwks$
    SELECT jsonb_build_object('keys', coalesce(jsonb_agg(k.public_jwk ORDER BY k.created_at DESC, k.kid DESC), '[]'))
    FROM auth.signing_key AS k
    WHERE k.state <> 'revoked' AND k.public_jwk IS NOT NULL AND clock_timestamp() < k.not_after
$jwks$;
COMMENT ON FUNCTION auth.jwks() IS 'The public keys of this register''s tokens, as a JWK set; shared secrets are not in it';

CREATE OR REPLACE FUNCTION auth.jwt_secret()
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $jwt_secret$
DECLARE
    jwks jsonb;
    shared text;
BEGIN
    SELECT jsonb_agg(coalesce(k.public_jwk, jsonb_build_object(
               'kty', 'oct', 'kid', k.kid, 'alg', k.algorithm, 'use', 'sig',
               'k', rtrim(translate(encode(convert_to(s.value, 'UTF8'), 'base64'), E'+/\n', '-_'), '='))) ORDER BY k.created_at DESC, k.kid DESC),
           min(s.value) FILTER (WHERE k.public_jwk IS NULL)
    INTO jwks, shared
    FROM auth.signing_key AS k
    LEFT JOIN auth.secrets AS s ON s.key = 'jwt_secret:' || k.kid
    WHERE k.state <> 'revoked' AND clock_timestamp() < k.not_after
    AND (k.public_jwk IS NOT NULL OR s.key IS NOT NULL);
    IF jwks IS NULL THEN
        RAISE EXCEPTION 'there is no key of tokens'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Run SELECT auth.create_signing_key().';
    END IF;
    IF jsonb_array_length(jwks) = 1 AND shared IS NOT NULL THEN
        RETURN shared;
    END IF;
    RETURN jsonb_build_object('keys', jwks);
END
$jwt_secret$;
COMMENT ON FUNCTION auth.jwt_secret() IS
    'What PostgREST''s setting jwt-secret has to hold: the one shared secret, or a JWK set of all keys that verify. Superusers only';
REVOKE ALL ON FUNCTION auth.jwt_secret() FROM PUBLIC;

-- DEFINER: the keys are read by no role, their state is for everybody who asks for statbus.status()
CREATE OR REPLACE FUNCTION statbus.key_status()
RETURNS TABLE (item text, value text, hint text)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $key_status$
DECLARE
    signing record;
BEGIN
    SELECT k.kid, k.algorithm INTO signing
    FROM auth.signing_key AS k
    WHERE k.state = 'active' AND k.not_before <= clock_timestamp() AND clock_timestamp() < k.not_after
    ORDER BY k.created_at DESC, k.kid DESC
    LIMIT 1;
    IF signing.kid IS NULL THEN
        RETURN QUERY SELECT 'signing key'::text, 'none'::text, 'Nobody can sign in. Run SELECT auth.create_signing_key().'::text;
    ELSIF to_regclass('auth.event') IS NOT NULL AND EXISTS (SELECT FROM auth.unrecorded_keys()) THEN
        RETURN QUERY SELECT 'signing key'::text, signing.algorithm || ', made after a restore'::text, format(
            'Tokens of before are refused: no dump holds keys. Run SELECT auth.set_secret_from_file(…, %L) with the old key, or SELECT auth.rotate_signing_key() to go on with new ones.', auth.lost_key());
    ELSE
        RETURN QUERY SELECT 'signing key'::text, signing.algorithm, NULL::text;
    END IF;
    RETURN QUERY SELECT 'jwt-secret'::text, 'SELECT auth.jwt_secret()'::text, 'Setting of PostgREST.'::text;
    IF statbus.setting('statbus.jwt_audience') <> '' THEN
        RETURN QUERY SELECT 'jwt-aud'::text, statbus.setting('statbus.jwt_audience'), 'Setting of PostgREST.'::text;
    END IF;
END
$key_status$;
COMMENT ON FUNCTION statbus.key_status() IS 'Internal: the lines of statbus.status() about the keys of tokens';

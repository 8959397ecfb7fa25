-- A token of ten claims signed with HS256 (about 480 bytes), distinct tokens in one set query: auth.jwt_verify beside the same checks in
-- plpgsql over pgcrypto.
-- needs: auth.jwt_verify
-- run: statbus
-- run: plpgsql
-- run: jwt_check
-- run: mac
-- same: statbus plpgsql
-- ratio: plpgsql over pgcrypto takes, of our time | auth.jwt_verify | plpgsql / statbus | >= 3
-- ratio: all of it, of the bare MAC by pgcrypto's hmac() | auth.jwt_verify | statbus / mac |
-- ratio: with the key given as a JWK | auth.jwt_check | jwt_check / statbus |
-- time: 50,000 tokens (333 ms are 150,000 a second) | auth.jwt_verify | statbus | <= 333
\echo == setup
DROP TABLE IF EXISTS token, secret CASCADE;
CREATE TABLE secret AS
SELECT s.value AS text, jsonb_build_object('kty', 'oct', 'alg', 'HS256', 'kid', k.kid, 'k',
       translate(encode(convert_to(s.value, 'UTF8'), 'base64'), E'+/=\n', '-_')) AS jwk
FROM auth.signing_key AS k JOIN auth.secrets AS s ON s.key = 'jwt_secret:' || k.kid WHERE k.algorithm = 'HS256';
CREATE TABLE token AS
SELECT auth.jwt_sign(jsonb_build_object('role', 'user' || i || '@example.org', 'statbus_role', 'regular_user', 'sub', gen_random_uuid(), 'uid', i,
                     'email', 'user' || i || '@example.org', 'display_name', 'User ' || i, 'type', 'access',
                     'iat', 1760000000, 'exp', 4102444800, 'jti', gen_random_uuid()), s.jwk ->> 'kid') AS text
FROM generate_series(1, 50000) AS i, secret AS s;
VACUUM ANALYZE token;
CREATE OR REPLACE FUNCTION base64url_decode(given text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $base64url_decode$
DECLARE
    bytes bytea;
BEGIN
    IF given !~ '^[A-Za-z0-9_-]*$' THEN
        RETURN NULL;
    END IF;
    bytes := decode(rpad(translate(given, '-_', '+/'), (length(given) + 3) / 4 * 4, '='), 'base64');
    RETURN CASE WHEN rtrim(translate(encode(bytes, 'base64'), E'+/\n', '-_'), '=') = given THEN bytes END;     -- no stray bits
END $base64url_decode$;
-- The checks of auth.jwt_verify, as far as they can be made in plpgsql: duplicate members pass.
CREATE OR REPLACE FUNCTION plpgsql_verify(token text, secret text) RETURNS auth.jwt_verify_result LANGUAGE plpgsql STABLE PARALLEL SAFE AS $plpgsql_verify$
DECLARE
    part text[] := string_to_array(token, '.');
    header jsonb;
    claims jsonb;
    mac bytea;
    now_s numeric := extract(epoch FROM clock_timestamp());
    result auth.jwt_verify_result := (false, NULL, NULL, false);
BEGIN
    IF token IS NULL OR octet_length(token) > 16384 OR cardinality(part) <> 3 THEN
        result.error_message := 'Expected 3 parts in JWT';
        RETURN result;
    END IF;
    mac := base64url_decode(part[3]);
    IF base64url_decode(part[1]) IS NULL OR base64url_decode(part[2]) IS NULL OR mac IS NULL THEN
        result.error_message := 'Malformed JWT';
        RETURN result;
    END IF;
    header := convert_from(base64url_decode(part[1]), 'UTF8')::jsonb;
    IF jsonb_typeof(header) <> 'object' OR header ->> 'alg' IS DISTINCT FROM 'HS256' OR header ? 'crit' OR header ? 'cty'
        OR lower(coalesce(header ->> 'typ', 'JWT')) NOT IN ('jwt', 'at+jwt') THEN
        result.error_message := 'Wrong or unsupported encoding algorithm';
        RETURN result;
    END IF;
    -- compared through another MAC, so that the time tells nothing
    IF hmac(mac, secret::bytea, 'sha256') <> hmac(hmac(part[1] || '.' || part[2], secret, 'sha256'), secret::bytea, 'sha256') THEN
        result.error_message := 'JWT cryptographic operation failed';
        RETURN result;
    END IF;
    claims := convert_from(base64url_decode(part[2]), 'UTF8')::jsonb;
    IF jsonb_typeof(claims) <> 'object' OR jsonb_typeof(claims -> 'exp') IS DISTINCT FROM 'number'
        OR jsonb_typeof(claims -> 'nbf') <> 'number' OR jsonb_typeof(claims -> 'iat') <> 'number' THEN
        result.error_message := 'Parsing claims failed';
        RETURN result;
    END IF;
    IF (claims ->> 'nbf')::numeric > now_s OR (claims ->> 'iat')::numeric > now_s THEN
        result.error_message := 'JWT not yet valid';
        RETURN result;
    END IF;
    result.is_valid := true;
    result.claims := claims;
    result.expired := (claims ->> 'exp')::numeric <= now_s;
    RETURN result;
END $plpgsql_verify$;
\echo == statbus
SELECT count(*) FILTER (WHERE (v.r).is_valid), sum((((v.r).claims) ->> 'uid')::int) FROM (SELECT auth.jwt_verify(t.text) AS r FROM token AS t OFFSET 0) AS v;
\echo == plpgsql
SELECT count(*) FILTER (WHERE (v.r).is_valid), sum((((v.r).claims) ->> 'uid')::int) FROM (SELECT plpgsql_verify(t.text, s.text) AS r FROM token AS t, secret AS s OFFSET 0) AS v;
\echo == jwt_check
SELECT count(*) FILTER (WHERE (v.r).is_valid), sum((((v.r).claims) ->> 'uid')::int) FROM (SELECT auth.jwt_check(t.text, s.jwk) AS r FROM token AS t, secret AS s OFFSET 0) AS v;
\echo == mac
SELECT count(hmac(substr(t.text, 1, length(t.text) - 44), s.text, 'sha256')) FROM token AS t, secret AS s;

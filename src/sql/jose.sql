-- Signed tokens with keys that the caller gives: the verifier itself (C: src/jose*.c).
--
-- What is wrong with a token is a result, never an error; a bad option is a bad call and raises 22023. Both depend on the
-- clock or might, so that they are STABLE: an immutable call would be done once, at plan time, with the key in the plan.
--
-- Everybody may execute them: they read no data, and their keys are the caller's. A secret in a query's text reaches logs and
-- pg_stat_activity: give it as a parameter.

CREATE OR REPLACE FUNCTION auth.jwt_check(token text, jwks jsonb, options jsonb DEFAULT '{}')
RETURNS auth.jwt_check_result
LANGUAGE c STABLE PARALLEL SAFE COST 50
AS 'MODULE_PATHNAME', 'statbus_jwt_check';
COMMENT ON FUNCTION auth.jwt_check(text, jsonb, jsonb) IS
    'Whether a token is good under a JWK or a JWK set, and its claims only then. Options: algorithms, audience, issuer, leeway, max_bytes, now, require, typ.';
REVOKE ALL ON FUNCTION auth.jwt_check(text, jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.jwt_check(text, jsonb, jsonb) TO PUBLIC;

CREATE OR REPLACE FUNCTION auth.jws_verify(token text, jwk jsonb)
RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE COST 50
AS 'MODULE_PATHNAME', 'statbus_jws_verify';
COMMENT ON FUNCTION auth.jws_verify(text, jsonb) IS
    'Whether the signature of a token is good under a JWK, whatever its payload says; false for NULL.';
REVOKE ALL ON FUNCTION auth.jws_verify(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.jws_verify(text, jsonb) TO PUBLIC;

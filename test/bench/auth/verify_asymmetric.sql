-- Verification with public keys, distinct tokens of ten claims in one set query, beside what `openssl speed` does on the same core.
-- needs: auth.jwt_verify auth.create_signing_key
-- run: rs256 x5
-- run: openssl_rsa3072 x5 command=./openssl_speed.sh rsa3072 verify 10000
-- run: es256 x5
-- run: openssl_ecdsap256 x5 command=./openssl_speed.sh ecdsap256 verify 10000
-- run: eddsa x5
-- run: openssl_ed25519 x5 command=./openssl_speed.sh ed25519 verify 10000
-- ratio: RS256 (3072 bits), part of the speed of openssl | auth.jwt_verify | openssl_rsa3072 / rs256 | >= 0.70
-- ratio: ES256, part of the speed of openssl | auth.jwt_verify | openssl_ecdsap256 / es256 | >= 0.85
-- ratio: EdDSA (Ed25519), part of the speed of openssl | auth.jwt_verify | openssl_ed25519 / eddsa | >= 0.85
\echo == setup
DROP TABLE IF EXISTS signed CASCADE;
SELECT auth.create_signing_key(a.name) FROM unnest('{RS256,ES256,EdDSA}'::text[]) AS a (name)
WHERE NOT EXISTS (SELECT FROM auth.signing_key AS k WHERE k.algorithm = a.name);
CREATE TABLE signed AS
SELECT k.algorithm, auth.jwt_sign(jsonb_build_object('role', 'user' || i || '@example.org', 'statbus_role', 'regular_user', 'sub', gen_random_uuid(), 'uid', i,
                                  'email', 'user' || i || '@example.org', 'display_name', 'User ' || i, 'type', 'access',
                                  'iat', 1760000000, 'exp', 4102444800, 'jti', gen_random_uuid()), k.kid) AS text
FROM auth.signing_key AS k, generate_series(1, 1000) AS i WHERE k.algorithm IN ('RS256', 'ES256', 'EdDSA');
\echo == rs256
SELECT count(*) FILTER (WHERE (v.r).is_valid) FROM (SELECT auth.jwt_verify(t.text) AS r FROM signed AS t, generate_series(1, 10) WHERE t.algorithm = 'RS256' OFFSET 0) AS v;
\echo == es256
SELECT count(*) FILTER (WHERE (v.r).is_valid) FROM (SELECT auth.jwt_verify(t.text) AS r FROM signed AS t, generate_series(1, 10) WHERE t.algorithm = 'ES256' OFFSET 0) AS v;
\echo == eddsa
SELECT count(*) FILTER (WHERE (v.r).is_valid) FROM (SELECT auth.jwt_verify(t.text) AS r FROM signed AS t, generate_series(1, 10) WHERE t.algorithm = 'EdDSA' OFFSET 0) AS v;

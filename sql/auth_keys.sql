-- The keys of the register's tokens: made, rotated, revoked; tokens signed and verified with them.
SET client_min_messages = warning;
\set far 4102444800

-- Whether a statement is refused with a state; the message must not tell a token, a secret or a claim.
CREATE FUNCTION pg_temp.state_of(statement text) RETURNS text LANGUAGE plpgsql AS $state_of$
DECLARE
    told text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS told = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || coalesce(' / ' || nullif(told, ''), '');
END
$state_of$;

-- A new register has a key, and a record of it.
SELECT count(*) AS keys, min(algorithm) AS algorithm, min(state) AS state, bool_and(kid ~ '^[0-9a-f]{16}$') AS named FROM auth.signing_key;
SELECT e.kind, e.details = jsonb_build_object('kid', k.kid, 'algorithm', k.algorithm) AS told
FROM auth.event AS e JOIN auth.signing_key AS k ON k.kid = e.details->>'kid';
SELECT * FROM statbus.status() WHERE item IN ('signing key', 'jwt-secret', 'jwt-aud') ORDER BY item;
-- The secret is text that PostgREST takes as it is.
SELECT auth.jwt_secret() = s.value AS same, s.value ~ '^[A-Za-z0-9_-]{64}$' AS long FROM auth.secrets AS s WHERE s.key LIKE 'jwt\_secret:%';
SELECT auth.jwks();
SELECT kid AS first_kid FROM auth.signing_key \gset

-- A token comes back as it went in.
SELECT auth.jwt_sign(jsonb_build_object('role', 'a b', 'quoted', E'a"b\\ c', 'list', '[1, 2.50, {"deep": null}]'::jsonb, 'exp', :far)) AS token \gset
SELECT * FROM auth.jwt_verify(:'token');
SELECT convert_from(decode(rpad(translate(split_part(:'token', '.', 1), '-_', '+/'), 4 * ceil(length(split_part(:'token', '.', 1)) / 4.0)::integer, '='), 'base64'), 'UTF8')::jsonb
       = jsonb_build_object('alg', 'HS256', 'typ', 'JWT', 'kid', :'first_kid') AS header;
-- Past its exp it is valid and expired, and says so.
SELECT * FROM auth.jwt_verify(auth.jwt_sign('{"exp": 1, "sub": "x"}'));
-- Everything else that is wrong: not valid, no claims, never an error, never NULL.
SELECT wrong, (auth.jwt_verify(token)).*
FROM (VALUES
    ('null', NULL),
    ('empty', ''),
    ('no token', 'hello'),
    ('four parts', :'token' || '.x'),
    ('a bit of the signature', left(:'token', -2) || CASE right(left(:'token', -1), 1) WHEN 'A' THEN 'B' ELSE 'A' END || right(:'token', 1)),
    ('other claims', regexp_replace(:'token', '\.[^.]+\.', '.eyJyb2xlIjoicG9zdGdyZXMiLCJleHAiOjQxMDI0NDQ4MDB9.')),
    ('alg none', regexp_replace(:'token', '^[^.]+', 'eyJhbGciOiJub25lIn0')),
    ('no signature', regexp_replace(:'token', '[^.]+$', '')),
    ('no exp', auth.jwt_sign('{"sub": "x"}')),
    ('exp is null', auth.jwt_sign('{"exp": null}')),
    ('exp is text', auth.jwt_sign('{"exp": "4102444800"}')),
    ('exp is too large', auth.jwt_sign('{"exp": 1e400}')),
    ('not yet', auth.jwt_sign('{"exp": 4102444800, "nbf": 4102444799}')),
    ('of the future', auth.jwt_sign('{"exp": 4102444800, "iat": 4102444799}')),
    ('16 kB', repeat('x', 16385)),
    ('10 MB, compressed', (SELECT repeat('x', 10000000)))) AS t (wrong, token);

-- The audience is asked for when one is set.
SET statbus.jwt_audience = 'statbus';
SELECT (auth.jwt_verify(:'token')).*;
SELECT (auth.jwt_verify(auth.jwt_sign(jsonb_build_object('aud', a.aud, 'exp', :far)))).is_valid AS good, a.aud
FROM (VALUES ('"statbus"'::jsonb), ('["x", "statbus"]'), ('"Statbus"'), ('[]'), ('null'), ('["statbus/x"]')) AS a (aud);
SELECT * FROM statbus.status() WHERE item = 'jwt-aud';
RESET statbus.jwt_audience;

-- Tokens that somebody else has made with the secret.
CREATE FUNCTION pg_temp.handmade(header text, claims text, secret text) RETURNS text LANGUAGE sql AS $handmade$
    WITH input AS (
        SELECT string_agg(rtrim(translate(encode(convert_to(p.part, 'UTF8'), 'base64'), E'+/\n', '-_'), '='), '.' ORDER BY p.n) AS text
        FROM unnest(ARRAY[header, claims]) WITH ORDINALITY AS p (part, n))
    SELECT text || '.' || rtrim(translate(encode(hmac(convert_to(text, 'UTF8'), convert_to(secret, 'UTF8'), 'sha256'), 'base64'), E'+/\n', '-_'), '=') FROM input
$handmade$;
SELECT header, (auth.jwt_verify(pg_temp.handmade(header, '{"exp":4102444800}', auth.jwt_secret()))).*
FROM unnest(ARRAY['{"alg":"HS256"}', '{"alg":"HS256","kid":"other"}', '{"alg":"HS256","kid":null}', '{"alg":"HS384"}', '{"alg":"none"}', '{"alg":"HS256","crit":["exp"]}', '{"alg":"HS256","alg":"HS256"}']) AS header;
SELECT (auth.jwt_verify(pg_temp.handmade('{"alg":"HS256"}', '{"exp":4102444800}', 'another secret that is long enough'))).*;

-- What cannot be signed.
SELECT pg_temp.state_of(format('SELECT auth.jwt_sign(%L)', claims)) FROM unnest(ARRAY['[]', '"x"', 'null', NULL]) AS claims;
SELECT pg_temp.state_of(format('SELECT auth.jwt_sign(%L)', '{"x":' || repeat('[', depth - 1) || repeat(']', depth - 1) || '}')) FROM unnest(ARRAY[16, 17]) AS depth;
SELECT pg_temp.state_of('SELECT auth.jwt_sign(jsonb_build_object(''x'', repeat(''x'', 16384)))');
SELECT pg_temp.state_of('SELECT auth.jwt_sign(''{}'', ''no such key'')');

-- Every algorithm.  A changed signature is refused.
CREATE FUNCTION pg_temp.spoil(token text) RETURNS text LANGUAGE sql AS $spoil$
    SELECT overlay(token PLACING CASE substr(token, at, 1) WHEN 'A' THEN 'B' ELSE 'A' END FROM at)
    FROM (SELECT length(split_part(token, '.', 1)) + length(split_part(token, '.', 2)) + 12) AS p (at)
$spoil$;
CREATE TEMP TABLE made AS
SELECT a.name, auth.create_signing_key(a.name) AS kid
FROM unnest('{HS256,HS384,HS512,RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,ES512,EdDSA}'::text[]) AS a (name);
ALTER TABLE made ADD COLUMN token text;
UPDATE made SET token = auth.jwt_sign(jsonb_build_object('alg', name, 'exp', :far), kid);
SELECT name, length(split_part(token, '.', 3)) AS signature, (auth.jwt_verify(token)).is_valid, (auth.jwt_verify(token)).claims->>'alg' = name AS claims,
       (auth.jwt_verify(pg_temp.spoil(token))).*
FROM made ORDER BY name COLLATE "C";
SELECT pg_temp.state_of(format('SELECT auth.create_signing_key(%L)', name)) FROM unnest(ARRAY['none', 'hs256', 'Ed25519', '', NULL]) AS name;
-- Without a name the newest signs.
SELECT m.name FROM made AS m
WHERE m.kid = convert_from(decode(rpad(translate(split_part(auth.jwt_sign('{}'), '.', 1), '-_', '+/'), 4 * ceil(length(split_part(auth.jwt_sign('{}'), '.', 1)) / 4.0)::integer, '='), 'base64'), 'UTF8')::jsonb->>'kid';
-- Public keys are public, the rest is nowhere.
SELECT j->>'kty' AS kty, j->>'alg' AS alg, array_agg(k ORDER BY k COLLATE "C") AS members
FROM jsonb_array_elements(auth.jwks()->'keys') AS j CROSS JOIN LATERAL jsonb_object_keys(j) AS k
GROUP BY j ORDER BY j->>'alg';
SELECT count(*) AS keys, bool_and(auth.jws_verify(m.token, j)) AS they_verify
FROM made AS m JOIN jsonb_array_elements(auth.jwks()->'keys') AS j ON j->>'kid' = m.kid;
-- PostgREST gets all of them; what it knows verifies as here.
SELECT count(*) AS keys, count(*) FILTER (WHERE j->>'kty' = 'oct') AS shared FROM jsonb_array_elements(auth.jwt_secret()::jsonb->'keys') AS j;
SELECT bool_and((auth.jwt_check(m.token, auth.jwt_secret()::jsonb)).is_valid) AS they_verify FROM made AS m;

-- Rotation: the new key signs, the others verify as long as what they signed can live.
INSERT INTO auth.api_key (user_id, expires_at, token_hash, token_prefix, kid)
SELECT 1, clock_timestamp() + interval '365 days', sha256('x'), 'prefix', m.kid FROM made AS m WHERE m.name = 'HS512';
SELECT auth.rotate_signing_key() AS rotated \gset
SELECT algorithm, state, count(*), min(CASE not_after WHEN 'infinity' THEN 'ever' ELSE round(extract(epoch FROM not_after - clock_timestamp()) / 86400)::text END) AS days
FROM auth.signing_key WHERE kid = :'rotated' OR algorithm LIKE 'HS%' GROUP BY 1, 2 ORDER BY algorithm COLLATE "C", 2;
SELECT bool_and((auth.jwt_verify(token)).is_valid) AS all_verify FROM made;
SELECT pg_temp.state_of(format('SELECT auth.jwt_sign(''{}'', %L)', kid)) AS signs_no_more, count(*) FROM made GROUP BY 1;
-- Private parts that sign no more are gone.
SELECT k.algorithm, k.state, count(s.key) AS secrets FROM auth.signing_key AS k LEFT JOIN auth.secrets AS s ON s.key = 'jwt_secret:' || k.kid
WHERE k.algorithm IN ('HS256', 'ES256', 'EdDSA') GROUP BY 1, 2 ORDER BY 1, 2;

-- A key verifies within its time.
SELECT token AS es256, kid AS es256_kid FROM made WHERE name = 'ES256' \gset
UPDATE auth.signing_key SET not_after = clock_timestamp() + interval '1 hour' WHERE kid = :'es256_kid';
SELECT (auth.jwt_verify(:'es256')).is_valid;
UPDATE auth.signing_key SET not_after = clock_timestamp() WHERE kid = :'es256_kid';
SELECT (auth.jwt_verify(:'es256')).*;
UPDATE auth.signing_key SET not_before = clock_timestamp() + interval '1 hour', not_after = 'infinity' WHERE kid = :'es256_kid';
SELECT (auth.jwt_verify(:'es256')).*;
-- Its time comes, and goes, while a session has it in memory.
UPDATE auth.signing_key SET not_before = clock_timestamp() + interval '0.3 seconds', not_after = clock_timestamp() + interval '1.2 seconds' WHERE kid = :'es256_kid';
SELECT n, (auth.jwt_verify(:'es256' || left(pg_sleep(n * 0.5)::text, 0))).is_valid FROM generate_series(0, 2) AS n;

-- What is rolled back never was, also for the session that did it.
BEGIN;
SAVEPOINT before;
SELECT auth.create_signing_key() AS undone \gset
SELECT auth.jwt_sign(jsonb_build_object('exp', :far)) AS undone_token \gset
SELECT (auth.jwt_verify(:'undone_token')).is_valid;
ROLLBACK TO SAVEPOINT before;
SELECT (auth.jwt_verify(:'undone_token')).*;
SELECT auth.revoke_signing_key(:'first_kid');
SELECT (auth.jwt_verify(:'token')).is_valid;
ROLLBACK;
SELECT (auth.jwt_verify(:'token')).is_valid;

-- Revoked: dead at once, the secret gone, and a dead key does not come back.
SELECT auth.revoke_signing_key(:'first_kid');
SELECT (auth.jwt_verify(:'token')).*;
SELECT count(*) AS secrets FROM auth.secrets WHERE key = 'jwt_secret:' || :'first_kid';
SELECT pg_temp.state_of('SELECT auth.revoke_signing_key(''no such key'')');
SELECT replace(pg_temp.state_of(format('SELECT auth.add_key(%L, ''HS256'', NULL)', :'first_kid')), :'first_kid', '<kid>') AS refused;
SELECT pg_temp.state_of(format('SELECT auth.add_key(%L, ''HS256'', NULL)', name)) FROM unnest(ARRAY['', 'a b', 'ä', repeat('x', 65)]) AS name;
-- Revoking the last key that signs makes another.
SELECT count(*) FROM auth.signing_key WHERE state = 'active';
SELECT auth.revoke_signing_key(:'rotated');
SELECT state, algorithm, count(*) FROM auth.signing_key WHERE state = 'active' GROUP BY 1, 2;
SELECT (auth.jwt_verify(auth.jwt_sign(jsonb_build_object('exp', :far)))).is_valid;
-- Without any, nobody signs and nothing verifies.
BEGIN;
UPDATE auth.signing_key SET state = 'revoked';
SELECT pg_temp.state_of('SELECT auth.jwt_sign(''{}'')'), pg_temp.state_of('SELECT auth.jwt_secret()');
SELECT * FROM statbus.status() WHERE item = 'signing key';
SELECT bool_or((auth.jwt_verify(token)).is_valid) AS any_verifies FROM made;
ROLLBACK;
-- A row that makes no sense is no key, and harms no other.
BEGIN;
UPDATE auth.signing_key SET public_jwk = '{"kty": "EC"}' WHERE algorithm = 'ES384';
UPDATE auth.secrets AS s SET value = 'short' FROM made AS m WHERE s.key = 'jwt_secret:' || m.kid AND m.name = 'HS384';
SELECT name, (auth.jwt_verify(token)).is_valid FROM made WHERE name IN ('ES384', 'HS384', 'HS512', 'PS256') ORDER BY name;
ROLLBACK;

-- What a restore leaves: keys that no event tells of.  It is said until somebody sees to the keys.
BEGIN;
TRUNCATE auth.signing_key, auth.secrets;
SELECT bool_or((auth.jwt_verify(token)).is_valid) AS any_verifies FROM made;
SELECT auth.ensure_signing_key();
SELECT item, value, regexp_replace(hint, '''[0-9a-f]{16}''', '<kid>') AS hint FROM statbus.status() WHERE item = 'signing key';
SELECT auth.ensure_signing_key();
SELECT count(*) FROM auth.signing_key;
SELECT auth.rotate_signing_key() IS NOT NULL AS rotated;
SELECT item, value, hint FROM statbus.status() WHERE item = 'signing key';
ROLLBACK;

-- Parallel workers read the keys as their leader sees them.
BEGIN;
SELECT auth.create_signing_key() AS uncommitted \gset
CREATE TABLE many_tokens AS SELECT auth.jwt_sign(jsonb_build_object('exp', :far, 'n', n), :'uncommitted') AS token FROM generate_series(1, 1000) AS n;
ALTER TABLE many_tokens SET (parallel_workers = 2);
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT count(*) FROM many_tokens WHERE (auth.jwt_verify(token)).is_valid;
SELECT count(*) FROM many_tokens WHERE (auth.jwt_verify(token)).is_valid;
UPDATE auth.signing_key SET state = 'revoked' WHERE kid = :'uncommitted';
SELECT count(*) FROM many_tokens WHERE (auth.jwt_verify(token)).is_valid;
ROLLBACK;

-- Events tell what was done, with kid and algorithm and nothing else.
SELECT kind, count(*) > 0 AS some, bool_and(details->>'kid' ~ '^[0-9a-f]{16}$' AND details - 'kid' - 'algorithm' = '{}') AS harmless FROM auth.event WHERE kind::text LIKE 'key%' GROUP BY kind ORDER BY kind;

-- Who may do what: administrators of the register are no superusers.
CREATE ROLE regress_keys IN ROLE admin_user;
GRANT EXECUTE ON FUNCTION auth.store_key(text, text, text, text), auth.add_key(text, text, text), auth.jwt_secret(), auth.set_secret_from_file(text, text, text) TO regress_keys;
SET ROLE regress_keys;
SELECT statement, pg_temp.state_of(statement)
FROM unnest(ARRAY['SELECT * FROM auth.secrets', 'SELECT * FROM auth.signing_key', 'SELECT auth.jwt_sign(''{}'')', 'SELECT auth.create_signing_key()', 'SELECT auth.rotate_signing_key()',
    'SELECT auth.revoke_signing_key(''x'')', 'SELECT auth.ensure_signing_key()',
    'SELECT auth.store_key(NULL, ''HS256'', NULL, NULL)', 'SELECT auth.add_key(NULL, ''HS256'', NULL)', 'SELECT auth.jwt_secret()', 'SELECT auth.set_secret_from_file(''/etc/passwd'')']) AS statement;
SELECT (auth.jwt_verify('x')).is_valid, jsonb_array_length(auth.jwks()->'keys') > 5 AS public_keys;
RESET ROLE;
SET ROLE anon;
SELECT (auth.jwt_verify('x')).is_valid, auth.jwks() ? 'keys' AS public_keys;
SELECT statement, pg_temp.state_of(statement)
FROM unnest(ARRAY['SELECT auth.jwt_sign(''{}'')', 'SELECT auth.jwt_secret()', 'SELECT auth.create_signing_key()', 'SELECT auth.set_secret_from_file(''/etc/passwd'')']) AS statement;
RESET ROLE;
-- The status is for everybody, also for roles that have nothing in schema auth.
SET ROLE notify_reader;
SELECT item, value FROM statbus.status() WHERE item IN ('signing key', 'jwt-secret') ORDER BY item;
RESET ROLE;
DROP OWNED BY regress_keys;
DROP ROLE regress_keys;
DELETE FROM auth.api_key WHERE user_id = 1;

-- As it was, for the tests that follow.
TRUNCATE auth.signing_key, auth.secrets;
SELECT auth.create_signing_key() IS NOT NULL AS made;

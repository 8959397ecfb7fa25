-- Tokens of every algorithm, made by openssl (test/vectors/jose.pl), and everything that can be wrong with them.
\getenv top PG_ABS_SRCDIR
\set vectors :top '/test/vectors/jose.sql'
BEGIN;
CREATE TEMPORARY TABLE vector_key (algorithm text, jwk jsonb);
CREATE TEMPORARY TABLE vector_token (algorithm text, form text, token text);
\set ECHO none
\i :vectors
\set ECHO all

-- What auth.jwt_check says: a word, and in capitals what must not be.
CREATE FUNCTION pg_temp.answer(token text, jwks jsonb, options jsonb) RETURNS text LANGUAGE sql AS $answer$
    SELECT concat_ws(' ', coalesce(r.error_code, 'ok'), CASE WHEN r.expired THEN 'expired' END,
                     CASE WHEN r.is_valid <> (r.error_code IS NULL) OR r.is_valid IS NULL THEN 'CODE' END,
                     CASE WHEN (r.claims IS NOT NULL) <> r.is_valid THEN 'CLAIMS' END,
                     CASE WHEN r.claims ->> 'exp' <> '1900000000' THEN 'OTHER CLAIMS' END,
                     CASE WHEN (r.error_message IS NULL) <> r.is_valid THEN 'MESSAGE' END)
    FROM auth.jwt_check(token, jwks, '{"now": 1850000000}' || options) AS r
$answer$;

CREATE FUNCTION pg_temp.segment(bytes bytea) RETURNS text LANGUAGE sql AS $segment$
    SELECT translate(encode(bytes, 'base64'), E'+/=\n', '-_')
$segment$;

-- A good token of each algorithm in its parts.
CREATE TEMPORARY VIEW good AS
SELECT k.algorithm, k.jwk, t.token, split_part(t.token, '.', 1) AS header, split_part(t.token, '.', 2) AS payload, split_part(t.token, '.', 3) AS signature,
       decode(rpad(translate(split_part(t.token, '.', 3), '-_', '+/'), (length(split_part(t.token, '.', 3)) + 3) / 4 * 4, '='), 'base64') AS bytes
FROM vector_key AS k JOIN vector_token AS t ON t.algorithm = k.algorithm AND t.form = 'good' WHERE k.jwk ? 'alg';

CREATE TEMPORARY TABLE outcome (what text, expected text, algorithm text, answer text);

-- As openssl signed them.
INSERT INTO outcome
SELECT c.form, c.expected, t.algorithm, pg_temp.answer(t.token, k.jwk, c.options)
FROM (VALUES ('good', 'ok', '{}'::jsonb),
             ('no_kid', 'ok', '{}'),
             ('twice_alg', 'header_json', '{}'),
             ('another_alg', 'alg', '{}'),
             ('crit', 'crit', '{}'),
             ('typ', 'typ', '{}'),
             ('another_kid', 'key', '{}'),
             ('another_key', 'signature', '{}'),
             ('another_key', 'signature', '{"now": 1900000000, "audience": "nobody"}'),     -- claims are not looked at
             ('twice_exp', 'payload_json', '{}')) AS c (form, expected, options)
JOIN vector_token AS t ON t.form = c.form JOIN vector_key AS k ON k.algorithm = t.algorithm
WHERE k.jwk ? 'alg';

-- A good one that is cut, lengthened, or asked for more than it has.
INSERT INTO outcome
SELECT c.what, c.expected, g.algorithm, pg_temp.answer(c.token, coalesce(c.jwks, g.jwk), coalesce(c.options, '{}'))
FROM good AS g CROSS JOIN LATERAL (VALUES
    ('among all keys', 'ok', g.token, jsonb_build_object('keys', (SELECT jsonb_agg(o.jwk || jsonb_build_object('kid', 'k' || o.algorithm)) FROM vector_key AS o
                                                                  WHERE o.algorithm <> g.algorithm AND o.jwk ? 'alg') || g.jwk), NULL::jsonb),
    ('in two segments', 'format', g.header || '.' || g.payload, NULL, NULL),
    ('in four segments', 'format', g.token || '.', NULL, NULL),
    ('empty', 'format', '', NULL, NULL),
    ('nothing', 'format', NULL, NULL, NULL),
    ('longest', 'ok', g.token, NULL, jsonb_build_object('max_bytes', length(g.token))),
    ('a byte too long', 'size', g.token, NULL, jsonb_build_object('max_bytes', length(g.token) - 1)),
    ('padded', 'base64', g.token || '=', NULL, NULL),
    ('padded payload', 'base64', g.header || '.' || g.payload || '=.' || g.signature, NULL, NULL),
    ('alg none', 'alg', pg_temp.segment('{"alg":"none"}') || '.' || g.payload || '.', NULL, NULL),
    ('alg none with a signature', 'alg', pg_temp.segment('{"alg":"none"}') || '.' || g.payload || '.' || g.signature, NULL, NULL),
    ('alg not wanted', 'alg', g.token, NULL, jsonb_build_object('algorithms', (SELECT jsonb_agg(o.algorithm) FROM good AS o WHERE o.algorithm <> g.algorithm))),
    ('alg wanted', 'ok', g.token, NULL, jsonb_build_object('algorithms', jsonb_build_array(g.algorithm))),
    ('a key of another type', 'alg', g.token, (SELECT o.jwk FROM good AS o WHERE o.jwk ->> 'kty' <> g.jwk ->> 'kty' ORDER BY o.algorithm LIMIT 1), NULL),
    ('typ wanted', 'typ', g.token, NULL, '{"typ": "at+jwt"}'),
    ('two keys of one name', 'key', g.token, jsonb_build_object('keys', jsonb_build_array(g.jwk, g.jwk)), NULL),
    ('no keys', 'key', g.token, '{"keys": []}', NULL),
    ('a key for encryption', 'key', g.token, g.jwk || '{"use": "enc"}', NULL),
    ('a key that only signs', 'key', g.token, g.jwk || '{"key_ops": ["sign"]}', NULL),
    ('a key that verifies', 'ok', g.token, g.jwk || '{"key_ops": ["verify"], "use": "sig"}', NULL),
    ('without signature', 'signature', g.header || '.' || g.payload || '.', NULL, NULL),
    ('signature a byte shorter', 'signature', g.header || '.' || g.payload || '.' || pg_temp.segment(substr(g.bytes, 1, length(g.bytes) - 1)), NULL, NULL),
    ('signature a byte longer', 'signature', g.header || '.' || g.payload || '.' || pg_temp.segment(g.bytes || '\x00'), NULL, NULL),
    ('signature with a zero before', 'signature', g.header || '.' || g.payload || '.' || pg_temp.segment('\x00' || g.bytes), NULL, NULL),
    ('signature of zeros', 'signature', g.header || '.' || g.payload || '.' || pg_temp.segment(decode(repeat('00', length(g.bytes)), 'hex')), NULL, NULL),
    ('signature of ones', 'signature', g.header || '.' || g.payload || '.' || pg_temp.segment(decode(repeat('ff', length(g.bytes)), 'hex')), NULL, NULL),
    ('before its nbf', 'claims_time', g.token, NULL, '{"now": 1799999999}'),
    ('a second before its exp', 'ok', g.token, NULL, '{"now": 1899999999}'),
    ('at its exp', 'claims_time expired', g.token, NULL, '{"now": 1900000000}'),
    ('expired and for somebody else', 'claims_aud', g.token, NULL, '{"now": 1900000000, "audience": "nobody"}'),
    ('audience', 'ok', g.token, NULL, '{"audience": "statbus"}'),
    ('another audience', 'claims_aud', g.token, NULL, '{"audience": "statbu"}'),
    ('issuer', 'ok', g.token, NULL, '{"issuer": "statbus"}'),
    ('another issuer', 'claims_iss', g.token, NULL, '{"issuer": "Statbus"}'),
    ('a claim that it lacks', 'claims_required', g.token, NULL, '{"require": ["exp", "jti"]}')) AS c (what, expected, token, jwks, options);

-- Thirteen algorithms, all of one opinion.
SELECT o.what, o.expected, count(*) AS algorithms, string_agg(o.algorithm || ': ' || o.answer, ', ' ORDER BY o.algorithm) FILTER (WHERE o.answer <> o.expected) AS otherwise
FROM outcome AS o GROUP BY o.what, o.expected ORDER BY o.what COLLATE "C";

-- A key that is one bit too short signs no token, though its signature is good.
SELECT pg_temp.answer(t.token, k.jwk, '{}') AS token, auth.jws_verify(t.token, k.jwk) AS signature
FROM vector_token AS t JOIN vector_key AS k USING (algorithm) WHERE NOT k.jwk ? 'alg';

-- For a signature alone, only the signature counts, and alg.
SELECT t.form, count(*) AS tokens, count(*) FILTER (WHERE auth.jws_verify(t.token, k.jwk)) AS verified
FROM vector_token AS t JOIN vector_key AS k USING (algorithm) WHERE k.jwk ? 'alg' GROUP BY t.form ORDER BY t.form COLLATE "C";

-- No key verifies another algorithm's token.
SELECT count(*) AS pairs, count(*) FILTER (WHERE auth.jws_verify(g.token, o.jwk - 'alg' - 'kid')) AS verified
FROM good AS g JOIN good AS o ON o.jwk ->> 'kty' <> g.jwk ->> 'kty' OR o.jwk ->> 'crv' <> g.jwk ->> 'crv';

-- Every bit of every byte of a good token, turned over: never valid, never claims.
SELECT c.algorithm, count(*) AS changed, count(*) FILTER (WHERE (c.r).is_valid IS DISTINCT FROM false OR (c.r).claims IS NOT NULL OR (c.r).expired IS DISTINCT FROM false
                                                          OR (c.r).error_code IS NULL) AS accepted
FROM (SELECT g.algorithm, auth.jwt_check(overlay(g.token PLACING chr(ascii(substr(g.token, a.place, 1)) # (1 << b.bit)) FROM a.place FOR 1), g.jwk, '{"now": 1850000000}') AS r
      FROM good AS g CROSS JOIN LATERAL generate_series(1, length(g.token)) AS a (place) CROSS JOIN generate_series(0, 6) AS b (bit) OFFSET 0) AS c
GROUP BY c.algorithm ORDER BY c.algorithm COLLATE "C";

-- The same for the signature alone, with other characters of the alphabet in the place of each of its last ones.
SELECT c.algorithm, count(*) > 100 AS changed, count(*) FILTER (WHERE c.good) AS accepted
FROM (SELECT g.algorithm, auth.jws_verify(overlay(g.token PLACING s.letter FROM a.place FOR 1), g.jwk) AS good
      FROM good AS g CROSS JOIN LATERAL generate_series(length(g.token) - 1, length(g.token)) AS a (place)
      CROSS JOIN unnest(string_to_array('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', NULL)) AS s (letter)
      WHERE s.letter <> substr(g.token, a.place, 1) OFFSET 0) AS c
GROUP BY c.algorithm ORDER BY c.algorithm COLLATE "C";
ROLLBACK;

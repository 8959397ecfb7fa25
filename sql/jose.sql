-- auth.jwt_check and auth.jws_verify: options, claims, sizes, keys. Tokens of HS256, made here by pgcrypto.
BEGIN;
CREATE FUNCTION pg_temp.segment(bytes bytea) RETURNS text LANGUAGE sql AS $segment$
    SELECT translate(encode(bytes, 'base64'), E'+/=\n', '-_')
$segment$;

-- A token of any header and payload, well signed.
CREATE FUNCTION pg_temp.token(payload text, header text DEFAULT '{"alg":"HS256"}') RETURNS text LANGUAGE plpgsql AS $token$
DECLARE
    signed text := pg_temp.segment(convert_to(header, 'UTF8')) || '.' || pg_temp.segment(convert_to(payload, 'UTF8'));
BEGIN
    RETURN signed || '.' || pg_temp.segment(hmac(signed, 'one secret of exactly 32 letters', 'sha256'));
END $token$;

CREATE FUNCTION pg_temp.jwk(secret text DEFAULT 'one secret of exactly 32 letters') RETURNS jsonb LANGUAGE sql AS $jwk$
    SELECT jsonb_build_object('kty', 'oct', 'k', pg_temp.segment(convert_to(secret, 'UTF8')))
$jwk$;

CREATE FUNCTION pg_temp.answer(payload text, options jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $answer$
    SELECT concat_ws(' | ', r.is_valid::text, r.error_code, r.error_message, CASE WHEN r.expired THEN 'expired' END, r.claims::text)
    FROM auth.jwt_check(pg_temp.token(payload), pg_temp.jwk(), options) AS r
$answer$;

-- The result, whole.
SELECT * FROM auth.jwt_check(pg_temp.token('{"exp":4102444800,"sub":"a"}'), pg_temp.jwk());
SELECT * FROM auth.jwt_check(pg_temp.token('{"exp":1}'), pg_temp.jwk());
SELECT * FROM auth.jwt_check(pg_temp.token('{"exp":4102444800}'), pg_temp.jwk('another secret of 32 characters!!'));
SELECT * FROM auth.jwt_check(NULL, pg_temp.jwk());
SELECT * FROM auth.jwt_check(pg_temp.token('{"exp":4102444800}'), NULL);
SELECT * FROM auth.jwt_check(pg_temp.token('{"exp":4102444800}'), pg_temp.jwk(), NULL);
SELECT auth.jws_verify(NULL, pg_temp.jwk()) AS no_token, auth.jws_verify(pg_temp.token('anything'), NULL) AS no_key,
       auth.jws_verify(pg_temp.token('anything'), pg_temp.jwk()) AS good;

-- Time: the clock, or the second that is given, and what leeway adds to it.
SELECT o AS options, pg_temp.answer('{"exp":1000,"nbf":900,"iat":900}', o) AS answer
FROM unnest(ARRAY['{}', '{"now":999}', '{"now":1000}', '{"now":999.999}', '{"now":1000,"leeway":1}', '{"now":1001,"leeway":1}', '{"now":900}', '{"now":899}',
                  '{"now":899,"leeway":1}', '{"now":898,"leeway":1}', '{"now":-62135596800}', '{"now":253402300799,"leeway":86400}']::jsonb[]) AS o;
SELECT p AS payload, pg_temp.answer(p, '{"now":1000}') AS answer
FROM unnest(ARRAY['{}', '{"exp":null}', '{"exp":"2000"}', '{"exp":true}', '{"exp":1e3}', '{"exp":1001}', '{"exp":1000.9}', '{"exp":1.001e3}', '{"exp":1e400}',
                  '{"exp":1e131072}', '{"exp":9223372036854775807}', '{"exp":18446744073709551616}', '{"exp":253402300799}', '{"exp":253402300800}', '{"exp":-1}',
                  '{"exp":2000,"nbf":1001}', '{"exp":2000,"nbf":null}', '{"exp":2000,"iat":1001}', '{"exp":2000,"iat":"1"}']) AS p;
SELECT p AS payload, pg_temp.answer(p, '{"now":1000,"require":[]}') AS answer FROM unnest(ARRAY['{}', '{"exp":1000}', '{"exp":null}']) AS p;

-- Whom it is for, and what must be there.
SELECT p AS payload, pg_temp.answer(p, '{"audience":"statbus","issuer":"i","require":["sub"],"now":0}') AS answer
FROM unnest(ARRAY['{"aud":"statbus","iss":"i","sub":"x"}', '{"aud":["x","statbus"],"iss":"i","sub":0}', '{"aud":"Statbus","iss":"i","sub":"x"}', '{"aud":["statbu"],"iss":"i","sub":"x"}',
                  '{"aud":[],"iss":"i","sub":"x"}', '{"aud":null,"iss":"i","sub":"x"}', '{"aud":["statbus",1],"iss":"i","sub":"x"}', '{"aud":{"statbus":1},"iss":"i","sub":"x"}',
                  '{"iss":"i","sub":"x"}', '{"aud":"statbus","iss":"I","sub":"x"}', '{"aud":"statbus","iss":["i"],"sub":"x"}', '{"aud":"statbus","sub":"x"}',
                  '{"aud":"statbus","iss":"i","sub":null}', '{"aud":"statbus","iss":"i"}']) AS p;

-- Claims are what the server's own parser makes of the payload.
CREATE TEMPORARY TABLE payload (text text);
INSERT INTO payload VALUES
    ('{"exp":9999999999}'), (' { "exp" : 9999999999 , "a" : [ ] , "b" : { } } '), ('{"exp":9999999999,"b":[1,[2,[3,{}],{"x":[]}],"y"],"a":{"b":{"c":[{"d":null}]}}}'),
    ('{"exp":9999999999,"n":[0,-0,1,-1,1.0,1.50,-0.0,1e3,1E+3,1e-3,12345678901234567890123,999999999999999999,-999999999999999999,1000000000000000000,0.1e1,1e999,1e-999]}'),
    ('{"exp":9999999999,"s":["","\"\\\/\b\f\n\r\t","\u00e6\u20ac\ud83d\ude00","æ€😀","\u0001"]}'), ('{"exp":9999999999,"\u0061":1,"b\n":2,"":3}'),
    ('{"exp":9999999999,"t":true,"f":false,"z":null}'), ('{"zz":1,"z":2,"exp":9999999999,"a":3,"aa":4}');
SELECT count(*) AS payloads, count(*) FILTER (WHERE (auth.jwt_check(pg_temp.token(p.text), pg_temp.jwk())).claims::text = p.text::jsonb::text) AS same FROM payload AS p;

-- What jsonb cannot hold, or what would be long when written out, is refused.
SELECT left(p, 40) AS payload, length(p), pg_temp.answer(p) AS answer
FROM unnest(ARRAY['{"exp":9999999999,"n":1e1000}', '{"exp":9999999999,"n":1e-1001}', '{"exp":9999999999,"n":1e131072}', '{"exp":9999999999,"n":[{"n":-1e99999999999999999999}]}',
                  '{"exp":9999999999,"n":0e2147483647}', '{"exp":9999999999,"n":1' || repeat('0', 1000) || '}', '{"exp":9999999999,"n":0.' || repeat('1', 1001) || '}',
                  '{"exp":9999999999,"s":"\u0000"}', '{"exp":9999999999,"s":"\ud800"}', '{"exp":9999999999,"s":01}', '{"exp":9999999999,}', '[]', '"a"', '1', 'null', '']) AS p;
SELECT d AS depth, left(pg_temp.answer('{"exp":9999999999,"a":' || repeat('[', d - 1) || repeat(']', d - 1) || '}'), 40) AS answer FROM generate_series(15, 18) AS d;
SELECT d AS depth, (r).error_code FROM (SELECT d, auth.jwt_check(pg_temp.token('{"exp":9999999999}', '{"alg":"HS256","a":' || repeat('[', d - 1) || repeat(']', d - 1) || '}'), pg_temp.jwk()) AS r
                                        FROM generate_series(16, 17) AS d) AS x;

-- 16 KiB, or as much as is allowed.
CREATE FUNCTION pg_temp.token_of(bytes integer) RETURNS text LANGUAGE sql AS $token_of$
    SELECT t.text FROM generate_series(-1, 1) AS s (more), LATERAL (SELECT pg_temp.token('{"exp":9999999999,"a":"' || repeat('x', (bytes - 65) * 3 / 4 - 24 + s.more) || '"}') AS text) AS t
    WHERE length(t.text) = bytes LIMIT 1
$token_of$;
SELECT length(t.text), (auth.jwt_check(t.text, pg_temp.jwk())).error_code, (auth.jwt_check(t.text, pg_temp.jwk(), '{"max_bytes":20000}')).error_code AS with_option,
       auth.jws_verify(t.text, pg_temp.jwk()) AS signature
FROM unnest('{16383,16384,16385,16387}'::integer[]) AS b, LATERAL (SELECT pg_temp.token_of(b) AS text) AS t;
-- Long ones are refused by their size, before they are fetched: the first is compressed, the others are stored outside of their row.
CREATE TEMPORARY TABLE stored (text text);
INSERT INTO stored VALUES (repeat('A', 100000000));
ALTER TABLE stored ALTER COLUMN text SET STORAGE EXTERNAL;
INSERT INTO stored VALUES (repeat('A.', 10000)), (pg_temp.token('{"exp":9999999999,"a":"' || repeat('x', 6000) || '"}'));
SELECT octet_length(s.text), (auth.jwt_check(s.text, pg_temp.jwk())).error_code, auth.jws_verify(s.text, pg_temp.jwk()) AS signature FROM stored AS s;

-- Options are what they are, or the call is a bad one.
CREATE FUNCTION pg_temp.refusal(options jsonb) RETURNS text LANGUAGE plpgsql AS $refusal$
BEGIN
    PERFORM auth.jwt_check('a.b.c', '{}', options);
    RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $refusal$;
SELECT o AS options, pg_temp.refusal(o) AS answer
FROM unnest(ARRAY['{}', '[]', '"now"', 'null', '{"Now":1}', '{"":1}', '{"algorithms":["HS256","Ed25519"]}', '{"algorithms":[]}', '{"algorithms":"HS256"}', '{"algorithms":["none"]}', '{"algorithms":["hs256"]}',
                  '{"algorithms":[1]}', '{"audience":"a"}', '{"audience":["a"]}', '{"audience":null}', '{"issuer":"a"}', '{"issuer":1}', '{"typ":"JWT"}', '{"typ":false}', '{"leeway":0}', '{"leeway":86400}',
                  '{"leeway":86401}', '{"leeway":-1}', '{"leeway":"1"}', '{"now":"1"}', '{"now":1e30}', '{"now":253402300800}', '{"now":-253402300800}', '{"max_bytes":0}', '{"max_bytes":1}',
                  '{"max_bytes":1048576}', '{"max_bytes":1048577}', '{"require":[]}', '{"require":["exp","sub"]}', '{"require":"exp"}', '{"require":[null]}', '{"require":[["exp"]]}', '{"require":{}}']::jsonb[]) AS o;

-- Keys: one, or a set; what is no key is a result.
SELECT k AS keys, r.is_valid, r.error_code
FROM unnest(ARRAY[jsonb_build_object('keys', jsonb_build_array(pg_temp.jwk())), jsonb_build_object('keys', jsonb_build_array(pg_temp.jwk(), '{"kty":"unknown"}'::jsonb)),
                  jsonb_build_object('keys', jsonb_build_array(pg_temp.jwk(), '{"kty":"oct"}'::jsonb)), '{"keys":[]}', '{"keys":{}}', '{}', '[]', '1', 'null', '{"kty":"oct","k":""}', '{"kty":"oct","k":"a="}',
                  '{"kty":"oct","k":1}', '{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}',
                  '{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}', '{"kty":"RSA","n":"AQAB","e":"AQAB"}',
                  '{"kty":"RSA","n":"AQAA","e":"AQAB"}', '{"kty":"RSA","n":"AQAB"}', '{"kty":"OKP","crv":"Ed25519","x":"AAAA"}', '{"kty":"OKP","crv":"X25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}']::jsonb[]) AS k,
     auth.jwt_check(pg_temp.token('{"exp":9999999999}'), k) AS r;
SELECT length(s) AS secret, (auth.jwt_check(t.text, pg_temp.jwk(s))).error_code, auth.jws_verify(t.text, pg_temp.jwk(s)) AS signature
FROM unnest(ARRAY[repeat('s', 31), repeat('s', 32)]) AS s,
     LATERAL (SELECT x.signed || '.' || pg_temp.segment(hmac(x.signed, s, 'sha512')) AS text
              FROM (SELECT pg_temp.segment('{"alg":"HS512"}') || '.' || pg_temp.segment('{"exp":9999999999}') AS signed) AS x) AS t;

-- What is kept from row to row of one query is the key of that row, and the options of that row.
SELECT count(*) FILTER (WHERE (x.r).is_valid) AS valid, count(*) FILTER (WHERE (x.r).error_code = 'signature') AS another_key, count(*) FILTER (WHERE (x.r).expired) AS expired
FROM (SELECT auth.jwt_check(pg_temp.token('{"exp":5}'), CASE i % 3 WHEN 0 THEN pg_temp.jwk('another secret of 32 characters!!') ELSE pg_temp.jwk() END, jsonb_build_object('now', i % 10)) AS r
      FROM generate_series(0, 299) AS i OFFSET 0) AS x;

-- They can run in parallel, and are done when a query runs, not when it is planned.
SELECT p.oid::regprocedure, p.provolatile, p.proparallel, p.proisstrict, p.prosecdef, p.proleakproof FROM pg_proc AS p
WHERE p.proname IN ('jwt_check', 'jws_verify') ORDER BY 1::text;
ROLLBACK;

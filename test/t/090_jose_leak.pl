# A backend that refuses tokens all day stays as small as it was: libcrypto's memory is not PostgreSQL's, and nothing gives it back
# but our own code. Each case refuses 20,000 tokens, and 40,000 more, in which the backend may grow by 100 kB: 2.5 bytes for each.
# ES384 and ES512 take half a millisecond each: there it is 5,000 and 10,000, unless STATBUS_LEAK_FULL is set.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../perl';
use PostgreSQL::Test::Utils;
use Test::More;
use Statbus;

-r '/proc/self/statm' or plan skip_all => 'the size of a process is read from /proc, which is not here';

my $node = new_node('leak');
create_register($node, 'register');
my $page = `getconf PAGESIZE` || 4096;
my $slow = $ENV{STATBUS_LEAK_FULL} ? 20000 : 5000;
my $vectors = slurp_file(dirname(__FILE__) . '/../vectors/jose.sql');

my $rows = $node->safe_psql('register', <<"SQL");
SET client_min_messages = error;
CREATE TEMPORARY TABLE vector_key (algorithm text, jwk jsonb);
CREATE TEMPORARY TABLE vector_token (algorithm text, form text, token text);
$vectors
-- What is the backend's own: shared buffers that it has come to touch are not.
CREATE FUNCTION pg_temp.size() RETURNS bigint LANGUAGE sql VOLATILE AS \$size\$
    SELECT (s.f[2]::bigint - s.f[3]::bigint) * $page FROM (SELECT string_to_array(pg_read_file('/proc/self/statm'), ' ')) AS s (f)
\$size\$;

-- Refuses n tokens, one after the other of those that are given, each with its key and its options, and counts.
CREATE FUNCTION pg_temp.refuse(tokens text[], keys jsonb[], options jsonb[], n integer) RETURNS bigint LANGUAGE sql VOLATILE AS \$refuse\$
    SELECT count(*) FILTER (WHERE (x.r).is_valid = false AND (x.r).claims IS NULL)
    FROM (SELECT auth.jwt_check(tokens[1 + i % cardinality(tokens)], keys[1 + i % cardinality(keys)], options[1 + i % cardinality(options)]) AS r
          FROM (SELECT generate_series(1, n)) AS s (i) OFFSET 0) AS x
\$refuse\$;

-- Growth by chance, when malloc gives pages back and takes them again, is not there a second time; a leak is.
CREATE FUNCTION pg_temp.growth(tokens text[], keys jsonb[], options jsonb[], n integer, OUT bytes bigint, OUT refused bigint) LANGUAGE plpgsql AS \$growth\$
DECLARE
    first bigint := pg_temp.refuse(tokens, keys, options, n);
    before bigint;
BEGIN
    FOR attempt IN 1 .. 2 LOOP
        before := pg_temp.size();
        refused := first + pg_temp.refuse(tokens, keys, options, n) + pg_temp.refuse(tokens, keys, options, n);
        bytes := pg_temp.size() - before;
        EXIT WHEN bytes <= 100000;
    END LOOP;
END \$growth\$;

CREATE TEMPORARY VIEW good AS
SELECT k.algorithm, k.jwk, t.token, split_part(t.token, '.', 1) || '.' || split_part(t.token, '.', 2) AS signed FROM vector_key AS k JOIN vector_token AS t USING (algorithm)
WHERE t.form = 'good' AND k.jwk ? 'alg';

-- The first calls make what every backend keeps: plans, caches, fetched algorithms.
DO \$warm\$ BEGIN
    PERFORM pg_temp.growth(array_agg(k.token), array_agg(k.jwk), '{"{\\"now\\":1}"}', 200) FROM good AS k;
END \$warm\$;

-- Refused before the signature is looked at: a case for each reason, with tokens of all algorithms in turn.
SELECT f.form || ', all algorithms', 20000, g.* FROM (VALUES ('twice_alg'), ('another_alg'), ('crit'), ('typ'), ('another_kid')) AS f (form),
     LATERAL (SELECT array_agg(t.token ORDER BY t.algorithm) AS tokens, array_agg(k.jwk ORDER BY t.algorithm) AS keys
              FROM vector_token AS t JOIN vector_key AS k USING (algorithm) WHERE t.form = f.form) AS v,
     LATERAL pg_temp.growth(v.tokens, v.keys, '{"{}"}', 20000) AS g;
SELECT f.what || ', all algorithms', 20000, g.*
FROM (SELECT array_agg(k.jwk) AS keys, array_agg(k.token) AS tokens, array_agg(k.signed) AS signed FROM good AS k) AS v,
     LATERAL (VALUES ('two segments', v.signed, v.keys, '{}'::jsonb),
                     ('20,000 bytes', ARRAY[repeat('A', 20000)], v.keys, '{}'),
                     ('not base64url', ARRAY(SELECT t || '=' FROM unnest(v.tokens) AS t), v.keys, '{}'),
                     ('no key', v.tokens, ARRAY[NULL::jsonb], '{}'),
                     ('a malformed key', v.tokens, ARRAY['{"kty":"RSA"}'::jsonb, '{"kty":"EC","crv":"P-256","x":"AAAA"}', '[]'], '{}'),
                     ('a key of another type', v.tokens, v.keys[3:] || v.keys[:2], '{}'),
                     ('a set of all keys, two of which fit', ARRAY(SELECT t.token FROM vector_token AS t WHERE t.form = 'no_kid'),
                      ARRAY[jsonb_build_object('keys', to_jsonb(v.keys || v.keys))], '{}')) AS f (what, tokens, keys, options),
     LATERAL pg_temp.growth(f.tokens, f.keys, ARRAY[f.options], 20000) AS g;

-- A key that is new at each call is made, used and given back; so is a point that is on no curve, up to where it is found out.
SELECT 'a new key at each call', 2000, g.*
FROM (SELECT array_agg(t.token ORDER BY t.algorithm) AS tokens, array_agg(k.jwk ORDER BY t.algorithm) AS keys
      FROM vector_token AS t JOIN vector_key AS k USING (algorithm) WHERE t.form = 'another_key') AS v,
     LATERAL pg_temp.growth(v.tokens, v.keys, '{"{}"}', 2000) AS g;
SELECT 'a point on no curve', 2000, g.*
FROM (SELECT array_agg(k.token ORDER BY k.algorithm) AS tokens, array_agg(jsonb_set(k.jwk, '{y}', k.jwk -> 'x') ORDER BY k.algorithm) AS keys FROM good AS k WHERE k.jwk ->> 'kty' = 'EC') AS v,
     LATERAL pg_temp.growth(v.tokens, v.keys, '{"{}"}', 2000) AS g;

-- Refused by their signature: a case for each algorithm.
SELECT f.form || ', ' || t.algorithm, f.n, g.* FROM vector_token AS t JOIN vector_key AS k USING (algorithm)
CROSS JOIN LATERAL (SELECT t.form, CASE WHEN t.algorithm IN ('ES384', 'ES512') THEN $slow ELSE 20000 END AS n) AS f
CROSS JOIN LATERAL pg_temp.growth(ARRAY[t.token, (SELECT s.signed || '.AAAA' FROM good AS s WHERE s.algorithm = t.algorithm)], ARRAY[k.jwk], '{"{}"}', f.n) AS g
WHERE t.form = 'another_key';

-- Refused by what they say, after the signature matched: all reasons in turn, and options that change with each call.
SELECT 'claims, ' || t.algorithm, 20000, g.* FROM good AS t,
     LATERAL pg_temp.growth(ARRAY[t.token, (SELECT o.token FROM vector_token AS o WHERE o.algorithm = t.algorithm AND o.form = 'twice_exp')], ARRAY[t.jwk],
                            '{"{\\"now\\":2000000000}","{\\"now\\":1}","{\\"audience\\":\\"nobody\\",\\"now\\":1850000000}","{\\"issuer\\":\\"nobody\\",\\"now\\":1850000000}","{\\"require\\":[\\"jti\\"],\\"now\\":1850000000}"}', 20000) AS g
WHERE t.algorithm IN ('HS256', 'RS256', 'PS256', 'ES256', 'EdDSA');

-- A bad call while the keys of a good one are held: the error must give them back.
CREATE FUNCTION pg_temp.raise(keys jsonb[], token text, n integer) RETURNS bigint LANGUAGE plpgsql AS \$raise\$
DECLARE
    raised bigint := 0;
BEGIN
    FOR i IN 1 .. n LOOP
        BEGIN
            PERFORM auth.jwt_check(token, k, o) FROM unnest(keys) AS k, unnest('{"{}","{\\"now\\":0}","{\\"leeway\\":-1}"}'::jsonb[]) AS o;
        EXCEPTION WHEN invalid_parameter_value THEN
            raised := raised + 1;
        END;
    END LOOP;
    RETURN raised;
END \$raise\$;
SELECT 'errors', 2000, pg_temp.size() - s.before, s.raised + pg_temp.raise(s.keys, s.token, 0)
FROM (SELECT v.keys, v.token, pg_temp.raise(v.keys, v.token, 2000) AS warm, pg_temp.size() AS before, pg_temp.raise(v.keys, v.token, 2000) + pg_temp.raise(v.keys, v.token, 2000) + 2000 AS raised
      FROM (SELECT array_agg(k.jwk) AS keys, min(k.token) AS token FROM good AS k WHERE k.algorithm IN ('RS256', 'ES256', 'EdDSA')) AS v OFFSET 0) AS s;
SQL

my $cases = 0;
for my $row (split /\n/, $rows)
{
	my ($what, $n, $bytes, $refused) = split /\|/, $row;
	is($refused, 3 * $n, "$what: all are refused");
	cmp_ok($bytes, '<=', 100_000, "$what: the backend does not grow");
	note("$what: $bytes bytes");
	$cases++;
}
is($cases, 5 + 7 + 2 + 13 + 5 + 1, 'all cases were tried');
done_testing();

-- Sweeps over rows: coalesce_rows, segment_rows, join_rows, sequenced_aggregate
\set VERBOSITY terse
CREATE SCHEMA sweep_test;
SET search_path = sweep_test;

--
-- Cases of the reference (temporal.md, 5 H)
--
CREATE TABLE a (k int, p int4range, v text);
CREATE TABLE b (k int, p int4range, w text);
INSERT INTO a VALUES (1, '[1,20)', 'a');
INSERT INTO b VALUES (1, '[5,10)', 'x'), (1, '[15,30)', 'y');
\echo H9: semi and anti
SELECT * FROM temporal.join_rows('TABLE a', 'TABLE b', '{k}', 'p', 'semi') AS t(k int, v text, p int4range) ORDER BY p;
SELECT * FROM temporal.join_rows('TABLE a', 'TABLE b', '{k}', 'p', 'anti') AS t(k int, v text, p int4range) ORDER BY p;
\echo inner, left, full
SELECT * FROM temporal.join_rows('TABLE a', 'TABLE b', '{k}', 'p') AS t(k int, v text, w text, p int4range) ORDER BY p;
SELECT * FROM temporal.join_rows('TABLE a', 'TABLE b', '{k}', 'p', 'left') AS t(k int, v text, w text, p int4range) ORDER BY p;
SELECT * FROM temporal.join_rows('TABLE a', 'TABLE b', '{k}', 'p', 'full') AS t(k int, v text, w text, p int4range) ORDER BY p;
\echo H11: split
SELECT p FROM temporal.segment_rows($$VALUES (int4range(1, 10)), ('[2,4)'), ('[4,6)'), ('[6,8)')$$, '{}', 'column1') AS t(p int4range) ORDER BY p;
SELECT p FROM temporal.segment_rows($$VALUES (int4range(1, 10))$$, '{}', 'column1') AS t(p int4range) ORDER BY p;

--
-- What each function does
--
\echo coalesce: neighbours and overlaps that agree; NULL is a value like others
CREATE TABLE c (k int, v text, n numeric, p daterange);
INSERT INTO c VALUES
    (1, 'x', 1, '[2020-01-01,2021-01-01)'), (1, 'x', 1.0, '[2021-01-01,2022-01-01)'),
    (1, 'x', 2, '[2022-01-01,2023-01-01)'), (1, 'x', 1, '[2023-01-01,infinity)'),
    (1, NULL, NULL, '[2020-01-01,2020-06-01)'), (1, NULL, NULL, '[2020-03-01,2021-01-01)'),
    (NULL, 'x', 1, '(,2020-01-01)'), (NULL, 'x', 1, '[2020-01-01,)'),
    (2, 'x', 1, 'empty'), (2, 'x', 1, NULL);
SELECT * FROM temporal.coalesce_rows('TABLE c', '{k}', 'p') AS t(k int, v text, n numeric, p daterange) ORDER BY k, v, p;
\echo coalesce: chosen values, none
SELECT * FROM temporal.coalesce_rows('TABLE c', '{k}', 'p', '{v}') AS t(k int, v text, p daterange) ORDER BY k, v, p;
SELECT * FROM temporal.coalesce_rows('TABLE c', '{k}', 'p', '{}') AS t(k int, p daterange) ORDER BY k, p;
\echo coalesce: infinity and unbounded are different values
SELECT * FROM temporal.coalesce_rows($$VALUES (1, daterange('2020-01-01', 'infinity')), (2, daterange('2020-01-01', NULL)),
    (3, daterange('2020-01-01', 'infinity')), (3, daterange('infinity', NULL))$$, '{column1}', 'column2')
    AS t(k int, p daterange) ORDER BY k;
\echo segments with gaps
SELECT * FROM temporal.segment_rows('TABLE c', '{k,v}', 'p', true) AS t(k int, v text, p daterange) ORDER BY k, v, p;
\echo aggregates
CREATE TABLE g (k int, p int4range, v int, "Odd ""name" numeric, f float8, w text COLLATE "C");
INSERT INTO g VALUES (1, '[1,10)', 5, 1.50, 1e300, 'b'), (1, '[3,6)', NULL, 2, 1, 'a'), (1, '[5,8)', 7, NULL, 'infinity', NULL),
    (1, '[12,)', 1, 'NaN', 'NaN', 'z'), (1, 'empty', 100, 100, 100, 'zz'), (1, NULL, 100, 100, 100, 'zz'),
    (2, '(,3)', NULL, NULL, NULL, NULL);
SELECT * FROM temporal.sequenced_aggregate('TABLE g', '{k}', ARRAY['count(*)', ' Count ( V ) ', 'sum(v)', 'min(v)', 'max(v)'], 'p')
    AS t(k int, n bigint, c bigint, s bigint, lo int, hi int, p int4range) ORDER BY k, p;
SELECT * FROM temporal.sequenced_aggregate('TABLE g', '{k}', ARRAY['sum("Odd ""name")', 'sum(f)', 'min(w)', 'max(w)', 'count(*)'], 'p', true)
    AS t(k int, s numeric, f float8, lo text, hi text, n bigint, p int4range) ORDER BY k, p;
SELECT * FROM temporal.sequenced_aggregate('TABLE g', '{}', period => 'p') AS t(n bigint, p int4range) ORDER BY p;
\echo sums: a float leaves no trace, the scale of numeric is that of its values, bigint becomes numeric
SELECT * FROM temporal.sequenced_aggregate($$VALUES (int4range(1, 9), 1::float8, 1::numeric, 9223372036854775807),
    ('[2,5)', 1e20, 0.001, 9223372036854775807), ('[3,4)', 3, 2.5, -1)$$, '{}', '{sum(column2),sum(column3),sum(column4)}', 'column1')
    AS t(f float8, n numeric, b numeric, p int4range) ORDER BY p;
\echo sums of other types
SELECT * FROM temporal.sequenced_aggregate($$VALUES (int4range(1, 9), interval '1 day', 1.5::real, 2::smallint),
    ('[2,5)', '1 hour', 2.25::real, 3::smallint)$$, '{}', '{sum(column2),sum(column3),sum(column4),max(column4)}', 'column1')
    AS t(i interval, r real, s bigint, m smallint, p int4range) ORDER BY p;
\echo a NULL key equals nothing in a join
SELECT * FROM temporal.join_rows('VALUES (NULL::int, int4range(1,9), 1), (2, ''[1,9)'', 2)', 'VALUES (NULL::int, int4range(1,5), 3), (2, ''[1,5)'', 4)',
    '{column1}', 'column2', 'full') AS t(k int, l int, r int, p int4range) ORDER BY k, l, r;
\echo values of join: chosen, none, by reference
SELECT * FROM temporal.join_rows('SELECT *, repeat(v, 3) AS vvv FROM a', 'SELECT *, 7 AS seven FROM b', '{k}', 'p', 'left', '{vvv}', '{}')
    AS t(k int, v text, p int4range) ORDER BY p;
\echo unusual bounds
SELECT * FROM temporal.segment_rows($$VALUES (numrange(1, 2, '[]')), ('(1,3]'), ('[2,2]')$$, '{}', 'column1') AS t(p numrange) ORDER BY p;
SELECT * FROM temporal.coalesce_rows($$VALUES (numrange(1, 2)), ('(2,3]'), ('(3,4)')$$, '{}', 'column1') AS t(p numrange) ORDER BY p;
SELECT * FROM temporal.coalesce_rows($$VALUES (tsrange('2020-01-01', '2020-01-02', '(]')), ('[2020-01-02,2020-01-03)'), ('(2020-01-03,)')$$, '{}', 'column1')
    AS t(p tsrange) ORDER BY p;

--
-- In a SELECT list rows come one by one, and an early end gives everything back
--
SELECT temporal.segment_rows('TABLE c', '{k}', 'p') LIMIT 2;
SET work_mem = '64kB';
SELECT count(*) FROM (SELECT temporal.segment_rows('SELECT i % 3 AS k, int4range(i, i + 5) AS p FROM generate_series(1, 20000) i', '{k}', 'p') LIMIT 7) s;
SELECT count(*) FROM (SELECT temporal.segment_rows('SELECT (i % 3)::text AS k, int4range(i, i + 5) AS p FROM generate_series(1, 20000) i', '{k}', 'p') LIMIT 7) s;
SELECT count(*) FROM (SELECT temporal.segment_rows('SELECT i % 3 AS k, int4range(i, i + 5) AS p FROM generate_series(1, 20000) i', '{k}', 'p')) s;
SELECT count(*) FROM temporal.segment_rows('SELECT i % 3 AS k, int4range(i, i + 5) AS p FROM generate_series(1, 20000) i', '{k}', 'p') AS t(k int, p int4range);
SELECT count(*) FROM (SELECT temporal.segment_rows('SELECT (i % 3)::text AS k, int4range(i, i + 5) AS p FROM generate_series(1, 20000) i', '{k}', 'p')) s;
RESET work_mem;
\echo twice in one row, once per row, and in a cursor
SELECT temporal.segment_rows('TABLE b', '{}', 'p'), temporal.coalesce_rows('TABLE b', '{}', 'p', '{}');
SELECT i, temporal.segment_rows('VALUES (int4range(0, ' || i || ')), (''[0,1)'')', '{}', 'column1') FROM generate_series(1, 3) i;
SELECT i, t.p FROM generate_series(1, 3) i, temporal.segment_rows('VALUES (int4range(0, ' || i || ')), (''[0,1)'')', '{}', 'column1') AS t(p int4range)
ORDER BY 1, 2;
\echo ended early and begun again, and a sweep over sweeps
SELECT i, s FROM generate_series(1, 3) i,
    LATERAL (SELECT temporal.segment_rows('VALUES (int4range(0, ' || i || ')), (''[0,1)'')', '{}', 'column1') AS s OFFSET 0 LIMIT 1) x;
SELECT count(*) FROM (SELECT temporal.segment_rows($$SELECT i AS k, p FROM generate_series(1, 3) i,
    temporal.join_rows('SELECT 1 AS k, p FROM a', 'SELECT 1 AS k, p FROM b', '{k}', 'p', 'full') AS t(k int, p int4range)$$, '{k}', 'p') LIMIT 9) s;
BEGIN;
DECLARE pieces CURSOR FOR SELECT temporal.segment_rows('TABLE b', '{}', 'p');
FETCH 1 FROM pieces;
CLOSE pieces;
DECLARE pieces SCROLL CURSOR FOR SELECT p FROM temporal.segment_rows('TABLE b', '{}', 'p') AS t(p int4range);
FETCH 2 FROM pieces;
FETCH BACKWARD 1 FROM pieces;
COMMIT;
\echo an empty query gives nothing
SELECT count(*) FROM temporal.segment_rows('SELECT k, p FROM a WHERE false', '{k}', 'p') AS t(k int, p int4range);
SELECT count(*) FROM temporal.join_rows('TABLE a', 'SELECT * FROM b WHERE false', '{k}', 'p', 'left') AS t(k int, v text, w text, p int4range);

--
-- What is refused
--
\set VERBOSITY default
\echo the query
CREATE FUNCTION refusal(query text) RETURNS text LANGUAGE plpgsql AS $refusal$
DECLARE
    state text;
    message text;
    hint text;
BEGIN
    EXECUTE query;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', state, message, nullif(hint, ''));
END
$refusal$;
SELECT q, refusal(format('SELECT * FROM temporal.segment_rows(%L, ''{k}'', ''p'') AS t(k int, p int4range)', q))
FROM unnest(ARRAY[
    '', ';', 'TABLE a; TABLE a', 'DELETE FROM a RETURNING k, p', 'INSERT INTO a VALUES (9) RETURNING *', 'VACUUM a', 'BEGIN',
    'SELECT k, p INTO d FROM a', 'CREATE TABLE d AS SELECT 1', 'EXPLAIN SELECT 1', 'DECLARE d CURSOR FOR SELECT 1',
    'WITH d AS (DELETE FROM a RETURNING k, p) TABLE d', 'SELECT k, p FROM a FOR UPDATE',
    'SELECT * FROM (SELECT k, p FROM a FOR SHARE) s', 'SELECT k, p FROM a WHERE k = $1', 'SELECT k, p FROM nowhere', 'SELEC 1',
    'SELECT k, p FROM a -- fine', '(((SELECT k, p FROM a))) UNION ALL TABLE a', 'SELECT k, p FROM a;',
    'SELECT 1/(k - 1) AS k, p FROM a']) WITH ORDINALITY u(q, n) ORDER BY n;
CREATE VIEW locking AS SELECT k, p FROM a FOR UPDATE;
SELECT refusal($$SELECT * FROM temporal.segment_rows('TABLE locking', '{k}', 'p') AS t(k int, p int4range)$$);
\echo nothing was changed
SELECT count(*) FROM a;
\echo columns, types and arguments
SELECT q, refusal('SELECT * FROM temporal.' || q)
FROM unnest(ARRAY[
    $$segment_rows('TABLE a', '{x}', 'p') AS t(k int, p int4range)$$,
    $$segment_rows('TABLE a', '{k}') AS t(k int, p int4range)$$,
    $$segment_rows('TABLE a', '{k}', 'v') AS t(k int, p int4range)$$,
    $$segment_rows('SELECT k, k, p FROM a', '{k}', 'p') AS t(k int, p int4range)$$,
    $$segment_rows('TABLE a', '{k,k}', 'p') AS t(k int, p int4range)$$,
    $$segment_rows('TABLE a', '{k,p}', 'p') AS t(k int, p int4range)$$,
    $$segment_rows('TABLE a', '{k,NULL}', 'p') AS t(k int, p int4range)$$,
    $$segment_rows('TABLE a', NULL, 'p') AS t(k int, p int4range)$$,
    $$segment_rows(NULL, '{k}', 'p') AS t(k int, p int4range)$$,
    $$segment_rows('TABLE a', '{k}', NULL) AS t(k int, p int4range)$$,
    $$segment_rows('TABLE a', '{k}', 'p', NULL) AS t(k int, p int4range)$$,
    $$segment_rows('TABLE a', '{k}', 'p') AS t(k int)$$,
    $$segment_rows('TABLE a', '{k,v}', 'p') AS t(k int, v int, p int4range)$$,
    $$segment_rows('TABLE a', '{k}', 'p')$$,
    $$coalesce_rows('SELECT k, p, json ''{}'' AS j FROM a', '{k}', 'p') AS t(k int, j json, p int4range)$$,
    $$coalesce_rows('TABLE a', '{k}', 'p', '{k}') AS t(k int, p int4range)$$,
    $$coalesce_rows('TABLE a', '{k}', 'p', '{x}') AS t(k int, p int4range)$$,
    $$join_rows('TABLE a', 'TABLE b', '{k}', 'p', 'cross') AS t(k int, v text, w text, p int4range)$$,
    $$join_rows('TABLE a', 'TABLE b', '{k}', 'p', 'semi', NULL, '{w}') AS t(k int, v text, p int4range)$$,
    $$join_rows('TABLE a', 'TABLE b', '{k,v}', 'p') AS t(k int, v text, w text, p int4range)$$,
    $$join_rows('TABLE a', 'SELECT k::bigint, p, w FROM b', '{k}', 'p') AS t(k int, v text, w text, p int4range)$$,
    $$join_rows('TABLE a', 'SELECT k, p::text::numrange AS p, w FROM b', '{k}', 'p') AS t(k int, v text, w text, p int4range)$$,
    $$join_rows('TABLE a', 'SELECT v COLLATE "C", p FROM a', '{v}', 'p') AS t(v text, k int, p int4range)$$,
    $$sequenced_aggregate('TABLE g', '{k}', '{avg(v)}', 'p') AS t(k int, x int, p int4range)$$,
    $$sequenced_aggregate('TABLE g', '{k}', '{sum(*)}', 'p') AS t(k int, x int, p int4range)$$,
    $$sequenced_aggregate('TABLE g', '{k}', '{sum}', 'p') AS t(k int, x int, p int4range)$$,
    $$sequenced_aggregate('TABLE g', '{k}', '{""}', 'p') AS t(k int, x int, p int4range)$$,
    $$sequenced_aggregate('TABLE g', '{k}', '{sum()}', 'p') AS t(k int, x int, p int4range)$$,
    $$sequenced_aggregate('TABLE g', '{k}', '{sum(v}', 'p') AS t(k int, x int, p int4range)$$,
    $$sequenced_aggregate('TABLE g', '{k}', '{sum(x)}', 'p') AS t(k int, x int, p int4range)$$,
    $$sequenced_aggregate('TABLE g', '{k}', '{sum(w)}', 'p') AS t(k int, x int, p int4range)$$,
    $$sequenced_aggregate('TABLE g', '{k}', '{NULL}', 'p') AS t(k int, x int, p int4range)$$,
    $$sequenced_aggregate('SELECT p, point(1, 2) AS x FROM g', '{}', '{min(x)}', 'p') AS t(x point, p int4range)$$,
    $$sequenced_aggregate('SELECT p, 3e38::real AS x FROM g', '{}', '{sum(x)}', 'p') AS t(x real, p int4range)$$
    ]) WITH ORDINALITY u(q, n) ORDER BY n;
\echo an error in the query says where
SELECT * FROM temporal.segment_rows('SELECT nothing, p FROM a', '{k}', 'p') AS t(k int, p int4range);
SELECT * FROM temporal.segment_rows('SELECT k / 0 AS k, p FROM a', '{k}', 'p') AS t(k int, p int4range);
\set VERBOSITY terse

--
-- Rights: those of the caller, with row-level security
--
CREATE ROLE sweep_reader;
GRANT USAGE ON SCHEMA sweep_test, temporal TO sweep_reader;
GRANT SELECT ON b TO sweep_reader;
ALTER TABLE b ENABLE ROW LEVEL SECURITY;
CREATE POLICY only_x ON b TO sweep_reader USING (w = 'x');
SET ROLE sweep_reader;
SELECT * FROM temporal.segment_rows('TABLE a', '{k}', 'p') AS t(k int, p int4range);
SELECT * FROM temporal.segment_rows('TABLE b', '{k}', 'p') AS t(k int, p int4range);
RESET ROLE;
ALTER TABLE b DISABLE ROW LEVEL SECURITY;

--
-- Oracle: brute force over days, on random timelines. A timeline is a key; day 12 stands for infinity below.
--
CREATE FUNCTION dice(seed int, n int) RETURNS int LANGUAGE sql IMMUTABLE
RETURN (hashint4extended(seed, 42) & 2147483647) % n;
CREATE TABLE r (side int, id int, k int, v int, p int4range);
INSERT INTO r
SELECT side, k * 10 + i, CASE WHEN k > 10000 THEN NULL ELSE k END, nullif(dice(seed + 2, 4), 3),
    CASE dice(seed + 3, 20)
        WHEN 0 THEN NULL
        WHEN 1 THEN 'empty'
        WHEN 2 THEN int4range(NULL, f)
        WHEN 3 THEN int4range(f, NULL)
        WHEN 4 THEN int4range(f, 12)
        ELSE int4range(f, least(f + 1 + dice(seed + 4, 5), 12)) END
FROM generate_series(1, 10001) k, generate_series(0, 1) side, generate_series(1, 6) i,
    LATERAL (SELECT ((k * 2 + side) * 8 + i) * 8) s(seed), LATERAL (SELECT dice(seed + 1, 11)) f(f)
WHERE i <= 1 + dice((k * 2 + side) * 64, 6);
ANALYZE r;
CREATE VIEW l AS SELECT k, id, v, p FROM r WHERE side = 0;
CREATE VIEW o AS SELECT k, id AS oid, v AS w, p FROM r WHERE side = 1;
\echo coverage: none is 0
SELECT count(*) AS rows, count(*) FILTER (WHERE p IS NULL) AS no_period, count(*) FILTER (WHERE isempty(p)) AS empty,
    count(*) FILTER (WHERE lower_inf(p)) AS from_ever, count(*) FILTER (WHERE upper_inf(p)) AS for_ever,
    count(*) FILTER (WHERE upper(p) = 12) AS infinity, count(*) FILTER (WHERE v IS NULL) AS no_value,
    count(*) FILTER (WHERE k IS NULL) AS no_key
FROM r;
SELECT count(*) AS days_with_three_rows FROM (
    SELECT FROM l JOIN generate_series(-1, 13) d ON d <@ p GROUP BY k, d HAVING count(*) >= 3) s;
SELECT relation, count(*) FROM (
    SELECT CASE
        WHEN lower(l.p) = lower(o.p) THEN CASE sign(upper(l.p) - upper(o.p)) WHEN -1 THEN 'starts' WHEN 0 THEN 'equals' ELSE 'started_by' END
        WHEN upper(l.p) = upper(o.p) THEN CASE WHEN lower(l.p) > lower(o.p) THEN 'finishes' ELSE 'finished_by' END
        WHEN upper(l.p) = lower(o.p) THEN 'meets' WHEN upper(o.p) = lower(l.p) THEN 'met_by'
        WHEN l.p << o.p THEN 'precedes' WHEN l.p >> o.p THEN 'preceded_by'
        WHEN l.p <@ o.p THEN 'during' WHEN l.p @> o.p THEN 'contains'
        WHEN lower(l.p) < lower(o.p) THEN 'overlaps' ELSE 'overlapped_by' END AS relation
    FROM l JOIN o USING (k)
    WHERE NOT (isempty(l.p) OR isempty(o.p) OR lower_inf(l.p) OR lower_inf(o.p) OR upper_inf(l.p) OR upper_inf(o.p))) s
GROUP BY relation ORDER BY relation;

-- The days of the world: -1 is before every bound, 13 after.
CREATE TABLE d AS SELECT generate_series(-1, 13) AS d;
-- What holds on which day, and the pieces that the sweeps give: a group is whatever must be covered in longest pieces.
CREATE TABLE want (op text, g text, d int);
CREATE TABLE got (op text, g text, p int4range);

INSERT INTO want
SELECT DISTINCT 'coalesce', concat_ws(' ', coalesce(k, 0), 'v', v), d FROM l JOIN d ON d <@ p
UNION ALL SELECT 'inner', concat_ws(' ', l.id, oid), d FROM l JOIN o USING (k) JOIN d ON d <@ l.p AND d <@ o.p
UNION ALL SELECT DISTINCT 'semi', l.id::text, d FROM l JOIN o USING (k) JOIN d ON d <@ l.p AND d <@ o.p
UNION ALL SELECT 'anti', l.id::text, d FROM l JOIN d ON d <@ l.p
    WHERE NOT EXISTS (SELECT FROM o WHERE o.k = l.k AND d <@ o.p);
INSERT INTO want SELECT 'left', g, d FROM want WHERE op IN ('inner', 'anti');
INSERT INTO want SELECT 'full', g, d FROM want WHERE op = 'left'
UNION ALL SELECT 'full', 'only ' || o.oid, d FROM o JOIN d ON d <@ o.p
    WHERE NOT EXISTS (SELECT FROM l WHERE o.k = l.k AND d <@ l.p);

-- Four times: rows that fit into records, rows that do not, and both with hardly any memory.
CREATE FUNCTION collect() RETURNS void LANGUAGE sql AS $collect$
    TRUNCATE got;
    INSERT INTO got
    SELECT 'coalesce', concat_ws(' ', coalesce(k, 0), 'v', v), p
        FROM temporal.coalesce_rows('SELECT k, v, p FROM l', '{k}', 'p') AS t(k int, v int, p int4range)
    UNION ALL SELECT 'inner', concat_ws(' ', id, oid), p
        FROM temporal.join_rows('SELECT k, id, p FROM l', 'SELECT k, oid, p FROM o', '{k}', 'p', 'inner') AS t(k int, id int, oid int, p int4range)
    UNION ALL SELECT 'left', concat_ws(' ', id, oid), p
        FROM temporal.join_rows('SELECT k, id, p FROM l', 'SELECT k, oid, p FROM o', '{k}', 'p', 'left') AS t(k int, id int, oid int, p int4range)
    UNION ALL SELECT 'full', concat_ws(' ', coalesce(id::text, 'only'), oid), p
        FROM temporal.join_rows('SELECT k, id, p FROM l', 'SELECT k, oid, p FROM o', '{k}', 'p', 'full') AS t(k int, id int, oid int, p int4range)
    UNION ALL SELECT 'semi', id::text, p
        FROM temporal.join_rows('SELECT k, id, p FROM l', 'SELECT k, oid, p FROM o', '{k}', 'p', 'semi') AS t(k int, id int, p int4range)
    UNION ALL SELECT 'anti', id::text, p
        FROM temporal.join_rows('SELECT k, id, p FROM l', 'SELECT k, oid, p FROM o', '{k}', 'p', 'anti') AS t(k int, id int, p int4range);
$collect$;
CREATE FUNCTION collect_text() RETURNS void LANGUAGE sql AS $collect_text$
    TRUNCATE got;
    INSERT INTO got
    SELECT 'coalesce', concat_ws(' ', coalesce(k, '0'), 'v', v), p
        FROM temporal.coalesce_rows('SELECT k::text, v::numeric, p FROM l', '{k}', 'p') AS t(k text, v numeric, p int4range)
    UNION ALL SELECT kind, concat_ws(' ', coalesce(id, 'only'), oid), p FROM unnest('{inner,left,full}'::text[]) kind,
        temporal.join_rows('SELECT k::text, id::text, p FROM l', 'SELECT k::text, oid::text, p FROM o', '{k}', 'p', kind)
            AS t(k text, id text, oid text, p int4range)
    UNION ALL SELECT kind, id, p FROM unnest('{semi,anti}'::text[]) kind,
        temporal.join_rows('SELECT k::text, id::text, p FROM l', 'SELECT k::text, oid::text, p FROM o', '{k}', 'p', kind)
            AS t(k text, id text, p int4range);
$collect_text$;
-- A day too many or too few, a day twice, or pieces that should be one.
CREATE FUNCTION faults() RETURNS TABLE (op text, groups bigint, pieces bigint, wrong_days bigint, not_longest bigint)
LANGUAGE sql AS $faults$
    WITH days AS (
        SELECT op, g, d, sum(n) AS n
        FROM (SELECT op, g, d, 1 AS n FROM want UNION ALL SELECT op, g, d, -1 FROM got JOIN d ON d <@ p) u
        GROUP BY op, g, d),
    pairs AS (
        SELECT op, g, p, lag(p) OVER (PARTITION BY op, g ORDER BY p) AS before FROM got)
    SELECT op, count(DISTINCT g), count(*), (SELECT count(*) FROM days WHERE days.op = pairs.op AND n <> 0),
        count(*) FILTER (WHERE before -|- p)
    FROM pairs GROUP BY op ORDER BY op
$faults$;
SELECT collect();
SELECT * FROM faults();
SELECT collect_text();
SELECT * FROM faults();
SET work_mem = '64kB';
SELECT collect();
RESET work_mem;
SELECT * FROM faults();
SET work_mem = '64kB';
SELECT collect_text();
RESET work_mem;
SELECT * FROM faults();

\echo atomic segments and aggregates, with gaps and without
CREATE TABLE bounds AS
    SELECT DISTINCT k, b FROM l, LATERAL (VALUES (coalesce(lower(p), -1)), (coalesce(upper(p), 14))) v(b) WHERE NOT isempty(p);
CREATE TABLE per_day AS
    SELECT b.k, d, count(l.k IS NULL OR l.p IS NOT NULL) FILTER (WHERE d <@ l.p) AS n, count(v) FILTER (WHERE d <@ l.p) AS c,
        sum(v) FILTER (WHERE d <@ l.p) AS s, min(v) FILTER (WHERE d <@ l.p) AS lo, max(v) FILTER (WHERE d <@ l.p) AS hi
    FROM (SELECT k, min(b) AS first, max(b) AS last FROM bounds GROUP BY k) b JOIN d ON d >= first AND d < last
        JOIN l ON coalesce(l.k, 0) = coalesce(b.k, 0)
    GROUP BY b.k, d;
CREATE TABLE piece (k int, n bigint, c bigint, s bigint, lo int, hi int, p int4range);
-- Each day is in one piece and has the same aggregates; no bound lies inside a piece; each end is a bound.
CREATE FUNCTION piece_faults(with_gaps boolean) RETURNS TABLE (pieces bigint, wrong_days bigint, bound_inside bigint, end_without_bound bigint)
LANGUAGE sql AS $piece_faults$
    SELECT (SELECT count(*) FROM piece),
        (SELECT count(*) FROM (
            (SELECT * FROM per_day WHERE with_gaps OR n > 0
             EXCEPT ALL SELECT k, d, n, c, s, lo, hi FROM piece JOIN d ON d <@ p)
            UNION ALL
            (SELECT k, d, n, c, s, lo, hi FROM piece JOIN d ON d <@ p
             EXCEPT ALL SELECT * FROM per_day WHERE with_gaps OR n > 0)) x),
        (SELECT count(*) FROM piece JOIN bounds ON coalesce(bounds.k, 0) = coalesce(piece.k, 0)
            AND b > coalesce(lower(p), -1) AND b < coalesce(upper(p), 14)),
        (SELECT count(*) FROM piece, LATERAL (VALUES (coalesce(lower(p), -1)), (coalesce(upper(p), 14))) v(b)
            WHERE NOT EXISTS (SELECT FROM bounds WHERE coalesce(bounds.k, 0) = coalesce(piece.k, 0) AND bounds.b = v.b))
$piece_faults$;
INSERT INTO piece SELECT * FROM temporal.sequenced_aggregate('TABLE l', '{k}', '{count(*),count(v),sum(v),min(v),max(v)}', 'p')
    AS t(k int, n bigint, c bigint, s bigint, lo int, hi int, p int4range);
SELECT * FROM piece_faults(false);
SELECT count(*) AS segments, count(*) FILTER (WHERE piece.p IS NULL) AS wrong
FROM temporal.segment_rows('TABLE l', '{k}', 'p') AS t(k int, p int4range)
    FULL JOIN piece ON coalesce(piece.k, 0) = coalesce(t.k, 0) AND piece.p = t.p;
TRUNCATE piece;
INSERT INTO piece SELECT * FROM temporal.sequenced_aggregate('TABLE l', '{k}', '{count(*),count(v),sum(v),min(v),max(v)}', 'p', true)
    AS t(k int, n bigint, c bigint, s bigint, lo int, hi int, p int4range);
SELECT * FROM piece_faults(true);
SELECT count(*) AS segments, count(*) FILTER (WHERE piece.p IS NULL) AS wrong
FROM temporal.segment_rows('TABLE l', '{k}', 'p', true) AS t(k int, p int4range)
    FULL JOIN piece ON coalesce(piece.k, 0) = coalesce(t.k, 0) AND piece.p = t.p;
\echo values by reference, little memory
TRUNCATE piece;
SET work_mem = '64kB';
INSERT INTO piece SELECT k::int, n, c, s, lo::int, hi::int, p
FROM temporal.sequenced_aggregate('SELECT k::text, v::numeric, v::text AS w, p FROM l', '{k}', '{count(*),count(w),sum(v),min(w),max(v)}', 'p')
    AS t(k text, n bigint, c bigint, s numeric, lo text, hi numeric, p int4range);
RESET work_mem;
SELECT * FROM piece_faults(false);
\echo one timeline of all rows: many open at once
SELECT count(*) FROM (
    (SELECT d, n, s, lo, hi FROM temporal.sequenced_aggregate('TABLE l', '{}', '{count(*),sum(v),min(v),max(id)}', 'p')
        AS t(n bigint, s bigint, lo int, hi int, p int4range) JOIN d ON d <@ p)
    EXCEPT ALL
    (SELECT d, count(*), sum(v), min(v), max(id) FROM l JOIN d ON d <@ p GROUP BY d)) x;

--
-- Other range types, each a picture of the same days: infinity for day 12, cuts after a point, an order of one's own
--
CREATE TYPE textrange AS RANGE (subtype = text, collation = "C");
CREATE DOMAIN dayrange AS daterange;
CREATE TYPE realrange AS RANGE (subtype = float8);
CREATE FUNCTION backwards(x int, y int) RETURNS int LANGUAGE sql IMMUTABLE STRICT RETURN btint4cmp(y, x);
CREATE OPERATOR CLASS backwards FOR TYPE int USING btree AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 backwards(int, int);
CREATE TYPE backrange AS RANGE (subtype = int, subtype_opclass = backwards);
CREATE FUNCTION day(d int) RETURNS date LANGUAGE sql IMMUTABLE
RETURN CASE d WHEN 12 THEN date 'infinity' ELSE date '2020-01-01' + d END;
CREATE FUNCTION moment(d int) RETURNS timestamp LANGUAGE sql IMMUTABLE
RETURN CASE d WHEN 0 THEN timestamp '-infinity' ELSE timestamp '2020-01-01' + d * interval '1 us' END;
CREATE TABLE picture (name text, type text, expression text);
INSERT INTO picture VALUES
    ('int8range', 'int8range', 'int8range(lower(p), upper(p))'),
    ('daterange to infinity', 'daterange', 'daterange(day(lower(p)), day(upper(p)))'),
    ('domain', 'daterange', $$daterange(date '2020-01-01' + lower(p), date '2020-01-01' + upper(p))::dayrange$$),
    ('tsrange', 'tsrange', 'tsrange(moment(lower(p)), moment(upper(p)))'),
    ('tstzrange cut after', 'tstzrange', $$tstzrange(timestamptz '2020-01-01 00:00+00' + lower(p) * interval '1 day', timestamptz '2020-01-01 00:00+00' + upper(p) * interval '1 day', '(]')$$),
    ('numrange', 'numrange', 'numrange(lower(p) / 3.0, upper(p) / 3.0)'),
    ('numrange cut after', 'numrange', 'numrange(lower(p), upper(p), ''(]'')'),
    ('realrange', 'realrange', 'realrange(lower(p) / 4.0, upper(p) / 4.0)'),
    ('backrange', 'backrange', 'backrange(-lower(p), -upper(p))'),
    ('textrange', 'textrange', $$textrange(repeat('x', lower(p)), repeat('x', upper(p)))$$);
CREATE FUNCTION picture_faults(type text, expression text) RETURNS TABLE (coalesced bigint, segments bigint, joined bigint, wrong bigint)
LANGUAGE plpgsql AS $picture_faults$
BEGIN
    EXECUTE format($$CREATE TEMP TABLE x AS SELECT side, id, k, v, %s AS p FROM r WHERE NOT isempty(p)$$, expression);
    EXECUTE format($$CREATE TEMP TABLE y AS
        SELECT 1 AS op, k, v, 0 AS w, p FROM temporal.coalesce_rows('SELECT k, v, p FROM x', '{k}', 'p') AS t(k int, v int, p %1$s)
        UNION ALL SELECT 2, k, n, 0, p FROM temporal.sequenced_aggregate('SELECT k, p FROM x', '{k}', period => 'p') AS t(k int, n bigint, p %1$s)
        UNION ALL SELECT 3, k, v, w, p FROM temporal.join_rows('SELECT k, id, p FROM x WHERE side = 0', 'SELECT k, id, p FROM x WHERE side = 1',
            '{k}', 'p', 'full') AS t(k int, v int, w int, p %1$s)$$, type);
    EXECUTE format($$CREATE TEMP TABLE z AS SELECT op, k, v, w, %s AS p FROM base$$, expression);
    RETURN QUERY SELECT count(*) FILTER (WHERE op = 1), count(*) FILTER (WHERE op = 2), count(*) FILTER (WHERE op = 3),
        (SELECT count(*) FROM ((SELECT op, k, v, w, p::text FROM y EXCEPT ALL SELECT op, k, v, w, p::text FROM z)
            UNION ALL (SELECT op, k, v, w, p::text FROM z EXCEPT ALL SELECT op, k, v, w, p::text FROM y)) q)
    FROM y;
    DROP TABLE x, y, z;
END
$picture_faults$;
CREATE TABLE base AS
    SELECT 1 AS op, k, v, 0 AS w, p FROM temporal.coalesce_rows('SELECT k, v, p FROM r', '{k}', 'p') AS t(k int, v int, p int4range)
    UNION ALL SELECT 2, k, n, 0, p FROM temporal.sequenced_aggregate('SELECT k, p FROM r', '{k}', period => 'p') AS t(k int, n bigint, p int4range)
    UNION ALL SELECT 3, k, v, w, p FROM temporal.join_rows('SELECT k, id, p FROM r WHERE side = 0', 'SELECT k, id, p FROM r WHERE side = 1',
        '{k}', 'p', 'full') AS t(k int, v int, w int, p int4range);
SELECT name, f.* FROM picture, picture_faults(type, expression) f ORDER BY name;

\echo keys of every kind that fits into a record
CREATE TYPE mood AS ENUM ('sad', 'ok');
SELECT count(*), count(DISTINCT (b, c, s, i, l, o, d, t, ts, tz, m)), min(upper(p) - lower(p)), max(upper(p) - lower(p))
FROM temporal.coalesce_rows($$SELECT i % 2 = 0 AS b, chr(65 + i % 3)::"char" AS c, (i % 5 - 2)::int2 AS s, i % 7 - 3 AS i, (i % 11)::int8 * -5000000000 AS l,
        (i % 2)::oid AS o, date '-infinity' AS d, time '10:00' AS t, timestamp 'infinity' AS ts, timestamptz '2020-01-01 00:00+00' AS tz,
        CASE WHEN i % 2 = 0 THEN 'sad' ELSE 'ok' END::mood AS m, int4range(i, i + 2311) AS p FROM generate_series(0, 9239) i$$, '{}', 'p')
    AS t(b boolean, c "char", s int2, i int, l bigint, o oid, d date, t time, ts timestamp, tz timestamptz, m mood, p int4range);
SELECT * FROM temporal.coalesce_rows($$SELECT b, c::"char", s::int2, i, l, p FROM (VALUES (true, 'x', -2, -3, -5000000000, int4range(1, 2)),
        (NULL, NULL, NULL, NULL, NULL, '[1,2)'), (true, 'x', -2, -3, -5000000000, '[2,3)'), (NULL, NULL, NULL, NULL, NULL, '[2,3)'),
        (NULL, 'x', -2, -3, -5000000000, '[3,4)')) v(b, c, s, i, l, p)$$, '{}', 'p')
    AS t(b boolean, c "char", s int2, i int, l bigint, p int4range) ORDER BY p, b;

RESET search_path;
DROP SCHEMA sweep_test CASCADE;
REVOKE ALL ON SCHEMA temporal FROM sweep_reader;
DROP ROLE sweep_reader;

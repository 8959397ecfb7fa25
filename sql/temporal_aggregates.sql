-- temporal_aggregates: range_coalesce, gaps, covers_without_gaps, segments.
-- Depends on nothing but the extension. Random rows, the same ones in each run, against multirange arithmetic.
SET statbus."current_date" = '2024-06-15';

CREATE TYPE text_range AS RANGE (subtype = text, collation = "C", multirange_type_name = text_multirange);
CREATE TYPE float_range AS RANGE (subtype = float8, multirange_type_name = float_multirange);

-- E. Coverage; the order of the rows does not matter
CREATE FUNCTION pg_temp.covers(target anyelement, VARIADIC r anyarray) RETURNS boolean LANGUAGE sql AS $covers$
SELECT temporal.covers_without_gaps(x, target) FROM unnest(r) AS x
$covers$;
SELECT pg_temp.covers(int4range(1,10), NULL, int4range(1,10)) AS e1,
       pg_temp.covers(int4range(1,10), int4range(1,10), NULL) AS e2,
       pg_temp.covers(int4range(1,10), 'empty', int4range(1,10)) AS e3,
       pg_temp.covers(int4range(1,10), int4range(1,5), 'empty', int4range(5,10)) AS e4,
       pg_temp.covers(numrange(1,10), numrange(1,5), numrange(5,10,'()')) AS e5,
       pg_temp.covers(numrange(1,10), numrange(1,5,'[]'), numrange(5,10,'()')) AS e6,
       pg_temp.covers(int4range(1,20), int4range(1,5), int4range(8,20), int4range(5,8)) AS e7,
       pg_temp.covers(int4range(1,20), int4range(1,5), int4range(9,20), int4range(5,8)) AS e8;
SELECT pg_temp.covers(daterange('2024-01-01',NULL), daterange('2024-01-01','infinity')) AS e9,
       pg_temp.covers(daterange('2024-01-01','infinity'), daterange('2024-01-01',NULL)) AS e9_reverse,
       pg_temp.covers(daterange(NULL,NULL), daterange(NULL,'2024-01-01'), daterange('2024-01-01',NULL)) AS e10,
       pg_temp.covers(NULL::int4range, int4range(1,5)) IS NULL AS e11,
       pg_temp.covers('empty'::int4range, int4range(1,5)) AS empty_target,
       pg_temp.covers(int4range(1,5), NULL, NULL) AS nothing_but_null,
       pg_temp.covers(int4range(1,5), 'empty') AS nothing_but_empty;
SELECT temporal.covers_without_gaps(r, int4range(1,5)) IS NULL AS e12_no_rows,
       temporal.gaps(r, int4range(1,5)) IS NULL AS gaps_no_rows, temporal.gaps(r) IS NULL AS gaps_alone_no_rows,
       temporal.range_coalesce(r) IS NULL AS coalesce_no_rows, temporal.segments(r) IS NULL AS segments_no_rows
FROM (SELECT NULL::int4range AS r WHERE false) s;

-- NULL and empty rows
SELECT temporal.range_coalesce(r), temporal.gaps(r), temporal.gaps(r, int4range(1,5)) AS within, temporal.gaps(r, NULL) AS within_null,
       temporal.gaps(r, 'empty') AS within_empty, temporal.segments(r)
FROM (VALUES (NULL::int4range)) s(r);
SELECT temporal.range_coalesce(r), temporal.gaps(r), temporal.gaps(r, int4range(1,5)) AS within, temporal.gaps(r, NULL) AS within_null,
       temporal.gaps(r, 'empty') AS within_empty, temporal.segments(r)
FROM (VALUES ('empty'::int4range), (NULL)) s(r);

-- the second argument: NULL says nothing, two values are refused
SELECT temporal.gaps(r, w), temporal.covers_without_gaps(r, w) FROM (VALUES (int4range(1,3), NULL::int4range), (int4range(20,30), NULL),
    (int4range(5,6), int4range(0,9)), (int4range(7,12), NULL)) s(r, w);
SELECT temporal.gaps(r, w) FROM (VALUES (int4range(1,3), int4range(1,9)), (int4range(5,6), int4range(1,8))) s(r, w);
SELECT temporal.covers_without_gaps(r, w) FROM (VALUES (numrange(1,3), numrange(1,9)), (numrange(5,6), 'empty')) s(r, w);

-- H9, H11 and what cuts time
SELECT temporal.segments(r) FROM (VALUES (int4range(1,10)), (int4range(2,4)), (int4range(4,6)), (int4range(6,8))) s(r);
SELECT temporal.segments(r) FROM (VALUES (int4range(1,10))) s(r);
SELECT temporal.segments(r) FROM (VALUES (int4range(1,3)), (int4range(3,5)), (int4range(7,9)), (int4range(7,9))) s(r);
SELECT temporal.segments(r) FROM (VALUES (numrange(1,5,'[]')), (numrange(5,9)), (numrange(NULL,2)), (numrange(11,NULL))) s(r);
SELECT temporal.segments(r) FROM (VALUES (daterange('2024-01-01','infinity')), (daterange('2024-06-01',NULL))) s(r);
SELECT pg_typeof(temporal.segments(r)) FROM (VALUES (text_range('a','c')), (text_range('b','d'))) s(r);
SELECT temporal.segments(v) FROM generate_series(1,3) v;
SELECT temporal.segments(v) FROM (VALUES ('a'::text)) s(v);

-- Random rows: groups of very different sizes, some dense, some sparse, NULLs, empty and unbounded ranges, infinity,
-- and bounds in and out. Everything follows from a hash of the row's number.
CREATE TEMP TABLE sample AS
SELECT g, i, kind, a, a + 1 + (h2 & (CASE WHEN g % 3 = 0 THEN 3 ELSE 31 END)) AS b, (h3 & 3) AS form
FROM (SELECT g, i, (hashint4(g * 7919 + i) & 31) AS kind, (hashint4(g * 104729 + i * 31) & (CASE g % 4 WHEN 0 THEN 63 WHEN 1 THEN 1023 ELSE 8191 END)) AS a,
             hashint4(g * 3 + i * 7907) AS h2, hashint4(i * 13 + g * 5) AS h3
      FROM generate_series(1, 400) g, LATERAL generate_series(1, CASE g % 5 WHEN 0 THEN 1 WHEN 1 THEN 5 WHEN 2 THEN 12 WHEN 3 THEN 60 ELSE 300 END) i) s;

CREATE TEMP TABLE ranges AS
SELECT g, i,
       CASE kind WHEN 0 THEN NULL WHEN 1 THEN 'empty' WHEN 2 THEN int4range(NULL, b / 16) WHEN 3 THEN int4range(8000 + a / 16, NULL) ELSE int4range(a, b) END AS i4,
       CASE kind WHEN 0 THEN NULL WHEN 1 THEN 'empty' WHEN 2 THEN int8range(NULL, b / 16) WHEN 3 THEN int8range(8000 + a / 16, NULL) ELSE int8range(a * 10000000000, b * 10000000000) END AS i8,
       CASE kind WHEN 0 THEN NULL WHEN 1 THEN 'empty' WHEN 2 THEN daterange(NULL, day + b / 16) WHEN 3 THEN daterange(day + 8000 + a / 16, NULL)
                 WHEN 4 THEN daterange('-infinity', day + b / 16) WHEN 5 THEN daterange(day + 8000 + a / 16, 'infinity')
                 WHEN 6 THEN daterange(day + 8000 + a / 16, 'infinity', '[]') ELSE daterange(day + a, day + b) END AS d,
       CASE kind WHEN 0 THEN NULL WHEN 1 THEN 'empty' WHEN 2 THEN tstzrange(NULL, at + make_interval(hours => b / 16)) WHEN 3 THEN tstzrange(at + make_interval(hours => 8000 + a / 16), NULL)
                 WHEN 4 THEN tstzrange('-infinity', at + make_interval(hours => b / 16)) WHEN 5 THEN tstzrange(at + make_interval(hours => 8000 + a / 16), 'infinity')
                 ELSE tstzrange(at + make_interval(hours => a), at + make_interval(hours => b), bounds) END AS tz,
       CASE kind WHEN 0 THEN NULL WHEN 1 THEN 'empty' WHEN 2 THEN numrange(NULL, round(b / 16.0, 1), bounds) WHEN 3 THEN numrange(round(800 + a / 16.0, 1), NULL, bounds)
                 ELSE numrange(round(a / 10.0, 1), round(b / 10.0, 1), bounds) END AS n,
       CASE kind WHEN 0 THEN NULL WHEN 1 THEN 'empty' WHEN 2 THEN text_range(NULL, lpad(b::text, 5, '0')) WHEN 3 THEN text_range(lpad(a::text, 5, '0'), NULL)
                 ELSE text_range(lpad(a::text, 5, '0'), lpad(b::text, 5, '0'), bounds) END AS t,
       CASE kind WHEN 0 THEN NULL WHEN 1 THEN 'empty' WHEN 2 THEN float_range(NULL, b / 16, bounds) ELSE float_range(a / 8.0, b / 8.0, bounds) END AS f
FROM (SELECT *, date '1990-01-01' AS day, timestamptz '2000-01-01 00:00+00' AS at, (ARRAY['[)', '[]', '()', '(]'])[form + 1] AS bounds FROM sample) s;

SELECT count(*) AS rows, count(DISTINCT g) AS groups, count(*) FILTER (WHERE d IS NULL) > 0 AS nulls, count(*) FILTER (WHERE isempty(d)) > 0 AS empties,
       count(*) FILTER (WHERE lower_inf(d)) > 0 AS no_start, count(*) FILTER (WHERE upper_inf(d)) > 0 AS no_end,
       count(*) FILTER (WHERE upper(d) = 'infinity') > 0 AS infinities, count(*) FILTER (WHERE upper_inc(n)) > 0 AS inclusive_ends
FROM ranges;

-- coalesce and gaps against range_agg; the bytes too
CREATE FUNCTION pg_temp.check_unions(kind text, range_type text, universe text) RETURNS TABLE (type text, groups bigint, coalesce_wrong bigint,
    bytes_wrong bigint, gaps_wrong bigint, within_wrong bigint, cover_wrong bigint, covered bigint, islands numeric)
LANGUAGE plpgsql AS $check_unions$
BEGIN
    RETURN QUERY EXECUTE format($query$
        SELECT %1$L, count(*),
               count(*) FILTER (WHERE c IS DISTINCT FROM a),
               count(*) FILTER (WHERE pg_column_size(c) <> pg_column_size(a) OR c::text <> a::text OR hash_multirange(c) <> hash_multirange(a)),
               count(*) FILTER (WHERE g1 IS DISTINCT FROM CASE WHEN a IS NOT NULL THEN multirange(range_merge(a)) - a END),
               count(*) FILTER (WHERE g2 IS DISTINCT FROM multirange(w) - coalesce(a, '{}')),
               count(*) FILTER (WHERE v IS DISTINCT FROM (w <@ coalesce(a, '{}'))),
               count(*) FILTER (WHERE v),
               sum((SELECT count(*) FROM unnest(c)))
        FROM (SELECT g, w, range_agg(r) AS a, temporal.range_coalesce(r) AS c, temporal.gaps(r) AS g1,
                     temporal.gaps(r, w) AS g2, temporal.covers_without_gaps(r, w) AS v
              FROM (SELECT s.g, s.%1$I AS r, u.w FROM ranges s
                    JOIN LATERAL (SELECT (CASE s.g %% 4 WHEN 0 THEN '(,)' WHEN 1 THEN 'empty' ELSE %3$L END)::%2$s AS w) u ON true) q
              GROUP BY g, w) s
        $query$, kind, range_type, universe);
END
$check_unions$;

SELECT * FROM pg_temp.check_unions('i4', 'int4range', '[16,40)')
UNION ALL SELECT * FROM pg_temp.check_unions('i8', 'int8range', '[160000000000,400000000000)')
UNION ALL SELECT * FROM pg_temp.check_unions('d', 'daterange', '[1990-01-20,1990-02-20)')
UNION ALL SELECT * FROM pg_temp.check_unions('tz', 'tstzrange', '(2000-01-02 00:00+00,2000-01-03 00:00+00]')
UNION ALL SELECT * FROM pg_temp.check_unions('n', 'numrange', '(2.5,4.5]')
UNION ALL SELECT * FROM pg_temp.check_unions('t', 'text_range', '(00020,00040]')
UNION ALL SELECT * FROM pg_temp.check_unions('f', 'float_range', '(3.5,5.5]');

-- segments against plain SQL: all bounds, sorted, pieces between neighbours where somebody is
CREATE FUNCTION pg_temp.check_segments(kind text, range_type text) RETURNS TABLE (type text, groups bigint, wrong bigint, segments numeric)
LANGUAGE plpgsql AS $check_segments$
BEGIN
    RETURN QUERY EXECUTE format($query$
        WITH r AS (SELECT g, %1$I AS r FROM ranges WHERE NOT isempty(%1$I) AND g <= 100),
        -- a cut is where time after it begins: a bound and whether it lies before or after its value
        cut AS (SELECT DISTINCT g, lower(r) AS v, CASE WHEN lower_inf(r) THEN -1 WHEN lower_inc(r) THEN 0 ELSE 1 END AS side FROM r
                UNION SELECT DISTINCT g, upper(r), CASE WHEN upper_inf(r) THEN 2 WHEN upper_inc(r) THEN 1 ELSE 0 END FROM r),
        sorted AS (SELECT *, row_number() OVER w AS n, lead(v) OVER w AS next_v, lead(side) OVER w AS next_side FROM cut
                   WINDOW w AS (PARTITION BY g ORDER BY side = 2, side <> -1, v, side)),
        piece AS (SELECT g, n, %2$s(v, next_v, CASE WHEN side = 0 THEN '[' ELSE '(' END || CASE WHEN next_side = 1 THEN ']' ELSE ')' END) AS p
                  FROM sorted WHERE next_side IS NOT NULL),
        wanted AS (SELECT g, array_agg(p ORDER BY n) AS a FROM piece WHERE EXISTS (SELECT FROM r WHERE r.g = piece.g AND r.r @> piece.p) GROUP BY g),
        got AS (SELECT g, temporal.segments(%1$I) AS a FROM ranges WHERE g <= 100 GROUP BY g)
        SELECT %1$L, count(*), count(*) FILTER (WHERE nullif(got.a, '{}') IS DISTINCT FROM wanted.a), sum(cardinality(got.a))::numeric
        FROM got LEFT JOIN wanted USING (g)
        $query$, kind, range_type);
END
$check_segments$;

SELECT * FROM pg_temp.check_segments('i4', 'int4range')
UNION ALL SELECT * FROM pg_temp.check_segments('i8', 'int8range')
UNION ALL SELECT * FROM pg_temp.check_segments('d', 'daterange')
UNION ALL SELECT * FROM pg_temp.check_segments('tz', 'tstzrange')
UNION ALL SELECT * FROM pg_temp.check_segments('n', 'numrange')
UNION ALL SELECT * FROM pg_temp.check_segments('t', 'text_range')
UNION ALL SELECT * FROM pg_temp.check_segments('f', 'float_range');

-- The same through parallel workers: combine, serialise and back
CREATE TABLE parallel_ranges AS SELECT ranges.* FROM ranges, generate_series(1, 3) WHERE g % 5 <> 4;
ALTER TABLE parallel_ranges SET (parallel_workers = 2);
ANALYZE parallel_ranges;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT temporal.range_coalesce(d), temporal.gaps(d), temporal.gaps(d, '(,)'), temporal.covers_without_gaps(d, '(,)'),
    temporal.segments(d) FROM parallel_ranges;

CREATE FUNCTION pg_temp.summary(kind text, within text) RETURNS TABLE (type text, digest text) LANGUAGE plpgsql AS $summary$
BEGIN
    RETURN QUERY EXECUTE format($query$
        SELECT %1$L, md5(string_agg(concat_ws(' ', g, c, g1, g2, v, s), ',' ORDER BY g)) FROM (
            SELECT g, temporal.range_coalesce(%1$I) AS c, temporal.gaps(%1$I) AS g1, temporal.gaps(%1$I, %2$L) AS g2,
                   temporal.covers_without_gaps(%1$I, %2$L) AS v, temporal.segments(%1$I) AS s
            FROM parallel_ranges GROUP BY g) q $query$, kind, within);
END
$summary$;
CREATE TEMP TABLE digest AS
SELECT true AS parallel, s.* FROM (VALUES ('i4','[16,40)'), ('i8','(,)'), ('d','[1990-01-20,1990-02-20)'), ('tz','(,)'), ('n','(2.5,4.5]'), ('t','(00020,00040]'), ('f','(,)')) k(k, w),
    LATERAL pg_temp.summary(k, w) s;
SET max_parallel_workers_per_gather = 0;
INSERT INTO digest
SELECT false, s.* FROM (VALUES ('i4','[16,40)'), ('i8','(,)'), ('d','[1990-01-20,1990-02-20)'), ('tz','(,)'), ('n','(2.5,4.5]'), ('t','(00020,00040]'), ('f','(,)')) k(k, w),
    LATERAL pg_temp.summary(k, w) s;
SELECT type, count(*) AS runs, count(DISTINCT digest) AS results FROM digest GROUP BY type ORDER BY type;
RESET max_parallel_workers_per_gather; RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size;

-- order-free: sorted, backwards and shuffled rows
SELECT count(*) AS groups, count(*) FILTER (WHERE a <> b OR a <> c OR sa <> sb OR sa <> sc) AS wrong
FROM (SELECT g, temporal.range_coalesce(d ORDER BY d) a, temporal.range_coalesce(d ORDER BY d DESC) b, temporal.range_coalesce(d ORDER BY hashint4(i)) c,
             temporal.segments(n ORDER BY n) sa, temporal.segments(n ORDER BY n DESC) sb, temporal.segments(n ORDER BY hashint4(i)) sc
      FROM ranges GROUP BY g) s;

-- as window aggregates, where a state goes on after its result was asked for
SELECT i, temporal.range_coalesce(r) OVER w, temporal.gaps(r, int4range(0,20)) OVER w, temporal.covers_without_gaps(r, int4range(5,9)) OVER w AS covers,
       temporal.segments(r) OVER w
FROM (VALUES (1, int4range(5,7)), (2, int4range(10,12)), (3, int4range(6,9)), (4, int4range(1,30))) s(i, r) WINDOW w AS (ORDER BY i);

-- one large group of very many islands, of which the last row makes one
SELECT (SELECT count(*) FROM unnest(c)) AS islands, (SELECT count(*) FROM unnest(g)) AS gaps, s[1] AS first, cardinality(s) AS segments
FROM (SELECT temporal.range_coalesce(r) c, temporal.gaps(r) g, temporal.segments(r) s
      FROM (SELECT int4range((i * 7919 % 100003) * 3, (i * 7919 % 100003) * 3 + 2) AS r FROM generate_series(1, 100000) i) q) x;
SELECT temporal.range_coalesce(r) FROM (SELECT int8range((i * 7919 % 100003) * 3, (i * 7919 % 100003) * 3 + 2) AS r FROM generate_series(1, 100000) i
    UNION ALL SELECT int8range(0, 400000)) q;

DROP TABLE parallel_ranges, ranges;
DROP TYPE text_range;
DROP TYPE float_range;

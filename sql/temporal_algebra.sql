-- temporal_algebra: Allen's relations for ranges and for bounds, inverse, compose, predicates.
-- Depends on nothing but the extension.
SET statbus."current_date" = '2024-06-15';

-- A1-A13
SELECT label, temporal.allen(x, y), temporal.allen(y, x) AS swapped,
       temporal.allen(lower(x), upper(x), lower(y), upper(y)) AS of_bounds
FROM (VALUES ('A1', int4range(1,3), int4range(4,6)), ('A2', int4range(1,3), int4range(3,6)), ('A3', int4range(1,4), int4range(3,6)),
             ('A4', int4range(1,3), int4range(1,6)), ('A5', int4range(2,4), int4range(1,6)), ('A6', int4range(4,6), int4range(1,6)),
             ('A7', int4range(1,6), int4range(1,6))) AS c(label, x, y);

-- A14: over bounds 0 to 6 exactly one predicate holds, and it is what allen() says, for every range type
CREATE TEMP TABLE bounds AS
SELECT a, b, c, d FROM generate_series(0,6) a, generate_series(0,6) b, generate_series(0,6) c, generate_series(0,6) d
WHERE a < b AND c < d;

CREATE TYPE text_range AS RANGE (subtype = text, collation = "C");

CREATE FUNCTION pg_temp.predicate(x anyrange, y anyrange) RETURNS text LANGUAGE sql AS $predicate$
SELECT concat_ws(' ', CASE WHEN temporal.precedes(x, y) THEN 'precedes' END, CASE WHEN temporal.meets(x, y) THEN 'meets' END,
    CASE WHEN temporal.overlaps(x, y) THEN 'overlaps' END, CASE WHEN temporal.starts(x, y) THEN 'starts' END,
    CASE WHEN temporal.during(x, y) THEN 'during' END, CASE WHEN temporal.finishes(x, y) THEN 'finishes' END,
    CASE WHEN temporal.equals(x, y) THEN 'equals' END, CASE WHEN temporal.overlapped_by(x, y) THEN 'overlapped_by' END,
    CASE WHEN temporal.started_by(x, y) THEN 'started_by' END, CASE WHEN temporal.contains(x, y) THEN 'contains' END,
    CASE WHEN temporal.finished_by(x, y) THEN 'finished_by' END, CASE WHEN temporal.met_by(x, y) THEN 'met_by' END,
    CASE WHEN temporal.preceded_by(x, y) THEN 'preceded_by' END)
$predicate$;

-- the definition, by bounds
CREATE FUNCTION pg_temp.definition(a int, b int, c int, d int) RETURNS text LANGUAGE sql AS $definition$
SELECT CASE WHEN b < c THEN 'precedes' WHEN b = c THEN 'meets' WHEN d < a THEN 'preceded_by' WHEN d = a THEN 'met_by'
    WHEN a = c AND b = d THEN 'equals' WHEN a = c AND b < d THEN 'starts' WHEN a = c THEN 'started_by'
    WHEN b = d AND a > c THEN 'finishes' WHEN b = d THEN 'finished_by' WHEN a > c AND b < d THEN 'during'
    WHEN a < c AND b > d THEN 'contains' WHEN a < c THEN 'overlaps' ELSE 'overlapped_by' END
$definition$;

SELECT count(*) AS pairs, count(DISTINCT wanted) AS relations,
       count(*) FILTER (WHERE wanted IS DISTINCT FROM pg_temp.predicate(int4range(a,b), int4range(c,d))) AS predicates,
       count(*) FILTER (WHERE wanted IS DISTINCT FROM temporal.allen(int4range(a,b), int4range(c,d))::text) AS int4,
       count(*) FILTER (WHERE wanted IS DISTINCT FROM temporal.allen(int8range(a,b), int8range(c,d))::text) AS int8,
       count(*) FILTER (WHERE wanted IS DISTINCT FROM temporal.allen(numrange(a,b), numrange(c,d))::text) AS num,
       count(*) FILTER (WHERE wanted IS DISTINCT FROM temporal.allen(text_range(a::text,b::text), text_range(c::text,d::text))::text) AS txt,
       count(*) FILTER (WHERE wanted IS DISTINCT FROM temporal.allen(day + a, day + b, day + c, day + d)::text) AS scalar_date,
       count(*) FILTER (WHERE wanted IS DISTINCT FROM temporal.allen(a::text, b::text, c::text, d::text)::text) AS scalar_text,
       count(*) FILTER (WHERE wanted IS DISTINCT FROM temporal.allen(a::numeric, b::numeric, c::numeric, d::numeric)::text) AS scalar_numeric,
       count(*) FILTER (WHERE wanted IS DISTINCT FROM temporal.allen(a, b::bigint, c, d)::text) AS scalar_mixed,
       count(*) FILTER (WHERE wanted IS DISTINCT FROM temporal.inverse(temporal.allen(int4range(c,d), int4range(a,b)))::text) AS inverse,
       count(*) FILTER (WHERE wanted IS DISTINCT FROM
            temporal.allen(daterange(day + a, day + b), daterange(day + c, day + d))::text) AS date,
       count(*) FILTER (WHERE wanted IS DISTINCT FROM
            temporal.allen(tstzrange(day + make_interval(hours => a), day + make_interval(hours => b)),
                           tstzrange(day + make_interval(hours => c), day + make_interval(hours => d)))::text) AS tstz
FROM (SELECT *, pg_temp.definition(a, b, c, d) AS wanted, date '2024-01-01' AS day FROM bounds) s;

-- A15, A16: NULL, empty, reversed
SELECT temporal.allen(NULL::int4range, int4range(1,2)) IS NULL AS null_x,
       temporal.allen(int4range(1,2), NULL::int4range) IS NULL AS null_y,
       temporal.allen('empty'::int4range, int4range(1,2)) IS NULL AS empty_x,
       temporal.allen(int4range(1,2), 'empty'::int4range) IS NULL AS empty_y,
       temporal.allen('empty'::numrange, 'empty'::numrange) IS NULL AS empty_both,
       temporal.allen(1, 1, 1, 5) IS NULL AS scalar_empty,
       temporal.allen(3, 3, 1, 5) IS NULL AS scalar_inside,
       temporal.allen(5, 1, 1, 5) IS NULL AS reversed,
       temporal.allen(1, 5, 5, 1) IS NULL AS reversed_y,
       temporal.allen(NULL, 5, 1, 5) IS NULL AS null_bound,
       temporal.equals('empty'::int4range, 'empty'::int4range) IS NULL AS predicate_empty,
       temporal.meets(NULL::daterange, NULL) IS NULL AS predicate_null,
       temporal.inverse(NULL) IS NULL AS inverse_null,
       temporal.compose(NULL, 'meets') IS NULL AS compose_null;

-- A17: unbounded and infinite are different, inclusive ends of dense types are ends of their own
SELECT x, y, temporal.allen(x, y) FROM (VALUES
    (daterange(NULL, NULL), daterange(NULL, NULL)),
    (daterange('-infinity', 'infinity'), daterange('-infinity', 'infinity')),
    (daterange('-infinity', 'infinity'), daterange(NULL, NULL)),
    (daterange('2024-01-01', NULL), daterange('2024-01-01', 'infinity')),
    (daterange(NULL, '2024-01-01'), daterange('2024-01-01', NULL)),
    (daterange('4000-01-01 BC', '2024-01-01'), daterange('2024-01-01', '11000-01-01')),
    (daterange('2024-01-01', 'infinity', '[]'), daterange('2024-01-01', 'infinity')),
    (daterange('infinity', 'infinity', '[]'), daterange('2024-01-01', 'infinity'))) AS c(x, y);
SELECT x, y, temporal.allen(x, y) FROM (VALUES
    (numrange(1, 5, '[]'), numrange(5, 9, '(]')), (numrange(1, 5), numrange(5, 9, '(]')), (numrange(1, 5, '[]'), numrange(5, 9)),
    (numrange(1, 5, '[]'), numrange(1, 5)), (numrange(5, 5, '[]'), numrange(1, 5)), (numrange(1, 5, '()'), numrange(1, 5))) AS c(x, y);
SELECT temporal.allen('-infinity'::date, 'infinity', '-infinity', 'infinity') AS infinite;

-- a type without order is refused
SELECT temporal.allen(point '(1,1)', point '(1,2)', point '(2,1)', point '(2,2)');

-- Composition. The oracle: all triples of periods over six points.
CREATE TEMP TABLE triple AS
SELECT DISTINCT temporal.allen(x.r, y.r) AS xy, temporal.allen(y.r, z.r) AS yz, temporal.allen(x.r, z.r) AS xz
FROM (SELECT int4range(a, b) AS r FROM generate_series(0,5) a, generate_series(0,5) b WHERE a < b) x,
     (SELECT int4range(a, b) AS r FROM generate_series(0,5) a, generate_series(0,5) b WHERE a < b) y,
     (SELECT int4range(a, b) AS r FROM generate_series(0,5) a, generate_series(0,5) b WHERE a < b) z;
SELECT count(*) AS cells, sum(cardinality(composed)) AS relations,
       count(*) FILTER (WHERE composed IS DISTINCT FROM wanted) AS wrong,
       count(*) FILTER (WHERE cardinality(composed) = 1) AS single, count(*) FILTER (WHERE cardinality(composed) = 13) AS everything
FROM (SELECT temporal.compose(xy, yz) AS composed, array_agg(xz ORDER BY xz) AS wanted FROM triple GROUP BY xy, yz) s;
SELECT temporal.compose('overlaps', 'overlaps'), temporal.compose('meets', 'met_by');

DROP TYPE text_range;

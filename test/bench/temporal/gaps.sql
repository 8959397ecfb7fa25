-- The rival asks for the gaps between a key's rows; ours takes the span as an argument, here from a year before the first row
-- to a year after the last, and gives those two outer gaps as well: 200,000 rows more.
-- needs: temporal.gaps
-- vector: 00_setup.sql
-- run: ours
-- run: rival vector=02_coalesce.sql:gaps: multirange minus
-- ratio: gaps of 100 k keys, 1 M rows, unnested | temporal.gaps | rival / ours | >= 3
\echo == ours
SELECT count(*) FROM (SELECT k, unnest(temporal.gaps(r, daterange('1999-01-01', '2015-01-01'))) FROM seg GROUP BY k) s;

-- Without a second argument the gaps between a key's rows, as the rival finds them; with one, the outer ones as well: 200,000 more.
-- needs: temporal.gaps
-- vector: 00_setup.sql
-- run: ours
-- run: ours_within
-- run: rival vector=02_coalesce.sql:gaps: multirange minus
-- same: ours rival
-- ratio: gaps of 100 k keys, 1 M rows, unnested | temporal.gaps(r) | rival / ours | >= 3
-- ratio: gaps within 16 years | temporal.gaps(r, within) | rival / ours_within |
\echo == ours
SELECT count(*) FROM (SELECT k, unnest(temporal.gaps(r)) FROM seg GROUP BY k) s;
\echo == ours_within
SELECT count(*) FROM (SELECT k, unnest(temporal.gaps(r, daterange('1999-01-01', '2015-01-01'))) FROM seg GROUP BY k) s;

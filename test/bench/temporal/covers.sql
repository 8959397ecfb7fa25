-- needs: temporal.covers_without_gaps
-- vector: 00_setup.sql
-- run: ours
-- run: rival vector=03_covers.sql:native: range <@ range_agg
-- run: sums vector=03_covers.sql:native range_intersect/sum of lengths (no sort)
-- same: ours rival
-- ratio: is a period covered, 100 k keys, 1 M rows | temporal.covers_without_gaps | rival / ours | >= 1.5
-- ratio: the same, sum of lengths (wrong where rows overlap) | temporal.covers_without_gaps | sums / ours |
\echo == ours
SELECT count(*) FILTER (WHERE c) FROM (SELECT k, temporal.covers_without_gaps(r, daterange('2012-01-01','2018-01-01')) c FROM hist GROUP BY k) s;

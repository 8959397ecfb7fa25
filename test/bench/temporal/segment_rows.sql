-- needs: temporal.segment_rows
-- vector: 00_setup.sql
-- vector: 05_join_split.sql
-- run: ours
-- run: rival vector=05_join_split.sql:event points + atomic segments per key (the timepoints/timesegments of a registry): distinct boundaries, lead()
-- same: ours rival
-- ratio: atomic segments of 100 k keys, 1.45 M rows | temporal.segment_rows | rival / ours | >= 2.5
\echo == ours
SELECT count(*) FROM temporal.segment_rows('SELECT k, r FROM l UNION ALL SELECT k, r FROM r2', '{k}', 'r') AS t(k int, r daterange);

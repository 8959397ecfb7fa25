-- needs: temporal.sequenced_aggregate
-- vector: 00_setup.sql
-- vector: 05_join_split.sql
-- run: ours
-- run: rival x1 vector=05_join_split.sql:timeline (sequenced aggregation): atomic segments joined to both sides, sum(v) per segment, per key
-- run: ours_global
-- run: rival_global vector=05_join_split.sql:global sequenced count (1M intervals, how many alive at each day): sweep with +1/-1 window
-- same: ours rival
-- ratio: sum per atomic segment, 100 k keys, 1.45 M rows | temporal.sequenced_aggregate | rival / ours | >= 10
-- ratio: count per day of all rows as one group | temporal.sequenced_aggregate | rival_global / ours_global |
\echo == ours
SELECT count(*), sum(sv) FROM temporal.sequenced_aggregate('SELECT k, r, v FROM l UNION ALL SELECT k, r, v FROM r2', '{k}', '{sum(v)}', 'r')
    AS t(k int, sv bigint, r daterange);
\echo == ours_global
SELECT count(*), max(c) FROM temporal.sequenced_aggregate('SELECT r FROM seg', '{}', '{count(*)}', 'r') AS t(c bigint, r daterange);

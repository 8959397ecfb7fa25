-- needs: temporal.join_rows
-- vector: 00_setup.sql
-- vector: 05_join_split.sql
-- run: ours_left
-- run: rival_left vector=05_join_split.sql:temporal left join = inner pieces + uncovered pieces (multirange minus)
-- run: ours_inner
-- run: rival_inner vector=05_join_split.sql#1:temporal inner join (equi hash join on k + && filter)
-- run: ours_anti
-- run: rival_anti vector=05_join_split.sql:temporal difference / anti-join
-- same: ours_left rival_left
-- same: ours_inner rival_inner
-- same: ours_anti rival_anti
-- ratio: temporal left join, 1 M rows with 450 k | temporal.join_rows | rival_left / ours_left | >= 2.5
-- ratio: the same, inner | temporal.join_rows | rival_inner / ours_inner |
-- ratio: the same, anti | temporal.join_rows | rival_anti / ours_anti |
\echo == ours_left
SELECT count(*) FROM temporal.join_rows('SELECT k, r FROM l', 'SELECT k, r FROM r2', '{k}', 'r', 'left') AS t(k int, r daterange);
\echo == ours_inner
SELECT count(*) FROM temporal.join_rows('SELECT k, r FROM l', 'SELECT k, r FROM r2', '{k}', 'r', 'inner') AS t(k int, r daterange);
\echo == ours_anti
SELECT count(*) FROM temporal.join_rows('SELECT k, r FROM l', 'SELECT k, r FROM r2', '{k}', 'r', 'anti') AS t(k int, r daterange);

-- needs: temporal.allen
-- vector: 00_setup.sql
-- vector: 04_allen.sql
-- run: scalars
-- run: allen
-- run: allen_filter
-- run: overlap vector=04_allen.sql#1:native range operators: && , -|- , @>
-- run: case vector=04_allen.sql:native CASE over ranges with << -|- && @> <@ etc (13 relations)
-- run: predicate
-- ratio: 13 relations of 1 M pairs, beside one && | temporal.allen | allen / overlap | <= 1.2
-- ratio: the same as a filter | temporal.allen | allen_filter / overlap | <= 1.2
-- ratio: the same, CASE over range operators | temporal.allen | case / allen |
-- ratio: one predicate, beside one && | temporal.overlaps | predicate / overlap |
-- ratio: four bounds instead of ranges | temporal.allen | scalars / allen |
\echo == allen
SELECT count(temporal.allen(ar, br)) FROM pairs;
\echo == allen_filter
SELECT count(*) FROM pairs WHERE temporal.allen(ar, br) = 'overlaps';
\echo == predicate
SELECT count(*) FROM pairs WHERE temporal.overlaps(ar, br);
\echo == scalars
SELECT count(temporal.allen(af, at, bf, bt)) FROM pairs;

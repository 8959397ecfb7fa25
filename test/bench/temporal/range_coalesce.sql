-- needs: temporal.range_coalesce
-- vector: 00_setup.sql
-- run: ours
-- run: rival vector=02_coalesce.sql:range_agg + unnest (output rows)
-- run: ours_multirange
-- run: rival_multirange vector=02_coalesce.sql:range_agg, hash aggregate, seg (random order)
-- run: ours_history
-- run: rival_history vector=02_coalesce.sql:coalesce per (key, value) on hist: range_agg per k,v + unnest
-- run: floor vector=02_coalesce.sql:floor: only GROUP BY k with min/max (same scan + hash)
-- same: ours rival
-- same: ours_multirange rival_multirange
-- same: ours_history rival_history
-- ratio: coalesced ranges of 100 k keys, 1 M rows, unnested | temporal.range_coalesce | rival / ours | >= 2.5
-- ratio: the same as multiranges | temporal.range_coalesce | rival_multirange / ours_multirange |
-- ratio: coalesced ranges per key and value, ordered history | temporal.range_coalesce | rival_history / ours_history |
-- ratio: floor of any such aggregate, min and max per key | temporal.range_coalesce | ours / floor |
\echo == ours
SELECT count(*) FROM (SELECT k, unnest(temporal.range_coalesce(r)) FROM seg GROUP BY k) s;
\echo == ours_multirange
SELECT count(mr), sum(n) FROM (SELECT k, temporal.range_coalesce(r) mr, count(*) n FROM seg GROUP BY k) s;
\echo == ours_history
SELECT count(*) FROM (SELECT k, v, unnest(temporal.range_coalesce(r)) FROM hist GROUP BY k, v) s;

-- Statistics in derived rows: a unit's own values, and summaries that can be merged.

CREATE OR REPLACE FUNCTION statbus.stats_to_agg(stats jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_generic_plan'   -- also below statbus.sync_units(), which may ask for custom plans
AS $stats_to_agg$
BEGIN
    IF stats = '{}' THEN
        RETURN stats;
    END IF;
    RETURN (
        SELECT jsonb_object_agg(s.key, CASE
            WHEN s.value ->> 'type' IN ('int', 'float') THEN jsonb_build_object(
                'type', (s.value ->> 'type') || '_agg', 'count', 1,
                'sum', s.value -> 'value', 'min', s.value -> 'value', 'max', s.value -> 'value', 'mean', s.value -> 'value')
            ELSE jsonb_build_object(
                'type', (s.value ->> 'type') || '_agg', 'counts', jsonb_build_object(s.value ->> 'value', 1))
            END)
        FROM jsonb_each(stats) AS s);
END
$stats_to_agg$;
COMMENT ON FUNCTION statbus.stats_to_agg(jsonb) IS
    'The statistics of one unit as a summary of one unit: numbers as count, sum, min, max, mean; other values as counts per value';

CREATE OR REPLACE FUNCTION statbus.stats_merge_all(summaries jsonb[])
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'force_generic_plan'   -- also below statbus.sync_units(), which may ask for custom plans
AS $stats_merge_all$
BEGIN
    IF cardinality(summaries) < 2 THEN
        RETURN coalesce(summaries[1], '{}');
    END IF;
    -- The numbers are numeric: their sum does not depend on the order. int with float is float.
    RETURN (
        SELECT coalesce(jsonb_object_agg(m.code, CASE
            WHEN m.type IN ('int_agg', 'float_agg') THEN jsonb_build_object(
                'type', m.type, 'count', m.count, 'sum', m.sum, 'min', m.min, 'max', m.max, 'mean', trim_scale(m.sum / m.count))
            ELSE jsonb_build_object('type', m.type, 'counts', (
                SELECT jsonb_object_agg(v.value, v.count)
                FROM (SELECT c.key AS value, sum(c.value::numeric) AS count
                      FROM unnest(m.items) AS i (item)
                      CROSS JOIN LATERAL jsonb_each_text(i.item -> 'counts') AS c
                      GROUP BY c.key) AS v))
            END), '{}')
        FROM (SELECT s.key AS code, min(s.value ->> 'type') AS type, array_agg(s.value) AS items,
                     sum((s.value ->> 'count')::numeric) AS count, sum((s.value ->> 'sum')::numeric) AS sum,
                     min((s.value ->> 'min')::numeric) AS min, max((s.value ->> 'max')::numeric) AS max
              FROM unnest(summaries) AS part (summary)
              CROSS JOIN LATERAL jsonb_each(part.summary) AS s
              GROUP BY s.key) AS m);
END
$stats_merge_all$;
COMMENT ON FUNCTION statbus.stats_merge_all(jsonb[]) IS 'The summary of all units that the given summaries stand for';

CREATE OR REPLACE FUNCTION statbus.stats_merge(a jsonb, b jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $stats_merge$
BEGIN
    RETURN CASE WHEN a = '{}' THEN b WHEN b = '{}' THEN a ELSE statbus.stats_merge_all(ARRAY[a, b]) END;
END
$stats_merge$;
COMMENT ON FUNCTION statbus.stats_merge(jsonb, jsonb) IS 'The summary of all units that two summaries stand for';

CREATE OR REPLACE AGGREGATE statbus.stats_merge_agg(summary jsonb) (
    SFUNC = pg_catalog.array_append,
    STYPE = jsonb[],
    INITCOND = '{}',
    FINALFUNC = statbus.stats_merge_all,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE statbus.stats_merge_agg(jsonb) IS 'The summary of all units that the summaries stand for; their order does not matter';

REVOKE ALL ON FUNCTION statbus.stats_to_agg(jsonb), statbus.stats_merge_all(jsonb[]), statbus.stats_merge(jsonb, jsonb),
    statbus.stats_merge_agg(jsonb) FROM PUBLIC;

-- timepoints and timesegments -------------------------------------------------------------------------------------

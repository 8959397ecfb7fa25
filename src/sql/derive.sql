-- From the base tables to register.statistical_unit: what a unit's segments are, what stands in a row, who writes it and when.
--
-- The way: base tables → timepoints → timesegments → statistical_unit, each for establishments, then legal units, then
-- enterprises, then power groups. Every stage has one function that says what ought to stand there and compares it with
-- what does; with is_write it also writes the difference. statbus.derive(), rebuild() and verify_derived() are three ways to
-- call these functions. doc/derive.md has the semantics.
--
-- Units are given as arrays of distinct ids. Each statement begins with "dirty", the unnested array, and joins on ids, with
-- the period as an extra condition: the planner then has hash joins for many units and index scans for few.

-- statistics ------------------------------------------------------------------------------------------------------

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

CREATE OR REPLACE FUNCTION statbus.timepoints_of(unit_type text, unit_ids integer[])
RETURNS TABLE (unit_id integer, timepoint date)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $timepoints_of$
#variable_conflict use_column
DECLARE
    kind CONSTANT text := unit_type;
BEGIN
    -- UNION: one day may be a bound of many things.
    IF kind = 'establishment' THEN
        RETURN QUERY
        WITH dirty AS (
            SELECT unnest(unit_ids) AS id
        ), own AS (
            SELECT o.id, o.valid_from, o.valid_until FROM dirty JOIN register.establishment AS o ON o.id = dirty.id
        ), detail (id, valid_from, valid_until) AS (
            SELECT d.establishment_id, d.valid_from, d.valid_until FROM dirty JOIN register.activity AS d ON d.establishment_id = dirty.id
            UNION ALL SELECT d.establishment_id, d.valid_from, d.valid_until FROM dirty JOIN register.location AS d ON d.establishment_id = dirty.id
            UNION ALL SELECT d.establishment_id, d.valid_from, d.valid_until FROM dirty JOIN register.contact AS d ON d.establishment_id = dirty.id
            UNION ALL SELECT d.establishment_id, d.valid_from, d.valid_until FROM dirty JOIN register.stat_for_unit AS d ON d.establishment_id = dirty.id
            UNION ALL SELECT d.establishment_id, d.valid_from, d.valid_until FROM dirty JOIN register.person_for_unit AS d ON d.establishment_id = dirty.id
        ), period AS (
            SELECT o.id, o.valid_from, o.valid_until FROM own AS o
            UNION ALL
            SELECT o.id, greatest(o.valid_from, d.valid_from), least(o.valid_until, d.valid_until)
            FROM own AS o
            JOIN detail AS d ON d.id = o.id AND d.valid_from < o.valid_until AND o.valid_from < d.valid_until
        )
        SELECT p.id, bound.timepoint
        FROM period AS p
        CROSS JOIN LATERAL (VALUES (p.valid_from), (p.valid_until)) AS bound (timepoint)
        GROUP BY 1, 2;
    ELSIF kind = 'legal_unit' THEN
        RETURN QUERY
        WITH dirty AS (
            SELECT unnest(unit_ids) AS id
        ), own AS (
            SELECT o.id, o.valid_from, o.valid_until FROM dirty JOIN register.legal_unit AS o ON o.id = dirty.id
        ), detail (id, valid_from, valid_until) AS (
            SELECT d.legal_unit_id, d.valid_from, d.valid_until FROM dirty JOIN register.activity AS d ON d.legal_unit_id = dirty.id
            UNION ALL SELECT d.legal_unit_id, d.valid_from, d.valid_until FROM dirty JOIN register.location AS d ON d.legal_unit_id = dirty.id
            UNION ALL SELECT d.legal_unit_id, d.valid_from, d.valid_until FROM dirty JOIN register.contact AS d ON d.legal_unit_id = dirty.id
            UNION ALL SELECT d.legal_unit_id, d.valid_from, d.valid_until FROM dirty JOIN register.stat_for_unit AS d ON d.legal_unit_id = dirty.id
            UNION ALL SELECT d.legal_unit_id, d.valid_from, d.valid_until FROM dirty JOIN register.person_for_unit AS d ON d.legal_unit_id = dirty.id
        ), period AS (
            SELECT o.id, o.valid_from, o.valid_until FROM own AS o
            UNION ALL
            SELECT o.id, greatest(o.valid_from, d.valid_from), least(o.valid_until, d.valid_until)
            FROM own AS o
            JOIN detail AS d ON d.id = o.id AND d.valid_from < o.valid_until AND o.valid_from < d.valid_until
        )
        SELECT p.id, bound.timepoint
        FROM period AS p
        CROSS JOIN LATERAL (VALUES (p.valid_from), (p.valid_until)) AS bound (timepoint)
        UNION
        -- What happens in an establishment while it belongs to the unit.
        SELECT e.legal_unit_id, t.timepoint
        FROM dirty
        JOIN register.establishment AS e ON e.legal_unit_id = dirty.id
        JOIN register.timepoints AS t ON t.unit_type = 'establishment' AND t.unit_id = e.id
            AND e.valid_from <= t.timepoint AND t.timepoint <= e.valid_until;
    ELSIF kind = 'enterprise' THEN
        RETURN QUERY
        WITH dirty AS (
            SELECT unnest(unit_ids) AS id
        )
        SELECT l.enterprise_id, t.timepoint
        FROM dirty
        JOIN register.legal_unit AS l ON l.enterprise_id = dirty.id
        JOIN register.timepoints AS t ON t.unit_type = 'legal_unit' AND t.unit_id = l.id
            AND l.valid_from <= t.timepoint AND t.timepoint <= l.valid_until
        UNION
        SELECT e.enterprise_id, t.timepoint
        FROM dirty
        JOIN register.establishment AS e ON e.enterprise_id = dirty.id
        JOIN register.timepoints AS t ON t.unit_type = 'establishment' AND t.unit_id = e.id
            AND e.valid_from <= t.timepoint AND t.timepoint <= e.valid_until;
    ELSIF kind = 'power_group' THEN
        RETURN QUERY
        WITH dirty AS (
            SELECT unnest(unit_ids) AS id
        ), relation AS (
            SELECT r.derived_power_group_id AS id, r.influencing_id, r.influenced_id, r.valid_from, r.valid_until
            FROM dirty
            JOIN register.legal_relationship AS r ON r.derived_power_group_id = dirty.id
        ), period AS (
            SELECT r.id, r.valid_from, r.valid_until FROM relation AS r
            UNION ALL
            SELECT p.power_group_id, p.valid_from, p.valid_until
            FROM dirty
            JOIN register.power_root AS p ON p.power_group_id = dirty.id
        )
        SELECT p.id, bound.timepoint
        FROM period AS p
        CROSS JOIN LATERAL (VALUES (p.valid_from), (p.valid_until)) AS bound (timepoint)
        UNION
        -- What happens in a legal unit while it is a member.
        SELECT r.id, t.timepoint
        FROM relation AS r
        CROSS JOIN LATERAL (VALUES (r.influencing_id), (r.influenced_id)) AS member (legal_unit_id)
        JOIN register.timepoints AS t ON t.unit_type = 'legal_unit' AND t.unit_id = member.legal_unit_id
            AND r.valid_from <= t.timepoint AND t.timepoint <= r.valid_until;
    END IF;
END
$timepoints_of$;
COMMENT ON FUNCTION statbus.timepoints_of(text, integer[]) IS
    'The days on which the pictures of these units may change; those of the units below them are taken from register.timepoints';
REVOKE ALL ON FUNCTION statbus.timepoints_of(text, integer[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.timesegments_of(unit_type text, unit_ids integer[])
RETURNS TABLE (unit_id integer, valid_from date, valid_until date)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $timesegments_of$
#variable_conflict use_column
DECLARE
    kind CONSTANT register.statistical_unit_type := unit_type;
BEGIN
    RETURN QUERY
    WITH step AS (
        SELECT t.unit_id, t.timepoint AS valid_from, lead(t.timepoint) OVER (PARTITION BY t.unit_id ORDER BY t.timepoint) AS valid_until
        FROM unnest(unit_ids) AS dirty (id)
        JOIN register.timepoints AS t ON t.unit_type = kind AND t.unit_id = dirty.id
    )
    SELECT s.unit_id, s.valid_from, s.valid_until
    FROM step AS s
    WHERE s.valid_until IS NOT NULL
    -- The unit exists on the first day, and so on every day of the segment.
    AND CASE kind
        WHEN 'establishment' THEN EXISTS (
            SELECT FROM register.establishment AS e
            WHERE e.id = s.unit_id AND e.valid_from <= s.valid_from AND s.valid_from < e.valid_until)
        WHEN 'legal_unit' THEN EXISTS (
            SELECT FROM register.legal_unit AS l
            WHERE l.id = s.unit_id AND l.valid_from <= s.valid_from AND s.valid_from < l.valid_until)
        WHEN 'enterprise' THEN EXISTS (
            SELECT FROM register.legal_unit AS l
            WHERE l.enterprise_id = s.unit_id AND l.valid_from <= s.valid_from AND s.valid_from < l.valid_until)
            OR EXISTS (
            SELECT FROM register.establishment AS e
            WHERE e.enterprise_id = s.unit_id AND e.valid_from <= s.valid_from AND s.valid_from < e.valid_until)
        WHEN 'power_group' THEN EXISTS (
            SELECT FROM register.legal_relationship AS r
            WHERE r.derived_power_group_id = s.unit_id AND r.valid_from <= s.valid_from AND s.valid_from < r.valid_until)
        END;
END
$timesegments_of$;
COMMENT ON FUNCTION statbus.timesegments_of(text, integer[]) IS
    'From one of register.timepoints to the next, where the unit exists';
REVOKE ALL ON FUNCTION statbus.timesegments_of(text, integer[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.sync_timesegments(unit_type text, unit_ids integer[], is_write boolean)
RETURNS TABLE (unit_id integer, valid_from date, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $sync_timesegments$
#variable_conflict use_column
DECLARE
    kind CONSTANT register.statistical_unit_type := unit_type;
BEGIN
    RETURN QUERY
    WITH fresh AS MATERIALIZED (
        SELECT f.unit_id, f.timepoint FROM statbus.timepoints_of(kind::text, unit_ids) AS f
    ), stored AS MATERIALIZED (
        SELECT t.unit_id, t.timepoint
        FROM unnest(unit_ids) AS dirty (id)
        JOIN register.timepoints AS t ON t.unit_type = kind AND t.unit_id = dirty.id
    ), difference AS MATERIALIZED (
        SELECT coalesce(f.unit_id, s.unit_id) AS unit_id, coalesce(f.timepoint, s.timepoint) AS timepoint, s.unit_id IS NULL AS is_missing
        FROM fresh AS f
        FULL JOIN stored AS s ON s.unit_id = f.unit_id AND s.timepoint = f.timepoint
        WHERE f.unit_id IS NULL OR s.unit_id IS NULL
    ), gone AS (
        DELETE FROM register.timepoints AS t
        USING difference AS d
        WHERE is_write AND NOT d.is_missing AND t.unit_type = kind AND t.unit_id = d.unit_id AND t.timepoint = d.timepoint
    ), added AS (
        INSERT INTO register.timepoints (unit_type, unit_id, timepoint)
        SELECT kind, d.unit_id, d.timepoint FROM difference AS d WHERE is_write AND d.is_missing
    )
    SELECT d.unit_id, d.timepoint, 'timepoint ' || CASE WHEN d.is_missing THEN 'missing' ELSE 'surplus' END
    FROM difference AS d;

    RETURN QUERY
    WITH fresh AS MATERIALIZED (
        SELECT f.unit_id, f.valid_from, f.valid_until FROM statbus.timesegments_of(kind::text, unit_ids) AS f
    ), stored AS MATERIALIZED (
        SELECT s.unit_id, s.valid_from, s.valid_until
        FROM unnest(unit_ids) AS dirty (id)
        JOIN register.timesegments AS s ON s.unit_type = kind AND s.unit_id = dirty.id
    ), difference AS MATERIALIZED (
        SELECT coalesce(f.unit_id, s.unit_id) AS unit_id, coalesce(f.valid_from, s.valid_from) AS valid_from, f.valid_until,
               CASE WHEN s.unit_id IS NULL THEN 'missing' WHEN f.unit_id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
        FROM fresh AS f
        FULL JOIN stored AS s ON s.unit_id = f.unit_id AND s.valid_from = f.valid_from
        WHERE f.valid_until IS DISTINCT FROM s.valid_until
    ), gone AS (
        DELETE FROM register.timesegments AS s
        USING difference AS d
        WHERE is_write AND d.problem = 'surplus' AND s.unit_type = kind AND s.unit_id = d.unit_id AND s.valid_from = d.valid_from
    ), changed AS (
        UPDATE register.timesegments AS s
        SET valid_until = d.valid_until
        FROM difference AS d
        WHERE is_write AND d.problem = 'differs' AND s.unit_type = kind AND s.unit_id = d.unit_id AND s.valid_from = d.valid_from
    ), added AS (
        INSERT INTO register.timesegments (unit_type, unit_id, valid_from, valid_until)
        SELECT kind, d.unit_id, d.valid_from, d.valid_until FROM difference AS d WHERE is_write AND d.problem = 'missing'
    )
    SELECT d.unit_id, d.valid_from, 'timesegment ' || d.problem FROM difference AS d;
END
$sync_timesegments$;
COMMENT ON FUNCTION statbus.sync_timesegments(text, integer[], boolean) IS
    'What is wrong in register.timepoints and timesegments for these units; is_write puts it right';
REVOKE ALL ON FUNCTION statbus.sync_timesegments(text, integer[], boolean) FROM PUBLIC;

-- rows ------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION statbus.sync_establishments(unit_ids integer[], is_write boolean)
RETURNS TABLE (unit_id integer, valid_from date, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $sync_establishments$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH dirty AS (
        SELECT unnest(unit_ids) AS id
    ), segment AS (
        SELECT s.unit_id, s.valid_from, s.valid_until
        FROM dirty
        JOIN register.timesegments AS s ON s.unit_type = 'establishment' AND s.unit_id = dirty.id
    ), statistic AS (
        SELECT s.unit_id, s.valid_from, jsonb_object_agg(d.code, x.stat) AS stats, array_agg(x.data_source_id) AS data_source_ids,
               (array_agg(x.edit_at ORDER BY x.edit_at DESC, x.edit_by_user_id DESC, x.edit_comment DESC NULLS LAST))[1] AS edit_at,
               (array_agg(x.edit_by_user_id ORDER BY x.edit_at DESC, x.edit_by_user_id DESC, x.edit_comment DESC NULLS LAST))[1] AS edit_by_user_id,
               (array_agg(x.edit_comment ORDER BY x.edit_at DESC, x.edit_by_user_id DESC, x.edit_comment DESC NULLS LAST))[1] AS edit_comment
        FROM segment AS s
        JOIN register.stat_for_unit AS x ON x.establishment_id = s.unit_id AND x.valid_from <= s.valid_from AND s.valid_from < x.valid_until
        JOIN register.stat_definition AS d ON d.id = x.stat_definition_id
        GROUP BY s.unit_id, s.valid_from
    ), identified AS (
        SELECT x.establishment_id AS unit_id, jsonb_object_agg(t.code, coalesce(x.ident, ltree2text(x.idents))) AS external_idents
        FROM dirty
        JOIN register.external_ident AS x ON x.establishment_id = dirty.id
        JOIN register.external_ident_type AS t ON t.id = x.type_id
        GROUP BY x.establishment_id
    ), tagged AS (
        SELECT x.establishment_id AS unit_id, array_agg(t.path ORDER BY t.path) AS tag_paths
        FROM dirty
        JOIN register.tag_for_unit AS x ON x.establishment_id = dirty.id
        JOIN register.tag AS t ON t.id = x.tag_id
        GROUP BY x.establishment_id
    ), fresh (
        unit_type, unit_id, valid_from, valid_until, external_idents, name, birth_date, death_date,
        primary_activity_category_id, primary_activity_category_path, primary_activity_category_code,
        secondary_activity_category_id, secondary_activity_category_path, secondary_activity_category_code,
        activity_category_paths, sector_id, sector_path, sector_code, sector_name, data_source_ids, data_source_codes,
        legal_form_id, legal_form_code, legal_form_name, physical_address_part1, physical_address_part2,
        physical_address_part3, physical_postcode, physical_postplace, physical_region_id, physical_region_path,
        physical_region_code, physical_country_id, physical_country_iso_2, physical_latitude, physical_longitude,
        physical_altitude, domestic, postal_address_part1, postal_address_part2, postal_address_part3, postal_postcode,
        postal_postplace, postal_region_id, postal_region_path, postal_region_code, postal_country_id,
        postal_country_iso_2, postal_latitude, postal_longitude, postal_altitude, web_address, email_address,
        phone_number, landline, mobile_number, fax_number, unit_size_id, unit_size_code, status_id, status_code,
        used_for_counting, last_edit_comment, last_edit_by_user_id, last_edit_at, has_legal_unit,
        related_establishment_ids, excluded_establishment_ids, included_establishment_ids, related_legal_unit_ids,
        excluded_legal_unit_ids, included_legal_unit_ids, related_enterprise_ids, excluded_enterprise_ids,
        included_enterprise_ids, stats, stats_summary, tag_paths, establishment_id, legal_unit_id, enterprise_id,
        power_group_id, primary_for_legal_unit, primary_for_enterprise, primary_establishment_id, primary_legal_unit_id
    ) AS MATERIALIZED (
        SELECT
            'establishment'::register.statistical_unit_type, s.unit_id, s.valid_from, s.valid_until,
            coalesce(identified.external_idents, '{}'), own.name, own.birth_date, own.death_date,
            pac.id, pac.path, pac.code, sac.id, sac.path, sac.code, array_remove(ARRAY[pac.path, sac.path], NULL),
            sector.id, sector.path, sector.code, sector.name, source.ids, source.codes,
            NULL::integer, NULL::text, NULL::text,
            physical.address_part1, physical.address_part2, physical.address_part3, physical.postcode,
            physical.postplace, physical.region_id, physical_region.path, physical_region.code, physical.country_id,
            physical_country.iso_2, physical.latitude, physical.longitude, physical.altitude,
            physical.country_id = (SELECT n.country_id FROM register.settings AS n),
            postal.address_part1, postal.address_part2, postal.address_part3, postal.postcode, postal.postplace,
            postal.region_id, postal_region.path, postal_region.code, postal.country_id, postal_country.iso_2,
            postal.latitude, postal.longitude, postal.altitude,
            contact.web_address, contact.email_address, contact.phone_number, contact.landline, contact.mobile_number, contact.fax_number,
            unit_size.id, unit_size.code, status.id, status.code, status.used_for_counting,
            edit.edit_comment, edit.edit_by_user_id, edit.edit_at, own.legal_unit_id IS NOT NULL,
            ARRAY[s.unit_id], CASE WHEN status.used_for_counting THEN '{}' ELSE ARRAY[s.unit_id] END,
            CASE WHEN status.used_for_counting THEN ARRAY[s.unit_id] ELSE '{}' END,
            array_remove(ARRAY[own.legal_unit_id], NULL), '{}'::integer[], '{}'::integer[],
            array_remove(ARRAY[own.enterprise_id], NULL), '{}'::integer[], '{}'::integer[],
            coalesce(statistic.stats, '{}'), statbus.stats_to_agg(coalesce(statistic.stats, '{}')),
            coalesce(tagged.tag_paths, '{}'),
            s.unit_id, own.legal_unit_id, own.enterprise_id, NULL::integer,
            own.primary_for_legal_unit, own.primary_for_enterprise, NULL::integer, NULL::integer
        FROM segment AS s
        JOIN register.establishment AS own ON own.id = s.unit_id AND own.valid_from <= s.valid_from AND s.valid_from < own.valid_until
        JOIN register.status ON status.id = own.status_id
        LEFT JOIN register.unit_size ON unit_size.id = own.unit_size_id
        LEFT JOIN register.sector ON sector.id = own.sector_id
        LEFT JOIN register.activity AS pa ON pa.establishment_id = s.unit_id AND pa.type = 'primary'
            AND pa.valid_from <= s.valid_from AND s.valid_from < pa.valid_until
        LEFT JOIN register.activity_category AS pac ON pac.id = pa.category_id
        LEFT JOIN register.activity AS sa ON sa.establishment_id = s.unit_id AND sa.type = 'secondary'
            AND sa.valid_from <= s.valid_from AND s.valid_from < sa.valid_until
        LEFT JOIN register.activity_category AS sac ON sac.id = sa.category_id
        LEFT JOIN register.location AS physical ON physical.establishment_id = s.unit_id AND physical.type = 'physical'
            AND physical.valid_from <= s.valid_from AND s.valid_from < physical.valid_until
        LEFT JOIN register.region AS physical_region ON physical_region.id = physical.region_id
        LEFT JOIN register.country AS physical_country ON physical_country.id = physical.country_id
        LEFT JOIN register.location AS postal ON postal.establishment_id = s.unit_id AND postal.type = 'postal'
            AND postal.valid_from <= s.valid_from AND s.valid_from < postal.valid_until
        LEFT JOIN register.region AS postal_region ON postal_region.id = postal.region_id
        LEFT JOIN register.country AS postal_country ON postal_country.id = postal.country_id
        LEFT JOIN register.contact AS contact ON contact.establishment_id = s.unit_id
            AND contact.valid_from <= s.valid_from AND s.valid_from < contact.valid_until
        LEFT JOIN statistic ON statistic.unit_id = s.unit_id AND statistic.valid_from = s.valid_from
        LEFT JOIN identified ON identified.unit_id = s.unit_id
        LEFT JOIN tagged ON tagged.unit_id = s.unit_id
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(d.id ORDER BY d.id), '{}') AS ids, coalesce(array_agg(d.code ORDER BY d.id), '{}') AS codes
            FROM register.data_source AS d
            WHERE d.id = ANY (ARRAY[own.data_source_id, pa.data_source_id, sa.data_source_id, physical.data_source_id,
                                    postal.data_source_id, contact.data_source_id] || statistic.data_source_ids)) AS source
        CROSS JOIN LATERAL (
            SELECT e.edit_at, e.edit_by_user_id, e.edit_comment
            FROM (VALUES (own.edit_at, own.edit_by_user_id, own.edit_comment),
                         (pa.edit_at, pa.edit_by_user_id, pa.edit_comment), (sa.edit_at, sa.edit_by_user_id, sa.edit_comment),
                         (physical.edit_at, physical.edit_by_user_id, physical.edit_comment),
                         (postal.edit_at, postal.edit_by_user_id, postal.edit_comment),
                         (contact.edit_at, contact.edit_by_user_id, contact.edit_comment),
                         (statistic.edit_at, statistic.edit_by_user_id, statistic.edit_comment)) AS e (edit_at, edit_by_user_id, edit_comment)
            WHERE e.edit_at IS NOT NULL
            ORDER BY e.edit_at DESC, e.edit_by_user_id DESC, e.edit_comment DESC NULLS LAST
            LIMIT 1) AS edit
    ), stored AS MATERIALIZED (
        SELECT s.unit_id, s.valid_from, s AS row
        FROM dirty
        JOIN register.statistical_unit_stored AS s ON s.unit_type = 'establishment' AND s.unit_id = dirty.id
    ), difference AS MATERIALIZED (
        SELECT coalesce(f.unit_id, s.unit_id) AS unit_id, coalesce(f.valid_from, s.valid_from) AS valid_from,
               CASE WHEN s.unit_id IS NULL THEN 'missing' WHEN f.unit_id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
        FROM fresh AS f
        FULL JOIN stored AS s ON s.unit_id = f.unit_id AND s.valid_from = f.valid_from
        WHERE s.unit_id IS NULL OR f.unit_id IS NULL OR f OPERATOR(pg_catalog.*<>) s.row
    ), gone AS (
        DELETE FROM register.timeline_establishment AS t
        USING difference AS d
        WHERE is_write AND d.problem <> 'missing'
        AND t.unit_type = 'establishment' AND t.unit_id = d.unit_id AND t.valid_from = d.valid_from
        RETURNING t.unit_id
    ), added AS (
        -- By position. The count makes the old version go before the new one comes.
        INSERT INTO register.timeline_establishment
        SELECT f.*
        FROM fresh AS f
        JOIN difference AS d ON d.unit_id = f.unit_id AND d.valid_from = f.valid_from
        WHERE is_write AND d.problem <> 'surplus' AND (SELECT count(*) FROM gone) >= 0
    )
    SELECT d.unit_id, d.valid_from, 'row ' || d.problem FROM difference AS d;
END
$sync_establishments$;
COMMENT ON FUNCTION statbus.sync_establishments(integer[], boolean) IS
    'What is wrong in register.timeline_establishment for these units; is_write puts it right';
REVOKE ALL ON FUNCTION statbus.sync_establishments(integer[], boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.sync_legal_units(unit_ids integer[], is_write boolean)
RETURNS TABLE (unit_id integer, valid_from date, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $sync_legal_units$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH dirty AS (
        SELECT unnest(unit_ids) AS id
    ), segment AS (
        SELECT s.unit_id, s.valid_from, s.valid_until
        FROM dirty
        JOIN register.timesegments AS s ON s.unit_type = 'legal_unit' AND s.unit_id = dirty.id
    ), statistic AS (
        SELECT s.unit_id, s.valid_from, jsonb_object_agg(d.code, x.stat) AS stats, array_agg(x.data_source_id) AS data_source_ids,
               (array_agg(x.edit_at ORDER BY x.edit_at DESC, x.edit_by_user_id DESC, x.edit_comment DESC NULLS LAST))[1] AS edit_at,
               (array_agg(x.edit_by_user_id ORDER BY x.edit_at DESC, x.edit_by_user_id DESC, x.edit_comment DESC NULLS LAST))[1] AS edit_by_user_id,
               (array_agg(x.edit_comment ORDER BY x.edit_at DESC, x.edit_by_user_id DESC, x.edit_comment DESC NULLS LAST))[1] AS edit_comment
        FROM segment AS s
        JOIN register.stat_for_unit AS x ON x.legal_unit_id = s.unit_id AND x.valid_from <= s.valid_from AND s.valid_from < x.valid_until
        JOIN register.stat_definition AS d ON d.id = x.stat_definition_id
        GROUP BY s.unit_id, s.valid_from
    ), member AS (
        SELECT s.unit_id, s.valid_from, c.unit_id AS id, c.used_for_counting AS counts, e.primary_for_legal_unit AS is_primary,
               c.stats_summary, c.data_source_ids
        FROM segment AS s
        JOIN register.establishment AS e ON e.legal_unit_id = s.unit_id AND e.valid_from <= s.valid_from AND s.valid_from < e.valid_until
        JOIN register.timeline_establishment AS c ON c.unit_type = 'establishment' AND c.unit_id = e.id
            AND c.valid_from <= s.valid_from AND s.valid_from < c.valid_until
    ), below AS (
        SELECT m.unit_id, m.valid_from, array_agg(m.id ORDER BY m.id) AS ids,
               array_agg(m.id ORDER BY m.id) FILTER (WHERE m.counts) AS included_ids,
               array_agg(m.id ORDER BY m.id) FILTER (WHERE NOT m.counts) AS excluded_ids,
               statbus.stats_merge_agg(m.stats_summary) FILTER (WHERE m.counts) AS stats_summary,
               min(m.id) FILTER (WHERE m.is_primary) AS primary_id
        FROM member AS m
        GROUP BY m.unit_id, m.valid_from
    ), below_source AS (
        SELECT m.unit_id, m.valid_from, array_agg(DISTINCT d.id) AS ids
        FROM member AS m
        CROSS JOIN LATERAL unnest(m.data_source_ids) AS d (id)
        GROUP BY m.unit_id, m.valid_from
    ), identified AS (
        SELECT x.legal_unit_id AS unit_id, jsonb_object_agg(t.code, coalesce(x.ident, ltree2text(x.idents))) AS external_idents
        FROM dirty
        JOIN register.external_ident AS x ON x.legal_unit_id = dirty.id
        JOIN register.external_ident_type AS t ON t.id = x.type_id
        GROUP BY x.legal_unit_id
    ), tagged AS (
        SELECT x.legal_unit_id AS unit_id, array_agg(t.path ORDER BY t.path) AS tag_paths
        FROM dirty
        JOIN register.tag_for_unit AS x ON x.legal_unit_id = dirty.id
        JOIN register.tag AS t ON t.id = x.tag_id
        GROUP BY x.legal_unit_id
    ), fresh (
        unit_type, unit_id, valid_from, valid_until, external_idents, name, birth_date, death_date,
        primary_activity_category_id, primary_activity_category_path, primary_activity_category_code,
        secondary_activity_category_id, secondary_activity_category_path, secondary_activity_category_code,
        activity_category_paths, sector_id, sector_path, sector_code, sector_name, data_source_ids, data_source_codes,
        legal_form_id, legal_form_code, legal_form_name, physical_address_part1, physical_address_part2,
        physical_address_part3, physical_postcode, physical_postplace, physical_region_id, physical_region_path,
        physical_region_code, physical_country_id, physical_country_iso_2, physical_latitude, physical_longitude,
        physical_altitude, domestic, postal_address_part1, postal_address_part2, postal_address_part3, postal_postcode,
        postal_postplace, postal_region_id, postal_region_path, postal_region_code, postal_country_id,
        postal_country_iso_2, postal_latitude, postal_longitude, postal_altitude, web_address, email_address,
        phone_number, landline, mobile_number, fax_number, unit_size_id, unit_size_code, status_id, status_code,
        used_for_counting, last_edit_comment, last_edit_by_user_id, last_edit_at, has_legal_unit,
        related_establishment_ids, excluded_establishment_ids, included_establishment_ids, related_legal_unit_ids,
        excluded_legal_unit_ids, included_legal_unit_ids, related_enterprise_ids, excluded_enterprise_ids,
        included_enterprise_ids, stats, stats_summary, tag_paths, establishment_id, legal_unit_id, enterprise_id,
        power_group_id, primary_for_legal_unit, primary_for_enterprise, primary_establishment_id, primary_legal_unit_id
    ) AS MATERIALIZED (
        SELECT
            'legal_unit'::register.statistical_unit_type, s.unit_id, s.valid_from, s.valid_until,
            coalesce(identified.external_idents, '{}'), own.name, own.birth_date, own.death_date,
            pac.id, pac.path, pac.code, sac.id, sac.path, sac.code, array_remove(ARRAY[pac.path, sac.path], NULL),
            sector.id, sector.path, sector.code, sector.name, source.ids, source.codes,
            legal_form.id, legal_form.code, legal_form.name,
            physical.address_part1, physical.address_part2, physical.address_part3, physical.postcode,
            physical.postplace, physical.region_id, physical_region.path, physical_region.code, physical.country_id,
            physical_country.iso_2, physical.latitude, physical.longitude, physical.altitude,
            physical.country_id = (SELECT n.country_id FROM register.settings AS n),
            postal.address_part1, postal.address_part2, postal.address_part3, postal.postcode, postal.postplace,
            postal.region_id, postal_region.path, postal_region.code, postal.country_id, postal_country.iso_2,
            postal.latitude, postal.longitude, postal.altitude,
            contact.web_address, contact.email_address, contact.phone_number, contact.landline, contact.mobile_number, contact.fax_number,
            unit_size.id, unit_size.code, status.id, status.code, status.used_for_counting,
            edit.edit_comment, edit.edit_by_user_id, edit.edit_at, true,
            coalesce(below.ids, '{}'),
            CASE WHEN NOT status.used_for_counting THEN coalesce(below.ids, '{}') ELSE coalesce(below.excluded_ids, '{}') END,
            CASE WHEN status.used_for_counting THEN coalesce(below.included_ids, '{}') ELSE '{}' END,
            ARRAY[s.unit_id], CASE WHEN status.used_for_counting THEN '{}' ELSE ARRAY[s.unit_id] END,
            CASE WHEN status.used_for_counting THEN ARRAY[s.unit_id] ELSE '{}' END,
            ARRAY[own.enterprise_id], '{}'::integer[], '{}'::integer[],
            coalesce(statistic.stats, '{}'),
            CASE WHEN status.used_for_counting
                 THEN statbus.stats_merge(statbus.stats_to_agg(coalesce(statistic.stats, '{}')), coalesce(below.stats_summary, '{}'))
                 ELSE '{}' END,
            coalesce(tagged.tag_paths, '{}'),
            NULL::integer, s.unit_id, own.enterprise_id, NULL::integer,
            NULL::boolean, own.primary_for_enterprise, below.primary_id, NULL::integer
        FROM segment AS s
        JOIN register.legal_unit AS own ON own.id = s.unit_id AND own.valid_from <= s.valid_from AND s.valid_from < own.valid_until
        JOIN register.status ON status.id = own.status_id
        LEFT JOIN register.unit_size ON unit_size.id = own.unit_size_id
        LEFT JOIN register.sector ON sector.id = own.sector_id
        LEFT JOIN register.legal_form ON legal_form.id = own.legal_form_id
        LEFT JOIN register.activity AS pa ON pa.legal_unit_id = s.unit_id AND pa.type = 'primary'
            AND pa.valid_from <= s.valid_from AND s.valid_from < pa.valid_until
        LEFT JOIN register.activity_category AS pac ON pac.id = pa.category_id
        LEFT JOIN register.activity AS sa ON sa.legal_unit_id = s.unit_id AND sa.type = 'secondary'
            AND sa.valid_from <= s.valid_from AND s.valid_from < sa.valid_until
        LEFT JOIN register.activity_category AS sac ON sac.id = sa.category_id
        LEFT JOIN register.location AS physical ON physical.legal_unit_id = s.unit_id AND physical.type = 'physical'
            AND physical.valid_from <= s.valid_from AND s.valid_from < physical.valid_until
        LEFT JOIN register.region AS physical_region ON physical_region.id = physical.region_id
        LEFT JOIN register.country AS physical_country ON physical_country.id = physical.country_id
        LEFT JOIN register.location AS postal ON postal.legal_unit_id = s.unit_id AND postal.type = 'postal'
            AND postal.valid_from <= s.valid_from AND s.valid_from < postal.valid_until
        LEFT JOIN register.region AS postal_region ON postal_region.id = postal.region_id
        LEFT JOIN register.country AS postal_country ON postal_country.id = postal.country_id
        LEFT JOIN register.contact AS contact ON contact.legal_unit_id = s.unit_id
            AND contact.valid_from <= s.valid_from AND s.valid_from < contact.valid_until
        LEFT JOIN statistic ON statistic.unit_id = s.unit_id AND statistic.valid_from = s.valid_from
        LEFT JOIN below ON below.unit_id = s.unit_id AND below.valid_from = s.valid_from
        LEFT JOIN below_source ON below_source.unit_id = s.unit_id AND below_source.valid_from = s.valid_from
        LEFT JOIN identified ON identified.unit_id = s.unit_id
        LEFT JOIN tagged ON tagged.unit_id = s.unit_id
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(d.id ORDER BY d.id), '{}') AS ids, coalesce(array_agg(d.code ORDER BY d.id), '{}') AS codes
            FROM register.data_source AS d
            WHERE d.id = ANY (ARRAY[own.data_source_id, pa.data_source_id, sa.data_source_id, physical.data_source_id,
                                    postal.data_source_id, contact.data_source_id] || statistic.data_source_ids || below_source.ids)) AS source
        CROSS JOIN LATERAL (
            SELECT e.edit_at, e.edit_by_user_id, e.edit_comment
            FROM (VALUES (own.edit_at, own.edit_by_user_id, own.edit_comment),
                         (pa.edit_at, pa.edit_by_user_id, pa.edit_comment), (sa.edit_at, sa.edit_by_user_id, sa.edit_comment),
                         (physical.edit_at, physical.edit_by_user_id, physical.edit_comment),
                         (postal.edit_at, postal.edit_by_user_id, postal.edit_comment),
                         (contact.edit_at, contact.edit_by_user_id, contact.edit_comment),
                         (statistic.edit_at, statistic.edit_by_user_id, statistic.edit_comment)) AS e (edit_at, edit_by_user_id, edit_comment)
            WHERE e.edit_at IS NOT NULL
            ORDER BY e.edit_at DESC, e.edit_by_user_id DESC, e.edit_comment DESC NULLS LAST
            LIMIT 1) AS edit
    ), stored AS MATERIALIZED (
        SELECT s.unit_id, s.valid_from, s AS row
        FROM dirty
        JOIN register.statistical_unit_stored AS s ON s.unit_type = 'legal_unit' AND s.unit_id = dirty.id
    ), difference AS MATERIALIZED (
        SELECT coalesce(f.unit_id, s.unit_id) AS unit_id, coalesce(f.valid_from, s.valid_from) AS valid_from,
               CASE WHEN s.unit_id IS NULL THEN 'missing' WHEN f.unit_id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
        FROM fresh AS f
        FULL JOIN stored AS s ON s.unit_id = f.unit_id AND s.valid_from = f.valid_from
        WHERE s.unit_id IS NULL OR f.unit_id IS NULL OR f OPERATOR(pg_catalog.*<>) s.row
    ), gone AS (
        DELETE FROM register.timeline_legal_unit AS t
        USING difference AS d
        WHERE is_write AND d.problem <> 'missing'
        AND t.unit_type = 'legal_unit' AND t.unit_id = d.unit_id AND t.valid_from = d.valid_from
        RETURNING t.unit_id
    ), added AS (
        -- By position. The count makes the old version go before the new one comes.
        INSERT INTO register.timeline_legal_unit
        SELECT f.*
        FROM fresh AS f
        JOIN difference AS d ON d.unit_id = f.unit_id AND d.valid_from = f.valid_from
        WHERE is_write AND d.problem <> 'surplus' AND (SELECT count(*) FROM gone) >= 0
    )
    SELECT d.unit_id, d.valid_from, 'row ' || d.problem FROM difference AS d;
END
$sync_legal_units$;
COMMENT ON FUNCTION statbus.sync_legal_units(integer[], boolean) IS
    'What is wrong in register.timeline_legal_unit for these units; is_write puts it right';
REVOKE ALL ON FUNCTION statbus.sync_legal_units(integer[], boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.sync_enterprises(unit_ids integer[], is_write boolean)
RETURNS TABLE (unit_id integer, valid_from date, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $sync_enterprises$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH dirty AS (
        SELECT unnest(unit_ids) AS id
    ), segment AS (
        SELECT s.unit_id, s.valid_from, s.valid_until
        FROM dirty
        JOIN register.timesegments AS s ON s.unit_type = 'enterprise' AND s.unit_id = dirty.id
    ), member AS (
        SELECT s.unit_id, s.valid_from, true AS is_legal_unit, c.unit_id AS id, c.used_for_counting AS counts,
               l.primary_for_enterprise AS is_primary, c.stats_summary, c.data_source_ids,
               c.related_establishment_ids, c.included_establishment_ids
        FROM segment AS s
        JOIN register.legal_unit AS l ON l.enterprise_id = s.unit_id AND l.valid_from <= s.valid_from AND s.valid_from < l.valid_until
        JOIN register.timeline_legal_unit AS c ON c.unit_type = 'legal_unit' AND c.unit_id = l.id
            AND c.valid_from <= s.valid_from AND s.valid_from < c.valid_until
        UNION ALL
        SELECT s.unit_id, s.valid_from, false, c.unit_id, c.used_for_counting, e.primary_for_enterprise, c.stats_summary, c.data_source_ids,
               c.related_establishment_ids, c.included_establishment_ids
        FROM segment AS s
        JOIN register.establishment AS e ON e.enterprise_id = s.unit_id AND e.valid_from <= s.valid_from AND s.valid_from < e.valid_until
        JOIN register.timeline_establishment AS c ON c.unit_type = 'establishment' AND c.unit_id = e.id
            AND c.valid_from <= s.valid_from AND s.valid_from < c.valid_until
    ), below AS MATERIALIZED (
        SELECT m.unit_id, m.valid_from,
               array_agg(m.id ORDER BY m.id) FILTER (WHERE m.is_legal_unit) AS legal_unit_ids,
               array_agg(m.id ORDER BY m.id) FILTER (WHERE m.is_legal_unit AND m.counts) AS included_legal_unit_ids,
               array_agg(m.id ORDER BY m.id) FILTER (WHERE m.is_legal_unit AND NOT m.counts) AS excluded_legal_unit_ids,
               statbus.stats_merge_agg(m.stats_summary) FILTER (WHERE m.counts) AS stats_summary,
               min(m.id) FILTER (WHERE m.is_legal_unit AND m.is_primary) AS primary_legal_unit_id,
               min(m.id) FILTER (WHERE NOT m.is_legal_unit AND m.is_primary) AS primary_establishment_id
        FROM member AS m
        GROUP BY m.unit_id, m.valid_from
    ), below_establishment AS (
        SELECT m.unit_id, m.valid_from, array_agg(e.id ORDER BY e.id) AS ids,
               array_agg(e.id ORDER BY e.id) FILTER (WHERE e.id = ANY (m.included_establishment_ids)) AS included_ids,
               array_agg(e.id ORDER BY e.id) FILTER (WHERE e.id <> ALL (m.included_establishment_ids)) AS excluded_ids
        FROM member AS m
        CROSS JOIN LATERAL unnest(m.related_establishment_ids) AS e (id)
        GROUP BY m.unit_id, m.valid_from
    ), below_source AS (
        SELECT m.unit_id, m.valid_from, array_agg(DISTINCT d.id) AS ids
        FROM member AS m
        CROSS JOIN LATERAL unnest(m.data_source_ids) AS d (id)
        GROUP BY m.unit_id, m.valid_from
    ), main_unit AS (
        -- The primary legal unit describes the enterprise, else the primary establishment.
        SELECT b.unit_id AS parent_id, b.valid_from AS parent_from, c.*
        FROM below AS b
        JOIN register.statistical_unit_stored AS c ON c.unit_type = 'legal_unit' AND c.unit_id = b.primary_legal_unit_id
            AND c.valid_from <= b.valid_from AND b.valid_from < c.valid_until
        UNION ALL
        SELECT b.unit_id, b.valid_from, c.*
        FROM below AS b
        JOIN register.statistical_unit_stored AS c ON c.unit_type = 'establishment' AND c.unit_id = b.primary_establishment_id
            AND c.valid_from <= b.valid_from AND b.valid_from < c.valid_until
        WHERE b.primary_legal_unit_id IS NULL
    ), identified AS (
        SELECT x.enterprise_id AS unit_id, jsonb_object_agg(t.code, coalesce(x.ident, ltree2text(x.idents))) AS external_idents
        FROM dirty
        JOIN register.external_ident AS x ON x.enterprise_id = dirty.id
        JOIN register.external_ident_type AS t ON t.id = x.type_id
        GROUP BY x.enterprise_id
    ), tagged AS (
        SELECT x.enterprise_id AS unit_id, array_agg(t.path ORDER BY t.path) AS tag_paths
        FROM dirty
        JOIN register.tag_for_unit AS x ON x.enterprise_id = dirty.id
        JOIN register.tag AS t ON t.id = x.tag_id
        GROUP BY x.enterprise_id
    ), fresh (
        unit_type, unit_id, valid_from, valid_until, external_idents, name, birth_date, death_date,
        primary_activity_category_id, primary_activity_category_path, primary_activity_category_code,
        secondary_activity_category_id, secondary_activity_category_path, secondary_activity_category_code,
        activity_category_paths, sector_id, sector_path, sector_code, sector_name, data_source_ids, data_source_codes,
        legal_form_id, legal_form_code, legal_form_name, physical_address_part1, physical_address_part2,
        physical_address_part3, physical_postcode, physical_postplace, physical_region_id, physical_region_path,
        physical_region_code, physical_country_id, physical_country_iso_2, physical_latitude, physical_longitude,
        physical_altitude, domestic, postal_address_part1, postal_address_part2, postal_address_part3, postal_postcode,
        postal_postplace, postal_region_id, postal_region_path, postal_region_code, postal_country_id,
        postal_country_iso_2, postal_latitude, postal_longitude, postal_altitude, web_address, email_address,
        phone_number, landline, mobile_number, fax_number, unit_size_id, unit_size_code, status_id, status_code,
        used_for_counting, last_edit_comment, last_edit_by_user_id, last_edit_at, has_legal_unit,
        related_establishment_ids, excluded_establishment_ids, included_establishment_ids, related_legal_unit_ids,
        excluded_legal_unit_ids, included_legal_unit_ids, related_enterprise_ids, excluded_enterprise_ids,
        included_enterprise_ids, stats, stats_summary, tag_paths, establishment_id, legal_unit_id, enterprise_id,
        power_group_id, primary_for_legal_unit, primary_for_enterprise, primary_establishment_id, primary_legal_unit_id
    ) AS MATERIALIZED (
        SELECT
            'enterprise'::register.statistical_unit_type, s.unit_id, s.valid_from, s.valid_until,
            -- Without identifiers of its own: those of its primary establishment, else of its primary legal unit.
            coalesce(identified.external_idents, nullif(informal.external_idents, '{}'), p.external_idents, '{}'),
            coalesce(own.short_name, p.name),
            p.birth_date, p.death_date, p.primary_activity_category_id, p.primary_activity_category_path,
            p.primary_activity_category_code, p.secondary_activity_category_id, p.secondary_activity_category_path,
            p.secondary_activity_category_code, coalesce(p.activity_category_paths, '{}'), p.sector_id, p.sector_path,
            p.sector_code, p.sector_name, source.ids, source.codes, p.legal_form_id, p.legal_form_code,
            p.legal_form_name,
            p.physical_address_part1, p.physical_address_part2, p.physical_address_part3, p.physical_postcode,
            p.physical_postplace, p.physical_region_id, p.physical_region_path, p.physical_region_code,
            p.physical_country_id, p.physical_country_iso_2, p.physical_latitude, p.physical_longitude,
            p.physical_altitude, p.domestic, p.postal_address_part1, p.postal_address_part2, p.postal_address_part3,
            p.postal_postcode, p.postal_postplace, p.postal_region_id, p.postal_region_path, p.postal_region_code,
            p.postal_country_id, p.postal_country_iso_2, p.postal_latitude, p.postal_longitude, p.postal_altitude,
            p.web_address, p.email_address, p.phone_number, p.landline, p.mobile_number, p.fax_number, p.unit_size_id,
            p.unit_size_code, p.status_id, p.status_code,
            coalesce(p.used_for_counting, false),
            edit.edit_comment, edit.edit_by_user_id, edit.edit_at, b.legal_unit_ids IS NOT NULL,
            coalesce(be.ids, '{}'), coalesce(be.excluded_ids, '{}'), coalesce(be.included_ids, '{}'),
            coalesce(b.legal_unit_ids, '{}'), coalesce(b.excluded_legal_unit_ids, '{}'), coalesce(b.included_legal_unit_ids, '{}'),
            ARRAY[s.unit_id], CASE WHEN p.used_for_counting THEN '{}' ELSE ARRAY[s.unit_id] END,
            CASE WHEN p.used_for_counting THEN ARRAY[s.unit_id] ELSE '{}' END,
            NULL::jsonb, coalesce(b.stats_summary, '{}'), coalesce(tagged.tag_paths, '{}'),
            NULL::integer, NULL::integer, s.unit_id, NULL::integer,
            NULL::boolean, NULL::boolean, b.primary_establishment_id, b.primary_legal_unit_id
        FROM segment AS s
        JOIN register.enterprise AS own ON own.id = s.unit_id
        JOIN below AS b ON b.unit_id = s.unit_id AND b.valid_from = s.valid_from
        LEFT JOIN below_establishment AS be ON be.unit_id = s.unit_id AND be.valid_from = s.valid_from
        LEFT JOIN below_source AS bs ON bs.unit_id = s.unit_id AND bs.valid_from = s.valid_from
        LEFT JOIN main_unit AS p ON p.parent_id = s.unit_id AND p.parent_from = s.valid_from
        LEFT JOIN register.timeline_establishment AS informal ON informal.unit_type = 'establishment'
            AND informal.unit_id = b.primary_establishment_id
            AND informal.valid_from <= s.valid_from AND s.valid_from < informal.valid_until
        LEFT JOIN identified ON identified.unit_id = s.unit_id
        LEFT JOIN tagged ON tagged.unit_id = s.unit_id
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(d.id ORDER BY d.id), '{}') AS ids, coalesce(array_agg(d.code ORDER BY d.id), '{}') AS codes
            FROM register.data_source AS d
            WHERE d.id = ANY (bs.ids)) AS source
        CROSS JOIN LATERAL (
            SELECT e.edit_at, e.edit_by_user_id, e.edit_comment
            FROM (VALUES (own.edit_at, own.edit_by_user_id, own.edit_comment),
                         (p.last_edit_at, p.last_edit_by_user_id, p.last_edit_comment)) AS e (edit_at, edit_by_user_id, edit_comment)
            WHERE e.edit_at IS NOT NULL
            ORDER BY e.edit_at DESC, e.edit_by_user_id DESC, e.edit_comment DESC NULLS LAST
            LIMIT 1) AS edit
    ), stored AS MATERIALIZED (
        SELECT s.unit_id, s.valid_from, s AS row
        FROM dirty
        JOIN register.statistical_unit_stored AS s ON s.unit_type = 'enterprise' AND s.unit_id = dirty.id
    ), difference AS MATERIALIZED (
        SELECT coalesce(f.unit_id, s.unit_id) AS unit_id, coalesce(f.valid_from, s.valid_from) AS valid_from,
               CASE WHEN s.unit_id IS NULL THEN 'missing' WHEN f.unit_id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
        FROM fresh AS f
        FULL JOIN stored AS s ON s.unit_id = f.unit_id AND s.valid_from = f.valid_from
        WHERE s.unit_id IS NULL OR f.unit_id IS NULL OR f OPERATOR(pg_catalog.*<>) s.row
    ), gone AS (
        DELETE FROM register.timeline_enterprise AS t
        USING difference AS d
        WHERE is_write AND d.problem <> 'missing'
        AND t.unit_type = 'enterprise' AND t.unit_id = d.unit_id AND t.valid_from = d.valid_from
        RETURNING t.unit_id
    ), added AS (
        -- By position. The count makes the old version go before the new one comes.
        INSERT INTO register.timeline_enterprise
        SELECT f.*
        FROM fresh AS f
        JOIN difference AS d ON d.unit_id = f.unit_id AND d.valid_from = f.valid_from
        WHERE is_write AND d.problem <> 'surplus' AND (SELECT count(*) FROM gone) >= 0
    )
    SELECT d.unit_id, d.valid_from, 'row ' || d.problem FROM difference AS d;
END
$sync_enterprises$;
COMMENT ON FUNCTION statbus.sync_enterprises(integer[], boolean) IS
    'What is wrong in register.timeline_enterprise for these units; is_write puts it right';
REVOKE ALL ON FUNCTION statbus.sync_enterprises(integer[], boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.sync_power_groups(unit_ids integer[], is_write boolean)
RETURNS TABLE (unit_id integer, valid_from date, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $sync_power_groups$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH dirty AS (
        SELECT unnest(unit_ids) AS id
    ), segment AS (
        SELECT s.unit_id, s.valid_from, s.valid_until
        FROM dirty
        JOIN register.timesegments AS s ON s.unit_type = 'power_group' AND s.unit_id = dirty.id
    ), relation AS MATERIALIZED (
        SELECT s.unit_id, s.valid_from, r.influencing_id, r.influenced_id
        FROM segment AS s
        JOIN register.legal_relationship AS r ON r.derived_power_group_id = s.unit_id
            AND r.valid_from <= s.valid_from AND s.valid_from < r.valid_until
    ), belongs AS (
        -- UNION: a unit may have many relationships in its group.
        SELECT r.unit_id, r.valid_from, r.influencing_id AS id FROM relation AS r
        UNION
        SELECT r.unit_id, r.valid_from, r.influenced_id FROM relation AS r
    ), influenced AS (
        SELECT r.unit_id, r.valid_from, r.influenced_id AS id FROM relation AS r GROUP BY 1, 2, 3
    ), ever_influenced AS (
        SELECT r.derived_power_group_id AS unit_id, r.influenced_id AS id
        FROM dirty
        JOIN register.legal_relationship AS r ON r.derived_power_group_id = dirty.id
        GROUP BY 1, 2
    ), root AS (
        -- What power_root says, else who is influenced by nobody: on these days, or better on no day.
        SELECT DISTINCT ON (m.unit_id, m.valid_from) m.unit_id, m.valid_from, m.id
        FROM belongs AS m
        LEFT JOIN register.power_root AS p ON p.power_group_id = m.unit_id AND p.valid_from <= m.valid_from AND m.valid_from < p.valid_until
        LEFT JOIN influenced AS i ON i.unit_id = m.unit_id AND i.valid_from = m.valid_from AND i.id = m.id
        LEFT JOIN ever_influenced AS ever ON ever.unit_id = m.unit_id AND ever.id = m.id
        ORDER BY m.unit_id, m.valid_from, m.id IS DISTINCT FROM p.root_legal_unit_id, i.id IS NOT NULL, ever.id IS NOT NULL, m.id
    ), member AS (
        SELECT m.unit_id, m.valid_from, c.unit_id AS id, c.used_for_counting AS counts, c.enterprise_id, c.stats_summary, c.data_source_ids,
               c.related_establishment_ids, c.included_establishment_ids
        FROM belongs AS m
        JOIN register.timeline_legal_unit AS c ON c.unit_type = 'legal_unit' AND c.unit_id = m.id
            AND c.valid_from <= m.valid_from AND m.valid_from < c.valid_until
    ), below AS (
        SELECT m.unit_id, m.valid_from, array_agg(m.id ORDER BY m.id) AS legal_unit_ids,
               array_agg(m.id ORDER BY m.id) FILTER (WHERE m.counts) AS included_legal_unit_ids,
               array_agg(m.id ORDER BY m.id) FILTER (WHERE NOT m.counts) AS excluded_legal_unit_ids,
               statbus.stats_merge_agg(m.stats_summary) FILTER (WHERE m.counts) AS stats_summary
        FROM member AS m
        GROUP BY m.unit_id, m.valid_from
    ), below_enterprise AS (
        -- An enterprise is included when one of its members here counts.
        SELECT m.unit_id, m.valid_from, array_agg(m.id ORDER BY m.id) AS ids,
               array_agg(m.id ORDER BY m.id) FILTER (WHERE m.counts) AS included_ids,
               array_agg(m.id ORDER BY m.id) FILTER (WHERE NOT m.counts) AS excluded_ids
        FROM (SELECT m.unit_id, m.valid_from, m.enterprise_id AS id, bool_or(m.counts) AS counts
              FROM member AS m
              GROUP BY m.unit_id, m.valid_from, m.enterprise_id) AS m
        GROUP BY m.unit_id, m.valid_from
    ), below_establishment AS (
        SELECT m.unit_id, m.valid_from, array_agg(e.id ORDER BY e.id) AS ids,
               array_agg(e.id ORDER BY e.id) FILTER (WHERE e.id = ANY (m.included_establishment_ids)) AS included_ids,
               array_agg(e.id ORDER BY e.id) FILTER (WHERE e.id <> ALL (m.included_establishment_ids)) AS excluded_ids
        FROM member AS m
        CROSS JOIN LATERAL unnest(m.related_establishment_ids) AS e (id)
        GROUP BY m.unit_id, m.valid_from
    ), below_source AS (
        SELECT m.unit_id, m.valid_from, array_agg(DISTINCT d.id) AS ids
        FROM member AS m
        CROSS JOIN LATERAL unnest(m.data_source_ids) AS d (id)
        GROUP BY m.unit_id, m.valid_from
    ), identified AS (
        SELECT x.power_group_id AS unit_id, jsonb_object_agg(t.code, coalesce(x.ident, ltree2text(x.idents))) AS external_idents
        FROM dirty
        JOIN register.external_ident AS x ON x.power_group_id = dirty.id
        JOIN register.external_ident_type AS t ON t.id = x.type_id
        GROUP BY x.power_group_id
    ), tagged AS (
        SELECT x.power_group_id AS unit_id, array_agg(t.path ORDER BY t.path) AS tag_paths
        FROM dirty
        JOIN register.tag_for_unit AS x ON x.power_group_id = dirty.id
        JOIN register.tag AS t ON t.id = x.tag_id
        GROUP BY x.power_group_id
    ), fresh (
        unit_type, unit_id, valid_from, valid_until, external_idents, name, birth_date, death_date,
        primary_activity_category_id, primary_activity_category_path, primary_activity_category_code,
        secondary_activity_category_id, secondary_activity_category_path, secondary_activity_category_code,
        activity_category_paths, sector_id, sector_path, sector_code, sector_name, data_source_ids, data_source_codes,
        legal_form_id, legal_form_code, legal_form_name, physical_address_part1, physical_address_part2,
        physical_address_part3, physical_postcode, physical_postplace, physical_region_id, physical_region_path,
        physical_region_code, physical_country_id, physical_country_iso_2, physical_latitude, physical_longitude,
        physical_altitude, domestic, postal_address_part1, postal_address_part2, postal_address_part3, postal_postcode,
        postal_postplace, postal_region_id, postal_region_path, postal_region_code, postal_country_id,
        postal_country_iso_2, postal_latitude, postal_longitude, postal_altitude, web_address, email_address,
        phone_number, landline, mobile_number, fax_number, unit_size_id, unit_size_code, status_id, status_code,
        used_for_counting, last_edit_comment, last_edit_by_user_id, last_edit_at, has_legal_unit,
        related_establishment_ids, excluded_establishment_ids, included_establishment_ids, related_legal_unit_ids,
        excluded_legal_unit_ids, included_legal_unit_ids, related_enterprise_ids, excluded_enterprise_ids,
        included_enterprise_ids, stats, stats_summary, tag_paths, establishment_id, legal_unit_id, enterprise_id,
        power_group_id, primary_for_legal_unit, primary_for_enterprise, primary_establishment_id, primary_legal_unit_id
    ) AS MATERIALIZED (
        SELECT
            'power_group'::register.statistical_unit_type, s.unit_id, s.valid_from, s.valid_until,
            coalesce(identified.external_idents, '{}'), coalesce(own.short_name, own.name, p.name),
            p.birth_date, p.death_date, p.primary_activity_category_id, p.primary_activity_category_path,
            p.primary_activity_category_code, p.secondary_activity_category_id, p.secondary_activity_category_path,
            p.secondary_activity_category_code, coalesce(p.activity_category_paths, '{}'), p.sector_id, p.sector_path,
            p.sector_code, p.sector_name, source.ids, source.codes, p.legal_form_id, p.legal_form_code,
            p.legal_form_name,
            p.physical_address_part1, p.physical_address_part2, p.physical_address_part3, p.physical_postcode,
            p.physical_postplace, p.physical_region_id, p.physical_region_path, p.physical_region_code,
            p.physical_country_id, p.physical_country_iso_2, p.physical_latitude, p.physical_longitude,
            p.physical_altitude, p.domestic, p.postal_address_part1, p.postal_address_part2, p.postal_address_part3,
            p.postal_postcode, p.postal_postplace, p.postal_region_id, p.postal_region_path, p.postal_region_code,
            p.postal_country_id, p.postal_country_iso_2, p.postal_latitude, p.postal_longitude, p.postal_altitude,
            p.web_address, p.email_address, p.phone_number, p.landline, p.mobile_number, p.fax_number, p.unit_size_id,
            p.unit_size_code, p.status_id, p.status_code,
            true,
            edit.edit_comment, edit.edit_by_user_id, edit.edit_at, true,
            coalesce(be.ids, '{}'), coalesce(be.excluded_ids, '{}'), coalesce(be.included_ids, '{}'),
            coalesce(b.legal_unit_ids, '{}'), coalesce(b.excluded_legal_unit_ids, '{}'), coalesce(b.included_legal_unit_ids, '{}'),
            coalesce(bn.ids, '{}'), coalesce(bn.excluded_ids, '{}'), coalesce(bn.included_ids, '{}'),
            NULL::jsonb, coalesce(b.stats_summary, '{}'), coalesce(tagged.tag_paths, '{}'),
            NULL::integer, NULL::integer, NULL::integer, s.unit_id,
            NULL::boolean, NULL::boolean, NULL::integer, p.unit_id
        FROM segment AS s
        JOIN register.power_group AS own ON own.id = s.unit_id
        LEFT JOIN below AS b ON b.unit_id = s.unit_id AND b.valid_from = s.valid_from
        LEFT JOIN below_enterprise AS bn ON bn.unit_id = s.unit_id AND bn.valid_from = s.valid_from
        LEFT JOIN below_establishment AS be ON be.unit_id = s.unit_id AND be.valid_from = s.valid_from
        LEFT JOIN below_source AS bs ON bs.unit_id = s.unit_id AND bs.valid_from = s.valid_from
        LEFT JOIN root ON root.unit_id = s.unit_id AND root.valid_from = s.valid_from
        LEFT JOIN register.timeline_legal_unit AS p ON p.unit_type = 'legal_unit' AND p.unit_id = root.id
            AND p.valid_from <= s.valid_from AND s.valid_from < p.valid_until
        LEFT JOIN identified ON identified.unit_id = s.unit_id
        LEFT JOIN tagged ON tagged.unit_id = s.unit_id
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(d.id ORDER BY d.id), '{}') AS ids, coalesce(array_agg(d.code ORDER BY d.id), '{}') AS codes
            FROM register.data_source AS d
            WHERE d.id = ANY (bs.ids)) AS source
        CROSS JOIN LATERAL (
            SELECT e.edit_at, e.edit_by_user_id, e.edit_comment
            FROM (VALUES (own.edit_at, own.edit_by_user_id, own.edit_comment),
                         (p.last_edit_at, p.last_edit_by_user_id, p.last_edit_comment)) AS e (edit_at, edit_by_user_id, edit_comment)
            WHERE e.edit_at IS NOT NULL
            ORDER BY e.edit_at DESC, e.edit_by_user_id DESC, e.edit_comment DESC NULLS LAST
            LIMIT 1) AS edit
    ), stored AS MATERIALIZED (
        SELECT s.unit_id, s.valid_from, s AS row
        FROM dirty
        JOIN register.statistical_unit_stored AS s ON s.unit_type = 'power_group' AND s.unit_id = dirty.id
    ), difference AS MATERIALIZED (
        SELECT coalesce(f.unit_id, s.unit_id) AS unit_id, coalesce(f.valid_from, s.valid_from) AS valid_from,
               CASE WHEN s.unit_id IS NULL THEN 'missing' WHEN f.unit_id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
        FROM fresh AS f
        FULL JOIN stored AS s ON s.unit_id = f.unit_id AND s.valid_from = f.valid_from
        WHERE s.unit_id IS NULL OR f.unit_id IS NULL OR f OPERATOR(pg_catalog.*<>) s.row
    ), gone AS (
        DELETE FROM register.timeline_power_group AS t
        USING difference AS d
        WHERE is_write AND d.problem <> 'missing'
        AND t.unit_type = 'power_group' AND t.unit_id = d.unit_id AND t.valid_from = d.valid_from
        RETURNING t.unit_id
    ), added AS (
        -- By position. The count makes the old version go before the new one comes.
        INSERT INTO register.timeline_power_group
        SELECT f.*
        FROM fresh AS f
        JOIN difference AS d ON d.unit_id = f.unit_id AND d.valid_from = f.valid_from
        WHERE is_write AND d.problem <> 'surplus' AND (SELECT count(*) FROM gone) >= 0
    )
    SELECT d.unit_id, d.valid_from, 'row ' || d.problem FROM difference AS d;
END
$sync_power_groups$;
COMMENT ON FUNCTION statbus.sync_power_groups(integer[], boolean) IS
    'What is wrong in register.timeline_power_group for these units; is_write puts it right';
REVOKE ALL ON FUNCTION statbus.sync_power_groups(integer[], boolean) FROM PUBLIC;

-- codes in use ----------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION statbus.sync_used(lists text[], is_write boolean)
RETURNS TABLE (id integer, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $sync_used$
#variable_conflict use_column
BEGIN
    IF 'activity_category' = ANY (lists) THEN
        RETURN QUERY
        WITH RECURSIVE node AS (
            SELECT c.id, c.parent_id
            FROM register.activity_category AS c
            WHERE EXISTS (SELECT FROM register.statistical_unit AS u WHERE u.primary_activity_category_id = c.id)
            UNION
            SELECT c.id, c.parent_id FROM node AS n JOIN register.activity_category AS c ON c.id = n.parent_id
        ), fresh (standard_code, id, path, parent_path, code, label, name, description) AS MATERIALIZED (
            SELECT s.code, c.id, c.path, c.parent_path, c.code, c.label, c.name, c.description
            FROM node AS n
            JOIN register.activity_category AS c ON c.id = n.id
            JOIN register.activity_category_standard AS s ON s.id = c.standard_id
        ), difference AS MATERIALIZED (
            SELECT coalesce(f.id, u.id) AS id, CASE WHEN u.id IS NULL THEN 'missing' WHEN f.id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
            FROM fresh AS f
            FULL JOIN register.activity_category_used AS u ON u.id = f.id
            WHERE u.id IS NULL OR f.id IS NULL
            OR (u.standard_code, u.id, u.path, u.parent_path, u.code, u.label, u.name, u.description) IS DISTINCT FROM (f.standard_code, f.id, f.path, f.parent_path, f.code, f.label, f.name, f.description)
        ), gone AS (
            DELETE FROM register.activity_category_used AS u
            USING difference AS d
            WHERE is_write AND d.problem <> 'missing' AND u.id = d.id
            RETURNING u.id
        ), added AS (
            INSERT INTO register.activity_category_used (standard_code, id, path, parent_path, code, label, name, description)
            SELECT f.standard_code, f.id, f.path, f.parent_path, f.code, f.label, f.name, f.description
            FROM fresh AS f
            JOIN difference AS d ON d.id = f.id
            WHERE is_write AND (SELECT count(*) FROM gone) >= 0
        )
        SELECT d.id, 'activity_category_used row ' || d.problem FROM difference AS d;
    END IF;
    IF 'region' = ANY (lists) THEN
        RETURN QUERY
        WITH RECURSIVE node AS (
            SELECT c.id, c.parent_id
            FROM register.region AS c
            WHERE EXISTS (SELECT FROM register.statistical_unit AS u WHERE u.physical_region_id = c.id)
            UNION
            SELECT c.id, c.parent_id FROM node AS n JOIN register.region AS c ON c.id = n.parent_id
        ), fresh (id, path, level, label, code, name) AS MATERIALIZED (
            SELECT c.id, c.path, c.level, c.label, c.code, c.name
            FROM node AS n
            JOIN register.region AS c ON c.id = n.id
        ), difference AS MATERIALIZED (
            SELECT coalesce(f.id, u.id) AS id, CASE WHEN u.id IS NULL THEN 'missing' WHEN f.id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
            FROM fresh AS f
            FULL JOIN register.region_used AS u ON u.id = f.id
            WHERE u.id IS NULL OR f.id IS NULL
            OR (u.id, u.path, u.level, u.label, u.code, u.name) IS DISTINCT FROM (f.id, f.path, f.level, f.label, f.code, f.name)
        ), gone AS (
            DELETE FROM register.region_used AS u
            USING difference AS d
            WHERE is_write AND d.problem <> 'missing' AND u.id = d.id
            RETURNING u.id
        ), added AS (
            INSERT INTO register.region_used (id, path, level, label, code, name)
            SELECT f.id, f.path, f.level, f.label, f.code, f.name
            FROM fresh AS f
            JOIN difference AS d ON d.id = f.id
            WHERE is_write AND (SELECT count(*) FROM gone) >= 0
        )
        SELECT d.id, 'region_used row ' || d.problem FROM difference AS d;
    END IF;
    IF 'sector' = ANY (lists) THEN
        RETURN QUERY
        WITH RECURSIVE node AS (
            SELECT c.id, c.parent_id
            FROM register.sector AS c
            WHERE EXISTS (SELECT FROM register.statistical_unit AS u WHERE u.sector_id = c.id)
            UNION
            SELECT c.id, c.parent_id FROM node AS n JOIN register.sector AS c ON c.id = n.parent_id
        ), fresh (id, path, label, code, name) AS MATERIALIZED (
            SELECT c.id, c.path, c.label, c.code, c.name
            FROM node AS n
            JOIN register.sector AS c ON c.id = n.id
        ), difference AS MATERIALIZED (
            SELECT coalesce(f.id, u.id) AS id, CASE WHEN u.id IS NULL THEN 'missing' WHEN f.id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
            FROM fresh AS f
            FULL JOIN register.sector_used AS u ON u.id = f.id
            WHERE u.id IS NULL OR f.id IS NULL
            OR (u.id, u.path, u.label, u.code, u.name) IS DISTINCT FROM (f.id, f.path, f.label, f.code, f.name)
        ), gone AS (
            DELETE FROM register.sector_used AS u
            USING difference AS d
            WHERE is_write AND d.problem <> 'missing' AND u.id = d.id
            RETURNING u.id
        ), added AS (
            INSERT INTO register.sector_used (id, path, label, code, name)
            SELECT f.id, f.path, f.label, f.code, f.name
            FROM fresh AS f
            JOIN difference AS d ON d.id = f.id
            WHERE is_write AND (SELECT count(*) FROM gone) >= 0
        )
        SELECT d.id, 'sector_used row ' || d.problem FROM difference AS d;
    END IF;
    IF 'legal_form' = ANY (lists) THEN
        RETURN QUERY
        WITH fresh (id, code, name) AS MATERIALIZED (
            SELECT c.id, c.code, c.name
            FROM register.legal_form AS c
            WHERE EXISTS (SELECT FROM register.statistical_unit AS u WHERE u.legal_form_id = c.id)
        ), difference AS MATERIALIZED (
            SELECT coalesce(f.id, u.id) AS id, CASE WHEN u.id IS NULL THEN 'missing' WHEN f.id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
            FROM fresh AS f
            FULL JOIN register.legal_form_used AS u ON u.id = f.id
            WHERE u.id IS NULL OR f.id IS NULL
            OR (u.id, u.code, u.name) IS DISTINCT FROM (f.id, f.code, f.name)
        ), gone AS (
            DELETE FROM register.legal_form_used AS u
            USING difference AS d
            WHERE is_write AND d.problem <> 'missing' AND u.id = d.id
            RETURNING u.id
        ), added AS (
            INSERT INTO register.legal_form_used (id, code, name)
            SELECT f.id, f.code, f.name
            FROM fresh AS f
            JOIN difference AS d ON d.id = f.id
            WHERE is_write AND (SELECT count(*) FROM gone) >= 0
        )
        SELECT d.id, 'legal_form_used row ' || d.problem FROM difference AS d;
    END IF;
    IF 'country' = ANY (lists) THEN
        RETURN QUERY
        WITH fresh (id, iso_2, name) AS MATERIALIZED (
            SELECT c.id, c.iso_2, c.name
            FROM register.country AS c
            WHERE EXISTS (SELECT FROM register.statistical_unit AS u WHERE u.physical_country_id = c.id)
        ), difference AS MATERIALIZED (
            SELECT coalesce(f.id, u.id) AS id, CASE WHEN u.id IS NULL THEN 'missing' WHEN f.id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
            FROM fresh AS f
            FULL JOIN register.country_used AS u ON u.id = f.id
            WHERE u.id IS NULL OR f.id IS NULL
            OR (u.id, u.iso_2, u.name) IS DISTINCT FROM (f.id, f.iso_2, f.name)
        ), gone AS (
            DELETE FROM register.country_used AS u
            USING difference AS d
            WHERE is_write AND d.problem <> 'missing' AND u.id = d.id
            RETURNING u.id
        ), added AS (
            INSERT INTO register.country_used (id, iso_2, name)
            SELECT f.id, f.iso_2, f.name
            FROM fresh AS f
            JOIN difference AS d ON d.id = f.id
            WHERE is_write AND (SELECT count(*) FROM gone) >= 0
        )
        SELECT d.id, 'country_used row ' || d.problem FROM difference AS d;
    END IF;
    IF 'data_source' = ANY (lists) THEN
        RETURN QUERY
        WITH fresh (id, code, name) AS MATERIALIZED (
            SELECT c.id, c.code, c.name
            FROM register.data_source AS c
            WHERE EXISTS (SELECT FROM register.statistical_unit AS u WHERE c.id = ANY (u.data_source_ids))
        ), difference AS MATERIALIZED (
            SELECT coalesce(f.id, u.id) AS id, CASE WHEN u.id IS NULL THEN 'missing' WHEN f.id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
            FROM fresh AS f
            FULL JOIN register.data_source_used AS u ON u.id = f.id
            WHERE u.id IS NULL OR f.id IS NULL
            OR (u.id, u.code, u.name) IS DISTINCT FROM (f.id, f.code, f.name)
        ), gone AS (
            DELETE FROM register.data_source_used AS u
            USING difference AS d
            WHERE is_write AND d.problem <> 'missing' AND u.id = d.id
            RETURNING u.id
        ), added AS (
            INSERT INTO register.data_source_used (id, code, name)
            SELECT f.id, f.code, f.name
            FROM fresh AS f
            JOIN difference AS d ON d.id = f.id
            WHERE is_write AND (SELECT count(*) FROM gone) >= 0
        )
        SELECT d.id, 'data_source_used row ' || d.problem FROM difference AS d;
    END IF;
END
$sync_used$;
COMMENT ON FUNCTION statbus.sync_used(text[], boolean) IS 'What is wrong in register.<list>_used for these code lists; is_write puts it right';
REVOKE ALL ON FUNCTION statbus.sync_used(text[], boolean) FROM PUBLIC;

-- deriving --------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION statbus.sync_units(
    establishment_ids integer[], legal_unit_ids integer[], enterprise_ids integer[], power_group_ids integer[], is_write boolean
)
RETURNS TABLE (unit_type text, unit_id integer, valid_from date, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'auto'
SET enable_nestloop = 'on'
SET work_mem = '64MB'
SET jit = 'off'
AS $sync_units$
#variable_conflict use_column
DECLARE
    is_mass CONSTANT boolean := cardinality(establishment_ids) + cardinality(legal_unit_ids)
        + cardinality(enterprise_ids) + cardinality(power_group_ids) > 1000;
    batch_size CONSTANT integer := CASE WHEN is_mass THEN 20000 ELSE 20 END;
    kind text;
    ids integer[];
    batch integer[];
    position integer;
    grown regclass;
BEGIN
    -- The planner cannot estimate how many slices cover a segment; it guesses too few, and a nested loop over what it
    -- guessed wrong takes time by the square. Few units: batches so small that this does not matter, with plans made once,
    -- which find everything by index. Many: hash joins only, with plans for the real number of units and fresh statistics;
    -- the size of a batch then bounds the memory of a statement.
    PERFORM set_config('plan_cache_mode', CASE WHEN is_mass THEN 'force_custom_plan' ELSE 'force_generic_plan' END, true),
            set_config('enable_nestloop', CASE WHEN is_mass THEN 'off' ELSE 'on' END, true);
    IF is_mass AND is_write THEN
        ANALYZE register.establishment, register.legal_unit, register.activity, register.location, register.contact,
            register.stat_for_unit, register.person_for_unit, register.external_ident, register.tag_for_unit,
            register.legal_relationship;
    ELSIF is_write THEN
        -- A plan that was made when a table was small reads all of it. Statistics of a table that has grown to more than the
        -- double bring new plans; autovacuum would, a minute later.
        FOR grown IN
            SELECT c.oid FROM pg_class AS c
            WHERE c.oid = ANY (ARRAY['register.establishment', 'register.legal_unit', 'register.activity', 'register.location', 'register.contact',
                                     'register.stat_for_unit', 'register.external_ident', 'register.timepoints', 'register.timesegments',
                                     'register.timeline_establishment', 'register.timeline_legal_unit', 'register.timeline_enterprise']::regclass[])
            AND pg_relation_size(c.oid) > (2 * greatest(c.relpages, 0) + 16) * current_setting('block_size')::bigint
        LOOP
            EXECUTE format('ANALYZE %s', grown);
        END LOOP;
    END IF;

    FOREACH kind IN ARRAY ARRAY['establishment', 'legal_unit', 'enterprise', 'power_group'] LOOP
        ids := CASE kind WHEN 'establishment' THEN establishment_ids WHEN 'legal_unit' THEN legal_unit_ids
                         WHEN 'enterprise' THEN enterprise_ids ELSE power_group_ids END;
        CONTINUE WHEN cardinality(ids) = 0;
        FOR position IN 1 .. cardinality(ids) BY batch_size LOOP
            batch := ids[position : position + batch_size - 1];
            RETURN QUERY SELECT kind, s.unit_id, s.valid_from, s.problem FROM statbus.sync_timesegments(kind, batch, is_write) AS s;
        END LOOP;
        IF is_mass AND is_write THEN
            ANALYZE register.timepoints, register.timesegments;
        END IF;
        FOR position IN 1 .. cardinality(ids) BY batch_size LOOP
            batch := ids[position : position + batch_size - 1];
            IF kind = 'establishment' THEN
                RETURN QUERY SELECT kind, s.unit_id, s.valid_from, s.problem FROM statbus.sync_establishments(batch, is_write) AS s;
            ELSIF kind = 'legal_unit' THEN
                RETURN QUERY SELECT kind, s.unit_id, s.valid_from, s.problem FROM statbus.sync_legal_units(batch, is_write) AS s;
            ELSIF kind = 'enterprise' THEN
                RETURN QUERY SELECT kind, s.unit_id, s.valid_from, s.problem FROM statbus.sync_enterprises(batch, is_write) AS s;
            ELSE
                RETURN QUERY SELECT kind, s.unit_id, s.valid_from, s.problem FROM statbus.sync_power_groups(batch, is_write) AS s;
            END IF;
        END LOOP;
        IF is_mass AND is_write THEN
            EXECUTE format('ANALYZE register.%I', 'timeline_' || kind);
        END IF;
    END LOOP;
    IF is_mass AND is_write THEN
        -- Autovacuum never gathers the statistics of a partitioned table as a whole.
        ANALYZE register.statistical_unit;
    END IF;
END
$sync_units$;
COMMENT ON FUNCTION statbus.sync_units(integer[], integer[], integer[], integer[], boolean) IS
    'What is wrong in the segments and rows of exactly these units, given in arrays of distinct ids; is_write puts it right';
REVOKE ALL ON FUNCTION statbus.sync_units(integer[], integer[], integer[], integer[], boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.lock_derived()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $lock_derived$
BEGIN
    -- One lock for all: the second waits, and as each statement at READ COMMITTED has its own snapshot, it then sees what
    -- the first has committed. Locks per enterprise would have to be taken for a set that itself depends on what others are
    -- about to commit (moves, groups), and timesegments_years and *_used are shared anyway. It is the last lock that an
    -- ordinary transaction takes, so that it ends no deadlock.
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'derived data cannot be written at isolation level %', upper(current_setting('transaction_isolation'))
            USING ERRCODE = 'invalid_transaction_state',
                  DETAIL = 'The transaction would not see what others have committed meanwhile.',
                  HINT = 'Use READ COMMITTED, or leave it to a task: changes made at this level are derived by CALL worker.process_tasks().';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('statbus.derive', 0));
END
$lock_derived$;
COMMENT ON FUNCTION statbus.lock_derived() IS 'Makes this transaction the one writer of derived data';
REVOKE ALL ON FUNCTION statbus.lock_derived() FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.sync_years(years integer[], is_write boolean)
RETURNS TABLE (year integer, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $sync_years$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH difference AS MATERIALIZED (
        SELECT y.year, f.is_there AS is_missing
        FROM (SELECT DISTINCT u.year FROM unnest(years) AS u (year)) AS y
        CROSS JOIN LATERAL (
            SELECT EXISTS (SELECT FROM register.timesegments AS s
                           WHERE make_date(y.year, 1, 1) <= s.valid_from AND s.valid_from < make_date(y.year + 1, 1, 1)) AS is_there) AS f
        WHERE f.is_there <> EXISTS (SELECT FROM register.timesegments_years AS t WHERE t.year = y.year)
    ), gone AS (
        DELETE FROM register.timesegments_years AS t USING difference AS d WHERE is_write AND NOT d.is_missing AND t.year = d.year
    ), added AS (
        INSERT INTO register.timesegments_years (year) SELECT d.year FROM difference AS d WHERE is_write AND d.is_missing
    )
    SELECT d.year, 'year ' || CASE WHEN d.is_missing THEN 'missing' ELSE 'surplus' END FROM difference AS d;
END
$sync_years$;
COMMENT ON FUNCTION statbus.sync_years(integer[], boolean) IS 'What is wrong in register.timesegments_years for these years; is_write puts it right';
REVOKE ALL ON FUNCTION statbus.sync_years(integer[], boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.codes_of(
    establishment_ids integer[], legal_unit_ids integer[], enterprise_ids integer[], power_group_ids integer[]
)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $codes_of$
BEGIN
    RETURN (
        WITH unit AS (
            SELECT u.primary_activity_category_id, u.physical_region_id, u.sector_id, u.legal_form_id, u.physical_country_id, u.data_source_ids
            FROM (SELECT unnest(establishment_ids)) AS d (id)
            JOIN register.timeline_establishment AS u ON u.unit_type = 'establishment' AND u.unit_id = d.id
            UNION ALL
            SELECT u.primary_activity_category_id, u.physical_region_id, u.sector_id, u.legal_form_id, u.physical_country_id, u.data_source_ids
            FROM (SELECT unnest(legal_unit_ids)) AS d (id)
            JOIN register.timeline_legal_unit AS u ON u.unit_type = 'legal_unit' AND u.unit_id = d.id
            UNION ALL
            SELECT u.primary_activity_category_id, u.physical_region_id, u.sector_id, u.legal_form_id, u.physical_country_id, u.data_source_ids
            FROM (SELECT unnest(enterprise_ids)) AS d (id)
            JOIN register.timeline_enterprise AS u ON u.unit_type = 'enterprise' AND u.unit_id = d.id
            UNION ALL
            SELECT u.primary_activity_category_id, u.physical_region_id, u.sector_id, u.legal_form_id, u.physical_country_id, u.data_source_ids
            FROM (SELECT unnest(power_group_ids)) AS d (id)
            JOIN register.timeline_power_group AS u ON u.unit_type = 'power_group' AND u.unit_id = d.id
        )
        SELECT jsonb_build_object(
            'activity_category', jsonb_agg(DISTINCT u.primary_activity_category_id),
            'region', jsonb_agg(DISTINCT u.physical_region_id),
            'sector', jsonb_agg(DISTINCT u.sector_id),
            'legal_form', jsonb_agg(DISTINCT u.legal_form_id),
            'country', jsonb_agg(DISTINCT u.physical_country_id),
            'data_source', jsonb_agg(DISTINCT u.data_source_ids))
        FROM unit AS u);
END
$codes_of$;
COMMENT ON FUNCTION statbus.codes_of(integer[], integer[], integer[], integer[]) IS
    'The codes in the rows of these units, per code list: when they are the same before and after, *_used is right';
REVOKE ALL ON FUNCTION statbus.codes_of(integer[], integer[], integer[], integer[]) FROM PUBLIC;

-- DEFINER: writes derived tables, which no role may write
CREATE OR REPLACE FUNCTION statbus.derive_changes(
    establishment_ids integer[], legal_unit_ids integer[], enterprise_ids integer[], power_group_ids integer[], code_lists text[]
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'auto'
SET jit = 'off'
AS $derive_changes$
DECLARE
    all_lists CONSTANT text[] := ARRAY['activity_category', 'region', 'sector', 'legal_form', 'country', 'data_source'];
    establishments integer[];
    legal_units integer[];
    enterprises integer[];
    power_groups integer[];
    is_mass boolean;
    codes_before jsonb;
    codes_after jsonb;
    years integer[];
    lists text[] := coalesce(code_lists, '{}');
BEGIN
    PERFORM statbus.lock_derived();
    PERFORM set_config('plan_cache_mode', CASE WHEN cardinality(establishment_ids) + cardinality(legal_unit_ids) > 20
                                               THEN 'force_custom_plan' ELSE 'force_generic_plan' END, true);

    -- Upwards, to what a unit belongs to on any day, and to what it belonged to when it was last derived.
    establishments := ARRAY(SELECT DISTINCT u.id FROM unnest(establishment_ids) AS u (id) WHERE u.id IS NOT NULL ORDER BY 1);
    legal_units := ARRAY(
        SELECT u.id FROM unnest(legal_unit_ids) AS u (id) WHERE u.id IS NOT NULL
        UNION
        SELECT e.legal_unit_id FROM (SELECT unnest(establishments)) AS d (id)
        JOIN register.establishment AS e ON e.id = d.id WHERE e.legal_unit_id IS NOT NULL
        UNION
        SELECT e.legal_unit_id FROM (SELECT unnest(establishments)) AS d (id)
        JOIN register.timeline_establishment AS e ON e.unit_type = 'establishment' AND e.unit_id = d.id WHERE e.legal_unit_id IS NOT NULL
        ORDER BY 1);
    enterprises := ARRAY(
        SELECT u.id FROM unnest(enterprise_ids) AS u (id) WHERE u.id IS NOT NULL
        UNION
        SELECT e.enterprise_id FROM (SELECT unnest(establishments)) AS d (id)
        JOIN register.establishment AS e ON e.id = d.id WHERE e.enterprise_id IS NOT NULL
        UNION
        SELECT e.enterprise_id FROM (SELECT unnest(establishments)) AS d (id)
        JOIN register.timeline_establishment AS e ON e.unit_type = 'establishment' AND e.unit_id = d.id WHERE e.enterprise_id IS NOT NULL
        UNION
        SELECT l.enterprise_id FROM (SELECT unnest(legal_units)) AS d (id)
        JOIN register.legal_unit AS l ON l.id = d.id
        UNION
        SELECT l.enterprise_id FROM (SELECT unnest(legal_units)) AS d (id)
        JOIN register.timeline_legal_unit AS l ON l.unit_type = 'legal_unit' AND l.unit_id = d.id
        ORDER BY 1);
    power_groups := ARRAY(
        SELECT u.id FROM unnest(power_group_ids) AS u (id) WHERE u.id IS NOT NULL
        UNION
        SELECT r.derived_power_group_id FROM (SELECT unnest(legal_units)) AS d (id)
        JOIN register.legal_relationship AS r ON r.influencing_id = d.id WHERE r.derived_power_group_id IS NOT NULL
        UNION
        SELECT r.derived_power_group_id FROM (SELECT unnest(legal_units)) AS d (id)
        JOIN register.legal_relationship AS r ON r.influenced_id = d.id WHERE r.derived_power_group_id IS NOT NULL
        ORDER BY 1);

    is_mass := cardinality(establishments) + cardinality(legal_units) + cardinality(enterprises) + cardinality(power_groups) > 1000;
    IF NOT is_mass THEN
        codes_before := statbus.codes_of(establishments, legal_units, enterprises, power_groups);
    END IF;
    years := ARRAY(
        SELECT DISTINCT extract(year FROM s.valid_from)::integer
        FROM statbus.sync_units(establishments, legal_units, enterprises, power_groups, true) AS s
        WHERE s.problem IN ('timesegment missing', 'timesegment surplus'));
    IF cardinality(years) > 0 THEN
        PERFORM statbus.sync_years(years, true);
    END IF;
    IF is_mass THEN
        lists := all_lists;
    ELSE
        codes_after := statbus.codes_of(establishments, legal_units, enterprises, power_groups);
        lists := lists || ARRAY(SELECT l.name FROM unnest(all_lists) AS l (name)
                                WHERE codes_before -> l.name IS DISTINCT FROM codes_after -> l.name);
    END IF;
    IF cardinality(lists) > 0 THEN
        PERFORM statbus.sync_used(lists, true);
    END IF;
END
$derive_changes$;
COMMENT ON FUNCTION statbus.derive_changes(integer[], integer[], integer[], integer[], text[]) IS
    'statbus.derive(), and the *_used tables of these code lists';
REVOKE ALL ON FUNCTION statbus.derive_changes(integer[], integer[], integer[], integer[], text[]) FROM PUBLIC;

-- DEFINER: writes derived tables, which no role may write
CREATE OR REPLACE FUNCTION statbus.derive(
    establishment_ids integer[], legal_unit_ids integer[], enterprise_ids integer[], power_group_ids integer[]
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $derive$
BEGIN
    PERFORM statbus.derive_changes(coalesce(establishment_ids, '{}'), coalesce(legal_unit_ids, '{}'),
                                   coalesce(enterprise_ids, '{}'), coalesce(power_group_ids, '{}'), '{}');
END
$derive$;
COMMENT ON FUNCTION statbus.derive(integer[], integer[], integer[], integer[]) IS
    'Derives these units and all they belong to; writes what differs, deletes the rows of units that no longer exist';
REVOKE ALL ON FUNCTION statbus.derive(integer[], integer[], integer[], integer[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.all_units(
    OUT establishment_ids integer[], OUT legal_unit_ids integer[], OUT enterprise_ids integer[], OUT power_group_ids integer[]
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $all_units$
BEGIN
    -- Derived units that no longer exist are units too: their rows are to go.
    SELECT coalesce(array_agg(u.id ORDER BY u.id) FILTER (WHERE u.kind = 'establishment'), '{}'),
           coalesce(array_agg(u.id ORDER BY u.id) FILTER (WHERE u.kind = 'legal_unit'), '{}'),
           coalesce(array_agg(u.id ORDER BY u.id) FILTER (WHERE u.kind = 'enterprise'), '{}'),
           coalesce(array_agg(u.id ORDER BY u.id) FILTER (WHERE u.kind = 'power_group'), '{}')
    INTO establishment_ids, legal_unit_ids, enterprise_ids, power_group_ids
    FROM (SELECT 'establishment'::register.statistical_unit_type, e.id FROM register.establishment AS e
          UNION SELECT 'legal_unit', l.id FROM register.legal_unit AS l
          UNION SELECT 'enterprise', n.id FROM register.enterprise AS n
          UNION SELECT 'power_group', p.id FROM register.power_group AS p
          UNION SELECT t.unit_type, t.unit_id FROM register.timepoints AS t
          UNION SELECT s.unit_type, s.unit_id FROM register.timesegments AS s
          UNION SELECT u.unit_type, u.unit_id FROM register.statistical_unit AS u) AS u (kind, id);
END
$all_units$;
COMMENT ON FUNCTION statbus.all_units() IS 'Every unit that is in a base table or in a derived one';
REVOKE ALL ON FUNCTION statbus.all_units() FROM PUBLIC;

-- DEFINER: writes derived tables, which no role may write
CREATE OR REPLACE FUNCTION statbus.rebuild()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $rebuild$
DECLARE
    units record;
    years integer[];
BEGIN
    PERFORM statbus.lock_derived();
    -- What is committed by now is derived here.
    DELETE FROM worker.base_change_log;
    SELECT * INTO units FROM statbus.all_units();
    PERFORM statbus.sync_units(units.establishment_ids, units.legal_unit_ids, units.enterprise_ids, units.power_group_ids, true);
    years := ARRAY(SELECT extract(year FROM s.valid_from)::integer FROM register.timesegments AS s
                   UNION SELECT t.year FROM register.timesegments_years AS t);
    PERFORM statbus.sync_years(years, true);
    PERFORM statbus.sync_used(ARRAY['activity_category', 'region', 'sector', 'legal_form', 'country', 'data_source'], true);
END
$rebuild$;
COMMENT ON FUNCTION statbus.rebuild() IS
    'Derives everything from the base tables, in one transaction; writes what differs, so that readers never see half of it';
REVOKE ALL ON FUNCTION statbus.rebuild() FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.verify_derived()
RETURNS TABLE (unit_type text, unit_id integer, valid_from date, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $verify_derived$
#variable_conflict use_column
DECLARE
    units record;
    years integer[];
BEGIN
    -- Each stage is compared with what follows from the stage before it as it is stored. When no stage differs,
    -- all is as a rebuild from nothing would make it.
    PERFORM statbus.lock_derived();
    SELECT * INTO units FROM statbus.all_units();
    RETURN QUERY
        SELECT s.unit_type, s.unit_id, s.valid_from, s.problem
        FROM statbus.sync_units(units.establishment_ids, units.legal_unit_ids, units.enterprise_ids, units.power_group_ids, false) AS s;
    years := ARRAY(SELECT extract(year FROM s.valid_from)::integer FROM register.timesegments AS s
                   UNION SELECT t.year FROM register.timesegments_years AS t);
    RETURN QUERY SELECT NULL::text, NULL::integer, make_date(s.year, 1, 1), s.problem FROM statbus.sync_years(years, false) AS s;
    RETURN QUERY
        SELECT NULL::text, s.id, NULL::date, s.problem
        FROM statbus.sync_used(ARRAY['activity_category', 'region', 'sector', 'legal_form', 'country', 'data_source'], false) AS s;
END
$verify_derived$;
COMMENT ON FUNCTION statbus.verify_derived() IS
    'Where derived data differs from what the base tables say, empty when all is right; unit_id of a *_used problem is the id of the code';
REVOKE ALL ON FUNCTION statbus.verify_derived() FROM PUBLIC;

-- when ------------------------------------------------------------------------------------------------------------

-- DEFINER: writes derived tables and the change log, which no role may write
CREATE OR REPLACE FUNCTION statbus.derive_pending(max_units integer DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $derive_pending$
DECLARE
    change record;
BEGIN
    PERFORM statbus.lock_derived();
    IF EXISTS (SELECT FROM worker.base_change_log AS c WHERE c.all_units) THEN
        PERFORM statbus.rebuild();
        RETURN 0;
    END IF;
    WITH drained AS MATERIALIZED (
        DELETE FROM worker.base_change_log AS c
        USING (SELECT l.id, sum(cardinality(l.establishment_ids) + cardinality(l.legal_unit_ids) + cardinality(l.enterprise_ids)
                                + cardinality(l.power_group_ids)) OVER (ORDER BY l.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
               FROM worker.base_change_log AS l) AS run
        WHERE c.id = run.id AND (max_units IS NULL OR coalesce(run.before, 0) < max_units)
        RETURNING c.establishment_ids, c.legal_unit_ids, c.enterprise_ids, c.power_group_ids, c.code_lists
    )
    SELECT ARRAY(SELECT DISTINCT unnest(d.establishment_ids) FROM drained AS d) AS establishment_ids,
           ARRAY(SELECT DISTINCT unnest(d.legal_unit_ids) FROM drained AS d) AS legal_unit_ids,
           ARRAY(SELECT DISTINCT unnest(d.enterprise_ids) FROM drained AS d) AS enterprise_ids,
           ARRAY(SELECT DISTINCT unnest(d.power_group_ids) FROM drained AS d) AS power_group_ids,
           ARRAY(SELECT DISTINCT unnest(d.code_lists) FROM drained AS d) AS code_lists,
           EXISTS (SELECT FROM drained) AS is_any
    INTO change;
    IF change.is_any THEN
        PERFORM statbus.derive_changes(change.establishment_ids, change.legal_unit_ids, change.enterprise_ids, change.power_group_ids, change.code_lists);
    END IF;
    RETURN (SELECT count(*) FROM worker.base_change_log AS c);
END
$derive_pending$;
COMMENT ON FUNCTION statbus.derive_pending(integer) IS
    'Derives what the change log holds, the oldest first, until about max_units units; returns how many rows of the log are left';
REVOKE ALL ON FUNCTION statbus.derive_pending(integer) FROM PUBLIC;

CREATE OR REPLACE PROCEDURE statbus.derive_task(payload jsonb)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $derive_task$
BEGIN
    IF statbus.derive_pending(50000) > 0 THEN
        PERFORM worker.spawn('derive_statistical_unit');
    END IF;
END
$derive_task$;
COMMENT ON PROCEDURE statbus.derive_task(jsonb) IS 'Handler of the command derive_statistical_unit';
REVOKE ALL ON PROCEDURE statbus.derive_task(jsonb) FROM PUBLIC;

-- DEFINER: writes the change log, which no role may write
-- Arguments: the columns of the changed table that hold ids of establishments, legal units, enterprises and power groups;
-- '' for none.
CREATE OR REPLACE FUNCTION statbus.log_base_change()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $log_base_change$
DECLARE
    columns CONSTANT text := (
        SELECT string_agg(CASE WHEN a.name = '' THEN 'NULL::integer' ELSE quote_ident(a.name) END, ', ' ORDER BY a.position)
        FROM unnest(TG_ARGV) WITH ORDINALITY AS a (name, position));
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO worker.base_change_log (all_units) VALUES (true);
        RETURN NULL;
    END IF;
    EXECUTE format($insert$
        INSERT INTO worker.base_change_log (establishment_ids, legal_unit_ids, enterprise_ids, power_group_ids)
        SELECT coalesce(array_agg(DISTINCT c.e) FILTER (WHERE c.e IS NOT NULL), '{}'),
               coalesce(array_agg(DISTINCT c.l) FILTER (WHERE c.l IS NOT NULL), '{}'),
               coalesce(array_agg(DISTINCT c.n) FILTER (WHERE c.n IS NOT NULL), '{}'),
               coalesce(array_agg(DISTINCT c.p) FILTER (WHERE c.p IS NOT NULL), '{}')
        FROM (%s) AS c (e, l, n, p)
        HAVING count(c.e) + count(c.l) + count(c.n) + count(c.p) > 0
        $insert$,
        CASE TG_OP
            WHEN 'INSERT' THEN format('SELECT %s FROM new_rows', columns)
            WHEN 'DELETE' THEN format('SELECT %s FROM old_rows', columns)
            ELSE format('SELECT %1$s FROM old_rows UNION ALL SELECT %1$s FROM new_rows', columns)
        END);
    RETURN NULL;
END
$log_base_change$;
COMMENT ON FUNCTION statbus.log_base_change() IS 'Statement trigger on base tables: notes which units to derive again';
REVOKE ALL ON FUNCTION statbus.log_base_change() FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.prefix_columns(alias text, columns text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $prefix_columns$
    SELECT coalesce(string_agg(alias || '.' || quote_ident(btrim(c.name)), ', ' ORDER BY c.position), '')
    FROM unnest(string_to_array(columns, ',')) WITH ORDINALITY AS c (name, position)
$prefix_columns$;
COMMENT ON FUNCTION statbus.prefix_columns(text, text) IS 'a, b → alias.a, alias.b';
REVOKE ALL ON FUNCTION statbus.prefix_columns(text, text) FROM PUBLIC;

-- DEFINER: writes the change log, which no role may write
-- Arguments: the columns that show in the rows of units, those that show only in *_used, then who refers to the list, as
-- table.column.
CREATE OR REPLACE FUNCTION statbus.log_code_change()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $log_code_change$
DECLARE
    -- Rows are compared by their images: ltree has a place for its operators that this function need not know.
    comparison CONSTANT text :=
        'SELECT coalesce(array_agg(n.id), ''{}'') FROM new_rows AS n JOIN old_rows AS o ON o.id = n.id
         WHERE ROW(%s)::record OPERATOR(pg_catalog.*<>) ROW(%s)::record';
    list CONSTANT text := CASE TG_TABLE_NAME WHEN 'activity_category_standard' THEN 'activity_category' ELSE TG_TABLE_NAME END;
    lists text[] := '{}';
    shown_in_units integer[];
    shown_in_used integer[];
    units text;
BEGIN
    EXECUTE format(comparison, statbus.prefix_columns('n', TG_ARGV[0]), statbus.prefix_columns('o', TG_ARGV[0])) INTO shown_in_units;
    EXECUTE format(comparison, statbus.prefix_columns('n', TG_ARGV[1]), statbus.prefix_columns('o', TG_ARGV[1])) INTO shown_in_used;
    IF list IN ('activity_category', 'region', 'sector', 'legal_form', 'country', 'data_source')
        AND cardinality(shown_in_units) + cardinality(shown_in_used) > 0 THEN
        lists := ARRAY[list];
    END IF;
    SELECT string_agg(format('SELECT %s, %s, %s, %s FROM register.%I AS r WHERE r.%I = ANY ($1)',
                             CASE t.name WHEN 'establishment' THEN 'r.id' WHEN 'legal_unit' THEN 'NULL::integer' ELSE 'r.establishment_id' END,
                             CASE t.name WHEN 'legal_unit' THEN 'r.id' WHEN 'establishment' THEN 'NULL::integer' ELSE 'r.legal_unit_id' END,
                             CASE WHEN t.name IN ('external_ident', 'tag_for_unit') THEN 'r.enterprise_id' ELSE 'NULL::integer' END,
                             CASE WHEN t.name IN ('external_ident', 'tag_for_unit') THEN 'r.power_group_id' ELSE 'NULL::integer' END,
                             t.name, t.column_name), ' UNION ALL ')
    INTO units
    FROM (SELECT split_part(a.reference, '.', 1) AS name, split_part(a.reference, '.', 2) AS column_name
          FROM unnest(TG_ARGV[2:]) AS a (reference)) AS t;
    EXECUTE format($insert$
        INSERT INTO worker.base_change_log (establishment_ids, legal_unit_ids, enterprise_ids, power_group_ids, code_lists)
        SELECT coalesce(array_agg(DISTINCT c.e) FILTER (WHERE c.e IS NOT NULL), '{}'),
               coalesce(array_agg(DISTINCT c.l) FILTER (WHERE c.l IS NOT NULL), '{}'),
               coalesce(array_agg(DISTINCT c.n) FILTER (WHERE c.n IS NOT NULL), '{}'),
               coalesce(array_agg(DISTINCT c.p) FILTER (WHERE c.p IS NOT NULL), '{}'), $2
        FROM (%s) AS c (e, l, n, p)
        HAVING count(c.e) + count(c.l) + count(c.n) + count(c.p) + cardinality($2) > 0
        $insert$, coalesce(units, 'SELECT NULL::integer, NULL::integer, NULL::integer, NULL::integer WHERE $1 IS NULL'))
    USING shown_in_units, lists;
    RETURN NULL;
END
$log_code_change$;
COMMENT ON FUNCTION statbus.log_code_change() IS 'Statement trigger on code lists: notes the units that show a changed code';
REVOKE ALL ON FUNCTION statbus.log_code_change() FROM PUBLIC;

-- DEFINER: writes the change log, which no role may write
CREATE OR REPLACE FUNCTION statbus.log_settings_change()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $log_settings_change$
BEGIN
    -- The country decides which units are domestic.
    IF EXISTS (SELECT FROM register.statistical_unit) THEN
        INSERT INTO worker.base_change_log (all_units) VALUES (true);
    END IF;
    RETURN NULL;
END
$log_settings_change$;
COMMENT ON FUNCTION statbus.log_settings_change() IS 'Statement trigger on register.settings: notes that every unit is to be derived again';
REVOKE ALL ON FUNCTION statbus.log_settings_change() FROM PUBLIC;

-- DEFINER: writes derived tables and the change log, which no role may write, and queues a task
CREATE OR REPLACE FUNCTION statbus.derive_at_commit()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $derive_at_commit$
DECLARE
    immediate_limit CONSTANT integer := coalesce(nullif(current_setting('statbus.derive_immediate_limit', true), '')::integer, 1000);
    is_deferred CONSTANT boolean := coalesce(current_setting('statbus.derive', true), '') = 'deferred'
        OR current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted');
    change record;
BEGIN
    -- The first row of the transaction speaks for all; the others then find nothing to do.
    IF NOT EXISTS (SELECT FROM worker.base_change_log AS c WHERE c.id = NEW.id AND NOT c.is_queued) THEN
        RETURN NULL;
    END IF;
    SELECT sum(cardinality(c.establishment_ids) + cardinality(c.legal_unit_ids) + cardinality(c.enterprise_ids)
               + cardinality(c.power_group_ids)) AS units,
           bool_or(c.all_units) AS all_units
    INTO change
    FROM worker.base_change_log AS c
    WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued;

    IF NOT is_deferred AND change.units > immediate_limit THEN
        -- Several statements may have named the same units.
        SELECT count(*) AS units, change.all_units AS all_units
        INTO change
        FROM (SELECT 1, unnest(c.establishment_ids) FROM worker.base_change_log AS c WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued
              UNION SELECT 2, unnest(c.legal_unit_ids) FROM worker.base_change_log AS c WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued
              UNION SELECT 3, unnest(c.enterprise_ids) FROM worker.base_change_log AS c WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued
              UNION SELECT 4, unnest(c.power_group_ids) FROM worker.base_change_log AS c WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued) AS u;
    END IF;
    IF change.all_units THEN
        SELECT count(*) AS units, true AS all_units
        INTO change
        FROM (SELECT FROM register.timesegments AS s GROUP BY s.unit_type, s.unit_id LIMIT immediate_limit::bigint + 1) AS u;
    END IF;

    IF is_deferred OR change.units > immediate_limit THEN
        UPDATE worker.base_change_log AS c SET is_queued = true WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued;
        PERFORM worker.spawn('derive_statistical_unit');
        RETURN NULL;
    END IF;

    PERFORM statbus.lock_derived();
    IF change.all_units THEN
        PERFORM statbus.rebuild();
        RETURN NULL;
    END IF;
    WITH drained AS MATERIALIZED (
        DELETE FROM worker.base_change_log AS c
        WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued
        RETURNING c.establishment_ids, c.legal_unit_ids, c.enterprise_ids, c.power_group_ids, c.code_lists
    )
    SELECT ARRAY(SELECT DISTINCT unnest(d.establishment_ids) FROM drained AS d) AS establishment_ids,
           ARRAY(SELECT DISTINCT unnest(d.legal_unit_ids) FROM drained AS d) AS legal_unit_ids,
           ARRAY(SELECT DISTINCT unnest(d.enterprise_ids) FROM drained AS d) AS enterprise_ids,
           ARRAY(SELECT DISTINCT unnest(d.power_group_ids) FROM drained AS d) AS power_group_ids,
           ARRAY(SELECT DISTINCT unnest(d.code_lists) FROM drained AS d) AS code_lists
    INTO change;
    PERFORM statbus.derive_changes(change.establishment_ids, change.legal_unit_ids, change.enterprise_ids, change.power_group_ids, change.code_lists);
    RETURN NULL;
END
$derive_at_commit$;
COMMENT ON FUNCTION statbus.derive_at_commit() IS
    'Deferred trigger on the change log: derives the changes of the transaction, or queues a task (settings statbus.derive, statbus.derive_immediate_limit)';
REVOKE ALL ON FUNCTION statbus.derive_at_commit() FROM PUBLIC;

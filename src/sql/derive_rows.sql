-- Third stage of the derivation (derive.sql): what stands in statistical_unit for each segment of a unit, one function for
-- each kind of unit.

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

-- What the derivation (derive.sql) keeps beside statistical_unit: which codes its rows use, and in which years segments begin.

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

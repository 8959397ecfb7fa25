-- Definitions 82: functions of schema api that answer questions about a unit, and a few actions. All run with the rights of
-- their caller. valid_on NULL, or left out, means today.
--
-- A hierarchy is built from parts, each an object with the key that it has in the whole:
--   {"enterprise": {…, "legal_unit": [{…, "establishment": [{…}]}], "establishment": [{…}]}}
-- scope tree: every unit with identifiers, activities and locations; all: with everything known of each unit; details:
-- everything known of the one unit, without the units below it.
--
-- What uses ltree in its body is made with the search_path of statbus.migrate() (FROM CURRENT), which has ltree's schema.

-- parts of one code list row -----------------------------------------------------------------------------------------
DO $codes$
DECLARE
    code_list text;
    signature text;
BEGIN
    FOREACH code_list IN ARRAY ARRAY['region', 'sector', 'country', 'legal_form', 'status', 'unit_size', 'data_source',
                                     'foreign_participation', 'activity_category_standard'] LOOP
        signature := format('api.%I(integer)', code_list || '_hierarchy');
        EXECUTE format('CREATE OR REPLACE FUNCTION api.%I(%I integer) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE '
                       'SET search_path = pg_catalog, pg_temp AS %L',
                       code_list || '_hierarchy', code_list || '_id',
                       format('SELECT jsonb_build_object(%L, (SELECT to_jsonb(c) FROM register.%I AS c WHERE c.id = $1))', code_list, code_list));
        EXECUTE format('COMMENT ON FUNCTION %s IS %L', signature, format('{"%s": the row with this id, or null}', code_list));
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO authenticated', signature);
    END LOOP;
END
$codes$;

CREATE OR REPLACE FUNCTION api.activity_category_hierarchy(activity_category_id integer)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $activity_category_hierarchy$
    SELECT jsonb_build_object('activity_category', (
        SELECT to_jsonb(c) || api.activity_category_standard_hierarchy(c.standard_id)
        FROM register.activity_category AS c
        WHERE c.id = $1))
$activity_category_hierarchy$;
COMMENT ON FUNCTION api.activity_category_hierarchy(integer) IS '{"activity_category": the row with this id and its standard, or null}';

-- parts of one unit --------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION api.external_idents_hierarchy(
    parent_establishment_id integer DEFAULT NULL, parent_legal_unit_id integer DEFAULT NULL,
    parent_enterprise_id integer DEFAULT NULL, parent_power_group_id integer DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $external_idents_hierarchy$
    SELECT jsonb_build_object('external_idents', coalesce(
        jsonb_object_agg(k.code, coalesce(i.ident, ltree2text(i.idents)) ORDER BY k.priority, k.code), '{}'))
    FROM register.external_ident AS i
    JOIN register.external_ident_type AS k ON k.id = i.type_id
    WHERE i.establishment_id = $1 OR i.legal_unit_id = $2 OR i.enterprise_id = $3 OR i.power_group_id = $4
$external_idents_hierarchy$;
COMMENT ON FUNCTION api.external_idents_hierarchy(integer, integer, integer, integer) IS '{"external_idents": {code of the type: identifier}} of one unit';

CREATE OR REPLACE FUNCTION api.activity_hierarchy(parent_establishment_id integer, parent_legal_unit_id integer, valid_on date DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $activity_hierarchy$
    SELECT jsonb_build_object('activity', coalesce(
        jsonb_agg(to_jsonb(a) - 'valid_range' || api.activity_category_hierarchy(a.category_id) || api.data_source_hierarchy(a.data_source_id)
                  ORDER BY a.type), '[]'))
    FROM register.activity AS a
    WHERE (a.establishment_id = $1 OR a.legal_unit_id = $2)
    AND a.valid_from <= coalesce($3, statbus.today()) AND coalesce($3, statbus.today()) < a.valid_until
$activity_hierarchy$;
COMMENT ON FUNCTION api.activity_hierarchy(integer, integer, date) IS '{"activity": [activities of a unit on a day]}';

CREATE OR REPLACE FUNCTION api.location_hierarchy(parent_establishment_id integer, parent_legal_unit_id integer, valid_on date DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $location_hierarchy$
    SELECT jsonb_build_object('location', coalesce(
        jsonb_agg(to_jsonb(l) - 'valid_range' || api.region_hierarchy(l.region_id) || api.country_hierarchy(l.country_id)
                  || api.data_source_hierarchy(l.data_source_id) ORDER BY l.type), '[]'))
    FROM register.location AS l
    WHERE (l.establishment_id = $1 OR l.legal_unit_id = $2)
    AND l.valid_from <= coalesce($3, statbus.today()) AND coalesce($3, statbus.today()) < l.valid_until
$location_hierarchy$;
COMMENT ON FUNCTION api.location_hierarchy(integer, integer, date) IS '{"location": [locations of a unit on a day]}';

CREATE OR REPLACE FUNCTION api.contact_hierarchy(parent_establishment_id integer, parent_legal_unit_id integer, valid_on date DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $contact_hierarchy$
    SELECT jsonb_build_object('contact', (
        SELECT to_jsonb(c) - 'valid_range' || api.data_source_hierarchy(c.data_source_id)
        FROM register.contact AS c
        WHERE (c.establishment_id = $1 OR c.legal_unit_id = $2)
        AND c.valid_from <= coalesce($3, statbus.today()) AND coalesce($3, statbus.today()) < c.valid_until))
$contact_hierarchy$;
COMMENT ON FUNCTION api.contact_hierarchy(integer, integer, date) IS '{"contact": how to reach a unit on a day, or null}';

CREATE OR REPLACE FUNCTION api.stat_for_unit_hierarchy(parent_establishment_id integer, parent_legal_unit_id integer, valid_on date DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $stat_for_unit_hierarchy$
    SELECT jsonb_build_object('stat_for_unit', coalesce(
        jsonb_agg(to_jsonb(s) - 'valid_range' || jsonb_build_object('stat_definition', to_jsonb(d)) || api.data_source_hierarchy(s.data_source_id)
                  ORDER BY d.priority, d.code), '[]'))
    FROM register.stat_for_unit AS s
    JOIN register.stat_definition AS d ON d.id = s.stat_definition_id
    WHERE (s.establishment_id = $1 OR s.legal_unit_id = $2)
    AND s.valid_from <= coalesce($3, statbus.today()) AND coalesce($3, statbus.today()) < s.valid_until
$stat_for_unit_hierarchy$;
COMMENT ON FUNCTION api.stat_for_unit_hierarchy(integer, integer, date) IS '{"stat_for_unit": [statistics of a unit on a day]}';

CREATE OR REPLACE FUNCTION api.tag_for_unit_hierarchy(
    parent_establishment_id integer DEFAULT NULL, parent_legal_unit_id integer DEFAULT NULL,
    parent_enterprise_id integer DEFAULT NULL, parent_power_group_id integer DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $tag_for_unit_hierarchy$
    SELECT jsonb_build_object('tag', coalesce(jsonb_agg(to_jsonb(t) ORDER BY t.path), '[]'))
    FROM register.tag_for_unit AS u
    JOIN register.tag AS t ON t.id = u.tag_id
    WHERE u.establishment_id = $1 OR u.legal_unit_id = $2 OR u.enterprise_id = $3 OR u.power_group_id = $4
$tag_for_unit_hierarchy$;
COMMENT ON FUNCTION api.tag_for_unit_hierarchy(integer, integer, integer, integer) IS '{"tag": [tags of one unit]}';

CREATE OR REPLACE FUNCTION api.notes_for_unit(
    parent_establishment_id integer DEFAULT NULL, parent_legal_unit_id integer DEFAULT NULL,
    parent_enterprise_id integer DEFAULT NULL, parent_power_group_id integer DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $notes_for_unit$
    SELECT jsonb_build_object('notes', (
        SELECT to_jsonb(n)
        FROM register.unit_notes AS n
        WHERE n.establishment_id = $1 OR n.legal_unit_id = $2 OR n.enterprise_id = $3 OR n.power_group_id = $4))
$notes_for_unit$;
COMMENT ON FUNCTION api.notes_for_unit(integer, integer, integer, integer) IS '{"notes": what the staff wrote about one unit, or null}';

CREATE OR REPLACE FUNCTION api.power_group_link(parent_legal_unit_id integer, parent_enterprise_id integer DEFAULT NULL, valid_on date DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $power_group_link$
    SELECT jsonb_build_object('power_group', coalesce(jsonb_agg(to_jsonb(g) ORDER BY g.ident), '[]'))
    FROM register.power_group AS g
    WHERE EXISTS (
        SELECT
        FROM register.legal_unit AS u
        JOIN register.legal_relationship AS r ON u.id IN (r.influencing_id, r.influenced_id)
        WHERE (u.id = $1 OR u.enterprise_id = $2)
        AND u.valid_from <= coalesce($3, statbus.today()) AND coalesce($3, statbus.today()) < u.valid_until
        AND r.derived_power_group_id = g.id
        AND r.valid_from <= coalesce($3, statbus.today()) AND coalesce($3, statbus.today()) < r.valid_until)
$power_group_link$;
COMMENT ON FUNCTION api.power_group_link(integer, integer, date) IS '{"power_group": [groups that a legal unit, or the legal units of an enterprise, belong to on a day]}';

-- units --------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION api.establishment_hierarchy(
    establishment_id integer DEFAULT NULL, parent_legal_unit_id integer DEFAULT NULL, parent_enterprise_id integer DEFAULT NULL,
    scope register.hierarchy_scope DEFAULT 'all', valid_on date DEFAULT NULL, primary_only boolean DEFAULT false)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $establishment_hierarchy$
    SELECT jsonb_build_object('establishment', coalesce(jsonb_agg(
        to_jsonb(e) - 'valid_range'
        || api.external_idents_hierarchy(parent_establishment_id => e.id)
        || api.activity_hierarchy(e.id, NULL, d.day)
        || api.location_hierarchy(e.id, NULL, d.day)
        || CASE WHEN $4 = 'tree' THEN '{}' ELSE
               api.stat_for_unit_hierarchy(e.id, NULL, d.day)
               || api.contact_hierarchy(e.id, NULL, d.day)
               || api.sector_hierarchy(e.sector_id)
               || api.unit_size_hierarchy(e.unit_size_id)
               || api.status_hierarchy(e.status_id)
               || api.data_source_hierarchy(e.data_source_id)
               || api.tag_for_unit_hierarchy(parent_establishment_id => e.id)
               || api.notes_for_unit(parent_establishment_id => e.id)
           END
        ORDER BY coalesce(e.primary_for_legal_unit, e.primary_for_enterprise) DESC, e.name, e.id), '[]'))
    FROM (SELECT coalesce($5, statbus.today()) AS day) AS d
    JOIN register.establishment AS e
        ON (e.id = $1 OR ($1 IS NULL AND e.legal_unit_id = $2) OR ($1 IS NULL AND e.enterprise_id = $3))
        AND e.valid_from <= d.day AND d.day < e.valid_until
    WHERE NOT coalesce($6, false) OR coalesce(e.primary_for_legal_unit, e.primary_for_enterprise)
$establishment_hierarchy$;
COMMENT ON FUNCTION api.establishment_hierarchy(integer, integer, integer, register.hierarchy_scope, date, boolean) IS
    '{"establishment": [one establishment, or those of a legal unit or an enterprise, on a day]}';

CREATE OR REPLACE FUNCTION api.legal_unit_hierarchy(
    legal_unit_id integer DEFAULT NULL, parent_enterprise_id integer DEFAULT NULL,
    scope register.hierarchy_scope DEFAULT 'all', valid_on date DEFAULT NULL, primary_only boolean DEFAULT false)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $legal_unit_hierarchy$
    SELECT jsonb_build_object('legal_unit', coalesce(jsonb_agg(
        to_jsonb(u) - 'valid_range'
        || api.external_idents_hierarchy(parent_legal_unit_id => u.id)
        || api.activity_hierarchy(NULL, u.id, d.day)
        || api.location_hierarchy(NULL, u.id, d.day)
        || CASE WHEN $3 = 'details' THEN '{}' ELSE
               api.establishment_hierarchy(NULL, u.id, NULL, $3, d.day, $5)
           END
        || CASE WHEN $3 = 'tree' THEN '{}' ELSE
               api.stat_for_unit_hierarchy(NULL, u.id, d.day)
               || api.contact_hierarchy(NULL, u.id, d.day)
               || api.sector_hierarchy(u.sector_id)
               || api.unit_size_hierarchy(u.unit_size_id)
               || api.status_hierarchy(u.status_id)
               || api.legal_form_hierarchy(u.legal_form_id)
               || api.foreign_participation_hierarchy(u.foreign_participation_id)
               || api.data_source_hierarchy(u.data_source_id)
               || api.tag_for_unit_hierarchy(parent_legal_unit_id => u.id)
               || api.notes_for_unit(parent_legal_unit_id => u.id)
               || api.power_group_link(u.id, NULL, d.day)
           END
        ORDER BY u.primary_for_enterprise DESC, u.name, u.id), '[]'))
    FROM (SELECT coalesce($4, statbus.today()) AS day) AS d
    JOIN register.legal_unit AS u
        ON (u.id = $1 OR ($1 IS NULL AND u.enterprise_id = $2))
        AND u.valid_from <= d.day AND d.day < u.valid_until
    WHERE NOT coalesce($5, false) OR u.primary_for_enterprise
$legal_unit_hierarchy$;
COMMENT ON FUNCTION api.legal_unit_hierarchy(integer, integer, register.hierarchy_scope, date, boolean) IS
    '{"legal_unit": [one legal unit, or those of an enterprise, on a day]}';

CREATE OR REPLACE FUNCTION api.enterprise_hierarchy(
    enterprise_id integer, scope register.hierarchy_scope DEFAULT 'all', valid_on date DEFAULT NULL, primary_only boolean DEFAULT false)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $enterprise_hierarchy$
    SELECT jsonb_build_object('enterprise', (
        SELECT to_jsonb(e)
            || api.external_idents_hierarchy(parent_enterprise_id => e.id)
            || CASE WHEN $2 = 'details' THEN '{}' ELSE
                   api.legal_unit_hierarchy(NULL, e.id, $2, d.day, $4)
                   || api.establishment_hierarchy(NULL, NULL, e.id, $2, d.day, $4)
               END
            || CASE WHEN $2 = 'tree' THEN '{}' ELSE
                   api.tag_for_unit_hierarchy(parent_enterprise_id => e.id)
                   || api.notes_for_unit(parent_enterprise_id => e.id)
                   || api.power_group_link(NULL, e.id, d.day)
               END
        FROM register.enterprise AS e
        CROSS JOIN (SELECT coalesce($3, statbus.today()) AS day) AS d
        WHERE e.id = $1))
$enterprise_hierarchy$;
COMMENT ON FUNCTION api.enterprise_hierarchy(integer, register.hierarchy_scope, date, boolean) IS '{"enterprise": one enterprise and, unless scope is details, its units on a day}';

CREATE OR REPLACE FUNCTION api.power_group_hierarchy(
    power_group_id integer, scope register.hierarchy_scope DEFAULT 'all', valid_on date DEFAULT NULL, primary_only boolean DEFAULT false)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $power_group_hierarchy$
    SELECT jsonb_build_object('power_group', (
        SELECT to_jsonb(g)
            || api.external_idents_hierarchy(parent_power_group_id => g.id)
            || CASE WHEN $2 = 'details' THEN '{}' ELSE
                   (SELECT jsonb_build_object('enterprise', coalesce(
                               jsonb_agg(api.enterprise_hierarchy(m.enterprise_id, $2, d.day, $4) -> 'enterprise' ORDER BY m.enterprise_id), '[]'))
                    FROM (SELECT DISTINCT u.enterprise_id
                          FROM register.legal_relationship AS r
                          JOIN register.legal_unit AS u ON u.id IN (r.influencing_id, r.influenced_id)
                          WHERE r.derived_power_group_id = g.id
                          AND r.valid_from <= d.day AND d.day < r.valid_until
                          AND u.valid_from <= d.day AND d.day < u.valid_until) AS m)
               END
            || CASE WHEN $2 = 'tree' THEN '{}' ELSE
                   api.tag_for_unit_hierarchy(parent_power_group_id => g.id)
                   || api.notes_for_unit(parent_power_group_id => g.id)
                   || api.unit_size_hierarchy(g.unit_size_id)
                   || api.data_source_hierarchy(g.data_source_id)
               END
        FROM register.power_group AS g
        CROSS JOIN (SELECT coalesce($3, statbus.today()) AS day) AS d
        WHERE g.id = $1))
$power_group_hierarchy$;
COMMENT ON FUNCTION api.power_group_hierarchy(integer, register.hierarchy_scope, date, boolean) IS '{"power_group": one power group and, unless scope is details, its enterprises on a day}';

-- about one unit -----------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION api.statistical_unit_enterprise_id(unit_type register.statistical_unit_type, unit_id integer, valid_on date DEFAULT NULL)
RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $statistical_unit_enterprise_id$
    SELECT CASE $1
        WHEN 'enterprise' THEN (SELECT e.id FROM register.enterprise AS e WHERE e.id = $2)
        WHEN 'legal_unit' THEN (
            SELECT u.enterprise_id FROM register.legal_unit AS u
            WHERE u.id = $2 AND u.valid_from <= d.day AND d.day < u.valid_until)
        WHEN 'establishment' THEN (
            SELECT coalesce(e.enterprise_id, u.enterprise_id)
            FROM register.establishment AS e
            LEFT JOIN register.legal_unit AS u ON u.id = e.legal_unit_id AND u.valid_from <= d.day AND d.day < u.valid_until
            WHERE e.id = $2 AND e.valid_from <= d.day AND d.day < e.valid_until)
        END
    FROM (SELECT coalesce($3, statbus.today()) AS day) AS d
$statistical_unit_enterprise_id$;
COMMENT ON FUNCTION api.statistical_unit_enterprise_id(register.statistical_unit_type, integer, date) IS
    'The enterprise of a unit on a day; NULL when the unit is not there on that day, and for power groups, which have many';

CREATE OR REPLACE FUNCTION api.statistical_unit_hierarchy(
    unit_type register.statistical_unit_type, unit_id integer, scope register.hierarchy_scope DEFAULT 'all', valid_on date DEFAULT NULL,
    strip_nulls boolean DEFAULT false, primary_only boolean DEFAULT false)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $statistical_unit_hierarchy$
    SELECT CASE WHEN $5 THEN jsonb_strip_nulls(h.hierarchy) ELSE h.hierarchy END
    FROM (SELECT CASE $1
              WHEN 'power_group' THEN api.power_group_hierarchy($2, $3, $4, $6)
              ELSE api.enterprise_hierarchy(api.statistical_unit_enterprise_id($1, $2, $4), $3, $4, $6)
          END AS hierarchy) AS h
$statistical_unit_hierarchy$;
COMMENT ON FUNCTION api.statistical_unit_hierarchy(register.statistical_unit_type, integer, register.hierarchy_scope, date, boolean, boolean) IS
    'The enterprise of a unit on a day with its legal units and establishments, as one object; scope: all, tree or details';

CREATE OR REPLACE FUNCTION api.statistical_unit_tree(unit_type register.statistical_unit_type, unit_id integer, valid_on date DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $statistical_unit_tree$
    SELECT api.statistical_unit_hierarchy($1, $2, 'tree', $3)
$statistical_unit_tree$;
COMMENT ON FUNCTION api.statistical_unit_tree(register.statistical_unit_type, integer, date) IS
    'The enterprise of a unit on a day with its units, their identifiers, activities and locations';

CREATE OR REPLACE FUNCTION api.statistical_unit_details(unit_type register.statistical_unit_type, unit_id integer, valid_on date DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $statistical_unit_details$
    SELECT CASE $1
        WHEN 'establishment' THEN api.establishment_hierarchy($2, NULL, NULL, 'details', $3)
        WHEN 'legal_unit' THEN api.legal_unit_hierarchy($2, NULL, 'details', $3)
        WHEN 'enterprise' THEN api.enterprise_hierarchy($2, 'details', $3)
        WHEN 'power_group' THEN api.power_group_hierarchy($2, 'details', $3)
    END
$statistical_unit_details$;
COMMENT ON FUNCTION api.statistical_unit_details(register.statistical_unit_type, integer, date) IS
    'Everything known of one unit on a day, without the units below it';

CREATE OR REPLACE FUNCTION api.relevant_statistical_units(unit_type register.statistical_unit_type, unit_id integer, valid_on date DEFAULT NULL)
RETURNS SETOF api.statistical_unit
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $relevant_statistical_units$
    WITH d AS (
        SELECT coalesce($3, statbus.today()) AS day
    ), top AS (
        SELECT u.unit_type, u.unit_id, u.related_enterprise_ids, u.related_legal_unit_ids, u.related_establishment_ids
        FROM d
        JOIN register.statistical_unit AS u ON u.valid_from <= d.day AND d.day < u.valid_until
        WHERE CASE $1 WHEN 'power_group' THEN u.unit_type = 'power_group' AND u.unit_id = $2
                      ELSE u.unit_type = 'enterprise' AND u.unit_id = api.statistical_unit_enterprise_id($1, $2, $3) END
    ), wanted AS (
        SELECT top.unit_type, top.unit_id FROM top
        UNION
        SELECT 'enterprise', unnest(top.related_enterprise_ids) FROM top
        UNION
        SELECT 'legal_unit', unnest(top.related_legal_unit_ids) FROM top
        UNION
        SELECT 'establishment', unnest(top.related_establishment_ids) FROM top
    )
    SELECT u.*
    FROM d
    CROSS JOIN wanted AS w
    JOIN api.statistical_unit AS u
        ON u.unit_type = w.unit_type AND u.unit_id = w.unit_id AND u.valid_from <= d.day AND d.day < u.valid_until
    ORDER BY u.unit_type DESC, u.unit_id
$relevant_statistical_units$;
COMMENT ON FUNCTION api.relevant_statistical_units(register.statistical_unit_type, integer, date) IS
    'The rows of statistical_unit of the same enterprise (of a power group: of its enterprises) on a day';

CREATE OR REPLACE FUNCTION api.statistical_unit_stats(unit_type register.statistical_unit_type, unit_id integer, valid_on date DEFAULT NULL)
RETURNS TABLE (
    unit_type register.statistical_unit_type, unit_id integer, valid_from date, valid_to date, stats jsonb, stats_summary jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $statistical_unit_stats$
    SELECT u.unit_type, u.unit_id, u.valid_from, u.valid_to, u.stats, u.stats_summary
    FROM api.relevant_statistical_units($1, $2, $3) AS u
    ORDER BY u.unit_type DESC, u.unit_id
$statistical_unit_stats$;
COMMENT ON FUNCTION api.statistical_unit_stats(register.statistical_unit_type, integer, date) IS
    'The statistics of all units of the same enterprise on a day';

CREATE OR REPLACE FUNCTION api.get_external_idents(unit_type register.statistical_unit_type, unit_id integer)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $get_external_idents$
    SELECT api.external_idents_hierarchy(
        CASE WHEN $1 = 'establishment' THEN $2 END, CASE WHEN $1 = 'legal_unit' THEN $2 END,
        CASE WHEN $1 = 'enterprise' THEN $2 END, CASE WHEN $1 = 'power_group' THEN $2 END) -> 'external_idents'
$get_external_idents$;
COMMENT ON FUNCTION api.get_external_idents(register.statistical_unit_type, integer) IS '{code of the type: identifier} of a unit';

CREATE OR REPLACE FUNCTION api.websearch_to_wildcard_tsquery(query text)
RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $websearch_to_wildcard_tsquery$
    -- In a tsquery's text every word stands in quotes, and a quote inside a word is doubled.
    SELECT regexp_replace(websearch_to_tsquery('pg_catalog.simple', query)::text, '''(?:[^'']|'''')*''', '\&:*', 'g')::tsquery
$websearch_to_wildcard_tsquery$;
COMMENT ON FUNCTION api.websearch_to_wildcard_tsquery(text) IS
    'Words as a user types them, as a query for the column search: every word is the beginning of a word';

-- progress -----------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION api.is_importing()
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $is_importing$
    SELECT jsonb_build_object(
        'active', count(*) > 0,
        'jobs', coalesce(jsonb_agg(jsonb_build_object(
            'id', j.id, 'slug', j.slug, 'state', j.state, 'total_rows', j.total_rows, 'imported_rows', j.imported_rows,
            'analysis_completed_pct', CASE j.state WHEN 'analysing_data' THEN import.analysis_pct(j.id, j.total_rows) ELSE j.analysis_completed_pct END,
            'import_completed_pct', j.import_completed_pct) ORDER BY j.priority, j.id), '[]'))
    FROM import.job AS j
    WHERE j.state IN ('upload_completed', 'preparing_data', 'analysing_data', 'approved', 'processing_data')
$is_importing$;
COMMENT ON FUNCTION api.is_importing() IS '{"active", "jobs"}: the import jobs that are under way';

CREATE OR REPLACE FUNCTION api.is_deriving_statistical_units()
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $is_deriving_statistical_units$
    SELECT jsonb_build_object('active', count(*) > 0, 'progress', coalesce(jsonb_agg(to_jsonb(o) ORDER BY o.command), '[]'))
    FROM statbus.open_tasks('{derive_statistical_unit}') AS o
$is_deriving_statistical_units$;
COMMENT ON FUNCTION api.is_deriving_statistical_units() IS '{"active", "progress"}: whether statistical_unit is behind the base tables';

CREATE OR REPLACE FUNCTION api.is_deriving_reports()
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $is_deriving_reports$
    SELECT jsonb_build_object('active', count(*) > 0, 'progress', coalesce(jsonb_agg(to_jsonb(o) ORDER BY o.command), '[]'))
    FROM statbus.open_tasks('{derive_reports}') AS o
$is_deriving_reports$;
COMMENT ON FUNCTION api.is_deriving_reports() IS '{"active", "progress"}: whether the reports are behind statistical_unit';

CREATE OR REPLACE FUNCTION api.get_import_job_progress(job_id integer)
RETURNS json
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $get_import_job_progress$
DECLARE
    job import.job;
    data_table regclass;
    row_states jsonb;
BEGIN
    SELECT j.* INTO job FROM import.job AS j WHERE j.id = get_import_job_progress.job_id;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    data_table := to_regclass(format('import.%I', job.data_table_name));
    -- How far a job is, everybody may know; its rows are its owner's.
    IF has_table_privilege(data_table, 'SELECT') THEN
        EXECUTE format('SELECT coalesce(jsonb_object_agg(s.state, s.count), ''{}'')
                        FROM (SELECT d.state, count(*) AS count FROM %s AS d GROUP BY d.state) AS s', data_table)
        INTO row_states;
    END IF;
    RETURN json_build_object(
        'job_id', job.id, 'slug', job.slug, 'state', job.state, 'total_rows', job.total_rows, 'imported_rows', job.imported_rows,
        'unchanged_rows', job.unchanged_rows, 'skipped_rows', job.skipped_rows,
        'error_count', job.error_count, 'warning_count', job.warning_count,
        'analysis_completed_pct', CASE job.state WHEN 'analysing_data' THEN import.analysis_pct(job.id, job.total_rows) ELSE job.analysis_completed_pct END,
        'analysis_rows_per_sec', job.analysis_rows_per_sec,
        'import_completed_pct', job.import_completed_pct, 'import_rows_per_sec', job.import_rows_per_sec,
        'undo_completed_pct', CASE job.state WHEN 'undoing' THEN (SELECT coalesce(max(r.rows) / 100.0, 0)::numeric(5, 2) FROM import.running() AS r WHERE r.job_id = job.id AND r.phase = 'undo')
                                             WHEN 'undone' THEN 100 END,
        'current_step_code', job.current_step_code, 'last_progress_update', job.last_progress_update, 'error', job.error,
        'row_states', row_states);
END
$get_import_job_progress$;
COMMENT ON FUNCTION api.get_import_job_progress(integer) IS 'How far an import job is; with its rows by state for those who may read them; null when there is no such job';

-- files --------------------------------------------------------------------------------------------------------------

DO $media_type$
BEGIN
    -- PostgREST takes a domain of this name for any media type.
    IF to_regtype('api."*/*"') IS NULL THEN
        CREATE DOMAIN api."*/*" AS bytea;
    END IF;
END
$media_type$;
COMMENT ON DOMAIN api."*/*" IS 'A file of any media type; the response says which';

CREATE OR REPLACE FUNCTION api.image_data(id integer)
RETURNS api."*/*"
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $image_data$
DECLARE
    picture record;
BEGIN
    SELECT i.data, i.type INTO picture FROM register.image AS i WHERE i.id = image_data.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'image % does not exist', image_data.id USING ERRCODE = 'PT404';
    END IF;
    PERFORM set_config('response.headers', jsonb_build_array(
        jsonb_build_object('Content-Type', picture.type),
        jsonb_build_object('Cache-Control', 'private, max-age=86400'),
        jsonb_build_object('X-Content-Type-Options', 'nosniff'))::text, true);
    RETURN picture.data;
END
$image_data$;
COMMENT ON FUNCTION api.image_data(integer) IS 'The bytes of a picture, with its media type';

-- actions ------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION api.delete_portion(
    table_name text, identity jsonb, valid_from date, valid_until date DEFAULT NULL, valid_to date DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $delete_portion$
DECLARE
    temporal_tables CONSTANT text[] := ARRAY[
        'legal_unit', 'establishment', 'activity', 'location', 'contact', 'stat_for_unit', 'person_for_unit',
        'legal_relationship', 'power_root'];
    end_day date;
BEGIN
    IF delete_portion.table_name IS NULL OR delete_portion.table_name <> ALL (temporal_tables) THEN
        RAISE EXCEPTION 'table "%" has no history', delete_portion.table_name
            USING ERRCODE = 'invalid_parameter_value', HINT = format('Tables with a history are %s.', array_to_string(temporal_tables, ', '));
    END IF;
    end_day := statbus.agreed_date(ARRAY[delete_portion.valid_until, delete_portion.valid_to + 1], 'The day after the last one');
    IF end_day IS NULL THEN
        RAISE EXCEPTION 'period has no last day'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give valid_to or valid_until; infinity for an open end.';
    END IF;
    PERFORM statbus.check_period(delete_portion.valid_from, end_day);
    RETURN temporal.delete_portion(format('register.%I', delete_portion.table_name)::regclass, delete_portion.identity,
                                   delete_portion.valid_from, end_day);
END
$delete_portion$;
COMMENT ON FUNCTION api.delete_portion(text, jsonb, date, date, date) IS
    'Takes a period out of the history of one unit or detail, identity {"id": …}; returns how many slices it had there';

-- Only the portion changes: before and after it, history stays as it was. The one that gives way goes first, so that there are
-- never two at a time; a period in which the unit belongs elsewhere is its own affair.
CREATE OR REPLACE FUNCTION api.set_primary_legal_unit_for_enterprise(
    legal_unit_id integer, valid_from_param date DEFAULT NULL, valid_to_param date DEFAULT 'infinity')
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $set_primary_legal_unit_for_enterprise$
DECLARE
    first_day CONSTANT date := coalesce(valid_from_param, statbus.today());
    end_day CONSTANT date := coalesce(valid_to_param, 'infinity') + 1;
    part record;
    demoted bigint := 0;
    promoted bigint := 0;
    changed bigint;
BEGIN
    PERFORM statbus.check_period(first_day, end_day);
    FOR part IN
        SELECT u.enterprise_id, greatest(u.valid_from, first_day) AS valid_from, least(u.valid_until, end_day) AS valid_until
        FROM register.legal_unit AS u
        WHERE u.id = set_primary_legal_unit_for_enterprise.legal_unit_id
        AND u.valid_from < end_day AND first_day < u.valid_until AND NOT u.primary_for_enterprise
        ORDER BY u.valid_from
    LOOP
        UPDATE api.legal_unit__for_portion_of_valid AS other
        SET primary_for_enterprise = false, valid_from = part.valid_from, valid_until = part.valid_until
        WHERE other.enterprise_id = part.enterprise_id AND other.primary_for_enterprise
        AND other.valid_from < part.valid_until AND part.valid_from < other.valid_until;
        GET DIAGNOSTICS changed = ROW_COUNT;
        demoted := demoted + changed;
        UPDATE api.legal_unit__for_portion_of_valid AS chosen
        SET primary_for_enterprise = true, valid_from = part.valid_from, valid_until = part.valid_until
        WHERE chosen.id = set_primary_legal_unit_for_enterprise.legal_unit_id
        AND chosen.valid_from < part.valid_until AND part.valid_from < chosen.valid_until;
        GET DIAGNOSTICS changed = ROW_COUNT;
        promoted := promoted + changed;
    END LOOP;
    RETURN jsonb_build_object('demoted', demoted, 'promoted', promoted);
END
$set_primary_legal_unit_for_enterprise$;
COMMENT ON FUNCTION api.set_primary_legal_unit_for_enterprise(integer, date, date) IS
    'Makes a legal unit the primary one of its enterprise for a period, from today when no first day is given';

CREATE OR REPLACE FUNCTION api.set_primary_establishment_for_legal_unit(
    establishment_id integer, valid_from_param date DEFAULT NULL, valid_to_param date DEFAULT 'infinity')
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $set_primary_establishment_for_legal_unit$
DECLARE
    first_day CONSTANT date := coalesce(valid_from_param, statbus.today());
    end_day CONSTANT date := coalesce(valid_to_param, 'infinity') + 1;
    part record;
    demoted bigint := 0;
    promoted bigint := 0;
    changed bigint;
BEGIN
    PERFORM statbus.check_period(first_day, end_day);
    FOR part IN
        SELECT e.legal_unit_id, greatest(e.valid_from, first_day) AS valid_from, least(e.valid_until, end_day) AS valid_until
        FROM register.establishment AS e
        WHERE e.id = set_primary_establishment_for_legal_unit.establishment_id AND e.legal_unit_id IS NOT NULL
        AND e.valid_from < end_day AND first_day < e.valid_until AND NOT e.primary_for_legal_unit
        ORDER BY e.valid_from
    LOOP
        UPDATE api.establishment__for_portion_of_valid AS other
        SET primary_for_legal_unit = false, valid_from = part.valid_from, valid_until = part.valid_until
        WHERE other.legal_unit_id = part.legal_unit_id AND other.primary_for_legal_unit
        AND other.valid_from < part.valid_until AND part.valid_from < other.valid_until;
        GET DIAGNOSTICS changed = ROW_COUNT;
        demoted := demoted + changed;
        UPDATE api.establishment__for_portion_of_valid AS chosen
        SET primary_for_legal_unit = true, valid_from = part.valid_from, valid_until = part.valid_until
        WHERE chosen.id = set_primary_establishment_for_legal_unit.establishment_id
        AND chosen.valid_from < part.valid_until AND part.valid_from < chosen.valid_until;
        GET DIAGNOSTICS changed = ROW_COUNT;
        promoted := promoted + changed;
    END LOOP;
    RETURN jsonb_build_object('demoted', demoted, 'promoted', promoted);
END
$set_primary_establishment_for_legal_unit$;
COMMENT ON FUNCTION api.set_primary_establishment_for_legal_unit(integer, date, date) IS
    'Makes an establishment the primary one of its legal unit for a period, from today when no first day is given';

-- rights -------------------------------------------------------------------------------------------------------------
-- Of every function above: nobody but signed-in users; what they may see or do is decided where the functions read and write.
DO $rights$
DECLARE
    named text;
    routine regprocedure;
BEGIN
    FOREACH named IN ARRAY ARRAY[
        'activity_category_hierarchy', 'external_idents_hierarchy', 'activity_hierarchy', 'location_hierarchy', 'contact_hierarchy',
        'stat_for_unit_hierarchy', 'tag_for_unit_hierarchy', 'notes_for_unit', 'power_group_link', 'establishment_hierarchy',
        'legal_unit_hierarchy', 'enterprise_hierarchy', 'power_group_hierarchy', 'statistical_unit_enterprise_id',
        'statistical_unit_hierarchy', 'statistical_unit_tree', 'statistical_unit_details', 'relevant_statistical_units',
        'statistical_unit_stats', 'get_external_idents', 'websearch_to_wildcard_tsquery', 'is_importing',
        'is_deriving_statistical_units', 'is_deriving_reports', 'get_import_job_progress', 'image_data', 'delete_portion',
        'set_primary_legal_unit_for_enterprise', 'set_primary_establishment_for_legal_unit'
    ] LOOP
        routine := format('api.%I', named)::regproc::regprocedure;
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', routine);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO authenticated', routine);
    END LOOP;
END
$rights$;

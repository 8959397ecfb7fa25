-- Analysis of a job (import_analyse.sql): what a column of its file holds, and the code list it is bound to. What is judged of
-- a cell is in src/import_cell*.c.

-- SQL text of a code list: code, id, enabled, is_leaf, and when it is in force: valid_from, valid_until, successor_code. One row
-- per code, an enabled row before a disabled one; of regions one row per code and edition. An edition is in force from the end of
-- the one before, to its own end or, of the last one, for ever; is_preferred is that of the settings. Editions without regions do not count.
-- names are what else the code may be meant by.
CREATE OR REPLACE FUNCTION import.code_list_sql(list text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $code_list_sql$
    SELECT format('(SELECT DISTINCT ON (l.code, l.edition) l.code, l.id, l.enabled, l.is_leaf, l.valid_from, l.valid_until, l.successor_code, l.is_preferred, l.names
            FROM (%s) AS l (code, id, enabled, is_leaf, valid_from, valid_until, successor_code, names, is_preferred, edition)
            WHERE l.code IS NOT NULL ORDER BY l.code, l.edition, l.enabled DESC, l.id)',
        CASE list
            WHEN 'country' THEN 'SELECT c.iso_2, c.id, c.enabled, true, c.valid_from, c.valid_until, c.successor_code, ARRAY[c.name, c.iso_3] || c.aliases, true, 0 FROM register.country AS c'
            WHEN 'region' THEN 'SELECT c.code, c.id, true, true, greatest(c.valid_from, e.valid_from), least(c.valid_until, e.valid_until), c.successor_code,
                    ARRAY[c.name], c.version_id IS NOT DISTINCT FROM (SELECT s.region_version_id FROM register.settings AS s), c.version_id
                FROM register.region AS c
                JOIN (SELECT v.id, lag(v.lasts_to) OVER (ORDER BY v.lasts_to) + 1, CASE WHEN lead(v.id) OVER (ORDER BY v.lasts_to) IS NOT NULL THEN v.lasts_to + 1 END
                      FROM register.region_version AS v
                      WHERE v.enabled AND EXISTS (SELECT FROM register.region AS x WHERE x.version_id = v.id)) AS e (id, valid_from, valid_until) ON e.id = c.version_id'
            WHEN 'tag' THEN 'SELECT c.path::text, c.id, c.enabled, true, NULL::date, NULL::date, NULL::text, ARRAY[c.name]::text[], true, 0 FROM register.tag AS c'
            WHEN 'legal_rel_type' THEN 'SELECT c.code, c.id, c.enabled, true, NULL::date, NULL::date, NULL::text, ARRAY[c.name], true, 0 FROM register.legal_rel_type AS c'
            WHEN 'activity_category' THEN 'SELECT c.code, c.id, c.enabled,
                    NOT EXISTS (SELECT FROM register.activity_category AS x WHERE x.parent_id = c.id AND x.enabled),
                    c.valid_from, c.valid_until, c.successor_code, ARRAY[c.name]::text[], true, 0
                FROM register.activity_category AS c
                WHERE c.standard_id = (SELECT s.activity_category_standard_id FROM register.settings AS s)'
            ELSE format('SELECT c.code, c.id, c.enabled, true, c.valid_from, c.valid_until, c.successor_code, ARRAY[c.name]::text[], true, 0 FROM register.%I AS c', list)
        END)
$code_list_sql$;
COMMENT ON FUNCTION import.code_list_sql(text) IS 'SQL text of a subquery that gives the codes of a code list';
REVOKE ALL ON FUNCTION import.code_list_sql(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.code_list_sql(text) TO authenticated;

-- Which code list the values of a data column are of; NULL: none.
CREATE OR REPLACE FUNCTION import.code_list_of_column(column_name text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $code_list_of_column$
    SELECT CASE
        WHEN column_name LIKE '%region\_code\_raw' THEN 'region'
        WHEN column_name LIKE '%country\_iso\_2\_raw' THEN 'country'
        WHEN column_name LIKE '%activity\_category\_code\_raw' THEN 'activity_category'
        WHEN column_name = 'tag_path_raw' THEN 'tag'
        WHEN column_name = 'rel_type_code_raw' THEN 'legal_rel_type'
        WHEN column_name IN ('data_source_code_raw', 'status_code_raw', 'sector_code_raw', 'unit_size_code_raw', 'legal_form_code_raw')
            THEN replace(column_name, '_code_raw', '')
    END
$code_list_of_column$;
COMMENT ON FUNCTION import.code_list_of_column(text) IS 'The code list that a column of the data table is bound to; NULL when to none';
REVOKE ALL ON FUNCTION import.code_list_of_column(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.code_list_of_column(text) TO authenticated;

-- What each column of a job's file holds, which code list it is bound to, and which column of the data table gets what its
-- cells come to. judged: before, by the second stage.
CREATE OR REPLACE FUNCTION import.cell_columns(definition_snapshot jsonb)
RETURNS TABLE (column_name text, kind text, code_list text, target_column text, length_limit integer, place bigint)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $cell_columns$
    SELECT p.column_name, k.kind, l.list,
           CASE WHEN l.list IN ('country', 'region') THEN regexp_replace(n.name, '(country_iso_2|region_code)$', l.list || '_id')
                WHEN l.list = 'activity_category' THEN replace(n.name, '_code', '_id')
                WHEN l.list = 'tag' THEN 'tag_id'
                WHEN l.list = 'legal_rel_type' THEN 'type_id'
                WHEN l.list IS NOT NULL THEN l.list || '_id'
                WHEN k.kind NOT IN ('judged', 'postal_coordinate') THEN n.name END,
           CASE WHEN k.kind = 'text' THEN substring(p.target_pg_type FROM '\((\d+)\)')::integer END,
           p.place
    FROM import.plan_column(definition_snapshot) AS p
    CROSS JOIN LATERAL (SELECT left(p.column_name, -4) AS name) AS n
    CROSS JOIN LATERAL (SELECT CASE WHEN p.external_ident_type_id IS NULL AND p.stat_definition_id IS NULL
                                    THEN import.code_list_of_column(p.column_name) END AS list) AS l
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN l.list IS NOT NULL THEN 'code'
            WHEN p.step_code IN ('valid_time', 'external_idents', 'link_establishment_to_legal_unit')
                OR n.name IN ('influencing_tax_ident', 'influenced_tax_ident') THEN 'judged'
            WHEN n.name IN ('birth_date', 'death_date') THEN 'date'
            WHEN p.stat_definition_id IS NOT NULL AND p.target_pg_type <> 'text' THEN p.target_pg_type
            WHEN n.name ~ '_(latitude|longitude|altitude)$' AND n.name LIKE 'postal\_%' THEN 'postal_coordinate'
            WHEN n.name ~ '_(latitude|longitude|altitude)$' THEN substring(n.name FROM '[a-z]+$')
            WHEN n.name = 'percentage' THEN 'percentage'
            ELSE 'text' END AS kind) AS k
    WHERE p.purpose = 'source_input'
$cell_columns$;
COMMENT ON FUNCTION import.cell_columns(jsonb) IS 'The columns of a job''s file by its definition snapshot: what they hold and what is made of them';
REVOKE ALL ON FUNCTION import.cell_columns(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.cell_columns(jsonb) TO authenticated;

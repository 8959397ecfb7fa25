-- The cells stage against its oracle: files of every kind of unit with every fault in every column, and at random.
CREATE DATABASE regress_import_cells TEMPLATE contrib_regression;
\c regress_import_cells
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql
\set oracle :top '/test/import/oracle.sql'
\set stages :top '/test/import/oracle_stages.sql'
\set damage :top '/test/import/damage.sql'
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
SET timezone = 'UTC';
\set ECHO none
\i :oracle
\i :stages
\i :damage
\set ECHO all
INSERT INTO register.region (version_id, path, name)
SELECT v.id, r.path::ltree, r.name
FROM register.region_version AS v, (VALUES ('03', 'Oslo'), ('11', 'Rogaland'), ('11.03', 'Stavanger')) AS r (path, name) WHERE v.code = 'initial';
INSERT INTO register.tag (path, name) VALUES ('census', 'Census'), ('census.deep_one', 'Below'), ('Y2024', 'Capital');
INSERT INTO register.tag (path, name, enabled) VALUES ('closed', 'Closed', false);
INSERT INTO register.stat_definition (code, type, frequency, name) VALUES ('remark', 'string', 'yearly', 'Remark'), ('exports', 'bool', 'yearly', 'Exports'), ('profit', 'float', 'yearly', 'Profit');
INSERT INTO register.external_ident_type (code, name, shape, labels) VALUES ('census_ident', 'Census', 'hierarchical', 'census.region.unit');
-- Of each list a code that is disabled, and one that is both.
INSERT INTO register.unit_size (code, name, enabled) VALUES ('old', 'No longer used', false), ('sml', 'Small once', false);
INSERT INTO register.status (code, name, enabled) VALUES ('old', 'No longer used', false), ('active', 'Active once', false);
INSERT INTO register.data_source (code, name, enabled) VALUES ('old', 'No longer used', false), ('nlr', 'Once', false);
INSERT INTO register.legal_form (code, name, enabled) VALUES ('old', 'No longer used', false);
INSERT INTO register.legal_rel_type (code, name, enabled, primary_influencer_only) VALUES ('old', 'No longer used', false, false);
UPDATE register.sector SET enabled = false WHERE code = '1110';
UPDATE register.country SET enabled = false WHERE iso_2 IN ('AQ', 'BV');
UPDATE register.activity_category SET enabled = false WHERE code IN ('01.11', '01.12');
ANALYZE;

-- Units that the files know: L1 to L40, and E1 to E20.
CREATE PROCEDURE public.found(job_slug text, definition text, cells text)
LANGUAGE plpgsql AS $found$
BEGIN
    INSERT INTO import.job (slug, definition_id, review) SELECT job_slug, d.id, false FROM import.definition AS d WHERE d.slug = definition;
    EXECUTE format('INSERT INTO import.%I (%s) SELECT %s', job_slug || '_upload', split_part(cells, ':', 1), split_part(cells, ':', 2));
    COMMIT;
    CALL worker.process_tasks();
END
$found$;
CALL found('legal_units', 'legal_unit_source_dates', $$tax_ident,name,valid_from,valid_to,physical_region_code,status_code:'L' || i, 'Known ' || i, '2015-01-01', CASE WHEN i % 4 = 0 THEN '2019-12-31' ELSE 'infinity' END, '03', 'passive' FROM generate_series(1, 40) AS i$$);
CALL found('establishments', 'establishment_for_lu_source_dates', $$tax_ident,legal_unit_tax_ident,name,valid_from,valid_to,physical_region_code:'E' || i, 'L' || i, 'Site ' || i, '2016-01-01', '2019-12-31', '03' FROM generate_series(1, 20) AS i$$);
CALL found('relations', 'legal_relationship_source_dates', $$influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage,valid_from,valid_to:'L' || i, 'L' || 1 + i, 'ownership', '10', '2015-01-01', '2019-12-31' FROM generate_series(1, 20) AS i$$);
SELECT j.slug, j.state, j.imported_rows FROM import.job AS j ORDER BY j.id;
-- Codes that came and went, and regions of an edition before: one that is in both, one whose code was given to another, two that were replaced.
UPDATE register.activity_category SET valid_until = '2020-06-01', successor_code = '01.13' WHERE code = '01.14';
UPDATE register.activity_category SET valid_from = '2020-01-01', valid_until = '2021-01-01', successor_code = '01.14' WHERE code = '01.15';
UPDATE register.activity_category SET valid_until = '2012-01-01', successor_code = '01.15' WHERE code = '01.16';
UPDATE register.legal_form SET valid_until = '2019-01-01', successor_code = 'nowhere' WHERE id IN (SELECT f.id FROM register.legal_form AS f WHERE f.enabled ORDER BY f.code LIMIT 2);
UPDATE register.sector SET valid_from = '2021-01-01' WHERE id IN (SELECT f.id FROM register.sector AS f WHERE f.enabled AND f.code IS NOT NULL ORDER BY f.code LIMIT 2);
UPDATE register.unit_size SET valid_until = '2015-01-01', successor_code = 'med' WHERE code = 'sml' AND enabled;
UPDATE register.data_source SET valid_until = '2020-02-01' WHERE code = 'survey';
UPDATE register.status SET valid_from = '2022-01-01' WHERE code = 'passive';
UPDATE register.country SET valid_until = '1991-12-27', successor_code = 'SE' WHERE iso_2 = 'AX';
INSERT INTO register.region_version (code, name, lasts_to) VALUES ('before', 'Before', '2017-12-31');
INSERT INTO register.region (version_id, path, name, valid_until, successor_code)
SELECT v.id, r.path::ltree, r.name, r.valid_until, r.successor
FROM register.region_version AS v, (VALUES ('03', 'Oslo', NULL::date, NULL), ('07', 'Vestfold', NULL, '11'), ('08', 'Telemark', '2010-06-01', '07'), ('11', 'Another', NULL, NULL)) AS r (path, name, valid_until, successor)
WHERE v.code = 'before';
CALL import_oracle.add_codes();

-- Every kind of unit, every fault in every column.
CALL import_oracle.run('units_1', 'legal_unit_source_dates', '{}', 250, '.');
CALL import_oracle.run('units_2', 'legal_unit_job_provided', '{"strategy": "insert_or_replace", "date_formats": ["DD.MM.YYYY", "YYYY-MM-DD", "MM/DD/YYYY"], "decimal_mark": ",", "thousands": ".", "true_words": ["ja", "ДА", "1"], "false_words": ["nei", "нет", "0"], "truncate_overlong": true, "edit_comment": "of the job"}', 250, '.',
    '{"datestyle": "SQL, DMY", "timezone": "Asia/Tokyo", "lc_numeric": "C", "lc_monetary": "C", "lc_time": "C", "lc_messages": "C", "extra_float_digits": "-15", "intervalstyle": "sql_standard", "bytea_output": "escape"}');
CALL import_oracle.run('formal_1', 'establishment_for_lu_source_dates', '{"date_formats": ["D.M.YYYY", "YYYYMMDD"], "thousands": " "}', 250, 'date|integer|numeric|coordinate|boolean', '{"datestyle": "German", "timezone": "America/St_Johns"}');
CALL import_oracle.run('informal_1', 'establishment_without_lu_source_dates', '{"date_formats": ["DD/MM/YYYY", "MM/DD/YYYY", "YYYY/MM/DD"], "decimal_mark": ",", "thousands": "''"}', 250, 'date|integer|numeric|coordinate|address|sector|activity', '{"datestyle": "Postgres, MDY", "timezone": "Pacific/Apia", "search_path": "public"}');
CALL import_oracle.run('statistics_1', 'generic_unit_stats_update_source_dates', '{"thousands": ","}', 250, '.', '{"work_mem": "64kB"}');
CALL import_oracle.run('relations_1', 'legal_relationship_source_dates', '{}', 250, '.');
-- What else a job may be: other strategies, small batches, no default, columns without a source, steps left out.
CALL import_oracle.run('units_3', 'legal_unit_source_dates', '{"strategy": "update_only", "processing_batch_size": 7}', 150, NULL);
CALL import_oracle.run('units_4', 'legal_unit_source_dates', '{"strategy": "insert_only", "edit_comment": "new ones", "truncate_overlong": true}', 150, NULL);
CALL import_oracle.run('units_5', 'legal_unit_source_dates', '{"strategy": "replace_only"}', 150, NULL);
CALL import_oracle.run('formal_2', 'establishment_for_lu_job_provided', '{"strategy": "replace_only", "truncate_overlong": true}', 150, NULL);
CALL import_oracle.run('informal_2', 'establishment_without_lu_job_provided', '{"strategy": "update_only"}', 150, NULL);
CALL import_oracle.run('statistics_2', 'generic_unit_stats_update_job_provided', '{"strategy": "update_only"}', 150, NULL);
CALL import_oracle.run('relations_2', 'legal_relationship_job_provided', '{"strategy": "insert_only", "decimal_mark": ",", "thousands": " "}', 150, NULL);
CALL import_oracle.run('norway_1', 'brreg_hovedenhet', '{}', 150, NULL);
CALL import_oracle.run('norway_2', 'brreg_underenhet', '{"strategy": "insert_or_update"}', 150, NULL);
UPDATE register.status SET assigned_by_default = false;
CALL import_oracle.run('no_status', 'legal_unit_source_dates', '{"strategy": "insert_or_replace"}', 150, NULL);
UPDATE register.status SET assigned_by_default = true WHERE code = 'active' AND enabled;

-- A definition of few steps, and shares that are all fractions.
INSERT INTO import.definition (slug, name, mode, strategy, valid_time_from, unique_units, data_source_id)
SELECT 'few', 'Few', 'legal_unit', 'insert_or_replace', 'source_columns', false, s.id FROM register.data_source AS s WHERE s.code = 'nlr' AND s.enabled;
INSERT INTO import.definition_step (definition_id, step_id)
SELECT d.id, s.id FROM import.definition AS d, import.step AS s
WHERE d.slug = 'few' AND s.code IN ('valid_time', 'external_idents', 'enterprise_link_for_legal_unit', 'legal_unit', 'postal_location', 'secondary_activity', 'edit_info', 'metadata');
INSERT INTO import.source_column (definition_id, column_name, priority)
SELECT d.id, h.name, h.place FROM import.definition AS d,
    unnest('{tax_ident,valid_from,valid_to,name,death_date,postal_address_part1,postal_country_iso_2,postal_latitude,secondary_activity_category_code,edit_comment}'::text[]) WITH ORDINALITY AS h (name, place) WHERE d.slug = 'few';
INSERT INTO import.mapping (definition_id, source_column_id, target_data_column_id)
SELECT h.definition_id, h.id, c.id FROM import.definition AS d JOIN import.source_column AS h ON h.definition_id = d.id
JOIN import.definition_step AS ds ON ds.definition_id = d.id JOIN import.data_column AS c ON c.step_id = ds.step_id AND c.column_name = h.column_name || '_raw' WHERE d.slug = 'few';
SELECT d.valid, d.validation_error FROM import.definition AS d WHERE d.slug = 'few';
CALL import_oracle.run('few_1', 'few', '{"edit_comment": "of the job"}', 150, '.');
UPDATE import_oracle.fault SET kind = 'former ' || kind WHERE kind IN ('coordinate', 'legal_rel_type');
INSERT INTO import_oracle.fault (kind, value) SELECT 'coordinate', unnest('{0,0.5,1,1.0,0.123,-0.5,1.000000,x,-3}'::text[]);
CALL import_oracle.run('fractions', 'legal_relationship_source_dates', '{}', 0, '.');
DELETE FROM import_oracle.fault WHERE kind = 'coordinate';
UPDATE import_oracle.fault SET kind = replace(kind, 'former ', '') WHERE kind LIKE 'former %';

-- Relationships that hit each other and the register: the same ends, types of one influencer at a time, shares, circles, other kinds of units, unknown ones.
CREATE PROCEDURE public.relate(job_slug text, strategy text, row_count integer, legal_units integer, settings jsonb DEFAULT '{}')
LANGUAGE plpgsql AS $relate$
BEGIN
    UPDATE import.definition AS d SET strategy = relate.strategy::import.strategy WHERE d.slug = 'legal_relationship_source_dates';
    INSERT INTO import.job (slug, definition_id, processing_batch_size, unique_units) SELECT job_slug, d.id, 7, job_slug = 'related_2' FROM import.definition AS d WHERE d.slug = 'legal_relationship_source_dates';
    PERFORM setseed((hashtext(job_slug) % 1000) / 1000.0);
    EXECUTE format($sql$
        WITH r AS MATERIALIZED (
        SELECT CASE WHEN r.p < 0.96 THEN 'L' || r.x WHEN r.p < 0.98 THEN 'E' || r.x WHEN r.p < 0.99 THEN 'X' || r.x END,
               CASE WHEN r.q < 0.96 THEN 'L' || r.y WHEN r.q < 0.98 THEN 'E' || r.y WHEN r.q < 0.99 THEN 'X' || r.y END,
               r.code, CASE WHEN r.s < 0.9 THEN round((r.s * 80)::numeric, 3)::text WHEN r.s < 0.96 THEN (ARRAY['100', '0', '150', '-5', '100.004', '100.005', '0.004', 'x'])[1 + floor(r.s * 800)::integer %% 8] END,
               to_char(r.day, 'YYYY-MM-DD'), CASE WHEN r.t < 0.3 THEN 'infinity' ELSE to_char(r.day + (r.t * 900 - 300)::integer, 'YYYY-MM-DD') END
        FROM (SELECT random() AS p, random() AS q, random() AS s, random() AS t, b.x, CASE WHEN random() < 0.2 THEN b.x + 1 ELSE 1 + floor(random() * $2)::integer END AS y,
                     (SELECT t.code FROM register.legal_rel_type AS t WHERE b.i > 0 ORDER BY random() LIMIT 1) AS code, DATE '2014-11-01' + (random() * 1700)::integer AS day
              FROM (SELECT g.i, 1 + floor(random() * $2)::integer AS x FROM generate_series(1, $1) AS g (i) OFFSET 0) AS b OFFSET 0) AS r)
        INSERT INTO import.%I (influencing_tax_ident, influenced_tax_ident, rel_type_code, percentage, valid_from, valid_to)
        SELECT r.* FROM r UNION ALL (SELECT r.* FROM r LIMIT 9)$sql$, job_slug || '_upload') USING row_count, legal_units;
    CALL import_oracle.compare(job_slug, settings);
END
$relate$;
CALL relate('related_1', 'insert_or_update', 300, 12);
CALL relate('related_2', 'insert_or_replace', 300, 40, '{"work_mem": "64kB", "datestyle": "German", "timezone": "Pacific/Apia"}');
CALL relate('related_3', 'insert_only', 200, 30);
CALL relate('related_4', 'update_only', 200, 20);
CALL relate('related_5', 'replace_only', 60, 6);
UPDATE import.definition AS d SET strategy = 'insert_or_update' WHERE d.slug = 'legal_relationship_source_dates';
SELECT f.finding ->> 'severity' AS severity, f.finding ->> 'code' AS code, count(*), count(DISTINCT r.job) AS jobs
FROM import_oracle.result AS r, jsonb_array_elements(r.findings) AS f (finding) WHERE r.job LIKE 'related\_%' GROUP BY 1, 2 ORDER BY 1, 2;

-- Nothing differs.
SELECT d.job, d.what, count(*), min(d.row_id) AS first FROM import_oracle.difference AS d GROUP BY d.job, d.what ORDER BY d.job, d.what;
SELECT d.job, d.row_id, d.what, left(d.expected, 600) AS expected, left(d.got, 600) AS got FROM import_oracle.difference AS d ORDER BY d.job, d.row_id, d.what LIMIT 20;
SELECT count(DISTINCT r.job) AS jobs, count(*) AS rows, count(*) FILTER (WHERE r.cells ->> 'state' = 'error') AS errors, count(*) FILTER (WHERE r.cells ->> 'action' = 'skip' AND r.cells ->> 'state' = 'analysed') AS skipped,
       count(*) FILTER (WHERE r.cells ->> 'action' = 'use' AND r.findings <> '[]') AS used_with_remarks, count(*) FILTER (WHERE r.findings = '[]') AS silent FROM import_oracle.result AS r;

-- No case is silently absent: every fault stood in a file, every finding that the stage knows was said, every value was there and was not.
SELECT f.kind, count(DISTINCT f.value) AS faults, count(DISTINCT f.value) FILTER (WHERE s.value IS NULL) AS absent, count(DISTINCT s.column_name) AS columns, count(s.value) AS cells
FROM import_oracle.fault AS f LEFT JOIN import_oracle.single AS s ON s.kind = f.kind AND s.value = f.value GROUP BY f.kind ORDER BY f.kind;
SELECT k.severity, k.code
FROM (SELECT m[1] AS severity, m[2] AS code FROM regexp_matches(pg_get_functiondef('import_oracle.analyse_cells(integer)'::regprocedure), 'finding_sql\(''(\w+)'', ''(\w+)''', 'g') AS m
      UNION
      SELECT 'error', unnest('{date_format,date_not_in_calendar,date_ambiguous,date_out_of_range,date_incomplete,not_a_number,not_whole,number_too_big,number_scientific,number_format,grouping,percentage_range,coordinate_range}'::text[])) AS k
WHERE NOT EXISTS (SELECT FROM import_oracle.result AS r WHERE r.findings @> jsonb_build_array(jsonb_build_object('severity', k.severity, 'code', k.code)))
ORDER BY k.severity, k.code;
SELECT c.key AS column, count(*) FILTER (WHERE c.value = 'null') AS empty, count(*) FILTER (WHERE c.value <> 'null') AS filled
FROM import_oracle.result AS r, jsonb_each(r.cells) AS c WHERE c.key NOT LIKE '%\_raw'
GROUP BY c.key HAVING count(*) FILTER (WHERE c.value = 'null') = 0 OR count(*) FILTER (WHERE c.value <> 'null') = 0 ORDER BY c.key;

-- A finding of this stage names the line and the cell as it is in the file.
SELECT f.finding ->> 'code' AS code, count(*) AS wrong
FROM import_oracle.result AS r, jsonb_array_elements(r.findings) AS f (finding)
WHERE (r.cells ->> 'source_line')::bigint <> r.row_id + 1
   OR f.finding ? 'value' AND f.finding ->> 'code' NOT IN ('ident_normalised', 'period_gap', 'period_overlap_equal', 'period_overlap_conflict', 'ident_conflict', 'link_conflict', 'unit_type_conflict', 'reference_missing', 'reference_not_valid_then')
      AND f.finding ->> 'value' IS DISTINCT FROM r.cells ->> ((f.finding ->> 'column') || '_raw')
GROUP BY 1 ORDER BY 1;
-- What is said of each fault, of how many of its cells, by the definitions with dates as YYYY-MM-DD and numbers with a point.
CREATE FUNCTION public.shown(value text) RETURNS text LANGUAGE sql IMMUTABLE AS $shown$
    SELECT CASE WHEN length(value) > 48 THEN shown(left(value, 16)) || '...' || length(value) ELSE
        (SELECT string_agg(CASE WHEN c ~ '^[ -~]$' AND c NOT IN ('\', '|') THEN c ELSE '\' || lpad(upper(to_hex(ascii(c))), greatest(4, length(to_hex(ascii(c)))), '0') END, '' ORDER BY n) FROM regexp_split_to_table(value, '') WITH ORDINALITY AS t (c, n)) END
$shown$;
SELECT w.kind, shown(w.value) AS value, w.cells, coalesce(string_agg(format('%s %s%s', w.severity, w.code, CASE WHEN w.said < w.cells THEN ' ' || w.said END), ', ' ORDER BY w.severity, w.code) FILTER (WHERE w.code IS NOT NULL), '-') AS said
FROM (SELECT s.kind, s.value, f.finding ->> 'severity' AS severity, f.finding ->> 'code' AS code, count(DISTINCT (s.job, s.row_id)) AS said,
             (SELECT count(*) FROM import_oracle.single AS x WHERE x.job = s.job AND x.kind = s.kind AND x.value = s.value) AS cells,
             (SELECT min(y.place) FROM import_oracle.fault AS y WHERE y.kind = s.kind AND y.value = s.value) AS place
      FROM import_oracle.single AS s
      JOIN import_oracle.result AS r ON r.job = s.job AND r.row_id = s.row_id
      LEFT JOIN LATERAL jsonb_array_elements(r.findings) AS f (finding) ON f.finding ->> 'column' = left(s.column_name, -4)
      WHERE (s.job = 'units_1' OR s.job = 'relations_1' AND s.kind = 'legal_rel_type')
      AND (s.kind NOT IN ('address', 'email', 'coordinate') OR NOT EXISTS (SELECT FROM import_oracle.fault AS y WHERE y.kind IN ('text', 'numeric') AND y.value = s.value))
      GROUP BY s.job, s.kind, s.value, 3, 4) AS w
GROUP BY w.kind, w.value, w.cells
ORDER BY w.kind, min(w.place);
-- One example of each finding, whole.
SELECT e.job, e.finding ->> 'severity' AS severity, e.finding ->> 'code' AS code, e.finding ->> 'column' AS column, shown(e.finding ->> 'value') AS value, e.finding -> 'details' AS details
FROM (
SELECT DISTINCT ON (f.finding ->> 'code', f.finding ->> 'severity') r.job, f.finding
FROM import_oracle.result AS r, jsonb_array_elements(r.findings) AS f (finding)
WHERE NOT f.finding ?| '{row}' AND NOT coalesce(f.finding -> 'details' ?| '{row,rows,legal_unit_id,establishment_id,legal_relationship_id}', false)
ORDER BY f.finding ->> 'code', f.finding ->> 'severity', f.finding -> 'details' IS NULL, r.job, length(f.finding::text), f.finding::text COLLATE "C") AS e
ORDER BY e.finding ->> 'code', e.finding ->> 'severity';

-- The whole analysis keeps what the stage found.
TRUNCATE import.units_1_data;
SELECT import.analyse(j.id) FROM import.job AS j WHERE j.slug = 'units_1';
SELECT count(*) AS rows, count(*) FILTER (WHERE import_oracle.without_suggestions(b.findings) IS DISTINCT FROM nullif(r.findings, '[]') OR b.source_line IS DISTINCT FROM CASE WHEN r.findings <> '[]' THEN r.row_id + 1 END) AS other_findings,
       count(*) FILTER (WHERE to_jsonb(d) - 'edit_at' IS DISTINCT FROM r.cells - 'edit_at') AS other_cells
FROM import_oracle.result AS r
JOIN import.job AS j ON j.slug = r.job
FULL JOIN import.bad_row AS b ON b.job_id = j.id AND b.row_id = r.row_id
FULL JOIN import.units_1_data AS d ON d.row_id = r.row_id
WHERE r.job = 'units_1';

-- Files that come in chunks, with records that are broken and rows that say nothing.
CREATE PROCEDURE public.upload(job_slug text, definition text, heading text, sound text, lines text)
LANGUAGE plpgsql AS $upload$
BEGIN
    INSERT INTO import.job (slug, definition_id, processing_batch_size) SELECT job_slug, d.id, 7 FROM import.definition AS d WHERE d.slug = definition;
    PERFORM import.upload_chunk(job_slug, 1, true, convert_to((
        SELECT heading || E'\n' || string_agg(CASE WHEN i % 4 = 0 THEN l.lines[1 + i / 4 % cardinality(l.lines)] ELSE format(sound, i % 11 + 1, i % 7 + 1) END, E'\n' ORDER BY i) || E'\nL1,"L2,ownership'
        FROM generate_series(1, 120) AS i CROSS JOIN (SELECT string_to_array(upload.lines, E'\n') AS lines) AS l), 'UTF8'));
    CALL import_oracle.compare(job_slug);
END
$upload$;
CALL upload('related_6', 'legal_relationship_source_dates', 'influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage,valid_from,valid_to', 'L%s,L%s,ownership,30,2016-01-01,infinity',
    E'L1,L2,ownership\nL1\nL1,L2,ownership,5,2016-01-01,infinity,one more\n,,,,,\nNULL, ,NULL,,NULL,NULL\n,L1,ownership,5,2016-01-01,infinity\nE1,L2,ownership,5,2016-01-01,2016-02-01\nL3,,,,x,\n"L1"x,L2,ownership,5,2016-01-01,infinity');
CALL upload('units_6', 'legal_unit_source_dates', 'tax_ident,stat_ident,name,valid_from,valid_to', 'L%s,S%2$s,Name,2016-01-01,infinity',
    E'L1,S1,Name\nL1\nL1,S2,Name,2016-01-01,infinity,one more\n,,,,\nNULL, ,NULL,NULL,NULL\n,,Nobody,2016-01-01,infinity\nL3,,,x,');
SELECT r.job, r.cells ->> 'action' AS action, r.cells ->> 'state' AS state, f.finding ->> 'code' AS code, count(*), min(r.row_id) AS first
FROM import_oracle.result AS r, jsonb_array_elements(r.findings) AS f (finding) WHERE r.job IN ('related_6', 'units_6') AND f.finding ->> 'severity' <> 'warning' AND f.finding ->> 'code' ~ '(row|quote|missing|blank)'
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
SELECT d.job, d.row_id, d.what, left(d.expected, 600) AS expected, left(d.got, 600) AS got FROM import_oracle.difference AS d ORDER BY d.job, d.row_id, d.what LIMIT 20;

-- What it refuses, and with which code; the data table stays empty.
CREATE FUNCTION public.refusal(stage text, job_slug text) RETURNS text LANGUAGE plpgsql AS $refusal$
BEGIN
    EXECUTE format('SELECT %s(%L)', stage, coalesce((SELECT j.id FROM import.job AS j WHERE j.slug = job_slug), -1));
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || CASE WHEN SQLERRM LIKE '%\_data%' THEN ', about the data table' ELSE '' END;
END
$refusal$;
CREATE VIEW public.refused AS
SELECT s.stage, refusal(s.stage, j.slug) AS code FROM unnest('{import_oracle.analyse_cells,import.analyse_file}'::text[]) AS s (stage), (SELECT coalesce(nullif(current_setting('test.job', true), ''), '?') AS slug) AS j;
\echo == a job that does not exist
SELECT * FROM refused;
SET test.job = 'units_5';
TRUNCATE import.units_5_data;
CREATE FUNCTION public.stages(job_slug text) RETURNS void LANGUAGE sql AS $stages$
    SELECT import_oracle.analyse_source(j.id), import_oracle.analyse_period(j.id), import_oracle.analyse_identifiers(j.id), import_oracle.analyse_units(j.id), import_oracle.analyse_repeats(j.id) FROM import.job AS j WHERE j.slug = job_slug
$stages$;
SELECT stages('units_5');
\echo == rows that are there already
INSERT INTO import.units_5_data (row_id) VALUES (7);
SELECT * FROM refused;
TRUNCATE import.units_5_data;
\echo == a read-only transaction
BEGIN;
SET TRANSACTION READ ONLY;
SELECT * FROM refused;
ROLLBACK;
\echo == no right to write the data table; then that right, and row level security that keeps it back
BEGIN;
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES ('Carl', 'regress_cells@example.org', 'regular_user');
SELECT auth.sync_roles() >= 0 AS roles_made;
GRANT USAGE ON SCHEMA import_oracle TO PUBLIC;
GRANT SELECT ON refused TO PUBLIC;
GRANT SELECT, UPDATE ON import.units_5_data TO "regress_cells@example.org";
GRANT SELECT ON import.units_5_upload, pg_temp.import_source, pg_temp.import_row, pg_temp.import_note, pg_temp.import_ident TO "regress_cells@example.org";
SET ROLE "regress_cells@example.org";
SELECT * FROM refused;
RESET ROLE;
GRANT INSERT ON import.units_5_data TO "regress_cells@example.org";
SET ROLE "regress_cells@example.org";
SELECT * FROM refused;
ROLLBACK;
\echo == no settings
BEGIN;
DELETE FROM register.settings;
SELECT * FROM refused;
ROLLBACK;
\echo == cut off
SET statement_timeout = '1ms';
SELECT import.analyse_file(j.id) FROM import.job AS j WHERE j.slug = 'units_5';
RESET statement_timeout;
SELECT count(*) FROM import.units_5_data;
\echo == nothing against it, and an index that is not ours
CREATE INDEX units_5_name ON import.units_5_data (upper(name)) WHERE name IS NOT NULL;
SELECT import.analyse_file(j.id) FROM import.job AS j WHERE j.slug = 'units_5';
SELECT count(*) = (SELECT count(*) FROM import.units_5_upload) AS complete, count(name) > 50 AS named FROM import.units_5_data;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*) AS missing_in_index
FROM (SELECT d.row_id FROM import.units_5_data AS d WHERE d.name || '' IS NOT NULL EXCEPT SELECT d.row_id FROM import.units_5_data AS d WHERE upper(d.name) >= '' AND d.name IS NOT NULL) AS x;
RESET enable_seqscan;
RESET enable_bitmapscan;
\c contrib_regression
DROP DATABASE regress_import_cells;

-- Import of units: what strategies do to time, how entities are kept together, links, primaries, lineage.
CREATE DATABASE regress_import_units TEMPLATE contrib_regression;
\c regress_import_units
SET statbus."current_date" = '2024-06-15';
\set VERBOSITY terse
\pset format unaligned
\pset footer off
INSERT INTO register.settings (activity_category_standard_id, country_id, region_version_id)
SELECT s.id, c.id, v.id
FROM register.activity_category_standard AS s, register.country AS c, register.region_version AS v
WHERE s.code = 'nace_v2.1' AND c.iso_2 = 'NO' AND v.code = 'initial';
INSERT INTO register.region (version_id, path, name)
SELECT v.id, r.path::ltree, r.name
FROM register.region_version AS v, (VALUES ('03', 'Oslo'), ('11', 'Rogaland')) AS r (path, name) WHERE v.code = 'initial';
INSERT INTO register.tag (path, name) VALUES ('census', 'Census');

CREATE PROCEDURE public.run_job(job_slug text, definition text, strategy text, rows text, job_from date DEFAULT NULL, job_to date DEFAULT NULL, batch integer DEFAULT 8000)
LANGUAGE plpgsql AS $run_job$
DECLARE
    headings text;
BEGIN
    UPDATE import.definition AS d SET strategy = coalesce(run_job.strategy::import.strategy, d.strategy) WHERE d.slug = run_job.definition;
    INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review, processing_batch_size)
    SELECT job_slug, d.id, job_from, job_to, false, batch FROM import.definition AS d WHERE d.slug = run_job.definition;
    headings := split_part(rows, E'\n', 1);
    EXECUTE format('INSERT INTO import.%I (%s) SELECT %s FROM (SELECT string_to_array(line, '','', '''') AS f, place FROM string_to_table($1, E''\n'') WITH ORDINALITY AS t (line, place)) AS x WHERE place > 1 ORDER BY place',
        job_slug || '_upload', headings,
        (SELECT string_agg(format('f[%s]', place), ', ' ORDER BY place) FROM string_to_table(headings, ',') WITH ORDINALITY AS h (name, place)))
    USING rows;
    COMMIT;
    CALL worker.process_tasks();
END
$run_job$;
CREATE VIEW public.outcome AS
SELECT j.slug, j.state, j.total_rows AS total, j.imported_rows AS imported, j.unchanged_rows AS unchanged, j.skipped_rows AS skipped, j.error_count AS errors, j.warning_count AS warnings, j.error
FROM import.job AS j;
CREATE VIEW public.history AS
SELECT e.ident, l.valid_from, l.valid_to, l.name, s.code AS status, l.primary_for_enterprise AS is_primary, l.import_source_line AS line, j.slug AS job
FROM register.legal_unit AS l
JOIN register.status AS s ON s.id = l.status_id
JOIN register.external_ident AS e ON e.legal_unit_id = l.id
JOIN register.external_ident_type AS t ON t.id = e.type_id AND t.code = 'tax_ident'
LEFT JOIN import.job AS j ON j.id = l.import_job_id;

-- New units: the second row of A gives only its other identifier, the third both; all are one unit, batches are of one row.
CALL run_job('new', 'legal_unit_source_dates', NULL, 'tax_ident,stat_ident,name,valid_from,valid_to,employees,physical_region_code,physical_postplace,status_code
A,s1,Alpha,2020-01-01,2020-12-31,10,03,Oslo,
,s1,Alpha 2,2021-01-01,2021-12-31,11,03,Oslo,passive
A,,Alpha 3,2022-01-01,infinity,12,11,Stavanger,active
B,,Beta,2020-01-01,infinity,5,,Sandnes,', batch => 1);
SELECT * FROM outcome;
SELECT * FROM history ORDER BY ident, valid_from;
SELECT row_id, founding_row_id, operation, action, state, batch_seq, merge_status ->> 'legal_unit' AS legal_unit FROM import.new_data ORDER BY row_id;
SELECT row_id, column_name, code, severity, value FROM import.finding ORDER BY 1, 2, 3;

-- Again: nothing to do, and nothing is written.
CREATE TABLE public.before AS SELECT xmin::text AS x, id, valid_from FROM register.legal_unit UNION ALL SELECT xmin::text, id, valid_from FROM register.location
    UNION ALL SELECT xmin::text, id, valid_from FROM register.stat_for_unit UNION ALL SELECT xmin::text, id, NULL FROM register.external_ident UNION ALL SELECT xmin::text, id, NULL FROM register.enterprise;
CALL run_job('again', 'legal_unit_source_dates', NULL, 'tax_ident,stat_ident,name,valid_from,valid_to,employees,physical_region_code,physical_postplace,status_code
A,s1,Alpha,2020-01-01,2020-12-31,10,03,Oslo,
,s1,Alpha 2,2021-01-01,2021-12-31,11,03,Oslo,passive
A,,Alpha 3,2022-01-01,infinity,12,11,Stavanger,active
B,,Beta,2020-01-01,infinity,5,,Sandnes,');
SELECT * FROM outcome WHERE slug = 'again';
SELECT count(*) AS rewritten FROM (SELECT xmin::text AS x, id, valid_from FROM register.legal_unit UNION ALL SELECT xmin::text, id, valid_from FROM register.location
    UNION ALL SELECT xmin::text, id, valid_from FROM register.stat_for_unit UNION ALL SELECT xmin::text, id, NULL FROM register.external_ident UNION ALL SELECT xmin::text, id, NULL FROM register.enterprise
    EXCEPT SELECT * FROM public.before) AS w;

-- Strategies in time. The patch leaves what its cells leave empty; new time gets the default status.
CALL run_job('patch', 'legal_unit_source_dates', 'insert_or_update', 'tax_ident,name,valid_from,valid_to,employees,status_code
A,,2021-07-01,2022-06-30,99,
B,Beta renamed,2023-01-01,infinity,,passive');
SELECT ident, valid_from, valid_to, name, status, line, job FROM history ORDER BY ident, valid_from;
CREATE VIEW public.workforce AS
SELECT e.ident, s.valid_from, s.valid_to, s.value_int FROM register.stat_for_unit AS s JOIN register.external_ident AS e ON e.legal_unit_id = s.legal_unit_id
JOIN register.external_ident_type AS t ON t.id = e.type_id AND t.code = 'tax_ident' JOIN register.stat_definition AS d ON d.id = s.stat_definition_id AND d.code = 'employees';
SELECT * FROM workforce ORDER BY ident, valid_from;
CALL run_job('replace', 'legal_unit_source_dates', 'insert_or_replace', 'tax_ident,name,valid_from,valid_to,employees,birth_date
B,Beta replaced,2023-01-01,2023-12-31,6,2001-02-03
C,Gamma,2022-01-01,2022-12-31,1,');
CALL run_job('replace_only', 'legal_unit_source_dates', 'replace_only', 'tax_ident,name,valid_from,valid_to,employees
C,Gamma replaced,2022-07-01,2023-12-31,2');
CALL run_job('update_only', 'legal_unit_source_dates', 'update_only', 'tax_ident,name,valid_from,valid_to,employees
C,,2021-07-01,2022-03-31,3');
SELECT ident, valid_from, valid_to, name, status, is_primary, job FROM history WHERE ident IN ('B', 'C') ORDER BY ident, valid_from;
SELECT * FROM workforce WHERE ident IN ('B', 'C') ORDER BY ident, valid_from;
-- After a gap the unit keeps its enterprise and is primary of it again.
CALL run_job('later', 'legal_unit_source_dates', 'insert_or_update', 'tax_ident,name,valid_from,valid_to
C,Gamma again,2024-01-01,infinity');
SELECT ident, valid_from, valid_to, name, is_primary FROM history WHERE ident = 'C' ORDER BY valid_from;
SELECT count(DISTINCT enterprise_id) AS enterprises, count(DISTINCT id) AS legal_units FROM register.legal_unit;

-- Establishments: the first of a legal unit is primary, at each time; a later file finds them so.
CALL run_job('shops', 'establishment_for_lu_source_dates', NULL, 'tax_ident,name,legal_unit_tax_ident,valid_from,valid_to,employees
S1,First,A,2020-01-01,2020-12-31,1
S2,Second,A,2020-06-01,2021-12-31,2
S3,Third,A,2021-01-01,2022-12-31,3
S4,Of B,B,2021-01-01,infinity,4', batch => 2);
CREATE VIEW public.shops AS
SELECT e.ident, s.valid_from, s.valid_to, s.name, s.primary_for_legal_unit AS is_primary, l.ident AS of, s.import_source_line AS line
FROM register.establishment AS s
JOIN register.external_ident AS e ON e.establishment_id = s.id
LEFT JOIN register.external_ident AS l ON l.legal_unit_id = s.legal_unit_id AND l.type_id = e.type_id;
SELECT * FROM shops ORDER BY ident, valid_from;
-- Moves to another legal unit, which has a primary one already; known ones need no link.
CALL run_job('move', 'establishment_for_lu_source_dates', NULL, 'tax_ident,name,legal_unit_tax_ident,valid_from,valid_to
S1,First,B,2021-01-01,2021-12-31
S3,Third moved,B,2022-01-01,2022-12-31
S4,Of B renamed,,2022-01-01,infinity');
SELECT * FROM shops ORDER BY ident, valid_from;
SELECT * FROM outcome WHERE slug IN ('shops', 'move') ORDER BY slug;

-- Informal establishments: an enterprise each.
CALL run_job('market', 'establishment_without_lu_source_dates', NULL, 'tax_ident,name,valid_from,valid_to,sector_code
M1,Stall,2020-01-01,2020-12-31,
M1,Stall renamed,2021-01-01,infinity,
M2,Cart,2020-01-01,infinity,', batch => 1);
SELECT e.ident, s.valid_from, s.valid_to, s.name, s.primary_for_enterprise AS is_primary, count(*) OVER (PARTITION BY s.enterprise_id) AS slices_of_enterprise
FROM register.establishment AS s JOIN register.external_ident AS e ON e.establishment_id = s.id WHERE s.enterprise_id IS NOT NULL ORDER BY 1, 2;

-- Statistics of known units of either kind, within their lives, also where there were none.
CALL run_job('survey', 'generic_unit_stats_update_source_dates', NULL, 'tax_ident,employees,turnover,valid_from,valid_to
C,30,300.5,2021-01-01,2022-12-31
S4,40,400,2021-01-01,infinity
M2,,1,2020-01-01,2020-12-31
X,1,1,2020-01-01,2020-12-31');
SELECT e.ident, d.code, s.valid_from, s.valid_to, s.value_int, s.value_float, c.code AS source
FROM register.stat_for_unit AS s JOIN register.stat_definition AS d ON d.id = s.stat_definition_id
JOIN register.external_ident AS e ON e.legal_unit_id = s.legal_unit_id OR e.establishment_id = s.establishment_id
LEFT JOIN register.data_source AS c ON c.id = s.data_source_id
WHERE e.ident IN ('C', 'S4', 'M2') ORDER BY 1, 2, 3;
SELECT row_id, code, value FROM import.finding JOIN import.job ON job.id = finding.job_id WHERE slug = 'survey';

-- Parts: what a file does not speak of stays; a foreign address stays abroad when a patch leaves the country empty; tags.
CALL run_job('parts', 'legal_unit_source_dates', NULL, 'tax_ident,name,valid_from,valid_to,physical_address_part1,physical_country_iso_2,postal_postplace,email_address,primary_activity_category_code,tag_path,phone_number
D,Delta,2020-01-01,infinity,Gatan 1,SE,Malmö,d@example.com,01.11,census,
D2,Delta 2,2020-01-01,infinity,,,,,,,');
CALL run_job('parts2', 'legal_unit_source_dates', NULL, 'tax_ident,name,valid_from,valid_to,physical_address_part2,phone_number,secondary_activity_category_code,tag_path
D,Delta,2022-01-01,infinity,Floor 2,123,01.12,census');
SELECT l.type, l.valid_from, l.valid_to, l.address_part1, l.address_part2, l.postplace, c.iso_2 FROM register.location AS l JOIN register.country AS c ON c.id = l.country_id
JOIN register.external_ident AS e ON e.legal_unit_id = l.legal_unit_id WHERE e.ident = 'D' ORDER BY 1, 2;
SELECT x.valid_from, x.valid_to, x.email_address, x.phone_number FROM register.contact AS x JOIN register.external_ident AS e ON e.legal_unit_id = x.legal_unit_id WHERE e.ident = 'D' ORDER BY 1;
SELECT a.type, a.valid_from, a.valid_to, c.code FROM register.activity AS a JOIN register.activity_category AS c ON c.id = a.category_id JOIN register.external_ident AS e ON e.legal_unit_id = a.legal_unit_id WHERE e.ident = 'D' ORDER BY 1, 2;
SELECT t.path, count(*) FROM register.tag_for_unit AS u JOIN register.tag AS t ON t.id = u.tag_id GROUP BY 1;

-- Who, by which job, and why.
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review, edit_comment) SELECT 'commented', id, '2020-01-01', 'infinity', false, 'by hand' FROM import.definition WHERE slug = 'legal_unit_job_provided';
INSERT INTO import.commented_upload (tax_ident, name) VALUES ('E', 'Epsilon');
CALL worker.process_tasks();
SELECT l.name, u.display_name, l.edit_comment, l.import_source_line, j.slug FROM register.legal_unit AS l JOIN auth."user" AS u ON u.id = l.edit_by_user_id JOIN import.job AS j ON j.id = l.import_job_id WHERE l.name = 'Epsilon';
-- Only one primary at a time, and every row accounted for.
SELECT slug FROM import.job WHERE state <> 'finished' OR total_rows <> imported_rows + unchanged_rows + skipped_rows + error_count;
\c contrib_regression
DROP DATABASE regress_import_units;

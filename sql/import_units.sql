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
UPDATE import.definition SET unique_units = false WHERE valid_time_from = 'source_columns';
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

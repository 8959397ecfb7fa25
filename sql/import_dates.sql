-- Dates and periods of a file: inputs 39 to 64, each told by code, column, value and line; the same under any DateStyle and TimeZone.
CREATE DATABASE regress_import_dates TEMPLATE contrib_regression;
\c regress_import_dates
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql
SET client_min_messages = warning;

-- Analyses rows of a definition, declared formats changed for this job alone; label is what the row is a case of. Each job's own identifiers
-- begin with its name.
CREATE TABLE public.input (job text, label text, place integer GENERATED ALWAYS AS IDENTITY, ident text, name text, valid_from text, valid_to text, birth_date text, death_date text);
CREATE PROCEDURE public.run(job_slug text, formats text[])
LANGUAGE plpgsql AS $run$
BEGIN
    UPDATE import.definition AS d SET date_formats = formats, unique_units = false WHERE d.slug = 'legal_unit_source_dates';
    INSERT INTO import.job (slug, definition_id, review) SELECT job_slug, d.id, false FROM import.definition AS d WHERE d.slug = 'legal_unit_source_dates';
    EXECUTE format('INSERT INTO import.%I (tax_ident, name, valid_from, valid_to, birth_date, death_date)
                    SELECT coalesce(i.ident, i.job || i.place), coalesce(i.name, ''A''), i.valid_from, i.valid_to, i.birth_date, i.death_date FROM public.input AS i WHERE i.job = %L ORDER BY i.place',
                   job_slug || '_upload', job_slug);
    COMMIT;
    CALL worker.process_tasks();
END
$run$;
CREATE VIEW public.said AS
SELECT i.job, i.label, f.source_line AS line, f.column_name AS "column", f.code, f.severity, f.value, f.details - '{formats}'::text[] AS details
FROM (SELECT x.*, 1 + row_number() OVER (PARTITION BY x.job ORDER BY x.place) AS line FROM public.input AS x) AS i
JOIN import.job AS j ON j.slug = i.job
LEFT JOIN import.finding AS f ON f.job_id = j.id AND f.source_line = i.line;

INSERT INTO input (job, label, valid_from, valid_to, birth_date, death_date) VALUES
    ('iso', 'good', '2020-01-01', 'infinity', '2019-01-01', NULL),
    ('iso', 'i39', '2023-02-29', 'infinity', NULL, NULL),
    ('iso', 'i39', '2020-01-01', '2023-04-31', NULL, NULL),
    ('iso', 'i40', '31/12/2023', 'infinity', NULL, NULL),
    ('iso', 'i42', '12.31.2023', 'infinity', NULL, NULL),
    ('iso', 'i43', '2020-01-01', '1.2.2023', NULL, NULL),
    ('iso', 'i44', '0000-01-01', 'infinity', NULL, NULL),
    ('iso', 'i44', '44-03-15 BC', 'infinity', NULL, NULL),
    ('iso', 'i45', '0201-05-01', 'infinity', NULL, NULL),
    ('iso', 'i45', '2203-05-01', 'infinity', NULL, NULL),
    ('iso', 'i45', '2020-01-01', 'infinity', '0201-05-01', NULL),
    ('iso', 'i46', '2020-01-01', 'infinity', NULL, NULL),
    ('iso', 'i47', 'infinity', 'infinity', NULL, NULL),
    ('iso', 'i47', '2020-01-01', 'infinity', 'infinity', NULL),
    ('iso', 'i48', 'today', 'infinity', NULL, NULL),
    ('iso', 'i48', '2020-01-01', 'tomorrow', 'epoch', NULL),
    ('iso', 'i49', '45292', 'infinity', NULL, NULL),
    ('iso', 'i50', '2023.123', 'J2459946', '230105', NULL),
    ('iso', 'i51', '2023-01-01T00:00:00Z', 'infinity', NULL, NULL),
    ('iso', 'i51', '2023-01-01 13:45', 'infinity', NULL, NULL),
    ('iso', 'i52', '2023-01-01 24:00', 'infinity', NULL, NULL),
    ('iso', 'i53', E'2023\u201101\u201101', 'infinity', NULL, NULL),
    ('iso', 'i54', '2023', 'infinity', '2023-01', NULL),
    ('iso', 'i55', '2023-01-02', '2023-01-01', NULL, NULL),
    ('iso', 'i56', '2023-01-01', '2023-01-01', NULL, NULL),
    ('iso', 'i57', NULL, '2023-01-01', NULL, NULL),
    ('iso', 'i57', '2023-01-01', NULL, NULL, NULL),
    ('iso', 'i61', '2020-01-01', 'infinity', '2020-01-02', NULL),
    ('iso', 'i61', '2020-01-01', 'infinity', '2019-01-02', '2019-01-01'),
    ('iso', 'i62', '2020-01-01', 'infinity', NULL, '2024-06-16'),
    ('iso', 'i64', '2020-01-01', '9999-12-31', NULL, NULL);
-- Rows of one unit against each other.
INSERT INTO input (job, label, ident, name, valid_from, valid_to) VALUES
    ('iso', 'i58', 'U58', 'Same', '2020-01-01', '2021-12-31'),
    ('iso', 'i58', 'U58', 'Same', '2021-01-01', 'infinity'),
    ('iso', 'i59', 'U59', 'One', '2020-01-01', '2021-12-31'),
    ('iso', 'i59', 'U59', 'Other', '2021-01-01', 'infinity'),
    ('iso', 'i60', 'U60', 'Gap', '2020-01-01', '2020-12-31'),
    ('iso', 'i60', 'U60', 'Gap', '2022-01-01', 'infinity');
INSERT INTO input (job, label, valid_from, valid_to) VALUES
    ('dots', 'i43', '1.2.2023', '01.03.2023'),
    ('dots', 'i40', '31.12.2023', 'infinity'),
    ('dots', 'i42', '12.31.2023', 'infinity'),
    ('slashes', 'i40', '31/12/2023', 'infinity'),
    ('slashes', 'i41', '01/02/2023', 'infinity'),
    ('both', 'i41', '01/02/2023', 'infinity'),
    ('both', 'i41', '31/12/2023', 'infinity'),
    ('both', 'i41', '02/02/2023', 'infinity'),
    ('unclear', 'i41', '01/02/2023', '2023-12-31'),
    ('unclear', 'i41', '03/02/2023', '01/02/2024'),
    ('unclear', 'i41', '31/12/2022', '2023-12-31'),
    ('unclear', 'i41', '12/31/2022', '31/12/2023');
SET datestyle = 'SQL, MDY';
SET timezone = 'Pacific/Apia';
CALL run('iso', '{YYYY-MM-DD}');
CALL run('dots', '{D.M.YYYY}');
CALL run('slashes', '{DD/MM/YYYY}');
CALL run('both', '{DD/MM/YYYY,MM/DD/YYYY}');
-- The first dates of periods are written in both ways; of their last ones, those in the other format say nothing.
CALL run('unclear', '{DD/MM/YYYY,MM/DD/YYYY,YYYY-MM-DD}');
SET datestyle = 'ISO, YMD';
SET timezone = 'UTC';
SELECT s.* FROM said AS s WHERE s.job = 'iso' ORDER BY s.label, s.line, s."column", s.code;
SELECT s.* FROM said AS s WHERE s.job <> 'iso' ORDER BY s.job, s.label, s.line, s."column", s.code;
-- Of the file: which format it will be, where the others tell.
SELECT j.slug, f.column_name, f.code, f.severity, f.details, statbus.render_template(c.message, f.details || jsonb_build_object('column', f.column_name)) AS message
FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id JOIN import.finding_code AS c USING (code) WHERE f.code = 'date_format_likely' ORDER BY j.id, f.column_name;
-- What the cells were read as.
SELECT 'iso' AS job, i.label, d.valid_from, d.valid_to, d.valid_until, d.birth_date, d.state
FROM (SELECT x.*, row_number() OVER (PARTITION BY x.job ORDER BY x.place) AS row_id FROM public.input AS x WHERE x.job = 'iso') AS i JOIN import.iso_data AS d USING (row_id)
WHERE i.label IN ('i45', 'i46', 'i51', 'i56', 'i58', 'i61', 'i64') ORDER BY i.place;
SELECT 'dots' AS job, d.valid_from_raw, d.valid_from, d.valid_to FROM import.dots_data AS d ORDER BY d.row_id;
SELECT 'slashes' AS job, d.valid_from_raw, d.valid_from, d.valid_to FROM import.slashes_data AS d ORDER BY d.row_id;
-- No row is lost.
SELECT j.slug, j.state, j.total_rows, j.imported_rows AS imported, j.unchanged_rows AS unchanged, j.skipped_rows AS skipped, j.error_count AS errors FROM import.job AS j ORDER BY j.id;

-- i63: a job about a time takes its periods from there, never from the file.
SELECT 'i63' AS label, c.ident IS NOT NULL AS exists FROM api.time_context AS c WHERE c.scope IN ('input_and_query', 'input') ORDER BY c.ident LIMIT 1;
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to) SELECT 'i63', d.id, '2020-01-01', '2020-12-31' FROM import.definition AS d WHERE d.slug = 'legal_unit_source_dates';

-- The rows of a file that lie elsewhere than they came are read in the order in which they came.
UPDATE import.definition AS d SET date_formats = '{YYYY-MM-DD}' WHERE d.slug = 'legal_unit_source_dates';
INSERT INTO import.job (slug, definition_id, review) SELECT 'disorder', d.id, true FROM import.definition AS d WHERE d.slug = 'legal_unit_source_dates';
BEGIN;
ALTER TABLE import.disorder_upload DISABLE TRIGGER USER;
INSERT INTO import.disorder_upload (tax_ident, name, valid_from, valid_to) SELECT 'D' || i, 'Row ' || i, '2020-01-01', CASE WHEN i % 3 = 0 THEN '2019-01-01' ELSE 'infinity' END FROM generate_series(1, 3000) AS i;
ALTER TABLE import.disorder_upload ENABLE TRIGGER USER;
CREATE TABLE public.held AS SELECT u."statbus:place" AS place FROM import.disorder_upload AS u;
ALTER TABLE import.disorder_upload ALTER COLUMN "statbus:place" DROP EXPRESSION;
UPDATE import.disorder_upload AS u SET "statbus:place" = 3001 - u."statbus:place";
SET LOCAL work_mem = '64kB';
SELECT import.analyse_file(j.id) FROM import.job AS j WHERE j.slug = 'disorder';
SELECT count(*) AS rows, count(*) FILTER (WHERE d.name = 'Row ' || 3001 - d.row_id) AS in_order, count(*) FILTER (WHERE d.state = 'error') AS errors FROM import.disorder_data AS d;
SELECT count(*) AS findings, count(*) FILTER (WHERE f.code = 'period_reversed' AND (3001 - f.row_id) % 3 = 0 AND f.source_line = f.row_id + 1) AS of_the_right_rows FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id WHERE j.slug = 'disorder';
\echo == twice
SELECT import.analyse_file(j.id) FROM import.job AS j WHERE j.slug = 'disorder';
ROLLBACK;
-- Who may: whoever may read the file and write the data table, and is the job's user or a superuser.
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES ('Dora', 'regress_dates@example.org', 'regular_user');
SELECT auth.sync_roles() >= 0 AS roles_made;
BEGIN;
SET LOCAL ROLE "regress_dates@example.org";
\echo == not the file
SELECT import.analyse_file(j.id) FROM import.job AS j WHERE j.slug = 'disorder';
ROLLBACK;
BEGIN;
GRANT SELECT ON import.disorder_upload TO "regress_dates@example.org";
SET LOCAL ROLE "regress_dates@example.org";
\echo == not the data table
SELECT import.analyse_file(j.id) FROM import.job AS j WHERE j.slug = 'disorder';
ROLLBACK;
BEGIN;
GRANT SELECT ON import.disorder_upload TO "regress_dates@example.org";
GRANT INSERT, SELECT ON import.disorder_data TO "regress_dates@example.org";
ALTER TABLE import.disorder_data DISABLE ROW LEVEL SECURITY;
SET LOCAL ROLE "regress_dates@example.org";
\echo == not the findings
SELECT import.analyse_file(j.id) FROM import.job AS j WHERE j.slug = 'disorder';
ROLLBACK;
\echo == no such job
SELECT import.analyse_file(-1);
SELECT import.analyse_file(NULL);
\c contrib_regression
DROP DATABASE regress_import_dates;
DROP ROLE "regress_dates@example.org";

-- What people get to see of a job: reports, the preview before approval, progress; and what they may do with it.
SET client_min_messages = warning;
CREATE DATABASE regress_import_report TEMPLATE contrib_regression;
\c regress_import_report
\set VERBOSITY terse
SET client_min_messages = warning;
SET statbus."current_date" = '2024-06-15';
\pset format unaligned
\pset footer off
\pset null '-'
INSERT INTO register.settings (activity_category_standard_id, country_id, region_version_id)
SELECT s.id, c.id, v.id
FROM register.activity_category_standard AS s, register.country AS c, register.region_version AS v
WHERE s.code = 'nace_v2.1' AND c.iso_2 = 'NO' AND v.code = 'initial';
INSERT INTO register.region (version_id, path, name)
SELECT v.id, r.path::ltree, r.name
FROM register.region_version AS v, (VALUES ('03', 'Oslo'), ('11', 'Rogaland')) AS r (path, name) WHERE v.code = 'initial';
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES
    ('Rita', 'regress_report_rita@example.org', 'regular_user'),
    ('Olav', 'regress_report_olav@example.org', 'regular_user'),
    ('Ada', 'regress_report_ada@example.org', 'admin_user');
SELECT auth.sync_roles() >= 0 AS roles_made;

-- A file over HTTP: other headings, a column that nobody knows, formulas, quotes, line breaks, rows of the wrong length.
CREATE FUNCTION public.new_job(slug text, definition text DEFAULT 'legal_unit_job_provided', review boolean DEFAULT NULL, job_from date DEFAULT '2020-01-01')
RETURNS void LANGUAGE sql AS $$
    INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review)
    SELECT new_job.slug, d.id, job_from, CASE WHEN job_from IS NOT NULL THEN 'infinity'::date END, new_job.review FROM import.definition AS d WHERE d.slug = new_job.definition
$$;
SET ROLE "regress_report_rita@example.org";
SELECT new_job('first');
SELECT import.upload_chunk('first', 1, true, convert_to(E'\ufeffTax Ident;NAME;colour;physical_region_code;employees;web_address;email_address;sector_code\r
900000001;"=HYPERLINK(""http://x"")";red;03;-3;-5;post@;zz\r
900000002;"Two\nlines; and ""quotes""";;3;12;+47;a@b.no;zz\r
900000003;@cmd;;99;about ten;''=1;a@b.no;yy\r
900000004;Short\r
900000005;;;03;n/k;;;zz\r
900000006;Fine;;03;6;;;\r
900000007; spaces ;;03;10-19;;;\r
', 'UTF8')) - 'sha256' AS answer;
RESET ROLE;
CALL worker.process_tasks();

-- With its errors, as Rita gets it; by line, only the errors, with another delimiter.
SET ROLE "regress_report_rita@example.org";
SELECT * FROM import.report_lines('first');
SELECT * FROM import.report_lines('first', 'errors', 'semicolon');
SELECT count(*) FROM import.report_lines('first', 'findings');
SELECT import.report_lines('first', 'none');        -- fails
SELECT import.report_lines('nothing');              -- fails
SELECT api.import_report_csv('first') = (SELECT E'\ufeff' || string_agg(l || E'\r\n', '') FROM import.report_lines('first') AS l) AS same;
SELECT api.import_report_text('first');
SELECT jsonb_pretty(r::jsonb #- '{event,time}' #- '{event,agent}') FROM api.import_report('first') WITH ORDINALITY AS x (r, n) WHERE r -> 'data' -> 'target' ->> 0 = 'line 9';
SELECT count(*), bool_and(r ->> 'id' = 'first-' || f.row_id || '-' || f.place AND r -> 'event' ->> 'time' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$'), array_agg(DISTINCT r -> 'rule' ->> 'severity')
FROM api.import_report('first') WITH ORDINALITY AS x (r, n)
JOIN (SELECT f.row_id, row_number() OVER (PARTITION BY f.row_id) AS place, row_number() OVER () AS n FROM (SELECT * FROM import.finding ORDER BY row_id) AS f) AS f USING (n);
SELECT source_line, column_name, code, message, hint FROM api.import_finding WHERE hint IS NOT NULL AND job_slug = 'first' ORDER BY 1, 2, 3;
RESET ROLE;
-- Others: nobody but an administrator sees findings, nobody but Rita the file.
SET ROLE "regress_report_olav@example.org";
SELECT api.import_report_text('first');             -- fails
SELECT api.import_report('first');                  -- fails
SELECT api.import_report_csv('first');              -- fails
RESET ROLE;
SET ROLE "regress_report_ada@example.org";
SELECT left(api.import_report_text('first'), 40);
SELECT count(*) > 5 AS results FROM api.import_report('first');
SELECT api.import_report_csv('first');              -- fails
RESET ROLE;

-- The report goes in again as it is, and comes to the same, but for the row that was too short and is not any more.
SELECT api.import_report_csv('first') AS file \gset
SET ROLE "regress_report_rita@example.org";
SELECT new_job('again', review => true);
SELECT (import.upload_chunk('again', 1, true, convert_to(:'file', 'UTF8'))) -> 'rows' AS rows;
RESET ROLE;
UPDATE import.job SET state = 'rejected' WHERE slug = 'first';
CALL worker.process_tasks();
SELECT code, details FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id WHERE j.slug = 'again' AND f.row_id = 0;
SELECT j.slug, f.row_id, f.column_name, f.code, f.severity, f.value, f.details
FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id
WHERE f.row_id > 0 AND NOT EXISTS (SELECT FROM import.finding AS o WHERE o.job_id <> f.job_id AND (o.row_id, o.column_name, o.code, o.severity, o.value, o.details) IS NOT DISTINCT FROM (f.row_id, f.column_name, f.code, f.severity, f.value, f.details))
ORDER BY 1, 2, 3;
SELECT count(*) AS rows, count(*) FILTER (WHERE to_jsonb(a) - '{source_line,edit_at,errors,warnings}'::text[] = to_jsonb(b) - '{source_line,edit_at,errors,warnings}'::text[]) AS same
FROM import.first_data AS a JOIN import.again_data AS b USING (row_id);
SELECT substr(l, 1, 60) FROM import.report_lines('again') AS l LIMIT 2;

-- i129: every row has the same error: one entry. By COPY, with columns that have no value.
SELECT new_job('same', review => true);
INSERT INTO import.same_upload (tax_ident, name, employees, sector_code) SELECT 910000000 + n, 'Unit ' || n, 'many', CASE WHEN n % 3 = 0 THEN 'q' || n % 7 END FROM generate_series(1, 1000) AS n;
UPDATE import.job SET state = 'rejected' WHERE slug = 'again';
CALL worker.process_tasks();
SELECT import.report_text('same');
SELECT l FROM import.report_lines('same') AS l LIMIT 3;
-- i126: no status, and none by default: once for the file.
UPDATE register.status SET assigned_by_default = false WHERE assigned_by_default;
SELECT new_job('no_status', review => true);
INSERT INTO import.no_status_upload (tax_ident, name) SELECT 915000000 + n, 'Unit ' || n FROM generate_series(1, 20) AS n;
UPDATE import.job SET state = 'rejected' WHERE slug = 'same';
CALL worker.process_tasks();
SELECT import.report_text('no_status');
UPDATE import.job SET state = 'rejected' WHERE slug = 'no_status';
UPDATE register.status SET assigned_by_default = true WHERE code = 'active';
-- A file without a fault.
SELECT new_job('nothing_said', review => true);
INSERT INTO import.nothing_said_upload (tax_ident, name) VALUES ('920000001', 'Nothing to say');
SELECT import.report_text('nothing_said');
CALL worker.process_tasks();
SELECT import.report_text('nothing_said');
UPDATE import.job SET state = 'rejected' WHERE slug = 'nothing_said';
CALL worker.process_tasks();

\c contrib_regression
DROP DATABASE regress_import_report;
DROP ROLE "regress_report_rita@example.org", "regress_report_olav@example.org", "regress_report_ada@example.org";

-- not_permitted: what the user of a job may not write is an error of the row, with the column at fault, and the others go in.
CREATE DATABASE regress_import_not_permitted TEMPLATE contrib_regression;
\c regress_import_not_permitted
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql
\i :top/test/import/regions.sql
INSERT INTO register.tag (path, name) VALUES ('census', 'Census');
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES
    ('Rita', 'regress_np_rita@example.org', 'restricted_user'), ('Rolf', 'regress_np_rolf@example.org', 'regular_user'), ('Eva', 'regress_np_eva@example.org', 'external_user');
SELECT auth.sync_roles() >= 0 AS roles_made;
INSERT INTO register.region_access (user_id, region_id)
SELECT u.id, r.id FROM auth."user" AS u, register.region AS r WHERE u.display_name = 'Rita' AND r.path = '03';
INSERT INTO register.activity_category_access (user_id, activity_category_id)
SELECT u.id, c.id FROM auth."user" AS u, register.activity_category AS c JOIN register.activity_category_standard AS s ON s.id = c.standard_id
WHERE u.display_name = 'Rita' AND s.code = 'nace_v2.1' AND c.path = 'A.01';

-- Addresses and activities of known units.
INSERT INTO import.definition (slug, name, data_source_id, strategy, mode, valid_time_from)
SELECT 'regional', 'Addresses and activities of known units', s.id, 'update_only', 'generic_unit', 'job_provided' FROM register.data_source AS s WHERE s.code = 'survey';
INSERT INTO import.definition_step (definition_id, step_id)
SELECT d.id, s.id FROM import.definition AS d, import.step AS s
WHERE d.slug = 'regional' AND s.code IN ('valid_time', 'length_limits', 'external_idents', 'data_source', 'physical_location', 'primary_activity', 'contact',
                                         'statistical_variables', 'tags', 'edit_info', 'metadata');
INSERT INTO import.source_column (definition_id, column_name, priority)
SELECT d.id, c.name, c.place FROM import.definition AS d,
    unnest('{tax_ident,physical_region_code,physical_postplace,primary_activity_category_code,email_address,employees,tag_path}'::text[]) WITH ORDINALITY AS c (name, place)
WHERE d.slug = 'regional';
INSERT INTO import.mapping (definition_id, source_column_id, target_data_column_id)
SELECT d.id, h.id, c.id FROM import.definition AS d JOIN import.source_column AS h ON h.definition_id = d.id
JOIN import.definition_step AS s ON s.definition_id = d.id JOIN import.data_column AS c ON c.step_id = s.step_id AND c.column_name = h.column_name || '_raw'
WHERE d.slug = 'regional';
INSERT INTO import.mapping (definition_id, source_expression, target_data_column_id)
SELECT d.id, 'default'::import.source_expression, c.id
FROM import.definition AS d JOIN import.definition_step AS s ON s.definition_id = d.id JOIN import.data_column AS c ON c.step_id = s.step_id
WHERE d.slug = 'regional' AND c.column_name IN ('valid_from_raw', 'valid_to_raw', 'data_source_code_raw');
SELECT valid, validation_error FROM import.definition WHERE slug = 'regional';

CREATE PROCEDURE public.run_as(job_slug text, definition text, who text, rows text, job_from date DEFAULT '2020-01-01')
LANGUAGE plpgsql AS $run_as$
BEGIN
    INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review, user_id)
    SELECT job_slug, d.id, job_from, 'infinity', false, u.id FROM import.definition AS d, auth."user" AS u WHERE d.slug = definition AND u.display_name = who;
    CALL public.fill(job_slug, rows);
    COMMIT;
    CALL worker.process_tasks();
END
$run_as$;
CREATE VIEW public.outcome AS
SELECT j.slug, j.state, j.total_rows AS total, j.imported_rows AS imported, j.unchanged_rows AS unchanged, j.skipped_rows AS skipped, j.error_count AS errors, j.error,
       j.total_rows = j.imported_rows + j.unchanged_rows + j.skipped_rows + j.error_count AS adds_up
FROM import.job AS j;
CREATE VIEW public.said AS
SELECT j.slug, f.source_line AS line, f.column_name AS "column", f.code, f.severity, f.value, f.details FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id WHERE f.severity = 'error';
CREATE VIEW public.where_now AS
SELECT e.ident, r.path AS region, l.postplace, c.code AS activity, u.display_name AS who, j.slug AS job, l.import_source_line AS line
FROM register.external_ident AS e
LEFT JOIN register.location AS l ON l.legal_unit_id = e.legal_unit_id AND l.type = 'physical' AND l.valid_range @> date '2024-01-01'
LEFT JOIN register.region AS r ON r.id = l.region_id
LEFT JOIN register.activity AS a ON a.legal_unit_id = e.legal_unit_id AND a.type = 'primary' AND a.valid_range @> date '2024-01-01'
LEFT JOIN register.activity_category AS c ON c.id = a.category_id
LEFT JOIN auth."user" AS u ON u.id = l.edit_by_user_id
LEFT JOIN import.job AS j ON j.id = l.import_job_id;

-- What the batches said of themselves before the rows were counted.
CREATE TABLE public.told (slug text, imported bigint, unchanged bigint, errors bigint);
CREATE FUNCTION public.note_counts() RETURNS trigger LANGUAGE plpgsql AS $note_counts$
BEGIN
    INSERT INTO public.told VALUES (OLD.slug, OLD.imported_rows, OLD.unchanged_rows, OLD.error_count);
    RETURN NULL;
END
$note_counts$;
CREATE TRIGGER note_counts AFTER UPDATE ON import.job FOR EACH ROW
    WHEN (OLD.state = 'processing_data' AND NEW.state = 'finished') EXECUTE FUNCTION public.note_counts();

-- A regular user brings the units in.
CALL run_as('units', 'legal_unit_job_provided', 'Rolf', 'tax_ident,name,physical_region_code,physical_postplace,primary_activity_category_code
A,Alpha,03,Oslo,01.11
B,Beta,11,Stavanger,01.11
C,Gamma,03,Oslo,10.11
D,Delta,03,Oslo,01.11
E,Epsilon,,,');
SELECT * FROM outcome;

-- A restricted user's file touches two regions and two branches: one of each is his. Moving a unit out of his region, or into it,
-- is not his to do; a unit without an address gets one, where it is his region. Nor are statistics, contacts, tags.
CALL run_as('both', 'regional', 'Rita', 'tax_ident,physical_region_code,physical_postplace,primary_activity_category_code,email_address,employees,tag_path
A,03,Oslo north,01.12,,,
B,11,Sandnes,01.12,,,
C,03,Oslo south,10.12,,,
D,11,Stavanger,,,,
E,03,Oslo west,,,,', '2022-01-01');
SELECT * FROM outcome WHERE slug = 'both';
SELECT line, "column", code, severity, value, details FROM said WHERE slug = 'both' ORDER BY line, "column";
SELECT * FROM where_now ORDER BY ident;
SELECT row_id, state, action, errors, merge_status FROM import.both_data ORDER BY row_id;
CALL run_as('other', 'regional', 'Rita', 'tax_ident,physical_region_code,physical_postplace,primary_activity_category_code,email_address,employees,tag_path
A,03,Oslo north 2,,,,
B,03,Oslo,,,,
C,,,01.11,,,
D,,,01.13,a@b.no,,
E,,,,,7,census', '2023-01-01');
SELECT * FROM outcome WHERE slug = 'other';
SELECT line, "column", code, severity, value, details FROM said WHERE slug = 'other' ORDER BY line, "column";
SELECT * FROM where_now ORDER BY ident;

-- Who may write no units at all, and who may write nothing.
CALL run_as('no_units', 'legal_unit_job_provided', 'Rita', 'tax_ident,name,physical_region_code
A,Alpha 2,03
F,Phi,03');
CALL run_as('nothing', 'regional', 'Eva', 'tax_ident,physical_region_code,physical_postplace
A,03,Oslo');
SELECT slug, line, "column", code, severity, value, details FROM said WHERE slug IN ('no_units', 'nothing') ORDER BY slug, line, "column";
-- What words for it take away is written as well: from addresses and activities that are not his, from parts that he may not
-- write. Where there is nothing to take, nobody needs a right.
UPDATE import.definition SET erase_words = '{<erase>}' WHERE slug = 'regional';
CALL run_as('more', 'regional', 'Rolf', 'tax_ident,physical_region_code,physical_postplace,primary_activity_category_code,email_address,employees,tag_path
A,03,Oslo,01.11,,,
B,11,Stavanger,01.11,,,
C,03,Oslo,10.11,,,
D,,,01.11,,,
E,,,,e@example.org,1,');
CALL run_as('erases', 'regional', 'Rita', 'tax_ident,physical_region_code,physical_postplace,primary_activity_category_code,email_address,employees,tag_path
A,,<erase>,,<erase>,<erase>,
B,<erase>,<erase>,<erase>,,,
C,,<erase>,<erase>,,,
D,,,<erase>,,,
E,,,,<erase>,<erase>,', '2023-01-01');
SELECT * FROM outcome WHERE slug = 'erases';
SELECT line, "column", code, severity, value, details FROM said WHERE slug = 'erases' ORDER BY line, "column";
SELECT ident, region, postplace, activity FROM where_now ORDER BY ident;
SELECT e.ident, c.email_address, s.value_int FROM register.external_ident AS e LEFT JOIN register.contact AS c ON c.legal_unit_id = e.legal_unit_id
LEFT JOIN register.stat_for_unit AS s ON s.legal_unit_id = e.legal_unit_id AND s.valid_until = 'infinity' WHERE e.ident IN ('A', 'E') ORDER BY 1;

-- What a policy of the installation refuses comes up row by row, and the rest goes in.
CREATE POLICY no_stavanger ON register.location AS RESTRICTIVE FOR ALL TO regular_user USING (true) WITH CHECK (postplace IS DISTINCT FROM 'Forbidden');
CALL run_as('policy', 'legal_unit_job_provided', 'Rolf', 'tax_ident,name,physical_region_code,physical_postplace
G,Gee,03,Oslo
H,Aitch,03,Forbidden
I,Eye,03,Oslo');
SELECT slug, line, "column", code, severity, details ->> 'sqlstate' AS sqlstate, details ->> 'table' AS "table" FROM said WHERE slug = 'policy' ORDER BY line;
SELECT * FROM outcome ORDER BY slug;
SELECT t.* FROM told AS t ORDER BY t.slug;
SELECT * FROM statbus.verify_derived();
\c contrib_regression
DROP DATABASE regress_import_not_permitted;
DROP ROLE "regress_np_rita@example.org", "regress_np_rolf@example.org", "regress_np_eva@example.org";

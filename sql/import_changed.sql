-- Also: a job is called off in each of its states.
-- What changes between the analysis of a job and its application: codes, units, identifiers, and the rights of its user.
CREATE DATABASE regress_import_changed TEMPLATE contrib_regression;
\c regress_import_changed
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql
INSERT INTO register.region (version_id, path, name)
SELECT v.id, r.path::ltree, r.name
FROM register.region_version AS v, (VALUES ('03', 'Oslo'), ('11', 'Rogaland'), ('50', 'Trondelag')) AS r (path, name) WHERE v.code = 'initial';
INSERT INTO register.tag (path, name) VALUES ('census', 'Census'), ('gone', 'Gone');
INSERT INTO register.sector (path, name, custom) VALUES ('extra', 'Extra', true), ('extra.9990', 'Custom sector', true);
INSERT INTO register.status (code, name, assigned_by_default, used_for_counting, priority, custom) VALUES ('dormant', 'Dormant', false, true, 90, true);
INSERT INTO register.unit_size (code, name, custom) VALUES ('xxl', 'Very large', true);
INSERT INTO register.legal_rel_type (code, name, custom) VALUES ('partner', 'Partner', true);
INSERT INTO register.activity_category (standard_id, path, name, custom)
SELECT s.id, 'A.01.1.1.9', 'Custom activity', true FROM register.activity_category_standard AS s WHERE s.code = 'nace_v2.1';
INSERT INTO register.stat_definition (code, type, frequency, name, priority) VALUES ('exports', 'int', 'yearly', 'Exports', 30);
INSERT INTO register.external_ident_type (code, name, priority) VALUES ('office_number', 'Number of the office', 30);

CREATE FUNCTION public.make_job(slug text, definition text, rows text, is_reviewed boolean DEFAULT true, batch integer DEFAULT 8000) RETURNS void
LANGUAGE plpgsql AS $make_job$
BEGIN
    INSERT INTO import.job (slug, definition_id, review, processing_batch_size)
    SELECT make_job.slug, d.id, is_reviewed, batch FROM import.definition AS d WHERE d.slug = definition;
    CALL public.fill(slug, rows);
END
$make_job$;
-- Until its first batch is applied.
CREATE PROCEDURE public.begin_job(job_slug text) LANGUAGE plpgsql AS $begin_job$
BEGIN
    WHILE EXISTS (SELECT FROM import.job AS j WHERE j.slug = job_slug AND j.imported_rows = 0 AND j.state <> 'finished') LOOP
        CALL worker.process_tasks('import', 1);
    END LOOP;
END
$begin_job$;
CREATE VIEW public.outcome AS
SELECT j.slug, j.state, j.total_rows AS total, j.imported_rows AS imported, j.unchanged_rows AS unchanged, j.skipped_rows AS skipped, j.error_count AS errors,
       j.total_rows = j.imported_rows + j.unchanged_rows + j.skipped_rows + j.error_count AS all_told, j.error
FROM import.job AS j;
CREATE VIEW public.found AS
SELECT j.slug, f.source_line AS line, f.column_name, f.code, f.severity, f.value, f.details ->> 'name' AS name
FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id;
CREATE VIEW public.units AS
SELECT string_agg(DISTINCT e.ident, ' ') AS idents, l.id, l.valid_from, l.valid_to, l.name, string_agg(DISTINCT r.path::text, ' ') AS region, l.import_source_line AS line, j.slug
FROM register.legal_unit AS l LEFT JOIN register.external_ident AS e ON e.legal_unit_id = l.id
LEFT JOIN register.location AS p ON p.legal_unit_id = l.id LEFT JOIN register.region AS r ON r.id = p.region_id LEFT JOIN import.job AS j ON j.id = l.import_job_id
GROUP BY l.id, l.valid_from, l.valid_to, l.name, l.import_source_line, j.slug;

-- Codes of each kind are deleted while the job waits for review.
SELECT make_job('codes', 'legal_unit_source_dates', 'tax_ident,office_number,name,valid_from,valid_to,physical_region_code,primary_activity_category_code,sector_code,unit_size_code,status_code,tag_path,employees,exports
c1,,Good,2020-01-01,infinity,03,01.11,,,active,census,1,
c2,,Region gone,2020-01-01,infinity,50,01.11,,,,,1,
c3,,Activity gone,2020-01-01,infinity,03,01.119,,,,,1,
c4,,Sector gone,2020-01-01,infinity,03,,9990,,,,1,
c5,,Size gone,2020-01-01,infinity,03,,,xxl,,,1,
c6,,Status gone,2020-01-01,infinity,03,,,,dormant,,1,
c7,,Tag gone,2020-01-01,infinity,03,,,,,gone,1,
c8,,Statistic gone,2020-01-01,infinity,03,,,,,,1,7
c9,o9,Identifier gone,2020-01-01,infinity,03,,,,,,1,
c10,,Good too,2020-01-01,infinity,11,,,,,,1,');
CALL worker.process_tasks();
SELECT * FROM outcome;
SELECT * FROM found WHERE severity <> 'info' ORDER BY slug, line, column_name;
DELETE FROM register.region WHERE path = '50';
DELETE FROM register.activity_category WHERE path = 'A.01.1.1.9';
DELETE FROM register.sector WHERE path = 'extra.9990';
DELETE FROM register.unit_size WHERE code = 'xxl';
DELETE FROM register.status WHERE code = 'dormant';
DELETE FROM register.tag WHERE path = 'gone';
DELETE FROM register.stat_definition WHERE code = 'exports';
DELETE FROM register.external_ident_type WHERE code = 'office_number';
SELECT api.import_job_approve('codes') ->> 'state' AS state;
CALL worker.process_tasks();
SELECT * FROM outcome;
SELECT * FROM found WHERE severity = 'error' ORDER BY slug, line, column_name;
SELECT idents, valid_from, valid_to, name, region, line FROM units ORDER BY idents;

-- Disabled ones were right when the file was read, and are taken.
SELECT make_job('disabled', 'legal_unit_source_dates', 'tax_ident,name,valid_from,valid_to,sector_code,employees
d1,Disabled,2020-01-01,infinity,8500,5');
CALL worker.process_tasks();
UPDATE register.sector SET enabled = false WHERE code = '8500';
UPDATE register.stat_definition SET enabled = false WHERE code = 'employees';
SELECT api.import_job_approve('disabled') ->> 'state' AS state;
CALL worker.process_tasks();
SELECT * FROM outcome WHERE slug = 'disabled';
SELECT * FROM found WHERE slug = 'disabled';
SELECT s.value_int FROM register.stat_for_unit AS s JOIN register.external_ident AS e ON e.legal_unit_id = s.legal_unit_id WHERE e.ident = 'd1';
UPDATE register.sector SET enabled = true WHERE code = '8500';
UPDATE register.stat_definition SET enabled = true WHERE code = 'employees';

-- Identifiers and units: one that somebody else takes, one that goes to another unit, a unit that is gone, one that has become
-- shorter, an enterprise that is gone.
SELECT make_job('known', 'legal_unit_source_dates', 'tax_ident,stat_ident,name,valid_from,valid_to,employees
k1,,Known 1,2020-01-01,infinity,1
k2,s2,Known 2,2020-01-01,infinity,2
k3,s3,Known 3,2020-01-01,infinity,3
k4,,Known 4,2020-01-01,infinity,4
k5,,Known 5,2020-01-01,infinity,5', false);
CALL worker.process_tasks();
SELECT make_job('idents', 'legal_unit_source_dates', 'tax_ident,stat_ident,name,valid_from,valid_to,employees
k1,,Known 1 changed,2021-01-01,infinity,11
k2,,Known 2 changed,2021-01-01,infinity,12
k3,s3,Known 3 changed,2021-01-01,infinity,13
k4,s4,Known 4 changed,2021-01-01,infinity,14
k5,,Known 5 changed,2021-01-01,infinity,15
n1,,New 1,2021-01-01,infinity,21
n2,,New 2,2021-01-01,infinity,22
n3,,New 3,2021-01-01,2021-12-31,23
n3,,New 3 later,2022-01-01,infinity,24');
CALL worker.process_tasks();
SELECT row_id, operation, action, legal_unit_id - (SELECT min(id) FROM register.legal_unit WHERE name = 'Known 1') AS unit FROM import.idents_data ORDER BY row_id;
-- k1 is deleted
CREATE TEMPORARY TABLE gone AS SELECT l.id, l.enterprise_id FROM register.legal_unit AS l JOIN register.external_ident AS e ON e.legal_unit_id = l.id WHERE e.ident = 'k1';
DELETE FROM register.external_ident WHERE legal_unit_id IN (SELECT id FROM gone);
DELETE FROM register.stat_for_unit WHERE legal_unit_id IN (SELECT id FROM gone);
DELETE FROM register.legal_unit WHERE id IN (SELECT id FROM gone);
DELETE FROM register.enterprise WHERE id IN (SELECT enterprise_id FROM gone);
-- k2 becomes an identifier of Known 3, which loses s3 and k3
UPDATE register.external_ident SET ident = 'k2x' WHERE ident = 'k2';
UPDATE register.external_ident SET ident = 'k2' WHERE ident = 'k3';
UPDATE register.external_ident SET ident = 's3x' WHERE ident = 's3';
-- s4 and n1 are taken, n2 and n3 by another job
UPDATE register.external_ident SET ident = 's4' WHERE ident = 's2';
UPDATE register.external_ident SET ident = 'n1' WHERE ident = 'c10';
UPDATE register.external_ident SET ident = 'n3' WHERE ident = 'c9';
-- k5 ends
UPDATE register.stat_for_unit SET valid_until = '2020-07-01' WHERE value_int = 5 AND legal_unit_id = (SELECT id FROM register.legal_unit WHERE name = 'Known 5');
UPDATE register.legal_unit SET valid_until = '2020-07-01' WHERE name = 'Known 5';
SELECT api.import_job_approve('idents') ->> 'state' AS state;
CALL worker.process_tasks();
SELECT * FROM outcome WHERE slug = 'idents';
SELECT * FROM found WHERE slug = 'idents' ORDER BY line;
SELECT idents, valid_from, valid_to, name, line, slug FROM units WHERE slug IN ('known', 'idents') OR idents ~ 'n1|n3' ORDER BY name, idents;

-- The same of legal units that establishments refer to.
INSERT INTO register.external_ident (type_id, legal_unit_id, ident)
SELECT t.id, e.legal_unit_id, 's2' FROM register.external_ident AS e, register.external_ident_type AS t WHERE e.ident = 'n2' AND t.code = 'stat_ident';
SELECT make_job('links', 'establishment_for_lu_source_dates', 'tax_ident,legal_unit_tax_ident,name,valid_from,valid_to
e1,n2,Branch of gone,2021-01-01,infinity
e2,k2x,Branch of other,2021-01-01,infinity
e4,k4,Branch of right,2021-01-01,infinity');
CALL worker.process_tasks();
CREATE TEMPORARY TABLE gone_later AS SELECT l.id, l.enterprise_id FROM register.legal_unit AS l JOIN register.external_ident AS e ON e.legal_unit_id = l.id WHERE e.ident = 'n2';
DELETE FROM register.external_ident WHERE legal_unit_id IN (SELECT id FROM gone_later);
DELETE FROM register.stat_for_unit WHERE legal_unit_id IN (SELECT id FROM gone_later);
DELETE FROM register.legal_unit WHERE id IN (SELECT id FROM gone_later);
DELETE FROM register.enterprise WHERE id IN (SELECT enterprise_id FROM gone_later);
UPDATE register.external_ident SET ident = 'k2y' WHERE ident = 'k2x';
UPDATE register.external_ident SET ident = 'k2x' WHERE ident = 'k2';
SELECT api.import_job_approve('links') ->> 'state' AS state;
CALL worker.process_tasks();
SELECT * FROM outcome WHERE slug = 'links';
SELECT * FROM found WHERE slug = 'links' ORDER BY line;
SELECT t.name, e.ident FROM register.establishment AS t JOIN register.external_ident AS e ON e.legal_unit_id = t.legal_unit_id WHERE t.name LIKE 'Branch%' AND e.ident LIKE 'k%';

-- Relationships.
SELECT make_job('shares', 'legal_relationship_source_dates', 'influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage,valid_from,valid_to
k4,c1,ownership,60,2021-01-01,infinity
k2x,c1,ownership,20,2021-01-01,infinity
k4,n1,partner,60,2021-01-01,infinity');
CALL worker.process_tasks();
UPDATE register.external_ident SET ident = 'k2z' WHERE ident = 'k2x';
UPDATE register.external_ident SET ident = 'k2x' WHERE ident = 'k2y';
DELETE FROM register.legal_rel_type WHERE code = 'partner';
SELECT api.import_job_approve('shares') ->> 'state' AS state;
CALL worker.process_tasks();
SELECT * FROM outcome WHERE slug = 'shares';
SELECT * FROM found WHERE slug = 'shares' ORDER BY line;

-- Statistics of known units of both kinds.
SELECT make_job('branch', 'establishment_for_lu_source_dates', 'tax_ident,legal_unit_tax_ident,name,valid_from,valid_to
e8,k4,Branch 8,2021-01-01,infinity
e9,k4,Branch 9,2021-01-01,infinity', false);
CALL worker.process_tasks();
SELECT make_job('numbers', 'generic_unit_stats_update_source_dates', 'tax_ident,valid_from,valid_to,employees
k4,2021-01-01,infinity,1
c1,2021-01-01,infinity,2
e8,2021-01-01,infinity,3
e9,2021-01-01,infinity,4');
CALL worker.process_tasks();
UPDATE register.external_ident SET ident = 'e9x' WHERE ident = 'e9';
UPDATE register.external_ident SET ident = 'e9' WHERE ident = 'c1';
SELECT api.import_job_approve('numbers') ->> 'state' AS state;
CALL worker.process_tasks();
SELECT * FROM outcome WHERE slug = 'numbers';
SELECT * FROM found WHERE slug = 'numbers' ORDER BY line;

-- A job that may have no error has too many then, and nothing of it goes in.
SELECT make_job('strict', 'legal_unit_source_dates', 'tax_ident,name,valid_from,valid_to
q1,Strict 1,2021-01-01,infinity
q2,Strict 2,2021-01-01,infinity
q3,Strict 3,2021-01-01,infinity');
UPDATE import.job SET on_error = 'import_nothing' WHERE slug = 'strict';
CALL worker.process_tasks();
UPDATE register.external_ident SET ident = 'q2' WHERE ident = 'n3';
SELECT api.import_job_approve('strict') ->> 'state' AS state;
CALL worker.process_tasks();
SELECT * FROM outcome WHERE slug = 'strict';
SELECT * FROM found WHERE slug = 'strict' ORDER BY line;
SELECT count(*) AS applied FROM units WHERE slug = 'strict';

-- What changes while a job is applied: between two batches, nobody looks again; constraints do.
INSERT INTO register.unit_size (code, name, custom) VALUES ('huge', 'Huge', true);
SELECT make_job('midway', 'legal_unit_source_dates', 'tax_ident,name,valid_from,valid_to,unit_size_code
m1,Midway 1,2021-01-01,infinity,huge
m2,Midway 2,2021-01-01,infinity,
m3,Midway 3,2021-01-01,infinity,huge
m4,Midway 4,2021-01-01,infinity,
m5,Midway 5,2021-01-01,infinity,', false, 1);
CALL begin_job('midway');
SELECT * FROM outcome WHERE slug = 'midway';
UPDATE register.legal_unit SET unit_size_id = NULL WHERE name = 'Midway 1';
DELETE FROM register.unit_size WHERE code = 'huge';
UPDATE register.external_ident SET ident = 'm4' WHERE ident = 'e9x';
CALL worker.process_tasks();
SELECT * FROM outcome WHERE slug = 'midway';
SELECT * FROM found WHERE slug = 'midway' ORDER BY line;

-- The user of a job is deleted, loses his role, or gets another one, half-way.
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES
    ('Dora', 'regress_ic_dora@example.org', 'regular_user'), ('Lars', 'regress_ic_lars@example.org', 'regular_user'), ('Gro', 'regress_ic_gro@example.org', 'regular_user');
SELECT auth.sync_roles() >= 0 AS roles_made;
CREATE PROCEDURE public.half_way(who text) LANGUAGE plpgsql AS $half_way$
BEGIN
    PERFORM public.make_job('of_' || who, 'legal_unit_source_dates', format(E'tax_ident,name,valid_from,valid_to\n%1$s1,%1$s 1,2021-01-01,infinity\n%1$s2,%1$s 2,2021-01-01,infinity\n%1$s3,%1$s 3,2021-01-01,infinity', who), false, 1);
    UPDATE import.job AS j SET user_id = u.id FROM auth."user" AS u WHERE j.slug = 'of_' || who AND lower(u.display_name) = who;
    PERFORM import.attach_job(j.id) FROM import.job AS j WHERE j.slug = 'of_' || who;
    COMMIT;
    CALL public.begin_job('of_' || who);
END
$half_way$;
CALL half_way('dora');
UPDATE auth."user" SET deleted_at = statement_timestamp() WHERE display_name = 'Dora';
CALL worker.process_tasks();
CALL half_way('lars');
UPDATE auth."user" SET statbus_role = 'external_user' WHERE display_name = 'Lars';
SELECT auth.sync_roles() >= 0 AS roles_made;
CALL worker.process_tasks();
CALL half_way('gro');
DROP OWNED BY "regress_ic_gro@example.org";
DROP ROLE "regress_ic_gro@example.org";
CALL worker.process_tasks();
SELECT * FROM outcome WHERE slug LIKE 'of\_%' ORDER BY slug;
SELECT * FROM found WHERE slug LIKE 'of\_%' ORDER BY slug, line;
SELECT name, slug FROM units WHERE slug LIKE 'of\_%' ORDER BY name;
-- They can be undone, and deleted.
SELECT api.import_job_undo(slug) ->> 'state' AS state FROM import.job WHERE slug LIKE 'of\_%' ORDER BY slug;
CALL worker.process_tasks();
SELECT slug, state, undo_error FROM import.job WHERE slug LIKE 'of\_%' ORDER BY slug;
SELECT api.import_job_delete(slug) FROM import.job WHERE slug LIKE 'of\_%';
SELECT count(*) AS left_of_them FROM register.legal_unit WHERE name ~ '^(dora|lars|gro) ';

-- Called off in every state.
CREATE FUNCTION public.cancel(job_slug text) RETURNS text LANGUAGE plpgsql AS $cancel$
DECLARE
    said text;
    detail text;
BEGIN
    RETURN api.import_job_cancel(job_slug);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN said || ': ' || detail;
END
$cancel$;
CREATE PROCEDURE public.cancel_at(wanted text) LANGUAGE plpgsql AS $cancel_at$
DECLARE
    job_slug CONSTANT text := 'at_' || wanted;
BEGIN
    IF wanted = 'waiting_for_upload' THEN
        INSERT INTO import.job (slug, definition_id) SELECT job_slug, d.id FROM import.definition AS d WHERE d.slug = 'legal_unit_source_dates';
    ELSE
        PERFORM public.make_job(job_slug, 'legal_unit_source_dates', format(E'tax_ident,name,valid_from,valid_to\n%1$s1,Cancel 1,2021-01-01,infinity\n%1$s2,Cancel 2,2021-01-01,infinity\n%1$s3,,2021-01-01,never', job_slug),
                                wanted IN ('waiting_for_review', 'approved', 'rejected'), 1);
    END IF;
    COMMIT;
    WHILE (SELECT j.state::text NOT IN (wanted, 'finished') AND (j.state::text <> 'waiting_for_review') FROM import.job AS j WHERE j.slug = job_slug) LOOP
        CALL worker.process_tasks('import', 1);
    END LOOP;
    IF wanted = 'processing_data' THEN
        CALL public.begin_job(job_slug);
    ELSIF wanted IN ('approved', 'rejected') THEN
        UPDATE import.job AS j SET state = wanted::import.job_state WHERE j.slug = job_slug;
    END IF;
    COMMIT;
END
$cancel_at$;
CALL cancel_at('waiting_for_upload');
SELECT cancel('at_waiting_for_upload');
CALL cancel_at('upload_completed');
SELECT cancel('at_upload_completed');
CALL cancel_at('preparing_data');
SELECT cancel('at_preparing_data');
CALL cancel_at('analysing_data');
SELECT cancel('at_analysing_data');
CALL cancel_at('waiting_for_review');
SELECT cancel('at_waiting_for_review');
CALL cancel_at('approved');
SELECT cancel('at_approved');
CALL cancel_at('rejected');
SELECT cancel('at_rejected');
CALL cancel_at('processing_data');
SELECT cancel('at_processing_data');
CALL cancel_at('finished');
SELECT cancel('at_finished');
SELECT cancel('at_upload_completed');            -- failed
UPDATE import.job SET state = 'undoing' WHERE slug = 'at_finished';
SELECT cancel('at_finished');
CALL worker.process_tasks();
SELECT * FROM outcome WHERE slug LIKE 'at\_%' ORDER BY slug;
SELECT count(*) AS tasks_left FROM worker.tasks WHERE command = 'import_job' AND state NOT IN ('completed', 'failed');
SELECT name, slug FROM units WHERE slug LIKE 'at\_%' ORDER BY slug, name;

-- A unit that a job after this one brings.
SELECT make_job('asks', 'establishment_for_lu_source_dates', 'tax_ident,legal_unit_tax_ident,name,valid_from,valid_to
b1,p1,Branch of pending,2021-01-01,infinity
b2,p2,Branch of nobody,2021-01-01,infinity');
SELECT make_job('brings', 'legal_unit_source_dates', 'tax_ident,name,valid_from,valid_to
p1,Pending,2021-01-01,infinity', false);
CALL worker.process_tasks();
SELECT source_line AS line, column_name, code, message, hint FROM api.import_finding WHERE job_slug = 'asks' AND code = 'reference_missing' ORDER BY source_line;
SELECT api.import_job_reject('asks') ->> 'state' AS state;
CALL worker.process_tasks();
SELECT * FROM outcome WHERE slug IN ('asks', 'brings') ORDER BY slug;

SELECT count(*) AS lost FROM register.legal_unit AS l WHERE NOT EXISTS (SELECT FROM register.enterprise AS e WHERE e.id = l.enterprise_id);
SELECT * FROM statbus.verify_derived();
SELECT object, problem FROM statbus.doctor() WHERE severity = 'error';

\c contrib_regression
DROP DATABASE regress_import_changed;
DROP ROLE "regress_ic_dora@example.org", "regress_ic_lars@example.org";

-- Undo: after it the register is as it was before the job, slice by slice, also who had written what and when; what was edited
-- since keeps the job from being undone, and what was edited elsewhere stays. Lineage: every row that a job writes says so.
CREATE DATABASE regress_import_undo TEMPLATE contrib_regression;
\c regress_import_undo
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql
\i :top/test/import/regions.sql
\i :top/test/import/run_job.sql
-- Every row of the tables that jobs write, and of the derived ones, at a time that has a name.
CREATE TABLE public.kept (moment text, relation text, content jsonb);
CREATE PROCEDURE public.keep(moment text) LANGUAGE plpgsql AS $keep$
DECLARE
    relation text;
BEGIN
    FOR relation IN
        SELECT 'register.' || t.name FROM import.undo_tables() AS t UNION ALL SELECT 'register.statistical_unit' UNION ALL SELECT 'register.timesegments'
    LOOP
        EXECUTE format('INSERT INTO public.kept SELECT $1, $2, to_jsonb(r) FROM %s AS r', relation) USING keep.moment, relation;
    END LOOP;
END
$keep$;
CREATE FUNCTION public.differences(one text, other text) RETURNS TABLE (relation text, here bigint, there bigint, different bigint) LANGUAGE sql AS $differences$
    SELECT k.relation, count(*) FILTER (WHERE k.moment = one), count(*) FILTER (WHERE k.moment = other),
           (SELECT count(*) FROM ((SELECT a.content FROM public.kept AS a WHERE a.moment = one AND a.relation = k.relation
                                   EXCEPT ALL SELECT b.content FROM public.kept AS b WHERE b.moment = other AND b.relation = k.relation)
                                  UNION ALL
                                  (SELECT b.content FROM public.kept AS b WHERE b.moment = other AND b.relation = k.relation
                                   EXCEPT ALL SELECT a.content FROM public.kept AS a WHERE a.moment = one AND a.relation = k.relation)) AS d)
    FROM public.kept AS k WHERE k.moment IN (one, other) GROUP BY k.relation ORDER BY k.relation
$differences$;
CREATE PROCEDURE public.undo(job_slug text) LANGUAGE plpgsql AS $undo$
BEGIN
    PERFORM api.import_job_undo(job_slug);
    COMMIT;
    CALL worker.process_tasks();
END
$undo$;

-- The first file: new units with all that hangs on them. Nothing but keys is kept of them.
CALL keep('empty');
CALL run_job('first', 'legal_unit_source_dates', NULL, 'tax_ident,stat_ident,name,valid_from,valid_to,employees,turnover,physical_region_code,physical_postplace,postal_postplace,primary_activity_category_code,secondary_activity_category_code,email_address,tag_path
A,s1,Alpha,2020-01-01,infinity,10,100,03,Oslo,Oslo,01.11,01.12,a@a.no,census
B,s2,Beta,2020-01-01,2021-12-31,5,50,11,Stavanger,,01.11,,b@b.no,
B,,Beta 2,2022-01-01,infinity,6,50,11,Sandnes,,01.12,,b@b.no,census
C,s3,Gamma,2019-01-01,infinity,1,,03,Oslo,,01.11,,,', batch => 1);
SELECT slug, state, total, imported, errors FROM outcome;
SELECT table_name, count(*) FILTER (WHERE true) AS statements, sum(cardinality(ids)) AS rows FROM import.undo_write GROUP BY 1 ORDER BY 1;
SELECT count(*) AS slices FROM import.undo_slice;

-- Lineage: each table, each row.
SELECT t.name, x.rows, x.of_job, x.lines
FROM import.undo_tables() AS t
CROSS JOIN LATERAL (SELECT (xpath('/row/c/text()', query_to_xml(format('SELECT concat_ws('' '', count(*), count(*) FILTER (WHERE r.import_job_id = j.id), string_agg(DISTINCT r.import_source_line::text, '','' ORDER BY r.import_source_line::text)) AS c
    FROM register.%I AS r LEFT JOIN import.job AS j ON j.slug = ''first''', t.name), false, true, '')))[1]::text AS c) AS q
CROSS JOIN LATERAL (SELECT split_part(q.c, ' ', 1) AS rows, split_part(q.c, ' ', 2) AS of_job, split_part(q.c, ' ', 3) AS lines) AS x
ORDER BY t.place;

CALL keep('first');
CALL undo('first');
SELECT slug, state, undo_user_id = 1 AS by_system, undo_start_at <= undo_stop_at AS in_time, undo_error FROM import.job;
CALL keep('first undone');
SELECT relation, here, there, different FROM differences('empty', 'first undone');
SELECT * FROM statbus.verify_derived();
SELECT (SELECT count(*) FROM import.undo_write) AS writes, (SELECT count(*) FROM import.undo_slice) AS slices;
SELECT api.import_job_undo('first');                                          -- fails: it is undone
-- Once more, and this time to stay.
CALL run_job('base', 'legal_unit_source_dates', NULL, 'tax_ident,stat_ident,name,valid_from,valid_to,employees,turnover,physical_region_code,physical_postplace,postal_postplace,primary_activity_category_code,secondary_activity_category_code,email_address,tag_path
A,s1,Alpha,2020-01-01,infinity,10,100,03,Oslo,Oslo,01.11,01.12,a@a.no,census
B,s2,Beta,2020-01-01,2021-12-31,5,50,11,Stavanger,,01.11,,b@b.no,
B,,Beta 2,2022-01-01,infinity,6,50,11,Sandnes,,01.12,,b@b.no,census
C,s3,Gamma,2019-01-01,infinity,1,,03,Oslo,,01.11,,,', batch => 1);
CALL run_job('branches', 'establishment_for_lu_source_dates', NULL, 'tax_ident,legal_unit_tax_ident,name,valid_from,valid_to,employees,physical_region_code,primary_activity_category_code
A1,A,Alpha North,2020-01-01,infinity,3,03,01.11
A2,A,Alpha South,2020-01-01,infinity,4,11,01.11
C1,C,Gamma North,2020-01-01,infinity,1,03,01.11');
CALL keep('base');

-- A file that changes, cuts, joins, extends and adds, in batches of one unit; another that changes the same ones again.
CALL run_job('second', 'legal_unit_source_dates', 'insert_or_update', 'tax_ident,stat_ident,name,valid_from,valid_to,employees,turnover,physical_region_code,physical_postplace,postal_postplace,primary_activity_category_code,secondary_activity_category_code,email_address,tag_path,web_address
A,,Alpha new,2022-01-01,2022-12-31,12,110,11,Stavanger,,01.12,,,,a.no
B,,Beta,2022-01-01,infinity,5,50,11,Stavanger,,01.11,,b@b.no,,
C,,Gamma old,2015-01-01,2018-12-31,7,,03,Oslo,,,,,census,
D,s4,Delta,2020-01-01,infinity,8,80,03,Oslo,,01.11,,,census,', batch => 1);
CALL keep('second');
CALL run_job('third', 'legal_unit_source_dates', 'insert_or_replace', 'tax_ident,stat_ident,name,valid_from,valid_to,employees,turnover,physical_region_code,physical_postplace,postal_postplace,primary_activity_category_code,secondary_activity_category_code,email_address,tag_path,web_address
A,,Alpha newer,2022-07-01,2024-12-31,13,,03,Oslo,,01.12,01.11,,,
D,s4,Delta 2,2021-01-01,infinity,9,,,,,,,,,', batch => 1);
-- A branch moves to another legal unit: the oldest that stays becomes primary.
CALL run_job('moved', 'establishment_for_lu_source_dates', 'insert_or_update', 'tax_ident,legal_unit_tax_ident,name,valid_from,valid_to
A1,C,Alpha North,2023-01-01,infinity
C2,C,Gamma South,2023-01-01,infinity');
SELECT slug, state, total, imported, unchanged, errors FROM outcome ORDER BY slug;
SELECT s.table_name, count(*) FROM import.undo_slice AS s JOIN import.job AS j ON j.id = s.job_id WHERE j.slug IN ('second', 'third', 'moved') GROUP BY 1 ORDER BY 1;

-- One that others have built upon is not undone: says so, lists them, changes nothing.
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT api.import_job_undo('base');                                           -- fails
\set VERBOSITY terse
SELECT table_name, problem, count(*) FROM api.import_job_undo_conflicts('second') GROUP BY 1, 2 ORDER BY 1, 2;
SELECT state, undo_start_at FROM import.job WHERE slug = 'base';
-- In the reverse order they are, each back to where the one before it left off.
CALL undo('moved');
SELECT table_name, problem, count(*) FROM api.import_job_undo_conflicts('third') GROUP BY 1, 2 ORDER BY 1, 2;
CALL undo('third');
CALL keep('third undone');
SELECT relation, here, there, different FROM differences('second', 'third undone');
CALL undo('second');
CALL keep('second undone');
SELECT relation, here, there, different FROM differences('base', 'second undone');
SELECT * FROM statbus.verify_derived();

-- The same file again, by a job that asks for nothing new, writes nothing, and there is nothing to undo.
CALL run_job('same', 'legal_unit_source_dates', 'insert_or_update', 'tax_ident,stat_ident,name,valid_from,valid_to,employees
A,s1,Alpha,2020-01-01,infinity,10');
SELECT unchanged_rows, (SELECT count(*) FROM import.undo_write AS w WHERE w.job_id = j.id) AS writes FROM import.job AS j WHERE slug = 'same';
CALL undo('same');
CALL keep('same undone');
SELECT sum(different) FROM differences('base', 'same undone');

-- Somebody edits another portion of what a job has changed: the edit stays, the rest is as before the job. Here it changes A in
-- 2022, and he in 2020 and, between, as it was before.
CREATE FUNCTION public.unit(ident text) RETURNS integer LANGUAGE sql AS $unit$ SELECT e.legal_unit_id FROM register.external_ident AS e WHERE e.ident = unit.ident $unit$;
CREATE VIEW public.names AS
SELECT e.ident, l.valid_from, l.valid_to, l.name, j.slug AS job FROM register.legal_unit AS l JOIN register.external_ident AS e ON e.legal_unit_id = l.id
JOIN register.external_ident_type AS t ON t.id = e.type_id AND t.code = 'tax_ident' LEFT JOIN import.job AS j ON j.id = l.import_job_id;
CALL run_job('fourth', 'legal_unit_source_dates', 'insert_or_update', 'tax_ident,name,valid_from,valid_to,email_address,employees
A,Alpha 22,2022-01-01,2022-12-31,new@a.no,99');
UPDATE api.legal_unit__for_portion_of_valid SET name = 'Alpha, edited', valid_from = '2020-03-01', valid_to = '2020-06-30' WHERE id = unit('A') AND valid_from = '2020-01-01';
SELECT * FROM names WHERE ident = 'A' ORDER BY valid_from;
SELECT * FROM api.import_job_undo_conflicts('fourth');
CALL undo('fourth');
SELECT * FROM names WHERE ident = 'A' ORDER BY valid_from;
SELECT c.valid_from, c.valid_to, c.email_address FROM register.contact AS c WHERE c.legal_unit_id = unit('A') ORDER BY 1;
SELECT * FROM statbus.verify_derived();

-- Of the very portion: refused, until all that the job wrote there is what it was before.
CALL run_job('fifth', 'legal_unit_source_dates', 'insert_or_update', 'tax_ident,name,valid_from,valid_to,email_address
A,Alpha 23,2023-01-01,2023-12-31,new@a.no
E,Epsilon,2020-01-01,infinity,e@e.no');
UPDATE api.legal_unit__for_portion_of_valid SET name = 'Alpha 23, edited', valid_from = '2023-06-01', valid_to = '2023-06-30' WHERE id = unit('A') AND valid_from = '2023-01-01';
SELECT table_name, problem, valid_from, valid_until, edit_by FROM api.import_job_undo_conflicts('fifth');
UPDATE import.job SET state = 'undoing' WHERE slug = 'fifth';                  -- past the question
CALL worker.process_tasks();
SELECT state, undo_error FROM import.job WHERE slug = 'fifth';
SELECT * FROM names WHERE ident IN ('A', 'E') AND valid_from > '2022-01-01' ORDER BY ident, valid_from;
UPDATE api.legal_unit__for_portion_of_valid SET name = 'Alpha', valid_from = '2023-06-01', valid_to = '2023-06-30' WHERE id = unit('A') AND valid_from = '2023-06-01';
SELECT table_name, problem, valid_from, valid_until FROM api.import_job_undo_conflicts('fifth');
-- A contact that it changed is deleted; what was added is deleted: only the first is a conflict.
DELETE FROM register.contact WHERE legal_unit_id = unit('A') AND valid_from = '2023-01-01';
DELETE FROM register.contact WHERE legal_unit_id = unit('E');
SELECT table_name, problem, valid_from, valid_until FROM api.import_job_undo_conflicts('fifth');
INSERT INTO register.contact (id, legal_unit_id, email_address, data_source_id, valid_from, valid_until)
SELECT c.id, c.legal_unit_id, 'a@a.no', c.data_source_id, '2023-01-01', '2024-01-01' FROM register.contact AS c WHERE c.legal_unit_id = unit('A') AND c.valid_until = '2023-01-01';
SELECT table_name, problem, valid_from, valid_until FROM api.import_job_undo_conflicts('fifth');
-- Units that are in use: a note, a branch of a later file.
INSERT INTO register.unit_notes (legal_unit_id, notes) VALUES (unit('E'), 'seen');
CALL run_job('of_e', 'establishment_for_lu_source_dates', NULL, 'tax_ident,legal_unit_tax_ident,name,valid_from,valid_to,employees
E1,E,Epsilon North,2020-01-01,infinity,3');
SELECT table_name, problem, valid_from, valid_until FROM api.import_job_undo_conflicts('fifth');
CALL undo('of_e');
DELETE FROM register.unit_notes WHERE legal_unit_id = unit('E');
CALL undo('fifth');                                                           -- fails
UPDATE register.legal_unit SET name = 'Alpha' WHERE id = unit('A') AND name = 'Alpha 23';
CALL undo('fifth');
SELECT state FROM import.job WHERE slug = 'fifth';
SELECT * FROM names WHERE ident IN ('A', 'E') ORDER BY ident, valid_from;
SELECT * FROM statbus.verify_derived();

-- Relationships.
CALL run_job('ties', 'legal_relationship_source_dates', NULL, 'influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage,valid_from,valid_to
A,B,ownership,60,2020-01-01,infinity
A,C,ownership,55,2020-01-01,infinity');
CALL keep('ties');
CALL run_job('ties2', 'legal_relationship_source_dates', NULL, 'influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage,valid_from,valid_to
A,B,ownership,80,2022-01-01,2022-12-31
B,C,ownership,20,2020-01-01,infinity');
SELECT slug, state, imported, errors FROM outcome WHERE slug LIKE 'ties%' ORDER BY slug;
CALL undo('ties2');
CALL keep('ties2 undone');
SELECT relation, here, there, different FROM differences('ties', 'ties2 undone') WHERE relation = 'register.legal_relationship' OR different > 0;
CALL undo('ties');

-- A job that failed in its second batch.
CALL keep('whole');
CREATE FUNCTION public.break() RETURNS trigger LANGUAGE plpgsql AS $break$ BEGIN RAISE EXCEPTION 'out of order' USING ERRCODE = 'internal_error'; END $break$;
CREATE TRIGGER break BEFORE INSERT ON register.legal_unit FOR EACH ROW WHEN (NEW.name = 'Break') EXECUTE FUNCTION public.break();
CALL run_job('broken', 'legal_unit_source_dates', 'insert_or_update', 'tax_ident,name,valid_from,valid_to,employees
A,Alpha 24,2024-01-01,2024-12-31,9
X,Break,2024-01-01,2024-12-31,9', batch => 1);
DROP TRIGGER break ON register.legal_unit;
SELECT slug, state, error FROM outcome WHERE slug = 'broken';
SELECT sum(different) > 0 AS has_written FROM (SELECT 1 AS different FROM names WHERE name = 'Alpha 24') AS d;
CALL undo('broken');
SELECT slug, state, error FROM outcome WHERE slug = 'broken';
CALL keep('broken undone');
SELECT relation, here, there, different FROM differences('whole', 'broken undone') WHERE different > 0;

-- Who may: the user of the job and administrators.
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES
    ('Rita', 'regress_undo_rita@example.org', 'regular_user'), ('Olav', 'regress_undo_olav@example.org', 'regular_user'), ('Ada', 'regress_undo_ada@example.org', 'admin_user');
SELECT auth.sync_roles() >= 0 AS roles_made;
CREATE PROCEDURE public.job_of_rita(job_slug text, review boolean DEFAULT false) LANGUAGE plpgsql AS $job_of_rita$
BEGIN
    INSERT INTO import.job (slug, definition_id, review, user_id) SELECT job_slug, d.id, job_of_rita.review, u.id
    FROM import.definition AS d, auth."user" AS u WHERE d.slug = 'legal_unit_source_dates' AND u.display_name = 'Rita';
    EXECUTE format('INSERT INTO import.%I (tax_ident, name, valid_from, valid_to) VALUES (''A'', ''Alpha of Rita'', ''2021-01-01'', ''2021-12-31''), (%2$L, ''New'', ''2021-01-01'', ''2021-12-31'')', job_slug || '_upload', job_slug);
    COMMIT;
    CALL worker.process_tasks();
END
$job_of_rita$;
CALL keep('before Rita');
CALL job_of_rita('r1');
CALL job_of_rita('r2');
SET ROLE "regress_undo_olav@example.org";
SELECT api.import_job_undo('r1');                                             -- fails
SELECT count(*) FROM import.undo_write;
-- What somebody edits says no longer what a file said; a comment of his, or time that is cut off, leaves it as it was.
RESET ROLE;
CREATE VIEW public.origin AS
SELECT e.ident, l.valid_from, l.valid_to, l.name, u.display_name AS by, j.slug AS job, l.import_source_line IS NULL AS no_line
FROM register.external_ident AS e JOIN register.legal_unit AS l ON l.id = e.legal_unit_id JOIN auth."user" AS u ON u.id = l.edit_by_user_id
LEFT JOIN import.job AS j ON j.id = l.import_job_id WHERE e.ident = 'r2';
GRANT SELECT ON public.origin TO PUBLIC;
SET ROLE "regress_undo_olav@example.org";
BEGIN;
UPDATE api.legal_unit SET edit_comment = 'seen' WHERE name = 'New' AND id = unit('r2');
SELECT * FROM origin;
UPDATE api.legal_unit SET name = 'New' WHERE name = 'New' AND id = unit('r2');
SELECT * FROM origin;
UPDATE api.legal_unit__for_portion_of_valid SET name = 'Newer', valid_from = '2021-03-01', valid_to = '2021-04-30' WHERE id = unit('r2');
SELECT * FROM origin ORDER BY valid_from;
UPDATE api.legal_unit SET name = 'Newest' WHERE id = unit('r2') AND valid_from > '2021-04-01';
SELECT * FROM origin ORDER BY valid_from;
ROLLBACK;
-- The setting says nothing of a job that is not his, or not under way.
SELECT set_config('statbus.import_job', (SELECT j.id::text FROM import.job AS j WHERE j.slug = 'r1'), false) IS NOT NULL AS is_set;
UPDATE register.contact SET fax_number = '1' WHERE legal_unit_id = unit('B') AND fax_number IS NULL;
RESET statbus.import_job;
RESET ROLE;
SELECT count(*) AS kept_of_olav FROM import.undo_slice AS s WHERE s.table_name = 'contact' AND s.job_id = (SELECT j.id FROM import.job AS j WHERE j.slug = 'r1');
UPDATE register.contact SET fax_number = NULL WHERE legal_unit_id = unit('B');
SET ROLE "regress_undo_rita@example.org";
SELECT api.import_job_undo('r2');
SELECT api.import_job_undo('r2');                                             -- fails: under way
UPDATE import.job SET state = 'undone' WHERE slug = 'r2';                      -- fails
UPDATE import.job SET undo_kept = false WHERE slug = 'r2';                     -- fails
RESET ROLE;
CALL worker.process_tasks();
-- A job that waits for review was analysed with what r1 has written: r1 stays until that one is decided.
CALL job_of_rita('r3', true);
SET ROLE "regress_undo_ada@example.org";
SELECT api.import_job_undo('r1');
RESET ROLE;
CALL worker.process_tasks();
SELECT slug, state FROM import.job WHERE slug ~ '^r[0-9]' ORDER BY slug;
UPDATE import.job SET state = 'rejected' WHERE slug = 'r3';
CALL worker.process_tasks();
SELECT j.slug, j.state, u.display_name AS undone_by FROM import.job AS j LEFT JOIN auth."user" AS u ON u.id = j.undo_user_id WHERE j.slug ~ '^r[0-9]' ORDER BY j.slug;
SELECT count(*) FROM names WHERE name IN ('Alpha of Rita', 'New');
SELECT * FROM statbus.verify_derived();
SELECT api.import_job_undo('r3');                                             -- fails: it has written nothing
SELECT api.import_job_undo('no_such_job');                                    -- fails
\c contrib_regression
DROP DATABASE regress_import_undo;
DROP ROLE "regress_undo_rita@example.org", "regress_undo_olav@example.org", "regress_undo_ada@example.org";

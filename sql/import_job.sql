-- Import jobs: their tables, their upload, their states, their turn, and whose rights they have. The engine is stood in for:
-- what analysis and application do with rows is tested elsewhere.
SET client_min_messages = warning;
CREATE DATABASE regress_import_job TEMPLATE contrib_regression;
\c regress_import_job
\set VERBOSITY terse
SET client_min_messages = warning;
SET datestyle = ISO;
SET statbus."current_date" = '2024-06-15';

-- A row named "bad" is an error, "skip" is left out, "same" changes nothing, "warn" has a warning, "break" fails the job.
CREATE OR REPLACE FUNCTION import.analyse(job_id integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    job import.job;
BEGIN
    SELECT * INTO job FROM import.job AS j WHERE j.id = job_id;
    EXECUTE format($sql$
        INSERT INTO import.%I (row_id, source_line, name_raw, action, state, batch_seq, errors, warnings)
        SELECT u.row_id, u.row_id + 1, u.name,
               CASE WHEN u.name IN ('bad', 'skip') THEN 'skip'::import.row_action ELSE 'use' END,
               CASE WHEN u.name = 'bad' THEN 'error'::import.data_state ELSE 'analysed' END,
               CASE WHEN u.name NOT IN ('bad', 'skip') THEN (u.row_id + 1) / 2 END,
               CASE WHEN u.name = 'bad' THEN '{"name_raw": "value_missing"}'::jsonb ELSE '{}' END,
               CASE WHEN u.name = 'warn' THEN '{"name_raw": "warn"}'::jsonb ELSE '{}' END
        FROM (SELECT row_number() OVER (ORDER BY ctid) AS row_id, name FROM import.%I) AS u $sql$, job.data_table_name, job.upload_table_name);
    INSERT INTO import.bad_row
    SELECT job_id, 1, 2, '[{"code": "value_missing", "column": "name"}, {"code": "code_unknown", "severity": "info", "column": "sector_code", "value": "9"}]'
    WHERE job.slug = 'job_of_rita';
END $$;
CREATE TABLE public.applied (id integer GENERATED ALWAYS AS IDENTITY, slug text, batch integer, who text);
GRANT INSERT ON public.applied TO PUBLIC;
CREATE OR REPLACE FUNCTION import.apply_batch(job_id integer, OUT batch integer, OUT row_count bigint, OUT imported bigint, OUT unchanged bigint) LANGUAGE plpgsql AS $$
DECLARE
    job import.job;
BEGIN
    SELECT * INTO job FROM import.job AS j WHERE j.id = job_id;
    EXECUTE format($sql$SELECT min(batch_seq) FROM import.%I WHERE state = 'analysed' AND action = 'use'$sql$, job.data_table_name) INTO batch;
    INSERT INTO public.applied (slug, batch, who) VALUES (job.slug, batch, CURRENT_USER);
    EXECUTE format($sql$
        WITH applied AS (
            UPDATE import.%I SET state = 'processed',
                merge_status = CASE name_raw WHEN 'same' THEN '{"legal_unit": "SKIPPED_IDENTICAL"}'::jsonb
                                             WHEN 'break' THEN (1 / (length(name_raw) - 5))::text::jsonb
                                             ELSE '{"legal_unit": "APPLIED"}' END
            WHERE state = 'analysed' AND action = 'use' AND batch_seq = $1
            RETURNING name_raw)
        SELECT count(*), count(*) FILTER (WHERE name_raw <> 'same'), count(*) FILTER (WHERE name_raw = 'same') FROM applied $sql$, job.data_table_name)
    INTO row_count, imported, unchanged USING batch;
END $$;
GRANT EXECUTE ON FUNCTION import.apply_batch(integer) TO authenticated;

INSERT INTO auth."user" (display_name, email, statbus_role) VALUES
    ('Rita', 'regress_rita@example.org', 'regular_user'),
    ('Olav', 'regress_olav@example.org', 'regular_user'),
    ('Ada', 'regress_ada@example.org', 'admin_user');
SELECT auth.sync_roles() >= 0 AS roles_made;
CREATE FUNCTION public.new_job(slug text, definition text DEFAULT 'legal_unit_job_provided', context text DEFAULT 'r_year_curr', review boolean DEFAULT NULL)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO import.job (slug, definition_id, time_context_ident, review)
    SELECT new_job.slug, d.id, new_job.context, new_job.review FROM import.definition AS d WHERE d.slug = new_job.definition
$$;

-- What a new job is refused for.
SELECT new_job('a', context => NULL);                                        -- fails: no period
SELECT new_job('a', context => 'r_no_such_period');                          -- fails
SELECT new_job('a', context => 'r_start_of_week_curr');                      -- fails: for queries only
SELECT new_job('a', 'legal_unit_source_dates');                              -- fails: the file has the dates
INSERT INTO import.job (slug, definition_id, default_valid_from) VALUES ('a', 1, '2024-01-01');                                                 -- fails: half a period
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to) VALUES ('a', 1, '2024-01-01', '2023-12-31');                 -- fails
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to) VALUES ('a', 1, '-infinity', '2023-12-31');                  -- fails
INSERT INTO import.job (slug, definition_id, time_context_ident, default_valid_from, default_valid_to) VALUES ('a', 1, 'r_year_curr', '2024-01-01', '2024-12-31');  -- fails
INSERT INTO import.job (slug, definition_id, time_context_ident, default_data_source_code) VALUES ('a', 1, 'r_year_curr', 'no_such');           -- fails
INSERT INTO import.job (slug, definition_id) VALUES ('a', 4711);                                                                                -- fails
SELECT new_job('Upper');                                                     -- fails
SELECT new_job(repeat('x', 49));                                             -- fails
CREATE VIEW api.taken_upload AS SELECT 1 AS one;
SELECT new_job('taken');                                                     -- fails
UPDATE import.definition SET enabled = false WHERE slug = 'legal_unit_job_provided';
SELECT new_job('a');                                                         -- fails
UPDATE import.definition SET enabled = true WHERE slug = 'legal_unit_job_provided';

-- What is resolved: context, data source, user, expiry, slug; what is not for the caller to say.
INSERT INTO import.job (definition_id, time_context_ident, state, total_rows, imported_rows)
SELECT d.id, 'r_year_prev_only', 'finished', 5, 5 FROM import.definition AS d WHERE d.slug = 'establishment_without_lu_job_provided';
SELECT slug = 'import_job_' || id AS default_slug, default_valid_from, default_valid_to, default_data_source_code, user_id, state, total_rows, imported_rows,
       expires_at = created_at + interval '18 months' AS expires, definition_snapshot #>> '{time_context,ident}' AS context
FROM import.job;
DELETE FROM import.job;
SELECT new_job(repeat('x', 48));
DELETE FROM import.job;

-- The tables: one text column per heading in the file's own spelling; raw, typed and bookkeeping columns.
SELECT new_job('norway', 'brreg_underenhet');
SELECT string_agg(a.attname, ' ' ORDER BY a.attnum) AS upload, bool_and(a.atttypid = 'text'::regtype) AS all_text
FROM pg_attribute AS a WHERE a.attrelid = 'import.norway_upload'::regclass AND a.attnum > 0 AND a.attgenerated = '';
SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) AS data
FROM pg_attribute AS a WHERE a.attrelid = 'import.norway_data'::regclass AND a.attnum > 0;
SELECT c.relname, c.relkind, c.relpersistence, c.reloptions
FROM pg_class AS c WHERE c.relname LIKE 'norway%' AND c.relkind IN ('r', 'v') ORDER BY c.relnamespace::regnamespace::text, c.relname;
DELETE FROM import.job;
SELECT count(*) AS relations_left FROM pg_class WHERE relname LIKE 'norway%';

-- A user's own job: he uploads once, by one COPY.
SET ROLE "regress_rita@example.org";
SELECT new_job('job_of_rita');
SELECT user_id = auth.uid() AS own FROM import.job;
COPY import.job_of_rita_upload (tax_ident, name) FROM stdin;
\.
SELECT state FROM import.job;
COPY import.job_of_rita_upload (tax_ident, name) FROM stdin;
1	bad
2	skip
3	one
4	same
5	warn
\.
SELECT state, total_rows FROM import.job;
COPY import.job_of_rita_upload (tax_ident, name) FROM stdin;  -- fails
6	late
\.
INSERT INTO api.job_of_rita_upload (name) VALUES ('late');       -- fails
-- What he may change, and what not.
UPDATE import.job SET note = 'mine', description = 'Units of 2024' WHERE slug = 'job_of_rita';
UPDATE import.job SET total_rows = 7 WHERE slug = 'job_of_rita';                                -- fails
UPDATE import.job SET state = 'finished' WHERE slug = 'job_of_rita';                            -- fails
UPDATE import.job SET state = 'approved' WHERE slug = 'job_of_rita';                            -- fails: nothing to approve yet
UPDATE import.job_of_rita_upload SET name = 'x';                                                -- fails
RESET ROLE;
-- Somebody else sees the job, not the rows, and changes nothing; an administrator sees the rows when they are analysed.
SET ROLE "regress_olav@example.org";
SELECT slug, state FROM import.job;
UPDATE import.job SET note = 'not mine' WHERE slug = 'job_of_rita';
DELETE FROM import.job WHERE slug = 'job_of_rita';
SELECT note FROM import.job;
SELECT count(*) FROM api.job_of_rita_upload;                                                    -- fails
INSERT INTO import.job_of_rita_upload (name) VALUES ('x');                                      -- fails
SELECT import.job_progress(id) -> 'row_states' AS row_states FROM import.job;
RESET ROLE;
SET ROLE "regress_ada@example.org";
SELECT count(*) FROM api.job_of_rita_upload;                                                    -- fails
SELECT count(*) FROM api.job_of_rita_data;
RESET ROLE;

-- It waits for review because a row is bad; the next job waits with it, whatever its own review.
SELECT new_job('second', review => false);
INSERT INTO import.second_upload (name) VALUES ('bad'), ('two');
CALL worker.process_tasks();
SELECT slug, state, total_rows, imported_rows, unchanged_rows, skipped_rows, error_count, warning_count FROM import.job ORDER BY id;
SELECT import.job_progress(id) - '{job_id,last_progress_update,analysis_rows_per_sec}'::text[] AS progress FROM import.job WHERE slug = 'job_of_rita';
SELECT f.row_id, f.source_line, f.column_name, f.code, f.severity, f.value, import.finding_message(c.message, f.column_name, f.value, f.details) AS message
FROM import.finding AS f JOIN import.finding_code AS c USING (code) ORDER BY f.row_id, f.code;
SELECT row_id, name_raw, errors, warnings FROM api.job_of_rita_data WHERE errors <> '{}' OR warnings <> '{}' ORDER BY row_id;
SELECT count(*) AS tasks_open FROM worker.tasks WHERE state = 'pending';
-- Approved by its user, it goes on with his rights; then comes the next.
SET ROLE "regress_rita@example.org";
UPDATE import.job SET state = 'approved' WHERE slug = 'job_of_rita';
RESET ROLE;
SELECT count(*) AS tasks_open FROM worker.tasks WHERE state = 'pending';
CALL worker.process_tasks();
SELECT slug, state, total_rows, imported_rows, unchanged_rows, skipped_rows, error_count, warning_count, import_completed_pct FROM import.job ORDER BY id;
SELECT slug, batch, CASE who WHEN CURRENT_USER THEN 'the owner' ELSE who END AS who FROM public.applied ORDER BY id;
SELECT CURRENT_USER = SESSION_USER AS own_role_again;
SELECT count(*) AS not_completed FROM worker.tasks WHERE state <> 'completed';

-- Rejected: nothing is written, every good row is skipped. Reviewed always: even without a bad row.
TRUNCATE public.applied;
SELECT new_job('third', review => true);
INSERT INTO import.third_upload (name) VALUES ('one'), ('two'), ('same');
CALL worker.process_tasks();
SELECT state FROM import.job WHERE slug = 'third';
UPDATE import.job SET state = 'rejected' WHERE slug = 'third';
CALL worker.process_tasks();
SELECT state, imported_rows, unchanged_rows, skipped_rows, error_count, changes_rejected_at IS NOT NULL AS rejected FROM import.job WHERE slug = 'third';
SELECT count(*) AS applied FROM public.applied;

-- First uploaded, first served. A failing job does not hold the others; its own changes since the last batch are gone.
SELECT new_job('fourth', review => false), new_job('fifth', review => false);
INSERT INTO import.fifth_upload (name) VALUES ('one'), ('two'), ('three'), ('break');
INSERT INTO import.fourth_upload (name) VALUES ('one');
CALL worker.process_tasks();
SELECT slug, state, error, imported_rows FROM import.job WHERE slug IN ('fourth', 'fifth') ORDER BY id;
SELECT slug, batch FROM public.applied ORDER BY id;
SELECT state, count(*) FROM import.fifth_data GROUP BY state ORDER BY state;

-- A job that waits for review is deleted: its tables go, and the next one has its turn.
SELECT new_job('sixth', review => true), new_job('seventh', review => false);
INSERT INTO import.sixth_upload (name) VALUES ('one');
INSERT INTO import.seventh_upload (name) VALUES ('one');
CALL worker.process_tasks();
SELECT slug, state FROM import.job WHERE slug IN ('sixth', 'seventh') ORDER BY id;
DELETE FROM import.job WHERE slug = 'sixth';
SELECT to_regclass('import.sixth_data') AS data, to_regclass('api.sixth_upload') AS upload;
CALL worker.process_tasks();
SELECT slug, state FROM import.job WHERE slug IN ('sixth', 'seventh') ORDER BY id;

-- A user who is gone does not import.
SET ROLE "regress_olav@example.org";
SELECT new_job('job_of_olav');
INSERT INTO import.job_of_olav_upload (name) VALUES ('one');
RESET ROLE;
UPDATE auth."user" SET deleted_at = now() WHERE display_name = 'Olav';
CALL worker.process_tasks();
SELECT state, replace(error, id::text, 'n') AS error FROM import.job WHERE slug = 'job_of_olav';

-- The triggers of the tables come back with migrate(), as after DROP EXTENSION … CASCADE.
SELECT new_job('eighth');
DROP TRIGGER upload_start ON import.eighth_upload;
DROP TRIGGER upload_done ON import.eighth_upload;
CALL statbus.migrate();
INSERT INTO import.eighth_upload (name) VALUES ('one');
INSERT INTO import.eighth_upload (name) VALUES ('two');   -- fails

-- The states are what they are for everybody; a finished job accounts for every row.
UPDATE import.job SET state = 'finished' WHERE slug = 'eighth';                     -- fails
UPDATE import.job SET state = 'preparing_data' WHERE slug = 'seventh';              -- fails
UPDATE import.job SET imported_rows = imported_rows + 1 WHERE slug = 'seventh';     -- fails
UPDATE import.job SET slug = 'other' WHERE slug = 'seventh';                        -- fails

-- The server fills gaps: rows do not lie in the order in which they came. Lines are those of the file all the same, with COPY
-- and with INSERT.
SELECT new_job('wide');
INSERT INTO import.wide_upload (tax_ident, name)
SELECT 900000000 + n, CASE WHEN n % 50 = 0 THEN (SELECT string_agg(md5((n * i)::text), '') FROM generate_series(1, 59) AS i) ELSE 'Short' END FROM generate_series(1, 3000) AS n;
SELECT count(*) > 100 AS lie_elsewhere FROM (SELECT row_number() OVER (ORDER BY u.ctid) AS n, u.tax_ident FROM import.wide_upload AS u) AS u WHERE u.tax_ident::integer <> 900000000 + u.n;
SELECT import.analyse(id) FROM import.job WHERE slug = 'wide';
SELECT count(*), count(*) FILTER (WHERE d.tax_ident_raw::integer <> 899999999 + d.source_line OR d.row_id <> d.source_line - 1) AS wrong FROM import.wide_data AS d;
DELETE FROM import.job WHERE slug = 'wide';

-- Expired jobs go; one at work stays.
UPDATE import.job SET created_at = now() - interval '2 years', expires_at = now() - interval '1 day' WHERE slug IN ('seventh', 'eighth');
SELECT worker.spawn('import_job_cleanup') > 0 AS spawned;
CALL worker.process_tasks('maintenance');
SELECT slug FROM import.job WHERE slug IN ('seventh', 'eighth');

\c contrib_regression
DROP DATABASE regress_import_job;
DROP ROLE "regress_rita@example.org", "regress_olav@example.org", "regress_ada@example.org";

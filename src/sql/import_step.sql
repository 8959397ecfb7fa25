-- The course of a job: one step after the other, each by a task of its own. See src/sql/import_job.sql.

CREATE OR REPLACE FUNCTION import.wake_jobs()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $wake_jobs$
DECLARE
    job record;
BEGIN
    FOR job IN
        SELECT j.id, j.priority
        FROM import.job AS j
        WHERE j.state::text IN ('upload_completed', 'approved', 'rejected', 'undoing')
        ORDER BY j.state::text <> 'undoing', j.priority
    LOOP
        PERFORM worker.spawn('import_job', jsonb_build_object('job_id', job.id), priority := job.priority);
    END LOOP;
END
$wake_jobs$;
COMMENT ON FUNCTION import.wake_jobs() IS 'Queues the jobs that wait for their turn, in order; internal';
REVOKE ALL ON FUNCTION import.wake_jobs() FROM PUBLIC;

-- DEFINER: queueing tasks
CREATE OR REPLACE FUNCTION import.job_state_changed()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $job_state_changed$
BEGIN
    IF NEW.state::text IN ('approved', 'rejected', 'finished', 'failed', 'undoing', 'undone') THEN
        PERFORM import.wake_jobs();
    END IF;
    PERFORM pg_notify('import_job', jsonb_build_object('verb', 'UPDATE', 'id', NEW.id)::text);
    RETURN NULL;
END
$job_state_changed$;
COMMENT ON FUNCTION import.job_state_changed() IS 'Trigger: a decided or finished job lets the next one go on';
REVOKE ALL ON FUNCTION import.job_state_changed() FROM PUBLIC;

-- One batch, with the rights of the job's user. The caller must not be SECURITY DEFINER: such functions cannot change role.
CREATE OR REPLACE FUNCTION import.apply_batch_as_user(job_id integer, OUT batch integer, OUT row_count bigint, OUT imported bigint, OUT unchanged bigint)
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $apply_batch_as_user$
DECLARE
    role_before CONSTANT text := current_setting('role');
    owner record;
BEGIN
    SELECT u.email::text AS role_name, u.display_name, u.deleted_at INTO STRICT owner
    FROM import.job AS j
    JOIN auth."user" AS u ON u.id = j.user_id
    WHERE j.id = apply_batch_as_user.job_id;
    IF owner.deleted_at IS NOT NULL THEN
        RAISE EXCEPTION 'user "%" of import job % was deleted', owner.display_name, job_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF owner.role_name IS NOT NULL THEN
        IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = owner.role_name) THEN
            RAISE EXCEPTION 'role "%" does not exist', owner.role_name
                USING ERRCODE = 'undefined_object', HINT = 'Run SELECT auth.sync_roles().';
        END IF;
        PERFORM set_config('role', owner.role_name, true);
    END IF;
    SELECT b.batch, b.row_count, b.imported, b.unchanged INTO STRICT batch, row_count, imported, unchanged
    FROM import.apply_batch(apply_batch_as_user.job_id) AS b;
    PERFORM set_config('role', role_before, true);
END
$apply_batch_as_user$;
COMMENT ON FUNCTION import.apply_batch_as_user(integer) IS
    'Applies the next batch of an import job with the rights of the job''s user; what import.apply_batch() says of it; internal';
REVOKE ALL ON FUNCTION import.apply_batch_as_user(integer) FROM PUBLIC;

-- What became of the rows, by the data table: an error, left out, taken and the register was so already, or taken and changed
-- it. Rows taken carry "APPLIED" in merge_status for what was changed; few different ones are looked into, for all rows.
CREATE OR REPLACE FUNCTION import.row_counts(job_id integer)
RETURNS TABLE (total bigint, imported bigint, unchanged bigint, skipped bigint, errors bigint, open bigint, warnings bigint)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $row_counts$
DECLARE
    data_table text;
BEGIN
    SELECT j.data_table_name INTO STRICT data_table FROM import.job AS j WHERE j.id = row_counts.job_id;
    RETURN QUERY EXECUTE format($sql$
        SELECT coalesce(sum(r.row_count), 0)::bigint,
               coalesce(sum(r.row_count) FILTER (WHERE r.outcome = 'imported'), 0)::bigint,
               coalesce(sum(r.row_count) FILTER (WHERE r.outcome = 'unchanged'), 0)::bigint,
               coalesce(sum(r.row_count) FILTER (WHERE r.outcome = 'skipped'), 0)::bigint,
               coalesce(sum(r.row_count) FILTER (WHERE r.outcome = 'error'), 0)::bigint,
               coalesce(sum(r.row_count) FILTER (WHERE r.outcome = 'open'), 0)::bigint,
               coalesce(sum(r.row_count) FILTER (WHERE r.has_warnings AND r.outcome NOT IN ('error', 'skipped')), 0)::bigint
        FROM (SELECT g.row_count, g.has_warnings,
                     CASE
                         WHEN g.state = 'error' THEN 'error'
                         WHEN g.action = 'skip' THEN 'skipped'
                         WHEN g.state <> 'processed' THEN 'open'
                         WHEN jsonb_path_exists(g.merge_status, '$.** ? (@ == "APPLIED")') THEN 'imported'
                         ELSE 'unchanged'
                     END AS outcome
              FROM (SELECT d.state, d.action, d.warnings <> '{}' AS has_warnings, d.merge_status, count(*) AS row_count
                    FROM import.%I AS d
                    GROUP BY d.state, d.action, d.warnings <> '{}', d.merge_status) AS g) AS r $sql$, data_table);
END
$row_counts$;
COMMENT ON FUNCTION import.row_counts(integer) IS
    'How many rows of an import job were imported, found unchanged, skipped, refused, are still open, and how many of those taken have warnings; internal';
REVOKE ALL ON FUNCTION import.row_counts(integer) FROM PUBLIC;

-- Makes the unique index of a full data table its primary key. Readers of the table have to wait from here to the end of the
-- transaction, so that it is the last thing of a step; and it is left out when somebody reads: no job waits for a reader.
CREATE OR REPLACE FUNCTION import.key_data(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $key_data$
DECLARE
    data_table text;
    key_name name;
BEGIN
    SELECT j.data_table_name INTO STRICT data_table FROM import.job AS j WHERE j.id = key_data.job_id;
    SELECT c.relname INTO key_name
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    WHERE i.indrelid = format('import.%I', data_table)::regclass AND c.relname = data_table || '_pkey' AND NOT i.indisprimary;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    BEGIN
        EXECUTE format('LOCK TABLE import.%I IN ACCESS EXCLUSIVE MODE NOWAIT', data_table);
        EXECUTE format('ALTER TABLE import.%I ADD PRIMARY KEY USING INDEX %I', data_table, key_name);
    EXCEPTION WHEN lock_not_available THEN
        RETURN;
    END;
END
$key_data$;
COMMENT ON FUNCTION import.key_data(integer) IS 'Gives the data table of an analysed job its primary key, unless somebody reads it; internal';
REVOKE ALL ON FUNCTION import.key_data(integer) FROM PUBLIC;

-- Takes one step and returns whether there is another one to take now.
CREATE OR REPLACE FUNCTION import.job_step(job_id integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $job_step$
DECLARE
    job record;
    counts record;
    started_at CONSTANT timestamptz := clock_timestamp();
    seconds numeric;
    applied record;
    outdated bigint;
    conflicts bigint;
    next_state text;
BEGIN
    SELECT j.id, j.slug, j.state::text AS state, j.error, j.review, j.upload_table_name, j.data_table_name, j.total_rows, j.error_count, j.processing_start_at
    INTO job
    FROM import.job AS j
    WHERE j.id = job_step.job_id
    FOR KEY SHARE;      -- whoever deletes it waits for the end of this step
    IF NOT FOUND THEN
        RETURN false;   -- deleted meanwhile
    END IF;

    CASE job.state
        WHEN 'upload_completed' THEN
            -- Its turn comes when the job before it is done; that job then wakes it.
            IF EXISTS (SELECT
                       FROM import.job AS other
                       WHERE other.state::text IN ('preparing_data', 'analysing_data', 'waiting_for_review', 'approved', 'rejected', 'processing_data', 'undoing')) THEN
                RETURN false;
            END IF;
            next_state := 'preparing_data';
            UPDATE import.job AS j SET state = 'preparing_data' WHERE j.id = job.id;

        WHEN 'preparing_data' THEN
            -- How many rows there are is asked for, and nothing about their columns.
            EXECUTE format('ANALYZE import.%I (%I)', job.upload_table_name,
                           (SELECT a.attname FROM pg_attribute AS a
                            WHERE a.attrelid = format('import.%I', job.upload_table_name)::regclass AND a.attnum > 0 AND NOT a.attisdropped
                            ORDER BY a.attnum LIMIT 1));
            next_state := 'analysing_data';
            UPDATE import.job AS j SET state = 'analysing_data' WHERE j.id = job.id;

        WHEN 'analysing_data' THEN
            PERFORM import.report_progress(job.id, 'read', 0);
            PERFORM import.analyse(job.id);
            PERFORM import.report_progress(job.id, 'end', 0);
            SELECT * INTO counts FROM import.row_counts(job.id);
            IF counts.total <> job.total_rows THEN
                RAISE EXCEPTION 'import job "%": % rows were uploaded and % analysed', job.slug, job.total_rows, counts.total
                    USING ERRCODE = 'data_corrupted';
            END IF;
            PERFORM import.note_rules(job.id);
            PERFORM import.note_dates(job.id);
            next_state := CASE WHEN import.too_many_errors(job.id, counts.errors, counts.total) THEN 'rejected'
                               WHEN coalesce(job.review, counts.errors > 0) THEN 'waiting_for_review' ELSE 'processing_data' END;
            seconds := greatest(EXTRACT(epoch FROM clock_timestamp() - started_at), 0.001);
            UPDATE import.job AS j
            SET state = next_state::import.job_state, analysis_stop_at = clock_timestamp(), analysis_completed_pct = 100,
                analysis_rows_per_sec = counts.total / seconds, error_count = counts.errors, warning_count = counts.warnings, skipped_rows = counts.skipped
            WHERE j.id = job.id;
            PERFORM import.key_data(job.id);

        WHEN 'approved' THEN
            outdated := import.refuse_outdated(job.id);
            IF outdated > 0 AND import.too_many_errors(job.id, job.error_count + outdated, job.total_rows) THEN
                next_state := 'failed';
                UPDATE import.job AS j
                SET state = 'failed', error = format('rows that are out of date: %s. With them, more rows have errors than the job may have', outdated),
                    error_count = j.error_count + outdated, skipped_rows = j.total_rows - j.error_count - outdated
                WHERE j.id = job.id;
            ELSE
                next_state := 'processing_data';
                UPDATE import.job AS j SET state = 'processing_data', error_count = j.error_count + outdated WHERE j.id = job.id;
            END IF;

        WHEN 'rejected' THEN
            next_state := 'finished';
            UPDATE import.job AS j
            SET state = 'finished', imported_rows = 0, unchanged_rows = 0, skipped_rows = j.total_rows - j.error_count
            WHERE j.id = job.id;

        WHEN 'processing_data' THEN
            SELECT b.batch, b.row_count, b.imported, b.unchanged INTO STRICT applied FROM import.apply_batch_as_user(job.id) AS b;
            seconds := greatest(EXTRACT(epoch FROM clock_timestamp() - job.processing_start_at), 0.001);
            IF applied.row_count > 0 THEN
                -- The others of the batch are errors: the register refused them.
                next_state := 'processing_data';
                UPDATE import.job AS j
                SET imported_rows = j.imported_rows + applied.imported, unchanged_rows = j.unchanged_rows + applied.unchanged,
                    error_count = j.error_count + applied.row_count - applied.imported - applied.unchanged, next_batch = applied.batch + 1,
                    last_progress_update = clock_timestamp()
                WHERE j.id = job.id;
            ELSE
                -- What the batches said of themselves was for those who watch; what counts is what the rows say.
                next_state := 'finished';
                SELECT * INTO counts FROM import.row_counts(job.id);
                IF counts.open > 0 THEN
                    RAISE EXCEPTION 'import job "%": % rows were not applied', job.slug, counts.open
                        USING ERRCODE = 'data_corrupted';
                END IF;
                IF counts.total <> job.total_rows THEN
                    RAISE EXCEPTION 'import job "%": % rows were uploaded and % are there', job.slug, job.total_rows, counts.total
                        USING ERRCODE = 'data_corrupted';
                END IF;
                UPDATE import.job AS j
                SET state = 'finished', processing_stop_at = clock_timestamp(), imported_rows = counts.imported, unchanged_rows = counts.unchanged,
                    skipped_rows = counts.skipped, error_count = counts.errors, warning_count = counts.warnings
                WHERE j.id = job.id;
            END IF;
            UPDATE import.job AS j
            SET import_completed_pct = least(100, 100.0 * (j.imported_rows + j.unchanged_rows + j.skipped_rows + j.error_count) / greatest(j.total_rows, 1)),
                import_rows_per_sec = (j.imported_rows + j.unchanged_rows) / seconds
            WHERE j.id = job.id;

        WHEN 'undoing' THEN
            -- A job that was analysed counts on what the register has.
            IF EXISTS (SELECT FROM import.job AS other
                       WHERE other.state IN ('preparing_data', 'analysing_data', 'waiting_for_review', 'approved', 'rejected', 'processing_data')) THEN
                RETURN false;
            END IF;
            conflicts := import.undo_rows(job.id);
            next_state := CASE WHEN conflicts = 0 THEN 'undone' WHEN job.error IS NULL THEN 'finished' ELSE 'failed' END;
            UPDATE import.job AS j
            SET state = next_state::import.job_state, undo_error = CASE WHEN conflicts > 0 THEN format('%s rows were changed since, or are in use', conflicts) END
            WHERE j.id = job.id;

        ELSE
            RETURN false;   -- waits for a person, or is done
    END CASE;
    RETURN next_state NOT IN ('waiting_for_review', 'finished', 'failed', 'undone');
END
$job_step$;
COMMENT ON FUNCTION import.job_step(integer) IS 'Takes the next step of an import job; returns whether another one can be taken at once; internal';
REVOKE ALL ON FUNCTION import.job_step(integer) FROM PUBLIC;

CREATE OR REPLACE PROCEDURE import.process_job(payload jsonb)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $process_job$
DECLARE
    this_job CONSTANT integer := (payload ->> 'job_id')::integer;
BEGIN
    IF import.job_step(this_job) THEN
        PERFORM worker.spawn('import_job', jsonb_build_object('job_id', this_job),
                             priority := (SELECT j.priority FROM import.job AS j WHERE j.id = this_job));
    END IF;
END
$process_job$;
COMMENT ON PROCEDURE import.process_job(jsonb) IS 'Handler of import_job: takes one step with job {"job_id": n} and queues the next';
REVOKE ALL ON PROCEDURE import.process_job(jsonb) FROM PUBLIC;

CREATE OR REPLACE PROCEDURE import.fail_job(payload jsonb, error text)
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $fail_job$
    -- An undo that fails has changed nothing: the job is as it was.
    UPDATE import.job AS j
    SET state = CASE WHEN j.state::text = 'undoing' AND j.error IS NULL THEN 'finished'::import.job_state ELSE 'failed' END,
        error = CASE WHEN j.state::text = 'undoing' THEN j.error ELSE coalesce(nullif(fail_job.error, ''), 'unknown error') END,
        undo_error = CASE WHEN j.state::text = 'undoing' THEN coalesce(nullif(fail_job.error, ''), 'unknown error') ELSE j.undo_error END,
        -- What was not applied by then never will be.
        skipped_rows = CASE WHEN j.state::text = 'undoing' THEN j.skipped_rows
                            ELSE coalesce(j.total_rows - j.imported_rows - j.unchanged_rows - j.error_count, 0) END
    WHERE j.id = (payload ->> 'job_id')::integer
    AND j.state::text NOT IN ('finished', 'failed', 'undone');
$fail_job$;
COMMENT ON PROCEDURE import.fail_job(jsonb, text) IS 'Marks the job of a failed task as failed';
REVOKE ALL ON PROCEDURE import.fail_job(jsonb, text) FROM PUBLIC;

CREATE OR REPLACE PROCEDURE import.delete_expired_jobs(payload jsonb)
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $delete_expired_jobs$
    DELETE FROM import.job AS j
    WHERE j.expires_at < statement_timestamp()
    AND j.state::text IN ('waiting_for_upload', 'finished', 'failed', 'undone');
    -- Nobody sends the rest of such a file any more.
    SELECT import.discard_upload(u.job_id)
    FROM import.upload AS u
    WHERE u.finished_at IS NULL
    AND u.started_at < statement_timestamp() - interval '7 days';
$delete_expired_jobs$;
COMMENT ON PROCEDURE import.delete_expired_jobs(jsonb) IS
    'Handler of import_job_cleanup: deletes jobs past expires_at, with their tables, and files of which the last chunk has not come in a week';
REVOKE ALL ON PROCEDURE import.delete_expired_jobs(jsonb) FROM PUBLIC;

-- How far a job is while it is analysed, and what people do with jobs: decide, call off, copy, delete.

CREATE OR REPLACE FUNCTION import.report_progress(job_id integer, phase text, rows bigint)
RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_import_report_progress';
COMMENT ON FUNCTION import.report_progress(integer, text, bigint) IS
    'Internal: tells other sessions at once how far a job is: phase read, identify or write of its analysis, and rows of it done, or undo, and how much in parts of 10,000; another word ends it';
REVOKE ALL ON FUNCTION import.report_progress(integer, text, bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION import.running()
RETURNS TABLE (job_id integer, phase text, rows bigint)
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'statbus_import_running';
COMMENT ON FUNCTION import.running() IS 'The jobs that are being analysed or undone: the phase, and the rows of it that are done, of undo parts of 10,000';
REVOKE ALL ON FUNCTION import.running() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.running() TO authenticated;

-- Of the time of an analysis reading takes about a fifth and writing two thirds.
CREATE OR REPLACE FUNCTION import.analysis_pct(job_id integer, total_rows bigint)
RETURNS numeric
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $analysis_pct$
    SELECT coalesce(max(round(CASE r.phase WHEN 'read' THEN 0 WHEN 'identify' THEN 20 ELSE 33 END
                              + CASE r.phase WHEN 'read' THEN 20 WHEN 'identify' THEN 0 ELSE 66 END
                              * least(r.rows::numeric / greatest(analysis_pct.total_rows, 1), 1), 2)), 0)
    FROM import.running() AS r
    WHERE r.job_id = analysis_pct.job_id
$analysis_pct$;
COMMENT ON FUNCTION import.analysis_pct(integer, bigint) IS 'How many per cent of the analysis of a job of so many rows are done, as it goes on in whichever session';
REVOKE ALL ON FUNCTION import.analysis_pct(integer, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analysis_pct(integer, bigint) TO authenticated;

-- What people do -----------------------------------------------------------------------------------------------------

-- Everybody sees jobs; whose job it is, and administrators, change it.
CREATE OR REPLACE FUNCTION import.decide_job(job_slug text, decision text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $decide_job$
DECLARE
    decided jsonb;
    state_before text;
BEGIN
    SELECT j.state::text INTO state_before FROM import.job AS j WHERE j.slug = job_slug;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no import job "%"', job_slug USING ERRCODE = 'PT404';
    END IF;
    UPDATE import.job AS j SET state = decision::import.job_state
    WHERE j.slug = job_slug AND j.state = 'waiting_for_review'
    RETURNING jsonb_build_object('job', j.slug, 'state', j.state) INTO decided;
    IF decided IS NULL THEN
        IF NOT (has_table_privilege('import.job', 'UPDATE') AND EXISTS (
                SELECT FROM import.job AS j WHERE j.slug = job_slug AND (j.user_id = auth.uid() OR auth.is_at_least('admin_user')))) THEN
            RAISE EXCEPTION 'permission denied to decide about import job "%"', job_slug
                USING ERRCODE = 'insufficient_privilege', HINT = 'Its user and administrators may.';
        END IF;
        SELECT j.state::text INTO state_before FROM import.job AS j WHERE j.slug = job_slug;
        RAISE EXCEPTION 'import job "%" does not wait for review', job_slug
            USING ERRCODE = 'PT409', DETAIL = format('Its state is "%s".', state_before);
    END IF;
    RETURN decided;
END
$decide_job$;
COMMENT ON FUNCTION import.decide_job(text, text) IS 'Approves or rejects an import job that waits for review';
REVOKE ALL ON FUNCTION import.decide_job(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.decide_job(text, text) TO authenticated;

-- The job first, then the task: as the worker locks them. The session at work rolls back what it is at; batches that were applied
-- before stay.
-- DEFINER: a session of another user is told to stop, and a job is made to fail
CREATE OR REPLACE FUNCTION import.cancel_job(job_slug text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $cancel_job$
DECLARE
    caller CONSTANT integer := auth.caller_id();     -- 1: a superuser
    job record;
    reason text;
BEGIN
    SELECT j.id, j.user_id, j.state::text AS state INTO job FROM import.job AS j WHERE j.slug = job_slug;
    IF caller IS NULL OR NOT FOUND THEN
        RAISE EXCEPTION 'there is no import job "%"', job_slug USING ERRCODE = 'PT404';
    END IF;
    IF caller <> job.user_id AND NOT auth.caller_is_administrator() THEN
        RAISE EXCEPTION 'permission denied to cancel import job "%"', job_slug
            USING ERRCODE = 'insufficient_privilege', HINT = 'Its user and administrators may.';
    END IF;
    SELECT j.id, j.state::text AS state INTO job FROM import.job AS j WHERE j.id = job.id FOR NO KEY UPDATE;
    IF NOT FOUND OR job.state IN ('waiting_for_upload', 'rejected', 'finished', 'failed', 'undoing', 'undone') THEN
        RAISE EXCEPTION 'import job "%" is not under way', job_slug
            USING ERRCODE = 'PT409', DETAIL = format('Its state is "%s".', coalesce(job.state, 'deleted')),
                  HINT = CASE job.state WHEN 'waiting_for_upload' THEN 'Cancel its upload, or delete it.' ELSE 'Delete it if it is not needed.' END;
    END IF;
    IF job.state = 'waiting_for_review' THEN
        UPDATE import.job AS j SET state = 'rejected' WHERE j.id = job.id;
        RETURN jsonb_build_object('job', job_slug, 'state', 'rejected');
    END IF;
    SELECT 'cancelled by ' || u.display_name INTO STRICT reason FROM auth."user" AS u WHERE u.id = caller;
    UPDATE import.job AS j
    SET state = 'failed', error = reason, skipped_rows = coalesce(j.total_rows - j.imported_rows - j.unchanged_rows - j.error_count, 0)
    WHERE j.id = job.id;
    PERFORM worker.cancel(t.id, reason)
    FROM worker.tasks AS t
    WHERE t.queue IN (SELECT r.queue FROM worker.command_registry AS r WHERE r.command = 'import_job')
    AND t.state = 'processing' AND t.command = 'import_job' AND t.payload = jsonb_build_object('job_id', job.id);
    RETURN jsonb_build_object('job', job_slug, 'state', 'failed', 'error', reason);
END
$cancel_job$;
COMMENT ON FUNCTION import.cancel_job(text) IS
    'Calls off an import job that is under way: it has failed, the session that works on it stops at once, and later jobs go on; one that waits for review is rejected';
REVOKE ALL ON FUNCTION import.cancel_job(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.cancel_job(text) TO authenticated;

-- What was said of rows and of the file when it was read goes along: without it, nobody would know which cells of a broken
-- record are whose.
-- DEFINER: what reading has found is written by no role
CREATE OR REPLACE FUNCTION import.copy_read_file(job_slug text, new_slug text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET client_min_messages = 'warning'
AS $copy_read_file$
DECLARE
    new_id CONSTANT integer := import.lock_upload(new_slug);
    caller CONSTANT integer := auth.caller_id();     -- 1: a superuser
    upload import.upload;
    columns text;
BEGIN
    SELECT u.* INTO upload
    FROM import.upload AS u
    JOIN import.job AS j ON j.id = u.job_id
    WHERE j.slug = job_slug AND u.finished_at IS NOT NULL AND caller IN (j.user_id, 1);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'permission denied to copy the file of import job "%"', job_slug
            USING ERRCODE = 'insufficient_privilege', HINT = 'A file is its user''s.';
    END IF;
    EXECUTE format('ALTER TABLE import.%I ADD COLUMN IF NOT EXISTS "statbus:line" bigint, ADD COLUMN IF NOT EXISTS "statbus:findings" jsonb', new_slug || '_upload');
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO columns
    FROM pg_attribute AS a
    JOIN pg_attribute AS b ON b.attrelid = format('import.%I', new_slug || '_upload')::regclass AND b.attname = a.attname AND b.attnum > 0
    WHERE a.attrelid = format('import.%I', job_slug || '_upload')::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'statbus:place';
    EXECUTE format('INSERT INTO import.%1$I (%2$s) SELECT %2$s FROM import.%3$I ORDER BY "statbus:line"', new_slug || '_upload', columns, job_slug || '_upload');
    -- No chunk of it came to this job.
    upload.job_id := new_id;
    upload.chunks := 0;
    INSERT INTO import.upload SELECT upload.*;
    PERFORM import.note_absent_columns(new_id);
    INSERT INTO import.bad_row (job_id, row_id, findings) SELECT new_id, 0, upload.findings WHERE upload.findings <> '[]';
END
$copy_read_file$;
COMMENT ON FUNCTION import.copy_read_file(text, text) IS
    'Copies a file that came in chunks, with what was found when it was read, to a job of the caller that waits for one';
REVOKE ALL ON FUNCTION import.copy_read_file(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.copy_read_file(text, text) TO authenticated;

-- By the definition as it is now, with the settings of the job, in the name of the caller.
CREATE OR REPLACE FUNCTION import.clone_job(job_slug text, new_slug text, with_file boolean)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $clone_job$
DECLARE
    old_job record;
    new_job record;
    columns text;
    place text;
BEGIN
    SELECT j.* INTO old_job FROM import.job AS j WHERE j.slug = job_slug;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no import job "%"', job_slug USING ERRCODE = 'PT404';
    END IF;
    INSERT INTO import.job (slug, description, note, definition_id, time_context_ident, default_valid_from, default_valid_to, default_data_source_code,
                            review, truncate_overlong, analysis_batch_size, processing_batch_size, max_errors, max_error_ratio, on_error)
    SELECT new_slug, old_job.description, old_job.note, old_job.definition_id, old_job.time_context_ident,
           CASE WHEN old_job.time_context_ident IS NULL THEN old_job.default_valid_from END, CASE WHEN old_job.time_context_ident IS NULL THEN old_job.default_valid_to END,
           old_job.default_data_source_code, old_job.review, old_job.truncate_overlong, old_job.analysis_batch_size, old_job.processing_batch_size,
           old_job.max_errors, old_job.max_error_ratio, old_job.on_error
    RETURNING id, slug, upload_table_name INTO new_job;
    IF with_file AND EXISTS (SELECT FROM import.upload AS u WHERE u.job_id = old_job.id AND u.finished_at IS NOT NULL) THEN
        PERFORM import.copy_read_file(job_slug, new_job.slug);
    ELSIF with_file THEN
        -- Columns that the definition has had since then stay empty; what it has no more is left out.
        SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO columns
        FROM pg_attribute AS a
        JOIN pg_attribute AS b ON b.attrelid = format('import.%I', new_job.upload_table_name)::regclass AND b.attname = a.attname AND b.attnum > 0
        WHERE a.attrelid = format('import.%I', old_job.upload_table_name)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT LIKE 'statbus:%';
        SELECT quote_ident(a.attname) INTO place
        FROM pg_attribute AS a
        WHERE a.attrelid = format('import.%I', old_job.upload_table_name)::regclass AND a.attname = 'statbus:place' AND NOT a.attisdropped;
        EXECUTE format('INSERT INTO import.%1$I (%2$s) SELECT %2$s FROM import.%3$I ORDER BY %4$s', new_job.upload_table_name, columns, old_job.upload_table_name, coalesce(place, 'ctid'));
    END IF;
    RETURN (SELECT jsonb_build_object('job', j.slug, 'id', j.id, 'state', j.state, 'rows', j.total_rows) FROM import.job AS j WHERE j.id = new_job.id);
END
$clone_job$;
COMMENT ON FUNCTION import.clone_job(text, text, boolean) IS
    'Makes a job with the settings of another one, by the definition as it is now, and if asked for with its file, which only its user may read';
REVOKE ALL ON FUNCTION import.clone_job(text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.clone_job(text, text, boolean) TO authenticated;

CREATE OR REPLACE FUNCTION import.delete_job(job_slug text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $delete_job$
DECLARE
    under_way CONSTANT text[] := '{preparing_data,analysing_data,processing_data,undoing}';
    state_before text;
BEGIN
    SELECT j.state::text INTO state_before FROM import.job AS j WHERE j.slug = job_slug;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no import job "%"', job_slug USING ERRCODE = 'PT404';
    END IF;
    -- A worker may take it up while its row is waited for.
    DELETE FROM import.job AS j WHERE j.slug = job_slug AND j.state::text <> ALL (under_way);
    IF NOT FOUND THEN
        SELECT j.state::text INTO state_before FROM import.job AS j WHERE j.slug = job_slug;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no import job "%"', job_slug USING ERRCODE = 'PT404';
        END IF;
        IF state_before = ANY (under_way) THEN
            RAISE EXCEPTION 'import job "%" is under way', job_slug
                USING ERRCODE = 'PT409', DETAIL = format('Its state is "%s".', state_before), HINT = 'Cancel it first.';
        END IF;
        RAISE EXCEPTION 'permission denied to delete import job "%"', job_slug
            USING ERRCODE = 'insufficient_privilege', HINT = 'Its user and administrators may.';
    END IF;
END
$delete_job$;
COMMENT ON FUNCTION import.delete_job(text) IS 'Deletes an import job that is not under way, with its tables and findings; what it has imported stays';
REVOKE ALL ON FUNCTION import.delete_job(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.delete_job(text) TO authenticated;

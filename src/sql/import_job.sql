-- A job: one file on its way into the register.
--
--   waiting_for_upload → upload_completed → preparing_data → analysing_data → [waiting_for_review → approved | rejected]
--   → processing_data → finished; from any of them → failed; finished or failed → undoing → undone
--
-- The upload queues task import_job; each run of it takes one step and queues the next. Jobs run one after the other, in
-- the order in which their uploads were completed: a job whose turn has not come is left alone, and woken when the one
-- before it is done.

-- Which state may follow which.
CREATE OR REPLACE FUNCTION import.job_state_follows(old_state text, new_state text)
RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $job_state_follows$
    SELECT new_state = ANY (
        CASE old_state
            WHEN 'waiting_for_upload' THEN '{upload_completed,failed}'
            WHEN 'upload_completed' THEN '{preparing_data,failed}'
            WHEN 'preparing_data' THEN '{analysing_data,failed}'
            WHEN 'analysing_data' THEN '{waiting_for_review,processing_data,rejected,failed}'
            WHEN 'waiting_for_review' THEN '{approved,rejected,failed}'
            WHEN 'approved' THEN '{processing_data,failed}'
            WHEN 'rejected' THEN '{finished,failed}'
            WHEN 'processing_data' THEN '{finished,failed}'
            WHEN 'finished' THEN '{undoing}'
            WHEN 'failed' THEN '{undoing}'
            WHEN 'undoing' THEN '{undone,finished,failed}'
            ELSE '{}'
        END::text[])
$job_state_follows$;
COMMENT ON FUNCTION import.job_state_follows(text, text) IS 'Whether an import job may go from one state to the other';
REVOKE ALL ON FUNCTION import.job_state_follows(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.job_state_follows(text, text) TO authenticated;

CREATE OR REPLACE FUNCTION import.definition_snapshot(definition_id integer)
RETURNS jsonb
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $definition_snapshot$
    SELECT jsonb_build_object(
        'import_definition', to_jsonb(d),
        'import_step_list', (
            SELECT coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.priority, s.code), '[]')
            FROM import.definition_step AS ds
            JOIN import.step AS s ON s.id = ds.step_id
            WHERE ds.definition_id = d.id),
        'import_data_column_list', (
            SELECT coalesce(jsonb_agg(to_jsonb(c) ORDER BY s.priority, s.code, c.priority, c.id), '[]')
            FROM import.definition_step AS ds
            JOIN import.step AS s ON s.id = ds.step_id
            JOIN import.data_column AS c ON c.step_id = s.id
            WHERE ds.definition_id = d.id
            AND c.enabled),
        'import_source_column_list', (
            SELECT coalesce(jsonb_agg(to_jsonb(h) ORDER BY h.priority), '[]')
            FROM import.source_column AS h
            WHERE h.definition_id = d.id),
        -- A mapping to a disabled column is as good as none.
        'import_mapping_list', (
            SELECT coalesce(jsonb_agg(to_jsonb(m) ORDER BY m.id), '[]')
            FROM import.mapping AS m
            LEFT JOIN import.data_column AS c ON c.id = m.target_data_column_id
            WHERE m.definition_id = d.id
            AND (m.is_ignored OR c.enabled)))
        || import.rule_snapshot(d.id)
    FROM import.definition AS d
    WHERE d.id = definition_snapshot.definition_id
$definition_snapshot$;
COMMENT ON FUNCTION import.definition_snapshot(integer) IS 'A definition with its steps, data columns, source columns, mappings, rules and severities as they are now';
REVOKE ALL ON FUNCTION import.definition_snapshot(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.definition_snapshot(integer) TO authenticated;

CREATE OR REPLACE FUNCTION import.job_prepare()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $job_prepare$
DECLARE
    definition import.definition;
    context record;
BEGIN
    SELECT d.* INTO definition FROM import.definition AS d WHERE d.id = NEW.definition_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'import definition % does not exist', coalesce(NEW.definition_id::text, 'NULL')
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF NOT definition.valid THEN
        RAISE EXCEPTION 'import definition "%" is not valid', definition.slug
            USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = definition.validation_error;
    END IF;
    IF NOT definition.enabled THEN
        RAISE EXCEPTION 'import definition "%" is disabled', definition.slug
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

    NEW.slug := coalesce(NEW.slug, 'import_job_' || NEW.id);
    NEW.definition_snapshot := import.definition_snapshot(definition.id);

    IF definition.valid_time_from = 'source_columns' THEN
        IF num_nonnulls(NEW.time_context_ident, NEW.default_valid_from, NEW.default_valid_to) > 0 THEN
            RAISE EXCEPTION 'import definition "%" takes periods from the file, not from the job', definition.slug
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = 'Leave time_context_ident, default_valid_from and default_valid_to out.';
        END IF;
    ELSIF (NEW.time_context_ident IS NOT NULL) = (num_nonnulls(NEW.default_valid_from, NEW.default_valid_to) > 0) THEN
        RAISE EXCEPTION 'import definition "%" takes its period from the job', definition.slug
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give either time_context_ident or both default_valid_from and default_valid_to.';
    ELSIF NEW.time_context_ident IS NOT NULL THEN
        SELECT c.type::text AS type, c.ident, c.name_when_input, c.valid_from, c.valid_to INTO context
        FROM api.time_context AS c
        WHERE c.ident = NEW.time_context_ident
        AND c.scope IN ('input_and_query', 'input')
        AND c.valid_from IS NOT NULL
        AND c.valid_to IS NOT NULL;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'time context "%" does not exist or is not meant for imports', NEW.time_context_ident
                USING ERRCODE = 'invalid_parameter_value', HINT = 'Time contexts stand in api.time_context.';
        END IF;
        NEW.default_valid_from := context.valid_from;
        NEW.default_valid_to := context.valid_to;
        NEW.definition_snapshot := NEW.definition_snapshot || jsonb_build_object('time_context', to_jsonb(context));
    END IF;

    IF NEW.default_data_source_code IS NULL THEN
        SELECT s.code INTO NEW.default_data_source_code FROM register.data_source AS s WHERE s.id = definition.data_source_id;
    ELSIF NOT EXISTS (SELECT FROM register.data_source AS s WHERE s.code = NEW.default_data_source_code AND s.enabled) THEN
        RAISE EXCEPTION 'data source "%" does not exist', NEW.default_data_source_code
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    NEW.user_id := coalesce(NEW.user_id, auth.uid());
    -- A job is applied with the rights of its user: those of "system" are a superuser's.
    IF NEW.user_id <> auth.uid() AND EXISTS (SELECT FROM auth."user" AS u WHERE u.id = NEW.user_id AND u.email IS NULL) THEN
        RAISE EXCEPTION 'permission denied to make an import job of user "system"'
            USING ERRCODE = 'insufficient_privilege', HINT = 'Leave user_id out.';
    END IF;
    NEW.unique_units := definition.unique_units;
    NEW.expires_at := coalesce(NEW.expires_at, statement_timestamp() + definition.default_retention_period);
    NEW.upload_table_name := NEW.slug || '_upload';
    NEW.data_table_name := NEW.slug || '_data';

    -- How far the job has come is for the machine to say.
    NEW.state := 'waiting_for_upload';
    NEW.error := NULL;
    NEW.priority := NULL;
    NEW.total_rows := NULL;
    NEW.imported_rows := 0;
    NEW.unchanged_rows := 0;
    NEW.skipped_rows := 0;
    NEW.error_count := 0;
    NEW.warning_count := 0;
    NEW.analysis_completed_pct := 0;
    NEW.import_completed_pct := 0;
    NEW.next_batch := NULL;
    NEW.undo_kept := false;
    NEW.undo_user_id := NULL;
    NEW.undo_start_at := NULL;
    NEW.undo_stop_at := NULL;
    NEW.undo_error := NULL;
    RETURN NEW;
END
$job_prepare$;
COMMENT ON FUNCTION import.job_prepare() IS 'Trigger: resolves definition, period, data source and user of a new import job';
REVOKE ALL ON FUNCTION import.job_prepare() FROM PUBLIC;

CREATE OR REPLACE FUNCTION import.job_check_update()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $job_check_update$
DECLARE
    for_users CONSTANT text[] := '{description,note,review,edit_comment,expires_at,truncate_overlong,
        analysis_batch_size,processing_batch_size,state,updated_at,max_errors,max_error_ratio,on_error}';
    refused text;
BEGIN
    IF NEW.slug <> OLD.slug THEN
        RAISE EXCEPTION 'slug of import job "%" cannot change', OLD.slug
            USING ERRCODE = 'feature_not_supported', DETAIL = 'The tables of the job are named for it.';
    END IF;

    -- Everybody but the owner of the table, who is also who the triggers and the worker act as.
    IF NOT pg_has_role(CURRENT_USER, (SELECT c.relowner FROM pg_class AS c WHERE c.oid = TG_RELID), 'MEMBER') THEN
        SELECT string_agg(format('"%s"', n.key), ', ' ORDER BY n.key) INTO refused
        FROM jsonb_each(to_jsonb(NEW)) AS n
        JOIN jsonb_each(to_jsonb(OLD)) AS o ON o.key = n.key
        WHERE o.value <> n.value
        AND n.key <> ALL (for_users);
        IF refused IS NOT NULL THEN
            RAISE EXCEPTION 'import job "%": % cannot be changed', OLD.slug, refused
                USING ERRCODE = 'insufficient_privilege', HINT = 'Make a new job.';
        END IF;
        IF NEW.state <> OLD.state AND NEW.state::text NOT IN ('approved', 'rejected', 'undoing') THEN
            RAISE EXCEPTION 'import job "%" cannot be set to state "%"', OLD.slug, NEW.state
                USING ERRCODE = 'insufficient_privilege', HINT = 'A review sets approved or rejected.';
        END IF;
    END IF;

    IF NEW.state <> OLD.state THEN
        IF NOT import.job_state_follows(OLD.state::text, NEW.state::text) THEN
            RAISE EXCEPTION 'import job "%" cannot go from state "%" to "%"', OLD.slug, OLD.state, NEW.state
                USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
        IF NEW.state::text = 'undoing' AND NOT OLD.undo_kept THEN
            RAISE EXCEPTION 'import job "%" cannot be undone', OLD.slug
                USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = 'What it changed was not kept: it has written nothing, or was applied by an earlier release.';
        END IF;
        CASE NEW.state::text
            WHEN 'preparing_data' THEN NEW.preparing_data_at := clock_timestamp();
            WHEN 'analysing_data' THEN NEW.analysis_start_at := clock_timestamp();
            WHEN 'approved' THEN NEW.changes_approved_at := clock_timestamp();
            WHEN 'rejected' THEN NEW.changes_rejected_at := clock_timestamp();
            WHEN 'processing_data' THEN
                NEW.processing_start_at := clock_timestamp();
                NEW.undo_kept := true;
            WHEN 'undoing' THEN
                NEW.undo_user_id := auth.uid();
                NEW.undo_start_at := clock_timestamp();
                NEW.undo_stop_at := NULL;
                NEW.undo_error := NULL;
            WHEN 'undone' THEN NEW.undo_stop_at := clock_timestamp();
            ELSE NULL;
        END CASE;
        NEW.last_progress_update := clock_timestamp();
    END IF;
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$job_check_update$;
COMMENT ON FUNCTION import.job_check_update() IS
    'Trigger: what users may change of an import job, and which state may follow which';
REVOKE ALL ON FUNCTION import.job_check_update() FROM PUBLIC;

-- Everything of a job's tables that depends on code or on rights; called again by every migrate().
-- COPY leaves no trace of the order of a file: a short row goes into any page that has room. A generated column is the only one
-- that COPY without a list of columns does not ask for, and it must be IMMUTABLE. Nothing folds it, as it takes a column.
CREATE OR REPLACE FUNCTION import.place_in_file(cell text)
RETURNS bigint
LANGUAGE c IMMUTABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_import_place_in_file';
COMMENT ON FUNCTION import.place_in_file(text) IS
    'For the generated column "statbus:place" of upload tables only: how often the statement has called it. Called immutable because a generated column must be';

CREATE OR REPLACE FUNCTION import.attach_job(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = 'warning'
AS $attach_job$
DECLARE
    job record;
    reader text;
BEGIN
    SELECT j.user_id, j.state, j.upload_table_name, j.data_table_name, u.email::text AS owner,
           j.definition_snapshot #>> '{import_source_column_list,0,column_name}' AS first_column
    INTO STRICT job
    FROM import.job AS j
    JOIN auth."user" AS u ON u.id = j.user_id
    WHERE j.id = attach_job.job_id;
    IF num_nulls(to_regclass(format('import.%I', job.upload_table_name)), to_regclass(format('import.%I', job.data_table_name))) > 0 THEN
        RETURN;     -- a job whose tables somebody dropped is past help
    END IF;

    IF job.state = 'waiting_for_upload' AND job.first_column IS NOT NULL THEN
        EXECUTE format('ALTER TABLE import.%I ADD COLUMN IF NOT EXISTS "statbus:place" bigint GENERATED ALWAYS AS (import.place_in_file(%I)) STORED',
                       job.upload_table_name, job.first_column);
    END IF;
    EXECUTE format('DROP TRIGGER IF EXISTS upload_start ON import.%I', job.upload_table_name);
    EXECUTE format('CREATE TRIGGER upload_start BEFORE INSERT ON import.%I FOR EACH STATEMENT EXECUTE FUNCTION import.upload_start()', job.upload_table_name);
    EXECUTE format('DROP TRIGGER IF EXISTS upload_done ON import.%I', job.upload_table_name);
    EXECUTE format('CREATE TRIGGER upload_done AFTER INSERT ON import.%I FOR EACH STATEMENT EXECUTE FUNCTION import.upload_done()', job.upload_table_name);
    EXECUTE format('CREATE OR REPLACE VIEW api.%1$I WITH (security_invoker = true) AS SELECT %2$s FROM import.%1$I', job.upload_table_name,
        -- The columns of the file, not what import.read_chunk() writes beside them.
        (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
         FROM pg_attribute AS a
         WHERE a.attrelid = format('import.%I', job.upload_table_name)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT LIKE 'statbus:%'));
    EXECUTE format('CREATE OR REPLACE VIEW api.%1$I WITH (security_invoker = true) AS SELECT * FROM import.%1$I', job.data_table_name);

    -- What was uploaded is its user's alone: COPY FROM works on no table with row level security, and without it a grant to
    -- the group would hold for administrators of other registers. They read the rows as analysed.
    EXECUTE format('ALTER TABLE import.%I ENABLE ROW LEVEL SECURITY', job.data_table_name);
    EXECUTE format('DROP POLICY IF EXISTS job_user ON import.%I', job.data_table_name);
    EXECUTE format('CREATE POLICY job_user ON import.%I FOR ALL TO authenticated USING ((SELECT auth.uid()) = %s)', job.data_table_name, job.user_id);
    EXECUTE format('DROP POLICY IF EXISTS admin_user_read ON import.%I', job.data_table_name);
    EXECUTE format($policy$CREATE POLICY admin_user_read ON import.%I FOR SELECT TO admin_user
                           USING ((SELECT auth.is_at_least('admin_user')))$policy$, job.data_table_name);
    EXECUTE format('REVOKE ALL ON import.%1$I, api.%1$I FROM admin_user', job.upload_table_name);

    FOR reader IN
        SELECT r.rolname FROM pg_roles AS r WHERE r.rolname IN ('admin_user', job.owner)
    LOOP
        EXECUTE format('GRANT SELECT ON import.%1$I, api.%1$I TO %2$I', job.data_table_name, reader);
        IF reader = job.owner THEN
            EXECUTE format('GRANT SELECT, INSERT ON import.%1$I, api.%1$I TO %2$I', job.upload_table_name, reader);
            -- The job is applied with the rights of its user.
            EXECUTE format('GRANT UPDATE ON import.%I TO %I', job.data_table_name, reader);
        END IF;
    END LOOP;
END
$attach_job$;
COMMENT ON FUNCTION import.attach_job(integer) IS 'Puts triggers, views and grants on the tables of an import job; internal';
REVOKE ALL ON FUNCTION import.attach_job(integer) FROM PUBLIC;

-- DEFINER: creating a job's tables
CREATE OR REPLACE FUNCTION import.job_create_tables()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $job_create_tables$
DECLARE
    pinned CONSTANT text := current_setting('search_path');
    relation text;
    data_table text;
BEGIN
    FOREACH relation IN ARRAY ARRAY[NEW.upload_table_name, NEW.data_table_name] LOOP
        IF num_nonnulls(to_regclass(format('import.%I', relation)), to_regclass(format('api.%I', relation))) > 0 THEN
            RAISE EXCEPTION 'slug "%" is taken: relation "%" already exists', NEW.slug, relation
                USING ERRCODE = 'duplicate_table', HINT = 'Choose another slug.';
        END IF;
    END LOOP;

    EXECUTE format('CREATE TABLE import.%I (%s)', NEW.upload_table_name,
        (SELECT string_agg(format('%I text', h ->> 'column_name'), ', ' ORDER BY position)
         FROM jsonb_array_elements(NEW.definition_snapshot -> 'import_source_column_list') WITH ORDINALITY AS list (h, position)));
    EXECUTE format('COMMENT ON TABLE import.%I IS %L', NEW.upload_table_name, format('The file of import job %s, as it came', NEW.slug));

    -- import.index_data() makes its indexes once it is full. The application writes each row once more, in place: so much of
    -- a page is left for that, what became of the row included, and no index has a column that is written then.
    -- Only the types of its columns are looked up where ltree is: the owner of that schema may have functions there that look
    -- like ours.
    data_table := format('CREATE TABLE import.%I (row_id bigint NOT NULL, source_line bigint, %s) WITH (fillfactor = 40)', NEW.data_table_name,
        (SELECT string_agg(format('%I %s%s%s', c ->> 'column_name', c ->> 'column_type',
                                  CASE WHEN (c ->> 'is_nullable')::boolean THEN '' ELSE ' NOT NULL' END,
                                  coalesce(' DEFAULT ' || (c ->> 'default_value'), '')), ', ' ORDER BY position)
         FROM jsonb_array_elements(NEW.definition_snapshot -> 'import_data_column_list') WITH ORDINALITY AS list (c, position)));
    PERFORM set_config('search_path', statbus.search_path(), true);
    EXECUTE data_table;
    PERFORM set_config('search_path', pinned, true);
    EXECUTE format('COMMENT ON TABLE import.%I IS %L', NEW.data_table_name, format('The rows of import job %s, analysed', NEW.slug));

    PERFORM import.attach_job(NEW.id);
    NOTIFY pgrst, 'reload schema';
    RETURN NULL;
END
$job_create_tables$;
COMMENT ON FUNCTION import.job_create_tables() IS 'Trigger: makes the upload table and the data table of an import job';
REVOKE ALL ON FUNCTION import.job_create_tables() FROM PUBLIC;

-- DEFINER: the tables of a job go with it
CREATE OR REPLACE FUNCTION import.job_drop_tables()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET client_min_messages = 'warning'
AS $job_drop_tables$
BEGIN
    EXECUTE format('DROP VIEW IF EXISTS api.%I, api.%I', OLD.upload_table_name, OLD.data_table_name);
    EXECUTE format('DROP TABLE IF EXISTS import.%I, import.%I', OLD.upload_table_name, OLD.data_table_name);
    PERFORM import.wake_jobs();
    NOTIFY pgrst, 'reload schema';
    RETURN NULL;
END
$job_drop_tables$;
COMMENT ON FUNCTION import.job_drop_tables() IS 'Trigger: drops the tables of a deleted import job';
REVOKE ALL ON FUNCTION import.job_drop_tables() FROM PUBLIC;

-- The upload ------------------------------------------------------------------------------------------------------

-- DEFINER: who uploads need not be who may write jobs
CREATE OR REPLACE FUNCTION import.upload_start()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $upload_start$
DECLARE
    job record;
BEGIN
    -- The lock makes a second upload wait for the outcome of the first.
    SELECT j.id, j.slug, j.state, u.display_name, u.deleted_at INTO job
    FROM import.job AS j
    JOIN auth."user" AS u ON u.id = j.user_id
    WHERE j.upload_table_name = TG_TABLE_NAME
    FOR NO KEY UPDATE OF j;
    -- His role may still be there, and the right to the table is the role's.
    IF job.deleted_at IS NOT NULL THEN
        RAISE EXCEPTION 'user "%" of import job "%" was deleted', job.display_name, job.slug
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT FOUND OR job.state <> 'waiting_for_upload' THEN
        RAISE EXCEPTION 'import job "%" does not wait for an upload', coalesce(job.slug, TG_TABLE_NAME)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = format('Its state is "%s".', coalesce(job.state::text, 'deleted')),
                  HINT = 'A job takes one file, by one COPY or INSERT.  Make a new job for another file.';
    END IF;
    IF EXISTS (SELECT FROM import.upload AS u WHERE u.job_id = job.id) THEN
        RAISE EXCEPTION 'the file of import job "%" is coming in chunks', job.slug
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Send the last chunk, or cancel the upload.';
    END IF;
    RETURN NULL;
END
$upload_start$;
COMMENT ON FUNCTION import.upload_start() IS 'Trigger: a job takes one file';
REVOKE ALL ON FUNCTION import.upload_start() FROM PUBLIC;

-- The file is complete and the job is queued, whichever way it came.
CREATE OR REPLACE FUNCTION import.complete_upload(job_id integer, uploaded bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $complete_upload$
DECLARE
    new_priority bigint;
BEGIN
    UPDATE import.job AS j
    SET state = 'upload_completed', total_rows = uploaded, priority = nextval('worker.task_priority_seq')
    WHERE j.id = complete_upload.job_id
    RETURNING j.priority INTO STRICT new_priority;
    PERFORM worker.spawn('import_job', jsonb_build_object('job_id', complete_upload.job_id), priority := new_priority);
END
$complete_upload$;
COMMENT ON FUNCTION import.complete_upload(integer, bigint) IS 'Internal: so many rows have come, and the job is queued';
REVOKE ALL ON FUNCTION import.complete_upload(integer, bigint) FROM PUBLIC;

-- DEFINER: as import.upload_start; queueing tasks
CREATE OR REPLACE FUNCTION import.upload_done()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $upload_done$
DECLARE
    uploaded bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM import.%I', TG_TABLE_NAME) INTO uploaded;
    IF uploaded > 0 THEN
        PERFORM import.complete_upload(j.id, uploaded) FROM import.job AS j WHERE j.upload_table_name = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END
$upload_done$;
COMMENT ON FUNCTION import.upload_done() IS 'Trigger: rows have come, so the file is complete and the job is queued';
REVOKE ALL ON FUNCTION import.upload_done() FROM PUBLIC;

-- What people see -------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION import.job_progress(job_id integer)
RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $job_progress$
DECLARE
    progress jsonb;
    data_table text;
    row_states jsonb;
BEGIN
    SELECT jsonb_build_object(
               'job_id', j.id, 'slug', j.slug, 'state', j.state, 'error', j.error, 'total_rows', j.total_rows,
               'analysis_completed_pct', j.analysis_completed_pct, 'analysis_rows_per_sec', j.analysis_rows_per_sec,
               'import_completed_pct', j.import_completed_pct, 'import_rows_per_sec', j.import_rows_per_sec,
               'imported_rows', j.imported_rows, 'unchanged_rows', j.unchanged_rows, 'skipped_rows', j.skipped_rows,
               'error_count', j.error_count, 'warning_count', j.warning_count,
               'current_step_code', j.current_step_code, 'last_progress_update', j.last_progress_update),
           format('import.%I', j.data_table_name)
    INTO progress, data_table
    FROM import.job AS j
    WHERE j.id = job_progress.job_id;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    -- Everybody sees the job, its user and administrators its rows.
    IF has_table_privilege(data_table, 'SELECT') THEN
        EXECUTE format('SELECT coalesce(jsonb_object_agg(s.state, s.count), ''{}'')
                        FROM (SELECT d.state, count(*) FROM %s AS d GROUP BY d.state) AS s', data_table)
            INTO row_states;
    END IF;
    RETURN progress || jsonb_build_object('row_states', row_states);
END
$job_progress$;
COMMENT ON FUNCTION import.job_progress(integer) IS 'State, percentages and counts of an import job; NULL when there is none';
REVOKE ALL ON FUNCTION import.job_progress(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.job_progress(integer) TO authenticated;

-- One pass over the template: what is put in is not read again.
CREATE OR REPLACE FUNCTION import.finding_message(template text, column_name text, value text, details jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $finding_message$
    SELECT string_agg(
               CASE
                   WHEN part.position % 2 = 1 THEN part.text
                   ELSE coalesce(CASE part.text WHEN 'column' THEN finding_message.column_name WHEN 'value' THEN finding_message.value END,
                                 finding_message.details ->> part.text, '{' || part.text || '}')
               END, '' ORDER BY part.position)
    FROM regexp_split_to_table(regexp_replace(finding_message.template, '\{([a-z_]+)\}', E'\x01\\1\x01', 'g'), E'\x01') WITH ORDINALITY AS part (text, position)
$finding_message$;
COMMENT ON FUNCTION import.finding_message(text, text, text, jsonb) IS 'The text of a finding: a template of import.finding_code with the finding put in';
REVOKE ALL ON FUNCTION import.finding_message(text, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.finding_message(text, text, text, jsonb) TO authenticated;

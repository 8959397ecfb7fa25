-- Definitions 86: a job is taken back.

CREATE OR REPLACE FUNCTION api.import_job_undo_conflicts(job text)
RETURNS TABLE (table_name text, id integer, valid_from date, valid_until date, problem text, edit_by text, edit_at timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $import_job_undo_conflicts$
DECLARE
    this_job CONSTANT integer := (SELECT j.id FROM import.job AS j WHERE j.slug = import_job_undo_conflicts.job);
BEGIN
    PERFORM auth.refuse_get();
    IF this_job IS NULL THEN
        RAISE EXCEPTION 'import job "%" does not exist', job USING ERRCODE = 'no_data_found';
    END IF;
    RETURN QUERY
        SELECT c.table_name, c.id, c.valid_from, c.valid_until, c.problem, u.display_name::text, c.edit_at
        FROM import.undo_conflicts(this_job) AS c
        LEFT JOIN auth."user" AS u ON u.id = c.edit_by_user_id;
END
$import_job_undo_conflicts$;
COMMENT ON FUNCTION api.import_job_undo_conflicts(text) IS
    'Why an import job cannot be undone, one row each: what was changed or deleted since, or is in use with a unit that the job added. No rows: it can be';
REVOKE ALL ON FUNCTION api.import_job_undo_conflicts(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.import_job_undo_conflicts(text) TO regular_user;

CREATE OR REPLACE FUNCTION api.import_job_undo(job text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $import_job_undo$
DECLARE
    undone record;
    conflicts jsonb;
    conflict_count bigint;
BEGIN
    PERFORM auth.refuse_get();
    SELECT j.id, j.state::text AS state, j.undo_kept INTO undone FROM import.job AS j WHERE j.slug = import_job_undo.job;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'import job "%" does not exist', job USING ERRCODE = 'no_data_found';
    END IF;
    IF undone.state NOT IN ('finished', 'failed') THEN
        RAISE EXCEPTION 'import job "%" cannot be undone', job
            USING ERRCODE = 'PT409', DETAIL = format('Its state is "%s".', undone.state);
    END IF;
    -- Sets the state before it looks for conflicts: who may not, or comes second, is told so at once.
    UPDATE import.job AS j SET state = 'undoing' WHERE j.id = undone.id AND j.state IN ('finished', 'failed');
    IF NOT FOUND THEN
        SELECT j.state::text INTO undone.state FROM import.job AS j WHERE j.id = undone.id;
        IF undone.state IN ('finished', 'failed') THEN
            RAISE EXCEPTION 'permission denied to undo import job "%"', job
                USING ERRCODE = 'insufficient_privilege', HINT = 'Its user may, and administrators.';
        END IF;
        RAISE EXCEPTION 'import job "%" cannot be undone', job
            USING ERRCODE = 'PT409', DETAIL = format('Its state is "%s".', coalesce(undone.state, 'deleted'));
    END IF;
    SELECT count(*), jsonb_agg(to_jsonb(c) - 'place') FILTER (WHERE c.place <= 100) INTO conflict_count, conflicts
    FROM (SELECT row_number() OVER () AS place, x.table_name, x.id, x.valid_from, x.valid_until, x.problem
          FROM import.undo_conflicts(undone.id) AS x) AS c;
    IF conflict_count > 0 THEN
        RAISE EXCEPTION 'import job "%" cannot be undone: % rows were changed since, or are in use', job, conflict_count
            USING ERRCODE = 'PT409', DETAIL = conflicts::text, HINT = 'api.import_job_undo_conflicts() lists all of them.';
    END IF;
    RETURN jsonb_build_object('job', job, 'state', 'undoing');
END
$import_job_undo$;
COMMENT ON FUNCTION api.import_job_undo(text) IS
    'Takes an import job back: the timelines of what it touched become as they were before it. Refused with 409 where something was edited since or is in use; details has the first 100 of them';
REVOKE ALL ON FUNCTION api.import_job_undo(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.import_job_undo(text) TO regular_user;

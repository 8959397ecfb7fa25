-- Definitions 85: import jobs under review: reports, the preview, decisions. What needs more than the rights of the caller is in src/sql/import_progress.sql.

CREATE OR REPLACE FUNCTION api.import_report(job text)
RETURNS SETOF json
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $import_report$
    SELECT r FROM import.report_results(job) AS r
$import_report$;
COMMENT ON FUNCTION api.import_report(text) IS 'The findings of an import job as a ValidatReport: results with id, event, rule, data and value';
REVOKE ALL ON FUNCTION api.import_report(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.import_report(text) TO authenticated;

CREATE OR REPLACE FUNCTION api.import_report_text(job text)
RETURNS api."text/plain"
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $import_report_text$
    SELECT import.report_text(job)
$import_report_text$;
COMMENT ON FUNCTION api.import_report_text(text) IS 'What came of an import job and what there is to say about its rows, for people; Accept: text/plain';
REVOKE ALL ON FUNCTION api.import_report_text(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.import_report_text(text) TO authenticated;

-- The byte order mark tells spreadsheets that it is UTF-8; the reader of uploads knows it.
CREATE OR REPLACE FUNCTION api.import_report_csv(job text, which text DEFAULT 'all', delimiter text DEFAULT ',')
RETURNS api."text/csv"
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $import_report_csv$
DECLARE
    file text;
BEGIN
    SELECT E'\ufeff' || string_agg(l.line || E'\r\n', '' ORDER BY l.place) INTO file
    FROM import.report_lines(job, which, delimiter) WITH ORDINALITY AS l (line, place);
    PERFORM auth.add_response_header('Content-Disposition', format('attachment; filename="%s_report.csv"', job));
    RETURN file;
END
$import_report_csv$;
COMMENT ON FUNCTION api.import_report_csv(text, text, text) IS
    'The file of an import job with columns errors, warnings and source_line at the end: rows "all", with "findings", or with "errors".  Corrected, it can be uploaded as it is';
REVOKE ALL ON FUNCTION api.import_report_csv(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.import_report_csv(text, text, text) TO authenticated;

CREATE OR REPLACE FUNCTION api.import_preview(job text, valid_on date DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $import_preview$
    SELECT import.preview(job, valid_on)
$import_preview$;
COMMENT ON FUNCTION api.import_preview(text, date) IS
    'What an import job that waits for review would do: rows by what would become of them, per table inserts, updates and unchanged, and the effect on units alive and statistics on a day';
REVOKE ALL ON FUNCTION api.import_preview(text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.import_preview(text, date) TO authenticated;

-- Decisions ------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION api.import_job_approve(job text)
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $import_job_approve$
    SELECT import.decide_job(job, 'approved')
$import_job_approve$;
COMMENT ON FUNCTION api.import_job_approve(text) IS 'Approves an import job that waits for review: its rows without errors are imported';
REVOKE ALL ON FUNCTION api.import_job_approve(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.import_job_approve(text) TO authenticated;

CREATE OR REPLACE FUNCTION api.import_job_reject(job text)
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $import_job_reject$
    SELECT import.decide_job(job, 'rejected')
$import_job_reject$;
COMMENT ON FUNCTION api.import_job_reject(text) IS 'Rejects an import job that waits for review: none of its rows is imported';
REVOKE ALL ON FUNCTION api.import_job_reject(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.import_job_reject(text) TO authenticated;

CREATE OR REPLACE FUNCTION api.import_job_cancel(job text)
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $import_job_cancel$
    SELECT import.cancel_job(job)
$import_job_cancel$;
COMMENT ON FUNCTION api.import_job_cancel(text) IS
    'Calls off an import job that is under way: it has failed, and what works on it stops at once; one that waits for review is rejected';
REVOKE ALL ON FUNCTION api.import_job_cancel(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.import_job_cancel(text) TO authenticated;

CREATE OR REPLACE FUNCTION api.import_job_clone(job text, slug text DEFAULT NULL, with_file boolean DEFAULT false)
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $import_job_clone$
    SELECT import.clone_job(job, slug, with_file)
$import_job_clone$;
COMMENT ON FUNCTION api.import_job_clone(text, text, boolean) IS 'Makes an import job like another one, in the name of the caller; with the file of one''s own job, if you like';
REVOKE ALL ON FUNCTION api.import_job_clone(text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.import_job_clone(text, text, boolean) TO authenticated;

CREATE OR REPLACE FUNCTION api.import_job_delete(job text)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $import_job_delete$
    SELECT import.delete_job(job)
$import_job_delete$;
COMMENT ON FUNCTION api.import_job_delete(text) IS 'Deletes an import job that is not under way; what it has imported stays';
REVOKE ALL ON FUNCTION api.import_job_delete(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.import_job_delete(text) TO authenticated;

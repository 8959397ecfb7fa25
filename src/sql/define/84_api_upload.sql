-- Definitions 84: files over HTTP. PostgREST gives the body of a request to a parameter that has no name.

CREATE OR REPLACE FUNCTION api.import_upload(bytea)
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $import_upload$
    SELECT import.upload_request($1)
$import_upload$;
COMMENT ON FUNCTION api.import_upload(bytea) IS
    'Takes a chunk of the file of an import job, as application/octet-stream with headers Statbus-Job, Statbus-Chunk and Statbus-Last. 409 names the chunk that is expected; 422 says what is wrong with the file, and nothing of it is kept';
REVOKE ALL ON FUNCTION api.import_upload(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.import_upload(bytea) TO authenticated;

CREATE OR REPLACE FUNCTION api.import_upload_cancel(job text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $import_upload_cancel$
BEGIN
    PERFORM auth.refuse_get();
    PERFORM import.cancel_upload(job);
END
$import_upload_cancel$;
COMMENT ON FUNCTION api.import_upload_cancel(text) IS 'Forgets the chunks of a file that is not complete: the next one is chunk 1';
REVOKE ALL ON FUNCTION api.import_upload_cancel(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.import_upload_cancel(text) TO authenticated;

\set ECHO none
-- A job from its rows to its end, and what became of it; after setup.sql and regions.sql.
INSERT INTO register.tag (path, name) VALUES ('census', 'Census');
CREATE PROCEDURE public.run_job(job_slug text, definition text, strategy text, rows text, job_from date DEFAULT NULL, job_to date DEFAULT NULL, batch integer DEFAULT 8000)
LANGUAGE plpgsql AS $run_job$
BEGIN
    UPDATE import.definition AS d SET strategy = coalesce(run_job.strategy::import.strategy, d.strategy) WHERE d.slug = run_job.definition;
    INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review, processing_batch_size)
    SELECT job_slug, d.id, job_from, job_to, false, batch FROM import.definition AS d WHERE d.slug = run_job.definition;
    CALL public.fill(job_slug, rows);
    COMMIT;
    CALL worker.process_tasks();
END
$run_job$;
CREATE VIEW public.outcome AS
SELECT j.slug, j.state, j.total_rows AS total, j.imported_rows AS imported, j.unchanged_rows AS unchanged, j.skipped_rows AS skipped, j.error_count AS errors, j.warning_count AS warnings, j.error
FROM import.job AS j;
\set ECHO all

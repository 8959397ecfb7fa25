-- Nothing of the queue hangs on a function: its tables are complete after step 0011.  What may be seen of it is in
-- 90_rights.sql.

-- The registered commands are data of the release, not of the office: the handlers are those of the code installed.
INSERT INTO worker.command_registry (command, handler_procedure, failure_procedure, queue, is_unique, description) VALUES
    ('import_job', 'import.process_job', 'import.fail_job', 'import', true, 'Takes one step with an import job'),
    ('import_job_cleanup', 'import.delete_expired_jobs', NULL, 'maintenance', true, 'Deletes import jobs that have expired'),
    ('task_cleanup', 'worker.delete_old_tasks', NULL, 'maintenance', true, 'Deletes tasks that are done: completed ones after 7 days, failed ones after 30')
ON CONFLICT (command) DO UPDATE
SET handler_procedure = EXCLUDED.handler_procedure,
    failure_procedure = EXCLUDED.failure_procedure,
    queue = EXCLUDED.queue,
    is_unique = EXCLUDED.is_unique,
    description = EXCLUDED.description
WHERE (command_registry.handler_procedure, command_registry.failure_procedure, command_registry.queue, command_registry.is_unique, command_registry.description)
    IS DISTINCT FROM (EXCLUDED.handler_procedure, EXCLUDED.failure_procedure, EXCLUDED.queue, EXCLUDED.is_unique, EXCLUDED.description);

-- Step 0011: the task queue. worker.spawn() puts tasks in, CALL worker.process_tasks() runs them.

CREATE TABLE worker.queue_registry (
    queue text PRIMARY KEY CHECK (queue ~ '^[a-z][a-z0-9_]*$'),
    description text NOT NULL,
    default_concurrency integer NOT NULL DEFAULT 1 CHECK (default_concurrency > 0)
);
COMMENT ON TABLE worker.queue_registry IS 'Queues of tasks';
COMMENT ON COLUMN worker.queue_registry.default_concurrency IS
    'How many sessions the full engine may give the queue; CALL worker.process_tasks() always works alone on a queue';

CREATE TABLE worker.command_registry (
    command text PRIMARY KEY CHECK (command ~ '^[a-z][a-z0-9_]*$'),
    handler_procedure text NOT NULL CHECK (btrim(handler_procedure) <> ''),
    failure_procedure text CHECK (btrim(failure_procedure) <> ''),
    queue text NOT NULL REFERENCES worker.queue_registry ON UPDATE CASCADE,
    is_unique boolean NOT NULL DEFAULT false,
    description text NOT NULL
);
CREATE INDEX command_registry_queue_idx ON worker.command_registry (queue);
COMMENT ON TABLE worker.command_registry IS 'What a task may be, and the procedure that does it';
COMMENT ON COLUMN worker.command_registry.handler_procedure IS
    'Called as CALL handler_procedure(payload jsonb).  It never commits; what is left to do it spawns';
COMMENT ON COLUMN worker.command_registry.failure_procedure IS
    'Called as CALL failure_procedure(payload jsonb, error text) after a task of the command has failed';
COMMENT ON COLUMN worker.command_registry.is_unique IS 'At most one task with the same payload is pending';

CREATE SEQUENCE worker.task_priority_seq AS bigint;
COMMENT ON SEQUENCE worker.task_priority_seq IS 'Default priority of tasks, and of import jobs: first come, first served';

CREATE TABLE worker.tasks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    command text NOT NULL REFERENCES worker.command_registry ON UPDATE CASCADE,
    queue text NOT NULL REFERENCES worker.queue_registry ON UPDATE CASCADE,
    priority bigint NOT NULL DEFAULT nextval('worker.task_priority_seq'),
    payload jsonb NOT NULL DEFAULT '{}',
    is_unique boolean NOT NULL DEFAULT false,
    state worker.task_state NOT NULL DEFAULT 'pending',
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    scheduled_at timestamptz,
    process_start_at timestamptz,
    process_stop_at timestamptz,
    completed_at timestamptz,
    duration_ms numeric(14, 3) CHECK (duration_ms >= 0),
    worker_pid integer,
    error text,
    error_code text CHECK (error_code ~ '^[0-9A-Z]{5}$'),
    error_detail text,
    error_hint text,
    error_context text,
    parent_id bigint REFERENCES worker.tasks ON DELETE CASCADE,
    child_mode worker.child_mode,
    depth integer NOT NULL DEFAULT 0 CHECK (depth >= 0),
    info jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT tasks_payload_object CHECK (jsonb_typeof(payload) = 'object'),
    CONSTRAINT tasks_info_object CHECK (jsonb_typeof(info) = 'object'),
    CONSTRAINT tasks_error_iff_failed CHECK ((state = 'failed') = (error IS NOT NULL)),
    CONSTRAINT tasks_error_parts_only_with_error
        CHECK (error IS NOT NULL OR num_nonnulls(error_code, error_detail, error_hint, error_context) = 0),
    CONSTRAINT tasks_completed_iff_done CHECK ((state IN ('completed', 'failed')) = (completed_at IS NOT NULL)),
    CONSTRAINT tasks_parent_is_older CHECK (parent_id < id)
);
CREATE INDEX tasks_open_idx ON worker.tasks (queue, priority, id) WHERE state IN ('pending', 'interrupted');
CREATE INDEX tasks_processing_idx ON worker.tasks (queue) WHERE state = 'processing';
CREATE UNIQUE INDEX tasks_unique_pending_key ON worker.tasks (command, md5(payload::text)) WHERE is_unique AND state = 'pending';
CREATE INDEX tasks_parent_id_idx ON worker.tasks (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX tasks_command_idx ON worker.tasks (command, id);
CREATE INDEX tasks_completed_at_idx ON worker.tasks (completed_at) WHERE completed_at IS NOT NULL;
COMMENT ON TABLE worker.tasks IS 'Work to do, being done and done; lower priority numbers first, then lower ids';
COMMENT ON COLUMN worker.tasks.state IS
    'pending: to do; processing: a session is at it; interrupted: its session was cancelled or died, it will run again; completed, failed: done';
COMMENT ON COLUMN worker.tasks.is_unique IS 'Copied from the command when the task was spawned';
COMMENT ON COLUMN worker.tasks.scheduled_at IS 'Not before; NULL: as soon as possible';
COMMENT ON COLUMN worker.tasks.attempts IS 'How often the task was begun';
COMMENT ON COLUMN worker.tasks.duration_ms IS 'How long the handler ran, in milliseconds';

INSERT INTO worker.queue_registry (queue, description, default_concurrency) VALUES
    ('import', 'Import jobs, one after the other', 1),
    ('analytics', 'Derived data', 4),
    ('maintenance', 'Cleaning up', 1);

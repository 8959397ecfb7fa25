-- The task queue: spawn() puts tasks in, process_tasks() runs them in order.

-- DEFINER: queueing tasks
CREATE OR REPLACE FUNCTION worker.spawn(
    command text,
    payload jsonb DEFAULT '{}',
    queue text DEFAULT NULL,
    priority bigint DEFAULT NULL,
    parent_id bigint DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $spawn$
DECLARE
    registered record;
    parent_depth integer := -1;
    task_id bigint;
    payload_given jsonb := coalesce(payload, '{}');
BEGIN
    SELECT r.queue, r.is_unique INTO registered
    FROM worker.command_registry AS r
    WHERE r.command = spawn.command;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'command "%" is not registered', command
            USING ERRCODE = 'undefined_object', HINT = 'Commands stand in worker.command_registry.';
    END IF;
    IF jsonb_typeof(payload_given) <> 'object' THEN
        RAISE EXCEPTION 'payload of command "%" is not a JSON object', command
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF spawn.parent_id IS NOT NULL THEN
        SELECT t.depth INTO STRICT parent_depth FROM worker.tasks AS t WHERE t.id = spawn.parent_id;
    END IF;

    LOOP
        -- The lock keeps the pending task from being run before the caller's changes are committed, so that it
        -- will see them; callers do not block each other.
        IF registered.is_unique THEN
            SELECT t.id INTO task_id
            FROM worker.tasks AS t
            WHERE t.command = spawn.command
            AND md5(t.payload::text) = md5(payload_given::text)
            AND t.is_unique
            AND t.state = 'pending'
            FOR KEY SHARE;
            IF FOUND THEN
                RETURN task_id;
            END IF;
        END IF;
        INSERT INTO worker.tasks (command, queue, priority, payload, is_unique, parent_id, depth)
        VALUES (command, coalesce(spawn.queue, registered.queue),
                coalesce(spawn.priority, nextval('worker.task_priority_seq')),
                payload_given, registered.is_unique, spawn.parent_id, parent_depth + 1)
        ON CONFLICT DO NOTHING
        RETURNING id INTO task_id;
        EXIT WHEN FOUND;
    END LOOP;

    PERFORM pg_notify('worker_tasks', coalesce(spawn.queue, registered.queue));
    RETURN task_id;
EXCEPTION
    WHEN no_data_found THEN
        RAISE EXCEPTION 'parent task % does not exist', spawn.parent_id
            USING ERRCODE = 'foreign_key_violation';
END
$spawn$;
COMMENT ON FUNCTION worker.spawn(text, jsonb, text, bigint, bigint) IS
    'Queues a task and returns its id.  A command flagged is_unique is pending once per payload: the pending task is returned, with its priority';
REVOKE ALL ON FUNCTION worker.spawn(text, jsonb, text, bigint, bigint) FROM PUBLIC;

-- Takes the next task of some queues.  What is still "processing" there was left behind by a session that ended:
-- the caller owns the queues.
CREATE OR REPLACE FUNCTION worker.claim(queues text[])
RETURNS TABLE (task_id bigint, handler_procedure text, failure_procedure text, payload jsonb)
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $claim$
DECLARE
    attempts_allowed CONSTANT integer := 5;
BEGIN
    UPDATE worker.tasks AS t
    SET state = CASE WHEN t.attempts < attempts_allowed THEN 'interrupted'::worker.task_state ELSE 'failed' END,
        error = CASE WHEN t.attempts < attempts_allowed THEN NULL ELSE format('interrupted %s times', t.attempts) END,
        completed_at = CASE WHEN t.attempts < attempts_allowed THEN NULL ELSE clock_timestamp() END,
        process_stop_at = clock_timestamp()
    WHERE t.state = 'processing'
    AND t.queue = ANY (queues);

    RETURN QUERY
        UPDATE worker.tasks AS t
        SET state = 'processing',
            attempts = t.attempts + 1,
            process_start_at = clock_timestamp(),
            process_stop_at = NULL,
            worker_pid = pg_backend_pid()
        FROM worker.command_registry AS r
        WHERE r.command = t.command
        AND t.id = (SELECT next.id
                    FROM worker.tasks AS next
                    WHERE next.state IN ('pending', 'interrupted')
                    AND next.queue = ANY (queues)
                    AND (next.scheduled_at IS NULL OR next.scheduled_at <= clock_timestamp())
                    ORDER BY next.priority, next.id
                    LIMIT 1
                    FOR UPDATE SKIP LOCKED)
        RETURNING t.id, r.handler_procedure, r.failure_procedure, t.payload;
END
$claim$;
COMMENT ON FUNCTION worker.claim(text[]) IS 'Marks the next task of these queues as being processed and returns it; the caller must own the queues; internal';
REVOKE ALL ON FUNCTION worker.claim(text[]) FROM PUBLIC;

-- What became of a task: no error_code, it is completed; a cancelled session, it will run again, unless it was the task that
-- was called off; a deadlock or a lock that others held for too long, the same up to five times; else it has failed.
CREATE OR REPLACE FUNCTION worker.settle(
    task_id bigint, duration_ms numeric, error_code text, error text, detail text, hint text, context text
)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $settle$
    -- Whoever calls the task off holds its row: what he has written is seen below.
    SELECT FROM worker.tasks AS t WHERE t.id = settle.task_id FOR NO KEY UPDATE;
    UPDATE worker.tasks AS t
    SET state = outcome.state,
        process_stop_at = clock_timestamp(),
        completed_at = CASE WHEN outcome.state <> 'interrupted' THEN clock_timestamp() END,
        duration_ms = settle.duration_ms,
        worker_pid = NULL,
        error = CASE WHEN outcome.state = 'failed' THEN CASE WHEN settle.error_code = '57014' THEN t.cancel_reason ELSE settle.error END END,
        error_code = CASE WHEN outcome.state = 'failed' THEN settle.error_code END,
        error_detail = CASE WHEN outcome.state = 'failed' THEN nullif(settle.detail, '') END,
        error_hint = CASE WHEN outcome.state = 'failed' THEN nullif(settle.hint, '') END,
        error_context = CASE WHEN outcome.state = 'failed' THEN nullif(settle.context, '') END
    FROM (SELECT CASE
                     WHEN settle.error_code IS NULL THEN 'completed'::worker.task_state
                     WHEN settle.error_code = '57014' AND before.cancel_reason IS NOT NULL THEN 'failed'
                     WHEN settle.error_code = '57014' THEN 'interrupted'
                     WHEN settle.error_code IN ('40001', '40P01', '55P03') AND before.attempts < 5 THEN 'interrupted'
                     ELSE 'failed'
                 END AS state
          FROM worker.tasks AS before
          WHERE before.id = settle.task_id) AS outcome
    WHERE t.id = settle.task_id
$settle$;
COMMENT ON FUNCTION worker.settle(bigint, numeric, text, text, text, text, text) IS 'Records the end of a task; internal';
REVOKE ALL ON FUNCTION worker.settle(bigint, numeric, text, text, text, text, text) FROM PUBLIC;

-- The session that works on a task owns its queue: a process that does not may be anybody, the number given to it anew.
CREATE OR REPLACE FUNCTION worker.cancel(task_id bigint, reason text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $cancel$
DECLARE
    called_off record;
BEGIN
    UPDATE worker.tasks AS t SET cancel_reason = cancel.reason
    WHERE t.id = cancel.task_id AND t.state = 'processing' AND t.cancel_reason IS NULL
    RETURNING t.worker_pid, hashtextextended('statbus.worker.' || t.queue, 0) AS key INTO called_off;
    -- From here on the session cannot settle the task before this transaction ends.
    RETURN coalesce((SELECT pg_cancel_backend(l.pid)
                     FROM pg_locks AS l
                     WHERE l.pid = called_off.worker_pid AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
                     AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
                     AND (l.classid::bigint << 32 | l.objid::bigint) = called_off.key
                     LIMIT 1), false);
END
$cancel$;
COMMENT ON FUNCTION worker.cancel(bigint, text) IS
    'Calls off a task that is being processed, for good: its session stops at once, and settles it as failed when the caller has committed; whether there was one to be told; internal';
REVOKE ALL ON FUNCTION worker.cancel(bigint, text) FROM PUBLIC;

-- A procedure that commits: no SET clause is allowed, every name is qualified.
--
-- One session at a time works on a queue; another one that asks for it waits, and then does what is left. So when
-- the call returns, the tasks that were ready when it was made are done, whoever did them.
-- Each task has a transaction of its own. In a transaction block nothing is committed, and deferred triggers wait for
-- the end of the block.
CREATE OR REPLACE PROCEDURE worker.process_tasks(queue text DEFAULT NULL, max_tasks integer DEFAULT NULL)
LANGUAGE plpgsql
AS $process_tasks$
DECLARE
    in_block CONSTANT boolean := statbus.in_transaction_block();
    queues text[];
    queue_name text;
    owned text[] := '{}';
    task record;
    done integer := 0;
    started_at timestamptz;
    error_code text;
    error_message text;
    error_detail text;
    error_hint text;
    error_context text;
BEGIN
    SELECT pg_catalog.array_agg(r.queue ORDER BY r.queue) INTO queues
    FROM worker.queue_registry AS r
    WHERE process_tasks.queue IS NULL OR r.queue OPERATOR(pg_catalog.=) process_tasks.queue;
    IF queues IS NULL THEN
        RAISE EXCEPTION 'queue "%" does not exist', queue
            USING ERRCODE = 'undefined_object', HINT = 'Queues stand in worker.queue_registry.';
    END IF;

    -- In the order of names, so that two sessions cannot wait for each other. A lock of the session outlives an error:
    -- from here on every error is caught, and raised again when the locks are given back.
    BEGIN
        FOREACH queue_name IN ARRAY queues LOOP
            IF in_block THEN
                PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('statbus.worker.' || queue_name, 0));
            ELSE
                PERFORM pg_catalog.pg_advisory_lock(pg_catalog.hashtextextended('statbus.worker.' || queue_name, 0));
                owned := owned || queue_name;
            END IF;
        END LOOP;
    EXCEPTION WHEN query_canceled OR OTHERS THEN
        GET STACKED DIAGNOSTICS error_code = RETURNED_SQLSTATE, error_message = MESSAGE_TEXT;
    END;

    WHILE error_code IS NULL AND (max_tasks IS NULL OR done < max_tasks) LOOP
        BEGIN
            SELECT c.task_id, c.handler_procedure, c.failure_procedure, c.payload INTO task FROM worker.claim(queues) AS c;
        EXCEPTION WHEN query_canceled OR OTHERS THEN
            GET STACKED DIAGNOSTICS error_code = RETURNED_SQLSTATE, error_message = MESSAGE_TEXT;
        END;
        EXIT WHEN error_code IS NOT NULL;
        EXIT WHEN task.task_id IS NULL;
        IF NOT in_block THEN
            COMMIT;
        END IF;

        started_at := pg_catalog.clock_timestamp();
        BEGIN
            EXECUTE pg_catalog.format('CALL %s($1)', task.handler_procedure) USING task.payload;
            IF NOT in_block THEN
                -- What fails in a deferred trigger fails the task, not this procedure.
                SET CONSTRAINTS ALL IMMEDIATE;
            END IF;
            PERFORM worker.settle(task.task_id,
                                  (1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - started_at))::pg_catalog.numeric,
                                  NULL, NULL, NULL, NULL, NULL);
        EXCEPTION WHEN query_canceled OR OTHERS THEN
            GET STACKED DIAGNOSTICS error_code = RETURNED_SQLSTATE, error_message = MESSAGE_TEXT,
                error_detail = PG_EXCEPTION_DETAIL, error_hint = PG_EXCEPTION_HINT, error_context = PG_EXCEPTION_CONTEXT;
        END;
        IF error_code IS NOT NULL THEN
            BEGIN
                PERFORM worker.settle(task.task_id,
                                      (1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - started_at))::pg_catalog.numeric,
                                      error_code, error_message, error_detail, error_hint, error_context);
            EXCEPTION WHEN query_canceled THEN
                -- Called off while it failed: the one who did so is waited for here.
                PERFORM worker.settle(task.task_id,
                                      (1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - started_at))::pg_catalog.numeric,
                                      error_code, error_message, error_detail, error_hint, error_context);
            END;
        END IF;
        IF NOT in_block THEN
            COMMIT;
        END IF;
        -- Cancelled was this session, or the task alone.
        EXIT WHEN error_code = '57014'
            AND NOT EXISTS (SELECT FROM worker.tasks AS t WHERE t.id OPERATOR(pg_catalog.=) task.task_id AND t.cancel_reason IS NOT NULL);

        IF error_code IS NOT NULL AND task.failure_procedure IS NOT NULL
            AND EXISTS (SELECT FROM worker.tasks AS t WHERE t.id OPERATOR(pg_catalog.=) task.task_id AND t.state OPERATOR(pg_catalog.=) 'failed') THEN
            BEGIN
                EXECUTE pg_catalog.format('CALL %s($1, $2)', task.failure_procedure)
                USING task.payload, (SELECT t.error FROM worker.tasks AS t WHERE t.id OPERATOR(pg_catalog.=) task.task_id);
            EXCEPTION WHEN OTHERS THEN
                RAISE WARNING 'failure procedure of task % failed: %', task.task_id, SQLERRM;
            END;
            IF NOT in_block THEN
                COMMIT;
            END IF;
        END IF;
        error_code := NULL;
        done := done + 1;
    END LOOP;

    FOREACH queue_name IN ARRAY owned LOOP
        PERFORM pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended('statbus.worker.' || queue_name, 0));
    END LOOP;
    IF error_code IS NOT NULL THEN
        RAISE EXCEPTION '%', error_message USING ERRCODE = error_code;
    END IF;
END
$process_tasks$;
COMMENT ON PROCEDURE worker.process_tasks(text, integer) IS
    'Runs the tasks that are ready, of one queue or of all, lowest priority number first, each in its own transaction.  A failed task does not stop the others';
REVOKE ALL ON PROCEDURE worker.process_tasks(text, integer) FROM PUBLIC;

CREATE OR REPLACE PROCEDURE worker.delete_old_tasks(payload jsonb)
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $delete_old_tasks$
    DELETE FROM worker.tasks AS t
    WHERE t.completed_at < statement_timestamp() - CASE WHEN t.state = 'failed' THEN interval '30 days' ELSE interval '7 days' END
    AND NOT EXISTS (SELECT
                    FROM worker.tasks AS child
                    WHERE child.parent_id = t.id
                    AND child.state NOT IN ('completed', 'failed'));
$delete_old_tasks$;
COMMENT ON PROCEDURE worker.delete_old_tasks(jsonb) IS 'Handler of task_cleanup: deletes completed tasks after 7 days and failed ones after 30';
REVOKE ALL ON PROCEDURE worker.delete_old_tasks(jsonb) FROM PUBLIC;

-- The task queue: order, failure, uniqueness, ownership of a queue, and who may use it.
SET client_min_messages = warning;
CREATE DATABASE regress_worker TEMPLATE contrib_regression;
\c regress_worker
\set VERBOSITY terse
SET client_min_messages = warning;

-- commands of this test
CREATE TABLE public.done (id integer GENERATED ALWAYS AS IDENTITY, what text);
CREATE PROCEDURE public.note(payload jsonb) LANGUAGE sql
    AS $$ INSERT INTO public.done (what) VALUES (payload ->> 'what') $$;
CREATE PROCEDURE public.note_twice(payload jsonb) LANGUAGE plpgsql
    AS $$ BEGIN
        INSERT INTO public.done (what) VALUES ('first part of ' || (payload ->> 'what'));
        PERFORM worker.spawn('note', payload, priority := 1);
    END $$;
CREATE PROCEDURE public.fail(payload jsonb) LANGUAGE plpgsql
    AS $$ BEGIN
        INSERT INTO public.done (what) VALUES ('never seen');
        RAISE EXCEPTION 'no luck' USING ERRCODE = 'ZZ001', DETAIL = 'a detail', HINT = 'a hint';
    END $$;
CREATE PROCEDURE public.failed(payload jsonb, error text) LANGUAGE sql
    AS $$ INSERT INTO public.done (what) VALUES ('told that: ' || error) $$;
CREATE TABLE public.parent (id integer PRIMARY KEY);
CREATE TABLE public.child (id integer REFERENCES public.parent DEFERRABLE INITIALLY DEFERRED);
CREATE PROCEDURE public.break_later(payload jsonb) LANGUAGE sql
    AS $$ INSERT INTO public.child VALUES (1) $$;
CREATE PROCEDURE public.break_off(payload jsonb) LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'canceling' USING ERRCODE = 'query_canceled'; END $$;
INSERT INTO worker.command_registry (command, handler_procedure, failure_procedure, queue, is_unique, description) VALUES
    ('note', 'public.note', NULL, 'maintenance', false, 'test'),
    ('note_once', 'public.note', NULL, 'maintenance', true, 'test'),
    ('note_twice', 'public.note_twice', NULL, 'maintenance', false, 'test'),
    ('fail', 'public.fail', 'public.failed', 'maintenance', false, 'test'),
    ('break_later', 'public.break_later', NULL, 'maintenance', false, 'test'),
    ('break_off', 'public.break_off', NULL, 'maintenance', false, 'test');

-- What spawn refuses.
SELECT worker.spawn('no_such_command');                              -- fails
SELECT worker.spawn('note', '[1]');                                  -- fails
SELECT worker.spawn('note', '{"what": "orphan"}', parent_id := 99);  -- fails
SELECT worker.spawn('note', queue := 'no_such_queue');               -- fails
CALL worker.process_tasks('no_such_queue');                          -- fails

-- A unique command is pending once per payload.
SELECT worker.spawn('note_once', '{"what": "a"}') = worker.spawn('note_once', '{"what": "a"}') AS same,
       worker.spawn('note_once', '{"what": "a"}') = worker.spawn('note_once', '{"what": "b"}') AS other_payload,
       worker.spawn('note', '{"what": "c"}') = worker.spawn('note', '{"what": "c"}') AS not_unique;
-- Priority before id; what a task spawns is run too; the queue named is the queue used.
SELECT worker.spawn('note', '{"what": "urgent"}', priority := 0) > 0 AS spawned;
SELECT worker.spawn('note_twice', '{"what": "two parts"}') > 0 AS spawned;
SELECT worker.spawn('note', '{"what": "elsewhere"}', queue := 'analytics') > 0 AS spawned;
SELECT worker.spawn('note', '{"what": "part"}', parent_id := (SELECT max(id) FROM worker.tasks)) > 0 AS spawned;
INSERT INTO worker.tasks (command, queue, payload, scheduled_at) VALUES ('note', 'maintenance', '{"what": "tomorrow"}', now() + interval '1 day');
CALL worker.process_tasks('maintenance', 2);
SELECT what FROM public.done ORDER BY id;
CALL worker.process_tasks('maintenance');
SELECT what FROM public.done ORDER BY id;
CALL worker.process_tasks();
SELECT what FROM public.done ORDER BY id DESC LIMIT 1;
SELECT t.payload ->> 'what' AS what, t.queue, t.state, t.attempts, t.depth, t.duration_ms IS NOT NULL AS timed
FROM worker.tasks AS t ORDER BY t.id;

-- A failure is recorded with all that is known, takes its own changes back, and stops nobody else.
TRUNCATE public.done;
SELECT worker.spawn('fail') > 0 AS spawned;
SELECT worker.spawn('break_later') > 0 AS spawned;
SELECT worker.spawn('note', '{"what": "after the failures"}') > 0 AS spawned;
CALL worker.process_tasks('maintenance');
SELECT what FROM public.done ORDER BY id;
SELECT t.command, t.state, t.error, t.error_code, t.error_detail, t.error_hint, t.error_context LIKE '%fail(jsonb)%' AS has_context
FROM worker.tasks AS t WHERE t.state = 'failed' ORDER BY t.id;
SELECT count(*) AS children FROM public.child;

-- A cancelled task waits for the next run; the error reaches the caller, the queue is free again.
SELECT worker.spawn('break_off') > 0 AS spawned;
CALL worker.process_tasks('maintenance');   -- fails
SELECT state, attempts, error FROM worker.tasks WHERE command = 'break_off';
SELECT count(*) AS locks FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
-- A task that a dead session left behind is run again, but not for ever.
UPDATE worker.command_registry SET handler_procedure = 'public.note' WHERE command = 'break_off';
UPDATE worker.tasks SET state = 'processing', payload = '{"what": "left behind"}' WHERE command = 'break_off';
INSERT INTO worker.tasks (command, queue, state, attempts) VALUES ('note', 'maintenance', 'processing', 5);
CALL worker.process_tasks('maintenance');
SELECT command, state, attempts, error FROM worker.tasks ORDER BY id DESC LIMIT 2;

-- Who loses in a deadlock tries again, five times in all.
CREATE PROCEDURE public.lose(payload jsonb) LANGUAGE plpgsql AS $lose$
BEGIN
    IF (SELECT t.attempts FROM worker.tasks AS t WHERE t.command = 'break_off' AND t.state = 'processing') < (payload ->> 'until')::integer THEN
        RAISE EXCEPTION 'deadlock detected' USING ERRCODE = 'deadlock_detected';
    END IF;
END
$lose$;
UPDATE worker.command_registry SET handler_procedure = 'public.lose' WHERE command = 'break_off';
SELECT worker.spawn('break_off', '{"until": 3}') > 0 AS spawned;
CALL worker.process_tasks('maintenance');
SELECT worker.spawn('break_off', '{"until": 9}') > 0 AS spawned;
CALL worker.process_tasks('maintenance');
SELECT payload, state, attempts, error_code FROM worker.tasks WHERE command = 'break_off' ORDER BY id DESC LIMIT 2;

-- In a transaction block everything is done as well, and undone with it.
BEGIN;
SELECT worker.spawn('note', '{"what": "in a block"}') > 0 AS spawned;
SELECT worker.spawn('fail') > 0 AS spawned;
CALL worker.process_tasks();
SELECT what FROM public.done ORDER BY id DESC LIMIT 2;
ROLLBACK;
SELECT count(*) AS left FROM public.done WHERE what = 'in a block';

-- Impossible tasks.
\set VERBOSITY sqlstate
INSERT INTO worker.tasks (command, queue, error) VALUES ('note', 'maintenance', 'wrong');                 -- fails
INSERT INTO worker.tasks (command, queue, payload) VALUES ('note', 'maintenance', '[]');                  -- fails
INSERT INTO worker.tasks (command, queue, state) VALUES ('note', 'maintenance', 'completed');             -- fails
INSERT INTO worker.tasks (command, queue, is_unique, payload) SELECT 'note_once', 'maintenance', true, '{}' FROM generate_series(1, 2);  -- fails

-- Old tasks go, younger ones and those with open parts stay.
DELETE FROM worker.tasks;
INSERT INTO worker.tasks (command, queue, state, completed_at, error, payload) VALUES
    ('note', 'maintenance', 'completed', now() - interval '8 days', NULL, '{"what": "old"}'),
    ('note', 'maintenance', 'completed', now() - interval '6 days', NULL, '{"what": "young"}'),
    ('note', 'maintenance', 'failed', now() - interval '8 days', 'error', '{"what": "failed"}'),
    ('note', 'maintenance', 'failed', now() - interval '31 days', 'error', '{"what": "failed long ago"}');
SELECT worker.spawn('task_cleanup') > 0 AS spawned;
CALL worker.process_tasks('maintenance');
SELECT coalesce(payload ->> 'what', command) AS what FROM worker.tasks ORDER BY id;

-- Nobody but the owner queues and runs tasks.
SET ROLE admin_user;
SELECT worker.spawn('note');        -- fails
CALL worker.process_tasks();        -- fails
RESET ROLE;

\c contrib_regression
DROP DATABASE regress_worker;

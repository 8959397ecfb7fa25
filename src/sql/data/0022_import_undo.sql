-- Step 0022: what a job was before it wrote, so that it can be undone.

-- A finished or failed job is taken back: undoing, and then undone. Nothing of this step may use the new values: the
-- transaction that adds them cannot.
ALTER TYPE import.job_state ADD VALUE IF NOT EXISTS 'undoing';
ALTER TYPE import.job_state ADD VALUE IF NOT EXISTS 'undone';

ALTER TABLE import.job
    ADD COLUMN undo_kept boolean NOT NULL DEFAULT false,
    ADD COLUMN undo_user_id integer REFERENCES auth."user" ON DELETE RESTRICT,
    ADD COLUMN undo_start_at timestamptz,
    ADD COLUMN undo_stop_at timestamptz,
    ADD COLUMN undo_error text,
    DROP CONSTRAINT job_error_when_failed,
    ADD CONSTRAINT job_error_when_failed CHECK (
        CASE WHEN error IS NULL THEN state <> 'failed' ELSE state::text IN ('failed', 'undoing', 'undone') END);
CREATE INDEX job_undo_user_id_idx ON import.job (undo_user_id) WHERE undo_user_id IS NOT NULL;
COMMENT ON COLUMN import.job.undo_kept IS 'Whether what the job changes is kept as it was before; not so for jobs that were applied before release 0.4';
COMMENT ON COLUMN import.job.undo_user_id IS 'Who has taken the job back';
COMMENT ON COLUMN import.job.undo_error IS 'Why the job could not be taken back, after it had been tried';

-- Written by a trigger on the tables of the register, in the order of seq: what a statement of a job has put there and,
-- before that, what it has taken away.
CREATE TABLE import.undo_write (
    job_id integer NOT NULL REFERENCES import.job ON DELETE CASCADE,
    seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    table_name text NOT NULL,
    -- One element per row; valid_from and valid_until are empty for tables without time.
    ids integer[] NOT NULL,
    valid_from date[] NOT NULL,
    valid_until date[] NOT NULL,
    -- When a row was edited tells whether it is still as it was written.
    edit_at timestamptz[] NOT NULL,
    -- Whether it is of the job, or what its writing has left of another one.
    is_own boolean[] NOT NULL,
    PRIMARY KEY (job_id, seq),
    CONSTRAINT undo_write_complete CHECK (
        cardinality(edit_at) = cardinality(ids) AND cardinality(is_own) = cardinality(ids)
        AND cardinality(valid_from) IN (0, cardinality(ids)) AND cardinality(valid_until) = cardinality(valid_from))
);
COMMENT ON TABLE import.undo_write IS 'Rows that import jobs have written: by statement and table, which';

CREATE TABLE import.undo_slice (
    job_id integer NOT NULL REFERENCES import.job ON DELETE CASCADE,
    seq bigint NOT NULL,
    table_name text NOT NULL,
    id integer NOT NULL,
    valid_from date NOT NULL,
    valid_until date NOT NULL,
    image jsonb NOT NULL CHECK (jsonb_typeof(image) = 'object'),
    PRIMARY KEY (job_id, seq, id, valid_from, valid_until)
);
COMMENT ON TABLE import.undo_slice IS 'Slices that import jobs have changed or deleted, as they were';
COMMENT ON COLUMN import.undo_slice.seq IS 'Of the same sequence as import.undo_write.seq';

-- Step 0021: a job under review: a task that is being processed can be called off, and answers that are files.

-- Why a task that is being processed was called off: its session is told, and settles it as failed with these words.
ALTER TABLE worker.tasks ADD COLUMN cancel_reason text CHECK (btrim(cancel_reason) <> '');
COMMENT ON COLUMN worker.tasks.cancel_reason IS 'Written by worker.cancel(): the task was called off while it was being processed';

-- PostgREST answers "Accept: text/csv" with what a function of this type returns, as it is.
CREATE DOMAIN api."text/csv" AS text;
COMMENT ON DOMAIN api."text/csv" IS 'A file of comma separated values, as the body of an answer';
CREATE DOMAIN api."text/plain" AS text;
COMMENT ON DOMAIN api."text/plain" IS 'A text for people, as the body of an answer';

-- What a report of the file is headed by.
ALTER TABLE import.upload ADD COLUMN headings text[];
COMMENT ON COLUMN import.upload.headings IS 'Of the file, in its order, also those that no column has';

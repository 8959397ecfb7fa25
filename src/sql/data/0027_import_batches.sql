-- Step 0027: where the application of a job goes on.

-- Without it the next batch would be looked for among the rows of all those before it.
ALTER TABLE import.job ADD COLUMN next_batch integer CHECK (next_batch > 0);
COMMENT ON COLUMN import.job.next_batch IS
    'No batch before this one has rows left to apply; NULL: not known. A hint that saves reading: what is left, the rows of the data table say';

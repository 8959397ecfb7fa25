-- Step 0030: what has changed between the analysis of a job and its application; files whose columns must all be known; which format
-- dates have that can be read in two ways; more hints.

ALTER TABLE import.definition DROP CONSTRAINT definition_unknown_columns_check;
ALTER TABLE import.definition ADD CONSTRAINT definition_unknown_columns_check CHECK (unknown_columns IN ('each', 'once', 'refuse'));
COMMENT ON COLUMN import.definition.unknown_columns IS
    'What becomes of columns of a file that the definition does not know: each, left out with a warning for each; once, left out with one remark on all; refuse, the file is not taken';

INSERT INTO import.finding_code (level, severity, code, message, hint, can_change) VALUES
    ('row', 'error', 'outdated', '{column}: what "{value}" stands for has changed since the file was read', 'Import the row again, in another job', false),
    ('file', 'error', 'column_unknown', 'Column {column} is unknown, and the definition takes no such file', NULL, false),
    ('file', 'info', 'date_format_likely', '{column}: {ambiguous} dates can be read in two ways; of the others, {rows} are right only as {format}',
     'Declare {format} alone in the definition, and import the file again', false);

UPDATE import.finding_code SET hint = 'It stands in the file of import job {pending_job}: import this one after it' WHERE code = 'reference_missing';
UPDATE import.finding_code SET hint = 'Days from {min} to {max} can be kept' WHERE code = 'date_out_of_range';

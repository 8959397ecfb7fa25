-- Step 0020: what stewards declare of files: rules about rows, severities of findings, limits of errors.

-- Rules.
CREATE TABLE import.rule (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    definition_id integer REFERENCES import.definition ON DELETE CASCADE,
    name text NOT NULL CONSTRAINT rule_name_short CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    expression text NOT NULL CONSTRAINT rule_expression_short CHECK (octet_length(expression) <= 10000),
    severity text NOT NULL DEFAULT 'error' CONSTRAINT rule_severity_known CHECK (severity IN ('error', 'warning', 'info')),
    message text NOT NULL CONSTRAINT rule_message_said CHECK (btrim(message) <> '' AND length(message) <= 500),
    enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT rule_name_key UNIQUE NULLS NOT DISTINCT (definition_id, name)
);
COMMENT ON TABLE import.rule IS 'What must be true of the rows of a file, beyond what the analysis knows: a row for which the expression is false has finding rule_failed';
COMMENT ON COLUMN import.rule.definition_id IS 'The definition whose files are judged; NULL: all';
COMMENT ON COLUMN import.rule.expression IS 'Over the columns of the definition, as in SQL: employees >= 0 and (death_date is null or death_date >= birth_date)';
COMMENT ON COLUMN import.rule.message IS 'What the finding says';

-- Severities.
ALTER TABLE import.finding_code ADD COLUMN can_change boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN import.finding_code.can_change IS
    'Whether a definition may give the code another severity: not where the register would refuse the row all the same, or other rows hang on it';
UPDATE import.finding_code SET can_change = true
WHERE level = 'row'
AND (severity IN ('warning', 'info')
     -- Values that are left out when the row goes in.
     OR code IN ('date_format', 'date_not_in_calendar', 'date_ambiguous', 'date_out_of_range', 'date_incomplete', 'number_format', 'number_negative',
                 'not_whole', 'not_a_number', 'number_scientific', 'number_too_big', 'grouping', 'not_a_boolean', 'percentage_range', 'coordinate_postal',
                 'tag_unknown', 'code_not_valid_then'))
-- They come of rows that are left out, whatever they are called.
AND code NOT IN ('blank_row', 'row_duplicate', 'nothing_to_import');

CREATE TABLE import.definition_severity (
    definition_id integer NOT NULL REFERENCES import.definition ON DELETE CASCADE,
    code text NOT NULL REFERENCES import.finding_code ON DELETE CASCADE,
    severity text NOT NULL CONSTRAINT definition_severity_known CHECK (severity IN ('error', 'warning', 'info')),
    PRIMARY KEY (definition_id, code)
);
CREATE INDEX definition_severity_code_idx ON import.definition_severity (code);
COMMENT ON TABLE import.definition_severity IS 'Findings that are more serious, or less, in files of a definition';

-- Limits.
ALTER TABLE import.definition
    ADD COLUMN max_errors bigint CONSTRAINT definition_max_errors CHECK (max_errors >= 0),
    ADD COLUMN max_error_ratio numeric(7,6) CONSTRAINT definition_max_error_ratio CHECK (max_error_ratio BETWEEN 0 AND 1),
    ADD COLUMN on_error text NOT NULL DEFAULT 'import_good_rows' CONSTRAINT definition_on_error CHECK (on_error IN ('import_good_rows', 'import_nothing'));
COMMENT ON COLUMN import.definition.max_errors IS 'Rows with an error, beyond which nothing of a file is imported; NULL: no limit';
COMMENT ON COLUMN import.definition.max_error_ratio IS 'Likewise, as a share of all rows: 0.05 is one in twenty';
COMMENT ON COLUMN import.definition.on_error IS 'import_good_rows: a row with an error stops no other; import_nothing: one such row stops the file';
ALTER TABLE import.job
    ADD COLUMN max_errors bigint CONSTRAINT job_max_errors CHECK (max_errors >= 0),
    ADD COLUMN max_error_ratio numeric(7,6) CONSTRAINT job_max_error_ratio CHECK (max_error_ratio BETWEEN 0 AND 1),
    ADD COLUMN on_error text CONSTRAINT job_on_error CHECK (on_error IN ('import_good_rows', 'import_nothing'));
COMMENT ON COLUMN import.job.max_errors IS 'As of the definition; NULL: what the definition says';
COMMENT ON COLUMN import.job.max_error_ratio IS 'As of the definition; NULL: what the definition says';
COMMENT ON COLUMN import.job.on_error IS 'As of the definition; NULL: what the definition says';

INSERT INTO import.finding_code (level, severity, code, message, hint, can_change) VALUES
    ('row', 'error', 'rule_failed', '{message}', 'Rule {rule} of the definition is broken', false),
    ('file', 'info', 'rule_skipped', 'Rule {rule} was not judged: {reason}', 'The definition has changed since the rule was made', false),
    ('file', 'error', 'too_many_errors', '{errors} of {rows} rows have errors, at most {limit} may: nothing was imported', 'Correct the file, or raise the limit', false);

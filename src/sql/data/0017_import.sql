-- Step 0017: files that come in pieces, and headings by other names.

-- Headings that mean the same column.
ALTER TABLE import.source_column ADD COLUMN aliases text[] NOT NULL DEFAULT '{}'
    CONSTRAINT source_column_aliases_no_nulls CHECK (array_position(aliases, NULL) IS NULL);
COMMENT ON COLUMN import.source_column.aliases IS 'Other headings for the same column; case, spaces and punctuation make no difference';
-- Names of columns that an upload table has beside those of the file.
ALTER TABLE import.source_column ADD CONSTRAINT source_column_name_not_ours CHECK (column_name NOT LIKE 'statbus:%');

CREATE TABLE import.upload (
    job_id integer PRIMARY KEY REFERENCES import.job ON DELETE CASCADE,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    -- As declared with the first chunk.
    options jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(options) = 'object'),
    chunks integer NOT NULL DEFAULT 0 CHECK (chunks >= 0),
    bytes bigint NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    row_count bigint NOT NULL DEFAULT 0 CHECK (row_count >= 0),
    findings jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(findings) = 'array'),
    reader bytea,
    sha256 bytea CHECK (octet_length(sha256) = 32),
    CONSTRAINT upload_finished_with_hash CHECK ((finished_at IS NULL) = (sha256 IS NULL)),
    CONSTRAINT upload_reader_until_finished CHECK (finished_at IS NULL OR reader IS NULL)
);
CREATE INDEX upload_sha256_idx ON import.upload (sha256) WHERE sha256 IS NOT NULL;
COMMENT ON TABLE import.upload IS 'A file that comes over HTTP: how far it has come, and what was found in it as a whole';
COMMENT ON COLUMN import.upload.reader IS 'Where the reading of the file stands between two chunks';
COMMENT ON COLUMN import.upload.sha256 IS 'Of the whole file, once it is complete';

CREATE TABLE import.upload_chunk (
    job_id integer NOT NULL REFERENCES import.upload ON DELETE CASCADE,
    number integer NOT NULL CHECK (number > 0),
    bytes integer NOT NULL CHECK (bytes >= 0),
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    is_last boolean NOT NULL,
    -- What was answered; a chunk that comes again is answered so again.
    answer jsonb NOT NULL,
    PRIMARY KEY (job_id, number)
);
COMMENT ON TABLE import.upload_chunk IS 'The pieces in which a file came; their bytes are in the upload table of the job, as rows';

-- Blank lines are no rows: they are counted for the file.
UPDATE import.finding_code SET level = 'file', message = '{n} blank lines were skipped' WHERE code = 'blank_line';
UPDATE import.finding_code SET message = 'Rows without any value were skipped' WHERE code = 'blank_row';
UPDATE import.finding_code SET message = 'The file is not valid text at line {line}', hint = 'Save the file as UTF-8, or declare its encoding: {guess}' WHERE code = 'encoding_invalid';
UPDATE import.finding_code SET message = 'The file is {encoding}, and something else was declared', hint = 'Declare its encoding, or save it as "CSV UTF-8"' WHERE code = 'encoding_utf16';
UPDATE import.finding_code SET hint = 'Declare the line of the heading; line {line} looks like one' WHERE code = 'header_not_found';

INSERT INTO import.finding_code (level, severity, code, message, hint) VALUES
    ('file', 'info', 'encoding_detected', 'The file was read as {encoding}', NULL),
    ('file', 'info', 'delimiter_detected', 'The delimiter of the file is {delimiter}', NULL),
    ('file', 'info', 'columns_absent', 'The file has nothing for columns {columns}', NULL),
    ('file', 'info', 'report_columns_ignored', 'Columns {columns} are those of a report on an earlier import; they were left out', NULL),
    ('file', 'error', 'file_too_big', 'The file has more than {limit} bytes', 'Split it into several files, each with the heading'),
    ('row', 'error', 'record_too_long', 'The record has more than {limit} bytes', 'Is a quote never closed?');

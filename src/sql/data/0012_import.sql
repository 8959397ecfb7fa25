-- Step 0012: import. A definition says what a file's columns mean; a job is one file on its way into the register.
--
-- The tables of a job (made by a trigger, gone with the job)
-- * import."<slug>_upload": one text column per source column of the definition, named as the heading, in order, no
--   other column. One COPY fills it; the order of its rows is the order of the file.
-- * import."<slug>_data": one row per row of the file, in this order of columns:
--     row_id bigint PRIMARY KEY (1, 2, …: the order of the file), source_line bigint,
--     per step, by data_column.priority: source_input columns (<name>_raw text), internal and pk_id columns (typed),
--     and those of step "metadata": founding_row_id bigint, operation, action, state, batch_seq integer,
--     errors jsonb, warnings jsonb, merge_status jsonb.

-- definitions -----------------------------------------------------------------------------------------------------

CREATE TABLE import.definition (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9_]{0,62}$'),
    name text NOT NULL UNIQUE CHECK (btrim(name) <> ''),
    note text,
    data_source_id integer REFERENCES register.data_source ON DELETE RESTRICT,
    strategy import.strategy NOT NULL DEFAULT 'insert_or_replace',
    mode import.mode NOT NULL,
    valid_time_from import.valid_time_from NOT NULL,
    user_id integer REFERENCES auth."user" ON DELETE SET NULL,
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    valid boolean NOT NULL DEFAULT false,
    validation_error text,
    default_retention_period interval NOT NULL DEFAULT '18 months',
    -- How values are written in the file.
    import_as_null text[] NOT NULL DEFAULT '{"",NA,N/A,"NULL",NONE,NaN}',
    date_formats text[] NOT NULL DEFAULT '{YYYY-MM-DD}',
    decimal_mark text NOT NULL DEFAULT '.',
    thousands text NOT NULL DEFAULT '',
    true_words text[] NOT NULL DEFAULT '{true,t,yes,y,1}',
    false_words text[] NOT NULL DEFAULT '{false,f,no,n,0}',
    unique_units boolean NOT NULL DEFAULT true,
    dynamic_columns boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT definition_unique_units CHECK (NOT (valid_time_from = 'job_provided' AND NOT unique_units)),
    CONSTRAINT definition_valid_or_error CHECK (valid = (validation_error IS NULL)),
    CONSTRAINT definition_retention_positive CHECK (default_retention_period > interval '0'),
    CONSTRAINT definition_import_as_null_no_nulls CHECK (array_position(import_as_null, NULL) IS NULL),
    CONSTRAINT definition_date_formats CHECK (
        cardinality(date_formats) > 0
        AND date_formats <@ '{YYYY-MM-DD,YYYYMMDD,DD.MM.YYYY,D.M.YYYY,DD/MM/YYYY,MM/DD/YYYY,YYYY/MM/DD}'::text[]),
    CONSTRAINT definition_decimal_mark CHECK (decimal_mark IN ('.', ',')),
    CONSTRAINT definition_thousands CHECK (char_length(thousands) <= 1 AND thousands <> decimal_mark AND thousands !~ '[0-9+-]'),
    CONSTRAINT definition_boolean_words CHECK (NOT true_words && false_words AND cardinality(true_words) > 0 AND cardinality(false_words) > 0)
);
CREATE INDEX definition_data_source_id_idx ON import.definition (data_source_id);
CREATE INDEX definition_user_id_idx ON import.definition (user_id);
COMMENT ON TABLE import.definition IS 'What the columns of a kind of file mean and how its rows act on the register';
COMMENT ON COLUMN import.definition.valid IS 'Written by triggers: whether jobs may use the definition; validation_error says what is wrong';
COMMENT ON COLUMN import.definition.import_as_null IS 'Values that mean nothing at all; compared without regard to case';
COMMENT ON COLUMN import.definition.unique_units IS 'Whether a unit may stand in a file only once; false needs dates in the file';
COMMENT ON COLUMN import.definition.dynamic_columns IS
    'Whether enabling a type of identifier or a statistic adds a source column of its name, and disabling removes it';

CREATE TABLE import.step (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]*$'),
    name text NOT NULL CHECK (btrim(name) <> ''),
    priority integer NOT NULL,
    is_analysed boolean NOT NULL,
    is_processed boolean NOT NULL,
    is_holistic boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE import.step IS 'Parts of an import: each owns columns of the data table';
COMMENT ON COLUMN import.step.is_analysed IS 'The analysis of a row judges columns of the step';
COMMENT ON COLUMN import.step.is_processed IS 'The step writes to the register';
COMMENT ON COLUMN import.step.is_holistic IS 'The step needs to see all rows of the file at once';

CREATE TABLE import.definition_step (
    definition_id integer NOT NULL REFERENCES import.definition ON DELETE CASCADE,
    step_id integer NOT NULL REFERENCES import.step ON DELETE RESTRICT,
    PRIMARY KEY (definition_id, step_id)
);
CREATE INDEX definition_step_step_id_idx ON import.definition_step (step_id);
COMMENT ON TABLE import.definition_step IS 'Which steps a definition has';

CREATE TABLE import.data_column (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    step_id integer NOT NULL REFERENCES import.step ON DELETE CASCADE,
    priority integer NOT NULL,
    column_name text NOT NULL CHECK (octet_length(column_name) BETWEEN 1 AND 63),
    column_type text NOT NULL,
    purpose import.column_purpose NOT NULL,
    is_nullable boolean NOT NULL DEFAULT true,
    default_value text,
    is_uniquely_identifying boolean NOT NULL DEFAULT false,
    target_pg_type text,
    -- Columns that exist because of a type of identifier or a statistic.
    external_ident_type_id integer REFERENCES register.external_ident_type ON DELETE CASCADE,
    ident_label text,
    stat_definition_id integer REFERENCES register.stat_definition ON DELETE CASCADE,
    enabled boolean NOT NULL DEFAULT true,
    UNIQUE (step_id, column_name),
    UNIQUE (id, purpose),
    CONSTRAINT data_column_raw_name CHECK ((purpose = 'source_input') = (column_name LIKE '%\_raw')),
    CONSTRAINT data_column_raw_is_text CHECK (purpose <> 'source_input' OR (column_type = 'text' AND is_nullable)),
    CONSTRAINT data_column_identifying_is_source CHECK (NOT is_uniquely_identifying OR purpose = 'source_input'),
    CONSTRAINT data_column_one_origin CHECK (num_nonnulls(external_ident_type_id, stat_definition_id) <= 1),
    CONSTRAINT data_column_label_of_ident CHECK (ident_label IS NULL OR external_ident_type_id IS NOT NULL),
    CONSTRAINT data_column_fixed_is_enabled CHECK (enabled OR num_nonnulls(external_ident_type_id, stat_definition_id) = 1)
);
CREATE INDEX data_column_external_ident_type_id_idx ON import.data_column (external_ident_type_id) WHERE external_ident_type_id IS NOT NULL;
CREATE INDEX data_column_stat_definition_id_idx ON import.data_column (stat_definition_id) WHERE stat_definition_id IS NOT NULL;
COMMENT ON TABLE import.data_column IS 'The columns that a step gives to the data table of a job';
COMMENT ON COLUMN import.data_column.column_type IS 'Type in the data table, as SQL text; ltree stands without a schema';
COMMENT ON COLUMN import.data_column.target_pg_type IS 'Type of the column of the register that the value ends up in, for the check of its length';
COMMENT ON COLUMN import.data_column.ident_label IS 'The component of a hierarchical identifier that the column holds';
COMMENT ON COLUMN import.data_column.enabled IS 'False while its type of identifier or its statistic is disabled: new jobs get no such column, and mappings to it are ignored';

CREATE TABLE import.source_column (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    definition_id integer NOT NULL REFERENCES import.definition ON DELETE CASCADE,
    column_name text NOT NULL,
    priority integer NOT NULL CHECK (priority > 0),
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    UNIQUE (definition_id, column_name),
    UNIQUE (definition_id, priority) DEFERRABLE INITIALLY IMMEDIATE,
    UNIQUE (id, definition_id),
    -- The heading becomes a column's name.
    CONSTRAINT source_column_name_length CHECK (octet_length(column_name) BETWEEN 1 AND 63),
    CONSTRAINT source_column_name_visible CHECK (column_name = btrim(column_name) AND column_name !~ '[[:cntrl:]]'),
    CONSTRAINT source_column_name_not_reserved CHECK (column_name NOT IN ('tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'))
);
COMMENT ON TABLE import.source_column IS 'The headings of a file, in order; each is at most 63 bytes long';

CREATE TABLE import.mapping (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    definition_id integer NOT NULL REFERENCES import.definition ON DELETE CASCADE,
    source_column_id integer,
    source_value text,
    source_expression import.source_expression,
    target_data_column_id integer,
    target_data_column_purpose import.column_purpose GENERATED ALWAYS AS ('source_input'::import.column_purpose) STORED,
    is_ignored boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    UNIQUE (definition_id, target_data_column_id),
    CONSTRAINT mapping_source_column_fkey FOREIGN KEY (source_column_id, definition_id)
        REFERENCES import.source_column (id, definition_id) ON DELETE CASCADE,
    CONSTRAINT mapping_target_data_column_fkey FOREIGN KEY (target_data_column_id, target_data_column_purpose)
        REFERENCES import.data_column (id, purpose) ON DELETE CASCADE,
    CONSTRAINT mapping_one_source CHECK (num_nonnulls(source_column_id, source_value, source_expression) = 1),
    CONSTRAINT mapping_target_unless_ignored CHECK (is_ignored = (target_data_column_id IS NULL)),
    CONSTRAINT mapping_ignores_a_source_column CHECK (NOT is_ignored OR source_column_id IS NOT NULL)
);
CREATE UNIQUE INDEX mapping_ignored_key ON import.mapping (source_column_id) WHERE is_ignored;
CREATE INDEX mapping_source_column_id_idx ON import.mapping (source_column_id) WHERE source_column_id IS NOT NULL;
CREATE INDEX mapping_target_data_column_id_idx ON import.mapping (target_data_column_id) WHERE target_data_column_id IS NOT NULL;
COMMENT ON TABLE import.mapping IS 'Which source column, fixed value or expression fills which column of the data table';
COMMENT ON COLUMN import.mapping.source_expression IS 'default: what the job says; now: the day of the analysis';
COMMENT ON COLUMN import.mapping.is_ignored IS 'The source column is left out on purpose';

-- jobs ------------------------------------------------------------------------------------------------------------

CREATE TABLE import.job (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9_]{0,47}$'),
    description text,
    note text,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    definition_id integer NOT NULL REFERENCES import.definition ON DELETE RESTRICT,
    user_id integer NOT NULL REFERENCES auth."user" ON DELETE RESTRICT,
    time_context_ident text,
    default_valid_from date,
    default_valid_to date,
    default_data_source_code text,
    upload_table_name text NOT NULL UNIQUE,
    data_table_name text NOT NULL UNIQUE,
    priority bigint,
    analysis_batch_size integer NOT NULL DEFAULT 32768 CHECK (analysis_batch_size > 0),
    processing_batch_size integer NOT NULL DEFAULT 8000 CHECK (processing_batch_size > 0),
    definition_snapshot jsonb NOT NULL,
    unique_units boolean NOT NULL,
    truncate_overlong boolean NOT NULL DEFAULT false,
    review boolean,
    edit_comment varchar(512),
    expires_at timestamptz NOT NULL,
    state import.job_state NOT NULL DEFAULT 'waiting_for_upload',
    error text,
    preparing_data_at timestamptz,
    analysis_start_at timestamptz,
    analysis_stop_at timestamptz,
    changes_approved_at timestamptz,
    changes_rejected_at timestamptz,
    processing_start_at timestamptz,
    processing_stop_at timestamptz,
    current_step_code text,
    current_step_priority integer,
    max_analysis_priority integer,
    total_analysis_steps_weighted bigint,
    completed_analysis_steps_weighted bigint,
    analysis_completed_pct numeric(5, 2) NOT NULL DEFAULT 0 CHECK (analysis_completed_pct BETWEEN 0 AND 100),
    analysis_rows_per_sec numeric(14, 2),
    import_completed_pct numeric(5, 2) NOT NULL DEFAULT 0 CHECK (import_completed_pct BETWEEN 0 AND 100),
    import_rows_per_sec numeric(14, 2),
    last_progress_update timestamptz,
    -- Rows, not findings.
    total_rows bigint CHECK (total_rows >= 0),
    imported_rows bigint NOT NULL DEFAULT 0 CHECK (imported_rows >= 0),
    unchanged_rows bigint NOT NULL DEFAULT 0 CHECK (unchanged_rows >= 0),
    skipped_rows bigint NOT NULL DEFAULT 0 CHECK (skipped_rows >= 0),
    error_count bigint NOT NULL DEFAULT 0 CHECK (error_count >= 0),
    warning_count bigint NOT NULL DEFAULT 0 CHECK (warning_count >= 0),
    CONSTRAINT job_priority_once_uploaded CHECK (priority IS NOT NULL OR state IN ('waiting_for_upload', 'failed')),
    CONSTRAINT job_dates_both_or_none CHECK ((default_valid_from IS NULL) = (default_valid_to IS NULL)),
    CONSTRAINT job_dates_in_order CHECK (default_valid_from <= default_valid_to),
    CONSTRAINT job_valid_from_finite CHECK (isfinite(default_valid_from)),
    CONSTRAINT job_dates_as_definition CHECK (
        CASE definition_snapshot #>> '{import_definition,valid_time_from}'
            WHEN 'job_provided' THEN default_valid_from IS NOT NULL
            WHEN 'source_columns' THEN default_valid_from IS NULL AND time_context_ident IS NULL
            ELSE false
        END),
    CONSTRAINT job_snapshot_complete CHECK (
        definition_snapshot ?& '{import_definition,import_step_list,import_data_column_list,import_source_column_list,import_mapping_list}'
        AND (time_context_ident IS NULL OR definition_snapshot ? 'time_context')),
    CONSTRAINT job_error_when_failed CHECK ((state = 'failed') = (error IS NOT NULL)),
    CONSTRAINT job_expires_later CHECK (created_at < expires_at),
    -- Conservation: every row of the file is accounted for.
    CONSTRAINT job_rows_conserved CHECK (
        state <> 'finished' OR total_rows IS NOT DISTINCT FROM imported_rows + unchanged_rows + skipped_rows + error_count)
);
CREATE INDEX job_definition_id_idx ON import.job (definition_id);
CREATE INDEX job_user_id_idx ON import.job (user_id);
CREATE INDEX job_open_idx ON import.job (priority) WHERE state NOT IN ('finished', 'failed');
CREATE INDEX job_expires_at_idx ON import.job (expires_at);
COMMENT ON TABLE import.job IS 'One file on its way into the register';
COMMENT ON COLUMN import.job.definition_snapshot IS 'The definition as it was when the job was made: later changes of it do not reach the job';
COMMENT ON COLUMN import.job.priority IS 'Jobs run one after the other, lower numbers first; the number is drawn when the upload is complete';
COMMENT ON COLUMN import.job.review IS 'true: always wait for review; false: never; NULL: only when rows have errors';
COMMENT ON COLUMN import.job.error_count IS 'Rows with an error';
COMMENT ON COLUMN import.job.warning_count IS 'Rows with a warning that are used all the same';

-- findings --------------------------------------------------------------------------------------------------------

CREATE TABLE import.finding_code (
    code text PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9_]*$'),
    level text NOT NULL DEFAULT 'row' CHECK (level IN ('file', 'row')),
    severity text NOT NULL CHECK (severity IN ('error', 'warning', 'info')),
    message text NOT NULL CHECK (btrim(message) <> ''),
    hint text
);
COMMENT ON TABLE import.finding_code IS 'What can be wrong with a file or a row: one code per cause';
COMMENT ON COLUMN import.finding_code.severity IS 'What the finding does to its row unless the finding itself says otherwise';
COMMENT ON COLUMN import.finding_code.message IS
    'Template: {column}, {value} and the keys of the finding''s details stand for what they hold';

-- One row per bad record. findings is an array of objects: code, column (without _raw; absent: the whole row), value (as in
-- the file), details (object), severity (absent: that of the code). row_id 0 stands for the file.
CREATE TABLE import.bad_row (
    job_id integer NOT NULL REFERENCES import.job ON DELETE CASCADE,
    row_id bigint NOT NULL CHECK (row_id >= 0),
    source_line bigint,
    findings jsonb NOT NULL CHECK (jsonb_typeof(findings) = 'array'),
    PRIMARY KEY (job_id, row_id)
);
COMMENT ON TABLE import.bad_row IS 'Records of a file about which there is something to say, with all that there is; see view import.finding';

-- Step 0014: what is derived from the base tables, and the log of base changes that are still to be derived.
--
-- Everything here but worker.base_change_log can be emptied and rebuilt from the base tables by statbus.rebuild(). It has
-- one writer, statbus.derive() (src/sql/derive.sql); which segments a unit has and what stands in a row: doc/derive.md.

-- the change log --------------------------------------------------------------------------------------------------

-- Logged, not unlogged: after a crash it must still say what is left to do.
CREATE TABLE worker.base_change_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    establishment_ids integer[] NOT NULL DEFAULT '{}',
    legal_unit_ids integer[] NOT NULL DEFAULT '{}',
    enterprise_ids integer[] NOT NULL DEFAULT '{}',
    power_group_ids integer[] NOT NULL DEFAULT '{}',
    -- Code lists whose *_used table must be looked at again.
    code_lists text[] NOT NULL DEFAULT '{}',
    -- The change may concern every unit.
    all_units boolean NOT NULL DEFAULT false,
    -- A task was queued for the row: it is not derived at the end of its transaction.
    is_queued boolean NOT NULL DEFAULT false,
    logged_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
-- A transaction finds its own rows when it commits.
CREATE INDEX base_change_log_transaction_id_idx ON worker.base_change_log (transaction_id);
COMMENT ON TABLE worker.base_change_log IS
    'One row per statement that changed base tables: the units to derive again. Rows go when they are derived';
COMMENT ON COLUMN worker.base_change_log.transaction_id IS
    'Who wrote the row; a restored row keeps the number of its old cluster, which can only make another transaction derive it too';

-- segments --------------------------------------------------------------------------------------------------------

CREATE TABLE register.timepoints (
    unit_type register.statistical_unit_type NOT NULL,
    unit_id integer NOT NULL,
    timepoint date NOT NULL,
    CONSTRAINT timepoints_pkey PRIMARY KEY (unit_type, unit_id, timepoint)
);
COMMENT ON TABLE register.timepoints IS 'Derived: the days on which the picture of a unit may change, and the day after its last one';

CREATE TABLE register.timesegments (
    unit_type register.statistical_unit_type NOT NULL,
    unit_id integer NOT NULL,
    valid_from date NOT NULL,
    valid_until date NOT NULL,
    CONSTRAINT timesegments_pkey PRIMARY KEY (unit_type, unit_id, valid_from),
    CONSTRAINT timesegments_valid_check CHECK (valid_from < valid_until)
);
-- Whether a year still has a segment that starts in it (timesegments_years).
CREATE INDEX timesegments_valid_from_idx ON register.timesegments (valid_from);
COMMENT ON TABLE register.timesegments IS 'Derived: from one timepoint of a unit to the next, where the unit exists';

CREATE TABLE register.timesegments_years (
    year integer PRIMARY KEY
);
COMMENT ON TABLE register.timesegments_years IS 'Derived: the years in which a segment starts';

-- statistical_unit and its parts ----------------------------------------------------------------------------------

-- One row per unit and segment. The timelines of the four kinds of unit are its partitions: a row is stored once, and a
-- query for one kind reads one table. The generated columns stand last: the writer gives the others by position.
CREATE TABLE register.statistical_unit (
    unit_type register.statistical_unit_type NOT NULL,
    unit_id integer NOT NULL,
    valid_from date NOT NULL,
    valid_until date NOT NULL,
    external_idents jsonb NOT NULL,
    name varchar(256),
    birth_date date,
    death_date date,
    primary_activity_category_id integer,
    primary_activity_category_path ltree,
    primary_activity_category_code text,
    secondary_activity_category_id integer,
    secondary_activity_category_path ltree,
    secondary_activity_category_code text,
    activity_category_paths ltree[] NOT NULL,
    sector_id integer,
    sector_path ltree,
    sector_code text,
    sector_name text,
    data_source_ids integer[] NOT NULL,
    data_source_codes text[] NOT NULL,
    legal_form_id integer,
    legal_form_code text,
    legal_form_name text,
    physical_address_part1 varchar(200),
    physical_address_part2 varchar(200),
    physical_address_part3 varchar(200),
    physical_postcode varchar(200),
    physical_postplace varchar(200),
    physical_region_id integer,
    physical_region_path ltree,
    physical_region_code text,
    physical_country_id integer,
    physical_country_iso_2 text,
    physical_latitude numeric(9, 6),
    physical_longitude numeric(9, 6),
    physical_altitude numeric(6, 1),
    domestic boolean,
    postal_address_part1 varchar(200),
    postal_address_part2 varchar(200),
    postal_address_part3 varchar(200),
    postal_postcode varchar(200),
    postal_postplace varchar(200),
    postal_region_id integer,
    postal_region_path ltree,
    postal_region_code text,
    postal_country_id integer,
    postal_country_iso_2 text,
    postal_latitude numeric(9, 6),
    postal_longitude numeric(9, 6),
    postal_altitude numeric(6, 1),
    web_address varchar(256),
    email_address varchar(50),
    phone_number varchar(50),
    landline varchar(50),
    mobile_number varchar(50),
    fax_number varchar(50),
    unit_size_id integer,
    unit_size_code text,
    status_id integer,
    status_code text,
    used_for_counting boolean NOT NULL,
    last_edit_comment varchar(512),
    last_edit_by_user_id integer,
    last_edit_at timestamptz,
    has_legal_unit boolean NOT NULL,
    related_establishment_ids integer[] NOT NULL,
    excluded_establishment_ids integer[] NOT NULL,
    included_establishment_ids integer[] NOT NULL,
    related_legal_unit_ids integer[] NOT NULL,
    excluded_legal_unit_ids integer[] NOT NULL,
    included_legal_unit_ids integer[] NOT NULL,
    related_enterprise_ids integer[] NOT NULL,
    excluded_enterprise_ids integer[] NOT NULL,
    included_enterprise_ids integer[] NOT NULL,
    stats jsonb,
    stats_summary jsonb NOT NULL,
    tag_paths ltree[] NOT NULL,
    establishment_id integer,
    legal_unit_id integer,
    enterprise_id integer,
    power_group_id integer,
    primary_for_legal_unit boolean,
    primary_for_enterprise boolean,
    primary_establishment_id integer,
    primary_legal_unit_id integer,
    included_establishment_count integer GENERATED ALWAYS AS (cardinality(included_establishment_ids)) STORED,
    included_legal_unit_count integer GENERATED ALWAYS AS (cardinality(included_legal_unit_ids)) STORED,
    included_enterprise_count integer GENERATED ALWAYS AS (cardinality(included_enterprise_ids)) STORED,
    valid_to date GENERATED ALWAYS AS (valid_until - 1) STORED,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED,
    search tsvector GENERATED ALWAYS AS (to_tsvector('pg_catalog.simple'::regconfig, coalesce(name, ''))) STORED,
    CONSTRAINT statistical_unit_pkey PRIMARY KEY (unit_type, unit_id, valid_from),
    CONSTRAINT statistical_unit_valid_check CHECK (valid_from < valid_until)
) PARTITION BY LIST (unit_type);
CREATE TABLE register.timeline_establishment PARTITION OF register.statistical_unit FOR VALUES IN ('establishment');
CREATE TABLE register.timeline_legal_unit PARTITION OF register.statistical_unit FOR VALUES IN ('legal_unit');
CREATE TABLE register.timeline_enterprise PARTITION OF register.statistical_unit FOR VALUES IN ('enterprise');
CREATE TABLE register.timeline_power_group PARTITION OF register.statistical_unit FOR VALUES IN ('power_group');

-- Words of a name.
CREATE INDEX statistical_unit_search_idx ON register.statistical_unit USING gin (search);
-- Lists of units in the order of their names, page by page.
CREATE INDEX statistical_unit_name_idx ON register.statistical_unit (name);
-- Filters by code (a subtree is filtered by the ids below a path); also whether a code is still in use (*_used).
CREATE INDEX statistical_unit_physical_region_id_idx ON register.statistical_unit (physical_region_id);
CREATE INDEX statistical_unit_primary_activity_category_id_idx ON register.statistical_unit (primary_activity_category_id);
CREATE INDEX statistical_unit_sector_id_idx ON register.statistical_unit (sector_id);
CREATE INDEX statistical_unit_legal_form_id_idx ON register.statistical_unit (legal_form_id);
CREATE INDEX statistical_unit_physical_country_id_idx ON register.statistical_unit (physical_country_id);

COMMENT ON TABLE register.statistical_unit IS
    'Derived: what is known of every unit, one row per segment; each row is true on each of its days. Partitions: the timelines';
COMMENT ON TABLE register.timeline_establishment IS 'Derived: the establishments of statistical_unit';
COMMENT ON TABLE register.timeline_legal_unit IS 'Derived: the legal units of statistical_unit';
COMMENT ON TABLE register.timeline_enterprise IS 'Derived: the enterprises of statistical_unit';
COMMENT ON TABLE register.timeline_power_group IS 'Derived: the power groups of statistical_unit';
COMMENT ON COLUMN register.statistical_unit.valid_to IS 'Last day; infinity while open';
COMMENT ON COLUMN register.statistical_unit.external_idents IS 'Code of the identifier type → identifier';
COMMENT ON COLUMN register.statistical_unit.domestic IS 'Whether the physical country is the country of the settings';
COMMENT ON COLUMN register.statistical_unit.used_for_counting IS 'Whether the status of the unit (enterprise: of its primary unit) makes it count';
COMMENT ON COLUMN register.statistical_unit.stats IS 'The unit''s own statistics; NULL for enterprises and power groups, which have none';
COMMENT ON COLUMN register.statistical_unit.stats_summary IS 'Statistics of the unit and the counted units below it: count, sum, min, max, mean';
COMMENT ON COLUMN register.statistical_unit.establishment_id IS 'The unit itself, when it is an establishment';
COMMENT ON COLUMN register.statistical_unit.legal_unit_id IS 'The unit itself, or the legal unit of an establishment';
COMMENT ON COLUMN register.statistical_unit.enterprise_id IS 'The unit itself, or the enterprise of a legal unit or of an informal establishment';

-- codes in use ----------------------------------------------------------------------------------------------------

-- What search filters offer: the codes that occur in statistical_unit. Trees hold the ancestors of these codes too.
CREATE TABLE register.activity_category_used (
    standard_code text NOT NULL,
    id integer PRIMARY KEY,
    path ltree NOT NULL,
    parent_path ltree,
    code text,
    label text NOT NULL,
    name text NOT NULL,
    description text
);
COMMENT ON TABLE register.activity_category_used IS 'Derived: primary activities that occur, and those above them';

CREATE TABLE register.region_used (
    id integer PRIMARY KEY,
    path ltree NOT NULL,
    level integer NOT NULL,
    label text NOT NULL,
    code text,
    name text NOT NULL
);
COMMENT ON TABLE register.region_used IS 'Derived: physical regions that occur, and those above them';

CREATE TABLE register.sector_used (
    id integer PRIMARY KEY,
    path ltree NOT NULL,
    label text NOT NULL,
    code text,
    name text NOT NULL
);
COMMENT ON TABLE register.sector_used IS 'Derived: sectors that occur, and those above them';

CREATE TABLE register.legal_form_used (
    id integer PRIMARY KEY,
    code text NOT NULL,
    name text NOT NULL
);
COMMENT ON TABLE register.legal_form_used IS 'Derived: legal forms that occur';

CREATE TABLE register.country_used (
    id integer PRIMARY KEY,
    iso_2 text NOT NULL,
    name text NOT NULL
);
COMMENT ON TABLE register.country_used IS 'Derived: physical countries that occur';

CREATE TABLE register.data_source_used (
    id integer PRIMARY KEY,
    code text NOT NULL,
    name text NOT NULL
);
COMMENT ON TABLE register.data_source_used IS 'Derived: data sources that occur';

INSERT INTO worker.command_registry (command, handler_procedure, queue, is_unique, description) VALUES
    ('derive_statistical_unit', 'statbus.derive_task', 'analytics', true, 'Derives the units whose base rows have changed');

-- Step 0003: the code lists, the settings, and who may write which region and activity.
--
-- What they share
-- * enabled: offered for use. At most one enabled row per code or path; disabled rows stay for the units that refer to them.
-- * custom: made by the office (true) or shipped (false).
-- * Lists with a path are trees. parent_path is the path without its last label, and the foreign key over (parent_id,
--   parent_path) keeps both ends of the tree true. A trigger fills parent_id.
-- * label is the path without its dots, code the digits of the path.

CREATE TABLE register.activity_category_standard (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code varchar(16) NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_.]*$'),
    name text NOT NULL UNIQUE CHECK (btrim(name) <> ''),
    description text,
    code_pattern register.activity_category_code_behaviour NOT NULL DEFAULT 'digits',
    enabled boolean NOT NULL DEFAULT true,
    lasts_to date,
    UNIQUE (id, enabled)
);
COMMENT ON TABLE register.activity_category_standard IS 'Classifications of economic activities, such as ISIC and NACE';
COMMENT ON COLUMN register.activity_category_standard.lasts_to IS 'last day on which the standard is used; NULL: it is current';

CREATE TABLE register.activity_category (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    standard_id integer NOT NULL REFERENCES register.activity_category_standard ON DELETE RESTRICT,
    path ltree NOT NULL CHECK (nlevel(path) >= 1),
    parent_path ltree GENERATED ALWAYS AS (CASE WHEN nlevel(path) > 1 THEN subpath(path, 0, -1) END) STORED,
    parent_id integer,
    level integer GENERATED ALWAYS AS (nlevel(path)) STORED,
    label text GENERATED ALWAYS AS (replace(ltree2text(path), '.', '')) STORED,
    -- Follows from the path and the code_pattern of the standard; written by a trigger. Sections have none.
    code text,
    name varchar(256) NOT NULL CHECK (btrim(name) <> ''),
    description text,
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    -- Deferrable, so that one statement can swap an enabled and a disabled row of one path.
    UNIQUE (standard_id, path, enabled) DEFERRABLE INITIALLY IMMEDIATE,
    UNIQUE (id, standard_id, path),
    CONSTRAINT activity_category_parent_required CHECK ((nlevel(path) > 1) = (parent_id IS NOT NULL)),
    CONSTRAINT activity_category_parent_fkey FOREIGN KEY (parent_id, standard_id, parent_path)
        REFERENCES register.activity_category (id, standard_id, path) DEFERRABLE INITIALLY IMMEDIATE
);
CREATE INDEX activity_category_parent_id_idx ON register.activity_category (parent_id);
CREATE INDEX activity_category_standard_id_code_idx ON register.activity_category (standard_id, code);
CREATE INDEX activity_category_path_idx ON register.activity_category USING gist (path);
COMMENT ON TABLE register.activity_category IS 'Economic activities: one tree per standard';

CREATE TABLE register.country (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    iso_2 text NOT NULL UNIQUE CHECK (iso_2 ~ '^[A-Z]{2}$'),
    iso_3 text NOT NULL UNIQUE CHECK (iso_3 ~ '^[A-Z]{3}$'),
    -- Three digits in ISO 3166; rows that are not in it may have fewer.
    iso_num text NOT NULL UNIQUE CHECK (iso_num ~ '^[0-9]{1,3}$'),
    name text NOT NULL UNIQUE CHECK (btrim(name) <> ''),
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
COMMENT ON TABLE register.country IS 'Countries by ISO 3166; UN stands for a country that exists only in examples';

CREATE TABLE register.data_source (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE UNIQUE INDEX data_source_code_enabled_key ON register.data_source (code) WHERE enabled;
COMMENT ON TABLE register.data_source IS 'Where information comes from: registers, surveys, manual work';

-- The code becomes part of column names of import files (<code>_raw, legal_unit_<code>_raw), hence its form and length.
CREATE TABLE register.external_ident_type (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code varchar(128) NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]{0,39}$'),
    name varchar(50) NOT NULL CHECK (btrim(name) <> ''),
    shape register.external_ident_shape NOT NULL DEFAULT 'regular',
    labels ltree,
    description text,
    priority integer UNIQUE DEFERRABLE INITIALLY IMMEDIATE,
    enabled boolean NOT NULL DEFAULT true,
    UNIQUE (id, shape),
    CONSTRAINT external_ident_type_labels_iff_hierarchical CHECK ((shape = 'hierarchical') = (labels IS NOT NULL)),
    CONSTRAINT external_ident_type_labels_not_empty CHECK (nlevel(labels) >= 1),
    CONSTRAINT external_ident_type_labels_lower_case CHECK (ltree2text(labels) ~ '^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)*$')
);
COMMENT ON TABLE register.external_ident_type IS 'Kinds of identifiers issued outside, such as a tax number';
COMMENT ON COLUMN register.external_ident_type.labels IS 'names of the components of a hierarchical identifier, outermost first';

CREATE TABLE register.foreign_participation (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE UNIQUE INDEX foreign_participation_code_enabled_key ON register.foreign_participation (code) WHERE enabled;
COMMENT ON TABLE register.foreign_participation IS 'How a unit takes part in trade and investment across borders';

CREATE TABLE register.legal_form (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    UNIQUE (code, enabled, custom) DEFERRABLE INITIALLY IMMEDIATE
);
CREATE UNIQUE INDEX legal_form_code_enabled_key ON register.legal_form (code) WHERE enabled;
COMMENT ON TABLE register.legal_form IS 'Legal forms of legal units';

CREATE TABLE register.legal_rel_type (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    description text,
    -- At most one unit at a time may influence another by a relationship of this type.
    primary_influencer_only boolean NOT NULL DEFAULT false,
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    UNIQUE (id, primary_influencer_only)
);
CREATE UNIQUE INDEX legal_rel_type_code_enabled_key ON register.legal_rel_type (code) WHERE enabled;
COMMENT ON TABLE register.legal_rel_type IS 'Kinds of relationship between legal units';

CREATE TABLE register.legal_reorg_type (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    description text,
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE UNIQUE INDEX legal_reorg_type_code_enabled_key ON register.legal_reorg_type (code) WHERE enabled;
COMMENT ON TABLE register.legal_reorg_type IS 'Kinds of reorganisation, such as merger and spin-off';

CREATE TABLE register.person_role (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE UNIQUE INDEX person_role_code_enabled_key ON register.person_role (code) WHERE enabled;
COMMENT ON TABLE register.person_role IS 'What a person is to a unit';

CREATE TABLE register.power_group_type (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE UNIQUE INDEX power_group_type_code_enabled_key ON register.power_group_type (code) WHERE enabled;
COMMENT ON TABLE register.power_group_type IS 'Kinds of enterprise group by control and reach';

CREATE TABLE register.region_version (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL UNIQUE CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    description text,
    lasts_to date,
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    UNIQUE (id, enabled)
);
CREATE UNIQUE INDEX region_version_lasts_to_enabled_key ON register.region_version (lasts_to) NULLS NOT DISTINCT WHERE enabled;
COMMENT ON TABLE register.region_version IS 'Editions of the regions of the country; one enabled edition is current';
COMMENT ON COLUMN register.region_version.lasts_to IS 'last day on which the edition is in force; NULL: it is current';

CREATE TABLE register.region (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version_id integer NOT NULL REFERENCES register.region_version ON DELETE RESTRICT,
    path ltree NOT NULL CHECK (nlevel(path) >= 1),
    parent_path ltree GENERATED ALWAYS AS (CASE WHEN nlevel(path) > 1 THEN subpath(path, 0, -1) END) STORED,
    parent_id integer,
    level integer GENERATED ALWAYS AS (nlevel(path)) STORED,
    label text GENERATED ALWAYS AS (replace(ltree2text(path), '.', '')) STORED,
    code text GENERATED ALWAYS AS (nullif(regexp_replace(ltree2text(path), '[^0-9]', '', 'g'), '')) STORED,
    name text NOT NULL CHECK (btrim(name) <> ''),
    center_latitude numeric(9,6),
    center_longitude numeric(9,6),
    center_altitude numeric(6,1),
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    UNIQUE (version_id, path),
    UNIQUE (version_id, code),
    UNIQUE (id, version_id),
    UNIQUE (id, version_id, path),
    CONSTRAINT region_parent_required CHECK ((nlevel(path) > 1) = (parent_id IS NOT NULL)),
    CONSTRAINT region_parent_fkey FOREIGN KEY (parent_id, version_id, parent_path)
        REFERENCES register.region (id, version_id, path) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT region_latitude_range CHECK (center_latitude BETWEEN -90 AND 90),
    CONSTRAINT region_longitude_range CHECK (center_longitude BETWEEN -180 AND 180),
    CONSTRAINT region_altitude_range CHECK (center_altitude >= 0),
    CONSTRAINT region_coordinates_in_pairs CHECK ((center_latitude IS NULL) = (center_longitude IS NULL)),
    CONSTRAINT region_altitude_needs_coordinates CHECK (center_altitude IS NULL OR center_latitude IS NOT NULL)
);
CREATE INDEX region_parent_id_idx ON register.region (parent_id);
CREATE INDEX region_path_idx ON register.region USING gist (path);
COMMENT ON TABLE register.region IS 'Regions of the country: one tree per edition';

CREATE TABLE register.relative_period (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code register.relative_period_code NOT NULL UNIQUE,
    name_when_query text,
    name_when_input text,
    scope register.relative_period_scope NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    CONSTRAINT relative_period_names_fit_scope CHECK (
        (name_when_query IS NOT NULL) = (scope IN ('input_and_query', 'query'))
        AND (name_when_input IS NOT NULL) = (scope IN ('input_and_query', 'input'))
    )
);
COMMENT ON TABLE register.relative_period IS 'Periods relative to today that a user may choose for a query or an import';

CREATE TABLE register.sector (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    path ltree NOT NULL UNIQUE CHECK (nlevel(path) >= 1),
    parent_path ltree GENERATED ALWAYS AS (CASE WHEN nlevel(path) > 1 THEN subpath(path, 0, -1) END) STORED,
    parent_id integer,
    label text GENERATED ALWAYS AS (replace(ltree2text(path), '.', '')) STORED,
    code text GENERATED ALWAYS AS (nullif(regexp_replace(ltree2text(path), '[^0-9]', '', 'g'), '')) STORED,
    name text NOT NULL CHECK (btrim(name) <> ''),
    description text,
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    UNIQUE (id, path),
    CONSTRAINT sector_parent_required CHECK ((nlevel(path) > 1) = (parent_id IS NOT NULL)),
    CONSTRAINT sector_parent_fkey FOREIGN KEY (parent_id, parent_path)
        REFERENCES register.sector (id, path) DEFERRABLE INITIALLY IMMEDIATE
);
CREATE INDEX sector_parent_id_idx ON register.sector (parent_id);
CREATE INDEX sector_code_idx ON register.sector (code);
CREATE INDEX sector_path_idx ON register.sector USING gist (path);
COMMENT ON TABLE register.sector IS 'Institutional sectors of the system of national accounts';

CREATE TABLE register.settings (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    only_one_setting boolean GENERATED ALWAYS AS (id IS NOT NULL) STORED UNIQUE,
    activity_category_standard_id integer NOT NULL,
    country_id integer NOT NULL REFERENCES register.country ON DELETE RESTRICT,
    region_version_id integer NOT NULL,
    partition_count_target integer NOT NULL DEFAULT 256 CHECK (partition_count_target > 0),
    required_to_be_enabled boolean GENERATED ALWAYS AS (true) STORED,
    CONSTRAINT settings_activity_category_standard_fkey FOREIGN KEY (activity_category_standard_id, required_to_be_enabled)
        REFERENCES register.activity_category_standard (id, enabled) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT settings_region_version_fkey FOREIGN KEY (region_version_id, required_to_be_enabled)
        REFERENCES register.region_version (id, enabled) DEFERRABLE INITIALLY IMMEDIATE
);
COMMENT ON TABLE register.settings IS 'What this register uses: one row, written when the office starts';

-- The code becomes part of column names of import files (<code>_raw, stat_for_unit_<code>_id), hence its form and length.
CREATE TABLE register.stat_definition (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code varchar NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]{0,39}$'),
    type register.stat_type NOT NULL,
    frequency register.stat_frequency NOT NULL,
    name varchar NOT NULL CHECK (btrim(name) <> ''),
    description text,
    priority integer UNIQUE DEFERRABLE INITIALLY IMMEDIATE,
    enabled boolean NOT NULL DEFAULT true,
    UNIQUE (id, type)
);
COMMENT ON TABLE register.stat_definition IS 'Statistical variables that are kept per unit';

CREATE TABLE register.status (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    assigned_by_default boolean NOT NULL DEFAULT false,
    used_for_counting boolean NOT NULL DEFAULT true,
    priority integer,
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE UNIQUE INDEX status_code_enabled_key ON register.status (code) WHERE enabled;
CREATE UNIQUE INDEX status_assigned_by_default_key ON register.status (assigned_by_default) WHERE assigned_by_default AND enabled;
COMMENT ON TABLE register.status IS 'Status of units';
COMMENT ON COLUMN register.status.used_for_counting IS 'units with this status appear in counts and statistics';

CREATE TABLE register.tag (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    path ltree NOT NULL UNIQUE CHECK (nlevel(path) >= 1),
    parent_path ltree GENERATED ALWAYS AS (CASE WHEN nlevel(path) > 1 THEN subpath(path, 0, -1) END) STORED,
    parent_id integer,
    level integer GENERATED ALWAYS AS (nlevel(path)) STORED,
    label text GENERATED ALWAYS AS (replace(ltree2text(path), '.', '')) STORED,
    code text GENERATED ALWAYS AS (nullif(regexp_replace(ltree2text(path), '[^0-9]', '', 'g'), '')) STORED,
    name varchar(256) NOT NULL CHECK (btrim(name) <> ''),
    description text,
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    -- A tag with these dates is a time context.
    context_valid_from date,
    context_valid_to date,
    context_valid_until date GENERATED ALWAYS AS (context_valid_to + 1) STORED,
    context_valid_on date,
    UNIQUE (id, path),
    CONSTRAINT tag_parent_required CHECK ((nlevel(path) > 1) = (parent_id IS NOT NULL)),
    CONSTRAINT tag_parent_fkey FOREIGN KEY (parent_id, parent_path)
        REFERENCES register.tag (id, path) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT tag_context_dates_all_or_none CHECK (num_nulls(context_valid_from, context_valid_to, context_valid_on) IN (0, 3)),
    CONSTRAINT tag_context_dates_in_order CHECK (context_valid_from <= context_valid_to)
);
CREATE INDEX tag_parent_id_idx ON register.tag (parent_id);
CREATE INDEX tag_path_idx ON register.tag USING gist (path);
COMMENT ON TABLE register.tag IS 'Labels that an office puts on units';

CREATE TABLE register.unit_size (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL CHECK (code <> '' AND code = btrim(code)),
    name text NOT NULL CHECK (btrim(name) <> ''),
    enabled boolean NOT NULL DEFAULT true,
    custom boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE UNIQUE INDEX unit_size_code_enabled_key ON register.unit_size (code) WHERE enabled;
COMMENT ON TABLE register.unit_size IS 'Size classes of units';

-- Where a restricted user may write: regions (and all below them) and activities.
CREATE TABLE register.region_access (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id integer NOT NULL REFERENCES auth."user" ON DELETE CASCADE,
    region_id integer NOT NULL REFERENCES register.region ON DELETE CASCADE,
    UNIQUE (user_id, region_id)
);
CREATE INDEX region_access_region_id_idx ON register.region_access (region_id);
COMMENT ON TABLE register.region_access IS 'Regions in which a restricted user may write';

CREATE TABLE register.activity_category_access (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id integer NOT NULL REFERENCES auth."user" ON DELETE CASCADE,
    activity_category_id integer NOT NULL REFERENCES register.activity_category ON DELETE CASCADE,
    UNIQUE (user_id, activity_category_id)
);
CREATE INDEX activity_category_access_activity_category_id_idx ON register.activity_category_access (activity_category_id);
COMMENT ON TABLE register.activity_category_access IS 'Activities for which a restricted user may write';

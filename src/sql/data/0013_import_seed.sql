-- Step 0013: the steps of an import, the columns they give to the data table, the default definitions, and the catalogue of findings.

INSERT INTO import.step (priority, code, name, is_analysed, is_processed, is_holistic) VALUES
    (10, 'valid_time', 'Validity', true, false, false),
    (11, 'length_limits', 'Length limits', true, false, false),
    (15, 'external_idents', 'Identifiers', true, false, true),
    (16, 'data_source', 'Data source', true, false, false),
    (17, 'status', 'Status', true, false, false),
    (18, 'enterprise_link_for_legal_unit', 'Enterprise of the legal unit', true, true, false),
    (19, 'enterprise_link_for_establishment', 'Enterprise of the establishment', true, true, false),
    (19, 'link_establishment_to_legal_unit', 'Legal unit of the establishment', true, false, true),
    (20, 'legal_unit', 'Legal unit', true, true, false),
    (20, 'establishment', 'Establishment', true, true, false),
    (20, 'legal_relationship', 'Legal relationship', true, true, false),
    (21, 'power_group_link', 'Power group', true, true, true),
    (30, 'physical_location', 'Physical location', true, true, false),
    (40, 'postal_location', 'Postal location', true, true, false),
    (50, 'primary_activity', 'Primary activity', true, true, false),
    (60, 'secondary_activity', 'Secondary activity', true, true, false),
    (70, 'contact', 'Contact', true, true, false),
    (80, 'statistical_variables', 'Statistical variables', true, true, false),
    (90, 'tags', 'Tags', true, true, false),
    (100, 'edit_info', 'Edit information', true, false, false),
    (110, 'metadata', 'Bookkeeping of the row', false, false, false);

-- Columns of the data table ---------------------------------------------------------------------------------------

INSERT INTO import.data_column (step_id, priority, column_name, column_type, purpose, target_pg_type)
SELECT s.id, c.priority, c.column_name, c.column_type, c.purpose::import.column_purpose, c.target_pg_type
FROM (VALUES
        ('valid_time', 1, 'valid_from_raw', 'text', 'source_input', 'date'),
        ('valid_time', 2, 'valid_to_raw', 'text', 'source_input', 'date'),
        ('valid_time', 3, 'valid_from', 'date', 'internal', NULL),
        ('valid_time', 4, 'valid_to', 'date', 'internal', NULL),
        ('valid_time', 5, 'valid_until', 'date', 'internal', NULL),
        ('external_idents', 1, 'legal_unit_id', 'integer', 'pk_id', NULL),
        ('external_idents', 2, 'establishment_id', 'integer', 'pk_id', NULL),
        ('data_source', 1, 'data_source_code_raw', 'text', 'source_input', 'text'),
        ('data_source', 2, 'data_source_id', 'integer', 'internal', NULL),
        ('status', 1, 'status_code_raw', 'text', 'source_input', 'text'),
        ('status', 2, 'status_id', 'integer', 'internal', NULL),
        ('enterprise_link_for_legal_unit', 1, 'enterprise_id', 'integer', 'pk_id', NULL),
        ('enterprise_link_for_legal_unit', 2, 'primary_for_enterprise', 'boolean', 'internal', NULL),
        ('enterprise_link_for_establishment', 1, 'enterprise_id', 'integer', 'pk_id', NULL),
        ('enterprise_link_for_establishment', 2, 'primary_for_enterprise', 'boolean', 'internal', NULL),
        ('link_establishment_to_legal_unit', 1, 'primary_for_legal_unit', 'boolean', 'internal', NULL),
        ('legal_relationship', 1, 'influencing_tax_ident_raw', 'text', 'source_input', 'character varying(50)'),
        ('legal_relationship', 2, 'influenced_tax_ident_raw', 'text', 'source_input', 'character varying(50)'),
        ('legal_relationship', 3, 'rel_type_code_raw', 'text', 'source_input', 'text'),
        ('legal_relationship', 4, 'percentage_raw', 'text', 'source_input', 'numeric(5,2)'),
        ('legal_relationship', 5, 'influencing_id', 'integer', 'internal', NULL),
        ('legal_relationship', 6, 'influenced_id', 'integer', 'internal', NULL),
        ('legal_relationship', 7, 'type_id', 'integer', 'internal', NULL),
        ('legal_relationship', 8, 'percentage', 'numeric(5,2)', 'internal', NULL),
        ('legal_relationship', 9, 'legal_relationship_id', 'integer', 'pk_id', NULL),
        ('primary_activity', 1, 'primary_activity_category_code_raw', 'text', 'source_input', 'text'),
        ('primary_activity', 2, 'primary_activity_category_id', 'integer', 'internal', NULL),
        ('primary_activity', 3, 'primary_activity_id', 'integer', 'pk_id', NULL),
        ('secondary_activity', 1, 'secondary_activity_category_code_raw', 'text', 'source_input', 'text'),
        ('secondary_activity', 2, 'secondary_activity_category_id', 'integer', 'internal', NULL),
        ('secondary_activity', 3, 'secondary_activity_id', 'integer', 'pk_id', NULL),
        ('contact', 13, 'contact_id', 'integer', 'pk_id', NULL),
        ('tags', 1, 'tag_path_raw', 'text', 'source_input', 'ltree'),
        ('tags', 2, 'tag_path', 'ltree', 'internal', NULL),
        ('tags', 3, 'tag_id', 'integer', 'internal', NULL),
        ('tags', 4, 'tag_for_unit_id', 'integer', 'pk_id', NULL),
        ('edit_info', 1, 'edit_comment_raw', 'text', 'source_input', 'character varying(512)'),
        ('edit_info', 2, 'edit_comment', 'text', 'internal', NULL),
        ('edit_info', 3, 'edit_by_user_id', 'integer', 'internal', NULL),
        ('edit_info', 4, 'edit_at', 'timestamp with time zone', 'internal', NULL)
    ) AS c (step, priority, column_name, column_type, purpose, target_pg_type)
JOIN import.step AS s ON s.code = c.step
ORDER BY s.priority, s.code, c.priority;

INSERT INTO import.data_column (step_id, priority, column_name, column_type, purpose, is_nullable, default_value)
SELECT s.id, c.priority, c.column_name, c.column_type, 'metadata', c.default_value IS NULL, c.default_value
FROM (VALUES
        (1, 'founding_row_id', 'bigint', NULL),
        (2, 'operation', 'import.row_operation', NULL),
        (3, 'action', 'import.row_action', NULL),
        (4, 'state', 'import.data_state', '''pending'''),
        (5, 'batch_seq', 'integer', NULL),
        (6, 'errors', 'jsonb', '''{}'''),
        (7, 'warnings', 'jsonb', '''{}'''),
        (8, 'merge_status', 'jsonb', '''{}''')
    ) AS c (priority, column_name, column_type, default_value)
JOIN import.step AS s ON s.code = 'metadata'
ORDER BY c.priority;

-- Texts, dates and codes of the file, then what they are read as.
INSERT INTO import.data_column (step_id, priority, column_name, column_type, purpose, target_pg_type)
SELECT s.id, c.priority, c.source || '_raw', 'text', 'source_input'::import.column_purpose, c.target_pg_type
FROM (VALUES
        ('legal_unit', 1, 'name', 'character varying(256)'),
        ('legal_unit', 2, 'birth_date', 'date'),
        ('legal_unit', 3, 'death_date', 'date'),
        ('legal_unit', 4, 'sector_code', 'text'),
        ('legal_unit', 5, 'unit_size_code', 'text'),
        ('legal_unit', 6, 'legal_form_code', 'text'),
        ('establishment', 1, 'name', 'character varying(256)'),
        ('establishment', 2, 'birth_date', 'date'),
        ('establishment', 3, 'death_date', 'date'),
        ('establishment', 4, 'sector_code', 'text'),
        ('establishment', 5, 'unit_size_code', 'text'),
        ('contact', 1, 'web_address', 'character varying(256)'),
        ('contact', 2, 'email_address', 'character varying(50)'),
        ('contact', 3, 'phone_number', 'character varying(50)'),
        ('contact', 4, 'landline', 'character varying(50)'),
        ('contact', 5, 'mobile_number', 'character varying(50)'),
        ('contact', 6, 'fax_number', 'character varying(50)')
    ) AS c (step, priority, source, target_pg_type)
JOIN import.step AS s ON s.code = c.step
UNION ALL
SELECT s.id, c.priority, l.kind || '_' || c.source || '_raw', 'text', 'source_input', c.target_pg_type
FROM (VALUES ('physical'), ('postal')) AS l (kind)
JOIN import.step AS s ON s.code = l.kind || '_location'
CROSS JOIN (VALUES
        (1, 'address_part1', 'character varying(200)'),
        (2, 'address_part2', 'character varying(200)'),
        (3, 'address_part3', 'character varying(200)'),
        (4, 'postcode', 'character varying(200)'),
        (5, 'postplace', 'character varying(200)'),
        (6, 'region_code', 'text'),
        (7, 'country_iso_2', 'text'),
        (8, 'latitude', 'numeric(9,6)'),
        (9, 'longitude', 'numeric(9,6)'),
        (10, 'altitude', 'numeric(6,1)')
    ) AS c (priority, source, target_pg_type)
ORDER BY 1, 2;

INSERT INTO import.data_column (step_id, priority, column_name, column_type, purpose)
SELECT s.id, c.priority, c.column_name, c.column_type, c.purpose::import.column_purpose
FROM (VALUES
        ('legal_unit', 11, 'name', 'text', 'internal'),
        ('legal_unit', 12, 'birth_date', 'date', 'internal'),
        ('legal_unit', 13, 'death_date', 'date', 'internal'),
        ('legal_unit', 14, 'sector_id', 'integer', 'internal'),
        ('legal_unit', 15, 'unit_size_id', 'integer', 'internal'),
        ('legal_unit', 16, 'legal_form_id', 'integer', 'internal'),
        ('establishment', 11, 'name', 'text', 'internal'),
        ('establishment', 12, 'birth_date', 'date', 'internal'),
        ('establishment', 13, 'death_date', 'date', 'internal'),
        ('establishment', 14, 'sector_id', 'integer', 'internal'),
        ('establishment', 15, 'unit_size_id', 'integer', 'internal'),
        ('contact', 7, 'web_address', 'text', 'internal'),
        ('contact', 8, 'email_address', 'text', 'internal'),
        ('contact', 9, 'phone_number', 'text', 'internal'),
        ('contact', 10, 'landline', 'text', 'internal'),
        ('contact', 11, 'mobile_number', 'text', 'internal'),
        ('contact', 12, 'fax_number', 'text', 'internal')
    ) AS c (step, priority, column_name, column_type, purpose)
JOIN import.step AS s ON s.code = c.step
UNION ALL
SELECT s.id, c.priority, l.kind || '_' || c.column_name, c.column_type, c.purpose::import.column_purpose
FROM (VALUES ('physical'), ('postal')) AS l (kind)
JOIN import.step AS s ON s.code = l.kind || '_location'
CROSS JOIN (VALUES
        (11, 'address_part1', 'text', 'internal'),
        (12, 'address_part2', 'text', 'internal'),
        (13, 'address_part3', 'text', 'internal'),
        (14, 'postcode', 'text', 'internal'),
        (15, 'postplace', 'text', 'internal'),
        (16, 'region_id', 'integer', 'internal'),
        (17, 'country_id', 'integer', 'internal'),
        (18, 'latitude', 'numeric(9,6)', 'internal'),
        (19, 'longitude', 'numeric(9,6)', 'internal'),
        (20, 'altitude', 'numeric(6,1)', 'internal'),
        (21, 'location_id', 'integer', 'pk_id')
    ) AS c (priority, column_name, column_type, purpose)
ORDER BY 1, 2;

-- What import.synchronise_columns() makes for the types of identifier and the statistics that exist today; it keeps them
-- in step from here on.
INSERT INTO import.data_column
    (step_id, priority, column_name, column_type, purpose, target_pg_type, is_uniquely_identifying, external_ident_type_id, ident_label, enabled)
SELECT s.id, 100, side.prefix || t.code || '_raw', 'text', 'source_input'::import.column_purpose, 'character varying(50)', side.prefix = '', t.id, NULL, t.enabled
FROM register.external_ident_type AS t
CROSS JOIN (VALUES ('external_idents', ''), ('link_establishment_to_legal_unit', 'legal_unit_')) AS side (step, prefix)
JOIN import.step AS s ON s.code = side.step
WHERE t.shape = 'regular'
UNION ALL
SELECT s.id, 100, side.prefix || t.code || '_' || label.name || '_raw', 'text', 'source_input', 'ltree', side.prefix = '', t.id, label.name, t.enabled
FROM register.external_ident_type AS t
CROSS JOIN (VALUES ('external_idents', ''), ('link_establishment_to_legal_unit', 'legal_unit_')) AS side (step, prefix)
JOIN import.step AS s ON s.code = side.step
CROSS JOIN LATERAL unnest(string_to_array(ltree2text(t.labels), '.')) AS label (name)
WHERE t.shape = 'hierarchical'
UNION ALL
SELECT s.id, 110, side.prefix || t.code || '_path', 'ltree', 'internal', NULL, false, t.id, NULL, t.enabled
FROM register.external_ident_type AS t
CROSS JOIN (VALUES ('external_idents', ''), ('link_establishment_to_legal_unit', 'legal_unit_')) AS side (step, prefix)
JOIN import.step AS s ON s.code = side.step
WHERE t.shape = 'hierarchical'
ORDER BY 1, 2, 8, 3;

INSERT INTO import.data_column (step_id, priority, column_name, column_type, purpose, target_pg_type, stat_definition_id, enabled)
SELECT s.id, c.priority, format(c.pattern, v.code), coalesce(c.column_type, kind.name), c.purpose::import.column_purpose,
       CASE WHEN c.purpose = 'source_input' THEN kind.name END, v.id, v.enabled
FROM register.stat_definition AS v
JOIN (VALUES ('int', 'integer'), ('float', 'numeric'), ('string', 'text'), ('bool', 'boolean')) AS kind (type, name) ON kind.type = v.type::text
CROSS JOIN (VALUES
        (100, '%s_raw', 'text', 'source_input'),
        (110, '%s', NULL, 'internal'),
        (120, 'stat_for_unit_%s_id', 'integer', 'pk_id')
    ) AS c (priority, pattern, column_type, purpose)
JOIN import.step AS s ON s.code = 'statistical_variables'
ORDER BY v.id, c.priority;

-- Definitions -----------------------------------------------------------------------------------------------------

INSERT INTO import.definition (slug, name, note, data_source_id, strategy, mode, valid_time_from, unique_units, custom, dynamic_columns, validation_error)
-- Where the file gives periods, a unit may stand in it once for each period.
SELECT d.slug, d.name, d.note,
       (SELECT s.id FROM register.data_source AS s WHERE s.code = d.data_source AND s.enabled),
       d.strategy::import.strategy, d.mode::import.mode, d.valid_time_from::import.valid_time_from,
       d.valid_time_from = 'job_provided', false, d.dynamic_columns, 'not validated yet'
FROM (VALUES
        ('legal_unit_job_provided', 'Legal units, period of the job',
         'Every row is valid in the period that the job gives.', 'nlr', 'insert_or_update', 'legal_unit', 'job_provided', true),
        ('legal_unit_source_dates', 'Legal units, period in the file',
         'Every row gives its own period in valid_from and valid_to.', 'nlr', 'insert_or_update', 'legal_unit', 'source_columns', true),
        ('establishment_for_lu_job_provided', 'Establishments of legal units, period of the job',
         'Each establishment names its legal unit by an identifier.', 'nlr', 'insert_or_update', 'establishment_formal', 'job_provided', true),
        ('establishment_for_lu_source_dates', 'Establishments of legal units, period in the file',
         'Each establishment names its legal unit by an identifier.', 'nlr', 'insert_or_update', 'establishment_formal', 'source_columns', true),
        ('establishment_without_lu_job_provided', 'Establishments without legal unit, period of the job',
         'Informal establishments: each new one gets an enterprise of its own.', 'census', 'insert_or_update', 'establishment_informal', 'job_provided', true),
        ('establishment_without_lu_source_dates', 'Establishments without legal unit, period in the file',
         'Informal establishments: each new one gets an enterprise of its own.', 'census', 'insert_or_update', 'establishment_informal', 'source_columns', true),
        ('generic_unit_stats_update_job_provided', 'Statistics of known units, period of the job',
         'Updates statistical variables of legal units and establishments that exist already.', 'survey', 'replace_only', 'generic_unit', 'job_provided', true),
        ('generic_unit_stats_update_source_dates', 'Statistics of known units, period in the file',
         'Updates statistical variables of legal units and establishments that exist already.', 'survey', 'replace_only', 'generic_unit', 'source_columns', true),
        ('legal_relationship_job_provided', 'Legal relationships, period of the job',
         'Which legal unit influences which, how, and by how many per cent.', 'nlr', 'insert_or_update', 'legal_relationship', 'job_provided', false),
        ('legal_relationship_source_dates', 'Legal relationships, period in the file',
         'Which legal unit influences which, how, and by how many per cent.', 'nlr', 'insert_or_update', 'legal_relationship', 'source_columns', false),
        ('brreg_hovedenhet', 'Norway: units of the Brønnøysund registers',
         'CSV of hovedenheter with the headings of 2024 and 2025, in any order.', 'nlr', 'insert_or_replace', 'legal_unit', 'job_provided', false),
        ('brreg_underenhet', 'Norway: subunits of the Brønnøysund registers',
         'CSV of underenheter with the headings of 2024 and 2025, in any order.', 'nlr', 'insert_or_replace', 'establishment_formal', 'job_provided', false)
    ) AS d (slug, name, note, data_source, strategy, mode, valid_time_from, dynamic_columns);

INSERT INTO import.definition_step (definition_id, step_id)
SELECT d.id, s.id
FROM import.definition AS d
JOIN import.step AS s ON s.code = ANY (
    CASE d.mode
        WHEN 'legal_unit' THEN '{valid_time,length_limits,external_idents,data_source,status,enterprise_link_for_legal_unit,legal_unit,
            physical_location,postal_location,primary_activity,secondary_activity,contact,statistical_variables,tags,edit_info,metadata}'
        WHEN 'establishment_formal' THEN '{valid_time,length_limits,external_idents,data_source,status,link_establishment_to_legal_unit,establishment,
            physical_location,postal_location,primary_activity,secondary_activity,contact,statistical_variables,tags,edit_info,metadata}'
        WHEN 'establishment_informal' THEN '{valid_time,length_limits,external_idents,data_source,status,enterprise_link_for_establishment,establishment,
            physical_location,postal_location,primary_activity,secondary_activity,contact,statistical_variables,tags,edit_info,metadata}'
        WHEN 'generic_unit' THEN '{valid_time,length_limits,external_idents,data_source,statistical_variables,edit_info,metadata}'
        WHEN 'legal_relationship' THEN '{valid_time,length_limits,data_source,legal_relationship,power_group_link,edit_info,metadata}'
    END::text[])
WHERE NOT d.custom
ORDER BY d.id, s.priority;

-- The source columns of the default definitions are named as the columns that they fill.
INSERT INTO import.source_column (definition_id, column_name, priority)
SELECT f.definition_id, f.column_name, row_number() OVER (PARTITION BY f.definition_id ORDER BY f.block, f.position, f.column_id)
FROM (
    SELECT d.id AS definition_id, regexp_replace(c.column_name, '_raw$', '') AS column_name,
           CASE s.code WHEN 'external_idents' THEN 10 WHEN 'link_establishment_to_legal_unit' THEN 11 ELSE 50 END AS block,
           coalesce(t.priority, v.priority)::bigint AS position, c.id AS column_id
    FROM import.definition AS d
    JOIN import.definition_step AS ds ON ds.definition_id = d.id
    JOIN import.step AS s ON s.id = ds.step_id
    JOIN import.data_column AS c ON c.step_id = s.id
    LEFT JOIN register.external_ident_type AS t ON t.id = c.external_ident_type_id
    LEFT JOIN register.stat_definition AS v ON v.id = c.stat_definition_id
    WHERE d.dynamic_columns
    AND c.enabled
    AND c.purpose = 'source_input'
    AND num_nonnulls(c.external_ident_type_id, c.stat_definition_id) = 1
    UNION ALL
    SELECT d.id, name.name, 20, name.position, 0
    FROM import.definition AS d
    CROSS JOIN unnest('{valid_from,valid_to}'::text[]) WITH ORDINALITY AS name (name, position)
    WHERE d.valid_time_from = 'source_columns'
    AND NOT d.custom
    UNION ALL
    SELECT d.id, name.name, 30, name.position, 0
    FROM import.definition AS d
    CROSS JOIN unnest('{name,birth_date,death_date,
        physical_address_part1,physical_address_part2,physical_address_part3,physical_postcode,physical_postplace,
        physical_latitude,physical_longitude,physical_altitude,physical_region_code,physical_country_iso_2,
        postal_address_part1,postal_address_part2,postal_address_part3,postal_postcode,postal_postplace,postal_region_code,postal_country_iso_2,
        web_address,email_address,phone_number,landline,mobile_number,fax_number,
        primary_activity_category_code,secondary_activity_category_code,
        sector_code,unit_size_code,status_code,data_source_code,legal_form_code,tag_path}'::text[]) WITH ORDINALITY AS name (name, position)
    WHERE d.dynamic_columns
    AND d.mode IN ('legal_unit', 'establishment_formal', 'establishment_informal')
    AND (name.name <> 'legal_form_code' OR d.mode = 'legal_unit')
    UNION ALL
    SELECT d.id, 'data_source_code', 40, 1, 0
    FROM import.definition AS d
    WHERE d.dynamic_columns
    AND d.mode = 'generic_unit'
    UNION ALL
    SELECT d.id, name.name, 15, name.position, 0
    FROM import.definition AS d
    CROSS JOIN unnest('{influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage}'::text[])
        WITH ORDINALITY AS name (name, position)
    WHERE d.mode = 'legal_relationship'
    AND NOT d.custom
) AS f
ORDER BY 1, 3;

INSERT INTO import.mapping (definition_id, source_column_id, target_data_column_id)
SELECT h.definition_id, h.id, c.id
FROM import.source_column AS h
JOIN import.definition_step AS ds ON ds.definition_id = h.definition_id
JOIN import.data_column AS c ON c.step_id = ds.step_id AND c.column_name = h.column_name || '_raw'
ORDER BY h.definition_id, h.priority;

-- The registry's own headings; those without a target are ignored on purpose.
INSERT INTO import.source_column (definition_id, column_name, priority)
SELECT d.id, h.heading, h.priority
FROM (VALUES
        ('brreg_hovedenhet', 1, 'organisasjonsnummer'),
        ('brreg_hovedenhet', 2, 'navn'),
        ('brreg_hovedenhet', 3, 'organisasjonsform.kode'),
        ('brreg_hovedenhet', 4, 'organisasjonsform.beskrivelse'),
        ('brreg_hovedenhet', 5, 'naeringskode1.kode'),
        ('brreg_hovedenhet', 6, 'naeringskode1.beskrivelse'),
        ('brreg_hovedenhet', 7, 'naeringskode2.kode'),
        ('brreg_hovedenhet', 8, 'naeringskode2.beskrivelse'),
        ('brreg_hovedenhet', 9, 'naeringskode3.kode'),
        ('brreg_hovedenhet', 10, 'naeringskode3.beskrivelse'),
        ('brreg_hovedenhet', 11, 'hjelpeenhetskode.kode'),
        ('brreg_hovedenhet', 12, 'hjelpeenhetskode.beskrivelse'),
        ('brreg_hovedenhet', 13, 'harRegistrertAntallAnsatte'),
        ('brreg_hovedenhet', 14, 'antallAnsatte'),
        ('brreg_hovedenhet', 15, 'hjemmeside'),
        ('brreg_hovedenhet', 16, 'postadresse.adresse'),
        ('brreg_hovedenhet', 17, 'postadresse.poststed'),
        ('brreg_hovedenhet', 18, 'postadresse.postnummer'),
        ('brreg_hovedenhet', 19, 'postadresse.kommune'),
        ('brreg_hovedenhet', 20, 'postadresse.kommunenummer'),
        ('brreg_hovedenhet', 21, 'postadresse.land'),
        ('brreg_hovedenhet', 22, 'postadresse.landkode'),
        ('brreg_hovedenhet', 23, 'forretningsadresse.adresse'),
        ('brreg_hovedenhet', 24, 'forretningsadresse.poststed'),
        ('brreg_hovedenhet', 25, 'forretningsadresse.postnummer'),
        ('brreg_hovedenhet', 26, 'forretningsadresse.kommune'),
        ('brreg_hovedenhet', 27, 'forretningsadresse.kommunenummer'),
        ('brreg_hovedenhet', 28, 'forretningsadresse.land'),
        ('brreg_hovedenhet', 29, 'forretningsadresse.landkode'),
        ('brreg_hovedenhet', 30, 'institusjonellSektorkode.kode'),
        ('brreg_hovedenhet', 31, 'institusjonellSektorkode.beskrivelse'),
        ('brreg_hovedenhet', 32, 'sisteInnsendteAarsregnskap'),
        ('brreg_hovedenhet', 33, 'registreringsdatoenhetsregisteret'),
        ('brreg_hovedenhet', 34, 'stiftelsesdato'),
        ('brreg_hovedenhet', 35, 'registrertIMvaRegisteret'),
        ('brreg_hovedenhet', 36, 'frivilligMvaRegistrertBeskrivelser'),
        ('brreg_hovedenhet', 37, 'registrertIFrivillighetsregisteret'),
        ('brreg_hovedenhet', 38, 'registrertIForetaksregisteret'),
        ('brreg_hovedenhet', 39, 'registrertIStiftelsesregisteret'),
        ('brreg_hovedenhet', 40, 'konkurs'),
        ('brreg_hovedenhet', 41, 'konkursdato'),
        ('brreg_hovedenhet', 42, 'underAvvikling'),
        ('brreg_hovedenhet', 43, 'underAvviklingDato'),
        ('brreg_hovedenhet', 44, 'underTvangsavviklingEllerTvangsopplosning'),
        ('brreg_hovedenhet', 45, 'tvangsopplostPgaManglendeDagligLederDato'),
        ('brreg_hovedenhet', 46, 'tvangsopplostPgaManglendeRevisorDato'),
        ('brreg_hovedenhet', 47, 'tvangsopplostPgaManglendeRegnskapDato'),
        ('brreg_hovedenhet', 48, 'tvangsopplostPgaMangelfulltStyreDato'),
        ('brreg_hovedenhet', 49, 'tvangsavvikletPgaManglendeSlettingDato'),
        ('brreg_hovedenhet', 50, 'overordnetEnhet'),
        ('brreg_hovedenhet', 51, 'maalform'),
        ('brreg_hovedenhet', 52, 'vedtektsdato'),
        ('brreg_hovedenhet', 53, 'vedtektsfestetFormaal'),
        ('brreg_hovedenhet', 54, 'aktivitet'),
        ('brreg_hovedenhet', 55, 'registreringsdatoAntallAnsatteEnhetsregisteret'),
        ('brreg_hovedenhet', 56, 'registreringsdatoantallansatteNAVAaregisteret'),
        ('brreg_hovedenhet', 57, 'epostadresse'),
        ('brreg_hovedenhet', 58, 'telefon'),
        ('brreg_hovedenhet', 59, 'mobil'),
        ('brreg_hovedenhet', 60, 'registreringsdatoMerverdiavgiftsregisteret'),
        ('brreg_hovedenhet', 61, 'registreringsdatoMerverdiavgiftsregisteretEnhetsregisteret'),
        ('brreg_hovedenhet', 62, 'registreringsdatoFrivilligMerverdiavgiftsregisteret'),
        ('brreg_hovedenhet', 63, 'registreringsdatoFrivillighetsregisteret'),
        ('brreg_hovedenhet', 64, 'registreringsdatoForetaksregisteret'),
        ('brreg_hovedenhet', 65, 'registrertIPartiregisteret'),
        ('brreg_hovedenhet', 66, 'registreringsdatoPartiregisteret'),
        ('brreg_hovedenhet', 67, 'registreringsnummerIHjemlandet'),
        ('brreg_hovedenhet', 68, 'paategninger'),
        ('brreg_underenhet', 1, 'organisasjonsnummer'),
        ('brreg_underenhet', 2, 'navn'),
        ('brreg_underenhet', 3, 'organisasjonsform.kode'),
        ('brreg_underenhet', 4, 'organisasjonsform.beskrivelse'),
        ('brreg_underenhet', 5, 'naeringskode1.kode'),
        ('brreg_underenhet', 6, 'naeringskode1.beskrivelse'),
        ('brreg_underenhet', 7, 'naeringskode2.kode'),
        ('brreg_underenhet', 8, 'naeringskode2.beskrivelse'),
        ('brreg_underenhet', 9, 'naeringskode3.kode'),
        ('brreg_underenhet', 10, 'naeringskode3.beskrivelse'),
        ('brreg_underenhet', 11, 'hjelpeenhetskode.kode'),
        ('brreg_underenhet', 12, 'hjelpeenhetskode.beskrivelse'),
        ('brreg_underenhet', 13, 'harRegistrertAntallAnsatte'),
        ('brreg_underenhet', 14, 'antallAnsatte'),
        ('brreg_underenhet', 15, 'hjemmeside'),
        ('brreg_underenhet', 16, 'postadresse.adresse'),
        ('brreg_underenhet', 17, 'postadresse.poststed'),
        ('brreg_underenhet', 18, 'postadresse.postnummer'),
        ('brreg_underenhet', 19, 'postadresse.kommune'),
        ('brreg_underenhet', 20, 'postadresse.kommunenummer'),
        ('brreg_underenhet', 21, 'postadresse.land'),
        ('brreg_underenhet', 22, 'postadresse.landkode'),
        ('brreg_underenhet', 23, 'beliggenhetsadresse.adresse'),
        ('brreg_underenhet', 24, 'beliggenhetsadresse.poststed'),
        ('brreg_underenhet', 25, 'beliggenhetsadresse.postnummer'),
        ('brreg_underenhet', 26, 'beliggenhetsadresse.kommune'),
        ('brreg_underenhet', 27, 'beliggenhetsadresse.kommunenummer'),
        ('brreg_underenhet', 28, 'beliggenhetsadresse.land'),
        ('brreg_underenhet', 29, 'beliggenhetsadresse.landkode'),
        ('brreg_underenhet', 30, 'registreringsdatoIEnhetsregisteret'),
        ('brreg_underenhet', 31, 'frivilligMvaRegistrertBeskrivelser'),
        ('brreg_underenhet', 32, 'registrertIMvaregisteret'),
        ('brreg_underenhet', 33, 'oppstartsdato'),
        ('brreg_underenhet', 34, 'datoEierskifte'),
        ('brreg_underenhet', 35, 'overordnetEnhet'),
        ('brreg_underenhet', 36, 'nedleggelsesdato'),
        ('brreg_underenhet', 37, 'registreringsdatoAntallAnsatteEnhetsregisteret'),
        ('brreg_underenhet', 38, 'registreringsdatoantallansatteNAVAaregisteret'),
        ('brreg_underenhet', 39, 'epostadresse'),
        ('brreg_underenhet', 40, 'telefon'),
        ('brreg_underenhet', 41, 'mobil'),
        ('brreg_underenhet', 42, 'registreringsdatoFrivilligMerverdiavgiftsregisteret'),
        ('brreg_underenhet', 43, 'registreringsdatoMerverdiavgiftsregisteret'),
        ('brreg_underenhet', 44, 'registreringsdatoMerverdiavgiftsregisteretEnhetsregisteret')
    ) AS h (slug, priority, heading)
JOIN import.definition AS d ON d.slug = h.slug
ORDER BY d.id, h.priority;

INSERT INTO import.mapping (definition_id, source_column_id, target_data_column_id, is_ignored)
SELECT h.definition_id, h.id, c.id, c.id IS NULL
FROM import.definition AS d
JOIN import.source_column AS h ON h.definition_id = d.id
LEFT JOIN (VALUES
        ('brreg_hovedenhet', 'organisasjonsnummer', 'tax_ident'),
        ('brreg_hovedenhet', 'navn', 'name'),
        ('brreg_hovedenhet', 'organisasjonsform.kode', 'legal_form_code'),
        ('brreg_hovedenhet', 'naeringskode1.kode', 'primary_activity_category_code'),
        ('brreg_hovedenhet', 'naeringskode2.kode', 'secondary_activity_category_code'),
        ('brreg_hovedenhet', 'antallAnsatte', 'employees'),
        ('brreg_hovedenhet', 'hjemmeside', 'web_address'),
        ('brreg_hovedenhet', 'postadresse.adresse', 'postal_address_part1'),
        ('brreg_hovedenhet', 'postadresse.poststed', 'postal_postplace'),
        ('brreg_hovedenhet', 'postadresse.postnummer', 'postal_postcode'),
        ('brreg_hovedenhet', 'postadresse.kommunenummer', 'postal_region_code'),
        ('brreg_hovedenhet', 'postadresse.landkode', 'postal_country_iso_2'),
        ('brreg_hovedenhet', 'forretningsadresse.adresse', 'physical_address_part1'),
        ('brreg_hovedenhet', 'forretningsadresse.poststed', 'physical_postplace'),
        ('brreg_hovedenhet', 'forretningsadresse.postnummer', 'physical_postcode'),
        ('brreg_hovedenhet', 'forretningsadresse.kommunenummer', 'physical_region_code'),
        ('brreg_hovedenhet', 'forretningsadresse.landkode', 'physical_country_iso_2'),
        ('brreg_hovedenhet', 'institusjonellSektorkode.kode', 'sector_code'),
        ('brreg_hovedenhet', 'stiftelsesdato', 'birth_date'),
        ('brreg_underenhet', 'organisasjonsnummer', 'tax_ident'),
        ('brreg_underenhet', 'navn', 'name'),
        ('brreg_underenhet', 'naeringskode1.kode', 'primary_activity_category_code'),
        ('brreg_underenhet', 'naeringskode2.kode', 'secondary_activity_category_code'),
        ('brreg_underenhet', 'antallAnsatte', 'employees'),
        ('brreg_underenhet', 'hjemmeside', 'web_address'),
        ('brreg_underenhet', 'postadresse.adresse', 'postal_address_part1'),
        ('brreg_underenhet', 'postadresse.poststed', 'postal_postplace'),
        ('brreg_underenhet', 'postadresse.postnummer', 'postal_postcode'),
        ('brreg_underenhet', 'postadresse.kommunenummer', 'postal_region_code'),
        ('brreg_underenhet', 'postadresse.landkode', 'postal_country_iso_2'),
        ('brreg_underenhet', 'beliggenhetsadresse.adresse', 'physical_address_part1'),
        ('brreg_underenhet', 'beliggenhetsadresse.poststed', 'physical_postplace'),
        ('brreg_underenhet', 'beliggenhetsadresse.postnummer', 'physical_postcode'),
        ('brreg_underenhet', 'beliggenhetsadresse.kommunenummer', 'physical_region_code'),
        ('brreg_underenhet', 'beliggenhetsadresse.landkode', 'physical_country_iso_2'),
        ('brreg_underenhet', 'oppstartsdato', 'birth_date'),
        ('brreg_underenhet', 'overordnetEnhet', 'legal_unit_tax_ident'),
        ('brreg_underenhet', 'nedleggelsesdato', 'death_date')
    ) AS m (slug, heading, target) ON m.slug = d.slug AND m.heading = h.column_name
LEFT JOIN (import.definition_step AS ds JOIN import.data_column AS c ON c.step_id = ds.step_id)
    ON ds.definition_id = d.id AND c.column_name = m.target || '_raw'
WHERE d.slug IN ('brreg_hovedenhet', 'brreg_underenhet')
ORDER BY h.definition_id, h.priority;

-- Job-provided periods.
INSERT INTO import.mapping (definition_id, source_expression, target_data_column_id)
SELECT d.id, 'default', c.id
FROM import.definition AS d
JOIN import.step AS s ON s.code = 'valid_time'
JOIN import.data_column AS c ON c.step_id = s.id AND c.purpose = 'source_input'
WHERE d.valid_time_from = 'job_provided'
AND NOT d.custom
ORDER BY d.id, c.priority;

-- Findings --------------------------------------------------------------------------------------------------------

INSERT INTO import.finding_code (level, severity, code, message, hint) VALUES
    ('file', 'info', 'bom_removed', 'The file starts with a byte order mark; it was removed', NULL),
    ('file', 'error', 'encoding_invalid', 'The file is not valid UTF-8 at line {line}, byte {offset}', 'Save the file as UTF-8, or declare its encoding'),
    ('file', 'error', 'encoding_utf16', 'The file is UTF-16', 'Save it as "CSV UTF-8"'),
    ('row', 'error', 'nul_byte', 'The record holds a zero byte', NULL),
    ('file', 'warning', 'mixed_line_endings', 'The file mixes kinds of line endings', NULL),
    ('row', 'error', 'row_too_short', 'The record has {got} fields instead of {expected}', NULL),
    ('row', 'error', 'row_too_long', 'The record has {got} fields instead of {expected}', 'Is a field with a delimiter in it missing its quotes?'),
    ('row', 'error', 'quote_unclosed', 'A quote that opens in this record is never closed', NULL),
    ('row', 'warning', 'quote_inside_field', 'A quote stands inside a field without quotes; the value was kept as it is', NULL),
    ('row', 'warning', 'text_after_quote', 'Text follows a closing quote', NULL),
    ('file', 'error', 'delimiter_mismatch', 'The delimiter seems to be {detected}', 'Upload the file again with this delimiter'),
    ('file', 'info', 'excel_sep_line', 'The first line names the delimiter; it was used and skipped', NULL),
    ('file', 'error', 'header_not_found', 'No heading line was found', 'Line {line} looks like one'),
    ('file', 'error', 'header_duplicate', 'Heading {name} occurs more than once', NULL),
    ('file', 'info', 'header_normalised', 'Heading {value} was read as {name}', NULL),
    ('file', 'error', 'column_missing', 'The file has no column {column}', 'Did you mean {suggestion}?'),
    ('file', 'warning', 'column_ignored', 'Column {column} is unknown and was ignored', NULL),
    ('file', 'error', 'file_empty', 'The file is empty', NULL),
    ('file', 'warning', 'no_rows', 'The file has headings and no rows', NULL),
    ('row', 'info', 'blank_line', 'A blank line was skipped', NULL),
    ('row', 'info', 'blank_row', 'A row without any value was skipped', NULL),
    ('row', 'error', 'field_too_long', 'A field has more than {limit} bytes', NULL),
    ('row', 'warning', 'control_char', '{column} holds control character {codepoint}', NULL),
    ('file', 'error', 'not_a_csv', 'The file is not a CSV file but looks like {magic}', NULL),
    ('file', 'warning', 'file_already_imported', 'The same file was imported by job {job}', NULL),
    ('file', 'error', 'wrong_definition', 'The headings fit definition {definition} better', NULL),
    ('row', 'error', 'date_format', '{column}: "{value}" is not a date in the declared format', 'Write dates as YYYY-MM-DD, or declare other formats in the definition'),
    ('row', 'error', 'date_not_in_calendar', '{column}: there is no such day as "{value}"', NULL),
    ('row', 'error', 'date_ambiguous', '{column}: "{value}" is a different day in each declared format', 'Declare exactly one format in the definition'),
    ('row', 'error', 'date_out_of_range', '{column}: "{value}" is too early or too late', NULL),
    ('row', 'error', 'date_incomplete', '{column}: "{value}" lacks the day or the month', NULL),
    ('row', 'error', 'date_infinite_not_allowed', '{column}: infinity is not a day', NULL),
    ('row', 'warning', 'date_implausible', '{column}: "{value}" is an implausible year', NULL),
    ('row', 'info', 'time_dropped', '{column}: the time of day in "{value}" was dropped', NULL),
    ('row', 'error', 'period_reversed', 'The period ends before it starts', NULL),
    ('row', 'error', 'value_missing', '{column} has no value', NULL),
    ('row', 'info', 'period_overlap_equal', 'The period overlaps that of row {row}, with the same values', NULL),
    ('row', 'error', 'period_overlap_conflict', 'The period overlaps that of row {row}, with other values', NULL),
    ('row', 'info', 'period_gap', 'The unit has a gap between its periods', NULL),
    ('row', 'warning', 'dates_inconsistent', '{column}: "{value}" contradicts another date of the row', NULL),
    ('row', 'warning', 'period_outside_context', 'The period lies outside the time context of the job', NULL),
    ('row', 'info', 'open_end_normalised', '{column}: "{value}" was read as open end', NULL),
    ('row', 'error', 'ident_checksum', '{column}: the check digit of "{value}" is wrong', NULL),
    ('row', 'error', 'ident_length', '{column}: "{value}" has a wrong number of characters', NULL),
    ('row', 'error', 'ident_scientific', '{column}: digits of "{value}" are lost', 'Format the column as text in the spreadsheet'),
    ('row', 'info', 'ident_normalised', '{column}: "{value}" was read as {normalised}', NULL),
    ('row', 'warning', 'mixed_script', '{column}: "{value}" mixes scripts', NULL),
    ('row', 'error', 'ident_missing', 'The row has no identifier', NULL),
    ('row', 'error', 'ident_conflict', 'The identifiers of the row belong to different units', NULL),
    ('row', 'error', 'unit_type_conflict', 'The identifier belongs to a unit of another kind', NULL),
    ('row', 'error', 'ident_change', '{column}: the unit has another identifier of this type', 'Identifiers do not change'),
    ('row', 'warning', 'row_duplicate', 'The row repeats row {row}', NULL),
    ('row', 'error', 'row_conflict', 'The unit stands in the file more than once, with other values', NULL),
    ('row', 'error', 'unit_already_exists', 'The unit exists already, and the definition only inserts', NULL),
    ('row', 'error', 'unit_not_found', 'The unit does not exist, and the definition only changes existing units', NULL),
    ('row', 'error', 'founding_row_failed', 'Another row of the same new unit has an error', NULL),
    ('row', 'error', 'link_missing', 'The row names no legal unit', NULL),
    ('row', 'error', 'link_conflict', 'The identifiers of the legal unit belong to different legal units', NULL),
    ('row', 'error', 'reference_missing', '{column}: no legal unit has "{value}"', NULL),
    ('row', 'error', 'reference_not_valid_then', '{column}: legal unit "{value}" is not valid in the whole period of the row', NULL),
    ('row', 'warning', 'ownership_cycle', 'The relationship closes a circle', NULL),
    ('row', 'error', 'ownership_self', 'A unit cannot influence itself', NULL),
    ('row', 'error', 'percentage_range', '{column}: "{value}" is not between 0 and 100', NULL),
    ('row', 'warning', 'percentage_maybe_fraction', '{column}: "{value}" may be a fraction rather than per cent', NULL),
    ('row', 'warning', 'percentage_sum', 'The shares of the influenced unit add up to more than 100 per cent', NULL),
    ('row', 'error', 'duplicate_primary_controller', 'The influenced unit has another primary influencer in the period', NULL),
    ('row', 'warning', 'code_unknown', '{column}: code "{value}" is unknown', NULL),
    ('row', 'warning', 'code_not_leaf', '{column}: code "{value}" is too coarse', NULL),
    ('row', 'error', 'code_not_valid_then', '{column}: code "{value}" is not in force in the period of the row', NULL),
    ('row', 'warning', 'code_inactive', '{column}: code "{value}" is disabled', NULL),
    ('row', 'error', 'status_missing', 'The row has no status, and none is assigned by default', NULL),
    ('row', 'error', 'ident_part_missing', '{column}: a component of the identifier is missing', NULL),
    ('row', 'error', 'ident_char', '{column}: "{value}" holds characters other than letters, digits and _', NULL),
    ('row', 'error', 'region_needs_domestic', 'A region of this country is given for a foreign address', NULL),
    ('row', 'warning', 'region_missing', 'The address in this country has no region', NULL),
    ('row', 'error', 'country_unknown', '{column}: country "{value}" is unknown', 'Use the two letters of ISO 3166'),
    ('row', 'info', 'country_default', 'The country was taken from the settings', NULL),
    ('row', 'warning', 'postcode_format', '{column}: "{value}" is not a postcode', NULL),
    ('row', 'warning', 'columns_swapped', '{column}: "{value}" seems to belong in another column', NULL),
    ('row', 'error', 'coordinate_range', '{column}: "{value}" is out of range', 'Coordinates are degrees'),
    ('row', 'error', 'coordinate_pair', 'Latitude and longitude must be given together', NULL),
    ('row', 'error', 'coordinate_postal', 'A postal address has no coordinates', NULL),
    ('row', 'warning', 'coordinates_swapped', 'Latitude and longitude seem to be swapped', NULL),
    ('row', 'error', 'number_format', '{column}: "{value}" is not written as declared', 'Is the decimal mark a comma?'),
    ('row', 'info', 'precision_lost', '{column}: "{value}" was rounded', NULL),
    ('row', 'info', 'decimal_zero_dropped', '{column}: the decimals of "{value}" are zero and were dropped', NULL),
    ('row', 'error', 'number_negative', '{column}: "{value}" is negative', NULL),
    ('row', 'error', 'not_whole', '{column}: "{value}" is not a whole number', NULL),
    ('row', 'error', 'not_a_number', '{column}: "{value}" is not a number', NULL),
    ('row', 'error', 'number_scientific', '{column}: "{value}" is in scientific notation', NULL),
    ('row', 'error', 'number_too_big', '{column}: "{value}" is too big', NULL),
    ('row', 'error', 'grouping', '{column}: the digits of "{value}" are grouped irregularly', NULL),
    ('row', 'error', 'not_a_boolean', '{column}: "{value}" is neither a word for true nor one for false', NULL),
    ('row', 'warning', 'implausible', '{column}: "{value}" is implausible', NULL),
    ('file', 'error', 'column_shifted', 'Column {column} holds text in nearly every row', 'Are the columns shifted?'),
    ('row', 'error', 'too_long', '{column} has {length} characters, at most {limit} are allowed', NULL),
    ('row', 'warning', 'truncated', '{column} was cut from {length} to {limit} characters', NULL),
    ('row', 'info', 'formula_like', '{column}: "{value}" would be a formula in a spreadsheet', NULL),
    ('row', 'warning', 'email_format', '{column}: "{value}" is not an e-mail address', NULL),
    ('row', 'warning', 'mojibake', '{column}: "{value}" seems to be encoded twice', NULL),
    ('row', 'warning', 'escaped_newline', '{column}: "{value}" seems to hold an escaped line break', NULL),
    ('row', 'warning', 'activity_same', 'The secondary activity equals the primary one', NULL),
    ('row', 'error', 'tag_unknown', '{column}: there is no tag "{value}"', NULL),
    ('row', 'error', 'not_permitted', 'The user of the job may not write this row', NULL),
    ('row', 'info', 'nothing_to_import', 'The row has no value for the register', NULL),
    ('row', 'error', 'constraint', 'The row violates constraint {name}', 'Please report this: the check is missing from the analysis');

-- Units, what hangs on them, and their relationships: what the tables accept, and every refusal with its SQLSTATE
-- and the constraint that refuses. The last query proves that no constraint of these tables was forgotten.
\set VERBOSITY sqlstate
SET statbus.current_date = '2024-06-15';
BEGIN;

-- the tables of this test
CREATE TEMP TABLE subject (name text, temporal boolean);
INSERT INTO subject VALUES
    ('image', false), ('enterprise', false), ('legal_unit', true), ('establishment', true), ('activity', true), ('location', true),
    ('contact', true), ('stat_for_unit', true), ('external_ident', false), ('tag_for_unit', false), ('unit_notes', false),
    ('person', false), ('person_for_unit', true), ('power_group', false), ('legal_relationship', true), ('power_root', true);

-- refused(statement): runs it, takes it back, and says how it was refused
CREATE TEMP TABLE hit (constraint_name name);
CREATE FUNCTION pg_temp.refused(statement text) RETURNS text LANGUAGE plpgsql AS $refused$
DECLARE
    state text;
    by text;
BEGIN
    BEGIN
        EXECUTE statement;
        RAISE EXCEPTION USING ERRCODE = 'ZZ000';
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, by = CONSTRAINT_NAME;
    END;
    INSERT INTO hit VALUES (by);
    RETURN CASE state WHEN 'ZZ000' THEN 'ACCEPTED' ELSE concat_ws(' ', state, nullif(by, '')) END;
END
$refused$;

-- copy(table, changes, condition): an INSERT of the first such row once more, with some columns changed
CREATE FUNCTION pg_temp.copy(table_name text, changes jsonb, condition text DEFAULT 'true') RETURNS text LANGUAGE sql AS $copy$
    SELECT format('INSERT INTO register.%I (%s) SELECT %s FROM register.%I WHERE %s ORDER BY id LIMIT 1', table_name,
                  string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),
                  string_agg(CASE WHEN changes ? a.attname THEN quote_nullable(changes ->> a.attname) || '::' || format_type(a.atttypid, a.atttypmod)
                                  ELSE quote_ident(a.attname) END, ', ' ORDER BY a.attnum),
                  table_name, condition)
    FROM pg_attribute AS a
    WHERE a.attrelid = format('register.%I', table_name)::regclass AND a.attnum > 0 AND NOT a.attisdropped
      AND a.attgenerated = '' AND a.attidentity <> 'a'
$copy$;

-- codes of our own, so that nothing depends on the seeds
INSERT INTO register.region_version (id, code, name, lasts_to) OVERRIDING SYSTEM VALUE
    VALUES (9001, 'regress_1', 'old', '1950-12-31'), (9002, 'regress_2', 'older', '1940-12-31');
INSERT INTO register.region (id, version_id, path, name) OVERRIDING SYSTEM VALUE VALUES (9001, 9001, '91', 'here'), (9002, 9002, '91', 'there');
INSERT INTO register.country (id, iso_2, iso_3, iso_num, name) OVERRIDING SYSTEM VALUE VALUES (9001, 'QQ', 'QQQ', '999', 'Regress');
INSERT INTO register.data_source (id, code, name) OVERRIDING SYSTEM VALUE VALUES (9001, 'regress', 'Regress');
INSERT INTO register.unit_size (id, code, name) OVERRIDING SYSTEM VALUE VALUES (9001, 'regress', 'Regress');
INSERT INTO register.legal_form (id, code, name) OVERRIDING SYSTEM VALUE VALUES (9001, 'regress', 'Regress');
INSERT INTO register.foreign_participation (id, code, name) OVERRIDING SYSTEM VALUE VALUES (9001, 'regress', 'Regress');
INSERT INTO register.person_role (id, code, name) OVERRIDING SYSTEM VALUE VALUES (9001, 'regress', 'Regress');
INSERT INTO register.power_group_type (id, code, name) OVERRIDING SYSTEM VALUE VALUES (9001, 'regress', 'Regress');
INSERT INTO register.legal_reorg_type (id, code, name) OVERRIDING SYSTEM VALUE VALUES (9001, 'regress', 'Regress');
INSERT INTO register.legal_rel_type (id, code, name, primary_influencer_only) OVERRIDING SYSTEM VALUE
    VALUES (9001, 'regress_own', 'Owns', false), (9002, 'regress_rule', 'Rules', true), (9003, 'regress_lend', 'Lends', false);
INSERT INTO register.status (id, code, name) OVERRIDING SYSTEM VALUE VALUES (9001, 'regress', 'Regress');
INSERT INTO register.sector (id, path, name) OVERRIDING SYSTEM VALUE VALUES (9001, 'regress', 'Regress');
INSERT INTO register.tag (id, path, name) OVERRIDING SYSTEM VALUE VALUES (9001, 'regress', 'Regress');
INSERT INTO register.activity_category_standard (id, code, name) OVERRIDING SYSTEM VALUE VALUES (9001, 'regress', 'Regress');
INSERT INTO register.activity_category (id, standard_id, path, name) OVERRIDING SYSTEM VALUE VALUES (9001, 9001, '91', 'Regress');
INSERT INTO register.stat_definition (id, code, type, frequency, name) OVERRIDING SYSTEM VALUE
    VALUES (9001, 'regress_int', 'int', 'yearly', 'Int'), (9002, 'regress_float', 'float', 'yearly', 'Float'),
           (9003, 'regress_string', 'string', 'yearly', 'String'), (9004, 'regress_bool', 'bool', 'yearly', 'Bool');
INSERT INTO register.external_ident_type (id, code, name, shape, labels) OVERRIDING SYSTEM VALUE
    VALUES (9001, 'regress_regular', 'Regular', 'regular', NULL), (9002, 'regress_tree', 'Tree', 'hierarchical', 'region.surveyor.unit_no'),
           (9003, 'regress_other', 'Other', 'regular', NULL);

--
-- What is accepted, and what the triggers and defaults fill in
--
INSERT INTO register.image (data) VALUES ('\x89504e470d0a1a0a00'), ('\xffd8ffe0'), ('GIF89a…'), ('RIFF0000WEBPVP8 ');
SELECT type, uploaded_by_user_id FROM register.image ORDER BY id;
SELECT register.detect_image_type('<svg xmlns="http://www.w3.org/2000/svg"/>'), register.detect_image_type('RIFF0000WAVE'),
       register.detect_image_type(''), register.detect_image_type(NULL);

INSERT INTO register.enterprise (id) OVERRIDING SYSTEM VALUE VALUES (9001), (9002), (9003);
SELECT enabled, short_name, edit_by_user_id, edit_at = statement_timestamp() AS at_least_close, import_job_id
FROM register.enterprise WHERE id = 9001;

INSERT INTO register.legal_unit (id, valid_from, valid_until, name, sector_id, status_id, legal_form_id, unit_size_id, foreign_participation_id,
                                 data_source_id, enterprise_id, primary_for_enterprise, image_id)
SELECT u.id, u.valid_from::date, u.valid_until::date, u.name, 9001, 9001, 9001, 9001, 9001, 9001, 9001, u.id = 9001, (SELECT min(id) FROM register.image)
FROM (VALUES (9001, '2010-01-01', '2015-01-01', 'One'), (9001, '2015-01-01', 'infinity', 'One and only'), (9002, '2010-01-01', 'infinity', 'Two'),
             (9003, '2010-01-01', '2012-01-01', 'Three'), (9003, '2013-01-01', 'infinity', 'Three again')) AS u (id, valid_from, valid_until, name);
SELECT id, name, valid_from, valid_to, valid_until, valid_range, edit_by_user_id FROM register.legal_unit WHERE id > 9000 ORDER BY id, valid_from;

INSERT INTO register.establishment (id, valid_from, name, sector_id, status_id, unit_size_id, data_source_id, enterprise_id, legal_unit_id,
                                    primary_for_enterprise, primary_for_legal_unit, image_id)
VALUES (9001, '2011-01-01', 'Formal', NULL, 9001, 9001, 9001, NULL, 9001, NULL, true, (SELECT min(id) FROM register.image)),
       (9002, '2011-01-01', 'Informal', 9001, 9001, 9001, 9001, 9002, NULL, true, NULL, NULL);

-- one of everything for a legal unit and for an establishment; the version of the region is filled in
INSERT INTO register.activity (id, valid_from, type, category_id, data_source_id, legal_unit_id, establishment_id)
    VALUES (9001, '2011-01-01', 'primary', 9001, 9001, 9001, NULL), (9002, '2011-01-01', 'secondary', 9001, 9001, 9001, NULL),
           (9003, '2011-01-01', 'primary', 9001, 9001, NULL, 9001);
INSERT INTO register.location (id, valid_from, type, region_id, country_id, data_source_id, latitude, longitude, altitude, legal_unit_id, establishment_id)
    VALUES (9001, '2011-01-01', 'physical', 9001, 9001, 9001, 59.913900, 10.752200, 23.0, 9001, NULL),
           (9002, '2011-01-01', 'postal', NULL, 9001, 9001, NULL, NULL, NULL, 9001, NULL),
           (9003, '2011-01-01', 'physical', 9001, 9001, 9001, 90, -180, 0, NULL, 9001);
SELECT id, region_id, region_version_id FROM register.location WHERE id > 9000 ORDER BY id;
UPDATE register.location SET region_id = 9002 WHERE id = 9001 RETURNING region_id, region_version_id;
UPDATE register.location SET region_id = NULL WHERE id = 9001 RETURNING region_id, region_version_id;
UPDATE register.location SET region_id = 9001 WHERE id = 9001 RETURNING region_id, region_version_id;
INSERT INTO register.contact (id, valid_from, email_address, data_source_id, legal_unit_id, establishment_id)
    VALUES (9001, '2011-01-01', 'one@example.org', 9001, 9001, NULL), (9002, '2011-01-01', 'est@example.org', 9001, NULL, 9001);
INSERT INTO register.stat_for_unit (id, valid_from, stat_definition_id, value_int, value_float, value_string, value_bool, data_source_id, legal_unit_id, establishment_id)
    VALUES (9001, '2011-01-01', 9001, 12, NULL, NULL, NULL, 9001, 9001, NULL), (9002, '2011-01-01', 9002, NULL, -0.5e-7, NULL, NULL, 9001, 9001, NULL),
           (9003, '2011-01-01', 9003, NULL, NULL, E'a "b"\\c\n', NULL, 9001, 9001, NULL), (9004, '2011-01-01', 9004, NULL, NULL, NULL, false, 9001, 9001, NULL),
           (9005, '2011-01-01', 9001, 7, NULL, NULL, NULL, 9001, NULL, 9001);
SELECT id, value_type, stat FROM register.stat_for_unit WHERE id > 9000 ORDER BY id;

INSERT INTO register.power_group (name, type_id, unit_size_id, data_source_id, foreign_participation_id) VALUES ('G', 9001, 9001, 9001, 9001);
SELECT ident ~ '^PG[0-9A-Z]{4}$' AS well_formed FROM register.power_group;
SELECT register.power_group_ident(n) FROM unnest(ARRAY[0, 1, 35, 36, 1679615, 1679616, 9223372036854775807]) AS n;
SELECT register.power_group_ident(-1);
ROLLBACK TO SAVEPOINT none;

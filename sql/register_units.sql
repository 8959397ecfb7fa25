-- Units, what hangs on them, and their relationships: what the tables accept, and every refusal with its SQLSTATE
-- and the constraint that refuses. The last query proves that no constraint of these tables was forgotten.
\set VERBOSITY sqlstate
SET datestyle = ISO, YMD;
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
    refuser text;
BEGIN
    BEGIN
        EXECUTE statement;
        RAISE EXCEPTION USING ERRCODE = 'ZZ000';
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, refuser = CONSTRAINT_NAME;
    END;
    INSERT INTO hit VALUES (refuser);
    -- RESTRICT raises 23503 up to PostgreSQL 17, and 23001 from 18 on
    state := replace(state, '23001', '23503');
    RETURN CASE state WHEN 'ZZ000' THEN 'ACCEPTED' ELSE concat_ws(' ', state, nullif(refuser, '')) END;
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
INSERT INTO register.image (data) VALUES ('\x89504e470d0a1a0a00'), ('\xffd8ffe0'), ('GIF89a--'), ('RIFF0000WEBPVP8 ');
SELECT type, uploaded_by_user_id FROM register.image ORDER BY id;
SELECT register.detect_image_type('<svg xmlns="http://www.w3.org/2000/svg"/>'), register.detect_image_type('RIFF0000WAVE'),
       register.detect_image_type(''), register.detect_image_type(NULL);

INSERT INTO register.enterprise (id) OVERRIDING SYSTEM VALUE VALUES (9001), (9002), (9003);
SELECT enabled, short_name, edit_by_user_id, import_job_id
FROM register.enterprise WHERE id = 9001;

INSERT INTO register.legal_unit (id, valid_from, valid_until, name, sector_id, status_id, legal_form_id, unit_size_id, foreign_participation_id,
                                 data_source_id, enterprise_id, primary_for_enterprise, image_id)
SELECT u.id, u.valid_from::date, u.valid_until::date, u.name, 9001, 9001, 9001, 9001, 9001, 9001, 9001, u.id = 9001, (SELECT min(id) FROM register.image)
FROM (VALUES (9001, '2010-01-01', '2015-01-01', 'One'), (9001, '2015-01-01', 'infinity', 'One and only'), (9002, '2005-01-01', 'infinity', 'Two'),
             (9003, '2010-01-01', '2012-01-01', 'Three'), (9003, '2013-01-01', 'infinity', 'Three again'),
             (9004, '2010-01-01', 'infinity', 'Four')) AS u (id, valid_from, valid_until, name);
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
    VALUES (9003, '2011-01-01', 'four@example.org', 9001, 9004, NULL), (9001, '2011-01-01', 'one@example.org', 9001, 9001, NULL), (9002, '2011-01-01', 'est@example.org', 9001, NULL, 9001);
INSERT INTO register.stat_for_unit (id, valid_from, stat_definition_id, value_int, value_float, value_string, value_bool, data_source_id, legal_unit_id, establishment_id)
    VALUES (9001, '2011-01-01', 9001, 12, NULL, NULL, NULL, 9001, 9001, NULL), (9002, '2011-01-01', 9002, NULL, -0.5e-7, NULL, NULL, 9001, 9001, NULL),
           (9003, '2011-01-01', 9003, NULL, NULL, E'a "b"\\c\n', NULL, 9001, 9001, NULL), (9004, '2011-01-01', 9004, NULL, NULL, NULL, false, 9001, 9001, NULL),
           (9005, '2011-01-01', 9001, 7, NULL, NULL, NULL, 9001, NULL, 9001);
SELECT id, value_type, stat FROM register.stat_for_unit WHERE id > 9000 ORDER BY id;

INSERT INTO register.power_group (name, type_id, unit_size_id, data_source_id, foreign_participation_id) VALUES ('G', 9001, 9001, 9001, 9001);
SELECT ident ~ '^PG[0-9A-Z]{4}$' AS well_formed FROM register.power_group;
SELECT register.power_group_ident(n) FROM unnest(ARRAY[0, 1, 35, 36, 1679615, 1679616, 9223372036854775807]) AS n;
SELECT pg_temp.refused('SELECT register.power_group_ident(-1)') AS negative_counter;
INSERT INTO register.person (id, family_name, country_id, sex) OVERRIDING SYSTEM VALUE VALUES (9001, 'Okello', 9001, 'Female');
INSERT INTO register.person_for_unit (id, valid_from, person_id, person_role_id, data_source_id, legal_unit_id, establishment_id)
    VALUES (9001, '2011-01-01', 9001, 9001, 9001, 9001, NULL), (9002, '2011-01-01', 9001, NULL, 9001, 9001, NULL),
           (9003, '2011-01-01', 9001, 9001, 9001, NULL, 9001);

-- the flag is copied from the type, whatever is given
INSERT INTO register.legal_relationship (id, valid_from, influencing_id, influenced_id, type_id, reorg_type_id, primary_influencer_only, percentage,
                                         derived_power_group_id, derived_influenced_power_level)
SELECT r.id, r.valid_from::date, r.influencing_id, r.influenced_id, r.type_id, 9001, r.given, r.percentage, g.id, r.level
FROM register.power_group AS g,
     (VALUES (9001, '2011-01-01', 9001, 9002, 9001, NULL, 50.01, 1), (9002, '2011-01-01', 9001, 9002, 9002, false, NULL, 1),
             (9003, '2014-01-01', 9003, 9002, 9001, true, 100, NULL), (9004, '2011-01-01', 9002, 9001, 9001, NULL, 0, NULL)) AS r (id, valid_from, influencing_id, influenced_id, type_id, given, percentage, level)
ORDER BY r.id;
SELECT id, influencing_id, influenced_id, type_id, primary_influencer_only, percentage FROM register.legal_relationship WHERE id > 9000 ORDER BY id;
INSERT INTO register.power_root (id, valid_from, power_group_id, derived_root_legal_unit_id, derived_root_status)
    SELECT 9001, '2011-01-01', id, 9001, 'multi' FROM register.power_group;
SELECT root_legal_unit_id FROM register.power_root WHERE id = 9001;
UPDATE register.power_root SET custom_root_legal_unit_id = 9002 WHERE id = 9001 RETURNING root_legal_unit_id, derived_root_legal_unit_id;

-- identifiers: shape and labels are copied from the type
INSERT INTO register.external_ident (type_id, ident, idents, legal_unit_id, establishment_id, enterprise_id, power_group_id, person_id)
SELECT i.type_id, i.ident, i.idents::ltree, i.legal_unit_id, i.establishment_id, i.enterprise_id, CASE WHEN i.in_group THEN g.id END, i.person_id
FROM register.power_group AS g,
     (VALUES (1, 9001, 'A1', NULL, 9001, NULL, NULL, false, NULL), (2, 9001, 'A2', NULL, NULL, 9001, NULL, false, NULL),
             (3, 9001, 'A3', NULL, NULL, NULL, 9001, false, NULL), (4, 9001, 'A4', NULL, NULL, NULL, NULL, true, NULL),
             (5, 9001, 'A5', NULL, NULL, NULL, NULL, false, 9001), (6, 9002, NULL, 'central.okello.001', 9001, NULL, NULL, false, NULL))
     AS i (n, type_id, ident, idents, legal_unit_id, establishment_id, enterprise_id, in_group, person_id)
ORDER BY i.n;
SELECT shape, ident, labels, idents FROM register.external_ident WHERE type_id > 9000 ORDER BY ident, idents;
INSERT INTO register.tag_for_unit (tag_id, legal_unit_id, establishment_id, enterprise_id, power_group_id)
    SELECT 9001, o.legal_unit_id, o.establishment_id, o.enterprise_id, CASE WHEN num_nonnulls(o.legal_unit_id, o.establishment_id, o.enterprise_id) = 0 THEN g.id END
    FROM register.power_group AS g, (VALUES (9001, NULL, NULL), (NULL, 9001, NULL), (NULL, NULL, 9001), (NULL, NULL, NULL)) AS o (legal_unit_id, establishment_id, enterprise_id);
INSERT INTO register.unit_notes (notes, legal_unit_id, establishment_id, enterprise_id, power_group_id)
    SELECT 'seen', legal_unit_id, establishment_id, enterprise_id, power_group_id FROM register.tag_for_unit;

-- a new period next to an old one, and a swap of primary units in one statement
INSERT INTO register.contact (id, valid_from, valid_until, phone_number, legal_unit_id) VALUES (9001, '2010-06-01', '2011-01-01', '1', 9001);
UPDATE register.legal_unit SET primary_for_enterprise = (id = 9002) WHERE id IN (9001, 9002);
UPDATE register.legal_unit SET primary_for_enterprise = (id = 9001) WHERE id IN (9001, 9002);
-- and in two statements of one transaction, checked when they are done
SET CONSTRAINTS register.legal_unit_primary_for_enterprise_valid DEFERRED;
UPDATE register.legal_unit SET primary_for_enterprise = true WHERE id = 9002;
UPDATE register.legal_unit SET primary_for_enterprise = false WHERE id = 9001;
UPDATE register.legal_unit SET primary_for_enterprise = (id = 9001) WHERE id IN (9001, 9002);
SET CONSTRAINTS register.legal_unit_primary_for_enterprise_valid IMMEDIATE;

--
-- Refusals: periods
--
SELECT s.name,
       pg_temp.refused(format('UPDATE register.%I SET valid_until = valid_from', s.name)) AS empty_period,
       pg_temp.refused(format('UPDATE register.%I SET valid_from = ''-infinity''', s.name)) AS no_start,
       pg_temp.refused(format('UPDATE register.%I SET valid_until = valid_from - 1', s.name)) AS reversed
FROM subject AS s WHERE s.temporal ORDER BY s.name;
SELECT s.name,
       pg_temp.refused(pg_temp.copy(s.name, '{}')) AS same_period,
       pg_temp.refused(pg_temp.copy(s.name, '{"valid_from": "2016-01-01", "valid_until": "2017-01-01"}' -- a primary unit would be refused as a second one before
           || CASE s.name WHEN 'legal_unit' THEN '{"primary_for_enterprise": "false"}' WHEN 'establishment' THEN '{"primary_for_legal_unit": "false"}' ELSE '{}' END::jsonb,
           'id = 9001 AND valid_until = ''infinity''')) AS overlap
FROM subject AS s WHERE s.temporal ORDER BY s.name;
SELECT s.name, pg_temp.refused(format('INSERT INTO register.%I (id) OVERRIDING SYSTEM VALUE SELECT min(id) FROM register.%1$I', s.name)) AS incomplete,
       pg_temp.refused(format('UPDATE register.%I SET id = id + 1', s.name)) AS changed_id
FROM subject AS s ORDER BY s.name;
--
-- Refusals: CHECKs
--
CREATE TEMP TABLE bad (n integer GENERATED ALWAYS AS IDENTITY, statement text);
INSERT INTO bad (statement) VALUES
    ('INSERT INTO register.image (data) VALUES (''<svg/>'')'),
    ('INSERT INTO register.image (data) VALUES (''\x89504e470d0a1a0a''::bytea || convert_to(repeat(''x'', 4194304), ''UTF8''))'),
    ('UPDATE register.image SET data = ''\x00'''),
    ('UPDATE register.establishment SET enterprise_id = 9001, primary_for_enterprise = false WHERE legal_unit_id = 9001'),
    ('UPDATE register.establishment SET enterprise_id = NULL, primary_for_enterprise = NULL, sector_id = NULL WHERE id = 9002'),
    ('UPDATE register.establishment SET primary_for_legal_unit = NULL WHERE id = 9001'),
    ('UPDATE register.establishment SET primary_for_enterprise = NULL WHERE id = 9002'),
    ('UPDATE register.establishment SET sector_id = 9001 WHERE id = 9001'),
    ('UPDATE register.location SET latitude = 90.000001, type = ''physical'' WHERE id = 9001'),
    ('UPDATE register.location SET latitude = -90.000001 WHERE id = 9001'),
    ('UPDATE register.location SET longitude = 180.000001 WHERE id = 9001'),
    ('UPDATE register.location SET longitude = -180.000001 WHERE id = 9001'),
    ('UPDATE register.location SET altitude = -0.1 WHERE id = 9001'),
    ('UPDATE register.location SET latitude = NULL, altitude = NULL WHERE id = 9001'),
    ('UPDATE register.location SET longitude = NULL, altitude = NULL WHERE id = 9001'),
    ('UPDATE register.location SET latitude = NULL, longitude = NULL WHERE id = 9001'),
    ('UPDATE register.location SET type = ''postal'' WHERE id = 9003'),
    ('UPDATE register.location SET latitude = 1, longitude = 1 WHERE id = 9002'),
    ('ALTER TABLE register.location DISABLE TRIGGER location_set_region_version; UPDATE register.location SET region_version_id = NULL WHERE id = 9001'),
    ('ALTER TABLE register.location DISABLE TRIGGER location_set_region_version; UPDATE register.location SET region_id = NULL WHERE id = 9001'),
    ('ALTER TABLE register.location DISABLE TRIGGER location_set_region_version; UPDATE register.location SET region_id = 9002 WHERE id = 9001'),
    ('UPDATE register.contact SET email_address = NULL, web_address = NULL WHERE id = 9002'),
    ('UPDATE register.stat_for_unit SET value_float = 1 WHERE id = 9001'),
    ('UPDATE register.stat_for_unit SET value_int = NULL WHERE id = 9001'),
    ('UPDATE register.stat_for_unit SET value_float = ''NaN'' WHERE id = 9002'),
    ('UPDATE register.stat_for_unit SET value_float = ''-Infinity'' WHERE id = 9002'),
    ('UPDATE register.stat_for_unit SET value_int = NULL, value_float = 1 WHERE id = 9001'),
    ('UPDATE register.stat_for_unit SET stat_definition_id = 9002, valid_until = ''2030-01-01'' WHERE id = 9001'),
    ('UPDATE register.stat_definition SET type = ''float'' WHERE id = 9001'),
    ('UPDATE register.external_ident SET ident = NULL WHERE ident = ''A1'''),
    ('UPDATE register.external_ident SET ident = '''' WHERE ident = ''A1'''),
    ('UPDATE register.external_ident SET idents = ''a.b.c'' WHERE ident = ''A1'''),
    ('UPDATE register.external_ident SET ident = ''x'' WHERE idents IS NOT NULL'),
    ('UPDATE register.external_ident SET idents = NULL WHERE idents IS NOT NULL'),
    ('UPDATE register.external_ident SET idents = ''a.b'' WHERE idents IS NOT NULL'),
    ('UPDATE register.external_ident SET type_id = 9002 WHERE ident = ''A1'''),
    ('ALTER TABLE register.external_ident DISABLE TRIGGER external_ident_set_shape; UPDATE register.external_ident SET labels = ''a'' WHERE ident = ''A1'''),
    ('UPDATE register.external_ident SET enterprise_id = 9001 WHERE ident = ''A1'''),
    ('UPDATE register.external_ident SET legal_unit_id = NULL WHERE ident = ''A1'''),
    ('UPDATE register.tag_for_unit SET enterprise_id = 9001 WHERE legal_unit_id = 9001'),
    ('UPDATE register.tag_for_unit SET legal_unit_id = NULL WHERE legal_unit_id = 9001'),
    ('UPDATE register.unit_notes SET enterprise_id = 9001 WHERE legal_unit_id = 9001'),
    ('UPDATE register.unit_notes SET legal_unit_id = NULL WHERE legal_unit_id = 9001'),
    ('UPDATE register.unit_notes SET notes = NULL'),
    ('UPDATE register.legal_unit SET name = NULL'),
    ('UPDATE register.legal_relationship SET influenced_id = influencing_id'),
    ('UPDATE register.legal_relationship SET percentage = 100.01'),
    ('UPDATE register.legal_relationship SET percentage = -0.01'),
    ('UPDATE register.legal_relationship SET derived_influenced_power_level = -1'),
    ('UPDATE register.power_root SET derived_root_status = ''single'''),
    ('UPDATE register.power_root SET custom_root_legal_unit_id = 9004'),
    ('UPDATE register.power_root SET root_legal_unit_id = 9001');
SELECT statement, pg_temp.refused(statement) FROM bad ORDER BY n;
SELECT s.name,
       pg_temp.refused(format('UPDATE register.%I SET legal_unit_id = 9001, establishment_id = 9001', s.name)) AS two_owners,
       pg_temp.refused(format('UPDATE register.%I SET legal_unit_id = NULL, establishment_id = NULL', s.name)) AS no_owner
FROM subject AS s WHERE s.name IN ('activity', 'location', 'contact', 'stat_for_unit', 'person_for_unit') ORDER BY s.name;

-- lengths
SELECT c.table_name, string_agg(format('%s %s', c.column_name, c.character_maximum_length), ', ' ORDER BY c.ordinal_position) AS lengths
FROM information_schema.columns AS c JOIN subject AS s ON s.name = c.table_name
WHERE c.table_schema = 'register' AND c.character_maximum_length IS NOT NULL AND c.column_name <> 'edit_comment'
GROUP BY c.table_name ORDER BY c.table_name;

--
-- Refusals: natural keys and primary flags
--
TRUNCATE bad RESTART IDENTITY;
INSERT INTO bad (statement) VALUES
    (pg_temp.copy('legal_unit', '{"id": 9009, "valid_from": "2014-06-01", "valid_until": "2014-07-01"}', 'id = 9001')),
    ('UPDATE register.legal_unit SET primary_for_enterprise = true WHERE id = 9003 AND valid_from = ''2013-01-01'''),
    (pg_temp.copy('establishment', '{"id": 9009, "valid_from": "2020-01-01"}', 'id = 9001')),
    (pg_temp.copy('establishment', '{"id": 9009, "valid_from": "2020-01-01"}', 'id = 9002')),
    (pg_temp.copy('activity', '{"id": 9009, "valid_from": "2020-01-01"}', 'id = 9001')),
    (pg_temp.copy('activity', '{"id": 9009, "valid_from": "2020-01-01"}', 'id = 9003')),
    (pg_temp.copy('location', '{"id": 9009, "valid_from": "2020-01-01"}', 'id = 9001')),
    (pg_temp.copy('location', '{"id": 9009, "valid_from": "2020-01-01"}', 'id = 9003')),
    (pg_temp.copy('contact', '{"id": 9009, "valid_from": "2020-01-01"}', 'id = 9001 AND valid_until = ''infinity''')),
    (pg_temp.copy('contact', '{"id": 9009, "valid_from": "2020-01-01"}', 'id = 9002')),
    (pg_temp.copy('stat_for_unit', '{"id": 9009, "valid_from": "2020-01-01"}', 'id = 9001')),
    (pg_temp.copy('stat_for_unit', '{"id": 9009, "valid_from": "2020-01-01"}', 'id = 9005')),
    (pg_temp.copy('person_for_unit', '{"id": 9009, "valid_from": "2020-01-01"}', 'id = 9001')),
    (pg_temp.copy('person_for_unit', '{"id": 9009, "valid_from": "2020-01-01"}', 'id = 9002')),
    (pg_temp.copy('person_for_unit', '{"id": 9009, "valid_from": "2020-01-01"}', 'id = 9003')),
    (pg_temp.copy('legal_relationship', '{"id": 9009, "valid_from": "2020-01-01"}', 'id = 9001')),
    (pg_temp.copy('legal_relationship', '{"id": 9009, "valid_from": "2020-01-01", "influencing_id": 9003}', 'id = 9002')),
    ('UPDATE register.legal_rel_type SET primary_influencer_only = true WHERE id = 9001'),
    (pg_temp.copy('power_root', '{"id": 9009, "valid_from": "2020-01-01"}', 'id = 9001')),
    (pg_temp.copy('power_group', '{}')),
    (pg_temp.copy('external_ident', '{"legal_unit_id": 9002}', 'ident = ''A1''')),
    (pg_temp.copy('external_ident', '{"legal_unit_id": 9002}', 'idents IS NOT NULL')),
    (pg_temp.copy('external_ident', '{"ident": "B"}', 'ident = ''A1''')),
    (pg_temp.copy('external_ident', '{"ident": "B"}', 'ident = ''A2''')),
    (pg_temp.copy('external_ident', '{"ident": "B"}', 'ident = ''A3''')),
    (pg_temp.copy('external_ident', '{"ident": "B"}', 'ident = ''A4''')),
    (pg_temp.copy('external_ident', '{"ident": "B"}', 'ident = ''A5'''));
SELECT regexp_replace(statement, ' \(.* FROM register\.\w+', ' … FROM the row') AS statement, pg_temp.refused(statement) FROM bad ORDER BY n;
SELECT t.name, o.name AS owner, pg_temp.refused(pg_temp.copy(t.name, '{}', o.name || ' IS NOT NULL')) AS twice
FROM unnest(ARRAY['tag_for_unit', 'unit_notes']) AS t (name), unnest(ARRAY['legal_unit_id', 'establishment_id', 'enterprise_id', 'power_group_id']) AS o (name)
ORDER BY t.name, o.name;
-- what only looks like a duplicate: another type, another day, another owner
SELECT pg_temp.refused(pg_temp.copy('activity', '{"id": 9009, "type": "ancilliary"}', 'id = 9001')) AS other_type,
       pg_temp.refused(pg_temp.copy('activity', '{"id": 9009, "legal_unit_id": 9002}', 'id = 9001')) AS other_unit,
       pg_temp.refused(pg_temp.copy('activity', '{"id": 9009, "valid_from": "2010-01-01", "valid_until": "2011-01-01"}', 'id = 9001')) AS earlier,
       pg_temp.refused(pg_temp.copy('external_ident', '{"type_id": 9003}', 'ident = ''A1''')) AS other_ident_type,
       pg_temp.refused(pg_temp.copy('legal_relationship', '{"id": 9009, "influencing_id": 9001, "influenced_id": 9002, "type_id": 9003}', 'id = 9001')) AS other_relationship;
-- primary keys of the tables without time
SELECT s.name, pg_temp.refused(format('INSERT INTO register.%I %s', s.name,
    (SELECT format('(%1$s) OVERRIDING SYSTEM VALUE SELECT %1$s FROM register.%2$I ORDER BY id LIMIT 1', string_agg(quote_ident(a.attname), ', '), s.name)
     FROM pg_attribute AS a
     WHERE a.attrelid = format('register.%I', s.name)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''))) AS same_id
FROM subject AS s WHERE NOT s.temporal ORDER BY s.name;

--
-- Refusals: foreign keys
--
SELECT f.conrelid::regclass AS "table", a.attname AS "column", f.confrelid::regclass AS "references",
       CASE f.confdeltype WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' END AS on_delete,
       pg_temp.refused(format('UPDATE register.%1$I SET %2$I = 0 WHERE id = (SELECT min(id) FROM register.%1$I WHERE %2$I IS NOT NULL)', s.name, a.attname)) AS unknown_id
FROM pg_constraint AS f
JOIN subject AS s ON f.conrelid = format('register.%I', s.name)::regclass
JOIN pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
WHERE f.contype = 'f' ORDER BY s.name, a.attname;
-- a code that is in use cannot go, and history does not go with it
SELECT t.name, pg_temp.refused(format('DELETE FROM register.%I WHERE id = 9001', t.name)) AS used
FROM unnest(ARRAY['activity_category', 'country', 'external_ident_type', 'legal_rel_type', 'legal_reorg_type', 'person_role', 'power_group_type',
                  'stat_definition', 'status', 'tag', 'person', 'enterprise']) AS t (name) ORDER BY t.name;
SELECT pg_temp.refused('DELETE FROM register.region WHERE id = 9001') AS region, pg_temp.refused('DELETE FROM register.power_group') AS power_group;

-- over time: before the unit is there, over its gap, and no such unit
CREATE TEMP TABLE reference (table_name text, column_name text, id integer, gap_id integer);
INSERT INTO reference VALUES
    ('establishment', 'legal_unit_id', 9001, 9001),
    ('activity', 'legal_unit_id', 9001, 9001), ('activity', 'establishment_id', 9003, NULL),
    ('location', 'legal_unit_id', 9001, 9001), ('location', 'establishment_id', 9003, NULL),
    ('contact', 'legal_unit_id', 9003, 9003), ('contact', 'establishment_id', 9002, NULL),
    ('stat_for_unit', 'legal_unit_id', 9001, 9001), ('stat_for_unit', 'establishment_id', 9005, NULL),
    ('person_for_unit', 'legal_unit_id', 9001, 9001), ('person_for_unit', 'establishment_id', 9003, NULL),
    ('legal_relationship', 'influencing_id', 9001, 9004), ('legal_relationship', 'influenced_id', 9004, 9001);
SELECT r.table_name, r.column_name,
       pg_temp.refused(format('UPDATE register.%I SET valid_from = ''2009-01-01'' WHERE id = %s', r.table_name, r.id)) AS too_early,
       CASE WHEN r.gap_id IS NOT NULL
            THEN pg_temp.refused(format('UPDATE register.%I SET %I = 9003 WHERE id = %s', r.table_name, r.column_name, r.gap_id)) END AS over_a_gap,
       pg_temp.refused(format('UPDATE register.%I SET %I = 0 WHERE id = %s', r.table_name, r.column_name, r.id)) AS unknown_id
FROM reference AS r ORDER BY r.table_name, r.column_name;
SELECT pg_temp.refused('UPDATE register.power_root SET valid_from = ''2009-01-01'', custom_root_legal_unit_id = NULL') AS derived_root_too_early,
       pg_temp.refused('UPDATE register.power_root SET custom_root_legal_unit_id = 9003') AS custom_root_over_a_gap;
-- the unit cannot shrink, open a gap or vanish under its details
SELECT pg_temp.refused('DELETE FROM register.legal_unit WHERE id = 9001 AND valid_from = ''2015-01-01''') ~ '^23503 \w+_fkey$' AS loses_a_slice,
       pg_temp.refused('UPDATE register.legal_unit SET valid_from = ''2015-01-02'' WHERE id = 9001 AND valid_from = ''2015-01-01''') ~ '^23503 \w+_fkey$' AS opens_a_gap,
       pg_temp.refused('UPDATE register.establishment SET valid_until = ''2020-01-01'' WHERE id = 9001') ~ '^23503 \w+_fkey$' AS ends_early,
       pg_temp.refused('DELETE FROM register.establishment WHERE id = 9001') ~ '^23503 \w+_fkey$' AS vanishes;
-- but its slices may be cut anew
SELECT pg_temp.refused('WITH gone AS (DELETE FROM register.legal_unit WHERE id = 9001 AND valid_from = ''2010-01-01'')
                        UPDATE register.legal_unit SET valid_from = ''2010-01-01'' WHERE id = 9001 AND valid_from = ''2015-01-01''') AS one_slice_for_two;
-- tables without time need the unit at some time
SELECT t.name, o.name AS owner, pg_temp.refused(format('UPDATE register.%1$I SET %2$I = 0 WHERE %2$I IS NOT NULL', t.name, o.name)) AS unknown_id
FROM unnest(ARRAY['external_ident', 'tag_for_unit', 'unit_notes']) AS t (name), unnest(ARRAY['legal_unit_id', 'establishment_id']) AS o (name)
ORDER BY t.name, o.name;
SELECT pg_temp.refused('INSERT INTO register.tag_for_unit (tag_id, legal_unit_id) VALUES (9001, 9003);
                        DELETE FROM register.legal_unit WHERE id = 9003 AND valid_from = ''2010-01-01''') AS one_slice_left,
       pg_temp.refused('DELETE FROM register.legal_relationship; INSERT INTO register.tag_for_unit (tag_id, legal_unit_id) VALUES (9001, 9003);
                        DELETE FROM register.legal_unit WHERE id = 9003') AS none_left;
-- with an enterprise go its identifiers, tags and notes
SELECT pg_temp.refused('DELETE FROM register.enterprise WHERE id = 9003') AS without_units;

--
-- The keys over time of these tables
--
SELECT t.relation, t.constraint_name, t.columns, t.predicate, t.nulls_not_distinct AS nulls_equal, t.is_deferrable
FROM temporal.constraint AS t JOIN subject AS s ON t.relation = format('register.%I', s.name)::regclass
WHERE t.constraint_type = 'unique' ORDER BY s.name, t.constraint_name;
SELECT t.relation, t.columns, t.references_relation AS "references", t.period IS NOT NULL AS over_time, t.on_delete, t.is_deferrable
FROM temporal.constraint AS t JOIN subject AS s ON t.relation = format('register.%I', s.name)::regclass
WHERE t.constraint_type = 'foreign key' ORDER BY s.name, t.columns;

--
-- Nothing forgotten: constraints and unique indexes that no statement above has run into
--
SELECT c.conrelid::regclass AS "table", c.conname AS never_refused
FROM pg_constraint AS c JOIN subject AS s ON c.conrelid = format('register.%I', s.name)::regclass
WHERE c.contype IN ('c', 'p', 'u', 'x', 'f') AND NOT EXISTS (SELECT FROM hit WHERE hit.constraint_name = c.conname)
UNION ALL
SELECT i.indrelid::regclass, x.relname
FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid JOIN subject AS s ON i.indrelid = format('register.%I', s.name)::regclass
WHERE i.indisunique AND NOT EXISTS (SELECT FROM hit WHERE hit.constraint_name = x.relname)
UNION ALL
SELECT t.relation, t.constraint_name
FROM temporal.constraint AS t JOIN subject AS s ON t.relation = format('register.%I', s.name)::regclass
WHERE NOT EXISTS (SELECT FROM hit WHERE hit.constraint_name = t.constraint_name)
ORDER BY 1, 2;
-- no table without a comment; no foreign key to units, or to what belongs to them, without an index. Code lists need none: a code is
-- rarely deleted, nothing is looked up by it here, and an index would have to be kept up with every row.
SELECT s.name AS uncommented FROM subject AS s WHERE obj_description(format('register.%I', s.name)::regclass, 'pg_class') IS NULL;
SELECT f.conrelid::regclass AS "table", f.conname AS without_index
FROM pg_constraint AS f JOIN subject AS s ON f.conrelid = format('register.%I', s.name)::regclass
WHERE f.contype = 'f' AND f.confrelid <> 'auth."user"'::regclass
  AND f.confrelid <> ALL ('{register.activity_category,register.country,register.data_source,register.foreign_participation,register.legal_form,
      register.region,register.sector,register.stat_definition,register.status,register.unit_size}'::regclass[])
  AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = f.conrelid AND i.indkey[0] = f.conkey[1])
ORDER BY 1, 2;
ROLLBACK;

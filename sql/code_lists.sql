-- Code lists: the shipped rows, the rules of their tables, and the views that load them.
\set VERBOSITY terse
BEGIN;
SET LOCAL datestyle = 'ISO';

-- ---------------------------------------------------------------------------------------------------------------------
-- What is shipped
-- ---------------------------------------------------------------------------------------------------------------------
SELECT list, rows FROM (
    SELECT 'activity ' || s.code AS list, count(*) AS rows
    FROM register.activity_category AS c JOIN register.activity_category_standard AS s ON s.id = c.standard_id GROUP BY s.code
    UNION ALL SELECT 'country', count(*) FROM register.country
    UNION ALL SELECT 'data_source', count(*) FROM register.data_source
    UNION ALL SELECT 'external_ident_type', count(*) FROM register.external_ident_type
    UNION ALL SELECT 'foreign_participation', count(*) FROM register.foreign_participation
    UNION ALL SELECT 'legal_form', count(*) FROM register.legal_form
    UNION ALL SELECT 'legal_rel_type', count(*) FROM register.legal_rel_type
    UNION ALL SELECT 'legal_reorg_type', count(*) FROM register.legal_reorg_type
    UNION ALL SELECT 'person_role', count(*) FROM register.person_role
    UNION ALL SELECT 'power_group_type', count(*) FROM register.power_group_type
    UNION ALL SELECT 'region_version', count(*) FROM register.region_version
    UNION ALL SELECT 'relative_period', count(*) FROM register.relative_period
    UNION ALL SELECT 'sector', count(*) FROM register.sector
    UNION ALL SELECT 'settings', count(*) FROM register.settings
    UNION ALL SELECT 'stat_definition', count(*) FROM register.stat_definition
    UNION ALL SELECT 'status', count(*) FROM register.status
    UNION ALL SELECT 'unit_size', count(*) FROM register.unit_size
) AS n ORDER BY list COLLATE "C";

-- Paths, labels and codes.
SELECT s.code AS standard, c.path::text, c.parent_path::text, p.path::text AS parent, c.level, c.label, c.code
FROM register.activity_category AS c
JOIN register.activity_category_standard AS s ON s.id = c.standard_id
LEFT JOIN register.activity_category AS p ON p.id = c.parent_id
WHERE c.path::text IN ('A', 'A.01', 'A.01.1', 'A.01.1.1')
ORDER BY 1, 2;
-- A parent is of the same standard, and every row but the sections has one.
SELECT count(*) FROM register.activity_category AS c JOIN register.activity_category AS p ON p.id = c.parent_id
WHERE p.standard_id <> c.standard_id OR p.path::text <> c.parent_path::text;
SELECT count(*) FROM register.activity_category WHERE (level = 1) <> (parent_id IS NULL);
SELECT path::text, parent_path::text, label, code, name FROM register.sector ORDER BY path LIMIT 4;
SELECT code, name, assigned_by_default, used_for_counting, priority, enabled, custom FROM register.status ORDER BY priority;
SELECT code, shape, priority, enabled FROM register.external_ident_type ORDER BY priority;
SELECT code, type, frequency, priority, enabled FROM register.stat_definition ORDER BY priority;
SELECT code, lasts_to, enabled, custom FROM register.region_version;
SELECT iso_2, iso_3, iso_num, name FROM register.country WHERE iso_2 IN ('NO', 'UN') ORDER BY iso_2;

-- ---------------------------------------------------------------------------------------------------------------------
-- What the tables refuse
-- ---------------------------------------------------------------------------------------------------------------------
\set VERBOSITY sqlstate
\set ON_ERROR_ROLLBACK on
-- a second enabled row of a code; an empty name; a code with blanks around it
INSERT INTO register.data_source (code, name) VALUES ('nlr', 'Again');
INSERT INTO register.data_source (code, name) VALUES ('x', ' ');
INSERT INTO register.data_source (code, name) VALUES (' x', 'X');
INSERT INTO register.legal_form (code, name) VALUES ('PLC', 'Again');
INSERT INTO register.legal_form (code, name, enabled, custom) VALUES ('PLC', 'Another, not in use', false, true);
-- a second default status
UPDATE register.status SET assigned_by_default = true WHERE code = 'passive';
-- paths without a parent, and a parent that is not the parent
INSERT INTO register.sector (path, name) VALUES ('nowhere.1', 'Lost');
UPDATE register.sector SET path = 'moved' WHERE path::text = 'domestic';
INSERT INTO register.activity_category (standard_id, path, name) SELECT id, 'Z.99', 'Lost' FROM register.activity_category_standard WHERE code = 'isic_v4';
-- hierarchical identifiers have labels, regular ones have none
INSERT INTO register.external_ident_type (code, name, shape) VALUES ('census_ident', 'Census', 'hierarchical');
INSERT INTO register.external_ident_type (code, name, labels) VALUES ('census_ident', 'Census', 'census.region');
INSERT INTO register.external_ident_type (code, name, shape, labels, priority) VALUES ('census_ident', 'Census', 'hierarchical', 'census.region', 2);
INSERT INTO register.external_ident_type (code, name) VALUES ('Bad Code', 'Bad');
-- dates of a tag: all or none, in order
INSERT INTO register.tag (path, name, context_valid_from) VALUES ('census', 'Census', '2024-01-01');
INSERT INTO register.tag (path, name, context_valid_from, context_valid_to, context_valid_on) VALUES ('census', 'Census', '2024-01-01', '2023-01-01', '2024-01-01');
-- two current editions of the regions
INSERT INTO register.region_version (code, name) VALUES ('second', 'Second');
-- settings need an enabled standard
INSERT INTO register.settings (activity_category_standard_id, country_id, region_version_id) SELECT s.id, c.id, -1 FROM register.activity_category_standard AS s, register.country AS c WHERE s.code = 'isic_v4' AND c.iso_2 = 'UN';
-- users: e-mails are role names, in lower case, nobody else is system, and a password is not short
INSERT INTO auth."user" (display_name) VALUES ('No mail');
INSERT INTO auth."user" (display_name, email) VALUES ('system', 'other@example.org');
INSERT INTO auth."user" (display_name, email) VALUES ('Upper', 'Upper@example.org') RETURNING email;
INSERT INTO auth."user" (display_name, email, password) VALUES ('Clear', 'clear@example.org', 'secret');
INSERT INTO auth."user" (display_name, email) VALUES ('Long', repeat('a', 60) || '@b.c');
-- before there are settings, the uploads say so
INSERT INTO api.region_upload (path, name) VALUES ('01', 'One');
INSERT INTO api.activity_category_enabled_custom (path, name) VALUES ('A.01', 'Mine');
\set VERBOSITY terse
INSERT INTO api.region_upload (path, name) VALUES ('01', 'One');

-- The first step of an office: one row of settings.
INSERT INTO register.settings (activity_category_standard_id, country_id, region_version_id)
SELECT s.id, c.id, v.id
FROM register.activity_category_standard AS s, register.country AS c, register.region_version AS v
WHERE s.code = 'isic_v4' AND c.iso_2 = 'UN' AND v.code = 'initial';
\set VERBOSITY sqlstate
INSERT INTO register.settings (activity_category_standard_id, country_id, region_version_id) SELECT activity_category_standard_id, country_id, region_version_id FROM register.settings;
UPDATE register.activity_category_standard SET enabled = false WHERE code = 'isic_v4';
UPDATE register.region_version SET enabled = false;
\set VERBOSITY terse

-- An id stays; a refusal names the table. (Identity columns refuse by themselves, so this one is made changeable.)
CREATE TABLE pg_temp.keeps_id (id integer);
INSERT INTO pg_temp.keeps_id VALUES (1);
CREATE TRIGGER refuse_id_change BEFORE UPDATE OF id ON pg_temp.keeps_id FOR EACH ROW EXECUTE FUNCTION statbus.refuse_id_change();
UPDATE pg_temp.keeps_id SET id = 1;
UPDATE pg_temp.keeps_id SET id = 2;
SELECT count(*) AS tables_that_keep_their_id FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
WHERE t.tgname = 'refuse_id_change' AND c.relname IN ('user', 'refresh_session', 'api_key', 'region', 'sector', 'tag', 'status', 'settings', 'relative_period', 'region_access');
-- updated_at follows a change.
UPDATE register.unit_size SET updated_at = '2000-01-01' WHERE code = 'tny';
UPDATE register.unit_size SET name = 'Tiny' WHERE code = 'tny';
SELECT updated_at = statement_timestamp() AS in_another_statement, updated_at > '2001-01-01' AS touched FROM register.unit_size WHERE code = 'tny';

-- Codes of activities follow the pattern of the standard, and cannot be written.
UPDATE register.activity_category_standard SET code_pattern = 'dot_after_two_digits' WHERE code = 'isic_v4';
SELECT c.path::text, c.code FROM register.activity_category AS c JOIN register.activity_category_standard AS s ON s.id = c.standard_id
WHERE s.code = 'isic_v4' AND c.path::text IN ('A', 'A.01', 'A.01.1', 'A.01.1.1') ORDER BY c.path;
UPDATE register.activity_category_standard SET code_pattern = 'digits' WHERE code = 'isic_v4';
UPDATE register.activity_category AS c SET code = '9' FROM register.activity_category_standard AS s WHERE s.id = c.standard_id AND s.code = 'isic_v4' AND c.path::text = 'A.01.1';
SELECT c.path::text, c.code FROM register.activity_category AS c JOIN register.activity_category_standard AS s ON s.id = c.standard_id
WHERE s.code = 'isic_v4' AND c.path::text IN ('A', 'A.01', 'A.01.1', 'A.01.1.1') ORDER BY c.path;

-- ---------------------------------------------------------------------------------------------------------------------
-- The families of views
-- ---------------------------------------------------------------------------------------------------------------------
SELECT c.relname, 'security_invoker=on' = ANY (c.reloptions) AS invoker, string_agg(a.attname, ' ' ORDER BY a.attnum) AS columns
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
WHERE n.nspname = 'api' AND (c.relname ~ '_(ordered|enabled|system|custom|upload)$' OR c.relname ~ '^activity_category_(isic|nace|enabled)'
    OR c.relname IN ('country_view', 'legal_form_custom_only', 'sector_custom_only', 'relative_period_with_time'))
    AND c.relkind = 'v' AND c.relname !~ '^(import|test_)'
GROUP BY c.oid ORDER BY c.relname COLLATE "C";

-- _system: an insert of a known code really updates it (fault C1), a new code is added.
INSERT INTO api.unit_size_system (code, name) VALUES ('tny', 'Very small'), ('huge', 'Huge');
SELECT code, name, enabled, custom FROM api.unit_size_ordered ORDER BY code;
SELECT code, name FROM api.unit_size_system;

-- _custom: the list of the office replaces what was in use; rows are enabled and visible (fault C2).
INSERT INTO api.unit_size_custom (code, name) VALUES ('s', 'Small'), ('tny', 'Micro');
SELECT code, name FROM api.unit_size_enabled;
SELECT code, name FROM api.unit_size_custom;
SELECT count(*) FROM api.unit_size_system;
-- Again, with another name and without one of the codes: that one is disabled.
INSERT INTO api.unit_size_custom (code, name) VALUES ('s', 'Small indeed');
SELECT code, name, enabled, custom FROM api.unit_size_ordered ORDER BY code, custom;
-- A statement without rows changes nothing.
INSERT INTO api.unit_size_custom (code, name) SELECT 'x', 'y' WHERE false;
SELECT code, name FROM api.unit_size_enabled;
-- Back to a shipped row: the custom one of the same code gives way.
INSERT INTO api.unit_size_system (code, name) VALUES ('tny', 'Tiny'), ('s', 'Shipped small');
SELECT code, name, custom FROM api.unit_size_enabled;

-- Trees: a custom list brings its own parents.
INSERT INTO api.sector_custom (path, name) VALUES ('own', 'Own'), ('own.1', 'Own one'), ('domestic', 'Domestic, ours');
SELECT path::text, name FROM api.sector_enabled;
\set VERBOSITY sqlstate
INSERT INTO api.sector_custom (path, name) VALUES ('own.2', 'Parent is not in this list');
INSERT INTO api.sector_custom (name) VALUES ('No path');
INSERT INTO api.unit_size_custom (name) VALUES ('No code');
\set VERBOSITY terse
INSERT INTO api.tag_custom (path, name, context_valid_from, context_valid_to, context_valid_on)
VALUES ('census', 'Census', NULL, NULL, NULL), ('census.2023', 'Census of 2023', '2023-01-01', '2023-12-31', '2023-06-30');
SELECT path::text, level, label, code, name, enabled, custom, context_valid_until FROM api.tag_enabled;
-- Columns beyond name follow too; NULL keeps what is there.
INSERT INTO api.status_custom (code, name, priority, assigned_by_default, used_for_counting)
VALUES ('on', 'Alive', 1, true, NULL), ('off', 'Closed', 2, NULL, false);
SELECT code, name, priority, assigned_by_default, used_for_counting FROM api.status_enabled;
INSERT INTO api.status_custom (code, name) VALUES ('on', 'Living');
SELECT code, name, priority, assigned_by_default, used_for_counting FROM api.status_enabled;
-- The edition of the regions in use can be renamed, but not dropped from the list.
INSERT INTO api.region_version_custom (code, name) VALUES ('initial', 'First edition');
SELECT code, name, enabled, custom FROM api.region_version_enabled;
\set VERBOSITY sqlstate
INSERT INTO api.region_version_custom (code, name) VALUES ('2024', 'Edition of 2024');
\set VERBOSITY terse

-- ---------------------------------------------------------------------------------------------------------------------
-- Uploads by COPY
-- ---------------------------------------------------------------------------------------------------------------------
COPY api.legal_form_custom_only (code, name) FROM stdin WITH (FORMAT csv, HEADER);
code,name
1,Public limited company (SA)
PLC,Our own PLC
\.
COPY api.legal_form_custom_only (code, name) FROM stdin WITH (FORMAT csv, HEADER);
code,name
2,Limited Liability Company (SARL)
PLC,Our renamed PLC
\.
SELECT code, name FROM api.legal_form_enabled;

COPY api.sector_custom_only (path, name, description) FROM stdin WITH (FORMAT csv, HEADER);
path,name,description
DOMESTIC,Domestic sectors,All of them
DOMESTIC.A,Non-financial corporations,
DOMESTIC.A.1110,Public,
\.
COPY api.sector_custom_only (path, name, description) FROM stdin WITH (FORMAT csv, HEADER);
path,name,description
DOMESTIC.A.1120,Added below an earlier custom row,
\.
SELECT path::text, code, name, description, custom FROM api.sector_enabled;
\set VERBOSITY sqlstate
INSERT INTO api.sector_custom_only (path, name) VALUES ('r_of_world.1', 'Below a shipped row');
\set VERBOSITY terse

COPY api.region_upload (path, name, center_latitude, center_longitude) FROM stdin WITH (FORMAT csv, HEADER);
path,name,center_latitude,center_longitude
1,Europe,,
1.047,Norway,60.5,8.25
 1.047.0301 , Oslo ,59.913,10.739
\.
COPY api.region_upload (path, name) FROM stdin WITH (FORMAT csv, HEADER);
path,name
1.047.0301,Oslo kommune
\.
SELECT r.path::text, p.path::text AS parent, r.level, r.label, r.code, r.name, r.center_latitude, r.center_longitude
FROM register.region AS r LEFT JOIN register.region AS p ON p.id = r.parent_id ORDER BY r.path;
SELECT * FROM api.region_upload;
INSERT INTO api.region_upload (path, name) VALUES ('2.1', 'Lost');
INSERT INTO api.region_upload (path, name) VALUES ('2..1', 'Bad path');
INSERT INTO api.region_upload (path, name, center_latitude, center_longitude) VALUES ('2', 'Bad number', '12,5', '1');
\set VERBOSITY sqlstate
INSERT INTO api.region_upload (path, name) VALUES ('2.1', 'Lost');
INSERT INTO api.region_upload (path, name) VALUES (NULL, 'No path');
INSERT INTO api.region_upload (path, name, center_latitude, center_longitude) VALUES ('2', 'Bad number', '1e3', '1');
INSERT INTO api.region_upload (path, name, center_latitude, center_longitude) VALUES ('2', 'Out of range', '91', '1');
INSERT INTO api.region_upload (path, name, center_latitude) VALUES ('2', 'Half a point', '9');
INSERT INTO api.region_upload (path) VALUES ('2');
\set VERBOSITY terse

-- Custom activities: the shipped row gives way, its children follow, a second upload updates (faults C1, C3).
COPY api.activity_category_enabled_custom (path, name) FROM stdin WITH (FORMAT csv, HEADER);
path,name
A,Farming and Fishing
A.01,Farming
A.01.9,Our own group
\.
COPY api.activity_category_enabled_custom (path, name, description) FROM stdin WITH (FORMAT csv, HEADER);
path,name,description
A.01,Farming Foresting and Fishing,Renamed
\.
SELECT * FROM api.activity_category_enabled_custom;
SELECT c.path::text, c.code, c.name, c.enabled, c.custom, p.custom AS parent_custom, p.enabled AS parent_enabled
FROM register.activity_category AS c
JOIN register.activity_category_standard AS s ON s.id = c.standard_id
LEFT JOIN register.activity_category AS p ON p.id = c.parent_id
WHERE s.code = 'isic_v4' AND c.path::text IN ('A', 'A.01', 'A.01.1', 'A.01.9', 'A.02') ORDER BY c.path, c.custom;
-- An office moves a group to another division: its code leads to one category.
INSERT INTO api.activity_category_enabled_custom (path, name) VALUES ('B.03', 'Fishing is mining');
SELECT path::text, code, name, enabled, custom FROM register.activity_category AS c
WHERE code = '03' AND standard_id = (SELECT activity_category_standard_id FROM register.settings) ORDER BY path;
-- The other standard has not been touched (fault C4).
SELECT count(*) FROM register.activity_category AS c JOIN register.activity_category AS p ON p.id = c.parent_id WHERE p.standard_id <> c.standard_id;
INSERT INTO api.activity_category_enabled (standard_code, path, name) VALUES ('nace_v2.1', 'A.01', 'In NACE');
INSERT INTO api.activity_category_enabled (path, name) VALUES ('A.02', 'Wood');
SELECT standard_code, path::text, parent_path::text, code, name FROM api.activity_category_enabled WHERE path::text IN ('A.01', 'A.02', 'A.02.1') ORDER BY path;
\set VERBOSITY sqlstate
INSERT INTO api.activity_category_enabled_custom (path, name) VALUES ('A.77.1', 'Lost');
INSERT INTO api.activity_category_enabled (standard_code, path, name) VALUES ('none', 'A', 'No standard');
\set VERBOSITY terse

-- Reloading a standard: rows that are mentioned are updated, custom rows stay, rows that are not mentioned go when nothing
-- refers to them, else they are disabled (fault C1).
INSERT INTO auth."user" (display_name, email) VALUES ('Code list test', 'regress_code_lists@example.org');
INSERT INTO register.activity_category_access (user_id, activity_category_id)
SELECT u.id, c.id FROM auth."user" AS u, register.activity_category AS c JOIN register.activity_category_standard AS s ON s.id = c.standard_id
WHERE u.display_name = 'Code list test' AND s.code = 'isic_v4' AND c.path::text = 'B.05.1';
INSERT INTO api.activity_category_isic_v4 (standard, path, name) VALUES
    ('isic_v4', 'A', 'Agriculture'), ('isic_v4', 'A.01', 'Crops'), ('isic_v4', 'C', 'Manufacture'), ('isic_v4', 'C.99', 'New division');
SELECT c.path::text, c.code, c.name, c.enabled, c.custom FROM register.activity_category AS c
JOIN register.activity_category_standard AS s ON s.id = c.standard_id WHERE s.code = 'isic_v4' ORDER BY c.path, c.custom;
-- The same again changes nothing more; one new row does not make the others stale.
INSERT INTO api.activity_category_isic_v4 (path, name) VALUES ('A', 'Agriculture'), ('A.01', 'Crops'), ('C', 'Manufacture'), ('C.99', 'New division'), ('D', 'One more');
SELECT path::text, name FROM api.activity_category_isic_v4;
SELECT count(*) FROM api.activity_category_nace_v2_1;
INSERT INTO api.activity_category_isic_v4 (path, name) SELECT 'A', 'Nothing' WHERE false;
SELECT count(*) FROM api.activity_category_isic_v4;
\set VERBOSITY sqlstate
INSERT INTO api.activity_category_isic_v4 (standard, path, name) VALUES ('nace_v2.1', 'A', 'Wrong view');
\set VERBOSITY terse

-- Countries: as the standards. UN is in use by the settings.
COPY api.country_view (iso_2, iso_3, iso_num, name) FROM stdin WITH (FORMAT csv, HEADER);
iso_2,iso_3,iso_num,name
NO,NOR,578,Norge
SE,SWE,752,Sweden
XA,XAA,900,New Land
\.
SELECT iso_2, iso_3, iso_num, name, enabled, custom FROM api.country_view;

-- ---------------------------------------------------------------------------------------------------------------------
-- Relative periods and the generator
-- ---------------------------------------------------------------------------------------------------------------------
SET LOCAL statbus."current_date" = '2024-08-15';
SELECT code, scope, valid_from, valid_to, valid_on FROM api.relative_period_with_time;
SET LOCAL statbus."current_date" = '2025-01-01';
SELECT code, valid_from, valid_to, valid_on FROM api.relative_period_with_time WHERE code::text ~ '^(today|year|.*(semester|week|quinquennial))';

-- Time contexts: relative periods, tags with dates, and the years with data but this one and the one before.
SET LOCAL statbus."current_date" = '2024-08-15';
INSERT INTO register.timesegments_years (year) VALUES (2015), (2016), (2023), (2024) ON CONFLICT DO NOTHING;
UPDATE register.relative_period SET enabled = code IN ('today', 'year_prev', 'year_curr_only', 'stop_of_month_prev');
SELECT type, ident, name_when_query, name_when_input, scope, valid_from, valid_to, valid_on, code, path::text FROM api.time_context;
-- A column that the office adds comes to the views at the next generation, at the end.
ALTER TABLE register.unit_size ADD COLUMN employees_from integer;
SELECT register.generate_code_list_views('unit_size');
INSERT INTO api.unit_size_system (code, name, employees_from) VALUES ('lrg', 'Large', 250);
SELECT code, name, employees_from FROM api.unit_size_system WHERE code = 'lrg';
\set VERBOSITY sqlstate
SELECT register.generate_code_list_views('no_such_list');
SELECT register.generate_code_list_views('region');
SELECT register.generate_code_list_views('unit_size', 'api', '{every}');
ROLLBACK;

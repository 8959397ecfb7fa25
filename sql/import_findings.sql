-- Findings: one file per kind of unit with one of each fault of cells, identifiers and periods. Every fault is told by code,
-- column, value and line, and every good row goes in.
CREATE DATABASE regress_import_findings TEMPLATE contrib_regression;
\c regress_import_findings
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql
\i :top/test/import/regions.sql
\i :top/test/import/run_job.sql

CREATE VIEW public.said AS
SELECT j.slug, f.source_line AS line, f.column_name AS "column", f.code, f.severity, f.value,
       f.details - '{units,legal_unit_id,establishment_id,influencing_id,legal_relationship_id}'::text[] AS details
FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id;
INSERT INTO register.tag (path, name, enabled) VALUES ('closed', 'Closed', false);
INSERT INTO register.unit_size (code, name, enabled) VALUES ('old', 'No longer used', false);

-- Dates and periods.
CALL run_job('periods', 'legal_unit_source_dates', NULL, E'tax_ident,name,valid_from,valid_to,birth_date,death_date
p1,Good,2020-01-01,infinity,2019-01-01,
p2,Leap,2023-02-29,infinity,,
p3,Slashes,31/12/2023,infinity,,
p4,Dots,2020-01-01,12.31.2023,,
p5,BC,0000-01-01,infinity,,
p6,Infinite,infinity,infinity,,
p7,Birth,2020-01-01,infinity,infinity,
p8,Today,today,infinity,,
p9,Serial,45292,infinity,,
p10,Day of year,2020-01-01,infinity,2023.123,
p11,Midnight,2020-01-01T00:00:00,infinity,,
p12,Time,2020-01-01 13:45,infinity,,
p13,24:00,2020-01-01 24:00,infinity,,
p14,Year,2023,infinity,,
p15,Reversed,2020-01-02,2020-01-01,,
p16,One day,2020-01-01,2020-01-01,,
p17,No start,,2020-01-01,,
p18,No end,2020-01-01,,,
p19,Inconsistent,2020-01-01,infinity,2021-01-01,2020-06-01
p20,Future,2020-01-01,infinity,,2030-01-01
p21,Implausible,2020-01-01,infinity,1700-01-01,
p22,Overlap equal,2020-01-01,2021-12-31,,
p22,Overlap equal,2021-01-01,2022-12-31,,
p23,Overlap,2020-01-01,2021-12-31,,
p23,Overlap differs,2021-01-01,2022-12-31,,
p24,Gap,2020-01-01,2020-12-31,,
p24,Gap,2022-01-01,2022-12-31,,
p25,Copy,2020-01-01,2020-12-31,,
p25,Copy,2020-01-01,2020-12-31,,
p26,Same period,2020-01-01,2020-12-31,,
p26,Other values,2020-01-01,2020-12-31,,');
SELECT line, "column", code, severity, value, details FROM said WHERE slug = 'periods' ORDER BY line, "column", code;
SELECT * FROM outcome WHERE slug = 'periods';
SELECT row_id, source_line, state, action, errors, warnings FROM import.periods_data WHERE row_id IN (1, 3, 15, 19, 29) ORDER BY row_id;

-- Other formats, when declared.
UPDATE import.definition SET date_formats = '{DD.MM.YYYY,DD/MM/YYYY}', decimal_mark = ',', thousands = '.', true_words = '{ja}', false_words = '{nei}' WHERE slug = 'legal_unit_source_dates';
INSERT INTO register.stat_definition (code, type, frequency, name) VALUES ('exports', 'bool', 'yearly', 'Exports'), ('remark', 'string', 'yearly', 'Remark');
CALL run_job('formats', 'legal_unit_source_dates', NULL, E'tax_ident,name,valid_from,valid_to,employees,turnover,exports,remark
f1,Formats,31.12.2020,infinity,1.234,\x311.234,ja,text'||'
f2,Slash,31/12/2020,infinity,,,nei,
f3,ISO,2020-12-31,infinity,,,,
f4,Word,31.12.2020,infinity,1.23.4,12.5,yes,');
SELECT line, "column", code, severity, value FROM said WHERE slug = 'formats' ORDER BY line, "column", code;
SELECT row_id, valid_from, employees, turnover, exports, remark FROM import.formats_data ORDER BY row_id;
UPDATE import.definition SET date_formats = '{YYYY-MM-DD}', decimal_mark = '.', thousands = '', true_words = '{true,t,yes,y,1}', false_words = '{false,f,no,n,0}' WHERE slug = 'legal_unit_source_dates';

-- Codes, numbers, texts and places.
CALL run_job('cells', 'legal_unit_job_provided', NULL, format(E'tax_ident,name,physical_address_part1,physical_postplace,physical_latitude,physical_longitude,physical_altitude,physical_region_code,physical_country_iso_2,postal_address_part2,postal_country_iso_2,postal_region_code,email_address,phone_number,primary_activity_category_code,secondary_activity_category_code,sector_code,unit_size_code,status_code,data_source_code,legal_form_code,tag_path,employees,turnover,exports
c1,Good | with bar,Street 1,Oslo,59.91,10.75,12.5,03,NO,,,,a@b.no,+47 22,01.11,,,,active,nlr,,census,10,1000.5,true
c2,Good code with label,,,,,,03 | Oslo,,,,,,,01.11 | Wheat,,,,active | Active,,,,,,
c3,,,,,,,,,,,,,,,,,,,,,,,,
c4,%s,,,,,,,,,,,,,,,,,,,,,,,
c5,Unknown codes,,,,,,99,,,,98,,,99.99,1.11,77,zz,zz,zz,zz,,,,
c6,Lost zero,Street,,,,,3,,,,,,,1.11,,,old,passive,,,,,,
c7,Country,Street,,,,,,NOR,,XX,,,,,,,,,,,,,,
c8,Foreign region,Street,,,,,03,SE,,,,,,,,,,,,,,,,
c9,No region,Street,,,,,,,,,,,,,,,,,,,,,,
c10,Postplace only,,Sandnes,,,,03,,,,,,,,,,,,,,,,,
c11,Part 2 only,,,,,,,,Box 1,,,,,,,,,,,,,,,
c12,Latitude alone,,,59.91,,,,,,,,,,,,,,,,,,,,
c13,Altitude alone,,,,,100,,,,,,,,,,,,,,,,,,
c14,Range,,,95,200,-1,,,,,,,,,,,,,,,,,,
c15,UTM,,,6647000,600000,,,,,,,,,,,,,,,,,,,
c16,Precision,,,59.12345678,10.75,,03,,,,,,,,,,,,,,,,,
c17,Comma,,,5x9,10.75,,,,,,,,,,,,,,,,,,,
c18,Mail,,,,,,,,,,,post@,,,,,,,,,,,,
c19,Mail long,,,,,,,,,,,%s@example.com,,,,,,,,,,,,
c20,Same activity,,,,,,,,,,,,,01.11,01.11,,,,,,,,,
c21,Coarse,,,,,,,,,,,,,01.1,,,,,,,,,,
c22,Tags,,,,,,,,,,,,,,,,,,,,nothing,,,
c23,Tag closed,,,,,,,,,,,,,,,,,,,,closed,,,
c24,Negative,,,,,,,,,,,,,,,,,,,,,-3,,
c25,Decimal zero,,,,,,,,,,,,,,,,,,,,,12.0,,
c26,Fraction,,,,,,,,,,,,,,,,,,,,,12.5,,
c27,Scientific,,,,,,,,,,,,,,,,,,,,,1e3,1E400,
c28,Not numbers,,,,,,,,,,,,,,,,,,,,,ca 10,Infinity,maybe
c29,Too big,,,,,,,,,,,,,,,,,,,,,2147483648,,
c30,Nothing,,,,,,,,,,,,,,,,,,,,,n/a,NaN,
c31,=HYPERLINK(),@cmd,,,,,03,,,,,,,,,,,,,,,,,
c32,BL\u00c3\u0085B,,,,,,,,,,,,,,,,,,,,,,,
c33,Line 1\u0007Line 2,Gamle 1/nBy,,,,,03,,,,,,,,,,,,,,,,,
c34,A\u030Angstrom,,,,,,,,,,,,,,,,,,,,,,,
c35,Underscore,,,,,,,,,,,,,,,,,,,,,1_000,0x1F,
c36,Hundred zeros,,,,,,,,,,,,,,,,,,,,,,0.%s1,', repeat('n', 257), repeat('m', 50), repeat('0', 400)), '2020-01-01', 'infinity');
SELECT line, "column", code, severity, left(value, 20) AS value, details FROM said WHERE slug = 'cells' ORDER BY line, "column", code;
SELECT * FROM outcome WHERE slug = 'cells';
SELECT d.name, l.address_part1, l.address_part2, l.postplace, r.code AS region, c.iso_2 AS country, l.latitude, l.longitude, l.altitude
FROM register.location AS l JOIN register.legal_unit AS d ON d.id = l.legal_unit_id JOIN register.country AS c ON c.id = l.country_id LEFT JOIN register.region AS r ON r.id = l.region_id
ORDER BY d.id, l.type;
SELECT name, length(name) FROM register.legal_unit WHERE name LIKE '%ngstrom' OR name LIKE 'Line%' OR name LIKE '% | %' ORDER BY name;

-- Cut instead of refused.
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, truncate_overlong) SELECT 'cut', id, '2020-01-01', 'infinity', true FROM import.definition WHERE slug = 'legal_unit_job_provided';
INSERT INTO import.cut_upload (tax_ident, name) VALUES ('t1', repeat('x', 300)), (repeat('9', 51), 'Identifiers are never cut');
CALL worker.process_tasks();
SELECT line, "column", code, severity, length(value), details FROM said WHERE slug = 'cut' ORDER BY line, "column", code;
SELECT state, review FROM import.job WHERE slug = 'cut';
UPDATE import.job SET state = 'approved' WHERE slug = 'cut';
CALL worker.process_tasks();
SELECT * FROM outcome WHERE slug = 'cut';
SELECT length(name) FROM register.legal_unit WHERE name LIKE 'xxx%';

-- Identifiers.
INSERT INTO register.external_ident_type (code, name, shape, labels, priority) VALUES ('census_ident', 'Census', 'hierarchical', 'region.unit', 20);
CALL run_job('known', 'legal_unit_job_provided', NULL, E'tax_ident,stat_ident,name,census_ident_region,census_ident_unit
k1,s1,Known 1,r,1
k2,s2,Known 2,,', '2020-01-01', 'infinity');
CALL run_job('shop', 'establishment_for_lu_job_provided', NULL, E'tax_ident,name,legal_unit_tax_ident
e1,Shop 1,k1', '2020-01-01', 'infinity');
CALL run_job('idents', 'legal_unit_job_provided', NULL, E'tax_ident,stat_ident,name,census_ident_region,census_ident_unit
i1,,New good,,
,,No identifier,,
,,,,
k1,s2,Two units,,
e1,,Of a shop,,
k1,s3,Changed,,
k2,,Known 2 renamed,r,2
9.1E+08,,Excel,,
i2,,Half,r,
i3,,Character,r,a-b
i4,t1,Two of a type,,
i4,t2,Two of a type,,
i5,,Twice,,
i5,,Twice,,
i6,,Differs,,
i6,,Differs too,,
\u00a0i7\u00a0,,Spaces,,', '2020-01-01', 'infinity');
SELECT line, "column", code, severity, value, details FROM said WHERE slug = 'idents' ORDER BY line, "column", code;
SELECT * FROM outcome WHERE slug = 'idents';
SELECT t.code, coalesce(e.ident, e.idents::text) AS ident, l.name FROM register.external_ident AS e JOIN register.external_ident_type AS t ON t.id = e.type_id JOIN register.legal_unit AS l ON l.id = e.legal_unit_id
WHERE e.import_job_id = (SELECT id FROM import.job WHERE slug = 'idents') ORDER BY 1, 2;

-- Legal units of establishments.
CALL run_job('short', 'legal_unit_job_provided', NULL, E'tax_ident,name
k3,Short life', '2020-01-01', '2021-12-31');
CALL run_job('links', 'establishment_for_lu_job_provided', NULL, E'tax_ident,name,legal_unit_tax_ident,legal_unit_stat_ident,sector_code
l1,Good,k1,s1,
l2,Alone,,,
l3,Missing,k9,,
l4,Two,k1,s2,
l5,Too long,k3,,
l6,Shop as legal unit,e1,,
k1,Legal unit as shop,k2,,
e1,Known without link,,,11', '2020-01-01', 'infinity');
SELECT line, "column", code, severity, value, details FROM said WHERE slug = 'links' ORDER BY line, "column", code;
SELECT * FROM outcome WHERE slug = 'links';

-- What strategies refuse.
CALL run_job('only_new', 'legal_unit_job_provided', 'insert_only', E'tax_ident,name
k1,Exists
n1,New', '2020-01-01', 'infinity');
CALL run_job('only_known', 'legal_unit_job_provided', 'update_only', E'tax_ident,name
k1,Exists
n2,New
k3,Known then only', '2023-01-01', 'infinity');
CALL run_job('replaced', 'legal_unit_job_provided', 'insert_or_replace', E'tax_ident,name
k1,', '2020-01-01', 'infinity');
CALL run_job('patched', 'legal_unit_job_provided', 'insert_or_update', E'tax_ident,name,employees
k1,,7
k3,,8', '2020-01-01', 'infinity');
SELECT slug, line, "column", code, severity, value, details FROM said WHERE slug IN ('only_new', 'only_known', 'replaced', 'patched') ORDER BY slug, line, "column", code;
SELECT * FROM outcome WHERE slug IN ('only_new', 'only_known', 'replaced', 'patched') ORDER BY slug;

-- Relationships.
CALL run_job('relations', 'legal_relationship_source_dates', NULL, E'influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage,valid_from,valid_to
k1,k2,ownership,40,2020-01-01,infinity
k2,k2,ownership,40,2020-01-01,infinity
k1,k9,ownership,40,2020-01-01,infinity
k1,k3,ownership,40,2020-01-01,2021-12-31
k2,k3,ownership,40,2020-01-01,2022-12-31
k1,,ownership,40,2020-01-01,infinity
k1,i1,,40,2020-01-01,infinity
k1,i7,nonsense,40,2020-01-01,infinity
k1,i1,ownership,150,2020-01-01,infinity
k2,i1,ownership,-5,2020-01-01,infinity
i1,e1,ownership,5,2020-01-01,infinity
k1,i7,control,60,2020-01-01,2020-12-31
k2,i7,control,60,2020-06-01,2021-12-31
k1,n1,control,60,2020-01-01,2020-12-31
k2,n1,control,60,2021-01-01,2021-12-31');
SELECT line, "column", code, severity, value, details FROM said WHERE slug = 'relations' ORDER BY line, "column", code;
CALL run_job('relations2', 'legal_relationship_source_dates', NULL, E'influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage,valid_from,valid_to
i7,n1,control,0.6,2020-06-01,2021-12-31
i7,n1,ownership,0.5,2020-06-01,2021-12-31');
SELECT line, "column", code, severity, value FROM said WHERE slug = 'relations2' ORDER BY line, "column", code;
SELECT * FROM outcome WHERE slug LIKE 'relations%' ORDER BY slug;

-- A constraint that nobody foresaw: the row is found, the others go in.
ALTER TABLE register.legal_unit ADD CONSTRAINT legal_unit_no_thirteen CHECK (name <> 'Thirteen');
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review) SELECT 'unforeseen', id, '2020-01-01', 'infinity', false FROM import.definition WHERE slug = 'legal_unit_job_provided';
INSERT INTO import.unforeseen_upload (tax_ident, name) SELECT 'u' || n, CASE n WHEN 13 THEN 'Thirteen' ELSE 'Unit ' || n END FROM generate_series(1, 40) AS n;
CALL worker.process_tasks();
SELECT line, "column", code, severity, details ->> 'name' AS name FROM said WHERE slug = 'unforeseen';
SELECT * FROM outcome WHERE slug = 'unforeseen';
SELECT row_id, state, action, errors FROM import.unforeseen_data WHERE row_id IN (12, 13, 14) ORDER BY row_id;

-- So too among the rows of one new unit: its other periods are one unit all the same.
CALL run_job('unforeseen2', 'legal_unit_source_dates', NULL, E'tax_ident,name,valid_from,valid_to
v1,First,2020-01-01,2020-12-31
v1,Thirteen,2021-01-01,2021-12-31
v1,Third,2022-01-01,infinity
v2,Other,2020-01-01,infinity');
SELECT line, "column", code, severity, details ->> 'name' AS name FROM said WHERE slug = 'unforeseen2';
SELECT * FROM outcome WHERE slug = 'unforeseen2';
SELECT count(DISTINCT id) AS units, count(DISTINCT enterprise_id) AS enterprises, count(*) AS slices FROM register.legal_unit
WHERE import_job_id = (SELECT id FROM import.job WHERE slug = 'unforeseen2') AND name <> 'Other';

-- A user without the right to write units: a finding on each row, nothing written.
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES ('regress restricted', 'regress_import_restricted@statbus.test', 'restricted_user'),
    ('regress regular', 'regress_import_regular@statbus.test', 'regular_user');
SELECT auth.sync_roles() >= 0 AS synchronised;
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review, user_id)
SELECT 'forbidden', d.id, '2020-01-01', 'infinity', false, u.id
FROM import.definition AS d, auth."user" AS u WHERE d.slug = 'legal_unit_job_provided' AND u.display_name = 'regress restricted';
INSERT INTO import.forbidden_upload (tax_ident, name) VALUES ('w1', 'One'), ('w2', 'Two');
CALL worker.process_tasks();
SELECT line, "column", code, severity, details FROM said WHERE slug = 'forbidden' ORDER BY line;
SELECT * FROM outcome WHERE slug = 'forbidden';
-- A user who may: everything is written in his name.
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review, user_id)
SELECT 'allowed', d.id, '2022-01-01', '2022-12-31', false, u.id
FROM import.definition AS d, auth."user" AS u WHERE d.slug = 'legal_unit_job_provided' AND u.display_name = 'regress regular';
INSERT INTO import.allowed_upload (tax_ident, name, employees, physical_region_code, physical_postplace, email_address, primary_activity_category_code, tag_path)
VALUES ('w1', 'One', '1', '03', 'Oslo', 'a@b.no', '01.11', 'census'), ('w2', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CALL worker.process_tasks();
SELECT line, "column", code, severity, details FROM said WHERE slug = 'allowed' ORDER BY line;
SELECT * FROM outcome WHERE slug = 'allowed';
SELECT l.valid_from, l.valid_to, l.name, u.display_name FROM register.legal_unit AS l JOIN auth."user" AS u ON u.id = l.edit_by_user_id WHERE l.name = 'One';

-- Identifiers that look the same are the same: composed and decomposed, full width, without width; also of legal units and relationships.
-- A statistic that is text is a text like others.
INSERT INTO register.stat_definition (code, type, frequency, name, priority) VALUES ('motto', 'string', 'yearly', 'Motto', 10);
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review) SELECT 'alike', id, '2020-01-01', 'infinity', false FROM import.definition WHERE slug = 'legal_unit_job_provided';
INSERT INTO import.alike_upload (tax_ident, name, motto) VALUES
    (E'\u00c51', 'Composed', E'two\nlines'), (E'A\u030A1', 'Composed', E'two\nlines'), (E'y\uff11\uff12', 'Full width', E'A\u030A'), (E'y\u200b3', 'Without width', NULL);
CALL worker.process_tasks();
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review) SELECT 'alike2', id, '2020-01-01', 'infinity', false FROM import.definition WHERE slug = 'legal_relationship_job_provided';
INSERT INTO import.alike2_upload (influencing_tax_ident, influenced_tax_ident, rel_type_code, percentage) VALUES (E'A\u030A1', E'y12\ufeff', 'control', '60');
CALL worker.process_tasks();
SELECT * FROM outcome WHERE slug LIKE 'alike%' ORDER BY slug;
SELECT slug, line, "column", code, severity FROM said WHERE slug LIKE 'alike%' AND code <> 'region_missing' ORDER BY 1, 2, 3, 4;
SELECT e.ident, length(e.ident), l.name, s.value_string, length(s.value_string) FROM register.legal_unit AS l JOIN register.external_ident AS e ON e.legal_unit_id = l.id
LEFT JOIN register.stat_for_unit AS s ON s.legal_unit_id = l.id WHERE l.name IN ('Composed', 'Full width', 'Without width') ORDER BY l.name;

-- Conservation, over all jobs.
SELECT slug FROM import.job WHERE total_rows <> imported_rows + unchanged_rows + skipped_rows + error_count OR state <> 'finished' ORDER BY slug;
\c contrib_regression
DROP DATABASE regress_import_findings;
DROP ROLE "regress_import_restricted@statbus.test", "regress_import_regular@statbus.test";

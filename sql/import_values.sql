-- Codes at the period of their row, values, and what is suggested: inputs 89 to 130 of the list of bad inputs, each with the finding
-- that a steward gets: code, column, value, line.
CREATE DATABASE regress_import_values TEMPLATE contrib_regression;
\c regress_import_values
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql
SET statbus."current_date" = '2025-06-15';
SET client_min_messages = warning;
-- Regions of three editions.
INSERT INTO register.region_version (code, name, lasts_to) VALUES ('2018', 'Until 2019', '2019-12-31'), ('2020', 'Until 2023', '2023-12-31');
INSERT INTO register.region (version_id, path, name, successor_code)
SELECT v.id, r.path::ltree, r.name, r.successor
FROM register.region_version AS v
JOIN (VALUES ('2018', '02', 'Akershus', '30'), ('2018', '02.19', 'Bærum', '3024'), ('2018', '03', 'Oslo', NULL), ('2018', '03.01', 'Oslo', NULL),
             ('2020', '30', 'Viken', '32'), ('2020', '30.24', 'Bærum', '3201'), ('2020', '03', 'Oslo', NULL), ('2020', '03.01', 'Oslo', NULL),
             ('initial', '32', 'Akershus', NULL), ('initial', '32.01', 'Bærum', NULL), ('initial', '03', 'Oslo', NULL), ('initial', '03.01', 'Oslo', NULL)) AS r (edition, path, name, successor) ON r.edition = v.code
ORDER BY v.id, r.path;
-- Codes that are no longer in force, or disabled, or of ours.
UPDATE register.activity_category SET valid_until = '2025-01-01', successor_code = '01.12' WHERE code = '01.11';
UPDATE register.activity_category SET enabled = false WHERE code = '01.16';
UPDATE register.legal_form SET valid_from = '2024-01-01' WHERE code = 'PLC' AND enabled;
INSERT INTO register.unit_size (code, name, enabled) VALUES ('old', 'No longer used', false);
INSERT INTO register.tag (path, name) VALUES ('census', 'Census'), ('census.y2024', 'Of 2024');
INSERT INTO register.stat_definition (code, type, frequency, name) VALUES ('exports', 'bool', 'yearly', 'Exports');

-- Rows are given by the cells that matter; the heading is all columns that the rows name.
CREATE TABLE public.given (input text, job text, line bigint);
CREATE PROCEDURE public.run_job(job_slug text, definition text, rows jsonb, changes jsonb DEFAULT '{}')
LANGUAGE plpgsql AS $run_job$
DECLARE
    before import.definition;
BEGIN
    SELECT d.* INTO STRICT before FROM import.definition AS d WHERE d.slug = definition;
    UPDATE import.definition AS d SET date_formats = n.date_formats, decimal_mark = n.decimal_mark, thousands = n.thousands, true_words = n.true_words, false_words = n.false_words
    FROM jsonb_populate_record(before, changes) AS n WHERE d.id = before.id;
    INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review, truncate_overlong)
    SELECT job_slug, d.id, CASE WHEN d.valid_time_from = 'job_provided' THEN DATE '2024-01-01' END, CASE WHEN d.valid_time_from = 'job_provided' THEN DATE 'infinity' END, false, false
    FROM import.definition AS d WHERE d.id = before.id;
    UPDATE import.definition AS d SET date_formats = before.date_formats, decimal_mark = before.decimal_mark, thousands = before.thousands, true_words = before.true_words, false_words = before.false_words WHERE d.id = before.id;
    EXECUTE format($sql$
        INSERT INTO api.%1$I
        SELECT f.* FROM jsonb_array_elements($1) WITH ORDINALITY AS r (cells, place)
        CROSS JOIN LATERAL jsonb_populate_record(NULL::api.%1$I, '{"name": "Some unit"}' || jsonb_build_object('tax_ident', $2 || r.place) || (r.cells - 'i')) AS f ORDER BY r.place$sql$, job_slug || '_upload') USING rows, job_slug;
    INSERT INTO given (input, job, line) SELECT r.cells ->> 'i', job_slug, r.place + 1 FROM jsonb_array_elements(rows) WITH ORDINALITY AS r (cells, place) WHERE r.cells ? 'i';
    COMMIT;
    CALL worker.process_tasks();
END
$run_job$;
CREATE VIEW public.said AS
SELECT g.input, j.slug AS job, f.source_line AS line, f.column_name AS "column", f.code, f.severity, f.value, f.details
FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id LEFT JOIN given AS g ON g.job = j.slug AND g.line = f.source_line;

-- Codes. The file's own periods: v2015 is a year under the oldest edition.
CALL run_job('codes', 'legal_unit_source_dates', $$[
    {"i": "i89", "valid_from": "2025-01-01", "valid_to": "infinity", "primary_activity_category_code": "1.12"},
    {"i": "i90", "valid_from": "2025-01-01", "valid_to": "infinity", "primary_activity_category_code": "01.1"},
    {"i": "i90", "valid_from": "2025-01-01", "valid_to": "infinity", "primary_activity_category_code": "62"},
    {"i": "i91", "valid_from": "2025-01-01", "valid_to": "infinity", "primary_activity_category_code": "01.11"},
    {"i": "i91 partly", "valid_from": "2024-01-01", "valid_to": "infinity", "primary_activity_category_code": "01.11"},
    {"i": "i91 then", "valid_from": "2024-01-01", "valid_to": "2024-12-31", "primary_activity_category_code": "01.11", "legal_form_code": "PLC"},
    {"i": "i91 not yet", "valid_from": "2023-01-01", "valid_to": "2023-12-31", "legal_form_code": "PLC"},
    {"i": "i92", "valid_from": "2025-01-01", "valid_to": "infinity", "primary_activity_category_code": "01.16"},
    {"i": "i92", "valid_from": "2025-01-01", "valid_to": "infinity", "unit_size_code": "old"},
    {"i": "i94", "valid_from": "2025-01-01", "valid_to": "infinity", "physical_region_code": "301"},
    {"i": "i95", "valid_from": "2025-01-01", "valid_to": "infinity", "physical_region_code": "0219"},
    {"i": "i95", "valid_from": "2021-01-01", "valid_to": "2022-12-31", "physical_region_code": "0219"},
    {"i": "i95 partly", "valid_from": "2018-01-01", "valid_to": "infinity", "physical_region_code": "3201"},
    {"i": "i95 then", "valid_from": "2018-01-01", "valid_to": "2018-12-31", "physical_region_code": "0219", "postal_region_code": "0301"},
    {"i": "i95 in all", "valid_from": "2018-01-01", "valid_to": "infinity", "physical_region_code": "0301"},
    {"i": "i96", "valid_from": "2025-01-01", "valid_to": "infinity", "physical_region_code": "0301", "physical_country_iso_2": "SE"},
    {"i": "i97", "valid_from": "2025-01-01", "valid_to": "infinity", "physical_country_iso_2": "Norge", "physical_postplace": "Oslo"},
    {"i": "i97", "valid_from": "2025-01-01", "valid_to": "infinity", "physical_country_iso_2": "NOR", "physical_postplace": "Oslo"},
    {"i": "i97", "valid_from": "2025-01-01", "valid_to": "infinity", "physical_country_iso_2": "UK", "physical_postplace": "London"},
    {"i": "i98", "valid_from": "2025-01-01", "valid_to": "infinity", "physical_country_iso_2": "NO", "physical_region_code": "0301"},
    {"i": "i123", "valid_from": "2025-01-01", "valid_to": "infinity", "physical_region_code": "'0301", "employees": "'12"},
    {"i": "i127", "valid_from": "2025-01-01", "valid_to": "infinity", "primary_activity_category_code": "01.12", "secondary_activity_category_code": "01.12"},
    {"i": "i128", "valid_from": "2025-01-01", "valid_to": "infinity", "tag_path": "censsus"},
    {"i": "i128", "valid_from": "2025-01-01", "valid_to": "infinity", "tag_path": "census.y2024.deep.er"},
    {"i": "i128", "valid_from": "2025-01-01", "valid_to": "infinity", "tag_path": "cen sus!"}]$$);
SELECT input, line, "column", code, severity, value, details FROM said WHERE job = 'codes' ORDER BY line, "column", code;
-- What was taken: the region of the edition of the time, and none that is not in force.
SELECT g.input, d.valid_from, v.code AS edition, r.code AS region, a.code AS activity, f.code AS legal_form
FROM import.codes_data AS d JOIN given AS g ON g.job = 'codes' AND g.line = d.source_line
LEFT JOIN register.region AS r ON r.id = d.physical_region_id LEFT JOIN register.region_version AS v ON v.id = r.version_id
LEFT JOIN register.activity_category AS a ON a.id = d.primary_activity_category_id LEFT JOIN register.legal_form AS f ON f.id = d.legal_form_id
WHERE g.input ~ '^i9[15]|i123' ORDER BY d.row_id;
SELECT r.code, v.code AS edition, u.name, l.valid_from, l.valid_to FROM register.location AS l JOIN register.region AS r ON r.id = l.region_id JOIN register.region_version AS v ON v.id = l.region_version_id
JOIN register.legal_unit AS u ON u.id = l.legal_unit_id WHERE v.code <> 'initial' ORDER BY l.id;

-- Places.
CALL run_job('places', 'legal_unit_job_provided', $$[
    {"i": "i99", "physical_region_code": "0301", "physical_postcode": "125", "physical_postplace": "OSLO"},
    {"i": "i99", "physical_region_code": "0301", "physical_postcode": "0125 OSLO"},
    {"i": "i99", "postal_postcode": "FINSTADJORDET", "postal_postplace": "1475"},
    {"i": "i99", "postal_postcode": "OSLO", "postal_postplace": "0125"},
    {"i": "i99 abroad", "postal_postcode": "SW1A 1AA", "postal_postplace": "London", "postal_country_iso_2": "GB"},
    {"i": "i99 abroad", "postal_postcode": "0125", "postal_postplace": "London", "postal_country_iso_2": "GB"},
    {"i": "i100", "physical_region_code": "0301", "physical_latitude": "95", "physical_longitude": "200"},
    {"i": "i101", "physical_region_code": "0301", "physical_latitude": "10.75", "physical_longitude": "59.91"},
    {"i": "i101 good", "physical_region_code": "0301", "physical_latitude": "59.91", "physical_longitude": "10.75"},
    {"i": "i102", "physical_region_code": "0301", "physical_latitude": "59.91"},
    {"i": "i103", "physical_region_code": "0301", "physical_latitude": "59,91", "physical_longitude": "10,75"},
    {"i": "i104", "physical_region_code": "0301", "physical_latitude": "59.1234567", "physical_longitude": "10.75"},
    {"i": "i105", "physical_region_code": "0301", "physical_latitude": "6647000", "physical_longitude": "600000"}]$$);
SELECT input, line, "column", code, severity, value, details FROM said WHERE job = 'places' ORDER BY line NULLS FIRST, "column", code;
CALL run_job('commas', 'legal_unit_job_provided', $$[
    {"i": "i103 declared", "physical_region_code": "0301", "physical_latitude": "59,91", "physical_longitude": "10,75"},
    {"i": "i109 declared", "turnover": "1 234 567,89"}, {"i": "i109 declared", "turnover": "1\u00a0234\u202f567,89"},
    {"i": "i109 other", "turnover": "1.234,56"}, {"i": "i109 other", "turnover": "1,234.56"}, {"i": "i109 grouping", "turnover": "1 23 4"}]$$, '{"decimal_mark": ",", "thousands": " "}');
SELECT input, line, "column", code, severity, value, details FROM said WHERE job = 'commas' ORDER BY line, "column", code;
SELECT d.source_line, d.physical_latitude, d.physical_longitude, d.turnover FROM import.commas_data AS d WHERE d.state <> 'error' ORDER BY d.row_id;

-- Numbers.
CALL run_job('numbers', 'legal_unit_job_provided', $$[
    {"i": "i106", "employees": "-3"}, {"i": "i107", "employees": "12.0"}, {"i": "i107", "employees": "12,5"}, {"i": "i107", "employees": "1e3"}, {"i": "i107 empty", "employees": "n/a"},
    {"i": "i107", "employees": "ca 10"}, {"i": "i107", "employees": "10-19"}, {"i": "i108", "employees": "2147483648"},
    {"i": "i109", "turnover": "1 234 567,89"}, {"i": "i109", "turnover": "1.234,56"}, {"i": "i109", "turnover": "1,234.56"}, {"i": "i109", "turnover": "1\u00a0234"}, {"i": "i109", "turnover": "1.23.4"},
    {"i": "i110", "turnover": "NaN"}, {"i": "i110", "turnover": "Infinity"}, {"i": "i110", "turnover": "1e400"},
    {"i": "i111", "turnover": "5%"}, {"i": "i111", "turnover": "kr 500"}, {"i": "i112", "employees": "1_000"}, {"i": "i112", "employees": "0x1F"},
    {"i": "i125", "exports": "ja"}, {"i": "i125", "exports": "J"}, {"i": "i125", "exports": "sant"}, {"i": "i125", "exports": "tr"}, {"i": "i125", "exports": "of"}, {"i": "i125 good", "exports": "TRUE"}]$$);
SELECT input, line, "column", code, severity, value, details FROM said WHERE job = 'numbers' ORDER BY line, "column", code;
CALL run_job('words', 'legal_unit_job_provided', '[{"i": "i125 declared", "exports": "JA"}, {"i": "i125 declared", "exports": "sant"}, {"i": "i125 declared", "exports": "usant"}]', '{"true_words": ["ja", "j", "sant"], "false_words": ["nei", "usant"]}');
SELECT d.source_line, d.exports, d.state FROM import.words_data AS d ORDER BY d.row_id;

-- Texts.
CALL run_job('texts', 'legal_unit_job_provided', $$[
    {"i": "i114", "name": ""}, {"i": "i114", "name": "   "}, {"i": "i116", "name": "FOO | BAR AS", "unit_size_code": "sml | Small"},
    {"i": "i117", "name": "NULL"}, {"i": "i117", "name": "N/A"}, {"i": "i117 text", "name": "-"}, {"i": "i117 named", "name": "NULL AS"}, {"i": "i117 empty", "employees": "NULL"}, {"i": "i118", "name": "Quoted", "web_address": ""},
    {"i": "i119", "name": "=HYPERLINK(\"x\")", "phone_number": "+4712345678", "physical_region_code": "0301", "physical_address_part1": "@cmd"},
    {"i": "i120", "email_address": "post@", "phone_number": "47 22 \u2026", "web_address": "www.x"}, {"i": "i120 good", "email_address": "post@a.no", "phone_number": "47 22 33 44", "web_address": "www.a.no"},
    {"i": "i121", "name": "BL\u00c3\u2026B\u00c3\u2020R"}, {"i": "i122", "name": "A\u030angstrom"},
    {"i": "i124", "physical_region_code": "0301", "physical_address_part1": "Gamleveien 120/nBygning 2"}]$$);
SELECT input, line, "column", code, severity, left(value, 30) AS value, details FROM said WHERE job = 'texts' ORDER BY line, "column", code;
SELECT d.source_line, d.name, d.name = normalize(d.name, NFC) AS composed, d.state, d.employees, d.web_address, d.phone_number FROM import.texts_data AS d ORDER BY d.row_id;
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review) SELECT 'long', id, '2024-01-01', 'infinity', false FROM import.definition WHERE slug = 'legal_unit_job_provided';
INSERT INTO import.long_upload (tax_ident, name) SELECT 'long' || n, repeat('å', 255 + n) FROM generate_series(1, 2) AS n;
CALL worker.process_tasks();
SELECT 'i115' AS input, line, "column", code, severity, length(value), details FROM said WHERE job = 'long';

-- Numbers against the period before: of the register, and of the file.
CALL run_job('before', 'legal_unit_source_dates', $$[
    {"tax_ident": "b1", "valid_from": "2020-01-01", "valid_to": "2020-12-31", "employees": "100", "turnover": "5000.5"},
    {"tax_ident": "b2", "valid_from": "2020-01-01", "valid_to": "2020-12-31", "employees": "2"},
    {"tax_ident": "b3", "valid_from": "2019-01-01", "valid_to": "2019-12-31", "employees": "900000"},
    {"tax_ident": "b3", "valid_from": "2020-01-01", "valid_to": "2020-12-31", "employees": "100"},
    {"i": "i108 file", "tax_ident": "b3", "valid_from": "2021-01-01", "valid_to": "infinity", "employees": "9", "turnover": "7"}]$$);
CALL run_job('after', 'legal_unit_source_dates', $$[
    {"i": "i108", "tax_ident": "b1", "valid_from": "2021-01-01", "valid_to": "2021-12-31", "employees": "900000", "turnover": "500.04"},
    {"i": "i108 as much", "tax_ident": "b1", "valid_from": "2022-01-01", "valid_to": "2022-12-31", "employees": "100000", "turnover": "5000"},
    {"i": "i108 few", "tax_ident": "b2", "valid_from": "2021-01-01", "valid_to": "2021-12-31", "employees": "99"},
    {"i": "i108 same time", "tax_ident": "b2", "valid_from": "2020-01-01", "valid_to": "2020-12-31", "employees": "5000"}]$$);
SELECT input, line, "column", code, severity, value, details FROM said WHERE job IN ('before', 'after') ORDER BY job, line, "column", code;
SELECT d.source_line, d.state, d.warnings FROM import.after_data AS d ORDER BY d.row_id;

-- What all rows of a file tell: another standard, words in a column of numbers, no status anywhere.
SELECT jsonb_agg(jsonb_build_object('primary_activity_category_code', c.code)) AS rows FROM (SELECT c.code FROM register.activity_category AS c JOIN register.activity_category_standard AS s ON s.id = c.standard_id WHERE s.code = 'isic_v4' AND c.level = 4 ORDER BY c.code LIMIT 20) AS c \gset
CALL run_job('standard', 'legal_unit_job_provided', :'rows');
SELECT 'i93' AS input, line, "column", code, severity, value, details FROM said WHERE job = 'standard' AND line IS NULL;
SELECT jsonb_agg(jsonb_build_object('employees', 'Street ' || chr(64 + n))) AS rows FROM generate_series(1, 12) AS n \gset
CALL run_job('shifted', 'legal_unit_job_provided', :'rows');
SELECT 'i113' AS input, line, "column", code, severity, value, details FROM said WHERE job = 'shifted' AND line IS NULL;
SELECT 'i99' AS input, line, "column", code, severity, value, details FROM said WHERE job = 'places' AND line IS NULL;
UPDATE register.status SET assigned_by_default = false;
CALL run_job('no_status', 'legal_unit_job_provided', '[{"i": "i126"}, {"i": "i126"}, {"i": "i126 good", "status_code": "active"}]');
SELECT input, line, "column", code, severity, value, details FROM said WHERE job = 'no_status' ORDER BY line NULLS FIRST;
UPDATE register.status SET assigned_by_default = true WHERE code = 'active' AND enabled;
-- Every row has the same error: one line in the summary says so.
SELECT jsonb_agg(jsonb_build_object('employees', 'many')) AS rows FROM generate_series(1, 500) AS n \gset
CALL run_job('same', 'legal_unit_job_provided', :'rows');
SELECT 'i129' AS input, code, "column", count(*), min(line), max(line), count(DISTINCT value) FROM said WHERE job = 'same' AND line IS NOT NULL GROUP BY 2, 3;

-- A constraint that nobody foresaw: the row is found and named, the others go in.
ALTER TABLE register.legal_unit ADD CONSTRAINT legal_unit_no_thirteen CHECK (name <> 'Thirteen');
SELECT jsonb_agg(jsonb_build_object('name', CASE n WHEN 13 THEN 'Thirteen' ELSE 'Unit ' || n END)) AS rows FROM generate_series(1, 300) AS n \gset
CALL run_job('unforeseen', 'legal_unit_job_provided', :'rows');
SELECT 'i130' AS input, line, "column", code, severity, details ->> 'name' AS constraint_name FROM said WHERE job = 'unforeseen';

-- Rows add up, and no text of a server's error is in any finding.
SELECT j.slug, j.state, j.total_rows AS total, j.imported_rows AS imported, j.unchanged_rows AS unchanged, j.skipped_rows AS skipped, j.error_count AS errors, j.warning_count AS warnings,
       j.total_rows = j.imported_rows + j.unchanged_rows + j.skipped_rows + j.error_count AS adds_up
FROM import.job AS j ORDER BY j.id;
-- Every finding is in the catalogue, and none of the inputs is missing.
SELECT DISTINCT s.code FROM said AS s LEFT JOIN import.finding_code AS c ON c.code = s.code WHERE c.code IS NULL;
SELECT string_agg('i' || n, ' ' ORDER BY n) AS absent FROM generate_series(89, 130) AS n
WHERE NOT EXISTS (SELECT FROM given AS g WHERE g.input ~ ('^i' || n || '( |$)')) AND n NOT IN (93, 113, 115, 129, 130);
\c contrib_regression
DROP DATABASE regress_import_values;

-- Public files as they are: the definitions of Brønnøysundregistrene, Sirene, GLEIF and Companies House, each with a file of its
-- headings and its traps (test/import/public), from the bytes of the file to the rows of the register; and what they are made
-- of: words, cuts, columns that stand in for others, ends and starts that are no dates. Names and numbers are made up.
CREATE DATABASE regress_import_public TEMPLATE contrib_regression;
\c regress_import_public
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql
\set files :top '/test/import/public/'
\set oracle :top '/test/import/oracle.sql'
\set stages :top '/test/import/oracle_stages.sql'
\set ECHO none
\i :oracle
\i :stages
\set ECHO all
SET statbus."current_date" = '2025-06-15';
SET datestyle = 'ISO, YMD';
-- Codes of the countries, as their offices would load them.
INSERT INTO register.activity_category_standard (code, name, code_pattern) VALUES ('of_test', 'With dots', 'dot_after_two_digits'), ('sic', 'Without', 'digits');
INSERT INTO register.activity_category (standard_id, path, name) SELECT s.id, '62', 'Software' FROM register.activity_category_standard AS s WHERE s.code IN ('of_test', 'sic');
INSERT INTO register.activity_category (standard_id, parent_id, path, name)
SELECT c.standard_id, c.id, v.path::ltree, 'Programs'
FROM (VALUES ('of_test', '62.01'), ('of_test', '62.010'), ('sic', '62.012'), ('sic', '62.020')) AS v (standard, path)
JOIN register.activity_category_standard AS s ON s.code = v.standard
JOIN register.activity_category AS c ON c.standard_id = s.id AND c.path = '62';
UPDATE register.settings SET activity_category_standard_id = s.id FROM register.activity_category_standard AS s WHERE s.code = 'of_test';
INSERT INTO register.legal_form (code, name) VALUES ('5710', 'SAS'), ('1000', 'Entrepreneur individuel');

CREATE FUNCTION public.send(slug text, definition text, content text, year integer DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $send$
DECLARE
    answer jsonb;
BEGIN
    INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review)
    SELECT send.slug, d.id, make_date(year, 1, 1), CASE WHEN year IS NOT NULL THEN date 'infinity' END, false
    FROM import.definition AS d WHERE d.slug = send.definition;
    answer := import.upload_chunk(slug, 1, true, decode(content, 'base64'), NULL, NULL);
    RETURN concat_ws(' ', CASE WHEN answer ? 'refused' THEN 'refused' ELSE 'complete' END, answer ->> 'rows');
END
$send$;
CREATE VIEW public.outcome AS
SELECT j.slug, j.state, j.total_rows AS total, j.imported_rows AS imported, j.unchanged_rows AS unchanged, j.skipped_rows AS skipped, j.error_count AS errors, j.warning_count AS warnings
FROM import.job AS j ORDER BY j.id;
CREATE FUNCTION public.said(job text) RETURNS TABLE (line bigint, "column" text, code text, severity text, value text, details jsonb) LANGUAGE sql AS $said$
    SELECT f.source_line, f.column_name, f.code, f.severity, f.value, f.details - '{rule,units,legal_unit_id,establishment_id,time,sha256}'::text[]
    FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id WHERE j.slug = job
    ORDER BY f.row_id, f.column_name COLLATE "C", f.code COLLATE "C", f.value COLLATE "C"
$said$;
CREATE VIEW public.unit AS
SELECT u.kind, i.type, i.ident, u.valid_from, u.valid_to, u.name, u.birth_date, u.death_date, st.code AS status, f.code AS form, a.code AS activity, l.place AS address, c.iso_2 AS country, s.employees, h.ident AS legal_unit
FROM (SELECT 'legal unit' AS kind, id, NULL AS es_id, id AS lu_id, NULL::integer AS parent, valid_from, valid_to, name, birth_date, death_date, status_id, legal_form_id FROM register.legal_unit
      UNION ALL SELECT 'establishment', id, id, NULL, legal_unit_id, valid_from, valid_to, name, birth_date, death_date, status_id, NULL FROM register.establishment) AS u
JOIN LATERAL (SELECT t.code AS type, e.ident::text AS ident FROM register.external_ident AS e JOIN register.external_ident_type AS t ON t.id = e.type_id
              WHERE e.legal_unit_id = u.lu_id OR e.establishment_id = u.es_id) AS i ON true
LEFT JOIN register.status AS st ON st.id = u.status_id
LEFT JOIN register.legal_form AS f ON f.id = u.legal_form_id
LEFT JOIN LATERAL (SELECT string_agg(k.code, '+' ORDER BY x.type) AS code FROM register.activity AS x JOIN register.activity_category AS k ON k.id = x.category_id
                   WHERE (x.legal_unit_id = u.lu_id OR x.establishment_id = u.es_id) AND x.valid_from <= u.valid_from AND u.valid_from <= x.valid_to) AS a ON true
LEFT JOIN LATERAL (SELECT concat_ws(', ', x.address_part1, x.address_part2, x.postcode, x.postplace) AS place, x.country_id FROM register.location AS x
                   WHERE (x.legal_unit_id = u.lu_id OR x.establishment_id = u.es_id) AND x.type = 'physical' AND x.valid_from <= u.valid_from AND u.valid_from <= x.valid_to) AS l ON true
LEFT JOIN register.country AS c ON c.id = l.country_id
LEFT JOIN LATERAL (SELECT string_agg(x.value_int::text, ', then ' ORDER BY x.valid_from) AS employees FROM register.stat_for_unit AS x JOIN register.stat_definition AS d ON d.id = x.stat_definition_id
                   WHERE d.code = 'employees' AND (x.legal_unit_id = u.lu_id OR x.establishment_id = u.es_id)) AS s ON true
LEFT JOIN LATERAL (SELECT min(e.ident::text) AS ident FROM register.external_ident AS e WHERE e.legal_unit_id = u.parent) AS h ON true;

-- What can be had --------------------------------------------------------------------------------------------------
SELECT code, name, ident_types, definitions, is_installed FROM api.import_pack ORDER BY code;
SELECT d.slug, d.name, d.mode, d.strategy, d.valid, (SELECT count(*) FROM import.source_column AS h WHERE h.definition_id = d.id) AS headings,
       (SELECT count(*) FROM import.mapping AS m WHERE m.definition_id = d.id AND m.source_column_id IS NOT NULL AND NOT m.is_ignored) AS mapped
FROM import.definition AS d WHERE d.slug LIKE 'brreg\_%' ORDER BY d.slug;
-- The files of a year with the definition for both years and with its own: the targets are the same.
SELECT count(*) AS differ FROM (
    SELECT regexp_replace(d.slug, '_20..$', '') AS slug, h.column_name, m.target_data_column_id
    FROM import.definition AS d JOIN import.source_column AS h ON h.definition_id = d.id JOIN import.mapping AS m ON m.source_column_id = h.id
    WHERE d.slug ~ '^brreg_.*_20..$'
    EXCEPT
    SELECT d.slug, h.column_name, m.target_data_column_id
    FROM import.definition AS d JOIN import.source_column AS h ON h.definition_id = d.id JOIN import.mapping AS m ON m.source_column_id = h.id
    WHERE d.slug IN ('brreg_hovedenhet', 'brreg_underenhet')) AS x;
SELECT api.import_pack_install('no_such_pack');
SELECT api.import_pack_install(p.code) FROM api.import_pack AS p ORDER BY p.code;
SELECT api.import_pack_install('sirene');
SELECT bool_and(is_installed) AS all_installed FROM api.import_pack;
SELECT d.slug, d.valid, d.validation_error, (SELECT count(*) FROM import.source_column AS h WHERE h.definition_id = d.id) AS headings
FROM import.definition AS d JOIN import.pack AS p ON p.content -> 'definitions' @> jsonb_build_array(jsonb_build_object('slug', d.slug)) ORDER BY d.slug;
SELECT t.code, r.code AS rule FROM register.external_ident_type AS t JOIN register.external_ident_rule AS r ON r.id = t.rule_id ORDER BY t.code;
-- Administrators only.
SELECT has_function_privilege(r, 'api.import_pack_install(text)', 'EXECUTE') AS may, r FROM unnest('{admin_user,regular_user,authenticated}'::text[]) AS r;

-- Norway -----------------------------------------------------------------------------------------------------------
\set path :files enheter_2024.csv
\set content `base64 -w0 < :'path'`
SELECT public.send('enheter_2024', 'brreg_hovedenhet_2024', :'content', 2024);
\set path :files underenheter_2024.csv
\set content `base64 -w0 < :'path'`
SELECT public.send('underenheter_2024', 'brreg_underenhet_2024', :'content', 2024);
\set path :files enheter_2025.csv
\set content `base64 -w0 < :'path'`
SELECT public.send('enheter_2025', 'brreg_hovedenhet_2025', :'content', 2025);
SELECT public.send('enheter_old', 'brreg_hovedenhet_2024', :'content', 2025);
\set path :files underenheter_2025.csv
\set content `base64 -w0 < :'path'`
SELECT public.send('underenheter_2025', 'brreg_underenhet_2025', :'content', 2025);
SELECT public.send('underenheter_wrong', 'brreg_hovedenhet_2025', :'content', 2025);
CALL worker.process_tasks();
SELECT * FROM public.outcome WHERE slug ~ 'enheter';
SELECT j.slug, s.* FROM import.job AS j CROSS JOIN LATERAL public.said(j.slug) AS s WHERE j.slug IN ('enheter_2024', 'enheter_2025', 'underenheter_2024', 'underenheter_2025', 'underenheter_wrong') ORDER BY j.id, s.line, s."column" COLLATE "C", s.code COLLATE "C";
-- The headings of a later year are unknown to that of an earlier one, and told one by one.
SELECT s.code, count(*) FROM public.said('enheter_old') AS s GROUP BY s.code ORDER BY s.code;
SELECT * FROM public.unit AS u WHERE u.type = 'tax_ident' ORDER BY u.kind, u.ident, u.valid_from;

-- France -----------------------------------------------------------------------------------------------------------
UPDATE register.settings SET country_id = (SELECT id FROM register.country WHERE iso_2 = 'FR');
\set path :files StockUniteLegaleHistorique.csv
\set content `base64 -w0 < :'path'`
SELECT public.send('unites', 'sirene_unite_legale', :'content');
CALL worker.process_tasks();
\set path :files StockEtablissementHistorique.csv
\set content `base64 -w0 < :'path'`
SELECT public.send('etablissements', 'sirene_etablissement', :'content');
-- The same file without its column siret.
\set path :files StockEtablissementHistorique_nic.csv
\set content `base64 -w0 < :'path'`
SELECT public.send('sans_siret', 'sirene_etablissement', :'content');
CALL worker.process_tasks();
SELECT * FROM public.outcome WHERE slug IN ('unites', 'etablissements', 'sans_siret');
SELECT 'i64' AS label, j.slug, s.* FROM import.job AS j CROSS JOIN LATERAL public.said(j.slug) AS s WHERE j.slug IN ('unites', 'etablissements', 'sans_siret') ORDER BY j.id, s.line, s."column" COLLATE "C", s.code COLLATE "C";
SELECT * FROM public.unit AS u WHERE u.type IN ('siren', 'siret') ORDER BY u.kind, u.ident, u.valid_from;

-- GLEIF ------------------------------------------------------------------------------------------------------------
\set path :files lei2-golden-copy.csv
\set content `base64 -w0 < :'path'`
SELECT public.send('lei', 'gleif_level_1', :'content', 2025);
CALL worker.process_tasks();
SELECT * FROM public.outcome WHERE slug = 'lei';
SELECT * FROM public.said('lei');
SELECT * FROM public.unit AS u WHERE u.type = 'lei' ORDER BY u.kind, u.ident, u.valid_from;

-- United Kingdom ---------------------------------------------------------------------------------------------------
UPDATE register.settings SET country_id = (SELECT id FROM register.country WHERE iso_2 = 'GB'),
    activity_category_standard_id = (SELECT id FROM register.activity_category_standard WHERE code = 'sic');
\set path :files BasicCompanyData.csv
\set content `base64 -w0 < :'path'`
SELECT public.send('companies', 'companies_house_basic', :'content', 2025);
CALL worker.process_tasks();
SELECT * FROM public.outcome WHERE slug = 'companies';
SELECT * FROM public.said('companies') WHERE code <> 'header_normalised';
SELECT value, details FROM public.said('companies') WHERE code = 'header_normalised' AND value ~ 'Company|Line2' ORDER BY value COLLATE "C";
SELECT * FROM public.unit AS u WHERE u.type = 'company_number' ORDER BY u.kind, u.ident, u.valid_from;

-- All come again, and nothing changes.
\set path :files BasicCompanyData.csv
\set content `base64 -w0 < :'path'`
SELECT public.send('companies_again', 'companies_house_basic', :'content', 2025);
\set path :files StockUniteLegaleHistorique.csv
\set content `base64 -w0 < :'path'`
SELECT public.send('unites_again', 'sirene_unite_legale', :'content');
CALL worker.process_tasks();
SELECT * FROM public.outcome WHERE slug LIKE '%\_again';

-- A definition that takes no file with a column that it does not know: the file is refused, and says which.
UPDATE import.definition SET unknown_columns = 'refuse' WHERE slug = 'legal_unit_job_provided';
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to) SELECT 'strictly', d.id, '2024-01-01', 'infinity' FROM import.definition AS d WHERE d.slug = 'legal_unit_job_provided';
SELECT f ->> 'code' AS code, f ->> 'severity' AS severity, f ->> 'column' AS "column", f -> 'details' AS details
FROM jsonb_array_elements(import.upload_chunk('strictly', 1, true, convert_to(E'tax_ident,nmae,name,colour,errors\n900000001,x,North,red,\n', 'UTF8')) -> 'findings') AS f
WHERE f ->> 'code' NOT IN ('delimiter_detected', 'columns_absent');
SELECT j.state, j.total_rows, (SELECT count(*) FROM import.strictly_upload) AS rows FROM import.job AS j WHERE j.slug = 'strictly';
SELECT import.upload_chunk('strictly', 1, true, convert_to(E'tax_ident,name,errors\n900000001,North,\n', 'UTF8')) ->> 'rows' AS rows;
UPDATE import.definition SET unknown_columns = 'each' WHERE slug = 'legal_unit_job_provided';

-- What definitions are made of -------------------------------------------------------------------------------------
-- What is refused.
UPDATE import.mapping AS m SET words = '["A"]' FROM import.definition AS d WHERE d.id = m.definition_id AND d.slug = 'sirene_etablissement' AND m.words IS NOT NULL;
UPDATE import.mapping AS m SET words = '{"A": ["active"]}' FROM import.definition AS d WHERE d.id = m.definition_id AND d.slug = 'sirene_etablissement' AND m.words IS NOT NULL;
UPDATE import.mapping AS m SET alternatives = '["nic"]' FROM import.definition AS d WHERE d.id = m.definition_id AND d.slug = 'sirene_etablissement' AND m.alternatives IS NOT NULL;
UPDATE import.mapping AS m SET alternatives = '[["nic", 1]]' FROM import.definition AS d WHERE d.id = m.definition_id AND d.slug = 'sirene_etablissement' AND m.alternatives IS NOT NULL;
UPDATE import.mapping AS m SET alternatives = '[[]]' FROM import.definition AS d WHERE d.id = m.definition_id AND d.slug = 'sirene_etablissement' AND m.alternatives IS NOT NULL;
UPDATE import.mapping AS m SET cut_at = '' FROM import.definition AS d WHERE d.id = m.definition_id AND d.slug = 'sirene_etablissement';
UPDATE import.mapping AS m SET cut_at = '-' FROM import.definition AS d WHERE d.id = m.definition_id AND d.slug = 'companies_house_basic' AND m.is_ignored;
UPDATE import.mapping AS m SET max_characters = 0 FROM import.definition AS d WHERE d.id = m.definition_id AND d.slug = 'sirene_etablissement' AND m.words IS NOT NULL;
UPDATE import.definition AS d SET unknown_start_values = '{""}' WHERE d.slug = 'sirene_etablissement';
UPDATE import.definition AS d SET unknown_columns = 'never' WHERE d.slug = 'sirene_etablissement';
BEGIN;
UPDATE import.mapping AS m SET alternatives = '[["siren", "nicht"]]' FROM import.definition AS d WHERE d.id = m.definition_id AND d.slug = 'sirene_etablissement' AND m.alternatives = '[["siren", "nic"]]';
SELECT d.valid, d.validation_error FROM import.definition AS d WHERE d.slug = 'sirene_etablissement';
ROLLBACK;

-- The reader in SQL, which relationships use, says the same of every cell and period.
CREATE FUNCTION public.differing_rows(job_slug text) RETURNS TABLE (row_id bigint, by_sql jsonb, by_c jsonb) LANGUAGE plpgsql AS $differing_rows$
DECLARE
    job_id CONSTANT integer := (SELECT j.id FROM import.job AS j WHERE j.slug = job_slug);
BEGIN
    PERFORM import_oracle.analyse_source(job_id), import_oracle.analyse_period(job_id);
    RETURN QUERY EXECUTE format($sql$
        SELECT s.row_id, x.by_sql, x.by_c
        FROM pg_temp.import_source AS s
        JOIN pg_temp.import_row AS r USING (row_id)
        JOIN import.%I AS d USING (row_id)
        CROSS JOIN LATERAL (
            SELECT (SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(to_jsonb(s)) AS e WHERE e.key LIKE '%%\_raw' AND e.key NOT LIKE 'given %%')
                       || jsonb_build_object('from', r.valid_from, 'to', r.valid_to) AS by_sql,
                   (SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(to_jsonb(d)) AS e WHERE e.key LIKE '%%\_raw')
                       || jsonb_build_object('from', d.valid_from, 'to', d.valid_to) AS by_c) AS x
        WHERE x.by_sql <> x.by_c$sql$, job_slug || '_data');
END
$differing_rows$;
SELECT j.slug, d.* FROM import.job AS j CROSS JOIN LATERAL public.differing_rows(j.slug) AS d WHERE j.state = 'finished' ORDER BY j.id, d.row_id;
-- And of the periods of Sirene.
SELECT import_oracle.analyse_source(j.id), import_oracle.analyse_period(j.id) FROM import.job AS j WHERE j.slug = 'unites' \g /dev/null
SELECT n.row_id, n.severity, n.finding FROM pg_temp.import_note AS n ORDER BY n.row_id, n.finding;
SELECT f.row_id, f.severity, f.column_name, f.code, f.value FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id WHERE j.slug = 'unites' AND f.column_name LIKE 'valid\_%' ORDER BY f.row_id, f.column_name;

-- Words with marks that mean something elsewhere: quotes, percent signs, backslashes; words for nothing in columns that stand in.
UPDATE import.definition AS d SET import_as_null = '{"","100%","it''s","a\\b"}' WHERE d.slug = 'sirene_unite_legale';
UPDATE import.mapping AS m SET cut_at = '%', words = '{"it\"s": "x''y", "%s": "p", "gone": ""}', alternatives = '[["nomUniteLegale", "denominationUsuelle1UniteLegale"], ["denominationUsuelle1UniteLegale"]]'
FROM import.definition AS d, import.source_column AS h WHERE d.id = m.definition_id AND d.slug = 'sirene_unite_legale' AND h.id = m.source_column_id AND h.column_name = 'denominationUniteLegale';
SELECT encode(convert_to(E'siren,dateDebut,dateFin,denominationUniteLegale,nomUniteLegale,denominationUsuelle1UniteLegale\n' ||
    E'900000001,2020-01-01,,  cut %behind,,\n,2020-01-01,,"it""s",,\n,2020-01-01,,100%,a,b\n,2020-01-01,,it''s,100%,b\n,2020-01-01,,a\\b,,\n,2020-01-01,,gone % x,,\n,2020-01-01,,%s,n,\n,2020-01-01,9999-12-31,, n , m \n', 'UTF8'), 'base64') AS content \gset
SELECT public.send('marks', 'sirene_unite_legale', :'content');
CALL worker.process_tasks();
SELECT d.row_id, d.name_raw, d.valid_from, d.valid_to FROM import.marks_data AS d ORDER BY d.row_id;
SELECT d.* FROM public.differing_rows('marks') AS d ORDER BY d.row_id;
\c postgres
DROP DATABASE regress_import_public;

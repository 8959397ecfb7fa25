-- An empty cell, a cell that takes a value away, and a column that is not there: three different things.
CREATE DATABASE regress_import_erase TEMPLATE contrib_regression;
\c regress_import_erase
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql
\i :top/test/import/regions.sql
SET client_min_messages = warning;
SET datestyle = ISO;
INSERT INTO register.legal_form (code, name) VALUES ('as', 'Company');
INSERT INTO register.sector (path, name) VALUES ('a', 'Sector A');
INSERT INTO register.tag (path, name) VALUES ('census', 'Census');

-- What the preview foretells is kept, and then the job is approved.
CREATE TABLE public.foretold (slug text, row_id bigint, part text, changes boolean);
CREATE TABLE public.previewed (slug text, preview jsonb);
CREATE PROCEDURE public.run_job(job_slug text, definition_slug text, strategy import.strategy, rows text)
LANGUAGE plpgsql AS $run_job$
BEGIN
    UPDATE import.definition AS d SET strategy = run_job.strategy WHERE d.slug = definition_slug AND d.strategy <> run_job.strategy;
    INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review)
    SELECT job_slug, d.id, CASE WHEN d.valid_time_from = 'job_provided' THEN date '2022-01-01' END, CASE WHEN d.valid_time_from = 'job_provided' THEN date '2022-12-31' END, true
    FROM import.definition AS d WHERE d.slug = definition_slug;
    CALL public.fill(job_slug, rows);
    COMMIT;
    CALL worker.process_tasks();
    INSERT INTO public.previewed SELECT job_slug, api.import_preview(job_slug, '2022-06-15') FROM import.job AS j WHERE j.slug = job_slug AND j.state = 'waiting_for_review';
    INSERT INTO public.foretold
    SELECT job_slug, c.row_id, c.part, bool_or(c.verdict <> 'unchanged') FROM import.compare_rows((SELECT j.id FROM import.job AS j WHERE j.slug = job_slug)) AS c
    WHERE c.part <> 'enterprise' GROUP BY c.row_id, c.part;
    UPDATE import.job AS j SET state = 'approved' WHERE j.slug = job_slug AND j.state = 'waiting_for_review';
    COMMIT;
    CALL worker.process_tasks();
END
$run_job$;
CREATE VIEW public.outcome AS
SELECT j.slug, j.state, j.imported_rows AS imported, j.unchanged_rows AS unchanged, j.skipped_rows AS skipped, j.error_count AS errors,
       j.total_rows = j.imported_rows + j.unchanged_rows + j.skipped_rows + j.error_count AS conserved, j.error
FROM import.job AS j;
CREATE VIEW public.said AS
SELECT j.slug, f.source_line AS line, f.column_name AS "column", f.code, f.severity, f.value
FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id;
-- Where the preview and what was done differ.
CREATE FUNCTION public.misjudged(job_slug text) RETURNS TABLE (row_id bigint, part text, foretold boolean, done text)
LANGUAGE plpgsql AS $misjudged$
BEGIN
    RETURN QUERY EXECUTE format($sql$
        SELECT coalesce(f.row_id, d.row_id), coalesce(f.part, d.part), f.changes, d.status
        FROM (SELECT x.row_id, x.part, x.changes FROM public.foretold AS x WHERE x.slug = %L AND x.changes) AS f
        FULL JOIN (SELECT d.row_id, m.key AS part, m.value AS status FROM import.%I AS d CROSS JOIN LATERAL jsonb_each_text(d.merge_status) AS m
                   WHERE d.state = 'processed' AND m.value = 'APPLIED') AS d ON d.row_id = f.row_id AND d.part = f.part
        WHERE num_nonnulls(f.row_id, d.row_id) = 1 ORDER BY 1, 2$sql$, job_slug, job_slug || '_data');
END
$misjudged$;
-- The register, slice by slice.
CREATE VIEW public.held AS
SELECT 1 AS place, coalesce(e.ident, u.id::text) AS unit, 'unit' AS part, u.valid_from, u.valid_to,
       concat_ws(' ', u.name, 'born ' || u.birth_date, (SELECT f.code FROM register.legal_form AS f WHERE f.id = u.legal_form_id), (SELECT s.path FROM register.sector AS s WHERE s.id = u.sector_id)) AS holds
FROM register.legal_unit AS u LEFT JOIN register.external_ident AS e ON e.legal_unit_id = u.id AND e.type_id = (SELECT t.id FROM register.external_ident_type AS t WHERE t.code = 'tax_ident')
UNION ALL
SELECT 2, e.ident, l.type::text, l.valid_from, l.valid_to,
       concat_ws(' ', l.address_part1, l.postcode, l.postplace, (SELECT r.code FROM register.region AS r WHERE r.id = l.region_id), l.latitude, l.longitude, l.altitude, (SELECT c.iso_2 FROM register.country AS c WHERE c.id = l.country_id))
FROM register.location AS l JOIN register.external_ident AS e ON e.legal_unit_id = l.legal_unit_id OR e.establishment_id = l.establishment_id
UNION ALL
SELECT 3, e.ident, a.type::text, a.valid_from, a.valid_to, (SELECT c.code FROM register.activity_category AS c WHERE c.id = a.category_id)
FROM register.activity AS a JOIN register.external_ident AS e ON e.legal_unit_id = a.legal_unit_id OR e.establishment_id = a.establishment_id
UNION ALL
SELECT 4, e.ident, 'contact', c.valid_from, c.valid_to, concat_ws(' ', c.web_address, c.email_address, c.phone_number)
FROM register.contact AS c JOIN register.external_ident AS e ON e.legal_unit_id = c.legal_unit_id OR e.establishment_id = c.establishment_id
UNION ALL
SELECT 5, e.ident, d.code, s.valid_from, s.valid_to, coalesce(s.value_int::text, s.value_float::text)
FROM register.stat_for_unit AS s JOIN register.stat_definition AS d ON d.id = s.stat_definition_id
JOIN register.external_ident AS e ON e.legal_unit_id = s.legal_unit_id OR e.establishment_id = s.establishment_id
UNION ALL
SELECT 6, e.ident, 'tag', NULL, NULL, (SELECT t.path::text FROM register.tag AS t WHERE t.id = x.tag_id)
FROM register.tag_for_unit AS x JOIN register.external_ident AS e ON e.legal_unit_id = x.legal_unit_id
UNION ALL
SELECT 7, e.ident, 'owner', r.valid_from, r.valid_to, coalesce(r.percentage::text, 'no percentage')
FROM register.legal_relationship AS r JOIN register.external_ident AS e ON e.legal_unit_id = r.influencing_id;
CREATE TABLE public.kept (moment text, held public.held);
CREATE VIEW public.timeline AS SELECT h.unit, h.part, h.valid_from, h.valid_to, h.holds FROM public.held AS h ORDER BY h.place, h.unit, h.part, h.valid_from;

-- Words that erase stand for nothing else.
UPDATE import.definition SET erase_words = '{na}' WHERE slug = 'legal_unit_source_dates';                                     -- fails
UPDATE import.definition SET erase_words = '{""}' WHERE slug = 'legal_unit_source_dates';                                     -- fails
UPDATE import.definition SET erase_words = '{NULL}' WHERE slug = 'legal_unit_source_dates';                                   -- fails
-- Without such words "<erase>" is a text like any other.
CALL run_job('textual', 'legal_unit_source_dates', 'insert_or_update', E'tax_ident,valid_from,valid_to,name,physical_postplace\nt1,2020-01-01,infinity,<erase>,<erase>');
SELECT * FROM timeline;
SELECT api.import_job_undo('textual');
CALL worker.process_tasks();
UPDATE import.definition SET erase_words = '{<erase>,СТЕРЕТЬ}' WHERE slug IN ('legal_unit_source_dates', 'legal_unit_job_provided', 'establishment_for_lu_source_dates', 'generic_unit_stats_update_source_dates', 'legal_relationship_source_dates');

\set columns 'tax_ident,valid_from,valid_to,name,birth_date,legal_form_code,sector_code,physical_address_part1,physical_postcode,physical_postplace,physical_region_code,physical_latitude,physical_longitude,physical_altitude,postal_postplace,web_address,email_address,primary_activity_category_code,secondary_activity_category_code,employees,turnover,tag_path'
CALL run_job('base', 'legal_unit_source_dates', 'insert_or_update', :'columns' || E'
A,2020-01-01,infinity,Alpha,2001-01-01,as,a,Street 1,0150,Oslo,03,59.9,10.7,20,Bergen,a.no,a@a.no,01.11,01.12,10,100.5,census
B,2020-01-01,infinity,Beta,2002-02-02,as,,Street 2,0151,Oslo,03,,,,,b.no,,01.11,,5,,
C,2020-01-01,infinity,Gamma,,,,,,,,,,,,,c@c.no,,,,7,
D,2020-01-01,infinity,Delta,2003-03-03,,,,,Oslo,03,,,,,,,,,1,1,');
SELECT slug, state, imported, unchanged, skipped, errors, conserved FROM outcome WHERE slug = 'base';
INSERT INTO kept SELECT 'base', h FROM held AS h;

-- Empty cells of a file that patches change nothing, nor do columns that it lacks.
CALL run_job('silent', 'legal_unit_source_dates', 'insert_or_update', :'columns' || E'
A,2022-01-01,2022-12-31,Alpha,,,,,,,,,,,,,,,,,,');
CALL run_job('absent', 'legal_unit_source_dates', 'insert_or_update', E'tax_ident,valid_from,valid_to,name\nA,2022-01-01,2022-12-31,');
SELECT slug, state, imported, unchanged, errors, conserved FROM outcome WHERE slug IN ('silent', 'absent') ORDER BY slug DESC;

-- A word that erases takes the value away for the period of the row, in whatever case and with spaces around it.
SELECT :'columns' || E'
A,2022-01-01,2022-12-31,, <erase> ,<ERASE>,стереть,<erase>,<erase>,Moss,<erase>,<erase>,<erase>,,<erase>,<erase>,,<erase>,<erase>,<erase>,<Erase>,
B,2022-01-01,infinity,Beta,,,<erase>,,<erase>,,,,,,<erase>,<erase>,,<erase>,<erase>,6,<erase>,
C,2019-01-01,2021-06-30,Gamma,<erase>,,,,,,,,,,,,<erase>,,,,<erase>,
E,2022-01-01,2022-12-31,Epsilon,<erase>,,,<erase>,,Oslo,03,,,,,<erase>,,,,<erase>,,' AS erasing \gset
CALL run_job('erasing', 'legal_unit_source_dates', 'insert_or_update', :'erasing');
SELECT slug, state, imported, unchanged, skipped, errors, conserved, error FROM outcome WHERE slug = 'erasing';
SELECT * FROM said WHERE slug = 'erasing' ORDER BY line, "column", code;
SELECT row_id, erased_columns, birth_date_raw, merge_status FROM import.erasing_data ORDER BY row_id;
SELECT preview -> 'tables' AS tables, preview -> 'effect' AS effect FROM previewed WHERE slug = 'erasing';
SELECT * FROM misjudged('erasing');
SELECT * FROM timeline;
SELECT * FROM statbus.verify_derived();

-- The same file again changes nothing, writes nothing, and is said so before.
CALL run_job('again', 'legal_unit_source_dates', 'insert_or_update', :'erasing');
SELECT slug, state, imported, unchanged, skipped, errors, conserved FROM outcome WHERE slug = 'again';
SELECT count(*) FILTER (WHERE changes) AS changes FROM foretold WHERE slug = 'again';
SELECT count(*) AS written FROM import.undo_write AS w JOIN import.job AS j ON j.id = w.job_id WHERE j.slug = 'again';
SELECT a.merge_status = m.merge_status OR a.row_id = 4 AS same FROM import.again_data AS a
CROSS JOIN LATERAL (SELECT jsonb_object_agg(p.key, 'SKIPPED_IDENTICAL') AS merge_status FROM import.erasing_data AS e CROSS JOIN LATERAL jsonb_each(e.merge_status) AS p WHERE e.row_id = a.row_id) AS m
ORDER BY a.row_id;
-- Nor does it by way of the merge.
BEGIN;
CREATE OR REPLACE FUNCTION import.unchanged_sql(snapshot jsonb) RETURNS text LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $unchanged_sql$ SELECT 'false' $unchanged_sql$;
COMMIT;
CALL run_job('merged', 'legal_unit_source_dates', 'insert_or_update', :'erasing');
SELECT slug, state, imported, unchanged, skipped, errors, conserved FROM outcome WHERE slug = 'merged';
SELECT a.row_id, a.merge_status AS short_cut, m.merge_status AS merge FROM import.again_data AS a JOIN import.merged_data AS m ON m.row_id = a.row_id WHERE a.merge_status <> m.merge_status;

-- Taken back, the register is as it was.
SELECT api.import_job_undo('erasing');
CALL worker.process_tasks();
SELECT slug, state, error FROM outcome WHERE slug = 'erasing';
SELECT h FROM held AS h EXCEPT SELECT k.held FROM kept AS k WHERE k.moment = 'base';
SELECT k.held FROM kept AS k WHERE k.moment = 'base' EXCEPT SELECT h FROM held AS h;

-- What cannot go: names, identifiers, dates of the row, countries, statuses, links. One coordinate goes with the other.
CALL run_job('refused', 'legal_unit_source_dates', 'insert_or_update', E'tax_ident,stat_ident,valid_from,valid_to,name,status_code,data_source_code,physical_country_iso_2,physical_latitude,physical_longitude,physical_altitude,tag_path,employees
A,,2022-01-01,infinity,<erase>,,,,,,,,1
A,<erase>,2022-01-01,infinity,,,,,,,,,2
<erase>,,2022-01-01,infinity,Nobody,,,,,,,,3
<erase>,,2022-01-01,infinity,Somebody,,,,,,,,4
B,,2022-01-01,<erase>,,,,,,,,,5
C,,2022-01-01,infinity,,<erase>,<erase>,<erase>,,,,<erase>,6
D,,2022-01-01,infinity,,,,,<erase>,,,,7
D,,2021-01-01,2021-12-31,,,,,,<erase>,20,,8
B,,2020-01-01,2020-12-31,,,,,<erase>,<erase>,,,9');
SELECT slug, state, imported, unchanged, skipped, errors, conserved FROM outcome WHERE slug = 'refused';
SELECT * FROM said WHERE slug = 'refused' AND severity = 'error' ORDER BY line, "column", code;

-- Strategies that replace: of what the row writes, empty cells empty the value; a word that erases also takes away what they leave.
CALL run_job('replacing', 'legal_unit_source_dates', 'insert_or_replace', E'tax_ident,valid_from,valid_to,name,birth_date,physical_postplace,physical_postcode,employees,turnover,email_address
A,2023-01-01,2023-12-31,Alpha,,Oslo,,<erase>,,<erase>');
CALL run_job('known_only', 'legal_unit_source_dates', 'update_only', E'tax_ident,valid_from,valid_to,birth_date,employees,physical_region_code
B,2019-01-01,2020-12-31,<erase>,<erase>,<erase>
Z,2019-01-01,2020-12-31,<erase>,<erase>,<erase>');
CALL run_job('by_job', 'legal_unit_job_provided', 'replace_only', E'tax_ident,name,turnover,web_address\nC,Gamma,<erase>,');
SELECT slug, state, imported, unchanged, skipped, errors, conserved FROM outcome WHERE slug IN ('replacing', 'known_only', 'by_job') ORDER BY slug;
SELECT * FROM misjudged('replacing') UNION ALL SELECT * FROM misjudged('known_only') UNION ALL SELECT * FROM misjudged('by_job');
SELECT * FROM timeline WHERE part NOT IN ('primary', 'secondary', 'tag', 'postal');

-- Establishments, statistics alone, and relationships.
CALL run_job('shops', 'establishment_for_lu_source_dates', 'insert_or_update', E'tax_ident,legal_unit_tax_ident,valid_from,valid_to,name,employees,physical_postplace,physical_region_code,sector_code
S,D,2020-01-01,infinity,Shop,3,Oslo,03,');
CALL run_job('shops_less', 'establishment_for_lu_source_dates', 'insert_or_update', E'tax_ident,legal_unit_tax_ident,valid_from,valid_to,name,employees,physical_postplace,physical_region_code,sector_code
S,,2021-01-01,2021-12-31,,<erase>,<erase>,,
S,<erase>,2022-01-01,2022-12-31,,1,,,
S,,2023-01-01,2023-12-31,,,,,<erase>');
CALL run_job('numbers', 'generic_unit_stats_update_source_dates', 'replace_only', E'tax_ident,valid_from,valid_to,employees,turnover
D,2021-01-01,2021-12-31,<erase>,2
S,2019-01-01,2020-06-30,<erase>,');
CALL run_job('owners', 'legal_relationship_source_dates', 'insert_or_update', E'influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage,valid_from,valid_to
A,B,ownership,60,2021-01-01,infinity');
CALL run_job('owners_less', 'legal_relationship_source_dates', 'insert_or_update', E'influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage,valid_from,valid_to
A,B,ownership,<erase>,2022-01-01,2022-12-31
A,C,<erase>,10,2022-01-01,2022-12-31
<erase>,C,ownership,10,2022-01-01,2022-12-31');
SELECT slug, state, imported, unchanged, skipped, errors, conserved, error FROM outcome WHERE slug LIKE 'shops%' OR slug LIKE 'owners%' OR slug = 'numbers' ORDER BY slug;
SELECT * FROM said WHERE slug IN ('shops_less', 'numbers', 'owners_less') AND severity <> 'info' ORDER BY slug, line, "column", code;
SELECT * FROM misjudged('shops_less') UNION ALL SELECT * FROM misjudged('numbers') UNION ALL SELECT * FROM misjudged('owners_less');
SELECT * FROM timeline WHERE unit IN ('D', 'S') OR part = 'owner';

-- A column that the file lacks is not an empty one: of a file that comes over HTTP that is known, also where rows replace.
CREATE PROCEDURE public.send(job_slug text, strategy import.strategy, content text) LANGUAGE plpgsql AS $send$
BEGIN
    UPDATE import.definition AS d SET strategy = send.strategy WHERE d.slug = 'legal_unit_source_dates';
    INSERT INTO import.job (slug, definition_id) SELECT job_slug, d.id FROM import.definition AS d WHERE d.slug = 'legal_unit_source_dates';
    PERFORM import.upload_chunk(job_slug, 1, true, convert_to(content, 'UTF8'));
    COMMIT;
    CALL worker.process_tasks();
END
$send$;
CALL send('whole', 'insert_or_replace', E'tax_ident,valid_from,valid_to,name,birth_date,legal_form_code,physical_address_part1,physical_postcode,physical_postplace,physical_region_code,web_address,email_address\nF,2020-01-01,infinity,Foxtrot,2001-01-01,as,Street 6,0150,Oslo,03,f.no,f@f.no\n');
CALL send('lacking', 'insert_or_replace', E'tax_ident,valid_from,valid_to,name,physical_postplace,physical_region_code,email_address\nF,2021-01-01,2021-12-31,Foxtrot,Moss,,e@f.no\n');
CALL send('empty', 'insert_or_replace', E'tax_ident,valid_from,valid_to,name,birth_date,legal_form_code,physical_address_part1,physical_postcode,physical_postplace,physical_region_code,web_address,email_address\nF,2022-01-01,2022-12-31,Foxtrot,,,,,Moss,,,e@f.no\n');
CALL send('erased', 'replace_only', E'tax_ident,valid_from,valid_to,name,legal_form_code,physical_postcode,web_address\nF,2023-01-01,2023-12-31,Foxtrot,<erase>,<erase>,<erase>\n');
CALL send('patching', 'insert_or_update', E'tax_ident,valid_from,valid_to,name,legal_form_code,physical_postcode,web_address\nF,2024-01-01,2024-12-31,,<erase>,,\n');
SELECT o.slug, o.state, o.imported, o.errors, o.conserved, jsonb_array_length(j.definition_snapshot -> 'absent_columns') AS absent FROM outcome AS o JOIN import.job AS j USING (slug)
WHERE slug IN ('whole', 'lacking', 'empty', 'erased', 'patching') ORDER BY j.id;
SELECT * FROM timeline WHERE unit = 'F';
-- A copy of a job says nothing about the same columns.
UPDATE api.import_definition SET strategy = 'insert_or_replace' WHERE slug = 'legal_unit_source_dates';
SELECT api.import_job_clone('lacking', 'lacking_again', true) IS NOT NULL AS cloned;
CALL worker.process_tasks();
SELECT j.slug, j.state, j.imported_rows AS imported, j.unchanged_rows AS unchanged, jsonb_array_length(j.definition_snapshot -> 'absent_columns') AS absent
FROM import.job AS j WHERE j.slug IN ('lacking', 'lacking_again') ORDER BY j.id;

-- Rows of one unit that say different things of one time stand against each other, and a rule sees nothing where a value goes.
INSERT INTO api.import_rule (definition_id, name, expression, severity, message)
SELECT d.id, 'has_staff', 'employees is not null', 'warning', 'No staff' FROM import.definition AS d WHERE d.slug = 'legal_unit_source_dates';
CALL run_job('rivals', 'legal_unit_source_dates', 'insert_or_update', E'tax_ident,valid_from,valid_to,employees
D,2022-01-01,2022-12-31,<erase>
D,2022-06-01,2022-12-31,3
B,2022-01-01,2022-12-31,<erase>
B,2022-01-01,2022-12-31,<erase>');
SELECT slug, state, imported, unchanged, skipped, errors, conserved FROM outcome WHERE slug = 'rivals';
SELECT * FROM said WHERE slug = 'rivals' ORDER BY line, "column", code;
SELECT * FROM statbus.verify_derived();
\c contrib_regression
DROP DATABASE regress_import_erase;

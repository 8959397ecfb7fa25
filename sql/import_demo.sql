-- Import by each of the ten default definitions, twice: the second time nothing is written.
CREATE DATABASE regress_import_demo TEMPLATE contrib_regression;
\c regress_import_demo
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql
\i :top/test/import/regions.sql
\i :top/test/import/run_job.sql

-- Every row version of the register, to see that a second import writes none.
CREATE VIEW public.versions AS
SELECT 'enterprise' AS relation, id, xmin::text AS version, NULL::date AS valid_from FROM register.enterprise
UNION ALL SELECT 'legal_unit', id, xmin::text, valid_from FROM register.legal_unit
UNION ALL SELECT 'establishment', id, xmin::text, valid_from FROM register.establishment
UNION ALL SELECT 'location', id, xmin::text, valid_from FROM register.location
UNION ALL SELECT 'activity', id, xmin::text, valid_from FROM register.activity
UNION ALL SELECT 'contact', id, xmin::text, valid_from FROM register.contact
UNION ALL SELECT 'stat_for_unit', id, xmin::text, valid_from FROM register.stat_for_unit
UNION ALL SELECT 'legal_relationship', id, xmin::text, valid_from FROM register.legal_relationship
UNION ALL SELECT 'external_ident', id, xmin::text, NULL FROM register.external_ident
UNION ALL SELECT 'tag_for_unit', id, xmin::text, NULL FROM register.tag_for_unit;

CREATE PROCEDURE public.run_all(suffix text) LANGUAGE plpgsql AS $run_all$
BEGIN
    CALL run_job('lu' || suffix, 'legal_unit_job_provided', NULL, 'tax_ident,stat_ident,name,birth_date,physical_region_code,physical_country_iso_2,primary_activity_category_code,legal_form_code,sector_code,employees,turnover,data_source_code,tag_path
1001,1,Pearl Water,2016-10-01,03,NO,01.11,GP,,2,9000000,nlr,census
1002,2,Globe Solutions,2016-10-01,11,NO,01.12,GP,,2,2400000,ntr,
1003,3,Circle Construction,2018-01-01,03,NO,01.13,,,1,300000,,', '2019-01-01', 'infinity');
    CALL run_job('lu_dates' || suffix, 'legal_unit_source_dates', NULL, 'tax_ident,stat_ident,name,valid_from,valid_to,physical_address_part1,physical_latitude,physical_longitude,physical_altitude,physical_region_code,postal_country_iso_2,postal_address_part2,email_address,phone_number,primary_activity_category_code,secondary_activity_category_code,employees,turnover,status_code
1004,4,Haven Safaris,2023-01-01,2023-12-31,Safari Park 67,59.9,10.7,40,03,SE,PO Box 345,contact@haven.no,2251789012,01.11,01.12,23,20023.5,active
1004,4,Haven Safaris,2024-01-01,2024-12-31,Safari Park 68,59.9,10.7,40,03,SE,PO Box 345,contact@haven.no,2251789012,01.11,01.12,24,20024,active
1004,4,Haven Safaris,2025-01-01,infinity,Safari Park 68,59.9,10.7,40,03,SE,PO Box 345,contact@haven.no,2251789012,01.11,01.12,25,20025,passive
1005,,Lake Fish,2020-01-01,infinity,,,,,11,,,,,01.13,,7,,');
    CALL run_job('es' || suffix, 'establishment_for_lu_job_provided', NULL, 'tax_ident,stat_ident,name,physical_region_code,primary_activity_category_code,employees,turnover,legal_unit_tax_ident,legal_unit_stat_ident,data_source_code
91001,11,Pearl Water shop,03,01.11,1,100,1001,1,nlr
91002,12,Pearl Water store,11,01.11,1,100,1001,,nlr
91003,13,Globe Solutions,11,01.12,,,,2,nlr', '2019-01-01', 'infinity');
    CALL run_job('es_dates' || suffix, 'establishment_for_lu_source_dates', NULL, 'tax_ident,name,valid_from,valid_to,physical_region_code,employees,legal_unit_tax_ident,web_address
91004,Haven lodge,2023-01-01,2023-12-31,03,10,1004,haven.no
91004,Haven lodge,2024-01-01,infinity,11,11,1004,haven.no
91005,Lake Fish market,2021-01-01,infinity,11,,1005,');
    CALL run_job('inf' || suffix, 'establishment_without_lu_job_provided', NULL, 'tax_ident,stat_ident,name,physical_region_code,primary_activity_category_code,employees,turnover
81001,21,Stall,03,01.11,1,1200
81002,22,Cart,11,01.12,2,4400', '2019-01-01', 'infinity');
    CALL run_job('inf_dates' || suffix, 'establishment_without_lu_source_dates', NULL, 'tax_ident,stat_ident,name,valid_from,valid_to,physical_region_code,employees,unit_size_code
1,1011,Stand,2023-01-01,2023-12-31,03,2,
1,1011,Stand moved,2024-01-01,infinity,11,3,
2,1012,Booth,2024-01-01,infinity,11,3,');
    CALL run_job('stats' || suffix, 'generic_unit_stats_update_job_provided', NULL, 'tax_ident,turnover
1001,2525
91001,25
81001,5', '2021-01-01', '2021-12-31');
    CALL run_job('stats_dates' || suffix, 'generic_unit_stats_update_source_dates', NULL, 'tax_ident,stat_ident,turnover,valid_from,valid_to
1002,2,3535,2023-06-01,2023-08-31
91002,12,35,2023-06-01,2023-08-31');
    CALL run_job('rel' || suffix, 'legal_relationship_job_provided', NULL, 'influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage
1001,1002,control,60
1001,1003,ownership,100', '2020-01-01', 'infinity');
    CALL run_job('rel_dates' || suffix, 'legal_relationship_source_dates', NULL, 'influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage,valid_from,valid_to
1002,1004,control,40,2023-01-01,2023-12-31
1002,1004,control,60.25,2024-01-01,2024-12-31
1002,1004,control,60.25,2025-01-01,infinity
1003,1005,ownership,,2023-01-01,infinity');
END
$run_all$;
CALL run_all('');
SELECT * FROM outcome ORDER BY slug;
SELECT j.slug, f.source_line, f.column_name, f.code, f.severity, f.value FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id ORDER BY j.id, 2, 3, 4;
SELECT relation, count(DISTINCT id) AS units, count(*) AS slices FROM versions GROUP BY relation ORDER BY relation;
SELECT e.ident, l.valid_from, l.valid_to, l.name, s.code AS status, l.primary_for_enterprise AS is_primary
FROM register.legal_unit AS l JOIN register.status AS s ON s.id = l.status_id JOIN register.external_ident AS e ON e.legal_unit_id = l.id AND e.ident ~ '^....$' ORDER BY 1, 2;
SELECT e.ident, s.name, s.valid_from, s.valid_to, s.primary_for_legal_unit, s.primary_for_enterprise
FROM register.establishment AS s JOIN register.external_ident AS e ON e.establishment_id = s.id JOIN register.external_ident_type AS t ON t.id = e.type_id AND t.code = 'tax_ident' ORDER BY 1, 3;
SELECT e.ident, d.code, s.valid_from, s.valid_to, coalesce(s.value_int, s.value_float) AS value
FROM register.stat_for_unit AS s JOIN register.stat_definition AS d ON d.id = s.stat_definition_id
JOIN register.external_ident AS e ON (e.legal_unit_id = s.legal_unit_id OR e.establishment_id = s.establishment_id) JOIN register.external_ident_type AS t ON t.id = e.type_id AND t.code = 'tax_ident'
WHERE d.code = 'turnover' ORDER BY 1, 2, 3;
SELECT x.ident AS influencing, y.ident AS influenced, t.code, r.percentage, r.valid_from, r.valid_to
FROM register.legal_relationship AS r JOIN register.legal_rel_type AS t ON t.id = r.type_id
JOIN register.external_ident AS x ON x.legal_unit_id = r.influencing_id AND x.ident ~ '^....$' JOIN register.external_ident AS y ON y.legal_unit_id = r.influenced_id AND y.ident ~ '^....$'
ORDER BY 1, 2, 3, 5;

-- Again. The statistics of 2021 and 2023 were imported after the units' own, so each file first undoes what a later one did;
-- a third round of the same order gives the same register, and a file after itself writes nothing.
CREATE PROCEDURE public.twice(slug text, again text) LANGUAGE plpgsql AS $twice$
DECLARE
    definition text;
BEGIN
    EXECUTE format('INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review) SELECT %L, j.definition_id, j.default_valid_from, j.default_valid_to, false FROM import.job AS j WHERE j.slug = %L', again, slug);
    EXECUTE format('INSERT INTO import.%1$I (%3$s) SELECT %3$s FROM import.%2$I ORDER BY "statbus:place"', again || '_upload', slug || '_upload',
        (SELECT string_agg(quote_ident(a.attname), ', ') FROM pg_attribute AS a
         WHERE a.attrelid = format('import.%I', slug || '_upload')::regclass AND a.attnum > 0 AND a.attgenerated = ''));
    COMMIT;
    CALL worker.process_tasks();
END
$twice$;
CREATE TABLE public.before AS SELECT * FROM versions;
CALL twice('rel_dates', 'rel_dates_again');
CALL twice('rel', 'rel_again');
CALL twice('stats_dates', 'stats_dates_again');
CALL twice('stats', 'stats_again');
CALL twice('inf_dates', 'inf_dates_again');
CALL twice('es_dates', 'es_dates_again');
CALL twice('lu_dates', 'lu_dates_again');
SELECT slug, total, imported, unchanged, errors FROM outcome WHERE slug LIKE '%\_again' ORDER BY slug;
SELECT count(*) AS written FROM (SELECT * FROM versions EXCEPT SELECT * FROM public.before) AS w;
-- Those whose turnover a later file changed for a while: first back, then nothing.
CALL twice('lu', 'lu_again');
CALL twice('es', 'es_again');
CALL twice('inf', 'inf_again');
TRUNCATE public.before;
INSERT INTO public.before SELECT * FROM versions;
CALL twice('lu', 'lu_third');
CALL twice('es', 'es_third');
CALL twice('inf', 'inf_third');
SELECT slug, total, imported, unchanged, errors FROM outcome WHERE slug ~ '^(lu|es|inf)_(again|third)$' ORDER BY slug;
SELECT count(*) AS written FROM (SELECT * FROM versions EXCEPT SELECT * FROM public.before) AS w;
\c contrib_regression
DROP DATABASE regress_import_demo;

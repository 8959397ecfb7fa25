-- Which rows are one unit, which unit of the register that is, and rows against each other: the engine in C against the stages in
-- SQL, on random files whose identifiers hit each other and the register; and what it says of each fault.
CREATE DATABASE regress_import_identify TEMPLATE contrib_regression;
\c regress_import_identify
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql
\i :top/test/import/regions.sql
\set oracle :top '/test/import/oracle.sql'
\set stages :top '/test/import/oracle_stages.sql'
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
\set ECHO none
\i :oracle
\i :stages
\set ECHO all
INSERT INTO register.external_ident_type (code, name, shape, labels) VALUES ('census_ident', 'Census', 'hierarchical', 'census.region.unit');

-- Units that the files know: legal units T1 to T40, with gaps in their lives, establishments E1 to E20, informal ones I1 to I20.
CREATE PROCEDURE public.found(job_slug text, definition text, cells text)
LANGUAGE plpgsql AS $found$
BEGIN
    INSERT INTO import.job (slug, definition_id, review) SELECT job_slug, d.id, false FROM import.definition AS d WHERE d.slug = definition;
    EXECUTE format('INSERT INTO import.%I (%s) SELECT %s', job_slug || '_upload', split_part(cells, ':', 1), split_part(cells, ':', 2));
    COMMIT;
    CALL worker.process_tasks();
END
$found$;
CALL found('legal_units', 'legal_unit_source_dates', $$tax_ident,stat_ident,census_ident_census,census_ident_region,census_ident_unit,name,valid_from,valid_to,physical_region_code:'T' || i, CASE WHEN i % 3 < 2 THEN 'S' || i END, CASE WHEN i % 5 = 0 THEN 'c' END, CASE WHEN i % 5 = 0 THEN 'r' END, CASE WHEN i % 5 = 0 THEN 'u' || i END, 'Known ' || i, '2015-01-01', CASE WHEN i % 4 = 0 THEN '2019-12-31' ELSE 'infinity' END, '03' FROM generate_series(1, 40) AS i$$);
CALL found('legal_units_again', 'legal_unit_source_dates', $$tax_ident,name,valid_from,valid_to,physical_region_code:'T' || i, 'Known again ' || i, '2022-01-01', 'infinity', '03' FROM generate_series(4, 40, 8) AS i$$);
CALL found('establishments', 'establishment_for_lu_source_dates', $$tax_ident,stat_ident,legal_unit_tax_ident,name,valid_from,valid_to,physical_region_code:'E' || i, CASE WHEN i % 3 < 2 THEN 'F' || i END, 'T' || i, 'Site ' || i, '2016-01-01', '2018-12-31', '03' FROM generate_series(1, 20) AS i$$);
CALL found('informal', 'establishment_without_lu_source_dates', $$tax_ident,stat_ident,name,valid_from,valid_to,physical_region_code:'I' || i, CASE WHEN i % 3 < 2 THEN 'J' || i END, 'Stall ' || i, '2016-01-01', 'infinity', '03' FROM generate_series(1, 20) AS i$$);
-- An identifier of neither.
INSERT INTO register.external_ident (type_id, shape, ident, enterprise_id, edit_by_user_id)
SELECT t.id, 'regular', 'N1', e.id, u.id
FROM register.external_ident_type AS t, (SELECT min(x.id) AS id FROM register.enterprise AS x) AS e, (SELECT min(y.id) AS id FROM auth."user" AS y) AS u
WHERE t.code = 'tax_ident';
SELECT j.slug, j.state, j.imported_rows FROM import.job AS j ORDER BY j.id;

-- What is said of the inputs 58 to 60 and 74 to 80.
CREATE TABLE public.file (job text, line integer, input text, cells jsonb, PRIMARY KEY (job, line));
INSERT INTO public.file VALUES
    ('periods', 2, 'i58', '{"tax_ident": "p58", "name": "Equal", "valid_from": "2020-01-01", "valid_to": "2021-12-31"}'),
    ('periods', 3, 'i58', '{"tax_ident": "p58", "name": "Equal", "valid_from": "2021-01-01", "valid_to": "2022-12-31"}'),
    ('periods', 4, 'i59', '{"tax_ident": "p59", "name": "Overlap", "valid_from": "2020-01-01", "valid_to": "2021-12-31"}'),
    ('periods', 5, 'i59', '{"tax_ident": "p59", "name": "Overlap differs", "valid_from": "2021-01-01", "valid_to": "2022-12-31"}'),
    ('periods', 6, 'i60', '{"tax_ident": "p60", "name": "Gap", "valid_from": "2020-01-01", "valid_to": "2020-12-31"}'),
    ('periods', 7, 'i60', '{"tax_ident": "p60", "name": "Gap", "valid_from": "2022-01-01", "valid_to": "2022-12-31"}'),
    ('units', 2, 'i74', '{"name": "No identifier"}'),
    ('units', 3, 'i75', '{"tax_ident": "T1", "stat_ident": "S3", "name": "Two units"}'),
    ('units', 4, 'i76', '{"tax_ident": "E1", "name": "Of a site"}'),
    ('units', 5, 'i76', '{"tax_ident": "N1", "name": "Of an enterprise"}'),
    ('units', 6, 'i77', '{"tax_ident": "T1", "stat_ident": "S1b", "name": "Changed"}'),
    ('units', 7, 'i78', '{"tax_ident": "u78", "name": "Copy"}'),
    ('units', 8, 'i78', '{"tax_ident": "u78", "name": "Copy"}'),
    ('units', 9, 'i79', '{"tax_ident": "u79", "name": "First"}'),
    ('units', 10, 'i79', '{"tax_ident": "u79", "name": "Second"}'),
    ('sites', 2, 'i75', '{"tax_ident": "s75", "legal_unit_tax_ident": "T1", "legal_unit_stat_ident": "S3", "name": "Of two"}'),
    ('sites', 3, 'i76', '{"tax_ident": "T2", "legal_unit_tax_ident": "T1", "name": "Is a legal unit"}'),
    ('sites', 4, 'i80', '{"tax_ident": "s80", "legal_unit_tax_ident": "W1", "name": "Of one that waits"}'),
    ('sites', 5, 'i80', '{"tax_ident": "s80b", "legal_unit_tax_ident": "W9", "name": "Of nobody"}'),
    ('sites', 6, 'i80', '{"tax_ident": "s80c", "legal_unit_census_ident_census": "c", "legal_unit_census_ident_region": "r", "legal_unit_census_ident_unit": "w1", "name": "Of one that waits"}'),
    ('sites', 7, 'i81', '{"tax_ident": "s81", "legal_unit_tax_ident": "T8", "name": "Of one that had ended"}'),
    ('sites', 8, '-', '{"tax_ident": "s1", "legal_unit_tax_ident": "T1", "name": "Sound"}');
CREATE PROCEDURE public.bring_file(job_slug text, definition_slug text)
LANGUAGE plpgsql AS $bring_file$
BEGIN
    INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review)
    SELECT job_slug, d.id, CASE WHEN d.valid_time_from = 'job_provided' THEN DATE '2020-01-01' END, CASE WHEN d.valid_time_from = 'job_provided' THEN DATE 'infinity' END, false
    FROM import.definition AS d WHERE d.slug = definition_slug;
    EXECUTE format('INSERT INTO api.%1$I SELECT x.* FROM public.file AS f CROSS JOIN LATERAL jsonb_populate_record(NULL::api.%1$I, f.cells) AS x WHERE f.job = $1 ORDER BY f.line', job_slug || '_upload')
    USING job_slug;
END
$bring_file$;
CALL bring_file('periods', 'legal_unit_source_dates');
CALL bring_file('units', 'legal_unit_job_provided');
CALL bring_file('sites', 'establishment_for_lu_job_provided');
-- The legal unit of the fourth and sixth: its turn comes after them.
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review) SELECT 'waits', d.id, '2020-01-01', 'infinity', true FROM import.definition AS d WHERE d.slug = 'legal_unit_job_provided';
INSERT INTO import.waits_upload (tax_ident, census_ident_census, census_ident_region, census_ident_unit, name) VALUES ('W1 ', 'c', 'r', 'w1', 'Waits');
CALL worker.process_tasks();
SELECT f.input, f.job, f.line, x.column_name AS "column", x.code, x.severity, x.value, regexp_replace(x.details::text, '("(legal_unit|establishment)_id"): \d+', '\1: #', 'g') AS details
FROM public.file AS f JOIN import.job AS j ON j.slug = f.job
LEFT JOIN import.finding AS x ON x.job_id = j.id AND x.source_line = f.line AND x.code NOT IN ('region_missing')
ORDER BY f.input, f.job, f.line, x.column_name, x.code;
SELECT j.slug, j.state, j.total_rows AS total, j.imported_rows AS imported, j.unchanged_rows AS unchanged, j.skipped_rows AS skipped, j.error_count AS errors
FROM import.job AS j WHERE j.slug IN ('periods', 'units', 'sites') ORDER BY j.id;

-- A number below the limit, the same at every run.
CREATE FUNCTION public.any_of(lim integer, VARIADIC seed text[]) RETURNS integer LANGUAGE sql IMMUTABLE
AS $$ SELECT (('x' || substr(md5(array_to_string(seed, ' ')), 1, 7))::bit(28)::integer % lim) $$;
-- A cell: identifiers of the register of each kind and of nothing, faulty ones, few periods and names, so that rows hit each other.
CREATE FUNCTION public.random_cell(column_name text, seed text, row_no integer, pool integer, kind text) RETURNS text LANGUAGE sql IMMUTABLE AS $random_cell$
    SELECT CASE
        WHEN column_name ~ '^legal_unit_(tax|stat)_ident$' THEN CASE
            WHEN a.n % 100 < CASE WHEN column_name ~ 'stat' THEN 90 ELSE 40 END THEN NULL
            WHEN b.n % 30 = 0 THEN (ARRAY['E1', 'I1', 'nobody', 'N1', '9.1E+08'])[1 + b.n / 30 % 5]
            ELSE CASE WHEN column_name ~ 'stat' THEN 'S' ELSE 'T' END || 1 + b.n % 44 END
        WHEN column_name = 'tax_ident' THEN CASE
            WHEN a.n % 4 = 0 THEN NULL
            WHEN a.n % 20 = 1 THEN (ARRAY['9.1E+08', '12,5e+7', repeat('x', 51), repeat(E'\u00e6', 50), E' \u00a0k1\u200b', 'N1', 'n/a', '', '1e5', E'\u00c51', 'x', 'E1', 'I2', 'T3'])[1 + b.n % 14]
            WHEN a.n % 2 = 0 THEN CASE WHEN b.n % 10 = 0 THEN (ARRAY['T', 'E', 'I'])[1 + b.n % 3] ELSE kind END || 1 + b.n / 10 % 24
            ELSE 'n' || b.n % pool END
        WHEN column_name = 'stat_ident' THEN CASE
            WHEN a.n % 4 > 0 THEN NULL
            WHEN a.n % 9 = 0 THEN CASE WHEN b.n % 10 = 0 THEN (ARRAY['S', 'F', 'J'])[1 + b.n % 3] ELSE translate(kind, 'TEI', 'SFJ') END || 1 + b.n / 10 % 24
            ELSE 'm' || b.n % pool END
        WHEN column_name ~ 'census_ident_(census|region)$' THEN CASE WHEN a.n % 100 >= 93 THEN CASE WHEN a.n / 100 % 10 = 0 THEN 'a-b' ELSE 'c' END END
        WHEN column_name ~ 'census_ident_unit$' THEN CASE WHEN a.n % 100 >= 93 THEN CASE WHEN a.n / 100 % 20 = 0 THEN repeat('x', 256) ELSE 'u' || b.n % 30 END END
        WHEN column_name = 'valid_from' THEN (ARRAY['2014-01-01', '2015-06-01', '2017-01-01', '2019-01-01', '2020-01-01', '2021-01-01', '2023-01-01', NULL, 'x'])[1 + CASE WHEN a.n % 20 = 0 THEN 7 + b.n % 2 ELSE b.n % 7 END]
        WHEN column_name = 'valid_to' THEN (ARRAY['2016-12-31', '2018-12-31', '2019-12-31', '2020-12-31', '2022-12-31', 'infinity', NULL])[1 + CASE WHEN a.n % 50 = 0 THEN 6 ELSE b.n % 6 END]
        WHEN column_name = 'name' AND a.n % 10 > 0 THEN 'Name ' || b.n % 3
        WHEN column_name = 'employees' AND a.n % 10 > 6 THEN (b.n % 3)::text
    END
    FROM (SELECT any_of(1000000, seed, column_name, row_no::text, 'a') AS n) AS a,
         -- components of one identifier are there together
         (SELECT any_of(1000000, seed, column_name, row_no::text, 'b') AS n) AS b
$random_cell$;
-- What the stages in SQL say of a file, and what the engine says with the settings given.
CREATE TABLE public.result (job text, row_id bigint, findings jsonb, cells jsonb, PRIMARY KEY (job, row_id));
CREATE TABLE public.difference (job text, row_id bigint, what text, expected text, got text);
CREATE PROCEDURE public.compare(job_slug text, settings jsonb DEFAULT '{}')
LANGUAGE plpgsql AS $compare$
DECLARE
    job import.job;
    before jsonb;
BEGIN
    SELECT j.* INTO STRICT job FROM import.job AS j WHERE j.slug = job_slug;
    PERFORM import_oracle.analyse_source(job.id), import_oracle.analyse_period(job.id), import_oracle.analyse_identifiers(job.id), import_oracle.analyse_units(job.id), import_oracle.analyse_repeats(job.id), import_oracle.analyse_cells(job.id);
    EXECUTE format('CREATE TEMPORARY TABLE expected AS SELECT d.*, b.findings FROM import.%I AS d LEFT JOIN pg_temp.import_bad AS b USING (row_id)', job.data_table_name);
    EXECUTE format('TRUNCATE import.%I', job.data_table_name);
    SELECT jsonb_object_agg(s.key, current_setting(s.key)) INTO before FROM jsonb_each_text(settings) AS s;
    PERFORM set_config(s.key, s.value, false) FROM jsonb_each_text(settings) AS s;
    PERFORM import.analyse_file(job.id);
    PERFORM set_config(s.key, s.value, false) FROM jsonb_each_text(before) AS s;
    EXECUTE format('CREATE TEMPORARY TABLE got AS SELECT d.*, b.findings FROM import.%I AS d LEFT JOIN import.bad_row AS b ON b.job_id = %s AND b.row_id = d.row_id', job.data_table_name, job.id);
    INSERT INTO public.difference (job, row_id, what, expected, got)
    SELECT job_slug, d.row_id, c.key, c.value, d.got ->> c.key
    FROM (SELECT row_id, to_jsonb(e) AS expected, to_jsonb(g) AS got FROM expected AS e FULL JOIN got AS g USING (row_id) WHERE e::text IS DISTINCT FROM g::text) AS d
    CROSS JOIN LATERAL jsonb_each_text(coalesce(d.expected, d.got)) AS c
    WHERE d.expected IS NULL OR d.got IS NULL OR c.value IS DISTINCT FROM d.got ->> c.key;
    INSERT INTO public.result (job, row_id, findings, cells) SELECT job_slug, g.row_id, coalesce(g.findings, '[]'), to_jsonb(g) FROM got AS g;
    DROP TABLE expected, got;
END
$compare$;
-- A random file; some rows are blank, some are copies. Compared with the stages.
CREATE PROCEDURE public.random_file(job_slug text, definition_slug text, strategy text, pool integer, unique_units boolean, settings jsonb, row_count integer DEFAULT 150)
LANGUAGE plpgsql AS $random_file$
DECLARE
    before import.definition;
    headings text[];
BEGIN
    SELECT d.* INTO STRICT before FROM import.definition AS d WHERE d.slug = definition_slug;
    UPDATE import.definition AS d SET strategy = random_file.strategy::import.strategy, unique_units = random_file.unique_units WHERE d.id = before.id;
    INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, processing_batch_size)
    SELECT job_slug, before.id, d.day, d.last, 7
    FROM (SELECT CASE WHEN before.valid_time_from = 'job_provided' THEN DATE '2020-01-01' END AS day, CASE WHEN before.valid_time_from = 'job_provided' THEN DATE 'infinity' END AS last) AS d;
    UPDATE import.definition AS d SET strategy = before.strategy, unique_units = before.unique_units WHERE d.id = before.id;
    SELECT array_agg(a.attname ORDER BY a.attnum) INTO headings FROM pg_attribute AS a
    WHERE a.attrelid = format('import.%I', job_slug || '_upload')::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT LIKE 'statbus:%';
    EXECUTE format('INSERT INTO import.%1$I (%2$s) SELECT %3$s FROM (SELECT CASE WHEN any_of(10, $1, g::text) = 0 THEN any_of(%4$s, $1, g::text, ''copy'') ELSE g END AS n FROM generate_series(1, %4$s) AS g OFFSET 0) AS r',
        job_slug || '_upload', (SELECT string_agg(quote_ident(h), ', ') FROM unnest(headings) AS h),
        (SELECT string_agg(CASE WHEN h ~ '(ident|valid_from|valid_to|name|employees|census)' THEN format('CASE WHEN r.n %% 50 > 0 THEN random_cell(%L, $1, r.n, %s, %L) END', h, pool,
                CASE before.mode WHEN 'establishment_formal' THEN 'E' WHEN 'establishment_informal' THEN 'I' ELSE 'T' END) ELSE 'NULL' END, ', ' ORDER BY o)
         FROM unnest(headings) WITH ORDINALITY AS t (h, o)), row_count)
    USING job_slug;
    CALL compare(job_slug, settings);
END
$random_file$;
SELECT format('CALL random_file(%L, %L, %L, %s, %s, %L)', 'random_' || x.n, x.definition, x.strategy, (ARRAY[15, 120, 1000])[1 + x.n % 3], (x.definition NOT LIKE '%source%' OR x.n % 2 = 0)::text,
              (ARRAY['{}', '{"work_mem": "64kB"}', '{"datestyle": "German", "timezone": "Asia/Tokyo"}'])[1 + x.n % 3])
FROM (SELECT row_number() OVER (ORDER BY d.definition, s.strategy) AS n, d.definition, s.strategy
      FROM unnest('{legal_unit_source_dates,legal_unit_job_provided,establishment_for_lu_source_dates,establishment_for_lu_job_provided,establishment_without_lu_source_dates,generic_unit_stats_update_source_dates}'::text[]) AS d (definition),
           unnest('{insert_or_replace,insert_or_update,insert_only,update_only,replace_only}'::text[]) AS s (strategy)
      WHERE d.definition NOT LIKE 'generic%' OR s.strategy IN ('insert_or_update', 'update_only')) AS x
\gexec
-- Long enough to leave memory: spools and sorts of 64 kB.
CALL random_file('random_long', 'legal_unit_source_dates', 'insert_or_update', 3000, false, '{"work_mem": "64kB"}', 4000);
-- A chain: each row shares an identifier with the next; all are one unit.
INSERT INTO import.job (slug, definition_id) SELECT 'chain', d.id FROM import.definition AS d WHERE d.slug = 'legal_unit_source_dates';
INSERT INTO import.chain_upload (tax_ident, stat_ident, name, valid_from, valid_to)
SELECT 'a' || n / 2, 'b' || (n + 1) / 2, 'Chain', to_char(DATE '2020-01-01' + n, 'YYYY-MM-DD'), to_char(DATE '2020-01-01' + n, 'YYYY-MM-DD') FROM generate_series(1, 500) AS n ORDER BY md5(n::text);
CALL compare('chain');

-- Nothing differs; and much was there to differ in.
SELECT d.job, d.what, count(*), min(d.row_id) AS first FROM difference AS d GROUP BY d.job, d.what ORDER BY d.job, d.what;
SELECT d.job, d.row_id, d.what, left(d.expected, 600) AS expected, left(d.got, 600) AS got FROM difference AS d ORDER BY d.job, d.row_id, d.what LIMIT 10;
SELECT count(DISTINCT r.job) AS files, count(*) AS rows, count(*) FILTER (WHERE r.cells ->> 'state' = 'error') AS errors, count(*) FILTER (WHERE r.cells ->> 'action' = 'skip' AND r.cells ->> 'state' = 'analysed') AS skipped
FROM result AS r;
SELECT f.finding ->> 'code' AS code, f.finding ->> 'severity' AS severity, count(*) > 0 AS said, string_agg(DISTINCT CASE WHEN f.finding ? 'column' THEN 'column' ELSE 'row' END, ', ') AS of,
       array_agg(DISTINCT k.key ORDER BY k.key) FILTER (WHERE k.key IS NOT NULL) AS details
FROM result AS r CROSS JOIN LATERAL jsonb_array_elements(r.findings) AS f (finding) LEFT JOIN LATERAL jsonb_object_keys(f.finding -> 'details') AS k (key) ON true
WHERE f.finding ->> 'code' ~ '^(ident_|link_|unit_|reference_|row_|period_|blank|too_long)' AND f.finding ->> 'code' NOT LIKE 'period_reversed'
GROUP BY 1, 2 ORDER BY 1, 2;
\c contrib_regression
DROP DATABASE regress_import_identify;

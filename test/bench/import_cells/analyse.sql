-- The analysis of a file of 1 M rows and 22 columns (BENCH_ROWS: another number): clean, with every 20th row bad, with all rows bad
-- and eight findings in each, beside a plain INSERT … SELECT with casts of the clean file and a plain INSERT of the same findings; then
-- where it spends its time.
-- needs: import.analyse_file
-- run: casts
-- run: casts_same_columns
-- run: clean
-- run: some_bad
-- run: all_bad
-- run: clean_and_findings
-- run: clean_memory x1 memory rows=$BENCH_ROWS block=clean
-- run: all_bad_memory x1 memory rows=$BENCH_ROWS block=all_bad
-- run: cancelled
-- run: clean_file x1 command=./stage.sh clean file
-- run: clean_index x1 command=./stage.sh clean index
-- run: clean_plausible x1 command=./stage.sh clean plausible
-- run: all_bad_file x1 command=./stage.sh all_bad file
-- run: all_bad_index x1 command=./stage.sh all_bad index
-- run: all_bad_plausible x1 command=./stage.sh all_bad plausible
-- ratio: the whole analysis of a clean file, of INSERT … SELECT with casts | import.analyse | clean / casts | <= 2.5
-- ratio: the same, of INSERT … SELECT of the same columns into the data table | import.analyse | clean / casts_same_columns |
-- ratio: every 20th row bad, of a clean file | import.analyse | some_bad / clean | <= 1.1
-- ratio: all rows bad, of a clean file and 1.5 times INSERT of the same findings | import.analyse | all_bad / clean_and_findings | <= 1
-- memory: private memory of a row, clean file | import.analyse | clean_memory | <= 192
-- memory: private memory of a row, all rows bad | import.analyse | all_bad_memory | <= 192
-- time: cancelled after 300 ms | import.analyse | cancelled | <= 400
-- time: of a clean file: read, identified, judged, written | import.analyse_file | clean_file |
-- time: of it: indexes and statistics | import.index_data | clean_index |
-- time: of it: far from the period before | import.analyse_plausibility | clean_plausible |
-- time: of a file of bad rows: read, identified, judged, written | import.analyse_file | all_bad_file |
-- time: of it: indexes and statistics | import.index_data | all_bad_index |
-- time: of it: far from the period before | import.analyse_plausibility | all_bad_plausible |
\echo == setup
\set n 1000000
\getenv n BENCH_ROWS
INSERT INTO register.settings (activity_category_standard_id, country_id, region_version_id)
SELECT s.id, c.id, v.id
FROM register.activity_category_standard AS s, register.country AS c, register.region_version AS v
WHERE s.code = 'nace_v2.1' AND c.iso_2 = 'NO' AND v.code = 'initial';
INSERT INTO register.region (version_id, path, name)
SELECT v.id, lpad(r::text, 2, '0')::ltree, 'Region ' || r FROM register.region_version AS v, generate_series(1, 90) AS r WHERE v.code = 'initial';
INSERT INTO import.definition (slug, name, mode, strategy, valid_time_from, unique_units, data_source_id)
SELECT 'bench', 'Bench', 'legal_unit', 'insert_or_replace', 'source_columns', false, s.id FROM register.data_source AS s WHERE s.code = 'nlr' AND s.enabled;
INSERT INTO import.definition_step (definition_id, step_id)
SELECT d.id, s.id FROM import.definition AS d, import.step AS s
WHERE d.slug = 'bench' AND s.code IN ('valid_time', 'external_idents', 'data_source', 'status', 'enterprise_link_for_legal_unit', 'legal_unit', 'physical_location',
    'primary_activity', 'secondary_activity', 'contact', 'statistical_variables', 'edit_info', 'metadata');
INSERT INTO import.source_column (definition_id, column_name, priority)
SELECT d.id, h.name, h.place FROM import.definition AS d,
    unnest('{tax_ident,stat_ident,valid_from,valid_to,name,birth_date,death_date,physical_address_part1,physical_postcode,physical_postplace,physical_latitude,physical_longitude,
        physical_region_code,physical_country_iso_2,web_address,email_address,phone_number,primary_activity_category_code,sector_code,legal_form_code,employees,turnover}'::text[])
    WITH ORDINALITY AS h (name, place) WHERE d.slug = 'bench';
INSERT INTO import.mapping (definition_id, source_column_id, target_data_column_id)
SELECT h.definition_id, h.id, c.id
FROM import.definition AS d
JOIN import.source_column AS h ON h.definition_id = d.id
JOIN import.definition_step AS ds ON ds.definition_id = d.id
JOIN import.data_column AS c ON c.step_id = ds.step_id AND c.column_name = h.column_name || '_raw'
WHERE d.slug = 'bench';
INSERT INTO import.job (slug, definition_id) SELECT s.slug, d.id FROM import.definition AS d, unnest('{clean,some_bad,all_bad}'::text[]) WITH ORDINALITY AS s (slug, place) WHERE d.slug = 'bench' ORDER BY s.place;

-- Row i of a file; the rows of which bad(i) is true have eight findings.
CREATE PROCEDURE fill(slug text, bad text, n integer) LANGUAGE plpgsql AS $fill$
DECLARE
    regions text[] := ARRAY(SELECT r.code FROM register.region AS r ORDER BY r.id);
    activities text[] := ARRAY(SELECT c.code FROM register.activity_category AS c JOIN register.settings AS s ON s.activity_category_standard_id = c.standard_id
                               WHERE c.enabled AND NOT EXISTS (SELECT FROM register.activity_category AS x WHERE x.parent_id = c.id) ORDER BY c.code);
    sectors text[] := ARRAY(SELECT c.code FROM register.sector AS c WHERE c.code IS NOT NULL AND c.enabled ORDER BY c.code);
    forms text[] := ARRAY(SELECT c.code FROM register.legal_form AS c WHERE c.enabled ORDER BY c.code);
BEGIN
    EXECUTE format($sql$
        INSERT INTO import.%I
        SELECT (900000000 + g.i)::text, 'S' || g.i, '2020-01-01', 'infinity', 'Bakery and Sons number ' || g.i,
               CASE WHEN g.bad THEN '31.02.2019' ELSE to_char(DATE '1950-01-01' + g.i %% 25000, 'YYYY-MM-DD') END, NULL,
               'Long Street ' || g.i %% 900 || CASE WHEN g.bad THEN E'\tB' ELSE '' END, lpad((g.i %% 9999)::text, 4, '0'), 'Some Town',
               CASE WHEN g.bad THEN '95.5' ELSE (58 + g.i %% 1000 / 100.0)::text END, (5 + g.i %% 2000 / 100.0)::text,
               CASE WHEN g.bad THEN '991' ELSE $1[1 + g.i %% cardinality($1)] END, 'NO', 'www.example' || g.i || '.no',
               CASE WHEN g.bad THEN 'post@' ELSE 'post' || g.i || '@example.no' END, '22 33 44 ' || g.i %% 90,
               CASE WHEN g.bad THEN '1.110' ELSE $2[1 + g.i %% cardinality($2)] END, $3[1 + g.i %% cardinality($3)], $4[1 + g.i %% cardinality($4)],
               CASE WHEN g.bad THEN '12.5' ELSE (g.i %% 500)::text END, CASE WHEN g.bad THEN '1.234.567,89' ELSE (g.i %% 100000 * 7.25)::text END
        FROM (SELECT i, %s AS bad FROM generate_series(1, %s) AS i) AS g$sql$, fill.slug || '_upload', fill.bad, fill.n)
    USING regions, activities, sectors, forms;
    -- In the order of the file, as an upload has them: INSERT puts short rows into gaps of pages before, and then places are sorted.
    EXECUTE format('CREATE INDEX in_order ON import.%I ("statbus:place")', fill.slug || '_upload');
    EXECUTE format('CLUSTER import.%I USING in_order', fill.slug || '_upload');
    DROP INDEX import.in_order;
END
$fill$;
CREATE SCHEMA kept;
-- Milliseconds by the clock, and of the processor.
CREATE TABLE kept.stage (job text, stage text, ms double precision, cpu double precision, PRIMARY KEY (job, stage));
CREATE FUNCTION cpu() RETURNS double precision LANGUAGE sql VOLATILE AS $cpu$ SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::double precision / 1000000 $cpu$;
CREATE PROCEDURE clock(job text, stage text, statement text) LANGUAGE plpgsql AS $clock$
DECLARE
    started timestamptz := clock_timestamp();
    started_cpu double precision := cpu();
BEGIN
    EXECUTE statement USING (SELECT j.id FROM import.job AS j WHERE j.slug = clock.job);
    INSERT INTO kept.stage (job, stage, ms, cpu) VALUES (clock.job, clock.stage, 1000 * extract(epoch FROM clock_timestamp() - started), cpu() - started_cpu);
    COMMIT;
END
$clock$;
-- The parts of an analysis, each timed.
CREATE PROCEDURE stages(slug text) LANGUAGE plpgsql AS $stages$
BEGIN
    CALL clock(slug, 'file', 'SELECT import.analyse_file($1)');
    CALL clock(slug, 'index', 'SELECT import.index_data($1)');
    CALL clock(slug, 'plausible', 'SELECT import.analyse_plausibility($1)');
END
$stages$;
-- The job as it is before its analysis.
CREATE PROCEDURE restore(slug text) LANGUAGE plpgsql AS $restore$
DECLARE
    index text;
BEGIN
    EXECUTE format('TRUNCATE import.%I', slug || '_data');
    FOR index IN SELECT i.indexrelid::regclass::text FROM pg_index AS i WHERE i.indrelid = format('import.%I', slug || '_data')::regclass LOOP
        EXECUTE 'DROP INDEX ' || index;
    END LOOP;
    TRUNCATE import.bad_row;
END
$restore$;
CREATE FUNCTION whole(job text) RETURNS void LANGUAGE plpgsql AS $whole$
BEGIN
    PERFORM import.analyse(j.id) FROM import.job AS j WHERE j.slug = job;
    IF EXISTS (SELECT FROM import.bad_row AS b WHERE jsonb_array_length(b.findings) <> 8 AND b.row_id > 0) THEN
        RAISE EXCEPTION 'a bad row has other than eight findings: %', (SELECT b.findings FROM import.bad_row AS b WHERE jsonb_array_length(b.findings) <> 8 AND b.row_id > 0 LIMIT 1);
    END IF;
END
$whole$;
CALL fill('clean', 'false', :n);
CALL fill('some_bad', 'i % 20 = 0', :n);
CALL fill('all_bad', 'true', :n);
VACUUM ANALYZE import.clean_upload;
VACUUM ANALYZE import.some_bad_upload;
VACUUM ANALYZE import.all_bad_upload;
CALL stages('clean');
\c
SET client_min_messages = warning;
CALL stages('all_bad');
CREATE TABLE kept.bad AS SELECT b.row_id, b.source_line, b.findings FROM import.bad_row AS b JOIN import.job AS j ON j.id = b.job_id WHERE j.slug = 'all_bad' AND b.row_id > 0;
CREATE TABLE casts (
    row_id bigint, tax_ident text, stat_ident text, valid_from date, valid_to date, name text, birth_date date, death_date date, address_part1 text, postcode text, postplace text,
    latitude numeric(9, 6), longitude numeric(9, 6), region text, country text, web_address text, email_address text, phone_number text, activity text, sector text, legal_form text, employees integer, turnover numeric);
CREATE TABLE findings (job_id integer, row_id bigint, source_line bigint, findings jsonb, PRIMARY KEY (job_id, row_id));
\echo == casts: prepare
TRUNCATE casts;
\echo == casts
INSERT INTO casts
SELECT row_number() OVER (), tax_ident, stat_ident, valid_from::date, valid_to::date, name, birth_date::date, death_date::date, physical_address_part1, physical_postcode, physical_postplace,
       physical_latitude::numeric(9, 6), physical_longitude::numeric(9, 6), physical_region_code, physical_country_iso_2, web_address, email_address, phone_number, primary_activity_category_code,
       sector_code, legal_form_code, employees::integer, turnover::numeric
FROM import.clean_upload;
\echo == casts_same_columns: prepare
CALL restore('some_bad');
\echo == casts_same_columns
INSERT INTO import.some_bad_data (row_id, source_line, tax_ident_raw, stat_ident_raw, valid_from_raw, valid_to_raw, name_raw, birth_date_raw, death_date_raw, physical_address_part1_raw, physical_postcode_raw,
       physical_postplace_raw, physical_latitude_raw, physical_longitude_raw, physical_region_code_raw, physical_country_iso_2_raw, web_address_raw, email_address_raw, phone_number_raw,
       primary_activity_category_code_raw, sector_code_raw, legal_form_code_raw, employees_raw, turnover_raw,
       valid_from, valid_to, valid_until, name, birth_date, death_date, physical_address_part1, physical_postcode, physical_postplace, physical_latitude, physical_longitude, physical_region_id, physical_country_id,
       web_address, email_address, phone_number, primary_activity_category_id, sector_id, legal_form_id, employees, turnover, founding_row_id, batch_seq, edit_by_user_id, edit_at)
SELECT row_number() OVER (), row_number() OVER () + 1, tax_ident, stat_ident, valid_from, valid_to, name, birth_date, death_date, physical_address_part1, physical_postcode,
       physical_postplace, physical_latitude, physical_longitude, physical_region_code, physical_country_iso_2, web_address, email_address, phone_number,
       primary_activity_category_code, sector_code, legal_form_code, employees, turnover,
       valid_from::date, valid_to::date, valid_to::date, name, birth_date::date, death_date::date, physical_address_part1, physical_postcode, physical_postplace, physical_latitude::numeric(9, 6), physical_longitude::numeric(9, 6), 1, 1,
       web_address, email_address, phone_number, 1, 1, 1, employees::integer, turnover::numeric, row_number() OVER (), 1, 1, statement_timestamp()
FROM import.clean_upload;
\echo == clean: prepare
CALL restore('clean');
\echo == clean
SELECT whole('clean');
\echo == some_bad: prepare
CALL restore('some_bad');
\echo == some_bad
SELECT whole('some_bad');
\echo == all_bad: prepare
CALL restore('all_bad');
\echo == all_bad
SELECT whole('all_bad');
\echo == clean_and_findings: prepare
CALL restore('clean');
TRUNCATE findings;
\echo == clean_and_findings
SELECT whole('clean');
INSERT INTO findings SELECT 1, b.row_id, b.source_line, b.findings FROM kept.bad AS b;
INSERT INTO findings SELECT 2, b.row_id, b.source_line, b.findings FROM kept.bad AS b WHERE b.row_id % 2 = 0;
\echo == cancelled: prepare
CALL restore('clean');
\echo == cancelled
SET statement_timeout = '300ms';
DO $cancelled$ BEGIN
    PERFORM import.analyse(j.id) FROM import.job AS j WHERE j.slug = 'clean';
EXCEPTION WHEN query_canceled THEN
    NULL;
END $cancelled$;

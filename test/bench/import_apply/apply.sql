-- A whole import: upload, analysis and application of new legal units, each with an enterprise, two identifiers, two addresses, two
-- activities, a contact and two statistics; then the same file again, of which no row changes anything.  Derivation is a task of its own.
-- BENCH_ROWS: another number of rows for the large file; the small one has a fourth of it. Times are of 1,000 rows: 125 ms are 8,000
-- rows a second.
-- needs: import.insert_rows import.unchanged_sql
-- run: new_small x1
-- run: new x1
-- run: again x1
-- run: plain x1
-- run: plain_insert x1 command=./phase.sh plain insert
-- run: new_small_whole x1 command=./phase.sh new_small whole
-- run: new_small_apply x1 command=./phase.sh new_small apply
-- run: new_whole x1 command=./phase.sh new whole
-- run: new_upload x1 command=./phase.sh new upload
-- run: new_analyse x1 command=./phase.sh new analyse
-- run: new_apply x1 command=./phase.sh new apply
-- run: again_whole x1 command=./phase.sh again whole
-- run: again_upload x1 command=./phase.sh again upload
-- run: again_analyse x1 command=./phase.sh again analyse
-- run: again_apply x1 command=./phase.sh again apply
-- run: written x1 command=./phase.sh again written
-- time: 1,000 rows of new units, of 50,000 | upload, import.job_step | new_small_whole | <= 125
-- time: of it: application | import.apply_batch | new_small_apply | <= 90
-- time: 1,000 rows of new units, of 200,000 | upload, import.job_step | new_whole | <= 125
-- time: of it: upload | INSERT | new_upload |
-- time: of it: analysis | import.analyse | new_analyse |
-- time: of it: application | import.apply_batch | new_apply | <= 90
-- ratio: four times the rows | import.apply_batch | new_apply / new_small_apply | <= 1.2
-- ratio: application, of INSERT of the same rows into tables with the same indexes, without keys and triggers | import.apply_batch | new_apply / plain_insert | <= 1.5
-- time: 1,000 rows of the same file again | upload, import.job_step | again_whole | <= 40
-- time: of it: upload | INSERT | again_upload |
-- time: of it: analysis | import.analyse | again_analyse |
-- time: of it: application | import.apply_batch | again_apply |
-- time: rows of the register that it wrote (a number, not ms) | import.skip_unchanged | written | <= 0
\echo == setup
\set n 200000
\getenv n BENCH_ROWS
INSERT INTO register.settings (activity_category_standard_id, country_id, region_version_id)
SELECT s.id, c.id, v.id
FROM register.activity_category_standard AS s, register.country AS c, register.region_version AS v
WHERE s.code = 'nace_v2.1' AND c.iso_2 = 'NO' AND v.code = 'initial';
INSERT INTO register.region (version_id, path, name)
SELECT v.id, lpad(r::text, 2, '0')::ltree, 'Region ' || r FROM register.region_version AS v, generate_series(1, 90) AS r WHERE v.code = 'initial';
CREATE TABLE phase (slug text, phase text, ms numeric, cpu numeric);
CREATE FUNCTION cpu() RETURNS numeric LANGUAGE sql VOLATILE AS
    $$SELECT split_part(pg_read_file('/proc/' || pg_backend_pid() || '/schedstat'), ' ', 1)::numeric / 1000000$$;
CREATE TABLE file AS
WITH code AS (
    SELECT ARRAY(SELECT r.code FROM register.region AS r ORDER BY r.id) AS regions,
           ARRAY(SELECT c.code FROM register.activity_category AS c JOIN register.settings AS s ON s.activity_category_standard_id = c.standard_id
                 WHERE c.enabled AND NOT EXISTS (SELECT FROM register.activity_category AS x WHERE x.parent_id = c.id) ORDER BY c.code) AS activities,
           ARRAY(SELECT c.code FROM register.sector AS c WHERE c.code IS NOT NULL AND c.enabled ORDER BY c.code) AS sectors,
           ARRAY(SELECT c.code FROM register.legal_form AS c WHERE c.enabled ORDER BY c.code) AS forms)
SELECT i, i > :n AS is_small, (900000000 + i)::text AS tax_ident, 'S' || i AS stat_ident, 'Company number ' || i AS name, (date '1990-01-01' + i % 9000)::text AS birth_date,
       'Main street ' || i % 300 AS physical_address_part1, lpad((i % 9999)::text, 4, '0') AS physical_postcode, 'Town ' || i % 50 AS physical_postplace,
       regions[1 + i % cardinality(regions)] AS physical_region_code, 'NO' AS physical_country_iso_2,
       'PO box ' || i AS postal_address_part1, lpad((i % 9999)::text, 4, '0') AS postal_postcode, 'Town ' || i % 50 AS postal_postplace,
       regions[1 + i % cardinality(regions)] AS postal_region_code, 'NO' AS postal_country_iso_2,
       'www.company' || i || '.no' AS web_address, 'post@company' || i || '.no' AS email_address, '+47 22' || lpad((i % 1000000)::text, 6, '0') AS phone_number,
       activities[1 + i % cardinality(activities)] AS primary_activity_category_code, activities[1 + (i * 7 + 1) % cardinality(activities)] AS secondary_activity_category_code,
       sectors[1 + i % cardinality(sectors)] AS sector_code, forms[1 + i % cardinality(forms)] AS legal_form_code,
       (i % 250)::text AS employees, (i::bigint * 37 % 1000000)::text AS turnover
FROM code CROSS JOIN generate_series(1, :n + :n / 4) AS i;
ANALYZE file;
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review)
SELECT s.slug, d.id, '2024-01-01', 'infinity', false FROM import.definition AS d, unnest('{new_small,new,again}'::text[]) WITH ORDINALITY AS s (slug, place)
WHERE d.slug = 'legal_unit_job_provided' ORDER BY s.place;
-- Uploads the file of a job, the small one or the other, and takes all steps of the job.
CREATE PROCEDURE whole(job_slug text) LANGUAGE plpgsql AS $whole$
DECLARE
    columns text := (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute AS a WHERE a.attrelid = 'file'::regclass AND a.attnum > 2);
    this_job integer := (SELECT j.id FROM import.job AS j WHERE j.slug = job_slug);
    step text := 'upload';
    started timestamptz := clock_timestamp();
    cpu_before numeric := cpu();
    goes_on boolean := true;
BEGIN
    EXECUTE format('INSERT INTO import.%I (%s) SELECT %2$s FROM file WHERE is_small = $1 ORDER BY i', job_slug || '_upload', columns) USING job_slug LIKE '%small';
    COMMIT;
    LOOP
        INSERT INTO phase VALUES (job_slug, step, EXTRACT(epoch FROM clock_timestamp() - started) * 1000, cpu() - cpu_before);
        EXIT WHEN NOT goes_on;
        started := clock_timestamp();
        cpu_before := cpu();
        SET LOCAL statbus.derive = 'deferred';
        SELECT CASE j.state WHEN 'processing_data' THEN 'apply' ELSE 'analyse' END INTO step FROM import.job AS j WHERE j.id = this_job;
        goes_on := import.job_step(this_job);
        COMMIT;
    END LOOP;
    IF EXISTS (SELECT FROM import.job AS j WHERE j.id = this_job AND (j.state <> 'finished' OR j.error_count > 0)) THEN
        RAISE EXCEPTION 'job % was not imported', job_slug;
    END IF;
END
$whole$;
\echo == new_small
CALL whole('new_small');
\echo == new
CALL whole('new');
\echo == again: prepare
CREATE TABLE mark AS SELECT pg_current_xact_id()::text::bigint AS xid;
\echo == again
CALL whole('again');
\echo == plain: prepare
DO $plain$
DECLARE
    part text;
BEGIN
    CREATE SCHEMA plain;
    FOREACH part IN ARRAY '{enterprise,legal_unit,external_ident,location,activity,contact,stat_for_unit}'::text[] LOOP
        EXECUTE format('CREATE TABLE plain.%1$I (LIKE register.%1$I INCLUDING ALL)', part);
    END LOOP;
    INSERT INTO phase SELECT 'again', 'written', count(*), count(*)
    FROM (SELECT xmin FROM register.enterprise UNION ALL SELECT xmin FROM register.legal_unit UNION ALL SELECT xmin FROM register.external_ident UNION ALL SELECT xmin FROM register.location
          UNION ALL SELECT xmin FROM register.activity UNION ALL SELECT xmin FROM register.contact UNION ALL SELECT xmin FROM register.stat_for_unit) AS r, mark AS m
    WHERE r.xmin::text::bigint >= m.xid;
END
$plain$;
\echo == plain
DO $plain$
DECLARE
    part text;
    started CONSTANT timestamptz := clock_timestamp();
    cpu_before CONSTANT numeric := cpu();
BEGIN
    FOREACH part IN ARRAY '{enterprise,legal_unit,external_ident,location,activity,contact,stat_for_unit}'::text[] LOOP
        EXECUTE (SELECT format('INSERT INTO plain.%1$I (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM register.%1$I WHERE import_job_id = (SELECT j.id FROM import.job AS j WHERE j.slug = ''new'')',
                               part, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum))
                 FROM pg_attribute AS a WHERE a.attrelid = format('register.%I', part)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '');
    END LOOP;
    INSERT INTO phase VALUES ('plain', 'insert', EXTRACT(epoch FROM clock_timestamp() - started) * 1000, cpu() - cpu_before);
END
$plain$;

-- Application: new units are inserted and unchanged rows left alone, with the same outcome as a merge of every row.
CREATE DATABASE regress_import_apply TEMPLATE contrib_regression;
\c regress_import_apply
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql
\i :top/test/import/regions.sql
INSERT INTO register.tag (path, name) VALUES ('census', 'Census'), ('pilot', 'Pilot');

-- One of these, or nothing: the same for the same number and column.
CREATE FUNCTION public.pick(seed text, choices text[]) RETURNS text LANGUAGE sql IMMUTABLE
RETURN choices[1 + ('x' || substr(md5(seed), 1, 7))::bit(28)::integer % cardinality(choices)];
CREATE PROCEDURE public.run_job(job_slug text, definition text, new_strategy text, first integer, last integer, units integer, variant text, batch integer)
LANGUAGE plpgsql AS $run_job$
DECLARE
    activities text[] := ARRAY(SELECT c.code FROM register.activity_category AS c JOIN register.settings AS s ON s.activity_category_standard_id = c.standard_id
                               WHERE c.enabled AND NOT EXISTS (SELECT FROM register.activity_category AS x WHERE x.parent_id = c.id) ORDER BY c.code LIMIT 20);
BEGIN
    UPDATE import.definition AS d SET strategy = new_strategy::import.strategy WHERE d.slug = run_job.definition;
    INSERT INTO import.job (slug, definition_id, review, processing_batch_size)
    SELECT job_slug, d.id, false, batch FROM import.definition AS d WHERE d.slug = run_job.definition;
    EXECUTE format($sql$
        INSERT INTO import.%1$I (tax_ident, stat_ident, name, valid_from, valid_to, physical_address_part1, physical_postplace, physical_region_code, physical_country_iso_2,
            postal_address_part1, postal_country_iso_2, web_address, phone_number, primary_activity_category_code, secondary_activity_category_code, sector_code, status_code,
            employees, turnover, tag_path%2$s)
        SELECT %3$L || u.unit, pick(u.unit || 's', ARRAY['S' || %3$L || u.unit, NULL]), 'Unit ' || u.unit || pick(i || 'name' || $1, '{"",""," Ltd"}'),
               CASE WHEN i > %7$s THEN '2022-01-01' ELSE pick(i || 'from', '{2020-01-01,2020-01-01,2021-01-01}') END,
               CASE WHEN i + %7$s <= %6$s THEN '2021-12-31' ELSE pick(i || 'to', '{infinity,infinity,2022-12-31}') END,
               pick(i || 'a' || $1, '{Street 1,Street 2,NULL}'), pick(i || 'b', '{Oslo,NULL}'), CASE WHEN pick(i || 'd', '{NO,SE,NULL}') IS DISTINCT FROM 'SE' THEN pick(i || 'c', '{03,11,NULL}') END, pick(i || 'd', '{NO,SE,NULL}'),
               pick(i || 'e', '{Box 1,NULL}'), pick(i || 'f', '{NO,NULL,NULL}'), pick(i || 'g', '{www.example.com,NULL}'), pick(i || 'h' || $1, '{22000000,22000001,NULL}'),
               pick(i || 'j' || $1, $2 || NULL::text), pick(i || 'k', $2 || '{NULL,NULL,NULL,NULL,NULL}'::text[]), pick(i || 'l', '{1110,2100,NULL}'), pick(i || 'm', '{active,passive,NULL}'),
               pick(i || 'n' || $1, '{1,20,300,NULL,1,20,300,NULL,1,20,300,many}'), pick(i || 'o', '{1.5,2000,NULL}'), pick(i || 'p', '{census,pilot,NULL,NULL}')%4$s
        FROM generate_series(%5$s, %6$s) AS i CROSS JOIN LATERAL (SELECT i %% %7$s AS unit) AS u$sql$,
        job_slug || '_upload', CASE WHEN definition LIKE '%for_lu%' THEN ', legal_unit_tax_ident' ELSE '' END,
        CASE WHEN definition LIKE 'legal%' THEN 'L' WHEN definition LIKE '%for_lu%' THEN 'E' ELSE 'I' END,
        CASE WHEN definition LIKE '%for_lu%' THEN ', ''L'' || u.unit / 2' ELSE '' END, first, last, units)
    USING variant, activities;
    COMMIT;
    CALL worker.process_tasks('import');
END
$run_job$;
-- Files with new units of one row and of several, the same again, with changes, and more units; of each kind.
CREATE PROCEDURE public.run_jobs() LANGUAGE plpgsql AS $run_jobs$
BEGIN
    CALL run_job('lu_new', 'legal_unit_source_dates', 'insert_or_update', 1, 120, 95, '', 30);
    CALL run_job('lu_same', 'legal_unit_source_dates', 'insert_or_update', 1, 120, 95, '', 100);
    CALL run_job('lu_patch', 'legal_unit_source_dates', 'insert_or_update', 1, 120, 105, 'x', 100);
    CALL run_job('lu_replace', 'legal_unit_source_dates', 'insert_or_replace', 1, 120, 115, 'y', 100);
    CALL run_job('lu_replace_same', 'legal_unit_source_dates', 'insert_or_replace', 1, 120, 115, 'y', 100);
    CALL run_job('lu_portion', 'legal_unit_source_dates', 'update_only', 1, 120, 115, 'z', 100);
    CALL run_job('es_new', 'establishment_for_lu_source_dates', 'insert_or_replace', 1, 70, 58, '', 50);
    CALL run_job('es_same', 'establishment_for_lu_source_dates', 'insert_or_replace', 1, 70, 58, '', 50);
    CALL run_job('es_patch', 'establishment_for_lu_source_dates', 'insert_or_update', 1, 70, 64, 'x', 50);
    CALL run_job('in_new', 'establishment_without_lu_source_dates', 'insert_or_replace', 1, 70, 58, '', 50);
    CALL run_job('in_same', 'establishment_without_lu_source_dates', 'insert_or_replace', 1, 70, 58, '', 50);
    CALL run_job('in_patch', 'establishment_without_lu_source_dates', 'insert_or_update', 1, 70, 64, 'x', 50);
END
$run_jobs$;
-- All that jobs have written, by identifiers instead of ids.
CREATE FUNCTION public.written() RETURNS SETOF text LANGUAGE plpgsql AS $written$
DECLARE
    t record;
    job record;
BEGIN
    CREATE TEMPORARY TABLE ident AS
    SELECT CASE WHEN e.legal_unit_id IS NULL THEN 'establishment' ELSE 'legal_unit' END AS unit_type, coalesce(e.legal_unit_id, e.establishment_id) AS unit_id,
           string_agg(e.ident, ',' ORDER BY e.ident) AS idents
    FROM register.external_ident AS e GROUP BY 1, 2
    UNION ALL
    SELECT 'enterprise', l.enterprise_id, string_agg(e.ident, ',' ORDER BY e.ident)
    FROM register.legal_unit AS l JOIN register.external_ident AS e ON e.legal_unit_id = l.id GROUP BY l.enterprise_id;
    FOR t IN SELECT x.name FROM unnest('{legal_unit,establishment,enterprise,external_ident,location,activity,contact,stat_for_unit,tag_for_unit}'::text[]) AS x (name) LOOP
        RETURN QUERY EXECUTE format($sql$
            SELECT concat(%1$L, ' ', l.idents, ' ', o.idents, ' ', t.row - '{id,legal_unit_id,establishment_id,enterprise_id,edit_at}'::text[], e.idents)
            FROM (SELECT to_jsonb(x) AS row FROM register.%1$I AS x OFFSET 0) AS t
            LEFT JOIN ident AS l ON l.unit_type = 'legal_unit' AND l.unit_id = (t.row ->> %2$L)::integer
            LEFT JOIN ident AS o ON o.unit_type = 'establishment' AND o.unit_id = (t.row ->> %3$L)::integer
            LEFT JOIN ident AS e ON e.unit_type = 'enterprise' AND e.unit_id = (t.row ->> 'enterprise_id')::integer$sql$,
            t.name, CASE t.name WHEN 'legal_unit' THEN 'id' ELSE 'legal_unit_id' END, CASE t.name WHEN 'establishment' THEN 'id' ELSE 'establishment_id' END);
    END LOOP;
    FOR job IN SELECT j.slug, j.data_table_name FROM import.job AS j LOOP
        RETURN QUERY EXECUTE format($sql$
            SELECT concat_ws(' ', %1$L, d.row ->> 'row_id', d.row ->> 'state', d.row -> 'merge_status', d.row -> 'errors', l.idents, e.idents, d.row ->> 'enterprise_id' IS NOT NULL)
            FROM (SELECT to_jsonb(x) AS row FROM import.%2$I AS x OFFSET 0) AS d
            LEFT JOIN ident AS l ON l.unit_type = 'legal_unit' AND l.unit_id = (d.row ->> 'legal_unit_id')::integer
            LEFT JOIN ident AS e ON e.unit_type = 'establishment' AND e.unit_id = (d.row ->> 'establishment_id')::integer$sql$,
            job.slug, job.data_table_name);
    END LOOP;
END
$written$;
\c contrib_regression
CREATE DATABASE regress_import_merge TEMPLATE regress_import_apply;

\c regress_import_apply
SET statbus."current_date" = '2024-06-15';
-- What is known of a table may have to be read again while a statement writes into it.
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $touch$
BEGIN
    GRANT SELECT ON register.location TO pg_monitor;
    RETURN NULL;
END
$touch$;
CREATE TRIGGER touch AFTER INSERT ON register.location FOR EACH STATEMENT EXECUTE FUNCTION public.touch();
-- What batches say of themselves, while they are applied, and what the rows say at the end.
CREATE TABLE public.counted (slug text, by_batches bigint[], by_rows bigint[], next_batch integer, batches integer);
CREATE FUNCTION public.note_counts() RETURNS trigger LANGUAGE plpgsql AS $note_counts$
DECLARE
    batches integer;
BEGIN
    EXECUTE format('SELECT max(d.batch_seq) FROM import.%I AS d', NEW.data_table_name) INTO batches;
    INSERT INTO public.counted
    VALUES (NEW.slug, ARRAY[OLD.imported_rows, OLD.unchanged_rows, OLD.skipped_rows, OLD.error_count],
            ARRAY[NEW.imported_rows, NEW.unchanged_rows, NEW.skipped_rows, NEW.error_count], OLD.next_batch, batches);
    RETURN NULL;
END
$note_counts$;
CREATE TRIGGER note_counts AFTER UPDATE ON import.job FOR EACH ROW
    WHEN (OLD.state = 'processing_data' AND NEW.state = 'finished') EXECUTE FUNCTION public.note_counts();
-- What the register has is read from the lowest unit to the highest by one job, and unit by unit by the next.
CREATE TABLE public.read_by (job_id integer, is_stretch boolean);
CREATE OR REPLACE FUNCTION import.is_stretch(lowest integer, highest integer, unit_count bigint) RETURNS boolean LANGUAGE sql VOLATILE STRICT AS $$
    INSERT INTO public.read_by SELECT max(j.id), max(j.id) % 2 = 0 FROM import.job AS j RETURNING is_stretch
$$;
CALL run_jobs();
SELECT r.is_stretch, string_agg(DISTINCT j.slug, ' ' ORDER BY j.slug) AS jobs FROM read_by AS r JOIN import.job AS j ON j.id = r.job_id GROUP BY 1 ORDER BY 1;
SELECT j.slug, j.state, j.imported_rows AS imported, j.unchanged_rows AS unchanged, j.skipped_rows AS skipped, j.error_count AS errors,
       j.total_rows = j.imported_rows + j.unchanged_rows + j.skipped_rows + j.error_count AS conserved, j.error
FROM import.job AS j ORDER BY j.id;
SELECT j.slug, f.code, f.column_name, count(*) FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id
WHERE f.severity = 'error' AND j.slug IN ('lu_new', 'es_new', 'in_new') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT count(*) AS jobs, bool_and(c.by_batches = c.by_rows) AS told_right, bool_and(c.next_batch = c.batches + 1) AS went_on FROM counted AS c;
-- Rows are written once more in place: no index has, or asks for, what the application writes.
SELECT i.indexrelid::regclass::text AS index, i.indisprimary AS is_key, string_agg(a.attname, ',') AS columns
FROM pg_index AS i
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND (a.attnum = ANY (i.indkey) OR pg_get_expr(i.indpred, i.indrelid) LIKE '%' || a.attname || '%')
WHERE i.indrelid = 'import.lu_same_data'::regclass GROUP BY 1, 2 ORDER BY 1;
CREATE TEMPORARY TABLE result AS SELECT w FROM written() AS w;
SELECT count(*) AS lines, md5(string_agg(w, E'\n' ORDER BY w COLLATE "C")) AS sum, string_agg(w, E'\n' ORDER BY w COLLATE "C") AS written FROM result \gset

-- The same by a merge of every row: what is written is the same, row by row.
\c regress_import_merge
SET statbus."current_date" = '2024-06-15';
CREATE OR REPLACE FUNCTION import.inserts_new_units(mode text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT false';
CREATE OR REPLACE FUNCTION import.unchanged_sql(snapshot jsonb, data_table text, batch integer, shape text, unit_reach text, time_reach text) RETURNS text
LANGUAGE sql STABLE STRICT AS 'SELECT NULL::text';
CALL run_jobs();
CREATE TEMPORARY TABLE result AS SELECT w FROM written() AS w;
SELECT count(*) = :lines AS lines, md5(string_agg(w, E'\n' ORDER BY w COLLATE "C")) = :'sum' AS sum FROM result;
SELECT 'merged' AS by, * FROM (SELECT w FROM result EXCEPT ALL SELECT w FROM string_to_table(:'written', E'\n') AS w) AS x
UNION ALL SELECT 'inserted', * FROM (SELECT w FROM string_to_table(:'written', E'\n') AS w EXCEPT ALL SELECT w FROM result) AS x
ORDER BY 2, 1 LIMIT 20;

\c contrib_regression
DROP DATABASE regress_import_merge;
DROP DATABASE regress_import_apply;

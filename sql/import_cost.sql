-- What an import costs that no clock tells: transaction ids, rows written more than once.
CREATE DATABASE regress_import_cost TEMPLATE contrib_regression;
\c regress_import_cost
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql
-- So many rows of which every tenth has two findings, in batches of a ninth; then what was used up.
CREATE TABLE public.mark (slug text, xid bigint);
CREATE PROCEDURE public.import(slug text, rows integer, first integer DEFAULT 900000000) LANGUAGE plpgsql AS $import$
BEGIN
    INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review, processing_batch_size)
    SELECT import.slug, d.id, '2024-01-01', 'infinity', false, rows / 9 FROM import.definition AS d WHERE d.slug = 'legal_unit_job_provided';
    EXECUTE format($sql$
        INSERT INTO import.%I (tax_ident, name, employees, physical_country_iso_2)
        SELECT ($2 + i)::text, 'Unit ' || i, CASE WHEN i %% 10 = 0 THEN 'ten' ELSE '12' END, CASE WHEN i %% 10 = 0 THEN 'X' ELSE 'NO' END
        FROM generate_series(1, $1) AS i$sql$, slug || '_upload') USING rows, first;
END
$import$;
CALL public.import('few', 90, 800000000);
INSERT INTO public.mark SELECT 'few', pg_current_xact_id()::text::bigint;
CALL worker.process_tasks('import');
INSERT INTO public.mark SELECT 'few: end', pg_current_xact_id()::text::bigint;
CALL public.import('many', 9000);
INSERT INTO public.mark SELECT 'many', pg_current_xact_id()::text::bigint;
CALL worker.process_tasks('import');
INSERT INTO public.mark SELECT 'many: end', pg_current_xact_id()::text::bigint;
SELECT slug, state, total_rows, imported_rows, unchanged_rows, error_count FROM import.job ORDER BY id;
-- Transactions are those of the steps and batches, each with those that catch its errors (five a batch and 28); not of rows.
-- The server's own housekeeping takes some meanwhile.
SELECT s.slug, (SELECT max(d.batch_seq) FROM import.many_data AS d) AS batches, e.xid - s.xid - 1 <= 5 * 9 + 28 + 200 AS is_bounded
FROM public.mark AS s JOIN public.mark AS e ON e.slug = s.slug || ': end' ORDER BY s.xid;
-- What was uploaded is left as it came, in one piece.
SELECT count(*) AS rows, count(DISTINCT xmin::text) AS writers, count(*) FILTER (WHERE xmax::text <> '0') AS changed FROM import.many_upload;
-- A row of the data table is written once by the analysis, and once more when it is applied.
SELECT d.state, count(*) AS rows, count(DISTINCT d.xmin::text) = max(d.batch_seq) AS by_batches, count(DISTINCT d.xmin::text) = 1 AS by_one
FROM import.many_data AS d GROUP BY d.state ORDER BY d.state;
SELECT count(*) AS rows, count(DISTINCT b.xmin::text) AS writers FROM import.bad_row AS b JOIN import.job AS j ON j.id = b.job_id WHERE j.slug = 'many' AND b.row_id > 0;
-- Again: no row of the register is written.
INSERT INTO public.mark SELECT 'again', pg_current_xact_id()::text::bigint;
CALL public.import('again', 9000);
CALL worker.process_tasks('import');
SELECT slug, state, total_rows, imported_rows, unchanged_rows, error_count FROM import.job WHERE slug = 'again';
DO $written$
DECLARE
    relation regclass;
    written bigint;
BEGIN
    FOR relation IN
        SELECT c.oid FROM pg_class AS c WHERE c.relnamespace = 'register'::regnamespace AND c.relkind = 'r' ORDER BY c.relname
    LOOP
        EXECUTE format('SELECT count(*) FROM %s AS r, public.mark AS m WHERE m.slug = ''again'' AND (r.xmin::text::bigint > m.xid OR r.xmax::text::bigint > m.xid)', relation) INTO written;
        IF written > 0 THEN
            RAISE EXCEPTION '% rows of % were written', written, relation;
        END IF;
    END LOOP;
END
$written$;
\c contrib_regression
DROP DATABASE regress_import_cost;

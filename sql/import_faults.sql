-- Rows that the register does not take, though the analysis found no fault: those and no others stay out, however many they
-- are, and it does not take an attempt for each to find them.
CREATE DATABASE regress_import_faults TEMPLATE contrib_regression;
\c regress_import_faults
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql
SET statbus.derive = 'deferred';
INSERT INTO register.tag (path, name) VALUES ('census', 'Census');
CREATE PROCEDURE public.run_job(job_slug text, definition text, columns text, query text, strategy text DEFAULT 'insert_or_update', batch integer DEFAULT 8000)
LANGUAGE plpgsql AS $run_job$
BEGIN
    UPDATE import.definition AS d SET strategy = run_job.strategy::import.strategy WHERE d.slug = run_job.definition;
    INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review, processing_batch_size)
    SELECT job_slug, d.id, x.first_day, x.last_day, false, batch
    FROM (VALUES (date '2024-01-01', date 'infinity', 'job'), (NULL, NULL, 'source')) AS x (first_day, last_day, word), import.definition AS d WHERE d.slug = run_job.definition AND d.slug LIKE '%\_' || x.word || '\_%';
    EXECUTE format('INSERT INTO import.%I (%s) %s', job_slug || '_upload', columns, query);
    COMMIT;
    CALL worker.process_tasks('import');
END
$run_job$;
CREATE VIEW public.outcome AS
SELECT j.slug, j.state, j.total_rows AS total, j.imported_rows AS imported, j.unchanged_rows AS unchanged, j.skipped_rows AS skipped, j.error_count AS errors,
       j.total_rows = j.imported_rows + j.unchanged_rows + j.skipped_rows + j.error_count AS conserved, j.error
FROM import.job AS j;
CREATE VIEW public.said AS
SELECT j.slug, f.row_id AS row, f.code, f.details ->> 'name' AS name, f.details ->> 'table' AS "table", f.details ->> 'message' AS message
FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id WHERE f.severity = 'error';

-- An installation that refuses numbers that end with 7, and says so row by row. A sequence, which no rollback takes back,
-- counts how often units are written.
CREATE SEQUENCE public.attempt;
CREATE FUNCTION public.count_attempt() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM nextval('public.attempt'); RETURN NULL; END$$;
CREATE TRIGGER attempt AFTER INSERT OR UPDATE ON register.legal_unit FOR EACH STATEMENT EXECUTE FUNCTION public.count_attempt();
CREATE FUNCTION public.no_seven() RETURNS trigger LANGUAGE plpgsql AS $no_seven$
BEGIN
    IF NEW.value_int % 10 = 7 THEN
        RAISE EXCEPTION 'no % here', NEW.value_int;
    END IF;
    RETURN NEW;
END
$no_seven$;
CREATE TRIGGER no_seven BEFORE INSERT OR UPDATE ON register.stat_for_unit FOR EACH ROW EXECUTE FUNCTION public.no_seven();
CALL run_job('new', 'legal_unit_job_provided', 'tax_ident,name,employees,email_address', $$SELECT 'T' || n, 'Unit ' || n, n::text, n || '@example.org' FROM generate_series(1, 500) AS n$$);
SELECT * FROM outcome WHERE slug = 'new';
SELECT count(*), count(*) FILTER (WHERE s.row % 10 = 7 AND s.message = format('no %s here', s.row)) AS right, min(s.code) AS code, min(s.name) AS name FROM said AS s WHERE s.slug = 'new';
SELECT nextval('attempt') - 1 <= 4 AS few_attempts, setval('attempt', 1, false) AS restarted;
SELECT count(*) AS units, count(*) FILTER (WHERE s.value_int = l.id_number) AS with_number, count(*) FILTER (WHERE c.email_address = l.id_number || '@example.org') AS with_contact
FROM (SELECT u.id, substr(u.name, 6)::integer AS id_number FROM register.legal_unit AS u) AS l
JOIN register.stat_for_unit AS s ON s.legal_unit_id = l.id JOIN register.contact AS c ON c.legal_unit_id = l.id;

-- The same through the merge: known units, of which every fifth gets such a number.
CALL run_job('known', 'legal_unit_job_provided', 'tax_ident,name,employees',
             $$SELECT 'T' || n, 'Unit ' || n, CASE WHEN n % 5 = 0 THEN '27' ELSE (n * 10)::text END FROM generate_series(1, 500) AS n WHERE n % 10 <> 7$$);
SELECT * FROM outcome WHERE slug = 'known';
SELECT count(*), min(s.message) AS message, max(s.message) AS last_message FROM said AS s WHERE s.slug = 'known';
SELECT nextval('attempt') - 1 <= 4 AS few_attempts, setval('attempt', 1, false) AS restarted;
SELECT count(*), count(*) FILTER (WHERE s.value_int = substr(l.name, 6)::integer) AS old, count(*) FILTER (WHERE s.value_int = 10 * substr(l.name, 6)::integer) AS new
FROM register.stat_for_unit AS s JOIN register.legal_unit AS l ON l.id = s.legal_unit_id AND l.valid_range @> date '2024-06-15' WHERE s.valid_until = 'infinity';

-- All of them.
CALL run_job('all', 'legal_unit_job_provided', 'tax_ident,name,employees', $$SELECT 'A' || n, 'All ' || n, '7' FROM generate_series(1, 70) AS n$$, batch => 30);
CALL run_job('all_known', 'legal_unit_job_provided', 'tax_ident,name,employees', $$SELECT 'T' || n, 'Unit ' || n, '7' FROM generate_series(1, 70) AS n WHERE n % 10 <> 7$$, batch => 30);
SELECT * FROM outcome WHERE slug LIKE 'all%' ORDER BY slug;

-- A row is refused because of one that is refused itself, for another reason that comes up later: it goes in.
CREATE UNIQUE INDEX legal_unit_one_name ON register.legal_unit (name, valid_from) WHERE name LIKE 'One%';
CALL run_job('in_turn', 'legal_unit_job_provided', 'tax_ident,name,employees', $$VALUES ('I1', 'One', '17'), ('I2', 'One', '2'), ('I3', 'One', '3'), ('I4', 'Other', '4')$$);
SELECT * FROM outcome WHERE slug = 'in_turn';
SELECT "row", code, name, "table" FROM said WHERE slug = 'in_turn' ORDER BY "row";
SELECT e.ident, l.name FROM register.external_ident AS e JOIN register.legal_unit AS l ON l.id = e.legal_unit_id WHERE e.ident LIKE 'I_' ORDER BY 1;

-- Each table that rows write: identifiers and tags, in the file of new units and in the merge; of a unit with several rows one.
CREATE FUNCTION public.no_nine() RETURNS trigger LANGUAGE plpgsql AS $no_nine$
BEGIN
    RAISE EXCEPTION 'not in %', TG_TABLE_NAME USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME;
END
$no_nine$;
CREATE TRIGGER no_nine BEFORE INSERT ON register.external_ident FOR EACH ROW WHEN (NEW.ident LIKE '%9') EXECUTE FUNCTION public.no_nine();
CREATE TRIGGER no_nine BEFORE INSERT ON register.tag_for_unit FOR EACH ROW WHEN (NEW.import_source_line IN (3, 7)) EXECUTE FUNCTION public.no_nine();
CREATE TRIGGER no_nine BEFORE INSERT ON register.enterprise FOR EACH ROW WHEN (NEW.import_source_line IN (8, 10)) EXECUTE FUNCTION public.no_nine();
CALL run_job('idents', 'legal_unit_source_dates', 'tax_ident,name,valid_from,valid_to,tag_path',
             $$VALUES ('X1', 'X1', '2020-01-01', 'infinity', 'census'), ('X2', 'X2', '2020-01-01', '2020-12-31', 'census'), ('X2', 'X2 later', '2021-01-01', 'infinity', ''),
                      ('X19', 'X19', '2020-01-01', '2020-12-31', ''), ('X19', 'X19 later', '2021-01-01', 'infinity', ''), ('X4', 'X4', '2020-01-01', 'infinity', 'census'),
                      ('X5', 'X5', '2020-01-01', '2020-12-31', ''), ('X5', 'X5 later', '2021-01-01', 'infinity', ''), ('X6', 'X6', '2020-01-01', 'infinity', '')$$);
SELECT * FROM outcome WHERE slug = 'idents';
SELECT "row", code, "table", message FROM said WHERE slug = 'idents' ORDER BY "row";
SELECT l.name, l.valid_from, l.valid_to FROM register.legal_unit AS l WHERE l.name LIKE 'X%' ORDER BY 1;

-- What fails is written for none of the rows by itself: an heir of the primary one. Then rows are applied in ever smaller numbers.
CALL run_job('es', 'establishment_for_lu_job_provided', 'tax_ident,legal_unit_tax_ident,name',
             $$VALUES ('E1', 'T1', 'Primary'), ('E2', 'T1', 'Heir'), ('E3', 'T3', 'Third'), ('E4', 'T3', 'Fourth')$$);
CREATE TRIGGER no_heir BEFORE INSERT OR UPDATE ON register.establishment FOR EACH ROW WHEN (NEW.edit_comment LIKE 'primary in place%' AND NEW.name = 'Heir') EXECUTE FUNCTION public.no_nine();
CALL run_job('heirs', 'establishment_for_lu_job_provided', 'tax_ident,legal_unit_tax_ident,name',
             $$VALUES ('E1', 'T2', 'Primary'), ('E3', 'T4', 'Third'), ('E5', 'T5', 'Fifth'), ('E4', 'T3', 'Fourth again')$$);
SELECT * FROM outcome WHERE slug IN ('es', 'heirs') ORDER BY slug;
SELECT "row", code, "table", message FROM said WHERE slug = 'heirs' ORDER BY "row";
SELECT e.name, e.primary_for_legal_unit, l.name AS of FROM register.establishment AS e JOIN register.legal_unit AS l ON l.id = e.legal_unit_id ORDER BY 1;

SELECT slug, state, error FROM import.job WHERE state <> 'finished' OR total_rows <> imported_rows + unchanged_rows + skipped_rows + error_count;
CALL worker.process_tasks();
SELECT * FROM statbus.verify_derived();
\c contrib_regression
DROP DATABASE regress_import_faults;

-- Damage at random never loses a row that has none, and never a row at all: files of every kind of unit, by COPY and in chunks, with
-- cells and bytes changed, by every strategy. What is there for a sound row of a damaged file is what is there for the row of a clean one.
CREATE DATABASE regress_import_property TEMPLATE contrib_regression;
\c regress_import_property
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql
\i :top/test/import/regions.sql
\getenv out PG_ABS_BUILDDIR
\set property :top '/test/import/property.sql'
\set file :out '/results/import_property.csv'
SET client_min_messages = warning;
\set ECHO none
\i :property
\set ECHO all

-- What was found out about the sound rows of a job: a line for each that is not as it must be.
CREATE TABLE public.wrong (slug text, what text, place integer, expected text, got text);
CREATE TABLE public.was AS SELECT * FROM import_property.versions() WITH NO DATA;
CREATE TABLE public.clean (kind text, n integer, what jsonb, PRIMARY KEY (kind, n));

-- Runs a job whose file is there, and looks at what has become of it.
CREATE PROCEDURE public.finish(job_slug text, of_run text, in_chunks boolean, again boolean DEFAULT false)
LANGUAGE plpgsql AS $finish$
DECLARE
    job import.job;
BEGIN
    TRUNCATE public.was;
    INSERT INTO public.was SELECT * FROM import_property.versions();
    COMMIT;
    CALL worker.process_tasks();
    SELECT * INTO STRICT job FROM import.job AS j WHERE j.slug = job_slug;
    INSERT INTO public.wrong
    SELECT job_slug, 'state', NULL::integer, 'finished', concat_ws(' ', job.state, job.error) WHERE job.state <> 'finished'
    UNION ALL
    SELECT job_slug, 'balance', NULL, job.total_rows::text, concat_ws(' ', job.imported_rows, job.unchanged_rows, job.skipped_rows, job.error_count)
    WHERE job.total_rows IS DISTINCT FROM job.imported_rows + job.unchanged_rows + job.skipped_rows + job.error_count;
    EXECUTE format($sql$
        INSERT INTO public.wrong
        SELECT $1, 'rows of the upload', NULL::integer, count(*)::text, $2::text FROM import.%1$I HAVING count(*) <> $2
        UNION ALL
        SELECT $1, 'rows of the data', NULL, count(*)::text, $2::text FROM import.%2$I HAVING count(*) <> $2
        UNION ALL
        SELECT $1, 'an error that is not told', d.row_id, NULL, d.errors::text FROM import.%2$I AS d
        WHERE d.state = 'error' AND NOT EXISTS (SELECT FROM import.finding AS f WHERE f.job_id = $3 AND f.row_id = d.row_id AND f.severity = 'error' AND f.source_line IS NOT NULL)
        UNION ALL
        SELECT $1, 'a row that is left over', d.row_id, NULL, concat_ws(' ', d.action, d.state) FROM import.%2$I AS d WHERE d.state NOT IN ('processed', 'error') AND d.action <> 'skip'
        UNION ALL
        SELECT $1, 'an error of a row that went in', d.row_id, NULL, f.code FROM import.%2$I AS d JOIN import.finding AS f ON f.job_id = $3 AND f.row_id = d.row_id AND f.severity = 'error' WHERE d.state = 'processed'
        $sql$, job.upload_table_name, job.data_table_name) USING job_slug, job.total_rows, job.id;
    -- Each sound row is known with its line, and is no error (of strategy insert_only it is one the second time).
    EXECUTE format($sql$
        INSERT INTO public.wrong
        SELECT $1, 'a sound row', r.place, CASE WHEN $3 THEN r.line ELSE r.place + 1 END::text, concat_ws(' ', d.source_line, d.state, d.action, d.errors)
        FROM import_property.record AS r LEFT JOIN import.%1$I AS d ON d.source_line = CASE WHEN $3 THEN r.line ELSE r.place + 1 END
        WHERE r.run = $2 AND r.sound AND r.place > 0 AND (d.row_id IS NULL OR d.state <> 'processed' AND NOT $4)$sql$, job.data_table_name)
    USING job_slug, of_run, in_chunks, again;
    IF NOT EXISTS (SELECT FROM public.clean AS c JOIN import_property.run AS r ON r.kind = c.kind WHERE r.run = of_run) THEN
        INSERT INTO public.clean SELECT r.kind, k.n, k.what FROM import_property.run AS r CROSS JOIN import_property.known(of_run) AS k WHERE r.run = of_run;
    END IF;
    INSERT INTO public.wrong
    SELECT job_slug, 'what is known', c.n, c.what::text, k.what::text
    FROM import_property.run AS r
    JOIN public.clean AS c ON c.kind = r.kind
    JOIN import_property.record AS l ON l.run = r.run AND l.place = c.n AND l.sound
    LEFT JOIN import_property.known(of_run) AS k ON k.n = c.n
    WHERE r.run = of_run AND c.what IS DISTINCT FROM k.what;
    IF again THEN
        INSERT INTO public.wrong
        SELECT job_slug, 'written again', NULL::integer, NULL, concat_ws(' ', w.tab, w.n) FROM
            (SELECT x.tab, count(*) AS n FROM (SELECT * FROM import_property.versions() EXCEPT SELECT * FROM public.was) AS x GROUP BY x.tab
             UNION ALL SELECT x.tab, -count(*) FROM (SELECT * FROM public.was EXCEPT SELECT * FROM import_property.versions()) AS x GROUP BY x.tab) AS w
        UNION ALL
        SELECT job_slug, 'imported again', NULL, '0', job.imported_rows::text WHERE job.imported_rows > 0;
    END IF;
    COMMIT;
END
$finish$;

-- The file of a run in chunks, twice.
CREATE PROCEDURE public.in_chunks(of_run text, strategy text)
LANGUAGE plpgsql AS $in_chunks$
BEGIN
    CALL import_property.send(of_run || '_' || strategy, of_run, strategy);
    CALL public.finish(of_run || '_' || strategy, of_run, true);
    CALL import_property.send(of_run || '_' || strategy || '_again', of_run, strategy);
    CALL public.finish(of_run || '_' || strategy || '_again', of_run, true, true);
END
$in_chunks$;

-- The legal units that the others are about.
CALL import_property.make('base', 'base', 'LLL', 2010, 130, 0, false, ',', E'\n');
CALL in_chunks('base', 'insert_or_update');
SELECT slug, state, total_rows, imported_rows, unchanged_rows, warning_count FROM import.job;
SELECT n, what FROM clean WHERE n IN (1, 17, 25);
SELECT * FROM wrong;

-- Clean files, then damaged ones, each of other units or another year.
CREATE PROCEDURE public.kind(kind text, strategies text[])
LANGUAGE plpgsql AS $kind$
DECLARE
    rows CONSTANT integer := 120;
    letters CONSTANT text := substr('PQRSTU', array_position('{legal,legal_job,formal,informal,stats,links}', kind), 1);
    own_year CONSTANT boolean := kind IN ('stats', 'links');
BEGIN
    CALL import_property.make(kind || '_clean', kind, CASE kind WHEN 'stats' THEN 'LLL' ELSE letters || 'CC' END, CASE WHEN own_year THEN 2011 ELSE 2010 END, rows, 0, false, ',', E'\n');
    CALL public.in_chunks(kind || '_clean', strategies[1]);
    FOR i IN 1 .. cardinality(strategies) LOOP
        CALL import_property.make(kind || '_bad' || i, kind, CASE kind WHEN 'stats' THEN 'LLL' ELSE letters || repeat(chr(67 + i), 2) END, CASE WHEN own_year THEN 2011 + 7 * i ELSE 2010 END, rows, 1 + i % 4, true,
                                  CASE WHEN i % 2 = 0 THEN ',' ELSE ';' END, CASE WHEN i % 3 = 0 THEN E'\r\n' ELSE E'\n' END);
        CALL public.in_chunks(kind || '_bad' || i, strategies[i]);
    END LOOP;
END
$kind$;
CALL kind('legal', '{insert_or_update,insert_or_replace,insert_or_update,insert_only}');
CALL kind('legal_job', '{insert_or_update,insert_or_replace}');
CALL kind('formal', '{insert_or_update,insert_or_replace,insert_or_update}');
CALL kind('informal', '{insert_or_replace,insert_only}');
CALL kind('stats', '{replace_only,update_only,replace_only,insert_or_update}');
CALL kind('links', '{insert_or_update,insert_or_replace}');

-- By COPY only cells can be damaged.
CALL import_property.make('legal_copy', 'legal', 'PZZ', 2010, 120, 2, false, ',', '');
CALL import_property.make('formal_copy', 'formal', 'RZZ', 2010, 120, 2, false, ',', '');
CALL import_property.make('stats_copy', 'stats', 'LLL', 2074, 120, 2, false, ',', '');
CALL import_property.make('links_copy', 'links', 'UZZ', 2074, 120, 2, false, ',', '');
CREATE VIEW public.copy_command AS
SELECT j.slug, format('COPY import.%I (%s) FROM %%L (FORMAT csv, HEADER)', j.upload_table_name, array_to_string(k.headings, ', ')) AS command
FROM import.job AS j JOIN import_property.run AS r ON j.slug LIKE r.run || '%' JOIN import_property.kind AS k ON k.kind = r.kind;
-- Their commands are not shown: where the file is differs.
\set ECHO none
CALL import_property.job('legal_copy', 'legal_copy', 'insert_or_replace');
CALL import_property.job('legal_copy_again', 'legal_copy', 'insert_or_replace');
\o :file
\pset tuples_only on
SELECT convert_from(content, 'UTF8') FROM import_property.record WHERE run = 'legal_copy' ORDER BY place;
\o
SELECT format(command, :'file') FROM copy_command WHERE slug = 'legal_copy' \gexec
CALL finish('legal_copy', 'legal_copy', false);
SELECT format(command, :'file') FROM copy_command WHERE slug = 'legal_copy_again' \gexec
CALL finish('legal_copy_again', 'legal_copy', false, true);
\pset tuples_only off
CALL import_property.job('formal_copy', 'formal_copy', 'insert_or_update');
CALL import_property.job('formal_copy_again', 'formal_copy', 'insert_or_update');
\o :file
\pset tuples_only on
SELECT convert_from(content, 'UTF8') FROM import_property.record WHERE run = 'formal_copy' ORDER BY place;
\o
SELECT format(command, :'file') FROM copy_command WHERE slug = 'formal_copy' \gexec
CALL finish('formal_copy', 'formal_copy', false);
SELECT format(command, :'file') FROM copy_command WHERE slug = 'formal_copy_again' \gexec
CALL finish('formal_copy_again', 'formal_copy', false, true);
\pset tuples_only off
CALL import_property.job('stats_copy', 'stats_copy', 'replace_only');
CALL import_property.job('stats_copy_again', 'stats_copy', 'replace_only');
\o :file
\pset tuples_only on
SELECT convert_from(content, 'UTF8') FROM import_property.record WHERE run = 'stats_copy' ORDER BY place;
\o
SELECT format(command, :'file') FROM copy_command WHERE slug = 'stats_copy' \gexec
CALL finish('stats_copy', 'stats_copy', false);
SELECT format(command, :'file') FROM copy_command WHERE slug = 'stats_copy_again' \gexec
CALL finish('stats_copy_again', 'stats_copy', false, true);
\pset tuples_only off
CALL import_property.job('links_copy', 'links_copy', 'insert_or_update');
CALL import_property.job('links_copy_again', 'links_copy', 'insert_or_update');
\o :file
\pset tuples_only on
SELECT convert_from(content, 'UTF8') FROM import_property.record WHERE run = 'links_copy' ORDER BY place;
\o
SELECT format(command, :'file') FROM copy_command WHERE slug = 'links_copy' \gexec
CALL finish('links_copy', 'links_copy', false);
SELECT format(command, :'file') FROM copy_command WHERE slug = 'links_copy_again' \gexec
CALL finish('links_copy_again', 'links_copy', false, true);
\pset tuples_only off
\set ECHO all

-- Nothing was wrong.
SELECT slug, what, count(*), min(place) AS first, min(expected) AS expected, min(got) AS got FROM wrong GROUP BY slug, what ORDER BY slug, what;
-- And there was something to go wrong.
SELECT k.kind, count(DISTINCT j.id) AS jobs, bool_and(j.total_rows = j.imported_rows + j.unchanged_rows + j.skipped_rows + j.error_count) AS balanced,
       sum(j.error_count) > 20 AS "many errors", sum(j.imported_rows) > 100 AS "many imported", sum(j.skipped_rows) AS skipped
FROM import.job AS j JOIN import_property.run AS r ON j.slug LIKE r.run || '\_%' JOIN import_property.kind AS k ON k.kind = r.kind
GROUP BY k.kind ORDER BY k.kind;
SELECT count(*) FILTER (WHERE sound) > 1500 AS "many sound", count(*) FILTER (WHERE NOT sound) > 500 AS "many damaged" FROM import_property.record;
SELECT count(DISTINCT f.code) > 30 AS "many kinds of findings" FROM import.finding AS f;
SELECT count(*) AS differences FROM statbus.verify_derived();

\c contrib_regression
DROP DATABASE regress_import_property;

\set ECHO none
-- How tests of imports begin: how they talk, the day that counts as today, a register of Norway by NACE 2.1.
SET statbus."current_date" = '2024-06-15';
\set VERBOSITY terse
\pset format unaligned
\pset footer off
INSERT INTO register.settings (activity_category_standard_id, country_id, region_version_id)
SELECT s.id, c.id, v.id
FROM register.activity_category_standard AS s, register.country AS c, register.region_version AS v
WHERE s.code = 'nace_v2.1' AND c.iso_2 = 'NO' AND v.code = 'initial';

-- Fills the upload table of a job with rows that are given as text: the first line names columns, an empty cell is NULL.
CREATE PROCEDURE public.fill(job_slug text, rows text, delimiter text DEFAULT ',')
LANGUAGE plpgsql AS $fill$
DECLARE
    headings CONSTANT text[] := string_to_array(split_part(rows, E'\n', 1), delimiter);
BEGIN
    EXECUTE format('INSERT INTO import.%I (%s) SELECT %s FROM (SELECT string_to_array(line, %L, '''') AS f, place FROM string_to_table($1, E''\n'') WITH ORDINALITY AS t (line, place)) AS x WHERE place > 1 ORDER BY place',
        job_slug || '_upload', array_to_string(headings, ', '), (SELECT string_agg(format('f[%s]', n), ', ' ORDER BY n) FROM generate_series(1, cardinality(headings)) AS n), delimiter)
    USING rows;
END
$fill$;
\set ECHO all

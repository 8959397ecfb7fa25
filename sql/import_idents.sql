-- Identifiers in files: what they must look like, by rules that are data (i65 to i73, i88), what they mean (i74 to i81), and
-- relationships (i82 to i87). The numbers are those of the bad inputs that the import must answer.
CREATE DATABASE regress_import_idents TEMPLATE contrib_regression;
\c regress_import_idents
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql

-- Rules -----------------------------------------------------------------------------------------------------------
SELECT code, patterns, checksum, weights, upper_case, suffixes, prefixes, ignored, pad_zeros, custom FROM api.external_ident_rule ORDER BY code;
SELECT r.code, x.prefix, x.checksum, x.modulus, x.description FROM api.external_ident_exception AS x JOIN api.external_ident_rule AS r ON r.id = x.rule_id;
-- No shipped type has one.
SELECT code FROM api.external_ident_type WHERE rule_id IS NOT NULL;

-- Each checksum again in SQL, over random numbers with a right and a wrong ending, and with two neighbours swapped.
CREATE FUNCTION public.digits(value text) RETURNS TABLE (d integer, place integer) LANGUAGE sql IMMUTABLE AS $digits$
    SELECT CASE WHEN c ~ '[0-9]' THEN c::integer ELSE ascii(c) - 55 END, n::integer FROM string_to_table(value, NULL) WITH ORDINALITY AS t (c, n)
$digits$;
CREATE FUNCTION public.luhn(value text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $luhn$
    SELECT sum(CASE WHEN (length(value) - place) % 2 = 0 THEN d WHEN d > 4 THEN 2 * d - 9 ELSE 2 * d END) % 10 = 0 FROM public.digits(value)
$luhn$;
CREATE FUNCTION public.is_right(rule text, value text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $is_right$
    SELECT CASE rule
        WHEN 'no_orgnr' THEN value ~ '^[0-9]{9}$' AND (SELECT sum(d * ('{3,2,7,6,5,4,3,2,1}'::integer[])[place]) % 11 = 0 FROM public.digits(value))
        WHEN 'fr_siren' THEN value ~ '^[0-9]{9}$' AND public.luhn(value)
        WHEN 'fr_siret' THEN value ~ '^[0-9]{14}$' AND (public.luhn(value) OR value LIKE '356000000%' AND (SELECT sum(d) % 5 = 0 FROM public.digits(value)))
        WHEN 'lei' THEN value ~ '^[0-9A-Z]{18}[0-9]{2}$' AND (SELECT string_agg(d::text, '' ORDER BY place)::numeric % 97 = 1 FROM public.digits(value))
        WHEN 'be_vat' THEN value ~ '^[01][0-9]{9}$' AND 97 - left(value, 8)::bigint % 97 = right(value, 2)::integer
        WHEN 'uk_company_number' THEN value ~ '^([0-9]{8}|[A-Z]{2}[0-9]{6}|R[0-9]{7}|[A-Z]{2}[0-9]{5}[A-Z]|[A-Z]{2}[0-9]{4}[A-Z]{2})$'
    END
$is_right$;
SELECT setseed(0.65);
CREATE TEMP TABLE sample AS
SELECT r.id, r.code, v.value
FROM register.external_ident_rule AS r
CROSS JOIN generate_series(1, 1500) AS n
CROSS JOIN LATERAL (SELECT CASE r.code
    WHEN 'lei' THEN (SELECT string_agg(substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', 1 + (random() * 35)::integer, 1), '') FROM generate_series(1, 18 + 0 * n)) || lpad((random() * 99)::integer::text, 2, '0')
    WHEN 'fr_siret' THEN CASE WHEN n % 3 = 0 THEN '356000000' || lpad((random() * 99999)::integer::text, 5, '0') ELSE lpad((random() * 1e14)::bigint::text, 14, '0') END
    WHEN 'be_vat' THEN (n % 3)::text || lpad((random() * 999999999)::bigint::text, 9, '0')
    WHEN 'uk_company_number' THEN (ARRAY['', 'SC', 'R', 'IP', 'N1'])[1 + n % 5] || lpad((random() * 1e8)::bigint::text, 8, '0')
    ELSE lpad((random() * 999999999)::bigint::text, 9, '0') END AS value) AS v;
-- With the check digits that are said to be right.
INSERT INTO sample
SELECT s.id, s.code, left(s.value, -length(e.digits)) || e.digits
FROM sample AS s CROSS JOIN LATERAL (SELECT register.check_ident_by_rule(s.id, s.value) #>> '{findings,0,details,expected}' AS digits) AS e
WHERE e.digits IS NOT NULL;
INSERT INTO sample SELECT s.id, s.code, overlay(s.value PLACING reverse(substr(s.value, 4, 2)) FROM 4 FOR 2) FROM sample AS s;
SELECT s.code, count(*) > 2000 AS many, count(*) FILTER (WHERE c.verdict IS NULL) > 100 AS some_right, count(*) FILTER (WHERE c.refused) > 100 AS some_wrong,
       count(*) FILTER (WHERE c.refused = public.is_right(s.code, coalesce(c.verdict ->> 'value', s.value))) AS disagree
FROM sample AS s
CROSS JOIN LATERAL (SELECT v.verdict, coalesce((v.verdict ->> 'refused')::boolean, false) AS refused
                    FROM (SELECT register.check_ident_by_rule(s.id, s.value) AS verdict OFFSET 0) AS v) AS c
GROUP BY s.code ORDER BY s.code;

-- Known identifiers.
SELECT r.code, v.value, register.check_ident_by_rule(r.id, v.value) AS said
FROM (VALUES ('no_orgnr', '974760673'), ('fr_siren', '732829320'), ('fr_siret', '73282932000074'), ('lei', '5493001KJTIIGC8Y1R12'), ('be_vat', '0403170701'),
             ('uk_company_number', '00000006'), ('uk_company_number', 'SC123456'), ('fr_siret', '35600000049837'), ('fr_siret', '35600000000048')) AS v (code, value)
JOIN register.external_ident_rule AS r ON r.code = v.code ORDER BY r.code, v.value;

-- Rules that contradict themselves are refused.
INSERT INTO register.external_ident_rule (code, name, patterns, checksum, weights) VALUES ('r', 'Too few weights', '{"#{9}"}', 'mod11', '{3,2}');
INSERT INTO register.external_ident_rule (code, name, patterns, checksum) VALUES ('r', 'Letters', '{"@{9}"}', 'luhn');
INSERT INTO register.external_ident_rule (code, name, checksum) VALUES ('r', 'No form', 'luhn');
INSERT INTO register.external_ident_rule (code, name, patterns) VALUES ('r', 'No number of times', '{"#{"}');
INSERT INTO register.external_ident_rule (code, name, patterns) VALUES ('r', 'Too long', '{"#{51}"}');
INSERT INTO register.external_ident_rule (code, name, patterns, checksum) VALUES ('r', 'No weights', '{"#{9}"}', 'mod11');
INSERT INTO register.external_ident_rule (code, name, prefixes) VALUES ('r', 'Not ASCII', '{Å}');
INSERT INTO register.external_ident_exception (rule_id, prefix, checksum, modulus) SELECT id, 'X', 'digit_sum', 7 FROM register.external_ident_rule WHERE code = 'uk_company_number';
UPDATE register.external_ident_type SET rule_id = (SELECT id FROM register.external_ident_rule WHERE code = 'lei'), shape = 'hierarchical', labels = 'a.b' WHERE code = 'person_ident';
INSERT INTO register.external_ident_rule (code, name, patterns) VALUES ('two_forms', 'Four digits or two letters', '{"#{4}",@@}');

-- Files -----------------------------------------------------------------------------------------------------------
INSERT INTO register.external_ident_type (code, name, shape, labels, priority) VALUES ('census_ident', 'Census', 'hierarchical', 'region.unit', 20);
INSERT INTO register.external_ident_type (code, name, priority, rule_id, rule_severity)
SELECT v.code, v.code, v.priority, r.id, v.severity
FROM (VALUES ('orgnr', 'no_orgnr', 21, 'error'), ('siren', 'fr_siren', 22, 'error'), ('siret', 'fr_siret', 23, 'error'), ('lei', 'lei', 24, 'error'), ('old_orgnr', 'no_orgnr', 25, 'warning'))
    AS v (code, rule, priority, severity)
JOIN register.external_ident_rule AS r ON r.code = v.rule;

CREATE TABLE public.label (slug text, line bigint, label text);
CREATE PROCEDURE public.run_job(job_slug text, definition text, strategy text, rows text, job_from date DEFAULT NULL, job_to date DEFAULT NULL)
LANGUAGE plpgsql AS $run_job$
BEGIN
    UPDATE import.definition AS d SET strategy = coalesce(run_job.strategy::import.strategy, d.strategy) WHERE d.slug = run_job.definition;
    INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review)
    SELECT job_slug, d.id, job_from, job_to, false FROM import.definition AS d WHERE d.slug = run_job.definition;
    -- What is in front of # says which input a row is, where no column does.
    INSERT INTO public.label SELECT job_slug, place, split_part(line, '#', 1) FROM string_to_table(rows, E'\n') WITH ORDINALITY AS t (line, place) WHERE line LIKE '%#%';
    rows := regexp_replace(rows, '^[^#\n]*#', '', 'gn');
    CALL public.fill(job_slug, rows, ';');
    COMMIT;
    CALL worker.process_tasks();
END
$run_job$;
CREATE VIEW public.outcome AS
SELECT j.slug, j.state, j.total_rows AS total, j.imported_rows AS imported, j.unchanged_rows AS unchanged, j.skipped_rows AS skipped, j.error_count AS errors, j.warning_count AS warnings, j.error
FROM import.job AS j;
-- The name of a row says which input it is.
CREATE FUNCTION public.said(job_slug text) RETURNS TABLE (input text, line bigint, "column" text, code text, severity text, value text, details jsonb)
LANGUAGE plpgsql AS $said$
BEGIN
    RETURN QUERY EXECUTE format($sql$
        SELECT coalesce(l.label, to_jsonb(d) ->> 'name_raw'), f.source_line, f.column_name, f.code, f.severity, f.value,
               f.details - '{units,legal_unit_id,establishment_id,influencing_id,legal_relationship_id}'::text[]
        FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id LEFT JOIN import.%I AS d ON d.row_id = f.row_id
        LEFT JOIN public.label AS l ON l.slug = j.slug AND l.line = f.source_line
        WHERE j.slug = %L ORDER BY f.row_id, f.column_name, f.code, f.value$sql$, job_slug || '_data', job_slug);
END
$said$;

-- What identifiers look like.
CALL run_job('forms', 'legal_unit_job_provided', NULL, E'name;orgnr;siren;siret;lei;old_orgnr;tax_ident;census_ident_region;census_ident_unit
good;974760673;;;;;;;
i65;974760674;;;;;;;
i65 no digit fits;000000060;;;;;;;
i65 warning;;;;;974760674;f1;;
i66 eight;;54262209;;;;;;
i66 no padding;;54262200;;;;;;
i66 ten;0974760673;;;;;;;
i66 zero lost;;5520135;;;;;;
i67;9.1E+08;;;;;;;
i67 comma;9,74761E+08;;;;;;;
i67 no rule;;;;;;9,74761E+08;;
i68 spaces;923 609 016;;;;;;;
i68 VAT;NO 889640782 MVA;;;;;;;
i68 decimals;914778271.0;;;;;;;
i69;;;;;;\u00a0f2\u200b\ufeff ;;
i69 rule;\u00a0982\u00a0463718\ufeff;;;;;;;
i70;;;;;;\u0410S12;;
i70 O for 0;97476O673;;;;;;;
i70 Cyrillic O;97476\u041e673;;;;;;;
i70 script of its own;;;;;;\u0416\u0410 12;;
i71;\uff19\uff14\uff13\uff17\uff15\uff13\uff17\uff10\uff19;;;;;;;
i71 no rule;;;;;;\uff11\uff12;;
i72;;;35600000049837;;;;;
i72 head office;;;35600000000048;;;;;
i72 neither;;;35600000049838;;;;;
i73;;;;5493001kjtiigc8y1r12;;;;
i73 check digits;;;;5493001KJTIIGC8Y1R13;;;;
i88 part;;;;;;;r;
i88 character;;;;;;;r;a-b
too long;;;;;;99999999999999999999999999999999999999999999999999x;;', '2020-01-01', 'infinity');
SELECT * FROM said('forms');
SELECT * FROM outcome WHERE slug = 'forms';
-- What is stored is the normalised value, also in the data table; severity and value of a finding are as everywhere.
SELECT l.name, t.code, e.ident FROM register.external_ident AS e JOIN register.external_ident_type AS t ON t.id = e.type_id JOIN register.legal_unit AS l ON l.id = e.legal_unit_id WHERE l.name ~ '^(good|i)' ORDER BY l.name COLLATE "C";
SELECT row_id, orgnr_raw, state, errors, warnings FROM import.forms_data WHERE name_raw IN ('i65', 'i65 warning', 'i68 VAT') ORDER BY row_id;
-- So are codes of lists looked at that are unknown.
CALL run_job('codes', 'legal_unit_job_provided', NULL, E'name;tax_ident;legal_form_code;data_source_code
i70 code;c1;\u0420LC;nlr
i70 letters of no code;c2;\u0416LC;nlr', '2020-01-01', 'infinity');
SELECT * FROM said('codes');
-- Written in another way, it is the same unit.
CALL run_job('again', 'legal_unit_job_provided', NULL, E'name;orgnr;employees
i68 VAT;NO889640782;3
i68 VAT;889.640.782;3', '2020-01-01', 'infinity');
SELECT * FROM said('again');
SELECT * FROM outcome WHERE slug = 'again';
SELECT count(*) FROM register.external_ident WHERE ident = '889640782';
-- What a rule would do to the identifiers that there are.
SELECT ident, as_read, findings -> 0 ->> 'code' AS code FROM register.idents_against_rule('tax_ident', 'no_orgnr');
SELECT count(*) FROM register.idents_against_rule('orgnr');

-- What identifiers mean.
CALL run_job('known', 'legal_unit_job_provided', NULL, E'name;tax_ident;stat_ident
Known 1;k1;s1
Known 2;k2;s2', '2020-01-01', 'infinity');
CALL run_job('short', 'legal_unit_job_provided', NULL, E'name;tax_ident
Short life;k3', '2020-01-01', '2021-12-31');
CALL run_job('shop', 'establishment_for_lu_job_provided', NULL, E'name;tax_ident;legal_unit_tax_ident
Shop;e1;k1', '2020-01-01', 'infinity');
CALL run_job('meaning', 'legal_unit_job_provided', NULL, E'name;tax_ident;stat_ident
i74;;
i75;k1;s2
i76;e1;
i77;k2;s3
i78;m1;
i78;m1;
i79;m2;
i79 other;m2;
i78 with other spaces;m3;
i78 with other spaces ; m3;', '2020-01-01', 'infinity');
SELECT * FROM said('meaning');
SELECT * FROM outcome WHERE slug = 'meaning';
CALL run_job('links', 'establishment_for_lu_job_provided', NULL, E'name;tax_ident;legal_unit_tax_ident
good;l1;k1
i80;l2;k4
i81;l4;k3', '2020-01-01', 'infinity');
SELECT * FROM said('links');
SELECT * FROM outcome WHERE slug = 'links';

-- Relationships ---------------------------------------------------------------------------------------------------
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review) SELECT 'owners', id, '2020-01-01', 'infinity', false FROM import.definition WHERE slug = 'legal_unit_job_provided';
INSERT INTO import.owners_upload (tax_ident, name) SELECT c || n, 'Owner ' || c || n FROM unnest('{a,b,c,d,f,g,h,p}'::text[]) AS c, generate_series(1, 4) AS n;
CALL worker.process_tasks();
CALL run_job('ties', 'legal_relationship_source_dates', NULL, E'#influencing_tax_ident;influenced_tax_ident;rel_type_code;percentage;valid_from;valid_to
i82#a1;a2;ownership;60;2020-01-01;infinity
i82#a2;a1;ownership;60;2021-01-01;infinity
i82 three#b1;b2;ownership;60;2020-01-01;2022-12-31
i82 three#b2;b3;control;60;2021-01-01;infinity
i82 three#b3;b1;ownership;60;2022-06-01;2023-05-31
i82 never together#c1;c2;ownership;60;2020-01-01;2020-12-31
i82 never together#c2;c1;ownership;60;2021-01-01;infinity
i82 hangs on it#a1;c3;ownership;60;2020-01-01;infinity
i83#c3;c3;ownership;60;2020-01-01;infinity
i84#d1;d2;ownership;150;2020-01-01;infinity
i84 negative#d1;d3;ownership;-5;2020-01-01;infinity
i85#p1;p4;ownership;60;2020-01-01;infinity
i85#p2;p4;ownership;30.5;2020-01-01;2021-12-31
i85#p3;p4;ownership;20;2021-01-01;infinity
i85 exactly#p1;p3;ownership;33.33;2020-01-01;infinity
i85 exactly#p2;p3;ownership;66.67;2020-01-01;infinity
i85 other type#p2;p1;control;51;2020-01-01;infinity
i86#f1;f3;control;60;2020-01-01;2020-12-31
i86#f2;f3;control;60;2020-06-01;2021-12-31
i86 one after the other#f1;f4;control;60;2020-01-01;2020-12-31
i86 one after the other#f2;f4;control;60;2021-01-01;2021-12-31
i87#g1;g2;owner;60;2020-01-01;infinity
i87 unit#g9;g2;ownership;60;2020-01-01;infinity
known#h1;h2;ownership;70;2020-01-01;infinity
known#h3;h4;ownership;70;2020-01-01;2022-12-31
known#g3;g4;ownership;70;2020-01-01;infinity', NULL, NULL);
SELECT * FROM said('ties');
SELECT * FROM outcome WHERE slug = 'ties';
-- Together with the register; what a row says of a relationship that is known takes its place.
CALL run_job('later', 'legal_relationship_source_dates', NULL, E'#influencing_tax_ident;influenced_tax_ident;rel_type_code;percentage;valid_from;valid_to
i82#g4;g3;ownership;60;2023-01-01;infinity
i82 over two#h4;a1;ownership;10;2022-01-01;infinity
i82 over two#a2;h3;ownership;10;2022-01-01;infinity
i82 too late#h4;h3;ownership;60;2023-01-01;infinity
i85#h3;h2;ownership;40;2022-01-01;infinity
i85 room was made#h1;h2;ownership;60;2024-01-01;infinity', NULL, NULL);
SELECT * FROM said('later');
CALL run_job('fractions', 'legal_relationship_source_dates', NULL, E'#influencing_tax_ident;influenced_tax_ident;rel_type_code;percentage;valid_from;valid_to
i84 fraction#d1;d4;ownership;0.5;2020-01-01;infinity
i84 fraction#d2;d4;ownership;1;2020-01-01;infinity', NULL, NULL);
SELECT * FROM said('fractions');
SELECT * FROM outcome WHERE slug IN ('later', 'fractions') ORDER BY slug;

-- Circles of random relationships, against a walk along all ways on every day.
SELECT setseed(0.82);
CREATE TEMP TABLE tie AS
SELECT round, place::integer, 1 + (random() * 9)::integer AS x, 1 + (random() * 9)::integer AS y, '2020-01-01'::date + f AS f, '2020-01-01'::date + f + (random() * (12 - f))::integer AS u
FROM generate_series(1, 200) AS round, generate_series(1, 20) AS place, LATERAL (SELECT (random() * 11)::integer + 0 * place AS f) AS s;
WITH RECURSIVE way AS (
    SELECT t.round, t.place, d::date AS day, t.y AS reached FROM tie AS t, generate_series('2020-01-01'::timestamp, '2020-01-15', '1 day') AS d WHERE d >= t.f AND d < t.u
    UNION
    SELECT w.round, w.place, w.day, t.y FROM way AS w JOIN tie AS t ON t.round = w.round AND t.x = w.reached AND w.day >= t.f AND w.day < t.u),
expected AS (SELECT w.round, w.place, min(w.day) AS day FROM way AS w JOIN tie AS t ON t.round = w.round AND t.place = w.place AND t.x = w.reached GROUP BY 1, 2),
found AS (
    SELECT a.round, c.relationship AS place, c.day
    FROM (SELECT t.round, array_agg(t.x ORDER BY t.place) AS x, array_agg(t.y ORDER BY t.place) AS y, array_agg(t.f ORDER BY t.place) AS f, array_agg(t.u ORDER BY t.place) AS u FROM tie AS t GROUP BY t.round) AS a
    CROSS JOIN LATERAL import.find_cycles(a.x, a.y, a.f, a.u, 20) AS c)
SELECT count(*) > 200 AS many, count(*) FILTER (WHERE e.day IS DISTINCT FROM f.day) AS disagree FROM expected AS e FULL JOIN found AS f USING (round, place);
SELECT * FROM import.find_cycles('{}', '{}', '{}', '{}', 0);
SELECT * FROM import.find_cycles('{1,2}', '{2}', '{}', '{}', 0);

-- Conservation, over all jobs.
SELECT slug FROM import.job WHERE total_rows <> imported_rows + unchanged_rows + skipped_rows + error_count OR state NOT IN ('finished', 'waiting_for_review') ORDER BY slug;

\c contrib_regression
DROP DATABASE regress_import_idents;

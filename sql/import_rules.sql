-- What stewards declare of files: rules about rows, severities of findings, limits of errors; and the findings of a job, counted.
CREATE DATABASE regress_import_rules TEMPLATE contrib_regression;
\c regress_import_rules
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql
\i :top/test/import/regions.sql
SET client_min_messages = warning;
SET datestyle = ISO;
INSERT INTO register.legal_form (code, name) VALUES ('as', 'Company'), ('enk', 'Sole trader');

CREATE PROCEDURE public.run_job(job_slug text, rows text, settings jsonb DEFAULT '{}')
LANGUAGE plpgsql AS $run_job$
BEGIN
    INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review, max_errors, max_error_ratio, on_error)
    SELECT job_slug, d.id, CASE WHEN d.valid_time_from = 'job_provided' THEN date '2024-01-01' END, CASE WHEN d.valid_time_from = 'job_provided' THEN date 'infinity' END, coalesce((settings ->> 'review')::boolean, false), (settings ->> 'max_errors')::bigint,
           (settings ->> 'max_error_ratio')::numeric, settings ->> 'on_error'
    FROM import.definition AS d WHERE d.slug = coalesce(settings ->> 'definition', 'legal_unit_job_provided');
    CALL public.fill(job_slug, rows);
    COMMIT;
    CALL worker.process_tasks();
END
$run_job$;
CREATE VIEW public.outcome AS
SELECT j.slug, j.state, j.total_rows AS total, j.imported_rows AS imported, j.unchanged_rows AS unchanged, j.skipped_rows AS skipped, j.error_count AS errors, j.warning_count AS warnings,
       j.total_rows = j.imported_rows + j.unchanged_rows + j.skipped_rows + j.error_count AS conserved, j.error
FROM import.job AS j;
CREATE VIEW public.said AS
SELECT j.slug, f.source_line AS line, f.column_name AS "column", f.code, f.severity, f.value, f.details
FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id;

-- A rule that cannot be compiled is refused, with the place of the fault.
\set VERBOSITY default
\set SHOW_CONTEXT never
INSERT INTO api.import_rule (definition_id, name, expression, message)
SELECT d.id, 'typo', 'employees >= 0 and employes < 10', 'No' FROM import.definition AS d WHERE d.slug = 'legal_unit_job_provided';   -- fails
INSERT INTO api.import_rule (name, expression, message) VALUES ('type', 'name > 5', 'No');                                            -- fails
INSERT INTO api.import_rule (name, expression, message) VALUES ('syntax', 'name = ''Ærø'' and', 'No');                                -- fails
INSERT INTO api.import_rule (name, expression, message) VALUES ('function', 'name is null or pg_sleep(10) = name', 'No');             -- fails
INSERT INTO api.import_rule (name, expression, message) VALUES ('date', 'birth_date > ''soon''', 'No');                               -- fails
INSERT INTO api.import_rule (name, expression, message) VALUES ('sql', 'employees > (select 1)', 'No');                               -- fails
INSERT INTO api.import_rule (name, expression, message) VALUES ('deep', repeat('(', 200) || 'employees', 'No');                       -- fails
INSERT INTO api.import_rule (name, expression, message) VALUES ('text', 'name', 'No');                                                -- fails
INSERT INTO api.import_rule (name, expression, message) VALUES ('constant', '1 = 1', 'No');                                           -- fails
\set VERBOSITY sqlstate
INSERT INTO api.import_rule (name, expression, message) VALUES ('Bad Name', 'employees > 1', 'No');                                   -- fails
INSERT INTO api.import_rule (name, expression, message) VALUES ('no_text', 'employees > 1', ' ');                                     -- fails
INSERT INTO api.import_rule (name, expression, message, severity) VALUES ('fatal', 'employees > 1', 'No', 'fatal');                   -- fails
\set VERBOSITY terse
-- An establishment has no legal form: what one definition lacks another has.
INSERT INTO api.import_rule (definition_id, name, expression, message)
SELECT d.id, 'form', 'legal_form_code is not null', 'No' FROM import.definition AS d WHERE d.slug = 'establishment_for_lu_job_provided';   -- fails
SELECT api.import_rule_try('legal_unit_job_provided', 'death_date is null or death_date >= birth_date', '{"birth_date": "2020-01-02", "death_date": "2020-01-01"}') AS reversed,
       api.import_rule_try('legal_unit_job_provided', 'death_date >= birth_date', '{"birth_date": "2020-01-02"}') AS unknown,
       api.import_rule_try('legal_unit_job_provided', 'turnover / employees < 1000.5', '{"employees": "2", "turnover": "2000.99"}') AS exact,
       api.import_rule_try('legal_unit_job_provided', 'employees > 1', '{"employees": "many"}') AS unreadable;
SELECT api.import_rule_try('legal_unit_job_provided', 'employees > 1', '{"employes": "2"}');                                          -- fails

-- Rules in a job: each row by all of them, those that cannot be judged break nothing, and skipped ones are told.
INSERT INTO api.import_rule (definition_id, name, expression, severity, message)
SELECT d.id, r.name, r.expression, r.severity, r.message
FROM import.definition AS d, (VALUES
    ('turnover_per_head', 'turnover <= employees * 1000000', 'warning', 'More than a million per head'),
    ('form_of_big_ones', 'employees < 100 or legal_form_code in (''as'', ''asa'')', 'error', 'A big unit is a company'),
    ('ident_of_nine', 'length(tax_ident) = 9 and is_digits(tax_ident)', 'error', 'Nine digits'),
    ('born_before', 'birth_date <= valid_from', 'info', 'Born within the period')) AS r (name, expression, severity, message)
WHERE d.slug = 'legal_unit_job_provided';
INSERT INTO api.import_rule (name, expression, severity, message) VALUES
    ('shouting', 'name <> ''TEST'' and lower(name) not like ''%test%''', 'error', 'A test?'),
    ('shares', 'percentage > 0', 'error', 'No share'),
    ('disabled', 'employees > 1000', 'error', 'Never said');
UPDATE api.import_rule SET enabled = false WHERE name = 'disabled';
CALL run_job('ruled', 'tax_ident,name,employees,turnover,birth_date,physical_region_code,legal_form_code
900000001,Good,2,1999999.99,2020-01-01,03,as
900000002,Rich,2,2000000.01,2020-01-01,03,as
900000003,Big,150,1,2020-01-01,03,
900000004,Bigger,150,1,2020-01-01,03,enk
90000005,Test ltd,1,1,2025-01-01,03,as
900000006,Unread,many,9999999999999,2020-01-01,03,as
900000007,Empty,,,,03,');
SELECT line, "column", code, severity, value, details FROM said WHERE slug = 'ruled' ORDER BY line NULLS FIRST, code, "column", details;
SELECT * FROM outcome WHERE slug = 'ruled';
SELECT source_line, column_name, message, hint FROM api.import_finding WHERE job_slug = 'ruled' AND code LIKE 'rule%' ORDER BY source_line NULLS FIRST, column_name;
-- A job has the rules of the moment in which it was made.
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review)
SELECT 'earlier', d.id, '2024-01-01', 'infinity', false FROM import.definition AS d WHERE d.slug = 'legal_unit_job_provided';
DELETE FROM api.import_rule;
INSERT INTO import.earlier_upload (tax_ident, name, employees) VALUES ('1', 'x', '1');
CALL worker.process_tasks();
SELECT line, "column", code, severity, value, details FROM said WHERE slug = 'earlier' ORDER BY code, "column";

-- Rules against SQL, row by row.
CREATE TABLE public.pair (rule text, sql text);
INSERT INTO pair VALUES
    ('employees > 5', 'employees > 5'), ('not employees > 5', NULL), ('employees is null', NULL), ('employees = 5 is null', NULL),
    ('employees between 2 and 7', NULL), ('employees not between 2 and turnover', NULL), ('employees in (1, 2, null)', NULL), ('employees not in (1, 2, null)', NULL),
    ('employees > 3 and turnover < 100 or name like ''%a''', NULL), ('employees > 3 and (turnover < 100 or name like ''%a'')', NULL), ('not (employees > 3 or turnover < 100)', NULL),
    ('turnover * 3 - employees / 4 + 1 > 7.25', 'turnover * 3 - employees / 4.0 + 1 > 7.25'), ('-turnover < employees', NULL), ('abs(turnover) < 30', NULL), ('turnover / 8 = 0.125', NULL),
    ('turnover / employees > 2', 'turnover / nullif(employees, 0) > 2'),
    ('name = ''aab''', NULL), ('name <> ''aab''', NULL), ('name < ''ab''', 'name COLLATE "C" < ''ab'''), ('name between ''aa'' and ''ba''', 'name COLLATE "C" between ''aa'' and ''ba'''),
    ('name like ''_a%''', NULL), ('name not like ''a%b''', NULL), ('name like ''%å%''', NULL), ('lower(name) = ''aab''', NULL), ('length(name) = 3', NULL), ('substring(name, 2, 1) = ''a''', NULL), ('substring(name, 0, 2) = ''a''', NULL),
    ('left(name, 2) = ''aa'' or right(name, -1) = ''ab''', NULL), ('left(name, -1) = ''aa''', NULL), ('coalesce(name, ''none'') = ''none''', NULL), ('coalesce(employees, turnover, 0) > 3', NULL), ('starts_with(name, ''aa'')', NULL),
    ('birth_date < death_date', NULL), ('birth_date = ''2020-02-29''', NULL), ('death_date - birth_date > 20', NULL), ('birth_date + 30 > death_date', NULL), ('birth_date + employees > death_date', NULL),
    ('year(birth_date) = 2020 and month(birth_date) = 2', 'date_part(''year'', birth_date) = 2020 and date_part(''month'', birth_date) = 2'), ('day(birth_date) <= 15', 'date_part(''day'', birth_date) <= 15'),
    ('birth_date <= today()', 'birth_date <= date ''2024-06-15'''), ('(employees > 5) = (turnover > 5)', NULL), ('(employees > 5) is not true', NULL), ('(employees > 5) is false', NULL), ('null = employees', NULL);
CREATE TABLE public.sample AS
SELECT i, CASE WHEN i % 7 > 0 THEN i * 7 % 11 END AS employees,
       CASE WHEN i % 5 > 0 THEN (i * 13 % 301 - 100) / 4.0 END AS turnover,
       CASE WHEN i % 6 > 0 THEN substr('aabbaAåbab', 1 + i * 3 % 10, 1 + i % 4) END AS name,
       CASE WHEN i % 8 > 0 THEN date '2020-02-01' + i * 17 % 59 END AS birth_date,
       CASE WHEN i % 9 > 0 THEN date '2020-02-10' + i * 19 % 73 END AS death_date
FROM generate_series(1, 500) AS i;
CREATE FUNCTION public.differences() RETURNS TABLE (rule text, rows bigint, trues bigint, falses bigint)
LANGUAGE plpgsql AS $differences$
DECLARE
    p pair;
BEGIN
    FOR p IN SELECT * FROM pair LOOP
        RETURN QUERY EXECUTE format($sql$
            SELECT %1$L::text, count(*) FILTER (WHERE a.ours IS DISTINCT FROM a.theirs), count(*) FILTER (WHERE a.theirs), count(*) FILTER (WHERE NOT a.theirs)
            FROM (SELECT import.rule_value(%1$L, '{name,employees,turnover,birth_date,death_date}', '{text,integer,numeric,date,date}',
                             ARRAY[name, employees::text, turnover::text, birth_date::text, death_date::text]) AS ours, (%2$s) AS theirs
                  FROM sample WHERE coalesce(turnover, 0) < 1e6) AS a $sql$, p.rule, coalesce(p.sql, p.rule));
    END LOOP;
END
$differences$;
SELECT count(*) AS rules, sum(rows) AS differences, count(*) FILTER (WHERE trues > 0 AND falses > 0) AS telling FROM differences();
SELECT * FROM differences() WHERE rows > 0;

-- Severities: of such codes only as may change.
INSERT INTO api.import_definition_severity (definition_id, code, severity)
SELECT d.id, 'coordinate_pair', 'warning' FROM import.definition AS d WHERE d.slug = 'legal_unit_job_provided';   -- fails
INSERT INTO api.import_definition_severity (definition_id, code, severity)
SELECT d.id, s.code, s.severity
FROM import.definition AS d, (VALUES ('not_a_number', 'warning'), ('code_unknown', 'error'), ('formula_like', 'warning'), ('region_missing', 'info'), ('date_not_in_calendar', 'info'), ('country_unknown', 'error')) AS s (code, severity)
WHERE d.slug = 'legal_unit_job_provided';
CALL run_job('severe', 'tax_ident,name,employees,birth_date,physical_region_code,physical_address_part1
s1,Unread,many,,03,
s2,No region,1,,99,
s3,=Formula,1,,03,
s4,Address,1,,,Street 1
s5,No day,1,2023-02-29,03,
s6,,1,,03,
s7,Both,many,,99,');
SELECT line, "column", code, severity, value FROM said WHERE slug = 'severe' ORDER BY line, code;
SELECT * FROM outcome WHERE slug = 'severe';
SELECT row_id, state, errors, warnings FROM import.severe_data ORDER BY row_id;
SELECT name FROM register.legal_unit WHERE name IN ('Unread', 'No day', 'Both') ORDER BY name;
-- What is found before the cells: a warning becomes an error, an error stays one.
INSERT INTO api.import_definition_severity (definition_id, code, severity)
SELECT d.id, s.code, s.severity
FROM import.definition AS d, (VALUES ('mixed_script', 'error'), ('date_not_in_calendar', 'info')) AS s (code, severity)
WHERE d.slug = 'legal_unit_source_dates';
CALL run_job('noted', 'tax_ident,name,valid_from,valid_to,birth_date
А1234B,Cyrillic,2024-01-01,infinity,
n2,No such day,2023-02-29,infinity,2023-02-29
n3,Born on no day,2024-01-01,infinity,2023-02-29', '{"definition": "legal_unit_source_dates"}');
SELECT line, "column", code, severity, value FROM said WHERE slug = 'noted' ORDER BY line, code, "column";
SELECT * FROM outcome WHERE slug = 'noted';
SELECT row_id, state, errors, warnings FROM import.noted_data ORDER BY row_id;
DELETE FROM api.import_definition_severity;

-- Limits: nothing is imported, and the counts add up.
CALL run_job('absolute', E'tax_ident,name\na1,Good\na2,\na3,\na4,Good', '{"max_errors": 1}');
CALL run_job('just_not', E'tax_ident,name\nb1,Good\nb2,\nb3,\nb4,Good', '{"max_errors": 2}');
CALL run_job('ratio', E'tax_ident,name\nc1,Good\nc2,\nc3,\nc4,Good', '{"review": true, "max_error_ratio": 0.49}');
CALL run_job('half', E'tax_ident,name\nd1,Good\nd2,\nd3,\nd4,Good', '{"max_error_ratio": 0.5}');
CALL run_job('nothing', E'tax_ident,name\ne1,Good\ne2,', '{"on_error": "import_nothing"}');
CALL run_job('clean', E'tax_ident,name\nf1,Good\nf2,Better', '{"on_error": "import_nothing", "max_errors": 0, "max_error_ratio": 0}');
UPDATE api.import_definition SET max_errors = 0 WHERE slug = 'legal_unit_job_provided';
CALL run_job('by_definition', E'tax_ident,name\ng1,Good\ng2,');
CALL run_job('by_job', E'tax_ident,name\nh1,Good\nh2,', '{"max_errors": 5}');
UPDATE api.import_definition SET max_errors = NULL WHERE slug = 'legal_unit_job_provided';
SELECT * FROM outcome WHERE slug IN ('absolute', 'just_not', 'ratio', 'half', 'nothing', 'clean', 'by_definition', 'by_job') ORDER BY slug COLLATE "C";
SELECT slug, line, code, severity, details FROM said WHERE code = 'too_many_errors' ORDER BY slug COLLATE "C";
SELECT message FROM api.import_finding WHERE code = 'too_many_errors' AND job_slug = 'ratio';
SELECT count(*) AS imported FROM register.external_ident AS i WHERE i.ident IN ('a1', 'c1', 'e1', 'g1');
-- A copy of a job has its limits.
SELECT api.import_job_clone('ratio', 'ratio_again') ->> 'job' AS copy;
SELECT slug, max_errors, max_error_ratio, on_error FROM api.import_job WHERE slug IN ('ratio', 'ratio_again') ORDER BY slug;
\set VERBOSITY sqlstate
UPDATE api.import_definition SET max_error_ratio = 1.5 WHERE slug = 'legal_unit_job_provided';   -- fails
UPDATE api.import_definition SET max_errors = -1 WHERE slug = 'legal_unit_job_provided';         -- fails
UPDATE api.import_definition SET on_error = 'ignore' WHERE slug = 'legal_unit_job_provided';     -- fails
\set VERBOSITY terse

-- i126: a status that every row lacks is one line of the summary.
CREATE TABLE public.kept AS SELECT s.id, s.assigned_by_default FROM register.status AS s;
UPDATE register.status SET assigned_by_default = false;
CALL run_job('i126', E'tax_ident,name,status_code\ni1,One,\ni2,Two,\ni3,Three,');
SELECT code, column_name, severity, finding_count, row_count, every_row, first_rows, first_lines, distinct_values, top_values FROM api.import_finding_summary('i126');
UPDATE register.status AS s SET assigned_by_default = k.assigned_by_default FROM kept AS k WHERE k.id = s.id;

-- i129: the same error in every row, and values that say which; two findings of a kind in one row are one row.
SELECT E'tax_ident,name,employees,web_address,phone_number\n' || string_agg(format('j%s,Unit,%s,=x,%s', i, CASE WHEN i % 3 = 0 THEN 'n/k' ELSE 'about ' || i % 30 END, '=1'), E'\n' ORDER BY i) AS rows FROM generate_series(1, 1000) AS i \gset
CALL run_job('i129', :'rows');
SELECT code, column_name, severity, finding_count, row_count, every_row, first_rows, first_lines, distinct_values, jsonb_array_length(top_values) AS shown, top_values -> 0 AS top, top_values -> 1 AS second
FROM api.import_finding_summary('i129') WHERE code IN ('not_a_number', 'formula_like');
SELECT count(*) FROM api.import_finding_summary('no_such_job');
-- The same by counting findings one by one.
SELECT count(*) AS differences
FROM (SELECT s.code, s.column_name, s.severity, s.finding_count, s.row_count, s.first_rows, s.distinct_values FROM import.job AS j CROSS JOIN LATERAL import.finding_summary(j.id) AS s WHERE j.slug IN ('ruled', 'severe', 'i126', 'i129')) AS a
FULL JOIN (SELECT f.code, f.column_name, f.severity, count(*) AS finding_count, count(DISTINCT f.row_id) AS row_count, (array_agg(DISTINCT f.row_id))[1:10] AS first_rows, count(DISTINCT f.value) AS distinct_values
           FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id WHERE j.slug IN ('ruled', 'severe', 'i126', 'i129') GROUP BY j.id, f.code, f.column_name, f.severity) AS b
    ON to_jsonb(a) = to_jsonb(b)
WHERE a IS NULL OR b IS NULL;

-- Rights: who administers declares, everybody reads; the summary is for those who may see the rows.
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES ('Rita', 'regress_rule_rita@example.org', 'regular_user'), ('Ada', 'regress_rule_ada@example.org', 'admin_user');
SELECT auth.sync_roles() >= 0 AS roles_made;
SET ROLE "regress_rule_rita@example.org";
INSERT INTO api.import_rule (name, expression, message) VALUES ('hers', 'employees > 0', 'No');                           -- fails
SELECT count(*) AS rules FROM api.import_rule;
SELECT count(*) > 0 AS sees_faults FROM api.import_finding_summary('i129');
SET ROLE "regress_rule_ada@example.org";
INSERT INTO api.import_rule (name, expression, message) VALUES ('hers', 'employees > 0', 'Nobody works there');
UPDATE api.import_rule SET expression = 'employees >' WHERE name = 'hers';                                                 -- fails
SELECT name, expression, severity, enabled FROM api.import_rule;
SELECT count(*) > 0 AS sees_faults FROM api.import_finding_summary('i129');
DELETE FROM api.import_rule;
RESET ROLE;
SELECT statbus.today() AS today;

\c contrib_regression
DROP DATABASE regress_import_rules;
DROP ROLE "regress_rule_rita@example.org", "regress_rule_ada@example.org";

-- What people get to see of a job: reports, the preview before approval, progress; and what they may do with it.
SET client_min_messages = warning;
CREATE DATABASE regress_import_report TEMPLATE contrib_regression;
\c regress_import_report
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql
\i :top/test/import/regions.sql
SET client_min_messages = warning;
\pset null '-'
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES
    ('Rita', 'regress_report_rita@example.org', 'regular_user'),
    ('Olav', 'regress_report_olav@example.org', 'regular_user'),
    ('Ada', 'regress_report_ada@example.org', 'admin_user');
SELECT auth.sync_roles() >= 0 AS roles_made;

-- A file over HTTP: other headings, a column that nobody knows, formulas, quotes, line breaks, rows of the wrong length.
CREATE FUNCTION public.new_job(slug text, definition text DEFAULT 'legal_unit_job_provided', review boolean DEFAULT NULL, job_from date DEFAULT '2020-01-01')
RETURNS void LANGUAGE sql AS $$
    INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review)
    SELECT new_job.slug, d.id, job_from, CASE WHEN job_from IS NOT NULL THEN 'infinity'::date END, new_job.review FROM import.definition AS d WHERE d.slug = new_job.definition
$$;
SET ROLE "regress_report_rita@example.org";
SELECT new_job('first');
SELECT import.upload_chunk('first', 1, true, convert_to(E'\ufeffTax Ident;NAME;colour;physical_region_code;employees;web_address;email_address;sector_code\r
900000001;"=HYPERLINK(""http://x"")";red;03;-3;-5;post@;zz\r
900000002;"Two\nlines; and ""quotes""";;3;12;+47;a@b.no;zz\r
900000003;@cmd;;99;about ten;''=1;a@b.no;yy\r
900000004;Short\r
900000005;;;03;n/k;;;zz\r
900000006;Fine;;03;6;;;\r
900000007; spaces ;;03;10-19;;;\r
', 'UTF8')) - 'sha256' AS answer;
RESET ROLE;
CALL worker.process_tasks();

-- With its errors, as Rita gets it; by line, only the errors, with another delimiter.
SET ROLE "regress_report_rita@example.org";
SELECT * FROM import.report_lines('first');
SELECT * FROM import.report_lines('first', 'errors', 'semicolon');
SELECT count(*) FROM import.report_lines('first', 'findings');
SELECT import.report_lines('first', 'none');        -- fails
SELECT import.report_lines('nothing');              -- fails
SELECT api.import_report_csv('first') = (SELECT E'\ufeff' || string_agg(l || E'\r\n', '') FROM import.report_lines('first') AS l) AS same;
SELECT api.import_report_text('first');
SELECT jsonb_pretty(r::jsonb #- '{event,time}' #- '{event,agent}') FROM api.import_report('first') WITH ORDINALITY AS x (r, n) WHERE r -> 'data' -> 'target' ->> 0 = 'line 9';
SELECT count(*), bool_and(r ->> 'id' = 'first-' || f.row_id || '-' || f.place AND r -> 'event' ->> 'time' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$'), array_agg(DISTINCT r -> 'rule' ->> 'severity')
FROM api.import_report('first') WITH ORDINALITY AS x (r, n)
JOIN (SELECT f.row_id, row_number() OVER (PARTITION BY f.row_id) AS place, row_number() OVER () AS n FROM (SELECT * FROM import.finding ORDER BY row_id) AS f) AS f USING (n);
SELECT source_line, column_name, code, message, hint FROM api.import_finding WHERE hint IS NOT NULL AND job_slug = 'first' ORDER BY 1, 2, 3;
RESET ROLE;
-- Others: nobody but an administrator sees findings, nobody but Rita the file.
SET ROLE "regress_report_olav@example.org";
SELECT api.import_report_text('first');             -- fails
SELECT api.import_report('first');                  -- fails
SELECT api.import_report_csv('first');              -- fails
RESET ROLE;
SET ROLE "regress_report_ada@example.org";
SELECT left(api.import_report_text('first'), 40);
SELECT count(*) > 5 AS results FROM api.import_report('first');
SELECT api.import_report_csv('first');              -- fails
RESET ROLE;

-- Findings in words are what these say, whatever is put into the templates.
CREATE FUNCTION pg_temp.render(template text, given jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(coalesce(CASE WHEN part.piece[1] IS NOT NULL THEN given ->> part.piece[1] END, part.piece[2], '{' || part.piece[1] || '}', ''), '' ORDER BY part.position)
    FROM regexp_matches(template, '\{([a-z_0-9]+)\}|([^{]+|\{)', 'g') WITH ORDINALITY AS part (piece, position)
$$;
CREATE FUNCTION pg_temp.given(details jsonb, column_name text, value text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT coalesce((SELECT jsonb_object_agg(d.key, CASE WHEN jsonb_typeof(d.value) = 'array' AND NOT jsonb_path_exists(d.value, 'strict $[*] ? (@.type() == "array" || @.type() == "object")')
                                                         THEN to_jsonb((SELECT string_agg(w.word, ', ' ORDER BY w.place) FROM jsonb_array_elements_text(d.value) WITH ORDINALITY AS w (word, place)))
                                                         ELSE d.value END)
                     FROM jsonb_each(details) AS d), '{}')
        || jsonb_build_object('column', column_name, 'value', value)
$$;
CREATE FUNCTION pg_temp.hint(template text, given jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT nullif(concat_ws('; ',
        CASE WHEN NOT EXISTS (SELECT FROM regexp_matches(template, '\{([a-z_0-9]+)\}', 'g') AS k (key) WHERE given ->> k.key[1] IS NULL) THEN pg_temp.render(template, given) END,
        given ->> 'hint',
        CASE WHEN given ->> 'suggestion' IS NOT NULL AND coalesce(template, '') NOT LIKE '%{suggestion}%' THEN format('Did you mean "%s"?', given ->> 'suggestion') END), '')
$$;
WITH template AS (
    SELECT c.message, c.hint FROM import.finding_code AS c
    UNION ALL
    SELECT t.message, t.hint FROM (VALUES
        (NULL, NULL), ('', ''), ('{', '{hint'), ('{{column}}', '{column'), ('{}{Column}{ value}{value}', '{suggestion}{'), ('é{list}{numbers}{nested}ø', '{list}'), ('{n}{yes}{nothing}', '{nothing}'),
        ('}{column}{', 'See {numbers}.'), (E'{value}\n{object}', '{empty}'), ('{value}', 'Say {suggestion}')) AS t (message, hint)
), finding AS (
    SELECT f.* FROM (SELECT jsonb_build_object('code', i.code, 'column', i.column_name, 'value', i.value) || CASE WHEN i.details IS NULL THEN '{}' ELSE jsonb_build_object('details', i.details) END AS finding FROM import.finding AS i) AS f
    UNION
    SELECT v.finding::jsonb FROM (VALUES (NULL), ('{}'), ('{"code": "c"}'), ('{"column": "{value}", "value": "{column}", "details": {"column": "other", "value": ["x"]}}'), ('{"column": null, "value": 5, "code": "x"}'),
        ('{"column": "c", "value": "", "details": {"hint": "", "suggestion": "{hint}"}}'), ('{"details": {"hint": "{n} é", "n": 1.50, "yes": true, "nothing": null, "empty": [], "object": {"a": [1]}}}'),
        ('{"value": "v", "details": {"list": ["a", null, "b"], "numbers": [1, 2.0, false], "nested": [[1], "x"], "suggestion": ["0", "1"]}}')) AS v (finding)
)
SELECT count(*) > 1000 AS many,
       count(*) FILTER (WHERE import.finding_given(f.finding -> 'details', f.finding ->> 'column', f.finding ->> 'value') IS DISTINCT FROM g.given) AS other_given,
       count(*) FILTER (WHERE statbus.render_template(t.message, g.given) IS DISTINCT FROM pg_temp.render(t.message, g.given)) AS other_message,
       count(*) FILTER (WHERE import.finding_hint(t.hint, g.given) IS DISTINCT FROM pg_temp.hint(t.hint, g.given)) AS other_hint,
       count(*) FILTER (WHERE import.finding_text(f.finding, t.message, t.hint) IS DISTINCT FROM
           concat_ws('. ', coalesce(pg_temp.render(t.message, g.given), concat_ws(': ', f.finding ->> 'column', f.finding ->> 'code')), pg_temp.hint(t.hint, g.given))) AS other_text
FROM template AS t CROSS JOIN finding AS f CROSS JOIN LATERAL (SELECT pg_temp.given(f.finding -> 'details', f.finding ->> 'column', f.finding ->> 'value') AS given) AS g;
SELECT statbus.render_template('{a}', NULL), statbus.render_template('{a} {b}', '["a"]'), import.finding_hint('{a}', NULL), import.finding_hint('a', NULL), import.finding_text('[]', 'm {column}', NULL);

-- The report goes in again as it is, and comes to the same, but for the row that was too short and is not any more.
SELECT api.import_report_csv('first') AS file \gset
SET ROLE "regress_report_rita@example.org";
SELECT new_job('again', review => true);
SELECT (import.upload_chunk('again', 1, true, convert_to(:'file', 'UTF8'))) -> 'rows' AS rows;
RESET ROLE;
UPDATE import.job SET state = 'rejected' WHERE slug = 'first';
CALL worker.process_tasks();
SELECT code, details FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id WHERE j.slug = 'again' AND f.row_id = 0;
SELECT j.slug, f.row_id, f.column_name, f.code, f.severity, f.value, f.details
FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id
WHERE f.row_id > 0 AND NOT EXISTS (SELECT FROM import.finding AS o WHERE o.job_id <> f.job_id AND (o.row_id, o.column_name, o.code, o.severity, o.value, o.details) IS NOT DISTINCT FROM (f.row_id, f.column_name, f.code, f.severity, f.value, f.details))
ORDER BY 1, 2, 3;
SELECT count(*) AS rows, count(*) FILTER (WHERE to_jsonb(a) - '{source_line,edit_at,errors,warnings}'::text[] = to_jsonb(b) - '{source_line,edit_at,errors,warnings}'::text[]) AS same
FROM import.first_data AS a JOIN import.again_data AS b USING (row_id);
SELECT substr(l, 1, 60) FROM import.report_lines('again') AS l LIMIT 2;

-- i129: every row has the same error: one entry. By COPY, with columns that have no value.
SELECT new_job('same', review => true);
INSERT INTO import.same_upload (tax_ident, name, employees, sector_code) SELECT 910000000 + n, 'Unit ' || n, 'many', CASE WHEN n % 3 = 0 THEN 'q' || n % 7 END FROM generate_series(1, 1000) AS n;
UPDATE import.job SET state = 'rejected' WHERE slug = 'again';
CALL worker.process_tasks();
SELECT import.report_text('same');
SELECT l FROM import.report_lines('same') AS l LIMIT 3;
-- i126: no status, and none by default: once for the file.
UPDATE register.status SET assigned_by_default = false WHERE assigned_by_default;
SELECT new_job('no_status', review => true);
INSERT INTO import.no_status_upload (tax_ident, name) SELECT 915000000 + n, 'Unit ' || n FROM generate_series(1, 20) AS n;
UPDATE import.job SET state = 'rejected' WHERE slug = 'same';
CALL worker.process_tasks();
SELECT import.report_text('no_status');
UPDATE import.job SET state = 'rejected' WHERE slug = 'no_status';
UPDATE register.status SET assigned_by_default = true WHERE code = 'active';
-- A file without a fault.
SELECT new_job('nothing_said', review => true);
INSERT INTO import.nothing_said_upload (tax_ident, name) VALUES ('920000001', 'Nothing to say');
SELECT import.report_text('nothing_said');
CALL worker.process_tasks();
SELECT import.report_text('nothing_said');
UPDATE import.job SET state = 'rejected' WHERE slug = 'nothing_said';
CALL worker.process_tasks();

-- The preview: a dry run equals the real run. import.compare_rows() says of each row and part what apply then reports, and the
-- counts afterwards are those that were foretold.
CREATE TABLE public.foretold (slug text, row_id bigint, part text, changes boolean, PRIMARY KEY (slug, row_id, part));
CREATE TABLE public.applied (slug text, row_id bigint, part text, changed boolean, PRIMARY KEY (slug, row_id, part));
CREATE TABLE public.preview (slug text PRIMARY KEY, answer jsonb);
CREATE TABLE public.real_run (slug text PRIMARY KEY, rows jsonb, counted jsonb);
CREATE VIEW public.alive AS
SELECT t.unit_type, t.id, t.enterprise_id
FROM (SELECT 'legal_unit' AS unit_type, u.id, u.enterprise_id, u.status_id, u.valid_from, u.valid_until, u.birth_date, u.death_date FROM register.legal_unit AS u
      UNION ALL
      SELECT 'establishment', u.id, u.enterprise_id, u.status_id, u.valid_from, u.valid_until, u.birth_date, u.death_date FROM register.establishment AS u) AS t
JOIN register.status AS s ON s.id = t.status_id
WHERE t.valid_from <= '2024-06-15' AND '2024-06-15' < t.valid_until AND s.used_for_counting
AND (t.birth_date IS NULL OR t.birth_date <= '2024-06-15') AND (t.death_date IS NULL OR '2024-06-15' < t.death_date);
CREATE FUNCTION public.counted() RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(x.name, x.n) FROM (
        SELECT k.unit_type AS name, (SELECT count(*) FROM public.alive AS a WHERE a.unit_type = k.unit_type)::numeric AS n FROM (VALUES ('legal_unit'), ('establishment')) AS k (unit_type)
        UNION ALL SELECT 'enterprise', count(DISTINCT a.enterprise_id) FROM public.alive AS a
        UNION ALL
        SELECT d.code || ' ' || k.unit_type, (SELECT coalesce(sum(coalesce(t.value_int, t.value_float)::numeric), 0) FROM register.stat_for_unit AS t
            WHERE t.stat_definition_id = d.id AND t.valid_from <= '2024-06-15' AND '2024-06-15' < t.valid_until AND (t.legal_unit_id IS NOT NULL) = (k.unit_type = 'legal_unit'))
        FROM register.stat_definition AS d CROSS JOIN (VALUES ('legal_unit'), ('establishment')) AS k (unit_type) WHERE d.code IN ('employees', 'turnover')) AS x
$$;
CREATE FUNCTION public.foreseen(answer jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(x.name, x.n) FROM (
        SELECT u.key AS name, (u.value ->> 'after')::numeric AS n FROM jsonb_each(answer #> '{effect,units}') AS u
        UNION ALL
        SELECT s.key || ' ' || o.key, (o.value ->> 'after')::numeric FROM jsonb_each(answer #> '{effect,stats}') AS s CROSS JOIN LATERAL jsonb_each(s.value) AS o) AS x
$$;
CREATE PROCEDURE public.run_previewed(job_slug text, definition text, strategy text, rows text, job_from date DEFAULT NULL, job_to date DEFAULT NULL)
LANGUAGE plpgsql AS $run_previewed$
BEGIN
    UPDATE import.definition AS d SET strategy = coalesce(run_previewed.strategy::import.strategy, d.strategy) WHERE d.slug = run_previewed.definition;
    INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review)
    SELECT job_slug, d.id, job_from, job_to, true FROM import.definition AS d WHERE d.slug = run_previewed.definition;
    CALL public.fill(job_slug, rows);
    COMMIT;
    CALL worker.process_tasks();
    INSERT INTO public.preview VALUES (job_slug, api.import_preview(job_slug));
    INSERT INTO public.foretold
    SELECT job_slug, c.row_id, c.part, bool_or(c.verdict <> 'unchanged') FROM import.compare_rows((SELECT j.id FROM import.job AS j WHERE j.slug = job_slug)) AS c
    WHERE c.part <> 'enterprise' GROUP BY c.row_id, c.part;
    UPDATE import.job AS j SET state = 'approved' WHERE j.slug = job_slug;
    COMMIT;
    CALL worker.process_tasks();
    EXECUTE format('INSERT INTO public.applied SELECT %1$L, d.row_id, m.key, m.value = ''APPLIED'' FROM import.%2$I AS d CROSS JOIN LATERAL jsonb_each_text(d.merge_status) AS m WHERE d.state = ''processed''', job_slug, job_slug || '_data');
    INSERT INTO public.real_run
    SELECT job_slug, jsonb_build_object('imported', j.imported_rows, 'unchanged', j.unchanged_rows, 'skipped', j.skipped_rows, 'error', j.error_count, 'total', j.total_rows), public.counted()
    FROM import.job AS j WHERE j.slug = job_slug;
END
$run_previewed$;
INSERT INTO register.tag (path, name) VALUES ('census', 'Census');
INSERT INTO register.status (code, name, used_for_counting) VALUES ('dormant', 'Dormant', false);
\set columns 'tax_ident,stat_ident,name,birth_date,death_date,physical_postplace,physical_region_code,physical_country_iso_2,postal_address_part1,postal_country_iso_2,email_address,primary_activity_category_code,secondary_activity_category_code,sector_code,status_code,tag_path,employees,turnover'
CALL run_previewed('p_new', 'legal_unit_job_provided', 'insert_or_update', :'columns' || E'
k1,s1,One,2001-01-01,,Oslo,03,NO,Box 1,,a@b.no,01.11,01.12,,active,census,10,1000.5
k2,,Two,,,Oslo,03,,,,,,,,active,,5,
k3,,Three,,2024-01-01,,,,,,,,,,active,,7,
k4,,Four,,,,,,,,,,,,dormant,,1,
k5,,Five,,,Malmö,,SE,,,,,,,,,,1
k6,,,,,,,,,,,,,,,,1,', '2020-01-01', 'infinity');
CALL run_previewed('p_same', 'legal_unit_job_provided', 'insert_or_update', :'columns' || E'
k1,s1,One,2001-01-01,,Oslo,03,NO,Box 1,,a@b.no,01.11,01.12,,active,census,10,1000.5
k2,,Two,,,Oslo,03,,,,,,,,active,,5,
k3,,,,,,,,,,,,,,,,,', '2020-01-01', 'infinity');
CALL run_previewed('p_patch', 'legal_unit_job_provided', 'insert_or_update', :'columns' || E'
k1,,,,,Bergen,,,,,,,,,,,11,
k2,s2,,,,,,,,,c@d.no,01.13,,,dormant,census,,20
k3,,,,2025-01-01,,,,,,,,,,,,7,
k4,,,,,,,,,,,,,,active,,,
k5,,,,,Lund,,,,,,,,,,,,
k7,,Seven,,,,,,,,,,,,,,100,', '2022-01-01', 'infinity');
CALL run_previewed('p_past', 'legal_unit_job_provided', 'insert_or_update', :'columns' || E'
k1,s1,One,2001-01-01,,Oslo,03,NO,Box 1,,a@b.no,01.11,,,active,,10,
k2,,Two,,,,,,,,,,,,,,6,
k8,,Past,,,,,,,,,,,,,,6,', '2018-01-01', '2021-12-31');
CALL run_previewed('p_replace', 'legal_unit_job_provided', 'insert_or_replace', :'columns' || E'
k1,s1,One,2001-01-01,,Bergen,03,NO,Box 1,,a@b.no,01.11,01.12,,active,census,11,1000.5
k2,,Two,,,,,,,,,01.13,,,active,,5,20
k5,,Five,,,,03,NO,,,,,,,,,,
k9,,Nine,,,,,,Box 9,SE,,,,,,,,', '2023-01-01', 'infinity');
CALL run_previewed('p_only', 'legal_unit_job_provided', 'update_only', :'columns' || E'
k1,,,,,,,,,,,,,,,,12,
k8,,Passed,,,,,,,,,,,,,,6,
k9,,Nine,,,,,,Box 9,SE,,,,,,,,', '2017-01-01', 'infinity');
CALL run_previewed('p_only_same', 'legal_unit_job_provided', 'replace_only', :'columns' || E'
k9,,Nine,,,,,,Box 9,SE,,,,,,,,
k8,,Passed,,,,,,,,,,,,,,6,', '2021-01-01', 'infinity');
CALL run_previewed('p_periods', 'legal_unit_source_dates', 'insert_or_update', E'tax_ident,name,employees,valid_from,valid_to
d1,First,1,2020-01-01,2020-12-31
d1,Second,2,2021-01-01,infinity
k1,One,13,2023-01-01,2023-12-31
k1,One,14,2024-01-01,2024-12-31');
CALL run_previewed('p_shops', 'establishment_for_lu_job_provided', 'insert_or_update', E'tax_ident,name,legal_unit_tax_ident,employees,physical_region_code,primary_activity_category_code
e1,Shop 1,k1,3,03,01.11
e2,Shop 2,k1,4,,
e3,Shop 3,k2,,,', '2022-01-01', 'infinity');
CALL run_previewed('p_shops2', 'establishment_for_lu_job_provided', 'insert_or_update', E'tax_ident,name,legal_unit_tax_ident,employees,physical_region_code,primary_activity_category_code
e1,Shop 1,k2,3,03,01.11
e2,Shop 2,k1,4,,
e3,Shop 3,k2,9,,', '2023-01-01', 'infinity');
CALL run_previewed('p_informal', 'establishment_without_lu_job_provided', 'insert_or_update', E'tax_ident,name,employees
i1,Stall 1,1
i2,Stall 2,', '2022-01-01', 'infinity');
CALL run_previewed('p_stats', 'generic_unit_stats_update_job_provided', NULL, E'tax_ident,employees,turnover
k1,20,
e1,3,5
i1,1,
k8,9,', '2021-01-01', 'infinity');
CALL run_previewed('p_related', 'legal_relationship_job_provided', 'insert_or_update', E'influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage
k1,k2,ownership,40
k1,k7,control,60', '2023-01-01', 'infinity');
CALL run_previewed('p_related2', 'legal_relationship_job_provided', 'insert_or_update', E'influencing_tax_ident,influenced_tax_ident,rel_type_code,percentage
k1,k2,ownership,45
k1,k7,control,60', '2023-01-01', 'infinity');
SELECT slug, rows FROM public.real_run ORDER BY slug;
-- Where they differ: nowhere.
SELECT r.slug, p.answer -> 'rows' AS foreseen, r.rows FROM public.real_run AS r JOIN public.preview AS p USING (slug) WHERE p.answer -> 'rows' <> r.rows ORDER BY 1;
SELECT r.slug, k.key, public.foreseen(p.answer) -> k.key AS foreseen, k.value FROM public.real_run AS r JOIN public.preview AS p USING (slug) CROSS JOIN LATERAL jsonb_each(r.counted) AS k
WHERE public.foreseen(p.answer) ? k.key AND public.foreseen(p.answer) -> k.key <> k.value ORDER BY 1, 2;
SELECT coalesce(f.slug, a.slug) AS slug, coalesce(f.row_id, a.row_id) AS row_id, coalesce(f.part, a.part) AS part, f.changes, a.changed
FROM public.foretold AS f FULL JOIN public.applied AS a USING (slug, row_id, part)
WHERE coalesce(f.changes, false) <> coalesce(a.changed, false) ORDER BY 1, 2, 3;
SELECT p.slug, t ->> 'table' AS "table", t -> 'inserts' AS inserts, t -> 'updates' AS updates, t -> 'unchanged' AS unchanged
FROM public.preview AS p CROSS JOIN LATERAL jsonb_array_elements(p.answer -> 'tables') AS t ORDER BY p.slug, 2;
SELECT p.slug, public.foreseen(p.answer) FROM public.preview AS p ORDER BY p.slug;
SELECT api.import_preview('p_new');                 -- fails: it is done

-- Progress, as others see it before anything is committed; and decisions, each with its right.
SET ROLE "regress_report_rita@example.org";
SELECT new_job('mine', review => true);
INSERT INTO import.mine_upload (tax_ident, name) SELECT 930000000 + n, 'Unit ' || n FROM generate_series(1, 4) AS n;
SELECT api.import_job_approve('mine');              -- fails: nothing to decide yet
RESET ROLE;
UPDATE import.job SET state = 'preparing_data' WHERE slug = 'mine';
UPDATE import.job SET state = 'analysing_data' WHERE slug = 'mine';
SELECT import.report_progress(id, 'read', 2) FROM import.job WHERE slug = 'mine';
SELECT r.phase, r.rows FROM import.running() AS r;
SELECT state, analysis_completed_pct FROM api.import_job WHERE slug = 'mine';
SELECT import.report_progress(id, 'write', 3) FROM import.job WHERE slug = 'mine';
SET ROLE "regress_report_olav@example.org";
SELECT state, analysis_completed_pct, api.get_import_job_progress(id) -> 'analysis_completed_pct' AS rpc, api.is_importing() #>> '{jobs,0,analysis_completed_pct}' AS importing FROM api.import_job WHERE slug = 'mine';
SELECT import.report_progress(1, 'write', 3);       -- fails
SELECT api.import_job_approve('mine');              -- fails
SELECT api.import_job_cancel('mine');               -- fails
SELECT api.import_job_delete('mine');               -- fails: under way
SELECT api.import_job_approve('nothing');           -- fails
SELECT api.import_job_cancel('nothing');            -- fails
SELECT api.import_job_delete('nothing');            -- fails
RESET ROLE;
SELECT import.report_progress(id, 'end', 0) FROM import.job WHERE slug = 'mine';
SELECT count(*) AS running FROM import.running();
CALL worker.process_tasks();
SELECT state, analysis_completed_pct FROM api.import_job WHERE slug = 'mine';
SET ROLE "regress_report_olav@example.org";
SELECT api.import_job_reject('mine');               -- fails
SELECT api.import_job_delete('mine');               -- fails
SELECT api.import_job_clone('mine', 'from_mine', true);     -- fails: the file is Rita's
SELECT api.import_job_clone('mine', 'from_mine') - 'id' AS clone;
SELECT j.user_id = auth.uid() AS own, j.state, j.definition_slug, j.default_valid_from, j.default_valid_to, j.review FROM api.import_job AS j WHERE j.slug = 'from_mine';
SELECT api.import_job_delete('from_mine');
RESET ROLE;
SET ROLE "regress_report_rita@example.org";
SELECT api.import_job_clone('mine', 'copy_of_mine', true) - 'id' AS clone;
SELECT tax_ident, name FROM api.copy_of_mine_upload;
-- Waiting for its turn: there is nobody to be told. Waiting for review: rejected.
SELECT api.import_job_cancel('copy_of_mine');
SELECT api.import_job_cancel('copy_of_mine');       -- fails
SELECT state, error, total_rows, imported_rows + unchanged_rows + skipped_rows + error_count AS accounted_for FROM api.import_job WHERE slug = 'copy_of_mine';
SELECT api.import_job_cancel('mine');
RESET ROLE;
CALL worker.process_tasks();
SELECT slug, state, error, skipped_rows FROM import.job WHERE slug IN ('mine', 'copy_of_mine') ORDER BY id;
-- A copy of a file that came in chunks, in its order. An administrator decides about the job of another, and deletes it.
SET ROLE "regress_report_rita@example.org";
SELECT api.import_job_clone('again', 'third', true) -> 'rows' AS rows;
RESET ROLE;
CALL worker.process_tasks();
SELECT string_agg(name_raw, ' | ' ORDER BY row_id) FROM import.third_data WHERE row_id <> 2;
SET ROLE "regress_report_ada@example.org";
SELECT api.import_job_reject('third');
SELECT api.import_job_reject('third');              -- fails
RESET ROLE;
CALL worker.process_tasks();
SET ROLE "regress_report_ada@example.org";
SELECT api.import_job_delete('third');
SELECT count(*) FROM api.import_job WHERE slug = 'third';
RESET ROLE;

\c contrib_regression
DROP DATABASE regress_import_report;
DROP ROLE "regress_report_rita@example.org", "regress_report_olav@example.org", "regress_report_ada@example.org";

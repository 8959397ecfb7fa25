-- Import of units: what strategies do to time, how entities are kept together, links, primaries, lineage.
CREATE DATABASE regress_import_units TEMPLATE contrib_regression;
\c regress_import_units
\getenv top PG_ABS_SRCDIR
\i :top/test/import/setup.sql
\i :top/test/import/regions.sql
\i :top/test/import/run_job.sql
CREATE VIEW public.history AS
SELECT e.ident, l.valid_from, l.valid_to, l.name, s.code AS status, l.primary_for_enterprise AS is_primary, l.import_source_line AS line, j.slug AS job
FROM register.legal_unit AS l
JOIN register.status AS s ON s.id = l.status_id
JOIN register.external_ident AS e ON e.legal_unit_id = l.id
JOIN register.external_ident_type AS t ON t.id = e.type_id AND t.code = 'tax_ident'
LEFT JOIN import.job AS j ON j.id = l.import_job_id;

-- New units: the second row of A gives only its other identifier, the third both; all are one unit, batches are of one row.
CALL run_job('new', 'legal_unit_source_dates', NULL, 'tax_ident,stat_ident,name,valid_from,valid_to,employees,physical_region_code,physical_postplace,status_code
A,s1,Alpha,2020-01-01,2020-12-31,10,03,Oslo,
,s1,Alpha 2,2021-01-01,2021-12-31,11,03,Oslo,passive
A,,Alpha 3,2022-01-01,infinity,12,11,Stavanger,active
B,,Beta,2020-01-01,infinity,5,,Sandnes,', batch => 1);
SELECT * FROM outcome;
SELECT * FROM history ORDER BY ident, valid_from;
SELECT row_id, founding_row_id, operation, action, state, batch_seq, merge_status ->> 'legal_unit' AS legal_unit FROM import.new_data ORDER BY row_id;
SELECT row_id, column_name, code, severity, value FROM import.finding ORDER BY 1, 2, 3;

-- Again: nothing to do, and nothing is written.
CREATE TABLE public.before AS SELECT xmin::text AS x, id, valid_from FROM register.legal_unit UNION ALL SELECT xmin::text, id, valid_from FROM register.location
    UNION ALL SELECT xmin::text, id, valid_from FROM register.stat_for_unit UNION ALL SELECT xmin::text, id, NULL FROM register.external_ident UNION ALL SELECT xmin::text, id, NULL FROM register.enterprise;
CALL run_job('again', 'legal_unit_source_dates', NULL, 'tax_ident,stat_ident,name,valid_from,valid_to,employees,physical_region_code,physical_postplace,status_code
A,s1,Alpha,2020-01-01,2020-12-31,10,03,Oslo,
,s1,Alpha 2,2021-01-01,2021-12-31,11,03,Oslo,passive
A,,Alpha 3,2022-01-01,infinity,12,11,Stavanger,active
B,,Beta,2020-01-01,infinity,5,,Sandnes,');
SELECT * FROM outcome WHERE slug = 'again';
SELECT count(*) AS rewritten FROM (SELECT xmin::text AS x, id, valid_from FROM register.legal_unit UNION ALL SELECT xmin::text, id, valid_from FROM register.location
    UNION ALL SELECT xmin::text, id, valid_from FROM register.stat_for_unit UNION ALL SELECT xmin::text, id, NULL FROM register.external_ident UNION ALL SELECT xmin::text, id, NULL FROM register.enterprise
    EXCEPT SELECT * FROM public.before) AS w;

-- Strategies in time. The patch leaves what its cells leave empty; new time gets the default status.
CALL run_job('patch', 'legal_unit_source_dates', 'insert_or_update', 'tax_ident,name,valid_from,valid_to,employees,status_code
A,,2021-07-01,2022-06-30,99,
B,Beta renamed,2023-01-01,infinity,,passive');
SELECT ident, valid_from, valid_to, name, status, line, job FROM history ORDER BY ident, valid_from;
CREATE VIEW public.workforce AS
SELECT e.ident, s.valid_from, s.valid_to, s.value_int FROM register.stat_for_unit AS s JOIN register.external_ident AS e ON e.legal_unit_id = s.legal_unit_id
JOIN register.external_ident_type AS t ON t.id = e.type_id AND t.code = 'tax_ident' JOIN register.stat_definition AS d ON d.id = s.stat_definition_id AND d.code = 'employees';
SELECT * FROM workforce ORDER BY ident, valid_from;
CALL run_job('replace', 'legal_unit_source_dates', 'insert_or_replace', 'tax_ident,name,valid_from,valid_to,employees,birth_date
B,Beta replaced,2023-01-01,2023-12-31,6,2001-02-03
C,Gamma,2022-01-01,2022-12-31,1,');
CALL run_job('replace_only', 'legal_unit_source_dates', 'replace_only', 'tax_ident,name,valid_from,valid_to,employees
C,Gamma replaced,2022-07-01,2023-12-31,2');
CALL run_job('update_only', 'legal_unit_source_dates', 'update_only', 'tax_ident,name,valid_from,valid_to,employees
C,,2021-07-01,2022-03-31,3');
SELECT ident, valid_from, valid_to, name, status, is_primary, job FROM history WHERE ident IN ('B', 'C') ORDER BY ident, valid_from;
SELECT * FROM workforce WHERE ident IN ('B', 'C') ORDER BY ident, valid_from;
-- After a gap the unit keeps its enterprise and is primary of it again.
CALL run_job('later', 'legal_unit_source_dates', 'insert_or_update', 'tax_ident,name,valid_from,valid_to
C,Gamma again,2024-01-01,infinity');
SELECT ident, valid_from, valid_to, name, is_primary FROM history WHERE ident = 'C' ORDER BY valid_from;
SELECT count(DISTINCT enterprise_id) AS enterprises, count(DISTINCT id) AS legal_units FROM register.legal_unit;

-- Establishments: the first of a legal unit is primary, at each time; a later file finds them so.
CALL run_job('shops', 'establishment_for_lu_source_dates', NULL, 'tax_ident,name,legal_unit_tax_ident,valid_from,valid_to,employees
S1,First,A,2020-01-01,2020-12-31,1
S2,Second,A,2020-06-01,2021-12-31,2
S3,Third,A,2021-01-01,2022-12-31,3
S4,Of B,B,2021-01-01,infinity,4', batch => 2);
CREATE VIEW public.shops AS
SELECT e.ident, s.valid_from, s.valid_to, s.name, s.primary_for_legal_unit AS is_primary, l.ident AS of, s.import_source_line AS line
FROM register.establishment AS s
JOIN register.external_ident AS e ON e.establishment_id = s.id
LEFT JOIN register.external_ident AS l ON l.legal_unit_id = s.legal_unit_id AND l.type_id = e.type_id;
SELECT * FROM shops ORDER BY ident, valid_from;
-- Moves to another legal unit, which has a primary one already; known ones need no link.
CALL run_job('move', 'establishment_for_lu_source_dates', NULL, 'tax_ident,name,legal_unit_tax_ident,valid_from,valid_to
S1,First,B,2021-01-01,2021-12-31
S3,Third moved,B,2022-01-01,2022-12-31
S4,Of B renamed,,2022-01-01,infinity');
SELECT * FROM shops ORDER BY ident, valid_from;
SELECT * FROM outcome WHERE slug IN ('shops', 'move') ORDER BY slug;

-- Informal establishments: an enterprise each.
CALL run_job('market', 'establishment_without_lu_source_dates', NULL, 'tax_ident,name,valid_from,valid_to,sector_code
M1,Stall,2020-01-01,2020-12-31,
M1,Stall renamed,2021-01-01,infinity,
M2,Cart,2020-01-01,infinity,', batch => 1);
SELECT e.ident, s.valid_from, s.valid_to, s.name, s.primary_for_enterprise AS is_primary, count(*) OVER (PARTITION BY s.enterprise_id) AS slices_of_enterprise
FROM register.establishment AS s JOIN register.external_ident AS e ON e.establishment_id = s.id WHERE s.enterprise_id IS NOT NULL ORDER BY 1, 2;

-- Statistics of known units of either kind, within their lives, also where there were none.
CALL run_job('survey', 'generic_unit_stats_update_source_dates', NULL, 'tax_ident,employees,turnover,valid_from,valid_to
C,30,300.5,2021-01-01,2022-12-31
S4,40,400,2021-01-01,infinity
M2,,1,2020-01-01,2020-12-31
X,1,1,2020-01-01,2020-12-31');
SELECT e.ident, d.code, s.valid_from, s.valid_to, s.value_int, s.value_float, c.code AS source
FROM register.stat_for_unit AS s JOIN register.stat_definition AS d ON d.id = s.stat_definition_id
JOIN register.external_ident AS e ON e.legal_unit_id = s.legal_unit_id OR e.establishment_id = s.establishment_id
LEFT JOIN register.data_source AS c ON c.id = s.data_source_id
WHERE e.ident IN ('C', 'S4', 'M2') ORDER BY 1, 2, 3;
SELECT row_id, code, value FROM import.finding JOIN import.job ON job.id = finding.job_id WHERE slug = 'survey';

-- Parts: what a file does not speak of stays; a foreign address stays abroad when a patch leaves the country empty; tags.
CALL run_job('parts', 'legal_unit_source_dates', NULL, 'tax_ident,name,valid_from,valid_to,physical_address_part1,physical_country_iso_2,postal_postplace,email_address,primary_activity_category_code,tag_path,phone_number
D,Delta,2020-01-01,infinity,Gatan 1,SE,Malmö,d@example.com,01.11,census,
D2,Delta 2,2020-01-01,infinity,,,,,,,');
CALL run_job('parts2', 'legal_unit_source_dates', NULL, 'tax_ident,name,valid_from,valid_to,physical_address_part2,phone_number,secondary_activity_category_code,tag_path
D,Delta,2022-01-01,infinity,Floor 2,123,01.12,census');
SELECT l.type, l.valid_from, l.valid_to, l.address_part1, l.address_part2, l.postplace, c.iso_2 FROM register.location AS l JOIN register.country AS c ON c.id = l.country_id
JOIN register.external_ident AS e ON e.legal_unit_id = l.legal_unit_id WHERE e.ident = 'D' ORDER BY 1, 2;
SELECT x.valid_from, x.valid_to, x.email_address, x.phone_number FROM register.contact AS x JOIN register.external_ident AS e ON e.legal_unit_id = x.legal_unit_id WHERE e.ident = 'D' ORDER BY 1;
SELECT a.type, a.valid_from, a.valid_to, c.code FROM register.activity AS a JOIN register.activity_category AS c ON c.id = a.category_id JOIN register.external_ident AS e ON e.legal_unit_id = a.legal_unit_id WHERE e.ident = 'D' ORDER BY 1, 2;
SELECT t.path, count(*) FROM register.tag_for_unit AS u JOIN register.tag AS t ON t.id = u.tag_id GROUP BY 1;

-- Who, by which job, and why.
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review, edit_comment) SELECT 'commented', id, '2020-01-01', 'infinity', false, 'by hand' FROM import.definition WHERE slug = 'legal_unit_job_provided';
INSERT INTO import.commented_upload (tax_ident, name) VALUES ('E', 'Epsilon');
CALL worker.process_tasks();
SELECT l.name, u.display_name, l.edit_comment, l.import_source_line, j.slug FROM register.legal_unit AS l JOIN auth."user" AS u ON u.id = l.edit_by_user_id JOIN import.job AS j ON j.id = l.import_job_id WHERE l.name = 'Epsilon';
-- Primary at each time: who is primary for a part of his time is cut, and who stays inherits from who moves away. Again: nothing to do.
CALL run_job('owners', 'legal_unit_source_dates', 'insert_or_update', 'tax_ident,name,valid_from,valid_to
F,Phi,2020-01-01,infinity
G,Chi,2020-01-01,infinity');
CALL run_job('shifts', 'establishment_for_lu_source_dates', 'insert_or_update', 'tax_ident,name,legal_unit_tax_ident,valid_from,valid_to
F1,Closes,F,2020-01-01,2020-12-31
F2,Stays,F,2020-06-01,infinity
G1,Younger,G,2021-01-01,infinity
G2,Older,G,2020-01-01,infinity', batch => 2);
SELECT * FROM shops WHERE ident ~ '^[FG]' ORDER BY ident, valid_from;
CALL run_job('leaves', 'establishment_for_lu_source_dates', NULL, 'tax_ident,name,legal_unit_tax_ident,valid_from,valid_to
G1,Younger,F,2022-01-01,2022-12-31');
CALL run_job('leaves_again', 'establishment_for_lu_source_dates', NULL, 'tax_ident,name,legal_unit_tax_ident,valid_from,valid_to
G1,Younger,F,2022-01-01,2022-12-31');
SELECT * FROM shops WHERE ident ~ '^G' ORDER BY ident, valid_from;
SELECT slug, imported, unchanged FROM outcome WHERE slug LIKE 'leaves%' ORDER BY slug;
SELECT o.legal_unit_id FROM (SELECT legal_unit_id, range_agg(valid_range) AS exists_in, range_agg(valid_range) FILTER (WHERE primary_for_legal_unit) AS has_primary
                             FROM register.establishment WHERE legal_unit_id IS NOT NULL GROUP BY 1) AS o WHERE exists_in IS DISTINCT FROM has_primary;

-- An establishment does not outlive its legal unit, whether the file names it or not.
CALL run_job('ends', 'legal_unit_source_dates', NULL, 'tax_ident,name,valid_from,valid_to
K,Kappa,2020-01-01,2022-12-31');
CALL run_job('opens', 'establishment_for_lu_source_dates', NULL, 'tax_ident,name,legal_unit_tax_ident,valid_from,valid_to
K1,First,K,2020-01-01,2020-12-31
K2,Second,K,2020-01-01,2020-12-31
K3,Third,K,2020-01-01,infinity');
CALL run_job('outlives', 'establishment_for_lu_source_dates', NULL, 'tax_ident,name,valid_from,valid_to
K1,First,2020-07-01,infinity
K2,Second,2020-07-01,2022-12-31');
SELECT * FROM shops WHERE ident ~ '^K' ORDER BY ident, valid_from;
SELECT j.slug, f.row_id, f.code, f.details - 'legal_unit_id' AS details FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id WHERE j.slug IN ('opens', 'outlives') ORDER BY 1, 2;

-- A patch that moves a unit abroad takes its region away, one that gives a region brings it home; the street stays as it is.
CALL run_job('home', 'legal_unit_source_dates', NULL, 'tax_ident,name,valid_from,valid_to,physical_region_code,physical_address_part1,physical_country_iso_2
L,Lambda,2020-01-01,infinity,03,Street 1,
M,Mu,2020-01-01,infinity,,Gatan 1,SE');
CALL run_job('away', 'legal_unit_source_dates', NULL, 'tax_ident,valid_from,valid_to,physical_region_code,physical_country_iso_2
L,2022-01-01,2022-12-31,,SE
M,2022-01-01,2022-12-31,11,');
CALL run_job('away_again', 'legal_unit_source_dates', NULL, 'tax_ident,valid_from,valid_to,physical_region_code,physical_country_iso_2
L,2022-01-01,2022-12-31,,SE
M,2022-01-01,2022-12-31,11,');
SELECT e.ident, l.valid_from, l.valid_to, l.address_part1, r.code AS region, c.iso_2 FROM register.location AS l JOIN register.external_ident AS e ON e.legal_unit_id = l.legal_unit_id
LEFT JOIN register.region AS r ON r.id = l.region_id JOIN register.country AS c ON c.id = l.country_id WHERE e.ident IN ('L', 'M') ORDER BY 1, 2;
SELECT slug, imported, unchanged, errors FROM outcome WHERE slug LIKE 'away%' ORDER BY slug;

-- A status that is not in the list leaves a known unit what it is.
CALL run_job('passive', 'legal_unit_source_dates', NULL, 'tax_ident,name,valid_from,valid_to,status_code
H,Eta,2020-01-01,infinity,passive');
CALL run_job('unknown_status', 'legal_unit_source_dates', NULL, 'tax_ident,valid_from,valid_to,status_code
H,2021-01-01,2021-12-31,nonsense');
SELECT ident, valid_from, valid_to, status FROM history WHERE ident = 'H';

-- A definition of one's own that replaces: what it does not map stays, in units, addresses and contacts; new time takes it from before.
INSERT INTO import.definition (slug, name, mode, strategy, valid_time_from, data_source_id, unique_units)
SELECT 'own', 'Own', mode, 'insert_or_replace', valid_time_from, data_source_id, false FROM import.definition WHERE slug = 'legal_unit_source_dates';
INSERT INTO import.definition_step (definition_id, step_id)
SELECT o.id, s.step_id FROM import.definition AS o, import.definition AS d JOIN import.definition_step AS s ON s.definition_id = d.id WHERE o.slug = 'own' AND d.slug = 'legal_unit_source_dates';
INSERT INTO import.source_column (definition_id, column_name, priority)
SELECT o.id, h.name, h.place FROM import.definition AS o, unnest('{tax_ident,name,valid_from,valid_to,email_address,physical_region_code}'::text[]) WITH ORDINALITY AS h (name, place) WHERE o.slug = 'own';
INSERT INTO import.mapping (definition_id, source_column_id, target_data_column_id)
SELECT o.id, h.id, c.id FROM import.definition AS o JOIN import.source_column AS h ON h.definition_id = o.id JOIN import.definition_step AS s ON s.definition_id = o.id
JOIN import.data_column AS c ON c.step_id = s.step_id AND c.column_name = h.column_name || '_raw' WHERE o.slug = 'own';
CALL run_job('full', 'legal_unit_source_dates', NULL, 'tax_ident,name,valid_from,valid_to,birth_date,status_code,email_address,phone_number,physical_address_part1,physical_region_code
I,Iota,2020-01-01,2022-12-31,2001-01-01,passive,i@example.com,123,Street 1,03');
CALL run_job('some', 'own', NULL, 'tax_ident,name,valid_from,valid_to,email_address,physical_region_code
I,Iota 2,2022-01-01,2023-12-31,,11');
SELECT h.valid_from, h.valid_to, h.name, h.status, l.birth_date FROM history AS h JOIN register.external_ident AS e ON e.ident = h.ident JOIN register.legal_unit AS l ON l.id = e.legal_unit_id AND l.valid_from = h.valid_from
WHERE h.ident = 'I' ORDER BY 1;
SELECT l.valid_from, l.valid_to, l.address_part1, r.code FROM register.location AS l JOIN register.region AS r ON r.id = l.region_id JOIN register.external_ident AS e ON e.legal_unit_id = l.legal_unit_id WHERE e.ident = 'I' ORDER BY 1;
SELECT x.valid_from, x.valid_to, x.email_address, x.phone_number FROM register.contact AS x JOIN register.external_ident AS e ON e.legal_unit_id = x.legal_unit_id WHERE e.ident = 'I' ORDER BY 1;

-- A regular user's job cuts slices that others wrote, and joins them again; what is left of them, he signs.
INSERT INTO auth."user" (email, display_name, statbus_role) VALUES ('regress_ann@example.com', 'Ann', 'regular_user'), ('regress_bob@example.com', 'Bob', 'regular_user');
SELECT auth.sync_roles() >= 0 AS made;
CALL run_job('of_all', 'legal_unit_source_dates', 'insert_or_update', 'tax_ident,name,valid_from,valid_to,employees,email_address
J,Jota,2020-01-01,2020-12-31,1,j@example.com
J,Middle,2021-01-01,2021-12-31,1,j@example.com
J,Jota,2022-01-01,infinity,1,j@example.com');
UPDATE register.legal_unit AS l SET edit_by_user_id = u.id FROM auth."user" AS u WHERE l.name = 'Jota' AND l.valid_from = '2020-01-01' AND u.display_name = 'Bob';
CREATE PROCEDURE public.run_job_of_ann(job_slug text, name text, first_day date, last_day date, employees integer) LANGUAGE plpgsql AS $run_job_of_ann$
BEGIN
    INSERT INTO import.job (slug, definition_id, review, user_id)
    SELECT job_slug, d.id, false, u.id FROM import.definition AS d, auth."user" AS u WHERE d.slug = 'legal_unit_source_dates' AND u.display_name = 'Ann';
    EXECUTE format('INSERT INTO import.%I (tax_ident, name, valid_from, valid_to, employees) VALUES (''J'', $1, $2, $3, $4)', job_slug || '_upload')
        USING name, to_char(first_day, 'YYYY-MM-DD'), to_char(last_day, 'YYYY-MM-DD'), employees::text;
    COMMIT;
    CALL worker.process_tasks();
END
$run_job_of_ann$;
CREATE VIEW public.signed AS
SELECT h.valid_from, h.valid_to, h.name, u.display_name AS by FROM history AS h JOIN register.external_ident AS e ON e.ident = h.ident
JOIN register.legal_unit AS l ON l.id = e.legal_unit_id AND l.valid_from = h.valid_from JOIN auth."user" AS u ON u.id = l.edit_by_user_id WHERE h.ident = 'J';
CALL run_job_of_ann('joins', 'Jota', '2021-01-01', '2021-12-31', 1);
SELECT * FROM signed ORDER BY 1;
UPDATE register.legal_unit AS l SET edit_by_user_id = u.id FROM auth."user" AS u WHERE l.name = 'Jota' AND u.display_name = 'Bob';
CALL run_job_of_ann('cuts', 'Cut', '2021-04-01', '2021-04-30', 2);
SELECT * FROM signed ORDER BY 1;
SELECT slug, imported, errors FROM outcome WHERE slug IN ('joins', 'cuts') ORDER BY slug;

-- Of a thousand rows three violate a constraint, and one a trigger, that the installation added.
ALTER TABLE register.legal_unit ADD CONSTRAINT legal_unit_no_bad CHECK (name <> 'BAD');
CREATE FUNCTION public.no_worse() RETURNS trigger LANGUAGE plpgsql AS $no_worse$
BEGIN
    IF NEW.name = 'WORSE' THEN
        RAISE EXCEPTION 'worse is not allowed';
    END IF;
    RETURN NEW;
END
$no_worse$;
CREATE TRIGGER no_worse BEFORE INSERT OR UPDATE ON register.legal_unit FOR EACH ROW EXECUTE FUNCTION public.no_worse();
INSERT INTO import.job (slug, definition_id, default_valid_from, default_valid_to, review) SELECT 'thousand', id, '2020-01-01', 'infinity', false FROM import.definition WHERE slug = 'legal_unit_job_provided';
INSERT INTO import.thousand_upload (tax_ident, name) SELECT 'T' || n, CASE WHEN n IN (3, 500, 1000) THEN 'BAD' WHEN n = 700 THEN 'WORSE' ELSE 'Unit ' || n END FROM generate_series(1, 1000) AS n;
CALL worker.process_tasks();
SELECT * FROM outcome WHERE slug = 'thousand';
SELECT f.row_id, f.code, f.details ->> 'name' AS name FROM import.finding AS f JOIN import.job AS j ON j.id = f.job_id WHERE j.slug = 'thousand' ORDER BY 1;
SELECT * FROM statbus.verify_derived();

-- Only one primary at a time, and every row accounted for.
SELECT slug FROM import.job WHERE state <> 'finished' OR total_rows <> imported_rows + unchanged_rows + skipped_rows + error_count;
\c contrib_regression
DROP DATABASE regress_import_units;
DROP ROLE "regress_ann@example.com", "regress_bob@example.com";

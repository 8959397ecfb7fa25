-- Derived data: segments, rows, propagation, equality of piecemeal and whole derivation, when it happens.
CREATE DATABASE regress_derive TEMPLATE contrib_regression;
\c regress_derive
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
SET statbus."current_date" = '2024-06-15';

-- statistics: mergeable, in any order ----------------------------------------------------------------------------
SELECT statbus.stats_to_agg('{"employees": {"type": "int", "value": 3}, "kind": {"type": "str", "value": "a"}}');
SELECT statbus.stats_merge('{"e": {"type": "int_agg", "count": 1, "sum": 3, "min": 3, "max": 3, "mean": 3}}',
                           '{"e": {"type": "int_agg", "count": 2, "sum": 7, "min": 2, "max": 5, "mean": 3.5}}');
SELECT statbus.stats_merge_agg(s.summary ORDER BY s.position) = statbus.stats_merge_agg(s.summary ORDER BY s.position DESC) AS same,
       statbus.stats_merge_agg(s.summary)
FROM (VALUES (1, '{"k": {"type": "str_agg", "counts": {"a": 1}}}'::jsonb), (2, '{"k": {"type": "str_agg", "counts": {"a": 2, "b": 1}}}'),
             (3, '{"f": {"type": "float_agg", "count": 1, "sum": 0.1, "min": 0.1, "max": 0.1, "mean": 0.1}}'),
             (4, '{"f": {"type": "float_agg", "count": 2, "sum": 0.2, "min": 0.1, "max": 0.1, "mean": 0.1}}')) AS s (position, summary);
SELECT statbus.stats_merge_agg(s.summary) FROM (SELECT NULL::jsonb AS summary WHERE false) AS s;

-- a small register -------------------------------------------------------------------------------------------------
BEGIN;
DELETE FROM register.settings;
INSERT INTO register.settings (activity_category_standard_id, country_id, region_version_id)
SELECT s.id, c.id, v.id
FROM register.activity_category_standard AS s, register.country AS c, register.region_version AS v
WHERE s.code = 'isic_v4' AND c.iso_2 = 'NO' AND v.lasts_to IS NULL AND v.enabled;
INSERT INTO register.region (version_id, path, name)
SELECT s.region_version_id, r.path::ltree, r.name
FROM register.settings AS s, (VALUES ('77', 'North'), ('78', 'South')) AS r (path, name);
INSERT INTO register.region (version_id, path, name)
SELECT s.region_version_id, r.path::ltree, r.name
FROM register.settings AS s, (VALUES ('77.01', 'Northtown'), ('78.01', 'Southtown')) AS r (path, name);
CREATE FUNCTION public.region(code text) RETURNS integer LANGUAGE sql AS 'SELECT r.id FROM register.region AS r WHERE r.code = $1';
CREATE FUNCTION public.country(code text) RETURNS integer LANGUAGE sql AS 'SELECT c.id FROM register.country AS c WHERE c.iso_2 = $1';
CREATE FUNCTION public.stat(code text) RETURNS integer LANGUAGE sql AS 'SELECT d.id FROM register.stat_definition AS d WHERE d.code = $1';
CREATE FUNCTION public.status(code text) RETURNS integer LANGUAGE sql AS 'SELECT s.id FROM register.status AS s WHERE s.code = $1';
CREATE FUNCTION public.activity(code text) RETURNS integer LANGUAGE sql AS $activity$
    SELECT a.id FROM register.activity_category AS a JOIN register.activity_category_standard AS s ON s.id = a.standard_id
    WHERE s.code = 'isic_v4' AND a.code = $1 $activity$;
INSERT INTO register.data_source (code, name) VALUES ('regress_a', 'A'), ('regress_b', 'B');
CREATE FUNCTION public.source(code text) RETURNS integer LANGUAGE sql AS 'SELECT d.id FROM register.data_source AS d WHERE d.code = $1';

INSERT INTO register.enterprise (id, short_name, edit_by_user_id, edit_at) OVERRIDING SYSTEM VALUE
VALUES (1, NULL, 1, '2020-01-01'), (2, 'Two', 1, '2020-01-01'), (3, NULL, 1, '2020-01-01'), (4, NULL, 1, '2020-01-01'), (5, NULL, 1, '2020-01-01');
-- 2 moves from enterprise 2 to 1 on 2021-07-01; 3 is passive in 2022; 5 is interrupted from 2021 to 2022.
INSERT INTO register.legal_unit (id, valid_from, valid_until, name, status_id, enterprise_id, primary_for_enterprise, birth_date, death_date, data_source_id, edit_by_user_id, edit_at)
VALUES (1, '2020-01-01', 'infinity', 'Alpha', status('active'), 1, true, '2020-01-01', NULL, source('regress_a'), 1, '2020-01-01'),
       (2, '2020-01-01', '2021-07-01', 'Beta', status('active'), 2, true, '2020-01-01', NULL, source('regress_a'), 1, '2020-01-01'),
       (2, '2021-07-01', 'infinity', 'Beta', status('active'), 1, false, '2020-01-01', NULL, source('regress_a'), 1, '2020-01-01'),
       (3, '2020-01-01', '2022-01-01', 'Gamma', status('active'), 2, false, '2019-05-01', NULL, NULL, 1, '2020-01-01'),
       (3, '2022-01-01', '2023-01-01', 'Gamma', status('passive'), 2, true, '2019-05-01', '2022-12-31', NULL, 1, '2020-01-01'),
       (5, '2020-06-01', '2021-01-01', 'Epsilon', status('active'), 5, true, '2020-06-01', NULL, NULL, 1, '2020-01-01'),
       (5, '2022-01-01', 'infinity', 'Epsilon', status('active'), 5, true, '2020-06-01', NULL, NULL, 1, '2020-01-01');
-- 13 moves from legal unit 1 to 2; 14 and 15 are informal; 16 lives one day.
INSERT INTO register.establishment (id, valid_from, valid_until, name, status_id, legal_unit_id, primary_for_legal_unit, enterprise_id, primary_for_enterprise, data_source_id, edit_by_user_id, edit_at)
VALUES (11, '2020-01-01', 'infinity', 'Alpha shop', status('active'), 1, true, NULL, NULL, source('regress_b'), 1, '2020-01-01'),
       (12, '2020-03-01', '2022-02-01', 'Alpha plant', status('active'), 1, false, NULL, NULL, NULL, 1, '2020-01-01'),
       (13, '2020-01-01', '2021-01-01', 'Mover', status('active'), 1, false, NULL, NULL, NULL, 1, '2020-01-01'),
       (13, '2021-01-01', 'infinity', 'Mover', status('active'), 2, true, NULL, NULL, NULL, 1, '2020-01-01'),
       (14, '2020-01-01', 'infinity', 'Market stall', status('active'), NULL, NULL, 3, true, NULL, 1, '2020-01-01'),
       (15, '2021-01-01', '2022-01-01', 'Night stall', status('passive'), NULL, NULL, 3, false, NULL, 1, '2020-01-01'),
       (16, '2021-12-31', '2022-01-01', 'One day', status('active'), NULL, NULL, 4, true, NULL, 1, '2020-01-01');
INSERT INTO register.activity (id, type, category_id, legal_unit_id, establishment_id, valid_from, valid_until, edit_by_user_id, edit_at)
VALUES (1, 'primary', activity('0111'), 1, NULL, '2020-01-01', '2022-01-01', 1, '2020-01-01'),
       (1, 'primary', activity('0112'), 1, NULL, '2022-01-01', 'infinity', 1, '2020-01-01'),
       (2, 'secondary', activity('0113'), 1, NULL, '2021-01-01', '2021-04-01', 1, '2020-01-01'),
       (3, 'primary', activity('0111'), NULL, 11, '2020-01-01', 'infinity', 1, '2020-01-01'),
       (4, 'primary', activity('0114'), NULL, 14, '2020-01-01', 'infinity', 1, '2020-01-01');
INSERT INTO register.location (id, type, address_part1, region_id, country_id, legal_unit_id, establishment_id, valid_from, valid_until, edit_by_user_id, edit_at)
VALUES (1, 'physical', 'Road 1', region('7701'), country('NO'), 1, NULL, '2020-01-01', 'infinity', 1, '2020-01-01'),
       (2, 'physical', 'Road 2', region('7701'), country('NO'), NULL, 11, '2020-01-01', '2020-09-01', 1, '2020-01-01'),
       (2, 'physical', 'Road 3', region('7801'), country('NO'), NULL, 11, '2020-09-01', 'infinity', 1, '2020-01-01'),
       (3, 'postal', 'Box 1', NULL, country('SE'), 1, NULL, '2020-01-01', 'infinity', 1, '2020-01-01'),
       (4, 'physical', 'Abroad', NULL, country('SE'), 2, NULL, '2020-01-01', 'infinity', 1, '2020-01-01');
INSERT INTO register.contact (id, email_address, legal_unit_id, valid_from, edit_by_user_id, edit_at) VALUES (1, 'a@example.com', 1, '2020-01-01', 1, '2020-01-01');
INSERT INTO register.stat_for_unit (id, stat_definition_id, value_int, legal_unit_id, establishment_id, valid_from, valid_until, edit_by_user_id, edit_at)
VALUES (1, stat('employees'), 10, 1, NULL, '2020-01-01', '2021-01-01', 1, '2020-01-01'),
       (1, stat('employees'), 20, 1, NULL, '2021-01-01', 'infinity', 1, '2020-01-01'),
       (2, stat('employees'), 3, NULL, 11, '2020-01-01', 'infinity', 1, '2020-01-01'),
       (3, stat('employees'), 4, NULL, 12, '2020-03-01', '2022-02-01', 1, '2020-01-01'),
       (4, stat('employees'), 5, NULL, 13, '2020-01-01', 'infinity', 1, '2020-01-01'),
       (5, stat('employees'), 1, NULL, 14, '2020-01-01', 'infinity', 1, '2020-01-01'),
       (6, stat('employees'), 100, NULL, 15, '2021-01-01', '2022-01-01', 1, '2020-01-01'),
       (7, stat('employees'), 7, 3, NULL, '2020-01-01', '2023-01-01', 1, '2020-01-01');
INSERT INTO register.stat_for_unit (id, stat_definition_id, value_float, legal_unit_id, valid_from, valid_until, edit_by_user_id, edit_at)
VALUES (8, stat('turnover'), 0.5, 1, '2020-01-01', 'infinity', 1, '2020-01-01');
INSERT INTO register.external_ident (type_id, shape, ident, legal_unit_id, establishment_id, edit_by_user_id)
SELECT t.id, 'regular', i.ident, i.legal_unit_id, i.establishment_id, 1
FROM register.external_ident_type AS t, (VALUES ('L1', 1, NULL), ('L2', 2, NULL), ('E11', NULL, 11), ('E14', NULL, 14)) AS i (ident, legal_unit_id, establishment_id)
WHERE t.code = 'tax_ident';
INSERT INTO register.tag (path, name) VALUES ('regress', 'Tests');
INSERT INTO register.tag_for_unit (tag_id, enterprise_id, edit_by_user_id) SELECT t.id, 3, 1 FROM register.tag AS t WHERE t.path = 'regress';
INSERT INTO register.power_group (id, ident, edit_by_user_id, edit_at) OVERRIDING SYSTEM VALUE VALUES (1, 'PGX1', 1, '2020-01-01');
INSERT INTO register.legal_relationship (id, influencing_id, influenced_id, type_id, primary_influencer_only, percentage, derived_power_group_id, derived_influenced_power_level, valid_from, valid_until, edit_by_user_id)
SELECT r.id, r.influencing_id, r.influenced_id, t.id, t.primary_influencer_only, 60, 1, 1, r.valid_from, r.valid_until, 1
FROM register.legal_rel_type AS t,
    (VALUES (1, 1, 2, '2021-01-01'::date, '2023-07-01'::date), (2, 1, 3, '2021-01-01', '2022-07-01')) AS r (id, influencing_id, influenced_id, valid_from, valid_until)
WHERE t.code = 'ownership';
-- Nothing is derived before the end of the transaction.
SELECT count(*) FROM register.statistical_unit;
COMMIT;
SELECT count(*) AS log_left FROM worker.base_change_log;

-- rows ---------------------------------------------------------------------------------------------------------------
SELECT u.unit_type, u.unit_id AS id, u.valid_from, u.valid_to, u.name, u.status_code, u.primary_activity_category_code AS activity,
       u.physical_region_code AS region, u.domestic, u.stats_summary #>> '{employees,sum}' AS employees,
       u.included_establishment_ids AS est, u.included_legal_unit_ids AS lu, u.included_enterprise_ids AS en
FROM register.statistical_unit AS u
ORDER BY u.unit_type, u.unit_id, u.valid_from;
-- The row of one segment in full.
SELECT jsonb_pretty(jsonb_strip_nulls(to_jsonb(u) - '{sector_id,primary_activity_category_id,secondary_activity_category_id,physical_region_id,physical_country_id,postal_country_id,status_id,data_source_ids,last_edit_at}'::text[]))
FROM register.statistical_unit AS u
WHERE u.unit_type = 'enterprise' AND u.unit_id = 1 AND u.valid_range @> '2021-02-01'::date;
SELECT u.unit_type, u.unit_id, u.external_idents, u.tag_paths, u.has_legal_unit, u.primary_legal_unit_id, u.primary_establishment_id
FROM register.statistical_unit AS u WHERE u.valid_range @> '2021-02-01'::date ORDER BY 1, 2;
SELECT s.unit_id, s.valid_from, s.valid_until FROM register.timesegments AS s WHERE s.unit_type = 'power_group' ORDER BY 1, 2;
SELECT * FROM register.timesegments_years ORDER BY year;
SELECT standard_code, path, code FROM register.activity_category_used ORDER BY path;
SELECT path, code, name FROM register.region_used ORDER BY path;
SELECT iso_2 FROM register.country_used ORDER BY 1;
SELECT code FROM register.data_source_used ORDER BY 1;

-- an independent judge: every unit on every day ----------------------------------------------------------------------
CREATE FUNCTION public.judge(OUT days bigint, OUT unit_days bigint, OUT wrong bigint)
LANGUAGE plpgsql AS $judge$
BEGIN
    CREATE TEMP TABLE day AS SELECT d::date AS d FROM generate_series('2019-12-30'::timestamp, '2023-12-31', '1 day') AS d;
    CREATE TEMP TABLE expected AS
    WITH est AS (
        SELECT d.d, e.id, e.name, s.used_for_counting AS counts, e.legal_unit_id, e.enterprise_id, e.primary_for_enterprise,
            (SELECT c.code FROM register.activity AS a JOIN register.activity_category AS c ON c.id = a.category_id
             WHERE a.establishment_id = e.id AND a.type = 'primary' AND d.d >= a.valid_from AND d.d <= a.valid_to) AS activity,
            (SELECT r.code FROM register.location AS l JOIN register.region AS r ON r.id = l.region_id
             WHERE l.establishment_id = e.id AND l.type = 'physical' AND d.d >= l.valid_from AND d.d <= l.valid_to) AS region,
            (SELECT x.value_int FROM register.stat_for_unit AS x
             WHERE x.establishment_id = e.id AND x.stat_definition_id = public.stat('employees') AND d.d >= x.valid_from AND d.d <= x.valid_to) AS employees
        FROM day AS d, register.establishment AS e, register.status AS s
        WHERE s.id = e.status_id AND d.d >= e.valid_from AND d.d <= e.valid_to
    ), lu AS (
        SELECT d.d, e.id, e.name, s.used_for_counting AS counts, e.enterprise_id, e.primary_for_enterprise,
            (SELECT c.code FROM register.activity AS a JOIN register.activity_category AS c ON c.id = a.category_id
             WHERE a.legal_unit_id = e.id AND a.type = 'primary' AND d.d >= a.valid_from AND d.d <= a.valid_to) AS activity,
            (SELECT r.code FROM register.location AS l JOIN register.region AS r ON r.id = l.region_id
             WHERE l.legal_unit_id = e.id AND l.type = 'physical' AND d.d >= l.valid_from AND d.d <= l.valid_to) AS region,
            CASE WHEN s.used_for_counting THEN
                (SELECT sum(v) FROM (
                    SELECT x.value_int AS v FROM register.stat_for_unit AS x
                    WHERE x.legal_unit_id = e.id AND x.stat_definition_id = public.stat('employees') AND d.d >= x.valid_from AND d.d <= x.valid_to
                    UNION ALL
                    SELECT est.employees FROM est WHERE est.d = d.d AND est.legal_unit_id = e.id AND est.counts) AS v)
            END AS employees
        FROM day AS d, register.legal_unit AS e, register.status AS s
        WHERE s.id = e.status_id AND d.d >= e.valid_from AND d.d <= e.valid_to
    ), member AS (
        SELECT d, enterprise_id, 1 AS rank, name, counts, activity, region, employees, primary_for_enterprise FROM lu
        UNION ALL
        SELECT d, enterprise_id, 2, name, counts, activity, region, employees, primary_for_enterprise FROM est WHERE enterprise_id IS NOT NULL
    ), en AS (
        SELECT m.d, m.enterprise_id AS id, sum(m.employees) FILTER (WHERE m.counts) AS employees
        FROM member AS m GROUP BY m.d, m.enterprise_id
    ), pg AS (
        SELECT g.d, g.id, sum(lu.employees) FILTER (WHERE lu.counts) AS employees
        FROM (SELECT d.d, r.derived_power_group_id AS id, r.influencing_id AS lu FROM day AS d, register.legal_relationship AS r WHERE d.d >= r.valid_from AND d.d <= r.valid_to
              UNION SELECT d.d, r.derived_power_group_id, r.influenced_id FROM day AS d, register.legal_relationship AS r WHERE d.d >= r.valid_from AND d.d <= r.valid_to) AS g
        JOIN lu ON lu.d = g.d AND lu.id = g.lu
        WHERE g.id IS NOT NULL
        GROUP BY g.d, g.id
    )
    SELECT d, 'establishment' AS unit_type, id, name::text, counts, activity, region, employees::numeric FROM est
    UNION ALL SELECT d, 'legal_unit', id, name, counts, activity, region, employees FROM lu
    UNION ALL SELECT en.d, 'enterprise', en.id, coalesce(n.short_name, p.name), coalesce(p.counts, false), p.activity, p.region, en.employees
              FROM en JOIN register.enterprise AS n ON n.id = en.id
              LEFT JOIN LATERAL (SELECT * FROM member AS m WHERE m.d = en.d AND m.enterprise_id = en.id AND m.primary_for_enterprise
                                 ORDER BY m.rank LIMIT 1) AS p ON true
    UNION ALL SELECT d, 'power_group', id, NULL, true, NULL, NULL, employees FROM pg;
    SELECT count(*) INTO days FROM day;
    SELECT count(*) INTO unit_days FROM expected;
    WITH actual AS (
        SELECT day.d, u.unit_type::text, u.unit_id AS id, CASE WHEN u.unit_type <> 'power_group' THEN u.name::text END AS name, u.used_for_counting AS counts,
               CASE WHEN u.unit_type <> 'power_group' THEN u.primary_activity_category_code END AS activity,
               CASE WHEN u.unit_type <> 'power_group' THEN u.physical_region_code END AS region,
               (u.stats_summary #>> '{employees,sum}')::numeric AS employees
        FROM day JOIN register.statistical_unit AS u ON day.d >= u.valid_from AND day.d <= u.valid_to
    )
    SELECT count(*) INTO wrong
    FROM ((TABLE expected EXCEPT ALL TABLE actual) UNION ALL (TABLE actual EXCEPT ALL TABLE expected)) AS difference;
    DROP TABLE day, expected;
END
$judge$;
SELECT * FROM public.judge();
SELECT * FROM statbus.verify_derived();

-- propagation: up, never sideways; only rows that differ are written ---------------------------------------------------
CREATE TABLE public.seen AS SELECT u.unit_type, u.unit_id, u.valid_from, u.xmin::text AS version FROM register.statistical_unit AS u;
CREATE FUNCTION public.written() RETURNS TABLE (unit_type text, unit_id integer, valid_from date, what text) LANGUAGE sql AS $written$
    WITH now AS (SELECT u.unit_type, u.unit_id, u.valid_from, u.xmin::text AS version FROM register.statistical_unit AS u),
    gone AS (DELETE FROM public.seen RETURNING *), again AS (INSERT INTO public.seen SELECT * FROM now)
    SELECT coalesce(n.unit_type, g.unit_type)::text, coalesce(n.unit_id, g.unit_id), coalesce(n.valid_from, g.valid_from),
           CASE WHEN g.unit_id IS NULL THEN 'added' WHEN n.unit_id IS NULL THEN 'deleted' ELSE 'written' END
    FROM now AS n FULL JOIN gone AS g ON g.unit_type = n.unit_type AND g.unit_id = n.unit_id AND g.valid_from = n.valid_from
    WHERE n.version IS DISTINCT FROM g.version
    ORDER BY coalesce(n.unit_type, g.unit_type), 2, 3
$written$;
SELECT statbus.derive('{11,12}', '{1,2}', '{1}', '{1}');
SELECT * FROM public.written();
UPDATE register.establishment SET name = 'Alpha works' WHERE id = 12;
SELECT * FROM public.written();
UPDATE register.stat_for_unit SET value_int = 6 WHERE id = 3;
SELECT * FROM public.written();
UPDATE register.legal_unit SET name = 'Gamma rays' WHERE id = 3 AND valid_from = '2022-01-01';
SELECT * FROM public.written();
UPDATE register.enterprise SET short_name = 'II' WHERE id = 2;
SELECT DISTINCT unit_type, unit_id, what FROM public.written() ORDER BY 1, 2;
-- The old parent changes as well as the new one.
UPDATE register.establishment SET legal_unit_id = 2, primary_for_legal_unit = false WHERE id = 12;
SELECT DISTINCT unit_type, unit_id FROM public.written() ORDER BY 1 DESC, 2;
DELETE FROM register.establishment WHERE id = 16;
SELECT * FROM public.written();
SELECT * FROM public.judge();

-- codes: a new name or path reaches the rows ----------------------------------------------------------------------------
UPDATE register.region SET name = 'Sørby' WHERE code = '7801';
SELECT * FROM public.written();
SELECT name FROM register.region_used WHERE code = '7801';
UPDATE register.sector SET name = name;
UPDATE register.activity_category_standard SET code = 'isic_4' WHERE code = 'isic_v4';
SELECT DISTINCT standard_code FROM register.activity_category_used;
UPDATE register.activity_category_standard SET code = 'isic_v4' WHERE code = 'isic_4';
UPDATE register.data_source SET code = 'regress_c' WHERE code = 'regress_a';
SELECT DISTINCT data_source_codes FROM register.timeline_enterprise ORDER BY 1;
SELECT code FROM register.data_source_used ORDER BY 1;
UPDATE register.data_source SET code = 'regress_a' WHERE code = 'regress_c';
SELECT count(*) AS written FROM public.written();
UPDATE register.stat_definition SET code = 'staff' WHERE code = 'employees';
SELECT u.stats, u.stats_summary FROM register.statistical_unit AS u WHERE u.unit_type = 'establishment' AND u.unit_id = 14;
UPDATE register.stat_definition SET code = 'employees' WHERE code = 'staff';
UPDATE register.external_ident_type SET code = 'regress_ident' WHERE code = 'tax_ident';
SELECT u.external_idents FROM register.statistical_unit AS u WHERE u.unit_type = 'enterprise' AND u.unit_id = 3 AND u.valid_range @> '2021-02-01'::date;
UPDATE register.external_ident_type SET code = 'tax_ident' WHERE code = 'regress_ident';
UPDATE register.status SET used_for_counting = true WHERE code = 'passive';
SELECT u.unit_type, u.unit_id, u.stats_summary #> '{employees,sum}' AS employees FROM register.statistical_unit AS u
WHERE u.unit_type = 'enterprise' AND u.unit_id = 3 AND u.valid_range @> '2021-02-01'::date;
UPDATE register.status SET used_for_counting = false WHERE code = 'passive';
UPDATE register.location SET region_id = region('7701') WHERE id = 2 AND address_part1 = 'Road 3';
SELECT code FROM register.region_used ORDER BY 1;
UPDATE register.settings SET country_id = country('SE');
SELECT u.unit_id, u.domestic FROM register.statistical_unit AS u WHERE u.unit_type = 'legal_unit' AND u.valid_range @> '2020-07-01'::date ORDER BY 1;
UPDATE register.settings SET country_id = country('NO');
SELECT * FROM public.judge();
SELECT * FROM statbus.verify_derived();

-- stock by the definition of the history: on December 31st, counted units --------------------------------------------
SELECT u.unit_type, y.last_day,
       count(*) FILTER (WHERE u.valid_from <= y.last_day AND y.last_day < u.valid_until
                        AND coalesce(u.birth_date, u.valid_from) <= y.last_day AND (u.death_date IS NULL OR u.death_date > y.last_day)) AS stock,
       count(*) FILTER (WHERE u.valid_from <= y.last_day AND y.last_day < u.valid_until AND u.used_for_counting
                        AND coalesce(u.birth_date, u.valid_from) <= y.last_day AND (u.death_date IS NULL OR u.death_date > y.last_day)) AS counted
FROM register.statistical_unit AS u
CROSS JOIN (VALUES ('2020-12-31'::date), ('2021-12-31'), ('2022-12-31')) AS y (last_day)
GROUP BY 1, 2 ORDER BY 1, 2;

-- piecemeal equals whole: edits in a deterministic disorder -------------------------------------------------------------
CREATE FUNCTION public.edit(number integer, roll bigint) RETURNS void LANGUAGE plpgsql AS $edit$
DECLARE
    pick CONSTANT integer := (roll / 7) % 1000;
    unit CONSTANT integer := 11 + pick % 6;
    day CONSTANT date := '2020-01-01'::date + ((roll / 11) % 1400)::integer;
    row record;
BEGIN
    CASE number % 12
        WHEN 0 THEN UPDATE register.establishment SET name = 'Name ' || number WHERE id = unit;
        WHEN 1 THEN  -- cut a slice of an establishment in two and rename the later part
            SELECT * INTO row FROM register.establishment AS e WHERE e.id = unit AND e.valid_from < day AND day < e.valid_until;
            IF FOUND THEN  -- in one statement: the keys over time never see a hole
                WITH cut AS (UPDATE register.establishment SET valid_until = day WHERE id = unit AND valid_from = row.valid_from)
                INSERT INTO register.establishment (id, valid_from, valid_until, name, status_id, legal_unit_id, primary_for_legal_unit, enterprise_id, primary_for_enterprise)
                VALUES (unit, day, row.valid_until, 'Cut ' || number, row.status_id, row.legal_unit_id, row.primary_for_legal_unit, row.enterprise_id, row.primary_for_enterprise);
            END IF;
        WHEN 2 THEN UPDATE register.establishment SET legal_unit_id = 1 + pick % 2, primary_for_legal_unit = false
            WHERE id = unit AND legal_unit_id IS NOT NULL AND valid_from >= day;
        WHEN 3 THEN UPDATE register.stat_for_unit SET value_int = pick WHERE id = 1 + pick % 7;
        WHEN 4 THEN DELETE FROM register.stat_for_unit WHERE id = 100 + pick % 5;
            INSERT INTO register.stat_for_unit (id, stat_definition_id, value_float, establishment_id, valid_from, valid_until)
            VALUES (100 + pick % 5, public.stat('turnover'), pick / 8.0, 12 + pick % 4, day, day + 1 + pick % 90);
        WHEN 5 THEN UPDATE register.legal_unit SET status_id = public.status(CASE WHEN pick % 2 = 0 THEN 'active' ELSE 'passive' END)
            WHERE id = 1 + pick % 5;
        WHEN 6 THEN UPDATE register.activity SET category_id = public.activity((ARRAY['0111', '0112', '0113', '0114'])[1 + pick % 4]) WHERE id = 1 + pick % 4;
        WHEN 7 THEN INSERT INTO register.establishment (id, valid_from, valid_until, name, status_id, enterprise_id, primary_for_enterprise)
            VALUES (20 + pick % 9, day, day + 1 + pick % 200, 'New ' || number, public.status('active'), 3 + pick % 3, pick % 4 = 0);
        WHEN 8 THEN DELETE FROM register.establishment WHERE id = 20 + pick % 9;
        WHEN 9 THEN UPDATE register.legal_unit SET enterprise_id = 1 + pick % 5, primary_for_enterprise = pick % 3 = 0 WHERE id = 5 AND valid_from >= day;
        WHEN 10 THEN
            DELETE FROM register.legal_relationship WHERE id = 3;
            INSERT INTO register.legal_relationship (id, influencing_id, influenced_id, type_id, primary_influencer_only, derived_power_group_id, valid_from, valid_until)
            SELECT 3, 2, 1, t.id, t.primary_influencer_only, 1, day, day + 30 FROM register.legal_rel_type AS t WHERE t.code = 'ownership';
        WHEN 11 THEN UPDATE register.location SET region_id = public.region(CASE WHEN pick % 2 = 0 THEN '7701' ELSE '7801' END) WHERE id = 1 + pick % 2;
    END CASE;
END
$edit$;
CREATE TABLE public.outcome (number integer, is_done boolean, problems bigint);
DO $edits$
DECLARE
    roll bigint := 2024;
    is_done boolean;
BEGIN
    FOR number IN 1 .. 240 LOOP
        roll := (roll * 1103515245 + 12345) % 2147483648;
        is_done := true;
        BEGIN
            PERFORM public.edit(number, roll);
        EXCEPTION WHEN exclusion_violation OR foreign_key_violation OR check_violation OR unique_violation THEN
            is_done := false;
        END;
        COMMIT;
        INSERT INTO public.outcome
        SELECT number, is_done, CASE WHEN number % 20 = 0 THEN (SELECT count(*) FROM statbus.verify_derived()) ELSE 0 END;
        COMMIT;
    END LOOP;
END
$edits$;
SELECT array_agg(DISTINCT number % 12 ORDER BY number % 12) FILTER (WHERE is_done) AS kinds, count(*) FILTER (WHERE is_done) >= 120 AS most_are_done, sum(problems) AS problems FROM public.outcome;
SELECT days, unit_days > 5000 AS many_unit_days, wrong FROM public.judge();
CREATE TABLE public.before AS SELECT * FROM register.statistical_unit_stored;
CREATE TABLE public.before_segments AS SELECT * FROM register.timesegments;
TRUNCATE register.timepoints, register.timesegments, register.timesegments_years, register.statistical_unit, register.region_used, register.data_source_used;
SELECT count(*) > 0 AS is_seen FROM statbus.verify_derived();
SELECT statbus.rebuild();
SELECT count(*) AS difference
FROM ((TABLE public.before EXCEPT ALL TABLE register.statistical_unit_stored) UNION ALL (TABLE register.statistical_unit_stored EXCEPT ALL TABLE public.before)) AS d;
SELECT count(*) AS difference
FROM ((TABLE public.before_segments EXCEPT ALL TABLE register.timesegments) UNION ALL (TABLE register.timesegments EXCEPT ALL TABLE public.before_segments)) AS d;
SELECT * FROM statbus.verify_derived();
-- Verification sees what somebody else did to derived data, and a rebuild mends it.
UPDATE register.statistical_unit SET name = 'Forged' WHERE unit_type = 'enterprise' AND unit_id = 3 AND valid_range @> '2020-01-01'::date;
DELETE FROM register.region_used WHERE code = '77';
INSERT INTO register.timesegments_years VALUES (1900);
INSERT INTO register.timepoints VALUES ('legal_unit', 999, '2020-01-01');
SELECT unit_type, problem FROM statbus.verify_derived() ORDER BY 1, 2;
SELECT statbus.rebuild();
SELECT * FROM statbus.verify_derived();

-- when: immediate, deferred, beyond the limit, above READ COMMITTED --------------------------------------------------------
SET statbus.derive = 'deferred';
UPDATE register.legal_unit SET name = 'Deferred' WHERE id = 1;
UPDATE register.legal_unit SET name = 'Deferred twice' WHERE id = 1;
SELECT count(*) AS log_rows, bool_and(is_queued) AS queued FROM worker.base_change_log;
SELECT command, count(*) FROM worker.tasks WHERE state = 'pending' GROUP BY 1;
SELECT DISTINCT name FROM register.timeline_legal_unit WHERE unit_id = 1 AND name LIKE 'Deferred%';
CALL worker.process_tasks();
SELECT DISTINCT name FROM register.timeline_legal_unit WHERE unit_id = 1 AND name LIKE 'Deferred%';
SELECT count(*) AS log_rows FROM worker.base_change_log;
SET statbus.derive = 'immediate';
SET statbus.derive_immediate_limit = 2;
UPDATE register.legal_unit SET name = 'Over the limit' WHERE id IN (1, 2, 3);
SELECT count(*) AS log_rows FROM worker.base_change_log;
SELECT statbus.derive_pending();
SELECT DISTINCT name FROM register.timeline_legal_unit WHERE name LIKE 'Over%';
RESET statbus.derive_immediate_limit;
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE register.legal_unit SET name = 'Repeatable' WHERE id = 1;
COMMIT;
SELECT count(*) AS log_rows FROM worker.base_change_log;
CALL worker.process_tasks();
SELECT DISTINCT name FROM register.timeline_enterprise WHERE name LIKE 'Repeatable%';
\set VERBOSITY sqlstate
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT statbus.derive('{11}', '{}', '{}', '{}');
ROLLBACK;
\set VERBOSITY default
-- A transaction that changes its mind leaves nothing to do.
BEGIN;
SAVEPOINT s;
UPDATE register.legal_unit SET name = 'Never' WHERE id = 1;
ROLLBACK TO s;
COMMIT;
SELECT count(*) AS log_rows FROM worker.base_change_log;
-- Inside a transaction one asks for it.
BEGIN;
UPDATE register.legal_unit SET name = 'Asked for' WHERE id = 1;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT DISTINCT name FROM register.timeline_enterprise WHERE name LIKE 'Asked%';
ROLLBACK;
-- A column of the user's own stands in nobody's way.
ALTER TABLE register.statistical_unit ADD COLUMN regress_note text;
UPDATE register.legal_unit SET name = 'With a note' WHERE id = 1;
SELECT DISTINCT name FROM register.timeline_enterprise WHERE name LIKE 'With%';
-- A table emptied at once.
TRUNCATE register.tag_for_unit;
SELECT count(*) AS tagged FROM register.statistical_unit WHERE cardinality(tag_paths) > 0;
SELECT * FROM statbus.verify_derived();

-- Writers of base tables need no right on derived ones or on the log.
INSERT INTO auth."user" (display_name, email, statbus_role) VALUES ('Rita Regular', 'regress_derive@example.org', 'regular_user');
BEGIN;
SET LOCAL ROLE "regress_derive@example.org";
UPDATE register.legal_unit SET name = 'By Rita', edit_by_user_id = auth.uid() WHERE id = 1;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT DISTINCT u.name, e.display_name FROM register.timeline_enterprise AS u
JOIN auth."user" AS e ON e.id = u.last_edit_by_user_id WHERE u.name LIKE 'By %';
\set VERBOSITY sqlstate
SAVEPOINT s;
UPDATE register.statistical_unit SET name = 'Forged';
ROLLBACK TO s;
INSERT INTO worker.base_change_log (all_units) VALUES (true);
ROLLBACK;
\set VERBOSITY default
SELECT p.proname FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname = 'statbus' AND p.proname IN ('derive', 'derive_changes', 'derive_pending', 'rebuild', 'verify_derived', 'log_base_change',
    'log_code_change', 'log_settings_change', 'derive_at_commit') AND has_function_privilege('authenticated', p.oid, 'EXECUTE');
SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE (n.nspname, c.relname) IN (('register', 'statistical_unit'), ('register', 'timesegments'), ('register', 'region_used'), ('worker', 'base_change_log'))
AND has_table_privilege('admin_user', c.oid, 'INSERT,UPDATE,DELETE');

-- Tables that grow by changes too small for a mass derivation get statistics, and their readers new plans, without waiting for autovacuum.
-- It is kept out: when it comes in the middle of the change, it has counted the pages and not yet the rows.
ALTER TABLE register.timeline_legal_unit SET (autovacuum_enabled = false);
INSERT INTO register.enterprise (id) OVERRIDING SYSTEM VALUE VALUES (100000);
INSERT INTO register.legal_unit (id, valid_from, name, status_id, enterprise_id, primary_for_enterprise)
SELECT 100000 + n, '2020-01-01', 'Unit ' || n, (SELECT s.id FROM register.status AS s WHERE s.assigned_by_default), 100000, n = 1 FROM generate_series(1, 900) AS n;
UPDATE register.legal_unit SET name = 'Unit one' WHERE id = 100001;
SELECT c.reltuples >= 900 AS has_statistics FROM pg_class AS c WHERE c.oid = 'register.timeline_legal_unit'::regclass;
SELECT * FROM statbus.verify_derived();

\c contrib_regression
DROP DATABASE regress_derive;
DROP ROLE "regress_derive@example.org";

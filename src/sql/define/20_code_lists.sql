-- Definitions 20: triggers of the code lists, and their views in schema api.

-- Every table with an id keeps it; every table with updated_at keeps that true.
DO $triggers$
DECLARE
    v_table record;
BEGIN
    FOR v_table IN
        SELECT c.oid::regclass AS name, bool_or(a.attname = 'id') AS has_id, bool_or(a.attname = 'updated_at') AS has_updated_at
        FROM unnest(ARRAY[
            'auth."user"', 'auth.refresh_session', 'auth.api_key',
            'register.activity_category', 'register.activity_category_access', 'register.activity_category_standard', 'register.country',
            'register.data_source', 'register.external_ident_rule', 'register.external_ident_exception', 'register.external_ident_type', 'register.foreign_participation', 'register.legal_form',
            'register.legal_rel_type', 'register.legal_reorg_type', 'register.person_role', 'register.power_group_type', 'register.region',
            'register.region_access', 'register.region_version', 'register.relative_period', 'register.sector', 'register.settings',
            'register.stat_definition', 'register.status', 'register.tag', 'register.unit_size'
        ]) AS t (name)
        JOIN pg_catalog.pg_class AS c ON c.oid = t.name::regclass
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname IN ('id', 'updated_at') AND NOT a.attisdropped
        GROUP BY c.oid
        ORDER BY 1
    LOOP
        IF v_table.has_id THEN
            EXECUTE format('CREATE OR REPLACE TRIGGER refuse_id_change BEFORE UPDATE OF id ON %s FOR EACH ROW EXECUTE FUNCTION statbus.refuse_id_change()', v_table.name);
        END IF;
        IF v_table.has_updated_at THEN
            EXECUTE format('CREATE OR REPLACE TRIGGER touch_updated_at BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION statbus.touch_updated_at()', v_table.name);
        END IF;
    END LOOP;
END
$triggers$;

-- A rule of identifiers that contradicts itself is refused.
CREATE OR REPLACE TRIGGER require_sound AFTER INSERT OR UPDATE ON register.external_ident_rule
    FOR EACH ROW EXECUTE FUNCTION register.ident_rule_changed('id');
CREATE OR REPLACE TRIGGER require_sound AFTER INSERT OR UPDATE ON register.external_ident_exception
    FOR EACH ROW EXECUTE FUNCTION register.ident_rule_changed('rule_id');

-- Trees: the parent follows from the path.
CREATE OR REPLACE TRIGGER set_parent BEFORE INSERT OR UPDATE OF path, parent_id, standard_id ON register.activity_category
    FOR EACH ROW EXECUTE FUNCTION register.set_path_parent('standard_id');
CREATE OR REPLACE TRIGGER set_parent BEFORE INSERT OR UPDATE OF path, parent_id, version_id ON register.region
    FOR EACH ROW EXECUTE FUNCTION register.set_path_parent('version_id');
CREATE OR REPLACE TRIGGER set_parent BEFORE INSERT OR UPDATE OF path, parent_id ON register.sector
    FOR EACH ROW EXECUTE FUNCTION register.set_path_parent('');
CREATE OR REPLACE TRIGGER set_parent BEFORE INSERT OR UPDATE OF path, parent_id ON register.tag
    FOR EACH ROW EXECUTE FUNCTION register.set_path_parent('');

-- Codes of activities follow from the path and the standard.
CREATE OR REPLACE TRIGGER set_code BEFORE INSERT OR UPDATE OF path, standard_id, code ON register.activity_category
    FOR EACH ROW EXECUTE FUNCTION register.set_activity_category_code();
CREATE OR REPLACE TRIGGER recompute_codes AFTER UPDATE OF code_pattern ON register.activity_category_standard
    FOR EACH ROW WHEN (OLD.code_pattern IS DISTINCT FROM NEW.code_pattern)
    EXECUTE FUNCTION register.recompute_activity_category_codes();

-- The families of views.
DO $families$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY[
        'data_source', 'foreign_participation', 'legal_form', 'legal_rel_type', 'legal_reorg_type', 'person_role',
        'power_group_type', 'region_version', 'sector', 'status', 'tag', 'unit_size'
    ] LOOP
        PERFORM register.generate_code_list_views(v_table);
    END LOOP;
    FOREACH v_table IN ARRAY ARRAY['country', 'external_ident_type', 'stat_definition', 'activity_category_standard'] LOOP
        PERFORM register.generate_code_list_views(v_table, 'api', '{ordered,enabled}');
    END LOOP;
END
$families$;

-- Views for loading a file. What an insert does is said in each comment.
CREATE OR REPLACE VIEW api.activity_category_enabled WITH (security_invoker = on) AS
SELECT s.code AS standard_code, c.id, c.path, c.parent_path, c.code, c.label, c.name, c.description, c.custom
FROM register.activity_category AS c
JOIN register.activity_category_standard AS s ON s.id = c.standard_id
WHERE c.enabled
    AND c.standard_id = (SELECT g.activity_category_standard_id FROM register.settings AS g)
ORDER BY c.path;
COMMENT ON VIEW api.activity_category_enabled IS
    'activity categories of the chosen standard in use; an insert adds or updates a custom one in place of the shipped one';
CREATE OR REPLACE TRIGGER begin_load BEFORE INSERT ON api.activity_category_enabled
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_begin();
CREATE OR REPLACE TRIGGER upsert INSTEAD OF INSERT ON api.activity_category_enabled
    FOR EACH ROW EXECUTE FUNCTION register.activity_category_upsert_custom();
CREATE OR REPLACE TRIGGER finish_load AFTER INSERT ON api.activity_category_enabled
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_finish('register.activity_category', '');

CREATE OR REPLACE VIEW api.activity_category_enabled_custom WITH (security_invoker = on) AS
SELECT c.path, c.name, c.description
FROM register.activity_category AS c
WHERE c.enabled AND c.custom
    AND c.standard_id = (SELECT g.activity_category_standard_id FROM register.settings AS g)
ORDER BY c.path;
COMMENT ON VIEW api.activity_category_enabled_custom IS
    'custom activity categories of the chosen standard; an insert adds or updates one in place of the shipped one';
CREATE OR REPLACE TRIGGER begin_load BEFORE INSERT ON api.activity_category_enabled_custom
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_begin();
CREATE OR REPLACE TRIGGER upsert INSTEAD OF INSERT ON api.activity_category_enabled_custom
    FOR EACH ROW EXECUTE FUNCTION register.activity_category_upsert_custom();
CREATE OR REPLACE TRIGGER finish_load AFTER INSERT ON api.activity_category_enabled_custom
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_finish('register.activity_category', '');

-- One view per shipped standard: the standard as published.
DO $standards$
DECLARE
    v_standard record;
BEGIN
    FOR v_standard IN SELECT * FROM (VALUES ('isic_v4', 'isic_v4'), ('nace_v2.1', 'nace_v2_1')) AS v (code, suffix) LOOP
        EXECUTE format(
            'CREATE OR REPLACE VIEW api.%I WITH (security_invoker = on) AS
            SELECT s.code AS standard, c.path, c.label, c.code, c.name, c.description
            FROM register.activity_category AS c
            JOIN register.activity_category_standard AS s ON s.id = c.standard_id
            WHERE s.code = %L AND NOT c.custom
            ORDER BY c.path', 'activity_category_' || v_standard.suffix, v_standard.code);
        EXECUTE format('COMMENT ON VIEW api.%I IS %L', 'activity_category_' || v_standard.suffix,
            'activity categories of standard ' || v_standard.code || ' as published; an insert loads the whole standard: rows that it does not mention are deleted, or disabled when in use');
        EXECUTE format('CREATE OR REPLACE TRIGGER begin_load BEFORE INSERT ON api.%I FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_begin()',
            'activity_category_' || v_standard.suffix);
        EXECUTE format('CREATE OR REPLACE TRIGGER upsert INSTEAD OF INSERT ON api.%I FOR EACH ROW EXECUTE FUNCTION register.activity_category_upsert_standard(%L)',
            'activity_category_' || v_standard.suffix, v_standard.code);
        EXECUTE format('CREATE OR REPLACE TRIGGER finish_load AFTER INSERT ON api.%I FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_finish(%L, %L)',
            'activity_category_' || v_standard.suffix, 'register.activity_category',
            format('NOT t.custom AND t.standard_id = (SELECT s.id FROM register.activity_category_standard AS s WHERE s.code = %L)', v_standard.code));
    END LOOP;
END
$standards$;

CREATE OR REPLACE VIEW api.country_view WITH (security_invoker = on) AS
SELECT c.id, c.iso_2, c.iso_3, c.iso_num, c.name, c.enabled, c.custom
FROM register.country AS c
ORDER BY c.iso_2;
COMMENT ON VIEW api.country_view IS
    'countries; an insert loads the whole list: shipped rows that it does not mention are deleted, or disabled when in use';
CREATE OR REPLACE TRIGGER begin_load BEFORE INSERT ON api.country_view
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_begin();
CREATE OR REPLACE TRIGGER upsert INSTEAD OF INSERT ON api.country_view
    FOR EACH ROW EXECUTE FUNCTION register.country_upsert();
CREATE OR REPLACE TRIGGER finish_load AFTER INSERT ON api.country_view
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_finish('register.country', 'NOT t.custom');

CREATE OR REPLACE VIEW api.legal_form_custom_only WITH (security_invoker = on) AS
SELECT t.code, t.name
FROM register.legal_form AS t
WHERE t.enabled AND t.custom
ORDER BY t.code;
COMMENT ON VIEW api.legal_form_custom_only IS
    'legal forms of the office; an insert disables the shipped ones and adds or updates the rows of the statement';
CREATE OR REPLACE TRIGGER begin_load BEFORE INSERT ON api.legal_form_custom_only
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_begin();
CREATE OR REPLACE TRIGGER upsert INSTEAD OF INSERT ON api.legal_form_custom_only
    FOR EACH ROW EXECUTE FUNCTION register.code_list_upsert('register.legal_form', 'code', 'false', 'true', 'system');
CREATE OR REPLACE TRIGGER finish_load AFTER INSERT ON api.legal_form_custom_only
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_finish('register.legal_form', '');

CREATE OR REPLACE VIEW api.sector_custom_only WITH (security_invoker = on) AS
SELECT t.path, t.name, t.description
FROM register.sector AS t
WHERE t.enabled AND t.custom
ORDER BY t.path;
COMMENT ON VIEW api.sector_custom_only IS
    'sectors of the office; an insert disables the shipped ones and adds or updates the rows of the statement';
CREATE OR REPLACE TRIGGER begin_load BEFORE INSERT ON api.sector_custom_only
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_begin();
CREATE OR REPLACE TRIGGER upsert INSTEAD OF INSERT ON api.sector_custom_only
    FOR EACH ROW EXECUTE FUNCTION register.code_list_upsert('register.sector', 'path', 'true', 'true', 'system');
CREATE OR REPLACE TRIGGER finish_load AFTER INSERT ON api.sector_custom_only
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_finish('register.sector', '');

CREATE OR REPLACE VIEW api.region_upload WITH (security_invoker = on) AS
SELECT ltree2text(r.path) AS path, r.name, r.center_latitude::text AS center_latitude,
    r.center_longitude::text AS center_longitude, r.center_altitude::text AS center_altitude
FROM register.region AS r
WHERE r.version_id = (SELECT g.region_version_id FROM register.settings AS g)
ORDER BY r.path;
COMMENT ON VIEW api.region_upload IS 'regions of the chosen edition; an insert adds or updates one';
CREATE OR REPLACE TRIGGER begin_load BEFORE INSERT ON api.region_upload
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_begin();
CREATE OR REPLACE TRIGGER upsert INSTEAD OF INSERT ON api.region_upload
    FOR EACH ROW EXECUTE FUNCTION register.region_upsert();
CREATE OR REPLACE TRIGGER finish_load AFTER INSERT ON api.region_upload
    FOR EACH STATEMENT EXECUTE FUNCTION register.code_list_finish('register.region', '');

-- The dates of every relative period, seen from today. Weeks begin on Monday; periods of five and ten years begin in years
-- divisible by five and ten.
CREATE OR REPLACE VIEW api.relative_period_with_time WITH (security_invoker = on) AS
WITH d AS (
    SELECT t.today,
        extract(year FROM t.today)::integer AS year,
        extract(month FROM t.today)::integer AS month
    FROM (SELECT statbus.today() AS today) AS t
), unit (unit, start_curr, length) AS (
    SELECT u.unit, u.start_curr, u.length
    FROM d
    CROSS JOIN LATERAL (VALUES
        ('week', date_trunc('week', d.today::timestamp)::date, interval '7 days'),
        ('month', make_date(d.year, d.month, 1), interval '1 month'),
        ('quarter', make_date(d.year, (d.month - 1) / 3 * 3 + 1, 1), interval '3 months'),
        ('semester', make_date(d.year, (d.month - 1) / 6 * 6 + 1, 1), interval '6 months'),
        ('year', make_date(d.year, 1, 1), interval '1 year'),
        ('quinquennial', make_date(d.year - d.year % 5, 1, 1), interval '5 years'),
        ('decade', make_date(d.year - d.year % 10, 1, 1), interval '10 years')
    ) AS u (unit, start_curr, length)
), dated (code, valid_from, valid_to, valid_on) AS (
    SELECT v.code, v.valid_from, v.valid_to, v.valid_on
    FROM d
    CROSS JOIN LATERAL (VALUES
        ('today', d.today, 'infinity'::date, d.today),
        ('year_curr', make_date(d.year, 1, 1), 'infinity'::date, d.today),
        ('year_prev', make_date(d.year - 1, 1, 1), 'infinity'::date, make_date(d.year - 1, 12, 31)),
        ('year_curr_only', make_date(d.year, 1, 1), make_date(d.year, 12, 31), d.today),
        ('year_prev_only', make_date(d.year - 1, 1, 1), make_date(d.year - 1, 12, 31), make_date(d.year - 1, 12, 31))
    ) AS v (code, valid_from, valid_to, valid_on)
    UNION ALL
    SELECT 'start_of_' || u.unit || '_curr' AS code, NULL::date AS valid_from, NULL::date AS valid_to, u.start_curr AS valid_on FROM unit AS u
    UNION ALL
    SELECT 'stop_of_' || u.unit || '_prev' AS code, NULL::date AS valid_from, NULL::date AS valid_to, u.start_curr - 1 AS valid_on FROM unit AS u
    UNION ALL
    SELECT 'start_of_' || u.unit || '_prev' AS code, NULL::date AS valid_from, NULL::date AS valid_to, (u.start_curr - u.length)::date AS valid_on FROM unit AS u
)
SELECT p.id, p.code, p.name_when_query, p.name_when_input, p.scope, p.enabled, t.valid_from, t.valid_to, t.valid_on
FROM register.relative_period AS p
JOIN dated AS t ON t.code = p.code::text
ORDER BY p.code;
COMMENT ON VIEW api.relative_period_with_time IS 'relative periods with their dates, seen from today';

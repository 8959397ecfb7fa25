-- The cells stage of the analysis as SQL text, as it was before it was written in C: the oracle that the C stage must equal, cell for
-- cell and finding for finding (but that it failed on a definition with a secondary activity and no primary one). For tests only; its answers are those of databases in C.UTF-8, whatever the settings.
-- It reads what the stages before leave in pg_temp (test/import/oracle_stages.sql) and import.plan_column(); the parsers are the member functions.
CREATE SCHEMA import_oracle;

-- SQL text of a code list: code, id, enabled, is_leaf, an enabled row before a disabled one; own, when the row of the list holds, in_force, when
-- some row of the code does without a gap, and the code that took its place. Regions have rows of several editions.
CREATE FUNCTION import_oracle.code_list_sql(list text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $code_list_sql$
    SELECT format('(SELECT x.*, (SELECT r FROM unnest(x.all_own) AS r WHERE r @> x.own) AS in_force
            FROM (SELECT y.*, range_agg(y.own) OVER (PARTITION BY y.code) AS all_own
                  FROM (SELECT DISTINCT ON (l.code, l.edition) l.*, daterange(l.valid_from, coalesce(l.valid_until, ''infinity'')) AS own FROM (%s) AS l WHERE l.code IS NOT NULL ORDER BY l.code, l.edition, l.enabled DESC, l.id) AS y) AS x)',
        CASE list
            WHEN 'country' THEN 'SELECT c.iso_2 AS code, c.id, c.enabled, true AS is_leaf, c.valid_from, c.valid_until, c.successor_code, true AS is_preferred, 0 AS edition FROM register.country AS c'
            WHEN 'region' THEN 'SELECT c.code, c.id, true AS enabled, true AS is_leaf,
                    greatest(c.valid_from, (SELECT max(v.lasts_to) + 1 FROM register.region_version AS v WHERE v.enabled AND v.lasts_to < coalesce(e.lasts_to, ''infinity'') AND EXISTS (SELECT FROM register.region AS r WHERE r.version_id = v.id))) AS valid_from,
                    least(c.valid_until, CASE WHEN EXISTS (SELECT FROM register.region_version AS v WHERE v.enabled AND coalesce(v.lasts_to, ''infinity'') > coalesce(e.lasts_to, ''infinity'') AND EXISTS (SELECT FROM register.region AS r WHERE r.version_id = v.id)) THEN e.lasts_to + 1 END) AS valid_until,
                    c.successor_code, c.version_id = (SELECT s.region_version_id FROM register.settings AS s) AS is_preferred, c.version_id AS edition
                FROM register.region AS c JOIN register.region_version AS e ON e.id = c.version_id WHERE e.enabled'
            WHEN 'tag' THEN 'SELECT c.path::text AS code, c.id, c.enabled, true AS is_leaf, NULL::date AS valid_from, NULL::date AS valid_until, NULL::text AS successor_code, true AS is_preferred, 0 AS edition FROM register.tag AS c'
            WHEN 'legal_rel_type' THEN 'SELECT c.code, c.id, c.enabled, true AS is_leaf, NULL::date AS valid_from, NULL::date AS valid_until, NULL::text AS successor_code, true AS is_preferred, 0 AS edition FROM register.legal_rel_type AS c'
            WHEN 'activity_category' THEN 'SELECT c.code, c.id, c.enabled,
                    NOT EXISTS (SELECT FROM register.activity_category AS x WHERE x.parent_id = c.id AND x.enabled) AS is_leaf, c.valid_from, c.valid_until, c.successor_code, true AS is_preferred, 0 AS edition
                FROM register.activity_category AS c
                WHERE c.standard_id = (SELECT s.activity_category_standard_id FROM register.settings AS s)'
            ELSE format('SELECT c.code, c.id, c.enabled, true AS is_leaf, c.valid_from, c.valid_until, c.successor_code, true AS is_preferred, 0 AS edition FROM register.%I AS c', list)
        END)
$code_list_sql$;

-- The list of a column as a temporary table, made anew; SQL text of the meaning of a code at a time, and of what is said of a code out of force.
CREATE FUNCTION import_oracle.load_list(list text)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $load_list$
BEGIN
    PERFORM import.drop_temporary('list_' || list);
    EXECUTE format('CREATE TEMPORARY TABLE %I AS SELECT l.code, l.id, l.enabled, l.is_leaf, l.own, l.in_force, l.successor_code, l.is_preferred, l.edition FROM %s AS l', 'list_' || list, import_oracle.code_list_sql(list));
    EXECUTE format('CREATE INDEX ON pg_temp.%I (code)', 'list_' || list);
    EXECUTE format('ANALYZE pg_temp.%I', 'list_' || list);
    RETURN 'list_' || list;
END
$load_list$;
CREATE FUNCTION import_oracle.meaning_sql(list text, code text, period text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $meaning_sql$
    SELECT format('(SELECT l.id, l.enabled, l.is_leaf, l.in_force, l.successor_code FROM pg_temp.%1$I AS l WHERE l.code = %2$s ORDER BY l.own @> %3$s IS TRUE DESC, l.own && %3$s IS TRUE DESC, l.is_preferred IS TRUE DESC, l.edition DESC LIMIT 1)',
                  'list_' || list, code, period)
$meaning_sql$;
CREATE FUNCTION import_oracle.out_of_force(list text, in_force daterange, successor text, period daterange)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $out_of_force$
DECLARE
    first CONSTANT text := successor;
    next record;
    result text := successor;
BEGIN
    FOR i IN 1 .. 16 LOOP
        EXIT WHEN successor IS NULL;
        EXECUTE format('SELECT m.* FROM (VALUES (1)) AS one CROSS JOIN LATERAL %s AS m', import_oracle.meaning_sql(list, '$1', '$2')) INTO next USING successor, period;
        EXIT WHEN next.id IS NULL;
        IF next.enabled AND next.in_force @> lower(period) THEN
            RETURN import_oracle.out_of_force_details(in_force, successor);
        END IF;
        successor := next.successor_code;
    END LOOP;
    RETURN import_oracle.out_of_force_details(in_force, first);
END
$out_of_force$;
CREATE FUNCTION import_oracle.out_of_force_details(in_force daterange, successor text)
RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $out_of_force_details$
    SELECT jsonb_strip_nulls(jsonb_build_object('from', to_char(lower(in_force), 'YYYY-MM-DD'), 'to', CASE WHEN isfinite(upper(in_force)) THEN to_char(upper(in_force) - 1, 'YYYY-MM-DD') END, 'successor', successor))
$out_of_force_details$;

-- Findings without what is suggested for a code, which src/import_suggest.c and its unit test say, and without the jobs that are about to bring a
-- unit, which the stages in SQL do not say.
CREATE FUNCTION import_oracle.without_suggestions(findings jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $without_suggestions$
    SELECT jsonb_agg(CASE
               WHEN f.finding ->> 'code' NOT IN ('code_unknown', 'country_unknown', 'tag_unknown') OR f.finding -> 'details' IS NULL THEN f.finding
               WHEN (f.finding -> 'details') - 'suggestion' = '{}' THEN f.finding - 'details'
               ELSE jsonb_set(f.finding, '{details}', (f.finding -> 'details') - 'suggestion') END ORDER BY f.place)
    FROM (SELECT CASE WHEN (x.finding -> 'details') - 'pending_job' = '{}' AND x.finding -> 'details' ? 'pending_job' THEN x.finding - 'details'
                      ELSE x.finding #- '{details,pending_job}' END AS finding, x.place FROM jsonb_array_elements(findings) WITH ORDINALITY AS x (finding, place)) AS f
$without_suggestions$;

-- A text before its UTF-8 was read as windows-1252; NULL: it was not.
CREATE FUNCTION import_oracle.decoded(value text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $decoded$
BEGIN
    IF octet_length(value) = length(value) THEN
        RETURN NULL;
    END IF;
    RETURN convert_from(convert_to(translate(value,
        U&'\20AC\201A\0192\201E\2026\2020\2021\02C6\2030\0160\2039\0152\017D\2018\2019\201C\201D\2022\2013\2014\02DC\2122\0161\203A\0153\017E\0178',
        U&'\0080\0082\0083\0084\0085\0086\0087\0088\0089\008A\008B\008C\008E\0091\0092\0093\0094\0095\0096\0097\0098\0099\009A\009B\009C\009E\009F'), 'LATIN1'), 'UTF8');
EXCEPTION WHEN untranslatable_character OR character_not_in_repertoire THEN
    RETURN NULL;
END
$decoded$;

-- SQL text: a value without the apostrophe of a spreadsheet, when it can be read only so. reader is SQL text with @ for the value.
CREATE FUNCTION import_oracle.unmarked_sql(reader text, value text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $unmarked_sql$
    SELECT format('CASE WHEN %1$s LIKE ''''''_%%'' AND %2$s IS NULL AND %3$s IS NOT NULL THEN substr(%1$s, 2) ELSE %1$s END',
                  value, replace(reader, '@', value), replace(reader, '@', format('substr(%s, 2)', value)))
$unmarked_sql$;

-- Which code list the values of a data column are of; NULL: none.
CREATE FUNCTION import_oracle.code_list_of_column(column_name text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $code_list_of_column$
    SELECT CASE
        WHEN column_name LIKE '%region\_code\_raw' THEN 'region'
        WHEN column_name LIKE '%country\_iso\_2\_raw' THEN 'country'
        WHEN column_name LIKE '%activity\_category\_code\_raw' THEN 'activity_category'
        WHEN column_name = 'tag_path_raw' THEN 'tag'
        WHEN column_name = 'rel_type_code_raw' THEN 'legal_rel_type'
        WHEN column_name IN ('data_source_code_raw', 'status_code_raw', 'sector_code_raw', 'unit_size_code_raw', 'legal_form_code_raw')
            THEN replace(column_name, '_code_raw', '')
    END
$code_list_of_column$;

-- SQL text that builds one finding. value and details are SQL expressions.
CREATE FUNCTION import_oracle.finding_sql(
    severity text, code text, column_name text DEFAULT NULL, value text DEFAULT 'NULL', details text DEFAULT 'NULL')
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $finding_sql$
    SELECT format('jsonb_strip_nulls(jsonb_build_object(''code'', %L, ''severity'', %L, ''column'', %L::text, ''value'', (%s)::text, ''details'', (%s)::jsonb))',
                  finding_sql.code, finding_sql.severity, finding_sql.column_name, finding_sql.value, finding_sql.details)
$finding_sql$;

-- Between which days a date must lie, for the details of one that does not.
CREATE FUNCTION import_oracle.day_limits(code text)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $day_limits$
    SELECT CASE WHEN code = 'date_out_of_range' THEN '{"min": "0001-01-01", "max": "9999-12-31"}'::jsonb ELSE '{}' END
$day_limits$;

-- Findings as clients of the data table read them: one key per column, <column>_raw.
CREATE FUNCTION import_oracle.findings_by_column(findings jsonb[], show_value boolean)
RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $findings_by_column$
    SELECT coalesce(jsonb_object_agg(
               coalesce(k.key || '_raw', 'row'),
               CASE WHEN show_value THEN coalesce(f.finding -> 'value', f.finding -> 'code') ELSE f.finding -> 'code' END
               ORDER BY f.place DESC), '{}')
    FROM unnest(findings) WITH ORDINALITY AS f (finding, place)
    CROSS JOIN LATERAL (
        SELECT f.finding ->> 'column' AS key
        WHERE f.finding ? 'column' OR NOT coalesce(f.finding -> 'details' ? 'columns', false)
        UNION ALL
        SELECT jsonb_array_elements_text(f.finding -> 'details' -> 'columns')
        WHERE NOT f.finding ? 'column' AND f.finding -> 'details' ? 'columns') AS k
$findings_by_column$;

-- Builds and runs the statement that writes the data table, and keeps the findings in pg_temp.import_bad.
--   t   the row of the file with its cells parsed (p_<column>) and its codes looked up (id_, on_, leaf_<column>)
--   j   t with its findings and the values for the register
CREATE FUNCTION import_oracle.analyse_cells(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_cells$
DECLARE
    job record;
    mode text;
    strategy text;
    date_formats text[];
    decimal_mark text;
    thousands text;
    parsed text[] := '{}';      -- expressions over the source, in the select list of t
    joins text[] := '{}';
    errors text[] := '{}';      -- expressions over t: a finding or NULL
    warnings text[] := '{}';
    infos text[] := '{}';
    typed jsonb := '{}';        -- column of the data table → expression over t
    has text[];
    is_status_mapped boolean;
    c record;
    list text;
    col text;
    raw text;
    value text;
    length_limit integer;
    bad text;
    dated text;
    cell text;
    reader text;
    place text;
    address text;
    anything text;
    raw_columns text;
    target text;
    expressions text;
BEGIN
    SELECT j.data_table_name, j.truncate_overlong, j.user_id, j.edit_comment, j.definition_snapshot AS snapshot,
           j.definition_snapshot -> 'import_definition' AS definition,
           (SELECT s.country_id FROM register.settings AS s) AS country_id,
           (SELECT s.id FROM register.status AS s WHERE s.assigned_by_default AND s.enabled) AS status_id
    INTO STRICT job FROM import.job AS j WHERE j.id = analyse_cells.job_id;
    mode := job.definition ->> 'mode';
    strategy := job.definition ->> 'strategy';
    date_formats := ARRAY(SELECT jsonb_array_elements_text(job.definition -> 'date_formats'));
    decimal_mark := job.definition ->> 'decimal_mark';
    thousands := job.definition ->> 'thousands';
    has := ARRAY(SELECT p.column_name FROM import.plan_column(job.snapshot) AS p WHERE p.purpose = 'source_input');
    is_status_mapped := EXISTS (SELECT FROM import.plan_column(job.snapshot) AS p
                                WHERE p.column_name = 'status_code_raw' AND num_nonnulls(p.source_column_name, p.source_value, p.source_expression) > 0);
    IF 'physical_address_part1_raw' = ANY (has) AND job.country_id IS NULL THEN
        RAISE EXCEPTION 'the register has no settings'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Choose country, activity standard and region version first: INSERT INTO api.settings.';
    END IF;

    FOR c IN SELECT p.* FROM import.plan_column(job.snapshot) AS p WHERE p.purpose = 'source_input' ORDER BY p.place LOOP
        col := left(c.column_name, -4);
        raw := format('t.%I', c.column_name);
        value := format('t.%I', 'p_' || col);
        list := CASE WHEN c.external_ident_type_id IS NULL AND c.stat_definition_id IS NULL THEN import_oracle.code_list_of_column(c.column_name) END;
        IF list IS NOT NULL THEN
            PERFORM import_oracle.load_list(list);
            cell := format('s.%I', c.column_name);
            IF list <> 'tag' THEN
                cell := import_oracle.unmarked_sql(format('(SELECT l.id FROM pg_temp.%I AS l WHERE l.code = @ LIMIT 1)', 'list_' || list), cell);
                parsed := parsed || format('%s AS %I', cell, 'e_' || col);
                infos := infos || format('CASE WHEN t.%1$I <> %2$s THEN %3$s END', 'e_' || col, raw, import_oracle.finding_sql('info', 'text_marker_removed', col, raw));
            END IF;
            joins := joins || format('LEFT JOIN LATERAL %s AS %I ON true', import_oracle.meaning_sql(list, cell, 'daterange(r.valid_from, r.valid_until)'), 'l_' || col);
            -- on_: a value for the register; in use, and in force on some day of the row. dated_: in use, and not in force on all of them.
            parsed := parsed || format('%1$I.id AS %2$I, %1$I.enabled AND (r.valid_from IS NULL OR %1$I.in_force && daterange(r.valid_from, r.valid_until)) AS %3$I, %1$I.is_leaf AS %4$I, %1$I.enabled AS %5$I, %1$I.in_force AS %6$I, %1$I.successor_code AS %7$I, %1$I.enabled AND r.valid_from IS NOT NULL AND NOT %1$I.in_force @> daterange(r.valid_from, r.valid_until) AS %8$I',
                                       'l_' || col, 'id_' || col, 'on_' || col, 'leaf_' || col, 'enabled_' || col, 'force_' || col, 'next_' || col, 'dated_' || col);
            dated := import_oracle.finding_sql('@', 'code_not_valid_then', col, raw, format('import_oracle.out_of_force(%L, t.%I, t.%I, daterange(t.valid_from, t.valid_until))', list, 'force_' || col, 'next_' || col));
            -- What is a mere warning elsewhere decides a country, a tag, a type of relationship.
            bad := format('%s IS NOT NULL AND t.%I IS NULL', raw, 'id_' || col);
            IF list = 'country' THEN
                address := (SELECT string_agg(format('t.%I', x), ', ') FROM unnest(has) AS x
                            WHERE x LIKE replace(left(col, -length('country_iso_2')), '_', '\_') || '%' AND x NOT IN (c.column_name) AND x !~ '_(latitude|longitude|altitude)_raw$');
                errors := errors || format('CASE WHEN %s AND num_nonnulls(%s) > 0 THEN %s END', bad, address, import_oracle.finding_sql('error', 'country_unknown', col, raw));
                warnings := warnings || format('CASE WHEN %s AND num_nonnulls(%s) = 0 THEN %s END', bad, address,
                    import_oracle.finding_sql('warning', 'country_unknown', col, raw));
            ELSIF list = 'tag' THEN
                errors := errors || format('CASE WHEN %s THEN %s END', bad, import_oracle.finding_sql('error', 'tag_unknown', col, raw));
            ELSIF list = 'legal_rel_type' THEN
                errors := errors || format('CASE WHEN %s IS NULL THEN %s WHEN %s THEN %s WHEN NOT t.%I THEN %s END', raw, import_oracle.finding_sql('error', 'value_missing', col),
                    bad, import_oracle.finding_sql('error', 'code_unknown', col, raw), 'enabled_' || col, import_oracle.finding_sql('error', 'code_inactive', col, raw));
            ELSE
                warnings := warnings || format('CASE WHEN %s THEN %s END', bad, import_oracle.finding_sql('warning', 'code_unknown', col, raw));
            END IF;
            IF list <> 'legal_rel_type' THEN
                warnings := warnings || format('CASE WHEN NOT t.%I THEN %s END', 'enabled_' || col, import_oracle.finding_sql('warning', 'code_inactive', col, raw));
                IF list = 'region' THEN
                    warnings := warnings || format('CASE WHEN t.%I THEN %s END', 'dated_' || col, replace(dated, '@', 'warning'));
                ELSE
                    errors := errors || format('CASE WHEN t.%I AND NOT t.%I THEN %s END', 'dated_' || col, 'on_' || col, replace(dated, '@', 'error'));
                    warnings := warnings || format('CASE WHEN t.%I AND t.%I THEN %s END', 'dated_' || col, 'on_' || col, replace(dated, '@', 'warning'));
                END IF;
            END IF;
            IF list = 'activity_category' THEN
                warnings := warnings || format('CASE WHEN t.%I AND NOT t.%I AND NOT t.%I THEN %s END', 'on_' || col, 'dated_' || col, 'leaf_' || col, import_oracle.finding_sql('warning', 'code_not_leaf', col, raw));
            END IF;
            target := CASE WHEN list IN ('country', 'region') THEN regexp_replace(col, '(country_iso_2|region_code)$', list || '_id')
                           WHEN list = 'activity_category' THEN replace(col, '_code', '_id')
                           WHEN list = 'tag' THEN 'tag_id'
                           WHEN list = 'legal_rel_type' THEN 'type_id'
                           ELSE list || '_id' END;
            typed := typed || jsonb_build_object(target, format('CASE WHEN t.%I THEN t.%I END', 'on_' || col, 'id_' || col));

        ELSIF c.step_code = 'valid_time' OR c.step_code IN ('external_idents', 'link_establishment_to_legal_unit')
              OR col IN ('influencing_tax_ident', 'influenced_tax_ident') THEN
            NULL;   -- judged in stage 2

        ELSIF col IN ('birth_date', 'death_date') THEN
            reader := format('import.parse_date(@, %L)', date_formats);
            cell := import_oracle.unmarked_sql(reader, format('s.%I', c.column_name));
            parsed := parsed || format('%s AS %I, %s AS %I', cell, 'e_' || col, replace(reader, '@', '(' || cell || ')'), 'p_' || col);
            infos := infos || format('CASE WHEN t.%1$I <> %2$s THEN %3$s END', 'e_' || col, raw, import_oracle.finding_sql('info', 'text_marker_removed', col, raw));
            errors := errors || format('CASE WHEN %1$s IS NOT NULL AND %2$s IS NULL THEN %3$s WHEN NOT isfinite(%2$s) THEN %4$s END', raw, value,
                replace(import_oracle.finding_sql('error', '@', col, raw, format('jsonb_build_object(''formats'', to_jsonb(%1$L::text[]), ''hint'', import.parse_hint(''date'', %2$s)) || import_oracle.day_limits(import.parse_date_error(%2$s, %1$L))', date_formats, raw)),
                    $$'@'$$, format('import.parse_date_error(%s, %L)', raw, date_formats)),
                import_oracle.finding_sql('error', 'date_infinite_not_allowed', col, raw));
            warnings := warnings
                || format('CASE WHEN isfinite(%1$s) AND (%1$s < ''1800-01-01'' OR %1$s > statbus.today() + 36525) THEN %2$s END', value, import_oracle.finding_sql('warning', 'date_implausible', col, raw))
                || format('CASE WHEN length(t.%1$I) > 10 AND import.parse_date_warning(t.%1$I, %2$L) IS NOT NULL THEN %3$s END', 'e_' || col, date_formats, import_oracle.finding_sql('warning', 'time_dropped', col, raw));
            infos := infos || format('CASE WHEN length(t.%1$I) > 10 AND import.parse_date_info(t.%1$I, %2$L) IS NOT NULL THEN %3$s END', 'e_' || col, date_formats, import_oracle.finding_sql('info', 'time_dropped', col, raw));
            typed := typed || jsonb_build_object(col, value);

        ELSIF c.stat_definition_id IS NOT NULL AND c.target_pg_type <> 'text' THEN
            CASE c.target_pg_type
            WHEN 'integer' THEN
                reader := format('import.parse_integer(@, %L)', thousands);
                cell := import_oracle.unmarked_sql(reader, format('s.%I', c.column_name));
                parsed := parsed || format('%s AS %I, %s AS %I', cell, 'e_' || col, replace(reader, '@', '(' || cell || ')'), 'p_' || col);
                infos := infos || format('CASE WHEN t.%1$I <> %2$s THEN %3$s END', 'e_' || col, raw, import_oracle.finding_sql('info', 'text_marker_removed', col, raw));
                errors := errors || format('CASE WHEN %1$s IS NOT NULL AND %2$s IS NULL THEN %3$s WHEN %2$s > 2147483647 THEN %4$s WHEN %2$s < 0 THEN %5$s END', raw, value,
                    replace(import_oracle.finding_sql('error', '@', col, raw, format('jsonb_build_object(''hint'', import.parse_hint(''integer'', %s))', raw)),
                        $$'@'$$, format('import.parse_integer_error(%s, %L)', raw, thousands)),
                    import_oracle.finding_sql('error', 'number_too_big', col, raw),
                    -- Whole-number statistics count something.
                    import_oracle.finding_sql('error', 'number_negative', col, raw));
                infos := infos || format('CASE WHEN %1$s IS NOT NULL AND import.parse_integer_info(t.%2$I, %3$L) IS NOT NULL THEN %4$s END', value, 'e_' || col, thousands,
                    import_oracle.finding_sql('info', 'decimal_zero_dropped', col, raw));
                typed := typed || jsonb_build_object(col, format('CASE WHEN %1$s BETWEEN 0 AND 2147483647 THEN %1$s END', value));
            WHEN 'numeric' THEN
                reader := format('import.parse_numeric(@, %L, %L)', decimal_mark, thousands);
                cell := import_oracle.unmarked_sql(reader, format('s.%I', c.column_name));
                parsed := parsed || format('%s AS %I, %s AS %I', cell, 'e_' || col, replace(reader, '@', '(' || cell || ')'), 'p_' || col);
                infos := infos || format('CASE WHEN t.%1$I <> %2$s THEN %3$s END', 'e_' || col, raw, import_oracle.finding_sql('info', 'text_marker_removed', col, raw));
                errors := errors || format('CASE WHEN %1$s IS NOT NULL AND %2$s IS NULL THEN %3$s WHEN abs(%2$s) > 1e300 THEN %4$s END', raw, value,
                    replace(import_oracle.finding_sql('error', '@', col, raw, format('jsonb_build_object(''hint'', import.parse_hint(''numeric'', %s))', raw)),
                        $$'@'$$, format('import.parse_numeric_error(%s, %L, %L)', raw, decimal_mark, thousands)),
                    import_oracle.finding_sql('error', 'number_too_big', col, raw));
                -- What double precision would call an underflow is nothing.
                typed := typed || jsonb_build_object(col, format('CASE WHEN abs(%1$s) < 1e-300 THEN 0 WHEN abs(%1$s) <= 1e300 THEN %1$s END', value));
            WHEN 'boolean' THEN
                parsed := parsed || format('import.parse_boolean(s.%I, %L, %L) AS %I', c.column_name, ARRAY(SELECT jsonb_array_elements_text(job.definition -> 'true_words')),
                    ARRAY(SELECT jsonb_array_elements_text(job.definition -> 'false_words')), 'p_' || col);
                errors := errors || format('CASE WHEN %s IS NOT NULL AND %s IS NULL THEN %s END', raw, value, import_oracle.finding_sql('error', 'not_a_boolean', col, raw));
                typed := typed || jsonb_build_object(col, value);
            END CASE;

        ELSIF col ~ '_(latitude|longitude|altitude)$' OR col = 'percentage' THEN
            reader := format('import.parse_numeric(@, %L, %L)', decimal_mark, thousands);
            cell := import_oracle.unmarked_sql(reader, format('s.%I', c.column_name));
            parsed := parsed || format('%s AS %I, %s AS %I', cell, 'e_' || col, replace(reader, '@', '(' || cell || ')'), 'p_' || col);
            IF col LIKE 'postal\_%' THEN
                errors := errors || format('CASE WHEN %s IS NOT NULL THEN %s END', raw, import_oracle.finding_sql('error', 'coordinate_postal', col, raw));
            ELSE
                infos := infos || format('CASE WHEN t.%1$I <> %2$s THEN %3$s END', 'e_' || col, raw, import_oracle.finding_sql('info', 'text_marker_removed', col, raw));
                bad := CASE WHEN col LIKE '%latitude' THEN format('abs(%s) > 90', value)
                            WHEN col LIKE '%longitude' THEN format('abs(%s) > 180', value)
                            WHEN col LIKE '%altitude' THEN format('NOT %s BETWEEN 0 AND 99999.9', value)
                            ELSE format('NOT %s BETWEEN 0 AND 100', value) END;
                errors := errors || format('CASE WHEN %1$s IS NOT NULL AND %2$s IS NULL THEN %3$s WHEN %4$s THEN %5$s END', raw, value,
                    replace(import_oracle.finding_sql('error', '@', col, raw, format('jsonb_build_object(''hint'', import.parse_hint(''numeric'', %s))', raw)),
                        $$'@'$$, format('import.parse_numeric_error(%s, %L, %L)', raw, decimal_mark, thousands)),
                    bad, import_oracle.finding_sql('error', CASE WHEN col = 'percentage' THEN 'percentage_range' ELSE 'coordinate_range' END, col, raw,
                        CASE WHEN col ~ 'tude$' AND col !~ 'altitude$' THEN format('CASE WHEN abs(%s) > 10000 THEN jsonb_build_object(''hint'', ''looks like UTM metres'') END', value) ELSE 'NULL' END));
                length_limit := CASE WHEN col LIKE '%altitude' THEN 1 WHEN col = 'percentage' THEN 2 ELSE 6 END;
                infos := infos || format('CASE WHEN NOT (%1$s) AND %2$s <> round(%2$s, %3$s) THEN %4$s END', bad, value, length_limit, import_oracle.finding_sql('info', 'precision_lost', col, raw));
                typed := typed || jsonb_build_object(col, format('CASE WHEN NOT (%s) THEN round(%s, %s) END', bad, value, length_limit));
                IF col = 'percentage' THEN
                    parsed := parsed || format('max(import.parse_numeric(s.%I, %L, %L)) OVER () AS highest_percentage', c.column_name, decimal_mark, thousands);
                    warnings := warnings || format('CASE WHEN %1$s > 0 AND t.highest_percentage <= 1 THEN %2$s END', value, import_oracle.finding_sql('warning', 'percentage_maybe_fraction', col, raw));
                END IF;
            END IF;

        ELSE
            -- Texts. Control characters become spaces; what is decomposed is composed.
            length_limit := substring(c.target_pg_type FROM '\((\d+)\)')::integer;
            parsed := parsed || format($sql$CASE WHEN s.%1$I ~ '[\u0001-\u001f\u007f\u2028\u2029]|(?<![\u00c2\u00c3])\u0085' THEN btrim(regexp_replace(s.%1$I, '([\u0001-\u001f\u007f\u2028\u2029]|(?<![\u00c2\u00c3])\u0085)+', ' ', 'g'))
                                            WHEN octet_length(s.%1$I) > length(s.%1$I) THEN normalize(s.%1$I, NFC) ELSE s.%1$I END AS %2$I$sql$, c.column_name, 'p_' || col);
            warnings := warnings || format($sql$CASE WHEN %1$s ~ '[\u0001-\u001f\u007f\u2028\u2029]|(?<![\u00c2\u00c3])\u0085' THEN %2$s END$sql$, raw,
                import_oracle.finding_sql('warning', 'control_char', col, raw,
                    format($sql$jsonb_build_object('codepoint', 'U+' || upper(lpad(to_hex(ascii(substring(%s FROM '[\u0001-\u001f\u007f\u2028\u2029]|(?<![\u00c2\u00c3])\u0085'))), 4, '0')))$sql$, raw)));
            IF length_limit IS NOT NULL THEN
                bad := format('length(%s) > %s', value, length_limit);
                IF job.truncate_overlong THEN
                    warnings := warnings || format('CASE WHEN %s THEN %s END', bad,
                        import_oracle.finding_sql('warning', 'truncated', col, raw, format('jsonb_build_object(''length'', length(%s), ''limit'', %s)', value, length_limit)));
                ELSE
                    errors := errors || format('CASE WHEN %s THEN %s END', bad,
                        import_oracle.finding_sql('error', 'too_long', col, raw, format('jsonb_build_object(''length'', length(%s), ''limit'', %s)', value, length_limit)));
                END IF;
                value := format('left(%s, %s)', value, length_limit);
            END IF;
            IF col NOT IN ('phone_number', 'landline', 'mobile_number', 'fax_number') THEN
                infos := infos || format($sql$CASE WHEN %1$s ~ '^([=@]|[+-][^0-9])' THEN %2$s END$sql$, raw, import_oracle.finding_sql('info', 'formula_like', col, raw));
                warnings := warnings || format($sql$CASE WHEN octet_length(%1$s) > length(%1$s) AND (%1$s ~ '[\u00c2\u00c3][\u0080-\u00bf]' OR %1$s ~ '[\u00c2\u00c3][^\u0001-\u00ff]' AND import_oracle.decoded(%1$s) IS NOT NULL) THEN %2$s END$sql$, raw,
                    import_oracle.finding_sql('warning', 'mojibake', col, raw, format('CASE WHEN import_oracle.decoded(%1$s) IS NOT NULL THEN jsonb_build_object(''suggestion'', import_oracle.decoded(%1$s)) END', raw)));
            ELSE
                warnings := warnings || format($sql$CASE WHEN %1$s !~ '^[+]?[-0-9 ()./\u00a0]*$' OR length(regexp_replace(%1$s, '[^0-9]', '', 'g')) < 3 THEN %2$s END$sql$, raw, import_oracle.finding_sql('warning', 'phone_format', col, raw));
            END IF;
            IF col LIKE '%address\_part_' THEN
                warnings := warnings || format($sql$CASE WHEN %1$s ~ '[^/[:space:]]/n[[:upper:][:digit:]]' THEN %2$s END$sql$, raw, import_oracle.finding_sql('warning', 'escaped_newline', col, raw));
            ELSIF col = 'email_address' THEN
                warnings := warnings || format($sql$CASE WHEN %1$s !~ '^[^@[:space:]]+@[^@[:space:].]+([.][^@[:space:].]+)+$' THEN %2$s END$sql$, raw, import_oracle.finding_sql('warning', 'email_format', col, raw));
            END IF;
            IF col = 'web_address' THEN
                warnings := warnings || format($sql$CASE WHEN %1$s !~* '^(https?://)?([^[:space:]/?#:@.]+[.])+[^[:space:]/?#:@.]{2,}([/?#:][^[:space:]]*)?$' THEN %2$s END$sql$, raw, import_oracle.finding_sql('warning', 'web_format', col, raw));
            END IF;
            typed := typed || jsonb_build_object(col, value);
        END IF;
    END LOOP;

    -- Between cells of one row.
    IF has @> '{birth_date_raw,death_date_raw}' THEN
        warnings := warnings
            || format('CASE WHEN isfinite(t.p_birth_date) AND (t.p_birth_date > t.valid_from OR t.p_death_date < t.p_birth_date) THEN %s END', import_oracle.finding_sql('warning', 'dates_inconsistent', 'birth_date', 't.birth_date_raw'))
            || format('CASE WHEN isfinite(t.p_death_date) AND (t.p_death_date < t.p_birth_date OR t.p_death_date > statbus.today()) THEN %s END', import_oracle.finding_sql('warning', 'dates_inconsistent', 'death_date', 't.death_date_raw'));
    END IF;
    IF has @> '{primary_activity_category_code_raw,secondary_activity_category_code_raw}' THEN
        warnings := warnings || format('CASE WHEN t.secondary_activity_category_code_raw = t.primary_activity_category_code_raw THEN %s END',
            import_oracle.finding_sql('warning', 'activity_same', 'secondary_activity_category_code', 't.secondary_activity_category_code_raw'));
    END IF;
    FOREACH place IN ARRAY ARRAY['physical', 'postal'] LOOP
        CONTINUE WHEN NOT place || '_address_part1_raw' = ANY (has);
        anything := (SELECT string_agg(format('t.%I', place || '_' || x || '_raw'), ', ')
                     FROM unnest('{address_part1,address_part2,address_part3,postcode,postplace}'::text[]) AS x);
        -- Some address, or a known region or country, or coordinates: then there is a location, in this country unless another is given.
        typed := typed || jsonb_build_object(place || '_country_id', format(
            'CASE WHEN t.%1$I THEN t.%2$I WHEN t.%3$I IS NULL AND num_nonnulls(%4$s, t.%5$I%6$s) > 0 THEN %7$s END',
            'on_' || place || '_country_iso_2', 'id_' || place || '_country_iso_2', place || '_country_iso_2_raw', anything, 'id_' || place || '_region_code',
            CASE place WHEN 'physical' THEN ', t.p_physical_latitude' ELSE '' END, job.country_id));
        errors := errors || format('CASE WHEN t.%I IS NOT NULL AND t.%I <> %s THEN %s END', place || '_region_code_raw', 'id_' || place || '_country_iso_2', job.country_id,
            import_oracle.finding_sql('error', 'region_needs_domestic', place || '_region_code', format('t.%I', place || '_region_code_raw')));
        warnings := warnings || format($sql$CASE WHEN (SELECT cardinality(k.postcode_masks) > 0 AND NOT EXISTS (SELECT FROM unnest(k.postcode_masks) AS m
                                                                    WHERE replace(t.%1$I, ' ', '') ~ ('^' || replace(replace(m, 'A', '[A-Za-z]'), '9', '[0-9]') || '$'))
                                                  FROM register.country AS k WHERE k.id = (%2$s)) AND t.%1$I IS NOT NULL THEN %3$s END$sql$,
            place || '_postcode_raw', typed ->> (place || '_country_id'), import_oracle.finding_sql('warning', 'postcode_format', place || '_postcode', format('t.%I', place || '_postcode_raw')));
        IF place = 'physical' THEN
            warnings := warnings || format('CASE WHEN t.physical_region_code_raw IS NULL AND (t.physical_country_iso_2_raw IS NULL OR t.id_physical_country_iso_2 = %s) AND num_nonnulls(%s) > 0 THEN %s END',
                job.country_id, anything, import_oracle.finding_sql('warning', 'region_missing', 'physical_region_code'));
            errors := errors || format($sql$CASE WHEN (t.physical_latitude_raw IS NULL) <> (t.physical_longitude_raw IS NULL)
                                                   OR t.physical_altitude_raw IS NOT NULL AND t.physical_latitude_raw IS NULL THEN %s END$sql$,
                replace(import_oracle.finding_sql('error', 'coordinate_pair', '@', 'NULL',
                    $$jsonb_build_object('columns', to_jsonb(ARRAY['physical_latitude', 'physical_longitude']
                        || CASE WHEN t.physical_altitude_raw IS NOT NULL THEN ARRAY['physical_altitude'] ELSE '{}' END))$$),
                    $$'@'$$, $$CASE WHEN t.physical_latitude_raw IS NULL THEN 'physical_latitude' ELSE 'physical_longitude' END$$));
            warnings := warnings || format('CASE WHEN abs(t.p_physical_latitude) <= 90 AND abs(t.p_physical_longitude) <= 180
                    AND (SELECT NOT (trunc(t.p_physical_latitude, 6) BETWEEN k.min_latitude AND k.max_latitude AND trunc(t.p_physical_longitude, 6) BETWEEN k.min_longitude AND k.max_longitude)
                                AND trunc(t.p_physical_longitude, 6) BETWEEN k.min_latitude AND k.max_latitude AND trunc(t.p_physical_latitude, 6) BETWEEN k.min_longitude AND k.max_longitude
                         FROM register.country AS k WHERE k.id = (%s)) THEN %s END',
                typed ->> 'physical_country_id', import_oracle.finding_sql('warning', 'coordinates_swapped', 'physical_latitude', 't.physical_latitude_raw', '''{"columns": ["physical_latitude", "physical_longitude"]}'''));
        END IF;
    END LOOP;

    -- The unit itself.
    IF 'name_raw' = ANY (has) THEN
        errors := errors || format('CASE WHEN t.name_raw IS NULL AND NOT t.is_skipped AND NOT t.is_refused AND (%s) THEN %s END',
            CASE strategy WHEN 'insert_or_update' THEN 't.is_new OR NOT t.is_covered' WHEN 'update_only' THEN 'false' ELSE 'true' END,
            import_oracle.finding_sql('error', 'value_missing', 'name'));
    END IF;
    IF 'status_code_raw' = ANY (has) THEN
        -- A unit that is patched, or whose file has no such column, keeps its status where the file says nothing; new time gets the default one.
        typed := jsonb_set(typed, '{status_id}', to_jsonb(
            CASE WHEN strategy IN ('insert_or_update', 'update_only') OR NOT is_status_mapped
                THEN format('CASE WHEN t.on_status_code THEN t.id_status_code WHEN t.is_new THEN %L::integer END', job.status_id)
                ELSE format('CASE WHEN t.on_status_code THEN t.id_status_code ELSE %L::integer END', job.status_id) END));
        IF job.status_id IS NULL THEN
            errors := errors || format('CASE WHEN t.on_status_code IS NOT TRUE AND NOT t.is_skipped THEN %s END', import_oracle.finding_sql('error', 'status_missing', 'status_code', 't.status_code_raw'));
        END IF;
    END IF;
    IF mode = 'establishment_formal' AND 'sector_code_raw' = ANY (has) THEN
        typed := typed || jsonb_build_object('sector_id', 'NULL::integer');
        warnings := warnings || format('CASE WHEN t.sector_code_raw IS NOT NULL THEN %s END',
            import_oracle.finding_sql('warning', 'implausible', 'sector_code', 't.sector_code_raw', $$jsonb_build_object('rule', 'a formal establishment has the sector of its legal unit')$$));
    END IF;
    IF 'data_source_code_raw' = ANY (has) THEN
        typed := typed || jsonb_build_object('data_source_id', format('coalesce(CASE WHEN t.on_data_source_code THEN t.id_data_source_code END, %L::integer)', job.definition ->> 'data_source_id'));
    END IF;
    IF 'tag_path_raw' = ANY (has) THEN
        typed := typed || jsonb_build_object('tag_path', 'CASE WHEN t.id_tag_path IS NOT NULL THEN text2ltree(t.tag_path_raw) END');
    END IF;
    typed := typed || jsonb_build_object(
        'valid_from', 't.valid_from', 'valid_to', 't.valid_to', 'valid_until', 't.valid_until',
        'legal_unit_id', CASE mode WHEN 'establishment_formal' THEN 't.link_legal_unit_id' ELSE 't.legal_unit_id' END,
        'establishment_id', 't.establishment_id', 'legal_relationship_id', 't.relationship_id',
        'edit_comment', format('coalesce(%s, %L)', coalesce(typed ->> 'edit_comment', 'NULL'), job.edit_comment),
        'edit_by_user_id', job.user_id::text, 'edit_at', 'statement_timestamp()');
    IF mode = 'legal_relationship' THEN
        joins := joins || 'LEFT JOIN pg_temp.import_link AS k ON k.row_id = s.row_id'::text;
        parsed := parsed || 'k.influencing_id, k.influenced_id'::text;
        typed := typed || '{"influencing_id": "t.influencing_id", "influenced_id": "t.influenced_id"}';
    END IF;
    FOR c IN SELECT p.column_name, p.external_ident_type_id FROM import.plan_column(job.snapshot) AS p
             WHERE p.external_ident_type_id IS NOT NULL AND p.purpose = 'internal' AND p.column_name LIKE '%\_path' LOOP
        raw := format('SELECT i.value FROM pg_temp.import_ident AS i WHERE i.row_id = t.row_id AND i.type_id = %s AND i.role = %s',
            c.external_ident_type_id, CASE WHEN c.column_name LIKE 'legal\_unit\_%' AND mode = 'establishment_formal' THEN 1 ELSE 0 END);
        typed := typed || jsonb_build_object(c.column_name, format('text2ltree((%s))', raw));
    END LOOP;

    -- The statement.
    SELECT string_agg(format('%I', x), ', ') INTO raw_columns FROM unnest(has) AS x;
    SELECT string_agg(format('%I', p.column_name), ', ' ORDER BY p.place),
           string_agg(format('(%s)::%s AS %I', typed ->> p.column_name, p.column_type, 'v_' || p.column_name), ', ' ORDER BY p.place) AS expressions,
           string_agg(format('j.%I', 'v_' || p.column_name), ', ' ORDER BY p.place)
    INTO target, expressions, value
    FROM (SELECT DISTINCT ON (p.column_name) p.* FROM import.plan_column(job.snapshot) AS p
          WHERE p.purpose IN ('internal', 'pk_id') AND typed ? p.column_name ORDER BY p.column_name, p.place) AS p;

    PERFORM import.drop_temporary('import_bad', 'import_noted');
    CREATE TEMPORARY TABLE import_bad (row_id bigint NOT NULL, source_line bigint NOT NULL, findings jsonb NOT NULL);
    CREATE TEMPORARY TABLE import_noted AS
    SELECT n.row_id,
           coalesce(array_agg(n.finding ORDER BY n.finding ->> 'column', n.finding ->> 'code', n.finding) FILTER (WHERE n.severity = 'error'), '{}') AS errors,
           coalesce(array_agg(n.finding ORDER BY n.finding ->> 'column', n.finding ->> 'code', n.finding) FILTER (WHERE n.severity = 'warning'), '{}') AS warnings,
           coalesce(array_agg(n.finding ORDER BY n.finding ->> 'column', n.finding ->> 'code', n.finding) FILTER (WHERE n.severity = 'info'), '{}') AS infos
    FROM pg_temp.import_note AS n
    GROUP BY n.row_id;
    ANALYZE pg_temp.import_noted;

    EXECUTE format($sql$
        WITH judged AS MATERIALIZED (
            SELECT j.*, cardinality(j.errors) > 0 AS is_error
            FROM (SELECT t.row_id, t.source_line, %1$s, t.founding_row_id, t.is_new, t.is_skipped, t.batch_seq, %2$s,
                         coalesce(t.noted_errors, '{}') || CASE WHEN t.is_skipped THEN '{}' ELSE array_remove(ARRAY[%3$s]::jsonb[], NULL) END AS errors,
                         coalesce(t.noted_warnings, '{}') || CASE WHEN t.is_skipped THEN '{}' ELSE array_remove(ARRAY[%4$s]::jsonb[], NULL) END AS warnings,
                         coalesce(t.noted_infos, '{}') || CASE WHEN t.is_skipped THEN '{}' ELSE array_remove(ARRAY[%5$s]::jsonb[], NULL) END AS infos
                  FROM (SELECT s.*, r.founding_row_id, r.legal_unit_id, r.establishment_id, r.link_legal_unit_id, r.relationship_id, r.is_new, r.is_covered,
                               r.is_skipped, r.is_refused, r.batch_seq, r.valid_from, r.valid_to, r.valid_until,
                               n.errors AS noted_errors, n.warnings AS noted_warnings, n.infos AS noted_infos%6$s
                        FROM pg_temp.import_source AS s
                        JOIN pg_temp.import_row AS r ON r.row_id = s.row_id
                        LEFT JOIN pg_temp.import_noted AS n ON n.row_id = s.row_id
                        %7$s
                        OFFSET 0) AS t
                  OFFSET 0) AS j),
        bad AS (
            INSERT INTO pg_temp.import_bad (row_id, source_line, findings)
            SELECT j.row_id, j.source_line, to_jsonb(j.errors || j.warnings || j.infos)
            FROM judged AS j
            WHERE cardinality(j.errors) + cardinality(j.warnings) + cardinality(j.infos) > 0)
        INSERT INTO import.%8$I (row_id, source_line, %9$s, %10$s, founding_row_id, operation, action, state, batch_seq, errors, warnings)
        SELECT j.row_id, j.source_line, %9$s, %11$s, j.founding_row_id,
               (CASE WHEN j.is_new THEN 'insert' ELSE %12$L END)::import.row_operation,
               (CASE WHEN j.is_error OR j.is_skipped THEN 'skip' ELSE 'use' END)::import.row_action,
               (CASE WHEN j.is_error THEN 'error' ELSE 'analysed' END)::import.data_state,
               CASE WHEN NOT j.is_error AND NOT j.is_skipped THEN j.batch_seq END,
               CASE WHEN j.is_error THEN import_oracle.findings_by_column(j.errors, false) ELSE '{}' END,
               CASE WHEN cardinality(j.warnings) > 0 THEN import_oracle.findings_by_column(j.warnings, true) ELSE '{}' END
        FROM judged AS j
        ORDER BY j.row_id$sql$,
        (SELECT string_agg(format('t.%I', x), ', ') FROM unnest(has) AS x),
        expressions,
        coalesce(nullif(array_to_string(errors, ', '), ''), 'NULL'),
        coalesce(nullif(array_to_string(warnings, ', '), ''), 'NULL'),
        coalesce(nullif(array_to_string(infos, ', '), ''), 'NULL'),
        coalesce(', ' || nullif(array_to_string(parsed, ', '), ''), ''),
        array_to_string(joins, ' '),
        job.data_table_name, raw_columns, target, value,
        CASE WHEN strategy IN ('insert_or_update', 'update_only') THEN 'update' ELSE 'replace' END);
END
$analyse_cells$;

-- ltree is where the extension has it.
DO $requires$ BEGIN
    EXECUTE format('ALTER FUNCTION import_oracle.analyse_cells(integer) SET search_path = %s', statbus.search_path());
END $requires$;

-- Analysis of a job: upload rows become typed rows with findings.
--
-- import.analyse(job_id) is the seam for another engine: upload table and definition snapshot in, the rows of the data
-- table and import.bad_row out. Everything below it is this engine's own.
--
-- Four stages, each a few set-based statements; the joins are equality joins, and what is filled is analysed.
--   1. pg_temp.import_source: the rows in file order, trimmed, words for "nothing" made NULL, columns by their names here.
--   2. pg_temp.import_row: per row its period, its entity, the unit it means, its batch; pg_temp.import_note: findings
--      that need more than one row or the register.
--   3. One INSERT … SELECT writes every row of the data table once: cells parsed and judged, codes looked up.
--   4. import.bad_row: the findings, packed per row.
--
-- A bad row stops no other row: the rows of one new entity fail together only when the fault is in what makes them one
-- entity, which is their identifiers.

-- The columns of the job's data table, with what fills them. column_name carries _raw when purpose is source_input.
CREATE OR REPLACE FUNCTION import.plan_column(definition_snapshot jsonb)
RETURNS TABLE (
    column_name text, purpose text, step_code text, column_type text, target_pg_type text, external_ident_type_id integer,
    ident_label text, stat_definition_id integer, source_column_name text, source_value text, source_expression text, place bigint)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $plan_column$
    SELECT dc ->> 'column_name', dc ->> 'purpose', st ->> 'code', dc ->> 'column_type', dc ->> 'target_pg_type',
           (dc ->> 'external_ident_type_id')::integer, dc ->> 'ident_label', (dc ->> 'stat_definition_id')::integer,
           sc ->> 'column_name', m ->> 'source_value', m ->> 'source_expression',
           row_number() OVER (ORDER BY (st ->> 'priority')::integer, (dc ->> 'priority')::integer, dc ->> 'column_name')
    FROM jsonb_array_elements(definition_snapshot -> 'import_data_column_list') AS dc
    LEFT JOIN jsonb_array_elements(definition_snapshot -> 'import_step_list') AS st ON st -> 'id' = dc -> 'step_id'
    LEFT JOIN jsonb_array_elements(definition_snapshot -> 'import_mapping_list') AS m ON m -> 'target_data_column_id' = dc -> 'id'
    LEFT JOIN jsonb_array_elements(definition_snapshot -> 'import_source_column_list') AS sc ON sc -> 'id' = m -> 'source_column_id'
$plan_column$;
COMMENT ON FUNCTION import.plan_column(jsonb) IS 'The columns of a job''s data table by its definition snapshot, and the source of each';
REVOKE ALL ON FUNCTION import.plan_column(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.plan_column(jsonb) TO authenticated;

-- SQL text that builds one finding. value and details are SQL expressions.
CREATE OR REPLACE FUNCTION import.finding_sql(
    severity text, code text, column_name text DEFAULT NULL, value text DEFAULT 'NULL', details text DEFAULT 'NULL')
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $finding_sql$
    SELECT format('jsonb_strip_nulls(jsonb_build_object(''code'', %L, ''severity'', %L, ''column'', %L::text, ''value'', (%s)::text, ''details'', (%s)::jsonb))',
                  finding_sql.code, finding_sql.severity, finding_sql.column_name, finding_sql.value, finding_sql.details)
$finding_sql$;
COMMENT ON FUNCTION import.finding_sql(text, text, text, text, text) IS 'SQL text of an expression that builds a finding';
REVOKE ALL ON FUNCTION import.finding_sql(text, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.finding_sql(text, text, text, text, text) TO authenticated;

-- Findings as clients of the data table read them: one key per column, <column>_raw. An error shows its code, a warning
-- the value of the file. A finding without a column of its own stands under each column that its details name.
CREATE OR REPLACE FUNCTION import.findings_by_column(findings jsonb[], show_value boolean)
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
COMMENT ON FUNCTION import.findings_by_column(jsonb[], boolean) IS 'Findings as an object with one key per column, <column>_raw';
REVOKE ALL ON FUNCTION import.findings_by_column(jsonb[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.findings_by_column(jsonb[], boolean) TO authenticated;

CREATE OR REPLACE FUNCTION import.drop_temporary(VARIADIC names text[])
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $drop_temporary$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY names LOOP
        IF to_regclass('pg_temp.' || quote_ident(name)) IS NOT NULL THEN
            EXECUTE format('DROP TABLE pg_temp.%I', name);
        END IF;
    END LOOP;
END
$drop_temporary$;
COMMENT ON FUNCTION import.drop_temporary(text[]) IS 'Drops temporary tables of the session that exist';
REVOKE ALL ON FUNCTION import.drop_temporary(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.drop_temporary(text[]) TO authenticated;

-- A period of days as people read it, for the details of findings.
CREATE OR REPLACE FUNCTION import.periods_as_text(periods datemultirange)
RETURNS jsonb
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $periods_as_text$
    SELECT coalesce(jsonb_agg(jsonb_build_array(
               to_char(lower(p), 'YYYY-MM-DD'),
               CASE WHEN upper(p) = 'infinity' THEN 'infinity' ELSE to_char(upper(p) - 1, 'YYYY-MM-DD') END) ORDER BY p), '[]')
    FROM unnest(periods) AS p
$periods_as_text$;
COMMENT ON FUNCTION import.periods_as_text(datemultirange) IS 'Periods as pairs of first and last day';
REVOKE ALL ON FUNCTION import.periods_as_text(datemultirange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.periods_as_text(datemultirange) TO authenticated;

-- Stage 1 -------------------------------------------------------------------------------------------------------------

-- Spaces of every kind at both ends go. " | " and what follows goes in columns bound to a code list, where a spreadsheet's
-- menu shows "code | name"; nowhere else, for a name may hold it.
CREATE OR REPLACE FUNCTION import.analyse_source(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_source$
DECLARE
    blanks CONSTANT text := E' \t\n\u000b\f\r\u0085\u00a0\u1680\u2007\u202f\u2060\u200b\u200c\u200d\u3000\ufeff';
    widthless CONSTANT text := E'\u00ad\u200b\u200c\u200d\u2060\ufeff';
    job record;
    c record;
    words text[];
    longest integer;
    trimmed text[] := '{}';
    selected text[] := '{}';
    given text;
    cleaned text;
    expression text;
BEGIN
    SELECT j.upload_table_name, j.definition_snapshot AS snapshot, j.definition_snapshot -> 'import_definition' AS definition,
           j.default_valid_from, j.default_valid_to, j.default_data_source_code
    INTO STRICT job FROM import.job AS j WHERE j.id = analyse_source.job_id;
    SELECT coalesce(array_agg(upper(w)), '{}'), coalesce(max(length(w)), 0) INTO words, longest
    FROM jsonb_array_elements_text(job.definition -> 'import_as_null') AS w;

    FOR c IN SELECT p.* FROM import.plan_column(job.snapshot) AS p WHERE p.purpose = 'source_input' ORDER BY p.place LOOP
        IF c.source_column_name IS NOT NULL THEN
            IF c.external_ident_type_id IS NULL AND NOT (c.step_code = 'legal_relationship' AND c.column_name LIKE '%\_ident\_raw') THEN
                trimmed := trimmed || format('btrim(u.%I, %L) AS %I', c.source_column_name, blanks, c.column_name);
            ELSE
                -- What looks the same is the same identifier: composed and decomposed letters, full width, characters without
                -- width. The column "given …" has it as it stands in the file where something was changed.
                cleaned := format('btrim(CASE WHEN octet_length(u.%1$I) = length(u.%1$I) THEN u.%1$I ELSE translate(normalize(u.%1$I, NFKC), %2$L, '''') END, %3$L)',
                                  c.source_column_name, widthless, blanks);
                trimmed := trimmed || format('%s AS %I, nullif(u.%I, %1$s) AS %4$I', cleaned, c.column_name, c.source_column_name, 'given ' || c.column_name);
                selected := selected || format('t.%I', 'given ' || c.column_name);
            END IF;
            expression := format('CASE WHEN t.%1$I = '''' OR length(t.%1$I) <= %2$s AND upper(t.%1$I) = ANY (%3$L) THEN NULL ELSE t.%1$I END',
                                 c.column_name, longest, words);
            IF c.external_ident_type_id IS NULL AND c.stat_definition_id IS NULL AND import.is_code_column(c.column_name) THEN
                expression := format('split_part(%s, '' | '', 1)', expression);
            END IF;
        ELSE
            given := CASE
                WHEN c.source_value IS NOT NULL THEN c.source_value
                WHEN c.source_expression = 'now' THEN to_char(statbus.today(), 'YYYY-MM-DD')
                WHEN c.source_expression = 'default' AND c.column_name = 'valid_from_raw' THEN to_char(job.default_valid_from, 'YYYY-MM-DD')
                WHEN c.source_expression = 'default' AND c.column_name = 'valid_to_raw' THEN
                    CASE WHEN isfinite(job.default_valid_to) THEN to_char(job.default_valid_to, 'YYYY-MM-DD') ELSE job.default_valid_to::text END
                WHEN c.source_expression = 'default' AND c.column_name = 'data_source_code_raw' THEN job.default_data_source_code
            END;
            expression := format('%L::text', given);
        END IF;
        selected := selected || format('%s AS %I', expression, c.column_name);
    END LOOP;

    PERFORM import.drop_temporary('import_source');
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_source AS
        SELECT t.row_id, t.row_id + 1 AS source_line, %s
        FROM (SELECT row_number() OVER (ORDER BY u.ctid) AS row_id%s FROM import.%I AS u OFFSET 0) AS t$sql$,
        array_to_string(selected, ', '), coalesce(', ' || nullif(array_to_string(trimmed, ', '), ''), ''), job.upload_table_name);
    ANALYZE pg_temp.import_source;
END
$analyse_source$;
COMMENT ON FUNCTION import.analyse_source(integer) IS 'First stage of the analysis: the rows of the upload, numbered and trimmed';
REVOKE ALL ON FUNCTION import.analyse_source(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_source(integer) TO authenticated;

CREATE OR REPLACE FUNCTION import.is_code_column(column_name text)
RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $is_code_column$
    SELECT column_name ~ '(_code|_country_iso_2|^tag_path)_raw$'
$is_code_column$;
COMMENT ON FUNCTION import.is_code_column(text) IS 'Whether a data column that is no identifier and no statistic holds codes of a list';
REVOKE ALL ON FUNCTION import.is_code_column(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.is_code_column(text) TO authenticated;

-- Stage 2 -------------------------------------------------------------------------------------------------------------

-- The period of each row, and what is wrong with it. A row without a usable period has valid_from NULL.
CREATE OR REPLACE FUNCTION import.analyse_period(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_period$
DECLARE
    definition jsonb;
    formats text[];
    by_job boolean;
    bound text;
BEGIN
    SELECT j.definition_snapshot -> 'import_definition' INTO STRICT definition
    FROM import.job AS j WHERE j.id = analyse_period.job_id;
    by_job := definition ->> 'valid_time_from' = 'job_provided';
    formats := CASE WHEN by_job THEN ARRAY['YYYY-MM-DD']
                    ELSE ARRAY(SELECT jsonb_array_elements_text(definition -> 'date_formats')) END;

    PERFORM import.drop_temporary('import_note', 'import_row');
    CREATE TEMPORARY TABLE import_note (row_id bigint NOT NULL, severity text NOT NULL, finding jsonb NOT NULL);
    CREATE TEMPORARY TABLE import_row AS
    SELECT s.row_id, d.valid_from, d.valid_to,
           CASE WHEN d.valid_to = 'infinity' THEN d.valid_to ELSE d.valid_to + 1 END AS valid_until,
           -- What the later statements fill.
           s.row_id AS founding_row_id, NULL::integer AS legal_unit_id, NULL::integer AS establishment_id,
           NULL::integer AS link_legal_unit_id, NULL::integer AS relationship_id, true AS is_new, false AS is_covered, false AS is_skipped, false AS is_refused, 1 AS batch_seq
    FROM pg_temp.import_source AS s
    CROSS JOIN LATERAL (SELECT import.parse_date(s.valid_from_raw, formats) AS valid_from,
                               import.parse_date(s.valid_to_raw, formats) AS valid_to) AS d;
    CREATE UNIQUE INDEX import_row_key ON pg_temp.import_row (row_id);

    FOREACH bound IN ARRAY ARRAY['valid_from', 'valid_to'] LOOP
        EXECUTE format($sql$
            INSERT INTO pg_temp.import_note (row_id, severity, finding)
            SELECT s.row_id, 'error', CASE WHEN s.%1$I IS NULL THEN %2$s ELSE %3$s END
            FROM pg_temp.import_source AS s JOIN pg_temp.import_row AS r USING (row_id)
            WHERE r.%4$I IS NULL
            UNION ALL
            SELECT s.row_id, CASE WHEN import.parse_date_info(s.%1$I, %5$L) IS NULL THEN 'warning' ELSE 'info' END,
                   CASE WHEN import.parse_date_info(s.%1$I, %5$L) IS NULL THEN %6$s ELSE %7$s END
            FROM pg_temp.import_source AS s JOIN pg_temp.import_row AS r USING (row_id)
            WHERE r.%4$I IS NOT NULL AND length(s.%1$I) > 10
            AND coalesce(import.parse_date_info(s.%1$I, %5$L), import.parse_date_warning(s.%1$I, %5$L)) IS NOT NULL$sql$,
            bound || '_raw',
            import.finding_sql('error', 'value_missing', bound),
            replace(import.finding_sql('error', '@', bound, format('s.%I', bound || '_raw'),
                format('jsonb_build_object(''formats'', to_jsonb(%L::text[]), ''hint'', import.parse_hint(''date'', s.%I))', formats, bound || '_raw')),
                $$'@'$$, format('import.parse_date_error(s.%I, %L)', bound || '_raw', formats)),
            bound, formats,
            import.finding_sql('warning', 'time_dropped', bound, format('s.%I', bound || '_raw')),
            import.finding_sql('info', 'time_dropped', bound, format('s.%I', bound || '_raw')));
    END LOOP;

    EXECUTE format($sql$
        INSERT INTO pg_temp.import_note (row_id, severity, finding)
        SELECT r.row_id, 'error', %s FROM pg_temp.import_source AS s JOIN pg_temp.import_row AS r USING (row_id)
        WHERE NOT isfinite(r.valid_from)
        UNION ALL
        SELECT r.row_id, 'error', f.finding
        FROM pg_temp.import_source AS s JOIN pg_temp.import_row AS r USING (row_id)
        CROSS JOIN LATERAL (VALUES (%s), (%s)) AS f (finding)
        WHERE isfinite(r.valid_from) AND r.valid_to < r.valid_from
        UNION ALL
        SELECT r.row_id, 'warning', %s FROM pg_temp.import_source AS s JOIN pg_temp.import_row AS r USING (row_id)
        WHERE isfinite(r.valid_from) AND (r.valid_from < '1800-01-01' OR r.valid_from > statbus.today() + 36525)$sql$,
        import.finding_sql('error', 'date_infinite_not_allowed', 'valid_from', 's.valid_from_raw'),
        import.finding_sql('error', 'period_reversed', 'valid_from', 's.valid_from_raw'),
        import.finding_sql('error', 'period_reversed', 'valid_to', 's.valid_to_raw'),
        import.finding_sql('warning', 'date_implausible', 'valid_from', 's.valid_from_raw'));

    UPDATE pg_temp.import_row AS r SET valid_from = NULL, valid_to = NULL, valid_until = NULL
    WHERE r.valid_from IS NULL OR r.valid_to IS NULL OR NOT isfinite(r.valid_from) OR r.valid_to < r.valid_from;
    ANALYZE pg_temp.import_row;
END
$analyse_period$;
COMMENT ON FUNCTION import.analyse_period(integer) IS 'Second stage of the analysis, first part: the period of each row';
REVOKE ALL ON FUNCTION import.analyse_period(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_period(integer) TO authenticated;

-- Identifiers of the file: pg_temp.import_ident has one row per identifier given, pg_temp.import_key one per distinct
-- identifier with what the register knows of it.
--   role 0: of the row's own unit; 1: of the legal unit of an establishment; 2, 3: of the influencing and influenced unit
CREATE OR REPLACE FUNCTION import.analyse_identifiers(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $analyse_identifiers$
DECLARE
    snapshot jsonb;
    c record;
    own_columns text[] := '{}';
    all_regular text[] := '{}';
    expression text;
BEGIN
    SELECT j.definition_snapshot INTO STRICT snapshot FROM import.job AS j WHERE j.id = analyse_identifiers.job_id;
    PERFORM import.drop_temporary('import_ident', 'import_key');
    CREATE TEMPORARY TABLE import_ident (
        row_id bigint NOT NULL, role integer NOT NULL, type_id integer NOT NULL, column_name text NOT NULL, value text NOT NULL);

    FOR c IN
        SELECT t.id AS type_id, t.shape::text AS shape, x.role, array_agg(p.column_name ORDER BY p.place) AS columns,
               bool_and(p.external_ident_type_id IS NOT NULL AND p.source_column_name IS NOT NULL) AS is_given
        FROM import.plan_column(snapshot) AS p
        CROSS JOIN LATERAL (
            SELECT CASE WHEN p.column_name LIKE 'legal\_unit\_%' AND p.step_code = 'link_establishment_to_legal_unit' THEN 1
                        WHEN p.column_name LIKE 'influencing\_%' AND p.step_code = 'legal_relationship' THEN 2
                        WHEN p.column_name LIKE 'influenced\_%' AND p.step_code = 'legal_relationship' THEN 3
                        WHEN p.step_code = 'external_idents' THEN 0 END AS role) AS x
        JOIN register.external_ident_type AS t
            ON t.id = p.external_ident_type_id
            OR p.external_ident_type_id IS NULL AND x.role > 0
               AND t.code = regexp_replace(p.column_name, '^(influencing|influenced|legal_unit)_(.*)_raw$', '\2')
        WHERE p.purpose = 'source_input' AND x.role IS NOT NULL
        GROUP BY t.id, t.shape, x.role, t.labels, t.priority
        ORDER BY x.role, t.priority, t.id
    LOOP
        IF c.role = 0 THEN
            own_columns := own_columns || c.columns;
        END IF;
        IF c.shape = 'regular' THEN
            expression := format('s.%I', c.columns[1]);
            EXECUTE format($sql$
                INSERT INTO pg_temp.import_note (row_id, severity, finding)
                SELECT s.row_id, 'error', CASE WHEN length(%1$s) > 50 THEN %2$s ELSE %3$s END
                FROM pg_temp.import_source AS s
                WHERE length(%1$s) > 50 OR %1$s ~ '^[0-9]+([.,][0-9]+)?[eE][+][0-9]+$'$sql$,
                expression,
                import.finding_sql('error', 'too_long', left(c.columns[1], -4), expression,
                    format('jsonb_build_object(''length'', length(%s), ''limit'', 50)', expression)),
                import.finding_sql('error', 'ident_scientific', left(c.columns[1], -4), expression));
            IF c.is_given THEN
                EXECUTE format($sql$
                    INSERT INTO pg_temp.import_note (row_id, severity, finding)
                    SELECT s.row_id, 'info', %s FROM pg_temp.import_source AS s WHERE s.%I IS NOT NULL AND %s IS NOT NULL$sql$,
                    import.finding_sql('info', 'ident_normalised', left(c.columns[1], -4), format('s.%I', 'given ' || c.columns[1]),
                        format('jsonb_build_object(''normalised'', %s)', expression)), 'given ' || c.columns[1], expression);
            END IF;
            EXECUTE format($sql$
                INSERT INTO pg_temp.import_ident (row_id, role, type_id, column_name, value)
                SELECT s.row_id, %L, %L, %L, %s
                FROM pg_temp.import_source AS s
                WHERE length(%4$s) <= 50 AND %4$s !~ '^[0-9]+([.,][0-9]+)?[eE][+][0-9]+$'$sql$,
                c.role, c.type_id, left(c.columns[1], -4), expression);
        ELSE
            SELECT string_agg(format('s.%I', name), ', ') INTO expression FROM unnest(c.columns) AS name;
            EXECUTE format($sql$
                INSERT INTO pg_temp.import_note (row_id, severity, finding)
                SELECT s.row_id, 'error', CASE WHEN part.value IS NULL THEN %1$s ELSE %2$s END || jsonb_build_object('column', part.name)
                FROM pg_temp.import_source AS s
                CROSS JOIN LATERAL unnest(%3$L::text[], ARRAY[%4$s]) AS part (name, value)
                WHERE num_nonnulls(%4$s) > 0 AND (part.value IS NULL OR part.value !~ '^[A-Za-z0-9_]{1,255}$')$sql$,
                import.finding_sql('error', 'ident_part_missing'),
                import.finding_sql('error', 'ident_char', NULL, 'part.value',
                    $$jsonb_build_object('char', substring(part.value FROM '[^A-Za-z0-9_]'))$$),
                ARRAY(SELECT left(name, -4) FROM unnest(c.columns) AS name), expression);
            EXECUTE format($sql$
                INSERT INTO pg_temp.import_ident (row_id, role, type_id, column_name, value)
                SELECT s.row_id, %L, %L, %L, concat_ws('.', %s)
                FROM pg_temp.import_source AS s
                WHERE num_nonnulls(%4$s) = %5$s
                AND (SELECT bool_and(part.value ~ '^[A-Za-z0-9_]{1,255}$') FROM unnest(ARRAY[%4$s]) AS part (value))$sql$,
                c.role, c.type_id, left(c.columns[1], -4), expression, cardinality(c.columns));
        END IF;
    END LOOP;
    ANALYZE pg_temp.import_ident;

    CREATE TEMPORARY TABLE import_key AS
    SELECT row_number() OVER () AS key_id, k.type_id, k.value,
           e.legal_unit_id, e.establishment_id, e.id IS NOT NULL AS is_known,
           e.id IS NOT NULL AND e.legal_unit_id IS NULL AND e.establishment_id IS NULL AS is_other
    FROM (SELECT DISTINCT i.type_id, i.value, t.shape
          FROM pg_temp.import_ident AS i JOIN register.external_ident_type AS t ON t.id = i.type_id) AS k
    LEFT JOIN (SELECT x.id, x.type_id, coalesce(x.ident, x.idents::text) AS value, x.legal_unit_id, x.establishment_id
               FROM register.external_ident AS x) AS e ON e.type_id = k.type_id AND e.value = k.value;
    ANALYZE pg_temp.import_key;

    -- A row with nothing at all is a blank line; a row with other cells lacks an identifier.
    IF own_columns <> '{}' THEN
        SELECT string_agg(format('s.%I', p.column_name), ', ' ORDER BY p.place) INTO expression
        FROM import.plan_column(snapshot) AS p
        WHERE p.purpose = 'source_input' AND p.source_column_name IS NOT NULL;
        EXECUTE format($sql$
            WITH blank AS (
                UPDATE pg_temp.import_row AS r SET is_skipped = true
                FROM pg_temp.import_source AS s WHERE s.row_id = r.row_id AND num_nonnulls(%1$s) = 0
                RETURNING r.row_id)
            INSERT INTO pg_temp.import_note (row_id, severity, finding)
            SELECT b.row_id, 'info', %2$s FROM blank AS b
            UNION ALL
            SELECT s.row_id, 'error', %3$s FROM pg_temp.import_source AS s
            WHERE num_nonnulls(%4$s) = 0 AND num_nonnulls(%1$s) > 0$sql$,
            expression,
            import.finding_sql('info', 'blank_row'),
            import.finding_sql('error', 'ident_missing', NULL, 'NULL',
                format('jsonb_build_object(''columns'', to_jsonb(%L::text[]))', ARRAY(SELECT left(name, -4) FROM unnest(own_columns) AS name))),
            (SELECT string_agg(format('s.%I', name), ', ') FROM unnest(own_columns) AS name));
        -- Of a blank row only that it is blank is worth saying.
        DELETE FROM pg_temp.import_note AS n USING pg_temp.import_row AS r
        WHERE r.row_id = n.row_id AND r.is_skipped AND n.finding ->> 'code' <> 'blank_row';
    END IF;
END
$analyse_identifiers$;
COMMENT ON FUNCTION import.analyse_identifiers(integer) IS 'Second stage of the analysis, second part: the identifiers of the file and whose they are';
REVOKE ALL ON FUNCTION import.analyse_identifiers(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_identifiers(integer) TO authenticated;

-- Which rows are one unit, which unit of the register that is, and what speaks against it.
-- Rows are one entity when they share an identifier, or give identifiers that the register knows to be one unit's.
CREATE OR REPLACE FUNCTION import.analyse_units(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_units$
DECLARE
    definition jsonb;
    mode text;
    strategy text;
    changed bigint;
    jumped bigint;
BEGIN
    SELECT j.definition_snapshot -> 'import_definition' INTO STRICT definition
    FROM import.job AS j WHERE j.id = analyse_units.job_id;
    mode := definition ->> 'mode';
    strategy := definition ->> 'strategy';
    PERFORM import.drop_temporary('import_life', 'import_hit', 'import_edge', 'import_entity', 'import_unit');

    -- When the units that the file mentions exist, by the register.
    CREATE TEMPORARY TABLE import_life AS
    SELECT 'legal_unit' AS kind, lu.id, range_agg(lu.valid_range) AS life, NULL::boolean AS is_formal
    FROM register.legal_unit AS lu
    WHERE lu.id IN (SELECT k.legal_unit_id FROM pg_temp.import_key AS k)
    GROUP BY lu.id
    UNION ALL
    SELECT 'establishment', es.id, range_agg(es.valid_range), (array_agg(es.legal_unit_id IS NOT NULL ORDER BY es.valid_from DESC))[1]
    FROM register.establishment AS es
    WHERE es.id IN (SELECT k.establishment_id FROM pg_temp.import_key AS k)
    GROUP BY es.id;
    ANALYZE pg_temp.import_life;

    CREATE TEMPORARY TABLE import_hit AS
    SELECT i.row_id, i.role, array_agg(i.column_name ORDER BY i.column_name) AS columns,
           min(k.legal_unit_id) AS legal_unit_id, min(k.establishment_id) AS establishment_id,
           bool_or(k.is_other) AS is_other, bool_or(k.is_known) AS is_known,
           coalesce(min(k.legal_unit_id) <> max(k.legal_unit_id), false) OR coalesce(min(k.establishment_id) <> max(k.establishment_id), false)
               OR (min(k.legal_unit_id) IS NOT NULL AND min(k.establishment_id) IS NOT NULL) AS is_ambiguous
    FROM pg_temp.import_ident AS i
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value
    GROUP BY i.row_id, i.role;
    ANALYZE pg_temp.import_hit;

    -- Identifiers of one row that belong to different units.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT h.row_id, 'error', jsonb_build_object('code', CASE h.role WHEN 0 THEN 'ident_conflict' ELSE 'link_conflict' END, 'severity', 'error',
               'column', i.column_name, 'value', i.value, 'details', jsonb_strip_nulls(jsonb_build_object(
                   'columns', to_jsonb(h.columns), 'legal_unit_id', k.legal_unit_id, 'establishment_id', k.establishment_id)))
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value
    WHERE h.is_ambiguous;

    -- A unit of another kind than the file is about.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT h.row_id, 'error', jsonb_build_object('code', 'unit_type_conflict', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_strip_nulls(jsonb_build_object('legal_unit_id', h.legal_unit_id, 'establishment_id', h.establishment_id, 'unit_type', CASE WHEN h.is_other THEN 'other' WHEN h.legal_unit_id IS NOT NULL THEN 'legal_unit'
                                 WHEN l.is_formal THEN 'establishment_formal' ELSE 'establishment_informal' END)))
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value AND k.is_known
    LEFT JOIN pg_temp.import_life AS l ON l.kind = 'establishment' AND l.id = h.establishment_id
    WHERE NOT h.is_ambiguous
    AND (h.is_other
         OR h.role > 0 AND h.establishment_id IS NOT NULL
         OR h.role = 0 AND CASE mode
            WHEN 'legal_unit' THEN h.establishment_id IS NOT NULL
            WHEN 'establishment_formal' THEN h.legal_unit_id IS NOT NULL OR NOT l.is_formal
            WHEN 'establishment_informal' THEN h.legal_unit_id IS NOT NULL OR l.is_formal
            ELSE false END);

    ANALYZE pg_temp.import_note;
    -- These rows say nothing about which rows are one entity; nor do rows whose identifiers are faulty.
    UPDATE pg_temp.import_row AS r SET is_refused = true
    FROM pg_temp.import_note AS n
    WHERE n.row_id = r.row_id AND n.severity = 'error'
    AND n.finding ->> 'code' IN ('ident_conflict', 'unit_type_conflict', 'ident_missing', 'ident_part_missing', 'ident_char', 'ident_scientific', 'too_long');

    -- Entities: a node is an identifier, or the unit that it is known to be of. Every row starts as the root of a tree of its
    -- own. In each round every tree hangs itself on the lowest tree with which it shares a node; then every row goes up to
    -- its root, twice as far at each step. So long chains need few rounds, and files in which a row has one node need one.
    CREATE TEMPORARY TABLE import_edge AS
    SELECT DISTINCT i.row_id, CASE WHEN k.legal_unit_id IS NOT NULL THEN -2 * k.legal_unit_id::bigint
                                   WHEN k.establishment_id IS NOT NULL THEN -2 * k.establishment_id::bigint - 1
                                   ELSE k.key_id END AS node_id
    FROM pg_temp.import_ident AS i
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value
    JOIN pg_temp.import_row AS r ON r.row_id = i.row_id
    WHERE i.role = 0 AND NOT r.is_refused AND NOT r.is_skipped;
    ANALYZE pg_temp.import_edge;
    CREATE TEMPORARY TABLE import_entity AS
    SELECT DISTINCT e.row_id, e.row_id AS founding_row_id FROM pg_temp.import_edge AS e;
    ANALYZE pg_temp.import_entity;
    LOOP
        UPDATE pg_temp.import_entity AS t SET founding_row_id = h.lowest
        FROM (SELECT t.founding_row_id AS root, min(n.lowest) AS lowest
              FROM pg_temp.import_edge AS e
              JOIN pg_temp.import_entity AS t ON t.row_id = e.row_id
              JOIN (SELECT x.node_id, min(y.founding_row_id) AS lowest
                    FROM pg_temp.import_edge AS x
                    JOIN pg_temp.import_entity AS y ON y.row_id = x.row_id
                    GROUP BY x.node_id) AS n ON n.node_id = e.node_id
              GROUP BY t.founding_row_id) AS h
        WHERE t.row_id = h.root AND h.lowest < t.founding_row_id;
        GET DIAGNOSTICS changed = ROW_COUNT;
        EXIT WHEN changed = 0;
        LOOP
            UPDATE pg_temp.import_entity AS t SET founding_row_id = f.founding_row_id
            FROM pg_temp.import_entity AS f
            WHERE f.row_id = t.founding_row_id AND f.founding_row_id < t.founding_row_id;
            GET DIAGNOSTICS jumped = ROW_COUNT;
            EXIT WHEN jumped = 0;
        END LOOP;
    END LOOP;
    CREATE TEMPORARY TABLE import_unit AS
    SELECT t.founding_row_id, min(h.legal_unit_id) AS legal_unit_id, min(h.establishment_id) AS establishment_id,
           count(DISTINCT h.legal_unit_id) + count(DISTINCT h.establishment_id) > 1 AS is_ambiguous
    FROM pg_temp.import_entity AS t
    JOIN pg_temp.import_hit AS h ON h.row_id = t.row_id AND h.role = 0
    GROUP BY t.founding_row_id;
    ANALYZE pg_temp.import_unit;

    UPDATE pg_temp.import_row AS r
    SET founding_row_id = t.founding_row_id, legal_unit_id = u.legal_unit_id, establishment_id = u.establishment_id,
        is_new = u.legal_unit_id IS NULL AND u.establishment_id IS NULL,
        is_covered = coalesce(l.life @> daterange(r.valid_from, r.valid_until), false)
    FROM pg_temp.import_entity AS t
    JOIN pg_temp.import_unit AS u ON u.founding_row_id = t.founding_row_id
    LEFT JOIN pg_temp.import_life AS l
        ON l.kind = CASE WHEN u.legal_unit_id IS NOT NULL THEN 'legal_unit' ELSE 'establishment' END
        AND l.id = coalesce(u.legal_unit_id, u.establishment_id)
    WHERE t.row_id = r.row_id;

    -- Rows that tie two known units together, or give one unit two identifiers of one type.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT r.row_id, 'error', jsonb_build_object('code', 'ident_conflict', 'severity', 'error', 'details', jsonb_build_object(
               'columns', to_jsonb(h.columns), 'founding_row_id', r.founding_row_id))
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_hit AS h ON h.row_id = r.row_id AND h.role = 0
    JOIN pg_temp.import_unit AS u ON u.founding_row_id = r.founding_row_id AND u.is_ambiguous
    WHERE NOT r.is_refused;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT r.row_id, 'error', jsonb_build_object('code', 'ident_conflict', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_build_object('values', v.some_values, 'founding_row_id', r.founding_row_id))
    FROM (SELECT r.founding_row_id, i.type_id, to_jsonb((array_agg(DISTINCT i.value))[:10]) AS some_values
          FROM pg_temp.import_row AS r
          JOIN pg_temp.import_ident AS i ON i.row_id = r.row_id AND i.role = 0
          WHERE NOT r.is_refused AND NOT r.is_skipped
          GROUP BY r.founding_row_id, i.type_id
          HAVING min(i.value) <> max(i.value)) AS v
    JOIN pg_temp.import_row AS r ON r.founding_row_id = v.founding_row_id AND NOT r.is_refused AND NOT r.is_skipped
    JOIN pg_temp.import_ident AS i ON i.row_id = r.row_id AND i.role = 0 AND i.type_id = v.type_id
    -- Of a type that the register holds of the unit, only the row that departs from it is at fault.
    WHERE NOT EXISTS (SELECT FROM register.external_ident AS e
                      WHERE e.type_id = v.type_id AND (e.legal_unit_id = r.legal_unit_id OR e.establishment_id = r.establishment_id));
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT r.row_id, 'error', jsonb_build_object('code', 'ident_change', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_build_object('from', coalesce(e.ident, e.idents::text), 'to', i.value))
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_ident AS i ON i.row_id = r.row_id AND i.role = 0
    JOIN register.external_ident AS e ON e.legal_unit_id = r.legal_unit_id AND e.type_id = i.type_id
    WHERE NOT r.is_refused AND coalesce(e.ident, e.idents::text) <> i.value
    UNION ALL
    SELECT r.row_id, 'error', jsonb_build_object('code', 'ident_change', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_build_object('from', coalesce(e.ident, e.idents::text), 'to', i.value))
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_ident AS i ON i.row_id = r.row_id AND i.role = 0
    JOIN register.external_ident AS e ON e.establishment_id = r.establishment_id AND e.type_id = i.type_id
    WHERE NOT r.is_refused AND coalesce(e.ident, e.idents::text) <> i.value;

    UPDATE pg_temp.import_row AS r SET is_refused = true
    FROM pg_temp.import_note AS n
    WHERE n.row_id = r.row_id AND n.finding ->> 'code' IN ('ident_conflict', 'ident_change');

    -- What the strategy does not do.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT r.row_id, 'error', jsonb_build_object('code', CASE WHEN r.is_new THEN 'unit_not_found' ELSE 'unit_already_exists' END, 'severity', 'error',
               'details', jsonb_build_object('columns', to_jsonb(h.columns), 'strategy', strategy))
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_hit AS h ON h.row_id = r.row_id AND h.role = 0
    WHERE NOT r.is_refused AND NOT r.is_skipped
    AND CASE WHEN mode = 'generic_unit' THEN r.is_new
             ELSE r.is_new AND strategy IN ('replace_only', 'update_only') OR NOT r.is_new AND strategy = 'insert_only' END;
    -- Updates and replacements happen within the life of the unit.
    IF mode = 'generic_unit' OR strategy IN ('replace_only', 'update_only') THEN
        INSERT INTO pg_temp.import_note (row_id, severity, finding)
        SELECT r.row_id, 'error', jsonb_build_object('code', 'reference_not_valid_then', 'severity', 'error', 'details', jsonb_build_object(
                   'columns', to_jsonb(h.columns), 'periods', import.periods_as_text(l.life)))
        FROM pg_temp.import_row AS r
        JOIN pg_temp.import_hit AS h ON h.row_id = r.row_id AND h.role = 0
        JOIN pg_temp.import_life AS l
            ON l.kind = CASE WHEN r.legal_unit_id IS NOT NULL THEN 'legal_unit' ELSE 'establishment' END
            AND l.id = coalesce(r.legal_unit_id, r.establishment_id)
        WHERE NOT r.is_refused AND NOT r.is_skipped AND NOT l.life && daterange(r.valid_from, r.valid_until);
    END IF;

    IF mode = 'establishment_formal' THEN
        PERFORM import.analyse_links(job_id);
    END IF;
END
$analyse_units$;
COMMENT ON FUNCTION import.analyse_units(integer) IS 'Second stage of the analysis, third part: entities of the file and units of the register';
REVOKE ALL ON FUNCTION import.analyse_units(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_units(integer) TO authenticated;

-- The legal unit of each establishment. Known establishments may leave it out: they keep theirs.
CREATE OR REPLACE FUNCTION import.analyse_links(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_links$
DECLARE
    columns text[];
    within_life boolean;
BEGIN
    SELECT array_agg(left(p.column_name, -4) ORDER BY p.place),
           bool_or(j.definition_snapshot #>> '{import_definition,strategy}' IN ('replace_only', 'update_only'))
    INTO columns, within_life
    FROM import.job AS j
    CROSS JOIN LATERAL import.plan_column(j.definition_snapshot) AS p
    WHERE j.id = analyse_links.job_id AND p.purpose = 'source_input' AND p.column_name LIKE 'legal\_unit\_%';

    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT r.row_id, 'error', jsonb_build_object('code', 'link_missing', 'severity', 'error', 'details', jsonb_build_object('columns', to_jsonb(columns)))
    FROM pg_temp.import_row AS r
    WHERE r.is_new AND NOT r.is_skipped
    AND NOT EXISTS (SELECT FROM pg_temp.import_ident AS i WHERE i.row_id = r.row_id AND i.role = 1);
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT i.row_id, 'error', jsonb_build_object('code', 'reference_missing', 'severity', 'error', 'column', i.column_name, 'value', i.value)
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    WHERE h.role = 1 AND NOT h.is_known;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT i.row_id, 'error', jsonb_build_object('code', 'reference_not_valid_then', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_build_object('legal_unit_id', h.legal_unit_id, 'periods', import.periods_as_text(l.life)))
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_row AS r ON r.row_id = h.row_id
    JOIN pg_temp.import_life AS l ON l.kind = 'legal_unit' AND l.id = h.legal_unit_id
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    WHERE h.role = 1 AND NOT h.is_ambiguous AND NOT r.is_skipped AND NOT l.life @> daterange(r.valid_from, r.valid_until);

    -- Without a link, new time of an establishment belongs to the legal unit of the slice before it, or after it.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT DISTINCT ON (r.row_id) r.row_id, 'error', jsonb_build_object('code', 'reference_not_valid_then', 'severity', 'error', 'details', jsonb_build_object(
               'columns', to_jsonb(columns), 'legal_unit_id', n.legal_unit_id, 'periods', import.periods_as_text(l.life)))
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_life AS e ON e.kind = 'establishment' AND e.id = r.establishment_id
    CROSS JOIN LATERAL unnest(datemultirange(daterange(r.valid_from, r.valid_until)) - e.life) AS gap
    CROSS JOIN LATERAL (SELECT t.legal_unit_id FROM register.establishment AS t
                        WHERE t.id = r.establishment_id
                        ORDER BY t.valid_from < lower(gap) DESC, CASE WHEN t.valid_from < lower(gap) THEN t.valid_from END DESC, t.valid_from
                        LIMIT 1) AS n
    CROSS JOIN LATERAL (SELECT range_agg(lu.valid_range) AS life FROM register.legal_unit AS lu WHERE lu.id = n.legal_unit_id) AS l
    WHERE NOT r.is_skipped AND NOT r.is_refused AND NOT r.is_covered AND r.valid_from IS NOT NULL AND NOT within_life AND NOT l.life @> gap
    AND NOT EXISTS (SELECT FROM pg_temp.import_ident AS i WHERE i.row_id = r.row_id AND i.role = 1)
    ORDER BY r.row_id, gap;

    UPDATE pg_temp.import_row AS r SET link_legal_unit_id = h.legal_unit_id
    FROM pg_temp.import_hit AS h
    WHERE h.row_id = r.row_id AND h.role = 1 AND NOT h.is_ambiguous;
END
$analyse_links$;
COMMENT ON FUNCTION import.analyse_links(integer) IS 'Second stage of the analysis: the legal units of establishments';
REVOKE ALL ON FUNCTION import.analyse_links(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_links(integer) TO authenticated;

-- Relationships: both ends must be legal units that exist throughout the period of the row.
CREATE OR REPLACE FUNCTION import.analyse_relationships(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_relationships$
DECLARE
    strategy text;
    plan text[];
    side record;
BEGIN
    SELECT j.definition_snapshot #>> '{import_definition,strategy}',
           ARRAY(SELECT p.column_name FROM import.plan_column(j.definition_snapshot) AS p WHERE p.purpose = 'source_input')
    INTO STRICT strategy, plan
    FROM import.job AS j WHERE j.id = analyse_relationships.job_id;
    PERFORM import.drop_temporary('import_life', 'import_hit', 'import_link');

    CREATE TEMPORARY TABLE import_life AS
    SELECT lu.id, range_agg(lu.valid_range) AS life
    FROM register.legal_unit AS lu
    WHERE lu.id IN (SELECT k.legal_unit_id FROM pg_temp.import_key AS k)
    GROUP BY lu.id;
    ANALYZE pg_temp.import_life;
    CREATE TEMPORARY TABLE import_hit AS
    SELECT i.row_id, i.role, array_agg(i.column_name ORDER BY i.column_name) AS columns, min(k.legal_unit_id) AS legal_unit_id,
           coalesce(min(k.legal_unit_id) <> max(k.legal_unit_id), false) AS is_ambiguous
    FROM pg_temp.import_ident AS i
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value
    GROUP BY i.row_id, i.role;
    ANALYZE pg_temp.import_hit;

    FOR side IN SELECT * FROM (VALUES (2, 'influencing\_%'), (3, 'influenced\_%')) AS v (role, pattern) LOOP
        INSERT INTO pg_temp.import_note (row_id, severity, finding)
        SELECT r.row_id, 'error', jsonb_build_object('code', 'value_missing', 'severity', 'error', 'details', jsonb_build_object(
                   'columns', (SELECT jsonb_agg(left(name, -4)) FROM unnest(plan) AS name WHERE name LIKE side.pattern)))
        FROM pg_temp.import_row AS r
        WHERE NOT r.is_skipped
        AND NOT EXISTS (SELECT FROM pg_temp.import_ident AS i WHERE i.row_id = r.row_id AND i.role = side.role)
        AND NOT EXISTS (SELECT FROM pg_temp.import_note AS n WHERE n.row_id = r.row_id AND n.finding ->> 'column' || '_raw' LIKE side.pattern);
    END LOOP;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT h.row_id, 'error', jsonb_build_object('code', 'ident_conflict', 'severity', 'error', 'details', jsonb_build_object('columns', to_jsonb(h.columns)))
    FROM pg_temp.import_hit AS h WHERE h.is_ambiguous;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT i.row_id, 'error', jsonb_build_object('code', CASE WHEN k.is_known THEN 'unit_type_conflict' ELSE 'reference_missing' END, 'severity', 'error',
               'column', i.column_name, 'value', i.value)
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value
    WHERE h.legal_unit_id IS NULL;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT i.row_id, 'error', jsonb_build_object('code', 'reference_not_valid_then', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_build_object('legal_unit_id', h.legal_unit_id, 'periods', import.periods_as_text(l.life)))
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_row AS r ON r.row_id = h.row_id
    JOIN pg_temp.import_life AS l ON l.id = h.legal_unit_id
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    WHERE NOT h.is_ambiguous AND NOT l.life @> daterange(r.valid_from, r.valid_until);
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT x.row_id, 'error', jsonb_build_object('code', 'ownership_self', 'severity', 'error', 'details', jsonb_build_object('columns', to_jsonb(x.columns || y.columns)))
    FROM pg_temp.import_hit AS x
    JOIN pg_temp.import_hit AS y ON y.row_id = x.row_id AND y.legal_unit_id = x.legal_unit_id
    WHERE x.role = 2 AND y.role = 3;

    -- Only sound ends make an entity: influencing unit, influenced unit and type.
    CREATE TEMPORARY TABLE import_link AS
    SELECT r.row_id, r.valid_from, r.valid_until, x.legal_unit_id AS influencing_id, y.legal_unit_id AS influenced_id, t.id AS type_id, t.primary_influencer_only
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_source AS s ON s.row_id = r.row_id
    JOIN pg_temp.import_hit AS x ON x.row_id = r.row_id AND x.role = 2
    JOIN pg_temp.import_hit AS y ON y.row_id = r.row_id AND y.role = 3
    JOIN register.legal_rel_type AS t ON t.code = s.rel_type_code_raw AND t.enabled
    WHERE NOT EXISTS (SELECT FROM pg_temp.import_note AS n WHERE n.row_id = r.row_id AND n.severity = 'error');
    ANALYZE pg_temp.import_link;
    UPDATE pg_temp.import_row AS r SET is_refused = true
    WHERE NOT EXISTS (SELECT FROM pg_temp.import_link AS k WHERE k.row_id = r.row_id);
    UPDATE pg_temp.import_row AS r
    SET founding_row_id = f.founding_row_id, relationship_id = f.relationship_id, is_new = f.relationship_id IS NULL
    FROM (SELECT k.row_id, min(k.row_id) OVER (PARTITION BY k.influencing_id, k.influenced_id, k.type_id) AS founding_row_id, e.id AS relationship_id
          FROM pg_temp.import_link AS k
          LEFT JOIN (SELECT lr.influencing_id, lr.influenced_id, lr.type_id, min(lr.id) AS id
                     FROM register.legal_relationship AS lr
                     GROUP BY lr.influencing_id, lr.influenced_id, lr.type_id) AS e
              ON e.influencing_id = k.influencing_id AND e.influenced_id = k.influenced_id AND e.type_id = k.type_id) AS f
    WHERE f.row_id = r.row_id;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT r.row_id, 'error', jsonb_build_object('code', CASE WHEN r.is_new THEN 'unit_not_found' ELSE 'unit_already_exists' END, 'severity', 'error',
               'details', jsonb_build_object('columns', to_jsonb(x.columns || y.columns), 'strategy', strategy))
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_hit AS x ON x.row_id = r.row_id AND x.role = 2
    JOIN pg_temp.import_hit AS y ON y.row_id = r.row_id AND y.role = 3
    WHERE NOT r.is_refused
    AND (r.is_new AND strategy IN ('replace_only', 'update_only') OR NOT r.is_new AND strategy = 'insert_only');

    -- At most one influencer at a time of a type that says so: both rows of the file are at fault, and the row that meets
    -- a stored relationship. Islands of overlapping periods with more than one influencer hold exactly such rows.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    WITH placed AS MATERIALIZED (
        SELECT p.*, count(*) FILTER (WHERE p.starts) OVER (PARTITION BY p.influenced_id, p.type_id ORDER BY p.valid_from, p.row_id) AS island
        FROM (SELECT k.*, coalesce(max(k.valid_until) OVER (PARTITION BY k.influenced_id, k.type_id ORDER BY k.valid_from, k.row_id
                                                            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) <= k.valid_from, true) AS starts
              FROM pg_temp.import_link AS k
              WHERE k.primary_influencer_only) AS p)
    SELECT i.row_id, 'error', jsonb_build_object('code', 'duplicate_primary_controller', 'severity', 'error', 'column', 'influenced_tax_ident',
               'value', s.influenced_tax_ident_raw, 'details', jsonb_build_object('rows', to_jsonb(c.rows)))
    FROM placed AS i
    JOIN (SELECT x.influenced_id, x.type_id, x.island, (array_agg(x.row_id ORDER BY x.row_id))[:10] AS rows
          FROM placed AS x
          GROUP BY x.influenced_id, x.type_id, x.island
          HAVING min(x.influencing_id) <> max(x.influencing_id)) AS c ON c.influenced_id = i.influenced_id AND c.type_id = i.type_id AND c.island = i.island
    JOIN pg_temp.import_source AS s ON s.row_id = i.row_id;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT DISTINCT ON (k.row_id) k.row_id, 'error', jsonb_build_object('code', 'duplicate_primary_controller', 'severity', 'error', 'column', 'influenced_tax_ident',
               'value', s.influenced_tax_ident_raw, 'details', jsonb_build_object('influencing_id', lr.influencing_id, 'legal_relationship_id', lr.id))
    FROM pg_temp.import_link AS k
    JOIN pg_temp.import_source AS s ON s.row_id = k.row_id
    JOIN register.legal_relationship AS lr ON lr.influenced_id = k.influenced_id AND lr.type_id = k.type_id
    WHERE k.primary_influencer_only AND lr.influencing_id <> k.influencing_id
    AND lr.valid_from < k.valid_until AND k.valid_from < lr.valid_until
    ORDER BY k.row_id, lr.id;
END
$analyse_relationships$;
COMMENT ON FUNCTION import.analyse_relationships(integer) IS 'Second stage of the analysis, third part, for relationships: their ends and their conflicts';
REVOKE ALL ON FUNCTION import.analyse_relationships(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_relationships(integer) TO authenticated;

-- Several rows of one entity: copies, contradictions, gaps; and the batch of each entity.
CREATE OR REPLACE FUNCTION import.analyse_repeats(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_repeats$
DECLARE
    job record;
BEGIN
    SELECT j.unique_units, j.processing_batch_size,
           string_agg(format('s.%I', p.column_name), ', ' ORDER BY p.place) AS all_columns,
           string_agg(format('s.%I', p.column_name), ', ' ORDER BY p.place) FILTER (WHERE p.column_name NOT IN ('valid_from_raw', 'valid_to_raw')) AS content_columns
    INTO STRICT job
    FROM import.job AS j
    CROSS JOIN LATERAL import.plan_column(j.definition_snapshot) AS p
    WHERE j.id = analyse_repeats.job_id AND p.purpose = 'source_input'
    GROUP BY j.id;
    PERFORM import.drop_temporary('import_repeat');
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_repeat AS
        SELECT r.row_id, r.founding_row_id, r.valid_from, r.valid_until, md5(ROW(%s)::text) AS whole, md5(ROW(%s)::text) AS content
        FROM pg_temp.import_row AS r
        JOIN pg_temp.import_source AS s ON s.row_id = r.row_id
        WHERE NOT r.is_refused AND NOT r.is_skipped AND r.valid_from IS NOT NULL
        AND r.founding_row_id IN (SELECT x.founding_row_id FROM pg_temp.import_row AS x
                                  WHERE NOT x.is_refused AND NOT x.is_skipped AND x.valid_from IS NOT NULL
                                  GROUP BY x.founding_row_id HAVING count(*) > 1)$sql$, job.all_columns, job.content_columns);
    ANALYZE pg_temp.import_repeat;

    IF EXISTS (SELECT FROM pg_temp.import_repeat) THEN
        WITH copy AS (
            DELETE FROM pg_temp.import_repeat AS t
            USING (SELECT x.row_id, min(x.row_id) OVER (PARTITION BY x.founding_row_id, x.whole) AS first_row_id
                   FROM pg_temp.import_repeat AS x) AS f
            WHERE f.row_id = t.row_id AND f.first_row_id < t.row_id
            RETURNING t.row_id, f.first_row_id),
        skipped AS (
            UPDATE pg_temp.import_row AS r SET is_skipped = true FROM copy AS c WHERE c.row_id = r.row_id)
        INSERT INTO pg_temp.import_note (row_id, severity, finding)
        SELECT c.row_id, 'warning', jsonb_build_object('code', 'row_duplicate', 'severity', 'warning', 'details', jsonb_build_object('row', c.first_row_id))
        FROM copy AS c;

        -- Islands of overlapping periods: equal rows are worth a word, different ones contradict each other. Each row is
        -- compared with the first of its island, that one with the second.
        INSERT INTO pg_temp.import_note (row_id, severity, finding)
        WITH placed AS MATERIALIZED (
            SELECT p.*, count(*) FILTER (WHERE p.starts) OVER (PARTITION BY p.founding_row_id ORDER BY p.valid_from, p.row_id) AS island
            FROM (SELECT t.*, coalesce(max(t.valid_until) OVER (PARTITION BY t.founding_row_id ORDER BY t.valid_from, t.row_id
                                                                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) <= t.valid_from, true) AS starts
                  FROM pg_temp.import_repeat AS t) AS p),
        crowded AS MATERIALIZED (
            SELECT i.founding_row_id, i.island, (array_agg(i.row_id ORDER BY i.row_id))[:10] AS rows,
                   min(i.content) <> max(i.content) AS differs,
                   min(i.valid_from) = max(i.valid_from) AND min(i.valid_until) = max(i.valid_until) AS same_period
            FROM placed AS i
            GROUP BY i.founding_row_id, i.island
            HAVING count(*) > 1)
        SELECT k.row_id, CASE WHEN k.differs THEN 'error' ELSE 'info' END, jsonb_build_object(
                   'code', CASE WHEN k.differs AND k.same_period THEN 'row_conflict' WHEN k.differs THEN 'period_overlap_conflict' ELSE 'period_overlap_equal' END,
                   'severity', CASE WHEN k.differs THEN 'error' ELSE 'info' END)
                   || CASE WHEN k.differs AND k.same_period THEN '{}' ELSE jsonb_build_object('column', 'valid_from', 'value', to_char(k.valid_from, 'YYYY-MM-DD')) END
                   || jsonb_build_object('details', jsonb_build_object('row', k.other, 'rows', to_jsonb(k.rows))
                       || CASE WHEN k.differs THEN jsonb_build_object('columns', (
                              SELECT jsonb_agg(left(x.key, -4) ORDER BY x.key)
                              FROM jsonb_each(v.mine) AS x
                              WHERE x.key LIKE '%\_raw' AND x.key NOT LIKE 'given %' AND v.theirs -> x.key <> x.value)) ELSE '{}' END)
        FROM (SELECT i.row_id, i.valid_from, c.rows, c.differs, c.same_period, CASE WHEN c.rows[1] = i.row_id THEN c.rows[2] ELSE c.rows[1] END AS other
              FROM placed AS i
              JOIN crowded AS c ON c.founding_row_id = i.founding_row_id AND c.island = i.island) AS k
        JOIN pg_temp.import_source AS a ON a.row_id = k.row_id
        JOIN pg_temp.import_source AS b ON b.row_id = k.other
        CROSS JOIN LATERAL (SELECT CASE WHEN k.differs THEN to_jsonb(a) END AS mine, CASE WHEN k.differs THEN to_jsonb(b) END AS theirs OFFSET 0) AS v;
        INSERT INTO pg_temp.import_note (row_id, severity, finding)
        SELECT g.row_id, 'info', jsonb_build_object('code', 'period_gap', 'severity', 'info', 'column', 'valid_from', 'value', to_char(g.valid_from, 'YYYY-MM-DD'), 'details', jsonb_build_object(
                   'from', to_char(g.reached, 'YYYY-MM-DD'), 'to', to_char(g.valid_from - 1, 'YYYY-MM-DD')))
        FROM (SELECT t.row_id, t.valid_from, max(t.valid_until) OVER (PARTITION BY t.founding_row_id ORDER BY t.valid_from, t.row_id
                                                                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
              FROM pg_temp.import_repeat AS t) AS g
        WHERE g.reached < g.valid_from;
        ANALYZE pg_temp.import_note;
        IF job.unique_units THEN
            INSERT INTO pg_temp.import_note (row_id, severity, finding)
            SELECT t.row_id, 'error', jsonb_build_object('code', 'row_conflict', 'severity', 'error', 'details', jsonb_build_object(
                       'rows', to_jsonb(x.rows), 'unique_units', true))
            FROM pg_temp.import_repeat AS t
            JOIN (SELECT y.founding_row_id, (array_agg(y.row_id ORDER BY y.row_id))[:10] AS rows
                  FROM pg_temp.import_repeat AS y GROUP BY y.founding_row_id HAVING count(*) > 1) AS x ON x.founding_row_id = t.founding_row_id
            WHERE NOT EXISTS (SELECT FROM pg_temp.import_note AS n WHERE n.row_id = t.row_id AND n.severity = 'error');
        END IF;
    END IF;

    -- Batches of whole entities, in the order of their first rows.
    UPDATE pg_temp.import_row AS r SET batch_seq = b.batch_seq
    FROM (SELECT n.row_id, 1 + (min(n.place) OVER (PARTITION BY n.founding_row_id) - 1) / job.processing_batch_size AS batch_seq
          FROM (SELECT x.row_id, x.founding_row_id, row_number() OVER (ORDER BY x.founding_row_id, x.row_id) AS place
                FROM pg_temp.import_row AS x) AS n) AS b
    WHERE b.row_id = r.row_id AND b.batch_seq > 1;
    ANALYZE pg_temp.import_row;
END
$analyse_repeats$;
COMMENT ON FUNCTION import.analyse_repeats(integer) IS 'Second stage of the analysis, last part: rows of one entity against each other, and batches';
REVOKE ALL ON FUNCTION import.analyse_repeats(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_repeats(integer) TO authenticated;

-- Stage 3 -------------------------------------------------------------------------------------------------------------

-- SQL text of a code list: code, id, enabled, is_leaf, one row per code; an enabled row before a disabled one.
CREATE OR REPLACE FUNCTION import.code_list_sql(list text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $code_list_sql$
    SELECT format('(SELECT DISTINCT ON (l.code) l.code, l.id, l.enabled, l.is_leaf FROM (%s) AS l WHERE l.code IS NOT NULL ORDER BY l.code, l.enabled DESC, l.id)',
        CASE list
            WHEN 'country' THEN 'SELECT c.iso_2 AS code, c.id, c.enabled, true AS is_leaf FROM register.country AS c'
            WHEN 'region' THEN 'SELECT c.code, c.id, true AS enabled, true AS is_leaf FROM register.region AS c
                WHERE c.version_id = (SELECT s.region_version_id FROM register.settings AS s)'
            WHEN 'tag' THEN 'SELECT c.path::text AS code, c.id, c.enabled, true AS is_leaf FROM register.tag AS c'
            WHEN 'activity_category' THEN 'SELECT c.code, c.id, c.enabled,
                    NOT EXISTS (SELECT FROM register.activity_category AS x WHERE x.parent_id = c.id AND x.enabled) AS is_leaf
                FROM register.activity_category AS c
                WHERE c.standard_id = (SELECT s.activity_category_standard_id FROM register.settings AS s)'
            ELSE format('SELECT c.code, c.id, c.enabled, true AS is_leaf FROM register.%I AS c', list)
        END)
$code_list_sql$;
COMMENT ON FUNCTION import.code_list_sql(text) IS 'SQL text of a subquery that gives the codes of a code list';
REVOKE ALL ON FUNCTION import.code_list_sql(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.code_list_sql(text) TO authenticated;

-- Which code list the values of a data column are of; NULL: none.
CREATE OR REPLACE FUNCTION import.code_list_of_column(column_name text)
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
COMMENT ON FUNCTION import.code_list_of_column(text) IS 'The code list that a column of the data table is bound to; NULL when to none';
REVOKE ALL ON FUNCTION import.code_list_of_column(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.code_list_of_column(text) TO authenticated;

-- Builds and runs the statement that writes the data table, and keeps the findings in pg_temp.import_bad.
--   t   the row of the file with its cells parsed (p_<column>) and its codes looked up (id_, on_, leaf_<column>)
--   j   t with its findings and the values for the register
CREATE OR REPLACE FUNCTION import.analyse_cells(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
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
        list := CASE WHEN c.external_ident_type_id IS NULL AND c.stat_definition_id IS NULL THEN import.code_list_of_column(c.column_name) END;
        IF list IS NOT NULL THEN
            joins := joins || format('LEFT JOIN %s AS %I ON %2$I.code = s.%3$I', import.code_list_sql(list), 'l_' || col, c.column_name);
            parsed := parsed || format('%1$I.id AS %2$I, %1$I.enabled AS %3$I, %1$I.is_leaf AS %4$I', 'l_' || col, 'id_' || col, 'on_' || col, 'leaf_' || col);
            -- What is a mere warning elsewhere decides a country, a tag, a type of relationship.
            bad := format('%s IS NOT NULL AND t.%I IS NULL', raw, 'id_' || col);
            IF list = 'country' THEN
                address := (SELECT string_agg(format('t.%I', x), ', ') FROM unnest(has) AS x
                            WHERE x LIKE replace(left(col, -length('country_iso_2')), '_', '\_') || '%' AND x NOT IN (c.column_name) AND x !~ '_(latitude|longitude|altitude)_raw$');
                errors := errors || format('CASE WHEN %s AND num_nonnulls(%s) > 0 THEN %s END', bad, address,
                    import.finding_sql('error', 'country_unknown', col, raw,
                        format('(SELECT jsonb_build_object(''suggestion'', k.iso_2) FROM register.country AS k WHERE k.iso_3 = upper(%1$s) OR k.name = %1$s OR k.iso_2 = upper(%1$s) ORDER BY k.id LIMIT 1)', raw)));
                warnings := warnings || format('CASE WHEN %s AND num_nonnulls(%s) = 0 THEN %s END', bad, address,
                    import.finding_sql('warning', 'country_unknown', col, raw));
            ELSIF list = 'tag' THEN
                errors := errors || format('CASE WHEN %s THEN %s END', bad, import.finding_sql('error', 'tag_unknown', col, raw));
            ELSIF list = 'legal_rel_type' THEN
                errors := errors || format('CASE WHEN %s IS NULL THEN %s WHEN %s THEN %s WHEN NOT t.%I THEN %s END', raw, import.finding_sql('error', 'value_missing', col),
                    bad, import.finding_sql('error', 'code_unknown', col, raw), 'on_' || col, import.finding_sql('error', 'code_inactive', col, raw));
            ELSE
                warnings := warnings || format('CASE WHEN %s THEN %s END', bad, import.finding_sql('warning', 'code_unknown', col, raw,
                    CASE WHEN list IN ('region', 'activity_category') THEN
                        format('(SELECT jsonb_build_object(''suggestion'', l.code) FROM %s AS l WHERE l.code = ''0'' || %s)', import.code_list_sql(list), raw)
                    ELSE 'NULL' END));
            END IF;
            IF list <> 'legal_rel_type' THEN
                warnings := warnings || format('CASE WHEN NOT t.%I THEN %s END', 'on_' || col, import.finding_sql('warning', 'code_inactive', col, raw));
            END IF;
            IF list = 'activity_category' THEN
                warnings := warnings || format('CASE WHEN t.%I AND NOT t.%I THEN %s END', 'on_' || col, 'leaf_' || col, import.finding_sql('warning', 'code_not_leaf', col, raw));
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
            parsed := parsed || format('import.parse_date(s.%I, %L) AS %I', c.column_name, date_formats, 'p_' || col);
            errors := errors || format('CASE WHEN %1$s IS NOT NULL AND %2$s IS NULL THEN %3$s WHEN NOT isfinite(%2$s) THEN %4$s END', raw, value,
                replace(import.finding_sql('error', '@', col, raw, format('jsonb_build_object(''formats'', to_jsonb(%L::text[]), ''hint'', import.parse_hint(''date'', %s))', date_formats, raw)),
                    $$'@'$$, format('import.parse_date_error(%s, %L)', raw, date_formats)),
                import.finding_sql('error', 'date_infinite_not_allowed', col, raw));
            warnings := warnings
                || format('CASE WHEN isfinite(%1$s) AND (%1$s < ''1800-01-01'' OR %1$s > statbus.today() + 36525) THEN %2$s END', value, import.finding_sql('warning', 'date_implausible', col, raw))
                || format('CASE WHEN length(%1$s) > 10 AND import.parse_date_warning(%1$s, %2$L) IS NOT NULL THEN %3$s END', raw, date_formats, import.finding_sql('warning', 'time_dropped', col, raw));
            infos := infos || format('CASE WHEN length(%1$s) > 10 AND import.parse_date_info(%1$s, %2$L) IS NOT NULL THEN %3$s END', raw, date_formats, import.finding_sql('info', 'time_dropped', col, raw));
            typed := typed || jsonb_build_object(col, value);

        ELSIF c.stat_definition_id IS NOT NULL AND c.target_pg_type <> 'text' THEN
            CASE c.target_pg_type
            WHEN 'integer' THEN
                parsed := parsed || format('import.parse_integer(s.%I, %L) AS %I', c.column_name, thousands, 'p_' || col);
                errors := errors || format('CASE WHEN %1$s IS NOT NULL AND %2$s IS NULL THEN %3$s WHEN %2$s > 2147483647 THEN %4$s WHEN %2$s < 0 THEN %5$s END', raw, value,
                    replace(import.finding_sql('error', '@', col, raw, format('jsonb_build_object(''hint'', import.parse_hint(''integer'', %s))', raw)),
                        $$'@'$$, format('import.parse_integer_error(%s, %L)', raw, thousands)),
                    import.finding_sql('error', 'number_too_big', col, raw),
                    -- Whole-number statistics count something.
                    import.finding_sql('error', 'number_negative', col, raw));
                infos := infos || format('CASE WHEN %1$s IS NOT NULL AND import.parse_integer_info(%2$s, %3$L) IS NOT NULL THEN %4$s END', value, raw, thousands,
                    import.finding_sql('info', 'decimal_zero_dropped', col, raw));
                typed := typed || jsonb_build_object(col, format('CASE WHEN %1$s BETWEEN 0 AND 2147483647 THEN %1$s END', value));
            WHEN 'numeric' THEN
                parsed := parsed || format('import.parse_numeric(s.%I, %L, %L) AS %I', c.column_name, decimal_mark, thousands, 'p_' || col);
                errors := errors || format('CASE WHEN %1$s IS NOT NULL AND %2$s IS NULL THEN %3$s WHEN abs(%2$s) > 1e300 THEN %4$s END', raw, value,
                    replace(import.finding_sql('error', '@', col, raw, format('jsonb_build_object(''hint'', import.parse_hint(''numeric'', %s))', raw)),
                        $$'@'$$, format('import.parse_numeric_error(%s, %L, %L)', raw, decimal_mark, thousands)),
                    import.finding_sql('error', 'number_too_big', col, raw));
                -- What double precision would call an underflow is nothing.
                typed := typed || jsonb_build_object(col, format('CASE WHEN abs(%1$s) < 1e-300 THEN 0 WHEN abs(%1$s) <= 1e300 THEN %1$s END', value));
            WHEN 'boolean' THEN
                parsed := parsed || format('import.parse_boolean(s.%I, %L, %L) AS %I', c.column_name, ARRAY(SELECT jsonb_array_elements_text(job.definition -> 'true_words')),
                    ARRAY(SELECT jsonb_array_elements_text(job.definition -> 'false_words')), 'p_' || col);
                errors := errors || format('CASE WHEN %s IS NOT NULL AND %s IS NULL THEN %s END', raw, value, import.finding_sql('error', 'not_a_boolean', col, raw));
                typed := typed || jsonb_build_object(col, value);
            END CASE;

        ELSIF col ~ '_(latitude|longitude|altitude)$' OR col = 'percentage' THEN
            parsed := parsed || format('import.parse_numeric(s.%I, %L, %L) AS %I', c.column_name, decimal_mark, thousands, 'p_' || col);
            IF col LIKE 'postal\_%' THEN
                errors := errors || format('CASE WHEN %s IS NOT NULL THEN %s END', raw, import.finding_sql('error', 'coordinate_postal', col, raw));
            ELSE
                bad := CASE WHEN col LIKE '%latitude' THEN format('abs(%s) > 90', value)
                            WHEN col LIKE '%longitude' THEN format('abs(%s) > 180', value)
                            WHEN col LIKE '%altitude' THEN format('NOT %s BETWEEN 0 AND 99999.9', value)
                            ELSE format('NOT %s BETWEEN 0 AND 100', value) END;
                errors := errors || format('CASE WHEN %1$s IS NOT NULL AND %2$s IS NULL THEN %3$s WHEN %4$s THEN %5$s END', raw, value,
                    replace(import.finding_sql('error', '@', col, raw, format('jsonb_build_object(''hint'', import.parse_hint(''numeric'', %s))', raw)),
                        $$'@'$$, format('import.parse_numeric_error(%s, %L, %L)', raw, decimal_mark, thousands)),
                    bad, import.finding_sql('error', CASE WHEN col = 'percentage' THEN 'percentage_range' ELSE 'coordinate_range' END, col, raw,
                        CASE WHEN col ~ 'tude$' AND col !~ 'altitude$' THEN format('CASE WHEN abs(%s) > 10000 THEN jsonb_build_object(''hint'', ''looks like UTM metres'') END', value) ELSE 'NULL' END));
                length_limit := CASE WHEN col LIKE '%altitude' THEN 1 WHEN col = 'percentage' THEN 2 ELSE 6 END;
                infos := infos || format('CASE WHEN NOT (%1$s) AND %2$s <> round(%2$s, %3$s) THEN %4$s END', bad, value, length_limit, import.finding_sql('info', 'precision_lost', col, raw));
                typed := typed || jsonb_build_object(col, format('CASE WHEN NOT (%s) THEN round(%s, %s) END', bad, value, length_limit));
                IF col = 'percentage' THEN
                    parsed := parsed || format('max(import.parse_numeric(s.%I, %L, %L)) OVER () AS highest_percentage', c.column_name, decimal_mark, thousands);
                    warnings := warnings || format('CASE WHEN %1$s > 0 AND t.highest_percentage <= 1 THEN %2$s END', value, import.finding_sql('warning', 'percentage_maybe_fraction', col, raw));
                END IF;
            END IF;

        ELSE
            -- Texts. Control characters become spaces; what is decomposed is composed.
            length_limit := substring(c.target_pg_type FROM '\((\d+)\)')::integer;
            parsed := parsed || format($sql$CASE WHEN s.%1$I ~ '[\u0001-\u001f\u007f\u2028\u2029]|(?<![\u00c2\u00c3])\u0085' THEN btrim(regexp_replace(s.%1$I, '([\u0001-\u001f\u007f\u2028\u2029]|(?<![\u00c2\u00c3])\u0085)+', ' ', 'g'))
                                            WHEN octet_length(s.%1$I) > length(s.%1$I) THEN normalize(s.%1$I, NFC) ELSE s.%1$I END AS %2$I$sql$, c.column_name, 'p_' || col);
            warnings := warnings || format($sql$CASE WHEN %1$s ~ '[\u0001-\u001f\u007f\u2028\u2029]|(?<![\u00c2\u00c3])\u0085' THEN %2$s END$sql$, raw,
                import.finding_sql('warning', 'control_char', col, raw,
                    format($sql$jsonb_build_object('codepoint', 'U+' || upper(lpad(to_hex(ascii(substring(%s FROM '[\u0001-\u001f\u007f\u2028\u2029]|(?<![\u00c2\u00c3])\u0085'))), 4, '0')))$sql$, raw)));
            IF length_limit IS NOT NULL THEN
                bad := format('length(%s) > %s', value, length_limit);
                IF job.truncate_overlong THEN
                    warnings := warnings || format('CASE WHEN %s THEN %s END', bad,
                        import.finding_sql('warning', 'truncated', col, raw, format('jsonb_build_object(''length'', length(%s), ''limit'', %s)', value, length_limit)));
                ELSE
                    errors := errors || format('CASE WHEN %s THEN %s END', bad,
                        import.finding_sql('error', 'too_long', col, raw, format('jsonb_build_object(''length'', length(%s), ''limit'', %s)', value, length_limit)));
                END IF;
                value := format('left(%s, %s)', value, length_limit);
            END IF;
            IF col NOT IN ('phone_number', 'landline', 'mobile_number', 'fax_number') THEN
                infos := infos || format($sql$CASE WHEN %1$s ~ '^([=@]|[+-][^0-9])' THEN %2$s END$sql$, raw, import.finding_sql('info', 'formula_like', col, raw));
                warnings := warnings || format($sql$CASE WHEN octet_length(%1$s) > length(%1$s) AND %1$s ~ '[\u00c2\u00c3][\u0080-\u00bf]' THEN %2$s END$sql$, raw, import.finding_sql('warning', 'mojibake', col, raw));
            END IF;
            IF col LIKE '%address\_part_' THEN
                warnings := warnings || format($sql$CASE WHEN %1$s ~ '[^/[:space:]]/n[[:upper:][:digit:]]' THEN %2$s END$sql$, raw, import.finding_sql('warning', 'escaped_newline', col, raw));
            ELSIF col = 'email_address' THEN
                warnings := warnings || format($sql$CASE WHEN %1$s !~ '^[^@[:space:]]+@[^@[:space:].]+([.][^@[:space:].]+)+$' THEN %2$s END$sql$, raw, import.finding_sql('warning', 'email_format', col, raw));
            END IF;
            typed := typed || jsonb_build_object(col, value);
        END IF;
    END LOOP;

    -- Between cells of one row.
    IF has @> '{birth_date_raw,death_date_raw}' THEN
        warnings := warnings
            || format('CASE WHEN isfinite(t.p_birth_date) AND (t.p_birth_date > t.valid_from OR t.p_death_date < t.p_birth_date) THEN %s END', import.finding_sql('warning', 'dates_inconsistent', 'birth_date', 't.birth_date_raw'))
            || format('CASE WHEN isfinite(t.p_death_date) AND (t.p_death_date < t.p_birth_date OR t.p_death_date > statbus.today()) THEN %s END', import.finding_sql('warning', 'dates_inconsistent', 'death_date', 't.death_date_raw'));
    END IF;
    IF 'secondary_activity_category_code_raw' = ANY (has) THEN
        warnings := warnings || format('CASE WHEN t.secondary_activity_category_code_raw = t.primary_activity_category_code_raw THEN %s END',
            import.finding_sql('warning', 'activity_same', 'secondary_activity_category_code', 't.secondary_activity_category_code_raw'));
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
            import.finding_sql('error', 'region_needs_domestic', place || '_region_code', format('t.%I', place || '_region_code_raw')));
        IF place = 'physical' THEN
            warnings := warnings || format('CASE WHEN t.physical_region_code_raw IS NULL AND (t.physical_country_iso_2_raw IS NULL OR t.id_physical_country_iso_2 = %s) AND num_nonnulls(%s) > 0 THEN %s END',
                job.country_id, anything, import.finding_sql('warning', 'region_missing', 'physical_region_code'));
            errors := errors || format($sql$CASE WHEN (t.physical_latitude_raw IS NULL) <> (t.physical_longitude_raw IS NULL)
                                                   OR t.physical_altitude_raw IS NOT NULL AND t.physical_latitude_raw IS NULL THEN %s END$sql$,
                replace(import.finding_sql('error', 'coordinate_pair', '@', 'NULL',
                    $$jsonb_build_object('columns', to_jsonb(ARRAY['physical_latitude', 'physical_longitude']
                        || CASE WHEN t.physical_altitude_raw IS NOT NULL THEN ARRAY['physical_altitude'] ELSE '{}' END))$$),
                    $$'@'$$, $$CASE WHEN t.physical_latitude_raw IS NULL THEN 'physical_latitude' ELSE 'physical_longitude' END$$));
        END IF;
    END LOOP;

    -- The unit itself.
    IF 'name_raw' = ANY (has) THEN
        errors := errors || format('CASE WHEN t.name_raw IS NULL AND NOT t.is_skipped AND NOT t.is_refused AND (%s) THEN %s END',
            CASE strategy WHEN 'insert_or_update' THEN 't.is_new OR NOT t.is_covered' WHEN 'update_only' THEN 'false' ELSE 'true' END,
            import.finding_sql('error', 'value_missing', 'name'));
    END IF;
    IF 'status_code_raw' = ANY (has) THEN
        -- A unit that is patched, or whose file has no such column, keeps its status where the file says nothing; new time gets the default one.
        typed := jsonb_set(typed, '{status_id}', to_jsonb(
            CASE WHEN strategy IN ('insert_or_update', 'update_only') OR NOT is_status_mapped
                THEN format('CASE WHEN t.on_status_code THEN t.id_status_code WHEN t.is_new THEN %L::integer END', job.status_id)
                ELSE format('CASE WHEN t.on_status_code THEN t.id_status_code ELSE %L::integer END', job.status_id) END));
        IF job.status_id IS NULL THEN
            errors := errors || format('CASE WHEN t.on_status_code IS NOT TRUE AND NOT t.is_skipped THEN %s END', import.finding_sql('error', 'status_missing', 'status_code', 't.status_code_raw'));
        END IF;
    END IF;
    IF mode = 'establishment_formal' AND 'sector_code_raw' = ANY (has) THEN
        typed := typed || jsonb_build_object('sector_id', 'NULL::integer');
        warnings := warnings || format('CASE WHEN t.sector_code_raw IS NOT NULL THEN %s END',
            import.finding_sql('warning', 'implausible', 'sector_code', 't.sector_code_raw', $$jsonb_build_object('rule', 'a formal establishment has the sector of its legal unit')$$));
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
           coalesce(array_agg(n.finding ORDER BY n.finding ->> 'column', n.finding ->> 'code') FILTER (WHERE n.severity = 'error'), '{}') AS errors,
           coalesce(array_agg(n.finding ORDER BY n.finding ->> 'column', n.finding ->> 'code') FILTER (WHERE n.severity = 'warning'), '{}') AS warnings,
           coalesce(array_agg(n.finding ORDER BY n.finding ->> 'column', n.finding ->> 'code') FILTER (WHERE n.severity = 'info'), '{}') AS infos
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
               CASE WHEN j.is_error THEN import.findings_by_column(j.errors, false) ELSE '{}' END,
               CASE WHEN cardinality(j.warnings) > 0 THEN import.findings_by_column(j.warnings, true) ELSE '{}' END
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
COMMENT ON FUNCTION import.analyse_cells(integer) IS 'Third stage of the analysis: every row of the data table, written once';
REVOKE ALL ON FUNCTION import.analyse_cells(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_cells(integer) TO authenticated;

-- Stage 4 -------------------------------------------------------------------------------------------------------------

-- Findings are for reading: no role writes import.bad_row. The job's user may add those of his own job, a superuser of any.
-- DEFINER: findings are written by the analysis and the application of a job, and by nobody else
CREATE OR REPLACE FUNCTION import.store_findings(job_id integer, row_ids bigint[], source_lines bigint[], findings jsonb[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $store_findings$
DECLARE
    -- In here current_user is the owner of the function; who called is the role set, or else the one who logged in.
    caller CONSTANT text := coalesce(nullif(current_setting('role'), 'none'), session_user);
BEGIN
    IF NOT EXISTS (SELECT
                   FROM import.job AS j
                   JOIN auth."user" AS u ON u.id = j.user_id
                   WHERE j.id = store_findings.job_id
                   AND (u.email::text = caller OR (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = caller))) THEN
        RAISE EXCEPTION 'permission denied to write findings of job %', job_id USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO import.bad_row AS b (job_id, row_id, source_line, findings)
    SELECT store_findings.job_id, f.row_id, f.source_line, f.finding
    FROM unnest(row_ids, source_lines, store_findings.findings) AS f (row_id, source_line, finding)
    ON CONFLICT ON CONSTRAINT bad_row_pkey DO UPDATE SET findings = b.findings || EXCLUDED.findings;
END
$store_findings$;
COMMENT ON FUNCTION import.store_findings(integer, bigint[], bigint[], jsonb[]) IS 'Adds findings to rows of a job';
REVOKE ALL ON FUNCTION import.store_findings(integer, bigint[], bigint[], jsonb[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.store_findings(integer, bigint[], bigint[], jsonb[]) TO authenticated;

-- The whole ----------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION import.analyse(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse$
DECLARE
    mode text;
    data_table text;
BEGIN
    SELECT j.definition_snapshot #>> '{import_definition,mode}', j.data_table_name INTO mode, data_table
    FROM import.job AS j WHERE j.id = $1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'import job % does not exist', job_id USING ERRCODE = 'no_data_found';
    END IF;
    PERFORM import.analyse_source(job_id);
    PERFORM import.analyse_period(job_id);
    PERFORM import.analyse_identifiers(job_id);
    IF mode = 'legal_relationship' THEN
        PERFORM import.analyse_relationships(job_id);
    ELSE
        PERFORM import.analyse_units(job_id);
    END IF;
    PERFORM import.analyse_repeats(job_id);
    PERFORM import.analyse_cells(job_id);
    PERFORM import.store_findings(job_id, array_agg(b.row_id), array_agg(b.source_line), array_agg(b.findings))
    FROM (SELECT x.*, (row_number() OVER (ORDER BY x.row_id) - 1) / 10000 AS portion FROM pg_temp.import_bad AS x) AS b
    GROUP BY b.portion
    ORDER BY b.portion;
    PERFORM import.drop_temporary('import_source', 'import_row', 'import_note', 'import_noted', 'import_bad', 'import_ident', 'import_key', 'import_life',
                                  'import_hit', 'import_edge', 'import_entity', 'import_unit', 'import_link', 'import_repeat');
    IF pg_has_role(current_user, (SELECT c.relowner FROM pg_class AS c WHERE c.oid = format('import.%I', data_table)::regclass), 'MEMBER') THEN
        EXECUTE format('ANALYZE import.%I', data_table);
    END IF;
END
$analyse$;
COMMENT ON FUNCTION import.analyse(integer) IS 'Analyses the upload of a job: fills its data table and the findings';
REVOKE ALL ON FUNCTION import.analyse(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse(integer) TO authenticated;

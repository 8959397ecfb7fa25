-- The first two stages of the analysis as SQL text, as they were before they were written in C: with test/import/oracle.sql they are
-- the oracle of import.analyse_file(). For tests only; needs schema import_oracle, and test/import/oracle.sql before it.
--
--   1. pg_temp.import_source: the rows in file order, trimmed, words for "nothing" made NULL, columns by their names here;
--      pg_temp.import_read: what was wrong with them before.
--   2. pg_temp.import_row: per row its period, its entity, the unit it means, its batch; pg_temp.import_note: findings
--      that need more than one row or the register.

-- As src/import_reading_sql.c.
CREATE FUNCTION import_oracle.ruled_cell_sql(
    source_column_name text, words jsonb, cut_at text, max_characters integer, alternatives jsonb, nothing text[], longest integer, blanks text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $ruled_cell_sql$
DECLARE
    trimmed CONSTANT text := format('btrim(u.%%1$I, %L)', blanks);
    said CONSTANT text := format('CASE WHEN length(%1$s) > %2$s OR %1$s <> '''' AND upper(%1$s) <> ALL (%3$s) THEN %1$s END', trimmed, longest, replace(quote_literal(nothing::text), '%', '%%'));
    cell text := format('u.%I', source_column_name);
    list jsonb;
BEGIN
    IF alternatives IS NOT NULL THEN
        cell := format('CASE WHEN %s IS NOT NULL THEN u.%I', format(said, source_column_name), source_column_name);
        FOR list IN SELECT a FROM jsonb_array_elements(alternatives) AS a LOOP
            cell := cell || (SELECT format(' WHEN %s THEN %s', string_agg('(' || format(said, n) || ') IS NOT NULL', ' AND ' ORDER BY place),
                                           string_agg(format(trimmed, n), ' || ' ORDER BY place))
                             FROM jsonb_array_elements_text(list) WITH ORDINALITY AS e (n, place));
        END LOOP;
        cell := cell || ' END';
    END IF;
    cell := format('btrim(%s, %L)', cell, blanks);
    IF cut_at IS NOT NULL THEN
        cell := format('btrim(split_part(%s, %L, 1), %L)', cell, cut_at, blanks);
    END IF;
    IF max_characters IS NOT NULL THEN
        cell := format('btrim(left(%s, %s), %L)', cell, max_characters, blanks);
    END IF;
    IF words IS NOT NULL THEN
        cell := format('coalesce(%L::jsonb ->> %s, %2$s)', words, cell);
    END IF;
    RETURN '(' || cell || ')';
END
$ruled_cell_sql$;

-- Spaces of every kind at both ends go. " | " and what follows goes in columns bound to a code list, where a spreadsheet's
-- menu shows "code | name"; nowhere else, for a name may hold it.
CREATE FUNCTION import_oracle.analyse_source(job_id integer)
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
    rule record;        -- what becomes of cells before anything else
    cell text;          -- a cell of the upload table, after that
    is_read boolean;    -- by import.read_chunk(), which knows lines
    place text;         -- what puts the rows in the order of the file
BEGIN
    SELECT j.upload_table_name, j.definition_snapshot AS snapshot, j.definition_snapshot -> 'import_definition' AS definition,
           j.default_valid_from, j.default_valid_to, j.default_data_source_code
    INTO STRICT job FROM import.job AS j WHERE j.id = analyse_source.job_id;
    SELECT coalesce(array_agg(upper(w)), '{}'), coalesce(max(length(w)), 0) INTO words, longest
    FROM jsonb_array_elements_text(job.definition -> 'import_as_null') AS w;

    FOR c IN SELECT p.* FROM import.plan_column(job.snapshot) AS p WHERE p.purpose = 'source_input' ORDER BY p.place LOOP
        IF c.source_column_name IS NOT NULL THEN
            cell := format('u.%I', c.source_column_name);
            SELECT r.words, r.cut_at, r.max_characters, r.alternatives INTO rule FROM import.reading_rules(job.snapshot) AS r WHERE r.column_name = c.column_name;
            IF FOUND THEN
                cell := import_oracle.ruled_cell_sql(c.source_column_name, rule.words, rule.cut_at, rule.max_characters, rule.alternatives, words, longest, blanks);
            END IF;
            IF c.external_ident_type_id IS NULL AND NOT (c.step_code = 'legal_relationship' AND c.column_name LIKE '%\_ident\_raw') THEN
                trimmed := trimmed || format('btrim(%s, %L) AS %I', cell, blanks, c.column_name);
            ELSE
                -- What looks the same is the same identifier: composed and decomposed letters, full width, characters without
                -- width. The column "given …" has it as it stands in the file where something was changed.
                cleaned := format('btrim(CASE WHEN octet_length(%1$s) = length(%1$s) THEN %1$s ELSE translate(normalize(%1$s, NFKC), %2$L, '''') END, %3$L)',
                                  cell, widthless, blanks);
                -- So is what the rule of its type makes the same (import_idents.sql).
                SELECT coalesce(min(format('import.normalise_ident(%s, %s)', t.id, cleaned)), cleaned) INTO cleaned
                FROM register.external_ident_type AS t
                WHERE t.rule_id IS NOT NULL
                AND (t.id = c.external_ident_type_id
                     OR c.external_ident_type_id IS NULL AND t.code = regexp_replace(c.column_name, '^(influencing|influenced)_(.*)_raw$', '\2'));
                trimmed := trimmed || format('%s AS %I, nullif(%s, %1$s) AS %4$I', cleaned, c.column_name, cell, 'given ' || c.column_name);
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

    is_read := EXISTS (SELECT FROM import.upload AS u WHERE u.job_id = analyse_source.job_id AND u.finished_at IS NOT NULL);
    place := CASE
        WHEN is_read THEN 'u."statbus:line"'
        WHEN EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = format('import.%I', job.upload_table_name)::regclass AND a.attname = 'statbus:place' AND NOT a.attisdropped)
            THEN 'u."statbus:place"'
        ELSE 'u.ctid' END;     -- nearly: the server puts short rows where pages before have room
    PERFORM import.drop_temporary('import_source', 'import_read');
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_source AS
        SELECT t.row_id, %s AS source_line, %s
        FROM (SELECT row_number() OVER (ORDER BY %s) AS row_id%s FROM import.%I AS u OFFSET 0) AS t$sql$,
        CASE WHEN is_read THEN 't."statbus:line"' ELSE 't.row_id + 1' END, array_to_string(selected, ', '), place,
        CASE WHEN is_read THEN ', u."statbus:line"' ELSE '' END || coalesce(', ' || nullif(array_to_string(trimmed, ', '), ''), ''), job.upload_table_name);
    ANALYZE pg_temp.import_source;

    -- What was wrong with the rows before a cell of them was looked at.
    CREATE TEMPORARY TABLE import_read (row_id bigint NOT NULL, severity text NOT NULL, finding jsonb NOT NULL);
    IF is_read THEN
        EXECUTE format($sql$
            INSERT INTO pg_temp.import_read (row_id, severity, finding)
            SELECT t.row_id, f ->> 'severity', f
            FROM (SELECT row_number() OVER (ORDER BY u."statbus:line") AS row_id, u."statbus:findings" AS findings FROM import.%I AS u OFFSET 0) AS t
            CROSS JOIN LATERAL jsonb_array_elements(t.findings) AS f
            WHERE t.findings IS NOT NULL$sql$, job.upload_table_name);
        ANALYZE pg_temp.import_read;
    END IF;
END
$analyse_source$;

-- The period of each row, and what is wrong with it. A row without a usable period has valid_from NULL.
CREATE FUNCTION import_oracle.analyse_period(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_period$
DECLARE
    definition jsonb;
    formats text[];
    by_job boolean;
    bound text;
    open_ends text[];
    unknown_starts text[];
BEGIN
    SELECT j.definition_snapshot -> 'import_definition' INTO STRICT definition
    FROM import.job AS j WHERE j.id = analyse_period.job_id;
    by_job := definition ->> 'valid_time_from' = 'job_provided';
    formats := CASE WHEN by_job THEN ARRAY['YYYY-MM-DD']
                    ELSE ARRAY(SELECT jsonb_array_elements_text(definition -> 'date_formats')) END;

    open_ends := ARRAY(SELECT jsonb_array_elements_text(definition -> 'open_end_values'));
    unknown_starts := ARRAY(SELECT jsonb_array_elements_text(definition -> 'unknown_start_values'));

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
                               -- What other systems write for an open end.
                               CASE WHEN coalesce(s.valid_to_raw, '') = ANY (open_ends) THEN 'infinity'
                                    ELSE coalesce(nullif(import.parse_date(s.valid_to_raw, formats), '9999-12-31'),
                                                  CASE WHEN import.parse_date(s.valid_to_raw, formats) IS NOT NULL THEN 'infinity'::date END) END AS valid_to) AS d;
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
            WHERE r.%4$I IS NOT NULL AND length(s.%1$I) > 10 AND (%8$L = 'valid_from' OR s.%1$I <> ALL (%9$L))
            AND coalesce(import.parse_date_info(s.%1$I, %5$L), import.parse_date_warning(s.%1$I, %5$L)) IS NOT NULL$sql$,
            bound || '_raw',
            import_oracle.finding_sql('error', 'value_missing', bound),
            replace(import_oracle.finding_sql('error', '@', bound, format('s.%I', bound || '_raw'),
                format('jsonb_build_object(''formats'', to_jsonb(%1$L::text[]), ''hint'', import.parse_hint(''date'', s.%2$I)) || import_oracle.day_limits(import.parse_date_error(s.%2$I, %1$L))', formats, bound || '_raw')),
                $$'@'$$, format('import.parse_date_error(s.%I, %L)', bound || '_raw', formats)),
            bound, formats,
            import_oracle.finding_sql('warning', 'time_dropped', bound, format('s.%I', bound || '_raw')),
            import_oracle.finding_sql('info', 'time_dropped', bound, format('s.%I', bound || '_raw')), bound, open_ends);
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
        WHERE isfinite(r.valid_from) AND (r.valid_from < '1800-01-01' OR r.valid_from > statbus.today() + 36525) AND s.valid_from_raw <> ALL (%7$L)
        UNION ALL
        SELECT r.row_id, 'info', %5$s FROM pg_temp.import_source AS s JOIN pg_temp.import_row AS r USING (row_id)
        WHERE s.valid_to_raw = ANY (%8$L) OR r.valid_to = 'infinity' AND import.parse_date(s.valid_to_raw, %6$L) = '9999-12-31'
        UNION ALL
        SELECT r.row_id, 'info', %9$s FROM pg_temp.import_source AS s JOIN pg_temp.import_row AS r USING (row_id)
        WHERE isfinite(r.valid_from) AND s.valid_from_raw = ANY (%7$L)$sql$,
        import_oracle.finding_sql('error', 'date_infinite_not_allowed', 'valid_from', 's.valid_from_raw'),
        import_oracle.finding_sql('error', 'period_reversed', 'valid_from', 's.valid_from_raw'),
        import_oracle.finding_sql('error', 'period_reversed', 'valid_to', 's.valid_to_raw'),
        import_oracle.finding_sql('warning', 'date_implausible', 'valid_from', 's.valid_from_raw'),
        import_oracle.finding_sql('info', 'open_end_normalised', 'valid_to', 's.valid_to_raw'), formats, unknown_starts, open_ends,
        import_oracle.finding_sql('info', 'start_unknown', 'valid_from', 's.valid_from_raw'));

    UPDATE pg_temp.import_row AS r SET valid_from = NULL, valid_to = NULL, valid_until = NULL
    WHERE r.valid_from IS NULL OR r.valid_to IS NULL OR NOT isfinite(r.valid_from) OR r.valid_to < r.valid_from;
    -- Nobody knows which cell of a broken record is which.
    UPDATE pg_temp.import_row AS r SET is_skipped = true, is_refused = true
    FROM pg_temp.import_read AS f
    WHERE f.row_id = r.row_id AND f.finding ->> 'code' IN ('row_too_short', 'row_too_long', 'quote_unclosed', 'record_too_long');
    DELETE FROM pg_temp.import_note AS n USING pg_temp.import_row AS r WHERE r.row_id = n.row_id AND r.is_skipped;
    ANALYZE pg_temp.import_row;
END
$analyse_period$;

-- Identifiers of the file: pg_temp.import_ident has one row per identifier given, pg_temp.import_key one per distinct
-- identifier with what the register knows of it.
--   role 0: of the row's own unit; 1: of the legal unit of an establishment; 2, 3: of the influencing and influenced unit
CREATE FUNCTION import_oracle.analyse_identifiers(job_id integer)
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
               bool_and(p.source_column_name IS NOT NULL) AS is_given
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
                SELECT s.row_id, f ->> 'severity', f || jsonb_build_object('column', %1$L, 'value', %2$s)
                FROM pg_temp.import_source AS s
                CROSS JOIN LATERAL jsonb_array_elements(import.check_ident(%3$s, %4$s) -> 'findings') AS f
                WHERE %4$s IS NOT NULL$sql$,
                left(c.columns[1], -4), CASE WHEN c.is_given THEN format('coalesce(s.%I, %s)', 'given ' || c.columns[1], expression) ELSE expression END,
                c.type_id, expression);
            IF c.is_given THEN
                EXECUTE format($sql$
                    INSERT INTO pg_temp.import_note (row_id, severity, finding)
                    SELECT s.row_id, 'info', %s FROM pg_temp.import_source AS s WHERE s.%I IS NOT NULL AND %s IS NOT NULL$sql$,
                    import_oracle.finding_sql('info', 'ident_normalised', left(c.columns[1], -4), format('s.%I', 'given ' || c.columns[1]),
                        format('jsonb_build_object(''normalised'', %s)', expression)), 'given ' || c.columns[1], expression);
            END IF;
            EXECUTE format($sql$
                INSERT INTO pg_temp.import_ident (row_id, role, type_id, column_name, value)
                SELECT s.row_id, %1$L, %2$L, %3$L, %4$s
                FROM pg_temp.import_source AS s
                WHERE %4$s IS NOT NULL AND NOT coalesce((import.check_ident(%2$s, %4$s) ->> 'refused')::boolean, false)$sql$,
                c.role, c.type_id, left(c.columns[1], -4), expression);
        ELSE
            SELECT string_agg(format('s.%I', name), ', ') INTO expression FROM unnest(c.columns) AS name;
            EXECUTE format($sql$
                INSERT INTO pg_temp.import_note (row_id, severity, finding)
                SELECT s.row_id, 'error', CASE WHEN part.value IS NULL THEN %1$s ELSE %2$s END || jsonb_build_object('column', part.name)
                FROM pg_temp.import_source AS s
                CROSS JOIN LATERAL unnest(%3$L::text[], ARRAY[%4$s]) AS part (name, value)
                WHERE num_nonnulls(%4$s) > 0 AND (part.value IS NULL OR part.value !~ '^[A-Za-z0-9_]{1,255}$')$sql$,
                import_oracle.finding_sql('error', 'ident_part_missing'),
                import_oracle.finding_sql('error', 'ident_char', NULL, 'part.value',
                    $$jsonb_build_object('char', substring(part.value FROM '[^A-Za-z0-9_]'), 'position', length(substring(part.value FROM '^[A-Za-z0-9_]*')) + 1)$$),
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
    DELETE FROM pg_temp.import_ident AS i USING pg_temp.import_row AS r WHERE r.row_id = i.row_id AND r.is_refused;
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

    -- A row with nothing at all is a blank line; a row with other cells lacks an identifier, unless it is about two units.
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
        WHERE %4$s AND num_nonnulls(%1$s) > 0$sql$,
        expression,
        import_oracle.finding_sql('info', 'blank_row'),
        import_oracle.finding_sql('error', 'ident_missing', NULL, 'NULL',
            format('jsonb_build_object(''columns'', to_jsonb(%L::text[]))', ARRAY(SELECT left(name, -4) FROM unnest(own_columns) AS name))),
        coalesce((SELECT 'num_nonnulls(' || string_agg(format('s.%I', name), ', ') || ') = 0' FROM unnest(own_columns) AS name), 'false'));
    -- Of a blank row only that it is blank is worth saying, of a broken one what was wrong with it.
    DELETE FROM pg_temp.import_note AS n USING pg_temp.import_row AS r
    WHERE r.row_id = n.row_id AND r.is_skipped AND n.finding ->> 'code' <> 'blank_row';
    INSERT INTO pg_temp.import_note (row_id, severity, finding) SELECT f.row_id, f.severity, f.finding FROM pg_temp.import_read AS f;
END
$analyse_identifiers$;

-- What a unit is called now, or was last.
CREATE FUNCTION import_oracle.unit_name(legal_unit_id integer, establishment_id integer)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $unit_name$
    SELECT coalesce((SELECT u.name FROM register.legal_unit AS u WHERE u.id = unit_name.legal_unit_id ORDER BY u.valid_from DESC LIMIT 1),
                    (SELECT u.name FROM register.establishment AS u WHERE u.id = unit_name.establishment_id ORDER BY u.valid_from DESC LIMIT 1))
$unit_name$;

-- Which rows are one unit, which unit of the register that is, and what speaks against it.
-- Rows are one entity when they share an identifier, or give identifiers that the register knows to be one unit's.
CREATE FUNCTION import_oracle.analyse_units(job_id integer)
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

    -- Identifiers of one row that belong to different units, which are named.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT h.row_id, 'error', jsonb_build_object('code', CASE h.role WHEN 0 THEN 'ident_conflict' ELSE 'link_conflict' END, 'severity', 'error',
               'column', i.column_name, 'value', i.value, 'details', jsonb_strip_nulls(jsonb_build_object(
                   'columns', to_jsonb(h.columns), 'legal_unit_id', k.legal_unit_id, 'establishment_id', k.establishment_id,
                   'units', (SELECT jsonb_object_agg(x.column_name, jsonb_build_object('legal_unit_id', y.legal_unit_id, 'establishment_id', y.establishment_id,
                                 'name', import_oracle.unit_name(y.legal_unit_id, y.establishment_id)))
                             FROM pg_temp.import_ident AS x JOIN pg_temp.import_key AS y ON y.type_id = x.type_id AND y.value = x.value
                             WHERE x.row_id = h.row_id AND x.role = h.role AND y.is_known))))
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value
    WHERE h.is_ambiguous;

    -- A unit of another kind than the file is about.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT h.row_id, 'error', jsonb_build_object('code', 'unit_type_conflict', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_strip_nulls(jsonb_build_object('legal_unit_id', h.legal_unit_id, 'establishment_id', h.establishment_id, 'name', import_oracle.unit_name(h.legal_unit_id, h.establishment_id), 'unit_type', CASE WHEN h.is_other THEN 'other' WHEN h.legal_unit_id IS NOT NULL THEN 'legal_unit'
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
    AND n.finding ->> 'code' IN ('ident_conflict', 'unit_type_conflict', 'ident_missing', 'ident_part_missing', 'ident_char', 'ident_checksum', 'ident_length', 'ident_scientific', 'too_long');

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
        PERFORM import_oracle.analyse_links(job_id);
    END IF;
END
$analyse_units$;

-- The legal unit of each establishment. Known establishments may leave it out: they keep theirs.
CREATE FUNCTION import_oracle.analyse_links(job_id integer)
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
    WHERE h.role = 1 AND NOT h.is_ambiguous AND NOT r.is_skipped AND r.valid_from IS NOT NULL AND NOT l.life @> daterange(r.valid_from, r.valid_until);

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

-- Relationships: both ends must be legal units that exist throughout the period of the row.
CREATE FUNCTION import_oracle.analyse_relationships(job_id integer)
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
    WHERE NOT h.is_ambiguous AND r.valid_from IS NOT NULL AND NOT l.life @> daterange(r.valid_from, r.valid_until);
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
    PERFORM import_oracle.analyse_cycles(job_id);
    PERFORM import_oracle.analyse_shares(job_id);
END
$analyse_relationships$;

-- A warning: circles of ownership exist, but most are mistakes. Relationships of the register count as they are before the
-- job; of any type, for control through ownership is a circle too.
CREATE FUNCTION import_oracle.analyse_cycles(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_cycles$
BEGIN
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    WITH RECURSIVE reached AS (
        SELECT k.influenced_id AS id FROM pg_temp.import_link AS k
        UNION
        SELECT lr.influenced_id FROM reached AS r JOIN register.legal_relationship AS lr ON lr.influencing_id = r.id),
    edge AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY x.row_id, x.relationship_id, x.valid_from)::integer AS place, x.*
        FROM (SELECT k.row_id, NULL::integer AS relationship_id, k.influencing_id, k.influenced_id, k.valid_from, k.valid_until
              FROM pg_temp.import_link AS k
              UNION ALL
              SELECT NULL, lr.id, lr.influencing_id, lr.influenced_id, lr.valid_from, lr.valid_until
              FROM register.legal_relationship AS lr
              WHERE lr.influencing_id IN (SELECT r.id FROM reached AS r)) AS x),
    circle AS MATERIALIZED (
        SELECT e.row_id, f.day, f.path
        FROM (SELECT array_agg(e.influencing_id ORDER BY e.place) AS influencing_ids, array_agg(e.influenced_id ORDER BY e.place) AS influenced_ids,
                     array_agg(e.valid_from ORDER BY e.place) AS valid_from, array_agg(e.valid_until ORDER BY e.place) AS valid_until, count(e.row_id)::integer AS wanted
              FROM edge AS e) AS a
        CROSS JOIN LATERAL import.find_cycles(a.influencing_ids, a.influenced_ids, a.valid_from, a.valid_until, a.wanted) AS f
        JOIN edge AS e ON e.place = f.relationship)
    SELECT c.row_id, 'warning', jsonb_build_object('code', 'ownership_cycle', 'severity', 'warning',
               'details', jsonb_strip_nulls(jsonb_build_object('columns', (SELECT to_jsonb(array_agg(u.name ORDER BY h.role, u.name)) FROM pg_temp.import_hit AS h CROSS JOIN LATERAL unnest(h.columns) AS u (name) WHERE h.row_id = c.row_id),
                   'date', to_char(c.day, 'YYYY-MM-DD'), 'path', w.path, 'rows', w.rows)))
    FROM circle AS c
    LEFT JOIN LATERAL (
        -- Units by the identifier that a row of the file gives, or else by their first one in the register.
        SELECT jsonb_agg(u.ident ORDER BY p.place) || (jsonb_agg(u.ident ORDER BY p.place) -> 0) AS path, jsonb_agg(e.row_id ORDER BY p.place) FILTER (WHERE e.row_id IS NOT NULL) AS rows
        FROM unnest(c.path) WITH ORDINALITY AS p (edge, place)
        JOIN edge AS e ON e.place = p.edge
        CROSS JOIN LATERAL (
            SELECT coalesce(
                (SELECT i.value FROM pg_temp.import_ident AS i WHERE i.row_id = e.row_id AND i.role = 2 ORDER BY i.type_id LIMIT 1),
                (SELECT coalesce(x.ident, x.idents::text) FROM register.external_ident AS x JOIN register.external_ident_type AS t ON t.id = x.type_id
                 WHERE x.legal_unit_id = e.influencing_id ORDER BY t.priority, t.id LIMIT 1),
                'legal_unit ' || e.influencing_id) AS ident) AS u) AS w ON c.path IS NOT NULL;
END
$analyse_cycles$;

-- Shares of one type in one unit that add up to more than 100 per cent on some day. What a row of the file says of a
-- relationship takes the place of what the register says of it.
CREATE FUNCTION import_oracle.analyse_shares(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_shares$
BEGIN
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    WITH link AS MATERIALIZED (
        SELECT k.*, round(import.parse_numeric(s.percentage_raw, j.definition_snapshot #>> '{import_definition,decimal_mark}', j.definition_snapshot #>> '{import_definition,thousands}'), 2) AS percentage
        FROM pg_temp.import_link AS k
        JOIN pg_temp.import_source AS s ON s.row_id = k.row_id
        CROSS JOIN import.job AS j
        WHERE j.id = analyse_shares.job_id),
    share AS (
        -- Rows of one relationship that overlap contradict or repeat each other, which is said elsewhere: one counts.
        (SELECT DISTINCT ON (l.influencing_id, l.influenced_id, l.type_id, l.valid_from) l.influenced_id, l.type_id, l.valid_from, l.valid_until, l.percentage
         FROM link AS l
         WHERE l.percentage BETWEEN 0 AND 100
         ORDER BY l.influencing_id, l.influenced_id, l.type_id, l.valid_from, l.row_id)
        UNION ALL
        SELECT lr.influenced_id, lr.type_id, lower(rest.period), upper(rest.period), lr.percentage
        FROM register.legal_relationship AS lr
        CROSS JOIN LATERAL (SELECT range_agg(daterange(l.valid_from, l.valid_until)) AS periods FROM link AS l
                            WHERE l.influencing_id = lr.influencing_id AND l.influenced_id = lr.influenced_id AND l.type_id = lr.type_id) AS said
        CROSS JOIN LATERAL unnest(datemultirange(lr.valid_range) - coalesce(said.periods, '{}')) AS rest (period)
        WHERE lr.percentage > 0 AND EXISTS (SELECT FROM link AS l WHERE l.influenced_id = lr.influenced_id AND l.type_id = lr.type_id)),
    level AS (
        SELECT e.influenced_id, e.type_id, e.day, lead(e.day) OVER w AS until, sum(sum(e.change)) OVER w AS sum
        FROM (SELECT s.influenced_id, s.type_id, s.valid_from AS day, s.percentage AS change FROM share AS s
              UNION ALL
              SELECT s.influenced_id, s.type_id, s.valid_until, -s.percentage FROM share AS s) AS e
        GROUP BY e.influenced_id, e.type_id, e.day
        WINDOW w AS (PARTITION BY e.influenced_id, e.type_id ORDER BY e.day)),
    full_level AS MATERIALIZED (SELECT l.* FROM level AS l WHERE l.sum > 100),
    first_day AS (
        SELECT DISTINCT ON (k.row_id) k.row_id, f.influenced_id, f.type_id, f.sum, greatest(f.day, k.valid_from) AS day
        FROM full_level AS f
        JOIN link AS k ON k.influenced_id = f.influenced_id AND k.type_id = f.type_id AND k.valid_from < f.until AND f.day < k.valid_until
        WHERE k.percentage > 0
        ORDER BY k.row_id, f.day)
    SELECT d.row_id, 'warning', jsonb_build_object('code', 'percentage_sum', 'severity', 'warning', 'column', 'percentage', 'value', s.percentage_raw,
               'details', jsonb_build_object('date', to_char(d.day, 'YYYY-MM-DD'), 'sum', d.sum, 'rows', to_jsonb(r.rows)))
    FROM first_day AS d
    JOIN pg_temp.import_source AS s ON s.row_id = d.row_id
    JOIN (SELECT x.influenced_id, x.type_id, x.day, (array_agg(DISTINCT k.row_id ORDER BY k.row_id))[:10] AS rows
          FROM (SELECT DISTINCT d.influenced_id, d.type_id, d.day FROM first_day AS d) AS x
          JOIN link AS k ON k.influenced_id = x.influenced_id AND k.type_id = x.type_id AND k.valid_from <= x.day AND x.day < k.valid_until
          GROUP BY x.influenced_id, x.type_id, x.day) AS r ON r.influenced_id = d.influenced_id AND r.type_id = d.type_id AND r.day = d.day;
END
$analyse_shares$;

-- Several rows of one entity: copies, contradictions, gaps; and the batch of each entity.
CREATE FUNCTION import_oracle.analyse_repeats(job_id integer)
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

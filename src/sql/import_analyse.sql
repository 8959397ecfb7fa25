-- Analysis of a job: upload rows become typed rows with findings.
--
-- import.analyse(job_id) is the seam for another engine: upload table and definition snapshot in, the rows of the data
-- table and import.bad_row out. Everything below it is this engine's own.
--
-- Four stages. 1, 2 and 4 are a few set-based statements each; the joins are equality joins, and what is filled is analysed.
--   1. pg_temp.import_source: the rows in file order, trimmed, words for "nothing" made NULL, columns by their names here.
--   2. pg_temp.import_row: per row its period, its entity, the unit it means, its batch; pg_temp.import_note: findings
--      that need more than one row or the register.
--   3. C writes every row of the data table once: cells parsed and judged, codes looked up.
--   4. import.bad_row: the findings, packed per row.
--
-- A bad row stops no other row: the rows of one new entity fail together only when the fault is in what makes them one
-- entity, which is their identifiers.
--
-- Stage 2 is in import_identify.sql, stage 3 in import_cells.sql.

-- The columns of the job's data table, with what fills them. column_name carries _raw when purpose is source_input. What the
-- file is known to lack (import.absent_columns()) is as if the definition did not map it.
CREATE OR REPLACE FUNCTION import.plan_column(definition_snapshot jsonb)
RETURNS TABLE (
    column_name text, purpose text, step_code text, column_type text, target_pg_type text, external_ident_type_id integer,
    ident_label text, stat_definition_id integer, source_column_name text, source_value text, source_expression text, place bigint)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $plan_column$
    SELECT dc ->> 'column_name', dc ->> 'purpose', st ->> 'code', dc ->> 'column_type', dc ->> 'target_pg_type',
           (dc ->> 'external_ident_type_id')::integer, dc ->> 'ident_label', (dc ->> 'stat_definition_id')::integer,
           CASE WHEN definition_snapshot -> 'absent_columns' ? (sc ->> 'column_name') THEN NULL ELSE sc ->> 'column_name' END, m ->> 'source_value', m ->> 'source_expression',
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
                cell := import.ruled_cell_sql(c.source_column_name, rule.words, rule.cut_at, rule.max_characters, rule.alternatives, words, longest, blanks);
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

-- As src/import_reading_sql.c.
CREATE OR REPLACE FUNCTION import.ruled_cell_sql(
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
COMMENT ON FUNCTION import.ruled_cell_sql(text, jsonb, text, integer, jsonb, text[], integer, text) IS
    'SQL text of a cell of a row u of an upload table after other columns have stood in for it, and it was cut and translated';
REVOKE ALL ON FUNCTION import.ruled_cell_sql(text, jsonb, text, integer, jsonb, text[], integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.ruled_cell_sql(text, jsonb, text, integer, jsonb, text[], integer, text) TO authenticated;

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
            import.finding_sql('error', 'value_missing', bound),
            replace(import.finding_sql('error', '@', bound, format('s.%I', bound || '_raw'),
                format('jsonb_build_object(''formats'', to_jsonb(%L::text[]), ''hint'', import.parse_hint(''date'', s.%I))', formats, bound || '_raw')),
                $$'@'$$, format('import.parse_date_error(s.%I, %L)', bound || '_raw', formats)),
            bound, formats,
            import.finding_sql('warning', 'time_dropped', bound, format('s.%I', bound || '_raw')),
            import.finding_sql('info', 'time_dropped', bound, format('s.%I', bound || '_raw')), bound, open_ends);
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
        import.finding_sql('error', 'date_infinite_not_allowed', 'valid_from', 's.valid_from_raw'),
        import.finding_sql('error', 'period_reversed', 'valid_from', 's.valid_from_raw'),
        import.finding_sql('error', 'period_reversed', 'valid_to', 's.valid_to_raw'),
        import.finding_sql('warning', 'date_implausible', 'valid_from', 's.valid_from_raw'),
        import.finding_sql('info', 'open_end_normalised', 'valid_to', 's.valid_to_raw'), formats, unknown_starts, open_ends,
        import.finding_sql('info', 'start_unknown', 'valid_from', 's.valid_from_raw'));

    UPDATE pg_temp.import_row AS r SET valid_from = NULL, valid_to = NULL, valid_until = NULL
    WHERE r.valid_from IS NULL OR r.valid_to IS NULL OR NOT isfinite(r.valid_from) OR r.valid_to < r.valid_from;
    ANALYZE pg_temp.import_row;
END
$analyse_period$;
COMMENT ON FUNCTION import.analyse_period(integer) IS 'Second stage of the analysis, first part: the period of each row';
REVOKE ALL ON FUNCTION import.analyse_period(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_period(integer) TO authenticated;

-- Findings are for reading: no role writes import.bad_row. The job's user may add those of his own job, a superuser of any.
-- DEFINER: findings are written by the analysis and the application of a job, and by nobody else
CREATE OR REPLACE FUNCTION import.store_findings(job_id integer, row_ids bigint[], source_lines bigint[], findings jsonb[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $store_findings$
DECLARE
    caller CONSTANT integer := auth.caller_id();     -- 1: a superuser
BEGIN
    IF caller IS NULL OR NOT EXISTS (SELECT FROM import.job AS j WHERE j.id = store_findings.job_id AND caller IN (j.user_id, 1)) THEN
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

-- In portions of so many pages, read in the order in which the third stage wrote them.
CREATE OR REPLACE FUNCTION import.keep_findings(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $keep_findings$
DECLARE
    pages CONSTANT bigint := pg_relation_size('pg_temp.import_bad') / current_setting('block_size')::integer;
    portion CONSTANT integer := 1000;
BEGIN
    FOR page IN 0 .. pages - 1 BY portion LOOP
        PERFORM import.store_findings(keep_findings.job_id, array_agg(b.row_id), array_agg(nullif(b.source_line, 0)), array_agg(b.findings))
        FROM pg_temp.import_bad AS b
        WHERE b.ctid >= format('(%s,0)', page)::tid AND b.ctid < format('(%s,0)', page + portion)::tid
        HAVING count(*) > 0;
    END LOOP;
END
$keep_findings$;
COMMENT ON FUNCTION import.keep_findings(integer) IS 'Fourth stage of the analysis: the findings of a job, kept for its readers';
REVOKE ALL ON FUNCTION import.keep_findings(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.keep_findings(integer) TO authenticated;

-- A full table is indexed at a third of what it costs to index its rows one by one. No primary key: to add one would keep
-- readers of the table away. Plans need to know of columns that
-- are joined and chosen by, not of eighty others. Tables of jobs from before 0.4.0 have their indexes already.
CREATE OR REPLACE FUNCTION import.index_data(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET maintenance_work_mem = '16MB'
SET max_parallel_maintenance_workers = 0
SET default_statistics_target = 10
AS $index_data$
DECLARE
    data_table text;
    counted text;
BEGIN
    SELECT j.data_table_name INTO STRICT data_table FROM import.job AS j WHERE j.id = index_data.job_id;
    IF NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = format('import.%I', data_table)::regclass AND i.indisunique) THEN
        EXECUTE format('CREATE UNIQUE INDEX ON import.%I (row_id)', data_table);
        EXECUTE format('CREATE INDEX ON import.%I (batch_seq) WHERE batch_seq IS NOT NULL', data_table);
        -- What is still to be applied, which becomes less and less.
        EXECUTE format('CREATE INDEX ON import.%I (batch_seq) WHERE state = ''analysed'' AND action = ''use''', data_table);
    END IF;
    SELECT string_agg(quote_ident(a.attname), ', ') INTO counted
    FROM pg_attribute AS a
    WHERE a.attrelid = format('import.%I', data_table)::regclass
    AND a.attname = ANY ('{row_id,founding_row_id,operation,action,state,batch_seq}'::text[]);
    EXECUTE format('ANALYZE import.%I (%s)', data_table, counted);
END
$index_data$;
COMMENT ON FUNCTION import.index_data(integer) IS 'Last stage of the analysis: indexes and statistics of the data table, for its owner';
REVOKE ALL ON FUNCTION import.index_data(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.index_data(integer) TO authenticated;

-- The whole of a file of units in C: as import.analyse(), without its temporary tables. No rights but the caller's, who must
-- be the job's user, or a superuser, and may write the data table.
CREATE OR REPLACE FUNCTION import.analyse_file(job_id integer)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS 'MODULE_PATHNAME', 'statbus_import_analyse_file';
COMMENT ON FUNCTION import.analyse_file(integer) IS 'Analyses the upload of a job of units: the file read twice, each row of the data table and its findings written once';
REVOKE ALL ON FUNCTION import.analyse_file(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_file(integer) TO authenticated;

-- The same for relationships, as the stages in SQL do it.
CREATE OR REPLACE FUNCTION import.analyse_by_stages(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_by_stages$
BEGIN
    PERFORM import.analyse_source(job_id);
    PERFORM import.analyse_period(job_id);
    -- Nobody knows which cell of a broken record is which.
    UPDATE pg_temp.import_row AS r SET is_skipped = true, is_refused = true
    FROM pg_temp.import_read AS f
    WHERE f.row_id = r.row_id AND f.finding ->> 'code' IN ('row_too_short', 'row_too_long', 'quote_unclosed', 'record_too_long');
    DELETE FROM pg_temp.import_note AS n USING pg_temp.import_row AS r WHERE r.row_id = n.row_id AND r.is_skipped;
    PERFORM import.analyse_identifiers(job_id);
    DELETE FROM pg_temp.import_ident AS i USING pg_temp.import_row AS r WHERE r.row_id = i.row_id AND r.is_refused;
    INSERT INTO pg_temp.import_note (row_id, severity, finding) SELECT f.row_id, f.severity, f.finding FROM pg_temp.import_read AS f;
    PERFORM import.analyse_relationships(job_id);
    PERFORM import.analyse_repeats(job_id);
    PERFORM import.analyse_cells(job_id);
    PERFORM import.keep_findings(job_id);
    PERFORM import.drop_temporary('import_source', 'import_read', 'import_row', 'import_note', 'import_bad', 'import_ident', 'import_key', 'import_life',
                                  'import_hit', 'import_edge', 'import_entity', 'import_unit', 'import_link', 'import_repeat');
END
$analyse_by_stages$;
COMMENT ON FUNCTION import.analyse_by_stages(integer) IS 'Analyses the upload of a job of relationships';
REVOKE ALL ON FUNCTION import.analyse_by_stages(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_by_stages(integer) TO authenticated;

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
    IF mode = 'legal_relationship' THEN
        PERFORM import.analyse_by_stages(job_id);
    ELSE
        PERFORM import.analyse_file(job_id);
    END IF;
    IF pg_has_role(current_user, (SELECT c.relowner FROM pg_class AS c WHERE c.oid = format('import.%I', data_table)::regclass), 'MEMBER') THEN
        PERFORM import.index_data(job_id);
    END IF;
    PERFORM import.analyse_plausibility(job_id);
END
$analyse$;
COMMENT ON FUNCTION import.analyse(integer) IS 'Analyses the upload of a job: fills its data table and the findings';
REVOKE ALL ON FUNCTION import.analyse(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse(integer) TO authenticated;

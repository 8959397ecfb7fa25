-- What there is to say about a job, as people and programs read it: the file itself with its errors, a summary in words, and
-- one result per finding for other programs. Everything is read with the rights of the caller: findings are seen by the
-- job's user and by administrators, the file as it came by its user alone.

-- The job of this name. Its rows are not for everybody who sees that there is such a job.
CREATE OR REPLACE FUNCTION import.job_of_reader(job_slug text)
RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $job_of_reader$
DECLARE
    found_id integer;
    data_table text;
BEGIN
    SELECT j.id, format('import.%I', j.data_table_name) INTO found_id, data_table FROM import.job AS j WHERE j.slug = job_slug;
    IF NOT FOUND OR to_regclass(data_table) IS NULL THEN
        RAISE EXCEPTION 'there is no import job "%"', job_slug USING ERRCODE = 'PT404';
    END IF;
    IF NOT has_table_privilege(data_table, 'SELECT') THEN
        RAISE EXCEPTION 'permission denied to read import job "%"', job_slug
            USING ERRCODE = 'insufficient_privilege', HINT = 'Its user and administrators may.';
    END IF;
    RETURN found_id;
END
$job_of_reader$;
COMMENT ON FUNCTION import.job_of_reader(text) IS 'Internal: the job of this name, if the caller may read its rows';
REVOKE ALL ON FUNCTION import.job_of_reader(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.job_of_reader(text) TO authenticated;

-- Words ---------------------------------------------------------------------------------------------------------------

-- What the templates of a code are filled with. A list is read as words with commas between them.
CREATE OR REPLACE FUNCTION import.finding_given(details jsonb, column_name text, value text)
RETURNS jsonb
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_import_finding_given';
COMMENT ON FUNCTION import.finding_given(jsonb, text, text) IS 'The details of a finding with its column and value, as they are put into its message and its hint';
REVOKE ALL ON FUNCTION import.finding_given(jsonb, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.finding_given(jsonb, text, text) TO authenticated;

-- What to do about a finding. A template that asks for what the finding does not have says nothing; what the finding itself
-- proposes is said in any case, and a suggestion also where the template does not speak of it.
CREATE OR REPLACE FUNCTION import.finding_hint(template text, given jsonb)
RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_import_finding_hint';
COMMENT ON FUNCTION import.finding_hint(text, jsonb) IS 'What to do about a finding, by the hint of its code and its details; NULL when there is nothing to say';
REVOKE ALL ON FUNCTION import.finding_hint(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.finding_hint(text, jsonb) TO authenticated;

-- A finding in words: message and what to do about it.
CREATE OR REPLACE FUNCTION import.finding_text(finding jsonb, message text, hint text)
RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_import_finding_text';
COMMENT ON FUNCTION import.finding_text(jsonb, text, text) IS 'A finding of import.bad_row in words, by message and hint of its code';
REVOKE ALL ON FUNCTION import.finding_text(jsonb, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.finding_text(jsonb, text, text) TO authenticated;

-- The file with its errors --------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION import.csv_record(fields text[], delimiter text, neutralise boolean)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_import_csv_record';
COMMENT ON FUNCTION import.csv_record(text[], text, boolean) IS
    'A line of a CSV file without its end; neutralise: an apostrophe before what a spreadsheet would compute, which the reader of reports takes away again';
REVOKE ALL ON FUNCTION import.csv_record(text[], text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.csv_record(text[], text, boolean) TO authenticated;

-- The columns that the file of a job has, and their headings in it. Of a file that came in chunks it is known which there
-- were, in which order; of one that came by COPY, those count in which there is a value.
CREATE OR REPLACE FUNCTION import.report_columns(job_id integer)
RETURNS TABLE (column_name text, heading text, place bigint)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $report_columns$
DECLARE
    job record;
    headings text[];
    filled jsonb;
BEGIN
    SELECT j.definition_snapshot AS snapshot, j.definition_snapshot -> 'import_source_column_list' AS columns, j.upload_table_name INTO STRICT job
    FROM import.job AS j WHERE j.id = report_columns.job_id;
    SELECT u.headings INTO headings FROM import.upload AS u WHERE u.job_id = report_columns.job_id AND u.finished_at IS NOT NULL;
    IF headings IS NOT NULL THEN
        RETURN QUERY SELECT h.column_name, h.heading, h.place FROM import.heading_matches(headings, job.snapshot) AS h WHERE h.column_name IS NOT NULL ORDER BY h.place;
        RETURN;
    END IF;
    EXECUTE format('SELECT jsonb_object(ARRAY[%s], ARRAY[%s]::text[]) FROM import.%I AS u',
        (SELECT string_agg(quote_literal(h ->> 'column_name'), ', ') FROM jsonb_array_elements(job.columns) AS h),
        (SELECT string_agg(format('count(nullif(u.%I, ''''))', h ->> 'column_name'), ', ') FROM jsonb_array_elements(job.columns) AS h),
        job.upload_table_name)
    INTO filled;
    RETURN QUERY
        SELECT h.entry ->> 'column_name', h.entry ->> 'column_name', h.place
        FROM jsonb_array_elements(job.columns) WITH ORDINALITY AS h (entry, place)
        WHERE filled ->> (h.entry ->> 'column_name') <> '0'
        ORDER BY h.place;
END
$report_columns$;
COMMENT ON FUNCTION import.report_columns(integer) IS 'The columns of the file of an import job and their headings in it, in its order if that is known';
REVOKE ALL ON FUNCTION import.report_columns(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.report_columns(integer) TO authenticated;

CREATE OR REPLACE FUNCTION import.report_lines(job_slug text, which text DEFAULT 'all', delimiter text DEFAULT ',')
RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $report_lines$
DECLARE
    this_job CONSTANT integer := import.job_of_reader(job_slug);
    is_read CONSTANT boolean := EXISTS (SELECT FROM import.upload AS u WHERE u.job_id = this_job AND u.finished_at IS NOT NULL);
    upload_table text;
    columns text[];
    headings text[];
    place text;
BEGIN
    IF which IS NULL OR which NOT IN ('all', 'findings', 'errors') THEN
        RAISE EXCEPTION 'rows of a report are "all", "findings" or "errors", not "%"', which USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT j.upload_table_name INTO STRICT upload_table FROM import.job AS j WHERE j.id = this_job;
    SELECT coalesce(array_agg(format('u.%I', c.column_name) ORDER BY c.place), '{}'), coalesce(array_agg(c.heading ORDER BY c.place), '{}')
    INTO columns, headings FROM import.report_columns(this_job) AS c;
    place := CASE
        WHEN is_read THEN 'u."statbus:line"'
        WHEN EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = format('import.%I', upload_table)::regclass AND a.attname = 'statbus:place' AND NOT a.attisdropped)
            THEN 'u."statbus:place"'
        ELSE 'u.ctid' END;
    RETURN NEXT import.csv_record(headings || '{errors,warnings,source_line}', delimiter, true);
    RETURN QUERY EXECUTE format($sql$
        WITH said AS MATERIALIZED (
            SELECT b.row_id, w.errors, w.warnings
            FROM import.bad_row AS b
            CROSS JOIN LATERAL (
                SELECT string_agg(x.words, '; ' ORDER BY f.place) FILTER (WHERE x.severity = 'error') AS errors,
                       string_agg(x.words, '; ' ORDER BY f.place) FILTER (WHERE x.severity = 'warning') AS warnings
                FROM jsonb_array_elements(b.findings) WITH ORDINALITY AS f (finding, place)
                LEFT JOIN import.finding_code AS c ON c.code = f.finding ->> 'code'
                CROSS JOIN LATERAL (SELECT coalesce(f.finding ->> 'severity', c.severity) AS severity, import.finding_text(f.finding, c.message, c.hint) AS words OFFSET 0) AS x
            ) AS w
            WHERE b.job_id = $1 AND b.row_id > 0)
        SELECT import.csv_record(r.cells || ARRAY[s.errors, s.warnings, r.line::text], $2, true)
        FROM (SELECT row_number() OVER (ORDER BY %1$s) AS row_id, %2$s AS line, ARRAY[%3$s]::text[] AS cells FROM import.%4$I AS u OFFSET 0) AS r
        %5$s JOIN said AS s ON s.row_id = r.row_id%6$s
        ORDER BY r.row_id$sql$,
        place, CASE WHEN is_read THEN 'u."statbus:line"' ELSE format('1 + row_number() OVER (ORDER BY %s)', place) END,
        array_to_string(columns, ', '), upload_table,
        CASE which WHEN 'all' THEN 'LEFT' ELSE '' END,
        CASE which WHEN 'findings' THEN ' AND num_nonnulls(s.errors, s.warnings) > 0' WHEN 'errors' THEN ' AND s.errors IS NOT NULL' ELSE '' END)
    USING this_job, delimiter;
END
$report_lines$;
COMMENT ON FUNCTION import.report_lines(text, text, text) IS
    'The file of an import job, line by line, with columns errors, warnings and source_line at the end; all rows, those with findings, or those with errors.  It can be uploaded as it is';
REVOKE ALL ON FUNCTION import.report_lines(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.report_lines(text, text, text) TO authenticated;

-- For other programs --------------------------------------------------------------------------------------------------

-- One result per finding, with the members of a ValidatReport of the European Statistical System. A report lists checks that
-- did not pass: value is "0".
CREATE OR REPLACE FUNCTION import.report_results(job_slug text)
RETURNS SETOF json
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $report_results$
DECLARE
    this_job CONSTANT integer := import.job_of_reader(job_slug);
    slug text;
    event json;
    source json;
BEGIN
    SELECT j.slug,
           json_build_object(
               'time', to_char(coalesce(j.analysis_stop_at, j.updated_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
               'actor', (SELECT coalesce(u.email::text, u.display_name) FROM auth."user" AS u WHERE u.id = j.user_id),
               'agent', 'statbus ' || (SELECT e.extversion FROM pg_extension AS e WHERE e.extname = 'statbus'),
               'trigger', 'import job ' || j.slug),
           json_build_array(j.slug, j.definition_snapshot #>> '{import_definition,slug}')
    INTO STRICT slug, event, source
    FROM import.job AS j WHERE j.id = this_job;
    RETURN QUERY
        SELECT json_build_object(
            'id', concat_ws('-', slug, b.row_id, f.place),
            'event', event,
            'rule', json_build_object(
                'language', 'statbus',
                'expression', coalesce(f.finding #>> '{details,rule}', f.finding ->> 'code'),
                'severity', CASE x.severity WHEN 'info' THEN 'information' ELSE x.severity END,
                'description', import.finding_text(f.finding, c.message, c.hint),
                'status', 'active'),
            'data', json_build_object(
                'source', source,
                'target', array_remove(ARRAY['line ' || b.source_line, f.finding ->> 'column'], NULL),
                'description', f.finding ->> 'value'),
            'value', '0')
        FROM import.bad_row AS b
        CROSS JOIN LATERAL jsonb_array_elements(b.findings) WITH ORDINALITY AS f (finding, place)
        LEFT JOIN import.finding_code AS c ON c.code = f.finding ->> 'code'
        CROSS JOIN LATERAL (SELECT coalesce(f.finding ->> 'severity', c.severity) AS severity) AS x
        WHERE b.job_id = this_job
        ORDER BY b.row_id, f.place;
END
$report_results$;
COMMENT ON FUNCTION import.report_results(text) IS 'The findings of an import job as results of a ValidatReport: {id, event, rule, data, value}';
REVOKE ALL ON FUNCTION import.report_results(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.report_results(text) TO authenticated;

-- For people ----------------------------------------------------------------------------------------------------------

-- One row per code and column, in words: import.finding_summary() counts them.
CREATE OR REPLACE FUNCTION import.report_groups(job_id integer)
RETURNS TABLE (severity text, column_name text, code text, row_count bigint, message text, hint text, lines text, top text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $report_groups$
    WITH counted AS MATERIALIZED (
        SELECT s.*, s.finding_count = 1 OR s.distinct_values = 1 AS is_one FROM import.finding_summary(report_groups.job_id) AS s
    ), suggested AS MATERIALIZED (
        SELECT f ->> 'code' AS code, f ->> 'column' AS column_name, f ->> 'value' AS value, min(f #>> '{details,suggestion}') AS suggestion
        FROM import.bad_row AS b
        CROSS JOIN LATERAL jsonb_array_elements(b.findings) AS f
        WHERE b.job_id = report_groups.job_id AND f #>> '{details,suggestion}' IS NOT NULL
        GROUP BY 1, 2, 3
    )
    SELECT s.severity, s.column_name, s.code, s.row_count,
           -- What differs from row to row stands as "…".
           CASE WHEN s.is_one THEN coalesce(statbus.render_template(c.message, g.given), s.code)
                ELSE coalesce(regexp_replace(statbus.render_template(c.message, jsonb_build_object('column', s.column_name)), '\{[a-z_0-9]+\}', '…', 'g'), s.code) END,
           import.finding_hint(c.hint, CASE WHEN s.is_one THEN g.given ELSE jsonb_build_object('column', s.column_name) END),
           nullif(array_to_string(s.first_lines, ', '), '') || CASE WHEN s.row_count > 10 THEN ', …' ELSE '' END,
           t.shown || CASE WHEN s.distinct_values > 5 THEN format(' and %s others', s.distinct_values - 5) ELSE '' END
    FROM counted AS s
    LEFT JOIN import.finding_code AS c ON c.code = s.code
    LEFT JOIN LATERAL (
        SELECT f.finding
        FROM import.bad_row AS b
        CROSS JOIN LATERAL jsonb_array_elements(b.findings) AS f (finding)
        WHERE b.job_id = report_groups.job_id AND b.row_id = s.first_rows[1] AND f.finding ->> 'code' = s.code AND f.finding ->> 'column' IS NOT DISTINCT FROM s.column_name
        LIMIT 1) AS x ON true
    CROSS JOIN LATERAL (SELECT import.finding_given(x.finding -> 'details', s.column_name, x.finding ->> 'value') AS given) AS g
    LEFT JOIN LATERAL (
        SELECT string_agg(concat('"', left(regexp_replace(v.entry ->> 'value', '[[:cntrl:]]+', ' ', 'g'), 60), '"',
                                 CASE WHEN (v.entry ->> 'count')::bigint > 1 THEN ' ×' || (v.entry ->> 'count') END, ' → "' || y.suggestion || '"'), ', ' ORDER BY v.place) AS shown
        FROM jsonb_array_elements(s.top_values) WITH ORDINALITY AS v (entry, place)
        LEFT JOIN suggested AS y ON y.code = s.code AND y.column_name IS NOT DISTINCT FROM s.column_name AND y.value = v.entry ->> 'value'
        WHERE v.place <= 5) AS t ON true
$report_groups$;
COMMENT ON FUNCTION import.report_groups(integer) IS 'The findings of an import job by code and column: how many, in words, on which lines first, and the values that occur most';
REVOKE ALL ON FUNCTION import.report_groups(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.report_groups(integer) TO authenticated;

CREATE OR REPLACE FUNCTION import.report_text(job_slug text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $report_text$
DECLARE
    this_job CONSTANT integer := import.job_of_reader(job_slug);
    head text;
    body text;
BEGIN
    SELECT concat_ws(E'\n',
        format('Import job %s: %s', j.slug, replace(j.state::text, '_', ' ')) || coalesce(' — ' || j.error, ''),
        format('%s rows by definition %s', coalesce(j.total_rows::text, 'no'), j.definition_snapshot #>> '{import_definition,slug}')
            || CASE WHEN j.default_valid_from IS NULL THEN ''
                    ELSE format(', for %s to %s', to_char(j.default_valid_from, 'YYYY-MM-DD'),
                                CASE WHEN isfinite(j.default_valid_to) THEN to_char(j.default_valid_to, 'YYYY-MM-DD') ELSE 'infinity' END) END,
        format('%s imported, %s unchanged, %s skipped, %s with errors%s', j.imported_rows, j.unchanged_rows, j.skipped_rows, j.error_count,
               CASE WHEN j.warning_count > 0 THEN format('; %s of the others with warnings', j.warning_count) ELSE '' END))
    INTO STRICT head FROM import.job AS j WHERE j.id = this_job;

    SELECT string_agg(s.section || s.items, '' ORDER BY s.place) INTO body
    FROM (
        SELECT array_position('{error,warning,info}', g.severity) AS place,
               E'\n\n' || CASE g.severity WHEN 'error' THEN 'Errors: these rows are not imported' WHEN 'warning' THEN 'Warnings: the value is left out or doubtful'
                                          ELSE 'For information' END AS section,
               string_agg(format(E'\n%s  %s', lpad(g.row_count::text, 8), g.message)
                          || coalesce(E'\n          ' || g.hint, '')
                          || coalesce(E'\n          lines  ' || g.lines, '')
                          || coalesce(E'\n          values ' || g.top, ''), '' ORDER BY g.row_count DESC, g.code COLLATE "C", g.column_name COLLATE "C") AS items
        FROM import.report_groups(this_job) AS g
        GROUP BY g.severity) AS s;
    RETURN head || coalesce(body, E'\n\nNothing was found.') || E'\n';
END
$report_text$;
COMMENT ON FUNCTION import.report_text(text) IS 'What came of an import job and what there is to say about its rows, for people';
REVOKE ALL ON FUNCTION import.report_text(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.report_text(text) TO authenticated;

-- What stewards declare of files: rules about rows, severities of findings, limits of errors; and the findings of a job, counted.
--
-- Rules are compiled and judged in C (src/import_rule*.c), and never become SQL. The same compiler refuses one here.

-- The columns that rules of a definition may name, and what they hold; NULL: of any definition.
CREATE OR REPLACE FUNCTION import.rule_scope(definition_id integer, OUT names text[], OUT kinds text[])
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $rule_scope$
    SELECT coalesce(array_agg(c.name ORDER BY c.name), '{}'), coalesce(array_agg(c.kind ORDER BY c.name), '{}')
    FROM (SELECT DISTINCT ON (n.name) n.name, c.kind
          FROM import.definition AS d
          CROSS JOIN LATERAL import.cell_columns(import.definition_snapshot(d.id)) AS c
          CROSS JOIN LATERAL (SELECT left(c.column_name, -4)) AS n (name)
          WHERE d.id = rule_scope.definition_id OR rule_scope.definition_id IS NULL
          ORDER BY n.name, d.id) AS c
$rule_scope$;
COMMENT ON FUNCTION import.rule_scope(integer) IS 'The columns that rules of a definition may name, and what they hold; of all definitions without one';
REVOKE ALL ON FUNCTION import.rule_scope(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.rule_scope(integer) TO authenticated;

CREATE OR REPLACE FUNCTION import.rule_columns(expression text, names text[], kinds text[])
RETURNS text[]
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_import_rule_columns';
COMMENT ON FUNCTION import.rule_columns(text, text[], text[]) IS
    'The columns that a rule names, in its order; kinds as in import.cell_columns(). A fault of syntax, name or type is an error with its place';
REVOKE ALL ON FUNCTION import.rule_columns(text, text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.rule_columns(text, text[], text[]) TO authenticated;

CREATE OR REPLACE FUNCTION import.rule_error(expression text, names text[], kinds text[])
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_import_rule_error';
COMMENT ON FUNCTION import.rule_error(text, text[], text[]) IS 'What is wrong with a rule; NULL: nothing';
REVOKE ALL ON FUNCTION import.rule_error(text, text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.rule_error(text, text[], text[]) TO authenticated;

CREATE OR REPLACE FUNCTION import.rule_value(expression text, names text[], kinds text[], cells text[])
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_import_rule_value';
COMMENT ON FUNCTION import.rule_value(text, text[], text[], text[]) IS
    'What a rule says of a row, of which cells are the columns: dates as YYYY-MM-DD, numbers with a decimal point; NULL: it cannot be said, which breaks no rule';
REVOKE ALL ON FUNCTION import.rule_value(text, text[], text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.rule_value(text, text[], text[], text[]) TO authenticated;

CREATE OR REPLACE FUNCTION import.rule_validate()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $rule_validate$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        NEW.updated_at := statement_timestamp();
    END IF;
    -- The order of its columns is of no interest here: what is wrong is raised.
    PERFORM import.rule_columns(NEW.expression, s.names, s.kinds) FROM import.rule_scope(NEW.definition_id) AS s;
    RETURN NEW;
END
$rule_validate$;
COMMENT ON FUNCTION import.rule_validate() IS 'Trigger: a rule is refused when it cannot be compiled for its definition';
REVOKE ALL ON FUNCTION import.rule_validate() FROM PUBLIC;

CREATE OR REPLACE FUNCTION import.severity_validate()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $severity_validate$
BEGIN
    IF EXISTS (SELECT FROM import.finding_code AS c WHERE c.code = NEW.code AND NOT c.can_change AND c.severity <> NEW.severity) THEN
        RAISE EXCEPTION 'the severity of finding "%" cannot change', NEW.code
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA, COLUMN = 'code',
                  DETAIL = 'The register would refuse the row all the same, or other rows hang on it.',
                  HINT = 'SELECT code FROM api.import_finding_code WHERE can_change.';
    END IF;
    RETURN NEW;
END
$severity_validate$;
COMMENT ON FUNCTION import.severity_validate() IS 'Trigger: a definition changes the severity of such codes only of which it may';
REVOKE ALL ON FUNCTION import.severity_validate() FROM PUBLIC;

-- Part of the snapshot of a job (import_job.sql).
CREATE OR REPLACE FUNCTION import.rule_snapshot(definition_id integer)
RETURNS jsonb
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $rule_snapshot$
    SELECT jsonb_build_object(
        'import_rule_list', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('name', r.name, 'expression', r.expression, 'severity', r.severity, 'message', r.message)
                                      ORDER BY r.definition_id NULLS FIRST, r.id), '[]')
            FROM import.rule AS r
            WHERE r.enabled
            AND (r.definition_id = rule_snapshot.definition_id OR r.definition_id IS NULL)),
        'import_severity_list', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('code', s.code, 'severity', s.severity) ORDER BY s.code), '[]')
            FROM import.definition_severity AS s
            WHERE s.definition_id = rule_snapshot.definition_id))
$rule_snapshot$;
COMMENT ON FUNCTION import.rule_snapshot(integer) IS 'The rules and severities of a definition as they are now';
REVOKE ALL ON FUNCTION import.rule_snapshot(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.rule_snapshot(integer) TO authenticated;

-- After the analysis ---------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION import.note_rules(job_id integer)
RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $note_rules$
    SELECT import.store_findings(note_rules.job_id, '{0}', ARRAY[NULL::bigint], ARRAY[jsonb_agg(
               jsonb_build_object('code', 'rule_skipped', 'severity', 'info', 'details', jsonb_build_object('rule', s.name, 'reason', s.reason)) ORDER BY s.place)])
    FROM (SELECT r.rule ->> 'name' AS name, r.place, import.rule_error(r.rule ->> 'expression', c.names, c.kinds) AS reason
          FROM import.job AS j
          CROSS JOIN LATERAL (SELECT array_agg(left(c.column_name, -4) ORDER BY c.place) AS names, array_agg(c.kind ORDER BY c.place) AS kinds
                              FROM import.cell_columns(j.definition_snapshot) AS c) AS c
          CROSS JOIN LATERAL jsonb_array_elements(j.definition_snapshot -> 'import_rule_list') WITH ORDINALITY AS r (rule, place)
          WHERE j.id = note_rules.job_id) AS s
    WHERE s.reason IS NOT NULL
    HAVING count(*) > 0
$note_rules$;
COMMENT ON FUNCTION import.note_rules(integer) IS 'Says of the file of a job which rules could not be judged; internal';
REVOKE ALL ON FUNCTION import.note_rules(integer) FROM PUBLIC;

-- Of a column with dates that can be read in two of the declared formats: when its other dates are right as one of these formats alone,
-- that will be the one. Declaring several formats is rare, and then a file with such dates.
CREATE OR REPLACE FUNCTION import.note_dates(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $note_dates$
DECLARE
    job record;
    c record;
    found jsonb;
BEGIN
    SELECT j.data_table_name, j.definition_snapshot AS snapshot,
           ARRAY(SELECT jsonb_array_elements_text(j.definition_snapshot #> '{import_definition,date_formats}')) AS formats,
           j.definition_snapshot #>> '{import_definition,valid_time_from}' = 'source_columns' AS has_periods
    INTO STRICT job FROM import.job AS j WHERE j.id = note_dates.job_id;
    IF cardinality(job.formats) < 2 THEN
        RETURN;
    END IF;
    FOR c IN
        SELECT p.column_name, left(p.column_name, -4) AS name
        FROM import.plan_column(job.snapshot) AS p
        WHERE p.purpose = 'source_input' AND p.source_column_name IS NOT NULL
        AND (p.column_name IN ('birth_date_raw', 'death_date_raw') OR job.has_periods AND p.column_name IN ('valid_from_raw', 'valid_to_raw'))
        ORDER BY p.place
    LOOP
        EXECUTE format($sql$
            WITH value AS (
                SELECT d.%1$I AS cell, count(*) AS n, count(*) FILTER (WHERE d.errors ->> %2$L = 'date_ambiguous') AS ambiguous
                FROM import.%3$I AS d WHERE d.%1$I IS NOT NULL GROUP BY d.%1$I),
            candidate AS (
                SELECT f.format FROM unnest($1) AS f (format)
                WHERE EXISTS (SELECT FROM value AS v WHERE v.ambiguous > 0 AND import.parse_date(v.cell, ARRAY[f.format]) IS NOT NULL)),
            judged AS (
                SELECT min(c.format) AS format, v.n
                FROM value AS v CROSS JOIN candidate AS c
                WHERE import.parse_date(v.cell, ARRAY[c.format]) IS NOT NULL
                GROUP BY v.cell, v.n
                HAVING count(*) = 1)
            SELECT jsonb_build_array(jsonb_build_object('code', 'date_format_likely', 'severity', 'info', 'column', %4$L, 'details', jsonb_build_object(
                       'ambiguous', (SELECT sum(v.ambiguous) FROM value AS v), 'rows', sum(j.n), 'format', min(j.format))))
            FROM judged AS j
            HAVING count(DISTINCT j.format) = 1$sql$, c.column_name, c.column_name, job.data_table_name, c.name)
        INTO found USING job.formats;
        IF found IS NOT NULL THEN
            PERFORM import.store_findings(job_id, '{0}', ARRAY[NULL::bigint], ARRAY[found]);
        END IF;
    END LOOP;
END
$note_dates$;
COMMENT ON FUNCTION import.note_dates(integer) IS 'Says of the file of a job which format its dates have that can be read in two ways; internal';
REVOKE ALL ON FUNCTION import.note_dates(integer) FROM PUBLIC;

-- The narrowest limit decides; each is that of the job, else that of its definition as it was.
CREATE OR REPLACE FUNCTION import.too_many_errors(job_id integer, errors bigint, total bigint)
RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $too_many_errors$
DECLARE
    allowed bigint;
BEGIN
    SELECT least(coalesce(j.max_errors, (d.definition ->> 'max_errors')::bigint),
                 floor(coalesce(j.max_error_ratio, (d.definition ->> 'max_error_ratio')::numeric) * total)::bigint,
                 CASE WHEN coalesce(j.on_error, d.definition ->> 'on_error') = 'import_nothing' THEN 0 END)
    INTO STRICT allowed
    FROM import.job AS j
    CROSS JOIN LATERAL (SELECT j.definition_snapshot -> 'import_definition') AS d (definition)
    WHERE j.id = too_many_errors.job_id;
    IF allowed IS NULL OR errors <= allowed THEN
        RETURN false;
    END IF;
    PERFORM import.store_findings(too_many_errors.job_id, '{0}', ARRAY[NULL::bigint], ARRAY[jsonb_build_array(jsonb_build_object(
        'code', 'too_many_errors', 'severity', 'error', 'details', jsonb_build_object('errors', errors, 'rows', total, 'limit', allowed)))]);
    RETURN true;
END
$too_many_errors$;
COMMENT ON FUNCTION import.too_many_errors(integer, bigint, bigint) IS
    'Whether a job has more rows with errors than it may have, of which a finding of the file is left; internal';
REVOKE ALL ON FUNCTION import.too_many_errors(integer, bigint, bigint) FROM PUBLIC;

-- The findings of a job, counted -----------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION import.finding_summary(job_id integer)
RETURNS TABLE (
    code text, column_name text, severity text, finding_count bigint, row_count bigint, first_rows bigint[], first_lines bigint[],
    distinct_values bigint, top_values jsonb)
LANGUAGE c STABLE STRICT PARALLEL UNSAFE COST 10000 ROWS 20
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'statbus_import_finding_summary';
COMMENT ON FUNCTION import.finding_summary(integer) IS
    'The findings of a job that the caller may see, one row per code, column and severity: how many, in how many rows, the first ten rows and lines, how many different values, and the twenty most frequent';
REVOKE ALL ON FUNCTION import.finding_summary(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.finding_summary(integer) TO authenticated;

-- Definitions 61: rules, severities and limits of imports, and the findings of a job counted.

CREATE OR REPLACE TRIGGER rule_validate BEFORE INSERT OR UPDATE ON import.rule
    FOR EACH ROW EXECUTE FUNCTION import.rule_validate();
CREATE OR REPLACE TRIGGER severity_validate BEFORE INSERT OR UPDATE ON import.definition_severity
    FOR EACH ROW EXECUTE FUNCTION import.severity_validate();

CREATE OR REPLACE FUNCTION api.import_finding_summary(job text)
RETURNS TABLE (
    code text, column_name text, severity text, message text, hint text, finding_count bigint, row_count bigint, every_row boolean,
    first_rows bigint[], first_lines bigint[], distinct_values bigint, top_values jsonb)
LANGUAGE sql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $import_finding_summary$
    SELECT s.code, s.column_name, coalesce(s.severity, c.severity), c.message, c.hint, s.finding_count, s.row_count, s.row_count = j.total_rows,
           s.first_rows, s.first_lines, s.distinct_values, s.top_values
    FROM import.job AS j
    CROSS JOIN LATERAL import.finding_summary(j.id) AS s
    LEFT JOIN import.finding_code AS c ON c.code = s.code
    WHERE j.slug = import_finding_summary.job
    ORDER BY CASE coalesce(s.severity, c.severity) WHEN 'error' THEN 1 WHEN 'warning' THEN 2 ELSE 3 END, s.row_count DESC, s.code COLLATE "C", s.column_name COLLATE "C"
$import_finding_summary$;
COMMENT ON FUNCTION api.import_finding_summary(text) IS
    'The findings of an import job, one row per code and column: how many, in which rows first, and the most frequent values; errors come first. message and hint are templates';
REVOKE ALL ON FUNCTION api.import_finding_summary(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.import_finding_summary(text) TO authenticated;

CREATE OR REPLACE FUNCTION api.import_rule_try(definition text, expression text, "row" jsonb)
RETURNS boolean
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $import_rule_try$
DECLARE
    scope record;
    unknown text;
BEGIN
    SELECT s.names, s.kinds INTO scope
    FROM import.definition AS d CROSS JOIN LATERAL import.rule_scope(d.id) AS s
    WHERE d.slug = import_rule_try.definition;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'import definition "%" does not exist', definition USING ERRCODE = 'no_data_found';
    END IF;
    SELECT min(k.key) INTO unknown FROM jsonb_object_keys("row") AS k (key) WHERE k.key <> ALL (scope.names);
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION 'import definition "%" has no column "%"', definition, unknown USING ERRCODE = 'undefined_column';
    END IF;
    RETURN import.rule_value(expression, scope.names, scope.kinds,
                             ARRAY(SELECT "row" ->> n.name FROM unnest(scope.names) WITH ORDINALITY AS n (name, place) ORDER BY n.place));
END
$import_rule_try$;
COMMENT ON FUNCTION api.import_rule_try(text, text, jsonb) IS
    'What a rule of a definition would say of a row {"column": "cell"}: false breaks it; NULL: it cannot be said. Dates are written 2024-12-31, numbers with a decimal point';
REVOKE ALL ON FUNCTION api.import_rule_try(text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.import_rule_try(text, text, jsonb) TO authenticated;

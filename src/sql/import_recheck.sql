-- Between the analysis of a job and its approval days may pass. What its rows were found to stand for then may be gone or somebody
-- else's when they are applied: codes, statistics, types of identifier, units, identifiers. Such a row is refused with the finding
-- "outdated" before anything is written. What changes while a job is applied, constraints catch.

-- Gives the rows of pg_temp.import_refused (row_id, errors, findings) their findings and takes them out of what is to be applied.
-- The caller may write the data table.
CREATE OR REPLACE FUNCTION import.refuse_listed(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $refuse_listed$
DECLARE
    data_table text;
    refused bigint[];
    source_lines bigint[];
BEGIN
    SELECT j.data_table_name INTO STRICT data_table FROM import.job AS j WHERE j.id = refuse_listed.job_id;
    EXECUTE format($sql$
        WITH refused AS (
            UPDATE import.%I AS d SET state = 'error', action = 'skip', batch_seq = NULL, errors = d.errors || f.errors
            FROM pg_temp.import_refused AS f
            WHERE d.row_id = f.row_id
            RETURNING d.row_id, d.source_line)
        SELECT array_agg(r.row_id ORDER BY r.row_id), array_agg(r.source_line ORDER BY r.row_id) FROM refused AS r$sql$, data_table)
    INTO refused, source_lines;
    PERFORM import.store_findings(job_id, refused, source_lines, ARRAY(SELECT f.findings FROM pg_temp.import_refused AS f ORDER BY f.row_id));
END
$refuse_listed$;
COMMENT ON FUNCTION import.refuse_listed(integer) IS 'Makes errors of rows of a job that would be applied; internal';
REVOKE ALL ON FUNCTION import.refuse_listed(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.refuse_listed(integer) TO authenticated;

-- Of what the columns of a data table (d) stand for, what is not as it was: column_name as findings call it, value and is_outdated as
-- SQL text.
CREATE OR REPLACE FUNCTION import.outdated_columns(snapshot jsonb)
RETURNS TABLE (column_name text, value text, is_outdated text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $outdated_columns$
    WITH plan AS (
        SELECT p.*, left(p.column_name, -4) AS name FROM import.plan_column(snapshot) AS p WHERE p.purpose = 'source_input'),
    -- The unit that an identifier is of, and where the register has it: establishments have numbers of their own.
    owner AS (
        SELECT CASE WHEN m.mode = 'legal_unit' THEN 'd.legal_unit_id' WHEN m.mode = 'generic_unit' THEN 'coalesce(d.legal_unit_id, - d.establishment_id)' ELSE 'd.establishment_id' END AS id,
               CASE WHEN m.mode = 'legal_unit' THEN 'e.legal_unit_id' WHEN m.mode = 'generic_unit' THEN 'coalesce(e.legal_unit_id, - e.establishment_id)' ELSE 'e.establishment_id' END AS held,
               CASE WHEN m.mode = 'legal_unit' THEN 'NOT EXISTS (SELECT FROM register.legal_unit AS t WHERE t.id = d.legal_unit_id)'
                    WHEN m.mode = 'generic_unit' THEN 'NOT EXISTS (SELECT FROM register.legal_unit AS t WHERE t.id = d.legal_unit_id)
                        AND NOT EXISTS (SELECT FROM register.establishment AS t WHERE t.id = d.establishment_id)'
                    ELSE 'NOT EXISTS (SELECT FROM register.establishment AS t WHERE t.id = d.establishment_id)' END AS is_gone
        FROM (SELECT snapshot #>> '{import_definition,mode}' AS mode) AS m)
    -- Codes.
    SELECT left(c.column_name, -4), format('d.%I', c.column_name),
           format('d.%1$I IS NOT NULL AND NOT EXISTS (SELECT FROM register.%2$I AS c WHERE c.id = d.%1$I)', c.target_column, c.code_list)
    FROM import.cell_columns(snapshot) AS c
    WHERE c.code_list IS NOT NULL
    UNION ALL
    -- Statistics and types of identifier that are gone, or are called otherwise.
    SELECT p.name, format('d.%I', p.column_name), format('d.%I IS NOT NULL', p.column_name)
    FROM plan AS p
    WHERE p.stat_definition_id IS NOT NULL AND NOT EXISTS (SELECT FROM register.stat_definition AS s WHERE s.id = p.stat_definition_id AND s.code = p.name)
    OR p.external_ident_type_id IS NOT NULL AND p.step_code = 'external_idents'
       AND NOT EXISTS (SELECT FROM register.external_ident_type AS t WHERE t.id = p.external_ident_type_id AND p.name IN (t.code, t.code || '_' || p.ident_label))
    UNION ALL
    -- The unit is gone, it has another identifier of the type, or another one has this.
    SELECT i.name, format('d.%I', i.column_name),
           format('d.%1$I IS NOT NULL AND (%2$s IS NOT NULL AND %4$s
                   OR EXISTS (SELECT FROM register.external_ident AS e WHERE e.type_id = %5$s AND e.%6$I = d.%1$I AND %3$s IS DISTINCT FROM %2$s)
                   OR EXISTS (SELECT FROM register.external_ident AS e WHERE e.type_id = %5$s AND %3$s = %2$s AND e.%6$I <> d.%1$I))',
                  i.column_name, o.id, o.held, o.is_gone, i.type_id, i.target)
    FROM owner AS o,
        (SELECT t.id AS type_id, t.code AS name, CASE t.shape WHEN 'regular' THEN 'ident' ELSE 'idents' END AS target,
                CASE t.shape WHEN 'regular' THEN t.code || '_raw' ELSE t.code || '_path' END AS column_name
         FROM plan AS p
         JOIN register.external_ident_type AS t ON t.id = p.external_ident_type_id
         WHERE p.step_code = 'external_idents' AND p.name IN (t.code, t.code || '_' || p.ident_label)
         GROUP BY t.id, t.shape, t.code) AS i
    UNION ALL
    -- So of the legal units that establishments and relationships refer to.
    SELECT l.name, format('d.%I', l.column_name),
           format('d.%1$I IS NOT NULL AND d.%2$I IS NOT NULL AND (NOT EXISTS (SELECT FROM register.legal_unit AS t WHERE t.id = d.%2$I)
                   OR EXISTS (SELECT FROM register.external_ident AS e JOIN register.external_ident_type AS t ON t.id = e.type_id
                              WHERE %3$s AND e.ident = d.%1$I AND e.legal_unit_id IS DISTINCT FROM d.%2$I))',
                  l.column_name, l.unit_column, l.type_condition)
    FROM (SELECT p.name, p.column_name, 'legal_unit_id' AS unit_column, format('t.id = %s', p.external_ident_type_id) AS type_condition
          FROM plan AS p WHERE p.step_code = 'link_establishment_to_legal_unit' AND p.external_ident_type_id IS NOT NULL
          UNION ALL
          SELECT p.name, p.column_name, split_part(p.name, '_', 1) || '_id', 't.code = ''tax_ident'''
          FROM plan AS p WHERE p.name IN ('influencing_tax_ident', 'influenced_tax_ident')) AS l
$outdated_columns$;
COMMENT ON FUNCTION import.outdated_columns(jsonb) IS
    'SQL text: by which conditions rows of a data table, d, stand for something else than when they were analysed, and in which column; internal';
REVOKE ALL ON FUNCTION import.outdated_columns(jsonb) FROM PUBLIC;

-- Returns how many rows were refused. One statement, a part of which for each column reads the table.
CREATE OR REPLACE FUNCTION import.refuse_outdated(job_id integer)
RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $refuse_outdated$
DECLARE
    selects text;
    refused bigint;
BEGIN
    SELECT string_agg(format($sql$SELECT d.row_id, %L::text AS column_name, %s::text AS value FROM import.%I AS d WHERE d.state = 'analysed' AND d.action = 'use' AND %s$sql$,
                             c.column_name, c.value, j.data_table_name, c.is_outdated), ' UNION ALL ')
    INTO selects
    FROM import.job AS j
    CROSS JOIN LATERAL import.outdated_columns(j.definition_snapshot) AS c
    WHERE j.id = refuse_outdated.job_id;
    IF selects IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM import.drop_temporary('import_refused');
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_refused AS
        SELECT f.row_id, jsonb_object_agg(f.column_name || '_raw', 'outdated') AS errors,
               jsonb_agg(jsonb_strip_nulls(jsonb_build_object('column', f.column_name, 'code', 'outdated', 'severity', 'error', 'value', f.value)) ORDER BY f.column_name) AS findings
        FROM (%s) AS f
        GROUP BY f.row_id$sql$, selects);
    GET DIAGNOSTICS refused = ROW_COUNT;
    IF refused > 0 THEN
        PERFORM import.refuse_listed(job_id);
    END IF;
    DROP TABLE pg_temp.import_refused;
    RETURN refused;
END
$refuse_outdated$;
COMMENT ON FUNCTION import.refuse_outdated(integer) IS
    'Refuses the rows of an analysed job that stand for something else than when they were analysed; returns how many; internal';
REVOKE ALL ON FUNCTION import.refuse_outdated(integer) FROM PUBLIC;

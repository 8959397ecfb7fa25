-- Analysis of a job, after its rows are written: numbers that do not fit what is known of the unit.

-- A statistic that is more than ten times that of the period before, or less than a tenth, where one of the two is at least 100.
-- The period before is that of the register, or of an earlier row of the same unit in the file. Nothing is looked up row by row: one
-- join for all statistics, of known units with what the register knows of earlier times. The rows found are few, and told here:
-- their findings, and what the data table shows of them.
CREATE OR REPLACE FUNCTION import.analyse_plausibility(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_plausibility$
DECLARE
    rule CONSTANT jsonb := '{"rule": "the period before, times ten"}';
    job record;
    stats integer[];
    owners text[];
    given text;         -- per statistic, the number of a row
    shown text;         -- likewise the name of its column, and the cell
    severity text;
    has_known boolean;      -- some row is of a unit that the register knows
    has_several boolean;    -- some unit has several rows
BEGIN
    SELECT j.data_table_name, j.definition_snapshot AS snapshot, j.definition_snapshot #>> '{import_definition,mode}' AS mode, j.default_valid_from
    INTO STRICT job FROM import.job AS j WHERE j.id = analyse_plausibility.job_id;
    SELECT array_agg(p.stat_definition_id), string_agg(format('WHEN %s THEN d.%I::double precision', p.stat_definition_id, left(p.column_name, -4)), ' '),
           string_agg(format('WHEN %s THEN ARRAY[%L, d.%I]', p.stat_definition_id, left(p.column_name, -4), p.column_name), ' ')
    INTO stats, given, shown
    FROM import.plan_column(job.snapshot) AS p
    WHERE p.purpose = 'source_input' AND p.stat_definition_id IS NOT NULL AND p.target_pg_type IN ('integer', 'numeric') AND p.source_column_name IS NOT NULL;
    owners := CASE job.mode WHEN 'legal_unit' THEN '{legal_unit_id}' WHEN 'generic_unit' THEN '{legal_unit_id,establishment_id}' WHEN 'legal_relationship' THEN '{}' ELSE '{establishment_id}' END;
    IF stats IS NULL OR owners = '{}' THEN
        RETURN;
    END IF;
    -- In most files all rows or none are of known units, and none has another row of its unit before it: one look at the rows says so.
    -- Where all rows are of one period, that of the job, none is before another.
    EXECUTE format(CASE WHEN job.default_valid_from IS NULL THEN 'SELECT bool_or(d.operation <> ''insert''), bool_or(d.founding_row_id <> d.row_id) FROM %s'
                        ELSE 'SELECT EXISTS (SELECT FROM %s AND d.operation <> ''insert''), false' END,
                   format('import.%I AS d WHERE d.state = ''analysed'' AND d.action = ''use''', job.data_table_name))
    INTO has_known, has_several;
    IF has_known IS NOT TRUE AND has_several IS NOT TRUE THEN
        RETURN;
    END IF;
    severity := coalesce((SELECT s ->> 'severity' FROM jsonb_array_elements(job.snapshot -> 'import_severity_list') AS s WHERE s ->> 'code' = 'implausible' LIMIT 1), 'warning');

    PERFORM import.drop_temporary('import_implausible');
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_implausible AS
        SELECT n.row_id, n.source_line, n.shown[1] AS name, n.shown[2] AS value, n.previous::numeric AS previous
        FROM (SELECT DISTINCT ON (b.row_id, b.stat_id) b.*
              FROM (%s%s) AS b (row_id, source_line, stat_id, number, previous, valid_before, shown)
              ORDER BY b.row_id, b.stat_id, b.valid_before DESC) AS n
        WHERE n.number > 0 AND n.previous > 0 AND greatest(n.number, n.previous) >= 100 AND (n.number > 10 * n.previous OR n.previous > 10 * n.number)$sql$,
        (SELECT string_agg(format($sql$
                SELECT d.row_id, d.source_line, t.stat_definition_id, CASE t.stat_definition_id %s END, coalesce(t.value_int, t.value_float), t.valid_from, CASE t.stat_definition_id %s END
                FROM import.%I AS d
                JOIN register.stat_for_unit AS t ON t.%4$I = d.%4$I AND t.valid_from < d.valid_from AND t.stat_definition_id = ANY (%5$L::integer[])%6$s
                WHERE %7$L::boolean AND d.state = 'analysed' AND d.action = 'use' AND d.operation <> 'insert' AND CASE t.stat_definition_id %1$s END IS NOT NULL$sql$,
                given, shown, job.data_table_name, o, stats,
                -- In a job of one period no row is read where the register has nothing earlier.
                coalesce(' AND t.valid_from < ' || quote_literal(job.default_valid_from), ''), has_known), ' UNION ALL ') FROM unnest(owners) AS o),
        CASE WHEN has_several THEN format($sql$
                    UNION ALL
                    -- Rows of units that have several: the one before, when it has a number.
                    SELECT w.row_id, w.source_line, w.stat_id, w.number, w.before, w.valid_before, w.shown
                    FROM (SELECT d.row_id, d.source_line, s.stat_id, d.valid_from, x.number, x.shown,
                                 lag(x.number) OVER before AS before, lag(d.valid_from) OVER before AS valid_before
                          FROM import.%1$I AS d
                          CROSS JOIN unnest(%2$L::integer[]) AS s (stat_id)
                          CROSS JOIN LATERAL (SELECT CASE s.stat_id %3$s END AS number, CASE s.stat_id %4$s END AS shown) AS x
                          WHERE d.state = 'analysed' AND d.action = 'use' AND x.number IS NOT NULL
                          AND d.founding_row_id IN (SELECT f.founding_row_id FROM import.%1$I AS f WHERE f.founding_row_id <> f.row_id)
                          WINDOW before AS (PARTITION BY d.founding_row_id, s.stat_id ORDER BY d.valid_from, d.row_id)) AS w
                    WHERE w.before IS NOT NULL$sql$, job.data_table_name, stats, given, shown) END);

    PERFORM import.store_findings(analyse_plausibility.job_id, array_agg(f.row_id), array_agg(f.source_line), array_agg(f.findings))
    FROM (SELECT n.row_id, min(n.source_line) AS source_line,
                 jsonb_agg(jsonb_build_object('code', 'implausible', 'severity', severity, 'column', n.name, 'value', n.value, 'details', rule || jsonb_build_object('previous', n.previous)) ORDER BY n.name) AS findings
          FROM pg_temp.import_implausible AS n GROUP BY n.row_id) AS f
    GROUP BY f.row_id / 10000;
    IF severity <> 'info' THEN
        EXECUTE format($sql$
            UPDATE import.%I AS d
            SET %s
            FROM (SELECT n.row_id, jsonb_object_agg(n.name || '_raw', %s) AS cells FROM pg_temp.import_implausible AS n GROUP BY n.row_id) AS f
            WHERE d.row_id = f.row_id$sql$, job.data_table_name,
            CASE severity WHEN 'error' THEN 'errors = f.cells || d.errors, state = ''error'', action = ''skip'', batch_seq = NULL' ELSE 'warnings = f.cells || d.warnings' END,
            CASE severity WHEN 'error' THEN '''implausible''::text' ELSE 'n.value' END);
    END IF;
    PERFORM import.drop_temporary('import_implausible');
END
$analyse_plausibility$;
COMMENT ON FUNCTION import.analyse_plausibility(integer) IS 'Last stage of the analysis: statistics that are far from those of the period before';
REVOKE ALL ON FUNCTION import.analyse_plausibility(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_plausibility(integer) TO authenticated;

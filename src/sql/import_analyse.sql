-- Analysis of a job: upload rows become typed rows with findings.
--
-- import.analyse(job_id) is the seam for another engine: upload table and definition snapshot in, the rows of the data
-- table and import.bad_row out. Everything below it is this engine's own.
--
-- It is written in C: src/import_analyse_sql.c drives what src/import_stage.h names. What it needs of SQL is here, in
-- import_idents.sql and in import_cells.sql. The first two stages as they were in SQL are its oracle (test/import/oracle_stages.sql).
--
-- A bad row stops no other row: the rows of one new entity fail together only when the fault is in what makes them one
-- entity, which is their identifiers.

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

-- Circles of relationships that hold at the same time are found in src/import_relationship_cycle.c. Relationships are
-- numbered from 1 in the order of the arrays; those up to "wanted" are told once each: the first day on which it is in a
-- circle, and a shortest way round that begins with it, NULL when it is very long.
CREATE OR REPLACE FUNCTION import.find_cycles(influencing_ids integer[], influenced_ids integer[], valid_from date[], valid_until date[], wanted integer)
RETURNS TABLE (relationship integer, day date, path integer[])
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1000
AS 'MODULE_PATHNAME', 'statbus_import_find_cycles';
COMMENT ON FUNCTION import.find_cycles(integer[], integer[], date[], date[], integer) IS 'Which of some relationships are in a circle of relationships that hold on the same day';
REVOKE ALL ON FUNCTION import.find_cycles(integer[], integer[], date[], date[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.find_cycles(integer[], integer[], date[], date[], integer) TO authenticated;

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

-- A full table is indexed at a third of what it costs to index its rows one by one; by then the memory for identifiers is free again. Plans need to know of columns that
-- are joined and chosen by, not of eighty others. Tables of jobs from before 0.4.0 have their indexes already.
CREATE OR REPLACE FUNCTION import.index_data(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET maintenance_work_mem = '64MB'
SET default_statistics_target = 10
AS $index_data$
DECLARE
    data_table text;
    counted text;
BEGIN
    SELECT j.data_table_name INTO STRICT data_table FROM import.job AS j WHERE j.id = index_data.job_id;
    IF NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = format('import.%I', data_table)::regclass AND i.indisunique) THEN
        EXECUTE format('CREATE UNIQUE INDEX %I ON import.%I (row_id)', data_table || '_pkey', data_table);
        EXECUTE format('CREATE INDEX ON import.%I (batch_seq) WHERE batch_seq IS NOT NULL', data_table);
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

-- No rights but the caller's, who must be the job's user, or a superuser, and may write the data table.
CREATE OR REPLACE FUNCTION import.analyse_file(job_id integer)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS 'MODULE_PATHNAME', 'statbus_import_analyse_file';
COMMENT ON FUNCTION import.analyse_file(integer) IS 'Analyses the upload of a job: the file read twice, each row of the data table and its findings written once';
REVOKE ALL ON FUNCTION import.analyse_file(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_file(integer) TO authenticated;

-- The whole ----------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION import.analyse(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse$
DECLARE
    data_table text;
BEGIN
    SELECT j.data_table_name INTO data_table FROM import.job AS j WHERE j.id = $1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'import job % does not exist', job_id USING ERRCODE = 'no_data_found';
    END IF;
    PERFORM import.analyse_file(job_id);
    IF pg_has_role(current_user, (SELECT c.relowner FROM pg_class AS c WHERE c.oid = format('import.%I', data_table)::regclass), 'MEMBER') THEN
        PERFORM import.index_data(job_id);
    END IF;
    PERFORM import.analyse_plausibility(job_id);
END
$analyse$;
COMMENT ON FUNCTION import.analyse(integer) IS 'Analyses the upload of a job: fills its data table and the findings';
REVOKE ALL ON FUNCTION import.analyse(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse(integer) TO authenticated;

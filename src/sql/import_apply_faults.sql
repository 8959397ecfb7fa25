-- Application of a job: which rows the register does not take. See src/sql/import_apply.sql.
--
-- When a set of rows violates a constraint, it is applied once more, statement by statement, and a statement that fails is
-- tried on fewer and fewer of its rows, until those are known that it fails for. A try costs that one statement, and none
-- makes a table: so the time goes with the number of bad rows, and what was right is written once more.
--
-- While this is done pg_temp.import_try has one row: the range of rows that statements are to write.

-- What stands in FROM for a table whose row_column is a row of the file: all of it, or the rows that are tried.
CREATE OR REPLACE FUNCTION import.tried_rows(source text, row_column text DEFAULT 'row_id')
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $tried_rows$
    SELECT CASE WHEN to_regclass('pg_temp.import_try') IS NULL THEN format('pg_temp.%I', source)
                ELSE format('(SELECT tried.* FROM pg_temp.import_try AS range JOIN pg_temp.%1$I AS tried ON tried.%2$I BETWEEN range.lowest AND range.highest)',
                            source, row_column) END
$tried_rows$;
COMMENT ON FUNCTION import.tried_rows(text, text) IS 'Applies rows: SQL text of the rows of a temporary table that a statement is to write';
REVOKE ALL ON FUNCTION import.tried_rows(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.tried_rows(text, text) TO authenticated;

-- Runs a statement that reads import.tried_rows() of source. While faults are looked for it ends with an error that names the
-- rows at fault, if there are any.
CREATE OR REPLACE FUNCTION import.write_rows(source text, row_column text, statement text)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $write_rows$
DECLARE
    index_name CONSTANT text := source || '_try';
    row_ids bigint[];
    faults jsonb[];
BEGIN
    IF to_regclass('pg_temp.import_try') IS NULL THEN
        EXECUTE statement;
        RETURN;
    END IF;
    IF to_regclass(format('pg_temp.%I', index_name)) IS NULL THEN
        EXECUTE format('CREATE INDEX %I ON pg_temp.%I (%I)', index_name, source, row_column);
    END IF;
    EXECUTE format('SELECT array_agg(DISTINCT s.%I ORDER BY s.%1$I) FROM pg_temp.%I AS s', row_column, source) INTO row_ids;
    IF row_ids IS NOT NULL THEN
        faults := import.try_rows(statement, row_ids, 1, cardinality(row_ids), false);
        IF faults <> '{}' THEN
            PERFORM import.raise_faults(faults);
        END IF;
    END IF;
END
$write_rows$;
COMMENT ON FUNCTION import.write_rows(text, text, text) IS 'Applies rows: runs a statement that writes rows, or finds those that it fails for';
REVOKE ALL ON FUNCTION import.write_rows(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.write_rows(text, text, text) TO authenticated;

CREATE OR REPLACE FUNCTION import.raise_faults(faults jsonb[])
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $raise_faults$
BEGIN
    RAISE EXCEPTION '% rows are at fault', cardinality(faults) USING ERRCODE = 'SB423', DETAIL = to_jsonb(faults)::text;
END
$raise_faults$;
COMMENT ON FUNCTION import.raise_faults(jsonb[]) IS 'Applies rows: ends the search for faults with those that were found, {"row_id", "finding"} each';
REVOKE ALL ON FUNCTION import.raise_faults(jsonb[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.raise_faults(jsonb[]) TO authenticated;

-- Runs the statement for the rows from first to last, and for ever smaller parts of them where that fails. What does not fail
-- stays written. fails: it is known that it does for all of them together.
CREATE OR REPLACE FUNCTION import.try_rows(statement text, row_ids bigint[], first integer, last integer, fails boolean)
RETURNS jsonb[]
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $try_rows$
DECLARE
    middle CONSTANT integer := (first + last) / 2;
    finding jsonb;
    faults jsonb[];
    message text;
    detail text;
    state text;
    constraint_name text;
    table_name text;
    column_name text;
BEGIN
    IF first = last OR NOT fails THEN
        UPDATE pg_temp.import_try SET lowest = row_ids[first], highest = row_ids[last];
        BEGIN
            EXECUTE statement;
            RETURN '{}';
        EXCEPTION WHEN integrity_constraint_violation OR data_exception OR insufficient_privilege OR with_check_option_violation
            OR raise_exception OR program_limit_exceeded THEN
            GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, state = RETURNED_SQLSTATE,
                constraint_name = CONSTRAINT_NAME, table_name = TABLE_NAME, column_name = COLUMN_NAME;
        END;
        IF first = last THEN
            finding := import.refusal(state, message, detail, constraint_name, table_name, column_name);
            RETURN ARRAY[jsonb_build_object('row_id', row_ids[first], 'finding', finding)];
        END IF;
    END IF;
    faults := import.try_rows(statement, row_ids, first, middle, false);
    RETURN faults || import.try_rows(statement, row_ids, middle + 1, last, faults = '{}');
END
$try_rows$;
COMMENT ON FUNCTION import.try_rows(text, bigint[], integer, integer, boolean) IS 'Applies rows: those for which a statement fails, each with its finding';
REVOKE ALL ON FUNCTION import.try_rows(text, bigint[], integer, integer, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.try_rows(text, bigint[], integer, integer, boolean) TO authenticated;

-- The finding for a row that the server refuses with an error.
CREATE OR REPLACE FUNCTION import.refusal(state text, message text, detail text, constraint_name text, table_name text, column_name text)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $refusal$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'code', CASE WHEN state IN ('42501', '44000') THEN 'not_permitted' ELSE 'constraint' END, 'severity', 'error',
        'details', jsonb_build_object('name', coalesce(nullif(constraint_name, ''), nullif(column_name, ''), state), 'table', nullif(table_name, ''),
                                      'sqlstate', state, 'message', message, 'detail', nullif(detail, ''))))
$refusal$;
COMMENT ON FUNCTION import.refusal(text, text, text, text, text, text) IS 'Applies rows: the finding for an error of the server';
REVOKE ALL ON FUNCTION import.refusal(text, text, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.refusal(text, text, text, text, text, text) TO authenticated;

-- The rows at fault among some that cannot be applied together. None: they have been applied, piece by piece. NULL: what fails
-- is not a statement that writes rows of the file, and nothing is known.
CREATE OR REPLACE FUNCTION import.find_faults(job_id integer, row_ids bigint[], is_part boolean)
RETURNS jsonb[]
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $find_faults$
DECLARE
    faults text;
BEGIN
    CREATE TEMPORARY TABLE import_try AS SELECT 0::bigint AS lowest, 0::bigint AS highest;
    ANALYZE pg_temp.import_try;
    PERFORM import.apply_rows(job_id, row_ids, is_part);
    DROP TABLE pg_temp.import_try;
    RETURN '{}';
EXCEPTION
    WHEN SQLSTATE 'SB423' THEN
        GET STACKED DIAGNOSTICS faults = PG_EXCEPTION_DETAIL;
        RETURN ARRAY(SELECT f FROM jsonb_array_elements(faults::jsonb) WITH ORDINALITY AS x (f, place) ORDER BY x.place);
    WHEN integrity_constraint_violation OR data_exception OR insufficient_privilege OR with_check_option_violation
        OR raise_exception OR program_limit_exceeded THEN
        RETURN NULL;
END
$find_faults$;
COMMENT ON FUNCTION import.find_faults(integer, bigint[], boolean) IS 'Applies rows: which of them are at fault where they cannot be applied together';
REVOKE ALL ON FUNCTION import.find_faults(integer, bigint[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.find_faults(integer, bigint[], boolean) TO authenticated;

-- Rows that the register does not take after all, {"row_id", "finding"} each.
CREATE OR REPLACE FUNCTION import.refuse_faults(job_id integer, faults jsonb[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $refuse_faults$
BEGIN
    PERFORM import.drop_temporary('import_refused');
    CREATE TEMPORARY TABLE import_refused AS
    SELECT (x.fault ->> 'row_id')::bigint AS row_id, jsonb_build_object('row', x.fault #> '{finding,code}') AS errors, jsonb_build_array(x.fault -> 'finding') AS findings
    FROM unnest(faults) AS x (fault);
    PERFORM import.refuse_listed(job_id);
    DROP TABLE pg_temp.import_refused;
END
$refuse_faults$;
COMMENT ON FUNCTION import.refuse_faults(integer, jsonb[]) IS 'Gives rows of a job an error that came up while they were applied';
REVOKE ALL ON FUNCTION import.refuse_faults(integer, jsonb[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.refuse_faults(integer, jsonb[]) TO authenticated;

-- Application of a job: analysed rows become units.
--
-- import.apply_batch(job_id) applies the next batch of whole entities and says how many rows it had, 0: nothing is left, and
-- how many of them were imported and unchanged; the others were refused.
-- Everything is done by a few statements per batch; time goes through temporal.merge. A row ends as state processed with
-- merge_status {"<table>": "APPLIED" | "SKIPPED_IDENTICAL" | …}, or as state error: it was imported when anything was applied,
-- and unchanged otherwise.
--
-- The checks of the analysis are twins of the constraints. Should one be missing, the rows that violate a constraint are looked
-- for (import_apply_faults.sql): they get the finding "constraint" and the others go in.

CREATE OR REPLACE FUNCTION import.apply_batch(job_id integer, OUT batch integer, OUT row_count bigint, OUT imported bigint, OUT unchanged bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $apply_batch$
DECLARE
    job record;
    row_ids bigint[];
    permitted bigint[];
BEGIN
    SELECT j.data_table_name, j.definition_snapshot AS snapshot, j.definition_snapshot #>> '{import_definition,mode}' AS mode, j.next_batch, j.skipped_rows INTO job
    FROM import.job AS j WHERE j.id = apply_batch.job_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'import job % does not exist', job_id USING ERRCODE = 'no_data_found';
    END IF;
    row_count := 0;
    imported := 0;
    unchanged := 0;
    EXECUTE format($sql$SELECT min(a.batch_seq) FROM import.%I AS a WHERE a.batch_seq >= $1 AND a.state = 'analysed' AND a.action = 'use'$sql$, job.data_table_name)
    INTO batch USING coalesce(job.next_batch, 1);
    IF batch IS NULL THEN
        IF job.skipped_rows > 0 THEN
            EXECUTE format($sql$UPDATE import.%I AS d SET state = 'processed' WHERE d.state = 'analysed' AND d.action = 'skip'$sql$, job.data_table_name);
        END IF;
        RETURN;
    END IF;

    -- The rows of the batch; whose units are known; and which are all that the file says of a unit that nobody knows yet.
    PERFORM import.drop_temporary('import_batch', 'import_outcome');
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_batch AS
        SELECT x.row_id, x.founding_row_id, x.valid_from, x.valid_until, x.unit_id, x.founds AND count(*) OVER (PARTITION BY x.founding_row_id) = 1 AS is_alone
        FROM (SELECT a.row_id, a.founding_row_id, a.valid_from, a.valid_until, CASE WHEN a.operation <> 'insert' THEN %2$s END AS unit_id,
                     $1 AND a.operation = 'insert' AND %2$s IS NULL AS founds
              FROM import.%1$I AS a
              WHERE a.state = 'analysed' AND a.action = 'use' AND a.batch_seq = $2) AS x$sql$,
        job.data_table_name, CASE job.mode WHEN 'legal_unit' THEN 'a.legal_unit_id' WHEN 'establishment_informal' THEN 'a.establishment_id'
                                           WHEN 'establishment_formal' THEN 'a.establishment_id' ELSE 'NULL::integer' END)
    USING import.inserts_new_units(job.mode), batch;
    -- How many rows of the batch changed something, and how many did not: one row by each who wrote.
    CREATE TEMPORARY TABLE import_outcome (imported bigint NOT NULL, unchanged bigint NOT NULL);
    SELECT array_agg(b.row_id ORDER BY b.founding_row_id, b.row_id) INTO row_ids FROM pg_temp.import_batch AS b;
    row_count := cardinality(row_ids);
    -- Those that the user may not write need not be found one by one.
    permitted := import.refuse_forbidden(job_id, row_ids);
    IF cardinality(permitted) < row_count THEN
        DELETE FROM pg_temp.import_batch AS b WHERE b.row_id <> ALL (permitted);
    END IF;
    PERFORM import.skip_unchanged(job_id, batch);
    SELECT array_agg(b.row_id ORDER BY b.founding_row_id, b.row_id) INTO row_ids FROM pg_temp.import_batch AS b;
    IF row_ids IS NOT NULL THEN
        PERFORM import.apply_isolated(job_id, row_ids, cardinality(permitted) < row_count);
    END IF;
    SELECT coalesce(sum(o.imported), 0), coalesce(sum(o.unchanged), 0) INTO imported, unchanged FROM pg_temp.import_outcome AS o;
    PERFORM import.drop_temporary('import_batch', 'import_outcome');
END
$apply_batch$;
COMMENT ON FUNCTION import.apply_batch(integer) IS 'Applies the next batch of an analysed job: its number, how many rows it had, 0 when none is left, and how many were imported and unchanged';
REVOKE ALL ON FUNCTION import.apply_batch(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_batch(integer) TO authenticated;

-- Applies rows, given in the order of their entities, so that those which violate a constraint fail alone.
CREATE OR REPLACE FUNCTION import.apply_isolated(job_id integer, row_ids bigint[], is_part boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
-- What the server says of a row becomes part of a finding, which is the same under any settings.
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET bytea_output = 'hex'
AS $apply_isolated$
DECLARE
    rest bigint[] := row_ids;
    middle integer;
    finding jsonb;
    faults jsonb[];
    last_faults jsonb[] := '{}';
    again bigint[] := '{}';
    message text;
    detail text;
    state text;
    constraint_name text;
    table_name text;
    column_name text;
BEGIN
    WHILE rest <> '{}' LOOP
        BEGIN
            PERFORM import.apply_rows(job_id, rest, is_part OR again <> '{}' OR last_faults <> '{}');
            EXIT;
        -- What a trigger of the installation refuses comes as raise_exception, a value too long for an index as program_limit_exceeded.
        EXCEPTION WHEN integrity_constraint_violation OR data_exception OR insufficient_privilege OR with_check_option_violation
            OR raise_exception OR program_limit_exceeded THEN
            GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, state = RETURNED_SQLSTATE,
                constraint_name = CONSTRAINT_NAME, table_name = TABLE_NAME, column_name = COLUMN_NAME;
        END;
        middle := cardinality(rest) / 2;
        IF middle = 0 THEN
            finding := import.refusal(state, message, detail, constraint_name, table_name, column_name);
            faults := ARRAY[jsonb_build_object('row_id', rest[1], 'finding', finding)];
        ELSE
            faults := import.find_faults(job_id, rest, true);
        END IF;
        EXIT WHEN faults = '{}';
        IF faults IS NULL THEN
            PERFORM import.apply_isolated(job_id, rest[:middle], true);
            PERFORM import.apply_isolated(job_id, rest[middle + 1:], true);
            EXIT;
        END IF;
        again := again || ARRAY(SELECT (f ->> 'row_id')::bigint FROM unnest(last_faults) AS f);
        last_faults := faults;
        rest := ARRAY(SELECT r.row_id FROM unnest(rest) WITH ORDINALITY AS r (row_id, place)
                      WHERE r.row_id NOT IN (SELECT (f ->> 'row_id')::bigint FROM unnest(faults) AS f) ORDER BY r.place);
    END LOOP;
    IF last_faults <> '{}' THEN
        PERFORM import.refuse_faults(job_id, last_faults);
    END IF;
    -- Refused before others were, whose part in that is over.
    IF again <> '{}' THEN
        PERFORM import.apply_isolated(job_id, ARRAY(SELECT r.row_id FROM unnest(row_ids) WITH ORDINALITY AS r (row_id, place)
                                                    WHERE r.row_id = ANY (again) ORDER BY r.place), true);
    END IF;
END
$apply_isolated$;
COMMENT ON FUNCTION import.apply_isolated(integer, bigint[], boolean) IS 'Applies rows of a job so that a row that violates a constraint fails alone';
REVOKE ALL ON FUNCTION import.apply_isolated(integer, bigint[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_isolated(integer, bigint[], boolean) TO authenticated;

-- Applies rows of a job, all or none. is_part: other rows of their entities may have been applied before them.
CREATE OR REPLACE FUNCTION import.apply_rows(job_id integer, row_ids bigint[], is_part boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
SET statbus.import_job = 0
AS $apply_rows$
DECLARE
    job record;
    mode text;
    rest bigint[];
BEGIN
    SELECT j.data_table_name, j.definition_snapshot AS snapshot INTO STRICT job FROM import.job AS j WHERE j.id = apply_rows.job_id;
    mode := job.snapshot #>> '{import_definition,mode}';
    -- Until the function ends: what is written is kept for an undo of the job.
    PERFORM set_config('statbus.import_job', job_id::text, true);
    PERFORM import.drop_temporary('import_new', 'import_apply', 'import_piece', 'import_span', 'import_result');

    -- Units that nobody knows yet get their ids; what is left goes through temporal.merge.
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_new AS
        SELECT a.row_id, nextval(%L::regclass)::integer AS unit_id, nextval(%L::regclass)::integer AS enterprise_id
        FROM (SELECT b.row_id FROM pg_temp.import_batch AS b WHERE b.is_alone AND b.row_id = ANY ($1) ORDER BY b.row_id) AS a$sql$,
        pg_get_serial_sequence(CASE mode WHEN 'legal_unit' THEN 'register.legal_unit' ELSE 'register.establishment' END, 'id'),
        pg_get_serial_sequence('register.enterprise', 'id'))
    USING row_ids;
    SELECT array_agg(b.row_id ORDER BY b.founding_row_id, b.row_id) INTO rest
    FROM pg_temp.import_batch AS b WHERE NOT b.is_alone AND b.row_id = ANY (row_ids);
    IF rest IS NOT NULL THEN
        EXECUTE format('CREATE TEMPORARY TABLE import_apply AS
            SELECT d.*, %2$s AS unit_type, %3$s AS unit_id, false AS founds FROM import.%1$I AS d WHERE d.row_id = ANY ($1)',
            job.data_table_name,
            CASE mode WHEN 'legal_unit' THEN quote_literal('legal_unit')
                      WHEN 'generic_unit' THEN 'CASE WHEN d.legal_unit_id IS NOT NULL THEN ''legal_unit'' ELSE ''establishment'' END'
                      WHEN 'legal_relationship' THEN quote_literal('legal_relationship')
                      ELSE quote_literal('establishment') END,
            CASE mode WHEN 'legal_unit' THEN 'd.legal_unit_id'
                      WHEN 'generic_unit' THEN 'coalesce(d.legal_unit_id, d.establishment_id)'
                      WHEN 'legal_relationship' THEN 'd.legal_relationship_id'
                      ELSE 'd.establishment_id' END)
        USING rest;
    END IF;

    IF EXISTS (SELECT FROM pg_temp.import_new) THEN
        PERFORM import.apply_new_units(job_id);
    END IF;
    IF rest IS NOT NULL THEN
        PERFORM import.apply_merged(job_id, mode, job.data_table_name, is_part);
    END IF;
    PERFORM import.drop_temporary('import_new', 'import_apply', 'import_piece', 'import_span', 'import_result');
END
$apply_rows$;
COMMENT ON FUNCTION import.apply_rows(integer, bigint[], boolean) IS 'Applies rows of a job, all or none';
REVOKE ALL ON FUNCTION import.apply_rows(integer, bigint[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_rows(integer, bigint[], boolean) TO authenticated;

-- The rows of pg_temp.import_apply, which may meet what the register has or each other.
CREATE OR REPLACE FUNCTION import.apply_merged(job_id integer, mode text, data_table text, is_part boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_merged$
DECLARE
    refused record;
BEGIN
    ANALYZE pg_temp.import_apply (row_id, unit_type, unit_id);
    -- What was done with a row: per row and table the status of its pieces.
    CREATE TEMPORARY TABLE import_result (row_id bigint NOT NULL, part text NOT NULL, status text NOT NULL, message text);

    IF mode = 'legal_relationship' THEN
        PERFORM import.apply_relationships(job_id);
    ELSE
        IF mode <> 'generic_unit' THEN
            PERFORM import.apply_units(job_id, is_part);
            PERFORM import.apply_identifiers(job_id);
        ELSE
            PERFORM import.apply_generic_spans();
        END IF;
        PERFORM import.apply_parts(job_id);
    END IF;
    PERFORM import.apply_erasures(job_id);

    SELECT r.part, r.message INTO refused FROM pg_temp.import_result AS r WHERE r.status = 'ERROR' ORDER BY r.row_id, r.part LIMIT 1;
    IF FOUND THEN
        IF to_regclass('pg_temp.import_try') IS NOT NULL THEN
            PERFORM import.raise_faults(array_agg(jsonb_build_object('row_id', f.row_id, 'finding',
                                            import.refusal('22000', format('%s: %s', f.part, f.message), NULL, NULL, f.part, NULL)) ORDER BY f.row_id))
            FROM (SELECT DISTINCT ON (r.row_id) r.row_id, r.part, r.message FROM pg_temp.import_result AS r WHERE r.status = 'ERROR' ORDER BY r.row_id, r.part) AS f;
        END IF;
        RAISE EXCEPTION '%: %', refused.part, refused.message USING ERRCODE = 'data_exception', TABLE = refused.part;
    END IF;

    EXECUTE format($sql$
        UPDATE import.%I AS d
        SET state = 'processed', merge_status = coalesce(o.parts, '{}')%s
        FROM pg_temp.import_apply AS a
        LEFT JOIN (SELECT r.row_id, jsonb_object_agg(r.part, r.status) AS parts
                   FROM (SELECT x.row_id, x.part, CASE WHEN bool_or(x.status = 'APPLIED') THEN 'APPLIED' ELSE min(x.status) END AS status
                         FROM pg_temp.import_result AS x
                         GROUP BY x.row_id, x.part) AS r
                   GROUP BY r.row_id) AS o ON o.row_id = a.row_id
        WHERE d.row_id = a.row_id$sql$, data_table,
        CASE mode WHEN 'legal_unit' THEN ', legal_unit_id = a.unit_id, enterprise_id = a.enterprise_id'
                  WHEN 'establishment_formal' THEN ', establishment_id = a.unit_id'
                  WHEN 'establishment_informal' THEN ', establishment_id = a.unit_id, enterprise_id = a.enterprise_id'
                  ELSE '' END);
    INSERT INTO pg_temp.import_outcome (imported, unchanged)
    SELECT o.imported, (SELECT count(*) FROM pg_temp.import_apply) - o.imported
    FROM (SELECT count(DISTINCT r.row_id) AS imported FROM pg_temp.import_result AS r WHERE r.status = 'APPLIED') AS o;
END
$apply_merged$;
COMMENT ON FUNCTION import.apply_merged(integer, text, text, boolean) IS 'Applies rows: those that may change what the register has';
REVOKE ALL ON FUNCTION import.apply_merged(integer, text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_merged(integer, text, text, boolean) TO authenticated;

-- How a strategy acts on a unit, and on what hangs on it. A strategy that only touches known units touches them within their
-- life; what hangs on them is brought in there whether it was there before or not.
CREATE OR REPLACE FUNCTION import.merge_mode(strategy text, is_part boolean)
RETURNS temporal.merge_mode
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $merge_mode$
    SELECT (CASE strategy
        WHEN 'insert_or_replace' THEN 'MERGE_ENTITY_REPLACE'
        WHEN 'replace_only' THEN CASE WHEN is_part THEN 'MERGE_ENTITY_REPLACE' ELSE 'REPLACE_FOR_PORTION_OF' END
        WHEN 'update_only' THEN CASE WHEN is_part THEN 'MERGE_ENTITY_PATCH' ELSE 'PATCH_FOR_PORTION_OF' END
        ELSE 'MERGE_ENTITY_PATCH'
    END)::temporal.merge_mode
$merge_mode$;
COMMENT ON FUNCTION import.merge_mode(text, boolean) IS 'The mode of temporal.merge for a strategy';
REVOKE ALL ON FUNCTION import.merge_mode(text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.merge_mode(text, boolean) TO authenticated;

-- Merges pg_temp.<source>, whose source_row_id is the row of the file, and notes the results.
CREATE OR REPLACE FUNCTION import.apply_merge(part text, source text, mode temporal.merge_mode, natural_keys jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_merge$
DECLARE
    is_try CONSTANT boolean := to_regclass('pg_temp.import_try') IS NOT NULL;
BEGIN
    EXECUTE format('ANALYZE pg_temp.%I', source);
    IF is_try THEN
        EXECUTE format('CREATE TEMPORARY VIEW import_tried AS SELECT s.* FROM %s AS s', import.tried_rows(source, 'source_row_id'));
    END IF;
    PERFORM import.write_rows(source, 'source_row_id', format($sql$
        INSERT INTO pg_temp.import_result (row_id, part, status, message)
        SELECT s.source_row_id, %1$L, m.status::text, m.message
        FROM temporal.merge(target => %2$L::regclass, source => %3$L::regclass, identity_columns => '{id}', mode => %4$L, natural_keys => %5$L,
                            ephemeral_columns => '{edit_comment,edit_by_user_id,edit_at,import_job_id,import_source_line}') AS m
        JOIN %3$s AS s ON s.row_id = m.row_id$sql$,
        part, 'register.' || part, 'pg_temp.' || CASE WHEN is_try THEN 'import_tried' ELSE source END, mode, natural_keys));
    IF is_try THEN
        DROP VIEW pg_temp.import_tried;
    END IF;
    PERFORM import.drop_temporary(source);
END
$apply_merge$;
COMMENT ON FUNCTION import.apply_merge(text, text, temporal.merge_mode, jsonb) IS 'Merges a temporary table into a table of units and notes what became of each row';
REVOKE ALL ON FUNCTION import.apply_merge(text, text, temporal.merge_mode, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_merge(text, text, temporal.merge_mode, jsonb) TO authenticated;

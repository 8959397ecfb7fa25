-- Application of a job: analysed rows become units.
--
-- import.apply_batch(job_id) applies the next batch of whole entities and says how many rows it had; 0: nothing is left.
-- Everything is done by a few statements per batch; time goes through temporal.merge. A row ends as state processed with
-- merge_status {"<table>": "APPLIED" | "SKIPPED_IDENTICAL" | …}, or as state error: it was imported when anything was applied,
-- and unchanged otherwise.
--
-- The checks of the analysis are twins of the constraints. Should one be missing, the batch is halved until the row is
-- found that violates a constraint: it gets the finding "constraint" and the others go in.

CREATE OR REPLACE FUNCTION import.apply_batch(job_id integer)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $apply_batch$
DECLARE
    data_table text;
    row_ids bigint[];
    permitted bigint[];
BEGIN
    SELECT j.data_table_name INTO data_table FROM import.job AS j WHERE j.id = apply_batch.job_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'import job % does not exist', job_id USING ERRCODE = 'no_data_found';
    END IF;
    EXECUTE format($sql$
        SELECT array_agg(d.row_id ORDER BY d.founding_row_id, d.row_id)
        FROM import.%1$I AS d
        WHERE d.state = 'analysed' AND d.action = 'use'
        AND d.batch_seq = (SELECT min(x.batch_seq) FROM import.%1$I AS x WHERE x.state = 'analysed' AND x.action = 'use')$sql$, data_table)
    INTO row_ids;
    IF row_ids IS NULL THEN
        EXECUTE format($sql$
            UPDATE import.%I AS d SET state = 'processed'
            WHERE d.state = 'analysed' AND d.action = 'skip'$sql$, data_table);
        RETURN 0;
    END IF;
    -- Those that the user may not write need not be found one by one.
    permitted := import.refuse_forbidden(job_id, row_ids);
    IF permitted <> '{}' THEN
        PERFORM import.apply_isolated(job_id, permitted, cardinality(permitted) < cardinality(row_ids));
    END IF;
    RETURN cardinality(row_ids);
END
$apply_batch$;
COMMENT ON FUNCTION import.apply_batch(integer) IS 'Applies the next batch of an analysed job; the number of its rows, 0 when none is left';
REVOKE ALL ON FUNCTION import.apply_batch(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_batch(integer) TO authenticated;

-- Applies rows, given in the order of their entities; on a violation halves them, down to the row at fault.
CREATE OR REPLACE FUNCTION import.apply_isolated(job_id integer, row_ids bigint[], is_part boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $apply_isolated$
DECLARE
    middle integer := cardinality(row_ids) / 2;
    message text;
    detail text;
    state text;
    constraint_name text;
    table_name text;
    column_name text;
    finding jsonb;
BEGIN
    BEGIN
        PERFORM import.apply_rows(job_id, row_ids, is_part);
        RETURN;
    -- What a trigger of the installation refuses comes as raise_exception, a value too long for an index as program_limit_exceeded.
    EXCEPTION WHEN integrity_constraint_violation OR data_exception OR insufficient_privilege OR with_check_option_violation
        OR raise_exception OR program_limit_exceeded THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, state = RETURNED_SQLSTATE,
            constraint_name = CONSTRAINT_NAME, table_name = TABLE_NAME, column_name = COLUMN_NAME;
    END;
    IF middle > 0 THEN
        PERFORM import.apply_isolated(job_id, row_ids[:middle], true);
        PERFORM import.apply_isolated(job_id, row_ids[middle + 1:], true);
        RETURN;
    END IF;

    finding := jsonb_strip_nulls(jsonb_build_object(
        'code', CASE WHEN state IN ('42501', '44000') THEN 'not_permitted' ELSE 'constraint' END, 'severity', 'error',
        'details', jsonb_build_object('name', coalesce(nullif(constraint_name, ''), nullif(column_name, ''), state), 'table', nullif(table_name, ''),
                                      'sqlstate', state, 'message', message, 'detail', nullif(detail, ''))));
    PERFORM import.refuse_rows(job_id, row_ids, finding);
END
$apply_isolated$;
COMMENT ON FUNCTION import.apply_isolated(integer, bigint[], boolean) IS 'Applies rows of a job so that a row that violates a constraint fails alone';
REVOKE ALL ON FUNCTION import.apply_isolated(integer, bigint[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_isolated(integer, bigint[], boolean) TO authenticated;

-- Rows that the register does not take after all.
CREATE OR REPLACE FUNCTION import.refuse_rows(job_id integer, row_ids bigint[], finding jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $refuse_rows$
DECLARE
    data_table text;
    refused bigint[];
    source_lines bigint[];
BEGIN
    SELECT j.data_table_name INTO STRICT data_table FROM import.job AS j WHERE j.id = refuse_rows.job_id;
    EXECUTE format($sql$
        WITH refused AS (
            UPDATE import.%I AS d SET state = 'error', action = 'skip', batch_seq = NULL, errors = d.errors || jsonb_build_object('row', $1 -> 'code')
            WHERE d.row_id = ANY ($2)
            RETURNING d.row_id, d.source_line)
        SELECT array_agg(r.row_id ORDER BY r.row_id), array_agg(r.source_line ORDER BY r.row_id) FROM refused AS r$sql$, data_table)
    INTO refused, source_lines USING finding, row_ids;
    PERFORM import.store_findings(job_id, refused, source_lines, array_fill(jsonb_build_array(finding), ARRAY[cardinality(refused)]));
END
$refuse_rows$;
COMMENT ON FUNCTION import.refuse_rows(integer, bigint[], jsonb) IS 'Gives rows of a job an error that came up while they were applied';
REVOKE ALL ON FUNCTION import.refuse_rows(integer, bigint[], jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.refuse_rows(integer, bigint[], jsonb) TO authenticated;

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
    refused record;
BEGIN
    SELECT j.data_table_name, j.definition_snapshot AS snapshot INTO STRICT job FROM import.job AS j WHERE j.id = apply_rows.job_id;
    mode := job.snapshot #>> '{import_definition,mode}';
    -- Until the function ends: what is written is kept for an undo of the job.
    PERFORM set_config('statbus.import_job', job_id::text, true);

    PERFORM import.drop_temporary('import_apply', 'import_piece', 'import_span', 'import_result');
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
    USING row_ids;
    ANALYZE pg_temp.import_apply;
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

    SELECT r.part, r.message INTO refused FROM pg_temp.import_result AS r WHERE r.status = 'ERROR' ORDER BY r.row_id, r.part LIMIT 1;
    IF FOUND THEN
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
        WHERE d.row_id = a.row_id$sql$, job.data_table_name,
        CASE mode WHEN 'legal_unit' THEN ', legal_unit_id = a.unit_id, enterprise_id = a.enterprise_id'
                  WHEN 'establishment_formal' THEN ', establishment_id = a.unit_id'
                  WHEN 'establishment_informal' THEN ', establishment_id = a.unit_id, enterprise_id = a.enterprise_id'
                  ELSE '' END);
    PERFORM import.drop_temporary('import_apply', 'import_piece', 'import_span', 'import_result');
END
$apply_rows$;
COMMENT ON FUNCTION import.apply_rows(integer, bigint[], boolean) IS 'Applies rows of a job, all or none';
REVOKE ALL ON FUNCTION import.apply_rows(integer, bigint[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_rows(integer, bigint[], boolean) TO authenticated;

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
BEGIN
    EXECUTE format('ANALYZE pg_temp.%I', source);
    EXECUTE format($sql$
        INSERT INTO pg_temp.import_result (row_id, part, status, message)
        SELECT s.source_row_id, $1, m.status::text, m.message
        FROM temporal.merge(target => $2::regclass, source => $3::regclass, identity_columns => '{id}', mode => $4, natural_keys => $5,
                            ephemeral_columns => '{edit_comment,edit_by_user_id,edit_at,import_job_id,import_source_line}') AS m
        JOIN pg_temp.%I AS s ON s.row_id = m.row_id$sql$, source)
    USING part, 'register.' || part, 'pg_temp.' || source, mode, natural_keys;
    PERFORM import.drop_temporary(source);
END
$apply_merge$;
COMMENT ON FUNCTION import.apply_merge(text, text, temporal.merge_mode, jsonb) IS 'Merges a temporary table into a table of units and notes what became of each row';
REVOKE ALL ON FUNCTION import.apply_merge(text, text, temporal.merge_mode, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_merge(text, text, temporal.merge_mode, jsonb) TO authenticated;

-- Units: ids and enterprises of new ones, then the slices.
--
-- The period of a row is cut into pieces: what the unit's slices cover, and what is new time. A piece on a slice keeps what
-- the file does not speak of: enterprise, primary flag, columns that the definition does not map. New time takes them from
-- the slice before it, or after it. Who is primary is decided for new time and for a changed owner only.
CREATE OR REPLACE FUNCTION import.apply_units(job_id integer, is_part boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_units$
DECLARE
    job record;
    mode text;
    strategy text;
    unit_table text;
    owner_column text;
    primary_column text;
    mapped text[];
    carried text := '';
    col record;
    piece_columns text;
BEGIN
    SELECT j.data_table_name, j.definition_snapshot AS snapshot,
           (SELECT s.id FROM register.status AS s WHERE s.assigned_by_default AND s.enabled) AS status_id
    INTO STRICT job FROM import.job AS j WHERE j.id = apply_units.job_id;
    mode := job.snapshot #>> '{import_definition,mode}';
    strategy := job.snapshot #>> '{import_definition,strategy}';
    unit_table := CASE mode WHEN 'legal_unit' THEN 'legal_unit' ELSE 'establishment' END;
    owner_column := CASE mode WHEN 'establishment_formal' THEN 'legal_unit_id' ELSE 'enterprise_id' END;
    primary_column := 'primary_for_' || left(owner_column, -3);
    mapped := ARRAY(SELECT left(p.column_name, -4) FROM import.plan_column(job.snapshot) AS p
                    WHERE p.purpose = 'source_input' AND num_nonnulls(p.source_column_name, p.source_value, p.source_expression) > 0);

    -- Rows of a new unit share the id that one of them gets; a sibling that was applied before may have it already.
    IF is_part THEN
        EXECUTE format($sql$
            UPDATE pg_temp.import_apply AS a SET unit_id = s.unit_id
            FROM (SELECT d.founding_row_id, min(d.%1$I) AS unit_id FROM import.%2$I AS d
                  WHERE d.state = 'processed' AND d.operation = 'insert' AND d.%1$I IS NOT NULL GROUP BY d.founding_row_id) AS s
            WHERE a.unit_id IS NULL AND s.founding_row_id = a.founding_row_id$sql$, unit_table || '_id', job.data_table_name);
    END IF;
    EXECUTE format($sql$
        WITH new AS (
            SELECT n.founding_row_id, n.row_id, nextval(pg_get_serial_sequence('register.%1$s', 'id')) AS unit_id
            FROM (SELECT a.founding_row_id, min(a.row_id) AS row_id FROM pg_temp.import_apply AS a
                  WHERE a.unit_id IS NULL GROUP BY a.founding_row_id ORDER BY a.founding_row_id) AS n)
        UPDATE pg_temp.import_apply AS a SET unit_id = n.unit_id, founds = a.row_id = n.row_id
        FROM new AS n WHERE n.founding_row_id = a.founding_row_id AND a.unit_id IS NULL$sql$, unit_table);

    -- An enterprise of its own for each new legal unit and each new informal establishment.
    IF mode <> 'establishment_formal' THEN
        UPDATE pg_temp.import_apply AS a SET enterprise_id = n.enterprise_id
        FROM (SELECT x.unit_id, nextval(pg_get_serial_sequence('register.enterprise', 'id')) AS enterprise_id
              FROM (SELECT y.unit_id FROM pg_temp.import_apply AS y WHERE y.founds ORDER BY y.row_id) AS x) AS n
        WHERE n.unit_id = a.unit_id;
        INSERT INTO register.enterprise (id, edit_comment, edit_by_user_id, edit_at, import_job_id, import_source_line)
        OVERRIDING SYSTEM VALUE
        SELECT a.enterprise_id, a.edit_comment, a.edit_by_user_id, a.edit_at, apply_units.job_id, a.source_line
        FROM pg_temp.import_apply AS a
        WHERE a.founds
        ORDER BY a.row_id;
    END IF;

    -- Columns of the unit. What the definition does not map stays as it is.
    FOR col IN
        SELECT a.attname AS name,
               CASE a.attname WHEN 'sector_id' THEN 'sector_code' WHEN 'unit_size_id' THEN 'unit_size_code' WHEN 'legal_form_id' THEN 'legal_form_code' ELSE a.attname END AS source
        FROM pg_attribute AS a
        WHERE a.attrelid = format('register.%I', unit_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        AND a.attname NOT IN ('id', 'valid_from', 'valid_until', 'edit_comment', 'edit_by_user_id', 'edit_at', 'import_job_id', 'import_source_line',
                              'status_id', 'data_source_id', 'enterprise_id', 'legal_unit_id', 'primary_for_enterprise', 'primary_for_legal_unit')
        ORDER BY a.attnum
    LOOP
        carried := carried || CASE WHEN col.source = ANY (mapped) THEN format(', a.%I', col.name)
                                   ELSE format(', s.%I', col.name) END;
    END LOOP;

    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_piece AS
        SELECT row_number() OVER (ORDER BY a.row_id, s.piece_from) AS row_id, a.row_id AS source_row_id, a.unit_id AS id,
               s.piece_from AS valid_from, s.piece_until AS valid_until,
               coalesce(a.status_id, CASE WHEN s.is_covered THEN s.status_id ELSE %5$L::integer END) AS status_id, a.data_source_id,
               %6$s AS %3$I,
               CASE WHEN s.is_covered AND %6$s = s.%3$I THEN s.%4$I END AS %4$I
               %7$s,
               a.edit_comment, a.edit_by_user_id, a.edit_at, $1 AS import_job_id, a.source_line AS import_source_line
        FROM pg_temp.import_apply AS a
        CROSS JOIN LATERAL (
            SELECT greatest(t.valid_from, a.valid_from) AS piece_from, least(t.valid_until, a.valid_until) AS piece_until, true AS is_covered, t.*
            FROM register.%1$I AS t
            WHERE NOT a.founds AND t.id = a.unit_id AND t.valid_from < a.valid_until AND a.valid_from < t.valid_until
            UNION ALL
            SELECT lower(g.gap), upper(g.gap), false, n.*
            FROM (SELECT unnest(datemultirange(daterange(a.valid_from, a.valid_until)) - coalesce(
                      (SELECT range_agg(t.valid_range) FROM register.%1$I AS t WHERE NOT a.founds AND t.id = a.unit_id), '{}'::datemultirange)) AS gap) AS g
            LEFT JOIN LATERAL (
                SELECT t.* FROM register.%1$I AS t
                WHERE NOT a.founds AND t.id = a.unit_id
                ORDER BY t.valid_from < lower(g.gap) DESC, CASE WHEN t.valid_from < lower(g.gap) THEN t.valid_from END DESC, t.valid_from
                LIMIT 1) AS n ON true
            WHERE %2$L) AS s$sql$,
        unit_table, strategy NOT IN ('replace_only', 'update_only'), owner_column, primary_column, job.status_id,
        -- A link given by the file, the own enterprise of a new unit, or what the unit has.
        CASE mode WHEN 'establishment_formal' THEN 'coalesce(a.legal_unit_id, s.legal_unit_id)'
                  ELSE 'coalesce(s.enterprise_id, a.enterprise_id)' END,
        carried)
    USING job_id;
    ANALYZE pg_temp.import_piece;
    -- Of a new unit's rows the later ones take the enterprise of the first; an applied sibling has it in the register.
    IF mode <> 'establishment_formal' THEN
        UPDATE pg_temp.import_apply AS a SET enterprise_id = p.enterprise_id
        FROM (SELECT DISTINCT ON (x.source_row_id) x.source_row_id, x.enterprise_id FROM pg_temp.import_piece AS x ORDER BY x.source_row_id, x.row_id) AS p
        WHERE p.source_row_id = a.row_id AND a.enterprise_id IS NULL;
    END IF;

    -- Primary, at each time: nobody while another unit of the owner is; else the first piece of the owner.
    PERFORM import.drop_temporary('import_turn');
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_turn AS
        SELECT p.row_id AS place, p.%3$I AS owner_id, p.id AS unit_id, '{}'::datemultirange AS mine,
               datemultirange(daterange(p.valid_from, p.valid_until)) - coalesce(
                   (SELECT range_agg(t.valid_range) FROM register.%1$I AS t
                    WHERE t.%3$I = p.%3$I AND t.%2$I AND t.id <> p.id AND t.valid_from < p.valid_until AND p.valid_from < t.valid_until), '{}') AS free
        FROM pg_temp.import_piece AS p
        WHERE p.%2$I IS NULL$sql$, unit_table, primary_column, owner_column);
    PERFORM import.take_turns();
    -- A piece that is primary for a part of its time is cut.
    SELECT string_agg(format('p.%I', c.attname), ', ' ORDER BY c.attnum) INTO piece_columns
    FROM pg_attribute AS c
    WHERE c.attrelid = 'pg_temp.import_piece'::regclass AND c.attnum > 0 AND NOT c.attisdropped
    AND c.attname NOT IN ('row_id', 'valid_from', 'valid_until', primary_column);
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_cut AS
        SELECT row_number() OVER (ORDER BY p.row_id, c.part) AS row_id, lower(c.part) AS valid_from, upper(c.part) AS valid_until,
               coalesce(p.%1$I, c.is_primary) AS %1$I, %2$s
        FROM pg_temp.import_piece AS p
        LEFT JOIN pg_temp.import_turn AS n ON n.place = p.row_id
        CROSS JOIN LATERAL (SELECT true AS is_primary, unnest(n.mine) AS part
                            UNION ALL
                            SELECT false, unnest(datemultirange(daterange(p.valid_from, p.valid_until)) - coalesce(n.mine, '{}'))) AS c$sql$,
        primary_column, piece_columns);
    DROP TABLE pg_temp.import_piece;
    ALTER TABLE pg_temp.import_cut RENAME TO import_piece;
    ANALYZE pg_temp.import_piece;
    -- Where a primary unit leaves its owner.
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_left AS
        SELECT t.%3$I AS owner_id, range_agg(t.valid_range * daterange(p.valid_from, p.valid_until)) AS span, min(p.source_row_id) AS row_id
        FROM pg_temp.import_piece AS p
        JOIN register.%1$I AS t ON t.id = p.id AND t.valid_from < p.valid_until AND p.valid_from < t.valid_until
        WHERE t.%2$I AND t.%3$I <> p.%3$I
        GROUP BY t.%3$I$sql$, unit_table, primary_column, owner_column);

    -- Where what hangs on the unit may be.
    IF strategy IN ('replace_only', 'update_only') THEN
        CREATE TEMPORARY TABLE import_span AS
        SELECT p.source_row_id AS row_id, p.valid_from, p.valid_until FROM pg_temp.import_piece AS p;
    ELSE
        CREATE TEMPORARY TABLE import_span AS
        SELECT a.row_id, a.valid_from, a.valid_until FROM pg_temp.import_apply AS a;
    END IF;
    ANALYZE pg_temp.import_span;
    PERFORM import.apply_merge(unit_table, 'import_piece', import.merge_mode(strategy, false), '[]');
    PERFORM import.apply_heirs(job_id, unit_table, owner_column, primary_column);
END
$apply_units$;
COMMENT ON FUNCTION import.apply_units(integer, boolean) IS 'Applies rows: the units themselves, and enterprises for new ones';
REVOKE ALL ON FUNCTION import.apply_units(integer, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_units(integer, boolean) TO authenticated;

-- Shares out time: pg_temp.import_turn has candidates with the time that is free for them, and gives each what is left of it
-- by those of the same owner before it. Of one unit there may be several candidates; they do not compete.
CREATE OR REPLACE FUNCTION import.take_turns()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $take_turns$
DECLARE
    taken bigint;
BEGIN
    LOOP
        WITH first AS MATERIALIZED (
            SELECT DISTINCT ON (t.owner_id) t.place, t.owner_id, t.unit_id, t.free FROM pg_temp.import_turn AS t
            WHERE NOT isempty(t.free)
            ORDER BY t.owner_id, t.place)
        UPDATE pg_temp.import_turn AS t
        SET mine = CASE WHEN t.place = f.place THEN f.free ELSE t.mine END,
            free = CASE WHEN t.place = f.place THEN '{}' ELSE t.free - f.free END
        FROM first AS f
        WHERE f.owner_id = t.owner_id
        AND (t.place = f.place OR t.unit_id <> f.unit_id AND t.free && f.free);
        GET DIAGNOSTICS taken = ROW_COUNT;
        EXIT WHEN taken = 0;
    END LOOP;
END
$take_turns$;
COMMENT ON FUNCTION import.take_turns() IS 'Applies rows: shares out the time in which one of several units can be primary';
REVOKE ALL ON FUNCTION import.take_turns() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.take_turns() TO authenticated;

-- What a primary unit leaves behind when it goes to another owner falls to the oldest of those that stay.
CREATE OR REPLACE FUNCTION import.apply_heirs(job_id integer, unit_table text, owner_column text, primary_column text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_heirs$
BEGIN
    PERFORM import.drop_temporary('import_turn');
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_turn AS
        SELECT row_number() OVER (ORDER BY t.id, t.valid_from) AS place, t.%3$I AS owner_id, t.id AS unit_id, '{}'::datemultirange AS mine,
               datemultirange(t.valid_range) * (l.span - coalesce(
                   (SELECT range_agg(x.valid_range) FROM register.%1$I AS x WHERE x.%3$I = t.%3$I AND x.%2$I), '{}')) AS free, l.row_id
        FROM pg_temp.import_left AS l
        JOIN register.%1$I AS t ON t.%3$I = l.owner_id AND t.valid_range && l.span$sql$, unit_table, primary_column, owner_column);
    DROP TABLE pg_temp.import_left;
    PERFORM import.take_turns();
    IF EXISTS (SELECT FROM pg_temp.import_turn AS t WHERE NOT isempty(t.mine)) THEN
        EXECUTE format($sql$
            CREATE TEMPORARY TABLE import_heir AS
            SELECT row_number() OVER (ORDER BY h.place, h.part) AS row_id, h.unit_id AS id, lower(h.part) AS valid_from, upper(h.part) AS valid_until, true AS %1$I,
                   'primary in place of a unit that left' AS edit_comment, a.edit_by_user_id, a.edit_at, $1 AS import_job_id, a.source_line AS import_source_line
            FROM (SELECT t.place, t.unit_id, t.row_id, unnest(t.mine) AS part FROM pg_temp.import_turn AS t) AS h
            JOIN pg_temp.import_apply AS a ON a.row_id = h.row_id$sql$, primary_column)
        USING job_id;
        PERFORM temporal.merge(target => ('register.' || unit_table)::regclass, source => 'pg_temp.import_heir', identity_columns => '{id}', mode => 'PATCH_FOR_PORTION_OF',
                               ephemeral_columns => '{edit_comment,edit_by_user_id,edit_at,import_job_id,import_source_line}');
        DROP TABLE pg_temp.import_heir;
    END IF;
    DROP TABLE pg_temp.import_turn;
END
$apply_heirs$;
COMMENT ON FUNCTION import.apply_heirs(integer, text, text, text) IS 'Applies rows: who is primary where a primary unit went to another owner';
REVOKE ALL ON FUNCTION import.apply_heirs(integer, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_heirs(integer, text, text, text) TO authenticated;

-- Rows about known units of either kind: their periods within the lives of the units.
CREATE OR REPLACE FUNCTION import.apply_generic_spans()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $apply_generic_spans$
BEGIN
    CREATE TEMPORARY TABLE import_span AS
    SELECT x.row_id, lower(x.span) AS valid_from, upper(x.span) AS valid_until
    FROM (SELECT a.row_id, unnest(range_agg(t.valid_range) * datemultirange(daterange(a.valid_from, a.valid_until))) AS span
          FROM pg_temp.import_apply AS a
          JOIN (SELECT 'legal_unit' AS unit_type, lu.id, lu.valid_range FROM register.legal_unit AS lu
                UNION ALL
                SELECT 'establishment', es.id, es.valid_range FROM register.establishment AS es) AS t
              ON t.unit_type = a.unit_type AND t.id = a.unit_id
          GROUP BY a.row_id, a.valid_from, a.valid_until) AS x;
END
$apply_generic_spans$;
COMMENT ON FUNCTION import.apply_generic_spans() IS 'Applies rows about known units: cuts their periods to the lives of the units';
REVOKE ALL ON FUNCTION import.apply_generic_spans() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_generic_spans() TO authenticated;

-- Identifiers that the unit does not have yet.
CREATE OR REPLACE FUNCTION import.apply_identifiers(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_identifiers$
DECLARE
    snapshot jsonb;
    owner_column text;
    c record;
BEGIN
    SELECT j.definition_snapshot INTO STRICT snapshot FROM import.job AS j WHERE j.id = apply_identifiers.job_id;
    owner_column := CASE snapshot #>> '{import_definition,mode}' WHEN 'legal_unit' THEN 'legal_unit_id' ELSE 'establishment_id' END;
    FOR c IN
        SELECT t.id AS type_id, t.shape::text AS shape,
               CASE t.shape WHEN 'regular' THEN 'ident' ELSE 'idents' END AS target,
               CASE t.shape WHEN 'regular' THEN t.code || '_raw' ELSE t.code || '_path' END AS column_name
        FROM import.plan_column(snapshot) AS p
        JOIN register.external_ident_type AS t ON t.id = p.external_ident_type_id
        WHERE p.step_code = 'external_idents' AND p.purpose = 'source_input'
        GROUP BY t.id, t.shape, t.code
        ORDER BY t.id
    LOOP
        EXECUTE format($sql$
            WITH given AS (
                SELECT DISTINCT ON (a.unit_id) a.unit_id, a.row_id, a.%3$I AS ident, a.edit_comment, a.edit_by_user_id, a.edit_at, a.source_line
                FROM pg_temp.import_apply AS a
                WHERE a.%3$I IS NOT NULL
                AND NOT EXISTS (SELECT FROM register.external_ident AS e WHERE e.%4$I = a.unit_id AND e.type_id = $1)
                ORDER BY a.unit_id, a.row_id),
            written AS (
                INSERT INTO register.external_ident (type_id, shape, %2$I, %4$I, labels, edit_comment, edit_by_user_id, edit_at, import_job_id, import_source_line)
                SELECT $1, t.shape, g.ident, g.unit_id, t.labels, g.edit_comment, g.edit_by_user_id, g.edit_at, $2, g.source_line
                FROM given AS g
                JOIN register.external_ident_type AS t ON t.id = $1
                ORDER BY g.row_id)
            INSERT INTO pg_temp.import_result (row_id, part, status)
            SELECT g.row_id, 'external_ident', 'APPLIED' FROM given AS g$sql$,
            NULL, c.target, c.column_name, owner_column)
        USING c.type_id, job_id;
    END LOOP;
END
$apply_identifiers$;
COMMENT ON FUNCTION import.apply_identifiers(integer) IS 'Applies rows: the identifiers of their units';
REVOKE ALL ON FUNCTION import.apply_identifiers(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_identifiers(integer) TO authenticated;

-- What hangs on units: locations, activities, contact, statistics, tags. Only rows that say something about a part write it.
CREATE OR REPLACE FUNCTION import.apply_parts(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_parts$
DECLARE
    audit CONSTANT text := 'a.edit_comment, a.edit_by_user_id, a.edit_at, $1 AS import_job_id, a.source_line AS import_source_line';
    snapshot jsonb;
    strategy text;
    part_mode temporal.merge_mode;
    columns_mode temporal.merge_mode;
    has text[];
    mapped text[];
    kind text;
    owner text;
    channels text;
    selects text[];
    stat record;
BEGIN
    SELECT j.definition_snapshot INTO STRICT snapshot FROM import.job AS j WHERE j.id = apply_parts.job_id;
    strategy := snapshot #>> '{import_definition,strategy}';
    part_mode := import.merge_mode(strategy, true);
    -- Of an address or a contact, columns that the definition does not map stay as they are, also where a row replaces.
    columns_mode := CASE part_mode WHEN 'MERGE_ENTITY_REPLACE' THEN 'MERGE_ENTITY_UPSERT' ELSE part_mode END;
    has := ARRAY(SELECT p.column_name FROM import.plan_column(snapshot) AS p);
    mapped := ARRAY(SELECT left(p.column_name, -4) FROM import.plan_column(snapshot) AS p
                    WHERE p.purpose = 'source_input' AND num_nonnulls(p.source_column_name, p.source_value, p.source_expression) > 0);

    FOREACH owner IN ARRAY ARRAY['legal_unit', 'establishment'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_temp.import_apply AS a WHERE a.unit_type = owner);

        FOREACH kind IN ARRAY ARRAY['physical', 'postal'] LOOP
            CONTINUE WHEN NOT kind || '_country_id' = ANY (has);
            PERFORM import.apply_part(job_id, 'location', ARRAY[format($sql$
                SELECT a.row_id AS source_row_id, x.valid_from, x.valid_until, %1$L::register.location_type AS type, a.unit_id AS %2$I%3$s,
                       %4$s AS country_id, a.data_source_id, %5$s
                FROM pg_temp.import_apply AS a JOIN pg_temp.import_span AS x ON x.row_id = a.row_id
                WHERE a.unit_type = %6$L AND a.%7$I IS NOT NULL$sql$,
                kind, owner || '_id',
                (SELECT string_agg(CASE WHEN c.name = 'region_code'
                            THEN format(', a.%1$I AS region_id, (SELECT r.version_id FROM register.region AS r WHERE r.id = a.%1$I) AS region_version_id', kind || '_region_id')
                            ELSE format(', a.%I AS %I', kind || '_' || c.name, c.name) END, '' ORDER BY c.place)
                 FROM unnest('{address_part1,address_part2,address_part3,postcode,postplace,region_code,latitude,longitude,altitude}'::text[]) WITH ORDINALITY AS c (name, place)
                 WHERE kind || '_' || c.name = ANY (mapped) AND NOT (kind = 'postal' AND c.name LIKE '%tude')),
                -- An address without a country is in this one; but patching one that is elsewhere leaves it there, unless it gets a region.
                CASE WHEN part_mode = 'MERGE_ENTITY_PATCH' THEN format($sql$CASE WHEN a.%1$I IS NULL AND a.%5$I IS NULL THEN coalesce(
                        (SELECT l.country_id FROM register.location AS l
                         WHERE l.%2$I = a.unit_id AND l.type = %3$L AND l.valid_from < x.valid_until AND x.valid_from < l.valid_until
                         ORDER BY l.valid_from DESC LIMIT 1), a.%4$I) ELSE a.%4$I END$sql$, kind || '_country_iso_2_raw', owner || '_id', kind, kind || '_country_id', kind || '_region_id')
                     ELSE format('a.%I', kind || '_country_id') END,
                audit, owner, kind || '_country_id')], columns_mode, format('[["%s_id", "type"]]', owner)::jsonb);
            -- Who moves abroad leaves his region.
            PERFORM import.apply_part(job_id, 'location', ARRAY[format($sql$
                SELECT a.row_id AS source_row_id, greatest(l.valid_from, x.valid_from) AS valid_from, least(l.valid_until, x.valid_until) AS valid_until,
                       l.id, NULL::integer AS region_id, NULL::integer AS region_version_id, %1$s
                FROM pg_temp.import_apply AS a
                JOIN pg_temp.import_span AS x ON x.row_id = a.row_id
                JOIN register.location AS l ON l.%2$I = a.unit_id AND l.type = %3$L AND l.valid_from < x.valid_until AND x.valid_from < l.valid_until
                WHERE a.unit_type = %4$L AND a.%5$I IS NOT NULL AND a.%6$I IS NULL
                AND l.region_id IS NOT NULL AND l.country_id <> (SELECT s.country_id FROM register.settings AS s)$sql$,
                audit, owner || '_id', kind, owner, kind || '_country_iso_2_raw', kind || '_region_id')], 'UPDATE_FOR_PORTION_OF', '[]');
        END LOOP;

        selects := '{}';
        FOREACH kind IN ARRAY ARRAY['primary', 'secondary'] LOOP
            CONTINUE WHEN NOT kind || '_activity_category_id' = ANY (has);
            selects := selects || format($sql$
                SELECT a.row_id AS source_row_id, x.valid_from, x.valid_until, %1$L::register.activity_type AS type, a.unit_id AS %2$I,
                       a.%3$I AS category_id, a.data_source_id, %4$s
                FROM pg_temp.import_apply AS a JOIN pg_temp.import_span AS x ON x.row_id = a.row_id
                WHERE a.unit_type = %5$L AND a.%3$I IS NOT NULL$sql$,
                kind, owner || '_id', kind || '_activity_category_id', audit, owner);
        END LOOP;
        PERFORM import.apply_part(job_id, 'activity', selects, part_mode, format('[["%s_id", "type"]]', owner)::jsonb);

        SELECT string_agg(format('a.%I', c.name), ', ') INTO channels
        FROM unnest('{web_address,email_address,phone_number,landline,mobile_number,fax_number}'::text[]) AS c (name)
        WHERE c.name = ANY (mapped);
        IF channels IS NOT NULL THEN
            PERFORM import.apply_part(job_id, 'contact', ARRAY[format($sql$
                SELECT a.row_id AS source_row_id, x.valid_from, x.valid_until, a.unit_id AS %1$I, %2$s, a.data_source_id, %3$s
                FROM pg_temp.import_apply AS a JOIN pg_temp.import_span AS x ON x.row_id = a.row_id
                WHERE a.unit_type = %4$L AND num_nonnulls(%2$s) > 0$sql$,
                owner || '_id', channels, audit, owner)], columns_mode, format('[["%s_id"]]', owner)::jsonb);
        END IF;

        selects := '{}';
        FOR stat IN
            SELECT d.id, d.code, d.type::text AS type
            FROM import.plan_column(snapshot) AS p
            JOIN register.stat_definition AS d ON d.id = p.stat_definition_id AND d.code = p.column_name
            WHERE p.purpose = 'internal'
            ORDER BY d.id
        LOOP
            selects := selects || format($sql$
                SELECT a.row_id AS source_row_id, x.valid_from, x.valid_until, %1$s AS stat_definition_id, a.unit_id AS %2$I,
                       %3$s::integer AS value_int, %4$s::double precision AS value_float, %5$s::varchar AS value_string, %6$s::boolean AS value_bool,
                       a.data_source_id, %7$s
                FROM pg_temp.import_apply AS a JOIN pg_temp.import_span AS x ON x.row_id = a.row_id
                WHERE a.unit_type = %8$L AND a.%9$I IS NOT NULL$sql$,
                stat.id, owner || '_id',
                CASE stat.type WHEN 'int' THEN format('a.%I', stat.code) ELSE 'NULL' END, CASE stat.type WHEN 'float' THEN format('a.%I', stat.code) ELSE 'NULL' END,
                CASE stat.type WHEN 'string' THEN format('a.%I', stat.code) ELSE 'NULL' END, CASE stat.type WHEN 'bool' THEN format('a.%I', stat.code) ELSE 'NULL' END,
                audit, owner, stat.code);
        END LOOP;
        PERFORM import.apply_part(job_id, 'stat_for_unit', selects, part_mode, format('[["%s_id", "stat_definition_id"]]', owner)::jsonb);

        IF 'tag_id' = ANY (has) THEN
            -- Who gives no tag needs no right to.
            CONTINUE WHEN NOT EXISTS (SELECT FROM pg_temp.import_apply AS a WHERE a.tag_id IS NOT NULL);
            EXECUTE format($sql$
                WITH given AS (
                    SELECT DISTINCT ON (a.unit_id, a.tag_id) a.unit_id, a.tag_id, a.row_id, a.edit_comment, a.edit_by_user_id, a.edit_at, a.source_line
                    FROM pg_temp.import_apply AS a
                    WHERE a.unit_type = %2$L AND a.tag_id IS NOT NULL
                    AND NOT EXISTS (SELECT FROM register.tag_for_unit AS t WHERE t.%1$I = a.unit_id AND t.tag_id = a.tag_id)
                    ORDER BY a.unit_id, a.tag_id, a.row_id),
                written AS (
                    INSERT INTO register.tag_for_unit (tag_id, %1$I, edit_comment, edit_by_user_id, edit_at, import_job_id, import_source_line)
                    SELECT g.tag_id, g.unit_id, g.edit_comment, g.edit_by_user_id, g.edit_at, $1, g.source_line FROM given AS g ORDER BY g.row_id)
                INSERT INTO pg_temp.import_result (row_id, part, status)
                SELECT g.row_id, 'tag_for_unit', 'APPLIED' FROM given AS g$sql$, owner || '_id', owner)
            USING job_id;
        END IF;
    END LOOP;
END
$apply_parts$;
COMMENT ON FUNCTION import.apply_parts(integer) IS 'Applies rows: what hangs on their units';
REVOKE ALL ON FUNCTION import.apply_parts(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_parts(integer) TO authenticated;

-- Merges the union of SELECTs, whose $1 is the job, into one table of parts.
CREATE OR REPLACE FUNCTION import.apply_part(job_id integer, part text, selects text[], mode temporal.merge_mode, natural_keys jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_part$
DECLARE
    filled boolean;
BEGIN
    IF selects = '{}' THEN
        RETURN;
    END IF;
    PERFORM import.drop_temporary('import_part');
    EXECUTE format('CREATE TEMPORARY TABLE import_part AS SELECT row_number() OVER (ORDER BY u.source_row_id, u.valid_from) AS row_id, u.* FROM (%s) AS u',
                   replace(array_to_string(selects, ' UNION ALL '), '$1', job_id::text));
    SELECT EXISTS (SELECT FROM pg_temp.import_part) INTO filled;
    IF filled THEN
        PERFORM import.apply_merge(part, 'import_part', mode, natural_keys);
    END IF;
    PERFORM import.drop_temporary('import_part');
END
$apply_part$;
COMMENT ON FUNCTION import.apply_part(integer, text, text[], temporal.merge_mode, jsonb) IS 'Applies rows: one table of parts of units';
REVOKE ALL ON FUNCTION import.apply_part(integer, text, text[], temporal.merge_mode, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_part(integer, text, text[], temporal.merge_mode, jsonb) TO authenticated;

CREATE OR REPLACE FUNCTION import.apply_relationships(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $apply_relationships$
DECLARE
    strategy text;
BEGIN
    SELECT j.definition_snapshot #>> '{import_definition,strategy}' INTO STRICT strategy
    FROM import.job AS j WHERE j.id = apply_relationships.job_id;
    PERFORM import.drop_temporary('import_part');
    CREATE TEMPORARY TABLE import_part AS
    SELECT row_number() OVER (ORDER BY a.row_id) AS row_id, a.row_id AS source_row_id, a.valid_from, a.valid_until,
           a.influencing_id, a.influenced_id, a.type_id, t.primary_influencer_only, a.percentage,
           a.edit_comment, a.edit_by_user_id, a.edit_at, apply_relationships.job_id AS import_job_id, a.source_line AS import_source_line
    FROM pg_temp.import_apply AS a
    JOIN register.legal_rel_type AS t ON t.id = a.type_id;
    PERFORM import.apply_merge('legal_relationship', 'import_part', import.merge_mode(strategy, false), '[["influencing_id", "influenced_id", "type_id"]]');
END
$apply_relationships$;
COMMENT ON FUNCTION import.apply_relationships(integer) IS 'Applies rows: relationships between legal units';
REVOKE ALL ON FUNCTION import.apply_relationships(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_relationships(integer) TO authenticated;

-- Application of a job: rows that change nothing. See src/sql/import_apply.sql.
--
-- Most rows of a file that comes again say what the register has. They are found before anything is merged: of each part that
-- a row speaks of there is one slice that holds for the whole period of the row and has what the row says. Where several slices
-- cover the period together, the merge finds out. A unit of which one row may change something is merged with all its rows.
--
-- One statement reads the rows of the batch, and joins them with each part of the register. Units that came together have ids
-- close together: then each part is read once, from the lowest of them to the highest, and merged with the rows; else unit by unit.

-- SQL text of a condition: whether a slice t is of the unit, covers the row's period and holds what row a says.
CREATE OR REPLACE FUNCTION import.held_sql(owner_match text, columns text[], expressions text[], by_patch boolean, others text DEFAULT 'true')
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $held_sql$
    SELECT format('%s AND t.valid_from <= a.valid_from AND a.valid_until <= t.valid_until AND %s AND %s', owner_match, import.same_sql(columns, expressions, by_patch), others)
$held_sql$;
COMMENT ON FUNCTION import.held_sql(text, text[], text[], boolean, text) IS 'SQL text of a condition: whether a slice holds what a row says of a part for the whole of its period';
REVOKE ALL ON FUNCTION import.held_sql(text, text[], text[], boolean, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.held_sql(text, text[], text[], boolean, text) TO authenticated;

-- What a row a of a job's data table can say of its unit: of each part the condition that it says something, and the one on
-- slices t of the part's table by which the register has it already: one slice fulfils it, or none does where the row takes
-- something away (takes). No rows: of such jobs nothing is known before the merge.
CREATE OR REPLACE FUNCTION import.row_parts(snapshot jsonb)
RETURNS TABLE (part text, says text, holds text, takes boolean)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $row_parts$
DECLARE
    mode CONSTANT text := snapshot #>> '{import_definition,mode}';
    owner CONSTANT text := CASE mode WHEN 'legal_unit' THEN 'legal_unit' ELSE 'establishment' END;
    owner_id CONSTANT text := owner || '_id';
    by_patch CONSTANT boolean := snapshot #>> '{import_definition,strategy}' NOT IN ('insert_or_replace', 'replace_only');
    match CONSTANT text := format('t.%1$I = a.%1$I', owner_id);
BEGIN
    IF mode NOT IN ('legal_unit', 'establishment_formal', 'establishment_informal') THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT s.part, s.says, import.held_sql(s.matches, s.columns, s.expressions, by_patch, s.others), false
        FROM import.said_parts(snapshot, owner) AS s;

    -- An identifier is brought where the unit has none of its type.
    RETURN QUERY
        SELECT 'external_ident', format('a.%I IS NOT NULL', t.column_name),
               match || format(' AND t.type_id = %s', t.id), false
        FROM (SELECT DISTINCT x.id, CASE x.shape WHEN 'regular' THEN x.code || '_raw' ELSE x.code || '_path' END AS column_name
              FROM import.plan_column(snapshot) AS p
              JOIN register.external_ident_type AS x ON x.id = p.external_ident_type_id
              WHERE p.step_code = 'external_idents' AND p.purpose = 'source_input') AS t
        ORDER BY t.id;

    -- What a row takes away is not there.
    RETURN QUERY
        SELECT e.part, e.says, format('%s AND t.valid_from < a.valid_until AND a.valid_from < t.valid_until AND %s AND %s',
                                      CASE e.part WHEN owner THEN 't.id = a.' || quote_ident(owner_id) ELSE match END, e.filter, e.held), true
        FROM import.erasures(snapshot, owner) AS e;

    IF EXISTS (SELECT FROM import.plan_column(snapshot) AS p WHERE p.column_name = 'tag_id') THEN
        RETURN QUERY SELECT 'tag_for_unit', 'a.tag_id IS NOT NULL', match || ' AND t.tag_id = a.tag_id', false;
    END IF;
END
$row_parts$;
COMMENT ON FUNCTION import.row_parts(jsonb) IS 'Parts of which rows of a job say something, with SQL texts of conditions: that a row does, and that a slice has it, or still has what the row takes away';
REVOKE ALL ON FUNCTION import.row_parts(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.row_parts(jsonb) TO authenticated;

-- Whether so many units with ids from the lowest to the highest are most of those that the register has there.
CREATE OR REPLACE FUNCTION import.is_stretch(lowest integer, highest integer, unit_count bigint)
RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $is_stretch$
    SELECT is_stretch.highest::bigint - is_stretch.lowest < 3 * is_stretch.unit_count
$is_stretch$;
COMMENT ON FUNCTION import.is_stretch(integer, integer, bigint) IS 'Whether the parts of units are read from the lowest to the highest, not unit by unit; a test replaces it to compare both ways';
REVOKE ALL ON FUNCTION import.is_stretch(integer, integer, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.is_stretch(integer, integer, bigint) TO authenticated;

-- SQL text of a query for the rows of a batch that change nothing, with a number for what they say (shape: import.shape_sql()) and
-- the enterprise of their unit. What every slice t fulfils that is looked at: unit_reach, with %I for the column of the unit, and
-- time_reach, in tables with time. NULL where only the merge can know.
CREATE OR REPLACE FUNCTION import.unchanged_sql(snapshot jsonb, data_table text, batch integer, shape text, unit_reach text, time_reach text)
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $unchanged_sql$
DECLARE
    owner CONSTANT text := CASE snapshot #>> '{import_definition,mode}' WHEN 'legal_unit' THEN 'legal_unit' ELSE 'establishment' END;
    joins text;
    conditions text;
BEGIN
    -- The unit itself is the first part, which every row speaks of.
    SELECT string_agg(format(E'\n%s LATERAL (SELECT %s FROM register.%I AS t WHERE %s AND %s%s) AS p%s ON true',
                             CASE p.says WHEN 'true' THEN 'JOIN' ELSE 'LEFT JOIN' END, CASE p.part WHEN owner THEN 't.enterprise_id' ELSE 'true AS holds' END,
                             p.part, p.holds, format(unit_reach, CASE p.part WHEN owner THEN 'id' ELSE owner || '_id' END),
                             CASE WHEN p.part NOT IN ('external_ident', 'tag_for_unit') THEN ' AND ' || time_reach END, p.place), '' ORDER BY p.place)
               FILTER (WHERE NOT p.takes),
           string_agg(format(E'\nAND (%s OR NOT (%s))',
                             CASE WHEN p.takes THEN format('NOT EXISTS (SELECT FROM register.%I AS t WHERE %s)', p.part, p.holds)
                                  ELSE format('p%s.holds', p.place) END, p.says), '' ORDER BY p.place)
               FILTER (WHERE p.says <> 'true')
    INTO joins, conditions
    FROM import.row_parts(snapshot) WITH ORDINALITY AS p (part, says, holds, takes, place);
    IF joins IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN format($sql$
        SELECT a.row_id, a.founding_row_id, %s AS shape, p1.enterprise_id
        FROM import.%I AS a %s
        WHERE a.batch_seq = %s AND a.state = 'analysed' AND a.action = 'use' AND a.operation <> 'insert' %s$sql$, shape, data_table, joins, batch, conditions);
END
$unchanged_sql$;
COMMENT ON FUNCTION import.unchanged_sql(jsonb, text, integer, text, text, text) IS 'SQL text of a query for the rows of a batch that change nothing; NULL where only a merge can know';
REVOKE ALL ON FUNCTION import.unchanged_sql(jsonb, text, integer, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.unchanged_sql(jsonb, text, integer, text, text, text) TO authenticated;

-- Fills pg_temp.import_same, unless nothing can be in it. How to join is not for statistics to say, which a register may lack that
-- has just grown: every table has an index that begins with the unit.
CREATE OR REPLACE FUNCTION import.find_unchanged(snapshot jsonb, data_table text, batch integer, shape text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET join_collapse_limit = 1
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = on
SET enable_nestloop = on
SET jit = off
AS $find_unchanged$
DECLARE
    reach record;
    is_stretch boolean;
    query text;
BEGIN
    SELECT min(b.unit_id) AS lowest, max(b.unit_id) AS highest, count(*) FILTER (WHERE b.row_id = b.founding_row_id) AS unit_count,
           max(b.valid_from) AS valid_from, min(b.valid_until) AS valid_until
    INTO reach FROM pg_temp.import_batch AS b WHERE b.unit_id IS NOT NULL;
    IF reach.lowest IS NULL THEN
        RETURN false;
    END IF;
    is_stretch := import.is_stretch(reach.lowest, reach.highest, reach.unit_count);
    query := import.unchanged_sql(snapshot, data_table, batch, shape,
                                  CASE WHEN is_stretch THEN format('t.%%I BETWEEN %s AND %s', reach.lowest, reach.highest) ELSE 'true' END,
                                  CASE WHEN is_stretch THEN format('t.valid_from <= %L AND %L <= t.valid_until', reach.valid_from, reach.valid_until) ELSE 'true' END);
    IF query IS NULL THEN
        RETURN false;
    END IF;
    -- Until the function ends.
    PERFORM set_config(CASE WHEN is_stretch THEN 'enable_nestloop' ELSE 'enable_mergejoin' END, 'off', true);
    PERFORM import.drop_temporary('import_same');
    EXECUTE 'CREATE TEMPORARY TABLE import_same AS ' || query;
    RETURN EXISTS (SELECT FROM pg_temp.import_same);
END
$find_unchanged$;
COMMENT ON FUNCTION import.find_unchanged(jsonb, text, integer, text) IS 'Applies rows: finds those of a batch that change nothing; returns whether there are any';
REVOKE ALL ON FUNCTION import.find_unchanged(jsonb, text, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.find_unchanged(jsonb, text, integer, text) TO authenticated;

-- Writes of the rows of the batch that change nothing what a merge would have said of them, and takes them out of the batch.
CREATE OR REPLACE FUNCTION import.skip_unchanged(job_id integer, batch integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $skip_unchanged$
DECLARE
    job record;
    parts text[];
    conditions text[];
BEGIN
    SELECT j.data_table_name, j.definition_snapshot AS snapshot, j.definition_snapshot #>> '{import_definition,mode}' AS mode
    INTO STRICT job FROM import.job AS j WHERE j.id = skip_unchanged.job_id;
    SELECT array_agg(p.part ORDER BY p.part), array_agg(p.says ORDER BY p.part) INTO parts, conditions
    FROM (SELECT x.part, string_agg(x.says, ' OR ') AS says FROM import.row_parts(job.snapshot) AS x
          WHERE x.part NOT IN ('external_ident', 'tag_for_unit') GROUP BY x.part) AS p;
    IF parts IS NULL THEN
        RETURN;
    END IF;
    IF NOT import.find_unchanged(job.snapshot, job.data_table_name, batch, import.shape_sql(conditions)) THEN
        -- The next batch may be another user's, who cannot drop it.
        PERFORM import.drop_temporary('import_same');
        RETURN;
    END IF;
    -- A unit of which one row may change something is merged with all its rows.
    IF (SELECT count(*) FROM pg_temp.import_same) < (SELECT count(*) FROM pg_temp.import_batch) THEN
        DELETE FROM pg_temp.import_same AS s
        WHERE s.founding_row_id IN (SELECT b.founding_row_id FROM pg_temp.import_batch AS b
                                    WHERE NOT EXISTS (SELECT FROM pg_temp.import_same AS x WHERE x.row_id = b.row_id));
    END IF;
    EXECUTE format($sql$
        UPDATE import.%I AS a SET state = 'processed', merge_status = %s%s
        FROM pg_temp.import_same AS r WHERE a.row_id = r.row_id AND a.batch_seq = %s$sql$,
        job.data_table_name, coalesce(import.shape_status_sql(parts, 'SKIPPED_IDENTICAL', 'import_same'), 'NULL'),
        CASE WHEN job.mode <> 'establishment_formal' THEN ', enterprise_id = r.enterprise_id' ELSE '' END, batch);
    WITH taken AS (
        DELETE FROM pg_temp.import_batch AS b USING pg_temp.import_same AS r WHERE r.row_id = b.row_id RETURNING b.row_id)
    INSERT INTO pg_temp.import_outcome (imported, unchanged) SELECT 0, count(*) FROM taken;
    PERFORM import.drop_temporary('import_same');
END
$skip_unchanged$;
COMMENT ON FUNCTION import.skip_unchanged(integer, integer) IS 'Applies rows: those of a batch that change nothing';
REVOKE ALL ON FUNCTION import.skip_unchanged(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.skip_unchanged(integer, integer) TO authenticated;

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
    mapped CONSTANT text[] := import.mapped_columns(snapshot);
    has CONSTANT text[] := ARRAY(SELECT p.column_name FROM import.plan_column(snapshot) AS p);
    home CONSTANT integer := (SELECT s.country_id FROM register.settings AS s);
    match CONSTANT text := format('t.%1$I = a.%1$I', owner_id);
    kind text;
    columns text[];
    expressions text[];
    c record;
BEGIN
    IF mode NOT IN ('legal_unit', 'establishment_formal', 'establishment_informal') THEN
        RETURN;
    END IF;
    columns := ARRAY(
        SELECT x.attname
        FROM pg_attribute AS x
        WHERE x.attrelid = format('register.%I', owner)::regclass AND x.attnum > 0 AND NOT x.attisdropped AND x.attgenerated = ''
        AND x.attname NOT IN ('id', 'valid_from', 'valid_until', 'edit_comment', 'edit_by_user_id', 'edit_at', 'import_job_id', 'import_source_line',
                              'status_id', 'data_source_id', 'enterprise_id', 'legal_unit_id', 'primary_for_enterprise', 'primary_for_legal_unit')
        AND CASE x.attname WHEN 'sector_id' THEN 'sector_code' WHEN 'unit_size_id' THEN 'unit_size_code' WHEN 'legal_form_id' THEN 'legal_form_code' ELSE x.attname END = ANY (mapped)
        ORDER BY x.attnum) || 'data_source_id'::text;
    RETURN QUERY SELECT owner, 'true', import.held_sql('t.id = a.' || quote_ident(owner_id), columns, ARRAY(SELECT format('a.%I', x) FROM unnest(columns) AS x), by_patch,
        '(a.status_id IS NULL OR t.status_id = a.status_id)'
        || CASE mode WHEN 'establishment_formal' THEN ' AND (a.legal_unit_id IS NULL OR t.legal_unit_id = a.legal_unit_id)' ELSE '' END), false;

    -- An identifier is brought where the unit has none of its type.
    RETURN QUERY
        SELECT 'external_ident', format('a.%I IS NOT NULL', t.column_name),
               match || format(' AND t.type_id = %s', t.id), false
        FROM (SELECT DISTINCT x.id, CASE x.shape WHEN 'regular' THEN x.code || '_raw' ELSE x.code || '_path' END AS column_name
              FROM import.plan_column(snapshot) AS p
              JOIN register.external_ident_type AS x ON x.id = p.external_ident_type_id
              WHERE p.step_code = 'external_idents' AND p.purpose = 'source_input') AS t
        ORDER BY t.id;

    FOREACH kind IN ARRAY ARRAY['physical', 'postal'] LOOP
        CONTINUE WHEN NOT kind || '_country_id' = ANY (has);
        SELECT coalesce(array_agg(CASE x.name WHEN 'region_code' THEN 'region_id' ELSE x.name END ORDER BY x.place), '{}') || 'data_source_id'::text,
               coalesce(array_agg(format('a.%I', kind || '_' || CASE x.name WHEN 'region_code' THEN 'region_id' ELSE x.name END) ORDER BY x.place), '{}') || 'a.data_source_id'::text
        INTO columns, expressions
        FROM unnest('{address_part1,address_part2,address_part3,postcode,postplace,region_code,latitude,longitude,altitude}'::text[]) WITH ORDINALITY AS x (name, place)
        WHERE kind || '_' || x.name = ANY (mapped) AND NOT (kind = 'postal' AND x.name LIKE '%tude');
        RETURN QUERY SELECT 'location', format('a.%I IS NOT NULL', kind || '_country_id'),
            import.held_sql(match || format(' AND t.type = %L', kind), columns, expressions, by_patch,
                -- An address without a country stays in the one where it is, unless it gets a region; who moves abroad leaves his region.
                format(CASE WHEN by_patch THEN '(a.%1$I IS NULL AND a.%2$I IS NULL OR t.country_id = a.%3$I)' ELSE 't.country_id = a.%3$I' END
                       || ' AND (a.%1$I IS NULL OR a.%2$I IS NOT NULL OR t.region_id IS NULL OR t.country_id = %4$L)',
                       kind || '_country_iso_2_raw', kind || '_region_id', kind || '_country_id', home)), false;
    END LOOP;

    FOREACH kind IN ARRAY ARRAY['primary', 'secondary'] LOOP
        CONTINUE WHEN NOT kind || '_activity_category_id' = ANY (has);
        RETURN QUERY SELECT 'activity', format('a.%I IS NOT NULL', kind || '_activity_category_id'),
            import.held_sql(match || format(' AND t.type = %L', kind), '{category_id,data_source_id}',
                            ARRAY[format('a.%I', kind || '_activity_category_id'), 'a.data_source_id'], by_patch), false;
    END LOOP;

    columns := ARRAY(SELECT x.name FROM unnest('{web_address,email_address,phone_number,landline,mobile_number,fax_number}'::text[]) AS x (name) WHERE x.name = ANY (mapped));
    IF columns <> '{}' THEN
        expressions := ARRAY(SELECT format('a.%I', x) FROM unnest(columns) AS x);
        RETURN QUERY SELECT 'contact', format('num_nonnulls(%s) > 0', array_to_string(expressions, ', ')),
            import.held_sql(match, columns || 'data_source_id'::text, expressions || 'a.data_source_id'::text, by_patch), false;
    END IF;

    RETURN QUERY
        SELECT 'stat_for_unit', format('a.%I IS NOT NULL', d.code),
               -- Only rows with a number are asked.
               import.held_sql(match || format(' AND t.stat_definition_id = %s', d.id), '{data_source_id}', '{a.data_source_id}', by_patch,
                               import.same_sql(ARRAY['value_' || d.type], ARRAY[format(CASE d.type::text WHEN 'float' THEN 'a.%I::double precision' ELSE 'a.%I' END, d.code)], false)), false
        FROM import.plan_column(snapshot) AS p
        JOIN register.stat_definition AS d ON d.id = p.stat_definition_id AND d.code = p.column_name
        WHERE p.purpose = 'internal'
        ORDER BY d.id;

    -- What a row takes away is not there.
    RETURN QUERY
        SELECT e.part, e.says, format('%s AND t.valid_from < a.valid_until AND a.valid_from < t.valid_until AND %s AND %s',
                                      CASE e.part WHEN owner THEN 't.id = a.' || quote_ident(owner_id) ELSE match END, e.filter, e.held), true
        FROM import.erasures(snapshot, owner) AS e;

    IF 'tag_id' = ANY (has) THEN
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

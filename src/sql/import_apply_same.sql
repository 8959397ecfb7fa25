-- Application of a job: rows that change nothing. See src/sql/import_apply.sql.
--
-- Most rows of a file that comes again say what the register has. They are found before anything is merged: of each part that
-- a row speaks of there is one slice that holds for the whole period of the row and has what the row says. Where several slices
-- cover the period together, the merge finds out. A unit of which one row may change something is merged with all its rows.

-- SQL text of a condition: whether a slice t of a table, that is of the unit and covers the row's period, holds what row a says.
CREATE OR REPLACE FUNCTION import.held_sql(part text, owner_match text, columns text[], expressions text[], by_patch boolean, others text DEFAULT 'true')
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $held_sql$
    SELECT format('EXISTS (SELECT FROM register.%I AS t WHERE %s AND t.valid_from <= a.valid_from AND a.valid_until <= t.valid_until AND %s AND %s)',
                  part, owner_match, import.same_sql(columns, expressions, by_patch), others)
$held_sql$;
COMMENT ON FUNCTION import.held_sql(text, text, text[], text[], boolean, text) IS 'SQL text of a condition: whether one slice holds what a row says of a part for the whole of its period';
REVOKE ALL ON FUNCTION import.held_sql(text, text, text[], text[], boolean, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.held_sql(text, text, text[], text[], boolean, text) TO authenticated;

-- What a row a of a job's data table can say of its unit: of each part the condition that it says something, and the one that
-- the register has it already. No rows: of such jobs nothing is known before the merge.
CREATE OR REPLACE FUNCTION import.row_parts(snapshot jsonb)
RETURNS TABLE (part text, says text, holds text)
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
    RETURN QUERY SELECT owner, 'true', import.held_sql(owner, 't.id = a.' || quote_ident(owner_id), columns, ARRAY(SELECT format('a.%I', x) FROM unnest(columns) AS x), by_patch,
        '(a.status_id IS NULL OR t.status_id = a.status_id)'
        || CASE mode WHEN 'establishment_formal' THEN ' AND (a.legal_unit_id IS NULL OR t.legal_unit_id = a.legal_unit_id)' ELSE '' END);

    -- An identifier is brought where the unit has none of its type.
    RETURN QUERY
        SELECT 'external_ident', format('a.%I IS NOT NULL', t.column_name),
               format('EXISTS (SELECT FROM register.external_ident AS t WHERE t.%1$I = a.%1$I AND t.type_id = %2$s)', owner_id, t.id)
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
            import.held_sql('location', match || format(' AND t.type = %L', kind), columns, expressions, by_patch,
                -- An address without a country stays in the one where it is, unless it gets a region; who moves abroad leaves his region.
                format(CASE WHEN by_patch THEN '(a.%1$I IS NULL AND a.%2$I IS NULL OR t.country_id = a.%3$I)' ELSE 't.country_id = a.%3$I' END
                       || ' AND (a.%1$I IS NULL OR a.%2$I IS NOT NULL OR t.region_id IS NULL OR t.country_id = %4$L)',
                       kind || '_country_iso_2_raw', kind || '_region_id', kind || '_country_id', home));
    END LOOP;

    FOREACH kind IN ARRAY ARRAY['primary', 'secondary'] LOOP
        CONTINUE WHEN NOT kind || '_activity_category_id' = ANY (has);
        RETURN QUERY SELECT 'activity', format('a.%I IS NOT NULL', kind || '_activity_category_id'),
            import.held_sql('activity', match || format(' AND t.type = %L', kind), '{category_id,data_source_id}',
                            ARRAY[format('a.%I', kind || '_activity_category_id'), 'a.data_source_id'], by_patch);
    END LOOP;

    columns := ARRAY(SELECT x.name FROM unnest('{web_address,email_address,phone_number,landline,mobile_number,fax_number}'::text[]) AS x (name) WHERE x.name = ANY (mapped));
    IF columns <> '{}' THEN
        expressions := ARRAY(SELECT format('a.%I', x) FROM unnest(columns) AS x);
        RETURN QUERY SELECT 'contact', format('num_nonnulls(%s) > 0', array_to_string(expressions, ', ')),
            import.held_sql('contact', match, columns || 'data_source_id'::text, expressions || 'a.data_source_id'::text, by_patch);
    END IF;

    RETURN QUERY
        SELECT 'stat_for_unit', format('a.%I IS NOT NULL', d.code),
               import.held_sql('stat_for_unit', match || format(' AND t.stat_definition_id = %s', d.id), ARRAY['value_' || d.type, 'data_source_id'],
                               ARRAY[format(CASE d.type::text WHEN 'float' THEN 'a.%I::double precision' ELSE 'a.%I' END, d.code), 'a.data_source_id'], by_patch)
        FROM import.plan_column(snapshot) AS p
        JOIN register.stat_definition AS d ON d.id = p.stat_definition_id AND d.code = p.column_name
        WHERE p.purpose = 'internal'
        ORDER BY d.id;

    -- What a row takes away is not there.
    RETURN QUERY
        SELECT e.part, e.says, format('NOT EXISTS (SELECT FROM register.%I AS t WHERE %s AND t.valid_from < a.valid_until AND a.valid_from < t.valid_until AND %s AND %s)',
                                      e.part, CASE e.part WHEN owner THEN 't.id = a.' || quote_ident(owner_id) ELSE match END, e.filter, e.held)
        FROM import.erasures(snapshot, owner) AS e;

    IF 'tag_id' = ANY (has) THEN
        RETURN QUERY SELECT 'tag_for_unit', 'a.tag_id IS NOT NULL', format('EXISTS (SELECT FROM register.tag_for_unit AS t WHERE t.%1$I = a.%1$I AND t.tag_id = a.tag_id)', owner_id);
    END IF;
END
$row_parts$;
COMMENT ON FUNCTION import.row_parts(jsonb) IS 'Parts of which rows of a job say something, with SQL texts of conditions: that a row does, and that the register has it';
REVOKE ALL ON FUNCTION import.row_parts(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.row_parts(jsonb) TO authenticated;

-- SQL text of a condition on a row a of the data table: it changes nothing.
CREATE OR REPLACE FUNCTION import.unchanged_sql(snapshot jsonb)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $unchanged_sql$
    SELECT coalesce(format('a.operation <> ''insert'' AND a.%I IS NOT NULL AND ',
                           CASE unchanged_sql.snapshot #>> '{import_definition,mode}' WHEN 'legal_unit' THEN 'legal_unit_id' ELSE 'establishment_id' END)
                    || string_agg(CASE p.says WHEN 'true' THEN p.holds ELSE format('(NOT (%s) OR %s)', p.says, p.holds) END, ' AND '), 'false')
    FROM import.row_parts(unchanged_sql.snapshot) AS p
$unchanged_sql$;
COMMENT ON FUNCTION import.unchanged_sql(jsonb) IS 'SQL text of a condition: whether a row of a job''s data table, a, changes nothing';
REVOKE ALL ON FUNCTION import.unchanged_sql(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.unchanged_sql(jsonb) TO authenticated;

-- Writes of the rows of the batch that change nothing what a merge would have said of them, and takes them out of the batch.
CREATE OR REPLACE FUNCTION import.skip_unchanged(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $skip_unchanged$
DECLARE
    job record;
    said text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_temp.import_batch AS b WHERE b.is_same) THEN
        RETURN;
    END IF;
    SELECT j.data_table_name, j.definition_snapshot AS snapshot, j.definition_snapshot #>> '{import_definition,mode}' AS mode
    INTO STRICT job FROM import.job AS j WHERE j.id = skip_unchanged.job_id;
    SELECT string_agg(format('%L, CASE WHEN %s THEN ''SKIPPED_IDENTICAL'' END', p.part, p.says), ', ') INTO said
    FROM (SELECT x.part, string_agg(x.says, ' OR ') AS says FROM import.row_parts(job.snapshot) AS x
          WHERE x.part NOT IN ('external_ident', 'tag_for_unit') GROUP BY x.part) AS p;
    EXECUTE format($sql$
        UPDATE import.%I AS a SET state = 'processed', merge_status = jsonb_strip_nulls(jsonb_build_object(%s))%s
        FROM pg_temp.import_batch AS b WHERE b.is_same AND b.row_id = a.row_id AND a.row_id BETWEEN %s AND %s$sql$, job.data_table_name, said,
        CASE WHEN job.mode <> 'establishment_formal'
             THEN format(', enterprise_id = (SELECT t.enterprise_id FROM register.%1$I AS t WHERE t.id = a.%2$I AND t.valid_from <= a.valid_from AND a.valid_until <= t.valid_until)',
                         CASE job.mode WHEN 'legal_unit' THEN 'legal_unit' ELSE 'establishment' END, CASE job.mode WHEN 'legal_unit' THEN 'legal_unit_id' ELSE 'establishment_id' END)
             ELSE '' END,
        (SELECT min(b.row_id) FROM pg_temp.import_batch AS b WHERE b.is_same), (SELECT max(b.row_id) FROM pg_temp.import_batch AS b WHERE b.is_same));
    INSERT INTO pg_temp.import_outcome (imported, unchanged) SELECT 0, count(*) FROM pg_temp.import_batch AS b WHERE b.is_same;
    DELETE FROM pg_temp.import_batch AS b WHERE b.is_same;
END
$skip_unchanged$;
COMMENT ON FUNCTION import.skip_unchanged(integer) IS 'Applies rows: those that change nothing';
REVOKE ALL ON FUNCTION import.skip_unchanged(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.skip_unchanged(integer) TO authenticated;

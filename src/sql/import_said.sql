-- What the rows of a job's data table can say of units, for those who compare it with the register: import.row_parts(), which finds
-- rows that change nothing before they are applied, and import.compare_rows_sql(), which foretells what rows will do.

-- The data columns that the file, or the definition, has something for.
CREATE OR REPLACE FUNCTION import.mapped_columns(snapshot jsonb)
RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $mapped_columns$
    SELECT coalesce(array_agg(left(p.column_name, -4)), '{}')
    FROM import.plan_column(snapshot) AS p
    WHERE p.purpose = 'source_input' AND num_nonnulls(p.source_column_name, p.source_value, p.source_expression) > 0
$mapped_columns$;
COMMENT ON FUNCTION import.mapped_columns(jsonb) IS 'The columns of data tables, without _raw, that a definition maps';
REVOKE ALL ON FUNCTION import.mapped_columns(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.mapped_columns(jsonb) TO authenticated;

-- Whether the slice t holds what the row a says; expressions[i] is what it says of columns[i]. by_patch: nothing said changes nothing.
CREATE OR REPLACE FUNCTION import.same_sql(columns text[], expressions text[], by_patch boolean)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $same_sql$
    SELECT coalesce(string_agg(CASE WHEN by_patch THEN format('(%2$s IS NULL OR t.%1$I IS NOT DISTINCT FROM %2$s)', c.name, c.expression)
                                    ELSE format('t.%I IS NOT DISTINCT FROM %s', c.name, c.expression) END, ' AND ' ORDER BY c.place), 'true')
    FROM unnest(columns, expressions) WITH ORDINALITY AS c (name, expression, place)
$same_sql$;
COMMENT ON FUNCTION import.same_sql(text[], text[], boolean) IS 'SQL text of a condition: whether a slice holds what a row says';
REVOKE ALL ON FUNCTION import.same_sql(text[], text[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.same_sql(text[], text[], boolean) TO authenticated;

-- Of each part of units of one kind what a row a can say, and where it stands: condition says holds for rows that speak of the part;
-- the slices t of its table that belong to the row fulfil matches; expressions[i] is what the row says of columns[i], and others
-- what else a slice fulfils that holds what the row says. The unit itself comes first, unless a job is about what hangs on
-- units of any kind. Identifiers and tags are not here: they have no time.
CREATE OR REPLACE FUNCTION import.said_parts(snapshot jsonb, owner text)
RETURNS TABLE (part text, item text, matches text, says text, columns text[], expressions text[], others text)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $said_parts$
DECLARE
    mode CONSTANT text := snapshot #>> '{import_definition,mode}';
    by_patch CONSTANT boolean := snapshot #>> '{import_definition,strategy}' NOT IN ('insert_or_replace', 'replace_only');
    mapped CONSTANT text[] := import.mapped_columns(snapshot);
    has CONSTANT text[] := ARRAY(SELECT p.column_name FROM import.plan_column(snapshot) AS p);
    home CONSTANT integer := (SELECT s.country_id FROM register.settings AS s);
    mine CONSTANT text := format('t.%1$I = a.%1$I', owner || '_id');
    names text[];
BEGIN
    IF mode <> 'generic_unit' THEN
        names := ARRAY(
            SELECT x.attname
            FROM pg_attribute AS x
            WHERE x.attrelid = format('register.%I', owner)::regclass AND x.attnum > 0 AND NOT x.attisdropped AND x.attgenerated = ''
            AND x.attname NOT IN ('id', 'valid_from', 'valid_until', 'edit_comment', 'edit_by_user_id', 'edit_at', 'import_job_id', 'import_source_line',
                                  'status_id', 'data_source_id', 'enterprise_id', 'legal_unit_id', 'primary_for_enterprise', 'primary_for_legal_unit')
            AND CASE x.attname WHEN 'sector_id' THEN 'sector_code' WHEN 'unit_size_id' THEN 'unit_size_code' WHEN 'legal_form_id' THEN 'legal_form_code' ELSE x.attname END = ANY (mapped)
            ORDER BY x.attnum) || 'data_source_id'::text;
        RETURN QUERY SELECT owner, owner, format('t.id = a.%I', owner || '_id'), 'true', names, ARRAY(SELECT format('a.%I', x) FROM unnest(names) AS x),
            '(a.status_id IS NULL OR t.status_id = a.status_id)'
            || CASE mode WHEN 'establishment_formal' THEN ' AND (a.legal_unit_id IS NULL OR t.legal_unit_id = a.legal_unit_id)' ELSE '' END;
    END IF;

    RETURN QUERY
        SELECT 'location', k.kind, format('%s AND t.type = %L', mine, k.kind), format('a.%I IS NOT NULL', k.kind || '_country_id'),
               c.names || 'data_source_id'::text, ARRAY(SELECT format('a.%I', k.kind || '_' || x) FROM unnest(c.names) AS x) || 'a.data_source_id'::text,
               -- An address without a country stays in the one where it is, unless it gets a region; who moves abroad leaves his region.
               format(CASE WHEN by_patch THEN '(a.%1$I IS NULL AND a.%2$I IS NULL OR t.country_id = a.%3$I)' ELSE 't.country_id = a.%3$I' END
                      || ' AND (a.%1$I IS NULL OR a.%2$I IS NOT NULL OR t.region_id IS NULL OR t.country_id IS NOT DISTINCT FROM %4$L)',
                      k.kind || '_country_iso_2_raw', k.kind || '_region_id', k.kind || '_country_id', home)
        FROM unnest('{physical,postal}'::text[]) WITH ORDINALITY AS k (kind, place)
        CROSS JOIN LATERAL (SELECT ARRAY(
            SELECT CASE x.name WHEN 'region_code' THEN 'region_id' ELSE x.name END
            FROM unnest('{address_part1,address_part2,address_part3,postcode,postplace,region_code,latitude,longitude,altitude}'::text[]) WITH ORDINALITY AS x (name, place)
            WHERE k.kind || '_' || x.name = ANY (mapped) AND NOT (k.kind = 'postal' AND x.name LIKE '%tude')
            ORDER BY x.place)) AS c (names)
        WHERE k.kind || '_country_id' = ANY (has)
        ORDER BY k.place;

    RETURN QUERY
        SELECT 'activity', k.kind, format('%s AND t.type = %L', mine, k.kind), format('a.%I IS NOT NULL', k.kind || '_activity_category_id'),
               '{category_id,data_source_id}'::text[], ARRAY[format('a.%I', k.kind || '_activity_category_id'), 'a.data_source_id'], 'true'
        FROM unnest('{primary,secondary}'::text[]) WITH ORDINALITY AS k (kind, place)
        WHERE k.kind || '_activity_category_id' = ANY (has)
        ORDER BY k.place;

    names := ARRAY(SELECT x.name FROM unnest('{web_address,email_address,phone_number,landline,mobile_number,fax_number}'::text[]) AS x (name) WHERE x.name = ANY (mapped));
    IF names <> '{}' THEN
        RETURN QUERY SELECT 'contact', 'contact', mine, format('num_nonnulls(%s) > 0', string_agg(format('a.%I', x.name), ', ' ORDER BY x.place)),
                            names || 'data_source_id'::text, array_agg(format('a.%I', x.name) ORDER BY x.place) || 'a.data_source_id'::text, 'true'
                     FROM unnest(names) WITH ORDINALITY AS x (name, place);
    END IF;

    RETURN QUERY
        SELECT 'stat_for_unit', d.code::text, format('%s AND t.stat_definition_id = %s', mine, d.id), format('a.%I IS NOT NULL', d.code),
               '{data_source_id}'::text[], '{a.data_source_id}'::text[],
               -- Only rows with a number are asked.
               import.same_sql(ARRAY['value_' || d.type], ARRAY[format(CASE d.type::text WHEN 'float' THEN 'a.%I::double precision' ELSE 'a.%I' END, d.code)], false)
        FROM import.plan_column(snapshot) AS p
        JOIN register.stat_definition AS d ON d.id = p.stat_definition_id AND d.code = p.column_name
        WHERE p.purpose = 'internal'
        ORDER BY d.id;
END
$said_parts$;
COMMENT ON FUNCTION import.said_parts(jsonb, text) IS 'Parts of units of one kind that rows of a job speak of, with SQL texts of what they say and where it stands';
REVOKE ALL ON FUNCTION import.said_parts(jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.said_parts(jsonb, text) TO authenticated;

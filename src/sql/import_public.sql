-- Public files: how their cells are read (parts of mappings), and packs of definitions.

-- Part of the plan of a job: what becomes of cells before anything else is done with them. Mappings without any are left out.
CREATE OR REPLACE FUNCTION import.reading_rules(snapshot jsonb)
RETURNS TABLE (column_name text, source_column_name text, words jsonb, cut_at text, max_characters integer, alternatives jsonb)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $reading_rules$
    SELECT c ->> 'column_name', h ->> 'column_name', r.words, m ->> 'cut_at', (m ->> 'max_characters')::integer, r.alternatives
    FROM jsonb_array_elements(snapshot -> 'import_mapping_list') AS m
    CROSS JOIN LATERAL (SELECT nullif(m -> 'words', 'null') AS words, nullif(m -> 'alternatives', 'null') AS alternatives) AS r
    JOIN jsonb_array_elements(snapshot -> 'import_data_column_list') AS c ON c -> 'id' = m -> 'target_data_column_id'
    JOIN jsonb_array_elements(snapshot -> 'import_source_column_list') AS h ON h -> 'id' = m -> 'source_column_id'
    WHERE num_nonnulls(r.words, m ->> 'cut_at', m ->> 'max_characters', r.alternatives) > 0
$reading_rules$;
COMMENT ON FUNCTION import.reading_rules(jsonb) IS 'The mappings of a definition snapshot that change cells: other columns that stand in, where to cut, words for words';
REVOKE ALL ON FUNCTION import.reading_rules(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.reading_rules(jsonb) TO authenticated;

-- One definition of a pack. false: there is one of its slug, which is left as it is.
CREATE OR REPLACE FUNCTION import.install_definition(content jsonb)
RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $install_definition$
DECLARE
    new_id integer;
    unknown text;
BEGIN
    IF EXISTS (SELECT FROM import.definition AS d WHERE d.slug = content ->> 'slug') THEN
        RETURN false;
    END IF;
    INSERT INTO import.definition
        (slug, name, note, data_source_id, strategy, mode, valid_time_from, unique_units, custom, validation_error,
         import_as_null, date_formats, open_end_values, unknown_start_values, unknown_columns)
    SELECT c.slug, c.name, c.note, (SELECT s.id FROM register.data_source AS s WHERE s.code = c.data_source AND s.enabled),
           c.strategy, c.mode, c.valid_time_from, c.valid_time_from = 'job_provided', false, 'not validated yet',
           coalesce(c.import_as_null, '{"",NA,N/A,"NULL",NONE,NaN}'), coalesce(c.date_formats, '{YYYY-MM-DD}'),
           coalesce(c.open_end_values, '{}'), coalesce(c.unknown_start_values, '{}'), coalesce(c.unknown_columns, 'each')
    FROM jsonb_to_record(content) AS c (
        slug text, name text, note text, data_source text, strategy import.strategy, mode import.mode, valid_time_from import.valid_time_from,
        import_as_null text[], date_formats text[], open_end_values text[], unknown_start_values text[], unknown_columns text)
    RETURNING id INTO new_id;

    INSERT INTO import.definition_step (definition_id, step_id)
    SELECT new_id, s.id
    FROM import.step AS s
    WHERE s.code = ANY (
        '{valid_time,length_limits,external_idents,data_source,status,physical_location,postal_location,primary_activity,secondary_activity,
          contact,statistical_variables,tags,edit_info,metadata}'::text[]
        || CASE content ->> 'mode' WHEN 'legal_unit' THEN '{enterprise_link_for_legal_unit,legal_unit}' ELSE '{link_establishment_to_legal_unit,establishment}' END::text[]);

    INSERT INTO import.source_column (definition_id, column_name, priority)
    SELECT new_id, h.heading, row_number() OVER (ORDER BY h.part, h.place)
    FROM (SELECT 1 AS part, c.place, c.item ->> 'heading' AS heading FROM jsonb_array_elements(content -> 'columns') WITH ORDINALITY AS c (item, place)
          UNION ALL
          SELECT 2, c.place, c.heading FROM jsonb_array_elements_text(content -> 'ignored') WITH ORDINALITY AS c (heading, place)) AS h;

    SELECT min(c.item ->> 'target') INTO unknown
    FROM jsonb_array_elements(content -> 'columns') AS c (item)
    WHERE c.item ? 'target'
    AND NOT EXISTS (SELECT FROM import.data_column AS t JOIN import.definition_step AS ds ON ds.step_id = t.step_id
                    WHERE ds.definition_id = new_id AND t.column_name = c.item ->> 'target' || '_raw');
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION 'import definition "%" needs column "%", which imports do not have', content ->> 'slug', unknown
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Is its type of identifier disabled, or of another shape?';
    END IF;
    INSERT INTO import.mapping (definition_id, source_column_id, target_data_column_id, is_ignored, words, cut_at, max_characters, alternatives)
    SELECT new_id, h.id, t.id, t.id IS NULL, c.item -> 'words', c.item ->> 'cut_at', (c.item ->> 'max_characters')::integer, c.item -> 'alternatives'
    FROM import.source_column AS h
    LEFT JOIN jsonb_array_elements(content -> 'columns') AS c (item) ON c.item ->> 'heading' = h.column_name AND c.item ? 'target'
    LEFT JOIN (import.data_column AS t JOIN import.definition_step AS ds ON ds.step_id = t.step_id)
        ON ds.definition_id = new_id AND t.column_name = c.item ->> 'target' || '_raw'
    WHERE h.definition_id = new_id;
    INSERT INTO import.mapping (definition_id, source_expression, target_data_column_id)
    SELECT new_id, 'default', t.id
    FROM import.data_column AS t
    JOIN import.step AS s ON s.id = t.step_id
    WHERE s.code = 'valid_time' AND t.purpose = 'source_input' AND content ->> 'valid_time_from' = 'job_provided';
    RETURN true;
END
$install_definition$;
COMMENT ON FUNCTION import.install_definition(jsonb) IS 'Makes a definition of a pack, unless there is one of its slug; says whether it did';
REVOKE ALL ON FUNCTION import.install_definition(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.install_definition(jsonb) TO admin_user;

-- With the rights of the caller, who may write types of identifier and definitions: an administrator. What is there already, by
-- its code or slug, is left as it is.
CREATE OR REPLACE FUNCTION import.install_pack(code text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $install_pack$
DECLARE
    content jsonb;
    ident_types text[];
    definitions text[] := '{}';
    item jsonb;
BEGIN
    SELECT p.content INTO content FROM import.pack AS p WHERE p.code = install_pack.code;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'import pack "%" does not exist', code USING ERRCODE = 'no_data_found';
    END IF;
    WITH made AS (
        INSERT INTO register.external_ident_type AS t (code, name, description, shape, priority, rule_id)
        SELECT n.item ->> 'code', n.item ->> 'name', n.item ->> 'description', 'regular',
               coalesce((SELECT max(x.priority) FROM register.external_ident_type AS x), 0) + n.place,
               (SELECT r.id FROM register.external_ident_rule AS r WHERE r.code = n.item ->> 'rule')
        FROM jsonb_array_elements(content -> 'ident_types') WITH ORDINALITY AS n (item, place)
        WHERE NOT EXISTS (SELECT FROM register.external_ident_type AS x WHERE x.code = n.item ->> 'code')
        ORDER BY n.place
        RETURNING t.code
    )
    SELECT coalesce(array_agg(m.code ORDER BY m.code), '{}') INTO ident_types FROM made AS m;
    FOR item IN SELECT d.item FROM jsonb_array_elements(content -> 'definitions') WITH ORDINALITY AS d (item, place) ORDER BY d.place LOOP
        IF import.install_definition(item) THEN
            definitions := definitions || (item ->> 'slug');
        END IF;
    END LOOP;
    RETURN jsonb_build_object('pack', code, 'ident_types', ident_types, 'definitions', definitions);
END
$install_pack$;
COMMENT ON FUNCTION import.install_pack(text) IS 'Makes the types of identifier and the definitions of a pack that are not there; says which it made';
REVOKE ALL ON FUNCTION import.install_pack(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.install_pack(text) TO admin_user;

-- What makes a definition fit for use, and how definitions follow the types of identifier and the statistics.

-- Takes the columns of the definition that matter as arguments, because a BEFORE trigger knows them before the table does.
CREATE OR REPLACE FUNCTION import.definition_error(
    definition_id integer, mode text, valid_time_from text, data_source_id integer
)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $definition_error$
    WITH step AS (
        SELECT s.id, s.code, s.priority
        FROM import.definition_step AS ds
        JOIN import.step AS s ON s.id = ds.step_id
        WHERE ds.definition_id = definition_error.definition_id
    ), source AS (
        SELECT h.id, h.column_name, h.priority
        FROM import.source_column AS h
        WHERE h.definition_id = definition_error.definition_id
    ), mapping AS (
        SELECT m.id, m.source_column_id, m.source_value, m.source_expression, m.is_ignored, m.alternatives,
               c.column_name, c.enabled, c.is_uniquely_identifying, c.external_ident_type_id, s.code AS step_code
        FROM import.mapping AS m
        LEFT JOIN import.data_column AS c ON c.id = m.target_data_column_id
        LEFT JOIN import.step AS s ON s.id = c.step_id
        WHERE m.definition_id = definition_error.definition_id
    ), needed (step_code) AS (
        SELECT unnest('{valid_time,edit_info,metadata}'::text[])
        UNION ALL
        SELECT unnest(
            CASE mode
                WHEN 'legal_unit' THEN '{external_idents,legal_unit,enterprise_link_for_legal_unit}'
                WHEN 'establishment_formal' THEN '{external_idents,establishment,link_establishment_to_legal_unit}'
                WHEN 'establishment_informal' THEN '{external_idents,establishment,enterprise_link_for_establishment}'
                WHEN 'generic_unit' THEN '{external_idents,statistical_variables}'
                WHEN 'legal_relationship' THEN '{legal_relationship}'
            END::text[])
    ), problem (position, detail, message) AS (
        SELECT 1, n.step_code, format('step %s is missing', n.step_code)
        FROM needed AS n
        WHERE n.step_code NOT IN (SELECT s.code FROM step AS s)
        UNION ALL
        SELECT 2, min(s.code), format('steps %s have the same priority', string_agg(s.code, ', ' ORDER BY s.code))
        FROM step AS s
        GROUP BY s.priority
        HAVING count(*) > 1
        UNION ALL
        SELECT 3, bound.name,
               CASE valid_time_from
                   WHEN 'source_columns' THEN format('%s is not mapped from a source column', bound.name)
                   ELSE format('%s is not mapped from expression default', bound.name)
               END
        FROM (VALUES ('valid_from'), ('valid_to')) AS bound (name)
        WHERE NOT EXISTS (SELECT
                          FROM mapping AS m
                          WHERE m.column_name = bound.name || '_raw'
                          AND m.step_code = 'valid_time'
                          AND CASE valid_time_from
                                  WHEN 'source_columns' THEN m.source_column_id IS NOT NULL
                                  ELSE m.source_expression = 'default'
                              END)
        UNION ALL
        SELECT 4, '', 'no identifier is mapped'
        WHERE mode <> 'legal_relationship'
        AND NOT EXISTS (SELECT FROM mapping AS m WHERE m.is_uniquely_identifying AND m.enabled)
        UNION ALL
        SELECT 5, '', 'no identifier of the legal unit is mapped'
        WHERE mode = 'establishment_formal'
        AND NOT EXISTS (SELECT
                        FROM mapping AS m
                        WHERE m.step_code = 'link_establishment_to_legal_unit'
                        AND m.external_ident_type_id IS NOT NULL
                        AND m.enabled)
        UNION ALL
        SELECT 6, needed.name, format('%s is not mapped', needed.name)
        FROM (VALUES ('influencing_tax_ident'), ('influenced_tax_ident'), ('rel_type_code')) AS needed (name)
        WHERE mode = 'legal_relationship'
        AND NOT EXISTS (SELECT FROM mapping AS m WHERE m.column_name = needed.name || '_raw')
        UNION ALL
        SELECT 7, '', 'there is no data source, and data_source_code is not mapped'
        WHERE definition_error.data_source_id IS NULL
        AND NOT EXISTS (SELECT FROM mapping AS m WHERE m.column_name = 'data_source_code_raw')
        UNION ALL
        SELECT 8, to_char(h.priority, '0000000000'), format('source column "%s" is neither mapped nor ignored', h.column_name)
        FROM source AS h
        WHERE NOT EXISTS (SELECT FROM mapping AS m WHERE m.source_column_id = h.id)
        UNION ALL
        SELECT 9, to_char(h.priority, '0000000000'), format('source column "%s" is both mapped and ignored', h.column_name)
        FROM source AS h
        WHERE EXISTS (SELECT FROM mapping AS m WHERE m.source_column_id = h.id AND m.is_ignored)
        AND EXISTS (SELECT FROM mapping AS m WHERE m.source_column_id = h.id AND NOT m.is_ignored)
        UNION ALL
        SELECT 10, m.column_name, format('%s is mapped and belongs to step %s, which the definition lacks', m.column_name, m.step_code)
        FROM mapping AS m
        WHERE m.step_code NOT IN (SELECT s.code FROM step AS s)
        UNION ALL
        SELECT 11, '', 'there are no source columns'
        WHERE NOT EXISTS (SELECT FROM source)
        UNION ALL
        SELECT DISTINCT 12, a.name, format('source column "%s" stands in for another one and does not exist', a.name)
        FROM mapping AS m
        CROSS JOIN LATERAL jsonb_path_query(m.alternatives, '$[*][*]') AS q (item)
        CROSS JOIN LATERAL (SELECT q.item #>> '{}' AS name) AS a
        WHERE a.name NOT IN (SELECT s.column_name FROM source AS s)
    )
    SELECT string_agg(p.message, '; ' ORDER BY p.position, p.detail)
    FROM problem AS p
$definition_error$;
COMMENT ON FUNCTION import.definition_error(integer, text, text, integer) IS
    'What keeps jobs from using a definition of this mode, time and data source; NULL: nothing';
REVOKE ALL ON FUNCTION import.definition_error(integer, text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.definition_error(integer, text, text, integer) TO authenticated;

CREATE OR REPLACE FUNCTION import.definition_validate()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $definition_validate$
BEGIN
    NEW.validation_error := import.definition_error(NEW.id, NEW.mode::text, NEW.valid_time_from::text, NEW.data_source_id);
    NEW.valid := NEW.validation_error IS NULL;
    IF TG_OP = 'UPDATE' THEN
        NEW.updated_at := statement_timestamp();
    END IF;
    RETURN NEW;
END
$definition_validate$;
COMMENT ON FUNCTION import.definition_validate() IS 'Trigger: valid and validation_error follow from the definition, whatever is written to them';
REVOKE ALL ON FUNCTION import.definition_validate() FROM PUBLIC;

CREATE OR REPLACE FUNCTION import.validate_definitions(definition_id integer DEFAULT NULL)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $validate_definitions$
    -- The trigger of the table writes the new verdict.
    UPDATE import.definition AS d
    SET valid = d.valid
    WHERE (validate_definitions.definition_id IS NULL OR d.id = validate_definitions.definition_id)
    AND d.validation_error IS DISTINCT FROM import.definition_error(d.id, d.mode::text, d.valid_time_from::text, d.data_source_id)
$validate_definitions$;
COMMENT ON FUNCTION import.validate_definitions(integer) IS 'Judges one definition, or all, anew; the verdict is written where it changed';
REVOKE ALL ON FUNCTION import.validate_definitions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.validate_definitions(integer) TO admin_user;

-- For the tables that a definition consists of: all have a column definition_id.
CREATE OR REPLACE FUNCTION import.definition_part_changed()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $definition_part_changed$
BEGIN
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        PERFORM import.validate_definitions(OLD.definition_id);
    END IF;
    IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND NEW.definition_id <> OLD.definition_id) THEN
        PERFORM import.validate_definitions(NEW.definition_id);
    END IF;
    RETURN NULL;
END
$definition_part_changed$;
COMMENT ON FUNCTION import.definition_part_changed() IS 'Trigger: validates the definition that a step, a source column or a mapping belongs to';
REVOKE ALL ON FUNCTION import.definition_part_changed() FROM PUBLIC;

-- The data columns that types of identifier and statistics ask for. Step, origin, role (the priority) and label name a
-- column for good; its name and type follow the code list.
CREATE OR REPLACE FUNCTION import.wanted_columns()
RETURNS TABLE (
    step_id integer, priority integer, column_name text, column_type text, purpose text, is_uniquely_identifying boolean,
    target_pg_type text, external_ident_type_id integer, ident_label text, stat_definition_id integer, enabled boolean,
    rank integer, "position" bigint
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $wanted_columns$
    SELECT s.id, c.priority, format(c.pattern, side.prefix, t.code), c.column_type, c.purpose, c.purpose = 'source_input' AND side.prefix = '',
           CASE WHEN c.purpose = 'source_input' THEN c.target_pg_type END, t.id, NULL::text, NULL::integer, t.enabled, t.priority, 0::bigint
    FROM register.external_ident_type AS t
    CROSS JOIN (VALUES ('external_idents', ''), ('link_establishment_to_legal_unit', 'legal_unit_')) AS side (step, prefix)
    JOIN import.step AS s ON s.code = side.step
    JOIN (VALUES ('regular', 100, '%s%s_raw', 'text', 'source_input', 'character varying(50)'),
                 ('hierarchical', 110, '%s%s_path', 'ltree', 'internal', NULL))
        AS c (shape, priority, pattern, column_type, purpose, target_pg_type) ON c.shape = t.shape::text
    UNION ALL
    SELECT s.id, 100, format('%s%s_%s_raw', side.prefix, t.code, label.name), 'text', 'source_input', side.prefix = '',
           'ltree', t.id, label.name, NULL, t.enabled, t.priority, label.position
    FROM register.external_ident_type AS t
    CROSS JOIN (VALUES ('external_idents', ''), ('link_establishment_to_legal_unit', 'legal_unit_')) AS side (step, prefix)
    JOIN import.step AS s ON s.code = side.step
    CROSS JOIN LATERAL unnest(string_to_array(ltree2text(t.labels), '.')) WITH ORDINALITY AS label (name, position)
    WHERE t.shape = 'hierarchical'
    UNION ALL
    SELECT s.id, c.priority, format(c.pattern, v.code), coalesce(c.column_type, kind.name), c.purpose, false,
           CASE WHEN c.purpose = 'source_input' THEN kind.name END, NULL, NULL, v.id, v.enabled, v.priority, 0
    FROM register.stat_definition AS v
    JOIN (VALUES ('int', 'integer'), ('float', 'numeric'), ('string', 'text'), ('bool', 'boolean')) AS kind (type, name) ON kind.type = v.type::text
    CROSS JOIN (VALUES (100, '%s_raw', 'text', 'source_input'), (110, '%s', NULL, 'internal'), (120, 'stat_for_unit_%s_id', 'integer', 'pk_id'))
        AS c (priority, pattern, column_type, purpose)
    JOIN import.step AS s ON s.code = 'statistical_variables'
$wanted_columns$;
COMMENT ON FUNCTION import.wanted_columns() IS 'The data columns that exist because of a type of identifier or a statistic; internal';
REVOKE ALL ON FUNCTION import.wanted_columns() FROM PUBLIC;

CREATE OR REPLACE FUNCTION import.synchronise_columns()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $synchronise_columns$
BEGIN
    -- A renamed code renames the headings that were named for it.
    UPDATE import.source_column AS h
    SET column_name = regexp_replace(w.column_name, '_raw$', '')
    FROM import.definition AS d, import.mapping AS m, import.data_column AS c, import.wanted_columns() AS w
    WHERE d.id = h.definition_id
    AND d.dynamic_columns
    AND m.source_column_id = h.id
    AND c.id = m.target_data_column_id
    AND h.column_name = regexp_replace(c.column_name, '_raw$', '')
    AND w.step_id = c.step_id
    AND w.priority = c.priority
    AND (w.external_ident_type_id = c.external_ident_type_id OR w.stat_definition_id = c.stat_definition_id)
    AND w.ident_label IS NOT DISTINCT FROM c.ident_label
    AND w.column_name <> c.column_name;

    UPDATE import.data_column AS c
    SET column_name = w.column_name, column_type = w.column_type, target_pg_type = w.target_pg_type, enabled = w.enabled
    FROM import.wanted_columns() AS w
    WHERE w.step_id = c.step_id
    AND w.priority = c.priority
    AND (w.external_ident_type_id = c.external_ident_type_id OR w.stat_definition_id = c.stat_definition_id)
    AND w.ident_label IS NOT DISTINCT FROM c.ident_label
    AND (c.column_name, c.column_type, c.target_pg_type, c.enabled)
        IS DISTINCT FROM (w.column_name, w.column_type, w.target_pg_type, w.enabled);

    -- What is wanted no longer is disabled, takes its headings along where definitions follow, and goes.
    UPDATE import.data_column AS c
    SET enabled = false
    WHERE c.enabled
    AND num_nonnulls(c.external_ident_type_id, c.stat_definition_id) = 1
    AND NOT EXISTS (SELECT
                    FROM import.wanted_columns() AS w
                    WHERE w.step_id = c.step_id
                    AND w.priority = c.priority
                    AND (w.external_ident_type_id = c.external_ident_type_id OR w.stat_definition_id = c.stat_definition_id)
                    AND w.ident_label IS NOT DISTINCT FROM c.ident_label);

    DELETE FROM import.source_column AS h
    USING import.definition AS d, import.mapping AS m, import.data_column AS c
    WHERE d.id = h.definition_id
    AND d.dynamic_columns
    AND m.source_column_id = h.id
    AND c.id = m.target_data_column_id
    AND NOT c.enabled;

    DELETE FROM import.data_column AS c
    WHERE num_nonnulls(c.external_ident_type_id, c.stat_definition_id) = 1
    AND NOT EXISTS (SELECT
                    FROM import.wanted_columns() AS w
                    WHERE w.step_id = c.step_id
                    AND w.priority = c.priority
                    AND (w.external_ident_type_id = c.external_ident_type_id OR w.stat_definition_id = c.stat_definition_id)
                    AND w.ident_label IS NOT DISTINCT FROM c.ident_label);

    INSERT INTO import.data_column
        (step_id, priority, column_name, column_type, purpose, is_uniquely_identifying, target_pg_type,
         external_ident_type_id, ident_label, stat_definition_id, enabled)
    SELECT w.step_id, w.priority, w.column_name, w.column_type, w.purpose::import.column_purpose, w.is_uniquely_identifying, w.target_pg_type,
           w.external_ident_type_id, w.ident_label, w.stat_definition_id, w.enabled
    FROM import.wanted_columns() AS w
    WHERE NOT EXISTS (SELECT
                      FROM import.data_column AS c
                      WHERE w.step_id = c.step_id
                      AND w.priority = c.priority
                      AND (w.external_ident_type_id = c.external_ident_type_id OR w.stat_definition_id = c.stat_definition_id)
                      AND w.ident_label IS NOT DISTINCT FROM c.ident_label)
    ORDER BY w.step_id, w.rank, w.priority, w.position;

    -- New headings come last.
    INSERT INTO import.source_column (definition_id, column_name, priority)
    SELECT d.id, regexp_replace(c.column_name, '_raw$', ''),
           coalesce((SELECT max(h.priority) FROM import.source_column AS h WHERE h.definition_id = d.id), 0)
               + row_number() OVER (PARTITION BY d.id ORDER BY s.priority, c.id)
    FROM import.definition AS d
    JOIN import.definition_step AS ds ON ds.definition_id = d.id
    JOIN import.step AS s ON s.id = ds.step_id
    JOIN import.data_column AS c ON c.step_id = s.id
    WHERE d.dynamic_columns
    AND c.enabled
    AND c.purpose = 'source_input'
    AND num_nonnulls(c.external_ident_type_id, c.stat_definition_id) = 1
    AND NOT EXISTS (SELECT FROM import.mapping AS m WHERE m.definition_id = d.id AND m.target_data_column_id = c.id)
    AND NOT EXISTS (SELECT
                    FROM import.source_column AS h
                    WHERE h.definition_id = d.id
                    AND h.column_name = regexp_replace(c.column_name, '_raw$', ''));

    INSERT INTO import.mapping (definition_id, source_column_id, target_data_column_id)
    SELECT d.id, h.id, c.id
    FROM import.definition AS d
    JOIN import.definition_step AS ds ON ds.definition_id = d.id
    JOIN import.data_column AS c ON c.step_id = ds.step_id
    JOIN import.source_column AS h ON h.definition_id = d.id AND h.column_name = regexp_replace(c.column_name, '_raw$', '')
    WHERE d.dynamic_columns
    AND c.enabled
    AND c.purpose = 'source_input'
    AND num_nonnulls(c.external_ident_type_id, c.stat_definition_id) = 1
    AND NOT EXISTS (SELECT FROM import.mapping AS m WHERE m.source_column_id = h.id)
    AND NOT EXISTS (SELECT FROM import.mapping AS m WHERE m.definition_id = d.id AND m.target_data_column_id = c.id);

    PERFORM import.validate_definitions();
END
$synchronise_columns$;
COMMENT ON FUNCTION import.synchronise_columns() IS
    'Brings data columns, and the source columns and mappings of definitions with dynamic_columns, in step with the types of identifier and the statistics';
REVOKE ALL ON FUNCTION import.synchronise_columns() FROM PUBLIC;

-- DEFINER: data columns follow the code lists; nobody writes them himself
CREATE OR REPLACE FUNCTION import.columns_wanted_changed()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $columns_wanted_changed$
BEGIN
    PERFORM import.synchronise_columns();
    RETURN NULL;
END
$columns_wanted_changed$;
COMMENT ON FUNCTION import.columns_wanted_changed() IS 'Trigger: types of identifier and statistics have columns in import files';
REVOKE ALL ON FUNCTION import.columns_wanted_changed() FROM PUBLIC;

-- Before the row is deleted: afterwards its data columns are gone, and with them what links the headings to it.
CREATE OR REPLACE FUNCTION import.columns_wanted_delete()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $columns_wanted_delete$
BEGIN
    DELETE FROM import.source_column AS h
    USING import.definition AS d, import.mapping AS m, import.data_column AS c
    WHERE d.id = h.definition_id
    AND d.dynamic_columns
    AND m.source_column_id = h.id
    AND c.id = m.target_data_column_id
    AND CASE TG_TABLE_NAME
            WHEN 'external_ident_type' THEN c.external_ident_type_id = OLD.id
            ELSE c.stat_definition_id = OLD.id
        END;
    RETURN OLD;
END
$columns_wanted_delete$;
COMMENT ON FUNCTION import.columns_wanted_delete() IS 'Trigger: removes the headings of a type of identifier or a statistic from definitions that follow';
REVOKE ALL ON FUNCTION import.columns_wanted_delete() FROM PUBLIC;

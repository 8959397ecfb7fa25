-- The second stage of the analysis of units as SQL text, as it was before it was written in C: with the stages in SQL that relationships
-- still use (src/sql/import_analyse.sql, src/sql/import_identify.sql) and test/import/oracle.sql it is the oracle of import.analyse_file().
-- For tests only; needs schema import_oracle.

-- What a unit is called now, or was last.
CREATE FUNCTION import_oracle.unit_name(legal_unit_id integer, establishment_id integer)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $unit_name$
    SELECT coalesce((SELECT u.name FROM register.legal_unit AS u WHERE u.id = unit_name.legal_unit_id ORDER BY u.valid_from DESC LIMIT 1),
                    (SELECT u.name FROM register.establishment AS u WHERE u.id = unit_name.establishment_id ORDER BY u.valid_from DESC LIMIT 1))
$unit_name$;

-- Which rows are one unit, which unit of the register that is, and what speaks against it.
-- Rows are one entity when they share an identifier, or give identifiers that the register knows to be one unit's.
CREATE FUNCTION import_oracle.analyse_units(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_units$
DECLARE
    definition jsonb;
    mode text;
    strategy text;
    changed bigint;
    jumped bigint;
BEGIN
    SELECT j.definition_snapshot -> 'import_definition' INTO STRICT definition
    FROM import.job AS j WHERE j.id = analyse_units.job_id;
    mode := definition ->> 'mode';
    strategy := definition ->> 'strategy';
    PERFORM import.drop_temporary('import_life', 'import_hit', 'import_edge', 'import_entity', 'import_unit');

    -- When the units that the file mentions exist, by the register.
    CREATE TEMPORARY TABLE import_life AS
    SELECT 'legal_unit' AS kind, lu.id, range_agg(lu.valid_range) AS life, NULL::boolean AS is_formal
    FROM register.legal_unit AS lu
    WHERE lu.id IN (SELECT k.legal_unit_id FROM pg_temp.import_key AS k)
    GROUP BY lu.id
    UNION ALL
    SELECT 'establishment', es.id, range_agg(es.valid_range), (array_agg(es.legal_unit_id IS NOT NULL ORDER BY es.valid_from DESC))[1]
    FROM register.establishment AS es
    WHERE es.id IN (SELECT k.establishment_id FROM pg_temp.import_key AS k)
    GROUP BY es.id;
    ANALYZE pg_temp.import_life;

    CREATE TEMPORARY TABLE import_hit AS
    SELECT i.row_id, i.role, array_agg(i.column_name ORDER BY i.column_name) AS columns,
           min(k.legal_unit_id) AS legal_unit_id, min(k.establishment_id) AS establishment_id,
           bool_or(k.is_other) AS is_other, bool_or(k.is_known) AS is_known,
           coalesce(min(k.legal_unit_id) <> max(k.legal_unit_id), false) OR coalesce(min(k.establishment_id) <> max(k.establishment_id), false)
               OR (min(k.legal_unit_id) IS NOT NULL AND min(k.establishment_id) IS NOT NULL) AS is_ambiguous
    FROM pg_temp.import_ident AS i
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value
    GROUP BY i.row_id, i.role;
    ANALYZE pg_temp.import_hit;

    -- Identifiers of one row that belong to different units, which are named.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT h.row_id, 'error', jsonb_build_object('code', CASE h.role WHEN 0 THEN 'ident_conflict' ELSE 'link_conflict' END, 'severity', 'error',
               'column', i.column_name, 'value', i.value, 'details', jsonb_strip_nulls(jsonb_build_object(
                   'columns', to_jsonb(h.columns), 'legal_unit_id', k.legal_unit_id, 'establishment_id', k.establishment_id,
                   'units', (SELECT jsonb_object_agg(x.column_name, jsonb_build_object('legal_unit_id', y.legal_unit_id, 'establishment_id', y.establishment_id,
                                 'name', import_oracle.unit_name(y.legal_unit_id, y.establishment_id)))
                             FROM pg_temp.import_ident AS x JOIN pg_temp.import_key AS y ON y.type_id = x.type_id AND y.value = x.value
                             WHERE x.row_id = h.row_id AND x.role = h.role AND y.is_known))))
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value
    WHERE h.is_ambiguous;

    -- A unit of another kind than the file is about.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT h.row_id, 'error', jsonb_build_object('code', 'unit_type_conflict', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_strip_nulls(jsonb_build_object('legal_unit_id', h.legal_unit_id, 'establishment_id', h.establishment_id, 'name', import_oracle.unit_name(h.legal_unit_id, h.establishment_id), 'unit_type', CASE WHEN h.is_other THEN 'other' WHEN h.legal_unit_id IS NOT NULL THEN 'legal_unit'
                                 WHEN l.is_formal THEN 'establishment_formal' ELSE 'establishment_informal' END)))
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value AND k.is_known
    LEFT JOIN pg_temp.import_life AS l ON l.kind = 'establishment' AND l.id = h.establishment_id
    WHERE NOT h.is_ambiguous
    AND (h.is_other
         OR h.role > 0 AND h.establishment_id IS NOT NULL
         OR h.role = 0 AND CASE mode
            WHEN 'legal_unit' THEN h.establishment_id IS NOT NULL
            WHEN 'establishment_formal' THEN h.legal_unit_id IS NOT NULL OR NOT l.is_formal
            WHEN 'establishment_informal' THEN h.legal_unit_id IS NOT NULL OR l.is_formal
            ELSE false END);

    ANALYZE pg_temp.import_note;
    -- These rows say nothing about which rows are one entity; nor do rows whose identifiers are faulty.
    UPDATE pg_temp.import_row AS r SET is_refused = true
    FROM pg_temp.import_note AS n
    WHERE n.row_id = r.row_id AND n.severity = 'error'
    AND n.finding ->> 'code' IN ('ident_conflict', 'unit_type_conflict', 'ident_missing', 'ident_part_missing', 'ident_char', 'ident_checksum', 'ident_length', 'ident_scientific', 'too_long');

    -- Entities: a node is an identifier, or the unit that it is known to be of. Every row starts as the root of a tree of its
    -- own. In each round every tree hangs itself on the lowest tree with which it shares a node; then every row goes up to
    -- its root, twice as far at each step. So long chains need few rounds, and files in which a row has one node need one.
    CREATE TEMPORARY TABLE import_edge AS
    SELECT DISTINCT i.row_id, CASE WHEN k.legal_unit_id IS NOT NULL THEN -2 * k.legal_unit_id::bigint
                                   WHEN k.establishment_id IS NOT NULL THEN -2 * k.establishment_id::bigint - 1
                                   ELSE k.key_id END AS node_id
    FROM pg_temp.import_ident AS i
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value
    JOIN pg_temp.import_row AS r ON r.row_id = i.row_id
    WHERE i.role = 0 AND NOT r.is_refused AND NOT r.is_skipped;
    ANALYZE pg_temp.import_edge;
    CREATE TEMPORARY TABLE import_entity AS
    SELECT DISTINCT e.row_id, e.row_id AS founding_row_id FROM pg_temp.import_edge AS e;
    ANALYZE pg_temp.import_entity;
    LOOP
        UPDATE pg_temp.import_entity AS t SET founding_row_id = h.lowest
        FROM (SELECT t.founding_row_id AS root, min(n.lowest) AS lowest
              FROM pg_temp.import_edge AS e
              JOIN pg_temp.import_entity AS t ON t.row_id = e.row_id
              JOIN (SELECT x.node_id, min(y.founding_row_id) AS lowest
                    FROM pg_temp.import_edge AS x
                    JOIN pg_temp.import_entity AS y ON y.row_id = x.row_id
                    GROUP BY x.node_id) AS n ON n.node_id = e.node_id
              GROUP BY t.founding_row_id) AS h
        WHERE t.row_id = h.root AND h.lowest < t.founding_row_id;
        GET DIAGNOSTICS changed = ROW_COUNT;
        EXIT WHEN changed = 0;
        LOOP
            UPDATE pg_temp.import_entity AS t SET founding_row_id = f.founding_row_id
            FROM pg_temp.import_entity AS f
            WHERE f.row_id = t.founding_row_id AND f.founding_row_id < t.founding_row_id;
            GET DIAGNOSTICS jumped = ROW_COUNT;
            EXIT WHEN jumped = 0;
        END LOOP;
    END LOOP;
    CREATE TEMPORARY TABLE import_unit AS
    SELECT t.founding_row_id, min(h.legal_unit_id) AS legal_unit_id, min(h.establishment_id) AS establishment_id,
           count(DISTINCT h.legal_unit_id) + count(DISTINCT h.establishment_id) > 1 AS is_ambiguous
    FROM pg_temp.import_entity AS t
    JOIN pg_temp.import_hit AS h ON h.row_id = t.row_id AND h.role = 0
    GROUP BY t.founding_row_id;
    ANALYZE pg_temp.import_unit;

    UPDATE pg_temp.import_row AS r
    SET founding_row_id = t.founding_row_id, legal_unit_id = u.legal_unit_id, establishment_id = u.establishment_id,
        is_new = u.legal_unit_id IS NULL AND u.establishment_id IS NULL,
        is_covered = coalesce(l.life @> daterange(r.valid_from, r.valid_until), false)
    FROM pg_temp.import_entity AS t
    JOIN pg_temp.import_unit AS u ON u.founding_row_id = t.founding_row_id
    LEFT JOIN pg_temp.import_life AS l
        ON l.kind = CASE WHEN u.legal_unit_id IS NOT NULL THEN 'legal_unit' ELSE 'establishment' END
        AND l.id = coalesce(u.legal_unit_id, u.establishment_id)
    WHERE t.row_id = r.row_id;

    -- Rows that tie two known units together, or give one unit two identifiers of one type.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT r.row_id, 'error', jsonb_build_object('code', 'ident_conflict', 'severity', 'error', 'details', jsonb_build_object(
               'columns', to_jsonb(h.columns), 'founding_row_id', r.founding_row_id))
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_hit AS h ON h.row_id = r.row_id AND h.role = 0
    JOIN pg_temp.import_unit AS u ON u.founding_row_id = r.founding_row_id AND u.is_ambiguous
    WHERE NOT r.is_refused;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT r.row_id, 'error', jsonb_build_object('code', 'ident_conflict', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_build_object('values', v.some_values, 'founding_row_id', r.founding_row_id))
    FROM (SELECT r.founding_row_id, i.type_id, to_jsonb((array_agg(DISTINCT i.value))[:10]) AS some_values
          FROM pg_temp.import_row AS r
          JOIN pg_temp.import_ident AS i ON i.row_id = r.row_id AND i.role = 0
          WHERE NOT r.is_refused AND NOT r.is_skipped
          GROUP BY r.founding_row_id, i.type_id
          HAVING min(i.value) <> max(i.value)) AS v
    JOIN pg_temp.import_row AS r ON r.founding_row_id = v.founding_row_id AND NOT r.is_refused AND NOT r.is_skipped
    JOIN pg_temp.import_ident AS i ON i.row_id = r.row_id AND i.role = 0 AND i.type_id = v.type_id
    -- Of a type that the register holds of the unit, only the row that departs from it is at fault.
    WHERE NOT EXISTS (SELECT FROM register.external_ident AS e
                      WHERE e.type_id = v.type_id AND (e.legal_unit_id = r.legal_unit_id OR e.establishment_id = r.establishment_id));
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT r.row_id, 'error', jsonb_build_object('code', 'ident_change', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_build_object('from', coalesce(e.ident, e.idents::text), 'to', i.value))
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_ident AS i ON i.row_id = r.row_id AND i.role = 0
    JOIN register.external_ident AS e ON e.legal_unit_id = r.legal_unit_id AND e.type_id = i.type_id
    WHERE NOT r.is_refused AND coalesce(e.ident, e.idents::text) <> i.value
    UNION ALL
    SELECT r.row_id, 'error', jsonb_build_object('code', 'ident_change', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_build_object('from', coalesce(e.ident, e.idents::text), 'to', i.value))
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_ident AS i ON i.row_id = r.row_id AND i.role = 0
    JOIN register.external_ident AS e ON e.establishment_id = r.establishment_id AND e.type_id = i.type_id
    WHERE NOT r.is_refused AND coalesce(e.ident, e.idents::text) <> i.value;

    UPDATE pg_temp.import_row AS r SET is_refused = true
    FROM pg_temp.import_note AS n
    WHERE n.row_id = r.row_id AND n.finding ->> 'code' IN ('ident_conflict', 'ident_change');

    -- What the strategy does not do.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT r.row_id, 'error', jsonb_build_object('code', CASE WHEN r.is_new THEN 'unit_not_found' ELSE 'unit_already_exists' END, 'severity', 'error',
               'details', jsonb_build_object('columns', to_jsonb(h.columns), 'strategy', strategy))
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_hit AS h ON h.row_id = r.row_id AND h.role = 0
    WHERE NOT r.is_refused AND NOT r.is_skipped
    AND CASE WHEN mode = 'generic_unit' THEN r.is_new
             ELSE r.is_new AND strategy IN ('replace_only', 'update_only') OR NOT r.is_new AND strategy = 'insert_only' END;
    -- Updates and replacements happen within the life of the unit.
    IF mode = 'generic_unit' OR strategy IN ('replace_only', 'update_only') THEN
        INSERT INTO pg_temp.import_note (row_id, severity, finding)
        SELECT r.row_id, 'error', jsonb_build_object('code', 'reference_not_valid_then', 'severity', 'error', 'details', jsonb_build_object(
                   'columns', to_jsonb(h.columns), 'periods', import.periods_as_text(l.life)))
        FROM pg_temp.import_row AS r
        JOIN pg_temp.import_hit AS h ON h.row_id = r.row_id AND h.role = 0
        JOIN pg_temp.import_life AS l
            ON l.kind = CASE WHEN r.legal_unit_id IS NOT NULL THEN 'legal_unit' ELSE 'establishment' END
            AND l.id = coalesce(r.legal_unit_id, r.establishment_id)
        WHERE NOT r.is_refused AND NOT r.is_skipped AND NOT l.life && daterange(r.valid_from, r.valid_until);
    END IF;

    IF mode = 'establishment_formal' THEN
        PERFORM import_oracle.analyse_links(job_id);
    END IF;
END
$analyse_units$;

-- The legal unit of each establishment. Known establishments may leave it out: they keep theirs.
CREATE FUNCTION import_oracle.analyse_links(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_links$
DECLARE
    columns text[];
    within_life boolean;
BEGIN
    SELECT array_agg(left(p.column_name, -4) ORDER BY p.place),
           bool_or(j.definition_snapshot #>> '{import_definition,strategy}' IN ('replace_only', 'update_only'))
    INTO columns, within_life
    FROM import.job AS j
    CROSS JOIN LATERAL import.plan_column(j.definition_snapshot) AS p
    WHERE j.id = analyse_links.job_id AND p.purpose = 'source_input' AND p.column_name LIKE 'legal\_unit\_%';

    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT r.row_id, 'error', jsonb_build_object('code', 'link_missing', 'severity', 'error', 'details', jsonb_build_object('columns', to_jsonb(columns)))
    FROM pg_temp.import_row AS r
    WHERE r.is_new AND NOT r.is_skipped
    AND NOT EXISTS (SELECT FROM pg_temp.import_ident AS i WHERE i.row_id = r.row_id AND i.role = 1);
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT i.row_id, 'error', jsonb_build_object('code', 'reference_missing', 'severity', 'error', 'column', i.column_name, 'value', i.value)
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    WHERE h.role = 1 AND NOT h.is_known;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT i.row_id, 'error', jsonb_build_object('code', 'reference_not_valid_then', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_build_object('legal_unit_id', h.legal_unit_id, 'periods', import.periods_as_text(l.life)))
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_row AS r ON r.row_id = h.row_id
    JOIN pg_temp.import_life AS l ON l.kind = 'legal_unit' AND l.id = h.legal_unit_id
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    WHERE h.role = 1 AND NOT h.is_ambiguous AND NOT r.is_skipped AND NOT l.life @> daterange(r.valid_from, r.valid_until);

    -- Without a link, new time of an establishment belongs to the legal unit of the slice before it, or after it.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT DISTINCT ON (r.row_id) r.row_id, 'error', jsonb_build_object('code', 'reference_not_valid_then', 'severity', 'error', 'details', jsonb_build_object(
               'columns', to_jsonb(columns), 'legal_unit_id', n.legal_unit_id, 'periods', import.periods_as_text(l.life)))
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_life AS e ON e.kind = 'establishment' AND e.id = r.establishment_id
    CROSS JOIN LATERAL unnest(datemultirange(daterange(r.valid_from, r.valid_until)) - e.life) AS gap
    CROSS JOIN LATERAL (SELECT t.legal_unit_id FROM register.establishment AS t
                        WHERE t.id = r.establishment_id
                        ORDER BY t.valid_from < lower(gap) DESC, CASE WHEN t.valid_from < lower(gap) THEN t.valid_from END DESC, t.valid_from
                        LIMIT 1) AS n
    CROSS JOIN LATERAL (SELECT range_agg(lu.valid_range) AS life FROM register.legal_unit AS lu WHERE lu.id = n.legal_unit_id) AS l
    WHERE NOT r.is_skipped AND NOT r.is_refused AND NOT r.is_covered AND r.valid_from IS NOT NULL AND NOT within_life AND NOT l.life @> gap
    AND NOT EXISTS (SELECT FROM pg_temp.import_ident AS i WHERE i.row_id = r.row_id AND i.role = 1)
    ORDER BY r.row_id, gap;

    UPDATE pg_temp.import_row AS r SET link_legal_unit_id = h.legal_unit_id
    FROM pg_temp.import_hit AS h
    WHERE h.row_id = r.row_id AND h.role = 1 AND NOT h.is_ambiguous;
END
$analyse_links$;

-- Definitions 81: embedding for PostgREST. It finds native foreign keys behind views by itself; a reference to a temporal
-- table is none, so each gets a computed relationship: a function of a row of the view that returns what it refers to.
--
-- Which slice? The one valid on the day of the row: today, moved into the row's own period (its last day if that is over,
-- its first if that is to come). For a row without a period: the slice valid today, else the last one, else the first to come.
-- ROWS 1 tells PostgREST to give one object instead of a list.
--
-- These functions pin no search_path: only so can the planner put their one SELECT into the query (1.7 ms instead of 124 ms
-- for 1000 embedded units). They name every relation and function with its schema and run with the rights of their caller.
DO $relationships$
DECLARE
    -- The day of row $1.
    row_day CONSTANT text := 'least(greatest((SELECT statbus.today()), $1.valid_from), $1.valid_until - 1)';
    -- Condition: slice t is valid on the day of row $1.
    same_day CONSTANT text := format('t.valid_from <= %1$s AND %1$s < t.valid_until', row_day);
    -- Of the slices t of one unit, the one for a row without a period.
    nearest CONSTANT text :=
        ' ORDER BY (t.valid_from <= (SELECT statbus.today())) DESC,'
        ' CASE WHEN t.valid_from <= (SELECT statbus.today()) THEN t.valid_from END DESC, t.valid_from LIMIT 1';
    made record;
    signature text;
BEGIN
    FOR made IN
        -- A temporal row and the unit it belongs to.
        SELECT r.of, r.name, r.target, 1 AS rows,
               format('t.id = $1.%I AND %s', r.id_column, same_day) AS condition,
               format('the %s of that day', replace(r.name, '_', ' ')) AS comment
        FROM (
            SELECT owned.of, unit.name, unit.name AS target, unit.name || '_id' AS id_column
            FROM unnest(ARRAY['activity', 'location', 'contact', 'stat_for_unit', 'person_for_unit']) AS owned (of)
            CROSS JOIN unnest(ARRAY['legal_unit', 'establishment']) AS unit (name)
            UNION ALL
            VALUES ('establishment', 'legal_unit', 'legal_unit', 'legal_unit_id'),
                   ('legal_relationship', 'influencing', 'legal_unit', 'influencing_id'),
                   ('legal_relationship', 'influenced', 'legal_unit', 'influenced_id'),
                   ('power_root', 'derived_root_legal_unit', 'legal_unit', 'derived_root_legal_unit_id'),
                   ('power_root', 'custom_root_legal_unit', 'legal_unit', 'custom_root_legal_unit_id'),
                   ('power_root', 'root_legal_unit', 'legal_unit', 'root_legal_unit_id'),
                   ('statistical_unit', 'establishment', 'establishment', 'establishment_id'),
                   ('statistical_unit', 'legal_unit', 'legal_unit', 'legal_unit_id'),
                   ('statistical_unit', 'primary_establishment', 'establishment', 'primary_establishment_id'),
                   ('statistical_unit', 'primary_legal_unit', 'legal_unit', 'primary_legal_unit_id')
        ) AS r
        UNION ALL
        -- A row without a period and the unit it belongs to.
        SELECT owned.of, unit.name, unit.name, 1, format('t.id = $1.%I', unit.name || '_id') || nearest,
               format('the %s as it is today', replace(unit.name, '_', ' '))
        FROM unnest(ARRAY['external_ident', 'tag_for_unit', 'unit_notes']) AS owned (of)
        CROSS JOIN unnest(ARRAY['legal_unit', 'establishment']) AS unit (name)
        UNION ALL
        -- A unit and what hangs on it.
        SELECT unit.name, owned.name, owned.name, owned.rows,
               format('t.%I = $1.id', unit.name || '_id') || CASE WHEN owned.is_temporal THEN ' AND ' || same_day ELSE '' END,
               format('what the %s has%s', replace(unit.name, '_', ' '), CASE WHEN owned.is_temporal THEN ' on that day' ELSE '' END)
        FROM unnest(ARRAY['legal_unit', 'establishment']) AS unit (name)
        CROSS JOIN (VALUES ('activity', 3, true), ('location', 2, true), ('contact', 1, true), ('stat_for_unit', 5, true),
                           ('person_for_unit', 3, true), ('external_ident', 3, false), ('tag_for_unit', 3, false),
                           ('unit_notes', 1, false)) AS owned (name, rows, is_temporal)
        UNION ALL
        SELECT r.of, r.name, r.target, r.rows, r.condition || ' AND ' || same_day, r.comment
        FROM (VALUES
            ('legal_unit', 'establishment', 'establishment', 5, 't.legal_unit_id = $1.id', 'the establishments of that day'),
            ('legal_unit', 'influences', 'legal_relationship', 5, 't.influencing_id = $1.id', 'relationships of that day by which it influences others'),
            ('legal_unit', 'influenced_by', 'legal_relationship', 5, 't.influenced_id = $1.id', 'relationships of that day by which others influence it'),
            ('legal_unit', 'statistical_unit', 'statistical_unit', 1, 't.unit_type = ''legal_unit'' AND t.unit_id = $1.id', 'what is derived of it for that day'),
            ('establishment', 'statistical_unit', 'statistical_unit', 1, 't.unit_type = ''establishment'' AND t.unit_id = $1.id', 'what is derived of it for that day')
        ) AS r (of, name, target, rows, condition, comment)
        UNION ALL
        -- A derived row and the code lists and timeless units it names.
        SELECT 'statistical_unit', r.name, r.target, 1, format('t.id = $1.%I', r.name || '_id'), format('the %s', replace(r.name, '_', ' '))
        FROM (VALUES
            ('physical_region', 'region'), ('postal_region', 'region'), ('physical_country', 'country'), ('postal_country', 'country'),
            ('primary_activity_category', 'activity_category'), ('secondary_activity_category', 'activity_category'),
            ('sector', 'sector'), ('legal_form', 'legal_form'), ('unit_size', 'unit_size'), ('status', 'status'),
            ('enterprise', 'enterprise'), ('power_group', 'power_group')
        ) AS r (name, target)
    LOOP
        signature := format('api.%I(api.%I)', made.name, made.of);
        EXECUTE format('CREATE OR REPLACE FUNCTION %s RETURNS SETOF api.%I LANGUAGE sql STABLE PARALLEL SAFE ROWS %s AS %L',
                       signature, made.target, made.rows,
                       format('SELECT t.* FROM api.%I AS t WHERE %s', made.target, made.condition));
        EXECUTE format('COMMENT ON FUNCTION %s IS %L', signature, 'Embedding: ' || made.comment);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO authenticated', signature);
    END LOOP;
END
$relationships$;

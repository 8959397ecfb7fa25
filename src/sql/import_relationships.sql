-- Analysis of a job about relationships, in place of what import_identify.sql does for units: the ends of each row, the
-- relationship of the register that it means, and what rows say together: two primary influencers at a time, circles, shares
-- of more than 100 per cent.

-- Relationships: both ends must be legal units that exist throughout the period of the row.
CREATE OR REPLACE FUNCTION import.analyse_relationships(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_relationships$
DECLARE
    strategy text;
    plan text[];
    side record;
BEGIN
    SELECT j.definition_snapshot #>> '{import_definition,strategy}',
           ARRAY(SELECT p.column_name FROM import.plan_column(j.definition_snapshot) AS p WHERE p.purpose = 'source_input')
    INTO STRICT strategy, plan
    FROM import.job AS j WHERE j.id = analyse_relationships.job_id;
    PERFORM import.drop_temporary('import_life', 'import_hit', 'import_link');

    CREATE TEMPORARY TABLE import_life AS
    SELECT lu.id, range_agg(lu.valid_range) AS life
    FROM register.legal_unit AS lu
    WHERE lu.id IN (SELECT k.legal_unit_id FROM pg_temp.import_key AS k)
    GROUP BY lu.id;
    ANALYZE pg_temp.import_life;
    CREATE TEMPORARY TABLE import_hit AS
    SELECT i.row_id, i.role, array_agg(i.column_name ORDER BY i.column_name) AS columns, min(k.legal_unit_id) AS legal_unit_id,
           coalesce(min(k.legal_unit_id) <> max(k.legal_unit_id), false) AS is_ambiguous
    FROM pg_temp.import_ident AS i
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value
    GROUP BY i.row_id, i.role;
    ANALYZE pg_temp.import_hit;

    FOR side IN SELECT * FROM (VALUES (2, 'influencing\_%'), (3, 'influenced\_%')) AS v (role, pattern) LOOP
        INSERT INTO pg_temp.import_note (row_id, severity, finding)
        SELECT r.row_id, 'error', jsonb_build_object('code', 'value_missing', 'severity', 'error', 'details', jsonb_build_object(
                   'columns', (SELECT jsonb_agg(left(name, -4)) FROM unnest(plan) AS name WHERE name LIKE side.pattern)))
        FROM pg_temp.import_row AS r
        WHERE NOT r.is_skipped
        AND NOT EXISTS (SELECT FROM pg_temp.import_ident AS i WHERE i.row_id = r.row_id AND i.role = side.role)
        AND NOT EXISTS (SELECT FROM pg_temp.import_note AS n WHERE n.row_id = r.row_id AND n.finding ->> 'column' || '_raw' LIKE side.pattern);
    END LOOP;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT h.row_id, 'error', jsonb_build_object('code', 'ident_conflict', 'severity', 'error', 'details', jsonb_build_object('columns', to_jsonb(h.columns)))
    FROM pg_temp.import_hit AS h WHERE h.is_ambiguous;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT i.row_id, 'error', jsonb_build_object('code', CASE WHEN k.is_known THEN 'unit_type_conflict' ELSE 'reference_missing' END, 'severity', 'error',
               'column', i.column_name, 'value', i.value)
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    JOIN pg_temp.import_key AS k ON k.type_id = i.type_id AND k.value = i.value
    WHERE h.legal_unit_id IS NULL;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT i.row_id, 'error', jsonb_build_object('code', 'reference_not_valid_then', 'severity', 'error', 'column', i.column_name, 'value', i.value,
               'details', jsonb_build_object('legal_unit_id', h.legal_unit_id, 'periods', import.periods_as_text(l.life)))
    FROM pg_temp.import_hit AS h
    JOIN pg_temp.import_row AS r ON r.row_id = h.row_id
    JOIN pg_temp.import_life AS l ON l.id = h.legal_unit_id
    JOIN pg_temp.import_ident AS i ON i.row_id = h.row_id AND i.role = h.role
    WHERE NOT h.is_ambiguous AND NOT l.life @> daterange(r.valid_from, r.valid_until);
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT x.row_id, 'error', jsonb_build_object('code', 'ownership_self', 'severity', 'error', 'details', jsonb_build_object('columns', to_jsonb(x.columns || y.columns)))
    FROM pg_temp.import_hit AS x
    JOIN pg_temp.import_hit AS y ON y.row_id = x.row_id AND y.legal_unit_id = x.legal_unit_id
    WHERE x.role = 2 AND y.role = 3;

    -- Only sound ends make an entity: influencing unit, influenced unit and type.
    CREATE TEMPORARY TABLE import_link AS
    SELECT r.row_id, r.valid_from, r.valid_until, x.legal_unit_id AS influencing_id, y.legal_unit_id AS influenced_id, t.id AS type_id, t.primary_influencer_only
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_source AS s ON s.row_id = r.row_id
    JOIN pg_temp.import_hit AS x ON x.row_id = r.row_id AND x.role = 2
    JOIN pg_temp.import_hit AS y ON y.row_id = r.row_id AND y.role = 3
    JOIN register.legal_rel_type AS t ON t.code = s.rel_type_code_raw AND t.enabled
    WHERE NOT EXISTS (SELECT FROM pg_temp.import_note AS n WHERE n.row_id = r.row_id AND n.severity = 'error');
    ANALYZE pg_temp.import_link;
    UPDATE pg_temp.import_row AS r SET is_refused = true
    WHERE NOT EXISTS (SELECT FROM pg_temp.import_link AS k WHERE k.row_id = r.row_id);
    UPDATE pg_temp.import_row AS r
    SET founding_row_id = f.founding_row_id, relationship_id = f.relationship_id, is_new = f.relationship_id IS NULL
    FROM (SELECT k.row_id, min(k.row_id) OVER (PARTITION BY k.influencing_id, k.influenced_id, k.type_id) AS founding_row_id, e.id AS relationship_id
          FROM pg_temp.import_link AS k
          LEFT JOIN (SELECT lr.influencing_id, lr.influenced_id, lr.type_id, min(lr.id) AS id
                     FROM register.legal_relationship AS lr
                     GROUP BY lr.influencing_id, lr.influenced_id, lr.type_id) AS e
              ON e.influencing_id = k.influencing_id AND e.influenced_id = k.influenced_id AND e.type_id = k.type_id) AS f
    WHERE f.row_id = r.row_id;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT r.row_id, 'error', jsonb_build_object('code', CASE WHEN r.is_new THEN 'unit_not_found' ELSE 'unit_already_exists' END, 'severity', 'error',
               'details', jsonb_build_object('columns', to_jsonb(x.columns || y.columns), 'strategy', strategy))
    FROM pg_temp.import_row AS r
    JOIN pg_temp.import_hit AS x ON x.row_id = r.row_id AND x.role = 2
    JOIN pg_temp.import_hit AS y ON y.row_id = r.row_id AND y.role = 3
    WHERE NOT r.is_refused
    AND (r.is_new AND strategy IN ('replace_only', 'update_only') OR NOT r.is_new AND strategy = 'insert_only');

    -- At most one influencer at a time of a type that says so: both rows of the file are at fault, and the row that meets
    -- a stored relationship. Islands of overlapping periods with more than one influencer hold exactly such rows.
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    WITH placed AS MATERIALIZED (
        SELECT p.*, count(*) FILTER (WHERE p.starts) OVER (PARTITION BY p.influenced_id, p.type_id ORDER BY p.valid_from, p.row_id) AS island
        FROM (SELECT k.*, coalesce(max(k.valid_until) OVER (PARTITION BY k.influenced_id, k.type_id ORDER BY k.valid_from, k.row_id
                                                            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) <= k.valid_from, true) AS starts
              FROM pg_temp.import_link AS k
              WHERE k.primary_influencer_only) AS p)
    SELECT i.row_id, 'error', jsonb_build_object('code', 'duplicate_primary_controller', 'severity', 'error', 'column', 'influenced_tax_ident',
               'value', s.influenced_tax_ident_raw, 'details', jsonb_build_object('rows', to_jsonb(c.rows)))
    FROM placed AS i
    JOIN (SELECT x.influenced_id, x.type_id, x.island, (array_agg(x.row_id ORDER BY x.row_id))[:10] AS rows
          FROM placed AS x
          GROUP BY x.influenced_id, x.type_id, x.island
          HAVING min(x.influencing_id) <> max(x.influencing_id)) AS c ON c.influenced_id = i.influenced_id AND c.type_id = i.type_id AND c.island = i.island
    JOIN pg_temp.import_source AS s ON s.row_id = i.row_id;
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    SELECT DISTINCT ON (k.row_id) k.row_id, 'error', jsonb_build_object('code', 'duplicate_primary_controller', 'severity', 'error', 'column', 'influenced_tax_ident',
               'value', s.influenced_tax_ident_raw, 'details', jsonb_build_object('influencing_id', lr.influencing_id, 'legal_relationship_id', lr.id))
    FROM pg_temp.import_link AS k
    JOIN pg_temp.import_source AS s ON s.row_id = k.row_id
    JOIN register.legal_relationship AS lr ON lr.influenced_id = k.influenced_id AND lr.type_id = k.type_id
    WHERE k.primary_influencer_only AND lr.influencing_id <> k.influencing_id
    AND lr.valid_from < k.valid_until AND k.valid_from < lr.valid_until
    ORDER BY k.row_id, lr.id;
    PERFORM import.analyse_cycles(job_id);
    PERFORM import.analyse_shares(job_id);
END
$analyse_relationships$;
COMMENT ON FUNCTION import.analyse_relationships(integer) IS 'Second stage of the analysis, third part, for relationships: their ends and their conflicts';
REVOKE ALL ON FUNCTION import.analyse_relationships(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_relationships(integer) TO authenticated;

-- Circles of relationships that hold at the same time are found in src/import_relationship_cycle.c. Relationships are
-- numbered from 1 in the order of the arrays; those up to "wanted" are told once each: the first day on which it is in a
-- circle, and a shortest way round that begins with it, NULL when it is very long.
CREATE OR REPLACE FUNCTION import.find_cycles(influencing_ids integer[], influenced_ids integer[], valid_from date[], valid_until date[], wanted integer)
RETURNS TABLE (relationship integer, day date, path integer[])
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1000
AS 'MODULE_PATHNAME', 'statbus_import_find_cycles';
COMMENT ON FUNCTION import.find_cycles(integer[], integer[], date[], date[], integer) IS 'Which of some relationships are in a circle of relationships that hold on the same day';
REVOKE ALL ON FUNCTION import.find_cycles(integer[], integer[], date[], date[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.find_cycles(integer[], integer[], date[], date[], integer) TO authenticated;

-- A warning: circles of ownership exist, but most are mistakes. Relationships of the register count as they are before the
-- job; of any type, for control through ownership is a circle too.
CREATE OR REPLACE FUNCTION import.analyse_cycles(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_cycles$
BEGIN
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    WITH RECURSIVE reached AS (
        SELECT k.influenced_id AS id FROM pg_temp.import_link AS k
        UNION
        SELECT lr.influenced_id FROM reached AS r JOIN register.legal_relationship AS lr ON lr.influencing_id = r.id),
    edge AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY x.row_id, x.relationship_id, x.valid_from)::integer AS place, x.*
        FROM (SELECT k.row_id, NULL::integer AS relationship_id, k.influencing_id, k.influenced_id, k.valid_from, k.valid_until
              FROM pg_temp.import_link AS k
              UNION ALL
              SELECT NULL, lr.id, lr.influencing_id, lr.influenced_id, lr.valid_from, lr.valid_until
              FROM register.legal_relationship AS lr
              WHERE lr.influencing_id IN (SELECT r.id FROM reached AS r)) AS x),
    circle AS MATERIALIZED (
        SELECT e.row_id, f.day, f.path
        FROM (SELECT array_agg(e.influencing_id ORDER BY e.place) AS influencing_ids, array_agg(e.influenced_id ORDER BY e.place) AS influenced_ids,
                     array_agg(e.valid_from ORDER BY e.place) AS valid_from, array_agg(e.valid_until ORDER BY e.place) AS valid_until, count(e.row_id)::integer AS wanted
              FROM edge AS e) AS a
        CROSS JOIN LATERAL import.find_cycles(a.influencing_ids, a.influenced_ids, a.valid_from, a.valid_until, a.wanted) AS f
        JOIN edge AS e ON e.place = f.relationship)
    SELECT c.row_id, 'warning', jsonb_build_object('code', 'ownership_cycle', 'severity', 'warning',
               'details', jsonb_strip_nulls(jsonb_build_object('columns', (SELECT to_jsonb(array_agg(u.name ORDER BY h.role, u.name)) FROM pg_temp.import_hit AS h CROSS JOIN LATERAL unnest(h.columns) AS u (name) WHERE h.row_id = c.row_id),
                   'date', to_char(c.day, 'YYYY-MM-DD'), 'path', w.path, 'rows', w.rows)))
    FROM circle AS c
    LEFT JOIN LATERAL (
        -- Units by the identifier that a row of the file gives, or else by their first one in the register.
        SELECT jsonb_agg(u.ident ORDER BY p.place) || (jsonb_agg(u.ident ORDER BY p.place) -> 0) AS path, jsonb_agg(e.row_id ORDER BY p.place) FILTER (WHERE e.row_id IS NOT NULL) AS rows
        FROM unnest(c.path) WITH ORDINALITY AS p (edge, place)
        JOIN edge AS e ON e.place = p.edge
        CROSS JOIN LATERAL (
            SELECT coalesce(
                (SELECT i.value FROM pg_temp.import_ident AS i WHERE i.row_id = e.row_id AND i.role = 2 ORDER BY i.type_id LIMIT 1),
                (SELECT coalesce(x.ident, x.idents::text) FROM register.external_ident AS x JOIN register.external_ident_type AS t ON t.id = x.type_id
                 WHERE x.legal_unit_id = e.influencing_id ORDER BY t.priority, t.id LIMIT 1),
                'legal_unit ' || e.influencing_id) AS ident) AS u) AS w ON c.path IS NOT NULL;
END
$analyse_cycles$;
COMMENT ON FUNCTION import.analyse_cycles(integer) IS 'Second stage of the analysis, for relationships: circles, in the file and together with the register';
REVOKE ALL ON FUNCTION import.analyse_cycles(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_cycles(integer) TO authenticated;

-- Shares of one type in one unit that add up to more than 100 per cent on some day. What a row of the file says of a
-- relationship takes the place of what the register says of it.
CREATE OR REPLACE FUNCTION import.analyse_shares(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_shares$
BEGIN
    INSERT INTO pg_temp.import_note (row_id, severity, finding)
    WITH link AS MATERIALIZED (
        SELECT k.*, round(import.parse_numeric(s.percentage_raw, j.definition_snapshot #>> '{import_definition,decimal_mark}', j.definition_snapshot #>> '{import_definition,thousands}'), 2) AS percentage
        FROM pg_temp.import_link AS k
        JOIN pg_temp.import_source AS s ON s.row_id = k.row_id
        CROSS JOIN import.job AS j
        WHERE j.id = analyse_shares.job_id),
    share AS (
        -- Rows of one relationship that overlap contradict or repeat each other, which is said elsewhere: one counts.
        SELECT DISTINCT ON (l.influencing_id, l.influenced_id, l.type_id, l.valid_from) l.influenced_id, l.type_id, l.valid_from, l.valid_until, l.percentage
        FROM link AS l
        WHERE l.percentage BETWEEN 0 AND 100
        UNION ALL
        SELECT lr.influenced_id, lr.type_id, lower(rest.period), upper(rest.period), lr.percentage
        FROM register.legal_relationship AS lr
        CROSS JOIN LATERAL (SELECT range_agg(daterange(l.valid_from, l.valid_until)) AS periods FROM link AS l
                            WHERE l.influencing_id = lr.influencing_id AND l.influenced_id = lr.influenced_id AND l.type_id = lr.type_id) AS said
        CROSS JOIN LATERAL unnest(datemultirange(lr.valid_range) - coalesce(said.periods, '{}')) AS rest (period)
        WHERE lr.percentage > 0 AND EXISTS (SELECT FROM link AS l WHERE l.influenced_id = lr.influenced_id AND l.type_id = lr.type_id)),
    level AS (
        SELECT e.influenced_id, e.type_id, e.day, lead(e.day) OVER w AS until, sum(sum(e.change)) OVER w AS sum
        FROM (SELECT s.influenced_id, s.type_id, s.valid_from AS day, s.percentage AS change FROM share AS s
              UNION ALL
              SELECT s.influenced_id, s.type_id, s.valid_until, -s.percentage FROM share AS s) AS e
        GROUP BY e.influenced_id, e.type_id, e.day
        WINDOW w AS (PARTITION BY e.influenced_id, e.type_id ORDER BY e.day)),
    full_level AS MATERIALIZED (SELECT l.* FROM level AS l WHERE l.sum > 100),
    first_day AS (
        SELECT DISTINCT ON (k.row_id) k.row_id, f.influenced_id, f.type_id, f.sum, greatest(f.day, k.valid_from) AS day
        FROM full_level AS f
        JOIN link AS k ON k.influenced_id = f.influenced_id AND k.type_id = f.type_id AND k.valid_from < f.until AND f.day < k.valid_until
        WHERE k.percentage > 0
        ORDER BY k.row_id, f.day)
    SELECT d.row_id, 'warning', jsonb_build_object('code', 'percentage_sum', 'severity', 'warning', 'column', 'percentage', 'value', s.percentage_raw,
               'details', jsonb_build_object('date', to_char(d.day, 'YYYY-MM-DD'), 'sum', d.sum, 'rows', to_jsonb(r.rows)))
    FROM first_day AS d
    JOIN pg_temp.import_source AS s ON s.row_id = d.row_id
    JOIN (SELECT x.influenced_id, x.type_id, x.day, (array_agg(DISTINCT k.row_id ORDER BY k.row_id))[:10] AS rows
          FROM (SELECT DISTINCT d.influenced_id, d.type_id, d.day FROM first_day AS d) AS x
          JOIN link AS k ON k.influenced_id = x.influenced_id AND k.type_id = x.type_id AND k.valid_from <= x.day AND x.day < k.valid_until
          GROUP BY x.influenced_id, x.type_id, x.day) AS r ON r.influenced_id = d.influenced_id AND r.type_id = d.type_id AND r.day = d.day;
END
$analyse_shares$;
COMMENT ON FUNCTION import.analyse_shares(integer) IS 'Second stage of the analysis, for relationships: shares of more than 100 per cent';
REVOKE ALL ON FUNCTION import.analyse_shares(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_shares(integer) TO authenticated;

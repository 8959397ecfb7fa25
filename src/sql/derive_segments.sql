-- First stages of the derivation (derive.sql): the days on which a unit's picture can change, and the segments between
-- them.

CREATE OR REPLACE FUNCTION statbus.timepoints_of(unit_type text, unit_ids integer[])
RETURNS TABLE (unit_id integer, timepoint date)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $timepoints_of$
#variable_conflict use_column
DECLARE
    kind CONSTANT text := unit_type;
BEGIN
    -- UNION: one day may be a bound of many things.
    IF kind = 'establishment' THEN
        RETURN QUERY
        WITH dirty AS (
            SELECT unnest(unit_ids) AS id
        ), own AS (
            SELECT o.id, o.valid_from, o.valid_until FROM dirty JOIN register.establishment AS o ON o.id = dirty.id
        ), detail (id, valid_from, valid_until) AS (
            SELECT d.establishment_id, d.valid_from, d.valid_until FROM dirty JOIN register.activity AS d ON d.establishment_id = dirty.id
            UNION ALL SELECT d.establishment_id, d.valid_from, d.valid_until FROM dirty JOIN register.location AS d ON d.establishment_id = dirty.id
            UNION ALL SELECT d.establishment_id, d.valid_from, d.valid_until FROM dirty JOIN register.contact AS d ON d.establishment_id = dirty.id
            UNION ALL SELECT d.establishment_id, d.valid_from, d.valid_until FROM dirty JOIN register.stat_for_unit AS d ON d.establishment_id = dirty.id
            UNION ALL SELECT d.establishment_id, d.valid_from, d.valid_until FROM dirty JOIN register.person_for_unit AS d ON d.establishment_id = dirty.id
        ), period AS (
            SELECT o.id, o.valid_from, o.valid_until FROM own AS o
            UNION ALL
            SELECT o.id, greatest(o.valid_from, d.valid_from), least(o.valid_until, d.valid_until)
            FROM own AS o
            JOIN detail AS d ON d.id = o.id AND d.valid_from < o.valid_until AND o.valid_from < d.valid_until
        )
        SELECT p.id, bound.timepoint
        FROM period AS p
        CROSS JOIN LATERAL (VALUES (p.valid_from), (p.valid_until)) AS bound (timepoint)
        GROUP BY 1, 2;
    ELSIF kind = 'legal_unit' THEN
        RETURN QUERY
        WITH dirty AS (
            SELECT unnest(unit_ids) AS id
        ), own AS (
            SELECT o.id, o.valid_from, o.valid_until FROM dirty JOIN register.legal_unit AS o ON o.id = dirty.id
        ), detail (id, valid_from, valid_until) AS (
            SELECT d.legal_unit_id, d.valid_from, d.valid_until FROM dirty JOIN register.activity AS d ON d.legal_unit_id = dirty.id
            UNION ALL SELECT d.legal_unit_id, d.valid_from, d.valid_until FROM dirty JOIN register.location AS d ON d.legal_unit_id = dirty.id
            UNION ALL SELECT d.legal_unit_id, d.valid_from, d.valid_until FROM dirty JOIN register.contact AS d ON d.legal_unit_id = dirty.id
            UNION ALL SELECT d.legal_unit_id, d.valid_from, d.valid_until FROM dirty JOIN register.stat_for_unit AS d ON d.legal_unit_id = dirty.id
            UNION ALL SELECT d.legal_unit_id, d.valid_from, d.valid_until FROM dirty JOIN register.person_for_unit AS d ON d.legal_unit_id = dirty.id
        ), period AS (
            SELECT o.id, o.valid_from, o.valid_until FROM own AS o
            UNION ALL
            SELECT o.id, greatest(o.valid_from, d.valid_from), least(o.valid_until, d.valid_until)
            FROM own AS o
            JOIN detail AS d ON d.id = o.id AND d.valid_from < o.valid_until AND o.valid_from < d.valid_until
        )
        SELECT p.id, bound.timepoint
        FROM period AS p
        CROSS JOIN LATERAL (VALUES (p.valid_from), (p.valid_until)) AS bound (timepoint)
        UNION
        -- What happens in an establishment while it belongs to the unit.
        SELECT e.legal_unit_id, t.timepoint
        FROM dirty
        JOIN register.establishment AS e ON e.legal_unit_id = dirty.id
        JOIN register.timepoints AS t ON t.unit_type = 'establishment' AND t.unit_id = e.id
            AND e.valid_from <= t.timepoint AND t.timepoint <= e.valid_until;
    ELSIF kind = 'enterprise' THEN
        RETURN QUERY
        WITH dirty AS (
            SELECT unnest(unit_ids) AS id
        )
        SELECT l.enterprise_id, t.timepoint
        FROM dirty
        JOIN register.legal_unit AS l ON l.enterprise_id = dirty.id
        JOIN register.timepoints AS t ON t.unit_type = 'legal_unit' AND t.unit_id = l.id
            AND l.valid_from <= t.timepoint AND t.timepoint <= l.valid_until
        UNION
        SELECT e.enterprise_id, t.timepoint
        FROM dirty
        JOIN register.establishment AS e ON e.enterprise_id = dirty.id
        JOIN register.timepoints AS t ON t.unit_type = 'establishment' AND t.unit_id = e.id
            AND e.valid_from <= t.timepoint AND t.timepoint <= e.valid_until;
    ELSIF kind = 'power_group' THEN
        RETURN QUERY
        WITH dirty AS (
            SELECT unnest(unit_ids) AS id
        ), relation AS (
            SELECT r.derived_power_group_id AS id, r.influencing_id, r.influenced_id, r.valid_from, r.valid_until
            FROM dirty
            JOIN register.legal_relationship AS r ON r.derived_power_group_id = dirty.id
        ), period AS (
            SELECT r.id, r.valid_from, r.valid_until FROM relation AS r
            UNION ALL
            SELECT p.power_group_id, p.valid_from, p.valid_until
            FROM dirty
            JOIN register.power_root AS p ON p.power_group_id = dirty.id
        )
        SELECT p.id, bound.timepoint
        FROM period AS p
        CROSS JOIN LATERAL (VALUES (p.valid_from), (p.valid_until)) AS bound (timepoint)
        UNION
        -- What happens in a legal unit while it is a member.
        SELECT r.id, t.timepoint
        FROM relation AS r
        CROSS JOIN LATERAL (VALUES (r.influencing_id), (r.influenced_id)) AS member (legal_unit_id)
        JOIN register.timepoints AS t ON t.unit_type = 'legal_unit' AND t.unit_id = member.legal_unit_id
            AND r.valid_from <= t.timepoint AND t.timepoint <= r.valid_until;
    END IF;
END
$timepoints_of$;
COMMENT ON FUNCTION statbus.timepoints_of(text, integer[]) IS
    'The days on which the pictures of these units may change; those of the units below them are taken from register.timepoints';
REVOKE ALL ON FUNCTION statbus.timepoints_of(text, integer[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.timesegments_of(unit_type text, unit_ids integer[])
RETURNS TABLE (unit_id integer, valid_from date, valid_until date)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $timesegments_of$
#variable_conflict use_column
DECLARE
    kind CONSTANT register.statistical_unit_type := unit_type;
BEGIN
    RETURN QUERY
    WITH step AS (
        SELECT t.unit_id, t.timepoint AS valid_from, lead(t.timepoint) OVER (PARTITION BY t.unit_id ORDER BY t.timepoint) AS valid_until
        FROM unnest(unit_ids) AS dirty (id)
        JOIN register.timepoints AS t ON t.unit_type = kind AND t.unit_id = dirty.id
    )
    SELECT s.unit_id, s.valid_from, s.valid_until
    FROM step AS s
    WHERE s.valid_until IS NOT NULL
    -- The unit exists on the first day, and so on every day of the segment.
    AND CASE kind
        WHEN 'establishment' THEN EXISTS (
            SELECT FROM register.establishment AS e
            WHERE e.id = s.unit_id AND e.valid_from <= s.valid_from AND s.valid_from < e.valid_until)
        WHEN 'legal_unit' THEN EXISTS (
            SELECT FROM register.legal_unit AS l
            WHERE l.id = s.unit_id AND l.valid_from <= s.valid_from AND s.valid_from < l.valid_until)
        WHEN 'enterprise' THEN EXISTS (
            SELECT FROM register.legal_unit AS l
            WHERE l.enterprise_id = s.unit_id AND l.valid_from <= s.valid_from AND s.valid_from < l.valid_until)
            OR EXISTS (
            SELECT FROM register.establishment AS e
            WHERE e.enterprise_id = s.unit_id AND e.valid_from <= s.valid_from AND s.valid_from < e.valid_until)
        WHEN 'power_group' THEN EXISTS (
            SELECT FROM register.legal_relationship AS r
            WHERE r.derived_power_group_id = s.unit_id AND r.valid_from <= s.valid_from AND s.valid_from < r.valid_until)
        END;
END
$timesegments_of$;
COMMENT ON FUNCTION statbus.timesegments_of(text, integer[]) IS
    'From one of register.timepoints to the next, where the unit exists';
REVOKE ALL ON FUNCTION statbus.timesegments_of(text, integer[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.sync_timesegments(unit_type text, unit_ids integer[], is_write boolean)
RETURNS TABLE (unit_id integer, valid_from date, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $sync_timesegments$
#variable_conflict use_column
DECLARE
    kind CONSTANT register.statistical_unit_type := unit_type;
BEGIN
    RETURN QUERY
    WITH fresh AS MATERIALIZED (
        SELECT f.unit_id, f.timepoint FROM statbus.timepoints_of(kind::text, unit_ids) AS f
    ), stored AS MATERIALIZED (
        SELECT t.unit_id, t.timepoint
        FROM unnest(unit_ids) AS dirty (id)
        JOIN register.timepoints AS t ON t.unit_type = kind AND t.unit_id = dirty.id
    ), difference AS MATERIALIZED (
        SELECT coalesce(f.unit_id, s.unit_id) AS unit_id, coalesce(f.timepoint, s.timepoint) AS timepoint, s.unit_id IS NULL AS is_missing
        FROM fresh AS f
        FULL JOIN stored AS s ON s.unit_id = f.unit_id AND s.timepoint = f.timepoint
        WHERE f.unit_id IS NULL OR s.unit_id IS NULL
    ), gone AS (
        DELETE FROM register.timepoints AS t
        USING difference AS d
        WHERE is_write AND NOT d.is_missing AND t.unit_type = kind AND t.unit_id = d.unit_id AND t.timepoint = d.timepoint
    ), added AS (
        INSERT INTO register.timepoints (unit_type, unit_id, timepoint)
        SELECT kind, d.unit_id, d.timepoint FROM difference AS d WHERE is_write AND d.is_missing
    )
    SELECT d.unit_id, d.timepoint, 'timepoint ' || CASE WHEN d.is_missing THEN 'missing' ELSE 'surplus' END
    FROM difference AS d;

    RETURN QUERY
    WITH fresh AS MATERIALIZED (
        SELECT f.unit_id, f.valid_from, f.valid_until FROM statbus.timesegments_of(kind::text, unit_ids) AS f
    ), stored AS MATERIALIZED (
        SELECT s.unit_id, s.valid_from, s.valid_until
        FROM unnest(unit_ids) AS dirty (id)
        JOIN register.timesegments AS s ON s.unit_type = kind AND s.unit_id = dirty.id
    ), difference AS MATERIALIZED (
        SELECT coalesce(f.unit_id, s.unit_id) AS unit_id, coalesce(f.valid_from, s.valid_from) AS valid_from, f.valid_until,
               CASE WHEN s.unit_id IS NULL THEN 'missing' WHEN f.unit_id IS NULL THEN 'surplus' ELSE 'differs' END AS problem
        FROM fresh AS f
        FULL JOIN stored AS s ON s.unit_id = f.unit_id AND s.valid_from = f.valid_from
        WHERE f.valid_until IS DISTINCT FROM s.valid_until
    ), gone AS (
        DELETE FROM register.timesegments AS s
        USING difference AS d
        WHERE is_write AND d.problem = 'surplus' AND s.unit_type = kind AND s.unit_id = d.unit_id AND s.valid_from = d.valid_from
    ), changed AS (
        UPDATE register.timesegments AS s
        SET valid_until = d.valid_until
        FROM difference AS d
        WHERE is_write AND d.problem = 'differs' AND s.unit_type = kind AND s.unit_id = d.unit_id AND s.valid_from = d.valid_from
    ), added AS (
        INSERT INTO register.timesegments (unit_type, unit_id, valid_from, valid_until)
        SELECT kind, d.unit_id, d.valid_from, d.valid_until FROM difference AS d WHERE is_write AND d.problem = 'missing'
    )
    SELECT d.unit_id, d.valid_from, 'timesegment ' || d.problem FROM difference AS d;
END
$sync_timesegments$;
COMMENT ON FUNCTION statbus.sync_timesegments(text, integer[], boolean) IS
    'What is wrong in register.timepoints and timesegments for these units; is_write puts it right';
REVOKE ALL ON FUNCTION statbus.sync_timesegments(text, integer[], boolean) FROM PUBLIC;

-- rows ------------------------------------------------------------------------------------------------------------

-- Application of a job: units, their enterprises, and who is primary. See src/sql/import_apply.sql.

-- Units: ids and enterprises of new ones, then the slices.
--
-- The period of a row is cut into pieces: what the unit's slices cover, and what is new time. A piece on a slice keeps what
-- the file does not speak of: enterprise, primary flag, columns that the definition does not map. New time takes them from
-- the slice before it, or after it. Who is primary is decided for new time and for a changed owner only.
CREATE OR REPLACE FUNCTION import.apply_units(job_id integer, is_part boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_units$
DECLARE
    job record;
    mode text;
    strategy text;
    unit_table text;
    owner_column text;
    primary_column text;
    mapped text[];
    carried text := '';
    col record;
    piece_columns text;
BEGIN
    SELECT j.data_table_name, j.definition_snapshot AS snapshot,
           (SELECT s.id FROM register.status AS s WHERE s.assigned_by_default AND s.enabled) AS status_id
    INTO STRICT job FROM import.job AS j WHERE j.id = apply_units.job_id;
    mode := job.snapshot #>> '{import_definition,mode}';
    strategy := job.snapshot #>> '{import_definition,strategy}';
    unit_table := CASE mode WHEN 'legal_unit' THEN 'legal_unit' ELSE 'establishment' END;
    owner_column := CASE mode WHEN 'establishment_formal' THEN 'legal_unit_id' ELSE 'enterprise_id' END;
    primary_column := 'primary_for_' || left(owner_column, -3);
    mapped := import.mapped_columns(job.snapshot);

    -- Rows of a new unit share the id that one of them gets; a sibling that was applied before may have it already.
    IF is_part THEN
        EXECUTE format($sql$
            UPDATE pg_temp.import_apply AS a SET unit_id = s.unit_id
            FROM (SELECT d.founding_row_id, min(d.%1$I) AS unit_id FROM import.%2$I AS d
                  WHERE d.state = 'processed' AND d.operation = 'insert' AND d.%1$I IS NOT NULL GROUP BY d.founding_row_id) AS s
            WHERE a.unit_id IS NULL AND s.founding_row_id = a.founding_row_id$sql$, unit_table || '_id', job.data_table_name);
    END IF;
    EXECUTE format($sql$
        WITH new AS (
            SELECT n.founding_row_id, n.row_id, nextval(pg_get_serial_sequence('register.%1$s', 'id')) AS unit_id
            FROM (SELECT a.founding_row_id, min(a.row_id) AS row_id FROM pg_temp.import_apply AS a
                  WHERE a.unit_id IS NULL GROUP BY a.founding_row_id ORDER BY a.founding_row_id) AS n)
        UPDATE pg_temp.import_apply AS a SET unit_id = n.unit_id, founds = a.row_id = n.row_id
        FROM new AS n WHERE n.founding_row_id = a.founding_row_id AND a.unit_id IS NULL$sql$, unit_table);

    -- An enterprise of its own for each new legal unit and each new informal establishment.
    IF mode <> 'establishment_formal' THEN
        UPDATE pg_temp.import_apply AS a SET enterprise_id = n.enterprise_id
        FROM (SELECT x.unit_id, nextval(pg_get_serial_sequence('register.enterprise', 'id')) AS enterprise_id
              FROM (SELECT y.unit_id FROM pg_temp.import_apply AS y WHERE y.founds ORDER BY y.row_id) AS x) AS n
        WHERE n.unit_id = a.unit_id;
        PERFORM import.write_rows('import_apply', 'row_id', format($sql$
            INSERT INTO register.enterprise (id, edit_comment, edit_by_user_id, edit_at, import_job_id, import_source_line)
            OVERRIDING SYSTEM VALUE
            SELECT a.enterprise_id, a.edit_comment, a.edit_by_user_id, a.edit_at, %s, a.source_line
            FROM %s AS a
            WHERE a.founds
            ORDER BY a.row_id$sql$, job_id, import.tried_rows('import_apply')));
    END IF;

    -- Columns of the unit. What the definition does not map stays as it is.
    FOR col IN
        SELECT a.attname AS name,
               CASE a.attname WHEN 'sector_id' THEN 'sector_code' WHEN 'unit_size_id' THEN 'unit_size_code' WHEN 'legal_form_id' THEN 'legal_form_code' ELSE a.attname END AS source
        FROM pg_attribute AS a
        WHERE a.attrelid = format('register.%I', unit_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        AND a.attname NOT IN ('id', 'valid_from', 'valid_until', 'edit_comment', 'edit_by_user_id', 'edit_at', 'import_job_id', 'import_source_line',
                              'status_id', 'data_source_id', 'enterprise_id', 'legal_unit_id', 'primary_for_enterprise', 'primary_for_legal_unit')
        ORDER BY a.attnum
    LOOP
        carried := carried || CASE WHEN col.source = ANY (mapped) THEN format(', a.%I', col.name)
                                   ELSE format(', s.%I', col.name) END;
    END LOOP;

    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_piece AS
        SELECT row_number() OVER (ORDER BY a.row_id, s.piece_from) AS row_id, a.row_id AS source_row_id, a.unit_id AS id,
               s.piece_from AS valid_from, s.piece_until AS valid_until,
               coalesce(a.status_id, CASE WHEN s.is_covered THEN s.status_id ELSE %5$L::integer END) AS status_id, a.data_source_id,
               %6$s AS %3$I,
               CASE WHEN s.is_covered AND %6$s = s.%3$I THEN s.%4$I END AS %4$I
               %7$s,
               a.edit_comment, a.edit_by_user_id, a.edit_at, $1 AS import_job_id, a.source_line AS import_source_line
        FROM pg_temp.import_apply AS a
        CROSS JOIN LATERAL (
            SELECT greatest(t.valid_from, a.valid_from) AS piece_from, least(t.valid_until, a.valid_until) AS piece_until, true AS is_covered, t.*
            FROM register.%1$I AS t
            WHERE NOT a.founds AND t.id = a.unit_id AND t.valid_from < a.valid_until AND a.valid_from < t.valid_until
            UNION ALL
            SELECT lower(g.gap), upper(g.gap), false, n.*
            FROM (SELECT unnest(datemultirange(daterange(a.valid_from, a.valid_until)) - coalesce(
                      (SELECT range_agg(t.valid_range) FROM register.%1$I AS t WHERE NOT a.founds AND t.id = a.unit_id), '{}'::datemultirange)) AS gap) AS g
            LEFT JOIN LATERAL (
                SELECT t.* FROM register.%1$I AS t
                WHERE NOT a.founds AND t.id = a.unit_id
                ORDER BY t.valid_from < lower(g.gap) DESC, CASE WHEN t.valid_from < lower(g.gap) THEN t.valid_from END DESC, t.valid_from
                LIMIT 1) AS n ON true
            WHERE %2$L) AS s$sql$,
        unit_table, strategy NOT IN ('replace_only', 'update_only'), owner_column, primary_column, job.status_id,
        -- A link given by the file, the own enterprise of a new unit, or what the unit has.
        CASE mode WHEN 'establishment_formal' THEN 'coalesce(a.legal_unit_id, s.legal_unit_id)'
                  ELSE 'coalesce(s.enterprise_id, a.enterprise_id)' END,
        carried)
    USING job_id;
    ANALYZE pg_temp.import_piece;
    -- Of a new unit's rows the later ones take the enterprise of the first; an applied sibling has it in the register.
    IF mode <> 'establishment_formal' THEN
        UPDATE pg_temp.import_apply AS a SET enterprise_id = p.enterprise_id
        FROM (SELECT DISTINCT ON (x.source_row_id) x.source_row_id, x.enterprise_id FROM pg_temp.import_piece AS x ORDER BY x.source_row_id, x.row_id) AS p
        WHERE p.source_row_id = a.row_id AND a.enterprise_id IS NULL;
    END IF;

    -- Primary, at each time: nobody while another unit of the owner is; else the first piece of the owner.
    PERFORM import.drop_temporary('import_turn');
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_turn AS
        SELECT p.row_id AS place, p.%3$I AS owner_id, p.id AS unit_id, '{}'::datemultirange AS mine,
               datemultirange(daterange(p.valid_from, p.valid_until)) - coalesce(
                   (SELECT range_agg(t.valid_range) FROM register.%1$I AS t
                    WHERE t.%3$I = p.%3$I AND t.%2$I AND t.id <> p.id AND t.valid_from < p.valid_until AND p.valid_from < t.valid_until), '{}') AS free
        FROM pg_temp.import_piece AS p
        WHERE p.%2$I IS NULL$sql$, unit_table, primary_column, owner_column);
    PERFORM import.take_turns();
    -- A piece that is primary for a part of its time is cut.
    SELECT string_agg(format('p.%I', c.attname), ', ' ORDER BY c.attnum) INTO piece_columns
    FROM pg_attribute AS c
    WHERE c.attrelid = 'pg_temp.import_piece'::regclass AND c.attnum > 0 AND NOT c.attisdropped
    AND c.attname NOT IN ('row_id', 'valid_from', 'valid_until', primary_column);
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_cut AS
        SELECT row_number() OVER (ORDER BY p.row_id, c.part) AS row_id, lower(c.part) AS valid_from, upper(c.part) AS valid_until,
               coalesce(p.%1$I, c.is_primary) AS %1$I, %2$s
        FROM pg_temp.import_piece AS p
        LEFT JOIN pg_temp.import_turn AS n ON n.place = p.row_id
        CROSS JOIN LATERAL (SELECT true AS is_primary, unnest(n.mine) AS part
                            UNION ALL
                            SELECT false, unnest(datemultirange(daterange(p.valid_from, p.valid_until)) - coalesce(n.mine, '{}'))) AS c$sql$,
        primary_column, piece_columns);
    DROP TABLE pg_temp.import_piece;
    ALTER TABLE pg_temp.import_cut RENAME TO import_piece;
    ANALYZE pg_temp.import_piece;
    -- Where a primary unit leaves its owner.
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_left AS
        SELECT t.%3$I AS owner_id, range_agg(t.valid_range * daterange(p.valid_from, p.valid_until)) AS span, min(p.source_row_id) AS row_id
        FROM pg_temp.import_piece AS p
        JOIN register.%1$I AS t ON t.id = p.id AND t.valid_from < p.valid_until AND p.valid_from < t.valid_until
        WHERE t.%2$I AND t.%3$I <> p.%3$I
        GROUP BY t.%3$I$sql$, unit_table, primary_column, owner_column);

    -- Where what hangs on the unit may be.
    IF strategy IN ('replace_only', 'update_only') THEN
        CREATE TEMPORARY TABLE import_span AS
        SELECT p.source_row_id AS row_id, p.valid_from, p.valid_until FROM pg_temp.import_piece AS p;
    ELSE
        CREATE TEMPORARY TABLE import_span AS
        SELECT a.row_id, a.valid_from, a.valid_until FROM pg_temp.import_apply AS a;
    END IF;
    ANALYZE pg_temp.import_span;
    PERFORM import.apply_merge(unit_table, 'import_piece', import.merge_mode(strategy, false), '[]');
    PERFORM import.apply_heirs(job_id, unit_table, owner_column, primary_column);
END
$apply_units$;
COMMENT ON FUNCTION import.apply_units(integer, boolean) IS 'Applies rows: the units themselves, and enterprises for new ones';
REVOKE ALL ON FUNCTION import.apply_units(integer, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_units(integer, boolean) TO authenticated;

-- Shares out time: pg_temp.import_turn has candidates with the time that is free for them, and gives each what is left of it
-- by those of the same owner before it. Of one unit there may be several candidates; they do not compete.
CREATE OR REPLACE FUNCTION import.take_turns()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $take_turns$
DECLARE
    taken bigint;
BEGIN
    LOOP
        WITH first AS MATERIALIZED (
            SELECT DISTINCT ON (t.owner_id) t.place, t.owner_id, t.unit_id, t.free FROM pg_temp.import_turn AS t
            WHERE NOT isempty(t.free)
            ORDER BY t.owner_id, t.place)
        UPDATE pg_temp.import_turn AS t
        SET mine = CASE WHEN t.place = f.place THEN f.free ELSE t.mine END,
            free = CASE WHEN t.place = f.place THEN '{}' ELSE t.free - f.free END
        FROM first AS f
        WHERE f.owner_id = t.owner_id
        AND (t.place = f.place OR t.unit_id <> f.unit_id AND t.free && f.free);
        GET DIAGNOSTICS taken = ROW_COUNT;
        EXIT WHEN taken = 0;
    END LOOP;
END
$take_turns$;
COMMENT ON FUNCTION import.take_turns() IS 'Applies rows: shares out the time in which one of several units can be primary';
REVOKE ALL ON FUNCTION import.take_turns() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.take_turns() TO authenticated;

-- What a primary unit leaves behind when it goes to another owner falls to the oldest of those that stay.
CREATE OR REPLACE FUNCTION import.apply_heirs(job_id integer, unit_table text, owner_column text, primary_column text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_heirs$
BEGIN
    PERFORM import.drop_temporary('import_turn');
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_turn AS
        SELECT row_number() OVER (ORDER BY t.id, t.valid_from) AS place, t.%3$I AS owner_id, t.id AS unit_id, '{}'::datemultirange AS mine,
               datemultirange(t.valid_range) * (l.span - coalesce(
                   (SELECT range_agg(x.valid_range) FROM register.%1$I AS x WHERE x.%3$I = t.%3$I AND x.%2$I), '{}')) AS free, l.row_id
        FROM pg_temp.import_left AS l
        JOIN register.%1$I AS t ON t.%3$I = l.owner_id AND t.valid_range && l.span$sql$, unit_table, primary_column, owner_column);
    DROP TABLE pg_temp.import_left;
    PERFORM import.take_turns();
    IF EXISTS (SELECT FROM pg_temp.import_turn AS t WHERE NOT isempty(t.mine)) THEN
        EXECUTE format($sql$
            CREATE TEMPORARY TABLE import_heir AS
            SELECT row_number() OVER (ORDER BY h.place, h.part) AS row_id, h.unit_id AS id, lower(h.part) AS valid_from, upper(h.part) AS valid_until, true AS %1$I,
                   'primary in place of a unit that left' AS edit_comment, a.edit_by_user_id, a.edit_at, $1 AS import_job_id, a.source_line AS import_source_line
            FROM (SELECT t.place, t.unit_id, t.row_id, unnest(t.mine) AS part FROM pg_temp.import_turn AS t) AS h
            JOIN pg_temp.import_apply AS a ON a.row_id = h.row_id$sql$, primary_column)
        USING job_id;
        PERFORM temporal.merge(target => ('register.' || unit_table)::regclass, source => 'pg_temp.import_heir', identity_columns => '{id}', mode => 'PATCH_FOR_PORTION_OF',
                               ephemeral_columns => '{edit_comment,edit_by_user_id,edit_at,import_job_id,import_source_line}');
        DROP TABLE pg_temp.import_heir;
    END IF;
    DROP TABLE pg_temp.import_turn;
END
$apply_heirs$;
COMMENT ON FUNCTION import.apply_heirs(integer, text, text, text) IS 'Applies rows: who is primary where a primary unit went to another owner';
REVOKE ALL ON FUNCTION import.apply_heirs(integer, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_heirs(integer, text, text, text) TO authenticated;

-- Rows about known units of either kind: their periods within the lives of the units.
CREATE OR REPLACE FUNCTION import.apply_generic_spans()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $apply_generic_spans$
BEGIN
    CREATE TEMPORARY TABLE import_span AS
    SELECT x.row_id, lower(x.span) AS valid_from, upper(x.span) AS valid_until
    FROM (SELECT a.row_id, unnest(range_agg(t.valid_range) * datemultirange(daterange(a.valid_from, a.valid_until))) AS span
          FROM pg_temp.import_apply AS a
          JOIN (SELECT 'legal_unit' AS unit_type, lu.id, lu.valid_range FROM register.legal_unit AS lu
                UNION ALL
                SELECT 'establishment', es.id, es.valid_range FROM register.establishment AS es) AS t
              ON t.unit_type = a.unit_type AND t.id = a.unit_id
          GROUP BY a.row_id, a.valid_from, a.valid_until) AS x;
END
$apply_generic_spans$;
COMMENT ON FUNCTION import.apply_generic_spans() IS 'Applies rows about known units: cuts their periods to the lives of the units';
REVOKE ALL ON FUNCTION import.apply_generic_spans() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_generic_spans() TO authenticated;

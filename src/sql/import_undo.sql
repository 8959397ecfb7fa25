-- Undo: a job is taken back, and the register is as it was before.
--
-- While rows of a job are applied (statbus.import_job says of which), a trigger on the tables that jobs write keeps, per
-- statement, which rows it has written, and those that it has changed or deleted as they were. So it does not matter by which
-- way rows are written, and what is not written costs nothing. Of a row that is new only its key is kept.
--
-- In the end a job has written the rows that it wrote last, and taken away those that it took away first; what came in
-- between was its own. A row that it has written is still its own while the key and the time of its edit are the same: every
-- edit gives another one. Then to undo is to delete these rows and to put those back. Where somebody has edited a unit or a
-- part of it since, its timeline is cut: the portion that the job wrote becomes as it was, the rest stays; an edit of that
-- very portion is a conflict, and so is what has been hung on a unit that would go. A job with conflicts is not undone.

-- The tables that jobs write, in an order in which rows can go: what refers to units before the units.
CREATE OR REPLACE FUNCTION import.undo_tables()
RETURNS TABLE (place integer, name text, has_time boolean)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $undo_tables$
    VALUES (1, 'tag_for_unit', false), (2, 'external_ident', false), (3, 'stat_for_unit', true), (4, 'contact', true), (5, 'activity', true),
           (6, 'location', true), (7, 'legal_relationship', true), (8, 'establishment', true), (9, 'legal_unit', true), (10, 'enterprise', false)
$undo_tables$;
COMMENT ON FUNCTION import.undo_tables() IS 'The tables that import jobs write, those that refer to others first';
REVOKE ALL ON FUNCTION import.undo_tables() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.undo_tables() TO authenticated;

-- DEFINER: what a job writes is kept by no role
CREATE OR REPLACE FUNCTION import.keep_undo()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $keep_undo$
DECLARE
    this_job CONSTANT integer := current_setting('statbus.import_job');
    caller CONSTANT integer := auth.caller_id();     -- 1: a superuser
    -- One number for what is taken away, and a higher one for what is put there.
    next_seq CONSTANT bigint := nextval(pg_get_serial_sequence('import.undo_write', 'seq'));
BEGIN
    -- The setting is anybody's: it holds for one's own job while it is applied.
    IF NOT EXISTS (SELECT FROM import.job AS j WHERE j.id = this_job AND j.state = 'processing_data' AND caller IN (j.user_id, 1)) THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO import.undo_slice (job_id, seq, table_name, id, valid_from, valid_until, image)
        SELECT this_job, next_seq, TG_TABLE_NAME, o.id, o.valid_from, o.valid_until, jsonb_strip_nulls(to_jsonb(o) - '{valid_to,valid_range}'::text[])
        FROM old_rows AS o;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO import.undo_write (job_id, table_name, ids, valid_from, valid_until, edit_at, is_own)
        SELECT this_job, TG_TABLE_NAME, array_agg(n.id), array_agg(n.valid_from), array_agg(n.valid_until), array_agg(n.edit_at),
               array_agg(n.import_job_id IS NOT DISTINCT FROM this_job)
        FROM new_rows AS n
        HAVING count(*) > 0;
    END IF;
    RETURN NULL;
END
$keep_undo$;
COMMENT ON FUNCTION import.keep_undo() IS 'Trigger: keeps what an import job does to slices, so that it can be undone';
REVOKE ALL ON FUNCTION import.keep_undo() FROM PUBLIC;

-- Jobs add rows to these tables and change none.
-- DEFINER: what a job writes is kept by no role
CREATE OR REPLACE FUNCTION import.keep_undo_timeless()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $keep_undo_timeless$
DECLARE
    this_job CONSTANT integer := current_setting('statbus.import_job');
    caller CONSTANT integer := auth.caller_id();     -- 1: a superuser
BEGIN
    IF EXISTS (SELECT FROM import.job AS j WHERE j.id = this_job AND j.state = 'processing_data' AND caller IN (j.user_id, 1)) THEN
        INSERT INTO import.undo_write (job_id, table_name, ids, valid_from, valid_until, edit_at, is_own)
        SELECT this_job, TG_TABLE_NAME, array_agg(n.id), '{}', '{}', array_agg(n.edit_at), array_agg(true)
        FROM new_rows AS n
        HAVING count(*) > 0;
    END IF;
    RETURN NULL;
END
$keep_undo_timeless$;
COMMENT ON FUNCTION import.keep_undo_timeless() IS 'Trigger: keeps which rows an import job adds to tables without time, so that it can be undone';
REVOKE ALL ON FUNCTION import.keep_undo_timeless() FROM PUBLIC;

-- What there is to undo: pg_temp.undo_own has the rows that the job has written and left, and whether they are so still;
-- pg_temp.undo_before the slices that were there and are to come back; undo_split the entities of which something that the
-- job wrote has been edited or deleted since, with the portion of time that it wrote.
CREATE OR REPLACE FUNCTION import.plan_undo(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $plan_undo$
DECLARE
    t record;
BEGIN
    PERFORM import.drop_temporary('undo_put', 'undo_own', 'undo_before', 'undo_split');
    CREATE TEMPORARY TABLE undo_own (table_name text, id integer, valid_from date, valid_until date, edit_at timestamptz, is_own boolean, is_there boolean);
    CREATE TEMPORARY TABLE undo_before (table_name text, id integer, valid_from date, valid_until date, image jsonb);
    CREATE TEMPORARY TABLE undo_put (id integer, valid_from date, valid_until date, edit_at timestamptz, is_own boolean, seq bigint);
    -- Table after table, in the order of their names: a BRIN index then says where those of one lie.
    FOR t IN SELECT * FROM import.undo_tables() AS x ORDER BY x.name LOOP
        TRUNCATE pg_temp.undo_put;
        INSERT INTO pg_temp.undo_put (id, valid_from, valid_until, edit_at, is_own, seq)
        SELECT x.id, x.valid_from, x.valid_until, x.edit_at, x.is_own, w.seq
        FROM import.undo_write AS w
        CROSS JOIN LATERAL unnest(w.ids, w.valid_from, w.valid_until, w.edit_at, w.is_own) AS x (id, valid_from, valid_until, edit_at, is_own)
        WHERE w.job_id = plan_undo.job_id AND w.table_name = t.name;
        ANALYZE pg_temp.undo_put (id);
        -- A key comes and goes by turns: what the job found is what it took away before it put anything there.
        IF t.has_time THEN
            INSERT INTO pg_temp.undo_before (table_name, id, valid_from, valid_until, image)
            SELECT DISTINCT ON (s.id, s.valid_from, s.valid_until) s.table_name, s.id, s.valid_from, s.valid_until, s.image
            FROM import.undo_slice AS s
            WHERE s.job_id = plan_undo.job_id AND s.table_name = t.name
            AND NOT EXISTS (SELECT FROM pg_temp.undo_put AS p
                            WHERE p.id = s.id AND p.valid_from = s.valid_from AND p.valid_until = s.valid_until AND p.seq < s.seq)
            ORDER BY s.id, s.valid_from, s.valid_until, s.seq;
        END IF;
        EXECUTE format($sql$
            INSERT INTO pg_temp.undo_own (table_name, id, valid_from, valid_until, edit_at, is_own, is_there)
            SELECT %1$L, p.id, p.valid_from, p.valid_until, p.edit_at, p.is_own, r.id IS NOT NULL
            FROM pg_temp.undo_put AS p
            LEFT JOIN register.%1$I AS r ON r.id = p.id AND r.edit_at = p.edit_at %2$s
            WHERE NOT EXISTS (SELECT FROM import.undo_slice AS s
                              WHERE s.job_id = $1 AND s.table_name = %1$L AND s.id = p.id AND s.valid_from = p.valid_from AND s.valid_until = p.valid_until
                              AND s.seq > p.seq)$sql$,
            t.name, CASE WHEN t.has_time THEN 'AND r.valid_from = p.valid_from AND r.valid_until = p.valid_until' ELSE '' END)
        USING plan_undo.job_id;
    END LOOP;
    DROP TABLE pg_temp.undo_put;
    CREATE INDEX ON pg_temp.undo_own USING brin (table_name) WITH (pages_per_range = 16);
    CREATE INDEX ON pg_temp.undo_own (table_name) WHERE NOT is_there;
    CREATE INDEX ON pg_temp.undo_before USING brin (table_name) WITH (pages_per_range = 16);
    ANALYZE pg_temp.undo_own (table_name, id, is_there);
    ANALYZE pg_temp.undo_before (table_name, id);

    -- Also one to which somebody has given time since that a slice which would come back has had.
    CREATE TEMPORARY TABLE undo_split AS
    SELECT DISTINCT o.table_name, o.id, NULL::datemultirange AS portion
    FROM pg_temp.undo_own AS o
    WHERE NOT o.is_there AND o.valid_from IS NOT NULL;
    FOR t IN SELECT * FROM import.undo_tables() AS x WHERE x.has_time LOOP
        EXECUTE format($sql$
            INSERT INTO pg_temp.undo_split (table_name, id)
            SELECT DISTINCT b.table_name, b.id
            FROM pg_temp.undo_before AS b
            JOIN register.%1$I AS r ON r.id = b.id AND r.valid_from < b.valid_until AND b.valid_from < r.valid_until
            WHERE b.table_name = %1$L
            AND NOT EXISTS (SELECT FROM pg_temp.undo_own AS o
                            WHERE o.table_name = %1$L AND o.id = r.id AND o.valid_from = r.valid_from AND o.valid_until = r.valid_until AND o.is_there)
            AND NOT EXISTS (SELECT FROM pg_temp.undo_split AS s WHERE s.table_name = %1$L AND s.id = b.id)$sql$, t.name);
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_temp.undo_split) THEN
        RETURN;
    END IF;
    CREATE INDEX ON pg_temp.undo_own (id);
    CREATE INDEX ON pg_temp.undo_before (id);
    ANALYZE pg_temp.undo_split;
    -- What is not the job's own was there before, but for time that the job has added.
    UPDATE pg_temp.undo_split AS s
    SET portion = coalesce((SELECT range_agg(daterange(o.valid_from, o.valid_until)) FILTER (WHERE o.is_own) FROM pg_temp.undo_own AS o
                            WHERE o.table_name = s.table_name AND o.id = s.id), '{}')
                + (x.put - x.before) + (x.before - x.put)
    FROM (SELECT e.table_name, e.id,
                 coalesce((SELECT range_agg(daterange(o.valid_from, o.valid_until)) FROM pg_temp.undo_own AS o
                           WHERE o.table_name = e.table_name AND o.id = e.id), '{}') AS put,
                 coalesce((SELECT range_agg(daterange(b.valid_from, b.valid_until)) FROM pg_temp.undo_before AS b
                           WHERE b.table_name = e.table_name AND b.id = e.id), '{}') AS before
          FROM pg_temp.undo_split AS e) AS x
    WHERE x.table_name = s.table_name AND x.id = s.id;
END
$plan_undo$;
COMMENT ON FUNCTION import.plan_undo(integer) IS 'Internal: finds out what has to be done to undo a job, into temporary tables';
REVOKE ALL ON FUNCTION import.plan_undo(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.plan_undo(integer) TO authenticated;

-- Edits of what the job wrote, by the tables of import.plan_undo(). What is now as it was before the job is no conflict.
CREATE OR REPLACE FUNCTION import.undo_edits()
RETURNS TABLE (table_name text, id integer, valid_from date, valid_until date, problem text, edit_by_user_id integer, edit_at timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $undo_edits$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT * FROM import.undo_tables() LOOP
        IF NOT t.has_time THEN
            RETURN QUERY EXECUTE format($sql$
                SELECT o.table_name, o.id, NULL::date, NULL::date, 'changed', r.edit_by_user_id, r.edit_at
                FROM pg_temp.undo_own AS o
                JOIN register.%1$I AS r ON r.id = o.id
                WHERE o.table_name = %1$L AND NOT o.is_there$sql$, t.name);
            CONTINUE;
        END IF;
        RETURN QUERY EXECUTE format($sql$
            SELECT s.table_name, s.id, r.valid_from, r.valid_until, 'changed', r.edit_by_user_id, r.edit_at
            FROM pg_temp.undo_split AS s
            JOIN register.%1$I AS r ON r.id = s.id AND datemultirange(r.valid_range) && s.portion
            WHERE s.table_name = %1$L
            AND NOT EXISTS (SELECT FROM pg_temp.undo_own AS o
                            WHERE o.table_name = %1$L AND o.id = r.id AND o.valid_from = r.valid_from AND o.valid_until = r.valid_until AND o.is_there)
            AND NOT EXISTS (SELECT FROM pg_temp.undo_before AS b
                            WHERE b.table_name = %1$L AND b.id = r.id
                            AND datemultirange(daterange(b.valid_from, b.valid_until)) @> datemultirange(r.valid_range) * s.portion
                            AND b.image - $1 = jsonb_strip_nulls(to_jsonb(r)) - $1)
            UNION ALL
            SELECT s.table_name, s.id, lower(x.gone), upper(x.gone), 'deleted', NULL, NULL
            FROM pg_temp.undo_split AS s
            CROSS JOIN LATERAL unnest(
                s.portion
                * coalesce((SELECT range_agg(daterange(b.valid_from, b.valid_until)) FROM pg_temp.undo_before AS b
                            WHERE b.table_name = %1$L AND b.id = s.id), '{}')
                * coalesce((SELECT range_agg(daterange(o.valid_from, o.valid_until)) FROM pg_temp.undo_own AS o
                            WHERE o.table_name = %1$L AND o.id = s.id), '{}')
                - coalesce((SELECT range_agg(r.valid_range) FROM register.%1$I AS r WHERE r.id = s.id), '{}')) AS x (gone)
            WHERE s.table_name = %1$L$sql$, t.name)
        USING '{valid_from,valid_until,valid_to,valid_range,edit_comment,edit_by_user_id,edit_at,import_job_id,import_source_line}'::text[];
    END LOOP;
END
$undo_edits$;
COMMENT ON FUNCTION import.undo_edits() IS 'Internal: later edits of what a job wrote, by the tables of import.plan_undo()';
REVOKE ALL ON FUNCTION import.undo_edits() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.undo_edits() TO authenticated;

-- What others have hung on units, or on time of units, that would go; by the tables of import.plan_undo(). Tables outside of
-- the register say themselves, by their references, that a unit cannot go.
CREATE OR REPLACE FUNCTION import.undo_dependents()
RETURNS TABLE (table_name text, id integer, valid_from date, valid_until date, problem text, edit_by_user_id integer, edit_at timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $undo_dependents$
DECLARE
    reference record;
BEGIN
    PERFORM import.drop_temporary('undo_gone');
    -- Time of units that goes, all of it or some.
    CREATE TEMPORARY TABLE undo_gone AS
    SELECT p.table_name, p.id, p.gone, b.id IS NULL AS may_vanish
    FROM (SELECT o.table_name, o.id, range_agg(daterange(o.valid_from, o.valid_until)) AS gone
          FROM pg_temp.undo_own AS o
          WHERE o.table_name IN ('legal_unit', 'establishment')
          GROUP BY o.table_name, o.id) AS p
    LEFT JOIN (SELECT x.table_name, x.id, range_agg(daterange(x.valid_from, x.valid_until)) AS kept
               FROM pg_temp.undo_before AS x
               WHERE x.table_name IN ('legal_unit', 'establishment')
               GROUP BY x.table_name, x.id) AS b ON b.table_name = p.table_name AND b.id = p.id
    WHERE NOT p.gone <@ coalesce(b.kept, '{}');
    UPDATE pg_temp.undo_gone AS g SET gone = g.gone - b.kept
    FROM (SELECT x.table_name, x.id, range_agg(daterange(x.valid_from, x.valid_until)) AS kept
          FROM pg_temp.undo_before AS x GROUP BY x.table_name, x.id) AS b
    WHERE b.table_name = g.table_name AND b.id = g.id;
    ANALYZE pg_temp.undo_gone;

    FOR reference IN
        SELECT c.relation, c.table_name AS name, c.columns[1] AS child_column, c.references_table AS parent, c.period
        FROM temporal.constraint AS c
        WHERE c.constraint_type = 'foreign key' AND c.references_relation IN ('register.legal_unit'::regclass, 'register.establishment'::regclass)
        AND c.table_schema = 'register'
        ORDER BY c.table_name, c.columns[1]
    LOOP
        -- What is the job's own is left out first, for hardly anything else is there.
        RETURN QUERY EXECUTE format($sql$
            SELECT %1$L::text, r.id, %2$s, 'in use', r.edit_by_user_id, r.edit_at
            FROM (SELECT g.id AS unit_id, g.gone, g.may_vanish, r.id, %2$s, r.edit_by_user_id, r.edit_at
                  FROM pg_temp.undo_gone AS g
                  JOIN %3$s AS r ON r.%4$I = g.id
                  WHERE g.table_name = %5$L
                  AND NOT EXISTS (SELECT FROM pg_temp.undo_own AS o WHERE o.table_name = %1$L AND o.id = r.id AND %7$s AND o.is_there)
                  OFFSET 0) AS r
            WHERE %6$s$sql$,
            reference.name, CASE WHEN reference.period IS NOT NULL THEN 'r.valid_from, r.valid_until' ELSE 'NULL::date, NULL::date' END,
            reference.relation, reference.child_column, reference.parent,
            -- What has no time needs the unit at any time.
            CASE WHEN reference.period IS NOT NULL THEN 'datemultirange(daterange(r.valid_from, r.valid_until)) && r.gone'
                 ELSE format('r.may_vanish AND NOT EXISTS (SELECT FROM register.%1$I AS u WHERE u.id = r.unit_id
                     AND NOT EXISTS (SELECT FROM pg_temp.undo_own AS w WHERE w.table_name = %1$L AND w.id = u.id AND w.valid_from = u.valid_from
                                     AND w.valid_until = u.valid_until AND w.is_there))', reference.parent) END,
            CASE WHEN reference.period IS NOT NULL THEN 'o.valid_from = r.valid_from AND o.valid_until = r.valid_until' ELSE 'true' END);
    END LOOP;
    FOR reference IN
        SELECT f.conrelid::regclass AS relation, k.relname::text AS name, a.attname AS child_column,
               EXISTS (SELECT FROM import.undo_tables() AS x WHERE x.name = k.relname AND x.has_time) AS has_time
        FROM pg_constraint AS f
        JOIN pg_class AS k ON k.oid = f.conrelid
        JOIN pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
        WHERE f.contype = 'f' AND f.confrelid = 'register.enterprise'::regclass AND k.relnamespace = 'register'::regnamespace
        ORDER BY k.relname
    LOOP
        RETURN QUERY EXECUTE format($sql$
            SELECT %1$L::text, r.id, %2$s, 'in use', r.edit_by_user_id, r.edit_at
            FROM pg_temp.undo_own AS e
            JOIN %3$s AS r ON r.%4$I = e.id
            WHERE e.table_name = 'enterprise'
            AND NOT EXISTS (SELECT FROM pg_temp.undo_own AS o WHERE o.table_name = %1$L AND o.id = r.id AND %5$s AND o.is_there)$sql$,
            reference.name, CASE WHEN reference.has_time THEN 'r.valid_from, r.valid_until' ELSE 'NULL::date, NULL::date' END,
            reference.relation, reference.child_column,
            CASE WHEN reference.has_time THEN 'o.valid_from = r.valid_from AND o.valid_until = r.valid_until' ELSE 'true' END);
    END LOOP;
    DROP TABLE pg_temp.undo_gone;
END
$undo_dependents$;
COMMENT ON FUNCTION import.undo_dependents() IS 'Internal: what hangs on units that would go, by the tables of import.plan_undo()';
REVOKE ALL ON FUNCTION import.undo_dependents() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.undo_dependents() TO authenticated;

-- Lists without doing: nothing comes back for a job that can be undone. With the rights of the caller.
CREATE OR REPLACE FUNCTION import.undo_conflicts(job_id integer)
RETURNS TABLE (table_name text, id integer, valid_from date, valid_until date, problem text, edit_by_user_id integer, edit_at timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $undo_conflicts$
BEGIN
    PERFORM import.plan_undo(undo_conflicts.job_id);
    RETURN QUERY
        SELECT DISTINCT ON (c.table_name, c.id, c.valid_from) c.table_name, c.id, c.valid_from, c.valid_until, c.problem, c.edit_by_user_id, c.edit_at
        FROM (SELECT * FROM import.undo_edits() UNION ALL SELECT * FROM import.undo_dependents()) AS c
        ORDER BY c.table_name, c.id, c.valid_from, c.problem;
    PERFORM import.drop_temporary('undo_own', 'undo_before', 'undo_split');
END
$undo_conflicts$;
COMMENT ON FUNCTION import.undo_conflicts(integer) IS
    'Why a job cannot be undone: rows that were changed or deleted after it wrote them, and rows of others that are in use with units it added. Changes nothing';
REVOKE ALL ON FUNCTION import.undo_conflicts(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.undo_conflicts(integer) TO authenticated;

-- Entities that were edited elsewhere since: all their slices go, and come back with the job's portion as it was.
CREATE OR REPLACE FUNCTION import.split_undo(table_name text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $split_undo$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_temp.undo_split AS s WHERE s.table_name = split_undo.table_name) THEN
        RETURN;
    END IF;
    PERFORM import.drop_temporary('undo_piece');
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE undo_piece AS
        SELECT s.id, x.part, to_jsonb(r) - '{valid_to,valid_range}'::text[] AS image
        FROM pg_temp.undo_split AS s
        JOIN register.%1$I AS r ON r.id = s.id
        CROSS JOIN LATERAL unnest(datemultirange(r.valid_range) - s.portion) AS x (part)
        WHERE s.table_name = %1$L
        UNION ALL
        SELECT s.id, x.part, b.image
        FROM pg_temp.undo_split AS s
        JOIN pg_temp.undo_before AS b ON b.table_name = %1$L AND b.id = s.id
        CROSS JOIN LATERAL unnest(datemultirange(daterange(b.valid_from, b.valid_until)) * s.portion) AS x (part)
        WHERE s.table_name = %1$L$sql$, table_name);
    DELETE FROM pg_temp.undo_own AS o USING pg_temp.undo_split AS s WHERE s.table_name = split_undo.table_name AND o.table_name = s.table_name AND o.id = s.id;
    DELETE FROM pg_temp.undo_before AS b USING pg_temp.undo_split AS s WHERE s.table_name = split_undo.table_name AND b.table_name = s.table_name AND b.id = s.id;
    EXECUTE format($sql$
        INSERT INTO pg_temp.undo_own (table_name, id, valid_from, valid_until, edit_at, is_own, is_there)
        SELECT s.table_name, r.id, r.valid_from, r.valid_until, r.edit_at, false, true
        FROM pg_temp.undo_split AS s
        JOIN register.%1$I AS r ON r.id = s.id
        WHERE s.table_name = %1$L$sql$, table_name);
    INSERT INTO pg_temp.undo_before (table_name, id, valid_from, valid_until, image)
    SELECT split_undo.table_name, p.id, lower(p.part), upper(p.part),
           p.image || jsonb_build_object('valid_from', lower(p.part), 'valid_until', upper(p.part))
    FROM pg_temp.undo_piece AS p;
    DROP TABLE pg_temp.undo_piece;
END
$split_undo$;
COMMENT ON FUNCTION import.split_undo(text) IS 'Internal: brings entities that were edited since into the tables of import.plan_undo()';
REVOKE ALL ON FUNCTION import.split_undo(text) FROM PUBLIC;

-- Takes away what the job has written into a table, and puts back what was there; how many rows it took away.
CREATE OR REPLACE FUNCTION import.undo_table(table_name text, has_time boolean)
RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $undo_table$
DECLARE
    removal CONSTANT text := format('DELETE FROM register.%1$I AS r USING pg_temp.undo_own AS o WHERE o.table_name = %1$L AND o.is_there AND r.id = o.id AND r.edit_at = o.edit_at', table_name)
        || CASE WHEN has_time THEN ' AND r.valid_from = o.valid_from AND r.valid_until = o.valid_until' ELSE '' END;
    done bigint;
    names text;
    sources text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_temp.undo_before AS b WHERE b.table_name = undo_table.table_name) THEN
        EXECUTE removal;
        GET DIAGNOSTICS done = ROW_COUNT;
        RETURN done;
    END IF;
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), string_agg('r.' || quote_ident(a.attname), ', ' ORDER BY a.attnum)
    INTO names, sources
    FROM pg_attribute AS a
    WHERE a.attrelid = format('register.%I', table_name)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '';
    -- In one statement, at whose end keys and references hold again.
    EXECUTE format($sql$
        WITH gone AS (%4$s RETURNING 1),
        back AS (
            INSERT INTO register.%1$I (%2$s)
            SELECT %3$s
            FROM pg_temp.undo_before AS b
            CROSS JOIN LATERAL jsonb_populate_record(NULL::register.%1$I, b.image) AS r
            WHERE b.table_name = %1$L AND (SELECT count(*) FROM gone) >= 0)
        SELECT count(*) FROM gone$sql$, table_name, names, sources, removal)
    INTO done;
    RETURN done;
END
$undo_table$;
COMMENT ON FUNCTION import.undo_table(text, boolean) IS 'Internal: takes back what a job has done to a table, by the tables of import.plan_undo()';
REVOKE ALL ON FUNCTION import.undo_table(text, boolean) FROM PUBLIC;

-- Takes a job back, all of it or nothing, and returns how many conflicts keep it from that. Only superusers sign rows for others.
CREATE OR REPLACE FUNCTION import.undo_rows(job_id integer)
RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $undo_rows$
DECLARE
    conflicts bigint;
    wanted bigint;
    done bigint;
    undone bigint := 0;
    total bigint;
    t record;
BEGIN
    PERFORM import.plan_undo(undo_rows.job_id);
    SELECT count(*) INTO conflicts FROM (SELECT FROM import.undo_edits() UNION ALL SELECT FROM import.undo_dependents()) AS c;
    IF conflicts = 0 THEN
        SELECT count(*) INTO total FROM pg_temp.undo_own AS o WHERE o.is_there;
        FOR t IN SELECT * FROM import.undo_tables() AS x ORDER BY x.place LOOP
            IF t.has_time THEN
                PERFORM import.split_undo(t.name);
            END IF;
            SELECT count(*) INTO wanted FROM pg_temp.undo_own AS o WHERE o.table_name = t.name AND o.is_there;
            done := import.undo_table(t.name, t.has_time);
            -- Edited while this was going on: the next try finds the conflict.
            IF done <> wanted THEN
                RAISE EXCEPTION 'rows of import job % have been changed while it was undone', job_id USING ERRCODE = 'serialization_failure';
            END IF;
            undone := undone + done;
            PERFORM import.report_progress(undo_rows.job_id, 'undo', least(10000, 10000 * undone / greatest(total, 1)));
        END LOOP;
        PERFORM import.report_progress(undo_rows.job_id, 'end', 0);
        DELETE FROM import.undo_write AS w WHERE w.job_id = undo_rows.job_id;
        DELETE FROM import.undo_slice AS s WHERE s.job_id = undo_rows.job_id;
    END IF;
    PERFORM import.drop_temporary('undo_own', 'undo_before', 'undo_split');
    RETURN conflicts;
END
$undo_rows$;
COMMENT ON FUNCTION import.undo_rows(integer) IS 'Takes an import job back, or returns how many conflicts there are; internal';
REVOKE ALL ON FUNCTION import.undo_rows(integer) FROM PUBLIC;

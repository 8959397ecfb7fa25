-- From the base tables to register.statistical_unit: what a unit's segments are, what stands in a row, who writes it and when.
--
-- The way: base tables → timepoints → timesegments → statistical_unit, each for establishments, then legal units, then
-- enterprises, then power groups. Every stage has one function that says what ought to stand there and compares it with
-- what does; with is_write it also writes the difference. statbus.derive(), rebuild() and verify_derived() are three ways to
-- call these functions. doc/derive.md has the semantics.
--
-- Units are given as arrays of distinct ids. Each statement begins with "dirty", the unnested array, and joins on ids, with
-- the period as an extra condition: the planner then has hash joins for many units and index scans for few.
--
-- The stages are in derive_segments.sql and derive_rows.sql, the summaries in derive_stats.sql, the codes that are used in
-- derive_used.sql; here is who calls them.

CREATE OR REPLACE FUNCTION statbus.sync_units(
    establishment_ids integer[], legal_unit_ids integer[], enterprise_ids integer[], power_group_ids integer[], is_write boolean
)
RETURNS TABLE (unit_type text, unit_id integer, valid_from date, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'auto'
SET enable_nestloop = 'on'
SET work_mem = '64MB'
SET jit = 'off'
AS $sync_units$
#variable_conflict use_column
DECLARE
    is_mass CONSTANT boolean := cardinality(establishment_ids) + cardinality(legal_unit_ids)
        + cardinality(enterprise_ids) + cardinality(power_group_ids) > 1000;
    batch_size CONSTANT integer := CASE WHEN is_mass THEN 20000 ELSE 20 END;
    kind text;
    ids integer[];
    batch integer[];
    position integer;
    grown regclass;
BEGIN
    -- The planner cannot estimate how many slices cover a segment; it guesses too few, and a nested loop over what it
    -- guessed wrong takes time by the square. Few units: batches so small that this does not matter, with plans made once,
    -- which find everything by index. Many: hash joins only, with plans for the real number of units and fresh statistics;
    -- the size of a batch then bounds the memory of a statement.
    PERFORM set_config('plan_cache_mode', CASE WHEN is_mass THEN 'force_custom_plan' ELSE 'force_generic_plan' END, true),
            set_config('enable_nestloop', CASE WHEN is_mass THEN 'off' ELSE 'on' END, true);
    IF is_mass AND is_write THEN
        ANALYZE register.establishment, register.legal_unit, register.activity, register.location, register.contact,
            register.stat_for_unit, register.person_for_unit, register.external_ident, register.tag_for_unit,
            register.legal_relationship;
    ELSIF is_write THEN
        -- A plan that was made when a table was small reads all of it. Statistics of a table that has grown to more than the
        -- double bring new plans; autovacuum would, a minute later.
        FOR grown IN
            SELECT c.oid FROM pg_class AS c
            WHERE c.oid = ANY (ARRAY['register.establishment', 'register.legal_unit', 'register.activity', 'register.location', 'register.contact',
                                     'register.stat_for_unit', 'register.external_ident', 'register.timepoints', 'register.timesegments',
                                     'register.timeline_establishment', 'register.timeline_legal_unit', 'register.timeline_enterprise']::regclass[])
            AND pg_relation_size(c.oid) > (2 * greatest(c.relpages, 0) + 16) * current_setting('block_size')::bigint
        LOOP
            EXECUTE format('ANALYZE %s', grown);
        END LOOP;
    END IF;

    FOREACH kind IN ARRAY ARRAY['establishment', 'legal_unit', 'enterprise', 'power_group'] LOOP
        ids := CASE kind WHEN 'establishment' THEN establishment_ids WHEN 'legal_unit' THEN legal_unit_ids
                         WHEN 'enterprise' THEN enterprise_ids ELSE power_group_ids END;
        CONTINUE WHEN cardinality(ids) = 0;
        FOR position IN 1 .. cardinality(ids) BY batch_size LOOP
            batch := ids[position : position + batch_size - 1];
            RETURN QUERY SELECT kind, s.unit_id, s.valid_from, s.problem FROM statbus.sync_timesegments(kind, batch, is_write) AS s;
        END LOOP;
        IF is_mass AND is_write THEN
            ANALYZE register.timepoints, register.timesegments;
        END IF;
        FOR position IN 1 .. cardinality(ids) BY batch_size LOOP
            batch := ids[position : position + batch_size - 1];
            IF kind = 'establishment' THEN
                RETURN QUERY SELECT kind, s.unit_id, s.valid_from, s.problem FROM statbus.sync_establishments(batch, is_write) AS s;
            ELSIF kind = 'legal_unit' THEN
                RETURN QUERY SELECT kind, s.unit_id, s.valid_from, s.problem FROM statbus.sync_legal_units(batch, is_write) AS s;
            ELSIF kind = 'enterprise' THEN
                RETURN QUERY SELECT kind, s.unit_id, s.valid_from, s.problem FROM statbus.sync_enterprises(batch, is_write) AS s;
            ELSE
                RETURN QUERY SELECT kind, s.unit_id, s.valid_from, s.problem FROM statbus.sync_power_groups(batch, is_write) AS s;
            END IF;
        END LOOP;
        IF is_mass AND is_write THEN
            EXECUTE format('ANALYZE register.%I', 'timeline_' || kind);
        END IF;
    END LOOP;
    IF is_mass AND is_write THEN
        -- Autovacuum never gathers the statistics of a partitioned table as a whole.
        ANALYZE register.statistical_unit;
    END IF;
END
$sync_units$;
COMMENT ON FUNCTION statbus.sync_units(integer[], integer[], integer[], integer[], boolean) IS
    'What is wrong in the segments and rows of exactly these units, given in arrays of distinct ids; is_write puts it right';
REVOKE ALL ON FUNCTION statbus.sync_units(integer[], integer[], integer[], integer[], boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.lock_derived()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $lock_derived$
BEGIN
    -- One lock for all: the second waits, and as each statement at READ COMMITTED has its own snapshot, it then sees what
    -- the first has committed. Locks per enterprise would have to be taken for a set that itself depends on what others are
    -- about to commit (moves, groups), and timesegments_years and *_used are shared anyway. It is the last lock that an
    -- ordinary transaction takes, so that it ends no deadlock.
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'derived data cannot be written at isolation level %', upper(current_setting('transaction_isolation'))
            USING ERRCODE = 'invalid_transaction_state',
                  DETAIL = 'The transaction would not see what others have committed meanwhile.',
                  HINT = 'Use READ COMMITTED, or leave it to a task: changes made at this level are derived by CALL worker.process_tasks().';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('statbus.derive', 0));
END
$lock_derived$;
COMMENT ON FUNCTION statbus.lock_derived() IS 'Makes this transaction the one writer of derived data';
REVOKE ALL ON FUNCTION statbus.lock_derived() FROM PUBLIC;

-- DEFINER: writes derived tables, which no role may write
CREATE OR REPLACE FUNCTION statbus.derive_changes(
    establishment_ids integer[], legal_unit_ids integer[], enterprise_ids integer[], power_group_ids integer[], code_lists text[]
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = 'auto'
SET jit = 'off'
AS $derive_changes$
DECLARE
    all_lists CONSTANT text[] := ARRAY['activity_category', 'region', 'sector', 'legal_form', 'country', 'data_source'];
    establishments integer[];
    legal_units integer[];
    enterprises integer[];
    power_groups integer[];
    is_mass boolean;
    codes_before jsonb;
    codes_after jsonb;
    years integer[];
    lists text[] := coalesce(code_lists, '{}');
BEGIN
    PERFORM statbus.lock_derived();
    PERFORM set_config('plan_cache_mode', CASE WHEN cardinality(establishment_ids) + cardinality(legal_unit_ids) > 20
                                               THEN 'force_custom_plan' ELSE 'force_generic_plan' END, true);

    -- Upwards, to what a unit belongs to on any day, and to what it belonged to when it was last derived.
    establishments := ARRAY(SELECT DISTINCT u.id FROM unnest(establishment_ids) AS u (id) WHERE u.id IS NOT NULL ORDER BY 1);
    legal_units := ARRAY(
        SELECT u.id FROM unnest(legal_unit_ids) AS u (id) WHERE u.id IS NOT NULL
        UNION
        SELECT e.legal_unit_id FROM (SELECT unnest(establishments)) AS d (id)
        JOIN register.establishment AS e ON e.id = d.id WHERE e.legal_unit_id IS NOT NULL
        UNION
        SELECT e.legal_unit_id FROM (SELECT unnest(establishments)) AS d (id)
        JOIN register.timeline_establishment AS e ON e.unit_type = 'establishment' AND e.unit_id = d.id WHERE e.legal_unit_id IS NOT NULL
        ORDER BY 1);
    enterprises := ARRAY(
        SELECT u.id FROM unnest(enterprise_ids) AS u (id) WHERE u.id IS NOT NULL
        UNION
        SELECT e.enterprise_id FROM (SELECT unnest(establishments)) AS d (id)
        JOIN register.establishment AS e ON e.id = d.id WHERE e.enterprise_id IS NOT NULL
        UNION
        SELECT e.enterprise_id FROM (SELECT unnest(establishments)) AS d (id)
        JOIN register.timeline_establishment AS e ON e.unit_type = 'establishment' AND e.unit_id = d.id WHERE e.enterprise_id IS NOT NULL
        UNION
        SELECT l.enterprise_id FROM (SELECT unnest(legal_units)) AS d (id)
        JOIN register.legal_unit AS l ON l.id = d.id
        UNION
        SELECT l.enterprise_id FROM (SELECT unnest(legal_units)) AS d (id)
        JOIN register.timeline_legal_unit AS l ON l.unit_type = 'legal_unit' AND l.unit_id = d.id
        ORDER BY 1);
    power_groups := ARRAY(
        SELECT u.id FROM unnest(power_group_ids) AS u (id) WHERE u.id IS NOT NULL
        UNION
        SELECT r.derived_power_group_id FROM (SELECT unnest(legal_units)) AS d (id)
        JOIN register.legal_relationship AS r ON r.influencing_id = d.id WHERE r.derived_power_group_id IS NOT NULL
        UNION
        SELECT r.derived_power_group_id FROM (SELECT unnest(legal_units)) AS d (id)
        JOIN register.legal_relationship AS r ON r.influenced_id = d.id WHERE r.derived_power_group_id IS NOT NULL
        ORDER BY 1);

    is_mass := cardinality(establishments) + cardinality(legal_units) + cardinality(enterprises) + cardinality(power_groups) > 1000;
    IF NOT is_mass THEN
        codes_before := statbus.codes_of(establishments, legal_units, enterprises, power_groups);
    END IF;
    years := ARRAY(
        SELECT DISTINCT extract(year FROM s.valid_from)::integer
        FROM statbus.sync_units(establishments, legal_units, enterprises, power_groups, true) AS s
        WHERE s.problem IN ('timesegment missing', 'timesegment surplus'));
    IF cardinality(years) > 0 THEN
        PERFORM statbus.sync_years(years, true);
    END IF;
    IF is_mass THEN
        lists := all_lists;
    ELSE
        codes_after := statbus.codes_of(establishments, legal_units, enterprises, power_groups);
        lists := lists || ARRAY(SELECT l.name FROM unnest(all_lists) AS l (name)
                                WHERE codes_before -> l.name IS DISTINCT FROM codes_after -> l.name);
    END IF;
    IF cardinality(lists) > 0 THEN
        PERFORM statbus.sync_used(lists, true);
    END IF;
END
$derive_changes$;
COMMENT ON FUNCTION statbus.derive_changes(integer[], integer[], integer[], integer[], text[]) IS
    'statbus.derive(), and the *_used tables of these code lists';
REVOKE ALL ON FUNCTION statbus.derive_changes(integer[], integer[], integer[], integer[], text[]) FROM PUBLIC;

-- DEFINER: writes derived tables, which no role may write
CREATE OR REPLACE FUNCTION statbus.derive(
    establishment_ids integer[], legal_unit_ids integer[], enterprise_ids integer[], power_group_ids integer[]
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $derive$
BEGIN
    PERFORM statbus.derive_changes(coalesce(establishment_ids, '{}'), coalesce(legal_unit_ids, '{}'),
                                   coalesce(enterprise_ids, '{}'), coalesce(power_group_ids, '{}'), '{}');
END
$derive$;
COMMENT ON FUNCTION statbus.derive(integer[], integer[], integer[], integer[]) IS
    'Derives these units and all they belong to; writes what differs, deletes the rows of units that no longer exist';
REVOKE ALL ON FUNCTION statbus.derive(integer[], integer[], integer[], integer[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.all_units(
    OUT establishment_ids integer[], OUT legal_unit_ids integer[], OUT enterprise_ids integer[], OUT power_group_ids integer[]
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $all_units$
BEGIN
    -- Derived units that no longer exist are units too: their rows are to go.
    SELECT coalesce(array_agg(u.id ORDER BY u.id) FILTER (WHERE u.kind = 'establishment'), '{}'),
           coalesce(array_agg(u.id ORDER BY u.id) FILTER (WHERE u.kind = 'legal_unit'), '{}'),
           coalesce(array_agg(u.id ORDER BY u.id) FILTER (WHERE u.kind = 'enterprise'), '{}'),
           coalesce(array_agg(u.id ORDER BY u.id) FILTER (WHERE u.kind = 'power_group'), '{}')
    INTO establishment_ids, legal_unit_ids, enterprise_ids, power_group_ids
    FROM (SELECT 'establishment'::register.statistical_unit_type, e.id FROM register.establishment AS e
          UNION SELECT 'legal_unit', l.id FROM register.legal_unit AS l
          UNION SELECT 'enterprise', n.id FROM register.enterprise AS n
          UNION SELECT 'power_group', p.id FROM register.power_group AS p
          UNION SELECT t.unit_type, t.unit_id FROM register.timepoints AS t
          UNION SELECT s.unit_type, s.unit_id FROM register.timesegments AS s
          UNION SELECT u.unit_type, u.unit_id FROM register.statistical_unit AS u) AS u (kind, id);
END
$all_units$;
COMMENT ON FUNCTION statbus.all_units() IS 'Every unit that is in a base table or in a derived one';
REVOKE ALL ON FUNCTION statbus.all_units() FROM PUBLIC;

-- DEFINER: writes derived tables, which no role may write
CREATE OR REPLACE FUNCTION statbus.rebuild()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $rebuild$
DECLARE
    units record;
    years integer[];
BEGIN
    PERFORM statbus.lock_derived();
    -- What is committed by now is derived here.
    DELETE FROM worker.base_change_log;
    SELECT * INTO units FROM statbus.all_units();
    PERFORM statbus.sync_units(units.establishment_ids, units.legal_unit_ids, units.enterprise_ids, units.power_group_ids, true);
    years := ARRAY(SELECT extract(year FROM s.valid_from)::integer FROM register.timesegments AS s
                   UNION SELECT t.year FROM register.timesegments_years AS t);
    PERFORM statbus.sync_years(years, true);
    PERFORM statbus.sync_used(ARRAY['activity_category', 'region', 'sector', 'legal_form', 'country', 'data_source'], true);
END
$rebuild$;
COMMENT ON FUNCTION statbus.rebuild() IS
    'Derives everything from the base tables, in one transaction; writes what differs, so that readers never see half of it';
REVOKE ALL ON FUNCTION statbus.rebuild() FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.verify_derived()
RETURNS TABLE (unit_type text, unit_id integer, valid_from date, problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $verify_derived$
#variable_conflict use_column
DECLARE
    units record;
    years integer[];
BEGIN
    -- Each stage is compared with what follows from the stage before it as it is stored. When no stage differs,
    -- all is as a rebuild from nothing would make it.
    PERFORM statbus.lock_derived();
    SELECT * INTO units FROM statbus.all_units();
    RETURN QUERY
        SELECT s.unit_type, s.unit_id, s.valid_from, s.problem
        FROM statbus.sync_units(units.establishment_ids, units.legal_unit_ids, units.enterprise_ids, units.power_group_ids, false) AS s;
    years := ARRAY(SELECT extract(year FROM s.valid_from)::integer FROM register.timesegments AS s
                   UNION SELECT t.year FROM register.timesegments_years AS t);
    RETURN QUERY SELECT NULL::text, NULL::integer, make_date(s.year, 1, 1), s.problem FROM statbus.sync_years(years, false) AS s;
    RETURN QUERY
        SELECT NULL::text, s.id, NULL::date, s.problem
        FROM statbus.sync_used(ARRAY['activity_category', 'region', 'sector', 'legal_form', 'country', 'data_source'], false) AS s;
END
$verify_derived$;
COMMENT ON FUNCTION statbus.verify_derived() IS
    'Where derived data differs from what the base tables say, empty when all is right; unit_id of a *_used problem is the id of the code';
REVOKE ALL ON FUNCTION statbus.verify_derived() FROM PUBLIC;

-- DEFINER: writes derived tables and the change log, which no role may write
CREATE OR REPLACE FUNCTION statbus.derive_pending(max_units integer DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $derive_pending$
DECLARE
    change record;
BEGIN
    PERFORM statbus.lock_derived();
    IF EXISTS (SELECT FROM worker.base_change_log AS c WHERE c.all_units) THEN
        PERFORM statbus.rebuild();
        RETURN 0;
    END IF;
    WITH drained AS MATERIALIZED (
        DELETE FROM worker.base_change_log AS c
        USING (SELECT l.id, sum(cardinality(l.establishment_ids) + cardinality(l.legal_unit_ids) + cardinality(l.enterprise_ids)
                                + cardinality(l.power_group_ids)) OVER (ORDER BY l.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
               FROM worker.base_change_log AS l) AS run
        WHERE c.id = run.id AND (max_units IS NULL OR coalesce(run.before, 0) < max_units)
        RETURNING c.establishment_ids, c.legal_unit_ids, c.enterprise_ids, c.power_group_ids, c.code_lists
    )
    SELECT ARRAY(SELECT DISTINCT unnest(d.establishment_ids) FROM drained AS d) AS establishment_ids,
           ARRAY(SELECT DISTINCT unnest(d.legal_unit_ids) FROM drained AS d) AS legal_unit_ids,
           ARRAY(SELECT DISTINCT unnest(d.enterprise_ids) FROM drained AS d) AS enterprise_ids,
           ARRAY(SELECT DISTINCT unnest(d.power_group_ids) FROM drained AS d) AS power_group_ids,
           ARRAY(SELECT DISTINCT unnest(d.code_lists) FROM drained AS d) AS code_lists,
           EXISTS (SELECT FROM drained) AS is_any
    INTO change;
    IF change.is_any THEN
        PERFORM statbus.derive_changes(change.establishment_ids, change.legal_unit_ids, change.enterprise_ids, change.power_group_ids, change.code_lists);
    END IF;
    RETURN (SELECT count(*) FROM worker.base_change_log AS c);
END
$derive_pending$;
COMMENT ON FUNCTION statbus.derive_pending(integer) IS
    'Derives what the change log holds, the oldest first, until about max_units units; returns how many rows of the log are left';
REVOKE ALL ON FUNCTION statbus.derive_pending(integer) FROM PUBLIC;

CREATE OR REPLACE PROCEDURE statbus.derive_task(payload jsonb)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $derive_task$
BEGIN
    IF statbus.derive_pending(50000) > 0 THEN
        PERFORM worker.spawn('derive_statistical_unit');
    END IF;
END
$derive_task$;
COMMENT ON PROCEDURE statbus.derive_task(jsonb) IS 'Handler of the command derive_statistical_unit';
REVOKE ALL ON PROCEDURE statbus.derive_task(jsonb) FROM PUBLIC;

-- DEFINER: writes the change log, which no role may write
-- Arguments: the columns of the changed table that hold ids of establishments, legal units, enterprises and power groups;
-- '' for none.
CREATE OR REPLACE FUNCTION statbus.log_base_change()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $log_base_change$
DECLARE
    columns CONSTANT text := (
        SELECT string_agg(CASE WHEN a.name = '' THEN 'NULL::integer' ELSE quote_ident(a.name) END, ', ' ORDER BY a.position)
        FROM unnest(TG_ARGV) WITH ORDINALITY AS a (name, position));
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO worker.base_change_log (all_units) VALUES (true);
        RETURN NULL;
    END IF;
    EXECUTE format($insert$
        INSERT INTO worker.base_change_log (establishment_ids, legal_unit_ids, enterprise_ids, power_group_ids)
        SELECT coalesce(array_agg(DISTINCT c.e) FILTER (WHERE c.e IS NOT NULL), '{}'),
               coalesce(array_agg(DISTINCT c.l) FILTER (WHERE c.l IS NOT NULL), '{}'),
               coalesce(array_agg(DISTINCT c.n) FILTER (WHERE c.n IS NOT NULL), '{}'),
               coalesce(array_agg(DISTINCT c.p) FILTER (WHERE c.p IS NOT NULL), '{}')
        FROM (%s) AS c (e, l, n, p)
        HAVING count(c.e) + count(c.l) + count(c.n) + count(c.p) > 0
        $insert$,
        CASE TG_OP
            WHEN 'INSERT' THEN format('SELECT %s FROM new_rows', columns)
            WHEN 'DELETE' THEN format('SELECT %s FROM old_rows', columns)
            ELSE format('SELECT %1$s FROM old_rows UNION ALL SELECT %1$s FROM new_rows', columns)
        END);
    RETURN NULL;
END
$log_base_change$;
COMMENT ON FUNCTION statbus.log_base_change() IS 'Statement trigger on base tables: notes which units to derive again';
REVOKE ALL ON FUNCTION statbus.log_base_change() FROM PUBLIC;

CREATE OR REPLACE FUNCTION statbus.prefix_columns(alias text, columns text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $prefix_columns$
    SELECT coalesce(string_agg(alias || '.' || quote_ident(btrim(c.name)), ', ' ORDER BY c.position), '')
    FROM unnest(string_to_array(columns, ',')) WITH ORDINALITY AS c (name, position)
$prefix_columns$;
COMMENT ON FUNCTION statbus.prefix_columns(text, text) IS 'a, b → alias.a, alias.b';
REVOKE ALL ON FUNCTION statbus.prefix_columns(text, text) FROM PUBLIC;

-- DEFINER: writes the change log, which no role may write
-- Arguments: the columns that show in the rows of units, those that show only in *_used, then who refers to the list, as
-- table.column.
CREATE OR REPLACE FUNCTION statbus.log_code_change()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $log_code_change$
DECLARE
    -- Rows are compared by their images: ltree has a place for its operators that this function need not know.
    comparison CONSTANT text :=
        'SELECT coalesce(array_agg(n.id), ''{}'') FROM new_rows AS n JOIN old_rows AS o ON o.id = n.id
         WHERE ROW(%s)::record OPERATOR(pg_catalog.*<>) ROW(%s)::record';
    list CONSTANT text := CASE TG_TABLE_NAME WHEN 'activity_category_standard' THEN 'activity_category' ELSE TG_TABLE_NAME END;
    lists text[] := '{}';
    shown_in_units integer[];
    shown_in_used integer[];
    units text;
BEGIN
    EXECUTE format(comparison, statbus.prefix_columns('n', TG_ARGV[0]), statbus.prefix_columns('o', TG_ARGV[0])) INTO shown_in_units;
    EXECUTE format(comparison, statbus.prefix_columns('n', TG_ARGV[1]), statbus.prefix_columns('o', TG_ARGV[1])) INTO shown_in_used;
    IF list IN ('activity_category', 'region', 'sector', 'legal_form', 'country', 'data_source')
        AND cardinality(shown_in_units) + cardinality(shown_in_used) > 0 THEN
        lists := ARRAY[list];
    END IF;
    SELECT string_agg(format('SELECT %s, %s, %s, %s FROM register.%I AS r WHERE r.%I = ANY ($1)',
                             CASE t.name WHEN 'establishment' THEN 'r.id' WHEN 'legal_unit' THEN 'NULL::integer' ELSE 'r.establishment_id' END,
                             CASE t.name WHEN 'legal_unit' THEN 'r.id' WHEN 'establishment' THEN 'NULL::integer' ELSE 'r.legal_unit_id' END,
                             CASE WHEN t.name IN ('external_ident', 'tag_for_unit') THEN 'r.enterprise_id' ELSE 'NULL::integer' END,
                             CASE WHEN t.name IN ('external_ident', 'tag_for_unit') THEN 'r.power_group_id' ELSE 'NULL::integer' END,
                             t.name, t.column_name), ' UNION ALL ')
    INTO units
    FROM (SELECT split_part(a.reference, '.', 1) AS name, split_part(a.reference, '.', 2) AS column_name
          FROM unnest(TG_ARGV[2:]) AS a (reference)) AS t;
    EXECUTE format($insert$
        INSERT INTO worker.base_change_log (establishment_ids, legal_unit_ids, enterprise_ids, power_group_ids, code_lists)
        SELECT coalesce(array_agg(DISTINCT c.e) FILTER (WHERE c.e IS NOT NULL), '{}'),
               coalesce(array_agg(DISTINCT c.l) FILTER (WHERE c.l IS NOT NULL), '{}'),
               coalesce(array_agg(DISTINCT c.n) FILTER (WHERE c.n IS NOT NULL), '{}'),
               coalesce(array_agg(DISTINCT c.p) FILTER (WHERE c.p IS NOT NULL), '{}'), $2
        FROM (%s) AS c (e, l, n, p)
        HAVING count(c.e) + count(c.l) + count(c.n) + count(c.p) + cardinality($2) > 0
        $insert$, coalesce(units, 'SELECT NULL::integer, NULL::integer, NULL::integer, NULL::integer WHERE $1 IS NULL'))
    USING shown_in_units, lists;
    RETURN NULL;
END
$log_code_change$;
COMMENT ON FUNCTION statbus.log_code_change() IS 'Statement trigger on code lists: notes the units that show a changed code';
REVOKE ALL ON FUNCTION statbus.log_code_change() FROM PUBLIC;

-- DEFINER: writes the change log, which no role may write
CREATE OR REPLACE FUNCTION statbus.log_settings_change()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $log_settings_change$
BEGIN
    -- The country decides which units are domestic.
    IF EXISTS (SELECT FROM register.statistical_unit) THEN
        INSERT INTO worker.base_change_log (all_units) VALUES (true);
    END IF;
    RETURN NULL;
END
$log_settings_change$;
COMMENT ON FUNCTION statbus.log_settings_change() IS 'Statement trigger on register.settings: notes that every unit is to be derived again';
REVOKE ALL ON FUNCTION statbus.log_settings_change() FROM PUBLIC;

-- DEFINER: writes derived tables and the change log, which no role may write, and queues a task
CREATE OR REPLACE FUNCTION statbus.derive_at_commit()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $derive_at_commit$
DECLARE
    immediate_limit CONSTANT integer := coalesce(nullif(current_setting('statbus.derive_immediate_limit', true), '')::integer, 1000);
    is_deferred CONSTANT boolean := coalesce(current_setting('statbus.derive', true), '') = 'deferred'
        OR current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted');
    change record;
BEGIN
    -- The first row of the transaction speaks for all; the others then find nothing to do.
    IF NOT EXISTS (SELECT FROM worker.base_change_log AS c WHERE c.id = NEW.id AND NOT c.is_queued) THEN
        RETURN NULL;
    END IF;
    SELECT sum(cardinality(c.establishment_ids) + cardinality(c.legal_unit_ids) + cardinality(c.enterprise_ids)
               + cardinality(c.power_group_ids)) AS units,
           bool_or(c.all_units) AS all_units
    INTO change
    FROM worker.base_change_log AS c
    WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued;

    IF NOT is_deferred AND change.units > immediate_limit THEN
        -- Several statements may have named the same units.
        SELECT count(*) AS units, change.all_units AS all_units
        INTO change
        FROM (SELECT 1, unnest(c.establishment_ids) FROM worker.base_change_log AS c WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued
              UNION SELECT 2, unnest(c.legal_unit_ids) FROM worker.base_change_log AS c WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued
              UNION SELECT 3, unnest(c.enterprise_ids) FROM worker.base_change_log AS c WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued
              UNION SELECT 4, unnest(c.power_group_ids) FROM worker.base_change_log AS c WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued) AS u;
    END IF;
    IF change.all_units THEN
        SELECT count(*) AS units, true AS all_units
        INTO change
        FROM (SELECT FROM register.timesegments AS s GROUP BY s.unit_type, s.unit_id LIMIT immediate_limit::bigint + 1) AS u;
    END IF;

    IF is_deferred OR change.units > immediate_limit THEN
        UPDATE worker.base_change_log AS c SET is_queued = true WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued;
        PERFORM worker.spawn('derive_statistical_unit');
        RETURN NULL;
    END IF;

    PERFORM statbus.lock_derived();
    IF change.all_units THEN
        PERFORM statbus.rebuild();
        RETURN NULL;
    END IF;
    WITH drained AS MATERIALIZED (
        DELETE FROM worker.base_change_log AS c
        WHERE c.transaction_id = pg_current_xact_id() AND NOT c.is_queued
        RETURNING c.establishment_ids, c.legal_unit_ids, c.enterprise_ids, c.power_group_ids, c.code_lists
    )
    SELECT ARRAY(SELECT DISTINCT unnest(d.establishment_ids) FROM drained AS d) AS establishment_ids,
           ARRAY(SELECT DISTINCT unnest(d.legal_unit_ids) FROM drained AS d) AS legal_unit_ids,
           ARRAY(SELECT DISTINCT unnest(d.enterprise_ids) FROM drained AS d) AS enterprise_ids,
           ARRAY(SELECT DISTINCT unnest(d.power_group_ids) FROM drained AS d) AS power_group_ids,
           ARRAY(SELECT DISTINCT unnest(d.code_lists) FROM drained AS d) AS code_lists
    INTO change;
    PERFORM statbus.derive_changes(change.establishment_ids, change.legal_unit_ids, change.enterprise_ids, change.power_group_ids, change.code_lists);
    RETURN NULL;
END
$derive_at_commit$;
COMMENT ON FUNCTION statbus.derive_at_commit() IS
    'Deferred trigger on the change log: derives the changes of the transaction, or queues a task (settings statbus.derive, statbus.derive_immediate_limit)';
REVOKE ALL ON FUNCTION statbus.derive_at_commit() FROM PUBLIC;

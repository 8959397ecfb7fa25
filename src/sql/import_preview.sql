-- What a job would do to the register, before it does it: the analysed rows compared with the register, set-based, with the
-- rights of the caller.
--
-- A row says something of parts: the unit itself, its identifiers, locations, activities, contact, statistics, tags, or a relationship.
-- Of each part it would insert (the register has nothing of it, at no time), update (it has, but not this, or not in the
-- whole period of the row) or leave it unchanged. What counts as this is what import.apply_units() and import.apply_parts() write: columns that
-- the definition maps, an empty cell only where a row replaces.
--
-- Rows are compared with the register as it is, not with other rows of the file: of several rows for one address or one owner
-- the second may find more, or less, than is said here.

-- Compares rows a of a source with the slices t of a table. within_life: only the part of the period in which the unit lives
-- counts, a.span; otherwise the slices have to cover the whole period.
CREATE OR REPLACE FUNCTION import.compare_sql(part text, item text, source text, target text, matches text, filter text, same text, within_life boolean)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $compare_sql$
    SELECT format($sql$
        SELECT a.row_id, %1$L::text, %2$L::text,
               CASE WHEN count(t.id) = 0 THEN 'insert'
                    WHEN coalesce(bool_and(%7$s) FILTER (WHERE t.valid_from < a.valid_until AND a.valid_from < t.valid_until), true) AND %8$s THEN 'unchanged'
                    ELSE 'update' END
        FROM %3$s AS a
        LEFT JOIN register.%4$I AS t ON %5$s
        WHERE %6$s
        GROUP BY a.row_id, a.valid_from, a.valid_until%9$s$sql$,
        part, item, source, target, matches, filter, same,
        CASE WHEN within_life THEN 'coalesce(range_agg(t.valid_range) @> a.span, false)'
             -- Mostly one slice covers the period; only where none does the slices are put together.
             ELSE $sql$(bool_or(t.valid_from <= a.valid_from AND a.valid_until <= t.valid_until)
                        OR coalesce(range_agg(t.valid_range) FILTER (WHERE t.valid_from < a.valid_until AND a.valid_from < t.valid_until
                                    AND NOT (t.valid_from <= a.valid_from AND a.valid_until <= t.valid_until)) @> daterange(a.valid_from, a.valid_until), false))$sql$ END,
        CASE WHEN within_life THEN ', a.span' ELSE '' END)
$compare_sql$;
COMMENT ON FUNCTION import.compare_sql(text, text, text, text, text, text, text, boolean) IS
    'SQL text of a query: what rows of a source would do to one part of their units';
REVOKE ALL ON FUNCTION import.compare_sql(text, text, text, text, text, text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.compare_sql(text, text, text, text, text, text, text, boolean) TO authenticated;

-- The queries for the units themselves, for enterprises, and for identifiers.
CREATE OR REPLACE FUNCTION import.compare_units_sql(snapshot jsonb, source text, unit_table text, within_life boolean)
RETURNS SETOF text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $compare_units_sql$
DECLARE
    mode CONSTANT text := snapshot #>> '{import_definition,mode}';
    by_patch CONSTANT boolean := snapshot #>> '{import_definition,strategy}' NOT IN ('insert_or_replace', 'replace_only');
    unit_id CONSTANT text := format('a.%I', unit_table || '_id');
    c record;
BEGIN
    RETURN QUERY
        SELECT import.compare_sql(s.part, s.item, source, s.part, s.matches, s.says, format('%s AND %s', import.same_sql(s.columns, s.expressions, by_patch), s.others), within_life)
        FROM import.said_parts(snapshot, unit_table) AS s
        WHERE s.part = unit_table;
    IF mode <> 'establishment_formal' THEN
        RETURN NEXT format($sql$SELECT min(a.row_id), 'enterprise', 'enterprise', 'insert' FROM %s AS a WHERE %s IS NULL GROUP BY a.founding_row_id$sql$, source, unit_id);
    END IF;

    FOR c IN
        SELECT t.id AS type_id, t.code, CASE t.shape WHEN 'regular' THEN t.code || '_raw' ELSE t.code || '_path' END AS column_name
        FROM import.plan_column(snapshot) AS p
        JOIN register.external_ident_type AS t ON t.id = p.external_ident_type_id
        WHERE p.step_code = 'external_idents' AND p.purpose = 'source_input'
        GROUP BY t.id, t.shape, t.code
        ORDER BY t.id
    LOOP
        -- One row of a unit brings it.
        RETURN NEXT format($sql$
            SELECT g.row_id, 'external_ident', %1$L, CASE WHEN g.is_first AND e.id IS NULL THEN 'insert' ELSE 'unchanged' END
            FROM (SELECT a.row_id, %2$s AS unit_id,
                         row_number() OVER (PARTITION BY %2$s, CASE WHEN %2$s IS NULL THEN a.founding_row_id END ORDER BY a.row_id) = 1 AS is_first
                  FROM %3$s AS a WHERE a.%4$I IS NOT NULL) AS g
            LEFT JOIN register.external_ident AS e ON e.%5$I = g.unit_id AND e.type_id = %6$s$sql$,
            c.code, unit_id, source, c.column_name, unit_table || '_id', c.type_id);
    END LOOP;
END
$compare_units_sql$;
COMMENT ON FUNCTION import.compare_units_sql(jsonb, text, text, boolean) IS 'SQL texts of queries: what rows would do to units, enterprises and identifiers';
REVOKE ALL ON FUNCTION import.compare_units_sql(jsonb, text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.compare_units_sql(jsonb, text, text, boolean) TO authenticated;

-- The queries for what hangs on units of one kind.
CREATE OR REPLACE FUNCTION import.compare_parts_sql(snapshot jsonb, source text, owner text, within_life boolean)
RETURNS SETOF text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $compare_parts_sql$
DECLARE
    by_patch CONSTANT boolean := snapshot #>> '{import_definition,strategy}' NOT IN ('insert_or_replace', 'replace_only');
    mine CONSTANT text := CASE snapshot #>> '{import_definition,mode}' WHEN 'generic_unit' THEN format('a.%I IS NOT NULL', owner || '_id') ELSE 'true' END;
BEGIN
    RETURN QUERY
        SELECT import.compare_sql(s.part, s.item, source, s.part, s.matches, format('%s AND %s', mine, s.says),
                                  format('%s AND %s', import.same_sql(s.columns, s.expressions, by_patch), s.others), within_life)
        FROM import.said_parts(snapshot, owner) AS s
        WHERE s.part <> owner;
    IF EXISTS (SELECT FROM import.plan_column(snapshot) AS p WHERE p.column_name = 'tag_id') THEN
        RETURN NEXT format($sql$
            SELECT a.row_id, 'tag_for_unit', 'tag', CASE WHEN t.id IS NULL AND row_number() OVER (PARTITION BY a.%1$I, a.tag_id, CASE WHEN a.%1$I IS NULL THEN a.founding_row_id END ORDER BY a.row_id) = 1
                                                         THEN 'insert' ELSE 'unchanged' END
            FROM %2$s AS a LEFT JOIN register.tag_for_unit AS t ON t.%1$I = a.%1$I AND t.tag_id = a.tag_id
            WHERE a.tag_id IS NOT NULL AND %3$s$sql$, owner || '_id', source, mine);
    END IF;
END
$compare_parts_sql$;
COMMENT ON FUNCTION import.compare_parts_sql(jsonb, text, text, boolean) IS 'SQL texts of queries: what rows would do to what hangs on their units';
REVOKE ALL ON FUNCTION import.compare_parts_sql(jsonb, text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.compare_parts_sql(jsonb, text, text, boolean) TO authenticated;

-- Puts queries together, and with them what rows would take away, which is an update of the same part.
CREATE OR REPLACE FUNCTION import.compare_erasures_sql(snapshot jsonb, source text, mode text, queries text[])
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $compare_erasures_sql$
DECLARE
    owner text;
BEGIN
    IF NOT import.erases(snapshot) THEN
        RETURN array_to_string(queries, ' UNION ALL ');
    END IF;
    FOREACH owner IN ARRAY CASE mode WHEN 'legal_unit' THEN '{legal_unit}' WHEN 'generic_unit' THEN '{legal_unit,establishment}' WHEN 'legal_relationship' THEN '{legal_relationship}'
                                     ELSE '{establishment}' END::text[] LOOP
        queries := queries || ARRAY(
            SELECT format($sql$
                SELECT a.row_id, %1$L::text, %2$L::text, CASE WHEN EXISTS (
                           SELECT FROM register.%1$I AS t
                           WHERE %3$s AND t.valid_from < a.valid_until AND a.valid_from < t.valid_until AND %4$s AND %5$s) THEN 'update' ELSE 'unchanged' END
                FROM %6$s AS a WHERE %7$s%8$s$sql$, e.part, e.item,
                CASE WHEN mode = 'legal_relationship' THEN 't.influencing_id = a.influencing_id AND t.influenced_id = a.influenced_id AND t.type_id = a.type_id'
                     WHEN e.part = owner THEN format('t.id = a.%I', owner || '_id') ELSE format('t.%1$I = a.%1$I', owner || '_id') END,
                e.filter, e.held, source, e.says, CASE mode WHEN 'legal_relationship' THEN '' ELSE format(' AND a.%I IS NOT NULL', owner || '_id') END)
            FROM import.erasures(snapshot, owner) AS e);
    END LOOP;
    RETURN format($sql$
        SELECT v.row_id, v.part, v.item, CASE WHEN bool_or(v.verdict = 'insert') THEN 'insert' WHEN bool_or(v.verdict = 'update') THEN 'update' ELSE 'unchanged' END
        FROM (%s) AS v (row_id, part, item, verdict) GROUP BY v.row_id, v.part, v.item$sql$, array_to_string(queries, ' UNION ALL '));
END
$compare_erasures_sql$;
COMMENT ON FUNCTION import.compare_erasures_sql(jsonb, text, text, text[]) IS 'SQL text of a query: what rows would do, and what they would take away';
REVOKE ALL ON FUNCTION import.compare_erasures_sql(jsonb, text, text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.compare_erasures_sql(jsonb, text, text, text[]) TO authenticated;

-- The whole query for the rows of a source, which has the columns of a data table. An empty text when there is nothing to compare.
CREATE OR REPLACE FUNCTION import.compare_rows_sql(snapshot jsonb, source text)
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $compare_rows_sql$
DECLARE
    mode CONSTANT text := snapshot #>> '{import_definition,mode}';
    by_patch CONSTANT boolean := snapshot #>> '{import_definition,strategy}' NOT IN ('insert_or_replace', 'replace_only');
    within_life CONSTANT boolean := mode = 'generic_unit' OR snapshot #>> '{import_definition,strategy}' IN ('replace_only', 'update_only');
    queries text[] := '{}';
    lived text;
    owner text;
BEGIN
    IF mode = 'legal_relationship' THEN
        queries := ARRAY[import.compare_sql('legal_relationship', 'legal_relationship', source, 'legal_relationship',
            't.influencing_id = a.influencing_id AND t.influenced_id = a.influenced_id AND t.type_id = a.type_id', 'true',
            import.same_sql('{percentage}', '{a.percentage}', by_patch), false)];
        RETURN import.compare_erasures_sql(snapshot, source, mode, queries);
    END IF;
    FOREACH owner IN ARRAY CASE mode WHEN 'legal_unit' THEN '{legal_unit}' WHEN 'generic_unit' THEN '{legal_unit,establishment}' ELSE '{establishment}' END::text[] LOOP
        lived := source;
        IF within_life THEN
            lived := format($sql$(SELECT x.*, (SELECT range_agg(u.valid_range) FROM register.%1$I AS u WHERE u.id = x.%2$I) * datemultirange(daterange(x.valid_from, x.valid_until)) AS span
                                  FROM %3$s AS x)$sql$, owner, owner || '_id', source);
        END IF;
        IF mode <> 'generic_unit' THEN
            queries := queries || ARRAY(SELECT import.compare_units_sql(snapshot, lived, owner, within_life));
        END IF;
        queries := queries || ARRAY(SELECT import.compare_parts_sql(snapshot, lived, owner, within_life));
    END LOOP;
    RETURN import.compare_erasures_sql(snapshot, source, mode, queries);
END
$compare_rows_sql$;
COMMENT ON FUNCTION import.compare_rows_sql(jsonb, text) IS
    'SQL text of a query that gives row_id, part, item and verdict for the rows of a source with the columns of a job''s data table, by the snapshot of its definition';
REVOKE ALL ON FUNCTION import.compare_rows_sql(jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.compare_rows_sql(jsonb, text) TO authenticated;

CREATE OR REPLACE FUNCTION import.compare_rows(job_id integer, row_ids bigint[] DEFAULT NULL)
RETURNS TABLE (row_id bigint, part text, item text, verdict text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $compare_rows$
DECLARE
    query text;
BEGIN
    SELECT import.compare_rows_sql(j.definition_snapshot, format('(SELECT d.* FROM import.%I AS d WHERE d.state = ''analysed'' AND d.action = ''use''%s)', j.data_table_name,
                                                                 CASE WHEN row_ids IS NULL THEN '' ELSE ' AND d.row_id = ANY ($1)' END))
    INTO STRICT query FROM import.job AS j WHERE j.id = compare_rows.job_id;
    RETURN QUERY EXECUTE query USING row_ids;
END
$compare_rows$;
COMMENT ON FUNCTION import.compare_rows(integer, bigint[]) IS
    'What the analysed rows of a job, all or these, would do to the register: per row and part "insert", "update" or "unchanged"';
REVOKE ALL ON FUNCTION import.compare_rows(integer, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.compare_rows(integer, bigint[]) TO authenticated;

-- The effect on what is counted -----------------------------------------------------------------------------------------

-- SQL text of a condition: a unit with this status and these dates counts on day $1.
CREATE OR REPLACE FUNCTION import.alive_sql(status text, birth text, death text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $alive_sql$
    SELECT format('((SELECT s.used_for_counting FROM register.status AS s WHERE s.id = %s) AND coalesce(%s <= $1, true) AND coalesce($1 < %s, true))', status, birth, death)
$alive_sql$;
COMMENT ON FUNCTION import.alive_sql(text, text, text) IS 'SQL text of a condition: whether a unit of this status, birth and death counts on day $1';
REVOKE ALL ON FUNCTION import.alive_sql(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.alive_sql(text, text, text) TO authenticated;

-- Units that count on a day, before and after; of generic_unit and legal_relationship no row changes that.
CREATE OR REPLACE FUNCTION import.preview_units(snapshot jsonb, source text, valid_on date)
RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $preview_units$
DECLARE
    mode CONSTANT text := snapshot #>> '{import_definition,mode}';
    strategy CONSTANT text := snapshot #>> '{import_definition,strategy}';
    unit_table CONSTANT text := CASE mode WHEN 'legal_unit' THEN 'legal_unit' ELSE 'establishment' END;
    mapped CONSTANT text[] := import.mapped_columns(snapshot);
    after_date text[];
    touched text;
    units jsonb;
BEGIN
    -- What birth and death are after it, as import.apply_units() would have it.
    SELECT array_agg(CASE WHEN c.name <> ALL (mapped) THEN format('t.%I', c.name)
                          WHEN strategy IN ('insert_or_replace', 'replace_only') THEN format('a.%I', c.name)
                          ELSE format(CASE WHEN import.erases(snapshot) THEN 'CASE WHEN %1$L = ANY (a.erased_columns) THEN NULL ELSE coalesce(a.%1$I, t.%1$I) END'
                                           ELSE 'coalesce(a.%1$I, t.%1$I)' END, c.name) END ORDER BY c.place)
    INTO after_date FROM unnest('{birth_date,death_date}'::text[]) WITH ORDINALITY AS c (name, place);
    IF mode IN ('generic_unit', 'legal_relationship') THEN
        touched := 'SELECT NULL::bigint AS founding_row_id, NULL::integer AS unit_id, NULL::integer AS enterprise_id, false AS alive_before, false AS alive_after WHERE false';
    ELSE
        touched := format($sql$
            SELECT DISTINCT ON (a.%1$I, a.founding_row_id) a.founding_row_id, a.%1$I AS unit_id,
                   (SELECT x.enterprise_id FROM register.%2$I AS x WHERE x.id = a.%1$I ORDER BY x.valid_from LIMIT 1) AS enterprise_id,
                   t.id IS NOT NULL AND %3$s AS alive_before,
                   %4$s AS alive_after
            FROM %5$s AS a
            LEFT JOIN register.%2$I AS t ON t.id = a.%1$I AND t.valid_from <= $1 AND $1 < t.valid_until
            WHERE a.valid_from <= $1 AND $1 < a.valid_until AND %6$s$sql$,
            unit_table || '_id', unit_table, import.alive_sql('t.status_id', 't.birth_date', 't.death_date'),
            import.alive_sql('coalesce(a.status_id, t.status_id, (SELECT d.id FROM register.status AS d WHERE d.assigned_by_default AND d.enabled))', after_date[1], after_date[2]),
            source, CASE WHEN strategy IN ('replace_only', 'update_only') THEN 't.id IS NOT NULL' ELSE 'true' END);
    END IF;
    EXECUTE format($sql$
        WITH touched AS MATERIALIZED (%1$s), alive AS MATERIALIZED (
            SELECT 'legal_unit' AS unit_type, t.id, t.enterprise_id FROM register.legal_unit AS t WHERE t.valid_from <= $1 AND $1 < t.valid_until AND %2$s
            UNION ALL
            SELECT 'establishment', t.id, t.enterprise_id FROM register.establishment AS t WHERE t.valid_from <= $1 AND $1 < t.valid_until AND %2$s
        ), counted AS (
            SELECT k.unit_type, count(l.id) AS before,
                   count(l.id) + CASE WHEN k.unit_type = %3$L THEN (SELECT count(*) FILTER (WHERE c.alive_after) - count(*) FILTER (WHERE c.alive_before) FROM touched AS c) ELSE 0 END AS after
            FROM (VALUES ('legal_unit'), ('establishment')) AS k (unit_type)
            LEFT JOIN alive AS l ON l.unit_type = k.unit_type
            GROUP BY k.unit_type
            UNION ALL
            SELECT 'enterprise', (SELECT count(DISTINCT l.enterprise_id) FROM alive AS l),
                   (SELECT count(DISTINCT e.enterprise_id)
                    FROM (SELECT l.enterprise_id FROM alive AS l
                          WHERE NOT (l.unit_type = %3$L AND l.id IN (SELECT c.unit_id FROM touched AS c WHERE c.unit_id IS NOT NULL))
                          UNION ALL
                          SELECT c.enterprise_id FROM touched AS c WHERE c.alive_after) AS e)
                   + (SELECT count(*) FROM touched AS c WHERE c.alive_after AND c.unit_id IS NULL AND %4$s))
        SELECT jsonb_object_agg(c.unit_type, jsonb_build_object('before', c.before, 'after', c.after)) FROM counted AS c$sql$,
        touched, import.alive_sql('t.status_id', 't.birth_date', 't.death_date'), unit_table, (mode IN ('legal_unit', 'establishment_informal'))::text)
    INTO units USING valid_on;
    RETURN units;
END
$preview_units$;
COMMENT ON FUNCTION import.preview_units(jsonb, text, date) IS 'Units alive on a day by type, before and after the rows of a source are imported';
REVOKE ALL ON FUNCTION import.preview_units(jsonb, text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.preview_units(jsonb, text, date) TO authenticated;

-- Sums of the numeric statistics that the file has a column for, over all units of a type.
CREATE OR REPLACE FUNCTION import.preview_stats(snapshot jsonb, source text, valid_on date)
RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $preview_stats$
DECLARE
    mode CONSTANT text := snapshot #>> '{import_definition,mode}';
    within_life CONSTANT boolean := mode = 'generic_unit' OR snapshot #>> '{import_definition,strategy}' IN ('replace_only', 'update_only');
    mapped CONSTANT text[] := import.mapped_columns(snapshot);
    sums jsonb := '{}';
    stat record;
    owner text;
    before numeric;
    change numeric;
BEGIN
    FOR stat IN
        SELECT d.id, d.code, d.type::text AS type
        FROM import.plan_column(snapshot) AS p
        JOIN register.stat_definition AS d ON d.id = p.stat_definition_id AND d.code = p.column_name
        WHERE p.purpose = 'internal' AND d.type IN ('int', 'float') AND d.code = ANY (mapped)
        ORDER BY d.id
    LOOP
        FOREACH owner IN ARRAY ARRAY['legal_unit', 'establishment'] LOOP
            EXECUTE format('SELECT coalesce(sum(t.%I::numeric), 0) FROM register.stat_for_unit AS t
                            WHERE t.stat_definition_id = $2 AND t.%I IS NOT NULL AND t.valid_from <= $1 AND $1 < t.valid_until', 'value_' || stat.type, owner || '_id')
            INTO before USING valid_on, stat.id;
            change := 0;
            IF mode = owner OR mode LIKE owner || '\_%' OR mode = 'generic_unit' THEN
                EXECUTE format($sql$
                    SELECT coalesce(sum(coalesce(a.%1$I::numeric, 0) - coalesce(t.%2$I::numeric, 0)), 0)
                    FROM %3$s AS a
                    LEFT JOIN register.stat_for_unit AS t ON t.%4$I = a.%4$I AND t.stat_definition_id = $2 AND t.valid_from <= $1 AND $1 < t.valid_until
                    WHERE a.valid_from <= $1 AND $1 < a.valid_until AND (a.%1$I IS NOT NULL%6$s) AND %5$s$sql$,
                    stat.code, 'value_' || stat.type, source, owner || '_id',
                    CASE WHEN within_life THEN format('EXISTS (SELECT FROM register.%1$I AS u WHERE u.id = a.%2$I AND u.valid_from <= $1 AND $1 < u.valid_until)', owner, owner || '_id') ELSE 'true' END,
                    CASE WHEN import.erases(snapshot) THEN format(' OR %L = ANY (a.erased_columns)', stat.code) ELSE '' END)
                INTO change USING valid_on, stat.id;
            END IF;
            sums := jsonb_set(sums, ARRAY[stat.code], coalesce(sums -> stat.code, '{}') || jsonb_build_object(owner, jsonb_build_object('before', before, 'after', before + change)));
        END LOOP;
    END LOOP;
    RETURN sums;
END
$preview_stats$;
COMMENT ON FUNCTION import.preview_stats(jsonb, text, date) IS 'Sums of statistics on a day by type of unit, before and after the rows of a source are imported';
REVOKE ALL ON FUNCTION import.preview_stats(jsonb, text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.preview_stats(jsonb, text, date) TO authenticated;

CREATE OR REPLACE FUNCTION import.preview(job_slug text, valid_on date DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $preview$
DECLARE
    this_job CONSTANT integer := import.job_of_reader(job_slug);
    day CONSTANT date := coalesce(valid_on, statbus.today());
    job record;
    source text;
    rows jsonb;
    tables jsonb;
BEGIN
    SELECT j.state::text AS state, j.definition_snapshot AS snapshot, j.data_table_name, j.total_rows, j.error_count, j.skipped_rows
    INTO STRICT job FROM import.job AS j WHERE j.id = this_job;
    IF job.state NOT IN ('waiting_for_review', 'approved') THEN
        RAISE EXCEPTION 'import job "%" has nothing to preview', job_slug
            USING ERRCODE = 'PT409', DETAIL = format('Its state is "%s".', job.state), HINT = 'A preview is of rows that wait for review.';
    END IF;
    source := format('(SELECT d.* FROM import.%I AS d WHERE d.state = ''analysed'' AND d.action = ''use'')', job.data_table_name);
    WITH compared AS MATERIALIZED (
        SELECT c.row_id, c.part, c.verdict FROM import.compare_rows(this_job) AS c
    ), by_table AS (
        SELECT c.part, count(*) FILTER (WHERE c.verdict = 'insert') AS inserts, count(*) FILTER (WHERE c.verdict = 'update') AS updates,
               count(*) FILTER (WHERE c.verdict = 'unchanged') AS unchanged
        FROM compared AS c GROUP BY c.part
    )
    SELECT jsonb_build_object('changed', (SELECT count(DISTINCT c.row_id) FROM compared AS c WHERE c.verdict <> 'unchanged')),
           (SELECT coalesce(jsonb_agg(jsonb_build_object('table', t.part, 'inserts', t.inserts, 'updates', t.updates, 'unchanged', t.unchanged) ORDER BY t.part), '[]') FROM by_table AS t)
    INTO rows, tables;
    RETURN jsonb_build_object(
        'job', job_slug,
        'rows', jsonb_build_object('total', job.total_rows, 'imported', rows -> 'changed',
                                   'unchanged', job.total_rows - job.error_count - job.skipped_rows - (rows ->> 'changed')::bigint,
                                   'skipped', job.skipped_rows, 'error', job.error_count),
        'tables', tables,
        'effect', jsonb_build_object('valid_on', day, 'units', import.preview_units(job.snapshot, source, day), 'stats', import.preview_stats(job.snapshot, source, day)));
END
$preview$;
COMMENT ON FUNCTION import.preview(text, date) IS
    'What a job that waits for review would do to the register: its rows, per table what it would insert, update and leave unchanged, and what it would change of units alive and of statistics on a day, today if not given';
REVOKE ALL ON FUNCTION import.preview(text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.preview(text, date) TO authenticated;

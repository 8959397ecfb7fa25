-- Analysis of a job, second stage (import_analyse.sql): which unit a row means, which rows are one unit, what links to
-- what, and which rows repeat or contradict each other.

-- Identifiers of the file: pg_temp.import_ident has one row per identifier given, pg_temp.import_key one per distinct
-- identifier with what the register knows of it.
--   role 0: of the row's own unit; 1: of the legal unit of an establishment; 2, 3: of the influencing and influenced unit
CREATE OR REPLACE FUNCTION import.analyse_identifiers(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $analyse_identifiers$
DECLARE
    snapshot jsonb;
    c record;
    own_columns text[] := '{}';
    all_regular text[] := '{}';
    expression text;
BEGIN
    SELECT j.definition_snapshot INTO STRICT snapshot FROM import.job AS j WHERE j.id = analyse_identifiers.job_id;
    PERFORM import.drop_temporary('import_ident', 'import_key');
    CREATE TEMPORARY TABLE import_ident (
        row_id bigint NOT NULL, role integer NOT NULL, type_id integer NOT NULL, column_name text NOT NULL, value text NOT NULL);

    FOR c IN
        SELECT t.id AS type_id, t.shape::text AS shape, x.role, array_agg(p.column_name ORDER BY p.place) AS columns,
               bool_and(p.source_column_name IS NOT NULL) AS is_given
        FROM import.plan_column(snapshot) AS p
        CROSS JOIN LATERAL (
            SELECT CASE WHEN p.column_name LIKE 'legal\_unit\_%' AND p.step_code = 'link_establishment_to_legal_unit' THEN 1
                        WHEN p.column_name LIKE 'influencing\_%' AND p.step_code = 'legal_relationship' THEN 2
                        WHEN p.column_name LIKE 'influenced\_%' AND p.step_code = 'legal_relationship' THEN 3
                        WHEN p.step_code = 'external_idents' THEN 0 END AS role) AS x
        JOIN register.external_ident_type AS t
            ON t.id = p.external_ident_type_id
            OR p.external_ident_type_id IS NULL AND x.role > 0
               AND t.code = regexp_replace(p.column_name, '^(influencing|influenced|legal_unit)_(.*)_raw$', '\2')
        WHERE p.purpose = 'source_input' AND x.role IS NOT NULL
        GROUP BY t.id, t.shape, x.role, t.labels, t.priority
        ORDER BY x.role, t.priority, t.id
    LOOP
        IF c.role = 0 THEN
            own_columns := own_columns || c.columns;
        END IF;
        IF c.shape = 'regular' THEN
            expression := format('s.%I', c.columns[1]);
            EXECUTE format($sql$
                INSERT INTO pg_temp.import_note (row_id, severity, finding)
                SELECT s.row_id, f ->> 'severity', f || jsonb_build_object('column', %1$L, 'value', %2$s)
                FROM pg_temp.import_source AS s
                CROSS JOIN LATERAL jsonb_array_elements(import.check_ident(%3$s, %4$s) -> 'findings') AS f
                WHERE %4$s IS NOT NULL$sql$,
                left(c.columns[1], -4), CASE WHEN c.is_given THEN format('coalesce(s.%I, %s)', 'given ' || c.columns[1], expression) ELSE expression END,
                c.type_id, expression);
            IF c.is_given THEN
                EXECUTE format($sql$
                    INSERT INTO pg_temp.import_note (row_id, severity, finding)
                    SELECT s.row_id, 'info', %s FROM pg_temp.import_source AS s WHERE s.%I IS NOT NULL AND %s IS NOT NULL$sql$,
                    import.finding_sql('info', 'ident_normalised', left(c.columns[1], -4), format('s.%I', 'given ' || c.columns[1]),
                        format('jsonb_build_object(''normalised'', %s)', expression)), 'given ' || c.columns[1], expression);
            END IF;
            EXECUTE format($sql$
                INSERT INTO pg_temp.import_ident (row_id, role, type_id, column_name, value)
                SELECT s.row_id, %1$L, %2$L, %3$L, %4$s
                FROM pg_temp.import_source AS s
                WHERE %4$s IS NOT NULL AND NOT coalesce((import.check_ident(%2$s, %4$s) ->> 'refused')::boolean, false)$sql$,
                c.role, c.type_id, left(c.columns[1], -4), expression);
        ELSE
            SELECT string_agg(format('s.%I', name), ', ') INTO expression FROM unnest(c.columns) AS name;
            EXECUTE format($sql$
                INSERT INTO pg_temp.import_note (row_id, severity, finding)
                SELECT s.row_id, 'error', CASE WHEN part.value IS NULL THEN %1$s ELSE %2$s END || jsonb_build_object('column', part.name)
                FROM pg_temp.import_source AS s
                CROSS JOIN LATERAL unnest(%3$L::text[], ARRAY[%4$s]) AS part (name, value)
                WHERE num_nonnulls(%4$s) > 0 AND (part.value IS NULL OR part.value !~ '^[A-Za-z0-9_]{1,255}$')$sql$,
                import.finding_sql('error', 'ident_part_missing'),
                import.finding_sql('error', 'ident_char', NULL, 'part.value',
                    $$jsonb_build_object('char', substring(part.value FROM '[^A-Za-z0-9_]'), 'position', length(substring(part.value FROM '^[A-Za-z0-9_]*')) + 1)$$),
                ARRAY(SELECT left(name, -4) FROM unnest(c.columns) AS name), expression);
            EXECUTE format($sql$
                INSERT INTO pg_temp.import_ident (row_id, role, type_id, column_name, value)
                SELECT s.row_id, %L, %L, %L, concat_ws('.', %s)
                FROM pg_temp.import_source AS s
                WHERE num_nonnulls(%4$s) = %5$s
                AND (SELECT bool_and(part.value ~ '^[A-Za-z0-9_]{1,255}$') FROM unnest(ARRAY[%4$s]) AS part (value))$sql$,
                c.role, c.type_id, left(c.columns[1], -4), expression, cardinality(c.columns));
        END IF;
    END LOOP;
    ANALYZE pg_temp.import_ident;

    CREATE TEMPORARY TABLE import_key AS
    SELECT row_number() OVER () AS key_id, k.type_id, k.value,
           e.legal_unit_id, e.establishment_id, e.id IS NOT NULL AS is_known,
           e.id IS NOT NULL AND e.legal_unit_id IS NULL AND e.establishment_id IS NULL AS is_other
    FROM (SELECT DISTINCT i.type_id, i.value, t.shape
          FROM pg_temp.import_ident AS i JOIN register.external_ident_type AS t ON t.id = i.type_id) AS k
    LEFT JOIN (SELECT x.id, x.type_id, coalesce(x.ident, x.idents::text) AS value, x.legal_unit_id, x.establishment_id
               FROM register.external_ident AS x) AS e ON e.type_id = k.type_id AND e.value = k.value;
    ANALYZE pg_temp.import_key;

    -- A row with nothing at all is a blank line; a row with other cells lacks an identifier.
    IF own_columns <> '{}' THEN
        SELECT string_agg(format('s.%I', p.column_name), ', ' ORDER BY p.place) INTO expression
        FROM import.plan_column(snapshot) AS p
        WHERE p.purpose = 'source_input' AND p.source_column_name IS NOT NULL;
        EXECUTE format($sql$
            WITH blank AS (
                UPDATE pg_temp.import_row AS r SET is_skipped = true
                FROM pg_temp.import_source AS s WHERE s.row_id = r.row_id AND num_nonnulls(%1$s) = 0
                RETURNING r.row_id)
            INSERT INTO pg_temp.import_note (row_id, severity, finding)
            SELECT b.row_id, 'info', %2$s FROM blank AS b
            UNION ALL
            SELECT s.row_id, 'error', %3$s FROM pg_temp.import_source AS s
            WHERE num_nonnulls(%4$s) = 0 AND num_nonnulls(%1$s) > 0$sql$,
            expression,
            import.finding_sql('info', 'blank_row'),
            import.finding_sql('error', 'ident_missing', NULL, 'NULL',
                format('jsonb_build_object(''columns'', to_jsonb(%L::text[]))', ARRAY(SELECT left(name, -4) FROM unnest(own_columns) AS name))),
            (SELECT string_agg(format('s.%I', name), ', ') FROM unnest(own_columns) AS name));
        -- Of a blank row only that it is blank is worth saying.
        DELETE FROM pg_temp.import_note AS n USING pg_temp.import_row AS r
        WHERE r.row_id = n.row_id AND r.is_skipped AND n.finding ->> 'code' <> 'blank_row';
    END IF;
END
$analyse_identifiers$;
COMMENT ON FUNCTION import.analyse_identifiers(integer) IS 'Second stage of the analysis, second part: the identifiers of the file and whose they are';
REVOKE ALL ON FUNCTION import.analyse_identifiers(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_identifiers(integer) TO authenticated;

-- Several rows of one entity: copies, contradictions, gaps; and the batch of each entity.
CREATE OR REPLACE FUNCTION import.analyse_repeats(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $analyse_repeats$
DECLARE
    job record;
BEGIN
    SELECT j.unique_units, j.processing_batch_size,
           string_agg(format('s.%I', p.column_name), ', ' ORDER BY p.place) AS all_columns,
           string_agg(format('s.%I', p.column_name), ', ' ORDER BY p.place) FILTER (WHERE p.column_name NOT IN ('valid_from_raw', 'valid_to_raw')) AS content_columns
    INTO STRICT job
    FROM import.job AS j
    CROSS JOIN LATERAL import.plan_column(j.definition_snapshot) AS p
    WHERE j.id = analyse_repeats.job_id AND p.purpose = 'source_input'
    GROUP BY j.id;
    PERFORM import.drop_temporary('import_repeat');
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE import_repeat AS
        SELECT r.row_id, r.founding_row_id, r.valid_from, r.valid_until, md5(ROW(%s)::text) AS whole, md5(ROW(%s)::text) AS content
        FROM pg_temp.import_row AS r
        JOIN pg_temp.import_source AS s ON s.row_id = r.row_id
        WHERE NOT r.is_refused AND NOT r.is_skipped AND r.valid_from IS NOT NULL
        AND r.founding_row_id IN (SELECT x.founding_row_id FROM pg_temp.import_row AS x
                                  WHERE NOT x.is_refused AND NOT x.is_skipped AND x.valid_from IS NOT NULL
                                  GROUP BY x.founding_row_id HAVING count(*) > 1)$sql$, job.all_columns, job.content_columns);
    ANALYZE pg_temp.import_repeat;

    IF EXISTS (SELECT FROM pg_temp.import_repeat) THEN
        WITH copy AS (
            DELETE FROM pg_temp.import_repeat AS t
            USING (SELECT x.row_id, min(x.row_id) OVER (PARTITION BY x.founding_row_id, x.whole) AS first_row_id
                   FROM pg_temp.import_repeat AS x) AS f
            WHERE f.row_id = t.row_id AND f.first_row_id < t.row_id
            RETURNING t.row_id, f.first_row_id),
        skipped AS (
            UPDATE pg_temp.import_row AS r SET is_skipped = true FROM copy AS c WHERE c.row_id = r.row_id)
        INSERT INTO pg_temp.import_note (row_id, severity, finding)
        SELECT c.row_id, 'warning', jsonb_build_object('code', 'row_duplicate', 'severity', 'warning', 'details', jsonb_build_object('row', c.first_row_id))
        FROM copy AS c;

        -- Islands of overlapping periods: equal rows are worth a word, different ones contradict each other. Each row is
        -- compared with the first of its island, that one with the second.
        INSERT INTO pg_temp.import_note (row_id, severity, finding)
        WITH placed AS MATERIALIZED (
            SELECT p.*, count(*) FILTER (WHERE p.starts) OVER (PARTITION BY p.founding_row_id ORDER BY p.valid_from, p.row_id) AS island
            FROM (SELECT t.*, coalesce(max(t.valid_until) OVER (PARTITION BY t.founding_row_id ORDER BY t.valid_from, t.row_id
                                                                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) <= t.valid_from, true) AS starts
                  FROM pg_temp.import_repeat AS t) AS p),
        crowded AS MATERIALIZED (
            SELECT i.founding_row_id, i.island, (array_agg(i.row_id ORDER BY i.row_id))[:10] AS rows,
                   min(i.content) <> max(i.content) AS differs,
                   min(i.valid_from) = max(i.valid_from) AND min(i.valid_until) = max(i.valid_until) AS same_period
            FROM placed AS i
            GROUP BY i.founding_row_id, i.island
            HAVING count(*) > 1)
        SELECT k.row_id, CASE WHEN k.differs THEN 'error' ELSE 'info' END, jsonb_build_object(
                   'code', CASE WHEN k.differs AND k.same_period THEN 'row_conflict' WHEN k.differs THEN 'period_overlap_conflict' ELSE 'period_overlap_equal' END,
                   'severity', CASE WHEN k.differs THEN 'error' ELSE 'info' END)
                   || CASE WHEN k.differs AND k.same_period THEN '{}' ELSE jsonb_build_object('column', 'valid_from', 'value', to_char(k.valid_from, 'YYYY-MM-DD')) END
                   || jsonb_build_object('details', jsonb_build_object('row', k.other, 'rows', to_jsonb(k.rows))
                       || CASE WHEN k.differs THEN jsonb_build_object('columns', (
                              SELECT jsonb_agg(left(x.key, -4) ORDER BY x.key)
                              FROM jsonb_each(v.mine) AS x
                              WHERE x.key LIKE '%\_raw' AND x.key NOT LIKE 'given %' AND v.theirs -> x.key <> x.value)) ELSE '{}' END)
        FROM (SELECT i.row_id, i.valid_from, c.rows, c.differs, c.same_period, CASE WHEN c.rows[1] = i.row_id THEN c.rows[2] ELSE c.rows[1] END AS other
              FROM placed AS i
              JOIN crowded AS c ON c.founding_row_id = i.founding_row_id AND c.island = i.island) AS k
        JOIN pg_temp.import_source AS a ON a.row_id = k.row_id
        JOIN pg_temp.import_source AS b ON b.row_id = k.other
        CROSS JOIN LATERAL (SELECT CASE WHEN k.differs THEN to_jsonb(a) END AS mine, CASE WHEN k.differs THEN to_jsonb(b) END AS theirs OFFSET 0) AS v;
        INSERT INTO pg_temp.import_note (row_id, severity, finding)
        SELECT g.row_id, 'info', jsonb_build_object('code', 'period_gap', 'severity', 'info', 'column', 'valid_from', 'value', to_char(g.valid_from, 'YYYY-MM-DD'), 'details', jsonb_build_object(
                   'from', to_char(g.reached, 'YYYY-MM-DD'), 'to', to_char(g.valid_from - 1, 'YYYY-MM-DD')))
        FROM (SELECT t.row_id, t.valid_from, max(t.valid_until) OVER (PARTITION BY t.founding_row_id ORDER BY t.valid_from, t.row_id
                                                                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
              FROM pg_temp.import_repeat AS t) AS g
        WHERE g.reached < g.valid_from;
        ANALYZE pg_temp.import_note;
        IF job.unique_units THEN
            INSERT INTO pg_temp.import_note (row_id, severity, finding)
            SELECT t.row_id, 'error', jsonb_build_object('code', 'row_conflict', 'severity', 'error', 'details', jsonb_build_object(
                       'rows', to_jsonb(x.rows), 'unique_units', true))
            FROM pg_temp.import_repeat AS t
            JOIN (SELECT y.founding_row_id, (array_agg(y.row_id ORDER BY y.row_id))[:10] AS rows
                  FROM pg_temp.import_repeat AS y GROUP BY y.founding_row_id HAVING count(*) > 1) AS x ON x.founding_row_id = t.founding_row_id
            WHERE NOT EXISTS (SELECT FROM pg_temp.import_note AS n WHERE n.row_id = t.row_id AND n.severity = 'error');
        END IF;
    END IF;

    -- Batches of whole entities, in the order of their first rows.
    UPDATE pg_temp.import_row AS r SET batch_seq = b.batch_seq
    FROM (SELECT n.row_id, 1 + (min(n.place) OVER (PARTITION BY n.founding_row_id) - 1) / job.processing_batch_size AS batch_seq
          FROM (SELECT x.row_id, x.founding_row_id, row_number() OVER (ORDER BY x.founding_row_id, x.row_id) AS place
                FROM pg_temp.import_row AS x) AS n) AS b
    WHERE b.row_id = r.row_id AND b.batch_seq > 1;
    ANALYZE pg_temp.import_row;
END
$analyse_repeats$;
COMMENT ON FUNCTION import.analyse_repeats(integer) IS 'Second stage of the analysis, last part: rows of one entity against each other, and batches';
REVOKE ALL ON FUNCTION import.analyse_repeats(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.analyse_repeats(integer) TO authenticated;

-- Stage 3 -------------------------------------------------------------------------------------------------------------

-- Application of a job: values that go away. See src/sql/import_apply.sql.
--
-- A cell with a word of the definition's erase_words takes away what the register has in the period of the row: a column of
-- a unit, an address or a contact becomes NULL, an activity or a statistic has no slice there any more, nor has a contact of
-- which nothing is left. Addresses stay, for they have a country. Rows that overlap and differ are errors, so that it does
-- not matter that all values of a batch are written before others are taken away.

-- Jobs whose definitions have such words have the column erased_columns in their data tables.
CREATE OR REPLACE FUNCTION import.erases(snapshot jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $erases$
    SELECT jsonb_array_length(coalesce(snapshot #> '{import_definition,erase_words}', '[]')) > 0
$erases$;
COMMENT ON FUNCTION import.erases(jsonb) IS 'Whether cells of a job''s file can say that a value goes away';
REVOKE ALL ON FUNCTION import.erases(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.erases(jsonb) TO authenticated;

-- What rows of a job can take away. part: the table; filter: which slices t of the owner; column_name: what erased_columns
-- calls it; target_columns: what becomes NULL, nothing when the slice goes.
CREATE OR REPLACE FUNCTION import.erasable(snapshot jsonb, owner text)
RETURNS TABLE (part text, item text, filter text, column_name text, target_columns text[])
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $erasable$
    WITH mapped AS MATERIALIZED (
        SELECT m.name FROM unnest(import.mapped_columns(snapshot)) AS m (name)
        WHERE import.erases(snapshot)
    ), candidate AS (
        SELECT 1 AS place, owner AS part, owner AS item, 'true' AS filter,
               CASE a.attname WHEN 'sector_id' THEN 'sector_code' WHEN 'unit_size_id' THEN 'unit_size_code' WHEN 'legal_form_id' THEN 'legal_form_code'
                              ELSE a.attname END AS column_name,
               ARRAY[a.attname::text] AS target_columns, a.attnum::bigint AS position
        FROM pg_attribute AS a
        WHERE a.attrelid = format('register.%I', owner)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND NOT a.attnotnull
        AND a.attname NOT IN ('id', 'valid_from', 'valid_until', 'edit_comment', 'edit_by_user_id', 'edit_at', 'import_job_id', 'import_source_line',
                              'status_id', 'data_source_id', 'enterprise_id', 'legal_unit_id', 'primary_for_enterprise', 'primary_for_legal_unit')
        UNION ALL
        SELECT 2, 'location', k.kind, format('t.type = %L', k.kind), k.kind || '_' || c.name,
               CASE c.name WHEN 'region_code' THEN '{region_id,region_version_id}' WHEN 'latitude' THEN '{latitude,altitude}' ELSE ARRAY[c.name] END, c.place
        FROM unnest('{physical,postal}'::text[]) AS k (kind)
        CROSS JOIN unnest('{address_part1,address_part2,address_part3,postcode,postplace,region_code,latitude,longitude,altitude}'::text[]) WITH ORDINALITY AS c (name, place)
        UNION ALL
        SELECT 3, 'activity', k.kind, format('t.type = %L', k.kind), k.kind || '_activity_category_code', '{}', k.place
        FROM unnest('{primary,secondary}'::text[]) WITH ORDINALITY AS k (kind, place)
        UNION ALL
        SELECT 4, 'contact', 'contact', 'true', c.name, ARRAY[c.name], c.place
        FROM unnest('{web_address,email_address,phone_number,landline,mobile_number,fax_number}'::text[]) WITH ORDINALITY AS c (name, place)
        UNION ALL
        SELECT 5, 'stat_for_unit', d.code, format('t.stat_definition_id = %s', d.id), d.code, '{}', d.id
        FROM import.plan_column(snapshot) AS p
        JOIN register.stat_definition AS d ON d.id = p.stat_definition_id AND d.code = p.column_name
        WHERE p.purpose = 'internal'
    )
    SELECT c.part, c.item, c.filter, c.column_name, c.target_columns
    FROM candidate AS c
    WHERE c.column_name IN (SELECT m.name FROM mapped AS m)
    AND (owner <> 'legal_relationship' OR c.part = owner)
    ORDER BY c.place, c.item, c.position
$erasable$;
COMMENT ON FUNCTION import.erasable(jsonb, text) IS 'What rows of a job can take away from units of a kind, or from relationships; nothing where its definition has no words for it';
REVOKE ALL ON FUNCTION import.erasable(jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.erasable(jsonb, text) TO authenticated;

-- The same by kind of slice, with SQL texts about a row a with erased_columns and a slice t: that the row takes something
-- away of such slices, that this one has it, and what is left of it. remainder: NULL where the slice goes; left_over: a
-- condition for slices that stay.
CREATE OR REPLACE FUNCTION import.erasures(snapshot jsonb, owner text)
RETURNS TABLE (part text, item text, filter text, says text, held text, remainder text, left_over text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $erasures$
    SELECT e.part, e.item, e.filter,
           format('coalesce(a.erased_columns && %L::text[], false)', array_agg(DISTINCT e.column_name)),
           format('(%s)', string_agg(CASE WHEN c.name IS NULL THEN format('%L = ANY (a.erased_columns)', e.column_name)
                                          ELSE format('%L = ANY (a.erased_columns) AND t.%I IS NOT NULL', e.column_name, c.name) END, ' OR ')),
           string_agg(DISTINCT w.rest, ', '),
           CASE WHEN e.part = 'contact'
                THEN format('num_nonnulls(%s) > 0', (SELECT string_agg(format('CASE WHEN %1$L = ANY (a.erased_columns) THEN NULL ELSE t.%1$I END', n.name), ', ')
                                                     FROM unnest('{web_address,email_address,phone_number,landline,mobile_number,fax_number}'::text[]) AS n (name)))
                ELSE 'true' END
    FROM import.erasable(erasures.snapshot, erasures.owner) AS e
    LEFT JOIN LATERAL unnest(e.target_columns) AS c (name) ON true
    LEFT JOIN LATERAL (
        -- An altitude goes with its own column, or with the place it is of.
        SELECT CASE WHEN c.name IS NOT NULL
                    THEN format('CASE WHEN %1$s THEN NULL ELSE t.%2$I END AS %2$I',
                                CASE WHEN c.name = 'altitude' THEN format('a.erased_columns && %L::text[]', ARRAY[e.item || '_altitude', e.item || '_latitude'])
                                     ELSE format('%L = ANY (a.erased_columns)', e.column_name) END, c.name) END AS rest) AS w ON true
    GROUP BY e.part, e.item, e.filter
    ORDER BY e.part, e.item
$erasures$;
COMMENT ON FUNCTION import.erasures(jsonb, text) IS 'What rows of a job can take away by kind of slice, with SQL texts of conditions and of what is left';
REVOKE ALL ON FUNCTION import.erasures(jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.erasures(jsonb, text) TO authenticated;

-- Takes away what rows of pg_temp.import_apply say, after their values were written.
CREATE OR REPLACE FUNCTION import.apply_erasures(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_erasures$
DECLARE
    snapshot jsonb;
    owner text;
    slices text;
    e record;
BEGIN
    SELECT j.definition_snapshot INTO STRICT snapshot FROM import.job AS j WHERE j.id = apply_erasures.job_id;
    IF NOT import.erases(snapshot) THEN
        RETURN;
    END IF;
    FOREACH owner IN ARRAY ARRAY['legal_unit', 'establishment', 'legal_relationship'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_temp.import_apply AS a WHERE a.unit_type = owner);
        FOR e IN SELECT x.* FROM import.erasures(snapshot, owner) AS x LOOP
            slices := format($sql$
                FROM pg_temp.import_apply AS a
                JOIN %1$s AS x ON x.row_id = a.row_id
                JOIN register.%2$I AS t ON %3$s AND t.valid_from < x.valid_until AND x.valid_from < t.valid_until
                WHERE a.unit_type = %4$L AND %5$s AND %6$s AND %7$s$sql$,
                CASE owner WHEN 'legal_relationship' THEN 'pg_temp.import_apply' ELSE 'pg_temp.import_span' END, e.part,
                CASE WHEN owner = 'legal_relationship' THEN 't.influencing_id = a.influencing_id AND t.influenced_id = a.influenced_id AND t.type_id = a.type_id'
                     WHEN e.part = owner THEN 't.id = a.unit_id' ELSE format('t.%I = a.unit_id', owner || '_id') END,
                owner, e.filter, e.says, e.held);
            -- Rows that have nothing to take away are told like those that have nothing to change.
            EXECUTE format($sql$
                INSERT INTO pg_temp.import_result (row_id, part, status)
                SELECT a.row_id, %L, 'SKIPPED_IDENTICAL' FROM pg_temp.import_apply AS a WHERE a.unit_type = %L AND a.operation <> 'insert' AND %s$sql$,
                e.part, owner, e.says);
            PERFORM import.apply_part(job_id, e.part, ARRAY[import.erasure_select(slices, NULL) || CASE WHEN e.remainder IS NULL THEN '' ELSE format(' AND NOT %s', e.left_over) END],
                                      'DELETE_FOR_PORTION_OF', '[]');
            CONTINUE WHEN e.remainder IS NULL;
            PERFORM import.apply_part(job_id, e.part, ARRAY[import.erasure_select(slices, e.remainder) || format(' AND %s', e.left_over)], 'UPDATE_FOR_PORTION_OF', '[]');
        END LOOP;
    END LOOP;
END
$apply_erasures$;
COMMENT ON FUNCTION import.apply_erasures(integer) IS 'Applies rows: values that go away';
REVOKE ALL ON FUNCTION import.apply_erasures(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_erasures(integer) TO authenticated;

-- SQL text of a query for the pieces of slices that rows say something about; its $1 is the job.
CREATE OR REPLACE FUNCTION import.erasure_select(slices text, remainder text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $erasure_select$
    SELECT format($sql$
        SELECT a.row_id AS source_row_id, greatest(t.valid_from, x.valid_from) AS valid_from, least(t.valid_until, x.valid_until) AS valid_until, t.id%s,
               a.edit_comment, a.edit_by_user_id, a.edit_at, $1 AS import_job_id, a.source_line AS import_source_line %s$sql$,
        coalesce(', ' || erasure_select.remainder, ''), erasure_select.slices)
$erasure_select$;
COMMENT ON FUNCTION import.erasure_select(text, text) IS 'SQL text of a query: pieces of slices of which a job takes something away';
REVOKE ALL ON FUNCTION import.erasure_select(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.erasure_select(text, text) TO authenticated;

-- What the user of a job may not write is found before it is tried: for all rows of a batch at once, and with the column at
-- fault. Asked are his rights on tables and the policies that the register ships; what policies of others refuse comes up
-- while rows are applied (import_apply_faults.sql).

-- SQL texts that find what rows of a data table take away though the caller may not, for import.forbidden_rows(): $1 the rows,
-- $2 and $3 the regions and activities of a restricted user. What the register does not have takes no right to be taken away.
CREATE OR REPLACE FUNCTION import.forbidden_erasures(snapshot jsonb, data_table text, is_limited boolean)
RETURNS SETOF text
LANGUAGE sql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $forbidden_erasures$
    SELECT format($sql$
        SELECT d.row_id, %1$L::text, %2$s::text, jsonb_build_object('table', %3$L)%4$s
        FROM import.%5$I AS d
        JOIN register.%3$I AS t ON t.%6$I = d.%6$I AND t.valid_from < d.valid_until AND d.valid_from < t.valid_until%7$s
        WHERE d.row_id = ANY ($1) AND %1$L = ANY (d.erased_columns) AND %8$s%9$s%10$s$sql$,
        e.column_name, CASE WHEN c.has_raw THEN format('d.%I', e.column_name || '_raw') ELSE 'NULL' END, e.part,
        CASE WHEN c.limit_column IS NOT NULL THEN ' || jsonb_build_object(''present'', c.path::text)' ELSE '' END,
        data_table, o.owner || '_id',
        CASE WHEN c.limit_column IS NOT NULL THEN format(' JOIN register.%I AS c ON c.id = t.%I', c.limit_table, c.limit_column) ELSE '' END,
        e.filter,
        CASE WHEN e.target_columns = '{}' THEN '' ELSE (SELECT format(' AND (%s)', string_agg(format('t.%I IS NOT NULL', x.name), ' OR ')) FROM unnest(e.target_columns) AS x (name)) END,
        CASE c.limit_column WHEN 'region_id' THEN ' AND t.region_id <> ALL ($2)' WHEN 'category_id' THEN ' AND t.category_id <> ALL ($3)' ELSE '' END)
    FROM unnest('{legal_unit,establishment}'::text[]) AS o (owner)
    CROSS JOIN LATERAL import.erasable(snapshot, o.owner) AS e
    CROSS JOIN LATERAL (
        SELECT has_table_privilege('register.' || e.part, 'INSERT') AND has_table_privilege('register.' || e.part, 'UPDATE')
               AND has_table_privilege('register.' || e.part, 'DELETE') AS may_write,
               EXISTS (SELECT FROM import.plan_column(snapshot) AS p WHERE p.column_name = e.column_name || '_raw') AS has_raw) AS r
    CROSS JOIN LATERAL (
        SELECT r.has_raw, r.may_write,
               CASE WHEN r.may_write AND is_limited THEN CASE e.part WHEN 'location' THEN 'region_id' WHEN 'activity' THEN 'category_id' END END AS limit_column,
               CASE e.part WHEN 'location' THEN 'region' ELSE 'activity_category' END AS limit_table) AS c
    WHERE e.part <> o.owner
    AND CASE snapshot #>> '{import_definition,mode}' WHEN 'legal_unit' THEN o.owner = 'legal_unit' WHEN 'generic_unit' THEN true ELSE o.owner = 'establishment' END
    AND (NOT c.may_write OR c.limit_column IS NOT NULL)
$forbidden_erasures$;
COMMENT ON FUNCTION import.forbidden_erasures(jsonb, text, boolean) IS 'SQL texts of queries for what rows of a job take away though the caller may not';
REVOKE ALL ON FUNCTION import.forbidden_erasures(jsonb, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.forbidden_erasures(jsonb, text, boolean) TO authenticated;

-- Rows whose parts the caller may not write, one per row and column. A part that the row says nothing about needs no right.
CREATE OR REPLACE FUNCTION import.forbidden_rows(job_id integer, row_ids bigint[])
RETURNS TABLE (row_id bigint, column_name text, value text, details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $forbidden_rows$
DECLARE
    -- Whose rows are looked at one by one; who has more rights has none or all of a table.
    is_limited CONSTANT boolean := NOT auth.is_at_least('regular_user');
    regions CONSTANT integer[] := CASE WHEN is_limited THEN auth.accessible_region_ids() END;
    categories CONSTANT integer[] := CASE WHEN is_limited THEN auth.accessible_activity_category_ids() END;
    data_table text;
    snapshot jsonb;
    unit_table text;
    has text[];
    selects text[] := '{}';
    part record;
BEGIN
    SELECT j.data_table_name, j.definition_snapshot INTO STRICT data_table, snapshot FROM import.job AS j WHERE j.id = forbidden_rows.job_id;
    has := ARRAY(SELECT p.column_name FROM import.plan_column(snapshot) AS p);
    unit_table := CASE snapshot #>> '{import_definition,mode}' WHEN 'legal_unit' THEN 'legal_unit' WHEN 'legal_relationship' THEN 'legal_relationship'
                      WHEN 'generic_unit' THEN NULL ELSE 'establishment' END;

    FOR part IN
        -- table, what a row says about it, the column that holds it, the column to name, and where the part has a region or an activity
        SELECT p.table_name, p.condition, p.named, p.code_id, p.part_type
        FROM (SELECT unit_table AS table_name, 'true' AS condition, NULL::text AS named, NULL::text AS code_id, NULL::text AS part_type, '{}'::text[] AS needs
              UNION ALL
              SELECT 'location', format('d.%I IS NOT NULL', k.kind || '_country_id'), k.kind || '_region_code', k.kind || '_region_id', k.kind, ARRAY[k.kind || '_country_id']
              FROM unnest('{physical,postal}'::text[]) AS k (kind)
              UNION ALL
              SELECT 'activity', format('d.%I IS NOT NULL', k.kind || '_activity_category_id'), k.kind || '_activity_category_code', k.kind || '_activity_category_id', k.kind,
                     ARRAY[k.kind || '_activity_category_id']
              FROM unnest('{primary,secondary}'::text[]) AS k (kind)
              UNION ALL
              SELECT 'contact', format('d.%I IS NOT NULL', c.name), c.name, NULL, NULL, ARRAY[c.name]
              FROM unnest('{web_address,email_address,phone_number,landline,mobile_number,fax_number}'::text[]) AS c (name)
              UNION ALL
              SELECT 'stat_for_unit', format('d.%I IS NOT NULL', c.column_name), c.column_name, NULL, NULL, '{}'
              FROM import.plan_column(snapshot) AS c WHERE c.purpose = 'internal' AND c.stat_definition_id IS NOT NULL
              UNION ALL
              SELECT 'tag_for_unit', 'd.tag_id IS NOT NULL', 'tag_path', NULL, NULL, '{tag_id}') AS p
        WHERE p.table_name IS NOT NULL AND p.needs <@ has
    LOOP
        IF NOT (has_table_privilege('register.' || part.table_name, 'INSERT') AND has_table_privilege('register.' || part.table_name, 'UPDATE')) THEN
            selects := selects || format('SELECT d.row_id, %1$L::text AS column_name, %2$s AS value, jsonb_build_object(''table'', %3$L) AS details FROM import.%4$I AS d WHERE d.row_id = ANY ($1) AND %5$s',
                part.named, CASE WHEN part.named || '_raw' = ANY (has) THEN format('d.%I', part.named || '_raw') ELSE 'NULL::text' END, part.table_name, data_table, part.condition);
        ELSIF is_limited AND part.code_id = ANY (has) THEN
            -- What the row gives, and what is there and would be changed.
            selects := selects || format($sql$
                SELECT d.row_id, %1$L, d.%2$I, jsonb_build_object('table', %3$L)
                FROM import.%4$I AS d WHERE d.row_id = ANY ($1) AND %5$s AND d.%6$I <> ALL (%7$s)
                UNION ALL
                SELECT d.row_id, %1$L, d.%2$I, jsonb_build_object('table', %3$L, 'present', c.path::text)
                FROM import.%4$I AS d
                JOIN register.%3$I AS r ON %8$s AND r.type::text = %9$L AND r.valid_from < d.valid_until AND d.valid_from < r.valid_until
                JOIN register.%10$I AS c ON c.id = r.%11$I
                WHERE d.row_id = ANY ($1) AND %5$s AND r.%11$I <> ALL (%7$s)$sql$,
                part.named, part.named || '_raw', part.table_name, data_table, part.condition, part.code_id,
                CASE part.table_name WHEN 'location' THEN '$2' ELSE '$3' END,
                concat_ws(' OR ', CASE WHEN 'legal_unit_id' = ANY (has) AND unit_table IS DISTINCT FROM 'establishment' THEN 'r.legal_unit_id = d.legal_unit_id' END,
                          CASE WHEN 'establishment_id' = ANY (has) THEN 'r.establishment_id = d.establishment_id' END, 'false'),
                part.part_type, CASE part.table_name WHEN 'location' THEN 'region' ELSE 'activity_category' END,
                CASE part.table_name WHEN 'location' THEN 'region_id' ELSE 'category_id' END);
        END IF;
    END LOOP;
    selects := selects || ARRAY(SELECT e FROM import.forbidden_erasures(snapshot, data_table, is_limited) AS e);
    IF selects = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format('SELECT DISTINCT ON (f.row_id, f.column_name) f.row_id, f.column_name, f.value, f.details
                                 FROM (%s) AS f (row_id, column_name, value, details) ORDER BY f.row_id, f.column_name, f.details', array_to_string(selects, ' UNION ALL '))
        USING row_ids, regions, categories;
END
$forbidden_rows$;
COMMENT ON FUNCTION import.forbidden_rows(integer, bigint[]) IS
    'Which of these analysed rows of a job its user, who is the caller, may not write, and for which column';
REVOKE ALL ON FUNCTION import.forbidden_rows(integer, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.forbidden_rows(integer, bigint[]) TO authenticated;

-- Gives them their findings and returns the others, in the same order.
CREATE OR REPLACE FUNCTION import.refuse_forbidden(job_id integer, row_ids bigint[])
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $refuse_forbidden$
BEGIN
    PERFORM import.drop_temporary('import_refused');
    CREATE TEMPORARY TABLE import_refused AS
    SELECT f.row_id, jsonb_object_agg(coalesce(f.column_name || '_raw', 'row'), 'not_permitted') AS errors,
           jsonb_agg(jsonb_strip_nulls(jsonb_build_object('column', f.column_name, 'code', 'not_permitted', 'severity', 'error', 'value', f.value, 'details', f.details))
                     ORDER BY f.column_name NULLS FIRST) AS findings
    FROM import.forbidden_rows(refuse_forbidden.job_id, row_ids) AS f
    GROUP BY f.row_id;
    IF EXISTS (SELECT FROM pg_temp.import_refused) THEN
        PERFORM import.refuse_listed(job_id);
        row_ids := ARRAY(SELECT r.row_id FROM unnest(row_ids) WITH ORDINALITY AS r (row_id, place)
                         WHERE NOT EXISTS (SELECT FROM pg_temp.import_refused AS f WHERE f.row_id = r.row_id) ORDER BY r.place);
    END IF;
    DROP TABLE pg_temp.import_refused;
    RETURN row_ids;
END
$refuse_forbidden$;
COMMENT ON FUNCTION import.refuse_forbidden(integer, bigint[]) IS 'Gives rows that the user of a job may not write their findings; returns the others';
REVOKE ALL ON FUNCTION import.refuse_forbidden(integer, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.refuse_forbidden(integer, bigint[]) TO authenticated;

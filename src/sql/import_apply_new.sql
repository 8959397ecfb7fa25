-- Application of a job: units that nobody knows yet. See src/sql/import_apply.sql.
--
-- A unit that one row of the file founds, and that no other row of its batch speaks of, needs no merge: its id was drawn a
-- moment ago, by this transaction. What hangs on a unit refers to it by its id, which no other session has seen and nothing
-- has been written under; so temporal.merge would find nothing in the register, and nothing in the file, that such a row
-- could be joined with, and would insert it as it is. Here it is inserted at once. Keys are checked as ever: should somebody
-- have taken the id by hand, the statement is refused, and the rows are tried one by one.

CREATE OR REPLACE FUNCTION import.inserts_new_units(mode text)
RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $inserts_new_units$
    -- An establishment of a known legal unit may have to share the role of the primary one.
    SELECT inserts_new_units.mode IN ('legal_unit', 'establishment_informal')
$inserts_new_units$;
COMMENT ON FUNCTION import.inserts_new_units(text) IS 'Whether a definition of this mode inserts new units without a merge; a test replaces it to compare both ways';
REVOKE ALL ON FUNCTION import.inserts_new_units(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.inserts_new_units(text) TO authenticated;

-- Rights, policies and triggers are those of any INSERT.
CREATE OR REPLACE FUNCTION import.insert_rows(target regclass, statement text)
RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_import_insert_rows';
COMMENT ON FUNCTION import.insert_rows(regclass, text) IS
    'Runs an INSERT without RETURNING into a table and returns how many rows it wrote; foreign keys are checked once per value instead of once per row';
REVOKE ALL ON FUNCTION import.insert_rows(regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.insert_rows(regclass, text) TO authenticated;

-- SQL text of a call of it.
CREATE OR REPLACE FUNCTION import.insert_sql(part text, statement text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $insert_sql$
    SELECT format('SELECT import.insert_rows(%L::regclass, %L)', format('register.%I', part), statement)
$insert_sql$;
COMMENT ON FUNCTION import.insert_sql(text, text) IS 'SQL text of a call of import.insert_rows() for a table of schema register';
REVOKE ALL ON FUNCTION import.insert_sql(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.insert_sql(text, text) TO authenticated;

-- The INSERT statements for such rows, in the order in which they are run, by what the definition says; and which rows have
-- such a part. rows: what stands in FROM, with d for a row of the data table and n for its ids, in the order in which the rows
-- are to be inserted, for they are not sorted again for every table.
CREATE OR REPLACE FUNCTION import.new_unit_statements(job_id integer, rows text)
RETURNS TABLE (part text, condition text, statement text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $new_unit_statements$
DECLARE
    audit_columns CONSTANT text := 'edit_comment, edit_by_user_id, edit_at, import_job_id, import_source_line';
    audit CONSTANT text := format('d.edit_comment, d.edit_by_user_id, d.edit_at, %s, d.source_line', job_id);
    snapshot jsonb;
    mode text;
    owner text;
    has text[];
    mapped text[];
    kind text;
    columns text;
    selected text;
    choices text[];
    conditions text[];
    c record;
BEGIN
    SELECT j.definition_snapshot INTO STRICT snapshot FROM import.job AS j WHERE j.id = new_unit_statements.job_id;
    mode := snapshot #>> '{import_definition,mode}';
    owner := CASE mode WHEN 'legal_unit' THEN 'legal_unit' ELSE 'establishment' END;
    has := ARRAY(SELECT p.column_name FROM import.plan_column(snapshot) AS p);
    mapped := import.mapped_columns(snapshot);

    -- The units, each the primary one of its own new enterprise; others have an owner to look at and go through the merge.
    IF mode <> 'establishment_formal' THEN
        SELECT string_agg(format(', %I', a.attname), '' ORDER BY a.attnum), string_agg(format(', d.%I', a.attname), '' ORDER BY a.attnum)
        INTO columns, selected
        FROM pg_attribute AS a
        WHERE a.attrelid = format('register.%I', owner)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        AND CASE a.attname WHEN 'sector_id' THEN 'sector_code' WHEN 'unit_size_id' THEN 'unit_size_code' WHEN 'legal_form_id' THEN 'legal_form_code'
                ELSE a.attname END = ANY (mapped)
        AND a.attname NOT IN ('id', 'valid_from', 'valid_until', 'edit_comment', 'edit_by_user_id', 'edit_at', 'status_id', 'data_source_id',
                              'enterprise_id', 'legal_unit_id', 'primary_for_enterprise', 'primary_for_legal_unit');
        RETURN QUERY SELECT owner, 'true', format($sql$
            INSERT INTO register.%1$I (id, valid_from, valid_until, status_id, data_source_id, enterprise_id, primary_for_enterprise%2$s, %3$s)
            SELECT n.unit_id, d.valid_from, d.valid_until, coalesce(d.status_id, %4$L::integer), d.data_source_id, n.enterprise_id, true%5$s, %6$s
            FROM %7$s$sql$, owner, columns, audit_columns,
            (SELECT s.id FROM register.status AS s WHERE s.assigned_by_default AND s.enabled), selected, audit, rows);

        FOR c IN
            SELECT t.id, t.shape::text AS shape, t.labels,
                   CASE t.shape WHEN 'regular' THEN 'ident' ELSE 'idents' END AS target,
                   CASE t.shape WHEN 'regular' THEN t.code || '_raw' ELSE t.code || '_path' END AS source
            FROM import.plan_column(snapshot) AS p
            JOIN register.external_ident_type AS t ON t.id = p.external_ident_type_id
            WHERE p.step_code = 'external_idents' AND p.purpose = 'source_input'
            GROUP BY t.id
            ORDER BY t.id
        LOOP
            conditions := conditions || format('d.%I IS NOT NULL', c.source);
            choices := choices || format($sql$
                INSERT INTO register.external_ident (type_id, shape, labels, %1$I, %2$I, %3$s)
                SELECT %4$s, t.shape, t.labels, d.%5$I, n.unit_id, %6$s
                FROM %7$s JOIN register.external_ident_type AS t ON t.id = %4$s WHERE d.%5$I IS NOT NULL$sql$,
                c.target, owner || '_id', audit_columns, c.id, c.source, audit, rows);
        END LOOP;
        RETURN QUERY SELECT 'external_ident', array_to_string(conditions, ' OR '), x.statement FROM unnest(choices) AS x (statement);
    END IF;

    conditions := '{}';
    choices := '{}';
    FOREACH kind IN ARRAY ARRAY['physical', 'postal'] LOOP
        CONTINUE WHEN NOT kind || '_country_id' = ANY (has);
        SELECT string_agg(CASE WHEN x.name = 'region_code' THEN ', region_id, region_version_id' ELSE format(', %I', x.name) END, '' ORDER BY x.place),
               string_agg(CASE WHEN x.name = 'region_code' THEN format(', d.%I, r.version_id', kind || '_region_id') ELSE format(', d.%I', kind || '_' || x.name) END, '' ORDER BY x.place)
        INTO columns, selected
        FROM unnest('{address_part1,address_part2,address_part3,postcode,postplace,region_code,latitude,longitude,altitude}'::text[]) WITH ORDINALITY AS x (name, place)
        WHERE kind || '_' || x.name = ANY (mapped) AND NOT (kind = 'postal' AND x.name LIKE '%tude');
        conditions := conditions || format('d.%I IS NOT NULL', kind || '_country_id');
        choices := choices || format($sql$
            INSERT INTO register.location (type, %1$I, valid_from, valid_until, country_id, data_source_id%2$s, %3$s)
            SELECT %4$L::register.location_type, n.unit_id, d.valid_from, d.valid_until, d.%5$I, d.data_source_id%6$s, %7$s
            FROM %8$s%9$s$sql$,
            owner || '_id', columns, audit_columns, kind, kind || '_country_id', selected, audit, rows,
            CASE WHEN columns LIKE '%region_id%' THEN format(' LEFT JOIN register.region AS r ON r.id = d.%I', kind || '_region_id') ELSE '' END
            || format(' WHERE d.%I IS NOT NULL', kind || '_country_id')
            -- a join may come in another order
            || CASE WHEN columns LIKE '%region_id%' THEN ' ORDER BY d.row_id' ELSE '' END);
    END LOOP;
    RETURN QUERY SELECT 'location', array_to_string(conditions, ' OR '), x.statement FROM unnest(choices) AS x (statement);

    SELECT array_agg(format('d.%I IS NOT NULL', k.kind || '_activity_category_id') ORDER BY k.place),
           array_agg(format('(%L::register.activity_type, d.%I)', k.kind, k.kind || '_activity_category_id') ORDER BY k.place)
    INTO conditions, choices
    FROM unnest('{primary,secondary}'::text[]) WITH ORDINALITY AS k (kind, place)
    WHERE k.kind || '_activity_category_id' = ANY (has);
    IF choices IS NOT NULL THEN
        RETURN QUERY SELECT 'activity', array_to_string(conditions, ' OR '), format($sql$
            INSERT INTO register.activity (type, %1$I, valid_from, valid_until, category_id, data_source_id, %2$s)
            SELECT x.type, n.unit_id, d.valid_from, d.valid_until, x.category_id, d.data_source_id, %3$s
            FROM %5$s CROSS JOIN LATERAL (VALUES %4$s) AS x (type, category_id) WHERE x.category_id IS NOT NULL$sql$,
            owner || '_id', audit_columns, audit, array_to_string(choices, ', '), rows);
    END IF;

    SELECT string_agg(format('%I', x.name), ', ' ORDER BY x.place), string_agg(format('d.%I', x.name), ', ' ORDER BY x.place)
    INTO columns, selected
    FROM unnest('{web_address,email_address,phone_number,landline,mobile_number,fax_number}'::text[]) WITH ORDINALITY AS x (name, place)
    WHERE x.name = ANY (mapped);
    IF columns IS NOT NULL THEN
        RETURN QUERY SELECT 'contact', format('num_nonnulls(%s) > 0', selected), format($sql$
            INSERT INTO register.contact (%1$I, valid_from, valid_until, %2$s, data_source_id, %3$s)
            SELECT n.unit_id, d.valid_from, d.valid_until, %4$s, d.data_source_id, %5$s
            FROM %6$s WHERE num_nonnulls(%4$s) > 0$sql$,
            owner || '_id', columns, audit_columns, selected, audit, rows);
    END IF;

    conditions := NULL;
    choices := NULL;
    SELECT array_agg(format('d.%I IS NOT NULL', s.code) ORDER BY s.id),
           array_agg(format('(%s, %s::integer, %s::double precision, %s::varchar, %s::boolean)', s.id,
               CASE s.type::text WHEN 'int' THEN format('d.%I', s.code) ELSE 'NULL' END, CASE s.type::text WHEN 'float' THEN format('d.%I', s.code) ELSE 'NULL' END,
               CASE s.type::text WHEN 'string' THEN format('d.%I', s.code) ELSE 'NULL' END, CASE s.type::text WHEN 'bool' THEN format('d.%I', s.code) ELSE 'NULL' END)
               ORDER BY s.id)
    INTO conditions, choices
    FROM import.plan_column(snapshot) AS p
    JOIN register.stat_definition AS s ON s.id = p.stat_definition_id AND s.code = p.column_name
    WHERE p.purpose = 'internal';
    IF choices IS NOT NULL THEN
        RETURN QUERY SELECT 'stat_for_unit', array_to_string(conditions, ' OR '), format($sql$
            INSERT INTO register.stat_for_unit (stat_definition_id, %1$I, valid_from, valid_until, value_int, value_float, value_string, value_bool, data_source_id, %2$s)
            SELECT x.id, n.unit_id, d.valid_from, d.valid_until, x.value_int, x.value_float, x.value_string, x.value_bool, d.data_source_id, %3$s
            FROM %5$s CROSS JOIN LATERAL (VALUES %4$s) AS x (id, value_int, value_float, value_string, value_bool)
            WHERE num_nonnulls(x.value_int, x.value_float, x.value_string, x.value_bool) > 0$sql$,
            owner || '_id', audit_columns, audit, array_to_string(choices, ', '), rows);
    END IF;

    IF 'tag_id' = ANY (has) THEN
        RETURN QUERY SELECT 'tag_for_unit', 'd.tag_id IS NOT NULL', format($sql$
            INSERT INTO register.tag_for_unit (tag_id, %1$I, %2$s)
            SELECT d.tag_id, n.unit_id, %3$s FROM %4$s WHERE d.tag_id IS NOT NULL$sql$, owner || '_id', audit_columns, audit, rows);
    END IF;
END
$new_unit_statements$;
COMMENT ON FUNCTION import.new_unit_statements(integer, text) IS
    'Applies rows: the statements that insert units which nobody knows yet, with what hangs on them, and which rows have such a part; internal';
REVOKE ALL ON FUNCTION import.new_unit_statements(integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.new_unit_statements(integer, text) TO authenticated;

-- What became of a row is told by table. Few combinations of tables occur: a row's is worked out once, as a number with a bit
-- for each table that the row says something of, and what is to be written once for each number.
CREATE OR REPLACE FUNCTION import.shape_sql(conditions text[])
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $shape_sql$
    SELECT coalesce(string_agg(CASE c.condition WHEN 'true' THEN (1 << (c.place::integer - 1))::text
                                    ELSE format('CASE WHEN %s THEN %s ELSE 0 END', c.condition, 1 << (c.place::integer - 1)) END, ' + ' ORDER BY c.place), '0')
    FROM unnest(conditions) WITH ORDINALITY AS c (condition, place)
$shape_sql$;
COMMENT ON FUNCTION import.shape_sql(text[]) IS 'SQL text of a number: which of these conditions hold, a bit for each';
REVOKE ALL ON FUNCTION import.shape_sql(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.shape_sql(text[]) TO authenticated;

CREATE OR REPLACE FUNCTION import.shape_status_sql(parts text[], status text, source text)
RETURNS text
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $shape_status_sql$
DECLARE
    choices text;
BEGIN
    EXECUTE format($sql$
        SELECT string_agg(format(' WHEN %%s THEN %%L::jsonb', s.shape,
                   (SELECT coalesce(jsonb_object_agg(p.part, $2), '{}') FROM unnest($1) WITH ORDINALITY AS p (part, place) WHERE s.shape & (1 << (p.place::integer - 1)) <> 0)),
                   '' ORDER BY s.row_count DESC, s.shape)
        FROM (SELECT r.shape, count(*) AS row_count FROM pg_temp.%I AS r GROUP BY r.shape) AS s$sql$, source)
    INTO choices USING parts, status;
    RETURN format('CASE r.shape%s END', choices);
END
$shape_status_sql$;
COMMENT ON FUNCTION import.shape_status_sql(text[], text, text) IS
    'SQL text of the merge status of rows r of a temporary table that has their numbers, in column shape: this status for each part in it; NULL when the table is empty';
REVOKE ALL ON FUNCTION import.shape_status_sql(text[], text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.shape_status_sql(text[], text, text) TO authenticated;

-- Inserts the units of pg_temp.import_new, and writes what became of the rows.
CREATE OR REPLACE FUNCTION import.apply_new_units(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_new_units$
DECLARE
    -- What the statements read, once and narrow: the data table has each cell twice, and every statement would walk over all of it.
    rows CONSTANT text := import.tried_rows('import_row_new') || ' AS d CROSS JOIN LATERAL (SELECT d.new_unit_id AS unit_id, d.new_enterprise_id AS enterprise_id) AS n';
    job record;
    reach record;
    s record;
    parts text[];
    conditions text[];
BEGIN
    SELECT j.data_table_name, j.definition_snapshot AS snapshot,
           CASE j.definition_snapshot #>> '{import_definition,mode}' WHEN 'legal_unit' THEN 'legal_unit' ELSE 'establishment' END AS unit_table
    INTO STRICT job FROM import.job AS j WHERE j.id = apply_new_units.job_id;
    SELECT min(n.row_id) AS lowest, max(n.row_id) AS highest, count(*) AS count INTO reach FROM pg_temp.import_new AS n;
    PERFORM import.drop_temporary('import_row_new');
    SELECT array_agg(p.part ORDER BY p.part), array_agg(p.condition ORDER BY p.part) INTO parts, conditions
    FROM (SELECT x.part, string_agg(DISTINCT x.condition, ' OR ') AS condition FROM import.new_unit_statements(job_id, rows) AS x GROUP BY x.part) AS p;
    -- A stretch of the data table where the rows are close together, as in most files; else one by one.
    EXECUTE format('CREATE TEMPORARY TABLE import_row_new AS SELECT n.unit_id AS new_unit_id, n.enterprise_id AS new_enterprise_id, %s AS shape, %s FROM %s ORDER BY d.row_id',
        import.shape_sql(conditions),
        (SELECT string_agg(format('d.%I', a.attname), ', ' ORDER BY a.attnum)
         FROM pg_attribute AS a
         WHERE a.attrelid = format('import.%I', job.data_table_name)::regclass AND a.attnum > 0 AND NOT a.attisdropped
         AND a.attname NOT IN (SELECT p.column_name FROM import.plan_column(job.snapshot) AS p
                               WHERE p.purpose = 'source_input' AND p.step_code <> 'external_idents' OR p.purpose IN ('pk_id', 'metadata'))),
        format(CASE WHEN reach.highest - reach.lowest < 2 * reach.count
                    THEN 'import.%I AS d JOIN pg_temp.import_new AS n ON n.row_id = d.row_id WHERE d.row_id BETWEEN %s AND %s'
                    ELSE 'pg_temp.import_new AS n JOIN import.%I AS d ON d.row_id = n.row_id' END,
               job.data_table_name, reach.lowest, reach.highest));

    PERFORM import.write_rows('import_row_new', 'row_id', import.insert_sql('enterprise', format($sql$
        INSERT INTO register.enterprise (id, edit_comment, edit_by_user_id, edit_at, import_job_id, import_source_line)
        OVERRIDING SYSTEM VALUE
        SELECT n.enterprise_id, d.edit_comment, d.edit_by_user_id, d.edit_at, %s, d.source_line FROM %s$sql$, job_id, rows)));
    FOR s IN SELECT x.part, x.statement FROM import.new_unit_statements(job_id, rows) AS x LOOP
        PERFORM import.write_rows('import_row_new', 'row_id', import.insert_sql(s.part, s.statement));
    END LOOP;
    EXECUTE format($sql$
        UPDATE import.%1$I AS t
        SET state = 'processed', merge_status = %3$s, %2$I = r.new_unit_id, enterprise_id = r.new_enterprise_id
        FROM pg_temp.import_row_new AS r
        WHERE t.row_id = r.row_id AND t.row_id BETWEEN %4$s AND %5$s$sql$,
        job.data_table_name, job.unit_table || '_id', import.shape_status_sql(parts, 'APPLIED', 'import_row_new'), reach.lowest, reach.highest);
    INSERT INTO pg_temp.import_outcome (imported, unchanged) VALUES (reach.count, 0);
    PERFORM import.drop_temporary('import_row_new');
END
$apply_new_units$;
COMMENT ON FUNCTION import.apply_new_units(integer) IS 'Applies rows: units that nobody knows yet, with what hangs on them';
REVOKE ALL ON FUNCTION import.apply_new_units(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_new_units(integer) TO authenticated;

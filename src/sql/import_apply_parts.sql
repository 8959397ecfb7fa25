-- Application of a job: what hangs on units, and relationships. See src/sql/import_apply.sql.

-- Identifiers that the unit does not have yet.
CREATE OR REPLACE FUNCTION import.apply_identifiers(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_identifiers$
DECLARE
    snapshot jsonb;
    owner_column text;
    c record;
BEGIN
    SELECT j.definition_snapshot INTO STRICT snapshot FROM import.job AS j WHERE j.id = apply_identifiers.job_id;
    owner_column := CASE snapshot #>> '{import_definition,mode}' WHEN 'legal_unit' THEN 'legal_unit_id' ELSE 'establishment_id' END;
    FOR c IN
        SELECT t.id AS type_id, t.shape::text AS shape,
               CASE t.shape WHEN 'regular' THEN 'ident' ELSE 'idents' END AS target,
               CASE t.shape WHEN 'regular' THEN t.code || '_raw' ELSE t.code || '_path' END AS column_name
        FROM import.plan_column(snapshot) AS p
        JOIN register.external_ident_type AS t ON t.id = p.external_ident_type_id
        WHERE p.step_code = 'external_idents' AND p.purpose = 'source_input'
        GROUP BY t.id, t.shape, t.code
        ORDER BY t.id
    LOOP
        PERFORM import.write_rows('import_apply', 'row_id', format($sql$
            WITH given AS (
                SELECT DISTINCT ON (a.unit_id) a.unit_id, a.row_id, a.%3$I AS ident, a.edit_comment, a.edit_by_user_id, a.edit_at, a.source_line
                FROM %1$s AS a
                WHERE a.%3$I IS NOT NULL
                AND NOT EXISTS (SELECT FROM register.external_ident AS e WHERE e.%4$I = a.unit_id AND e.type_id = %5$s)
                ORDER BY a.unit_id, a.row_id),
            written AS (
                INSERT INTO register.external_ident (type_id, shape, %2$I, %4$I, labels, edit_comment, edit_by_user_id, edit_at, import_job_id, import_source_line)
                SELECT t.id, t.shape, g.ident, g.unit_id, t.labels, g.edit_comment, g.edit_by_user_id, g.edit_at, %6$s, g.source_line
                FROM given AS g
                JOIN register.external_ident_type AS t ON t.id = %5$s
                ORDER BY g.row_id)
            INSERT INTO pg_temp.import_result (row_id, part, status)
            SELECT g.row_id, 'external_ident', 'APPLIED' FROM given AS g$sql$,
            import.tried_rows('import_apply'), c.target, c.column_name, owner_column, c.type_id, job_id));
    END LOOP;
END
$apply_identifiers$;
COMMENT ON FUNCTION import.apply_identifiers(integer) IS 'Applies rows: the identifiers of their units';
REVOKE ALL ON FUNCTION import.apply_identifiers(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_identifiers(integer) TO authenticated;

-- What hangs on units: locations, activities, contact, statistics, tags. Only rows that say something about a part write it.
CREATE OR REPLACE FUNCTION import.apply_parts(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_parts$
DECLARE
    audit CONSTANT text := 'a.edit_comment, a.edit_by_user_id, a.edit_at, $1 AS import_job_id, a.source_line AS import_source_line';
    snapshot jsonb;
    strategy text;
    part_mode temporal.merge_mode;
    columns_mode temporal.merge_mode;
    has text[];
    mapped text[];
    kind text;
    owner text;
    channels text;
    selects text[];
    stat record;
BEGIN
    SELECT j.definition_snapshot INTO STRICT snapshot FROM import.job AS j WHERE j.id = apply_parts.job_id;
    strategy := snapshot #>> '{import_definition,strategy}';
    part_mode := import.merge_mode(strategy, true);
    -- Of an address or a contact, columns that the definition does not map stay as they are, also where a row replaces.
    columns_mode := CASE part_mode WHEN 'MERGE_ENTITY_REPLACE' THEN 'MERGE_ENTITY_UPSERT' ELSE part_mode END;
    has := ARRAY(SELECT p.column_name FROM import.plan_column(snapshot) AS p);
    mapped := import.mapped_columns(snapshot);

    FOREACH owner IN ARRAY ARRAY['legal_unit', 'establishment'] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_temp.import_apply AS a WHERE a.unit_type = owner);

        FOREACH kind IN ARRAY ARRAY['physical', 'postal'] LOOP
            CONTINUE WHEN NOT kind || '_country_id' = ANY (has);
            PERFORM import.apply_part(job_id, 'location', ARRAY[format($sql$
                SELECT a.row_id AS source_row_id, x.valid_from, x.valid_until, %1$L::register.location_type AS type, a.unit_id AS %2$I%3$s,
                       %4$s AS country_id, a.data_source_id, %5$s
                FROM pg_temp.import_apply AS a JOIN pg_temp.import_span AS x ON x.row_id = a.row_id
                WHERE a.unit_type = %6$L AND a.%7$I IS NOT NULL$sql$,
                kind, owner || '_id',
                (SELECT string_agg(CASE WHEN c.name = 'region_code'
                            THEN format(', a.%1$I AS region_id, (SELECT r.version_id FROM register.region AS r WHERE r.id = a.%1$I) AS region_version_id', kind || '_region_id')
                            ELSE format(', a.%I AS %I', kind || '_' || c.name, c.name) END, '' ORDER BY c.place)
                 FROM unnest('{address_part1,address_part2,address_part3,postcode,postplace,region_code,latitude,longitude,altitude}'::text[]) WITH ORDINALITY AS c (name, place)
                 WHERE kind || '_' || c.name = ANY (mapped) AND NOT (kind = 'postal' AND c.name LIKE '%tude')),
                -- An address without a country is in this one; but patching one that is elsewhere leaves it there, unless it gets a region.
                CASE WHEN part_mode = 'MERGE_ENTITY_PATCH' THEN format($sql$CASE WHEN a.%1$I IS NULL AND a.%5$I IS NULL THEN coalesce(
                        (SELECT l.country_id FROM register.location AS l
                         WHERE l.%2$I = a.unit_id AND l.type = %3$L AND l.valid_from < x.valid_until AND x.valid_from < l.valid_until
                         ORDER BY l.valid_from DESC LIMIT 1), a.%4$I) ELSE a.%4$I END$sql$, kind || '_country_iso_2_raw', owner || '_id', kind, kind || '_country_id', kind || '_region_id')
                     ELSE format('a.%I', kind || '_country_id') END,
                audit, owner, kind || '_country_id')], columns_mode, format('[["%s_id", "type"]]', owner)::jsonb);
            -- Who moves abroad leaves his region.
            PERFORM import.apply_part(job_id, 'location', ARRAY[format($sql$
                SELECT a.row_id AS source_row_id, greatest(l.valid_from, x.valid_from) AS valid_from, least(l.valid_until, x.valid_until) AS valid_until,
                       l.id, NULL::integer AS region_id, NULL::integer AS region_version_id, %1$s
                FROM pg_temp.import_apply AS a
                JOIN pg_temp.import_span AS x ON x.row_id = a.row_id
                JOIN register.location AS l ON l.%2$I = a.unit_id AND l.type = %3$L AND l.valid_from < x.valid_until AND x.valid_from < l.valid_until
                WHERE a.unit_type = %4$L AND a.%5$I IS NOT NULL AND a.%6$I IS NULL
                AND l.region_id IS NOT NULL AND l.country_id <> (SELECT s.country_id FROM register.settings AS s)$sql$,
                audit, owner || '_id', kind, owner, kind || '_country_iso_2_raw', kind || '_region_id')], 'UPDATE_FOR_PORTION_OF', '[]');
        END LOOP;

        selects := '{}';
        FOREACH kind IN ARRAY ARRAY['primary', 'secondary'] LOOP
            CONTINUE WHEN NOT kind || '_activity_category_id' = ANY (has);
            selects := selects || format($sql$
                SELECT a.row_id AS source_row_id, x.valid_from, x.valid_until, %1$L::register.activity_type AS type, a.unit_id AS %2$I,
                       a.%3$I AS category_id, a.data_source_id, %4$s
                FROM pg_temp.import_apply AS a JOIN pg_temp.import_span AS x ON x.row_id = a.row_id
                WHERE a.unit_type = %5$L AND a.%3$I IS NOT NULL$sql$,
                kind, owner || '_id', kind || '_activity_category_id', audit, owner);
        END LOOP;
        PERFORM import.apply_part(job_id, 'activity', selects, part_mode, format('[["%s_id", "type"]]', owner)::jsonb);

        SELECT string_agg(format('a.%I', c.name), ', ') INTO channels
        FROM unnest('{web_address,email_address,phone_number,landline,mobile_number,fax_number}'::text[]) AS c (name)
        WHERE c.name = ANY (mapped);
        IF channels IS NOT NULL THEN
            PERFORM import.apply_part(job_id, 'contact', ARRAY[format($sql$
                SELECT a.row_id AS source_row_id, x.valid_from, x.valid_until, a.unit_id AS %1$I, %2$s, a.data_source_id, %3$s
                FROM pg_temp.import_apply AS a JOIN pg_temp.import_span AS x ON x.row_id = a.row_id
                WHERE a.unit_type = %4$L AND num_nonnulls(%2$s) > 0$sql$,
                owner || '_id', channels, audit, owner)], columns_mode, format('[["%s_id"]]', owner)::jsonb);
        END IF;

        selects := '{}';
        FOR stat IN
            SELECT d.id, d.code, d.type::text AS type
            FROM import.plan_column(snapshot) AS p
            JOIN register.stat_definition AS d ON d.id = p.stat_definition_id AND d.code = p.column_name
            WHERE p.purpose = 'internal'
            ORDER BY d.id
        LOOP
            selects := selects || format($sql$
                SELECT a.row_id AS source_row_id, x.valid_from, x.valid_until, %1$s AS stat_definition_id, a.unit_id AS %2$I,
                       %3$s::integer AS value_int, %4$s::double precision AS value_float, %5$s::varchar AS value_string, %6$s::boolean AS value_bool,
                       a.data_source_id, %7$s
                FROM pg_temp.import_apply AS a JOIN pg_temp.import_span AS x ON x.row_id = a.row_id
                WHERE a.unit_type = %8$L AND a.%9$I IS NOT NULL$sql$,
                stat.id, owner || '_id',
                CASE stat.type WHEN 'int' THEN format('a.%I', stat.code) ELSE 'NULL' END, CASE stat.type WHEN 'float' THEN format('a.%I', stat.code) ELSE 'NULL' END,
                CASE stat.type WHEN 'string' THEN format('a.%I', stat.code) ELSE 'NULL' END, CASE stat.type WHEN 'bool' THEN format('a.%I', stat.code) ELSE 'NULL' END,
                audit, owner, stat.code);
        END LOOP;
        PERFORM import.apply_part(job_id, 'stat_for_unit', selects, part_mode, format('[["%s_id", "stat_definition_id"]]', owner)::jsonb);

        IF 'tag_id' = ANY (has) THEN
            -- Who gives no tag needs no right to.
            CONTINUE WHEN NOT EXISTS (SELECT FROM pg_temp.import_apply AS a WHERE a.tag_id IS NOT NULL);
            PERFORM import.write_rows('import_apply', 'row_id', format($sql$
                WITH given AS (
                    SELECT DISTINCT ON (a.unit_id, a.tag_id) a.unit_id, a.tag_id, a.row_id, a.edit_comment, a.edit_by_user_id, a.edit_at, a.source_line
                    FROM %3$s AS a
                    WHERE a.unit_type = %2$L AND a.tag_id IS NOT NULL
                    AND NOT EXISTS (SELECT FROM register.tag_for_unit AS t WHERE t.%1$I = a.unit_id AND t.tag_id = a.tag_id)
                    ORDER BY a.unit_id, a.tag_id, a.row_id),
                written AS (
                    INSERT INTO register.tag_for_unit (tag_id, %1$I, edit_comment, edit_by_user_id, edit_at, import_job_id, import_source_line)
                    SELECT g.tag_id, g.unit_id, g.edit_comment, g.edit_by_user_id, g.edit_at, %4$s, g.source_line FROM given AS g ORDER BY g.row_id)
                INSERT INTO pg_temp.import_result (row_id, part, status)
                SELECT g.row_id, 'tag_for_unit', 'APPLIED' FROM given AS g$sql$, owner || '_id', owner, import.tried_rows('import_apply'), job_id));
        END IF;
    END LOOP;
END
$apply_parts$;
COMMENT ON FUNCTION import.apply_parts(integer) IS 'Applies rows: what hangs on their units';
REVOKE ALL ON FUNCTION import.apply_parts(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_parts(integer) TO authenticated;

-- Merges the union of SELECTs, whose $1 is the job, into one table of parts.
CREATE OR REPLACE FUNCTION import.apply_part(job_id integer, part text, selects text[], mode temporal.merge_mode, natural_keys jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, statbus_requires, pg_temp
AS $apply_part$
DECLARE
    filled boolean;
BEGIN
    IF selects = '{}' THEN
        RETURN;
    END IF;
    PERFORM import.drop_temporary('import_part');
    EXECUTE format('CREATE TEMPORARY TABLE import_part AS SELECT row_number() OVER (ORDER BY u.source_row_id, u.valid_from) AS row_id, u.* FROM (%s) AS u',
                   replace(array_to_string(selects, ' UNION ALL '), '$1', job_id::text));
    SELECT EXISTS (SELECT FROM pg_temp.import_part) INTO filled;
    IF filled THEN
        PERFORM import.apply_merge(part, 'import_part', mode, natural_keys);
    END IF;
    PERFORM import.drop_temporary('import_part');
END
$apply_part$;
COMMENT ON FUNCTION import.apply_part(integer, text, text[], temporal.merge_mode, jsonb) IS 'Applies rows: one table of parts of units';
REVOKE ALL ON FUNCTION import.apply_part(integer, text, text[], temporal.merge_mode, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_part(integer, text, text[], temporal.merge_mode, jsonb) TO authenticated;

CREATE OR REPLACE FUNCTION import.apply_relationships(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $apply_relationships$
DECLARE
    strategy text;
BEGIN
    SELECT j.definition_snapshot #>> '{import_definition,strategy}' INTO STRICT strategy
    FROM import.job AS j WHERE j.id = apply_relationships.job_id;
    PERFORM import.drop_temporary('import_part');
    CREATE TEMPORARY TABLE import_part AS
    SELECT row_number() OVER (ORDER BY a.row_id) AS row_id, a.row_id AS source_row_id, a.valid_from, a.valid_until,
           a.influencing_id, a.influenced_id, a.type_id, t.primary_influencer_only, a.percentage,
           a.edit_comment, a.edit_by_user_id, a.edit_at, apply_relationships.job_id AS import_job_id, a.source_line AS import_source_line
    FROM pg_temp.import_apply AS a
    JOIN register.legal_rel_type AS t ON t.id = a.type_id;
    PERFORM import.apply_merge('legal_relationship', 'import_part', import.merge_mode(strategy, false), '[["influencing_id", "influenced_id", "type_id"]]');
END
$apply_relationships$;
COMMENT ON FUNCTION import.apply_relationships(integer) IS 'Applies rows: relationships between legal units';
REVOKE ALL ON FUNCTION import.apply_relationships(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.apply_relationships(integer) TO authenticated;

-- A file over HTTP, in chunks: its headings are matched with the columns of the definition, and its rows go into the
-- upload table as the bytes come (src/csv_sql.c). A COPY into the upload table comes by none of this.

-- Headings ------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION import.heading_key(heading text)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_import_heading_key';
COMMENT ON FUNCTION import.heading_key(text) IS 'What headings that mean the same column have in common: case, spaces and punctuation make no difference';
REVOKE ALL ON FUNCTION import.heading_key(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.heading_key(text) TO authenticated;

CREATE OR REPLACE FUNCTION import.heading_distance(x text, y text, most integer)
RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_import_heading_distance';
COMMENT ON FUNCTION import.heading_distance(text, text, integer) IS 'How many bytes make one text of the other; most + 1 when it is more than most';
REVOKE ALL ON FUNCTION import.heading_distance(text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.heading_distance(text, text, integer) TO authenticated;

-- The columns that a file may have, by the snapshot of a definition, and what a finding calls each.
CREATE OR REPLACE FUNCTION import.source_headings(snapshot jsonb)
RETURNS TABLE (column_name text, aliases jsonb, finding_name text, is_ignored boolean, requirement text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $source_headings$
    SELECT h ->> 'column_name', coalesce(h -> 'aliases', '[]'), coalesce(t.name, h ->> 'column_name'), t.name IS NULL, t.requirement
    FROM jsonb_array_elements(snapshot -> 'import_source_column_list') AS h
    LEFT JOIN LATERAL (
        SELECT regexp_replace(p.column_name, '_raw$', '') AS name,
               -- Columns with the same word: one of them must be there.
               CASE
                   WHEN p.column_name IN ('valid_from_raw', 'valid_to_raw', 'rel_type_code_raw') THEN p.column_name
                   WHEN p.step_code = 'external_idents' THEN 'identifier'
                   WHEN p.column_name LIKE 'legal\_unit\_%' AND p.step_code = 'link_establishment_to_legal_unit' THEN 'legal unit'
                   WHEN p.step_code = 'legal_relationship' AND p.column_name LIKE 'influenc%\_ident\_raw' THEN split_part(p.column_name, '_', 1)
                   WHEN p.column_name = 'name_raw' AND snapshot #>> '{import_definition,strategy}' IN ('insert_or_replace', 'insert_only') THEN 'name'
               END AS requirement
        FROM import.plan_column(snapshot - 'absent_columns') AS p
        WHERE p.purpose = 'source_input' AND p.source_column_name = h ->> 'column_name'
        ORDER BY p.place
        LIMIT 1) AS t ON true
$source_headings$;
COMMENT ON FUNCTION import.source_headings(jsonb) IS
    'The headings that a definition knows, with the data column of each; of those with the same requirement one must be in the file';
REVOKE ALL ON FUNCTION import.source_headings(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.source_headings(jsonb) TO authenticated;

-- The best that is known of each heading: 1 the name itself, 2 an alias, 3 and 4 the same but for case, spaces and punctuation.
CREATE OR REPLACE FUNCTION import.heading_matches(headings text[], snapshot jsonb)
RETURNS TABLE (place bigint, heading text, column_name text, finding_name text, rank integer)
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $heading_matches$
    WITH known AS MATERIALIZED (
        SELECT s.column_name, s.finding_name, n.name, import.heading_key(n.name) AS key, n.rank
        FROM import.source_headings(snapshot) AS s
        CROSS JOIN LATERAL (
            SELECT s.column_name AS name, 1 AS rank
            UNION ALL
            SELECT a, 2 FROM jsonb_array_elements_text(s.aliases) AS a) AS n
    ), given AS MATERIALIZED (
        SELECT f.place, f.heading, import.heading_key(f.heading) AS key FROM unnest(headings) WITH ORDINALITY AS f (heading, place)
    ), found AS (
        SELECT g.place, k.column_name, k.finding_name, k.rank FROM given AS g JOIN known AS k ON k.name = g.heading
        UNION ALL
        SELECT g.place, k.column_name, k.finding_name, k.rank + 2 FROM given AS g JOIN known AS k ON k.key = g.key AND k.key <> ''
    ), best AS (
        SELECT f.place, min(f.column_name) AS column_name, min(f.finding_name) AS finding_name, f.rank
        FROM found AS f
        WHERE f.rank = (SELECT min(x.rank) FROM found AS x WHERE x.place = f.place)
        GROUP BY f.place, f.rank
        HAVING min(f.column_name) = max(f.column_name)     -- what may be either is neither
    )
    SELECT g.place, g.heading, b.column_name, b.finding_name, b.rank
    FROM given AS g
    LEFT JOIN best AS b ON b.place = g.place
    ORDER BY g.place
$heading_matches$;
COMMENT ON FUNCTION import.heading_matches(text[], jsonb) IS 'Which column of the definition each heading of a file means; NULL: none';
REVOKE ALL ON FUNCTION import.heading_matches(text[], jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.heading_matches(text[], jsonb) TO authenticated;

-- Columns of the definition that a file lacks, where that is not the same as empty cells: rows that replace leave alone what
-- the file does not speak of. Not identifiers and periods, of which parts may be missing, nor what other columns stand in for.
CREATE OR REPLACE FUNCTION import.absent_columns(headings text[], snapshot jsonb)
RETURNS jsonb
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $absent_columns$
    SELECT coalesce(jsonb_agg(p.source_column_name ORDER BY p.place), '[]')
    FROM import.plan_column(snapshot - 'absent_columns') AS p
    WHERE p.purpose = 'source_input' AND p.source_column_name IS NOT NULL
    AND p.step_code NOT IN ('valid_time', 'external_idents', 'link_establishment_to_legal_unit', 'legal_relationship')
    AND snapshot #>> '{import_definition,strategy}' IN ('insert_or_replace', 'replace_only')
    AND p.column_name NOT IN (SELECT r.column_name FROM import.reading_rules(snapshot) AS r WHERE r.alternatives IS NOT NULL)
    AND p.source_column_name NOT IN (SELECT h.column_name FROM import.heading_matches(headings, snapshot) AS h WHERE h.column_name IS NOT NULL)
$absent_columns$;
COMMENT ON FUNCTION import.absent_columns(text[], jsonb) IS 'Columns that a file with these headings says nothing about, in files whose empty cells say something';
REVOKE ALL ON FUNCTION import.absent_columns(text[], jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION import.note_absent_columns(job_id integer)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $note_absent_columns$
    UPDATE import.job AS j
    SET definition_snapshot = jsonb_set(j.definition_snapshot, '{absent_columns}', import.absent_columns(u.headings, j.definition_snapshot))
    FROM import.upload AS u
    WHERE j.id = note_absent_columns.job_id AND u.job_id = j.id AND import.absent_columns(u.headings, j.definition_snapshot) <> '[]';
$note_absent_columns$;
COMMENT ON FUNCTION import.note_absent_columns(integer) IS 'Keeps with a job which columns its file, which has been read, says nothing about; internal';
REVOKE ALL ON FUNCTION import.note_absent_columns(integer) FROM PUBLIC;

-- What must be in a file and is not.
CREATE OR REPLACE FUNCTION import.missing_columns(headings text[], snapshot jsonb)
RETURNS TABLE (column_name text, columns text[], suggestion text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $missing_columns$
    WITH matched AS MATERIALIZED (
        SELECT * FROM import.heading_matches(headings, snapshot)
    ), given AS MATERIALIZED (
        SELECT array_agg(m.column_name) AS columns FROM matched AS m WHERE m.column_name IS NOT NULL
    ), replaced AS MATERIALIZED (
        -- Others stand in for it.
        SELECT array_agg(r.source_column_name) AS columns
        FROM given AS g
        CROSS JOIN import.reading_rules(snapshot) AS r
        CROSS JOIN LATERAL jsonb_array_elements(r.alternatives) AS a (list)
        WHERE ARRAY(SELECT jsonb_array_elements_text(a.list)) <@ g.columns
    ), known AS MATERIALIZED (
        SELECT s.*, row_number() OVER () AS place FROM import.source_headings(snapshot) AS s WHERE s.requirement IS NOT NULL
    ), missing AS (
        SELECT k.requirement, array_agg(k.column_name ORDER BY k.place) AS columns, min(k.place) AS place
        FROM known AS k
        GROUP BY k.requirement
        HAVING NOT array_agg(k.column_name) && (SELECT coalesce(g.columns, '{}') || coalesce(r.columns, '{}') FROM given AS g, replaced AS r)
    )
    SELECT m.columns[1], CASE WHEN cardinality(m.columns) > 1 THEN m.columns END, near.heading
    FROM missing AS m
    LEFT JOIN LATERAL (
        SELECT f.heading
        FROM matched AS f
        JOIN known AS k ON k.requirement = m.requirement
        CROSS JOIN LATERAL (
            SELECT min(import.heading_distance(import.heading_key(n), import.heading_key(f.heading), 2)) AS distance
            FROM unnest(ARRAY[k.column_name] || ARRAY(SELECT jsonb_array_elements_text(k.aliases))) AS n) AS d
        WHERE f.column_name IS NULL AND d.distance <= least(2, length(f.heading) / 3)
        ORDER BY d.distance, f.place
        LIMIT 1) AS near ON true
    ORDER BY m.place
$missing_columns$;
COMMENT ON FUNCTION import.missing_columns(text[], jsonb) IS
    'Columns without which no row of a file can be imported, one of each group; and a heading of the file that may be meant for it';
REVOKE ALL ON FUNCTION import.missing_columns(text[], jsonb) FROM PUBLIC;

-- A definition that has all it needs in these headings, and knows more of them.
CREATE OR REPLACE FUNCTION import.better_definition(headings text[], snapshot jsonb)
RETURNS TABLE (slug text, matched bigint)
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $better_definition$
    SELECT d.slug, m.matched
    FROM import.definition AS d
    CROSS JOIN LATERAL (SELECT import.definition_snapshot(d.id) AS snapshot OFFSET 0) AS s
    CROSS JOIN LATERAL (SELECT count(h.column_name) AS matched FROM import.heading_matches(headings, s.snapshot) AS h) AS m
    WHERE d.enabled AND d.valid AND d.slug <> better_definition.snapshot #>> '{import_definition,slug}'
    AND m.matched > (SELECT count(h.column_name) FROM import.heading_matches(headings, better_definition.snapshot) AS h)
    AND NOT EXISTS (SELECT FROM import.missing_columns(headings, s.snapshot))
    ORDER BY m.matched DESC, (SELECT count(*) FROM import.source_headings(s.snapshot)), d.slug
    LIMIT 1
$better_definition$;
COMMENT ON FUNCTION import.better_definition(text[], jsonb) IS 'The definition that the headings of a file fit better than that of the snapshot, if any';
REVOKE ALL ON FUNCTION import.better_definition(text[], jsonb) FROM PUBLIC;

-- What is missing, and which definition lacks nothing: reasons to stop.
CREATE OR REPLACE FUNCTION import.missing_column_findings(headings text[], snapshot jsonb)
RETURNS jsonb
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $missing_column_findings$
    WITH missing AS MATERIALIZED (SELECT * FROM import.missing_columns(headings, snapshot))
    SELECT coalesce(jsonb_agg(f.finding), '[]')
    FROM (
        SELECT jsonb_build_object('code', 'wrong_definition', 'severity', 'error', 'details',
                   jsonb_build_object('definition', b.slug, 'matched', b.matched)) AS finding
        FROM import.better_definition(headings, snapshot) AS b
        WHERE EXISTS (SELECT FROM missing)
        UNION ALL
        SELECT jsonb_build_object('code', 'column_missing', 'severity', 'error', 'column', m.column_name, 'details',
                   jsonb_strip_nulls(jsonb_build_object('columns', m.columns, 'suggestion', m.suggestion)))
        FROM missing AS m) AS f
$missing_column_findings$;
COMMENT ON FUNCTION import.missing_column_findings(text[], jsonb) IS 'The findings about columns that a file must have and has not';
REVOKE ALL ON FUNCTION import.missing_column_findings(text[], jsonb) FROM PUBLIC;

-- columns and names have an element per heading: the column of the upload table (NULL: left out) and what findings call it.
CREATE OR REPLACE FUNCTION import.match_headings(
    headings text[], snapshot jsonb, OUT matched integer, OUT columns text[], OUT names text[], OUT findings jsonb, OUT refused boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $match_headings$
DECLARE
    -- What a downloaded data table has beside the columns of the file.
    of_reports CONSTANT text[] := '{row_id,source_line,founding_row_id,operation,action,state,batch_seq,errors,warnings,merge_status}';
    is_strict CONSTANT boolean := coalesce(snapshot #>> '{import_definition,unknown_columns}' = 'refuse', false);
    found jsonb;
BEGIN
    SELECT count(h.column_name), array_agg(h.column_name ORDER BY h.place), array_agg(coalesce(h.finding_name, h.heading) ORDER BY h.place)
    INTO matched, columns, names
    FROM import.heading_matches(headings, snapshot) AS h;
    IF matched = 0 THEN
        findings := '[]';
        refused := false;
        RETURN;
    END IF;

    SELECT jsonb_agg(f.finding ORDER BY f.part, f.place) INTO found
    FROM (
        SELECT 1 AS part, min(h.place) AS place, jsonb_build_object('code', 'header_duplicate', 'severity', 'error', 'column', h.column_name, 'details',
                   jsonb_build_object('name', h.column_name, 'positions', jsonb_agg(h.place ORDER BY h.place))) AS finding
        FROM import.heading_matches(headings, snapshot) AS h
        WHERE h.column_name IS NOT NULL
        GROUP BY h.column_name
        HAVING count(*) > 1
        UNION ALL
        SELECT 4, h.place, jsonb_build_object('code', 'header_normalised', 'severity', 'info', 'column', h.column_name, 'value', h.heading, 'details',
                   jsonb_build_object('name', h.column_name))
        FROM import.heading_matches(headings, snapshot) AS h
        WHERE h.rank > 1
        UNION ALL
        SELECT CASE WHEN is_strict THEN 2 ELSE 3 END, h.place,
               jsonb_build_object('code', CASE WHEN is_strict THEN 'column_unknown' ELSE 'column_ignored' END,
                   'severity', CASE WHEN is_strict THEN 'error' ELSE 'warning' END, 'column', h.heading, 'details',
                   jsonb_strip_nulls(jsonb_build_object('position', h.place, 'suggestion', near.column_name)))
        FROM import.heading_matches(headings, snapshot) AS h
        LEFT JOIN LATERAL (
            SELECT s.column_name
            FROM import.source_headings(snapshot) AS s
            CROSS JOIN LATERAL import.heading_distance(import.heading_key(s.column_name), import.heading_key(h.heading), 2) AS distance
            WHERE distance <= least(2, length(h.heading) / 3) AND s.column_name <> ALL (array_remove(columns, NULL))
            ORDER BY distance, s.column_name
            LIMIT 1) AS near ON true
        WHERE h.column_name IS NULL AND h.heading <> ALL (of_reports)
        AND snapshot #>> '{import_definition,unknown_columns}' IS DISTINCT FROM 'once'
        UNION ALL
        SELECT 3, 0, jsonb_build_object('code', 'columns_ignored', 'severity', 'info', 'details',
                   jsonb_build_object('count', count(*), 'columns', jsonb_agg(h.heading ORDER BY h.place) FILTER (WHERE h.nth <= 20)))
        FROM (SELECT m.heading, m.place, row_number() OVER (ORDER BY m.place) AS nth
              FROM import.heading_matches(headings, snapshot) AS m
              WHERE m.column_name IS NULL AND m.heading <> ALL (of_reports)) AS h
        WHERE snapshot #>> '{import_definition,unknown_columns}' = 'once'
        HAVING count(*) > 0
        UNION ALL
        SELECT 5, 0, jsonb_build_object('code', 'report_columns_ignored', 'severity', 'info', 'details',
                   jsonb_build_object('columns', jsonb_agg(h.heading ORDER BY h.place)))
        FROM import.heading_matches(headings, snapshot) AS h
        WHERE h.column_name IS NULL AND h.heading = ANY (of_reports)
        HAVING count(*) > 0
        UNION ALL
        SELECT 6, 0, jsonb_build_object('code', 'columns_absent', 'severity', 'info', 'details',
                   jsonb_build_object('columns', jsonb_agg(s.column_name)))
        FROM import.source_headings(snapshot) AS s
        WHERE NOT s.is_ignored AND s.column_name <> ALL (array_remove(columns, NULL))
        HAVING count(*) > 0) AS f;
    findings := import.missing_column_findings(headings, snapshot) || coalesce(found, '[]');
    refused := jsonb_path_exists(findings, '$[*] ? (@.severity == "error")');
END
$match_headings$;
COMMENT ON FUNCTION import.match_headings(text[], jsonb) IS
    'Internal: what the headings of a file mean by the snapshot of a definition, what there is to say about them, and whether the file is refused for it';
REVOKE ALL ON FUNCTION import.match_headings(text[], jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION import.explain_headings(headings text[], line bigint, hint_line bigint, snapshot jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $explain_headings$
DECLARE
    findings CONSTANT jsonb := import.missing_column_findings(headings, snapshot);
BEGIN
    -- Headings, only not those of this definition.
    IF hint_line IS NULL AND jsonb_path_exists(findings, '$[*] ? (@.code == "wrong_definition" || exists (@.details.suggestion))') THEN
        RETURN findings;
    END IF;
    RETURN jsonb_build_array(jsonb_build_object('code', 'header_not_found', 'severity', 'error', 'value', left(array_to_string(headings, ','), 200),
        'details', jsonb_strip_nulls(jsonb_build_object('line', hint_line))));
END
$explain_headings$;
COMMENT ON FUNCTION import.explain_headings(text[], bigint, bigint, jsonb) IS
    'Internal: why the first record of a file is no heading; hint_line is a line further down that looks like one';
REVOKE ALL ON FUNCTION import.explain_headings(text[], bigint, bigint, jsonb) FROM PUBLIC;

-- Chunks --------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION import.read_chunk(
    relation regclass, snapshot jsonb, encoding text, delimiter text, header_line bigint, reader bytea, content bytea, is_last boolean,
    OUT next_reader bytea, OUT row_count bigint, OUT bytes bigint, OUT sha256 bytea, OUT refused boolean, OUT findings jsonb, OUT headings text[])
RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_import_read_chunk';
COMMENT ON FUNCTION import.read_chunk(regclass, jsonb, text, text, bigint, bytea, bytea, boolean) IS
    'Internal: writes the rows that the next bytes of a file complete into the upload table; returns where the reading stands, what was found in the file as a whole, whether it is refused for that, and its headings when they were read';
REVOKE ALL ON FUNCTION import.read_chunk(regclass, jsonb, text, text, bigint, bytea, bytea, boolean) FROM PUBLIC;

-- Everything that a file has left is gone; the job waits for another one.
CREATE OR REPLACE FUNCTION import.discard_upload(job_id integer)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $discard_upload$
BEGIN
    DELETE FROM import.upload AS u WHERE u.job_id = discard_upload.job_id;
    IF FOUND THEN
        EXECUTE (SELECT format('TRUNCATE import.%I', j.upload_table_name) FROM import.job AS j WHERE j.id = discard_upload.job_id);
    END IF;
END
$discard_upload$;
COMMENT ON FUNCTION import.discard_upload(integer) IS 'Internal: forgets the chunks of a file that is not complete';
REVOKE ALL ON FUNCTION import.discard_upload(integer) FROM PUBLIC;

-- The job that a caller may upload to; nobody else writes to its upload table until the transaction ends. As with a COPY, it
-- takes the file of its user, or of a superuser.
CREATE OR REPLACE FUNCTION import.lock_upload(job_slug text)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $lock_upload$
DECLARE
    caller CONSTANT integer := auth.caller_id();     -- 1: a superuser
    upload_table text;
    owner_id integer;
    found_id integer;
BEGIN
    SELECT format('import.%I', j.upload_table_name), j.user_id INTO upload_table, owner_id FROM import.job AS j WHERE j.slug = job_slug;
    IF NOT FOUND OR to_regclass(upload_table) IS NULL THEN
        RAISE EXCEPTION 'there is no import job "%"', job_slug USING ERRCODE = 'PT404';
    END IF;
    IF caller IS NULL OR caller NOT IN (owner_id, 1) THEN
        RAISE EXCEPTION 'permission denied to upload to import job "%"', job_slug
            USING ERRCODE = 'insufficient_privilege', HINT = 'A job takes the file of its user.';
    END IF;
    -- First the table, then the job, as a COPY does.
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', upload_table);
    SELECT j.id INTO found_id FROM import.job AS j WHERE j.slug = job_slug FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no import job "%"', job_slug USING ERRCODE = 'PT404';
    END IF;
    RETURN found_id;
END
$lock_upload$;
COMMENT ON FUNCTION import.lock_upload(text) IS 'Internal: the job of this name, if the caller may upload to it; others have to wait';
REVOKE ALL ON FUNCTION import.lock_upload(text) FROM PUBLIC;

-- What is answered to a chunk that has been there before; NULL to the next one. Everything else is a conflict.
CREATE OR REPLACE FUNCTION import.repeated_chunk(job_id integer, chunk integer, is_last boolean, hash bytea)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $repeated_chunk$
DECLARE
    state text;
    slug text;
    upload record;
    before record;
BEGIN
    SELECT j.state::text, j.slug INTO STRICT state, slug FROM import.job AS j WHERE j.id = job_id;
    SELECT u.chunks, u.finished_at INTO upload FROM import.upload AS u WHERE u.job_id = repeated_chunk.job_id;
    IF chunk <= coalesce(upload.chunks, 0) THEN
        SELECT c.sha256, c.is_last, c.answer INTO STRICT before
        FROM import.upload_chunk AS c
        WHERE c.job_id = repeated_chunk.job_id AND c.number = chunk;
        IF before.sha256 = hash AND before.is_last = repeated_chunk.is_last THEN
            RETURN before.answer;
        END IF;
        RAISE EXCEPTION 'chunk % of import job "%" has come before, with other bytes', chunk, slug
            USING ERRCODE = 'PT409', DETAIL = format('Expected is chunk %s.', upload.chunks + 1),
                  HINT = 'To send another file, cancel the upload and begin with chunk 1.';
    END IF;
    IF state <> 'waiting_for_upload' OR upload.finished_at IS NOT NULL THEN
        RAISE EXCEPTION 'import job "%" does not wait for an upload', slug
            USING ERRCODE = 'PT409', DETAIL = format('Its state is "%s".', state), HINT = 'Make a new job for another file.';
    END IF;
    IF chunk <> coalesce(upload.chunks, 0) + 1 THEN
        RAISE EXCEPTION 'chunk % of import job "%" does not follow', chunk, slug
            USING ERRCODE = 'PT409', DETAIL = format('Expected is chunk %s.', coalesce(upload.chunks, 0) + 1);
    END IF;
    RETURN NULL;
END
$repeated_chunk$;
COMMENT ON FUNCTION import.repeated_chunk(integer, integer, boolean, bytea) IS
    'Internal: the answer that a chunk has had before; NULL when it is the one that is expected';
REVOKE ALL ON FUNCTION import.repeated_chunk(integer, integer, boolean, bytea) FROM PUBLIC;

-- Reads the next chunk. A file that is refused is not there any more when this returns.
CREATE OR REPLACE FUNCTION import.add_chunk(
    job_id integer, content bytea, is_last boolean, options jsonb, OUT row_count bigint, OUT bytes bigint, OUT sha256 bytea, OUT refused boolean, OUT findings jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = 'warning'
AS $add_chunk$
DECLARE
    upload import.upload;
    job record;
    r record;
    byte_limit CONSTANT bigint := statbus.setting('statbus.upload_limit')::bigint * 1024 * 1024;
BEGIN
    SELECT j.upload_table_name, j.definition_snapshot INTO STRICT job FROM import.job AS j WHERE j.id = add_chunk.job_id;
    SELECT u.* INTO upload FROM import.upload AS u WHERE u.job_id = add_chunk.job_id;
    IF upload.job_id IS NULL THEN
        -- What was said of a file that was refused.
        DELETE FROM import.bad_row AS b WHERE b.job_id = add_chunk.job_id AND b.row_id = 0;
    END IF;
    BEGIN
        IF upload.job_id IS NULL THEN
            EXECUTE format('ALTER TABLE import.%I ADD COLUMN IF NOT EXISTS "statbus:line" bigint, ADD COLUMN IF NOT EXISTS "statbus:findings" jsonb', job.upload_table_name);
            INSERT INTO import.upload (job_id, options) VALUES (add_chunk.job_id, coalesce(add_chunk.options, '{}')) RETURNING * INTO upload;
        END IF;
        bytes := upload.bytes + octet_length(content);
        row_count := upload.row_count;
        IF bytes > byte_limit THEN
            findings := upload.findings || jsonb_build_object('code', 'file_too_big', 'severity', 'error', 'details', jsonb_build_object('limit', byte_limit));
            refused := true;
        ELSE
            r := import.read_chunk(format('import.%I', job.upload_table_name)::regclass, job.definition_snapshot, upload.options ->> 'encoding', upload.options ->> 'delimiter',
                                   (upload.options ->> 'header_line')::bigint, upload.reader, content, is_last);
            row_count := r.row_count;
            findings := upload.findings || r.findings;
            refused := r.refused;
            sha256 := r.sha256;
        END IF;
        IF refused THEN
            -- The upload table is again as a COPY expects it, if this was the first chunk.
            RAISE EXCEPTION 'refused' USING ERRCODE = 'SB422';
        END IF;
        UPDATE import.upload AS u
        SET chunks = u.chunks + 1, bytes = add_chunk.bytes, row_count = add_chunk.row_count, findings = add_chunk.findings,
            headings = coalesce(r.headings, u.headings), reader = r.next_reader, sha256 = add_chunk.sha256, finished_at = CASE WHEN is_last THEN clock_timestamp() END
        WHERE u.job_id = add_chunk.job_id;
    EXCEPTION
        WHEN SQLSTATE 'SB422' THEN
            PERFORM import.discard_upload(job_id);
    END;
END
$add_chunk$;
COMMENT ON FUNCTION import.add_chunk(integer, bytea, boolean, jsonb) IS 'Internal: takes the next chunk of a file, or forgets the file because it is none of its kind';
REVOKE ALL ON FUNCTION import.add_chunk(integer, bytea, boolean, jsonb) FROM PUBLIC;

-- DEFINER: chunks are written by no role; who uploads need not be who may write jobs
CREATE OR REPLACE FUNCTION import.upload_chunk(
    job_slug text, chunk integer, is_last boolean, content bytea, sha256 text DEFAULT NULL, options jsonb DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $upload_chunk$
DECLARE
    bytes_at_once CONSTANT integer := 64 * 1024 * 1024;
    hash CONSTANT bytea := sha256(content);
    this_job integer;
    answer jsonb;
    r record;
BEGIN
    IF num_nulls(job_slug, chunk, is_last, content) > 0 OR chunk < 1 THEN
        RAISE EXCEPTION 'a chunk has a job, a number from 1 and bytes, and is the last or not' USING ERRCODE = 'PT400';
    END IF;
    IF octet_length(content) > bytes_at_once THEN
        RAISE EXCEPTION 'the chunk has % bytes', octet_length(content)
            USING ERRCODE = 'PT413', HINT = format('Send the file in chunks of at most %s bytes.', bytes_at_once);
    END IF;
    IF lower(upload_chunk.sha256) <> encode(hash, 'hex') THEN
        RAISE EXCEPTION 'the bytes of chunk % are not those of its hash', chunk USING ERRCODE = 'PT400', HINT = 'Send it again.';
    END IF;
    this_job := import.lock_upload(job_slug);
    answer := import.repeated_chunk(this_job, chunk, is_last, hash);
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;

    r := import.add_chunk(this_job, content, is_last, options);
    answer := jsonb_build_object('job', job_slug, 'chunk', chunk, 'bytes', r.bytes, 'rows', r.row_count, 'complete', is_last AND NOT r.refused);
    IF r.refused OR is_last THEN
        r.findings := r.findings || coalesce(
            (SELECT jsonb_build_array(jsonb_build_object('code', 'file_already_imported', 'severity', 'warning', 'details',
                        jsonb_build_object('job', j.slug, 'time', u.finished_at, 'sha256', encode(u.sha256, 'hex'))))
             FROM import.upload AS u
             JOIN import.job AS j ON j.id = u.job_id
             WHERE u.sha256 = r.sha256 AND u.job_id <> this_job AND NOT r.refused
             ORDER BY u.finished_at
             LIMIT 1), '[]');
        answer := answer || jsonb_build_object('findings', r.findings);
        IF r.findings <> '[]' THEN
            INSERT INTO import.bad_row (job_id, row_id, findings) VALUES (this_job, 0, r.findings);
        END IF;
    END IF;
    IF r.refused THEN
        RETURN answer || '{"rows": 0, "refused": true}';
    END IF;
    IF is_last THEN
        answer := answer || jsonb_build_object('sha256', encode(r.sha256, 'hex'));
        PERFORM import.note_absent_columns(this_job);
        PERFORM import.complete_upload(this_job, r.row_count);
    END IF;
    INSERT INTO import.upload_chunk (job_id, number, bytes, sha256, is_last, answer)
    VALUES (this_job, chunk, octet_length(content), hash, is_last, answer);
    RETURN answer;
END
$upload_chunk$;
COMMENT ON FUNCTION import.upload_chunk(text, integer, boolean, bytea, text, jsonb) IS
    'Takes chunk n of the file of an import job, and says how far it has come; "refused": true and findings when the file cannot be read, and then the job waits for another one.  options of chunk 1: encoding, delimiter, header_line';
REVOKE ALL ON FUNCTION import.upload_chunk(text, integer, boolean, bytea, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.upload_chunk(text, integer, boolean, bytea, text, jsonb) TO authenticated;

-- DEFINER: as import.upload_chunk
CREATE OR REPLACE FUNCTION import.cancel_upload(job_slug text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $cancel_upload$
DECLARE
    this_job CONSTANT integer := import.lock_upload(job_slug);
BEGIN
    IF EXISTS (SELECT FROM import.job AS j WHERE j.id = this_job AND j.state <> 'waiting_for_upload') THEN
        RAISE EXCEPTION 'import job "%" does not wait for an upload', job_slug
            USING ERRCODE = 'PT409', HINT = 'Its file is complete: reject the job instead.';
    END IF;
    PERFORM import.discard_upload(this_job);
END
$cancel_upload$;
COMMENT ON FUNCTION import.cancel_upload(text) IS 'Forgets the chunks of a file that is not complete: the next one is chunk 1';
REVOKE ALL ON FUNCTION import.cancel_upload(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.cancel_upload(text) TO authenticated;

-- Over HTTP -----------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION import.upload_request(content bytea)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $upload_request$
DECLARE
    job CONSTANT text := auth.request_header('statbus-job');
    chunk CONSTANT text := auth.request_header('statbus-chunk');
    last CONSTANT text := lower(auth.request_header('statbus-last'));
    hash CONSTANT text := auth.request_header('statbus-sha256');
    header_line CONSTANT text := auth.request_header('statbus-header-line');
    answer jsonb;
BEGIN
    PERFORM auth.refuse_get();
    IF job IS NULL OR chunk IS NULL OR chunk !~ '^[0-9]{1,9}$' OR last IS NULL OR last NOT IN ('true', 'false')
        OR hash !~ '^[0-9A-Fa-f]{64}$' OR header_line !~ '^[0-9]{1,9}$' THEN
        RAISE EXCEPTION 'Bad Request' USING
            ERRCODE = 'PT400', HINT = 'Headers are Statbus-Job: <slug>, Statbus-Chunk: <number from 1> and Statbus-Last: true or false; if you like Statbus-Sha256: <of the chunk, in hex>, and with chunk 1 Statbus-Encoding, Statbus-Delimiter and Statbus-Header-Line.';
    END IF;
    answer := import.upload_chunk(job, chunk::integer, last::boolean, coalesce(content, ''), hash, jsonb_strip_nulls(jsonb_build_object(
        'encoding', auth.request_header('statbus-encoding'), 'delimiter', auth.request_header('statbus-delimiter'), 'header_line', header_line::integer)));
    IF answer ? 'refused' THEN
        PERFORM auth.respond(422);
    END IF;
    RETURN answer;
END
$upload_request$;
COMMENT ON FUNCTION import.upload_request(bytea) IS 'A request with a chunk of a file: import.upload_chunk() by its headers';
REVOKE ALL ON FUNCTION import.upload_request(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.upload_request(bytea) TO authenticated;

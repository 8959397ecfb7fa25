-- temporal.merge against an oracle that knows nothing but cells: random timelines over an axis of twelve cells, every cell worked out
-- by itself with plain aggregates, equal neighbours joined by counting, the status of every source row predicted as well.
-- The axis is only numbers; what bound a number stands for (a date before Christ, infinity, an exclusive number …) is a matter of the type.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
SET timezone = 'UTC';
CREATE SCHEMA tmerge_oracle;
SET search_path = tmerge_oracle, public;

-- Cell c lasts from bound c to bound c + 1; `low` and `high` are how a range writes bound c as its start and as its end.
CREATE TABLE axis (kind text, bound integer, low text, high text, PRIMARY KEY (kind, bound));
INSERT INTO axis SELECT 'daterange', o - 1, coalesce('[' || b, '('), coalesce(b || ')', ')')
FROM unnest(ARRAY[NULL, '-infinity', '"0044-03-15 BC"', '0001-01-01', '2023-12-31', '2024-01-01', '2024-01-02', '2024-02-29', '9999-12-31', '10000-01-01',
    '11000-07-01', 'infinity', NULL]) WITH ORDINALITY AS u(b, o);
INSERT INTO axis SELECT 'tstzrange', o - 1, coalesce('[' || b, '('), coalesce(b || ')', ')')
FROM unnest(ARRAY[NULL, '-infinity', '"0044-03-15 00:00:00+00 BC"', '"0001-01-01 00:00:00+00"', '"2023-12-31 23:59:59.999999+00"', '"2024-01-01 00:00:00+00"',
    '"2024-01-01 00:00:00.000001+00"', '"2024-02-29 12:00:00+00"', '"9999-12-31 23:59:59+00"', '"10000-01-01 00:00:00+00"', '"11000-07-01 00:00:00+00"', 'infinity', NULL])
    WITH ORDINALITY AS u(b, o);
INSERT INTO axis SELECT 'int4range', o - 1, coalesce('[' || b, '('), coalesce(b || ')', ')')
FROM unnest(ARRAY[NULL, -2147483648, -10, -9, 0, 1, 2, 3, 9, 10, 100, 2147483646, NULL]) WITH ORDINALITY AS u(b, o);
-- a number can be a start or an end with itself inside or outside: "before x" and "after x" are two bounds
INSERT INTO axis SELECT 'numrange', o - 1, coalesce(CASE WHEN b LIKE '%+' THEN '(' ELSE '[' END || rtrim(b, '+'), '('),
    coalesce(rtrim(b, '+') || CASE WHEN b LIKE '%+' THEN ']' ELSE ')' END, ')')
FROM unnest(ARRAY[NULL, '-1000000000000000000000000', '-1.5', '-1.5+', '0', '0+', '0.000000000000000000001', '1', '1+', '9.9', '10', '10+', NULL]) WITH ORDINALITY AS u(b, o);

-- The timelines, in cells, from hashes (OFFSET 0: one hash per row). Some twelfth of the source rows has no or an empty period.
CREATE TABLE old_slice (ent integer, f integer, u integer, ssn text, emp text, a integer, b text, n integer, d integer, z integer, note text);
CREATE TABLE source_row (row_id bigint PRIMARY KEY, founding integer, id integer, f integer, u integer, bad text, ssn text, emp text, a integer, b text, n integer, d integer, note text);
CREATE PROCEDURE draw(seed text, entities integer, identified_by text) LANGUAGE plpgsql AS $draw$
BEGIN
    TRUNCATE old_slice, source_row;
    INSERT INTO old_slice
    SELECT w.e, w.u - w.len, least(w.u, 12), CASE WHEN get_byte(x, 3) % 6 > 0 THEN 'S' || w.e END, CASE WHEN get_byte(x, 4) % 6 > 0 THEN 'E' || w.e END,
        nullif(get_byte(x, 5) % 2, 0), (ARRAY[NULL, '"X"', '"x"', '"x"'])[1 + get_byte(x, 6) % 4], 7 + (get_byte(x, 7) % 4) / 3,
        (ARRAY[NULL, 6, 5, 5, 5])[1 + get_byte(x, 8) % 5], 3 + (get_byte(x, 9) % 6) / 5, 'old ' || k
    FROM (
        SELECT v.*, 1 + get_byte(x, 2) % 3 AS len, sum(get_byte(x, 1) % 5 / 3 + 1 + get_byte(x, 2) % 3) OVER (PARTITION BY e ORDER BY k) + e % 3 AS u
        FROM (SELECT e, k, sha256((seed || e || 'old' || k)::bytea) AS x FROM generate_series(1, entities) AS e, generate_series(1, 4) AS k WHERE e % 5 > 0 OFFSET 0) AS v) AS w
    WHERE w.u - w.len < 12 AND get_byte(x, 10) % 6 > 0;
    INSERT INTO source_row
    SELECT w.e * 10 + row_number() OVER (PARTITION BY w.e ORDER BY get_byte(x, 0), w.k),
        CASE WHEN get_byte(x, 15) % 8 > 0 THEN w.e * 10 + get_byte(x, 15) % 2 END,
        CASE WHEN identified_by = 'id' OR get_byte(x, 11) % 4 = 0 THEN w.e END, w.f, least(w.f + 1 + get_byte(x, 2) % 5, 12),
        (ARRAY['null', 'empty'])[1 + get_byte(x, 12) % 24],
        CASE WHEN identified_by = 'full natural' OR get_byte(x, 3) % 3 > 0 THEN 'S' || w.e END,
        CASE WHEN identified_by = 'full natural' THEN 'E' || w.e WHEN get_byte(x, 4) % 3 > 0 THEN 'E' || w.e + (get_byte(x, 13) = 0)::integer END,
        nullif(get_byte(x, 5) % 3, 0), (ARRAY[NULL, '"X"', '"x"', '"x"'])[1 + get_byte(x, 6) % 4], nullif(6 + get_byte(x, 7) % 3, 6),
        (ARRAY[NULL, 6, 5, 5, 5])[1 + get_byte(x, 8) % 5], CASE WHEN get_byte(x, 9) % 3 > 0 THEN 'new ' || w.k END
    FROM (SELECT e, k, x, get_byte(x, 1) % 12 AS f FROM (
        SELECT e, k, sha256((seed || e || 'new' || k)::bytea) AS x FROM generate_series(1, entities) AS e, generate_series(1, 5) AS k WHERE e % 7 > 0 OFFSET 0) AS v) AS w
    WHERE get_byte(x, 10) % 5 > 1
    ORDER BY get_byte(x, 14), w.e, w.k;
    ANALYZE old_slice, source_row;
END
$draw$;

-- What each source row is: its entity (of a new one: minus its smallest row), or what is wrong with it.
CREATE TABLE who (row_id bigint PRIMARY KEY, ent integer, known boolean, wrong boolean);
CREATE TABLE candidate (row_id bigint, ent integer);
CREATE PROCEDURE identify(identified_by text) LANGUAGE plpgsql AS $identify$
BEGIN
    TRUNCATE who, candidate;
    -- a given id is believed; otherwise each key is looked up in the target and among the rows that give an id
    IF identified_by LIKE '%natural' THEN
        INSERT INTO candidate
        SELECT s.row_id, o.ent FROM source_row AS s JOIN old_slice AS o ON o.ssn = s.ssn WHERE s.id IS NULL UNION
        SELECT s.row_id, o.ent FROM source_row AS s JOIN old_slice AS o ON o.emp = s.emp WHERE s.id IS NULL UNION
        SELECT s.row_id, o.id FROM source_row AS s JOIN source_row AS o ON o.ssn = s.ssn WHERE s.id IS NULL AND o.id IS NOT NULL UNION
        SELECT s.row_id, o.id FROM source_row AS s JOIN source_row AS o ON o.emp = s.emp WHERE s.id IS NULL AND o.id IS NOT NULL;
    END IF;
    INSERT INTO who
    WITH found AS (SELECT row_id, min(ent) AS ent, count(*) AS n FROM candidate GROUP BY row_id)
    SELECT s.row_id, coalesce(s.id, CASE WHEN f.n = 1 THEN f.ent END), s.id IS NOT NULL OR coalesce(f.n = 1, false),
        s.id IS NULL AND (coalesce(f.n > 1, false) OR identified_by LIKE '%natural' AND s.ssn IS NULL AND s.emp IS NULL) OR s.bad IS NOT NULL
    FROM source_row AS s LEFT JOIN found AS f USING (row_id);
    ANALYZE who;
    -- new entities: rows that share a key, also through others; or the founding number; or the row itself
    IF identified_by LIKE '%natural' THEN
        WITH RECURSIVE fresh AS MATERIALIZED (SELECT s.row_id, s.ssn, s.emp FROM source_row AS s JOIN who AS w USING (row_id) WHERE NOT w.known AND NOT w.wrong),
        link AS MATERIALIZED (SELECT x.row_id AS x, y.row_id AS y FROM fresh AS x JOIN fresh AS y ON y.ssn = x.ssn UNION
            SELECT x.row_id, y.row_id FROM fresh AS x JOIN fresh AS y ON y.emp = x.emp),
        reach AS (SELECT x, y FROM link UNION SELECT r.x, l.y FROM reach AS r JOIN link AS l ON l.x = r.y)
        UPDATE who AS w SET ent = -r.label FROM (SELECT x, min(y) AS label FROM reach GROUP BY x) AS r WHERE r.x = w.row_id;
    ELSE
        UPDATE who AS w SET ent = -r.label
        FROM (SELECT row_id, CASE WHEN s.founding IS NULL THEN row_id ELSE min(row_id) OVER (PARTITION BY s.founding) END AS label
            FROM source_row AS s JOIN who AS v USING (row_id) WHERE NOT v.known AND NOT v.wrong) AS r WHERE r.row_id = w.row_id;
    END IF;
END
$identify$;

-- What must come out: slices and statuses.
CREATE TABLE expected_slice (ent integer, f integer, u integer, ssn text, emp text, a integer, b text, n integer, d integer, z integer, note text, kept boolean);
CREATE TABLE expected_status (row_id bigint PRIMARY KEY, status text);
CREATE PROCEDURE expect(mode temporal.merge_mode, delete_mode temporal.merge_delete_mode, identified_by text) LANGUAGE plpgsql AS $expect$
DECLARE
    patches boolean := mode::text LIKE '%PATCH%';
    upserts boolean := mode IN ('MERGE_ENTITY_UPSERT', 'UPDATE_FOR_PORTION_OF');
    portions boolean := mode::text LIKE '%PORTION%';
    drops_time boolean := delete_mode::text LIKE '%TIMELINE%';
    drops_entities boolean := delete_mode::text LIKE '%ENTITIES%';
BEGIN
    TRUNCATE expected_slice, expected_status;
    -- rows that are out of the game before time is looked at
    INSERT INTO expected_status
    SELECT w.row_id, CASE WHEN w.wrong THEN 'ERROR' WHEN mode = 'INSERT_NEW_ENTITIES' AND o.ent IS NOT NULL THEN 'SKIPPED_FILTERED'
        WHEN portions AND o.ent IS NULL THEN 'SKIPPED_NO_TARGET' END
    FROM who AS w LEFT JOIN (SELECT DISTINCT ent FROM old_slice) AS o USING (ent);
    -- the others; those of a new entity found by natural keys complete each other's keys, newer ones first
    DROP TABLE IF EXISTS good, cell, result_cell;
    CREATE TEMP TABLE good AS
    SELECT s.row_id, s.f, s.u, s.a, s.b, s.n, s.d, s.note, w.ent, CASE WHEN w.known OR identified_by NOT LIKE '%natural' THEN s.ssn ELSE coalesce(s.ssn, k.ssn) END AS ssn,
        CASE WHEN w.known OR identified_by NOT LIKE '%natural' THEN s.emp ELSE coalesce(s.emp, k.emp) END AS emp
    FROM source_row AS s JOIN who AS w USING (row_id) JOIN expected_status AS x USING (row_id) JOIN (
        SELECT w.ent, (array_agg(s.ssn ORDER BY row_id DESC) FILTER (WHERE s.ssn IS NOT NULL))[1] AS ssn,
            (array_agg(s.emp ORDER BY row_id DESC) FILTER (WHERE s.emp IS NOT NULL))[1] AS emp
        FROM source_row AS s JOIN who AS w USING (row_id) JOIN expected_status AS x USING (row_id) WHERE x.status IS NULL GROUP BY w.ent) AS k ON k.ent = w.ent
    WHERE x.status IS NULL;
    -- each good row in each of its cells. A row that is nowhere the newest counts for nothing, except in a patch
    CREATE TEMP TABLE cell AS
    SELECT v.*, bool_or(newest) OVER (PARTITION BY row_id) AS seen
    FROM (SELECT g.*, c, row_id = max(row_id) OVER (PARTITION BY ent, c) AS newest FROM good AS g, generate_series(g.f, g.u - 1) AS c) AS v;
    -- each cell of the entities that have good rows: newest values, newest values that are not NULL, old values
    CREATE TEMP TABLE result_cell AS
    SELECT ent, c, s.ent IS NOT NULL AS has_source, o.ent IS NOT NULL AS has_target,
        CASE WHEN s.ent IS NULL THEN o.ssn WHEN patches THEN coalesce(s.some_ssn, o.ssn) ELSE s.new_ssn END AS ssn,
        CASE WHEN s.ent IS NULL THEN o.emp WHEN patches THEN coalesce(s.some_emp, o.emp) ELSE s.new_emp END AS emp,
        CASE WHEN s.ent IS NULL THEN o.a WHEN patches THEN coalesce(s.some_a, o.a) ELSE s.new_a END AS a,
        CASE WHEN s.ent IS NULL THEN o.b WHEN patches THEN coalesce(s.some_b, o.b) ELSE s.new_b END AS b,
        CASE WHEN s.ent IS NULL THEN o.n WHEN patches OR upserts THEN coalesce(s.some_n, o.n, 7) ELSE coalesce(s.new_n, 7) END AS n,
        CASE WHEN s.ent IS NULL THEN o.d WHEN NOT (patches OR upserts) THEN s.new_d WHEN o.ent IS NULL THEN coalesce(s.some_d, 5) ELSE coalesce(s.some_d, o.d) END AS d,
        CASE WHEN s.ent IS NULL OR (patches OR upserts) AND o.ent IS NOT NULL THEN o.z ELSE 3 END AS z,
        CASE WHEN s.ent IS NULL THEN o.note WHEN patches THEN coalesce(s.some_note, o.note) ELSE s.new_note END AS note
    FROM (
        SELECT ent, c, (array_agg(ssn ORDER BY row_id DESC))[1] AS new_ssn, (array_agg(ssn ORDER BY row_id DESC) FILTER (WHERE ssn IS NOT NULL))[1] AS some_ssn,
            (array_agg(emp ORDER BY row_id DESC))[1] AS new_emp, (array_agg(emp ORDER BY row_id DESC) FILTER (WHERE emp IS NOT NULL))[1] AS some_emp,
            (array_agg(a ORDER BY row_id DESC))[1] AS new_a, (array_agg(a ORDER BY row_id DESC) FILTER (WHERE a IS NOT NULL))[1] AS some_a,
            (array_agg(b ORDER BY row_id DESC))[1] AS new_b, (array_agg(b ORDER BY row_id DESC) FILTER (WHERE b IS NOT NULL))[1] AS some_b,
            (array_agg(n ORDER BY row_id DESC))[1] AS new_n, (array_agg(n ORDER BY row_id DESC) FILTER (WHERE n IS NOT NULL))[1] AS some_n,
            (array_agg(d ORDER BY row_id DESC))[1] AS new_d, (array_agg(d ORDER BY row_id DESC) FILTER (WHERE d IS NOT NULL))[1] AS some_d,
            (array_agg(note ORDER BY row_id DESC))[1] AS new_note, (array_agg(note ORDER BY row_id DESC) FILTER (WHERE note IS NOT NULL))[1] AS some_note
        FROM cell WHERE patches OR seen GROUP BY ent, c) AS s
    FULL JOIN (SELECT o.*, c FROM old_slice AS o, generate_series(o.f, o.u - 1) AS c WHERE ent IN (SELECT g.ent FROM good AS g)) AS o USING (ent, c)
    WHERE CASE WHEN mode = 'DELETE_FOR_PORTION_OF' THEN s.ent IS NULL WHEN portions THEN o.ent IS NOT NULL WHEN drops_time THEN s.ent IS NOT NULL ELSE true END;
    -- equal neighbours are one slice, with the last one's note; a slice that was there with these very columns stays as it was
    INSERT INTO expected_slice
    SELECT r.ent, r.f, r.u, r.ssn, r.emp, r.a, r.b, r.n, r.d, r.z, CASE WHEN o.ent IS NULL THEN r.note ELSE o.note END, o.ent IS NOT NULL
    FROM (
        SELECT ent, min(c) AS f, max(c) + 1 AS u, ssn, emp, a, b, n, d, z, (array_agg(note ORDER BY c DESC))[1] AS note
        FROM (SELECT *, count(*) FILTER (WHERE first) OVER (PARTITION BY ent ORDER BY c) AS run
            FROM (SELECT *, coalesce(lag(c) OVER w <> c - 1 OR lag(ROW(ssn, emp, a, b, n, d, z)) OVER w IS DISTINCT FROM ROW(ssn, emp, a, b, n, d, z), true) AS first
                FROM result_cell WINDOW w AS (PARTITION BY ent ORDER BY c)) AS x) AS y
        GROUP BY ent, run, ssn, emp, a, b, n, d, z) AS r
    LEFT JOIN old_slice AS o ON o.ent = r.ent AND o.f = r.f AND o.u = r.u AND ROW(o.ssn, o.emp, o.a, o.b, o.n, o.d, o.z) IS NOT DISTINCT FROM ROW(r.ssn, r.emp, r.a, r.b, r.n, r.d, r.z);
    -- entities without good rows stay, unless the source must mention them; a row in error mentions its entity too, an ambiguous one all of them
    INSERT INTO expected_slice SELECT o.*, true FROM old_slice AS o
    WHERE ent NOT IN (SELECT g.ent FROM good AS g) AND (NOT drops_entities OR ent IN (SELECT w.ent FROM who AS w WHERE w.ent IS NOT NULL UNION SELECT c.ent FROM candidate AS c));
    -- applied: a slice that it went into is not one that was there
    UPDATE expected_status AS x SET status = y.status FROM (
        SELECT c.row_id, CASE WHEN NOT patches AND NOT bool_or(c.newest) THEN 'SKIPPED_ECLIPSED'
            WHEN portions AND NOT bool_or(o.ent IS NOT NULL) THEN 'SKIPPED_NO_TARGET'
            WHEN mode = 'DELETE_FOR_PORTION_OF' OR bool_or(NOT e.kept AND (patches OR c.newest)) THEN 'APPLIED' ELSE 'SKIPPED_IDENTICAL' END AS status
        FROM cell AS c LEFT JOIN expected_slice AS e ON e.ent = c.ent AND c.c >= e.f AND c.c < e.u
        LEFT JOIN old_slice AS o ON o.ent = c.ent AND c.c >= o.f AND c.c < o.u GROUP BY c.row_id) AS y
    WHERE y.row_id = x.row_id;
END
$expect$;

CREATE FUNCTION relation(xf integer, xu integer, yf integer, yu integer) RETURNS text LANGUAGE sql IMMUTABLE AS $relation$
    SELECT CASE WHEN xu < yf THEN 'precedes' WHEN xu = yf THEN 'meets' WHEN xf > yu THEN 'preceded_by' WHEN xf = yu THEN 'met_by'
        WHEN xf = yf THEN CASE WHEN xu < yu THEN 'starts' WHEN xu = yu THEN 'equals' ELSE 'started_by' END
        WHEN xu = yu THEN CASE WHEN xf < yf THEN 'finished_by' ELSE 'finishes' END
        WHEN xf < yf THEN CASE WHEN xu > yu THEN 'contains' ELSE 'overlaps' END
        ELSE CASE WHEN xu < yu THEN 'during' ELSE 'overlapped_by' END END
$relation$;

-- One call with all timelines against what is expected, and the same call again.
CREATE TABLE verdict (no serial, mode temporal.merge_mode, delete_mode temporal.merge_delete_mode, kind text, b_type text, identified_by text, entities integer,
    source_rows integer, slices integer, wrong_slices integer, wrong_statuses integer, wrong_entities integer, written_twice integer);
CREATE TABLE coverage (what text, n bigint);
CREATE TABLE drawn (seed text);
CREATE PROCEDURE try(mode temporal.merge_mode, delete_mode temporal.merge_delete_mode, kind text, b_type text, identified_by text, entities integer)
LANGUAGE plpgsql AS $try$
DECLARE
    keys jsonb := CASE WHEN identified_by LIKE '%natural' THEN '[["ssn"], ["emp"]]' ELSE '[]' END;
    founding name := CASE WHEN identified_by = 'founding' THEN 'founding' END;
    fresh boolean;
    v verdict;
BEGIN
    -- the delete modes of one mode see the same timelines
    fresh := NOT EXISTS (SELECT FROM drawn WHERE seed = concat_ws('/', mode, kind, b_type, identified_by));
    IF fresh THEN
        DELETE FROM drawn;
        INSERT INTO drawn VALUES (concat_ws('/', mode, kind, b_type, identified_by));
        CALL draw(concat_ws('/', mode, kind, b_type, identified_by), entities, identified_by);
        CALL identify(identified_by);
    END IF;
    CALL expect(mode, delete_mode, identified_by);
    DROP TABLE IF EXISTS t, s, answer, was;
    EXECUTE format('CREATE TABLE t (id integer GENERATED BY DEFAULT AS IDENTITY (START 1000000), ssn text, emp text, a integer, b %s, n integer NOT NULL DEFAULT 7,'
        ' d integer DEFAULT 5, z integer DEFAULT 3, note text, valid_range %s NOT NULL)', b_type, kind);
    EXECUTE format('INSERT INTO t SELECT o.ent, o.ssn, o.emp, o.a, o.b::%s, o.n, o.d, o.z, o.note, (f.low || '','' || u.high)::%s'
        ' FROM old_slice AS o JOIN axis AS f ON f.kind = %2$L AND f.bound = o.f JOIN axis AS u ON u.kind = %2$L AND u.bound = o.u ORDER BY o.note, o.ent', b_type, kind);
    EXECUTE format('CREATE TABLE s AS SELECT o.row_id, o.founding, o.id, o.ssn, o.emp, o.a, o.b::%s AS b, o.n, o.d, o.note,'
        ' CASE WHEN o.bad IS NULL THEN (f.low || '','' || u.high)::%s WHEN o.bad = ''empty'' THEN ''empty'' END AS valid_range'
        ' FROM source_row AS o JOIN axis AS f ON f.kind = %2$L AND f.bound = o.f JOIN axis AS u ON u.kind = %2$L AND u.bound = o.u', b_type, kind);
    PERFORM temporal.add_unique('t', '{id}');
    ANALYZE t, s;
    CREATE TABLE answer AS SELECT m.* FROM temporal.merge('t', 's', '{id}', mode, keys, delete_mode, founding_id_column := founding, ephemeral_columns := '{note}') AS m;
    CREATE TABLE was AS SELECT t.ctid AS place, t.xmin::text AS version FROM t;
    v.source_rows := (SELECT count(*) FROM s);
    v.slices := (SELECT count(*) FROM t);
    SELECT count(*) INTO v.wrong_slices FROM (
        SELECT FROM (
            SELECT coalesce(i.id, e.ent) AS id, e.ssn, e.emp, e.a, e.b, e.n, e.d, e.z, e.note, f.low || ',' || u.high AS r, 1 AS side
            FROM expected_slice AS e JOIN axis AS f ON f.kind = try.kind AND f.bound = e.f JOIN axis AS u ON u.kind = try.kind AND u.bound = e.u
            LEFT JOIN (SELECT DISTINCT w.ent, (a.entity ->> 'id')::integer AS id FROM answer AS a JOIN who AS w USING (row_id) WHERE w.ent < 0) AS i ON i.ent = e.ent
            UNION ALL SELECT t.id, t.ssn, t.emp, t.a, t.b::text, t.n, t.d, t.z, t.note, t.valid_range::text, 2 FROM t) AS x
        GROUP BY id, ssn, emp, a, b, n, d, z, note, r HAVING count(*) <> 2 OR min(side) = max(side)) AS y;
    v.wrong_statuses := (SELECT count(*) FROM answer AS a FULL JOIN expected_status AS e USING (row_id) WHERE a.status::text IS DISTINCT FROM e.status
        OR (a.status = 'ERROR') IS DISTINCT FROM (a.message IS NOT NULL)) + (SELECT count(*) - count(DISTINCT row_id) FROM answer);
    -- a known entity is named by its id; a new one has one generated id that is nobody else's, or none when it was not made
    v.wrong_entities := (SELECT count(*) FROM answer AS a JOIN who AS w USING (row_id) WHERE CASE WHEN w.known THEN a.entity IS DISTINCT FROM jsonb_build_object('id', w.ent)
            WHEN a.status IN ('ERROR', 'SKIPPED_NO_TARGET') THEN a.entity IS NOT NULL ELSE (a.entity ->> 'id')::integer >= 1000000 IS NOT TRUE END)
        + (SELECT abs(count(DISTINCT w.ent) - count(DISTINCT a.entity)) + count(DISTINCT (w.ent, a.entity)) - count(DISTINCT w.ent)
            FROM answer AS a JOIN who AS w USING (row_id) WHERE w.ent < 0 AND a.entity IS NOT NULL);
    IF fresh THEN
        INSERT INTO coverage
        SELECT 'relation ' || relation(s.f, s.u, o.f, o.u), count(*) FROM source_row AS s JOIN who USING (row_id) JOIN old_slice AS o USING (ent) WHERE NOT wrong GROUP BY 1
        UNION ALL SELECT 'adjacent source rows', count(*) FROM source_row AS s JOIN who USING (row_id) JOIN (source_row AS s2 JOIN who AS w2 USING (row_id)) ON w2.ent = who.ent AND s2.f = s.u
        UNION ALL SELECT 'three and more source rows in a cell', count(*) FROM (SELECT FROM cell GROUP BY ent, c HAVING count(*) > 2) AS c
        UNION ALL SELECT 'unbounded start', count(*) FROM source_row WHERE f = 0 UNION ALL SELECT 'unbounded end', count(*) FROM source_row WHERE u = 12
        UNION ALL SELECT 'infinity or the type''s last value', count(*) FROM source_row WHERE f IN (1, 11) OR u IN (1, 11)
        UNION ALL SELECT 'NULL in a column', count(*) FROM source_row WHERE a IS NULL OR b IS NULL UNION ALL SELECT 'NULL where there is a default', count(*) FROM source_row WHERE n IS NULL OR d IS NULL
        UNION ALL SELECT 'no or empty period', count(*) FROM source_row WHERE bad IS NOT NULL
        UNION ALL SELECT 'entity that is not mentioned', count(*) FROM (SELECT ent FROM old_slice EXCEPT SELECT ent FROM who) AS g
        UNION ALL SELECT 'gap in a timeline', count(*) FROM (SELECT lead(f) OVER (PARTITION BY ent ORDER BY f) > u AS gap FROM old_slice) AS o WHERE gap
        UNION ALL SELECT 'found by a natural key', count(*) FROM source_row AS s JOIN who AS w USING (row_id) WHERE s.id IS NULL AND w.known
        UNION ALL SELECT 'ambiguous or without any key', count(*) FROM source_row AS s JOIN who AS w USING (row_id) WHERE s.bad IS NULL AND w.wrong
        UNION ALL SELECT 'new entity of several rows, by ' || identified_by, count(*) FROM (SELECT FROM who WHERE ent < 0 GROUP BY ent HAVING count(*) > 1) AS g HAVING identified_by <> 'id'
        UNION ALL SELECT 'new entity with a given id', count(DISTINCT ent) FROM who AS w WHERE known AND NOT EXISTS (SELECT FROM old_slice AS o WHERE o.ent = w.ent);
    END IF;
    INSERT INTO coverage
    SELECT 'status ' || e.status, count(*) FROM expected_status AS e GROUP BY 1
    UNION ALL SELECT 'slice that stays', count(*) FROM expected_slice WHERE kept UNION ALL SELECT 'slice that is new or changed', count(*) FROM expected_slice WHERE NOT kept
    UNION ALL SELECT 'slices that become one', count(*) FROM (SELECT FROM expected_slice AS e JOIN old_slice AS o ON o.ent = e.ent AND o.f >= e.f AND o.u <= e.u GROUP BY e.ent, e.f HAVING count(*) > 1) AS j
    UNION ALL SELECT 'slice in three and more pieces', count(*) FROM (SELECT FROM old_slice AS o JOIN expected_slice AS e ON o.ent = e.ent AND e.f >= o.f AND e.u <= o.u GROUP BY o.ent, o.f HAVING count(*) > 2) AS j
    UNION ALL SELECT 'entity that goes', count(*) FROM (SELECT ent FROM old_slice EXCEPT SELECT ent FROM expected_slice) AS g;
    -- again: nothing, where every row still says who it is
    IF identified_by IN ('id', 'full natural') THEN
        v.written_twice := (SELECT count(*) FILTER (WHERE m.status = 'APPLIED')
            FROM temporal.merge('t', 's', '{id}', mode, keys, delete_mode, founding_id_column := founding, ephemeral_columns := '{note}') AS m)
            + (SELECT count(*) FROM was FULL JOIN t ON t.ctid = was.place AND t.xmin::text = was.version WHERE t.ctid IS NULL OR was.place IS NULL);
    END IF;
    INSERT INTO verdict (mode, delete_mode, kind, b_type, identified_by, entities, source_rows, slices, wrong_slices, wrong_statuses, wrong_entities, written_twice)
    VALUES (mode, delete_mode, kind, b_type, identified_by, entities, v.source_rows, v.slices, v.wrong_slices, v.wrong_statuses, v.wrong_entities, v.written_twice);
END
$try$;

\echo ** 10,000 timelines for each mode and delete mode
SELECT format('CALL try(%L, %L, %L, %L, %L, 10000)', m, d, 'daterange', 'text', 'id')
FROM unnest(enum_range(NULL::temporal.merge_mode)) AS m, unnest(enum_range(NULL::temporal.merge_delete_mode)) AS d WHERE d = 'NONE' OR m::text LIKE 'MERGE%' ORDER BY m, d \gexec
\echo ** entities by natural keys, by founding numbers; other range types and payload types
SELECT format('CALL try(%L, %L, %L, %L, %L, 1000)', m, d, 'daterange', 'text', i)
FROM unnest(enum_range(NULL::temporal.merge_mode)) AS m, unnest(enum_range(NULL::temporal.merge_delete_mode)) AS d, unnest('{natural,full natural,founding}'::text[]) AS i
WHERE d IN ('NONE', 'DELETE_MISSING_TIMELINE_AND_ENTITIES') AND (d = 'NONE' OR m::text LIKE 'MERGE%') ORDER BY i, m, d \gexec
SELECT format('CALL try(%L, %L, %L, %L, %L, 500)', m, 'NONE', k, b, 'id')
FROM unnest(enum_range(NULL::temporal.merge_mode)) AS m, unnest('{int4range,numrange,tstzrange}'::text[], '{jsonb,citext,json}'::text[]) AS u(k, b) ORDER BY k, m \gexec
SELECT mode, delete_mode, kind, b_type AS b, identified_by, entities, source_rows, slices, wrong_slices, wrong_statuses, wrong_entities, written_twice FROM verdict ORDER BY no;
\echo ** what the timelines covered; none may be 0
SELECT what, sum(n) AS n FROM coverage GROUP BY what ORDER BY what COLLATE "C";
SET client_min_messages = error;
DROP SCHEMA tmerge_oracle CASCADE;

-- 200,000 rows that each split a slice in three, of 1 M slices of 100 k entities, beside an INSERT of as many rows into that table.
-- needs: temporal.merge
-- run: insert
-- run: patch
-- run: portion
-- run: replace
-- run: by_hand
-- run: insert_apart
-- run: patch_apart
-- run: portion_apart
-- ratio: 200,000 PATCH rows that split slices, ten of an entity | temporal.merge | patch / insert | <= 5
-- ratio: 200,000 PATCH_FOR_PORTION_OF rows that split slices, ten of an entity | temporal.merge | portion / insert | <= 4
-- ratio: 200,000 REPLACE rows that split slices, ten of an entity | temporal.merge | replace / insert |
-- ratio: 200,000 PATCH rows that split slices, beside the one statement that writes just these 600,000 rows | temporal.merge | patch / by_hand |
-- ratio: 200,000 PATCH rows that split slices, one of an entity that has one slice | temporal.merge | patch_apart / insert_apart | <= 5
-- ratio: 200,000 PATCH_FOR_PORTION_OF rows that split slices, one of an entity that has one slice | temporal.merge | portion_apart / insert_apart | <= 4
\echo == setup
DROP TABLE IF EXISTS source, source_apart, fresh;
CREATE TABLE source (row_id bigint, id int, valid_from date, valid_until date, name text, town text, n int);
INSERT INTO source SELECT row_number() OVER (ORDER BY k, y), k, make_date(y, 3, 1), make_date(y, 9, 1), NULL, 'moved ' || k % 300, 7
FROM generate_series(1, 20000) AS k, generate_series(2010, 2019) AS y;
CREATE TABLE source_apart (row_id bigint, id int, valid_from date, valid_until date, name text, town text, n int);
INSERT INTO source_apart SELECT k, k, '2012-03-01', '2012-09-01', NULL, 'moved ' || k % 300, 7 FROM generate_series(1, 200000) AS k;
CREATE TABLE fresh (id int, valid_from date, valid_until date, name text, town text, n int);
INSERT INTO fresh SELECT 1000000 + k, '2010-01-01', 'infinity', 'name ' || k, 'town ' || k % 400, k % 90 FROM generate_series(1, 200000) AS k;
CREATE OR REPLACE PROCEDURE full_target(entities int, slices int) LANGUAGE plpgsql AS $full_target$
BEGIN
    DROP TABLE IF EXISTS target;
    CREATE TABLE target (
        id integer NOT NULL, valid_from date NOT NULL, valid_until date NOT NULL,
        valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED,
        name text, town text, n int);
    INSERT INTO target (id, valid_from, valid_until, name, town, n)
    SELECT k, make_date(2010 + i, 1, 1), CASE WHEN i = slices - 1 THEN 'infinity' ELSE make_date(2011 + i, 1, 1) END, 'name ' || k, 'town ' || k % 400, i
    FROM generate_series(1, entities) AS k, generate_series(0, slices - 1) AS i;
    ALTER TABLE target ADD PRIMARY KEY (id, valid_from, valid_until);
    PERFORM temporal.add_unique('target', '{id}');
END $full_target$;
\echo == insert: prepare
CALL full_target(100000, 10);
VACUUM ANALYZE target;
\echo == insert
INSERT INTO target (id, valid_from, valid_until, name, town, n) SELECT * FROM fresh;
\echo == patch: prepare
CALL full_target(100000, 10);
VACUUM ANALYZE target;
\echo == patch
SELECT status, count(*) FROM temporal.merge('target', 'source', '{id}') GROUP BY status;
\echo == portion: prepare
CALL full_target(100000, 10);
VACUUM ANALYZE target;
\echo == portion
SELECT status, count(*) FROM temporal.merge('target', 'source', '{id}', 'PATCH_FOR_PORTION_OF') GROUP BY status;
\echo == replace: prepare
CALL full_target(100000, 10);
VACUUM ANALYZE target;
\echo == replace
SELECT status, count(*) FROM temporal.merge('target', 'source', '{id}', 'MERGE_ENTITY_REPLACE') GROUP BY status;
\echo == by_hand: prepare
CALL full_target(100000, 10);
VACUUM ANALYZE target;
VACUUM ANALYZE source;
\echo == by_hand
WITH split AS (
    SELECT t.ctid AS place, t.id, t.valid_until AS until, t.name, t.town, t.n, s.valid_from AS new_from, s.valid_until AS new_until,
        s.town AS new_town, s.n AS new_n
    FROM target AS t JOIN source AS s ON s.id = t.id AND t.valid_from < s.valid_from AND t.valid_until > s.valid_until
), shrunk AS (
    UPDATE target AS t SET valid_until = split.new_from FROM split WHERE t.ctid = split.place
)
INSERT INTO target (id, valid_from, valid_until, name, town, n)
SELECT id, new_from, new_until, name, new_town, new_n FROM split UNION ALL SELECT id, new_until, until, name, town, n FROM split;
\echo == insert_apart: prepare
CALL full_target(200000, 1);
VACUUM ANALYZE target;
\echo == insert_apart
INSERT INTO target (id, valid_from, valid_until, name, town, n) SELECT * FROM fresh;
\echo == patch_apart: prepare
CALL full_target(200000, 1);
VACUUM ANALYZE target;
\echo == patch_apart
SELECT status, count(*) FROM temporal.merge('target', 'source_apart', '{id}') GROUP BY status;
\echo == portion_apart: prepare
CALL full_target(200000, 1);
VACUUM ANALYZE target;
\echo == portion_apart
SELECT status, count(*) FROM temporal.merge('target', 'source_apart', '{id}', 'PATCH_FOR_PORTION_OF') GROUP BY status;

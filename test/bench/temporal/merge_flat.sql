-- The time of a row does not depend on how many a call has: new entities into an empty table, and patches that split slices,
-- ten of an entity, in a table of 1 M slices. Times are those of one call, scaled to the rows of the other.
-- needs: temporal.merge
-- run: new_1000 rows=1000 block=new x9
-- run: new_10000 rows=10000 block=new x5
-- run: new_100000 rows=100000 block=new
-- run: new_1000000 rows=1000000 block=new slow
-- run: split_1000 rows=1000 block=split x5
-- run: split_10000 rows=10000 block=split
-- run: split_100000 rows=100000 block=split
-- run: split_1000000 rows=1000000 block=split slow
-- ratio: new entities, a row of a call of 1,000 beside one of 100,000 | temporal.merge | new_1000*100 / new_100000 | 0.75..1.25
-- ratio: the same, 10,000 | temporal.merge | new_10000*10 / new_100000 | 0.75..1.25
-- ratio: the same, 1,000,000 | temporal.merge | new_1000000*0.1 / new_100000 | 0.75..1.25
-- ratio: PATCH that splits, a row of a call of 1,000 beside one of 100,000 | temporal.merge | split_1000*100 / split_100000 | 0.75..1.25
-- ratio: the same, 10,000 | temporal.merge | split_10000*10 / split_100000 | 0.75..1.25
-- ratio: the same, 1,000,000 | temporal.merge | split_1000000*0.1 / split_100000 | 0.75..1.25
\echo == setup
CREATE OR REPLACE PROCEDURE full_target(entities int) LANGUAGE plpgsql AS $full_target$
BEGIN
    DROP TABLE IF EXISTS target, source;
    CREATE TABLE source (row_id bigint, id int, valid_from date, valid_until date, name text, town text, n int);
    CREATE TABLE target (
        id integer NOT NULL, valid_from date NOT NULL, valid_until date NOT NULL,
        valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED,
        name text, town text, n int);
    INSERT INTO target (id, valid_from, valid_until, name, town, n)
    SELECT k, make_date(2010 + i, 1, 1), CASE WHEN i = 9 THEN 'infinity' ELSE make_date(2011 + i, 1, 1) END, 'name ' || k, 'town ' || k % 400, i
    FROM generate_series(1, entities) AS k, generate_series(0, 9) AS i;
    ALTER TABLE target ADD PRIMARY KEY (id, valid_from, valid_until);
    PERFORM temporal.add_unique('target', '{id}');
END $full_target$;
\echo == new: prepare
CALL full_target(0);
INSERT INTO source SELECT -i, -i, '2020-01-01', '2021-01-01', 'name ' || i, 'town ' || i % 400, i FROM generate_series(1, 50) AS i;
SELECT count(*) FROM temporal.merge('target', 'source', '{id}');
TRUNCATE source;
INSERT INTO source SELECT i, i, date '2020-01-01' + i % 700, 'infinity', 'name ' || i, 'town ' || i % 400, i % 90 FROM generate_series(1, :rows) AS i;
\echo == new
SELECT status, count(*) FROM temporal.merge('target', 'source', '{id}') GROUP BY status;
\echo == split: prepare
CALL full_target(100000);
VACUUM ANALYZE target;
INSERT INTO source SELECT i, 100001 - i, '2012-03-01', '2012-09-01', NULL, 'moved', 7 FROM generate_series(1, 50) AS i;
SELECT count(*) FROM temporal.merge('target', 'source', '{id}');
TRUNCATE source;
INSERT INTO source SELECT row_number() OVER (ORDER BY k, y), k, make_date(y, 3, 1), make_date(y, 9, 1), NULL, 'moved ' || k % 300, 7
FROM generate_series(1, :rows / 10) AS k, generate_series(2010, 2019) AS y;
\echo == split
SELECT status, count(*) FROM temporal.merge('target', 'source', '{id}') GROUP BY status;

-- By how much the private memory of the server's process grows during a call, per source row.
-- needs: temporal.merge
-- run: new_200000 x1 memory rows=200000 block=new
-- run: new_1000000 x1 memory rows=1000000 block=new
-- run: split_200000 x1 memory rows=200000 block=split
-- run: split_1000000 x1 memory rows=1000000 block=split
-- memory: 200,000 new entities, memory of a row | temporal.merge | new_200000 | <= 300
-- memory: 1,000,000 new entities, memory of a row | temporal.merge | new_1000000 | <= 300
-- memory: 200,000 PATCH rows that split slices, memory of a row | temporal.merge | split_200000 | <= 300
-- memory: 1,000,000 PATCH rows that split slices, memory of a row | temporal.merge | split_1000000 | <= 300
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

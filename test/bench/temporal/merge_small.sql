-- A call of 100 rows in a table of 1 M slices, entities spread over the whole table: the second call of a session, and its first.
-- needs: temporal.merge
-- run: split x15
-- run: split_first x15
-- run: new x15
-- time: 100 PATCH rows that split slices | temporal.merge | split | <= 10
-- time: the same, first call of a session | temporal.merge | split_first |
-- time: 100 new entities | temporal.merge | new | <= 10
\echo == setup
DROP TABLE IF EXISTS target;
CREATE TABLE target (
    id integer NOT NULL, valid_from date NOT NULL, valid_until date NOT NULL,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED,
    name text, town text, n int);
INSERT INTO target (id, valid_from, valid_until, name, town, n)
SELECT k, make_date(2010 + i, 1, 1), CASE WHEN i = 9 THEN 'infinity' ELSE make_date(2011 + i, 1, 1) END, 'name ' || k, 'town ' || k % 400, i
FROM generate_series(1, 100000) AS k, generate_series(0, 9) AS i;
ALTER TABLE target ADD PRIMARY KEY (id, valid_from, valid_until);
SELECT temporal.add_unique('target', '{id}');
VACUUM ANALYZE target;
DROP SEQUENCE IF EXISTS turn;
CREATE SEQUENCE turn;
CREATE OR REPLACE PROCEDURE next_source(added int) LANGUAGE plpgsql AS $next_source$
DECLARE at int := nextval('turn');
BEGIN
    DROP TABLE IF EXISTS source;
    CREATE TEMP TABLE source (row_id bigint, id int, valid_from date, valid_until date, name text, town text, n int);
    INSERT INTO source SELECT i, i * 991 + at + added, '2012-03-01', '2012-09-01', NULL, 'moved', at FROM generate_series(1, 100) AS i;
END $next_source$;
\echo == split: prepare
CALL next_source(0);
SELECT count(*) FROM temporal.merge('target', 'source', '{id}');
CALL next_source(0);
\echo == split
SELECT status, count(*) FROM temporal.merge('target', 'source', '{id}') GROUP BY status;
\echo == split_first: prepare
CALL next_source(0);
\echo == split_first
SELECT status, count(*) FROM temporal.merge('target', 'source', '{id}') GROUP BY status;
\echo == new: prepare
CALL next_source(1000000);
SELECT count(*) FROM temporal.merge('target', 'source', '{id}');
CALL next_source(1000000);
\echo == new
SELECT status, count(*) FROM temporal.merge('target', 'source', '{id}') GROUP BY status;

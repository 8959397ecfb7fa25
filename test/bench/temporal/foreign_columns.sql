-- The same with valid_from and valid_until, and in random order.
-- needs: temporal.add_unique temporal.add_foreign_key
-- vector: 00_setup.sql
-- run: indexes
-- run: keys
-- run: indexes_random
-- run: keys_random
-- run: native slow pg18
-- ratio: child with key and foreign key, valid_from and valid_until, one INSERT of 1 M rows in order | temporal.add_foreign_key | keys / indexes | <= 2
-- ratio: the same in random order | temporal.add_foreign_key | keys_random / indexes_random | <= 2
-- ratio: in order, PRIMARY KEY WITHOUT OVERLAPS and FOREIGN KEY PERIOD over the generated range | temporal.add_foreign_key | native / keys | >= 10
\echo == setup
DROP TABLE IF EXISTS child, parent CASCADE;
CREATE TABLE parent (id int, valid_from date NOT NULL, valid_until date NOT NULL,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED, name text);
INSERT INTO parent (id, valid_from, valid_until, name) SELECT k, lower(r), upper(r), 'n' || k FROM hist;
SELECT temporal.add_unique('parent', '{id}');
DROP TABLE IF EXISTS random_children;
CREATE UNLOGGED TABLE random_children AS SELECT k, lower(r) AS f, upper(r) AS u, v FROM hist ORDER BY hashint8(k::bigint * 4000 + (lower(r) - date '2000-01-01'));
VACUUM ANALYZE parent; VACUUM ANALYZE random_children;
CREATE OR REPLACE PROCEDURE empty_child(keys boolean) LANGUAGE plpgsql AS $empty_child$
BEGIN
    DROP TABLE IF EXISTS child;
    CREATE TABLE child (id int, pid int, valid_from date NOT NULL, valid_until date NOT NULL,
        valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED, val int);
    IF keys THEN
        PERFORM temporal.add_unique('child', '{id}');
        PERFORM temporal.add_foreign_key('child', '{pid}', 'parent', '{id}');
    ELSE
        CREATE UNIQUE INDEX ON child (id, valid_from, valid_until);
        CREATE INDEX ON child (pid, valid_from, valid_until);
    END IF;
END $empty_child$;
\echo == indexes: prepare
CALL empty_child(false);
\echo == indexes
INSERT INTO child (id, pid, valid_from, valid_until, val) SELECT k, k, lower(r), upper(r), v FROM hist;
\echo == keys: prepare
CALL empty_child(true);
\echo == keys
INSERT INTO child (id, pid, valid_from, valid_until, val) SELECT k, k, lower(r), upper(r), v FROM hist;
\echo == indexes_random: prepare
CALL empty_child(false);
\echo == indexes_random
INSERT INTO child (id, pid, valid_from, valid_until, val) SELECT k, k, f, u, v FROM random_children;
\echo == keys_random: prepare
CALL empty_child(true);
\echo == keys_random
INSERT INTO child (id, pid, valid_from, valid_until, val) SELECT k, k, f, u, v FROM random_children;
\echo == native: prepare
DROP SCHEMA IF EXISTS native CASCADE;
CREATE SCHEMA native;
SET search_path = native, public;
CREATE TABLE parent AS SELECT id, valid_range FROM public.parent;
ALTER TABLE parent ADD PRIMARY KEY (id, valid_range WITHOUT OVERLAPS);
CREATE TABLE child (id int, pid int, valid_from date NOT NULL, valid_until date NOT NULL,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED, val int,
    PRIMARY KEY (id, valid_range WITHOUT OVERLAPS), FOREIGN KEY (pid, PERIOD valid_range) REFERENCES parent (id, PERIOD valid_range));
\echo == native
INSERT INTO child (id, pid, valid_from, valid_until, val) SELECT k, k, lower(r), upper(r), v FROM hist;

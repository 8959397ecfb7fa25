-- A key over valid_from and valid_until, 1 M rows, in the order of the key and in no order.
-- needs: temporal.add_unique
-- vector: 00_setup.sql
-- run: btree
-- run: key
-- run: deferrable
-- run: btree_random
-- run: key_random
-- run: deferrable_random
-- run: exclusion_random slow
-- ratio: unique key, valid_from and valid_until, one INSERT of 1 M rows in order | temporal.add_unique | key / btree | <= 1.5
-- ratio: the same, deferrable | temporal.add_unique | deferrable / btree | <= 2.5
-- ratio: unique key, valid_from and valid_until, one INSERT of 1 M rows in random order | temporal.add_unique | key_random / btree_random | <= 1.5
-- ratio: the same, deferrable | temporal.add_unique | deferrable_random / btree_random | <= 2.5
-- ratio: the same, exclusion constraint (GiST) | temporal.add_unique | exclusion_random / key_random | >= 6
\echo == setup
DROP TABLE IF EXISTS ordered_rows, random_rows;
CREATE UNLOGGED TABLE ordered_rows AS SELECT k AS id, lower(r) AS valid_from, upper(r) AS valid_until, 'n' || k AS name FROM hist;
CREATE UNLOGGED TABLE random_rows AS SELECT * FROM ordered_rows ORDER BY hashint8(id::bigint * 4000 + (valid_from - date '2000-01-01'));
VACUUM ANALYZE ordered_rows; VACUUM ANALYZE random_rows;
\echo == btree: prepare
DROP TABLE IF EXISTS keyed;
CREATE TABLE keyed (id int, valid_from date NOT NULL, valid_until date NOT NULL,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED, name text);
CREATE UNIQUE INDEX ON keyed (id, valid_from, valid_until);
\echo == btree
INSERT INTO keyed (id, valid_from, valid_until, name) SELECT * FROM ordered_rows;
\echo == key: prepare
DROP TABLE IF EXISTS keyed;
CREATE TABLE keyed (id int, valid_from date NOT NULL, valid_until date NOT NULL,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED, name text);
SELECT temporal.add_unique('keyed', '{id}');
\echo == key
INSERT INTO keyed (id, valid_from, valid_until, name) SELECT * FROM ordered_rows;
\echo == deferrable: prepare
DROP TABLE IF EXISTS keyed;
CREATE TABLE keyed (id int, valid_from date NOT NULL, valid_until date NOT NULL,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED, name text);
SELECT temporal.add_unique('keyed', '{id}', is_deferrable := true, initially_deferred := true);
\echo == deferrable
INSERT INTO keyed (id, valid_from, valid_until, name) SELECT * FROM ordered_rows;
\echo == btree_random: prepare
DROP TABLE IF EXISTS keyed;
CREATE TABLE keyed (id int, valid_from date NOT NULL, valid_until date NOT NULL,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED, name text);
CREATE UNIQUE INDEX ON keyed (id, valid_from, valid_until);
\echo == btree_random
INSERT INTO keyed (id, valid_from, valid_until, name) SELECT * FROM random_rows;
\echo == key_random: prepare
DROP TABLE IF EXISTS keyed;
CREATE TABLE keyed (id int, valid_from date NOT NULL, valid_until date NOT NULL,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED, name text);
SELECT temporal.add_unique('keyed', '{id}');
\echo == key_random
INSERT INTO keyed (id, valid_from, valid_until, name) SELECT * FROM random_rows;
\echo == deferrable_random: prepare
DROP TABLE IF EXISTS keyed;
CREATE TABLE keyed (id int, valid_from date NOT NULL, valid_until date NOT NULL,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED, name text);
SELECT temporal.add_unique('keyed', '{id}', is_deferrable := true, initially_deferred := true);
\echo == deferrable_random
INSERT INTO keyed (id, valid_from, valid_until, name) SELECT * FROM random_rows;
\echo == exclusion_random: prepare
DROP TABLE IF EXISTS keyed;
CREATE TABLE keyed (id int, valid_from date NOT NULL, valid_until date NOT NULL,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED, name text,
    EXCLUDE USING gist (id WITH =, valid_range WITH &&));
\echo == exclusion_random
INSERT INTO keyed (id, valid_from, valid_until, name) SELECT * FROM random_rows;

-- 1 M children on 1 M parents, 100 k keys, plain range columns; the child has a key and a foreign key.
-- needs: temporal.add_unique temporal.add_foreign_key
-- vector: 00_setup.sql
-- run: indexes
-- run: keys
-- run: native slow pg18 vector=01_native_pk_fk.sql:D. child: temporal PK + PERIOD FK to parent, 1M rows (each spans several parent rows for 1 in 10)
-- ratio: child with key and foreign key, one INSERT of 1 M rows, beside its two indexes alone | temporal.add_foreign_key | keys / indexes | <= 2
-- ratio: the same, PRIMARY KEY WITHOUT OVERLAPS and FOREIGN KEY PERIOD | temporal.add_foreign_key | native / keys | >= 10
\echo == setup
DROP TABLE IF EXISTS child, parent CASCADE;
CREATE TABLE parent (id int, valid daterange NOT NULL, name text);
INSERT INTO parent SELECT k, r, 'n' || k FROM hist;
SELECT temporal.add_unique('parent', '{id}', 'valid');
VACUUM ANALYZE parent;
\echo == indexes: prepare
DROP TABLE IF EXISTS child;
CREATE TABLE child (id int, pid int, valid daterange NOT NULL, val int);
CREATE UNIQUE INDEX ON child (id, valid);
CREATE INDEX ON child (pid, valid);
\echo == indexes
INSERT INTO child SELECT k, k, CASE WHEN k%10=0 THEN r ELSE daterange(lower(r), upper(r)) END, v FROM hist;
\echo == keys: prepare
DROP TABLE IF EXISTS child;
CREATE TABLE child (id int, pid int, valid daterange NOT NULL, val int);
SELECT temporal.add_unique('child', '{id}', 'valid');
SELECT temporal.add_foreign_key('child', '{pid}', 'parent', '{id}', 'valid', 'valid');
\echo == keys
INSERT INTO child SELECT k, k, CASE WHEN k%10=0 THEN r ELSE daterange(lower(r), upper(r)) END, v FROM hist;
\echo == native: prepare
DROP SCHEMA IF EXISTS native CASCADE;
CREATE SCHEMA native;
SET search_path = native, public;
CREATE TABLE parent (id int, valid daterange, name text);
INSERT INTO parent SELECT k, r, 'n' || k FROM hist;
ALTER TABLE parent ADD PRIMARY KEY (id, valid WITHOUT OVERLAPS);

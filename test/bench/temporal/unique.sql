-- A key over a plain range column, 1 M rows in the order of the key.
-- needs: temporal.add_unique
-- vector: 00_setup.sql
-- run: btree vector=01_native_pk_fk.sql:B. btree unique (id, lower(valid)) only
-- run: key
-- run: deferrable
-- run: exclusion slow
-- run: native slow pg18 vector=01_native_pk_fk.sql:C. parent: PRIMARY KEY (id, valid WITHOUT OVERLAPS), 1M rows
-- ratio: unique key, plain range column, one INSERT of 1 M rows in order | temporal.add_unique | key / btree | <= 1.5
-- ratio: the same, deferrable | temporal.add_unique | deferrable / btree | <= 2.5
-- ratio: the same, exclusion constraint (GiST) | temporal.add_unique | exclusion / key | >= 6
-- ratio: the same, WITHOUT OVERLAPS | temporal.add_unique | native / key | >= 6
\echo == btree: prepare
DROP TABLE IF EXISTS btp;
\echo == key: prepare
DROP TABLE IF EXISTS keyed;
CREATE TABLE keyed (id int, valid daterange NOT NULL, name text);
SELECT temporal.add_unique('keyed', '{id}', 'valid');
\echo == key
INSERT INTO keyed SELECT k, r, 'n' || k FROM hist;
\echo == deferrable: prepare
DROP TABLE IF EXISTS keyed;
CREATE TABLE keyed (id int, valid daterange NOT NULL, name text);
SELECT temporal.add_unique('keyed', '{id}', 'valid', is_deferrable := true, initially_deferred := true);
\echo == deferrable
INSERT INTO keyed SELECT k, r, 'n' || k FROM hist;
\echo == exclusion: prepare
DROP TABLE IF EXISTS excluding;
CREATE TABLE excluding (id int, valid daterange NOT NULL, name text, EXCLUDE USING gist (id WITH =, valid WITH &&));
\echo == exclusion
INSERT INTO excluding SELECT k, r, 'n' || k FROM hist;
\echo == native: prepare
DROP SCHEMA IF EXISTS native CASCADE;
CREATE SCHEMA native;
SET search_path = native, public;

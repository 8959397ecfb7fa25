-- Keys for tables that hold their 1 M rows already, beside the one query that finds the same violations.
-- needs: temporal.add_unique temporal.add_foreign_key
-- vector: 00_setup.sql
-- run: key
-- run: key_query
-- run: key_native slow pg18 vector=01_native_pk_fk.sql:E. ADD PRIMARY KEY WITHOUT OVERLAPS to a loaded 1M table (bulk build)
-- run: foreign_key
-- run: foreign_key_query vector=01_native_pk_fk.sql:G. the same validation as set-based SQL (anti-join against range_agg per key)
-- run: foreign_key_native slow pg18 vector=01_native_pk_fk.sql#2:F. ADD FOREIGN KEY PERIOD on loaded tables (bulk validation)
-- ratio: adding a unique key to 1 M rows (with its index), beside a window query that finds overlaps | temporal.add_unique | key / key_query | <= 1
-- ratio: the same, ADD PRIMARY KEY WITHOUT OVERLAPS | temporal.add_unique | key_native / key |
-- ratio: adding a foreign key to 1 M rows (with its index), beside the query with range_agg | temporal.add_foreign_key | foreign_key / foreign_key_query | <= 1
-- ratio: the same, ADD FOREIGN KEY PERIOD | temporal.add_foreign_key | foreign_key_native / foreign_key |
\echo == setup
DROP TABLE IF EXISTS plainp, child, parent CASCADE;
CREATE TABLE plainp (id int, valid daterange NOT NULL, name text);
INSERT INTO plainp SELECT k, r, 'n' || k FROM hist;
CREATE TABLE parent (id int, valid daterange NOT NULL, name text);
INSERT INTO parent SELECT k, r, 'n' || k FROM hist;
SELECT temporal.add_unique('parent', '{id}', 'valid');
CREATE TABLE child (id int, pid int, valid daterange NOT NULL, val int);
INSERT INTO child SELECT k, k, CASE WHEN k%10=0 THEN r ELSE daterange(lower(r), upper(r)) END, v FROM hist;
SELECT temporal.add_unique('child', '{id}', 'valid');
VACUUM ANALYZE plainp; VACUUM ANALYZE parent; VACUUM ANALYZE child;
\echo == key: prepare
SELECT temporal.drop_constraint('plainp', c.constraint_name) FROM temporal.constraint AS c WHERE c.relation = 'plainp'::regclass;
SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index WHERE indrelid = 'plainp'::regclass \gexec
\echo == key
SELECT temporal.add_unique('plainp', '{id}', 'valid');
\echo == key_query: prepare
SELECT temporal.drop_constraint('plainp', c.constraint_name) FROM temporal.constraint AS c WHERE c.relation = 'plainp'::regclass;
SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index WHERE indrelid = 'plainp'::regclass \gexec
\echo == key_query
SELECT count(*) FROM (SELECT upper(valid) > lead(lower(valid)) OVER (PARTITION BY id ORDER BY lower(valid)) AS is_violation FROM plainp) AS s WHERE is_violation;
\echo == key_native: prepare
DROP SCHEMA IF EXISTS native CASCADE;
CREATE SCHEMA native;
SET search_path = native, public;
CREATE TABLE native.plainp AS TABLE public.plainp;
VACUUM ANALYZE native.plainp;
\echo == foreign_key: prepare
SELECT temporal.drop_constraint('child', c.constraint_name) FROM temporal.constraint AS c
WHERE c.relation = 'child'::regclass AND c.constraint_type = 'foreign key';
SELECT format('DROP INDEX %s', i.indexrelid::regclass) FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indexrelid
WHERE i.indrelid = 'child'::regclass AND a.attname = 'pid' \gexec
\echo == foreign_key
SELECT temporal.add_foreign_key('child', '{pid}', 'parent', '{id}', 'valid', 'valid');
\echo == foreign_key_query: prepare
SELECT temporal.drop_constraint('child', c.constraint_name) FROM temporal.constraint AS c
WHERE c.relation = 'child'::regclass AND c.constraint_type = 'foreign key';
SELECT format('DROP INDEX %s', i.indexrelid::regclass) FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indexrelid
WHERE i.indrelid = 'child'::regclass AND a.attname = 'pid' \gexec
\echo == foreign_key_native: prepare
DROP SCHEMA IF EXISTS native CASCADE;
CREATE SCHEMA native;
SET search_path = native, public;
CREATE TABLE native.parent AS TABLE public.parent;
ALTER TABLE native.parent ADD PRIMARY KEY (id, valid WITHOUT OVERLAPS);
CREATE TABLE native.child AS TABLE public.child;
VACUUM ANALYZE native.parent; VACUUM ANALYZE native.child;

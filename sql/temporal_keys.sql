-- Temporal keys: cases F of the reference, and what surrounds them.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA tkeys;
SET search_path = tkeys, public;

CREATE TABLE parent (
    id integer NOT NULL, name text, valid_from date NOT NULL, valid_until date NOT NULL DEFAULT 'infinity',
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED,
    PRIMARY KEY (id, valid_from, valid_until));
CREATE TABLE child (
    id integer NOT NULL, parent_id integer, valid_from date NOT NULL, valid_until date NOT NULL DEFAULT 'infinity',
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED);
CREATE TABLE note (id integer PRIMARY KEY, parent_id integer);
CREATE INDEX ON child (parent_id) WHERE parent_id IS NOT NULL;

\echo ** F1 unique
SELECT temporal.add_unique('parent', '{id}');
SELECT temporal.ensure_unique('parent_id_valid_range_excl', 'parent', '{id}') AS added;
SELECT temporal.ensure_unique('child_key', 'child', '{id}') AS added;
SELECT temporal.ensure_unique(NULL, 'child', '{id}') AS added;
INSERT INTO parent VALUES (1, 'a', '2020-01-01', '2021-01-01'), (1, 'b', '2021-01-01', '2022-01-01');
\set VERBOSITY sqlstate
INSERT INTO parent VALUES (1, 'c', '2021-06-01', '2021-07-01');
\set VERBOSITY default
INSERT INTO parent VALUES (1, 'c', '2021-06-01', '2021-07-01');
\set VERBOSITY terse
\echo ** a statement may pass through overlaps, its end counts
UPDATE parent SET valid_from = valid_from + interval '6 months', valid_until = valid_until + interval '6 months';
UPDATE parent SET valid_from = valid_from - interval '6 months', valid_until = valid_until - interval '6 months';

\echo ** F3 NULLS NOT DISTINCT, for the types it knows
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE TABLE nullable (i integer, "t Ext" text, d date, u uuid, c colour NOT NULL, p point, valid_range int4range NOT NULL);
SELECT temporal.add_unique('nullable', '{i, "t Ext", d, u, c}', nulls_not_distinct := true, constraint_name := 'nnd');
INSERT INTO nullable (c, valid_range) VALUES ('red', '[1,5)'), ('green', '[1,5)'), ('red', '[5,9)');
INSERT INTO nullable (i, "t Ext", d, u, c, valid_range) VALUES (0, '', '2000-01-01', '00000000-0000-0000-0000-000000000000', 'red', '[1,5)');
\set VERBOSITY sqlstate
INSERT INTO nullable (c, valid_range) VALUES ('red', '[4,5)');
SELECT temporal.add_unique('nullable', '{p}', nulls_not_distinct := true);
\set VERBOSITY terse
SELECT temporal.add_unique('nullable', '{i, "t Ext"}', predicate := 'i > 0', is_deferrable := true, initially_deferred := true, constraint_name := 'part');
\echo ** loaded tables are validated
INSERT INTO child VALUES (1, 1, '2020-01-01', '2021-01-01');
CREATE TABLE loaded (id integer, valid_range int4range);
INSERT INTO loaded VALUES (1, '[1,5)'), (1, '[4,6)');
\set VERBOSITY sqlstate
SELECT temporal.add_unique('loaded', '{id}');
SELECT temporal.add_unique('loaded', '{nothing}');
SELECT temporal.add_unique('loaded', '{id}', initially_deferred := true);
\echo ** a foreign key needs a key that is not deferrable and not partial (F13), equal lists, one type
SELECT temporal.add_foreign_key('child', '{parent_id}', 'loaded', '{id}');
SELECT temporal.add_foreign_key('child', '{id}', 'child', '{parent_id}');
SELECT temporal.add_foreign_key('loaded', '{id}', 'nullable', '{i}');
SELECT temporal.add_foreign_key('child', '{parent_id,id}', 'parent', '{id}');
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}', on_delete := 'set null');
\echo ** F loaded with an orphan
INSERT INTO child VALUES (9, 9, '2020-01-01', '2021-01-01');
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}');
DELETE FROM child WHERE id = 9;
\set VERBOSITY terse
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}', constraint_name := 'child_parent');
SELECT temporal.ensure_foreign_key('child_parent', 'child', '{parent_id}', 'parent', '{id}') AS added;
SELECT temporal.add_foreign_key('note', '{parent_id}', 'parent', '{id}', period := NULL, constraint_name := 'note_parent');
SELECT table_name, constraint_name, constraint_type, columns, period, references_table, references_columns, references_period, on_delete,
    predicate, nulls_not_distinct AS nnd, is_deferrable AS defer, initially_deferred AS init
FROM temporal.constraint WHERE table_schema = 'tkeys' ORDER BY 1, 2;
SELECT tgrelid::regclass::text COLLATE "C" AS tgrelid, tgname FROM pg_trigger WHERE tgrelid::regclass::text IN ('parent', 'child', 'note') AND NOT tgisinternal ORDER BY 1, 2;

\echo ** children: covered by two parents, NULL passes, not covered is refused
INSERT INTO child VALUES (2, 1, '2020-06-01', '2021-06-01'), (3, NULL, '1990-01-01', 'infinity');
\set VERBOSITY default
INSERT INTO child VALUES (4, 1, '2021-06-01', '2022-06-01');
INSERT INTO child VALUES (4, 7, '2021-06-01', '2022-06-01');
UPDATE child SET valid_until = 'infinity' WHERE id = 2;
INSERT INTO note VALUES (1, 7);
\set VERBOSITY sqlstate
UPDATE child SET parent_id = 7 WHERE id = 3;
\echo ** F5 infinity is inside unbounded, not the reverse
CREATE TABLE p5 (id integer, valid_range daterange);
CREATE TABLE c5 (id integer, valid_range daterange);
SELECT temporal.add_unique('p5', '{id}');
SELECT temporal.add_foreign_key('c5', '{id}', 'p5', '{id}');
INSERT INTO p5 VALUES (1, '[2020-01-01,)'), (2, '[2020-01-01,infinity)');
INSERT INTO c5 VALUES (1, '[2020-01-01,infinity)');
INSERT INTO c5 VALUES (2, '[2020-01-01,)');
INSERT INTO c5 VALUES (1, 'empty');
DROP TABLE p5, c5;
\echo ** F7 a covering parent goes: refused where a child needs it, accepted where none does
DELETE FROM parent WHERE id = 1 AND valid_from = '2020-01-01';
DELETE FROM parent WHERE id = 1 AND valid_from = '2021-01-01';
UPDATE parent SET valid_until = '2021-08-01' WHERE id = 1 AND valid_from = '2021-01-01';
UPDATE parent SET id = 5 WHERE id = 1;
\set VERBOSITY default
UPDATE parent SET valid_until = '2021-03-01' WHERE id = 1 AND valid_from = '2021-01-01';
\set VERBOSITY sqlstate
\echo ** F9 a parent is split in one transaction: refused at once, accepted in one statement
BEGIN;
UPDATE parent SET valid_until = '2020-09-01' WHERE id = 1 AND valid_from = '2020-01-01';
ROLLBACK;
WITH shorter AS (UPDATE parent SET valid_until = '2020-09-01' WHERE id = 1 AND valid_from = '2020-01-01')
INSERT INTO parent VALUES (1, 'a2', '2020-09-01', '2021-01-01');
SELECT * FROM parent ORDER BY id, valid_from;
\echo ** F11 the key changes and comes back
INSERT INTO parent VALUES (2, 'z', '2020-01-01', '2021-01-01');
UPDATE parent SET id = 3 WHERE id = 2;
UPDATE parent SET id = 2 WHERE id = 3;
\echo ** F15 regular to temporal: the last period of a referenced key stays
INSERT INTO note VALUES (1, 2), (2, NULL);
INSERT INTO parent VALUES (2, 'z', '2022-01-01', '2023-01-01');
DELETE FROM parent WHERE id = 2 AND valid_from = '2020-01-01';
DELETE FROM parent WHERE id = 2;
UPDATE parent SET id = 8 WHERE id = 2;
\echo ** TRUNCATE: refused alone, accepted with the children
TRUNCATE parent;
BEGIN;
TRUNCATE parent, child, note;
SELECT count(*) FROM parent;
ROLLBACK;
\echo ** deferrable
SELECT temporal.drop_constraint('child', 'child_parent');
SELECT temporal.drop_constraint('child', 'child_parent');
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}', is_deferrable := true, constraint_name := 'child_parent');
INSERT INTO child VALUES (4, 1, '2021-06-01', '2022-06-01');
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO child VALUES (4, 1, '2021-06-01', '2022-06-01');
DELETE FROM parent WHERE id = 1;
INSERT INTO parent VALUES (1, 'x', '2020-01-01', '2030-01-01');
COMMIT;
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
UPDATE parent SET valid_until = '2021-01-01' WHERE id = 1;
COMMIT;
SELECT * FROM parent ORDER BY id, valid_from;
DELETE FROM child WHERE id = 4;
SELECT temporal.drop_constraint('child', 'child_parent');
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}', constraint_name := 'child_parent');
\echo ** names follow; what is needed stays; row level security is not asked
ALTER TABLE parent RENAME COLUMN id TO parent_no;
ALTER TABLE child RENAME COLUMN parent_id TO "owner No";
ALTER TABLE parent RENAME TO mother;
ALTER TABLE mother RENAME COLUMN valid_range TO period;
ALTER TRIGGER child_parent ON child RENAME TO child_mother;
SELECT table_name, constraint_name, columns, period, references_table, references_columns, references_period
FROM temporal.constraint WHERE table_schema = 'tkeys' AND constraint_type = 'foreign key' ORDER BY 1, 2;
INSERT INTO child VALUES (5, 7, '2021-06-01', '2022-06-01');
DELETE FROM mother WHERE parent_no = 1;
ALTER TABLE child DROP COLUMN "owner No";
SELECT temporal.drop_constraint('mother', 'parent_id_valid_range_excl');
CREATE ROLE regress_temporal_keys;
GRANT USAGE ON SCHEMA tkeys TO regress_temporal_keys;
GRANT SELECT, INSERT, DELETE ON child TO regress_temporal_keys;
ALTER TABLE mother ENABLE ROW LEVEL SECURITY;
SET ROLE regress_temporal_keys;
INSERT INTO child VALUES (5, 1, '2021-06-01', '2022-06-01');
INSERT INTO child VALUES (6, 7, '2021-06-01', '2022-06-01');
RESET ROLE;
\echo ** dropping a table takes its foreign keys along
DROP TABLE note;
SELECT count(*) FROM temporal.constraint WHERE table_schema = 'tkeys' AND constraint_type = 'foreign key';
DROP TABLE mother;
SELECT constraint_name FROM temporal.constraint WHERE table_schema = 'tkeys' ORDER BY 1;
INSERT INTO child VALUES (7, 7, '2021-06-01', '2022-06-01');
SET client_min_messages = error;
DROP SCHEMA tkeys CASCADE;
DROP ROLE regress_temporal_keys;

-- Temporal foreign keys: cases F of the reference, cascades, rights, and an oracle.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA tfk;
SET search_path = tfk, public;

-- A unique key that temporal_keys.sql tests, by its least: the tests here are about what references it.
CREATE TABLE parent (
    id integer NOT NULL, name text, valid_from date NOT NULL, valid_until date NOT NULL DEFAULT 'infinity',
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED,
    PRIMARY KEY (id, valid_from, valid_until));
CREATE TABLE child (
    id integer NOT NULL, parent_id integer, valid_from date NOT NULL, valid_until date NOT NULL DEFAULT 'infinity',
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED);
CREATE TABLE note (id integer PRIMARY KEY, parent_id integer);
SELECT temporal.add_unique('parent', '{id}', constraint_name := 'parent_key');

\echo ** what is refused as a definition
\set VERBOSITY sqlstate
SELECT temporal.add_foreign_key(NULL, '{parent_id}', 'parent', '{id}');
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}', is_deferrable := NULL);
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}', initially_deferred := true);
SELECT temporal.add_foreign_key('child', '{parent_id,id}', 'parent', '{id}');
SELECT temporal.add_foreign_key('child', '{}', 'parent', '{}');
SELECT temporal.add_foreign_key('child', '{nothing}', 'parent', '{id}');
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}', on_delete := 'set null');
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}', on_delete := NULL);
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}', period := 'parent_id');
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}', references_period := 'id');
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{name}');
SELECT temporal.add_foreign_key('child', '{id}', 'child', '{parent_id}');
SELECT temporal.add_foreign_key('child', '{parent_id}', 'pg_class', '{oid}');
CREATE TABLE whole (id integer, valid_range daterange) PARTITION BY LIST (id);
SELECT temporal.add_foreign_key('whole', '{id}', 'parent', '{id}');
DROP TABLE whole;
CREATE TABLE passing (id integer, valid_range int4range);
SELECT temporal.add_foreign_key('passing', '{id}', 'parent', '{id}');
DROP TABLE passing;
CREATE TABLE texts (id text, valid_range daterange);
SELECT temporal.add_foreign_key('texts', '{id}', 'parent', '{id}');
DROP TABLE texts;
CREATE TEMP TABLE temporary (id integer, valid_range daterange);
SELECT temporal.add_foreign_key('temporary', '{id}', 'parent', '{id}');
DROP TABLE temporary;
\echo ** F13 a deferrable or partial key cannot be referenced
CREATE TABLE loose (id integer NOT NULL, valid_range daterange NOT NULL);
SELECT temporal.add_unique('loose', '{id}', is_deferrable := true, constraint_name := 'loose_deferrable');
SELECT temporal.add_foreign_key('child', '{parent_id}', 'loose', '{id}');
DROP TABLE loose;
\echo ** loaded tables are checked: an orphan, a gap, an empty period, a key that a regular table has not
INSERT INTO parent VALUES (1, 'a', '2020-01-01', '2021-01-01'), (1, 'b', '2021-01-01', '2022-01-01');
INSERT INTO child VALUES (1, 1, '2020-01-01', '2021-01-01'), (9, 9, '2020-01-01', '2021-01-01');
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}');
UPDATE child SET parent_id = 1, valid_until = '2022-01-02' WHERE id = 9;
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}');
UPDATE child SET valid_until = valid_from WHERE id = 9;
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}');
INSERT INTO note VALUES (1, 7);
SELECT temporal.add_foreign_key('note', '{parent_id}', 'parent', '{id}', period := NULL);
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('parent'::regclass, 'child'::regclass, 'note'::regclass) AND tgname !~ '^(temporal_key_|parent_key)';
TRUNCATE note;
DELETE FROM child WHERE id = 9;
\echo ** rows that are gone but still in the index do not count
CREATE TABLE used (id integer, valid_range daterange, note text);
CREATE INDEX ON used (id, valid_range);
INSERT INTO used VALUES (1, '[2020-01-01,2020-02-01)'), (1, '[2020-01-01,2050-01-01)'), (3, '[2020-01-01,2020-02-01)'), (1, 'empty');
DELETE FROM used WHERE id = 3 OR isempty(valid_range) OR upper(valid_range) = '2050-01-01';
UPDATE used SET note = 'moved';
SELECT temporal.add_foreign_key('used', '{id}', 'parent', '{id}', constraint_name := 'used_parent');
ALTER TABLE used DISABLE TRIGGER ALL;
INSERT INTO used VALUES (3, '[2020-01-01,2020-02-01)');
SELECT temporal.validate_constraint('used', 'used_parent');
DELETE FROM used WHERE id = 3;
SELECT temporal.validate_constraint('used', 'used_parent');
DROP TABLE used;
\echo ** the function behind it is no way around what add_foreign_key demands
SELECT temporal.foreign_key_create('child', '{id,valid_range}', 'parent', '{id,valid_range}', 'no action', false, false, 'x', 'y');
SELECT temporal.foreign_key_create('child', '{id}', 'parent', '{id,name,valid_range}', 'no action', false, false, 'x', 'y');
SELECT temporal.foreign_key_create('child', '{id,valid_range}', 'parent', '{id,valid_range}', 'nothing', false, false, 'x', 'y');
SELECT temporal.foreign_key_create('child', '{id,nothing}', 'parent', '{id,valid_range}', 'cascade', false, false, 'x', 'y');
CREATE TABLE other (id text, valid_range int4range);
CREATE INDEX ON other (id, valid_range);
SELECT temporal.foreign_key_create('other', '{id,valid_range}', 'parent', '{id,valid_range}', 'cascade', false, false, 'x', 'y');
SELECT temporal.foreign_key_create('parent', '{id,valid_range}', 'other', '{id,valid_range}', 'cascade', false, false, 'x', 'y');
SELECT temporal.foreign_key_create('parent', '{id,valid_range}', 'parent', '{id,id}', 'cascade', false, false, 'x', 'y');
DROP TABLE other;
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}', constraint_name := 'child_parent');
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}', constraint_name := 'child_parent');
SELECT temporal.ensure_foreign_key('child_parent', 'child', '{parent_id}', 'parent', '{id}') AS added;
SELECT temporal.ensure_foreign_key('note_parent', 'note', '{parent_id}', 'parent', '{id}', period := NULL) AS added;
SELECT temporal.ensure_foreign_key(NULL, 'note', '{parent_id}', 'parent', '{id}', period := NULL) AS added;
\set VERBOSITY terse
SELECT table_name, constraint_name, columns, period, references_table, references_columns, references_period, on_delete, is_deferrable AS defer
FROM temporal.constraint WHERE table_schema = 'tfk' AND constraint_type = 'foreign key' ORDER BY 1, 2;
SELECT tgrelid::regclass::text COLLATE "C" AS tgrelid, tgname FROM pg_trigger
WHERE tgrelid::regclass::text IN ('parent', 'child', 'note') AND NOT tgisinternal AND tgname <> 'parent_key' AND tgname <> 'temporal_key_insert' ORDER BY 1, 2;
SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'tfk' AND tablename IN ('child', 'note') ORDER BY 1, 2;

\echo ** children: covered by two parents, NULL passes, not covered is refused
INSERT INTO child VALUES (2, 1, '2020-06-01', '2021-06-01'), (3, NULL, '1990-01-01', 'infinity');
\set VERBOSITY default
INSERT INTO child VALUES (4, 1, '2021-06-01', '2022-06-01');
INSERT INTO child VALUES (4, 7, '2021-06-01', '2022-06-01');
INSERT INTO child VALUES (4, 1, '2021-06-01', '2021-06-01');
UPDATE child SET valid_until = 'infinity' WHERE id = 2;
INSERT INTO note VALUES (1, 7);
\set VERBOSITY sqlstate
UPDATE child SET parent_id = 7 WHERE id = 3;
UPDATE child SET id = -id;
UPDATE child SET id = -id;
\echo ** many in one statement: one bad row is enough
INSERT INTO child SELECT 100 + i, 1, date '2020-01-01' + i, date '2020-01-02' + i FROM generate_series(0, 731) AS i;
INSERT INTO child SELECT 100 + i, 1, date '2020-01-01' + i, date '2020-01-02' + i FROM generate_series(0, 730) AS i;
DELETE FROM child WHERE id >= 100;
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
\echo ** and merged again; two parents change places; a parent and its child go in one statement
WITH gone AS (DELETE FROM parent WHERE id = 1 AND name = 'a2')
UPDATE parent SET valid_until = '2021-01-01' WHERE id = 1 AND name = 'a';
UPDATE parent SET valid_from = CASE name WHEN 'a' THEN date '2021-01-01' ELSE '2020-01-01' END,
    valid_until = CASE name WHEN 'a' THEN date '2021-08-02' ELSE '2021-01-01' END WHERE id = 1;
INSERT INTO parent VALUES (6, 'six', '2020-01-01', '2021-01-01');
INSERT INTO child VALUES (60, 6, '2020-01-01', '2020-02-01');
WITH gone AS (DELETE FROM child WHERE parent_id = 6) DELETE FROM parent WHERE id = 6;
WITH new_parent AS (INSERT INTO parent VALUES (6, 'six', '2020-01-01', '2021-01-01')) INSERT INTO child VALUES (60, 6, '2020-01-01', '2020-02-01');
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
UPDATE parent SET valid_until = valid_from WHERE id = 2;
UPDATE parent SET valid_until = '2022-02-02' WHERE id = 2;
\echo ** TRUNCATE: refused alone, accepted with the children
TRUNCATE parent;
TRUNCATE parent, child;
BEGIN;
TRUNCATE parent, child, note;
SELECT count(*) FROM parent;
ROLLBACK;

\echo ** F5 infinity is inside unbounded, not the reverse; BC, open and unbounded bounds, columns that may be NULL
CREATE TABLE p5 (id integer, valid_range daterange);
CREATE TABLE c5 (id integer, valid_range daterange);
SELECT temporal.add_unique('p5', '{id}');
SELECT temporal.add_foreign_key('c5', '{id}', 'p5', '{id}');
INSERT INTO p5 VALUES (1, '[2020-01-01,)'), (2, '[2020-01-01,infinity)'), (3, '(,0044-03-15 BC)'), (4, '(,)'), (NULL, '(,)');
INSERT INTO c5 VALUES (1, '[2020-01-01,infinity)'), (3, '(,0044-03-15 BC)'), (4, '(,)'), (NULL, '(,)'), (NULL, 'empty'), (7, NULL);
INSERT INTO c5 VALUES (2, '[2020-01-01,)');
INSERT INTO c5 VALUES (3, '(,0044-03-16 BC)'), (3, '[0044-03-15 BC,0044-03-16 BC)');
INSERT INTO c5 VALUES (1, 'empty');
UPDATE p5 SET valid_range = '[-infinity,)' WHERE id = 4;
DELETE FROM c5 WHERE id = 4;
UPDATE p5 SET valid_range = '[-infinity,)' WHERE id = 4;
INSERT INTO c5 VALUES (4, '[-infinity,infinity)');
INSERT INTO c5 VALUES (4, '(,infinity)');
DROP TABLE p5, c5;
CREATE TABLE pn (a text COLLATE "C", b bigint, period numrange NOT NULL);
CREATE TABLE cn (y integer, x varchar(9) COLLATE "C", span numrange NOT NULL);
SELECT temporal.add_unique('pn', '{a,b}', period := 'period');
SELECT temporal.add_foreign_key('cn', '{y,x}', 'pn', '{b,a}', period := 'span', references_period := 'period', constraint_name := 'cn_pn');
SELECT columns, references_columns FROM temporal.constraint WHERE constraint_name = 'cn_pn';
INSERT INTO pn VALUES ('one', 1, '[1,5)'), ('one', 1, '[5,7]'), ('two', 1, '[1,5)'), ('two', 1, '(5,7]'), ('big', 10000000000, '[1,2)');
INSERT INTO cn VALUES (1, 'one', '[2,7]'), (1, 'one', '(4,6)'), (1, 'two', '(5,7]'), (1, 'two', '[2,5)');
INSERT INTO cn VALUES (1, 'one', '[2,7.5]');
INSERT INTO cn VALUES (1, 'two', '[4,6]');
INSERT INTO cn VALUES (1, 'two', '[5,5]');
UPDATE pn SET period = '[5,7)' WHERE period = '[5,7]';
UPDATE pn SET period = '[1,7]' WHERE a = 'two' AND period = '[1,5)';
UPDATE pn SET b = 10000000001 WHERE a = 'big';
DELETE FROM pn WHERE a = 'one' AND period @> 6.5;
SELECT temporal.foreign_key_validate('cn', 'cn_pn');
SELECT temporal.foreign_key_validate('cn', 'nothing');
ALTER TABLE cn DISABLE TRIGGER temporal_key_insert;
INSERT INTO cn VALUES (1, 'nobody', '[4,6]');
ALTER TABLE cn ENABLE TRIGGER temporal_key_insert;
SELECT temporal.foreign_key_validate('cn', 'cn_pn');
DROP TABLE pn, cn;
CREATE TABLE pu (id integer, valid_from date, valid_until date,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED);
CREATE TABLE cu (id integer, pid smallint, valid_from date, valid_until date,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED);
SELECT temporal.add_unique('pu', '{id}', constraint_name := 'pu_key');
SELECT temporal.add_foreign_key('cu', '{pid}', 'pu', '{id}', on_delete := 'cascade', constraint_name := 'cu_pu');
INSERT INTO pu VALUES (1, NULL, NULL), (100000, NULL, '2020-01-01');
INSERT INTO cu VALUES (1, 1, NULL, NULL), (2, 1, NULL, '2020-01-01'), (3, 1, '2020-01-01', NULL);
DELETE FROM pu WHERE id = 100000;
WITH shorter AS (UPDATE pu SET valid_until = '2020-05-01' WHERE id = 1) INSERT INTO pu VALUES (1, '2020-07-01', NULL);
SELECT id, valid_range FROM cu ORDER BY 1, 2;
UPDATE pu SET valid_from = '2019-01-01' WHERE valid_from IS NULL;
SELECT id, valid_range FROM cu ORDER BY 1, 2;
SELECT temporal.foreign_key_validate('cu', 'cu_pu');
DROP TABLE pu, cu;

\echo ** deferrable
SELECT temporal.drop_constraint('child', 'child_parent');
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}', is_deferrable := true, constraint_name := 'child_parent');
INSERT INTO child VALUES (4, 1, '2021-06-01', '2022-06-01');
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO child VALUES (4, 1, '2021-06-01', '2022-06-01'), (5, 77, '2021-06-01', '2022-06-01'), (6, 1, '2021-06-01', '2021-06-01');
DELETE FROM child WHERE id IN (5, 6);
DELETE FROM parent WHERE id = 1;
INSERT INTO parent VALUES (1, 'x', '2020-01-01', '2030-01-01');
COMMIT;
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
UPDATE parent SET valid_until = '2021-01-01' WHERE id = 1;
COMMIT;
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
UPDATE parent SET id = 111 WHERE id = 1;
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
TRUNCATE parent;
SELECT * FROM parent WHERE id = 1 ORDER BY id, valid_from;
SELECT temporal.drop_constraint('child', 'child_parent');
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}', on_delete := 'cascade', is_deferrable := true, initially_deferred := true, constraint_name := 'child_parent');
BEGIN;
UPDATE parent SET valid_until = '2020-06-10' WHERE id = 1;
SELECT id, valid_range FROM child ORDER BY 1, 2;
COMMIT;
SELECT id, valid_range FROM child ORDER BY 1, 2;
SELECT temporal.drop_constraint('child', 'child_parent');
SELECT temporal.add_foreign_key('child', '{parent_id}', 'parent', '{id}', constraint_name := 'child_parent');

\echo ** names follow; what is needed stays; row level security is not asked
ALTER TABLE parent RENAME COLUMN id TO parent_no;
ALTER TABLE child RENAME COLUMN parent_id TO "owner No";
ALTER TABLE parent RENAME TO mother;
ALTER TABLE mother RENAME COLUMN valid_range TO period;
ALTER TRIGGER child_parent ON child RENAME TO child_mother;
SELECT table_name, constraint_name, columns, period, references_table, references_columns, references_period
FROM temporal.constraint WHERE table_schema = 'tfk' AND constraint_type = 'foreign key' ORDER BY 1, 2;
INSERT INTO child VALUES (5, 7, '2021-06-01', '2022-06-01');
DELETE FROM mother WHERE parent_no = 1;
ALTER TABLE child DROP COLUMN "owner No";
ALTER TABLE mother DROP COLUMN period;
SELECT temporal.drop_constraint('mother', 'parent_key');
\echo ** rights: checks see all rows; details are for those who may see them
CREATE ROLE regress_temporal_foreign;
GRANT USAGE ON SCHEMA tfk TO regress_temporal_foreign;
GRANT SELECT, INSERT, DELETE ON child TO regress_temporal_foreign;
GRANT UPDATE, DELETE ON mother TO regress_temporal_foreign;
GRANT SELECT (parent_no) ON mother TO regress_temporal_foreign;
ALTER TABLE mother ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_of_it ON mother FOR UPDATE USING (true);
CREATE POLICY see_it ON mother FOR SELECT USING (true);
SET ROLE regress_temporal_foreign;
\set VERBOSITY default
INSERT INTO child VALUES (5, 1, '2020-06-01', '2020-06-02');
INSERT INTO child VALUES (6, 7, '2021-06-01', '2022-06-01');
UPDATE mother SET parent_no = 17 WHERE parent_no = 1;
\set VERBOSITY sqlstate
CREATE TEMP TABLE mine (id integer, valid_range daterange);
SELECT temporal.add_foreign_key('mine', '{id}', 'mother', '{parent_no}', references_period := 'period');
SELECT temporal.foreign_key_lock('child', 'mother', '{parent_no}');
SELECT temporal.foreign_key_create('child', '{id,valid_range}', 'mother', '{parent_no,period}', 'no action', false, false, 'x', 'y');
SELECT temporal.foreign_key_validate('child', 'child_mother');
RESET ROLE;
SELECT temporal.foreign_key_validate('child', 'child_mother');
\echo ** the owner of a table may reference with the right to, by columns or as a whole, and nothing else of the parent
CREATE SCHEMA theirs AUTHORIZATION regress_temporal_foreign;
REVOKE ALL ON mother FROM regress_temporal_foreign;
GRANT REFERENCES (parent_no) ON mother TO regress_temporal_foreign;
SET ROLE regress_temporal_foreign;
CREATE TABLE theirs.own (id integer, pid integer, valid_range daterange);
SELECT temporal.add_foreign_key('theirs.own', '{pid}', 'mother', '{parent_no}', references_period := 'period', constraint_name := 'own_mother');
RESET ROLE;
GRANT REFERENCES (period) ON mother TO regress_temporal_foreign;
SET ROLE regress_temporal_foreign;
SELECT temporal.add_foreign_key('theirs.own', '{pid}', 'mother', '{parent_no}', references_period := 'period', on_delete := 'cascade', constraint_name := 'own_mother');
SELECT session_user = current_user AS is_me;
INSERT INTO theirs.own VALUES (1, 1, '[2020-03-01,2020-05-01)'), (2, 2, '[2022-01-02,2022-01-03)');
INSERT INTO theirs.own VALUES (1, 1, '[1990-01-01,2020-05-01)');
RESET ROLE;
\echo ** a cascade runs as the owner of the child
CREATE FUNCTION theirs.who() RETURNS trigger LANGUAGE plpgsql AS $who$
BEGIN
    RAISE NOTICE '% as % of %', TG_OP, current_user, TG_TABLE_NAME;
    RETURN coalesce(NEW, OLD);
END
$who$;
CREATE TRIGGER who BEFORE DELETE OR UPDATE OR INSERT ON theirs.own FOR EACH ROW EXECUTE FUNCTION theirs.who();
ALTER TABLE theirs.own ENABLE ROW LEVEL SECURITY;
ALTER TABLE theirs.own FORCE ROW LEVEL SECURITY;
DELETE FROM child;
DELETE FROM note;
SET client_min_messages = notice;
\set VERBOSITY terse
WITH shorter AS (UPDATE mother SET valid_until = '2020-04-01' WHERE parent_no = 1)
INSERT INTO mother VALUES (1, 'later', '2020-04-15', '2020-06-01');
SELECT current_user = session_user AS is_me;
DELETE FROM mother WHERE parent_no = 2;
SET client_min_messages = warning;
SELECT * FROM theirs.own ORDER BY 1, 3;
\echo ** dropping a table takes its foreign keys along
DROP TABLE theirs.own;
DROP FUNCTION theirs.who();
DROP TABLE note;
SELECT count(*) FROM temporal.constraint WHERE table_schema = 'tfk' AND constraint_type = 'foreign key';
DROP TABLE mother;
SELECT constraint_name FROM temporal.constraint WHERE table_schema = 'tfk' ORDER BY 1;
INSERT INTO child VALUES (7, 7, '2021-06-01', '2022-06-01');
DROP TABLE child;
DROP SCHEMA theirs;
DROP TABLE mine;
DROP OWNED BY regress_temporal_foreign;
DROP ROLE regress_temporal_foreign;

\echo ** cascade: exactly the lost time; splits; keys of the child; cascades of cascades; generated and identity columns; regular children
CREATE TABLE p (id integer NOT NULL, valid_range int4range NOT NULL);
CREATE TABLE c (
    row_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id integer NOT NULL, "p Id" integer, note text DEFAULT 'none', loud text GENERATED ALWAYS AS (upper(note)) STORED,
    from_n integer NOT NULL, until_n integer NOT NULL, valid_range int4range GENERATED ALWAYS AS (int4range(from_n, until_n)) STORED, gone integer);
ALTER TABLE c DROP COLUMN gone;
CREATE TABLE g (id integer NOT NULL, c_id integer, valid_range int4range NOT NULL);
CREATE TABLE r (id integer, c_id integer);
CREATE TABLE keeper (id integer NOT NULL, c_id integer, valid_range int4range NOT NULL);
SELECT temporal.add_unique('p', '{id}');
SELECT temporal.add_unique('c', '{id}');
SELECT temporal.add_foreign_key('c', '{p Id}', 'p', '{id}', on_delete := 'cascade', constraint_name := 'c_p');
SELECT temporal.add_foreign_key('g', '{c_id}', 'c', '{id}', on_delete := 'cascade', constraint_name := 'g_c');
SELECT temporal.add_foreign_key('r', '{c_id}', 'c', '{id}', on_delete := 'cascade', period := NULL, constraint_name := 'r_c');
SELECT temporal.add_foreign_key('keeper', '{c_id}', 'c', '{id}', constraint_name := 'keeper_c');
INSERT INTO p VALUES (1, '[0,100)'), (2, '[0,50)'), (2, '[50,100)'), (3, '[0,100)');
INSERT INTO c (id, "p Id", note, from_n, until_n) VALUES (1, 1, 'split', 0, 100), (2, 1, 'left', 0, 30), (3, 1, 'right', 30, 100), (4, 1, 'inside', 40, 45), (5, 2, 'two', 0, 100), (6, NULL, 'free', 0, 100), (7, 3, 'kept', 10, 90);
INSERT INTO g VALUES (1, 1, '[0,100)'), (2, 4, '[41,42)'), (3, 5, '[10,90)');
INSERT INTO r VALUES (1, 1), (2, 4), (3, NULL);
INSERT INTO keeper VALUES (1, 7, '[20,30)');
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $tell$ BEGIN RAISE NOTICE '% on %', TG_OP, TG_TABLE_NAME; RETURN NULL; END $tell$;
CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON c FOR EACH STATEMENT EXECUTE FUNCTION tell();
SET client_min_messages = notice;
WITH shorter AS (UPDATE p SET valid_range = '[0,20)' WHERE id = 1), further AS (INSERT INTO p VALUES (1, '[60,70)'))
INSERT INTO p VALUES (1, '[50,55)');
SET client_min_messages = warning;
DROP TRIGGER tell ON c;
SELECT row_no, id, note, loud, valid_range FROM c ORDER BY id, valid_range;
SELECT * FROM g ORDER BY id, valid_range;
SELECT * FROM r ORDER BY id;
\echo ** one of two covering parents; the whole of a parent; who may not lose anything stops it all
DELETE FROM p WHERE id = 2 AND valid_range @> 0;
SELECT id, valid_range FROM c WHERE id = 5;
SELECT id, valid_range FROM g WHERE c_id = 5;
DELETE FROM p WHERE id = 2;
SELECT count(*) FROM c WHERE id = 5;
\set VERBOSITY default
DELETE FROM p WHERE id = 3;
\set VERBOSITY sqlstate
UPDATE p SET valid_range = '[15,60)' WHERE id = 3;
SELECT id, valid_range FROM c WHERE id = 7;
\echo ** the key of the parent changes: its children lose everything
UPDATE p SET id = 33 WHERE id = 1 AND valid_range @> 0;
SELECT id, valid_range FROM c WHERE "p Id" = 1 ORDER BY 1, 2;
\echo ** a trigger that keeps a row: the cascade is refused
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $keep$ BEGIN RETURN NULL; END $keep$;
CREATE TRIGGER keep BEFORE DELETE ON c FOR EACH ROW EXECUTE FUNCTION keep();
DELETE FROM p WHERE id = 1;
DROP TRIGGER keep ON c;
\echo ** a trigger that takes the child away, or brings the parent back, before the check
CREATE FUNCTION take_away() RETURNS trigger LANGUAGE plpgsql AS $take_away$ BEGIN DELETE FROM c WHERE row_no = NEW.row_no; RETURN NULL; END $take_away$;
CREATE TRIGGER a_take_away AFTER INSERT ON c FOR EACH ROW WHEN (NEW.note = 'passing') EXECUTE FUNCTION take_away();
INSERT INTO c (id, "p Id", note, from_n, until_n) VALUES (70, 1, 'passing', 0, 1000);
INSERT INTO c (id, "p Id", note, from_n, until_n) VALUES (70, 1, 'passing', 0, 1000), (71, 1, 'staying', 0, 1000);
CREATE FUNCTION bring_back() RETURNS trigger LANGUAGE plpgsql AS $bring_back$ BEGIN INSERT INTO p VALUES (OLD.*); RETURN NULL; END $bring_back$;
CREATE TRIGGER a_bring_back AFTER DELETE ON p FOR EACH ROW EXECUTE FUNCTION bring_back();
SELECT count(*) AS before_it FROM c WHERE "p Id" = 1;
DELETE FROM p WHERE id = 1;
SELECT count(*) AS after_it FROM c WHERE "p Id" = 1;
DROP TRIGGER a_bring_back ON p;
DROP TABLE p, c, g, r, keeper;
DROP FUNCTION keep(), take_away(), bring_back(), tell();
\echo ** a cut that from and until cannot express
CREATE TABLE p (id integer NOT NULL, valid_range numrange NOT NULL);
CREATE TABLE c (id integer, from_n numeric NOT NULL, until_n numeric NOT NULL, valid_range numrange GENERATED ALWAYS AS (numrange(from_n, until_n)) STORED);
SELECT temporal.add_unique('p', '{id}');
SELECT temporal.add_foreign_key('c', '{id}', 'p', '{id}', on_delete := 'cascade');
INSERT INTO p VALUES (1, '[0,10)');
INSERT INTO c VALUES (1, 0, 10);
UPDATE p SET valid_range = '[0,5]';
UPDATE p SET valid_range = '[0,5)';
SELECT * FROM c;
DROP TABLE p, c;
\echo ** a table that references itself
CREATE TABLE tree (id integer NOT NULL, up integer, valid_range int4range NOT NULL);
SELECT temporal.add_unique('tree', '{id}');
SELECT temporal.add_foreign_key('tree', '{up}', 'tree', '{id}', on_delete := 'cascade', constraint_name := 'tree_up');
INSERT INTO tree VALUES (3, 2, '[2,8)'), (2, 1, '[1,9)'), (1, NULL, '[0,10)');
INSERT INTO tree VALUES (5, 4, '[2,8)');
UPDATE tree SET valid_range = '[0,5)' WHERE id = 1;
SELECT * FROM tree ORDER BY 1;
DELETE FROM tree WHERE id = 1;
SELECT count(*) FROM tree;
TRUNCATE tree;
DROP TABLE tree;

\echo ** two random tables against a brute-force oracle over points: no action, and cascade
CREATE TABLE rp (id integer NOT NULL, valid_range int4range NOT NULL);
CREATE TABLE rc (id integer NOT NULL, pid integer, valid_range int4range NOT NULL);
CREATE TABLE rr (id integer NOT NULL, pid integer);
SELECT temporal.add_unique('rp', '{id}', constraint_name := 'rp_key');
SELECT temporal.add_foreign_key('rc', '{pid}', 'rp', '{id}', constraint_name := 'rc_rp');
SELECT temporal.add_foreign_key('rr', '{pid}', 'rp', '{id}', period := NULL, constraint_name := 'rr_rp');
-- points of time at which a child exists and its parent does not, and regular children without any
CREATE FUNCTION orphans(OUT points bigint, OUT regular bigint) LANGUAGE sql AS $orphans$
    SELECT (SELECT count(*) FROM rc CROSS JOIN LATERAL generate_series(lower(rc.valid_range), upper(rc.valid_range) - 1) AS t
            WHERE rc.pid IS NOT NULL AND NOT EXISTS (SELECT FROM rp WHERE rp.id = rc.pid AND rp.valid_range @> t)),
        (SELECT count(*) FROM rr WHERE rr.pid IS NOT NULL AND NOT EXISTS (SELECT FROM rp WHERE rp.id = rr.pid))
$orphans$;
CREATE FUNCTION overlaps() RETURNS bigint LANGUAGE sql AS $overlaps$
    SELECT count(*) FROM rp AS a JOIN rp AS b ON a.id = b.id AND a.valid_range && b.valid_range AND a.ctid < b.ctid
$overlaps$;
-- A random statement. Without the triggers it tells what the oracle expects, with them what happens.
CREATE FUNCTION random_statement() RETURNS text LANGUAGE plpgsql AS $random_statement$
DECLARE
    k integer := 1 + floor(random() * 4);
    a integer := floor(random() * 20);
    b integer := a + 1 + floor(random() * 8);
    span text := quote_literal(int4range(a, b));
BEGIN
    RETURN CASE floor(random() * 12)::integer
        WHEN 0 THEN format('INSERT INTO rp VALUES (%s, %s)', k, span)
        WHEN 1 THEN format('INSERT INTO rp SELECT %s, int4range(i, i + 2) FROM generate_series(%s, %s, 2) AS i', k, a, b)
        WHEN 2 THEN format('DELETE FROM rp WHERE id = %s AND valid_range @> %s', k, a)
        WHEN 3 THEN format('DELETE FROM rp WHERE id = %s AND valid_range && %s', k, span)
        WHEN 4 THEN format('UPDATE rp SET valid_range = int4range(lower(valid_range), greatest(upper(valid_range) - 1, lower(valid_range) + 1)) WHERE id = %s AND valid_range && %s', k, span)
        WHEN 5 THEN format('UPDATE rp SET valid_range = int4range(lower(valid_range) - 1, upper(valid_range) - 1) WHERE id = %s', k)
        WHEN 6 THEN format('UPDATE rp SET id = id %% 4 + 1 WHERE id = %s AND valid_range @> %s', k, a)
        WHEN 7 THEN format('INSERT INTO rc VALUES (1, %s, %s), (2, NULL, %s)', k, span, span)
        WHEN 8 THEN format('INSERT INTO rc SELECT 3, %s, valid_range * %s FROM rp WHERE id = %s AND valid_range && %s', k, span, k, span)
        WHEN 9 THEN format('UPDATE rc SET valid_range = int4range(lower(valid_range), upper(valid_range) + 1) WHERE pid = %s AND valid_range && %s', k, span)
        WHEN 10 THEN format('WITH d AS (DELETE FROM rp WHERE id = %s AND valid_range @> %s RETURNING *), i AS (INSERT INTO rp SELECT id, int4range(lower(valid_range), %s) FROM d WHERE lower(valid_range) < %s)'
            ' INSERT INTO rp SELECT id, int4range(%s, upper(valid_range)) FROM d', k, a, a, a, a)
        ELSE format('INSERT INTO rr VALUES (1, %s)', k)
    END;
END
$random_statement$;
CREATE FUNCTION attempt(statement text) RETURNS text LANGUAGE plpgsql AS $attempt$
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN foreign_key_violation OR exclusion_violation OR unique_violation THEN
    RETURN 'refused';
END
$attempt$;
CREATE FUNCTION expect(statement text) RETURNS text LANGUAGE plpgsql AS $expect$
DECLARE
    bad boolean;
BEGIN
    PERFORM set_config('session_replication_role', 'replica', true);
    EXECUTE statement;
    bad := (SELECT o.points + o.regular > 0 FROM orphans() AS o) OR overlaps() > 0;
    RAISE EXCEPTION USING ERRCODE = 'UT001', MESSAGE = CASE WHEN bad THEN 'refused' ELSE 'accepted' END;
EXCEPTION
    WHEN unique_violation THEN
        RETURN 'refused';
    WHEN SQLSTATE 'UT001' THEN
        RETURN SQLERRM;
END
$expect$;
CREATE FUNCTION run(rounds integer, cascading boolean, OUT accepted integer, OUT refused integer, OUT wrong text) LANGUAGE plpgsql AS $run$
DECLARE
    statement text;
    expected text;
    got text;
BEGIN
    accepted := 0;
    refused := 0;
    FOR i IN 1 .. rounds LOOP
        statement := random_statement();
        expected := CASE WHEN cascading THEN NULL ELSE expect(statement) END;
        got := attempt(statement);
        IF expected <> got OR (SELECT o.points + o.regular FROM orphans() AS o) > 0 OR overlaps() > 0 THEN
            wrong := statement;
            RETURN;
        END IF;
        IF got = 'accepted' THEN accepted := accepted + 1; ELSE refused := refused + 1; END IF;
        IF i % 40 = 0 THEN
            DELETE FROM rc WHERE random() < 0.5;
            DELETE FROM rr WHERE random() < 0.5;
        END IF;
    END LOOP;
END
$run$;
SELECT setseed(0.42);
SELECT accepted > 300 AS some_accepted, refused > 300 AS some_refused, wrong FROM run(1200, false);
SELECT temporal.foreign_key_validate('rc', 'rc_rp'), temporal.foreign_key_validate('rr', 'rr_rp');
TRUNCATE rp, rc, rr;
SELECT temporal.drop_constraint('rc', 'rc_rp'), temporal.drop_constraint('rr', 'rr_rp');
SELECT temporal.add_foreign_key('rc', '{pid}', 'rp', '{id}', on_delete := 'cascade', constraint_name := 'rc_rp');
SELECT temporal.add_foreign_key('rr', '{pid}', 'rp', '{id}', period := NULL, on_delete := 'cascade', constraint_name := 'rr_rp');
-- a cascade takes from the children what the parents lost, and nothing else: points of children before, minus lost points of parents
CREATE FUNCTION cascade_round(OUT statement text, OUT is_exact boolean, OUT lost bigint, OUT pieces bigint) LANGUAGE plpgsql AS $cascade_round$
DECLARE
    rows_before bigint := (SELECT count(*) FROM rc);
BEGIN
    CREATE TEMP TABLE points_before ON COMMIT DROP AS
        SELECT rc.id, rc.pid, t FROM rc CROSS JOIN LATERAL generate_series(lower(rc.valid_range), upper(rc.valid_range) - 1) AS t;
    statement := format('UPDATE rp SET valid_range = int4range(lower(valid_range) + %1$s, upper(valid_range)) WHERE id = %2$s AND upper(valid_range) > lower(valid_range) + %1$s',
        1 + floor(random() * 3), 1 + floor(random() * 4));
    IF random() < 0.5 THEN
        statement := format('WITH d AS (DELETE FROM rp WHERE id = %s AND valid_range @> %s RETURNING *) INSERT INTO rp SELECT id, int4range(lower(valid_range), %2$s) FROM d WHERE lower(valid_range) < %2$s',
            1 + floor(random() * 4), floor(random() * 20));
    END IF;
    EXECUTE statement;
    SELECT count(*) FILTER (WHERE a.t IS NULL),
        bool_and((a.t IS NOT NULL) = (b.pid IS NULL OR EXISTS (SELECT FROM rp WHERE rp.id = b.pid AND rp.valid_range @> b.t)))
            AND count(*) = (SELECT count(*) FROM points_before)
    INTO lost, is_exact
    FROM (SELECT id, pid, t, count(*) FROM points_before GROUP BY 1, 2, 3) AS g(id, pid, t, n)
    JOIN points_before AS b ON b.id = g.id AND b.pid IS NOT DISTINCT FROM g.pid AND b.t = g.t
    LEFT JOIN (SELECT DISTINCT rc.id, rc.pid, t FROM rc CROSS JOIN LATERAL generate_series(lower(rc.valid_range), upper(rc.valid_range) - 1) AS t) AS a
        ON a.id = b.id AND a.pid IS NOT DISTINCT FROM b.pid AND a.t = b.t
    WHERE g.n = 1;
    pieces := (SELECT count(*) FROM rc) - rows_before;
    DROP TABLE points_before;
END
$cascade_round$;
-- every child has an id of its own, so that its points tell it apart
INSERT INTO rp SELECT k, int4range(0, 30) FROM generate_series(1, 4) AS k;
CREATE FUNCTION cascade_rounds(rounds integer, OUT inexact text, OUT lost bigint, OUT split bigint) LANGUAGE plpgsql AS $cascade_rounds$
DECLARE
    one record;
BEGIN
    lost := 0;
    split := 0;
    FOR i IN 1 .. rounds LOOP
        DELETE FROM rc;
        DELETE FROM rp;
        INSERT INTO rp SELECT k, int4range(a, a + 1 + floor(random() * 5)::integer) FROM generate_series(1, 4) AS k, generate_series(0, 24, 6) AS a;
        INSERT INTO rp SELECT k, int4range(u, l) FROM (
            SELECT id AS k, upper(valid_range) AS u, lead(lower(valid_range)) OVER (PARTITION BY id ORDER BY valid_range) AS l FROM rp) AS h WHERE u < l;
        INSERT INTO rc
            SELECT row_number() OVER (), k, int4range(a, a + 1 + floor(random() * 10)::integer)
            FROM generate_series(1, 4) AS k, LATERAL (SELECT floor(random() * 14)::integer AS a FROM generate_series(1, 5 + 0 * k)) AS s;
        one := cascade_round();
        IF one.is_exact IS NOT TRUE THEN
            inexact := one.statement;
            RETURN;
        END IF;
        lost := lost + one.lost;
        split := split + greatest(one.pieces, 0);
    END LOOP;
END
$cascade_rounds$;
SELECT inexact, lost > 300 AS some_lost, split > 10 AS some_split FROM cascade_rounds(120);
SELECT accepted > 300 AS some_accepted, wrong FROM run(800, true);
SELECT temporal.foreign_key_validate('rc', 'rc_rp'), temporal.foreign_key_validate('rr', 'rr_rp');

\echo ** the index of a wider unique key serves as well, where the rows of a value do not stand by their time
DROP INDEX rc_pid_temporal_idx;
-- no index at all
SELECT temporal.foreign_key_validate('rc', 'rc_rp');
DELETE FROM rp;
ALTER TABLE rc ADD COLUMN n integer NOT NULL GENERATED ALWAYS AS IDENTITY;
CREATE INDEX rc_wide ON rc (pid, n, valid_range);
DELETE FROM rp;
DROP INDEX rc_wide;
CREATE UNIQUE INDEX rc_wide ON rc (pid, (n + 0), valid_range DESC) WHERE pid IS NOT NULL;
SELECT temporal.ensure_foreign_key_indexes('rc', 'rc_rp');
SELECT indexdef FROM pg_indexes WHERE schemaname = 'tfk' AND tablename = 'rc' ORDER BY 1;
SELECT temporal.foreign_key_validate('rc', 'rc_rp');
SELECT inexact, lost > 300 AS some_lost, split > 10 AS some_split FROM cascade_rounds(120);
SELECT accepted > 300 AS some_accepted, wrong FROM run(800, true);
TRUNCATE rp, rc, rr;
SELECT temporal.drop_constraint('rc', 'rc_rp'), temporal.drop_constraint('rr', 'rr_rp');
SELECT temporal.add_foreign_key('rc', '{pid}', 'rp', '{id}', constraint_name := 'rc_rp');
SELECT temporal.add_foreign_key('rr', '{pid}', 'rp', '{id}', period := NULL, constraint_name := 'rr_rp');
SELECT accepted > 300 AS some_accepted, refused > 300 AS some_refused, wrong FROM run(1200, false);
SELECT temporal.foreign_key_validate('rc', 'rc_rp');
-- the index goes with its key, and one for the foreign key comes
CREATE TABLE np (id integer NOT NULL, valid_range numrange NOT NULL);
CREATE TABLE nc (pid integer NOT NULL, kind text NOT NULL, valid_range numrange NOT NULL);
SELECT temporal.add_unique('np', '{id}'), temporal.add_unique('nc', '{pid,kind}', constraint_name := 'nc_key');
SELECT temporal.add_foreign_key('nc', '{pid}', 'np', '{id}', constraint_name := 'nc_np');
SELECT indexname FROM pg_indexes WHERE schemaname = 'tfk' AND tablename = 'nc' ORDER BY 1;
INSERT INTO np VALUES (1, '[0,1e20)'), (1, '[1e20,2e20)'), (2, '[0,1)');
INSERT INTO nc SELECT 1, 'k' || k, numrange(k * 1e18, (k + 30) * 1e18) FROM generate_series(0, 100) AS k;
DELETE FROM np WHERE id = 1 AND valid_range = '[1e20,2e20)';        -- fails
UPDATE np SET valid_range = '[1e20,1.2e20)' WHERE id = 1 AND valid_range = '[1e20,2e20)';       -- fails
UPDATE np SET valid_range = '[1e20,1.3e20)' WHERE id = 1 AND valid_range = '[1e20,2e20)';
DELETE FROM np WHERE id = 2;
SELECT temporal.drop_constraint('nc', 'nc_key');
SELECT indexname FROM pg_indexes WHERE schemaname = 'tfk' AND tablename = 'nc' ORDER BY 1;
DELETE FROM np WHERE id = 1 AND valid_range = '[1e20,1.3e20)';      -- fails
SET client_min_messages = error;
DROP SCHEMA tfk CASCADE;

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

-- Unique keys by themselves.
CREATE SCHEMA tkeys;
SET search_path = tkeys, public;
SET client_min_messages = warning;

\echo ** what an error carries
CREATE TABLE unit (
    id integer NOT NULL, name text, valid_from date NOT NULL, valid_until date NOT NULL DEFAULT 'infinity',
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED);
SELECT temporal.add_unique('unit', '{id}', constraint_name := 'unit_key');
INSERT INTO unit VALUES (1, 'a', '2020-01-01', '2021-01-01'), (1, 'b', '2021-01-01', DEFAULT);
CREATE FUNCTION refusal(statement text) RETURNS text LANGUAGE plpgsql AS $refusal$
DECLARE
    detail text; schema_name text; relation_name text; constraint_name text;
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, schema_name = SCHEMA_NAME, relation_name = TABLE_NAME, constraint_name = CONSTRAINT_NAME;
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(detail, ''), nullif(concat_ws('.', nullif(schema_name, ''), nullif(relation_name, ''), nullif(constraint_name, '')), ''));
END
$refusal$;
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SELECT refusal($$INSERT INTO unit VALUES (1, 'c', '2021-06-01', '2021-07-01')$$);
SELECT refusal($$INSERT INTO unit VALUES (1, 'c', '2021-01-01', 'infinity')$$);
SELECT refusal($$INSERT INTO unit VALUES (2, 'c', '2021-06-01', '2021-07-01'), (2, 'd', '2021-06-30', '2021-07-05')$$);
SELECT refusal($$UPDATE unit SET valid_until = '2021-01-02' WHERE name = 'a'$$);
SELECT refusal($$UPDATE unit SET id = 1 - id$$);
SELECT refusal($$WITH s AS (UPDATE unit SET valid_until = '2020-06-01' WHERE name = 'a') INSERT INTO unit VALUES (0, 'a2', '2020-06-01', '2021-01-01')$$);
\echo ** ON CONFLICT skips an equal slice, an overlap raises; it may update as well
SELECT refusal($$INSERT INTO unit VALUES (0, 'c', '2021-01-01') ON CONFLICT DO NOTHING$$);
SELECT refusal($$INSERT INTO unit VALUES (0, 'c', '2021-01-02') ON CONFLICT DO NOTHING$$);
SELECT refusal($$INSERT INTO unit VALUES (0, 'c', '2021-01-01') ON CONFLICT (id, valid_from, valid_until) DO UPDATE SET valid_from = '2020-12-01'$$);
SELECT refusal($$INSERT INTO unit VALUES (0, 'c', '2021-01-01') ON CONFLICT (id, valid_from, valid_until) DO UPDATE SET name = 'B'$$);
\echo ** COPY
COPY unit (id, valid_from, valid_until) FROM stdin;
7	2020-01-01	2021-01-01
7	2021-01-01	2022-01-01
\.
COPY unit (id, valid_from, valid_until) FROM stdin;
7	2021-06-01	2021-08-01
\.
SELECT id, name, valid_range FROM unit ORDER BY id, valid_from;
\echo ** empty periods and rows without a period are free
CREATE TABLE free (id integer, r int4range);
SELECT temporal.add_unique('free', '{id}', 'r', constraint_name := 'free_key');
INSERT INTO free VALUES (1, 'empty'), (1, NULL), (1, '[1,9)'), (1, '(,1)'), (1, '[9,)'), (NULL, '[1,9)'), (NULL, '[2,9)');
INSERT INTO free VALUES (1, NULL);
SELECT refusal($$INSERT INTO free VALUES (1, '[0,1)')$$);
SELECT refusal($$INSERT INTO free VALUES (1, '[1000000,)')$$);
SELECT refusal($$INSERT INTO free VALUES (1, '(,)')$$);
\echo ** no columns: one row at a time
CREATE TABLE single (r tstzrange NOT NULL);
SELECT temporal.add_unique('single', '{}', 'r', constraint_name := 'single_key');
INSERT INTO single VALUES ('[2020-01-01 00:00+00, 2020-01-02 00:00+00)'), ('[2020-01-02 00:00+00, infinity]');
SELECT refusal($$INSERT INTO single VALUES ('[infinity, infinity]')$$) ~ '^23P01';
\echo ** a primary key is used, and stays when the key goes
CREATE TABLE own_pk (id integer, code text COLLATE "C", valid_from date, valid_until date,
    valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED, PRIMARY KEY (id, valid_from, valid_until));
SELECT temporal.add_unique('own_pk', '{id}', constraint_name := 'own_pk_key');
SELECT temporal.add_unique('own_pk', '{code}', predicate := 'code > ''''', constraint_name := 'own_pk_code');
SELECT temporal.add_unique('own_pk', '{code}', is_deferrable := true, nulls_not_distinct := true, predicate := 'code IS NULL', constraint_name := 'own_pk_null');
SELECT indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'own_pk'::regclass ORDER BY indexrelid::regclass::text COLLATE "C";
SELECT constraint_name, columns, predicate, nulls_not_distinct, is_deferrable FROM temporal.constraint WHERE table_name = 'own_pk' ORDER BY 1;
INSERT INTO own_pk VALUES (1, 'x', '2020-01-01', '2021-01-01'), (2, NULL, '2020-01-01', '2021-01-01'), (3, '', '2020-01-01', '2021-01-01'), (4, '', '2020-01-01', '2021-01-01');
SELECT refusal($$INSERT INTO own_pk VALUES (1, 'y', '2020-12-31', 'infinity')$$);
SELECT refusal($$INSERT INTO own_pk VALUES (5, 'x', '2020-12-31', 'infinity')$$);
SELECT refusal($$INSERT INTO own_pk VALUES (5, NULL, '2020-12-31', 'infinity')$$);
SELECT refusal($$UPDATE own_pk SET code = 'x' WHERE id = 4$$);
\echo ** every name may change
ALTER TABLE own_pk RENAME TO "Own Table";
ALTER TABLE "Own Table" RENAME COLUMN code TO "Code X";
ALTER TABLE "Own Table" RENAME COLUMN valid_range TO "Valid";
ALTER TABLE "Own Table" RENAME COLUMN valid_from TO "from";
ALTER TRIGGER own_pk_code ON "Own Table" RENAME TO "Codes";
ALTER TRIGGER own_pk_null ON "Own Table" RENAME TO own_pk_code;
ALTER INDEX own_pk_null RENAME TO "null index";
ALTER SCHEMA tkeys RENAME TO tkeys2;
SET search_path = tkeys2, public;
SELECT constraint_name, columns, period, predicate, nulls_not_distinct, is_deferrable FROM temporal.constraint WHERE table_name = 'Own Table' ORDER BY 1;
SELECT refusal($$INSERT INTO "Own Table" VALUES (1, 'y', '2020-12-31', 'infinity')$$);
SELECT refusal($$INSERT INTO "Own Table" VALUES (5, 'x', '2020-12-31', 'infinity')$$);
SELECT refusal($$INSERT INTO "Own Table" VALUES (5, NULL, '2020-12-31', 'infinity')$$);
ALTER SCHEMA tkeys2 RENAME TO tkeys;
SET search_path = tkeys, public;
\echo ** what pg_dump writes makes it again
CREATE TEMP TABLE dumped AS
    SELECT 1 AS step, pg_get_indexdef(i.indexrelid) AS statement FROM pg_index AS i WHERE i.indrelid = '"Own Table"'::regclass AND NOT i.indisprimary
    UNION ALL SELECT 2, pg_get_triggerdef(t.oid) FROM pg_trigger AS t WHERE t.tgrelid = '"Own Table"'::regclass;
SELECT statement FROM dumped ORDER BY step, statement COLLATE "C";
ALTER TABLE "Own Table" RENAME TO old_table;
CREATE TABLE "Own Table" (id integer, "Code X" text COLLATE "C", "from" date, valid_until date,
    "Valid" daterange GENERATED ALWAYS AS (daterange("from", valid_until)) STORED, PRIMARY KEY (id, "from", valid_until));
INSERT INTO "Own Table" SELECT id, "Code X", "from", valid_until FROM old_table;
DROP TABLE old_table;
DO $restore$ DECLARE s text; BEGIN FOR s IN SELECT statement FROM dumped ORDER BY step, statement LOOP EXECUTE s; END LOOP; END $restore$;
DROP TABLE dumped;
SELECT constraint_name, columns, period, predicate, nulls_not_distinct, is_deferrable FROM temporal.constraint WHERE table_name = 'Own Table' ORDER BY 1;
SELECT temporal.validate_constraint('"Own Table"', c.constraint_name) FROM temporal.constraint AS c WHERE table_name = 'Own Table' ORDER BY c.constraint_name;
SELECT refusal($$INSERT INTO "Own Table" VALUES (1, 'y', '2020-12-31', 'infinity')$$);
SELECT refusal($$INSERT INTO "Own Table" VALUES (5, 'x', '2020-12-31', 'infinity')$$);
SELECT refusal($$INSERT INTO "Own Table" VALUES (5, NULL, '2020-12-31', 'infinity')$$);
\echo ** columns of a key stay; TRUNCATE is free; indexes go with the keys they were made for
SELECT refusal($$ALTER TABLE "Own Table" DROP COLUMN "Code X"$$);
TRUNCATE "Own Table";
SELECT temporal.drop_constraint('"Own Table"', 'own_pk_key'), temporal.drop_constraint('"Own Table"', 'Codes'), temporal.drop_constraint('"Own Table"', 'own_pk_code');
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = '"Own Table"'::regclass;
SELECT count(*) FROM pg_trigger WHERE tgrelid = '"Own Table"'::regclass;
SELECT refusal($$SELECT temporal.drop_constraint('"Own Table"', 'own_pk_key')$$);
\echo ** a key without its index refuses writes
CREATE TABLE bare (id integer, r int4range);
SELECT temporal.add_unique('bare', '{id}', 'r', constraint_name := 'bare_key');
DROP INDEX bare_key;
SELECT refusal($$INSERT INTO bare VALUES (1, '[1,2)')$$);
CREATE INDEX CONCURRENTLY bare_other ON bare (id, r);
SELECT refusal($$INSERT INTO bare VALUES (1, '[1,2)')$$), refusal($$INSERT INTO bare VALUES (1, '[1,4)')$$);
REINDEX INDEX CONCURRENTLY bare_other;
SELECT refusal($$INSERT INTO bare VALUES (1, '[1,4)')$$);
\echo ** a statement without triggers leaves overlaps, which validate_constraint finds
SET session_replication_role = replica;
INSERT INTO bare VALUES (1, '[1,4)');
RESET session_replication_role;
SELECT refusal($$SELECT temporal.validate_constraint('bare', 'bare_key')$$);
ALTER TABLE bare DISABLE TRIGGER bare_key;
SELECT refusal($$INSERT INTO bare VALUES (1, '[2,4)')$$);
ALTER TABLE bare ENABLE TRIGGER bare_key;
SELECT refusal($$INSERT INTO bare VALUES (1, '[3,5)')$$);
SELECT refusal($$SELECT temporal.validate_constraint('bare', 'nothing')$$);
SELECT refusal($$SELECT temporal.validate_constraint('bare', NULL)$$);
DELETE FROM bare WHERE r <> '[1,2)';
SELECT refusal($$SELECT temporal.validate_constraint('bare', 'bare_key')$$);
\echo ** refused: partitions, views, tables of others, types without an order, odd lists
CREATE TABLE whole (id integer, r int4range) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF whole FOR VALUES IN (1);
CREATE VIEW seen AS SELECT * FROM bare;
CREATE FUNCTION turned(date, date) RETURNS daterange LANGUAGE sql IMMUTABLE AS $turned$ SELECT daterange($2, $1) $turned$;
CREATE TABLE pointed (p point, r int4range, u date, v date, g daterange GENERATED ALWAYS AS (daterange(u, v, '[]')) STORED,
    h daterange GENERATED ALWAYS AS (daterange(u, v) * daterange(u, NULL)) STORED, k daterange GENERATED ALWAYS AS (turned(u, v)) STORED);
SELECT refusal($$SELECT temporal.add_unique('whole', '{id}', 'r')$$);
SELECT refusal($$SELECT temporal.add_unique('part', '{id}', 'r')$$);
SELECT refusal($$SELECT temporal.add_unique('seen', '{id}', 'r')$$);
SELECT refusal($$SELECT temporal.add_unique('pointed', '{p}', 'r')$$);
SELECT refusal($$SELECT temporal.add_unique('pointed', '{u,u}', 'r')$$);
SELECT refusal($$SELECT temporal.add_unique('pointed', '{r}', 'r')$$);
SELECT refusal($$SELECT temporal.add_unique('pointed', '{u}', 'p')$$);
SELECT refusal($$SELECT temporal.add_unique('pointed', '{u}', 'h')$$);
SELECT refusal($$SELECT temporal.add_unique('pointed', '{u,NULL}', 'r')$$);
SELECT refusal($$SELECT temporal.add_unique('pointed', '{u}', 'r', is_deferrable := NULL)$$);
SELECT refusal($$SELECT temporal.add_unique('pointed', '{u}', 'r', nulls_not_distinct := NULL)$$);
SELECT refusal($$SELECT temporal.add_unique('pointed', '{u}', 'r', is_deferrable := true, initially_deferred := NULL)$$);
SELECT refusal($$SELECT temporal.add_unique('bare', '{id}', 'r', constraint_name := 'bare_key')$$);
SELECT refusal($$SELECT temporal.add_unique('pointed', '{u}', 'g')$$);
SELECT refusal($$SELECT temporal.add_unique('pointed', '{u}', 'k')$$);
SELECT refusal($$SELECT temporal.merge('pointed', 'pointed', '{u}', period := 'k')$$);
\echo ** rights: rows that the writer may not see count, and stay unseen
CREATE ROLE regress_temporal_unique;
GRANT USAGE ON SCHEMA tkeys TO regress_temporal_unique;
GRANT INSERT ON bare TO regress_temporal_unique;
GRANT INSERT, SELECT ON free TO regress_temporal_unique;
ALTER TABLE free ENABLE ROW LEVEL SECURITY;
CREATE POLICY nothing ON free FOR SELECT USING (false);
CREATE POLICY write ON free FOR INSERT WITH CHECK (true);
SET ROLE regress_temporal_unique;
SELECT refusal($$INSERT INTO bare VALUES (1, '[1,4)')$$);
SELECT refusal($$INSERT INTO free VALUES (1, '[1,4)')$$);
SELECT refusal($$INSERT INTO free VALUES (2, '[1,4)')$$);
SELECT refusal($$SELECT temporal.add_unique('bare', '{}', 'r')$$);
SELECT refusal($$SELECT temporal.drop_constraint('bare', 'bare_key')$$);
SELECT refusal($$SELECT temporal.validate_constraint('bare', 'bare_key')$$);
RESET ROLE;
GRANT SELECT (id, r) ON bare TO regress_temporal_unique;
SET ROLE regress_temporal_unique;
SELECT refusal($$INSERT INTO bare VALUES (1, '[1,4)')$$);
RESET ROLE;
\echo ** deferrable: checked at the end of the statement, or of the transaction
CREATE TABLE late (id integer, r int4range, note text);
SELECT temporal.add_unique('late', '{id}', 'r', is_deferrable := true, constraint_name := 'late_key');
INSERT INTO late SELECT 1, int4range(i, i + 1) FROM generate_series(1, 300) AS i;
UPDATE late SET r = int4range(lower(r) + 1, upper(r) + 1);
SELECT refusal($$INSERT INTO late VALUES (1, '[2,3)')$$);
SELECT refusal($$INSERT INTO late SELECT 2, int4range(i, i + CASE WHEN i = 290 THEN 2 ELSE 1 END) FROM generate_series(1, 300) AS i$$);
BEGIN;
SET CONSTRAINTS late_key DEFERRED;
INSERT INTO late VALUES (1, '[2,3)'), (1, '[50,70)');
DELETE FROM late WHERE note IS NULL AND lower(r) BETWEEN 50 AND 69 AND upper(r) < 70 OR r = '[69,70)';
DELETE FROM late WHERE ctid = (SELECT min(ctid) FROM late WHERE r = '[2,3)');
COMMIT;
SELECT count(*), range_agg(r) FROM late;
BEGIN;
SET CONSTRAINTS late_key DEFERRED;
INSERT INTO late SELECT 3, int4range(i, i + 1) FROM generate_series(1, 400) AS i;
SAVEPOINT a;
INSERT INTO late VALUES (3, '[7,8)');
SELECT refusal('SET CONSTRAINTS ALL IMMEDIATE');
ROLLBACK TO a;
INSERT INTO late VALUES (3, '[7,8)');
COMMIT;
SELECT count(*) FROM late WHERE id = 3;
\echo ** what a BEFORE trigger changes without the statement saying so
CREATE FUNCTION widen() RETURNS trigger LANGUAGE plpgsql AS $widen$ BEGIN NEW.r := int4range(1, 400); RETURN NEW; END $widen$;
CREATE TRIGGER widen BEFORE UPDATE ON late FOR EACH ROW WHEN (NEW.note = 'wide') EXECUTE FUNCTION widen();
SELECT refusal($$UPDATE late SET note = 'wide' WHERE lower(r) = 2 AND id = 1$$);
UPDATE late SET note = 'narrow' WHERE lower(r) = 2 AND id = 1;
\echo ** a row that is gone at its check, and an own row right of it
CREATE FUNCTION unsay() RETURNS trigger LANGUAGE plpgsql AS $unsay$ BEGIN DELETE FROM late WHERE note = 's'; RETURN NULL; END $unsay$;
CREATE TRIGGER a_unsay AFTER INSERT ON late FOR EACH ROW WHEN (NEW.note = 's') EXECUTE FUNCTION unsay();
INSERT INTO late VALUES (9, '[1,20)');
SELECT refusal($$INSERT INTO late VALUES (9, '[15,18)', 'q'), (9, '[10,12)', 's')$$);
SELECT refusal($$INSERT INTO late VALUES (9, '[25,28)', 'q'), (9, '[10,12)', 's')$$);

\echo ** random statements against an overlap query: every kind of range, key and statement
CREATE TYPE letters AS RANGE (subtype = text, collation = "C");
CREATE FUNCTION period_sql(kind text, lo integer, hi integer, bounds text) RETURNS text LANGUAGE sql AS $period_sql$
    SELECT CASE kind
        WHEN 'int4' THEN format('int4range(%s, %s, %L)', lo, hi, bounds)
        WHEN 'int8' THEN format('int8range(%s, %s, %L)', lo * 5000000000, hi * 5000000000, bounds)
        WHEN 'date' THEN format('daterange(date ''2020-01-01'' + %s, date ''2020-01-01'' + %s, %L)', lo, hi, bounds)
        WHEN 'tstz' THEN format('tstzrange(timestamptz ''2020-01-01 00:00+00'' + %s * interval ''1 h'', timestamptz ''2020-01-01 00:00+00'' + %s * interval ''1 h'', %L)', lo, hi, bounds)
        WHEN 'num' THEN format('numrange(%s / 2.0, %s / 2.0, %L)', lo, hi, bounds)
        WHEN 'letters' THEN format('letters(repeat(chr(97 + %s), 3), repeat(chr(97 + %s), 3), %L)', lo, hi, bounds) END
$period_sql$;
CREATE FUNCTION random_keys(kind text, generated boolean, columns name[], predicate text, nnd boolean, defer boolean, steps integer)
RETURNS TABLE (refused integer, accepted integer, passing integer, rows integer, wrong text) LANGUAGE plpgsql AS $random_keys$
DECLARE
    statement text; verb integer; expected boolean; state text; a integer; b integer; k text; bounds text; overlapping text; equals text; equal boolean; n integer;
    same text;
BEGIN
    refused := 0; accepted := 0; passing := 0; wrong := '';
    EXECUTE format('CREATE TABLE keyed (n integer, a integer, b text, f date, u date, r %s)',
        CASE WHEN generated THEN 'daterange GENERATED ALWAYS AS (daterange(f, u)) STORED' ELSE CASE kind WHEN 'letters' THEN 'letters' ELSE kind || 'range' END END);
    CREATE TABLE twin (LIKE keyed INCLUDING GENERATED);
    PERFORM temporal.add_unique('keyed', columns, 'r', predicate, nnd, defer, constraint_name := 'keyed_key');
    SELECT coalesce(string_agg(format(CASE WHEN nnd THEN 'x.%1$I IS NOT DISTINCT FROM y.%1$I' ELSE 'x.%1$I = y.%1$I' END, c), ' AND '), 'true')
    INTO same FROM unnest(columns) AS c;
    overlapping := format('SELECT EXISTS (SELECT FROM (SELECT * FROM twin WHERE %1$s) AS x JOIN (SELECT * FROM twin WHERE %1$s) AS y ON x.n < y.n AND x.r && y.r AND %2$s)',
        coalesce(predicate, 'true'), same);
    equals := format('SELECT EXISTS (SELECT FROM twin AS x JOIN twin AS y ON x.n < y.n AND %s AND (isempty(x.r) AND isempty(y.r) OR coalesce(x.r, y.r) IS NULL))', same);
    FOR step IN 1..steps LOOP
        verb := floor(random() * 10);
        n := step * 10;
        statement := '';
        FOR i IN 1..CASE WHEN verb < 4 THEN 1 WHEN verb < 6 THEN 1 + floor(random() * 3)::integer ELSE 1 END LOOP
            a := floor(random() * 14); b := a + CASE WHEN random() < 0.05 THEN 0 ELSE 1 + floor(random() * random() * 5)::integer END;
            bounds := CASE WHEN kind IN ('num', 'tstz', 'letters') THEN (ARRAY['[)', '[)', '[]', '(]', '()'])[1 + floor(random() * 5)::integer] ELSE '[)' END;
            k := CASE WHEN random() < 0.15 THEN 'NULL' ELSE floor(random() * 3)::integer::text END || ', ' ||
                CASE WHEN random() < 0.15 THEN 'NULL' ELSE quote_literal(chr(97 + floor(random() * 2)::integer)) END;
            IF verb < 6 THEN
                IF generated THEN
                    statement := statement || format(', (%s, %s, %s, %s)', n + i, k,
                        CASE WHEN random() < 0.1 THEN 'NULL' ELSE format('date ''2020-01-01'' + %s', a) END, CASE WHEN random() < 0.1 THEN 'NULL' ELSE format('date ''2020-01-01'' + %s', b) END);
                ELSE
                    statement := statement || format(', (%s, %s, NULL, NULL, %s)', n + i, k,
                        CASE WHEN random() < 0.04 THEN 'NULL' WHEN random() < 0.04 THEN quote_literal('empty') WHEN random() < 0.05 THEN quote_literal('(,)') ELSE period_sql(kind, a, b, bounds) END);
                END IF;
            END IF;
        END LOOP;
        IF verb < 6 THEN
            statement := format('INSERT INTO %%s (n, a, b, f, u%s) VALUES %s', CASE WHEN generated THEN '' ELSE ', r' END, substr(statement, 3));
        ELSIF verb = 6 THEN
            statement := format('DELETE FROM %%s WHERE mod(n, 7) = %s', floor(random() * 7));
        ELSIF verb = 7 THEN
            statement := format('UPDATE %%s SET a = %s WHERE mod(n, 11) = %s', floor(random() * 3), floor(random() * 11));
        ELSIF verb = 8 THEN
            statement := format('UPDATE %%s SET b = b WHERE mod(n, 3) = %s', floor(random() * 3));
        ELSIF generated THEN
            statement := format('UPDATE %%s SET f = f + %1$s, u = u + %1$s WHERE mod(n, %2$s) = 0', floor(random() * 5)::integer, 1 + floor(random() * 4)::integer);
        ELSE
            statement := format('UPDATE %%s SET r = %s WHERE mod(n, 13) = %s', period_sql(kind, a, b, bounds), floor(random() * 13));
        END IF;
        expected := NULL; state := '00000';
        BEGIN
            EXECUTE format(statement, 'twin');
            EXECUTE overlapping INTO expected;
            IF expected THEN
                RAISE EXCEPTION USING ERRCODE = 'XX999';
            END IF;
            BEGIN
                EXECUTE format(statement, 'keyed');
            EXCEPTION WHEN exclusion_violation OR unique_violation THEN
                state := SQLSTATE;
                EXECUTE equals INTO equal;
            END;
            IF state <> '00000' THEN
                RAISE EXCEPTION USING ERRCODE = 'XX999';
            END IF;
        EXCEPTION WHEN SQLSTATE 'XX999' THEN
            IF expected THEN
                BEGIN
                    EXECUTE format(statement, 'keyed');
                EXCEPTION WHEN exclusion_violation OR unique_violation THEN
                    state := SQLSTATE;
                END;
            END IF;
        END;
        IF expected AND state <> '00000' THEN
            refused := refused + 1;
        ELSIF NOT expected AND state = '00000' THEN
            accepted := accepted + 1;
        ELSIF NOT expected AND state = '23505' AND NOT defer AND (verb > 6 OR equal) THEN
            -- an immediate unique index sees equal slices in the middle of an UPDATE, and equal empty ones
            passing := passing + 1;
        ELSE
            wrong := wrong || format(E'\nexpected %s got %s: %s', expected, state, statement);
            EXIT;
        END IF;
        IF step % 40 = 0 THEN
            PERFORM temporal.validate_constraint('keyed', 'keyed_key');
            EXECUTE 'DELETE FROM keyed WHERE mod(n, 4) = 0'; EXECUTE 'DELETE FROM twin WHERE mod(n, 4) = 0';
        END IF;
    END LOOP;
    EXECUTE 'SELECT count(*) FROM ((TABLE keyed EXCEPT ALL TABLE twin) UNION ALL (TABLE twin EXCEPT ALL TABLE keyed)) AS d' INTO rows;
    IF rows > 0 THEN
        wrong := wrong || format(E'\n%s rows differ', rows);
    END IF;
    SELECT count(*) INTO rows FROM twin;
    DROP TABLE keyed, twin;
    RETURN NEXT;
END
$random_keys$;
SELECT setseed(0.31);
\pset tuples_only off
\pset format aligned
SELECT v.*, r.* FROM (VALUES
    (1, 'int4', false, '{a}'::name[], NULL, false, false), (2, 'int4', false, '{a,b}', NULL, true, false), (3, 'int4', false, '{b}', 'a > 0', false, true),
    (4, 'int8', false, '{b,a}', NULL, false, false), (5, 'date', false, '{a}', NULL, true, true), (6, 'date', true, '{a}', NULL, false, false),
    (7, 'date', true, '{b,a}', NULL, true, false), (8, 'date', true, '{a}', 'b IS NOT NULL', false, true), (9, 'tstz', false, '{a}', NULL, false, false),
    (10, 'num', false, '{a}', NULL, false, false), (11, 'num', false, '{b}', 'a = 1', true, true), (12, 'letters', false, '{a}', NULL, false, false),
    (13, 'letters', false, '{b,a}', NULL, true, true), (14, 'date', true, '{}', NULL, false, false)) AS v(nr, kind, generated, columns, predicate, nnd, defer)
CROSS JOIN LATERAL random_keys(v.kind, v.generated, v.columns, v.predicate, v.nnd, v.defer, 250) AS r ORDER BY v.nr;
\echo ** deferred rows of many statements and subtransactions, checked at random moments
CREATE TABLE defer_keyed (n integer, id integer, r int4range);
SELECT temporal.add_unique('defer_keyed', '{id}', 'r', is_deferrable := true, constraint_name := 'defer_keyed_key');
CREATE FUNCTION random_deferred(rounds integer, OUT refused integer, OUT accepted integer, OUT undone integer, OUT largest integer, OUT wrong integer)
LANGUAGE plpgsql AS $random_deferred$
DECLARE
    expected boolean; state text; many integer; depth integer;
BEGIN
    refused := 0; accepted := 0; undone := 0; largest := 0; wrong := 0;
    FOR i IN 1..rounds LOOP
        state := '00000';
        BEGIN
            TRUNCATE defer_keyed;
            SET CONSTRAINTS defer_keyed_key DEFERRED;
            FOR part IN 1..1 + floor(random() * 4)::integer LOOP
                many := CASE WHEN random() < 0.5 THEN 3 ELSE 70 + floor(random() * 200)::integer END;
                largest := greatest(largest, many);
                BEGIN
                    -- rows in gaps of four, sometimes moved into another's place
                    INSERT INTO defer_keyed SELECT part * 1000 + g, g % 3, int4range(part * 1000 + g * 4, part * 1000 + g * 4 + 4) FROM generate_series(1, many) AS g;
                    IF random() < 0.5 THEN
                        UPDATE defer_keyed SET r = int4range(lower(r), upper(r) + 9) WHERE n = part * 1000 + floor(random() * many)::integer;
                    END IF;
                    IF random() < 0.3 THEN
                        UPDATE defer_keyed SET r = int4range(lower(r), lower(r) + 4) WHERE upper(r) - lower(r) > 4;
                    END IF;
                    IF random() < 0.3 THEN
                        SELECT EXISTS (SELECT FROM defer_keyed AS x JOIN defer_keyed AS y ON x.id = y.id AND x.ctid < y.ctid AND x.r && y.r) INTO expected;
                        BEGIN
                            SET CONSTRAINTS defer_keyed_key IMMEDIATE;
                            wrong := wrong + expected::integer;
                            SET CONSTRAINTS defer_keyed_key DEFERRED;
                        EXCEPTION WHEN exclusion_violation THEN
                            wrong := wrong + (NOT expected)::integer;
                        END;
                    END IF;
                    IF random() < 0.3 THEN
                        RAISE EXCEPTION USING ERRCODE = 'XX999';
                    END IF;
                EXCEPTION WHEN SQLSTATE 'XX999' THEN
                    undone := undone + 1;
                END;
            END LOOP;
            SELECT EXISTS (SELECT FROM defer_keyed AS x JOIN defer_keyed AS y ON x.id = y.id AND x.ctid < y.ctid AND x.r && y.r) INTO expected;
            SET CONSTRAINTS defer_keyed_key IMMEDIATE;
        EXCEPTION WHEN exclusion_violation THEN
            state := SQLSTATE;
        END;
        wrong := wrong + (expected <> (state <> '00000'))::integer;
        IF state <> '00000' THEN refused := refused + 1; ELSE accepted := accepted + 1; END IF;
    END LOOP;
END
$random_deferred$;
SELECT * FROM random_deferred(150);
\echo ** large statements: the walk over the whole index finds what the search finds
CREATE TABLE large (id integer NOT NULL, r daterange NOT NULL, note integer);
SELECT temporal.add_unique('large', '{id}', 'r', constraint_name := 'large_key');
INSERT INTO large SELECT i % 100, daterange(date '2000-01-01' + i, date '2000-01-01' + i + 100) FROM generate_series(0, 4999) AS i;
SELECT refusal($$INSERT INTO large SELECT i % 100, daterange(date '2000-01-01' + i, date '2000-01-01' + i + 100 + (i = 7777)::integer) FROM generate_series(5000, 9999) AS i$$);
SELECT refusal($$INSERT INTO large SELECT i % 100, daterange(date '2000-01-01' + i, date '2000-01-01' + i + 100) FROM generate_series(5000, 9999) AS i$$);
SELECT refusal($$UPDATE large SET r = daterange(lower(r), upper(r) - 1) WHERE lower(r) >= '2010-01-01'$$);
SELECT refusal($$UPDATE large SET r = daterange(lower(r), upper(r) + 1) WHERE lower(r) >= '2010-01-01'$$);
SELECT refusal($$UPDATE large SET r = daterange(lower(r), upper(r) + 2) WHERE lower(r) >= '2010-01-01'$$);
SELECT refusal($$UPDATE large SET note = 1$$);
SET work_mem = '64kB';
SELECT refusal($$UPDATE large SET r = daterange(lower(r), upper(r) + 2) WHERE lower(r) >= '2010-01-01'$$);
SELECT refusal($$UPDATE large SET note = 2$$);
RESET work_mem;
SELECT count(*), sum(note) FROM large;
SET client_min_messages = error;
DROP SCHEMA tkeys CASCADE;
DROP ROLE regress_temporal_unique;

-- Triggers that somebody has made himself define no key, or lack what they need: they are refused, nothing else happens.
CREATE TABLE forged (id integer, valid_range daterange);
INSERT INTO forged VALUES (1, '[2020-01-01,2021-01-01)');
\set VERBOSITY sqlstate
CREATE CONSTRAINT TRIGGER forged_key AFTER UPDATE ON forged FOR EACH ROW EXECUTE FUNCTION temporal.unique_key('columns 99', 'index ');
UPDATE forged SET id = 2;                                                       -- fails
DROP TRIGGER forged_key ON forged;
CREATE CONSTRAINT TRIGGER forged_key AFTER UPDATE OF id, valid_range ON forged DEFERRABLE FOR EACH ROW EXECUTE FUNCTION temporal.unique_key('partial', 'index forged_id', 'columns 1');
UPDATE forged SET id = 2;                                                       -- fails
DROP TRIGGER forged_key ON forged;
CREATE INDEX forged_id ON forged (id, valid_range);
CREATE TRIGGER temporal_key_update AFTER UPDATE ON forged REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION temporal.key_statement();
CREATE CONSTRAINT TRIGGER forged_child AFTER UPDATE OF id, valid_range ON forged FROM forged FOR EACH ROW WHEN (false) EXECUTE FUNCTION temporal.foreign_key_child('forged', 'cascade');
CREATE CONSTRAINT TRIGGER forged_parent AFTER UPDATE OF id, valid_range ON forged FROM forged FOR EACH ROW WHEN (false) EXECUTE FUNCTION temporal.foreign_key_parent('forged', 'cascade');
UPDATE forged SET id = 2;                                                       -- fails
\set VERBOSITY default
DROP TABLE forged;

-- What a trigger's arguments say never breaks the list of all keys, nor is the name of an index taken for the number of columns.
CREATE TABLE named (id integer, valid_range daterange);
SELECT temporal.add_unique('named', '{id}', constraint_name => 'my columns 0');
CREATE CONSTRAINT TRIGGER forged_key AFTER UPDATE OF id, valid_range ON named FOR EACH ROW WHEN (false) EXECUTE FUNCTION temporal.unique_key('columns 99999999999');
SELECT constraint_name, columns, period FROM temporal.constraint WHERE relation = 'named'::regclass ORDER BY 1;
DROP TABLE named;

-- The definitions of tables that are gone are not kept: a session that makes and drops tables does not grow.
DO $$
BEGIN
    FOR i IN 1..50 LOOP
        CREATE TEMP TABLE passing (id integer, valid_range daterange);
        PERFORM temporal.add_unique('passing', '{id}');
        INSERT INTO passing VALUES (1, '[2020-01-01,2021-01-01)');
        DROP TABLE passing;
    END LOOP;
END
$$;
SELECT count(*) < 40 AS is_small FROM pg_backend_memory_contexts WHERE name = 'statbus temporal keys';

-- A keyed table stays a table of its own: through a parent its statement triggers would not fire.
CREATE TABLE lone (id integer, valid_range daterange);
CREATE TABLE parted (id integer, valid_range daterange) PARTITION BY LIST (id);
CREATE TABLE elder (id integer, valid_range daterange);
SELECT temporal.add_unique('lone', '{id}', constraint_name => 'lone_key');
\set VERBOSITY terse
ALTER TABLE parted ATTACH PARTITION lone DEFAULT;                               -- fails
ALTER TABLE lone INHERIT elder;                                                 -- fails
\set VERBOSITY default
SELECT temporal.drop_constraint('lone', 'lone_key');
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'lone'::regclass;
ALTER TABLE parted ATTACH PARTITION lone DEFAULT;
DROP TABLE parted, elder;

\echo ** statements of many rows into a large table: what lies close together is walked over, the rest is searched
CREATE TABLE large (n integer GENERATED ALWAYS AS IDENTITY, id integer NOT NULL, kind text NOT NULL, f date NOT NULL, u date NOT NULL,
                    r daterange GENERATED ALWAYS AS (daterange(f, u)) STORED);
CREATE TABLE mirror (LIKE large INCLUDING ALL);
INSERT INTO large (id, kind, f, u) SELECT i, k, date '2020-01-01' + i % 9, date '2020-02-01' + i % 7 FROM generate_series(1, 4000) AS i, unnest('{a,b}'::text[]) AS k;
INSERT INTO mirror SELECT FROM large WHERE false;
SELECT temporal.add_unique('large', '{id,kind}', period => 'r', constraint_name => 'large_key');
CREATE FUNCTION many_rows(rounds integer, OUT refused integer, OUT accepted integer, OUT wrong text) LANGUAGE plpgsql AS $many_rows$
DECLARE
    start integer;
    statement text;
    expected boolean;
    was_refused boolean;
BEGIN
    refused := 0;
    accepted := 0;
    INSERT INTO mirror (id, kind, f, u) SELECT id, kind, f, u FROM large ORDER BY n;
    FOR i IN 1 .. rounds LOOP
        start := CASE WHEN random() < 0.5 THEN 1 + floor(random() * 3900) ELSE 5000 + i * 400 END;
        statement := CASE floor(random() * 4)
            -- other time of units that are there, or new ones; now and then one of them twice, or one that is there
            WHEN 0 THEN format('INSERT INTO %%s (id, kind, f, u) SELECT %1$s + x, ''a'', date ''2021-01-01'' + %2$s, date ''2021-02-01'' + %2$s FROM generate_series(1, 70) AS x', start, i * 40)
            WHEN 1 THEN format('INSERT INTO %%s (id, kind, f, u) SELECT %s + mod(x, %s), chr(97 + x / 100), date ''2021-01-01'' + %s + x, date ''infinity'' FROM generate_series(0, 199) AS x',
                               start, CASE WHEN random() < 0.5 THEN 99 ELSE 100 END, i * 40)
            WHEN 2 THEN format('INSERT INTO %%s (id, kind, f, u) SELECT %1$s * x, ''b'', date ''2020-01-01'' - %2$s, date ''2020-01-01'' - %2$s + %3$s FROM generate_series(1, 90) AS x',
                               1 + floor(random() * 40)::integer, i * 10, CASE WHEN random() < 0.5 THEN 9 ELSE 11 + i * 10 END)
            -- what was there before lies in the index as well
            ELSE format('UPDATE %%s SET f = f + %1$s, u = CASE u WHEN ''infinity'' THEN u ELSE u + %2$s END WHERE id BETWEEN %3$s AND %3$s + 80',
                        floor(random() * 2)::integer, 1 + floor(random() * 3)::integer, start) END;
        was_refused := false;
        BEGIN
            EXECUTE format(statement, 'large');
        EXCEPTION WHEN exclusion_violation OR unique_violation THEN
            was_refused := true;
        END;
        BEGIN
            EXECUTE format(statement, 'mirror');
            expected := EXISTS (SELECT FROM mirror AS a JOIN mirror AS b ON b.id = a.id AND b.kind = a.kind AND b.n > a.n AND a.r && b.r);
            IF expected THEN
                RAISE EXCEPTION 'away with it' USING ERRCODE = 'ZZ001';
            END IF;
        EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
            NULL;
        END;
        IF was_refused <> expected THEN
            wrong := statement;
            RETURN;
        END IF;
        refused := refused + was_refused::integer;
        accepted := accepted + (NOT was_refused)::integer;
    END LOOP;
END
$many_rows$;
SELECT refused > 20 AS some_refused, accepted > 40 AS some_accepted, wrong FROM many_rows(120);
SELECT count(*) = (SELECT count(*) FROM mirror) AS is_equal FROM large;
-- a trigger takes a row away again, and another one comes under what it covered
CREATE FUNCTION takes_away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM large WHERE id = 90001 AND kind = 'gone'; RETURN NULL; END $$;
CREATE TRIGGER a_takes_away AFTER INSERT ON large FOR EACH STATEMENT EXECUTE FUNCTION takes_away();
INSERT INTO large (id, kind, f, u) SELECT 90000 + x, k, date '2020-01-01', date 'infinity' FROM generate_series(1, 80) AS x, unnest('{gone,stays}'::text[]) AS k
UNION ALL SELECT 90001, 'gone', '2021-01-01', 'infinity';
SELECT count(*) FROM large WHERE id >= 90000;
DROP TABLE large, mirror;
DROP FUNCTION many_rows, takes_away;

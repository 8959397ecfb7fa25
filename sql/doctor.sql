-- statbus.doctor(): nothing to say of a register as it is made, and every fault by its name.
\set VERBOSITY terse
\pset format unaligned
\pset fieldsep ' | '
SET client_min_messages = warning;
SELECT * FROM statbus.doctor();

-- keys: a disabled trigger, one that fires on a replica only, a half, a missing statement trigger, a missing index
BEGIN;
ALTER TABLE register.contact DISABLE TRIGGER contact_legal_unit_id_fkey;
ALTER TABLE register.activity DISABLE TRIGGER temporal_key_insert;
ALTER TABLE register.location ENABLE REPLICA TRIGGER temporal_key_update;
SELECT * FROM statbus.doctor();
ALTER TABLE register.contact ENABLE TRIGGER contact_legal_unit_id_fkey;
ALTER TABLE register.activity ENABLE TRIGGER temporal_key_insert;
ALTER TABLE register.location ENABLE TRIGGER temporal_key_update;
SELECT count(*) AS faults FROM statbus.doctor();
ROLLBACK;
BEGIN;
DROP TRIGGER contact_legal_unit_id_fkey ON register.contact;
DROP TRIGGER temporal_key_insert ON register.contact;
SELECT * FROM statbus.doctor();
ROLLBACK;
BEGIN;
CREATE TABLE shop (id integer, valid_range daterange NOT NULL);
SELECT temporal.add_unique('shop', '{id}', constraint_name => 'shop_key');
DROP INDEX shop_key;
SELECT * FROM statbus.doctor();
ROLLBACK;
BEGIN;
CREATE TABLE shop (id integer, valid_range daterange NOT NULL);
CREATE TABLE sign (shop_id integer, valid_range daterange NOT NULL);
SELECT temporal.add_unique('shop', '{id}', constraint_name => 'shop_key');
SELECT temporal.add_foreign_key('sign', '{shop_id}', 'shop', '{id}', constraint_name => 'sign_shop');
DROP INDEX sign_shop_id_temporal_idx;
SELECT * FROM statbus.doctor();
SELECT temporal.ensure_foreign_key_indexes('sign', 'sign_shop');
SELECT count(*) AS faults FROM statbus.doctor();
ROLLBACK;

-- a statement on another table does not fire the triggers of the one that has the key; what a trigger says breaks nothing
BEGIN;
CREATE TABLE shop (id integer, valid_range daterange NOT NULL);
CREATE TABLE stall (id integer, valid_range daterange NOT NULL);
CREATE TABLE place (id integer, valid_range daterange NOT NULL);
CREATE TABLE split (id integer, valid_range daterange NOT NULL) PARTITION BY LIST (id);
SELECT temporal.add_unique('shop', '{id}'), temporal.add_unique('stall', '{id}');
SELECT count(*) AS faults FROM statbus.doctor();
DROP TRIGGER temporal_key_alone ON shop;
ALTER TABLE shop INHERIT place;
DROP TRIGGER temporal_key_alone ON stall;
ALTER TABLE split ATTACH PARTITION stall DEFAULT;
CREATE CONSTRAINT TRIGGER forged AFTER UPDATE OF id, valid_range ON place FOR EACH ROW WHEN (false) EXECUTE FUNCTION temporal.unique_key('columns 99999999999');
SELECT object, problem, hint FROM statbus.doctor() ORDER BY 1, 2;
ROLLBACK;

-- what else makes a register less than it seems
BEGIN;
ALTER TABLE register.contact DISABLE ROW LEVEL SECURITY;
ALTER TABLE register.contact ADD CONSTRAINT short_mail CHECK (length(email_address) < 100) NOT VALID;
GRANT CONNECT ON DATABASE contrib_regression TO PUBLIC;
SELECT * FROM statbus.doctor();
ROLLBACK;
SELECT count(*) AS faults FROM statbus.doctor();

-- Small statements: one row each, and 100 rows each.
-- needs: temporal.add_unique
-- vector: 00_setup.sql
-- run: btree_single
-- run: key_single
-- run: exclusion_single
-- run: btree_hundred
-- run: key_hundred
-- run: exclusion_hundred
-- ratio: unique key, 50,000 INSERTs of one row | temporal.add_unique | key_single / btree_single | <= 1.6
-- ratio: the same, exclusion constraint (GiST) | temporal.add_unique | exclusion_single / key_single |
-- ratio: unique key, 1,000 INSERTs of 100 rows | temporal.add_unique | key_hundred / btree_hundred |
-- ratio: the same, exclusion constraint (GiST) | temporal.add_unique | exclusion_hundred / key_hundred |
\echo == setup
DROP TABLE IF EXISTS few;
CREATE UNLOGGED TABLE few AS
SELECT (row_number() OVER (ORDER BY hashint4(k * 16 + v), k, r))::int AS n, k AS id, lower(r) AS valid_from, upper(r) AS valid_until
FROM hist WHERE k <= 10000;
CREATE UNIQUE INDEX ON few (n);
VACUUM ANALYZE few;
CREATE OR REPLACE PROCEDURE singles() LANGUAGE plpgsql AS $singles$
DECLARE s record;
BEGIN
    FOR s IN SELECT * FROM few WHERE n <= 50000 LOOP
        INSERT INTO keyed (id, valid_from, valid_until, name) VALUES (s.id, s.valid_from, s.valid_until, 'n');
    END LOOP;
END $singles$;
CREATE OR REPLACE PROCEDURE hundreds() LANGUAGE plpgsql AS $hundreds$
BEGIN
    FOR i IN 0..999 LOOP
        INSERT INTO keyed (id, valid_from, valid_until, name)
        SELECT id, valid_from, valid_until, 'n' FROM few WHERE n > i * 100 AND n <= i * 100 + 100;
    END LOOP;
END $hundreds$;
CREATE OR REPLACE PROCEDURE empty_table(kind text) LANGUAGE plpgsql AS $empty_table$
BEGIN
    DROP TABLE IF EXISTS keyed;
    CREATE TABLE keyed (id int, valid_from date NOT NULL, valid_until date NOT NULL,
        valid_range daterange GENERATED ALWAYS AS (daterange(valid_from, valid_until)) STORED, name text);
    CASE kind
    WHEN 'btree' THEN CREATE UNIQUE INDEX ON keyed (id, valid_from, valid_until);
    WHEN 'key' THEN PERFORM temporal.add_unique('keyed', '{id}');
    WHEN 'exclusion' THEN ALTER TABLE keyed ADD EXCLUDE USING gist (id WITH =, valid_range WITH &&);
    END CASE;
END $empty_table$;
\echo == btree_single: prepare
CALL empty_table('btree');
\echo == btree_single
CALL singles();
\echo == key_single: prepare
CALL empty_table('key');
\echo == key_single
CALL singles();
\echo == exclusion_single: prepare
CALL empty_table('exclusion');
\echo == exclusion_single
CALL singles();
\echo == btree_hundred: prepare
CALL empty_table('btree');
\echo == btree_hundred
CALL hundreds();
\echo == key_hundred: prepare
CALL empty_table('key');
\echo == key_hundred
CALL hundreds();
\echo == exclusion_hundred: prepare
CALL empty_table('exclusion');
\echo == exclusion_hundred
CALL hundreds();

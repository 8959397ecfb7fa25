-- Step 0015: the register's keys over time become btrees with checks in C.
--
-- Up to 0.2.0 a unique key over time was an exclusion constraint over GiST, and a table's statement triggers knew only of
-- foreign keys. Both are dropped here, by the names that the definitions gave them; define/30_units.sql and
-- define/40_relationships.sql, which run after every step, make their successors under the same names and check the rows.
-- What users have added to these tables stays: temporal keys of their own keep working over the exclusion constraints
-- that they have made, and the statement triggers that their foreign keys need come back with those of the register.
DO $temporal_keys$
DECLARE
    names CONSTANT text[] := ARRAY[
        'legal_unit_id_valid', 'establishment_id_valid', 'activity_id_valid', 'location_id_valid', 'contact_id_valid', 'stat_for_unit_id_valid',
        'legal_unit_primary_for_enterprise_valid', 'establishment_primary_for_enterprise_valid', 'establishment_primary_for_legal_unit_valid',
        'activity_legal_unit_id_valid', 'activity_establishment_id_valid', 'location_legal_unit_id_valid', 'location_establishment_id_valid',
        'contact_legal_unit_id_valid', 'contact_establishment_id_valid', 'stat_for_unit_legal_unit_id_valid', 'stat_for_unit_establishment_id_valid',
        'person_for_unit_id_valid', 'legal_relationship_id_valid', 'power_root_id_valid', 'person_for_unit_legal_unit_id_valid',
        'person_for_unit_establishment_id_valid', 'legal_relationship_pair_valid', 'legal_relationship_primary_influencer_valid',
        'power_root_power_group_id_valid'];
    statement text;
BEGIN
    FOR statement IN
        SELECT format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass)
        FROM pg_catalog.pg_trigger AS t
        JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid AND c.relnamespace = 'register'::regnamespace
        JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid AND p.pronamespace = 'temporal'::regnamespace
        LEFT JOIN pg_catalog.pg_class AS o ON o.oid = t.tgconstrrelid
        -- a pair of constraint triggers between two tables of the register, or one of the statement triggers
        WHERE p.proname = 'foreign_key_statement'
            OR p.proname IN ('foreign_key_child', 'foreign_key_parent') AND o.relnamespace = 'register'::regnamespace
        ORDER BY c.relname, t.tgname
    LOOP
        EXECUTE statement;
    END LOOP;
    FOR statement IN
        SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', n.conrelid::regclass, n.conname)
        FROM pg_catalog.pg_constraint AS n
        JOIN pg_catalog.pg_class AS c ON c.oid = n.conrelid AND c.relnamespace = 'register'::regnamespace
        WHERE n.contype = 'x' AND n.conname = ANY (names)
        ORDER BY c.relname, n.conname
    LOOP
        EXECUTE statement;
    END LOOP;
END
$temporal_keys$;

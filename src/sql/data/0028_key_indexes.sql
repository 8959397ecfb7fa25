-- Step 0028: no index where another one begins with the same columns.
--
-- What hangs on a unit had an index on (owner, valid_from, valid_until) beside the unique one on (owner, type, valid_from,
-- valid_until). A unit has few rows there, so that the unique one finds them as well; the temporal foreign keys take it too,
-- and every row has an entry less to be kept up. So it is with relationships and who influences.
DO $key_indexes$
DECLARE
    change record;
BEGIN
    FOR change IN
        SELECT t.name AS table_name, o.name AS owner
        FROM unnest('{activity,location,stat_for_unit}'::text[]) AS t (name)
        CROSS JOIN unnest('{legal_unit_id,establishment_id}'::text[]) AS o (name)
        UNION ALL VALUES ('legal_relationship', 'influencing_id')
    LOOP
        EXECUTE format('DROP INDEX IF EXISTS register.%I', change.table_name || '_' || change.owner || '_idx');
        EXECUTE format('DROP INDEX IF EXISTS register.%I', change.table_name || '_' || change.owner || '_period_idx');
        EXECUTE format('DROP INDEX IF EXISTS register.%I', change.table_name || '_' || change.owner || '_temporal_idx');
    END LOOP;
    -- As step 0023 for the others: one that has all columns, and only the rows with such an owner, instead of two.
    FOR change IN
        SELECT c.table_name, c.owner
        FROM (VALUES ('establishment', 'legal_unit_id'), ('person_for_unit', 'legal_unit_id'), ('person_for_unit', 'establishment_id'),
                     ('power_root', 'custom_root_legal_unit_id')) AS c (table_name, owner)
    LOOP
        EXECUTE format('CREATE INDEX %I ON register.%I (%I, valid_from, valid_until) WHERE %3$I IS NOT NULL',
                       change.table_name || '_' || change.owner || '_period_idx', change.table_name, change.owner);
        EXECUTE format('DROP INDEX register.%I', change.table_name || '_' || change.owner || '_idx');
        EXECUTE format('DROP INDEX IF EXISTS register.%I', change.table_name || '_' || change.owner || '_temporal_idx');
    END LOOP;
END
$key_indexes$;
-- Those on (owner, valid_from) beside the ones on (owner, valid_from, valid_until) that their keys have.
DROP INDEX IF EXISTS register.legal_relationship_influenced_id_idx;
DROP INDEX IF EXISTS register.power_root_derived_root_legal_unit_id_idx;
DROP INDEX IF EXISTS register.power_root_power_group_id_idx;

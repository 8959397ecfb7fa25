-- Step 0023: one index instead of two for what hangs on a unit.
--
-- The indexes of step 0008 on (owner, valid_from) were too short for the temporal foreign keys, so that each table had a second
-- one on (owner, valid_from, valid_until), which moreover held every row of the other kind of owner. Both had to be kept up with
-- every row. One that has all three columns, and only the rows with such an owner, serves everybody.
DO $owner_indexes$
DECLARE
    change record;
BEGIN
    FOR change IN
        SELECT t.name AS table_name, o.name AS owner
        FROM unnest('{activity,location,stat_for_unit}'::text[]) AS t (name)
        CROSS JOIN unnest('{legal_unit_id,establishment_id}'::text[]) AS o (name)
    LOOP
        EXECUTE format('CREATE INDEX %I ON register.%I (%I, valid_from, valid_until) WHERE %3$I IS NOT NULL',
                       change.table_name || '_' || change.owner || '_period_idx', change.table_name, change.owner);
        EXECUTE format('DROP INDEX register.%I', change.table_name || '_' || change.owner || '_idx');
        EXECUTE format('DROP INDEX IF EXISTS register.%I', change.table_name || '_' || change.owner || '_temporal_idx');
    END LOOP;
END
$owner_indexes$;
-- Of contacts the unique keys over time begin with the same columns.
DROP INDEX register.contact_legal_unit_id_idx;
DROP INDEX register.contact_establishment_id_idx;

-- Definitions 62: what an import job writes is kept for an undo.
DO $triggers$
DECLARE
    t record;
    operation text;
BEGIN
    FOR t IN SELECT * FROM import.undo_tables() LOOP
        FOREACH operation IN ARRAY CASE WHEN t.has_time THEN '{insert,update,delete}'::text[] ELSE '{insert}' END LOOP
            EXECUTE format($sql$CREATE OR REPLACE TRIGGER %1$s_undo_%2$s AFTER %2$s ON register.%1$I REFERENCING %3$s FOR EACH STATEMENT
                           WHEN (current_setting('statbus.import_job', true) <> '0') EXECUTE FUNCTION import.%4$s()$sql$,
                           t.name, operation,
                           CASE operation WHEN 'insert' THEN 'NEW TABLE AS new_rows' WHEN 'delete' THEN 'OLD TABLE AS old_rows'
                                          ELSE 'OLD TABLE AS old_rows NEW TABLE AS new_rows' END,
                           CASE WHEN t.has_time THEN 'keep_undo' ELSE 'keep_undo_timeless' END);
        END LOOP;
    END LOOP;
END
$triggers$;

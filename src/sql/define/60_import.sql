-- Import: what hangs on functions.

-- Definitions judge themselves, and follow the types of identifier and the statistics.
DROP TRIGGER IF EXISTS definition_validate ON import.definition;
CREATE TRIGGER definition_validate BEFORE INSERT OR UPDATE ON import.definition
    FOR EACH ROW EXECUTE FUNCTION import.definition_validate();
DROP TRIGGER IF EXISTS definition_part_changed ON import.definition_step;
CREATE TRIGGER definition_part_changed AFTER INSERT OR UPDATE OR DELETE ON import.definition_step
    FOR EACH ROW EXECUTE FUNCTION import.definition_part_changed();
DROP TRIGGER IF EXISTS definition_part_changed ON import.source_column;
CREATE TRIGGER definition_part_changed AFTER INSERT OR UPDATE OR DELETE ON import.source_column
    FOR EACH ROW EXECUTE FUNCTION import.definition_part_changed();
DROP TRIGGER IF EXISTS definition_part_changed ON import.mapping;
CREATE TRIGGER definition_part_changed AFTER INSERT OR UPDATE OR DELETE ON import.mapping
    FOR EACH ROW EXECUTE FUNCTION import.definition_part_changed();

DROP TRIGGER IF EXISTS import_columns_delete ON register.external_ident_type;
CREATE TRIGGER import_columns_delete BEFORE DELETE ON register.external_ident_type
    FOR EACH ROW EXECUTE FUNCTION import.columns_wanted_delete();
DROP TRIGGER IF EXISTS import_columns_change ON register.external_ident_type;
CREATE TRIGGER import_columns_change AFTER INSERT OR UPDATE OR DELETE ON register.external_ident_type
    FOR EACH STATEMENT EXECUTE FUNCTION import.columns_wanted_changed();
DROP TRIGGER IF EXISTS import_columns_delete ON register.stat_definition;
CREATE TRIGGER import_columns_delete BEFORE DELETE ON register.stat_definition
    FOR EACH ROW EXECUTE FUNCTION import.columns_wanted_delete();
DROP TRIGGER IF EXISTS import_columns_change ON register.stat_definition;
CREATE TRIGGER import_columns_change AFTER INSERT OR UPDATE OR DELETE ON register.stat_definition
    FOR EACH STATEMENT EXECUTE FUNCTION import.columns_wanted_changed();

SELECT import.synchronise_columns();

-- Jobs.
ALTER TABLE import.definition ALTER COLUMN user_id SET DEFAULT auth.uid();
ALTER TABLE import.job ALTER COLUMN user_id SET DEFAULT auth.uid();

DROP TRIGGER IF EXISTS job_prepare ON import.job;
CREATE TRIGGER job_prepare BEFORE INSERT ON import.job
    FOR EACH ROW EXECUTE FUNCTION import.job_prepare();
DROP TRIGGER IF EXISTS job_create_tables ON import.job;
CREATE TRIGGER job_create_tables AFTER INSERT ON import.job
    FOR EACH ROW EXECUTE FUNCTION import.job_create_tables();
DROP TRIGGER IF EXISTS job_check_update ON import.job;
CREATE TRIGGER job_check_update BEFORE UPDATE ON import.job
    FOR EACH ROW EXECUTE FUNCTION import.job_check_update();
DROP TRIGGER IF EXISTS job_state_changed ON import.job;
CREATE TRIGGER job_state_changed AFTER UPDATE OF state ON import.job
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION import.job_state_changed();
DROP TRIGGER IF EXISTS job_drop_tables ON import.job;
CREATE TRIGGER job_drop_tables AFTER DELETE ON import.job
    FOR EACH ROW EXECUTE FUNCTION import.job_drop_tables();

SELECT import.attach_job(j.id) FROM import.job AS j ORDER BY j.id;

-- Findings, one row each.
CREATE OR REPLACE VIEW import.finding WITH (security_invoker = true) AS
SELECT b.job_id, b.row_id, b.source_line,
       f.finding ->> 'column' AS column_name,
       f.finding ->> 'code' AS code,
       coalesce(f.finding ->> 'severity', c.severity) AS severity,
       f.finding ->> 'value' AS value,
       f.finding -> 'details' AS details
FROM import.bad_row AS b
CROSS JOIN LATERAL jsonb_array_elements(b.findings) WITH ORDINALITY AS f (finding, position)
LEFT JOIN import.finding_code AS c ON c.code = f.finding ->> 'code';
COMMENT ON VIEW import.finding IS 'What there is to say about the rows of import jobs: one row per finding';
GRANT SELECT ON import.finding TO authenticated;

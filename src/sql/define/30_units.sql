-- Definitions for the tables of step 0008: defaults, triggers, keys over time and foreign keys over time.
-- Run again by every statbus.migrate(), so everything here may already be there.

-- who wrote a row -------------------------------------------------------------------------------------------------

ALTER TABLE register.image ALTER COLUMN uploaded_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.enterprise ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.legal_unit ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.establishment ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.activity ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.location ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.contact ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.stat_for_unit ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.external_ident ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.tag_for_unit ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.unit_notes ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();

-- triggers --------------------------------------------------------------------------------------------------------

CREATE OR REPLACE TRIGGER image_refuse_id_change
    BEFORE UPDATE OF id ON register.image
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER enterprise_refuse_id_change
    BEFORE UPDATE OF id ON register.enterprise
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER legal_unit_refuse_id_change
    BEFORE UPDATE OF id ON register.legal_unit
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER establishment_refuse_id_change
    BEFORE UPDATE OF id ON register.establishment
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER activity_refuse_id_change
    BEFORE UPDATE OF id ON register.activity
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER location_refuse_id_change
    BEFORE UPDATE OF id ON register.location
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER contact_refuse_id_change
    BEFORE UPDATE OF id ON register.contact
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER stat_for_unit_refuse_id_change
    BEFORE UPDATE OF id ON register.stat_for_unit
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER external_ident_refuse_id_change
    BEFORE UPDATE OF id ON register.external_ident
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER tag_for_unit_refuse_id_change
    BEFORE UPDATE OF id ON register.tag_for_unit
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER unit_notes_refuse_id_change
    BEFORE UPDATE OF id ON register.unit_notes
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();

CREATE OR REPLACE TRIGGER image_set_type
    BEFORE INSERT OR UPDATE OF data, type ON register.image
    FOR EACH ROW EXECUTE FUNCTION register.image_set_type();

CREATE OR REPLACE TRIGGER location_set_region_version
    BEFORE INSERT OR UPDATE OF region_id, region_version_id ON register.location
    FOR EACH ROW WHEN (NEW.region_id IS NOT NULL OR NEW.region_version_id IS NOT NULL)
    EXECUTE FUNCTION register.location_set_region_version();

CREATE OR REPLACE TRIGGER external_ident_set_shape
    BEFORE INSERT OR UPDATE OF type_id, shape, labels, ident, idents ON register.external_ident
    FOR EACH ROW WHEN (NEW.type_id IS NOT NULL) EXECUTE FUNCTION register.external_ident_set_shape();

-- keys over time --------------------------------------------------------------------------------------------------
-- Of every unit: one slice at a time. Of what hangs on a unit: one of a kind per unit at a time, said once per kind
-- of owner, the owner first: the index then also finds what a unit has. Primary flags: one primary at a time; checked at the end of the statement, and deferrable, so that two
-- units can swap places within a transaction.

SELECT temporal.ensure_unique(table_name => 'register.legal_unit', columns => '{id}', constraint_name => 'legal_unit_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.establishment', columns => '{id}',
    constraint_name => 'establishment_id_valid');
SELECT temporal.ensure_unique(table_name => 'register.activity', columns => '{id}', constraint_name => 'activity_id_valid');
SELECT temporal.ensure_unique(table_name => 'register.location', columns => '{id}', constraint_name => 'location_id_valid');
SELECT temporal.ensure_unique(table_name => 'register.contact', columns => '{id}', constraint_name => 'contact_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.stat_for_unit', columns => '{id}',
    constraint_name => 'stat_for_unit_id_valid');

SELECT temporal.ensure_unique(
    table_name => 'register.legal_unit', columns => '{enterprise_id}',
    predicate => 'primary_for_enterprise', is_deferrable => true, constraint_name => 'legal_unit_primary_for_enterprise_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.establishment', columns => '{enterprise_id}',
    predicate => 'primary_for_enterprise', is_deferrable => true, constraint_name => 'establishment_primary_for_enterprise_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.establishment', columns => '{legal_unit_id}',
    predicate => 'primary_for_legal_unit', is_deferrable => true, constraint_name => 'establishment_primary_for_legal_unit_valid');

SELECT temporal.ensure_unique(
    table_name => 'register.activity', columns => '{legal_unit_id,type}',
    predicate => 'legal_unit_id IS NOT NULL', constraint_name => 'activity_legal_unit_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.activity', columns => '{establishment_id,type}',
    predicate => 'establishment_id IS NOT NULL', constraint_name => 'activity_establishment_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.location', columns => '{legal_unit_id,type}',
    predicate => 'legal_unit_id IS NOT NULL', constraint_name => 'location_legal_unit_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.location', columns => '{establishment_id,type}',
    predicate => 'establishment_id IS NOT NULL', constraint_name => 'location_establishment_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.contact', columns => '{legal_unit_id}',
    predicate => 'legal_unit_id IS NOT NULL', constraint_name => 'contact_legal_unit_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.contact', columns => '{establishment_id}',
    predicate => 'establishment_id IS NOT NULL', constraint_name => 'contact_establishment_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.stat_for_unit', columns => '{legal_unit_id,stat_definition_id}',
    predicate => 'legal_unit_id IS NOT NULL', constraint_name => 'stat_for_unit_legal_unit_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.stat_for_unit', columns => '{establishment_id,stat_definition_id}',
    predicate => 'establishment_id IS NOT NULL', constraint_name => 'stat_for_unit_establishment_id_valid');

-- foreign keys over time ------------------------------------------------------------------------------------------
-- The slices of the unit must cover every slice of what refers to it. Deleting, or shortening, a unit under its
-- details is refused.

SELECT temporal.ensure_foreign_key(
    table_name => 'register.establishment', columns => '{legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'establishment_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.activity', columns => '{legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'activity_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.activity', columns => '{establishment_id}', references_table => 'register.establishment', references_columns => '{id}',
    constraint_name => 'activity_establishment_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.location', columns => '{legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'location_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.location', columns => '{establishment_id}', references_table => 'register.establishment', references_columns => '{id}',
    constraint_name => 'location_establishment_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.contact', columns => '{legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'contact_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.contact', columns => '{establishment_id}', references_table => 'register.establishment', references_columns => '{id}',
    constraint_name => 'contact_establishment_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.stat_for_unit', columns => '{legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'stat_for_unit_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.stat_for_unit', columns => '{establishment_id}', references_table => 'register.establishment', references_columns => '{id}',
    constraint_name => 'stat_for_unit_establishment_id_fkey');

-- From tables without time: the unit must exist at some time.

SELECT temporal.ensure_foreign_key(
    table_name => 'register.external_ident', columns => '{legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    period => NULL, constraint_name => 'external_ident_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.external_ident', columns => '{establishment_id}', references_table => 'register.establishment', references_columns => '{id}',
    period => NULL, constraint_name => 'external_ident_establishment_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.tag_for_unit', columns => '{legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    period => NULL, constraint_name => 'tag_for_unit_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.tag_for_unit', columns => '{establishment_id}', references_table => 'register.establishment', references_columns => '{id}',
    period => NULL, constraint_name => 'tag_for_unit_establishment_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.unit_notes', columns => '{legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    period => NULL, constraint_name => 'unit_notes_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.unit_notes', columns => '{establishment_id}', references_table => 'register.establishment', references_columns => '{id}',
    period => NULL, constraint_name => 'unit_notes_establishment_id_fkey');

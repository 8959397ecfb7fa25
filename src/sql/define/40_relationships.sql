-- Definitions for the tables of step 0010: defaults, triggers, keys over time and foreign keys over time.
-- Run again by every statbus.migrate(), so everything here may already be there.

-- defaults --------------------------------------------------------------------------------------------------------

ALTER TABLE register.person ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.person_for_unit ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.power_group ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.legal_relationship ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.power_root ALTER COLUMN edit_by_user_id SET DEFAULT auth.uid();
ALTER TABLE register.power_group ALTER COLUMN ident
    SET DEFAULT register.power_group_ident(nextval('register.power_group_ident_seq'));

-- triggers --------------------------------------------------------------------------------------------------------

CREATE OR REPLACE TRIGGER person_refuse_id_change
    BEFORE UPDATE OF id ON register.person
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER person_for_unit_refuse_id_change
    BEFORE UPDATE OF id ON register.person_for_unit
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER power_group_refuse_id_change
    BEFORE UPDATE OF id ON register.power_group
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER legal_relationship_refuse_id_change
    BEFORE UPDATE OF id ON register.legal_relationship
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();
CREATE OR REPLACE TRIGGER power_root_refuse_id_change
    BEFORE UPDATE OF id ON register.power_root
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION statbus.refuse_id_change();

CREATE OR REPLACE TRIGGER legal_relationship_set_primary_influencer_only
    BEFORE INSERT OR UPDATE OF type_id, primary_influencer_only ON register.legal_relationship
    FOR EACH ROW WHEN (NEW.type_id IS NOT NULL) EXECUTE FUNCTION register.legal_relationship_set_primary_influencer_only();

CREATE OR REPLACE TRIGGER power_root_check_member_insert
    AFTER INSERT ON register.power_root REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION register.power_root_check_member();
CREATE OR REPLACE TRIGGER power_root_check_member_update
    AFTER UPDATE ON register.power_root REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION register.power_root_check_member();

-- keys over time --------------------------------------------------------------------------------------------------

SELECT temporal.ensure_unique(
    table_name => 'register.person_for_unit', columns => '{id}',
    constraint_name => 'person_for_unit_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.legal_relationship', columns => '{id}',
    constraint_name => 'legal_relationship_id_valid');
SELECT temporal.ensure_unique(table_name => 'register.power_root', columns => '{id}', constraint_name => 'power_root_id_valid');

SELECT temporal.ensure_unique(
    table_name => 'register.person_for_unit', columns => '{person_id,person_role_id,legal_unit_id}',
    predicate => 'legal_unit_id IS NOT NULL', nulls_not_distinct => true, constraint_name => 'person_for_unit_legal_unit_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.person_for_unit', columns => '{person_id,person_role_id,establishment_id}',
    predicate => 'establishment_id IS NOT NULL', nulls_not_distinct => true, constraint_name => 'person_for_unit_establishment_id_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.legal_relationship', columns => '{influencing_id,influenced_id,type_id}',
    constraint_name => 'legal_relationship_pair_valid');
-- One primary influencer of a type at a time; deferrable, so that two can swap places within a transaction.
SELECT temporal.ensure_unique(
    table_name => 'register.legal_relationship', columns => '{influenced_id,type_id}',
    predicate => 'primary_influencer_only', is_deferrable => true, constraint_name => 'legal_relationship_primary_influencer_valid');
SELECT temporal.ensure_unique(
    table_name => 'register.power_root', columns => '{power_group_id}',
    constraint_name => 'power_root_power_group_id_valid');

-- foreign keys over time ------------------------------------------------------------------------------------------

SELECT temporal.ensure_foreign_key(
    table_name => 'register.person_for_unit', columns => '{legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'person_for_unit_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.person_for_unit', columns => '{establishment_id}', references_table => 'register.establishment', references_columns => '{id}',
    constraint_name => 'person_for_unit_establishment_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.legal_relationship', columns => '{influencing_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'legal_relationship_influencing_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.legal_relationship', columns => '{influenced_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'legal_relationship_influenced_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.power_root', columns => '{derived_root_legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'power_root_derived_root_legal_unit_id_fkey');
SELECT temporal.ensure_foreign_key(
    table_name => 'register.power_root', columns => '{custom_root_legal_unit_id}', references_table => 'register.legal_unit', references_columns => '{id}',
    constraint_name => 'power_root_custom_root_legal_unit_id_fkey');

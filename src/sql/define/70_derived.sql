-- What hangs on the functions of src/sql/derive.sql: the triggers that note changes and derive them.

-- The columns that statbus.derive() writes, in the order of the table: not the generated ones, and none that a user has added.
CREATE OR REPLACE VIEW register.statistical_unit_stored AS
    SELECT
        unit_type, unit_id, valid_from, valid_until, external_idents, name, birth_date, death_date,
        primary_activity_category_id, primary_activity_category_path, primary_activity_category_code,
        secondary_activity_category_id, secondary_activity_category_path, secondary_activity_category_code,
        activity_category_paths, sector_id, sector_path, sector_code, sector_name, data_source_ids, data_source_codes,
        legal_form_id, legal_form_code, legal_form_name, physical_address_part1, physical_address_part2,
        physical_address_part3, physical_postcode, physical_postplace, physical_region_id, physical_region_path,
        physical_region_code, physical_country_id, physical_country_iso_2, physical_latitude, physical_longitude,
        physical_altitude, domestic, postal_address_part1, postal_address_part2, postal_address_part3, postal_postcode,
        postal_postplace, postal_region_id, postal_region_path, postal_region_code, postal_country_id,
        postal_country_iso_2, postal_latitude, postal_longitude, postal_altitude, web_address, email_address,
        phone_number, landline, mobile_number, fax_number, unit_size_id, unit_size_code, status_id, status_code,
        used_for_counting, last_edit_comment, last_edit_by_user_id, last_edit_at, has_legal_unit,
        related_establishment_ids, excluded_establishment_ids, included_establishment_ids, related_legal_unit_ids,
        excluded_legal_unit_ids, included_legal_unit_ids, related_enterprise_ids, excluded_enterprise_ids,
        included_enterprise_ids, stats, stats_summary, tag_paths, establishment_id, legal_unit_id, enterprise_id,
        power_group_id, primary_for_legal_unit, primary_for_enterprise, primary_establishment_id, primary_legal_unit_id
    FROM register.statistical_unit;
COMMENT ON VIEW register.statistical_unit_stored IS 'The written columns of register.statistical_unit; for its writer only';
REVOKE ALL ON register.statistical_unit_stored FROM PUBLIC;

DO $triggers$
DECLARE
    change record;
    operation text;
BEGIN
    -- Which columns of a base table name an establishment, a legal unit, an enterprise, a power group.
    FOR change IN
        SELECT *
        FROM (VALUES
            ('establishment', 'id', 'legal_unit_id', 'enterprise_id', ''),
            ('legal_unit', '', 'id', 'enterprise_id', ''),
            ('enterprise', '', '', 'id', ''),
            ('power_group', '', '', '', 'id'),
            ('activity', 'establishment_id', 'legal_unit_id', '', ''),
            ('location', 'establishment_id', 'legal_unit_id', '', ''),
            ('contact', 'establishment_id', 'legal_unit_id', '', ''),
            ('stat_for_unit', 'establishment_id', 'legal_unit_id', '', ''),
            ('person_for_unit', 'establishment_id', 'legal_unit_id', '', ''),
            ('external_ident', 'establishment_id', 'legal_unit_id', 'enterprise_id', 'power_group_id'),
            ('tag_for_unit', 'establishment_id', 'legal_unit_id', 'enterprise_id', 'power_group_id'),
            ('legal_relationship', '', '', '', 'derived_power_group_id'),
            ('power_root', '', '', '', 'power_group_id')
        ) AS base (name, establishment, legal_unit, enterprise, power_group)
    LOOP
        FOREACH operation IN ARRAY ARRAY['insert', 'update', 'delete', 'truncate'] LOOP
            EXECUTE format('CREATE OR REPLACE TRIGGER %1$s_log_%2$s AFTER %2$s ON register.%1$I %3$s FOR EACH STATEMENT
                            EXECUTE FUNCTION statbus.log_base_change(%4$L, %5$L, %6$L, %7$L)',
                           change.name, operation,
                           CASE operation
                               WHEN 'insert' THEN 'REFERENCING NEW TABLE AS new_rows'
                               WHEN 'delete' THEN 'REFERENCING OLD TABLE AS old_rows'
                               WHEN 'update' THEN 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'
                               ELSE '' END,
                           change.establishment, change.legal_unit, change.enterprise, change.power_group);
        END LOOP;
    END LOOP;

    -- Which columns of a code list show in the rows of units, which only in *_used, and who refers to the list. A code that
    -- nobody uses shows nowhere, so that INSERT and DELETE change nothing.
    FOR change IN
        SELECT *
        FROM (VALUES
            ('activity_category', 'path, code', 'parent_path, parent_id, label, name, description', ARRAY['activity.category_id']),
            ('activity_category_standard', '', 'code', '{}'),
            ('country', 'iso_2', 'name', ARRAY['location.country_id']),
            ('data_source', 'code', 'name', ARRAY['establishment.data_source_id', 'legal_unit.data_source_id', 'activity.data_source_id',
                'location.data_source_id', 'contact.data_source_id', 'stat_for_unit.data_source_id']),
            ('external_ident_type', 'code', '', ARRAY['external_ident.type_id']),
            ('legal_form', 'code, name', '', ARRAY['legal_unit.legal_form_id']),
            ('region', 'path, code', 'parent_id, level, label, name', ARRAY['location.region_id']),
            ('sector', 'path, code, name', 'parent_id, label', ARRAY['establishment.sector_id', 'legal_unit.sector_id']),
            ('stat_definition', 'code', '', ARRAY['stat_for_unit.stat_definition_id']),
            ('status', 'code, used_for_counting', '', ARRAY['establishment.status_id', 'legal_unit.status_id']),
            ('tag', 'path', '', ARRAY['tag_for_unit.tag_id']),
            ('unit_size', 'code', '', ARRAY['establishment.unit_size_id', 'legal_unit.unit_size_id'])
        ) AS list (name, in_units, in_used, referrers)
    LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER %1$s_log_update AFTER UPDATE ON register.%1$I
                        REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
                        EXECUTE FUNCTION statbus.log_code_change(%2$L, %3$L%4$s)',
                       change.name, change.in_units, change.in_used,
                       (SELECT string_agg(', ' || quote_literal(r.reference), '' ORDER BY r.position)
                        FROM unnest(change.referrers) WITH ORDINALITY AS r (reference, position)));
    END LOOP;
END
$triggers$;

CREATE OR REPLACE TRIGGER settings_log_change
    AFTER INSERT OR DELETE OR UPDATE OF country_id ON register.settings
    FOR EACH STATEMENT EXECUTE FUNCTION statbus.log_settings_change();

DROP TRIGGER IF EXISTS base_change_log_derive ON worker.base_change_log;
CREATE CONSTRAINT TRIGGER base_change_log_derive
    AFTER INSERT ON worker.base_change_log
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION statbus.derive_at_commit();

-- Step 0026: code lists need no index in the tables that refer to them.
--
-- Each of these indexes had few different values, was read by nobody (searches go through the derived rows, which have indexes of
-- their own), and had to be kept up with every row: eleven entries for a new legal unit with what hangs on it. What they were
-- for, deleting a code, is rare, and may look through a table. Kept are those that lead to units and what belongs to them:
-- enterprises, images, persons, power groups, tags, types of relationship.
DO $code_indexes$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY '{legal_unit_sector_id_idx,legal_unit_status_id_idx,legal_unit_legal_form_id_idx,legal_unit_unit_size_id_idx,
        legal_unit_foreign_participation_id_idx,legal_unit_data_source_id_idx,
        establishment_sector_id_idx,establishment_status_id_idx,establishment_unit_size_id_idx,establishment_data_source_id_idx,
        activity_category_id_idx,activity_data_source_id_idx,location_region_id_idx,location_country_id_idx,location_data_source_id_idx,
        contact_data_source_id_idx,stat_for_unit_stat_definition_id_idx,stat_for_unit_data_source_id_idx,person_for_unit_data_source_id_idx}'::text[] LOOP
        EXECUTE format('DROP INDEX IF EXISTS register.%I', name);
    END LOOP;
END
$code_indexes$;

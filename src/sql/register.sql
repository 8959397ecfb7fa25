-- Functions behind the triggers and defaults of the unit tables (define/30_units.sql, define/40_relationships.sql).

-- image -----------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION register.detect_image_type(data bytea)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $detect_image_type$
    SELECT CASE
        WHEN substring(data FROM 1 FOR 8) = '\x89504e470d0a1a0a'::bytea THEN 'image/png'
        WHEN substring(data FROM 1 FOR 3) = '\xffd8ff'::bytea THEN 'image/jpeg'
        WHEN substring(data FROM 1 FOR 6) IN ('GIF87a'::bytea, 'GIF89a'::bytea) THEN 'image/gif'
        WHEN substring(data FROM 1 FOR 4) = 'RIFF'::bytea AND substring(data FROM 9 FOR 4) = 'WEBP'::bytea THEN 'image/webp'
    END
$detect_image_type$;
COMMENT ON FUNCTION register.detect_image_type(bytea) IS
    'Media type of a picture from its first bytes: PNG, JPEG, GIF or WebP; NULL for anything else';
-- A pure function of its argument, called with the rights of whoever stores a picture.
GRANT EXECUTE ON FUNCTION register.detect_image_type(bytea) TO PUBLIC;

CREATE OR REPLACE FUNCTION register.image_set_type()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $image_set_type$
BEGIN
    NEW.type := register.detect_image_type(NEW.data);
    IF NEW.type IS NULL AND NEW.data IS NOT NULL THEN
        RAISE EXCEPTION 'unknown image type'
            USING ERRCODE = 'check_violation',
                  HINT = 'Use PNG, JPEG, GIF or WebP; SVG is refused because it may carry scripts.',
                  SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = 'image_type_check';
    END IF;
    RETURN NEW;
END
$image_set_type$;
COMMENT ON FUNCTION register.image_set_type() IS 'Trigger: decides the media type of a picture from its first bytes';
REVOKE ALL ON FUNCTION register.image_set_type() FROM PUBLIC;

-- location --------------------------------------------------------------------------------------------------------

-- The version is a property of the region, so it is copied even where a (stale) one is given: a slice that gets a
-- region of the next version through a merge still carries the version of the slice it came from.
CREATE OR REPLACE FUNCTION register.location_set_region_version()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_location_set_region_version';
COMMENT ON FUNCTION register.location_set_region_version() IS 'Trigger: region_version_id is the version of region_id';
REVOKE ALL ON FUNCTION register.location_set_region_version() FROM PUBLIC;

-- external_ident --------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION register.external_ident_set_shape()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'statbus_external_ident_set_shape';
COMMENT ON FUNCTION register.external_ident_set_shape() IS
    'Trigger: copies shape and labels from the identifier type and refuses the field of the other shape';
REVOKE ALL ON FUNCTION register.external_ident_set_shape() FROM PUBLIC;

-- legal_relationship ----------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION register.legal_relationship_set_primary_influencer_only()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $legal_relationship_set_primary_influencer_only$
BEGIN
    SELECT t.primary_influencer_only INTO NEW.primary_influencer_only
    FROM register.legal_rel_type AS t
    WHERE t.id = NEW.type_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'legal relationship type with id % does not exist', NEW.type_id
            USING ERRCODE = 'foreign_key_violation',
                  SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = 'legal_relationship_type_id_fkey';
    END IF;
    RETURN NEW;
END
$legal_relationship_set_primary_influencer_only$;
COMMENT ON FUNCTION register.legal_relationship_set_primary_influencer_only() IS
    'Trigger: primary_influencer_only is that of the relationship type';
REVOKE ALL ON FUNCTION register.legal_relationship_set_primary_influencer_only() FROM PUBLIC;

-- power_group, power_root -----------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION register.power_group_ident(counter bigint)
RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $power_group_ident$
DECLARE
    rest bigint := counter;
    digits text := '';
BEGIN
    IF counter < 0 THEN
        RAISE EXCEPTION 'counter must not be negative' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    WHILE rest > 0 LOOP
        digits := substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', (rest % 36)::integer + 1, 1) || digits;
        rest := rest / 36;
    END LOOP;
    RETURN 'PG' || lpad(digits, greatest(4, length(digits)), '0');
END
$power_group_ident$;
COMMENT ON FUNCTION register.power_group_ident(bigint) IS
    'The ident of the n-th power group: PG and n in base 36, at least four digits';
-- A pure function of its argument; the default of power_group.ident calls it with the rights of whoever inserts.
GRANT EXECUTE ON FUNCTION register.power_group_ident(bigint) TO PUBLIC;

-- Membership has no time here, as in the derivation of the groups themselves: a root is a member when any
-- relationship of the group has it at either end.
CREATE OR REPLACE FUNCTION register.power_root_check_member()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $power_root_check_member$
DECLARE
    stranger record;
BEGIN
    SELECT w.power_group_id, root.legal_unit_id INTO stranger
    FROM written AS w
    CROSS JOIN LATERAL (VALUES (w.derived_root_legal_unit_id), (w.custom_root_legal_unit_id)) AS root (legal_unit_id)
    WHERE root.legal_unit_id IS NOT NULL
      AND NOT EXISTS (
          SELECT
          FROM register.legal_relationship AS lr
          WHERE lr.derived_power_group_id = w.power_group_id
            AND root.legal_unit_id IN (lr.influencing_id, lr.influenced_id))
    ORDER BY w.power_group_id, root.legal_unit_id
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'legal unit % is not a member of power group %', stranger.legal_unit_id, stranger.power_group_id
            USING ERRCODE = 'check_violation',
                  SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = 'power_root_member_check';
    END IF;
    RETURN NULL;
END
$power_root_check_member$;
COMMENT ON FUNCTION register.power_root_check_member() IS
    'Trigger: the derived and the custom root of a power group are members of the group';
REVOKE ALL ON FUNCTION register.power_root_check_member() FROM PUBLIC;

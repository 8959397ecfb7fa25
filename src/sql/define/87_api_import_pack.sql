-- Definitions 87: packs of definitions for public files.

CREATE OR REPLACE VIEW api.import_pack WITH (security_invoker = true) AS
SELECT p.code, p.name, p.description,
       ARRAY(SELECT t ->> 'code' FROM jsonb_array_elements(p.content -> 'ident_types') AS t) AS ident_types,
       ARRAY(SELECT d ->> 'slug' FROM jsonb_array_elements(p.content -> 'definitions') AS d) AS definitions,
       NOT EXISTS (SELECT FROM jsonb_array_elements(p.content -> 'definitions') AS d
                   WHERE NOT EXISTS (SELECT FROM import.definition AS x WHERE x.slug = d ->> 'slug')) AS is_installed
FROM import.pack AS p;
COMMENT ON VIEW api.import_pack IS 'Definitions for public files that can be installed, with the types of identifier that they need';
GRANT SELECT ON api.import_pack TO authenticated;

CREATE OR REPLACE FUNCTION api.import_pack_install(code text)
RETURNS jsonb
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $import_pack_install$
    SELECT import.install_pack(code)
$import_pack_install$;
COMMENT ON FUNCTION api.import_pack_install(text) IS
    'Makes the types of identifier and the definitions of a pack, for administrators; what is there already stays as it is. Answers what was made';
REVOKE ALL ON FUNCTION api.import_pack_install(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.import_pack_install(text) TO admin_user;

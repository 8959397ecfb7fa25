-- What identifiers in files must look like: register.external_ident_rule, which types of identifier point to. The checks are
-- in src/ident_check*.c.

-- NULL: nothing is to be said of the value. Otherwise an object: value, as it is taken; refused, whether it names no unit;
-- findings, as in import.bad_row without their column.
CREATE OR REPLACE FUNCTION import.check_ident(type_id integer, value text)
RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'statbus_ident_check';
COMMENT ON FUNCTION import.check_ident(integer, text) IS 'What there is to say about an identifier of a type, by the rule of the type; NULL: nothing';
REVOKE ALL ON FUNCTION import.check_ident(integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.check_ident(integer, text) TO authenticated;

CREATE OR REPLACE FUNCTION import.normalise_ident(type_id integer, value text)
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'statbus_ident_normalise';
COMMENT ON FUNCTION import.normalise_ident(integer, text) IS 'An identifier as the rule of its type writes it';
REVOKE ALL ON FUNCTION import.normalise_ident(integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.normalise_ident(integer, text) TO authenticated;

CREATE OR REPLACE FUNCTION register.check_ident_by_rule(rule_id integer, value text)
RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10
AS 'MODULE_PATHNAME', 'statbus_ident_check_by_rule';
COMMENT ON FUNCTION register.check_ident_by_rule(integer, text) IS 'As import.check_ident, by a rule that need not be one of a type';
REVOKE ALL ON FUNCTION register.check_ident_by_rule(integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION register.check_ident_by_rule(integer, text) TO authenticated;

CREATE OR REPLACE FUNCTION register.require_sound_ident_rule(rule_id integer)
RETURNS void
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'statbus_ident_rule_fault';
COMMENT ON FUNCTION register.require_sound_ident_rule(integer) IS 'Raises an error when a rule of identifiers contradicts itself';
REVOKE ALL ON FUNCTION register.require_sound_ident_rule(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION register.require_sound_ident_rule(integer) TO authenticated;

-- AFTER INSERT OR UPDATE FOR EACH ROW; the argument is the column that holds the rule's id.
CREATE OR REPLACE FUNCTION register.ident_rule_changed()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $ident_rule_changed$
BEGIN
    PERFORM register.require_sound_ident_rule((to_jsonb(NEW) ->> TG_ARGV[0])::integer);
    RETURN NULL;
END
$ident_rule_changed$;
COMMENT ON FUNCTION register.ident_rule_changed() IS 'trigger: a rule of identifiers must be sound';
REVOKE ALL ON FUNCTION register.ident_rule_changed() FROM PUBLIC;

-- Identifiers of the register that files cannot name any more once a type has a rule, or that break it.
CREATE OR REPLACE FUNCTION register.idents_against_rule(type_code text, rule_code text DEFAULT NULL)
RETURNS TABLE (external_ident_id integer, ident text, as_read text, findings jsonb)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $idents_against_rule$
    SELECT e.id, e.ident, c.verdict ->> 'value', c.verdict -> 'findings'
    FROM register.external_ident_type AS t
    JOIN register.external_ident_rule AS r ON CASE WHEN idents_against_rule.rule_code IS NULL THEN r.id = t.rule_id ELSE r.code = idents_against_rule.rule_code END
    JOIN register.external_ident AS e ON e.type_id = t.id AND e.ident IS NOT NULL
    CROSS JOIN LATERAL (SELECT register.check_ident_by_rule(r.id, e.ident::text) AS verdict) AS c
    WHERE t.code = idents_against_rule.type_code AND c.verdict IS NOT NULL
    ORDER BY e.ident, e.id
$idents_against_rule$;
COMMENT ON FUNCTION register.idents_against_rule(text, text) IS
    'Identifiers of a type that its rule, or another one, refuses or reads otherwise: to be looked at before the type gets the rule';
REVOKE ALL ON FUNCTION register.idents_against_rule(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION register.idents_against_rule(text, text) TO authenticated;

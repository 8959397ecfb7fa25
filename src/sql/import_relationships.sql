-- Analysis of a job about relationships, in place of what import_identify.sql does for units: the ends of each row, the
-- relationship of the register that it means, and what rows say together: two primary influencers at a time, circles, shares
-- of more than 100 per cent.

-- Circles of relationships that hold at the same time are found in src/import_relationship_cycle.c. Relationships are
-- numbered from 1 in the order of the arrays; those up to "wanted" are told once each: the first day on which it is in a
-- circle, and a shortest way round that begins with it, NULL when it is very long.
CREATE OR REPLACE FUNCTION import.find_cycles(influencing_ids integer[], influenced_ids integer[], valid_from date[], valid_until date[], wanted integer)
RETURNS TABLE (relationship integer, day date, path integer[])
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1000
AS 'MODULE_PATHNAME', 'statbus_import_find_cycles';
COMMENT ON FUNCTION import.find_cycles(integer[], integer[], date[], date[], integer) IS 'Which of some relationships are in a circle of relationships that hold on the same day';
REVOKE ALL ON FUNCTION import.find_cycles(integer[], integer[], date[], date[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import.find_cycles(integer[], integer[], date[], date[], integer) TO authenticated;


-- temporal.merge: a set of rows, each valid during a period, becomes part of a temporal table.
--
-- Per call: (1) read the source once, in the order of row_id; (2) identify its rows, by identity or natural keys, then lock and read the
-- target's slices of the entities in question, until nobody changes them any more; (3) entity by entity cut time at every bound, work out
-- each segment's columns, join equal neighbours and compare with what is there; (4) one statement with DELETE, UPDATE and INSERT applies, so
-- that keys are checked on the end state. All of it is C: src/merge*.c.

-- One attempt. Natural keys, modes and results are those of temporal.merge.
CREATE OR REPLACE FUNCTION temporal.merge_once(
    target regclass, source regclass, identity_columns name[], mode temporal.merge_mode, natural_keys jsonb,
    delete_mode temporal.merge_delete_mode, period name, row_id_column name, founding_id_column name, ephemeral_columns name[])
RETURNS TABLE (row_id bigint, status temporal.merge_status, entity jsonb, message text)
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000 ROWS 1000
AS 'MODULE_PATHNAME', 'statbus_temporal_merge';
REVOKE ALL ON FUNCTION temporal.merge_once(regclass, regclass, name[], temporal.merge_mode, jsonb, temporal.merge_delete_mode, name, name, name, name[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.merge_once(regclass, regclass, name[], temporal.merge_mode, jsonb, temporal.merge_delete_mode, name, name, name, name[]) TO PUBLIC;
COMMENT ON FUNCTION temporal.merge_once(regclass, regclass, name[], temporal.merge_mode, jsonb, temporal.merge_delete_mode, name, name, name, name[])
    IS 'temporal.merge without its second attempt after a key violation: use temporal.merge. All arguments are given; NULLs and errors as there.';

-- Everything in the body is qualified: the search_path stays the caller's, for triggers and defaults of the target.
CREATE OR REPLACE FUNCTION temporal.merge(
    target regclass, source regclass, identity_columns name[],
    mode temporal.merge_mode DEFAULT 'MERGE_ENTITY_PATCH', natural_keys jsonb DEFAULT '[]',
    delete_mode temporal.merge_delete_mode DEFAULT 'NONE', period name DEFAULT 'valid_range',
    row_id_column name DEFAULT 'row_id', founding_id_column name DEFAULT NULL, ephemeral_columns name[] DEFAULT '{}')
RETURNS TABLE (row_id bigint, status temporal.merge_status, entity jsonb, message text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000 ROWS 1000
AS $merge$
#variable_conflict use_variable
BEGIN
    RETURN QUERY SELECT m.row_id, m.status, m.entity, m.message FROM temporal.merge_once(
        target, source, identity_columns, mode, natural_keys, delete_mode, period, row_id_column, founding_id_column, ephemeral_columns) AS m;
EXCEPTION WHEN exclusion_violation OR unique_violation THEN
    -- somebody may have made the same new entity meanwhile: look once more, at what he committed
    IF pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.<>) 'read committed' THEN
        RAISE;
    END IF;
    RETURN QUERY SELECT m.row_id, m.status, m.entity, m.message FROM temporal.merge_once(
        target, source, identity_columns, mode, natural_keys, delete_mode, period, row_id_column, founding_id_column, ephemeral_columns) AS m;
END
$merge$;
REVOKE ALL ON FUNCTION temporal.merge(regclass, regclass, name[], temporal.merge_mode, jsonb, temporal.merge_delete_mode, name, name, name, name[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.merge(regclass, regclass, name[], temporal.merge_mode, jsonb, temporal.merge_delete_mode, name, name, name, name[]) TO PUBLIC;
COMMENT ON FUNCTION temporal.merge(regclass, regclass, name[], temporal.merge_mode, jsonb, temporal.merge_delete_mode, name, name, name, name[])
    IS 'Merges the rows of a relation into a temporal table; one result row per source row, in the order of row_id. NULL is allowed for identity_columns (the first natural key identifies), natural_keys, founding_id_column and ephemeral_columns; 22004 for another NULL, 22023 for arguments that contradict each other, 42703, 42804 and 42809 for what cannot be merged, 42501 for a missing right. Source: doc/temporal.md';

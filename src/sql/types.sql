-- Member types. A type is made once and never replaced: later changes go into an update script.

CREATE TYPE temporal.merge_mode AS ENUM (
    'MERGE_ENTITY_UPSERT',
    'MERGE_ENTITY_PATCH',
    'MERGE_ENTITY_REPLACE',
    'INSERT_NEW_ENTITIES',
    'UPDATE_FOR_PORTION_OF',
    'PATCH_FOR_PORTION_OF',
    'REPLACE_FOR_PORTION_OF',
    'DELETE_FOR_PORTION_OF'
);
COMMENT ON TYPE temporal.merge_mode IS 'what temporal.merge does with the columns and the time of its source rows';

CREATE TYPE temporal.merge_delete_mode AS ENUM (
    'NONE',
    'DELETE_MISSING_TIMELINE',
    'DELETE_MISSING_ENTITIES',
    'DELETE_MISSING_TIMELINE_AND_ENTITIES'
);
COMMENT ON TYPE temporal.merge_delete_mode IS 'what temporal.merge removes because its source does not mention it';

CREATE TYPE temporal.merge_status AS ENUM (
    'APPLIED',
    'SKIPPED_IDENTICAL',
    'SKIPPED_FILTERED',
    'SKIPPED_NO_TARGET',
    'SKIPPED_ECLIPSED',
    'ERROR'
);
COMMENT ON TYPE temporal.merge_status IS 'what became of one source row of temporal.merge';

-- Allen 1983: how one period lies to another.
CREATE TYPE temporal.allen_relation AS ENUM (
    'precedes',
    'meets',
    'overlaps',
    'starts',
    'during',
    'finishes',
    'equals',
    'overlapped_by',
    'started_by',
    'contains',
    'finished_by',
    'met_by',
    'preceded_by'
);
COMMENT ON TYPE temporal.allen_relation IS 'how one period lies to another: exactly one of thirteen relations (Allen, 1983)';

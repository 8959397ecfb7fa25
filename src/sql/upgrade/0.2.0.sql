-- After 0.2.0.  What a release changes in tables is in the steps of src/sql/data, which statbus.migrate() runs at the end of an
-- update script; functions follow there, replaced or new.  What replacing cannot do stands here: new member types, functions
-- that are gone or return something else (DROP FUNCTION), member tables.
CREATE TYPE temporal.allen_relation AS ENUM (
    'precedes', 'meets', 'overlaps', 'starts', 'during', 'finishes', 'equals', 'overlapped_by', 'started_by', 'contains',
    'finished_by', 'met_by', 'preceded_by');
COMMENT ON TYPE temporal.allen_relation IS 'how one period lies to another: exactly one of thirteen relations (Allen, 1983)';

-- merge and the keys are C now
DROP AGGREGATE temporal.first_non_null(anyelement);
DROP FUNCTION temporal.keep_first(anyelement, anyelement);
DROP FUNCTION temporal.merge_apply(regclass, text[], tid[], tid[], anyarray, anyarray);
DROP FUNCTION temporal.foreign_key_check_row(oid, name, jsonb, boolean);
DROP FUNCTION temporal.foreign_key_children(regclass, name[], integer, text);
DROP FUNCTION temporal.foreign_key_query(regclass, name[], boolean, text, boolean);
DROP FUNCTION temporal.foreign_key_rows(text, name[], integer, text);
DROP FUNCTION temporal.foreign_key_trusts(oid[]);
DROP FUNCTION temporal.foreign_key_violated(name, regclass, name[], regclass, name[], boolean, text, text);
-- portions are collected in C
DROP FUNCTION temporal.portion_base(oid);
DROP FUNCTION temporal.portion_range(regtype, regtype, text, text, text, text, text, text, boolean);
DROP FUNCTION temporal.portion_table(oid);

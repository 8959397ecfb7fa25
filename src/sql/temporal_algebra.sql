-- The interval algebra: Allen's relations between two periods, and aggregates over many.
--
-- Half-open or not, bounds mean what PostgreSQL's own ranges mean: infinity is a value, an unbounded side is none.
-- Any range type; dates, integers and timestamps are compared without calling their type's functions.
--
-- Everybody may execute them: they read no data.

CREATE OR REPLACE FUNCTION temporal.allen(x anyrange, y anyrange)
RETURNS temporal.allen_relation
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen';
COMMENT ON FUNCTION temporal.allen(anyrange, anyrange) IS
    'The one of Allen''s thirteen relations that x has to y (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.allen(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.allen(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.allen(x_from anycompatible, x_until anycompatible, y_from anycompatible, y_until anycompatible)
RETURNS temporal.allen_relation
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_scalars';
COMMENT ON FUNCTION temporal.allen(anycompatible, anycompatible, anycompatible, anycompatible) IS
    'The relation of [x_from, x_until) to [y_from, y_until) as temporal.allen(x, y); NULL when a bound is NULL or a period is empty or reversed; 42883 for a type without order.';
REVOKE ALL ON FUNCTION temporal.allen(anycompatible, anycompatible, anycompatible, anycompatible) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.allen(anycompatible, anycompatible, anycompatible, anycompatible) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.inverse(relation temporal.allen_relation)
RETURNS temporal.allen_relation
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_inverse';
COMMENT ON FUNCTION temporal.inverse(temporal.allen_relation) IS
    'The relation of y to x when x has the given one to y; NULL for NULL.';
REVOKE ALL ON FUNCTION temporal.inverse(temporal.allen_relation) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.inverse(temporal.allen_relation) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.compose(x_to_y temporal.allen_relation, y_to_z temporal.allen_relation)
RETURNS temporal.allen_relation[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_compose';
COMMENT ON FUNCTION temporal.compose(temporal.allen_relation, temporal.allen_relation) IS
    'The relations that x may have to z, in the order of the type: Allen''s table of 13 by 13 (Allen, 1983), over dense time; NULL when an argument is NULL.';
REVOKE ALL ON FUNCTION temporal.compose(temporal.allen_relation, temporal.allen_relation) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.compose(temporal.allen_relation, temporal.allen_relation) TO PUBLIC;

-- The thirteen predicates: temporal.R(x, y) is temporal.allen(x, y) = 'R'.

CREATE OR REPLACE FUNCTION temporal.precedes(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_precedes';
COMMENT ON FUNCTION temporal.precedes(anyrange, anyrange) IS
    'True when x ends before y begins, with time between them (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.precedes(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.precedes(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.meets(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_meets';
COMMENT ON FUNCTION temporal.meets(anyrange, anyrange) IS
    'True when x ends where y begins (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.meets(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.meets(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.overlaps(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_overlaps';
COMMENT ON FUNCTION temporal.overlaps(anyrange, anyrange) IS
    'True when x begins first and ends inside y (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.overlaps(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.overlaps(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.starts(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_starts';
COMMENT ON FUNCTION temporal.starts(anyrange, anyrange) IS
    'True when x begins with y and ends before it (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.starts(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.starts(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.during(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_during';
COMMENT ON FUNCTION temporal.during(anyrange, anyrange) IS
    'True when x begins after y and ends before it (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.during(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.during(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.finishes(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_finishes';
COMMENT ON FUNCTION temporal.finishes(anyrange, anyrange) IS
    'True when x begins after y and ends with it (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.finishes(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.finishes(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.equals(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_equals';
COMMENT ON FUNCTION temporal.equals(anyrange, anyrange) IS
    'True when x and y begin and end together (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.equals(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.equals(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.overlapped_by(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_overlapped_by';
COMMENT ON FUNCTION temporal.overlapped_by(anyrange, anyrange) IS
    'True when y begins first and ends inside x (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.overlapped_by(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.overlapped_by(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.started_by(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_started_by';
COMMENT ON FUNCTION temporal.started_by(anyrange, anyrange) IS
    'True when x begins with y and ends after it (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.started_by(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.started_by(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.contains(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_contains';
COMMENT ON FUNCTION temporal.contains(anyrange, anyrange) IS
    'True when x begins before y and ends after it (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.contains(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.contains(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.finished_by(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_finished_by';
COMMENT ON FUNCTION temporal.finished_by(anyrange, anyrange) IS
    'True when x begins before y and ends with it (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.finished_by(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.finished_by(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.met_by(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_met_by';
COMMENT ON FUNCTION temporal.met_by(anyrange, anyrange) IS
    'True when y ends where x begins (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.met_by(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.met_by(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.preceded_by(x anyrange, y anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_allen_preceded_by';
COMMENT ON FUNCTION temporal.preceded_by(anyrange, anyrange) IS
    'True when y ends before x begins, with time between them (Allen, 1983); NULL when either is NULL or empty.';
REVOKE ALL ON FUNCTION temporal.preceded_by(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.preceded_by(anyrange, anyrange) TO PUBLIC;

-- Aggregates. Their result does not depend on the order of the rows, and a NULL or empty range covers nothing. The
-- state holds the islands met so far, not the rows, and crosses between parallel workers.

CREATE OR REPLACE FUNCTION temporal.islands_accumulate(internal, anyrange)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_accumulate';
COMMENT ON FUNCTION temporal.islands_accumulate(internal, anyrange) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_accumulate(internal, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_accumulate(internal, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_accumulate_within(internal, anyrange, anyrange)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_accumulate_within';
COMMENT ON FUNCTION temporal.islands_accumulate_within(internal, anyrange, anyrange) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_accumulate_within(internal, anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_accumulate_within(internal, anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_combine(internal, internal)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_combine';
COMMENT ON FUNCTION temporal.islands_combine(internal, internal) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_combine(internal, internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_combine(internal, internal) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_combine_within(internal, internal)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_combine_within';
COMMENT ON FUNCTION temporal.islands_combine_within(internal, internal) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_combine_within(internal, internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_combine_within(internal, internal) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_serialize(internal)
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_serialize';
COMMENT ON FUNCTION temporal.islands_serialize(internal) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_serialize(internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_serialize(internal) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_deserialize(bytea, internal)
RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_deserialize';
COMMENT ON FUNCTION temporal.islands_deserialize(bytea, internal) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_deserialize(bytea, internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_deserialize(bytea, internal) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_serialize_within(internal)
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_serialize_within';
COMMENT ON FUNCTION temporal.islands_serialize_within(internal) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_serialize_within(internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_serialize_within(internal) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_deserialize_within(bytea, internal)
RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_deserialize_within';
COMMENT ON FUNCTION temporal.islands_deserialize_within(bytea, internal) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_deserialize_within(bytea, internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_deserialize_within(bytea, internal) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_coalesce(internal, anyrange)
RETURNS anymultirange
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_coalesce';
COMMENT ON FUNCTION temporal.islands_coalesce(internal, anyrange) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_coalesce(internal, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_coalesce(internal, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_gaps(internal, anyrange)
RETURNS anymultirange
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_gaps';
COMMENT ON FUNCTION temporal.islands_gaps(internal, anyrange) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_gaps(internal, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_gaps(internal, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_gaps_within(internal, anyrange, anyrange)
RETURNS anymultirange
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_gaps_within';
COMMENT ON FUNCTION temporal.islands_gaps_within(internal, anyrange, anyrange) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_gaps_within(internal, anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_gaps_within(internal, anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.islands_cover(internal, anyrange, anyrange)
RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_islands_cover';
COMMENT ON FUNCTION temporal.islands_cover(internal, anyrange, anyrange) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.islands_cover(internal, anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.islands_cover(internal, anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.segments_accumulate(internal, anyelement)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_segments_accumulate';
COMMENT ON FUNCTION temporal.segments_accumulate(internal, anyelement) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.segments_accumulate(internal, anyelement) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.segments_accumulate(internal, anyelement) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.segments_combine(internal, internal)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_segments_combine';
COMMENT ON FUNCTION temporal.segments_combine(internal, internal) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.segments_combine(internal, internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.segments_combine(internal, internal) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.segments_serialize(internal)
RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_segments_serialize';
COMMENT ON FUNCTION temporal.segments_serialize(internal) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.segments_serialize(internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.segments_serialize(internal) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.segments_deserialize(bytea, internal)
RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_segments_deserialize';
COMMENT ON FUNCTION temporal.segments_deserialize(bytea, internal) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.segments_deserialize(bytea, internal) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.segments_deserialize(bytea, internal) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.segments_array(internal, anyelement)
RETURNS anyarray
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1
AS 'MODULE_PATHNAME', 'statbus_segments_array';
COMMENT ON FUNCTION temporal.segments_array(internal, anyelement) IS 'A part of the aggregates of temporal: not to be called.';
REVOKE ALL ON FUNCTION temporal.segments_array(internal, anyelement) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.segments_array(internal, anyelement) TO PUBLIC;

CREATE OR REPLACE AGGREGATE temporal.range_coalesce(r anyrange) (
    SFUNC = temporal.islands_accumulate, STYPE = internal, SSPACE = 128,
    FINALFUNC = temporal.islands_coalesce, FINALFUNC_EXTRA, FINALFUNC_MODIFY = READ_ONLY,
    COMBINEFUNC = temporal.islands_combine, SERIALFUNC = temporal.islands_serialize, DESERIALFUNC = temporal.islands_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE temporal.range_coalesce(anyrange) IS
    'The union of the ranges as a multirange, as range_agg; NULL and empty ranges add nothing; {} of empty ranges alone, NULL without a range.';
REVOKE ALL ON FUNCTION temporal.range_coalesce(anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.range_coalesce(anyrange) TO PUBLIC;

CREATE OR REPLACE AGGREGATE temporal.gaps(r anyrange) (
    SFUNC = temporal.islands_accumulate, STYPE = internal, SSPACE = 128,
    FINALFUNC = temporal.islands_gaps, FINALFUNC_EXTRA, FINALFUNC_MODIFY = READ_ONLY,
    COMBINEFUNC = temporal.islands_combine, SERIALFUNC = temporal.islands_serialize, DESERIALFUNC = temporal.islands_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE temporal.gaps(anyrange) IS
    'What lies between the first and the last of the ranges and is covered by none; NULL and empty ranges add nothing; {} when there is no gap, NULL without a range.';
REVOKE ALL ON FUNCTION temporal.gaps(anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.gaps(anyrange) TO PUBLIC;

CREATE OR REPLACE AGGREGATE temporal.gaps(r anyrange, within anyrange) (
    SFUNC = temporal.islands_accumulate_within, STYPE = internal, SSPACE = 128,
    FINALFUNC = temporal.islands_gaps_within, FINALFUNC_EXTRA, FINALFUNC_MODIFY = READ_ONLY,
    COMBINEFUNC = temporal.islands_combine_within, SERIALFUNC = temporal.islands_serialize_within, DESERIALFUNC = temporal.islands_deserialize_within,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE temporal.gaps(anyrange, anyrange) IS
    'The parts of within that no range covers; NULL and empty ranges cover nothing, of an empty within there are no parts; NULL when within is NULL in all rows; two different values of within in one group raise 22023.';
REVOKE ALL ON FUNCTION temporal.gaps(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.gaps(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE AGGREGATE temporal.covers_without_gaps(r anyrange, target anyrange) (
    SFUNC = temporal.islands_accumulate_within, STYPE = internal, SSPACE = 64,
    FINALFUNC = temporal.islands_cover, FINALFUNC_EXTRA, FINALFUNC_MODIFY = READ_ONLY,
    COMBINEFUNC = temporal.islands_combine_within, SERIALFUNC = temporal.islands_serialize_within, DESERIALFUNC = temporal.islands_deserialize_within,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE temporal.covers_without_gaps(anyrange, anyrange) IS
    'True when the ranges together cover all of target; NULL and empty ranges cover nothing, an empty target is covered; NULL when target is NULL in all rows; two different values of target in one group raise 22023.';
REVOKE ALL ON FUNCTION temporal.covers_without_gaps(anyrange, anyrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.covers_without_gaps(anyrange, anyrange) TO PUBLIC;

CREATE OR REPLACE AGGREGATE temporal.segments(r anyelement) (
    SFUNC = temporal.segments_accumulate, STYPE = internal, SSPACE = 256,
    FINALFUNC = temporal.segments_array, FINALFUNC_EXTRA, FINALFUNC_MODIFY = READ_ONLY,
    COMBINEFUNC = temporal.segments_combine, SERIALFUNC = temporal.segments_serialize, DESERIALFUNC = temporal.segments_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE temporal.segments(anyelement) IS
    'The covered time cut at every bound of the ranges, as an array of ranges in order of time; NULL and empty ranges add nothing; {} of empty ranges alone, NULL without a range; 42804 when the argument is no range.';
REVOKE ALL ON FUNCTION temporal.segments(anyelement) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.segments(anyelement) TO PUBLIC;

-- Sweeps over rows: set-returning functions over one read-only SELECT that is given as text.
--
-- What all of them have in common:
--   - The query runs once, as the caller, with the caller's search_path and rights, in the snapshot of the statement.
--     It is refused unless it is a single SELECT (or VALUES, or TABLE) that only reads.
--   - Key columns and the period are given by name. Rows with equal keys are a group; no keys, '{}', make one group of all.
--   - A row whose period is NULL or empty is left out. Any range type will do; unbounded sides and infinity are what they
--     are in the range type. Results are half-open where the input is.
--   - A row of the result has the key columns, then the value columns, then the period, all with the types they have in
--     the query. In FROM a column definition list gives them names. The order of the rows is not defined: use ORDER BY.
--   - Sorting stays within work_mem. In a SELECT list the rows come one by one; in FROM they are collected first, which
--     is what the executor does with any function there.
--
-- Everybody may execute them: they read what the caller may read. No schema that PostgREST exposes has them.

CREATE OR REPLACE FUNCTION temporal.coalesce_rows(query text, key_columns name[], period name DEFAULT 'valid_range',
    value_columns name[] DEFAULT NULL)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 ROWS 1000
AS 'MODULE_PATHNAME', 'statbus_coalesce_rows';
COMMENT ON FUNCTION temporal.coalesce_rows(text, name[], name, name[]) IS
    'Joins periods that overlap or meet and whose rows agree in keys and values: key columns, value columns, the longest periods. Without value_columns all other columns of the query are values; ''{}'' means none, and all periods of a key are joined. Equality is that of the types, NULL is equal to NULL (as in GROUP BY). Rows without a period or with an empty one are left out. Errors: 22023 or 0A000 for a query that is not a single SELECT that only reads, 22004 for a NULL argument, 42703 for a column that the query does not return, 42702 for one that it returns twice, 42701 for one named twice, 42804 for a period that is no range and for a wrong column definition list, 42883 for a type without an order. Source: Böhlen, Snodgrass, Soo, Coalescing in Temporal Databases, 1996.';
REVOKE ALL ON FUNCTION temporal.coalesce_rows(text, name[], name, name[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.coalesce_rows(text, name[], name, name[]) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.segment_rows(query text, key_columns name[], period name DEFAULT 'valid_range',
    with_gaps boolean DEFAULT false)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 ROWS 1000
AS 'MODULE_PATHNAME', 'statbus_segment_rows';
COMMENT ON FUNCTION temporal.segment_rows(text, name[], name, boolean) IS
    'The atomic segments of each group: key columns, period. Time is cut at every bound of a row of the group; no row begins or ends inside a segment. Pieces that no row covers are left out unless with_gaps. NULL keys are one group. Rows without a period or with an empty one are left out. Errors as temporal.coalesce_rows. Source: the temporal splitter of Dignös, Böhlen, Gamper, Temporal Alignment, SIGMOD 2012.';
REVOKE ALL ON FUNCTION temporal.segment_rows(text, name[], name, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.segment_rows(text, name[], name, boolean) TO PUBLIC;

-- Kinds: inner   a piece for each pair of rows with equal keys whose periods overlap
--        left    and the longest pieces of left rows that no right row covers, with NULL for the values of the right
--        full    and those of right rows
--        semi    the longest pieces of left rows that right rows cover; no right values
--        anti    the longest pieces of left rows that no right row covers; no right values
CREATE OR REPLACE FUNCTION temporal.join_rows(left_query text, right_query text, key_columns name[],
    period name DEFAULT 'valid_range', kind text DEFAULT 'inner', left_values name[] DEFAULT NULL,
    right_values name[] DEFAULT NULL)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 ROWS 1000
AS 'MODULE_PATHNAME', 'statbus_join_rows';
COMMENT ON FUNCTION temporal.join_rows(text, text, name[], name, text, name[], name[]) IS
    'Joins the rows of two queries with equal keys over the time that they share: key columns, values of the left, values of the right (not for semi and anti), period. Kinds: inner, left, full, semi, anti; the pieces of a left row cover it exactly in a left or full join, and semi and anti pieces together do too. Key columns and period have the same names and types in both queries. Without left_values or right_values all other columns of that query are values. A NULL key equals nothing, as in SQL. Rows without a period or with an empty one are left out. Errors as temporal.coalesce_rows; 22023 also for an unknown kind and for right_values of a semi or anti join, 42804 also for keys or periods of different types, 42P22 for keys of different collations. Source: the outer temporal joins of Dignös, Böhlen, Gamper, Temporal Alignment, SIGMOD 2012.';
REVOKE ALL ON FUNCTION temporal.join_rows(text, text, name[], name, text, name[], name[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.join_rows(text, text, name[], name, text, name[], name[]) TO PUBLIC;

CREATE OR REPLACE FUNCTION temporal.sequenced_aggregate(query text, key_columns name[], aggregates text[] DEFAULT '{count(*)}',
    period name DEFAULT 'valid_range', with_gaps boolean DEFAULT false)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 ROWS 1000
AS 'MODULE_PATHNAME', 'statbus_sequenced_aggregate';
COMMENT ON FUNCTION temporal.sequenced_aggregate(text, name[], text[], name, boolean) IS
    'Aggregates over the rows that hold in each atomic segment of a group: key columns, one column per aggregate, period. Aggregates are count(*), count(column), sum(column), min(column) and max(column), with columns written as in SQL. NULL values are ignored as SQL aggregates do: without a value sum, min and max are NULL. Sums have the type that sum() gives (smallint and integer: bigint; bigint and numeric: numeric), or the type of the values'' own operator +. Segments that no row covers are left out unless with_gaps. Rows without a period or with an empty one are left out. Errors as temporal.coalesce_rows; 22023 also for a malformed aggregate, 42883 for a column that cannot be summed or compared, 22003 for a sum out of range. Source: sequenced semantics, Snodgrass, Developing Time-Oriented Database Applications in SQL, 1999.';
REVOKE ALL ON FUNCTION temporal.sequenced_aggregate(text, name[], text[], name, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION temporal.sequenced_aggregate(text, name[], text[], name, boolean) TO PUBLIC;

/*-------------------------------------------------------------------------
 *
 * sweep_sql.c
 *	  SQL face of coalesce_rows and segment_rows.
 *
 * IDENTIFICATION
 *	  src/sweep_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "sweep_sql.h"

typedef struct CoalesceState
{
	SweepRows  *rows;
	const SbOrder *order;
	const SweepMemory *memory;
	int			nkeys;
	bool		open;
	SbInterval	island;
} CoalesceState;

typedef struct SegmentState
{
	SweepRows  *rows;
	int			nkeys;
	SweepSegments segments;
} SegmentState;

static void begin_coalesce(FunctionCallInfo fcinfo, Sweep *sweep);
static bool step_coalesce(Sweep *sweep);
static void finish_island(Sweep *sweep);
static void end_coalesce(Sweep *sweep);
static void begin_segments(FunctionCallInfo fcinfo, Sweep *sweep);
static bool step_segments(Sweep *sweep);
static void emit_segment(void *arg, const SbInterval *segment, int open);
static void end_segments(Sweep *sweep);

/*
 * Coalesce
 */

PG_FUNCTION_INFO_V1(statbus_coalesce_rows);

/* The longest periods in which rows agree in keys and values. */
Datum
statbus_coalesce_rows(PG_FUNCTION_ARGS)
{
	return sweep_call(fcinfo, begin_coalesce);
}

/* Rows that agree in keys and values are a group, so values are keys too. */
static void
begin_coalesce(FunctionCallInfo fcinfo, Sweep *sweep)
{
	SweepQuery *query = sweep_query_open(sweep_text_argument(fcinfo, 0, "query"));
	CoalesceState *state = palloc0(sizeof(CoalesceState));

	sweep_query_keys(query, sweep_names_argument(fcinfo, 1, "key_columns"),
					 sweep_name_argument(fcinfo, 2, "period"));
	sweep_query_values(query, PG_ARGISNULL(3) ? NULL : PG_GETARG_ARRAYTYPE_P(3));
	query->nkeys += query->nvalues;
	query->nvalues = 0;

	sweep_result_shape(&sweep->result, query->nkeys, query);
	for (int i = 0; i < query->nkeys; i++)
		sweep_result_column(&sweep->result, i, sweep_query_column(query, i));
	state->nkeys = query->nkeys;
	state->order = &query->type->order;
	state->memory = sweep_memory(query->type);
	state->rows = sweep_rows_begin(query, true);
	sweep->state = state;
	sweep->step = step_coalesce;
	sweep->end = end_coalesce;
	sweep_query_run(query, sweep_rows_put, state->rows);
	sweep_rows_sort(state->rows);
}

/* Take one row. */
static bool
step_coalesce(Sweep *sweep)
{
	CoalesceState *state = sweep->state;
	SweepRow	row;

	if (!sweep_rows_next(state->rows, &row))
	{
		finish_island(sweep);
		return false;
	}
	if (!row.new_group && sb_cut_compare(state->order, row.cuts.lo, state->island.hi) <= 0)
	{
		if (sb_cut_compare(state->order, row.cuts.hi, state->island.hi) > 0)
		{
			sweep_drop(state->memory, state->island.hi);
			state->island.hi = sweep_keep(state->memory, row.cuts.hi);
		}
		return true;
	}
	finish_island(sweep);
	if (row.new_group)
		sweep_result_keys(&sweep->result, &row, state->nkeys);
	state->open = true;
	state->island.lo = sweep_keep(state->memory, row.cuts.lo);
	state->island.hi = sweep_keep(state->memory, row.cuts.hi);
	return true;
}

/* Return the island, if there is one. */
static void
finish_island(Sweep *sweep)
{
	CoalesceState *state = sweep->state;

	if (!state->open)
		return;
	sweep_result_put(&sweep->result, &state->island);
	sweep_drop(state->memory, state->island.lo);
	sweep_drop(state->memory, state->island.hi);
	state->open = false;
}

/* Give up what the rows hold beyond memory. */
static void
end_coalesce(Sweep *sweep)
{
	sweep_rows_end(((CoalesceState *) sweep->state)->rows);
}

/*
 * Segments
 */

PG_FUNCTION_INFO_V1(statbus_segment_rows);

/* The periods between neighbouring bounds of the rows of a group. */
Datum
statbus_segment_rows(PG_FUNCTION_ARGS)
{
	return sweep_call(fcinfo, begin_segments);
}

/* Read the arguments, shape the result, run and sort the query. */
static void
begin_segments(FunctionCallInfo fcinfo, Sweep *sweep)
{
	SweepQuery *query = sweep_query_open(sweep_text_argument(fcinfo, 0, "query"));
	SegmentState *state = palloc0(sizeof(SegmentState));

	sweep_query_keys(query, sweep_names_argument(fcinfo, 1, "key_columns"),
					 sweep_name_argument(fcinfo, 2, "period"));
	state->segments.gaps = sweep_bool_argument(fcinfo, 3, "with_gaps");
	sweep_result_shape(&sweep->result, query->nkeys, query);
	for (int i = 0; i < query->nkeys; i++)
		sweep_result_column(&sweep->result, i, sweep_query_column(query, i));
	state->nkeys = query->nkeys;
	state->segments.order = &query->type->order;
	state->segments.memory = sweep_memory(query->type);
	state->segments.emit = emit_segment;
	state->segments.arg = &sweep->result;
	state->rows = sweep_rows_begin(query, true);
	sweep->state = state;
	sweep->step = step_segments;
	sweep->end = end_segments;
	sweep_query_run(query, sweep_rows_put, state->rows);
	sweep_rows_sort(state->rows);
}

/* Take one row. */
static bool
step_segments(Sweep *sweep)
{
	SegmentState *state = sweep->state;
	SweepRow	row;

	if (!sweep_rows_next(state->rows, &row))
	{
		sweep_segments_end(&state->segments);
		return false;
	}
	if (row.new_group)
	{
		sweep_segments_end(&state->segments);
		sweep_result_keys(&sweep->result, &row, state->nkeys);
	}
	sweep_segments_add(&state->segments, &row.cuts, 0);
	return true;
}

/* SweepSegments' emit(). */
static void
emit_segment(void *arg, const SbInterval *segment, int open)
{
	(void) open;
	sweep_result_put(arg, segment);
}

/* Give up what the rows hold beyond memory. */
static void
end_segments(Sweep *sweep)
{
	sweep_rows_end(((SegmentState *) sweep->state)->rows);
}

/*-------------------------------------------------------------------------
 *
 * interval_aggregate_sql.c
 *	  Aggregates over ranges: range_coalesce, gaps, covers_without_gaps, segments.
 *
 * A group's state is one allocation in the aggregate's own memory context: a
 * short head and an array that doubles when it is full (interval_set.h), so
 * that hash aggregation sees what it takes.  Points that are 32 bits wide are
 * kept packed, half as large.  Values of types passed by reference are copied
 * when they are kept and freed when merging gives them up.
 *
 * The aggregates with a second argument keep it, as an interval, in front of
 * the array, and clip every range to it: what is covered merges into one
 * island, after which further rows only find themselves inside of it.
 *
 * IDENTIFICATION
 *	  src/interval_aggregate_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "interval_aggregate.h"

/* Items, with the one in front, that a new state has room for: 64 bytes of packed islands. */
#define FIRST_ITEMS		3

static void drop_value(int64_t value);
static SetCall *argument_call(FunctionCallInfo fcinfo, bool has_within, bool counted);
static Size item_size(const SetCall *call);
static SetState *grow(const SetCall *call, SetState *state);
static SetState *add_island(const SetCall *call, MemoryContext context, SetState *state,
							SbInterval x);
static SetState *add_count(const SetCall *call, MemoryContext context, SetState *state,
						   SbCut cut, int64_t net);
static SbInterval set_within(const SetCall *call, MemoryContext context, SetState *state,
							 SbInterval within);
static SbInterval clip(const SetCall *call, SbInterval x, SbInterval within);
static SetState *add_clipped(const SetCall *call, MemoryContext context, SetState *state,
							 SbInterval x, SbInterval within);
static MemoryContext aggregate_context(FunctionCallInfo fcinfo);
static SetState *combine_islands(FunctionCallInfo fcinfo, bool has_within);

PG_FUNCTION_INFO_V1(statbus_islands_accumulate);
PG_FUNCTION_INFO_V1(statbus_islands_accumulate_within);
PG_FUNCTION_INFO_V1(statbus_islands_combine);
PG_FUNCTION_INFO_V1(statbus_islands_combine_within);
PG_FUNCTION_INFO_V1(statbus_segments_accumulate);
PG_FUNCTION_INFO_V1(statbus_segments_combine);

/* SbSetOwner callback: a value passed by reference is not needed any more. */
static void
drop_value(int64_t value)
{
	pfree(DatumGetPointer((Datum) value));
}

/* What a call remembers about sets of ranges of the type; made in the context. */
SetCall *
set_call_make(MemoryContext context, Oid range_type, bool has_within, bool counted)
{
	SetCall    *call = MemoryContextAllocZero(context, sizeof(SetCall));

	call->type = period_type(range_type);
	call->packed = call->type->points == PERIOD_INT32;
	call->counted = counted;
	call->reserved = has_within ? 1 : 0;
	call->owner.order = &call->type->order;
	if (call->type->points == PERIOD_DATUM && !call->type->cache->rngelemtype->typbyval)
		call->owner.drop = drop_value;
	return call;
}

/* What this function remembers, by the type of its second argument. */
static SetCall *
argument_call(FunctionCallInfo fcinfo, bool has_within, bool counted)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = set_call_make(fcinfo->flinfo->fn_mcxt,
												 get_fn_expr_argtype(fcinfo->flinfo, 1),
												 has_within, counted);
	return fcinfo->flinfo->fn_extra;
}

/* What this function remembers, by the type that a state names. */
SetCall *
set_call_of_state(FunctionCallInfo fcinfo, const SetState *state, bool has_within, bool counted)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = set_call_make(fcinfo->flinfo->fn_mcxt, state->range_type,
												 has_within, counted);
	return fcinfo->flinfo->fn_extra;
}

/* The bytes of one item. */
static Size
item_size(const SetCall *call)
{
	if (call->counted)
		return call->packed ? sizeof(SbPackedCount) : sizeof(SbWideCount);
	return call->packed ? sizeof(SbPackedInterval) : sizeof(SbInterval);
}

/* A state without items that has room for so many, besides the one in front. */
SetState *
set_state_make(const SetCall *call, MemoryContext context, int32 capacity)
{
	SetState   *state;

	state = MemoryContextAllocHuge(context, sizeof(SetState) +
								   ((Size) call->reserved + capacity) * item_size(call));
	state->fill.count = 0;
	state->fill.used = 0;
	state->fill.capacity = capacity;
	state->range_type = call->type->range_type;
	if (call->reserved > 0)
		set_store_within(call, state, WITHIN_UNKNOWN);
	return state;
}

/* Make room for an item in a full state: by merging, or else by doubling it. */
static SetState *
grow(const SetCall *call, SetState *state)
{
	int64		items;

	if (state->fill.used > state->fill.count)
	{
		set_compact(call, state);
		if (!sb_set_crowded(&state->fill))
			return state;
	}
	items = ((int64) call->reserved + state->fill.capacity) * 2 + 1;
	if (items > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many separate ranges in one group")));
	state = repalloc_huge(state, sizeof(SetState) + (Size) items * item_size(call));
	state->fill.capacity = (int32) (items - call->reserved);
	return state;
}

/* Merge what is pending in a state. */
void
set_compact(const SetCall *call, SetState *state)
{
	if (call->counted)
	{
		if (call->packed)
			sb_packed_counts_compact(set_packed_counts(state), &state->fill);
		else
			sb_wide_counts_compact(&call->owner, set_wide_counts(state), &state->fill);
	}
	else if (call->packed)
		sb_packed_islands_compact(set_packed_islands(call, state), &state->fill);
	else
		sb_wide_islands_compact(&call->owner, set_wide_islands(call, state), &state->fill);
}

/* Add an interval that is not empty; values are copied when they are kept. */
static SetState *
add_island(const SetCall *call, MemoryContext context, SetState *state, SbInterval x)
{
	if (call->packed)
	{
		SbPackedInterval packed = {sb_pack(x.lo), sb_pack(x.hi)};

		if (unlikely(sb_set_full(&state->fill)))
		{
			if (sb_packed_islands_contain(set_packed_islands(call, state), &state->fill, packed))
				return state;
			state = grow(call, state);
		}
		sb_packed_islands_add(set_packed_islands(call, state), &state->fill, packed);
		return state;
	}

	if (sb_wide_islands_contain(&call->owner, set_wide_islands(call, state), &state->fill, x))
		return state;
	if (sb_set_full(&state->fill))
		state = grow(call, state);
	if (call->owner.drop != NULL)
	{
		MemoryContext before = MemoryContextSwitchTo(context);

		x.lo = period_cut_copy(call->type, x.lo);
		x.hi = period_cut_copy(call->type, x.hi);
		MemoryContextSwitchTo(before);
	}
	sb_wide_islands_add(&call->owner, set_wide_islands(call, state), &state->fill, x);
	return state;
}

/* Count a cut; its value is copied. */
static SetState *
add_count(const SetCall *call, MemoryContext context, SetState *state, SbCut cut, int64_t net)
{
	if (sb_set_full(&state->fill))
		state = grow(call, state);
	if (call->packed)
	{
		SbPackedCount packed = {sb_pack(cut), net};

		sb_packed_counts_add(set_packed_counts(state), &state->fill, packed);
	}
	else
	{
		SbWideCount wide = {cut, net};

		if (call->owner.drop != NULL)
		{
			MemoryContext before = MemoryContextSwitchTo(context);

			wide.cut = period_cut_copy(call->type, cut);
			MemoryContextSwitchTo(before);
		}
		sb_wide_counts_add(&call->owner, set_wide_counts(state), &state->fill, wide);
	}
	return state;
}

/*
 * Take note of a value of the second argument (or WITHIN_EMPTY, or
 * WITHIN_UNKNOWN for NULL), and return the one that holds for the group.
 * Raises 22023 when there was another.
 */
static SbInterval
set_within(const SetCall *call, MemoryContext context, SetState *state, SbInterval within)
{
	SbInterval	known = set_load_within(call, state);
	const SbOrder *order = &call->type->order;

	if (within_is_unknown(within))
		return known;
	if (within_is_unknown(known))
	{
		MemoryContext before = MemoryContextSwitchTo(context);

		within.lo = period_cut_copy(call->type, within.lo);
		within.hi = period_cut_copy(call->type, within.hi);
		MemoryContextSwitchTo(before);
		set_store_within(call, state, within);
		return within;
	}
	if (sb_cut_compare(order, known.lo, within.lo) != 0 ||
		sb_cut_compare(order, known.hi, within.hi) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the second argument must be the same for all rows of a group")));
	return known;
}

/* The part of x inside of within, which is known; lo >= hi when there is none. */
static SbInterval
clip(const SetCall *call, SbInterval x, SbInterval within)
{
	const SbOrder *order = &call->type->order;

	if (sb_cut_compare(order, x.lo, within.lo) < 0)
		x.lo = within.lo;
	if (sb_cut_compare(order, within.hi, x.hi) < 0)
		x.hi = within.hi;
	return x;
}

/* Add the part of x that counts in a state with a second argument. */
static SetState *
add_clipped(const SetCall *call, MemoryContext context, SetState *state, SbInterval x,
			SbInterval within)
{
	if (within_is_empty(within))
		return state;
	if (!within_is_unknown(within))
	{
		x = clip(call, x, within);
		if (sb_cut_compare(&call->type->order, x.lo, x.hi) >= 0)
			return state;
	}
	return add_island(call, context, state, x);
}

/* The memory of the aggregate that calls. */
static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

/* Transition of range_coalesce and gaps. */
Datum
statbus_islands_accumulate(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	SetCall    *call = argument_call(fcinfo, false, false);
	SetState   *state = PG_ARGISNULL(0) ? NULL : (SetState *) PG_GETARG_POINTER(0);
	SbInterval	x;

	if (!PG_ARGISNULL(1))
	{
		if (state == NULL)
			state = set_state_make(call, context, FIRST_ITEMS);
		if (period_cuts(call->type, PG_GETARG_DATUM(1), &x))
			state = add_island(call, context, state, x);
	}
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/* Transition of gaps with a second argument and of covers_without_gaps. */
Datum
statbus_islands_accumulate_within(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	SetCall    *call = argument_call(fcinfo, true, false);
	SetState   *state = PG_ARGISNULL(0) ? NULL : (SetState *) PG_GETARG_POINTER(0);
	SbInterval	within = WITHIN_UNKNOWN;
	SbInterval	x;

	if (state == NULL)
		state = set_state_make(call, context, FIRST_ITEMS - 1);
	if (!PG_ARGISNULL(2) && !period_cuts(call->type, PG_GETARG_DATUM(2), &within))
		within = WITHIN_EMPTY;
	within = set_within(call, context, state, within);
	if (!PG_ARGISNULL(1) && period_cuts(call->type, PG_GETARG_DATUM(1), &x))
		state = add_clipped(call, context, state, x, within);
	PG_RETURN_POINTER(state);
}

/* Transition of segments. */
Datum
statbus_segments_accumulate(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	SetCall    *call = argument_call(fcinfo, false, true);
	SetState   *state = PG_ARGISNULL(0) ? NULL : (SetState *) PG_GETARG_POINTER(0);
	SbInterval	x;

	if (!PG_ARGISNULL(1))
	{
		if (state == NULL)
			state = set_state_make(call, context, 2 * FIRST_ITEMS + 1);
		if (period_cuts(call->type, PG_GETARG_DATUM(1), &x))
		{
			state = add_count(call, context, state, x.lo, 1);
			state = add_count(call, context, state, x.hi, -1);
		}
	}
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/* Both states as one, which lives in the aggregate's memory; NULL of two NULLs. */
static SetState *
combine_islands(FunctionCallInfo fcinfo, bool has_within)
{
	MemoryContext context = aggregate_context(fcinfo);
	SetState   *state = PG_ARGISNULL(0) ? NULL : (SetState *) PG_GETARG_POINTER(0);
	SetState   *other = PG_ARGISNULL(1) ? NULL : (SetState *) PG_GETARG_POINTER(1);
	SbInterval	within = WITHIN_UNKNOWN;
	SetCall    *call;

	if (other == NULL)
		return state;
	call = set_call_of_state(fcinfo, other, has_within, false);
	if (state == NULL)
		state = set_state_make(call, context, FIRST_ITEMS - call->reserved);
	if (has_within)
		within = set_within(call, context, state, set_load_within(call, other));
	for (int i = 0; i < other->fill.used; i++)
	{
		CHECK_FOR_INTERRUPTS();
		state = add_clipped(call, context, state, set_island(call, other, i), within);
	}
	return state;
}

/* Combine function of range_coalesce and gaps. */
Datum
statbus_islands_combine(PG_FUNCTION_ARGS)
{
	SetState   *state = combine_islands(fcinfo, false);

	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/* Combine function of gaps with a second argument and of covers_without_gaps. */
Datum
statbus_islands_combine_within(PG_FUNCTION_ARGS)
{
	SetState   *state = combine_islands(fcinfo, true);

	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/* Combine function of segments. */
Datum
statbus_segments_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	SetState   *state = PG_ARGISNULL(0) ? NULL : (SetState *) PG_GETARG_POINTER(0);
	SetState   *other = PG_ARGISNULL(1) ? NULL : (SetState *) PG_GETARG_POINTER(1);
	SetCall    *call;

	if (other != NULL)
	{
		call = set_call_of_state(fcinfo, other, false, true);
		if (state == NULL)
			state = set_state_make(call, context, 2 * FIRST_ITEMS + 1);
		for (int i = 0; i < other->fill.used; i++)
		{
			SbWideCount count = set_count(call, other, i);

			CHECK_FOR_INTERRUPTS();
			state = add_count(call, context, state, count.cut, count.net);
		}
	}
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/*-------------------------------------------------------------------------
 *
 * interval_aggregate.h
 *	  The state of the aggregates over ranges.
 *
 * IDENTIFICATION
 *	  src/interval_aggregate.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_INTERVAL_AGGREGATE_H
#define STATBUS_INTERVAL_AGGREGATE_H

#include "interval_set.h"
#include "period.h"

/*
 * The items follow: islands or counted cuts, packed or wide as SetCall says.
 * Where the aggregate has a second argument, it is the item in front of them.
 */
typedef struct SetState
{
	SbSetFill	fill;
	Oid			range_type;
} SetState;

/* What the functions of an aggregate remember between calls. */
typedef struct SetCall
{
	const PeriodType *type;
	bool		packed;
	bool		counted;		/* counted cuts, not islands */
	int			reserved;		/* 1 with a second argument, otherwise 0 */
	SbSetOwner	owner;
	Oid			multirange_type;	/* where it is looked up */
} SetCall;

/* A second argument that was always NULL, and one that is empty. */
#define WITHIN_UNKNOWN	((SbInterval) {{0, SB_CUT_END}, {0, SB_CUT_END}})
#define WITHIN_EMPTY	((SbInterval) {{0, SB_CUT_END}, {0, SB_CUT_BEGIN}})

/* The second argument was NULL in all rows so far. */
static inline bool
within_is_unknown(SbInterval within)
{
	return within.lo.side == SB_CUT_END && within.hi.side == SB_CUT_END;
}

/* The second argument is an empty range. */
static inline bool
within_is_empty(SbInterval within)
{
	return within.hi.side == SB_CUT_BEGIN;
}

/* The items of a state, by kind. */
static inline SbPackedInterval *
set_packed_islands(const SetCall *call, SetState *state)
{
	return (SbPackedInterval *) (state + 1) + call->reserved;
}

static inline SbInterval *
set_wide_islands(const SetCall *call, SetState *state)
{
	return (SbInterval *) (state + 1) + call->reserved;
}

static inline SbPackedCount *
set_packed_counts(SetState *state)
{
	return (SbPackedCount *) (state + 1);
}

static inline SbWideCount *
set_wide_counts(SetState *state)
{
	return (SbWideCount *) (state + 1);
}

/* One island of a state. */
static inline SbInterval
set_island(const SetCall *call, SetState *state, int i)
{
	SbInterval	result;
	SbPackedInterval packed;

	if (!call->packed)
		return set_wide_islands(call, state)[i];
	packed = set_packed_islands(call, state)[i];
	result.lo = sb_unpack(packed.lo);
	result.hi = sb_unpack(packed.hi);
	return result;
}

/* One counted cut of a state. */
static inline SbWideCount
set_count(const SetCall *call, SetState *state, int i)
{
	SbWideCount result;

	if (!call->packed)
		return set_wide_counts(state)[i];
	result.cut = sb_unpack(set_packed_counts(state)[i].cut);
	result.net = set_packed_counts(state)[i].net;
	return result;
}

/* The second argument that a state keeps. */
static inline SbInterval
set_load_within(const SetCall *call, SetState *state)
{
	return set_island(call, state, -1);
}

/* Keep the second argument in front of the islands. */
static inline void
set_store_within(const SetCall *call, SetState *state, SbInterval within)
{
	if (call->packed)
	{
		SbPackedInterval *item = set_packed_islands(call, state) - 1;

		item->lo = sb_pack(within.lo);
		item->hi = sb_pack(within.hi);
	}
	else
		set_wide_islands(call, state)[-1] = within;
}

extern SetCall *set_call_make(MemoryContext context, Oid range_type, bool has_within, bool counted);
extern SetCall *set_call_of_state(FunctionCallInfo fcinfo, const SetState *state,
								  bool has_within, bool counted);
extern SetState *set_state_make(const SetCall *call, MemoryContext context, int32 capacity);
extern void set_compact(const SetCall *call, SetState *state);

#endif							/* STATBUS_INTERVAL_AGGREGATE_H */

/*-------------------------------------------------------------------------
 *
 * interval_final_sql.c
 *	  Aggregates over ranges: results, and states between parallel workers.
 *
 * IDENTIFICATION
 *	  src/interval_final_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tupmacs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/multirangetypes.h"

#include "interval_aggregate.h"

/* How multirangetypes.c keeps where ranges begin: every fourth absolutely. */
#define MULTIRANGE_OFFSET		0x80000000
#define MULTIRANGE_STRIDE		4

/* A serialised state begins with this; then come the values of the items. */
typedef struct SetWire
{
	Oid			range_type;
	int32		kind;
	int32		count;
	int32		used;
} SetWire;

static SetCall *final_call(FunctionCallInfo fcinfo, bool has_within, bool counted);
static Datum multirange(const SetCall *call, const SbInterval *pieces, int count);
static Datum fixed_multirange(const SetCall *call, const SbInterval *pieces, int count);
static char *write_point(char *to, int width, int64_t value);
static Size cut_space(const SetCall *call, SbCut cut);
static char *write_cut(const SetCall *call, char *to, SbCut cut);
static SbCut read_cut(const SetCall *call, char **from);
static Datum serialize(FunctionCallInfo fcinfo, bool has_within, bool counted);
static Datum deserialize(FunctionCallInfo fcinfo, bool has_within, bool counted);

PG_FUNCTION_INFO_V1(statbus_islands_coalesce);
PG_FUNCTION_INFO_V1(statbus_islands_gaps);
PG_FUNCTION_INFO_V1(statbus_islands_gaps_within);
PG_FUNCTION_INFO_V1(statbus_islands_cover);
PG_FUNCTION_INFO_V1(statbus_segments_array);
PG_FUNCTION_INFO_V1(statbus_islands_serialize);
PG_FUNCTION_INFO_V1(statbus_islands_serialize_within);
PG_FUNCTION_INFO_V1(statbus_islands_deserialize);
PG_FUNCTION_INFO_V1(statbus_islands_deserialize_within);
PG_FUNCTION_INFO_V1(statbus_segments_serialize);
PG_FUNCTION_INFO_V1(statbus_segments_deserialize);

/* What a final function remembers; its state is there and is compacted. */
static SetCall *
final_call(FunctionCallInfo fcinfo, bool has_within, bool counted)
{
	SetState   *state = (SetState *) PG_GETARG_POINTER(0);
	SetCall    *call = set_call_of_state(fcinfo, state, has_within, counted);

	if (!OidIsValid(call->multirange_type))
	{
		call->multirange_type = get_range_multirange(call->type->range_type);
		if (!OidIsValid(call->multirange_type))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("could not find multirange type for data type %s",
							format_type_be(call->type->range_type))));
	}
	set_compact(call, state);
	return call;
}

/* The multirange of pieces that are sorted and do not touch. */
static Datum
multirange(const SetCall *call, const SbInterval *pieces, int count)
{
	RangeType **ranges;

	if (count > 0 && call->type->points != PERIOD_DATUM)
		return fixed_multirange(call, pieces, count);
	ranges = palloc_extended(Max(count, 1) * sizeof(RangeType *), MCXT_ALLOC_HUGE);
	for (int i = 0; i < count; i++)
		ranges[i] = DatumGetRangeTypeP(period_range(call->type, &pieces[i]));
	return MultirangeTypePGetDatum(make_multirange(call->multirange_type, call->type->cache,
												   count, ranges));
}

/* Append a bound. */
static char *
write_point(char *to, int width, int64_t value)
{
	if (width == 4)
	{
		int32		narrow = (int32) value;

		memcpy(to, &narrow, 4);
	}
	else
		memcpy(to, &value, 8);
	return to + width;
}

/*
 * The same for points of a fixed width, written as multirangetypes.c writes
 * it: head, where each range but the first begins or how long the one before
 * it is, flags of all, bounds of all.
 */
static Datum
fixed_multirange(const SetCall *call, const SbInterval *pieces, int count)
{
	int			width = call->type->points == PERIOD_INT32 ? 4 : 8;
	Size		head = sizeof(MultirangeType) + (Size) (count - 1) * sizeof(uint32) + count;
	Size		bounds = TYPEALIGN(width, head);
	MultirangeType *result;
	uint32	   *items;
	uint8	   *flags;
	char	   *begin;
	char	   *to;
	uint32		previous = 0;
	Size		size;

	/* only the first and the last can be unbounded */
	size = bounds + (Size) count * 2 * width;
	if (pieces[0].lo.side == SB_CUT_BEGIN)
		size -= width;
	if (pieces[count - 1].hi.side == SB_CUT_END)
		size -= width;

	result = palloc(size);
	memset((char *) result + head, 0, bounds - head);
	SET_VARSIZE(result, size);
	result->multirangetypid = call->multirange_type;
	result->rangeCount = count;
	items = (uint32 *) (result + 1);
	flags = (uint8 *) (items + count - 1);
	begin = to = (char *) result + bounds;
	for (int i = 0; i < count; i++)
	{
		uint32		offset = to - begin;
		SbCut		lo = pieces[i].lo;
		SbCut		hi = pieces[i].hi;

		if (i > 0)
			items[i - 1] = i % MULTIRANGE_STRIDE != 0 ? offset - previous : offset | MULTIRANGE_OFFSET;
		previous = offset;
		flags[i] = (lo.side == SB_CUT_BEGIN ? RANGE_LB_INF : lo.side == SB_CUT_BEFORE ? RANGE_LB_INC : 0) |
			(hi.side == SB_CUT_END ? RANGE_UB_INF : hi.side == SB_CUT_AFTER ? RANGE_UB_INC : 0);
		if (lo.side != SB_CUT_BEGIN)
			to = write_point(to, width, lo.value);
		if (hi.side != SB_CUT_END)
			to = write_point(to, width, hi.value);
	}
	return MultirangeTypePGetDatum(result);
}

/* Final function of range_coalesce. */
Datum
statbus_islands_coalesce(PG_FUNCTION_ARGS)
{
	SetState   *state;
	SetCall    *call;
	SbInterval *pieces;
	int			count;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	call = final_call(fcinfo, false, false);
	state = (SetState *) PG_GETARG_POINTER(0);
	count = state->fill.count;
	if (!call->packed)
		return multirange(call, set_wide_islands(call, state), count);
	pieces = palloc_extended((Size) Max(count, 1) * sizeof(SbInterval), MCXT_ALLOC_HUGE);
	for (int i = 0; i < count; i++)
		pieces[i] = set_island(call, state, i);
	return multirange(call, pieces, count);
}

/* Final function of gaps: what lies between the islands. */
Datum
statbus_islands_gaps(PG_FUNCTION_ARGS)
{
	SetState   *state;
	SetCall    *call;
	SbInterval *pieces;
	int			count;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	call = final_call(fcinfo, false, false);
	state = (SetState *) PG_GETARG_POINTER(0);
	count = Max(state->fill.count, 1) - 1;
	pieces = palloc_extended((Size) Max(count, 1) * sizeof(SbInterval), MCXT_ALLOC_HUGE);
	for (int i = 0; i < count; i++)
	{
		pieces[i].lo = set_island(call, state, i).hi;
		pieces[i].hi = set_island(call, state, i + 1).lo;
	}
	return multirange(call, pieces, count);
}

/* Final function of gaps with a second argument: what is left of it. */
Datum
statbus_islands_gaps_within(PG_FUNCTION_ARGS)
{
	SetState   *state;
	SetCall    *call;
	SbInterval *pieces;
	SbInterval	within;
	SbCut		at;
	const SbOrder *order;
	int			count = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	call = final_call(fcinfo, true, false);
	state = (SetState *) PG_GETARG_POINTER(0);
	within = set_load_within(call, state);
	if (within_is_unknown(within))
		PG_RETURN_NULL();
	if (within_is_empty(within))
		return multirange(call, NULL, 0);

	order = &call->type->order;
	pieces = palloc_extended(((Size) state->fill.count + 1) * sizeof(SbInterval), MCXT_ALLOC_HUGE);
	at = within.lo;
	for (int i = 0; i < state->fill.count && sb_cut_compare(order, at, within.hi) < 0; i++)
	{
		SbInterval	island = set_island(call, state, i);

		/* rows from before within was known may lie outside of it */
		if (sb_cut_compare(order, island.lo, within.hi) >= 0)
			break;
		if (sb_cut_compare(order, at, island.lo) < 0)
		{
			pieces[count].lo = at;
			pieces[count++].hi = island.lo;
		}
		if (sb_cut_compare(order, at, island.hi) < 0)
			at = island.hi;
	}
	if (sb_cut_compare(order, at, within.hi) < 0)
	{
		pieces[count].lo = at;
		pieces[count++].hi = within.hi;
	}
	return multirange(call, pieces, count);
}

/* Final function of covers_without_gaps. */
Datum
statbus_islands_cover(PG_FUNCTION_ARGS)
{
	SetState   *state;
	SetCall    *call;
	SbInterval	within;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (SetState *) PG_GETARG_POINTER(0);
	call = set_call_of_state(fcinfo, state, true, false);
	within = set_load_within(call, state);
	if (within_is_unknown(within))
		PG_RETURN_NULL();
	if (within_is_empty(within))
		PG_RETURN_BOOL(true);
	set_compact(call, state);
	if (call->packed)
		PG_RETURN_BOOL(sb_packed_islands_contain(set_packed_islands(call, state), &state->fill,
												 set_packed_islands(call, state)[-1]));
	PG_RETURN_BOOL(sb_wide_islands_contain(&call->owner, set_wide_islands(call, state),
										   &state->fill, within));
}

/* Final function of segments: the pieces between cuts where somebody is there. */
Datum
statbus_segments_array(PG_FUNCTION_ARGS)
{
	SetState   *state;
	SetCall    *call;
	Datum	   *elements;
	TypeCacheEntry *element;
	int64_t		open = 0;
	int			count = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	call = final_call(fcinfo, false, true);
	state = (SetState *) PG_GETARG_POINTER(0);
	elements = palloc_extended((Size) Max(state->fill.count, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	for (int i = 0; i < state->fill.count - 1; i++)
	{
		SbWideCount from = set_count(call, state, i);
		SbInterval	piece;

		open += from.net;
		if (open == 0)
			continue;
		piece.lo = from.cut;
		piece.hi = set_count(call, state, i + 1).cut;
		elements[count++] = period_range(call->type, &piece);
	}
	element = call->type->cache;
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, count, call->type->range_type,
										  element->typlen, element->typbyval, element->typalign));
}

/* How many bytes a cut takes in a serialised state. */
static Size
cut_space(const SetCall *call, SbCut cut)
{
	TypeCacheEntry *element = call->type->cache->rngelemtype;

	if (call->owner.drop == NULL)
		return sizeof(SbCut);
	if (cut.side != SB_CUT_BEFORE && cut.side != SB_CUT_AFTER)
		return 1;
	return 1 + datumEstimateSpace((Datum) cut.value, false, element->typbyval, element->typlen);
}

/* Write a cut, and return where the next one goes. */
static char *
write_cut(const SetCall *call, char *to, SbCut cut)
{
	TypeCacheEntry *element = call->type->cache->rngelemtype;

	if (call->owner.drop == NULL)
	{
		memcpy(to, &cut, sizeof(SbCut));
		return to + sizeof(SbCut);
	}
	*to++ = (char) cut.side;
	if (cut.side == SB_CUT_BEFORE || cut.side == SB_CUT_AFTER)
		datumSerialize((Datum) cut.value, false, element->typbyval, element->typlen, &to);
	return to;
}

/* Read a cut that write_cut() wrote, with its value in the current context. */
static SbCut
read_cut(const SetCall *call, char **from)
{
	SbCut		cut;
	bool		is_null;

	if (call->owner.drop == NULL)
	{
		memcpy(&cut, *from, sizeof(SbCut));
		*from += sizeof(SbCut);
		return cut;
	}
	cut.side = (signed char) *(*from)++;
	cut.value = 0;
	if (cut.side == SB_CUT_BEFORE || cut.side == SB_CUT_AFTER)
		cut.value = (int64_t) datumRestore(from, &is_null);
	return cut;
}

/* A state as bytes: it names its range type and its kind. */
static Datum
serialize(FunctionCallInfo fcinfo, bool has_within, bool counted)
{
	SetState   *state = (SetState *) PG_GETARG_POINTER(0);
	SetCall    *call = set_call_of_state(fcinfo, state, has_within, counted);
	SetWire		wire = {state->range_type, has_within ? 1 : counted ? 2 : 0,
	state->fill.count, state->fill.used};
	Size		size = VARHDRSZ + sizeof(SetWire);
	bytea	   *result;
	char	   *to;

	for (int i = -call->reserved; i < state->fill.used; i++)
	{
		if (counted)
			size += sizeof(int64_t) + cut_space(call, set_count(call, state, i).cut);
		else
			size += cut_space(call, set_island(call, state, i).lo) +
				cut_space(call, set_island(call, state, i).hi);
	}
	result = palloc(size);
	SET_VARSIZE(result, size);
	memcpy(VARDATA(result), &wire, sizeof(SetWire));
	to = VARDATA(result) + sizeof(SetWire);
	for (int i = -call->reserved; i < state->fill.used; i++)
	{
		if (counted)
		{
			SbWideCount count = set_count(call, state, i);

			memcpy(to, &count.net, sizeof(int64_t));
			to = write_cut(call, to + sizeof(int64_t), count.cut);
		}
		else
		{
			SbInterval	island = set_island(call, state, i);

			to = write_cut(call, to, island.lo);
			to = write_cut(call, to, island.hi);
		}
	}
	Assert(to == (char *) result + size);
	PG_RETURN_BYTEA_P(result);
}

/* The state that serialize() wrote, in the current context. */
static Datum
deserialize(FunctionCallInfo fcinfo, bool has_within, bool counted)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	SetWire		wire;
	SetState   *state;
	SetCall    *call;
	char	   *from;

	if (VARSIZE_ANY_EXHDR(bytes) < sizeof(SetWire))
		elog(ERROR, "aggregate state is too short");
	memcpy(&wire, VARDATA_ANY(bytes), sizeof(SetWire));
	if (wire.kind != (has_within ? 1 : counted ? 2 : 0) || wire.count < 0 || wire.used < wire.count)
		elog(ERROR, "aggregate state is of another kind");
	from = VARDATA_ANY(bytes) + sizeof(SetWire);

	call = fcinfo->flinfo->fn_extra;
	if (call == NULL || call->type->range_type != wire.range_type)
		call = fcinfo->flinfo->fn_extra = set_call_make(fcinfo->flinfo->fn_mcxt, wire.range_type,
														has_within, counted);
	state = set_state_make(call, CurrentMemoryContext, wire.used);
	state->fill.count = wire.count;
	state->fill.used = wire.used;
	for (int i = -call->reserved; i < wire.used; i++)
	{
		SbInterval	island;
		SbWideCount count;

		if (counted)
		{
			memcpy(&count.net, from, sizeof(int64_t));
			from += sizeof(int64_t);
			count.cut = read_cut(call, &from);
			if (call->packed)
			{
				set_packed_counts(state)[i].cut = sb_pack(count.cut);
				set_packed_counts(state)[i].net = count.net;
			}
			else
				set_wide_counts(state)[i] = count;
		}
		else
		{
			island.lo = read_cut(call, &from);
			island.hi = read_cut(call, &from);
			if (call->packed)
			{
				set_packed_islands(call, state)[i].lo = sb_pack(island.lo);
				set_packed_islands(call, state)[i].hi = sb_pack(island.hi);
			}
			else
				set_wide_islands(call, state)[i] = island;
		}
	}
	if (from != VARDATA_ANY(bytes) + VARSIZE_ANY_EXHDR(bytes))
		elog(ERROR, "aggregate state has another length than its head says");
	PG_RETURN_POINTER(state);
}

/* Serial functions of range_coalesce and gaps. */
Datum
statbus_islands_serialize(PG_FUNCTION_ARGS)
{
	return serialize(fcinfo, false, false);
}

Datum
statbus_islands_deserialize(PG_FUNCTION_ARGS)
{
	return deserialize(fcinfo, false, false);
}

/* Serial functions of gaps with a second argument and of covers_without_gaps. */
Datum
statbus_islands_serialize_within(PG_FUNCTION_ARGS)
{
	return serialize(fcinfo, true, false);
}

Datum
statbus_islands_deserialize_within(PG_FUNCTION_ARGS)
{
	return deserialize(fcinfo, true, false);
}

/* Serial functions of segments. */
Datum
statbus_segments_serialize(PG_FUNCTION_ARGS)
{
	return serialize(fcinfo, false, true);
}

Datum
statbus_segments_deserialize(PG_FUNCTION_ARGS)
{
	return deserialize(fcinfo, false, true);
}

/*-------------------------------------------------------------------------
 *
 * period.c
 *	  Between PostgreSQL's ranges and cuts of time (interval.h).
 *
 * A daterange or int4range is read without range_deserialize(): its bytes are
 * fixed by the on-disk format of ranges, and this is what every row of every
 * aggregate, sweep and key goes through.
 *
 * IDENTIFICATION
 *	  src/period.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "period.h"

static int	compare_points(int64_t a, int64_t b, void *arg);
static Datum point_datum(const PeriodType *type, int64_t value);
static int64_t datum_point(const PeriodType *type, Datum value);
static bool read_fixed(const PeriodType *type, struct varlena *range, SbInterval *cuts);

/* One entry per range type that this backend has met; never freed. */
static HTAB *period_types = NULL;

/*
 * What is known of a range type.  The result lives as long as the backend.
 * Raises 42804 for a type that is not a range.
 */
const PeriodType *
period_type(Oid range_type)
{
	static PeriodType *last = NULL;
	PeriodType *type;
	TypeCacheEntry *cache;
	bool		found;

	if (last != NULL && last->range_type == range_type)
		return last;

	cache = lookup_type_cache(range_type, TYPECACHE_RANGE_INFO);
	if (cache->rngelemtype == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("type %s is not a range type", format_type_be(range_type))));

	if (period_types == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(Oid);
		control.entrysize = sizeof(PeriodType);
		control.hcxt = TopMemoryContext;
		period_types = hash_create("statbus range types", 16, &control,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	type = hash_search(period_types, &range_type, HASH_ENTER, &found);
	type->subtype = cache->rngelemtype->type_id;
	type->cache = cache;
	type->discrete = OidIsValid(cache->rng_canonical_finfo.fn_oid);
	switch (type->subtype)
	{
		case DATEOID:
		case INT4OID:
			type->points = PERIOD_INT32;
			break;
		case INT8OID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			type->points = PERIOD_INT64;
			break;
		default:
			type->points = PERIOD_DATUM;
			break;
	}

	/* somebody's own range over integers may order them in its own way */
	if (range_type >= FirstNormalObjectId)
		type->points = PERIOD_DATUM;
	type->order.compare = type->points == PERIOD_DATUM ? compare_points : NULL;
	type->order.arg = type;
	last = type;
	return type;
}

/* SbOrder callback for Datum points. */
static int
compare_points(int64_t a, int64_t b, void *arg)
{
	TypeCacheEntry *cache = ((PeriodType *) arg)->cache;

	return DatumGetInt32(FunctionCall2Coll(&cache->rng_cmp_proc_finfo, cache->rng_collation,
										   (Datum) a, (Datum) b));
}

/* The Datum of a cut's value. */
static Datum
point_datum(const PeriodType *type, int64_t value)
{
	switch (type->points)
	{
		case PERIOD_INT32:
			return Int32GetDatum((int32) value);
		case PERIOD_INT64:
			return Int64GetDatum(value);
		default:
			return (Datum) value;
	}
}

/* The cut's value of a Datum; of a Datum point it shares the storage. */
static int64_t
datum_point(const PeriodType *type, Datum value)
{
	switch (type->points)
	{
		case PERIOD_INT32:
			return DatumGetInt32(value);
		case PERIOD_INT64:
			return DatumGetInt64(value);
		default:
			return (int64_t) value;
	}
}

/*
 * Read a range of integers from its bytes: type Oid, then the finite bounds
 * (aligned to their size), then the flags.  False when it is empty.
 */
static bool
read_fixed(const PeriodType *type, struct varlena *range, SbInterval *cuts)
{
	int			width = type->points == PERIOD_INT32 ? 4 : 8;
	const char *data = VARDATA_ANY(range);
	Size		size = VARSIZE_ANY_EXHDR(range);
	unsigned char flags = (unsigned char) data[size - 1];
	const char *bound = data + sizeof(Oid);
	int64		lower = 0;
	int64		upper = 0;

	if (flags & RANGE_EMPTY)
		return false;

	/* the header and the Oid are 8 bytes together, so bounds follow directly */
	if (RANGE_HAS_LBOUND(flags))
	{
		if (width == 4)
		{
			int32		v;

			memcpy(&v, bound, 4);
			lower = v;
		}
		else
			memcpy(&lower, bound, 8);
		bound += width;
	}
	if (RANGE_HAS_UBOUND(flags))
	{
		if (width == 4)
		{
			int32		v;

			memcpy(&v, bound, 4);
			upper = v;
		}
		else
			memcpy(&upper, bound, 8);
	}
	cuts->lo.value = lower;
	cuts->lo.side = !RANGE_HAS_LBOUND(flags) ? SB_CUT_BEGIN :
		(flags & RANGE_LB_INC) ? SB_CUT_BEFORE : SB_CUT_AFTER;
	cuts->hi.value = upper;
	cuts->hi.side = !RANGE_HAS_UBOUND(flags) ? SB_CUT_END :
		(flags & RANGE_UB_INC) ? SB_CUT_AFTER : SB_CUT_BEFORE;
	return true;
}

/*
 * The cuts of a range; false when it is empty.  The values of Datum points
 * point into the range, or into a detoasted copy in the current context:
 * period_cut_copy() gives them a life of their own.
 */
bool
period_cuts(const PeriodType *type, Datum range, SbInterval *cuts)
{
	RangeType  *value;
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	if (type->points != PERIOD_DATUM)
	{
		struct varlena *packed = PG_DETOAST_DATUM_PACKED(range);

		return read_fixed(type, packed, cuts);
	}

	value = DatumGetRangeTypeP(range);
	range_deserialize(type->cache, value, &lower, &upper, &empty);
	if (empty)
		return false;
	cuts->lo.value = lower.infinite ? 0 : datum_point(type, lower.val);
	cuts->lo.side = lower.infinite ? SB_CUT_BEGIN : lower.inclusive ? SB_CUT_BEFORE : SB_CUT_AFTER;
	cuts->hi.value = upper.infinite ? 0 : datum_point(type, upper.val);
	cuts->hi.side = upper.infinite ? SB_CUT_END : upper.inclusive ? SB_CUT_AFTER : SB_CUT_BEFORE;
	return true;
}

/*
 * The cuts of [from, until), where a NULL is an unbounded side.  Nothing is
 * checked: the result may be empty or reversed.
 */
SbInterval
period_from_points(const PeriodType *type, Datum from, bool from_is_null,
				   Datum until, bool until_is_null)
{
	SbInterval	result;

	result.lo.value = from_is_null ? 0 : datum_point(type, from);
	result.lo.side = from_is_null ? SB_CUT_BEGIN : SB_CUT_BEFORE;
	result.hi.value = until_is_null ? 0 : datum_point(type, until);
	result.hi.side = until_is_null ? SB_CUT_END : SB_CUT_BEFORE;
	return result;
}

/* The range between two cuts, in the current memory context. */
Datum
period_range(const PeriodType *type, const SbInterval *cuts)
{
	RangeBound	lower;
	RangeBound	upper;

	lower.lower = true;
	lower.infinite = cuts->lo.side == SB_CUT_BEGIN;
	lower.inclusive = cuts->lo.side == SB_CUT_BEFORE;
	lower.val = lower.infinite ? (Datum) 0 : point_datum(type, cuts->lo.value);
	upper.lower = false;
	upper.infinite = cuts->hi.side == SB_CUT_END;
	upper.inclusive = cuts->hi.side == SB_CUT_AFTER;
	upper.val = upper.infinite ? (Datum) 0 : point_datum(type, cuts->hi.value);
#if PG_VERSION_NUM >= 160000
	return RangeTypePGetDatum(range_serialize(type->cache, &lower, &upper, false, NULL));
#else
	return RangeTypePGetDatum(range_serialize(type->cache, &lower, &upper, false));
#endif
}

/* The first point of a period; NULL where it is unbounded. */
Datum
period_lower(const PeriodType *type, const SbInterval *cuts, bool *is_null)
{
	*is_null = cuts->lo.side == SB_CUT_BEGIN;
	return *is_null ? (Datum) 0 : point_datum(type, cuts->lo.value);
}

/* The end of a period; NULL where it is unbounded. */
Datum
period_upper(const PeriodType *type, const SbInterval *cuts, bool *is_null)
{
	*is_null = cuts->hi.side == SB_CUT_END;
	return *is_null ? (Datum) 0 : point_datum(type, cuts->hi.value);
}

/* The cut with its value copied into the current memory context. */
SbCut
period_cut_copy(const PeriodType *type, SbCut cut)
{
	TypeCacheEntry *element = type->cache->rngelemtype;

	if (type->points == PERIOD_DATUM && cut.side != SB_CUT_BEGIN && cut.side != SB_CUT_END)
		cut.value = (int64_t) datumCopy((Datum) cut.value, element->typbyval, element->typlen);
	return cut;
}

/* True for range(a, b) and range(a, b, '[)'): the functions in C that give this range type. */
bool
period_is_made_by(const FuncExpr *call, Oid range_type)
{
	HeapTuple	tuple;
	Form_pg_proc form;
	bool		result;
	Const	   *flags;

	if (call->funcresulttype != range_type ||
		(list_length(call->args) != 2 && list_length(call->args) != 3))
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(call->funcid));
	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	result = form->prolang == INTERNALlanguageId && form->prorettype == range_type;
	ReleaseSysCache(tuple);
	if (!result || list_length(call->args) == 2)
		return result;
	flags = lthird(call->args);
	return IsA(flags, Const) && !flags->constisnull &&
		strcmp(TextDatumGetCString(flags->constvalue), "[)") == 0;
}

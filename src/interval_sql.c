/*-------------------------------------------------------------------------
 *
 * interval_sql.c
 *	  Allen's relations in SQL.
 *
 * IDENTIFICATION
 *	  src/interval_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "period.h"

/* What a call of a function remembers. */
typedef struct AllenCall
{
	Oid			enum_type;
	Oid			relations[SB_ALLEN_COUNT];	/* labels' OIDs, when enum_type is
											 * set */
	const PeriodType *range;	/* the operands' type, when known */
	PeriodPoints points;		/* of scalar operands */
	SbOrder		order;			/* of scalar operands */
	FmgrInfo	compare;
	Oid			collation;
} AllenCall;

/* The labels of temporal.allen_relation. */
static const char *const relation_names[SB_ALLEN_COUNT] = {
	"precedes", "meets", "overlaps", "starts", "during", "finishes", "equals",
	"overlapped_by", "started_by", "contains", "finished_by", "met_by", "preceded_by"
};

static AllenCall *allen_call(FunctionCallInfo fcinfo);
static void look_up_relations(AllenCall *call, Oid enum_type);
static SbAllen relation_of_oid(const AllenCall *call, Oid label);
static bool range_relation(FunctionCallInfo fcinfo, SbAllen *relation);
static void look_up_scalar(FunctionCallInfo fcinfo, AllenCall *call);
static int	compare_scalars(int64_t a, int64_t b, void *arg);
static SbCut scalar_cut(const AllenCall *call, Datum value);

PG_FUNCTION_INFO_V1(statbus_allen);
PG_FUNCTION_INFO_V1(statbus_allen_scalars);
PG_FUNCTION_INFO_V1(statbus_allen_inverse);
PG_FUNCTION_INFO_V1(statbus_allen_compose);

/* What is remembered of this call, made when it is the first. */
static AllenCall *
allen_call(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt,
														  sizeof(AllenCall));
	return fcinfo->flinfo->fn_extra;
}

/* Fill in the OIDs of the labels of the type. */
static void
look_up_relations(AllenCall *call, Oid enum_type)
{
	for (int i = 0; i < SB_ALLEN_COUNT; i++)
	{
		HeapTuple	tuple = SearchSysCache2(ENUMTYPOIDNAME, ObjectIdGetDatum(enum_type),
											CStringGetDatum(relation_names[i]));

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "type %s has no label \"%s\"", format_type_be(enum_type), relation_names[i]);
		call->relations[i] = ((Form_pg_enum) GETSTRUCT(tuple))->oid;
		ReleaseSysCache(tuple);
	}
	call->enum_type = enum_type;
}

/* The relation that a label's OID stands for. */
static SbAllen
relation_of_oid(const AllenCall *call, Oid label)
{
	for (int i = 0; i < SB_ALLEN_COUNT; i++)
	{
		if (call->relations[i] == label)
			return (SbAllen) i;
	}
	elog(ERROR, "%u is no label of type %s", label, format_type_be(call->enum_type));
	return SB_EQUALS;			/* not reached */
}

/* The relation of the two ranges; false when one of them is empty. */
static bool
range_relation(FunctionCallInfo fcinfo, SbAllen *relation)
{
	AllenCall  *call = allen_call(fcinfo);
	struct varlena *x_value = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	struct varlena *y_value = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(1));
	SbInterval	x;
	SbInterval	y;

	if (call->range == NULL)
	{
		Oid			range_type;

		/* every range begins with the OID of its type */
		memcpy(&range_type, VARDATA_ANY(x_value), sizeof(Oid));
		call->range = period_type(range_type);
	}
	if (!period_cuts(call->range, PointerGetDatum(x_value), &x) ||
		!period_cuts(call->range, PointerGetDatum(y_value), &y))
		return false;
	*relation = sb_allen(&call->range->order, &x, &y);
	return true;
}

/* temporal.allen(x anyrange, y anyrange) → allen_relation */
Datum
statbus_allen(PG_FUNCTION_ARGS)
{
	AllenCall  *call = allen_call(fcinfo);
	SbAllen		relation;

	if (!OidIsValid(call->enum_type))
		look_up_relations(call, get_func_rettype(fcinfo->flinfo->fn_oid));
	if (!range_relation(fcinfo, &relation))
		PG_RETURN_NULL();
	PG_RETURN_OID(call->relations[relation]);
}

/* One of the thirteen predicates of two ranges. */
#define ALLEN_PREDICATE(name, wanted) \
PG_FUNCTION_INFO_V1(statbus_##name); \
Datum \
statbus_##name(PG_FUNCTION_ARGS) \
{ \
	SbAllen		relation; \
\
	if (!range_relation(fcinfo, &relation)) \
		PG_RETURN_NULL(); \
	PG_RETURN_BOOL(relation == (wanted)); \
}

ALLEN_PREDICATE(allen_precedes, SB_PRECEDES)
ALLEN_PREDICATE(allen_meets, SB_MEETS)
ALLEN_PREDICATE(allen_overlaps, SB_OVERLAPS)
ALLEN_PREDICATE(allen_starts, SB_STARTS)
ALLEN_PREDICATE(allen_during, SB_DURING)
ALLEN_PREDICATE(allen_finishes, SB_FINISHES)
ALLEN_PREDICATE(allen_equals, SB_EQUALS)
ALLEN_PREDICATE(allen_overlapped_by, SB_OVERLAPPED_BY)
ALLEN_PREDICATE(allen_started_by, SB_STARTED_BY)
ALLEN_PREDICATE(allen_contains, SB_CONTAINS)
ALLEN_PREDICATE(allen_finished_by, SB_FINISHED_BY)
ALLEN_PREDICATE(allen_met_by, SB_MET_BY)
ALLEN_PREDICATE(allen_preceded_by, SB_PRECEDED_BY)

/* SbOrder callback for scalars that are no integers. */
static int
compare_scalars(int64_t a, int64_t b, void *arg)
{
	AllenCall  *call = arg;

	return DatumGetInt32(FunctionCall2Coll(&call->compare, call->collation, (Datum) a, (Datum) b));
}

/* Find out how the scalar operands compare: as btree orders their type. */
static void
look_up_scalar(FunctionCallInfo fcinfo, AllenCall *call)
{
	Oid			type = getBaseType(get_fn_expr_argtype(fcinfo->flinfo, 0));
	TypeCacheEntry *cache;

	call->order.arg = call;
	switch (type)
	{
		case DATEOID:
		case INT4OID:
			call->points = PERIOD_INT32;
			break;
		case INT8OID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			call->points = PERIOD_INT64;
			break;
		default:
			call->points = PERIOD_DATUM;
			cache = lookup_type_cache(type, TYPECACHE_CMP_PROC);
			if (!OidIsValid(cache->cmp_proc))
				ereport(ERROR,
						(errcode(ERRCODE_UNDEFINED_FUNCTION),
						 errmsg("could not identify a comparison function for type %s",
								format_type_be(type))));
			fmgr_info_cxt(cache->cmp_proc, &call->compare, fcinfo->flinfo->fn_mcxt);
			call->collation = PG_GET_COLLATION();
			call->order.compare = compare_scalars;
			break;
	}
}

/* The cut before a scalar. */
static SbCut
scalar_cut(const AllenCall *call, Datum value)
{
	SbCut		cut;

	cut.side = SB_CUT_BEFORE;
	cut.value = call->points == PERIOD_INT32 ? DatumGetInt32(value) :
		call->points == PERIOD_INT64 ? DatumGetInt64(value) : (int64_t) value;
	return cut;
}

/* temporal.allen(x_from, x_until, y_from, y_until anycompatible) → allen_relation */
Datum
statbus_allen_scalars(PG_FUNCTION_ARGS)
{
	AllenCall  *call = allen_call(fcinfo);
	SbInterval	x;
	SbInterval	y;

	if (!OidIsValid(call->enum_type))
	{
		look_up_scalar(fcinfo, call);
		look_up_relations(call, get_func_rettype(fcinfo->flinfo->fn_oid));
	}
	x.lo = scalar_cut(call, PG_GETARG_DATUM(0));
	x.hi = scalar_cut(call, PG_GETARG_DATUM(1));
	y.lo = scalar_cut(call, PG_GETARG_DATUM(2));
	y.hi = scalar_cut(call, PG_GETARG_DATUM(3));
	if (sb_cut_compare(&call->order, x.lo, x.hi) >= 0 ||
		sb_cut_compare(&call->order, y.lo, y.hi) >= 0)
		PG_RETURN_NULL();
	PG_RETURN_OID(call->relations[sb_allen(&call->order, &x, &y)]);
}

/* temporal.inverse(allen_relation) → allen_relation */
Datum
statbus_allen_inverse(PG_FUNCTION_ARGS)
{
	AllenCall  *call = allen_call(fcinfo);

	if (!OidIsValid(call->enum_type))
		look_up_relations(call, get_func_rettype(fcinfo->flinfo->fn_oid));
	PG_RETURN_OID(call->relations[sb_allen_inverse(relation_of_oid(call, PG_GETARG_OID(0)))]);
}

/* temporal.compose(allen_relation, allen_relation) → allen_relation[] */
Datum
statbus_allen_compose(PG_FUNCTION_ARGS)
{
	AllenCall  *call = allen_call(fcinfo);
	Datum		elements[SB_ALLEN_COUNT];
	int			count = 0;
	uint16_t	set;

	if (!OidIsValid(call->enum_type))
		look_up_relations(call, get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid)));
	set = sb_allen_compose(relation_of_oid(call, PG_GETARG_OID(0)),
						   relation_of_oid(call, PG_GETARG_OID(1)));
	for (int i = 0; i < SB_ALLEN_COUNT; i++)
	{
		if (set & (1 << i))
			elements[count++] = ObjectIdGetDatum(call->relations[i]);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, count, call->enum_type,
										  sizeof(Oid), true, TYPALIGN_INT));
}

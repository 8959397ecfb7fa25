/*-------------------------------------------------------------------------
 *
 * sweep_slots_sql.c
 *	  Small things that the sweeps share: the columns of rows that are open,
 *	  memory for the pure core, arguments.
 *
 * IDENTIFICATION
 *	  src/sweep_slots_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/datum.h"

#include "sweep_sql.h"

static void *resize_memory(void *arg, void *old, size_t size);
static SbCut keep_cut(void *arg, SbCut cut);
static void drop_cut(void *arg, SbCut cut);
static void enlarge(SweepSlots *slots);
static void refuse_null(FunctionCallInfo fcinfo, int number, const char *name);

/* Room for the value columns of a query's rows, in the current context. */
void
sweep_slots_init(SweepSlots *slots, const SweepQuery *query)
{
	slots->ncolumns = query->nvalues;
	slots->byval = palloc(sizeof(bool) * (query->nvalues + 1));
	slots->length = palloc(sizeof(int16) * (query->nvalues + 1));
	for (int i = 0; i < query->nvalues; i++)
	{
		Form_pg_attribute column = sweep_query_column(query, query->nkeys + i);

		slots->byval[i] = column->attbyval;
		slots->length[i] = column->attlen;
		slots->by_reference = slots->by_reference || !column->attbyval;
	}
	slots->context = CurrentMemoryContext;
	enlarge(slots);
}

/* Twice the room, and at least for 8 rows. */
static void
enlarge(SweepSlots *slots)
{
	int			size = slots->size == 0 ? 8 : slots->size * 2;
	Size		columns = (Size) size * Max(slots->ncolumns, 1);

	if (slots->size == 0)
	{
		slots->free = palloc(sizeof(int) * size);
		slots->values = palloc(sizeof(Datum) * columns);
		slots->nulls = palloc(sizeof(bool) * columns);
	}
	else
	{
		slots->free = repalloc_huge(slots->free, sizeof(int) * size);
		slots->values = repalloc_huge(slots->values, sizeof(Datum) * columns);
		slots->nulls = repalloc_huge(slots->nulls, sizeof(bool) * columns);
	}
	slots->size = size;
}

/* Keep the columns of a row; which slot they are in. */
int
sweep_slots_take(SweepSlots *slots, const Datum *values, const bool *nulls)
{
	int			slot;
	Datum	   *to;
	bool	   *to_nulls;
	MemoryContext old;

	if (slots->nfree > 0)
		slot = slots->free[--slots->nfree];
	else
	{
		if (slots->used == slots->size)
			enlarge(slots);
		slot = slots->used++;
	}
	to = slots->values + (Size) slot * slots->ncolumns;
	to_nulls = slots->nulls + (Size) slot * slots->ncolumns;
	if (!slots->by_reference)
	{
		for (int i = 0; i < slots->ncolumns; i++)
		{
			to[i] = values[i];
			to_nulls[i] = nulls[i];
		}
		return slot;
	}
	old = MemoryContextSwitchTo(slots->context);
	for (int i = 0; i < slots->ncolumns; i++)
	{
		to_nulls[i] = nulls[i];
		to[i] = nulls[i] ? (Datum) 0 : datumCopy(values[i], slots->byval[i], slots->length[i]);
	}
	MemoryContextSwitchTo(old);
	return slot;
}

/* The row is not needed any more. */
void
sweep_slots_give(SweepSlots *slots, int slot)
{
	if (slots->by_reference)
	{
		Datum	   *values = slots->values + (Size) slot * slots->ncolumns;
		bool	   *nulls = slots->nulls + (Size) slot * slots->ncolumns;

		for (int i = 0; i < slots->ncolumns; i++)
			if (!nulls[i] && !slots->byval[i])
				pfree(DatumGetPointer(values[i]));
	}
	slots->free[slots->nfree++] = slot;
}

/* The memory of a sweep, in the current context; cuts of Datum points are copied. */
const SweepMemory *
sweep_memory(const PeriodType *type)
{
	SweepMemory *memory = palloc0(sizeof(SweepMemory));

	memory->resize = resize_memory;
	memory->arg = (void *) type;
	if (type->points == PERIOD_DATUM && !type->cache->rngelemtype->typbyval)
	{
		memory->keep = keep_cut;
		memory->drop = drop_cut;
	}
	return memory;
}

/* SweepMemory's resize(); the sweep runs in its own context. */
static void *
resize_memory(void *arg, void *old, size_t size)
{
	(void) arg;
	return old == NULL ? palloc_extended(size, MCXT_ALLOC_HUGE) : repalloc_huge(old, size);
}

/* What SweepMemory says of points by reference: copy, and free. */
static SbCut
keep_cut(void *arg, SbCut cut)
{
	return period_cut_copy((const PeriodType *) arg, cut);
}

static void
drop_cut(void *arg, SbCut cut)
{
	(void) arg;
	if (cut.side == SB_CUT_BEFORE || cut.side == SB_CUT_AFTER)
		pfree(DatumGetPointer((Datum) cut.value));
}

/*
 * Arguments
 */

/* Raises 22004 when an argument is NULL. */
static void
refuse_null(FunctionCallInfo fcinfo, int number, const char *name)
{
	if (PG_ARGISNULL(number))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", name)));
}

/* An argument of type text as a C string. */
char *
sweep_text_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	refuse_null(fcinfo, number, name);
	return text_to_cstring(PG_GETARG_TEXT_PP(number));
}

/* An argument of type name. */
const char *
sweep_name_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	refuse_null(fcinfo, number, name);
	return NameStr(*PG_GETARG_NAME(number));
}

/* An argument of type name[]. */
ArrayType *
sweep_names_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	refuse_null(fcinfo, number, name);
	return PG_GETARG_ARRAYTYPE_P(number);
}

/* An argument of type boolean. */
bool
sweep_bool_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	refuse_null(fcinfo, number, name);
	return PG_GETARG_BOOL(number);
}

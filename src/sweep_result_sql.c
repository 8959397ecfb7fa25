/*-------------------------------------------------------------------------
 *
 * sweep_result_sql.c
 *	  The rows that a sweep returns, and the way of a call through one.
 *
 * In FROM the executor wants a tuplestore anyway, so the sweep fills one.  In a
 * SELECT list it takes row by row, and the sweep goes on only as far as rows are
 * asked for.  Rows of values by value with a period over date or int4 are
 * written byte by byte into one buffer; all others are formed as usual.
 *
 * IDENTIFICATION
 *	  src/sweep_result_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "sweep_sql.h"

/* The longest a period of 32-bit points gets: header, type, bounds, flags. */
#define FIXED_PERIOD	(1 + sizeof(Oid) + 2 * sizeof(int32) + 1)

static Sweep *begin_sweep(FunctionCallInfo fcinfo, SweepBegin begin, MemoryContext parent);
static void check_shape(const SweepResult *result, TupleDesc expected);
static void fill_store(Sweep *sweep, ReturnSetInfo *rsinfo);
static Datum next_row(FunctionCallInfo fcinfo, Sweep *sweep);
static void finish_sweep(Sweep *sweep);
static void shut_down(Datum flinfo);
static void get_ready(SweepResult *result);
static void queue_row(SweepResult *result);
static void write_fixed(SweepResult *result, const SbInterval *cuts);
static char *write_period(char *at, const PeriodType *type, const SbInterval *cuts);

/*
 * Calls
 */

/*
 * A call of a set-returning function that is a sweep: begin() reads the
 * arguments, runs the query and sets the sweep up.
 */
Datum
sweep_call(FunctionCallInfo fcinfo, SweepBegin begin)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Sweep	   *sweep = fcinfo->flinfo->fn_extra;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));

	if (sweep == NULL && (rsinfo->allowedModes & SFRM_Materialize_Preferred) != 0 &&
		(rsinfo->allowedModes & SFRM_Materialize) != 0)
	{
		sweep = begin_sweep(fcinfo, begin, CurrentMemoryContext);
		if (rsinfo->expectedDesc != NULL)
			check_shape(&sweep->result, rsinfo->expectedDesc);
		fill_store(sweep, rsinfo);
		finish_sweep(sweep);
		return (Datum) 0;
	}

	if (sweep == NULL)
	{
		if ((rsinfo->allowedModes & SFRM_ValuePerCall) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("set-valued function called in context that cannot accept a set")));
		sweep = begin_sweep(fcinfo, begin, rsinfo->econtext->ecxt_per_query_memory);
		if (rsinfo->expectedDesc != NULL)
			check_shape(&sweep->result, rsinfo->expectedDesc);
		fcinfo->flinfo->fn_extra = sweep;
		RegisterExprContextCallback(rsinfo->econtext, shut_down, PointerGetDatum(fcinfo->flinfo));
	}
	return next_row(fcinfo, sweep);
}

/* Set a sweep up in a context of its own. */
static Sweep *
begin_sweep(FunctionCallInfo fcinfo, SweepBegin begin, MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent, "sweep", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Sweep	   *sweep = palloc0(sizeof(Sweep));

	sweep->context = context;
	begin(fcinfo, sweep);
	get_ready(&sweep->result);
	MemoryContextSwitchTo(old);
	return sweep;
}

/* Raises 42804, telling the right definition, unless the caller's fits. */
static void
check_shape(const SweepResult *result, TupleDesc expected)
{
	TupleDesc	desc = result->desc;
	bool		fits = expected->natts == desc->natts;
	StringInfoData shape;

	for (int i = 0; fits && i < desc->natts; i++)
		fits = IsBinaryCoercible(TupleDescAttr(desc, i)->atttypid, TupleDescAttr(expected, i)->atttypid);
	if (fits)
		return;
	initStringInfo(&shape);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		appendStringInfo(&shape, "%s%s %s", i == 0 ? "" : ", ",
						 quote_identifier(NameStr(column->attname)),
						 format_type_with_typemod(column->atttypid, column->atttypmod));
	}
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("the column definition list does not fit what the sweep returns"),
			 errhint("Use AS t(%s).", shape.data)));
}

/* Sweep to the end into a tuplestore. */
static void
fill_store(Sweep *sweep, ReturnSetInfo *rsinfo)
{
	MemoryContext old = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);

	sweep->result.store =
		tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setResult = sweep->result.store;
	rsinfo->setDesc = CreateTupleDescCopy(sweep->result.desc);

	MemoryContextSwitchTo(sweep->context);
	while (sweep->step(sweep))
		CHECK_FOR_INTERRUPTS();
	MemoryContextSwitchTo(old);
}

/* Sweep as far as the next row, and return it. */
static Datum
next_row(FunctionCallInfo fcinfo, Sweep *sweep)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	SweepResult *result = &sweep->result;
	MemoryContext old = MemoryContextSwitchTo(sweep->context);

	rsinfo->returnMode = SFRM_ValuePerCall;
	if (result->taken == result->queued)
	{
		result->taken = 0;
		result->queued = 0;
		MemoryContextReset(result->queue_context);
		while (result->queued == 0 && sweep->step(sweep))
			CHECK_FOR_INTERRUPTS();
	}
	MemoryContextSwitchTo(old);
	if (result->taken < result->queued)
	{
		rsinfo->isDone = ExprMultipleResult;
		PG_RETURN_DATUM(HeapTupleGetDatum(result->queue[result->taken++]));
	}
	UnregisterExprContextCallback(rsinfo->econtext, shut_down, PointerGetDatum(fcinfo->flinfo));
	shut_down(PointerGetDatum(fcinfo->flinfo));
	rsinfo->isDone = ExprEndResult;
	PG_RETURN_NULL();
}

/* Give back everything. */
static void
finish_sweep(Sweep *sweep)
{
	sweep->end(sweep);
	if (sweep->result.slot != NULL)
		ExecDropSingleTupleTableSlot(sweep->result.slot);
	MemoryContextDelete(sweep->context);
}

/* Callback for a sweep that is finished or not wanted any more. */
static void
shut_down(Datum flinfo)
{
	FmgrInfo   *info = (FmgrInfo *) DatumGetPointer(flinfo);
	Sweep	   *sweep = info->fn_extra;

	info->fn_extra = NULL;
	finish_sweep(sweep);
}

/*
 * Rows
 */

/* How many columns rows have before the period, which is named as in the query. */
void
sweep_result_shape(SweepResult *result, int ncolumns, const SweepQuery *query)
{
	result->type = query->type;
	result->desc = CreateTemplateTupleDesc(ncolumns + 1);
	TupleDescInitEntry(result->desc, ncolumns + 1,
					   NameStr(TupleDescAttr(query->columns, query->period - 1)->attname),
					   query->type->range_type, -1, 0);
	result->values = palloc0(sizeof(Datum) * (ncolumns + 1));
	result->nulls = palloc0(sizeof(bool) * (ncolumns + 1));
}

/* A column (from 0) like one of the query. */
void
sweep_result_column(SweepResult *result, int column, Form_pg_attribute attribute)
{
	TupleDescInitEntry(result->desc, column + 1, NameStr(attribute->attname),
					   attribute->atttypid, attribute->atttypmod, 0);
	TupleDescInitEntryCollation(result->desc, column + 1, attribute->attcollation);
}

/* A group begins: its keys are the first columns of all rows until the next group. */
void
sweep_result_keys(SweepResult *result, const SweepRow *row, int nkeys)
{
	for (int i = 0; i < nkeys; i++)
	{
		result->values[i] = row->keys[i];
		result->nulls[i] = row->key_nulls[i];
	}
}

/* The shape is known: choose how to write rows. */
static void
get_ready(SweepResult *result)
{
	int			natts = result->desc->natts;
	Size		size = MAXALIGN(SizeofMinimalTupleHeader + BITMAPLEN(natts));

	BlessTupleDesc(result->desc);
	result->fixed = result->type->points == PERIOD_INT32;
	for (int i = 0; i < natts - 1; i++)
	{
		Form_pg_attribute column = TupleDescAttr(result->desc, i);

		/*
		 * 1 aligned is the alignment: where it is the length, write_fixed()
		 * knows it
		 */
		result->fixed = result->fixed && column->attbyval &&
			(int) att_align_nominal(1, column->attalign) == column->attlen;
	}
	result->queue_size = 16;
	result->queue = palloc(sizeof(HeapTuple) * result->queue_size);
	if (result->fixed)
	{
		result->tuple = palloc0(size + natts * sizeof(Datum) + FIXED_PERIOD);
		result->slot = MakeSingleTupleTableSlot(result->desc, &TTSOpsMinimalTuple);
	}
	result->row_context = AllocSetContextCreate(CurrentMemoryContext, "sweep piece",
												ALLOCSET_SMALL_SIZES);
	result->queue_context = AllocSetContextCreate(CurrentMemoryContext, "sweep queue",
												  ALLOCSET_DEFAULT_SIZES);
}

/* Return a row: the values as they are, and a period. */
void
sweep_result_put(SweepResult *result, const SbInterval *cuts)
{
	MemoryContext old;

	if (result->store != NULL && result->fixed)
	{
		write_fixed(result, cuts);
		tuplestore_puttupleslot(result->store, result->slot);
		return;
	}

	old = MemoryContextSwitchTo(result->row_context);
	result->values[result->desc->natts - 1] = period_range(result->type, cuts);
	if (result->store != NULL)
		tuplestore_putvalues(result->store, result->desc, result->values, result->nulls);
	else
	{
		MemoryContextSwitchTo(result->queue_context);
		queue_row(result);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(result->row_context);
}

/* Let a row wait for the call that returns it. */
static void
queue_row(SweepResult *result)
{
	if (result->queued == result->queue_size)
	{
		result->queue_size *= 2;
		result->queue = repalloc_huge(result->queue, sizeof(HeapTuple) * result->queue_size);
	}
	result->queue[result->queued++] = heap_form_tuple(result->desc, result->values, result->nulls);
}

/* Write a row into the slot's tuple: no column but the period has a length of its own. */
static void
write_fixed(SweepResult *result, const SbInterval *cuts)
{
	MinimalTuple tuple = result->tuple;
	int			natts = result->desc->natts;
	bool		has_null = false;
	Size		header;
	char	   *data;
	char	   *at;

	for (int i = 0; i < natts - 1; i++)
		has_null |= result->nulls[i];
	header = MAXALIGN(SizeofHeapTupleHeader + (has_null ? BITMAPLEN(natts) : 0));
	data = (char *) tuple + header - MINIMAL_TUPLE_OFFSET;
	at = data;
	if (has_null)
		memset(tuple->t_bits, 0, BITMAPLEN(natts));
	for (int i = 0; i < natts - 1; i++)
	{
		int16		length = TupleDescAttr(result->desc, i)->attlen;

		if (result->nulls[i])
			continue;
		if (has_null)
			tuple->t_bits[i >> 3] |= 1 << (i & 7);

		/* a value's alignment is its length; what lies between is zero */
		while (((at - data) & (length - 1)) != 0)
			*at++ = 0;
		store_att_byval(at, result->values[i], length);
		at += length;
	}
	if (has_null)
		tuple->t_bits[(natts - 1) >> 3] |= 1 << ((natts - 1) & 7);
	at = write_period(at, result->type, cuts);

	tuple->t_len = at - (char *) tuple;
	tuple->t_infomask2 = natts;
	tuple->t_infomask = HEAP_HASVARWIDTH | (has_null ? HEAP_HASNULL : 0);
	tuple->t_hoff = header;
	ExecStoreMinimalTuple(tuple, result->slot, false);
}

/* A range over date or int4 as it is stored: with a header of one byte it needs no alignment. */
static char *
write_period(char *at, const PeriodType *type, const SbInterval *cuts)
{
	char	   *begin = at++;
	uint8		flags = 0;
	int32		point;

	memcpy(at, &type->range_type, sizeof(Oid));
	at += sizeof(Oid);
	if (cuts->lo.side == SB_CUT_BEGIN)
		flags |= RANGE_LB_INF;
	else
	{
		point = (int32) cuts->lo.value;
		memcpy(at, &point, sizeof(point));
		at += sizeof(point);
		flags |= RANGE_LB_INC;
	}
	if (cuts->hi.side == SB_CUT_END)
		flags |= RANGE_UB_INF;
	else
	{
		point = (int32) cuts->hi.value;
		memcpy(at, &point, sizeof(point));
		at += sizeof(point);
	}
	*at++ = (char) flags;
	SET_VARSIZE_SHORT(begin, at - begin);
	return at;
}

/*-------------------------------------------------------------------------
 *
 * sweep_rows_sql.c
 *	  The rows of a sweep, sorted by group and the start of their period.
 *
 * Rows whose keys and values have a fixed length are packed into records
 * (sweep_packed_sql.c).  All others go through tuplesort as keys, values, start,
 * end; a NULL start is unbounded and comes first.  Both stay within work_mem.
 *
 * Rows without a period, or with an empty one, are left out here.
 *
 * IDENTIFICATION
 *	  src/sweep_rows_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_range.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/tuplesort.h"

#include "sweep_sql.h"

struct SweepRows
{
	const PeriodType *type;
	AttrNumber	period;			/* in the rows of the query */
	AttrNumber	last;
	MemoryContext context;
	MemoryContext row_context;
	SweepPacked *packed;		/* or NULL, then: */

	Tuplesortstate *sort;
	TupleTableSlot *in;			/* what is put into the sort */
	TupleTableSlot *out;		/* what comes from it */
	int			nkeys;
	int			nvalues;
	AttrNumber *attnos;
	TypeCacheEntry **key_types;
	Oid		   *collations;
	bool		started;
	bool		keys_by_reference;
	int			flip;
	Datum	   *keys[2];
	bool	   *key_nulls[2];
	MemoryContext key_context[2];
};

static void begin_sort(SweepRows *rows, const SweepQuery *query);
static Oid	point_type(const PeriodType *type);
static Oid	point_less(const PeriodType *type);
static void begin_keys(SweepRows *rows, const SweepQuery *query);
static void put_cuts(SweepRows *rows, const SbInterval *cuts);
static SbCut read_cut(const SweepRows *rows, int column, int32 unbounded);
static bool is_new_group(SweepRows *rows);
static int	compare_keys(const SweepRows *rows, const Datum *x, const bool *x_nulls,
						 const Datum *y, const bool *y_nulls, bool only_equal);

/*
 * Begin to collect the rows of a query, in the current context.  may_pack is
 * false where they will be compared with rows that do not fit into records.
 */
SweepRows *
sweep_rows_begin(const SweepQuery *query, bool may_pack)
{
	SweepRows  *rows = palloc0(sizeof(SweepRows));

	rows->type = query->type;
	rows->period = query->period;
	rows->last = query->last;
	rows->context = CurrentMemoryContext;
	rows->row_context = AllocSetContextCreate(CurrentMemoryContext, "sweep row",
											  ALLOCSET_SMALL_SIZES);
	if (may_pack && sweep_packable(query))
		rows->packed = sweep_packed_begin(query);
	else
	{
		rows->nkeys = query->nkeys;
		rows->nvalues = query->nvalues;
		rows->attnos = query->attnos;
		begin_keys(rows, query);
		begin_sort(rows, query);
	}
	return rows;
}

/* The type that the points of a period have in the sort. */
static Oid
point_type(const PeriodType *type)
{
	return type->points == PERIOD_DATUM ? type->subtype : INT8OID;
}

/* The order of the points, as "<": of the operator class that the range type is declared with. */
static Oid
point_less(const PeriodType *type)
{
	HeapTuple	tuple;
	Oid			opclass;
	Oid			input;

	if (type->points != PERIOD_DATUM)
		return Int8LessOperator;
	tuple = SearchSysCache1(RANGETYPE, ObjectIdGetDatum(type->range_type));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for range type %u", type->range_type);
	opclass = ((Form_pg_range) GETSTRUCT(tuple))->rngsubopc;
	ReleaseSysCache(tuple);
	input = get_opclass_input_type(opclass);
	return get_opfamily_member(get_opclass_family(opclass), input, input, BTLessStrategyNumber);
}

/* What it takes to tell groups apart.  Raises 42883 for a key without an order. */
static void
begin_keys(SweepRows *rows, const SweepQuery *query)
{
	rows->key_types = palloc(sizeof(TypeCacheEntry *) * (query->nkeys + 1));
	rows->collations = palloc(sizeof(Oid) * (query->nkeys + 1));
	for (int i = 0; i < query->nkeys; i++)
	{
		Form_pg_attribute column = sweep_query_column(query, i);

		rows->key_types[i] = lookup_type_cache(column->atttypid,
											   TYPECACHE_LT_OPR | TYPECACHE_CMP_PROC_FINFO | TYPECACHE_EQ_OPR_FINFO);
		rows->collations[i] = column->attcollation;
		rows->keys_by_reference = rows->keys_by_reference || !column->attbyval;
		if (!OidIsValid(rows->key_types[i]->lt_opr) || !OidIsValid(rows->key_types[i]->cmp_proc))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_FUNCTION),
					 errmsg("could not identify an ordering operator for type %s",
							format_type_be(column->atttypid)),
					 errdetail("Column \"%s\" must be compared.", NameStr(column->attname))));
	}
	for (int i = 0; i < 2; i++)
	{
		rows->keys[i] = palloc0(sizeof(Datum) * (query->nkeys + 1));
		rows->key_nulls[i] = palloc0(sizeof(bool) * (query->nkeys + 1));
		rows->key_context[i] = AllocSetContextCreate(CurrentMemoryContext, "sweep keys",
													 ALLOCSET_SMALL_SIZES);
	}
}

/* Begin the tuplesort: keys, values, start, its side, end, its side. */
static void
begin_sort(SweepRows *rows, const SweepQuery *query)
{
	int			ncolumns = query->nkeys + query->nvalues;
	int			nsort = query->nkeys + 2;
	TupleDesc	desc = CreateTemplateTupleDesc(ncolumns + 4);
	AttrNumber *attnos = palloc(sizeof(AttrNumber) * nsort);
	Oid		   *operators = palloc(sizeof(Oid) * nsort);
	Oid		   *collations = palloc(sizeof(Oid) * nsort);
	bool	   *nulls_first = palloc0(sizeof(bool) * nsort);

	for (int i = 0; i < ncolumns; i++)
		TupleDescCopyEntry(desc, i + 1, query->columns, query->attnos[i]);
	TupleDescInitEntry(desc, ncolumns + 1, "lo", point_type(query->type), -1, 0);
	TupleDescInitEntry(desc, ncolumns + 2, "lo_side", INT2OID, -1, 0);
	TupleDescInitEntry(desc, ncolumns + 3, "hi", point_type(query->type), -1, 0);
	TupleDescInitEntry(desc, ncolumns + 4, "hi_side", INT2OID, -1, 0);

	for (int i = 0; i < query->nkeys; i++)
	{
		attnos[i] = i + 1;
		operators[i] = rows->key_types[i]->lt_opr;
		collations[i] = rows->collations[i];
	}
	attnos[query->nkeys] = ncolumns + 1;
	operators[query->nkeys] = point_less(query->type);
	collations[query->nkeys] = query->type->cache->rng_collation;
	nulls_first[query->nkeys] = true;
	attnos[query->nkeys + 1] = ncolumns + 2;
	operators[query->nkeys + 1] = get_opfamily_member(INTEGER_BTREE_FAM_OID, INT2OID, INT2OID,
													  BTLessStrategyNumber);
	collations[query->nkeys + 1] = InvalidOid;

	rows->in = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	rows->out = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	rows->sort = tuplesort_begin_heap(desc, nsort, attnos, operators, collations, nulls_first,
									  work_mem, NULL, TUPLESORT_NONE);
}

/* Take a row of the query. */
void
sweep_rows_put(void *arg, TupleTableSlot *slot)
{
	SweepRows  *rows = arg;
	MemoryContext old;
	SbInterval	cuts;

	slot_getsomeattrs(slot, rows->last);
	if (slot->tts_isnull[rows->period - 1])
		return;
	if (rows->packed != NULL)
	{
		old = MemoryContextSwitchTo(rows->context);
		if (period_cuts(rows->type, slot->tts_values[rows->period - 1], &cuts))
			sweep_packed_put(rows->packed, slot, &cuts);
		MemoryContextSwitchTo(old);
		return;
	}

	old = MemoryContextSwitchTo(rows->row_context);
	if (period_cuts(rows->type, slot->tts_values[rows->period - 1], &cuts))
	{
		ExecClearTuple(rows->in);
		for (int i = 0; i < rows->nkeys + rows->nvalues; i++)
		{
			rows->in->tts_values[i] = slot->tts_values[rows->attnos[i] - 1];
			rows->in->tts_isnull[i] = slot->tts_isnull[rows->attnos[i] - 1];
		}
		put_cuts(rows, &cuts);
		ExecStoreVirtualTuple(rows->in);
		tuplesort_puttupleslot(rows->sort, rows->in);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(rows->row_context);
}

/* The last four columns of a row in the sort. */
static void
put_cuts(SweepRows *rows, const SbInterval *cuts)
{
	int			column = rows->nkeys + rows->nvalues;
	Datum	   *values = rows->in->tts_values + column;
	bool	   *nulls = rows->in->tts_isnull + column;

	memset(nulls, 0, 4 * sizeof(bool));
	nulls[0] = cuts->lo.side == SB_CUT_BEGIN;
	values[0] = rows->type->points == PERIOD_DATUM ?
		(Datum) cuts->lo.value : Int64GetDatum(cuts->lo.value);
	values[1] = Int16GetDatum((int16) cuts->lo.side);
	nulls[2] = cuts->hi.side == SB_CUT_END;
	values[2] = rows->type->points == PERIOD_DATUM ?
		(Datum) cuts->hi.value : Int64GetDatum(cuts->hi.value);
	values[3] = Int16GetDatum((int16) cuts->hi.side);
}

/* No more rows come. */
void
sweep_rows_sort(SweepRows *rows)
{
	if (rows->packed != NULL)
		sweep_packed_sort(rows->packed);
	else
		tuplesort_performsort(rows->sort);
}

/* The next row by keys and start; false after the last. */
bool
sweep_rows_next(SweepRows *rows, SweepRow *row)
{
	int			column = rows->nkeys + rows->nvalues;

	if (rows->packed != NULL)
		return sweep_packed_next(rows->packed, row);

	if (!tuplesort_gettupleslot(rows->sort, true, false, rows->out, NULL))
		return false;
	slot_getallattrs(rows->out);
	row->new_group = is_new_group(rows);
	row->keys = rows->keys[rows->flip];
	row->key_nulls = rows->key_nulls[rows->flip];
	row->null_key = false;
	for (int i = 0; i < rows->nkeys; i++)
		row->null_key = row->null_key || row->key_nulls[i];
	row->values = rows->out->tts_values + rows->nkeys;
	row->nulls = rows->out->tts_isnull + rows->nkeys;
	row->cuts.lo = read_cut(rows, column, SB_CUT_BEGIN);
	row->cuts.hi = read_cut(rows, column + 2, SB_CUT_END);
	return true;
}

/* A cut from its two columns. */
static SbCut
read_cut(const SweepRows *rows, int column, int32 unbounded)
{
	SbCut		cut;

	if (rows->out->tts_isnull[column])
	{
		cut.value = 0;
		cut.side = unbounded;
		return cut;
	}
	cut.value = rows->type->points == PERIOD_DATUM ?
		(int64) rows->out->tts_values[column] : DatumGetInt64(rows->out->tts_values[column]);
	cut.side = DatumGetInt16(rows->out->tts_values[column + 1]);
	return cut;
}

/* Whether the row begins a group; if so its keys are copied. */
static bool
is_new_group(SweepRows *rows)
{
	const Datum *values = rows->out->tts_values;
	const bool *nulls = rows->out->tts_isnull;
	MemoryContext old;

	if (rows->started &&
		compare_keys(rows, rows->keys[rows->flip], rows->key_nulls[rows->flip],
					 values, nulls, true) == 0)
		return false;

	rows->started = true;
	rows->flip = 1 - rows->flip;
	if (rows->keys_by_reference)
		MemoryContextReset(rows->key_context[rows->flip]);
	old = MemoryContextSwitchTo(rows->key_context[rows->flip]);
	for (int i = 0; i < rows->nkeys; i++)
	{
		rows->key_nulls[rows->flip][i] = nulls[i];
		rows->keys[rows->flip][i] = nulls[i] ? (Datum) 0 :
			datumCopy(values[i], rows->key_types[i]->typbyval, rows->key_types[i]->typlen);
	}
	MemoryContextSwitchTo(old);
	return true;
}

/*
 * Compare keys, with NULL equal to NULL and after everything else; when only
 * equality is wanted the sign of the result says nothing.
 */
static int
compare_keys(const SweepRows *rows, const Datum *x, const bool *x_nulls,
			 const Datum *y, const bool *y_nulls, bool only_equal)
{
	MemoryContext old = MemoryContextSwitchTo(rows->row_context);
	bool		used = false;
	int			result = 0;

	for (int i = 0; i < rows->nkeys && result == 0; i++)
	{
		TypeCacheEntry *type = rows->key_types[i];

		if (x_nulls[i] || y_nulls[i])
			result = x_nulls[i] - y_nulls[i];
		else if (type->typbyval && x[i] == y[i])
			continue;
		else if (only_equal && OidIsValid(type->eq_opr))
			result = DatumGetBool(FunctionCall2Coll(&type->eq_opr_finfo, rows->collations[i], x[i], y[i])) ? 0 : 1;
		else
			result = DatumGetInt32(FunctionCall2Coll(&type->cmp_proc_finfo, rows->collations[i], x[i], y[i]));
		used = used || !type->typbyval;
	}
	MemoryContextSwitchTo(old);

	/* comparing may have detoasted */
	if (used)
		MemoryContextReset(rows->row_context);
	return result;
}

/*
 * <0, 0, >0 as the group of x, the current row of a, sorts before, is, or sorts
 * after that of y.  Both must have been begun alike.
 */
int
sweep_rows_compare(SweepRows *a, const SweepRow *x, SweepRows *b, const SweepRow *y)
{
	if (a->packed != NULL)
		return sweep_packed_compare(a->packed, b->packed);
	return compare_keys(a, x->keys, x->key_nulls, y->keys, y->key_nulls, false);
}

/* Give back what the memory context does not. */
void
sweep_rows_end(SweepRows *rows)
{
	if (rows->packed != NULL)
		sweep_packed_end(rows->packed);
	else if (rows->sort != NULL)
	{
		ExecDropSingleTupleTableSlot(rows->in);
		ExecDropSingleTupleTableSlot(rows->out);
		tuplesort_end(rows->sort);
		rows->sort = NULL;
	}
}

/*-------------------------------------------------------------------------
 *
 * temporal_key_scan.c
 *	  A walk over the rows of one key value, and what errors say of a key.
 *
 * The walk sees what is committed now and what is in progress: index entries
 * in descending order of their start, each with all versions of its row that a
 * dirty snapshot sees.  Rows without a start (unbounded) are found by a second
 * search, so that it does not matter where the index keeps its NULLs.  The index
 * of a wider key has other columns before the start: there the rows of the value
 * are gathered and sorted first.
 *
 * IDENTIFICATION
 *	  src/temporal_key_scan.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/sysattr.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "temporal_key.h"

/* How one index column in front of the period is searched. */
typedef struct ScanColumn
{
	int			key;			/* which of the key's columns it is */
	RegProcedure equal;
} ScanColumn;

/* The rows of a value that an index does not have in the order of their start. */
typedef struct GatheredRows
{
	TemporalRow *rows;
	int			count;
	int			room;
	int			next;
	MemoryContext context;
} GatheredRows;

struct TemporalScan
{
	Relation	relation;
	Relation	index;
	TemporalColumns columns;
	ScanColumn	search[INDEX_MAX_KEYS];
	RegProcedure less;			/* of the start, or of the period */
	RegProcedure less_equal;
	bool		descending;		/* the index keeps starts in descending order */
	bool		nullable;		/* there may be rows without a start */
	bool		unbounded;		/* searching those now */
	bool		finished;
	int			width;			/* scan keys on key columns */
	ScanKeyData keys[INDEX_MAX_KEYS];
	IndexScanDesc scan;
	SnapshotData snapshot;
	TupleTableSlot *slot;
	MemoryContext context;		/* of the scan */
	MemoryContext bound;		/* of the search's period value */
	MemoryContext row;			/* of the current row's cuts */
	GatheredRows gathered;		/* of an index that has no such order */
};

static RegProcedure operator_proc(Relation index, int column, StrategyNumber strategy);
static void set_key(TemporalScan *scan, int column, StrategyNumber strategy, RegProcedure procedure, Datum value);
static void set_null_key(TemporalScan *scan, int column, int flag);
static void start_search(TemporalScan *scan, int count);
static bool search_unbounded(TemporalScan *scan);
static int	compare_gathered(const void *a, const void *b, void *arg);
static void gather(TemporalScan *scan, const SbCut *before);
static bool next_of_index(TemporalScan *scan, TemporalRow *row);
static void classify(TupleTableSlot *slot, const SnapshotData *snapshot, TemporalRow *row);
static TransactionId row_xmin(TupleTableSlot *slot);
static bool may_see_column(Oid relid, AttrNumber attnum);

/* The index of a key; 55000 when the key has lost it. */
Oid
temporal_key_index(Relation relation, const TemporalColumns *columns)
{
	if (!OidIsValid(columns->index))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("temporal key of relation \"%s\" has no valid index",
						RelationGetRelationName(relation)),
				 errhint("Drop the key with temporal.drop_constraint() and add it again.")));
	return columns->index;
}

/*
 * Prepare walks over a table with an index that fits the columns.  Raises
 * 55000 when the key has lost its index.
 */
TemporalScan *
temporal_scan_begin(Relation relation, const TemporalColumns *columns)
{
	MemoryContext context;
	MemoryContext old;
	TemporalScan *scan;

	(void) temporal_key_index(relation, columns);
	context = AllocSetContextCreate(CurrentMemoryContext, "statbus temporal scan",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	scan = palloc0(sizeof(TemporalScan));
	scan->context = context;
	scan->relation = relation;
	scan->columns = *columns;
	scan->index = index_open(columns->index, AccessShareLock);
	scan->slot = table_slot_create(relation, NULL);
	for (int i = 0; i < columns->count; i++)
	{
		for (int j = 0; j < columns->count; j++)
			if (columns->keys[j] == scan->index->rd_index->indkey.values[i])
				scan->search[i].key = j;
		scan->search[i].equal = operator_proc(scan->index, i, BTEqualStrategyNumber);
	}
	if (columns->is_prefix)
		scan->gathered.context = AllocSetContextCreate(context, "statbus temporal scan rows",
													   ALLOCSET_SMALL_SIZES);
	if (columns->type != NULL && columns->type->points == PERIOD_DATUM)
		scan->row = AllocSetContextCreate(context, "statbus temporal scan row",
										  ALLOCSET_SMALL_SIZES);
	if (columns->type != NULL && !columns->is_prefix)
	{
		AttrNumber	start = AttributeNumberIsValid(columns->from) ? columns->from : columns->period;

		scan->less = operator_proc(scan->index, columns->count, BTLessStrategyNumber);
		scan->less_equal = operator_proc(scan->index, columns->count, BTLessEqualStrategyNumber);
		scan->descending = scan->index->rd_indoption[columns->count] & INDOPTION_DESC;
		scan->nullable = AttributeNumberIsValid(columns->from) &&
			!TupleDescAttr(RelationGetDescr(relation), start - 1)->attnotnull;
		if (!AttributeNumberIsValid(columns->from))
			scan->bound = AllocSetContextCreate(context, "statbus temporal scan bound",
												ALLOCSET_SMALL_SIZES);
	}
	InitDirtySnapshot(scan->snapshot);
	scan->scan = statbus_index_beginscan(relation, scan->index, &scan->snapshot,
										 columns->count + 1);
	scan->finished = true;
	MemoryContextSwitchTo(old);
	return scan;
}

/* The function behind an index column's own comparison of a kind. */
static RegProcedure
operator_proc(Relation index, int column, StrategyNumber strategy)
{
	Oid			type = index->rd_opcintype[column];
	Oid			operator = get_opfamily_member(index->rd_opfamily[column], type, type, strategy);
	RegProcedure result = OidIsValid(operator) ? get_opcode(operator) : InvalidOid;

	if (!RegProcedureIsValid(result))
		elog(ERROR, "missing operator %d in operator family %u", strategy, index->rd_opfamily[column]);
	return result;
}

/* Demand `column <strategy> value` of an index column. */
static void
set_key(TemporalScan *scan, int column, StrategyNumber strategy, RegProcedure procedure, Datum value)
{
	ScanKeyEntryInitialize(&scan->keys[column], 0, column + 1, strategy, InvalidOid,
						   scan->index->rd_indcollation[column], procedure, value);
}

/* Demand that an index column is NULL, or that it is not. */
static void
set_null_key(TemporalScan *scan, int column, int flag)
{
	ScanKeyEntryInitialize(&scan->keys[column], SK_ISNULL | flag, column + 1, InvalidStrategy,
						   InvalidOid, InvalidOid, InvalidOid, (Datum) 0);
}

/* Search with the first `count` scan keys. */
static void
start_search(TemporalScan *scan, int count)
{
	scan->scan->numberOfKeys = count;
	index_rescan(scan->scan, scan->keys, count, NULL, 0);
	scan->finished = false;
}

/*
 * Start a walk at the rows with these keys (in the order of the key's columns;
 * a NULL finds NULLs) that begin before the cut.  NULL for the cut, or a
 * table without a period: all rows with these keys.
 */
void
temporal_scan_seek(TemporalScan *scan, const Datum *keys, const bool *nulls, const SbCut *before)
{
	const TemporalColumns *columns = &scan->columns;
	const PeriodType *type = columns->type;
	int			width = columns->count;

	for (int i = 0; i < width; i++)
	{
		int			key = scan->search[i].key;

		if (nulls[key])
			set_null_key(scan, i, SK_SEARCHNULL);
		else
			set_key(scan, i, BTEqualStrategyNumber, scan->search[i].equal, keys[key]);
	}
	scan->width = width;
	scan->unbounded = false;
	if (columns->is_prefix)
	{
		start_search(scan, width);
		gather(scan, before);
	}
	else if (type == NULL || before == NULL || before->side == SB_CUT_END)
	{
		if (type != NULL && scan->nullable)
			set_null_key(scan, width++, SK_SEARCHNOTNULL);
		start_search(scan, width);
	}
	else if (before->side == SB_CUT_BEGIN)
		scan->finished = true;
	else
	{
		/*
		 * starts lie before their value: value < cut before x, value <= cut
		 * after x
		 */
		bool		inclusive = before->side == SB_CUT_AFTER;
		SbInterval	cuts;
		Datum		value;

		cuts.lo = *before;
		if (AttributeNumberIsValid(columns->from))
		{
			bool		is_null;

			cuts.lo.side = SB_CUT_BEFORE;
			value = period_lower(type, &cuts, &is_null);
		}
		else
		{
			/*
			 * the least range from x on is [x,x]; [x,) is the greatest that
			 * begins with x
			 */
			MemoryContext old;

			MemoryContextReset(scan->bound);
			old = MemoryContextSwitchTo(scan->bound);
			cuts.lo.side = SB_CUT_BEFORE;
			cuts.hi.value = inclusive ? 0 : before->value;
			cuts.hi.side = inclusive ? SB_CUT_END : SB_CUT_AFTER;
			value = period_range(type, &cuts);
			MemoryContextSwitchTo(old);
		}
		set_key(scan, width, inclusive ? BTLessEqualStrategyNumber : BTLessStrategyNumber,
				inclusive ? scan->less_equal : scan->less, value);
		start_search(scan, width + 1);
	}
}

/* Go on with the rows that have no start, which come last; false when there are none. */
static bool
search_unbounded(TemporalScan *scan)
{
	if (scan->unbounded || !scan->nullable)
		return false;
	scan->unbounded = true;
	set_null_key(scan, scan->width, SK_SEARCHNULL);
	start_search(scan, scan->width + 1);
	return true;
}

/* qsort_arg() comparator: rows from the right to the left. */
static int
compare_gathered(const void *a, const void *b, void *arg)
{
	const SbOrder *order = arg;
	const TemporalRow *first = a;
	const TemporalRow *second = b;
	int			result = sb_cut_compare(order, second->cuts.lo, first->cuts.lo);

	return result != 0 ? result : sb_cut_compare(order, second->cuts.hi, first->cuts.hi);
}

/* Read the rows of the value that begin before the cut, and let go of their pages. */
static void
gather(TemporalScan *scan, const SbCut *before)
{
	GatheredRows *gathered = &scan->gathered;
	const PeriodType *type = scan->columns.type;
	MemoryContext old = CurrentMemoryContext;
	TemporalRow row;

	MemoryContextReset(gathered->context);
	gathered->rows = NULL;
	gathered->count = gathered->room = gathered->next = 0;
	while (next_of_index(scan, &row))
	{
		if (type != NULL && before != NULL && sb_cut_compare(&type->order, row.cuts.lo, *before) >= 0)
			continue;
		MemoryContextSwitchTo(gathered->context);
		if (gathered->count == gathered->room)
		{
			gathered->room = Max(gathered->room * 2, 8);
			gathered->rows = gathered->rows == NULL ? palloc(sizeof(TemporalRow) * gathered->room) :
				repalloc_huge(gathered->rows, sizeof(TemporalRow) * gathered->room);
		}
		if (type != NULL)
		{
			row.cuts.lo = period_cut_copy(type, row.cuts.lo);
			row.cuts.hi = period_cut_copy(type, row.cuts.hi);
		}
		gathered->rows[gathered->count++] = row;
		MemoryContextSwitchTo(old);
	}
	ExecClearTuple(scan->slot);
	if (type != NULL && gathered->count > 1)
		qsort_arg(gathered->rows, gathered->count, sizeof(TemporalRow), compare_gathered, (void *) &type->order);
	scan->finished = false;
}

/*
 * The next row version; false at the end.  Of a table without a period every
 * row counts, and the cuts are not set.
 */
bool
temporal_scan_next(TemporalScan *scan, TemporalRow *row)
{
	GatheredRows *gathered = &scan->gathered;

	if (!scan->columns.is_prefix)
		return next_of_index(scan, row);
	scan->finished = scan->finished || gathered->next == gathered->count;
	if (!scan->finished)
		*row = gathered->rows[gathered->next++];
	return !scan->finished;
}

/* The next row version by the index; false at the end. */
static bool
next_of_index(TemporalScan *scan, TemporalRow *row)
{
	while (!scan->finished)
	{
		CHECK_FOR_INTERRUPTS();
		if (!index_getnext_slot(scan->scan, scan->descending ? ForwardScanDirection : BackwardScanDirection,
								scan->slot))
		{
			if (search_unbounded(scan))
				continue;
			scan->finished = true;
			break;
		}
		if (scan->columns.type != NULL)
		{
			MemoryContext old = CurrentMemoryContext;
			bool		counts;

			if (scan->row != NULL)
			{
				MemoryContextReset(scan->row);
				MemoryContextSwitchTo(scan->row);
			}
			counts = temporal_slot_period(&scan->columns, scan->slot, &row->cuts);
			MemoryContextSwitchTo(old);
			if (!counts)
				continue;
		}
		classify(scan->slot, &scan->snapshot, row);
		return true;
	}
	return false;
}

/* What a row version that a dirty snapshot has just returned means to us. */
static void
classify(TupleTableSlot *slot, const SnapshotData *snapshot, TemporalRow *row)
{
	row->tid = slot->tts_tid;
	row->token = 0;
	row->busy = InvalidTransactionId;
	row->writer = InvalidTransactionId;
	if (TransactionIdIsValid(snapshot->xmin))
	{
		row->liveness = TEMPORAL_INSERTING;
		row->busy = snapshot->xmin;
		row->token = snapshot->speculativeToken;
	}
	else if (TransactionIdIsValid(snapshot->xmax))
	{
		row->liveness = TEMPORAL_DELETING;
		row->busy = snapshot->xmax;
	}
	else
	{
		row->writer = row_xmin(slot);
		row->liveness = TransactionIdIsCurrentTransactionId(row->writer) ?
			TEMPORAL_OWN : TEMPORAL_LIVE;
	}
}

/* The transaction that wrote a row version; a frozen one has none. */
static TransactionId
row_xmin(TupleTableSlot *slot)
{
	bool		is_null;

	if (TTS_IS_BUFFERTUPLE(slot))
		return HeapTupleHeaderGetXmin(((BufferHeapTupleTableSlot *) slot)->base.tuple->t_data);
	return DatumGetTransactionId(slot_getsysattr(slot, MinTransactionIdAttributeNumber, &is_null));
}

/* Let go of all pages; the walk is over until the next seek. */
void
temporal_scan_release(TemporalScan *scan)
{
	ExecClearTuple(scan->slot);
	if (!scan->finished)
		index_rescan(scan->scan, scan->keys, scan->scan->numberOfKeys, NULL, 0);
	scan->finished = true;
}

/* End all walks and free what they held. */
void
temporal_scan_end(TemporalScan *scan)
{
	ExecDropSingleTupleTableSlot(scan->slot);
	index_endscan(scan->scan);
	index_close(scan->index, NoLock);
	MemoryContextDelete(scan->context);
}

/*
 * How many transactions have ended so far.  While the number stays the same a
 * dirty scan misses nothing: a row that is moved is seen at one of its places.
 */
uint64
temporal_completions(void)
{
	return TransamVariables->xactCompletionCount;
}

/* Wait until the transaction that inserts or deletes the row has ended. */
void
temporal_wait(Relation relation, const TemporalRow *row)
{
	ItemPointerData tid = row->tid;

	if (row->token != 0)
		SpeculativeInsertionWait(row->busy, row->token);
	else
		XactLockTableWait(row->busy, relation, &tid, XLTW_RecheckExclusionConstr);
}

/* The period of a row; false when it is empty, or NULL in a range column. */
bool
temporal_slot_period(const TemporalColumns *columns, TupleTableSlot *slot, SbInterval *cuts)
{
	bool		is_null;
	Datum		value;

	if (AttributeNumberIsValid(columns->from))
	{
		bool		until_is_null;
		Datum		until;

		value = slot_getattr(slot, columns->from, &is_null);
		until = slot_getattr(slot, columns->until, &until_is_null);
		*cuts = period_from_points(columns->type, value, is_null, until, until_is_null);
		return sb_cut_compare(&columns->type->order, cuts->lo, cuts->hi) < 0;
	}
	value = slot_getattr(slot, columns->period, &is_null);
	return !is_null && period_cuts(columns->type, value, cuts);
}

/* "a, b": the key's columns without the period. */
char *
temporal_describe_columns(Relation relation, const TemporalColumns *columns)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < columns->count; i++)
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "",
						 NameStr(TupleDescAttr(RelationGetDescr(relation), columns->keys[i] - 1)->attname));
	return text.data;
}

/* "1, x": the values of the key columns; NULL when the user may not see them and the period. */
char *
temporal_describe_values(Relation relation, const TemporalColumns *columns,
						 const Datum *keys, const bool *nulls)
{
	Oid			relid = RelationGetRelid(relation);
	StringInfoData text;

	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		return NULL;
	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
	{
		for (int i = 0; i < columns->count; i++)
			if (!may_see_column(relid, columns->keys[i]))
				return NULL;
		if (AttributeNumberIsValid(columns->period) && !may_see_column(relid, columns->period) &&
			!(AttributeNumberIsValid(columns->from) && may_see_column(relid, columns->from) &&
			  may_see_column(relid, columns->until)))
			return NULL;
	}
	initStringInfo(&text);
	for (int i = 0; i < columns->count; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), columns->keys[i] - 1);
		Oid			output;
		bool		is_varlena;

		if (i > 0)
			appendStringInfoString(&text, ", ");
		if (nulls[i])
			appendStringInfoString(&text, "null");
		else
		{
			getTypeOutputInfo(attribute->atttypid, &output, &is_varlena);
			appendStringInfoString(&text, OidOutputFunctionCall(output, keys[i]));
		}
	}
	return text.data;
}

/* True when the user has SELECT on a column. */
static bool
may_see_column(Oid relid, AttrNumber attnum)
{
	return pg_attribute_aclcheck(relid, attnum, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

/* A period as its range type writes it. */
char *
temporal_describe_period(const PeriodType *type, const SbInterval *cuts)
{
	Oid			output;
	bool		is_varlena;

	getTypeOutputInfo(type->range_type, &output, &is_varlena);
	return OidOutputFunctionCall(output, period_range(type, cuts));
}

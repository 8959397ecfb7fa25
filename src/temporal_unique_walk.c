/*-------------------------------------------------------------------------
 *
 * temporal_unique_walk.c
 *	  Temporal unique keys: one walk over the whole index.
 *
 * What a large statement, or a key that is added to a loaded table, needs: all
 * index entries in their order, the heap not looked at.  Where no entry begins
 * before the latest end of those before it, no two rows overlap, whether they
 * are there, gone or in progress.  The key values where one does are checked
 * exactly.  Or one over the part of the index where the rows of a batch lie.
 *
 * IDENTIFICATION
 *	  src/temporal_unique_walk.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/itup.h"
#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "temporal_unique.h"

/* Entries that a page of such an index has at most, and how many of them cost as much as a search for one row. */
#define ENTRIES_PER_PAGE	270
#define ENTRIES_PER_SEARCH	12

/* Below this many rows nothing is estimated. */
#define ROWS_WORTH_A_WALK	64

typedef struct IndexWalk
{
	UniqueCheck *check;
	int			position[INDEX_MAX_KEYS];	/* index column of each key column */
	bool		any;			/* there was an entry */
	bool		suspicious;		/* the current key value is to be checked */
	uint32		nulls;
	Datum		keys[INDEX_MAX_KEYS];	/* of the current key value */
	SbCut		end;			/* latest end with these keys */
	MemoryContext entry;		/* of the current entry; NULL when nothing
								 * needs it */
} IndexWalk;

static void begin_walk(IndexWalk *walk, UniqueCheck *check, Relation index);
static bool visit_entry(IndexWalk *walk, const Datum *keys, uint32 nulls, const SbInterval *cuts);
static bool range_can_be_walked(const UniqueCheck *check, Relation index);
static void range_keys(const UniqueCheck *check, Relation index, ScanKeyData *keys);
static bool read_entry(IndexWalk *walk, IndexScanDesc scan, Datum *keys, uint32 *nulls, SbInterval *cuts);
static bool same_keys(IndexWalk *walk, const Datum *keys, uint32 nulls);
static bool values_equal(UniqueColumn *column, Datum a, Datum b);
static void add_suspect(IndexWalk *walk);
static void take_keys(IndexWalk *walk, const Datum *keys, uint32 nulls);
static void take_end(IndexWalk *walk, SbCut end, bool replaces);

/* True when a walk over the index is less work than searches for so many rows. */
bool
temporal_unique_walk_pays(const UniqueCheck *check, double rows)
{
	Relation	index;
	double		entries;

	if (rows < ROWS_WORTH_A_WALK || !OidIsValid(check->key->columns.index))
		return false;
	index = index_open(check->key->columns.index, AccessShareLock);
	entries = (double) RelationGetNumberOfBlocks(index) * ENTRIES_PER_PAGE;
	index_close(index, NoLock);
	return entries <= rows * ENTRIES_PER_SEARCH;
}

/* Check all own rows of the table; with check->validate, all rows. */
void
temporal_unique_walk(UniqueCheck *check)
{
	const TemporalColumns *columns = &check->key->columns;
	Relation	index;
	IndexScanDesc scan;
	ScanDirection direction;
	SnapshotData snapshot;
	IndexWalk	walk;

	/* raises when the index is missing */
	if (check->scan == NULL)
		check->scan = temporal_scan_begin(check->relation, columns);
	index = index_open(columns->index, AccessShareLock);
	begin_walk(&walk, check, index);
	direction = index->rd_indoption[check->count] & INDOPTION_DESC ?
		BackwardScanDirection : ForwardScanDirection;
	InitDirtySnapshot(snapshot);
	scan = statbus_index_beginscan(check->relation, index, &snapshot, 0);
	scan->xs_want_itup = true;
	index_rescan(scan, NULL, 0, NULL, 0);
	while (index_getnext_tid(scan, direction) != NULL)
	{
		Datum		keys[INDEX_MAX_KEYS];
		uint32		nulls;
		SbInterval	cuts;

		CHECK_FOR_INTERRUPTS();
		if (read_entry(&walk, scan, keys, &nulls, &cuts) && visit_entry(&walk, keys, nulls, &cuts))
			add_suspect(&walk);
	}
	index_endscan(scan);
	index_close(index, NoLock);
	if (walk.entry != NULL)
		MemoryContextDelete(walk.entry);
	temporal_unique_flush(check);
}

/* Begin a walk over an index of the key. */
static void
begin_walk(IndexWalk *walk, UniqueCheck *check, Relation index)
{
	memset(walk, 0, sizeof(IndexWalk));
	walk->check = check;
	for (int i = 0; i < check->count; i++)
		for (int j = 0; j < check->count; j++)
			if (index->rd_index->indkey.values[j] == check->key->columns.keys[i])
				walk->position[i] = j;
	if (check->type->points == PERIOD_DATUM)
		walk->entry = AllocSetContextCreate(CurrentMemoryContext, "statbus index entry",
											ALLOCSET_SMALL_SIZES);
}

/* Take an entry; true when by it its key value becomes suspicious. */
static bool
visit_entry(IndexWalk *walk, const Datum *keys, uint32 nulls, const SbInterval *cuts)
{
	if (!walk->any || !same_keys(walk, keys, nulls))
	{
		take_keys(walk, keys, nulls);
		take_end(walk, cuts->hi, true);
		return false;
	}
	if (walk->suspicious)
		return false;
	if (sb_cut_compare(&walk->check->type->order, cuts->lo, walk->end) < 0)
		return true;
	take_end(walk, cuts->hi, false);
	return false;
}

/*
 * Can the entries of a batch's key values be walked over, from the least to the
 * greatest?  The index must have the key's columns in its order, the first of
 * them one whose values are integers in the index's own order.
 */
static bool
range_can_be_walked(const UniqueCheck *check, Relation index)
{
	Oid			type = index->rd_opcintype[0];

	if (check->count == 0 || (type != INT2OID && type != INT4OID && type != INT8OID && type != DATEOID))
		return false;
	for (int i = 0; i < check->count; i++)
		if (index->rd_index->indkey.values[i] != check->key->columns.keys[i])
			return false;
	return !(index->rd_indoption[0] & INDOPTION_DESC) && !(index->rd_indoption[check->count] & INDOPTION_DESC) &&
		check->rows[check->row_count - 1]->nulls == 0;
}

/* The least and the greatest value of the first column in the batch, which is sorted, as two scan keys. */
static void
range_keys(const UniqueCheck *check, Relation index, ScanKeyData *keys)
{
	Oid			type = index->rd_opcintype[0];
	StrategyNumber strategies[2] = {BTGreaterEqualStrategyNumber, BTLessEqualStrategyNumber};
	Datum		values[2] = {check->rows[0]->keys[0], check->rows[check->row_count - 1]->keys[0]};

	for (int i = 0; i < 2; i++)
	{
		Oid			operator = get_opfamily_member(index->rd_opfamily[0], type, type, strategies[i]);

		if (!OidIsValid(operator))
			elog(ERROR, "missing operator %d in operator family %u", strategies[i], index->rd_opfamily[0]);
		ScanKeyInit(&keys[i], 1, strategies[i], get_opcode(operator), values[i]);
	}
}

/*
 * Walk over the part of the index where the sorted batch lies.  What is new
 * stands there close together, and an entry costs far less than a search.
 * Returns how many rows of the batch are vouched for, but for those whose first
 * key column is among the suspects; the walk ends where too much else is met.
 */
int
temporal_unique_walk_range(UniqueCheck *check, int64 *suspects, int *nsuspects)
{
	Relation	index;
	IndexScanDesc scan;
	SnapshotData snapshot;
	ScanKeyData bounds[2];
	IndexWalk	walk;
	int			passed = 0;		/* rows whose first column is less than the
								 * entry's */
	int64		entries = 0;
	bool		gives_up = false;

	*nsuspects = 0;
	if (check->row_count < ROWS_WORTH_A_WALK || check->rows[0]->whole || check->key->deferrable)
		return 0;
	index = index_open(temporal_key_index(check->relation, &check->key->columns), AccessShareLock);
	if (!range_can_be_walked(check, index))
	{
		index_close(index, NoLock);
		return 0;
	}
	begin_walk(&walk, check, index);
	range_keys(check, index, bounds);
	InitDirtySnapshot(snapshot);
	scan = statbus_index_beginscan(check->relation, index, &snapshot, 2);
	scan->xs_want_itup = true;
	index_rescan(scan, bounds, 2, NULL, 0);
	while (!gives_up && index_getnext_tid(scan, ForwardScanDirection) != NULL)
	{
		Datum		keys[INDEX_MAX_KEYS];
		uint32		nulls;
		SbInterval	cuts;

		CHECK_FOR_INTERRUPTS();
		if (!read_entry(&walk, scan, keys, &nulls, &cuts))
			continue;
		while (passed < check->row_count && (int64) check->rows[passed]->keys[0] < (int64) keys[0])
			passed++;
		gives_up = ++entries > ROWS_WORTH_A_WALK + (int64) passed * ENTRIES_PER_SEARCH / 2;
		if (gives_up || !visit_entry(&walk, keys, nulls, &cuts))
			continue;
		walk.suspicious = true;
		if (*nsuspects > 0 && suspects[*nsuspects - 1] == (int64) keys[0])
			continue;
		if (*nsuspects < UNIQUE_SUSPECTS)
			suspects[(*nsuspects)++] = (int64) keys[0];
		else
			gives_up = true;
	}
	index_endscan(scan);
	index_close(index, NoLock);
	if (walk.entry != NULL)
		MemoryContextDelete(walk.entry);
	return gives_up ? passed : check->row_count;
}

/* Key and period of an index entry; false when it cannot conflict with any. */
static bool
read_entry(IndexWalk *walk, IndexScanDesc scan, Datum *keys, uint32 *nulls, SbInterval *cuts)
{
	UniqueCheck *check = walk->check;
	const PeriodType *type = check->type;
	IndexTuple	tuple = scan->xs_itup;
	TupleDesc	desc = scan->xs_itupdesc;
	MemoryContext old;
	bool		is_null;
	bool		counts;
	Datum		value;

	*nulls = 0;
	for (int i = 0; i < check->count; i++)
	{
		keys[i] = index_getattr(tuple, walk->position[i] + 1, desc, &is_null);
		if (is_null)
		{
			if (!check->key->nulls_not_distinct)
				return false;
			*nulls |= ((uint32) 1) << i;
			keys[i] = (Datum) 0;
		}
	}
	value = index_getattr(tuple, check->count + 1, desc, &is_null);
	if (AttributeNumberIsValid(check->key->columns.from))
	{
		bool		until_is_null;
		Datum		until = index_getattr(tuple, check->count + 2, desc, &until_is_null);

		*cuts = period_from_points(type, value, is_null, until, until_is_null);
		return sb_cut_compare(&type->order, cuts->lo, cuts->hi) < 0;
	}
	if (is_null)
		return false;
	if (walk->entry == NULL)
		return period_cuts(type, value, cuts);
	MemoryContextReset(walk->entry);
	old = MemoryContextSwitchTo(walk->entry);
	counts = period_cuts(type, value, cuts);
	MemoryContextSwitchTo(old);
	return counts;
}

/* True when an entry has the key value of those before it. */
static bool
same_keys(IndexWalk *walk, const Datum *keys, uint32 nulls)
{
	UniqueCheck *check = walk->check;

	if (nulls != walk->nulls)
		return false;
	for (int i = 0; i < check->count; i++)
		if (!(nulls & (((uint32) 1) << i)) &&
			!values_equal(&check->columns[i], walk->keys[i], keys[i]))
			return false;
	return true;
}

/* True when two values of a key column are equal; neither is NULL. */
static bool
values_equal(UniqueColumn *column, Datum a, Datum b)
{
	if (column->plain)
		return a == b;
	return DatumGetInt32(FunctionCall2Coll(&column->compare, column->collation, a, b)) == 0;
}

/* Take all rows of the current key value into the batch of the exact check. */
static void
add_suspect(IndexWalk *walk)
{
	SbInterval	everything = {{0, SB_CUT_BEGIN}, {0, SB_CUT_END}};

	walk->suspicious = true;
	temporal_unique_add(walk->check, walk->keys, walk->nulls, &everything)->whole = true;
}

/* A new key value begins. */
static void
take_keys(IndexWalk *walk, const Datum *keys, uint32 nulls)
{
	UniqueCheck *check = walk->check;

	for (int i = 0; i < check->count; i++)
	{
		UniqueColumn *column = &check->columns[i];
		uint32		bit = ((uint32) 1) << i;

		if (column->by_value)
		{
			walk->keys[i] = keys[i];
			continue;
		}
		if (walk->any && !(walk->nulls & bit))
			pfree(DatumGetPointer(walk->keys[i]));
		walk->keys[i] = nulls & bit ? (Datum) 0 : datumCopy(keys[i], false, column->length);
	}
	walk->nulls = nulls;
	walk->suspicious = false;
}

/* Keep the latest end; `replaces` when it is the first of its key value. */
static void
take_end(IndexWalk *walk, SbCut end, bool replaces)
{
	const PeriodType *type = walk->check->type;

	if (!replaces && sb_cut_compare(&type->order, end, walk->end) <= 0)
		return;
	if (walk->any && type->points == PERIOD_DATUM && !type->cache->rngelemtype->typbyval &&
		(walk->end.side == SB_CUT_BEFORE || walk->end.side == SB_CUT_AFTER))
		pfree(DatumGetPointer((Datum) walk->end.value));
	walk->end = period_cut_copy(type, end);
	walk->any = true;
}

/*-------------------------------------------------------------------------
 *
 * temporal_foreign_validate.c
 *	  Temporal foreign keys of loaded tables: one walk over both btrees.
 *
 * Both indexes are read from their right end to the left, by one snapshot, and
 * merged: per key value the parent's rows become islands, and every child must
 * lie in one of them.  Heap rows of the parent are visited only where the
 * visibility map does not answer, those of the child only in doubt.
 *
 * IDENTIFICATION
 *	  src/temporal_foreign_validate.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "access/visibilitymap.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "temporal_foreign.h"

/* A walk over one side's index, from the right to the left. */
typedef struct SideWalk
{
	const ForeignSide *side;
	const PeriodType *type;		/* NULL for a regular table */
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	Buffer		map;			/* of the visibility map */
	MemoryContext context;		/* in which the scan allocates */
	MemoryContext row;			/* of what is read from the entry */
	bool		every_entry;	/* do not ask whether a row is visible */
	bool		ended;
	bool		empty;			/* the row's period is */
	Datum		keys[INDEX_MAX_KEYS];	/* of the row, valid until the next */
	SbInterval	cuts;
} SideWalk;

static bool same_order(const ForeignCheck *check);
static void walk_begin(SideWalk *walk, const ForeignSide *side, Snapshot snapshot);
static bool read_entry(SideWalk *walk);
static bool is_visible(SideWalk *walk);
static void violation(ForeignCheck *check, SideWalk *children);
static bool walk_next(SideWalk *walk);
static void walk_end(SideWalk *walk);
static void load_parents(ForeignCheck *check, SideWalk *parents, const Datum *keys, ForeignIslands *islands);
static void merge(ForeignCheck *check, SideWalk *children, SideWalk *parents);
static void check_in_batches(ForeignCheck *check, Snapshot snapshot);

/* Do both sides have an index whose order is that of the merge? */
static bool
same_order(const ForeignCheck *check)
{
	const ForeignSide *sides[2] = {&check->child, &check->parent};
	int			s;
	int			i;

	for (s = 0; s < 2; s++)
	{
		Relation	index;
		bool		fits = OidIsValid(sides[s]->columns->index) && !sides[s]->columns->is_prefix;

		if (!fits)
			return false;
		index = index_open(sides[s]->columns->index, AccessShareLock);
		for (i = 0; i < index->rd_index->indnkeyatts; i++)
		{
			if (index->rd_indoption[i] & INDOPTION_DESC)
				fits = false;
			if (i < sides[s]->columns->count &&
				(index->rd_indcollation[i] != check->parent.collations[i] ||
				 index->rd_index->indkey.values[i] != sides[s]->columns->keys[i]))
				fits = false;
		}
		index_close(index, NoLock);
		if (!fits)
			return false;
	}
	return true;
}

/* Begin at the right end. */
static void
walk_begin(SideWalk *walk, const ForeignSide *side, Snapshot snapshot)
{
	memset(walk, 0, sizeof(SideWalk));
	walk->side = side;
	walk->type = side->columns->type;
	walk->map = InvalidBuffer;
	walk->context = CurrentMemoryContext;
	walk->row = AllocSetContextCreate(CurrentMemoryContext, "temporal foreign key row", ALLOCSET_SMALL_SIZES);
	walk->index = index_open(side->columns->index, AccessShareLock);
	walk->slot = table_slot_create(side->relation, NULL);
	walk->scan = statbus_index_beginscan(side->relation, walk->index, snapshot, 0);
	walk->scan->xs_want_itup = true;
	index_rescan(walk->scan, NULL, 0, NULL, 0);
}

/* Read key and period from the index entry; false when one of them is NULL. */
static bool
read_entry(SideWalk *walk)
{
	const TemporalColumns *columns = walk->side->columns;
	IndexTuple	entry = walk->scan->xs_itup;
	TupleDesc	desc = walk->scan->xs_itupdesc;
	bool		is_null;
	int			i;

	for (i = 0; i < columns->count; i++)
	{
		walk->keys[i] = index_getattr(entry, i + 1, desc, &is_null);
		if (is_null)
			return false;
	}
	walk->empty = false;
	if (walk->type == NULL)
	{
		walk->cuts.lo.value = walk->cuts.hi.value = 0;
		walk->cuts.lo.side = SB_CUT_BEGIN;
		walk->cuts.hi.side = SB_CUT_END;
	}
	else if (columns->from != InvalidAttrNumber)
	{
		bool		until_is_null;
		Datum		from = index_getattr(entry, i + 1, desc, &is_null);
		Datum		until = index_getattr(entry, i + 2, desc, &until_is_null);

		walk->cuts = period_from_points(walk->type, from, is_null, until, until_is_null);
		walk->empty = sb_cut_compare(&walk->type->order, walk->cuts.lo, walk->cuts.hi) >= 0;
	}
	else
	{
		Datum		range = index_getattr(entry, i + 1, desc, &is_null);

		if (is_null)
			return false;
		walk->empty = !period_cuts(walk->type, range, &walk->cuts);
	}
	return true;
}

/* Is the entry that the walk stands on one of a row that can be seen? */
static bool
is_visible(SideWalk *walk)
{
	return VM_ALL_VISIBLE(walk->side->relation, ItemPointerGetBlockNumber(&walk->scan->xs_heaptid), &walk->map) ||
		index_fetch_heap(walk->scan, walk->slot);
}

/* Raise for the child that the walk stands on, unless it cannot be seen. */
static void
violation(ForeignCheck *check, SideWalk *children)
{
	MemoryContext old = MemoryContextSwitchTo(children->context);
	bool		visible = is_visible(children);

	MemoryContextSwitchTo(old);
	if (visible)
		foreign_raise_child(check, children->keys, children->empty ? NULL : &children->cuts);
}

/* The next row on the left that the key concerns. */
static bool
walk_next(SideWalk *walk)
{
	MemoryContext old = CurrentMemoryContext;
	bool		found;

	do
	{
		ItemPointer tid;

		MemoryContextSwitchTo(walk->context);

		CHECK_FOR_INTERRUPTS();
		while ((tid = index_getnext_tid(walk->scan, BackwardScanDirection)) != NULL)
		{
			if (walk->every_entry || is_visible(walk))
				break;
			CHECK_FOR_INTERRUPTS();
		}
		found = tid != NULL;
		MemoryContextReset(walk->row);
		MemoryContextSwitchTo(walk->row);
	} while (found && !read_entry(walk));
	MemoryContextSwitchTo(old);
	walk->ended = !found;
	return found;
}

/* Let go of the index and of all pages. */
static void
walk_end(SideWalk *walk)
{
	if (BufferIsValid(walk->map))
		ReleaseBuffer(walk->map);
	index_endscan(walk->scan);
	ExecDropSingleTupleTableSlot(walk->slot);
	index_close(walk->index, NoLock);
}

/* The islands of one key value; the walk stops at the first row of another. */
static void
load_parents(ForeignCheck *check, SideWalk *parents, const Datum *keys, ForeignIslands *islands)
{
	islands->items = NULL;
	islands->count = islands->room = 0;
	while (!parents->ended)
	{
		int			c = foreign_compare_keys(&check->parent, parents->keys, keys);

		if (c < 0)
			return;
		if (c == 0 && !parents->empty)
			foreign_islands_add(check->type, islands, parents->cuts);
		(void) walk_next(parents);
	}
}

/*
 * Every child must lie in an island of its parent.  Rows that are gone but
 * still in the child's index are mostly covered too, so whether a child can be
 * seen is asked only of one that is not.
 */
static void
merge(ForeignCheck *check, SideWalk *children, SideWalk *parents)
{
	bool		regular = check->key.child_columns.type == NULL;
	Datum		group[INDEX_MAX_KEYS];
	Datum		parent_keys[INDEX_MAX_KEYS];
	bool		in_group = false;
	ForeignIslands islands = {0};
	int			i;

	(void) walk_next(parents);
	while (walk_next(children))
	{
		if (!in_group || !foreign_same_keys(&check->child, group, children->keys))
		{
			MemoryContextReset(check->scratch);
			for (i = 0; i < check->child.columns->count; i++)
				group[i] = datumCopy(children->keys[i], check->child.by_value[i], check->child.lengths[i]);
			in_group = true;
			islands.count = 0;
			if (foreign_convert_keys(&check->child, &check->parent, children->keys, parent_keys))
				load_parents(check, parents, parent_keys, &islands);
		}
		if (children->empty || (regular ? islands.count == 0 :
								!sb_coverage_contains(&check->type->order, islands.items, islands.count, &children->cuts)))
			violation(check, children);
	}
}

/* Where an index has another order: the table as if it were being inserted. */
static void
check_in_batches(ForeignCheck *check, Snapshot snapshot)
{
	Relation	child = check->child.relation;
	TupleTableSlot *slot = table_slot_create(child, NULL);
	TableScanDesc scan = table_beginscan(child, snapshot, 0, NULL);
	ForeignBatch *batch = foreign_batch_begin(check, &check->child);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		foreign_batch_add_child(batch, slot);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	foreign_batch_check_children(batch);
}

/*
 * Raise 23503 unless every row of the child that can be seen now has its
 * parent.
 */
void
temporal_foreign_validate(const TemporalForeign *key)
{
	ForeignCheck *check = foreign_check_begin(key);
	MemoryContext old = MemoryContextSwitchTo(check->scratch);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());

	if (same_order(check))
	{
		SideWalk	children;
		SideWalk	parents;

		MemoryContextSwitchTo(check->context);
		walk_begin(&children, &check->child, snapshot);
		children.every_entry = true;
		walk_begin(&parents, &check->parent, snapshot);
		MemoryContextSwitchTo(check->scratch);
		merge(check, &children, &parents);
		walk_end(&children);
		walk_end(&parents);
	}
	else
		check_in_batches(check, snapshot);
	UnregisterSnapshot(snapshot);
	MemoryContextSwitchTo(old);
	foreign_check_end(check);
}

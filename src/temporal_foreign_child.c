/*-------------------------------------------------------------------------
 *
 * temporal_foreign_child.c
 *	  Temporal foreign keys: is every child covered?
 *
 * IDENTIFICATION
 *	  src/temporal_foreign_child.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "temporal_foreign.h"

/* How many rows to walk over before descending the tree again is cheaper. */
#define SKIP_LIMIT	30

/* A walk over the parent's rows of one key value, shared by its children. */
typedef struct ParentWalk
{
	TemporalScan *scan;
	ForeignIslands islands;		/* solid time that was met */
	bool		begun;
	bool		ended;			/* no row is left */
	SbCut		reached;		/* start of the last row */
} ParentWalk;

static bool row_item(ForeignCheck *check, TupleTableSlot *slot, Datum *keys, SbInterval *cuts);
static bool still_there(ForeignCheck *check, const Datum *keys, const SbInterval *cuts);
static void resolve(ForeignCheck *check, TemporalScan *scan, const Datum *keys, const Datum *parent_keys,
					const SbInterval *cuts);
static bool walk_covers(ForeignCheck *check, ParentWalk *walk, const Datum *parent_keys, const SbInterval *cuts);

/*
 * The key and the period of a child's row; false when the key does not concern
 * it.  An empty period is covered by nothing.
 */
static bool
row_item(ForeignCheck *check, TupleTableSlot *slot, Datum *keys, SbInterval *cuts)
{
	const TemporalColumns *columns = check->child.columns;

	if (!foreign_slot_keys(&check->child, slot, keys))
		return false;
	if (columns->type == NULL)
	{
		cuts->lo.value = cuts->hi.value = 0;
		cuts->lo.side = SB_CUT_BEGIN;
		cuts->hi.side = SB_CUT_END;
		return true;
	}
	if (!temporal_slot_period(columns, slot, cuts))
	{
		bool		is_null;

		(void) slot_getattr(slot, columns->period, &is_null);
		if (is_null)
			return false;
		foreign_raise_child(check, keys, NULL);
	}
	return true;
}

/*
 * Is a row that was written by this transaction still in the table?  Another
 * trigger may have removed it since.
 */
static bool
still_there(ForeignCheck *check, const Datum *keys, const SbInterval *cuts)
{
	const SbOrder *order = &check->type->order;
	bool		found = false;
	TemporalScan *scan;
	TemporalRow row;

	if (!OidIsValid(check->child.columns->index))
		return true;
	scan = foreign_scan_begin(check, &check->child);
	foreign_scan_seek(check, scan, keys, &cuts->hi);
	while (!found && foreign_scan_next(check, scan, &row))
	{
		CHECK_FOR_INTERRUPTS();
		if (row.liveness != TEMPORAL_OWN)
			continue;
		if (check->child.columns->type != NULL)
		{
			if (sb_cut_compare(order, row.cuts.lo, cuts->lo) < 0)
				break;
			if (sb_cut_compare(order, row.cuts.lo, cuts->lo) != 0 || sb_cut_compare(order, row.cuts.hi, cuts->hi) != 0)
				continue;
		}
		found = true;
	}
	temporal_scan_end(scan);
	return found;
}

/*
 * Judge one child whose time was not found covered at first sight: wait for
 * those who may cover it; raise when nobody does.
 */
static void
resolve(ForeignCheck *check, TemporalScan *scan, const Datum *keys, const Datum *parent_keys, const SbInterval *cuts)
{
	const SbOrder *order = &check->type->order;
	bool		regular = check->child.columns->type == NULL;
	int			looks = 0;
	ForeignCover cover;

	for (;;)
	{
		uint64		completions = temporal_completions();

		CHECK_FOR_INTERRUPTS();
		foreign_cover_load(check, scan, parent_keys, cuts, &cover);
		if (regular ? cover.solid.count > 0 : sb_coverage_contains(order, cover.solid.items, cover.solid.count, cuts))
			return;
		if (regular ? cover.possible.count > 0 : sb_coverage_contains(order, cover.possible.items, cover.possible.count, cuts))
		{
			foreign_cover_wait(check, scan, &cover, cuts);
			continue;
		}

		/* a row that somebody moved while we passed by was missed */
		if (++looks < FOREIGN_LOOKS && completions != temporal_completions())
			continue;
		if (!still_there(check, keys, cuts))
			return;
		foreign_raise_child(check, keys, cuts);
	}
}

/*
 * Walk on to the left until the child's period is covered, if it is.  The
 * children of one key value come in descending order of their ends.
 */
static bool
walk_covers(ForeignCheck *check, ParentWalk *walk, const Datum *parent_keys, const SbInterval *cuts)
{
	const PeriodType *type = check->type;
	bool		regular = check->child.columns->type == NULL;
	int			skipped = 0;
	TemporalRow row;

	if (!walk->begun)
	{
		foreign_scan_seek(check, walk->scan, parent_keys, &cuts->hi);
		walk->begun = true;
		walk->ended = false;
		walk->islands.items = NULL;
		walk->islands.count = walk->islands.room = 0;
	}
	else if (sb_coverage_contains(&type->order, walk->islands.items, walk->islands.count, cuts) ||
			 (regular && walk->islands.count > 0))
		return true;

	while (!walk->ended)
	{
		bool		solid;

		if (!foreign_scan_next(check, walk->scan, &row))
		{
			walk->ended = true;
			break;
		}
		solid = row.liveness == TEMPORAL_LIVE || row.liveness == TEMPORAL_OWN;
		if (sb_cut_compare(&type->order, row.cuts.lo, cuts->hi) >= 0)
		{
			/* a gap between this child and the one before it */
			if (++skipped > SKIP_LIMIT)
			{
				foreign_scan_seek(check, walk->scan, parent_keys, &cuts->hi);
				skipped = PG_INT32_MIN;
			}
			if (solid)
				foreign_islands_add(type, &walk->islands, row.cuts);
			continue;
		}
		if (solid)
		{
			foreign_islands_add(type, &walk->islands, row.cuts);
			if (regular || sb_cut_compare(&type->order, row.cuts.lo, cuts->lo) <= 0)
				break;
		}
	}
	return regular ? walk->islands.count > 0 :
		sb_coverage_contains(&type->order, walk->islands.items, walk->islands.count, cuts);
}

/* Check all items of a batch. */
void
foreign_batch_check_children(ForeignBatch *batch)
{
	ForeignCheck *check = batch->check;
	Datum		parent_keys[INDEX_MAX_KEYS];
	ParentWalk	walk = {0};
	MemoryContext old;
	ForeignItem *previous = NULL;
	int			i;

	if (batch->count == 0)
		return;
	foreign_batch_sort(batch);
	walk.scan = foreign_scan_begin(check, &check->parent);
	old = MemoryContextSwitchTo(check->scratch);
	for (i = batch->count - 1; i >= 0; i--)
	{
		ForeignItem *item = FOREIGN_ITEM(batch, i);

		CHECK_FOR_INTERRUPTS();
		if (previous == NULL || !foreign_same_keys(&check->child, previous->keys, item->keys))
		{
			MemoryContextReset(check->scratch);
			walk.begun = false;
			if (!foreign_convert_keys(&check->child, &check->parent, item->keys, parent_keys))
			{
				if (still_there(check, item->keys, &item->cuts))
					foreign_raise_child(check, item->keys, &item->cuts);
				continue;
			}
			previous = item;
		}
		if (walk_covers(check, &walk, parent_keys, &item->cuts))
			continue;

		/* this ends the walk: the next child of the value begins its own */
		resolve(check, walk.scan, item->keys, parent_keys, &item->cuts);
		walk.begun = false;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(check->scratch);
	temporal_scan_end(walk.scan);
}

/* Add a row to a batch, which is checked when it is full. */
void
foreign_batch_add_child(ForeignBatch *batch, TupleTableSlot *slot)
{
	Datum		keys[INDEX_MAX_KEYS];
	SbInterval	cuts;

	if (row_item(batch->check, slot, keys, &cuts))
		foreign_batch_add(batch, keys, &cuts);
	if (foreign_batch_full(batch))
	{
		foreign_batch_check_children(batch);
		foreign_batch_reset(batch);
	}
}

/* Check the rows of a transition table. */
void
foreign_check_children(ForeignCheck *check, Tuplestorestate *rows)
{
	ForeignBatch *batch = foreign_batch_begin(check, &check->child);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(check->child.relation), &TTSOpsMinimalTuple);
	MemoryContext old = MemoryContextSwitchTo(check->scratch);

	tuplestore_select_read_pointer(rows, 0);
	tuplestore_rescan(rows);
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		CHECK_FOR_INTERRUPTS();
		foreign_batch_add_child(batch, slot);
	}
	MemoryContextSwitchTo(old);
	ExecDropSingleTupleTableSlot(slot);
	foreign_batch_check_children(batch);
}

/* Check one row of a deferrable key. */
void
foreign_check_child(ForeignCheck *check, TupleTableSlot *row)
{
	MemoryContext old = MemoryContextSwitchTo(check->context);
	Datum		keys[INDEX_MAX_KEYS];
	Datum		parent_keys[INDEX_MAX_KEYS];
	SbInterval	cuts;
	TemporalScan *scan;

	if (row_item(check, row, keys, &cuts))
	{
		if (!foreign_convert_keys(&check->child, &check->parent, keys, parent_keys))
			foreign_raise_child(check, keys, &cuts);
		scan = foreign_scan_begin(check, &check->parent);
		resolve(check, scan, keys, parent_keys, &cuts);
		temporal_scan_end(scan);
	}
	MemoryContextSwitchTo(old);
}

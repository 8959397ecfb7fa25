/*-------------------------------------------------------------------------
 *
 * temporal_foreign_parent.c
 *	  Temporal foreign keys: who is left alone when a parent loses time?
 *
 * What a statement takes from a parent is gathered row by row, without regard
 * to what it gives elsewhere: that only tells where to look.  A child that is
 * met there is judged by the parent's rows as they are now.
 *
 * IDENTIFICATION
 *	  src/temporal_foreign_parent.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "temporal_foreign.h"

/* How often a deferrable key looks again because transactions end meanwhile. */
#define RESTLESS_LIMIT	20

/* The work on the time that one key value has lost. */
typedef struct LostValue
{
	ForeignCheck *check;
	const Datum *keys;			/* the parent's */
	Datum		child_keys[INDEX_MAX_KEYS];
	ForeignIslands lost;
	SbInterval	span;			/* from the start of the first to the end of
								 * the last */
	TemporalScan *children;
	TemporalScan *parents;
	bool		cascade;		/* take the time from the children instead of
								 * raising */
	bool		covered;		/* is the cover loaded? */
	ForeignCover cover;
	List	   *losses;			/* of ForeignLoss, in losses_context */
	MemoryContext losses_context;
} LostValue;

/* What to do after a child was judged. */
typedef enum Verdict
{
	VERDICT_FINE,
	VERDICT_UNCOVERED,
	VERDICT_WAIT_FOR_CHILD,
	VERDICT_WAIT_FOR_PARENT
} Verdict;

static void add_lost(ForeignBatch *batch, TupleTableSlot *old_row, TupleTableSlot *new_row);
static SbInterval *lost_pieces(LostValue *value, const SbInterval *cuts, int *count);
static Verdict judge(LostValue *value, const TemporalRow *row, SbInterval **pieces, int *count);
static void remember(LostValue *value, const TemporalRow *row, const SbInterval *pieces, int count);
static bool look_at_children(LostValue *value, int looks);
static void check_value(LostValue *value);
static List *check_batch(ForeignBatch *batch, bool cascade, MemoryContext losses_context);
static void check_and_cascade(ForeignBatch *batch);

/*
 * Add what one row of the parent has lost, with the key that it had.  For a
 * regular child only the whole row counts.
 */
static void
add_lost(ForeignBatch *batch, TupleTableSlot *old_row, TupleTableSlot *new_row)
{
	ForeignCheck *check = batch->check;
	const ForeignSide *side = batch->side;
	const SbOrder *order = &check->type->order;
	Datum		keys[INDEX_MAX_KEYS];
	Datum		new_keys[INDEX_MAX_KEYS];
	SbInterval	cuts;
	SbInterval	new_cuts;
	SbInterval	pieces[2];
	int			count;
	int			i;

	if (!foreign_slot_keys(side, old_row, keys) || !temporal_slot_period(side->columns, old_row, &cuts))
		return;
	if (new_row != NULL && foreign_slot_keys(side, new_row, new_keys) &&
		foreign_same_keys(side, keys, new_keys) &&
		temporal_slot_period(side->columns, new_row, &new_cuts))
	{
		if (check->key.child_columns.type == NULL)
			return;
		count = sb_coverage_subtract(order, &new_cuts, 1, &cuts, pieces);
	}
	else
	{
		pieces[0] = cuts;
		count = 1;
	}
	for (i = 0; i < count; i++)
		foreign_batch_add(batch, keys, &pieces[i]);
}

/* The parts of a child's period that lie in lost time; NULL when there are none. */
static SbInterval *
lost_pieces(LostValue *value, const SbInterval *cuts, int *count)
{
	const SbOrder *order = &value->check->type->order;
	SbInterval *pieces;

	if (!sb_coverage_overlaps(order, value->lost.items, value->lost.count, cuts))
		return NULL;
	pieces = palloc(sizeof(SbInterval) * sb_coverage_reach(order, value->lost.items, value->lost.count, cuts));
	*count = sb_coverage_intersect(order, value->lost.items, value->lost.count, cuts, pieces);
	return pieces;
}

/*
 * Judge a child: the pieces of it that are uncovered now are returned.  The
 * child of a regular table has one piece, all time, when the value is gone.
 */
static Verdict
judge(LostValue *value, const TemporalRow *row, SbInterval **pieces, int *count)
{
	ForeignCheck *check = value->check;
	const SbOrder *order = &check->type->order;
	bool		regular = check->key.child_columns.type == NULL;
	bool		coverable = true;
	bool		busy_helps = false;
	SbInterval *lost = regular ? NULL : lost_pieces(value, &row->cuts, count);
	SbInterval *uncovered;
	int			lost_count = *count;
	int			n = 0;
	int			i;

	if (!regular && lost == NULL)
		return VERDICT_FINE;

	/* what the parent covers is read when the first child needs it */
	if (!value->covered)
	{
		foreign_cover_load(check, value->parents, value->keys, &value->span, &value->cover);
		value->covered = true;
	}
	if (regular)
	{
		if (value->cover.solid.count > 0)
			return VERDICT_FINE;
		coverable = busy_helps = value->cover.possible.count > 0;
		uncovered = &value->span;
		n = 1;
	}
	else
	{
		for (i = 0; i < lost_count; i++)
			n += sb_coverage_reach(order, value->cover.solid.items, value->cover.solid.count, &lost[i]) + 1;
		uncovered = palloc(sizeof(SbInterval) * n);
		n = 0;
		for (i = 0; i < lost_count; i++)
			n += sb_coverage_subtract(order, value->cover.solid.items, value->cover.solid.count, &lost[i], uncovered + n);
		for (i = 0; i < n; i++)
		{
			if (!sb_coverage_contains(order, value->cover.possible.items, value->cover.possible.count, &uncovered[i]))
				coverable = false;
			if (sb_coverage_overlaps(order, value->cover.possible.items, value->cover.possible.count, &uncovered[i]))
				busy_helps = true;
		}
		pfree(lost);
	}
	if (n == 0)
	{
		pfree(uncovered);
		return VERDICT_FINE;
	}
	if (row->liveness == TEMPORAL_INSERTING || row->liveness == TEMPORAL_DELETING)
		return VERDICT_WAIT_FOR_CHILD;
	if (value->cascade ? busy_helps : coverable)
		return VERDICT_WAIT_FOR_PARENT;
	*pieces = uncovered;
	*count = n;
	return VERDICT_UNCOVERED;
}

/* Note what a child loses; what it keeps is computed at once. */
static void
remember(LostValue *value, const TemporalRow *row, const SbInterval *pieces, int count)
{
	const PeriodType *type = value->check->type;
	MemoryContext old = MemoryContextSwitchTo(value->losses_context);
	ForeignLoss *loss = palloc0(sizeof(ForeignLoss));
	int			i;

	loss->tid = row->tid;
	if (value->check->key.child_columns.type != NULL)
	{
		SbInterval	cuts = foreign_cuts_copy(type, row->cuts);

		loss->kept = palloc(sizeof(SbInterval) * (count + 1));
		loss->count = sb_coverage_subtract(&type->order, pieces, count, &cuts, loss->kept);
		for (i = 0; i < loss->count; i++)
			loss->kept[i] = foreign_cuts_copy(type, loss->kept[i]);
	}
	value->losses = lappend(value->losses, loss);
	MemoryContextSwitchTo(old);
}

/*
 * One pass over the children of the value.  True when it was complete; false
 * when it waited for somebody, or found a child uncovered while transactions
 * ended, so that all has to be looked at again.
 */
static bool
look_at_children(LostValue *value, int looks)
{
	ForeignCheck *check = value->check;
	uint64		completions = temporal_completions();
	bool		regular = check->key.child_columns.type == NULL;
	Verdict		wait = VERDICT_FINE;
	TemporalRow busy;
	TemporalRow row;

	value->covered = false;
	foreign_scan_seek(check, value->children, value->child_keys, &value->span.hi);
	while (foreign_scan_next(check, value->children, &row))
	{
		SbInterval *pieces = NULL;
		int			count = 0;
		Verdict		verdict;

		CHECK_FOR_INTERRUPTS();
		verdict = judge(value, &row, &pieces, &count);
		if (verdict == VERDICT_FINE)
		{
			/* a regular child tells for all */
			if (regular)
				return true;
			continue;
		}
		if (verdict != VERDICT_UNCOVERED)
		{
			/*
			 * wait only when nobody else makes this a violation: fewer
			 * deadlocks
			 */
			if (wait == VERDICT_FINE)
			{
				wait = verdict;
				busy = row;
				if (!regular)
					busy.cuts = foreign_cuts_copy(check->type, row.cuts);
			}
			continue;
		}

		/* a parent's row that somebody moved while we passed by was missed */
		if (looks < FOREIGN_LOOKS && completions != temporal_completions())
			return false;
		if (!value->cascade)
			foreign_raise_parent(check, value->keys, regular ? NULL : &row.cuts);
		remember(value, &row, pieces, count);
	}
	if (wait == VERDICT_FINE)
		return true;
	temporal_scan_release(value->children);
	if (wait == VERDICT_WAIT_FOR_PARENT)
		foreign_cover_wait(check, value->parents, &value->cover, regular ? &value->span : &busy.cuts);
	else
	{
		temporal_scan_release(value->parents);
		temporal_wait(check->child.relation, &busy);
	}
	return false;
}

/*
 * Look until a pass was complete.  Every UPDATE of a child is checked by its
 * own statement, so a row that is moved while we pass by cannot escape both.
 * Of a deferrable key that is true only for an UPDATE of its columns: there a
 * pass counts only if no transaction ended meanwhile.  When that does not
 * happen for a while, writers of the child are kept out.
 */
static void
check_value(LostValue *value)
{
	ForeignCheck *check = value->check;
	int			losses_before = list_length(value->losses);
	int			looks = 0;
	int			restless = 0;
	bool		complete;

	if (!foreign_convert_keys(&check->parent, &check->child, value->keys, value->child_keys))
		return;
	value->span.lo = value->lost.items[value->lost.count - 1].lo;
	value->span.hi = value->lost.items[0].hi;
	if (check->key.child_columns.type == NULL)
	{
		value->span.lo.value = value->span.hi.value = 0;
		value->span.lo.side = SB_CUT_BEGIN;
		value->span.hi.side = SB_CUT_END;
	}
	do
	{
		uint64		completions = temporal_completions();

		value->losses = list_truncate(value->losses, losses_before);
		complete = look_at_children(value, ++looks);
		if (complete && check->key.deferrable && restless <= RESTLESS_LIMIT && completions != temporal_completions())
		{
			complete = false;
			if (++restless == RESTLESS_LIMIT)
			{
				temporal_scan_release(value->children);
				temporal_scan_release(value->parents);
				LockRelationOid(check->key.child, ShareLock);
				restless++;
			}
		}
	} while (!complete);
}

/* Check all that a batch has lost; returns what the children lose when it cascades. */
static List *
check_batch(ForeignBatch *batch, bool cascade, MemoryContext losses_context)
{
	ForeignCheck *check = batch->check;
	LostValue	value = {0};
	MemoryContext old;
	int			last;

	value.check = check;
	value.cascade = cascade;
	value.losses_context = losses_context;
	value.children = foreign_scan_begin(check, &check->child);
	value.parents = foreign_scan_begin(check, &check->parent);
	old = MemoryContextSwitchTo(check->scratch);
	for (last = batch->count - 1; last >= 0;)
	{
		int			first = foreign_batch_group(batch, last);
		int			i;

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(check->scratch);
		value.keys = FOREIGN_ITEM(batch, last)->keys;
		value.lost.items = NULL;
		value.lost.count = value.lost.room = 0;
		for (i = last; i >= first; i--)
			foreign_islands_add(check->type, &value.lost, FOREIGN_ITEM(batch, i)->cuts);
		check_value(&value);
		last = first - 1;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(check->scratch);
	temporal_scan_end(value.children);
	temporal_scan_end(value.parents);
	return value.losses;
}

/*
 * Check a batch.  A cascade is repeated until the children are what was found,
 * and then judged as if there were none: a trigger may have kept a child.
 */
static void
check_and_cascade(ForeignBatch *batch)
{
	ForeignCheck *check = batch->check;

	if (batch->count == 0)
		return;
	foreign_batch_sort(batch);
	if (check->key.cascade)
	{
		MemoryContext context = AllocSetContextCreate(check->context, "temporal cascade", ALLOCSET_DEFAULT_SIZES);
		List	   *losses;

		do
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(context);
			losses = check_batch(batch, true, context);
		} while (losses != NIL && !foreign_cascade(check, losses));
		MemoryContextDelete(context);
		if (losses == NIL)
			return;
	}
	(void) check_batch(batch, false, NULL);
}

/* Check the rows of transition tables; new_rows is NULL for DELETE. */
void
foreign_check_parents(ForeignCheck *check, Tuplestorestate *old_rows, Tuplestorestate *new_rows)
{
	ForeignBatch *batch = foreign_batch_begin(check, &check->parent);
	TupleDesc	desc = RelationGetDescr(check->parent.relation);
	TupleTableSlot *old_slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	TupleTableSlot *new_slot = new_rows == NULL ? NULL : MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	MemoryContext old = MemoryContextSwitchTo(check->scratch);

	/* both tables got a row for each row that was updated, in the same order */
	tuplestore_select_read_pointer(old_rows, 0);
	tuplestore_rescan(old_rows);
	if (new_rows != NULL)
	{
		tuplestore_select_read_pointer(new_rows, 0);
		tuplestore_rescan(new_rows);
	}
	while (tuplestore_gettupleslot(old_rows, true, false, old_slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (new_rows != NULL && !tuplestore_gettupleslot(new_rows, true, false, new_slot))
			elog(ERROR, "transition tables of an update differ in length");
		add_lost(batch, old_slot, new_slot);
		if (foreign_batch_full(batch))
		{
			check_and_cascade(batch);
			foreign_batch_reset(batch);
		}
	}
	MemoryContextSwitchTo(old);
	ExecDropSingleTupleTableSlot(old_slot);
	if (new_slot != NULL)
		ExecDropSingleTupleTableSlot(new_slot);
	check_and_cascade(batch);
}

/* Check one row of a deferrable key; new_row is NULL for DELETE. */
void
foreign_check_parent(ForeignCheck *check, TupleTableSlot *old_row, TupleTableSlot *new_row)
{
	ForeignBatch *batch = foreign_batch_begin(check, &check->parent);
	MemoryContext old = MemoryContextSwitchTo(check->scratch);

	add_lost(batch, old_row, new_row);
	MemoryContextSwitchTo(old);
	check_and_cascade(batch);
}

/*
 * Check after TRUNCATE of the parent: nobody may be left who needs it.  Who
 * writes children now waits for our lock on the parent.
 */
void
foreign_check_truncate(ForeignCheck *check)
{
	Relation	child = check->child.relation;
	TupleTableSlot *slot = table_slot_create(child, NULL);
	TableScanDesc scan = table_beginscan(child, SnapshotSelf, 0, NULL);
	Datum		keys[INDEX_MAX_KEYS];
	SbInterval	cuts;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (!foreign_slot_keys(&check->child, slot, keys))
			continue;
		if (check->child.columns->type != NULL && !temporal_slot_period(check->child.columns, slot, &cuts))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("truncation of table \"%s\" violates temporal foreign key \"%s\" on table \"%s\"",
						RelationGetRelationName(check->parent.relation), NameStr(check->key.name),
						RelationGetRelationName(child)),
				 errhint("Truncate table \"%s\" at the same time.", RelationGetRelationName(child)),
				 errtableconstraint(child, NameStr(check->key.name))));
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
}

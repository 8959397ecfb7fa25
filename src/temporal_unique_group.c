/*-------------------------------------------------------------------------
 *
 * temporal_unique_group.c
 *	  Temporal unique keys: the exact check of rows with one key value.
 *
 * One walk from the right to the left over what is live or in progress.  Starts
 * only fall, so a row overlaps one that was met before exactly when it ends
 * after the start of the last one.  Only pairs with an own row count.  A pair
 * of rows that are both there is a violation; when one is in progress, its
 * transaction is waited for and the walk starts again.
 *
 * The walk may stop left of the checked rows at a row that is certain: own, or
 * committed with nobody deleting it.  Whatever reached over that row from
 * further left would overlap it too, and this was, or will be, refused by the
 * check of one of these two.  An own row that has not been checked yet may
 * still go away before its check, in another AFTER trigger.  Then the check of
 * the next own row right of it, which may have stopped there, is made again.
 *
 * An UPDATE that moves a row while the walk passes by can make it miss both
 * places of the row.  Usually the mover's own check finds the pair, because
 * every UPDATE is checked.  A deferrable key's row trigger fires only for an
 * UPDATE of its columns: its walk counts only if no transaction has ended
 * meanwhile, for then a row is seen at one of its places.
 *
 * IDENTIFICATION
 *	  src/temporal_unique_group.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "storage/lmgr.h"
#include "utils/snapmgr.h"

#include "merge.h"
#include "temporal_unique.h"

/* So many index entries are cheaper to pass than a new descent of the tree. */
#define ENTRIES_BEFORE_SEEK	30

/* How often a deferrable key looks again because transactions end meanwhile; then writers are kept out. */
#define RESTLESS_LOOKS	20

/* The last row of a kind that a walk has met. */
typedef struct MetRow
{
	bool		any;
	TemporalRow row;
} MetRow;

typedef struct GroupWalk
{
	UniqueCheck *check;
	UniqueRow **rows;
	int			count;
	int			next;			/* rows from here down begin left of the last
								 * entry */
	int			passed;			/* entries since the remaining rows were near */
	bool		nulls[INDEX_MAX_KEYS];
	MetRow		own;
	MetRow		stable;			/* own, or committed */
	MetRow		busy;
} GroupWalk;

static bool walk_group(GroupWalk *walk, TemporalRow *blocker);
static void seek(GroupWalk *walk);
static void pass_rows(GroupWalk *walk, const TemporalRow *entry);
static bool is_settled(GroupWalk *walk, const TemporalRow *entry);
static const TemporalRow *find_conflict(GroupWalk *walk, const TemporalRow *entry);
static void meet(GroupWalk *walk, MetRow *met, const TemporalRow *entry);
static void forget(GroupWalk *walk, MetRow *met);
static void check_right_of(UniqueCheck *check, UniqueRow **rows, int count, UniqueRow *gone);
static void raise_violation(GroupWalk *walk, const TemporalRow *a, const TemporalRow *b);

/*
 * Check rows of one key value, sorted by start.  Raises 23P01 when one of
 * them, or another own row among them, overlaps a row; waits for transactions
 * in progress.
 */
void
temporal_unique_group(UniqueCheck *check, UniqueRow **rows, int count)
{
	GroupWalk	walk;
	TemporalRow blocker;
	bool		all_found = true;

	if (check->scan == NULL)
		check->scan = temporal_scan_begin(check->relation, &check->key->columns);
	memset(&walk, 0, sizeof(walk));
	walk.check = check;
	walk.rows = rows;
	walk.count = count;
	for (int i = 0; i < check->count; i++)
		walk.nulls[i] = (rows[0]->nulls & (((uint32) 1) << i)) != 0;
	for (int i = 0; i < count; i++)
		rows[i]->reach = i > 0 && sb_cut_compare(&check->type->order, rows[i - 1]->reach, rows[i]->cuts.hi) > 0 ?
			rows[i - 1]->reach : rows[i]->cuts.hi;
	for (int looks = 0;;)
	{
		uint64		completions = temporal_completions();

		if (!walk_group(&walk, &blocker))
		{
			temporal_scan_release(check->scan);
			temporal_wait(check->relation, &blocker);
		}
		else if (!check->key->deferrable || check->validate || completions == temporal_completions() ||
				 looks > RESTLESS_LOOKS)
			break;
		else if (++looks == RESTLESS_LOOKS)
		{
			temporal_scan_release(check->scan);
			LockRelationOid(RelationGetRelid(check->relation), ShareLock);
		}
	}
	forget(&walk, &walk.own);
	forget(&walk, &walk.stable);
	forget(&walk, &walk.busy);

	for (int i = 0; i < count; i++)
		all_found = all_found && (rows[i]->found || rows[i]->whole);
	for (int i = 0; i < count && !all_found; i++)
		if (!rows[i]->found && !rows[i]->whole)
			check_right_of(check, rows, count, rows[i]);
}

/* One walk; false when the transaction of the blocker must be waited for. */
static bool
walk_group(GroupWalk *walk, TemporalRow *blocker)
{
	UniqueCheck *check = walk->check;
	TemporalRow entry;

	walk->next = walk->count - 1;
	for (int i = 0; i < walk->count; i++)
		walk->rows[i]->found = false;
	seek(walk);
	while (temporal_scan_next(check->scan, &entry))
	{
		const TemporalRow *other;

		pass_rows(walk, &entry);
		other = find_conflict(walk, &entry);
		if (other != NULL)
		{
			const TemporalRow *busy = TransactionIdIsValid(entry.busy) ? &entry : other;

			if (!TransactionIdIsValid(busy->busy))
				raise_violation(walk, &entry, other);
			*blocker = *busy;
			return false;
		}
		if (TransactionIdIsValid(entry.busy))
			meet(walk, &walk->busy, &entry);
		else
		{
			if (is_settled(walk, &entry))
			{
				if (walk->next < 0)
					break;
				if (walk->passed > ENTRIES_BEFORE_SEEK)
				{
					seek(walk);
					continue;
				}
			}
			meet(walk, &walk->stable, &entry);
			if (entry.liveness == TEMPORAL_OWN || check->validate)
				meet(walk, &walk->own, &entry);
		}
	}
	return true;
}

/* Start at the right end of the remaining rows. */
static void
seek(GroupWalk *walk)
{
	forget(walk, &walk->own);
	forget(walk, &walk->stable);
	forget(walk, &walk->busy);
	walk->passed = 0;
	temporal_scan_seek(walk->check->scan, walk->rows[0]->keys, walk->nulls,
					   &walk->rows[walk->next]->reach);
}

/* Which rows begin at or right of the entry, and whether it is one of them. */
static void
pass_rows(GroupWalk *walk, const TemporalRow *entry)
{
	const SbOrder *order = &walk->check->type->order;

	while (walk->next >= 0 &&
		   sb_cut_compare(order, walk->rows[walk->next]->cuts.lo, entry->cuts.lo) >= 0)
		walk->next--;
	if (entry->liveness == TEMPORAL_OWN)
		for (int i = walk->next + 1; i < walk->count; i++)
		{
			UniqueRow  *row = walk->rows[i];

			if (sb_cut_compare(order, row->cuts.lo, entry->cuts.lo) != 0)
				break;
			if (sb_cut_compare(order, row->cuts.hi, entry->cuts.hi) == 0)
				row->found = true;
		}
	if (walk->next >= 0 && sb_cut_compare(order, walk->rows[walk->next]->reach, entry->cuts.lo) <= 0)
		walk->passed++;
	else
		walk->passed = 0;
}

/* True when nothing left of a certain entry can overlap the rows that were passed. */
static bool
is_settled(GroupWalk *walk, const TemporalRow *entry)
{
	return walk->next + 1 == walk->count ||
		sb_cut_compare(&walk->check->type->order, entry->cuts.lo,
					   walk->rows[walk->next + 1]->cuts.lo) < 0;
}

/* A row met before that may not be there together with this one; or NULL. */
static const TemporalRow *
find_conflict(GroupWalk *walk, const TemporalRow *entry)
{
	const SbOrder *order = &walk->check->type->order;
	bool		own = entry->liveness == TEMPORAL_OWN ||
		(walk->check->validate && entry->liveness == TEMPORAL_LIVE);

	if (!own)
		return walk->own.any && sb_cut_compare(order, entry->cuts.hi, walk->own.row.cuts.lo) > 0 ?
			&walk->own.row : NULL;
	if (walk->stable.any && sb_cut_compare(order, entry->cuts.hi, walk->stable.row.cuts.lo) > 0)
		return &walk->stable.row;
	if (walk->busy.any && sb_cut_compare(order, entry->cuts.hi, walk->busy.row.cuts.lo) > 0)
		return &walk->busy.row;
	return NULL;
}

/* Remember an entry; its cuts are copied where they are not integers. */
static void
meet(GroupWalk *walk, MetRow *met, const TemporalRow *entry)
{
	const PeriodType *type = walk->check->type;

	forget(walk, met);
	met->any = true;
	met->row = *entry;
	met->row.cuts.lo = period_cut_copy(type, entry->cuts.lo);
	met->row.cuts.hi = period_cut_copy(type, entry->cuts.hi);
}

/* Forget it again and free the copies. */
static void
forget(GroupWalk *walk, MetRow *met)
{
	const PeriodType *type = walk->check->type;

	if (met->any && type->points == PERIOD_DATUM && !type->cache->rngelemtype->typbyval)
	{
		if (met->row.cuts.lo.side == SB_CUT_BEFORE || met->row.cuts.lo.side == SB_CUT_AFTER)
			pfree(DatumGetPointer((Datum) met->row.cuts.lo.value));
		if (met->row.cuts.hi.side == SB_CUT_BEFORE || met->row.cuts.hi.side == SB_CUT_AFTER)
			pfree(DatumGetPointer((Datum) met->row.cuts.hi.value));
	}
	met->any = false;
}

/*
 * A row is gone that an earlier check may have relied on: check the next own
 * row right of it, unless it is among those just checked.
 */
static void
check_right_of(UniqueCheck *check, UniqueRow **rows, int count, UniqueRow *gone)
{
	const SbOrder *order = &check->type->order;
	bool		nulls[INDEX_MAX_KEYS];
	TemporalRow entry;
	UniqueRow  *right = NULL;

	for (int i = 0; i < check->count; i++)
		nulls[i] = (gone->nulls & (((uint32) 1) << i)) != 0;
	temporal_scan_seek(check->scan, gone->keys, nulls, NULL);
	while (temporal_scan_next(check->scan, &entry) &&
		   sb_cut_compare(order, entry.cuts.lo, gone->cuts.lo) > 0)
	{
		if (entry.liveness != TEMPORAL_OWN)
			continue;
		if (right == NULL)
		{
			right = palloc(offsetof(UniqueRow, keys) + sizeof(Datum) * check->count);
			memcpy(right, gone, offsetof(UniqueRow, keys) + sizeof(Datum) * check->count);
		}
		right->cuts.lo = period_cut_copy(check->type, entry.cuts.lo);
		right->cuts.hi = period_cut_copy(check->type, entry.cuts.hi);
	}
	for (int i = 0; i < count && right != NULL; i++)
		if (rows[i]->found && sb_cut_compare(order, rows[i]->cuts.lo, right->cuts.lo) == 0)
			right = NULL;
	if (right != NULL)
		temporal_unique_group(check, &right, 1);
}

/*
 * Raise the violation by two rows.  A merge at REPEATABLE READ or above that
 * runs into a row it could not see gets a serialization failure instead: it
 * would have merged with that row.
 */
static void
raise_violation(GroupWalk *walk, const TemporalRow *a, const TemporalRow *b)
{
	UniqueCheck *check = walk->check;
	const TemporalRow *mine = a->liveness == TEMPORAL_OWN ? a : b;
	const TemporalRow *other = mine == a ? b : a;
	const char *name = NameStr(check->key->name);
	char	   *columns;
	char	   *values;
	char	   *period;

	if (temporal_merge_is_running() && IsolationUsesXactSnapshot() &&
		other->liveness == TEMPORAL_LIVE &&
		XidInMVCCSnapshot(other->writer, GetTransactionSnapshot()))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update"),
				 errtableconstraint(check->relation, name)));

	columns = temporal_describe_columns(check->relation, &check->key->columns);
	values = temporal_describe_values(check->relation, &check->key->columns,
									  walk->rows[0]->keys, walk->nulls);
	period = NameStr(TupleDescAttr(RelationGetDescr(check->relation),
								   check->key->columns.period - 1)->attname);
	ereport(ERROR,
			(errcode(ERRCODE_EXCLUSION_VIOLATION),
			 check->validate ?
			 errmsg("temporal key \"%s\" of relation \"%s\" is violated by some row",
					name, RelationGetRelationName(check->relation)) :
			 errmsg("conflicting key value violates temporal key \"%s\"", name),
			 values == NULL ? 0 :
			 errdetail("Key (%s, %s)=(%s, %s) conflicts with key (%s, %s)=(%s, %s).",
					   columns, period, values, temporal_describe_period(check->type, &mine->cuts),
					   columns, period, values, temporal_describe_period(check->type, &other->cuts)),
			 errtableconstraint(check->relation, name)));
}

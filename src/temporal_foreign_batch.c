/*-------------------------------------------------------------------------
 *
 * temporal_foreign_batch.c
 *	  Keys and periods of many rows, sorted.
 *
 * A batch takes rows of a transition table until work_mem is used; it is then
 * sorted, checked and emptied.  Every batch is exact by itself, so nothing has
 * to be sorted beyond memory.
 *
 * IDENTIFICATION
 *	  src/temporal_foreign_batch.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"

#include "temporal_foreign.h"

static int	compare_items(const void *a, const void *b, void *arg);

/* Where one integer key and integer points make an item: the common case. */
typedef struct IntegerItem
{
	SbInterval	cuts;
	Datum		key;
} IntegerItem;

/* Items in the order of keys, then of ends. */
static inline int
compare_integer_items(const IntegerItem *a, const IntegerItem *b)
{
	static const SbOrder order = {0};

	if (a->key != b->key)
		return (int64) a->key < (int64) b->key ? -1 : 1;
	return sb_cut_compare(&order, a->cuts.hi, b->cuts.hi);
}

#define ST_SORT sort_integer_items
#define ST_ELEMENT_TYPE IntegerItem
#define ST_COMPARE(a, b) compare_integer_items(a, b)
#define ST_SCOPE static
#define ST_DEFINE
#define ST_CHECK_FOR_INTERRUPTS
#include "lib/sort_template.h"

/* An empty batch for rows of one side. */
ForeignBatch *
foreign_batch_begin(ForeignCheck *check, const ForeignSide *side)
{
	ForeignBatch *batch = MemoryContextAllocZero(check->context, sizeof(ForeignBatch));

	batch->check = check;
	batch->side = side;
	batch->item_size = offsetof(ForeignItem, keys) + sizeof(Datum) * side->columns->count;
	batch->context = AllocSetContextCreate(check->context, "temporal foreign key batch",
										   ALLOCSET_DEFAULT_SIZES);
	return batch;
}

/* Forget the items. */
void
foreign_batch_reset(ForeignBatch *batch)
{
	batch->count = 0;
	batch->used = 0;
	MemoryContextReset(batch->context);
}

/* Is it time to check what there is? */
bool
foreign_batch_full(const ForeignBatch *batch)
{
	return batch->count >= 1024 &&
		batch->count * batch->item_size + batch->used >= (Size) work_mem * 1024;
}

/* A row's key values; false when one is NULL, so that the key does not concern it. */
bool
foreign_slot_keys(const ForeignSide *side, TupleTableSlot *slot, Datum *keys)
{
	int			i;

	for (i = 0; i < side->columns->count; i++)
	{
		bool		is_null;

		keys[i] = slot_getattr(slot, side->columns->keys[i], &is_null);
		if (is_null)
			return false;
	}
	return true;
}

/* Add an item; the values are copied. */
void
foreign_batch_add(ForeignBatch *batch, const Datum *keys, const SbInterval *cuts)
{
	const ForeignSide *side = batch->side;
	const PeriodType *type = batch->check->type;
	ForeignItem *item;
	MemoryContext old;
	int			i;

	if (batch->count == batch->room)
	{
		int			room = batch->room == 0 ? 64 : batch->room * 2;

		if (batch->items == NULL)
			batch->items = MemoryContextAlloc(batch->check->context, room * batch->item_size);
		else
			batch->items = repalloc_huge(batch->items, room * batch->item_size);
		batch->room = room;
	}
	item = FOREIGN_ITEM(batch, batch->count++);
	item->cuts = *cuts;
	old = MemoryContextSwitchTo(batch->context);
	if (type->points == PERIOD_DATUM)
	{
		item->cuts = foreign_cuts_copy(type, item->cuts);
		batch->used += 64;
	}
	for (i = 0; i < side->columns->count; i++)
	{
		item->keys[i] = keys[i];
		if (!side->by_value[i])
		{
			item->keys[i] = datumCopy(keys[i], false, side->lengths[i]);
			batch->used += datumGetSize(keys[i], false, side->lengths[i]) + 16;
		}
	}
	MemoryContextSwitchTo(old);
}

/* <0, 0 or >0 as btree orders the values. */
int
foreign_compare_keys(const ForeignSide *side, const Datum *x, const Datum *y)
{
	int			i;

	if (side->integer)
		return x[0] == y[0] ? 0 : (int64) x[0] < (int64) y[0] ? -1 : 1;
	for (i = 0; i < side->columns->count; i++)
	{
		int			c = DatumGetInt32(FunctionCall2Coll((FmgrInfo *) &side->compare[i], side->collations[i], x[i], y[i]));

		if (c != 0)
			return c;
	}
	return 0;
}

/* Do two rows have the same key? */
bool
foreign_same_keys(const ForeignSide *side, const Datum *x, const Datum *y)
{
	return foreign_compare_keys(side, x, y) == 0;
}

/* qsort callback. */
static int
compare_items(const void *a, const void *b, void *arg)
{
	const ForeignBatch *batch = arg;
	const ForeignItem *x = a;
	const ForeignItem *y = b;
	int			c = foreign_compare_keys(batch->side, x->keys, y->keys);

	CHECK_FOR_INTERRUPTS();
	return c != 0 ? c : sb_cut_compare(&batch->check->type->order, x->cuts.hi, y->cuts.hi);
}

/* Sort by key, then by the end of the period. */
void
foreign_batch_sort(ForeignBatch *batch)
{
	if (batch->count < 2)
		return;
	if (batch->side->integer && batch->check->type->points != PERIOD_DATUM)
		sort_integer_items((IntegerItem *) batch->items, batch->count);
	else
		qsort_arg(batch->items, batch->count, batch->item_size, compare_items, batch);
}

/* The first item of a sorted batch that has the same key as the last one. */
int
foreign_batch_group(const ForeignBatch *batch, int last)
{
	int			first = last;

	while (first > 0 &&
		   foreign_same_keys(batch->side, FOREIGN_ITEM(batch, first - 1)->keys, FOREIGN_ITEM(batch, last)->keys))
		first--;
	return first;
}

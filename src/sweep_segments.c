/*-------------------------------------------------------------------------
 *
 * sweep_segments.c
 *	  Atomic segments of rows with periods, along time.
 *
 * The sweep wants the rows of one group in the order of their lower cuts and no
 * row with an empty period.  It may be used again after sweep_segments_end().
 *
 * The ends of the open rows are in a heap.  Where there are many, rows that end
 * together share a place in it: the ends, if they are integers, are found again
 * by a hash table.  So a row costs O(log ends), and O(1) if its end is known.
 *
 * IDENTIFICATION
 *	  src/sweep_segments.c
 *
 *-------------------------------------------------------------------------
 */
#include "sweep.h"

/* With as many ends in the heap as this the hash table is worth its while. */
#define MANY_ENDS	16

#define NO_NODE		(-1)

static void advance(SweepSegments *sweep, const SbCut *until);
static void emit_until(SweepSegments *sweep, SbCut until);
static void open_row(SweepSegments *sweep, SbCut end, int slot);
static void close_rows(SweepSegments *sweep, int node);
static int	take_node(SweepSegments *sweep, int slot);
static void push_end(SweepSegments *sweep, SweepEnd end);
static SweepEnd pop_end(SweepSegments *sweep);
static void fill_table(SweepSegments *sweep);
static SweepEnd *find_place(const SweepSegments *sweep, int64_t value, int32_t side);
static void forget_end(SweepSegments *sweep, const SweepEnd *end);

/* The cut of an end. */
static inline SbCut
end_cut(const SweepEnd *end)
{
	SbCut		cut;

	cut.value = end->value;
	cut.side = end->side;
	return cut;
}

/* Which of two ends is first. */
static inline int
compare_ends(const SweepSegments *sweep, const SweepEnd *a, const SweepEnd *b)
{
	return sb_cut_compare(sweep->order, end_cut(a), end_cut(b));
}

/* Take the next row: hands out what lies left of it, closes what ended there. */
void
sweep_segments_add(SweepSegments *sweep, const SbInterval *cuts, int slot)
{
	if (!sweep->started)
	{
		sweep->started = true;
		sweep->cursor = sweep_keep(sweep->memory, cuts->lo);
	}
	else
	{
		advance(sweep, &cuts->lo);
		emit_until(sweep, cuts->lo);
	}
	open_row(sweep, cuts->hi, slot);
}

/* No more rows in this group: hands out the rest and closes all rows. */
void
sweep_segments_end(SweepSegments *sweep)
{
	if (!sweep->started)
		return;
	advance(sweep, NULL);
	sweep_drop(sweep->memory, sweep->cursor);
	sweep->started = false;
	sweep->table_size = 0;
}

/* Close the rows that end at the cut or before, in the order of their ends. */
static void
advance(SweepSegments *sweep, const SbCut *until)
{
	while (sweep->count > 0 &&
		   (until == NULL || sb_cut_compare(sweep->order, end_cut(&sweep->heap[0]), *until) <= 0))
	{
		SweepEnd	end;

		emit_until(sweep, end_cut(&sweep->heap[0]));
		end = pop_end(sweep);
		close_rows(sweep, end.node);
		sweep_drop(sweep->memory, end_cut(&end));
	}
}

/* Hand out the stretch from the cursor to a cut, unless it is empty or an unwanted gap. */
static void
emit_until(SweepSegments *sweep, SbCut until)
{
	SbInterval	segment;

	if (sb_cut_compare(sweep->order, sweep->cursor, until) >= 0)
		return;
	segment.lo = sweep->cursor;
	segment.hi = until;
	if (sweep->open > 0 || sweep->gaps)
		sweep->emit(sweep->arg, &segment, sweep->open);
	sweep_drop(sweep->memory, sweep->cursor);
	sweep->cursor = sweep_keep(sweep->memory, until);
}

/*
 * Open rows
 */

/* Remember a row until its end. */
static void
open_row(SweepSegments *sweep, SbCut end, int slot)
{
	int			node = take_node(sweep, slot);
	SweepEnd	new_end;
	SweepEnd   *place;

	sweep->open++;
	if (sweep->order->compare == NULL && sweep->count >= MANY_ENDS)
	{
		/* the table is to be at most half full */
		if (sweep->table_size < 2 * (sweep->count + 1))
			fill_table(sweep);
		place = find_place(sweep, end.value, end.side);
		if (place->node != NO_NODE)
		{
			sweep->nodes[node].next = sweep->nodes[place->node].next;
			sweep->nodes[place->node].next = node;
			return;
		}
	}
	else
		place = NULL;

	end = sweep_keep(sweep->memory, end);
	new_end.value = end.value;
	new_end.side = end.side;
	new_end.node = node;
	if (place != NULL)
		*place = new_end;
	else
		sweep->table_size = 0;
	push_end(sweep, new_end);
}

/* Rows that end together have ended. */
static void
close_rows(SweepSegments *sweep, int node)
{
	while (node != NO_NODE)
	{
		int			next = sweep->nodes[node].next;

		sweep->open--;
		if (sweep->close != NULL)
			sweep->close(sweep->arg, sweep->nodes[node].slot);
		sweep->nodes[node].next = sweep->nodes_free - 1;
		sweep->nodes_free = node + 1;
		node = next;
	}
}

/* A node for a row, alone in its list. */
static int
take_node(SweepSegments *sweep, int slot)
{
	int			node;

	if (sweep->nodes_free > 0)
	{
		node = sweep->nodes_free - 1;
		sweep->nodes_free = sweep->nodes[node].next + 1;
	}
	else
	{
		if (sweep->nodes_used == sweep->nodes_size)
			sweep->nodes = sweep_grow(sweep->memory, sweep->nodes, &sweep->nodes_size, sizeof(SweepNode));
		node = sweep->nodes_used++;
	}
	sweep->nodes[node].slot = slot;
	sweep->nodes[node].next = NO_NODE;
	return node;
}

/*
 * Heap
 */

/* Put an end into the heap. */
static void
push_end(SweepSegments *sweep, SweepEnd end)
{
	int			at = sweep->count;

	if (sweep->count == sweep->size)
		sweep->heap = sweep_grow(sweep->memory, sweep->heap, &sweep->size, sizeof(SweepEnd));
	sweep->count++;
	while (at > 0)
	{
		int			parent = (at - 1) / 2;

		if (compare_ends(sweep, &sweep->heap[parent], &end) <= 0)
			break;
		sweep->heap[at] = sweep->heap[parent];
		at = parent;
	}
	sweep->heap[at] = end;
}

/* Take the first end out of the heap. */
static SweepEnd
pop_end(SweepSegments *sweep)
{
	SweepEnd	top = sweep->heap[0];
	SweepEnd	last = sweep->heap[--sweep->count];
	int			at = 0;

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child >= sweep->count)
			break;
		if (child + 1 < sweep->count &&
			compare_ends(sweep, &sweep->heap[child + 1], &sweep->heap[child]) < 0)
			child++;
		if (compare_ends(sweep, &last, &sweep->heap[child]) <= 0)
			break;
		sweep->heap[at] = sweep->heap[child];
		at = child;
	}
	sweep->heap[at] = last;
	if (sweep->table_size > 0)
		forget_end(sweep, &top);
	return top;
}

/*
 * Table: open addressing, linear probing.
 */

/* Where the search for an end begins. */
static inline uint32_t
hash_end(const SweepSegments *sweep, int64_t value, int32_t side)
{
	uint64_t	hash = ((uint64_t) value ^ (uint64_t) (uint32_t) side << 60) * 0x9e3779b97f4a7c15ULL;

	return (uint32_t) (hash >> 32) & (uint32_t) (sweep->table_size - 1);
}

/* Put the ends of the heap into a table with room for as many again. */
static void
fill_table(SweepSegments *sweep)
{
	sweep->table_size = 8 * MANY_ENDS;
	while (sweep->table_size < 4 * (sweep->count + 1))
		sweep->table_size *= 2;
	if (sweep->table_room < sweep->table_size)
	{
		sweep->table_room = sweep->table_size;
		sweep->table = sweep->memory->resize(sweep->memory->arg, sweep->table,
											 (size_t) sweep->table_room * sizeof(SweepEnd));
	}
	for (int i = 0; i < sweep->table_size; i++)
		sweep->table[i].node = NO_NODE;
	for (int i = 0; i < sweep->count; i++)
		*find_place(sweep, sweep->heap[i].value, sweep->heap[i].side) = sweep->heap[i];
}

/* The place of an end, or the empty place where it belongs. */
static SweepEnd *
find_place(const SweepSegments *sweep, int64_t value, int32_t side)
{
	uint32_t	at = hash_end(sweep, value, side);

	while (sweep->table[at].node != NO_NODE &&
		   (sweep->table[at].value != value || sweep->table[at].side != side))
		at = (at + 1) & (uint32_t) (sweep->table_size - 1);
	return &sweep->table[at];
}

/*
 * Take an end that has left the heap out of the table, unless the table knows
 * another one at the same cut, and close the hole.
 */
static void
forget_end(SweepSegments *sweep, const SweepEnd *end)
{
	uint32_t	mask = (uint32_t) (sweep->table_size - 1);
	SweepEnd   *place = find_place(sweep, end->value, end->side);
	uint32_t	hole = (uint32_t) (place - sweep->table);

	if (place->node != end->node)
		return;
	for (uint32_t at = (hole + 1) & mask; sweep->table[at].node != NO_NODE; at = (at + 1) & mask)
	{
		uint32_t	home = hash_end(sweep, sweep->table[at].value, sweep->table[at].side);

		/* it may move to the hole unless it belongs between the hole and here */
		if (((at - home) & mask) >= ((at - hole) & mask))
		{
			sweep->table[hole] = sweep->table[at];
			hole = at;
		}
	}
	sweep->table[hole].node = NO_NODE;
}

/*-------------------------------------------------------------------------
 *
 * sweep.c
 *	  Joins of rows with periods, along time.
 *
 * The sweep wants the rows of one group in the order of their lower cuts
 * (between the sides the order of equal cuts does not matter) and no row with an
 * empty period.  It may be used again after sweep_join_end().
 *
 * Cost: it looks at an open row only to hand something out for it, to close it,
 * or once when it began where an island of the other side begins:
 * O(rows + pieces).
 *
 * IDENTIFICATION
 *	  src/sweep.c
 *
 *-------------------------------------------------------------------------
 */
#include "sweep.h"

static void begin_island(SweepJoin *sweep, int side, const SbInterval *cuts);
static void extend_island(SweepJoin *sweep, int side, const SbInterval *cuts);
static void end_island(SweepJoin *sweep, int side);
static void pair_row(SweepJoin *sweep, int side, const SbInterval *cuts, int slot);
static void settle_row(SweepJoin *sweep, int side, const SweepOpen *row, const SbCut *until);
static void close_row(SweepJoin *sweep, int side, int index);
static void emit_row(SweepJoin *sweep, int what, int side, int slot, SbCut lo, SbCut hi);

/* Twice the room for elements of a size, and at least for 8. */
void *
sweep_grow(const SweepMemory *memory, void *old, int *size, size_t element)
{
	*size = *size == 0 ? 8 : *size * 2;
	return memory->resize(memory->arg, old, (size_t) *size * element);
}

/* Take the next row of a side. */
void
sweep_join_add(SweepJoin *sweep, int side, const SbInterval *cuts, int slot)
{
	int			other = 1 - side;
	SweepSide  *own = &sweep->side[side];
	bool		lasting = sweep->pairs || own->wants != 0;

	if (sweep->side[other].wants != 0)
	{
		if (own->has_island && sb_cut_compare(sweep->order, own->island.hi, cuts->lo) >= 0)
			extend_island(sweep, side, cuts);
		else
			begin_island(sweep, side, cuts);
	}
	if (sweep->pairs)
		pair_row(sweep, side, cuts, slot);

	/* a row that only covers needs not stay */
	if (!lasting)
	{
		sweep->close(sweep->arg, side, slot);
		return;
	}
	if (own->count == own->size)
		own->rows = sweep_grow(sweep->memory, own->rows, &own->size, sizeof(SweepOpen));
	own->rows[own->count].cuts.lo = sweep_keep(sweep->memory, cuts->lo);
	own->rows[own->count].cuts.hi = sweep_keep(sweep->memory, cuts->hi);
	own->rows[own->count].slot = slot;
	own->count++;
}

/* No more rows of either side in this group. */
void
sweep_join_end(SweepJoin *sweep)
{
	for (int side = 0; side < 2; side++)
		while (sweep->side[side].count > 0)
			close_row(sweep, side, sweep->side[side].count - 1);
	for (int side = 0; side < 2; side++)
		end_island(sweep, side);
}

/*
 * A stretch covered by this side begins: each open row of the other side
 * learns what the stretch before, and nothing since, has covered of it.
 */
static void
begin_island(SweepJoin *sweep, int side, const SbInterval *cuts)
{
	int			other = 1 - side;
	SweepSide  *own = &sweep->side[side];
	SweepSide  *rows = &sweep->side[other];

	for (int i = rows->count - 1; i >= 0; i--)
	{
		if (sb_cut_compare(sweep->order, rows->rows[i].cuts.hi, cuts->lo) <= 0)
			close_row(sweep, other, i);
		else
			settle_row(sweep, other, &rows->rows[i], &cuts->lo);
	}
	end_island(sweep, side);
	own->has_island = true;
	own->island.lo = sweep_keep(sweep->memory, cuts->lo);
	own->island.hi = sweep_keep(sweep->memory, cuts->hi);
}

/* A row that touches the island. */
static void
extend_island(SweepJoin *sweep, int side, const SbInterval *cuts)
{
	SbInterval *island = &sweep->side[side].island;

	if (sb_cut_compare(sweep->order, island->hi, cuts->hi) >= 0)
		return;
	sweep_drop(sweep->memory, island->hi);
	island->hi = sweep_keep(sweep->memory, cuts->hi);
}

/* Forget a side's island, and give up its cuts. */
static void
end_island(SweepJoin *sweep, int side)
{
	SweepSide  *own = &sweep->side[side];

	if (!own->has_island)
		return;
	sweep_drop(sweep->memory, own->island.lo);
	sweep_drop(sweep->memory, own->island.hi);
	own->has_island = false;
}

/* Hand out the row with every open row of the other side; close those that have ended. */
static void
pair_row(SweepJoin *sweep, int side, const SbInterval *cuts, int slot)
{
	int			other = 1 - side;
	SweepSide  *rows = &sweep->side[other];

	for (int i = rows->count - 1; i >= 0; i--)
	{
		const SweepOpen *row = &rows->rows[i];
		SbInterval	piece;

		if (sb_cut_compare(sweep->order, row->cuts.hi, cuts->lo) <= 0)
		{
			close_row(sweep, other, i);
			continue;
		}
		piece.lo = cuts->lo;
		piece.hi = sb_cut_compare(sweep->order, row->cuts.hi, cuts->hi) < 0 ? row->cuts.hi : cuts->hi;
		sweep->emit(sweep->arg, SWEEP_PAIRS,
					side == SWEEP_LEFT ? slot : row->slot,
					side == SWEEP_LEFT ? row->slot : slot, &piece);
	}
}

/*
 * Hand out what is known of a row: the piece in the other side's island, and
 * the piece after it, which ends where the row does or earlier (until).  What
 * lies left of the island was handed out when the island began.
 */
static void
settle_row(SweepJoin *sweep, int side, const SweepOpen *row, const SbCut *until)
{
	const SweepSide *cover = &sweep->side[1 - side];
	int			wants = sweep->side[side].wants;
	SbCut		hi = row->cuts.hi;
	SbCut		from = row->cuts.lo;

	if (wants == 0)
		return;
	if (until != NULL && sb_cut_compare(sweep->order, *until, hi) < 0)
		hi = *until;
	if (cover->has_island && sb_cut_compare(sweep->order, cover->island.hi, from) > 0)
	{
		SbCut		covered_from = from;

		if (sb_cut_compare(sweep->order, cover->island.lo, from) > 0)
			covered_from = cover->island.lo;
		from = cover->island.hi;
		if (sb_cut_compare(sweep->order, hi, from) < 0)
			from = hi;
		if (wants & SWEEP_COVERED)
			emit_row(sweep, SWEEP_COVERED, side, row->slot, covered_from, from);
	}
	if ((wants & SWEEP_UNCOVERED) && sb_cut_compare(sweep->order, from, hi) < 0)
		emit_row(sweep, SWEEP_UNCOVERED, side, row->slot, from, hi);
}

/* A piece of one side alone. */
static void
emit_row(SweepJoin *sweep, int what, int side, int slot, SbCut lo, SbCut hi)
{
	SbInterval	piece;

	piece.lo = lo;
	piece.hi = hi;
	sweep->emit(sweep->arg, what, side == SWEEP_LEFT ? slot : SWEEP_NONE,
				side == SWEEP_LEFT ? SWEEP_NONE : slot, &piece);
}

/* The row has ended: hand out the rest of it and forget it. */
static void
close_row(SweepJoin *sweep, int side, int index)
{
	SweepSide  *own = &sweep->side[side];
	SweepOpen	row = own->rows[index];

	settle_row(sweep, side, &row, NULL);
	own->rows[index] = own->rows[--own->count];
	sweep->close(sweep->arg, side, row.slot);
	sweep_drop(sweep->memory, row.cuts.lo);
	sweep_drop(sweep->memory, row.cuts.hi);
}

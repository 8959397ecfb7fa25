/*-------------------------------------------------------------------------
 *
 * sweep_fuzz.c
 *	  Fuzz target of the sweeps: src/sweep*.c without a server.
 *
 * The input is a list of rows of two sides, three bytes each.  They are sorted
 * with sweep_sort() and swept; apart from what the sanitizers see, these promises
 * are held against the pieces:
 *	  - no piece is empty, and none is outside of its row;
 *	  - segments follow one another, and the number of open rows is right;
 *	  - what is covered and what is not make up each row, and nothing overlaps.
 *
 * IDENTIFICATION
 *	  test/fuzz/sweep_fuzz.c
 *
 *-------------------------------------------------------------------------
 */
#include "sweep.h"
#include "fuzz.h"

#include <string.h>

#define MAX_ROWS 256

static const SbOrder order = {NULL, NULL};

static SbInterval rows[2][MAX_ROWS];
static int	counts[2];
static int64_t length_covered[MAX_ROWS];
static int64_t pairs_length;
static SbCut last_end;
static bool has_last;

static void *
resize(void *arg, void *old, size_t size)
{
	void	   *new = realloc(old, size);

	(void) arg;
	CHECK(new != NULL);
	return new;
}

static const SweepMemory memory = {resize, NULL, NULL, NULL};

/* A cut as a number: unbounded sides are 0 and 65. */
static int64_t
place(SbCut cut)
{
	if (cut.side == SB_CUT_BEGIN)
		return 0;
	if (cut.side == SB_CUT_END)
		return 1000;
	return 1 + 2 * cut.value + cut.side;
}

static int64_t
length(const SbInterval *piece)
{
	return place(piece->hi) - place(piece->lo);
}

/* The rows in the input, sorted through records of three words. */
static void
read_rows(const uint8_t *data, size_t size)
{
	const SweepField fields[] = {{0, 3}, {0, ~(uint64_t) 3}};

	for (int side = 0; side < 2; side++)
	{
		uint64_t	records[MAX_ROWS * 2];
		uint64_t	spare[MAX_ROWS * 2];
		uint64_t	varying[2] = {0, 0};
		uint64_t   *sorted;

		counts[side] = 0;
		for (size_t i = 0; i + 2 < size && counts[side] < MAX_ROWS; i += 3)
		{
			uint64_t   *record = records + 2 * counts[side];
			uint64_t	from = data[i + 1] % 128;
			uint64_t	until = data[i + 2] % 128;

			if ((data[i] & 1) != side || from >= until)
				continue;
			record[0] = from;
			record[1] = until;
			varying[0] |= record[0] ^ records[0];
			varying[1] |= record[1] ^ records[1];
			counts[side]++;
		}
		sorted = sweep_sort(records, spare, (size_t) counts[side], 2, fields, 2, varying);
		for (int i = 0; i < counts[side]; i++)
		{
			SbInterval *row = &rows[side][i];

			CHECK(i == 0 || sorted[2 * i - 2] <= sorted[2 * i]);
			row->lo.value = (int64_t) sorted[2 * i] / 2;
			row->lo.side = sorted[2 * i] == 0 ? SB_CUT_BEGIN : (int32_t) (sorted[2 * i] % 2);
			row->hi.value = (int64_t) sorted[2 * i + 1] / 2;
			row->hi.side = sorted[2 * i + 1] == 127 ? SB_CUT_END : (int32_t) (sorted[2 * i + 1] % 2);
		}
	}
}

static void
take_segment(void *arg, const SbInterval *segment, int open)
{
	int			n = 0;

	(void) arg;
	CHECK(length(segment) > 0);
	CHECK(!has_last || sb_cut_compare(&order, last_end, segment->lo) == 0);
	has_last = true;
	last_end = segment->hi;
	for (int i = 0; i < counts[0]; i++)
	{
		if (!sb_overlap(&order, &rows[0][i], segment))
			continue;
		n++;
		CHECK(sb_cut_compare(&order, rows[0][i].lo, segment->lo) <= 0);
		CHECK(sb_cut_compare(&order, rows[0][i].hi, segment->hi) >= 0);
	}
	CHECK(n == open);
}

static void
take_piece(void *arg, int what, int left, int right, const SbInterval *piece)
{
	const SbInterval *row = left != SWEEP_NONE ? &rows[0][left] : &rows[1][right];

	(void) arg;
	CHECK(length(piece) > 0);
	CHECK(sb_cut_compare(&order, row->lo, piece->lo) <= 0);
	CHECK(sb_cut_compare(&order, row->hi, piece->hi) >= 0);
	if (what == SWEEP_PAIRS)
		pairs_length += length(piece);
	else if (left != SWEEP_NONE)
		length_covered[left] += length(piece);
	for (int i = 0; what == SWEEP_UNCOVERED && left != SWEEP_NONE && i < counts[1]; i++)
		CHECK(!sb_overlap(&order, &rows[1][i], piece));
}

static void
take_row(void *arg, int side, int slot)
{
	(void) arg;
	CHECK(slot >= 0 && slot < counts[side]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SweepSegments segments = {0};
	SweepJoin	join = {0};
	int			at[2] = {0, 0};
	int64_t		pairs = 0;

	read_rows(data, size);

	segments.order = &order;
	segments.memory = &memory;
	segments.gaps = true;
	segments.emit = take_segment;
	has_last = false;
	for (int i = 0; i < counts[0]; i++)
		sweep_segments_add(&segments, &rows[0][i], i);
	sweep_segments_end(&segments);
	free(segments.heap);
	free(segments.nodes);
	free(segments.table);

	join.order = &order;
	join.memory = &memory;
	join.pairs = true;
	join.side[SWEEP_LEFT].wants = SWEEP_COVERED | SWEEP_UNCOVERED;
	join.side[SWEEP_RIGHT].wants = size % 2 == 0 ? SWEEP_UNCOVERED : 0;
	join.emit = take_piece;
	join.close = take_row;
	memset(length_covered, 0, sizeof(length_covered));
	pairs_length = 0;
	while (at[0] < counts[0] || at[1] < counts[1])
	{
		int			side = at[0] == counts[0] ||
			(at[1] < counts[1] && sb_cut_compare(&order, rows[1][at[1]].lo, rows[0][at[0]].lo) < 0);

		sweep_join_add(&join, side, &rows[side][at[side]], at[side]);
		at[side]++;
	}
	sweep_join_end(&join);
	free(join.side[0].rows);
	free(join.side[1].rows);
	for (int i = 0; i < counts[0]; i++)
	{
		CHECK(length_covered[i] == length(&rows[0][i]));
		for (int k = 0; k < counts[1]; k++)
			if (sb_overlap(&order, &rows[0][i], &rows[1][k]))
			{
				int64_t		lo = place(rows[0][i].lo) > place(rows[1][k].lo) ? place(rows[0][i].lo) : place(rows[1][k].lo);
				int64_t		hi = place(rows[0][i].hi) < place(rows[1][k].hi) ? place(rows[0][i].hi) : place(rows[1][k].hi);

				pairs += hi - lo;
			}
	}
	CHECK(pairs == pairs_length);
	return 0;
}

/*-------------------------------------------------------------------------
 *
 * sweep_test.c
 *	  Unit tests of the sweeps: src/sweep*.c without a server.
 *
 * Small random rows over the days 0 to 31; what a sweep hands out is compared
 * with a count of days.  Prints TAP.  Exits with 1 when a test fails.
 *
 * IDENTIFICATION
 *	  test/unit/sweep_test.c
 *
 *-------------------------------------------------------------------------
 */
#include "sweep.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define DAYS	32
#define ROWS	12
#define ROUNDS	5000

static uint64_t seed = 42;
static long cuts_kept = 0;

/* Rows of one or two sides. */
static SbInterval rows[2][ROWS];
static int	counts[2];

/* What came out: how often per pair of rows (the last is no row) and day, and where pieces end. */
static int	covered[ROWS + 1][ROWS + 1][DAYS];
static int	closed[2][ROWS];
static int	faults;

/* A number from 0 to n - 1. */
static int
dice(int n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (int) ((seed >> 33) % (uint64_t) n);
}

static void *
resize(void *arg, void *old, size_t size)
{
	void	   *new = realloc(old, size);

	(void) arg;
	if (new == NULL)
		abort();
	return new;
}

/* A cut's value is a pointer to the day, so that the sanitizer sees every misuse. */
static SbCut
keep(void *arg, SbCut cut)
{
	(void) arg;
	if (cut.side == SB_CUT_BEFORE || cut.side == SB_CUT_AFTER)
	{
		int		   *day = malloc(sizeof(int));

		if (day == NULL)
			abort();
		*day = *(int *) (intptr_t) cut.value;
		cut.value = (int64_t) (intptr_t) day;
		cuts_kept++;
	}
	return cut;
}

static void
drop(void *arg, SbCut cut)
{
	(void) arg;
	if (cut.side == SB_CUT_BEFORE || cut.side == SB_CUT_AFTER)
	{
		free((void *) (intptr_t) cut.value);
		cuts_kept--;
	}
}

static int
compare_days(int64_t a, int64_t b, void *arg)
{
	(void) arg;
	return *(int *) (intptr_t) a - *(int *) (intptr_t) b;
}

static const SweepMemory memory = {resize, keep, drop, NULL};
static const SbOrder order = {compare_days, NULL};
static const SweepMemory plain_memory = {resize, NULL, NULL, NULL};

static int	days[DAYS];

/* The cut before a day; unbounded at either end of the world. */
static SbCut
cut_at(int day)
{
	SbCut		cut = {0, SB_CUT_BEFORE};

	if (day == 0)
		cut.side = SB_CUT_BEGIN;
	else if (day == DAYS)
		cut.side = SB_CUT_END;
	else
		cut.value = (int64_t) (intptr_t) &days[day];
	return cut;
}

static int
day_of(SbCut cut)
{
	if (cut.side == SB_CUT_BEGIN)
		return 0;
	if (cut.side == SB_CUT_END)
		return DAYS;
	return *(int *) (intptr_t) cut.value;
}

static int
by_start(const void *a, const void *b)
{
	return day_of(((const SbInterval *) a)->lo) - day_of(((const SbInterval *) b)->lo);
}

/* Random rows for a side, in the order of their starts. */
static void
make_rows(int side, int least)
{
	counts[side] = least + dice(ROWS - least + 1);
	for (int i = 0; i < counts[side]; i++)
	{
		int			from = dice(DAYS);
		int			until = from + 1 + dice(DAYS - from);

		if (dice(2) == 0 && until > from + 4)
			until = from + 1 + dice(4);
		rows[side][i].lo = cut_at(from);
		rows[side][i].hi = cut_at(until);
	}
	qsort(rows[side], counts[side], sizeof(SbInterval), by_start);
}

static bool
holds(int side, int row, int day)
{
	return day_of(rows[side][row].lo) <= day && day < day_of(rows[side][row].hi);
}

/*
 * Segments
 */

static bool bounds[DAYS + 1];

static void
take_segment(void *arg, const SbInterval *segment, int open)
{
	int			lo = day_of(segment->lo);
	int			hi = day_of(segment->hi);

	(void) arg;
	if (lo >= hi || !bounds[lo] || !bounds[hi])
		faults++;
	for (int day = lo; day < hi; day++)
	{
		int			n = 0;

		for (int i = 0; i < counts[0]; i++)
			n += holds(0, i, day);
		if (n != open || (day > lo && bounds[day]))
			faults++;
		covered[0][0][day]++;
	}
}

static void
take_close(void *arg, int slot)
{
	(void) arg;
	closed[0][slot]++;
}

static void
test_segments(bool gaps)
{
	SweepSegments sweep = {0};

	sweep.order = &order;
	sweep.memory = &memory;
	sweep.gaps = gaps;
	sweep.emit = take_segment;
	sweep.close = take_close;
	faults = 0;
	for (int round = 0; round < ROUNDS; round++)
	{
		int			first = DAYS;
		int			last = 0;

		make_rows(0, 0);
		memset(covered, 0, sizeof(covered));
		memset(closed, 0, sizeof(closed));
		memset(bounds, 0, sizeof(bounds));
		for (int i = 0; i < counts[0]; i++)
		{
			int			lo = day_of(rows[0][i].lo);
			int			hi = day_of(rows[0][i].hi);

			bounds[lo] = bounds[hi] = true;
			first = lo < first ? lo : first;
			last = hi > last ? hi : last;
		}
		for (int i = 0; i < counts[0]; i++)
			sweep_segments_add(&sweep, &rows[0][i], i);
		sweep_segments_end(&sweep);
		for (int day = 0; day < DAYS; day++)
		{
			bool		wanted = gaps && day >= first && day < last;

			for (int i = 0; i < counts[0]; i++)
				wanted = wanted || holds(0, i, day);
			if (covered[0][0][day] != wanted)
				faults++;
		}
		for (int i = 0; i < counts[0]; i++)
			if (closed[0][i] != 1)
				faults++;
	}
	free(sweep.heap);
	free(sweep.nodes);
	free(sweep.table);
	ok(faults == 0, "segments%s: %d faults in %d timelines", gaps ? " with gaps" : "", faults, ROUNDS);
	ok(cuts_kept == 0, "segments%s: no cut is left", gaps ? " with gaps" : "");
}

/*
 * Many rows that are open at once, with ends that are integers: how many are
 * open in each segment, and which row is closed when.
 */

#define MANY	3000

static SbInterval many[MANY];
static int	many_open[MANY];
static long many_now;

static void
take_many(void *arg, const SbInterval *segment, int open)
{
	(void) arg;
	many_now = segment->hi.value;
	for (int64_t at = segment->lo.value; at < segment->hi.value; at++)
		if (many_open[at] != open)
			faults++;
}

static void
close_many(void *arg, int slot)
{
	(void) arg;
	if (many[slot].hi.value != many_now)
		faults++;
	closed[0][0]++;
}

static int
by_value(const void *a, const void *b)
{
	int64_t		x = ((const SbInterval *) a)->lo.value;
	int64_t		y = ((const SbInterval *) b)->lo.value;

	return (x > y) - (x < y);
}

static void
test_many(void)
{
	static const SbOrder integers = {NULL, NULL};
	SweepSegments sweep = {0};
	long		rows_closed = 0;
	long		rows_opened = 0;

	sweep.order = &integers;
	sweep.memory = &plain_memory;
	sweep.emit = take_many;
	sweep.close = close_many;
	faults = 0;
	for (int round = 0; round < 200; round++)
	{
		int			count = dice(MANY);
		int			span = 1 + dice(MANY - 1);
		int			coarse = 1 + dice(30);

		memset(many_open, 0, sizeof(many_open));
		closed[0][0] = 0;
		for (int i = 0; i < count; i++)
		{
			int			from = dice(span);
			int			until = from + 1 + dice(span - from);

			until += (coarse - until % coarse) % coarse;
			until = until > MANY ? MANY : until;
			many[i].lo.value = from;
			many[i].hi.value = until;
			many[i].lo.side = many[i].hi.side = SB_CUT_BEFORE;
			for (int at = from; at < until; at++)
				many_open[at]++;
		}
		qsort(many, count, sizeof(SbInterval), by_value);
		for (int i = 0; i < count; i++)
			sweep_segments_add(&sweep, &many[i], i);
		sweep_segments_end(&sweep);
		rows_opened += count;
		rows_closed += closed[0][0];
	}
	free(sweep.heap);
	free(sweep.nodes);
	free(sweep.table);
	ok(faults == 0, "segments of many rows: %d faults", faults);
	ok(rows_opened == rows_closed, "segments of many rows: all %ld are closed", rows_opened);
}

/*
 * Join
 */

static int	last_end[5][ROWS + 1][ROWS + 1];	/* of pieces, by what */

static void
take_piece(void *arg, int what, int left, int right, const SbInterval *piece)
{
	int			lo = day_of(piece->lo);
	int			hi = day_of(piece->hi);
	int			l = left == SWEEP_NONE ? ROWS : left;
	int			r = right == SWEEP_NONE ? ROWS : right;

	(void) arg;
	if (lo >= hi || last_end[what][l][r] >= lo || (what == SWEEP_PAIRS && (left == SWEEP_NONE || right == SWEEP_NONE)))
		faults++;
	last_end[what][l][r] = hi;
	for (int day = lo; day < hi; day++)
		covered[l][r][day]++;
}

static void
take_row(void *arg, int side, int slot)
{
	(void) arg;
	closed[side][slot]++;
}

/* How often a pair, or a row alone (the other is ROWS), must be handed out for a day. */
static int
expected(const SweepJoin *sweep, int l, int r, int day)
{
	int			side = r == ROWS ? SWEEP_LEFT : SWEEP_RIGHT;
	bool		met = false;

	if (l < ROWS && r < ROWS)
		return sweep->pairs && holds(0, l, day) && holds(1, r, day);
	if (!holds(side, side == SWEEP_LEFT ? l : r, day))
		return 0;
	for (int i = 0; i < counts[1 - side]; i++)
		met = met || holds(1 - side, i, day);
	return (sweep->side[side].wants & (met ? SWEEP_COVERED : SWEEP_UNCOVERED)) != 0;
}

static void
test_join(const char *name, bool pairs, int left, int right)
{
	SweepJoin	sweep = {0};

	sweep.order = &order;
	sweep.memory = &memory;
	sweep.pairs = pairs;
	sweep.side[SWEEP_LEFT].wants = left;
	sweep.side[SWEEP_RIGHT].wants = right;
	sweep.emit = take_piece;
	sweep.close = take_row;
	faults = 0;
	for (int round = 0; round < ROUNDS; round++)
	{
		int			at[2] = {0, 0};

		make_rows(0, 0);
		make_rows(1, 0);
		memset(covered, 0, sizeof(covered));
		memset(closed, 0, sizeof(closed));
		memset(last_end, -1, sizeof(last_end));
		while (at[0] < counts[0] || at[1] < counts[1])
		{
			int			side = at[0] == counts[0] ? 1 : at[1] == counts[1] ? 0 :
				sb_cut_compare(&order, rows[0][at[0]].lo, rows[1][at[1]].lo);

			/* of equal starts either side may come first */
			if (side == 0 && at[0] < counts[0] && at[1] < counts[1])
				side = dice(2);
			else if (at[0] < counts[0] && at[1] < counts[1])
				side = side > 0;
			sweep_join_add(&sweep, side, &rows[side][at[side]], at[side]);
			at[side]++;
		}
		sweep_join_end(&sweep);
		for (int l = 0; l <= ROWS; l++)
			for (int r = 0; r <= ROWS; r++)
				for (int day = 0; day < DAYS; day++)
				{
					bool		real = (l < counts[0] || l == ROWS) && (r < counts[1] || r == ROWS) && l + r < 2 * ROWS;

					if (covered[l][r][day] != (real ? expected(&sweep, l, r, day) : 0))
						faults++;
				}
		for (int side = 0; side < 2; side++)
			for (int i = 0; i < counts[side]; i++)
				if (closed[side][i] != 1)
					faults++;
	}
	free(sweep.side[0].rows);
	free(sweep.side[1].rows);
	ok(faults == 0, "%s: %d faults in %d timelines", name, faults, ROUNDS);
	ok(cuts_kept == 0, "%s: no cut is left", name);
}

/*
 * Tree
 */

static long sums_kept = 0;

/* A sum that needs memory: a pointer. */
static int64_t
add(void *arg, int64_t a, int64_t b)
{
	int		   *sum = malloc(sizeof(int));

	(void) arg;
	if (sum == NULL)
		abort();
	*sum = *(int *) (intptr_t) a + *(int *) (intptr_t) b;
	sums_kept++;
	return (int64_t) (intptr_t) sum;
}

static void
forget(void *arg, int64_t sum)
{
	(void) arg;
	free((void *) (intptr_t) sum);
	sums_kept--;
}

static int64_t
least(void *arg, int64_t a, int64_t b)
{
	(void) arg;
	return a < b ? a : b;
}

static void
test_tree(void)
{
	enum
	{
		SLOTS = 100
	};
	SweepTree	sums = {0};
	SweepTree	minima = {0};
	int		   *values[SLOTS] = {0};
	int			wrong = 0;
	int64_t		root;

	sums.memory = minima.memory = &plain_memory;
	sums.combine = add;
	sums.release = forget;
	minima.combine = least;
	ok(!sweep_tree_root(&sums, &root), "an empty tree has no value");
	for (int round = 0; round < 20000; round++)
	{
		int			slot = dice(round < 10000 ? 5 : SLOTS);
		int			sum = 0;
		int			min = 1000;
		int			n = 0;

		if (values[slot] != NULL)
		{
			sweep_tree_clear(&sums, slot);
			sweep_tree_clear(&minima, slot);
			free(values[slot]);
			values[slot] = NULL;
		}
		else
		{
			values[slot] = malloc(sizeof(int));
			if (values[slot] == NULL)
				abort();
			*values[slot] = dice(1000);
			sweep_tree_set(&sums, slot, (int64_t) (intptr_t) values[slot]);
			sweep_tree_set(&minima, slot, *values[slot]);
		}
		for (int i = 0; i < SLOTS; i++)
			if (values[i] != NULL)
			{
				n++;
				sum += *values[i];
				min = *values[i] < min ? *values[i] : min;
			}
		if (sweep_tree_root(&sums, &root) != (n > 0) || (n > 0 && *(int *) (intptr_t) root != sum))
			wrong++;
		if (sweep_tree_root(&minima, &root) != (n > 0) || (n > 0 && root != min))
			wrong++;
	}
	ok(wrong == 0, "sums and least values: %d faults", wrong);
	for (int i = 0; i < SLOTS; i++)
	{
		sweep_tree_clear(&sums, i);
		free(values[i]);
	}
	ok(!sweep_tree_root(&sums, &root) && sums_kept == 0, "a tree that is empty again holds no memory");
	free(sums.values);
	free(sums.states);
	free(minima.values);
	free(minima.states);
}

/*
 * Sort
 */

static void
test_sort(int width)
{
	enum
	{
		COUNT = 500
	};
	const SweepField fields[] = {{0, 3}, {1, ~(uint64_t) 0 << 32}, {0, ~(uint64_t) 0xff}};
	uint64_t   *records = calloc((size_t) COUNT * width, sizeof(uint64_t));
	uint64_t   *spare = calloc((size_t) COUNT * width, sizeof(uint64_t));
	uint64_t	total = 0;
	int			wrong = 0;

	if (records == NULL || spare == NULL)
		abort();
	for (int round = 0; round < 200; round++)
	{
		int			count = dice(COUNT + 1);
		uint64_t	varying[2] = {0, 0};
		uint64_t   *sorted;
		uint64_t	sum = 0;

		total = 0;
		for (int i = 0; i < count; i++)
		{
			uint64_t   *record = records + (size_t) i * width;

			record[0] = ((uint64_t) dice(40) << (dice(2) * 50)) | (uint64_t) dice(4);
			record[1] = ((uint64_t) dice(7) << 61) | ((uint64_t) dice(1000) << 28) | (uint64_t) dice(100);
			for (int word = 2; word < width; word++)
				record[word] = record[0] ^ record[1];
			varying[0] |= record[0] ^ records[0];
			varying[1] |= record[1] ^ records[1];
			total += record[0] * 31 + record[1];
		}
		sorted = sweep_sort(records, spare, (size_t) count, width, fields, 3, varying);
		for (int i = 0; i < count; i++)
		{
			const uint64_t *record = sorted + (size_t) i * width;

			sum += record[0] * 31 + record[1];
			if (i > 0 && sweep_record_compare(record - width, record, fields, 3) > 0)
				wrong++;
			for (int word = 2; word < width; word++)
				if (record[word] != (record[0] ^ record[1]))
					wrong++;
		}
		if (sum != total)
			wrong++;
	}
	free(records);
	free(spare);
	ok(wrong == 0, "sort of records of %d words: %d faults", width, wrong);
}

int
main(void)
{
	for (int day = 0; day < DAYS; day++)
		days[day] = day;
	test_segments(false);
	test_segments(true);
	test_many();
	test_join("inner join", true, 0, 0);
	test_join("left join", true, SWEEP_UNCOVERED, 0);
	test_join("full join", true, SWEEP_UNCOVERED, SWEEP_UNCOVERED);
	test_join("semi join", false, SWEEP_COVERED, 0);
	test_join("anti join", false, SWEEP_UNCOVERED, 0);
	test_join("both pieces of the left", false, SWEEP_COVERED | SWEEP_UNCOVERED, 0);
	test_join("both pieces of both", false, SWEEP_COVERED | SWEEP_UNCOVERED, SWEEP_COVERED | SWEEP_UNCOVERED);
	test_tree();
	for (int width = 2; width <= 6; width++)
		test_sort(width);
	return tap_end();
}

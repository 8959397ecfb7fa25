/*-------------------------------------------------------------------------
 *
 * interval_test.c
 *	  Unit tests of the interval algebra: src/interval*.c without a server.
 *
 * Relations are held against their definitions by points, sets against an
 * array of days.  Prints TAP.  Exits with 1 when a test fails.
 *
 * IDENTIFICATION
 *	  test/unit/interval_test.c
 *
 *-------------------------------------------------------------------------
 */
#include "interval_set.h"

#include <stdlib.h>

#include "tap.h"

#define DAYS	400

static uint64_t seed = 42;
static long live = 0;			/* values handed out and not dropped */

/* A number from 0 to n - 1. */
static int
dice(int n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (int) ((seed >> 33) % (uint64_t) n);
}

/* SbOrder callback: values are pointers to int. */
static int
compare_boxes(int64_t a, int64_t b, void *arg)
{
	int			x = *(int *) (intptr_t) a;
	int			y = *(int *) (intptr_t) b;

	(void) arg;
	return (x > y) - (x < y);
}

/* SbSetOwner callback. */
static void
drop_box(int64_t value)
{
	free((void *) (intptr_t) value);
	live--;
}

static const SbOrder integers = {NULL, NULL};
static const SbOrder boxes = {compare_boxes, NULL};
static const SbSetOwner integer_owner = {&integers, NULL};
static const SbSetOwner box_owner = {&boxes, drop_box};

/* The cut before a day; 0 and DAYS are the unbounded ends. */
static SbCut
cut_at(int day, bool boxed)
{
	SbCut		cut = {0, SB_CUT_BEFORE};

	if (day == 0 || day == DAYS)
		cut.side = day == 0 ? SB_CUT_BEGIN : SB_CUT_END;
	else if (boxed)
	{
		int		   *box = malloc(sizeof(int));

		*box = day;
		live++;
		cut.value = (intptr_t) box;
	}
	else
		cut.value = day - DAYS / 2;
	return cut;
}

/* The day of a cut that cut_at() made. */
static int
day_of(SbCut cut, bool boxed)
{
	if (cut.side == SB_CUT_BEGIN)
		return 0;
	if (cut.side == SB_CUT_END)
		return DAYS;
	return boxed ? *(int *) (intptr_t) cut.value : (int) cut.value + DAYS / 2;
}

/* Allen's definitions, by the four ends. */
static bool
holds(SbAllen relation, int a, int b, int c, int d)
{
	switch (relation)
	{
		case SB_PRECEDES:
			return b < c;
		case SB_MEETS:
			return b == c;
		case SB_OVERLAPS:
			return a < c && c < b && b < d;
		case SB_STARTS:
			return a == c && b < d;
		case SB_DURING:
			return a > c && b < d;
		case SB_FINISHES:
			return a > c && b == d;
		case SB_EQUALS:
			return a == c && b == d;
		case SB_OVERLAPPED_BY:
			return c < a && a < d && d < b;
		case SB_STARTED_BY:
			return a == c && b > d;
		case SB_CONTAINS:
			return a < c && b > d;
		case SB_FINISHED_BY:
			return a < c && b == d;
		case SB_MET_BY:
			return d == a;
		case SB_PRECEDED_BY:
			return d < a;
	}
	return false;
}

/* Exactly one relation holds, sb_allen() names it, and inverse swaps it: all pairs over 0..6. */
static void
test_relations(void)
{
	int			seen[SB_ALLEN_COUNT] = {0};
	int			wrong = 0;
	int			pairs = 0;
	int			missing = 0;

	for (int a = 0; a < 6; a++)
		for (int b = a + 1; b <= 6; b++)
			for (int c = 0; c < 6; c++)
				for (int d = c + 1; d <= 6; d++)
				{
					SbInterval	x = {{a, SB_CUT_BEFORE}, {b, SB_CUT_BEFORE}};
					SbInterval	y = {{c, SB_CUT_BEFORE}, {d, SB_CUT_BEFORE}};
					SbAllen		relation = sb_allen(&integers, &x, &y);
					int			count = 0;

					for (int r = 0; r < SB_ALLEN_COUNT; r++)
						count += holds((SbAllen) r, a, b, c, d);
					wrong += count != 1 || !holds(relation, a, b, c, d) ||
						sb_allen(&integers, &y, &x) != sb_allen_inverse(relation);
					seen[relation]++;
					pairs++;
				}
	for (int r = 0; r < SB_ALLEN_COUNT; r++)
		missing += seen[r] == 0;
	ok(wrong == 0 && missing == 0, "%d pairs: one relation each, of 13, and its inverse", pairs);
}

/* Known sums and identities of the composition table. */
static void
test_composition(void)
{
	int			total = 0;
	int			singles = 0;
	int			full = 0;
	int			wrong = 0;

	for (int x = 0; x < SB_ALLEN_COUNT; x++)
	{
		wrong += sb_allen_compose((SbAllen) x, SB_EQUALS) != 1 << x;
		wrong += sb_allen_compose(SB_EQUALS, (SbAllen) x) != 1 << x;
		for (int y = 0; y < SB_ALLEN_COUNT; y++)
		{
			uint16_t	set = sb_allen_compose((SbAllen) x, (SbAllen) y);
			uint16_t	back = sb_allen_compose(sb_allen_inverse((SbAllen) y),
												sb_allen_inverse((SbAllen) x));
			int			bits = 0;

			for (int r = 0; r < SB_ALLEN_COUNT; r++)
			{
				bits += set >> r & 1;
				wrong += (set >> r & 1) != (back >> sb_allen_inverse((SbAllen) r) & 1);
			}
			total += bits;
			singles += bits == 1;
			full += bits == SB_ALLEN_COUNT;
		}
	}
	ok(wrong == 0, "composition: equals is neutral, the inverse turns it round");
	ok(total == 409 && singles == 97 && full == 3,
	   "composition: 409 relations, 97 single, 3 full cells (%d, %d, %d)", total, singles, full);
	ok(sb_allen_compose(SB_OVERLAPS, SB_OVERLAPS) == (1 << SB_PRECEDES | 1 << SB_MEETS | 1 << SB_OVERLAPS),
	   "composition: overlaps, overlaps");
}

/* Packing keeps values, sides and order. */
static void
test_packing(void)
{
	static const SbCut cuts[] = {
		{0, SB_CUT_BEGIN}, {INT32_MIN, SB_CUT_BEFORE}, {INT32_MIN, SB_CUT_AFTER}, {-1, SB_CUT_BEFORE},
		{-1, SB_CUT_AFTER}, {0, SB_CUT_BEFORE}, {0, SB_CUT_AFTER}, {1, SB_CUT_BEFORE},
		{INT32_MAX, SB_CUT_BEFORE}, {INT32_MAX, SB_CUT_AFTER}, {0, SB_CUT_END}
	};
	int			n = sizeof(cuts) / sizeof(cuts[0]);
	int			wrong = 0;

	for (int i = 0; i < n; i++)
	{
		SbCut		back = sb_unpack(sb_pack(cuts[i]));

		wrong += back.value != cuts[i].value || back.side != cuts[i].side;
		for (int j = 0; j < n; j++)
		{
			SbPackedCut a = sb_pack(cuts[i]);
			SbPackedCut b = sb_pack(cuts[j]);

			wrong += ((a > b) - (a < b)) != ((i > j) - (i < j));
		}
	}
	ok(wrong == 0, "packed cuts keep value, side and order");
}

/* One array of each kind, grown as the aggregates grow theirs. */
static void *
grown(void *items, SbSetFill *fill, size_t size)
{
	fill->capacity = fill->capacity * 2 + 1;
	return realloc(items, (size_t) fill->capacity * size);
}

/* Random intervals into a packed set, a wide one and one of boxes; their islands are those of the days. */
static int
islands_round(int n, int longest, bool sorted)
{
	bool		day[DAYS] = {false};
	SbPackedInterval *packed = NULL;
	SbInterval *wide[2] = {NULL, NULL};
	SbSetFill	packed_fill = {0, 0, 0};
	SbSetFill	fill[2] = {{0, 0, 0}, {0, 0, 0}};
	int			wrong = 0;
	int			at = 0;

	for (int i = 0; i < n; i++)
	{
		int			from = sorted ? (int) ((long) i * (DAYS - 1) / n) : dice(DAYS);
		int			until = from + 1 + dice(longest);
		SbPackedInterval p;

		if (until > DAYS)
			until = DAYS;
		for (int d = from; d < until; d++)
			day[d] = true;

		p.lo = sb_pack(cut_at(from, false));
		p.hi = sb_pack(cut_at(until, false));
		if (sb_set_full(&packed_fill))
		{
			sb_packed_islands_compact(packed, &packed_fill);
			if (packed_fill.capacity == 0 || sb_set_crowded(&packed_fill))
				packed = grown(packed, &packed_fill, sizeof(*packed));
		}
		sb_packed_islands_add(packed, &packed_fill, p);

		for (int boxed = 0; boxed < 2; boxed++)
		{
			const SbSetOwner *owner = boxed ? &box_owner : &integer_owner;
			SbInterval	x;

			if (sb_set_full(&fill[boxed]))
			{
				sb_wide_islands_compact(owner, wide[boxed], &fill[boxed]);
				if (fill[boxed].capacity == 0 || sb_set_crowded(&fill[boxed]))
					wide[boxed] = grown(wide[boxed], &fill[boxed], sizeof(SbInterval));
			}
			x.lo = cut_at(from, boxed);
			x.hi = cut_at(until, boxed);
			sb_wide_islands_add(owner, wide[boxed], &fill[boxed], x);
		}
	}
	sb_packed_islands_compact(packed, &packed_fill);
	sb_wide_islands_compact(&integer_owner, wide[0], &fill[0]);
	sb_wide_islands_compact(&box_owner, wide[1], &fill[1]);

	wrong += packed_fill.count != fill[0].count || packed_fill.count != fill[1].count;
	for (int i = 0; wrong == 0 && i < packed_fill.count; i++)
	{
		int			from = day_of(sb_unpack(packed[i].lo), false);
		int			until = day_of(sb_unpack(packed[i].hi), false);

		for (; at < from; at++)
			wrong += day[at];
		for (; at < until; at++)
			wrong += !day[at];
		wrong += until < DAYS && day[until];
		for (int boxed = 0; boxed < 2; boxed++)
			wrong += day_of(wide[boxed][i].lo, boxed) != from || day_of(wide[boxed][i].hi, boxed) != until;
		wrong += !sb_packed_islands_contain(packed, &packed_fill, packed[i]);
		wrong += !sb_wide_islands_contain(&box_owner, wide[1], &fill[1], wide[1][i]);
	}
	for (; at < DAYS; at++)
		wrong += day[at];
	for (int i = 0; i < fill[1].count; i++)
	{
		if (wide[1][i].lo.side == SB_CUT_BEFORE)
			drop_box(wide[1][i].lo.value);
		if (wide[1][i].hi.side == SB_CUT_BEFORE)
			drop_box(wide[1][i].hi.value);
	}
	free(packed);
	free(wide[0]);
	free(wide[1]);
	return wrong + (live != 0);
}

/* The same of counted cuts. */
static int
counts_round(int n)
{
	long		net[DAYS + 1] = {0};
	bool		there[DAYS + 1] = {false};
	SbPackedCount *packed = NULL;
	SbWideCount *wide = NULL;
	SbSetFill	packed_fill = {0, 0, 0};
	SbSetFill	fill = {0, 0, 0};
	int			wrong = 0;
	int			at = 0;

	for (int i = 0; i < n; i++)
	{
		int			day = dice(DAYS + 1);
		int			step = dice(2) ? 1 : -1;

		net[day] += step;
		there[day] = true;
		if (sb_set_full(&packed_fill))
		{
			sb_packed_counts_compact(packed, &packed_fill);
			if (packed_fill.capacity == 0 || sb_set_crowded(&packed_fill))
				packed = grown(packed, &packed_fill, sizeof(*packed));
		}
		sb_packed_counts_add(packed, &packed_fill, (SbPackedCount) {sb_pack(cut_at(day, false)), step});
		if (sb_set_full(&fill))
		{
			sb_wide_counts_compact(&box_owner, wide, &fill);
			if (fill.capacity == 0 || sb_set_crowded(&fill))
				wide = grown(wide, &fill, sizeof(*wide));
		}
		sb_wide_counts_add(&box_owner, wide, &fill, (SbWideCount) {cut_at(day, true), step});
	}
	sb_packed_counts_compact(packed, &packed_fill);
	sb_wide_counts_compact(&box_owner, wide, &fill);
	for (int day = 0; day <= DAYS; day++)
	{
		if (!there[day])
			continue;
		if (at >= packed_fill.count || at >= fill.count ||
			day_of(sb_unpack(packed[at].cut), false) != day || packed[at].net != net[day] ||
			day_of(wide[at].cut, true) != day || wide[at].net != net[day])
		{
			wrong++;
			break;
		}
		at++;
	}
	wrong += at != packed_fill.count || at != fill.count;
	for (int i = 0; i < fill.count; i++)
	{
		if (wide[i].cut.side == SB_CUT_BEFORE)
			drop_box(wide[i].cut.value);
	}
	free(packed);
	free(wide);
	return wrong + (live != 0);
}

int
main(void)
{
	static const int sizes[] = {1, 3, 10, 40, 100, 300, 1500};
	int			n = sizeof(sizes) / sizeof(sizes[0]);

	test_relations();
	test_composition();
	test_packing();
	for (int i = 0; i < n; i++)
	{
		int			wrong = 0;

		for (int round = 0; round < 200; round++)
			wrong += islands_round(sizes[i], 1 + dice(30), round % 5 == 0);
		ok(wrong == 0, "islands of %d intervals, 200 times; no value lost or freed twice", sizes[i]);
		wrong = 0;
		for (int round = 0; round < 200; round++)
			wrong += counts_round(sizes[i]);
		ok(wrong == 0, "counted cuts of %d, 200 times; no value lost or freed twice", sizes[i]);
	}
	return tap_end();
}

/*-------------------------------------------------------------------------
 *
 * coverage_test.c
 *	  Islands of time against a bitmap of points.
 *
 * IDENTIFICATION
 *	  test/unit/coverage_test.c
 *
 *-------------------------------------------------------------------------
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "coverage.h"

#define POINTS	24
#define ROUNDS	20000

static const SbOrder order = {0};
static uint32_t seed = 20261121;

/* A small generator, so that every machine tests the same. */
static int
pick(int n)
{
	seed = seed * 1664525u + 1013904223u;
	return (int) ((seed >> 8) % (uint32_t) n);
}

/* [a, b) over the points 0 .. POINTS - 1, sometimes without an end on a side. */
static SbInterval
interval(int a, int b)
{
	SbInterval	x = {{a, SB_CUT_BEFORE}, {b, SB_CUT_BEFORE}};

	if (a == 0)
		x.lo = (SbCut) {0, SB_CUT_BEGIN};
	if (b == POINTS)
		x.hi = (SbCut) {0, SB_CUT_END};
	return x;
}

static SbInterval
random_interval(void)
{
	int			a = pick(POINTS);

	return interval(a, a + 1 + pick(POINTS - a));
}

/* The points of an interval as bits. */
static uint32_t
bits(const SbInterval *x)
{
	int			lo = x->lo.side == SB_CUT_BEGIN ? 0 : (int) x->lo.value;
	int			hi = x->hi.side == SB_CUT_END ? POINTS : (int) x->hi.value;
	uint32_t	result = 0;

	for (int i = lo; i < hi; i++)
		result |= 1u << i;
	return result;
}

static uint32_t
all_bits(const SbInterval *islands, int count)
{
	uint32_t	result = 0;

	for (int i = 0; i < count; i++)
		result |= bits(&islands[i]);
	return result;
}

/* Not empty, in descending order, and no two touch; pieces of one interval may not touch either. */
static bool
well_formed(const SbInterval *islands, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (sb_cut_compare(&order, islands[i].lo, islands[i].hi) >= 0)
			return false;
		if (i > 0 && sb_cut_compare(&order, islands[i].hi, islands[i - 1].lo) >= 0)
			return false;
	}
	return true;
}

int
main(void)
{
	int			failed = 0;
	int			contained = 0;
	int			apart = 0;
	int			split = 0;
	int			merged = 0;
	int			inserted = 0;

	for (int round = 0; round < ROUNDS; round++)
	{
		SbInterval	islands[16];
		SbInterval	pieces[17];
		uint32_t	wanted = 0;
		int			count = 0;
		int			n = pick(8);
		SbInterval	x;
		int			reach;
		bool		good = true;

		for (int i = 0; i < n; i++)
		{
			int			before = count;

			x = random_interval();
			wanted |= bits(&x);
			count = sb_coverage_add(&order, islands, count, x);
			merged += count < before;
			inserted += count > before && i > 0;
			good = good && well_formed(islands, count) && all_bits(islands, count) == wanted;
		}
		x = random_interval();
		good = good && sb_coverage_contains(&order, islands, count, &x) == ((bits(&x) & ~wanted) == 0);
		good = good && sb_coverage_overlaps(&order, islands, count, &x) == ((bits(&x) & wanted) != 0);
		contained += (bits(&x) & ~wanted) == 0;
		apart += (bits(&x) & wanted) == 0;
		reach = sb_coverage_reach(&order, islands, count, &x);
		n = sb_coverage_subtract(&order, islands, count, &x, pieces);
		good = good && well_formed(pieces, n) && all_bits(pieces, n) == (bits(&x) & ~wanted);
		good = good && n <= reach + 1;
		split += n > 1;
		n = sb_coverage_intersect(&order, islands, count, &x, pieces);
		good = good && well_formed(pieces, n) && all_bits(pieces, n) == (bits(&x) & wanted);
		good = good && n <= reach && reach <= n + 1;
		if (!good && failed++ < 5)
			printf("not ok - round %d\n", round);
	}
	if (failed == 0)
		printf("ok 1 - %d rounds against a bitmap\n", ROUNDS);
	printf("# contained %d, apart %d, split %d, merged %d, inserted %d\n", contained, apart, split, merged, inserted);
	if (contained > 500 && apart > 500 && split > 500 && merged > 500 && inserted > 500)
		printf("ok 2 - every kind was met\n");
	else
		printf("not ok 2 - a kind was hardly met\n");
	return failed != 0;
}

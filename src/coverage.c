/*-------------------------------------------------------------------------
 *
 * coverage.c
 *	  Which time is covered: disjoint intervals in descending order.
 *
 * IDENTIFICATION
 *	  src/coverage.c
 *
 *-------------------------------------------------------------------------
 */
#include "coverage.h"

/*
 * Add an interval to the islands, which have room for one more, and return
 * how many they are.  Cheap when x begins left of all islands, or near them.
 */
int
sb_coverage_add(const SbOrder *order, SbInterval *islands, int count, SbInterval x)
{
	int			place = count;
	int			first;
	int			i;

	/* islands[place ..] lie left of x without touching it */
	while (place > 0 && sb_cut_compare(order, islands[place - 1].hi, x.lo) < 0)
		place--;

	/* islands[first .. place - 1] touch it */
	first = place;
	while (first > 0 && sb_cut_compare(order, islands[first - 1].lo, x.hi) <= 0)
		first--;

	if (first == place)
	{
		for (i = count; i > place; i--)
			islands[i] = islands[i - 1];
		islands[place] = x;
		return count + 1;
	}
	if (sb_cut_compare(order, islands[place - 1].lo, x.lo) < 0)
		x.lo = islands[place - 1].lo;
	if (sb_cut_compare(order, islands[first].hi, x.hi) > 0)
		x.hi = islands[first].hi;
	islands[first] = x;
	if (place == first + 1)
		return count;
	for (i = place; i < count; i++)
		islands[first + 1 + i - place] = islands[i];
	return count - (place - first - 1);
}

/* The number of islands that lie right of the cut as a whole, or touch it. */
static int
islands_right_of(const SbOrder *order, const SbInterval *islands, int count, SbCut cut)
{
	int			low = 0;
	int			high = count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (sb_cut_compare(order, islands[middle].lo, cut) >= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Is x inside one island? */
bool
sb_coverage_contains(const SbOrder *order, const SbInterval *islands, int count, const SbInterval *x)
{
	int			i = islands_right_of(order, islands, count, x->hi);

	return i < count && sb_cut_compare(order, islands[i].hi, x->hi) >= 0 &&
		sb_cut_compare(order, islands[i].lo, x->lo) <= 0;
}

/* Does an island overlap x? */
bool
sb_coverage_overlaps(const SbOrder *order, const SbInterval *islands, int count, const SbInterval *x)
{
	int			i = islands_right_of(order, islands, count, x->hi);

	return i < count && sb_cut_compare(order, islands[i].hi, x->lo) > 0;
}

/*
 * How many islands can overlap x, at most: by that many pieces, and one more,
 * the functions below answer.
 */
int
sb_coverage_reach(const SbOrder *order, const SbInterval *islands, int count, const SbInterval *x)
{
	int			first = islands_right_of(order, islands, count, x->hi);
	int			last = islands_right_of(order, islands, count, x->lo);

	/* islands[last] begins left of x and may reach into it */
	return (last < count ? last + 1 : count) - first;
}

/*
 * What of x no island covers, in descending order; at most one piece more than
 * sb_coverage_reach() says.  Returns their number.
 */
int
sb_coverage_subtract(const SbOrder *order, const SbInterval *islands, int count,
					 const SbInterval *x, SbInterval *pieces)
{
	int			n = 0;
	SbCut		right = x->hi;
	int			i;

	for (i = islands_right_of(order, islands, count, x->hi);
		 i < count && sb_cut_compare(order, islands[i].hi, x->lo) > 0; i++)
	{
		if (sb_cut_compare(order, islands[i].hi, right) < 0)
		{
			pieces[n].lo = islands[i].hi;
			pieces[n++].hi = right;
		}
		right = islands[i].lo;
		if (sb_cut_compare(order, right, x->lo) <= 0)
			return n;
	}
	pieces[n].lo = x->lo;
	pieces[n++].hi = right;
	return n;
}

/* What of x the islands cover, in descending order; at most sb_coverage_reach() pieces. */
int
sb_coverage_intersect(const SbOrder *order, const SbInterval *islands, int count,
					  const SbInterval *x, SbInterval *pieces)
{
	int			n = 0;
	int			i;

	for (i = islands_right_of(order, islands, count, x->hi);
		 i < count && sb_cut_compare(order, islands[i].hi, x->lo) > 0; i++)
	{
		pieces[n] = islands[i];
		if (sb_cut_compare(order, pieces[n].hi, x->hi) > 0)
			pieces[n].hi = x->hi;
		if (sb_cut_compare(order, pieces[n].lo, x->lo) < 0)
			pieces[n].lo = x->lo;
		n++;
	}
	return n;
}

/*-------------------------------------------------------------------------
 *
 * interval_set_template.h
 *	  The body of interval_set.c, included once for each kind of cut.
 *
 * Before: SET(name) makes the names, CUT, ISLAND and COUNT are the types,
 * OWNER is the first parameter with its comma, PASS the argument with its,
 * COMPARE(a, b) compares two cuts, and DROP(cut) gives up a cut's value.
 *
 * IDENTIFICATION
 *	  src/interval_set_template.h
 *
 *-------------------------------------------------------------------------
 */

/* No include guard: it is meant to be included more than once. */

#define LESS(a, b) (COMPARE(a, b) < 0)

/* The first of the sorted islands that ends at or after the cut. */
static inline int
SET(islands_find) (OWNER const ISLAND * items, int count, CUT cut)
{
	int			low = 0;
	int			high = count;

	/* input in order of time comes here */
	if (count > 0 && LESS(items[count - 1].hi, cut))
		return count;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (LESS(items[middle].hi, cut))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* True when one of the sorted islands has all of x. */
bool
SET(islands_contain) (OWNER const ISLAND * items, const SbSetFill *fill, ISLAND x)
{
	int			at = SET(islands_find) (PASS items, fill->count, x.lo);

	return at < fill->count && !LESS(x.lo, items[at].lo) && !LESS(items[at].hi, x.hi);
}

/* One island of both, which overlap or touch; what it does not need is dropped. */
static inline ISLAND
SET(islands_unite) (OWNER ISLAND a, ISLAND b)
{
	ISLAND		both;

	if (LESS(b.lo, a.lo))
	{
		both.lo = b.lo;
		DROP(a.lo);
	}
	else
	{
		both.lo = a.lo;
		DROP(b.lo);
	}
	if (LESS(a.hi, b.hi))
	{
		both.hi = b.hi;
		DROP(a.hi);
	}
	else
	{
		both.hi = a.hi;
		DROP(b.hi);
	}
	return both;
}

/*
 * Add x, which is not empty, to an array that is not full.  The set owns the
 * values of x from now on.
 */
void
SET(islands_add) (OWNER ISLAND * items, SbSetFill *fill, ISLAND x)
{
	int			first = SET(islands_find) (PASS items, fill->count, x.lo);
	int			end = first;
	bool		small = fill->count <= SB_SET_SMALL;

	/* items[first .. end) overlap or touch x; of a large set two tell enough */
	while (end < fill->count && !LESS(x.hi, items[end].lo) && (small || end < first + 2))
		end++;

	if (end == first + 1)
		items[first] = SET(islands_unite) (PASS items[first], x);
	else if (fill->used == fill->count && (small || first == fill->count))
	{
		for (int i = first; i < end; i++)
			x = SET(islands_unite) (PASS items[i], x);
		memmove(&items[first + 1], &items[end], (size_t) (fill->count - end) * sizeof(ISLAND));
		items[first] = x;
		fill->count += 1 - (end - first);
		fill->used = fill->count;
	}
	else
		items[fill->used++] = x;
}

/* Sort items by where they begin. */
static void
SET(islands_sort) (OWNER ISLAND * items, int n)
{
#define KEY(i) (items[i].lo)
#define ITEM ISLAND
#include "interval_set_heap.h"
}

/* Merge what is pending; afterwards used is count. */
void
SET(islands_compact) (OWNER ISLAND * items, SbSetFill *fill)
{
	int			last = 0;

	if (fill->used == fill->count)
		return;
	SET(islands_sort) (PASS items, fill->used);
	for (int i = 1; i < fill->used; i++)
	{
		if (LESS(items[last].hi, items[i].lo))
			items[++last] = items[i];
		else
			items[last] = SET(islands_unite) (PASS items[last], items[i]);
	}
	fill->count = fill->used = last + 1;
}

/* Count a cut into an array that is not full.  The set owns its value from now on. */
void
SET(counts_add) (OWNER COUNT * items, SbSetFill *fill, COUNT x)
{
	int			low = 0;
	int			high = fill->count;

	/* input in order of time comes here */
	if (high > 0 && LESS(items[high - 1].cut, x.cut))
		low = high;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (LESS(items[middle].cut, x.cut))
			low = middle + 1;
		else
			high = middle;
	}
	if (low < fill->count && COMPARE(items[low].cut, x.cut) == 0)
	{
		items[low].net += x.net;
		DROP(x.cut);
	}
	else if (fill->used == fill->count && (fill->count <= SB_SET_SMALL || low == fill->count))
	{
		memmove(&items[low + 1], &items[low], (size_t) (fill->count - low) * sizeof(COUNT));
		items[low] = x;
		fill->used = ++fill->count;
	}
	else
		items[fill->used++] = x;
}

/* Sort counted cuts. */
static void
SET(counts_sort) (OWNER COUNT * items, int n)
{
#define KEY(i) (items[i].cut)
#define ITEM COUNT
#include "interval_set_heap.h"
}

/* Merge what is pending; afterwards used is count. */
void
SET(counts_compact) (OWNER COUNT * items, SbSetFill *fill)
{
	int			last = 0;

	if (fill->used == fill->count)
		return;
	SET(counts_sort) (PASS items, fill->used);
	for (int i = 1; i < fill->used; i++)
	{
		if (COMPARE(items[last].cut, items[i].cut) != 0)
			items[++last] = items[i];
		else
		{
			items[last].net += items[i].net;
			DROP(items[i].cut);
		}
	}
	fill->count = fill->used = last + 1;
}

#undef LESS
#undef SET
#undef CUT
#undef ISLAND
#undef COUNT
#undef OWNER
#undef PASS
#undef COMPARE
#undef DROP

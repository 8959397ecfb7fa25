/*-------------------------------------------------------------------------
 *
 * interval.c
 *	  Allen's relations: how one interval lies to another.
 *
 * J. F. Allen, Maintaining knowledge about temporal intervals, CACM 26 (1983).
 *
 * IDENTIFICATION
 *	  src/interval.c
 *
 *-------------------------------------------------------------------------
 */
#include <stddef.h>

#include "interval.h"

/* Three intervals have at most six different ends. */
#define COMPOSE_ENDS	6

/* Which relations x may have to z, by those of x to y and y to z; made on first use. */
static uint16_t composition[SB_ALLEN_COUNT][SB_ALLEN_COUNT];

static void compose_all(void);

/* The one relation of x to y, neither of them empty. */
SbAllen
sb_allen(const SbOrder *order, const SbInterval *x, const SbInterval *y)
{
	int			lo = sb_cut_compare(order, x->lo, y->lo);
	int			hi = sb_cut_compare(order, x->hi, y->hi);
	int			between;

	if (lo == 0)
		return hi < 0 ? SB_STARTS : hi > 0 ? SB_STARTED_BY : SB_EQUALS;
	if (hi == 0)
		return lo < 0 ? SB_FINISHED_BY : SB_FINISHES;
	if (lo < 0)
	{
		if (hi > 0)
			return SB_CONTAINS;
		between = sb_cut_compare(order, x->hi, y->lo);
		return between < 0 ? SB_PRECEDES : between > 0 ? SB_OVERLAPS : SB_MEETS;
	}
	if (hi < 0)
		return SB_DURING;
	between = sb_cut_compare(order, y->hi, x->lo);
	return between < 0 ? SB_PRECEDED_BY : between > 0 ? SB_OVERLAPPED_BY : SB_MET_BY;
}

/* The relation of y to x, given that of x to y. */
SbAllen
sb_allen_inverse(SbAllen relation)
{
	static const SbAllen inverse[SB_ALLEN_COUNT] = {
		[SB_PRECEDES] = SB_PRECEDED_BY,
		[SB_MEETS] = SB_MET_BY,
		[SB_OVERLAPS] = SB_OVERLAPPED_BY,
		[SB_STARTS] = SB_STARTED_BY,
		[SB_DURING] = SB_CONTAINS,
		[SB_FINISHES] = SB_FINISHED_BY,
		[SB_EQUALS] = SB_EQUALS,
		[SB_OVERLAPPED_BY] = SB_OVERLAPS,
		[SB_STARTED_BY] = SB_STARTS,
		[SB_CONTAINS] = SB_DURING,
		[SB_FINISHED_BY] = SB_FINISHES,
		[SB_MET_BY] = SB_MEETS,
		[SB_PRECEDED_BY] = SB_PRECEDES
	};

	return inverse[relation];
}

/*
 * The relations that x may have to z when it has xy to y and y has yz to z,
 * as a set: bit r stands for relation r.  Never empty.
 */
uint16_t
sb_allen_compose(SbAllen xy, SbAllen yz)
{
	if (composition[0][0] == 0)
		compose_all();
	return composition[xy][yz];
}

/* Fill the table by going through all triples of intervals over six points. */
static void
compose_all(void)
{
	static const SbOrder integers = {0};
	SbInterval	all[COMPOSE_ENDS * (COMPOSE_ENDS - 1) / 2];
	int			count = 0;

	for (int from = 0; from < COMPOSE_ENDS; from++)
	{
		for (int until = from + 1; until < COMPOSE_ENDS; until++)
		{
			all[count].lo.value = from;
			all[count].lo.side = SB_CUT_BEFORE;
			all[count].hi.value = until;
			all[count].hi.side = SB_CUT_BEFORE;
			count++;
		}
	}

	for (int x = 0; x < count; x++)
	{
		for (int y = 0; y < count; y++)
		{
			SbAllen		xy = sb_allen(&integers, &all[x], &all[y]);

			for (int z = 0; z < count; z++)
				composition[xy][sb_allen(&integers, &all[y], &all[z])] |=
					(uint16_t) (1 << sb_allen(&integers, &all[x], &all[z]));
		}
	}
}

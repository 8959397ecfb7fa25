/*-------------------------------------------------------------------------
 *
 * interval.h
 *	  Time as cuts: the pure core of the interval algebra.
 *
 * A cut is a place between points of time.  An interval is a pair of cuts,
 * so that open, closed, unbounded and infinite ends need no cases of their
 * own: [a,b) lies between the cut before a and the cut before b, (a,b]
 * between the cut after a and the cut after b, and an unbounded side is the
 * cut before or after everything.  Cuts of one range type are totally ordered.
 *
 * A cut's value is the point itself where the type's points are integers
 * that sort as integers (date, int4, int8, timestamp), otherwise whatever
 * the order's compare function understands; the SQL faces store a Datum.
 *
 * No Datum, no allocation, no error reporting here: see period.h for the
 * way between ranges and cuts.
 *
 * IDENTIFICATION
 *	  src/interval.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_INTERVAL_H
#define STATBUS_INTERVAL_H

#include <stdbool.h>
#include <stdint.h>

/* Where a cut lies. */
#define SB_CUT_BEGIN	(-1)	/* before every point; the value is 0 */
#define SB_CUT_BEFORE	0		/* just before the value */
#define SB_CUT_AFTER	1		/* just after the value */
#define SB_CUT_END		2		/* after every point; the value is 0 */

typedef struct SbCut
{
	int64_t		value;
	int32_t		side;
} SbCut;

/* A half-open stretch of time; lo < hi, or it is empty and must not be stored. */
typedef struct SbInterval
{
	SbCut		lo;
	SbCut		hi;
} SbInterval;

/* How the values of cuts compare.  compare is NULL where they are integers. */
typedef struct SbOrder
{
	int			(*compare) (int64_t a, int64_t b, void *arg);
	void	   *arg;
} SbOrder;

/* Allen's relations in the order of the SQL enum, which is also its bit. */
typedef enum SbAllen
{
	SB_PRECEDES,
	SB_MEETS,
	SB_OVERLAPS,
	SB_STARTS,
	SB_DURING,
	SB_FINISHES,
	SB_EQUALS,
	SB_OVERLAPPED_BY,
	SB_STARTED_BY,
	SB_CONTAINS,
	SB_FINISHED_BY,
	SB_MET_BY,
	SB_PRECEDED_BY
} SbAllen;

#define SB_ALLEN_COUNT	13

/* <0, 0 or >0 as a lies left of b, is b, or lies right of b. */
static inline int
sb_cut_compare(const SbOrder *order, SbCut a, SbCut b)
{
	if (a.side == SB_CUT_BEGIN || b.side == SB_CUT_BEGIN ||
		a.side == SB_CUT_END || b.side == SB_CUT_END)
	{
		/* an infinite side beats every finite one; two finite ones are below */
		int			x = a.side == SB_CUT_BEGIN ? -1 : a.side == SB_CUT_END;
		int			y = b.side == SB_CUT_BEGIN ? -1 : b.side == SB_CUT_END;

		return x - y;
	}
	if (order->compare != NULL)
	{
		int			c = order->compare(a.value, b.value, order->arg);

		return c != 0 ? c : a.side - b.side;
	}
	if (a.value != b.value)
		return a.value < b.value ? -1 : 1;
	return a.side - b.side;
}

/* True when two intervals that are not empty share time. */
static inline bool
sb_overlap(const SbOrder *order, const SbInterval *x, const SbInterval *y)
{
	return sb_cut_compare(order, x->lo, y->hi) < 0 &&
		sb_cut_compare(order, y->lo, x->hi) < 0;
}

extern SbAllen sb_allen(const SbOrder *order, const SbInterval *x, const SbInterval *y);
extern SbAllen sb_allen_inverse(SbAllen relation);
extern uint16_t sb_allen_compose(SbAllen xy, SbAllen yz);

#endif							/* STATBUS_INTERVAL_H */

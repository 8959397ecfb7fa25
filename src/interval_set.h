/*-------------------------------------------------------------------------
 *
 * interval_set.h
 *	  Sets of time that grow: islands of covered time, and counted cuts.
 *
 * A set is an array that the caller owns.  Its first `count` items are sorted
 * and merged, those up to `used` are pending: as they came.  A small set is
 * kept sorted by inserting in place; a larger one takes items that cannot be
 * merged at once as pending and merges them all when the array is full, so
 * that n items cost n log n and memory follows what is kept.
 *
 * Each kind is there twice: over cuts (wide), and over cuts packed into one
 * integer, which is possible where points are 32 bits wide.
 *
 * IDENTIFICATION
 *	  src/interval_set.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_INTERVAL_SET_H
#define STATBUS_INTERVAL_SET_H

#include <stddef.h>
#include <string.h>

#include "interval.h"

/* Up to here items are inserted in place. */
#define SB_SET_SMALL	32

/* How far an array is filled; there is room for capacity items. */
typedef struct SbSetFill
{
	int32_t		count;
	int32_t		used;
	int32_t		capacity;
} SbSetFill;

/* Who owns the values of cuts: called for each value that a set gives up. */
typedef struct SbSetOwner
{
	const SbOrder *order;
	void		(*drop) (int64_t value);
} SbSetOwner;

/* A cut as one integer: twice the value, plus one when it lies after it. */
typedef int64_t SbPackedCut;

typedef struct SbPackedInterval
{
	SbPackedCut lo;
	SbPackedCut hi;
} SbPackedInterval;

/* A cut with how many intervals begin there less how many end there. */
typedef struct SbPackedCount
{
	SbPackedCut cut;
	int64_t		net;
} SbPackedCount;

typedef struct SbWideCount
{
	SbCut		cut;
	int64_t		net;
} SbWideCount;

/* The packed form of a cut whose value has at most 32 bits. */
static inline SbPackedCut
sb_pack(SbCut cut)
{
	if (cut.side == SB_CUT_BEGIN)
		return INT64_MIN;
	if (cut.side == SB_CUT_END)
		return INT64_MAX;
	return cut.value * 2 + cut.side;
}

/* The cut that was packed. */
static inline SbCut
sb_unpack(SbPackedCut packed)
{
	SbCut		cut;

	if (packed == INT64_MIN || packed == INT64_MAX)
	{
		cut.value = 0;
		cut.side = packed == INT64_MIN ? SB_CUT_BEGIN : SB_CUT_END;
	}
	else
	{
		cut.side = (int32_t) (packed & 1);
		cut.value = (packed - cut.side) / 2;
	}
	return cut;
}

/* True when the array must be compacted, and perhaps grown, before the next item. */
static inline bool
sb_set_full(const SbSetFill *fill)
{
	return fill->used == fill->capacity;
}

/* True when a compacted array is still too full to go on with. */
static inline bool
sb_set_crowded(const SbSetFill *fill)
{
	return fill->count > fill->capacity / 2;
}

extern bool sb_packed_islands_contain(const SbPackedInterval *items, const SbSetFill *fill,
									  SbPackedInterval x);
extern void sb_packed_islands_add(SbPackedInterval *items, SbSetFill *fill, SbPackedInterval x);
extern void sb_packed_islands_compact(SbPackedInterval *items, SbSetFill *fill);
extern void sb_packed_counts_add(SbPackedCount *items, SbSetFill *fill, SbPackedCount x);
extern void sb_packed_counts_compact(SbPackedCount *items, SbSetFill *fill);

extern bool sb_wide_islands_contain(const SbSetOwner *owner, const SbInterval *items,
									const SbSetFill *fill, SbInterval x);
extern void sb_wide_islands_add(const SbSetOwner *owner, SbInterval *items, SbSetFill *fill,
								SbInterval x);
extern void sb_wide_islands_compact(const SbSetOwner *owner, SbInterval *items, SbSetFill *fill);
extern void sb_wide_counts_add(const SbSetOwner *owner, SbWideCount *items, SbSetFill *fill,
							   SbWideCount x);
extern void sb_wide_counts_compact(const SbSetOwner *owner, SbWideCount *items, SbSetFill *fill);

#endif							/* STATBUS_INTERVAL_SET_H */

/*-------------------------------------------------------------------------
 *
 * sweep.h
 *	  Sweeps over rows with periods: the pure core.
 *
 * A sweep takes the rows of one group in the order of their lower cuts and
 * walks along time with them.  What it finds it hands to a callback at once;
 * it remembers only the rows that are still open.
 *
 *	  SweepSegments	cuts time at every bound: atomic segments
 *	  SweepJoin		pairs the rows of two sides, and finds what the other side leaves
 *					uncovered
 *	  SweepTree		combines the values of the rows that are open now, as the rows come
 *					and go, without ever taking a value back out of a sum
 *	  sweep_sort()	sorts records of 64-bit words by some of their bits
 *
 * No Datum, no allocation of its own, no error reporting here: memory comes
 * from SweepMemory, whose resize() does not return when there is none.
 *
 * IDENTIFICATION
 *	  src/sweep.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_SWEEP_H
#define STATBUS_SWEEP_H

#include <stddef.h>

#include "interval.h"

/*
 * Where a sweep gets memory.  keep() gives a cut a life of its own and drop()
 * ends it; both are NULL where the values of cuts are integers.
 */
typedef struct SweepMemory
{
	void	   *(*resize) (void *arg, void *old, size_t size);
	SbCut		(*keep) (void *arg, SbCut cut);
	void		(*drop) (void *arg, SbCut cut);
	void	   *arg;
} SweepMemory;

/* A row of a join that has begun and not ended. */
typedef struct SweepOpen
{
	SbInterval	cuts;
	int			slot;			/* how the caller calls the row */
} SweepOpen;

/* Where open rows of segments end: a cut, and the first of the rows. */
typedef struct SweepEnd
{
	int64_t		value;
	int32_t		side;
	int32_t		node;
} SweepEnd;

/* An open row of segments, in a list of those that end together or of unused ones. */
typedef struct SweepNode
{
	int			slot;			/* how the caller calls the row */
	int			next;
} SweepNode;

typedef struct SweepSegments
{
	const SbOrder *order;
	const SweepMemory *memory;
	bool		gaps;			/* hand out the gaps between rows as well */
	void		(*emit) (void *arg, const SbInterval *segment, int open);
	void		(*close) (void *arg, int slot); /* may be NULL */
	void	   *arg;

	/* private */
	int			open;			/* rows */
	SweepEnd   *heap;			/* the first end on top */
	int			count;
	int			size;
	SweepNode  *nodes;
	int			nodes_used;
	int			nodes_size;
	int			nodes_free;		/* number of the first + 1 */
	SweepEnd   *table;			/* the ends by hash, once there are many; node
								 * is -1 where empty */
	int			table_size;		/* 0: not in use */
	int			table_room;		/* allocated */
	bool		started;
	SbCut		cursor;			/* everything left of it is done */
} SweepSegments;

#define SWEEP_LEFT	0
#define SWEEP_RIGHT	1
#define SWEEP_NONE	(-1)		/* no row of that side */

/* What SweepJoin hands out. */
#define SWEEP_PAIRS		1		/* a piece for each pair of rows that overlap */
#define SWEEP_COVERED	2		/* the longest pieces of a row that the other
								 * side covers */
#define SWEEP_UNCOVERED	4		/* the longest pieces of a row that it does
								 * not */

typedef struct SweepSide
{
	int			wants;			/* of SWEEP_COVERED and SWEEP_UNCOVERED, for
								 * rows of this side */

	/* private */
	SweepOpen  *rows;
	int			count;
	int			size;
	bool		has_island;
	SbInterval	island;			/* the last stretch that rows of this side
								 * cover */
} SweepSide;

typedef struct SweepJoin
{
	const SbOrder *order;
	const SweepMemory *memory;
	bool		pairs;
	SweepSide	side[2];
	void		(*emit) (void *arg, int what, int left, int right, const SbInterval *piece);
	void		(*close) (void *arg, int side, int slot);
	void	   *arg;
} SweepJoin;

/*
 * A tree over slots.  Each slot holds a value or nothing; the root combines
 * all values.  Where combining makes values that need memory, release() gives
 * it back; it is NULL where combine() returns one of its arguments or an integer.
 */
typedef struct SweepTree
{
	const SweepMemory *memory;
	int64_t		(*combine) (void *arg, int64_t a, int64_t b);
	void		(*release) (void *arg, int64_t value);
	void	   *arg;

	/* private */
	int			capacity;		/* a power of two; leaf i is node capacity + i */
	int64_t    *values;
	uint8_t    *states;
} SweepTree;

/* Some bits of a word: a part of what records are sorted by. */
typedef struct SweepField
{
	int			word;
	uint64_t	mask;
} SweepField;

extern void *sweep_grow(const SweepMemory *memory, void *old, int *size, size_t element);

extern void sweep_segments_add(SweepSegments *sweep, const SbInterval *cuts, int slot);
extern void sweep_segments_end(SweepSegments *sweep);

extern void sweep_join_add(SweepJoin *sweep, int side, const SbInterval *cuts, int slot);
extern void sweep_join_end(SweepJoin *sweep);

extern void sweep_tree_set(SweepTree *tree, int slot, int64_t value);
extern void sweep_tree_clear(SweepTree *tree, int slot);
extern bool sweep_tree_root(const SweepTree *tree, int64_t *value);

extern uint64_t *sweep_sort(uint64_t *records, uint64_t *spare, size_t count, int width,
							const SweepField *fields, int nfields, const uint64_t *varying);

/* <0, 0, >0 as record a sorts before, with, or after b; fields from the least significant. */
static inline int
sweep_record_compare(const uint64_t *a, const uint64_t *b, const SweepField *fields, int nfields)
{
	for (int i = nfields - 1; i >= 0; i--)
	{
		uint64_t	x = a[fields[i].word] & fields[i].mask;
		uint64_t	y = b[fields[i].word] & fields[i].mask;

		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

/* Keep a cut beyond the row that it came with, and give it up. */
static inline SbCut
sweep_keep(const SweepMemory *memory, SbCut cut)
{
	return memory->keep != NULL ? memory->keep(memory->arg, cut) : cut;
}

static inline void
sweep_drop(const SweepMemory *memory, SbCut cut)
{
	if (memory->drop != NULL)
		memory->drop(memory->arg, cut);
}

#endif							/* STATBUS_SWEEP_H */

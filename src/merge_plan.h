/*-------------------------------------------------------------------------
 *
 * merge_plan.h
 *	  The pure planner of a temporal merge: the time of one entity.
 *
 * An entity has slices in the target, and source rows in an order where the
 * later wins.  Their bounds cut its time into segments; of each segment the
 * planner says which slice and which rows cover it and whether the mode keeps
 * it.  The caller then works out the columns of each segment, and the planner
 * joins equal neighbours and says what has to be written.
 *
 * No Datum, no allocation, no error reporting here: the caller gives the
 * memory, and callbacks compare the columns.
 *
 * IDENTIFICATION
 *	  src/merge_plan.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_MERGE_PLAN_H
#define STATBUS_MERGE_PLAN_H

#include <stddef.h>

#include "interval.h"

/* What the mode means for time. */
typedef struct SbMergeRules
{
	bool		patch;			/* rows combine: none is eclipsed */
	bool		portion;		/* nothing outside the target's time */
	bool		removes;		/* the rows' time is removed */
	bool		drops_timeline; /* so is time that no row covers */
} SbMergeRules;

typedef enum SbMergeFate
{
	SB_MERGE_APPLIED,
	SB_MERGE_IDENTICAL,
	SB_MERGE_NO_TARGET,
	SB_MERGE_ECLIPSED
} SbMergeFate;

/* A source row; it covers the segments first … last - 1. */
typedef struct SbMergeRow
{
	SbInterval	when;
	int32_t		first;
	int32_t		last;
	bool		seen;			/* the winner of some segment */
	bool		written;		/* … and that one is written */
} SbMergeRow;

/* A slice of the target. */
typedef struct SbMergeSlice
{
	SbInterval	when;
	int32_t		first;
	int32_t		last;
	int32_t		op;				/* what keeps or updates it; -1: it is deleted */
} SbMergeSlice;

typedef struct SbMergeSegment
{
	int32_t		top;			/* the row that wins, or -1 */
	int32_t		covering;		/* rows that cover it */
	int32_t		slice;			/* the slice that covers it, or -1 */
	int32_t		hits;			/* segments before this one that a slice
								 * covers */
	int32_t		writes;			/* … and that are written */
	bool		kept;			/* belongs to the result */
} SbMergeSegment;

typedef enum SbMergeAct
{
	SB_MERGE_KEEP,
	SB_MERGE_UPDATE,
	SB_MERGE_INSERT
} SbMergeAct;

/* A slice of the result: the segments first … last; the columns are those of last. */
typedef struct SbMergeOp
{
	SbMergeAct	act;
	int32_t		first;
	int32_t		last;
	int32_t		slice;			/* the first slice below it, or -1 */
	bool		shrinks;		/* an update that stays within its slice */
} SbMergeOp;

/* A bound of a row or, numbered on after the rows, of a slice. */
typedef struct SbMergeEvent
{
	SbCut		cut;
	int32_t		owner;
	bool		ends;
} SbMergeEvent;

typedef struct SbMergePlan
{
	const SbOrder *order;
	SbMergeRules rules;
	int32_t		nrows;
	SbMergeRow *rows;
	int32_t		nslices;
	SbMergeSlice *slices;

	/* the result */
	int32_t		nsegments;
	SbMergeSegment *segments;	/* one more than there are: sums for the end */
	SbCut	   *cuts;			/* segment i lies between cuts i and i + 1 */
	int32_t		nops;
	SbMergeOp  *ops;

	/* what covers the segment where sb_merge_walk() stands, in order */
	int32_t		nactive_rows;
	int32_t    *active_rows;
	int32_t		nactive_slices;
	int32_t    *active_slices;

	/* its own */
	int32_t		nevents;
	int32_t		event;
	int32_t		segment;
	SbMergeEvent *events;
	SbMergeEvent *scratch;
} SbMergePlan;

/* Have two neighbouring segments the same columns?  Segment and slice? */
typedef bool (*SbMergeSame) (void *arg, int32_t segment, int32_t other);

extern size_t sb_merge_size(int32_t nrows, int32_t nslices);
extern void sb_merge_init(SbMergePlan *plan, void *memory, const SbOrder *order, SbMergeRules rules,
						  int32_t nrows, int32_t nslices);
extern void sb_merge_cut(SbMergePlan *plan);
extern void sb_merge_walk_start(SbMergePlan *plan);
extern bool sb_merge_walk(SbMergePlan *plan);
extern void sb_merge_join(SbMergePlan *plan, SbMergeSame same_segments, SbMergeSame same_slice, void *arg);
extern SbMergeFate sb_merge_fate(const SbMergePlan *plan, int32_t row);

#endif							/* STATBUS_MERGE_PLAN_H */

/*-------------------------------------------------------------------------
 *
 * temporal_unique.h
 *	  What the parts of the check of temporal unique keys share.
 *
 * IDENTIFICATION
 *	  src/temporal_unique.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_TEMPORAL_UNIQUE_H
#define STATBUS_TEMPORAL_UNIQUE_H

#include "temporal_key.h"

#include "nodes/execnodes.h"

/* So many key values a walk over a batch's part of the index may find suspicious before it gives up. */
#define UNIQUE_SUSPECTS	64

/* How the values of a key column compare. */
typedef struct UniqueColumn
{
	AttrNumber	attnum;
	bool		plain;			/* by value, equal when the Datums are */
	bool		by_value;
	int16		length;
	FmgrInfo	compare;		/* of its btree, unless plain */
	Oid			collation;
} UniqueColumn;

/* A row to check, or with `whole` every row of the key value. */
typedef struct UniqueRow
{
	SbInterval	cuts;
	SbCut		reach;			/* latest end of this row and those before it */
	bool		whole;
	bool		found;			/* still there when it was checked */
	uint32		nulls;			/* bit by key column */
	Datum		keys[FLEXIBLE_ARRAY_MEMBER];
} UniqueRow;

/* One check of one key. */
typedef struct UniqueCheck
{
	Relation	relation;
	const TemporalUnique *key;
	const PeriodType *type;
	int			count;			/* key columns */
	UniqueColumn columns[INDEX_MAX_KEYS];
	bool		validate;		/* every pair of rows counts, not only those
								 * with an own row */
	EState	   *estate;			/* of the index's predicate */
	ExprState  *predicate;		/* NULL: all rows count */
	TemporalScan *scan;			/* NULL until needed */
	MemoryContext batch;		/* holds rows; NULL until needed */
	UniqueRow **rows;
	int			row_count;
	int			row_limit;
} UniqueCheck;

extern UniqueRow *temporal_unique_add(UniqueCheck *check, const Datum *keys, uint32 nulls,
									  const SbInterval *cuts);
extern void temporal_unique_flush(UniqueCheck *check);
extern void temporal_unique_group(UniqueCheck *check, UniqueRow **rows, int count);
extern bool temporal_unique_walk_pays(const UniqueCheck *check, double rows);
extern void temporal_unique_walk(UniqueCheck *check);
extern int	temporal_unique_walk_range(UniqueCheck *check, int64 *suspects, int *nsuspects);

#endif							/* STATBUS_TEMPORAL_UNIQUE_H */

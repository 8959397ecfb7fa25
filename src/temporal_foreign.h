/*-------------------------------------------------------------------------
 *
 * temporal_foreign.h
 *	  Temporal foreign keys: what their files share.
 *
 * Nobody locks tuples here.  Both sides write first and then look with a dirty
 * snapshot: a child that relies on a parent somebody else is writing waits for
 * him, and who takes time away from a parent waits for the children that
 * somebody else is writing into it.  Of two that meet at least one looks
 * after both have written, and sees the other.
 *
 * IDENTIFICATION
 *	  src/temporal_foreign.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_TEMPORAL_FOREIGN_H
#define STATBUS_TEMPORAL_FOREIGN_H

#include "coverage.h"
#include "temporal_key.h"

/* One side's key columns as values. */
typedef struct ForeignSide
{
	Relation	relation;
	const TemporalColumns *columns;
	Oid			types[INDEX_MAX_KEYS];	/* base types */
	bool		by_value[INDEX_MAX_KEYS];
	int16		lengths[INDEX_MAX_KEYS];
	Oid			collations[INDEX_MAX_KEYS];
	FmgrInfo	compare[INDEX_MAX_KEYS];
	bool		integer;		/* one key column, of an integer type */
} ForeignSide;

/* The work on one foreign key for one statement or row. */
typedef struct ForeignCheck
{
	TemporalForeign key;		/* a copy: the cache may change while we wait */
	ForeignSide child;
	ForeignSide parent;
	const PeriodType *type;		/* of the parent's period */
	MemoryContext context;		/* as long as the check */
	MemoryContext scratch;		/* reset for each key value */
} ForeignCheck;

/* A key and a period of one row of a transition table. */
typedef struct ForeignItem
{
	SbInterval	cuts;			/* of a regular child all time */
	Datum		keys[FLEXIBLE_ARRAY_MEMBER];
} ForeignItem;

/* Items of one side, sorted by key and then by the end of the period. */
typedef struct ForeignBatch
{
	ForeignCheck *check;
	const ForeignSide *side;
	Size		item_size;
	char	   *items;
	int			count;
	int			room;
	Size		used;			/* bytes of values that are not in the items */
	MemoryContext context;		/* of those values */
} ForeignBatch;

/* Growing list of intervals in descending order. */
typedef struct ForeignIslands
{
	SbInterval *items;
	int			count;
	int			room;
} ForeignIslands;

/* What the parent's rows say about a stretch of time of one key value. */
typedef struct ForeignCover
{
	ForeignIslands solid;		/* live and own rows */
	ForeignIslands possible;	/* and what others are writing */
	TemporalRow *busy;			/* whom one may wait for */
	int			busy_count;
	int			busy_room;
} ForeignCover;

/* A child that loses time to a cascade. */
typedef struct ForeignLoss
{
	ItemPointerData tid;
	SbInterval	cuts;
	int			count;			/* pieces that it keeps, in descending order */
	SbInterval *kept;
} ForeignLoss;

/* How often to look again when transactions end meanwhile, before a violation is believed. */
#define FOREIGN_LOOKS	100

#define FOREIGN_ITEM(batch, i) ((ForeignItem *) ((batch)->items + (Size) (i) * (batch)->item_size))

/* temporal_foreign.c */
extern ForeignCheck *foreign_check_begin(const TemporalForeign *key);
extern void foreign_check_end(ForeignCheck *check);
extern bool foreign_convert_keys(const ForeignSide *from, const ForeignSide *to,
								 const Datum *keys, Datum *result);
extern void foreign_raise_child(ForeignCheck *check, const Datum *keys, const SbInterval *cuts);
extern void foreign_raise_parent(ForeignCheck *check, const Datum *keys, const SbInterval *cuts);

/* temporal_foreign_batch.c */
extern ForeignBatch *foreign_batch_begin(ForeignCheck *check, const ForeignSide *side);
extern void foreign_batch_reset(ForeignBatch *batch);
extern bool foreign_batch_full(const ForeignBatch *batch);
extern bool foreign_slot_keys(const ForeignSide *side, TupleTableSlot *slot, Datum *keys);
extern void foreign_batch_add(ForeignBatch *batch, const Datum *keys, const SbInterval *cuts);
extern void foreign_batch_sort(ForeignBatch *batch);
extern bool foreign_same_keys(const ForeignSide *side, const Datum *x, const Datum *y);
extern int	foreign_compare_keys(const ForeignSide *side, const Datum *x, const Datum *y);
extern int	foreign_batch_group(const ForeignBatch *batch, int last);

/* temporal_foreign_cover.c */
extern TemporalScan *foreign_scan_begin(ForeignCheck *check, const ForeignSide *side);
extern void foreign_scan_seek(ForeignCheck *check, TemporalScan *scan, const Datum *keys, const SbCut *before);
extern bool foreign_scan_next(ForeignCheck *check, TemporalScan *scan, TemporalRow *row);
extern void foreign_islands_add(const PeriodType *type, ForeignIslands *islands, SbInterval cuts);
extern SbInterval foreign_cuts_copy(const PeriodType *type, SbInterval cuts);
extern void foreign_cover_load(ForeignCheck *check, TemporalScan *scan, const Datum *keys,
							   const SbInterval *span, ForeignCover *cover);
extern void foreign_cover_wait(ForeignCheck *check, TemporalScan *scan, const ForeignCover *cover,
							   const SbInterval *span);

/* temporal_foreign_child.c */
extern void foreign_batch_add_child(ForeignBatch *batch, TupleTableSlot *slot);
extern void foreign_batch_check_children(ForeignBatch *batch);
extern void foreign_check_children(ForeignCheck *check, Tuplestorestate *rows);
extern void foreign_check_child(ForeignCheck *check, TupleTableSlot *row);

/* temporal_foreign_parent.c */
extern void foreign_check_parents(ForeignCheck *check, Tuplestorestate *old_rows, Tuplestorestate *new_rows);
extern void foreign_check_parent(ForeignCheck *check, TupleTableSlot *old_row, TupleTableSlot *new_row);
extern void foreign_check_truncate(ForeignCheck *check);

/* temporal_foreign_cascade.c */
extern bool foreign_cascade(ForeignCheck *check, List *losses);

/* temporal_foreign_validate.c */
extern void temporal_foreign_validate(const TemporalForeign *key);

#endif							/* STATBUS_TEMPORAL_FOREIGN_H */

/*-------------------------------------------------------------------------
 *
 * temporal_key.h
 *	  Temporal keys: what the checks of unique and foreign keys share.
 *
 * A key is written down in the catalogue by its triggers (their UPDATE OF
 * list, their FROM table, their arguments) and its index, so that PostgreSQL
 * renames, dumps and drops it.  temporal_key.c reads that into a TemporalKeySet
 * per relation and keeps it until an invalidation arrives.
 *
 * IDENTIFICATION
 *	  src/temporal_key.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_TEMPORAL_KEY_H
#define STATBUS_TEMPORAL_KEY_H

#include "statbus.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "utils/rel.h"

#include "period.h"

/* The columns of one side of a key. */
typedef struct TemporalColumns
{
	int			count;			/* key columns, without the period */
	AttrNumber	keys[INDEX_MAX_KEYS];
	AttrNumber	period;			/* the range column; invalid: a regular table */
	AttrNumber	from;			/* the columns it is generated from, or
								 * invalid */
	AttrNumber	until;
	const PeriodType *type;		/* NULL for a regular table */
	Oid			index;			/* btree (keys…, from, until) or (keys…,
								 * period) */
	bool		is_prefix;		/* of the index: rows of a value do not come
								 * by their start */
} TemporalColumns;

typedef struct TemporalUnique
{
	NameData	name;
	Oid			trigger;
	TemporalColumns columns;
	bool		nulls_not_distinct;
	bool		deferrable;		/* checked by its row trigger, not per
								 * statement */
	bool		partial;		/* its index has a predicate */
	bool		enabled;
	bool		own_index;		/* made with the key, to be dropped with it */
	int			watched_count;	/* columns whose UPDATE fires its trigger */
	int16	   *watched;
} TemporalUnique;

typedef struct TemporalForeign
{
	NameData	name;			/* of the child's trigger, as it is now */
	Oid			child;			/* relations */
	Oid			parent;
	Oid			child_trigger;	/* the pair of constraint triggers */
	Oid			parent_trigger;
	TemporalColumns child_columns;	/* no period: a regular table */
	TemporalColumns parent_columns;
	bool		cascade;
	bool		deferrable;
	bool		enabled;		/* the trigger of this set's side is not
								 * disabled */
} TemporalForeign;

typedef struct TemporalKeySet
{
	Oid			relation;
	int			unique_count;
	TemporalUnique *uniques;
	int			child_count;	/* foreign keys of this table */
	TemporalForeign *child_keys;
	int			parent_count;	/* foreign keys that reference this table */
	TemporalForeign *parent_keys;
} TemporalKeySet;

/* What a row met by a scan means to this transaction. */
typedef enum TemporalLiveness
{
	TEMPORAL_OWN,				/* written by this transaction, not deleted */
	TEMPORAL_LIVE,				/* committed, nobody is deleting it */
	TEMPORAL_INSERTING,			/* another transaction's, still in progress */
	TEMPORAL_DELETING			/* committed, another transaction is deleting
								 * or updating it */
} TemporalLiveness;

typedef struct TemporalRow
{
	SbInterval	cuts;			/* valid until the next row */
	TemporalLiveness liveness;
	TransactionId busy;			/* who inserts or deletes it; invalid: nobody */
	TransactionId writer;		/* who wrote it, of an own or live row */
	uint32		token;			/* speculative insertion token, or 0 */
	ItemPointerData tid;
} TemporalRow;

/*
 * A walk over the rows of one key value, from the right to the left, that sees
 * what is committed now and what is in progress (a dirty snapshot).  After
 * a seek each next() gives the next row whose period is not empty and begins
 * before the cut; rows come in descending order of their start.
 */
typedef struct TemporalScan TemporalScan;

extern const TemporalKeySet *temporal_keys_of(Relation relation);

extern Oid	temporal_key_index(Relation relation, const TemporalColumns *columns);
extern TemporalScan *temporal_scan_begin(Relation relation, const TemporalColumns *columns);
extern void temporal_scan_seek(TemporalScan *scan, const Datum *keys, const bool *nulls, const SbCut *before);
extern bool temporal_scan_next(TemporalScan *scan, TemporalRow *row);
extern void temporal_scan_release(TemporalScan *scan);	/* holds no page any
														 * more: before a wait */
extern void temporal_scan_end(TemporalScan *scan);
extern uint64 temporal_completions(void);
extern void temporal_wait(Relation relation, const TemporalRow *row);	/* until its transaction
																		 * has ended */

/* The period of a row; false when it is empty, or NULL in a range column. */
extern bool temporal_slot_period(const TemporalColumns *columns, TupleTableSlot *slot, SbInterval *cuts);

/* The statement trigger's parts. */
extern void temporal_unique_statement(TriggerData *trigger, const TemporalKeySet *set);
extern void temporal_foreign_statement(TriggerData *trigger, const TemporalKeySet *set);

/* "a, b" and "1, x" for DETAIL; NULL when the user may not see the row's columns. */
extern char *temporal_describe_columns(Relation relation, const TemporalColumns *columns);
extern char *temporal_describe_values(Relation relation, const TemporalColumns *columns,
									  const Datum *keys, const bool *nulls);
extern char *temporal_describe_period(const PeriodType *type, const SbInterval *cuts);

#endif							/* STATBUS_TEMPORAL_KEY_H */

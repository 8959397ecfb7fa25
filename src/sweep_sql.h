/*-------------------------------------------------------------------------
 *
 * sweep_sql.h
 *	  What the SQL faces of the sweeps (sweep.h) share.
 *
 * A sweep runs its query once (sweep_query_sql.c), sorts the rows
 * (sweep_rows_sql.c), walks over them group by group, and hands the pieces to
 * its result (sweep_result_sql.c), which fills a tuplestore or gives one row
 * per call.
 *
 * IDENTIFICATION
 *	  src/sweep_sql.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_SWEEP_SQL_H
#define STATBUS_SWEEP_SQL_H

#include "statbus.h"

#include "access/tupdesc.h"
#include "executor/execdesc.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "utils/array.h"
#include "utils/tuplestore.h"

#include "period.h"
#include "sweep.h"

/* A query that is about to be run, and which of its columns count. */
typedef struct SweepQuery
{
	char	   *text;
	QueryDesc  *desc;
	TupleDesc	columns;		/* what the query returns */
	int			nkeys;
	int			nvalues;
	AttrNumber *attnos;			/* keys, then values */
	AttrNumber	period;
	AttrNumber	last;			/* the last column that counts */
	const PeriodType *type;
} SweepQuery;

/* What happens with each row of a query. */
typedef void (*SweepReceive) (void *arg, TupleTableSlot *slot);

extern SweepQuery *sweep_query_open(const char *text);
extern void sweep_query_keys(SweepQuery *query, ArrayType *keys, const char *period);
extern void sweep_query_values(SweepQuery *query, ArrayType *values);
extern int	sweep_query_add_value(SweepQuery *query, const char *name);
extern void sweep_query_run(SweepQuery *query, SweepReceive receive, void *arg);
extern Form_pg_attribute sweep_query_column(const SweepQuery *query, int column);

/* One sorted row.  Valid until the next one is asked for, keys until the group after the next. */
typedef struct SweepRow
{
	SbInterval	cuts;
	bool		new_group;
	Datum	   *keys;
	bool	   *key_nulls;
	bool		null_key;		/* one of the keys is NULL */
	Datum	   *values;
	bool	   *nulls;
} SweepRow;

typedef struct SweepRows SweepRows;

extern SweepRows *sweep_rows_begin(const SweepQuery *query, bool may_pack);
extern void sweep_rows_put(void *rows, TupleTableSlot *slot);
extern void sweep_rows_sort(SweepRows *rows);
extern bool sweep_rows_next(SweepRows *rows, SweepRow *row);
extern int	sweep_rows_compare(SweepRows *a, const SweepRow *x, SweepRows *b, const SweepRow *y);
extern void sweep_rows_end(SweepRows *rows);

/* Records of 64-bit words, for keys and values that fit into them (sweep_packed_sql.c). */
typedef struct SweepPacked SweepPacked;

extern bool sweep_packable(const SweepQuery *query);
extern SweepPacked *sweep_packed_begin(const SweepQuery *query);
extern void sweep_packed_put(SweepPacked *packed, TupleTableSlot *slot, const SbInterval *cuts);
extern void sweep_packed_sort(SweepPacked *packed);
extern bool sweep_packed_next(SweepPacked *packed, SweepRow *row);
extern int	sweep_packed_compare(const SweepPacked *a, const SweepPacked *b);
extern void sweep_packed_end(SweepPacked *packed);

/* The pieces a sweep finds: keys, values, period. */
typedef struct SweepResult
{
	TupleDesc	desc;
	const PeriodType *type;
	Datum	   *values;			/* for the sweep to fill, all but the last */
	bool	   *nulls;
	Tuplestorestate *store;		/* or NULL: rows wait in the queue */

	/* private */
	bool		fixed;			/* values are by value and the period is of
								 * 32-bit points */
	MinimalTuple tuple;			/* for rows of a fixed shape */
	TupleTableSlot *slot;
	HeapTuple  *queue;
	int			queued;
	int			taken;
	int			queue_size;
	MemoryContext queue_context;
	MemoryContext row_context;
} SweepResult;

/* A sweep in progress. */
typedef struct Sweep
{
	MemoryContext context;
	SweepResult result;
	bool		(*step) (struct Sweep *sweep);	/* false when there is nothing
												 * left to do */
	void		(*end) (struct Sweep *sweep);	/* gives back what a memory
												 * context does not */
	void	   *state;
} Sweep;

typedef void (*SweepBegin) (FunctionCallInfo fcinfo, Sweep *sweep);

extern Datum sweep_call(FunctionCallInfo fcinfo, SweepBegin begin);
extern void sweep_result_shape(SweepResult *result, int ncolumns, const SweepQuery *query);
extern void sweep_result_column(SweepResult *result, int column, Form_pg_attribute attribute);
extern void sweep_result_keys(SweepResult *result, const SweepRow *row, int nkeys);
extern void sweep_result_put(SweepResult *result, const SbInterval *cuts);

/* The columns of rows that are open, by slot. */
typedef struct SweepSlots
{
	int			ncolumns;
	bool	   *byval;
	int16	   *length;
	bool		by_reference;	/* any of the columns is */
	int			size;
	int			used;
	int			nfree;
	int		   *free;
	Datum	   *values;
	bool	   *nulls;
	MemoryContext context;
} SweepSlots;

extern void sweep_slots_init(SweepSlots *slots, const SweepQuery *query);
extern int	sweep_slots_take(SweepSlots *slots, const Datum *values, const bool *nulls);
extern void sweep_slots_give(SweepSlots *slots, int slot);

extern const SweepMemory *sweep_memory(const PeriodType *type);
extern char *sweep_text_argument(FunctionCallInfo fcinfo, int number, const char *name);
extern const char *sweep_name_argument(FunctionCallInfo fcinfo, int number, const char *name);
extern ArrayType *sweep_names_argument(FunctionCallInfo fcinfo, int number, const char *name);
extern bool sweep_bool_argument(FunctionCallInfo fcinfo, int number, const char *name);

#endif							/* STATBUS_SWEEP_SQL_H */

/*-------------------------------------------------------------------------
 *
 * merge_internal.h
 *	  What the parts of a temporal merge share.
 *
 * Entities have numbers: those with a known identity come first, in the order
 * of their identities, which is the order in which slices are locked; new
 * entities follow in the order of their first source row.
 *
 * IDENTIFICATION
 *	  src/merge_internal.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_MERGE_INTERNAL_H
#define STATBUS_MERGE_INTERNAL_H

#include "merge.h"

#include "executor/spi.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "merge_plan.h"
#include "period.h"

/* What a segment has in a column. */
typedef enum MergeRule
{
	MERGE_RULE_SLICE,			/* the slice's value */
	MERGE_RULE_COMBINE,			/* the newest value that is not NULL, else the
								 * slice's */
	MERGE_RULE_GIVEN,			/* of the newest row that gives the column,
								 * NULL or not */
	MERGE_RULE_TOP,				/* the newest row's value, NULL or not */
	MERGE_RULE_TOP_FILLED,		/* the same, the default for NULL */
	MERGE_RULE_DEFAULT			/* the default where a row covers */
} MergeRule;

/* A column of the target that merge reads and writes. */
typedef struct MergeColumn
{
	const char *name;
	AttrNumber	attnum;
	Oid			type;
	int32		typmod;
	Oid			collation;
	int16		typlen;
	bool		typbyval;
	int			id_position;	/* in the identity, or -1 */
	int			source_attnum;	/* of the source, or 0 */
	bool		ephemeral;
	bool		natural;		/* in a natural key, but not in the identity */
	bool		not_null;
	bool		identity_always;
	bool		updated;		/* listed in UPDATE */
	MergeRule	rule;
	bool		fills;			/* a patch has the default where there is no
								 * slice */

	/* its default: a sequence or an expression */
	bool		has_default;
	Oid			sequence;
	ExprState  *expression;

	/* equality, or comparison as text */
	bool		integer;		/* compared as Datums */
	bool		as_text;
	FmgrInfo	equal;
	FmgrInfo	output;
} MergeColumn;

/*
 * Distinct tuples of values without NULLs, numbered from 0 as they come.
 */
typedef struct MergeValues
{
	MemoryContext context;
	int			width;
	bool		integer;		/* one column that is compared as Datum */
	int16	   *typlen;
	bool	   *typbyval;
	Oid		   *collations;
	FmgrInfo   *hash;
	FmgrInfo   *equal;
	int			count;
	int			capacity;
	Datum	   *values;			/* width each */
	uint32	   *hashes;
	uint32		mask;
	int32	   *slots;			/* number + 1; 0: free */
} MergeValues;

/* One set of columns that identifies. */
typedef struct MergeKey
{
	int			width;
	int		   *columns;		/* in MergeState.columns */
	MergeValues *values;		/* what rows without identity have there */
	int32	   *candidates;		/* per value: first in MergeState.candidates,
								 * or -1 */
	int			ncandidates;	/* how long that array is */
	int32	   *owners;			/* per value: the first row of a new entity */
} MergeKey;

/* An entity that a value of a natural key belongs to. */
typedef struct MergeCandidate
{
	int32		ident;
	int32		next;
} MergeCandidate;

/* What is wrong with a row's period. */
typedef enum MergeFault
{
	MERGE_FAULT_NONE,
	MERGE_FAULT_NULL,
	MERGE_FAULT_EMPTY,
	MERGE_FAULT_ENDS,
	MERGE_FAULT_REVERSED,
	MERGE_FAULT_DIFFERS,
	MERGE_FAULT_NO_START,
	MERGE_FAULT_NO_END
} MergeFault;

#define MERGE_ROW_GIVEN		1	/* its identity is complete */
#define MERGE_ROW_COMPLETE	2	/* so is a natural key */
#define MERGE_ROW_NO_ID		4	/* its row_id is NULL */

/* What is kept of every source row: 32 bytes. */
typedef struct MergeRow
{
	int64		row_id;
	const char *message;
	int32		ident;			/* in MergeState.idents, or -1 */
	int32		entity;			/* its number, or -1 */
	uint8		status;			/* MergeStatus, or MERGE_ROW_ACTS */
	uint8		flags;
	uint8		fault;			/* MergeFault */
	uint8		missing;		/* identity column + 1 that is NULL without a
								 * default */
} MergeRow;

#define MERGE_ROW_ACTS		100 /* a status: the row takes part */

/* Columns of the source's rows as read: these, then MergeState.columns. */
#define MERGE_SOURCE_ENTITY		0
#define MERGE_SOURCE_ROW		1
#define MERGE_SOURCE_ROW_ID		2
#define MERGE_SOURCE_FOUNDING	3
#define MERGE_SOURCE_RANGE		4
#define MERGE_SOURCE_FROM		5
#define MERGE_SOURCE_UNTIL		6
#define MERGE_SOURCE_AFTER		7
#define MERGE_SOURCE_GIVEN		8
#define MERGE_SOURCE_FIRST		9

/* Columns of the target's slices as read: these, then the payload. */
#define MERGE_SLICE_ENTITY		0
#define MERGE_SLICE_TID			1
#define MERGE_SLICE_RANGE		2
#define MERGE_SLICE_FIRST		3

/* Rows that a statement reads by name. */
typedef struct MergeStore
{
	const char *name;
	TupleDesc	desc;
	Tuplestorestate *rows;
	int64		count;
} MergeStore;

typedef struct MergeState
{
	const TemporalMergeCall *call;
	SbMergeRules rules;
	bool		combines;		/* a patch or an upsert */
	bool		drops_entities;
	MemoryContext context;		/* of the whole call */
	EState	   *estate;			/* defaults live here */
	ExprContext *econtext;

	/* the target */
	Relation	target;
	char	   *target_name;
	const PeriodType *period_type;
	AttrNumber	period;
	const char *from;			/* the columns the period is generated from */
	const char *until;
	bool		from_not_null;
	bool		until_not_null;
	int			npayload;		/* columns that are not identity come first */
	int			ncolumns;
	MergeColumn *columns;
	int			nids;
	int		   *ids;			/* identity: in columns */
	int			nkeys;
	MergeKey   *keys;
	bool		overriding;

	/* the source */
	TupleDesc	source_desc;
	Tuplestorestate *source;
	int			nrows;
	int			rows_capacity;
	MergeRow   *rows;
	int32	   *nodes;			/* nkeys per row: its value of each key, or -1 */
	int32	   *founding;		/* per row: value of the founding column, or
								 * -1 */
	int32	   *parents;		/* union-find over rows */

	/* entities */
	MergeValues *idents;
	int32	   *numbers;		/* ident → entity; NULL: the same */
	int32	   *ident_of;		/* the way back */
	int			ncandidates;
	int			candidates_capacity;
	MergeCandidate *candidates;
	int			nknown;			/* entities with a known identity */
	int			nentities;
	bool	   *there;			/* per known entity: it has slices */
	Datum	   *fresh;			/* identities of new entities */
	bool	   *is_fresh;		/* … that have one */

	/* the target's slices, ordered by entity */
	MergeStore	wanted;			/* entity, identity */
	TupleDesc	slice_desc;
	Tuplestorestate *slices;
	int64		nslices;
	uint64		slices_sum;		/* says whether two readings saw the same */

	/* what is to be written */
	bool		beyond;			/* some of it where its entity had no slice */
	MergeStore	deleted;
	MergeStore	shrunk;
	MergeStore	updated;
	MergeStore	inserted;
} MergeState;

/* merge_config_sql.c */
extern void merge_configure(MergeState *state);
extern Datum merge_default(MergeState *state, const MergeColumn *column, bool *is_null);
extern bool merge_same_value(const MergeColumn *column, Datum a, bool a_null, Datum b, bool b_null);
extern char *merge_equality(const MergeState *state, const MergeColumn *column,
							const char *left, const char *right);

/* merge_values_sql.c */
extern MergeValues *merge_values_new(const MergeState *state, int width, const int *columns);
extern MergeValues *merge_values_of_type(Oid type, Oid collation);
extern int	merge_values_find(MergeValues *values, const Datum *key, bool insert);

/* merge_source_sql.c */
extern void merge_read_source(MergeState *state);
extern bool merge_row_period(const MergeState *state, TupleTableSlot *slot, SbInterval *when, MergeFault *fault);

/* merge_identify_sql.c */
extern void merge_find_candidates(MergeState *state);
extern void merge_check_candidates(MergeState *state, Snapshot snapshot);
extern void merge_number_entities(MergeState *state);
extern void merge_rate_rows(MergeState *state);
extern Datum merge_entity_value(const MergeState *state, int entity, int position);

/* merge_slices_sql.c */
extern void merge_read_slices(MergeState *state);
extern bool merge_lock_new_entities(MergeState *state);
extern void merge_check_absent(MergeState *state, Snapshot snapshot);
extern void merge_unseen(const MergeState *state);

/* merge_sweep_sql.c */
extern void merge_sweep(MergeState *state);

/* merge_apply_sql.c */
extern void merge_forget_vouch(void);
extern SPIPlanPtr merge_plan_statement(const char *sql, bool one_by_one);
extern bool merge_one_by_one(const MergeState *state, int count, int width, const int *columns);
extern void merge_run_into(SPIPlanPtr plan, Tuplestorestate *rows);
extern void merge_run_at(SPIPlanPtr plan, Tuplestorestate *rows, Snapshot snapshot);
extern void merge_store_start(MergeStore *store, const char *name, TupleDesc desc);
extern void merge_store_name(MergeStore *store, double estimate);
extern void merge_start_stores(MergeState *state);
extern void merge_apply(MergeState *state);

/* merge_result_sql.c */
extern char *merge_entity_text(MergeState *state, int entity);
extern void merge_report(MergeState *state, Tuplestorestate *result, TupleDesc desc,
						 TemporalMergeOutcome *outcome);

#endif							/* STATBUS_MERGE_INTERNAL_H */

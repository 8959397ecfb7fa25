/*-------------------------------------------------------------------------
 *
 * merge.h
 *	  Temporal merge for callers in C.
 *
 * A source is something that can stand in FROM: a relation's quoted name, or
 * the name of rows in a tuplestore that the caller hands over.  Everything
 * acts as the current user's own INSERT, UPDATE and DELETE would.
 *
 * IDENTIFICATION
 *	  src/merge.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_MERGE_H
#define STATBUS_MERGE_H

#include "statbus.h"

#include "access/tupdesc.h"
#include "nodes/pg_list.h"
#include "utils/tuplestore.h"

/* In the order of the SQL enums of the same names. */
typedef enum MergeMode
{
	MERGE_ENTITY_UPSERT,
	MERGE_ENTITY_PATCH,
	MERGE_ENTITY_REPLACE,
	INSERT_NEW_ENTITIES,
	UPDATE_FOR_PORTION_OF,
	PATCH_FOR_PORTION_OF,
	REPLACE_FOR_PORTION_OF,
	DELETE_FOR_PORTION_OF
} MergeMode;

typedef enum MergeDeleteMode
{
	MERGE_DELETE_NONE,
	DELETE_MISSING_TIMELINE,
	DELETE_MISSING_ENTITIES,
	DELETE_MISSING_TIMELINE_AND_ENTITIES
} MergeDeleteMode;

typedef enum MergeStatus
{
	MERGE_APPLIED,
	MERGE_SKIPPED_IDENTICAL,
	MERGE_SKIPPED_FILTERED,
	MERGE_SKIPPED_NO_TARGET,
	MERGE_SKIPPED_ECLIPSED,
	MERGE_ERROR
} MergeStatus;

#define MERGE_STATUS_COUNT	6

/* What is wanted.  Names are char * in lists; nothing is changed or kept. */
typedef struct TemporalMergeCall
{
	Oid			target;
	const char *source;			/* quoted, as it stands in FROM */
	TupleDesc	source_desc;	/* the source's columns, by name */
	Tuplestorestate *source_rows;	/* its rows, when source is not a relation
									 * but a name for these; they are
									 * described by source_desc */
	double		source_count;	/* how many, for the planner */
	List	   *identity;		/* of char *; NIL: the first natural key */
	MergeMode	mode;
	MergeDeleteMode delete_mode;
	List	   *natural_keys;	/* of List of char * */
	const char *period;
	const char *row_id;			/* the source's column that orders and names
								 * its rows */
	const char *founding_id;	/* or NULL */
	List	   *ephemeral;		/* of char * */
	const char *given;			/* UPDATE_FOR_PORTION_OF: the source's column
								 * (bytea) that says which columns a row
								 * gives, NULL or not: bit n - 1 of column n
								 * of source_desc, the lowest bit of a byte
								 * first; or NULL */
} TemporalMergeCall;

/* What became of it. */
typedef struct TemporalMergeOutcome
{
	int64		rows[MERGE_STATUS_COUNT];	/* source rows by status */
	char	   *first_error;	/* message of the first row in ERROR, or NULL */
	int64		first_error_row;	/* its row_id */
} TemporalMergeOutcome;

/*
 * Merge.  With `result`, one row (row_id int8, status, entity jsonb, message
 * text) per source row goes there in the order of row_id, described by
 * result_desc.  Raises what the SQL function raises; unlike that it does not
 * try again when a key is violated.
 */
extern void temporal_merge(const TemporalMergeCall *call, Tuplestorestate *result,
						   TupleDesc result_desc, TemporalMergeOutcome *outcome);

/* Is a merge running in this backend?  A key's check asks. */
extern bool temporal_merge_is_running(void);

/* Does the merge that fires this trigger vouch that what it has written keeps a unique key? */
extern bool temporal_merge_vouches(Relation relation, const AttrNumber *keys, int count, AttrNumber period);

#endif							/* STATBUS_MERGE_H */

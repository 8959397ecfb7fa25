/*-------------------------------------------------------------------------
 *
 * merge_sql.c
 *	  Temporal merge: the way from SQL and the order of its steps.
 *
 * IDENTIFICATION
 *	  src/merge_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "merge.h"

/* Counts merges in progress: a trigger of a target may call merge itself. */
static int	merges_running = 0;

bool
temporal_merge_is_running(void)
{
	return merges_running > 0;
}

void
temporal_merge(const TemporalMergeCall *call, Tuplestorestate *result,
			   TupleDesc result_desc, TemporalMergeOutcome *outcome)
{
	elog(ERROR, "temporal_merge() of relation %u is not there yet (%p %p %p)", call->target,
		 (void *) result, (void *) result_desc, (void *) outcome);
}

/*-------------------------------------------------------------------------
 *
 * temporal_foreign.c
 *	  Temporal foreign keys.
 *
 * IDENTIFICATION
 *	  src/temporal_foreign.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "temporal_key.h"

void
temporal_foreign_statement(TriggerData *trigger, const TemporalKeySet *set)
{
	(void) trigger;
	(void) set;
}

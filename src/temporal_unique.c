/*-------------------------------------------------------------------------
 *
 * temporal_unique.c
 *	  Temporal unique keys.
 *
 * IDENTIFICATION
 *	  src/temporal_unique.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "temporal_key.h"

void
temporal_unique_statement(TriggerData *trigger, const TemporalKeySet *set)
{
	(void) trigger;
	(void) set;
}

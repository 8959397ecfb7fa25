/*-------------------------------------------------------------------------
 *
 * import_progress.h
 *	  How far the analysis of a job is, for other sessions to see.
 *
 * IDENTIFICATION
 *	  src/import_progress.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_PROGRESS_H
#define STATBUS_IMPORT_PROGRESS_H

#include "statbus.h"

typedef enum ImportPhase
{
	IMPORT_PHASE_READ,			/* all rows, for what they say of each other */
	IMPORT_PHASE_IDENTIFY,		/* what the register knows of them */
	IMPORT_PHASE_WRITE,			/* all rows again: judged and written */
	IMPORT_PHASE_UNDO			/* a job that is taken back: parts of 10,000 */
} ImportPhase;

/* As often as rows are counted for others. */
#define IMPORT_PROGRESS_ROWS 256

extern void import_progress(int32 job_id, ImportPhase phase, int64 rows);
extern void import_progress_end(void);

#endif							/* STATBUS_IMPORT_PROGRESS_H */

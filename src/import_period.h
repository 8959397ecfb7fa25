/*-------------------------------------------------------------------------
 *
 * import_period.h
 *	  The period of a row of a file.
 *
 * Pure, as import_cell.h is.
 *
 * IDENTIFICATION
 *	  src/import_period.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_PERIOD_H
#define STATBUS_IMPORT_PERIOD_H

#include "import_cell.h"

/* Findings that the period of a row can have at most. */
#define IMPORT_PERIOD_FINDINGS 8

/* How periods are written, and what is expected of them. */
typedef struct ImportPeriodPlan
{
	const SbDateFormat *formats;
	const char *const *format_names;
	int			nformats;
	int32_t		today;			/* days since 2000-01-01 */
	SbSlice    *open_ends;		/* what the last day says when there is none;
								 * an empty text: nothing */
	int			nopen_ends;
	SbSlice    *unknown_starts; /* what the first day says when it is not
								 * known */
	int			nunknown_starts;
} ImportPeriodPlan;

/* The period of a row; days are DateADT.  Without has_period all are 0. */
typedef struct ImportRowPeriod
{
	bool		has_period;
	int32_t		valid_from;
	int32_t		valid_to;		/* the last day; INT32_MAX: open */
	int32_t		valid_until;	/* the day after it */
} ImportRowPeriod;

extern ImportRowPeriod import_read_period(const ImportPeriodPlan *plan, SbSlice from, SbSlice to);
extern int	import_judge_period(const ImportPeriodPlan *plan, SbSlice from, SbSlice to,
								ImportFinding findings[IMPORT_PERIOD_FINDINGS], char hints[2][SB_HINT_SIZE]);

#endif							/* STATBUS_IMPORT_PERIOD_H */

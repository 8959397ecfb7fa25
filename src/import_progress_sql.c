/*-------------------------------------------------------------------------
 *
 * import_progress_sql.c
 *	  How far the analysis of a job is, for other sessions to see.
 *
 * The analysis is one transaction: nothing that it writes is seen before its
 * end.  What is seen at once is the progress of a backend, which the server
 * keeps for commands like VACUUM and shows by the kind of the command.  The kind
 * here is a number that is none of the server's, so that none of its views
 * takes it for something else.
 *
 * A subtransaction that fails, and a command of the server with a progress of
 * its own, end it; the next report begins it again.
 *
 * IDENTIFICATION
 *	  src/import_progress_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "statbus.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"

#include "import_progress.h"

#define PROGRESS_COMMAND_IMPORT ((ProgressCommandType) 0x5342)

/* The numbers of a progress. */
enum
{
	PROGRESS_JOB,
	PROGRESS_PHASE,
	PROGRESS_ROWS
};

static const char *const phase_names[] = {
	[IMPORT_PHASE_READ] = "read",
	[IMPORT_PHASE_IDENTIFY] = "identify",
	[IMPORT_PHASE_WRITE] = "write",
	[IMPORT_PHASE_UNDO] = "undo"
};

/* Say how far a job is: so many rows of a phase are done. */
void
import_progress(int32 job_id, ImportPhase phase, int64 rows)
{
	static const int index[] = {PROGRESS_JOB, PROGRESS_PHASE, PROGRESS_ROWS};
	const int64 values[] = {job_id, phase, rows};

	if (MyBEEntry == NULL)
		return;
	if (MyBEEntry->st_progress_command != PROGRESS_COMMAND_IMPORT)
		pgstat_progress_start_command(PROGRESS_COMMAND_IMPORT, InvalidOid);
	pgstat_progress_update_multi_param(lengthof(index), index, values);
}

/* Nothing is analysed or undone any more. */
void
import_progress_end(void)
{
	if (MyBEEntry != NULL && MyBEEntry->st_progress_command == PROGRESS_COMMAND_IMPORT)
		pgstat_progress_end_command();
}

PG_FUNCTION_INFO_V1(statbus_import_report_progress);

/* import.report_progress(job_id integer, phase text, rows bigint): as import_progress(); an unknown phase ends it. */
Datum
statbus_import_report_progress(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(1));

	for (int phase = 0; phase < (int) lengthof(phase_names); phase++)
	{
		if (strcmp(name, phase_names[phase]) == 0)
		{
			import_progress(PG_GETARG_INT32(0), (ImportPhase) phase, PG_GETARG_INT64(2));
			PG_RETURN_VOID();
		}
	}
	import_progress_end();
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(statbus_import_running);

/* import.running(): a row (job_id, phase, rows) per session that analyses a job of this database, or takes it back. */
Datum
statbus_import_running(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int			nbackends = pgstat_fetch_stat_numbackends();

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 1; i <= nbackends; i++)
	{
		const LocalPgBackendStatus *local = pgstat_get_local_beentry_by_index(i);
		const PgBackendStatus *entry = local == NULL ? NULL : &local->backendStatus;
		Datum		values[3];
		bool		nulls[3] = {false};
		int64		phase;

		if (entry == NULL || entry->st_databaseid != MyDatabaseId || entry->st_progress_command != PROGRESS_COMMAND_IMPORT)
			continue;
		phase = entry->st_progress_param[PROGRESS_PHASE];
		if (phase < 0 || phase >= (int64) lengthof(phase_names))
			continue;
		values[0] = Int32GetDatum((int32) entry->st_progress_param[PROGRESS_JOB]);
		values[1] = PointerGetDatum(cstring_to_text(phase_names[phase]));
		values[2] = Int64GetDatum(entry->st_progress_param[PROGRESS_ROWS]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

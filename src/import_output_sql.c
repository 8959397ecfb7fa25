/*-------------------------------------------------------------------------
 *
 * import_output_sql.c
 *	  Analysis of a job: what is written, rows of the data table and findings.
 *
 * Rows wait until a writer has enough of them, then all memory of theirs is
 * given back.  Findings go to import.bad_row.
 *
 * IDENTIFICATION
 *	  src/import_output_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_analyse.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

/* Columns of the table of findings. */
enum
{
	BAD_JOB_ID,
	BAD_ROW_ID,
	BAD_SOURCE_LINE,
	BAD_FINDINGS,
	BAD_COLUMNS
};

struct ImportOutput
{
	ImportJob  *job;
	Relation	data;
	Relation	bad;
	ImportWriter *data_writer;
	ImportWriter *bad_writer;
	ImportTargets *targets;
};

static Relation open_data(const ImportJob *job);
static void check_empty(Relation relation);
static void lock_job(const ImportJob *job);
static Relation open_bad_row(const ImportJob *job);
static void store_file_findings(const ImportJob *job, Datum findings);

/* Open the data table, with the rights of whoever calls. */
static Relation
open_data(const ImportJob *job)
{
	Oid			relid = RangeVarGetRelid(makeRangeVar("import", job->data_table, -1), NoLock, false);
	AclResult	result = pg_class_aclcheck(relid, GetUserId(), ACL_INSERT);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_TABLE, job->data_table);
	if (check_enable_rls(relid, InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for table %s", job->data_table),
				 errdetail("Its rows are written by its owner alone.")));
	return table_open(relid, RowExclusiveLock);
}

/* Complain about rows that are there already: nothing else keeps a row from being written twice. */
static void
check_empty(Relation relation)
{
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, NULL);

	if (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("table \"%s\" has rows already", RelationGetRelationName(relation)),
				 errhint("A file is analysed once. Make a new job.")));
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
}

/*
 * Keep the job until the end of the transaction, as the foreign key of its
 * findings would: with the rights of the owner of the table of jobs, who runs
 * this one query and nothing of anybody else's.
 */
static void
lock_job(const ImportJob *job)
{
	Oid			relid = RangeVarGetRelid(makeRangeVar("import", "job", -1), RowShareLock, false);
	Relation	jobs = table_open(relid, NoLock);
	Oid			type = INT4OID;
	Datum		argument = Int32GetDatum(job->id);
	Oid			user;
	int			context;
	int			result;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(jobs->rd_rel->relowner, context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	result = SPI_execute_with_args("SELECT 1 FROM ONLY import.job AS j WHERE j.id OPERATOR(pg_catalog.=) $1 FOR KEY SHARE OF j",
								   1, &type, &argument, NULL, false, 1);
	SetUserIdAndSecContext(user, context);
	if (result != SPI_OK_SELECT || SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("import job %d does not exist", job->id)));
	SPI_freetuptable(SPI_tuptable);
	table_close(jobs, NoLock);
}

/*
 * Open the table of findings.  They are for reading: no role has the right to
 * write it.  Those of a job are written for its user, and for a superuser.
 */
static Relation
open_bad_row(const ImportJob *job)
{
	MemoryContext old = CurrentMemoryContext;
	bool		is_null = true;
	int32		caller = 0;

	if (SPI_execute("SELECT auth.caller_id()", false, 1) == SPI_OK_SELECT && SPI_processed == 1)
		caller = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	if (is_null || (caller != 1 && caller != job->user_id))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to write findings of job %d", job->id)));
	SPI_freetuptable(SPI_tuptable);
	lock_job(job);
	MemoryContextSwitchTo(old);
	return table_open(RangeVarGetRelid(makeRangeVar("import", "bad_row", -1), NoLock, false), RowExclusiveLock);
}

/* Open what is written.  SPI must be connected. */
ImportOutput *
import_output_open(ImportJob *job, TupleDesc stage_desc)
{
	ImportOutput *output = palloc0(sizeof(ImportOutput));

	output->job = job;
	output->data = open_data(job);
	check_empty(output->data);
	output->bad = open_bad_row(job);
	if (RelationGetDescr(output->bad)->natts != BAD_COLUMNS)
		elog(ERROR, "table \"%s\" has other columns than expected", RelationGetRelationName(output->bad));
	output->data_writer = import_writer_open(output->data, false);
	output->bad_writer = import_writer_open(output->bad, true);
	output->targets = import_targets_prepare(job, output->data, import_writer_estate(output->data_writer), stage_desc);
	return output;
}

/* Give a row to the writers, which write it with those before it when there are enough; what it lay in is given back. */
void
import_output_add(ImportOutput *output, ImportRecord *record)
{
	ImportRow  *row = &record->row;
	TupleTableSlot *slot = import_writer_slot(output->data_writer);
	bool		is_full;

	record->is_error = row->nerrors > 0 || (record->nnotes > 0 && record->notes[0].severity == IMPORT_ERROR);
	import_targets_fill(output->targets, record, slot->tts_values, slot->tts_isnull);
	is_full = import_writer_add(output->data_writer);
	if (record->nnotes + row->nfindings > 0)
	{
		slot = import_writer_slot(output->bad_writer);
		memset(slot->tts_isnull, 0, sizeof(bool) * BAD_COLUMNS);
		slot->tts_values[BAD_JOB_ID] = Int32GetDatum(output->job->id);
		slot->tts_values[BAD_ROW_ID] = Int64GetDatum(record->row_id);
		slot->tts_values[BAD_SOURCE_LINE] = Int64GetDatum(record->source_line);
		slot->tts_values[BAD_FINDINGS] = import_pack_findings(record);
		is_full = import_writer_add(output->bad_writer) || is_full;
	}
	if (is_full)
		import_output_flush(output);
	MemoryContextReset(output->job->batch);
}

/* Add to what is kept of a file what its analysis says of it as a whole. */
static void
store_file_findings(const ImportJob *job, Datum findings)
{
	Oid			types[2] = {INT4OID, JSONBOID};
	Datum		arguments[2] = {Int32GetDatum(job->id), findings};

	if (SPI_execute_with_args("SELECT import.store_findings($1, ARRAY[0::bigint], ARRAY[NULL::bigint], ARRAY[$2])",
							  2, types, arguments, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not keep the findings of the file");
	SPI_freetuptable(SPI_tuptable);
}

/*
 * After all rows, what they say together: findings of the file, which is row
 * 0.  What the reading of the file found stands there already.
 */
void
import_output_add_file(ImportOutput *output, ImportRecord *record)
{
	MemoryContext old = MemoryContextSwitchTo(output->job->batch);

	import_output_flush(output);
	record->nnotes = 0;
	import_judge_file(&output->job->plan, &record->row);
	if (record->row.nfindings > 0)
		store_file_findings(output->job, import_pack_findings(record));
	MemoryContextSwitchTo(old);
}

/* Write the rows that wait. */
void
import_output_flush(ImportOutput *output)
{
	import_writer_flush(output->data_writer);
	import_writer_flush(output->bad_writer);
}

/* Write the rest and close the tables; the locks stay until the end of the transaction. */
void
import_output_close(ImportOutput *output)
{
	import_writer_close(output->data_writer);
	import_writer_close(output->bad_writer);
	table_close(output->bad, NoLock);
	table_close(output->data, NoLock);
}

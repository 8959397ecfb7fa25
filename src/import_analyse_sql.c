/*-------------------------------------------------------------------------
 *
 * import_analyse_sql.c
 *	  Analysis of a job, third stage: every cell parsed, judged and looked up,
 *	  and each row of the data table written once.
 *
 * Three queries are read side by side: the rows as the first stage left them,
 * which is in the order of the file, what the second stage found out about each,
 * and the findings it noted.  Rows are kept until a writer has enough of them;
 * then all memory of theirs is given back, so that a long file takes no more than
 * a short one.
 *
 * IDENTIFICATION
 *	  src/import_analyse_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_analyse.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"
#include "utils/rls.h"

/* Rows that a query gives at once. */
#define READER_ROWS 1000

/* Memory of rows that are not written yet, after which they are. */
#define BATCH_BYTES (4 * 1024 * 1024)

/* Columns of the query of the file before its cells: row_id, source_line. */
#define SOURCE_CELLS 2

/* Columns of the table of findings. */
#define BAD_COLUMNS 3

/* Types of the columns that the query of rows always has. */
static const Oid stage_types[IMPORT_STAGE_MORE] = {
	[IMPORT_STAGE_ROW_ID] = INT8OID,
	[IMPORT_STAGE_FOUNDING] = INT8OID,
	[IMPORT_STAGE_BATCH] = INT4OID,
	[IMPORT_STAGE_IS_NEW] = BOOLOID,
	[IMPORT_STAGE_IS_COVERED] = BOOLOID,
	[IMPORT_STAGE_IS_SKIPPED] = BOOLOID,
	[IMPORT_STAGE_IS_REFUSED] = BOOLOID,
	[IMPORT_STAGE_VALID_FROM] = DATEOID,
	[IMPORT_STAGE_VALID_TO] = DATEOID,
	[IMPORT_STAGE_VALID_UNTIL] = DATEOID,
	[IMPORT_STAGE_LEGAL_UNIT] = INT4OID,
	[IMPORT_STAGE_ESTABLISHMENT] = INT4OID,
	[IMPORT_STAGE_LINK] = INT4OID,
	[IMPORT_STAGE_RELATIONSHIP] = INT4OID
};

/* A query that is read row by row. */
typedef struct ImportReader
{
	Portal		portal;
	SPITupleTable *table;
	uint64		count;
	uint64		next;
} ImportReader;

/* The whole stage. */
typedef struct ImportStage
{
	ImportJob  *job;
	ImportReader source;
	ImportReader rows;
	ImportReader notes;
	HeapTuple	noted;			/* the next note, of this or a later row */
	Relation	data;
	Relation	bad;
	ImportWriter *data_writer;
	ImportWriter *bad_writer;
	ImportTargets *targets;
	ImportRecord record;
	SbSlice    *cells;
	ImportValue *values;
} ImportStage;

static void reader_open(ImportReader *reader, const char *query);
static HeapTuple reader_next(ImportReader *reader);
static int64 reader_int64(const ImportReader *reader, HeapTuple tuple, int column);
static void reader_close(ImportReader *reader);
static void check_column(const ImportReader *reader, int column, Oid type);
static void run(const char *command);
static bool has_percentage_above_one(ImportJob *job);
static void open_readers(ImportStage *stage);
static void open_tables(ImportStage *stage);
static void flush(ImportStage *stage);
static void read_cells(ImportStage *stage, HeapTuple tuple);
static void read_row(ImportStage *stage);
static void read_notes(ImportStage *stage);
static void write_row(ImportStage *stage);
static void analyse_rows(ImportStage *stage);
static void open_stage(ImportStage *stage);
static void close_stage(ImportStage *stage);

/* Begin to read a query. */
static void
reader_open(ImportReader *reader, const char *query)
{
	memset(reader, 0, sizeof(*reader));
	reader->portal = SPI_cursor_open_with_args(NULL, query, 0, NULL, NULL, NULL, false, 0);
}

/*
 * The next row, which is good until READER_ROWS of them have been read; NULL
 * after the last.
 */
static HeapTuple
reader_next(ImportReader *reader)
{
	if (reader->next >= reader->count)
	{
		MemoryContext old = CurrentMemoryContext;

		if (reader->table != NULL)
			SPI_freetuptable(reader->table);
		SPI_cursor_fetch(reader->portal, true, READER_ROWS);
		reader->table = SPI_tuptable;
		reader->count = SPI_processed;
		reader->next = 0;
		MemoryContextSwitchTo(old);
		if (reader->count == 0)
			return NULL;
	}
	return reader->table->vals[reader->next++];
}

/* A bigint of a row, which is never NULL. */
static int64
reader_int64(const ImportReader *reader, HeapTuple tuple, int column)
{
	bool		is_null;
	Datum		value = statbus_getattr(tuple, column, reader->table->tupdesc, &is_null);

	if (is_null)
		elog(ERROR, "column %d of a row of the analysis is null", column);
	return DatumGetInt64(value);
}

/* End to read. */
static void
reader_close(ImportReader *reader)
{
	if (reader->table != NULL)
		SPI_freetuptable(reader->table);
	SPI_cursor_close(reader->portal);
}

/*
 * Check the type of a column: anybody may call the stage, with temporary tables
 * of his own making.
 */
static void
check_column(const ImportReader *reader, int column, Oid type)
{
	Form_pg_attribute att = TupleDescAttr(reader->portal->tupDesc, column);

	if (att->atttypid != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of the analysis is of type %s instead of %s",
						NameStr(att->attname), format_type_be(att->atttypid), format_type_be(type))));
}

/* Run a command that gives no rows. */
static void
run(const char *command)
{
	int			result = SPI_execute(command, false, 0);

	if (result < 0)
		elog(ERROR, "could not run \"%s\": %s", command, SPI_result_code_string(result));
	if (SPI_tuptable != NULL)
		SPI_freetuptable(SPI_tuptable);
}

/* Does the file hold a percentage above one? */
static bool
has_percentage_above_one(ImportJob *job)
{
	const char *name = quote_identifier(job->raw_names[job->percentage]);
	ImportReader reader;
	HeapTuple	tuple;
	bool		found = false;

	reader_open(&reader, psprintf("SELECT s.%s FROM pg_temp.import_source AS s WHERE s.%s IS NOT NULL", name, name));
	check_column(&reader, 0, TEXTOID);
	while (!found && (tuple = reader_next(&reader)) != NULL)
	{
		bool		is_null;
		text	   *cell = DatumGetTextPP(statbus_getattr(tuple, 1, reader.table->tupdesc, &is_null));

		CHECK_FOR_INTERRUPTS();
		found = import_percentage_above_one(&job->plan, (SbSlice)
											{
												VARDATA_ANY(cell), VARSIZE_ANY_EXHDR(cell)
											});
	}
	reader_close(&reader);
	return found;
}

/* Begin to read the three queries. */
static void
open_readers(ImportStage *stage)
{
	ImportJob  *job = stage->job;
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT s.row_id, s.source_line");
	for (int i = 0; i < job->plan.ncolumns; i++)
		appendStringInfo(&query, ", s.%s", quote_identifier(job->raw_names[i]));
	appendStringInfoString(&query, " FROM pg_temp.import_source AS s");
	reader_open(&stage->source, query.data);
	check_column(&stage->source, 0, INT8OID);
	check_column(&stage->source, 1, INT8OID);
	for (int i = 0; i < job->plan.ncolumns; i++)
		check_column(&stage->source, SOURCE_CELLS + i, TEXTOID);

	resetStringInfo(&query);
	appendStringInfo(&query, "SELECT r.row_id, r.founding_row_id, r.batch_seq, r.is_new, r.is_covered, r.is_skipped, r.is_refused,"
					 " r.valid_from, r.valid_to, r.valid_until, r.legal_unit_id, r.establishment_id, r.link_legal_unit_id, r.relationship_id%s"
					 " FROM pg_temp.import_row AS r%s ORDER BY r.row_id",
					 job->stage_select.data, job->stage_join.data);
	reader_open(&stage->rows, query.data);
	for (int i = 0; i < (int) lengthof(stage_types); i++)
		check_column(&stage->rows, i, stage_types[i]);
	reader_open(&stage->notes, "SELECT n.row_id, n.severity, n.finding FROM pg_temp.import_note AS n"
				" WHERE n.severity IN ('error', 'warning', 'info') AND n.finding IS NOT NULL"
				" ORDER BY n.row_id, CASE n.severity WHEN 'error' THEN 1 WHEN 'warning' THEN 2 ELSE 3 END,"
				" n.finding ->> 'column', n.finding ->> 'code', n.finding");
	check_column(&stage->notes, 0, INT8OID);
	check_column(&stage->notes, 1, TEXTOID);
	check_column(&stage->notes, 2, JSONBOID);
	stage->noted = reader_next(&stage->notes);
}

/* Open the data table, with the rights of whoever calls, and make the table of findings. */
static void
open_tables(ImportStage *stage)
{
	ImportJob  *job = stage->job;
	Oid			relid = RangeVarGetRelid(makeRangeVar("import", job->data_table, -1), NoLock, false);
	AclResult	result = pg_class_aclcheck(relid, GetUserId(), ACL_INSERT);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_TABLE, job->data_table);
	if (check_enable_rls(relid, InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for table %s", job->data_table),
				 errdetail("Its rows are written by its owner alone.")));
	stage->data = table_open(relid, RowExclusiveLock);

	run("SELECT import.drop_temporary('import_bad')");
	run("CREATE TEMPORARY TABLE import_bad (row_id bigint NOT NULL, source_line bigint NOT NULL, findings jsonb NOT NULL)");
	stage->bad = table_open(RangeVarGetRelid(makeRangeVar("pg_temp", "import_bad", -1), NoLock, false), RowExclusiveLock);
}

/* Write the rows that wait, and give their memory back. */
static void
flush(ImportStage *stage)
{
	import_writer_flush(stage->data_writer);
	import_writer_flush(stage->bad_writer);
	MemoryContextReset(stage->job->batch);
}

/* The cells of the next row of the file. */
static void
read_cells(ImportStage *stage, HeapTuple tuple)
{
	ImportRecord *record = &stage->record;
	int			ncolumns = stage->job->plan.ncolumns;

	heap_deform_tuple(tuple, stage->source.table->tupdesc, record->raw - SOURCE_CELLS, record->raw_nulls - SOURCE_CELLS);
	record->row_id = DatumGetInt64(record->raw[-SOURCE_CELLS]);
	record->source_line = DatumGetInt64(record->raw[1 - SOURCE_CELLS]);
	for (int i = 0; i < ncolumns; i++)
	{
		struct varlena *cell;

		if (record->raw_nulls[i])
		{
			stage->cells[i].data = NULL;
			stage->cells[i].len = 0;
			continue;
		}
		cell = PG_DETOAST_DATUM_PACKED(record->raw[i]);
		record->raw[i] = PointerGetDatum(cell);
		stage->cells[i].data = VARDATA_ANY(cell);
		stage->cells[i].len = VARSIZE_ANY_EXHDR(cell);
	}
}

/* What the second stage found out about the row. */
static void
read_row(ImportStage *stage)
{
	ImportRecord *record = &stage->record;
	ImportRow  *row = &record->row;
	HeapTuple	tuple = reader_next(&stage->rows);
	TupleDesc	desc = stage->rows.table->tupdesc;
	bool		is_null;

	if (tuple == NULL || reader_int64(&stage->rows, tuple, IMPORT_STAGE_ROW_ID + 1) != record->row_id)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("row " INT64_FORMAT " of the analysis is missing or out of order", record->row_id)));
	record->stage = tuple;
	record->stage_desc = desc;
	row->is_new = DatumGetBool(statbus_getattr(tuple, IMPORT_STAGE_IS_NEW + 1, desc, &is_null));
	row->is_covered = DatumGetBool(statbus_getattr(tuple, IMPORT_STAGE_IS_COVERED + 1, desc, &is_null));
	row->is_skipped = DatumGetBool(statbus_getattr(tuple, IMPORT_STAGE_IS_SKIPPED + 1, desc, &is_null));
	row->is_refused = DatumGetBool(statbus_getattr(tuple, IMPORT_STAGE_IS_REFUSED + 1, desc, &is_null));
	row->valid_from = DatumGetDateADT(statbus_getattr(tuple, IMPORT_STAGE_VALID_FROM + 1, desc, &is_null));
	row->has_period = !is_null;
	row->valid_until = DatumGetDateADT(statbus_getattr(tuple, IMPORT_STAGE_VALID_UNTIL + 1, desc, &is_null));
}

/* The findings that were noted about the row. */
static void
read_notes(ImportStage *stage)
{
	ImportRecord *record = &stage->record;

	record->nnotes = 0;
	while (stage->noted != NULL && reader_int64(&stage->notes, stage->noted, 1) <= record->row_id)
	{
		TupleDesc	desc = stage->notes.table->tupdesc;
		bool		is_null;
		ImportNote *note;
		char	   *severity = text_to_cstring(DatumGetTextPP(statbus_getattr(stage->noted, 2, desc, &is_null)));

		if (record->nnotes == record->max_notes)
		{
			record->max_notes *= 2;
			record->notes = repalloc(record->notes, sizeof(ImportNote) * record->max_notes);
		}
		note = &record->notes[record->nnotes++];
		note->severity = *severity == 'e' ? IMPORT_ERROR : *severity == 'w' ? IMPORT_WARNING : IMPORT_INFO;
		note->finding = DatumGetJsonbPCopy(statbus_getattr(stage->noted, 3, desc, &is_null));
		if (!JB_ROOT_IS_OBJECT(note->finding))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("a finding is not an object")));
		stage->noted = reader_next(&stage->notes);
	}
}

/* Give the row to the writers. */
static void
write_row(ImportStage *stage)
{
	ImportRecord *record = &stage->record;
	ImportRow  *row = &record->row;
	TupleTableSlot *slot = import_writer_slot(stage->data_writer);
	bool		is_full;

	record->is_error = row->nerrors > 0 || (record->nnotes > 0 && record->notes[0].severity == IMPORT_ERROR);
	import_targets_fill(stage->targets, record, slot->tts_values, slot->tts_isnull);
	is_full = import_writer_add(stage->data_writer);
	if (record->nnotes + row->nfindings > 0)
	{
		slot = import_writer_slot(stage->bad_writer);
		slot->tts_values[0] = Int64GetDatum(record->row_id);
		slot->tts_values[1] = Int64GetDatum(record->source_line);
		slot->tts_values[2] = import_pack_findings(record);
		memset(slot->tts_isnull, 0, sizeof(bool) * BAD_COLUMNS);
		is_full = import_writer_add(stage->bad_writer) || is_full;
	}
	if (is_full || MemoryContextMemAllocated(stage->job->batch, false) > BATCH_BYTES)
		flush(stage);
}

/* Read, judge and write all rows. */
static void
analyse_rows(ImportStage *stage)
{
	ImportRecord *record = &stage->record;
	ImportJob  *job = stage->job;
	int			ncolumns = job->plan.ncolumns;
	HeapTuple	tuple;

	record->raw = (Datum *) palloc0(sizeof(Datum) * (ncolumns + SOURCE_CELLS)) + SOURCE_CELLS;
	record->raw_nulls = (bool *) palloc0(sizeof(bool) * (ncolumns + SOURCE_CELLS)) + SOURCE_CELLS;
	record->max_notes = 16;
	record->notes = palloc(sizeof(ImportNote) * record->max_notes);
	stage->cells = palloc0(sizeof(SbSlice) * (ncolumns + 1));
	stage->values = palloc0(sizeof(ImportValue) * (ncolumns + 1));
	record->row.cells = stage->cells;
	record->row.values = stage->values;

	MemoryContextSwitchTo(job->batch);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		/* cells of rows that wait lie in the rows that are read */
		if (stage->source.next >= stage->source.count)
			flush(stage);
		if ((tuple = reader_next(&stage->source)) == NULL)
			break;
		read_cells(stage, tuple);
		read_row(stage);
		read_notes(stage);
		record->row.findings = NULL;
		record->row.nfindings = record->row.nerrors = record->row.nwarnings = 0;
		import_judge_row(&job->plan, &record->row);
		write_row(stage);
	}
	MemoryContextSwitchTo(job->context);
}

/* Open all that is read and written, once the job is known. */
static void
open_stage(ImportStage *stage)
{
	MemoryContext context = stage->job->context;

	open_tables(stage);
	open_readers(stage);
	MemoryContextSwitchTo(context);
	stage->data_writer = import_writer_open(stage->data);
	stage->bad_writer = import_writer_open(stage->bad);
	stage->targets = import_targets_prepare(stage->job, stage->data, import_writer_estate(stage->data_writer),
											stage->rows.portal->tupDesc);
}

/* Write the rest and close it all; the locks stay until the end of the transaction. */
static void
close_stage(ImportStage *stage)
{
	import_writer_close(stage->data_writer);
	import_writer_close(stage->bad_writer);
	reader_close(&stage->source);
	reader_close(&stage->rows);
	reader_close(&stage->notes);
	table_close(stage->bad, NoLock);
	table_close(stage->data, NoLock);
}

PG_FUNCTION_INFO_V1(statbus_import_analyse_cells);

/*
 * Fill the data table of a job from what the first two stages left in temporary
 * tables, and pg_temp.import_bad with the findings.
 */
Datum
statbus_import_analyse_cells(PG_FUNCTION_ARGS)
{
	ImportStage stage;
	MemoryContext context;

	memset(&stage, 0, sizeof(stage));
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("import job NULL does not exist")));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	context = AllocSetContextCreate(CurrentMemoryContext, "import analysis", ALLOCSET_DEFAULT_SIZES);
	stage.job = import_read_job(PG_GETARG_INT32(0), context);
	MemoryContextSwitchTo(context);
	stage.job->batch = AllocSetContextCreate(context, "import analysis rows", ALLOCSET_DEFAULT_SIZES);
	stage.job->plan.all_percentages_small = stage.job->percentage >= 0 && !has_percentage_above_one(stage.job);
	open_stage(&stage);
	analyse_rows(&stage);
	close_stage(&stage);
	SPI_finish();
	PG_RETURN_VOID();
}

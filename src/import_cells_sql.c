/*-------------------------------------------------------------------------
 *
 * import_cells_sql.c
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
 *	  src/import_cells_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_analyse.h"
#include "import_progress.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"

/* Rows that a query gives at once. */
#define READER_ROWS 1000

/* Columns of the query of the file before its cells: row_id, source_line. */
#define SOURCE_CELLS 2

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
	ImportOutput *output;
	ImportRecord record;
	Datum	   *raw;			/* the query of the file */
	bool	   *raw_nulls;
	Datum	   *stage;			/* the query of rows */
	bool	   *stage_nulls;
	SbSlice    *cells;
	ImportValue *values;
} ImportStage;

static void reader_open(ImportReader *reader, const char *query);
static HeapTuple reader_next(ImportReader *reader);
static int64 reader_int64(const ImportReader *reader, HeapTuple tuple, int column);
static void reader_close(ImportReader *reader);
static void check_column(const ImportReader *reader, int column, Oid type);
static bool has_percentage_above_one(ImportJob *job);
static void open_readers(ImportStage *stage);
static void read_cells(ImportStage *stage, HeapTuple tuple);
static void read_row(ImportStage *stage);
static void read_notes(ImportStage *stage);
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

/* The cells of the next row of the file. */
static void
read_cells(ImportStage *stage, HeapTuple tuple)
{
	ImportRecord *record = &stage->record;
	int			ncolumns = stage->job->plan.ncolumns;

	heap_deform_tuple(tuple, stage->source.table->tupdesc, stage->raw, stage->raw_nulls);
	record->row_id = DatumGetInt64(stage->raw[0]);
	record->source_line = DatumGetInt64(stage->raw[1]);
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
		stage->raw[SOURCE_CELLS + i] = PointerGetDatum(cell);
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

	if (tuple == NULL || reader_int64(&stage->rows, tuple, IMPORT_STAGE_ROW_ID + 1) != record->row_id)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("row " INT64_FORMAT " of the analysis is missing or out of order", record->row_id)));
	heap_deform_tuple(tuple, stage->rows.table->tupdesc, stage->stage, stage->stage_nulls);
	row->is_new = DatumGetBool(stage->stage[IMPORT_STAGE_IS_NEW]);
	row->is_covered = DatumGetBool(stage->stage[IMPORT_STAGE_IS_COVERED]);
	row->is_skipped = DatumGetBool(stage->stage[IMPORT_STAGE_IS_SKIPPED]);
	row->is_refused = DatumGetBool(stage->stage[IMPORT_STAGE_IS_REFUSED]);
	row->valid_from = DatumGetDateADT(stage->stage[IMPORT_STAGE_VALID_FROM]);
	row->valid_until = DatumGetDateADT(stage->stage[IMPORT_STAGE_VALID_UNTIL]);
	row->has_period = !stage->stage_nulls[IMPORT_STAGE_VALID_FROM];
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

/* Read, judge and write all rows. */
static void
analyse_rows(ImportStage *stage)
{
	ImportRecord *record = &stage->record;
	ImportJob  *job = stage->job;
	int			ncolumns = job->plan.ncolumns;
	HeapTuple	tuple;

	stage->raw = palloc0(sizeof(Datum) * (ncolumns + SOURCE_CELLS));
	stage->raw_nulls = palloc0(sizeof(bool) * (ncolumns + SOURCE_CELLS));
	stage->stage = palloc0(sizeof(Datum) * job->nstage);
	stage->stage_nulls = palloc0(sizeof(bool) * job->nstage);
	record->raw = stage->raw + SOURCE_CELLS;
	record->raw_nulls = stage->raw_nulls + SOURCE_CELLS;
	record->stage = stage->stage;
	record->stage_nulls = stage->stage_nulls;
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
			import_output_flush(stage->output);
		if ((tuple = reader_next(&stage->source)) == NULL)
			break;
		read_cells(stage, tuple);
		read_row(stage);
		if (record->row_id % IMPORT_PROGRESS_ROWS == 0)
			import_progress(job->id, IMPORT_PHASE_WRITE, record->row_id);
		read_notes(stage);
		record->row.cells = stage->cells;
		record->row.findings = NULL;
		record->row.nfindings = record->row.nerrors = record->row.nwarnings = 0;
		import_judge_row(&job->plan, &record->row);
		import_rules_judge(job, record);
		import_output_add(stage->output, record);
	}
	import_output_add_file(stage->output, record);
	MemoryContextSwitchTo(job->context);
}

/* Open all that is read and written, once the job is known. */
static void
open_stage(ImportStage *stage)
{
	MemoryContext context = stage->job->context;

	open_readers(stage);
	MemoryContextSwitchTo(context);
	stage->output = import_output_open(stage->job, stage->rows.portal->tupDesc, false);
	MemoryContextSwitchTo(context);
}

/* Write the rest and close it all. */
static void
close_stage(ImportStage *stage)
{
	import_output_close(stage->output);
	reader_close(&stage->source);
	reader_close(&stage->rows);
	reader_close(&stage->notes);
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

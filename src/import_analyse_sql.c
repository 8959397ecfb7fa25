/*-------------------------------------------------------------------------
 *
 * import_analyse_sql.c
 *	  Analysis of a job: its file read twice, each row of the data table and
 *	  its findings written once.
 *
 * What each part does is said in import_stage.h.  No part takes more memory
 * for a longer file, but for its identifiers.
 *
 * IDENTIFICATION
 *	  src/import_analyse_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_progress.h"
#include "import_stage.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"

/* The longest component of an identifier. */
#define COMPONENT_BYTES 255

/* What a row takes up at the most, nearly always: its memory is kept for the next one. */
#define ROW_BYTES (64 * 1024)

/* The whole analysis. */
typedef struct ImportAnalysis
{
	ImportJob  *job;
	ImportNotes *notes;
	ImportFile *file;
	ImportIdentify *identify;
	ImportOutput *output;
	ImportRecord record;
	int			note_room;
} ImportAnalysis;

/* Types of what is known of a row before its cells, in every mode. */
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

static TupleDesc stage_desc(const ImportJob *job);
static void read_rows(ImportAnalysis *analysis);
static void set_id(ImportRecord *record, int column, ImportId id);
static bool is_component(SbSlice cell);
static void set_path(ImportRecord *record, const ImportPath *path, int column, bool is_broken);
static void set_stage(ImportAnalysis *analysis, const ImportFileRow *row, const ImportFate *fate);
static void add_period_notes(ImportAnalysis *analysis, const ImportFileRow *row);
static void add_file_notes(ImportAnalysis *analysis, const ImportFileRow *row);
static void collect_notes(ImportAnalysis *analysis, const ImportFileRow *row);
static void open_record(ImportAnalysis *analysis);
static void write_rows(ImportAnalysis *analysis);

/* What is known of a row before its cells, as columns. */
static TupleDesc
stage_desc(const ImportJob *job)
{
	TupleDesc	desc = CreateTemplateTupleDesc(job->nstage);

	for (int i = 0; i < job->nstage; i++)
		TupleDescInitEntry(desc, (AttrNumber) (i + 1), NULL,
						   i < IMPORT_STAGE_MORE ? stage_types[i] : i < job->nstage - job->npaths ? INT4OID : TEXTOID, -1, 0);
	return desc;
}

/* Read all rows once, for what they say of each other. */
static void
read_rows(ImportAnalysis *analysis)
{
	ImportJob  *job = analysis->job;
	bool	   *wanted = palloc0(sizeof(bool) * (job->plan.ncolumns + 1));
	ImportFileRow row;

	import_identify_wants(analysis->identify, wanted);
	if (job->percentage >= 0)
		wanted[job->percentage] = true;
	import_file_want(analysis->file, wanted);
	job->plan.all_percentages_small = job->percentage >= 0;
	while (import_file_next(analysis->file, &row))
	{
		CHECK_FOR_INTERRUPTS();
		if (row.row_id % IMPORT_PROGRESS_ROWS == 0)
			import_progress(job->id, IMPORT_PHASE_READ, row.row_id);
		if (job->plan.all_percentages_small && row.cells[job->percentage].data != NULL)
			job->plan.all_percentages_small = !import_percentage_above_one(&job->plan, row.cells[job->percentage]);
		import_identify_add(analysis->identify, &row);
	}
}

/* A number of a row in the register. */
static void
set_id(ImportRecord *record, int column, ImportId id)
{
	record->stage[column] = Int32GetDatum(id.id);
	record->stage_nulls[column] = id.is_null;
}

/* Can a cell be a component of an identifier? */
static bool
is_component(SbSlice cell)
{
	if (cell.data == NULL || cell.len == 0 || cell.len > COMPONENT_BYTES)
		return false;
	for (size_t i = 0; i < cell.len; i++)
	{
		char		c = cell.data[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
			return false;
	}
	return true;
}

/* The path of an identifier of which all components are there and sound. */
static void
set_path(ImportRecord *record, const ImportPath *path, int column, bool is_broken)
{
	StringInfoData joined;

	record->stage[column] = (Datum) 0;
	record->stage_nulls[column] = true;
	if (is_broken || path->ncolumns == 0)
		return;
	for (int i = 0; i < path->ncolumns; i++)
		if (path->columns[i] < 0 || !is_component(record->row.cells[path->columns[i]]))
			return;
	initStringInfo(&joined);
	for (int i = 0; i < path->ncolumns; i++)
	{
		SbSlice		cell = record->row.cells[path->columns[i]];

		if (i > 0)
			appendStringInfoChar(&joined, '.');
		appendBinaryStringInfo(&joined, cell.data, (int) cell.len);
	}
	record->stage[column] = PointerGetDatum(cstring_to_text_with_len(joined.data, joined.len));
	record->stage_nulls[column] = false;
}

/* What became known of a row, as columns and for its judge. */
static void
set_stage(ImportAnalysis *analysis, const ImportFileRow *row, const ImportFate *fate)
{
	ImportRecord *record = &analysis->record;
	const ImportJob *job = analysis->job;
	Datum	   *stage = record->stage;
	int			first_path = job->nstage - job->npaths;

	stage[IMPORT_STAGE_ROW_ID] = Int64GetDatum(row->row_id);
	stage[IMPORT_STAGE_FOUNDING] = Int64GetDatum(fate->founding_row_id);
	stage[IMPORT_STAGE_BATCH] = Int32GetDatum(fate->batch_seq);
	stage[IMPORT_STAGE_IS_NEW] = BoolGetDatum(fate->is_new);
	stage[IMPORT_STAGE_IS_COVERED] = BoolGetDatum(fate->is_covered);
	stage[IMPORT_STAGE_IS_SKIPPED] = BoolGetDatum(fate->is_skipped);
	stage[IMPORT_STAGE_IS_REFUSED] = BoolGetDatum(fate->is_refused);
	stage[IMPORT_STAGE_VALID_FROM] = DateADTGetDatum(row->valid_from);
	stage[IMPORT_STAGE_VALID_TO] = DateADTGetDatum(row->valid_to);
	stage[IMPORT_STAGE_VALID_UNTIL] = DateADTGetDatum(row->valid_until);
	for (int i = IMPORT_STAGE_VALID_FROM; i <= IMPORT_STAGE_VALID_UNTIL; i++)
		record->stage_nulls[i] = !row->has_period;
	set_id(record, IMPORT_STAGE_LEGAL_UNIT, fate->legal_unit);
	set_id(record, IMPORT_STAGE_ESTABLISHMENT, fate->establishment);
	set_id(record, IMPORT_STAGE_LINK, fate->link_legal_unit);
	set_id(record, IMPORT_STAGE_RELATIONSHIP, fate->relationship);
	if (first_path > IMPORT_STAGE_MORE)
	{
		set_id(record, IMPORT_STAGE_MORE, fate->influencing);
		set_id(record, IMPORT_STAGE_MORE + 1, fate->influenced);
	}
	for (int i = 0; i < job->npaths; i++)
		set_path(record, &job->paths[i], first_path + i, row->is_broken);

	record->row.is_new = fate->is_new;
	record->row.is_covered = fate->is_covered;
	record->row.is_skipped = fate->is_skipped;
	record->row.is_refused = fate->is_refused;
	record->row.valid_from = row->valid_from;
	record->row.valid_until = row->valid_until;
	record->row.has_period = row->has_period;
}

/* What is to be said of the period of a row. */
static void
add_period_notes(ImportAnalysis *analysis, const ImportFileRow *row)
{
	ImportRecord *record = &analysis->record;
	ImportFinding findings[IMPORT_PERIOD_FINDINGS];
	char		hints[2][SB_HINT_SIZE];
	SbSlice		from;
	SbSlice		to;
	int			count;

	import_file_period_cells(analysis->file, row, &from, &to);
	count = import_judge_period(import_file_periods(analysis->file), from, to, findings, hints);
	for (int i = 0; i < count; i++)
	{
		ImportNote	note = {findings[i].severity, import_finding_jsonb(&findings[i])};

		import_notes_append(&record->notes, &record->nnotes, &analysis->note_room, note);
	}
}

/* What was to be said of a row when the file was read. */
static void
add_file_notes(ImportAnalysis *analysis, const ImportFileRow *row)
{
	ImportRecord *record = &analysis->record;
	JsonbContainer *array = &row->findings->root;

	for (uint32 i = 0; JsonContainerIsArray(array) && i < JsonContainerSize(array); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);
		JsonbValue	severity;
		ImportNote	note;

		if (element->type != jbvBinary || !JsonContainerIsObject(element->val.binary.data) ||
			getKeyJsonValueFromContainer(element->val.binary.data, "severity", 8, &severity) == NULL ||
			severity.type != jbvString || severity.val.string.len == 0)
			continue;
		note.severity = severity.val.string.val[0] == 'e' ? IMPORT_ERROR :
			severity.val.string.val[0] == 'w' ? IMPORT_WARNING : IMPORT_INFO;
		note.finding = JsonbValueToJsonb(element);
		import_notes_append(&record->notes, &record->nnotes, &analysis->note_room, note);
	}
}

/* All that was to be said of a row before its cells; of a skipped row's period nothing is. */
static void
collect_notes(ImportAnalysis *analysis, const ImportFileRow *row)
{
	ImportRecord *record = &analysis->record;

	record->nnotes = 0;
	import_notes_of_row(analysis->notes, row->row_id, &record->notes, &record->nnotes, &analysis->note_room);
	if (!row->has_plain_period && !row->is_blank && !row->is_broken)
		add_period_notes(analysis, row);
	if (row->findings != NULL)
		add_file_notes(analysis, row);
	import_notes_order(record->notes, record->nnotes);
}

/* Make room for the row on its way. */
static void
open_record(ImportAnalysis *analysis)
{
	ImportRecord *record = &analysis->record;
	const ImportJob *job = analysis->job;

	record->stage = palloc0(sizeof(Datum) * job->nstage);
	record->stage_nulls = palloc0(sizeof(bool) * job->nstage);
	record->row.values = palloc0(sizeof(ImportValue) * (job->plan.ncolumns + 1));
	analysis->note_room = 16;
	record->notes = palloc(sizeof(ImportNote) * analysis->note_room);
}

/* Read all rows again, judge and write them. */
static void
write_rows(ImportAnalysis *analysis)
{
	ImportRecord *record = &analysis->record;
	ImportJob  *job = analysis->job;
	ImportFileRow row;
	ImportFate	fate;

	open_record(analysis);
	import_file_rewind(analysis->file);
	MemoryContextSwitchTo(job->batch);
	while (import_file_next(analysis->file, &row))
	{
		CHECK_FOR_INTERRUPTS();
		if (row.row_id % IMPORT_PROGRESS_ROWS == 0)
			import_progress(job->id, IMPORT_PHASE_WRITE, row.row_id);
		import_identify_next(analysis->identify, &fate);
		record->row_id = row.row_id;
		record->source_line = row.source_line;
		record->raw = row.raw;
		record->raw_nulls = row.raw_nulls;
		record->row.cells = row.cells;
		record->row.erased_before = row.erased;
		record->row.findings = NULL;
		record->row.nfindings = record->row.nerrors = record->row.nwarnings = 0;
		set_stage(analysis, &row, &fate);
		collect_notes(analysis, &row);
		import_judge_row(&job->plan, &record->row);
		import_rules_judge(job, record);
		import_output_add(analysis->output, record);
	}
	import_output_add_file(analysis->output, record);
	MemoryContextSwitchTo(job->context);
}

PG_FUNCTION_INFO_V1(statbus_import_analyse_file);

/* Fill the data table of a job and the findings of its rows from what was uploaded. */
Datum
statbus_import_analyse_file(PG_FUNCTION_ARGS)
{
	ImportAnalysis analysis;
	MemoryContext context;
	int64		expected;

	memset(&analysis, 0, sizeof(analysis));
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("import job NULL does not exist")));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	context = AllocSetContextCreate(CurrentMemoryContext, "import analysis", ALLOCSET_DEFAULT_SIZES);
	analysis.job = import_read_job(PG_GETARG_INT32(0), context);
	MemoryContextSwitchTo(context);
	analysis.job->batch = AllocSetContextCreate(context, "import analysis row", ROW_BYTES, ROW_BYTES, ALLOCSET_DEFAULT_MAXSIZE);
	analysis.notes = import_notes_begin();
	analysis.file = import_file_open(analysis.job);
	expected = import_file_expected(analysis.file);
	MemoryContextSwitchTo(context);
	do
	{
		MemoryContextSwitchTo(context);
		if (analysis.identify != NULL)
			import_identify_end(analysis.identify);
		import_notes_end(analysis.notes);
		analysis.identify = import_identify_begin(analysis.job, analysis.notes, expected);
		MemoryContextSwitchTo(context);
		import_progress(analysis.job->id, IMPORT_PHASE_READ, 0);
		read_rows(&analysis);
	} while (import_file_sort(analysis.file));
	import_progress(analysis.job->id, IMPORT_PHASE_IDENTIFY, 0);
	import_identify_resolve(analysis.identify, analysis.file);
	MemoryContextSwitchTo(context);
	import_notes_sort(analysis.notes);
	analysis.output = import_output_open(analysis.job, stage_desc(analysis.job));
	write_rows(&analysis);
	import_output_close(analysis.output);
	import_identify_end(analysis.identify);
	import_notes_end(analysis.notes);
	import_file_close(analysis.file);
	import_progress_end();
	SPI_finish();
	PG_RETURN_VOID();
}

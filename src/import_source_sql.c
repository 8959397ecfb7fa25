/*-------------------------------------------------------------------------
 *
 * import_source_sql.c
 *	  Analysis of a job: the rows of its file, in their order, trimmed.
 *
 * What was uploaded lies in a table of texts.  Its rows are numbered as they
 * came: by the line of the record, or by "statbus:place", or, in tables of
 * before, by where they lie.  Nearly always the table holds them in that order,
 * and is scanned; when the first pass meets a row that is out of it, it stops,
 * and begins again after the places of all rows were sorted.  Where each row
 * lies is kept in a temporary file, 6 bytes a row, so that rows can be fetched
 * by number too.
 *
 * IDENTIFICATION
 *	  src/import_source_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_stage.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "common/unicode_norm.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/buffile.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/formatting.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"

#include "ident_check_sql.h"
#include "import_clean.h"
#include "import_reading.h"

/* Rows that can be looked at at the same time: the next, and two fetched ones. */
#define FILE_VIEWS 3

/* Words for nothing are compared in capitals; what is longer than this many times the longest is none. */
#define CAPITALS_GROW 3

/* Where a column of the plan comes from. */
typedef struct FileColumn
{
	int			attribute;		/* of the table, from 0; -1: from the definition */
	bool		is_ident;
	bool		is_code;
	IdentRule  *rule;			/* of a regular identifier; NULL: none */
	ImportReading *rules;		/* NULL: none */
	SbSlice		fixed;			/* what the definition says; NULL data: nothing */
	Datum		fixed_raw;
} FileColumn;

/* A row that is being looked at. */
typedef struct FileView
{
	TupleTableSlot *slot;
	Datum	   *values;			/* of a row that is kept */
	bool	   *nulls;
	SbSlice    *cells;
	SbSlice    *given;
	bool	   *erased;
	Datum	   *raw;
	bool	   *raw_nulls;
	MemoryContext context;		/* of what does not lie in the slot */
} FileView;

struct ImportFile
{
	ImportJob  *job;
	Relation	relation;
	Snapshot	snapshot;
	TableScanDesc scan;			/* NULL: rows are fetched by their places */
	bool		is_known;		/* where they all lie */
	bool		is_disordered;	/* not in their order */
	int64		last_place;
	FileColumn *columns;
	ImportWords words;
	ImportPeriodPlan periods;
	int			valid_from;		/* columns of the plan; -1: none */
	int			valid_to;
	int			line;			/* attributes of the table, from 0; -1: none */
	int			findings;
	int			place;			/* what says the order; -1: where they lie */
	BufFile    *tids;
	int64		nrows;			/* once all places are known */
	int64		next;			/* rows that were given */
	bool		keeps_rows;
	FileView	views[FILE_VIEWS];
	int			fetched;		/* which of them was fetched last */
};

/* Columns of file_query. */
enum
{
	FILE_TABLE = 1,
	FILE_WORDS,
	FILE_BY_JOB,
	FILE_IS_READ,
	FILE_OPEN_ENDS,
	FILE_UNKNOWN_STARTS
};

static const char file_query[] =
"SELECT j.upload_table_name,"
" ARRAY(SELECT DISTINCT upper(w) FROM jsonb_array_elements_text(j.definition_snapshot #> '{import_definition,import_as_null}') AS w),"
" j.definition_snapshot #>> '{import_definition,valid_time_from}' = 'job_provided',"
" EXISTS (SELECT FROM import.upload AS u WHERE u.job_id = j.id AND u.finished_at IS NOT NULL),"
" ARRAY(SELECT w FROM jsonb_array_elements_text(j.definition_snapshot #> '{import_definition,open_end_values}') AS w),"
" ARRAY(SELECT w FROM jsonb_array_elements_text(j.definition_snapshot #> '{import_definition,unknown_start_values}') AS w)"
" FROM import.job AS j WHERE j.id = $1";

/* Columns of file_column_query. */
enum
{
	FILE_COLUMN_NAME = 1,
	FILE_COLUMN_SOURCE,
	FILE_COLUMN_IS_IDENT,
	FILE_COLUMN_IS_CODE,
	FILE_COLUMN_FIXED,
	FILE_COLUMN_TYPE,
	FILE_COLUMN_WORDS			/* and what else import_reading_load() reads */
};

static const char file_column_query[] =
"SELECT p.column_name, p.source_column_name,"
" p.external_ident_type_id IS NOT NULL OR p.step_code = 'legal_relationship' AND p.column_name LIKE '%\\_ident\\_raw',"
" p.external_ident_type_id IS NULL AND p.stat_definition_id IS NULL AND import.is_code_column(p.column_name),"
" CASE WHEN p.source_value IS NOT NULL THEN p.source_value"
" WHEN p.source_expression = 'now' THEN to_char(statbus.today(), 'YYYY-MM-DD')"
" WHEN p.source_expression = 'default' AND p.column_name = 'valid_from_raw' THEN to_char(j.default_valid_from, 'YYYY-MM-DD')"
" WHEN p.source_expression = 'default' AND p.column_name = 'valid_to_raw' THEN"
" CASE WHEN isfinite(j.default_valid_to) THEN to_char(j.default_valid_to, 'YYYY-MM-DD') ELSE j.default_valid_to::text END"
" WHEN p.source_expression = 'default' AND p.column_name = 'data_source_code_raw' THEN j.default_data_source_code END,"
" (SELECT t.id FROM register.external_ident_type AS t WHERE t.rule_id IS NOT NULL AND (t.id = p.external_ident_type_id"
" OR p.external_ident_type_id IS NULL AND t.code = regexp_replace(p.column_name, '^(influencing|influenced)_(.*)_raw$', '\\2'))),"
" r.words, r.cut_at, r.max_characters, r.alternatives"
" FROM import.job AS j CROSS JOIN LATERAL import.plan_column(j.definition_snapshot) AS p"
" LEFT JOIN LATERAL import.reading_rules(j.definition_snapshot) AS r ON r.column_name = p.column_name AND r.source_column_name = p.source_column_name"
" WHERE j.id = $1 AND p.purpose = 'source_input' ORDER BY p.place";

/* Findings of the reading after which nobody knows which cell is which. */
static const char *const broken_codes[] = {"row_too_short", "row_too_long", "quote_unclosed", "record_too_long"};

static void run_query(const ImportFile *file, const char *query);
static Datum get_result(uint64 row, int column, bool *is_null);
static char *get_result_text(uint64 row, int column);
static int	find_attribute(const ImportFile *file, const char *name, Oid type);
static void read_words(ImportFile *file);
static bool read_file(ImportFile *file);
static void read_file_columns(ImportFile *file);
static void read_list(SbSlice **list, int *count, int column);
static void open_table(ImportFile *file, const char *name);
static void open_view(ImportFile *file, FileView *view);
static void begin_scan(ImportFile *file);
static bool read_in_order(ImportFile *file, TupleTableSlot *slot);
static void sort_places(ImportFile *file);
static void get_row(ImportFile *file, int64 row_id, TupleTableSlot *slot);
static bool is_nothing(const ImportFile *file, SbSlice cell);
static SbSlice clean_ident(SbSlice cell);
static SbSlice read_alternative(const ImportFile *file, const ImportReading *rules, const Datum *values, const bool *nulls);
static void read_cell(ImportFile *file, FileView *view, int column, const Datum *values, const bool *nulls);
static bool has_broken_code(const Jsonb *findings);
static void read_row(ImportFile *file, FileView *view, ImportFileRow *row);

/* Run a query about the job, which gets its number as $1. */
static void
run_query(const ImportFile *file, const char *query)
{
	Oid			type = INT4OID;
	Datum		argument = Int32GetDatum(file->job->id);
	MemoryContext old = CurrentMemoryContext;
	int			result = SPI_execute_with_args(query, 1, &type, &argument, NULL, false, 0);

	MemoryContextSwitchTo(old);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not read the job: %s", SPI_result_code_string(result));
}

/* A value of the result. */
static Datum
get_result(uint64 row, int column, bool *is_null)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, is_null);
}

/* A text of the result, in the current memory context; NULL for NULL. */
static char *
get_result_text(uint64 row, int column)
{
	bool		is_null;
	Datum		value = get_result(row, column, &is_null);

	return is_null ? NULL : TextDatumGetCString(value);
}

/* An attribute of the table by its name; -1: there is none. */
static int
find_attribute(const ImportFile *file, const char *name, Oid type)
{
	TupleDesc	desc = RelationGetDescr(file->relation);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped || strcmp(NameStr(att->attname), name) != 0)
			continue;
		if (att->atttypid != type)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of table \"%s\" is of type %s instead of %s", name,
							RelationGetRelationName(file->relation), format_type_be(att->atttypid), format_type_be(type))));
		return i;
	}
	return -1;
}

/* A list of texts of the result. */
static void
read_list(SbSlice **list, int *count, int column)
{
	bool		is_null;
	Datum		words = get_result(0, column, &is_null);
	Datum	   *elements;
	bool	   *nulls;

	deconstruct_array(DatumGetArrayTypeP(words), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, count);
	*list = palloc(sizeof(SbSlice) * (*count + 1));
	for (int i = 0; i < *count; i++)
	{
		char	   *word = nulls[i] ? "" : TextDatumGetCString(elements[i]);

		(*list)[i].data = word;
		(*list)[i].len = strlen(word);
	}
}

/* The words that stand for nothing. */
static void
read_words(ImportFile *file)
{
	read_list(&file->words.words, &file->words.nwords, FILE_WORDS);
	import_words_link(&file->words);
}

/* What the job says of its file as a whole; returns whether import.read_chunk() read it. */
static bool
read_file(ImportFile *file)
{
	static const SbDateFormat iso = SB_FORMAT_YYYY_MM_DD;
	static const char *const iso_name = "YYYY-MM-DD";
	const ImportPlan *plan = &file->job->plan;
	ImportPeriodPlan *periods = &file->periods;
	bool		is_null;
	bool		by_job;
	bool		is_read;
	char	   *table;

	run_query(file, file_query);
	table = get_result_text(0, FILE_TABLE);
	read_words(file);
	by_job = DatumGetBool(get_result(0, FILE_BY_JOB, &is_null)) && !is_null;
	is_read = DatumGetBool(get_result(0, FILE_IS_READ, &is_null));
	periods->formats = by_job ? &iso : plan->date_formats;
	periods->format_names = by_job ? &iso_name : plan->date_format_names;
	periods->nformats = by_job ? 1 : plan->ndate_formats;
	periods->today = plan->today;
	read_list(&periods->open_ends, &periods->nopen_ends, FILE_OPEN_ENDS);
	read_list(&periods->unknown_starts, &periods->nunknown_starts, FILE_UNKNOWN_STARTS);
	SPI_freetuptable(SPI_tuptable);
	open_table(file, table);
	return is_read;
}

/* Where each column of the plan comes from. */
static void
read_file_columns(ImportFile *file)
{
	ImportJob  *job = file->job;

	run_query(file, file_column_query);
	if ((int) SPI_processed != job->plan.ncolumns)
		elog(ERROR, "the columns of import job %d have changed", job->id);
	file->columns = palloc0(sizeof(FileColumn) * (job->plan.ncolumns + 1));
	file->valid_from = file->valid_to = -1;
	for (int i = 0; i < job->plan.ncolumns; i++)
	{
		FileColumn *column = &file->columns[i];
		char	   *source = get_result_text(i, FILE_COLUMN_SOURCE);
		bool		is_null;
		Datum		type = get_result(i, FILE_COLUMN_TYPE, &is_null);

		column->rule = is_null ? NULL : ident_rules_load(DatumGetInt32(type), job->context);
		column->rules = import_reading_load(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, FILE_COLUMN_WORDS, RelationGetDescr(file->relation));
		column->attribute = -1;
		column->is_ident = DatumGetBool(get_result(i, FILE_COLUMN_IS_IDENT, &is_null)) && !is_null;
		column->is_code = DatumGetBool(get_result(i, FILE_COLUMN_IS_CODE, &is_null)) && !is_null;
		if (source != NULL)
		{
			column->attribute = find_attribute(file, source, TEXTOID);
			if (column->attribute < 0)
				ereport(ERROR,
						(errcode(ERRCODE_UNDEFINED_COLUMN),
						 errmsg("column \"%s\" of table \"%s\" does not exist", source, RelationGetRelationName(file->relation))));
		}
		else
		{
			char	   *fixed = get_result_text(i, FILE_COLUMN_FIXED);

			if (fixed != NULL)
			{
				column->fixed.data = fixed;
				column->fixed.len = strlen(fixed);
				column->fixed_raw = CStringGetTextDatum(fixed);
			}
		}
		if (strcmp(job->raw_names[i], "valid_from_raw") == 0)
			file->valid_from = i;
		else if (strcmp(job->raw_names[i], "valid_to_raw") == 0)
			file->valid_to = i;
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Open what was uploaded, with the rights of whoever calls. */
static void
open_table(ImportFile *file, const char *name)
{
	Oid			relid = RangeVarGetRelid(makeRangeVar("import", pstrdup(name), -1), AccessShareLock, false);
	AclResult	result = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_TABLE, name);
	if (check_enable_rls(relid, InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for table %s", name),
				 errdetail("Its rows are read as a whole or not at all.")));
	file->relation = table_open(relid, NoLock);
	if (file->relation->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", name)));
}

/* Make room for a row that is looked at. */
static void
open_view(ImportFile *file, FileView *view)
{
	int			ncolumns = file->job->plan.ncolumns + 1;
	int			natts = RelationGetDescr(file->relation)->natts + 1;

	view->slot = table_slot_create(file->relation, NULL);
	view->values = palloc0(sizeof(Datum) * natts);
	view->nulls = palloc0(sizeof(bool) * natts);
	view->cells = palloc0(sizeof(SbSlice) * ncolumns);
	view->given = palloc0(sizeof(SbSlice) * ncolumns);
	view->erased = palloc0(sizeof(bool) * ncolumns);
	view->raw = palloc0(sizeof(Datum) * ncolumns);
	view->raw_nulls = palloc0(sizeof(bool) * ncolumns);
	view->context = AllocSetContextCreate(CurrentMemoryContext, "import row", ALLOCSET_SMALL_SIZES);
}

/* From the first page on: scans that others run do not say where. */
static void
begin_scan(ImportFile *file)
{
	file->scan = table_beginscan_strat(file->relation, file->snapshot, 0, NULL, true, false);
}

/* Put the places of all rows in the order of the file; rows without a number are its last. */
static void
sort_places(ImportFile *file)
{
	TupleTableSlot *slot = file->views[0].slot;
	TupleDesc	desc = CreateTemplateTupleDesc(2);
	AttrNumber	columns[2] = {1, 2};
	Oid			less[2] = {Int8LessOperator, TIDLessOperator};
	Oid			collations[2] = {InvalidOid, InvalidOid};
	bool		nulls_first[2] = {false, false};
	TupleTableSlot *pair;
	TupleTableSlot *sorted;
	Tuplesortstate *sort;

	TupleDescInitEntry(desc, 1, "place", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 2, "tid", TIDOID, -1, 0);
	pair = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	sorted = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	sort = tuplesort_begin_heap(desc, 2, columns, less, collations, nulls_first, work_mem, NULL, TUPLESORT_NONE);
	table_rescan(file->scan, NULL);
	while (table_scan_getnextslot(file->scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		ExecClearTuple(pair);
		pair->tts_values[0] = slot_getattr(slot, file->place + 1, &pair->tts_isnull[0]);
		pair->tts_values[1] = PointerGetDatum(&slot->tts_tid);
		pair->tts_isnull[1] = false;
		ExecStoreVirtualTuple(pair);
		tuplesort_puttupleslot(sort, pair);
	}
	table_endscan(file->scan);
	file->scan = NULL;
	tuplesort_performsort(sort);
	BufFileClose(file->tids);
	file->tids = BufFileCreateTemp(false);
	file->nrows = 0;
	while (tuplesort_gettupleslot(sort, true, false, sorted, NULL))
	{
		bool		is_null;

		CHECK_FOR_INTERRUPTS();
		BufFileWrite(file->tids, DatumGetPointer(slot_getattr(sorted, 2, &is_null)), sizeof(ItemPointerData));
		file->nrows++;
	}
	ExecDropSingleTupleTableSlot(sorted);
	ExecDropSingleTupleTableSlot(pair);
	tuplesort_end(sort);
}

/*
 * Open the file of a job, with the rights of whoever calls.  SPI must be
 * connected; what is needed lives in the current memory context.
 */
ImportFile *
import_file_open(ImportJob *job)
{
	ImportFile *file = palloc0(sizeof(ImportFile));
	bool		is_read;

	file->job = job;
	is_read = read_file(file);
	read_file_columns(file);
	file->line = is_read ? find_attribute(file, "statbus:line", INT8OID) : -1;
	file->findings = is_read ? find_attribute(file, "statbus:findings", JSONBOID) : -1;
	file->place = is_read ? file->line : find_attribute(file, "statbus:place", INT8OID);
	for (int i = 0; i < FILE_VIEWS; i++)
		open_view(file, &file->views[i]);
	file->snapshot = RegisterSnapshot(GetActiveSnapshot());
	file->last_place = PG_INT64_MIN;
	file->tids = BufFileCreateTemp(false);
	begin_scan(file);
	return file;
}

/* How the file writes periods. */
const ImportPeriodPlan *
import_file_periods(const ImportFile *file)
{
	return &file->periods;
}

/* From now on what a row points to lives in the memory context that is current when it is read. */
void
import_file_keep_rows(ImportFile *file)
{
	file->keeps_rows = true;
}

/* A row by its number. */
static void
get_row(ImportFile *file, int64 row_id, TupleTableSlot *slot)
{
	ItemPointerData tid;

	if (row_id < 1 || row_id > file->nrows)
		elog(ERROR, "row " INT64_FORMAT " of the file does not exist", row_id);
	if (BufFileSeek(file->tids, 0, (off_t) ((row_id - 1) * (int64) sizeof(tid)), SEEK_SET) != 0 ||
		BufFileRead(file->tids, &tid, sizeof(tid)) != sizeof(tid))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read where row " INT64_FORMAT " lies", row_id)));
	if (!table_tuple_fetch_row_version(file->relation, &tid, file->snapshot, slot))
		elog(ERROR, "row " INT64_FORMAT " of the file has vanished", row_id);
}

/* Is the cell empty or a word for nothing? */
static bool
is_nothing(const ImportFile *file, SbSlice cell)
{
	const ImportWords *words = &file->words;
	SbSlice		upper;
	bool		result;

	if (cell.len == 0)
		return true;
	if (cell.len > words->longest * CAPITALS_GROW)
		return false;
	if (import_clean_is_ascii(cell))
		return import_words_may_hold(words, cell.len) && import_clean_is_word(words, cell);
	upper.data = str_toupper(cell.data, cell.len, DEFAULT_COLLATION_OID);
	upper.len = strlen(upper.data);
	result = import_clean_is_word(words, upper);
	pfree(unconstify(char *, upper.data));
	return result;
}

/*
 * An identifier that is not of ASCII alone: what looks the same is the same,
 * composed and decomposed letters, full width, characters without width.
 */
static SbSlice
clean_ident(SbSlice cell)
{
	pg_wchar   *wide = palloc(sizeof(pg_wchar) * (cell.len + 1));
	char	   *result;
	SbSlice		cleaned = cell;

	pg_mb2wchar_with_len(cell.data, wide, (int) cell.len);
	if (GetDatabaseEncoding() != PG_UTF8 ||
		unicode_is_normalized_quickcheck(UNICODE_NFKC, wide) != UNICODE_NORM_QC_YES)
	{
		text	   *composed = DatumGetTextPP(DirectFunctionCall2(unicode_normalize_func,
																  PointerGetDatum(cstring_to_text_with_len(cell.data, (int) cell.len)),
																  CStringGetTextDatum("NFKC")));

		cleaned.data = VARDATA_ANY(composed);
		cleaned.len = VARSIZE_ANY_EXHDR(composed);
	}
	pfree(wide);
	result = palloc(cleaned.len + 1);
	cleaned.len = import_clean_widthless(cleaned.data, cleaned.len, result);
	cleaned.data = result;
	return cleaned;
}

/* What other columns of the row say instead; NULL data: nothing. */
static SbSlice
read_alternative(const ImportFile *file, const ImportReading *rules, const Datum *values, const bool *nulls)
{
	for (int i = 0; i < rules->nalternatives; i++)
	{
		const ImportReadingAlternative *alternative = &rules->alternatives[i];
		StringInfoData joined;
		int			said = 0;

		initStringInfo(&joined);
		for (; said < alternative->nattributes; said++)
		{
			int			attribute = alternative->attributes[said];
			struct varlena *packed;
			SbSlice		cell;

			if (nulls[attribute])
				break;
			packed = PG_DETOAST_DATUM_PACKED(values[attribute]);
			cell = import_clean_trim((SbSlice) {VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed)});
			if (is_nothing(file, cell))
				break;
			appendBinaryStringInfo(&joined, cell.data, (int) cell.len);
		}
		if (said == alternative->nattributes)
			return (SbSlice) {joined.data, joined.len};
	}
	return (SbSlice) {NULL, 0};
}

/* One cell of the row, whose columns are values. */
static void
read_cell(ImportFile *file, FileView *view, int column, const Datum *values, const bool *nulls)
{
	const FileColumn *source = &file->columns[column];
	bool		is_null = nulls[source->attribute];
	struct varlena *packed = NULL;
	SbSlice		whole = {NULL, 0};
	SbSlice		cell;

	view->cells[column].data = view->given[column].data = NULL;
	view->cells[column].len = view->given[column].len = 0;
	view->raw_nulls[column] = true;
	view->erased[column] = false;
	if (!is_null)
	{
		packed = PG_DETOAST_DATUM_PACKED(values[source->attribute]);
		whole.data = VARDATA_ANY(packed);
		whole.len = VARSIZE_ANY_EXHDR(packed);
	}
	if (source->rules != NULL)
	{
		if (source->rules->nalternatives > 0 && (is_null || is_nothing(file, import_clean_trim(whole))))
			whole = read_alternative(file, source->rules, values, nulls);
		if (whole.data != NULL)
			whole = import_reading_apply(source->rules, whole);
		packed = NULL;
	}
	if (whole.data == NULL)
		return;
	cell = whole;
	if (source->is_ident && !import_clean_is_ascii(cell))
		cell = clean_ident(cell);
	cell = import_clean_trim(cell);
	view->erased[column] = source->is_ident && import_is_erase_word(&file->job->plan, cell);
	if (view->erased[column])
		return;
	if (source->rule != NULL)
	{
		char		buffer[IDENT_BYTES];
		SbSlice		normalised = import_ident_normalise(source->rule, cell, buffer);

		if (normalised.data != cell.data)
			cell = (SbSlice) {pnstrdup(normalised.data, normalised.len), normalised.len};
	}
	if (source->is_ident && (cell.len != whole.len || memcmp(cell.data, whole.data, cell.len) != 0))
		view->given[column] = whole;
	if (is_nothing(file, cell))
		return;
	if (source->is_code)
		cell = import_clean_code(cell);
	view->cells[column] = cell;
	view->raw_nulls[column] = false;
	if (!file->keeps_rows)
		return;
	if (packed != NULL && cell.data == whole.data && cell.len == whole.len)
		view->raw[column] = PointerGetDatum(packed);
	else
		view->raw[column] = PointerGetDatum(cstring_to_text_with_len(cell.data, (int) cell.len));
}

/* Is there a finding after which nobody knows which cell is which? */
static bool
has_broken_code(const Jsonb *findings)
{
	JsonbContainer *array = (JsonbContainer *) &findings->root;

	for (uint32 i = 0; JsonContainerIsArray(array) && i < JsonContainerSize(array); i++)
	{
		JsonbValue *finding = getIthJsonbValueFromContainer(array, i);
		JsonbValue	code;

		if (finding->type != jbvBinary || !JsonContainerIsObject(finding->val.binary.data) ||
			getKeyJsonValueFromContainer(finding->val.binary.data, "code", 4, &code) == NULL || code.type != jbvString)
			continue;
		for (int j = 0; j < (int) lengthof(broken_codes); j++)
			if (code.val.string.len == (int) strlen(broken_codes[j]) &&
				memcmp(code.val.string.val, broken_codes[j], code.val.string.len) == 0)
				return true;
	}
	return false;
}

/* The row in the view's slot. */
static void
read_row(ImportFile *file, FileView *view, ImportFileRow *row)
{
	MemoryContext old = CurrentMemoryContext;
	Datum	   *values = view->values;
	bool	   *nulls = view->nulls;
	ImportRowPeriod period;
	static const SbSlice nothing = {NULL, 0};

	if (file->keeps_rows && view == &file->views[0])
	{
		HeapTuple	tuple = ExecCopySlotHeapTuple(view->slot);

		heap_deform_tuple(tuple, RelationGetDescr(file->relation), values, nulls);
	}
	else
	{
		MemoryContextReset(view->context);
		MemoryContextSwitchTo(view->context);
		slot_getallattrs(view->slot);
		values = view->slot->tts_values;
		nulls = view->slot->tts_isnull;
	}
	row->is_blank = true;
	for (int i = 0; i < file->job->plan.ncolumns; i++)
	{
		const FileColumn *source = &file->columns[i];

		if (source->attribute >= 0)
		{
			read_cell(file, view, i, values, nulls);
			row->is_blank = row->is_blank && view->cells[i].data == NULL && !view->erased[i];
			continue;
		}
		view->cells[i] = source->fixed;
		view->raw[i] = source->fixed_raw;
		view->raw_nulls[i] = source->fixed.data == NULL;
	}
	row->cells = view->cells;
	row->given = view->given;
	row->erased = view->erased;
	row->raw = view->raw;
	row->raw_nulls = view->raw_nulls;
	row->source_line = file->line >= 0 && !nulls[file->line] ? DatumGetInt64(values[file->line]) : row->row_id + 1;
	row->findings = file->findings >= 0 && !nulls[file->findings] ? DatumGetJsonbP(values[file->findings]) : NULL;
	row->is_broken = row->findings != NULL && has_broken_code(row->findings);
	MemoryContextSwitchTo(old);

	period = import_read_period(&file->periods, file->valid_from >= 0 ? view->cells[file->valid_from] : nothing,
								file->valid_to >= 0 ? view->cells[file->valid_to] : nothing);
	row->has_period = period.has_period;
	row->valid_from = period.valid_from;
	row->valid_to = period.valid_to;
	row->valid_until = period.valid_until;
}

/* The next row of the first pass; false after the last, and before one that is out of order. */
static bool
read_in_order(ImportFile *file, TupleTableSlot *slot)
{
	bool		is_null = false;
	int64		place;

	if (!table_scan_getnextslot(file->scan, ForwardScanDirection, slot))
	{
		file->is_known = true;
		file->nrows = file->next;
		return false;
	}
	slot_getallattrs(slot);
	if (file->place >= 0)
	{
		place = DatumGetInt64(slot_getattr(slot, file->place + 1, &is_null));
		if (is_null || place < file->last_place)
		{
			file->is_disordered = true;
			return false;
		}
		file->last_place = place;
	}
	BufFileWrite(file->tids, &slot->tts_tid, sizeof(ItemPointerData));
	return true;
}

/*
 * The next row of the file; false after the last.  The first pass may end
 * before: see import_file_sort().
 */
bool
import_file_next(ImportFile *file, ImportFileRow *row)
{
	FileView   *view = &file->views[0];

	if (!file->is_known)
	{
		if (!read_in_order(file, view->slot))
			return false;
		row->row_id = ++file->next;
		read_row(file, view, row);
		return true;
	}
	if (file->next >= file->nrows)
		return false;
	row->row_id = ++file->next;
	if (file->scan == NULL)
		get_row(file, row->row_id, view->slot);
	else if (!table_scan_getnextslot(file->scan, ForwardScanDirection, view->slot))
		elog(ERROR, "row " INT64_FORMAT " of the file has vanished", row->row_id);
	read_row(file, view, row);
	return true;
}

/*
 * The first pass has ended: true when it met a row that is out of order.  Then
 * all that was read is to be forgotten, and read again.
 */
bool
import_file_sort(ImportFile *file)
{
	if (!file->is_disordered)
		return false;
	file->is_disordered = false;
	sort_places(file);
	file->is_known = true;
	file->next = 0;
	return true;
}

/* From the first row again. */
void
import_file_rewind(ImportFile *file)
{
	file->next = 0;
	if (file->scan != NULL)
		table_rescan(file->scan, NULL);
}

/* A row by its number, beside the order. */
void
import_file_fetch(ImportFile *file, int64 row_id, ImportFileRow *row)
{
	FileView   *view;

	file->fetched = file->fetched == 1 ? 2 : 1;
	view = &file->views[file->fetched];
	get_row(file, row_id, view->slot);
	row->row_id = row_id;
	read_row(file, view, row);
}

/* The period of a row as its cells write it; NULL data: no such column, or nothing. */
void
import_file_period_cells(const ImportFile *file, const ImportFileRow *row, SbSlice *from, SbSlice *to)
{
	static const SbSlice nothing = {NULL, 0};

	*from = file->valid_from >= 0 ? row->cells[file->valid_from] : nothing;
	*to = file->valid_to >= 0 ? row->cells[file->valid_to] : nothing;
}

/* How many rows the file has. */
int64
import_file_rows(const ImportFile *file)
{
	return file->nrows;
}

/* Close the file; the lock stays until the end of the transaction. */
void
import_file_close(ImportFile *file)
{
	if (file->scan != NULL)
		table_endscan(file->scan);
	BufFileClose(file->tids);
	for (int i = 0; i < FILE_VIEWS; i++)
		ExecDropSingleTupleTableSlot(file->views[i].slot);
	UnregisterSnapshot(file->snapshot);
	table_close(file->relation, NoLock);
}

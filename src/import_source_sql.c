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
#include "import_source.h"

#include "access/table.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "common/unicode_norm.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/formatting.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"

/* Words for nothing are compared in capitals; what is longer than this many times the longest is none. */
#define CAPITALS_GROW 3

/* Findings of the reading after which nobody knows which cell is which. */
static const char *const broken_codes[] = {"row_too_short", "row_too_long", "quote_unclosed", "record_too_long"};

static void open_view(ImportFile *file, FileView *view);
static void begin_scan(ImportFile *file);
static bool read_in_order(ImportFile *file, TupleTableSlot *slot);
static void sort_places(ImportFile *file);
static void get_row(ImportFile *file, int64 row_id, TupleTableSlot *slot);
static bool is_nothing(const ImportFile *file, SbSlice cell);
static SbSlice clean_ident(SbSlice cell);
static SbSlice read_alternative(const ImportFile *file, const ImportReading *rules, const Datum *values, const bool *nulls);
static void read_cell(ImportFile *file, FileView *view, int column, bool with_raw);
static bool has_broken_code(const Jsonb *findings);
static bool read_cells(ImportFile *file, FileView *view, const int *columns, int ncolumns, bool until_said);
static void read_row(ImportFile *file, FileView *view, ImportFileRow *row);
static bool is_same_period(const FilePeriod *last, const SbSlice cells[2]);
static void read_period(ImportFile *file, ImportFileRow *row);

/* Make room for a row that is looked at. */
static void
open_view(ImportFile *file, FileView *view)
{
	int			ncolumns = file->job->plan.ncolumns + 1;

	view->slot = table_slot_create(file->relation, NULL);
	view->cells = palloc0(sizeof(SbSlice) * ncolumns);
	view->given = palloc0(sizeof(SbSlice) * ncolumns);
	view->erased = palloc0(sizeof(bool) * ncolumns);
	view->raw = palloc0(sizeof(Datum) * ncolumns);
	view->raw_nulls = palloc0(sizeof(bool) * ncolumns);
	view->context = AllocSetContextCreate(CurrentMemoryContext, "import row", ALLOCSET_SMALL_SIZES);
	for (int i = 0; i < file->job->plan.ncolumns; i++)
	{
		const FileColumn *source = &file->columns[i];

		if (source->attribute >= 0)
			continue;
		view->cells[i] = source->fixed;
		view->raw[i] = source->fixed_raw;
		view->raw_nulls[i] = source->fixed.data == NULL;
	}
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
	is_read = import_source_plan(file);
	file->line = is_read ? import_source_attribute(file, "statbus:line", INT8OID) : -1;
	file->findings = is_read ? import_source_attribute(file, "statbus:findings", JSONBOID) : -1;
	file->place = is_read ? file->line : import_source_attribute(file, "statbus:place", INT8OID);
	for (int i = 0; i < FILE_VIEWS; i++)
		open_view(file, &file->views[i]);
	file->is_first = true;
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

/*
 * Say which columns of the plan the first pass needs; those of the period it
 * reads as well.  Of the others it looks only whether they say anything, in rows
 * that say nothing else.
 */
void
import_file_want(ImportFile *file, const bool *wanted)
{
	int			ncolumns = file->job->plan.ncolumns;

	file->wanted = palloc(sizeof(int) * (ncolumns + 1));
	file->others = palloc(sizeof(int) * (ncolumns + 1));
	file->nwanted = file->nothers = 0;
	file->nattributes = Max(Max(file->line, file->findings), file->place) + 1;
	for (int i = 0; i < ncolumns; i++)
	{
		const FileColumn *source = &file->columns[i];

		if (source->attribute < 0)
			continue;
		if (!wanted[i] && i != file->valid_from && i != file->valid_to)
		{
			file->others[file->nothers++] = i;
			continue;
		}
		file->wanted[file->nwanted++] = i;
		file->nattributes = Max(file->nattributes, source->attribute + 1);
		if (source->rules != NULL && source->rules->nalternatives > 0)
			file->nattributes = RelationGetDescr(file->relation)->natts;
	}
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

/* One cell of the row in the view's slot; with_raw: also as a text. */
static void
read_cell(ImportFile *file, FileView *view, int column, bool with_raw)
{
	const FileColumn *source = &file->columns[column];
	const Datum *values = view->slot->tts_values;
	const bool *nulls = view->slot->tts_isnull;
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
	if (!with_raw)
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

/*
 * The cells of columns that come from the file; says whether any of them says
 * something.  With until_said the rest is left out once one does.
 */
static bool
read_cells(ImportFile *file, FileView *view, const int *columns, int ncolumns, bool until_said)
{
	bool		is_said = false;

	for (int i = 0; i < ncolumns && !(until_said && is_said); i++)
	{
		read_cell(file, view, columns[i], !file->is_first && view == &file->views[0]);
		is_said = is_said || view->cells[columns[i]].data != NULL || view->erased[columns[i]];
	}
	return is_said;
}

/* The row in the view's slot: in the first pass what is wanted of it, otherwise all. */
static void
read_row(ImportFile *file, FileView *view, ImportFileRow *row)
{
	MemoryContext old = MemoryContextSwitchTo(view->context);
	bool		is_part = file->is_first && view == &file->views[0];
	TupleTableSlot *slot = view->slot;

	MemoryContextReset(view->context);
	if (is_part)
		slot_getsomeattrs(slot, file->nattributes);
	else
		slot_getallattrs(slot);
	row->is_blank = !read_cells(file, view, file->wanted, file->nwanted, false);
	if (row->is_blank || !is_part)
	{
		slot_getallattrs(slot);
		row->is_blank = !read_cells(file, view, file->others, file->nothers, is_part) && row->is_blank;
	}
	row->cells = view->cells;
	row->given = view->given;
	row->erased = view->erased;
	row->raw = view->raw;
	row->raw_nulls = view->raw_nulls;
	row->source_line = file->line >= 0 && !slot->tts_isnull[file->line] ? DatumGetInt64(slot->tts_values[file->line])
		: row->row_id + 1;
	row->findings = file->findings >= 0 && !slot->tts_isnull[file->findings]
		? DatumGetJsonbP(slot->tts_values[file->findings]) : NULL;
	row->is_broken = row->findings != NULL && has_broken_code(row->findings);
	MemoryContextSwitchTo(old);
}

/* Are these the cells of the period of the row before? */
static bool
is_same_period(const FilePeriod *last, const SbSlice cells[2])
{
	for (int i = 0; i < 2; i++)
	{
		int			len = cells[i].data == NULL ? -1 : (int) cells[i].len;

		if (!last->is_known || last->lens[i] != len || (len > 0 && memcmp(last->cells[i], cells[i].data, len) != 0))
			return false;
	}
	return true;
}

/* The period of a row that was read. */
static void
read_period(ImportFile *file, ImportFileRow *row)
{
	FilePeriod *last = &file->period;
	ImportFinding findings[IMPORT_PERIOD_FINDINGS];
	char		hints[2][SB_HINT_SIZE];
	SbSlice		cells[2];

	import_file_period_cells(file, row, &cells[0], &cells[1]);
	if (!is_same_period(last, cells))
	{
		last->period = import_read_period(&file->periods, cells[0], cells[1]);
		last->is_plain = !file->is_first && import_judge_period(&file->periods, cells[0], cells[1], findings, hints) == 0;
		last->is_known = cells[0].len <= FILE_PERIOD_BYTES && cells[1].len <= FILE_PERIOD_BYTES;
		for (int i = 0; i < 2 && last->is_known; i++)
		{
			last->lens[i] = cells[i].data == NULL ? -1 : (int) cells[i].len;
			if (cells[i].len > 0)
				memcpy(last->cells[i], cells[i].data, cells[i].len);
		}
	}
	row->has_period = last->period.has_period;
	row->has_plain_period = last->is_plain;
	row->valid_from = last->period.valid_from;
	row->valid_to = last->period.valid_to;
	row->valid_until = last->period.valid_until;
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
		read_period(file, row);
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
	read_period(file, row);
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

/* From the first row again, whose cells are all read now, also as texts. */
void
import_file_rewind(ImportFile *file)
{
	file->is_first = false;
	file->period.is_known = false;
	file->next = 0;
	if (file->scan != NULL)
		table_rescan(file->scan, NULL);
}

/* The cells of a row by its number, beside the order. */
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

/* About how many rows the file has, by its first block; before the first pass. */
int64
import_file_expected(ImportFile *file)
{
	TupleTableSlot *slot = file->views[0].slot;
	BlockNumber first = InvalidBlockNumber;
	int64		rows = 0;

	while (table_scan_getnextslot(file->scan, ForwardScanDirection, slot) &&
		   (first == InvalidBlockNumber || ItemPointerGetBlockNumber(&slot->tts_tid) == first))
	{
		first = ItemPointerGetBlockNumber(&slot->tts_tid);
		rows++;
	}
	table_rescan(file->scan, NULL);
	return rows * RelationGetNumberOfBlocks(file->relation);
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

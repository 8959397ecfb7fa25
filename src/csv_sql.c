/*-------------------------------------------------------------------------
 *
 * csv_sql.c
 *	  A file that comes in chunks becomes rows of an upload table.
 *
 * import.read_chunk() takes the next bytes of a file, writes the rows that
 * they complete, and returns where the reading stands: the next chunk may be
 * read by another session.  Memory is that of one chunk and one record.
 *
 * What the reader finds in a record is written beside it, for the analysis;
 * what it finds in the file as a whole is returned.  Nothing in a file is an
 * error of SQL.
 *
 * IDENTIFICATION
 *	  src/csv_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "statbus.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "csv.h"
#include "csv_heading.h"
#include "csv_sha256.h"

#define LINE_COLUMN "statbus:line"
#define FINDINGS_COLUMN "statbus:findings"

/* As many records as may be titles above the heading. */
#define HEADING_LINES 20

/* As much of a field as is shown in a finding, in bytes. */
#define SHOWN_BYTES 200

/* As many blank lines as are named. */
#define NAMED_BLANKS 10

/* Rows are written when there are so many, or so many bytes of them. */
#define BATCH_ROWS 1000
#define BATCH_BYTES (256 * 1024)

#define STATE_VERSION 0x53420002

/* Blank lines, or blank rows. */
typedef struct Blanks
{
	int64		n;
	int64		lines[NAMED_BLANKS];
} Blanks;

/* What is remembered from chunk to chunk, beside the state of the reader and what each field is. */
typedef struct UploadState
{
	uint32		version;
	int32		nfields;		/* of the heading; 0: not seen yet */
	int32		is_report;		/* the file was written by
								 * import.report_lines() */
	Blanks		blank_lines;
	Blanks		blank_rows;
	CsvSha256	sha256;
} UploadState;

/* A field of a record: where it goes, and what a finding calls it. */
typedef struct UploadField
{
	int32		attnum;			/* 0: nowhere */
	char	   *name;
} UploadField;

typedef struct Upload
{
	UploadState state;
	UploadField *fields;
	CsvReader  *reader;
	CsvMemory	memory;			/* of the reader */
	Jsonb	   *snapshot;

	Datum		headings;		/* text[], when they were read; 0: not now */

	/* A heading that fits nothing, until another line is one. */
	int			candidates;
	Datum		first_headings;
	int64		first_line;

	Relation	relation;
	AttrNumber	line_attnum;
	AttrNumber	findings_attnum;
	TupleTableSlot *slots[BATCH_ROWS];
	int			nslots;
	size_t		batch_bytes;
	MemoryContext batch_context;
	BulkInsertState bulk_insert;

	StringInfoData findings;	/* of the file: JSON objects, with commas */
	bool		refused;
} Upload;

static void *upload_alloc(void *context, size_t size);
static void upload_release(void *context, void *memory);
static void resume_upload(Upload *upload, bytea *saved);
static void begin_upload(Upload *upload, FunctionCallInfo fcinfo);
static bytea *save_upload(Upload *upload);
static void read_events(Upload *upload);
static void add_heading(Upload *upload);
static void refuse_headings(Upload *upload, int64 hint_line);
static bool match_headings(Upload *upload, Datum headings, bool apply);
static Datum headings_array(const CsvRecord *record);
static void set_fields(Upload *upload, ArrayType *columns, ArrayType *names);
static bool is_report(const Upload *upload);
static void add_row(Upload *upload);
static Datum row_findings(Upload *upload);
static void flush_rows(Upload *upload);
static void add_blank(Blanks *blanks, int64 line);
static void add_blanks_finding(Upload *upload, const char *code, const Blanks *blanks);
static void add_file_finding(Upload *upload, const CsvFinding *finding);
static void append_details(StringInfo out, const CsvFinding *finding, const char *text_key);
static void append_findings(Upload *upload, Jsonb *findings);
static char delimiter_by_name(text *name);

PG_FUNCTION_INFO_V1(statbus_import_read_chunk);

/*
 * import.read_chunk(relation regclass, snapshot jsonb, encoding text, delimiter text, header_line bigint, reader bytea,
 * content bytea, is_last boolean): the rows that the chunk completes are in the table when it returns.
 */
Datum
statbus_import_read_chunk(PG_FUNCTION_ARGS)
{
	Upload	   *upload = palloc0(sizeof(Upload));
	bytea	   *content = PG_GETARG_BYTEA_PP(6);
	bool		is_last = PG_GETARG_BOOL(7);
	TupleDesc	result_type;
	Datum		values[7];
	bool		nulls[7] = {false};
	unsigned char hash[CSV_SHA256_LEN];

	if (get_call_result_type(fcinfo, NULL, &result_type) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	upload->snapshot = PG_GETARG_JSONB_P(1);
	initStringInfo(&upload->findings);
	upload->memory.alloc = upload_alloc;
	upload->memory.release = upload_release;
	upload->memory.context = CurrentMemoryContext;
	upload->relation = table_open(PG_GETARG_OID(0), RowExclusiveLock);
	upload->line_attnum = get_attnum(RelationGetRelid(upload->relation), LINE_COLUMN);
	upload->findings_attnum = get_attnum(RelationGetRelid(upload->relation), FINDINGS_COLUMN);
	if (upload->line_attnum == InvalidAttrNumber || upload->findings_attnum == InvalidAttrNumber)
		elog(ERROR, "table \"%s\" is not prepared for an upload", RelationGetRelationName(upload->relation));
	upload->batch_context = AllocSetContextCreate(CurrentMemoryContext, "upload batch", ALLOCSET_DEFAULT_SIZES);
	upload->bulk_insert = GetBulkInsertState();
	if (PG_ARGISNULL(5))
		begin_upload(upload, fcinfo);
	else
		resume_upload(upload, PG_GETARG_BYTEA_PP(5));

	csv_sha256_add(&upload->state.sha256, VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content));
	csv_feed(upload->reader, VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content));
	read_events(upload);
	if (is_last && !upload->refused)
	{
		csv_finish(upload->reader);
		read_events(upload);
		if (!upload->refused && upload->state.nfields == 0)
			refuse_headings(upload, 0);
		add_blanks_finding(upload, "blank_line", &upload->state.blank_lines);
		add_blanks_finding(upload, "blank_row", &upload->state.blank_rows);
	}
	flush_rows(upload);

	nulls[0] = is_last || upload->refused;
	if (!nulls[0])
		values[0] = PointerGetDatum(save_upload(upload));
	values[1] = Int64GetDatum(upload->reader->rows);
	values[2] = Int64GetDatum((int64) upload->state.sha256.bytes);
	nulls[3] = !is_last;
	if (is_last)
	{
		csv_sha256_end(&upload->state.sha256, hash);
		values[3] = PointerGetDatum(cstring_to_text_with_len((char *) hash, sizeof(hash)));
	}
	values[4] = BoolGetDatum(upload->refused);
	values[5] = DirectFunctionCall1(jsonb_in, CStringGetDatum(psprintf("[%s]", upload->findings.data)));
	values[6] = upload->headings;
	nulls[6] = upload->headings == (Datum) 0;

	FreeBulkInsertState(upload->bulk_insert);
	for (int i = 0; i < BATCH_ROWS && upload->slots[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(upload->slots[i]);
	csv_free(upload->reader);
	table_close(upload->relation, NoLock);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(result_type), values, nulls)));
}

PG_FUNCTION_INFO_V1(statbus_import_heading_key);

/* import.heading_key(heading text): headings with the same key mean the same column. */
Datum
statbus_import_heading_key(PG_FUNCTION_ARGS)
{
	text	   *heading = PG_GETARG_TEXT_PP(0);
	char	   *key = palloc(VARSIZE_ANY_EXHDR(heading) + 1);
	size_t		len = csv_heading_key(VARDATA_ANY(heading), VARSIZE_ANY_EXHDR(heading), key);

	PG_RETURN_TEXT_P(cstring_to_text_with_len(key, len));
}

PG_FUNCTION_INFO_V1(statbus_import_heading_distance);

/* import.heading_distance(x text, y text, most integer): as csv_heading_distance(). */
Datum
statbus_import_heading_distance(PG_FUNCTION_ARGS)
{
	text	   *x = PG_GETARG_TEXT_PP(0);
	text	   *y = PG_GETARG_TEXT_PP(1);

	PG_RETURN_INT32(csv_heading_distance(VARDATA_ANY(x), VARSIZE_ANY_EXHDR(x), VARDATA_ANY(y), VARSIZE_ANY_EXHDR(y),
										 Max(PG_GETARG_INT32(2), 0)));
}

PG_FUNCTION_INFO_V1(statbus_import_csv_record);

/* import.csv_record(fields text[], delimiter text, neutralise boolean): a line of a CSV file, without its end; NULL is an empty field. */
Datum
statbus_import_csv_record(PG_FUNCTION_ARGS)
{
	char		delimiter = delimiter_by_name(PG_GETARG_TEXT_PP(1));
	bool		neutralise = PG_GETARG_BOOL(2);
	Datum	   *fields;
	bool	   *is_null;
	int			nfields;
	size_t		room = VARHDRSZ;
	text	   *line;
	char	   *end;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &fields, &is_null, &nfields);
	for (int i = 0; i < nfields; i++)
	{
		if (!is_null[i])
			fields[i] = PointerGetDatum(PG_DETOAST_DATUM_PACKED(fields[i]));
		room += 1 + (is_null[i] ? 0 : CSV_WRITTEN(VARSIZE_ANY_EXHDR(DatumGetPointer(fields[i]))));
	}
	line = palloc_extended(room, MCXT_ALLOC_HUGE);
	end = VARDATA(line);
	for (int i = 0; i < nfields; i++)
	{
		if (i > 0)
			*end++ = delimiter;
		if (!is_null[i])
			end += csv_write_field(VARDATA_ANY(DatumGetPointer(fields[i])), VARSIZE_ANY_EXHDR(DatumGetPointer(fields[i])),
								   delimiter, neutralise, end);
	}
	SET_VARSIZE(line, end - (char *) line);
	PG_RETURN_TEXT_P(line);
}

/*
 * Where the reading stands
 */

/* The reader's memory. */
static void *
upload_alloc(void *context, size_t size)
{
	return MemoryContextAllocHuge((MemoryContext) context, size);
}

/* ... given back. */
static void
upload_release(void *context, void *memory)
{
	(void) context;
	if (memory != NULL)
		pfree(memory);
}

/* A reader for a new file, by what its sender has declared. */
static void
begin_upload(Upload *upload, FunctionCallInfo fcinfo)
{
	CsvOptions	options = {0};

	if (!PG_ARGISNULL(2))
	{
		text	   *name = PG_GETARG_TEXT_PP(2);

		if (!csv_encoding_by_name(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), &options.encoding))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("encoding \"%s\" is unknown", text_to_cstring(name)),
					 errhint("Encodings are UTF-8, UTF-16LE, UTF-16BE and windows-1252.")));
	}
	if (!PG_ARGISNULL(3))
		options.delimiter = delimiter_by_name(PG_GETARG_TEXT_PP(3));
	if (!PG_ARGISNULL(4))
		options.header_line = PG_GETARG_INT64(4);
	upload->state.version = STATE_VERSION;
	csv_sha256_begin(&upload->state.sha256);
	upload->reader = csv_begin(&options, &upload->memory);
}

/* The character that a delimiter is given as, or by name: a header of HTTP cannot hold a tab. */
static char
delimiter_by_name(text *name)
{
	static const struct
	{
		const char *name;
		char		delimiter;
	}			names[] = {{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"\\t", '\t'}, {"pipe", '|'}};
	char	   *given = text_to_cstring(name);

	for (size_t i = 0; i < lengthof(names); i++)
		if (pg_strcasecmp(given, names[i].name) == 0)
			return names[i].delimiter;
	if (strlen(given) != 1 || strchr(",;\t|", given[0]) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is no delimiter", given),
				 errhint("Delimiters are comma, semicolon, tab and pipe.")));
	return given[0];
}

/* Goes on where save_upload() has left off. */
static void
resume_upload(Upload *upload, bytea *saved)
{
	char	   *next = VARDATA_ANY(saved);
	char	   *end = next + VARSIZE_ANY_EXHDR(saved);

	if (end - next >= (ptrdiff_t) sizeof(UploadState))
		memcpy(&upload->state, next, sizeof(UploadState));
	if (upload->state.version == STATE_VERSION)
	{
		next += sizeof(UploadState);
		upload->fields = palloc0(sizeof(UploadField) * Max(upload->state.nfields, 1));
		for (int i = 0; i < upload->state.nfields; i++)
		{
			memcpy(&upload->fields[i].attnum, next, sizeof(int32));
			upload->fields[i].name = pstrdup(next + sizeof(int32));
			next += sizeof(int32) + strlen(upload->fields[i].name) + 1;
		}
		upload->reader = csv_restore(next, end - next, &upload->memory);
	}
	if (upload->reader == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the upload was begun by another version of the extension"),
				 errhint("Cancel it and begin again.")));
}

/* All that resume_upload() needs. */
static bytea *
save_upload(Upload *upload)
{
	StringInfoData out;
	size_t		len;
	const char *reader = csv_save(upload->reader, &len);

	initStringInfo(&out);
	appendStringInfoSpaces(&out, VARHDRSZ);
	appendBinaryStringInfo(&out, (char *) &upload->state, sizeof(UploadState));
	for (int i = 0; i < upload->state.nfields; i++)
	{
		appendBinaryStringInfo(&out, (char *) &upload->fields[i].attnum, sizeof(int32));
		appendBinaryStringInfo(&out, upload->fields[i].name, strlen(upload->fields[i].name) + 1);
	}
	appendBinaryStringInfo(&out, reader, len);
	SET_VARSIZE(out.data, out.len);
	return (bytea *) out.data;
}

/*
 * The file
 */

/* Everything that the bytes at hand say. */
static void
read_events(Upload *upload)
{
	CsvReader  *reader = upload->reader;
	CsvEvent	event = CSV_MORE;

	while (!upload->refused && (event = csv_next(reader)) != CSV_MORE && event != CSV_END)
	{
		CHECK_FOR_INTERRUPTS();
		switch (event)
		{
			case CSV_FINDING:
				add_file_finding(upload, &reader->finding);
				break;
			case CSV_HEADER:
				add_heading(upload);
				break;
			case CSV_RECORD:
				add_row(upload);
				break;
			case CSV_BLANK_LINE:
				add_blank(&upload->state.blank_lines, reader->record.line);
				break;
			case CSV_BLANK_ROW:
				add_blank(&upload->state.blank_rows, reader->record.line);
				break;
			default:
				break;
		}
	}
	/* The next lines may come much later, and are not waited for. */
	if (!upload->refused && upload->candidates > 0 && upload->state.nfields == 0)
		refuse_headings(upload, 0);
}

/* A record that may be the heading: it is when it is the first one and a heading of it is known. */
static void
add_heading(Upload *upload)
{
	const CsvRecord *record = &upload->reader->record;
	Datum		headings = headings_array(record);
	bool		fits = match_headings(upload, headings, upload->candidates == 0);

	if (upload->candidates == 0)
	{
		if (fits)
		{
			if (!upload->refused)
				csv_take_header(upload->reader);
			return;
		}
		upload->first_headings = headings;
		upload->first_line = record->line;
	}
	upload->candidates++;
	if (fits || upload->candidates >= HEADING_LINES)
		refuse_headings(upload, fits ? record->line : 0);
}

/* No heading is where it should be; hint_line looks like one, unless it is 0. */
static void
refuse_headings(Upload *upload, int64 hint_line)
{
	Oid			types[4] = {TEXTARRAYOID, INT8OID, INT8OID, JSONBOID};
	Datum		values[4];
	char		nulls[] = "    ";
	bool		is_null;

	values[0] = upload->candidates > 0 ? upload->first_headings : PointerGetDatum(construct_empty_array(TEXTOID));
	values[1] = Int64GetDatum(upload->first_line);
	values[2] = Int64GetDatum(hint_line);
	if (hint_line == 0)
		nulls[2] = 'n';
	values[3] = JsonbPGetDatum(upload->snapshot);
	upload->refused = true;
	SPI_connect();
	if (SPI_execute_with_args("SELECT import.explain_headings($1, $2, $3, $4)", 4, types, values, nulls, true, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "import.explain_headings() gave no answer");
	append_findings(upload, DatumGetJsonbP(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null)));
	SPI_finish();
}

/*
 * Whether a record holds a heading of the definition.  apply: it is where the heading should be, so take what it says: which
 * field is which column, and what there is to say about that.
 */
static bool
match_headings(Upload *upload, Datum headings, bool apply)
{
	Oid			types[2] = {TEXTARRAYOID, JSONBOID};
	Datum		values[2];
	MemoryContext caller = CurrentMemoryContext;
	HeapTuple	row;
	TupleDesc	desc;
	bool		is_null;
	bool		fits;

	values[0] = headings;
	values[1] = JsonbPGetDatum(upload->snapshot);
	SPI_connect();
	if (SPI_execute_with_args("SELECT h.matched, h.columns, h.names, h.findings, h.refused FROM import.match_headings($1, $2) AS h",
							  2, types, values, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "import.match_headings() gave no answer");
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	/* Below a title one heading more is asked for: a value may look like one. */
	fits = DatumGetInt32(SPI_getbinval(row, desc, 1, &is_null)) > (apply ? 0 : 1);
	if (fits && apply)
	{
		upload->headings = headings;
		append_findings(upload, DatumGetJsonbP(SPI_getbinval(row, desc, 4, &is_null)));
		upload->refused = DatumGetBool(SPI_getbinval(row, desc, 5, &is_null));
		MemoryContextSwitchTo(caller);
		set_fields(upload, DatumGetArrayTypeP(SPI_getbinval(row, desc, 2, &is_null)),
				   DatumGetArrayTypeP(SPI_getbinval(row, desc, 3, &is_null)));
	}
	SPI_finish();
	MemoryContextSwitchTo(caller);
	return fits;
}

/* The fields of a record as text[]. */
static Datum
headings_array(const CsvRecord *record)
{
	Datum	   *headings = palloc(sizeof(Datum) * Max(record->nkept, 1));

	for (int i = 0; i < record->nkept; i++)
		headings[i] = PointerGetDatum(cstring_to_text_with_len(record->fields[i].data, record->fields[i].len));
	return PointerGetDatum(construct_array(headings, record->nkept, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Keeps which field goes into which column, and by what name it is found fault with. */
static void
set_fields(Upload *upload, ArrayType *columns, ArrayType *names)
{
	Datum	   *column;
	Datum	   *name;
	bool	   *no_column;
	int			nnames;

	deconstruct_array(columns, TEXTOID, -1, false, TYPALIGN_INT, &column, &no_column, &upload->state.nfields);
	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &name, NULL, &nnames);
	Assert(nnames == upload->state.nfields);
	upload->fields = palloc0(sizeof(UploadField) * Max(upload->state.nfields, 1));
	for (int i = 0; i < upload->state.nfields; i++)
	{
		upload->fields[i].name = TextDatumGetCString(name[i]);
		if (no_column[i])
			continue;
		upload->fields[i].attnum = get_attnum(RelationGetRelid(upload->relation), TextDatumGetCString(column[i]));
		if (upload->fields[i].attnum <= 0)
			elog(ERROR, "table \"%s\" lacks column \"%s\"", RelationGetRelationName(upload->relation), TextDatumGetCString(column[i]));
	}
	upload->state.is_report = is_report(upload);
}

/* True when the file ends with the columns of a report, none of which is of the definition. */
static bool
is_report(const Upload *upload)
{
	static const char *const names[] = {"errors", "warnings", "source_line"};
	int			first = upload->state.nfields - (int) lengthof(names);

	for (int i = 0; i < (int) lengthof(names); i++)
		if (first < 0 || upload->fields[first + i].attnum != 0 || strcmp(upload->fields[first + i].name, names[i]) != 0)
			return false;
	return true;
}

/*
 * Rows
 */

/* The record is a row of the file. */
static void
add_row(Upload *upload)
{
	const CsvRecord *record = &upload->reader->record;
	TupleTableSlot *slot = upload->slots[upload->nslots];
	MemoryContext caller;

	if (slot == NULL)
		slot = upload->slots[upload->nslots] = table_slot_create(upload->relation, NULL);
	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	caller = MemoryContextSwitchTo(upload->batch_context);
	for (int i = 0; i < record->nkept && i < upload->state.nfields; i++)
	{
		int			place = upload->fields[i].attnum - 1;
		const char *data = record->fields[i].data;
		size_t		len = record->fields[i].len;

		if (place < 0 || len == 0)
			continue;
		if (upload->state.is_report && csv_is_neutralised(data, len))
		{
			data++;
			len--;
		}
		slot->tts_values[place] = PointerGetDatum(cstring_to_text_with_len(data, len));
		slot->tts_isnull[place] = false;
		upload->batch_bytes += len;
	}
	slot->tts_values[upload->line_attnum - 1] = Int64GetDatum(record->line);
	slot->tts_isnull[upload->line_attnum - 1] = false;
	if (record->nfindings > 0)
	{
		slot->tts_values[upload->findings_attnum - 1] = row_findings(upload);
		slot->tts_isnull[upload->findings_attnum - 1] = false;
	}
	MemoryContextSwitchTo(caller);
	ExecStoreVirtualTuple(slot);
	upload->batch_bytes += 64;
	if (++upload->nslots == BATCH_ROWS || upload->batch_bytes >= BATCH_BYTES)
		flush_rows(upload);
}

/* Writes the rows at hand. */
static void
flush_rows(Upload *upload)
{
	if (upload->nslots > 0)
		table_multi_insert(upload->relation, upload->slots, upload->nslots, GetCurrentCommandId(true), 0, upload->bulk_insert);
	for (int i = 0; i < upload->nslots; i++)
		ExecClearTuple(upload->slots[i]);
	MemoryContextReset(upload->batch_context);
	upload->nslots = 0;
	upload->batch_bytes = 0;
}

/* What is wrong with the record, as the analysis takes it: a jsonb array of findings with severity. */
static Datum
row_findings(Upload *upload)
{
	const CsvRecord *record = &upload->reader->record;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '[');
	for (int i = 0; i < record->nfindings; i++)
	{
		const CsvFinding *finding = &record->findings[i];
		CsvFinding	placed = *finding;

		/* The line of the row is said beside it. */
		if (placed.line == record->line)
			placed.line = 0;
		appendStringInfo(&out, "%s{\"code\": \"%s\", \"severity\": \"%s\"", i > 0 ? ", " : "",
						 csv_code_name(finding->code), csv_is_error(finding->code) ? "error" : "warning");
		if (finding->field >= 0 && finding->field < upload->state.nfields)
		{
			appendStringInfoString(&out, ", \"column\": ");
			escape_json(&out, upload->fields[finding->field].name);
		}
		if (finding->field >= 0 && finding->field < record->nkept)
		{
			const CsvField *field = &record->fields[finding->field];
			char	   *shown = pnstrdup(field->data, pg_mbcliplen(field->data, field->len, SHOWN_BYTES));

			appendStringInfoString(&out, ", \"value\": ");
			escape_json(&out, shown);
		}
		if (finding->code == CSV_ROW_TOO_SHORT || finding->code == CSV_ROW_TOO_LONG)
			appendStringInfo(&out, ", \"details\": {\"expected\": %d, \"got\": %d}", upload->reader->expected, record->nfields);
		else if (finding->code == CSV_FIELD_TOO_LONG || finding->code == CSV_RECORD_TOO_LONG)
			appendStringInfo(&out, ", \"details\": {\"limit\": %d}",
							 finding->code == CSV_FIELD_TOO_LONG ? CSV_FIELD_LIMIT : CSV_RECORD_LIMIT);
		else
			append_details(&out, &placed, NULL);
		appendStringInfoChar(&out, '}');
	}
	appendStringInfoChar(&out, ']');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
}

/*
 * Findings of the file
 */

/* Counts a line without any value. */
static void
add_blank(Blanks *blanks, int64 line)
{
	if (blanks->n < NAMED_BLANKS)
		blanks->lines[blanks->n] = line;
	blanks->n++;
}

/* Says how many there were, and where the first of them. */
static void
add_blanks_finding(Upload *upload, const char *code, const Blanks *blanks)
{
	StringInfo	out = &upload->findings;

	if (blanks->n == 0)
		return;
	appendStringInfo(out, "%s{\"code\": \"%s\", \"severity\": \"info\", \"details\": {\"n\": " INT64_FORMAT ", \"lines\": [",
					 out->len > 0 ? ", " : "", code, blanks->n);
	for (int i = 0; i < Min(blanks->n, NAMED_BLANKS); i++)
		appendStringInfo(out, "%s" INT64_FORMAT, i > 0 ? ", " : "", blanks->lines[i]);
	appendStringInfoString(out, "]}}");
}

/* A finding that is the reader's own. */
static void
add_file_finding(Upload *upload, const CsvFinding *finding)
{
	StringInfo	out = &upload->findings;
	const char *severity = "info";
	const char *text_key = "encoding";

	if (csv_is_fatal(finding->code))
	{
		severity = "error";
		upload->refused = true;
	}
	else if (finding->code == CSV_MIXED_LINE_ENDINGS || finding->code == CSV_NO_ROWS)
		severity = "warning";

	if (finding->code == CSV_DELIMITER_DETECTED || finding->code == CSV_EXCEL_SEP_LINE)
		text_key = "delimiter";
	else if (finding->code == CSV_DELIMITER_MISMATCH)
		text_key = "detected";
	else if (finding->code == CSV_NOT_A_CSV)
		text_key = "magic";
	else if (finding->code == CSV_FILE_ENCODING)
		text_key = "guess";
	appendStringInfo(out, "%s{\"code\": \"%s\", \"severity\": \"%s\"", out->len > 0 ? ", " : "", csv_code_name(finding->code), severity);
	append_details(out, finding, text_key);
	appendStringInfoChar(out, '}');
}

/* The details that a finding has: a text under a key, and where in the file it is. */
static void
append_details(StringInfo out, const CsvFinding *finding, const char *text_key)
{
	const char *separator = "";

	if ((text_key == NULL || finding->text == NULL) && finding->line <= 0 && finding->offset < 0 && finding->byte < 0)
		return;
	appendStringInfoString(out, ", \"details\": {");
	if (text_key != NULL && finding->text != NULL)
	{
		appendStringInfo(out, "\"%s\": ", text_key);
		escape_json(out, strcmp(finding->text, "\t") == 0 ? "tab" : finding->text);
		separator = ", ";
	}
	if (finding->line > 0)
	{
		appendStringInfo(out, "%s\"line\": " INT64_FORMAT, separator, finding->line);
		separator = ", ";
	}
	if (finding->offset >= 0)
	{
		appendStringInfo(out, "%s\"offset\": " INT64_FORMAT, separator, finding->offset);
		separator = ", ";
	}
	if (finding->byte >= 0)
		appendStringInfo(out, "%s\"byte\": \"%02X\"", separator, (unsigned int) finding->byte);
	appendStringInfoChar(out, '}');
}

/* Findings that SQL has made, an array of objects. */
static void
append_findings(Upload *upload, Jsonb *findings)
{
	char	   *text = JsonbToCString(NULL, &findings->root, VARSIZE(findings));
	size_t		len = strlen(text);

	if (len > 2)
		appendStringInfo(&upload->findings, "%s%.*s", upload->findings.len > 0 ? ", " : "", (int) (len - 2), text + 1);
}

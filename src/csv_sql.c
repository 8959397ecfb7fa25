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
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "csv_upload.h"

#define LINE_COLUMN "statbus:line"
#define FINDINGS_COLUMN "statbus:findings"

#define STATE_VERSION 0x53420002

static void open_target(Upload *upload, Oid relid);
static void *upload_alloc(void *context, size_t size);
static void upload_release(void *context, void *memory);
static void begin_upload(Upload *upload, FunctionCallInfo fcinfo);
static char delimiter_by_name(text *name);
static void resume_upload(Upload *upload, bytea *saved);
static bytea *save_upload(Upload *upload);
static void read_events(Upload *upload);
static void add_row(Upload *upload);
static void flush_rows(Upload *upload);

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
	open_target(upload, PG_GETARG_OID(0));
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
			upload_refuse_headings(upload, 0);
		upload_add_blanks(upload, "blank_line", &upload->state.blank_lines);
		upload_add_blanks(upload, "blank_row", &upload->state.blank_rows);
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

/* The table that the rows are written to. */
static void
open_target(Upload *upload, Oid relid)
{
	upload->relation = table_open(relid, RowExclusiveLock);
	upload->line_attnum = get_attnum(RelationGetRelid(upload->relation), LINE_COLUMN);
	upload->findings_attnum = get_attnum(RelationGetRelid(upload->relation), FINDINGS_COLUMN);
	if (upload->line_attnum == InvalidAttrNumber || upload->findings_attnum == InvalidAttrNumber)
		elog(ERROR, "table \"%s\" is not prepared for an upload", RelationGetRelationName(upload->relation));
	upload->batch_context = AllocSetContextCreate(CurrentMemoryContext, "upload batch", ALLOCSET_DEFAULT_SIZES);
	upload->bulk_insert = GetBulkInsertState();
}

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
				upload_add_finding(upload, &reader->finding);
				break;
			case CSV_HEADER:
				upload_add_heading(upload);
				break;
			case CSV_RECORD:
				add_row(upload);
				break;
			case CSV_BLANK_LINE:
				upload_add_blank(&upload->state.blank_lines, reader->record.line);
				break;
			case CSV_BLANK_ROW:
				upload_add_blank(&upload->state.blank_rows, reader->record.line);
				break;
			default:
				break;
		}
	}
	/* The next lines may come much later, and are not waited for. */
	if (!upload->refused && upload->candidates > 0 && upload->state.nfields == 0)
		upload_refuse_headings(upload, 0);
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
		slot->tts_values[upload->findings_attnum - 1] = upload_row_findings(upload);
		slot->tts_isnull[upload->findings_attnum - 1] = false;
	}
	MemoryContextSwitchTo(caller);
	ExecStoreVirtualTuple(slot);
	upload->batch_bytes += 64;
	if (++upload->nslots == BATCH_ROWS || upload->batch_bytes >= BATCH_BYTES)
		flush_rows(upload);
}

/*
 * Writes the rows at hand, after those before them: short ones do not fill gaps
 * of pages before, so that the table is read in the order of the file.
 */
static void
flush_rows(Upload *upload)
{
	if (upload->nslots > 0)
		table_multi_insert(upload->relation, upload->slots, upload->nslots, GetCurrentCommandId(true),
						   TABLE_INSERT_SKIP_FSM, upload->bulk_insert);
	for (int i = 0; i < upload->nslots; i++)
		ExecClearTuple(upload->slots[i]);
	MemoryContextReset(upload->batch_context);
	upload->nslots = 0;
	upload->batch_bytes = 0;
}

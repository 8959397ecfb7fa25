/*-------------------------------------------------------------------------
 *
 * csv_fuzz.c
 *	  Fuzz target of the reader of CSV files: src/csv.c without a server.
 *
 * The first bytes of the input choose the options, the next say how the file
 * is cut, the rest is the file.  Apart from what the sanitizers see, these
 * promises are held against each result:
 *	  - the events are the same however the file is cut, and when the reader
 *		is saved and restored between two pieces;
 *	  - all text is UTF-8 without zero bytes, and no longer than its limit
 *		allows;
 *	  - a row with more or fewer fields than the heading, or with text that was
 *		changed, has an error;
 *	  - each line of the file belongs to exactly one record;
 *	  - what is written as CSV is read as it was;
 *	  - memory held does not grow with the file, and all of it is given back.
 *
 * IDENTIFICATION
 *	  test/fuzz/csv_fuzz.c
 *
 *-------------------------------------------------------------------------
 */
#include "csv_internal.h"
#include "fuzz.h"

#include <string.h>

/* How many bytes of the input are no part of the file. */
#define OPTION_BYTES 8

static long used;

static void *
take(void *context, size_t size)
{
	(void) context;
	used++;
	return malloc(size);
}

static void
give_back(void *context, void *memory)
{
	(void) context;
	used--;
	free(memory);
}

static const CsvMemory memory = {take, give_back, NULL};

/* What came out of a file. */
typedef struct CsvTrace
{
	uint64_t	hash;			/* of all events */
	int64_t		events;
	int64_t		next_line;		/* of the next record */
	bool		is_refused;		/* reading ended early */
} CsvTrace;

static void
add(CsvTrace *trace, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		trace->hash = (trace->hash ^ bytes[i]) * UINT64_C(0x100000001b3);
}

static void
add_number(CsvTrace *trace, int64_t number)
{
	add(trace, &number, sizeof(number));
}

static void
add_finding(CsvTrace *trace, const CsvFinding *finding)
{
	CHECK((unsigned) finding->code < CSV_CODES);
	CHECK(csv_code_name(finding->code) != NULL);
	add_number(trace, finding->code);
	add_number(trace, finding->field);
	add_number(trace, finding->line);
	add_number(trace, finding->offset);
	add_number(trace, finding->byte);
	if (finding->text != NULL)
		add(trace, finding->text, strlen(finding->text) + 1);
}

/* A record by itself. */
static void
check_record(const CsvReader *reader, CsvEvent event)
{
	const CsvRecord *record = &reader->record;
	size_t		limit = reader->state->now.options.field_limit;
	bool		is_error = false;

	CHECK(record->nfields >= 1 && record->nkept <= record->nfields);
	CHECK(record->nfindings >= 0 && record->nfindings <= CSV_MAX_FINDINGS);
	for (int i = 0; i < record->nkept; i++)
	{
		const CsvField *field = &record->fields[i];

		CHECK(field->len <= 3 * limit);
		CHECK(field->len == 0 || memchr(field->data, 0, field->len) == NULL);
		CHECK(csv_utf8_bad(field->data, field->data + field->len) == NULL);
	}
	for (int i = 0; i < record->nfindings; i++)
	{
		const CsvFinding *finding = &record->findings[i];

		is_error |= csv_is_error(finding->code);
		CHECK(!csv_is_fatal(finding->code));
		CHECK(finding->field >= -1 && finding->field < record->nfields);
		CHECK(finding->line >= record->line && finding->line < record->line + record->lines);
		for (int j = 0; j < i; j++)
			CHECK(record->findings[j].code != finding->code || record->findings[j].field != finding->field);
	}
	CHECK(!is_error || record->is_error);
	CHECK(!record->is_error || is_error || record->nfindings == CSV_MAX_FINDINGS);
	if (event == CSV_RECORD)
		CHECK(record->is_error || record->nfields == reader->expected);
	CHECK((event == CSV_RECORD) == (record->number > 0));
}

/* Takes the events up to where more bytes are needed. */
static CsvEvent
drain(CsvReader *reader, CsvTrace *trace, int header_fields)
{
	for (;;)
	{
		CsvEvent	event = csv_next(reader);
		const CsvRecord *record = &reader->record;

		if (event == CSV_MORE || event == CSV_END)
			return event;
		trace->events++;
		add_number(trace, event);
		if (event == CSV_FINDING)
		{
			add_finding(trace, &reader->finding);
			trace->is_refused |= csv_is_fatal(reader->finding.code);
			if (reader->finding.code == CSV_EXCEL_SEP_LINE)
				trace->next_line = 2;
			continue;
		}
		check_record(reader, event);
		/* Records before a heading of which the line was said do not come. */
		if (reader->state->now.options.header_line == 0)
			CHECK(record->line == trace->next_line);
		CHECK(record->line >= trace->next_line);
		trace->next_line = record->line + record->lines;
		add_number(trace, record->number);
		add_number(trace, record->line);
		add_number(trace, record->nfields);
		for (int i = 0; i < record->nkept; i++)
		{
			add_number(trace, (int64_t) record->fields[i].len);
			add(trace, record->fields[i].data, record->fields[i].len);
			add_number(trace, record->fields[i].quoted);
		}
		for (int i = 0; i < record->nfindings; i++)
			add_finding(trace, &record->findings[i]);
		if (event == CSV_HEADER && record->nfields >= header_fields)
			csv_take_header(reader);
	}
}

/* Goes on with another reader. */
static CsvReader *
exchange(CsvReader *reader)
{
	size_t		len;
	const char *saved = csv_save(reader, &len);
	CsvReader  *other;

	CHECK(len <= sizeof(CsvProgress) + CSV_DETECT_BYTES + CSV_DECODE_BYTES + 2 * reader->state->now.options.record_limit);
	other = csv_restore(saved, len, &memory);
	CHECK(other != NULL);
	csv_free(reader);
	return other;
}

/* Reads the file in pieces; "cuts" 0: whole. */
static CsvTrace
read_file(const CsvOptions *options, int header_fields, const uint8_t *data, size_t len, unsigned cuts)
{
	CsvTrace	trace = {UINT64_C(0xcbf29ce484222325), 0, 1, false};
	CsvReader  *reader = csv_begin(options, &memory);
	size_t		at = 0;

	while (at < len)
	{
		size_t		n = cuts == 0 ? len : 1 + (cuts >> 4 * (at % 5)) % 16;
		char	   *piece;

		n = n < len - at ? n : len - at;
		piece = malloc(n);
		memcpy(piece, data + at, n);
		csv_feed(reader, piece, n);
		if (drain(reader, &trace, header_fields) == CSV_MORE && (cuts >> 20 & 1) != 0)
			reader = exchange(reader);
		free(piece);
		at += n;
	}
	csv_finish(reader);
	CHECK(drain(reader, &trace, header_fields) == CSV_END);
	CHECK(csv_next(reader) == CSV_END);
	csv_free(reader);
	CHECK(used == 0);
	return trace;
}

/* How many lines a text has. */
static int64_t
count_lines(const uint8_t *data, size_t len)
{
	int64_t		lines = 0;

	for (size_t i = 0; i < len; i++)
		lines += data[i] == '\n' || (data[i] == '\r' && (i + 1 == len || data[i + 1] != '\n'));
	return lines + (len > 0 && data[len - 1] != '\n' && data[len - 1] != '\r');
}

/* Text is written as fields in quotes, one per byte 1, and read again. */
static void
round_trip(const uint8_t *data, size_t len)
{
	CsvOptions	options = {.encoding = CSV_ENCODING_UTF8, .delimiter = ','};
	CsvReader  *reader = csv_begin(&options, &memory);
	char	   *written = malloc(2 * len + 10);
	size_t		n = 0;
	const char *p = (const char *) data;
	CsvEvent	event;

	memcpy(written, "\"A\",\"", 5);
	n = 5;
	for (size_t i = 0; i < len; i++)
	{
		if (data[i] == '"')
			written[n++] = '"';
		written[n++] = (char) data[i];
	}
	written[n++] = '"';
	csv_feed(reader, written, n);
	csv_finish(reader);
	while ((event = csv_next(reader)) == CSV_FINDING)
		;
	CHECK(event == CSV_HEADER);
	CHECK(reader->record.nfields == 2 && reader->record.nfindings == 0);
	CHECK(reader->record.fields[1].len == len && (len == 0 || memcmp(reader->record.fields[1].data, p, len) == 0));
	csv_free(reader);
	free(written);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char delimiters[] = {0, 0, 0, ',', ';', '\t', '|', ' '};
	static const size_t limits[] = {0, 3, 10, 40};
	CsvOptions	options = {0};
	CsvTrace	whole;
	CsvTrace	cut;
	unsigned	cuts;
	int			header_fields;
	const uint8_t *file = data + OPTION_BYTES;
	size_t		len = size - OPTION_BYTES;

	if (size < OPTION_BYTES)
		return 0;
	options.encoding = (CsvEncoding) (data[0] % 5);
	options.guess_windows_1252 = (data[0] & 0x80) != 0;
	options.delimiter = delimiters[data[1] % 8];
	options.field_limit = limits[data[2] % 4];
	options.record_limit = limits[data[2] / 4 % 4];
	options.header_line = data[3] % 4;
	header_fields = data[3] / 4 % 4;
	options.detect_bytes = data[3] / 16;
	memcpy(&cuts, data + 4, sizeof(cuts));

	whole = read_file(&options, header_fields, file, len, 0);
	cut = read_file(&options, header_fields, file, len, cuts | 1U << 24);
	CHECK(whole.events == cut.events && whole.hash == cut.hash);
	if (!whole.is_refused && options.header_line == 0 && options.encoding == CSV_ENCODING_UTF8 &&
		!(len >= 2 && (file[0] >= 0xfe && file[1] >= 0xfe)))
		CHECK(whole.next_line == count_lines(file, len) + 1);
	if (memchr(file, 0, len) == NULL && csv_utf8_bad((const char *) file, (const char *) file + len) == NULL)
		round_trip(file, len);
	return 0;
}

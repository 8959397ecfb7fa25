/*-------------------------------------------------------------------------
 *
 * csv_test.c
 *	  Files of every kind of damage through the reader of CSV files.
 *
 * What comes out of a file is written as one text and compared.  Each file is
 * read whole and cut into pieces of several sizes, with the reader saved and
 * restored between two pieces: the text must be the same.
 *
 * IDENTIFICATION
 *	  test/unit/csv_test.c
 *
 *-------------------------------------------------------------------------
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"

static int	tests = 0;

static void
ok(bool passed, const char *what)
{
	printf("%sok %d - %s\n", passed ? "" : "not ", ++tests, what);
}

static void *
take(void *context, size_t size)
{
	++*(long *) context;
	return malloc(size);
}

static void
give_back(void *context, void *memory)
{
	--*(long *) context;
	free(memory);
}

/* A text that grows. */
typedef struct Text
{
	char	   *data;
	size_t		len;
	size_t		size;
} Text;

static void
add(Text *text, const char *format,...)
{
	va_list		args;
	int			len;

	for (;;)
	{
		va_start(args, format);
		len = vsnprintf(text->data + text->len, text->size - text->len, format, args);
		va_end(args);
		if ((size_t) len < text->size - text->len)
			break;
		text->size = 2 * text->size + (size_t) len + 64;
		text->data = realloc(text->data, text->size);
	}
	text->len += (size_t) len;
}

/* " code#field@line+offset=byte(text)", each part only when there is one. */
static void
add_finding(Text *text, const CsvFinding *finding)
{
	add(text, " %s", csv_code_name(finding->code));
	if (finding->field >= 0)
		add(text, "#%d", finding->field);
	if (finding->line > 0)
		add(text, "@%lld", (long long) finding->line);
	if (finding->offset >= 0)
		add(text, "+%lld", (long long) finding->offset);
	if (finding->byte >= 0)
		add(text, "=%02x", (unsigned) finding->byte);
	if (finding->text != NULL)
		add(text, "(%s)", finding->text);
}

/* A field; a long one by its length. */
static void
add_field(Text *text, const CsvField *field)
{
	if (field->len > 200)
	{
		add(text, "<%zu bytes>", field->len);
		return;
	}
	for (size_t i = 0; i < field->len; i++)
	{
		unsigned char c = (unsigned char) field->data[i];

		if (c == '\n')
			add(text, "\\n");
		else if (c == '\r')
			add(text, "\\r");
		else if (c == '\t')
			add(text, "\\t");
		else
			add(text, "%c", c);
	}
}

/* "1:[a|b] code…": the first line, for more lines ("1-2") the last too, the fields and the findings. */
static void
add_record(Text *text, const CsvRecord *record)
{
	add(text, "%lld", (long long) record->line);
	if (record->lines > 1)
		add(text, "-%lld", (long long) (record->line + record->lines - 1));
	add(text, ":[");
	for (int i = 0; i < record->nkept && i < 40; i++)
	{
		add(text, i == 0 ? "" : "|");
		add_field(text, &record->fields[i]);
	}
	add(text, "]");
	if (record->nfields != record->nkept)
		add(text, " of %d", record->nfields);
	for (int i = 0; i < record->nfindings; i++)
		add_finding(text, &record->findings[i]);
	if (record->is_error)
		add(text, " !");
}

/* Headings are taken from the first on that has this many fields. */
static int	header_fields = 0;

/* Everything up to CSV_MORE or CSV_END. */
static CsvEvent
drain(CsvReader *reader, Text *text)
{
	for (;;)
	{
		CsvEvent	event = csv_next(reader);
		static const char *const names[] = {NULL, "F", "H", "R", "B", "BR", NULL};

		if (event == CSV_MORE || event == CSV_END)
			return event;
		add(text, "%s%s", text->len > 0 ? "; " : "", names[event]);
		if (event == CSV_FINDING)
			add_finding(text, &reader->finding);
		else
			add_record(text, &reader->record);
		if (event == CSV_HEADER && reader->record.nfields >= header_fields)
			csv_take_header(reader);
		if (event == CSV_RECORD && reader->record.number != reader->rows)
			add(text, " NUMBER");
	}
}

/* What comes out of the file in pieces of "piece" bytes; 0: whole.  Pieces are copies that go at once. */
static char *
read_file(const CsvOptions *options, const char *data, size_t len, size_t piece, bool saves)
{
	long		used = 0;
	CsvMemory	memory = {take, give_back, &used};
	Text		text = {malloc(64), 0, 64};
	CsvReader  *reader = csv_begin(options, &memory);
	CsvEvent	event;

	text.data[0] = '\0';
	if (piece == 0)
		piece = len > 0 ? len : 1;
	for (size_t at = 0; at < len; at += piece)
	{
		size_t		n = len - at < piece ? len - at : piece;
		char	   *copy = malloc(n);

		memcpy(copy, data + at, n);
		csv_feed(reader, copy, n);
		event = drain(reader, &text);
		free(copy);
		if (event == CSV_MORE && saves)
		{
			size_t		saved_len;
			const char *saved = csv_save(reader, &saved_len);
			CsvReader  *other = csv_restore(saved, saved_len, &memory);

			csv_free(reader);
			reader = other;
		}
	}
	csv_finish(reader);
	if (drain(reader, &text) != CSV_END)
		add(&text, " NO END");
	csv_free(reader);
	if (used != 0)
		add(&text, " MEMORY");
	return text.data;
}

/* Reads a file in all ways. */
static void
check(const char *what, const CsvOptions *options, const char *data, size_t len, const char *expected)
{
	static const size_t pieces[] = {0, 1, 2, 3, 7, 100, 5000, 65536};
	char	   *first = NULL;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
	{
		char	   *got;

		/* One by one takes time for long files, and says no more. */
		if (pieces[i] > 0 && pieces[i] < 100 && len > 20000)
			continue;
		got = read_file(options, data, len, pieces[i], i % 2 == 1);
		if (first == NULL)
		{
			ok(strcmp(got, expected) == 0, what);
			if (strcmp(got, expected) != 0)
				printf("# got      %s\n# expected %s\n", got, expected);
			first = got;
			continue;
		}
		if (strcmp(got, first) != 0)
		{
			ok(false, what);
			printf("# in pieces of %zu %s\n# whole %s\n", pieces[i], got, first);
		}
		free(got);
	}
	free(first);
}

#define FILE_IS(what, data, expected) check(what, &plain, data, sizeof(data) - 1, expected)
#define FILE_WITH(what, options, data, expected) check(what, options, data, sizeof(data) - 1, expected)

static const CsvOptions plain;

int
main(void)
{
	FILE_IS("a file", "a,b\n1,2\n3,4\n", "H1:[a|b]; R2:[1|2]; R3:[3|4]");
	FILE_IS("empty fields", "a,b,c\n,,3\n1,,\n", "H1:[a|b|c]; R2:[||3]; R3:[1||]");
	FILE_IS("quoted", "a,b\n\"x,y\",\"1\"\"2\"\n\"p\nq\",2\n3,4", "H1:[a|b]; R2:[x,y|1\"2]; R3-4:[p\\nq|2]; R5:[3|4]");
	FILE_IS("14 semicolons", "a;b\n1,5;2\n3;4\n", "F delimiter_detected(;); H1:[a|b]; R2:[1,5|2]; R3:[3|4]");
	FILE_IS("12 backslash dot", "a,b\n1,2\n\\.\n3,4\n", "H1:[a|b]; R2:[1|2]; R3:[\\.] row_too_short@3 !; R4:[3|4]");
	FILE_IS("10 unclosed", "a,b\n1,\"x\n3,4\n", "H1:[a|b]; R2:[1|x] quote_unclosed#1@2 !; R3:[3|4]");
	return 0;
}

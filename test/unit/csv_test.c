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
#include "tap.h"

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
typedef struct CsvText
{
	char	   *data;
	size_t		len;
	size_t		size;
} CsvText;

static void
add(CsvText *text, const char *format,...)
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
add_finding(CsvText *text, const CsvFinding *finding)
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
add_field(CsvText *text, const CsvField *field)
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
add_record(CsvText *text, const CsvRecord *record)
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
drain(CsvReader *reader, CsvText *text)
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
	CsvText		text = {malloc(64), 0, 64};
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

/* Is the text the same however the file is cut? */
static void
check_pieces(const char *what, const CsvOptions *options, const char *data, size_t len)
{
	static const size_t pieces[] = {1, 2, 3, 7, 100, 5000, 65536};
	char	   *whole = read_file(options, data, len, 0, false);

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
	{
		char	   *got;

		/* One by one takes time for long files, and says no more. */
		if (pieces[i] < 5000 && len > 20000)
			continue;
		got = read_file(options, data, len, pieces[i], i % 2 == 0);
		if (strcmp(got, whole) != 0)
		{
			ok(false, "%s", what);
			printf("# in pieces of %zu, decided by %zu: %s\n# whole %s\n", pieces[i], options->detect_bytes, got, whole);
		}
		free(got);
	}
	free(whole);
}

/* Reads a file in all ways, also with less bytes to decide by, which may say something else. */
static void
check(const char *what, const CsvOptions *options, const char *data, size_t len, const char *expected)
{
	static const size_t detect_bytes[] = {0, 1, 5, 16, 64};
	char	   *got = read_file(options, data, len, 0, false);

	ok(strcmp(got, expected) == 0, "%s", what);
	if (strcmp(got, expected) != 0)
		printf("# got      %s\n# expected %s\n", got, expected);
	free(got);
	for (size_t i = 0; i < sizeof(detect_bytes) / sizeof(detect_bytes[0]); i++)
	{
		CsvOptions	other = *options;

		other.detect_bytes = detect_bytes[i];
		check_pieces(what, &other, data, len);
	}
}

#define FILE_IS(what, data, expected) check(what, &plain, data, sizeof(data) - 1, expected)
#define FILE_WITH(what, options, data, expected) check(what, options, data, sizeof(data) - 1, expected)

static const CsvOptions plain;

/* "n" times "c" between "before" and "after"; the caller frees it. */
static char *
repeated(const char *before, char c, size_t n, const char *after, size_t *len)
{
	size_t		begin = strlen(before);
	size_t		rest = strlen(after);
	char	   *data = malloc(begin + n + rest + 1);

	memcpy(data, before, begin);
	memset(data + begin, c, n);
	memcpy(data + begin + n, after, rest + 1);
	*len = begin + n + rest;
	return data;
}

static void
test_plain(void)
{
	static const CsvOptions tab = {.delimiter = '\t'};

	FILE_IS("a file", "a,b\n1,2\n3,4\n", "H1:[a|b]; R2:[1|2]; R3:[3|4]");
	FILE_IS("empty fields", "a,b,c\n,,3\n1,,\n", "H1:[a|b|c]; R2:[||3]; R3:[1||]");
	FILE_IS("quoted fields", "a,b\n\"x,y\",\"1\"\"2\"\n\"p\nq\",2\n3,4", "H1:[a|b]; R2:[x,y|1\"2]; R3-4:[p\\nq|2]; R5:[3|4]");
	FILE_IS("quoted fields of nothing but quotes", "a,b\n\"\",\"\"\"\"\n\"\"\"\"\"\",\"\"\"x\"\n", "H1:[a|b]; R2:[|\"]; R3:[\"\"|\"x]");
	FILE_IS("5 CRLF", "a,b\r\n1,\"x\r\ny\"\r\n3,4\r\n", "H1:[a|b]; R2-3:[1|x\\r\\ny]; R4:[3|4]");
	FILE_IS("7 CR only", "a,b\r1,2\r3,4\r", "H1:[a|b]; R2:[1|2]; R3:[3|4]");
	FILE_IS("6 mixed line endings", "a,b\r\n1,2\n3,4\r5,6\r\n",
			"H1:[a|b]; R2:[1|2]; R3:[3|4]; R4:[5|6]; F mixed_line_endings@2");
	FILE_IS("line ends inside quotes do not count as mixed", "a,b\r\n1,\"x\ny\rz\"\r\n", "H1:[a|b]; R2-4:[1|x\\ny\\rz]");
	FILE_IS("27 no line end at the end", "a,b\n1,2", "H1:[a|b]; R2:[1|2]");
	FILE_IS("no line end after a delimiter", "a,b\n1,", "H1:[a|b]; R2:[1|]");
	FILE_IS("no line end after a quote", "a,b\n1,\"2\"", "H1:[a|b]; R2:[1|2]");
	FILE_IS("no line end after CR", "a,b\r\n1,2\r", "H1:[a|b]; R2:[1|2]; F mixed_line_endings@2");
	FILE_IS("one column", "a\n1\n\n2\n", "H1:[a]; R2:[1]; B3:[]; R4:[2]");
	FILE_IS("29 a comma in a heading", "\"name, legal\",b\n1,2\n", "H1:[name, legal|b]; R2:[1|2]");
	FILE_WITH("spaces after a quote, tabs", &tab, "a\tb\n\"1\" \t\"2\"\t\n", "H1:[a|b]; R2:[1|2|] row_too_long@2 !");
	FILE_IS("spaces after a quote go, others stay", "a,b\n\"1\"  , 2 \n", "H1:[a|b]; R2:[1| 2 ]");
}

static void
test_faults(void)
{
	FILE_IS("8 short", "a,b,c\n1,2\n1,2,3\n", "H1:[a|b|c]; R2:[1|2] row_too_short@2 !; R3:[1|2|3]");
	FILE_IS("9 long", "a,b\n1,A, Inc,2\n1,2\n", "H1:[a|b]; R2:[1|A| Inc|2] row_too_long@2 !; R3:[1|2]");
	FILE_IS("9 long by nothing", "a,b\n1,2,\n", "H1:[a|b]; R2:[1|2|] row_too_long@2 !");
	FILE_IS("12 backslash dot", "a,b\n1,2\n\\.\n3,4\n", "H1:[a|b]; R2:[1|2]; R3:[\\.] row_too_short@3 !; R4:[3|4]");
	FILE_IS("11 quotes inside", "a,b\nACME \"THE BEST\" AS,5\"\n", "H1:[a|b]; R2:[ACME \"THE BEST\" AS|5\"] quote_inside_field#0@2 quote_inside_field#1@2");
	FILE_IS("11 a quote after a space", "a,b\n1, \"2\"\n", "H1:[a|b]; R2:[1| \"2\"] quote_inside_field#1@2");
	FILE_IS("13 text after a quote", "a,b\n\"x\"y,\"p\"\"q\"r \"s\"\n", "H1:[a|b]; R2:[\"x\"y|\"p\"\"q\"r \"s\"] text_after_quote#0@2 text_after_quote#1@2");
	FILE_IS("4 zero bytes", "a,b\n1\0001,2\0\0\n3,4\n", "H1:[a|b]; R2:[1\xef\xbf\xbd" "1|2\xef\xbf\xbd\xef\xbf\xbd] nul_byte#0@2+5=00 nul_byte#1@2+9=00 !; R3:[3|4]");
	FILE_IS("4 a zero byte in quotes", "a,b\n\"x\n\0\",\"\"\"\0\"\n", "H1:[a|b]; R2-3:[x\\n\xef\xbf\xbd|\"\xef\xbf\xbd] nul_byte#0@2+7=00 nul_byte#1@3+13=00 !");
	FILE_IS("25 blank lines", "\na,b\n\n1,2\n  \n\n3,4\n\n", "B1:[]; H2:[a|b]; B3:[]; R4:[1|2]; B5:[  ]; B6:[]; R7:[3|4]; B8:[]");
	FILE_IS("26 rows of delimiters", "a,b,c\n,,\n1,2,3\n, ,\n,,,,,\n\"\",,\"\"\n\"\"\n", "H1:[a|b|c]; BR2:[||]; R3:[1|2|3]; BR4:[| |]; BR5:[|||||]; BR6:[||]; BR7:[]");
	FILE_IS("the end-of-file mark of DOS", "a,b\r\n1,2\r\n\x1a", "H1:[a|b]; R2:[1|2]; B3:[\x1a]");
	FILE_IS("CR CR LF", "a,b\r\r\n1,2\r\r\n", "H1:[a|b]; B2:[]; R3:[1|2]; B4:[]; F mixed_line_endings@2");
	FILE_IS("23 empty", "", "F file_empty");
	FILE_IS("23 only blank lines", "\n \n,,\n", "B1:[]; B2:[ ]; BR3:[||]; F file_empty");
	FILE_IS("24 headings only", "a,b\n", "H1:[a|b]; F no_rows");
	FILE_IS("24 headings and blank lines", "a,b\n\n,\n", "H1:[a|b]; B2:[]; BR3:[|]; F no_rows");
}

static void
test_unclosed(void)
{
	FILE_IS("10 unclosed, then the end", "a,b\n1,\"x\n3,4\n", "H1:[a|b]; R2:[1|x] quote_unclosed#1@2 !; R3:[3|4]");
	FILE_IS("10 unclosed in the last line", "a,b\n1,2\n3,\"x,y", "H1:[a|b]; R2:[1|2]; R3:[3|x,y] quote_unclosed#1@3 !");
	FILE_IS("10 a quote alone at the end", "a,b\n1,2\n3,\"", "H1:[a|b]; R2:[1|2]; R3:[3|] quote_unclosed#1@3 !");
	FILE_IS("10 unclosed, then another quote opens", "a,b,c\n1,\"ACME,x\n2,\"Other\",y\n3,\"P\",z\n",
			"H1:[a|b|c]; R2:[1|ACME,x] quote_unclosed#1@2 !; R3:[2|Other|y]; R4:[3|P|z]");
	FILE_IS("10 every line", "a,b\n1,\"x\n2,\"y\n3,\"z\n", "H1:[a|b]; R2:[1|x] quote_unclosed#1@2 !; R3:[2|y] quote_unclosed#1@3 !; R4:[3|z] quote_unclosed#1@4 !");
	FILE_IS("10 unclosed after a good field of two lines", "a,b\n\"1\n1\",\"x\n2,\"y\"\n",
			"H1:[a|b]; R2-3:[1\\n1|x] quote_unclosed#1@3 !; R4:[2|y]");
	FILE_IS("10 unclosed with CRLF", "a,b\r\n1,\"x\r\n2,\"y\"\r\n", "H1:[a|b]; R2:[1|x] quote_unclosed#1@2 !; R3:[2|y]");
	FILE_IS("10 two that meet", "a,b,c\n1,\"x,y\n2,p,q\n3,r,s\n4,t\"\n5,u,v\n",
			"H1:[a|b|c]; R2:[1|x,y] quote_unclosed#1@2 !; R3:[2|p|q]; R4:[3|r|s]; R5:[4|t\"] row_too_short@5 quote_inside_field#1@5 !; R6:[5|u|v]");
	FILE_IS("10 lines in a long record", "a,b,c\n1,\"x\ny\nz\",3,4\n2,p,q\n", "H1:[a|b|c]; R2-4:[1|x\\ny\\nz|3|4] row_too_long@2 !; R5:[2|p|q]");
	FILE_IS("10 unclosed heading", "a,\"b\n1,\"2\"\n", "H1:[a|b] quote_unclosed#1@1 !; R2:[1|2]");
	FILE_IS("10 doubled quotes before the line end", "a,b\n1,\"x\"\"y\n2,\"z\"\n", "H1:[a|b]; R2:[1|x\"y] quote_unclosed#1@2 !; R3:[2|z]");
}

static void
test_limits(void)
{
	static const CsvOptions small = {.field_limit = 5, .record_limit = 30};
	size_t		len;
	char	   *data;

	FILE_WITH("28 a long field", &small, "a,b\n123456,2\n12345,2\n", "H1:[a|b]; R2:[12345|2] field_too_long#0@2 !; R3:[12345|2]");
	FILE_WITH("28 a long field in quotes", &small, "a,b\n\"1,34567\",2\n", "H1:[a|b]; R2:[1,345|2] field_too_long#0@2 !");
	FILE_WITH("28 not cut inside a character", &small, "a,b\n1234\xc3\xa5,2\n", "H1:[a|b]; R2:[1234|2] field_too_long#0@2 !");
	FILE_WITH("28 a long field of many lines", &small, "a,b\n\"1\n345678\",2\nx,y\n",
			  "H1:[a|b]; R2:[1] field_too_long#0@2 quote_unclosed#0@2 !; R3:[34567|2] quote_inside_field#0@3 field_too_long#0@3 !; R4:[x|y]");
	FILE_WITH("30 a long record", &small, "a,b\n1,2,3,4,5,6,7,8,9,10,11,12,13,14\n3,4\n",
			  "H1:[a|b]; R2:[1|2|3|4|5|6|7|8|9|10|11|12|13|1] record_too_long@2 !; R3:[3|4]");
	FILE_WITH("30 a record as long as it may be", &small, "a,b\n1,2,3,4,5,6,7,8,9,10,11,12,13\n3,4\n",
			  "H1:[a|b]; R2:[1|2|3|4|5|6|7|8|9|10|11|12|13] row_too_long@2 !; R3:[3|4]");
	FILE_WITH("30 a long record with CRLF", &small, "a,b\r\n1,2,3,4,5,6,7,8,9,10,11,12,13,14\r\n3,4\r\n",
			  "H1:[a|b]; R2:[1|2|3|4|5|6|7|8|9|10|11|12|13|1] record_too_long@2 !; R3:[3|4]");
	FILE_WITH("30 a long record not cut inside a character", &small, "a,b\n1,2,3,4,5,6,7,8,9,10,11,12,1\xc3\xa5,14\n3,4\n",
			  "H1:[a|b]; R2:[1|2|3|4|5|6|7|8|9|10|11|12|1\xc3\xa5|] record_too_long@2 !; R3:[3|4]");
	FILE_WITH("30 a long record at the end", &small, "a,b\n1234567890123456789012345678901234567890", "H1:[a|b]; R2:[12345] record_too_long@2 field_too_long#0@2 !");
	FILE_WITH("30 many lines that make a long record", &small, "a,b\n11,\"2\n\",\"3\n\",\"4\n\",\"5\n\",\"6\n\",\"7\n\"\n3,4\n",
			  "H1:[a|b]; R2-7:[11|2\\n|3\\n|4\\n|5\\n|6\\n|7] quote_unclosed#6@7 !; R8:[] field_too_long#0@8 quote_unclosed#0@8 !; R9:[3|4]");

	data = repeated("a,b\n1,", 'x', 65536, "\n3,4\n", &len);
	check("28 a field of 64 kB", &plain, data, len, "H1:[a|b]; R2:[1|<65536 bytes>]; R3:[3|4]");
	free(data);
	data = repeated("a,b\n1,", 'x', 65537, "\n3,4\n", &len);
	check("28 a field of 64 kB and a byte", &plain, data, len, "H1:[a|b]; R2:[1|<65536 bytes>] field_too_long#1@2 !; R3:[3|4]");
	free(data);
	data = repeated("a,b\n1,\"", 'x', 1200000, "\"\n3,4\n", &len);
	check("28 a field of 1.2 MB", &plain, data, len, "H1:[a|b]; R2:[1|<65536 bytes>] record_too_long@2 field_too_long#1@2 !; R3:[3|4]");
	free(data);
	data = repeated("a,b\n1", ',', 4096, "\n3,4\n", &len);
	check("30 more fields than are kept", &plain, data, len,
		  "H1:[a|b]; R2:[1|||||||||||||||||||||||||||||||||||||||] of 4097 record_too_long@2 !; R3:[3|4]");
	free(data);
	data = repeated("a,b\n1,\"", '\n', 30000, "\"\n3,4\n", &len);
	check("a field of many lines", &plain, data, len, "H1:[a|b]; R2-30002:[1|<30000 bytes>]; R30003:[3|4]");
	free(data);
	data = repeated("a,b\n", 'x', 70000, "\n3,4\n", &len);
	memcpy(data + 66000, "\xc5", 1);
	check("2 latin1 after the bytes that decide", &plain, data, len, "H1:[a|b]; R2:[<65536 bytes>] row_too_short@2 field_too_long#0@2 !; R3:[3|4]");
	free(data);
}

static void
test_encodings(void)
{
	static const CsvOptions guess = {.guess_windows_1252 = true};
	static const CsvOptions latin1 = {.encoding = CSV_ENCODING_WINDOWS_1252};
	static const CsvOptions utf8 = {.encoding = CSV_ENCODING_UTF8};
	static const CsvOptions utf16le = {.encoding = CSV_ENCODING_UTF16LE};

	FILE_IS("1 byte order mark", "\xef\xbb\xbf" "a,b\n1,2\n", "F bom_removed@1; H1:[a|b]; R2:[1|2]");
	FILE_IS("1 nothing but a byte order mark", "\xef\xbb\xbf", "F bom_removed@1; F file_empty");
	FILE_IS("UTF-8", "a,b\n\xc3\x85,\xf0\x9f\x98\x80\n", "H1:[a|b]; R2:[\xc3\x85|\xf0\x9f\x98\x80]");
	FILE_IS("2 latin1", "a,b\n1,2\nBL\xc5" "B\xc6R,2\n", "F encoding_invalid@3+10=c5(windows-1252)");
	FILE_WITH("2 latin1 declared as UTF-8", &utf8, "a,b\nBL\xc5" "B\xc6R,2\n", "F encoding_invalid@2+6=c5(windows-1252)");
	FILE_WITH("2 latin1 detected", &guess, "a,b\nBL\xc5" "B\xc6R \x80,2\n", "F encoding_detected(windows-1252); H1:[a|b]; R2:[BL\xc3\x85" "B\xc3\x86R \xe2\x82\xac|2]");
	FILE_WITH("2 latin1 declared", &latin1, "a,b\nBL\xc5" "B\xc6R \x96,\x81\n", "H1:[a|b]; R2:[BL\xc3\x85" "B\xc3\x86R \xe2\x80\x93|\xef\xbf\xbd] encoding_invalid#1@2 !");
	FILE_WITH("UTF-8 declared as latin1", &latin1, "a,b\nBL\xc3\x85,2\n", "F encoding_invalid@2+6=c3(UTF-8)");
	FILE_WITH("a byte order mark in a file declared as latin1", &latin1, "\xef\xbb\xbf" "a,b\nBL\xc3\x85,2\n", "F bom_removed@1; H1:[a|b]; R2:[BL\xc3\x85|2]");
	FILE_IS("3 UTF-16LE", "\xff\xfe" "a\0;\0b\0\n\0" "\xc5\0;\0" "\x3d\xd8\x00\xde\n\0", "F bom_removed@1; F encoding_detected(UTF-16LE); F delimiter_detected(;); H1:[a|b]; R2:[\xc3\x85|\xf0\x9f\x98\x80]");
	FILE_IS("3 UTF-16BE", "\xfe\xff\0a\0\t\0b\0\r\0\n\0\xc5\0\t \xac\0\r\0\n", "F bom_removed@1; F encoding_detected(UTF-16BE); F delimiter_detected(\t); H1:[a|b]; R2:[\xc3\x85|\xe2\x82\xac]");
	FILE_IS("3 UTF-16LE without a mark", "a\0,\0b\0\n\0" "1\0,\0" "2\0", "F encoding_detected(UTF-16LE); H1:[a|b]; R2:[1|2]");
	FILE_WITH("3 UTF-16LE declared", &utf16le, "a\0,\0b\0\n\0" "1\0,\0" "2\0", "H1:[a|b]; R2:[1|2]");
	FILE_WITH("3 UTF-16 declared as UTF-8", &utf8, "a\0,\0b\0\n\0" "1\0,\0" "2\0", "F encoding_utf16(UTF-16LE)");
	FILE_IS("3 UTF-16 damaged", "\xff\xfe" "a\0,\0b\0\n\0" "\x3d\xd8,\0" "\x00\xde\n\0" "3\0,\0" "4",
			"F bom_removed@1; F encoding_detected(UTF-16LE); H1:[a|b]; R2:[\xef\xbf\xbd|\xef\xbf\xbd] encoding_invalid#0@2 encoding_invalid#1@2 !; R3:[3|\xef\xbf\xbd] encoding_invalid#1@3 !");
	FILE_IS("3 UTF-16 with a zero character", "\xff\xfe" "a\0\n\0\0\0\n\0", "F bom_removed@1; F encoding_detected(UTF-16LE); H1:[a]; R2:[\xef\xbf\xbd] nul_byte#0@2 !");
	FILE_IS("UTF-32", "\xff\xfe\0\0a\0\0\0,\0\0\0", "F encoding_invalid@1+0=ff(UTF-32)");
	FILE_IS("31 cut character", "a,b\nBL\xc3,2\n3,\xe2\x82\n5,6\n",
			"H1:[a|b]; R2:[BL\xef\xbf\xbd|2] encoding_invalid#0@2+6=c3 !; R3:[3|\xef\xbf\xbd\xef\xbf\xbd] encoding_invalid#1@3+12=e2 !; R4:[5|6]");
	FILE_IS("31 overlong, surrogate, beyond", "a,b\n\xc0\xaf,\xed\xa0\x80\n\xf4\x90\x80\x80,\xe0\x80\x80\n",
			"H1:[a|b]; R2:[\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd] encoding_invalid#0@2+4=c0 encoding_invalid#1@2+7=ed !; "
			"R3:[\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd] encoding_invalid#0@3+11=f4 encoding_invalid#1@3+16=e0 !");
	FILE_IS("31 one bad byte in a file of UTF-8", "a,b\n\xc3\x85\xc3\xb8,\xc3\xa6\n\xe5,2\n",
			"H1:[a|b]; R2:[\xc3\x85\xc3\xb8|\xc3\xa6]; R3:[\xef\xbf\xbd|2] encoding_invalid#0@3+12=e5 !");
	FILE_IS("32 other line ends are characters", "a,b\n1\xe2\x80\xa8,2\xc2\x85\x0b\x0c\n", "H1:[a|b]; R2:[1\xe2\x80\xa8|2\xc2\x85\x0b\x0c]");
}

static void
test_other_kinds(void)
{
	FILE_IS("33 XLSX", "PK\x03\x04\x14\0\x06\0", "F not_a_csv@1(XLSX or ZIP)");
	FILE_IS("33 PDF", "%PDF-1.7\n%\xe2\xe3\n", "F not_a_csv@1(PDF)");
	FILE_IS("33 XLS", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "F not_a_csv@1(XLS or DOC)");
	FILE_IS("34 HTML", "\n <!DOCTYPE html>\n<html>", "F not_a_csv@1(HTML)");
	FILE_IS("34 HTML with a mark", "\xef\xbb\xbf<html><body>", "F bom_removed@1; F not_a_csv@1(HTML)");
	FILE_IS("34 JSON", "{\"message\":\"x\"}", "F not_a_csv@1(JSON)");
}

static void
test_delimiters(void)
{
	static const CsvOptions comma = {.delimiter = ','};
	static const CsvOptions caret = {.delimiter = '^'};
	static const CsvOptions quote = {.delimiter = '"'};
	static const CsvOptions line3 = {.header_line = 3};

	FILE_IS("14 semicolons and decimal commas", "a;b\n1,5;2,5\n3,4;4,4\n", "F delimiter_detected(;); H1:[a|b]; R2:[1,5|2,5]; R3:[3,4|4,4]");
	FILE_WITH("14 semicolons in a file declared with commas", &comma, "a;b\n1,5;2\n3;4\n", "F delimiter_mismatch(;)");
	FILE_WITH("14 semicolons only in a file declared with commas", &comma, "a;b\n1;2\n3;4\n", "F delimiter_mismatch(;)");
	FILE_WITH("15 tabs in a file declared with commas", &comma, "a\tb\n1\t2\n", "F delimiter_mismatch(\t)");
	FILE_WITH("one column with semicolons in it", &comma, "a\n1;2\n3;4\n", "H1:[a]; R2:[1;2]; R3:[3;4]");
	FILE_IS("15 tabs", "a\tb\n1\t2,2\n", "F delimiter_detected(\t); H1:[a|b]; R2:[1|2,2]");
	FILE_IS("bars", "a|b\n1|2,2\n", "F delimiter_detected(|); H1:[a|b]; R2:[1|2,2]");
	FILE_IS("a delimiter in quotes does not count", "a;b\n\"1,2\";\"3,4\"\n\"1,2\";\"3,4\"\n", "F delimiter_detected(;); H1:[a|b]; R2:[1,2|3,4]; R3:[1,2|3,4]");
	FILE_WITH("another delimiter", &caret, "a^b\n1^\"2^\"\n", "H1:[a|b]; R2:[1|2^]");
	FILE_WITH("no delimiter", &quote, "a,b\n1,2\n", "H1:[a|b]; R2:[1|2]");
	FILE_IS("16 sep=", "sep=;\r\na;b\r\n1;2\r\n", "F excel_sep_line@1(;); H2:[a|b]; R3:[1|2]");
	FILE_WITH("16 sep= in a file declared with commas", &comma, "SEP=;\na;b\n1;2\n", "F excel_sep_line@1(;); H2:[a|b]; R3:[1|2]");
	FILE_IS("16 \"sep=,\" in quotes", "\"sep=,\"\na,b\n1,2\n", "F excel_sep_line@1(,); H2:[a|b]; R3:[1|2]");
	FILE_IS("16 sep= and nothing else", "sep=,\n", "F excel_sep_line@1(,); F file_empty");
	FILE_IS("16 a heading that begins so", "sep=,b\n1,2\n", "H1:[sep=|b]; R2:[1|2]");
	header_fields = 2;
	FILE_IS("17 lines above the headings", "Report 2023\n\na;b\n1;2\n", "F delimiter_detected(;); H1:[Report 2023]; B2:[]; H3:[a|b]; R4:[1|2]");
	FILE_IS("17 a line with commas above", "Units, 2023, all\na;b\n1;2\n3;4\n", "F delimiter_detected(;); H1:[Units, 2023, all]; H2:[a|b]; R3:[1|2]; R4:[3|4]");
	FILE_IS("17 no headings", "x\ny\n", "H1:[x]; H2:[y]");
	header_fields = 0;
	FILE_WITH("17 headings declared", &line3, "Report 2023\n\na;b\n1;2\n", "F delimiter_detected(;); B2:[]; H3:[a|b]; R4:[1|2]");
}

static void
test_names(void)
{
	static const char *const names[] = {"UTF-8", "utf8", "UTF-16LE", "utf_16be", "windows-1252", "latin1", "ISO-8859-1", "CP1252"};
	static const CsvEncoding encodings[] = {CSV_ENCODING_UTF8, CSV_ENCODING_UTF8, CSV_ENCODING_UTF16LE, CSV_ENCODING_UTF16BE,
	CSV_ENCODING_WINDOWS_1252, CSV_ENCODING_WINDOWS_1252, CSV_ENCODING_WINDOWS_1252, CSV_ENCODING_WINDOWS_1252};
	CsvEncoding encoding;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ok(csv_encoding_by_name(names[i], strlen(names[i]), &encoding) && encoding == encodings[i], "%s", names[i]);
	ok(!csv_encoding_by_name("EBCDIC", 6, &encoding), "an unknown encoding");
	ok(!csv_encoding_by_name("an encoding with a long name", 28, &encoding), "a long name");
}

static void
test_writing(void)
{
	static const struct
	{
		const char *field;
		const char *plain;
		const char *safe;
	}			cases[] = {
		{"", "", ""}, {"a b", "a b", "a b"}, {"a;b", "\"a;b\"", "\"a;b\""}, {"a,b", "a,b", "a,b"}, {" a", "\" a\"", "\" a\""},
		{"a\nb", "\"a\nb\"", "\"a\nb\""}, {"say \"x\"", "\"say \"\"x\"\"\"", "\"say \"\"x\"\"\""},
		{"=1+1", "=1+1", "'=1+1"}, {"@cmd", "@cmd", "'@cmd"}, {"\tx", "\tx", "'\tx"}, {"\rx", "\"\rx\"", "\"'\rx\""},
		{"+4712345678", "+4712345678", "'+4712345678"}, {"-12.5", "-12.5", "-12.5"}, {"-1+1", "-1+1", "'-1+1"}, {"-", "-", "'-"},
		{"-.", "-.", "'-."}, {"'0301", "'0301", "'0301"}, {"'=1", "'=1", "''=1"}, {"'-5", "'-5", "''-5"}, {"'", "'", "'"}
	};
	char		out[CSV_WRITTEN(32)];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		size_t		len = strlen(cases[i].field);
		size_t		written = csv_write_field(cases[i].field, len, ';', false, out);

		ok(written == strlen(cases[i].plain) && memcmp(out, cases[i].plain, written) == 0, "a field as it is");
		written = csv_write_field(cases[i].field, len, ';', true, out);
		ok(written == strlen(cases[i].safe) && memcmp(out, cases[i].safe, written) == 0, "a field for a spreadsheet");
		/* An apostrophe is taken away where one was put, and nowhere else. */
		ok(csv_is_neutralised(cases[i].safe, strlen(cases[i].safe)) ==
		   (strcmp(cases[i].plain, cases[i].safe) != 0 && cases[i].safe[0] == '\''), "there and back");
	}
}

int
main(void)
{
	test_plain();
	test_faults();
	test_unclosed();
	test_limits();
	test_encodings();
	test_other_kinds();
	test_delimiters();
	test_names();
	test_writing();
	return tap_end();
}

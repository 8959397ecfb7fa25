/*-------------------------------------------------------------------------
 *
 * csv_detect.c
 *	  What the first bytes of a file say: is it a CSV file, in which encoding,
 *	  with which delimiter?
 *
 * A decision is always reported, unless it is what everybody expects: UTF-8
 * without a byte order mark, and commas.
 *
 * IDENTIFICATION
 *	  src/csv_detect.c
 *
 *-------------------------------------------------------------------------
 */
#include "csv_internal.h"

#include <string.h>

/* How many records are looked at for the delimiter. */
#define SAMPLE_RECORDS 100

/* The delimiters that are looked for; the first wins. */
static const char delimiters[] = ",;\t|";

/* How other files begin. */
typedef struct CsvMagic
{
	const char *bytes;
	const char *name;
} CsvMagic;

static const CsvMagic magics[] = {
	{"PK\003\004", "XLSX or ZIP"},
	{"PK\005\006", "XLSX or ZIP"},
	{"%PDF", "PDF"},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "XLS or DOC"},
	{"\x1f\x8b", "GZIP"},
	{"7z\xbc\xaf\x27\x1c", "7Z"},
	{"Rar!\x1a\x07", "RAR"},
	{"{\\rtf", "RTF"},
	{"SQLite format 3", "SQLite"},
	{"PAR1", "Parquet"}
};

/* ... and these in any case, after spaces. */
static const CsvMagic markup[] = {
	{"<!doctype html", "HTML"},
	{"<html", "HTML"},
	{"<head", "HTML"},
	{"<body", "HTML"},
	{"<table", "HTML"},
	{"<?xml", "XML"},
	{"{\"", "JSON"},
	{"[{", "JSON"}
};

/* A part of the file that is looked at. */
typedef struct CsvSample
{
	const char *begin;
	const char *end;
	bool		is_whole;		/* nothing follows */
} CsvSample;

static bool
begins_with(const CsvSample *sample, const char *bytes, bool any_case)
{
	size_t		len = strlen(bytes);

	if ((size_t) (sample->end - sample->begin) < len)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		char		c = sample->begin[i];

		if (any_case && c >= 'A' && c <= 'Z')
			c = (char) (c - 'A' + 'a');
		if (c != bytes[i])
			return false;
	}
	return true;
}

/* What other kind of file this is; NULL: none that is known. */
static const char *
other_kind(CsvSample sample)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
	{
		if (begins_with(&sample, magics[i].bytes, false))
			return magics[i].name;
	}
	while (sample.begin < sample.end && strchr(" \t\r\n", *sample.begin) != NULL && *sample.begin != '\0')
		sample.begin++;
	for (size_t i = 0; i < sizeof(markup) / sizeof(markup[0]); i++)
	{
		if (begins_with(&sample, markup[i].bytes, true))
			return markup[i].name;
	}
	return NULL;
}

/* The encoding that zero bytes in every other place speak for; else CSV_ENCODING_DETECT. */
static CsvEncoding
encoding_by_zeros(const CsvSample *sample)
{
	size_t		zeros[2] = {0, 0};
	size_t		pairs = (size_t) (sample->end - sample->begin) / 2;

	for (size_t i = 0; i < 2 * pairs; i++)
		zeros[i % 2] += sample->begin[i] == '\0';
	if (pairs >= 2 && zeros[0] == 0 && 2 * zeros[1] > pairs)
		return CSV_ENCODING_UTF16LE;
	if (pairs >= 2 && zeros[1] == 0 && 2 * zeros[0] > pairs)
		return CSV_ENCODING_UTF16BE;
	return CSV_ENCODING_DETECT;
}

/* What is known of the bytes outside ASCII. */
typedef struct CsvHighBytes
{
	size_t		chars;			/* characters of UTF-8 */
	size_t		letters;		/* no UTF-8, but as in a word of windows-1252 */
	size_t		others;			/* neither */
	const char *first_char;
	const char *first_bad;
} CsvHighBytes;

/*
 * Is the byte, which begins no character of UTF-8, rather one of windows-1252?
 * A byte that begins a longer character is not when the field ends behind it:
 * then it is a character cut by a program that counts bytes.
 */
static bool
is_letter(const char *p, const char *end)
{
	unsigned char c = (unsigned char) *p;

	if (c < 0xa0 && strchr("\x80\x8a\x8c\x8e\x91\x92\x93\x94\x96\x97\x9a\x9c\x9e\x9f", *p) == NULL)
		return false;
	if (c < 0xc0)
		return true;
	return p + 1 < end && strchr(",;\t|\"\r\n", p[1]) == NULL && ((unsigned char) p[1] & 0xc0) != 0x80;
}

/* Passes over the rest of what was meant as a character of UTF-8. */
static const char *
skip_rest(const char *p, const char *end)
{
	while (p < end && ((unsigned char) *p & 0xc0) == 0x80)
		p++;
	return p;
}

static CsvHighBytes
count_high_bytes(const CsvSample *sample)
{
	CsvHighBytes high = {0};
	const char *p = sample->begin;

	while (p < sample->end)
	{
		size_t		len = csv_utf8_char(p, sample->end);
		bool		is_a_letter = false;

		/* A character that the end of the sample cuts is none of these. */
		if (len == 0 && !sample->is_whole && sample->end - p < 4 && (unsigned char) *p >= 0xc2)
			break;
		if (len > 1)
		{
			if (high.chars++ == 0)
				high.first_char = p;
		}
		else if (len == 0)
		{
			if (high.letters + high.others == 0)
				high.first_bad = p;
			is_a_letter = is_letter(p, sample->end);
			if (is_a_letter)
				high.letters++;
			else
				high.others++;
		}
		p += len == 0 ? 1 : len;
		if (len == 0 && !is_a_letter)
			p = skip_rest(p, sample->end);
	}
	return high;
}

/* Ends the reading: the file is not of the encoding declared or expected at "bad". */
static void
refuse_encoding(CsvState *state, const CsvSample *sample, const char *bad, const char *text)
{
	CsvFinding *finding;
	int64_t		line = 1;

	for (const char *p = sample->begin; p < bad; p++)
		line += *p == '\n' || (*p == '\r' && p[1] != '\n');
	csv_add_pending(state, CSV_FILE_ENCODING, line, text);
	finding = &state->pending[state->npending - 1];
	finding->offset = state->now.offset + (bad - sample->begin);
	finding->byte = (unsigned char) *bad;
}

/* Takes an encoding that the file itself tells. */
static void
take_encoding(CsvState *state, CsvEncoding encoding)
{
	if (encoding != CSV_ENCODING_UTF8 && encoding != state->now.options.encoding)
		csv_add_pending(state, CSV_ENCODING_DETECTED, 0, csv_encoding_name(encoding));
	state->now.encoding = encoding;
}

/* Decides between UTF-8 and windows-1252; neither has a byte order mark. */
static void
detect_by_high_bytes(CsvState *state, const CsvSample *sample)
{
	CsvEncoding declared = state->now.options.encoding;
	CsvHighBytes high = count_high_bytes(sample);

	if (declared == CSV_ENCODING_WINDOWS_1252)
	{
		if (high.chars > 0 && high.letters + high.others == 0)
			refuse_encoding(state, sample, high.first_char, csv_encoding_name(CSV_ENCODING_UTF8));
		state->now.encoding = declared;
		return;
	}
	state->now.encoding = CSV_ENCODING_UTF8;
	if (high.letters <= high.others || high.letters <= high.chars)
		return;
	if (declared == CSV_ENCODING_DETECT && state->now.options.guess_windows_1252)
		take_encoding(state, CSV_ENCODING_WINDOWS_1252);
	else
		refuse_encoding(state, sample, high.first_bad, csv_encoding_name(CSV_ENCODING_WINDOWS_1252));
}

/* Decides on the encoding.  Returns how many bytes the byte order mark has. */
static size_t
detect_encoding(CsvState *state, const CsvSample *sample)
{
	CsvEncoding declared = state->now.options.encoding;
	CsvEncoding found = encoding_by_zeros(sample);

	if (begins_with(sample, "\xef\xbb\xbf", false))
	{
		csv_add_pending(state, CSV_BOM_REMOVED, 1, NULL);
		take_encoding(state, CSV_ENCODING_UTF8);
		return 3;
	}
	if (begins_with(sample, "\xff\xfe", false) || begins_with(sample, "\xfe\xff", false))
	{
		bool		is_le = *sample->begin == '\xff';

		if (is_le && sample->end - sample->begin >= 4 && memcmp(sample->begin + 2, "\0\0", 2) == 0)
			refuse_encoding(state, sample, sample->begin, "UTF-32");
		else
			csv_add_pending(state, CSV_BOM_REMOVED, 1, NULL);
		take_encoding(state, is_le ? CSV_ENCODING_UTF16LE : CSV_ENCODING_UTF16BE);
		return 2;
	}
	if (declared == CSV_ENCODING_UTF16LE || declared == CSV_ENCODING_UTF16BE)
		state->now.encoding = declared;
	else if (found == CSV_ENCODING_DETECT)
		detect_by_high_bytes(state, sample);
	else if (declared == CSV_ENCODING_DETECT)
		take_encoding(state, found);
	else
	{
		csv_add_pending(state, CSV_ENCODING_UTF16, 0, csv_encoding_name(found));
		state->now.encoding = found;
	}
	return 0;
}

/* Makes UTF-8 of the bytes held, when they are something else. */
static void
decode_held(CsvState *state)
{
	size_t		len = state->held_end - state->held_start;
	char	   *old = state->held;
	char	   *decoded;

	if (state->now.encoding == CSV_ENCODING_UTF8)
		return;
	decoded = state->memory.alloc(state->memory.context, CSV_DECODED_SIZE(len));
	state->held_end = csv_decode(&state->now, old + state->held_start, len, false, decoded);
	state->held = decoded;
	state->held_size = CSV_DECODED_SIZE(len);
	state->held_start = 0;
	state->held_again = 0;
	state->raw = state->chunk + state->chunk_pos;
	state->raw_len = state->chunk_len - state->chunk_pos;
	state->chunk = "";
	state->chunk_len = state->chunk_pos = 0;
	if (old != NULL)
		state->memory.release(state->memory.context, old);
}

/* A first line "sep=;" decides on the delimiter, and is passed over. */
static bool
take_sep_line(CsvState *state, CsvSample *sample)
{
	const char *p = sample->begin;
	bool		quoted = p < sample->end && *p == '"';
	CsvSample	line = {p + quoted, sample->end, false};
	char		c;

	if (!begins_with(&line, "sep=", true) || line.begin + 4 == line.end)
		return false;
	c = line.begin[4];
	p = line.begin + 5;
	if (c == '"' || c == '\r' || c == '\n' || c == '\0' || (unsigned char) c >= 0x80)
		return false;
	if (quoted && (p == sample->end || *p++ != '"'))
		return false;
	if (p < sample->end && *p != '\r' && *p != '\n')
		return false;
	if (p < sample->end)
		p += *p == '\r' && p + 1 < sample->end && p[1] == '\n' ? 2 : 1;
	state->now.delimiter = c;
	state->sep_text[0] = c;
	csv_add_pending(state, CSV_EXCEL_SEP_LINE, 1, state->sep_text);
	state->now.line = 2;
	state->now.offset += p - sample->begin;
	state->held_start += (size_t) (p - sample->begin);
	sample->begin = p;
	return true;
}

/* How the first records look with a delimiter. */
typedef struct CsvShape
{
	int			records;		/* looked at; blank ones do not count */
	int			fields;			/* how many most of them have, not counting
								 * those of one field */
	int			agree;			/* ... and how many these are */
	bool		first_agrees;
	bool		is_clear;		/* the first record is like most others */
} CsvShape;

static CsvShape
shape_with(CsvState *state, const CsvSample *sample, char delimiter)
{
	CsvProgress before = state->now;
	CsvShape	shape = {0};
	CsvRecord	record;
	int			counts[SAMPLE_RECORDS];
	int64_t		line = state->now.line;
	const char *p = sample->begin;

	state->now.delimiter = delimiter;
	while (p < sample->end && shape.records < SAMPLE_RECORDS)
	{
		size_t		len = csv_scan_record(state, &record, p, sample->end, true);

		p += len;
		if (len == 0 || state->now.skips_line || (p == sample->end && !sample->is_whole && shape.records > 0))
			break;
		if (line >= state->now.options.header_line && (record.nfields > 1 || !csv_is_blank(&record)))
			counts[shape.records++] = record.nfields;
		line += record.lines;
	}
	state->now = before;
	for (int i = 0; i < shape.records; i++)
	{
		int			agree = 0;

		for (int j = 0; j < shape.records; j++)
			agree += counts[j] == counts[i];
		if (counts[i] > 1 && (agree > shape.agree || (agree == shape.agree && counts[i] > shape.fields)))
		{
			shape.agree = agree;
			shape.fields = counts[i];
		}
	}
	shape.first_agrees = shape.records > 0 && shape.agree > 0 && counts[0] == shape.fields;
	shape.is_clear = shape.first_agrees && 2 * shape.agree >= shape.records;
	return shape;
}

/* Is shape "a" more like a table than "b"? */
static bool
is_better(const CsvShape *a, const CsvShape *b)
{
	if (a->is_clear != b->is_clear)
		return a->is_clear;
	if (a->agree != b->agree)
		return a->agree > b->agree;
	return a->fields > b->fields;
}

/* Decides on the delimiter. */
static void
detect_delimiter(CsvState *state, const CsvSample *sample)
{
	static const char *const texts[] = {",", ";", "\t", "|"};
	char		declared = state->now.options.delimiter;
	CsvShape	best = {0};
	CsvShape	wanted;
	int			found = 0;

	for (int i = 0; delimiters[i] != '\0'; i++)
	{
		CsvShape	shape = shape_with(state, sample, delimiters[i]);

		if (is_better(&shape, &best))
		{
			best = shape;
			found = i;
		}
	}
	if (declared == '\0')
	{
		state->now.delimiter = delimiters[found];
		if (found != 0)
			csv_add_pending(state, CSV_DELIMITER_DETECTED, 0, texts[found]);
		return;
	}
	state->now.delimiter = declared;
	wanted = shape_with(state, sample, declared);
	if (delimiters[found] != declared && best.is_clear && !wanted.first_agrees && best.agree > wanted.agree)
		csv_add_pending(state, CSV_DELIMITER_MISMATCH, 0, texts[found]);
}

/*
 * Decides on encoding and delimiter by the bytes held, or finds that the file
 * cannot be read: then a finding that ends the reading is pending.
 */
void
csv_detect(CsvState *state)
{
	bool		is_whole = state->now.finished && state->chunk_pos == state->chunk_len;
	CsvSample	raw = {state->held + state->held_start, state->held + state->held_end, is_whole};
	CsvSample	text = {0};
	const char *kind = other_kind(raw);
	size_t		bom;

	if (kind == NULL)
	{
		bom = detect_encoding(state, &raw);
		state->held_start += bom;
		state->now.offset += (int64_t) bom;
		decode_held(state);
		text.begin = state->held + state->held_start;
		text.end = state->held + state->held_end;
		text.is_whole = is_whole;
		kind = other_kind(text);
	}
	if (kind != NULL)
	{
		csv_add_pending(state, CSV_NOT_A_CSV, 1, kind);
		return;
	}
	for (int i = 0; i < state->npending; i++)
	{
		if (csv_is_fatal(state->pending[i].code))
			return;
	}
	if (!take_sep_line(state, &text))
		detect_delimiter(state, &text);
}

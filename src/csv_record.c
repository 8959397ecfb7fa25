/*-------------------------------------------------------------------------
 *
 * csv_record.c
 *	  One record of a CSV file: where it ends, its fields, what is wrong.
 *
 * What a record is depends on no byte behind it but the one that tells CR from
 * CR LF.  An opening quote is taken for one that is never closed when its field
 * goes over a line end and then
 *	  - the file ends, or
 *	  - the field has got longer than a field may be, or
 *	  - something else than a delimiter or a line end follows the next quote, or
 *	  - the record gets a wrong number of fields, and a line inside has the right
 *		one: two quotes too many have met.
 * Then the record ends with the line on which the quote opened, and the next
 * line is a record again: no line is lost to a quote.
 *
 * IDENTIFICATION
 *	  src/csv_record.c
 *
 *-------------------------------------------------------------------------
 */
#include "csv_internal.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* How a field, and with it perhaps the record, ends. */
typedef enum CsvFieldEnd
{
	FIELD_DELIMITER,			/* at a delimiter */
	FIELD_LINE,					/* at a line end */
	FIELD_LAST,					/* with the file */
	FIELD_LIMIT,				/* it does not, within the record's limit */
	FIELD_MORE					/* cannot be said yet */
} CsvFieldEnd;

typedef struct CsvScan
{
	CsvState   *state;
	CsvRecord  *record;
	const char *start;
	const char *pos;
	const char *limit;			/* no farther for this record */
	const char *end;			/* of what is there */
	bool		at_end;			/* ... which is the end of the file */
	char		delimiter;
	bool		has_nul;
	bool		has_escape;		/* a doubled quote in a quoted field */
	bool		has_quote;		/* the field has one inside */
	unsigned	high;			/* not 0: there are bytes outside ASCII */
	int64_t		lines;			/* line ends inside fields so far */
	int64_t		field_line;		/* ... before the field */
	const char *unclosed;		/* a quote of which is known that nothing
								 * closes it */
} CsvScan;

static inline bool
is_special(char c, char delimiter)
{
	return c == delimiter || c == '"' || c == '\n' || c == '\r' || c == '\0';
}

/*
 * The first delimiter, quote, CR, LF or zero byte, else "end".  When bytes
 * before it are outside ASCII, bits of "high" are set.
 */
static inline const char *
find_special(const char *p, const char *end, char delimiter, unsigned *high)
{
#ifdef __SSE2__
	const __m128i delimiters = _mm_set1_epi8(delimiter);
	const __m128i quotes = _mm_set1_epi8('"');
	const __m128i lfs = _mm_set1_epi8('\n');
	const __m128i crs = _mm_set1_epi8('\r');

	while (end - p >= 16)
	{
		__m128i		bytes = _mm_loadu_si128((const __m128i *) p);
		__m128i		found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, delimiters), _mm_cmpeq_epi8(bytes, quotes)),
										 _mm_or_si128(_mm_cmpeq_epi8(bytes, lfs), _mm_cmpeq_epi8(bytes, crs)));
		unsigned	mask;
		unsigned	above = (unsigned) _mm_movemask_epi8(bytes);

		found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_setzero_si128()));
		mask = (unsigned) _mm_movemask_epi8(found);
		if (mask != 0)
		{
			*high |= above & (mask ^ (mask - 1));
			return p + __builtin_ctz(mask);
		}
		*high |= above;
		p += 16;
	}
#endif
	for (; p < end && !is_special(*p, delimiter); p++)
		*high |= (unsigned char) *p & 0x80;
	return p;
}

/* How many bytes the line end at "p" has; 0: cannot be said yet. */
static int
line_end_len(const CsvScan *scan, const char *p)
{
	if (*p == '\n')
		return 1;
	if (p + 1 < scan->end)
		return p[1] == '\n' ? 2 : 1;
	return scan->at_end ? 1 : 0;
}

/* What it means that a field goes on to where no more is read. */
static CsvFieldEnd
end_at_limit(const CsvScan *scan)
{
	if (scan->limit < scan->end)
		return FIELD_LIMIT;
	return scan->at_end ? FIELD_LAST : FIELD_MORE;
}

/*
 * Adds a finding of a field, or of the whole record when "field" is -1: these
 * come first.  When too many are there already, only what it means for the
 * record is kept.
 */
static void
add_finding(CsvScan *scan, CsvCode code, int field, int64_t lines, const char *at)
{
	CsvRecord  *record = scan->record;
	CsvProgress *now = &scan->state->now;
	CsvFinding *finding = &record->findings[record->nfindings];

	record->is_error |= csv_is_error(code);
	if (field < 0)
	{
		finding = record->findings;
		if (record->nfindings < CSV_MAX_FINDINGS)
			record->nfindings++;
		memmove(finding + 1, finding, (size_t) (record->nfindings - 1) * sizeof(CsvFinding));
	}
	else if (record->nfindings < CSV_MAX_FINDINGS)
		record->nfindings++;
	else
		return;
	memset(finding, 0, sizeof(*finding));
	finding->code = code;
	finding->field = field;
	finding->line = record->line + lines;
	finding->offset = at == NULL || now->encoding != CSV_ENCODING_UTF8 ? -1 : now->offset + (at - scan->start);
	finding->byte = finding->offset < 0 ? -1 : (unsigned char) *at;
}

/* Goes to the end of a field without quotes, or of what follows a closing quote. */
static CsvFieldEnd
scan_plain(CsvScan *scan)
{
	for (;;)
	{
		const char *p = find_special(scan->pos, scan->limit, scan->delimiter, &scan->high);

		scan->pos = p;
		if (p == scan->limit)
			return end_at_limit(scan);
		if (*p == scan->delimiter)
			return FIELD_DELIMITER;
		if (*p == '"')
			scan->has_quote = true;
		else if (*p == '\0')
			scan->has_nul = true;
		else
			return FIELD_LINE;
		scan->pos = p + 1;
	}
}

/* Adds the field from "data" to "end".  When it is too long, what is too much goes. */
static void
add_field(CsvScan *scan, const char *data, const char *end, bool quoted)
{
	CsvRecord  *record = scan->record;
	size_t		len = (size_t) (end - data);
	size_t		limit = scan->state->now.options.field_limit;

	if (len > limit)
	{
		add_finding(scan, CSV_FIELD_TOO_LONG, record->nfields, scan->field_line, NULL);
		for (len = limit; len > 0 && limit - len < 3 && ((unsigned char) data[len] & 0xc0) == 0x80;)
			len--;
	}
	if (record->nfields < CSV_MAX_FIELDS)
	{
		CsvField   *field = &record->fields[record->nfields];

		field->data = data;
		field->len = len;
		field->quoted = quoted;
		record->nkept++;
	}
	record->nfields++;
}

/* Passes over spaces, but not over a delimiter. */
static const char *
skip_spaces(const CsvScan *scan, const char *p)
{
	while (p < scan->limit && (*p == ' ' || *p == '\t') && *p != scan->delimiter)
		p++;
	return p;
}

/*
 * What follows the quote at "quote" that may close the field opened at "open".
 * Returns false when nothing that may follow follows, and the field goes over a
 * line end: the quote that opened it is the one too many.
 */
static bool
end_quoted(CsvScan *scan, const char *open, const char *quote, bool has_line_end, CsvFieldEnd *how)
{
	const char *p = skip_spaces(scan, quote + 1);

	scan->pos = p;
	if (p == scan->limit)
		*how = end_at_limit(scan);
	else if (*p == scan->delimiter)
		*how = FIELD_DELIMITER;
	else if (*p == '\n' || *p == '\r')
		*how = FIELD_LINE;
	else if (has_line_end)
		return false;
	else
	{
		*how = scan_plain(scan);
		if (*how != FIELD_MORE)
		{
			add_finding(scan, CSV_TEXT_AFTER_QUOTE, scan->record->nfields, scan->field_line, NULL);
			add_field(scan, open, scan->pos, false);
		}
		return true;
	}
	if (*how != FIELD_MORE)
		add_field(scan, open + 1, quote, true);
	return true;
}

/* The quote at "open" is never closed: the field ends at "line_end", or where all ends. */
static CsvFieldEnd
end_unclosed(CsvScan *scan, const char *open, const char *line_end)
{
	CsvFieldEnd how = FIELD_LINE;

	scan->pos = line_end;
	if (line_end == NULL)
	{
		scan->pos = scan->limit;
		how = end_at_limit(scan);
		if (how == FIELD_MORE)
			return how;
	}
	scan->lines = scan->field_line;
	if (how != FIELD_LIMIT)
		add_finding(scan, CSV_QUOTE_UNCLOSED, scan->record->nfields, scan->field_line, NULL);
	add_field(scan, open + 1, scan->pos, true);
	return how;
}

/* Reads the field that begins with the quote at scan->pos. */
static CsvFieldEnd
scan_quoted(CsvScan *scan)
{
	const char *open = scan->pos;
	const char *p = open + 1;
	const char *line_end = NULL;
	size_t		field_limit = scan->state->now.options.field_limit;
	CsvFieldEnd how;

	for (;;)
	{
		p = find_special(p, scan->limit, '"', &scan->high);
		if (line_end != NULL && (size_t) (p - open) > field_limit)
		{
			if ((size_t) (line_end - open) <= field_limit)
				add_finding(scan, CSV_FIELD_TOO_LONG, scan->record->nfields, scan->field_line, NULL);
			return end_unclosed(scan, open, line_end);
		}
		if (p == scan->limit)
		{
			if (end_at_limit(scan) == FIELD_MORE)
				return FIELD_MORE;
			return end_unclosed(scan, open, line_end);
		}
		if (*p == '"' && p + 1 < scan->limit && p[1] == '"')
		{
			scan->has_escape = true;
			p += 2;
		}
		else if (*p == '"')
		{
			if (end_quoted(scan, open, p, line_end != NULL, &how))
				return how;
			return end_unclosed(scan, open, line_end);
		}
		else if (*p == '\0')
		{
			scan->has_nul = true;
			p++;
		}
		else
		{
			int			len = line_end_len(scan, p);

			if (len == 0)
				return FIELD_MORE;
			if (open == scan->unclosed)
				return end_unclosed(scan, open, p);
			if (line_end == NULL)
				line_end = p;
			scan->lines++;
			p += len;
		}
	}
}

/* How many lines end between "from" and "to". */
static int64_t
count_lines(const char *from, const char *to)
{
	int64_t		lines = 0;

	for (; from < to; from++)
		lines += *from == '\n' || (*from == '\r' && (from + 1 == to || from[1] != '\n'));
	return lines;
}

/*
 * Writes a field to "out" as a text: doubled quotes are one, and bytes that
 * cannot stand in a text are U+FFFD.  Returns the end of what was written.
 */
static char *
clean_field(CsvScan *scan, int number, char *out)
{
	CsvField   *field = &scan->record->fields[number];
	const char *p = field->data;
	const char *end = p + field->len;
	bool		seen[2] = {false, false};

	while (p < end)
	{
		size_t		len = *p == '\0' ? 0 : csv_utf8_char(p, end);

		if (len == 0)
		{
			bool		is_nul = *p == '\0';

			/* Lines are not counted for findings that are not kept. */
			if (!seen[is_nul])
				add_finding(scan, is_nul ? CSV_NUL_BYTE : CSV_ENCODING_INVALID, number,
							scan->record->nfindings == CSV_MAX_FINDINGS ? 0 : count_lines(scan->start, field->data), p);
			seen[is_nul] = true;
			memcpy(out, "\xef\xbf\xbd", 3);
			out += 3;
			p++;
			continue;
		}
		if (*p == '"' && field->quoted && p + 1 < end && p[1] == '"')
			p++;
		memcpy(out, p, len);
		out += len;
		p += len;
	}
	return out;
}

/* Makes texts of the fields that are not texts as they were read. */
static void
clean_fields(CsvScan *scan)
{
	CsvState   *state = scan->state;
	CsvRecord  *record = scan->record;
	bool		is_text;
	char	   *out;

	is_text = !scan->has_nul && (scan->high == 0 || csv_utf8_bad(scan->start, scan->pos) == NULL);
	if (is_text && !scan->has_escape)
		return;
	csv_reserve(state, &state->clean, &state->clean_size, 0, 3 * (size_t) (scan->pos - scan->start));
	out = state->clean;
	for (int i = 0; i < record->nkept; i++)
	{
		CsvField   *field = &record->fields[i];
		char	   *begin = out;

		if (field->len == 0 || (is_text && !(field->quoted && memchr(field->data, '"', field->len) != NULL)))
			continue;
		out = clean_field(scan, i, out);
		field->data = begin;
		field->len = (size_t) (out - begin);
	}
}

/* Judges the record as a whole, after its last field. */
static void
finish_record(CsvScan *scan, CsvFieldEnd how)
{
	CsvRecord  *record = scan->record;
	int			expected = scan->state->now.expected;
	bool		is_unclosed = false;

	if (how == FIELD_LIMIT && record->nkept == record->nfields)
	{
		/* The limit may be inside a character. */
		CsvField   *field = &record->fields[record->nkept - 1];
		const char *bad = csv_utf8_bad(field->data, field->data + field->len);
		size_t		rest = bad == NULL ? 0 : (size_t) (field->data + field->len - bad);

		if (rest > 0 && rest <= 3)
			field->len -= rest;
	}
	clean_fields(scan);
	for (int i = 0; i < record->nfindings; i++)
		is_unclosed |= record->findings[i].code == CSV_QUOTE_UNCLOSED;
	if (how == FIELD_LIMIT || record->nfields > CSV_MAX_FIELDS)
		add_finding(scan, CSV_RECORD_TOO_LONG, -1, 0, NULL);
	else if (expected > 0 && record->nfields != expected && !is_unclosed)
		add_finding(scan, record->nfields < expected ? CSV_ROW_TOO_SHORT : CSV_ROW_TOO_LONG, -1, 0, NULL);
}

/* Keeps how a line ended. */
static void
note_line_end(CsvState *state, const char *p, int len, int64_t line)
{
	CsvEol		eol = len == 2 ? CSV_EOL_CRLF : *p == '\n' ? CSV_EOL_LF : CSV_EOL_CR;

	if (state->now.eol == CSV_EOL_NONE)
		state->now.eol = eol;
	else if (state->now.eol != eol && state->now.mixed_line == 0)
		state->now.mixed_line = line;
}

/* Is there a whole line inside the field that has as many delimiters as a record? */
static bool
hides_record(const CsvScan *scan, const CsvField *field)
{
	const char *end = field->data + field->len;
	int			delimiters = -1;	/* in the field's first line, they do not
									 * count */

	for (const char *p = field->data; p < end; p++)
	{
		if (*p == '\n' || *p == '\r')
		{
			if (delimiters == scan->state->now.expected - 1)
				return true;
			delimiters = 0;
		}
		else if (delimiters >= 0 && *p == scan->delimiter)
			delimiters++;
	}
	return false;
}

/* The quote that swallowed other records, in a record with a wrong number of fields; NULL: there is none. */
static const char *
find_swallowing(const CsvScan *scan)
{
	const CsvRecord *record = scan->record;

	if (scan->lines == 0 || scan->state->now.expected < 2 || record->nfields == scan->state->now.expected)
		return NULL;
	for (int i = 0; i < record->nkept; i++)
	{
		if (record->fields[i].quoted && hides_record(scan, &record->fields[i]))
			return record->fields[i].data - 1;
	}
	return NULL;
}

/* Reads fields to the end of the record. */
static CsvFieldEnd
scan_fields(CsvScan *scan)
{
	CsvRecord  *record = scan->record;
	CsvFieldEnd how;

	scan->pos = scan->start;
	scan->lines = 0;
	record->nfields = record->nkept = record->nfindings = 0;
	record->is_error = false;
	for (;;)
	{
		const char *data = scan->pos;

		scan->field_line = scan->lines;
		if (data < scan->limit && *data == '"')
			how = scan_quoted(scan);
		else
		{
			how = scan_plain(scan);
			if (how == FIELD_MORE)
				return how;
			if (scan->has_quote)
				add_finding(scan, CSV_QUOTE_INSIDE_FIELD, record->nfields, scan->field_line, NULL);
			add_field(scan, data, scan->pos, false);
		}
		scan->has_quote = false;
		if (how != FIELD_DELIMITER)
			return how;
		scan->pos++;
	}
}

/*
 * Reads the record that begins at "start"; there is at least one byte.  Returns
 * how many bytes it has with its line end, 0 when it cannot be said what it is
 * before there is more.  When it is too long, the state says that the rest of
 * the line is to be passed over.
 */
size_t
csv_scan_record(CsvState *state, CsvRecord *record, const char *start, const char *end, bool at_end)
{
	size_t		record_limit = state->now.options.record_limit;
	CsvScan		scan = {.state = state, .record = record, .start = start, .pos = start, .end = end, .at_end = at_end};
	CsvFieldEnd how;
	int			line_end = 0;

	scan.limit = (size_t) (end - start) > record_limit + 1 ? start + record_limit + 1 : end;
	scan.delimiter = state->now.delimiter;
	record->number = 0;
	record->line = state->now.line;
	record->fields = state->fields;
	record->findings = state->findings;
	how = scan_fields(&scan);
	if ((how == FIELD_LINE || how == FIELD_LAST) && (scan.unclosed = find_swallowing(&scan)) != NULL)
		how = scan_fields(&scan);
	if (how == FIELD_LINE)
		line_end = line_end_len(&scan, scan.pos);
	if (how == FIELD_MORE || (how == FIELD_LINE && line_end == 0))
		return 0;
	if (how == FIELD_LINE)
		note_line_end(state, scan.pos, line_end, record->line + scan.lines);
	finish_record(&scan, how);
	record->lines = scan.lines + 1;
	state->now.skips_line = how == FIELD_LIMIT;
	return (size_t) (scan.pos - start) + (size_t) line_end;
}

/* Nothing but spaces; the end-of-file mark of DOS counts as one. */
static bool
is_blank_field(const CsvField *field)
{
	for (size_t i = 0; i < field->len; i++)
	{
		char		c = field->data[i];

		if (c != ' ' && c != '\t' && c != '\x1a')
			return false;
	}
	return true;
}

/* Has no field of the record anything in it?  A record with an error is not blank. */
bool
csv_is_blank(const CsvRecord *record)
{
	for (int i = 0; i < record->nkept; i++)
	{
		if (!is_blank_field(&record->fields[i]))
			return false;
	}
	if (record->nkept < record->nfields)
		return false;
	for (int i = 0; i < record->nfindings; i++)
	{
		CsvCode		code = record->findings[i].code;

		if (code != CSV_ROW_TOO_SHORT && code != CSV_ROW_TOO_LONG)
			return false;
	}
	return true;
}

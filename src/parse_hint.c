/*-------------------------------------------------------------------------
 *
 * parse_hint.c
 *	  What may have been meant by a value that a parser refused.
 *
 * A hint is a guess for a person to read.  No value is ever changed by it.
 *
 * IDENTIFICATION
 *	  src/parse_hint.c
 *
 *-------------------------------------------------------------------------
 */
#include "parse_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Excel's serial numbers taken for dates: 1954-10-03 to 2119-01-10. */
#define EXCEL_SERIAL_MIN 20000
#define EXCEL_SERIAL_MAX 80000

/* Excel's serial number of 2000-01-01. */
#define EXCEL_SERIAL_2000 36526

/* A longer value gets no hint that repeats it. */
#define QUOTED_MAX 40

/* A place to write the hint. */
typedef struct HintBuffer
{
	char	   *text;
	size_t		size;
} HintBuffer;

static const SbDateFormat all_formats[SB_DATE_FORMATS] = {
	SB_FORMAT_YYYY_MM_DD,
	SB_FORMAT_YYYYMMDD,
	SB_FORMAT_DD_MM_YYYY_DOT,
	SB_FORMAT_D_M_YYYY_DOT,
	SB_FORMAT_DD_MM_YYYY_SLASH,
	SB_FORMAT_MM_DD_YYYY_SLASH,
	SB_FORMAT_YYYY_MM_DD_SLASH
};

static const char *const month_names[] = {
	"January", "February", "March", "April", "May", "June", "July",
	"August", "September", "October", "November", "December"
};

/* Characters that look like a hyphen and are none. */
static const struct
{
	const char *text;
	const char *name;
}			false_hyphens[] =

{
	{"\xE2\x80\x90", "U+2010"},
	{"\xE2\x80\x91", "U+2011"},
	{"\xE2\x80\x92", "U+2012"},
	{"\xE2\x80\x93", "U+2013"},
	{"\xE2\x80\x94", "U+2014"},
	{"\xE2\x88\x92", "U+2212"},
};

static bool say(HintBuffer *hint, const char *format,...) __attribute__((format(printf, 2, 3)));

/* Write the hint.  Always true, so that a caller can return it. */
static bool
say(HintBuffer *hint, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	(void) vsnprintf(hint->text, hint->size, format, args);
	va_end(args);
	return true;
}

/*
 * Copy the value with ASCII hyphens in place of their lookalikes; returns the
 * name of the last one replaced, NULL when there is none or no room.
 */
static const char *
replace_false_hyphens(SbSlice slice, char *copy, size_t copy_size)
{
	SbCursor	cursor = {slice.data, slice.data + slice.len};
	const char *name = NULL;
	size_t		len = 0;

	if (slice.len >= copy_size)
		return NULL;
	while (cursor.at < cursor.end)
	{
		size_t		i = 0;

		while (i < array_length(false_hyphens) &&
			   !sb_starts_with(cursor.at, cursor.end, false_hyphens[i].text))
			i++;
		if (i == array_length(false_hyphens))
		{
			copy[len++] = *cursor.at++;
			continue;
		}
		name = false_hyphens[i].name;
		copy[len++] = '-';
		cursor.at += strlen(false_hyphens[i].text);
	}
	copy[len] = '\0';
	return name;
}

/* Hint for a date or number written with a character that is no hyphen. */
static bool
hint_false_hyphen(SbSlice slice, HintBuffer *hint)
{
	char		copy[QUOTED_MAX + 1];
	const char *name = replace_false_hyphens(slice, copy, sizeof(copy));

	return name != NULL &&
		say(hint, "The value contains %s, which is not a hyphen; did you mean \"%s\"?", name, copy);
}

/* Hint for a date that Excel wrote as a number. */
static bool
hint_excel_serial(const SbDateScan *scan, HintBuffer *hint)
{
	SbCivil		civil;

	if (scan->runs != 1 || scan->tail != scan->end || scan->width[0] != 5 ||
		scan->value[0] < EXCEL_SERIAL_MIN || scan->value[0] > EXCEL_SERIAL_MAX)
		return false;
	civil = sb_civil_from_days(scan->value[0] - EXCEL_SERIAL_2000);
	return say(hint, "Excel serial number %d is %04d-%02d-%02d; format the column as text or date.",
			   scan->value[0], civil.year, civil.month, civil.day);
}

/* Hint for a day after the last one of its month. */
static bool
hint_month_length(const SbDateScan *scan, HintBuffer *hint)
{
	int			year_at;
	int			days;

	if (scan->runs != 3 || (scan->width[0] != 4 && scan->width[2] != 4))
		return false;
	year_at = scan->width[0] == 4 ? 0 : 2;
	days = sb_days_in_month(scan->value[year_at], scan->value[1]);
	return days > 0 && scan->value[2 - year_at] > days &&
		say(hint, "%s %d has %d days.", month_names[scan->value[1] - 1],
			scan->value[year_at], days);
}

/* Hint for a date without a century, a month or a day. */
static bool
hint_missing_part(const SbDateScan *scan, HintBuffer *hint)
{
	if (scan->tail != scan->end)
		return false;
	if (scan->runs == 3 && scan->width[0] <= 2 && scan->width[1] <= 2 && scan->width[2] <= 2)
		return say(hint, "Write the year with four digits.");
	if (scan->runs == 2 || (scan->runs == 1 && scan->width[0] == 4))
		return say(hint, "Write year, month and day.");
	return false;
}

/* Hint for a date: a format that should be declared, or what is wrong. */
static bool
hint_date(SbSlice slice, HintBuffer *hint)
{
	SbDateScan	scan = sb_scan_date(slice);
	SbDate		date;
	SbParseCode code = sb_parse_date(slice.data, slice.len, all_formats, SB_DATE_FORMATS, &date);

	if (code == SB_PARSE_DATE_AMBIGUOUS)
		return say(hint, "The value reads both as DD/MM/YYYY and as MM/DD/YYYY; declare one of them.");
	for (int i = 0; code == SB_PARSE_OK && i < SB_DATE_FORMATS; i++)
		if (sb_parse_date(slice.data, slice.len, &all_formats[i], 1, &date) == SB_PARSE_OK)
			return !date.infinite &&
				say(hint, "The value is written as %s.", sb_date_format_name(all_formats[i]));
	return hint_false_hyphen(slice, hint) ||
		hint_excel_serial(&scan, hint) ||
		hint_month_length(&scan, hint) ||
		hint_missing_part(&scan, hint);
}

/* How a mark is shown in a hint. */
static const char *
mark_text(SbMark mark)
{
	switch (mark)
	{
		case SB_MARK_NONE:
			return "";
		case SB_MARK_DOT:
			return ".";
		case SB_MARK_COMMA:
			return ",";
		case SB_MARK_SPACE:
			return " ";
		case SB_MARK_APOSTROPHE:
			return "'";
	}
	return "";
}

/* Hint for a number with something before or after it. */
static bool
hint_unit(SbSlice slice, HintBuffer *hint)
{
	bool		digit = false;

	for (size_t i = 0; i < slice.len; i++)
		digit = digit || is_digit(slice.data[i]);
	return digit && say(hint, "Write the number alone, without unit, percent sign or words.");
}

/* Hint for a number with an exponent. */
static bool
hint_scientific(HintBuffer *hint)
{
	return say(hint, "An exponent may hide lost digits; format the column as text and export it again.");
}

/* Hint for digits that stand in groups: the mark to declare. */
static bool
hint_grouping(SbSlice slice, HintBuffer *hint)
{
	static const SbMark marks[] = {SB_MARK_COMMA, SB_MARK_DOT, SB_MARK_SPACE, SB_MARK_APOSTROPHE};

	for (size_t i = 0; i < array_length(marks); i++)
	{
		int64_t		whole;
		bool		zero_dropped;

		if (sb_parse_integer(slice.data, slice.len, marks[i], &whole, &zero_dropped) == SB_PARSE_OK &&
			!zero_dropped)
			return say(hint, "With thousands mark \"%s\" the value reads as %lld.",
					   mark_text(marks[i]), (long long) whole);
	}
	return say(hint, "Thousands marks part the digits in groups of three.");
}

/* Hint for a whole number. */
static bool
hint_integer(SbSlice slice, HintBuffer *hint)
{
	int64_t		whole;
	bool		zero_dropped;

	switch (sb_parse_integer(slice.data, slice.len, SB_MARK_NONE, &whole, &zero_dropped))
	{
		case SB_PARSE_NUMBER_SCIENTIFIC:
			return hint_scientific(hint);
		case SB_PARSE_NOT_WHOLE:
			return say(hint, "A whole number is expected.");
		case SB_PARSE_GROUPING:
			return hint_grouping(slice, hint);
		case SB_PARSE_NOT_A_NUMBER:
			return hint_false_hyphen(slice, hint) || hint_unit(slice, hint);
		default:
			return false;
	}
}

/* True for a number but for its groups, whatever marks are meant. */
static bool
is_grouped_wrongly(SbSlice slice)
{
	static const SbMark decimals[] = {SB_MARK_DOT, SB_MARK_COMMA};
	static const SbMark thousands[] = {SB_MARK_NONE, SB_MARK_SPACE, SB_MARK_APOSTROPHE};
	SbNumber	number;

	for (size_t i = 0; i < array_length(decimals); i++)
		for (size_t j = 0; j < array_length(thousands); j++)
			if (sb_parse_numeric(slice.data, slice.len, decimals[i], thousands[j], &number) == SB_PARSE_GROUPING)
				return true;
	return false;
}

/* Hint for a decimal number: the marks with which the value would be one. */
static bool
hint_numeric(SbSlice slice, HintBuffer *hint)
{
	SbMark		decimal;
	SbMark		thousands;
	SbNumber	number;

	if (sb_parse_numeric(slice.data, slice.len, SB_MARK_DOT, SB_MARK_NONE,
						 &number) == SB_PARSE_NUMBER_SCIENTIFIC)
		return hint_scientific(hint);
	if (!sb_match_any_marks(slice, &decimal, &thousands, &number))
		return is_grouped_wrongly(slice) ? hint_grouping(slice, hint) : hint_false_hyphen(slice, hint) || hint_unit(slice, hint);
	if (number.len > QUOTED_MAX || (thousands == SB_MARK_NONE && !number.has_fraction))
		return false;
	if (thousands == SB_MARK_NONE)
		return say(hint, "With decimal mark \"%s\" the value reads as %s.",
				   mark_text(decimal), number.plain);
	return say(hint, "With decimal mark \"%s\" and thousands mark \"%s\" the value reads as %s.",
			   mark_text(decimal), mark_text(thousands), number.plain);
}

/* Look a kind of hint up by name.  False when there is none. */
bool
sb_hint_kind_from_name(const char *name, size_t len, SbHintKind *kind)
{
	static const char *const names[] = {
		[SB_HINT_DATE] = "date",
		[SB_HINT_INTEGER] = "integer",
		[SB_HINT_NUMERIC] = "numeric",
		[SB_HINT_BOOLEAN] = "boolean",
	};

	for (size_t i = 0; i < array_length(names); i++)
	{
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
		{
			*kind = (SbHintKind) i;
			return true;
		}
	}
	return false;
}

/*
 * Write a sentence that helps with a refused value into "hint", which has
 * room for "hint_size" bytes (SB_HINT_SIZE is enough).  False when there is
 * nothing helpful to say; then "hint" is empty.
 */
bool
sb_parse_hint(SbHintKind kind, const char *value, size_t len, char *hint,
			  size_t hint_size)
{
	SbSlice		slice = sb_trim(value, len);
	HintBuffer	buffer = {hint, hint_size};

	hint[0] = '\0';
	if (slice.len == 0)
		return false;
	switch (kind)
	{
		case SB_HINT_DATE:
			return hint_date(slice, &buffer);
		case SB_HINT_INTEGER:
			return hint_integer(slice, &buffer);
		case SB_HINT_NUMERIC:
			return hint_numeric(slice, &buffer);
		case SB_HINT_BOOLEAN:
			return false;
	}
	return false;
}

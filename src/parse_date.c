/*-------------------------------------------------------------------------
 *
 * parse_date.c
 *	  Dates of the calendar, and how they are written.
 *
 * A date is written in one of the declared formats.  The first format that
 * gives a day of the calendar wins.  A date with slashes that reads both as
 * day first and as month first is refused, unless just one of these two
 * formats is declared.
 *
 * IDENTIFICATION
 *	  src/parse_date.c
 *
 *-------------------------------------------------------------------------
 */
#include "parse_internal.h"

#include <string.h>

/* Days from 0000-03-01 to 2000-01-01, and in 400 Gregorian years. */
#define DAYS_TO_2000 730425
#define DAYS_PER_ERA 146097

/* A year may be written with more digits than we accept, to be told so. */
#define YEAR_WIDTH_MAX 7

/* How a date format is written: mark 0 means eight digits in a row. */
typedef struct FormatRule
{
	const char *name;
	char		mark;
	int			year_at;
	int			month_at;
	int			day_at;
	int			min_width;		/* of month and day */
} FormatRule;

static const FormatRule format_rules[SB_DATE_FORMATS] = {
	[SB_FORMAT_YYYY_MM_DD] = {"YYYY-MM-DD", '-', 0, 1, 2, 2},
	[SB_FORMAT_YYYYMMDD] = {"YYYYMMDD", 0, 0, 1, 2, 2},
	[SB_FORMAT_DD_MM_YYYY_DOT] = {"DD.MM.YYYY", '.', 2, 1, 0, 2},
	[SB_FORMAT_D_M_YYYY_DOT] = {"D.M.YYYY", '.', 2, 1, 0, 1},
	[SB_FORMAT_DD_MM_YYYY_SLASH] = {"DD/MM/YYYY", '/', 2, 1, 0, 2},
	[SB_FORMAT_MM_DD_YYYY_SLASH] = {"MM/DD/YYYY", '/', 2, 0, 1, 2},
	[SB_FORMAT_YYYY_MM_DD_SLASH] = {"YYYY/MM/DD", '/', 0, 1, 2, 2},
};


/* True when the year has a 29 February. */
static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The number of days of a month; 0 when there is no such month. */
int
sb_days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (month < 1 || month > 12)
		return 0;
	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* True when the calendar has that day. */
static bool
in_calendar(int year, int month, int day)
{
	return 1 <= day && day <= sb_days_in_month(year, month);
}

/*
 * The day number of a day of the calendar, 2000-01-01 being 0.  Years count
 * from March, so that the leap day is the last day of a year.
 */
int32_t
sb_days_from_civil(int year, int month, int day)
{
	int			y = month <= 2 ? year - 1 : year;
	int			era = (y >= 0 ? y : y - 399) / 400;
	int			year_of_era = y - era * 400;
	int			month_from_march = (month + 9) % 12;
	int			day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
	int			day_of_era = year_of_era * 365 + year_of_era / 4 -
		year_of_era / 100 + day_of_year;

	return era * DAYS_PER_ERA + day_of_era - DAYS_TO_2000;
}

/* The day of the calendar that has this number, 2000-01-01 being 0. */
SbCivil
sb_civil_from_days(int32_t day)
{
	int64_t		shifted = (int64_t) day + DAYS_TO_2000;
	int64_t		era = (shifted >= 0 ? shifted : shifted - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
	int			day_of_era = (int) (shifted - era * DAYS_PER_ERA);
	int			year_of_era = (day_of_era - day_of_era / 1460 +
							   day_of_era / 36524 - day_of_era / (DAYS_PER_ERA - 1)) / 365;
	int			day_of_year = day_of_era - (365 * year_of_era +
											year_of_era / 4 - year_of_era / 100);
	int			month_from_march = (5 * day_of_year + 2) / 153;
	SbCivil		civil;

	civil.day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
	civil.month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
	civil.year = (int) (era * 400) + year_of_era + (civil.month <= 2 ? 1 : 0);
	return civil;
}


/* The name under which a format is declared. */
const char *
sb_date_format_name(SbDateFormat format)
{
	return format_rules[format].name;
}

/* Look a declared format up by name.  False when there is none. */
bool
sb_date_format_from_name(const char *name, size_t len, SbDateFormat *format)
{
	for (int i = 0; i < SB_DATE_FORMATS; i++)
	{
		if (strlen(format_rules[i].name) == len &&
			memcmp(format_rules[i].name, name, len) == 0)
		{
			*format = (SbDateFormat) i;
			return true;
		}
	}
	return false;
}

/* Read up to three runs of digits with a date's marks between them. */
SbDateScan
sb_scan_date(SbSlice slice)
{
	SbDateScan	scan = {0};
	SbCursor	cursor = {slice.data, slice.data + slice.len};

	scan.end = cursor.end;
	scan.tail = cursor.at;
	for (int i = 0; i < 3; i++)
	{
		if (i > 0)
		{
			if (cursor.at == cursor.end || strchr("-./", *cursor.at) == NULL ||
				*cursor.at == '\0')
				break;
			scan.mark[i - 1] = *cursor.at++;
		}
		scan.width[i] = take_run(&cursor, &scan.value[i]);
		if (scan.width[i] == 0)
			break;
		scan.runs = i + 1;
		scan.tail = cursor.at;
	}
	return scan;
}

/* True when the scanned runs have the widths and marks of the format. */
static bool
date_has_shape(const SbDateScan *scan, const FormatRule *rule, SbCivil *civil)
{
	int			year_width = scan->width[rule->year_at];
	int			month_width = scan->width[rule->month_at];
	int			day_width = scan->width[rule->day_at];

	if (rule->mark == 0)
	{
		if (scan->runs != 1 || scan->width[0] != 8)
			return false;
		civil->year = scan->value[0] / 10000;
		civil->month = scan->value[0] / 100 % 100;
		civil->day = scan->value[0] % 100;
		return true;
	}

	if (scan->runs != 3 || scan->mark[0] != rule->mark || scan->mark[1] != rule->mark)
		return false;
	if (year_width < 4 || year_width > YEAR_WIDTH_MAX ||
		month_width < rule->min_width || month_width > 2 ||
		day_width < rule->min_width || day_width > 2)
		return false;
	if (year_width > 4 && scan->value[rule->year_at] <= SB_YEAR_MAX)
		return false;			/* 02020 */
	civil->year = scan->value[rule->year_at];
	civil->month = scan->value[rule->month_at];
	civil->day = scan->value[rule->day_at];
	return true;
}

/*
 * What is wrong with a day that has the shape of a format.  Month and day
 * that have changed places are a matter of format, not of the calendar.
 */
static SbParseCode
check_civil(const SbCivil *civil)
{
	if (civil->year < SB_YEAR_MIN || civil->year > SB_YEAR_MAX)
		return SB_PARSE_DATE_OUT_OF_RANGE;
	if (in_calendar(civil->year, civil->month, civil->day))
		return SB_PARSE_OK;
	if (in_calendar(civil->year, civil->day, civil->month))
		return SB_PARSE_DATE_FORMAT;
	return SB_PARSE_DATE_NOT_IN_CALENDAR;
}

/* Read exactly two digits up to "max". */
static bool
take_two_digits(SbCursor *cursor, int max, int *value)
{
	if (cursor->end - cursor->at < 2 ||
		!is_digit(cursor->at[0]) || !is_digit(cursor->at[1]))
		return false;
	*value = (cursor->at[0] - '0') * 10 + (cursor->at[1] - '0');
	cursor->at += 2;
	return *value <= max;
}

/* Read what may stand after a time of day: nothing, Z, +01, +0100, +01:00. */
static bool
take_zone(SbCursor *cursor)
{
	int			part;

	if (take_char(cursor, 'Z'))
		return true;
	if (!take_char(cursor, '+') && !take_char(cursor, '-'))
		return true;
	if (!take_two_digits(cursor, 15, &part))
		return false;
	if (cursor->at == cursor->end)
		return true;
	(void) take_char(cursor, ':');
	return take_two_digits(cursor, 59, &part);
}

/*
 * Read an ISO time of day up to the end of the value: T or a space, HH:MM,
 * perhaps :SS and a fraction of up to nine digits, perhaps a zone.
 */
static bool
take_time(SbCursor cursor, bool *midnight)
{
	int			hour = 0;
	int			minute = 0;
	int			second = 0;
	int			fraction = 0;

	if (!take_char(&cursor, 'T') && !take_char(&cursor, ' '))
		return false;
	if (!take_two_digits(&cursor, 23, &hour) || !take_char(&cursor, ':') ||
		!take_two_digits(&cursor, 59, &minute))
		return false;
	if (take_char(&cursor, ':'))
	{
		if (!take_two_digits(&cursor, 59, &second))
			return false;
		if (take_char(&cursor, '.') && take_run(&cursor, &fraction) == 0)
			return false;
	}
	if (!take_zone(&cursor))
		return false;
	*midnight = hour == 0 && minute == 0 && second == 0 && fraction == 0;
	return cursor.at == cursor.end;
}

/*
 * Try one format.  False when the value is not written that way; otherwise
 * "code" says whether the day exists, and "result" is the day if it does.
 */
static bool
try_format(const SbDateScan *scan, SbDateFormat format, SbParseCode *code,
		   SbCivil *civil, SbDate *result)
{
	SbCursor	rest = {scan->tail, scan->end};
	bool		midnight = false;

	if (!date_has_shape(scan, &format_rules[format], civil))
		return false;
	if (rest.at < rest.end &&
		(format != SB_FORMAT_YYYY_MM_DD || !take_time(rest, &midnight)))
		return false;

	*code = check_civil(civil);
	if (*code == SB_PARSE_OK)
	{
		result->day = sb_days_from_civil(civil->year, civil->month, civil->day);
		result->has_time = rest.at < rest.end;
		result->midnight = midnight;
	}
	return true;
}

/* True when the list of formats has this one. */
static bool
has_format(const SbDateFormat *formats, int nformats, SbDateFormat format)
{
	for (int i = 0; i < nformats; i++)
		if (formats[i] == format)
			return true;
	return false;
}

/*
 * True when a value with slashes has two readings that are different days,
 * and the declared formats do not say which one is meant.
 */
static bool
is_ambiguous(const SbDateScan *scan, const SbDateFormat *formats, int nformats)
{
	bool		day_first = has_format(formats, nformats, SB_FORMAT_DD_MM_YYYY_SLASH);
	bool		month_first = has_format(formats, nformats, SB_FORMAT_MM_DD_YYYY_SLASH);

	if (day_first != month_first)
		return false;
	if (scan->runs != 3 || scan->tail != scan->end ||
		scan->mark[0] != '/' || scan->mark[1] != '/' ||
		scan->width[0] > 2 || scan->width[1] > 2 || scan->width[2] != 4)
		return false;
	return scan->value[2] >= SB_YEAR_MIN && scan->value[0] != scan->value[1] &&
		in_calendar(scan->value[2], scan->value[0], scan->value[1]) &&
		in_calendar(scan->value[2], scan->value[1], scan->value[0]);
}

/* True for a year alone, or a year and a month. */
static bool
is_incomplete(const SbDateScan *scan)
{
	int			year_at;

	if (scan->tail != scan->end || scan->runs < 1 || scan->runs > 2)
		return false;
	if (scan->runs == 1)
		return scan->width[0] == 4;
	year_at = scan->width[0] == 4 ? 0 : 1;
	return scan->width[year_at] == 4 && scan->width[1 - year_at] <= 2 &&
		1 <= scan->value[1 - year_at] && scan->value[1 - year_at] <= 12;
}

/* True for three runs of digits before Christ, such as 44-03-15 BC. */
static bool
is_before_christ(const SbDateScan *scan)
{
	SbSlice		rest = sb_trim(scan->tail, (size_t) (scan->end - scan->tail));

	return scan->runs == 3 && sb_equal_fold(rest.data, rest.len, "bc", 2);
}

/* What to say of a value that is written in no declared format. */
static SbParseCode
classify_date(const SbDateScan *scan, const SbDateFormat *formats, int nformats)
{
	if (is_before_christ(scan))
		return SB_PARSE_DATE_OUT_OF_RANGE;
	if (is_ambiguous(scan, formats, nformats))
		return SB_PARSE_DATE_AMBIGUOUS;
	if (is_incomplete(scan))
		return SB_PARSE_DATE_INCOMPLETE;
	return SB_PARSE_DATE_FORMAT;
}

/*
 * Read a date in one of the declared formats, or the word "infinity".
 *
 * The first format that gives a day of the calendar wins; when none does, the
 * first format of that shape says what is wrong.
 */
SbParseCode
sb_parse_date(const char *value, size_t len, const SbDateFormat *formats,
			  int nformats, SbDate *result)
{
	SbSlice		slice = sb_trim(value, len);
	SbParseCode first = SB_PARSE_OK;
	SbDateScan	scan;

	memset(result, 0, sizeof(*result));
	if (slice.len == 0)
		return SB_PARSE_EMPTY;
	if (sb_equal_fold(slice.data, slice.len, "infinity", 8))
	{
		result->infinite = true;
		return SB_PARSE_OK;
	}

	scan = sb_scan_date(slice);
	for (int i = 0; i < nformats; i++)
	{
		SbCivil		civil;
		SbParseCode code;

		if (!try_format(&scan, formats[i], &code, &civil, result))
			continue;
		if (code == SB_PARSE_OK && is_ambiguous(&scan, formats, nformats))
		{
			memset(result, 0, sizeof(*result));
			return SB_PARSE_DATE_AMBIGUOUS;
		}
		if (code == SB_PARSE_OK)
			return SB_PARSE_OK;
		if (first == SB_PARSE_OK)
			first = code;
	}
	return first != SB_PARSE_OK ? first : classify_date(&scan, formats, nformats);
}

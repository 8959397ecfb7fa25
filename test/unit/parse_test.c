/*-------------------------------------------------------------------------
 *
 * parse_test.c
 *	  Unit tests of the parsers: src/parse*.c without a server.
 *
 * Prints TAP.  Exits with 1 when a test fails.
 *
 * IDENTIFICATION
 *	  test/unit/parse_test.c
 *
 *-------------------------------------------------------------------------
 */
#include "parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define length(array) ((int) (sizeof(array) / sizeof((array)[0])))

#define ISO 1
#define COMPACT 2
#define DOTS 4
#define SHORT_DOTS 8
#define DAY_FIRST 16
#define MONTH_FIRST 32
#define SLASHES 64

/* A value, what is declared, and what must come out. */
typedef struct DateCase
{
	const char *value;
	int			formats;		/* a set, in the order of the enum */
	const char *expected;		/* a day, "infinity", "" or a finding */
} DateCase;

typedef struct NumberCase
{
	const char *value;
	const char *decimal;
	const char *thousands;
	const char *expected;		/* a number, "" or a finding */
} NumberCase;

typedef struct HintCase
{
	SbHintKind	kind;
	const char *value;
	const char *expected;		/* "" for none */
} HintCase;

/* A copy in memory of exactly that size, so that overreads are caught. */
static char *
exact(const char *value, size_t len)
{
	char	   *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, value, len);
	return copy;
}

/* What sb_parse_date says of a value, as text. */
static const char *
date_text(const char *value, int set)
{
	static char text[32];
	SbDateFormat formats[SB_DATE_FORMATS];
	int			nformats = 0;
	size_t		len = strlen(value);
	char	   *copy = exact(value, len);
	SbDate		date;
	SbParseCode code;
	SbCivil		civil;

	for (int i = 0; i < SB_DATE_FORMATS; i++)
		if (set & (1 << i))
			formats[nformats++] = (SbDateFormat) i;
	code = sb_parse_date(copy, len, formats, nformats, &date);
	free(copy);
	if (code == SB_PARSE_EMPTY)
		return "";
	if (code != SB_PARSE_OK)
		return sb_parse_code_name(code);
	if (date.infinite)
		return "infinity";
	civil = sb_civil_from_days(date.day);
	snprintf(text, sizeof(text), "%04d-%02d-%02d%s", civil.year, civil.month, civil.day,
			 !date.has_time ? "" : date.midnight ? " midnight" : " time");
	return text;
}

/* Every day from 1600 to 9999, one after the other. */
static void
test_calendar(void)
{
	int32_t		expected = sb_days_from_civil(1600, 1, 1);
	bool		forth = true;
	bool		back = true;

	ok(sb_days_from_civil(2000, 1, 1) == 0, "2000-01-01 is day 0");
	ok(sb_days_from_civil(1970, 1, 1) == -10957, "1970-01-01 is day -10957");
	for (int year = 1600; year <= 9999; year++)
		for (int month = 1; month <= 12; month++)
			for (int day = 1; day <= sb_days_in_month(year, month); day++)
			{
				SbCivil		civil = sb_civil_from_days(expected);

				forth = forth && sb_days_from_civil(year, month, day) == expected;
				back = back && civil.year == year && civil.month == month && civil.day == day;
				expected++;
			}
	ok(forth, "days from 1600 to 9999 follow each other");
	ok(back, "day numbers from 1600 to 9999 turn back into days");
	ok(expected == sb_days_from_civil(10000, 1, 1), "there are no days left over");
	ok(sb_days_in_month(1900, 2) == 28 && sb_days_in_month(2000, 2) == 29,
	   "1900 is no leap year, 2000 is one");
	for (int32_t day = INT32_MIN / 2; day < INT32_MAX / 2; day += 7654321)
	{
		SbCivil		civil = sb_civil_from_days(day);

		if (sb_days_from_civil(civil.year, civil.month, civil.day) != day)
			back = false;
	}
	ok(back, "day numbers far from any register turn back too");
}

/* Dates, row by row as in the list of bad inputs. */
static void
test_dates(void)
{
	static const DateCase cases[] = {
		{"2023-01-31", ISO, "2023-01-31"},
		{"  2023-01-31\t\r\n", ISO, "2023-01-31"},
		{"\xC2\xA0" "2023-01-31\xC2\xA0 ", ISO, "2023-01-31"},
		{"1600-01-01", ISO, "1600-01-01"},
		{"9999-12-31", ISO, "9999-12-31"},
		{"20240229", COMPACT, "2024-02-29"},
		{"01.02.2023", DOTS, "2023-02-01"},
		{"1.2.2023", SHORT_DOTS, "2023-02-01"},
		{"01.02.2023", SHORT_DOTS, "2023-02-01"},
		{"1.2.2023", DOTS, "date_format"},
		{"2023/02/01", SLASHES, "2023-02-01"},
		{"", ISO, ""},
		{" \t\xC2\xA0", ISO, ""},
		{"2023-02-29", ISO, "date_not_in_calendar"},
		{"2023-04-31", ISO, "date_not_in_calendar"},
		{"2023-00-10", ISO, "date_not_in_calendar"},
		{"2023-13-32", ISO, "date_not_in_calendar"},
		{"2023-31-12", ISO, "date_format"},
		{"31/12/2023", ISO, "date_format"},
		{"31/12/2023", DAY_FIRST, "2023-12-31"},
		{"12/31/2023", DAY_FIRST, "date_format"},
		{"12/31/2023", MONTH_FIRST, "2023-12-31"},
		{"01/02/2023", ISO, "date_ambiguous"},
		{"01/02/2023", DAY_FIRST, "2023-02-01"},
		{"01/02/2023", MONTH_FIRST, "2023-01-02"},
		{"01/02/2023", DAY_FIRST | MONTH_FIRST, "date_ambiguous"},
		{"31/12/2023", DAY_FIRST | MONTH_FIRST, "2023-12-31"},
		{"12/31/2023", DAY_FIRST | MONTH_FIRST, "2023-12-31"},
		{"05/05/2023", DAY_FIRST | MONTH_FIRST, "2023-05-05"},
		{"05/05/2023", ISO, "date_format"},
		{"31/31/2023", DAY_FIRST | MONTH_FIRST, "date_not_in_calendar"},
		{"12.31.2023", ISO, "date_format"},
		{"12.31.2023", DOTS, "date_format"},
		{"1.2.2023", ISO, "date_format"},
		{"0000-01-01", ISO, "date_out_of_range"},
		{"1599-12-31", ISO, "1599-12-31"},
		{"0201-05-01", ISO, "0201-05-01"},
		{"10000-01-01", ISO, "date_out_of_range"},
		{"02020-01-01", ISO, "date_format"},
		{"01.01.02020", DOTS, "date_format"},
		{"01.01.0999", DOTS, "0999-01-01"},
		{"44-03-15 BC", ISO, "date_out_of_range"},
		{"0044-03-15 bc", ISO, "date_out_of_range"},
		{"infinity", ISO, "infinity"},
		{" Infinity ", DOTS, "infinity"},
		{"-infinity", ISO, "date_format"},
		{"inf", ISO, "date_format"},
		{"today", ISO, "date_format"},
		{"now", ISO, "date_format"},
		{"tomorrow", ISO, "date_format"},
		{"epoch", ISO, "date_format"},
		{"45292", ISO, "date_format"},
		{"2023.123", ISO, "date_format"},
		{"J2459946", ISO, "date_format"},
		{"230105", ISO, "date_format"},
		{"230105", COMPACT, "date_format"},
		{"2023-01-01T00:00:00Z", ISO, "2023-01-01 midnight"},
		{"2023-01-01 00:00", ISO, "2023-01-01 midnight"},
		{"2023-01-01 00:00:00.000+01", ISO, "2023-01-01 midnight"},
		{"2023-01-01 00:00:00-05:30", ISO, "2023-01-01 midnight"},
		{"2023-01-01 13:45", ISO, "2023-01-01 time"},
		{"2023-01-01 00:00:00.001", ISO, "2023-01-01 time"},
		{"2023-01-01 24:00", ISO, "date_format"},
		{"2023-01-01 12:60", ISO, "date_format"},
		{"2023-01-01 12", ISO, "date_format"},
		{"2023-01-01T", ISO, "date_format"},
		{"2023-01-01 00:00:00.", ISO, "date_format"},
		{"2023-01-01 00:00 CET", ISO, "date_format"},
		{"2023-01-01T00:00+", ISO, "date_format"},
		{"2023-02-30T00:00", ISO, "date_not_in_calendar"},
		{"01.02.2023 00:00", DOTS, "date_format"},
		{"2023\xE2\x80\x91" "01\xE2\x80\x91" "01", ISO, "date_format"},
		{"2023", ISO, "date_incomplete"},
		{"2023-01", ISO, "date_incomplete"},
		{"01.2023", ISO, "date_incomplete"},
		{"2023-13", ISO, "date_format"},
		{"2023-", ISO, "date_format"},
		{"2023-1-1", ISO, "date_format"},
		{"2023-01/01", ISO, "date_format"},
		{"2023-01-01-01", ISO, "date_format"},
		{"2023-01-011", ISO, "date_format"},
		{"99999999999999999999-01-01", ISO, "date_format"},
		{"+2023-01-01", ISO, "date_format"},
		{"2023-01-01", COMPACT | DOTS, "date_format"},
		{"2023-01-01", COMPACT | ISO, "2023-01-01"},
		{"23-01-01", ISO, "date_format"},
	};

	for (int i = 0; i < length(cases); i++)
	{
		const char *got = date_text(cases[i].value, cases[i].formats);

		ok(strcmp(got, cases[i].expected) == 0, "date \"%s\", formats %d: %s, expected %s",
		   cases[i].value, cases[i].formats, got, cases[i].expected);
	}
}

/* Names of formats and marks. */
static void
test_names(void)
{
	SbDateFormat format;
	SbMark		mark;
	SbHintKind	kind;
	bool		all = true;

	for (int i = 0; i < SB_DATE_FORMATS; i++)
	{
		const char *name = sb_date_format_name((SbDateFormat) i);

		all = all && sb_date_format_from_name(name, strlen(name), &format) && (int) format == i;
	}
	ok(all, "every format is found by its name");
	ok(!sb_date_format_from_name("yyyy-mm-dd", 10, &format), "formats are written in capitals");
	ok(!sb_date_format_from_name("YYYY-MM-DD ", 11, &format), "a format is a whole name");
	ok(sb_mark_from_text("", 0, &mark) && mark == SB_MARK_NONE, "no mark");
	ok(sb_mark_from_text("\xE2\x80\xAF", 3, &mark) && mark == SB_MARK_SPACE, "a narrow space is a space");
	ok(!sb_mark_from_text("..", 2, &mark) && !sb_mark_from_text("x", 1, &mark) &&
	   !sb_mark_from_text("1", 1, &mark), "other marks are unknown");
	ok(sb_hint_kind_from_name("date", 4, &kind) && kind == SB_HINT_DATE, "a kind of hint");
	ok(!sb_hint_kind_from_name("dates", 5, &kind), "an unknown kind of hint");
	ok(sb_parse_code_name(SB_PARSE_OK) == NULL && sb_parse_code_name(SB_PARSE_EMPTY) == NULL,
	   "no finding has no name");
	for (int code = SB_PARSE_DATE_FORMAT; code <= SB_PARSE_NOT_A_BOOLEAN; code++)
		all = all && sb_parse_code_name((SbParseCode) code) != NULL;
	ok(all && sb_parse_code_name((SbParseCode) (SB_PARSE_NOT_A_BOOLEAN + 1)) == NULL,
	   "every finding has a name");
}

/* Whole numbers. */
static void
test_integers(void)
{
	static const NumberCase cases[] = {
		{"0", "", "", "0"},
		{"-0", "", "", "0"},
		{"+7", "", "", "7"},
		{" 007\xC2\xA0", "", "", "7"},
		{"9223372036854775807", "", "", "9223372036854775807"},
		{"-9223372036854775808", "", "", "-9223372036854775808"},
		{"9223372036854775808", "", "", "number_too_big"},
		{"-9223372036854775809", "", "", "number_too_big"},
		{"99999999999999999999999", "", "", "number_too_big"},
		{"2147483648", "", "", "2147483648"},
		{"12.0", "", "", "12 dropped"},
		{"12,00", "", "", "12 dropped"},
		{"-12.0", "", "", "-12 dropped"},
		{"12,5", "", "", "not_whole"},
		{".5", "", "", "not_whole"},
		{"0.500", "", "", "not_whole"},
		{"1.000", "", "", "grouping"},
		{"-1,000", "", "", "grouping"},
		{"1.500", "", "", "grouping"},
		{"1.000", "", " ", "grouping"},
		{"1.000", "", ".", "1000"},
		{"1.000", "", ",", "1 dropped"},
		{"0.000", "", "", "0 dropped"},
		{"1000.000", "", "", "1000 dropped"},
		{"1 000", "", "", "grouping"},
		{"1 234 567", "", " ", "1234567"},
		{"1\xC2\xA0" "234\xE2\x80\xAF" "567", "", " ", "1234567"},
		{"1 234", "", "\xC2\xA0", "1234"},
		{"1'234", "", "'", "1234"},
		{"1\xE2\x80\x99" "234", "", "'", "1234"},
		{"1,234,567", "", ",", "1234567"},
		{"1,234.00", "", ",", "1234 dropped"},
		{"1,234.56", "", ",", "not_whole"},
		{"1234", "", ",", "1234"},
		{"1234,567", "", ",", "grouping"},
		{"12,34", "", ",", "grouping"},
		{"1,23,456", "", ",", "grouping"},
		{"1.23.4", "", ".", "grouping"},
		{"1,,234", "", ",", "grouping"},
		{"1  234", "", " ", "grouping"},
		{"1e3", "", "", "number_scientific"},
		{"9,74761E+08", "", "", "number_scientific"},
		{"9.1E+08", "", "", "number_scientific"},
		{"1e400", "", "", "not_a_number"},
		{"1e", "", "", "not_a_number"},
		{"n/a", "", "", "not_a_number"},
		{"ca 10", "", "", "not_a_number"},
		{"10-19", "", "", "not_a_number"},
		{"5%", "", "", "not_a_number"},
		{"kr 500", "", "", "not_a_number"},
		{"1_000", "", "", "not_a_number"},
		{"0x1F", "", "", "not_a_number"},
		{"NaN", "", "", "not_a_number"},
		{"Infinity", "", "", "not_a_number"},
		{"- 5", "", "", "not_a_number"},
		{"5-", "", "", "not_a_number"},
		{"+-5", "", "", "not_a_number"},
		{"5.", "", "", "not_a_number"},
		{"-", "", "", "not_a_number"},
		{".", "", "", "not_a_number"},
		{"\xEF\xBC\x91\xEF\xBC\x92", "", "", "not_a_number"},
		{"\xE2\x88\x92" "5", "", "", "not_a_number"},
		{"   ", "", "", ""},
	};

	for (int i = 0; i < length(cases); i++)
	{
		size_t		len = strlen(cases[i].value);
		char	   *copy = exact(cases[i].value, len);
		char		shown[64];
		const char *got = shown;
		SbMark		thousands;
		int64_t		result;
		bool		dropped;
		SbParseCode code;

		(void) sb_mark_from_text(cases[i].thousands, strlen(cases[i].thousands), &thousands);
		code = sb_parse_integer(copy, len, thousands, &result, &dropped);
		snprintf(shown, sizeof(shown), "%lld%s", (long long) result, dropped ? " dropped" : "");
		if (code == SB_PARSE_EMPTY)
			got = "";
		else if (code != SB_PARSE_OK)
			got = sb_parse_code_name(code);
		ok(strcmp(got, cases[i].expected) == 0, "integer \"%s\", thousands \"%s\": %s, expected %s",
		   cases[i].value, cases[i].thousands, got, cases[i].expected);
		free(copy);
	}
}

/* Decimal numbers. */
static void
test_numerics(void)
{
	static const NumberCase cases[] = {
		{"0", ".", "", "0"},
		{"-0.50", ".", "", "-0.50"},
		{"+12", ".", "", "12"},
		{".5", ".", "", "0.5"},
		{"-.5", ".", "", "-0.5"},
		{"1.234", ".", "", "1.234"},
		{"95.1234567", ".", "", "95.1234567"},
		{"59,91", ",", "", "59.91"},
		{"59,91", ".", "", "number_format"},
		{"59,91", ".", ",", "grouping"},
		{"1 234 567,89", ",", " ", "1234567.89"},
		{"1\xC2\xA0" "234\xC2\xA0" "567,89", ",", " ", "1234567.89"},
		{"1 234 567,89", ".", "", "number_format"},
		{"1.234,56", ",", ".", "1234.56"},
		{"1.234,56", ".", "", "number_format"},
		{"1,234.56", ".", ",", "1234.56"},
		{"1,234.56", ".", "", "number_format"},
		{"1,234.56", ",", ".", "grouping"},
		{"1.23.4", ".", "", "grouping"},
		{"1.23.4", ",", ".", "grouping"},
		{"1.23.4", ".", ",", "grouping"},
		{"1 23,4", ".", "", "grouping"},
		{"1.234.567", ",", ".", "1234567"},
		{"1.5e3", ".", "", "number_scientific"},
		{"1e400", ".", "", "not_a_number"},
		{"NaN", ".", "", "not_a_number"},
		{"Infinity", ".", "", "not_a_number"},
		{"5.", ".", "", "not_a_number"},
		{"5%", ".", "", "not_a_number"},
		{"1_000", ".", "", "not_a_number"},
		{"0x1F", ".", "", "not_a_number"},
		{"6647000", ".", "", "6647000"},
		{"", ".", "", ""},
	};
	static char digits[SB_NUMBER_DIGITS + 2];
	static SbNumber number;

	for (int i = 0; i < length(cases); i++)
	{
		size_t		len = strlen(cases[i].value);
		char	   *copy = exact(cases[i].value, len);
		SbMark		decimal;
		SbMark		thousands;
		SbParseCode code;
		const char *got = number.plain;

		(void) sb_mark_from_text(cases[i].decimal, 1, &decimal);
		(void) sb_mark_from_text(cases[i].thousands, strlen(cases[i].thousands), &thousands);
		code = sb_parse_numeric(copy, len, decimal, thousands, &number);
		if (code == SB_PARSE_EMPTY)
			got = "";
		else if (code != SB_PARSE_OK)
			got = sb_parse_code_name(code);
		ok(strcmp(got, cases[i].expected) == 0,
		   "numeric \"%s\", decimal mark \"%s\", thousands \"%s\": %s, expected %s",
		   cases[i].value, cases[i].decimal, cases[i].thousands, got, cases[i].expected);
		free(copy);
	}

	memset(digits, '9', sizeof(digits));
	digits[0] = '-';
	ok(sb_parse_numeric(digits, SB_NUMBER_DIGITS + 1, SB_MARK_DOT, SB_MARK_NONE, &number) == SB_PARSE_OK &&
	   strlen(number.plain) == SB_NUMBER_DIGITS + 1, "1000 digits are a number");
	ok(sb_parse_numeric(digits, SB_NUMBER_DIGITS + 2, SB_MARK_DOT, SB_MARK_NONE, &number) == SB_PARSE_NUMBER_TOO_BIG,
	   "1001 digits are too many");
	digits[1] = '.';
	ok(sb_parse_numeric(digits, SB_NUMBER_DIGITS + 2, SB_MARK_DOT, SB_MARK_NONE, &number) == SB_PARSE_OK &&
	   strlen(number.plain) == SB_NUMBER_DIGITS + 3, "1000 digits after the decimal mark fit");
}

/* Booleans and the comparison of words. */
static void
test_booleans(void)
{
	static const SbSlice yes[] = {{"ja", 2}, {"1", 1}, {"\xD0\xB4\xD0\xB0", 4}, {"\xC3\xA5", 2}};
	static const SbSlice no[] = {{"nei", 3}, {"0", 1}, {"\xCE\xBF\xCF\x87\xCE\xB9", 6}};
	static const struct
	{
		const char *value;
		SbParseCode code;
		bool		result;
	}			cases[] = {
		{"ja", SB_PARSE_OK, true},
		{" JA ", SB_PARSE_OK, true},
		{"1", SB_PARSE_OK, true},
		{"Nei", SB_PARSE_OK, false},
		{"0", SB_PARSE_OK, false},
		{"\xD0\x94\xD0\x90", SB_PARSE_OK, true},
		{"\xC3\x85", SB_PARSE_OK, true},
		{"\xCE\x9F\xCE\xA7\xCE\x99", SB_PARSE_OK, false},
		{"j", SB_PARSE_NOT_A_BOOLEAN, false},
		{"jaa", SB_PARSE_NOT_A_BOOLEAN, false},
		{"tr", SB_PARSE_NOT_A_BOOLEAN, false},
		{"10", SB_PARSE_NOT_A_BOOLEAN, false},
		{"\xD0", SB_PARSE_NOT_A_BOOLEAN, false},
		{"  ", SB_PARSE_EMPTY, false},
	};

	for (int i = 0; i < length(cases); i++)
	{
		size_t		len = strlen(cases[i].value);
		char	   *copy = exact(cases[i].value, len);
		bool		result;
		SbParseCode code = sb_parse_boolean(copy, len, yes, length(yes), no, length(no), &result);

		ok(code == cases[i].code && result == cases[i].result, "boolean \"%s\"", cases[i].value);
		free(copy);
	}
	ok(sb_equal_fold("\xC5\xB9\xC5\xBB", 4, "\xC5\xBA\xC5\xBC", 4), "Polish letters fold");
	ok(sb_equal_fold("\xD0\x81", 2, "\xD1\x91", 2), "Russian yo folds");
	ok(sb_equal_fold("\xCE\x86", 2, "\xCE\xAC", 2), "Greek letters with accents fold");
	ok(sb_equal_fold("\xCE\xA3\xCE\xA3", 4, "\xCF\x83\xCF\x82", 4), "both small sigmas fold");
	ok(sb_equal_fold("\xC4\xB0", 2, "i", 1), "the Turkish I with a dot folds");
	ok(sb_equal_fold("\xD4\xB1", 2, "\xD5\xA1", 2), "Armenian letters fold");
	ok(!sb_equal_fold("\xC3\x97", 2, "\xC3\xB7", 2), "signs do not fold");
	ok(!sb_equal_fold("\xFF", 1, "\xFE", 1), "broken bytes differ");
}

/* Hints. */
static void
test_hints(void)
{
	static const HintCase cases[] = {
		{SB_HINT_DATE, "45292", "Excel serial number 45292 is 2024-01-01; format the column as text or date."},
		{SB_HINT_DATE, "2023\xE2\x80\x91" "01\xE2\x80\x91" "01",
		"The value contains U+2011, which is not a hyphen; did you mean \"2023-01-01\"?"},
		{SB_HINT_DATE, "2023-02-29", "February 2023 has 28 days."},
		{SB_HINT_DATE, "31.04.2023", "April 2023 has 30 days."},
		{SB_HINT_DATE, "31/12/2023", "The value is written as DD/MM/YYYY."},
		{SB_HINT_DATE, "01/02/2023", "The value reads both as DD/MM/YYYY and as MM/DD/YYYY; declare one of them."},
		{SB_HINT_DATE, "1.2.23", "Write the year with four digits."},
		{SB_HINT_DATE, "2023-01", "Write year, month and day."},
		{SB_HINT_DATE, "2023", "Write year, month and day."},
		{SB_HINT_DATE, "today", ""},
		{SB_HINT_DATE, " ", ""},
		{SB_HINT_INTEGER, "1.000", "With thousands mark \".\" the value reads as 1000."},
		{SB_HINT_INTEGER, "12,5", "A whole number is expected."},
		{SB_HINT_INTEGER, "1e3", "An exponent may hide lost digits; format the column as text and export it again."},
		{SB_HINT_INTEGER, "ca 10", "Write the number alone, without unit, percent sign or words."},
		{SB_HINT_INTEGER, "1.23.4", "Thousands marks part the digits in groups of three."},
		{SB_HINT_INTEGER, "n/a", ""},
		{SB_HINT_NUMERIC, "59,91", "With decimal mark \",\" the value reads as 59.91."},
		{SB_HINT_NUMERIC, "1.234,56", "With decimal mark \",\" and thousands mark \".\" the value reads as 1234.56."},
		{SB_HINT_NUMERIC, "5%", "Write the number alone, without unit, percent sign or words."},
		{SB_HINT_NUMERIC, "12", ""},
		{SB_HINT_BOOLEAN, "maybe", ""},
	};

	for (int i = 0; i < length(cases); i++)
	{
		char		hint[SB_HINT_SIZE];
		bool		given = sb_parse_hint(cases[i].kind, cases[i].value, strlen(cases[i].value),
										  hint, sizeof(hint));

		ok(given == (cases[i].expected[0] != '\0') && strcmp(hint, cases[i].expected) == 0,
		   "hint for \"%s\": %s", cases[i].value, hint);
	}
}

int
main(void)
{
	test_calendar();
	test_dates();
	test_names();
	test_integers();
	test_numerics();
	test_booleans();
	test_hints();
	return tap_end();
}

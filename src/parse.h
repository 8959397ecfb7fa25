/*-------------------------------------------------------------------------
 *
 * parse.h
 *	  Strict parsers for the cells of an uploaded file.
 *
 * A value has one meaning here on every server, in every locale and on every
 * day: no DateStyle, no lc_numeric, no wall clock.  A bad value is never an
 * error: each parser says what is wrong with it as an SbParseCode.
 *
 * This module knows nothing of PostgreSQL: it allocates nothing, so it can
 * be compiled alone for unit tests and fuzzing.
 *
 * IDENTIFICATION
 *	  src/parse.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_PARSE_H
#define STATBUS_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The years a register can hold. */
#define SB_YEAR_MIN 1
#define SB_YEAR_MAX 9999
#define SB_DAY_MIN "0001-01-01"
#define SB_DAY_MAX "9999-12-31"

/* The most digits a number may be written with. */
#define SB_NUMBER_DIGITS 1000

/* Room for sign, leading zero, digits, decimal point and terminator. */
#define SB_NUMBER_SIZE (SB_NUMBER_DIGITS + 4)

/* Room for the longest hint. */
#define SB_HINT_SIZE 256

/* What a parser found.  Every code from SB_DATE_FORMAT on is a finding. */
typedef enum SbParseCode
{
	SB_PARSE_OK,
	SB_PARSE_EMPTY,				/* nothing but spaces: no value, no fault */
	SB_PARSE_DATE_FORMAT,		/* written in no declared format */
	SB_PARSE_DATE_NOT_IN_CALENDAR,	/* 2023-02-29 */
	SB_PARSE_DATE_AMBIGUOUS,	/* day first or month first? */
	SB_PARSE_DATE_OUT_OF_RANGE, /* year not in SB_YEAR_MIN..SB_YEAR_MAX */
	SB_PARSE_DATE_INCOMPLETE,	/* 2023, 2023-01 */
	SB_PARSE_NOT_A_NUMBER,
	SB_PARSE_NOT_WHOLE,			/* an integer with a fraction */
	SB_PARSE_NUMBER_TOO_BIG,
	SB_PARSE_NUMBER_SCIENTIFIC, /* 9,74761E+08: digits are lost */
	SB_PARSE_NUMBER_FORMAT,		/* a number, but with other marks */
	SB_PARSE_GROUPING,			/* thousands marks in the wrong places */
	SB_PARSE_NOT_A_BOOLEAN
} SbParseCode;

/* The ways to write a date.  The order is that of the table in parse.c. */
typedef enum SbDateFormat
{
	SB_FORMAT_YYYY_MM_DD,
	SB_FORMAT_YYYYMMDD,
	SB_FORMAT_DD_MM_YYYY_DOT,
	SB_FORMAT_D_M_YYYY_DOT,
	SB_FORMAT_DD_MM_YYYY_SLASH,
	SB_FORMAT_MM_DD_YYYY_SLASH,
	SB_FORMAT_YYYY_MM_DD_SLASH
} SbDateFormat;

#define SB_DATE_FORMATS 7

/* A day as people write it, proleptic Gregorian. */
typedef struct SbCivil
{
	int			year;
	int			month;
	int			day;
} SbCivil;

/* What a date cell said. */
typedef struct SbDate
{
	int32_t		day;			/* days since 2000-01-01; 0 when infinite */
	bool		infinite;		/* the word "infinity" */
	bool		has_time;		/* a time of day was written, and dropped */
	bool		midnight;		/* ... and it was 00:00 */
} SbDate;

/* The marks between the digits of a number. */
typedef enum SbMark
{
	SB_MARK_NONE,
	SB_MARK_DOT,
	SB_MARK_COMMA,
	SB_MARK_SPACE,				/* space, U+00A0 and U+202F alike */
	SB_MARK_APOSTROPHE			/* ' and U+2019 alike */
} SbMark;

/* A number, rewritten as plain decimal digits. */
typedef struct SbNumber
{
	bool		negative;
	bool		has_fraction;	/* a decimal mark was written */
	bool		fraction_zero;	/* ... and nothing but zeros after it */
	size_t		int_digits;		/* digits written before the decimal mark */
	size_t		frac_digits;	/* digits written after it */
	size_t		len;			/* of plain */
	char		plain[SB_NUMBER_SIZE];	/* such as -1234.50, terminated; cut
										 * short after SB_NUMBER_DIGITS */
} SbNumber;

/* A piece of a longer string, not terminated. */
typedef struct SbSlice
{
	const char *data;
	size_t		len;
} SbSlice;

/* The kinds of cells for which a hint can be given. */
typedef enum SbHintKind
{
	SB_HINT_DATE,
	SB_HINT_INTEGER,
	SB_HINT_NUMERIC,
	SB_HINT_BOOLEAN
} SbHintKind;

extern const char *sb_parse_code_name(SbParseCode code);

extern int32_t sb_days_from_civil(int year, int month, int day);
extern SbCivil sb_civil_from_days(int32_t day);
extern int	sb_days_in_month(int year, int month);

extern const char *sb_date_format_name(SbDateFormat format);
extern bool sb_date_format_from_name(const char *name, size_t len,
									 SbDateFormat *format);
extern SbParseCode sb_parse_date(const char *value, size_t len,
								 const SbDateFormat *formats, int nformats,
								 SbDate *result);

extern bool sb_mark_from_text(const char *text, size_t len, SbMark *mark);
extern SbParseCode sb_parse_integer(const char *value, size_t len,
									SbMark thousands, int64_t *result,
									bool *zero_dropped);
extern SbParseCode sb_parse_numeric(const char *value, size_t len,
									SbMark decimal, SbMark thousands,
									SbNumber *result);

extern SbSlice sb_trim(const char *value, size_t len);
extern bool sb_equal_fold(const char *x, size_t xlen,
						  const char *y, size_t ylen);
extern SbParseCode sb_parse_boolean(const char *value, size_t len,
									const SbSlice *true_words, int ntrue,
									const SbSlice *false_words, int nfalse,
									bool *result);

extern bool sb_hint_kind_from_name(const char *name, size_t len,
								   SbHintKind *kind);
extern bool sb_parse_hint(SbHintKind kind, const char *value, size_t len,
						  char *hint, size_t hint_size);

#endif							/* STATBUS_PARSE_H */

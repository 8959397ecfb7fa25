/*-------------------------------------------------------------------------
 *
 * parse_number.c
 *	  Whole and decimal numbers.
 *
 * A number is a sign, digits, and the declared marks: thousands in groups of
 * three, and at least one digit after the decimal mark.  Nothing is guessed:
 * a number that fits only other marks is refused.
 *
 * IDENTIFICATION
 *	  src/parse_number.c
 *
 *-------------------------------------------------------------------------
 */
#include "parse_internal.h"

#include <string.h>

/* No spreadsheet writes a larger exponent than this. */
#define EXPONENT_MAX 308

/* The bit of a mark in a set of marks. */
#define MARK_BIT(mark) (1 << (mark))
#define ALL_MARKS (MARK_BIT(SB_MARK_DOT) | MARK_BIT(SB_MARK_COMMA) | \
				   MARK_BIT(SB_MARK_SPACE) | MARK_BIT(SB_MARK_APOSTROPHE))

/* What a caller may declare as a mark, and what each mark accepts. */
static const struct
{
	SbMark		mark;
	const char *text;
}			mark_texts[] = {
	{SB_MARK_DOT, "."},
	{SB_MARK_COMMA, ","},
	{SB_MARK_SPACE, " "},
	{SB_MARK_SPACE, "\xC2\xA0"},	/* U+00A0 no-break space */
	{SB_MARK_SPACE, "\xE2\x80\xAF"},	/* U+202F narrow no-break space */
	{SB_MARK_APOSTROPHE, "'"},
	{SB_MARK_APOSTROPHE, "\xE2\x80\x99"},	/* U+2019 right single quotation
											 * mark */
};

/* Look a mark up as a caller declares it; "" is no mark.  False when unknown. */
bool
sb_mark_from_text(const char *text, size_t len, SbMark *mark)
{
	*mark = SB_MARK_NONE;
	if (len == 0)
		return true;
	for (size_t i = 0; i < array_length(mark_texts); i++)
	{
		if (strlen(mark_texts[i].text) == len &&
			memcmp(mark_texts[i].text, text, len) == 0)
		{
			*mark = mark_texts[i].mark;
			return true;
		}
	}
	return false;
}

/* The length in bytes of the mark at the cursor; 0 when there is none. */
static size_t
mark_at(const SbCursor *cursor, SbMark *mark)
{
	for (size_t i = 0; i < array_length(mark_texts); i++)
	{
		if (sb_starts_with(cursor->at, cursor->end, mark_texts[i].text))
		{
			*mark = mark_texts[i].mark;
			return strlen(mark_texts[i].text);
		}
	}
	return 0;
}

/* Read this mark when it is next. */
static bool
take_mark(SbCursor *cursor, SbMark wanted)
{
	SbMark		mark;
	size_t		len;

	if (wanted == SB_MARK_NONE || cursor->at == cursor->end || is_digit(*cursor->at))
		return false;
	len = mark_at(cursor, &mark);
	if (len == 0 || mark != wanted)
		return false;
	cursor->at += len;
	return true;
}

/* Read a sign when one is next.  True when it was a minus. */
static bool
take_sign(SbCursor *cursor)
{
	if (take_char(cursor, '-'))
		return true;
	(void) take_char(cursor, '+');
	return false;
}

/* Add one character to a number's plain form, as long as there is room. */
static void
put_char(SbNumber *number, char c)
{
	if (number->len < sizeof(number->plain) - 1)
		number->plain[number->len++] = c;
	number->plain[number->len] = '\0';
}

/* Read a run of digits into a number's plain form; returns how many. */
static size_t
take_digits(SbCursor *cursor, SbNumber *number)
{
	size_t		count = 0;

	while (cursor->at < cursor->end && is_digit(*cursor->at))
	{
		put_char(number, *cursor->at++);
		count++;
	}
	return count;
}

/* Read the digits before the decimal mark.  False when badly grouped. */
static bool
take_groups(SbCursor *cursor, SbMark thousands, SbNumber *number)
{
	size_t		first = take_digits(cursor, number);

	number->int_digits = first;
	while (take_mark(cursor, thousands))
	{
		if (first < 1 || first > 3 || take_digits(cursor, number) != 3)
			return false;
		number->int_digits += 3;
	}
	return true;
}

/* Read the decimal mark and the digits after it, when the mark is next. */
static bool
take_fraction(SbCursor *cursor, SbMark decimal, SbNumber *number)
{
	const char *digits;

	if (!take_mark(cursor, decimal))
		return number->int_digits > 0;

	if (number->int_digits == 0)
		put_char(number, '0');
	put_char(number, '.');
	digits = cursor->at;
	number->has_fraction = true;
	number->frac_digits = take_digits(cursor, number);
	number->fraction_zero = true;
	for (size_t i = 0; i < number->frac_digits; i++)
		if (digits[i] != '0')
			number->fraction_zero = false;
	return number->frac_digits > 0;
}

/*
 * Read a number written with exactly these marks.  False when the value, as
 * a whole, is not one; then "number" holds nothing of use.
 */
static bool
match_number(SbSlice slice, SbMark decimal, SbMark thousands, SbNumber *number)
{
	SbCursor	cursor = {slice.data, slice.data + slice.len};

	memset(number, 0, offsetof(SbNumber, plain) + 1);
	number->negative = take_sign(&cursor);
	if (number->negative)
		put_char(number, '-');
	return take_groups(&cursor, thousands, number) &&
		take_fraction(&cursor, decimal, number) &&
		cursor.at == cursor.end;
}

/* True when a matched number is within the limit of digits. */
static bool
number_fits(const SbNumber *number)
{
	return number->int_digits + number->frac_digits <= SB_NUMBER_DIGITS;
}

/*
 * Look for marks with which the value is a number, the commonest first.
 * False when there are none.
 */
bool
sb_match_any_marks(SbSlice slice, SbMark *decimal, SbMark *thousands, SbNumber *number)
{
	static const SbMark decimals[] = {SB_MARK_DOT, SB_MARK_COMMA};
	static const SbMark groups[] = {SB_MARK_NONE, SB_MARK_COMMA, SB_MARK_DOT,
	SB_MARK_SPACE, SB_MARK_APOSTROPHE};

	for (size_t g = 0; g < array_length(groups); g++)
	{
		for (size_t d = 0; d < array_length(decimals); d++)
		{
			*decimal = decimals[d];
			*thousands = groups[g];
			if (*decimal != *thousands &&
				match_number(slice, *decimal, *thousands, number))
				return true;
		}
	}
	return false;
}

/*
 * True for a sign and then nothing but digits and marks of the set, a digit
 * first and last.
 */
static bool
has_only_marks(SbCursor cursor, int marks)
{
	(void) take_sign(&cursor);
	if (cursor.at == cursor.end || !is_digit(*cursor.at) || !is_digit(cursor.end[-1]))
		return false;
	while (cursor.at < cursor.end)
	{
		SbMark		mark;
		size_t		len;

		if (is_digit(*cursor.at))
		{
			cursor.at++;
			continue;
		}
		len = mark_at(&cursor, &mark);
		if (len == 0 || (marks & MARK_BIT(mark)) == 0)
			return false;
		cursor.at += len;
	}
	return true;
}

/*
 * True for a number with an exponent, such as 9,74761E+08.  With an exponent
 * that no spreadsheet writes, the value is taken for text.
 */
static bool
is_scientific(SbSlice slice)
{
	const char *end = slice.data + slice.len;
	SbCursor	mantissa = {slice.data, slice.data};
	SbCursor	exponent;
	int			value;

	while (mantissa.end < end && ascii_lower(*mantissa.end) != 'e')
		mantissa.end++;
	if (mantissa.end == end || !has_only_marks(mantissa, ALL_MARKS))
		return false;
	exponent.at = mantissa.end + 1;
	exponent.end = end;
	(void) take_sign(&exponent);
	return take_run(&exponent, &value) > 0 && exponent.at == end &&
		value <= EXPONENT_MAX;
}

/* What to say of a value that is no number with the declared marks. */
static SbParseCode
classify_number(SbSlice slice, SbMark decimal, SbMark thousands)
{
	SbCursor	cursor = {slice.data, slice.data + slice.len};
	SbMark		other_decimal;
	SbMark		other_thousands;
	SbNumber	number;

	if (is_scientific(slice))
		return SB_PARSE_NUMBER_SCIENTIFIC;
	if (has_only_marks(cursor, MARK_BIT(decimal) | MARK_BIT(thousands)))
		return SB_PARSE_GROUPING;
	if (sb_match_any_marks(slice, &other_decimal, &other_thousands, &number))
		return SB_PARSE_NUMBER_FORMAT;
	if (has_only_marks(cursor, ALL_MARKS))
		return SB_PARSE_GROUPING;
	return SB_PARSE_NOT_A_NUMBER;
}

/* Turn a matched whole number into an int64.  False on overflow. */
static bool
number_to_int64(const SbNumber *number, int64_t *result)
{
	const char *digit = number->plain + (number->negative ? 1 : 0);
	uint64_t	limit = (uint64_t) INT64_MAX + (number->negative ? 1 : 0);
	uint64_t	value = 0;

	for (; is_digit(*digit); digit++)
	{
		uint64_t	d = (uint64_t) (*digit - '0');

		if (value > (limit - d) / 10)
			return false;
		value = value * 10 + d;
	}
	if (!number->negative)
		*result = (int64_t) value;
	else
		*result = value == 0 ? 0 : -(int64_t) (value - 1) - 1;
	return true;
}

/*
 * True when the fraction of a number may just as well be a group of
 * thousands: 1.000 with no mark declared that would decide it.
 */
static bool
fraction_may_be_group(const SbNumber *number, SbMark thousands)
{
	if (thousands == SB_MARK_DOT || thousands == SB_MARK_COMMA)
		return false;
	return number->frac_digits == 3 &&
		1 <= number->int_digits && number->int_digits <= 3 &&
		number->plain[number->negative ? 1 : 0] != '0';
}

/*
 * Read a whole number.  A fraction of zeros (12.0 or 12,0) is dropped, which
 * "zero_dropped" tells.
 */
SbParseCode
sb_parse_integer(const char *value, size_t len, SbMark thousands,
				 int64_t *result, bool *zero_dropped)
{
	SbSlice		slice = sb_trim(value, len);
	SbNumber	number;
	SbParseCode code;

	*result = 0;
	*zero_dropped = false;
	if (slice.len == 0)
		return SB_PARSE_EMPTY;

	if (!(thousands != SB_MARK_DOT &&
		  match_number(slice, SB_MARK_DOT, thousands, &number)) &&
		!(thousands != SB_MARK_COMMA &&
		  match_number(slice, SB_MARK_COMMA, thousands, &number)))
	{
		code = classify_number(slice, SB_MARK_NONE, thousands);
		return code == SB_PARSE_NUMBER_FORMAT ? SB_PARSE_GROUPING : code;
	}

	if (fraction_may_be_group(&number, thousands))
		return SB_PARSE_GROUPING;
	if (number.has_fraction && !number.fraction_zero)
		return SB_PARSE_NOT_WHOLE;
	if (!number_fits(&number) || !number_to_int64(&number, result))
		return SB_PARSE_NUMBER_TOO_BIG;
	*zero_dropped = number.has_fraction;
	return SB_PARSE_OK;
}

/*
 * Read a decimal number.  The plain form of the result is what numeric_in reads in
 * every version: digits, and perhaps a decimal point and digits.
 */
SbParseCode
sb_parse_numeric(const char *value, size_t len, SbMark decimal,
				 SbMark thousands, SbNumber *result)
{
	SbSlice		slice = sb_trim(value, len);

	if (slice.len == 0)
		return SB_PARSE_EMPTY;
	if (!match_number(slice, decimal, thousands, result))
		return classify_number(slice, decimal, thousands);
	return number_fits(result) ? SB_PARSE_OK : SB_PARSE_NUMBER_TOO_BIG;
}

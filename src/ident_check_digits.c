/*-------------------------------------------------------------------------
 *
 * ident_check_digits.c
 *	  Check digits of identifiers.
 *
 * All of them stand at the end.  A value is checked by comparing remainders,
 * as the standards say it; which digits would be right is computed from what
 * stands before them.
 *
 * IDENTIFICATION
 *	  src/ident_check_digits.c
 *
 *-------------------------------------------------------------------------
 */
#include "ident_check_internal.h"

#include <string.h>

static int	digit(char c);
static int	weighted_remainder(const IdentRule *rule, SbSlice value);
static int	luhn_remainder(SbSlice value, bool doubles_last);
static int	mod97(SbSlice value);
static bool is_about(const IdentException *exception, SbSlice value);
static bool holds(const IdentRule *rule, IdentChecksum checksum, int modulus, SbSlice value);
static SbSlice two_digits(int number, char expected[4]);

/* A digit's value; a letter's as ISO 7064 counts it. */
static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c - 'A' + 10;
}

/* The weighted sum of the digits before the last, modulo 11. */
static int
weighted_remainder(const IdentRule *rule, SbSlice value)
{
	int			sum = 0;

	for (int i = 0; i < rule->nweights && (size_t) i + 1 < value.len; i++)
		sum = (sum + rule->weights[i] * digit(value.data[i])) % 11;
	return sum;
}

/* Luhn's sum modulo 10: every second digit from the right is doubled. */
static int
luhn_remainder(SbSlice value, bool doubles_last)
{
	int			sum = 0;

	for (size_t i = value.len; i > 0; i--)
	{
		int			number = digit(value.data[i - 1]) << (doubles_last ? 1 : 0);

		sum += number > 9 ? number - 9 : number;
		doubles_last = !doubles_last;
	}
	return sum % 10;
}

/* The number that the digits and letters are, modulo 97. */
static int
mod97(SbSlice value)
{
	int			remainder = 0;

	for (size_t i = 0; i < value.len; i++)
	{
		int			number = digit(value.data[i]);

		remainder = (remainder * (number > 9 ? 100 : 10) + number) % 97;
	}
	return remainder;
}

/* Whether a value is right by one way to check it. */
static bool
holds(const IdentRule *rule, IdentChecksum checksum, int modulus, SbSlice value)
{
	SbSlice		body = {value.data, value.len - 2};
	int			sum = 0;

	switch (checksum)
	{
		case IDENT_CHECKSUM_NONE:
			return true;
		case IDENT_CHECKSUM_MOD11:
			return (weighted_remainder(rule, value) + digit(value.data[value.len - 1])) % 11 == 0;
		case IDENT_CHECKSUM_LUHN:
			return luhn_remainder(value, false) == 0;
		case IDENT_CHECKSUM_MOD97_10:
			return mod97(value) == 1;
		case IDENT_CHECKSUM_MOD97:
			return 97 - mod97(body) == digit(value.data[value.len - 2]) * 10 + digit(value.data[value.len - 1]);
		case IDENT_CHECKSUM_DIGIT_SUM:
			for (size_t i = 0; i < value.len; i++)
				sum += digit(value.data[i]);
			return sum % modulus == 0;
	}
	return true;
}

/* Whether an exception is about a value. */
static bool
is_about(const IdentException *exception, SbSlice value)
{
	return exception->prefix.len <= value.len && memcmp(exception->prefix.data, value.data, exception->prefix.len) == 0;
}

/* Whether a value of a form of the rule is right, by its check digits or by an exception. */
bool
ident_checksum_holds(const IdentRule *rule, SbSlice value)
{
	if (holds(rule, rule->checksum, rule->modulus, value))
		return true;
	for (int i = 0; i < rule->nexceptions; i++)
		if (is_about(&rule->exceptions[i], value) &&
			holds(rule, rule->exceptions[i].checksum, rule->exceptions[i].modulus, value))
			return true;
	return false;
}

/* A number below 100 as two digits. */
static SbSlice
two_digits(int number, char expected[4])
{
	expected[0] = (char) ('0' + number / 10);
	expected[1] = (char) ('0' + number % 10);
	return (SbSlice) {expected, 2};
}

/*
 * The check digits that would be right after what stands before them; NULL
 * data: there are none, or several.
 */
SbSlice
ident_expected_digits(const IdentRule *rule, SbSlice value, char expected[4])
{
	SbSlice		body = {value.data, value.len - 1};
	SbSlice		result = {expected, 1};
	int			number;

	for (int i = 0; i < rule->nexceptions; i++)
		if (is_about(&rule->exceptions[i], value))
			return (SbSlice) {NULL, 0};
	switch (rule->checksum)
	{
		case IDENT_CHECKSUM_MOD11:
			number = (11 - weighted_remainder(rule, value)) % 11;
			break;
		case IDENT_CHECKSUM_LUHN:
			number = (10 - luhn_remainder(body, true)) % 10;
			break;
		case IDENT_CHECKSUM_MOD97_10:
			body.len = value.len - 2;
			return two_digits(98 - mod97(body) * 100 % 97, expected);
		case IDENT_CHECKSUM_MOD97:
			body.len = value.len - 2;
			return two_digits(97 - mod97(body), expected);
		default:
			return (SbSlice) {NULL, 0};
	}
	expected[0] = (char) ('0' + number);
	if (number > 9)				/* no number has such a beginning */
		result = (SbSlice) {NULL, 0};
	return result;
}

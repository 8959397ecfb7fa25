/*-------------------------------------------------------------------------
 *
 * parse_fuzz.c
 *	  Fuzz target of the parsers: src/parse*.c without a server.
 *
 * The first two bytes choose what is declared, the rest is the value.  Apart
 * from what the sanitizers see, these promises are held against each result:
 *	  - spaces around a value change nothing;
 *	  - a finding has a name, and a result is within its bounds;
 *	  - a result, written plainly, is read back as the same result.
 *
 * IDENTIFICATION
 *	  test/fuzz/parse_fuzz.c
 *
 *-------------------------------------------------------------------------
 */
#include "parse.h"
#include "fuzz.h"

#include <string.h>

/* A code is no finding, or it has a name. */
static void
check_code(SbParseCode code)
{
	CHECK((code == SB_PARSE_OK || code == SB_PARSE_EMPTY) == (sb_parse_code_name(code) == NULL));
}

/* Dates: bounds, spaces, and the way back. */
static void
fuzz_date(unsigned choice, const char *value, size_t len, const char *padded, size_t padded_len)
{
	SbDateFormat formats[SB_DATE_FORMATS];
	SbDateFormat iso = SB_FORMAT_YYYY_MM_DD;
	int			nformats = 0;
	SbDate		date;
	SbDate		again;
	SbParseCode code;
	SbCivil		civil;
	char		plain[32];

	for (int i = 0; i < SB_DATE_FORMATS; i++)
		if (choice & (1u << i))
			formats[nformats++] = (SbDateFormat) i;

	code = sb_parse_date(value, len, formats, nformats, &date);
	check_code(code);
	CHECK(sb_parse_date(padded, padded_len, formats, nformats, &again) == code);
	CHECK(memcmp(&date, &again, sizeof(date)) == 0);
	if (code != SB_PARSE_OK || date.infinite)
		return;

	civil = sb_civil_from_days(date.day);
	CHECK(SB_YEAR_MIN <= civil.year && civil.year <= SB_YEAR_MAX);
	snprintf(plain, sizeof(plain), "%04d-%02d-%02d", civil.year, civil.month, civil.day);
	CHECK(sb_parse_date(plain, strlen(plain), &iso, 1, &again) == SB_PARSE_OK);
	CHECK(again.day == date.day && !again.has_time);
}

/* Whole numbers. */
static void
fuzz_integer(SbMark thousands, const char *value, size_t len, const char *padded, size_t padded_len)
{
	int64_t		result;
	int64_t		again;
	bool		dropped;
	SbParseCode code = sb_parse_integer(value, len, thousands, &result, &dropped);
	char		plain[32];

	check_code(code);
	CHECK(sb_parse_integer(padded, padded_len, thousands, &again, &dropped) == code);
	CHECK(again == result);
	if (code != SB_PARSE_OK)
		return;
	snprintf(plain, sizeof(plain), "%lld", (long long) result);
	CHECK(sb_parse_integer(plain, strlen(plain), SB_MARK_NONE, &again, &dropped) == SB_PARSE_OK);
	CHECK(again == result && !dropped);
}

/* Decimal numbers. */
static void
fuzz_numeric(SbMark decimal, SbMark thousands, const char *value, size_t len,
			 const char *padded, size_t padded_len)
{
	SbNumber	number;
	SbNumber	again;
	SbParseCode code = sb_parse_numeric(value, len, decimal, thousands, &number);

	check_code(code);
	CHECK(sb_parse_numeric(padded, padded_len, decimal, thousands, &again) == code);
	if (code != SB_PARSE_OK)
		return;
	CHECK(strcmp(number.plain, again.plain) == 0);
	CHECK(number.len == strlen(number.plain) && number.len < SB_NUMBER_SIZE);
	if (number.int_digits == 0 && number.frac_digits == SB_NUMBER_DIGITS)
		return;					/* the zero put before the point is one digit
								 * too many */
	CHECK(sb_parse_numeric(number.plain, number.len, SB_MARK_DOT, SB_MARK_NONE, &again) == SB_PARSE_OK);
	CHECK(strcmp(number.plain, again.plain) == 0);
}

/* Booleans: the value itself as a word is always found. */
static void
fuzz_boolean(const char *value, size_t len)
{
	SbSlice		word = sb_trim(value, len);
	bool		result;

	CHECK(sb_equal_fold(value, len, value, len));
	if (word.len == 0)
		CHECK(sb_parse_boolean(value, len, &word, 1, NULL, 0, &result) == SB_PARSE_EMPTY);
	else
		CHECK(sb_parse_boolean(value, len, &word, 1, NULL, 0, &result) == SB_PARSE_OK && result);
}

/* Hints fit, and are terminated. */
static void
fuzz_hint(const char *value, size_t len)
{
	for (int kind = SB_HINT_DATE; kind <= SB_HINT_BOOLEAN; kind++)
	{
		char		hint[SB_HINT_SIZE];
		bool		given = sb_parse_hint((SbHintKind) kind, value, len, hint, sizeof(hint));

		CHECK(given == (hint[0] != '\0'));
		CHECK(strlen(hint) < sizeof(hint) - 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *value = (const char *) data + 2;
	size_t		len = size - 2;
	SbMark		decimal;
	SbMark		thousands;
	char	   *padded;

	if (size < 2)
		return 0;
	decimal = data[1] & 1 ? SB_MARK_DOT : SB_MARK_COMMA;
	thousands = (SbMark) (data[1] / 2 % 5);
	padded = malloc(len + 4);
	if (padded == NULL)
		return 0;
	memcpy(padded, "\xC2\xA0\t", 3);
	memcpy(padded + 3, value, len);
	padded[len + 3] = ' ';

	fuzz_date(data[0], value, len, padded, len + 4);
	fuzz_integer(thousands, value, len, padded, len + 4);
	if (decimal != thousands)
		fuzz_numeric(decimal, thousands, value, len, padded, len + 4);
	fuzz_boolean(value, len);
	fuzz_hint(value, len);
	free(padded);
	return 0;
}

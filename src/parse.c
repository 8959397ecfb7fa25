/*-------------------------------------------------------------------------
 *
 * parse.c
 *	  Strict parsers for the cells of an uploaded file: text and booleans.
 *
 * The input functions of the server are not used, because their grammar
 * changes with the version (1_000, 0x1F), with settings (DateStyle) and with
 * the clock (today).  Here each kind of value has one grammar, and each
 * refusal a code.  Spaces around a value (ASCII white space and U+00A0) do
 * not count; what is left must match as a whole.
 *
 * parse_date.c reads dates, parse_number.c numbers, and parse_hint.c says
 * what may have been meant.
 *
 * IDENTIFICATION
 *	  src/parse.c
 *
 *-------------------------------------------------------------------------
 */
#include "parse_internal.h"

#include <string.h>

#include "utf8.h"

static const char *const code_names[] = {
	[SB_PARSE_OK] = NULL,
	[SB_PARSE_EMPTY] = NULL,
	[SB_PARSE_DATE_FORMAT] = "date_format",
	[SB_PARSE_DATE_NOT_IN_CALENDAR] = "date_not_in_calendar",
	[SB_PARSE_DATE_AMBIGUOUS] = "date_ambiguous",
	[SB_PARSE_DATE_OUT_OF_RANGE] = "date_out_of_range",
	[SB_PARSE_DATE_INCOMPLETE] = "date_incomplete",
	[SB_PARSE_NOT_A_NUMBER] = "not_a_number",
	[SB_PARSE_NOT_WHOLE] = "not_whole",
	[SB_PARSE_NUMBER_TOO_BIG] = "number_too_big",
	[SB_PARSE_NUMBER_SCIENTIFIC] = "number_scientific",
	[SB_PARSE_NUMBER_FORMAT] = "number_format",
	[SB_PARSE_GROUPING] = "grouping",
	[SB_PARSE_NOT_A_BOOLEAN] = "not_a_boolean",
};

/* True for the white space of ASCII, in every locale. */
static inline bool
is_space(char c)
{
	return c == ' ' || ('\t' <= c && c <= '\r');
}

/* The value without the spaces and no-break spaces around it. */
SbSlice
sb_trim(const char *value, size_t len)
{
	SbSlice		slice = {value, len};

	while (slice.len > 0)
	{
		size_t		skip = 0;

		if (is_space(slice.data[0]))
			skip = 1;
		else if (sb_starts_with(slice.data, slice.data + slice.len, "\xC2\xA0"))
			skip = 2;
		if (skip == 0)
			break;
		slice.data += skip;
		slice.len -= skip;
	}

	while (slice.len > 0)
	{
		const char *end = slice.data + slice.len;

		if (is_space(end[-1]))
			slice.len -= 1;
		else if (slice.len >= 2 && memcmp(end - 2, "\xC2\xA0", 2) == 0)
			slice.len -= 2;
		else
			break;
	}

	return slice;
}

/* The name of a finding; NULL when the code is none. */
const char *
sb_parse_code_name(SbParseCode code)
{
	return (size_t) code < array_length(code_names) ? code_names[code] : NULL;
}

/*
 * Booleans
 */

/* True when two words differ in nothing but upper and lower case. */
bool
sb_equal_fold(const char *x, size_t xlen, const char *y, size_t ylen)
{
	SbCursor	xs = {x, x + xlen};
	SbCursor	ys = {y, y + ylen};

	while (xs.at < xs.end && ys.at < ys.end)
		if (sb_fold_letter(sb_next_character(&xs.at, xs.end)) != sb_fold_letter(sb_next_character(&ys.at, ys.end)))
			return false;
	return xs.at == xs.end && ys.at == ys.end;
}

/* True when the word is in the list. */
static bool
has_word(const SbSlice *words, int nwords, SbSlice word)
{
	for (int i = 0; i < nwords; i++)
		if (sb_equal_fold(words[i].data, words[i].len, word.data, word.len))
			return true;
	return false;
}

/* Read a boolean: one of the declared words, in upper or lower case. */
SbParseCode
sb_parse_boolean(const char *value, size_t len,
				 const SbSlice *true_words, int ntrue,
				 const SbSlice *false_words, int nfalse, bool *result)
{
	SbSlice		slice = sb_trim(value, len);

	*result = false;
	if (slice.len == 0)
		return SB_PARSE_EMPTY;
	if (has_word(true_words, ntrue, slice))
	{
		*result = true;
		return SB_PARSE_OK;
	}
	return has_word(false_words, nfalse, slice) ? SB_PARSE_OK : SB_PARSE_NOT_A_BOOLEAN;
}

/*-------------------------------------------------------------------------
 *
 * import_clean_fuzz.c
 *	  Fuzz target of src/import_clean.c: what is taken away of a cell.
 *
 * The input is cut at its first byte 0xFF: a word for nothing, and a cell.
 * Promises: results lie within the cell, what was cleaned stays as it is when
 * it is cleaned again, and nothing but what has no width goes.
 *
 * IDENTIFICATION
 *	  test/fuzz/import_clean_fuzz.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_clean.h"
#include "fuzz_memory.h"

#include <string.h>

#define SEPARATOR 0xFF

/* Does a text lie within another? */
static bool
is_within(SbSlice part, SbSlice whole)
{
	return part.data >= whole.data && part.data + part.len <= whole.data + whole.len;
}

/* Spaces at both ends. */
static void
check_trim(SbSlice cell)
{
	SbSlice		trimmed = import_clean_trim(cell);
	SbSlice		again = import_clean_trim(trimmed);

	CHECK(is_within(trimmed, cell));
	CHECK(again.data == trimmed.data && again.len == trimmed.len);
}

/* Characters without width; letter by letter the rest stays. */
static void
check_widthless(SbSlice cell)
{
	SbSlice		result = copy_of((const uint8_t *) cell.data, cell.len);
	size_t		at = 0;

	result.len = import_clean_widthless(cell.data, cell.len, (char *) result.data);
	CHECK(result.len <= cell.len);
	for (size_t i = 0; i < result.len; i++, at++)
	{
		while (at < cell.len && cell.data[at] != result.data[i])
			at++;
		CHECK(at < cell.len);
	}
	if (import_clean_is_ascii(cell))
		CHECK(result.len == cell.len && memcmp(result.data, cell.data, cell.len) == 0);
}

/* What a spreadsheet's menu writes behind a code. */
static void
check_code(SbSlice cell)
{
	SbSlice		code = import_clean_code(cell);
	SbSlice		again = import_clean_code(code);

	CHECK(code.data == cell.data && code.len <= cell.len);
	CHECK(again.len == code.len);
	CHECK(code.len == cell.len || memcmp(cell.data + code.len, " | ", 3) == 0);
}

/* A word for nothing, by itself and in small letters. */
static void
check_words(SbSlice word, SbSlice cell)
{
	ImportWords words = {.words = &word, .nwords = 1};
	bool		is_word;

	for (size_t i = 0; i < word.len; i++)
		if (word.data[i] >= 'a' && word.data[i] <= 'z')
			((char *) word.data)[i] = (char) (word.data[i] - 'a' + 'A');
	import_words_link(&words);
	CHECK(import_clean_is_word(&words, word) && import_words_may_hold(&words, word.len));
	is_word = import_clean_is_word(&words, cell);
	CHECK(!is_word || (cell.len == word.len && cell.len <= words.longest && import_words_may_hold(&words, cell.len)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, SEPARATOR, size) : NULL;
	size_t		len = end == NULL ? 0 : (size_t) (end - data);
	size_t		skip = end == NULL ? 0 : len + 1;
	SbSlice		word = copy_of(data, len);
	SbSlice		cell = copy_of(data + skip, size - skip);

	check_trim(cell);
	check_widthless(cell);
	check_code(cell);
	check_words(word, cell);
	give_back();
	return 0;
}

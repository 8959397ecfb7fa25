/*
 * Unit tests of cells as they are read (src/import_clean.c).  TAP output.
 */
#include <stdlib.h>
#include <string.h>

#include "import_clean.h"
#include "tap.h"

/* A text in memory of its own size, so that a read beyond it is seen. */
static SbSlice
exact(const char *text, size_t len)
{
	char	   *copy = malloc(len == 0 ? 1 : len);
	SbSlice		slice = {copy, len};

	memcpy(copy, text, len);
	return slice;
}

/* A cell is cut to this. */
static void
cut_is(SbSlice (*cut) (SbSlice), const char *text, size_t len, const char *expected, const char *name)
{
	SbSlice		cell = exact(text, len);
	SbSlice		result = cut(cell);

	ok(result.len == strlen(expected) && memcmp(result.data, expected, result.len) == 0, "%s", name);
	free((char *) cell.data);
}

#define TRIM(text, expected, name) cut_is(import_clean_trim, text, sizeof(text) - 1, expected, name)
#define CODE(text, expected, name) cut_is(import_clean_code, text, sizeof(text) - 1, expected, name)

/* Spaces at both ends, and only there. */
static void
test_trim(void)
{
	TRIM("", "", "trim: nothing");
	TRIM("a", "a", "trim: a letter");
	TRIM(" \t\n\v\f\r", "", "trim: spaces alone");
	TRIM("  a b  ", "a b", "trim: not within");
	TRIM("\xC2\xA0" "a\xC2\x85", "a", "trim: no-break space, next line");
	TRIM("\xE1\x9A\x80\xE2\x80\x87\xE2\x80\xAF\xE2\x81\xA0" "a\xE2\x80\x8B\xE2\x80\x8C\xE2\x80\x8D\xE3\x80\x80\xEF\xBB\xBF", "a", "trim: three bytes");
	TRIM("\xE2\x80\x88" "a", "\xE2\x80\x88" "a", "trim: a space that is kept");
	TRIM("\xC2", "\xC2", "trim: half a character");
	TRIM("\xE2\x80", "\xE2\x80", "trim: two thirds of one");
	TRIM("\xC3\xA5", "\xC3\xA5", "trim: another letter");
}

/* What a menu of a spreadsheet writes behind a code. */
static void
test_code(void)
{
	CODE("", "", "code: nothing");
	CODE("01 | Oslo", "01", "code: name behind it");
	CODE("01| Oslo", "01| Oslo", "code: no space before");
	CODE("01 |", "01 |", "code: nothing behind");
	CODE("a b | c | d", "a b", "code: the first counts");
	CODE(" | ", "", "code: no code");
}

/* Characters without width. */
static void
test_widthless(void)
{
	char		room[32];
	SbSlice		text = exact("9\xC2\xAD" "7\xE2\x80\x8B" "4\xE2\x81\xA0\xEF\xBB\xBF" "\xE2\x80\xAF!", 18);
	size_t		len = import_clean_widthless(text.data, text.len, room);

	ok(len == 7 && memcmp(room, "974\xE2\x80\xAF!", len) == 0, "widthless: taken out, a narrow space kept");
	free((char *) text.data);
}

/* Words for nothing. */
static void
test_words(void)
{
	SbSlice		list[] = {{"NULL", 4}, {"N/A", 3}, {"", 0}, {"\xC3\x85", 2}};
	ImportWords words = {.words = list, .nwords = 4};
	SbSlice		cell;

	import_words_link(&words);
	ok(words.longest == 4, "words: the longest");
	ok(import_words_may_hold(&words, 3) && !import_words_may_hold(&words, 5) && !import_words_may_hold(&words, 500), "words: lengths");
	cell = exact("nUlL", 4);
	ok(import_clean_is_word(&words, cell), "words: without regard to case");
	free((char *) cell.data);
	cell = exact("nul", 3);
	ok(!import_clean_is_word(&words, cell), "words: part of one");
	free((char *) cell.data);
	cell = exact("\xC3\x85", 2);
	ok(import_clean_is_word(&words, cell), "words: beyond ASCII, in capitals");
	ok(!import_clean_is_ascii(cell), "ascii: a letter beyond it");
	free((char *) cell.data);
	cell = exact("abcdefgh12345678\xC3", 17);
	ok(!import_clean_is_ascii(cell), "ascii: the last of many");
	cell.len = 16;
	ok(import_clean_is_ascii(cell), "ascii: sixteen");
	free((char *) cell.data);
}

int
main(void)
{
	test_trim();
	test_code();
	test_widthless();
	test_words();
	return tap_end();
}

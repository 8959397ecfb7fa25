/*-------------------------------------------------------------------------
 *
 * utf8_test.c
 *	  Unit tests of src/utf8.h and src/utf8_case.c: characters, small letters.
 *
 * Prints TAP.  Exits with 1 when a test fails.
 *
 * IDENTIFICATION
 *	  test/unit/utf8_test.c
 *
 *-------------------------------------------------------------------------
 */
#include "utf8.h"

#include <stdio.h>

#include "tap.h"

/* The small letter of a character, and what it is compared as. */
static void
letter_is(uint32_t c, uint32_t small, uint32_t folded)
{
	char		name[32];

	snprintf(name, sizeof(name), "U+%04X", (unsigned int) c);
	ok(sb_small_letter(c) == small && sb_fold_letter(c) == folded, "%s", name);
}

/* Letters of each script, and signs beside them. */
static void
test_letters(void)
{
	letter_is('A', 'a', 'a');
	letter_is('Z', 'z', 'z');
	letter_is('@', '@', '@');
	letter_is('[', '[', '[');
	letter_is(0xD7, 0xD7, 0xD7);
	letter_is(0xDF, 0xDF, 0xDF);
	letter_is(0x1E9E, 0xDF, 0xDF);
	letter_is(0x12E, 0x12F, 0x12F);
	letter_is(0x12F, 0x12F, 0x12F);
	letter_is(0x130, 'i', 'i');
	letter_is(0x131, 0x131, 0x131);
	letter_is(0x138, 0x138, 0x138);
	letter_is(0x178, 0xFF, 0xFF);
	letter_is(0x18F, 0x259, 0x259);
	letter_is(0x218, 0x219, 0x219);
	letter_is(0x3A3, 0x3C3, 0x3C3);
	letter_is(0x3C2, 0x3C2, 0x3C3);
	letter_is(0xB5, 0xB5, 0x3BC);
	letter_is(0x17F, 0x17F, 's');
	letter_is(0x212A, 'k', 'k');
	letter_is(0x40F, 0x45F, 0x45F);
	letter_is(0x4C0, 0x4CF, 0x4CF);
	letter_is(0x531, 0x561, 0x561);
	letter_is(0x10D0, 0x10D0, 0x10D0);
	letter_is(0x1C90, 0x10D0, 0x10D0);
	letter_is(0x1EA0, 0x1EA1, 0x1EA1);
	letter_is(0xFF21, 0xFF41, 0xFF41);
	letter_is(0x10400, 0x10428, 0x10428);
	letter_is(0x10FFFF, 0x10FFFF, 0x10FFFF);
	letter_is(SB_NO_CHARACTER + 'A', SB_NO_CHARACTER + 'A', SB_NO_CHARACTER + 'A');
}

/* What holds of every character. */
static void
test_all(void)
{
	int			again = 0;
	int			other = 0;
	int			longer = 0;
	int			lost = 0;

	for (uint32_t c = 0; c <= SB_NO_CHARACTER + 0xFF; c++)
	{
		uint32_t	small = sb_small_letter(c);
		uint32_t	folded = sb_fold_letter(c);
		char		text[4];
		char		smaller[4];
		const char *at = text;
		size_t		len;

		again += sb_small_letter(small) != small || sb_fold_letter(folded) != folded;
		other += sb_fold_letter(small) != folded;
		if (c >= SB_NO_CHARACTER)
			continue;
		len = (size_t) (sb_write_character(text, c) - text);
		lost += sb_next_character(&at, text + len) != c || at != text + len;
		longer += (size_t) (sb_write_character(smaller, small) - smaller) > SB_SMALL_SIZE(len) ||
			(size_t) (sb_write_character(smaller, folded) - smaller) > SB_SMALL_SIZE(len);
	}
	ok(again == 0, "a small letter is its own");
	ok(other == 0, "a capital letter is compared as its small one");
	ok(lost == 0, "what is written is read");
	ok(longer == 0, "small letters have room");
}

int
main(void)
{
	test_letters();
	test_all();
	return tap_end();
}

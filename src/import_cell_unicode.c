/*-------------------------------------------------------------------------
 *
 * import_cell_unicode.c
 *	  Characters of the texts of a file, the same in every locale.
 *
 * Spaces and upper case are what glibc's C.UTF-8 says they are (Unicode 15):
 * a no-break space is none.  Text is UTF-8; a byte that is not part of it
 * counts as a character of its own, beyond all others.
 *
 * IDENTIFICATION
 *	  src/import_cell_unicode.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_cell_internal.h"

#include <string.h>

/* The same byte in each place of a word. */
#define EVERY(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Every step-th character from first to last. */
typedef struct CharacterRange
{
	uint32_t	first;
	uint32_t	last;
	uint32_t	step;
} CharacterRange;

/* Upper case beyond ASCII. */
static const CharacterRange upper_ranges[] = {
	{0xC0, 0xD6, 1}, {0xD8, 0xDE, 1}, {0x100, 0x136, 2}, {0x139, 0x147, 2},
	{0x14A, 0x178, 2}, {0x179, 0x17D, 2}, {0x181, 0x181, 1}, {0x182, 0x186, 2},
	{0x187, 0x189, 2}, {0x18A, 0x18B, 1}, {0x18E, 0x191, 1}, {0x193, 0x194, 1},
	{0x196, 0x198, 1}, {0x19C, 0x19C, 1}, {0x19D, 0x19F, 2}, {0x1A0, 0x1A6, 2},
	{0x1A7, 0x1A9, 2}, {0x1AC, 0x1AE, 2}, {0x1AF, 0x1B1, 2}, {0x1B2, 0x1B2, 1},
	{0x1B3, 0x1B7, 2}, {0x1B8, 0x1B8, 1}, {0x1BC, 0x1BC, 1}, {0x1C4, 0x1C4, 1},
	{0x1C5, 0x1C7, 2}, {0x1C8, 0x1CA, 2}, {0x1CB, 0x1DB, 2}, {0x1DE, 0x1EE, 2},
	{0x1F1, 0x1F1, 1}, {0x1F2, 0x1F6, 2}, {0x1F7, 0x1F7, 1}, {0x1F8, 0x232, 2},
	{0x23A, 0x23B, 1}, {0x23D, 0x23E, 1}, {0x241, 0x243, 2}, {0x244, 0x246, 1},
	{0x248, 0x24E, 2}, {0x370, 0x372, 2}, {0x376, 0x376, 1}, {0x37F, 0x37F, 1},
	{0x386, 0x388, 2}, {0x389, 0x389, 1}, {0x38A, 0x38E, 2}, {0x38F, 0x391, 2},
	{0x392, 0x3A1, 1}, {0x3A3, 0x3AB, 1}, {0x3CF, 0x3CF, 1}, {0x3D2, 0x3D4, 1},
	{0x3D8, 0x3EE, 2}, {0x3F4, 0x3F4, 1}, {0x3F7, 0x3F9, 2}, {0x3FA, 0x3FA, 1},
	{0x3FD, 0x42F, 1}, {0x460, 0x480, 2}, {0x48A, 0x4C0, 2}, {0x4C1, 0x4CD, 2},
	{0x4D0, 0x52E, 2}, {0x531, 0x556, 1}, {0x10A0, 0x10C5, 1},
	{0x10C7, 0x10C7, 1}, {0x10CD, 0x10CD, 1}, {0x13A0, 0x13F5, 1},
	{0x1C90, 0x1CBA, 1}, {0x1CBD, 0x1CBF, 1}, {0x1E00, 0x1E94, 2},
	{0x1E9E, 0x1EFE, 2}, {0x1F08, 0x1F0F, 1}, {0x1F18, 0x1F1D, 1},
	{0x1F28, 0x1F2F, 1}, {0x1F38, 0x1F3F, 1}, {0x1F48, 0x1F4D, 1},
	{0x1F59, 0x1F5F, 2}, {0x1F68, 0x1F6F, 1}, {0x1F88, 0x1F8F, 1},
	{0x1F98, 0x1F9F, 1}, {0x1FA8, 0x1FAF, 1}, {0x1FB8, 0x1FBC, 1},
	{0x1FC8, 0x1FCC, 1}, {0x1FD8, 0x1FDB, 1}, {0x1FE8, 0x1FEC, 1},
	{0x1FF8, 0x1FFC, 1}, {0x2102, 0x2102, 1}, {0x2107, 0x2107, 1},
	{0x210B, 0x210D, 1}, {0x2110, 0x2112, 1}, {0x2115, 0x2115, 1},
	{0x2119, 0x211D, 1}, {0x2124, 0x212A, 2}, {0x212B, 0x212D, 1},
	{0x2130, 0x2133, 1}, {0x213E, 0x213F, 1}, {0x2145, 0x2145, 1},
	{0x2160, 0x216F, 1}, {0x2183, 0x2183, 1}, {0x24B6, 0x24CF, 1},
	{0x2C00, 0x2C2F, 1}, {0x2C60, 0x2C62, 2}, {0x2C63, 0x2C64, 1},
	{0x2C67, 0x2C6D, 2}, {0x2C6E, 0x2C70, 1}, {0x2C72, 0x2C72, 1},
	{0x2C75, 0x2C75, 1}, {0x2C7E, 0x2C80, 1}, {0x2C82, 0x2CE2, 2},
	{0x2CEB, 0x2CED, 2}, {0x2CF2, 0x2CF2, 1}, {0xA640, 0xA66C, 2},
	{0xA680, 0xA69A, 2}, {0xA722, 0xA72E, 2}, {0xA732, 0xA76E, 2},
	{0xA779, 0xA77D, 2}, {0xA77E, 0xA786, 2}, {0xA78B, 0xA78D, 2},
	{0xA790, 0xA792, 2}, {0xA796, 0xA7AA, 2}, {0xA7AB, 0xA7AE, 1},
	{0xA7B0, 0xA7B4, 1}, {0xA7B6, 0xA7C4, 2}, {0xA7C5, 0xA7C7, 1},
	{0xA7C9, 0xA7C9, 1}, {0xA7D0, 0xA7D0, 1}, {0xA7D6, 0xA7D8, 2},
	{0xA7F5, 0xA7F5, 1}, {0xFF21, 0xFF3A, 1}, {0x10400, 0x10427, 1},
	{0x104B0, 0x104D3, 1}, {0x10570, 0x1057A, 1}, {0x1057C, 0x1058A, 1},
	{0x1058C, 0x10592, 1}, {0x10594, 0x10595, 1}, {0x10C80, 0x10CB2, 1},
	{0x118A0, 0x118BF, 1}, {0x16E40, 0x16E5F, 1}, {0x1D400, 0x1D419, 1},
	{0x1D434, 0x1D44D, 1}, {0x1D468, 0x1D481, 1}, {0x1D49C, 0x1D49E, 2},
	{0x1D49F, 0x1D49F, 1}, {0x1D4A2, 0x1D4A2, 1}, {0x1D4A5, 0x1D4A6, 1},
	{0x1D4A9, 0x1D4AC, 1}, {0x1D4AE, 0x1D4B5, 1}, {0x1D4D0, 0x1D4E9, 1},
	{0x1D504, 0x1D505, 1}, {0x1D507, 0x1D50A, 1}, {0x1D50D, 0x1D514, 1},
	{0x1D516, 0x1D51C, 1}, {0x1D538, 0x1D539, 1}, {0x1D53B, 0x1D53E, 1},
	{0x1D540, 0x1D544, 1}, {0x1D546, 0x1D546, 1}, {0x1D54A, 0x1D550, 1},
	{0x1D56C, 0x1D585, 1}, {0x1D5A0, 0x1D5B9, 1}, {0x1D5D4, 0x1D5ED, 1},
	{0x1D608, 0x1D621, 1}, {0x1D63C, 0x1D655, 1}, {0x1D670, 0x1D689, 1},
	{0x1D6A8, 0x1D6C0, 1}, {0x1D6E2, 0x1D6FA, 1}, {0x1D71C, 0x1D734, 1},
	{0x1D756, 0x1D76E, 1}, {0x1D790, 0x1D7A8, 1}, {0x1D7CA, 0x1D7CA, 1},
	{0x1E900, 0x1E921, 1}, {0x1F130, 0x1F149, 1}, {0x1F150, 0x1F169, 1},
	{0x1F170, 0x1F189, 1},
};

#define UPPER_RANGES ((int) (sizeof(upper_ranges) / sizeof(upper_ranges[0])))

/*
 * True for a character that UTF-8 writes in so many bytes: neither a stray
 * byte, nor half a pair of UTF-16, nor written with more bytes than it needs.
 */
bool
import_is_character(uint32_t c, size_t bytes)
{
	size_t		needed = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	return bytes == needed && (c < 0xD800 || (0xE000 <= c && c <= 0x10FFFF));
}

/* The character that ends at "end".  There must be one. */
uint32_t
import_last_character(const char *start, const char *end)
{
	const char *at = end - 1;
	uint32_t	character;

	while (at > start && end - at < 4 && ((unsigned char) *at & 0xC0) == 0x80)
		at--;
	character = sb_next_character(&at, end);
	return at == end ? character : SB_NO_CHARACTER + (unsigned char) end[-1];
}

/* How many characters a text has. */
size_t
import_count_characters(SbSlice text)
{
	size_t		count = 0;

	for (size_t i = 0; i < text.len; i++)
		if (((unsigned char) text.data[i] & 0xC0) != 0x80)
			count++;
	return count;
}

/* How many bytes the first so many characters of a text have. */
size_t
import_first_characters(SbSlice text, size_t count)
{
	for (size_t i = 0; i < text.len; i++)
		if (((unsigned char) text.data[i] & 0xC0) != 0x80 && count-- == 0)
			return i;
	return text.len;
}

/* True for a text of nothing but ASCII without control characters. */
bool
import_is_plain(SbSlice text)
{
	size_t		i = 0;

	for (; i + sizeof(uint64_t) <= text.len; i += sizeof(uint64_t))
	{
		uint64_t	word;
		uint64_t	delete;

		/*
		 * A byte that is too small borrows its highest bit; 0x7f becomes 0,
		 * which does so too.
		 */
		memcpy(&word, text.data + i, sizeof(word));
		delete = word ^ EVERY(0x7f);
		if ((word | ((word - EVERY(0x20)) & ~word) | ((delete - EVERY(1)) & ~delete)) & EVERY(0x80))
			return false;
	}
	for (; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] > 0x7e)
			return false;
	return true;
}

/* True for white space. */
bool
import_is_space(uint32_t c)
{
	if (c < 0x80)
		return c == ' ' || ('\t' <= c && c <= '\r');
	if (c < 0x1680)
		return false;
	return c == 0x1680 || (0x2000 <= c && c <= 0x200A && c != 0x2007) ||
		c == 0x2028 || c == 0x2029 || c == 0x205F || c == 0x3000;
}

/* True for an upper case letter. */
bool
import_is_upper(uint32_t c)
{
	int			low = 0;
	int			high = UPPER_RANGES;

	if (c < 0x80)
		return 'A' <= c && c <= 'Z';

	/* The last range that does not begin after the character. */
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (upper_ranges[middle].first <= c)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || upper_ranges[low - 1].last < c)
		return false;
	return (c - upper_ranges[low - 1].first) % upper_ranges[low - 1].step == 0;
}

/*
 * True for a character that normal form C leaves alone, whatever stands
 * beside it of the same sort: Latin, Greek and Cyrillic letters, punctuation,
 * Chinese characters and Hangul syllables.  False says nothing.
 */
bool
import_is_composed(uint32_t c)
{
	return c < 0x300 || (0x388 <= c && c <= 0x482) || (0x488 <= c && c <= 0x52F) ||
		(0x1E00 <= c && c <= 0x1EFF) || (0x2002 <= c && c <= 0x20CF) ||
		(0x4E00 <= c && c <= 0x9FFF) || (0xAC00 <= c && c <= 0xD7A3);
}

/*-------------------------------------------------------------------------
 *
 * import_clean.c
 *	  Cells of a file as they are read: what says nothing is taken away.
 *
 * Spaces of every kind at both ends, characters without width within
 * identifiers, words for nothing, and the name that a spreadsheet's menu
 * writes behind a code.
 *
 * IDENTIFICATION
 *	  src/import_clean.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_clean.h"

#include <string.h>

/* The same byte in each place of a word. */
#define EVERY(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Between a code and its name in the menu of a spreadsheet. */
#define MENU " | "

static bool is_blank_byte(unsigned char byte);
static bool is_wide_blank(const unsigned char *at);
static bool is_widthless(const unsigned char *at);
static size_t blank_at_start(SbSlice cell);
static size_t blank_at_end(SbSlice cell);

/* A space of one byte. */
static bool
is_blank_byte(unsigned char byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/*
 * Three bytes that are a space: U+1680, U+2007, U+200B to U+200D, U+202F,
 * U+2060, U+3000, U+FEFF.
 */
static bool
is_wide_blank(const unsigned char *at)
{
	switch (at[0])
	{
		case 0xE1:
			return at[1] == 0x9A && at[2] == 0x80;
		case 0xE2:
			return (at[1] == 0x80 && (at[2] == 0x87 || (at[2] >= 0x8B && at[2] <= 0x8D) || at[2] == 0xAF)) ||
				(at[1] == 0x81 && at[2] == 0xA0);
		case 0xE3:
			return at[1] == 0x80 && at[2] == 0x80;
		case 0xEF:
			return at[1] == 0xBB && at[2] == 0xBF;
		default:
			return false;
	}
}

/* Three bytes that are a character without width: U+200B to U+200D, U+2060, U+FEFF. */
static bool
is_widthless(const unsigned char *at)
{
	return is_wide_blank(at) &&
		((at[0] == 0xE2 && (at[1] == 0x81 || (at[2] >= 0x8B && at[2] <= 0x8D))) || at[0] == 0xEF);
}

/* How many bytes the space is that a cell begins with; 0: none. */
static size_t
blank_at_start(SbSlice cell)
{
	const unsigned char *at = (const unsigned char *) cell.data;

	if (cell.len == 0)
		return 0;
	if (at[0] < 0x80)
		return is_blank_byte(at[0]) ? 1 : 0;
	if (cell.len >= 2 && at[0] == 0xC2 && (at[1] == 0x85 || at[1] == 0xA0))
		return 2;
	return cell.len >= 3 && is_wide_blank(at) ? 3 : 0;
}

/* Likewise, that it ends with. */
static size_t
blank_at_end(SbSlice cell)
{
	const unsigned char *end = (const unsigned char *) cell.data + cell.len;

	if (cell.len == 0)
		return 0;
	if (end[-1] < 0x80)
		return is_blank_byte(end[-1]) ? 1 : 0;
	if (cell.len >= 2 && end[-2] == 0xC2 && (end[-1] == 0x85 || end[-1] == 0xA0))
		return 2;
	return cell.len >= 3 && is_wide_blank(end - 3) ? 3 : 0;
}

/* Take away the spaces at both ends. */
SbSlice
import_clean_trim(SbSlice cell)
{
	size_t		skip;

	while ((skip = blank_at_start(cell)) > 0)
	{
		cell.data += skip;
		cell.len -= skip;
	}
	while ((skip = blank_at_end(cell)) > 0)
		cell.len -= skip;
	return cell;
}

/*
 * Copy a text without its characters that have no width, among them the soft
 * hyphen; returns how long it is.  The result may be the text itself.
 */
size_t
import_clean_widthless(const char *data, size_t len, char *result)
{
	const unsigned char *at = (const unsigned char *) data;
	size_t		kept = 0;

	for (size_t i = 0; i < len;)
	{
		if (len - i >= 2 && at[i] == 0xC2 && at[i + 1] == 0xAD)
			i += 2;
		else if (len - i >= 3 && is_widthless(at + i))
			i += 3;
		else
			result[kept++] = data[i++];
	}
	return kept;
}

/* True for a cell of ASCII alone. */
bool
import_clean_is_ascii(SbSlice cell)
{
	size_t		i = 0;

	for (; i + sizeof(uint64_t) <= cell.len; i += sizeof(uint64_t))
	{
		uint64_t	eight;

		memcpy(&eight, cell.data + i, sizeof(eight));
		if ((eight & EVERY(0x80)) != 0)
			return false;
	}
	for (; i < cell.len; i++)
		if ((unsigned char) cell.data[i] >= 0x80)
			return false;
	return true;
}

/* Say how long the words are, after all of them are there. */
void
import_words_link(ImportWords *words)
{
	words->longest = 0;
	words->lengths = 0;
	for (int i = 0; i < words->nwords; i++)
	{
		size_t		len = words->words[i].len;

		if (len > words->longest)
			words->longest = len;
		words->lengths |= UINT64_C(1) << (len < 63 ? len : 63);
	}
}

/* True for a cell that is one of the words, in capitals or not; letters beyond ASCII must be in capitals. */
bool
import_clean_is_word(const ImportWords *words, SbSlice cell)
{
	for (int i = 0; i < words->nwords; i++)
	{
		const SbSlice *word = &words->words[i];
		size_t		at = 0;

		if (word->len != cell.len)
			continue;
		for (; at < cell.len; at++)
		{
			char		c = cell.data[at];

			if ((c >= 'a' && c <= 'z' ? (char) (c - 'a' + 'A') : c) != word->data[at])
				break;
		}
		if (at == cell.len)
			return true;
	}
	return false;
}

/* The code of a cell that a menu may have written: what stands before " | ". */
SbSlice
import_clean_code(SbSlice cell)
{
	const char *at = cell.data;
	size_t		left = cell.len;

	while (left >= strlen(MENU) && (at = memchr(at, MENU[0], left - strlen(MENU) + 1)) != NULL)
	{
		left = cell.len - (size_t) (at - cell.data);
		if (memcmp(at, MENU, strlen(MENU)) == 0)
		{
			cell.len = (size_t) (at - cell.data);
			break;
		}
		at++;
		left--;
	}
	return cell;
}

/*-------------------------------------------------------------------------
 *
 * import_cell_repair.c
 *	  What a spreadsheet or a wrong encoding did to a cell, undone.
 *
 * Nothing is changed by it but what a person is shown, and an apostrophe
 * before a value that could not be read with it.
 *
 * IDENTIFICATION
 *	  src/import_cell_repair.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_cell_internal.h"

#include <string.h>

/* Characters of windows-1252 from 0x80 to 0x9F; 0: the byte is none. */
static const uint16_t windows_1252[] = {
	0x20AC, 0, 0x201A, 0x192, 0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160, 0x2039, 0x152, 0, 0x17D, 0,
	0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x2DC, 0x2122, 0x161, 0x203A, 0x153, 0, 0x17E, 0x178
};

/* The byte that was read as a character; -1: none. */
int
import_misread_byte(uint32_t c)
{
	if (c < 0x100)
		return (int) c;
	for (int i = 0; i < 32; i++)
		if (windows_1252[i] == c)
			return 0x80 + i;
	return -1;
}

/*
 * The text before its UTF-8 was read as windows-1252 or Latin-1, in the arena.
 * NULL data: it was not.
 */
SbSlice
import_decode_again(const ImportPlan *plan, SbSlice text)
{
	const SbSlice nothing = {NULL, 0};
	const char *at = text.data;
	const char *end = text.data + text.len;
	char	   *bytes = plan->alloc(plan->arg, text.len + 1);
	SbSlice		decoded = {bytes, 0};
	bool		is_plain = true;

	while (at < end)
	{
		int			byte = import_misread_byte(sb_next_character(&at, end));

		if (byte < 0)
			return nothing;
		bytes[decoded.len++] = (char) byte;
		is_plain = is_plain && byte < 0x80;
	}
	bytes[decoded.len] = '\0';
	at = bytes;
	end = bytes + decoded.len;
	while (at < end)
	{
		const char *start = at;
		uint32_t	c = sb_next_character(&at, end);

		if (!import_is_character(c, (size_t) (at - start)))
			return nothing;
	}
	return is_plain ? nothing : decoded;
}

/* A value without the apostrophe by which a spreadsheet marks text; NULL data: it has none. */
SbSlice
import_without_marker(SbSlice value)
{
	if (value.data == NULL || value.len < 2 || value.data[0] != '\'')
		return (SbSlice) {NULL, 0};
	return (SbSlice) {value.data + 1, value.len - 1};
}

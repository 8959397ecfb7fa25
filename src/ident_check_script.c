/*-------------------------------------------------------------------------
 *
 * ident_check_script.c
 *	  Characters of identifiers, and letters that look like others.
 *
 * A word in letters of two scripts is hardly ever meant: somebody's keyboard
 * stood on the other one, and what looks the same is another identifier.
 *
 * IDENTIFICATION
 *	  src/ident_check_script.c
 *
 *-------------------------------------------------------------------------
 */
#include "ident_check_internal.h"

#include <string.h>

/* Scripts whose letters are taken for one another. */
typedef enum IdentScript
{
	IDENT_LATIN,
	IDENT_CYRILLIC,
	IDENT_GREEK,
	IDENT_NO_SCRIPT
} IdentScript;

/* A letter in the scripts that have one of its looks; 0: none. */
static const uint32_t lookalikes[][IDENT_NO_SCRIPT] = {
	{'A', 0x410, 0x391}, {'B', 0x412, 0x392}, {'C', 0x421, 0}, {'E', 0x415, 0x395},
	{'H', 0x41D, 0x397}, {'I', 0x406, 0x399}, {'J', 0x408, 0}, {'K', 0x41A, 0x39A},
	{'M', 0x41C, 0x39C}, {'N', 0, 0x39D}, {'O', 0x41E, 0x39F}, {'P', 0x420, 0x3A1},
	{'S', 0x405, 0}, {'T', 0x422, 0x3A4}, {'X', 0x425, 0x3A7}, {'Y', 0x4AE, 0x3A5},
	{'Z', 0, 0x396}, {'a', 0x430, 0}, {'c', 0x441, 0}, {'e', 0x435, 0},
	{'i', 0x456, 0}, {'j', 0x458, 0}, {'o', 0x43E, 0x3BF}, {'p', 0x440, 0},
	{'s', 0x455, 0}, {'u', 0, 0x3C5}, {'v', 0, 0x3BD}, {'x', 0x445, 0}, {'y', 0x443, 0}
};

#define LOOKALIKES ((int) (sizeof(lookalikes) / sizeof(lookalikes[0])))

static IdentScript script_of(uint32_t character);
static uint32_t lookalike(uint32_t character, IdentScript from, IdentScript to);

/* Write a character that sb_next_character() read; its bytes. */
size_t
ident_put_character(uint32_t character, char *out)
{
	int			more = character < 0x80 || character >= SB_NO_CHARACTER ? 0 : character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;

	if (more == 0)
	{
		out[0] = (char) (character & 0xFF);
		return 1;
	}
	for (int i = more; i > 0; i--)
	{
		out[i] = (char) (0x80 | (character & 0x3F));
		character >>= 6;
	}
	out[0] = (char) ((0xFF00 >> (more + 1) & 0xFF) | character);
	return (size_t) more + 1;
}

/* Characters of a value. */
int
ident_length(SbSlice value)
{
	const char *at = value.data;
	const char *end = value.data + value.len;
	int			length = 0;

	while (at < end)
	{
		(void) sb_next_character(&at, end);
		length++;
	}
	return length;
}

/* The script of a letter. */
static IdentScript
script_of(uint32_t character)
{
	if ((character >= 'A' && character <= 'Z') || (character >= 'a' && character <= 'z') ||
		(character >= 0xC0 && character <= 0x24F && character != 0xD7 && character != 0xF7) ||
		(character >= 0x1E00 && character <= 0x1EFF))
		return IDENT_LATIN;
	if (character >= 0x400 && character <= 0x52F && (character < 0x482 || character > 0x489))
		return IDENT_CYRILLIC;
	if ((character >= 0x370 && character <= 0x3FF && character != 0x37E && character != 0x387) ||
		(character >= 0x1F00 && character <= 0x1FFF))
		return IDENT_GREEK;
	return IDENT_NO_SCRIPT;
}

/* The letter of another script that looks like this one; 0: none. */
static uint32_t
lookalike(uint32_t character, IdentScript from, IdentScript to)
{
	for (int i = 0; i < LOOKALIKES; i++)
		if (lookalikes[i][from] == character)
			return lookalikes[i][to];
	return 0;
}

/* The Latin letter that a Cyrillic or Greek one looks like, or else the character itself. */
uint32_t
ident_latin_lookalike(uint32_t character)
{
	IdentScript script = script_of(character);
	uint32_t	latin = script == IDENT_CYRILLIC || script == IDENT_GREEK ? lookalike(character, script, IDENT_LATIN) : 0;

	return latin != 0 ? latin : character;
}

/* The value with the Latin letters that others look like, none of which is longer than they are. */
SbSlice
ident_latin(SbSlice value, char *out)
{
	SbSlice		latin = {out, 0};
	const char *end = value.data + value.len;

	for (const char *at = value.data; at < end;)
		latin.len += ident_put_character(ident_latin_lookalike(sb_next_character(&at, end)), out + latin.len);
	return latin;
}

/*
 * Whether a text has letters of two scripts, and where those of the rarer
 * script are, from 1, as far as there is room.  The suggestion writes them in
 * the other script; its len is 0 when one of them has no such look, or when
 * there is no room.  A character and what it looks like need up to two bytes.
 */
bool
ident_mixed_script(SbSlice value, int *positions, int room, int *npositions, char *suggestion, size_t size, size_t *len)
{
	const char *end = value.data + value.len;
	int			count[IDENT_NO_SCRIPT + 1] = {0};
	IdentScript most = IDENT_LATIN;
	bool		all = true;
	int			place = 0;

	*npositions = 0;
	*len = 0;
	for (const char *at = value.data; at < end;)
		count[script_of(sb_next_character(&at, end))]++;
	if ((count[IDENT_LATIN] > 0) + (count[IDENT_CYRILLIC] > 0) + (count[IDENT_GREEK] > 0) < 2)
		return false;
	for (IdentScript script = IDENT_CYRILLIC; script < IDENT_NO_SCRIPT; script++)
		if (count[script] > count[most])
			most = script;
	for (const char *at = value.data; at < end;)
	{
		uint32_t	character = sb_next_character(&at, end);
		IdentScript script = script_of(character);

		place++;
		if (script != IDENT_NO_SCRIPT && script != most)
		{
			if (*npositions < room)
				positions[(*npositions)++] = place;
			character = lookalike(character, script, most);
		}
		all = all && character != 0 && *len + 4 <= size;
		if (all)
			*len += ident_put_character(character, suggestion + *len);
	}
	if (!all)
		*len = 0;
	return true;
}

/*-------------------------------------------------------------------------
 *
 * import_rule_text.c
 *	  Texts of declared rules: characters of UTF-8, patterns, lower case.
 *
 * A byte that is no part of UTF-8 is a character by itself.
 *
 * IDENTIFICATION
 *	  src/import_rule_text.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_rule_internal.h"

#include <string.h>

/* Capital letters whose small ones are at a fixed distance; step 2: they take turns. */
static const struct
{
	uint32_t	first;
	uint32_t	last;
	int			step;
	int			distance;
}			capitals[] = {
	{0x41, 0x5A, 1, 32}, {0xC0, 0xD6, 1, 32}, {0xD8, 0xDE, 1, 32}, {0x100, 0x12E, 2, 1}, {0x132, 0x136, 2, 1},
	{0x139, 0x147, 2, 1}, {0x14A, 0x176, 2, 1}, {0x178, 0x178, 1, -121}, {0x179, 0x17D, 2, 1}, {0x1CD, 0x1DB, 2, 1},
	{0x1DE, 0x1EE, 2, 1}, {0x1F8, 0x21E, 2, 1}, {0x222, 0x232, 2, 1}, {0x386, 0x386, 1, 38}, {0x388, 0x38A, 1, 37},
	{0x38C, 0x38C, 1, 64}, {0x38E, 0x38F, 1, 63}, {0x391, 0x3A1, 1, 32}, {0x3A3, 0x3AB, 1, 32}, {0x400, 0x40F, 1, 80},
	{0x410, 0x42F, 1, 32}, {0x460, 0x480, 2, 1}, {0x48A, 0x4BE, 2, 1}, {0x4C1, 0x4CD, 2, 1}, {0x4D0, 0x52E, 2, 1},
	{0x531, 0x556, 1, 48}, {0x1E00, 0x1E94, 2, 1}, {0x1EA0, 0x1EFE, 2, 1}
};

/* How many bytes the character has that begins here. */
static size_t
character_size(const char *at, const char *end)
{
	unsigned char c = (unsigned char) *at;
	size_t		size = c < 0xC2 || c > 0xF4 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;

	if (size > (size_t) (end - at))
		return 1;
	for (size_t i = 1; i < size; i++)
		if (((unsigned char) at[i] & 0xC0) != 0x80)
			return 1;
	return size;
}

/* How many characters a text has. */
size_t
rule_text_length(SbSlice text)
{
	const char *end = text.data + text.len;
	size_t		count = 0;

	for (const char *at = text.data; at < end; at += character_size(at, end))
		count++;
	return count;
}

/* The order of two texts, byte by byte, which is that of their characters' numbers. */
int
rule_text_compare(SbSlice a, SbSlice b)
{
	size_t		len = a.len < b.len ? a.len : b.len;
	int			order = len == 0 ? 0 : memcmp(a.data, b.data, len);

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

/* The characters from one, counted from 0, until another. */
SbSlice
rule_text_part(SbSlice text, int64_t from, int64_t until)
{
	const char *end = text.data + text.len;
	const char *at = text.data;
	SbSlice		part;
	int64_t		place = 0;

	for (; place < from && at < end; place++)
		at += character_size(at, end);
	part.data = at;
	for (; place < until && at < end; place++)
		at += character_size(at, end);
	part.len = (size_t) (at - part.data);
	return part;
}

/* The small letter of a capital one, or the character itself. */
static uint32_t
lower_of(uint32_t c)
{
	for (size_t i = 0; i < sizeof(capitals) / sizeof(capitals[0]); i++)
	{
		if (c < capitals[i].first)
			break;
		if (c <= capitals[i].last)
			return (c - capitals[i].first) % (uint32_t) capitals[i].step == 0 ? c + (uint32_t) capitals[i].distance : c;
	}
	return c;
}

/* Letters of Latin, Greek, Cyrillic and Armenian script in lower case, wherever one runs. */
SbSlice
rule_text_lower(SbSlice text, const RuleArena *arena)
{
	const char *end = text.data + text.len;
	char	   *copy = arena->alloc(arena->arg, text.len + 1);
	SbSlice		result = {copy, text.len};

	for (const char *at = text.data; at < end;)
	{
		size_t		size = character_size(at, end);
		const unsigned char *bytes = (const unsigned char *) at;
		uint32_t	c;

		memcpy(copy, at, size);
		if (size == 1 && bytes[0] < 0x80)
			*copy = (char) lower_of(bytes[0]);
		else if (size == 2)
		{
			c = lower_of((uint32_t) (bytes[0] & 0x1F) << 6 | (bytes[1] & 0x3F));
			copy[0] = (char) (0xC0 | c >> 6);
			copy[1] = (char) (0x80 | (c & 0x3F));
		}
		else if (size == 3)
		{
			c = lower_of((uint32_t) (bytes[0] & 0x0F) << 12 | (uint32_t) (bytes[1] & 0x3F) << 6 | (bytes[2] & 0x3F));
			copy[0] = (char) (0xE0 | c >> 12);
			copy[1] = (char) (0x80 | (c >> 6 & 0x3F));
			copy[2] = (char) (0x80 | (c & 0x3F));
		}
		copy += size;
		at += size;
	}
	*copy = '\0';
	return result;
}

/*
 * Is the text of this pattern?  % is any text, _ any character, \ takes the
 * next one as it is.  Only the last % is ever tried again, as an earlier one
 * cannot do better: the time is that of text times pattern.
 */
bool
rule_text_like(SbSlice text, SbSlice pattern)
{
	const char *t = text.data;
	const char *p = pattern.data;
	const char *text_end = text.data + text.len;
	const char *pattern_end = pattern.data + pattern.len;
	const char *retry_text = NULL;
	const char *retry_pattern = NULL;

	while (t < text_end)
	{
		if (p < pattern_end && *p == '%')
		{
			retry_pattern = ++p;
			retry_text = t;
			continue;
		}
		if (p < pattern_end)
		{
			bool		is_any = *p == '_';
			const char *literal = *p == '\\' && p + 1 < pattern_end ? p + 1 : p;
			size_t		size = character_size(t, text_end);
			size_t		literal_size = character_size(literal, pattern_end);

			if (is_any || (size == literal_size && memcmp(t, literal, size) == 0))
			{
				p = literal + literal_size;
				t += size;
				continue;
			}
		}
		if (retry_pattern == NULL)
			return false;
		p = retry_pattern;
		retry_text += character_size(retry_text, text_end);
		t = retry_text;
	}
	while (p < pattern_end && *p == '%')
		p++;
	return p == pattern_end;
}

/* True for a text of digits only, and at least one. */
bool
rule_text_is_digits(SbSlice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	return text.len > 0;
}

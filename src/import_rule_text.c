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

#include "utf8.h"

/* How many bytes the character has that begins here. */
static size_t
character_size(const char *at, const char *end)
{
	const char *next = at;

	(void) sb_next_character(&next, end);
	return (size_t) (next - at);
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

/* A text in small letters, wherever one runs. */
SbSlice
rule_text_lower(SbSlice text, const RuleArena *arena)
{
	const char *at = text.data;
	const char *end = text.data + text.len;
	char	   *copy = arena->alloc(arena->arg, SB_SMALL_SIZE(text.len) + 1);
	char	   *out = copy;

	while (at < end)
	{
		const char *begin = at;
		uint32_t	c = sb_next_character(&at, end);
		uint32_t	small = sb_small_letter(c);

		if (small != c)
			out = sb_write_character(out, small);
		else
		{
			memcpy(out, begin, (size_t) (at - begin));
			out += at - begin;
		}
	}
	*out = '\0';
	return (SbSlice) {copy, (size_t) (out - copy)};
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

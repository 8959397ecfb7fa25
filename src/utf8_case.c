/*-------------------------------------------------------------------------
 *
 * utf8_case.c
 *	  Capital and small letters.
 *
 * Pure.  One character for one character, in every locale, as Unicode has it
 * where it asks for no context: utf8_case_table.pl makes the table.
 *
 * IDENTIFICATION
 *	  src/utf8_case.c
 *
 *-------------------------------------------------------------------------
 */
#include "utf8.h"

#include <stddef.h>

/* Characters with the same distance to their letter; step 2: every second one. */
typedef struct CaseRange
{
	uint32_t	first;
	uint32_t	last;
	int			step;
	int			distance;
} CaseRange;

#include "utf8_case_table.h"

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

/* The letter of a character in ranges that are in order; the character itself when none has it. */
static uint32_t
mapped(const CaseRange *ranges, size_t count, uint32_t c)
{
	size_t		low = 0;
	size_t		high = count;

	while (low < high)
	{
		size_t		middle = low + (high - low) / 2;
		const CaseRange *range = &ranges[middle];

		if (c < range->first)
			high = middle;
		else if (c > range->last)
			low = middle + 1;
		else
			return (c - range->first) % (uint32_t) range->step == 0 ? (uint32_t) ((int32_t) c + range->distance) : c;
	}
	return c;
}

/* The small letter of a capital one, or the character itself. */
uint32_t
sb_small_letter(uint32_t c)
{
	if (c < 0x80)
		return 'A' <= c && c <= 'Z' ? c + ('a' - 'A') : c;
	return mapped(capitals, array_length(capitals), c);
}

/*
 * What a letter is compared as when case does not matter: its small letter,
 * and of several small ones, as of sigma, the usual one.
 */
uint32_t
sb_fold_letter(uint32_t c)
{
	uint32_t	small = sb_small_letter(c);

	return small < 0x80 ? small : mapped(variants, array_length(variants), small);
}

/*-------------------------------------------------------------------------
 *
 * utf8.h
 *	  Characters of UTF-8 that may be damaged.
 *
 * Pure.  For text that nobody has checked: a byte that is no part of a
 * character counts as one of its own, beyond all others.
 *
 * IDENTIFICATION
 *	  src/utf8.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_UTF8_H
#define STATBUS_UTF8_H

#include <stdint.h>

/* Beyond all characters: this and a byte that is no part of one. */
#define SB_NO_CHARACTER UINT32_C(0x110000)

/* Read the next character.  There must be one. */
static inline uint32_t
sb_next_character(const char **at, const char *end)
{
	unsigned char lead = (unsigned char) *(*at)++;
	int			more = lead < 0xC2 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : lead < 0xF5 ? 3 : 0;
	uint32_t	character;

	if (lead < 0x80)
		return lead;
	if (more == 0 || end - *at < more)
		return SB_NO_CHARACTER + lead;
	character = lead & (0x3F >> more);
	for (int i = 0; i < more; i++)
	{
		unsigned char next = (unsigned char) (*at)[i];

		if ((next & 0xC0) != 0x80)
			return SB_NO_CHARACTER + lead;
		character = character << 6 | (next & 0x3F);
	}
	*at += more;
	return character;
}

#endif							/* STATBUS_UTF8_H */

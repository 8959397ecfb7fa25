/*-------------------------------------------------------------------------
 *
 * utf8.h
 *	  Characters of UTF-8 that may be damaged, and their small letters.
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

#include <stddef.h>
#include <stdint.h>

/* Beyond all characters: this and a byte that is no part of one. */
#define SB_NO_CHARACTER UINT32_C(0x110000)

/* As many bytes as the small letters of a text may take: those of two capital letters take three for two. */
#define SB_SMALL_SIZE(len) ((len) + (len) / 2)

/* utf8_case.c */
extern uint32_t sb_small_letter(uint32_t c);
extern uint32_t sb_fold_letter(uint32_t c);

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

/* Write a character, in four bytes at most; returns where it ends. */
static inline char *
sb_write_character(char *out, uint32_t c)
{
	if (c < 0x80)
		*out++ = (char) c;
	else if (c < 0x800)
	{
		*out++ = (char) (0xC0 | c >> 6);
		*out++ = (char) (0x80 | (c & 0x3F));
	}
	else if (c < 0x10000)
	{
		*out++ = (char) (0xE0 | c >> 12);
		*out++ = (char) (0x80 | (c >> 6 & 0x3F));
		*out++ = (char) (0x80 | (c & 0x3F));
	}
	else
	{
		*out++ = (char) (0xF0 | c >> 18);
		*out++ = (char) (0x80 | (c >> 12 & 0x3F));
		*out++ = (char) (0x80 | (c >> 6 & 0x3F));
		*out++ = (char) (0x80 | (c & 0x3F));
	}
	return out;
}

#endif							/* STATBUS_UTF8_H */

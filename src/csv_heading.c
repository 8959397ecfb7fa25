/*-------------------------------------------------------------------------
 *
 * csv_heading.c
 *	  When two headings of a file are the same, and how far apart they are.
 *
 * Two headings are the same when their keys are: without regard to case, to
 * spaces at the ends, and to what separates words.  The case of letters is
 * folded here rather than by the server, whose answer depends on its locale.
 *
 * IDENTIFICATION
 *	  src/csv_heading.c
 *
 *-------------------------------------------------------------------------
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "csv_heading.h"

/*
 * The character at the start of a text and its length in bytes; a byte that
 * starts none counts as a character of its own.
 */
static size_t
next_char(const unsigned char *text, size_t len, uint32_t *c)
{
	size_t		need = text[0] < 0x80 ? 1 : text[0] < 0xC2 ? 0 : text[0] < 0xE0 ? 2 : text[0] < 0xF0 ? 3 : text[0] < 0xF5 ? 4 : 0;

	*c = text[0];
	if (need < 2 || need > len)
		return 1;
	*c &= 0x7F >> need;
	for (size_t i = 1; i < need; i++)
	{
		if ((text[i] & 0xC0) != 0x80)
		{
			*c = text[0];
			return 1;
		}
		*c = (*c << 6) | (text[i] & 0x3F);
	}
	return need;
}

/* What separates words in a heading: spaces of all kinds, dashes, dots, underscores and control characters. */
static bool
is_separator(uint32_t c)
{
	return c <= ' ' || c == '_' || c == '-' || c == '.' || c == '/' || c == 0x7F || (c >= 0x80 && c <= 0xA0) ||
		c == 0xAD || c == 0x1680 || (c >= 0x2000 && c <= 0x2015) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
		c == 0x205F || c == 0x2060 || c == 0x3000 || c == 0xFEFF;
}

/* The small letter of a capital of Latin, Greek or Cyrillic script, of the same length in UTF-8. */
static uint32_t
small_letter(uint32_t c)
{
	if ((c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7) ||
		(c >= 0x391 && c <= 0x3A9 && c != 0x3A2) || (c >= 0x410 && c <= 0x42F))
		return c + 0x20;
	if (c >= 0x400 && c <= 0x40F)
		return c + 0x50;
	/* Latin Extended-A comes in pairs, with two breaks in the order. */
	if ((c >= 0x100 && c <= 0x137 && c != 0x130 && c != 0x131) || (c >= 0x14A && c <= 0x177) || (c >= 0x1E00 && c <= 0x1E95))
		return c | 1;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E))
		return c + (c & 1);
	return c;
}

/* Writes a character of at most three bytes that is not ASCII. */
static size_t
put_char(uint32_t c, char *out)
{
	if (c < 0x800)
	{
		out[0] = (char) (0xC0 | (c >> 6));
		out[1] = (char) (0x80 | (c & 0x3F));
		return 2;
	}
	out[0] = (char) (0xE0 | (c >> 12));
	out[1] = (char) (0x80 | ((c >> 6) & 0x3F));
	out[2] = (char) (0x80 | (c & 0x3F));
	return 3;
}

/*
 * The key of a heading, and its length, which is never more than that of the
 * heading: small letters, one underscore where words are separated.
 */
size_t
csv_heading_key(const char *heading, size_t len, char *key)
{
	const unsigned char *text = (const unsigned char *) heading;
	size_t		n = 0;
	bool		separated = false;

	for (size_t i = 0; i < len;)
	{
		uint32_t	c;
		uint32_t	small;
		size_t		size = next_char(text + i, len - i, &c);

		if (size == 1 ? c < 0x80 && is_separator(c) : is_separator(c))
			separated = n > 0;
		else
		{
			if (separated)
				key[n++] = '_';
			separated = false;
			small = size == 1 && c >= 0x80 ? c : small_letter(c);
			if (size == 1)
				key[n++] = (char) small;
			else if (small == c)
			{
				memcpy(key + n, heading + i, size);
				n += size;
			}
			else
				n += put_char(small, key + n);
		}
		i += size;
	}
	return n;
}

/*
 * How many bytes have to be changed, added, taken away or swapped with the
 * next one to make one text of the other; most + 1 when it is more than most.
 */
int
csv_heading_distance(const char *x, size_t xlen, const char *y, size_t ylen, int most)
{
	int			rows[3][CSV_DISTANCE_BYTES + 1];
	size_t		apart = xlen > ylen ? xlen - ylen : ylen - xlen;

	if (most > CSV_DISTANCE_BYTES)
		most = CSV_DISTANCE_BYTES;	/* nothing is further apart */
	if (xlen > CSV_DISTANCE_BYTES || ylen > CSV_DISTANCE_BYTES || apart > (size_t) most)
		return most + 1;
	for (size_t j = 0; j <= ylen; j++)
		rows[0][j] = (int) j;
	for (size_t i = 1; i <= xlen; i++)
	{
		int		   *now = rows[i % 3];
		const int  *before = rows[(i - 1) % 3];
		const int  *earlier = rows[(i + 1) % 3];

		now[0] = (int) i;
		for (size_t j = 1; j <= ylen; j++)
		{
			int			best = before[j - 1] + (x[i - 1] != y[j - 1]);

			if (before[j] + 1 < best)
				best = before[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1] && earlier[j - 2] + 1 < best)
				best = earlier[j - 2] + 1;
			now[j] = best;
		}
	}
	return rows[xlen % 3][ylen] <= most ? rows[xlen % 3][ylen] : most + 1;
}

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
#include "utf8.h"

/* What separates words in a heading: spaces of all kinds, dashes, dots, underscores and control characters. */
static bool
is_separator(uint32_t c)
{
	return c <= ' ' || c == '_' || c == '-' || c == '.' || c == '/' || c == 0x7F || (c >= 0x80 && c <= 0xA0) ||
		c == 0xAD || c == 0x1680 || (c >= 0x2000 && c <= 0x2015) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
		c == 0x205F || c == 0x2060 || c == 0x3000 || c == 0xFEFF;
}

/*
 * The key of a heading: small letters, one underscore where words are
 * separated.  Returns its length, which is at most SB_SMALL_SIZE(len).
 */
size_t
csv_heading_key(const char *heading, size_t len, char *key)
{
	const char *at = heading;
	const char *end = heading + len;
	char	   *out = key;
	bool		separated = false;

	while (at < end)
	{
		const char *begin = at;
		uint32_t	c = sb_next_character(&at, end);
		uint32_t	small = sb_fold_letter(c);

		if (is_separator(c))
		{
			separated = out > key;
			continue;
		}
		if (separated)
			*out++ = '_';
		separated = false;
		if (small != c)
			out = sb_write_character(out, small);
		else
		{
			memcpy(out, begin, (size_t) (at - begin));
			out += at - begin;
		}
	}
	return (size_t) (out - key);
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

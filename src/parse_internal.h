/*-------------------------------------------------------------------------
 *
 * parse_internal.h
 *	  What the files of the parsers share with each other only.
 *
 * IDENTIFICATION
 *	  src/parse_internal.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_PARSE_INTERNAL_H
#define STATBUS_PARSE_INTERNAL_H

#include <string.h>

#include "parse.h"

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

/* The bytes still to be read. */
typedef struct SbCursor
{
	const char *at;
	const char *end;
} SbCursor;

/* The runs of digits at the start of a value, and the marks between them. */
typedef struct SbDateScan
{
	int			runs;			/* at most 3 */
	int			width[3];
	int			value[3];
	char		mark[2];
	const char *tail;			/* the first byte not read */
	const char *end;
} SbDateScan;

/* True for 0 to 9, in every locale. */
static inline bool
is_digit(char c)
{
	return '0' <= c && c <= '9';
}

/* The lower case of A to Z; everything else as it is. */
static inline char
ascii_lower(char c)
{
	return ('A' <= c && c <= 'Z') ? (char) (c + ('a' - 'A')) : c;
}

/* True when the bytes from "at" to "end" start with "text", which is not empty. */
static inline bool
sb_starts_with(const char *at, const char *end, const char *text)
{
	size_t		len;

	if (at == end || *at != *text)
		return false;
	len = strlen(text);
	return (size_t) (end - at) >= len && memcmp(at, text, len) == 0;
}

/* Read one given character when it is next. */
static inline bool
take_char(SbCursor *cursor, char c)
{
	if (cursor->at == cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

/* Read one run of digits, nine at most; returns how many. */
static inline int
take_run(SbCursor *cursor, int *value)
{
	int			width = 0;

	*value = 0;
	while (cursor->at < cursor->end && is_digit(*cursor->at) && width < 9)
	{
		*value = *value * 10 + (*cursor->at - '0');
		width++;
		cursor->at++;
	}
	return width;
}

extern SbDateScan sb_scan_date(SbSlice slice);
extern bool sb_match_any_marks(SbSlice slice, SbMark *decimal,
							   SbMark *thousands, SbNumber *number);

#endif							/* STATBUS_PARSE_INTERNAL_H */

/*-------------------------------------------------------------------------
 *
 * import_clean.h
 *	  Cells of a file as they are read: what says nothing is taken away.
 *
 * Pure: results point into the cell.
 *
 * IDENTIFICATION
 *	  src/import_clean.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_CLEAN_H
#define STATBUS_IMPORT_CLEAN_H

#include "parse.h"

/* Words that stand for nothing, in capitals. */
typedef struct ImportWords
{
	SbSlice    *words;
	int			nwords;
	size_t		longest;		/* bytes */
	uint64_t	lengths;		/* bit n: there is one of n bytes; bit 63: of
								 * 63 or more */
} ImportWords;

extern void import_words_link(ImportWords *words);

/* False: not even in capitals can the cell be one of the words. */
static inline bool
import_words_may_hold(const ImportWords *words, size_t len)
{
	return (words->lengths >> (len < 63 ? len : 63) & 1) != 0;
}

extern SbSlice import_clean_trim(SbSlice cell);
extern size_t import_clean_widthless(const char *data, size_t len, char *result);
extern bool import_clean_is_ascii(SbSlice cell);
extern bool import_clean_is_word(const ImportWords *words, SbSlice cell);
extern SbSlice import_clean_code(SbSlice cell);

#endif							/* STATBUS_IMPORT_CLEAN_H */

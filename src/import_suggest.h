/*-------------------------------------------------------------------------
 *
 * import_suggest.h
 *	  What may have been meant by a code that is not in its list.
 *
 * Pure: no server calls.  Memory comes from the caller and is never freed.
 *
 * IDENTIFICATION
 *	  src/import_suggest.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_SUGGEST_H
#define STATBUS_IMPORT_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parse.h"

/* Longer values and names are not compared: characters that count. */
#define SUGGEST_LENGTH 64

/* A code, or a name of one, as it is compared. */
typedef struct SuggestEntry
{
	SbSlice		code;
	bool		is_name;		/* key is of a name of the code */
	int			len;
	const uint32_t *key;		/* letters and digits, small */
} SuggestEntry;

/* The codes of a list. */
typedef struct SuggestList
{
	void	   *(*alloc) (void *arg, size_t size);
	void	   *arg;
	SuggestEntry *entries;
	int			count;
	int			room;
} SuggestList;

extern void suggest_begin(SuggestList *list, void *(*alloc) (void *arg, size_t size), void *arg);
extern void suggest_add(SuggestList *list, SbSlice code, SbSlice text, bool is_name);
extern bool suggest_find(const SuggestList *list, SbSlice value, SbSlice *suggestion);

#endif							/* STATBUS_IMPORT_SUGGEST_H */

/*-------------------------------------------------------------------------
 *
 * import_hash.h
 *	  128 bits that tell texts, and rows of texts, from each other.
 *
 * Equal texts in equal order give equal sums; different ones differ but for
 * chance, which whoever writes a file cannot steer: the seed is new each time.
 *
 * IDENTIFICATION
 *	  src/import_hash.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_HASH_H
#define STATBUS_IMPORT_HASH_H

#include <stdint.h>

#include "parse.h"

/* A sum, or one on the way. */
typedef struct ImportHash
{
	uint64_t	high;
	uint64_t	low;
} ImportHash;

extern void import_hash_begin(ImportHash *hash, uint64_t seed);

/* One more text; without data it is nothing, which is no empty text. */
extern void import_hash_add(ImportHash *hash, SbSlice text);
extern ImportHash import_hash_end(const ImportHash *hash);

#endif							/* STATBUS_IMPORT_HASH_H */

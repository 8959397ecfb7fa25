/*-------------------------------------------------------------------------
 *
 * fuzz_memory.h
 *	  Memory of fuzz targets: each piece by itself, so that the sanitizer sees
 *	  its ends.
 *
 * IDENTIFICATION
 *	  test/fuzz/fuzz_memory.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_FUZZ_MEMORY_H
#define STATBUS_FUZZ_MEMORY_H

#include <string.h>

#include "fuzz.h"
#include "parse.h"

#define MAX_CHUNKS 65536

static void *chunks[MAX_CHUNKS];
static int	nchunks = 0;

/* Memory until the end of an input. */
static inline void *
take(void *arg, size_t size)
{
	(void) arg;
	CHECK(nchunks < MAX_CHUNKS);
	chunks[nchunks] = malloc(size > 0 ? size : 1);
	CHECK(chunks[nchunks] != NULL);
	return chunks[nchunks++];
}

/* Gives back what was taken. */
static inline void
give_back(void)
{
	while (nchunks > 0)
		free(chunks[--nchunks]);
}

/* A part of the input, until its end. */
static inline SbSlice
copy_of(const uint8_t *data, size_t size)
{
	char	   *copy = take(NULL, size);

	if (size > 0)
		memcpy(copy, data, size);
	return (SbSlice) {copy, size};
}

#endif							/* STATBUS_FUZZ_MEMORY_H */

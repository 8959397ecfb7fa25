/*-------------------------------------------------------------------------
 *
 * jose_memory.h
 *	  Memory for the verifier of tokens that is counted.
 *
 * IDENTIFICATION
 *	  test/unit/jose_memory.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_JOSE_MEMORY_H
#define STATBUS_JOSE_MEMORY_H

#include <stdlib.h>

#include "jose.h"

static long live = 0;			/* blocks of memory not given back */

/* See JoseMemory. */
static void *
count_alloc(void *arg, size_t size)
{
	void	   *block = malloc(size);

	(void) arg;
	if (block == NULL)
		abort();
	live++;
	return block;
}

/* See JoseMemory. */
static void
count_release(void *arg, void *block)
{
	(void) arg;
	live--;
	free(block);
}

static const JoseMemory memory = {count_alloc, count_release, NULL};

#endif							/* STATBUS_JOSE_MEMORY_H */

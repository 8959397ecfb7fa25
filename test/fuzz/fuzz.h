/*-------------------------------------------------------------------------
 *
 * fuzz.h
 *	  What every fuzz target has.
 *
 * IDENTIFICATION
 *	  test/fuzz/fuzz.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_FUZZ_H
#define STATBUS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Stop when a promise is broken. */
#define CHECK(condition) \
	do { \
		if (!(condition)) \
		{ \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/* libFuzzer calls it with each input. */
extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif							/* STATBUS_FUZZ_H */

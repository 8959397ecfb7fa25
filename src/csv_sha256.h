/*-------------------------------------------------------------------------
 *
 * csv_sha256.h
 *	  SHA-256 of a file that comes in pieces, over several sessions.
 *
 * The server's own cannot be put aside and taken up by another session; this
 * state is plain bytes.  It is for recognising files, not for secrets.
 *
 * IDENTIFICATION
 *	  src/csv_sha256.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_CSV_SHA256_H
#define STATBUS_CSV_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define CSV_SHA256_LEN 32

typedef struct CsvSha256
{
	uint32_t	hash[8];
	uint64_t	bytes;			/* taken in */
	unsigned char block[64];	/* the last ones, which fill no block yet */
} CsvSha256;

extern void csv_sha256_begin(CsvSha256 *state);
extern void csv_sha256_add(CsvSha256 *state, const char *data, size_t len);
extern void csv_sha256_end(CsvSha256 *state, unsigned char *result);

#endif							/* STATBUS_CSV_SHA256_H */

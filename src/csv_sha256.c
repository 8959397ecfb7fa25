/*-------------------------------------------------------------------------
 *
 * csv_sha256.c
 *	  SHA-256 (FIPS 180-4) with a state that can be put aside.
 *
 * IDENTIFICATION
 *	  src/csv_sha256.c
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "csv_sha256.h"

static const uint32_t round_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
};

#define ROTATE(x, n) (((x) >> (n)) | ((x) << (32 - (n))))

/* One round: of eight variables two are given new values, and the names of all move on by one. */
#define ROUND(a, b, c, d, e, f, g, h, i) \
	do { \
		uint32_t	t1 = (h) + (ROTATE(e, 6) ^ ROTATE(e, 11) ^ ROTATE(e, 25)) + (((e) & (f)) ^ (~(e) & (g))) + \
			round_constants[i] + w[i]; \
		(d) += t1; \
		(h) = t1 + (ROTATE(a, 2) ^ ROTATE(a, 13) ^ ROTATE(a, 22)) + (((a) & (b)) ^ ((a) & (c)) ^ ((b) & (c))); \
	} while (0)

/* Takes in one block of 64 bytes. */
static void
add_block(CsvSha256 *state, const unsigned char *block)
{
	uint32_t	w[64];
	uint32_t	v[8];

	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t) block[4 * i] << 24 | (uint32_t) block[4 * i + 1] << 16 | (uint32_t) block[4 * i + 2] << 8 | block[4 * i + 3];
	for (int i = 16; i < 64; i++)
	{
		uint32_t	x = w[i - 15];
		uint32_t	y = w[i - 2];

		w[i] = w[i - 16] + (ROTATE(x, 7) ^ ROTATE(x, 18) ^ (x >> 3)) + w[i - 7] + (ROTATE(y, 17) ^ ROTATE(y, 19) ^ (y >> 10));
	}
	memcpy(v, state->hash, sizeof(v));
	/* Eight rounds bring each variable back to its place. */
	for (int i = 0; i < 64; i += 8)
	{
		ROUND(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], i);
		ROUND(v[7], v[0], v[1], v[2], v[3], v[4], v[5], v[6], i + 1);
		ROUND(v[6], v[7], v[0], v[1], v[2], v[3], v[4], v[5], i + 2);
		ROUND(v[5], v[6], v[7], v[0], v[1], v[2], v[3], v[4], i + 3);
		ROUND(v[4], v[5], v[6], v[7], v[0], v[1], v[2], v[3], i + 4);
		ROUND(v[3], v[4], v[5], v[6], v[7], v[0], v[1], v[2], i + 5);
		ROUND(v[2], v[3], v[4], v[5], v[6], v[7], v[0], v[1], i + 6);
		ROUND(v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[0], i + 7);
	}
	for (int i = 0; i < 8; i++)
		state->hash[i] += v[i];
}

/* The state before the first byte. */
void
csv_sha256_begin(CsvSha256 *state)
{
	static const uint32_t start[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
	};

	memset(state, 0, sizeof(*state));
	memcpy(state->hash, start, sizeof(start));
}

/* Takes in the next bytes. */
void
csv_sha256_add(CsvSha256 *state, const char *data, size_t len)
{
	const unsigned char *next = (const unsigned char *) data;
	size_t		held = state->bytes % 64;

	if (len == 0)
		return;
	state->bytes += len;
	if (held > 0)
	{
		size_t		take = len < 64 - held ? len : 64 - held;

		memcpy(state->block + held, next, take);
		next += take;
		len -= take;
		if (held + take < 64)
			return;
		add_block(state, state->block);
	}
	for (; len >= 64; next += 64, len -= 64)
		add_block(state, next);
	memcpy(state->block, next, len);
}

/* The hash of all bytes that were taken in; nothing can be added any more. */
void
csv_sha256_end(CsvSha256 *state, unsigned char *result)
{
	uint64_t	bits = state->bytes * 8;
	size_t		held = state->bytes % 64;

	state->block[held++] = 0x80;
	if (held > 56)
	{
		memset(state->block + held, 0, 64 - held);
		add_block(state, state->block);
		held = 0;
	}
	memset(state->block + held, 0, 56 - held);
	for (int i = 0; i < 8; i++)
		state->block[56 + i] = (unsigned char) (bits >> (56 - 8 * i));
	add_block(state, state->block);
	for (int i = 0; i < 32; i++)
		result[i] = (unsigned char) (state->hash[i / 4] >> (24 - 8 * (i % 4)));
}

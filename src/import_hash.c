/*-------------------------------------------------------------------------
 *
 * import_hash.c
 *	  128 bits that tell texts, and rows of texts, from each other.
 *
 * The steps are those of MurmurHash3 (x64, 128 bits, in the public domain),
 * text by text: each begins with its length and is filled up with zeros.
 *
 * IDENTIFICATION
 *	  src/import_hash.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_hash.h"

#include <string.h>

#define FACTOR_1 UINT64_C(0x87c37b91114253d5)
#define FACTOR_2 UINT64_C(0x4cf5ad432745937f)

static uint64_t rotate(uint64_t value, int bits);
static uint64_t finish(uint64_t value);
static void add_block(ImportHash *hash, uint64_t first, uint64_t second);

/* Turn to the left. */
static uint64_t
rotate(uint64_t value, int bits)
{
	return (value << bits) | (value >> (64 - bits));
}

/* Let each bit have its say in all others. */
static uint64_t
finish(uint64_t value)
{
	value ^= value >> 33;
	value *= UINT64_C(0xff51afd7ed558ccd);
	value ^= value >> 33;
	value *= UINT64_C(0xc4ceb9fe1a85ec53);
	return value ^ (value >> 33);
}

/* Sixteen bytes. */
static void
add_block(ImportHash *hash, uint64_t first, uint64_t second)
{
	hash->high ^= rotate(first * FACTOR_1, 31) * FACTOR_2;
	hash->high = (rotate(hash->high, 27) + hash->low) * 5 + 0x52dce729;
	hash->low ^= rotate(second * FACTOR_2, 33) * FACTOR_1;
	hash->low = (rotate(hash->low, 31) + hash->high) * 5 + 0x38495ab5;
}

/* Begin a sum. */
void
import_hash_begin(ImportHash *hash, uint64_t seed)
{
	hash->high = seed;
	hash->low = finish(seed + FACTOR_1);
}

/* Add a text: its length first, so that no two rows of texts look the same. */
void
import_hash_add(ImportHash *hash, SbSlice text)
{
	uint64_t	head[2] = {0, 0};
	size_t		at;

	if (text.data == NULL)
	{
		add_block(hash, 0, 0);
		return;
	}
	/* short texts are one block: length and, to eight bytes, all of it */
	head[0] = text.len + 1;
	at = text.len < sizeof(uint64_t) ? text.len : sizeof(uint64_t);
	memcpy(&head[1], text.data, at);
	add_block(hash, head[0], head[1]);
	for (; at < text.len; at += sizeof(head))
	{
		size_t		len = text.len - at < sizeof(head) ? text.len - at : sizeof(head);

		head[0] = head[1] = 0;
		memcpy(head, text.data + at, len);
		add_block(hash, head[0], head[1]);
	}
}

/* The sum of what was added so far. */
ImportHash
import_hash_end(const ImportHash *hash)
{
	ImportHash	sum;

	sum.high = finish(hash->high + hash->low);
	sum.low = finish(hash->low + rotate(hash->high, 29));
	sum.high += sum.low;
	return sum;
}

/*
 * Unit tests of the hash of a file (src/csv_sha256.c).  TAP output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv_sha256.h"
#include "tap.h"

/* The hash of some bytes, taken in pieces of any size, and with the state put elsewhere in between. */
static void
hash_is(const char *data, size_t len, const char *expected, const char *name)
{
	static const size_t sizes[] = {1, 3, 55, 56, 63, 64, 65, 128, 1000000};
	int			passed = 1;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		CsvSha256	state;
		unsigned char hash[CSV_SHA256_LEN];
		char		hex[2 * CSV_SHA256_LEN + 1];

		csv_sha256_begin(&state);
		for (size_t at = 0; at < len; at += sizes[i])
		{
			CsvSha256	saved = state;

			memset(&state, 0x55, sizeof(state));
			state = saved;
			csv_sha256_add(&state, data + at, len - at < sizes[i] ? len - at : sizes[i]);
		}
		csv_sha256_end(&state, hash);
		for (int j = 0; j < CSV_SHA256_LEN; j++)
			snprintf(hex + 2 * j, 3, "%02x", hash[j]);
		passed = passed && strcmp(hex, expected) == 0;
	}
	ok(passed, "%s", name);
}

/* The examples of FIPS 180-4 and lengths about the size of a block (by sha256sum). */
static void
test_hashes(void)
{
	char	   *many = malloc(1000000);

	memset(many, 'a', 1000000);
	hash_is("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "hash of nothing");
	hash_is("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "hash of abc");
	hash_is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", "hash of 56 bytes");
	hash_is(many, 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318", "hash of 55 bytes");
	hash_is(many, 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb", "hash of 64 bytes");
	hash_is(many, 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", "hash of a million bytes");
	free(many);
}

int
main(void)
{
	test_hashes();
	return tap_end();
}

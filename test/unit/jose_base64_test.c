/*-------------------------------------------------------------------------
 *
 * jose_base64_test.c
 *	  Unit tests of src/jose_base64.c: base64url as there is only one way to write it.
 *
 * Prints TAP.  Exits with 1 when a test fails.
 *
 * IDENTIFICATION
 *	  test/unit/jose_base64_test.c
 *
 *-------------------------------------------------------------------------
 */
#include "jose.h"

#include <string.h>

#include "tap.h"

static uint64_t seed = 42;

/* A number from 0 to n - 1. */
static int
dice(int n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (int) ((seed >> 33) % (uint64_t) n);
}

/* All lengths there and back, every wrong character at every place, every stray bit. */
static void
test_base64(void)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t		data[70];
	uint8_t		back[70];
	char		text[100];
	bool		sizes = true;
	bool		same = true;
	bool		refused = true;
	bool		stray = true;

	for (size_t len = 0; len <= 66; len++)
	{
		size_t		encoded;

		for (size_t i = 0; i < len; i++)
			data[i] = (uint8_t) dice(256);
		encoded = jose_base64url_encode(data, len, text);
		sizes = sizes && encoded == jose_base64url_encoded_size(len) && len == jose_base64url_decoded_size(encoded);
		same = same && jose_base64url_decode(text, encoded, back) == (int64_t) len && memcmp(data, back, len) == 0;
		for (size_t at = 0; at < encoded; at++)
		{
			char		was = text[at];

			for (int c = 0; c < 256; c++)
			{
				text[at] = (char) c;
				if ((c == 0 || strchr(alphabet, c) == NULL) && jose_base64url_decode(text, encoded, back) != -1)
					refused = false;
			}
			text[at] = was;
		}
		for (int c = 0; c < 64 && len % 3 != 0; c++)
		{
			bool		good = (c & (len % 3 == 1 ? 15 : 3)) == 0;

			text[encoded - 1] = alphabet[c];
			if ((jose_base64url_decode(text, encoded, back) == (int64_t) len) != good)
				stray = false;
		}
	}
	ok(sizes, "sizes");
	ok(same, "there and back");
	ok(refused, "no other character");
	ok(stray, "no stray bits");
	ok(jose_base64url_decode("A", 1, back) == -1 && jose_base64url_decode("AAAAA", 5, back) == -1,
	   "no length of 4n + 1");
	ok(jose_base64url_decode("AA==", 4, back) == -1 && jose_base64url_decode("AAA=", 4, back) == -1,
	   "no padding");
}

int
main(void)
{
	test_base64();
	return tap_end();
}

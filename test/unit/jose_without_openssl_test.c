/*-------------------------------------------------------------------------
 *
 * jose_without_openssl_test.c
 *	  Unit tests of what is left of src/jose*.c in a server built without OpenSSL:
 *	  HMAC, and a plain "unsupported" for everything else.
 *
 * Prints TAP.  Exits with 1 when a test fails.
 *
 * IDENTIFICATION
 *	  test/unit/jose_without_openssl_test.c
 *
 *-------------------------------------------------------------------------
 */
#include "jose.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define BYTES32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define OCT "{\"kty\":\"oct\",\"k\":\"" BYTES32 "\"}"
#define ED "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" BYTES32 "\"}"

static void *
plain_alloc(void *arg, size_t size)
{
	void	   *block = malloc(size);

	(void) arg;
	if (block == NULL)
		abort();
	return block;
}

static void
plain_release(void *arg, void *block)
{
	(void) arg;
	free(block);
}

static const JoseMemory memory = {plain_alloc, plain_release, NULL};

/* What becomes of a token under keys. */
static JoseCode
check(const char *keys, const char *token)
{
	JoseOptions options = {.max_bytes = JOSE_MAX_BYTES};
	JoseKeySet	set;
	JoseToken	parts;
	JoseResult	result;

	if (jose_read_jwks(&set, keys, strlen(keys), &memory) != JOSE_OK)
		return JOSE_KEY;
	for (int i = 0; i < set.nkeys; i++)
		(void) jose_prepare_key(&set.keys[i]);
	jose_check(&result, &parts, NULL, token, strlen(token), &set, &options, &memory);
	jose_free_token(&parts, &memory);
	jose_free_jwks(&set, &memory);
	return result.code;
}

/* A token {} under 32 zero bytes, by HS256. */
static void
sign_hmac(char *token)
{
	JoseBytes	zeros = {(const uint8_t *) "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32};
	JoseKey		key = {.kty = JOSE_KTY_OCT, .k = zeros};
	uint8_t		signature[JOSE_MAX_SIGNATURE];
	size_t		len = 0;

	strcpy(token, "eyJhbGciOiJIUzI1NiJ9.e30");
	ok(jose_sign(&key, JOSE_HS256, (JoseBytes) {(const uint8_t *) token, strlen(token)}, signature, &len) == JOSE_OK && len == 32, "HS256 signs");
	strcat(token, ".");
	(void) jose_base64url_encode(signature, len, token + strlen(token));	/* all zeros before */
}

int
main(void)
{
	char		token[200] = {0};
	char	   *jwk = NULL;
	size_t		len = 0;
	JoseKey		key = {.kty = JOSE_KTY_OKP, .curve = JOSE_ED25519, .x = {(const uint8_t *) BYTES32, 32}};
	uint8_t		signature[JOSE_MAX_SIGNATURE];

	sign_hmac(token);
	ok(check(OCT, token) == JOSE_OK, "HS256 verifies");
	ok(check("{\"keys\":[" ED "," OCT "]}", token) == JOSE_OK, "HS256 verifies beside a key that cannot be used");
	token[30] = token[30] == 'A' ? 'B' : 'A';
	ok(check(OCT, token) == JOSE_SIGNATURE, "HS256 refuses");
	ok(check(ED, "eyJhbGciOiJFZERTQSJ9.e30.AAAA") == JOSE_UNSUPPORTED, "EdDSA is unsupported");
	ok(jose_prepare_key(&key) == JOSE_UNSUPPORTED && key.handle == NULL, "a key of Ed25519 cannot be prepared");
	ok(jose_sign(&key, JOSE_EDDSA, key.x, signature, &len) == JOSE_UNSUPPORTED, "nor sign");
	ok(jose_generate_key(JOSE_HS384, &jwk, &len, &memory) == JOSE_OK, "a new shared secret");
	plain_release(NULL, jwk);
	for (int alg = JOSE_RS256; alg < JOSE_ALG_COUNT; alg++)
		ok(jose_generate_key((JoseAlg) alg, &jwk, &len, &memory) == JOSE_UNSUPPORTED, "no new key of another kind");
	return tap_end();
}

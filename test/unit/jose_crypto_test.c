/*-------------------------------------------------------------------------
 *
 * jose_crypto_test.c
 *	  Unit tests of src/jose_crypto*.c: new keys, signatures, keys that are none.
 *
 * Signatures of others are the subject of sql/jose_vectors.sql.
 * Prints TAP.  Exits with 1 when a test fails.
 *
 * IDENTIFICATION
 *	  test/unit/jose_crypto_test.c
 *
 *-------------------------------------------------------------------------
 */
#include "jose.h"

#include <stdlib.h>
#include <string.h>

#include "jose_memory.h"
#include "tap.h"

#define TEXT "header.payload"

static const JoseBytes text = {(const uint8_t *) TEXT, sizeof(TEXT) - 1};

/*
 * A new key, as a set of one that owns its bytes.  There is one RSA key for all
 * algorithms: to make one takes half a second.
 */
static JoseKeySet
new_key(JoseAlg alg)
{
	static char *rsa = NULL;
	static size_t rsa_len;
	bool		is_rsa = alg >= JOSE_RS256 && alg <= JOSE_PS512;
	JoseKeySet	set = {NULL, 0, NULL, 0};
	char	   *jwk = rsa;
	size_t		len = rsa_len;

	if ((!is_rsa || rsa == NULL) && jose_generate_key(is_rsa ? JOSE_RS256 : alg, &jwk, &len, &memory) != JOSE_OK)
		return set;
	if (is_rsa)
	{
		if (rsa == NULL)
			live--;				/* kept to the end */
		rsa = jwk;
		rsa_len = len;
		memcpy(strstr(rsa, "\"alg\":\"") + 7, jose_alg_name(alg), 5);
	}
	if (jose_read_jwks(&set, jwk, len, &memory) != JOSE_OK)
		ok(false, "new key: it can be read");
	if (!is_rsa)
		count_release(NULL, jwk);
	return set;
}

/* A key without its private part. */
static JoseKey
public_of(const JoseKey *key)
{
	JoseKey		public = *key;
	JoseBytes	none = {NULL, 0};

	public.d = public.p = public.q = public.dp = public.dq = public.qi = none;
	public.may_sign = false;
	public.handle = NULL;
	return public;
}

/* Changes of bits and of the length are refused, and every other algorithm.  All bits are turned in sql/jose_vectors.sql. */
static void
test_refusals(const JoseKey *key, JoseAlg alg, uint8_t *signature, size_t len)
{
	int			accepted = 0;

	for (size_t bit = 0; bit < len * 8; bit += 29)
	{
		signature[bit / 8] ^= (uint8_t) (1 << bit % 8);
		accepted += jose_verify(key, alg, text, (JoseBytes) {signature, len}) != JOSE_SIGNATURE;
		signature[bit / 8] ^= (uint8_t) (1 << bit % 8);
	}
	ok(accepted == 0, "%s: the signature may not change", jose_alg_name(alg));
	for (size_t other = 0; other < len + 8; other++)
		accepted += other != len && jose_verify(key, alg, text, (JoseBytes) {signature, other}) != JOSE_SIGNATURE;
	ok(accepted == 0, "%s: nor its length", jose_alg_name(alg));
	for (int other = JOSE_ALG_UNKNOWN; other < JOSE_ALG_COUNT; other++)
		accepted += other != (int) alg && jose_verify(key, (JoseAlg) other, text, (JoseBytes) {signature, len}) != JOSE_SIGNATURE;
	ok(accepted == 0, "%s: no other algorithm matches", jose_alg_name(alg));
	accepted += jose_verify(key, alg, (JoseBytes) {text.data, text.len - 1}, (JoseBytes) {signature, len}) != JOSE_SIGNATURE;
	accepted += jose_verify(key, alg, (JoseBytes) {text.data, 0}, (JoseBytes) {signature, len}) != JOSE_SIGNATURE;
	ok(accepted == 0, "%s: nor another text", jose_alg_name(alg));
}

/* A new key of an algorithm signs, and what it signs verifies with its public part alone. */
static void
test_algorithm(JoseAlg alg, size_t expected_len)
{
	JoseKeySet	set = new_key(alg);
	JoseKey    *key = set.keys;
	const char *name = jose_alg_name(alg);
	uint8_t		signature[JOSE_MAX_SIGNATURE + 8] = {0};
	size_t		len = 0;
	JoseKey		public;

	ok(set.nkeys == 1 && key->alg == alg && jose_key_fits(key, alg) && jose_key_is_strong(key, alg) && key->may_sign && key->may_verify,
	   "%s: a new key", name);
	public = public_of(key);
	ok(jose_prepare_key(key) == JOSE_OK && jose_prepare_key(key) == JOSE_OK && jose_prepare_key(&public) == JOSE_OK, "%s: prepared, also twice", name);
	ok(jose_sign(key, alg, text, signature, &len) == JOSE_OK && len == expected_len, "%s: signs", name);
	ok(jose_verify(key, alg, text, (JoseBytes) {signature, len}) == JOSE_OK &&
	   jose_verify(&public, alg, text, (JoseBytes) {signature, len}) == JOSE_OK &&
	   jose_verify(&public, alg, text, (JoseBytes) {signature, len}) == JOSE_OK, "%s: verifies, and again", name);
	test_refusals(&public, alg, signature, len);
	ok(jose_sign(key, alg == JOSE_HS256 ? JOSE_RS256 : JOSE_HS256, text, signature, &len) == JOSE_KEY || alg == JOSE_HS256 || key->kty == JOSE_KTY_OCT,
	   "%s: does not sign with another", name);
	if (alg > JOSE_HS512)
	{
		ok(jose_sign(&public, alg, text, signature, &len) == JOSE_KEY, "%s: a public key does not sign", name);
		jose_release_key(&public);
		ok(jose_verify(&public, alg, text, (JoseBytes) {signature, len}) == JOSE_UNSUPPORTED, "%s: a key not prepared verifies nothing", name);
		ok(key->d.data != NULL, "%s: there is a private part", name);
	}
	jose_release_key(key);
	jose_release_key(key);
	ok(alg <= JOSE_HS512 ? key->k.data[0] == 0 : key->d.data[0] == 0 && key->d.data[key->d.len - 1] == 0, "%s: secrets are wiped", name);
	jose_release_key(&public);
	jose_free_jwks(&set, &memory);
}

/* No two new keys are the same, and a shared secret is text. */
static void
test_new_keys(void)
{
	JoseKeySet	first = new_key(JOSE_HS512);
	JoseKeySet	second = new_key(JOSE_HS512);
	bool		is_text = first.keys[0].k.len == 64;

	for (size_t i = 0; is_text && i < 64; i++)
		is_text = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", first.keys[0].k.data[i]) != NULL;
	ok(is_text, "new key: a shared secret is 64 characters of text");
	ok(memcmp(first.keys[0].k.data, second.keys[0].k.data, 64) != 0, "new key: not the one of before");
	jose_free_jwks(&first, &memory);
	jose_free_jwks(&second, &memory);
	first = new_key(JOSE_ALG_UNKNOWN);
	ok(first.nkeys == 0, "new key: none for no algorithm");
	first = new_key(JOSE_RS256);
	ok(first.keys[0].n.len == 384 && first.keys[0].p.len == 192 && first.keys[0].qi.data != NULL, "new key: RSA of 3072 bits with its primes");
	jose_free_jwks(&first, &memory);
}

/*
 * What preparing and signing make of a key of which one part is another: its
 * last byte is changed, or it is the one that is given.
 */
static JoseCode
use_changed(const JoseKey *key, size_t part, JoseAlg alg, const JoseBytes *other)
{
	uint8_t		bytes[JOSE_MAX_RSA_BITS / 8 + 1];
	uint8_t		signature[JOSE_MAX_SIGNATURE];
	size_t		len;
	JoseKey		changed = *key;
	JoseBytes  *target = (JoseBytes *) ((char *) &changed + part);
	JoseCode	code;

	if (other != NULL)
		*target = *other;
	else
	{
		memcpy(bytes, target->data, target->len);
		bytes[target->len - 1] ^= 2;
		target->data = bytes;
	}
	changed.handle = NULL;
	code = jose_prepare_key(&changed);
	if (code == JOSE_OK)
		code = jose_sign(&changed, alg, text, signature, &len);
	/* Its secrets belong to the key of the caller, who needs them again. */
	changed.d = changed.p = changed.q = changed.dp = changed.dq = changed.qi = changed.k = (JoseBytes) {NULL, 0};
	jose_release_key(&changed);
	return code;
}

#define WITH(part, other) use_changed(&key, offsetof(JoseKey, part), alg, other)

/* A key on a curve whose parts do not belong together is refused, at the latest when it is to sign. */
static void
test_wrong_points(JoseAlg alg)
{
	static const uint8_t zeros[66] = {0};
	JoseKeySet	set = new_key(alg);
	JoseKey		key = set.keys[0];
	JoseBytes	narrow = {key.x.data, key.x.len - 1};
	JoseBytes	zero = {zeros, key.x.len};
	const char *name = jose_alg_name(alg);

	ok(use_changed(&key, offsetof(JoseKey, x), alg, &key.x) == JOSE_OK, "%s: as it is", name);
	ok(WITH(x, NULL) == JOSE_KEY, "%s: another x", name);
	ok(WITH(d, NULL) == JOSE_KEY, "%s: another private part", name);
	ok(WITH(x, &narrow) == JOSE_KEY, "%s: an x too short", name);
	ok(WITH(d, &zero) == JOSE_KEY, "%s: a private part of zeros", name);
	if (alg != JOSE_EDDSA)
		ok(WITH(y, NULL) == JOSE_KEY, "%s: another y", name);
	jose_free_jwks(&set, &memory);
}

/* The same for RSA. */
static void
test_wrong_numbers(void)
{
	static const uint8_t number[JOSE_MAX_RSA_BITS / 8 + 1] = {1, [8] = 1, [JOSE_MAX_RSA_BITS / 8] = 1};
	const JoseAlg alg = JOSE_RS256;
	JoseKeySet	set = new_key(alg);
	JoseKey		key = set.keys[0];
	JoseBytes	even = {number, 256};
	JoseBytes	too_long = {number, sizeof(number)};
	JoseBytes	exponent = {number, 9};
	JoseBytes	none = {NULL, 0};

	ok(WITH(n, &key.n) == JOSE_OK, "RSA: as it is");
	ok(WITH(n, NULL) != JOSE_OK, "RSA: another modulus");
	ok(WITH(n, &even) == JOSE_KEY, "RSA: an even modulus");
	ok(WITH(n, &too_long) == JOSE_KEY, "RSA: a modulus too long");
	ok(WITH(e, &exponent) == JOSE_KEY, "RSA: an exponent too long");
	ok(WITH(q, &none) == JOSE_KEY, "RSA: a prime is missing");
	key.p = key.q = key.dp = key.dq = key.qi = none;
	ok(WITH(n, &key.n) == JOSE_OK, "RSA: without primes");
	ok(WITH(d, NULL) == JOSE_KEY, "RSA: without primes, with another private part");
	jose_free_jwks(&set, &memory);
}

int
main(void)
{
	const size_t lengths[] = {0, 32, 48, 64, 384, 384, 384, 384, 384, 384, 64, 96, 132, 64};

	for (int alg = JOSE_HS256; alg < JOSE_ALG_COUNT; alg++)
		test_algorithm((JoseAlg) alg, lengths[alg]);
	test_new_keys();
	test_wrong_points(JOSE_ES256);
	test_wrong_points(JOSE_ES384);
	test_wrong_points(JOSE_ES512);
	test_wrong_points(JOSE_EDDSA);
	test_wrong_numbers();
	ok(live == 0, "all memory is given back");
	return tap_end();
}

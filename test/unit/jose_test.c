/*-------------------------------------------------------------------------
 *
 * jose_test.c
 *	  Unit tests of signed tokens: src/jose*.c without a server.
 *
 * Every boundary of what is read: keys, headers, claims.
 * Signatures are not the subject here: tokens are signed by jose_sign().
 * Prints TAP.  Exits with 1 when a test fails.
 *
 * IDENTIFICATION
 *	  test/unit/jose_test.c
 *
 *-------------------------------------------------------------------------
 */
#include "jose_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jose_memory.h"
#include "tap.h"

#define length(array) ((int) (sizeof(array) / sizeof((array)[0])))

#define NOW INT64_C(1800000000)

static JoseBytes
bytes(const char *text)
{
	return (JoseBytes) {(const uint8_t *) text, strlen(text)};
}

static bool
is(JoseBytes value, const char *text)
{
	return value.data != NULL && value.len == strlen(text) && memcmp(value.data, text, value.len) == 0;
}

/* --- keys --- */

static void
test_keys(void)
{
	for (int i = 0; i < length(key_cases); i++)
	{
		const KeyCase *test = &key_cases[i];
		JoseKeySet	set;
		JoseCode	code = jose_read_jwks(&set, test->text, strlen(test->text), &memory);
		bool		good = code == test->code && set.nkeys == test->nkeys;

		if (good && set.nkeys > 0)
			good = set.keys[0].may_verify == test->may_verify && set.keys[0].may_sign == test->may_sign &&
				(test->alg == JOSE_ALG_UNKNOWN ? set.keys[0].alg == JOSE_ALG_UNKNOWN : jose_key_fits(&set.keys[0], test->alg));
		ok(good, "key: case %d (%s)", i, jose_code_name(code));
		jose_free_jwks(&set, &memory);
		jose_free_jwks(&set, &memory);
	}
}

/* A set of n keys, or one key with a kid of n bytes. */
static JoseCode
read_many(int n, bool keys)
{
	char	   *text = malloc((size_t) n * 80 + 200);
	size_t		at = 0;
	JoseKeySet	set;
	JoseCode	code;

	if (keys)
		at += (size_t) sprintf(text, "{\"keys\":[");
	for (int i = 0; keys && i < n; i++)
		at += (size_t) sprintf(text + at, "%s{\"kty\":\"oct\",\"k\":\"" X32 "\"}", i > 0 ? "," : "");
	if (keys)
		at += (size_t) sprintf(text + at, "]}");
	else
		at += (size_t) sprintf(text + at, "{" SECRET ",\"kid\":\"%0*d\"}", n, 0);
	code = jose_read_jwks(&set, text, at, &memory);
	jose_free_jwks(&set, &memory);
	free(text);
	return code;
}

static void
test_key_bytes(void)
{
	const char *text = "{\"kty\":\"RSA\",\"n\":\"AAD_AQ\",\"e\":\"AAEAAQ\",\"kid\":\"\\u0061\"}";
	JoseKeySet	set;
	JoseCode	code = jose_read_jwks(&set, text, strlen(text), &memory);

	ok(code == JOSE_OK && set.keys[0].n.len == 2 && set.keys[0].n.data[0] == 0xFF && set.keys[0].e.len == 3 &&
	   is(set.keys[0].kid, "a"), "key: leading zeros are dropped, names unescaped");
	jose_free_jwks(&set, &memory);
	ok(read_many(JOSE_MAX_KEYS, true) == JOSE_OK, "key: as many as there may be");
	ok(read_many(JOSE_MAX_KEYS + 1, true) == JOSE_KEY, "key: one more");
	ok(read_many(JOSE_MAX_KID, false) == JOSE_OK && read_many(JOSE_MAX_KID + 1, false) == JOSE_KEY, "key: the longest name");
}

/* Strength at each limit. */
static void
test_key_strength(void)
{
	static const uint8_t ones[JOSE_MAX_RSA_BITS / 8 + 1] = {0x01};
	uint8_t		number[JOSE_MAX_RSA_BITS / 8 + 1];
	JoseKey		key = {.kty = JOSE_KTY_OCT};

	memset(number, 0xFF, sizeof(number));
	for (int i = 0; i < 3; i++)
	{
		key.k = (JoseBytes) {number, JOSE_MIN_HMAC_BYTES};
		ok(jose_key_is_strong(&key, (JoseAlg) (JOSE_HS256 + i)), "strength: %s", jose_alg_name((JoseAlg) (JOSE_HS256 + i)));
		key.k.len--;
		ok(!jose_key_is_strong(&key, (JoseAlg) (JOSE_HS256 + i)), "strength: %s, a byte less", jose_alg_name((JoseAlg) (JOSE_HS256 + i)));
	}
	key = (JoseKey) {.kty = JOSE_KTY_RSA, .n = {number, JOSE_MIN_RSA_BITS / 8}, .e = {(const uint8_t *) "\x01\x00\x01", 3}};
	ok(jose_key_is_strong(&key, JOSE_RS256), "strength: RSA of 2048 bits");
	number[0] = 0x7F;
	ok(!jose_key_is_strong(&key, JOSE_RS256), "strength: RSA of 2047 bits");
	number[0] = 0xFF;
	key.n.len = JOSE_MAX_RSA_BITS / 8;
	ok(jose_key_is_strong(&key, JOSE_RS256), "strength: RSA of 8192 bits");
	key.n = (JoseBytes) {ones, JOSE_MAX_RSA_BITS / 8 + 1};
	ok(!jose_key_is_strong(&key, JOSE_RS256), "strength: RSA of 8193 bits");
	key.n = (JoseBytes) {number, 256};
	key.e = (JoseBytes) {(const uint8_t *) "\x03", 1};
	ok(jose_key_is_strong(&key, JOSE_RS256), "strength: an exponent of 3");
	key.e = (JoseBytes) {(const uint8_t *) "\x01", 1};
	ok(!jose_key_is_strong(&key, JOSE_RS256), "strength: an exponent of 1");
	key.e = (JoseBytes) {(const uint8_t *) "\x01\x00\x02", 3};
	ok(!jose_key_is_strong(&key, JOSE_RS256), "strength: an even exponent");
	key.e = (JoseBytes) {number, 9};
	ok(!jose_key_is_strong(&key, JOSE_RS256), "strength: an exponent too long");
}

/* Names of algorithms, and which key fits which. */
static void
test_algorithms(void)
{
	static const char *const wrong[] = {"none", "None", "NONE", "", "HS256 ", " HS256", "hs256", "HS2560", "HS25", "HSXXX", "ES256K", "Ed448", "EdDSA25519", "eddsa"};
	JoseKey		key = {.kty = JOSE_KTY_EC, .curve = JOSE_P384};
	int			fits = 0;

	for (int alg = JOSE_HS256; alg < JOSE_ALG_COUNT; alg++)
	{
		const char *name = jose_alg_name((JoseAlg) alg);

		ok(name != NULL && jose_alg_by_name(name, strlen(name)) == (JoseAlg) alg, "algorithm: %s", name);
		fits += jose_key_fits(&key, (JoseAlg) alg);
	}
	for (int i = 0; i < length(wrong); i++)
		ok(jose_alg_by_name(wrong[i], strlen(wrong[i])) == JOSE_ALG_UNKNOWN, "algorithm: not '%s'", wrong[i]);
	ok(jose_alg_by_name("HS256\0", 6) == JOSE_ALG_UNKNOWN, "algorithm: not with a zero byte");
	ok(jose_alg_by_name("Ed25519", 7) == JOSE_EDDSA, "algorithm: Ed25519 is EdDSA");
	ok(fits == 1 && jose_key_fits(&key, JOSE_ES384) && !jose_key_fits(&key, JOSE_ALG_UNKNOWN), "algorithm: a curve fits one");
}

/* --- tokens --- */

/* A token of parts as they are, each encoded. */
static size_t
join(char *token, const char *header, const char *payload, const char *signature)
{
	size_t		at = jose_base64url_encode((const uint8_t *) header, strlen(header), token);

	token[at++] = '.';
	at += jose_base64url_encode((const uint8_t *) payload, strlen(payload), token + at);
	token[at++] = '.';
	return at + jose_base64url_encode((const uint8_t *) signature, strlen(signature), token + at);
}

static void
test_split(void)
{
	JoseToken	token;
	char		text[64];

	for (int i = 0; i < length(split_cases); i++)
	{
		JoseCode	code = jose_split(&token, split_cases[i].text, strlen(split_cases[i].text), JOSE_MAX_BYTES, &memory);

		ok(code == split_cases[i].code && (code == JOSE_OK) == (token.block != NULL), "split: case %d (%s)", i, jose_code_name(code));
		jose_free_token(&token, &memory);
		jose_free_token(&token, &memory);
	}
	ok(jose_split(&token, text, join(text, "ab", "cde", "f"), JOSE_MAX_BYTES, &memory) == JOSE_OK &&
	   is(token.header, "ab") && is(token.payload, "cde") && is(token.signature, "f") && is(token.signed_part, "YWI.Y2Rl"),
	   "split: the parts");
	jose_free_token(&token, &memory);
	ok(jose_split(&token, "AA.AA.AA", 8, 7, &memory) == JOSE_SIZE && jose_split(&token, "", 0, 0, &memory) == JOSE_FORMAT, "split: too long");
	ok(jose_split(&token, "AA.AA.AA", 8, 8, &memory) == JOSE_OK, "split: as long as it may be");
	jose_free_token(&token, &memory);
}

static void
test_header(void)
{
	char		text[1024];
	JoseToken	token;

	for (int i = 0; i < length(header_cases); i++)
	{
		const HeaderCase *test = &header_cases[i];
		JoseOptions options = {.algorithms = 1 << JOSE_HS256 | 1 << JOSE_RS256, .max_bytes = sizeof(text)};
		JoseCode	code = jose_split(&token, text, join(text, test->header, "{}", ""), sizeof(text), &memory);

		if (test->typ != NULL)
			options.typ = bytes(test->typ);
		if (code == JOSE_OK)
			code = jose_read_header(&token, &memory);
		if (code == JOSE_OK)
			code = jose_check_header(&token, &options);
		ok(code == test->code, "header: case %d (%s)", i, jose_code_name(code));
		if (code == JOSE_TYP)
		{
			options.signature_only = true;
			ok(jose_check_header(&token, &options) == JOSE_OK, "header: case %d for a signature alone", i);
		}
		jose_free_token(&token, &memory);
	}
	jose_split(&token, text, join(text, "{\"alg\":\"PS256\",\"kid\":\"a\\nb\",\"typ\":\"\\u004AWT\"}", "", ""), sizeof(text), &memory);
	ok(jose_read_header(&token, &memory) == JOSE_OK && token.alg == JOSE_PS256 && is(token.kid, "a\nb") && is(token.typ, "JWT") &&
	   token.has_typ && token.typ_is_known && !token.has_cty, "header: what it says");
	jose_free_token(&token, &memory);
}

/* --- choice of the key --- */

/* For a signature alone, the alg of an RSA key is the least hash of its kind of padding; for a token it is the one. */
static void
test_least_hash(void)
{
	for (int given = JOSE_RS256; given <= JOSE_PS512; given++)
	{
		for (int asked = JOSE_RS256; asked <= JOSE_PS512; asked++)
		{
			JoseKey		key = {.kty = JOSE_KTY_RSA, .alg = (JoseAlg) given, .may_verify = true};
			JoseKeySet	set = {.keys = &key, .nkeys = 1};
			JoseToken	token = {.alg = (JoseAlg) asked};
			JoseOptions options = {.signature_only = true};
			const JoseKey *chosen;
			bool		same_padding = (given <= JOSE_RS512) == (asked <= JOSE_RS512);
			JoseCode	code = jose_choose_key(&token, &set, &options, &chosen);

			options.signature_only = false;
			ok((code == JOSE_OK) == (same_padding && asked >= given) &&
			   (asked == given || jose_choose_key(&token, &set, &options, &chosen) == JOSE_ALG),
			   "choice: a key for %s, %s", jose_alg_name((JoseAlg) given), jose_alg_name((JoseAlg) asked));
		}
	}
}

static void
test_choice(void)
{
	for (int i = 0; i < length(choice_cases); i++)
	{
		const ChoiceCase *test = &choice_cases[i];
		JoseOptions options = {.signature_only = false};
		JoseToken	token = {.alg = test->alg};
		JoseKeySet	set;
		const JoseKey *key;
		JoseCode	code = jose_read_jwks(&set, test->keys, strlen(test->keys), &memory);

		if (test->kid != NULL)
			token.kid = bytes(test->kid);
		if (code == JOSE_OK)
			code = jose_choose_key(&token, &set, &options, &key);
		ok(code == test->code && (key != NULL) == (code == JOSE_OK) && (key == NULL || is(key->kid, test->chosen)),
		   "choice: case %d (%s)", i, jose_code_name(code));
		jose_free_jwks(&set, &memory);
	}
}

/* When only the signature counts, a short secret will do, but not a key of another type. */
static void
test_choice_for_signature(void)
{
	const char *secret = "{\"kty\":\"oct\",\"k\":\"AAAA\"}";
	JoseOptions options = {.signature_only = true};
	JoseToken	token = {.alg = JOSE_HS256};
	JoseKeySet	set;
	const JoseKey *key;

	jose_read_jwks(&set, secret, strlen(secret), &memory);
	ok(jose_choose_key(&token, &set, &options, &key) == JOSE_OK, "choice: a short secret for a signature alone");
	token.alg = JOSE_EDDSA;
	ok(jose_choose_key(&token, &set, &options, &key) == JOSE_ALG, "choice: a wrong type for a signature alone");
	jose_free_jwks(&set, &memory);
}

/* --- claims --- */

static void
test_claims(void)
{
	for (int i = 0; i < length(claims_cases); i++)
	{
		const ClaimsCase *test = &claims_cases[i];
		JoseBytes	required[2] = {bytes("exp")};
		JoseOptions options = {.leeway = test->leeway, .now = NOW, .required = required, .nrequired = 1};
		JoseResult	result = {.code = JOSE_OK};
		JoseJsonText json;
		JoseCode	code = JOSE_PAYLOAD_JSON;

		if (test->audience != NULL)
			options.audience = bytes(test->audience);
		if (test->issuer != NULL)
			options.issuer = bytes(test->issuer);
		if (test->required != NULL)
			required[options.nrequired++] = bytes(test->required);
		if (jose_json_read(&json, test->payload, strlen(test->payload), &memory))
			code = jose_check_claims(&json, &options, &result);
		ok(code == test->code && result.expired == test->expired, "claims: case %d (%s)", i, jose_code_name(code));
		jose_json_free(&json, &memory);
	}
}

/* exp may be left out when nobody asks for it, but not be wrong; clocks at the ends of time overflow nothing. */
static void
test_claims_without_exp(void)
{
	static const char *const payloads[] = {"{}", "{\"exp\":null}", "{\"exp\":1800000000}", "{\"nbf\":253402300799}"};
	static const JoseCode codes[] = {JOSE_OK, JOSE_CLAIMS_TIME, JOSE_CLAIMS_TIME, JOSE_CLAIMS_TIME};
	JoseOptions options = {.now = NOW};
	JoseResult	result;
	JoseJsonText json;

	for (int i = 0; i < length(payloads); i++)
	{
		ok(jose_json_read(&json, payloads[i], strlen(payloads[i]), &memory) &&
		   jose_check_claims(&json, &options, &result) == codes[i], "claims: exp not asked for, %s", payloads[i]);
		jose_json_free(&json, &memory);
	}
	options.leeway = 86400;
	jose_json_read(&json, "{\"exp\":1,\"nbf\":1,\"iat\":1}", 25, &memory);
	options.now = INT64_MAX;
	ok(jose_check_claims(&json, &options, &result) == JOSE_CLAIMS_TIME && result.expired, "claims: the last moment");
	options.now = INT64_MIN;
	ok(jose_check_claims(&json, &options, &result) == JOSE_CLAIMS_TIME && !result.expired, "claims: the first moment");
	jose_json_free(&json, &memory);
}

/* --- the whole way --- */

/* A token over header and payload, signed with a key. */
static size_t
sign(char *text, const JoseKey *key, JoseAlg alg, const char *header, const char *payload)
{
	uint8_t		signature[JOSE_MAX_SIGNATURE];
	size_t		len = join(text, header, payload, "") - 1;
	size_t		signature_len = 0;

	if (jose_sign(key, alg, (JoseBytes) {(const uint8_t *) text, len}, signature, &signature_len) != JOSE_OK)
		return 0;
	text[len++] = '.';
	return len + jose_base64url_encode(signature, signature_len, text + len);
}

/* Whether a token is refused, and nothing given, whatever one byte of it is changed to. */
static bool
no_change_passes(char *text, size_t len, const JoseKeySet *set, const JoseOptions *options)
{
	static const char others[] = {'A', 'B', 'g', '_', '.', '=', ' ', '\0', '\x80'};
	JoseResult	result;
	JoseToken	token;
	JoseJsonText claims;
	bool		good = true;

	for (size_t at = 0; at < len; at++)
		for (int i = 0; i < length(others); i++)
		{
			char		was = text[at];

			if (was == others[i])
				continue;
			text[at] = others[i];
			jose_check(&result, &token, &claims, text, len, set, options, &memory);
			good = good && result.code != JOSE_OK && !result.expired && result.payload.data == NULL &&
				token.block == NULL && claims.values == NULL;
			jose_free_token(&token, &memory);
			jose_json_free(&claims, &memory);
			text[at] = was;
		}
	return good;
}

static void
test_way(void)
{
	const char *jwk = HS("a", "");
	JoseBytes	required[1] = {bytes("exp")};
	JoseOptions options = {.now = NOW, .required = required, .nrequired = 1, .max_bytes = JOSE_MAX_BYTES};
	JoseKeySet	set;
	JoseResult	result;
	JoseToken	token;
	JoseJsonText claims;
	char		text[1024];
	size_t		len;

	jose_read_jwks(&set, jwk, strlen(jwk), &memory);
	for (int i = 0; i < length(way_cases); i++)
	{
		const WayCase *test = &way_cases[i];
		bool		given = test->code == JOSE_OK || test->expired;

		len = sign(text, &set.keys[0], JOSE_HS256, test->header, test->payload);
		jose_check(&result, &token, &claims, text, len, &set, &options, &memory);
		ok(result.code == test->code && result.expired == test->expired && (result.message == NULL) == (result.code == JOSE_OK),
		   "way: case %d (%s)", i, jose_code_name(result.code));
		ok(given ? is(result.payload, test->payload) && claims.nvalues > 0 :
		   result.payload.data == NULL && claims.values == NULL && token.block == NULL && token.payload.data == NULL,
		   "way: case %d, claims %s", i, given ? "given" : "not given");
		jose_free_token(&token, &memory);
		jose_json_free(&claims, &memory);

		ok(no_change_passes(text, len, &set, &options), "way: case %d, no byte may be another", i);
	}
	len = sign(text, &set.keys[0], JOSE_HS256, "{\"alg\":\"HS256\",\"cty\":\"x\"}", "anything");
	options.signature_only = true;
	jose_check(&result, &token, &claims, text, len, &set, &options, &memory);
	ok(result.code == JOSE_OK && is(result.payload, "anything") && claims.values == NULL, "way: a signature alone");
	jose_free_token(&token, &memory);
	jose_check(&result, &token, &claims, "", 0, &set, &options, &memory);
	ok(result.code == JOSE_FORMAT && strcmp(result.message, "Empty JWT") == 0, "way: an empty token");
	jose_free_jwks(&set, &memory);
}

/* A prepared secret makes the same MACs as one that is not, each time, and none with another algorithm's. */
static void
test_prepared_secret(void)
{
	const char *jwk = HS("a", "");
	JoseKeySet	set;
	JoseKey		plain;
	JoseCode	code;

	jose_read_jwks(&set, jwk, strlen(jwk), &memory);
	plain = set.keys[0];
	code = jose_prepare_key(&set.keys[0]);
	ok(code == JOSE_OK && jose_prepare_key(&set.keys[0]) == JOSE_OK, "secret: prepared, twice");
	for (int alg = JOSE_HS256; alg <= JOSE_HS512; alg++)
	{
		bool		good = true;
		char		text[300];
		uint8_t		signature[2][JOSE_MAX_SIGNATURE];
		size_t		len[2];

		memset(text, 'a', sizeof(text));
		for (size_t n = 0; n < sizeof(text); n += 7)
		{
			JoseBytes	part = {(const uint8_t *) text, n};

			good = good && jose_sign(&plain, (JoseAlg) alg, part, signature[0], &len[0]) == JOSE_OK &&
				jose_sign(&set.keys[0], (JoseAlg) alg, part, signature[1], &len[1]) == JOSE_OK &&
				len[0] == len[1] && memcmp(signature[0], signature[1], len[0]) == 0 &&
				jose_verify(&set.keys[0], (JoseAlg) alg, part, (JoseBytes) {signature[0], len[0]}) == JOSE_OK;
			signature[0][n % len[0]] ^= 1;
			good = good && jose_verify(&set.keys[0], (JoseAlg) alg, part, (JoseBytes) {signature[0], len[0]}) == JOSE_SIGNATURE &&
				jose_verify(&set.keys[0], (JoseAlg) alg, part, (JoseBytes) {signature[1], len[1] - 1}) == JOSE_SIGNATURE;
		}
		ok(good, "secret: prepared, %s", jose_alg_name((JoseAlg) alg));
	}
	jose_free_jwks(&set, &memory);
}

/* A new key of each algorithm: what it signs it verifies, again and again, also after it has refused. */
static void
test_generated_keys(void)
{
	for (int alg = JOSE_HS256; alg < JOSE_ALG_COUNT; alg++)
	{
		JoseBytes	part = {(const uint8_t *) "header.payload", 14};
		JoseBytes	other = {(const uint8_t *) "header.Payload", 14};
		JoseKeySet	set = {0};
		char	   *jwk;
		size_t		len;
		uint8_t		signature[JOSE_MAX_SIGNATURE];
		bool		good;

		if (alg == JOSE_RS384 || alg == JOSE_RS512 || alg == JOSE_PS384 || alg == JOSE_PS512)
			continue;			/* such keys take long, and are like the others */
		good = jose_generate_key((JoseAlg) alg, &jwk, &len, &memory) == JOSE_OK &&
			jose_read_jwks(&set, jwk, len, &memory) == JOSE_OK && jose_prepare_key(&set.keys[0]) == JOSE_OK &&
			jose_sign(&set.keys[0], (JoseAlg) alg, part, signature, &len) == JOSE_OK;
		for (int i = 0; good && i < 4; i++)
		{
			JoseBytes	made = {signature, len};

			good = jose_verify(&set.keys[0], (JoseAlg) alg, part, made) == JOSE_OK &&
				jose_verify(&set.keys[0], (JoseAlg) alg, other, made) == JOSE_SIGNATURE;
			made.len--;
			good = good && jose_verify(&set.keys[0], (JoseAlg) alg, part, made) == JOSE_SIGNATURE;
			signature[i] ^= 1;
			good = good && jose_verify(&set.keys[0], (JoseAlg) alg, part, (JoseBytes) {signature, len}) == JOSE_SIGNATURE;
			signature[i] ^= 1;
		}
		ok(good, "new key: %s", jose_alg_name((JoseAlg) alg));
		jose_free_jwks(&set, &memory);
		count_release(NULL, jwk);
	}
}

/* Every code has a name of its own and, but for JOSE_OK, a message. */
static void
test_codes(void)
{
	bool		good = true;

	for (int code = JOSE_OK; code <= JOSE_UNSUPPORTED; code++)
	{
		good = good && jose_code_name((JoseCode) code) != NULL && (jose_code_message((JoseCode) code) == NULL) == (code == JOSE_OK);
		for (int other = JOSE_OK; other < code; other++)
			good = good && strcmp(jose_code_name((JoseCode) code), jose_code_name((JoseCode) other)) != 0;
	}
	ok(good, "codes: a name and a message each");
}

int
main(void)
{
	test_keys();
	test_key_bytes();
	test_key_strength();
	test_algorithms();
	test_split();
	test_header();
	test_choice();
	test_least_hash();
	test_choice_for_signature();
	test_claims();
	test_claims_without_exp();
	test_way();
	test_prepared_secret();
	test_generated_keys();
	test_codes();
	ok(live == 0, "all memory is given back");
	return tap_end();
}

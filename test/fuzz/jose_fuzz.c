/*-------------------------------------------------------------------------
 *
 * jose_fuzz.c
 *	  Fuzz target of signed tokens: src/jose*.c without a server.
 *
 * The first byte of the input says what the rest is.  Apart from what the
 * sanitizers see, these promises are held:
 *	  - base64url that is read is what writing the bytes gives, and there is no other text for them;
 *	  - JSON that is read has values that lie inside one another, names that differ, and when written plainly
 *		is read as the same values; numbers as times agree with the C library's;
 *	  - keys lie in their block and have the sizes that their type asks for;
 *	  - no payload without a signature that matches, or with a fault but exp;
 *	  - a signed token of which a byte was changed is refused;
 *	  - all memory is given back.
 *
 * IDENTIFICATION
 *	  test/fuzz/jose_fuzz.c
 *
 *-------------------------------------------------------------------------
 */
#include "jose.h"
#include "fuzz.h"
#include "../unit/jose_memory.h"

#include <math.h>
#include <string.h>

#define NOW INT64_C(1800000000)

static bool
same(JoseBytes a, JoseBytes b)
{
	return (a.data == NULL) == (b.data == NULL) && a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static void
fuzz_base64(const char *text, size_t len)
{
	uint8_t    *bytes = malloc(jose_base64url_decoded_size(len) + 1);
	char	   *again = malloc(jose_base64url_encoded_size(len) + 1);
	int64_t		read = jose_base64url_decode(text, len, bytes);

	CHECK(read == -1 || read == (int64_t) jose_base64url_decoded_size(len));
	if (read >= 0)
		CHECK(jose_base64url_encode(bytes, (size_t) read, again) == len && memcmp(again, text, len) == 0);
	free(bytes);

	bytes = malloc(len + 1);
	read = (int64_t) jose_base64url_encode((const uint8_t *) text, len, again);
	CHECK(read == (int64_t) jose_base64url_encoded_size(len));
	CHECK(jose_base64url_decode(again, (size_t) read, bytes) == (int64_t) len && memcmp(bytes, text, len) == 0);
	free(bytes);
	free(again);
}

/* Writes a string as JSON with every character escaped that may be. */
static char *
write_string(char *out, JoseBytes string)
{
	*out++ = '"';
	for (size_t i = 0; i < string.len; i++)
	{
		if (string.data[i] < 0x20 || string.data[i] == '"' || string.data[i] == '\\')
			out += sprintf(out, "\\u%04x", string.data[i]);
		else
			*out++ = (char) string.data[i];
	}
	*out++ = '"';
	return out;
}

/* Writes a value and those inside it. */
static char *
write_value(char *out, const JoseJsonText *json, int at)
{
	static const char *const words[] = {"true", "false", "null"};
	const JoseJson *value = &json->values[at];
	bool		is_object = value->type == JOSE_JSON_OBJECT;

	if (value->type == JOSE_JSON_STRING)
		return write_string(out, value->text);
	if (value->type == JOSE_JSON_NUMBER)
	{
		memcpy(out, value->text.data, value->text.len);
		return out + value->text.len;
	}
	if (value->type >= JOSE_JSON_TRUE)
		return out + sprintf(out, "%s", words[value->type - JOSE_JSON_TRUE]);
	*out++ = is_object ? '{' : '[';
	for (int i = at + 1; i < value->end; i = json->values[i].end)
	{
		if (i > at + 1)
			*out++ = ',';
		if (is_object)
		{
			out = write_string(out, json->values[i].name);
			*out++ = ':';
		}
		out = write_value(out, json, i);
	}
	*out++ = is_object ? '}' : ']';
	return out;
}

/* Members, names and ends of the values of a text. */
static void
check_values(const JoseJsonText *json)
{
	CHECK(json->nvalues > 0 && json->values[0].end == json->nvalues && json->values[0].name.data == NULL);
	for (int at = 0; at < json->nvalues; at++)
	{
		const JoseJson *value = &json->values[at];
		int			members = 0;

		CHECK(value->end > at && value->end <= json->nvalues);
		CHECK(value->type <= JOSE_JSON_ARRAY || (value->end == at + 1 && value->nmembers == 0));
		CHECK((value->text.data != NULL) == (value->type == JOSE_JSON_STRING || value->type == JOSE_JSON_NUMBER));
		for (int i = at + 1; value->type <= JOSE_JSON_ARRAY && i < value->end; i = json->values[i].end)
		{
			members++;
			CHECK(json->values[i].end <= value->end);
			CHECK((json->values[i].name.data != NULL) == (value->type == JOSE_JSON_OBJECT));
			if (value->type == JOSE_JSON_OBJECT)
				CHECK(jose_json_find(json, at, json->values[i].name) == &json->values[i]);
		}
		CHECK(members == value->nmembers);
	}
}

/* A number against the C library's, where that is exact enough. */
static void
check_seconds(const JoseJson *value)
{
	char		text[64];
	int64_t		seconds;
	bool		read = jose_json_seconds(value, &seconds);
	long double number;

	if (value->type != JOSE_JSON_NUMBER || value->text.len >= sizeof(text))
	{
		CHECK(value->type == JOSE_JSON_NUMBER || !read);
		return;
	}
	memcpy(text, value->text.data, value->text.len);
	text[value->text.len] = '\0';
	number = strtold(text, NULL);
	if (read)
		CHECK(fabsl(number - (long double) seconds) <= 1);
	else
		CHECK(fabsl(number) > JOSE_TIME_MAX - 1);
	if (read && number == rintl(number) && value->text.len < 18 && strpbrk(text, ".eE") == NULL)
		CHECK((long double) seconds == number);
}

static void
fuzz_json(const char *text, size_t len)
{
	JoseJsonText json;
	JoseJsonText again;
	char	   *plain;
	size_t		plain_len;

	if (!jose_json_read(&json, text, len, &memory))
	{
		CHECK(json.values == NULL && json.strings == NULL);
		return;
	}
	check_values(&json);
	plain = malloc(len * 6 + 16);
	plain_len = (size_t) (write_value(plain, &json, 0) - plain);
	CHECK(jose_json_read(&again, plain, plain_len, &memory) && again.nvalues == json.nvalues);
	for (int i = 0; i < json.nvalues; i++)
	{
		CHECK(json.values[i].type == again.values[i].type && json.values[i].end == again.values[i].end);
		CHECK(same(json.values[i].name, again.values[i].name) && same(json.values[i].text, again.values[i].text));
		check_seconds(&json.values[i]);
	}
	jose_json_free(&again, &memory);
	jose_json_free(&json, &memory);
	free(plain);
}

/* Whether bytes lie in a set's block. */
static bool
is_inside(const JoseKeySet *set, JoseBytes bytes)
{
	const uint8_t *block = set->block;

	return bytes.data == NULL || (bytes.data >= block && bytes.data + bytes.len <= block + set->block_size);
}

static void
check_key(const JoseKeySet *set, const JoseKey *key)
{
	int			fitting = 0;
	size_t		width = key->curve == JOSE_P384 ? 48 : key->curve == JOSE_P521 ? 66 : 32;

	CHECK(is_inside(set, key->kid) && is_inside(set, key->k) && is_inside(set, key->n) && is_inside(set, key->e) &&
		  is_inside(set, key->x) && is_inside(set, key->y) && is_inside(set, key->d) && is_inside(set, key->p) &&
		  is_inside(set, key->q) && is_inside(set, key->dp) && is_inside(set, key->dq) && is_inside(set, key->qi));
	CHECK(key->kid.len <= JOSE_MAX_KID);
	for (int alg = JOSE_HS256; alg < JOSE_ALG_COUNT; alg++)
		fitting += jose_key_fits(key, (JoseAlg) alg);
	CHECK(fitting == (key->alg != JOSE_ALG_UNKNOWN ? 1 : key->kty == JOSE_KTY_OCT ? 3 : key->kty == JOSE_KTY_RSA ? 6 : 1));
	CHECK((key->kty == JOSE_KTY_OCT) == (key->k.len > 0));
	CHECK((key->kty == JOSE_KTY_RSA) == (key->n.len > 0) && (key->n.len > 0) == (key->e.len > 0));
	CHECK(key->kty == JOSE_KTY_OCT || !key->may_sign || key->d.len > 0);
	if (key->kty == JOSE_KTY_RSA)
		CHECK(key->n.data[0] != 0 && key->e.data[0] != 0 && key->curve == JOSE_CURVE_NONE);
	if (key->kty == JOSE_KTY_EC || key->kty == JOSE_KTY_OKP)
		CHECK(key->x.len == width && key->y.len == (key->kty == JOSE_KTY_EC ? width : 0) &&
			  (key->d.data == NULL || key->d.len == width));
}

static void
fuzz_keys(const char *text, size_t len)
{
	JoseKeySet	set;
	JoseCode	code = jose_read_jwks(&set, text, len, &memory);

	CHECK(code == JOSE_OK || code == JOSE_KEY || code == JOSE_UNSUPPORTED);
	CHECK(code == JOSE_OK || (set.keys == NULL && set.block == NULL && set.nkeys == 0));
	for (int i = 0; i < set.nkeys; i++)
	{
		check_key(&set, &set.keys[i]);
		code = jose_prepare_key(&set.keys[i]);
		CHECK(code == JOSE_OK || code == JOSE_KEY);
	}
	jose_free_jwks(&set, &memory);
}

/* A secret that verifies and signs. */
static JoseKey
our_key(void)
{
	static const uint8_t secret[32] = "a secret that only a test knows.";

	return (JoseKey) {.kty = JOSE_KTY_OCT, .may_verify = true, .may_sign = true, .k = {secret, 32}};
}

/* Checks a token and what may be handed out with each answer. */
static JoseCode
check_token(const char *text, size_t len, bool signature_only, bool *expired)
{
	JoseKey		key = our_key();
	JoseKeySet	set = {.keys = &key, .nkeys = 1};
	JoseBytes	exp = {(const uint8_t *) "exp", 3};
	JoseOptions options = {.now = NOW, .required = &exp, .nrequired = 1, .max_bytes = JOSE_MAX_BYTES, .signature_only = signature_only};
	JoseResult	result;
	JoseToken	token;
	JoseJsonText claims;
	JoseCode	code;

	jose_check(&result, &token, &claims, text, len, &set, &options, &memory);
	code = result.code;
	*expired = result.expired;
	CHECK(!result.expired || code == JOSE_CLAIMS_TIME);
	CHECK((result.message == NULL) == (code == JOSE_OK));
	if (code == JOSE_OK || result.expired)
	{
		CHECK(jose_verify(&key, token.alg, token.signed_part, token.signature) == JOSE_OK);
		CHECK(same(result.payload, token.payload) && (claims.values == NULL) == signature_only);
	}
	else
		CHECK(result.payload.data == NULL && token.block == NULL && token.payload.data == NULL && claims.values == NULL);
	jose_free_token(&token, &memory);
	jose_json_free(&claims, &memory);
	return code;
}

/* Signs "header NUL payload"; whatever is said of it, with a byte changed it is refused. */
static void
fuzz_signed(const char *text, size_t len, uint8_t choice)
{
	const char *nul = memchr(text, 0, len);
	size_t		header = nul == NULL ? len : (size_t) (nul - text);
	size_t		payload = nul == NULL ? 0 : len - header - 1;
	char	   *token = malloc(len * 2 + 100);
	size_t		at = jose_base64url_encode((const uint8_t *) text, header, token);
	uint8_t		signature[JOSE_MAX_SIGNATURE];
	size_t		signature_len = 0;
	JoseKey		key = our_key();
	bool		signature_only = (choice & 1) != 0;
	bool		expired;
	JoseCode	code;

	token[at++] = '.';
	at += jose_base64url_encode((const uint8_t *) (nul == NULL ? text : nul + 1), payload, token + at);
	CHECK(jose_sign(&key, JOSE_HS256, (JoseBytes) {(const uint8_t *) token, at}, signature, &signature_len) == JOSE_OK);
	token[at++] = '.';
	at += jose_base64url_encode(signature, signature_len, token + at);
	code = check_token(token, at, signature_only, &expired);
	CHECK(code != JOSE_BASE64 && (code != JOSE_FORMAT || header == 0));
	if (code == JOSE_OK || expired)
	{
		token[(size_t) choice * 31 % at] ^= (char) (1 << choice % 8);
		code = check_token(token, at, signature_only, &expired);
		CHECK(code != JOSE_OK && !expired);
	}
	free(token);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text;
	bool		expired;

	if (size == 0)
		return 0;
	text = (const char *) data + 1;
	size--;
	switch (data[0] % 5)
	{
		case 0:
			fuzz_json(text, size);
			break;
		case 1:
			fuzz_keys(text, size);
			break;
		case 2:
			fuzz_signed(text, size, data[0]);
			break;
		case 3:
			check_token(text, size, data[0] >= 128, &expired);
			break;
		default:
			fuzz_base64(text, size);
	}
	CHECK(live == 0);
	return 0;
}

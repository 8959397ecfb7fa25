/*-------------------------------------------------------------------------
 *
 * jose_key.c
 *	  Keys as JSON (RFC 7517, RFC 7518 section 6, RFC 8037), and which key is
 *	  good for which algorithm.
 *
 * IDENTIFICATION
 *	  src/jose_key.c
 *
 *-------------------------------------------------------------------------
 */
#include "jose.h"

#include <limits.h>
#include <string.h>

#define length(array) ((int) (sizeof(array) / sizeof((array)[0])))

#define MAX_EXPONENT_BYTES 8	/* of RSA; a longer one only costs time */

/* What an algorithm asks of its key. */
typedef struct AlgRule
{
	const char *name;
	JoseKeyType kty;
	JoseCurve	curve;
} AlgRule;

static const AlgRule alg_rules[JOSE_ALG_COUNT] = {
	[JOSE_ALG_UNKNOWN] = {NULL, JOSE_KTY_OCT, JOSE_CURVE_NONE},
	[JOSE_HS256] = {"HS256", JOSE_KTY_OCT, JOSE_CURVE_NONE},
	[JOSE_HS384] = {"HS384", JOSE_KTY_OCT, JOSE_CURVE_NONE},
	[JOSE_HS512] = {"HS512", JOSE_KTY_OCT, JOSE_CURVE_NONE},
	[JOSE_RS256] = {"RS256", JOSE_KTY_RSA, JOSE_CURVE_NONE},
	[JOSE_RS384] = {"RS384", JOSE_KTY_RSA, JOSE_CURVE_NONE},
	[JOSE_RS512] = {"RS512", JOSE_KTY_RSA, JOSE_CURVE_NONE},
	[JOSE_PS256] = {"PS256", JOSE_KTY_RSA, JOSE_CURVE_NONE},
	[JOSE_PS384] = {"PS384", JOSE_KTY_RSA, JOSE_CURVE_NONE},
	[JOSE_PS512] = {"PS512", JOSE_KTY_RSA, JOSE_CURVE_NONE},
	[JOSE_ES256] = {"ES256", JOSE_KTY_EC, JOSE_P256},
	[JOSE_ES384] = {"ES384", JOSE_KTY_EC, JOSE_P384},
	[JOSE_ES512] = {"ES512", JOSE_KTY_EC, JOSE_P521},
	[JOSE_EDDSA] = {"EdDSA", JOSE_KTY_OKP, JOSE_ED25519},
};

typedef struct CurveRule
{
	const char *name;
	JoseKeyType kty;
	JoseCurve	curve;
	size_t		width;			/* bytes of a coordinate, and of the private
								 * number */
} CurveRule;

static const CurveRule curve_rules[] = {
	{"P-256", JOSE_KTY_EC, JOSE_P256, 32},
	{"P-384", JOSE_KTY_EC, JOSE_P384, 48},
	{"P-521", JOSE_KTY_EC, JOSE_P521, 66},
	{"Ed25519", JOSE_KTY_OKP, JOSE_ED25519, 32},
};

/* Where a key is read from, and where its bytes go. */
typedef struct KeyReader
{
	const JoseJsonText *json;
	int			object;
	uint8_t    *out;
} KeyReader;

/* Whether bytes are those of a name. */
bool
jose_is_name(JoseBytes bytes, const char *name)
{
	return bytes.len == strlen(name) && memcmp(bytes.data, name, bytes.len) == 0;
}

/* The algorithm of a name, in exactly this spelling; JOSE_ALG_UNKNOWN also for "none". */
JoseAlg
jose_alg_by_name(const char *name, size_t len)
{
	JoseBytes	bytes = {(const uint8_t *) name, len};

	for (int alg = JOSE_HS256; alg < JOSE_ALG_COUNT; alg++)
		if (jose_is_name(bytes, alg_rules[alg].name))
			return (JoseAlg) alg;
	return jose_is_name(bytes, "Ed25519") ? JOSE_EDDSA : JOSE_ALG_UNKNOWN;
}

/* The name of an algorithm; NULL for JOSE_ALG_UNKNOWN. */
const char *
jose_alg_name(JoseAlg alg)
{
	return alg_rules[alg].name;
}

bool
jose_key_fits(const JoseKey *key, JoseAlg alg)
{
	if (alg == JOSE_ALG_UNKNOWN || (key->alg != JOSE_ALG_UNKNOWN && key->alg != alg))
		return false;
	return key->kty == alg_rules[alg].kty && key->curve == alg_rules[alg].curve;
}

/* The length in bits of a number without leading zero bytes. */
static size_t
count_bits(JoseBytes number)
{
	size_t		bits = number.len * 8;

	if (number.len > 0)
		for (uint8_t first = number.data[0]; first < 0x80 && bits > 0; first = (uint8_t) (first << 1))
			bits--;
	return bits;
}

bool
jose_key_is_strong(const JoseKey *key, JoseAlg alg)
{
	size_t		bits;

	(void) alg;					/* none asks for more than another */
	switch (key->kty)
	{
		case JOSE_KTY_OCT:
			return key->k.len >= JOSE_MIN_HMAC_BYTES;
		case JOSE_KTY_RSA:
			bits = count_bits(key->n);
			return bits >= JOSE_MIN_RSA_BITS && bits <= JOSE_MAX_RSA_BITS &&
				key->e.len > 0 && key->e.len <= MAX_EXPONENT_BYTES &&
				(key->e.data[key->e.len - 1] & 1) != 0 && count_bits(key->e) > 1;
		default:
			return true;
	}
}

/*
 * The bytes of a base64url member.  False when it is there but no canonical
 * base64url, or empty; without the member, *bytes stays as it is.
 */
static bool
read_bytes(KeyReader *reader, const char *name, JoseBytes *bytes)
{
	const JoseJson *member = jose_json_member(reader->json, reader->object, name);
	int64_t		len;

	if (member == NULL)
		return true;
	if (member->type != JOSE_JSON_STRING)
		return false;
	len = jose_base64url_decode((const char *) member->text.data, member->text.len, reader->out);
	if (len <= 0)
		return false;
	*bytes = (JoseBytes) {reader->out, (size_t) len};
	reader->out += len;
	return true;
}

/* The bytes of a number, without leading zeros; false also for 0. */
static bool
read_number(KeyReader *reader, const char *name, JoseBytes *number)
{
	if (!read_bytes(reader, name, number))
		return false;
	if (number->data == NULL)
		return true;
	while (number->len > 0 && *number->data == 0)
	{
		number->data++;
		number->len--;
	}
	return number->len > 0;
}

/* The bytes of a member that has exactly this length, if it is there. */
static bool
read_exactly(KeyReader *reader, const char *name, size_t width, JoseBytes *bytes)
{
	return read_bytes(reader, name, bytes) && (bytes->data == NULL || bytes->len == width);
}

/* The numbers of an RSA key: n and e, and either no private ones, d alone, or all of two primes. */
static JoseCode
read_rsa(KeyReader *reader, JoseKey *key)
{
	int			primes;

	if (!read_number(reader, "n", &key->n) || !read_number(reader, "e", &key->e) ||
		!read_number(reader, "d", &key->d) ||
		!read_number(reader, "p", &key->p) || !read_number(reader, "q", &key->q) ||
		!read_number(reader, "dp", &key->dp) || !read_number(reader, "dq", &key->dq) ||
		!read_number(reader, "qi", &key->qi))
		return JOSE_KEY;
	if (key->n.data == NULL || key->e.data == NULL || jose_json_member(reader->json, reader->object, "oth") != NULL)
		return JOSE_KEY;
	primes = (key->p.data != NULL) + (key->q.data != NULL) +
		(key->dp.data != NULL) + (key->dq.data != NULL) + (key->qi.data != NULL);
	return primes == 0 || (primes == 5 && key->d.data != NULL) ? JOSE_OK : JOSE_KEY;
}

/* The coordinates of a key on a curve, each of the curve's width. */
static JoseCode
read_point(KeyReader *reader, JoseKey *key)
{
	const JoseJson *crv = jose_json_member(reader->json, reader->object, "crv");
	const CurveRule *rule = NULL;

	if (crv == NULL || crv->type != JOSE_JSON_STRING)
		return JOSE_KEY;
	for (int i = 0; i < length(curve_rules); i++)
		if (curve_rules[i].kty == key->kty && jose_is_name(crv->text, curve_rules[i].name))
			rule = &curve_rules[i];
	if (rule == NULL)
		return JOSE_UNSUPPORTED;
	key->curve = rule->curve;
	if (!read_exactly(reader, "x", rule->width, &key->x) || key->x.data == NULL ||
		!read_exactly(reader, "d", rule->width, &key->d))
		return JOSE_KEY;
	if (key->kty == JOSE_KTY_EC && (!read_exactly(reader, "y", rule->width, &key->y) || key->y.data == NULL))
		return JOSE_KEY;
	return JOSE_OK;
}

/* The type of a key and the bytes that go with it. */
static JoseCode
read_material(KeyReader *reader, JoseKey *key)
{
	const JoseJson *kty = jose_json_member(reader->json, reader->object, "kty");

	if (kty == NULL || kty->type != JOSE_JSON_STRING)
		return JOSE_KEY;
	if (jose_is_name(kty->text, "oct"))
	{
		key->kty = JOSE_KTY_OCT;
		return read_bytes(reader, "k", &key->k) && key->k.data != NULL ? JOSE_OK : JOSE_KEY;
	}
	if (jose_is_name(kty->text, "RSA"))
	{
		key->kty = JOSE_KTY_RSA;
		return read_rsa(reader, key);
	}
	if (jose_is_name(kty->text, "EC"))
		key->kty = JOSE_KTY_EC;
	else if (jose_is_name(kty->text, "OKP"))
		key->kty = JOSE_KTY_OKP;
	else
		return JOSE_UNSUPPORTED;
	return read_point(reader, key);
}

/* What "key_ops" allows: an array of different strings. */
static bool
read_operations(const JoseJsonText *json, const JoseJson *operations, JoseKey *key)
{
	bool		verify = false;
	bool		sign = false;
	int			first = (int) (operations - json->values) + 1;

	if (operations->type != JOSE_JSON_ARRAY)
		return false;
	for (int i = first; i < operations->end; i = json->values[i].end)
	{
		bool	   *seen;

		if (json->values[i].type != JOSE_JSON_STRING)
			return false;
		if (jose_is_name(json->values[i].text, "verify"))
			seen = &verify;
		else if (jose_is_name(json->values[i].text, "sign"))
			seen = &sign;
		else
			continue;
		if (*seen)
			return false;
		*seen = true;
	}
	key->may_verify = key->may_verify && verify;
	key->may_sign = key->may_sign && sign;
	return true;
}

/* What a key says of its use: alg, use and key_ops.  One for an algorithm that we do not know serves nothing. */
static JoseCode
read_purpose(KeyReader *reader, JoseKey *key)
{
	const JoseJson *alg = jose_json_member(reader->json, reader->object, "alg");
	const JoseJson *use = jose_json_member(reader->json, reader->object, "use");
	const JoseJson *operations = jose_json_member(reader->json, reader->object, "key_ops");

	key->may_verify = true;
	key->may_sign = key->kty == JOSE_KTY_OCT || key->d.data != NULL;
	if ((alg != NULL && alg->type != JOSE_JSON_STRING) || (use != NULL && use->type != JOSE_JSON_STRING))
		return JOSE_KEY;
	if (operations != NULL && !read_operations(reader->json, operations, key))
		return JOSE_KEY;
	if (use != NULL && !jose_is_name(use->text, "sig"))
		key->may_verify = key->may_sign = false;
	if (alg != NULL)
	{
		JoseAlg		named = jose_alg_by_name((const char *) alg->text.data, alg->text.len);

		/*
		 * RFC 7520's key of curve P-521 goes about with a name that no
		 * algorithm has.
		 */
		if (named == JOSE_ALG_UNKNOWN && jose_is_name(alg->text, "ES521"))
			named = JOSE_ES512;
		if (named == JOSE_ALG_UNKNOWN)
			key->may_verify = key->may_sign = false;
		else if (!jose_key_fits(key, named))
			return JOSE_KEY;
		key->alg = named;
	}
	return JOSE_OK;
}

/* Reads the JWK that is an object of the text. */
static JoseCode
read_key(KeyReader *reader, JoseKey *key)
{
	const JoseJson *kid;
	JoseCode	code;

	memset(key, 0, sizeof(JoseKey));
	code = read_material(reader, key);
	if (code == JOSE_OK)
		code = read_purpose(reader, key);
	if (code != JOSE_OK)
		return code;
	kid = jose_json_member(reader->json, reader->object, "kid");
	if (kid == NULL)
		return JOSE_OK;
	if (kid->type != JOSE_JSON_STRING || kid->text.len > JOSE_MAX_KID)
		return JOSE_KEY;
	memcpy(reader->out, kid->text.data, kid->text.len);
	key->kid = (JoseBytes) {reader->out, kid->text.len};
	reader->out += kid->text.len;
	return JOSE_OK;
}

/* The keys of a set, those apart that we do not know. */
static JoseCode
read_keys(KeyReader *reader, JoseKeySet *set, const JoseJson *keys)
{
	const JoseJson *values = reader->json->values;
	int			first = (int) (keys - values) + 1;

	for (int i = first; i < keys->end; i = values[i].end)
	{
		JoseCode	code;

		if (values[i].type != JOSE_JSON_OBJECT)
			return JOSE_KEY;
		reader->object = i;
		code = read_key(reader, &set->keys[set->nkeys]);
		if (code == JOSE_OK)
			set->nkeys++;
		else if (code != JOSE_UNSUPPORTED)
			return code;
	}
	return JOSE_OK;
}

/* Overwrites secrets, also when the compiler sees that nobody reads them again. */
static void
wipe(void *block, size_t size)
{
	volatile uint8_t *at = block;

	while (size-- > 0)
		*at++ = 0;
}

/* Reads the keys of a text that was read as JSON. */
static JoseCode
read_set(JoseKeySet *set, const JoseJsonText *json, size_t len, const JoseMemory *memory)
{
	const JoseJson *keys = jose_json_member(json, 0, "keys");
	KeyReader	reader = {json, 0, NULL};
	int			room = 1;
	JoseCode	code;

	if (json->values[0].type != JOSE_JSON_OBJECT)
		return JOSE_KEY;
	if (keys != NULL)
	{
		if (keys->type != JOSE_JSON_ARRAY || keys->nmembers > JOSE_MAX_KEYS ||
			jose_json_member(json, 0, "kty") != NULL)
			return JOSE_KEY;
		room = keys->nmembers > 0 ? keys->nmembers : 1;
	}
	/* Bytes and names are never longer than the text that they stand in. */
	set->keys = memory->alloc(memory->arg, (size_t) room * sizeof(JoseKey));
	set->block = reader.out = memory->alloc(memory->arg, len);
	set->block_size = len;
	if (keys != NULL)
		return read_keys(&reader, set, keys);
	code = read_key(&reader, &set->keys[0]);
	set->nkeys = code == JOSE_OK;
	return code;
}

JoseCode
jose_read_jwks(JoseKeySet *set, const char *text, size_t len, const JoseMemory *memory)
{
	JoseJsonText json;
	JoseCode	code;

	memset(set, 0, sizeof(JoseKeySet));
	if (!jose_json_read(&json, text, len, memory))
		return JOSE_KEY;
	code = read_set(set, &json, len, memory);
	if (json.strings != NULL)
		wipe(json.strings, len);
	jose_json_free(&json, memory);
	if (code != JOSE_OK)
		jose_free_jwks(set, memory);
	return code;
}

void
jose_free_jwks(JoseKeySet *set, const JoseMemory *memory)
{
	for (int i = 0; i < set->nkeys; i++)
		jose_release_key(&set->keys[i]);
	if (set->block != NULL)
	{
		wipe(set->block, set->block_size);
		memory->release(memory->arg, set->block);
	}
	if (set->keys != NULL)
		memory->release(memory->arg, set->keys);
	memset(set, 0, sizeof(JoseKeySet));
}

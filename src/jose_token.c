/*-------------------------------------------------------------------------
 *
 * jose_token.c
 *	  A token's three segments, its header, and the key that it is to be
 *	  checked with.
 *
 * IDENTIFICATION
 *	  src/jose_token.c
 *
 *-------------------------------------------------------------------------
 */
#include "jose.h"

#include <string.h>

#define MEDIA_PREFIX "application/"

static bool
is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Decodes a segment to *out and moves that on. */
static bool
decode_segment(const char *text, const char *end, uint8_t **out, JoseBytes *segment)
{
	int64_t		len = jose_base64url_decode(text, (size_t) (end - text), *out);

	if (len < 0)
		return false;
	*segment = (JoseBytes) {*out, (size_t) len};
	*out += len;
	return true;
}

/*
 * Takes a token apart.  A text with another number of segments than three,
 * without a header, or with white space around it is no token at all.  The
 * text has to stay until the signature was checked.  Nothing to free unless
 * the answer is JOSE_OK.
 */
JoseCode
jose_split(JoseToken *token, const char *text, size_t len, size_t max_bytes, const JoseMemory *memory)
{
	const char *end = text + len;
	const char *first;
	const char *second;
	uint8_t    *out;

	memset(token, 0, sizeof(JoseToken));
	if (len > max_bytes)
		return JOSE_SIZE;
	if (len == 0 || is_space(text[0]) || is_space(end[-1]))
		return JOSE_FORMAT;
	first = memchr(text, '.', len);
	if (first == NULL || first == text)
		return JOSE_FORMAT;
	second = memchr(first + 1, '.', (size_t) (end - first - 1));
	if (second == NULL || memchr(second + 1, '.', (size_t) (end - second - 1)) != NULL)
		return JOSE_FORMAT;
	token->block = out = memory->alloc(memory->arg, jose_base64url_decoded_size(len));
	if (!decode_segment(text, first, &out, &token->header) ||
		!decode_segment(first + 1, second, &out, &token->payload) ||
		!decode_segment(second + 1, end, &out, &token->signature))
	{
		jose_free_token(token, memory);
		return JOSE_BASE64;
	}
	token->signed_part = (JoseBytes) {(const uint8_t *) text, (size_t) (second - text)};
	return JOSE_OK;
}

/* A letter as small letter; others as they are. */
static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* Whether bytes begin with ASCII text, in any case. */
static bool
begins_with(JoseBytes bytes, JoseBytes text)
{
	if (bytes.len < text.len)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (lower(bytes.data[i]) != lower(text.data[i]))
			return false;
	return true;
}

/* A media type as "typ" may write it: without application/ (RFC 7515 section 4.1.9). */
static JoseBytes
short_type(JoseBytes type)
{
	JoseBytes	prefix = {(const uint8_t *) MEDIA_PREFIX, strlen(MEDIA_PREFIX)};

	if (begins_with(type, prefix))
		return (JoseBytes) {type.data + prefix.len, type.len - prefix.len};
	return type;
}

/* Whether two media types are one. */
static bool
same_type(JoseBytes a, JoseBytes b)
{
	a = short_type(a);
	b = short_type(b);
	return a.len == b.len && begins_with(a, b);
}

static bool
is_known_type(JoseBytes type)
{
	return same_type(type, (JoseBytes) {(const uint8_t *) "JWT", 3}) ||
		same_type(type, (JoseBytes) {(const uint8_t *) "at+jwt", 6});
}

/*
 * The members of a header that mean something.  Others are ignored, also
 * jwk, jku, x5u and x5c: keys come from us, never from a token.
 */
static JoseCode
read_members(JoseToken *token, const JoseJsonText *json)
{
	const JoseJson *alg = jose_json_member(json, 0, "alg");
	const JoseJson *kid = jose_json_member(json, 0, "kid");
	const JoseJson *typ = jose_json_member(json, 0, "typ");

	if (json->values[0].type != JOSE_JSON_OBJECT)
		return JOSE_HEADER_JSON;
	if ((kid != NULL && kid->type != JOSE_JSON_STRING) || (typ != NULL && typ->type != JOSE_JSON_STRING))
		return JOSE_HEADER_JSON;
	if (alg == NULL || alg->type != JOSE_JSON_STRING)
		return JOSE_ALG;
	token->alg = jose_alg_by_name((const char *) alg->text.data, alg->text.len);
	if (token->alg == JOSE_ALG_UNKNOWN)
		return JOSE_ALG;
	if (jose_json_member(json, 0, "crit") != NULL || jose_json_member(json, 0, "b64") != NULL)
		return JOSE_CRIT;
	if (kid != NULL)
		token->kid = kid->text;
	if (typ != NULL)
	{
		token->has_typ = true;
		token->typ = typ->text;
		token->typ_is_known = is_known_type(typ->text);
	}
	token->has_cty = jose_json_member(json, 0, "cty") != NULL;
	return JOSE_OK;
}

/* Reads the header of a token that was split; jose_free_token() is due in any case. */
JoseCode
jose_read_header(JoseToken *token, const JoseMemory *memory)
{
	JoseJsonText json;
	JoseCode	code;

	if (!jose_json_read(&json, (const char *) token->header.data, token->header.len, memory))
		return JOSE_HEADER_JSON;
	code = read_members(token, &json);
	/* kid and typ may point into it. */
	token->strings = json.strings;
	json.strings = NULL;
	jose_json_free(&json, memory);
	return code;
}

/* Whether a header says what is asked for.  A signature alone may stand over anything. */
JoseCode
jose_check_header(const JoseToken *token, const JoseOptions *options)
{
	if (options->algorithms != 0 && (options->algorithms & UINT32_C(1) << token->alg) == 0)
		return JOSE_ALG;
	if (options->signature_only)
		return JOSE_OK;
	if (options->typ.data != NULL)
	{
		if (!token->has_typ || !same_type(token->typ, options->typ))
			return JOSE_TYP;
	}
	else if (token->has_typ && !token->typ_is_known)
		return JOSE_TYP;
	return token->has_cty ? JOSE_TYP : JOSE_OK;
}

/* Whether a key may be the one of a token by its name. */
static bool
is_named(const JoseKey *key, JoseBytes kid)
{
	if (kid.data == NULL)
		return true;
	return key->kid.data != NULL && key->kid.len == kid.len && memcmp(key->kid.data, kid.data, kid.len) == 0;
}

/*
 * Whether a key may be used for an algorithm.  For a signature alone, the "alg"
 * of an RSA key names the least hash: RFC 7520's key for PS256 has signed with
 * PS384.  A token must have exactly the key's algorithm.
 */
static bool
is_fit(const JoseKey *key, JoseAlg alg, const JoseOptions *options)
{
	if (jose_key_fits(key, alg))
		return true;
	return options->signature_only && key->kty == JOSE_KTY_RSA && key->alg < alg &&
		((key->alg >= JOSE_RS256 && alg <= JOSE_RS512) || (key->alg >= JOSE_PS256 && alg <= JOSE_PS512));
}

/*
 * The one key of a token: of those that have the token's kid, or of all when
 * it has none, the only one that fits its algorithm and may verify.
 */
JoseCode
jose_choose_key(const JoseToken *token, const JoseKeySet *set, const JoseOptions *options, const JoseKey **key)
{
	int			candidates = 0;
	int			fitting = 0;
	int			usable = 0;
	const JoseKey *found = NULL;

	*key = NULL;
	for (int i = 0; i < set->nkeys; i++)
	{
		if (!is_named(&set->keys[i], token->kid))
			continue;
		candidates++;
		if (!is_fit(&set->keys[i], token->alg, options))
			continue;
		fitting++;
		if (!set->keys[i].may_verify)
			continue;
		usable++;
		found = &set->keys[i];
	}
	if (candidates == 1 && fitting == 0)
		return JOSE_ALG;
	if (usable != 1)
		return JOSE_KEY;
	if (!options->signature_only && !jose_key_is_strong(found, token->alg))
		return JOSE_KEY;
	*key = found;
	return JOSE_OK;
}

/* Frees a token; may be called twice. */
void
jose_free_token(JoseToken *token, const JoseMemory *memory)
{
	if (token->block != NULL)
		memory->release(memory->arg, token->block);
	if (token->strings != NULL)
		memory->release(memory->arg, token->strings);
	memset(token, 0, sizeof(JoseToken));
}

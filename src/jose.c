/*-------------------------------------------------------------------------
 *
 * jose.c
 *	  The whole way of a token, and the names of what can be wrong with it.
 *
 * IDENTIFICATION
 *	  src/jose.c
 *
 *-------------------------------------------------------------------------
 */
#include "jose.h"

#include <string.h>

typedef struct CodeText
{
	const char *name;
	const char *message;
} CodeText;

/* PostgREST's words where it has some, so that clients see one language. */
static const CodeText code_texts[] = {
	[JOSE_OK] = {"ok", NULL},
	[JOSE_FORMAT] = {"format", "Expected 3 parts in JWT"},
	[JOSE_SIZE] = {"size", "JWT is too long"},
	[JOSE_BASE64] = {"base64", "JWT is not canonical base64url"},
	[JOSE_HEADER_JSON] = {"header_json", "Parsing the header of the JWT failed"},
	[JOSE_ALG] = {"alg", "Wrong or unsupported encoding algorithm"},
	[JOSE_CRIT] = {"crit", "JWT has critical extensions, of which none is supported"},
	[JOSE_TYP] = {"typ", "Unsupported token type"},
	[JOSE_KEY] = {"key", "No suitable key or wrong key type"},
	[JOSE_SIGNATURE] = {"signature", "JWT cryptographic operation failed"},
	[JOSE_PAYLOAD_JSON] = {"payload_json", "Parsing claims failed"},
	[JOSE_CLAIMS_TIME] = {"claims_time", "JWT is not valid now"},
	[JOSE_CLAIMS_AUD] = {"claims_aud", "JWT not in audience"},
	[JOSE_CLAIMS_ISS] = {"claims_iss", "JWT not from the expected issuer"},
	[JOSE_CLAIMS_REQUIRED] = {"claims_required", "JWT lacks a required claim"},
	[JOSE_UNSUPPORTED] = {"unsupported", "The server was built without this encoding algorithm"},
};

/* The text of a code that SQL shows. */
const char *
jose_code_name(JoseCode code)
{
	return code_texts[code].name;
}

/* The message of a code; NULL for JOSE_OK. */
const char *
jose_code_message(JoseCode code)
{
	return code_texts[code].message;
}

/* The steps up to the signature: JOSE_OK when it was checked and matched. */
static JoseCode
check_signature(JoseToken *token, const char *text, size_t len, const JoseKeySet *set, const JoseOptions *options,
				const JoseMemory *memory)
{
	const JoseKey *key;
	JoseCode	code;

	code = jose_split(token, text, len, options->max_bytes, memory);
	if (code == JOSE_OK)
		code = jose_read_header(token, memory);
	if (code == JOSE_OK)
		code = jose_check_header(token, options);
	if (code == JOSE_OK)
		code = jose_choose_key(token, set, options, &key);
	if (code == JOSE_OK)
		code = jose_verify(key, token->alg, token->signed_part, token->signature);
	return code;
}

/*
 * Walks the whole way; see jose.h.  Whatever goes wrong, what was decoded so
 * far is freed here, so that nobody can take claims that nobody vouches for.
 */
void
jose_check(JoseResult *result, JoseToken *token, JoseJsonText *claims, const char *text, size_t len,
		   const JoseKeySet *set, const JoseOptions *options, const JoseMemory *memory)
{
	JoseJsonText json = {NULL, 0, NULL};
	bool		good;

	memset(result, 0, sizeof(JoseResult));
	if (claims != NULL)
		*claims = json;
	result->code = check_signature(token, text, len, set, options, memory);
	if (result->code == JOSE_OK && !options->signature_only)
	{
		result->code = jose_check_payload(token, &json, memory);
		if (result->code == JOSE_OK)
			result->code = jose_check_claims(&json, options, result);
	}
	good = result->code == JOSE_OK || result->expired;
	if (good)
		result->payload = token->payload;
	else
		jose_free_token(token, memory);
	if (good && claims != NULL)
		*claims = json;
	else
		jose_json_free(&json, memory);
	if (result->code == JOSE_FORMAT && len == 0)
		result->message = "Empty JWT";
	else if (result->message == NULL)
		result->message = jose_code_message(result->code);
}

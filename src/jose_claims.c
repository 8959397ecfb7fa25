/*-------------------------------------------------------------------------
 *
 * jose_claims.c
 *	  The payload of a token whose signature matched: its JSON, and the claims
 *	  that say whom it is for and when (RFC 7519 section 4.1).
 *
 * IDENTIFICATION
 *	  src/jose_claims.c
 *
 *-------------------------------------------------------------------------
 */
#include "jose.h"

#include <string.h>

static bool
same_bytes(JoseBytes a, JoseBytes b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* Refuses with a message of its own. */
static JoseCode
refuse(JoseResult *result, JoseCode code, const char *message)
{
	result->message = message;
	return code;
}

/* Reads the payload; nothing to free unless the answer is JOSE_OK. */
JoseCode
jose_check_payload(const JoseToken *token, JoseJsonText *json, const JoseMemory *memory)
{
	if (!jose_json_read(json, (const char *) token->payload.data, token->payload.len, memory))
		return JOSE_PAYLOAD_JSON;
	if (json->values[0].type == JOSE_JSON_OBJECT)
		return JOSE_OK;
	jose_json_free(json, memory);
	return JOSE_PAYLOAD_JSON;
}

/* The seconds of a time claim, if it is there: false when it is no time, as null is none. */
static bool
read_time(const JoseJson *claim, int64_t *seconds)
{
	return claim == NULL || jose_json_seconds(claim, seconds);
}

/* nbf and iat, and that exp is a time.  What is added or taken away stays far from overflow: times are bounded. */
static JoseCode
check_times(const JoseJsonText *json, int64_t now, int64_t leeway, JoseResult *result, bool *expired)
{
	const JoseJson *exp = jose_json_member(json, 0, "exp");
	const JoseJson *nbf = jose_json_member(json, 0, "nbf");
	const JoseJson *iat = jose_json_member(json, 0, "iat");
	int64_t		seconds = 0;

	if (!read_time(exp, &seconds))
		return refuse(result, JOSE_CLAIMS_TIME, "The JWT 'exp' claim must be a number");
	*expired = exp != NULL && now >= seconds + leeway;
	if (!read_time(nbf, &seconds))
		return refuse(result, JOSE_CLAIMS_TIME, "The JWT 'nbf' claim must be a number");
	if (nbf != NULL && now < seconds - leeway)
		return refuse(result, JOSE_CLAIMS_TIME, "JWT not yet valid");
	if (!read_time(iat, &seconds))
		return refuse(result, JOSE_CLAIMS_TIME, "The JWT 'iat' claim must be a number");
	if (iat != NULL && now < seconds - leeway)
		return refuse(result, JOSE_CLAIMS_TIME, "JWT issued at future");
	return JOSE_OK;
}

/* aud: the wanted audience, or an array of strings that has it. */
static JoseCode
check_audience(const JoseJsonText *json, JoseBytes audience, JoseResult *result)
{
	const JoseJson *aud = jose_json_member(json, 0, "aud");
	bool		found = false;

	if (aud == NULL)
		return JOSE_CLAIMS_AUD;
	if (aud->type == JOSE_JSON_STRING)
		return same_bytes(aud->text, audience) ? JOSE_OK : JOSE_CLAIMS_AUD;
	if (aud->type != JOSE_JSON_ARRAY)
		return refuse(result, JOSE_CLAIMS_AUD, "The JWT 'aud' claim must be a string or an array of strings");
	for (int i = (int) (aud - json->values) + 1; i < aud->end; i = json->values[i].end)
	{
		if (json->values[i].type != JOSE_JSON_STRING)
			return refuse(result, JOSE_CLAIMS_AUD, "The JWT 'aud' claim must be a string or an array of strings");
		found = found || same_bytes(json->values[i].text, audience);
	}
	return found ? JOSE_OK : JOSE_CLAIMS_AUD;
}

/* Claims that must be there and not null; a missing time has the code of times. */
static JoseCode
check_required(const JoseJsonText *json, const JoseOptions *options, JoseResult *result)
{
	for (int i = 0; i < options->nrequired; i++)
	{
		const JoseJson *claim = jose_json_find(json, 0, options->required[i]);

		if (claim != NULL && claim->type != JOSE_JSON_NULL)
			continue;
		if (jose_is_name(options->required[i], "exp"))
			return refuse(result, JOSE_CLAIMS_TIME, "The JWT has no 'exp' claim");
		if (jose_is_name(options->required[i], "nbf"))
			return refuse(result, JOSE_CLAIMS_TIME, "The JWT has no 'nbf' claim");
		if (jose_is_name(options->required[i], "iat"))
			return refuse(result, JOSE_CLAIMS_TIME, "The JWT has no 'iat' claim");
		return JOSE_CLAIMS_REQUIRED;
	}
	return JOSE_OK;
}

/*
 * Whether the claims are good.  exp comes last: a token that is expired and
 * has another fault is not called expired.
 */
JoseCode
jose_check_claims(const JoseJsonText *json, const JoseOptions *options, JoseResult *result)
{
	int64_t		leeway = options->leeway < 0 ? 0 : options->leeway > JOSE_MAX_LEEWAY ? JOSE_MAX_LEEWAY : options->leeway;
	const JoseJson *iss;
	bool		expired = false;
	JoseCode	code;

	result->expired = false;
	code = check_times(json, options->now, leeway, result, &expired);
	if (code == JOSE_OK && options->audience.data != NULL)
		code = check_audience(json, options->audience, result);
	if (code == JOSE_OK && options->issuer.data != NULL)
	{
		iss = jose_json_member(json, 0, "iss");
		if (iss == NULL || iss->type != JOSE_JSON_STRING || !same_bytes(iss->text, options->issuer))
			code = JOSE_CLAIMS_ISS;
	}
	if (code == JOSE_OK)
		code = check_required(json, options, result);
	if (code != JOSE_OK || !expired)
		return code;
	result->expired = true;
	return refuse(result, JOSE_CLAIMS_TIME, "JWT expired");
}

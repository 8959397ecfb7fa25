/*-------------------------------------------------------------------------
 *
 * request_sql.c
 *	  What PostgREST left in settings about the request: headers, cookies,
 *	  claims.
 *
 * It logs in as authenticator.  In a session of anybody else these settings
 * say what that session's user has written into them, and are not read.
 *
 * IDENTIFICATION
 *	  src/request_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "statbus.h"

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "jose_sql.h"

PG_FUNCTION_INFO_V1(statbus_request_header);
PG_FUNCTION_INFO_V1(statbus_request_cookie);
PG_FUNCTION_INFO_V1(statbus_request_claims);

/*
 * Read a setting of the request as JSON, to be freed with the same memory.
 * False, with nothing to free, when this is no request of PostgREST or the
 * setting holds something else.
 */
static bool
read_setting(const char *setting, JoseJsonText *json, const JoseMemory *memory)
{
	const char *value = GetConfigOption(setting, true, false);

	return value != NULL && value[0] != '\0' &&
		GetSessionUserId() == get_role_oid("authenticator", true) &&
		jose_json_read(json, value, strlen(value), memory);
}

/* The text of a member of a setting's object; NULL when there is none. */
static text *
member_of_setting(const char *setting, const char *name, size_t len)
{
	JoseMemory	memory = jose_memory(NULL);
	JoseJsonText json;
	const JoseJson *member;
	text	   *result = NULL;

	if (!read_setting(setting, &json, &memory))
		return NULL;
	member = jose_json_find(&json, 0, (JoseBytes) {(const uint8_t *) name, len});
	if (member != NULL && member->type == JOSE_JSON_STRING)
		result = cstring_to_text_with_len((const char *) member->text.data, (int) member->text.len);
	jose_json_free(&json, &memory);
	return result;
}

/*
 * auth.request_header(name text) → text.  PostgREST writes names in lower
 * case, and of several headers with one name the last.
 */
Datum
statbus_request_header(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	text	   *value;

	for (char *c = name; *c != '\0'; c++)
		*c = (char) pg_ascii_tolower((unsigned char) *c);
	value = member_of_setting("request.headers", name, strlen(name));
	if (value == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(value);
}

/* auth.request_cookie(name text) → text */
Datum
statbus_request_cookie(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	text	   *value = member_of_setting("request.cookies", VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));

	if (value == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(value);
}

/* auth.request_claims() → jsonb: an object, or NULL. */
Datum
statbus_request_claims(PG_FUNCTION_ARGS)
{
	JoseMemory	memory = jose_memory(NULL);
	JoseJsonText json;
	Jsonb	   *claims = NULL;

	(void) fcinfo;
	if (!read_setting("request.jwt.claims", &json, &memory))
		PG_RETURN_NULL();
	if (json.values[0].type == JOSE_JSON_OBJECT)
		claims = jose_json_to_jsonb(&json);
	jose_json_free(&json, &memory);
	if (claims == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(claims);
}

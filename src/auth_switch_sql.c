/*-------------------------------------------------------------------------
 *
 * auth_switch_sql.c
 *	  Taking on the role of a token, on a direct connection.
 *
 * The token only says which role.  Whether the session may take it on is the
 * server's decision, as with SET ROLE: session_user must be a member.
 *
 * IDENTIFICATION
 *	  src/auth_switch_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "auth.h"
#include "auth_keys.h"

PG_FUNCTION_INFO_V1(statbus_auth_jwt_switch_role);

static void refuse_token(const char *why);
static void refuse_role(void);
static Jsonb *claims_of_token(Datum value);
static char *text_claim(Jsonb *claims, const char *name);
static Oid	ordinary_role(const char *name);

/*
 * auth.jwt_switch_role(token_value text) → void: the role of an access token,
 * until the end of the transaction.
 */
Datum
statbus_auth_jwt_switch_role(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {JSONBOID};
	Oid			may_request;
	Jsonb	   *claims;
	char	   *name;

	if (!IsTransactionBlock())
		ereport(ERROR,
				(errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
				 errmsg("auth.jwt_switch_role() can only be used in transaction blocks"),
				 errdetail("The role is taken on until the end of the transaction.")));
	if (PG_ARGISNULL(0))
		refuse_token("Token is NULL");
	claims = claims_of_token(PG_GETARG_DATUM(0));
	name = text_claim(claims, "role");
	if (name == NULL)
		refuse_token("It names no role");
	if (!OidIsValid(ordinary_role(name)))
		refuse_role();

	/* The new role may not be able to look it up. */
	may_request = LookupFuncName(list_make2(makeString("auth"), makeString("may_request")), 1, types, false);

	/*
	 * As SET LOCAL ROLE: membership is checked, and a SECURITY DEFINER
	 * function is refused.
	 */
	(void) set_config_option("role", name, superuser() ? PGC_SUSET : PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);

	/*
	 * Is the role, now, that of a live user, and his session still there?  An
	 * error takes the role back.
	 */
	if (!DatumGetBool(OidFunctionCall1(may_request, JsonbPGetDatum(claims))))
		refuse_token("Its user or its session is no longer there");
	PG_RETURN_VOID();
}

/* The reason is one of a fixed set of texts, and never part of the token. */
static void
refuse_token(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("the token does not sign you in"),
			 errdetail("%s.", why)));
}

/* The name is not repeated: it is part of the token. */
static void
refuse_role(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_ROLE_SPECIFICATION),
			 errmsg("the role of the token is not there, or not one that a token may give")));
}

/* The claims of a good access token; 28000 when it is not one. */
static Jsonb *
claims_of_token(Datum value)
{
	JoseVerdict verdict;
	char	   *type;

	auth_check_token(&verdict, value);
	if (verdict.code != JOSE_OK)
		refuse_token(verdict.message);
	type = text_claim(verdict.claims, "type");
	if (type == NULL || strcmp(type, "access") != 0)
		refuse_token("It is not an access token");
	return verdict.claims;
}

/* A claim that is a text, or NULL.  The parser lets no NUL through. */
static char *
text_claim(Jsonb *claims, const char *name)
{
	JsonbValue	space;
	JsonbValue *value = getKeyJsonValueFromContainer(&claims->root, name, strlen(name), &space);

	return value != NULL && value->type == jbvString ? pnstrdup(value->val.string.val, value->val.string.len) : NULL;
}

/*
 * A role that a token may give; InvalidOid when there is none of the name.
 * "none" would give back the role of the session.
 */
static Oid
ordinary_role(const char *name)
{
	Oid			role;

	/* A longer name would be cut to another one. */
	if (strlen(name) >= NAMEDATALEN || pg_strcasecmp(name, "none") == 0 || IsReservedName(name))
		return InvalidOid;
	role = get_role_oid(name, true);
	return OidIsValid(role) && !statbus_role_rules_server(role) ? role : InvalidOid;
}

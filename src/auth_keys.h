/*-------------------------------------------------------------------------
 *
 * auth_keys.h
 *	  The keys of this register's tokens.
 *
 * IDENTIFICATION
 *	  src/auth_keys.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_AUTH_KEYS_H
#define STATBUS_AUTH_KEYS_H

#include "statbus.h"

#include "access/htup.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"

#include "jose.h"
#include "jose_sql.h"

/* Columns of auth.secrets and auth.signing_key: member tables, to which columns are only ever added. */
#define SECRET_KEY			1
#define SECRET_VALUE		2
#define SECRET_CREATED_AT	3
#define SECRET_COLUMNS		3

#define SIGNING_KEY_KID			1
#define SIGNING_KEY_ALGORITHM	2
#define SIGNING_KEY_STATE		3
#define SIGNING_KEY_PUBLIC_JWK	4
#define SIGNING_KEY_NOT_BEFORE	5
#define SIGNING_KEY_NOT_AFTER	6
#define SIGNING_KEY_CREATED_AT	7

/* A key's secret is the row of auth.secrets with this before its kid. */
#define SECRET_PREFIX "jwt_secret:"

/* Keys are shared secrets (HS) or have a private part that only signing needs. */
#define AUTH_ALG_IS_SHARED(alg) ((alg) >= JOSE_HS256 && (alg) <= JOSE_HS512)

/* A key that verifies now, and perhaps signs. */
typedef struct AuthKey
{
	char	   *kid;
	JoseAlg		alg;
	bool		is_active;
	TimestampTz not_before;
	TimestampTz not_after;
	TimestampTz created_at;
	JoseKey		key;			/* without the private part, if it has one */
} AuthKey;

/* Relations of schema auth; InvalidOid when they are not there. */
extern Oid	auth_relation(const char *name);

/* The keys that verify at this moment.  They stay until the next call of either function. */
extern const JoseKeySet *auth_verifying_keys(TimestampTz now);

/* The key that signs at this moment, of this name if one is given; or NULL. */
extern const AuthKey *auth_signing_key(const char *kid, TimestampTz now);

/* Checks a token, a text, with the keys of the register. */
extern void auth_check_token(JoseVerdict *verdict, Datum token);

/* A copy of a key's row in auth.secrets, or NULL. */
extern HeapTuple auth_find_secret(Relation secrets, const char *kid);

/* Whether a name may be a key's. */
extern bool auth_kid_is_valid(const char *kid);

#endif							/* STATBUS_AUTH_KEYS_H */

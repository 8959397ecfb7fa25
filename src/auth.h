/*-------------------------------------------------------------------------
 *
 * auth.h
 *	  Who is asking.
 *
 * IDENTIFICATION
 *	  src/auth.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUTH_H
#define AUTH_H

#include "utils/uuid.h"

/* A role of the server as a person of this register. */
typedef struct AuthIdentity
{
	Oid			role_id;
	int32		user_id;		/* 0: nobody of this register */
	int			rank;			/* statbus_role, from external_user = 0 up */
	pg_uuid_t	sub;
	char		email[NAMEDATALEN]; /* empty: the built-in user "system" */
} AuthIdentity;

extern AuthIdentity statbus_identity(Oid role_id);

/* Whether a role has rights on the whole server, which no user of a register may have. */
extern bool statbus_role_rules_server(Oid role_id);

/* Whether the current user administers the register, and auth."user".id of him (0: nobody). */
extern bool statbus_is_admin(int32 *user_id);

#endif							/* AUTH_H */

/*-------------------------------------------------------------------------
 *
 * auth_role_sql.c
 *	  The server's roles of a register's users: what SQL cannot do, or not
 *	  safely.
 *
 * Roles belong to the cluster.  Whoever makes or changes one for a user holds
 * a lock of the cluster until the transaction ends, and asks the catalogs with
 * their newest snapshot, so that what another register did before counts at
 * every isolation level.
 *
 * A user's password reaches his role without being part of an SQL statement:
 * the BEFORE trigger hands it over, and the AFTER trigger, when the row is
 * written, has it set.
 *
 * IDENTIFICATION
 *	  src/auth_role_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "commands/defrem.h"
#include "commands/user.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "auth.h"
#include "statbus.h"

/* A password between the two triggers, known by the hash that is stored. */
typedef struct KeptPassword
{
	struct KeptPassword *next;
	char	   *hash;
	char	   *password;
} KeptPassword;

static KeptPassword *kept_passwords = NULL;
static bool forgets_at_end = false;

PG_FUNCTION_INFO_V1(statbus_auth_lock_roles);
PG_FUNCTION_INFO_V1(statbus_auth_role_is_shared);
PG_FUNCTION_INFO_V1(statbus_auth_role_rules_server);
PG_FUNCTION_INFO_V1(statbus_auth_keep_password);
PG_FUNCTION_INFO_V1(statbus_auth_set_role_password);
PG_FUNCTION_INFO_V1(statbus_auth_move_role_password);

/*
 * auth.lock_roles() → void
 *
 * Until the end of the transaction, no other register of the cluster makes or
 * changes the role of a user.  An advisory lock would hold for one database.
 */
Datum
statbus_auth_lock_roles(PG_FUNCTION_ARGS)
{
	LockSharedObject(AuthIdRelationId, get_role_oid("authenticator", false), 0, ShareUpdateExclusiveLock);
	PG_RETURN_VOID();
}

/* Whether an access control list gives a role one of some privileges by name. */
static bool
names_role(const Acl *acl, Oid role, AclMode privileges)
{
	const AclItem *items = ACL_DAT(acl);

	for (int i = 0; i < ACL_NUM(acl); i++)
	{
		if (items[i].ai_grantee == role && (ACLITEM_GET_PRIVS(items[i]) & privileges) != 0)
			return true;
	}
	return false;
}

/* Whether a database other than this one is the role's, or grants it something by name. */
static bool
role_is_shared(Oid role, AclMode privileges)
{
	Relation	databases = table_open(DatabaseRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(databases, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	bool		is_shared = false;

	while (!is_shared && (tuple = systable_getnext(scan)) != NULL)
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);
		bool		isnull;
		Datum		acl = statbus_getattr(tuple, Anum_pg_database_datacl, RelationGetDescr(databases), &isnull);

		if (database->oid != MyDatabaseId)
			is_shared = database->datdba == role || (!isnull && names_role(DatumGetAclP(acl), role, privileges));
	}
	systable_endscan(scan);
	table_close(databases, AccessShareLock);
	return is_shared;
}

/*
 * auth.role_is_shared(role_name text) → boolean: whether another database of
 * the cluster counts on the role.  False for one that does not exist.
 *
 * A register that does not let a role connect grants it TEMPORARY, which is of
 * no use without: that says that it has a user of this name all the same.
 */
Datum
statbus_auth_role_is_shared(PG_FUNCTION_ARGS)
{
	Oid			role = get_role_oid(text_to_cstring(PG_GETARG_TEXT_PP(0)), true);

	PG_RETURN_BOOL(OidIsValid(role) && role_is_shared(role, ACL_ALL_RIGHTS_DATABASE));
}

/* Whether a role may do something to the whole server, by itself or through a role that it is a member of. */
bool
statbus_role_rules_server(Oid role_id)
{
	Relation	roles = table_open(AuthIdRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(roles, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	bool		rules = false;

	while (!rules && (tuple = systable_getnext(scan)) != NULL)
	{
		Form_pg_authid held = (Form_pg_authid) GETSTRUCT(tuple);

		rules = (held->rolsuper || held->rolcreaterole || held->rolreplication || held->rolbypassrls ||
				 IsReservedName(NameStr(held->rolname))) &&
			is_member_of_role_nosuper(role_id, held->oid);
	}
	systable_endscan(scan);
	table_close(roles, AccessShareLock);
	return rules;
}

/*
 * auth.role_rules_server(role_name text) → boolean: whether a role has rights
 * on the whole server.  Whoever comes in through the authenticator may take on
 * the roles of all users, and registers set their passwords, so none of them
 * may be such a role.
 */
Datum
statbus_auth_role_rules_server(PG_FUNCTION_ARGS)
{
	Oid			role = get_role_oid(text_to_cstring(PG_GETARG_TEXT_PP(0)), true);

	PG_RETURN_BOOL(OidIsValid(role) && statbus_role_rules_server(role));
}

/* Forgets what was kept: the memory goes with the transaction, the passwords before. */
static void
forget_passwords(XactEvent event, void *arg)
{
	(void) event;
	(void) arg;

	for (; kept_passwords != NULL; kept_passwords = kept_passwords->next)
		explicit_bzero(kept_passwords->password, strlen(kept_passwords->password));
}

/*
 * auth.keep_password(encrypted_password text, password text) → void
 *
 * Keeps a password until the end of the transaction, for whoever comes with
 * the hash that was made of it.  A hash has a salt of its own, so it names one
 * writing of one row, also when an earlier statement failed halfway.
 */
Datum
statbus_auth_keep_password(PG_FUNCTION_ARGS)
{
	char	   *hash = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *password = text_to_cstring(PG_GETARG_TEXT_PP(1));
	KeptPassword *kept;

	if (!forgets_at_end)
	{
		RegisterXactCallback(forget_passwords, NULL);
		forgets_at_end = true;
	}
	kept = MemoryContextAlloc(TopTransactionContext, sizeof(KeptPassword));
	kept->hash = MemoryContextStrdup(TopTransactionContext, hash);
	kept->password = MemoryContextStrdup(TopTransactionContext, password);
	kept->next = kept_passwords;
	kept_passwords = kept;
	explicit_bzero(password, strlen(password));
	PG_RETURN_VOID();
}

/*
 * Gives a role a password: the clear one, which the server hashes, or a
 * verifier; NULL takes it away.  As ALTER ROLE does it, but without a text of
 * a statement that could be logged.
 */
static void
alter_password(const char *role_name, const char *password)
{
	AlterRoleStmt *stmt = makeNode(AlterRoleStmt);
	Node	   *value = password == NULL ? NULL : (Node *) makeString(pstrdup(password));

	stmt->role = makeNode(RoleSpec);
	stmt->role->roletype = ROLESPEC_CSTRING;
	stmt->role->rolename = pstrdup(role_name);
	stmt->role->location = -1;
	stmt->options = list_make1(makeDefElem("password", value, -1));
	stmt->action = +1;
	AlterRole(make_parsestate(NULL), stmt);
	CommandCounterIncrement();
	if (value != NULL)
		explicit_bzero(strVal(value), strlen(password));
}

/*
 * Whether a register may say what the password of this role is.  Who shares
 * the role only later may still find it so: this needs no lock, which users
 * who change their passwords would keep from administrators.
 */
static bool
password_is_ours(Oid role)
{
	return OidIsValid(role) && !role_is_shared(role, ACL_CONNECT) && !statbus_role_rules_server(role);
}

/*
 * auth.set_role_password(role_name text, encrypted_password text) → boolean
 *
 * Gives a role the password that was kept for a hash, or none when the hash
 * is that of no password (!).  False, and nothing is changed, where no
 * password was kept, and where the role is not for one register to open.
 */
Datum
statbus_auth_set_role_password(PG_FUNCTION_ARGS)
{
	char	   *role_name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *hash = text_to_cstring(PG_GETARG_TEXT_PP(1));
	KeptPassword *kept = kept_passwords;

	while (kept != NULL && strcmp(kept->hash, hash) != 0)
		kept = kept->next;
	if (kept == NULL && strcmp(hash, "!") != 0)
		PG_RETURN_BOOL(false);	/* an old password's new hash, for instance */
	if (!password_is_ours(get_role_oid(role_name, true)))
		PG_RETURN_BOOL(false);
	alter_password(role_name, kept == NULL ? NULL : kept->password);
	PG_RETURN_BOOL(true);
}

/* The verifier of a role's password, or NULL. */
static char *
role_verifier(Oid role)
{
	HeapTuple	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	char	   *verifier = NULL;
	bool		isnull;
	Datum		value;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	value = SysCacheGetAttr(AUTHOID, tuple, Anum_pg_authid_rolpassword, &isnull);
	if (!isnull)
		verifier = TextDatumGetCString(value);
	ReleaseSysCache(tuple);
	return verifier;
}

/*
 * auth.move_role_password(from_role text, to_role text) → boolean
 *
 * When a user's address changes, his new role opens with the password of the
 * old one.  Only SCRAM verifiers can move: others contain the name.  False
 * where there is none, or where one of the roles is not for one register to
 * open.
 */
Datum
statbus_auth_move_role_password(PG_FUNCTION_ARGS)
{
	char	   *to_name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Oid			from = get_role_oid(text_to_cstring(PG_GETARG_TEXT_PP(0)), true);
	char	   *verifier;

	if (!password_is_ours(from) || !password_is_ours(get_role_oid(to_name, true)))
		PG_RETURN_BOOL(false);
	verifier = role_verifier(from);
	if (verifier == NULL || get_password_type(verifier) != PASSWORD_TYPE_SCRAM_SHA_256)
		PG_RETURN_BOOL(false);
	alter_password(to_name, verifier);
	PG_RETURN_BOOL(true);
}

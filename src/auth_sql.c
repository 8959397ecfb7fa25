/*-------------------------------------------------------------------------
 *
 * auth_sql.c
 *	  Who is asking: a role of the server as a person of this register.
 *
 * A person is the role that carries his e-mail address and a live row of
 * auth."user" in this database; the role of a superuser without such a row is
 * the built-in user "system".  Nothing that a client can set is asked.
 *
 * Rights change at once: rows are read with the newest snapshot, as the
 * server reads its catalogs, not with that of the query.  What was read is
 * kept per role until the table or a role changes; a trigger on auth."user"
 * sends the same message that a change of the table's definition would, so it
 * reaches other sessions at commit and this one at the next command, and is
 * undone with the (sub)transaction.
 *
 * IDENTIFICATION
 *	  src/auth_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_enum.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "auth.h"
#include "statbus.h"

/* Roles of this register, from the least to the most that one may do. */
static const char *const ranks[] = {"external_user", "restricted_user", "regular_user", "admin_user"};

/*
 * Identities by role id, each with the number of changes that were known when
 * it was read: any change makes all of them worthless.
 */
#define IDENTITY_SLOTS 128

typedef struct IdentitySlot
{
	uint64		change;			/* 0: empty */
	AuthIdentity identity;
} IdentitySlot;

static IdentitySlot slots[IDENTITY_SLOTS];
static uint64 changes = 1;
static Oid	user_table = InvalidOid;

/*
 * The role that auth.assume_role() has superusers taken for, and the level of
 * the transaction that said so.
 */
static Oid	assumed_role = InvalidOid;
static int	assumed_level = 0;

PG_FUNCTION_INFO_V1(statbus_auth_uid);
PG_FUNCTION_INFO_V1(statbus_auth_sub);
PG_FUNCTION_INFO_V1(statbus_auth_email);
PG_FUNCTION_INFO_V1(statbus_auth_statbus_role);
PG_FUNCTION_INFO_V1(statbus_auth_is_at_least);
PG_FUNCTION_INFO_V1(statbus_auth_caller_id);
PG_FUNCTION_INFO_V1(statbus_auth_caller_is_administrator);
PG_FUNCTION_INFO_V1(statbus_auth_assume_role);
PG_FUNCTION_INFO_V1(statbus_auth_user_changed);

static void watch_changes(void);
static void table_changed(Datum arg, Oid relation_id);
static void role_changed(Datum arg, int cache_id, uint32 hash_value);
static bool read_identity(AuthIdentity *identity);
static bool find_user(Relation table, const char *email, AuthIdentity *identity);
static Oid	email_index(Relation table, AttrNumber email, ScanKey key, const char *value);
static bool fill_identity(Relation table, HeapTuple tuple, AttrNumber email_column, const char *email, AuthIdentity *identity);
static Datum user_column(Relation table, HeapTuple tuple, const char *column, bool *is_null);
static int	rank_of_label(Oid label_id);
static int	find_rank(const char *name);
static AuthIdentity identity_or_assumed(Oid role_id);
static AuthIdentity caller_identity(void);
static void transaction_ended(XactEvent event, void *arg);
static void subtransaction_ended(SubXactEvent event, SubTransactionId id, SubTransactionId parent, void *arg);

/*
 * The person whom a role stands for in this register.  user_id is 0 when that
 * is nobody: no such role, no live user of its name, or no register yet.
 */
AuthIdentity
statbus_identity(Oid role_id)
{
	IdentitySlot *slot = &slots[role_id % IDENTITY_SLOTS];
	AuthIdentity identity;
	uint64		change;

	watch_changes();
	AcceptInvalidationMessages();
	if (slot->change == changes && slot->identity.role_id == role_id)
		return slot->identity;

	/* What changes while we read leaves the slot worthless, not wrong. */
	change = changes;
	memset(&identity, 0, sizeof(identity));
	identity.role_id = role_id;
	if (read_identity(&identity))
	{
		slot->identity = identity;
		slot->change = change;
	}
	return identity;
}

/* Have us called when auth."user" or a role changes; once per session. */
static void
watch_changes(void)
{
	static bool watching = false;

	if (watching)
		return;
	CacheRegisterRelcacheCallback(table_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, role_changed, (Datum) 0);
	RegisterXactCallback(transaction_ended, NULL);
	RegisterSubXactCallback(subtransaction_ended, NULL);
	watching = true;
}

/* Relcache callback: forgets everybody when it is about auth."user". */
static void
table_changed(Datum arg, Oid relation_id)
{
	(void) arg;

	if (relation_id == user_table || !OidIsValid(relation_id))
		changes++;
}

/* Syscache callback: forgets everybody, as a role may have another name or be a superuser now. */
static void
role_changed(Datum arg, int cache_id, uint32 hash_value)
{
	(void) arg;
	(void) cache_id;
	(void) hash_value;

	changes++;
}

/*
 * Read who the role of an identity is.  False when there is no auth."user",
 * whose making nobody would tell us of.
 */
static bool
read_identity(AuthIdentity *identity)
{
	Oid			schema = get_namespace_oid("auth", true);
	char	   *name = GetUserNameFromId(identity->role_id, true);
	Relation	table;

	user_table = OidIsValid(schema) ? get_relname_relid("user", schema) : InvalidOid;
	if (!OidIsValid(user_table))
		return false;
	table = try_table_open(user_table, AccessShareLock);
	if (table == NULL)
		return false;
	if (name != NULL && !find_user(table, name, identity) && superuser_arg(identity->role_id))
		find_user(table, NULL, identity);
	table_close(table, AccessShareLock);
	return true;
}

/*
 * Fill in the live user of an address, which is compared byte by byte as names
 * of roles are; of none: the built-in user.  False when there is none.
 */
static bool
find_user(Relation table, const char *email, AuthIdentity *identity)
{
	AttrNumber	email_column = get_attnum(RelationGetRelid(table), "email");
	ScanKeyData key;
	Oid			index;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	if (email_column == InvalidAttrNumber)
		return false;
	index = email_index(table, email_column, &key, email);
	scan = systable_beginscan(table, index, OidIsValid(index), NULL, OidIsValid(index) ? 1 : 0, &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
		found = fill_identity(table, tuple, email_column, email, identity);
	systable_endscan(scan);
	return found;
}

/*
 * The unique index of addresses and its key for one of them, or for none.
 * InvalidOid when it was dropped; then all rows are looked at.
 */
static Oid
email_index(Relation table, AttrNumber email, ScanKey key, const char *value)
{
	Oid			index_id = get_relname_relid("user_email_key", RelationGetNamespace(table));
	Relation	index;
	bool		fits;

	if (!OidIsValid(index_id) || !list_member_oid(RelationGetIndexList(table), index_id))
		return InvalidOid;
	index = index_open(index_id, AccessShareLock);
	fits = index->rd_index->indnatts == 1 && index->rd_index->indkey.values[0] == email &&
		index->rd_index->indisvalid && index->rd_index->indimmediate && RelationGetIndexPredicate(index) == NIL;
	if (fits && value == NULL)
		ScanKeyEntryInitialize(key, SK_ISNULL | SK_SEARCHNULL, email, InvalidStrategy,
							   InvalidOid, InvalidOid, InvalidOid, (Datum) 0);
	else if (fits)
	{
		Oid			type = index->rd_opcintype[0];
		Oid			equals = get_opfamily_member(index->rd_opfamily[0], type, type, BTEqualStrategyNumber);

		ScanKeyEntryInitialize(key, 0, email, BTEqualStrategyNumber, InvalidOid,
							   index->rd_indcollation[0], get_opcode(equals), CStringGetTextDatum(value));
	}
	index_close(index, AccessShareLock);
	return fits ? index_id : InvalidOid;
}

/* Take over a row, if it is live and has exactly this address (NULL: has none). */
static bool
fill_identity(Relation table, HeapTuple tuple, AttrNumber email_column, const char *email, AuthIdentity *identity)
{
	bool		is_null;
	Datum		value = statbus_getattr(tuple, email_column, RelationGetDescr(table), &is_null);

	if (is_null != (email == NULL))
		return false;
	if (email != NULL)
	{
		text	   *address = DatumGetTextPP(value);

		if (VARSIZE_ANY_EXHDR(address) != strlen(email) ||
			memcmp(VARDATA_ANY(address), email, strlen(email)) != 0)
			return false;
	}
	user_column(table, tuple, "deleted_at", &is_null);
	if (!is_null)
		return false;

	identity->user_id = DatumGetInt32(user_column(table, tuple, "id", &is_null));
	identity->sub = *DatumGetUUIDP(user_column(table, tuple, "sub", &is_null));
	identity->rank = rank_of_label(DatumGetObjectId(user_column(table, tuple, "statbus_role", &is_null)));
	if (email != NULL)
		strlcpy(identity->email, email, NAMEDATALEN);
	return true;
}

/* A column of a row of auth."user", which all but deleted_at are NOT NULL. */
static Datum
user_column(Relation table, HeapTuple tuple, const char *column, bool *is_null)
{
	AttrNumber	number = get_attnum(RelationGetRelid(table), column);

	if (number == InvalidAttrNumber)
		elog(ERROR, "auth.\"user\" has no column \"%s\"", column);
	return statbus_getattr(tuple, number, RelationGetDescr(table), is_null);
}

/* The rank of a label of the enum auth.statbus_role. */
static int
rank_of_label(Oid label_id)
{
	HeapTuple	tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(label_id));
	int			rank;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for enum label %u", label_id);
	rank = find_rank(NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel));
	if (rank < 0)
		elog(ERROR, "statbus role %u has no rank", label_id);
	ReleaseSysCache(tuple);
	return rank;
}

/* The place of a role in the order of ranks, -1 when it is none. */
static int
find_rank(const char *name)
{
	for (int i = 0; i < (int) lengthof(ranks); i++)
	{
		if (strcmp(name, ranks[i]) == 0)
			return i;
	}
	return -1;
}

/*
 * Who asks, when a role does.  Inside auth.explain(), which runs as a
 * superuser, it is the person whom the explanation is about.
 */
static AuthIdentity
identity_or_assumed(Oid role_id)
{
	if (OidIsValid(assumed_role) && superuser())
		role_id = assumed_role;
	return statbus_identity(role_id);
}

/* See auth.h. */
bool
statbus_is_admin(int32 *user_id)
{
	AuthIdentity identity = identity_or_assumed(GetUserId());

	*user_id = identity.user_id;
	return identity.user_id != 0 && identity.rank >= find_rank("admin_user");
}

/* auth.uid() → integer: auth."user".id of the current user. */
Datum
statbus_auth_uid(PG_FUNCTION_ARGS)
{
	AuthIdentity identity = identity_or_assumed(GetUserId());

	if (identity.user_id == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(identity.user_id);
}

/* auth.sub() → uuid: his public identifier. */
Datum
statbus_auth_sub(PG_FUNCTION_ARGS)
{
	AuthIdentity identity = identity_or_assumed(GetUserId());
	pg_uuid_t  *sub;

	if (identity.user_id == 0)
		PG_RETURN_NULL();
	sub = palloc(sizeof(pg_uuid_t));
	*sub = identity.sub;
	PG_RETURN_UUID_P(sub);
}

/* auth.email() → text: his address; "system" has none. */
Datum
statbus_auth_email(PG_FUNCTION_ARGS)
{
	AuthIdentity identity = identity_or_assumed(GetUserId());

	if (identity.user_id == 0 || identity.email[0] == '\0')
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(identity.email));
}

/* auth.statbus_role() → text: his role in this register. */
Datum
statbus_auth_statbus_role(PG_FUNCTION_ARGS)
{
	AuthIdentity identity = identity_or_assumed(GetUserId());

	if (identity.user_id == 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(ranks[identity.rank]));
}

/* auth.is_at_least(statbus_role text) → boolean: whether he holds it or a higher one. */
Datum
statbus_auth_is_at_least(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int			rank = find_rank(name);
	AuthIdentity identity;

	if (rank < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown role \"%s\"", name),
				 errhint("Roles are %s, %s, %s, %s.", ranks[0], ranks[1], ranks[2], ranks[3])));
	identity = identity_or_assumed(GetUserId());
	PG_RETURN_BOOL(identity.user_id != 0 && identity.rank >= rank);
}

/*
 * Who called, also inside a SECURITY DEFINER function: the role that was set,
 * or else logged in.  Nobody where the server runs somebody else's code for
 * the caller (an index expression in a superuser's ANALYZE, for instance):
 * that is not his call.
 */
static AuthIdentity
caller_identity(void)
{
	AuthIdentity nobody = {0};

	return InSecurityRestrictedOperation() ? nobody : identity_or_assumed(GetOuterUserId());
}

/* auth.caller_id() → integer: auth."user".id of who called. */
Datum
statbus_auth_caller_id(PG_FUNCTION_ARGS)
{
	AuthIdentity identity = caller_identity();

	if (identity.user_id == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(identity.user_id);
}

/*
 * auth.caller_is_administrator() → boolean: whether auth.caller_id() is an
 * administrator now, also in a transaction that began when he was one.
 */
Datum
statbus_auth_caller_is_administrator(PG_FUNCTION_ARGS)
{
	AuthIdentity identity = caller_identity();

	PG_RETURN_BOOL(identity.user_id != 0 && identity.rank == lengthof(ranks) - 1);
}

/*
 * auth.assume_role(role_id oid) → void
 *
 * From now on the functions above take whoever runs as a superuser for this
 * role; NULL ends it, as does the end of the (sub)transaction.  For
 * auth.explain(): it grants nothing and changes no role of the server.
 */
Datum
statbus_auth_assume_role(PG_FUNCTION_ARGS)
{
	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to ask as another user")));
	watch_changes();
	assumed_role = PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0);
	assumed_level = GetCurrentTransactionNestLevel();
	PG_RETURN_VOID();
}

/* The end of a transaction ends what assume_role began. */
static void
transaction_ended(XactEvent event, void *arg)
{
	(void) event;
	(void) arg;

	assumed_role = InvalidOid;
}

/* So does that of the subtransaction it began in, or of one around it. */
static void
subtransaction_ended(SubXactEvent event, SubTransactionId id, SubTransactionId parent, void *arg)
{
	(void) id;
	(void) parent;
	(void) arg;

	if ((event == SUBXACT_EVENT_COMMIT_SUB || event == SUBXACT_EVENT_ABORT_SUB) &&
		GetCurrentTransactionNestLevel() <= assumed_level)
		assumed_role = InvalidOid;
}

/*
 * auth.user_changed() → trigger: has every session read its identities again.
 * This one does so at once, and once more at the next command, which is the
 * first to see the new row.
 */
Datum
statbus_auth_user_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("auth.user_changed() is an AFTER trigger")));
	changes++;
	CacheInvalidateRelcache(trigger->tg_relation);
	return PointerGetDatum(NULL);
}

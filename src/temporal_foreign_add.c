/*-------------------------------------------------------------------------
 *
 * temporal_foreign_add.c
 *	  Temporal foreign keys: writing one down in the catalogue.
 *
 * Who owns the child and has REFERENCES on the parent may add a key, as with
 * native ones; CREATE TRIGGER would ask for TRIGGER on both tables.  So the
 * rights are checked here and the triggers are made with the catalogue's own
 * function, as a superuser.  Nothing of the user's is called meanwhile.
 *
 * IDENTIFICATION
 *	  src/temporal_foreign_add.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "temporal_foreign.h"

PG_FUNCTION_INFO_V1(statbus_temporal_foreign_key_lock);
PG_FUNCTION_INFO_V1(statbus_temporal_foreign_key_create);
PG_FUNCTION_INFO_V1(statbus_temporal_foreign_key_validate);

/* What a key is made of. */
typedef struct NewKey
{
	Oid			child;
	Oid			parent;
	List	   *child_columns;	/* of String; the period last, if there is one */
	List	   *parent_columns;
	char	   *name;
	char	   *reference_name; /* of the parent's trigger */
	char	   *action;
	bool		deferrable;
	bool		deferred;
} NewKey;

static List *name_list(ArrayType *array);
static void check_child(Relation child);
static void check_parent(Relation parent, List *columns);
static Relation open_locked(Oid relation);
static void check_and_lock(Oid child_oid, Oid parent_oid, List *parent_columns);
static Oid	trigger_function(const char *name);
static Oid	make_pair_trigger(const NewKey *key, bool on_parent);
static void make_statement_trigger(Oid relation, const char *event);
static const TemporalForeign *key_of_trigger(Relation child, Oid trigger);

/* The names of an array as a list of String nodes. */
static List *
name_list(ArrayType *array)
{
	Datum	   *values;
	bool	   *nulls;
	int			count;
	int			i;
	List	   *result = NIL;

	deconstruct_array(array, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &values, &nulls, &count);
	for (i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("column names must not be NULL")));
		result = lappend(result, makeString(pstrdup(NameStr(*DatumGetName(values[i])))));
	}
	return result;
}

/* Raise unless the caller owns the child. */
static void
check_child(Relation child)
{
	if (!object_ownercheck(RelationRelationId, RelationGetRelid(child), GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, RelationGetRelationName(child));
}

/* Raise unless the caller may reference the table, or each of these columns. */
static void
check_parent(Relation parent, List *columns)
{
	Oid			relation = RelationGetRelid(parent);
	ListCell   *cell;

	if (pg_class_aclcheck(relation, GetUserId(), ACL_REFERENCES) == ACLCHECK_OK)
		return;
	foreach(cell, columns)
	{
		AttrNumber	number = get_attnum(relation, strVal(lfirst(cell)));

		if (number == InvalidAttrNumber ||
			pg_attribute_aclcheck(relation, number, GetUserId(), ACL_REFERENCES) != ACLCHECK_OK)
			aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, RelationGetRelationName(parent));
	}
	if (columns == NIL)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, RelationGetRelationName(parent));
}

/* Open one of the tables, against writers; raise unless it is a plain one. */
static Relation
open_locked(Oid relation)
{
	Relation	result = table_open(relation, ShareRowExclusiveLock);

	if (result->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("temporal foreign keys are not supported on relation \"%s\"", RelationGetRelationName(result)),
				 errdetail("Both sides must be plain tables.")));
	if (IsCatalogRelation(result))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied: \"%s\" is a system catalog", RelationGetRelationName(result))));
	return result;
}

/*
 * Check the caller's rights and lock both tables against writers, until the
 * transaction ends.
 */
static void
check_and_lock(Oid child_oid, Oid parent_oid, List *parent_columns)
{
	Relation	child = table_open(child_oid, AccessShareLock);
	Relation	parent = table_open(parent_oid, AccessShareLock);
	char		child_kind;
	char		parent_kind;

	/* rights first: who has none must not wait, nor make others wait */
	check_child(child);
	check_parent(parent, parent_columns);
	table_close(child, NoLock);
	table_close(parent, NoLock);

	parent = open_locked(parent_oid);
	child = open_locked(child_oid);
	child_kind = child->rd_rel->relpersistence;
	parent_kind = parent->rd_rel->relpersistence;
	if ((child_kind == RELPERSISTENCE_TEMP) != (parent_kind == RELPERSISTENCE_TEMP) ||
		(child_kind == RELPERSISTENCE_PERMANENT && parent_kind != RELPERSISTENCE_PERMANENT) ||
		RELATION_IS_OTHER_TEMP(child) || RELATION_IS_OTHER_TEMP(parent))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("table \"%s\" cannot reference table \"%s\" of another persistence",
						RelationGetRelationName(child), RelationGetRelationName(parent))));
	table_close(child, NoLock);
	table_close(parent, NoLock);
}

/* A trigger function of schema temporal; invalid when it is missing. */
static Oid
trigger_function(const char *name)
{
	return LookupFuncName(list_make2(makeString("temporal"), makeString(pstrdup(name))), 0, NULL, true);
}

/* One of the two constraint triggers that write the key down. */
static Oid
make_pair_trigger(const NewKey *key, bool on_parent)
{
	CreateTrigStmt *statement = makeNode(CreateTrigStmt);
	Oid			relation = on_parent ? key->parent : key->child;
	Oid			other = on_parent ? key->child : key->parent;
	Node	   *never = key->deferrable ? NULL : makeBoolConst(false, false);

	statement->isconstraint = true;
	statement->trigname = on_parent ? key->reference_name : key->name;
	statement->args = list_make2(makeString(key->name), makeString(key->action));
	statement->row = true;
	statement->timing = TRIGGER_TYPE_AFTER;
	statement->events = TRIGGER_TYPE_UPDATE;
	if (key->deferrable)
		statement->events |= on_parent ? TRIGGER_TYPE_DELETE : TRIGGER_TYPE_INSERT;
	statement->columns = on_parent ? key->parent_columns : key->child_columns;
	statement->deferrable = key->deferrable;
	statement->initdeferred = key->deferred;
	return CreateTrigger(statement, "", relation, other, InvalidOid, InvalidOid,
						 trigger_function(on_parent ? "foreign_key_parent" : "foreign_key_child"),
						 InvalidOid, never, false, false).objectId;
}

/* A statement trigger of the table, unless it is there. */
static void
make_statement_trigger(Oid relation, const char *event)
{
	CreateTrigStmt *statement;
	char	   *name = psprintf("temporal_key_%s", event);
	Oid			function = trigger_function("key_statement");
	Oid			old_function = trigger_function("foreign_key_statement");
	Relation	table = table_open(relation, NoLock);
	bool		found = false;
	int			i;

	for (i = 0; table->trigdesc != NULL && i < table->trigdesc->numtriggers; i++)
	{
		Trigger    *trigger = &table->trigdesc->triggers[i];

		if (strcmp(trigger->tgname, name) == 0 && (trigger->tgfoid == function || trigger->tgfoid == old_function))
			found = true;
	}
	table_close(table, NoLock);
	if (found)
		return;

	statement = makeNode(CreateTrigStmt);
	statement->trigname = name;
	statement->timing = TRIGGER_TYPE_AFTER;
	statement->events = strcmp(event, "insert") == 0 ? TRIGGER_TYPE_INSERT :
		strcmp(event, "update") == 0 ? TRIGGER_TYPE_UPDATE :
		strcmp(event, "delete") == 0 ? TRIGGER_TYPE_DELETE : TRIGGER_TYPE_TRUNCATE;
	if (statement->events == TRIGGER_TYPE_UPDATE || statement->events == TRIGGER_TYPE_DELETE)
	{
		TriggerTransition *rows = makeNode(TriggerTransition);

		rows->name = "old_rows";
		rows->isTable = true;
		statement->transitionRels = lappend(statement->transitionRels, rows);
	}
	if (statement->events == TRIGGER_TYPE_UPDATE || statement->events == TRIGGER_TYPE_INSERT)
	{
		TriggerTransition *rows = makeNode(TriggerTransition);

		rows->name = "new_rows";
		rows->isNew = true;
		rows->isTable = true;
		statement->transitionRels = lappend(statement->transitionRels, rows);
	}
	(void) CreateTrigger(statement, "", relation, InvalidOid, InvalidOid, InvalidOid,
						 OidIsValid(function) ? function : old_function,
						 InvalidOid, NULL, false, false);
	CommandCounterIncrement();
}

/* The foreign key that a child's trigger stands for; NULL when its other half is missing. */
static const TemporalForeign *
key_of_trigger(Relation child, Oid trigger)
{
	const TemporalKeySet *set = temporal_keys_of(child);
	int			i;

	for (i = 0; i < set->child_count; i++)
	{
		if (set->child_keys[i].child_trigger == trigger)
			return &set->child_keys[i];
	}
	return NULL;
}

/* foreign_key_lock(child regclass, parent regclass, parent_columns name[]) returns void */
Datum
statbus_temporal_foreign_key_lock(PG_FUNCTION_ARGS)
{
	check_and_lock(PG_GETARG_OID(0), PG_GETARG_OID(1), name_list(PG_GETARG_ARRAYTYPE_P(2)));
	PG_RETURN_VOID();
}

/*
 * foreign_key_create(child regclass, child_columns name[], parent regclass, parent_columns name[], on_delete text,
 *					  is_deferrable boolean, initially_deferred boolean, name name, reference_name name) returns void
 *
 * Makes the triggers of a key and checks the rows that are there.
 */
Datum
statbus_temporal_foreign_key_create(PG_FUNCTION_ARGS)
{
	NewKey		key;
	Oid			user;
	int			security;
	Oid			trigger;
	Relation	child;
	const TemporalForeign *made;

	key.child = PG_GETARG_OID(0);
	key.child_columns = name_list(PG_GETARG_ARRAYTYPE_P(1));
	key.parent = PG_GETARG_OID(2);
	key.parent_columns = name_list(PG_GETARG_ARRAYTYPE_P(3));
	key.action = text_to_cstring(PG_GETARG_TEXT_PP(4));
	key.deferrable = PG_GETARG_BOOL(5);
	key.deferred = PG_GETARG_BOOL(6);
	key.name = pstrdup(NameStr(*PG_GETARG_NAME(7)));
	key.reference_name = pstrdup(NameStr(*PG_GETARG_NAME(8)));
	if (list_length(key.parent_columns) < 2 ||
		list_length(key.child_columns) > list_length(key.parent_columns) ||
		list_length(key.child_columns) < list_length(key.parent_columns) - 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FOREIGN_KEY),
				 errmsg("number of referencing and referenced columns for foreign key disagree")));
	if (strcmp(key.action, "no action") != 0 && strcmp(key.action, "cascade") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("on_delete must be \"no action\" or \"cascade\"")));
	check_and_lock(key.child, key.parent, key.parent_columns);

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, security | SECURITY_LOCAL_USERID_CHANGE);
	trigger = make_pair_trigger(&key, false);
	(void) make_pair_trigger(&key, true);
	CommandCounterIncrement();
	if (!key.deferrable)
	{
		make_statement_trigger(key.child, "insert");
		make_statement_trigger(key.child, "update");
		make_statement_trigger(key.parent, "update");
		make_statement_trigger(key.parent, "delete");
	}
	make_statement_trigger(key.parent, "truncate");
	SetUserIdAndSecContext(user, security);

	child = table_open(key.child, NoLock);
	made = key_of_trigger(child, trigger);
	if (made == NULL)
		elog(ERROR, "foreign key \"%s\" is not found after it was made", key.name);
	if (!OidIsValid(made->child_columns.index) || !OidIsValid(made->parent_columns.index))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("temporal foreign key \"%s\" has no index on both of its tables", key.name),
				 errhint("Use temporal.add_foreign_key.")));
	temporal_foreign_validate(made);
	table_close(child, NoLock);
	PG_RETURN_VOID();
}

/* foreign_key_validate(child regclass, name name) returns void: raises 23503 as adding the key would */
Datum
statbus_temporal_foreign_key_validate(PG_FUNCTION_ARGS)
{
	Relation	child = table_open(PG_GETARG_OID(0), AccessShareLock);
	const char *name = NameStr(*PG_GETARG_NAME(1));
	const TemporalKeySet *set;
	int			i;

	check_child(child);
	set = temporal_keys_of(child);
	for (i = 0; i < set->child_count; i++)
	{
		if (strcmp(NameStr(set->child_keys[i].name), name) == 0)
			break;
	}
	if (i == set->child_count)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("temporal foreign key \"%s\" of table \"%s\" does not exist", name, RelationGetRelationName(child))));
	temporal_foreign_validate(&set->child_keys[i]);
	table_close(child, NoLock);
	PG_RETURN_VOID();
}

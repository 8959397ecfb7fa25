/*-------------------------------------------------------------------------
 *
 * temporal_foreign.c
 *	  Temporal foreign keys: the triggers, and what both sides need.
 *
 * IDENTIFICATION
 *	  src/temporal_foreign.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "temporal_foreign.h"

PG_FUNCTION_INFO_V1(statbus_temporal_foreign_key_child);
PG_FUNCTION_INFO_V1(statbus_temporal_foreign_key_parent);

static bool types_agree(Oid child, Oid parent);
static void check_types(const ForeignCheck *check);
static void open_side(ForeignSide *side, Oid relation, const TemporalColumns *columns);
static const TemporalForeign *find_key(const TriggerData *trigger, bool as_parent);
static TriggerData *row_trigger(FunctionCallInfo fcinfo, const char *name);

/* Look up one side's types and how they compare. */
static void
open_side(ForeignSide *side, Oid relation, const TemporalColumns *columns)
{
	int			i;

	/*
	 * the lock stays until the transaction ends: TRUNCATE must not overtake a
	 * check
	 */
	side->relation = table_open(relation, RowShareLock);
	side->columns = columns;
	for (i = 0; i < columns->count; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(side->relation), columns->keys[i] - 1);
		TypeCacheEntry *entry;

		side->types[i] = getBaseType(attribute->atttypid);
		side->by_value[i] = attribute->attbyval;
		side->lengths[i] = attribute->attlen;
		side->collations[i] = attribute->attcollation;
		entry = lookup_type_cache(side->types[i], TYPECACHE_CMP_PROC_FINFO);
		if (!OidIsValid(entry->cmp_proc_finfo.fn_oid))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_FUNCTION),
					 errmsg("could not identify a comparison function for type %s",
							format_type_be(side->types[i]))));
		side->compare[i] = entry->cmp_proc_finfo;
	}
	side->integer = columns->count == 1 &&
		(side->types[0] == INT2OID || side->types[0] == INT4OID || side->types[0] == INT8OID);
}

/* Can values of the two base types be compared as foreign_convert_keys() leaves them? */
static bool
types_agree(Oid child, Oid parent)
{
	if (child == parent)
		return true;
	if (child == TEXTOID || child == VARCHAROID)
		return parent == TEXTOID || parent == VARCHAROID;
	return (child == INT2OID || child == INT4OID || child == INT8OID) &&
		(parent == INT2OID || parent == INT4OID || parent == INT8OID);
}

/* Raise 42804 unless the two sides' types agree: what is written down can have been made by hand. */
static void
check_types(const ForeignCheck *check)
{
	const TemporalColumns *child = check->child.columns;
	const TemporalColumns *parent = check->parent.columns;
	bool		agree = child->count == parent->count && parent->type != NULL &&
		(child->type == NULL || child->type == parent->type);
	int			i;

	for (i = 0; i < child->count && agree; i++)
		agree = types_agree(check->child.types[i], check->parent.types[i]);
	if (!agree)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the columns of temporal foreign key \"%s\" are of different types on both sides",
						NameStr(check->key.name))));
}

/* Begin work on a key; everything is allocated in a context of its own. */
ForeignCheck *
foreign_check_begin(const TemporalForeign *key)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "temporal foreign key",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ForeignCheck *check = palloc0(sizeof(ForeignCheck));

	check->context = context;
	check->scratch = AllocSetContextCreate(context, "temporal foreign key value",
										   ALLOCSET_DEFAULT_SIZES);
	check->key = *key;
	open_side(&check->child, key->child, &check->key.child_columns);
	open_side(&check->parent, key->parent, &check->key.parent_columns);
	check->type = check->key.parent_columns.type;
	check_types(check);
	MemoryContextSwitchTo(old);
	return check;
}

/* The end of it; the locks on both tables stay. */
void
foreign_check_end(ForeignCheck *check)
{
	table_close(check->child.relation, NoLock);
	table_close(check->parent.relation, NoLock);
	MemoryContextDelete(check->context);
}

/*
 * Values of one side as values of the other: integers may differ in width.
 * False when a value does not exist on the other side.
 */
bool
foreign_convert_keys(const ForeignSide *from, const ForeignSide *to, const Datum *keys, Datum *result)
{
	int			i;

	for (i = 0; i < from->columns->count; i++)
	{
		int64		value;

		result[i] = keys[i];
		if (from->types[i] == to->types[i])
			continue;
		if (from->types[i] == INT2OID)
			value = DatumGetInt16(keys[i]);
		else if (from->types[i] == INT4OID)
			value = DatumGetInt32(keys[i]);
		else if (from->types[i] == INT8OID)
			value = DatumGetInt64(keys[i]);
		else
			continue;			/* binary coercible */

		if (to->types[i] == INT2OID)
		{
			if (value < PG_INT16_MIN || value > PG_INT16_MAX)
				return false;
			result[i] = Int16GetDatum((int16) value);
		}
		else if (to->types[i] == INT4OID)
		{
			if (value < PG_INT32_MIN || value > PG_INT32_MAX)
				return false;
			result[i] = Int32GetDatum((int32) value);
		}
		else
			result[i] = Int64GetDatum(value);
	}
	return true;
}

/* Raise 23503 for a child's row; keys are the child's. */
void
foreign_raise_child(ForeignCheck *check, const Datum *keys, const SbInterval *cuts)
{
	Relation	child = check->child.relation;
	const char *parent_name = RelationGetRelationName(check->parent.relation);
	bool		nulls[INDEX_MAX_KEYS] = {0};
	char	   *columns = temporal_describe_columns(child, check->child.columns);
	char	   *values = temporal_describe_values(child, check->child.columns, keys, nulls);
	char	   *detail = NULL;

	if (values != NULL)
	{
		if (cuts == NULL)
			detail = psprintf(_("Key (%s)=(%s) has an empty period."), columns, values);
		else if (check->key.child_columns.type == NULL)
			detail = psprintf(_("Key (%s)=(%s) is never present in table \"%s\"."), columns, values, parent_name);
		else
			detail = psprintf(_("Key (%s)=(%s) is not present in table \"%s\" during all of %s."),
							  columns, values, parent_name, temporal_describe_period(check->type, cuts));
	}
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("insert or update on table \"%s\" violates temporal foreign key \"%s\"",
					RelationGetRelationName(child), NameStr(check->key.name)),
			 detail != NULL ? errdetail_internal("%s", detail) : 0,
			 errtableconstraint(child, NameStr(check->key.name))));
}

/* Raise 23503 for a change of the parent; keys are the parent's, cuts the time of a child that is left alone. */
void
foreign_raise_parent(ForeignCheck *check, const Datum *keys, const SbInterval *cuts)
{
	Relation	parent = check->parent.relation;
	const char *child_name = RelationGetRelationName(check->child.relation);
	bool		nulls[INDEX_MAX_KEYS] = {0};
	char	   *columns = temporal_describe_columns(parent, check->parent.columns);
	char	   *values = temporal_describe_values(parent, check->parent.columns, keys, nulls);
	char	   *detail = NULL;

	if (values != NULL && check->key.child_columns.type == NULL)
		detail = psprintf(_("Key (%s)=(%s) is still referenced from table \"%s\"."), columns, values, child_name);
	else if (values != NULL)
		detail = psprintf(_("Key (%s)=(%s) during %s is still referenced from table \"%s\"."),
						  columns, values, temporal_describe_period(check->type, cuts), child_name);
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("update or delete on table \"%s\" violates temporal foreign key \"%s\" on table \"%s\"",
					RelationGetRelationName(parent), NameStr(check->key.name), child_name),
			 detail != NULL ? errdetail_internal("%s", detail) : 0,
			 errtableconstraint(check->child.relation, NameStr(check->key.name))));
}

/*
 * The statement trigger's part: check the foreign keys of this table and those
 * that reference it, except the deferrable ones, whose row triggers do that.
 * A TRUNCATE is checked at once in either case.
 */
void
temporal_foreign_statement(TriggerData *trigger, const TemporalKeySet *set)
{
	bool		is_insert = TRIGGER_FIRED_BY_INSERT(trigger->tg_event);
	bool		is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	bool		is_truncate = TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event);
	int			child_count = is_insert || is_update ? set->child_count : 0;
	int			parent_count = is_insert ? 0 : set->parent_count;
	TemporalForeign *keys;
	int			i;

	if (child_count + parent_count == 0)
		return;

	/* waiting and cascading may renew the cache that the set lives in */
	keys = palloc(sizeof(TemporalForeign) * (child_count + parent_count));
	if (child_count > 0)
		memcpy(keys, set->child_keys, sizeof(TemporalForeign) * child_count);
	if (parent_count > 0)
		memcpy(keys + child_count, set->parent_keys, sizeof(TemporalForeign) * parent_count);

	for (i = 0; i < child_count + parent_count; i++)
	{
		ForeignCheck *check;

		if (!keys[i].enabled || (keys[i].deferrable && !is_truncate))
			continue;
		if (!is_truncate && ((i >= child_count && trigger->tg_oldtable == NULL) ||
							 ((is_insert || is_update) && trigger->tg_newtable == NULL)))
			ereport(ERROR,
					(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
					 errmsg("trigger \"%s\" needs transition tables of the rows that were changed",
							trigger->tg_trigger->tgname)));
		check = foreign_check_begin(&keys[i]);
		if (i < child_count)
			foreign_check_children(check, trigger->tg_newtable);
		else if (is_truncate)
			foreign_check_truncate(check);
		else
			foreign_check_parents(check, trigger->tg_oldtable, trigger->tg_newtable);
		foreign_check_end(check);
	}
	pfree(keys);
}

/* The key that a row trigger belongs to; NULL when it has lost its other half. */
static const TemporalForeign *
find_key(const TriggerData *trigger, bool as_parent)
{
	const TemporalKeySet *set = temporal_keys_of(trigger->tg_relation);
	int			count = as_parent ? set->parent_count : set->child_count;
	const TemporalForeign *keys = as_parent ? set->parent_keys : set->child_keys;
	Oid			wanted = trigger->tg_trigger->tgoid;
	int			i;

	for (i = 0; i < count; i++)
	{
		if ((as_parent ? keys[i].parent_trigger : keys[i].child_trigger) == wanted)
			return &keys[i];
	}
	return NULL;
}

/* The trigger's data; raises when the function is called in another way. */
static TriggerData *
row_trigger(FunctionCallInfo fcinfo, const char *name)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be called as a constraint trigger for each row", name)));
	return trigger;
}

/* Constraint trigger on the child: checks one row of a deferrable foreign key. */
Datum
statbus_temporal_foreign_key_child(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = row_trigger(fcinfo, "foreign_key_child");
	TupleTableSlot *row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newslot : trigger->tg_trigslot;
	const TemporalForeign *key = find_key(trigger, false);
	ForeignCheck *check;

	/*
	 * the row may be gone, or changed, by now: only what is in the table
	 * counts
	 */
	if (key == NULL || TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		!table_tuple_satisfies_snapshot(trigger->tg_relation, row, SnapshotSelf))
		return PointerGetDatum(NULL);

	check = foreign_check_begin(key);
	foreign_check_child(check, row);
	foreign_check_end(check);
	return PointerGetDatum(NULL);
}

/* Constraint trigger on the parent: checks the children of one row of a deferrable foreign key. */
Datum
statbus_temporal_foreign_key_parent(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = row_trigger(fcinfo, "foreign_key_parent");
	const TemporalForeign *key = find_key(trigger, true);
	ForeignCheck *check;

	if (key == NULL || TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return PointerGetDatum(NULL);

	check = foreign_check_begin(key);
	foreign_check_parent(check, trigger->tg_trigslot,
						 TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newslot : NULL);
	foreign_check_end(check);
	return PointerGetDatum(NULL);
}

/*-------------------------------------------------------------------------
 *
 * temporal_key.c
 *	  What temporal keys a table has, and the trigger that checks them after
 *	  each statement.
 *
 * Definitions are read from the triggers and indexes of the relcache and kept
 * per relation until an invalidation of the table, or of the table at the
 * other end of one of its foreign keys, arrives.
 *
 * IDENTIFICATION
 *	  src/temporal_key.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "rewrite/rewriteHandler.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "temporal_key.h"

/* Which of our constraint triggers a trigger is. */
typedef enum KeyTrigger
{
	KEY_TRIGGER_NONE,
	KEY_TRIGGER_UNIQUE,
	KEY_TRIGGER_CHILD,
	KEY_TRIGGER_PARENT
} KeyTrigger;

/* What we know of one relation. */
typedef struct KeySetEntry
{
	Oid			relation;		/* hash key */
	bool		valid;
	MemoryContext context;		/* holds the set and what it points to */
	TemporalKeySet *set;
	int			other_count;	/* tables at the other end of foreign keys */
	Oid		   *others;
} KeySetEntry;

static HTAB *key_sets = NULL;

/* How many relcache invalidations have arrived. */
static uint64 invalidations = 0;

/* Sets that were replaced while somebody may still read them. */
static MemoryContext retired = NULL;

PG_FUNCTION_INFO_V1(statbus_temporal_key_statement);
PG_FUNCTION_INFO_V1(statbus_temporal_drop_key_triggers);
PG_FUNCTION_INFO_V1(statbus_temporal_has_order);

static void drop_trigger(Oid trigger);
static void prepare(void);
static void forget_relation(Datum arg, Oid relation);
static void retire(MemoryContext context);
static void remove_outdated(void);
static void transaction_ended(XactEvent event, void *arg);
static KeyTrigger trigger_kind(Oid function);
static bool has_flag(const Trigger *trigger, const char *flag);
static void read_columns(Relation relation, const Trigger *trigger, int count,
						 bool has_period, TemporalColumns *columns);
static void read_bounds(Relation relation, TemporalColumns *columns);
static bool index_columns_fit(Relation relation, Relation index, const AttrNumber *wanted, int count, int width);
static bool index_fits(Relation relation, Relation index, const TemporalColumns *columns);
static bool index_begins(Relation relation, Relation index, const TemporalColumns *columns);
static bool only_demands_keys(Relation index, const TemporalColumns *columns);
static void find_index(Relation relation, TemporalColumns *columns);
static int	key_width(const Trigger *trigger);
static const char *made_index(const Trigger *trigger);
static bool is_of_another_key(const TriggerDesc *triggers, Relation index, Oid trigger);
static Oid	find_unique_index(Relation relation, const TriggerDesc *triggers, const Trigger *trigger,
							  const TemporalUnique *key);
static bool read_foreign(Relation relation, const Trigger *trigger, bool as_parent,
						 TemporalForeign *key);
static void read_unique(Relation relation, const TriggerDesc *triggers, const Trigger *trigger,
						TemporalUnique *key);
static void build_set(Relation relation, KeySetEntry *entry);

/*
 * The temporal keys of a table.  Good until the end of the transaction, even
 * when the table's definition changes meanwhile; call again for the new one.
 */
const TemporalKeySet *
temporal_keys_of(Relation relation)
{
	Oid			relid = RelationGetRelid(relation);
	KeySetEntry *entry;
	bool		found;

	if (key_sets == NULL)
		prepare();
	entry = hash_search(key_sets, &relid, HASH_FIND, NULL);
	if (entry != NULL && entry->valid)
		return entry->set;

	if (entry == NULL)
		remove_outdated();
	/* the relcache entry may be older than the invalidation was */
	entry = hash_search(key_sets, &relid, HASH_ENTER, &found);
	if (!found)
	{
		entry->valid = false;
		entry->context = NULL;
		entry->set = NULL;
		entry->other_count = 0;
		entry->others = NULL;
	}
	build_set(relation, entry);
	return entry->set;
}

/*
 * temporal.key_statement() → trigger
 *
 * Checks all keys of a table that are not deferrable after one statement.
 */
Datum
statbus_temporal_key_statement(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	const TemporalKeySet *set;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired AFTER a statement",
						get_func_name(fcinfo->flinfo->fn_oid))));

	set = temporal_keys_of(trigger->tg_relation);
	if (set->unique_count > 0)
		temporal_unique_statement(trigger, set);
	if (set->child_count > 0 || set->parent_count > 0)
		temporal_foreign_statement(trigger, set);
	return PointerGetDatum(NULL);
}

/*
 * temporal.drop_key_triggers(table_name regclass, constraint_name name) → regclass
 *
 * Drops the triggers that hold a key's definition, of a foreign key also the
 * one on the parent, which may belong to somebody else.  The index that was made
 * for a unique key is returned, not dropped.
 */
Datum
statbus_temporal_drop_key_triggers(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	Name		name = PG_GETARG_NAME(1);
	Relation	relation = table_open(relid, AccessExclusiveLock);
	const TemporalKeySet *set;
	Oid			own_index = InvalidOid;
	bool		found = false;

	if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, RelationGetRelationName(relation));
	set = temporal_keys_of(relation);
	for (int i = 0; i < set->unique_count && !found; i++)
	{
		const TemporalUnique *key = &set->uniques[i];

		if (namestrcmp(name, NameStr(key->name)) != 0)
			continue;
		found = true;
		own_index = key->own_index ? key->columns.index : InvalidOid;
		drop_trigger(key->trigger);
	}
	for (int i = 0; i < set->child_count && !found; i++)
	{
		const TemporalForeign *key = &set->child_keys[i];

		if (namestrcmp(name, NameStr(key->name)) != 0)
			continue;
		found = true;
		drop_trigger(key->child_trigger);
		drop_trigger(key->parent_trigger);
	}
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("temporal key \"%s\" of relation \"%s\" does not exist",
						NameStr(*name), RelationGetRelationName(relation))));
	table_close(relation, NoLock);
	if (!OidIsValid(own_index))
		PG_RETURN_NULL();
	PG_RETURN_OID(own_index);
}

/* Drop one trigger; the caller has checked the rights. */
static void
drop_trigger(Oid trigger)
{
	ObjectAddress address;

	ObjectAddressSet(address, TriggerRelationId, trigger);
	performDeletion(&address, DROP_RESTRICT, 0);
}

/*
 * temporal.has_order(type_id oid) → boolean
 *
 * True when the type has a default btree operator class.
 */
Datum
statbus_temporal_has_order(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(OidIsValid(GetDefaultOpClass(PG_GETARG_OID(0), BTREE_AM_OID)));
}

/* Once per backend: the cache and what keeps it right. */
static void
prepare(void)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(KeySetEntry);
	control.hcxt = CacheMemoryContext;
	key_sets = hash_create("statbus temporal keys", 64, &control,
						   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	RegisterXactCallback(transaction_ended, NULL);
}

/* Relcache callback: the definition of a relation, or of all, is no longer good. */
static void
forget_relation(Datum arg, Oid relation)
{
	HASH_SEQ_STATUS status;
	KeySetEntry *entry;

	(void) arg;

	invalidations++;
	hash_seq_init(&status, key_sets);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (!entry->valid)
			continue;
		if (relation == InvalidOid || entry->relation == relation)
			entry->valid = false;
		for (int i = 0; i < entry->other_count && entry->valid; i++)
			if (entry->others[i] == relation)
				entry->valid = false;
	}
}

/* Nobody reads a replaced set any more: they go with the memory of the transaction. */
static void
transaction_ended(XactEvent event, void *arg)
{
	(void) arg;

	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		retired = NULL;
}

/* Keep a set for those who read it, until the end of the transaction. */
static void
retire(MemoryContext context)
{
	if (retired == NULL)
		retired = AllocSetContextCreate(TopTransactionContext, "statbus retired keys",
										ALLOCSET_SMALL_SIZES);
	MemoryContextSetParent(context, retired);
}

/* Forget the sets that are no longer good: a table that was dropped never asks again. */
static void
remove_outdated(void)
{
	HASH_SEQ_STATUS status;
	KeySetEntry *entry;

	hash_seq_init(&status, key_sets);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (entry->valid)
			continue;
		if (entry->context != NULL)
			retire(entry->context);
		hash_search(key_sets, &entry->relation, HASH_REMOVE, NULL);
	}
}

/* Which of our constraint triggers a trigger function belongs to. */
static KeyTrigger
trigger_kind(Oid function)
{
	KeyTrigger	result = KEY_TRIGGER_NONE;
	char	   *schema = get_namespace_name(get_func_namespace(function));
	char	   *name;

	if (schema == NULL || strcmp(schema, "temporal") != 0)
		return KEY_TRIGGER_NONE;
	name = get_func_name(function);
	if (strcmp(name, "unique_key") == 0)
		result = KEY_TRIGGER_UNIQUE;
	else if (strcmp(name, "foreign_key_child") == 0)
		result = KEY_TRIGGER_CHILD;
	else if (strcmp(name, "foreign_key_parent") == 0)
		result = KEY_TRIGGER_PARENT;
	return result;
}

/* True when a unique key's trigger has a flag among its arguments. */
static bool
has_flag(const Trigger *trigger, const char *flag)
{
	for (int i = 0; i < trigger->tgnargs; i++)
		if (strcmp(trigger->tgargs[i], flag) == 0)
			return true;
	return false;
}

/* The columns in a trigger's UPDATE OF list: `count` key columns, then the period. */
static void
read_columns(Relation relation, const Trigger *trigger, int count, bool has_period,
			 TemporalColumns *columns)
{
	memset(columns, 0, sizeof(TemporalColumns));
	if (count < 0 || count > INDEX_MAX_KEYS - 2 || trigger->tgnattr < count + (has_period ? 1 : 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("trigger \"%s\" does not define a temporal key", trigger->tgname),
				 errhint("Make temporal keys with temporal.add_unique() and temporal.add_foreign_key().")));
	columns->count = count;
	for (int i = 0; i < count; i++)
		columns->keys[i] = trigger->tgattr[i];
	if (!has_period)
		return;
	columns->period = trigger->tgattr[count];
	columns->type = period_type(getBaseType(TupleDescAttr(RelationGetDescr(relation),
														  columns->period - 1)->atttypid));
	read_bounds(relation, columns);
}

/*
 * Which two columns the period is generated from.  Only [from, until) counts: a
 * period that is generated otherwise is read as the plain range that it is.
 */
static void
read_bounds(Relation relation, TemporalColumns *columns)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), columns->period - 1);
	FuncExpr   *call;
	Node	   *from;
	Node	   *until;

	if (attribute->attgenerated == '\0')
		return;
	call = (FuncExpr *) build_column_default(relation, columns->period);
	if (call == NULL || !IsA(call, FuncExpr) ||
		!period_is_made_by(call, columns->type->range_type))
		return;
	from = linitial(call->args);
	until = lsecond(call->args);
	if (!IsA(from, Var) || !IsA(until, Var))
		return;
	columns->from = ((Var *) from)->varattno;
	columns->until = ((Var *) until)->varattno;
}

/*
 * True when a valid btree begins with these columns: the first `count` of them
 * in any order, the others in theirs.
 */
static bool
index_columns_fit(Relation relation, Relation index, const AttrNumber *wanted, int count, int width)
{
	Form_pg_index form = index->rd_index;
	TupleDesc	desc = RelationGetDescr(relation);

	if (index->rd_rel->relam != BTREE_AM_OID || !form->indisvalid || !form->indisready ||
		!form->indislive || form->indnkeyatts < width)
		return false;
	for (int i = 0; i < width; i++)
	{
		AttrNumber	attnum = form->indkey.values[i];
		Form_pg_attribute attribute;
		Oid			opclass;
		bool		matches = false;

		for (int j = 0; j < count && i < count; j++)
			matches = matches || attnum == wanted[j];
		if (i >= count)
			matches = attnum == wanted[i];
		for (int j = 0; j < i; j++)
			matches = matches && attnum != form->indkey.values[j];
		if (!matches || attnum <= 0)
			return false;
		attribute = TupleDescAttr(desc, attnum - 1);
		opclass = GetDefaultOpClass(attribute->atttypid, BTREE_AM_OID);
		if (!OidIsValid(opclass) || get_opclass_family(opclass) != index->rd_opfamily[i] ||
			attribute->attcollation != index->rd_indcollation[i])
			return false;
	}
	return true;
}

/*
 * True when a valid btree begins with exactly these key columns, in any order,
 * followed by the period's bounds or the period: what a walk can use.
 */
static bool
index_fits(Relation relation, Relation index, const TemporalColumns *columns)
{
	AttrNumber	wanted[INDEX_MAX_KEYS];
	int			width = columns->count;

	memcpy(wanted, columns->keys, sizeof(AttrNumber) * columns->count);
	if (AttributeNumberIsValid(columns->from))
	{
		wanted[width++] = columns->from;
		wanted[width++] = columns->until;
	}
	else if (AttributeNumberIsValid(columns->period))
		wanted[width++] = columns->period;
	return index_columns_fit(relation, index, wanted, columns->count, width);
}

/*
 * True when a unique btree begins with these key columns and goes on with
 * others, as the index of a wider key does: a value has few rows there.
 */
static bool
index_begins(Relation relation, Relation index, const TemporalColumns *columns)
{
	return index->rd_index->indisunique &&
		index_columns_fit(relation, index, columns->keys, columns->count, columns->count);
}

/* True when an index lacks no row but those with a NULL in a key column. */
static bool
only_demands_keys(Relation index, const TemporalColumns *columns)
{
	ListCell   *cell;

	foreach(cell, RelationGetIndexPredicate(index))
	{
		NullTest   *test = lfirst(cell);
		bool		found = false;

		if (!IsA(test, NullTest) || test->nulltesttype != IS_NOT_NULL || !IsA(test->arg, Var))
			return false;
		for (int i = 0; i < columns->count; i++)
			found = found || ((Var *) test->arg)->varattno == columns->keys[i];
		if (!found)
			return false;
	}
	return true;
}

/*
 * Find the index for the rows of a foreign key's side: one in which they stand
 * by their periods, else one of a wider key; InvalidOid when there is neither.
 * A regular table needs no more than its key columns in front.
 */
static void
find_index(Relation relation, TemporalColumns *columns)
{
	ListCell   *cell;

	columns->index = InvalidOid;
	columns->is_prefix = false;
	foreach(cell, RelationGetIndexList(relation))
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);
		bool		fits = index_fits(relation, index, columns) && only_demands_keys(index, columns);

		if (fits || (!OidIsValid(columns->index) && index_begins(relation, index, columns) &&
					 only_demands_keys(index, columns)))
		{
			columns->index = RelationGetRelid(index);
			columns->is_prefix = !fits;
		}
		index_close(index, NoLock);
		if (fits)
			break;
	}
}

/* The name that the index made for a unique key was given; NULL when it uses one that was there. */
static const char *
made_index(const Trigger *trigger)
{
	for (int i = 0; i < trigger->tgnargs; i++)
		if (strncmp(trigger->tgargs[i], "index ", 6) == 0)
			return trigger->tgargs[i] + 6;
	return NULL;
}

/* True when an index was made for another unique key of the table. */
static bool
is_of_another_key(const TriggerDesc *triggers, Relation index, Oid trigger)
{
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		const Trigger *other = &triggers->triggers[i];
		const char *name;

		if (other->tgoid == trigger || trigger_kind(other->tgfoid) != KEY_TRIGGER_UNIQUE)
			continue;
		name = made_index(other);
		if (name != NULL && strcmp(name, RelationGetRelationName(index)) == 0)
			return true;
	}
	return false;
}

/*
 * The index of a unique key: the one that was made for it, by its name then,
 * else the first that was not made for another key.
 */
static Oid
find_unique_index(Relation relation, const TriggerDesc *triggers, const Trigger *trigger,
				  const TemporalUnique *key)
{
	const char *name = made_index(trigger);
	Oid			result = InvalidOid;
	ListCell   *cell;

	foreach(cell, RelationGetIndexList(relation))
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);
		bool		named = name != NULL && strcmp(RelationGetRelationName(index), name) == 0;

		if (index_fits(relation, index, &key->columns) &&
			(RelationGetIndexPredicate(index) != NIL) == key->partial)
		{
			if (named || (!OidIsValid(result) &&
						  !is_of_another_key(triggers, index, trigger->tgoid)))
				result = RelationGetRelid(index);
		}
		else
			named = false;
		index_close(index, NoLock);
		if (named)
			break;
	}
	return result;
}

/* How many key columns a unique key has: those of its predicate follow the period. */
static int
key_width(const Trigger *trigger)
{
	for (int i = 0; i < trigger->tgnargs; i++)
		if (strncmp(trigger->tgargs[i], "columns ", 8) == 0)
			return pg_strtoint32(trigger->tgargs[i] + 8);
	return trigger->tgnattr - 1;
}

/* One unique key from its trigger. */
static void
read_unique(Relation relation, const TriggerDesc *triggers, const Trigger *trigger,
			TemporalUnique *key)
{
	namestrcpy(&key->name, trigger->tgname);
	key->trigger = trigger->tgoid;
	key->deferrable = trigger->tgdeferrable;
	key->enabled = trigger->tgenabled != TRIGGER_DISABLED;
	key->nulls_not_distinct = has_flag(trigger, "nulls not distinct");
	key->partial = has_flag(trigger, "partial");
	key->own_index = made_index(trigger) != NULL;
	key->watched_count = trigger->tgnattr;
	key->watched = trigger->tgattr;
	read_columns(relation, trigger, key_width(trigger), true, &key->columns);
	key->columns.index = find_unique_index(relation, triggers, trigger, key);
}

/* One foreign key from the trigger of one of its sides; false when the other is gone. */
static bool
read_foreign(Relation relation, const Trigger *trigger, bool as_parent, TemporalForeign *key)
{
	Relation	other;
	TriggerDesc *triggers;
	bool		found = false;

	if (!OidIsValid(trigger->tgconstrrelid) || trigger->tgnargs < 2)
		return false;
	other = table_open(trigger->tgconstrrelid, AccessShareLock);
	triggers = CopyTriggerDesc(other->trigdesc);
	for (int i = 0; triggers != NULL && i < triggers->numtriggers && !found; i++)
	{
		const Trigger *twin = &triggers->triggers[i];
		const Trigger *child = as_parent ? twin : trigger;
		const Trigger *parent = as_parent ? trigger : twin;
		Relation	child_relation = as_parent ? other : relation;
		Relation	parent_relation = as_parent ? relation : other;

		if (twin->tgconstrrelid != RelationGetRelid(relation) || twin->tgnargs != trigger->tgnargs ||
			strcmp(twin->tgargs[0], trigger->tgargs[0]) != 0 ||
			strcmp(twin->tgargs[1], trigger->tgargs[1]) != 0 ||
			trigger_kind(twin->tgfoid) != (as_parent ? KEY_TRIGGER_CHILD : KEY_TRIGGER_PARENT))
			continue;
		found = true;
		namestrcpy(&key->name, child->tgname);
		key->child = RelationGetRelid(child_relation);
		key->parent = RelationGetRelid(parent_relation);
		key->child_trigger = child->tgoid;
		key->parent_trigger = parent->tgoid;
		read_columns(parent_relation, parent, parent->tgnattr - 1, true, &key->parent_columns);
		read_columns(child_relation, child, parent->tgnattr - 1,
					 child->tgnattr == parent->tgnattr, &key->child_columns);
		find_index(parent_relation, &key->parent_columns);
		find_index(child_relation, &key->child_columns);
		key->cascade = strcmp(child->tgargs[1], "cascade") == 0;
		key->deferrable = child->tgdeferrable;
		key->enabled = trigger->tgenabled != TRIGGER_DISABLED;
	}
	table_close(other, NoLock);
	return found;
}

/*
 * Read all keys of a table into the entry, in a memory context of their own.
 * The triggers are copied first: opening another relation may rebuild ours.
 */
static void
build_set(Relation relation, KeySetEntry *entry)
{
	uint64		before = invalidations;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "statbus temporal keys",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	TriggerDesc *triggers = CopyTriggerDesc(relation->trigdesc);
	int			count = triggers != NULL ? triggers->numtriggers : 0;
	TemporalKeySet *set = palloc0(sizeof(TemporalKeySet));
	Oid		   *others = palloc0(sizeof(Oid) * (count + 1));
	int			other_count = 0;

	set->relation = RelationGetRelid(relation);
	set->uniques = palloc0(sizeof(TemporalUnique) * (count + 1));
	set->child_keys = palloc0(sizeof(TemporalForeign) * (count + 1));
	set->parent_keys = palloc0(sizeof(TemporalForeign) * (count + 1));
	for (int i = 0; i < count; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];
		KeyTrigger	kind = trigger_kind(trigger->tgfoid);

		if (kind == KEY_TRIGGER_UNIQUE)
			read_unique(relation, triggers, trigger, &set->uniques[set->unique_count++]);
		else if (kind == KEY_TRIGGER_CHILD || kind == KEY_TRIGGER_PARENT)
		{
			bool		as_parent = kind == KEY_TRIGGER_PARENT;

			others[other_count++] = trigger->tgconstrrelid;
			if (as_parent)
				set->parent_count += read_foreign(relation, trigger, as_parent,
												  &set->parent_keys[set->parent_count]);
			else
				set->child_count += read_foreign(relation, trigger, as_parent,
												 &set->child_keys[set->child_count]);
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, CacheMemoryContext);
	if (entry->context != NULL)
		retire(entry->context);
	entry->context = context;
	entry->set = set;
	entry->others = others;
	entry->other_count = other_count;

	/* what was read while the catalogue changed is good for this call only */
	entry->valid = before == invalidations;
}

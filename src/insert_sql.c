/*-------------------------------------------------------------------------
 *
 * insert_sql.c
 *	  An INSERT of many rows whose foreign keys are checked once per value.
 *
 * The server asks for every row and every foreign key whether what the row
 * refers to is there.  Rows of an import refer to the same few codes over and
 * over, and asking costs more than writing.  Here the statement runs with
 * these triggers silent, notes the first row of each value, and then has the
 * server's own check look at those: what is refused, by what message, and what
 * is locked is the same.  Only what this transaction has written itself is not
 * locked, for nobody else can delete it before we end; it is looked up here.
 * Everything else about the statement is as ever: rights, policies, defaults,
 * constraints, keys and all other triggers.
 *
 * IDENTIFICATION
 *	  src/insert_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "statbus.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parsetree.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* Foreign keys of more columns, or of types that are not passed by value, are left to the server. */
#define INSERT_KEY_COLUMNS	2

/* What a row refers to by one foreign key; columns that are NULL have a bit in `nulls`. */
typedef struct InsertKey
{
	Datum		values[INSERT_KEY_COLUMNS];
	int32		check;
	uint32		nulls;
} InsertKey;

/* A value of a foreign key. */
typedef struct InsertValue
{
	InsertKey	key;
	bool		is_lost;		/* the first row with it is not there any more */
} InsertValue;

/* A walk over the rows that a foreign key refers to. */
typedef struct InsertReferenced
{
	Relation	relation;
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	int			places[INSERT_KEY_COLUMNS]; /* of the index's columns in the
											 * key */
	RegProcedure equal[INSERT_KEY_COLUMNS]; /* by the index's columns */
} InsertReferenced;

/* A foreign key whose check is put off. */
typedef struct InsertCheck
{
	Trigger    *trigger;
	int			count;
	AttrNumber	columns[INSERT_KEY_COLUMNS];
	int			places[INSERT_KEY_COLUMNS]; /* of them in what is returned */
	bool		has_last;
	InsertKey	last;			/* of the row before */
	bool		is_elsewhere;	/* refers to what others have written */
	InsertReferenced *referenced;	/* NULL: not opened yet */
} InsertCheck;

/* A row that is the first with its value of a foreign key. */
typedef struct InsertFirst
{
	ItemPointerData tid;
	InsertKey	key;
} InsertFirst;

/* Receives what the statement returns: where each row lies, and what it refers to. */
typedef struct InsertReceiver
{
	DestReceiver pub;
	HTAB	   *seen;
	int			nchecks;
	InsertCheck *checks;
	int			nfirst;
	int			capacity;
	InsertFirst *first;
} InsertReceiver;

static bool check_can_wait(Relation relation, const Trigger *trigger, InsertCheck *check);
static void find_checks(Relation relation, InsertReceiver *receiver, StringInfo returning);
static bool key_of_row(TupleTableSlot *slot, const InsertCheck *check, int number, const int *places, InsertKey *key);
static bool receive_row(TupleTableSlot *slot, DestReceiver *self);
static void receive_nothing(DestReceiver *self);
static void receive_start(DestReceiver *self, int operation, TupleDesc desc);
static bool returns_columns(const Query *query, const InsertReceiver *receiver);
static PlannedStmt *plan_insert(const char *sql, Relation relation, const InsertReceiver *receiver);
static void silence_checks(EState *estate, const InsertReceiver *receiver);
static bool find_index_columns(const ForeignKeyCacheInfo *key, Relation relation, InsertReferenced *referenced);
static InsertReferenced *open_referenced(Relation relation, const InsertCheck *check);
static void close_referenced(InsertReferenced *referenced);
static bool is_own(Relation relation, InsertCheck *check, const InsertKey *key);
static void check_row(Relation relation, TupleTableSlot *slot, FmgrInfo *function, Trigger *trigger);
static void check_lost_values(Relation relation, InsertReceiver *receiver, FmgrInfo *function, int nlost);
static void check_first_rows(Relation relation, InsertReceiver *receiver);

/* Can a trigger's check of a foreign key wait until all rows are there?  Then `check` is filled. */
static bool
check_can_wait(Relation relation, const Trigger *trigger, InsertCheck *check)
{
	ListCell   *cell;

	if (trigger->tgfoid != F_RI_FKEY_CHECK_INS || trigger->tgdeferrable || !TRIGGER_FOR_INSERT(trigger->tgtype) ||
		SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA ||
		(trigger->tgenabled != TRIGGER_FIRES_ON_ORIGIN && trigger->tgenabled != TRIGGER_FIRES_ALWAYS))
		return false;
	foreach(cell, RelationGetFKeyList(relation))
	{
		ForeignKeyCacheInfo *key = lfirst_node(ForeignKeyCacheInfo, cell);

		if (key->conoid != trigger->tgconstraint)
			continue;
		if (key->nkeys > INSERT_KEY_COLUMNS)
			return false;
		for (int i = 0; i < key->nkeys; i++)
		{
			check->columns[i] = key->conkey[i];
			if (!TupleDescAttr(RelationGetDescr(relation), key->conkey[i] - 1)->attbyval)
				return false;
		}
		check->count = key->nkeys;
		return true;
	}
	return false;
}

/*
 * The foreign keys whose checks wait, and what the statement must return for
 * them.  Their triggers are copied: what others do to the table, and be it
 * ANALYZE, has the server build its own description anew.
 */
static void
find_checks(Relation relation, InsertReceiver *receiver, StringInfo returning)
{
	TriggerDesc *triggers = CopyTriggerDesc(relation->trigdesc);
	int			ncolumns = 1;

	receiver->checks = palloc0(sizeof(InsertCheck) * (triggers != NULL ? triggers->numtriggers : 1));
	appendStringInfoString(returning, "\nRETURNING ctid");
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		InsertCheck *check = &receiver->checks[receiver->nchecks];

		if (!check_can_wait(relation, &triggers->triggers[i], check))
			continue;
		check->trigger = &triggers->triggers[i];
		for (int j = 0; j < check->count; j++)
		{
			Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), check->columns[j] - 1);

			appendStringInfo(returning, ", %s", quote_identifier(NameStr(column->attname)));
			check->places[j] = ncolumns++;
		}
		receiver->nchecks++;
	}
}

/* What a row refers to by a foreign key, whose columns stand at `places` of the slot; false: nothing. */
static bool
key_of_row(TupleTableSlot *slot, const InsertCheck *check, int number, const int *places, InsertKey *key)
{
	int			nnulls = 0;

	memset(key, 0, sizeof(*key));
	key->check = number;
	for (int i = 0; i < check->count; i++)
		if (slot->tts_isnull[places[i]])
		{
			key->nulls |= 1u << i;
			nnulls++;
		}
		else
			key->values[i] = slot->tts_values[places[i]];
	return nnulls < check->count;
}

/* Note a row for each foreign key of which it is the first with its value.  One of NULLs refers to nothing. */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	InsertReceiver *receiver = (InsertReceiver *) self;

	slot_getallattrs(slot);
	for (int i = 0; i < receiver->nchecks; i++)
	{
		InsertCheck *check = &receiver->checks[i];
		InsertKey	key;
		InsertValue *value;
		bool		found;
		InsertFirst *first;

		if (!key_of_row(slot, check, i, check->places, &key) ||
			(check->has_last && memcmp(&check->last, &key, sizeof(InsertKey)) == 0))
			continue;
		check->last = key;
		check->has_last = true;
		value = hash_search(receiver->seen, &key, HASH_ENTER, &found);
		if (found)
			continue;
		value->is_lost = false;
		if (receiver->nfirst == receiver->capacity)
		{
			receiver->capacity *= 2;
			receiver->first = repalloc_huge(receiver->first, sizeof(InsertFirst) * receiver->capacity);
		}
		first = &receiver->first[receiver->nfirst++];
		first->key = key;
		ItemPointerCopy((ItemPointer) DatumGetPointer(slot->tts_values[0]), &first->tid);
	}
	return true;
}

static void
receive_start(DestReceiver *self, int operation, TupleDesc desc)
{
	(void) self;
	(void) operation;
	(void) desc;
}

static void
receive_nothing(DestReceiver *self)
{
	(void) self;
}

/* Does the statement return what was appended for us, and nothing else? */
static bool
returns_columns(const Query *query, const InsertReceiver *receiver)
{
	int			expected = 1;

	for (int i = 0; i < receiver->nchecks; i++)
		expected += receiver->checks[i].count;
	if (list_length(query->returningList) != expected)
		return false;
	for (int i = 0, place = 0; i <= receiver->nchecks; i++)
		for (int j = 0; j < (i == 0 ? 1 : receiver->checks[i - 1].count); j++)
		{
			Var		   *column = (Var *) list_nth_node(TargetEntry, query->returningList, place++)->expr;

			if (!IsA(column, Var) || column->varno != query->resultRelation ||
				column->varattno != (i == 0 ? SelfItemPointerAttributeNumber : receiver->checks[i - 1].columns[j]))
				return false;
		}
	return true;
}

/* Plan an INSERT into a table, which nothing may have made something else of. */
static PlannedStmt *
plan_insert(const char *sql, Relation relation, const InsertReceiver *receiver)
{
	List	   *raw = pg_parse_query(sql);
	List	   *queries = NIL;
	Query	   *query;

	if (list_length(raw) == 1)
		queries = pg_analyze_and_rewrite_fixedparams(linitial_node(RawStmt, raw), sql, NULL, 0, NULL);
	query = list_length(queries) == 1 ? linitial_node(Query, queries) : NULL;
	if (query == NULL || query->commandType != CMD_INSERT || query->onConflict != NULL || query->hasModifyingCTE ||
		rt_fetch(query->resultRelation, query->rtable)->relid != RelationGetRelid(relation) || !returns_columns(query, receiver))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("one plain INSERT into table \"%s\" is expected", RelationGetRelationName(relation))));
	return pg_plan_query(query, sql, 0, NULL);
}

/* In the statement about to run, silence the checks that wait. */
static void
silence_checks(EState *estate, const InsertReceiver *receiver)
{
	ResultRelInfo *result = linitial_node(ResultRelInfo, estate->es_opened_result_relations);
	TriggerDesc *triggers = result->ri_TrigDesc;
	bool		others = false;

	if (triggers == NULL)
		return;
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		for (int j = 0; j < receiver->nchecks; j++)
			if (trigger->tgoid == receiver->checks[j].trigger->tgoid)
				trigger->tgenabled = TRIGGER_DISABLED;
		others = others || (trigger->tgenabled != TRIGGER_DISABLED &&
							TRIGGER_TYPE_MATCHES(trigger->tgtype, TRIGGER_TYPE_ROW, TRIGGER_TYPE_AFTER, TRIGGER_TYPE_INSERT));
	}
	triggers->trig_insert_after_row = others;
}

/*
 * How the index behind a foreign key finds a row by the key's columns; false
 * when that is not an equality of equal types.
 */
static bool
find_index_columns(const ForeignKeyCacheInfo *key, Relation relation, InsertReferenced *referenced)
{
	Form_pg_index form = referenced->index->rd_index;

	if (referenced->index->rd_rel->relam != BTREE_AM_OID || form->indnkeyatts != key->nkeys || !form->indisvalid)
		return false;
	for (int i = 0; i < key->nkeys; i++)
	{
		Oid			type = referenced->index->rd_opcintype[i];
		Oid			operator = get_opfamily_member(referenced->index->rd_opfamily[i], type, type, BTEqualStrategyNumber);
		int			place = 0;

		while (place < key->nkeys && key->confkey[place] != form->indkey.values[i])
			place++;
		if (place == key->nkeys || !OidIsValid(operator) || key->conpfeqop[place] != operator ||
			TupleDescAttr(RelationGetDescr(relation), key->conkey[place] - 1)->atttypid != type)
			return false;
		referenced->places[i] = place;
		referenced->equal[i] = get_opcode(operator);
	}
	return true;
}

/* What a foreign key refers to, to look up rows there; NULL when that cannot be done by its index. */
static InsertReferenced *
open_referenced(Relation relation, const InsertCheck *check)
{
	InsertReferenced *referenced = palloc0(sizeof(InsertReferenced));
	ForeignKeyCacheInfo *key = NULL;
	HeapTuple	row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(check->trigger->tgconstraint));
	Oid			index;
	ListCell   *cell;

	if (!HeapTupleIsValid(row))
		elog(ERROR, "cache lookup failed for constraint %u", check->trigger->tgconstraint);
	index = ((Form_pg_constraint) GETSTRUCT(row))->conindid;
	ReleaseSysCache(row);
	foreach(cell, RelationGetFKeyList(relation))
	{
		if (lfirst_node(ForeignKeyCacheInfo, cell)->conoid == check->trigger->tgconstraint)
			key = copyObject(lfirst_node(ForeignKeyCacheInfo, cell));
	}
	if (key == NULL)
		return NULL;
	referenced->relation = table_open(key->confrelid, AccessShareLock);
	if (referenced->relation->rd_rel->relkind != RELKIND_RELATION)
	{
		table_close(referenced->relation, NoLock);
		return NULL;
	}
	referenced->index = index_open(index, AccessShareLock);
	if (!find_index_columns(key, relation, referenced))
	{
		index_close(referenced->index, NoLock);
		table_close(referenced->relation, NoLock);
		return NULL;
	}
	referenced->slot = table_slot_create(referenced->relation, NULL);
	referenced->scan = statbus_index_beginscan(referenced->relation, referenced->index, SnapshotSelf, check->count);
	return referenced;
}

/* The end of looking up rows; the locks stay. */
static void
close_referenced(InsertReferenced *referenced)
{
	index_endscan(referenced->scan);
	ExecDropSingleTupleTableSlot(referenced->slot);
	index_close(referenced->index, NoLock);
	table_close(referenced->relation, NoLock);
}

/*
 * Is what a row refers to there, and written by this transaction?  A foreign
 * key of which the first value is not is not asked again: that of a code list.
 */
static bool
is_own(Relation relation, InsertCheck *check, const InsertKey *key)
{
	InsertReferenced *referenced = check->referenced;
	ScanKeyData keys[INSERT_KEY_COLUMNS];
	bool		own = false;

	if (check->is_elsewhere || key->nulls != 0)
		return false;
	if (referenced == NULL)
		referenced = check->referenced = open_referenced(relation, check);
	if (referenced != NULL)
	{
		for (int i = 0; i < check->count; i++)
			ScanKeyInit(&keys[i], i + 1, BTEqualStrategyNumber, referenced->equal[i], key->values[referenced->places[i]]);
		index_rescan(referenced->scan, keys, check->count, NULL, 0);
		if (index_getnext_slot(referenced->scan, ForwardScanDirection, referenced->slot))
		{
			bool		is_null;
			Datum		writer = slot_getsysattr(referenced->slot, MinTransactionIdAttributeNumber, &is_null);

			own = TransactionIdIsCurrentTransactionId(DatumGetTransactionId(writer));
		}
		ExecClearTuple(referenced->slot);
	}
	check->is_elsewhere = !own;
	return own;
}

/* Have the server's own check look at a row. */
static void
check_row(Relation relation, TupleTableSlot *slot, FmgrInfo *function, Trigger *trigger)
{
	TriggerData data = {0};

	LOCAL_FCINFO(fcinfo, 0);

	data.type = T_TriggerData;
	data.tg_event = TRIGGER_EVENT_INSERT | TRIGGER_EVENT_ROW | TRIGGER_EVENT_AFTER;
	data.tg_relation = relation;
	data.tg_trigtuple = ExecFetchSlotHeapTuple(slot, false, NULL);
	data.tg_trigslot = slot;
	data.tg_trigger = trigger;
	InitFunctionCallInfoData(*fcinfo, function, 0, InvalidOid, (Node *) &data, NULL);
	(void) FunctionCallInvoke(fcinfo);
}

/*
 * Values whose first row is not there any more, as a trigger or a function of
 * the statement itself has deleted or changed it: another row may have them.
 * That is looked for in the whole table, for it hardly ever happens.
 */
static void
check_lost_values(Relation relation, InsertReceiver *receiver, FmgrInfo *function, int nlost)
{
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	TableScanDesc scan = table_beginscan(relation, SnapshotSelf, 0, NULL);

	while (nlost > 0 && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		for (int i = 0; i < receiver->nchecks; i++)
		{
			const InsertCheck *check = &receiver->checks[i];
			int			places[INSERT_KEY_COLUMNS] = {0};
			InsertKey	key;
			InsertValue *value;

			for (int j = 0; j < check->count; j++)
				places[j] = check->columns[j] - 1;
			if (!key_of_row(slot, check, i, places, &key))
				continue;
			value = hash_search(receiver->seen, &key, HASH_FIND, NULL);
			if (value == NULL || !value->is_lost)
				continue;
			check_row(relation, slot, function, check->trigger);
			value->is_lost = false;
			nlost--;
		}
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
}

/* Have the server's own checks look at the rows noted. */
static void
check_first_rows(Relation relation, InsertReceiver *receiver)
{
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	FmgrInfo	function;
	int			nlost = 0;

	fmgr_info(F_RI_FKEY_CHECK_INS, &function);
	for (int i = 0; i < receiver->nfirst; i++)
	{
		InsertFirst *first = &receiver->first[i];
		InsertCheck *check = &receiver->checks[first->key.check];
		InsertValue *value;

		CHECK_FOR_INTERRUPTS();
		if (is_own(relation, check, &first->key))
			continue;
		if (table_tuple_fetch_row_version(relation, &first->tid, SnapshotSelf, slot))
		{
			check_row(relation, slot, &function, check->trigger);
			ExecClearTuple(slot);
			continue;
		}
		value = hash_search(receiver->seen, &first->key, HASH_FIND, NULL);
		value->is_lost = true;
		nlost++;
	}
	ExecDropSingleTupleTableSlot(slot);
	for (int i = 0; i < receiver->nchecks; i++)
		if (receiver->checks[i].referenced != NULL)
			close_referenced(receiver->checks[i].referenced);
	if (nlost > 0)
		check_lost_values(relation, receiver, &function, nlost);
}

/*
 * insert_rows(target regclass, statement text) → bigint: runs
 * `statement`, an INSERT into `target` without RETURNING, and says how many
 * rows it wrote.
 */
PG_FUNCTION_INFO_V1(statbus_import_insert_rows);
Datum
statbus_import_insert_rows(PG_FUNCTION_ARGS)
{
	Oid			target = PG_GETARG_OID(0);
	char	   *statement = text_to_cstring(PG_GETARG_TEXT_PP(1));
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "statbus insert", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	HASHCTL		layout = {.keysize = sizeof(InsertKey), .entrysize = sizeof(InsertValue), .hcxt = context};
	InsertReceiver receiver = {.capacity = 256};
	Relation	relation = table_open(target, RowExclusiveLock);
	StringInfoData sql;
	QueryDesc  *query;
	int64		written;

	if (relation->rd_rel->relkind != RELKIND_RELATION || relation->rd_rules != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("relation \"%s\" is not a table without rules", RelationGetRelationName(relation))));
	receiver.pub.receiveSlot = receive_row;
	receiver.pub.rStartup = receive_start;
	receiver.pub.rShutdown = receive_nothing;
	receiver.pub.rDestroy = receive_nothing;
	receiver.pub.mydest = DestNone;
	receiver.first = palloc(sizeof(InsertFirst) * receiver.capacity);
	receiver.seen = hash_create("references of an INSERT", 256, &layout, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	initStringInfo(&sql);
	appendStringInfoString(&sql, statement);
	find_checks(relation, &receiver, &sql);

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	query = CreateQueryDesc(plan_insert(sql.data, relation, &receiver), sql.data, GetActiveSnapshot(), InvalidSnapshot,
							&receiver.pub, NULL, NULL, 0);
	ExecutorStart(query, 0);
	silence_checks(query->estate, &receiver);
	statbus_executor_run(query, ForwardScanDirection, 0);
	written = (int64) query->estate->es_processed;
	ExecutorFinish(query);
	ExecutorEnd(query);
	FreeQueryDesc(query);
	CommandCounterIncrement();
	check_first_rows(relation, &receiver);
	PopActiveSnapshot();

	table_close(relation, NoLock);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	PG_RETURN_INT64(written);
}

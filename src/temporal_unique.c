/*-------------------------------------------------------------------------
 *
 * temporal_unique.c
 *	  Temporal unique keys: which rows are checked, and when.
 *
 * All rows are written first and checked then: of two transactions that write
 * overlapping rows at least the later one sees both.  After a statement its
 * rows are read from the transition table into batches of work_mem, each exact
 * by itself, or the whole index is walked once when that is less work.  A
 * deferrable key is checked row by row, when its trigger fires; after some rows
 * one walk checks those that follow, as long as nothing more is written.
 *
 * IDENTIFICATION
 *	  src/temporal_unique.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "merge.h"
#include "temporal_unique.h"

/* So many rows of a deferrable key are checked one by one before a walk is thought of. */
#define ROWS_BEFORE_WALK	50

/*
 * What this transaction had written to a table when rows of a deferrable key
 * were last checked.  While all of it is unchanged there is nothing new to check.
 */
typedef struct WrittenSoFar
{
	Oid			trigger;
	Oid			file;			/* of the table */
	TransactionId transaction;
	SubTransactionId subtransaction;
	CommandId	command;
	int			nest_level;		/* of the counts */
	int64		count;			/* rows inserted and updated */
} WrittenSoFar;

static WrittenSoFar written;

/* Rows checked one by one since then, how many there may be, and is all checked? */
static int	written_checked = 0;
static int64 written_new = 0;
static bool written_walked = false;

PG_FUNCTION_INFO_V1(statbus_temporal_unique_key);
PG_FUNCTION_INFO_V1(statbus_temporal_unique_key_validate);

static void check_statement(TriggerData *trigger, const TemporalUnique *key);
static bool row_trigger_missed(TriggerData *trigger, const TemporalUnique *key);
static bool written_is_current(TriggerData *trigger);
static bool walk_if_many(UniqueCheck *check);
static bool read_row(UniqueCheck *check, TupleTableSlot *slot, Datum *keys, uint32 *nulls,
					 SbInterval *cuts);
static void begin_check(UniqueCheck *check, Relation relation, const TemporalUnique *key);
static void prepare_predicate(UniqueCheck *check);
static void end_check(UniqueCheck *check);
static int	compare_rows(const void *a, const void *b, void *arg);
static int	compare_keys(UniqueCheck *check, const UniqueRow *a, const UniqueRow *b);

/* Check the rows that an INSERT or UPDATE has written against all keys that are not deferrable. */
void
temporal_unique_statement(TriggerData *trigger, const TemporalKeySet *set)
{
	if (!TRIGGER_FIRED_BY_INSERT(trigger->tg_event) && !TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return;
	if (trigger->tg_newtable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" needs a transition table of the new rows",
						trigger->tg_trigger->tgname)));
	if (tuplestore_tuple_count(trigger->tg_newtable) == 0)
		return;
	for (int i = 0; i < set->unique_count; i++)
	{
		const TemporalUnique *key = &set->uniques[i];

		if (!key->enabled || (key->deferrable && !row_trigger_missed(trigger, key)))
			continue;
		if (!key->partial &&
			temporal_merge_vouches(trigger->tg_relation, key->columns.keys, key->columns.count, key->columns.period))
			continue;
		check_statement(trigger, key);
	}
}

/*
 * A deferrable key's row trigger fires by the columns that the UPDATE names.
 * True when it did not, but BEFORE triggers may have changed the key.
 */
static bool
row_trigger_missed(TriggerData *trigger, const TemporalUnique *key)
{
	if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) || trigger->tg_relation->trigdesc == NULL ||
		!trigger->tg_relation->trigdesc->trig_update_before_row)
		return false;
	for (int i = 0; i < key->watched_count; i++)
		if (bms_is_member(key->watched[i] - FirstLowInvalidHeapAttributeNumber, trigger->tg_updatedcols))
			return false;
	return true;
}

/* Check one key for the rows of one statement. */
static void
check_statement(TriggerData *trigger, const TemporalUnique *key)
{
	Tuplestorestate *rows = trigger->tg_newtable;
	UniqueCheck check;
	TupleTableSlot *slot;
	Datum		keys[INDEX_MAX_KEYS];
	uint32		nulls;
	SbInterval	cuts;

	begin_check(&check, trigger->tg_relation, key);
	if (temporal_unique_walk_pays(&check, tuplestore_tuple_count(rows)))
		temporal_unique_walk(&check);
	else
	{
		MemoryContext old = CurrentMemoryContext;
		MemoryContext row = NULL;

		/* ranges that are not of integers are copied when they are read */
		if (check.type->points == PERIOD_DATUM)
			row = AllocSetContextCreate(old, "statbus unique row", ALLOCSET_SMALL_SIZES);
		slot = MakeSingleTupleTableSlot(RelationGetDescr(trigger->tg_relation), &TTSOpsMinimalTuple);
		tuplestore_select_read_pointer(rows, 0);
		tuplestore_rescan(rows);
		while (tuplestore_gettupleslot(rows, true, false, slot))
		{
			bool		counts;

			CHECK_FOR_INTERRUPTS();
			if (row != NULL)
			{
				MemoryContextReset(row);
				MemoryContextSwitchTo(row);
			}
			counts = read_row(&check, slot, keys, &nulls, &cuts);
			MemoryContextSwitchTo(old);
			if (counts)
				temporal_unique_add(&check, keys, nulls, &cuts);
		}
		ExecDropSingleTupleTableSlot(slot);
		if (row != NULL)
			MemoryContextDelete(row);
		temporal_unique_flush(&check);
	}
	end_check(&check);
}

/*
 * temporal.unique_key() → trigger
 *
 * Checks one row of a deferrable key.  Of other keys it only holds the
 * definition: their trigger has WHEN (false).
 */
Datum
statbus_temporal_unique_key(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	const TemporalKeySet *set;
	UniqueCheck check;
	Datum		keys[INDEX_MAX_KEYS];
	uint32		nulls;
	SbInterval	cuts;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired AFTER a row",
						get_func_name(fcinfo->flinfo->fn_oid))));
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		return PointerGetDatum(NULL);

	set = temporal_keys_of(trigger->tg_relation);
	for (int i = 0; i < set->unique_count; i++)
	{
		if (set->uniques[i].trigger != trigger->tg_trigger->tgoid)
			continue;
		if (written_is_current(trigger) && written_walked)
			break;
		begin_check(&check, trigger->tg_relation, &set->uniques[i]);
		if (walk_if_many(&check))
			;
		else if (read_row(&check, TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newslot : trigger->tg_trigslot,
						  keys, &nulls, &cuts))
		{
			temporal_unique_add(&check, keys, nulls, &cuts);
			temporal_unique_flush(&check);
		}
		end_check(&check);
	}
	return PointerGetDatum(NULL);
}

/*
 * Has nothing been written to the table since the last row of this key was
 * checked?  When something has, a new count of checked rows begins.
 */
static bool
written_is_current(TriggerData *trigger)
{
	Relation	relation = trigger->tg_relation;
	PgStat_TableXactStatus *counts = relation->pgstat_info != NULL ? relation->pgstat_info->trans : NULL;
	WrittenSoFar now;

	/* padding is compared as well */
	memset(&now, 0, sizeof(now));
	now.trigger = trigger->tg_trigger->tgoid;
	now.file = relation->rd_rel->relfilenode;
	now.transaction = GetTopTransactionIdIfAny();
	now.subtransaction = GetCurrentSubTransactionId();
	now.command = GetCurrentCommandId(false);
	if (counts != NULL)
	{
		now.nest_level = counts->nest_level;
		now.count = counts->tuples_inserted + counts->tuples_updated;
	}
	if (counts != NULL && memcmp(&now, &written, sizeof(now)) == 0)
		return true;
	written_new = now.count;
	if (written.trigger == now.trigger && written.file == now.file &&
		written.transaction == now.transaction && written.nest_level == now.nest_level &&
		written.count < now.count)
		written_new -= written.count;
	written = now;
	written_checked = 0;
	written_walked = false;
	return false;
}

/*
 * When many rows wait for their check, as at the end of a large transaction,
 * check all own rows at once; true when it was done.
 */
static bool
walk_if_many(UniqueCheck *check)
{
	if (++written_checked != ROWS_BEFORE_WALK ||
		!temporal_unique_walk_pays(check, (double) written_new))
		return false;
	temporal_unique_walk(check);
	written_walked = true;
	return true;
}

/*
 * temporal.unique_key_validate(table_name regclass, constraint_name name) → void
 *
 * Raises 23P01 unless all rows of a table satisfy one of its unique keys.
 * For its owner only.
 */
Datum
statbus_temporal_unique_key_validate(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	Name		name = PG_GETARG_NAME(1);
	Relation	relation = table_open(relid, ShareUpdateExclusiveLock);
	const TemporalKeySet *set;
	const TemporalUnique *key = NULL;
	UniqueCheck check;

	if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, RelationGetRelationName(relation));
	set = temporal_keys_of(relation);
	for (int i = 0; i < set->unique_count; i++)
		if (namestrcmp(name, NameStr(set->uniques[i].name)) == 0)
			key = &set->uniques[i];
	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("temporal unique key \"%s\" of relation \"%s\" does not exist",
						NameStr(*name), RelationGetRelationName(relation))));
	begin_check(&check, relation, key);
	check.validate = true;
	temporal_unique_walk(&check);
	end_check(&check);
	table_close(relation, NoLock);
	PG_RETURN_VOID();
}

/* Prepare the check of a key; cheap, as every statement does it. */
static void
begin_check(UniqueCheck *check, Relation relation, const TemporalUnique *key)
{
	memset(check, 0, offsetof(UniqueCheck, columns));
	check->relation = relation;
	check->key = key;
	check->type = key->columns.type;
	check->count = key->columns.count;
	check->validate = false;
	check->estate = NULL;
	check->predicate = NULL;
	check->scan = NULL;
	check->batch = NULL;
	check->rows = NULL;
	check->row_count = 0;
	check->row_limit = 0;
	for (int i = 0; i < check->count; i++)
	{
		UniqueColumn *column = &check->columns[i];
		AttrNumber	attnum = key->columns.keys[i];
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), attnum - 1);

		column->attnum = attnum;
		column->by_value = attribute->attbyval;
		column->length = attribute->attlen;
		column->collation = attribute->attcollation;
		switch (attribute->atttypid)
		{
			case BOOLOID:
			case CHAROID:
			case INT2OID:
			case INT4OID:
			case INT8OID:
			case OIDOID:
			case DATEOID:
			case TIMESTAMPOID:
			case TIMESTAMPTZOID:
				column->plain = true;
				break;
			default:
				{
					TypeCacheEntry *type = lookup_type_cache(attribute->atttypid,
															 TYPECACHE_CMP_PROC_FINFO);

					column->plain = false;
					if (!OidIsValid(type->cmp_proc_finfo.fn_oid))
						elog(ERROR, "type %u has no btree comparison", attribute->atttypid);
					fmgr_info_copy(&column->compare, &type->cmp_proc_finfo, CurrentMemoryContext);
				}
				break;
		}
	}
	if (key->partial)
		prepare_predicate(check);
}

/* Compile the predicate of the key's index. */
static void
prepare_predicate(UniqueCheck *check)
{
	Relation	index = index_open(temporal_key_index(check->relation, &check->key->columns), AccessShareLock);

	check->estate = CreateExecutorState();
	check->predicate = ExecPrepareQual(RelationGetIndexPredicate(index), check->estate);
	index_close(index, NoLock);
}

/* Free what a check held. */
static void
end_check(UniqueCheck *check)
{
	if (check->scan != NULL)
		temporal_scan_end(check->scan);
	if (check->estate != NULL)
		FreeExecutorState(check->estate);
	if (check->batch != NULL)
		MemoryContextDelete(check->batch);
}

/* The key and period of a row; false when the key does not concern it. */
static bool
read_row(UniqueCheck *check, TupleTableSlot *slot, Datum *keys, uint32 *nulls, SbInterval *cuts)
{
	*nulls = 0;
	for (int i = 0; i < check->count; i++)
	{
		bool		is_null;

		keys[i] = slot_getattr(slot, check->columns[i].attnum, &is_null);
		if (is_null)
		{
			if (!check->key->nulls_not_distinct)
				return false;
			*nulls |= ((uint32) 1) << i;
			keys[i] = (Datum) 0;
		}
	}
	if (check->predicate != NULL)
	{
		ExprContext *context = GetPerTupleExprContext(check->estate);
		bool		counts;

		context->ecxt_scantuple = slot;
		counts = ExecQual(check->predicate, context);
		ResetExprContext(context);
		if (!counts)
			return false;
	}
	return temporal_slot_period(&check->key->columns, slot, cuts);
}

/* Take a row into the batch, which is checked first when work_mem is full. */
UniqueRow *
temporal_unique_add(UniqueCheck *check, const Datum *keys, uint32 nulls, const SbInterval *cuts)
{
	MemoryContext old;
	UniqueRow  *row;

	if (check->batch == NULL)
		check->batch = AllocSetContextCreate(CurrentMemoryContext, "statbus unique batch",
											 ALLOCSET_DEFAULT_SIZES);
	if (check->row_count == check->row_limit)
	{
		if (MemoryContextMemAllocated(check->batch, true) > (Size) work_mem * 1024)
			temporal_unique_flush(check);
		old = MemoryContextSwitchTo(check->batch);
		if (check->rows == NULL)
		{
			check->row_limit = 16;
			check->rows = palloc(sizeof(UniqueRow *) * check->row_limit);
		}
		else
		{
			/* grows by steps, so that the limit is looked at often enough */
			check->row_limit += Min(check->row_limit, 4096);
			check->rows = repalloc_huge(check->rows, sizeof(UniqueRow *) * check->row_limit);
		}
	}
	else
		old = MemoryContextSwitchTo(check->batch);

	row = palloc(offsetof(UniqueRow, keys) + sizeof(Datum) * check->count);
	row->whole = false;
	row->nulls = nulls;
	row->cuts.lo = period_cut_copy(check->type, cuts->lo);
	row->cuts.hi = period_cut_copy(check->type, cuts->hi);
	for (int i = 0; i < check->count; i++)
	{
		UniqueColumn *column = &check->columns[i];

		row->keys[i] = column->by_value || (nulls & (((uint32) 1) << i)) ? keys[i] :
			datumCopy(keys[i], false, column->length);
	}
	check->rows[check->row_count++] = row;
	MemoryContextSwitchTo(old);
	return row;
}

/* Check the rows of the batch and empty it. */
void
temporal_unique_flush(UniqueCheck *check)
{
	int64		suspects[UNIQUE_SUSPECTS];
	int			nsuspects;
	int			suspect = 0;
	int			vouched;
	int			first = 0;

	if (check->row_count == 0)
		return;
	if (check->row_count > 1)
		qsort_arg(check->rows, check->row_count, sizeof(UniqueRow *), compare_rows, check);
	vouched = temporal_unique_walk_range(check, suspects, &nsuspects);
	for (int i = 1; i <= check->row_count; i++)
		if (i == check->row_count || compare_keys(check, check->rows[first], check->rows[i]) != 0)
		{
			CHECK_FOR_INTERRUPTS();
			while (suspect < nsuspects && suspects[suspect] < (int64) check->rows[first]->keys[0])
				suspect++;
			if (first >= vouched || check->rows[first]->whole ||
				(suspect < nsuspects && suspects[suspect] == (int64) check->rows[first]->keys[0]))
				temporal_unique_group(check, check->rows + first, i - first);
			first = i;
		}
	MemoryContextReset(check->batch);
	check->rows = NULL;
	check->row_count = 0;
	check->row_limit = 0;
}

/* Some total order of key values, NULLs being equal; integers in their own, which is the index's. */
static int
compare_keys(UniqueCheck *check, const UniqueRow *a, const UniqueRow *b)
{
	if (a->nulls != b->nulls)
		return a->nulls < b->nulls ? -1 : 1;
	for (int i = 0; i < check->count; i++)
	{
		UniqueColumn *column = &check->columns[i];
		int			result;

		if (a->nulls & (((uint32) 1) << i))
			continue;
		if (column->plain)
			result = (int64) a->keys[i] < (int64) b->keys[i] ? -1 :
				(int64) a->keys[i] > (int64) b->keys[i];
		else
			result = DatumGetInt32(FunctionCall2Coll(&column->compare, column->collation,
													 a->keys[i], b->keys[i]));
		if (result != 0)
			return result;
	}
	return 0;
}

/* qsort_arg callback: by key values, then by start. */
static int
compare_rows(const void *a, const void *b, void *arg)
{
	UniqueCheck *check = arg;
	const UniqueRow *x = *(UniqueRow *const *) a;
	const UniqueRow *y = *(UniqueRow *const *) b;
	int			result = compare_keys(check, x, y);

	return result != 0 ? result : sb_cut_compare(&check->type->order, x->cuts.lo, y->cuts.lo);
}

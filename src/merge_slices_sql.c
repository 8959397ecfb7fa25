/*-------------------------------------------------------------------------
 *
 * merge_slices_sql.c
 *	  Temporal merge: the target's slices of the entities in question.
 *
 * They are locked and read by one statement, in the order of entities, which
 * all merges share.  Entities that are not there yet cannot be locked: for
 * them an advisory lock on a hash of their keys stands in, as long as they are
 * few; of many, the target's own keys take care.
 *
 * IDENTIFICATION
 *	  src/merge_slices_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/plancache.h"
#include "utils/rls.h"
#include "utils/typcache.h"

#include "merge_internal.h"

/* So many new entities are locked one by one, per transaction. */
#define MAX_ENTITY_LOCKS	500

static void name_wanted(MergeState *state);
static bool append_identity(StringInfo sql, const MergeState *state);
static char *slices_query(const MergeState *state, bool reads, bool locks);
static bool can_lock(const MergeState *state);
static void look_through(MergeState *state);
static uint64 key_lock(const MergeState *state, const MergeValues *values, const int *columns, int number);
static int	collect_locks(const MergeState *state, uint64 *locks);
static int	compare_locks(const void *a, const void *b);

/* Put the known entities where queries can join them. */
static void
name_wanted(MergeState *state)
{
	TupleDesc	desc = CreateTemplateTupleDesc(state->nids + 1);
	Datum		values[INDEX_MAX_KEYS + 1];
	bool		nulls[INDEX_MAX_KEYS + 1] = {false};

	TupleDescInitEntry(desc, 1, "n", INT4OID, -1, 0);
	for (int i = 0; i < state->nids; i++)
	{
		const MergeColumn *column = &state->columns[state->ids[i]];

		TupleDescInitEntry(desc, i + 2, psprintf("i%d", i), column->type, column->typmod, 0);
		TupleDescInitEntryCollation(desc, i + 2, column->collation);
	}
	merge_store_start(&state->wanted, "temporal_merge_wanted", desc);
	for (int entity = 0; entity < state->nknown; entity++)
	{
		values[0] = Int32GetDatum(entity);
		for (int i = 0; i < state->nids; i++)
			values[i + 1] = merge_entity_value(state, entity, i);
		tuplestore_putvalues(state->wanted.rows, desc, values, nulls);
	}
	merge_store_name(&state->wanted, state->nknown);
}

/* The join of target and wanted entities; says whether identities have an order. */
static bool
append_identity(StringInfo sql, const MergeState *state)
{
	bool		ordered = true;

	for (int i = 0; i < state->nids; i++)
	{
		const MergeColumn *column = &state->columns[state->ids[i]];

		appendStringInfo(sql, "%s%s", i > 0 ? " AND " : "",
						 merge_equality(state, column, psprintf("t.%s", quote_identifier(column->name)),
										psprintf("e.i%d", i)));
		ordered = ordered && OidIsValid(lookup_type_cache(column->type, TYPECACHE_CMP_PROC)->cmp_proc);
	}
	return ordered;
}

/* SQL for the slices of the wanted entities, or of all where others are to go. */
static char *
slices_query(const MergeState *state, bool reads, bool locks)
{
	StringInfoData sql;
	bool		ordered;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT e.n, t.ctid");
	if (reads)
	{
		appendStringInfo(&sql, ", t.%s", quote_identifier(state->call->period));
		for (int i = 0; i < state->npayload; i++)
			appendStringInfo(&sql, ", t.%s", quote_identifier(state->columns[i].name));
	}
	appendStringInfo(&sql, state->drops_entities ? " FROM ONLY %s AS t LEFT JOIN %s AS e ON " : " FROM ONLY %s AS t JOIN %s AS e ON ",
					 state->target_name, state->wanted.name);
	ordered = append_identity(&sql, state);
	appendStringInfo(&sql, " WHERE NOT pg_catalog.isempty(t.%s)", quote_identifier(state->call->period));
	for (int i = 0; i < state->nids && state->drops_entities; i++)
		appendStringInfo(&sql, " AND t.%s IS NOT NULL", quote_identifier(state->columns[state->ids[i]].name));

	/* entities are numbered in the order of their identities */
	appendStringInfoString(&sql, " ORDER BY ");
	if (state->drops_entities && ordered)
		for (int i = 0; i < state->nids; i++)
			appendStringInfo(&sql, "t.%s, ", quote_identifier(state->columns[state->ids[i]].name));
	else
		appendStringInfoString(&sql, "e.n, ");
	appendStringInfo(&sql, "t.%s", quote_identifier(state->call->period));
	if (locks)
		appendStringInfoString(&sql, " FOR UPDATE OF t");
	return sql.data;
}

/*
 * May the rows be locked while they are read?  Without the right to update
 * the call is in order as long as it finds nothing; and a policy may hide
 * rows from UPDATE that SELECT shows.
 */
static bool
can_lock(const MergeState *state)
{
	Oid			relid = RelationGetRelid(state->target);

	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		return false;
	return pg_class_aclcheck(relid, GetUserId(), ACL_UPDATE) == ACLCHECK_OK ||
		pg_attribute_aclcheck_all(relid, GetUserId(), ACL_UPDATE, ACLMASK_ANY) == ACLCHECK_OK;
}

/* Note which entities are there, and what was seen. */
static void
look_through(MergeState *state)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(state->slice_desc, &TTSOpsMinimalTuple);

	state->there = palloc_extended(sizeof(bool) * (Size) Max(state->nknown, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	state->nslices = 0;
	state->slices_sum = 0;
	while (tuplestore_gettupleslot(state->slices, true, false, slot))
	{
		bool		is_null;
		Datum		entity = slot_getattr(slot, MERGE_SLICE_ENTITY + 1, &is_null);
		bool		tid_null;
		ItemPointer tid;

		CHECK_FOR_INTERRUPTS();
		if (!is_null)
			state->there[DatumGetInt32(entity)] = true;
		tid = (ItemPointer) DatumGetPointer(slot_getattr(slot, MERGE_SLICE_TID + 1, &tid_null));
		state->slices_sum += hash_bytes_extended((const unsigned char *) tid, sizeof(ItemPointerData), 0);
		state->nslices++;
	}
	ExecDropSingleTupleTableSlot(slot);
}

/* Lock and read the slices into state->slices. */
void
merge_read_slices(MergeState *state)
{
	bool		locks = state->call->mode != INSERT_NEW_ENTITIES;
	bool		at_once = locks && can_lock(state);
	bool		one_by_one;
	SPIPlanPtr	plan;

	if (state->slices != NULL)
		tuplestore_end(state->slices);
	state->slices = tuplestore_begin_heap(true, false, work_mem);
	name_wanted(state);
	one_by_one = !state->drops_entities && merge_one_by_one(state, state->nknown, state->nids, state->ids);
	plan = merge_plan_statement(slices_query(state, true, at_once), one_by_one);
	state->slice_desc = CreateTupleDescCopy(((CachedPlanSource *)
											 linitial(SPI_plan_get_plan_sources(plan)))->resultDesc);
	if (state->nknown > 0 || state->drops_entities)
	{
		merge_run_into(plan, state->slices);
		look_through(state);
		if (locks && !at_once && state->nslices > 0)
		{
			SPIPlanPtr	lock = merge_plan_statement(slices_query(state, false, true), one_by_one);

			merge_run_into(lock, NULL);
			tuplestore_clear(state->slices);
			merge_run_into(plan, state->slices);
			look_through(state);
		}
	}
	else
		look_through(state);
	SPI_unregister_relation(state->wanted.name);
	tuplestore_end(state->wanted.rows);
}

/* Somebody has made an entity that this transaction's snapshot does not show. */
void
merge_unseen(const MergeState *state)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent merge into relation %s", state->target_name)));
}

/* 40001 when a later snapshot shows entities that were not there. */
void
merge_check_absent(MergeState *state, Snapshot snapshot)
{
	Tuplestorestate *found = tuplestore_begin_heap(false, false, work_mem);
	StringInfoData sql;
	TupleTableSlot *slot;
	TupleDesc	desc = CreateTemplateTupleDesc(1);

	if (state->nknown == 0)
		return;
	TupleDescInitEntry(desc, 1, "n", INT4OID, -1, 0);
	name_wanted(state);
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT e.n FROM ONLY %s AS t JOIN %s AS e ON ", state->target_name, state->wanted.name);
	append_identity(&sql, state);
	appendStringInfo(&sql, " WHERE NOT pg_catalog.isempty(t.%s)", quote_identifier(state->call->period));
	merge_run_at(merge_plan_statement(sql.data, merge_one_by_one(state, state->nknown, state->nids, state->ids)),
				 found, snapshot);
	SPI_unregister_relation(state->wanted.name);
	tuplestore_end(state->wanted.rows);

	slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(found, true, false, slot))
	{
		bool		is_null;

		if (!state->there[DatumGetInt32(slot_getattr(slot, 1, &is_null))])
			merge_unseen(state);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(found);
}

/* The number of the advisory lock for an entity's values in some columns. */
static uint64
key_lock(const MergeState *state, const MergeValues *values, const int *columns, int number)
{
	uint32		names = hash_bytes_uint32(RelationGetRelid(state->target));

	for (int i = 0; i < values->width; i++)
		names = hash_combine(names, (uint32) state->columns[columns[i]].attnum);
	return ((uint64) names << 32) | hash_bytes_uint32(values->hashes[number]);
}

/*
 * The locks of the entities that are not there, in `locks` when it is not
 * NULL.  More than MAX_ENTITY_LOCKS are not counted.
 */
static int
collect_locks(const MergeState *state, uint64 *locks)
{
	int			count = 0;

	for (int r = 0; r < state->nrows && count <= MAX_ENTITY_LOCKS; r++)
	{
		const MergeRow *row = &state->rows[r];

		if (row->status != MERGE_ROW_ACTS)
			continue;
		if (row->entity < state->nknown)
		{
			if (state->there[row->entity])
				continue;
			if (locks != NULL)
				locks[count] = key_lock(state, state->idents, state->ids,
										state->ident_of != NULL ? state->ident_of[row->entity] : row->entity);
			count++;
			continue;
		}
		for (int j = 0; j < state->nkeys && count <= MAX_ENTITY_LOCKS; j++)
		{
			int32		node = state->nodes[(Size) r * state->nkeys + j];

			if (node < 0)
				continue;
			if (locks != NULL)
				locks[count] = key_lock(state, state->keys[j].values, state->keys[j].columns, node);
			count++;
		}
	}
	return count;
}

/* For qsort: the hashes in ascending order. */
static int
compare_locks(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	return x < y ? -1 : x > y;
}

/*
 * Serialise with merges that make the same new entities, until the end of
 * the transaction.  True when there were any: they may be there now.
 */
bool
merge_lock_new_entities(MergeState *state)
{
	static TimestampTz transaction = 0; /* what `taken` is about */
	static int	taken = 0;
	uint64		locks[MAX_ENTITY_LOCKS + 1];
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	int			count;

	if (state->rules.portion)
		return false;
	count = collect_locks(state, NULL);
	if (transaction != now)
		taken = 0;
	if (count == 0 || count + taken > MAX_ENTITY_LOCKS)
		return false;
	transaction = now;
	taken += count;

	collect_locks(state, locks);
	qsort(locks, count, sizeof(uint64), compare_locks);
	for (int i = 0; i < count; i++)
		if (i == 0 || locks[i] != locks[i - 1])
			DirectFunctionCall1(pg_advisory_xact_lock_int8, Int64GetDatum((int64) locks[i]));
	return true;
}

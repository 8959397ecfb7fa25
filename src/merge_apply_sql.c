/*-------------------------------------------------------------------------
 *
 * merge_apply_sql.c
 *	  Temporal merge: statements that read rows of ours, and the one that writes.
 *
 * DELETE, UPDATE and INSERT are parts of one statement, so that keys are
 * checked on its end state; each reads its rows from a tuplestore by name.
 *
 * IDENTIFICATION
 *	  src/merge_apply_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/plancache.h"
#include "utils/queryenvironment.h"
#include "utils/snapmgr.h"

#include "merge_internal.h"

/*
 * The unique key that the statement being run cannot violate, and how deep in
 * triggers its own statement triggers are.
 */
typedef struct MergeVouch
{
	Oid			relation;		/* invalid: none */
	AttrNumber	period;
	int			count;
	AttrNumber	keys[INDEX_MAX_KEYS];
	int			depth;
	CommandId	command;		/* of the statement */
	int64		written;		/* rows of the relation that it leaves this
								 * transaction to have written */
} MergeVouch;

static MergeVouch vouch;

static int	trigger_depth(void);
static int64 rows_written(Relation relation);
static void vouch_for_identity(const MergeState *state);
static void set_for_planning(const char *name, const char *value);
static TupleDesc store_desc(const MergeState *state, bool update);
static void append_delete(StringInfo sql, const MergeState *state);
static void append_update(StringInfo sql, const MergeState *state, const MergeStore *store);
static void append_insert(StringInfo sql, const MergeState *state);
static void append_part(StringInfo sql, StringInfo counts, const char *name, const char *part);

/* How many triggers deep this backend is. */
static int
trigger_depth(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0));
}

/* How many rows of a relation this transaction has written; -1 when nobody counts. */
static int64
rows_written(Relation relation)
{
	int64		count = 0;

	if (!pgstat_track_counts || relation->pgstat_info == NULL)
		return -1;
	for (PgStat_TableXactStatus *level = relation->pgstat_info->trans; level != NULL; level = level->upper)
		count += level->tuples_inserted + level->tuples_updated;
	return count;
}

/*
 * Vouch for the unique key over the identity, when there is one: its check
 * would cost more than the writing.  Every slice that is written lies in the
 * time of slices of its entity that we have locked; these overlapped nothing,
 * and those that are written do not overlap each other.  Whoever else writes
 * for the entity at this moment finds the old slices, and his own check waits
 * for us.  BEFORE triggers and rules could write something else; and what a
 * function called by the statement (in a CHECK, say) writes while an old slice
 * is shrunk already and its successor not there yet meets neither, so that the
 * rows written since are counted when the key asks.
 */
static void
vouch_for_identity(const MergeState *state)
{
	const TriggerDesc *triggers = state->target->trigdesc;

	if (state->beyond || state->nids > INDEX_MAX_KEYS || state->target->rd_rules != NULL ||
		(triggers != NULL && (triggers->trig_insert_before_row || triggers->trig_update_before_row)))
		return;
	vouch.relation = RelationGetRelid(state->target);
	vouch.period = state->period;
	vouch.count = state->nids;
	for (int i = 0; i < state->nids; i++)
		vouch.keys[i] = state->columns[state->ids[i]].attnum;
	vouch.depth = trigger_depth() + 1;

	/* SPI begins with the same, and then finds nothing to do */
	CommandCounterIncrement();
	vouch.command = GetCurrentCommandId(false);
	vouch.written = rows_written(state->target);
	if (vouch.written >= 0)
		vouch.written += state->shrunk.count + state->updated.count + state->inserted.count;
}

/* The statement is over, or has failed. */
void
merge_forget_vouch(void)
{
	vouch.relation = InvalidOid;
}

/*
 * See merge.h.  What a trigger of the target writes itself is one deeper, what
 * another function writes is a later command; neither is vouched for.
 */
bool
temporal_merge_vouches(Relation relation, const AttrNumber *keys, int count, AttrNumber period)
{
	if (vouch.relation != RelationGetRelid(relation) || vouch.period != period ||
		vouch.count != count || trigger_depth() != vouch.depth ||
		!ActiveSnapshotSet() || GetActiveSnapshot()->curcid != vouch.command)
		return false;
	if (GetCurrentCommandId(false) != vouch.command &&
		(vouch.written < 0 || rows_written(relation) != vouch.written))
		return false;
	for (int i = 0; i < count; i++)
	{
		bool		found = false;

		for (int j = 0; j < count; j++)
			found = found || vouch.keys[i] == keys[j];
		if (!found)
			return false;
	}
	return true;
}

/* Set an option until the caller gives up its GUC nest level. */
static void
set_for_planning(const char *name, const char *value)
{
	set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Plan a statement without JIT, which costs more than it gives here.
 * `one_by_one`: each of our rows is looked up in the target, in the order
 * given.  The settings are the caller's own again when the statement runs.
 */
SPIPlanPtr
merge_plan_statement(const char *sql, bool one_by_one)
{
	SPIPlanPtr	plan = SPI_prepare(sql, 0, NULL);
	CachedPlan *cached;
	int			level;

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	level = NewGUCNestLevel();
	set_for_planning("jit", "off");
	if (one_by_one)
	{
		set_for_planning("enable_hashjoin", "off");
		set_for_planning("enable_mergejoin", "off");
		set_for_planning("enable_nestloop", "on");
		set_for_planning("enable_tidscan", "on");
	}
	cached = SPI_plan_get_cached_plan(plan);
	if (cached != NULL)
		ReleaseCachedPlan(cached, NULL);
	AtEOXact_GUC(true, level);
	return plan;
}

/*
 * Should so many rows be looked up in the target one by one?  Yes when they
 * are fewer than its pages and an index begins with one of their columns; the
 * planner errs where the table has not been analysed.
 */
bool
merge_one_by_one(const MergeState *state, int count, int width, const int *columns)
{
	List	   *indexes;
	ListCell   *cell;
	bool		found = false;

	if ((BlockNumber) count >= RelationGetNumberOfBlocks(state->target))
		return false;
	indexes = RelationGetIndexList(state->target);
	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);
		Form_pg_index form = index->rd_index;

		if (form->indisvalid && index->rd_rel->relam == BTREE_AM_OID && RelationGetIndexPredicate(index) == NIL)
			for (int i = 0; i < width; i++)
				found = found || form->indkey.values[0] == state->columns[columns[i]].attnum;
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	return found;
}

/* Run a query and put its rows into a tuplestore, or nowhere. */
void
merge_run_into(SPIPlanPtr plan, Tuplestorestate *rows)
{
	merge_run_at(plan, rows, NULL);
}

/* The same, by a snapshot other than the transaction's, if there is one. */
void
merge_run_at(SPIPlanPtr plan, Tuplestorestate *rows, Snapshot snapshot)
{
	SPIExecuteOptions options = {0};
	int			result;

	if (snapshot != NULL)
	{
		PushActiveSnapshot(snapshot);
		options.read_only = true;	/* SPI uses the active snapshot */
	}

	options.dest = CreateDestReceiver(rows != NULL ? DestTuplestore : DestNone);
	if (rows != NULL)
		SetTuplestoreDestReceiverParams(options.dest, rows, CurrentMemoryContext, true, NULL, NULL);
	result = SPI_execute_plan_extended(plan, &options);
	if (result < 0)
		elog(ERROR, "SPI_execute_plan_extended failed: %s", SPI_result_code_string(result));
	if (snapshot != NULL)
		PopActiveSnapshot();
	options.dest->rDestroy(options.dest);
}

/* An empty store of rows. */
void
merge_store_start(MergeStore *store, const char *name, TupleDesc desc)
{
	store->name = name;
	store->desc = desc;
	store->count = 0;
	store->rows = tuplestore_begin_heap(true, false, work_mem);
}

/* From now on statements see the store's rows under its name. */
void
merge_store_name(MergeStore *store, double estimate)
{
	EphemeralNamedRelation relation = palloc0(sizeof(EphemeralNamedRelationData));
	int			result;

	relation->md.name = pstrdup(store->name);
	relation->md.reliddesc = InvalidOid;
	relation->md.tupdesc = store->desc;
	relation->md.enrtype = ENR_NAMED_TUPLESTORE;
	relation->md.enrtuples = estimate;
	relation->reldata = store->rows;
	result = SPI_register_relation(relation);
	if (result != SPI_OK_REL_REGISTER)
		elog(ERROR, "SPI_register_relation failed: %s", SPI_result_code_string(result));
}

/* The columns of what is updated (ctid first) or inserted. */
static TupleDesc
store_desc(const MergeState *state, bool update)
{
	const PeriodType *type = state->period_type;
	TupleDesc	desc;
	int			n = update ? 1 : 0;

	for (int i = 0; i < state->ncolumns; i++)
		n += !update || state->columns[i].updated;
	desc = CreateTemplateTupleDesc(n + (state->from != NULL ? 2 : 1));
	n = 0;
	if (update)
		TupleDescInitEntry(desc, ++n, "tid", TIDOID, -1, 0);
	for (int i = 0; i < state->ncolumns; i++)
	{
		const MergeColumn *column = &state->columns[i];

		if (update && !column->updated)
			continue;
		TupleDescInitEntry(desc, ++n, psprintf("c%d", i), column->type, column->typmod, 0);
		TupleDescInitEntryCollation(desc, n, column->collation);
	}
	if (state->from != NULL)
	{
		TupleDescInitEntry(desc, ++n, "lower", type->subtype, -1, 0);
		TupleDescInitEntry(desc, ++n, "upper", type->subtype, -1, 0);
	}
	else
		TupleDescInitEntry(desc, ++n, "period", type->range_type, -1, 0);
	return desc;
}

/* Empty stores for what is to be written. */
void
merge_start_stores(MergeState *state)
{
	TupleDesc	tids = CreateTemplateTupleDesc(1);
	TupleDesc	updates;

	/* an identity is never updated */
	for (int i = state->npayload; i < state->ncolumns; i++)
		state->columns[i].updated = false;
	updates = store_desc(state, true);
	TupleDescInitEntry(tids, 1, "tid", TIDOID, -1, 0);
	merge_store_start(&state->deleted, "temporal_merge_deleted", tids);
	merge_store_start(&state->shrunk, "temporal_merge_shrunk", updates);
	merge_store_start(&state->updated, "temporal_merge_updated", updates);
	merge_store_start(&state->inserted, "temporal_merge_inserted", store_desc(state, false));
}

/* The parts of the statement that writes. */
static void
append_delete(StringInfo sql, const MergeState *state)
{
	appendStringInfo(sql, "DELETE FROM ONLY %s AS t USING %s AS o WHERE t.ctid OPERATOR(pg_catalog.=) o.tid",
					 state->target_name, state->deleted.name);
}

static void
append_update(StringInfo sql, const MergeState *state, const MergeStore *store)
{
	const char *separator = "";

	appendStringInfo(sql, "UPDATE ONLY %s AS t SET ", state->target_name);
	for (int i = 0; i < state->npayload; i++)
	{
		if (!state->columns[i].updated)
			continue;
		appendStringInfo(sql, "%s%s = o.c%d", separator, quote_identifier(state->columns[i].name), i);
		separator = ", ";
	}
	if (state->from != NULL)
		appendStringInfo(sql, "%s%s = o.lower, %s = o.upper", separator,
						 quote_identifier(state->from), quote_identifier(state->until));
	else
		appendStringInfo(sql, "%s%s = o.period", separator, quote_identifier(state->call->period));
	appendStringInfo(sql, " FROM %s AS o WHERE t.ctid OPERATOR(pg_catalog.=) o.tid", store->name);
}

static void
append_insert(StringInfo sql, const MergeState *state)
{
	appendStringInfo(sql, "INSERT INTO %s (", state->target_name);
	for (int i = 0; i < state->ncolumns; i++)
		appendStringInfo(sql, "%s, ", quote_identifier(state->columns[i].name));
	if (state->from != NULL)
		appendStringInfo(sql, "%s, %s)", quote_identifier(state->from), quote_identifier(state->until));
	else
		appendStringInfo(sql, "%s)", quote_identifier(state->call->period));
	if (state->overriding)
		appendStringInfoString(sql, " OVERRIDING SYSTEM VALUE");
	appendStringInfoString(sql, " SELECT ");
	for (int i = 0; i < state->ncolumns; i++)
		appendStringInfo(sql, "o.c%d, ", i);
	appendStringInfo(sql, "%s FROM %s AS o", state->from != NULL ? "o.lower, o.upper" : "o.period",
					 state->inserted.name);
}

/* Make a statement one part of several. */
static void
append_part(StringInfo sql, StringInfo counts, const char *name, const char *part)
{
	appendStringInfo(sql, "%s%s AS (%s RETURNING 1)", counts->len == 0 ? "WITH " : ", ", name, part);
	appendStringInfo(counts, "%s(SELECT pg_catalog.count(*) FROM %s)",
					 counts->len == 0 ? "" : " OPERATOR(pg_catalog.+) ", name);
}

/* Write what is to be written; 42501 when not everything was. */
void
merge_apply(MergeState *state)
{
	MergeStore *stores[] = {&state->deleted, &state->shrunk, &state->updated, &state->inserted};
	static const char *const names[] = {"d", "s", "u", "i"};
	StringInfoData sql;
	StringInfoData counts;
	StringInfoData part;
	int64		expected = 0;
	int64		written;
	int			nparts = 0;
	SPIPlanPtr	plan;
	int			result;

	initStringInfo(&sql);
	initStringInfo(&counts);
	initStringInfo(&part);
	for (int i = 0; i < 4; i++)
	{
		if (stores[i]->count == 0)
			continue;
		merge_store_name(stores[i], (double) stores[i]->count);
		expected += stores[i]->count;
		resetStringInfo(&part);
		if (i == 0)
			append_delete(&part, state);
		else if (i == 3)
			append_insert(&part, state);
		else
			append_update(&part, state, stores[i]);
		append_part(&sql, &counts, names[i], part.data);
		nparts++;
	}
	if (nparts == 0)
		return;
	appendStringInfo(&sql, " SELECT %s", counts.data);

	/* a single part can do without being counted by another statement */
	plan = merge_plan_statement(nparts == 1 ? part.data : sql.data, true);
	vouch_for_identity(state);
	result = SPI_execute_plan(plan, NULL, NULL, false, 0);
	if (result < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
	merge_forget_vouch();
	if (nparts == 1)
		written = (int64) SPI_processed;
	else
	{
		bool		is_null;

		written = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	}
	if (written != expected)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("merge could write only %lld of %lld rows of relation %s",
						(long long) written, (long long) expected, state->target_name),
				 errdetail("A row level security policy or a trigger of the target kept the others from being written.")));
}

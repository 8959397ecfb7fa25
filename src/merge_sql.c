/*-------------------------------------------------------------------------
 *
 * merge_sql.c
 *	  Temporal merge: the way from SQL, and the order of its steps.
 *
 * Nothing here or below asks for another search_path than the caller's: what
 * SQL we make is qualified, and triggers and defaults see the caller's own.
 *
 * IDENTIFICATION
 *	  src/merge_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "parser/scansup.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "merge_internal.h"

/* How often a merge looks again when others commit meanwhile. */
#define MAX_LOOKS	10

/* Counts merges in progress: a trigger of a target may call merge itself. */
static int	merges_running = 0;

static void merge_ended(void *arg);
static uint64 completed_transactions(void);
static void find_and_lock(MergeState *state);
static List *names_of_array(ArrayType *array);
static List *keys_of_json(Jsonb *json);
static int	enum_position(Oid value);

/* True while a merge of this session is at work: see merge.h. */
bool
temporal_merge_is_running(void)
{
	return merges_running > 0;
}

/* Memory context callback: runs at an error too. */
static void
merge_ended(void *arg)
{
	(void) arg;
	merges_running--;
	merge_forget_vouch();
}

/* Says whether anybody has ended a transaction that wrote between two calls. */
static uint64
completed_transactions(void)
{
	return GetTransactionSnapshot()->snapXactCompletionCount;
}

/*
 * Identify the rows and read the slices in question under locks.  Whoever
 * held a lock that had to be waited for may have changed what there is, so at
 * READ COMMITTED this is done until it holds still: nobody has committed since
 * the look began, or it saw what the one before saw.
 */
static void
find_and_lock(MergeState *state)
{
	int64		nslices = -1;
	int			nentities = -1;
	uint64		sum = 0;

	for (int look = 0; look < MAX_LOOKS; look++)
	{
		uint64		before = completed_transactions();
		bool		locked;

		merge_find_candidates(state);
		merge_number_entities(state);
		merge_read_slices(state);
		merge_rate_rows(state);
		locked = merge_lock_new_entities(state);
		if (IsolationUsesXactSnapshot() && !state->rules.portion)
		{
			Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());

			merge_check_absent(state, snapshot);
			merge_check_candidates(state, snapshot);
			UnregisterSnapshot(snapshot);
		}
		if (IsolationUsesXactSnapshot() || (!locked && state->nslices == 0) ||
			completed_transactions() == before)
			break;
		if (state->nslices == nslices && state->slices_sum == sum && state->nentities == nentities)
			break;
		nslices = state->nslices;
		sum = state->slices_sum;
		nentities = state->nentities;
	}
}

/* All steps of one merge: see merge.h. */
void
temporal_merge(const TemporalMergeCall *call, Tuplestorestate *result,
			   TupleDesc result_desc, TemporalMergeOutcome *outcome)
{
	MemoryContext caller = CurrentMemoryContext;
	MergeState	state = {0};
	MemoryContextCallback *ended;
	MergeStore	source = {0};

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	state.call = call;
	state.context = AllocSetContextCreate(CurrentMemoryContext, "temporal merge", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(state.context);
	ended = palloc(sizeof(MemoryContextCallback));
	ended->func = merge_ended;
	ended->arg = NULL;
	MemoryContextRegisterResetCallback(state.context, ended);
	merges_running++;

	state.estate = CreateExecutorState();
	state.econtext = GetPerTupleExprContext(state.estate);
	merge_configure(&state);
	if (call->source_rows != NULL)
	{
		source.name = call->source;
		source.desc = call->source_desc;
		source.rows = call->source_rows;
		merge_store_name(&source, call->source_count);
	}
	merge_read_source(&state);
	find_and_lock(&state);
	merge_sweep(&state);
	merge_apply(&state);
	merge_report(&state, result, result_desc, outcome);
	if (outcome->first_error != NULL)
		outcome->first_error = MemoryContextStrdup(caller, outcome->first_error);

	table_close(state.target, NoLock);
	tuplestore_end(state.source);
	tuplestore_end(state.slices);
	tuplestore_end(state.deleted.rows);
	tuplestore_end(state.shrunk.rows);
	tuplestore_end(state.updated.rows);
	tuplestore_end(state.inserted.rows);
	FreeExecutorState(state.estate);
	SPI_finish();
}

/* The elements of a name[]. */
static List *
names_of_array(ArrayType *array)
{
	List	   *names = NIL;
	Datum	   *values;
	bool	   *nulls;
	int			count;

	deconstruct_array(array, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &values, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("names of columns must not be NULL")));
		names = lappend(names, pstrdup(NameStr(*DatumGetName(values[i]))));
	}
	return names;
}

/* The natural keys: an array of arrays of column names. */
static List *
keys_of_json(Jsonb *json)
{
	List	   *keys = NIL;
	List	   *key = NIL;
	JsonbIterator *iterator = JsonbIteratorInit(&json->root);
	JsonbValue	value;
	JsonbIteratorToken token;
	int			depth = 0;
	bool		valid = JB_ROOT_IS_ARRAY(json) && !JB_ROOT_IS_SCALAR(json);

	while (valid && (token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		if (token == WJB_BEGIN_ARRAY)
		{
			key = NIL;
			valid = ++depth <= 2;
		}
		else if (token == WJB_END_ARRAY)
		{
			if (depth-- == 2)
				keys = lappend(keys, key);
		}
		else if (token == WJB_ELEM && depth == 2 && value.type == jbvString)
		{
			char	   *name = pnstrdup(value.val.string.val, value.val.string.len);

			truncate_identifier(name, strlen(name), false);
			key = lappend(key, name);
		}
		else
			valid = false;
	}
	if (!valid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("natural_keys must be an array of arrays of column names")));
	return keys;
}

/* Where a value of one of our enums stands among MergeMode or MergeDeleteMode. */
static int
enum_position(Oid value)
{
	static const char *const names[] = {
		"MERGE_ENTITY_UPSERT", "MERGE_ENTITY_PATCH", "MERGE_ENTITY_REPLACE", "INSERT_NEW_ENTITIES",
		"UPDATE_FOR_PORTION_OF", "PATCH_FOR_PORTION_OF", "REPLACE_FOR_PORTION_OF", "DELETE_FOR_PORTION_OF"
	};
	static const char *const delete_names[] = {
		"NONE", "DELETE_MISSING_TIMELINE", "DELETE_MISSING_ENTITIES", "DELETE_MISSING_TIMELINE_AND_ENTITIES"
	};
	char	   *name = DatumGetCString(DirectFunctionCall1(enum_out, ObjectIdGetDatum(value)));

	for (int i = 0; i < (int) lengthof(names); i++)
		if (strcmp(names[i], name) == 0)
			return i;
	for (int i = 0; i < (int) lengthof(delete_names); i++)
		if (strcmp(delete_names[i], name) == 0)
			return i;
	elog(ERROR, "unknown mode of merge: %s", name);
}

/*
 * merge_once(target regclass, source regclass, identity_columns name[], mode,
 * natural_keys jsonb, delete_mode, period name, row_id_column name,
 * founding_id_column name, ephemeral_columns name[]) → rows, see merge.h
 */
PG_FUNCTION_INFO_V1(statbus_temporal_merge);
Datum
statbus_temporal_merge(PG_FUNCTION_ARGS)
{
	static const int required[] = {0, 1, 3, 5, 6, 7};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	TemporalMergeCall call = {0};
	TemporalMergeOutcome outcome;
	Relation	source;

	for (int i = 0; i < (int) lengthof(required); i++)
		if (PG_ARGISNULL(required[i]))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("target, source, mode, delete_mode, period and row_id_column must not be NULL")));
	call.target = PG_GETARG_OID(0);
	call.identity = PG_ARGISNULL(2) ? NIL : names_of_array(PG_GETARG_ARRAYTYPE_P(2));
	call.mode = (MergeMode) enum_position(PG_GETARG_OID(3));
	call.natural_keys = PG_ARGISNULL(4) ? NIL : keys_of_json(PG_GETARG_JSONB_P(4));
	call.delete_mode = (MergeDeleteMode) enum_position(PG_GETARG_OID(5));
	call.period = NameStr(*PG_GETARG_NAME(6));
	call.row_id = NameStr(*PG_GETARG_NAME(7));
	call.founding_id = PG_ARGISNULL(8) ? NULL : NameStr(*PG_GETARG_NAME(8));
	call.ephemeral = PG_ARGISNULL(9) ? NIL : names_of_array(PG_GETARG_ARRAYTYPE_P(9));

	source = try_relation_open(PG_GETARG_OID(1), AccessShareLock);
	if (source == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", PG_GETARG_OID(1))));
	call.source = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(source)),
											 RelationGetRelationName(source));
	call.source_desc = CreateTupleDescCopy(RelationGetDescr(source));
	relation_close(source, NoLock);

	InitMaterializedSRF(fcinfo, 0);
	temporal_merge(&call, result->setResult, result->setDesc, &outcome);
	return (Datum) 0;
}

/*-------------------------------------------------------------------------
 *
 * merge_result_sql.c
 *	  Temporal merge: what became of each source row.
 *
 * IDENTIFICATION
 *	  src/merge_result_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "merge_internal.h"

static void prepare_entities(const MergeState *state, FmgrInfo *build);
static Datum entity_json(const MergeState *state, FmgrInfo *build, int entity);
static Oid	status_value(Oid type, MergeStatus status);

static const char *const status_names[] = {
	[MERGE_APPLIED] = "APPLIED",
	[MERGE_SKIPPED_IDENTICAL] = "SKIPPED_IDENTICAL",
	[MERGE_SKIPPED_FILTERED] = "SKIPPED_FILTERED",
	[MERGE_SKIPPED_NO_TARGET] = "SKIPPED_NO_TARGET",
	[MERGE_SKIPPED_ECLIPSED] = "SKIPPED_ECLIPSED",
	[MERGE_ERROR] = "ERROR"
};

/*
 * Set up a call of jsonb_build_object() with the columns of the identity: it
 * asks its call expression for the types of its arguments.
 */
static void
prepare_entities(const MergeState *state, FmgrInfo *build)
{
	List	   *arguments = NIL;

	for (int i = 0; i < state->nids; i++)
	{
		const MergeColumn *column = &state->columns[state->ids[i]];

		arguments = lappend(arguments, makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1,
												 CStringGetTextDatum(column->name), false, false));
		arguments = lappend(arguments, makeNullConst(column->type, column->typmod, column->collation));
	}
	fmgr_info(F_JSONB_BUILD_OBJECT_ANY, build);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_JSONB_BUILD_OBJECT_ANY, JSONBOID, arguments,
											 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL), build);
}

/* An entity's identity as a JSON object. */
static Datum
entity_json(const MergeState *state, FmgrInfo *build, int entity)
{
	LOCAL_FCINFO(fcinfo, FUNC_MAX_ARGS);
	List	   *arguments = ((FuncExpr *) build->fn_expr)->args;

	InitFunctionCallInfoData(*fcinfo, build, state->nids * 2, InvalidOid, NULL, NULL);
	for (int i = 0; i < state->nids; i++)
	{
		fcinfo->args[2 * i].value = ((Const *) list_nth(arguments, 2 * i))->constvalue;
		fcinfo->args[2 * i].isnull = false;
		fcinfo->args[2 * i + 1].value = merge_entity_value(state, entity, i);
		fcinfo->args[2 * i + 1].isnull = false;
	}
	return FunctionCallInvoke(fcinfo);
}

/* The same as text. */
char *
merge_entity_text(MergeState *state, int entity)
{
	FmgrInfo	build;
	Jsonb	   *json;

	prepare_entities(state, &build);
	json = DatumGetJsonbP(entity_json(state, &build, entity));
	return JsonbToCString(NULL, &json->root, VARSIZE(json));
}

/* A value of temporal.merge_status. */
static Oid
status_value(Oid type, MergeStatus status)
{
	return DatumGetObjectId(DirectFunctionCall2(enum_in, CStringGetDatum(status_names[status]),
												ObjectIdGetDatum(type)));
}

/* Write one result row per source row, in order, and count. */
void
merge_report(MergeState *state, Tuplestorestate *result, TupleDesc desc, TemporalMergeOutcome *outcome)
{
	FmgrInfo	build;
	Datum		statuses[MERGE_STATUS_COUNT];
	MemoryContext per_entity = AllocSetContextCreate(state->context, "merge result", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	int			shown = -1;
	Datum		values[4] = {0};
	bool		nulls[4];

	memset(outcome, 0, sizeof(*outcome));
	prepare_entities(state, &build);
	for (int s = 0; s < MERGE_STATUS_COUNT && result != NULL; s++)
		statuses[s] = ObjectIdGetDatum(status_value(TupleDescAttr(desc, 1)->atttypid, s));

	old = MemoryContextSwitchTo(per_entity);
	for (int r = 0; r < state->nrows; r++)
	{
		const MergeRow *row = &state->rows[r];
		bool		known = row->entity >= 0 &&
			(row->entity < state->nknown || state->is_fresh[row->entity - state->nknown]);

		CHECK_FOR_INTERRUPTS();
		outcome->rows[row->status]++;
		if (row->status == MERGE_ERROR && outcome->first_error == NULL)
		{
			outcome->first_error = MemoryContextStrdup(state->context, row->message);
			outcome->first_error_row = row->row_id;
		}
		if (result == NULL)
			continue;
		values[0] = Int64GetDatum(row->row_id);
		nulls[0] = (row->flags & MERGE_ROW_NO_ID) != 0;
		values[1] = statuses[row->status];
		nulls[1] = false;
		if (known && row->entity != shown)
		{
			MemoryContextReset(per_entity);
			values[2] = entity_json(state, &build, row->entity);
			shown = row->entity;
		}
		nulls[2] = !known;
		nulls[3] = row->message == NULL;
		if (!nulls[3])
			values[3] = CStringGetTextDatum(row->message);
		tuplestore_putvalues(result, desc, values, nulls);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(per_entity);
}

/*-------------------------------------------------------------------------
 *
 * portion_sql.c
 *	  The triggers of portion views, which change a part of time.
 *
 * A BEFORE STATEMENT trigger opens a collection, the INSTEAD OF row trigger
 * puts a typed row per changed slice into it, and the AFTER STATEMENT trigger
 * merges all of them at once.  Statements nest strictly, so open collections
 * are a stack: a row belongs to the newest one of its view and command.  Their
 * memory belongs to the (sub)transaction, which takes a collection off the
 * stack when it aborts.
 *
 * Only what was changed is collected: merge reads everything else when it
 * has locked the entity.  So two sessions that edit different columns of one
 * entity at the same time lose nothing.
 *
 * IDENTIFICATION
 *	  src/portion_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "portion.h"

/* What one statement has changed so far. */
typedef struct PortionCollection
{
	struct PortionCollection *below;	/* on the stack */
	bool		stacked;
	MemoryContext context;		/* everything of it */
	MemoryContextCallback callback;
	Oid			view_id;
	bool		deletes;
	char	   *ephemeral;		/* text of a name[], or NULL */

	/* from the first row on */
	PortionView *view;
	Tuplestorestate *rows;
	int64		count;
	bytea	   *all_given;		/* columns that any row gives */
	Datum	   *was;
	bool	   *was_null;
	Datum	   *is_now;
	bool	   *is_now_null;
	bool	   *changed;
	Datum	   *values;			/* of a row to collect */
	bool	   *nulls;
} PortionCollection;

static PortionCollection *collections = NULL;

PG_FUNCTION_INFO_V1(statbus_portion_row);
PG_FUNCTION_INFO_V1(statbus_portion_statement);

static void check_trigger(FunctionCallInfo fcinfo, bool fits);
static void unstack(void *arg);
static void demand_apply(const TriggerData *trigger);
static void open_collection(const TriggerData *trigger);
static PortionCollection *find_collection(const TriggerData *trigger);
static void start_collection(PortionCollection *collection, const TriggerData *trigger);
static bytea *new_bits(int count);
static bool bit_is_set(const bytea *bits, int bit);
static void set_bit(bytea *bits, int bit);
static bool find_changes(PortionCollection *collection, TupleDesc desc);
static void refuse_column(const PortionView *view, Relation relation, int column);
static SbCut bound_cut(const PortionCollection *collection, int column, bool is_upper);
static SbCut last_cut(const PortionCollection *collection, int column);
static void check_agreement(const PortionView *view, SbCut given, SbCut other);
static bool find_portion(PortionCollection *collection, const SbInterval *slice, SbInterval *portion);
static void collect(PortionCollection *collection, const SbInterval *portion);
static HeapTuple with_bounds(PortionCollection *collection, TupleDesc desc, HeapTuple tuple,
							 const SbInterval *portion);
static Datum last_point(const PortionView *view, Datum until);
static void apply(PortionCollection *collection);

/* Raise unless the function is called as the trigger that it is. */
static void
check_trigger(FunctionCallInfo fcinfo, bool fits)
{
	if (!CALLED_AS_TRIGGER(fcinfo) || !fits)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be a trigger of a portion view",
						get_func_name(fcinfo->flinfo->fn_oid)),
				 errhint("Make portion views with temporal.add_portion_view().")));
}

/*
 * temporal.portion_row() → trigger
 *
 * INSTEAD OF row trigger of a portion view; its argument is the period.  Gives
 * the row as the table will have it, or nothing when it asks for no time that
 * the slice has.
 */
Datum
statbus_portion_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	PortionCollection *collection;
	PortionView *view;
	TupleDesc	desc;
	SbInterval	slice;
	SbInterval	portion;

	check_trigger(fcinfo, CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_INSTEAD(trigger->tg_event) &&
				  trigger->tg_trigger->tgnargs >= 1);
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("rows cannot be inserted into view \"%s\"", RelationGetRelationName(trigger->tg_relation)),
				 errhint("Insert into the table, or use temporal.merge().")));

	collection = find_collection(trigger);
	view = collection->view;
	desc = RelationGetDescr(trigger->tg_relation);
	heap_deform_tuple(trigger->tg_trigtuple, desc, collection->was, collection->was_null);
	if (!collection->deletes)
	{
		heap_deform_tuple(trigger->tg_newtuple, desc, collection->is_now, collection->is_now_null);
		if (!find_changes(collection, desc))
			return PointerGetDatum(trigger->tg_newtuple);
		for (int i = 0; i < view->ncolumns; i++)
			if (collection->changed[i])
				refuse_column(view, trigger->tg_relation, i);
	}
	if (collection->was_null[view->period] ||
		!period_cuts(view->table.type, collection->was[view->period], &slice))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the row is valid at no time")));
	if (collection->deletes)
	{
		collect(collection, &slice);
		return PointerGetDatum(trigger->tg_trigtuple);
	}
	if (!find_portion(collection, &slice, &portion))
		return PointerGetDatum(NULL);
	collect(collection, &portion);
	return PointerGetDatum(with_bounds(collection, desc, trigger->tg_newtuple, &portion));
}

/*
 * temporal.portion_statement() → trigger
 *
 * BEFORE and AFTER statement trigger of a portion view; its arguments are the
 * period and, as the text of a name[], the ephemeral columns.
 */
Datum
statbus_portion_statement(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	check_trigger(fcinfo, CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) &&
				  !TRIGGER_FIRED_BY_INSERT(trigger->tg_event) && trigger->tg_trigger->tgnargs >= 1);
	if (TRIGGER_FIRED_BEFORE(trigger->tg_event))
		open_collection(trigger);
	else
	{
		PortionCollection *collection = collections;

		while (collection != NULL && (collection->view_id != RelationGetRelid(trigger->tg_relation) ||
									  collection->deletes != TRIGGER_FIRED_BY_DELETE(trigger->tg_event)))
			collection = collection->below;
		check_trigger(fcinfo, collection != NULL);
		unstack(collection);
		if (collection->count > 0)
			apply(collection);
		MemoryContextDelete(collection->context);
	}
	return PointerGetDatum(NULL);
}

/* Take a collection off the stack; also called when its memory goes. */
static void
unstack(void *arg)
{
	PortionCollection *collection = arg;
	PortionCollection **place = &collections;

	if (!collection->stacked)
		return;
	while (*place != collection)
		place = &(*place)->below;
	*place = collection->below;
	collection->stacked = false;
}

/* Raise unless a trigger will fire after the statement that merges what it collects. */
static void
demand_apply(const TriggerData *trigger)
{
	const TriggerDesc *triggers = trigger->tg_relation->trigdesc;
	int16		event = TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ? TRIGGER_TYPE_DELETE : TRIGGER_TYPE_UPDATE;

	for (int i = 0; i < triggers->numtriggers; i++)
	{
		const Trigger *other = &triggers->triggers[i];

		if (other->tgfoid == trigger->tg_trigger->tgfoid && other->tgenabled == trigger->tg_trigger->tgenabled &&
			TRIGGER_TYPE_MATCHES(other->tgtype, TRIGGER_TYPE_STATEMENT, TRIGGER_TYPE_AFTER, event) &&
			other->tgqual == NULL)
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("view \"%s\" lacks the statement triggers of a portion view",
					RelationGetRelationName(trigger->tg_relation)),
			 errhint("Call temporal.add_portion_view() again.")));
}

/* A statement begins. */
static void
open_collection(const TriggerData *trigger)
{
	MemoryContext context = AllocSetContextCreate(CurTransactionContext, "statbus portions",
												  ALLOCSET_SMALL_SIZES);
	PortionCollection *collection = MemoryContextAllocZero(context, sizeof(PortionCollection));

	demand_apply(trigger);
	collection->context = context;
	collection->view_id = RelationGetRelid(trigger->tg_relation);
	collection->deletes = TRIGGER_FIRED_BY_DELETE(trigger->tg_event);
	if (trigger->tg_trigger->tgnargs > 1)
		collection->ephemeral = MemoryContextStrdup(context, trigger->tg_trigger->tgargs[1]);
	collection->callback.func = unstack;
	collection->callback.arg = collection;
	MemoryContextRegisterResetCallback(context, &collection->callback);
	collection->below = collections;
	collection->stacked = true;
	collections = collection;
}

/* The collection of the statement that this row trigger belongs to, ready for rows. */
static PortionCollection *
find_collection(const TriggerData *trigger)
{
	Oid			view_id = RelationGetRelid(trigger->tg_relation);
	bool		deletes = TRIGGER_FIRED_BY_DELETE(trigger->tg_event);

	for (PortionCollection *collection = collections; collection != NULL; collection = collection->below)
	{
		if (collection->view_id != view_id || collection->deletes != deletes)
			continue;
		if (collection->view == NULL)
			start_collection(collection, trigger);
		return collection;
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("view \"%s\" lacks the statement triggers of a portion view",
					RelationGetRelationName(trigger->tg_relation)),
			 errhint("Call temporal.add_portion_view() again.")));
	return NULL;
}

/* The first row of a statement: find out what the view is. */
static void
start_collection(PortionCollection *collection, const TriggerData *trigger)
{
	MemoryContext caller = MemoryContextSwitchTo(collection->context);
	PortionView *view = portion_read_view(trigger->tg_relation, trigger->tg_trigger->tgargs[0],
										  collection->ephemeral, collection->deletes);

	collection->was = palloc(sizeof(Datum) * view->ncolumns);
	collection->was_null = palloc(sizeof(bool) * view->ncolumns);
	collection->is_now = palloc(sizeof(Datum) * view->ncolumns);
	collection->is_now_null = palloc(sizeof(bool) * view->ncolumns);
	collection->changed = palloc(sizeof(bool) * view->ncolumns);
	collection->values = palloc(sizeof(Datum) * view->collected->natts);
	collection->nulls = palloc(sizeof(bool) * view->collected->natts);
	collection->all_given = new_bits(view->collected->natts);
	collection->rows = tuplestore_begin_heap(false, false, work_mem);
	collection->view = view;
	MemoryContextSwitchTo(caller);
}

/* A bytea with so many bits, none of them set. */
static bytea *
new_bits(int count)
{
	Size		size = VARHDRSZ + (count + 7) / 8;
	bytea	   *result = palloc0(size);

	SET_VARSIZE(result, size);
	return result;
}

/* Which columns a row changes: a bit each. */
static bool
bit_is_set(const bytea *bits, int bit)
{
	return (VARDATA(bits)[bit / 8] & (1 << (bit % 8))) != 0;
}

static void
set_bit(bytea *bits, int bit)
{
	VARDATA(bits)[bit / 8] |= 1 << (bit % 8);
}

/* Find out which columns an UPDATE changes.  False when it changes none. */
static bool
find_changes(PortionCollection *collection, TupleDesc desc)
{
	bool		result = false;

	for (int i = 0; i < desc->natts; i++)
	{
		const PortionColumn *column = &collection->view->columns[i];

		collection->changed[i] = collection->was_null[i] != collection->is_now_null[i] ||
			(!collection->was_null[i] &&
			 !datum_image_eq(collection->was[i], collection->is_now[i], column->typbyval, column->typlen));
		result = result || collection->changed[i];
	}
	return result;
}

/* Raise for a changed column that cannot be written for a portion of time. */
static void
refuse_column(const PortionView *view, Relation relation, int column)
{
	const char *name = NameStr(TupleDescAttr(RelationGetDescr(relation), column)->attname);

	switch (view->columns[column].role)
	{
		case PORTION_ROLE_IDENTITY:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("identity column \"%s\" cannot be changed for a portion of time", name)));
			break;
		case PORTION_ROLE_GENERATED:
			ereport(ERROR,
					(errcode(ERRCODE_GENERATED_ALWAYS),
					 errmsg("column \"%s\" of view \"%s\" cannot be updated", name, RelationGetRelationName(relation)),
					 errdetail("It is a generated column of the table.")));
			break;
		case PORTION_ROLE_OTHER:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("column \"%s\" of view \"%s\" cannot be updated", name, RelationGetRelationName(relation)),
					 errdetail("It is not a column of the table.")));
			break;
		default:
			break;
	}
}

/* Raise for a contradiction between two bounds that an UPDATE gives for one end. */
static void
check_agreement(const PortionView *view, SbCut given, SbCut other)
{
	/*
	 * whether a bound of a range belongs to it is not what the other columns
	 * can say
	 */
	if (given.side == SB_CUT_AFTER)
		given.side = SB_CUT_BEFORE;
	if (other.side == SB_CUT_AFTER)
		other.side = SB_CUT_BEFORE;
	if (sb_cut_compare(&view->table.type->order, given, other) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the portion of time is contradictory")));
}

/* The cut that a column with a bound asks for now; NULL is unbounded where the table allows it. */
static SbCut
bound_cut(const PortionCollection *collection, int column, bool is_upper)
{
	const PortionView *view = collection->view;
	bool		is_null = collection->is_now_null[column];
	SbInterval	cuts;

	if (is_null && (is_upper ? view->until_not_null : view->from_not_null))
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("the portion of time has no %s", is_upper ? "end" : "start")));
	cuts = period_from_points(view->table.type, collection->is_now[column], is_null,
							  collection->is_now[column], is_null);
	return is_upper ? cuts.hi : cuts.lo;
}

/* The cut after the last point that a column asks for; infinite points have no next one. */
static SbCut
last_cut(const PortionCollection *collection, int column)
{
	const PortionView *view = collection->view;
	SbCut		cut = bound_cut(collection, column, true);
	bool		too_far;

	if (cut.side != SB_CUT_BEFORE)
		return cut;
	switch (view->table.type->subtype)
	{
		case DATEOID:
			if (DATE_NOT_FINITE(DatumGetDateADT(collection->is_now[column])))
				return cut;
			too_far = !IS_VALID_DATE(DatumGetDateADT(collection->is_now[column]) + 1);
			break;
		case INT4OID:
			too_far = DatumGetInt32(collection->is_now[column]) == PG_INT32_MAX;
			break;
		default:
			too_far = DatumGetInt64(collection->is_now[column]) == PG_INT64_MAX;
			break;
	}
	if (too_far)
		ereport(ERROR,
				(errcode(view->table.type->subtype == DATEOID ?
						 ERRCODE_DATETIME_VALUE_OUT_OF_RANGE : ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the portion of time ends out of range")));
	if (view->table.type->points == PERIOD_DATUM)
		cut.value = view->table.type->subtype == INT8OID ?
			(int64_t) Int64GetDatum(DatumGetInt64(collection->is_now[column]) + 1) :
			(int64_t) Int32GetDatum(DatumGetInt32(collection->is_now[column]) + 1);
	else
		cut.value++;
	return cut;
}

/*
 * The portion that an UPDATE of a slice asks for, within the slice: what was
 * set of the range, the start and either end; what was not set stays as the slice has
 * it.  False when the slice has no such time.
 */
static bool
find_portion(PortionCollection *collection, const SbInterval *slice, SbInterval *portion)
{
	const PortionView *view = collection->view;
	const SbOrder *order = &view->table.type->order;
	const bool *changed = collection->changed;
	bool		has_from = view->from >= 0 && changed[view->from];
	bool		has_until = view->until >= 0 && changed[view->until];
	bool		has_to = view->to >= 0 && changed[view->to];
	SbInterval	asked = *slice;

	if (has_from)
		asked.lo = bound_cut(collection, view->from, false);
	if (has_until)
		asked.hi = bound_cut(collection, view->until, true);
	if (has_to)
	{
		SbCut		after = last_cut(collection, view->to);

		if (has_until)
			check_agreement(view, asked.hi, after);
		asked.hi = after;
	}
	if (changed[view->period])
	{
		SbInterval	given;

		if (collection->is_now_null[view->period])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("the portion of time must not be NULL")));
		if (!period_cuts(view->table.type, collection->is_now[view->period], &given))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the portion of time is empty")));
		if (has_from)
			check_agreement(view, given.lo, asked.lo);
		if (has_until || has_to)
			check_agreement(view, given.hi, asked.hi);
		asked = given;
	}
	else if (has_from && (has_until || has_to) && sb_cut_compare(order, asked.lo, asked.hi) >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the portion of time is empty")));

	portion->lo = sb_cut_compare(order, asked.lo, slice->lo) > 0 ? asked.lo : slice->lo;
	portion->hi = sb_cut_compare(order, asked.hi, slice->hi) < 0 ? asked.hi : slice->hi;
	return sb_cut_compare(order, portion->lo, portion->hi) < 0;
}

/* Put a portion into the collection, with the columns that changed. */
static void
collect(PortionCollection *collection, const SbInterval *portion)
{
	PortionView *view = collection->view;
	int			place = collection->deletes ? PORTION_GIVEN : PORTION_GIVEN + 1;
	bytea	   *given = NULL;
	bool		writes = collection->deletes;

	memset(collection->nulls, true, sizeof(bool) * view->collected->natts);
	if (!collection->deletes)
	{
		given = new_bits(view->collected->natts);
		for (int i = 0; i < view->ncolumns; i++)
		{
			const PortionColumn *column = &view->columns[i];

			if (!collection->changed[i] || column->role != PORTION_ROLE_DATA)
				continue;
			collection->values[column->place] = collection->is_now[i];
			collection->nulls[column->place] = collection->is_now_null[i];
			set_bit(given, column->place);
			set_bit(collection->all_given, column->place);
			writes = true;
		}
		collection->values[PORTION_GIVEN] = PointerGetDatum(given);
		collection->nulls[PORTION_GIVEN] = false;
	}
	if (!writes)
		return;
	collection->values[PORTION_ROW] = Int64GetDatum(++collection->count);
	collection->nulls[PORTION_ROW] = false;
	collection->values[PORTION_PERIOD] = period_range(view->table.type, portion);
	collection->nulls[PORTION_PERIOD] = false;
	for (int i = 0; i < view->nids; i++)
	{
		collection->values[place + i] = collection->was[view->ids[i]];
		collection->nulls[place + i] = collection->was_null[view->ids[i]];
	}
	tuplestore_putvalues(collection->rows, view->collected, collection->values, collection->nulls);
}

/* The point before a bound of a type with last points; infinite ones stay. */
static Datum
last_point(const PortionView *view, Datum until)
{
	switch (view->table.type->subtype)
	{
		case DATEOID:
			return DATE_NOT_FINITE(DatumGetDateADT(until)) ? until : DateADTGetDatum(DatumGetDateADT(until) - 1);
		case INT4OID:
			return Int32GetDatum(DatumGetInt32(until) - 1);
		default:
			return Int64GetDatum(DatumGetInt64(until) - 1);
	}
}

/* The new row with all columns of its time saying the same: for RETURNING and later triggers. */
static HeapTuple
with_bounds(PortionCollection *collection, TupleDesc desc, HeapTuple tuple, const SbInterval *portion)
{
	PortionView *view = collection->view;
	HeapTuple	result;
	Datum		from;
	Datum		until;
	bool		no_start;
	bool		no_end;

	from = period_lower(view->table.type, portion, &no_start);
	until = period_upper(view->table.type, portion, &no_end);
	collection->is_now[view->period] = period_range(view->table.type, portion);
	collection->is_now_null[view->period] = false;
	if (view->from >= 0)
	{
		collection->is_now[view->from] = from;
		collection->is_now_null[view->from] = no_start;
	}
	if (view->until >= 0)
	{
		collection->is_now[view->until] = until;
		collection->is_now_null[view->until] = no_end;
	}
	if (view->to >= 0)
	{
		collection->is_now[view->to] = no_end ? (Datum) 0 : last_point(view, until);
		collection->is_now_null[view->to] = no_end;
	}
	result = heap_form_tuple(desc, collection->is_now, collection->is_now_null);
	result->t_data->t_ctid = tuple->t_data->t_ctid;
	result->t_self = tuple->t_self;
	result->t_tableOid = tuple->t_tableOid;
	return result;
}

/*
 * The statement is over: merge what it collected.  Columns that no row gives
 * are left out, so that they need no right to be updated.
 */
static void
apply(PortionCollection *collection)
{
	PortionView *view = collection->view;
	MemoryContext caller = MemoryContextSwitchTo(collection->context);
	TupleDesc	desc = view->collected;
	int			fixed = PORTION_GIVEN + 1 + view->nids;
	int			natts = 0;
	int		   *from = palloc(sizeof(int) * desc->natts);
	TupleDesc	narrow;
	Tuplestorestate *rows;
	TupleTableSlot *slot;

	if (!collection->deletes)
	{
		for (int i = 0; i < desc->natts; i++)
			if (i < fixed || bit_is_set(collection->all_given, i))
				from[natts++] = i;
		narrow = CreateTemplateTupleDesc(natts);
		for (int i = 0; i < natts; i++)
			TupleDescCopyEntry(narrow, i + 1, desc, from[i] + 1);
		rows = tuplestore_begin_heap(false, false, work_mem);
		slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
		while (tuplestore_gettupleslot(collection->rows, true, false, slot))
		{
			bytea	   *all;
			bytea	   *given = new_bits(natts);

			CHECK_FOR_INTERRUPTS();
			slot_getallattrs(slot);
			all = DatumGetByteaP(slot->tts_values[PORTION_GIVEN]);
			for (int i = 0; i < natts; i++)
			{
				collection->values[i] = slot->tts_values[from[i]];
				collection->nulls[i] = slot->tts_isnull[from[i]];
				if (i >= fixed && bit_is_set(all, from[i]))
					set_bit(given, i);
			}
			collection->values[PORTION_GIVEN] = PointerGetDatum(given);
			tuplestore_putvalues(rows, narrow, collection->values, collection->nulls);
			pfree(given);
			if ((Pointer) all != DatumGetPointer(slot->tts_values[PORTION_GIVEN]))
				pfree(all);
		}
		ExecDropSingleTupleTableSlot(slot);
		tuplestore_end(collection->rows);
		collection->rows = rows;
		desc = narrow;
	}
	portion_merge(&view->table, view->ephemeral, collection->deletes, desc, collection->rows, collection->count);
	MemoryContextSwitchTo(caller);
	tuplestore_end(collection->rows);
}

/*-------------------------------------------------------------------------
 *
 * merge_source_sql.c
 *	  Temporal merge: the source's rows, read once.
 *
 * They are kept in a tuplestore in the order of row_id, in the target's
 * types; what later steps ask of each row again and again is a MergeRow.
 *
 * IDENTIFICATION
 *	  src/merge_source_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/tuplesort.h"

#include "merge_internal.h"

static bool has_column(const MergeState *state, const char *name);
static const char *type_text(Oid type, int32 typmod);
static void append_value(StringInfo sql, const MergeState *state, const MergeColumn *column);
static void append_period(StringInfo sql, const MergeState *state);
static char *source_query(const MergeState *state);
static bool is_sorted(MergeState *state);
static void sort_rows(MergeState *state);
static void add_row(MergeState *state, TupleTableSlot *slot, MergeValues *foundings);
static void add_identity(MergeState *state, MergeRow *row, TupleTableSlot *slot);
static void add_keys(MergeState *state, MergeRow *row, TupleTableSlot *slot);
static MergeFault period_fault(const MergeState *state, const SbInterval *range, bool has_range,
							   const SbCut *from, const SbCut *until, const SbCut *after);

/* True when the source has a column of that name. */
static bool
has_column(const MergeState *state, const char *name)
{
	TupleDesc	desc = state->call->source_desc;

	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped && strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) == 0)
			return true;
	return false;
}

/* The name of a type, whatever the search_path. */
static const char *
type_text(Oid type, int32 typmod)
{
	return format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}

/* A column of the source in the target's type.  Too long a text is refused, as INSERT would, not cut. */
static void
append_value(StringInfo sql, const MergeState *state, const MergeColumn *column)
{
	const char *name = quote_identifier(column->name);
	Form_pg_attribute att;

	if (column->source_attnum == 0)
	{
		appendStringInfo(sql, ", NULL::%s", type_text(column->type, column->typmod));
		return;
	}
	att = TupleDescAttr(state->call->source_desc, column->source_attnum - 1);
	if (att->atttypid == column->type && att->atttypmod == column->typmod)
		appendStringInfo(sql, ", s.%s", name);
	else if (column->typmod > 0 && column->type == VARCHAROID)
		appendStringInfo(sql, ", pg_catalog.\"varchar\"(s.%s::pg_catalog.varchar, %d, false)", name, column->typmod);
	else if (column->typmod > 0 && column->type == BPCHAROID)
		appendStringInfo(sql, ", pg_catalog.bpchar(s.%s::pg_catalog.bpchar, %d, false)", name, column->typmod);
	else
		appendStringInfo(sql, ", s.%s::%s", name, type_text(column->type, column->typmod));
}

/* The last finite value of a type, after which no period can end: that end counts as missing, a fault of its row alone. */
static const char *
last_point(Oid subtype)
{
	switch (subtype)
	{
		case INT4OID:
			return "2147483647";
		case INT8OID:
			return "9223372036854775807";
		case DATEOID:
			return "5874897-12-31";
		default:
			return NULL;
	}
}

/* The period of a source row: the range, its start, and either end. */
static void
append_period(StringInfo sql, const MergeState *state)
{
	const char *range = type_text(state->period_type->range_type, -1);
	const char *point = type_text(state->period_type->subtype, -1);
	const char *from = state->from ? state->from : "valid_from";
	const char *until = state->until ? state->until : "valid_until";
	bool		has_range = has_column(state, state->call->period);
	bool		has_from = has_column(state, from);
	bool		has_until = has_column(state, until);
	bool		has_to = state->period_type->discrete && has_column(state, "valid_to");

	if (!has_range && !(has_from && (has_until || has_to)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("source %s has neither the period \"%s\" nor its bounds",
						state->call->source, state->call->period)));
	if (has_range)
		appendStringInfo(sql, ", s.%s::%s", quote_identifier(state->call->period), range);
	else
		appendStringInfo(sql, ", NULL::%s", range);
	if (has_from)
		appendStringInfo(sql, ", s.%s::%s", quote_identifier(from), point);
	else
		appendStringInfo(sql, ", NULL::%s", point);
	if (has_until)
		appendStringInfo(sql, ", s.%s::%s", quote_identifier(until), point);
	else
		appendStringInfo(sql, ", NULL::%s", point);
	if (has_to && last_point(state->period_type->subtype) != NULL)
		appendStringInfo(sql, ", CASE WHEN s.valid_to::%s OPERATOR(pg_catalog.<>) '%s'"
						 " THEN s.valid_to::%s OPERATOR(pg_catalog.+) 1 END",
						 point, last_point(state->period_type->subtype), point);
	else if (has_to)
		appendStringInfo(sql, ", (s.valid_to::%s OPERATOR(pg_catalog.+) 1)::%s", point, point);
	else
		appendStringInfo(sql, ", NULL::%s", point);
}

/* SELECT of the source, as MERGE_SOURCE_… and then the target's columns. */
static char *
source_query(const MergeState *state)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT 0, 0, s.%s::pg_catalog.int8", quote_identifier(state->call->row_id));
	if (state->call->founding_id != NULL)
		appendStringInfo(&sql, ", s.%s", quote_identifier(state->call->founding_id));
	else
		appendStringInfoString(&sql, ", NULL::pg_catalog.int4");
	append_period(&sql, state);
	if (state->call->given != NULL)
		appendStringInfo(&sql, ", s.%s", quote_identifier(state->call->given));
	else
		appendStringInfoString(&sql, ", NULL::pg_catalog.bytea");
	for (int i = 0; i < state->ncolumns; i++)
		append_value(&sql, state, &state->columns[i]);
	appendStringInfo(&sql, " FROM %s AS s", state->call->source);
	return sql.data;
}

/* Did the rows come in the order of row_id, NULLs last? */
static bool
is_sorted(MergeState *state)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(state->source_desc, &TTSOpsMinimalTuple);
	bool		sorted = true;
	bool		null_before = false;
	int64		before = PG_INT64_MIN;

	while (sorted && tuplestore_gettupleslot(state->source, true, false, slot))
	{
		bool		is_null;
		int64		row_id = DatumGetInt64(slot_getattr(slot, MERGE_SOURCE_ROW_ID + 1, &is_null));

		if (!is_null && (null_before || row_id < before))
			sorted = false;
		null_before = is_null;
		before = is_null ? before : row_id;
	}
	ExecDropSingleTupleTableSlot(slot);
	return sorted;
}

/* Bring the rows into the order of row_id. */
static void
sort_rows(MergeState *state)
{
	AttrNumber	attnum = MERGE_SOURCE_ROW_ID + 1;
	Oid			less = Int8LessOperator;
	Oid			collation = InvalidOid;
	bool		nulls_first = false;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(state->source_desc, &TTSOpsMinimalTuple);
	Tuplesortstate *sort = tuplesort_begin_heap(state->source_desc, 1, &attnum, &less, &collation, &nulls_first,
												work_mem, NULL, TUPLESORT_NONE);

	tuplestore_rescan(state->source);
	while (tuplestore_gettupleslot(state->source, true, false, slot))
	{
		CHECK_FOR_INTERRUPTS();
		tuplesort_puttupleslot(sort, slot);
	}
	tuplestore_end(state->source);
	tuplesort_performsort(sort);
	state->source = tuplestore_begin_heap(true, false, work_mem);
	while (tuplesort_gettupleslot(sort, true, false, slot, NULL))
		tuplestore_puttupleslot(state->source, slot);
	tuplesort_end(sort);
	ExecDropSingleTupleTableSlot(slot);
}

/*
 * What the given range and bounds contradict; they are compared as points.
 */
static MergeFault
period_fault(const MergeState *state, const SbInterval *range, bool has_range,
			 const SbCut *from, const SbCut *until, const SbCut *after)
{
	const SbOrder *order = &state->period_type->order;
	const SbCut *end = until != NULL ? until : after;

	if (!has_range && (from == NULL || end == NULL))
		return MERGE_FAULT_NULL;
	if (until != NULL && after != NULL && sb_cut_compare(order, *until, *after) != 0)
		return MERGE_FAULT_ENDS;
	if (!has_range)
	{
		int			compared = sb_cut_compare(order, *from, *end);

		return compared == 0 ? MERGE_FAULT_EMPTY : compared > 0 ? MERGE_FAULT_REVERSED : MERGE_FAULT_NONE;
	}
	for (int i = 0; i < 2; i++)
	{
		const SbCut *point = i == 0 ? from : end;
		SbCut		bound = i == 0 ? range->lo : range->hi;

		if (point == NULL)
			continue;
		if (bound.side == SB_CUT_BEGIN || bound.side == SB_CUT_END)
			return MERGE_FAULT_DIFFERS;
		bound.side = SB_CUT_BEFORE;
		if (sb_cut_compare(order, bound, *point) != 0)
			return MERGE_FAULT_DIFFERS;
	}
	if (range->lo.side == SB_CUT_BEGIN && state->from_not_null)
		return MERGE_FAULT_NO_START;
	if (range->hi.side == SB_CUT_END && state->until_not_null)
		return MERGE_FAULT_NO_END;
	return MERGE_FAULT_NONE;
}

/*
 * The period of a source row, or what is wrong with it; with `fault` NULL
 * nothing is.  Points that are Datums live as long as the slot's tuple, or in
 * the current memory context.
 */
bool
merge_row_period(const MergeState *state, TupleTableSlot *slot, SbInterval *when, MergeFault *fault)
{
	const PeriodType *type = state->period_type;
	bool		range_null;
	Datum		range = slot_getattr(slot, MERGE_SOURCE_RANGE + 1, &range_null);
	SbCut		cuts[3];
	SbCut	   *points[3];

	for (int i = 0; i < 3; i++)
	{
		bool		is_null;
		Datum		value = slot_getattr(slot, MERGE_SOURCE_FROM + 1 + i, &is_null);

		cuts[i] = period_from_points(type, value, is_null, value, is_null).lo;
		points[i] = is_null ? NULL : &cuts[i];
	}
	if (!range_null)
	{
		if (!period_cuts(type, range, when))
		{
			*fault = MERGE_FAULT_EMPTY;
			return false;
		}
	}
	else if (points[0] != NULL && (points[1] != NULL || points[2] != NULL))
	{
		when->lo = cuts[0];
		when->hi = points[1] != NULL ? cuts[1] : cuts[2];
	}
	if (fault == NULL)
		return true;
	*fault = period_fault(state, when, !range_null, points[0], points[1], points[2]);
	return *fault == MERGE_FAULT_NONE;
}

/* The row's identity, where it is complete. */
static void
add_identity(MergeState *state, MergeRow *row, TupleTableSlot *slot)
{
	Datum		values[INDEX_MAX_KEYS];
	bool		given = true;

	for (int i = 0; i < state->nids; i++)
	{
		const MergeColumn *column = &state->columns[state->ids[i]];
		bool		is_null;

		values[i] = slot_getattr(slot, MERGE_SOURCE_FIRST + state->ids[i] + 1, &is_null);
		if (!is_null)
			continue;
		given = false;
		if (row->missing == 0 && !column->has_default)
			row->missing = (uint8) (i + 1);
	}
	if (!given)
		return;
	row->flags |= MERGE_ROW_GIVEN;
	row->ident = merge_values_find(state->idents, values, true);
}

/* Of a row without identity, its values of the natural keys. */
static void
add_keys(MergeState *state, MergeRow *row, TupleTableSlot *slot)
{
	int32	   *nodes = state->nodes + (Size) state->nrows * state->nkeys;

	for (int j = 0; j < state->nkeys; j++)
	{
		MergeKey   *key = &state->keys[j];
		Datum		values[INDEX_MAX_KEYS];
		bool		filled = key->width > 0;

		nodes[j] = -1;
		if (row->flags & MERGE_ROW_GIVEN)
			continue;
		for (int i = 0; i < key->width && filled; i++)
		{
			bool		is_null;

			values[i] = slot_getattr(slot, MERGE_SOURCE_FIRST + key->columns[i] + 1, &is_null);
			filled = !is_null;
		}
		if (!filled)
			continue;
		nodes[j] = merge_values_find(key->values, values, true);
		row->flags |= MERGE_ROW_COMPLETE;
	}
}

/* Make the MergeRow of the next source row. */
static void
add_row(MergeState *state, TupleTableSlot *slot, MergeValues *foundings)
{
	MergeRow   *row;
	SbInterval	when;
	MergeFault	fault = MERGE_FAULT_NONE;
	bool		is_null;

	if (state->nrows >= state->rows_capacity)
	{
		int			capacity = Max(state->rows_capacity * 2, 64);

		if (state->rows_capacity > PG_INT32_MAX / 4)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many rows in one merge")));
		state->rows = state->rows == NULL
			? MemoryContextAlloc(state->context, sizeof(MergeRow) * capacity)
			: repalloc_huge(state->rows, sizeof(MergeRow) * capacity);
		if (state->nkeys > 0)
			state->nodes = state->nodes == NULL
				? MemoryContextAlloc(state->context, sizeof(int32) * capacity * state->nkeys)
				: repalloc_huge(state->nodes, sizeof(int32) * capacity * state->nkeys);
		if (foundings != NULL)
			state->founding = state->founding == NULL
				? MemoryContextAlloc(state->context, sizeof(int32) * capacity)
				: repalloc_huge(state->founding, sizeof(int32) * capacity);
		state->rows_capacity = capacity;
	}

	row = &state->rows[state->nrows];
	memset(row, 0, sizeof(MergeRow));
	row->row_id = DatumGetInt64(slot_getattr(slot, MERGE_SOURCE_ROW_ID + 1, &is_null));
	if (is_null)
		row->flags |= MERGE_ROW_NO_ID;
	row->ident = row->entity = -1;
	merge_row_period(state, slot, &when, &fault);
	row->fault = (uint8) fault;
	add_identity(state, row, slot);
	if (state->nkeys > 0)
		add_keys(state, row, slot);
	if (foundings != NULL)
	{
		Datum		value = slot_getattr(slot, MERGE_SOURCE_FOUNDING + 1, &is_null);

		state->founding[state->nrows] = is_null ? -1 : merge_values_find(foundings, &value, true);
	}
	state->nrows++;
}

/* Read the source into state->source and state->rows. */
void
merge_read_source(MergeState *state)
{
	SPIPlanPtr	plan = merge_plan_statement(source_query(state), false);
	CachedPlanSource *planned = linitial(SPI_plan_get_plan_sources(plan));
	MergeValues *foundings = NULL;
	MemoryContext per_row = AllocSetContextCreate(state->context, "merge source row", ALLOCSET_SMALL_SIZES);
	TupleTableSlot *slot;

	state->source_desc = CreateTupleDescCopy(planned->resultDesc);
	state->source = tuplestore_begin_heap(true, false, work_mem);
	merge_run_into(plan, state->source);
	if (!is_sorted(state))
		sort_rows(state);

	if (state->call->founding_id != NULL)
	{
		Form_pg_attribute att = TupleDescAttr(state->source_desc, MERGE_SOURCE_FOUNDING);

		foundings = merge_values_of_type(att->atttypid, att->attcollation);
	}
	slot = MakeSingleTupleTableSlot(state->source_desc, &TTSOpsMinimalTuple);
	tuplestore_rescan(state->source);
	while (tuplestore_gettupleslot(state->source, true, false, slot))
	{
		/* the slot's tuple may live in the context it was read in */
		MemoryContext old = MemoryContextSwitchTo(per_row);

		CHECK_FOR_INTERRUPTS();
		add_row(state, slot, foundings);
		MemoryContextSwitchTo(old);
		MemoryContextReset(per_row);
	}
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(per_row);
}

/*-------------------------------------------------------------------------
 *
 * merge_sweep_sql.c
 *	  Temporal merge: entity by entity, from rows and slices to what is written.
 *
 * Source rows and slices both come in the order of entities.  One entity's
 * are gathered, planned (merge.c), and the difference to the target goes into
 * tuplestores; then its memory is given back.
 *
 * IDENTIFICATION
 *	  src/merge_sweep_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_operator.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

#include "merge_internal.h"

/* The columns of a source row or slice, of a segment of its own, or of nothing. */
typedef struct SweepValues
{
	Datum	   *values;			/* by MergeState.columns */
	bool	   *nulls;
} SweepValues;

typedef struct SweepRow
{
	int			row;			/* in MergeState.rows */
	SbInterval	when;
	SweepValues columns;
} SweepRow;

typedef struct SweepSlice
{
	ItemPointerData tid;
	SbInterval	when;
	SweepValues columns;
} SweepSlice;

typedef struct Sweep
{
	MergeState *state;
	MemoryContext context;		/* of one entity */

	/* source rows, one read ahead */
	Tuplesortstate *sort;		/* NULL: they are in order as they are */
	int			next_index;		/* of the row read next from the tuplestore */
	TupleTableSlot *row_slot;
	int			row_entity;		/* of the row in row_slot, or -1 after the
								 * last */
	int			row_index;

	/* slices, one read ahead */
	TupleTableSlot *slice_slot;
	int			slice_entity;	/* PG_INT32_MAX after the last */

	/* the entity at hand */
	int			entity;
	int			nrows;
	int			rows_capacity;
	SweepRow   *rows;
	int			nslices;
	int			slices_capacity;
	SweepSlice *slices;
	SbMergePlan plan;
	SweepValues *segments;		/* per segment */

	/* one row for a tuplestore */
	Datum	   *out;
	bool	   *out_nulls;
} Sweep;

static void order_rows(Sweep *sweep);
static void next_row(Sweep *sweep);
static void read_row(Sweep *sweep);
static void next_slice(Sweep *sweep);
static void take_row(Sweep *sweep);
static void take_slice(Sweep *sweep);
static void keep_values(const Sweep *sweep, TupleTableSlot *slot, int first, SweepValues *columns);
static void fresh_identity(Sweep *sweep);
static void fill_keys(Sweep *sweep);
static bool is_solo(const Sweep *sweep);
static void insert_solo(Sweep *sweep);
static void sweep_entity(Sweep *sweep);
static void segment_values(Sweep *sweep, int segment);
static bool is_given(const SweepRow *row, int source_attnum);
static Datum segment_value(Sweep *sweep, int segment, int c, bool *is_null);
static bool same_columns(const MergeState *state, const SweepValues *a, const SweepValues *b);
static bool same_segments(void *arg, int32_t a, int32_t b);
static bool same_slice(void *arg, int32_t segment, int32_t slice);
static void write_ops(Sweep *sweep);
static void put_delete(MergeState *state, Datum tid);
static void put_update(Sweep *sweep, const SbMergeOp *op);
static void put_insert(Sweep *sweep, const SweepValues *columns, const SbInterval *when);
static int	put_period(const Sweep *sweep, int next, const SbInterval *when);

/* Bring the rows that take part into the order of their entities, unless they are. */
static void
order_rows(Sweep *sweep)
{
	MergeState *state = sweep->state;
	AttrNumber	attnums[] = {MERGE_SOURCE_ENTITY + 1, MERGE_SOURCE_ROW + 1};
	Oid			less[] = {Int4LessOperator, Int4LessOperator};
	Oid			collations[] = {InvalidOid, InvalidOid};
	bool		nulls_first[] = {false, false};
	int			before = -1;
	bool		sorted = true;
	TupleTableSlot *slot;
	TupleTableSlot *numbered;

	tuplestore_rescan(state->source);
	for (int r = 0; r < state->nrows && sorted; r++)
	{
		if (state->rows[r].status != MERGE_ROW_ACTS)
			continue;
		sorted = state->rows[r].entity >= before;
		before = state->rows[r].entity;
	}
	if (sorted)
		return;

	sweep->sort = tuplesort_begin_heap(state->source_desc, 2, attnums, less, collations, nulls_first,
									   work_mem, NULL, TUPLESORT_NONE);
	slot = MakeSingleTupleTableSlot(state->source_desc, &TTSOpsMinimalTuple);
	numbered = MakeSingleTupleTableSlot(state->source_desc, &TTSOpsVirtual);
	for (int r = 0; tuplestore_gettupleslot(state->source, true, false, slot); r++)
	{
		CHECK_FOR_INTERRUPTS();
		if (state->rows[r].status != MERGE_ROW_ACTS)
			continue;
		slot_getallattrs(slot);
		ExecClearTuple(numbered);
		memcpy(numbered->tts_values, slot->tts_values, sizeof(Datum) * state->source_desc->natts);
		memcpy(numbered->tts_isnull, slot->tts_isnull, sizeof(bool) * state->source_desc->natts);
		numbered->tts_values[MERGE_SOURCE_ENTITY] = Int32GetDatum(state->rows[r].entity);
		numbered->tts_values[MERGE_SOURCE_ROW] = Int32GetDatum(r);
		ExecStoreVirtualTuple(numbered);
		tuplesort_puttupleslot(sweep->sort, numbered);
	}
	tuplesort_performsort(sweep->sort);
	ExecDropSingleTupleTableSlot(numbered);
	ExecDropSingleTupleTableSlot(slot);
}

/*
 * Read the next row that takes part.  It is read ahead, so it must not live in
 * the memory of the entity at hand.
 */
static void
next_row(Sweep *sweep)
{
	MergeState *state = sweep->state;
	MemoryContext old = MemoryContextSwitchTo(state->context);

	read_row(sweep);
	MemoryContextSwitchTo(old);
}

/* Go on to the next source row in the order of entities; row_entity is -1 at the end. */
static void
read_row(Sweep *sweep)
{
	MergeState *state = sweep->state;

	CHECK_FOR_INTERRUPTS();
	sweep->row_entity = -1;
	if (sweep->sort != NULL)
	{
		bool		is_null;

		if (!tuplesort_gettupleslot(sweep->sort, true, false, sweep->row_slot, NULL))
			return;
		sweep->row_entity = DatumGetInt32(slot_getattr(sweep->row_slot, MERGE_SOURCE_ENTITY + 1, &is_null));
		sweep->row_index = DatumGetInt32(slot_getattr(sweep->row_slot, MERGE_SOURCE_ROW + 1, &is_null));
		return;
	}
	while (sweep->next_index < state->nrows)
	{
		if (!tuplestore_gettupleslot(state->source, true, false, sweep->row_slot))
			elog(ERROR, "source of a merge has lost its rows");
		sweep->row_index = sweep->next_index++;
		if (state->rows[sweep->row_index].status != MERGE_ROW_ACTS)
			continue;
		sweep->row_entity = state->rows[sweep->row_index].entity;
		return;
	}
}

/* Read the next slice of an entity; those of no entity in question are deleted. */
static void
next_slice(Sweep *sweep)
{
	MergeState *state = sweep->state;
	MemoryContext old = MemoryContextSwitchTo(state->context);

	CHECK_FOR_INTERRUPTS();
	sweep->slice_entity = PG_INT32_MAX;
	while (tuplestore_gettupleslot(state->slices, true, false, sweep->slice_slot))
	{
		bool		is_null;
		Datum		entity = slot_getattr(sweep->slice_slot, MERGE_SLICE_ENTITY + 1, &is_null);

		if (!is_null)
		{
			sweep->slice_entity = DatumGetInt32(entity);
			break;
		}
		put_delete(state, slot_getattr(sweep->slice_slot, MERGE_SLICE_TID + 1, &is_null));
	}
	MemoryContextSwitchTo(old);
}

/* Copy the columns of a slot's tuple into the entity's memory. */
static void
keep_values(const Sweep *sweep, TupleTableSlot *slot, int first, SweepValues *columns)
{
	int			natts = slot->tts_tupleDescriptor->natts;
	MinimalTuple tuple = ExecCopySlotMinimalTuple(slot);
	HeapTupleData header = {0};
	Datum	   *values = palloc(sizeof(Datum) * natts);
	bool	   *nulls = palloc(sizeof(bool) * natts);

	(void) sweep;
	header.t_len = tuple->t_len + MINIMAL_TUPLE_OFFSET;
	header.t_data = (HeapTupleHeader) ((char *) tuple - MINIMAL_TUPLE_OFFSET);
	heap_deform_tuple(&header, slot->tts_tupleDescriptor, values, nulls);
	columns->values = values + first;
	columns->nulls = nulls + first;
}

/* The row read ahead belongs to the entity at hand. */
static void
take_row(Sweep *sweep)
{
	SweepRow   *row;

	if (sweep->nrows >= sweep->rows_capacity)
	{
		sweep->rows_capacity = Max(sweep->rows_capacity * 2, 4);
		sweep->rows = sweep->rows == NULL ? palloc(sizeof(SweepRow) * sweep->rows_capacity)
			: repalloc_huge(sweep->rows, sizeof(SweepRow) * sweep->rows_capacity);
	}
	row = &sweep->rows[sweep->nrows++];
	row->row = sweep->row_index;
	merge_row_period(sweep->state, sweep->row_slot, &row->when, NULL);
	row->when.lo = period_cut_copy(sweep->state->period_type, row->when.lo);
	row->when.hi = period_cut_copy(sweep->state->period_type, row->when.hi);
	keep_values(sweep, sweep->row_slot, MERGE_SOURCE_FIRST, &row->columns);
}

/* The slice read ahead belongs to the entity at hand. */
static void
take_slice(Sweep *sweep)
{
	SweepSlice *slice;
	bool		is_null;

	if (sweep->nslices >= sweep->slices_capacity)
	{
		sweep->slices_capacity = Max(sweep->slices_capacity * 2, 4);
		sweep->slices = sweep->slices == NULL ? palloc(sizeof(SweepSlice) * sweep->slices_capacity)
			: repalloc_huge(sweep->slices, sizeof(SweepSlice) * sweep->slices_capacity);
	}
	slice = &sweep->slices[sweep->nslices++];
	keep_values(sweep, sweep->slice_slot, MERGE_SLICE_FIRST, &slice->columns);
	slice->tid = *(ItemPointer) DatumGetPointer(slot_getattr(sweep->slice_slot, MERGE_SLICE_TID + 1, &is_null));
	if (!period_cuts(sweep->state->period_type, slice->columns.values[MERGE_SLICE_RANGE - MERGE_SLICE_FIRST], &slice->when))
		elog(ERROR, "empty period among the slices of a merge");
}

/*
 * The identity of a new entity: of each part the first given value, else the
 * default.  It outlives the entity's turn.
 */
static void
fresh_identity(Sweep *sweep)
{
	MergeState *state = sweep->state;
	int			index = sweep->entity - state->nknown;

	for (int i = 0; i < state->nids; i++)
	{
		const MergeColumn *column = &state->columns[state->ids[i]];
		Datum		value = (Datum) 0;
		bool		is_null = true;
		MemoryContext old;

		for (int r = 0; r < sweep->nrows && is_null; r++)
		{
			value = sweep->rows[r].columns.values[state->ids[i]];
			is_null = sweep->rows[r].columns.nulls[state->ids[i]];
		}
		if (is_null)
			value = merge_default(state, column, &is_null);
		if (is_null)
			ereport(ERROR,
					(errcode(ERRCODE_NOT_NULL_VIOLATION),
					 errmsg("default of identity column \"%s\" is NULL", column->name)));
		old = MemoryContextSwitchTo(state->context);
		state->fresh[(Size) index * state->nids + i] = datumCopy(value, column->typbyval, column->typlen);
		MemoryContextSwitchTo(old);
	}
	state->is_fresh[index] = true;
}

/* All rows of a new entity get the natural keys that any of them gives; the newest wins. */
static void
fill_keys(Sweep *sweep)
{
	for (int c = 0; c < sweep->state->npayload; c++)
	{
		int			newest = sweep->nrows - 1;

		if (!sweep->state->columns[c].natural)
			continue;
		while (newest >= 0 && sweep->rows[newest].columns.nulls[c])
			newest--;
		for (int r = 0; r < sweep->nrows && newest >= 0; r++)
		{
			SweepValues *columns = &sweep->rows[r].columns;

			if (!columns->nulls[c])
				continue;
			columns->values[c] = sweep->rows[newest].columns.values[c];
			columns->nulls[c] = false;
		}
	}
}

/* A single row and no slice need no plan. */
static bool
is_solo(const Sweep *sweep)
{
	return sweep->nrows == 1 && sweep->nslices == 0;
}

/* A new entity with one row needs no plan: the row, with defaults, is its slice. */
static void
insert_solo(Sweep *sweep)
{
	MergeState *state = sweep->state;
	SweepRow   *row = &sweep->rows[0];

	for (int c = 0; c < state->npayload; c++)
	{
		const MergeColumn *column = &state->columns[c];

		if (column->has_default &&
			(column->source_attnum == 0 ||
			 (row->columns.nulls[c] && (state->combines || column->not_null))))
			row->columns.values[c] = merge_default(state, column, &row->columns.nulls[c]);
	}
	state->beyond = true;
	put_insert(sweep, &row->columns, &row->when);
	state->rows[row->row].status = MERGE_APPLIED;
}

/* Is a value of a column the same in two places?  Ephemeral columns do not count. */
static bool
same_columns(const MergeState *state, const SweepValues *a, const SweepValues *b)
{
	if (a->values == b->values)
		return true;
	for (int c = 0; c < state->npayload; c++)
		if (!state->columns[c].ephemeral &&
			!merge_same_value(&state->columns[c], a->values[c], a->nulls[c], b->values[c], b->nulls[c]))
			return false;
	return true;
}

/* SbMergeSame callbacks. */
static bool
same_segments(void *arg, int32_t a, int32_t b)
{
	Sweep	   *sweep = arg;

	return same_columns(sweep->state, &sweep->segments[a], &sweep->segments[b]);
}

/* Callback of the planner: has a segment the columns of a slice? */
static bool
same_slice(void *arg, int32_t segment, int32_t slice)
{
	Sweep	   *sweep = arg;

	return same_columns(sweep->state, &sweep->segments[segment], &sweep->slices[slice].columns);
}

/* Does a row give a column of the source?  Without a mask it gives all. */
static bool
is_given(const SweepRow *row, int source_attnum)
{
	int			at = MERGE_SOURCE_GIVEN - MERGE_SOURCE_FIRST;
	const bits8 *mask;
	int			bit = source_attnum - 1;

	if (row->columns.nulls[at])
		return true;
	mask = (const bits8 *) VARDATA_ANY(DatumGetPointer(row->columns.values[at]));
	return bit / 8 < (int) VARSIZE_ANY_EXHDR(DatumGetPointer(row->columns.values[at])) &&
		(mask[bit / 8] & (1 << (bit % 8))) != 0;
}

/* What the segment where the walk stands has in a column. */
static Datum
segment_value(Sweep *sweep, int segment, int c, bool *is_null)
{
	MergeState *state = sweep->state;
	const MergeColumn *column = &state->columns[c];
	const SbMergeSegment *at = &sweep->plan.segments[segment];
	const SweepValues *top = at->top >= 0 ? &sweep->rows[at->top].columns : NULL;
	const SweepValues *slice = at->slice >= 0 ? &sweep->slices[at->slice].columns : NULL;
	Datum		value = slice != NULL ? slice->values[c] : (Datum) 0;

	*is_null = slice == NULL || slice->nulls[c];
	switch (column->rule)
	{
		case MERGE_RULE_SLICE:
			break;
		case MERGE_RULE_COMBINE:
			for (int i = sweep->plan.nactive_rows - 1; i >= 0; i--)
			{
				int			r = sweep->plan.active_rows[i];

				/* an eclipsed row counts for nothing, except in a patch */
				if (sweep->rows[r].columns.nulls[c] || !(state->rules.patch || sweep->plan.rows[r].seen))
					continue;
				*is_null = false;
				value = sweep->rows[r].columns.values[c];
				break;
			}
			break;
		case MERGE_RULE_GIVEN:
			for (int i = sweep->plan.nactive_rows - 1; i >= 0; i--)
			{
				const SweepRow *row = &sweep->rows[sweep->plan.active_rows[i]];

				if (!is_given(row, column->source_attnum))
					continue;
				*is_null = row->columns.nulls[c];
				value = row->columns.values[c];
				break;
			}
			break;
		case MERGE_RULE_DEFAULT:
			if (top != NULL)
				value = merge_default(state, column, is_null);
			break;
		case MERGE_RULE_TOP:
		case MERGE_RULE_TOP_FILLED:
			if (top == NULL)
				break;
			value = top->values[c];
			*is_null = top->nulls[c];
			if (*is_null && column->rule == MERGE_RULE_TOP_FILLED)
				value = merge_default(state, column, is_null);
			break;
	}
	if (*is_null && column->fills && slice == NULL)
		value = merge_default(state, column, is_null);
	return value;
}

/* The columns of the segment where the walk stands. */
static void
segment_values(Sweep *sweep, int segment)
{
	MergeState *state = sweep->state;
	SweepValues *columns = &sweep->segments[segment];
	const SbMergeSegment *at = &sweep->plan.segments[segment];

	if (at->top < 0)
	{
		*columns = sweep->slices[at->slice].columns;
		return;
	}
	columns->values = palloc(sizeof(Datum) * Max(state->npayload, 1));
	columns->nulls = palloc(sizeof(bool) * Max(state->npayload, 1));
	for (int c = 0; c < state->npayload; c++)
		columns->values[c] = segment_value(sweep, segment, c, &columns->nulls[c]);
}

/* Plan the entity at hand. */
static void
sweep_entity(Sweep *sweep)
{
	MergeState *state = sweep->state;
	SbMergePlan *plan = &sweep->plan;
	Size		size = sb_merge_size(sweep->nrows, sweep->nslices);

	sb_merge_init(plan, palloc_extended(size, MCXT_ALLOC_HUGE), &state->period_type->order, state->rules,
				  sweep->nrows, sweep->nslices);
	for (int i = 0; i < sweep->nrows; i++)
		plan->rows[i].when = sweep->rows[i].when;
	for (int i = 0; i < sweep->nslices; i++)
		plan->slices[i].when = sweep->slices[i].when;
	sb_merge_cut(plan);

	sweep->segments = palloc_extended(sizeof(SweepValues) * (Size) Max(plan->nsegments, 1), MCXT_ALLOC_HUGE);
	for (sb_merge_walk_start(plan); sb_merge_walk(plan);)
	{
		CHECK_FOR_INTERRUPTS();
		if (plan->segments[plan->segment].kept)
			segment_values(sweep, plan->segment);
	}
	sb_merge_join(plan, same_segments, same_slice, sweep);
	write_ops(sweep);

	for (int i = 0; i < sweep->nrows; i++)
	{
		static const MergeStatus statuses[] = {
			[SB_MERGE_APPLIED] = MERGE_APPLIED,
			[SB_MERGE_IDENTICAL] = MERGE_SKIPPED_IDENTICAL,
			[SB_MERGE_NO_TARGET] = MERGE_SKIPPED_NO_TARGET,
			[SB_MERGE_ECLIPSED] = MERGE_SKIPPED_ECLIPSED
		};

		state->rows[sweep->rows[i].row].status = (uint8) statuses[sb_merge_fate(plan, i)];
	}
}

/* Write the entity's plan into the stores. */
static void
write_ops(Sweep *sweep)
{
	const SbMergePlan *plan = &sweep->plan;

	for (int i = 0; i < sweep->nslices; i++)
		if (plan->slices[i].op < 0)
			put_delete(sweep->state, PointerGetDatum(&sweep->slices[i].tid));
	for (int i = 0; i < plan->nops; i++)
	{
		const SbMergeOp *op = &plan->ops[i];
		SbInterval	when = {plan->cuts[op->first], plan->cuts[op->last + 1]};

		CHECK_FOR_INTERRUPTS();
		if (op->act != SB_MERGE_KEEP &&
			plan->segments[op->last + 1].hits - plan->segments[op->first].hits <= op->last - op->first)
			sweep->state->beyond = true;
		if (op->act == SB_MERGE_UPDATE)
			put_update(sweep, op);
		else if (op->act == SB_MERGE_INSERT)
			put_insert(sweep, &sweep->segments[op->last], &when);
	}
}

/* A slice goes. */
static void
put_delete(MergeState *state, Datum tid)
{
	bool		is_null = false;

	tuplestore_putvalues(state->deleted.rows, state->deleted.desc, &tid, &is_null);
	state->deleted.count++;
}

/* Put a period at place `next` of the row for a tuplestore; the next free place. */
static int
put_period(const Sweep *sweep, int next, const SbInterval *when)
{
	const MergeState *state = sweep->state;

	if (state->from != NULL)
	{
		sweep->out[next] = period_lower(state->period_type, when, &sweep->out_nulls[next]);
		next++;
		sweep->out[next] = period_upper(state->period_type, when, &sweep->out_nulls[next]);
	}
	else
	{
		sweep->out[next] = period_range(state->period_type, when);
		sweep->out_nulls[next] = false;
	}
	return next + 1;
}

/* A slice gets the columns and the period of joined segments. */
static void
put_update(Sweep *sweep, const SbMergeOp *op)
{
	MergeState *state = sweep->state;
	MergeStore *store = op->shrinks ? &state->shrunk : &state->updated;
	const SweepValues *columns = &sweep->segments[op->last];
	SbInterval	when = {sweep->plan.cuts[op->first], sweep->plan.cuts[op->last + 1]};
	int			next = 0;

	sweep->out[next] = PointerGetDatum(&sweep->slices[op->slice].tid);
	sweep->out_nulls[next++] = false;
	for (int c = 0; c < state->npayload; c++)
	{
		if (!state->columns[c].updated)
			continue;
		sweep->out[next] = columns->values[c];
		sweep->out_nulls[next++] = columns->nulls[c];
	}
	put_period(sweep, next, &when);
	tuplestore_putvalues(store->rows, store->desc, sweep->out, sweep->out_nulls);
	store->count++;
}

/* The entity gets a slice. */
static void
put_insert(Sweep *sweep, const SweepValues *columns, const SbInterval *when)
{
	MergeState *state = sweep->state;

	memcpy(sweep->out, columns->values, sizeof(Datum) * state->npayload);
	memcpy(sweep->out_nulls, columns->nulls, sizeof(bool) * state->npayload);
	for (int i = 0; i < state->nids; i++)
	{
		sweep->out[state->ids[i]] = merge_entity_value(state, sweep->entity, i);
		sweep->out_nulls[state->ids[i]] = false;
	}
	put_period(sweep, state->ncolumns, when);
	tuplestore_putvalues(state->inserted.rows, state->inserted.desc, sweep->out, sweep->out_nulls);
	state->inserted.count++;
}

/* Plan all entities; afterwards each source row has its status. */
void
merge_sweep(MergeState *state)
{
	Sweep		sweep = {.state = state};
	int			nfresh = state->nentities - state->nknown;
	MemoryContext old;

	merge_start_stores(state);
	sweep.out = palloc(sizeof(Datum) * (state->ncolumns + 3));
	sweep.out_nulls = palloc(sizeof(bool) * (state->ncolumns + 3));
	state->fresh = palloc_extended(sizeof(Datum) * (Size) Max(nfresh, 1) * state->nids, MCXT_ALLOC_HUGE);
	state->is_fresh = palloc_extended(sizeof(bool) * (Size) Max(nfresh, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	sweep.context = AllocSetContextCreate(state->context, "merge entity", ALLOCSET_DEFAULT_SIZES);
	sweep.row_slot = MakeSingleTupleTableSlot(state->source_desc, &TTSOpsMinimalTuple);
	sweep.slice_slot = MakeSingleTupleTableSlot(state->slice_desc, &TTSOpsMinimalTuple);
	order_rows(&sweep);
	tuplestore_rescan(state->slices);

	next_row(&sweep);
	next_slice(&sweep);
	old = MemoryContextSwitchTo(sweep.context);
	while (sweep.row_entity >= 0)
	{
		MemoryContextReset(sweep.context);
		sweep.entity = sweep.row_entity;
		sweep.nrows = sweep.rows_capacity = sweep.nslices = sweep.slices_capacity = 0;
		sweep.rows = NULL;
		sweep.slices = NULL;
		for (; sweep.row_entity == sweep.entity; next_row(&sweep))
			take_row(&sweep);
		while (sweep.slice_entity < sweep.entity)
			next_slice(&sweep);
		for (; sweep.slice_entity == sweep.entity; next_slice(&sweep))
			take_slice(&sweep);

		if (sweep.entity >= state->nknown)
		{
			fresh_identity(&sweep);
			fill_keys(&sweep);
		}
		if (is_solo(&sweep))
			insert_solo(&sweep);
		else
			sweep_entity(&sweep);
	}
	while (sweep.slice_entity != PG_INT32_MAX)
		next_slice(&sweep);
	MemoryContextSwitchTo(old);

	if (sweep.sort != NULL)
		tuplesort_end(sweep.sort);
	ExecDropSingleTupleTableSlot(sweep.row_slot);
	ExecDropSingleTupleTableSlot(sweep.slice_slot);
	MemoryContextDelete(sweep.context);
}

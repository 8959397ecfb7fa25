/*-------------------------------------------------------------------------
 *
 * merge_identify_sql.c
 *	  Temporal merge: which entity each source row belongs to.
 *
 * A complete identity is canonical.  Without it any one complete natural key
 * identifies, by the target or by another source row; rows that belong to
 * nobody make new entities, together with those that share a founding id or,
 * also through other rows, a natural key.
 *
 * IDENTIFICATION
 *	  src/merge_identify_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/plancache.h"
#include "utils/typcache.h"

#include "merge_internal.h"

/* How identities are ordered. */
typedef struct IdentOrder
{
	const MergeState *state;
	FmgrInfo   *compare[INDEX_MAX_KEYS];
} IdentOrder;

static char *key_query(const MergeState *state, const MergeKey *key, const char *name);
static void find_in_target(MergeState *state, MergeKey *key, Snapshot snapshot);
static void find_in_source(MergeState *state);
static bool is_candidate(const MergeState *state, const MergeKey *key, int node, int32 ident);
static void add_candidate(MergeState *state, MergeKey *key, int node, int32 ident);
static int	compare_idents(const void *a, const void *b, void *arg);
static void rank_idents(MergeState *state);
static int	row_candidates(const MergeState *state, int index, int32 **idents);
static void identify_row(MergeState *state, int index);
static void found_entities(MergeState *state);
static int32 root_of(int32 *parents, int32 row);
static void join_rows(int32 *parents, int32 *owner, int32 row);
static const char *fault_text(const MergeState *state, MergeFault fault);
static int	compare_numbers(const void *a, const void *b);

/* SQL that finds the target's entities by a natural key, given in `name`. */
static char *
key_query(const MergeState *state, const MergeKey *key, const char *name)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT e.n");
	for (int i = 0; i < state->nids; i++)
		appendStringInfo(&sql, ", t.%s", quote_identifier(state->columns[state->ids[i]].name));
	appendStringInfo(&sql, " FROM %s AS e JOIN ONLY %s AS t ON ", name, state->target_name);
	for (int i = 0; i < key->width; i++)
	{
		const MergeColumn *column = &state->columns[key->columns[i]];

		appendStringInfo(&sql, "%s%s", i > 0 ? " AND " : "",
						 merge_equality(state, column, psprintf("t.%s", quote_identifier(column->name)),
										psprintf("e.k%d", i)));
	}
	appendStringInfo(&sql, " WHERE NOT pg_catalog.isempty(t.%s)", quote_identifier(state->call->period));
	return sql.data;
}

/* A natural key's value belongs to an entity. */
static void
add_candidate(MergeState *state, MergeKey *key, int node, int32 ident)
{
	if (is_candidate(state, key, node, ident))
		return;
	if (state->ncandidates >= state->candidates_capacity)
	{
		state->candidates_capacity = Max(state->candidates_capacity * 2, 64);
		state->candidates = state->candidates == NULL
			? MemoryContextAlloc(state->context, sizeof(MergeCandidate) * state->candidates_capacity)
			: repalloc_huge(state->candidates, sizeof(MergeCandidate) * state->candidates_capacity);
	}
	state->candidates[state->ncandidates].ident = ident;
	state->candidates[state->ncandidates].next = key->candidates[node];
	key->candidates[node] = state->ncandidates++;
}

/* Is it known that a natural key's value belongs to that entity? */
static bool
is_candidate(const MergeState *state, const MergeKey *key, int node, int32 ident)
{
	for (int32 c = key->candidates[node]; c >= 0; c = state->candidates[c].next)
		if (state->candidates[c].ident == ident)
			return true;
	return false;
}

/*
 * Look the source's values of a natural key up in the target.  With a
 * snapshot only make sure that it shows nobody but who is known.
 */
static void
find_in_target(MergeState *state, MergeKey *key, Snapshot snapshot)
{
	MergeStore	store;
	TupleDesc	desc = CreateTemplateTupleDesc(key->width + 1);
	Tuplestorestate *found = tuplestore_begin_heap(false, false, work_mem);
	SPIPlanPtr	plan;
	TupleTableSlot *slot;
	Datum		values[INDEX_MAX_KEYS + 1];
	bool		nulls[INDEX_MAX_KEYS + 1] = {false};

	TupleDescInitEntry(desc, 1, "n", INT4OID, -1, 0);
	for (int i = 0; i < key->width; i++)
	{
		const MergeColumn *column = &state->columns[key->columns[i]];

		TupleDescInitEntry(desc, i + 2, psprintf("k%d", i), column->type, column->typmod, 0);
		TupleDescInitEntryCollation(desc, i + 2, column->collation);
	}
	merge_store_start(&store, "temporal_merge_key", desc);
	for (int node = 0; node < key->values->count; node++)
	{
		values[0] = Int32GetDatum(node);
		memcpy(values + 1, key->values->values + (Size) node * key->width, sizeof(Datum) * key->width);
		tuplestore_putvalues(store.rows, desc, values, nulls);
	}
	merge_store_name(&store, key->values->count);
	plan = merge_plan_statement(key_query(state, key, store.name),
								merge_one_by_one(state, key->values->count, key->width, key->columns));
	slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(((CachedPlanSource *)
														 linitial(SPI_plan_get_plan_sources(plan)))->resultDesc),
									&TTSOpsMinimalTuple);
	merge_run_at(plan, found, snapshot);
	SPI_unregister_relation(store.name);
	tuplestore_end(store.rows);

	while (tuplestore_gettupleslot(found, true, false, slot))
	{
		bool		complete = true;
		int			node;
		int			ident;

		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		for (int i = 0; i < state->nids; i++)
			complete = complete && !slot->tts_isnull[i + 1];
		if (!complete)
			continue;
		node = DatumGetInt32(slot->tts_values[0]);
		ident = merge_values_find(state->idents, slot->tts_values + 1, snapshot == NULL);
		if (snapshot == NULL)
			add_candidate(state, key, node, ident);
		else if (ident < 0 || !is_candidate(state, key, node, ident))
			merge_unseen(state);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(found);
	SPI_freeplan(plan);
}

/* Look them up in the source's rows that have an identity. */
static void
find_in_source(MergeState *state)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(state->source_desc, &TTSOpsMinimalTuple);

	tuplestore_rescan(state->source);
	for (int r = 0; tuplestore_gettupleslot(state->source, true, false, slot); r++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!(state->rows[r].flags & MERGE_ROW_GIVEN))
			continue;
		for (int j = 0; j < state->nkeys; j++)
		{
			MergeKey   *key = &state->keys[j];
			Datum		values[INDEX_MAX_KEYS];
			bool		filled = key->width > 0 && key->values->count > 0;
			int			node;

			for (int i = 0; i < key->width && filled; i++)
			{
				bool		is_null;

				values[i] = slot_getattr(slot, MERGE_SOURCE_FIRST + key->columns[i] + 1, &is_null);
				filled = !is_null;
			}
			node = filled ? merge_values_find(key->values, values, false) : -1;
			if (node >= 0)
				add_candidate(state, key, node, state->rows[r].ident);
		}
	}
	ExecDropSingleTupleTableSlot(slot);
}

/*
 * To whom the natural keys of rows without identity belong, as the target
 * stands now.
 */
void
merge_find_candidates(MergeState *state)
{
	bool		any = false;

	state->ncandidates = 0;
	for (int j = 0; j < state->nkeys; j++)
	{
		MergeKey   *key = &state->keys[j];

		if (key->width == 0 || key->values->count == 0)
			continue;
		any = true;
		if (key->candidates == NULL)
		{
			key->ncandidates = key->values->count;
			key->candidates = palloc_extended(sizeof(int32) * (Size) key->ncandidates, MCXT_ALLOC_HUGE);
			key->owners = palloc_extended(sizeof(int32) * (Size) key->ncandidates, MCXT_ALLOC_HUGE);
		}
		for (int n = 0; n < key->ncandidates; n++)
			key->candidates[n] = -1;
		find_in_target(state, key, NULL);
	}
	if (any)
		find_in_source(state);
}

/* 40001 when a later snapshot shows entities with the natural keys of new ones. */
void
merge_check_candidates(MergeState *state, Snapshot snapshot)
{
	for (int j = 0; j < state->nkeys; j++)
		if (state->keys[j].width > 0 && state->keys[j].values->count > 0)
			find_in_target(state, &state->keys[j], snapshot);
}

/* qsort_arg callback: idents by their values. */
static int
compare_idents(const void *a, const void *b, void *arg)
{
	const IdentOrder *order = arg;
	const MergeState *state = order->state;
	const Datum *x = state->idents->values + (Size) *(const int32 *) a * state->nids;
	const Datum *y = state->idents->values + (Size) *(const int32 *) b * state->nids;

	for (int i = 0; i < state->nids; i++)
	{
		int			c = DatumGetInt32(FunctionCall2Coll(order->compare[i], state->idents->collations[i], x[i], y[i]));

		if (c != 0)
			return c;
	}
	return 0;
}

/*
 * Number the known entities in the order of their identities, so that all
 * merges lock in one order.
 */
static void
rank_idents(MergeState *state)
{
	IdentOrder	order = {.state = state};
	int			count = state->idents->count;
	bool		sorted = true;

	state->nknown = count;
	state->numbers = state->ident_of = NULL;
	for (int i = 0; i < state->nids; i++)
	{
		TypeCacheEntry *cache = lookup_type_cache(state->columns[state->ids[i]].type, TYPECACHE_CMP_PROC_FINFO);

		if (!OidIsValid(cache->cmp_proc_finfo.fn_oid))
			return;
		order.compare[i] = &cache->cmp_proc_finfo;
	}
	for (int32 i = 1; i < count && sorted; i++)
	{
		int32		before = i - 1;

		sorted = compare_idents(&before, &i, &order) <= 0;
	}
	if (sorted)
		return;
	state->ident_of = palloc_extended(sizeof(int32) * (Size) count, MCXT_ALLOC_HUGE);
	state->numbers = palloc_extended(sizeof(int32) * (Size) count, MCXT_ALLOC_HUGE);
	for (int32 i = 0; i < count; i++)
		state->ident_of[i] = i;
	qsort_arg(state->ident_of, count, sizeof(int32), compare_idents, &order);
	for (int32 i = 0; i < count; i++)
		state->numbers[state->ident_of[i]] = i;
}

/* The distinct entities that a row's natural keys belong to: how many, and which. */
static int
row_candidates(const MergeState *state, int index, int32 **idents)
{
	const int32 *nodes = state->nodes + (Size) index * state->nkeys;
	int			count = 0;
	int			capacity = 0;

	for (int j = 0; j < state->nkeys; j++)
	{
		if (nodes[j] < 0)
			continue;
		for (int32 c = state->keys[j].candidates[nodes[j]]; c >= 0; c = state->candidates[c].next)
		{
			int32		ident = state->candidates[c].ident;
			int			i = 0;

			while (i < count && (*idents)[i] != ident)
				i++;
			if (i < count)
				continue;
			if (count >= capacity)
			{
				capacity = Max(capacity * 2, 4);
				*idents = *idents == NULL ? palloc(sizeof(int32) * capacity) : repalloc(*idents, sizeof(int32) * capacity);
			}
			(*idents)[count++] = ident;
		}
	}
	return count;
}

/* What is wrong with a period, as a message. */
static const char *
fault_text(const MergeState *state, MergeFault fault)
{
	switch (fault)
	{
		case MERGE_FAULT_NULL:
			return "the period is NULL";
		case MERGE_FAULT_EMPTY:
			return "the period is empty";
		case MERGE_FAULT_ENDS:
			return "the period is contradictory: its end is given twice, differently";
		case MERGE_FAULT_REVERSED:
			return "the period ends before it begins";
		case MERGE_FAULT_DIFFERS:
			return "the period is contradictory: the range and its bounds differ";
		case MERGE_FAULT_NO_START:
			return psprintf("the period is unbounded, but column \"%s\" of the target is NOT NULL", state->from);
		case MERGE_FAULT_NO_END:
			return psprintf("the period is unbounded, but column \"%s\" of the target is NOT NULL", state->until);
		case MERGE_FAULT_NONE:
			break;
	}
	return NULL;
}

/* int32 order for qsort. */
static int
compare_numbers(const void *a, const void *b)
{
	int32		x = *(const int32 *) a;
	int32		y = *(const int32 *) b;

	return x < y ? -1 : x > y;
}

/* Find a row's entity, or its fault; rows of new entities get neither. */
static void
identify_row(MergeState *state, int index)
{
	MergeRow   *row = &state->rows[index];
	int32	   *idents = NULL;
	int			count = 0;

	row->status = MERGE_ROW_ACTS;
	row->message = NULL;
	row->entity = -1;
	if (row->flags & MERGE_ROW_GIVEN)
		row->entity = state->numbers != NULL ? state->numbers[row->ident] : row->ident;
	else if (state->nkeys > 0)
	{
		count = row_candidates(state, index, &idents);
		if (state->numbers != NULL)
			for (int i = 0; i < count; i++)
				idents[i] = state->numbers[idents[i]];
		if (count == 1)
			row->entity = idents[0];
	}

	if (count > 1)
	{
		StringInfoData text;

		qsort(idents, count, sizeof(int32), compare_numbers);
		initStringInfo(&text);
		appendStringInfoString(&text, "the natural keys are ambiguous: they belong to [");
		for (int i = 0; i < count; i++)
			appendStringInfo(&text, "%s%s", i > 0 ? ", " : "", merge_entity_text(state, idents[i]));
		appendStringInfoChar(&text, ']');
		row->message = text.data;
	}
	else if (row->entity < 0 && state->nkeys > 0 && !(row->flags & MERGE_ROW_COMPLETE) &&
			 state->call->founding_id == NULL)
		row->message = "the row cannot be identified: all keys are NULL";
	else if (row->entity < 0 && row->missing > 0)
		row->message = psprintf("identity column \"%s\" is NULL and has no default",
								state->columns[state->ids[row->missing - 1]].name);
	else if (row->fault != MERGE_FAULT_NONE)
		row->message = fault_text(state, row->fault);
	if (row->message != NULL)
		row->status = MERGE_ERROR;
	if (idents != NULL)
		pfree(idents);
}

/* The first row of a row's entity. */
static int32
root_of(int32 *parents, int32 row)
{
	while (parents[row] != row)
	{
		parents[row] = parents[parents[row]];
		row = parents[row];
	}
	return row;
}

/* A row has a value that *owner, an earlier row or -1, has as well. */
static void
join_rows(int32 *parents, int32 *owner, int32 row)
{
	int32		a;
	int32		b;

	if (*owner < 0)
	{
		*owner = row;
		return;
	}
	a = root_of(parents, *owner);
	b = root_of(parents, row);
	if (a < b)
		parents[b] = a;
	else
		parents[a] = b;
}

/* Number the new entities in the order of their first rows. */
static void
found_entities(MergeState *state)
{
	int32	   *owners = NULL;
	bool		joins = state->founding != NULL || state->nodes != NULL;

	if (joins && state->parents == NULL)
		state->parents = palloc_extended(sizeof(int32) * (Size) Max(state->nrows, 1), MCXT_ALLOC_HUGE);
	if (state->founding != NULL)
	{
		/* founding ids are numbered by first appearance: never more than rows */
		owners = palloc_extended(sizeof(int32) * (Size) Max(state->nrows, 1), MCXT_ALLOC_HUGE);
		for (int r = 0; r < state->nrows; r++)
			owners[r] = -1;
	}
	else
	{
		for (int j = 0; j < state->nkeys; j++)
			for (int n = 0; n < state->keys[j].ncandidates; n++)
				state->keys[j].owners[n] = -1;
	}

	for (int r = 0; r < state->nrows && joins; r++)
	{
		CHECK_FOR_INTERRUPTS();
		state->parents[r] = r;
		if (state->rows[r].entity >= 0 || state->rows[r].status != MERGE_ROW_ACTS)
			continue;
		if (state->founding != NULL)
		{
			if (state->founding[r] >= 0)
				join_rows(state->parents, &owners[state->founding[r]], r);
			continue;
		}
		for (int j = 0; j < state->nkeys; j++)
		{
			int32		node = state->nodes[(Size) r * state->nkeys + j];

			if (node >= 0)
				join_rows(state->parents, &state->keys[j].owners[node], r);
		}
	}

	state->nentities = state->nknown;
	for (int r = 0; r < state->nrows; r++)
	{
		MergeRow   *row = &state->rows[r];
		int32		root = joins ? root_of(state->parents, r) : r;

		if (row->entity >= 0 || row->status != MERGE_ROW_ACTS)
			continue;
		row->entity = root == r ? state->nentities++ : state->rows[root].entity;
	}
	if (owners != NULL)
		pfree(owners);
}

/*
 * Give every row its entity's number, or its fault.  Whether a known entity
 * is in the target is not asked here.
 */
void
merge_number_entities(MergeState *state)
{
	rank_idents(state);
	for (int r = 0; r < state->nrows; r++)
	{
		CHECK_FOR_INTERRUPTS();
		identify_row(state, r);
	}
	found_entities(state);
}

/* Rows that the mode does not take, now that it is known who is there. */
void
merge_rate_rows(MergeState *state)
{
	for (int r = 0; r < state->nrows; r++)
	{
		MergeRow   *row = &state->rows[r];
		bool		there;

		if (row->status != MERGE_ROW_ACTS)
			continue;
		there = row->entity < state->nknown && state->there[row->entity];
		if (state->call->mode == INSERT_NEW_ENTITIES && there)
			row->status = MERGE_SKIPPED_FILTERED;
		else if (state->rules.portion && !there)
			row->status = MERGE_SKIPPED_NO_TARGET;
	}
}

/* A part of an entity's identity. */
Datum
merge_entity_value(const MergeState *state, int entity, int position)
{
	int			ident;

	if (entity >= state->nknown)
		return state->fresh[(Size) (entity - state->nknown) * state->nids + position];
	ident = state->ident_of != NULL ? state->ident_of[entity] : entity;
	return state->idents->values[(Size) ident * state->nids + position];
}

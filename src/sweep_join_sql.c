/*-------------------------------------------------------------------------
 *
 * sweep_join_sql.c
 *	  SQL face of join_rows.
 *
 * Each side is sorted by keys and start; groups of equal keys meet as in a
 * merge join, and within a group the rows of both sides are swept together.
 *
 * IDENTIFICATION
 *	  src/sweep_join_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "sweep_sql.h"

typedef struct RowsJoinSide
{
	SweepRows  *rows;
	SweepSlots	slots;
	SweepRow	row;			/* the next one */
	bool		has_row;
	bool		in_group;		/* it belongs to the current group */
	bool		needed;			/* its values are returned */
	int			first;			/* the column of its first value in the result */
} RowsJoinSide;

typedef struct RowsJoin
{
	int			nkeys;
	const SbOrder *order;
	RowsJoinSide side[2];
	SweepJoin	join;
} RowsJoin;

/* A kind of join: pieces of pairs, and of each side alone. */
typedef struct RowsJoinKind
{
	const char *name;
	bool		pairs;
	int			wants[2];
} RowsJoinKind;

static const RowsJoinKind kinds[] = {
	{"inner", true, {0, 0}},
	{"left", true, {SWEEP_UNCOVERED, 0}},
	{"full", true, {SWEEP_UNCOVERED, SWEEP_UNCOVERED}},
	{"semi", false, {SWEEP_COVERED, 0}},
	{"anti", false, {SWEEP_UNCOVERED, 0}}
};

static void begin_join(FunctionCallInfo fcinfo, Sweep *sweep);
static const RowsJoinKind *find_kind(const char *name);
static void check_sides(const SweepQuery *left, const SweepQuery *right);
static void shape_result(SweepResult *result, RowsJoin *state, SweepQuery *query[2]);
static bool step_join(Sweep *sweep);
static bool next_group(Sweep *sweep);
static void next_row(RowsJoinSide *side);
static void emit_piece(void *arg, int what, int left, int right, const SbInterval *piece);
static void put_values(SweepResult *result, const RowsJoinSide *side, int slot);
static void close_row(void *arg, int side, int slot);
static void end_join(Sweep *sweep);

PG_FUNCTION_INFO_V1(statbus_join_rows);

/* The periods in which rows of two queries with equal keys hold together. */
Datum
statbus_join_rows(PG_FUNCTION_ARGS)
{
	return sweep_call(fcinfo, begin_join);
}

/* Read the arguments, shape the result, run and sort both queries. */
static void
begin_join(FunctionCallInfo fcinfo, Sweep *sweep)
{
	RowsJoin   *state = palloc0(sizeof(RowsJoin));
	const RowsJoinKind *kind = find_kind(sweep_text_argument(fcinfo, 4, "kind"));
	ArrayType  *keys = sweep_names_argument(fcinfo, 2, "key_columns");
	const char *period = sweep_name_argument(fcinfo, 3, "period");
	SweepQuery *query[2];
	bool		packable = true;

	query[SWEEP_LEFT] = sweep_query_open(sweep_text_argument(fcinfo, 0, "left_query"));
	query[SWEEP_RIGHT] = sweep_query_open(sweep_text_argument(fcinfo, 1, "right_query"));
	for (int i = 0; i < 2; i++)
	{
		ArrayType  *values = PG_ARGISNULL(5 + i) ? NULL : PG_GETARG_ARRAYTYPE_P(5 + i);

		sweep_query_keys(query[i], keys, period);
		state->side[i].needed = i == SWEEP_LEFT || kind->pairs;
		if (state->side[i].needed)
			sweep_query_values(query[i], values);
		else if (values != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a join of kind \"%s\" returns no values of the right side", kind->name)));
		packable = packable && sweep_packable(query[i]);
	}
	check_sides(query[SWEEP_LEFT], query[SWEEP_RIGHT]);
	shape_result(&sweep->result, state, query);

	state->order = &query[0]->type->order;
	state->join.order = state->order;
	state->join.memory = sweep_memory(query[0]->type);
	state->join.pairs = kind->pairs;
	state->join.emit = emit_piece;
	state->join.close = close_row;
	state->join.arg = sweep;
	sweep->state = state;
	sweep->step = step_join;
	sweep->end = end_join;
	for (int i = 0; i < 2; i++)
	{
		state->join.side[i].wants = kind->wants[i];
		sweep_slots_init(&state->side[i].slots, query[i]);
		state->side[i].rows = sweep_rows_begin(query[i], packable);
		sweep_query_run(query[i], sweep_rows_put, state->side[i].rows);
		sweep_rows_sort(state->side[i].rows);
		next_row(&state->side[i]);
	}
}

/* The kind of join with a name; raises 22023. */
static const RowsJoinKind *
find_kind(const char *name)
{
	for (int i = 0; i < (int) lengthof(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there is no kind of join \"%s\"", name),
			 errhint("Use inner, left, full, semi or anti.")));
}

/* Raises 42804 unless both sides have keys and periods of the same types, 42P22 for collations. */
static void
check_sides(const SweepQuery *left, const SweepQuery *right)
{
	if (left->type != right->type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the periods of a join must be of the same type, not %s and %s",
						format_type_be(left->type->range_type), format_type_be(right->type->range_type))));
	for (int i = 0; i < left->nkeys; i++)
	{
		Form_pg_attribute x = sweep_query_column(left, i);
		Form_pg_attribute y = sweep_query_column(right, i);

		if (x->atttypid != y->atttypid)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" must be of the same type on both sides, not %s and %s",
							NameStr(x->attname), format_type_be(x->atttypid), format_type_be(y->atttypid))));
		if (x->attcollation != y->attcollation)
			ereport(ERROR,
					(errcode(ERRCODE_INDETERMINATE_COLLATION),
					 errmsg("column \"%s\" has different collations on the two sides", NameStr(x->attname)),
					 errhint("Use the COLLATE clause in one of the queries.")));
	}
}

/* Keys, values of the left, values of the right, period. */
static void
shape_result(SweepResult *result, RowsJoin *state, SweepQuery *query[2])
{
	int			column = query[0]->nkeys;

	state->nkeys = column;
	sweep_result_shape(result, column + query[0]->nvalues + query[1]->nvalues, query[0]);
	for (int i = 0; i < column; i++)
		sweep_result_column(result, i, sweep_query_column(query[0], i));
	for (int side = 0; side < 2; side++)
	{
		state->side[side].first = column;
		for (int i = 0; i < query[side]->nvalues; i++)
			sweep_result_column(result, column++,
								sweep_query_column(query[side], query[side]->nkeys + i));
	}
}

/* Take one row of one side, or go on to the next group. */
static bool
step_join(Sweep *sweep)
{
	RowsJoin   *state = sweep->state;
	RowsJoinSide *left = &state->side[SWEEP_LEFT];
	RowsJoinSide *right = &state->side[SWEEP_RIGHT];
	RowsJoinSide *side = left;
	int			number = SWEEP_LEFT;

	if (!left->in_group && !right->in_group)
	{
		sweep_join_end(&state->join);
		return next_group(sweep);
	}
	if (!left->in_group ||
		(right->in_group &&
		 sb_cut_compare(state->order, right->row.cuts.lo, left->row.cuts.lo) < 0))
	{
		side = right;
		number = SWEEP_RIGHT;
	}
	sweep_join_add(&state->join, number, &side->row.cuts,
				   sweep_slots_take(&side->slots, side->row.values, side->row.nulls));
	next_row(side);
	side->in_group = side->has_row && !side->row.new_group;
	return true;
}

/* Begin the group that comes next on either side; false when there is none. */
static bool
next_group(Sweep *sweep)
{
	RowsJoin   *state = sweep->state;
	RowsJoinSide *left = &state->side[SWEEP_LEFT];
	RowsJoinSide *right = &state->side[SWEEP_RIGHT];
	int			order;

	if (!left->has_row && !right->has_row)
		return false;
	if (!left->has_row || !right->has_row)
		order = left->has_row ? -1 : 1;
	else
		order = sweep_rows_compare(left->rows, &left->row, right->rows, &right->row);

	/* NULL equals nothing */
	if (order == 0 && left->row.null_key)
		order = -1;
	left->in_group = order <= 0;
	right->in_group = order >= 0;
	sweep_result_keys(&sweep->result, order <= 0 ? &left->row : &right->row, state->nkeys);
	return true;
}

/* Read the next row of a side. */
static void
next_row(RowsJoinSide *side)
{
	side->has_row = sweep_rows_next(side->rows, &side->row);
}

/* SweepJoin's emit(). */
static void
emit_piece(void *arg, int what, int left, int right, const SbInterval *piece)
{
	Sweep	   *sweep = arg;
	RowsJoin   *state = sweep->state;

	(void) what;
	put_values(&sweep->result, &state->side[SWEEP_LEFT], left);
	put_values(&sweep->result, &state->side[SWEEP_RIGHT], right);
	sweep_result_put(&sweep->result, piece);
}

/* The values of one side in the result; NULLs when it has no row. */
static void
put_values(SweepResult *result, const RowsJoinSide *side, int slot)
{
	int			ncolumns = side->slots.ncolumns;
	Size		at = (Size) slot * ncolumns;

	for (int i = 0; i < ncolumns; i++)
	{
		result->nulls[side->first + i] = slot == SWEEP_NONE || side->slots.nulls[at + i];
		result->values[side->first + i] = slot == SWEEP_NONE ? (Datum) 0 : side->slots.values[at + i];
	}
}

/* SweepJoin's close(). */
static void
close_row(void *arg, int side, int slot)
{
	RowsJoin   *state = ((Sweep *) arg)->state;

	sweep_slots_give(&state->side[side].slots, slot);
}

/* Give up what the rows hold beyond memory. */
static void
end_join(Sweep *sweep)
{
	RowsJoin   *state = sweep->state;

	for (int i = 0; i < 2; i++)
		sweep_rows_end(state->side[i].rows);
}

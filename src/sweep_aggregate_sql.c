/*-------------------------------------------------------------------------
 *
 * sweep_aggregate_sql.c
 *	  SQL face of sequenced_aggregate.
 *
 * Rows come and go along time, and with them their values.  Counts, and sums of
 * integers, are kept by adding and subtracting, which is exact; all other sums,
 * least and greatest values live in a tree over the open rows (sweep_tree.c).
 *
 * IDENTIFICATION
 *	  src/sweep_aggregate_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/typcache.h"
#include "utils/varlena.h"

#include "sweep_sql.h"

#ifndef HAVE_INT128
#error "statbus needs a compiler with 128-bit integers"
#endif

typedef enum AggregateKind
{
	AGGREGATE_ROWS,				/* count(*) */
	AGGREGATE_COUNT,
	AGGREGATE_SUM_INTEGER,		/* of int2, int4 or int8 */
	AGGREGATE_SUM,
	AGGREGATE_MIN,
	AGGREGATE_MAX
} AggregateKind;

typedef struct Aggregate
{
	AggregateKind kind;
	int			value;			/* which value column */
	Oid			type;			/* base type of the column */
	Oid			result_type;
	Oid			collation;
	int16		length;
	bool		by_value;
	bool		plain_order;	/* the order of the values is that of integers */
	FmgrInfo	function;		/* adds, or compares */
	MemoryContext work;			/* for the function */

	int64		count;			/* open rows with a value */
	int128		sum;
	SweepTree	tree;
} Aggregate;

typedef struct AggregateState
{
	SweepRows  *rows;
	SweepResult *result;
	int			nkeys;
	int			naggregates;
	Aggregate  *aggregates;
	SweepSegments segments;
	SweepSlots	slots;
} AggregateState;

static void begin_aggregates(FunctionCallInfo fcinfo, Sweep *sweep);
static void read_aggregates(AggregateState *state, SweepQuery *query, ArrayType *list);
static char *split_call(char *call, char **column);
static void read_aggregate(Aggregate *aggregate, SweepQuery *query, const char *text);
static void prepare_sum(Aggregate *aggregate, Form_pg_attribute column);
static void prepare_order(Aggregate *aggregate, Form_pg_attribute column);
static void shape_result(SweepResult *result, const AggregateState *state, const SweepQuery *query, ArrayType *list);
static bool step_aggregates(Sweep *sweep);
static void open_row(AggregateState *state, int slot);
static void close_row(void *arg, int slot);
static void emit_segment(void *arg, const SbInterval *segment, int open);
static bool aggregate_value(const Aggregate *aggregate, int open, Datum *value);
static Datum integer_sum(const Aggregate *aggregate);
static int64 integer_value(const Aggregate *aggregate, Datum value);
static int64_t combine_sum(void *arg, int64_t a, int64_t b);
static void release_sum(void *arg, int64_t value);
static int64_t combine_order(void *arg, int64_t a, int64_t b);
static void end_aggregates(Sweep *sweep);

PG_FUNCTION_INFO_V1(statbus_sequenced_aggregate);

/* Aggregates over the rows that hold in each atomic segment. */
Datum
statbus_sequenced_aggregate(PG_FUNCTION_ARGS)
{
	return sweep_call(fcinfo, begin_aggregates);
}

/* Read the arguments, shape the result, run and sort the query. */
static void
begin_aggregates(FunctionCallInfo fcinfo, Sweep *sweep)
{
	SweepQuery *query = sweep_query_open(sweep_text_argument(fcinfo, 0, "query"));
	AggregateState *state = palloc0(sizeof(AggregateState));
	ArrayType  *list = sweep_names_argument(fcinfo, 2, "aggregates");

	sweep_query_keys(query, sweep_names_argument(fcinfo, 1, "key_columns"),
					 sweep_name_argument(fcinfo, 3, "period"));
	state->segments.gaps = sweep_bool_argument(fcinfo, 4, "with_gaps");
	state->nkeys = query->nkeys;
	state->result = &sweep->result;
	read_aggregates(state, query, list);
	shape_result(&sweep->result, state, query, list);
	sweep_slots_init(&state->slots, query);

	state->segments.order = &query->type->order;
	state->segments.memory = sweep_memory(query->type);
	state->segments.emit = emit_segment;
	state->segments.close = close_row;
	state->segments.arg = state;
	for (int i = 0; i < state->naggregates; i++)
		state->aggregates[i].tree.memory = state->segments.memory;

	state->rows = sweep_rows_begin(query, true);
	sweep->state = state;
	sweep->step = step_aggregates;
	sweep->end = end_aggregates;
	sweep_query_run(query, sweep_rows_put, state->rows);
	sweep_rows_sort(state->rows);
}

/*
 * What to compute
 */

/* Read the list of aggregates; their columns become the value columns of the query. */
static void
read_aggregates(AggregateState *state, SweepQuery *query, ArrayType *list)
{
	Datum	   *elements;

	if (array_contains_nulls(list))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("an aggregate must not be NULL")));
	deconstruct_array(list, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &state->naggregates);
	state->aggregates = palloc0(sizeof(Aggregate) * (state->naggregates + 1));
	for (int i = 0; i < state->naggregates; i++)
		read_aggregate(&state->aggregates[i], query, TextDatumGetCString(elements[i]));
}

/*
 * Split "name(argument)" in place.  Gives the name, folded to lower case, and
 * the column, NULL for "*".  Raises 22023 for anything else.
 */
static char *
split_call(char *call, char **column)
{
	char	   *whole = pstrdup(call);
	char	   *open = strchr(call, '(');
	char	   *end = call + strlen(call);
	List	   *names;

	while (end > call && isspace((unsigned char) end[-1]))
		end--;
	if (open == NULL || end[-1] != ')')
		goto malformed;
	end[-1] = '\0';
	*open = '\0';
	if (!SplitIdentifierString(pstrdup(call), '.', &names) || list_length(names) != 1)
		goto malformed;
	call = linitial(names);

	*column = open + 1;
	while (isspace((unsigned char) **column))
		(*column)++;
	if (**column == '*' && (*column)[1 + strspn(*column + 1, " \t\n\r\f")] == '\0')
	{
		*column = NULL;
		return call;
	}
	if (!SplitIdentifierString(*column, '.', &names) || list_length(names) != 1)
		goto malformed;
	*column = linitial(names);
	return call;

malformed:
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is not an aggregate", whole),
			 errhint("Use count(*), count(column), sum(column), min(column) or max(column).")));
}

/* One aggregate and its column. */
static void
read_aggregate(Aggregate *aggregate, SweepQuery *query, const char *text)
{
	char	   *name;
	char	   *column_name;
	Form_pg_attribute column;

	name = split_call(pstrdup(text), &column_name);
	if (column_name == NULL ? strcmp(name, "count") != 0 :
		strcmp(name, "count") != 0 && strcmp(name, "sum") != 0 &&
		strcmp(name, "min") != 0 && strcmp(name, "max") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not an aggregate", text),
				 errhint("Use count(*), count(column), sum(column), min(column) or max(column).")));

	aggregate->result_type = INT8OID;
	if (column_name == NULL)
	{
		aggregate->kind = AGGREGATE_ROWS;
		return;
	}
	aggregate->value = sweep_query_add_value(query, column_name);
	column = sweep_query_column(query, query->nkeys + aggregate->value);
	aggregate->type = getBaseType(column->atttypid);
	aggregate->collation = column->attcollation;
	aggregate->length = column->attlen;
	aggregate->by_value = column->attbyval;
	aggregate->work = AllocSetContextCreate(CurrentMemoryContext, "sweep aggregate",
											ALLOCSET_SMALL_SIZES);
	aggregate->tree.arg = aggregate;
	if (strcmp(name, "count") == 0)
		aggregate->kind = AGGREGATE_COUNT;
	else if (strcmp(name, "sum") == 0)
		prepare_sum(aggregate, column);
	else
	{
		aggregate->kind = strcmp(name, "min") == 0 ? AGGREGATE_MIN : AGGREGATE_MAX;
		prepare_order(aggregate, column);
	}
}

/* How to add: as sum() does for integers and numeric, otherwise by the type's own "+". */
static void
prepare_sum(Aggregate *aggregate, Form_pg_attribute column)
{
	Oid			operator;

	switch (aggregate->type)
	{
		case INT2OID:
		case INT4OID:
			aggregate->kind = AGGREGATE_SUM_INTEGER;
			return;
		case INT8OID:
			aggregate->kind = AGGREGATE_SUM_INTEGER;
			aggregate->result_type = NUMERICOID;
			return;
		default:
			break;
	}
	operator = OpernameGetOprid(list_make1(makeString("+")), aggregate->type, aggregate->type);
	if (!OidIsValid(operator) || get_op_rettype(operator) != aggregate->type)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("values of type %s cannot be summed", format_type_be(aggregate->type)),
				 errdetail("Column \"%s\" has no operator + that gives a value of its own type.",
						   NameStr(column->attname))));
	aggregate->kind = AGGREGATE_SUM;
	aggregate->result_type = aggregate->type;
	aggregate->tree.combine = combine_sum;
	aggregate->tree.release = aggregate->by_value ? NULL : release_sum;
	fmgr_info(get_opcode(operator), &aggregate->function);
}

/* How to compare.  Raises 42883 for a type without an order. */
static void
prepare_order(Aggregate *aggregate, Form_pg_attribute column)
{
	TypeCacheEntry *type = lookup_type_cache(aggregate->type, TYPECACHE_CMP_PROC_FINFO);

	if (!OidIsValid(type->cmp_proc))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify a comparison function for type %s",
						format_type_be(aggregate->type)),
				 errdetail("Column \"%s\" must be compared.", NameStr(column->attname))));
	aggregate->result_type = column->atttypid;
	aggregate->tree.combine = combine_order;
	aggregate->function = type->cmp_proc_finfo;
	switch (aggregate->type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			aggregate->plain_order = true;
			break;
		default:
			break;
	}
}

/* Keys, aggregates, period. */
static void
shape_result(SweepResult *result, const AggregateState *state, const SweepQuery *query, ArrayType *list)
{
	Datum	   *elements;
	int			count;

	deconstruct_array(list, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &count);
	sweep_result_shape(result, query->nkeys + count, query);
	for (int i = 0; i < query->nkeys; i++)
		sweep_result_column(result, i, sweep_query_column(query, i));
	for (int i = 0; i < count; i++)
	{
		const Aggregate *aggregate = &state->aggregates[i];

		TupleDescInitEntry(result->desc, query->nkeys + i + 1, TextDatumGetCString(elements[i]),
						   aggregate->result_type, -1, 0);
		if (aggregate->kind == AGGREGATE_MIN || aggregate->kind == AGGREGATE_MAX)
			TupleDescInitEntryCollation(result->desc, query->nkeys + i + 1, aggregate->collation);
	}
}

/*
 * The sweep
 */

/* Take one row. */
static bool
step_aggregates(Sweep *sweep)
{
	AggregateState *state = sweep->state;
	SweepRow	row;
	int			slot;

	if (!sweep_rows_next(state->rows, &row))
	{
		sweep_segments_end(&state->segments);
		return false;
	}
	if (row.new_group)
	{
		sweep_segments_end(&state->segments);
		sweep_result_keys(&sweep->result, &row, state->nkeys);
	}
	slot = sweep_slots_take(&state->slots, row.values, row.nulls);
	sweep_segments_add(&state->segments, &row.cuts, slot);
	open_row(state, slot);
	return true;
}

/* The row begins: its values count. */
static void
open_row(AggregateState *state, int slot)
{
	const Datum *values = state->slots.values + (Size) slot * state->slots.ncolumns;
	const bool *nulls = state->slots.nulls + (Size) slot * state->slots.ncolumns;

	for (int i = 0; i < state->naggregates; i++)
	{
		Aggregate  *aggregate = &state->aggregates[i];

		if (aggregate->kind == AGGREGATE_ROWS || nulls[aggregate->value])
			continue;
		aggregate->count++;
		if (aggregate->kind == AGGREGATE_SUM_INTEGER)
			aggregate->sum += integer_value(aggregate, values[aggregate->value]);
		else if (aggregate->kind != AGGREGATE_COUNT)
			sweep_tree_set(&aggregate->tree, slot, (int64_t) values[aggregate->value]);
	}
}

/* SweepSegments' close(): the row has ended, its values do not count any more. */
static void
close_row(void *arg, int slot)
{
	AggregateState *state = arg;
	const Datum *values = state->slots.values + (Size) slot * state->slots.ncolumns;
	const bool *nulls = state->slots.nulls + (Size) slot * state->slots.ncolumns;

	for (int i = 0; i < state->naggregates; i++)
	{
		Aggregate  *aggregate = &state->aggregates[i];

		if (aggregate->kind == AGGREGATE_ROWS || nulls[aggregate->value])
			continue;
		aggregate->count--;
		if (aggregate->kind == AGGREGATE_SUM_INTEGER)
			aggregate->sum -= integer_value(aggregate, values[aggregate->value]);
		else if (aggregate->kind != AGGREGATE_COUNT)
			sweep_tree_clear(&aggregate->tree, slot);
	}
	sweep_slots_give(&state->slots, slot);
}

/* SweepSegments' emit(). */
static void
emit_segment(void *arg, const SbInterval *segment, int open)
{
	AggregateState *state = arg;
	SweepResult *result = state->result;
	MemoryContext old = MemoryContextSwitchTo(result->row_context);

	for (int i = 0; i < state->naggregates; i++)
		result->nulls[state->nkeys + i] =
			!aggregate_value(&state->aggregates[i], open, &result->values[state->nkeys + i]);
	MemoryContextSwitchTo(old);
	sweep_result_put(result, segment);
}

/* What the aggregate is now; false when that is NULL. */
static bool
aggregate_value(const Aggregate *aggregate, int open, Datum *value)
{
	int64_t		root;

	switch (aggregate->kind)
	{
		case AGGREGATE_ROWS:
			*value = Int64GetDatum(open);
			return true;
		case AGGREGATE_COUNT:
			*value = Int64GetDatum(aggregate->count);
			return true;
		case AGGREGATE_SUM_INTEGER:
			if (aggregate->count == 0)
				return false;
			*value = integer_sum(aggregate);
			return true;
		default:
			if (!sweep_tree_root(&aggregate->tree, &root))
				return false;
			*value = (Datum) root;
			return true;
	}
}

/* A sum of integers in the type that sum() gives it; raises 22003 as sum() does. */
static Datum
integer_sum(const Aggregate *aggregate)
{
	const int64 part = INT64CONST(1000000000000000000);
	int128		sum = aggregate->sum;

	if (sum >= PG_INT64_MIN && sum <= PG_INT64_MAX)
		return aggregate->result_type == INT8OID ? Int64GetDatum((int64) sum) :
			NumericGetDatum(int64_to_numeric((int64) sum));
	if (aggregate->result_type == INT8OID)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("bigint out of range")));
	return DirectFunctionCall2(numeric_add,
							   DirectFunctionCall2(numeric_mul,
												   NumericGetDatum(int64_to_numeric((int64) (sum / part))),
												   NumericGetDatum(int64_to_numeric(part))),
							   NumericGetDatum(int64_to_numeric((int64) (sum % part))));
}

/* A value to be summed as an integer. */
static int64
integer_value(const Aggregate *aggregate, Datum value)
{
	switch (aggregate->type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

/* SweepTree's combine() for sums. */
static int64_t
combine_sum(void *arg, int64_t a, int64_t b)
{
	Aggregate  *aggregate = arg;
	MemoryContext old = MemoryContextSwitchTo(aggregate->work);
	Datum		sum = FunctionCall2Coll(&aggregate->function, aggregate->collation, (Datum) a, (Datum) b);

	MemoryContextSwitchTo(old);
	if (aggregate->by_value)
		return (int64_t) sum;
	sum = datumCopy(sum, false, aggregate->length);
	MemoryContextReset(aggregate->work);
	return (int64_t) sum;
}

/* SweepTree's release() for sums of a type by reference. */
static void
release_sum(void *arg, int64_t value)
{
	(void) arg;
	pfree(DatumGetPointer((Datum) value));
}

/* SweepTree's combine() for the least or the greatest value. */
static int64_t
combine_order(void *arg, int64_t a, int64_t b)
{
	Aggregate  *aggregate = arg;
	int			order;

	if (aggregate->plain_order)
	{
		int64		x = (int64) a;
		int64		y = (int64) b;

		if (aggregate->length == 4)
		{
			x = DatumGetInt32((Datum) a);
			y = DatumGetInt32((Datum) b);
		}
		else if (aggregate->length == 2)
		{
			x = DatumGetInt16((Datum) a);
			y = DatumGetInt16((Datum) b);
		}
		order = (x > y) - (x < y);
	}
	else
	{
		MemoryContext old = MemoryContextSwitchTo(aggregate->work);

		order = DatumGetInt32(FunctionCall2Coll(&aggregate->function, aggregate->collation,
												(Datum) a, (Datum) b));
		MemoryContextSwitchTo(old);
		if (!aggregate->by_value)
			MemoryContextReset(aggregate->work);
	}
	return (aggregate->kind == AGGREGATE_MIN) == (order <= 0) ? a : b;
}

/* Give up what the rows hold beyond memory. */
static void
end_aggregates(Sweep *sweep)
{
	sweep_rows_end(((AggregateState *) sweep->state)->rows);
}

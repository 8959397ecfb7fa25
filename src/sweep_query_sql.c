/*-------------------------------------------------------------------------
 *
 * sweep_query_sql.c
 *	  The query of a sweep: refused unless it only reads, and run once.
 *
 * It runs as the caller, with the caller's search_path, in the snapshot of the
 * statement that calls the sweep, and its rows go straight to the sort.
 *
 * IDENTIFICATION
 *	  src/sweep_query_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/analyze.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "sweep_sql.h"

/* Rows of the query go to a function. */
typedef struct SweepReceiver
{
	DestReceiver dest;
	SweepReceive receive;
	void	   *arg;
} SweepReceiver;

static PlannedStmt *plan_query(const char *text);
static bool refuse_writes(Node *node, void *context);
static void locate_error(void *text);
static bool receive_slot(TupleTableSlot *slot, DestReceiver *dest);
static void ignore_startup(DestReceiver *dest, int operation, TupleDesc columns);
static void ignore(DestReceiver *dest);
static AttrNumber find_column(const SweepQuery *query, const char *name);
static void add_column(SweepQuery *query, int count, AttrNumber attno);
static Datum *array_names(ArrayType *names, int *count);

/*
 * Plan a query and get ready to run it.  Everything is allocated in the
 * current context.  Raises 22023 unless the text is a single SELECT (or VALUES
 * or TABLE), 0A000 when it writes, locks rows or makes a table.
 */
SweepQuery *
sweep_query_open(const char *text)
{
	SweepQuery *query = palloc0(sizeof(SweepQuery));
	SweepReceiver *receiver = palloc0(sizeof(SweepReceiver));
	ErrorContextCallback context;

	query->text = pstrdup(text);
	context.callback = locate_error;
	context.arg = query->text;
	context.previous = error_context_stack;
	error_context_stack = &context;

	receiver->dest.receiveSlot = receive_slot;
	receiver->dest.rStartup = ignore_startup;
	receiver->dest.rShutdown = ignore;
	receiver->dest.rDestroy = ignore;
	receiver->dest.mydest = DestNone;
	query->desc = CreateQueryDesc(plan_query(query->text), query->text, GetActiveSnapshot(),
								  InvalidSnapshot, &receiver->dest, NULL, NULL, 0);
	ExecutorStart(query->desc, 0);
	query->columns = CreateTupleDescCopy(query->desc->tupDesc);
	query->attnos = palloc(sizeof(AttrNumber) * (query->columns->natts + 1));

	error_context_stack = context.previous;
	return query;
}

/* The plan of a text that is a query and only reads. */
static PlannedStmt *
plan_query(const char *text)
{
	List	   *statements = pg_parse_query(text);
	RawStmt    *raw;
	Query	   *parsed;
	List	   *rewritten;

	if (list_length(statements) != 1 ||
		!IsA(linitial_node(RawStmt, statements)->stmt, SelectStmt))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the query of a sweep must be a single SELECT statement")));

	raw = linitial_node(RawStmt, statements);
	parsed = parse_analyze_fixedparams(raw, text, NULL, 0, NULL);
	refuse_writes((Node *) parsed, NULL);
	rewritten = pg_rewrite_query(parsed);
	if (list_length(rewritten) != 1)
		elog(ERROR, "a SELECT statement was rewritten to %d statements", list_length(rewritten));

	/* a view may lock rows */
	refuse_writes((Node *) linitial(rewritten), NULL);
	return pg_plan_query(linitial_node(Query, rewritten), text, CURSOR_OPT_PARALLEL_OK, NULL);
}

/* Walker that raises at the first thing in a query that does more than read. */
static bool
refuse_writes(Node *node, void *context)
{
	Query	   *query;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, refuse_writes, context);

	query = (Query *) node;
	if (query->commandType != CMD_SELECT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the query of a sweep must only read"),
				 errdetail("INSERT, UPDATE, DELETE, MERGE and SELECT INTO are not allowed in it.")));
	if (query->rowMarks != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the query of a sweep must not lock rows"),
				 errdetail("FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE and FOR KEY SHARE are not allowed in it.")));
	return query_tree_walker(query, refuse_writes, context, 0);
}

/* Error context: which query, and where in it instead of where in the calling one. */
static void
locate_error(void *text)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(text);
	}
	else
		errcontext("query of a sweep: \"%s\"", (const char *) text);
}

/* Run the query to its end; receive() sees each row. */
void
sweep_query_run(SweepQuery *query, SweepReceive receive, void *arg)
{
	SweepReceiver *receiver = (SweepReceiver *) query->desc->dest;
	ErrorContextCallback context;

	context.callback = locate_error;
	context.arg = query->text;
	context.previous = error_context_stack;
	error_context_stack = &context;

	receiver->receive = receive;
	receiver->arg = arg;
#if PG_VERSION_NUM >= 180000
	ExecutorRun(query->desc, ForwardScanDirection, 0);
#else
	ExecutorRun(query->desc, ForwardScanDirection, 0, true);
#endif
	ExecutorFinish(query->desc);
	ExecutorEnd(query->desc);
	FreeQueryDesc(query->desc);
	query->desc = NULL;

	error_context_stack = context.previous;
}

/* The receiver's part: hand each row over; there is nothing to start, end or free. */
static bool
receive_slot(TupleTableSlot *slot, DestReceiver *dest)
{
	SweepReceiver *receiver = (SweepReceiver *) dest;

	receiver->receive(receiver->arg, slot);
	return true;
}

static void
ignore_startup(DestReceiver *dest, int operation, TupleDesc columns)
{
	(void) dest;
	(void) operation;
	(void) columns;
}

static void
ignore(DestReceiver *dest)
{
	(void) dest;
}

/*
 * Columns
 */

/* The key columns and the period.  Raises 42703, 42702, 42701, 42804, 22004. */
void
sweep_query_keys(SweepQuery *query, ArrayType *keys, const char *period)
{
	int			count;
	Datum	   *names = array_names(keys, &count);
	Oid			type;

	query->period = find_column(query, period);
	query->last = query->period;
	type = getBaseType(TupleDescAttr(query->columns, query->period - 1)->atttypid);
	if (!type_is_range(type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is of type %s, which is not a range type", period, format_type_be(type))));
	query->type = period_type(type);

	for (int i = 0; i < count; i++)
		add_column(query, i, find_column(query, NameStr(*DatumGetName(names[i]))));
	query->nkeys = count;
}

/* The value columns; without a list all others, in their order. */
void
sweep_query_values(SweepQuery *query, ArrayType *values)
{
	int			count;
	Datum	   *names;

	if (values == NULL)
	{
		for (AttrNumber attno = 1; attno <= query->columns->natts; attno++)
		{
			bool		used = attno == query->period;

			for (int i = 0; i < query->nkeys; i++)
				used = used || query->attnos[i] == attno;
			if (!used)
			{
				add_column(query, query->nkeys + query->nvalues, attno);
				query->nvalues++;
			}
		}
		return;
	}
	names = array_names(values, &count);
	for (int i = 0; i < count; i++)
	{
		add_column(query, query->nkeys + query->nvalues,
				   find_column(query, NameStr(*DatumGetName(names[i]))));
		query->nvalues++;
	}
}

/* One more value column, unless it is one already; which of the values it is. */
int
sweep_query_add_value(SweepQuery *query, const char *name)
{
	AttrNumber	attno = find_column(query, name);

	for (int i = 0; i < query->nvalues; i++)
		if (query->attnos[query->nkeys + i] == attno)
			return i;
	query->attnos = repalloc(query->attnos,
							 sizeof(AttrNumber) * (query->nkeys + query->nvalues + 2));
	query->attnos[query->nkeys + query->nvalues] = attno;
	query->last = Max(query->last, attno);
	return query->nvalues++;
}

/* The description of a key (from 0) or value (after the keys). */
Form_pg_attribute
sweep_query_column(const SweepQuery *query, int column)
{
	return TupleDescAttr(query->columns, query->attnos[column] - 1);
}

/* The number of the column with a name. */
static AttrNumber
find_column(const SweepQuery *query, const char *name)
{
	AttrNumber	found = InvalidAttrNumber;

	for (int i = 0; i < query->columns->natts; i++)
	{
		if (strcmp(NameStr(TupleDescAttr(query->columns, i)->attname), name) != 0)
			continue;
		if (found != InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_AMBIGUOUS_COLUMN),
					 errmsg("the query returns more than one column \"%s\"", name)));
		found = i + 1;
	}
	if (found == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("the query returns no column \"%s\"", name)));
	return found;
}

/* Append a column to those that count.  Raises 42701 when it is one already. */
static void
add_column(SweepQuery *query, int count, AttrNumber attno)
{
	Form_pg_attribute column = TupleDescAttr(query->columns, attno - 1);
	bool		used = attno == query->period;

	for (int i = 0; i < count; i++)
		used = used || query->attnos[i] == attno;
	if (used)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("column \"%s\" is named more than once", NameStr(column->attname))));
	query->attnos[count] = attno;
	query->last = Max(query->last, attno);
}

/* The elements of a name[] without NULLs. */
static Datum *
array_names(ArrayType *names, int *count)
{
	Datum	   *elements;

	if (array_contains_nulls(names))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a column name must not be NULL")));
	deconstruct_array(names, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &elements, NULL, count);
	return elements;
}

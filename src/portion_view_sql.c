/*-------------------------------------------------------------------------
 *
 * portion_view_sql.c
 *	  What a portion view is: its table, and which column is what.
 *
 * The view's query says which column of the table each of its columns is, so
 * that renaming a column of the table does not matter.
 *
 * IDENTIFICATION
 *	  src/portion_view_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "portion.h"

static List *names_of_array(Datum array);
static Oid	map_columns(Relation view, PortionView *result);
static int	find_column(const PortionView *view, AttrNumber attnum);
static int	find_bound(const PortionView *view, Relation table, const char *generator, const char *usual);
static AttrNumber find_name(Relation view, const PortionView *result, Relation table, const char *name);
static bool has_last_point(Oid subtype);
static void set_role(PortionView *view, int column, PortionRole role);
static void set_roles(PortionView *result, Relation table);
static void describe_collected(PortionView *result, Relation table, bool deletes);

/* The elements of a name[], without NULLs, in the current memory context. */
static List *
names_of_array(Datum array)
{
	List	   *result = NIL;
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(array), NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			result = lappend(result, pstrdup(NameStr(*DatumGetName(elements[i]))));
	return result;
}

/*
 * Find a table's identity and what its period is generated from.  Raises what
 * temporal.period_of() and temporal.identity_of() raise.
 */
void
portion_read_table(PortionTable *table, Oid relid, const char *period)
{
	static SPIPlanPtr plan = NULL;
	MemoryContext caller = CurrentMemoryContext;
	NameData	name;
	Datum		values[2];
	Datum		found[4];
	bool		nulls[4];

	SPI_connect();
	if (plan == NULL)
	{
		Oid			types[2] = {OIDOID, NAMEOID};
		SPIPlanPtr	made = SPI_prepare("SELECT s.range_type::pg_catalog.oid, s.from_column, s.until_column,"
									   " temporal.identity_of($1::pg_catalog.regclass, $2)"
									   " FROM temporal.period_of($1::pg_catalog.regclass, $2) AS s", 2, types);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare the query for a table's identity");
		plan = made;
	}
	namestrcpy(&name, period);
	values[0] = ObjectIdGetDatum(relid);
	values[1] = NameGetDatum(&name);
	if (SPI_execute_plan(plan, values, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not read the identity of relation %u", relid);
	for (int i = 0; i < 4; i++)
		found[i] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &nulls[i]);

	MemoryContextSwitchTo(caller);
	table->relid = relid;
	table->type = period_type(DatumGetObjectId(found[0]));
	table->period = pstrdup(period);
	table->from = nulls[1] ? NULL : pstrdup(NameStr(*DatumGetName(found[1])));
	table->until = nulls[2] ? NULL : pstrdup(NameStr(*DatumGetName(found[2])));
	table->identity = names_of_array(found[3]);
	SPI_finish();
	MemoryContextSwitchTo(caller);
}

/*
 * Which column of which table each column of the view is.  Returns the table;
 * raises 42809 for a view that does not show exactly one.
 */
static Oid
map_columns(Relation view, PortionView *result)
{
	Query	   *query = get_view_query(view);
	TupleDesc	desc = RelationGetDescr(view);
	int			relation = 0;
	ListCell   *cell;

	result->ncolumns = desc->natts;
	result->columns = palloc0(sizeof(PortionColumn) * desc->natts);
	for (int i = 0; i < desc->natts; i++)
	{
		result->columns[i].role = PORTION_ROLE_OTHER;
		result->columns[i].typlen = TupleDescAttr(desc, i)->attlen;
		result->columns[i].typbyval = TupleDescAttr(desc, i)->attbyval;
	}
	foreach(cell, query->targetList)
	{
		TargetEntry *entry = lfirst(cell);
		Var		   *var = (Var *) entry->expr;

		if (entry->resjunk || entry->resno > desc->natts || !IsA(var, Var) ||
			var->varlevelsup != 0 || var->varattno <= 0 ||
			rt_fetch(var->varno, query->rtable)->rtekind != RTE_RELATION)
			continue;
		if (relation != 0 && relation != var->varno)
		{
			relation = 0;
			break;
		}
		relation = var->varno;
		result->columns[entry->resno - 1].attnum = var->varattno;
	}
	if (relation == 0)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("view \"%s\" does not show one table", RelationGetRelationName(view)),
				 errhint("Make portion views with temporal.add_portion_view().")));
	return rt_fetch(relation, query->rtable)->relid;
}

/* The first column of the view that is a column of the table, or -1. */
static int
find_column(const PortionView *view, AttrNumber attnum)
{
	for (int i = 0; AttributeNumberIsValid(attnum) && i < view->ncolumns; i++)
		if (view->columns[i].attnum == attnum)
			return i;
	return -1;
}

/*
 * What a name in a trigger's arguments means today: views keep the names that
 * columns had when they were made.  Invalid when there is none.
 */
static AttrNumber
find_name(Relation view, const PortionView *result, Relation table, const char *name)
{
	TupleDesc	desc = RelationGetDescr(view);

	for (int i = 0; i < desc->natts; i++)
		if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) == 0 &&
			AttributeNumberIsValid(result->columns[i].attnum))
			return result->columns[i].attnum;
	return get_attnum(RelationGetRelid(table), name);
}

/*
 * The column with a bound of the period: one the period is generated from; else
 * one of its type with the usual name.  -1 when there is none.
 */
static int
find_bound(const PortionView *view, Relation table, const char *generator, const char *usual)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(table), generator != NULL ? generator : usual);

	if (!AttributeNumberIsValid(attnum))
		return -1;
	if (generator == NULL &&
		getBaseType(TupleDescAttr(RelationGetDescr(table), attnum - 1)->atttypid) != view->table.type->subtype)
		return -1;
	return find_column(view, attnum);
}

/* Types whose points have a next one that is known here. */
static bool
has_last_point(Oid subtype)
{
	return subtype == DATEOID || subtype == INT4OID || subtype == INT8OID;
}

/* Say of one column what it is; -1 is none. */
static void
set_role(PortionView *view, int column, PortionRole role)
{
	if (column >= 0)
		view->columns[column].role = role;
}

/* Say of every column what it is.  The identity is set last: it is never written. */
static void
set_roles(PortionView *result, Relation table)
{
	TupleDesc	desc = RelationGetDescr(table);
	ListCell   *cell;

	for (int i = 0; i < result->ncolumns; i++)
		if (AttributeNumberIsValid(result->columns[i].attnum))
			result->columns[i].role = TupleDescAttr(desc, result->columns[i].attnum - 1)->attgenerated != '\0' ?
				PORTION_ROLE_GENERATED : PORTION_ROLE_DATA;

	result->from = find_bound(result, table, result->table.from, "valid_from");
	result->until = find_bound(result, table, result->table.until, "valid_until");
	result->to = has_last_point(result->table.type->subtype) ? find_bound(result, table, NULL, "valid_to") : -1;
	if (result->to == result->from || result->to == result->until)
		result->to = -1;
	set_role(result, result->period, PORTION_ROLE_PERIOD);
	set_role(result, result->from, PORTION_ROLE_FROM);
	set_role(result, result->until, PORTION_ROLE_UNTIL);
	set_role(result, result->to, PORTION_ROLE_TO);
	if (result->table.from != NULL && result->from >= 0)
		result->from_not_null = TupleDescAttr(desc, result->columns[result->from].attnum - 1)->attnotnull;
	if (result->table.until != NULL && result->until >= 0)
		result->until_not_null = TupleDescAttr(desc, result->columns[result->until].attnum - 1)->attnotnull;

	result->ids = palloc(sizeof(int) * list_length(result->table.identity));
	foreach(cell, result->table.identity)
	{
		int			column = find_column(result, get_attnum(RelationGetRelid(table), lfirst(cell)));

		if (column < 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("the portion view of table \"%s\" lacks identity column \"%s\"",
							RelationGetRelationName(table), (char *) lfirst(cell)),
					 errhint("Call temporal.add_portion_view() again.")));
		result->ids[result->nids++] = column;
		set_role(result, column, PORTION_ROLE_IDENTITY);
	}
}

/* The columns of what is collected, and where each column of the view is in it. */
static void
describe_collected(PortionView *result, Relation table, bool deletes)
{
	TupleDesc	base = RelationGetDescr(table);
	int			count = (deletes ? PORTION_GIVEN : PORTION_GIVEN + 1) + result->nids;
	int			place;
	TupleDesc	desc;

	for (int i = 0; !deletes && i < result->ncolumns; i++)
		if (result->columns[i].role == PORTION_ROLE_DATA)
			count++;
	desc = CreateTemplateTupleDesc(count);
	TupleDescInitEntry(desc, PORTION_ROW + 1, "temporal row", INT8OID, -1, 0);
	TupleDescInitEntry(desc, PORTION_PERIOD + 1, result->table.period, result->table.type->range_type, -1, 0);
	place = PORTION_GIVEN;
	if (!deletes)
		TupleDescInitEntry(desc, ++place, "temporal given", BYTEAOID, -1, 0);
	for (int i = 0; i < result->nids; i++)
		TupleDescCopyEntry(desc, ++place, base, result->columns[result->ids[i]].attnum);
	for (int i = 0; !deletes && i < result->ncolumns; i++)
	{
		PortionColumn *column = &result->columns[i];

		if (column->role != PORTION_ROLE_DATA)
			continue;
		column->place = place;
		TupleDescCopyEntry(desc, ++place, base, column->attnum);
	}
	result->collected = desc;
}

/*
 * Read a portion view's definition into the current memory context.  The names
 * are the arguments of its triggers; ephemeral is the text of a name[], or NULL.
 */
PortionView *
portion_read_view(Relation view, const char *period, const char *ephemeral, bool deletes)
{
	PortionView *result = palloc0(sizeof(PortionView));
	Relation	table = table_open(map_columns(view, result), AccessShareLock);
	AttrNumber	attnum = find_name(view, result, table, period);

	if (!AttributeNumberIsValid(attnum))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", period, RelationGetRelationName(table)),
				 errhint("Call temporal.add_portion_view() again.")));
	portion_read_table(&result->table, RelationGetRelid(table),
					   NameStr(TupleDescAttr(RelationGetDescr(table), attnum - 1)->attname));
	result->period = find_column(result, attnum);
	if (result->period < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("view \"%s\" lacks the period \"%s\"", RelationGetRelationName(view), result->table.period),
				 errhint("Call temporal.add_portion_view() again.")));
	set_roles(result, table);

	if (ephemeral != NULL)
	{
		Datum		array = OidInputFunctionCall(F_ARRAY_IN, pstrdup(ephemeral), NAMEOID, -1);
		ListCell   *cell;

		foreach(cell, names_of_array(array))
		{
			AttrNumber	found = find_name(view, result, table, lfirst(cell));

			if (AttributeNumberIsValid(found))
				result->ephemeral = lappend(result->ephemeral,
											pstrdup(NameStr(TupleDescAttr(RelationGetDescr(table), found - 1)->attname)));
		}
	}
	describe_collected(result, table, deletes);
	table_close(table, NoLock);
	return result;
}

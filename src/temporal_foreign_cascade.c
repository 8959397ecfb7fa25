/*-------------------------------------------------------------------------
 *
 * temporal_foreign_cascade.c
 *	  Temporal foreign keys: children lose the time that their parent lost.
 *
 * The children are locked first, then one statement deletes those that keep
 * nothing, shortens the others to their first piece, and inserts the further
 * pieces.  It runs as the child table's owner without row security, as
 * cascades of native keys do; the table's own keys, foreign keys that reference
 * it, and its triggers act as for any other statement.
 *
 * IDENTIFICATION
 *	  src/temporal_foreign_cascade.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "temporal_foreign.h"

/* Rows to change, as arrays for a statement's parameters. */
typedef struct RowArrays
{
	Datum	   *tids;
	Datum	   *periods;
	int			count;
} RowArrays;

static Datum kept_period(ForeignCheck *check, const SbInterval *cuts);
static Datum tid_array(const RowArrays *rows);
static Datum period_array(const RowArrays *rows, Oid range_type);
static bool lock_children(ForeignCheck *check, const char *child, const RowArrays *all);
static Bitmapset *row_identifiers(Relation relation);
static void append_assignments(StringInfo sql, ForeignCheck *check);
static void append_columns(StringInfo columns, StringInfo values, ForeignCheck *check);
static void change_children(ForeignCheck *check, const char *child, const RowArrays *gone,
							const RowArrays *shorter, const RowArrays *further);

/* A piece of a child as a range; raises when from and until cannot express it. */
static Datum
kept_period(ForeignCheck *check, const SbInterval *cuts)
{
	if (check->child.columns->from != InvalidAttrNumber &&
		(cuts->lo.side == SB_CUT_AFTER || cuts->hi.side == SB_CUT_AFTER))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot cut a row of table \"%s\" to %s",
						RelationGetRelationName(check->child.relation),
						temporal_describe_period(check->type, cuts)),
				 errdetail("Its period is generated from a first point and an end that does not belong to it.")));
	return period_range(check->type, cuts);
}

/* What a statement takes: places and periods as arrays. */
static Datum
tid_array(const RowArrays *rows)
{
	return PointerGetDatum(construct_array(rows->tids, rows->count, TIDOID, sizeof(ItemPointerData), false, TYPALIGN_SHORT));
}

static Datum
period_array(const RowArrays *rows, Oid range_type)
{
	int16		length;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(range_type, &length, &by_value, &align);
	return PointerGetDatum(construct_array(rows->periods, rows->count, range_type, length, by_value, align));
}

/*
 * Lock the children.  False when one of them is not there any more; at the
 * higher isolation levels that is a serialization failure.
 */
static bool
lock_children(ForeignCheck *check, const char *child, const RowArrays *all)
{
	Oid			types[] = {get_array_type(TIDOID)};
	Datum		values[] = {tid_array(all)};
	char	   *sql = psprintf("SELECT FROM ONLY %s AS c WHERE c.ctid OPERATOR(pg_catalog.=) ANY ($1) FOR UPDATE", child);
	int			result = SPI_execute_with_args(sql, 1, types, values, NULL, false, 0);

	if (result != SPI_OK_SELECT)
		elog(ERROR, "locking the rows of a cascade failed: %s", SPI_result_code_string(result));
	if (SPI_processed == (uint64) all->count)
		return true;
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update"),
				 errdetail("Rows of table \"%s\" that would lose time were written by another transaction.",
						   RelationGetRelationName(check->child.relation))));
	return false;
}

/*
 * The columns that identify a row by themselves and know a new value: a row
 * that is split gives its later pieces new ones.
 */
static Bitmapset *
row_identifiers(Relation relation)
{
	TupleDesc	desc = RelationGetDescr(relation);
	List	   *indexes = RelationGetIndexList(relation);
	Bitmapset  *result = NULL;
	ListCell   *cell;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);
		Form_pg_index form = index->rd_index;

		if (form->indisunique && form->indnkeyatts == 1 && form->indkey.values[0] > 0 &&
			RelationGetIndexPredicate(index) == NIL)
		{
			Form_pg_attribute attribute = TupleDescAttr(desc, form->indkey.values[0] - 1);

			if (attribute->attidentity != '\0' || (attribute->atthasdef && attribute->attgenerated == '\0'))
				result = bms_add_member(result, attribute->attnum);
		}
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	return result;
}

/* "valid_from = …, valid_until = …" or "valid_range = …" from p.period */
static void
append_assignments(StringInfo sql, ForeignCheck *check)
{
	const TemporalColumns *columns = check->child.columns;
	TupleDesc	desc = RelationGetDescr(check->child.relation);

	if (columns->from == InvalidAttrNumber)
		appendStringInfo(sql, "%s = p.period", quote_identifier(NameStr(TupleDescAttr(desc, columns->period - 1)->attname)));
	else
	{
		appendStringInfo(sql, "%s = pg_catalog.lower(p.period), ", quote_identifier(NameStr(TupleDescAttr(desc, columns->from - 1)->attname)));
		appendStringInfo(sql, "%s = pg_catalog.upper(p.period)", quote_identifier(NameStr(TupleDescAttr(desc, columns->until - 1)->attname)));
	}
}

/* What a further piece is made of: the child's row with another period. */
static void
append_columns(StringInfo columns, StringInfo values, ForeignCheck *check)
{
	const TemporalColumns *child = check->child.columns;
	TupleDesc	desc = RelationGetDescr(check->child.relation);
	Bitmapset  *identifiers = row_identifiers(check->child.relation);
	const char *separator = "";
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		const char *name = quote_identifier(NameStr(attribute->attname));

		if (attribute->attisdropped || attribute->attgenerated != '\0' ||
			bms_is_member(attribute->attnum, identifiers))
			continue;
		appendStringInfo(columns, "%s%s", separator, name);
		if (attribute->attnum == child->from)
			appendStringInfo(values, "%spg_catalog.lower(p.period)", separator);
		else if (attribute->attnum == child->until)
			appendStringInfo(values, "%spg_catalog.upper(p.period)", separator);
		else if (child->from == InvalidAttrNumber && attribute->attnum == child->period)
			appendStringInfo(values, "%sp.period", separator);
		else
			appendStringInfo(values, "%sc.%s", separator, name);
		separator = ", ";
	}
}

/* Delete, shorten and split the children, which are locked, in one statement. */
static void
change_children(ForeignCheck *check, const char *child, const RowArrays *gone,
				const RowArrays *shorter, const RowArrays *further)
{
	Oid			tids = get_array_type(TIDOID);
	Oid			periods = get_array_type(check->type->range_type);
	Oid			types[5] = {tids, tids, periods, tids, periods};
	Datum		values[5];
	char		nulls[6] = "     ";
	StringInfoData sql;
	const char *separator = "WITH ";
	int			result;
	int			count;

	values[0] = tid_array(gone);
	initStringInfo(&sql);

	/*
	 * the executor runs them from the last to the first: room is made before
	 * it is taken
	 */
	if (further->count > 0)
	{
		StringInfoData columns;
		StringInfoData expressions;

		initStringInfo(&columns);
		initStringInfo(&expressions);
		append_columns(&columns, &expressions, check);
		appendStringInfo(&sql, "%sfurther AS (INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s"
						 " FROM ONLY %s AS c JOIN ROWS FROM (pg_catalog.unnest($4), pg_catalog.unnest($5)) AS p(tid, period)"
						 " ON c.ctid OPERATOR(pg_catalog.=) p.tid)",
						 separator, child, columns.data, expressions.data, child);
		separator = ", ";
	}
	if (shorter->count > 0)
	{
		appendStringInfo(&sql, "%sshorter AS (UPDATE ONLY %s AS c SET ", separator, child);
		append_assignments(&sql, check);
		appendStringInfoString(&sql, " FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) AS p(tid, period)"
							   " WHERE c.ctid OPERATOR(pg_catalog.=) p.tid)");
		separator = ", ";
	}
	if (gone->count > 0)
	{
		appendStringInfo(&sql, "%sgone AS (DELETE FROM ONLY %s AS c USING pg_catalog.unnest($1) AS p(tid)"
						 " WHERE c.ctid OPERATOR(pg_catalog.=) p.tid)", separator, child);
	}
	appendStringInfoString(&sql, " SELECT");

	count = 1;
	if (check->child.columns->type != NULL)
	{
		values[1] = tid_array(shorter);
		values[2] = period_array(shorter, check->type->range_type);
		values[3] = tid_array(further);
		values[4] = period_array(further, check->type->range_type);
		count = 5;
	}
	result = SPI_execute_with_args(sql.data, count, types, values, nulls, false, 0);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "cascade failed: %s", SPI_result_code_string(result));
}

/*
 * Take the lost time from the children.  False when they have changed since
 * they were found, so that they must be looked for again.
 */
bool
foreign_cascade(ForeignCheck *check, List *losses)
{
	Relation	relation = check->child.relation;
	char	   *child = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
												   RelationGetRelationName(relation));
	RowArrays	all = {0};
	RowArrays	gone = {0};
	RowArrays	shorter = {0};
	RowArrays	further = {0};
	int			total = 0;
	int			security;
	Oid			user;
	ListCell   *cell;
	bool		locked;

	SPI_connect();
	foreach(cell, losses)
		total += Max(((ForeignLoss *) lfirst(cell))->count, 1);
	all.tids = palloc(sizeof(Datum) * total);
	gone.tids = palloc(sizeof(Datum) * total);
	shorter.tids = palloc(sizeof(Datum) * total);
	shorter.periods = palloc(sizeof(Datum) * total);
	further.tids = palloc(sizeof(Datum) * total);
	further.periods = palloc(sizeof(Datum) * total);
	foreach(cell, losses)
	{
		ForeignLoss *loss = lfirst(cell);
		Datum		tid = PointerGetDatum(&loss->tid);
		int			i;

		all.tids[all.count++] = tid;
		if (loss->count == 0)
			gone.tids[gone.count++] = tid;
		for (i = loss->count - 1; i >= 0; i--)
		{
			RowArrays  *rows = i == loss->count - 1 ? &shorter : &further;

			rows->tids[rows->count] = tid;
			rows->periods[rows->count++] = kept_period(check, &loss->kept[i]);
		}
	}

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(relation->rd_rel->relowner,
						   security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	locked = lock_children(check, child, &all);
	if (locked)
		change_children(check, child, &gone, &shorter, &further);
	SetUserIdAndSecContext(user, security);
	SPI_finish();
	return locked;
}

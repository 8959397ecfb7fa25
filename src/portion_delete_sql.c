/*-------------------------------------------------------------------------
 *
 * portion_delete_sql.c
 *	  Portions of time handed to merge, and temporal.delete_portion().
 *
 * IDENTIFICATION
 *	  src/portion_delete_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "portion.h"

PG_FUNCTION_INFO_V1(statbus_delete_portion);
PG_FUNCTION_INFO_V1(statbus_delete_portion_days);

static char *period_column(Oid relid);
static void read_identity(const PortionTable *table, Jsonb *identity, TupleDesc desc, Datum *values);
static char *slices_query(const PortionTable *table, TupleDesc desc);
static int64 count_slices(const PortionTable *table, TupleDesc desc, Datum *values);
static int64 delete_portion(Oid relid, Jsonb *identity, Oid range_type, const SbInterval *portion);

/*
 * Merge collected portions: rows to delete, or rows that say which columns
 * they give.  Raises 22023 for what merge calls an ERROR.
 */
void
portion_merge(const PortionTable *table, List *ephemeral, bool deletes,
			  TupleDesc desc, Tuplestorestate *rows, int64 count)
{
	TemporalMergeCall call = {0};
	TemporalMergeOutcome outcome = {0};

	call.target = table->relid;
	call.source = "temporal_portion";
	call.source_desc = desc;
	call.source_rows = rows;
	call.source_count = (double) count;
	call.identity = table->identity;
	call.mode = deletes ? DELETE_FOR_PORTION_OF : UPDATE_FOR_PORTION_OF;
	call.delete_mode = MERGE_DELETE_NONE;
	call.period = table->period;
	call.row_id = "temporal row";
	call.ephemeral = ephemeral;
	call.given = deletes ? NULL : "temporal given";
	temporal_merge(&call, NULL, NULL, &outcome);
	if (outcome.rows[MERGE_ERROR] > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s", outcome.first_error)));
}

/*
 * temporal.delete_portion(table_name regclass, identity jsonb, portion anyrange) → bigint
 */
Datum
statbus_delete_portion(PG_FUNCTION_ARGS)
{
	Oid			range_type = get_fn_expr_argtype(fcinfo->flinfo, 2);
	const PeriodType *type;
	SbInterval	portion;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("table, identity and portion must not be NULL")));
	type = period_type(getBaseType(range_type));
	if (!period_cuts(type, PG_GETARG_DATUM(2), &portion))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the portion of time is empty")));
	PG_RETURN_INT64(delete_portion(PG_GETARG_OID(0), PG_GETARG_JSONB_P(1), type->range_type, &portion));
}

/*
 * temporal.delete_portion(table_name regclass, identity jsonb, valid_from date, valid_until date) → bigint
 */
Datum
statbus_delete_portion_days(PG_FUNCTION_ARGS)
{
	const PeriodType *type = period_type(DATERANGEOID);
	SbInterval	portion;

	for (int i = 0; i < 4; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("table, identity, valid_from and valid_until must not be NULL")));
	portion = period_from_points(type, PG_GETARG_DATUM(2), false, PG_GETARG_DATUM(3), false);
	if (PG_GETARG_DATEADT(2) >= PG_GETARG_DATEADT(3))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the portion of time is empty")));
	PG_RETURN_INT64(delete_portion(PG_GETARG_OID(0), PG_GETARG_JSONB_P(1), type->range_type, &portion));
}

/* The period of a table, as temporal.portion_period() finds it. */
static char *
period_column(Oid relid)
{
	static SPIPlanPtr plan = NULL;
	MemoryContext caller = CurrentMemoryContext;
	Datum		value = ObjectIdGetDatum(relid);
	Datum		found;
	bool		is_null;
	char	   *result;

	SPI_connect();
	if (plan == NULL)
	{
		Oid			type = OIDOID;
		SPIPlanPtr	made = SPI_prepare("SELECT temporal.portion_period($1::pg_catalog.regclass)", 1, &type);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare the query for a table's period");
		plan = made;
	}
	if (SPI_execute_plan(plan, &value, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not read the period of relation %u", relid);
	found = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
	if (is_null)
		elog(ERROR, "relation %u has no period", relid);
	result = MemoryContextStrdup(caller, NameStr(*DatumGetName(found)));
	SPI_finish();
	return result;
}

/* The values of the identity, in the types that the description says. */
static void
read_identity(const PortionTable *table, Jsonb *identity, TupleDesc desc, Datum *values)
{
	int			count = list_length(table->identity);
	bool		complete = JB_ROOT_IS_OBJECT(identity) && (int) JB_ROOT_COUNT(identity) == count;
	StringInfoData names;
	int			i = 0;
	ListCell   *cell;

	initStringInfo(&names);
	foreach(cell, table->identity)
	{
		const char *name = lfirst(cell);
		Form_pg_attribute attribute = TupleDescAttr(desc, PORTION_GIVEN + i);
		Oid			input;
		Oid			parameter;
		JsonbValue *value = NULL;
		JsonbValue	buffer;

		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", name);
		if (complete)
			value = getKeyJsonValueFromContainer(&identity->root, name, strlen(name), &buffer);
		complete = value != NULL && value->type != jbvNull;
		if (complete)
		{
			LOCAL_FCINFO(fcinfo, 2);
			Datum		written;

			/* identity ->> name */
			InitFunctionCallInfoData(*fcinfo, NULL, 2, InvalidOid, NULL, NULL);
			fcinfo->args[0].value = JsonbPGetDatum(identity);
			fcinfo->args[0].isnull = false;
			fcinfo->args[1].value = CStringGetTextDatum(name);
			fcinfo->args[1].isnull = false;
			written = jsonb_object_field_text(fcinfo);
			getTypeInputInfo(attribute->atttypid, &input, &parameter);
			values[PORTION_GIVEN + i] = OidInputFunctionCall(input, TextDatumGetCString(written), parameter,
															 attribute->atttypmod);
		}
		i++;
	}
	if (!complete)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("identity must give exactly the columns (%s)", names.data)));
}

/* The slices of an entity in a portion: $1 is the portion, then comes the identity. */
static char *
slices_query(const PortionTable *table, TupleDesc desc)
{
	StringInfoData query;
	int			i = 0;
	ListCell   *cell;

	initStringInfo(&query);
	appendStringInfo(&query, "FROM %s AS t WHERE t.%s OPERATOR(pg_catalog.&&) $1",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(table->relid)),
												get_rel_name(table->relid)),
					 quote_identifier(table->period));
	foreach(cell, table->identity)
	{
		Oid			type = TupleDescAttr(desc, PORTION_GIVEN + i)->atttypid;
		TypeCacheEntry *cache = lookup_type_cache(type, TYPECACHE_EQ_OPR);
		HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(cache->eq_opr));
		Form_pg_operator form;

		if (!HeapTupleIsValid(tuple))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_FUNCTION),
					 errmsg("could not identify an equality operator for type %s", format_type_be(type))));
		form = (Form_pg_operator) GETSTRUCT(tuple);
		appendStringInfo(&query, " AND t.%s OPERATOR(%s.%s) $%d", quote_identifier(lfirst(cell)),
						 quote_identifier(get_namespace_name(form->oprnamespace)), NameStr(form->oprname), i + 2);
		ReleaseSysCache(tuple);
		i++;
	}
	return query.data;
}

/* How many slices an entity has in a portion, once nobody else changes them. */
static int64
count_slices(const PortionTable *table, TupleDesc desc, Datum *values)
{
	char	   *query = slices_query(table, desc);
	int			count = list_length(table->identity) + 1;
	Oid		   *types = palloc(sizeof(Oid) * count);
	Datum	   *parameters = palloc(sizeof(Datum) * count);
	bool		is_null;
	int64		result;

	for (int i = 0; i < count; i++)
	{
		types[i] = TupleDescAttr(desc, i + 1)->atttypid;
		parameters[i] = values[i + 1];
	}
	SPI_connect();
	if (SPI_execute_with_args(psprintf("SELECT %s FOR UPDATE OF t", query), count, types, parameters,
							  NULL, false, 0) != SPI_OK_SELECT ||
		SPI_execute_with_args(psprintf("SELECT pg_catalog.count(*) %s", query), count, types, parameters,
							  NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the slices of relation %u", table->relid);
	result = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	SPI_finish();
	return result;
}

/* Take a portion out of an entity's time; returns how many slices it had there. */
static int64
delete_portion(Oid relid, Jsonb *identity, Oid range_type, const SbInterval *portion)
{
	PortionTable table;
	TupleDesc	desc;
	Datum	   *values;
	bool	   *nulls;
	Tuplestorestate *rows;
	int			natts;
	int64		result;
	ListCell   *cell;

	portion_read_table(&table, relid, period_column(relid));
	if (table.type->range_type != range_type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the portion of time is of type %s, but period \"%s\" of relation \"%s\" is of type %s",
						format_type_be(range_type), table.period, get_rel_name(relid),
						format_type_be(table.type->range_type))));

	desc = CreateTemplateTupleDesc(PORTION_GIVEN + list_length(table.identity));
	TupleDescInitEntry(desc, PORTION_ROW + 1, "temporal row", INT8OID, -1, 0);
	TupleDescInitEntry(desc, PORTION_PERIOD + 1, table.period, range_type, -1, 0);
	natts = PORTION_GIVEN;
	foreach(cell, table.identity)
	{
		AttrNumber	attnum = get_attnum(relid, lfirst(cell));
		Oid			type;
		int32		typmod;
		Oid			collation;

		get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
		TupleDescInitEntry(desc, ++natts, lfirst(cell), type, typmod, 0);
		TupleDescInitEntryCollation(desc, natts, collation);
	}
	values = palloc0(sizeof(Datum) * natts);
	nulls = palloc0(sizeof(bool) * natts);
	values[PORTION_ROW] = Int64GetDatum(1);
	values[PORTION_PERIOD] = period_range(table.type, portion);
	read_identity(&table, identity, desc, values);

	result = count_slices(&table, desc, values);
	if (result > 0)
	{
		rows = tuplestore_begin_heap(false, false, work_mem);
		tuplestore_putvalues(rows, desc, values, nulls);
		portion_merge(&table, NIL, true, desc, rows, 1);
		tuplestore_end(rows);
	}
	return result;
}

/*-------------------------------------------------------------------------
 *
 * row_triggers_sql.c
 *	  Triggers that complete a row before it is written.
 *
 * What they read of the code lists is kept for the statement that fires them.
 *
 * IDENTIFICATION
 *	  src/row_triggers_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "statbus.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "auth.h"

/* What a code list says of a key, for as long as the statement runs. */
typedef struct RowLookup
{
	int32		id;				/* the key: first */
	bool		found;
	int			ncolumns;
	Datum		values[4];
	bool		nulls[4];
} RowLookup;

static TriggerData *trigger_data(FunctionCallInfo fcinfo);
static int	column_of(const TriggerData *data, const char *name);
static Datum value_of(const TriggerData *data, HeapTuple row, const char *name, bool *is_null);
static HeapTuple with_columns(const TriggerData *data, HeapTuple row, int count, const char *const *names,
							  Datum *values, bool *nulls);
static bool has_columns(const TriggerData *data, HeapTuple row, int count, const char *const *names,
						const Datum *values, const bool *nulls);
static RowLookup *look_up(FunctionCallInfo fcinfo, const char *query, int32 id);
static bool says_otherwise(const TriggerData *data);
static HeapTuple without_origin(const TriggerData *data, HeapTuple row);

/* The call of a BEFORE ROW trigger. */
static TriggerData *
trigger_data(FunctionCallInfo fcinfo)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(data->tg_event) || !TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		!(TRIGGER_FIRED_BY_INSERT(data->tg_event) || TRIGGER_FIRED_BY_UPDATE(data->tg_event)))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired BEFORE INSERT or UPDATE FOR EACH ROW",
						"statbus row trigger")));
	return data;
}

/* The number of a column of the table that fires. */
static int
column_of(const TriggerData *data, const char *name)
{
	int			number = SPI_fnumber(RelationGetDescr(data->tg_relation), name);

	if (number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table \"%s\" has no column \"%s\"", RelationGetRelationName(data->tg_relation), name)));
	return number;
}

/* A column of a row of the table that fires. */
static Datum
value_of(const TriggerData *data, HeapTuple row, const char *name, bool *is_null)
{
	return statbus_getattr(row, column_of(data, name), RelationGetDescr(data->tg_relation), is_null);
}

/* The row with other values. */
static HeapTuple
with_columns(const TriggerData *data, HeapTuple row, int count, const char *const *names,
			 Datum *values, bool *nulls)
{
	int			columns[4];

	for (int i = 0; i < count; i++)
		columns[i] = column_of(data, names[i]);
	return heap_modify_tuple_by_cols(row, RelationGetDescr(data->tg_relation), count, columns, values, nulls);
}

/* Does the row have these values, byte by byte? */
static bool
has_columns(const TriggerData *data, HeapTuple row, int count, const char *const *names,
			const Datum *values, const bool *nulls)
{
	for (int i = 0; i < count; i++)
	{
		int			number = column_of(data, names[i]);
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(data->tg_relation), number - 1);
		bool		is_null;
		Datum		value = statbus_getattr(row, number, RelationGetDescr(data->tg_relation), &is_null);

		if (is_null != nulls[i] || (!is_null && !datum_image_eq(value, values[i], column->attbyval, column->attlen)))
			return false;
	}
	return true;
}

/* The row of a code list, found by a query with its id as parameter; asked once per statement. */
static RowLookup *
look_up(FunctionCallInfo fcinfo, const char *query, int32 id)
{
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	RowLookup  *entry;
	bool		found;
	Oid			type = INT4OID;
	Datum		parameter = Int32GetDatum(id);
	int			result;

	if (fcinfo->flinfo->fn_extra == NULL)
	{
		HASHCTL		layout = {.keysize = sizeof(int32), .entrysize = sizeof(RowLookup), .hcxt = context};

		fcinfo->flinfo->fn_extra = hash_create("codes of a statement", 64, &layout, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	entry = hash_search((HTAB *) fcinfo->flinfo->fn_extra, &id, HASH_FIND, NULL);
	if (entry != NULL)
		return entry;
	SPI_connect();
	result = SPI_execute_with_args(query, 1, &type, &parameter, NULL, false, 1);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(result));
	entry = hash_search((HTAB *) fcinfo->flinfo->fn_extra, &id, HASH_ENTER, &found);
	entry->found = SPI_processed > 0;
	entry->ncolumns = SPI_tuptable->tupdesc->natts;
	for (int i = 0; entry->found && i < entry->ncolumns && i < (int) lengthof(entry->values); i++)
	{
		Form_pg_attribute column = TupleDescAttr(SPI_tuptable->tupdesc, i);

		entry->values[i] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &entry->nulls[i]);
		if (!entry->nulls[i])
		{
			MemoryContext before = MemoryContextSwitchTo(context);

			entry->values[i] = datumCopy(entry->values[i], column->attbyval, column->attlen);
			MemoryContextSwitchTo(before);
		}
	}
	SPI_finish();
	return entry;
}

/*
 * Trigger register.location_set_region_version(): region_version_id is the
 * version of region_id, also where a stale one is given.
 */
PG_FUNCTION_INFO_V1(statbus_location_set_region_version);
Datum
statbus_location_set_region_version(PG_FUNCTION_ARGS)
{
	static const char *const column = "region_version_id";
	TriggerData *data = trigger_data(fcinfo);
	HeapTuple	row = TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
	Datum		version = (Datum) 0;
	bool		no_version = true;
	bool		is_null;
	Datum		region = value_of(data, row, "region_id", &is_null);
	Datum		before;

	if (!is_null)
	{
		RowLookup  *found = look_up(fcinfo, "SELECT r.version_id FROM register.region AS r WHERE r.id OPERATOR(pg_catalog.=) $1",
									DatumGetInt32(region));

		if (!found->found)
			ereport(ERROR,
					(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
					 errmsg("region with id %d does not exist", DatumGetInt32(region)),
					 errtableconstraint(data->tg_relation, "location_region_id_fkey")));
		version = found->values[0];
		no_version = found->nulls[0];
	}
	before = value_of(data, row, column, &is_null);
	if (is_null == no_version && (is_null || DatumGetInt32(before) == DatumGetInt32(version)))
		return PointerGetDatum(row);
	return PointerGetDatum(with_columns(data, row, 1, &column, &version, &no_version));
}

/*
 * Trigger register.external_ident_set_shape(): shape and labels are those of
 * the type, and the field of the other shape is refused.
 */
PG_FUNCTION_INFO_V1(statbus_external_ident_set_shape);
Datum
statbus_external_ident_set_shape(PG_FUNCTION_ARGS)
{
	static const char *const columns[] = {"shape", "labels"};
	TriggerData *data = trigger_data(fcinfo);
	HeapTuple	row = TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
	bool		no_ident;
	bool		no_idents;
	bool		is_null;
	int32		type = DatumGetInt32(value_of(data, row, "type_id", &is_null));
	RowLookup  *found;

	(void) value_of(data, row, "ident", &no_ident);
	(void) value_of(data, row, "idents", &no_idents);
	found = look_up(fcinfo, "SELECT t.shape, t.labels, t.code, t.labels IS NOT NULL FROM register.external_ident_type AS t"
					" WHERE t.id OPERATOR(pg_catalog.=) $1", type);
	if (!found->found)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("identifier type with id %d does not exist", type),
				 errtableconstraint(data->tg_relation, "external_ident_type_id_fkey")));
	if (!DatumGetBool(found->values[3]) && (no_ident || !no_idents))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("identifier type \"%s\" is regular: \"ident\" must be given, and \"idents\" must not",
						TextDatumGetCString(found->values[2])),
				 errtableconstraint(data->tg_relation, "external_ident_shape_check")));
	if (DatumGetBool(found->values[3]) && (no_idents || !no_ident))
	{
		Oid			output;
		bool		is_varlena;

		getTypeOutputInfo(TupleDescAttr(RelationGetDescr(data->tg_relation), column_of(data, "labels") - 1)->atttypid,
						  &output, &is_varlena);
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("identifier type \"%s\" is hierarchical: \"idents\" must be given, and \"ident\" must not",
						TextDatumGetCString(found->values[2])),
				 errhint("Its components are %s.", OidOutputFunctionCall(output, found->values[1])),
				 errtableconstraint(data->tg_relation, "external_ident_shape_check")));
	}
	if (has_columns(data, row, 2, columns, found->values, found->nulls))
		return PointerGetDatum(row);
	return PointerGetDatum(with_columns(data, row, 2, columns, found->values, found->nulls));
}

/*
 * Is what a row says of its unit other than before?  When it holds, who edited
 * it and where it came from are not part of that.
 */
static bool
says_otherwise(const TriggerData *data)
{
	static const char *const others[] = {"valid_from", "valid_until", "edit_comment", "edit_by_user_id", "edit_at",
	"import_job_id", "import_source_line"};
	TupleDesc	desc = RelationGetDescr(data->tg_relation);
	Datum	   *values = palloc(sizeof(Datum) * desc->natts * 2);
	bool	   *nulls = palloc(sizeof(bool) * desc->natts * 2);
	bool		result = false;

	heap_deform_tuple(data->tg_trigtuple, desc, values, nulls);
	heap_deform_tuple(data->tg_newtuple, desc, values + desc->natts, nulls + desc->natts);
	for (int i = 0; i < desc->natts && !result; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		int			new = desc->natts + i;
		bool		counts = true;

		if (column->attisdropped || column->attgenerated != '\0' ||
			(nulls[i] ? nulls[new] : !nulls[new] && datum_image_eq(values[i], values[new], column->attbyval, column->attlen)))
			continue;
		for (int j = 0; j < (int) lengthof(others); j++)
			counts = counts && strcmp(NameStr(column->attname), others[j]) != 0;
		result = counts;
	}
	pfree(values);
	pfree(nulls);
	return result;
}

/*
 * The row of an update, which came from a file and says otherwise now: no file
 * says so.  What is left of a slice that was cut still says what it did, and
 * what an import job writes tells its own origin.
 */
static HeapTuple
without_origin(const TriggerData *data, HeapTuple row)
{
	static const char *const columns[] = {"import_job_id", "import_source_line"};
	TupleDesc	desc = RelationGetDescr(data->tg_relation);
	int			number = SPI_fnumber(desc, columns[0]);
	Datum		values[2] = {0};
	bool		nulls[2] = {true, true};
	bool		was_null;
	bool		is_null;
	int32		was;
	int32		is;

	if (statbus_import_job != 0 || number <= 0)
		return row;
	was = DatumGetInt32(statbus_getattr(data->tg_trigtuple, number, desc, &was_null));
	is = DatumGetInt32(statbus_getattr(row, number, desc, &is_null));
	if (was_null || is_null || was != is || !says_otherwise(data))
		return row;
	return with_columns(data, row, 2, columns, values, nulls);
}

/*
 * Trigger auth.sign_edit(): an update is signed by the current user, now,
 * unless it says otherwise; a copy of an earlier row by whoever copies it.
 */
PG_FUNCTION_INFO_V1(statbus_auth_sign_edit);
Datum
statbus_auth_sign_edit(PG_FUNCTION_ARGS)
{
	static const char *const columns[] = {"edit_by_user_id", "edit_at"};
	TriggerData *data = trigger_data(fcinfo);
	bool		updates = TRIGGER_FIRED_BY_UPDATE(data->tg_event);
	HeapTuple	row = updates ? data->tg_newtuple : data->tg_trigtuple;
	int32		user_id;
	bool		is_admin = statbus_is_admin(&user_id);
	TimestampTz now = GetCurrentStatementStartTimestamp();
	Datum		values[2];
	bool		nulls[2];
	Datum		old_user;
	TimestampTz old_at;
	bool		is_null;
	bool		changes = false;

	/*
	 * A row that carries another time of edit is a copy: what is left of a
	 * slice that was split.
	 */
	if (!updates)
	{
		if (is_admin)
			return PointerGetDatum(row);
		values[0] = Int32GetDatum(user_id);
		nulls[0] = user_id == 0;
		values[1] = TimestampTzGetDatum(now);
		nulls[1] = false;
		return PointerGetDatum(with_columns(data, row, 2, columns, values, nulls));
	}

	/*
	 * Another one's signature of an earlier time is a copy too: two slices
	 * were joined, and the last one's is left.
	 */
	for (int i = 0; i < 2; i++)
		values[i] = value_of(data, row, columns[i], &nulls[i]);
	old_user = value_of(data, data->tg_trigtuple, columns[0], &is_null);
	old_at = DatumGetTimestampTz(value_of(data, data->tg_trigtuple, columns[1], &is_null));
	if ((!nulls[0] && values[0] == old_user) ||
		(!nulls[1] && DatumGetTimestampTz(values[1]) != old_at && DatumGetTimestampTz(values[1]) < now && !is_admin))
	{
		if (!nulls[0] && values[0] != old_user)
		{
			values[1] = TimestampTzGetDatum(now);
			nulls[1] = false;
		}
		values[0] = Int32GetDatum(user_id);
		nulls[0] = user_id == 0;
		changes = true;
	}
	if (!nulls[1] && (DatumGetTimestampTz(values[1]) == old_at || DatumGetTimestampTz(values[1]) > GetCurrentTimestamp()))
	{
		values[1] = TimestampTzGetDatum(now);
		changes = true;
	}
	if (changes)
		row = with_columns(data, row, 2, columns, values, nulls);
	return PointerGetDatum(without_origin(data, row));
}

/*-------------------------------------------------------------------------
 *
 * auth_tries_sql.c
 *	  Logins that were rolled back.
 *
 * A failed login is counted by the transaction that it fails in.  Who has that
 * transaction fail afterwards, over HTTP with a cast of the result that
 * cannot succeed, takes the count back with it and could guess for ever.
 *
 * So each login first inserts a row into auth.login_try.  When its transaction
 * is rolled back, the row is still there on its page, for nobody to see but us,
 * until VACUUM removes it.  That the table only grows keeps the server from
 * tidying its pages before.
 *
 * IDENTIFICATION
 *	  src/auth_tries_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/procarray.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "statbus.h"

/* Columns of auth.login_try: step 0016. */
#define LOGIN_TRY_SUBJECT 1
#define LOGIN_TRY_AT 2

PG_FUNCTION_INFO_V1(statbus_auth_rolled_back_tries);

static Relation open_tries(void);
static bool was_rolled_back(HeapTuple tuple);
static bool is_about(Relation table, HeapTuple tuple, text *subject, TimestampTz since, TimestampTz *at);

/*
 * auth.rolled_back_tries(subject text, since timestamptz) → (tries integer,
 * last_at timestamptz): logins of a subject after a time whose transactions
 * were rolled back, and the time of the last; 0 and -infinity when there is
 * none.
 */
Datum
statbus_auth_rolled_back_tries(PG_FUNCTION_ARGS)
{
	text	   *subject = PG_GETARG_TEXT_PP(0);
	TimestampTz since = PG_GETARG_TIMESTAMPTZ(1);
	TimestampTz last_at = DT_NOBEGIN;
	int32		tries = 0;
	TupleDesc	result;
	Datum		values[2];
	bool		nulls[2] = {false, false};
	Relation	table;
	TableScanDesc scan;
	HeapTuple	tuple;

	if (get_call_result_type(fcinfo, NULL, &result) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	table = open_tries();
	scan = table_beginscan_strat(table, SnapshotAny, 0, NULL, true, false);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		TimestampTz at;

		CHECK_FOR_INTERRUPTS();
		if (!is_about(table, tuple, subject, since, &at) || !was_rolled_back(tuple))
			continue;
		tries++;
		last_at = Max(last_at, at);
	}
	table_endscan(scan);
	table_close(table, AccessShareLock);

	values[0] = Int32GetDatum(tries);
	values[1] = TimestampTzGetDatum(last_at);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(result), values, nulls)));
}

/* The table auth.login_try, for reading. */
static Relation
open_tries(void)
{
	Oid			table = get_relname_relid("login_try", get_namespace_oid("auth", false));

	if (!OidIsValid(table))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the register is not up to date with the extension"),
				 errhint("Run CALL statbus.migrate().")));
	return table_open(table, AccessShareLock);
}

/* Whether the transaction that inserted a row has ended without a commit. */
static bool
was_rolled_back(HeapTuple tuple)
{
	TransactionId xmin = HeapTupleHeaderGetRawXmin(tuple->t_data);

	if (HeapTupleHeaderXminCommitted(tuple->t_data))
		return false;
	if (HeapTupleHeaderXminInvalid(tuple->t_data))
		return true;

	/*
	 * In this order: a transaction that commits is first recorded, then no
	 * longer in progress.
	 */
	return !TransactionIdIsCurrentTransactionId(xmin) && !TransactionIdIsInProgress(xmin) && !TransactionIdDidCommit(xmin);
}

/* Whether a row is about a subject and later than a time, which goes into *at. */
static bool
is_about(Relation table, HeapTuple tuple, text *subject, TimestampTz since, TimestampTz *at)
{
	bool		is_null;
	Datum		value;
	text	   *stored;

	value = statbus_getattr(tuple, LOGIN_TRY_AT, RelationGetDescr(table), &is_null);
	if (is_null || DatumGetTimestampTz(value) <= since)
		return false;
	*at = DatumGetTimestampTz(value);

	value = statbus_getattr(tuple, LOGIN_TRY_SUBJECT, RelationGetDescr(table), &is_null);
	if (is_null)
		return false;

	/*
	 * A value is too short to be stored apart, where what was rolled back
	 * could be gone already.
	 */
	stored = DatumGetTextPP(value);
	return VARSIZE_ANY_EXHDR(stored) == VARSIZE_ANY_EXHDR(subject)
		&& memcmp(VARDATA_ANY(stored), VARDATA_ANY(subject), VARSIZE_ANY_EXHDR(subject)) == 0;
}

/*-------------------------------------------------------------------------
 *
 * statbus.h
 *	  What all files that talk to PostgreSQL share.
 *
 * Version differences of the server are levelled here and nowhere else: the
 * code uses the newest name, and this file maps it to the older one.
 *
 * IDENTIFICATION
 *	  src/statbus.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_H
#define STATBUS_H

#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"

#if PG_VERSION_NUM < 150000
#error "statbus needs PostgreSQL 15 or newer"
#endif

/* TOAST macros have a header of their own from 16 on. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 18 counts what an index scan does, for EXPLAIN only. */
#if PG_VERSION_NUM >= 180000
#define statbus_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0)
#else
#define statbus_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, nkeys, 0)
#endif

/* 16 can leave out all but summarizing indexes, which an insert never does. */
#if PG_VERSION_NUM >= 160000
#define statbus_insert_index_tuples(result, slot, estate) \
	ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL, false)
#else
#define statbus_insert_index_tuples(result, slot, estate) \
	ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL)
#endif

/* Until 18 one says that a query is run once. */
#if PG_VERSION_NUM >= 180000
#define statbus_executor_run(query, direction, count) ExecutorRun(query, direction, count)
#else
#define statbus_executor_run(query, direction, count) ExecutorRun(query, direction, count, true)
#endif

/* 18 puts it before the function. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* The transaction manager's shared variables had another name before 17. */
#if PG_VERSION_NUM < 170000
#define TransamVariables ShmemVariableCache
#endif

/* Since 16 what is written to a temporary file may be const, and a sort can give without a copy. */
#if PG_VERSION_NUM >= 160000
#define statbus_buffile_write(file, data, len) BufFileWrite(file, data, len)
#define statbus_tuplesort_getdatum(sort, value, is_null) tuplesort_getdatum(sort, true, true, value, is_null, NULL)
#else
#define statbus_buffile_write(file, data, len) BufFileWrite(file, unconstify(char *, data), len)
#define statbus_tuplesort_getdatum(sort, value, is_null) tuplesort_getdatum(sort, true, value, is_null, NULL)
#endif

/* One function checks the owner of any object from 16 on. */
#if PG_VERSION_NUM < 160000
#define object_ownercheck(classid, objectid, roleid) pg_class_ownercheck(objectid, roleid)
#endif

/* The sessions of the server are listed by a function of another name before 16. */
#if PG_VERSION_NUM < 160000
#define pgstat_get_local_beentry_by_index(index) pgstat_fetch_stat_local_beentry(index)
#endif

/*
 * A column of a row of a table.  The newest minor versions of the server inline a call of a function into heap_getattr()
 * that older ones do not have: a library built with it would not load there.  It is for composite values.
 */
static inline Datum
statbus_getattr(HeapTuple row, int number, TupleDesc columns, bool *is_null)
{
	if (number > (int) HeapTupleHeaderGetNatts(row->t_data))
		return getmissingattr(columns, number, is_null);
	return fastgetattr(row, number, columns, is_null);
}

#pragma GCC poison heap_getattr

/* Where derived data is brought up to date: GUC statbus.derive. */
typedef enum StatbusDerive
{
	STATBUS_DERIVE_IMMEDIATE,
	STATBUS_DERIVE_DEFERRED
} StatbusDerive;

extern int	statbus_derive;
extern int	statbus_derive_immediate_limit;
extern int	statbus_import_job;
extern int	statbus_upload_limit;

/* The audience of tokens: GUC statbus.jwt_audience. */
extern char *statbus_jwt_audience;

extern bool statbus_current_date(int32 *day);

#endif							/* STATBUS_H */

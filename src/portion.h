/*-------------------------------------------------------------------------
 *
 * portion.h
 *	  Portions of time: what the triggers of portion views and
 *	  temporal.delete_portion() share.
 *
 * IDENTIFICATION
 *	  src/portion.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_PORTION_H
#define STATBUS_PORTION_H

#include "statbus.h"

#include "nodes/pg_list.h"
#include "utils/rel.h"

#include "merge.h"
#include "period.h"

/* The collected rows have these columns, then the identity, then the data. */
#define PORTION_ROW			0
#define PORTION_PERIOD		1
#define PORTION_GIVEN		2	/* not in rows to delete */

/* What a column of a portion view is. */
typedef enum PortionRole
{
	PORTION_ROLE_DATA,
	PORTION_ROLE_IDENTITY,
	PORTION_ROLE_PERIOD,
	PORTION_ROLE_FROM,
	PORTION_ROLE_UNTIL,
	PORTION_ROLE_TO,			/* the last point: until - 1 */
	PORTION_ROLE_GENERATED,
	PORTION_ROLE_OTHER			/* not a column of the table */
} PortionRole;

typedef struct PortionColumn
{
	PortionRole role;
	AttrNumber	attnum;			/* of the table, as it is called there now */
	int			place;			/* data: in the collected rows */
	int16		typlen;
	bool		typbyval;
} PortionColumn;

/* A table whose rows have a period and an identity. */
typedef struct PortionTable
{
	Oid			relid;
	const PeriodType *type;
	char	   *period;
	char	   *from;			/* the columns the period is generated from,
								 * or NULL */
	char	   *until;
	List	   *identity;		/* of char * */
} PortionTable;

/* A portion view; columns are counted from 0, -1 is none. */
typedef struct PortionView
{
	PortionTable table;
	int			ncolumns;
	PortionColumn *columns;
	int			period;
	int			from;
	int			until;
	int			to;
	bool		from_not_null;
	bool		until_not_null;
	int			nids;
	int		   *ids;			/* the identity's columns, in its order */
	List	   *ephemeral;		/* of char * */
	TupleDesc	collected;
} PortionView;

extern void portion_read_table(PortionTable *table, Oid relid, const char *period);
extern PortionView *portion_read_view(Relation view, const char *period, const char *ephemeral, bool deletes);
extern void portion_merge(const PortionTable *table, List *ephemeral, bool deletes,
						  TupleDesc desc, Tuplestorestate *rows, int64 count);

#endif							/* STATBUS_PORTION_H */

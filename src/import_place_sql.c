/*-------------------------------------------------------------------------
 *
 * import_place_sql.c
 *	  The order of the rows of a file that came by COPY.
 *
 * The server puts a row where there is room, also on a page that it had left
 * because a longer row did not fit: positions in a table are not the order in
 * which rows came.
 *
 * IDENTIFICATION
 *	  src/import_place_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "statbus.h"

#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(statbus_import_place_in_file);

/*
 * import.place_in_file(cell text) → bigint: 1 for the first row of a
 * statement, 2 for the next.  A statement that inserts prepares the
 * expressions of generated columns once, and computes them row by row.
 */
Datum
statbus_import_place_in_file(PG_FUNCTION_ARGS)
{
	int64	   *place = fcinfo->flinfo->fn_extra;

	if (place == NULL)
	{
		place = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(int64));
		fcinfo->flinfo->fn_extra = place;
	}
	PG_RETURN_INT64(++*place);
}

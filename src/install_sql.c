/*-------------------------------------------------------------------------
 *
 * install_sql.c
 *		What the install script needs and SQL cannot say.
 *
 * A register's tables must not be members of the extension: pg_dump would
 * leave out their policies, triggers and user-added columns.  They are built
 * by statbus.migrate(), which runs inside CREATE EXTENSION and inside ALTER
 * EXTENSION UPDATE, where the server makes every new object a member and
 * refuses to replace an object that is not one.  execute_unowned() runs SQL
 * with that rule off, so that one text builds and rebuilds the same objects
 * in an install, in an update and in a plain CALL.
 *
 * IDENTIFICATION
 *	  src/install_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "statbus.h"

/*
 * statbus_execute_unowned(sql text) → void
 *
 * Runs one or more statements; what they create belongs to no extension.
 * Superusers only, as the caller is the install script or migrate().
 */
PG_FUNCTION_INFO_V1(statbus_execute_unowned);
Datum
statbus_execute_unowned(PG_FUNCTION_ARGS)
{
	char	   *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bool		saved_creating_extension = creating_extension;

	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to run a migration of statbus"),
				 errhint("Connect as a superuser.")));

	SPI_connect();

	/*
	 * An error must give the flag back, or the rest of a script that caught
	 * it would create objects outside the extension.
	 */
	creating_extension = false;
	PG_TRY();
	{
		int			result = SPI_execute(sql, false, 0);

		if (result < 0)
			elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
	}
	PG_FINALLY();
	{
		creating_extension = saved_creating_extension;
	}
	PG_END_TRY();

	SPI_finish();
	PG_RETURN_VOID();
}

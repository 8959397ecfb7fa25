/*-------------------------------------------------------------------------
 *
 * statbus.c
 *	  The module itself: magic block, settings, start.
 *
 * IDENTIFICATION
 *	  src/statbus.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "parse.h"
#include "statbus.h"

#ifdef PG_MODULE_MAGIC_EXT
#ifdef STATBUS_VERSION
PG_MODULE_MAGIC_EXT(.name = "statbus",.version = STATBUS_VERSION);
#else
PG_MODULE_MAGIC_EXT(.name = "statbus");
#endif
#else
PG_MODULE_MAGIC;
#endif

/* Settings */
int			statbus_derive = STATBUS_DERIVE_IMMEDIATE;
int			statbus_derive_immediate_limit = 1000;

static char *current_date_setting = NULL;

/* What current_date_setting means; kept by its assign hook. */
static bool current_date_is_set = false;
static int32 current_date_day = 0;

static const struct config_enum_entry derive_options[] = {
	{"immediate", STATBUS_DERIVE_IMMEDIATE, false},
	{"deferred", STATBUS_DERIVE_DEFERRED, false},
	{NULL, 0, false}
};

void		_PG_init(void);

static bool read_current_date(const char *setting, SbDate *date);
static bool check_current_date(char **newval, void **extra, GucSource source);
static void assign_current_date(const char *newval, void *extra);

/*
 * Define the settings.  No worker is started and no hook is taken here, so
 * nothing needs to be left out in a binary upgrade.
 */
void
_PG_init(void)
{
	DefineCustomStringVariable("statbus.current_date",
							   "The day that statbus takes for today.",
							   "A date as YYYY-MM-DD.  When empty, today is the current date of the transaction.",
							   &current_date_setting,
							   "",
							   PGC_USERSET,
							   0,
							   check_current_date,
							   assign_current_date,
							   NULL);

	DefineCustomEnumVariable("statbus.derive",
							 "When derived data follows a change of base data.",
							 "At the end of the transaction, or by a task of the worker.",
							 &statbus_derive,
							 STATBUS_DERIVE_IMMEDIATE,
							 derive_options,
							 PGC_USERSET,
							 0,
							 NULL,
							 NULL,
							 NULL);

	DefineCustomIntVariable("statbus.derive_immediate_limit",
							"The most changed units derived at the end of a transaction.",
							"A transaction that changes more leaves them to a task of the worker.",
							&statbus_derive_immediate_limit,
							1000,
							0,
							INT_MAX,
							PGC_USERSET,
							0,
							NULL,
							NULL,
							NULL);

	MarkGUCPrefixReserved("statbus");
}

/*
 * The day of GUC statbus.current_date, in days since 2000-01-01, as DateADT.
 * False when the setting is empty.
 */
bool
statbus_current_date(int32 *day)
{
	*day = current_date_day;
	return current_date_is_set;
}

/*
 * Read a setting of statbus.current_date.  True when it is one finite day
 * without a time of day.
 */
static bool
read_current_date(const char *setting, SbDate *date)
{
	static const SbDateFormat format = SB_FORMAT_YYYY_MM_DD;

	return sb_parse_date(setting, strlen(setting), &format, 1, date) == SB_PARSE_OK &&
		!date->infinite && !date->has_time;
}

/* GUC check hook: accepts nothing but a date or an empty string. */
static bool
check_current_date(char **newval, void **extra, GucSource source)
{
	SbDate		date;

	(void) extra;
	(void) source;

	if (*newval == NULL || (*newval)[0] == '\0' || read_current_date(*newval, &date))
		return true;

	GUC_check_errcode(ERRCODE_INVALID_PARAMETER_VALUE);
	GUC_check_errdetail("The value is not a date from %04d-01-01 to %d-12-31.",
						SB_YEAR_MIN, SB_YEAR_MAX);
	GUC_check_errhint("Write a date as YYYY-MM-DD, or an empty string for the current date.");
	return false;
}

/* GUC assign hook: remembers the checked setting as a day. */
static void
assign_current_date(const char *newval, void *extra)
{
	SbDate		date = {0};

	(void) extra;

	current_date_is_set = newval != NULL && newval[0] != '\0' &&
		read_current_date(newval, &date);
	current_date_day = current_date_is_set ? date.day : 0;
}

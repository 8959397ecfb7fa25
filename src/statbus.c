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

#include "utils/builtins.h"
#include "utils/guc.h"

#include "parse.h"
#include "proxy_sql.h"
#include "statbus.h"

#ifdef PG_MODULE_MAGIC_EXT
#ifdef STATBUS_VERSION
PG_MODULE_MAGIC_EXT(.name = "statbus", .version = STATBUS_VERSION);
#else
PG_MODULE_MAGIC_EXT(.name = "statbus");
#endif
#else
PG_MODULE_MAGIC;
#endif

/* Settings */
int			statbus_derive = STATBUS_DERIVE_IMMEDIATE;
int			statbus_derive_immediate_limit = 1000;
int			statbus_import_job = 0;
int			statbus_upload_limit = 4096;
char	   *statbus_jwt_audience = NULL;

/* Settings of signing in that only SQL reads, by statbus.setting(). */
static int	bcrypt_cost = 10;
static int	access_token_lifetime = 3600;
static int	refresh_token_lifetime = 30 * 24 * 3600;
static int	refresh_grace = 10;
static int	login_attempts = 5;
static int	login_attempts_per_address = 20;
static bool cookie_login = true;
static char *api_path = NULL;
static char *trusted_proxies = NULL;

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

PG_FUNCTION_INFO_V1(statbus_setting);

static void define_auth_settings(void);
static void define_upload_settings(void);

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

	/* A function that writes for a job sets it for as long as it runs. */
	DefineCustomIntVariable("statbus.import_job",
							"The import job whose rows are being applied.",
							"Set by import.apply_rows(): what is written under it can be undone with the job.",
							&statbus_import_job,
							0,
							0,
							INT_MAX,
							PGC_USERSET,
							GUC_NO_SHOW_ALL | GUC_NO_RESET_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							NULL,
							NULL,
							NULL);

	define_auth_settings();
	define_upload_settings();

	MarkGUCPrefixReserved("statbus");
}

/* An integer setting that superusers change. */
static void
define_int(const char *name, const char *description, const char *details, int *variable, int initial, int min, int max, int flags)
{
	DefineCustomIntVariable(name, description, details, variable, initial, min, max, PGC_SUSET, flags, NULL, NULL, NULL);
}

/* A text setting that superusers change. */
static void
define_string(const char *name, const char *description, const char *details, char **variable, const char *initial)
{
	DefineCustomStringVariable(name, description, details, variable, initial, PGC_SUSET, 0, NULL, NULL, NULL);
}

/* What a user may send.  Only superusers change it. */
static void
define_upload_settings(void)
{
	define_int("statbus.upload_limit", "The most MB of a file that comes over HTTP.", NULL,
			   &statbus_upload_limit, 4096, 1, 1024 * 1024, 0);
}

/* The settings of signing in.  Only superusers change them: they decide who gets in. */
static void
define_auth_settings(void)
{
	define_int("statbus.bcrypt_cost", "The cost of a new password hash.",
			   "Each step doubles the time of a login.  Older hashes are renewed at the next login.",
			   &bcrypt_cost, 10, 10, 16, 0);
	define_int("statbus.access_token_lifetime", "How long an access token is valid.", NULL,
			   &access_token_lifetime, 3600, 1, 24 * 3600, GUC_UNIT_S);
	define_int("statbus.refresh_token_lifetime", "How long a session lives that is not refreshed.", NULL,
			   &refresh_token_lifetime, 30 * 24 * 3600, 1, 366 * 24 * 3600, GUC_UNIT_S);
	define_int("statbus.refresh_grace", "How long the refresh token before the current one is still answered.",
			   "For tabs of one browser that refresh at the same time.  After that, its use ends the session.",
			   &refresh_grace, 10, 0, 60, GUC_UNIT_S);
	define_int("statbus.login_attempts", "Failed logins of an account before it is blocked for a time.", NULL,
			   &login_attempts, 5, 1, 1000, 0);
	define_int("statbus.login_attempts_per_address", "Failed logins from an address before it is blocked for a time.", NULL,
			   &login_attempts_per_address, 20, 1, 100000, 0);
	DefineCustomBoolVariable("statbus.cookie_login", "Whether the access cookie signs a request in that has no other token.",
							 "Not needed behind a proxy that makes an Authorization header of the cookie.",
							 &cookie_login, true, PGC_SUSET, 0, NULL, NULL, NULL);
	define_string("statbus.api_path", "The path under which browsers see PostgREST.",
				  "The cookie of the refresh token is for the path below it, /rpc/refresh.", &api_path, "/rest");
	define_string("statbus.jwt_audience", "The audience that tokens are issued for and must name.",
				  "When empty, tokens name none and none is asked for.", &statbus_jwt_audience, "");
	DefineCustomStringVariable("statbus.trusted_proxies", "The addresses of the proxies before PostgREST, as a list of networks.",
							   "Only behind them X-Forwarded-For and X-Forwarded-Host are believed.  Empty: they never are.",
							   &trusted_proxies, "", PGC_SUSET, 0, statbus_check_trusted_proxies, NULL, NULL);
}

/*
 * statbus.setting(name text) → text: a setting of this module.  Unlike
 * current_setting() it makes sure that the module is loaded: before that, a
 * name is a placeholder which anybody may set.
 */
Datum
statbus_setting(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));

	if (strncmp(name, "statbus.", 8) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is no setting of statbus", name)));
	PG_RETURN_TEXT_P(cstring_to_text(GetConfigOption(name, false, false)));
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

/*
 * Unit tests of the period of a row (src/import_period.c).  TAP output.
 */
#include <stdio.h>
#include <string.h>

#include "import_period.h"
#include "tap.h"

/* Two cells, the period that they mean, and what is said of it: code@column, … */
typedef struct PeriodCase
{
	const char *from;
	const char *to;
	const char *period;
	const char *findings;
} PeriodCase;

static const PeriodCase cases[] = {
	{"2020-01-01", "infinity", "7305 open open", ""},
	{"2020-01-01", "2020-01-01", "7305 7305 7306", ""},
	{"2020-01-01", "9999-12-31", "7305 open open", "i:open_end_normalised@valid_to"},
	{"2020-01-02", "2020-01-01", "none", "e:period_reversed@valid_from e:period_reversed@valid_to"},
	{NULL, "2020-01-01", "none", "e:value_missing@valid_from"},
	{"2020-01-01", NULL, "none", "e:value_missing@valid_to"},
	{NULL, NULL, "none", "e:value_missing@valid_from e:value_missing@valid_to"},
	{"infinity", "infinity", "none", "e:date_infinite_not_allowed@valid_from"},
	{"2023-02-29", "x", "none", "e:date_not_in_calendar@valid_from e:date_format@valid_to"},
	{"2020-01-01T00:00:00", "2020-01-01 13:45", "7305 7305 7306", "i:time_dropped@valid_from w:time_dropped@valid_to"},
	{"1799-12-31", "infinity", "-73049 open open", "w:date_implausible@valid_from"},
	{"1800-01-01", "infinity", "-73048 open open", ""},
	{"2124-06-17", "infinity", "45458 open open", "w:date_implausible@valid_from"},
	{"2203-01-01", "2020-01-01", "none", "e:period_reversed@valid_from e:period_reversed@valid_to w:date_implausible@valid_from"}
};

/* Where the definition says what an open end and an unknown start look like. */
static const PeriodCase declared[] = {
	{"2020-01-01", NULL, "7305 open open", ""},
	{"2020-01-01", "0000-00-00", "7305 open open", "i:open_end_normalised@valid_to"},
	{"2020-01-01", "infinity", "7305 open open", ""},
	{"2020-01-01", "2020-01-01", "7305 7305 7306", ""},
	{"1900-01-01", "2020-01-01", "-36524 7305 7306", "i:start_unknown@valid_from"},
	{"1600-01-01", NULL, "-146097 open open", "i:start_unknown@valid_from"},
	{NULL, NULL, "none", "e:value_missing@valid_from"},
	{"0000-00-00", NULL, "none", "e:date_out_of_range@valid_from"}
};

/* A cell of a case. */
static SbSlice
cell_of(const char *text)
{
	SbSlice		cell = {text, text == NULL ? 0 : strlen(text)};

	return cell;
}

/* A day, for people. */
static void
say_day(char *out, int32_t day)
{
	if (day == INT32_MAX)
		strcat(out, "open");
	else
		sprintf(out + strlen(out), "%d", day);
}

/* What a case came to. */
static void
run_case(const ImportPeriodPlan *plan, const PeriodCase *expected)
{
	ImportRowPeriod period = import_read_period(plan, cell_of(expected->from), cell_of(expected->to));
	ImportFinding findings[IMPORT_PERIOD_FINDINGS];
	char		hints[2][SB_HINT_SIZE];
	int			count = import_judge_period(plan, cell_of(expected->from), cell_of(expected->to), findings, hints);
	char		got[64] = "";
	char		said[512] = "";
	int			passed;

	if (!period.has_period)
		strcat(got, "none");
	else
	{
		say_day(got, period.valid_from);
		strcat(got, " ");
		say_day(got, period.valid_to);
		strcat(got, " ");
		say_day(got, period.valid_until);
	}
	for (int i = 0; i < count; i++)
		sprintf(said + strlen(said), "%s%c:%s@%s", i == 0 ? "" : " ", "ewi"[findings[i].severity],
				findings[i].code, findings[i].column);
	passed = strcmp(got, expected->period) == 0 && strcmp(said, expected->findings) == 0;
	ok(passed, "%s to %s: %s (%s)", expected->from ? expected->from : "nothing", expected->to ? expected->to : "nothing", got, said);
}

int
main(void)
{
	static const SbDateFormat formats[] = {SB_FORMAT_YYYY_MM_DD};
	static const char *const names[] = {"YYYY-MM-DD"};
	static SbSlice open_ends[] = {{"", 0}, {"0000-00-00", 10}};
	static SbSlice unknown_starts[] = {{"1900-01-01", 10}, {"1600-01-01", 10}};
	ImportPeriodPlan plan = {.formats = formats, .format_names = names, .nformats = 1};

	plan.today = sb_days_from_civil(2024, 6, 15);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run_case(&plan, &cases[i]);
	plan.open_ends = open_ends;
	plan.nopen_ends = 2;
	plan.unknown_starts = unknown_starts;
	plan.nunknown_starts = 2;
	for (size_t i = 0; i < sizeof(declared) / sizeof(declared[0]); i++)
		run_case(&plan, &declared[i]);
	return tap_end();
}

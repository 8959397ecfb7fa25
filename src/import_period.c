/*-------------------------------------------------------------------------
 *
 * import_period.c
 *	  The period of a row of a file.
 *
 * A row without a usable period has none: its findings say why.  They are
 * asked for apart from the period itself, as most rows have none.
 *
 * IDENTIFICATION
 *	  src/import_period.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_period.h"

#include <string.h>

/* 1800-01-01, and how many days from now a date may lie, in days. */
#define PLAUSIBLE_FROM (-73048)
#define PLAUSIBLE_DAYS 36525

/* 9999-12-31, which other systems write for an open end. */
#define OPEN_END 2921939

/* A bound of a period, as it was read. */
typedef struct Bound
{
	const char *column;
	SbSlice		cell;
	SbParseCode code;
	SbDate		date;
} Bound;

static Bound read_bound(const ImportPeriodPlan *plan, const char *column, SbSlice cell);
static bool is_one_of(SbSlice cell, const SbSlice *list, int count);
static Bound read_last(const ImportPeriodPlan *plan, SbSlice cell, bool *is_normalised);
static int32_t bound_day(const Bound *bound);
static ImportFinding *add_finding(ImportFinding *findings, int *count, ImportSeverity severity,
								  const char *code, const Bound *bound);
static void judge_bound(const ImportPeriodPlan *plan, const Bound *bound, ImportFinding *findings,
						int *count, char *hint);

/* Read one end of a period. */
static Bound
read_bound(const ImportPeriodPlan *plan, const char *column, SbSlice cell)
{
	Bound		bound = {.column = column, .cell = cell, .code = SB_PARSE_EMPTY};

	if (cell.data != NULL)
		bound.code = sb_parse_date(cell.data, cell.len, plan->formats, plan->nformats, &bound.date);
	return bound;
}

/* The day that was read. */
static int32_t
bound_day(const Bound *bound)
{
	return bound->date.infinite ? INT32_MAX : bound->date.day;
}

/* Is a cell one of the texts?  A cell of nothing is an empty text. */
static bool
is_one_of(SbSlice cell, const SbSlice *list, int count)
{
	for (int i = 0; i < count; i++)
		if (list[i].len == cell.len && (cell.len == 0 || memcmp(list[i].data, cell.data, cell.len) == 0))
			return true;
	return false;
}

/*
 * Read the last day.  The last one of all means that there is none, and so
 * does what the definition says; of a cell of nothing there is no more to say.
 */
static Bound
read_last(const ImportPeriodPlan *plan, SbSlice cell, bool *is_normalised)
{
	Bound		last;

	if (is_one_of(cell, plan->open_ends, plan->nopen_ends))
	{
		last = (Bound) {.column = "valid_to", .cell = cell, .code = SB_PARSE_OK};
		last.date.infinite = true;
		*is_normalised = cell.len > 0;
		return last;
	}
	last = read_bound(plan, "valid_to", cell);
	*is_normalised = last.code == SB_PARSE_OK && !last.date.infinite && last.date.day == OPEN_END;
	if (*is_normalised)
		last.date.infinite = true;
	return last;
}

/* The period that two cells mean. */
ImportRowPeriod
import_read_period(const ImportPeriodPlan *plan, SbSlice from, SbSlice to)
{
	ImportRowPeriod period = {.has_period = false};
	Bound		first = read_bound(plan, "valid_from", from);
	Bound		last;
	bool		is_normalised;

	if (first.code != SB_PARSE_OK || first.date.infinite)
		return period;
	last = read_last(plan, to, &is_normalised);
	if (last.code != SB_PARSE_OK || bound_day(&last) < first.date.day)
		return period;
	period.has_period = true;
	period.valid_from = first.date.day;
	period.valid_to = bound_day(&last);
	period.valid_until = last.date.infinite ? INT32_MAX : last.date.day + 1;
	return period;
}

/* Add a finding about one end. */
static ImportFinding *
add_finding(ImportFinding *findings, int *count, ImportSeverity severity, const char *code, const Bound *bound)
{
	ImportFinding *finding = &findings[(*count)++];

	memset(finding, 0, sizeof(*finding));
	finding->severity = severity;
	finding->code = code;
	finding->column = bound->column;
	finding->value = bound->cell;
	return finding;
}

/* Add a detail to a finding, which points to the text. */
static void
add_text(ImportFinding *finding, const char *key, const char *text)
{
	ImportDetail *detail = &finding->details[finding->ndetails++];

	detail->key = key;
	detail->type = IMPORT_DETAIL_TEXT;
	detail->text.data = text;
	detail->text.len = strlen(text);
}

/* What is to be said of one end by itself. */
static void
judge_bound(const ImportPeriodPlan *plan, const Bound *bound, ImportFinding *findings, int *count, char *hint)
{
	ImportFinding *finding;

	if (bound->code == SB_PARSE_EMPTY)
		add_finding(findings, count, IMPORT_ERROR, "value_missing", bound);
	else if (bound->code != SB_PARSE_OK)
	{
		finding = add_finding(findings, count, IMPORT_ERROR, sb_parse_code_name(bound->code), bound);
		finding->has_details = true;
		finding->ndetails = 1;
		finding->details[0].key = "formats";
		finding->details[0].type = IMPORT_DETAIL_LIST;
		finding->details[0].list = plan->format_names;
		finding->details[0].nlist = plan->nformats;
		if (bound->code == SB_PARSE_DATE_OUT_OF_RANGE)
		{
			add_text(finding, "min", SB_DAY_MIN);
			add_text(finding, "max", SB_DAY_MAX);
		}
		if (sb_parse_hint(SB_HINT_DATE, bound->cell.data, bound->cell.len, hint, SB_HINT_SIZE))
			add_text(finding, "hint", hint);
	}
	else if (bound->date.has_time)
		add_finding(findings, count, bound->date.midnight ? IMPORT_INFO : IMPORT_WARNING, "time_dropped", bound);
}

/*
 * What is to be said of a row's period; returns how many findings there are.
 * They point into the cells, the plan and the hints.
 */
int
import_judge_period(const ImportPeriodPlan *plan, SbSlice from, SbSlice to,
					ImportFinding findings[IMPORT_PERIOD_FINDINGS], char hints[2][SB_HINT_SIZE])
{
	Bound		first = read_bound(plan, "valid_from", from);
	bool		is_normalised;
	Bound		last = read_last(plan, to, &is_normalised);
	int			count = 0;

	judge_bound(plan, &first, findings, &count, hints[0]);
	judge_bound(plan, &last, findings, &count, hints[1]);
	if (is_normalised)
		add_finding(findings, &count, IMPORT_INFO, "open_end_normalised", &last);
	if (first.code != SB_PARSE_OK)
		return count;
	if (first.date.infinite)
	{
		add_finding(findings, &count, IMPORT_ERROR, "date_infinite_not_allowed", &first);
		return count;
	}
	if (last.code == SB_PARSE_OK && bound_day(&last) < first.date.day)
	{
		add_finding(findings, &count, IMPORT_ERROR, "period_reversed", &first);
		add_finding(findings, &count, IMPORT_ERROR, "period_reversed", &last);
	}
	if (first.cell.len > 0 && is_one_of(first.cell, plan->unknown_starts, plan->nunknown_starts))
		add_finding(findings, &count, IMPORT_INFO, "start_unknown", &first);
	else if (first.date.day < PLAUSIBLE_FROM || first.date.day > (int64_t) plan->today + PLAUSIBLE_DAYS)
		add_finding(findings, &count, IMPORT_WARNING, "date_implausible", &first);
	return count;
}

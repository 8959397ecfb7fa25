/*-------------------------------------------------------------------------
 *
 * import_cell_code.c
 *	  Cells that hold a code of a list.
 *
 * What is a mere warning elsewhere decides a country, a tag, a type of
 * relationship.
 *
 * IDENTIFICATION
 *	  src/import_cell_code.c
 *
 *-------------------------------------------------------------------------
 */
#include "ident_check.h"
#include "import_cell_internal.h"

#include <string.h>

/* A code that replaced one that replaced one …: no further than this. */
#define MAX_SUCCESSORS 16

/* True when the address of an unknown country has something else than coordinates. */
static bool
has_address(const ImportPlan *plan, const ImportRow *row, int country)
{
	const int  *peers = plan->links.peers[country];

	for (; *peers >= 0; peers++)
		if (import_has_cell(row, *peers))
			return true;
	return false;
}

/*
 * An unknown code that only looks like one of the list: letters of another
 * script stand for Latin ones.  NULL data: it does not.
 */
static SbSlice
judge_script(ImportJudge *judge, int column, const ImportPeriod *period)
{
	const ImportPlan *plan = judge->plan;
	SbSlice		cell = judge->row->cells[column];
	SbSlice		latin;
	ImportCode	code;
	ImportFinding *finding;
	size_t		place = 0;

	while (place < cell.len && (unsigned char) cell.data[place] < 0x80)
		place++;
	if (place == cell.len)
		return (SbSlice) {NULL, 0};
	latin = ident_latin(cell, plan->alloc(plan->arg, cell.len));
	if (!plan->lookup(plan->columns[column].codes, latin, period, &code))
		return (SbSlice) {NULL, 0};
	finding = import_add_cell_finding(judge, IMPORT_WARNING, "mixed_script", column);
	import_add_number(finding, "position", (int64_t) place + 1);
	import_add_text(finding, "suggestion", latin);
	return latin;
}

/* A code that is not in its list. */
static void
judge_unknown(ImportJudge *judge, int column, const ImportPeriod *period)
{
	const ImportPlan *plan = judge->plan;
	const ImportColumn *c = &plan->columns[column];
	const char *code = c->list == IMPORT_LIST_COUNTRY ? "country_unknown" :
		c->list == IMPORT_LIST_TAG ? "tag_unknown" : "code_unknown";
	bool		is_error = c->list == IMPORT_LIST_TAG || c->list == IMPORT_LIST_REL_TYPE ||
		(c->list == IMPORT_LIST_COUNTRY && has_address(plan, judge->row, column));
	SbSlice		suggestion = judge_script(judge, column, period);
	ImportFinding *finding = import_add_cell_finding(judge, is_error ? IMPORT_ERROR : IMPORT_WARNING, code, column);

	if (suggestion.data != NULL || plan->suggest(c->codes, judge->row->cells[column], period, &suggestion))
		import_add_text(finding, "suggestion", suggestion);
}

/* A day of a finding's details; none for ever. */
static void
add_day(const ImportPlan *plan, ImportFinding *finding, const char *key, int32_t day)
{
	SbCivil		civil;
	char		text[] = "YYYY-MM-DD";

	if (day == IMPORT_SINCE_EVER || day == IMPORT_FOR_EVER)
		return;
	civil = sb_civil_from_days(day);
	for (int i = 3; i >= 0; i--, civil.year /= 10)
		text[i] = (char) ('0' + civil.year % 10);
	text[5] = (char) ('0' + civil.month / 10);
	text[6] = (char) ('0' + civil.month % 10);
	text[8] = (char) ('0' + civil.day / 10);
	text[9] = (char) ('0' + civil.day % 10);
	import_add_text(finding, key, import_copy(plan, text, 10));
}

/*
 * The code that took the place of one by the period; of several in a row the
 * first that is in force then, or else the first.  NULL data: none is known.
 */
static SbSlice
find_successor(const ImportPlan *plan, void *codes, const ImportCode *code, const ImportPeriod *period)
{
	SbSlice		successor = code->successor;

	for (int i = 0; i < MAX_SUCCESSORS && successor.data != NULL; i++)
	{
		ImportCode	next;

		if (!plan->lookup(codes, successor, period, &next))
			break;
		if (next.enabled && period->from >= next.in_force.from && period->from < next.in_force.until)
			return successor;
		successor = next.successor;
	}
	return code->successor;
}

/*
 * A code that is not in force throughout the period of the row.  When it is on
 * no day of it, it is no value; a region then is left out, and nothing else
 * can take its place.
 */
static void
judge_validity(ImportJudge *judge, int column, const ImportPeriod *period)
{
	const ImportPlan *plan = judge->plan;
	const ImportColumn *c = &plan->columns[column];
	ImportValue *value = &judge->row->values[column];
	const ImportCode *code = &value->code;
	bool		never = period->from >= code->in_force.until || period->until <= code->in_force.from;
	ImportFinding *finding;
	SbSlice		successor;

	value->is_null = never;
	if (judge->row->is_skipped)
		return;
	finding = import_add_cell_finding(judge, never && c->list != IMPORT_LIST_REGION ? IMPORT_ERROR : IMPORT_WARNING,
									  "code_not_valid_then", column);
	add_day(plan, finding, "from", code->in_force.from);
	if (code->in_force.until != IMPORT_FOR_EVER)
		add_day(plan, finding, "to", code->in_force.until - 1);
	successor = find_successor(plan, c->codes, code, period);
	if (successor.data != NULL)
		import_add_text(finding, "successor", successor);
}

/* Look a code up as it is, or without the apostrophe that marks it as text.  False when it is not in the list. */
static bool
find_code(ImportJudge *judge, int column, const ImportPeriod *period)
{
	const ImportPlan *plan = judge->plan;
	const ImportColumn *c = &plan->columns[column];
	SbSlice		cell = judge->row->cells[column];
	ImportCode *code = &judge->row->values[column].code;

	if (plan->lookup(c->codes, cell, period, code))
		return true;
	cell = import_without_marker(cell);
	if (cell.data == NULL || c->list == IMPORT_LIST_TAG || !plan->lookup(c->codes, cell, period, code))
		return false;
	import_add_cell_finding(judge, IMPORT_INFO, "text_marker_removed", column);
	return true;
}

/* Look a code up.  One that is no longer in use is no value. */
void
import_judge_code(ImportJudge *judge, int column)
{
	const ImportColumn *c = &judge->plan->columns[column];
	const ImportRow *row = judge->row;
	const ImportPeriod known = {row->valid_from, row->valid_until};
	const ImportPeriod *period = row->has_period ? &known : NULL;
	ImportValue *value = &row->values[column];

	if (!import_has_cell(row, column))
	{
		if (c->list == IMPORT_LIST_REL_TYPE && !import_is_erased(row, column))
			import_add_cell_finding(judge, IMPORT_ERROR, "value_missing", column);
		return;
	}
	if (!find_code(judge, column, period))
	{
		if (!row->is_skipped)
			judge_unknown(judge, column, period);
		return;
	}
	value->is_known = true;
	value->is_parsed = true;
	value->is_null = !value->code.enabled;
	if (!value->code.enabled)
		import_add_cell_finding(judge, c->list == IMPORT_LIST_REL_TYPE ? IMPORT_ERROR : IMPORT_WARNING,
								"code_inactive", column);
	else if (period != NULL && (period->from < value->code.in_force.from || period->until > value->code.in_force.until))
		judge_validity(judge, column, period);
	else if (c->list == IMPORT_LIST_ACTIVITY && !value->code.is_leaf)
		import_add_cell_finding(judge, IMPORT_WARNING, "code_not_leaf", column);
}

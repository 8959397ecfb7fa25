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
#include "import_cell_internal.h"

#include <string.h>

/* A code that replaced one that replaced one …: no further than this. */
#define MAX_SUCCESSORS 16

/* The code that lost its first zero to a spreadsheet.  False when there is none. */
static bool
find_zero_code(const ImportPlan *plan, void *codes, SbSlice value, SbSlice *suggestion)
{
	char	   *padded = plan->alloc(plan->arg, value.len + 1);
	ImportCode	code;

	padded[0] = '0';
	memcpy(padded + 1, value.data, value.len);
	suggestion->data = padded;
	suggestion->len = value.len + 1;
	return plan->lookup(codes, *suggestion, NULL, &code);
}

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

/* A code that is not in its list. */
static void
judge_unknown(ImportJudge *judge, int column)
{
	const ImportPlan *plan = judge->plan;
	const ImportColumn *c = &plan->columns[column];
	SbSlice		value = judge->row->cells[column];
	ImportFinding *finding;
	SbSlice		suggestion;

	switch (c->list)
	{
		case IMPORT_LIST_COUNTRY:
			if (!has_address(plan, judge->row, column))
			{
				import_add_cell_finding(judge, IMPORT_WARNING, "country_unknown", column);
				break;
			}
			finding = import_add_cell_finding(judge, IMPORT_ERROR, "country_unknown", column);
			if (plan->suggest(c->codes, value, &suggestion))
				import_add_text(finding, "suggestion", suggestion);
			break;
		case IMPORT_LIST_TAG:
			import_add_cell_finding(judge, IMPORT_ERROR, "tag_unknown", column);
			break;
		case IMPORT_LIST_REL_TYPE:
			import_add_cell_finding(judge, IMPORT_ERROR, "code_unknown", column);
			break;
		case IMPORT_LIST_REGION:
		case IMPORT_LIST_ACTIVITY:
			finding = import_add_cell_finding(judge, IMPORT_WARNING, "code_unknown", column);
			if (find_zero_code(plan, c->codes, value, &suggestion))
				import_add_text(finding, "suggestion", suggestion);
			break;
		case IMPORT_LIST_PLAIN:
		case IMPORT_LIST_NONE:
			import_add_cell_finding(judge, IMPORT_WARNING, "code_unknown", column);
			break;
	}
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

/* Look a code up.  One that is no longer in use is no value. */
void
import_judge_code(ImportJudge *judge, int column)
{
	const ImportColumn *c = &judge->plan->columns[column];
	const ImportRow *row = judge->row;
	const ImportPeriod period = {row->valid_from, row->valid_until};
	SbSlice		cell = row->cells[column];
	ImportValue *value = &row->values[column];

	if (cell.data == NULL)
	{
		if (c->list == IMPORT_LIST_REL_TYPE)
			import_add_cell_finding(judge, IMPORT_ERROR, "value_missing", column);
		return;
	}
	if (!judge->plan->lookup(c->codes, cell, row->has_period ? &period : NULL, &value->code))
	{
		if (!row->is_skipped)
			judge_unknown(judge, column);
		return;
	}
	value->is_known = true;
	value->is_parsed = true;
	value->is_null = !value->code.enabled;
	if (!value->code.enabled)
		import_add_cell_finding(judge, c->list == IMPORT_LIST_REL_TYPE ? IMPORT_ERROR : IMPORT_WARNING,
								"code_inactive", column);
	else if (row->has_period && (period.from < value->code.in_force.from || period.until > value->code.in_force.until))
		judge_validity(judge, column, &period);
	else if (c->list == IMPORT_LIST_ACTIVITY && !value->code.is_leaf)
		import_add_cell_finding(judge, IMPORT_WARNING, "code_not_leaf", column);
}

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
	return plan->lookup(codes, *suggestion, &code);
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

/* Look a code up.  One that is no longer in use is no value. */
void
import_judge_code(ImportJudge *judge, int column)
{
	const ImportColumn *c = &judge->plan->columns[column];
	SbSlice		cell = judge->row->cells[column];
	ImportValue *value = &judge->row->values[column];

	if (cell.data == NULL)
	{
		if (c->list == IMPORT_LIST_REL_TYPE)
			import_add_cell_finding(judge, IMPORT_ERROR, "value_missing", column);
		return;
	}
	if (!judge->plan->lookup(c->codes, cell, &value->code))
	{
		if (!judge->row->is_skipped)
			judge_unknown(judge, column);
		return;
	}
	value->is_known = true;
	value->is_parsed = true;
	value->is_null = !value->code.enabled;
	if (!value->code.enabled)
		import_add_cell_finding(judge, c->list == IMPORT_LIST_REL_TYPE ? IMPORT_ERROR : IMPORT_WARNING,
								"code_inactive", column);
	else if (c->list == IMPORT_LIST_ACTIVITY && !value->code.is_leaf)
		import_add_cell_finding(judge, IMPORT_WARNING, "code_not_leaf", column);
}

/*-------------------------------------------------------------------------
 *
 * import_cell_file.c
 *	  What all rows of a file together tell of its columns.
 *
 * Cells are counted as rows are judged; a skipped row counts for nothing.
 *
 * IDENTIFICATION
 *	  src/import_cell_file.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_cell_internal.h"

#include <string.h>

/* Cells of a column below which it tells nothing. */
#define CELLS_TO_TELL 10

/* The counts of a file that has not been read. */
ImportTally *
import_begin_tally(const ImportPlan *plan)
{
	ImportTally *tally = plan->alloc(plan->arg, sizeof(ImportTally));
	size_t		size = sizeof(ImportColumnTally) * (size_t) (plan->ncolumns + 1);

	memset(tally, 0, sizeof(*tally));
	tally->columns = plan->alloc(plan->arg, size);
	memset(tally->columns, 0, size);
	return tally;
}

/* True for a text without a digit. */
static bool
has_no_digit(SbSlice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ('0' <= text.data[i] && text.data[i] <= '9')
			return false;
	return true;
}

/* Count a cell that was judged. */
void
import_count_cell(ImportJudge *judge, int column)
{
	const ImportPlan *plan = judge->plan;
	const ImportColumn *c = &plan->columns[column];
	const ImportValue *value = &judge->row->values[column];
	SbSlice		cell = judge->row->cells[column];
	ImportColumnTally *tally = &plan->tally->columns[column];
	uint32_t	others;

	if (cell.data == NULL || judge->row->is_skipped)
		return;
	if (c->kind == IMPORT_CODE)
	{
		if (c->list != IMPORT_LIST_ACTIVITY)
			return;
		tally->filled++;
		if (value->is_known)
			return;
		tally->bad++;
		others = plan->elsewhere(c->codes, cell);
		for (int i = 0; i < IMPORT_MAX_OTHERS && others >> i != 0; i++)
			tally->elsewhere[i] += others >> i & 1;
	}
	else if (c->kind == IMPORT_INTEGER || c->kind == IMPORT_NUMERIC ||
			 (IMPORT_LATITUDE <= c->kind && c->kind <= IMPORT_PERCENTAGE))
	{
		tally->filled++;
		if (!value->is_parsed && has_no_digit(cell))
			tally->bad++;
	}
}

/* Codes of activities of which many are unknown, and known to another standard. */
static void
judge_standard(ImportJudge *judge, int column)
{
	const ImportPlan *plan = judge->plan;
	const ImportColumn *c = &plan->columns[column];
	const ImportColumnTally *tally = &plan->tally->columns[column];
	int			best = 0;
	ImportFinding *finding;

	if (tally->filled < CELLS_TO_TELL || tally->bad * 5 <= tally->filled)
		return;
	for (int i = 1; i < IMPORT_MAX_OTHERS; i++)
		if (tally->elsewhere[i] > tally->elsewhere[best])
			best = i;
	if (tally->elsewhere[best] * 2 <= tally->bad)
		return;
	finding = import_add_finding(judge, IMPORT_WARNING, "standard_mismatch", c->name, (SbSlice) {NULL, 0});
	import_add_text(finding, "standard", plan->other_name(c->codes, best));
	import_add_number(finding, "codes", tally->filled);
	import_add_number(finding, "unknown", tally->bad);
	import_add_number(finding, "fitting", tally->elsewhere[best]);
}

/* A column of numbers that holds words. */
static void
judge_shift(ImportJudge *judge, int column)
{
	const ImportColumnTally *tally = &judge->plan->tally->columns[column];
	ImportFinding *finding;

	if (tally->filled < CELLS_TO_TELL || tally->bad * 10 <= tally->filled * 9)
		return;
	finding = import_add_finding(judge, IMPORT_ERROR, "column_shifted", judge->plan->columns[column].name,
								 (SbSlice) {NULL, 0});
	import_add_number(finding, "rows", tally->bad);
}

/* Postcodes that stand where the places should, and the other way round. */
static void
judge_swap(ImportJudge *judge, int which)
{
	const ImportPlan *plan = judge->plan;
	const ImportAddress *address = &plan->links.addresses[which];
	const ImportSwapTally *tally = &plan->tally->postcodes[which];
	const char **columns;
	ImportFinding *finding;

	if (tally->swapped == 0 || tally->swapped * 2 < tally->both)
		return;
	columns = plan->alloc(plan->arg, sizeof(char *) * 2);
	columns[0] = plan->columns[address->parts[IMPORT_PART_POSTCODE]].name;
	columns[1] = plan->columns[address->parts[IMPORT_PART_POSTPLACE]].name;
	finding = import_add_finding(judge, IMPORT_WARNING, "columns_swapped", columns[0], (SbSlice) {NULL, 0});
	import_add_list(finding, "columns", columns, 2);
	import_add_number(finding, "rows", tally->swapped);
}

/* What is to be said of the file, after all its rows: the row's findings, and nothing else of it. */
void
import_judge_file(const ImportPlan *plan, ImportRow *row)
{
	ImportJudge judge;

	judge.plan = plan;
	judge.row = row;
	judge.room = 0;
	row->findings = NULL;
	row->nfindings = 0;
	row->is_skipped = false;
	for (int i = 0; i < plan->ncolumns; i++)
	{
		if (plan->columns[i].list == IMPORT_LIST_ACTIVITY)
			judge_standard(&judge, i);
		else
			judge_shift(&judge, i);
	}
	judge_swap(&judge, IMPORT_PHYSICAL);
	judge_swap(&judge, IMPORT_POSTAL);
	import_sort_findings(&judge);
}

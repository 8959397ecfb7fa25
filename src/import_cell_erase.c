/*-------------------------------------------------------------------------
 *
 * import_cell_erase.c
 *	  Cells that say that a value goes away for the period of the row.
 *
 * Such a cell holds one of the words that the definition declares.  To all that
 * judges it later it is empty; what it says is kept beside the values.
 *
 * IDENTIFICATION
 *	  src/import_cell_erase.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_cell_internal.h"

#include <string.h>

/* Is a cell, trimmed, one of the words that erase a value? */
bool
import_is_erase_word(const ImportPlan *plan, SbSlice cell)
{
	for (int i = 0; i < plan->nerase; i++)
		if (cell.len > 0 && sb_equal_fold(plan->erase_words[i].data, plan->erase_words[i].len, cell.data, cell.len))
			return true;
	return false;
}

/*
 * Can the value of a column go away while the unit stays?  Not what says which
 * unit it is, or when; what every unit and every address has; links, which hold
 * for all time; nor what is no value of the unit.
 */
static bool
can_erase(const ImportPlan *plan, int column)
{
	static const char *const kept[] = {"name", "status_code", "data_source_code", "edit_comment"};
	const ImportColumn *c = &plan->columns[column];

	if (c->kind == IMPORT_JUDGED || c->kind == IMPORT_POSTAL_COORDINATE || c->list == IMPORT_LIST_COUNTRY ||
		c->list == IMPORT_LIST_TAG || c->list == IMPORT_LIST_REL_TYPE)
		return false;
	for (int i = 0; i < (int) (sizeof(kept) / sizeof(kept[0])); i++)
		if (strcmp(c->name, kept[i]) == 0)
			return false;
	return !(plan->is_formal_establishment && column == plan->links.sector);
}

/* Empty a cell of the row, in a copy of its cells, and note what it said. */
static void
take_erasure(ImportJudge *judge, int column)
{
	const ImportPlan *plan = judge->plan;
	ImportRow  *row = judge->row;
	size_t		ncolumns = (size_t) plan->ncolumns;

	if (row->erased == NULL)
	{
		row->erased = plan->alloc(plan->arg, sizeof(bool) * ncolumns);
		memset(row->erased, 0, sizeof(bool) * ncolumns);
		judge->emptied = plan->alloc(plan->arg, sizeof(SbSlice) * ncolumns);
		memcpy(judge->emptied, row->cells, sizeof(SbSlice) * ncolumns);
		row->cells = judge->emptied;
	}
	judge->emptied[column].data = NULL;
	judge->emptied[column].len = 0;
	row->erased[column] = true;
}

/* Find the cells that erase values, before any is judged. */
void
import_take_erasures(ImportJudge *judge)
{
	const ImportPlan *plan = judge->plan;
	ImportRow  *row = judge->row;

	row->erased = NULL;
	for (int i = 0; plan->nerase > 0 && i < plan->ncolumns; i++)
	{
		SbSlice		cell = row->cells[i];
		bool		was_taken = row->erased_before != NULL && row->erased_before[i];

		if (!was_taken && !(cell.data != NULL && import_is_erase_word(plan, cell)))
			continue;
		take_erasure(judge, i);
		if (!can_erase(plan, i))
			import_add_finding(judge, IMPORT_ERROR, "erase_not_allowed", plan->columns[i].name,
							   was_taken ? plan->erase_words[0] : cell);
	}
}

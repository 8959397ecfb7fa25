/*-------------------------------------------------------------------------
 *
 * import_alone_sql.c
 *	  Analysis of a job: every row a unit of its own that nobody knows, until
 *	  identifiers are read.
 *
 * IDENTIFICATION
 *	  src/import_alone_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_stage.h"

struct ImportIdentify
{
	ImportNotes *notes;
	int64		row_id;
	const ImportFile *file;
};

static const char blank_finding[] = "blank_row";

/* Begin. */
__attribute__((weak)) ImportIdentify *
import_identify_begin(ImportJob *job, ImportNotes *notes)
{
	ImportIdentify *identify = palloc0(sizeof(ImportIdentify));

	(void) job;
	identify->notes = notes;
	return identify;
}

/* Nothing is asked of a row. */
__attribute__((weak)) void
import_identify_add(ImportIdentify *identify, const ImportFileRow *row)
{
	ImportFinding finding = {.severity = IMPORT_INFO,.code = blank_finding};

	if (row->is_blank)
		import_notes_add(identify->notes, row->row_id, IMPORT_INFO, import_finding_jsonb(&finding));
}

/* Nor of the file. */
__attribute__((weak)) void
import_identify_resolve(ImportIdentify *identify, ImportFile *file)
{
	identify->file = file;
}

/* Every row is a unit of its own. */
__attribute__((weak)) void
import_identify_next(ImportIdentify *identify, ImportFate *fate)
{
	static const ImportId none = {.is_null = true};

	memset(fate, 0, sizeof(*fate));
	fate->founding_row_id = ++identify->row_id;
	fate->batch_seq = 1;
	fate->legal_unit = fate->establishment = fate->link_legal_unit = none;
	fate->relationship = fate->influencing = fate->influenced = none;
	fate->is_new = true;
}

/* End. */
__attribute__((weak)) void
import_identify_end(ImportIdentify *identify)
{
	pfree(identify);
}

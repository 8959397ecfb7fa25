/*-------------------------------------------------------------------------
 *
 * import_cell_finding.c
 *	  The findings of one row of a file.
 *
 * IDENTIFICATION
 *	  src/import_cell_finding.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_cell_internal.h"

#include <string.h>

#define FIRST_ROOM	8

/* A copy of some bytes in the arena, terminated. */
SbSlice
import_copy(const ImportPlan *plan, const char *data, size_t len)
{
	char	   *copy = plan->alloc(plan->arg, len + 1);
	SbSlice		slice = {copy, len};

	memcpy(copy, data, len);
	copy[len] = '\0';
	return slice;
}

/* Copy a finding, and no more than it has. */
static inline void
copy_finding(ImportFinding *to, const ImportFinding *from)
{
	memcpy(to, from, offsetof(ImportFinding, details) + sizeof(ImportDetail) * (size_t) from->ndetails);
}

/* Room for one more finding of the row. */
static ImportFinding *
next_finding(ImportJudge *judge)
{
	ImportRow  *row = judge->row;

	if (row->nfindings == judge->room)
	{
		const ImportPlan *plan = judge->plan;
		int			room = judge->room == 0 ? FIRST_ROOM : 2 * judge->room;
		ImportFinding *findings = plan->alloc(plan->arg, sizeof(ImportFinding) * (size_t) room);

		if (row->nfindings > 0)
			memcpy(findings, row->findings, sizeof(ImportFinding) * (size_t) row->nfindings);
		row->findings = findings;
		judge->room = room;
	}
	return &row->findings[row->nfindings++];
}

/*
 * Add a finding without details to the row, for the caller to fill in before
 * he adds another.  What a skipped row would have is written, but not kept.
 */
ImportFinding *
import_add_finding(ImportJudge *judge, ImportSeverity severity, const char *code,
				   const char *column, SbSlice value)
{
	ImportFinding *finding = judge->row->is_skipped ? &judge->unheard : next_finding(judge);

	finding->severity = severity;
	finding->code = code;
	finding->column = column;
	finding->value = value;
	finding->has_details = false;
	finding->ndetails = 0;
	return finding;
}

/* Add a finding about a cell, which is shown as the file has it. */
ImportFinding *
import_add_cell_finding(ImportJudge *judge, ImportSeverity severity, const char *code, int column)
{
	return import_add_finding(judge, severity, code, judge->plan->columns[column].name,
							  judge->row->cells[column]);
}

/* The next member of a finding's details. */
static ImportDetail *
next_detail(ImportFinding *finding, const char *key)
{
	ImportDetail *detail = &finding->details[finding->ndetails++];

	finding->has_details = true;
	memset(detail, 0, sizeof(*detail));
	detail->key = key;
	return detail;
}

/* Add a text to a finding's details. */
void
import_add_text(ImportFinding *finding, const char *key, SbSlice text)
{
	ImportDetail *detail = next_detail(finding, key);

	detail->type = IMPORT_DETAIL_TEXT;
	detail->text = text;
}

/* Add a number to a finding's details. */
void
import_add_number(ImportFinding *finding, const char *key, int64_t number)
{
	ImportDetail *detail = next_detail(finding, key);

	detail->type = IMPORT_DETAIL_INTEGER;
	detail->number = number;
}

/* Add a list of texts to a finding's details. */
void
import_add_list(ImportFinding *finding, const char *key, const char *const *list, int nlist)
{
	ImportDetail *detail = next_detail(finding, key);

	detail->type = IMPORT_DETAIL_LIST;
	detail->list = list;
	detail->nlist = nlist;
}

/* Give a finding details, with a hint when there is one. */
void
import_add_hint(ImportJudge *judge, ImportFinding *finding, SbHintKind kind, SbSlice value)
{
	char		hint[SB_HINT_SIZE];

	finding->has_details = true;
	if (!judge->row->is_skipped && sb_parse_hint(kind, value.data, value.len, hint, sizeof(hint)))
		import_add_text(finding, "hint", import_copy(judge->plan, hint, strlen(hint)));
}

/* Put errors first, then warnings, then infos, each in the order they were added. */
void
import_sort_findings(ImportJudge *judge)
{
	ImportRow  *row = judge->row;
	ImportFinding *sorted;
	int			place[IMPORT_INFO + 1];
	int			count[IMPORT_INFO + 1] = {0, 0, 0};

	for (int i = 0; i < row->nfindings; i++)
		count[row->findings[i].severity]++;
	row->nerrors = count[IMPORT_ERROR];
	row->nwarnings = count[IMPORT_WARNING];
	for (int s = IMPORT_ERROR; s <= IMPORT_INFO; s++)
		if (count[s] == row->nfindings)
			return;

	sorted = judge->plan->alloc(judge->plan->arg, sizeof(ImportFinding) * (size_t) row->nfindings);
	place[IMPORT_ERROR] = 0;
	place[IMPORT_WARNING] = row->nerrors;
	place[IMPORT_INFO] = row->nerrors + row->nwarnings;
	for (int i = 0; i < row->nfindings; i++)
		copy_finding(&sorted[place[row->findings[i].severity]++], &row->findings[i]);
	row->findings = sorted;
}

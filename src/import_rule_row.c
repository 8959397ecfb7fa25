/*-------------------------------------------------------------------------
 *
 * import_rule_row.c
 *	  Declared rules and the row of a file that they judge.
 *
 * A rule sees a date, a number or a truth where the column holds one, else
 * text: codes and identifiers as the file has them.
 *
 * IDENTIFICATION
 *	  src/import_rule_row.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_rule_row.h"

#include <string.h>

/* The row that is judged, and what its columns are. */
typedef struct RuleRowReader
{
	const ImportPlan *plan;
	const ImportRow *row;
} RuleRowReader;

/* True for a text that is this word. */
static bool
is_word(SbSlice text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

/* The type that rules see in a column. */
bool
rule_type_of_column(ImportKind kind, SbSlice name, RuleType *type)
{
	switch (kind)
	{
		case IMPORT_JUDGED:
			*type = is_word(name, "valid_from") || is_word(name, "valid_to") ? RULE_DATE : RULE_TEXT;
			return true;
		case IMPORT_TEXT:
		case IMPORT_CODE:
			*type = RULE_TEXT;
			return true;
		case IMPORT_DATE:
			*type = RULE_DATE;
			return true;
		case IMPORT_INTEGER:
		case IMPORT_NUMERIC:
		case IMPORT_LATITUDE:
		case IMPORT_LONGITUDE:
		case IMPORT_ALTITUDE:
		case IMPORT_PERCENTAGE:
			*type = RULE_NUMBER;
			return true;
		case IMPORT_BOOLEAN:
			*type = RULE_BOOLEAN;
			return true;
		case IMPORT_POSTAL_COORDINATE:
			break;
	}
	return false;
}

/* See RuleScope: a column of the plan. */
static bool
find_column(void *arg, SbSlice name, int *column, RuleType *type)
{
	const ImportPlan *plan = arg;

	for (int i = 0; i < plan->ncolumns; i++)
		if (is_word(name, plan->columns[i].name))
		{
			*column = i;
			return rule_type_of_column(plan->columns[i].kind, name, type);
		}
	return false;
}

/* A column that was judged before: the period, or an identifier as it is. */
static bool
get_judged(const RuleRowReader *reader, int column, RuleValue *value)
{
	const ImportRow *row = reader->row;
	const char *name = reader->plan->columns[column].name;
	bool		is_from = strcmp(name, "valid_from") == 0;

	value->is_null = row->cells[column].data == NULL;
	value->text = row->cells[column];
	if (!is_from && strcmp(name, "valid_to") != 0)
		return true;
	value->is_null = false;
	value->day = is_from ? row->valid_from : row->valid_until == INT32_MAX ? RULE_DAY_INFINITY : row->valid_until - 1;
	return row->has_period;
}

/* See RuleRow: what a cell came to.  One that is there and is no value could not be read. */
static bool
get_value(void *arg, int column, RuleValue *value)
{
	const RuleRowReader *reader = arg;
	const ImportValue *cell = &reader->row->values[column];
	ImportKind	kind = reader->plan->columns[column].kind;
	SbSlice		text = reader->row->cells[column];

	if (kind == IMPORT_JUDGED)
		return get_judged(reader, column, value);
	value->is_null = text.data == NULL;
	if (kind == IMPORT_CODE)
	{
		value->text = text;
		return true;
	}
	if (value->is_null || cell->is_null)
		return value->is_null;
	switch (kind)
	{
		case IMPORT_DATE:
			value->day = cell->day;
			return true;
		case IMPORT_BOOLEAN:
			value->truth = cell->truth;
			return true;
		case IMPORT_INTEGER:
			rule_number_from_int(cell->integer, &value->number);
			return true;
		case IMPORT_TEXT:
			value->text = cell->text;
			return true;
		default:
			return rule_number_parse(cell->text, &value->number);
	}
}

/* Add a rule. */
bool
rule_set_add(RuleSet *set, const char *name, const char *expression, ImportSeverity severity,
			 const char *message, RuleError *error)
{
	RuleScope	scope = {find_column, (void *) set->plan, set->plan->today};
	SbSlice		text = {expression, strlen(expression)};
	const Rule *rule = import_rule_compile(text, &scope, &set->arena, error);
	RuleEntry  *entry;
	const int  *columns;

	if (rule == NULL)
		return false;
	if (set->count == set->room)
	{
		int			room = set->room == 0 ? 8 : 2 * set->room;
		RuleEntry  *entries = set->arena.alloc(set->arena.arg, sizeof(RuleEntry) * (size_t) room);

		if (set->count > 0)
			memcpy(entries, set->entries, sizeof(RuleEntry) * (size_t) set->count);
		set->entries = entries;
		set->room = room;
	}
	entry = &set->entries[set->count++];
	entry->name = name;
	entry->message = message;
	entry->severity = severity;
	entry->rule = rule;
	import_rule_columns(rule, &columns);
	entry->column = columns[0];
	return true;
}

/* What the first rule says, for who tries one. */
RuleVerdict
rule_set_verdict(const RuleSet *set, const ImportRow *row)
{
	RuleRowReader reader = {set->plan, row};
	RuleRow		values = {get_value, &reader};

	return import_rule_holds(set->entries[0].rule, &values, &set->arena);
}

/* A member of a finding's details. */
static void
add_detail(ImportFinding *finding, const char *key, const char *text)
{
	ImportDetail *detail = &finding->details[finding->ndetails++];

	memset(detail, 0, sizeof(*detail));
	detail->key = key;
	detail->type = IMPORT_DETAIL_TEXT;
	detail->text.data = text;
	detail->text.len = strlen(text);
}

/* The finding of a rule that is broken. */
static void
write_finding(const RuleSet *set, const RuleEntry *entry, const ImportRow *row, RuleVerdict verdict, ImportFinding *finding)
{
	finding->severity = entry->severity;
	finding->code = "rule_failed";
	finding->column = set->plan->columns[entry->column].name;
	finding->value = row->cells[entry->column];
	finding->has_details = true;
	finding->ndetails = 0;
	add_detail(finding, "rule", entry->name);
	add_detail(finding, "message", entry->message);
	if (verdict == RULE_TOO_BIG)
		add_detail(finding, "reason", "a number has too many digits");
}

/* Put findings between those of the row: after others of the same severity. */
static void
merge_findings(const ImportPlan *plan, ImportRow *row, const ImportFinding *more, int count)
{
	ImportFinding *merged = plan->alloc(plan->arg, sizeof(ImportFinding) * (size_t) (row->nfindings + count));
	int			place = 0;
	int			next = 0;

	for (int severity = IMPORT_ERROR; severity <= IMPORT_INFO; severity++)
	{
		while (next < row->nfindings && (int) row->findings[next].severity == severity)
			merged[place++] = row->findings[next++];
		for (int i = 0; i < count; i++)
			if ((int) more[i].severity == severity)
			{
				merged[place++] = more[i];
				row->nerrors += severity == IMPORT_ERROR;
				row->nwarnings += severity == IMPORT_WARNING;
			}
	}
	row->findings = merged;
	row->nfindings = place;
}

/* Judge a row. */
void
rule_set_judge(const RuleSet *set, ImportRow *row)
{
	const ImportPlan *plan = set->plan;
	RuleRowReader reader = {plan, row};
	RuleRow		values = {get_value, &reader};
	RuleArena	arena = {plan->alloc, plan->arg};
	ImportFinding *findings = NULL;
	int			count = 0;

	if (row->is_skipped)
		return;
	for (int i = 0; i < set->count; i++)
	{
		RuleVerdict verdict = import_rule_holds(set->entries[i].rule, &values, &arena);

		if (verdict != RULE_BROKEN && verdict != RULE_TOO_BIG)
			continue;
		if (findings == NULL)
			findings = plan->alloc(plan->arg, sizeof(ImportFinding) * (size_t) set->count);
		write_finding(set, &set->entries[i], row, verdict, &findings[count++]);
	}
	if (count > 0)
		merge_findings(plan, row, findings, count);
}

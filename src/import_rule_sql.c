/*-------------------------------------------------------------------------
 *
 * import_rule_sql.c
 *	  Analysis of a job: the rules and the severities that stewards declare.
 *
 * Both come from the snapshot of the job.  A rule that cannot be compiled, as
 * its column is gone, judges nothing; import.note_rules() says so.
 *
 * The severity of an error is lowered only where the catalogue calls its code
 * an error, too, and only of what a cell came to: an error beyond that belongs
 * to a value that the register would refuse, or decides over other rows.
 *
 * IDENTIFICATION
 *	  src/import_rule_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_analyse.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"

#include "import_rule_row.h"

/* A code that has another severity. */
typedef struct ImportSeverityRule
{
	const char *code;
	ImportSeverity severity;
	bool		may_lower;		/* errors of cells */
} ImportSeverityRule;

struct ImportRules
{
	RuleSet		set;
	ImportSeverityRule *severities;
	int			nseverities;
};

/* What the functions of SQL are given: an expression, and columns. */
typedef struct RuleArguments
{
	char	   *expression;
	ImportColumn *columns;
	ImportPlan	plan;
} RuleArguments;

static const char rule_query[] =
"SELECT r.rule ->> 'name', r.rule ->> 'expression', r.rule ->> 'severity', r.rule ->> 'message'"
" FROM import.job AS j CROSS JOIN LATERAL jsonb_array_elements(j.definition_snapshot -> 'import_rule_list') WITH ORDINALITY AS r (rule, place)"
" WHERE j.id = $1 ORDER BY r.place";

static const char severity_query[] =
"SELECT c.code, s.item ->> 'severity', c.severity"
" FROM import.job AS j CROSS JOIN LATERAL jsonb_array_elements(j.definition_snapshot -> 'import_severity_list') AS s (item)"
" JOIN import.finding_code AS c ON c.code = s.item ->> 'code'"
" WHERE j.id = $1 AND c.can_change";

static const char *const severity_names[] = {
	[IMPORT_ERROR] = "error",
	[IMPORT_WARNING] = "warning",
	[IMPORT_INFO] = "info"
};

static uint64 run_query(const ImportJob *job, const char *query);
static char *result_text(uint64 row, int column);
static ImportSeverity severity_of(const char *name);
static void *context_alloc(void *arg, size_t size);
static void load_severities(const ImportJob *job, ImportRules *rules);
static const ImportSeverityRule *find_severity(const ImportRules *rules, const char *code, size_t len);
static void change_findings(const ImportJob *job, ImportRow *row);
static Jsonb *with_severity(Jsonb *finding, ImportSeverity severity);
static void sort_notes(ImportRecord *record);
static void change_notes(const ImportRules *rules, ImportRecord *record);
static int	error_code_of(RuleFault fault);
static bool no_code(void *codes, SbSlice value, const ImportPeriod *period, ImportCode *code);
static char **read_texts(ArrayType *array, int *count);
static void read_arguments(FunctionCallInfo fcinfo, RuleArguments *arguments);
static int32 current_day(void);
static void report(const char *expression, const RuleError *error);
static void judge_cells(const RuleArguments *arguments, char **cells, ImportRow *row);

/* Run a query about the job; returns how many rows it gives. */
static uint64
run_query(const ImportJob *job, const char *query)
{
	Oid			type = INT4OID;
	Datum		argument = Int32GetDatum(job->id);
	int			result = SPI_execute_with_args(query, 1, &type, &argument, NULL, false, 0);

	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not read the rules of the job: %s", SPI_result_code_string(result));
	return SPI_processed;
}

/* A text of the result, in the current memory context. */
static char *
result_text(uint64 row, int column)
{
	bool		is_null;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &is_null);

	return is_null ? pstrdup("") : TextDatumGetCString(value);
}

/* A severity by its name. */
static ImportSeverity
severity_of(const char *name)
{
	for (int i = 0; i < (int) lengthof(severity_names); i++)
		if (strcmp(severity_names[i], name) == 0)
			return (ImportSeverity) i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown severity \"%s\"", name)));
}

/* See RuleArena: memory of a context. */
static void *
context_alloc(void *arg, size_t size)
{
	return MemoryContextAlloc((MemoryContext) arg, size);
}

/* Which codes have another severity. */
static void
load_severities(const ImportJob *job, ImportRules *rules)
{
	uint64		count = run_query(job, severity_query);

	rules->severities = palloc0(sizeof(ImportSeverityRule) * (count + 1));
	for (uint64 i = 0; i < count; i++)
	{
		ImportSeverityRule *rule = &rules->severities[rules->nseverities++];

		rule->code = result_text(i, 1);
		rule->severity = severity_of(result_text(i, 2));
		rule->may_lower = severity_of(result_text(i, 3)) == IMPORT_ERROR;
	}
	SPI_freetuptable(SPI_tuptable);
}

/*
 * The rules and severities of a job, compiled; they live as long as it.  NULL:
 * there are none.
 */
ImportRules *
import_rules_load(const ImportJob *job)
{
	MemoryContext old = MemoryContextSwitchTo(job->context);
	ImportRules *rules = palloc0(sizeof(ImportRules));
	uint64		count = run_query(job, rule_query);

	rules->set.plan = &job->plan;
	rules->set.arena.alloc = context_alloc;
	rules->set.arena.arg = job->context;
	for (uint64 i = 0; i < count; i++)
	{
		RuleError	error;

		rule_set_add(&rules->set, result_text(i, 1), result_text(i, 2), severity_of(result_text(i, 3)),
					 result_text(i, 4), &error);
	}
	SPI_freetuptable(SPI_tuptable);
	load_severities(job, rules);
	MemoryContextSwitchTo(old);
	return rules->set.count > 0 || rules->nseverities > 0 ? rules : NULL;
}

/* What a code's severity is changed to; NULL: it is not. */
static const ImportSeverityRule *
find_severity(const ImportRules *rules, const char *code, size_t len)
{
	for (int i = 0; i < rules->nseverities; i++)
		if (strlen(rules->severities[i].code) == len && memcmp(rules->severities[i].code, code, len) == 0)
			return &rules->severities[i];
	return NULL;
}

/* Change severities of what the cells came to, and sort and count anew. */
static void
change_findings(const ImportJob *job, ImportRow *row)
{
	ImportFinding *sorted;
	bool		changed = false;
	int			place = 0;

	for (int i = 0; i < row->nfindings; i++)
	{
		ImportFinding *finding = &row->findings[i];
		const ImportSeverityRule *rule = finding->code == NULL ? NULL
			: find_severity(job->rules, finding->code, strlen(finding->code));

		if (rule == NULL || rule->severity == finding->severity ||
			(finding->severity == IMPORT_ERROR && !rule->may_lower))
			continue;
		finding->severity = rule->severity;
		changed = true;
	}
	if (!changed)
		return;
	sorted = MemoryContextAlloc(job->batch, sizeof(ImportFinding) * row->nfindings);
	row->nerrors = row->nwarnings = 0;
	for (ImportSeverity severity = IMPORT_ERROR; severity <= IMPORT_INFO; severity++)
		for (int i = 0; i < row->nfindings; i++)
		{
			if (row->findings[i].severity != severity)
				continue;
			sorted[place++] = row->findings[i];
			row->nerrors += severity == IMPORT_ERROR;
			row->nwarnings += severity == IMPORT_WARNING;
		}
	row->findings = sorted;
}

/* A finding with another severity. */
static Jsonb *
with_severity(Jsonb *finding, ImportSeverity severity)
{
	JsonbParseState *state = NULL;
	JsonbIterator *iterator = JsonbIteratorInit(&finding->root);
	JsonbValue *result = NULL;
	JsonbValue	value;
	JsonbIteratorToken token;
	bool		is_severity = false;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_VALUE && is_severity)
		{
			value.type = jbvString;
			value.val.string.val = (char *) severity_names[severity];
			value.val.string.len = (int) strlen(severity_names[severity]);
		}
		is_severity = token == WJB_KEY && value.val.string.len == 8 && memcmp(value.val.string.val, "severity", 8) == 0;
		result = pushJsonbValue(&state, token, token < WJB_BEGIN_ARRAY ? &value : NULL);
	}
	return JsonbValueToJsonb(result);
}

/* Put errors first, then warnings, then infos. */
static void
sort_notes(ImportRecord *record)
{
	for (int i = 1; i < record->nnotes; i++)
	{
		ImportNote	note = record->notes[i];
		int			place = i;

		for (; place > 0 && record->notes[place - 1].severity > note.severity; place--)
			record->notes[place] = record->notes[place - 1];
		record->notes[place] = note;
	}
}

/* Change severities of what was noted before the cells; errors stay errors. */
static void
change_notes(const ImportRules *rules, ImportRecord *record)
{
	bool		changed = false;

	for (int i = 0; i < record->nnotes; i++)
	{
		ImportNote *note = &record->notes[i];
		const ImportSeverityRule *rule;
		JsonbValue	code;

		if (note->severity == IMPORT_ERROR ||
			getKeyJsonValueFromContainer(&note->finding->root, "code", 4, &code) == NULL || code.type != jbvString)
			continue;
		rule = find_severity(rules, code.val.string.val, code.val.string.len);
		if (rule == NULL || rule->severity == note->severity)
			continue;
		note->severity = rule->severity;
		note->finding = with_severity(note->finding, rule->severity);
		changed = true;
	}
	if (changed)
		sort_notes(record);
}

/*
 * Judge a row by the declared rules, after import_judge_row(), and give its
 * findings the declared severities.
 */
void
import_rules_judge(const ImportJob *job, ImportRecord *record)
{
	if (job->rules == NULL)
		return;
	rule_set_judge(&job->rules->set, &record->row);
	if (job->rules->nseverities == 0)
		return;
	change_findings(job, &record->row);
	change_notes(job->rules, record);
}

/*
 * Functions of SQL
 */

/* The SQLSTATE of a fault. */
static int
error_code_of(RuleFault fault)
{
	switch (fault)
	{
		case RULE_FAULT_COLUMN:
			return ERRCODE_UNDEFINED_COLUMN;
		case RULE_FAULT_FUNCTION:
			return ERRCODE_UNDEFINED_FUNCTION;
		case RULE_FAULT_TYPE:
			return ERRCODE_DATATYPE_MISMATCH;
		case RULE_FAULT_DATE:
			return ERRCODE_INVALID_DATETIME_FORMAT;
		case RULE_FAULT_TOO_LONG:
			return ERRCODE_STATEMENT_TOO_COMPLEX;
		case RULE_FAULT_NONE:
		case RULE_FAULT_SYNTAX:
			break;
	}
	return ERRCODE_SYNTAX_ERROR;
}

/* See ImportPlan.lookup: where a rule is tried, no list is read. */
static bool
no_code(void *codes, SbSlice value, const ImportPeriod *period, ImportCode *code)
{
	(void) codes;
	(void) value;
	(void) period;
	(void) code;
	return false;
}

/* The texts of an array; NULL for NULL. */
static char **
read_texts(ArrayType *array, int *count)
{
	Datum	   *elements;
	bool	   *nulls;
	char	  **texts;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, count);
	texts = palloc(sizeof(char *) * (*count + 1));
	for (int i = 0; i < *count; i++)
		texts[i] = nulls[i] ? NULL : TextDatumGetCString(elements[i]);
	return texts;
}

/* The day that counts as today. */
static int32
current_day(void)
{
	int32		today;

	return statbus_current_date(&today) ? today : GetSQLCurrentDate();
}

/* Arguments: expression, names of columns, their kinds as in import.cell_columns(). */
static void
read_arguments(FunctionCallInfo fcinfo, RuleArguments *arguments)
{
	static const SbDateFormat formats[] = {SB_FORMAT_YYYY_MM_DD};
	static const char *const format_names[] = {"YYYY-MM-DD"};
	static const SbSlice true_words[] = {{"true", 4}};
	static const SbSlice false_words[] = {{"false", 5}};
	int			count;
	int			nkinds;
	char	  **names = read_texts(PG_GETARG_ARRAYTYPE_P(1), &count);
	char	  **kinds = read_texts(PG_GETARG_ARRAYTYPE_P(2), &nkinds);

	if (count != nkinds)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%d columns have %d kinds", count, nkinds)));
	memset(arguments, 0, sizeof(*arguments));
	arguments->expression = text_to_cstring(PG_GETARG_TEXT_PP(0));
	arguments->columns = palloc0(sizeof(ImportColumn) * (count + 1));
	for (int i = 0; i < count; i++)
	{
		if (names[i] == NULL || kinds[i] == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a column has no name or no kind")));
		arguments->columns[i].name = names[i];
		arguments->columns[i].kind = import_kind_of(kinds[i]);
		arguments->columns[i].list = arguments->columns[i].kind == IMPORT_CODE ? IMPORT_LIST_PLAIN : IMPORT_LIST_NONE;
	}
	arguments->plan = (ImportPlan) {.columns = arguments->columns, .ncolumns = count, .date_formats = formats, .date_format_names = format_names, .ndate_formats = 1,
									.decimal = SB_MARK_DOT, .thousands = SB_MARK_NONE, .true_words = true_words, .ntrue = 1, .false_words = false_words, .nfalse = 1,
									.today = current_day(), .lookup = no_code, .normalise = import_normalise, .alloc = context_alloc, .arg = CurrentMemoryContext};
	import_link_plan(&arguments->plan);
}

/* Refuse an expression. */
static void
report(const char *expression, const RuleError *error)
{
	int			position = pg_mbstrlen_with_len(expression, (int) error->position) + 1;

	ereport(ERROR,
			(errcode(error_code_of(error->fault)),
			 errmsg("%s", error->message),
			 errdetail("At character %d of the expression.", position),
			 internalerrposition(position),
			 internalerrquery(expression)));
}

PG_FUNCTION_INFO_V1(statbus_import_rule_columns);

/* The columns that an expression names, in its order; an error says what is wrong with it. */
Datum
statbus_import_rule_columns(PG_FUNCTION_ARGS)
{
	RuleArguments arguments;
	RuleSet		set = {0};
	RuleError	error;
	const int  *columns;
	Datum	   *names;
	int			count;

	read_arguments(fcinfo, &arguments);
	set.plan = &arguments.plan;
	set.arena = (RuleArena) {context_alloc, CurrentMemoryContext};
	if (!rule_set_add(&set, "", arguments.expression, IMPORT_ERROR, "", &error))
		report(arguments.expression, &error);
	count = import_rule_columns(set.entries[0].rule, &columns);
	names = palloc(sizeof(Datum) * count);
	for (int i = 0; i < count; i++)
		names[i] = CStringGetTextDatum(arguments.columns[columns[i]].name);
	PG_RETURN_ARRAYTYPE_P(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
}

PG_FUNCTION_INFO_V1(statbus_import_rule_error);

/* What is wrong with an expression; NULL: nothing. */
Datum
statbus_import_rule_error(PG_FUNCTION_ARGS)
{
	RuleArguments arguments;
	RuleSet		set = {0};
	RuleError	error;

	read_arguments(fcinfo, &arguments);
	set.plan = &arguments.plan;
	set.arena = (RuleArena) {context_alloc, CurrentMemoryContext};
	if (rule_set_add(&set, "", arguments.expression, IMPORT_ERROR, "", &error))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(error.message));
}

/* Cells as a file has them become the row that rules see. */
static void
judge_cells(const RuleArguments *arguments, char **cells, ImportRow *row)
{
	const ImportPlan *plan = &arguments->plan;
	SbSlice    *texts = palloc0(sizeof(SbSlice) * (plan->ncolumns + 1));
	SbDate		from = {0};
	SbDate		to = {.infinite = true};

	row->has_period = true;
	for (int i = 0; i < plan->ncolumns; i++)
	{
		const char *name = plan->columns[i].name;
		bool		is_from = strcmp(name, "valid_from") == 0;

		if (cells[i] == NULL)
			continue;
		texts[i] = sb_trim(cells[i], strlen(cells[i]));
		if ((is_from || strcmp(name, "valid_to") == 0) &&
			sb_parse_date(texts[i].data, texts[i].len, plan->date_formats, 1, is_from ? &from : &to) != SB_PARSE_OK)
			row->has_period = false;
		if (texts[i].len == 0)
			texts[i].data = NULL;
	}
	row->cells = texts;
	row->values = palloc0(sizeof(ImportValue) * (plan->ncolumns + 1));
	row->valid_from = from.infinite ? INT32_MAX : from.day;
	row->valid_until = to.infinite ? INT32_MAX : to.day + 1;
	import_judge_row(plan, row);
}

PG_FUNCTION_INFO_V1(statbus_import_rule_value);

/* What an expression says of a row: dates and numbers as ISO and SQL write them. */
Datum
statbus_import_rule_value(PG_FUNCTION_ARGS)
{
	RuleArguments arguments;
	RuleSet		set = {0};
	RuleError	error;
	ImportRow	row = {0};
	int			count;
	char	  **cells = read_texts(PG_GETARG_ARRAYTYPE_P(3), &count);

	read_arguments(fcinfo, &arguments);
	if (count != arguments.plan.ncolumns)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%d columns have %d values", arguments.plan.ncolumns, count)));
	set.plan = &arguments.plan;
	set.arena = (RuleArena) {context_alloc, CurrentMemoryContext};
	if (!rule_set_add(&set, "", arguments.expression, IMPORT_ERROR, "", &error))
		report(arguments.expression, &error);
	judge_cells(&arguments, cells, &row);
	switch (rule_set_verdict(&set, &row))
	{
		case RULE_HOLDS:
			PG_RETURN_BOOL(true);
		case RULE_BROKEN:
		case RULE_TOO_BIG:
			PG_RETURN_BOOL(false);
		case RULE_UNKNOWN:
			break;
	}
	PG_RETURN_NULL();
}

/*-------------------------------------------------------------------------
 *
 * import_rule_test.c
 *	  Unit tests of declared rules: src/import_rule*.c without a server.
 *
 * Rules and what they say of one row; rules that are refused, with fault and
 * place; numbers against each other; patterns against a slow matcher; a row of
 * a file with its findings.  Prints TAP.  Exits with 1 when a test fails.
 *
 * IDENTIFICATION
 *	  test/unit/import_rule_test.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_rule_internal.h"
#include "import_rule_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define length(array) ((int) (sizeof(array) / sizeof((array)[0])))
#define MAX_CHUNKS 4096

/* A column of the row that all cases are about. */
typedef struct Cell
{
	const char *name;
	RuleType	type;
	const char *value;			/* NULL: nothing; "?": cannot be read */
} Cell;

typedef struct Case
{
	const char *expression;
	RuleVerdict expected;
} Case;

typedef struct Fault
{
	const char *expression;
	RuleFault	fault;
	size_t		position;
} Fault;

static const Cell cells[] = {
	{"name", RULE_TEXT, "Ærø Fish Ltd"},
	{"tax_ident", RULE_TEXT, "0974760673"},
	{"note", RULE_TEXT, NULL},
	{"employees", RULE_NUMBER, "12"},
	{"turnover", RULE_NUMBER, "1234.50"},
	{"loss", RULE_NUMBER, "-0.1"},
	{"profit", RULE_NUMBER, NULL},
	{"assets", RULE_NUMBER, "?"},
	{"huge", RULE_NUMBER, "99999999999999999999999999999999999999999999999999"},
	{"birth_date", RULE_DATE, "2020-02-29"},
	{"death_date", RULE_DATE, NULL},
	{"valid_to", RULE_DATE, "infinity"},
	{"exports", RULE_BOOLEAN, "true"},
	{"imports", RULE_BOOLEAN, NULL},
	{"Odd name", RULE_TEXT, "x"}
};

static const Case cases[] = {
	/* comparison, truth, precedence */
	{"employees = 12", RULE_HOLDS}, {"employees <> 12", RULE_BROKEN}, {"employees != 11", RULE_HOLDS},
	{"employees >= 12 and employees <= 12 and not employees > 12 and not employees < 12", RULE_HOLDS},
	{"EMPLOYEES = 12", RULE_HOLDS}, {"\"employees\" = 12", RULE_HOLDS}, {"\"Odd name\" = 'x'", RULE_HOLDS},
	{"profit = 1", RULE_UNKNOWN}, {"profit = 1 or employees = 12", RULE_HOLDS}, {"employees = 12 or profit = 1", RULE_HOLDS},
	{"profit = 1 and employees = 1", RULE_BROKEN}, {"profit = 1 and employees = 12", RULE_UNKNOWN}, {"not profit = 1", RULE_UNKNOWN},
	{"employees = 1 and employees = 12 or employees = 12", RULE_HOLDS}, {"employees = 12 or employees = 12 and employees = 1", RULE_HOLDS},
	{"not employees = 1 and employees = 1", RULE_BROKEN}, {"exports", RULE_HOLDS}, {"not exports", RULE_BROKEN}, {"imports", RULE_UNKNOWN},
	{"exports = (employees = 12)", RULE_HOLDS}, {"exports is true", RULE_HOLDS}, {"imports is true", RULE_BROKEN}, {"imports is not false", RULE_HOLDS},
	{"profit is null", RULE_HOLDS}, {"profit is not null", RULE_BROKEN}, {"profit = 1 is null", RULE_HOLDS}, {"employees = null", RULE_UNKNOWN},
	/* numbers */
	{"employees + 2 * 3 = 18", RULE_HOLDS}, {"(employees + 2) * 3 = 42", RULE_HOLDS}, {"employees / 5 = 2.4", RULE_HOLDS},
	{"employees / 7 * 7 = employees", RULE_HOLDS}, {"employees - 13 = -1", RULE_HOLDS}, {"- - employees = 12", RULE_HOLDS}, {"loss + 0.2 = .1", RULE_HOLDS},
	{"loss * 3 = -0.30", RULE_HOLDS}, {"turnover = 1234.5", RULE_HOLDS}, {"turnover / employees between 102 and 103", RULE_HOLDS},
	{"employees / (employees - 12) > 1", RULE_UNKNOWN}, {"huge * huge > 1", RULE_TOO_BIG}, {"huge + 1 > huge", RULE_HOLDS}, {"huge * 0 = 0", RULE_HOLDS},
	{"1 / 3 + employees > 12.3333333333333333333333333333", RULE_HOLDS}, {"abs(loss) = 0.1", RULE_HOLDS}, {"employees - 12 = -0", RULE_HOLDS},
	{"assets > 1", RULE_UNKNOWN}, {"assets is null", RULE_UNKNOWN}, {"employees = 12 or assets > 1", RULE_HOLDS}, {"employees = 1 and assets > 1", RULE_BROKEN},
	/* lists and ranges */
	{"employees in (1, 12, 3)", RULE_HOLDS}, {"employees not in (1, 12, 3)", RULE_BROKEN}, {"employees in (1, null)", RULE_UNKNOWN},
	{"employees not in (1, null)", RULE_UNKNOWN}, {"employees in (12, null)", RULE_HOLDS}, {"profit in (1)", RULE_UNKNOWN},
	{"employees between 12 and 12", RULE_HOLDS}, {"employees between 13 and profit", RULE_BROKEN}, {"employees between 1 and profit", RULE_UNKNOWN},
	{"employees not between 1 and 11", RULE_HOLDS}, {"employees not between 1 and 11 and employees = 12", RULE_HOLDS}, {"profit between 1 and 2", RULE_UNKNOWN},
	/* texts */
	{"length(name) = 12", RULE_HOLDS}, {"lower(name) = 'ærø fish ltd'", RULE_HOLDS}, {"name like '%' and lower('ΣΟΦΟΣ ς Ⱥİ') = 'σοφοσ ς ⱥi'", RULE_HOLDS},
	{"name like 'Ær_ %Ltd'", RULE_HOLDS}, {"name like 'Ærø'", RULE_BROKEN},
	{"name not like '%AS'", RULE_HOLDS}, {"name like '%' and name like '%%' and name not like '_'", RULE_HOLDS}, {"tax_ident like '0974\\_%'", RULE_BROKEN},
	{"substring(tax_ident, 2, 3) = '974'", RULE_HOLDS}, {"substring(tax_ident, 8) = '673'", RULE_HOLDS}, {"substring(tax_ident, 0, 2) = '0'", RULE_HOLDS},
	{"substring(tax_ident, -1, 1) = ''", RULE_HOLDS}, {"substring(tax_ident, 1, -1) = ''", RULE_UNKNOWN}, {"left(name, 2) = 'Ær'", RULE_HOLDS},
	{"left(name, -9) = 'Ærø'", RULE_HOLDS}, {"right(name, 3) = 'Ltd'", RULE_HOLDS}, {"right(name, -9) = 'Ltd'", RULE_HOLDS}, {"right(name, 99) = name", RULE_HOLDS},
	{"is_digits(tax_ident) and not is_digits(name)", RULE_HOLDS}, {"number(substring(tax_ident, 1, 4)) = 974", RULE_HOLDS}, {"number(name) is null", RULE_HOLDS},
	{"starts_with(tax_ident, '0')", RULE_HOLDS}, {"starts_with(tax_ident, '')", RULE_HOLDS}, {"starts_with(tax_ident, '00')", RULE_BROKEN}, {"trim(name) = name", RULE_HOLDS},
	{"coalesce(note, name) = name", RULE_HOLDS}, {"coalesce(note, 'none') = 'none'", RULE_HOLDS}, {"coalesce(profit, null, 3) = 3", RULE_HOLDS}, {"note = ''", RULE_UNKNOWN},
	{"tax_ident < '1'", RULE_HOLDS}, {"name > 'Z'", RULE_HOLDS}, {"tax_ident = 'it''s'", RULE_BROKEN},
	/* dates */
	{"birth_date = date '2020-02-29'", RULE_HOLDS}, {"birth_date > '2020-02-28'", RULE_HOLDS}, {"'2020-02-28' > birth_date", RULE_BROKEN},
	{"birth_date + 1 = '2020-03-01'", RULE_HOLDS}, {"birth_date - date '2020-01-01' = 59", RULE_HOLDS}, {"birth_date - '2020-01-01' = 59", RULE_HOLDS},
	{"year(birth_date) = 2020 and month(birth_date) = 2 and day(birth_date) = 29", RULE_HOLDS}, {"birth_date < today()", RULE_HOLDS},
	{"death_date >= birth_date", RULE_UNKNOWN}, {"valid_to = 'infinity'", RULE_HOLDS}, {"valid_to > today()", RULE_HOLDS}, {"year(valid_to) > 1", RULE_UNKNOWN},
	{"valid_to - birth_date > 1", RULE_UNKNOWN}, {"valid_to + 1 = valid_to", RULE_HOLDS}, {"birth_date + 99999999 > birth_date", RULE_UNKNOWN},
	{"birth_date + 0.5 > birth_date", RULE_UNKNOWN}, {"birth_date + 4 / 2 > birth_date", RULE_HOLDS}, {"birth_date in ('2020-02-29')", RULE_HOLDS},
	{"birth_date > '-infinity'", RULE_HOLDS}, {"coalesce(death_date, '2021-01-01') > birth_date", RULE_HOLDS}
};

static const Fault faults[] = {
	{"", RULE_FAULT_SYNTAX, 0}, {"employees >", RULE_FAULT_SYNTAX, 11}, {"employees > 1 2", RULE_FAULT_SYNTAX, 14}, {"employees > 'x", RULE_FAULT_SYNTAX, 12},
	{"employees > 1e5", RULE_FAULT_SYNTAX, 12}, {"employees > 1.2.3", RULE_FAULT_SYNTAX, 12}, {"employees = 1 -- x", RULE_FAULT_SYNTAX, 14}, {"employees ; 1", RULE_FAULT_SYNTAX, 10},
	{"1 < employees < 3", RULE_FAULT_SYNTAX, 14}, {"(employees = 1", RULE_FAULT_SYNTAX, 14}, {"employees not 1", RULE_FAULT_SYNTAX, 14}, {"employees is 1", RULE_FAULT_SYNTAX, 13},
	{"employees in ()", RULE_FAULT_SYNTAX, 14}, {"employees between 1 or 2", RULE_FAULT_SYNTAX, 20}, {"1 = 1", RULE_FAULT_SYNTAX, 0}, {"and", RULE_FAULT_SYNTAX, 0},
	{"employes > 1", RULE_FAULT_COLUMN, 0}, {"employees > 1 and \"Employees\" > 1", RULE_FAULT_COLUMN, 18},
	{"employees > '1'", RULE_FAULT_TYPE, 10}, {"name > 1", RULE_FAULT_TYPE, 5}, {"employees", RULE_FAULT_TYPE, 0}, {"employees and exports", RULE_FAULT_TYPE, 0},
	{"name + 1 > 1", RULE_FAULT_TYPE, 0}, {"birth_date * 2 > 1", RULE_FAULT_TYPE, 0}, {"employees like '1%'", RULE_FAULT_TYPE, 0}, {"not name", RULE_FAULT_TYPE, 4},
	{"birth_date > name", RULE_FAULT_TYPE, 11}, {"employees in (1, name)", RULE_FAULT_TYPE, 10}, {"length(employees) > 1", RULE_FAULT_TYPE, 7}, {"employees is true", RULE_FAULT_TYPE, 0},
	{"birth_date > 'soon'", RULE_FAULT_DATE, 13}, {"birth_date > date '2023-02-29'", RULE_FAULT_DATE, 18},
	{"lenght(name) > 1", RULE_FAULT_FUNCTION, 0}, {"length() > 1", RULE_FAULT_FUNCTION, 0}, {"length(name, name) > 1", RULE_FAULT_FUNCTION, 0}, {"coalesce() = name", RULE_FAULT_FUNCTION, 0},
	{"employees > 99999999999999999999999999999999999999999999999999999999999999999999999999999999", RULE_FAULT_TOO_LONG, 12}
};

static void *chunks[MAX_CHUNKS];
static int	nchunks = 0;

/* Memory until the end of a test, each piece its own for the sanitizer. */
static void *
alloc(void *arg, size_t size)
{
	(void) arg;
	if (nchunks == MAX_CHUNKS)
		abort();
	return chunks[nchunks++] = malloc(size > 0 ? size : 1);
}

/* Give it back. */
static void
release(void)
{
	while (nchunks > 0)
		free(chunks[--nchunks]);
}

static const RuleArena arena = {alloc, NULL};

/* A text. */
static SbSlice
slice(const char *text)
{
	return (SbSlice) {text, strlen(text)};
}

/* See RuleScope. */
static bool
find(void *arg, SbSlice name, int *column, RuleType *type)
{
	(void) arg;
	for (int i = 0; i < length(cells); i++)
		if (strlen(cells[i].name) == name.len && memcmp(cells[i].name, name.data, name.len) == 0)
		{
			*column = i;
			*type = cells[i].type;
			return true;
		}
	return false;
}

/* See RuleRow. */
static bool
get(void *arg, int column, RuleValue *value)
{
	static const SbDateFormat iso[] = {SB_FORMAT_YYYY_MM_DD};
	const char *text = cells[column].value;
	SbDate		date;

	(void) arg;
	value->is_null = text == NULL;
	if (text == NULL)
		return true;
	if (strcmp(text, "?") == 0)
		return false;
	value->text = slice(text);
	value->truth = strcmp(text, "true") == 0;
	if (cells[column].type == RULE_NUMBER)
		return rule_number_parse(value->text, &value->number);
	if (cells[column].type == RULE_DATE && sb_parse_date(text, strlen(text), iso, 1, &date) == SB_PARSE_OK)
		value->day = date.infinite ? RULE_DAY_INFINITY : date.day;
	return true;
}

static const RuleScope scope = {find, NULL, 8932};	/* 2024-06-15 */
static const RuleRow row = {get, NULL};

/* Rules and what they say. */
static void
test_cases(void)
{
	for (int i = 0; i < length(cases); i++)
	{
		RuleError	error;
		Rule	   *rule = import_rule_compile(slice(cases[i].expression), &scope, &arena, &error);

		if (rule == NULL)
			printf("# %zu: %s\n", error.position, error.message);
		ok(rule != NULL && import_rule_holds(rule, &row, &arena) == cases[i].expected, "%s", cases[i].expression);
		release();
	}
}

/* Rules that are refused. */
static void
test_faults(void)
{
	for (int i = 0; i < length(faults); i++)
	{
		RuleError	error;
		Rule	   *rule = import_rule_compile(slice(faults[i].expression), &scope, &arena, &error);
		bool		passed = rule == NULL && error.fault == faults[i].fault && error.position == faults[i].position;

		if (!passed && rule == NULL)
			printf("# fault %d at %zu: %s\n", error.fault, error.position, error.message);
		ok(passed, "%s", faults[i].expression);
		release();
	}
}

/* Rules that are too long or too deep are refused, and do not break the stack. */
static void
test_depth(void)
{
	static const char *const parts[] = {"(", "- ", "not ", "1 + ", "length(", "coalesce("};
	char		text[RULE_MAX_BYTES + 100];
	RuleError	error;

	for (int i = 0; i < length(parts); i++)
	{
		size_t		len = 0;

		while (len + strlen(parts[i]) < RULE_MAX_BYTES - 10)
		{
			strcpy(text + len, parts[i]);
			len += strlen(parts[i]);
		}
		strcpy(text + len, "employees");
		ok(import_rule_compile(slice(text), &scope, &arena, &error) == NULL && error.fault == RULE_FAULT_TOO_LONG, "%s", parts[i]);
		release();
	}
	memset(text, ' ', sizeof(text));
	ok(import_rule_compile((SbSlice) {text, RULE_MAX_BYTES + 1}, &scope, &arena, &error) == NULL && error.fault == RULE_FAULT_TOO_LONG, "too many bytes");
	release();
	text[0] = '\0';
	for (int i = 0; i < 500; i++)
		strcat(text, i == 0 ? "employees = 1" : " or exports");
	ok(import_rule_compile(slice(text), &scope, &arena, &error) != NULL, "a long chain is not deep");
	release();
}

/* The columns of a rule. */
static void
test_columns(void)
{
	RuleError	error;
	Rule	   *rule = import_rule_compile(slice("turnover > employees * 2 and turnover < 10 and name is null"), &scope, &arena, &error);
	const int  *columns;

	ok(rule != NULL && import_rule_columns(rule, &columns) == 3 && columns[0] == 4 && columns[1] == 3 && columns[2] == 0,
	   "columns are counted once, in their order");
	release();
}

/* A random number of so many digits. */
static int64_t
random_int(void)
{
	int64_t		limit = 1;

	for (int i = rand() % 9; i > 0; i--)
		limit *= 10;
	return rand() % (limit + 1) * (rand() % 2 == 0 ? 1 : -1);
}

/* Fractions against those of 64 bits. */
static void
test_numbers(void)
{
	int			wrong = 0;
	RuleNumber	a;
	RuleNumber	b;
	RuleNumber	c;
	int64_t		back;

	for (int i = 0; i < 200000; i++)
	{
		int64_t		x = random_int();
		int64_t		y = random_int();

		rule_number_from_int(x, &a);
		rule_number_from_int(y, &b);
		wrong += !rule_number_add(&a, &b, &c) || !rule_number_to_int(&c, &back) || back != x + y;
		wrong += !rule_number_multiply(&a, &b, &c) || !rule_number_to_int(&c, &back) || back != x * y;
		wrong += rule_number_compare(&a, &b) != (x > y) - (x < y);
		if (y != 0)
		{
			wrong += !rule_number_divide(&a, &b, &c) || rule_number_compare(&c, &a) != (y > 0 ? (x > x * y) - (x < x * y) : (x * y > x) - (x * y < x));
			wrong += !rule_number_multiply(&c, &b, &c) || rule_number_compare(&c, &a) != 0;
		}
	}
	ok(wrong == 0, "fractions against integers of 64 bits");
	rule_number_from_int(INT64_MIN, &a);
	rule_number_from_int(INT64_MAX, &b);
	ok(rule_number_add(&a, &b, &c) && rule_number_to_int(&c, &back) && back == -1, "the smallest integer and the largest");
	ok(!rule_number_parse(slice("-"), &a) && !rule_number_parse(slice("."), &a) && !rule_number_parse(slice("1.2.3"), &a) && !rule_number_parse(slice(""), &a), "no numbers");
	ok(rule_number_parse(slice("-0.00"), &a) && rule_number_is_zero(&a) && !a.negative, "zero is not negative");
	ok(rule_number_parse(slice("77777777777777777777777777777777777777777777777777777777777777777777777777777"), &a), "77 digits");
}

/* The same question as rule_text_like(), by trying everything. */
static bool
slow_like(const char *text, const char *pattern)
{
	if (*pattern == '\0')
		return *text == '\0';
	if (*pattern == '%')
		return slow_like(text, pattern + 1) || (*text != '\0' && slow_like(text + 1, pattern));
	if (*text == '\0')
		return false;
	if (*pattern == '_')
		return slow_like(text + 1, pattern + 1);
	if (*pattern == '\\' && pattern[1] != '\0')
		pattern++;
	return *text == *pattern && slow_like(text + 1, pattern + 1);
}

/* Patterns, at random, and one that takes exponential time where everything is tried. */
static void
test_patterns(void)
{
	int			wrong = 0;
	char	   *text;

	for (int i = 0; i < 300000; i++)
	{
		char		t[9] = "";
		char		p[9] = "";

		for (int j = rand() % 8; j > 0; j--)
			t[strlen(t)] = "ab%"[rand() % 3];
		for (int j = rand() % 8; j > 0; j--)
			p[strlen(p)] = "ab%_\\"[rand() % 5];
		wrong += rule_text_like(slice(t), slice(p)) != slow_like(t, p);
	}
	ok(wrong == 0, "patterns against trying everything");
	text = malloc(100001);
	memset(text, 'a', 100000);
	text[100000] = '\0';
	ok(!rule_text_like(slice(text), slice("%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%b")), "a pattern that cannot be blown up");
	free(text);
}

/* A row of a file. */
static void
test_row(void)
{
	static const ImportColumn columns[] = {
		{.name = "valid_from", .kind = IMPORT_JUDGED},
		{.name = "valid_to", .kind = IMPORT_JUDGED},
		{.name = "name", .kind = IMPORT_TEXT},
		{.name = "birth_date", .kind = IMPORT_DATE},
		{.name = "employees", .kind = IMPORT_INTEGER},
		{.name = "turnover", .kind = IMPORT_NUMERIC}
	};
	static const SbDateFormat formats[] = {SB_FORMAT_YYYY_MM_DD};
	static const char *const names[] = {"YYYY-MM-DD"};
	ImportPlan	plan = {.columns = columns, .ncolumns = 6, .date_formats = formats, .date_format_names = names, .ndate_formats = 1,
	.decimal = SB_MARK_DOT, .thousands = SB_MARK_NONE, .today = 8932, .alloc = alloc};
	RuleSet		set = {.plan = &plan, .arena = {alloc, NULL}};
	SbSlice		texts[6] = {{"x", 1}, {"x", 1}, {"", 0}, {"2021-01-01", 10}, {"12", 2}, {"ten", 3}};
	ImportValue values[6];
	ImportRow	file_row = {.cells = texts, .values = values, .valid_from = 7305, .valid_until = INT32_MAX, .has_period = true, .is_covered = true};
	RuleError	error;

	texts[2].data = NULL;
	import_link_plan(&plan);
	plan.name_never_needed = true;
	ok(rule_set_add(&set, "born_before", "birth_date <= valid_from", IMPORT_WARNING, "Born later", &error) &&
	   rule_set_add(&set, "many", "employees > 20", IMPORT_ERROR, "Too few", &error) &&
	   rule_set_add(&set, "unreadable", "turnover is null", IMPORT_ERROR, "Not said", &error) &&
	   rule_set_add(&set, "open", "valid_to < 'infinity'", IMPORT_INFO, "Open", &error) &&
	   !rule_set_add(&set, "unknown", "profit > 1", IMPORT_INFO, "Unknown", &error) && error.fault == RULE_FAULT_COLUMN,
	   "rules of a plan");
	import_judge_row(&plan, &file_row);
	rule_set_judge(&set, &file_row);
	ok(file_row.nfindings == 4 && file_row.nerrors == 2 && file_row.nwarnings == 1, "findings of a row, counted");
	ok(file_row.nfindings == 4 && strcmp(file_row.findings[0].code, "not_a_number") == 0 && strcmp(file_row.findings[1].code, "rule_failed") == 0 &&
	   strcmp(file_row.findings[1].column, "employees") == 0 && file_row.findings[1].value.len == 2 && file_row.findings[1].ndetails == 2 &&
	   strcmp(file_row.findings[2].column, "birth_date") == 0 && strcmp(file_row.findings[3].column, "valid_to") == 0, "findings of a row, in their order");
	file_row.is_skipped = true;
	import_judge_row(&plan, &file_row);
	rule_set_judge(&set, &file_row);
	ok(file_row.nfindings == 0, "a skipped row has none");
	release();
}

int
main(void)
{
	srand(7);
	test_cases();
	test_faults();
	test_depth();
	test_columns();
	test_numbers();
	test_patterns();
	test_row();
	return tap_end();
}

/*-------------------------------------------------------------------------
 *
 * import_cell_harness.h
 *	  What the unit tests of cells share: a plan, a row, and what it comes to
 *	  written as text.
 *
 *
 * IDENTIFICATION
 *	  test/unit/import_cell_harness.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef IMPORT_CELL_HARNESS_H
#define IMPORT_CELL_HARNESS_H

#include "import_cell_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define length(array) ((int) (sizeof(array) / sizeof((array)[0])))

#define MAX_COLUMNS 32
#define MAX_CHUNKS 4096
#define TODAY 9132				/* 2025-01-01 */

/* A code of a list. */
typedef struct ListedCode
{
	const char *text;
	ImportCode	code;
} ListedCode;

/* Codes that have always been in force. */
#define ALWAYS(id, enabled, is_leaf) {id, enabled, is_leaf, {IMPORT_SINCE_EVER, IMPORT_FOR_EVER}, {NULL, 0}}

static const ListedCode countries[] = {
	{"NO", ALWAYS(47, true, true)}, {"SE", ALWAYS(46, true, true)}, {"SU", ALWAYS(7, false, true)},
	{NULL, ALWAYS(0, false, false)}
};

static const ListedCode codes[] = {
	{"A", ALWAYS(1, true, true)}, {"old", ALWAYS(2, false, true)}, {"B", ALWAYS(3, true, false)},
	{"01.1", ALWAYS(4, true, true)}, {"0301", ALWAYS(5, true, true)},
	{"0219", {6, true, true, {IMPORT_SINCE_EVER, 7305}, {"3024", 4}}},
	{"3024", {7, true, true, {7305, 8766}, {"3201", 4}}},
	{"3201", {8, true, false, {8766, IMPORT_FOR_EVER}, {NULL, 0}}},
	{"loop", {9, true, true, {IMPORT_SINCE_EVER, 367}, {"loop", 4}}},
	{NULL, ALWAYS(0, false, false)}
};

/* The arena: what was allocated, given back after each row. */
static void *chunks[MAX_CHUNKS];
static int	nchunks = 0;
static int	normalised = 0;

/* The row of the test. */
static ImportColumn columns[MAX_COLUMNS];
static SbSlice cells[MAX_COLUMNS];
static ImportValue values[MAX_COLUMNS];
static ImportPlan plan;
static ImportRow row;
static char text[8192];

static void say(const char *format,...) __attribute__((format(printf, 1, 2)));

/* Report a comparison of texts. */
static void
is(const char *got, const char *expected, const char *what)
{
	ok(strcmp(got, expected) == 0, "%s: %s", what, expected);
	if (strcmp(got, expected) != 0)
		printf("# got: %s\n", got);
}

/* Add to the text. */
static void
say(const char *format,...)
{
	size_t		len = strlen(text);
	va_list		args;

	va_start(args, format);
	vsnprintf(text + len, sizeof(text) - len, format, args);
	va_end(args);
}

static void *
take(void *arg, size_t size)
{
	if (nchunks == MAX_CHUNKS || arg != &plan)
		abort();
	chunks[nchunks] = malloc(size > 0 ? size : 1);
	if (chunks[nchunks] == NULL)
		abort();
	return chunks[nchunks++];
}

/* Give back what was taken since there were so many chunks. */
static void
give_back(int since)
{
	while (nchunks > since)
		free(chunks[--nchunks]);
}

static bool
look_up(void *list, SbSlice value, const ImportPeriod *period, ImportCode *code)
{
	(void) period;
	for (const ListedCode *c = list; c->text != NULL; c++)
	{
		if (strlen(c->text) == value.len && memcmp(c->text, value.data, value.len) == 0)
		{
			*code = c->code;
			return true;
		}
	}
	return false;
}

static bool
suggest(void *list, SbSlice value, const ImportPeriod *period, SbSlice *suggestion)
{
	(void) period;
	if (list == codes)
	{
		*suggestion = (SbSlice) {"0301", 4};
		return value.len == 3 && memcmp(value.data, "301", 3) == 0;
	}
	*suggestion = (SbSlice) {"NO", 2};
	return value.len == 3 && memcmp(value.data, "NOR", 3) == 0;
}

/* Codes of two digits are known to the second of two other lists, those that begin with 9 to both. */
static uint32_t
look_elsewhere(void *list, SbSlice value)
{
	(void) list;
	return (value.len == 2 ? 2 : 0) | (value.len > 0 && value.data[0] == '9' ? 1 : 0);
}

static SbSlice
name_other(void *list, int other)
{
	(void) list;
	return other == 0 ? (SbSlice) {"first", 5} : (SbSlice) {"second", 6};
}

/* Composes e and acute accent. */
static SbSlice
normalise(void *arg, SbSlice value)
{
	char	   *copy = take(arg, value.len + 1);
	size_t		len = 0;

	normalised++;
	for (size_t i = 0; i < value.len; i++)
	{
		if (value.len - i >= 3 && memcmp(value.data + i, "e\xCC\x81", 3) == 0)
		{
			memcpy(copy + len, "\xC3\xA9", 2);
			len += 2;
			i += 2;
		}
		else
			copy[len++] = value.data[i];
	}
	return (SbSlice) {copy, len};
}

/* A plan without columns, with everything else declared. */
static void
begin_plan(void)
{
	static const SbDateFormat formats[] = {SB_FORMAT_YYYY_MM_DD, SB_FORMAT_DD_MM_YYYY_DOT};
	static const char *const names[] = {"YYYY-MM-DD", "DD.MM.YYYY"};
	static const SbSlice yes[] = {{"true", 4}, {"ja", 2}};
	static const SbSlice no[] = {{"false", 5}, {"nei", 3}};

	give_back(0);
	memset(&plan, 0, sizeof(plan));
	memset(&row, 0, sizeof(row));
	plan.columns = columns;
	plan.date_formats = formats;
	plan.date_format_names = names;
	plan.ndate_formats = 2;
	plan.decimal = SB_MARK_DOT;
	plan.true_words = yes;
	plan.ntrue = 2;
	plan.false_words = no;
	plan.nfalse = 2;
	plan.today = TODAY;
	plan.country = (ImportId) {false, 47};
	plan.default_status = (ImportId) {false, 90};
	plan.default_data_source = (ImportId) {true, 0};
	plan.lookup = look_up;
	plan.suggest = suggest;
	plan.elsewhere = look_elsewhere;
	plan.other_name = name_other;
	plan.normalise = normalise;
	plan.alloc = take;
	plan.arg = &plan;
	row.cells = cells;
	row.values = values;
	row.is_new = true;
	row.valid_until = IMPORT_FOR_EVER;
}

/* Add a column to the plan. */
static ImportColumn *
add_column(const char *name, ImportKind kind, ImportList list)
{
	ImportColumn *c = &columns[plan.ncolumns];

	memset(c, 0, sizeof(*c));
	c->name = name;
	c->kind = kind;
	c->list = list;
	c->codes = list == IMPORT_LIST_COUNTRY ? (void *) countries : (void *) codes;
	cells[plan.ncolumns++] = (SbSlice) {NULL, 0};
	return c;
}

/* A copy in memory of exactly that size, so that overreads are caught. */
static SbSlice
exact(const char *cell, size_t len)
{
	SbSlice		copy = {take(&plan, len), len};

	memcpy((char *) copy.data, cell, len);
	return copy;
}

/* Write a finding: severity, code, column=value, details. */
static void
say_finding(const ImportFinding *finding)
{
	say("%s%c %s %s", text[0] == '\0' ? "" : "; ", "EWI"[finding->severity],
		finding->code == NULL ? "-" : finding->code, finding->column);
	if (finding->value.data != NULL)
		say("=%.*s", (int) finding->value.len, finding->value.data);
	if (!finding->has_details)
		return;
	say(" {");
	for (int i = 0; i < finding->ndetails; i++)
	{
		const ImportDetail *d = &finding->details[i];

		say("%s%s:", i > 0 ? "," : "", d->key);
		if (d->type == IMPORT_DETAIL_TEXT)
			say("%.*s", (int) d->text.len, d->text.data);
		else if (d->type == IMPORT_DETAIL_INTEGER)
			say("%lld", (long long) d->number);
		else
			for (int j = 0; j < d->nlist; j++)
				say("%s%s", j > 0 ? "/" : "", d->list[j]);
	}
	say("}");
}

/* The findings of the row as text. */
static const char *
findings(void)
{
	text[0] = '\0';
	row.cells = cells;
	import_judge_row(&plan, &row);
	for (int i = 0; i < row.nfindings; i++)
		say_finding(&row.findings[i]);
	return text;
}

#endif							/* IMPORT_CELL_HARNESS_H */

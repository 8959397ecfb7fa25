/*-------------------------------------------------------------------------
 *
 * import_rule_fuzz.c
 *	  Fuzz target of declared rules: src/import_rule*.c without a server.
 *
 * The input is an expression, and after a zero byte the values of the columns,
 * with zero bytes between them.  Apart from what the sanitizers see, these
 * promises are held:
 *	  - a fault has a place in the expression and a message, a rule has neither;
 *	  - a rule names its columns, and says the same of a row each time;
 *	  - the opposite of a rule says the opposite, and nothing where it says
 *		nothing;
 *	  - what is in brackets is the same.
 *
 * IDENTIFICATION
 *	  test/fuzz/import_rule_fuzz.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_rule_internal.h"
#include "fuzz_memory.h"

#include <string.h>

#define COLUMNS 8

/* Of each type two columns, with short names that noise can hit. */
static const char names[] = "abntxyde";
static const RuleType types[COLUMNS] = {
	RULE_BOOLEAN, RULE_BOOLEAN, RULE_NUMBER, RULE_TEXT, RULE_NUMBER, RULE_TEXT, RULE_DATE, RULE_DATE
};

static SbSlice values[COLUMNS];

/* See RuleScope. */
static bool
find(void *arg, SbSlice name, int *column, RuleType *type)
{
	const char *place = name.len == 1 ? memchr(names, name.data[0], COLUMNS) : NULL;

	(void) arg;
	if (place == NULL)
		return false;
	*column = (int) (place - names);
	*type = types[*column];
	return true;
}

/* See RuleRow: the first byte says how a value is meant. */
static bool
get(void *arg, int column, RuleValue *value)
{
	SbSlice		text = values[column];

	(void) arg;
	value->is_null = text.len == 0 || text.data[0] == '~';
	if (value->is_null)
		return text.len < 2;
	value->truth = text.data[0] == 't';
	value->text = text;
	value->day = text.data[0] == 'i' ? RULE_DAY_INFINITY : (int32_t) (unsigned char) text.data[0] * 9000 - 300000;
	if (types[column] == RULE_NUMBER && !rule_number_parse(text, &value->number))
		rule_number_from_int((int64_t) text.len, &value->number);
	return true;
}

/* What an expression says of the row, between a beginning and an end. */
static bool
judge(SbSlice expression, const char *before, const char *after, RuleVerdict *verdict)
{
	const RuleArena arena = {take, NULL};
	const RuleScope scope = {find, NULL, 8932};
	const RuleRow row = {get, NULL};
	char	   *text = take(NULL, strlen(before) + expression.len + strlen(after));
	SbSlice		whole = {text, strlen(before) + expression.len + strlen(after)};
	RuleError	error;
	Rule	   *rule;
	const int  *columns;

	memcpy(text, before, strlen(before));
	if (expression.len > 0)
		memcpy(text + strlen(before), expression.data, expression.len);
	memcpy(text + strlen(before) + expression.len, after, strlen(after));
	rule = import_rule_compile(whole, &scope, &arena, &error);
	if (rule == NULL)
	{
		CHECK(error.fault != RULE_FAULT_NONE && error.message[0] != '\0');
		CHECK(error.position <= whole.len);
		return false;
	}
	CHECK(error.fault == RULE_FAULT_NONE);
	CHECK(import_rule_columns(rule, &columns) > 0);
	*verdict = import_rule_holds(rule, &row, &arena);
	CHECK(import_rule_holds(rule, &row, &arena) == *verdict);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data;
	const char *end = text + size;
	const char *zero = size == 0 ? NULL : memchr(text, '\0', size);
	SbSlice		expression = {text, zero == NULL ? size : (size_t) (zero - text)};
	RuleVerdict verdict;
	RuleVerdict other;

	memset(values, 0, sizeof(values));
	for (int i = 0; i < COLUMNS && zero != NULL; i++)
	{
		const char *start = zero + 1;

		zero = start < end ? memchr(start, '\0', (size_t) (end - start)) : NULL;
		values[i].data = start;
		values[i].len = (size_t) ((zero == NULL ? end : zero) - start);
	}
	if (judge(expression, "", "", &verdict))
	{
		if (judge(expression, "(", ")", &other))
			CHECK(other == verdict);
		if (judge(expression, "not (", ")", &other))
			CHECK(other == (verdict == RULE_HOLDS ? RULE_BROKEN : verdict == RULE_BROKEN ? RULE_HOLDS : verdict));
	}
	give_back();
	return 0;
}

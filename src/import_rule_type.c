/*-------------------------------------------------------------------------
 *
 * import_rule_type.c
 *	  The types of a declared rule: what goes together, and the functions.
 *
 * A text that stands beside a date is one, as in SQL; nothing else becomes
 * another type by itself.
 *
 * IDENTIFICATION
 *	  src/import_rule_type.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_rule_internal.h"

#include <string.h>

#define MAX_ARGUMENTS 3

/* A function: its arguments' types, of which `optional` may be left out. */
typedef struct RuleFunctionType
{
	const char *name;
	RuleFunction function;
	RuleType	result;
	int			count;
	int			optional;
	RuleType	arguments[MAX_ARGUMENTS];
} RuleFunctionType;

/* coalesce() is by itself. */
static const RuleFunctionType functions[] = {
	{"abs", RULE_FUNCTION_ABS, RULE_NUMBER, 1, 0, {RULE_NUMBER}},
	{"day", RULE_FUNCTION_DAY, RULE_NUMBER, 1, 0, {RULE_DATE}},
	{"is_digits", RULE_FUNCTION_IS_DIGITS, RULE_BOOLEAN, 1, 0, {RULE_TEXT}},
	{"left", RULE_FUNCTION_LEFT, RULE_TEXT, 2, 0, {RULE_TEXT, RULE_NUMBER}},
	{"length", RULE_FUNCTION_LENGTH, RULE_NUMBER, 1, 0, {RULE_TEXT}},
	{"lower", RULE_FUNCTION_LOWER, RULE_TEXT, 1, 0, {RULE_TEXT}},
	{"month", RULE_FUNCTION_MONTH, RULE_NUMBER, 1, 0, {RULE_DATE}},
	{"number", RULE_FUNCTION_NUMBER, RULE_NUMBER, 1, 0, {RULE_TEXT}},
	{"right", RULE_FUNCTION_RIGHT, RULE_TEXT, 2, 0, {RULE_TEXT, RULE_NUMBER}},
	{"starts_with", RULE_FUNCTION_STARTS_WITH, RULE_BOOLEAN, 2, 0, {RULE_TEXT, RULE_TEXT}},
	{"substring", RULE_FUNCTION_SUBSTRING, RULE_TEXT, 3, 1, {RULE_TEXT, RULE_NUMBER, RULE_NUMBER}},
	{"today", RULE_FUNCTION_TODAY, RULE_DATE, 0, 0, {RULE_NULL}},
	{"trim", RULE_FUNCTION_TRIM, RULE_TEXT, 1, 0, {RULE_TEXT}},
	{"year", RULE_FUNCTION_YEAR, RULE_NUMBER, 1, 0, {RULE_DATE}}
};

/* A text constant becomes a date. */
static bool
become_date(RuleParser *parser, RuleNode *node)
{
	static const SbDateFormat iso[] = {SB_FORMAT_YYYY_MM_DD};
	SbSlice		text = node->constant.text;
	SbDate		date;

	if (text.len == 9 && memcmp(text.data, "-infinity", 9) == 0)
		node->constant.day = RULE_DAY_MINUS_INFINITY;
	else if (sb_parse_date(text.data, text.len, iso, 1, &date) == SB_PARSE_OK)
		node->constant.day = date.infinite ? RULE_DAY_INFINITY : date.day;
	else
		return rule_fail(parser, RULE_FAULT_DATE, node->position, "\"%.*s\" is not a date such as 2024-12-31",
						 (int) (text.len < 40 ? text.len : 40), text.data);
	node->type = RULE_DATE;
	return true;
}

/* Can this operand have this type?  It is given it. */
static bool
take_type(RuleParser *parser, RuleNode *node, RuleType type, bool *fits)
{
	*fits = true;
	if (node->type == type)
		return true;
	if (node->type == RULE_NULL && node->kind == RULE_NODE_CONSTANT)
	{
		node->type = type;
		return true;
	}
	if (type == RULE_DATE && node->type == RULE_TEXT && node->kind == RULE_NODE_CONSTANT)
		return become_date(parser, node);
	*fits = node->type == RULE_NULL;
	return true;
}

/* An operand of `what` has to be of this type. */
bool
rule_require(RuleParser *parser, RuleNode *node, RuleType type, const char *what)
{
	bool		fits;

	if (!take_type(parser, node, type, &fits))
		return false;
	return fits || rule_fail(parser, RULE_FAULT_TYPE, node->position, "\"%s\" takes a %s, not a %s",
							 what, rule_type_name(type), rule_type_name(node->type));
}

/*
 * Operands that are compared have one type: that of the first that is neither
 * a text constant nor null, else text.
 */
bool
rule_unify(RuleParser *parser, RuleNode *first, const char *what, size_t position, RuleType *type)
{
	bool		fits;

	*type = RULE_NULL;
	for (RuleNode *node = first; node != NULL; node = node->next)
	{
		if (node->type == RULE_NULL || (node->type == RULE_TEXT && node->kind == RULE_NODE_CONSTANT && *type != RULE_NULL))
			continue;
		if (*type == RULE_NULL || (*type == RULE_TEXT && node->type == RULE_DATE))
			*type = node->type;
	}
	if (*type == RULE_NULL)
		*type = RULE_TEXT;
	for (RuleNode *node = first; node != NULL; node = node->next)
	{
		if (!take_type(parser, node, *type, &fits))
			return false;
		if (!fits)
			return rule_fail(parser, RULE_FAULT_TYPE, position, "\"%s\" does not compare a %s with a %s",
							 what, rule_type_name(*type), rule_type_name(node->type));
	}
	return true;
}

/* What + - * / give; dates can be moved by days, and have a distance. */
RuleNode *
rule_arithmetic(RuleParser *parser, RuleNodeKind kind, RuleNode *left, RuleNode *right, size_t position)
{
	static const char *const signs[] = {"+", "-", "*", "/"};
	const char *sign = signs[kind - RULE_NODE_ADD];
	RuleType	result = RULE_NUMBER;
	RuleNode   *node;

	if (left->type == RULE_DATE && kind == RULE_NODE_SUBTRACT && (right->type == RULE_DATE || right->type == RULE_TEXT))
	{
		if (!rule_require(parser, right, RULE_DATE, sign))
			return NULL;
	}
	else if (left->type == RULE_DATE && (kind == RULE_NODE_ADD || kind == RULE_NODE_SUBTRACT))
	{
		result = RULE_DATE;
		if (!rule_require(parser, right, RULE_NUMBER, sign))
			return NULL;
	}
	else if (!rule_require(parser, left, RULE_NUMBER, sign) || !rule_require(parser, right, RULE_NUMBER, sign))
		return NULL;
	node = rule_node(parser, kind, result, position);
	node->operand_type = left->type;
	return rule_attach(parser, node, left) && rule_attach(parser, node, right) ? node : NULL;
}

/* The first of several values that is not null. */
static RuleNode *
call_coalesce(RuleParser *parser, RuleNode *node, RuleNode *arguments)
{
	RuleNode   *argument = arguments;

	if (argument == NULL)
	{
		rule_fail(parser, RULE_FAULT_FUNCTION, node->position, "coalesce() takes one value or more");
		return NULL;
	}
	if (!rule_unify(parser, arguments, "coalesce", node->position, &node->type))
		return NULL;
	while (argument != NULL)
	{
		RuleNode   *next = argument->next;

		argument->next = NULL;
		if (!rule_attach(parser, node, argument))
			return NULL;
		argument = next;
	}
	return node;
}

/* A call of a function. */
RuleNode *
rule_call(RuleParser *parser, SbSlice name, RuleNode *arguments, size_t position)
{
	RuleNode   *node = rule_node(parser, RULE_NODE_FUNCTION, RULE_NULL, position);
	const RuleFunctionType *type = NULL;
	RuleNode   *argument = arguments;
	int			count = 0;

	if (name.len == 8 && memcmp(name.data, "coalesce", 8) == 0)
	{
		node->function = RULE_FUNCTION_COALESCE;
		return call_coalesce(parser, node, arguments);
	}
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (strlen(functions[i].name) == name.len && memcmp(functions[i].name, name.data, name.len) == 0)
			type = &functions[i];
	if (type == NULL)
	{
		rule_fail(parser, RULE_FAULT_FUNCTION, position, "there is no function %.*s()",
				  (int) (name.len < 60 ? name.len : 60), name.data);
		return NULL;
	}
	node->function = type->function;
	node->type = type->result;
	for (; argument != NULL; count++)
	{
		RuleNode   *next = argument->next;

		argument->next = NULL;
		if (count < type->count &&
			(!rule_require(parser, argument, type->arguments[count], type->name) || !rule_attach(parser, node, argument)))
			return NULL;
		argument = next;
	}
	if (count <= type->count && count >= type->count - type->optional)
		return node;
	rule_fail(parser, RULE_FAULT_FUNCTION, position, "%s() does not take %d values", type->name, count);
	return NULL;
}

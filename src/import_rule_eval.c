/*-------------------------------------------------------------------------
 *
 * import_rule_eval.c
 *	  A declared rule for one row, with the three truths of SQL.
 *
 * IDENTIFICATION
 *	  src/import_rule_eval.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_rule_internal.h"

#include <string.h>

/* The last day that a date can be moved to, and the first. */
#define LAST_DAY	2921939		/* 9999-12-31 */
#define FIRST_DAY	(-730119)	/* 0001-01-01 */

/* A row that is being judged. */
typedef struct RuleJudgement
{
	const RuleRow *row;
	const RuleArena *arena;
	int32_t		today;
	bool		is_too_big;
} RuleJudgement;

static bool eval(RuleJudgement *judgement, const RuleNode *node, RuleValue *value);

/* What is not known. */
static bool
set_null(RuleValue *value)
{
	value->is_null = true;
	return true;
}

/* A truth. */
static bool
set_truth(RuleValue *value, bool truth)
{
	value->is_null = false;
	value->truth = truth;
	return true;
}

/* A whole number. */
static bool
set_int(RuleValue *value, int64_t number)
{
	value->is_null = false;
	rule_number_from_int(number, &value->number);
	return true;
}

/* The order of two values of a type, neither of them null. */
static int
compare_values(RuleType type, const RuleValue *a, const RuleValue *b)
{
	switch (type)
	{
		case RULE_BOOLEAN:
			return (int) a->truth - (int) b->truth;
		case RULE_NUMBER:
			return rule_number_compare(&a->number, &b->number);
		case RULE_DATE:
			return a->day < b->day ? -1 : a->day > b->day;
		case RULE_TEXT:
		case RULE_NULL:
			break;
	}
	return rule_text_compare(a->text, b->text);
}

/* = <> < <= > >= */
static bool
eval_compare(RuleJudgement *judgement, const RuleNode *node, RuleValue *value)
{
	RuleValue	right;
	int			order;

	if (!eval(judgement, node->first, value) || !eval(judgement, node->first->next, &right))
		return false;
	if (value->is_null || right.is_null)
		return set_null(value);
	order = compare_values(node->operand_type, value, &right);
	switch (node->comparison)
	{
		case RULE_EQUAL:
			return set_truth(value, order == 0);
		case RULE_UNEQUAL:
			return set_truth(value, order != 0);
		case RULE_LESS:
			return set_truth(value, order < 0);
		case RULE_LESS_EQUAL:
			return set_truth(value, order <= 0);
		case RULE_GREATER:
			return set_truth(value, order > 0);
		case RULE_GREATER_EQUAL:
			break;
	}
	return set_truth(value, order >= 0);
}

/* Operands up to the one that decides: a false one of and, a true one of or. */
static bool
eval_chain(RuleJudgement *judgement, const RuleNode *node, RuleValue *value)
{
	bool		decides = node->kind == RULE_NODE_OR;
	bool		is_null = false;

	for (const RuleNode *operand = node->first; operand != NULL; operand = operand->next)
	{
		if (!eval(judgement, operand, value))
			return false;
		if (value->is_null)
			is_null = true;
		else if (value->truth == decides)
			return true;
	}
	return is_null ? set_null(value) : set_truth(value, !decides);
}

/* in (…) */
static bool
eval_in(RuleJudgement *judgement, const RuleNode *node, RuleValue *value)
{
	RuleValue	element;
	bool		has_null = false;

	if (!eval(judgement, node->first, value))
		return false;
	if (value->is_null)
		return true;
	for (const RuleNode *operand = node->first->next; operand != NULL; operand = operand->next)
	{
		if (!eval(judgement, operand, &element))
			return false;
		if (element.is_null)
			has_null = true;
		else if (compare_values(node->operand_type, value, &element) == 0)
			return set_truth(value, !node->negated);
	}
	return has_null ? set_null(value) : set_truth(value, node->negated);
}

/* between … and … */
static bool
eval_between(RuleJudgement *judgement, const RuleNode *node, RuleValue *value)
{
	RuleValue	low;
	RuleValue	high;
	bool		is_outside;

	if (!eval(judgement, node->first, value) || !eval(judgement, node->first->next, &low) ||
		!eval(judgement, node->first->next->next, &high))
		return false;
	if (value->is_null)
		return true;
	is_outside = (!low.is_null && compare_values(node->operand_type, value, &low) < 0) ||
		(!high.is_null && compare_values(node->operand_type, value, &high) > 0);
	if (!is_outside && (low.is_null || high.is_null))
		return set_null(value);
	return set_truth(value, is_outside == node->negated);
}

/* like */
static bool
eval_like(RuleJudgement *judgement, const RuleNode *node, RuleValue *value)
{
	RuleValue	pattern;

	if (!eval(judgement, node->first, value) || !eval(judgement, node->first->next, &pattern))
		return false;
	if (value->is_null || pattern.is_null)
		return set_null(value);
	return set_truth(value, rule_text_like(value->text, pattern.text) != node->negated);
}

/* is [not] null, true, false: never null itself */
static bool
eval_is(RuleJudgement *judgement, const RuleNode *node, RuleValue *value)
{
	bool		is;

	if (!eval(judgement, node->first, value))
		return false;
	if (node->kind == RULE_NODE_IS_NULL)
		is = value->is_null;
	else
		is = !value->is_null && value->truth == (node->kind == RULE_NODE_IS_TRUE);
	return set_truth(value, is != node->negated);
}

/* Dates that are moved by days, and days between dates. */
static bool
eval_days(const RuleNode *node, RuleValue *value, const RuleValue *right)
{
	int64_t		days;

	if (node->type == RULE_NUMBER)
	{
		if (value->day == RULE_DAY_INFINITY || value->day == RULE_DAY_MINUS_INFINITY ||
			right->day == RULE_DAY_INFINITY || right->day == RULE_DAY_MINUS_INFINITY)
			return set_null(value);
		return set_int(value, (int64_t) value->day - right->day);
	}
	if (value->day == RULE_DAY_INFINITY || value->day == RULE_DAY_MINUS_INFINITY)
		return true;
	if (!rule_number_to_int(&right->number, &days) || days > LAST_DAY - FIRST_DAY || days < FIRST_DAY - LAST_DAY)
		return set_null(value);
	days = node->kind == RULE_NODE_ADD ? value->day + days : value->day - days;
	if (days < FIRST_DAY || days > LAST_DAY)
		return set_null(value);
	value->day = (int32_t) days;
	return true;
}

/* + - * /; nothing is divided by zero, that is not known */
static bool
eval_arithmetic(RuleJudgement *judgement, const RuleNode *node, RuleValue *value)
{
	RuleValue	right;
	bool		fits = true;

	if (!eval(judgement, node->first, value) || !eval(judgement, node->first->next, &right))
		return false;
	if (value->is_null || right.is_null)
		return set_null(value);
	if (node->operand_type == RULE_DATE)
		return eval_days(node, value, &right);
	switch (node->kind)
	{
		case RULE_NODE_SUBTRACT:
			rule_number_negate(&right.number);
			fits = rule_number_add(&value->number, &right.number, &value->number);
			break;
		case RULE_NODE_ADD:
			fits = rule_number_add(&value->number, &right.number, &value->number);
			break;
		case RULE_NODE_MULTIPLY:
			fits = rule_number_multiply(&value->number, &right.number, &value->number);
			break;
		default:
			if (rule_number_is_zero(&right.number))
				return set_null(value);
			fits = rule_number_divide(&value->number, &right.number, &value->number);
			break;
	}
	judgement->is_too_big = !fits;
	return fits;
}

/* year(), month(), day() */
static bool
eval_date_part(const RuleNode *node, RuleValue *value)
{
	SbCivil		civil;

	if (value->day < FIRST_DAY || value->day > LAST_DAY)
		return set_null(value);
	civil = sb_civil_from_days(value->day);
	return set_int(value, node->function == RULE_FUNCTION_YEAR ? civil.year :
				   node->function == RULE_FUNCTION_MONTH ? civil.month : civil.day);
}

/* left(), right(), substring(): characters are counted from one; a part that makes no sense is not known */
static bool
eval_part(RuleJudgement *judgement, const RuleNode *node, RuleValue *value)
{
	RuleValue	argument;
	int64_t		len = (int64_t) rule_text_length(value->text);
	int64_t		number[2] = {0, len};
	int			count = 0;

	for (const RuleNode *operand = node->first->next; operand != NULL; operand = operand->next)
	{
		if (!eval(judgement, operand, &argument))
			return false;
		if (argument.is_null || !rule_number_to_int(&argument.number, &number[count]) ||
			number[count] > INT32_MAX || number[count] < -INT32_MAX)
			return set_null(value);
		count++;
	}
	if (node->function == RULE_FUNCTION_LEFT)
		value->text = rule_text_part(value->text, 0, number[0] < 0 ? len + number[0] : number[0]);
	else if (node->function == RULE_FUNCTION_RIGHT)
		value->text = rule_text_part(value->text, number[0] < 0 ? -number[0] : len - number[0], len);
	else if (count == 2 && number[1] < 0)
		return set_null(value);
	else
		value->text = rule_text_part(value->text, number[0] - 1, count == 2 ? number[0] - 1 + number[1] : len);
	return true;
}

/* The first value that is not null. */
static bool
eval_coalesce(RuleJudgement *judgement, const RuleNode *node, RuleValue *value)
{
	for (const RuleNode *operand = node->first; operand != NULL; operand = operand->next)
	{
		if (!eval(judgement, operand, value))
			return false;
		if (!value->is_null)
			break;
	}
	return true;
}

/* number(): what a cell of digits says */
static bool
eval_number(RuleJudgement *judgement, RuleValue *value)
{
	SbSlice		text = value->text;
	size_t		digits = 0;

	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] >= '0' && text.data[i] <= '9')
			digits++;
		else if (!(text.data[i] == '-' && i == 0) && text.data[i] != '.')
			return set_null(value);
	if (digits == 0 || text.len - digits > 2 || rule_number_parse(text, &value->number))
		return digits == 0 ? set_null(value) : true;
	if (digits <= 70)
		return set_null(value);
	judgement->is_too_big = true;
	return false;
}

/* starts_with() */
static bool
eval_starts_with(RuleJudgement *judgement, const RuleNode *node, RuleValue *value)
{
	RuleValue	start;

	if (!eval(judgement, node->first->next, &start))
		return false;
	if (start.is_null)
		return set_null(value);
	return set_truth(value, start.text.len <= value->text.len &&
					 (start.text.len == 0 || memcmp(value->text.data, start.text.data, start.text.len) == 0));
}

/* A function; all but coalesce() are null when an argument is. */
static bool
eval_function(RuleJudgement *judgement, const RuleNode *node, RuleValue *value)
{
	if (node->function == RULE_FUNCTION_COALESCE)
		return eval_coalesce(judgement, node, value);
	if (node->first != NULL && !eval(judgement, node->first, value))
		return false;
	if (node->first != NULL && value->is_null)
		return true;
	switch (node->function)
	{
		case RULE_FUNCTION_ABS:
			value->number.negative = false;
			return true;
		case RULE_FUNCTION_YEAR:
		case RULE_FUNCTION_MONTH:
		case RULE_FUNCTION_DAY:
			return eval_date_part(node, value);
		case RULE_FUNCTION_IS_DIGITS:
			return set_truth(value, rule_text_is_digits(value->text));
		case RULE_FUNCTION_LEFT:
		case RULE_FUNCTION_RIGHT:
		case RULE_FUNCTION_SUBSTRING:
			return eval_part(judgement, node, value);
		case RULE_FUNCTION_LENGTH:
			return set_int(value, (int64_t) rule_text_length(value->text));
		case RULE_FUNCTION_LOWER:
			value->text = rule_text_lower(value->text, judgement->arena);
			return true;
		case RULE_FUNCTION_NUMBER:
			return eval_number(judgement, value);
		case RULE_FUNCTION_STARTS_WITH:
			return eval_starts_with(judgement, node, value);
		case RULE_FUNCTION_TRIM:
			value->text = sb_trim(value->text.data, value->text.len);
			return true;
		case RULE_FUNCTION_TODAY:
			value->is_null = false;
			value->day = judgement->today;
			return true;
		case RULE_FUNCTION_COALESCE:
			break;
	}
	return set_null(value);
}

/* The value of a node.  False: a cell cannot be read, or a number is too big. */
static bool
eval(RuleJudgement *judgement, const RuleNode *node, RuleValue *value)
{
	switch (node->kind)
	{
		case RULE_NODE_CONSTANT:
			*value = node->constant;
			return true;
		case RULE_NODE_COLUMN:
			return judgement->row->get(judgement->row->arg, node->column, value);
		case RULE_NODE_AND:
		case RULE_NODE_OR:
			return eval_chain(judgement, node, value);
		case RULE_NODE_NOT:
			if (!eval(judgement, node->first, value))
				return false;
			return value->is_null || set_truth(value, !value->truth);
		case RULE_NODE_COMPARE:
			return eval_compare(judgement, node, value);
		case RULE_NODE_IN:
			return eval_in(judgement, node, value);
		case RULE_NODE_BETWEEN:
			return eval_between(judgement, node, value);
		case RULE_NODE_LIKE:
			return eval_like(judgement, node, value);
		case RULE_NODE_IS_NULL:
		case RULE_NODE_IS_TRUE:
		case RULE_NODE_IS_FALSE:
			return eval_is(judgement, node, value);
		case RULE_NODE_ADD:
		case RULE_NODE_SUBTRACT:
		case RULE_NODE_MULTIPLY:
		case RULE_NODE_DIVIDE:
			return eval_arithmetic(judgement, node, value);
		case RULE_NODE_NEGATE:
			if (!eval(judgement, node->first, value))
				return false;
			if (!value->is_null)
				rule_number_negate(&value->number);
			return true;
		case RULE_NODE_FUNCTION:
			return eval_function(judgement, node, value);
	}
	return set_null(value);
}

/* Does the rule hold for this row? */
RuleVerdict
import_rule_holds(const Rule *rule, const RuleRow *row, const RuleArena *arena)
{
	RuleJudgement judgement = {.row = row, .arena = arena, .today = rule->today};
	RuleValue	value;

	value.is_null = true;
	if (!eval(&judgement, rule->root, &value))
		return judgement.is_too_big ? RULE_TOO_BIG : RULE_UNKNOWN;
	return value.is_null ? RULE_UNKNOWN : value.truth ? RULE_HOLDS : RULE_BROKEN;
}

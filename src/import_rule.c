/*-------------------------------------------------------------------------
 *
 * import_rule.c
 *	  Rules that stewards declare about the rows of a file: compiling one.
 *
 * Words are in import_rule_lex.c, the grammar in import_rule_parse.c, types and
 * functions in import_rule_type.c; a row is judged in import_rule_eval.c, with
 * the numbers of import_rule_number.c and the texts of import_rule_text.c.
 *
 * IDENTIFICATION
 *	  src/import_rule.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_rule_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What a type is called in messages. */
const char *
rule_type_name(RuleType type)
{
	switch (type)
	{
		case RULE_NULL:
			return "null";
		case RULE_BOOLEAN:
			return "boolean";
		case RULE_NUMBER:
			return "number";
		case RULE_TEXT:
			return "text";
		case RULE_DATE:
			return "date";
	}
	return "?";
}

/* Say what is wrong, unless something was said before.  Always false. */
bool
rule_fail(RuleParser *parser, RuleFault fault, size_t position, const char *format,...)
{
	RuleError  *error = parser->error;
	va_list		arguments;

	if (error->fault != RULE_FAULT_NONE)
		return false;
	error->fault = fault;
	error->position = position;
	va_start(arguments, format);
	vsnprintf(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	return false;
}

/* A new node without operands. */
RuleNode *
rule_node(RuleParser *parser, RuleNodeKind kind, RuleType type, size_t position)
{
	RuleNode   *node = parser->arena->alloc(parser->arena->arg, sizeof(RuleNode));

	memset(node, 0, sizeof(*node));
	node->kind = kind;
	node->type = type;
	node->position = position;
	return node;
}

/* Give a node its next operand. */
bool
rule_attach(RuleParser *parser, RuleNode *node, RuleNode *operand)
{
	RuleNode  **place = &node->first;

	while (*place != NULL)
		place = &(*place)->next;
	*place = operand;
	if (node->depth <= operand->depth)
		node->depth = operand->depth + 1;
	if (node->depth > RULE_MAX_DEPTH)
		return rule_fail(parser, RULE_FAULT_TOO_LONG, operand->position, "the expression is too deep");
	return true;
}

/* Keep a column of the rule, once. */
bool
rule_add_column(RuleParser *parser, int column)
{
	Rule	   *rule = parser->rule;

	for (int i = 0; i < rule->ncolumns; i++)
		if (rule->columns[i] == column)
			return true;
	if (rule->ncolumns == parser->room)
	{
		int			room = parser->room == 0 ? 8 : 2 * parser->room;
		int		   *columns = parser->arena->alloc(parser->arena->arg, sizeof(int) * (size_t) room);

		if (rule->ncolumns > 0)
			memcpy(columns, rule->columns, sizeof(int) * (size_t) rule->ncolumns);
		rule->columns = columns;
		parser->room = room;
	}
	rule->columns[rule->ncolumns++] = column;
	return true;
}

/* Compile an expression that is true or false for a row. */
Rule *
import_rule_compile(SbSlice expression, const RuleScope *scope, const RuleArena *arena, RuleError *error)
{
	RuleParser	parser;
	char	   *copy;

	memset(error, 0, sizeof(*error));
	memset(&parser, 0, sizeof(parser));
	parser.scope = scope;
	parser.arena = arena;
	parser.error = error;
	if (expression.len > RULE_MAX_BYTES)
	{
		rule_fail(&parser, RULE_FAULT_TOO_LONG, RULE_MAX_BYTES, "the expression has more than %d bytes", RULE_MAX_BYTES);
		return NULL;
	}
	copy = arena->alloc(arena->arg, expression.len + 1);
	memcpy(copy, expression.data, expression.len);
	copy[expression.len] = '\0';
	parser.source.data = copy;
	parser.source.len = expression.len;
	parser.rule = arena->alloc(arena->arg, sizeof(Rule));
	memset(parser.rule, 0, sizeof(Rule));
	parser.rule->today = scope->today;

	parser.rule->root = rule_parse(&parser);
	if (parser.rule->root == NULL)
		return NULL;
	if (parser.rule->root->type != RULE_BOOLEAN)
	{
		rule_fail(&parser, RULE_FAULT_TYPE, parser.rule->root->position,
				  "a rule is true or false, this is a %s", rule_type_name(parser.rule->root->type));
		return NULL;
	}
	if (parser.rule->ncolumns == 0)
	{
		rule_fail(&parser, RULE_FAULT_SYNTAX, 0, "the expression names no column");
		return NULL;
	}
	return parser.rule;
}

/* The columns of a rule, each once. */
int
import_rule_columns(const Rule *rule, const int **columns)
{
	*columns = rule->columns;
	return rule->ncolumns;
}

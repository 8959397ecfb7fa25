/*-------------------------------------------------------------------------
 *
 * import_rule_parse.c
 *	  The grammar of a declared rule, with the precedence of SQL:
 *
 *		or, and, not, is, = <> < <= > >=, in between like, + -, * /, sign
 *
 * Each function reads what its name says and returns its node, which has its
 * type; NULL after a fault.
 *
 * IDENTIFICATION
 *	  src/import_rule_parse.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_rule_internal.h"

#include <string.h>

static RuleNode *parse_or(RuleParser *parser);
static RuleNode *parse_sum(RuleParser *parser);
static RuleNode *parse_factor(RuleParser *parser);

/* Read on when the next word is this one. */
static bool
accept(RuleParser *parser, const char *word, bool *found)
{
	*found = rule_token_is(&parser->token, word);
	return !*found || rule_next_token(parser);
}

/* Say that the next word is not what should stand there. */
static bool
unexpected(RuleParser *parser, const char *instead)
{
	const RuleToken *token = &parser->token;

	if (token->kind == RULE_TOKEN_END)
		return rule_fail(parser, RULE_FAULT_SYNTAX, token->position, "%s is missing at the end", instead);
	return rule_fail(parser, RULE_FAULT_SYNTAX, token->position, "%s is missing before \"%.*s\"", instead,
					 (int) (token->text.len < 40 ? token->text.len : 40), token->text.data);
}

/* The next word has to be this one. */
static bool
expect(RuleParser *parser, const char *word)
{
	bool		found;

	if (!accept(parser, word, &found))
		return false;
	return found || unexpected(parser, word);
}

/* A constant; its value is for the caller to fill in. */
static RuleNode *
constant(RuleParser *parser, RuleType type, size_t position)
{
	return rule_node(parser, RULE_NODE_CONSTANT, type, position);
}

/* A column. */
static RuleNode *
parse_column(RuleParser *parser, SbSlice name, size_t position)
{
	RuleNode   *node;
	RuleType	type;
	int			column;

	if (!parser->scope->find(parser->scope->arg, name, &column, &type))
	{
		rule_fail(parser, RULE_FAULT_COLUMN, position, "there is no column \"%.*s\"",
				  (int) (name.len < 100 ? name.len : 100), name.data);
		return NULL;
	}
	node = rule_node(parser, RULE_NODE_COLUMN, type, position);
	node->column = column;
	rule_add_column(parser, column);
	return node;
}

/* The arguments of a function, after its bracket. */
static RuleNode *
parse_call(RuleParser *parser, SbSlice name, size_t position)
{
	RuleNode   *first = NULL;
	RuleNode  **place = &first;
	bool		found;

	if (!accept(parser, ")", &found))
		return NULL;
	while (!found)
	{
		if ((*place = parse_or(parser)) == NULL)
			return NULL;
		place = &(*place)->next;
		if (!accept(parser, ",", &found))
			return NULL;
		if (found)
		{
			found = false;
			continue;
		}
		if (!expect(parser, ")"))
			return NULL;
		break;
	}
	return rule_call(parser, name, first, position);
}

/* The word date and a text. */
static RuleNode *
parse_date(RuleParser *parser)
{
	RuleNode   *node = constant(parser, RULE_TEXT, parser->token.position);

	node->constant.text = parser->token.text;
	if (!rule_next_token(parser) || !rule_require(parser, node, RULE_DATE, "date"))
		return NULL;
	return node;
}

/* A word: of the language, of a function, or of a column. */
static RuleNode *
parse_name(RuleParser *parser)
{
	static const char *const reserved[] = {"and", "or", "not", "in", "between", "like", "is"};
	RuleToken	name = parser->token;
	RuleNode   *node;
	bool		found;

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (rule_token_is(&name, reserved[i]))
		{
			unexpected(parser, "a value");
			return NULL;
		}
	if (!rule_next_token(parser))
		return NULL;
	if (rule_token_is(&name, "true") || rule_token_is(&name, "false"))
	{
		node = constant(parser, RULE_BOOLEAN, name.position);
		node->constant.truth = rule_token_is(&name, "true");
		return node;
	}
	if (rule_token_is(&name, "null"))
	{
		node = constant(parser, RULE_NULL, name.position);
		node->constant.is_null = true;
		return node;
	}
	if (rule_token_is(&name, "date") && parser->token.kind == RULE_TOKEN_TEXT)
		return parse_date(parser);
	if (name.kind == RULE_TOKEN_NAME)
	{
		if (!accept(parser, "(", &found))
			return NULL;
		if (found)
			return parse_call(parser, name.text, name.position);
	}
	return parse_column(parser, name.text, name.position);
}

/* A number. */
static RuleNode *
parse_number(RuleParser *parser)
{
	RuleNode   *node = constant(parser, RULE_NUMBER, parser->token.position);

	if (!rule_number_parse(parser->token.text, &node->constant.number))
	{
		rule_fail(parser, RULE_FAULT_TOO_LONG, parser->token.position, "the number has too many digits");
		return NULL;
	}
	return rule_next_token(parser) ? node : NULL;
}

/* What has no operator outside of brackets. */
static RuleNode *
parse_primary(RuleParser *parser)
{
	RuleNode   *node;
	bool		found;

	switch (parser->token.kind)
	{
		case RULE_TOKEN_NUMBER:
			return parse_number(parser);
		case RULE_TOKEN_TEXT:
			node = constant(parser, RULE_TEXT, parser->token.position);
			node->constant.text = parser->token.text;
			return rule_next_token(parser) ? node : NULL;
		case RULE_TOKEN_NAME:
		case RULE_TOKEN_QUOTED_NAME:
			return parse_name(parser);
		case RULE_TOKEN_SIGN:
		case RULE_TOKEN_END:
			break;
	}
	if (!accept(parser, "(", &found))
		return NULL;
	if (!found)
	{
		unexpected(parser, "a value");
		return NULL;
	}
	node = parse_or(parser);
	return node != NULL && expect(parser, ")") ? node : NULL;
}

/* Signs before a number. */
static RuleNode *
parse_factor(RuleParser *parser)
{
	size_t		position = parser->token.position;
	RuleNode   *node;
	RuleNode   *operand;
	bool		found;

	if (!accept(parser, "-", &found))
		return NULL;
	if (!found)
		return parse_primary(parser);
	if (++parser->depth > RULE_MAX_DEPTH)
	{
		rule_fail(parser, RULE_FAULT_TOO_LONG, position, "the expression is too deep");
		return NULL;
	}
	operand = parse_factor(parser);
	parser->depth--;
	if (operand == NULL || !rule_require(parser, operand, RULE_NUMBER, "-"))
		return NULL;
	node = rule_node(parser, RULE_NODE_NEGATE, RULE_NUMBER, position);
	return rule_attach(parser, node, operand) ? node : NULL;
}

/* Products and quotients. */
static RuleNode *
parse_term(RuleParser *parser)
{
	RuleNode   *node = parse_factor(parser);

	while (node != NULL && (rule_token_is(&parser->token, "*") || rule_token_is(&parser->token, "/")))
	{
		RuleNodeKind kind = rule_token_is(&parser->token, "*") ? RULE_NODE_MULTIPLY : RULE_NODE_DIVIDE;
		size_t		position = parser->token.position;
		RuleNode   *right = rule_next_token(parser) ? parse_factor(parser) : NULL;

		node = right == NULL ? NULL : rule_arithmetic(parser, kind, node, right, position);
	}
	return node;
}

/* Sums and differences. */
static RuleNode *
parse_sum(RuleParser *parser)
{
	RuleNode   *node = parse_term(parser);

	while (node != NULL && (rule_token_is(&parser->token, "+") || rule_token_is(&parser->token, "-")))
	{
		RuleNodeKind kind = rule_token_is(&parser->token, "+") ? RULE_NODE_ADD : RULE_NODE_SUBTRACT;
		size_t		position = parser->token.position;
		RuleNode   *right = rule_next_token(parser) ? parse_term(parser) : NULL;

		node = right == NULL ? NULL : rule_arithmetic(parser, kind, node, right, position);
	}
	return node;
}

/* The values of a list, in brackets, as operands of the node. */
static bool
parse_list(RuleParser *parser, RuleNode *node)
{
	bool		found;

	if (!expect(parser, "("))
		return false;
	do
	{
		RuleNode   *element = parse_sum(parser);

		if (element == NULL || !rule_attach(parser, node, element) || !accept(parser, ",", &found))
			return false;
	} while (found);
	return expect(parser, ")");
}

/* The operands of between and like, after the first. */
static bool
parse_operands(RuleParser *parser, RuleNode *node)
{
	RuleNode   *operand = parse_sum(parser);

	if (operand == NULL || !rule_attach(parser, node, operand))
		return false;
	if (node->kind == RULE_NODE_LIKE)
		return rule_require(parser, node->first, RULE_TEXT, "like") && rule_require(parser, operand, RULE_TEXT, "like");
	if (!expect(parser, "and"))
		return false;
	operand = parse_sum(parser);
	return operand != NULL && rule_attach(parser, node, operand);
}

/* in, between and like. */
static RuleNode *
parse_range(RuleParser *parser)
{
	RuleNode   *left = parse_sum(parser);
	RuleNode   *node;
	RuleNodeKind kind;
	size_t		position = parser->token.position;
	bool		negated;

	if (left == NULL || !accept(parser, "not", &negated))
		return NULL;
	if (rule_token_is(&parser->token, "in"))
		kind = RULE_NODE_IN;
	else if (rule_token_is(&parser->token, "between"))
		kind = RULE_NODE_BETWEEN;
	else if (rule_token_is(&parser->token, "like"))
		kind = RULE_NODE_LIKE;
	else
	{
		if (negated)
			unexpected(parser, "in, between or like");
		return negated ? NULL : left;
	}
	node = rule_node(parser, kind, RULE_BOOLEAN, position);
	node->negated = negated;
	if (!rule_attach(parser, node, left) || !rule_next_token(parser))
		return NULL;
	if (kind == RULE_NODE_IN ? !parse_list(parser, node) : !parse_operands(parser, node))
		return NULL;
	if (kind != RULE_NODE_LIKE &&
		!rule_unify(parser, node->first, kind == RULE_NODE_IN ? "in" : "between", position, &node->operand_type))
		return NULL;
	return node;
}

/* Which comparison a word is. */
static bool
comparison_of(const RuleToken *token, RuleComparison *comparison)
{
	static const struct
	{
		const char *sign;
		RuleComparison comparison;
	}			comparisons[] = {
		{"=", RULE_EQUAL}, {"<>", RULE_UNEQUAL}, {"!=", RULE_UNEQUAL}, {"<", RULE_LESS},
		{"<=", RULE_LESS_EQUAL}, {">", RULE_GREATER}, {">=", RULE_GREATER_EQUAL}
	};

	for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++)
		if (rule_token_is(token, comparisons[i].sign))
		{
			*comparison = comparisons[i].comparison;
			return true;
		}
	return false;
}

/* One comparison, or none: they do not stand in a row. */
static RuleNode *
parse_comparison(RuleParser *parser)
{
	RuleNode   *left = parse_range(parser);
	RuleToken	sign = parser->token;
	RuleComparison comparison;
	RuleNode   *right;
	RuleNode   *node;

	if (left == NULL || !comparison_of(&sign, &comparison))
		return left;
	right = rule_next_token(parser) ? parse_range(parser) : NULL;
	if (right == NULL)
		return NULL;
	node = rule_node(parser, RULE_NODE_COMPARE, RULE_BOOLEAN, sign.position);
	node->comparison = comparison;
	if (!rule_attach(parser, node, left) || !rule_attach(parser, node, right) ||
		!rule_unify(parser, left, sign.text.data, sign.position, &node->operand_type))
		return NULL;
	if (comparison_of(&parser->token, &comparison))
	{
		rule_fail(parser, RULE_FAULT_SYNTAX, parser->token.position, "comparisons do not stand in a row");
		return NULL;
	}
	return node;
}

/* is [not] null, true, false */
static RuleNode *
parse_is(RuleParser *parser)
{
	RuleNode   *node = parse_comparison(parser);

	while (node != NULL && rule_token_is(&parser->token, "is"))
	{
		RuleNode   *operand = node;
		bool		negated;

		node = rule_node(parser, RULE_NODE_IS_NULL, RULE_BOOLEAN, parser->token.position);
		if (!rule_next_token(parser) || !accept(parser, "not", &negated))
			return NULL;
		node->negated = negated;
		if (rule_token_is(&parser->token, "true"))
			node->kind = RULE_NODE_IS_TRUE;
		else if (rule_token_is(&parser->token, "false"))
			node->kind = RULE_NODE_IS_FALSE;
		else if (!rule_token_is(&parser->token, "null"))
		{
			unexpected(parser, "null, true or false");
			return NULL;
		}
		if (!rule_next_token(parser) || !rule_attach(parser, node, operand) ||
			(node->kind != RULE_NODE_IS_NULL && !rule_require(parser, operand, RULE_BOOLEAN, "is")))
			return NULL;
	}
	return node;
}

/* not */
static RuleNode *
parse_not(RuleParser *parser)
{
	RuleNode   *node;
	RuleNode   *operand;
	size_t		position = parser->token.position;
	bool		found;

	if (!accept(parser, "not", &found))
		return NULL;
	if (!found)
		return parse_is(parser);
	if (++parser->depth > RULE_MAX_DEPTH)
	{
		rule_fail(parser, RULE_FAULT_TOO_LONG, position, "the expression is too deep");
		return NULL;
	}
	operand = parse_not(parser);
	parser->depth--;
	if (operand == NULL || !rule_require(parser, operand, RULE_BOOLEAN, "not"))
		return NULL;
	node = rule_node(parser, RULE_NODE_NOT, RULE_BOOLEAN, position);
	return rule_attach(parser, node, operand) ? node : NULL;
}

/* Operands of one word, all in one node. */
static RuleNode *
parse_chain(RuleParser *parser, const char *word, RuleNodeKind kind, RuleNode *(*parse_operand) (RuleParser *parser))
{
	RuleNode   *operand = parse_operand(parser);
	RuleNode   *node;

	if (operand == NULL || !rule_token_is(&parser->token, word))
		return operand;
	node = rule_node(parser, kind, RULE_BOOLEAN, parser->token.position);
	for (;;)
	{
		if (operand == NULL || !rule_require(parser, operand, RULE_BOOLEAN, word) || !rule_attach(parser, node, operand))
			return NULL;
		if (!rule_token_is(&parser->token, word))
			return node;
		operand = rule_next_token(parser) ? parse_operand(parser) : NULL;
	}
}

/* and */
static RuleNode *
parse_and(RuleParser *parser)
{
	return parse_chain(parser, "and", RULE_NODE_AND, parse_not);
}

/* A whole expression. */
static RuleNode *
parse_or(RuleParser *parser)
{
	RuleNode   *node;

	if (++parser->depth > RULE_MAX_DEPTH)
	{
		rule_fail(parser, RULE_FAULT_TOO_LONG, parser->token.position, "the expression is too deep");
		return NULL;
	}
	node = parse_chain(parser, "or", RULE_NODE_OR, parse_and);
	parser->depth--;
	return node;
}

/* The expression and nothing after it. */
RuleNode *
rule_parse(RuleParser *parser)
{
	RuleNode   *node = rule_next_token(parser) ? parse_or(parser) : NULL;

	if (node == NULL)
		return NULL;
	if (parser->token.kind != RULE_TOKEN_END)
	{
		unexpected(parser, "and or or");
		return NULL;
	}
	return node;
}

/*-------------------------------------------------------------------------
 *
 * import_rule_internal.h
 *	  What the files of the declared rules share: words, nodes, texts.
 *
 * IDENTIFICATION
 *	  src/import_rule_internal.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_RULE_INTERNAL_H
#define STATBUS_IMPORT_RULE_INTERNAL_H

#include "import_rule.h"

/* Words of an expression. */
typedef enum RuleTokenKind
{
	RULE_TOKEN_END,
	RULE_TOKEN_NAME,			/* in lower case; also the words of the
								 * language */
	RULE_TOKEN_QUOTED_NAME,
	RULE_TOKEN_TEXT,
	RULE_TOKEN_NUMBER,
	RULE_TOKEN_SIGN				/* an operator, a bracket or a comma */
} RuleTokenKind;

typedef struct RuleToken
{
	RuleTokenKind kind;
	SbSlice		text;			/* without quotes */
	size_t		position;
} RuleToken;

typedef enum RuleNodeKind
{
	RULE_NODE_CONSTANT,
	RULE_NODE_COLUMN,
	RULE_NODE_AND,
	RULE_NODE_OR,
	RULE_NODE_NOT,
	RULE_NODE_COMPARE,
	RULE_NODE_IN,				/* the first operand in the others */
	RULE_NODE_BETWEEN,
	RULE_NODE_LIKE,
	RULE_NODE_IS_NULL,
	RULE_NODE_IS_TRUE,
	RULE_NODE_IS_FALSE,
	RULE_NODE_ADD,
	RULE_NODE_SUBTRACT,
	RULE_NODE_MULTIPLY,
	RULE_NODE_DIVIDE,
	RULE_NODE_NEGATE,
	RULE_NODE_FUNCTION
} RuleNodeKind;

typedef enum RuleFunction
{
	RULE_FUNCTION_ABS,
	RULE_FUNCTION_COALESCE,
	RULE_FUNCTION_DAY,
	RULE_FUNCTION_IS_DIGITS,
	RULE_FUNCTION_LEFT,
	RULE_FUNCTION_LENGTH,
	RULE_FUNCTION_LOWER,
	RULE_FUNCTION_MONTH,
	RULE_FUNCTION_NUMBER,
	RULE_FUNCTION_RIGHT,
	RULE_FUNCTION_STARTS_WITH,
	RULE_FUNCTION_SUBSTRING,
	RULE_FUNCTION_TODAY,
	RULE_FUNCTION_TRIM,
	RULE_FUNCTION_YEAR
} RuleFunction;

typedef enum RuleComparison
{
	RULE_EQUAL,
	RULE_UNEQUAL,
	RULE_LESS,
	RULE_LESS_EQUAL,
	RULE_GREATER,
	RULE_GREATER_EQUAL
} RuleComparison;

/* A piece of an expression. */
typedef struct RuleNode
{
	RuleNodeKind kind;
	RuleType	type;
	RuleType	operand_type;	/* of what is compared */
	bool		negated;		/* not in, not between, not like, is not */
	RuleComparison comparison;
	RuleFunction function;
	int			column;
	RuleValue	constant;
	struct RuleNode *first;		/* operand */
	struct RuleNode *next;		/* of the same node */
	int			depth;			/* of what stands below */
	size_t		position;
} RuleNode;

struct Rule
{
	RuleNode   *root;
	int		   *columns;
	int			ncolumns;
	int32_t		today;
};

/* An expression that is being read. */
typedef struct RuleParser
{
	SbSlice		source;
	size_t		at;				/* of the next word */
	RuleToken	token;
	int			depth;
	const RuleScope *scope;
	const RuleArena *arena;
	RuleError  *error;
	Rule	   *rule;
	int			room;			/* for columns */
} RuleParser;

/* import_rule.c */
extern bool rule_fail(RuleParser *parser, RuleFault fault, size_t position, const char *format,...)
			__attribute__((format(printf, 4, 5)));
extern RuleNode *rule_node(RuleParser *parser, RuleNodeKind kind, RuleType type, size_t position);
extern bool rule_attach(RuleParser *parser, RuleNode *node, RuleNode *operand);
extern bool rule_add_column(RuleParser *parser, int column);

/* import_rule_lex.c */
extern bool rule_next_token(RuleParser *parser);
extern bool rule_token_is(const RuleToken *token, const char *word);

/* import_rule_parse.c */
extern RuleNode *rule_parse(RuleParser *parser);

/* import_rule_type.c */
extern bool rule_unify(RuleParser *parser, RuleNode *first, const char *what, size_t position, RuleType *type);
extern bool rule_require(RuleParser *parser, RuleNode *node, RuleType type, const char *what);
extern RuleNode *rule_arithmetic(RuleParser *parser, RuleNodeKind kind, RuleNode *left, RuleNode *right, size_t position);
extern RuleNode *rule_call(RuleParser *parser, SbSlice name, RuleNode *arguments, size_t position);

/* import_rule_text.c */
extern size_t rule_text_length(SbSlice text);
extern int	rule_text_compare(SbSlice a, SbSlice b);
extern SbSlice rule_text_part(SbSlice text, int64_t from, int64_t until);
extern SbSlice rule_text_lower(SbSlice text, const RuleArena *arena);
extern bool rule_text_like(SbSlice text, SbSlice pattern);
extern bool rule_text_is_digits(SbSlice text);

#endif							/* STATBUS_IMPORT_RULE_INTERNAL_H */

/*-------------------------------------------------------------------------
 *
 * import_rule_lex.c
 *	  The words of a declared rule.
 *
 * IDENTIFICATION
 *	  src/import_rule_lex.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_rule_internal.h"

#include <string.h>

/* Signs of two characters before those of one. */
static const char *const signs[] = {"<=", ">=", "<>", "!=", "<", ">", "=", "(", ")", ",", "+", "-", "*", "/"};

/* True for what separates words. */
static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* True for a decimal digit. */
static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* True for what a name may begin with: letters, all beyond ASCII among them. */
static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char) c >= 0x80;
}

/* The character so many bytes ahead; zero after the last. */
static char
peek(const RuleParser *parser, size_t ahead)
{
	return parser->at + ahead < parser->source.len ? parser->source.data[parser->at + ahead] : '\0';
}

/* A name, its ASCII letters in lower case. */
static void
read_name(RuleParser *parser)
{
	size_t		start = parser->at;
	char	   *copy;

	while (parser->at < parser->source.len && (is_letter(peek(parser, 0)) || is_digit(peek(parser, 0))))
		parser->at++;
	parser->token.kind = RULE_TOKEN_NAME;
	parser->token.text.len = parser->at - start;
	copy = parser->arena->alloc(parser->arena->arg, parser->token.text.len + 1);
	for (size_t i = 0; i < parser->token.text.len; i++)
	{
		char		c = parser->source.data[start + i];

		copy[i] = c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
	}
	copy[parser->token.text.len] = '\0';
	parser->token.text.data = copy;
}

/* What stands between quotes, where a doubled quote is one. */
static bool
read_quoted(RuleParser *parser, char quote)
{
	char	   *copy = parser->arena->alloc(parser->arena->arg, parser->source.len - parser->at + 1);
	size_t		len = 0;

	for (parser->at++;; parser->at++)
	{
		if (parser->at >= parser->source.len)
			return rule_fail(parser, RULE_FAULT_SYNTAX, parser->token.position, "a quote is never closed");
		if (peek(parser, 0) == quote)
		{
			if (peek(parser, 1) != quote)
				break;
			parser->at++;
		}
		copy[len++] = peek(parser, 0);
	}
	parser->at++;
	copy[len] = '\0';
	parser->token.kind = quote == '"' ? RULE_TOKEN_QUOTED_NAME : RULE_TOKEN_TEXT;
	parser->token.text.data = copy;
	parser->token.text.len = len;
	return true;
}

/* Digits, and a point among them or before them. */
static bool
read_number(RuleParser *parser)
{
	size_t		start = parser->at;
	bool		has_point = false;

	while (is_digit(peek(parser, 0)) || (peek(parser, 0) == '.' && !has_point))
	{
		has_point = has_point || peek(parser, 0) == '.';
		parser->at++;
	}
	if (is_letter(peek(parser, 0)) || peek(parser, 0) == '.')
		return rule_fail(parser, RULE_FAULT_SYNTAX, start, "a number is written with digits and one decimal point");
	parser->token.kind = RULE_TOKEN_NUMBER;
	parser->token.text.data = parser->source.data + start;
	parser->token.text.len = parser->at - start;
	return true;
}

/* An operator, a bracket or a comma. */
static bool
read_sign(RuleParser *parser)
{
	if (peek(parser, 0) == '-' && peek(parser, 1) == '-')
		return rule_fail(parser, RULE_FAULT_SYNTAX, parser->at, "a rule has no comments");
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
	{
		size_t		len = strlen(signs[i]);

		if (parser->source.len - parser->at < len || strncmp(parser->source.data + parser->at, signs[i], len) != 0)
			continue;
		parser->token.kind = RULE_TOKEN_SIGN;
		parser->token.text.data = signs[i];
		parser->token.text.len = len;
		parser->at += len;
		return true;
	}
	return rule_fail(parser, RULE_FAULT_SYNTAX, parser->at, "unexpected character");
}

/* Read the next word.  False: what stands there is none. */
bool
rule_next_token(RuleParser *parser)
{
	char		c;

	while (parser->at < parser->source.len && is_blank(peek(parser, 0)))
		parser->at++;
	parser->token.position = parser->at;
	parser->token.text.data = "";
	parser->token.text.len = 0;
	if (parser->at >= parser->source.len)
	{
		parser->token.kind = RULE_TOKEN_END;
		return true;
	}
	c = peek(parser, 0);
	if (is_letter(c))
	{
		read_name(parser);
		return true;
	}
	if (c == '\'' || c == '"')
		return read_quoted(parser, c);
	if (is_digit(c) || (c == '.' && is_digit(peek(parser, 1))))
		return read_number(parser);
	return read_sign(parser);
}

/* True when a word is this sign, or this word of the language. */
bool
rule_token_is(const RuleToken *token, const char *word)
{
	return (token->kind == RULE_TOKEN_NAME || token->kind == RULE_TOKEN_SIGN) &&
		token->text.len == strlen(word) && memcmp(token->text.data, word, token->text.len) == 0;
}

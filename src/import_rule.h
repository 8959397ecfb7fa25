/*-------------------------------------------------------------------------
 *
 * import_rule.h
 *	  Rules that stewards declare about the rows of a file: an expression over
 *	  the columns, as in SQL, which holds for good rows.
 *
 * A rule is compiled once per job: import_rule_compile() reads the expression,
 * finds its columns through a callback, checks the types, and says where a
 * fault is.  import_rule_holds() judges a row, whose values come through
 * another callback.  As a CHECK of SQL, a rule is broken only when it is false:
 * what is not known breaks nothing.
 *
 * Numbers are exact fractions of up to 77 digits; texts are compared byte by
 * byte; nothing depends on a locale, a clock or a floating point.  No user's
 * pattern is ever more than one pass over the text for each character of it.
 *
 * Pure: memory of a rule comes from the caller's arena, as does that of a
 * judgement, which may be given back after it.
 *
 * IDENTIFICATION
 *	  src/import_rule.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_RULE_H
#define STATBUS_IMPORT_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parse.h"

/* Limits of an expression: bytes, and depth of what stands in it. */
#define RULE_MAX_BYTES	10000
#define RULE_MAX_DEPTH	100

/* Where memory comes from; never NULL. */
typedef struct RuleArena
{
	void	   *(*alloc) (void *arg, size_t size);
	void	   *arg;
} RuleArena;

typedef enum RuleType
{
	RULE_NULL,					/* the word null: fits every other type */
	RULE_BOOLEAN,
	RULE_NUMBER,
	RULE_TEXT,
	RULE_DATE
} RuleType;

/* A natural number: limbs of 32 bits, the lowest first, none of the highest zero. */
#define RULE_LIMBS 8

typedef struct RuleNatural
{
	int			len;
	uint32_t	limbs[RULE_LIMBS];
} RuleNatural;

/* A fraction; not shortened.  Zero is never negative. */
typedef struct RuleNumber
{
	bool		negative;
	RuleNatural num;
	RuleNatural den;			/* at least one */
} RuleNumber;

/* Days since 2000-01-01 for dates; these two lie outside of the calendar. */
#define RULE_DAY_INFINITY	INT32_MAX
#define RULE_DAY_MINUS_INFINITY	INT32_MIN

/* A value; which member counts is its type, which the column or the node has. */
typedef struct RuleValue
{
	bool		is_null;
	bool		truth;
	int32_t		day;
	SbSlice		text;
	RuleNumber	number;
} RuleValue;

typedef enum RuleFault
{
	RULE_FAULT_NONE,
	RULE_FAULT_SYNTAX,
	RULE_FAULT_COLUMN,			/* there is no such column */
	RULE_FAULT_FUNCTION,		/* no such function or operator for these
								 * types */
	RULE_FAULT_TYPE,			/* types that do not go together */
	RULE_FAULT_DATE,			/* a text that is no date */
	RULE_FAULT_TOO_LONG			/* too many bytes, digits or levels */
} RuleFault;

#define RULE_MESSAGE_SIZE 200

/* What is wrong with an expression. */
typedef struct RuleError
{
	RuleFault	fault;
	size_t		position;		/* byte of the expression, from 0 */
	char		message[RULE_MESSAGE_SIZE];
} RuleError;

/* The columns that expressions may name. */
typedef struct RuleScope
{
	/* False: there is no such column.  Its number is the caller's. */
	bool		(*find) (void *arg, SbSlice name, int *column, RuleType *type);
	void	   *arg;
	int32_t		today;
} RuleScope;

typedef struct Rule Rule;

/* The values of a row. */
typedef struct RuleRow
{
	/* False: the cell could not be read, and the rule cannot be judged. */
	bool		(*get) (void *arg, int column, RuleValue *value);
	void	   *arg;
} RuleRow;

typedef enum RuleVerdict
{
	RULE_HOLDS,
	RULE_UNKNOWN,				/* neither true nor false, or a cell could not
								 * be read */
	RULE_BROKEN,
	RULE_TOO_BIG				/* a number has more than 77 digits on the way */
} RuleVerdict;

extern const char *rule_type_name(RuleType type);

/* NULL: see error.  The expression may go afterwards. */
extern Rule *import_rule_compile(SbSlice expression, const RuleScope *scope,
								 const RuleArena *arena, RuleError *error);

/* The columns of a rule, each once, in the order of the expression. */
extern int	import_rule_columns(const Rule *rule, const int **columns);

extern RuleVerdict import_rule_holds(const Rule *rule, const RuleRow *row, const RuleArena *arena);

/* import_rule_number.c */
extern bool rule_number_parse(SbSlice digits, RuleNumber *number);
extern void rule_number_from_int(int64_t value, RuleNumber *number);
extern bool rule_number_to_int(const RuleNumber *number, int64_t *value);
extern int	rule_number_compare(const RuleNumber *a, const RuleNumber *b);
extern bool rule_number_add(const RuleNumber *a, const RuleNumber *b, RuleNumber *sum);
extern bool rule_number_multiply(const RuleNumber *a, const RuleNumber *b, RuleNumber *product);
extern bool rule_number_divide(const RuleNumber *a, const RuleNumber *b, RuleNumber *quotient);
extern void rule_number_negate(RuleNumber *number);
extern bool rule_number_is_zero(const RuleNumber *number);

#endif							/* STATBUS_IMPORT_RULE_H */

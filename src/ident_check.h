/*-------------------------------------------------------------------------
 *
 * ident_check.h
 *	  What an identifier of a file must look like, and what is wrong with one.
 *
 * The rule of a type of identifier is data (register.external_ident_rule):
 * the forms that its values have, the check digit, and what may stand around a
 * value in files and is taken away.  A type without a rule takes anything of at
 * most IDENT_LIMIT characters.
 *
 * Who reads a file calls import_ident_normalise() for each cell that holds a
 * regular identifier, after blanks, characters without width and NFKC, so that
 * one identifier is written in one way wherever it is compared or stored.  Who
 * takes the value calls import_ident_check(), which normalises too: to do both
 * does no harm, for a normalised value is left as it is.
 *
 * Pure: no memory is allocated; slices of a verdict point into the value, the
 * rule and the verdict itself, which must not be copied.
 *
 * IDENTIFICATION
 *	  src/ident_check.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IDENT_CHECK_H
#define STATBUS_IDENT_CHECK_H

#include "import_cell.h"

/* The most characters of an identifier in the register. */
#define IDENT_LIMIT 50

/* Room for them, whatever they are. */
#define IDENT_BYTES (4 * IDENT_LIMIT)

/* The most findings of one value. */
#define IDENT_FINDINGS 3

/* How the check digits at the end of an identifier follow from the rest. */
typedef enum IdentChecksum
{
	IDENT_CHECKSUM_NONE,
	IDENT_CHECKSUM_MOD11,		/* weighted sum of the digits; one digit */
	IDENT_CHECKSUM_LUHN,		/* one digit */
	IDENT_CHECKSUM_MOD97_10,	/* ISO 7064; letters count 10 to 35; two
								 * digits */
	IDENT_CHECKSUM_MOD97,		/* 97 - the rest modulo 97; two digits */
	IDENT_CHECKSUM_DIGIT_SUM	/* the sum of all digits is a multiple of
								 * modulus */
} IdentChecksum;

/* A form: one class per character. */
typedef struct IdentPattern
{
	int			length;
	char		classes[IDENT_LIMIT];	/* IDENT_DIGIT, IDENT_LETTER,
										 * IDENT_EITHER; any other ASCII
										 * character is itself */
} IdentPattern;

#define IDENT_DIGIT '#'
#define IDENT_LETTER '@'		/* A to Z */
#define IDENT_EITHER '*'

/* Another check that is as good, for identifiers that begin so. */
typedef struct IdentException
{
	SbSlice		prefix;
	IdentChecksum checksum;
	int			modulus;
} IdentException;

/* The rule of a type of identifier. */
typedef struct IdentRule
{
	const char *code;			/* of the rule, such as "no_orgnr" */
	ImportSeverity severity;	/* of what is wrong by the rule */
	const IdentPattern *patterns;
	int			npatterns;		/* 0: any form */
	IdentChecksum checksum;
	int			modulus;		/* of IDENT_CHECKSUM_DIGIT_SUM */
	const int  *weights;		/* of IDENT_CHECKSUM_MOD11, one per digit
								 * before the last */
	int			nweights;
	bool		upper_case;		/* what is done to values of no form: in this
								 * order, until nothing changes */
	const SbSlice *suffixes;	/* ASCII, in capitals when upper_case */
	int			nsuffixes;
	const SbSlice *prefixes;
	int			nprefixes;
	SbSlice		ignored;		/* ASCII characters that are taken away */
	bool		pad_zeros;		/* digits that are too few get zeros before
								 * them */
	const IdentException *exceptions;
	int			nexceptions;
} IdentRule;

/* A finding, with the details that it has. */
typedef struct IdentFinding
{
	ImportSeverity severity;
	const char *code;			/* of import.finding_code */
	const char *type;			/* code of the rule; NULL: none */
	SbSlice		value;			/* NULL data: that of the file */
	SbSlice		expected;		/* check digits; NULL data: not known, or
								 * there are none that fit */
	SbSlice		suggestion;		/* NULL data: none */
	SbSlice		normalised;		/* NULL data: none */
	SbSlice		character;		/* NULL data: none */
	int			position;		/* of it, from 1 */
	int			length;			/* in characters; 0: not said */
	int			limit;			/* 0: not said */
	int			nlengths;		/* that would be right; 0: not said */
	int			npositions;		/* of characters, from 1; 0: not said */
	int			lengths[IDENT_LIMIT];
	int			positions[IDENT_LIMIT];
} IdentFinding;

/* What was found out about a value. */
typedef struct IdentVerdict
{
	SbSlice		value;			/* normalised */
	bool		is_normalised;	/* it is not as it was given */
	bool		is_refused;		/* a finding is an error: the value names no
								 * unit */
	int			nfindings;
	IdentFinding findings[IDENT_FINDINGS];
	char		buffer[IDENT_BYTES];
	char		suggestions[2][IDENT_BYTES];
	char		expected[4];
} IdentVerdict;

/* The form that "text" says, such as "#{9}" or "@@#{6}"; false: it says none. */
extern bool ident_pattern_read(SbSlice text, IdentPattern *pattern);

/* The checksum of that name: "mod11", "luhn", "mod97_10", "mod97", "digit_sum". */
extern bool ident_checksum_from_name(const char *name, IdentChecksum *checksum);

/*
 * The value as the rule writes it, in the buffer or the value itself.  Values
 * of a form of the rule, and those that no rule can read (too long, or in
 * scientific notation), are left as they are; so is all without a rule.
 */
extern SbSlice import_ident_normalise(const IdentRule *rule, SbSlice value, char buffer[IDENT_BYTES]);

/*
 * Normalise and judge a value, which is not empty and valid UTF-8.  rule may
 * be NULL.  Findings come in the order in which they are shown: errors first.
 */
extern void import_ident_check(const IdentRule *rule, SbSlice value, IdentVerdict *verdict);

/* The value is digits that a spreadsheet has rounded, such as 9,74761E+08. */
extern bool ident_is_scientific(SbSlice value);

/* What is wrong with a rule, in English; NULL: nothing.  Only sound rules may be used. */
extern const char *ident_rule_fault(const IdentRule *rule);

/* The value with the Latin letters that others look like; `out' has as much room as the value. */
extern SbSlice ident_latin(SbSlice value, char *out);

/*
 * Whether a text has letters of two scripts, and where those of the rarer one
 * are, from 1, as far as there is room; the suggestion writes them in the other
 * script, len 0 when that cannot be done.
 */
extern bool ident_mixed_script(SbSlice value, int *positions, int room, int *npositions,
							   char *suggestion, size_t size, size_t *len);

#endif							/* STATBUS_IDENT_CHECK_H */

/*-------------------------------------------------------------------------
 *
 * import_rule_row.h
 *	  Declared rules and the row of a file that they judge.
 *
 * Pure, as what it joins: import_rule.h and import_cell.h.
 *
 * IDENTIFICATION
 *	  src/import_rule_row.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_RULE_ROW_H
#define STATBUS_IMPORT_RULE_ROW_H

#include "import_cell.h"
#include "import_rule.h"

/* A rule of a job. */
typedef struct RuleEntry
{
	const char *name;
	const char *message;
	ImportSeverity severity;
	const Rule *rule;
	int			column;			/* of the plan, the first of the expression */
} RuleEntry;

/* All rules of a job; to be zeroed, but for plan and arena. */
typedef struct RuleSet
{
	const ImportPlan *plan;
	RuleArena	arena;			/* of the rules */
	RuleEntry  *entries;
	int			count;
	int			room;
} RuleSet;

/* The type that rules see in a column; false: it is none for them. */
extern bool rule_type_of_column(ImportKind kind, SbSlice name, RuleType *type);

/* Add a rule, whose texts live as long as the set; false: see error. */
extern bool rule_set_add(RuleSet *set, const char *name, const char *expression,
						 ImportSeverity severity, const char *message, RuleError *error);

/* What the first rule of the set says of a row. */
extern RuleVerdict rule_set_verdict(const RuleSet *set, const ImportRow *row);

/* Judge a row after import_judge_row(), and add a finding for each rule that it breaks. */
extern void rule_set_judge(const RuleSet *set, ImportRow *row);

#endif							/* STATBUS_IMPORT_RULE_ROW_H */

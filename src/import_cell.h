/*-------------------------------------------------------------------------
 *
 * import_cell.h
 *	  One row of a file: its cells parsed and judged, each by itself and
 *	  against the others of the row.
 *
 * An ImportRow is what the file says (trimmed text, NULL for nothing) and what
 * the analysis knows of the row already.  import_judge_row() fills in a value
 * per column, what follows for the unit, and the findings in the order in
 * which they are shown.  What a column holds is decided once per job:
 * ImportColumn.
 *
 * Pure: memory comes from the caller's arena, codes are looked up through a
 * callback, Unicode is normalised through another.  Values and findings point
 * into the cells, the plan and the arena.
 *
 * IDENTIFICATION
 *	  src/import_cell.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_CELL_H
#define STATBUS_IMPORT_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parse.h"

/* What a column of a file holds. */
typedef enum ImportKind
{
	IMPORT_JUDGED,				/* judged before: periods, identifiers */
	IMPORT_TEXT,
	IMPORT_DATE,
	IMPORT_INTEGER,				/* a whole-number statistic */
	IMPORT_NUMERIC,				/* another number statistic */
	IMPORT_BOOLEAN,
	IMPORT_LATITUDE,
	IMPORT_LONGITUDE,
	IMPORT_ALTITUDE,
	IMPORT_PERCENTAGE,
	IMPORT_POSTAL_COORDINATE,	/* a postal address has no place on the map */
	IMPORT_CODE					/* of the list in ImportColumn.list */
} ImportKind;

typedef enum ImportList
{
	IMPORT_LIST_NONE,
	IMPORT_LIST_PLAIN,			/* status, sector, legal form, unit size, data
								 * source */
	IMPORT_LIST_ACTIVITY,
	IMPORT_LIST_REGION,
	IMPORT_LIST_COUNTRY,
	IMPORT_LIST_TAG,
	IMPORT_LIST_REL_TYPE
} ImportList;

/* Days for ever in either direction, beside those of a DateADT. */
#define IMPORT_SINCE_EVER INT32_MIN
#define IMPORT_FOR_EVER INT32_MAX

/* A time, of which `until` is no part.  DateADT. */
typedef struct ImportPeriod
{
	int32_t		from;
	int32_t		until;
} ImportPeriod;

/* What is known of a country that helps to judge an address. */
typedef struct ImportCountry
{
	int32_t		id;
	const char *const *masks;	/* of postcodes: 9 a digit, A a letter */
	int			nmasks;
	bool		has_box;
	int32_t		south;			/* of the box around it, in millionths of a
								 * degree */
	int32_t		north;
	int32_t		west;
	int32_t		east;
} ImportCountry;

/* What a code list knows of a code. */
typedef struct ImportCode
{
	int32_t		id;
	bool		enabled;
	bool		is_leaf;
	ImportPeriod in_force;
	SbSlice		successor;		/* the code that took its place; NULL data:
								 * none is known */
} ImportCode;

/* A column of the file, as the job's plan has it.  name is without "_raw". */
typedef struct ImportColumn
{
	const char *name;
	ImportKind	kind;
	ImportList	list;
	int			length_limit;	/* characters; 0: none */
	bool		is_phone;		/* may begin with + */
	bool		is_address_part;	/* *address_part_ */
	bool		is_email;
	bool		is_web_address;
	void	   *codes;			/* what lookup() and suggest() take */
} ImportColumn;

typedef enum ImportSeverity
{
	IMPORT_ERROR,
	IMPORT_WARNING,
	IMPORT_INFO
} ImportSeverity;

/* A member of a finding's details. */
typedef struct ImportDetail
{
	const char *key;
	enum
	{
		IMPORT_DETAIL_TEXT,
		IMPORT_DETAIL_INTEGER,
		IMPORT_DETAIL_LIST
	}			type;
	SbSlice		text;
	int64_t		number;
	const char *const *list;	/* of nlist texts */
	int			nlist;
} ImportDetail;

#define IMPORT_MAX_DETAILS 4

/* A finding.  With has_details and no detail, its details are an empty object. */
typedef struct ImportFinding
{
	ImportSeverity severity;
	const char *code;			/* of import.finding_code; NULL: none is shown */
	const char *column;			/* without "_raw" */
	SbSlice		value;			/* as the file has it; NULL data: not shown */
	bool		has_details;
	int			ndetails;
	ImportDetail details[IMPORT_MAX_DETAILS];
} ImportFinding;

/*
 * What a cell came to.  Which member counts is the column's kind.  Values of
 * IMPORT_JUDGED and IMPORT_POSTAL_COORDINATE are null.
 */
typedef struct ImportValue
{
	bool		is_null;		/* no value for the register */
	bool		is_parsed;		/* it could be read, whatever it is worth
								 * (SQL's p_<column> is not NULL) */
	bool		is_infinite;	/* dates */
	bool		truth;
	bool		is_known;		/* codes: in the list (SQL's id_ is not NULL);
								 * null all the same when not enabled */
	int32_t		day;			/* dates, since 2000-01-01; INT32_MAX when
								 * infinite, as DateADT */
	int64_t		integer;
	SbSlice		text;			/* texts: cleaned and cut; numbers: plain
								 * digits, not rounded, terminated */
	ImportCode	code;
} ImportValue;

/* A number of a row in the register. */
typedef struct ImportId
{
	bool		is_null;
	int32_t		id;
} ImportId;

#define IMPORT_ADDRESS_PARTS 5

/* A postal or physical address: where its columns are; -1: not in the file. */
typedef struct ImportAddress
{
	bool		is_used;		/* the file has address_part1 */
	int			parts[IMPORT_ADDRESS_PARTS];	/* address_part1 to 3,
												 * postcode, postplace */
	int			region;
	int			country;
	int			latitude;
	int			longitude;
	int			altitude;
} ImportAddress;

#define IMPORT_PHYSICAL 0
#define IMPORT_POSTAL 1

/*
 * Where the columns are that are judged together; -1: not in the file.  Found
 * by import_link_plan().
 */
typedef struct ImportLinks
{
	int			birth_date;
	int			death_date;
	int			primary_activity;
	int			secondary_activity;
	int			name;
	int			status;
	int			sector;
	int			data_source;
	ImportAddress addresses[2];
	int		  **peers;			/* per column: of a country, the columns of
								 * its address without coordinates, ended by
								 * -1; otherwise NULL */
} ImportLinks;

/* Other lists that a column's codes may be of, at the most. */
#define IMPORT_MAX_OTHERS 16

/* What was counted of a column. */
typedef struct ImportColumnTally
{
	int64_t		filled;			/* cells */
	int64_t		bad;			/* ... unknown codes, or no numbers but words */
	int64_t		elsewhere[IMPORT_MAX_OTHERS];	/* codes that are known to
												 * other lists */
} ImportColumnTally;

/* What was counted of the postcodes of an address. */
typedef struct ImportSwapTally
{
	int64_t		both;			/* with a place beside them */
	int64_t		swapped;		/* ... which is a postcode, and they are not */
} ImportSwapTally;

/* What was counted of a file. */
typedef struct ImportTally
{
	ImportColumnTally *columns; /* as the plan's */
	ImportSwapTally postcodes[2];	/* IMPORT_PHYSICAL, IMPORT_POSTAL */
} ImportTally;

/* The job's plan, as far as rows are concerned.  links and tally are not the caller's. */
typedef struct ImportPlan
{
	const ImportColumn *columns;
	int			ncolumns;
	const SbDateFormat *date_formats;
	const char *const *date_format_names;
	int			ndate_formats;
	SbMark		decimal;
	SbMark		thousands;
	const SbSlice *true_words;	/* trimmed, as for sb_parse_boolean() */
	int			ntrue;
	const SbSlice *false_words;
	int			nfalse;
	const SbSlice *erase_words; /* likewise; a cell that is one of them says
								 * that its value goes away */
	int			nerase;
	bool		truncate_overlong;
	int32_t		today;			/* days since 2000-01-01 */
	ImportId	country;		/* of the settings */
	const ImportCountry *countries; /* by their ids */
	int			ncountries;
	ImportId	default_status;
	bool		keeps_status;	/* a unit that exists keeps its status where
								 * the file says nothing: strategies
								 * insert_or_update and update_only, or no
								 * source for status_code */
	ImportId	default_data_source;	/* of the definition */
	bool		is_formal_establishment;	/* mode */
	bool		name_needed_for_new;	/* strategy insert_or_update: new or
										 * new time only */
	bool		name_never_needed;	/* strategy update_only */
	bool		all_percentages_small;	/* the highest of the file is at most
										 * 1: import_percentage_above_one()
										 * for none */

	/*
	 * Exactly this code; what is not in the list is false.  Where it has
	 * several meanings in the course of time, that of the period; without a
	 * period (NULL), or when it spans several, that which the register
	 * prefers.
	 */
	bool		(*lookup) (void *codes, SbSlice value, const ImportPeriod *period, ImportCode *code);

	/*
	 * The code in force at some time of the period (NULL: any) that may be
	 * meant by an unknown value; it lives as long as the plan or the arena.
	 * False: nothing is known.
	 */
	bool		(*suggest) (void *codes, SbSlice value, const ImportPeriod *period, SbSlice *suggestion);

	/*
	 * The other lists that know a code, a bit for each, and the name of one
	 * of them.
	 */
	uint32_t	(*elsewhere) (void *codes, SbSlice value);
	SbSlice		(*other_name) (void *codes, int other);

	/*
	 * Composes what is decomposed (NFC).  The result may be the value itself
	 * or lie in the arena.  Not called for texts that cannot need it.
	 */
	SbSlice		(*normalise) (void *arg, SbSlice value);
	void	   *(*alloc) (void *arg, size_t size);
	void	   *arg;
	ImportLinks links;
	ImportTally *tally;
} ImportPlan;

/* One row. cells, values: ncolumns each. */
typedef struct ImportRow
{
	/* What the caller says. */
	const SbSlice *cells;		/* NULL data: nothing; the judge replaces them
								 * by a copy where some erase values */
	const bool *erased_before;	/* cells that held a word that erases, when
								 * they were read; NULL: none */
	ImportValue *values;		/* room; all of it is written */
	int32_t		valid_from;		/* DateADT */
	int32_t		valid_until;	/* likewise; INT32_MAX for infinity */
	bool		has_period;		/* valid_from is not NULL */
	bool		is_new;
	bool		is_covered;
	bool		is_skipped;
	bool		is_refused;

	/* What import_judge_row() says, beside the values. */
	bool	   *erased;			/* per column, in the arena: its value goes
								 * away; NULL: none does */
	ImportId	country[2];		/* IMPORT_PHYSICAL, IMPORT_POSTAL: null
								 * without such an address in the file */
	ImportId	status;			/* when the file has status_code */
	ImportId	sector;			/* when the file has sector_code */
	ImportId	data_source;	/* when the file has data_source_code */
	ImportFinding *findings;	/* in the arena: errors, then warnings, then
								 * infos */
	int			nfindings;
	int			nerrors;
	int			nwarnings;
} ImportRow;

/*
 * Find the columns that are judged together, once per job, after all else of
 * the plan is filled in.  Takes memory from alloc() that must live as long as
 * the plan.
 */
extern void import_link_plan(ImportPlan *plan);

/*
 * Parse and judge all cells of a row.  A skipped row gets values but no
 * findings.
 */
extern void import_judge_row(const ImportPlan *plan, ImportRow *row);

/*
 * What is to be said of the file as a whole, after all its rows: findings
 * about columns, as those of the row.
 */
extern void import_judge_file(const ImportPlan *plan, ImportRow *row);

/* Is a cell, trimmed, one of the words that erase a value? */
extern bool import_is_erase_word(const ImportPlan *plan, SbSlice cell);

/* True for a cell that is a number above one. */
extern bool import_percentage_above_one(const ImportPlan *plan, SbSlice cell);
extern int32_t import_percentage_hundredths(const ImportPlan *plan, SbSlice cell);

/* 100 per cent. */
#define IMPORT_ALL_HUNDREDTHS 10000

#endif							/* STATBUS_IMPORT_CELL_H */

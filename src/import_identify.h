/*-------------------------------------------------------------------------
 *
 * import_identify.h
 *	  Analysis of a job: what the files share that find out which unit a row
 *	  means.
 *
 *	  import_identify_sql.c  what is done in which order; the fate of a row
 *	  import_entity_sql.c    rows of one entity, units of the register, what
 *							 speaks against them
 *	  import_differ_sql.c    identifiers of one entity against each other
 *	  import_link_sql.c      the legal units of establishments
 *	  import_pending_sql.c   what other jobs are about to bring
 *	  import_repeat_sql.c    rows of one entity against each other
 *	  import_register_sql.c  what the register knows
 *	  import_relationship*_sql.c  files about relationships
 *	  import_remark_sql.c    findings, written
 *
 * A row that was read becomes an IdentifyRow, which is spooled: its period and
 * its identifiers as numbers of nodes (import_ident.h).
 * What follows from these and the register is worked out anew whenever rows are
 * gone through, which is cheaper than to keep it.  What does not follow from
 * them, that a row is a copy or was refused for what other rows say, is an
 * event.
 *
 * IDENTIFICATION
 *	  src/import_identify.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_IDENTIFY_H
#define STATBUS_IMPORT_IDENTIFY_H

#include "import_stage.h"

#include "executor/spi.h"
#include "utils/date.h"
#include "utils/hsearch.h"

#include "ident_check_sql.h"
#include "import_hash.h"
#include "import_ident.h"
#include "import_spool.h"

/* Whose identifier a column holds. */
typedef enum IdentifyRole
{
	IDENTIFY_OWN,				/* of the row's own unit */
	IDENTIFY_LINK,				/* of the legal unit of an establishment */
	IDENTIFY_INFLUENCING,
	IDENTIFY_INFLUENCED
} IdentifyRole;

#define IDENTIFY_ROLES 4

/* What the files are about. */
typedef enum IdentifyMode
{
	IDENTIFY_LEGAL_UNIT,
	IDENTIFY_FORMAL,
	IDENTIFY_INFORMAL,
	IDENTIFY_GENERIC,
	IDENTIFY_RELATIONSHIP
} IdentifyMode;

/* A type of identifiers. */
typedef struct IdentifyType
{
	int32		id;
	bool		is_hierarchical;
	const IdentRule *rule;		/* NULL: none */
} IdentifyType;

/* A type of identifiers in a role, and the columns that give it. */
typedef struct IdentifySlot
{
	IdentifyRole role;
	int			type;			/* of the types of the file */
	bool		is_given;		/* by a column of the file */
	int			ncolumns;
	int		   *columns;		/* of the plan; several: components */
	const char *name;			/* of the first column */
} IdentifySlot;

/* Flags of a row that was read. */
#define IDENTIFY_SKIPPED 0x01
#define IDENTIFY_REFUSED 0x02
#define IDENTIFY_ERROR 0x04		/* something that was said of it is an error */
#define IDENTIFY_PERIOD 0x08

/* An identifier of a row. */
typedef struct IdentifyIdent
{
	uint32		slot;
	uint32		node;
} IdentifyIdent;

/* A row, without its identifiers. */
typedef struct IdentifyRow
{
	uint32		row_id;
	uint16		flags;
	uint16		nidents;
	DateADT		valid_from;
	DateADT		valid_until;
} IdentifyRow;

/* What the register knows by the identifiers of a row in one role; 0: nothing. */
typedef struct IdentifyHit
{
	int			nidents;
	bool		is_known;
	bool		is_other;
	bool		is_ambiguous;
	int32		legal_unit;
	int32		establishment;
} IdentifyHit;

/* A row on its way. */
typedef struct IdentifyCase
{
	IdentifyRow row;
	IdentifyIdent *idents;
	IdentifyHit hits[IDENTIFY_ROLES];
	bool		is_refused;
	bool		is_error;
	bool		has_entity;
	uint32		root;			/* of its entity, when it has one */
	uint32		founding;
	int32		legal_unit;		/* of the entity; 0: none */
	int32		establishment;
	bool		is_tied;		/* the entity ties different units together */
	bool		is_new;
	bool		is_covered;
} IdentifyCase;

/* Days from and until; the days of a unit are sorted, and no two touch. */
typedef struct IdentifyDays
{
	DateADT		from;
	DateADT		until;
} IdentifyDays;

/* When a unit of the register exists. */
typedef struct IdentifyLife
{
	int			ndays;
	const IdentifyDays *days;
	bool		has_formal;		/* it is known whether the establishment … */
	bool		is_formal;		/* … is one of a legal unit */
} IdentifyLife;

/* What is kept of it: 16 bytes a unit. */
typedef struct IdentifyUnit
{
	ImportUnit	unit;
	uint32		info;			/* first a node and one, then IDENTIFY_UNIT_* */
	IdentifyDays days;			/* or, of several: where, in from */
} IdentifyUnit;

#define IDENTIFY_UNIT_HAS_FORMAL 0x01
#define IDENTIFY_UNIT_IS_FORMAL 0x02
#define IDENTIFY_UNIT_DAYS(info) ((int) ((info) >> 2))

/* What happened to a row for what other rows say. */
typedef struct IdentifyEvent
{
	uint32		row_id;
	uint32		flags;			/* IDENTIFY_SKIPPED, IDENTIFY_REFUSED */
} IdentifyEvent;

typedef struct IdentifyEvents
{
	ImportSorter *sorter;		/* NULL: none */
	IdentifyEvent next;			/* row_id 0: no more */
} IdentifyEvents;

struct ImportIdentify
{
	ImportJob  *job;
	ImportNotes *notes;
	ImportFile *file;
	MemoryContext context;
	MemoryContext ident_context;	/* of the identifiers */
	MemoryContext scratch;		/* of the row that is looked at */
	IdentifyMode mode;
	bool		within_life;	/* the strategy needs units that exist */
	bool		only_new;
	bool		only_known;
	bool		unique_units;
	int64		batch_size;
	IdentifyType *types;
	int			ntypes;
	IdentifySlot *slots;
	int			nslots;
	int		   *own_columns;	/* of the plan */
	const char **own_names;
	int			nown;
	const char **link_names;	/* of columns that say a legal unit */
	int			nlinks;
	int		   *sorted_columns; /* all, in the order of their names */
	int			period_columns[2];	/* the first day and the last; -1: none */
	ImportIdents idents;
	ImportSpool *rows;
	int64		nrows;

	/* What the register knows. */
	IdentifyUnit *units;		/* sorted */
	int64		nunits;
	IdentifyDays *more_days;	/* of units with several periods */
	int64		nmore_days;
	int64		max_more_days;
	HTAB	   *tied;			/* entities that tie units together */
	bool		wants;			/* rows refer to units that are not known */
	HTAB	   *pending;		/* their identifiers that wait in other jobs */

	/* Of files about relationships. */
	struct IdentifyLinks *links;	/* NULL: the file is about units */

	/* What rows say of each other. */
	IdentifyEvents conflicts;	/* while rows are judged */
	IdentifyEvents events;		/* when fates are asked for */
	struct IdentifyRepeats *repeats;

	/* The row whose fate was given last. */
	IdentifyCase current;
	int64		place;			/* rows of entities that were founded so far */
};

/* Units of an entity that ties several together. */
typedef struct IdentifyTied
{
	uint32		root;
	int32		legal_unit;
	int32		establishment;
} IdentifyTied;

/* A job whose data hold an identifier that the register does not know yet. */
typedef struct IdentifyPending
{
	uint32		node;
	const char *slug;
} IdentifyPending;

/* A finding that is being written. */
typedef struct IdentifyRemark
{
	JsonbParseState *state;
	ImportSeverity severity;
	bool		has_details;
	MemoryContext old;
} IdentifyRemark;

/* import_identify_sql.c */
extern bool import_identify_read(ImportIdentify *identify, IdentifyCase *rowcase);
extern void import_event_add(ImportIdentify *identify, IdentifyEvents *events, uint32 row_id, uint32 flags);
extern void import_events_begin(IdentifyEvents *events);
extern uint32 import_events_of_row(IdentifyEvents *events, uint32 row_id);

/* import_entity_sql.c */
extern void import_entity_join(ImportIdentify *identify);
extern void import_entity_place(ImportIdentify *identify, IdentifyCase *rowcase);
extern void import_entity_judge(ImportIdentify *identify);

/* import_differ_sql.c */
extern void import_differ_judge(ImportIdentify *identify);

/* import_link_sql.c */
extern void import_link_want(ImportIdentify *identify, const IdentifyCase *rowcase);
extern void import_link_judge(ImportIdentify *identify, IdentifyCase *rowcase);
extern bool import_link_needs_gap(const ImportIdentify *identify, const IdentifyCase *rowcase);
extern void import_link_judge_gaps(ImportIdentify *identify, IdentifyCase **cases, int ncases);

/* import_pending_sql.c */
extern void import_pending_ask(ImportIdentify *identify);
extern const char *import_pending_job(const ImportIdentify *identify, uint32 node);

/* import_repeat_sql.c */
extern void import_repeat_begin(ImportIdentify *identify);
extern void import_repeat_add(ImportIdentify *identify, const IdentifyCase *rowcase);
extern void import_repeat_take(ImportIdentify *identify, const IdentifyRow *row, uint32 founding, bool is_error);
extern void import_repeat_judge(ImportIdentify *identify);

/* import_relationship_sql.c */
extern void import_relationship_begin(ImportIdentify *identify);
extern void import_relationship_add(ImportIdentify *identify, const ImportFileRow *row);
extern void import_relationship_judge(ImportIdentify *identify);
extern void import_relationship_next(ImportIdentify *identify, ImportFate *fate);

/* import_register_sql.c */
extern void import_register_ask(ImportIdentify *identify);
extern bool import_register_life(const ImportIdentify *identify, ImportUnit unit, IdentifyLife *life);
extern bool import_days_cover(const IdentifyLife *life, DateADT from, DateADT until);
extern bool import_days_meet(const IdentifyLife *life, DateADT from, DateADT until);

typedef struct IdentifyHeld
{
	ImportUnit	unit;
	int			type;			/* of the types of the file */
	SbSlice		value;
} IdentifyHeld;

extern int	import_register_held(ImportIdentify *identify, const ImportUnit *units, int nunits, IdentifyHeld **held);
extern int	import_register_names(const ImportUnit *units, int nunits, IdentifyHeld **names);
extern const IdentifyHeld *import_held_find(const IdentifyHeld *held, int nheld, ImportUnit unit, int type);

/* import_remark_sql.c */
extern void import_remark_begin(ImportIdentify *identify, IdentifyRemark *remark, ImportSeverity severity,
								const char *code, const char *column, SbSlice value);
extern void import_remark_text(IdentifyRemark *remark, const char *key, SbSlice text);
extern void import_remark_number(IdentifyRemark *remark, const char *key, int64 number);
extern void import_remark_numeric(IdentifyRemark *remark, const char *key, Numeric number);
extern void import_remark_true(IdentifyRemark *remark, const char *key);
extern void import_remark_names(IdentifyRemark *remark, const char *key, const char *const *names, int nnames);
extern void import_remark_slices(IdentifyRemark *remark, const char *key, const SbSlice *texts, int ntexts);
extern void import_remark_rows(IdentifyRemark *remark, const char *key, const uint32 *rows, int nrows);
extern void import_remark_life(IdentifyRemark *remark, const char *key, const IdentifyLife *life);
extern void import_remark_open(IdentifyRemark *remark, const char *key);
extern void import_remark_close(IdentifyRemark *remark);
extern void import_remark_jsonb(IdentifyRemark *remark, const char *key, Jsonb *value);
extern void import_remark_object(IdentifyRemark *remark, Jsonb *details);
extern void import_remark_columns(ImportIdentify *identify, IdentifyRemark *remark, const IdentifyCase *rowcase,
								  IdentifyRole role);
extern void import_remark_details(IdentifyRemark *remark);
extern void import_remark_end(ImportIdentify *identify, IdentifyRemark *remark, uint32 row_id);
extern SbSlice import_day_text(DateADT day, char *buffer);

#define IMPORT_DAY_SIZE 32

#endif							/* STATBUS_IMPORT_IDENTIFY_H */

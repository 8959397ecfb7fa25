/*-------------------------------------------------------------------------
 *
 * import_analyse.h
 *	  Analysis of a job, its cells: what the files share.
 *
 * import_plan_sql.c reads the job and says what each column of the file holds
 * and where each column of the data table comes from; import_codes_sql.c keeps
 * the code lists; import_cell*.c judge a row; import_finding_sql.c packs what
 * they found; import_target_sql.c turns it into the values of a row;
 * import_writer_sql.c writes rows, import_output_sql.c those of a record;
 * import_analyse_sql.c drives them all.  What comes before the cells is in
 * import_stage.h.
 *
 * IDENTIFICATION
 *	  src/import_analyse.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_ANALYSE_H
#define STATBUS_IMPORT_ANALYSE_H

#include "statbus.h"

#include "access/heapam.h"
#include "nodes/execnodes.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

#include "import_cell.h"

/* What is known of a row before its cells, in every mode; more follows. */
typedef enum ImportStageColumn
{
	IMPORT_STAGE_ROW_ID,
	IMPORT_STAGE_FOUNDING,
	IMPORT_STAGE_BATCH,
	IMPORT_STAGE_IS_NEW,
	IMPORT_STAGE_IS_COVERED,
	IMPORT_STAGE_IS_SKIPPED,
	IMPORT_STAGE_IS_REFUSED,
	IMPORT_STAGE_VALID_FROM,
	IMPORT_STAGE_VALID_TO,
	IMPORT_STAGE_VALID_UNTIL,
	IMPORT_STAGE_LEGAL_UNIT,
	IMPORT_STAGE_ESTABLISHMENT,
	IMPORT_STAGE_LINK,
	IMPORT_STAGE_RELATIONSHIP,
	IMPORT_STAGE_MORE
} ImportStageColumn;

/* Where a column of the data table comes from. */
typedef enum ImportSource
{
	IMPORT_FROM_DEFAULT,		/* what the column says itself */
	IMPORT_FROM_FIXED,			/* the same in all rows */
	IMPORT_FROM_ROW_ID,
	IMPORT_FROM_LINE,
	IMPORT_FROM_OPERATION,
	IMPORT_FROM_ACTION,
	IMPORT_FROM_STATE,
	IMPORT_FROM_BATCH,
	IMPORT_FROM_ERRORS,
	IMPORT_FROM_WARNINGS,
	IMPORT_FROM_CELL,			/* of the file, as it is */
	IMPORT_FROM_VALUE,			/* what a cell came to */
	IMPORT_FROM_TAG_PATH,		/* a cell that is a known path */
	IMPORT_FROM_COUNTRY,		/* column: IMPORT_PHYSICAL, IMPORT_POSTAL */
	IMPORT_FROM_STATUS,
	IMPORT_FROM_SECTOR,
	IMPORT_FROM_DATA_SOURCE,
	IMPORT_FROM_EDIT_COMMENT,	/* a cell's value, or the job's */
	IMPORT_FROM_ERASED,			/* names of the columns whose values go away */
	IMPORT_FROM_STAGE,			/* column: of what is known before the cells */
	IMPORT_FROM_STAGE_PATH		/* likewise, a text that is a path */
} ImportSource;

/* What fills a column of the data table that is no column of the file. */
typedef struct ImportTyped
{
	const char *name;
	ImportSource source;
	int			column;
	Datum		fixed;
	Oid			fixed_type;
} ImportTyped;

/* An identifier of several components, whose path is a column of the data table. */
typedef struct ImportPath
{
	int			ncolumns;
	int		   *columns;		/* of the file, in their order */
} ImportPath;

/* Declared rules and severities. */
typedef struct ImportRules ImportRules;

/* The job and all that is known before the first row is read. */
typedef struct ImportJob
{
	MemoryContext context;		/* lives as long as the job */
	MemoryContext batch;		/* of the row on its way */
	int32		id;
	char	   *data_table;
	char	   *mode;
	char	   *strategy;
	int32		user_id;
	char	   *edit_comment;	/* NULL: none */
	ImportPlan	plan;
	ImportColumn *columns;
	char	  **raw_names;		/* names of the columns in the tables */
	List	   *typed;			/* of ImportTyped *; the last of a name counts */
	int			nstage;			/* columns of the stage */
	ImportPath *paths;			/* the last columns of the stage */
	int			npaths;
	int			percentage;		/* column; -1: none */
	ImportRules *rules;			/* NULL: neither rules nor other severities */
} ImportJob;

/* A finding that was noted before the cells. */
typedef struct ImportNote
{
	ImportSeverity severity;
	Jsonb	   *finding;
} ImportNote;

/* A row on its way into the data table. */
typedef struct ImportRecord
{
	int64		row_id;
	int64		source_line;
	const Datum *raw;			/* cells as they are in the table */
	const bool *raw_nulls;
	Datum	   *stage;			/* by ImportStageColumn, and more */
	bool	   *stage_nulls;
	ImportNote *notes;			/* errors, warnings, infos */
	int			nnotes;
	int			max_notes;
	bool		is_error;
	ImportRow	row;
} ImportRecord;

/* Rows on their way into a table. */
typedef struct ImportWriter ImportWriter;

/* What the columns of the data table are filled with. */
typedef struct ImportTargets ImportTargets;

/* The data table and the table of findings. */
typedef struct ImportOutput ImportOutput;

extern ImportJob *import_read_job(int32 id, MemoryContext context);

extern void *import_codes_load(const char *list, MemoryContext context);
extern bool import_codes_lookup(void *codes, SbSlice value, const ImportPeriod *period, ImportCode *code);
extern bool import_codes_suggest(void *codes, SbSlice value, const ImportPeriod *period, SbSlice *suggestion);
extern uint32_t import_codes_elsewhere(void *codes, SbSlice value);
extern SbSlice import_codes_other_name(void *codes, int other);
extern SbSlice import_normalise(void *arg, SbSlice value);

extern Jsonb *import_finding_jsonb(const ImportFinding *finding);
extern ImportKind import_kind_of(const char *name);
extern ImportRules *import_rules_load(const ImportJob *job);
extern void import_rules_judge(const ImportJob *job, ImportRecord *record);

extern Datum import_pack_findings(const ImportRecord *record);
extern Datum import_findings_by_column(const ImportRecord *record, ImportSeverity severity);

extern ImportTargets *import_targets_prepare(const ImportJob *job, Relation relation, EState *estate,
											 TupleDesc stage_desc);
extern void import_targets_fill(ImportTargets *targets, const ImportRecord *record,
								Datum *values, bool *nulls);

extern ImportWriter *import_writer_open(Relation relation, bool with_foreign_keys);
extern EState *import_writer_estate(ImportWriter *writer);
extern TupleTableSlot *import_writer_slot(ImportWriter *writer);
extern bool import_writer_add(ImportWriter *writer);
extern void import_writer_flush(ImportWriter *writer);
extern void import_writer_close(ImportWriter *writer);

extern ImportOutput *import_output_open(ImportJob *job, TupleDesc stage_desc);
extern void import_output_add(ImportOutput *output, ImportRecord *record);
extern void import_output_add_file(ImportOutput *output, ImportRecord *record);
extern void import_output_flush(ImportOutput *output);
extern void import_output_close(ImportOutput *output);

#endif							/* STATBUS_IMPORT_ANALYSE_H */

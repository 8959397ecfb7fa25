/*-------------------------------------------------------------------------
 *
 * import_stage.h
 *	  Analysis of a job: what passes between the parts that read the file, find
 *	  out what its rows mean, and judge them.
 *
 * The file is read twice, in its order.  First every row says its period and
 * its identifiers, which are kept in memory and beyond work_mem on disk, and no
 * other cell is looked at; then the register is asked, once for all, which of
 * them it knows, and rows that share one become one entity; then the rows are
 * read again, judged and written, each with what has become known of it: its
 * fate and its notes.
 *
 *	  import_source_sql.c    the rows of the file, trimmed (ImportFile)
 *	  import_period.c        the period of a row
 *	  import_note_sql.c      findings that come before those of the cells
 *	  import_ident*.c        identifiers, entities, the register (ImportIdentify)
 *	  import_repeat*.c       rows of one entity against each other
 *	  import_relationship*.c files about relationships
 *
 * IDENTIFICATION
 *	  src/import_stage.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_STAGE_H
#define STATBUS_IMPORT_STAGE_H

#include "import_analyse.h"
#include "import_period.h"

/*
 * A row of the file; good until the next one is asked for.  The first pass
 * reads the cells that are wanted, and none as texts.
 */
typedef struct ImportFileRow
{
	int64		row_id;			/* 1, 2, … in the order of the file */
	int64		source_line;
	const SbSlice *cells;		/* per column of the plan, trimmed; NULL data:
								 * nothing */
	const SbSlice *given;		/* per column: an identifier as the file has
								 * it, where it was normalised; otherwise NULL
								 * data */
	const bool *erased;			/* per column: an identifier that is a word
								 * that erases; such a cell is nothing */
	const Datum *raw;			/* per column: the cell as a text */
	const bool *raw_nulls;
	bool		is_blank;		/* no cell of the file says anything */
	bool		is_broken;		/* nobody knows which cell is which */
	Jsonb	   *findings;		/* an array, of the reading of the file; NULL:
								 * none */
	int32		valid_from;		/* DateADT, as import_period.c left it */
	int32		valid_to;
	int32		valid_until;
	bool		has_period;
	bool		has_plain_period;	/* nothing is to be said of its period;
									 * the first pass does not say so */
} ImportFileRow;

/* The file of a job. */
typedef struct ImportFile ImportFile;

extern ImportFile *import_file_open(ImportJob *job);
extern const ImportPeriodPlan *import_file_periods(const ImportFile *file);
extern void import_file_want(ImportFile *file, const bool *wanted);
extern bool import_file_next(ImportFile *file, ImportFileRow *row);
extern bool import_file_sort(ImportFile *file);
extern void import_file_rewind(ImportFile *file);

/*
 * A row by its number, beside the order, without its period; not before the
 * first pass has ended.  It is good until the next but one is fetched.
 */
extern void import_file_fetch(ImportFile *file, int64 row_id, ImportFileRow *row);
extern void import_file_period_cells(const ImportFile *file, const ImportFileRow *row, SbSlice *from, SbSlice *to);
extern int64 import_file_expected(ImportFile *file);
extern void import_file_close(ImportFile *file);

/* Findings about rows, in any order, until they are sorted. */
typedef struct ImportNotes ImportNotes;

extern ImportNotes *import_notes_begin(void);

/* finding: an object with code, severity and, as they are, column, value, details. */
extern void import_notes_add(ImportNotes *notes, int64 row_id, ImportSeverity severity, const Jsonb *finding);
extern void import_notes_sort(ImportNotes *notes);


/* The notes of a row, asked for in order; then errors first, then by column, code and the finding itself. */
extern void import_notes_of_row(ImportNotes *notes, int64 row_id, ImportNote **result, int *count, int *room);
extern void import_notes_append(ImportNote **result, int *count, int *room, ImportNote note);
extern void import_notes_order(ImportNote *notes, int count);
extern void import_notes_end(ImportNotes *notes);

/* What became known of a row from all rows and the register. */
typedef struct ImportFate
{
	int64		founding_row_id;	/* the first row of its entity */
	int32		batch_seq;
	ImportId	legal_unit;
	ImportId	establishment;
	ImportId	link_legal_unit;	/* of an establishment */
	ImportId	relationship;	/* mode legal_relationship: also … */
	ImportId	influencing;
	ImportId	influenced;
	bool		is_new;
	bool		is_covered;		/* the unit exists throughout the period */
	bool		is_skipped;
	bool		is_refused;
} ImportFate;

/* Identifiers, entities, units. */
typedef struct ImportIdentify ImportIdentify;

extern ImportIdentify *import_identify_begin(ImportJob *job, ImportNotes *notes, int64 nrows);

/* Mark the columns of the plan that import_identify_add() looks at. */
extern void import_identify_wants(const ImportIdentify *identify, bool *wanted);
extern void import_identify_add(ImportIdentify *identify, const ImportFileRow *row);

/* All rows were added: ask the register, join rows to entities, find repeats. */
extern void import_identify_resolve(ImportIdentify *identify, ImportFile *file);

/* The fate of the next row, in the order of the file. */
extern void import_identify_next(ImportIdentify *identify, ImportFate *fate);
extern void import_identify_end(ImportIdentify *identify);

#endif							/* STATBUS_IMPORT_STAGE_H */

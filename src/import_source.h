/*-------------------------------------------------------------------------
 *
 * import_source.h
 *	  Analysis of a job: what the files share that read the rows of its file.
 *
 *	  import_source_plan_sql.c  what the job says of its file
 *	  import_source_sql.c       its rows, in their order
 *
 * IDENTIFICATION
 *	  src/import_source.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_SOURCE_H
#define STATBUS_IMPORT_SOURCE_H

#include "import_stage.h"

#include "access/tableam.h"
#include "executor/tuptable.h"
#include "storage/buffile.h"
#include "utils/snapshot.h"

#include "ident_check_sql.h"
#include "import_clean.h"
#include "import_reading.h"

/* Rows that can be looked at at the same time: the next, and two fetched ones. */
#define FILE_VIEWS 3

/* Cells of periods that are kept to be compared with. */
#define FILE_PERIOD_BYTES 32

/* Where a column of the plan comes from. */
typedef struct FileColumn
{
	int			attribute;		/* of the table, from 0; -1: from the
								 * definition */
	bool		is_ident;
	bool		is_code;
	IdentRule  *rule;			/* of a regular identifier; NULL: none */
	ImportReading *rules;		/* NULL: none */
	SbSlice		fixed;			/* what the definition says; NULL data:
								 * nothing */
	Datum		fixed_raw;
} FileColumn;

/* A row that is being looked at. */
typedef struct FileView
{
	TupleTableSlot *slot;
	SbSlice    *cells;
	SbSlice    *given;
	bool	   *erased;
	Datum	   *raw;
	bool	   *raw_nulls;
	MemoryContext context;		/* of what does not lie in the slot */
} FileView;

/* The period of the row before, which is that of most rows. */
typedef struct FilePeriod
{
	bool		is_known;
	bool		is_plain;		/* nothing is to be said of it; not known in
								 * the first pass */
	ImportRowPeriod period;
	int			lens[2];		/* -1: no cell */
	char		cells[2][FILE_PERIOD_BYTES];
} FilePeriod;

struct ImportFile
{
	ImportJob  *job;
	Relation	relation;
	Snapshot	snapshot;
	TableScanDesc scan;			/* NULL: rows are fetched by their places */
	bool		is_known;		/* where they all lie */
	bool		is_disordered;	/* not in their order */
	int64		last_place;
	FileColumn *columns;
	ImportWords words;
	ImportPeriodPlan periods;
	FilePeriod	period;
	int			valid_from;		/* columns of the plan; -1: none */
	int			valid_to;
	int			line;			/* attributes of the table, from 0; -1: none */
	int			findings;
	int			place;			/* what says the order; -1: where they lie */
	BufFile    *tids;
	int64		nrows;			/* once all places are known */
	int64		next;			/* rows that were given */
	bool		is_first;		/* pass */
	int		   *wanted;			/* columns that the first pass reads */
	int			nwanted;
	int		   *others;			/* … and those of the file that it does not */
	int			nothers;
	int			nattributes;	/* of the table that the first pass looks at */
	FileView	views[FILE_VIEWS];
	int			fetched;		/* which of them was fetched last */
};

/* import_source_plan_sql.c */
extern bool import_source_plan(ImportFile *file);
extern int	import_source_attribute(const ImportFile *file, const char *name, Oid type);

#endif							/* STATBUS_IMPORT_SOURCE_H */

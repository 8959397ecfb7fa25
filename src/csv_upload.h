/*-------------------------------------------------------------------------
 *
 * csv_upload.h
 *	  A file that comes in chunks: what passes between the parts that read it.
 *
 *	  csv_sql.c             chunks, the state between them, rows
 *	  csv_heading_sql.c     which field is which column
 *	  csv_finding_sql.c     what there is to say about records and the file
 *
 * IDENTIFICATION
 *	  src/csv_upload.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_CSV_UPLOAD_H
#define STATBUS_CSV_UPLOAD_H

#include "access/heapam.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

#include "csv.h"
#include "csv_sha256.h"

/* As many blank lines as are named. */
#define NAMED_BLANKS 10

/* Rows are written when there are so many, or so many bytes of them. */
#define BATCH_ROWS 1000
#define BATCH_BYTES (256 * 1024)

/* Blank lines, or blank rows. */
typedef struct UploadBlanks
{
	int64		n;
	int64		lines[NAMED_BLANKS];
} UploadBlanks;

/* What is remembered from chunk to chunk, beside the state of the reader and what each field is. */
typedef struct UploadState
{
	uint32		version;
	int32		nfields;		/* of the heading; 0: not seen yet */
	int32		is_report;		/* the file was written by
								 * import.report_lines() */
	UploadBlanks blank_lines;
	UploadBlanks blank_rows;
	CsvSha256	sha256;
} UploadState;

/* A field of a record: where it goes, and what a finding calls it. */
typedef struct UploadField
{
	int32		attnum;			/* 0: nowhere */
	char	   *name;
} UploadField;

/* One chunk of a file. */
typedef struct Upload
{
	UploadState state;
	UploadField *fields;
	CsvReader  *reader;
	CsvMemory	memory;			/* of the reader */
	Jsonb	   *snapshot;

	Datum		headings;		/* text[], when they were read; 0: not now */

	/* A heading that fits nothing, until another line is one. */
	int			candidates;
	Datum		first_headings;
	int64		first_line;

	Relation	relation;
	AttrNumber	line_attnum;
	AttrNumber	findings_attnum;
	TupleTableSlot *slots[BATCH_ROWS];
	int			nslots;
	size_t		batch_bytes;
	MemoryContext batch_context;
	BulkInsertState bulk_insert;

	StringInfoData findings;	/* of the file: JSON objects, with commas */
	bool		refused;
} Upload;

/* csv_heading_sql.c */
extern void upload_add_heading(Upload *upload);
extern void upload_refuse_headings(Upload *upload, int64 hint_line);

/* csv_finding_sql.c */
extern Datum upload_row_findings(Upload *upload);
extern void upload_add_blank(UploadBlanks *blanks, int64 line);
extern void upload_add_blanks(Upload *upload, const char *code, const UploadBlanks *blanks);
extern void upload_add_finding(Upload *upload, const CsvFinding *finding);
extern void upload_add_findings(Upload *upload, Jsonb *findings);

#endif							/* STATBUS_CSV_UPLOAD_H */

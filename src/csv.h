/*-------------------------------------------------------------------------
 *
 * csv.h
 *	  A reader of CSV files that comes to an end with every file.
 *
 * Bytes go in, in pieces of any size; events come out, and the events are the
 * same however the bytes are cut:
 *
 *		reader = csv_begin(&options, &memory);
 *		for each piece:
 *			csv_feed(reader, data, len);
 *			while ((event = csv_next(reader)) != CSV_MORE && event != CSV_END)
 *				... reader->record, reader->finding ...
 *		csv_finish(reader);
 *		while ((event = csv_next(reader)) != CSV_END)
 *			...
 *
 * The first CSV_DETECT_BYTES bytes are held back, and the encoding and the
 * delimiter are decided by them.  After that no more is held than the record
 * that a piece ends in.
 *
 * A faulty record is a record with findings.  Its text is still all there, and
 * valid: each byte that cannot stand in a text (zero bytes, bytes that are not
 * of the encoding) has become U+FFFD.
 *
 * Each record that is not a heading and not blank is one row of the file.
 *
 * This module knows nothing of PostgreSQL.  Memory comes from the caller; the
 * caller's functions may leave by longjmp, after which the reader must not be
 * used again.
 *
 * IDENTIFICATION
 *	  src/csv.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_CSV_H
#define STATBUS_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is so when the options say nothing: how many bytes decide on encoding and delimiter, and the limits. */
#define CSV_DETECT_BYTES (64 * 1024)
#define CSV_FIELD_LIMIT (64 * 1024)
#define CSV_RECORD_LIMIT (1024 * 1024)

/* The most fields of a record that are kept; more are counted. */
#define CSV_MAX_FIELDS 4096

/* The most findings of one record that are kept. */
#define CSV_MAX_FINDINGS 32

typedef enum CsvEncoding
{
	CSV_ENCODING_DETECT,
	CSV_ENCODING_UTF8,
	CSV_ENCODING_UTF16LE,
	CSV_ENCODING_UTF16BE,
	CSV_ENCODING_WINDOWS_1252	/* and ISO 8859-1, of whose characters it has
								 * all that occur in files */
} CsvEncoding;

/* What can be wrong with a file or a record: the codes of import.finding_code. */
typedef enum CsvCode
{
	/*
	 * Findings of the file that end the reading: nothing follows but CSV_END.
	 */
	CSV_FILE_EMPTY,				/* no bytes, or blank lines only */
	CSV_NOT_A_CSV,				/* text: what it looks like: "XLSX or ZIP", … */
	CSV_ENCODING_UTF16,			/* declared as something else.  text: which */
	CSV_FILE_ENCODING,			/* "encoding_invalid": not what was declared,
								 * or no text.  line, offset, byte; text: what
								 * it looks like or NULL */
	CSV_DELIMITER_MISMATCH,		/* text: the delimiter that it seems to be */

	/* Findings of the file, before its first record. */
	CSV_BOM_REMOVED,
	CSV_ENCODING_DETECTED,		/* not UTF-8.  text: the name of the encoding */
	CSV_DELIMITER_DETECTED,		/* not a comma.  text: the delimiter */
	CSV_EXCEL_SEP_LINE,			/* text: the delimiter */

	/* Findings of the file, after its last record. */
	CSV_MIXED_LINE_ENDINGS,		/* line: the first that ends otherwise than
								 * the first line */
	CSV_NO_ROWS,

	/* Findings of a record: in CsvRecord.findings.  These are errors. */
	CSV_ROW_TOO_SHORT,			/* CsvRecord.nfields, CsvReader.expected */
	CSV_ROW_TOO_LONG,			/* also when the fields too many are empty: an
								 * unquoted delimiter may have moved them */
	CSV_QUOTE_UNCLOSED,			/* the record ends with the line on which the
								 * quote opens, and so does the field */
	CSV_NUL_BYTE,				/* offset */
	CSV_ENCODING_INVALID,		/* offset, byte */
	CSV_FIELD_TOO_LONG,			/* the field is cut to the limit */
	CSV_RECORD_TOO_LONG,		/* the rest of its line is left out */

	/* ... and these warnings. */
	CSV_QUOTE_INSIDE_FIELD,		/* the field is kept as it was written */
	CSV_TEXT_AFTER_QUOTE		/* ... with all its quotes */
} CsvCode;

#define CSV_CODES (CSV_TEXT_AFTER_QUOTE + 1)

/* A finding of the file, or of a record. */
typedef struct CsvFinding
{
	CsvCode		code;
	int			field;			/* of the record, from 0; -1: none */
	int64_t		line;			/* on which the field begins, from 1, counted
								 * as an editor does; 0: none */
	int64_t		offset;			/* of the first bad byte, from 0; -1: none, as
								 * in files that are not UTF-8 */
	int			byte;			/* the first bad byte; -1: none */
	const char *text;			/* see the codes; NULL: none.  Stays valid */
} CsvFinding;

typedef struct CsvField
{
	const char *data;			/* UTF-8, not terminated */
	size_t		len;
	bool		quoted;
} CsvField;

/* A record.  It and what it points to are valid until the next call. */
typedef struct CsvRecord
{
	int64_t		number;			/* of the row, from 1; 0: heading or blank */
	int64_t		line;			/* its first line, from 1 */
	int64_t		lines;			/* how many lines it has */
	int			nfields;		/* how many fields were written */
	int			nkept;			/* of fields: less in a record too long */
	CsvField   *fields;
	int			nfindings;
	CsvFinding *findings;		/* each code at most once per field; those of
								 * the whole record come first */
	bool		is_error;		/* one of the findings is an error */
} CsvRecord;

typedef enum CsvEvent
{
	CSV_MORE,					/* all that was fed is read */
	CSV_FINDING,				/* CsvReader.finding, of the file */
	CSV_HEADER,					/* CsvReader.record may be the heading: say so
								 * with csv_take_header(), or the next record
								 * comes as CSV_HEADER too */
	CSV_RECORD,					/* CsvReader.record is a row */
	CSV_BLANK_LINE,				/* ... is a line without anything */
	CSV_BLANK_ROW,				/* ... has delimiters, quotes and spaces only */
	CSV_END						/* nothing more comes, whatever is fed */
} CsvEvent;

/* Where memory comes from.  alloc never returns NULL. */
typedef struct CsvMemory
{
	void	   *(*alloc) (void *context, size_t size);
	void		(*release) (void *context, void *memory);
	void	   *context;
} CsvMemory;

typedef struct CsvOptions
{
	CsvEncoding encoding;		/* a byte order mark in the file wins */
	bool		guess_windows_1252; /* a file that is not UTF-8 but looks like
									 * it is read so; else it is refused, and
									 * the finding says what it looks like */
	char		delimiter;		/* , ; tab | or another ASCII character that
								 * is no quote and no line end; 0: detected. A
								 * line "sep=;" in the file wins */
	int64_t		header_line;	/* where the heading is; 0: not said.  Records
								 * before it are passed over */
	size_t		field_limit;	/* bytes; 0: CSV_FIELD_LIMIT */
	size_t		record_limit;	/* bytes; 0: CSV_RECORD_LIMIT */
	size_t		detect_bytes;	/* 0: CSV_DETECT_BYTES */
} CsvOptions;

typedef struct CsvReader
{
	/* For reading by the caller. */
	CsvRecord	record;
	CsvFinding	finding;
	CsvEncoding encoding;		/* as decided; CSV_ENCODING_DETECT: not yet */
	char		delimiter;		/* as decided; 0: not yet */
	int			expected;		/* fields of the heading; 0: not known yet */
	int64_t		rows;			/* records given as CSV_RECORD */
	int64_t		blanks;			/* ... as CSV_BLANK_LINE or CSV_BLANK_ROW */
	int64_t		bytes;			/* fed */

	/* The reader's own. */
	struct CsvState *state;
} CsvReader;

extern CsvReader *csv_begin(const CsvOptions *options, const CsvMemory *memory);

/*
 * The bytes must stay where they are until csv_next() says CSV_MORE or CSV_END.
 * Only then may the next piece be fed.
 */
extern void csv_feed(CsvReader *reader, const char *data, size_t len);

/* No more pieces come. */
extern void csv_finish(CsvReader *reader);

extern CsvEvent csv_next(CsvReader *reader);

/* The record of the last event, a CSV_HEADER, is the heading. */
extern void csv_take_header(CsvReader *reader);

/*
 * The whole state of a reader, to go on in another session: after CSV_MORE only.
 * At most twice the record limit, or the bytes that decide, and some hundred
 * bytes; memory of the reader's, valid until the next call.  csv_restore() returns NULL when the bytes are not
 * of this version on this kind of machine; options are those of csv_begin().
 */
extern const char *csv_save(CsvReader *reader, size_t *len);
extern CsvReader *csv_restore(const char *saved, size_t len, const CsvMemory *memory);

extern void csv_free(CsvReader *reader);

/* The code as in import.finding_code; whether it is an error; whether it ends the reading. */
extern const char *csv_code_name(CsvCode code);
extern bool csv_is_error(CsvCode code);
extern bool csv_is_fatal(CsvCode code);

/* The encoding by its usual names ("UTF-8", "latin1", "windows-1252", …); false: unknown. */
extern bool csv_encoding_by_name(const char *name, size_t len, CsvEncoding *encoding);
extern const char *csv_encoding_name(CsvEncoding encoding);

/* Room for a field that csv_write_field() writes. */
#define CSV_WRITTEN(len) (2 * (len) + 3)

extern size_t csv_write_field(const char *field, size_t len, char delimiter, bool neutralise, char *out);
extern bool csv_is_neutralised(const char *field, size_t len);

#endif							/* STATBUS_CSV_H */

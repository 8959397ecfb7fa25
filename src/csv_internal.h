/*-------------------------------------------------------------------------
 *
 * csv_internal.h
 *	  What the parts of the reader of CSV files share.
 *
 * IDENTIFICATION
 *	  src/csv_internal.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_CSV_INTERNAL_H
#define STATBUS_CSV_INTERNAL_H

#include "csv.h"

/* What stands for a byte or unit that was not of the file's encoding, in decoded text: no part of any UTF-8. */
#define CSV_BAD '\xff'

/* The most bytes of UTF-8 that csv_decode() makes of "len" bytes. */
#define CSV_DECODED_SIZE(len) (3 * (len) + 8)

/* How many bytes are decoded at a time. */
#define CSV_DECODE_BYTES (32 * 1024)

#define CSV_MAX_PENDING 8

typedef enum CsvPhase
{
	CSV_PHASE_DETECT,			/* holding back bytes */
	CSV_PHASE_RECORDS,
	CSV_PHASE_LAST,				/* the findings of the whole file are due */
	CSV_PHASE_END
} CsvPhase;

typedef enum CsvEol
{
	CSV_EOL_NONE,
	CSV_EOL_LF,
	CSV_EOL_CRLF,
	CSV_EOL_CR
} CsvEol;

/* Between two calls, a reader is this and the bytes held; plain data. */
typedef struct CsvProgress
{
	char		version[8];
	uint64_t	size;			/* of this struct */
	CsvOptions	options;		/* with all limits said */
	CsvEncoding encoding;
	CsvPhase	phase;
	char		delimiter;
	bool		finished;
	bool		has_header;
	bool		skips_line;		/* the rest of a record too long */
	bool		skips_lf;		/* ... if it comes next, after its CR */
	bool		has_odd;		/* half a unit of UTF-16 is in "odd" */
	unsigned char odd;
	uint16_t	surrogate;		/* the first of a pair; 0: none */
	CsvEol		eol;			/* how the first line ended */
	int			expected;
	int64_t		mixed_line;		/* the first that ended otherwise; 0: none */
	int64_t		line;			/* of the next record */
	int64_t		offset;			/* of the next record, in UTF-8 */
	int64_t		records;		/* that are not blank, with the heading */
	int64_t		rows;
	int64_t		blanks;
	int64_t		bytes;
} CsvProgress;

typedef struct CsvState
{
	CsvProgress now;
	CsvMemory	memory;

	/* Bytes of pieces before, or of this one up to chunk[chunk_pos]. */
	char	   *held;
	size_t		held_size;
	size_t		held_start;
	size_t		held_end;
	size_t		held_again;		/* how many of the last are also in chunk */
	size_t		held_tried;		/* how many of the first were read before and
								 * did not make a record */

	/* UTF-8: the piece fed, or a part of it decoded. */
	const char *chunk;
	size_t		chunk_len;
	size_t		chunk_pos;

	/* The piece fed, when it must be decoded. */
	const char *raw;
	size_t		raw_len;
	char	   *decoded;

	/* The record. */
	CsvField   *fields;			/* CSV_MAX_FIELDS of them */
	CsvFinding	findings[CSV_MAX_FINDINGS];
	char	   *clean;			/* fields that differ from what was read */
	size_t		clean_size;

	/* Findings of the file not yet given. */
	CsvFinding	pending[CSV_MAX_PENDING];
	int			npending;
	int			next_pending;
	char		sep_text[2];
	char	   *saved;
} CsvState;

/* csv.c */
extern void csv_add_pending(CsvState *state, CsvCode code, int64_t line, const char *text);
extern void csv_reserve(CsvState *state, char **memory, size_t *size, size_t used, size_t wanted);

/* csv_record.c */
extern size_t csv_scan_record(CsvState *state, CsvRecord *record, const char *start, const char *end, bool at_end);
extern bool csv_is_blank(const CsvRecord *record);

/* csv_encoding.c */
extern size_t csv_utf8_char(const char *text, const char *end);
extern const char *csv_utf8_bad(const char *text, const char *end);
extern size_t csv_decode(CsvProgress *now, const char *raw, size_t len, bool at_end, char *out);

/* csv_detect.c */
extern void csv_detect(CsvState *state);

#endif							/* STATBUS_CSV_INTERNAL_H */

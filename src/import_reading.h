/*-------------------------------------------------------------------------
 *
 * import_reading.h
 *	  What becomes of the cells of a column before anything else.
 *
 * IDENTIFICATION
 *	  src/import_reading.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_READING_H
#define STATBUS_IMPORT_READING_H

#include "statbus.h"

#include "access/htup.h"
#include "access/tupdesc.h"

#include "parse.h"

/* A word of the file, and what stands for it here. */
typedef struct ImportReadingWord
{
	SbSlice		word;
	SbSlice		meaning;
} ImportReadingWord;

/* Columns that stand in for another one. */
typedef struct ImportReadingAlternative
{
	int			nattributes;
	int		   *attributes;		/* of the table, from 0 */
} ImportReadingAlternative;

/* As a mapping says it. */
typedef struct ImportReading
{
	int			nwords;
	ImportReadingWord *words;
	SbSlice		cut_at;			/* NULL data: nowhere */
	int			max_characters; /* 0: all */
	int			nalternatives;
	ImportReadingAlternative *alternatives;
} ImportReading;

extern ImportReading *import_reading_load(HeapTuple row, TupleDesc desc, int column, TupleDesc table);
extern SbSlice import_reading_apply(const ImportReading *reading, SbSlice cell);

#endif							/* STATBUS_IMPORT_READING_H */

/*-------------------------------------------------------------------------
 *
 * import_spool_sql.c
 *	  Analysis of a job: what is known of each row, beyond work_mem on disk.
 *
 * IDENTIFICATION
 *	  src/import_spool_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_spool.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/buffile.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

/* How much is written to or read from a file at once, and the least that is kept in memory. */
#define SPOOL_BLOCK (64 * 1024)

struct ImportSpool
{
	MemoryContext context;
	char	  **blocks;			/* kept in memory, full but for the last */
	int			nblocks;
	int			max_blocks;
	BufFile    *file;			/* what comes after them; NULL: nothing */
	Size		written;
	Size		at;				/* of what is read */
};

struct ImportSorter
{
	Tuplesortstate *sort;
	MemoryContext context;
	bytea	   *buffer;			/* what is added */
	Size		room;
	Datum		given;			/* to be freed */
};

static void spool_to_file(ImportSpool *spool, const char *data, Size len);
static void read_file(ImportSpool *spool, void *data, Size len);

/* Begin to write; what is kept lives in the memory context. */
ImportSpool *
import_spool_begin(MemoryContext context)
{
	ImportSpool *spool = MemoryContextAllocZero(context, sizeof(ImportSpool));

	spool->context = context;
	spool->max_blocks = Max(work_mem / (SPOOL_BLOCK / 1024), 1);
	spool->blocks = MemoryContextAllocZero(context, sizeof(char *) * spool->max_blocks);
	return spool;
}

/* Write what memory has no room for. */
static void
spool_to_file(ImportSpool *spool, const char *data, Size len)
{
	if (spool->file == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(spool->context);

		spool->file = BufFileCreateTemp(false);
		MemoryContextSwitchTo(old);
	}
	statbus_buffile_write(spool->file, data, len);
}

/* Write at the end; nothing was read yet. */
void
import_spool_write(ImportSpool *spool, const void *data, Size len)
{
	const char *from = data;

	while (len > 0)
	{
		Size		block = spool->written / SPOOL_BLOCK;
		Size		place = spool->written % SPOOL_BLOCK;
		Size		part = Min(len, SPOOL_BLOCK - place);

		if (block >= (Size) spool->max_blocks)
		{
			spool_to_file(spool, from, len);
			spool->written += len;
			return;
		}
		if (block >= (Size) spool->nblocks)
			spool->blocks[spool->nblocks++] = MemoryContextAlloc(spool->context, SPOOL_BLOCK);
		memcpy(spool->blocks[block] + place, from, part);
		spool->written += part;
		from += part;
		len -= part;
	}
}

/* Read from the beginning again. */
void
import_spool_rewind(ImportSpool *spool)
{
	spool->at = 0;
	if (spool->file != NULL && BufFileSeek(spool->file, 0, 0, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not rewind a temporary file of the analysis")));
}

/* Read from the file. */
static void
read_file(ImportSpool *spool, void *data, Size len)
{
	if (BufFileRead(spool->file, data, len) != len)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read from a temporary file of the analysis")));
}

/* Read what comes next; false: that was all. */
bool
import_spool_try_read(ImportSpool *spool, void *data, Size len)
{
	char	   *to = data;

	if (spool->at >= spool->written)
		return false;
	while (len > 0)
	{
		Size		block = spool->at / SPOOL_BLOCK;
		Size		place = spool->at % SPOOL_BLOCK;
		Size		part = Min(len, SPOOL_BLOCK - place);

		if (block >= (Size) spool->max_blocks)
		{
			read_file(spool, to, len);
			spool->at += len;
			return true;
		}
		memcpy(to, spool->blocks[block] + place, part);
		spool->at += part;
		to += part;
		len -= part;
	}
	return true;
}

/* Read what comes next, which must be there. */
void
import_spool_read(ImportSpool *spool, void *data, Size len)
{
	if (len > 0 && !import_spool_try_read(spool, data, len))
		elog(ERROR, "a temporary file of the analysis has ended too early");
}

/* Give it all back. */
void
import_spool_end(ImportSpool *spool)
{
	if (spool->file != NULL)
		BufFileClose(spool->file);
	for (int i = 0; i < spool->nblocks; i++)
		pfree(spool->blocks[i]);
	pfree(spool->blocks);
	pfree(spool);
}

/*
 * Begin to sort, in the memory context; two that are added must not be equal
 * in all bytes, or it does not matter which comes first.
 */
ImportSorter *
import_sorter_begin(MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	ImportSorter *sorter = palloc0(sizeof(ImportSorter));

	sorter->sort = tuplesort_begin_datum(BYTEAOID, ByteaLessOperator, InvalidOid, false, work_mem, NULL,
										 TUPLESORT_RANDOMACCESS);
	sorter->context = context;
	sorter->room = 256;
	sorter->buffer = palloc(sorter->room);
	MemoryContextSwitchTo(old);
	return sorter;
}

/* Take some bytes: what they are sorted by comes first. */
void
import_sorter_add(ImportSorter *sorter, const void *data, Size len)
{
	if (len + VARHDRSZ > sorter->room)
	{
		sorter->room = (len + VARHDRSZ) * 2;
		sorter->buffer = repalloc(sorter->buffer, sorter->room);
	}
	SET_VARSIZE(sorter->buffer, len + VARHDRSZ);
	memcpy(VARDATA(sorter->buffer), data, len);
	tuplesort_putdatum(sorter->sort, PointerGetDatum(sorter->buffer), false);
}

/* All was added. */
void
import_sorter_perform(ImportSorter *sorter)
{
	tuplesort_performsort(sorter->sort);
}

/* What comes next, until the next call, not aligned; NULL: that was all. */
const void *
import_sorter_next(ImportSorter *sorter, Size *len)
{
	MemoryContext old = MemoryContextSwitchTo(sorter->context);
	bool		is_null;
	bool		found;

	if (DatumGetPointer(sorter->given) != NULL)
		pfree(DatumGetPointer(sorter->given));
	sorter->given = (Datum) 0;
	found = statbus_tuplesort_getdatum(sorter->sort, &sorter->given, &is_null);
	MemoryContextSwitchTo(old);
	if (!found)
	{
		sorter->given = (Datum) 0;
		return NULL;
	}
	*len = VARSIZE_ANY_EXHDR(DatumGetPointer(sorter->given));
	return VARDATA_ANY(DatumGetPointer(sorter->given));
}

/* Remember this place; only the last is remembered. */
void
import_sorter_mark(ImportSorter *sorter)
{
	tuplesort_markpos(sorter->sort);
}

/* Go back to it. */
void
import_sorter_restore(ImportSorter *sorter)
{
	tuplesort_restorepos(sorter->sort);
}

/* Give it all back. */
void
import_sorter_end(ImportSorter *sorter)
{
	if (DatumGetPointer(sorter->given) != NULL)
		pfree(DatumGetPointer(sorter->given));
	tuplesort_end(sorter->sort);
	pfree(sorter->buffer);
	pfree(sorter);
}

/*-------------------------------------------------------------------------
 *
 * import_spool.h
 *	  Analysis of a job: what is known of each row, beyond work_mem on disk.
 *
 * A spool gives back what it took, in the same order, as often as it is asked
 * to.  A sorter gives it back in the order of the bytes of its keys.
 *
 * IDENTIFICATION
 *	  src/import_spool.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_SPOOL_H
#define STATBUS_IMPORT_SPOOL_H

#include "statbus.h"

#include "port/pg_bswap.h"

typedef struct ImportSpool ImportSpool;
typedef struct ImportSorter ImportSorter;

extern ImportSpool *import_spool_begin(MemoryContext context);
extern void import_spool_write(ImportSpool *spool, const void *data, Size len);
extern void import_spool_rewind(ImportSpool *spool);
extern bool import_spool_try_read(ImportSpool *spool, void *data, Size len);
extern void import_spool_read(ImportSpool *spool, void *data, Size len);
extern void import_spool_end(ImportSpool *spool);

extern ImportSorter *import_sorter_begin(MemoryContext context);
extern void import_sorter_add(ImportSorter *sorter, const void *data, Size len);
extern void import_sorter_perform(ImportSorter *sorter);
extern const void *import_sorter_next(ImportSorter *sorter, Size *len);
extern void import_sorter_mark(ImportSorter *sorter);
extern void import_sorter_restore(ImportSorter *sorter);
extern void import_sorter_end(ImportSorter *sorter);

/* Numbers whose bytes are in the order of the numbers. */
static inline uint32
import_sort_key(uint32 number)
{
	return pg_hton32(number);
}

#endif							/* STATBUS_IMPORT_SPOOL_H */

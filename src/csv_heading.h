/*-------------------------------------------------------------------------
 *
 * csv_heading.h
 *	  When two headings of a file are the same, and how far apart they are.
 *
 * Knows nothing of PostgreSQL and allocates nothing.
 *
 * IDENTIFICATION
 *	  src/csv_heading.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_CSV_HEADING_H
#define STATBUS_CSV_HEADING_H

#include <stddef.h>

/* Longer texts are as far from everything as can be. */
#define CSV_DISTANCE_BYTES 256

extern size_t csv_heading_key(const char *heading, size_t len, char *key);
extern int	csv_heading_distance(const char *x, size_t xlen,
								 const char *y, size_t ylen, int most);

#endif							/* STATBUS_CSV_HEADING_H */

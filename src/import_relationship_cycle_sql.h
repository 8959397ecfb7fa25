/*-------------------------------------------------------------------------
 *
 * import_relationship_cycle_sql.h
 *	  Circles of relationships of units of the register.
 *
 * IDENTIFICATION
 *	  src/import_relationship_cycle_sql.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_RELATIONSHIP_CYCLE_SQL_H
#define STATBUS_IMPORT_RELATIONSHIP_CYCLE_SQL_H

#include "import_relationship_cycle.h"

/* See CycleCaller.found. */
typedef void (*CycleFound) (void *arg, int edge, int32_t day, const int *path, int npath);

extern void import_tell_cycles(CycleEdge *edges, int nedges, int nwanted, CycleFound found, void *arg);

#endif							/* STATBUS_IMPORT_RELATIONSHIP_CYCLE_SQL_H */

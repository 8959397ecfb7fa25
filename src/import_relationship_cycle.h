/*-------------------------------------------------------------------------
 *
 * import_relationship_cycle.h
 *	  Circles of relationships that hold at the same time.
 *
 * A relationship leads from the influencing unit to the influenced one during
 * a period.  A circle counts when there is a day on which all its
 * relationships hold.
 *
 * Pure: memory comes from the caller.
 *
 * IDENTIFICATION
 *	  src/import_relationship_cycle.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_RELATIONSHIP_CYCLE_H
#define STATBUS_IMPORT_RELATIONSHIP_CYCLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest circle whose way is told. */
#define CYCLE_LENGTH 20

/* A relationship; units are numbered from 0. */
typedef struct CycleEdge
{
	int32_t		from;			/* unit that influences */
	int32_t		to;
	int32_t		valid_from;		/* days */
	int32_t		valid_until;	/* the day after the last */
} CycleEdge;

/* What the caller gives. */
typedef struct CycleCaller
{
	void	   *(*alloc) (void *arg, size_t size);	/* never NULL */
	void		(*release) (void *arg, void *memory);

	/*
	 * A relationship is in a circle from this day on; the way round begins
	 * with it; npath 0: it is too long to be told.
	 */
	void		(*found) (void *arg, int edge, int32_t day, const int *path, int npath);
	void		(*interrupt) (void *arg);	/* called now and then */
	void	   *arg;
} CycleCaller;

/*
 * Tell of each of the first nwanted relationships once whether it is in a
 * circle, and on which day first.  Circles need not hold other relationships
 * that are wanted.
 */
extern void import_find_cycles(const CycleEdge *edges, int nedges, int nwanted, int nunits, const CycleCaller *caller);

#endif							/* STATBUS_IMPORT_RELATIONSHIP_CYCLE_H */

/*-------------------------------------------------------------------------
 *
 * coverage.h
 *	  Which time is covered: disjoint intervals in descending order.
 *
 * Rows of a temporal key are met from the right to the left, so islands are
 * kept in that order: islands[0] is the last in time.  No two of them touch.
 *
 * IDENTIFICATION
 *	  src/coverage.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_COVERAGE_H
#define STATBUS_COVERAGE_H

#include <stddef.h>

#include "interval.h"

extern int	sb_coverage_add(const SbOrder *order, SbInterval *islands, int count, SbInterval x);
extern bool sb_coverage_contains(const SbOrder *order, const SbInterval *islands, int count,
								 const SbInterval *x);
extern bool sb_coverage_overlaps(const SbOrder *order, const SbInterval *islands, int count,
								 const SbInterval *x);
extern int	sb_coverage_reach(const SbOrder *order, const SbInterval *islands, int count,
							  const SbInterval *x);
extern int	sb_coverage_subtract(const SbOrder *order, const SbInterval *islands, int count,
								 const SbInterval *x, SbInterval *pieces);
extern int	sb_coverage_intersect(const SbOrder *order, const SbInterval *islands, int count,
								  const SbInterval *x, SbInterval *pieces);

#endif							/* STATBUS_COVERAGE_H */

/*-------------------------------------------------------------------------
 *
 * period.h
 *	  Between PostgreSQL's ranges and cuts of time (interval.h).
 *
 * IDENTIFICATION
 *	  src/period.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_PERIOD_H
#define STATBUS_PERIOD_H

#include "statbus.h"

#include "interval.h"
#include "nodes/primnodes.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

/* How the points of a subtype become the value of a cut. */
typedef enum PeriodPoints
{
	PERIOD_INT32,				/* date, int4 */
	PERIOD_INT64,				/* int8, timestamp, timestamptz */
	PERIOD_DATUM				/* a Datum, compared by the range type's order */
} PeriodPoints;

typedef struct PeriodType
{
	Oid			range_type;
	Oid			subtype;
	PeriodPoints points;
	bool		discrete;		/* has a canonical function: always [) */
	TypeCacheEntry *cache;		/* of the range type, with
								 * TYPECACHE_RANGE_INFO */
	SbOrder		order;			/* what sb_cut_compare() wants */
} PeriodType;

extern const PeriodType *period_type(Oid range_type);
extern bool period_cuts(const PeriodType *type, Datum range, SbInterval *cuts);
extern SbInterval period_from_points(const PeriodType *type, Datum from, bool from_is_null,
									 Datum until, bool until_is_null);
extern Datum period_range(const PeriodType *type, const SbInterval *cuts);
extern Datum period_lower(const PeriodType *type, const SbInterval *cuts, bool *is_null);
extern Datum period_upper(const PeriodType *type, const SbInterval *cuts, bool *is_null);
extern SbCut period_cut_copy(const PeriodType *type, SbCut cut);
extern bool period_is_made_by(const FuncExpr *call, Oid range_type);

#endif							/* STATBUS_PERIOD_H */

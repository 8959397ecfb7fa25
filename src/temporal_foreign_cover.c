/*-------------------------------------------------------------------------
 *
 * temporal_foreign_cover.c
 *	  Which time the parent's rows cover.
 *
 * IDENTIFICATION
 *	  src/temporal_foreign_cover.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "temporal_foreign.h"

/* Cuts that live in the current memory context. */
SbInterval
foreign_cuts_copy(const PeriodType *type, SbInterval cuts)
{
	cuts.lo = period_cut_copy(type, cuts.lo);
	cuts.hi = period_cut_copy(type, cuts.hi);
	return cuts;
}

/* Add an interval to a list in the current memory context. */
void
foreign_islands_add(const PeriodType *type, ForeignIslands *islands, SbInterval cuts)
{
	/*
	 * a value that only continues the last island need not live longer than
	 * its start
	 */
	if (islands->count == islands->room)
	{
		islands->room = islands->room == 0 ? 8 : islands->room * 2;
		islands->items = islands->items == NULL ? palloc(islands->room * sizeof(SbInterval)) :
			repalloc_huge(islands->items, islands->room * sizeof(SbInterval));
	}
	if (type->points == PERIOD_DATUM)
		cuts = foreign_cuts_copy(type, cuts);
	islands->count = sb_coverage_add(&type->order, islands->items, islands->count, cuts);
}

/* Begin a walk that lives as long as the check. */
TemporalScan *
foreign_scan_begin(ForeignCheck *check, const ForeignSide *side)
{
	MemoryContext old = MemoryContextSwitchTo(check->context);
	TemporalScan *scan = temporal_scan_begin(side->relation, side->columns);

	MemoryContextSwitchTo(old);
	return scan;
}

/*
 * temporal_scan_seek() and temporal_scan_next(), in the context of the check:
 * what the index keeps for itself must outlive the caller's short ones.
 */
void
foreign_scan_seek(ForeignCheck *check, TemporalScan *scan, const Datum *keys, const SbCut *before)
{
	MemoryContext old = MemoryContextSwitchTo(check->context);
	bool		nulls[INDEX_MAX_KEYS] = {0};

	temporal_scan_seek(scan, keys, nulls, before);
	MemoryContextSwitchTo(old);
}

/* temporal_scan_next() with what it allocates in the check's own memory. */
bool
foreign_scan_next(ForeignCheck *check, TemporalScan *scan, TemporalRow *row)
{
	MemoryContext old = MemoryContextSwitchTo(check->context);
	bool		found = temporal_scan_next(scan, row);

	MemoryContextSwitchTo(old);
	return found;
}

/*
 * Read the parent's rows of one key value that overlap the span.  The walk
 * ends at the first solid row that begins at the span's start or before it:
 * what lies left of it cannot reach the span.
 */
void
foreign_cover_load(ForeignCheck *check, TemporalScan *scan, const Datum *keys,
				   const SbInterval *span, ForeignCover *cover)
{
	const PeriodType *type = check->type;
	TemporalRow row;

	memset(cover, 0, sizeof(ForeignCover));
	foreign_scan_seek(check, scan, keys, &span->hi);
	while (foreign_scan_next(check, scan, &row))
	{
		bool		solid = row.liveness == TEMPORAL_LIVE || row.liveness == TEMPORAL_OWN;

		CHECK_FOR_INTERRUPTS();
		if (sb_cut_compare(&type->order, row.cuts.hi, span->lo) > 0)
		{
			foreign_islands_add(type, &cover->possible, row.cuts);
			if (solid)
				foreign_islands_add(type, &cover->solid, row.cuts);
			else
			{
				if (cover->busy_count == cover->busy_room)
				{
					cover->busy_room = cover->busy_room == 0 ? 4 : cover->busy_room * 2;
					cover->busy = cover->busy == NULL ? palloc(cover->busy_room * sizeof(TemporalRow)) :
						repalloc_huge(cover->busy, cover->busy_room * sizeof(TemporalRow));
				}
				cover->busy[cover->busy_count] = row;
				cover->busy[cover->busy_count++].cuts = foreign_cuts_copy(type, row.cuts);
			}
		}
		if (solid && sb_cut_compare(&type->order, row.cuts.lo, span->lo) <= 0)
			break;
	}
}

/*
 * Wait for somebody who is writing a parent's row over the span that the solid
 * rows do not cover already.  The walk lets go of its pages and is over.
 */
void
foreign_cover_wait(ForeignCheck *check, TemporalScan *scan, const ForeignCover *cover, const SbInterval *span)
{
	const SbOrder *order = &check->type->order;
	const TemporalRow *wanted = NULL;
	int			i;

	for (i = 0; i < cover->busy_count && wanted == NULL; i++)
	{
		if (sb_overlap(order, &cover->busy[i].cuts, span) &&
			!sb_coverage_contains(order, cover->solid.items, cover->solid.count, &cover->busy[i].cuts))
			wanted = &cover->busy[i];
	}
	if (wanted == NULL)
		wanted = &cover->busy[0];
	temporal_scan_release(scan);
	temporal_wait(check->parent.relation, wanted);
}

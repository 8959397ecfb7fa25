/*-------------------------------------------------------------------------
 *
 * merge.c
 *	  The pure planner of a temporal merge: the time of one entity.
 *
 * Everything is n log n in the entity's bounds: they are sorted once, and
 * one walk over them keeps the sets of covering rows and slices as sorted
 * arrays.
 *
 * IDENTIFICATION
 *	  src/merge.c
 *
 *-------------------------------------------------------------------------
 */
#include "merge_plan.h"

#include <string.h>

/* Runs this short are sorted by insertion. */
#define SHORT_RUN	8

static size_t aligned(size_t size);
static void *take(char **memory, size_t size);
static void sort_events(SbMergePlan *plan);
static void insert_sorted(int32_t *array, int32_t *count, int32_t value);
static void remove_sorted(int32_t *array, int32_t *count, int32_t value);
static bool is_kept(const SbMergeRules *rules, const SbMergeSegment *segment);
static void choose_updates(SbMergePlan *plan, SbMergeSame same_slice, void *arg);

/* Sizes in multiples of what any type needs. */
static size_t
aligned(size_t size)
{
	return (size + 15) & ~(size_t) 15;
}

/* The memory that sb_merge_init() needs for so many rows and slices. */
size_t
sb_merge_size(int32_t nrows, int32_t nslices)
{
	size_t		n = (size_t) nrows + (size_t) nslices;

	return aligned(sizeof(SbMergeRow) * (size_t) nrows) +
		aligned(sizeof(SbMergeSlice) * (size_t) nslices) +
		aligned(sizeof(SbMergeSegment) * (2 * n + 1)) +
		aligned(sizeof(SbCut) * 2 * n) +
		aligned(sizeof(SbMergeOp) * 2 * n) +
		2 * aligned(sizeof(SbMergeEvent) * 2 * n) +
		aligned(sizeof(int32_t) * (size_t) nrows) +
		aligned(sizeof(int32_t) * (size_t) nslices);
}

/* The next piece of the memory that the caller gave. */
static void *
take(char **memory, size_t size)
{
	char	   *result = *memory;

	*memory += aligned(size);
	return result;
}

/*
 * Lay a plan out in memory of sb_merge_size().  The caller fills in `when` of
 * rows, in their order, and slices, then calls sb_merge_cut().
 */
void
sb_merge_init(SbMergePlan *plan, void *memory, const SbOrder *order, SbMergeRules rules,
			  int32_t nrows, int32_t nslices)
{
	char	   *next = memory;
	size_t		n = (size_t) nrows + (size_t) nslices;

	memset(plan, 0, sizeof(*plan));
	plan->order = order;
	plan->rules = rules;
	plan->nrows = nrows;
	plan->nslices = nslices;
	plan->rows = take(&next, sizeof(SbMergeRow) * (size_t) nrows);
	plan->slices = take(&next, sizeof(SbMergeSlice) * (size_t) nslices);
	plan->segments = take(&next, sizeof(SbMergeSegment) * (2 * n + 1));
	plan->cuts = take(&next, sizeof(SbCut) * 2 * n);
	plan->ops = take(&next, sizeof(SbMergeOp) * 2 * n);
	plan->events = take(&next, sizeof(SbMergeEvent) * 2 * n);
	plan->scratch = take(&next, sizeof(SbMergeEvent) * 2 * n);
	plan->active_rows = take(&next, sizeof(int32_t) * (size_t) nrows);
	plan->active_slices = take(&next, sizeof(int32_t) * (size_t) nslices);
}

/* Sort the events by their cut: short runs by insertion, then merged pairwise. */
static void
sort_events(SbMergePlan *plan)
{
	SbMergeEvent *from = plan->events;
	SbMergeEvent *into = plan->scratch;
	int32_t		n = plan->nevents;

	for (int32_t start = 0; start < n; start += SHORT_RUN)
	{
		int32_t		end = start + SHORT_RUN < n ? start + SHORT_RUN : n;

		for (int32_t i = start + 1; i < end; i++)
		{
			SbMergeEvent event = from[i];
			int32_t		j = i;

			while (j > start && sb_cut_compare(plan->order, from[j - 1].cut, event.cut) > 0)
			{
				from[j] = from[j - 1];
				j--;
			}
			from[j] = event;
		}
	}

	for (int64_t width = SHORT_RUN; width < n; width *= 2)
	{
		for (int64_t start = 0; start < n; start += 2 * width)
		{
			int64_t		middle = start + width < n ? start + width : n;
			int64_t		end = start + 2 * width < n ? start + 2 * width : n;
			int64_t		left = start;
			int64_t		right = middle;

			for (int64_t i = start; i < end; i++)
			{
				if (left < middle &&
					(right >= end || sb_cut_compare(plan->order, from[left].cut, from[right].cut) <= 0))
					into[i] = from[left++];
				else
					into[i] = from[right++];
			}
		}
		plan->events = into;
		plan->scratch = from;
		from = plan->events;
		into = plan->scratch;
	}
}

/* Where the sorted array has a value, or should have it. */
static int32_t
find_sorted(const int32_t *array, int32_t count, int32_t value)
{
	int32_t		low = 0;
	int32_t		high = count;

	while (low < high)
	{
		int32_t		middle = low + (high - low) / 2;

		if (array[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Add a value that is not in the sorted array. */
static void
insert_sorted(int32_t *array, int32_t *count, int32_t value)
{
	int32_t		place = find_sorted(array, *count, value);

	memmove(array + place + 1, array + place, sizeof(int32_t) * (size_t) (*count - place));
	array[place] = value;
	(*count)++;
}

/* Take a value out of the sorted array that has it. */
static void
remove_sorted(int32_t *array, int32_t *count, int32_t value)
{
	int32_t		place = find_sorted(array, *count, value);

	(*count)--;
	memmove(array + place, array + place + 1, sizeof(int32_t) * (size_t) (*count - place));
}

/* Does a segment belong to the result? */
static bool
is_kept(const SbMergeRules *rules, const SbMergeSegment *segment)
{
	if (segment->covering == 0 && segment->slice < 0)
		return false;			/* a gap */
	if (rules->removes)
		return segment->covering == 0;
	if (rules->portion)
		return segment->slice >= 0;
	if (rules->drops_timeline)
		return segment->covering > 0;
	return true;
}

/* Stand before the first segment. */
void
sb_merge_walk_start(SbMergePlan *plan)
{
	plan->event = 0;
	plan->segment = -1;
	plan->nactive_rows = 0;
	plan->nactive_slices = 0;
}

/*
 * Go to the next segment, plan->segment, and have active_rows and
 * active_slices say what covers it.  False after the last one.
 */
bool
sb_merge_walk(SbMergePlan *plan)
{
	SbCut		cut;

	if (++plan->segment >= plan->nsegments)
		return false;
	cut = plan->cuts[plan->segment];
	while (plan->event < plan->nevents &&
		   sb_cut_compare(plan->order, plan->events[plan->event].cut, cut) == 0)
	{
		const SbMergeEvent *event = &plan->events[plan->event++];
		bool		of_row = event->owner < plan->nrows;
		int32_t    *array = of_row ? plan->active_rows : plan->active_slices;
		int32_t    *count = of_row ? &plan->nactive_rows : &plan->nactive_slices;
		int32_t		value = of_row ? event->owner : event->owner - plan->nrows;

		/* an interval is never empty, so its end comes after its start */
		if (event->ends)
			remove_sorted(array, count, value);
		else
			insert_sorted(array, count, value);
	}
	return true;
}

/* A row or a slice begins or ends at a cut. */
static void
add_event(SbMergePlan *plan, SbCut cut, int32_t owner, bool ends)
{
	SbMergeEvent *event = &plan->events[plan->nevents++];

	event->cut = cut;
	event->owner = owner;
	event->ends = ends;
}

/* Cut the entity's time into segments and say what covers each. */
void
sb_merge_cut(SbMergePlan *plan)
{
	int32_t		ncuts = 0;
	int32_t		hits = 0;

	plan->nevents = 0;
	for (int32_t i = 0; i < plan->nrows + plan->nslices; i++)
	{
		const SbInterval *when = i < plan->nrows ? &plan->rows[i].when : &plan->slices[i - plan->nrows].when;

		add_event(plan, when->lo, i, false);
		add_event(plan, when->hi, i, true);
	}
	sort_events(plan);

	for (int32_t i = 0; i < plan->nevents; i++)
	{
		const SbMergeEvent *event = &plan->events[i];
		int32_t    *place;

		if (ncuts == 0 || sb_cut_compare(plan->order, plan->cuts[ncuts - 1], event->cut) != 0)
			plan->cuts[ncuts++] = event->cut;
		if (event->owner < plan->nrows)
			place = event->ends ? &plan->rows[event->owner].last : &plan->rows[event->owner].first;
		else
		{
			SbMergeSlice *slice = &plan->slices[event->owner - plan->nrows];

			place = event->ends ? &slice->last : &slice->first;
		}
		*place = ncuts - 1;
	}
	plan->nsegments = ncuts > 0 ? ncuts - 1 : 0;

	for (int32_t i = 0; i < plan->nrows; i++)
		plan->rows[i].seen = plan->rows[i].written = false;
	for (sb_merge_walk_start(plan); sb_merge_walk(plan);)
	{
		SbMergeSegment *segment = &plan->segments[plan->segment];

		segment->covering = plan->nactive_rows;
		segment->top = plan->nactive_rows > 0 ? plan->active_rows[plan->nactive_rows - 1] : -1;
		segment->slice = plan->nactive_slices > 0 ? plan->active_slices[plan->nactive_slices - 1] : -1;
		segment->hits = hits;
		segment->kept = is_kept(&plan->rules, segment);
		if (segment->slice >= 0)
			hits++;
		if (segment->top >= 0)
			plan->rows[segment->top].seen = true;
	}
	plan->segments[plan->nsegments].hits = hits;
}

/*
 * Which result slice stays as it is, which one updates the slice below it and
 * which one is new.  A slice is best updated by what begins where it began.
 */
static void
choose_updates(SbMergePlan *plan, SbMergeSame same_slice, void *arg)
{
	for (int32_t i = 0; i < plan->nslices; i++)
		plan->slices[i].op = -1;
	for (int32_t i = 0; i < plan->nops; i++)
	{
		SbMergeOp  *op = &plan->ops[i];
		SbMergeSlice *slice;

		op->act = SB_MERGE_INSERT;
		if (op->slice < 0)
			continue;
		slice = &plan->slices[op->slice];
		if (op->first == slice->first && op->last + 1 == slice->last && same_slice(arg, op->last, op->slice))
		{
			op->act = SB_MERGE_KEEP;
			slice->op = i;
		}
		else if (slice->op < 0 || (op->first == slice->first && plan->ops[slice->op].act != SB_MERGE_KEEP))
			slice->op = i;
	}
	for (int32_t i = 0; i < plan->nslices; i++)
	{
		const SbMergeSlice *slice = &plan->slices[i];
		SbMergeOp  *op;

		if (slice->op < 0)
			continue;
		op = &plan->ops[slice->op];
		if (op->act == SB_MERGE_KEEP)
			continue;
		op->act = SB_MERGE_UPDATE;
		op->shrinks = op->first >= slice->first && op->last < slice->last;
	}
}

/*
 * Join equal neighbours to slices of the result and compare these with the
 * target.  same_segments is asked about a kept segment and the kept one next
 * to it, same_slice about a segment and a slice.
 */
void
sb_merge_join(SbMergePlan *plan, SbMergeSame same_segments, SbMergeSame same_slice, void *arg)
{
	int32_t		writes = 0;

	plan->nops = 0;
	for (int32_t i = 0; i < plan->nsegments; i++)
	{
		const SbMergeSegment *segment = &plan->segments[i];
		SbMergeOp  *op;

		if (!segment->kept)
			continue;
		if (i > 0 && plan->segments[i - 1].kept && same_segments(arg, i - 1, i))
			op = &plan->ops[plan->nops - 1];
		else
		{
			op = &plan->ops[plan->nops++];
			op->first = i;
			op->slice = -1;
			op->shrinks = false;
		}
		op->last = i;
		if (op->slice < 0)
			op->slice = segment->slice;
	}
	choose_updates(plan, same_slice, arg);

	for (int32_t i = 0, o = 0; i < plan->nsegments; i++)
	{
		SbMergeSegment *segment = &plan->segments[i];

		segment->writes = writes;
		if (!segment->kept)
			continue;
		while (plan->ops[o].last < i)
			o++;
		if (plan->ops[o].act == SB_MERGE_KEEP)
			continue;
		writes++;
		if (segment->top >= 0)
			plan->rows[segment->top].written = true;
	}
	plan->segments[plan->nsegments].writes = writes;
}

/* What became of a row, after sb_merge_join(). */
SbMergeFate
sb_merge_fate(const SbMergePlan *plan, int32_t index)
{
	const SbMergeRow *row = &plan->rows[index];
	const SbMergeSegment *first = &plan->segments[row->first];
	const SbMergeSegment *after = &plan->segments[row->last];

	if (!plan->rules.patch && !row->seen)
		return SB_MERGE_ECLIPSED;
	if (plan->rules.portion && after->hits == first->hits)
		return SB_MERGE_NO_TARGET;
	if (plan->rules.removes)
		return SB_MERGE_APPLIED;
	if (plan->rules.patch ? after->writes > first->writes : row->written)
		return SB_MERGE_APPLIED;
	return SB_MERGE_IDENTICAL;
}

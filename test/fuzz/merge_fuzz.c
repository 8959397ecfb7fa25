/*-------------------------------------------------------------------------
 *
 * merge_fuzz.c
 *	  Fuzz target of the merge planner: src/merge.c without a server.
 *
 * The first byte chooses the rules and how many of the intervals are rows; the
 * others are intervals and their values, three bytes each.  Apart from what
 * the sanitizers see, these promises are held against each plan:
 *	  - segments follow each other, and each is covered as it says;
 *	  - result slices are disjoint, in order, and never equal neighbours;
 *	  - each slice of the target is kept, updated or deleted, once;
 *	  - a slice that is kept has its bounds and value, and a row that the
 *		plan calls identical has changed nothing.
 *
 * IDENTIFICATION
 *	  test/fuzz/merge_fuzz.c
 *
 *-------------------------------------------------------------------------
 */
#include "merge_plan.h"
#include "fuzz.h"

#include <string.h>

#define MAX_PARTS 200

typedef struct World
{
	SbMergePlan plan;
	SbInterval	when[MAX_PARTS];
	uint8_t		value[MAX_PARTS];
} World;

static const SbOrder integers = {NULL, NULL};

/* An interval of two bytes: its start, then its length with what its ends are. */
static SbInterval
interval(uint8_t start, uint8_t rest)
{
	SbInterval	result = {{start, rest & 0x40 ? SB_CUT_AFTER : SB_CUT_BEFORE},
	{start + 1 + (rest & 0x1f), rest & 0x20 ? SB_CUT_AFTER : SB_CUT_BEFORE}};

	if (start == 0)
		result.lo = (SbCut) {0, SB_CUT_BEGIN};
	if (rest & 0x80)
		result.hi = (SbCut) {0, SB_CUT_END};
	else if (sb_cut_compare(&integers, result.lo, result.hi) >= 0)
		result.hi = (SbCut) {start + 2, SB_CUT_BEFORE};
	return result;
}

static int
value_of(const World *world, int32_t segment)
{
	const SbMergeSegment *at = &world->plan.segments[segment];

	if (!world->plan.rules.removes && at->top >= 0)
		return world->value[at->top];
	return at->slice >= 0 ? world->value[world->plan.nrows + at->slice] : -1;
}

static bool
same_segments(void *arg, int32_t a, int32_t b)
{
	return value_of(arg, a) == value_of(arg, b);
}

static bool
same_slice(void *arg, int32_t segment, int32_t slice)
{
	return value_of(arg, segment) == ((World *) arg)->value[((World *) arg)->plan.nrows + slice];
}

/* Segments, and what covers them. */
static void
check_segments(World *world)
{
	SbMergePlan *plan = &world->plan;

	for (sb_merge_walk_start(plan); sb_merge_walk(plan);)
	{
		int			s = plan->segment;
		const SbMergeSegment *segment = &plan->segments[s];
		SbInterval	when = {plan->cuts[s], plan->cuts[s + 1]};
		int			covering = 0;
		int			top = -1;

		CHECK(sb_cut_compare(&integers, when.lo, when.hi) < 0);
		for (int i = 0; i < plan->nrows; i++)
		{
			if (!sb_overlap(&integers, &plan->rows[i].when, &when))
				continue;
			CHECK(plan->active_rows[covering] == i);
			covering++;
			top = i;
		}
		CHECK(segment->covering == covering && plan->nactive_rows == covering && segment->top == top);
		CHECK((segment->slice >= 0) == (plan->nactive_slices > 0));
		CHECK(segment->slice < 0 || sb_overlap(&integers, &plan->slices[segment->slice].when, &when));
	}
}

/* The slices of the result. */
static void
check_ops(World *world)
{
	SbMergePlan *plan = &world->plan;
	uint8_t		used[MAX_PARTS] = {0};

	for (int i = 0; i < plan->nops; i++)
	{
		const SbMergeOp *op = &plan->ops[i];

		CHECK(op->first <= op->last && (i == 0 || plan->ops[i - 1].last < op->first));
		if (i > 0 && plan->ops[i - 1].last + 1 == op->first)
			CHECK(!same_segments(world, op->first - 1, op->first));
		for (int s = op->first; s <= op->last; s++)
			CHECK(plan->segments[s].kept && same_segments(world, s, op->last));
		if (op->act == SB_MERGE_INSERT)
			continue;
		CHECK(op->slice >= 0 && plan->slices[op->slice].op == i && used[op->slice]++ == 0);
		if (op->act == SB_MERGE_KEEP)
		{
			SbInterval	when = {plan->cuts[op->first], plan->cuts[op->last + 1]};
			SbInterval	was = plan->slices[op->slice].when;

			CHECK(sb_cut_compare(&integers, when.lo, was.lo) == 0 && sb_cut_compare(&integers, when.hi, was.hi) == 0);
			CHECK(same_slice(world, op->last, op->slice));
		}
	}
	for (int i = 0; i < plan->nslices; i++)
		CHECK((plan->slices[i].op >= 0) == (used[i] == 1));
}

/* A row that is identical or eclipsed has written nothing. */
static void
check_fates(const World *world)
{
	const SbMergePlan *plan = &world->plan;

	for (int i = 0; i < plan->nrows; i++)
	{
		SbMergeFate fate = sb_merge_fate(plan, i);

		CHECK(!(fate == SB_MERGE_ECLIPSED && plan->rules.patch));
		CHECK(!(fate == SB_MERGE_NO_TARGET && !plan->rules.portion));
		if (fate == SB_MERGE_IDENTICAL || fate == SB_MERGE_ECLIPSED)
			CHECK(!plan->rows[i].written);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	World	   *world;
	SbMergeRules rules = {0};
	int			n;
	int			nrows;
	void	   *memory;

	if (size < 2)
		return 0;
	rules.patch = data[0] & 1;
	rules.portion = (data[0] & 2) != 0;
	rules.removes = rules.portion && (data[0] & 4) != 0;
	rules.drops_timeline = !rules.portion && (data[0] & 4) != 0;
	n = (int) ((size - 2) / 3);
	if (n > MAX_PARTS)
		n = MAX_PARTS;
	nrows = n > 0 ? data[1] % (n + 1) : 0;
	world = calloc(1, sizeof(World));
	memory = malloc(sb_merge_size(nrows, n - nrows) + 1);
	if (world == NULL || memory == NULL)
		abort();

	sb_merge_init(&world->plan, memory, &integers, rules, nrows, n - nrows);
	for (int i = 0; i < n; i++)
	{
		const uint8_t *part = data + 2 + 3 * i;
		SbInterval	when = interval(part[0], part[1]);

		world->value[i] = part[2] % 4;
		if (i < nrows)
			world->plan.rows[i].when = when;
		else
			world->plan.slices[i - nrows].when = when;
	}
	sb_merge_cut(&world->plan);
	check_segments(world);
	sb_merge_join(&world->plan, same_segments, same_slice, world);
	check_ops(world);
	check_fates(world);
	free(memory);
	free(world);
	return 0;
}

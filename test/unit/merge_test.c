/*-------------------------------------------------------------------------
 *
 * merge_test.c
 *	  Unit tests of the merge planner: src/merge.c without a server.
 *
 * Cases are written as texts; then random timelines are planned and held
 * against a count of units of time.  Prints TAP.  Exits with 1 when a test
 * fails.
 *
 * IDENTIFICATION
 *	  test/unit/merge_test.c
 *
 *-------------------------------------------------------------------------
 */
#include "merge_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define length(array) ((int) (sizeof(array) / sizeof((array)[0])))

#define MAX_PARTS 8				/* rows or slices of a case */
#define DAYS 16					/* of a random timeline */

/* Columns of a segment are one letter: the newest row's, else the slice's. */
typedef struct Part
{
	int			from;
	int			until;
	char		value;
} Part;

typedef struct Case
{
	const char *name;
	SbMergeRules rules;
	const char *slices;			/* "1-5a 5-9b" */
	const char *rows;
	const char *expected;		/* "U0 1-3a, I 3-5b, K1 5-9b, D2 | APPLIED…" by their initials */
} Case;

typedef struct World
{
	SbMergePlan plan;
	Part		rows[MAX_PARTS];
	Part		slices[MAX_PARTS];
} World;

static const SbOrder integers = {NULL, NULL};

static const Case cases[] = {
	{"nothing at all", {0}, "", "", " |"},
	{"a new entity", {0}, "", "1-5a", "I 1-5a | A"},
	{"neighbours join", {0}, "", "1-2a 2-3a 3-4a", "I 1-4a | AAA"},
	{"a gap stays", {0}, "1-3a", "4-5a", "K0 1-3a, I 4-5a | A"},
	{"a slice is split", {0}, "1-9a", "3-5b", "U0 1-3a, I 3-5b, I 5-9a | A"},
	{"identical", {0}, "1-9a", "3-5a", "K0 1-9a | I"},
	{"a slice grows", {0}, "1-5a", "3-9a", "U0 1-9a | A"},
	{"the first takes the slice", {0}, "3-9a", "1-5b", "U0 1-5b, I 5-9a | A"},
	{"two slices become one", {0}, "1-3a 5-9a", "3-5a", "U0 1-9a, D1 | A"},
	{"eclipsed", {0}, "", "1-9a 1-5b 5-9c", "I 1-5b, I 5-9c | EAA"},
	{"not eclipsed in a patch", {.patch = true}, "", "1-9a 1-5b 5-9c", "I 1-5b, I 5-9c | AAA"},
	{"nested, the last narrowest", {0}, "", "1-9a 2-8b 3-7c", "I 1-2a, I 2-3b, I 3-7c, I 7-8b, I 8-9a | AAA"},
	{"a portion is clipped", {.portion = true}, "1-5a", "3-9b", "U0 1-3a, I 3-5b | A"},
	{"a portion outside", {.portion = true}, "1-5a", "7-9b", "K0 1-5a | N"},
	{"removed in the middle", {.portion = true, .removes = true}, "1-9a", "3-5x", "U0 1-3a, I 5-9a | A"},
	{"removed whole", {.portion = true, .removes = true}, "1-5a 5-9b", "0-9x", "D0, D1 | A"},
	{"removed over a bound", {.portion = true, .removes = true}, "1-5a 5-9b", "4-6x", "U0 1-4a, U1 6-9b | A"},
	{"time that is not mentioned goes", {.drops_timeline = true}, "1-9a", "3-5a", "U0 3-5a | A"},
	{"older equal neighbours join", {0}, "1-3a 3-5a 5-9b", "7-8c", "U0 1-5a, U2 5-7b, I 7-8c, I 8-9b, D1 | A"},
	{"a bound moves", {0}, "1-5a 5-9b", "3-5b", "U0 1-3a, I 3-9b, D1 | A"},
};

static void
check(bool passed, const char *name, const char *detail)
{
	ok(passed, "%s", name);
	if (!passed)
		printf("# %s\n", detail);
}

/* Read "1-5a 5-9b". */
static int
read_parts(const char *text, Part *parts)
{
	int			n = 0;
	int			used;

	while (sscanf(text, " %d-%d%c%n", &parts[n].from, &parts[n].until, &parts[n].value, &used) == 3)
	{
		text += used;
		n++;
	}
	return n;
}

static SbInterval
interval(const Part *part)
{
	return (SbInterval) {{part->from, SB_CUT_BEFORE}, {part->until, SB_CUT_BEFORE}};
}

static char
segment_value(const World *world, int segment)
{
	const SbMergeSegment *at = &world->plan.segments[segment];

	if (!world->plan.rules.removes && at->top >= 0)
		return world->rows[at->top].value;
	return at->slice >= 0 ? world->slices[at->slice].value : '?';
}

static bool
same_segments(void *arg, int32_t a, int32_t b)
{
	return segment_value(arg, a) == segment_value(arg, b);
}

static bool
same_slice(void *arg, int32_t segment, int32_t slice)
{
	return segment_value(arg, segment) == ((World *) arg)->slices[slice].value;
}

/* Plan; the memory is to be freed. */
static void *
plan_world(World *world, SbMergeRules rules, int nrows, int nslices)
{
	void	   *memory = malloc(sb_merge_size(nrows, nslices) + 1);

	if (memory == NULL)
		abort();
	sb_merge_init(&world->plan, memory, &integers, rules, nrows, nslices);
	for (int i = 0; i < nrows; i++)
		world->plan.rows[i].when = interval(&world->rows[i]);
	for (int i = 0; i < nslices; i++)
		world->plan.slices[i].when = interval(&world->slices[i]);
	sb_merge_cut(&world->plan);
	sb_merge_join(&world->plan, same_segments, same_slice, world);
	return memory;
}

/* The plan as a text. */
static void
show(const World *world, char *text, size_t size)
{
	const SbMergePlan *plan = &world->plan;
	size_t		n = 0;
	const char *separator = "";

	text[0] = '\0';
	for (int i = 0; i < plan->nops; i++)
	{
		const SbMergeOp *op = &plan->ops[i];
		char		slice[12] = "";

		if (op->act != SB_MERGE_INSERT)
			snprintf(slice, sizeof(slice), "%d", (int) op->slice);
		n += (size_t) snprintf(text + n, size - n, "%s%c%s %d-%d%c", separator, "KUI"[op->act], slice,
							   (int) plan->cuts[op->first].value, (int) plan->cuts[op->last + 1].value,
							   segment_value(world, op->last));
		separator = ", ";
	}
	for (int i = 0; i < plan->nslices; i++)
	{
		if (plan->slices[i].op >= 0)
			continue;
		n += (size_t) snprintf(text + n, size - n, "%sD%d", separator, i);
		separator = ", ";
	}
	n += (size_t) snprintf(text + n, size - n, plan->nrows > 0 ? " | " : " |");
	for (int i = 0; i < plan->nrows; i++)
		n += (size_t) snprintf(text + n, size - n, "%c", "AINE"[sb_merge_fate(plan, i)]);
}

static void
test_cases(void)
{
	for (int i = 0; i < length(cases); i++)
	{
		World		world;
		char		text[512];
		char		detail[1200];
		int			nrows = read_parts(cases[i].rows, world.rows);
		int			nslices = read_parts(cases[i].slices, world.slices);
		void	   *memory = plan_world(&world, cases[i].rules, nrows, nslices);

		show(&world, text, sizeof(text));
		snprintf(detail, sizeof(detail), "got %s, wanted %s", text, cases[i].expected);
		check(strcmp(text, cases[i].expected) == 0, cases[i].name, detail);
		free(memory);
	}
}

/* A linear congruential generator. */
static unsigned
draw(unsigned bound)
{
	static uint64_t state = 20240615;

	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned) (state >> 33) % bound;
}

/* What a day has after the merge, by counting: a letter, or '.' for nothing. */
static char
wanted_on(const World *world, int day)
{
	const SbMergeRules *rules = &world->plan.rules;
	char		slice = '.';
	char		row = '.';

	for (int i = 0; i < world->plan.nslices; i++)
		if (world->slices[i].from <= day && day < world->slices[i].until)
			slice = world->slices[i].value;
	for (int i = 0; i < world->plan.nrows; i++)
		if (world->rows[i].from <= day && day < world->rows[i].until)
			row = world->rows[i].value;
	if (row == '.')
		return rules->drops_timeline ? '.' : slice;
	if (rules->removes || (rules->portion && slice == '.'))
		return '.';
	return row;
}

/* What it has by the plan; '!' when twice. */
static char
planned_on(const World *world, int day)
{
	char		result = '.';

	for (int i = 0; i < world->plan.nops; i++)
	{
		const SbMergeOp *op = &world->plan.ops[i];

		if (world->plan.cuts[op->first].value <= day && day < world->plan.cuts[op->last + 1].value)
			result = result == '.' ? segment_value(world, op->last) : '!';
	}
	return result;
}

/* Random timelines: each day, each slice used once, no equal neighbours. */
static void
test_random(int rounds)
{
	static const SbMergeRules all[] = {
		{0}, {.patch = true}, {.portion = true}, {.portion = true, .removes = true}, {.drops_timeline = true}
	};
	int			wrong = 0;
	int			fates[4] = {0};
	int			acts[4] = {0};

	for (int round = 0; round < rounds; round++)
	{
		World		world;
		int			nrows = (int) draw(5);
		int			nslices = 0;
		int			at = 0;
		int			used[MAX_PARTS] = {0};
		void	   *memory;

		while (nslices < 4 && at < DAYS - 2)
		{
			at += (int) draw(3);
			world.slices[nslices] = (Part) {at, at + 1 + (int) draw(4), (char) ('a' + draw(3))};
			at = world.slices[nslices++].until;
		}
		for (int i = 0; i < nrows; i++)
		{
			int			from = (int) draw(DAYS);

			world.rows[i] = (Part) {from, from + 1 + (int) draw(6), (char) ('a' + draw(3))};
		}
		memory = plan_world(&world, all[round % length(all)], nrows, nslices);
		for (int day = 0; day < 2 * DAYS; day++)
			wrong += wanted_on(&world, day) != planned_on(&world, day);
		for (int i = 0; i < world.plan.nops; i++)
		{
			const SbMergeOp *op = &world.plan.ops[i];

			acts[op->act]++;
			if (op->act != SB_MERGE_INSERT)
				wrong += used[op->slice]++ > 0 || world.plan.slices[op->slice].op != i;
			if (i > 0 && world.plan.ops[i - 1].last + 1 == op->first)
				wrong += segment_value(&world, op->first) == segment_value(&world, op->first - 1);
		}
		for (int i = 0; i < nslices; i++)
			acts[3] += world.plan.slices[i].op < 0;
		for (int i = 0; i < nrows; i++)
			fates[sb_merge_fate(&world.plan, i)]++;
		free(memory);
	}
	check(wrong == 0, "random timelines agree day by day", "some day, slice or neighbour is wrong");
	for (int i = 0; i < 4; i++)
		check(fates[i] > 0 && acts[i] > 0, "random timelines meet every fate and act", "one is missing");
}

/* Ten thousand slices, rows and both nested: no more than n log n is bearable here. */
static void
test_large(void)
{
	int			n = 10000;
	SbMergePlan plan;
	void	   *memory = malloc(sb_merge_size(n, n));
	int			kept = 0;

	if (memory == NULL)
		abort();
	sb_merge_init(&plan, memory, &integers, (SbMergeRules) {.patch = true}, n, n);
	for (int i = 0; i < n; i++)
	{
		plan.slices[i].when = (SbInterval) {{i * 4, SB_CUT_BEFORE}, {i * 4 + 4, SB_CUT_BEFORE}};
		plan.rows[i].when = (SbInterval) {{n * 2 - i - 1, SB_CUT_BEFORE}, {n * 2 + i + 1, SB_CUT_BEFORE}};
	}
	sb_merge_cut(&plan);
	for (sb_merge_walk_start(&plan); sb_merge_walk(&plan);)
		kept += plan.segments[plan.segment].kept;
	check(kept == plan.nsegments && plan.nsegments > n, "ten thousand slices and nested rows", "segments are missing");
	free(memory);
}

int
main(void)
{
	test_cases();
	test_random(20000);
	test_large();
	return tap_end();
}

/*
 * Unit tests of circles of relationships (src/import_relationship_cycle.c): known ones, and random ones against
 * a search of every day.  TAP output.
 */
#include <stdlib.h>
#include <string.h>

#include "import_relationship_cycle.h"
#include "tap.h"

#define EDGES 40
#define UNITS 12
#define DAYS 16

/* What was told. */
typedef struct Told
{
	const CycleEdge *edges;
	bool		is_told[EDGES];
	int32_t		day[EDGES];
	int			length[EDGES];
	bool		is_sound;
} Told;

static void *
get_memory(void *arg, size_t size)
{
	void	   *memory = malloc(size);

	(void) arg;
	if (memory == NULL)
		abort();
	return memory;
}

static void
free_memory(void *arg, void *memory)
{
	(void) arg;
	free(memory);
}

static void
do_nothing(void *arg)
{
	(void) arg;
}

/* The way must begin with the relationship, hold together and hold on the day; each is told once. */
static void
note(void *arg, int edge, int32_t day, const int *path, int npath)
{
	Told	   *told = arg;

	told->is_sound = told->is_sound && !told->is_told[edge] && (npath == 0 || path[0] == edge);
	for (int i = 0; i < npath; i++)
	{
		const CycleEdge *here = &told->edges[path[i]];

		told->is_sound = told->is_sound && here->to == told->edges[path[(i + 1) % npath]].from &&
			here->valid_from <= day && here->valid_until > day;
	}
	told->is_told[edge] = true;
	told->day[edge] = day;
	told->length[edge] = npath;
}

static Told
told_of(const CycleEdge *edges, int nedges, int nwanted, int nunits)
{
	Told		told = {.edges = edges, .is_sound = true};
	CycleCaller caller = {get_memory, free_memory, note, do_nothing, &told};

	import_find_cycles(edges, nedges, nwanted, nunits, &caller);
	return told;
}

static void
test_known(void)
{
	const CycleEdge two[] = {{0, 1, 10, 20}, {1, 0, 15, INT32_MAX}, {1, 2, 10, 20}};
	const CycleEdge apart[] = {{0, 1, 10, 20}, {1, 0, 20, 30}};
	const CycleEdge pairwise[] = {{0, 1, 10, 20}, {1, 2, 15, 30}, {2, 0, 25, 40}};
	const CycleEdge empty[] = {{0, 1, 10, 10}, {1, 0, 0, 20}};
	CycleEdge	ring[EDGES];
	Told		told = told_of(two, 3, 3, 3);

	ok(told.is_sound && told.is_told[0] && told.day[0] == 15 && told.length[0] == 2, "two units");
	ok(told.is_told[1] && !told.is_told[2], "and what only hangs on it is in none");
	told = told_of(two, 3, 1, 3);
	ok(told.is_told[0] && !told.is_told[1], "only what is wanted is told");
	told = told_of(apart, 2, 2, 2);
	ok(!told.is_told[0] && !told.is_told[1], "one after the other is no circle");
	told = told_of(pairwise, 3, 3, 3);
	ok(!told.is_told[0] && !told.is_told[1] && !told.is_told[2], "two at a time are no circle of three");
	told = told_of(empty, 2, 2, 2);
	ok(!told.is_told[0] && !told.is_told[1], "an empty period is none");
	told = told_of(two, 0, 0, 0);
	ok(told.is_sound, "nothing");
	for (int i = 0; i < EDGES; i++)
		ring[i] = (CycleEdge) {i, (i + 1) % EDGES, INT32_MIN, INT32_MAX};
	told = told_of(ring, EDGES, EDGES, EDGES);
	ok(told.is_told[7] && told.length[7] == 0, "a long circle is told without the way");
	ring[CYCLE_LENGTH - 1].to = 0;
	told = told_of(ring, EDGES, EDGES, EDGES);
	ok(told.is_sound && told.is_told[7] && told.length[7] == CYCLE_LENGTH && !told.is_told[EDGES - 1], "the longest way that is told");
}

/* The first day on which a relationship is in a circle, by trying; DAYS: none. */
static int
first_day(const CycleEdge *edges, int nedges, int edge)
{
	for (int day = edges[edge].valid_from; day < edges[edge].valid_until; day++)
	{
		bool		reached[UNITS] = {false};
		bool		changed = true;

		reached[edges[edge].to] = true;
		while (changed)
		{
			changed = false;
			for (int i = 0; i < nedges; i++)
				if (edges[i].valid_from <= day && edges[i].valid_until > day && reached[edges[i].from] && !reached[edges[i].to])
					changed = reached[edges[i].to] = true;
		}
		if (reached[edges[edge].from])
			return day;
	}
	return DAYS;
}

static void
test_random(void)
{
	int			wrong = 0;
	int			circles = 0;
	int			none = 0;

	srand(82);
	for (int round = 0; round < 4000; round++)
	{
		CycleEdge	edges[EDGES];
		int			nunits = 2 + rand() % (UNITS - 1);
		int			nedges = rand() % EDGES;
		int			nwanted = nedges == 0 ? 0 : rand() % (nedges + 1);
		Told		told;

		for (int i = 0; i < nedges; i++)
		{
			int			from = rand() % DAYS;

			edges[i] = (CycleEdge) {rand() % nunits, rand() % nunits, from, from + rand() % (DAYS + 1 - from)};
		}
		told = told_of(edges, nedges, nwanted, nunits);
		wrong += !told.is_sound;
		for (int i = 0; i < nwanted; i++)
		{
			int			day = first_day(edges, nedges, i);

			wrong += told.is_told[i] ? told.day[i] != day || told.length[i] == 0 : day != DAYS;
			circles += told.is_told[i];
			none += !told.is_told[i];
		}
	}
	ok(wrong == 0 && circles > 1000 && none > 1000, "random relationships, as every day says");
}

int
main(void)
{
	test_known();
	test_random();
	return tap_end();
}

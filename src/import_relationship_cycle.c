/*-------------------------------------------------------------------------
 *
 * import_relationship_cycle.c
 *	  Circles of relationships that hold at the same time.
 *
 * A relationship is in a circle when both its ends are in one strongly
 * connected component of the relationships of some day.  So a span of time is
 * taken, the relationships that overlap it, and of them those within a
 * component: others are in no circle of the span.  When all that are left hold
 * throughout the span, each is in a circle; otherwise each half of the span is
 * looked at with what is left.  Ownership has few circles, so mostly nothing
 * is left after the first step.
 *
 * IDENTIFICATION
 *	  src/import_relationship_cycle.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_relationship_cycle.h"

#include <stdlib.h>
#include <string.h>

/* The most units that are looked at for the way round a circle. */
#define CYCLE_VISITS 2000

/* The search, and room that each step uses anew. */
typedef struct CycleSearch
{
	const CycleEdge *edges;
	int			nwanted;
	const CycleCaller *caller;
	bool	   *is_told;		/* per wanted relationship */
	int			nuntold;
	int		   *head;			/* per unit and one more: where its
								 * relationships are in "out" */
	int		   *out;			/* relationships by the unit they come from */
	int		   *units;			/* those that the relationships touch */
	int			nunits;
	int		   *component;		/* per unit; 0: not in one yet */
	int		   *number;			/* per unit, from 1; 0: not met; also marks of
								 * a walk */
	int		   *low;
	int		   *next;			/* per unit: the relationship to follow next */
	int		   *stack;			/* units met that are in no component yet */
	int		   *trail;			/* units on the way down */
	int		   *via;			/* per unit: the relationship that a walk came
								 * by */
} CycleSearch;

static void *new_room(const CycleSearch *search, size_t count, size_t size);
static void build_graph(CycleSearch *search, const int *list, int count);
static void visit(CycleSearch *search, int root, int *counter, int *ncomponents);
static void find_components(CycleSearch *search);
static int	keep_circular(CycleSearch *search, int *list, int count);
static int	walk_back(CycleSearch *search, int edge, int path[CYCLE_LENGTH]);
static void tell(CycleSearch *search, const int *list, int count, int32_t day);
static int	compare_days(const void *a, const void *b);
static bool find_middle(const CycleSearch *search, const int *list, int count, int32_t from, int32_t until, int32_t *middle);
static void search_span(CycleSearch *search, const int *list, int count, int32_t from, int32_t until);

/* Room for so many things. */
static void *
new_room(const CycleSearch *search, size_t count, size_t size)
{
	return search->caller->alloc(search->caller->arg, (count + 1) * size);
}

/* The relationships of a list by the unit they come from, and the units. */
static void
build_graph(CycleSearch *search, const int *list, int count)
{
	search->nunits = 0;
	for (int i = 0; i < count; i++)
	{
		const int	ends[2] = {search->edges[list[i]].from, search->edges[list[i]].to};

		for (int j = 0; j < 2; j++)
			if (search->next[ends[j]] < 0)
			{
				search->next[ends[j]] = 0;
				search->units[search->nunits++] = ends[j];
			}
		search->next[ends[0]]++;
	}
	for (int i = 0, place = 0; i < search->nunits; i++)
	{
		int			unit = search->units[i];

		search->head[unit] = place;
		place += search->next[unit];
		search->via[unit] = place;	/* where its relationships end */
	}
	for (int i = 0; i < search->nunits; i++)
		search->next[search->units[i]] = search->head[search->units[i]];
	for (int i = 0; i < count; i++)
		search->out[search->next[search->edges[list[i]].from]++] = list[i];
	for (int i = 0; i < search->nunits; i++)
	{
		int			unit = search->units[i];

		search->next[unit] = search->head[unit];
		search->number[unit] = search->component[unit] = 0;
	}
}

/* Tarjan's algorithm from one unit on, without recursion. */
static void
visit(CycleSearch *search, int root, int *counter, int *ncomponents)
{
	int			ntrail = 0;
	int			nstack = 0;

	search->trail[ntrail++] = search->stack[nstack++] = root;
	search->number[root] = search->low[root] = ++*counter;
	while (ntrail > 0)
	{
		int			unit = search->trail[ntrail - 1];
		int			other;

		if (search->next[unit] < search->via[unit])
		{
			other = search->edges[search->out[search->next[unit]++]].to;
			if (search->number[other] == 0)
			{
				search->number[other] = search->low[other] = ++*counter;
				search->trail[ntrail++] = search->stack[nstack++] = other;
			}
			else if (search->component[other] == 0 && search->number[other] < search->low[unit])
				search->low[unit] = search->number[other];
			continue;
		}
		if (search->low[unit] == search->number[unit])
		{
			++*ncomponents;
			do
			{
				other = search->stack[--nstack];
				search->component[other] = *ncomponents;
			} while (other != unit);
		}
		if (--ntrail > 0 && search->low[unit] < search->low[search->trail[ntrail - 1]])
			search->low[search->trail[ntrail - 1]] = search->low[unit];
	}
}

/* The strongly connected components of the graph. */
static void
find_components(CycleSearch *search)
{
	int			counter = 0;
	int			ncomponents = 0;

	for (int i = 0; i < search->nunits; i++)
		if (search->number[search->units[i]] == 0)
			visit(search, search->units[i], &counter, &ncomponents);
}

/*
 * Keep the relationships of a list that lie within a component, in their
 * order; 0 when none of those that are to be told is among them.
 */
static int
keep_circular(CycleSearch *search, int *list, int count)
{
	int			kept = 0;
	bool		is_worth = false;

	build_graph(search, list, count);
	find_components(search);
	for (int i = 0; i < count; i++)
	{
		const CycleEdge *edge = &search->edges[list[i]];

		if (search->component[edge->from] != search->component[edge->to])
			continue;
		is_worth = is_worth || (list[i] < search->nwanted && !search->is_told[list[i]]);
		list[kept++] = list[i];
	}
	for (int i = 0; i < search->nunits; i++)
		search->next[search->units[i]] = -1;
	return is_worth ? kept : 0;
}

/*
 * The shortest way round from a relationship back to where it comes from, by
 * the graph; its length, 0 when it is too long.
 */
static int
walk_back(CycleSearch *search, int edge, int path[CYCLE_LENGTH])
{
	int			home = search->edges[edge].from;
	int			first = 0;
	int			count = 0;
	int			length = 0;
	bool		is_home = search->edges[edge].to == home;

	/* The stack is a queue here; low is how far a unit is away. */
	search->stack[count++] = search->edges[edge].to;
	search->low[search->edges[edge].to] = 1;
	search->number[search->edges[edge].to] = -1;
	while (first < count && !is_home && count < CYCLE_VISITS)
	{
		int			unit = search->stack[first++];

		if (search->low[unit] >= CYCLE_LENGTH)
			break;
		for (int i = search->head[unit]; i < search->via[unit] && !is_home; i++)
		{
			int			other = search->edges[search->out[i]].to;

			if (search->number[other] == -1)
				continue;
			search->number[other] = -1;
			search->low[other] = search->low[unit] + 1;
			search->trail[other] = search->out[i];
			search->stack[count++] = other;
			is_home = other == home;
		}
	}
	if (is_home)
	{
		int			unit = home;

		length = search->low[home];
		path[0] = edge;
		for (int i = length - 1; i > 0; i--)
		{
			path[i] = search->trail[unit];
			unit = search->edges[path[i]].from;
		}
	}
	for (int i = 0; i < count; i++)
		search->number[search->stack[i]] = 0;
	return length;
}

/* All relationships of the list are in circles on a day. */
static void
tell(CycleSearch *search, const int *list, int count, int32_t day)
{
	int			path[CYCLE_LENGTH];

	build_graph(search, list, count);
	for (int i = 0; i < count; i++)
	{
		if (list[i] >= search->nwanted || search->is_told[list[i]])
			continue;
		search->is_told[list[i]] = true;
		search->nuntold--;
		search->caller->found(search->caller->arg, list[i], day, path, walk_back(search, list[i], path));
		search->caller->interrupt(search->caller->arg);
	}
	for (int i = 0; i < search->nunits; i++)
		search->next[search->units[i]] = -1;
}

static int
compare_days(const void *a, const void *b)
{
	int32_t		x = *(const int32_t *) a;
	int32_t		y = *(const int32_t *) b;

	return (x > y) - (x < y);
}

/* The middle of the days within a span on which a relationship begins or ends; false: there is none. */
static bool
find_middle(const CycleSearch *search, const int *list, int count, int32_t from, int32_t until, int32_t *middle)
{
	int32_t    *days = new_room(search, 2 * (size_t) count, sizeof(int32_t));
	int			ndays = 0;

	for (int i = 0; i < count; i++)
	{
		const CycleEdge *edge = &search->edges[list[i]];

		if (edge->valid_from > from && edge->valid_from < until)
			days[ndays++] = edge->valid_from;
		if (edge->valid_until > from && edge->valid_until < until)
			days[ndays++] = edge->valid_until;
	}
	qsort(days, (size_t) ndays, sizeof(int32_t), compare_days);
	if (ndays > 0)
		*middle = days[ndays / 2];
	search->caller->release(search->caller->arg, days);
	return ndays > 0;
}

/* Tell of the circles of a span of time, the earliest first. */
static void
search_span(CycleSearch *search, const int *list, int count, int32_t from, int32_t until)
{
	int		   *rest = new_room(search, (size_t) count, sizeof(int));
	int			nrest = 0;
	int32_t		middle;

	search->caller->interrupt(search->caller->arg);
	for (int i = 0; i < count; i++)
		if (search->edges[list[i]].valid_from < until && search->edges[list[i]].valid_until > from)
			rest[nrest++] = list[i];
	nrest = keep_circular(search, rest, nrest);
	if (nrest > 0)
	{
		if (find_middle(search, rest, nrest, from, until, &middle))
		{
			search_span(search, rest, nrest, from, middle);
			if (search->nuntold > 0)
				search_span(search, rest, nrest, middle, until);
		}
		else
			tell(search, rest, nrest, from);
	}
	search->caller->release(search->caller->arg, rest);
}

void
import_find_cycles(const CycleEdge *edges, int nedges, int nwanted, int nunits, const CycleCaller *caller)
{
	CycleSearch search = {.edges = edges, .nwanted = nwanted, .caller = caller, .nuntold = nwanted};
	int			usable = 0;
	int		   *list;
	int32_t		from = INT32_MAX;
	int32_t		until = INT32_MIN;

	list = new_room(&search, (size_t) nedges, sizeof(int));
	search.is_told = new_room(&search, (size_t) nwanted, sizeof(bool));
	search.out = new_room(&search, (size_t) nedges, sizeof(int));
	search.head = new_room(&search, (size_t) nunits, sizeof(int));
	search.units = new_room(&search, (size_t) nunits, sizeof(int));
	search.component = new_room(&search, (size_t) nunits, sizeof(int));
	search.number = new_room(&search, (size_t) nunits, sizeof(int));
	search.low = new_room(&search, (size_t) nunits, sizeof(int));
	search.next = new_room(&search, (size_t) nunits, sizeof(int));
	search.stack = new_room(&search, (size_t) nunits, sizeof(int));
	search.trail = new_room(&search, (size_t) nunits, sizeof(int));
	search.via = new_room(&search, (size_t) nunits, sizeof(int));
	memset(search.is_told, 0, (size_t) nwanted);
	for (int i = 0; i < nunits; i++)
		search.next[i] = -1;
	for (int i = 0; i < nedges; i++)
	{
		if (edges[i].valid_from >= edges[i].valid_until)
			continue;
		list[usable++] = i;
		from = edges[i].valid_from < from ? edges[i].valid_from : from;
		until = edges[i].valid_until > until ? edges[i].valid_until : until;
	}
	if (usable > 0 && nwanted > 0)
		search_span(&search, list, usable, from, until);
	caller->release(caller->arg, list);
	caller->release(caller->arg, search.is_told);
	caller->release(caller->arg, search.out);
	caller->release(caller->arg, search.head);
	caller->release(caller->arg, search.units);
	caller->release(caller->arg, search.component);
	caller->release(caller->arg, search.number);
	caller->release(caller->arg, search.low);
	caller->release(caller->arg, search.next);
	caller->release(caller->arg, search.stack);
	caller->release(caller->arg, search.trail);
	caller->release(caller->arg, search.via);
}

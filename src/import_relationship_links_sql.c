/*-------------------------------------------------------------------------
 *
 * import_relationship_links_sql.c
 *	  Analysis of a job about relationships: what the register knows of the
 *	  links of a file, and what they say of each other.
 *
 * IDENTIFICATION
 *	  src/import_relationship_links_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_relationship.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/memutils.h"

/* Links about which the register is asked at once. */
#define LINKS_BLOCK 10000

/* The most rows that a finding lists. */
#define MAX_LISTED 10

static const SbSlice no_value = {NULL, 0};

/* Columns: place, relationship. */
static const char known_query[] =
"SELECT k.place, min(lr.id) FROM " IMPORT_LINKS_TABLE
" JOIN register.legal_relationship AS lr ON lr.influencing_id = k.influencing_id AND lr.influenced_id = k.influenced_id"
" AND lr.type_id = k.type_id GROUP BY k.place";

/* Columns: place, details: another influencer of the register at that time. */
static const char rival_query[] =
"SELECT DISTINCT ON (k.place) k.place,"
" jsonb_build_object('influencing_id', lr.influencing_id, 'legal_relationship_id', lr.id) FROM " IMPORT_LINKS_TABLE
" JOIN register.legal_relationship AS lr ON lr.influenced_id = k.influenced_id AND lr.type_id = k.type_id"
" WHERE k.is_primary = 1 AND lr.influencing_id <> k.influencing_id"
" AND lr.valid_from < k.valid_until AND k.valid_from < lr.valid_until ORDER BY k.place, lr.id";

static int32 link_parameter(const IdentifyLinks *links, int place, int parameter);
static int	compare_entities(const void *a, const void *b, void *arg);
static int	compare_influenced(const void *a, const void *b, void *arg);
static void found_entities(IdentifyLinks *links, int *order);
static void ask_known(ImportIdentify *identify);
static void judge_strategy(ImportIdentify *identify);
static void remark_rival(ImportIdentify *identify, RelationLink *link, Jsonb *details, const uint32 *rows, int nrows);
static bool is_in_island(const IdentifyLinks *links, const RelationLink *first, const RelationLink *link, DateADT until);
static void judge_island(ImportIdentify *identify, const int *order, int count);
static void judge_islands(ImportIdentify *identify, int *order);
static void judge_rivals(ImportIdentify *identify);

/* What a link gives for a parameter of IMPORT_LINKS_TABLE. */
static int32
link_parameter(const IdentifyLinks *links, int place, int parameter)
{
	const RelationLink *link = &links->links[place];

	switch (parameter)
	{
		case 0:
			return place;
		case 1:
			return link->influencing;
		case 2:
			return link->influenced;
		case 3:
			return links->types[link->type].id;
		case 4:
			return link->valid_from;
		case 5:
			return link->valid_until;
		case 6:
			return link->hundredths;
		default:
			return links->types[link->type].is_primary;
	}
}

/* Run a query about some links, which gets them as parameters; its answer is SPI's. */
void
import_links_ask(ImportIdentify *identify, const char *query, int first, int count)
{
	MemoryContext old = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(old, "import links", ALLOCSET_DEFAULT_SIZES);
	Datum	   *elements = MemoryContextAllocHuge(context, sizeof(Datum) * ((Size) count + 1));
	Oid			types[IMPORT_LINKS_PARAMETERS];
	Datum		arguments[IMPORT_LINKS_PARAMETERS];

	MemoryContextSwitchTo(context);
	for (int i = 0; i < IMPORT_LINKS_PARAMETERS; i++)
	{
		bool		is_day = i == 4 || i == 5;

		for (int j = 0; j < count; j++)
			elements[j] = Int32GetDatum(link_parameter(identify->links, first + j, i));
		types[i] = is_day ? DATEARRAYOID : INT4ARRAYOID;
		arguments[i] = PointerGetDatum(construct_array(elements, count, is_day ? DATEOID : INT4OID, sizeof(int32), true,
													   TYPALIGN_INT));
	}
	if (SPI_execute_with_args(query, IMPORT_LINKS_PARAMETERS, types, arguments, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not ask the register about relationships");
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* For qsort_arg(): links of one relationship together, in their order. */
static int
compare_entities(const void *a, const void *b, void *arg)
{
	const RelationLink *x = (const RelationLink *) arg + *(const int *) a;
	const RelationLink *y = (const RelationLink *) arg + *(const int *) b;

	if (x->influencing != y->influencing)
		return x->influencing < y->influencing ? -1 : 1;
	if (x->influenced != y->influenced)
		return x->influenced < y->influenced ? -1 : 1;
	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	return x->row_id < y->row_id ? -1 : 1;
}

/* For qsort_arg(): links to one unit of one type together, as they begin. */
static int
compare_influenced(const void *a, const void *b, void *arg)
{
	const RelationLink *x = (const RelationLink *) arg + *(const int *) a;
	const RelationLink *y = (const RelationLink *) arg + *(const int *) b;

	if (x->influenced != y->influenced)
		return x->influenced < y->influenced ? -1 : 1;
	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	if (x->valid_from != y->valid_from)
		return x->valid_from < y->valid_from ? -1 : 1;
	return x->row_id < y->row_id ? -1 : x->row_id > y->row_id;
}

/* Links of one relationship are an entity. */
static void
found_entities(IdentifyLinks *links, int *order)
{
	RelationLink *first = NULL;

	qsort_arg(order, links->nlinks, sizeof(int), compare_entities, links->links);
	for (int i = 0; i < links->nlinks; i++)
	{
		RelationLink *link = &links->links[order[i]];

		if (first == NULL || first->influencing != link->influencing || first->influenced != link->influenced ||
			first->type != link->type)
			first = link;
		link->founding = (uint32) (first - links->links);
		first->nrows++;
	}
}

/* Which relationships the register knows. */
static void
ask_known(ImportIdentify *identify)
{
	IdentifyLinks *links = identify->links;

	for (int first = 0; first < links->nlinks; first += LINKS_BLOCK)
	{
		CHECK_FOR_INTERRUPTS();
		import_links_ask(identify, known_query, first, Min(LINKS_BLOCK, links->nlinks - first));
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			HeapTuple	tuple = SPI_tuptable->vals[i];
			TupleDesc	desc = SPI_tuptable->tupdesc;
			bool		is_null;
			int			place = DatumGetInt32(SPI_getbinval(tuple, desc, 1, &is_null));

			links->links[place].relationship = DatumGetInt32(SPI_getbinval(tuple, desc, 2, &is_null));
		}
		SPI_freetuptable(SPI_tuptable);
	}
}

/* What the strategy does not do with a link. */
static void
judge_strategy(ImportIdentify *identify)
{
	IdentifyLinks *links = identify->links;

	for (int i = 0; i < links->nlinks; i++)
	{
		RelationLink *link = &links->links[i];
		bool		is_new = link->relationship == 0;
		ImportFileRow row;
		IdentifyRemark remark;

		if (is_new ? !identify->only_known : !identify->only_new)
			continue;
		CHECK_FOR_INTERRUPTS();
		import_file_fetch(identify->file, link->row_id, &row);
		import_remark_begin(identify, &remark, IMPORT_ERROR, is_new ? "unit_not_found" : "unit_already_exists", NULL,
							no_value);
		import_link_remark_columns(identify, &remark, row.cells);
		import_remark_text(&remark, "strategy", (SbSlice) {identify->job->strategy, strlen(identify->job->strategy)});
		import_remark_end(identify, &remark, link->row_id);
		link->is_error = true;
		MemoryContextReset(identify->scratch);
	}
}

/* Say that the unit has another influencer at that time, of a type of which it may have one: of the register, or of rows. */
static void
remark_rival(ImportIdentify *identify, RelationLink *link, Jsonb *details, const uint32 *rows, int nrows)
{
	int			column = identify->links->influenced_column;
	ImportFileRow row;
	IdentifyRemark remark;

	import_file_fetch(identify->file, link->row_id, &row);
	import_remark_begin(identify, &remark, IMPORT_ERROR, "duplicate_primary_controller", "influenced_tax_ident",
						column >= 0 ? row.cells[column] : no_value);
	if (details != NULL)
		import_remark_object(&remark, details);
	else
		import_remark_rows(&remark, "rows", rows, nrows);
	import_remark_end(identify, &remark, link->row_id);
	link->is_error = true;
	MemoryContextReset(identify->scratch);
}

/* Does a link belong to the island that begins with another one and lasts until then? */
static bool
is_in_island(const IdentifyLinks *links, const RelationLink *first, const RelationLink *link, DateADT until)
{
	return links->types[link->type].is_primary && link->influenced == first->influenced && link->type == first->type &&
		link->valid_from < until;
}

/* Judge links whose periods overlap, one after the other. */
static void
judge_island(ImportIdentify *identify, const int *order, int count)
{
	IdentifyLinks *links = identify->links;
	uint32		rows[MAX_LISTED];
	int			nrows = 0;
	bool		differs = false;

	for (int i = 0; i < count; i++)
	{
		const RelationLink *link = &links->links[order[i]];
		int			place = nrows;

		differs = differs || link->influencing != links->links[order[0]].influencing;
		/* the lowest numbers, sorted */
		for (; place > 0 && rows[place - 1] > link->row_id; place--)
			if (place < MAX_LISTED)
				rows[place] = rows[place - 1];
		if (place < MAX_LISTED)
			rows[place] = link->row_id;
		nrows = Min(nrows + 1, MAX_LISTED);
	}
	for (int i = 0; differs && i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		remark_rival(identify, &links->links[order[i]], NULL, rows, nrows);
	}
}

/* At most one influencer at a time of a type that says so: all rows of an island are at fault. */
static void
judge_islands(ImportIdentify *identify, int *order)
{
	IdentifyLinks *links = identify->links;

	qsort_arg(order, links->nlinks, sizeof(int), compare_influenced, links->links);
	for (int first = 0, next; first < links->nlinks; first = next)
	{
		const RelationLink *link = &links->links[order[first]];
		DateADT		until = link->valid_until;

		for (next = first + 1; next < links->nlinks &&
			 is_in_island(links, link, &links->links[order[next]], until); next++)
			until = Max(until, links->links[order[next]].valid_until);
		if (next > first + 1)
			judge_island(identify, order + first, next - first);
	}
}

/* Rows that meet another influencer of the register. */
static void
judge_rivals(ImportIdentify *identify)
{
	IdentifyLinks *links = identify->links;

	for (int first = 0; first < links->nlinks; first += LINKS_BLOCK)
	{
		SPITupleTable *table;
		uint64		count;

		CHECK_FOR_INTERRUPTS();
		import_links_ask(identify, rival_query, first, Min(LINKS_BLOCK, links->nlinks - first));
		table = SPI_tuptable;
		count = SPI_processed;
		for (uint64 i = 0; i < count; i++)
		{
			bool		is_null;
			int			place = DatumGetInt32(SPI_getbinval(table->vals[i], table->tupdesc, 1, &is_null));
			Datum		details = SPI_getbinval(table->vals[i], table->tupdesc, 2, &is_null);

			remark_rival(identify, &links->links[place], DatumGetJsonbP(details), NULL, 0);
		}
		SPI_freetuptable(table);
	}
}

/* Judge all links: by what the register knows, and against each other. */
void
import_links_judge(ImportIdentify *identify)
{
	IdentifyLinks *links = identify->links;
	int		   *order = MemoryContextAllocHuge(identify->context, sizeof(int) * links->nlinks);

	for (int i = 0; i < links->nlinks; i++)
		order[i] = i;
	found_entities(links, order);
	ask_known(identify);
	judge_strategy(identify);
	judge_islands(identify, order);
	pfree(order);
	judge_rivals(identify);
	import_links_judge_circles(identify);
	import_links_judge_shares(identify);
}

/*-------------------------------------------------------------------------
 *
 * import_relationship_share_sql.c
 *	  Analysis of a job about relationships: shares of more than 100 per cent,
 *	  and circles, in the file and together with the register.
 *
 * These are warnings, and change nothing else.  Circles of ownership exist, but
 * most are mistakes; relationships of any type count, for control through
 * ownership is a circle too.
 *
 * IDENTIFICATION
 *	  src/import_relationship_share_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_relationship.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/memutils.h"

#include "import_relationship_cycle_sql.h"

static const SbSlice no_value = {NULL, 0};

/* Relationships of the register that what the file influences leads to, as they are before the job. */
static const char reached_query[] =
"WITH RECURSIVE reached AS ("
"SELECT k.influenced_id AS id FROM " IMPORT_LINKS_TABLE
" UNION "
"SELECT lr.influenced_id FROM reached AS r JOIN register.legal_relationship AS lr ON lr.influencing_id = r.id)"
" SELECT lr.influencing_id, lr.influenced_id, lr.valid_from, lr.valid_until FROM register.legal_relationship AS lr"
" WHERE lr.influencing_id IN (SELECT r.id FROM reached AS r) ORDER BY lr.id, lr.valid_from";

/* $1: a legal unit; its first identifier. */
static const char ident_query[] =
"SELECT coalesce(x.ident, x.idents::text) FROM register.external_ident AS x"
" JOIN register.external_ident_type AS t ON t.id = x.type_id"
" WHERE x.legal_unit_id = $1 ORDER BY t.priority, t.id LIMIT 1";

/*
 * What a row of the file says of a relationship takes the place of what the
 * register says of it.  Rows of one relationship that overlap contradict or
 * repeat each other, which is said elsewhere: one counts.  Columns: place,
 * day, sum, the first places of that day.
 */
static const char share_query[] =
"WITH link AS MATERIALIZED ("
"SELECT k.*, CASE WHEN k.hundredths >= 0 THEN k.hundredths * 0.01 END AS percentage FROM " IMPORT_LINKS_TABLE "),"
" share AS ("
"(SELECT DISTINCT ON (l.influencing_id, l.influenced_id, l.type_id, l.valid_from)"
" l.influenced_id, l.type_id, l.valid_from, l.valid_until, l.percentage"
" FROM link AS l WHERE l.percentage BETWEEN 0 AND 100"
" ORDER BY l.influencing_id, l.influenced_id, l.type_id, l.valid_from, l.place)"
" UNION ALL "
"SELECT lr.influenced_id, lr.type_id, lower(rest.period), upper(rest.period), lr.percentage"
" FROM register.legal_relationship AS lr"
" LEFT JOIN (SELECT l.influencing_id, l.influenced_id, l.type_id, range_agg(daterange(l.valid_from, l.valid_until)) AS periods"
" FROM link AS l GROUP BY 1, 2, 3) AS said"
" ON said.influencing_id = lr.influencing_id AND said.influenced_id = lr.influenced_id AND said.type_id = lr.type_id"
" CROSS JOIN LATERAL unnest(datemultirange(lr.valid_range) - coalesce(said.periods, '{}')) AS rest (period)"
" WHERE lr.percentage > 0 AND (lr.influenced_id, lr.type_id) IN (SELECT l.influenced_id, l.type_id FROM link AS l)),"
" level AS ("
"SELECT e.influenced_id, e.type_id, e.day, lead(e.day) OVER w AS until, sum(sum(e.change)) OVER w AS sum"
" FROM (SELECT s.influenced_id, s.type_id, s.valid_from AS day, s.percentage AS change FROM share AS s"
" UNION ALL "
"SELECT s.influenced_id, s.type_id, s.valid_until, -s.percentage FROM share AS s) AS e"
" GROUP BY e.influenced_id, e.type_id, e.day"
" WINDOW w AS (PARTITION BY e.influenced_id, e.type_id ORDER BY e.day)),"
" full_level AS MATERIALIZED (SELECT l.* FROM level AS l WHERE l.sum > 100),"
" first_day AS ("
"SELECT DISTINCT ON (k.place) k.place, f.influenced_id, f.type_id, f.sum, greatest(f.day, k.valid_from) AS day"
" FROM full_level AS f"
" JOIN link AS k ON k.influenced_id = f.influenced_id AND k.type_id = f.type_id"
" AND k.valid_from < f.until AND f.day < k.valid_until"
" WHERE k.percentage > 0 ORDER BY k.place, f.day)"
" SELECT d.place, to_char(d.day, 'YYYY-MM-DD'), d.sum, r.places"
" FROM first_day AS d"
" JOIN (SELECT x.influenced_id, x.type_id, x.day, (array_agg(DISTINCT k.place ORDER BY k.place))[:10] AS places"
" FROM (SELECT DISTINCT d.influenced_id, d.type_id, d.day FROM first_day AS d) AS x"
" JOIN link AS k ON k.influenced_id = x.influenced_id AND k.type_id = x.type_id"
" AND k.valid_from <= x.day AND x.day < k.valid_until"
" GROUP BY x.influenced_id, x.type_id, x.day) AS r"
" ON r.influenced_id = d.influenced_id AND r.type_id = d.type_id AND r.day = d.day";

/* A search for circles. */
typedef struct CircleSearch
{
	ImportIdentify *identify;
	const int32 *influencing;	/* of the relationships of the register */
} CircleSearch;

static SbSlice copy_slice(SbSlice value);
static SbSlice first_ident(const ImportIdentify *identify, const SbSlice *cells);
static SbSlice register_ident(int32 legal_unit);
static SbSlice name_end(const CircleSearch *search, int edge);
static void put_circle(void *arg, int edge, int32_t day, const int *path, int npath);
static void remark_share(ImportIdentify *identify, HeapTuple tuple, TupleDesc desc);

/* A copy in the current memory context. */
static SbSlice
copy_slice(SbSlice value)
{
	SbSlice		copy = value;

	if (value.data != NULL)
		copy.data = memcpy(palloc(value.len + 1), value.data, value.len);
	return copy;
}

/* The identifier of the influencing unit that a row gives, of several that of the first type. */
static SbSlice
first_ident(const ImportIdentify *identify, const SbSlice *cells)
{
	const IdentifySlot *first = NULL;
	StringInfoData path;

	for (int i = 0; i < identify->nslots; i++)
	{
		const IdentifySlot *slot = &identify->slots[i];

		if (slot->role == IDENTIFY_INFLUENCING && cells[slot->columns[0]].data != NULL &&
			(first == NULL || identify->types[slot->type].id < identify->types[first->type].id))
			first = slot;
	}
	if (first == NULL)
		return no_value;
	if (first->ncolumns == 1)
		return copy_slice(cells[first->columns[0]]);
	initStringInfo(&path);
	for (int i = 0; i < first->ncolumns; i++)
	{
		if (i > 0)
			appendStringInfoChar(&path, '.');
		appendBinaryStringInfo(&path, cells[first->columns[i]].data, (int) cells[first->columns[i]].len);
	}
	return (SbSlice) {path.data, (size_t) path.len};
}

/* The first identifier that the register has of a legal unit. */
static SbSlice
register_ident(int32 legal_unit)
{
	Oid			type = INT4OID;
	Datum		argument = Int32GetDatum(legal_unit);
	MemoryContext old = CurrentMemoryContext;
	const char *ident = NULL;

	if (SPI_execute_with_args(ident_query, 1, &type, &argument, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not ask for the identifier of a unit");
	MemoryContextSwitchTo(old);
	if (SPI_processed > 0)
		ident = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (ident == NULL)
		ident = psprintf("legal_unit %d", legal_unit);
	SPI_freetuptable(SPI_tuptable);
	return (SbSlice) {ident, strlen(ident)};
}

/* What to call the influencing unit of a relationship. */
static SbSlice
name_end(const CircleSearch *search, int edge)
{
	const IdentifyLinks *links = search->identify->links;
	SbSlice		ident = no_value;
	ImportFileRow row;

	if (edge >= links->nlinks)
		return register_ident(search->influencing[edge - links->nlinks]);
	import_file_fetch(search->identify->file, links->links[edge].row_id, &row);
	ident = first_ident(search->identify, row.cells);
	return ident.data != NULL ? ident : register_ident(links->links[edge].influencing);
}

/* Say that a row is in a circle. */
static void
put_circle(void *arg, int edge, int32_t day, const int *path, int npath)
{
	const CircleSearch *search = arg;
	ImportIdentify *identify = search->identify;
	const RelationLink *link = &identify->links->links[edge];
	MemoryContext old = MemoryContextSwitchTo(identify->scratch);
	SbSlice		idents[CYCLE_LENGTH + 1];
	uint32		rows[CYCLE_LENGTH];
	char		date[IMPORT_DAY_SIZE];
	int			nrows = 0;
	ImportFileRow row;
	IdentifyRemark remark;

	for (int i = 0; i < npath; i++)
	{
		idents[i] = name_end(search, path[i]);
		if (path[i] < identify->links->nlinks)
			rows[nrows++] = identify->links->links[path[i]].row_id;
	}
	import_file_fetch(identify->file, link->row_id, &row);
	import_remark_begin(identify, &remark, IMPORT_WARNING, "ownership_cycle", NULL, no_value);
	import_link_remark_columns(identify, &remark, row.cells);
	import_remark_text(&remark, "date", import_day_text(day, date));
	if (npath > 0)
	{
		idents[npath] = idents[0];
		import_remark_slices(&remark, "path", idents, npath + 1);
		import_remark_rows(&remark, "rows", rows, nrows);
	}
	import_remark_end(identify, &remark, link->row_id);
	MemoryContextSwitchTo(old);
	MemoryContextReset(identify->scratch);
}

/* Find circles of relationships that hold at the same time. */
void
import_links_judge_circles(ImportIdentify *identify)
{
	const IdentifyLinks *links = identify->links;
	CircleSearch search = {identify, NULL};
	CycleEdge  *edges;
	int32	   *influencing;
	int64		nedges;

	import_links_ask(identify, reached_query, 0, links->nlinks);
	nedges = links->nlinks + (int64) SPI_processed;
	if (nedges > PG_INT32_MAX / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the file and the register have too many relationships")));
	edges = MemoryContextAllocHuge(identify->context, sizeof(CycleEdge) * nedges);
	influencing = MemoryContextAllocHuge(identify->context, sizeof(int32) * (nedges - links->nlinks + 1));
	for (int i = 0; i < links->nlinks; i++)
	{
		edges[i].from = links->links[i].influencing;
		edges[i].to = links->links[i].influenced;
		edges[i].valid_from = links->links[i].valid_from;
		edges[i].valid_until = links->links[i].valid_until;
	}
	for (int64 i = links->nlinks; i < nedges; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i - links->nlinks];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		is_null;

		edges[i].from = influencing[i - links->nlinks] = DatumGetInt32(SPI_getbinval(tuple, desc, 1, &is_null));
		edges[i].to = DatumGetInt32(SPI_getbinval(tuple, desc, 2, &is_null));
		edges[i].valid_from = DatumGetDateADT(SPI_getbinval(tuple, desc, 3, &is_null));
		edges[i].valid_until = DatumGetDateADT(SPI_getbinval(tuple, desc, 4, &is_null));
	}
	SPI_freetuptable(SPI_tuptable);
	search.influencing = influencing;
	import_tell_cycles(edges, (int) nedges, links->nlinks, put_circle, &search);
	pfree(edges);
	pfree(influencing);
}

/* Say that the shares in a unit are too many, as a row of share_query has it. */
static void
remark_share(ImportIdentify *identify, HeapTuple tuple, TupleDesc desc)
{
	const IdentifyLinks *links = identify->links;
	int			column = identify->job->percentage;
	bool		is_null;
	const RelationLink *link = &links->links[DatumGetInt32(SPI_getbinval(tuple, desc, 1, &is_null))];
	ArrayType  *places = DatumGetArrayTypeP(SPI_getbinval(tuple, desc, 4, &is_null));
	const int32 *listed = (const int32 *) ARR_DATA_PTR(places);
	int			nrows = ArrayGetNItems(ARR_NDIM(places), ARR_DIMS(places));
	uint32	   *rows = MemoryContextAlloc(identify->scratch, sizeof(uint32) * (nrows + 1));
	char	   *day = SPI_getvalue(tuple, desc, 2);
	ImportFileRow row;
	IdentifyRemark remark;

	for (int i = 0; i < nrows; i++)
		rows[i] = links->links[listed[i]].row_id;
	import_file_fetch(identify->file, link->row_id, &row);
	import_remark_begin(identify, &remark, IMPORT_WARNING, "percentage_sum", "percentage",
						column >= 0 ? row.cells[column] : no_value);
	import_remark_text(&remark, "date", (SbSlice) {day, strlen(day)});
	import_remark_numeric(&remark, "sum", DatumGetNumeric(SPI_getbinval(tuple, desc, 3, &is_null)));
	import_remark_rows(&remark, "rows", rows, nrows);
	import_remark_end(identify, &remark, link->row_id);
	pfree(day);
	MemoryContextReset(identify->scratch);
}

/* Find shares of one type in one unit that add up to more than 100 per cent on some day. */
void
import_links_judge_shares(ImportIdentify *identify)
{
	SPITupleTable *table;
	uint64		count;

	import_links_ask(identify, share_query, 0, identify->links->nlinks);
	table = SPI_tuptable;
	count = SPI_processed;
	for (uint64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		remark_share(identify, table->vals[i], table->tupdesc);
	}
	SPI_freetuptable(table);
}

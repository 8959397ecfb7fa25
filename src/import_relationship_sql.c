/*-------------------------------------------------------------------------
 *
 * import_relationship_sql.c
 *	  Analysis of a job about relationships: the ends of each row, and its fate.
 *
 * Both ends must be legal units that exist throughout the period of the row.
 * Rows of sound ends that have them and their type in common are one entity.
 *
 * IDENTIFICATION
 *	  src/import_relationship_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_relationship.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* What the register knows by the identifiers of one end; 0: nothing. */
typedef struct RelationEnd
{
	int			nidents;
	bool		is_ambiguous;
	int32		legal_unit;
} RelationEnd;

static const SbSlice no_value = {NULL, 0};

static void read_types(IdentifyLinks *links);
static bool names_column(const Jsonb *findings, const char *prefix);
static bool is_side_given(const ImportIdentify *identify, const ImportFileRow *row, IdentifyRole role);
static void judge_missing(ImportIdentify *identify, const ImportFileRow *row, IdentifyRole role, const char *prefix);
static int	compare_names(const void *a, const void *b);
static void find_end(const ImportIdentify *identify, const IdentifyCase *rowcase, IdentifyRole role, RelationEnd *end);
static void remark_idents(ImportIdentify *identify, const IdentifyCase *rowcase, IdentifyRole role,
						  const RelationEnd *end, const IdentifyLife *life);
static bool judge_end(ImportIdentify *identify, const IdentifyCase *rowcase, IdentifyRole role, const RelationEnd *end);
static void remark_self(ImportIdentify *identify, const IdentifyCase *rowcase);
static void add_link(ImportIdentify *identify, const IdentifyRow *row, const RelationRow *said,
					 const RelationEnd *influencing, const RelationEnd *influenced);
static void judge_row(ImportIdentify *identify, const IdentifyCase *rowcase, const RelationRow *said);
static void judge_repeats(ImportIdentify *identify);

/* Types that are in use, by their codes. */
static void
read_types(IdentifyLinks *links)
{
	MemoryContext context = CurrentMemoryContext;

	if (SPI_execute("SELECT t.id, t.code::text, t.primary_influencer_only FROM register.legal_rel_type AS t WHERE t.enabled",
					false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the types of relationships");
	MemoryContextSwitchTo(context);
	links->types = palloc0(sizeof(RelationType) * (SPI_processed + 1));
	links->ntypes = (int) SPI_processed;
	for (int i = 0; i < links->ntypes; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		is_null;
		char	   *code = SPI_getvalue(tuple, desc, 2);

		links->types[i].id = DatumGetInt32(SPI_getbinval(tuple, desc, 1, &is_null));
		links->types[i].is_primary = DatumGetBool(SPI_getbinval(tuple, desc, 3, &is_null));
		links->types[i].code.data = pstrdup(code == NULL ? "" : code);
		links->types[i].code.len = strlen(links->types[i].code.data);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* The file is about relationships; in the memory context of identify. */
void
import_relationship_begin(ImportIdentify *identify)
{
	const ImportJob *job = identify->job;
	IdentifyLinks *links = palloc0(sizeof(IdentifyLinks));

	links->type_column = links->influenced_column = -1;
	for (int i = 0; i < job->plan.ncolumns; i++)
		if (strcmp(job->raw_names[i], "rel_type_code_raw") == 0)
			links->type_column = i;
		else if (strcmp(job->raw_names[i], "influenced_tax_ident_raw") == 0)
			links->influenced_column = i;
	links->rows = import_spool_begin(identify->context);
	read_types(links);
	identify->links = links;
}

/* Is something said about a column whose name begins so, by the reading of the file? */
static bool
names_column(const Jsonb *findings, const char *prefix)
{
	JsonbContainer *array = (JsonbContainer *) &findings->root;
	int			len = (int) strlen(prefix);

	for (uint32 i = 0; JsonContainerIsArray(array) && i < JsonContainerSize(array); i++)
	{
		JsonbValue *finding = getIthJsonbValueFromContainer(array, i);
		JsonbValue	column;

		if (finding->type == jbvBinary && JsonContainerIsObject(finding->val.binary.data) &&
			getKeyJsonValueFromContainer(finding->val.binary.data, "column", 6, &column) != NULL &&
			column.type == jbvString && column.val.string.len >= len &&
			memcmp(column.val.string.val, prefix, len) == 0)
			return true;
	}
	return false;
}

/* Does the row give an identifier of one end, be it a faulty one, or a word that would erase it? */
static bool
is_side_given(const ImportIdentify *identify, const ImportFileRow *row, IdentifyRole role)
{
	for (int i = 0; i < identify->nslots; i++)
		for (int j = 0; identify->slots[i].role == role && j < identify->slots[i].ncolumns; j++)
			if (row->cells[identify->slots[i].columns[j]].data != NULL || row->erased[identify->slots[i].columns[j]])
				return true;
	return false;
}

/* Say that one end is missing, when it is and nothing else was said of it. */
static void
judge_missing(ImportIdentify *identify, const ImportFileRow *row, IdentifyRole role, const char *prefix)
{
	const ImportJob *job = identify->job;
	const char **names;
	IdentifyRemark remark;
	int			count = 0;

	if (is_side_given(identify, row, role) || (row->findings != NULL && names_column(row->findings, prefix)))
		return;
	names = MemoryContextAlloc(identify->scratch, sizeof(char *) * (job->plan.ncolumns + 1));
	for (int i = 0; i < job->plan.ncolumns; i++)
		if (strncmp(job->raw_names[i], prefix, strlen(prefix)) == 0)
			names[count++] = job->columns[i].name;
	import_remark_begin(identify, &remark, IMPORT_ERROR, "value_missing", NULL, no_value);
	import_remark_names(&remark, "columns", count > 0 ? names : NULL, count);
	import_remark_end(identify, &remark, (uint32) row->row_id);
	identify->current.row.flags |= IDENTIFY_ERROR;
}

/* Take what a row says beside its ends, and judge whether it has ends. */
void
import_relationship_add(ImportIdentify *identify, const ImportFileRow *row)
{
	const ImportJob *job = identify->job;
	IdentifyLinks *links = identify->links;
	SbSlice		code = links->type_column >= 0 ? row->cells[links->type_column] : no_value;
	RelationRow said = {-1, -1};

	if (!row->is_blank && !row->is_broken)
	{
		judge_missing(identify, row, IDENTIFY_INFLUENCING, "influencing_");
		judge_missing(identify, row, IDENTIFY_INFLUENCED, "influenced_");
	}
	for (int i = 0; code.data != NULL && i < links->ntypes; i++)
		if (links->types[i].code.len == code.len && memcmp(links->types[i].code.data, code.data, code.len) == 0)
			said.type = i;
	if (job->percentage >= 0)
		said.hundredths = import_percentage_hundredths(&job->plan, row->cells[job->percentage]);
	import_spool_write(links->rows, &said, sizeof(said));
}

/* For qsort(). */
static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* The columns of the identifiers of both ends of a row with sound ones, those of the influencing unit first. */
void
import_link_remark_columns(ImportIdentify *identify, IdentifyRemark *remark, const SbSlice *cells)
{
	const char **names = palloc(sizeof(char *) * (identify->nslots + 1));
	int			count = 0;

	for (IdentifyRole role = IDENTIFY_INFLUENCING; role <= IDENTIFY_INFLUENCED; role++)
	{
		int			first = count;

		for (int i = 0; i < identify->nslots; i++)
			if (identify->slots[i].role == role && cells[identify->slots[i].columns[0]].data != NULL)
				names[count++] = identify->slots[i].name;
		qsort(names + first, count - first, sizeof(char *), compare_names);
	}
	import_remark_names(remark, "columns", names, count);
}

/* What the register knows by the identifiers of one end. */
static void
find_end(const ImportIdentify *identify, const IdentifyCase *rowcase, IdentifyRole role, RelationEnd *end)
{
	memset(end, 0, sizeof(*end));
	for (int i = 0; i < rowcase->row.nidents; i++)
	{
		ImportUnit	unit = import_idents_node(&identify->idents, rowcase->idents[i].node)->unit;
		int32		id = import_unit_is_legal(unit) ? import_unit_id(unit) : 0;

		if (identify->slots[rowcase->idents[i].slot].role != role)
			continue;
		end->nidents++;
		if (id == 0)
			continue;
		if (end->legal_unit != 0 && end->legal_unit != id)
			end->is_ambiguous = true;
		if (end->legal_unit == 0 || id < end->legal_unit)
			end->legal_unit = id;
	}
}

/* Say of each identifier of one end that it is not a legal unit's, or, with a life, that its unit does not exist then. */
static void
remark_idents(ImportIdentify *identify, const IdentifyCase *rowcase, IdentifyRole role, const RelationEnd *end,
			  const IdentifyLife *life)
{
	for (int i = 0; i < rowcase->row.nidents; i++)
	{
		const IdentifySlot *slot = &identify->slots[rowcase->idents[i].slot];
		uint32		node = rowcase->idents[i].node;
		const char *code = life != NULL ? "reference_not_valid_then" :
			import_idents_node(&identify->idents, node)->unit != IMPORT_UNIT_NONE ? "unit_type_conflict" : "reference_missing";
		IdentifyRemark remark;

		if (slot->role != role)
			continue;
		import_remark_begin(identify, &remark, IMPORT_ERROR, code, slot->name,
							import_idents_value(&identify->idents, node));
		if (life != NULL)
		{
			import_remark_number(&remark, "legal_unit_id", end->legal_unit);
			import_remark_life(&remark, "periods", life);
		}
		import_remark_end(identify, &remark, rowcase->row.row_id);
	}
}

/* Judge one end; false: it is not sound. */
static bool
judge_end(ImportIdentify *identify, const IdentifyCase *rowcase, IdentifyRole role, const RelationEnd *end)
{
	IdentifyLife life;
	IdentifyRemark remark;

	if (end->nidents == 0)
		return false;
	if (end->is_ambiguous)
	{
		import_remark_begin(identify, &remark, IMPORT_ERROR, "ident_conflict", NULL, no_value);
		import_remark_columns(identify, &remark, rowcase, role);
		import_remark_end(identify, &remark, rowcase->row.row_id);
		return false;
	}
	if (end->legal_unit == 0)
	{
		remark_idents(identify, rowcase, role, end, NULL);
		return false;
	}
	/* without a period nobody knows when it would have to exist */
	if (!import_register_life(identify, IMPORT_LEGAL_UNIT(end->legal_unit), &life) ||
		(rowcase->row.flags & IDENTIFY_PERIOD) == 0 ||
		import_days_cover(&life, rowcase->row.valid_from, rowcase->row.valid_until))
		return true;
	remark_idents(identify, rowcase, role, end, &life);
	return false;
}

/* Say that a unit would influence itself. */
static void
remark_self(ImportIdentify *identify, const IdentifyCase *rowcase)
{
	const char **names = MemoryContextAlloc(identify->scratch, sizeof(char *) * (identify->nslots + 1));
	IdentifyRemark remark;
	int			count = 0;

	for (IdentifyRole role = IDENTIFY_INFLUENCING; role <= IDENTIFY_INFLUENCED; role++)
	{
		int			first = count;

		for (int i = 0; i < rowcase->row.nidents; i++)
			if (identify->slots[rowcase->idents[i].slot].role == role)
				names[count++] = identify->slots[rowcase->idents[i].slot].name;
		qsort(names + first, count - first, sizeof(char *), compare_names);
	}
	import_remark_begin(identify, &remark, IMPORT_ERROR, "ownership_self", NULL, no_value);
	import_remark_names(&remark, "columns", names, count);
	import_remark_end(identify, &remark, rowcase->row.row_id);
}

/* The row is a link. */
static void
add_link(ImportIdentify *identify, const IdentifyRow *row, const RelationRow *said,
		 const RelationEnd *influencing, const RelationEnd *influenced)
{
	IdentifyLinks *links = identify->links;
	RelationLink *link;

	if (links->nlinks >= links->max_links)
	{
		links->max_links = Max(links->max_links * 2, 1024);
		links->links = links->links == NULL
			? MemoryContextAllocHuge(identify->context, sizeof(RelationLink) * links->max_links)
			: repalloc_huge(links->links, sizeof(RelationLink) * links->max_links);
	}
	link = &links->links[links->nlinks++];
	memset(link, 0, sizeof(*link));
	link->row_id = row->row_id;
	link->influencing = influencing->legal_unit;
	link->influenced = influenced->legal_unit;
	link->type = said->type;
	link->valid_from = row->valid_from;
	link->valid_until = row->valid_until;
	link->hundredths = said->hundredths;
}

/* Judge the ends of a row; it is a link when nothing is wrong with it. */
static void
judge_row(ImportIdentify *identify, const IdentifyCase *rowcase, const RelationRow *said)
{
	const IdentifyRow *row = &rowcase->row;
	RelationEnd influencing;
	RelationEnd influenced;
	bool		is_sound;

	find_end(identify, rowcase, IDENTIFY_INFLUENCING, &influencing);
	find_end(identify, rowcase, IDENTIFY_INFLUENCED, &influenced);
	is_sound = judge_end(identify, rowcase, IDENTIFY_INFLUENCING, &influencing);
	is_sound = judge_end(identify, rowcase, IDENTIFY_INFLUENCED, &influenced) && is_sound;
	if (influencing.legal_unit != 0 && influencing.legal_unit == influenced.legal_unit)
	{
		remark_self(identify, rowcase);
		is_sound = false;
	}
	if (is_sound && said->type >= 0 &&
		(row->flags & (IDENTIFY_PERIOD | IDENTIFY_SKIPPED | IDENTIFY_REFUSED | IDENTIFY_ERROR)) == IDENTIFY_PERIOD)
		add_link(identify, row, said, &influencing, &influenced);
	MemoryContextReset(identify->scratch);
}

/* Hand the rows of relationships that have several to their comparison. */
static void
judge_repeats(ImportIdentify *identify)
{
	IdentifyLinks *links = identify->links;
	int			place = 0;

	import_spool_rewind(identify->rows);
	while (place < links->nlinks && import_identify_read(identify, &identify->current))
	{
		const RelationLink *link = &links->links[place];
		const RelationLink *founding = &links->links[link->founding];

		CHECK_FOR_INTERRUPTS();
		if (identify->current.row.row_id != link->row_id)
			continue;
		if (founding->nrows > 1)
			import_repeat_take(identify, &identify->current.row, founding->row_id, link->is_error);
		place++;
	}
}

/* All rows were added, and the register was asked for their identifiers: judge them. */
void
import_relationship_judge(ImportIdentify *identify)
{
	IdentifyLinks *links = identify->links;
	RelationRow said;

	import_spool_rewind(identify->rows);
	import_spool_rewind(links->rows);
	while (import_identify_read(identify, &identify->current))
	{
		CHECK_FOR_INTERRUPTS();
		import_spool_read(links->rows, &said, sizeof(said));
		judge_row(identify, &identify->current, &said);
	}
	import_spool_end(links->rows);
	if (links->nlinks > 0)
		import_links_judge(identify);
	judge_repeats(identify);
}

/* The fate of the row that was read; see import_identify_next(). */
void
import_relationship_next(ImportIdentify *identify, ImportFate *fate)
{
	IdentifyLinks *links = identify->links;
	const IdentifyRow *row = &identify->current.row;
	uint32		flags = row->flags | import_events_of_row(&identify->events, row->row_id);
	const ImportId none = {true, 0};
	RelationLink *link = links->next < links->nlinks && links->links[links->next].row_id == row->row_id
		? &links->links[links->next++] : NULL;
	RelationLink *founding = link == NULL ? NULL : &links->links[link->founding];
	uint32		rows = 1;

	memset(fate, 0, sizeof(*fate));
	fate->founding_row_id = founding == NULL ? row->row_id : founding->row_id;
	fate->legal_unit = fate->establishment = fate->link_legal_unit = none;
	fate->relationship = fate->influencing = fate->influenced = none;
	fate->is_new = link == NULL || link->relationship == 0;
	fate->is_skipped = (flags & IDENTIFY_SKIPPED) != 0;
	fate->is_refused = link == NULL;
	if (link != NULL)
	{
		fate->relationship.id = link->relationship;
		fate->relationship.is_null = link->relationship == 0;
		fate->influencing.is_null = fate->influenced.is_null = false;
		fate->influencing.id = link->influencing;
		fate->influenced.id = link->influenced;
		if (link != founding)
		{
			fate->batch_seq = (int32) founding->nrows;
			return;
		}
		rows = founding->nrows;
	}
	fate->batch_seq = (int32) (identify->place / identify->batch_size + 1);
	if (founding != NULL)
		founding->nrows = (uint32) fate->batch_seq;
	identify->place += rows;
}

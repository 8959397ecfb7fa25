/*-------------------------------------------------------------------------
 *
 * import_identify_sql.c
 *	  Analysis of a job: which unit a row means, and which rows mean one.
 *
 * Rows are taken in the order of the file; then the register is asked, once
 * for all of them, rows are joined to entities and judged; then their fates
 * are given in the order of the file.
 *
 * IDENTIFICATION
 *	  src/import_identify_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_identify.h"

#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Columns of slot_query. */
enum
{
	SLOT_TYPE = 1,
	SLOT_SHAPE,
	SLOT_ROLE,
	SLOT_COLUMNS,
	SLOT_IS_GIVEN
};

/* The columns of a type in a role are a slot; see plan_column(). */
static const char slot_query[] =
"SELECT t.id, t.shape::text, x.role, array_agg(p.column_name ORDER BY p.place),"
" bool_and(p.source_column_name IS NOT NULL)"
" FROM import.job AS j"
" CROSS JOIN LATERAL import.plan_column(j.definition_snapshot) AS p"
" CROSS JOIN LATERAL (SELECT CASE"
" WHEN p.column_name LIKE 'legal\\_unit\\_%' AND p.step_code = 'link_establishment_to_legal_unit' THEN 1"
" WHEN p.column_name LIKE 'influencing\\_%' AND p.step_code = 'legal_relationship' THEN 2"
" WHEN p.column_name LIKE 'influenced\\_%' AND p.step_code = 'legal_relationship' THEN 3"
" WHEN p.step_code = 'external_idents' THEN 0 END AS role) AS x"
" JOIN register.external_ident_type AS t"
" ON t.id = p.external_ident_type_id"
" OR p.external_ident_type_id IS NULL AND x.role > 0"
" AND t.code = regexp_replace(p.column_name, '^(influencing|influenced|legal_unit)_(.*)_raw$', '\\2')"
" WHERE j.id = $1 AND p.purpose = 'source_input' AND x.role IS NOT NULL"
" GROUP BY t.id, t.shape, x.role, t.labels, t.priority"
" ORDER BY x.role, t.priority, t.id";

static const char job_query[] =
"SELECT j.unique_units, j.processing_batch_size FROM import.job AS j WHERE j.id = $1";

static const struct
{
	const char *name;
	IdentifyMode mode;
}			modes[] = {
	{"legal_unit", IDENTIFY_LEGAL_UNIT},
	{"establishment_formal", IDENTIFY_FORMAL},
	{"establishment_informal", IDENTIFY_INFORMAL},
	{"generic_unit", IDENTIFY_GENERIC},
	{"legal_relationship", IDENTIFY_RELATIONSHIP}
};

static void run_query(const ImportIdentify *identify, const char *query);
static int	find_column(const ImportIdentify *identify, const char *raw_name);
static int	find_type(ImportIdentify *identify, int32 id, bool is_hierarchical);
static void read_slot(ImportIdentify *identify, uint64 row, IdentifySlot *slot);
static void read_slots(ImportIdentify *identify);
static void read_settings(ImportIdentify *identify);
static int	compare_raw_names(const void *a, const void *b, void *arg);
static void list_columns(ImportIdentify *identify);
static void *ident_alloc(void *arg, size_t size);
static void ident_release(void *arg, void *memory);
static bool is_component(SbSlice value, SbSlice *character, int *position);
static void take_ident(ImportIdentify *identify, int slot, SbSlice value);
static bool judge_ident(ImportIdentify *identify, const IdentifySlot *slot, SbSlice value, SbSlice given,
						uint32 row_id, bool is_heard);
static bool take_regular(ImportIdentify *identify, const ImportFileRow *row, int slot, bool is_heard);
static bool judge_components(ImportIdentify *identify, const ImportFileRow *row, const IdentifySlot *slot,
							 bool is_heard);
static bool take_hierarchical(ImportIdentify *identify, const ImportFileRow *row, int slot, bool is_heard);
static bool lacks_idents(const ImportIdentify *identify, const ImportFileRow *row);
static void remark_row(ImportIdentify *identify, const char *code, IdentifyRow *row);
static bool has_error(const Jsonb *findings);
static void next_event(IdentifyEvents *events);
static ImportId id_of(int32 number);

/* Run a query about the job, which gets its number as $1. */
static void
run_query(const ImportIdentify *identify, const char *query)
{
	Oid			type = INT4OID;
	Datum		argument = Int32GetDatum(identify->job->id);
	MemoryContext old = CurrentMemoryContext;

	if (SPI_execute_with_args(query, 1, &type, &argument, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the identifiers of the job");
	MemoryContextSwitchTo(old);
}

/* A column of the plan by its name in the tables. */
static int
find_column(const ImportIdentify *identify, const char *raw_name)
{
	for (int i = 0; i < identify->job->plan.ncolumns; i++)
		if (strcmp(identify->job->raw_names[i], raw_name) == 0)
			return i;
	elog(ERROR, "the plan of the job has no column \"%s\"", raw_name);
}

/* A type by its number, new when it was not there. */
static int
find_type(ImportIdentify *identify, int32 id, bool is_hierarchical)
{
	for (int i = 0; i < identify->ntypes; i++)
		if (identify->types[i].id == id)
			return i;
	if (identify->ntypes == IMPORT_MAX_IDENT_TYPES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a file cannot have more than %d types of identifiers", IMPORT_MAX_IDENT_TYPES)));
	identify->types[identify->ntypes].id = id;
	identify->types[identify->ntypes].is_hierarchical = is_hierarchical;
	return identify->ntypes++;
}

/* A row of slot_query. */
static void
read_slot(ImportIdentify *identify, uint64 row, IdentifySlot *slot)
{
	HeapTuple	tuple = SPI_tuptable->vals[row];
	TupleDesc	desc = SPI_tuptable->tupdesc;
	bool		is_null;
	Datum		names = SPI_getbinval(tuple, desc, SLOT_COLUMNS, &is_null);
	Datum	   *elements;
	char	   *shape = SPI_getvalue(tuple, desc, SLOT_SHAPE);

	slot->type = find_type(identify, DatumGetInt32(SPI_getbinval(tuple, desc, SLOT_TYPE, &is_null)),
						   strcmp(shape, "hierarchical") == 0);
	slot->role = (IdentifyRole) DatumGetInt32(SPI_getbinval(tuple, desc, SLOT_ROLE, &is_null));
	slot->is_given = DatumGetBool(SPI_getbinval(tuple, desc, SLOT_IS_GIVEN, &is_null));
	deconstruct_array(DatumGetArrayTypeP(names), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &slot->ncolumns);
	slot->columns = MemoryContextAlloc(identify->context, sizeof(int) * slot->ncolumns);
	for (int i = 0; i < slot->ncolumns; i++)
		slot->columns[i] = find_column(identify, TextDatumGetCString(elements[i]));
	slot->name = identify->job->columns[slot->columns[0]].name;
}

/* The slots, and the columns of identifiers of the row's own unit. */
static void
read_slots(ImportIdentify *identify)
{
	int			ncolumns = identify->job->plan.ncolumns;

	run_query(identify, slot_query);
	identify->nslots = (int) SPI_processed;
	identify->slots = MemoryContextAllocZero(identify->context, sizeof(IdentifySlot) * (identify->nslots + 1));
	identify->types = MemoryContextAllocZero(identify->context, sizeof(IdentifyType) * (identify->nslots + 1));
	for (uint64 i = 0; i < SPI_processed; i++)
		read_slot(identify, i, &identify->slots[i]);
	SPI_freetuptable(SPI_tuptable);
	for (int i = 0; i < identify->ntypes; i++)
	{
		if (!identify->types[i].is_hierarchical)
			identify->types[i].rule = ident_rules_load(identify->types[i].id, identify->context);
		MemoryContextSwitchTo(identify->context);
	}

	identify->own_columns = MemoryContextAlloc(identify->context, sizeof(int) * (ncolumns + 1));
	identify->own_names = MemoryContextAlloc(identify->context, sizeof(char *) * (ncolumns + 1));
	for (int i = 0; i < identify->nslots; i++)
		for (int j = 0; identify->slots[i].role == IDENTIFY_OWN && j < identify->slots[i].ncolumns; j++)
		{
			int			column = identify->slots[i].columns[j];

			identify->own_columns[identify->nown] = column;
			identify->own_names[identify->nown++] = identify->job->columns[column].name;
		}
}

/* What the job and its definition say. */
static void
read_settings(ImportIdentify *identify)
{
	const char *strategy = identify->job->strategy;
	bool		is_null;

	run_query(identify, job_query);
	identify->unique_units = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	identify->batch_size = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &is_null));
	SPI_freetuptable(SPI_tuptable);
	identify->mode = IDENTIFY_GENERIC;
	for (int i = 0; i < (int) lengthof(modes); i++)
		if (strcmp(modes[i].name, identify->job->mode) == 0)
			identify->mode = modes[i].mode;
	identify->only_known = strcmp(strategy, "replace_only") == 0 || strcmp(strategy, "update_only") == 0;
	identify->only_new = strcmp(strategy, "insert_only") == 0;
	identify->within_life = identify->only_known || identify->mode == IDENTIFY_GENERIC;
}

/* For qsort_arg(). */
static int
compare_raw_names(const void *a, const void *b, void *arg)
{
	char	  **names = arg;

	return strcmp(names[*(const int *) a], names[*(const int *) b]);
}

/* The columns that say a legal unit, and all columns by their names. */
static void
list_columns(ImportIdentify *identify)
{
	const ImportJob *job = identify->job;
	int			ncolumns = job->plan.ncolumns;

	identify->link_names = palloc(sizeof(char *) * (ncolumns + 1));
	identify->sorted_columns = palloc(sizeof(int) * (ncolumns + 1));
	identify->period_columns[0] = identify->period_columns[1] = -1;
	for (int i = 0; i < ncolumns; i++)
	{
		identify->sorted_columns[i] = i;
		if (strcmp(job->raw_names[i], "valid_from_raw") == 0)
			identify->period_columns[0] = i;
		else if (strcmp(job->raw_names[i], "valid_to_raw") == 0)
			identify->period_columns[1] = i;
		if (strncmp(job->raw_names[i], "legal_unit_", 11) == 0)
			identify->link_names[identify->nlinks++] = job->columns[i].name;
	}
	qsort_arg(identify->sorted_columns, ncolumns, sizeof(int), compare_raw_names, job->raw_names);
	if (identify->nlinks == 0)
		identify->link_names = NULL;
}

/* See ImportIdents.alloc. */
static void *
ident_alloc(void *arg, size_t size)
{
	return MemoryContextAllocHuge((MemoryContext) arg, size);
}

/* See ImportIdents.release. */
static void
ident_release(void *arg, void *memory)
{
	(void) arg;
	pfree(memory);
}

/*
 * Begin to identify the rows of a job, about so many; SPI is connected.  Lives in
 * the current memory context.
 */
ImportIdentify *
import_identify_begin(ImportJob *job, ImportNotes *notes, int64 nrows)
{
	ImportIdentify *identify = palloc0(sizeof(ImportIdentify));
	uint64		ngiven = 0;
	MemoryContext old;

	identify->job = job;
	identify->notes = notes;
	identify->context = AllocSetContextCreate(CurrentMemoryContext, "import identify", ALLOCSET_DEFAULT_SIZES);
	identify->ident_context = AllocSetContextCreate(identify->context, "import identifiers", ALLOCSET_DEFAULT_SIZES);
	identify->scratch = AllocSetContextCreate(identify->context, "import identify row", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(identify->context);
	read_settings(identify);
	read_slots(identify);
	list_columns(identify);
	identify->current.idents = palloc0(sizeof(IdentifyIdent) * (identify->nslots + 1));
	identify->idents.alloc = ident_alloc;
	identify->idents.release = ident_release;
	identify->idents.arg = identify->ident_context;
	identify->idents.seed = pg_prng_uint64(&pg_global_prng_state);
	for (int i = 0; i < identify->nslots; i++)
		ngiven += identify->slots[i].is_given;
	import_idents_init(&identify->idents, (uint64_t) nrows * ngiven);
	identify->rows = import_spool_begin(identify->context);
	if (identify->mode == IDENTIFY_RELATIONSHIP)
		import_relationship_begin(identify);
	MemoryContextSwitchTo(old);
	return identify;
}

/*
 * Is it a component of an identifier, 1 to 255 letters, digits and underscores
 * of ASCII?  Otherwise the first character that is none of them, and its place;
 * NULL data: all are.
 */
static bool
is_component(SbSlice value, SbSlice *character, int *position)
{
	character->data = NULL;
	character->len = 0;
	*position = (int) value.len + 1;
	for (size_t i = 0; i < value.len; i++)
	{
		unsigned char c = (unsigned char) value.data[i];

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_')
			continue;
		*position = (int) i + 1;
		character->data = value.data + i;
		for (character->len = 1; i + character->len < value.len && (value.data[i + character->len] & 0xc0) == 0x80;)
			character->len++;
		return false;
	}
	return value.len >= 1 && value.len <= 255;
}

/* The row has an identifier. */
static void
take_ident(ImportIdentify *identify, int slot, SbSlice value)
{
	IdentifyCase *current = &identify->current;
	IdentifyIdent *ident = &current->idents[current->row.nidents++];

	ident->slot = slot;
	if (!import_idents_add(&identify->idents, identify->slots[slot].type, value, &ident->node))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the file has too many different identifiers")));
}

/*
 * Judge an identifier by the rule of its type; given is what the file has, when
 * that is something else.  False: it names no unit.
 */
static bool
judge_ident(ImportIdentify *identify, const IdentifySlot *slot, SbSlice value, SbSlice given, uint32 row_id, bool is_heard)
{
	const IdentRule *rule = identify->types[slot->type].rule;
	IdentVerdict verdict;
	MemoryContext old;

	import_ident_check(rule, value, &verdict);
	if (verdict.nfindings == 0 || !is_heard)
		return !verdict.is_refused;
	old = MemoryContextSwitchTo(identify->scratch);
	for (int i = 0; i < verdict.nfindings; i++)
	{
		const IdentFinding *finding = &verdict.findings[i];

		import_notes_add(identify->notes, row_id, finding->severity,
						 ident_finding_jsonb(finding, slot->name, given.data != NULL ? given : value));
		if (finding->severity == IMPORT_ERROR)
			identify->current.row.flags |= IDENTIFY_ERROR;
	}
	MemoryContextSwitchTo(old);
	return !verdict.is_refused;
}

/* A regular identifier of the row; false: it is faulty. */
static bool
take_regular(ImportIdentify *identify, const ImportFileRow *row, int slot, bool is_heard)
{
	const IdentifySlot *at = &identify->slots[slot];
	SbSlice		value = row->cells[at->columns[0]];
	SbSlice		given = {NULL, 0};

	if (value.data == NULL)
		return true;
	if (at->is_given)
		given = row->given[at->columns[0]];
	if (given.data != NULL && is_heard)
	{
		IdentifyRemark remark;

		import_remark_begin(identify, &remark, IMPORT_INFO, "ident_normalised", at->name, given);
		import_remark_text(&remark, "normalised", value);
		import_remark_end(identify, &remark, (uint32) row->row_id);
	}
	if (!judge_ident(identify, at, value, given, (uint32) row->row_id, is_heard))
		return false;
	if (!row->is_broken)
		take_ident(identify, slot, value);
	return true;
}

/* What is wrong with the components of an identifier that is given; false: something is. */
static bool
judge_components(ImportIdentify *identify, const ImportFileRow *row, const IdentifySlot *slot, bool is_heard)
{
	bool		is_sound = true;

	for (int i = 0; i < slot->ncolumns; i++)
	{
		const char *name = identify->job->columns[slot->columns[i]].name;
		SbSlice		value = row->cells[slot->columns[i]];
		SbSlice		character;
		int			position;
		IdentifyRemark remark;

		if (value.data != NULL && is_component(value, &character, &position))
			continue;
		is_sound = false;
		if (!is_heard)
			continue;
		import_remark_begin(identify, &remark, IMPORT_ERROR, value.data == NULL ? "ident_part_missing" : "ident_char",
							name, value);
		if (value.data != NULL)
		{
			import_remark_number(&remark, "position", position);
			if (character.data != NULL)
				import_remark_text(&remark, "char", character);
		}
		import_remark_end(identify, &remark, (uint32) row->row_id);
	}
	return is_sound;
}

/* An identifier of several components; false: it is faulty. */
static bool
take_hierarchical(ImportIdentify *identify, const ImportFileRow *row, int slot, bool is_heard)
{
	const IdentifySlot *at = &identify->slots[slot];
	size_t		len = 0;
	char	   *path;
	bool		is_there = false;

	for (int i = 0; i < at->ncolumns; i++)
	{
		is_there = is_there || row->cells[at->columns[i]].data != NULL;
		len += row->cells[at->columns[i]].len + 1;
	}
	if (!is_there)
		return true;
	if (!judge_components(identify, row, at, is_heard))
		return false;
	if (row->is_broken)
		return true;
	path = MemoryContextAlloc(identify->scratch, len);
	len = 0;
	for (int i = 0; i < at->ncolumns; i++)
	{
		SbSlice		value = row->cells[at->columns[i]];

		if (i > 0)
			path[len++] = '.';
		memcpy(path + len, value.data, value.len);
		len += value.len;
	}
	take_ident(identify, slot, (SbSlice) {path, len});
	return true;
}

/* Does the row say nothing of its own unit's identifiers? */
static bool
lacks_idents(const ImportIdentify *identify, const ImportFileRow *row)
{
	for (int i = 0; i < identify->nown; i++)
		if (row->cells[identify->own_columns[i]].data != NULL)
			return false;
	return identify->nown > 0;
}

/* Say of a row that it is blank, or that it lacks an identifier. */
static void
remark_row(ImportIdentify *identify, const char *code, IdentifyRow *row)
{
	bool		is_blank = (row->flags & IDENTIFY_SKIPPED) != 0;
	IdentifyRemark remark;

	import_remark_begin(identify, &remark, is_blank ? IMPORT_INFO : IMPORT_ERROR, code, NULL, (SbSlice) {NULL, 0});
	if (!is_blank)
	{
		import_remark_names(&remark, "columns", identify->own_names, identify->nown);
		row->flags |= IDENTIFY_REFUSED | IDENTIFY_ERROR;
	}
	import_remark_end(identify, &remark, row->row_id);
}

/* Is a finding of the reading of the file an error? */
static bool
has_error(const Jsonb *findings)
{
	JsonbContainer *array = (JsonbContainer *) &findings->root;

	for (uint32 i = 0; JsonContainerIsArray(array) && i < JsonContainerSize(array); i++)
	{
		JsonbValue *finding = getIthJsonbValueFromContainer(array, i);
		JsonbValue	severity;

		if (finding->type == jbvBinary && JsonContainerIsObject(finding->val.binary.data) &&
			getKeyJsonValueFromContainer(finding->val.binary.data, "severity", 8, &severity) != NULL &&
			severity.type == jbvString && severity.val.string.len == 5 && memcmp(severity.val.string.val, "error", 5) == 0)
			return true;
	}
	return false;
}

/* Mark the columns of the plan that import_identify_add() looks at: in files about relationships that may be any. */
void
import_identify_wants(const ImportIdentify *identify, bool *wanted)
{
	for (int i = 0; i < identify->nslots; i++)
		for (int j = 0; j < identify->slots[i].ncolumns; j++)
			wanted[identify->slots[i].columns[j]] = true;
	for (int i = 0; identify->mode == IDENTIFY_RELATIONSHIP && i < identify->job->plan.ncolumns; i++)
		wanted[i] = true;
}

/* Take a row of the file; they come in its order. */
void
import_identify_add(ImportIdentify *identify, const ImportFileRow *row)
{
	IdentifyCase *current = &identify->current;
	IdentifyRow *at = &current->row;
	bool		is_heard = !(row->is_blank || row->is_broken);

	if (row->row_id >= IMPORT_MAX_ROWS || row->row_id != identify->nrows + 1)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("row " INT64_FORMAT " of a file cannot be identified", row->row_id)));
	identify->nrows++;
	memset(at, 0, sizeof(*at));
	at->row_id = (uint32) row->row_id;
	if (row->is_broken)
		at->flags |= IDENTIFY_SKIPPED | IDENTIFY_REFUSED;
	if (row->is_blank)
		at->flags |= IDENTIFY_SKIPPED;
	for (int i = 0; i < identify->nslots; i++)
		if (!(identify->types[identify->slots[i].type].is_hierarchical
			  ? take_hierarchical(identify, row, i, is_heard)
			  : take_regular(identify, row, i, is_heard)) && is_heard)
			at->flags |= IDENTIFY_REFUSED | IDENTIFY_ERROR;
	if (row->is_blank)
		remark_row(identify, "blank_row", at);
	else if (is_heard && lacks_idents(identify, row))
		remark_row(identify, "ident_missing", at);
	if (row->findings != NULL && has_error(row->findings))
		at->flags |= IDENTIFY_ERROR;
	if (row->has_period)
	{
		at->flags |= IDENTIFY_PERIOD;
		at->valid_from = row->valid_from;
		at->valid_until = row->valid_until;
	}
	if (identify->links != NULL)
		import_relationship_add(identify, row);
	import_spool_write(identify->rows, at, sizeof(*at));
	import_spool_write(identify->rows, current->idents, sizeof(IdentifyIdent) * at->nidents);
	MemoryContextReset(identify->scratch);
}

/* The next row that was spooled, into a case that has room for its identifiers; false after the last. */
bool
import_identify_read(ImportIdentify *identify, IdentifyCase *rowcase)
{
	if (!import_spool_try_read(identify->rows, &rowcase->row, sizeof(rowcase->row)))
		return false;
	import_spool_read(identify->rows, rowcase->idents, sizeof(IdentifyIdent) * rowcase->row.nidents);
	return true;
}

/* Something happened to a row. */
void
import_event_add(ImportIdentify *identify, IdentifyEvents *events, uint32 row_id, uint32 flags)
{
	IdentifyEvent event = {import_sort_key(row_id), flags};

	if (events->sorter == NULL)
		events->sorter = import_sorter_begin(identify->context);
	import_sorter_add(events->sorter, &event, sizeof(event));
}

/* The next event. */
static void
next_event(IdentifyEvents *events)
{
	Size		len;
	const void *event = import_sorter_next(events->sorter, &len);

	memset(&events->next, 0, sizeof(events->next));
	if (event == NULL)
		return;
	memcpy(&events->next, event, sizeof(events->next));
	events->next.row_id = import_sort_key(events->next.row_id);
}

/* All has happened: rows can be asked for, in their order. */
void
import_events_begin(IdentifyEvents *events)
{
	if (events->sorter == NULL)
		return;
	import_sorter_perform(events->sorter);
	next_event(events);
}

/* What happened to a row: flags. */
uint32
import_events_of_row(IdentifyEvents *events, uint32 row_id)
{
	uint32		flags = 0;

	while (events->next.row_id != 0 && events->next.row_id <= row_id)
	{
		if (events->next.row_id == row_id)
			flags |= events->next.flags;
		next_event(events);
	}
	return flags;
}

/* All rows were added: ask the register, join rows to entities, find repeats. */
void
import_identify_resolve(ImportIdentify *identify, ImportFile *file)
{
	MemoryContext old = MemoryContextSwitchTo(identify->context);

	identify->file = file;
	import_register_ask(identify);
	import_repeat_begin(identify);
	if (identify->links != NULL)
		import_relationship_judge(identify);
	else
	{
		import_entity_join(identify);
		import_pending_ask(identify);
		import_entity_judge(identify);
	}
	import_repeat_judge(identify);
	import_events_begin(&identify->events);
	import_spool_rewind(identify->rows);
	MemoryContextReset(identify->scratch);
	MemoryContextSwitchTo(old);
}

/* A number of the register; 0: none. */
static ImportId
id_of(int32 number)
{
	ImportId	id = {number == 0, number};

	return id;
}

/*
 * The fate of the next row, in the order of the file.  Rows of entities that
 * were founded earlier were given their batch then.
 */
void
import_identify_next(ImportIdentify *identify, ImportFate *fate)
{
	IdentifyCase *current = &identify->current;
	const IdentifyHit *link = &current->hits[IDENTIFY_LINK];
	uint32		flags;
	uint32		rows = 1;

	if (!import_identify_read(identify, current))
		elog(ERROR, "more fates are asked for than rows were added");
	if (identify->links != NULL)
	{
		import_relationship_next(identify, fate);
		return;
	}
	import_entity_place(identify, current);
	flags = current->row.flags | import_events_of_row(&identify->events, current->row.row_id);
	memset(fate, 0, sizeof(*fate));
	fate->founding_row_id = current->founding;
	fate->legal_unit = id_of(current->legal_unit);
	fate->establishment = id_of(current->establishment);
	fate->link_legal_unit = id_of(identify->mode == IDENTIFY_FORMAL && link->nidents > 0 && !link->is_ambiguous
								  ? link->legal_unit : 0);
	fate->relationship = fate->influencing = fate->influenced = id_of(0);
	fate->is_new = current->is_new;
	fate->is_covered = current->is_covered;
	fate->is_skipped = (flags & IDENTIFY_SKIPPED) != 0;
	fate->is_refused = current->is_refused || (flags & IDENTIFY_REFUSED) != 0;
	if (current->has_entity)
	{
		ImportNode *root = import_idents_node(&identify->idents, current->root);

		if (current->founding != current->row.row_id)
		{
			fate->batch_seq = (int32) root->rows;
			return;
		}
		rows = root->rows;
		root->rows = (uint32) (identify->place / identify->batch_size + 1);
	}
	fate->batch_seq = (int32) (identify->place / identify->batch_size + 1);
	identify->place += rows;
}

/* Give up all that was taken. */
void
import_identify_end(ImportIdentify *identify)
{
	if (identify->events.sorter != NULL)
		import_sorter_end(identify->events.sorter);
	import_spool_end(identify->rows);
	MemoryContextDelete(identify->context);
	pfree(identify);
}

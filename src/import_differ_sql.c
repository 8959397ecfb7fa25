/*-------------------------------------------------------------------------
 *
 * import_differ_sql.c
 *	  Analysis of a job: entities whose rows give one unit different
 *	  identifiers of one type.
 *
 * Only entities of several rows and several identifiers can: their rows are
 * sorted by entity, and each entity is gone through twice, so that none is held
 * in memory.
 *
 * IDENTIFICATION
 *	  src/import_differ_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_identify.h"

#include "miscadmin.h"
#include "utils/memutils.h"

/* The most values that a finding lists. */
#define MAX_LISTED 10

/* A row of an entity with several rows and identifiers, as it is sorted; its identifiers follow. */
typedef struct EntityRow
{
	uint32		founding;		/* import_sort_key() */
	uint32		row_id;			/* likewise */
	uint32		nidents;
} EntityRow;

/* Different values of one type in an entity. */
typedef struct EntityValues
{
	int			count;			/* of values; no more than MAX_LISTED + 1 are
								 * told apart */
	SbSlice		values[MAX_LISTED + 1]; /* the first ones, in their order */
} EntityValues;

static bool has_many(ImportIdentify *identify);
static ImportSorter *sort_entities(ImportIdentify *identify);
static void add_value(EntityValues *values, SbSlice value);
static bool is_held(ImportIdentify *identify, const IdentifyCase *rowcase, int type);
static bool next_of_entity(ImportSorter *sorter, uint32 founding, IdentifyCase *rowcase);
static bool judge_entity(ImportIdentify *identify, ImportSorter *sorter, EntityValues *values);
static void remark_values(ImportIdentify *identify, const IdentifyCase *rowcase, const EntityValues *values);

/* Is there an entity of several rows and several identifiers? */
static bool
has_many(ImportIdentify *identify)
{
	for (uint32 i = 0; i < identify->idents.count; i++)
	{
		const ImportNode *node = import_idents_node(&identify->idents, i);

		if (node->parent == i && node->rows > 1 && (node->flags & IMPORT_TREE_JOINED) != 0)
			return true;
	}
	return false;
}

/* The rows of such entities, sorted by entity; NULL: there are none. */
static ImportSorter *
sort_entities(ImportIdentify *identify)
{
	IdentifyCase *current = &identify->current;
	ImportSorter *sorter;
	EntityRow  *row;

	if (!has_many(identify))
		return NULL;
	sorter = import_sorter_begin(identify->context);
	row = palloc(sizeof(EntityRow) + sizeof(IdentifyIdent) * (identify->nslots + 1));
	import_spool_rewind(identify->rows);
	while (import_identify_read(identify, current))
	{
		const ImportNode *root;
		Size		idents_size = sizeof(IdentifyIdent) * current->row.nidents;

		CHECK_FOR_INTERRUPTS();
		import_entity_place(identify, current);
		if (!current->has_entity)
			continue;
		root = import_idents_node(&identify->idents, current->root);
		if (root->rows < 2 || (root->flags & IMPORT_TREE_JOINED) == 0)
			continue;
		row->founding = import_sort_key(current->founding);
		row->row_id = import_sort_key(current->row.row_id);
		row->nidents = current->row.nidents;
		memcpy(row + 1, current->idents, idents_size);
		import_sorter_add(sorter, row, sizeof(EntityRow) + idents_size);
	}
	import_sorter_perform(sorter);
	pfree(row);
	return sorter;
}

/* One more value of a type: kept when it is among the first. */
static void
add_value(EntityValues *values, SbSlice value)
{
	int			place = 0;

	for (; place < values->count; place++)
	{
		SbSlice		other = values->values[place];
		int			order = memcmp(value.data, other.data, Min(value.len, other.len));

		if (order == 0)
			order = value.len < other.len ? -1 : value.len > other.len;
		if (order == 0)
			return;
		if (order < 0)
			break;
	}
	if (place > MAX_LISTED)
		return;
	values->count = Min(values->count + 1, MAX_LISTED + 1);
	memmove(&values->values[place + 1], &values->values[place], sizeof(SbSlice) * (values->count - place - 1));
	values->values[place] = value;
}

/* Does the register hold an identifier of a type of the unit of the row's entity? */
static bool
is_held(ImportIdentify *identify, const IdentifyCase *rowcase, int type)
{
	ImportUnit	units[2];
	int			nunits = 0;
	IdentifyHeld *held;
	int			nheld;
	bool		result = false;
	MemoryContext old;

	if (rowcase->legal_unit != 0)
		units[nunits++] = IMPORT_LEGAL_UNIT(rowcase->legal_unit);
	if (rowcase->establishment != 0)
		units[nunits++] = IMPORT_ESTABLISHMENT(rowcase->establishment);
	if (nunits == 0)
		return false;
	old = MemoryContextSwitchTo(identify->scratch);
	nheld = import_register_held(identify, units, nunits, &held);
	for (int i = 0; i < nunits; i++)
		result = result || import_held_find(held, nheld, units[i], type) != NULL;
	MemoryContextSwitchTo(old);
	return result;
}

/* Say of a row which of its identifiers differ from others of its entity. */
static void
remark_values(ImportIdentify *identify, const IdentifyCase *rowcase, const EntityValues *values)
{
	bool		is_refused = false;

	for (int i = 0; i < rowcase->row.nidents; i++)
	{
		const IdentifySlot *slot = &identify->slots[rowcase->idents[i].slot];
		IdentifyRemark remark;

		if (slot->role != IDENTIFY_OWN || values[slot->type].count < 2)
			continue;
		import_remark_begin(identify, &remark, IMPORT_ERROR, "ident_conflict", slot->name,
							import_idents_value(&identify->idents, rowcase->idents[i].node));
		import_remark_slices(&remark, "values", values[slot->type].values, Min(values[slot->type].count, MAX_LISTED));
		import_remark_number(&remark, "founding_row_id", rowcase->founding);
		import_remark_end(identify, &remark, rowcase->row.row_id);
		is_refused = true;
	}
	if (is_refused)
		import_event_add(identify, &identify->conflicts, rowcase->row.row_id, IDENTIFY_REFUSED);
}

/*
 * The next row of an entity, when `founding` is 0 of any; false: there is none.
 * The sort stands before the row that was not of the entity.
 */
static bool
next_of_entity(ImportSorter *sorter, uint32 founding, IdentifyCase *rowcase)
{
	EntityRow	row;
	Size		len;
	const char *bytes = import_sorter_next(sorter, &len);

	if (bytes == NULL)
		return false;
	memcpy(&row, bytes, sizeof(row));
	rowcase->founding = import_sort_key(row.founding);
	rowcase->row.row_id = import_sort_key(row.row_id);
	rowcase->row.nidents = (uint16) row.nidents;
	memcpy(rowcase->idents, bytes + sizeof(row), sizeof(IdentifyIdent) * row.nidents);
	return founding == 0 || rowcase->founding == founding;
}

/*
 * Go through one entity of the sort, which has been marked before its first row:
 * gather its values, and when some differ say so of its rows.  False: there was
 * no entity any more.
 */
static bool
judge_entity(ImportIdentify *identify, ImportSorter *sorter, EntityValues *values)
{
	IdentifyCase *current = &identify->current;
	uint32		founding = 0;
	uint32		nrows = 0;
	bool		differs = false;

	memset(values, 0, sizeof(EntityValues) * identify->ntypes);
	while (next_of_entity(sorter, founding, current))
	{
		CHECK_FOR_INTERRUPTS();
		founding = current->founding;
		nrows++;
		for (int i = 0; i < current->row.nidents; i++)
			if (identify->slots[current->idents[i].slot].role == IDENTIFY_OWN)
				add_value(&values[identify->slots[current->idents[i].slot].type],
						  import_idents_value(&identify->idents, current->idents[i].node));
	}
	if (nrows == 0)
		return false;
	import_sorter_restore(sorter);
	for (uint32 i = 0; i < nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		next_of_entity(sorter, founding, current);
		if (i == 0)
		{
			current->row.flags = 0;
			import_entity_place(identify, current);
			for (int type = 0; type < identify->ntypes; type++)
			{
				/*
				 * of a type that the register holds of the unit, only the row
				 * that departs from it is at fault
				 */
				if (values[type].count > 1 && is_held(identify, current, type))
					values[type].count = 0;
				differs = differs || values[type].count > 1;
			}
		}
		if (differs)
			remark_values(identify, current, values);
		MemoryContextReset(identify->scratch);
	}
	return true;
}

/* Find entities whose rows give one unit two identifiers of one type, and say so of their rows. */
void
import_differ_judge(ImportIdentify *identify)
{
	ImportSorter *sorter = sort_entities(identify);
	EntityValues *values;

	if (sorter == NULL)
		return;
	values = palloc(sizeof(EntityValues) * (identify->ntypes + 1));
	do
		import_sorter_mark(sorter);
	while (judge_entity(identify, sorter, values));
	pfree(values);
	import_sorter_end(sorter);
}

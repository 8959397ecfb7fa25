/*-------------------------------------------------------------------------
 *
 * import_entity_sql.c
 *	  Analysis of a job: rows of one entity, the unit of the register that it
 *	  is, and what speaks against it.
 *
 * Rows are one entity when they share an identifier, or give identifiers that
 * the register knows to be one unit's.  Rows whose identifiers are faulty, or
 * of several units, or of a unit of another kind, say nothing about that.
 *
 * Rows are gone through three times: to join their identifiers; where an
 * entity has several rows and identifiers, to find those that differ; and to
 * judge them.
 *
 * IDENTIFICATION
 *	  src/import_entity_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_identify.h"

#include "miscadmin.h"
#include "utils/memutils.h"

/* Rows about which the register has to be asked, at once. */
#define JUDGE_ROWS 5000

/* The most values or rows that a finding lists. */
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
	int			count;			/* of values; no more than MAX_LISTED + 1 are told apart */
	SbSlice		values[MAX_LISTED + 1];	/* the first ones, in their order */
} EntityValues;

/* Rows that wait for the register. */
typedef struct JudgeBlock
{
	MemoryContext context;
	IdentifyCase *changes[JUDGE_ROWS];	/* which identifiers does it hold? */
	int			nchanges;
	IdentifyCase *gaps[2 * JUDGE_ROWS]; /* whose is the new time? */
	int			ngaps;
} JudgeBlock;

static const SbSlice no_value = {NULL, 0};

static void find_hits(const ImportIdentify *identify, IdentifyCase *rowcase);
static bool is_of_other_kind(const ImportIdentify *identify, const IdentifyHit *hit, IdentifyRole role);
static bool is_left_out(const ImportIdentify *identify, const IdentifyCase *rowcase);
static void join_rows(ImportIdentify *identify);
static void find_tied(ImportIdentify *identify);
static bool has_many(ImportIdentify *identify);
static ImportSorter *sort_entities(ImportIdentify *identify);
static void add_value(EntityValues *values, SbSlice value);
static bool is_held(ImportIdentify *identify, const IdentifyCase *rowcase, int type);
static bool next_of_entity(ImportSorter *sorter, uint32 founding, IdentifyCase *rowcase);
static bool judge_entity(ImportIdentify *identify, ImportSorter *sorter, EntityValues *values);
static void find_differing(ImportIdentify *identify);
static void remark_values(ImportIdentify *identify, const IdentifyCase *rowcase, const EntityValues *values);
static void judge_hit(ImportIdentify *identify, IdentifyCase *rowcase, IdentifyRole role);
static void remark_conflict(ImportIdentify *identify, const IdentifyCase *rowcase, IdentifyRole role);
static void remark_kind(ImportIdentify *identify, const IdentifyCase *rowcase, IdentifyRole role);
static bool needs_held(const ImportIdentify *identify, const IdentifyCase *rowcase);
static void judge_changes(ImportIdentify *identify, IdentifyCase *rowcase, const IdentifyHeld *held, int nheld);
static void judge_strategy(ImportIdentify *identify, IdentifyCase *rowcase);
static void judge_known(ImportIdentify *identify, IdentifyCase *rowcase);
static bool judge_rest(ImportIdentify *identify, IdentifyCase *rowcase);
static void finish(ImportIdentify *identify, IdentifyCase *rowcase);
static IdentifyCase *keep_case(JudgeBlock *block, const IdentifyCase *rowcase);
static void flush_changes(ImportIdentify *identify, JudgeBlock *block);
static void flush_block(ImportIdentify *identify, JudgeBlock *block);
static void judge_row(ImportIdentify *identify, JudgeBlock *block, IdentifyCase *rowcase);

/* What the register knows by the identifiers of a row, role by role. */
static void
find_hits(const ImportIdentify *identify, IdentifyCase *rowcase)
{
	memset(rowcase->hits, 0, sizeof(rowcase->hits));
	for (int i = 0; i < rowcase->row.nidents; i++)
	{
		IdentifyHit *hit = &rowcase->hits[identify->slots[rowcase->idents[i].slot].role];
		ImportUnit	unit = import_idents_node(&identify->idents, rowcase->idents[i].node)->unit;
		int32		id = import_unit_id(unit);
		int32	   *known = import_unit_is_legal(unit) ? &hit->legal_unit : &hit->establishment;

		hit->nidents++;
		if (unit == IMPORT_UNIT_NONE)
			continue;
		hit->is_known = true;
		if (unit == IMPORT_UNIT_OTHER)
		{
			hit->is_other = true;
			continue;
		}
		if (*known != 0 && *known != id)
			hit->is_ambiguous = true;
		if (*known == 0 || id < *known)
			*known = id;
		if (hit->legal_unit != 0 && hit->establishment != 0)
			hit->is_ambiguous = true;
	}
}

/* Is the unit of another kind than it should be? */
static bool
is_of_other_kind(const ImportIdentify *identify, const IdentifyHit *hit, IdentifyRole role)
{
	IdentifyLife life;

	if (!hit->is_known || hit->is_ambiguous)
		return false;
	if (hit->is_other)
		return true;
	if (role != IDENTIFY_OWN)
		return hit->establishment != 0;
	switch (identify->mode)
	{
		case IDENTIFY_LEGAL_UNIT:
			return hit->establishment != 0;
		case IDENTIFY_FORMAL:
		case IDENTIFY_INFORMAL:
			if (hit->legal_unit != 0)
				return true;
			import_register_life(identify, IMPORT_ESTABLISHMENT(hit->establishment), &life);
			return life.has_formal && life.is_formal != (identify->mode == IDENTIFY_FORMAL);
		default:
			return false;
	}
}

/* Does the row say nothing about which rows are one entity? */
static bool
is_left_out(const ImportIdentify *identify, const IdentifyCase *rowcase)
{
	if ((rowcase->row.flags & IDENTIFY_REFUSED) != 0 || rowcase->hits[IDENTIFY_OWN].is_ambiguous)
		return true;
	for (int role = 0; role < IDENTIFY_ROLES; role++)
		if (is_of_other_kind(identify, &rowcase->hits[role], (IdentifyRole) role))
			return true;
	return false;
}

/* Join the identifiers of each row, and count the rows of each entity. */
static void
join_rows(ImportIdentify *identify)
{
	IdentifyCase *current = &identify->current;
	ImportIdents *idents = &identify->idents;

	import_spool_rewind(identify->rows);
	while (import_identify_read(identify, current))
	{
		bool		is_first = true;
		uint32		node = 0;
		ImportNode *root;

		CHECK_FOR_INTERRUPTS();
		find_hits(identify, current);
		if ((current->row.flags & IDENTIFY_SKIPPED) != 0 || is_left_out(identify, current))
			continue;
		for (int i = 0; i < current->row.nidents; i++)
		{
			if (identify->slots[current->idents[i].slot].role != IDENTIFY_OWN)
				continue;
			if (!is_first)
				import_idents_join(idents, node, current->idents[i].node);
			node = current->idents[i].node;
			is_first = false;
		}
		if (is_first)
			continue;
		root = import_idents_node(idents, import_idents_root(idents, node));
		root->rows++;
		if (root->first_row == 0)
			root->first_row = current->row.row_id;
	}
}

/* Which units the entities have that tie several together. */
static void
find_tied(ImportIdentify *identify)
{
	HASHCTL		control = {0};

	for (uint32 node = 0; node < identify->idents.count; node++)
	{
		ImportUnit	unit = import_idents_node(&identify->idents, node)->unit;
		uint32		root;
		IdentifyTied *tied;
		int32	   *lowest;
		bool		found;

		if (unit <= IMPORT_UNIT_OTHER)
			continue;
		root = import_idents_root(&identify->idents, node);
		if ((import_idents_node(&identify->idents, root)->flags & IMPORT_TREE_AMBIGUOUS) == 0)
			continue;
		if (identify->tied == NULL)
		{
			control.keysize = sizeof(uint32);
			control.entrysize = sizeof(IdentifyTied);
			control.hcxt = identify->context;
			identify->tied = hash_create("import tied units", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		}
		tied = hash_search(identify->tied, &root, HASH_ENTER, &found);
		if (!found)
			tied->legal_unit = tied->establishment = 0;
		lowest = import_unit_is_legal(unit) ? &tied->legal_unit : &tied->establishment;
		if (*lowest == 0 || import_unit_id(unit) < *lowest)
			*lowest = import_unit_id(unit);
	}
}

/* Join rows to entities. */
void
import_entity_join(ImportIdentify *identify)
{
	join_rows(identify);
	find_tied(identify);
}

/* Find the entity of a row and its unit, from its identifiers. */
void
import_entity_place(ImportIdentify *identify, IdentifyCase *rowcase)
{
	const ImportNode *root;
	IdentifyLife life;

	find_hits(identify, rowcase);
	rowcase->is_refused = is_left_out(identify, rowcase);
	rowcase->is_error = (rowcase->row.flags & IDENTIFY_ERROR) != 0 || rowcase->is_refused;
	rowcase->has_entity = !rowcase->is_refused && (rowcase->row.flags & IDENTIFY_SKIPPED) == 0 &&
		rowcase->hits[IDENTIFY_OWN].nidents > 0;
	rowcase->founding = rowcase->row.row_id;
	rowcase->legal_unit = rowcase->establishment = 0;
	rowcase->is_tied = rowcase->is_covered = false;
	rowcase->is_new = true;
	if (!rowcase->has_entity)
		return;
	/* slots are in the order of their roles: an own identifier comes first */
	rowcase->root = import_idents_root(&identify->idents, rowcase->idents[0].node);
	root = import_idents_node(&identify->idents, rowcase->root);
	rowcase->founding = root->first_row;
	if ((root->flags & IMPORT_TREE_AMBIGUOUS) != 0)
	{
		const IdentifyTied *tied = hash_search(identify->tied, &rowcase->root, HASH_FIND, NULL);

		rowcase->is_tied = true;
		rowcase->legal_unit = tied->legal_unit;
		rowcase->establishment = tied->establishment;
	}
	else if (import_unit_is_legal(root->unit))
		rowcase->legal_unit = import_unit_id(root->unit);
	else if (import_unit_is_establishment(root->unit))
		rowcase->establishment = import_unit_id(root->unit);
	rowcase->is_new = rowcase->legal_unit == 0 && rowcase->establishment == 0;
	if (!rowcase->is_new && (rowcase->row.flags & IDENTIFY_PERIOD) != 0)
	{
		import_register_life(identify, rowcase->legal_unit != 0 ? IMPORT_LEGAL_UNIT(rowcase->legal_unit)
							 : IMPORT_ESTABLISHMENT(rowcase->establishment), &life);
		rowcase->is_covered = import_days_cover(&life, rowcase->row.valid_from, rowcase->row.valid_until);
	}
}

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
				/* of a type that the register holds of the unit, only the row that departs from it is at fault */
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

/* Find entities whose rows give one unit two identifiers of one type. */
static void
find_differing(ImportIdentify *identify)
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

/* Say that the identifiers of a row in a role belong to different units. */
static void
remark_conflict(ImportIdentify *identify, const IdentifyCase *rowcase, IdentifyRole role)
{
	for (int i = 0; i < rowcase->row.nidents; i++)
	{
		const IdentifySlot *slot = &identify->slots[rowcase->idents[i].slot];
		ImportUnit	unit = import_idents_node(&identify->idents, rowcase->idents[i].node)->unit;
		IdentifyRemark remark;

		if (slot->role != role)
			continue;
		import_remark_begin(identify, &remark, IMPORT_ERROR, role == IDENTIFY_OWN ? "ident_conflict" : "link_conflict",
							slot->name, import_idents_value(&identify->idents, rowcase->idents[i].node));
		import_remark_columns(identify, &remark, rowcase, role);
		if (import_unit_is_legal(unit))
			import_remark_number(&remark, "legal_unit_id", import_unit_id(unit));
		if (import_unit_is_establishment(unit))
			import_remark_number(&remark, "establishment_id", import_unit_id(unit));
		import_remark_end(identify, &remark, rowcase->row.row_id);
	}
}

/* Say that the unit of a row in a role is of another kind than it should be. */
static void
remark_kind(ImportIdentify *identify, const IdentifyCase *rowcase, IdentifyRole role)
{
	const IdentifyHit *hit = &rowcase->hits[role];
	IdentifyLife life;
	const char *type;

	import_register_life(identify, hit->establishment != 0 ? IMPORT_ESTABLISHMENT(hit->establishment) : IMPORT_UNIT_NONE, &life);
	type = hit->is_other ? "other" : hit->legal_unit != 0 ? "legal_unit" :
		life.has_formal && life.is_formal ? "establishment_formal" : "establishment_informal";
	for (int i = 0; i < rowcase->row.nidents; i++)
	{
		const IdentifySlot *slot = &identify->slots[rowcase->idents[i].slot];
		IdentifyRemark remark;

		if (slot->role != role || import_idents_node(&identify->idents, rowcase->idents[i].node)->unit == IMPORT_UNIT_NONE)
			continue;
		import_remark_begin(identify, &remark, IMPORT_ERROR, "unit_type_conflict", slot->name,
							import_idents_value(&identify->idents, rowcase->idents[i].node));
		if (hit->legal_unit != 0)
			import_remark_number(&remark, "legal_unit_id", hit->legal_unit);
		if (hit->establishment != 0)
			import_remark_number(&remark, "establishment_id", hit->establishment);
		import_remark_text(&remark, "unit_type", (SbSlice)
						   {
							   type, strlen(type)
						   });
		import_remark_end(identify, &remark, rowcase->row.row_id);
	}
}

/* What the register says against the identifiers of a row in a role. */
static void
judge_hit(ImportIdentify *identify, IdentifyCase *rowcase, IdentifyRole role)
{
	if (rowcase->hits[role].is_ambiguous)
	{
		remark_conflict(identify, rowcase, role);
		rowcase->is_error = true;
	}
	else if (is_of_other_kind(identify, &rowcase->hits[role], role))
		remark_kind(identify, rowcase, role);
}

/* May the row give its unit an identifier that is not the one which the register holds? */
static bool
needs_held(const ImportIdentify *identify, const IdentifyCase *rowcase)
{
	if (rowcase->is_refused || rowcase->is_new)
		return false;
	for (int i = 0; i < rowcase->row.nidents; i++)
	{
		ImportUnit	unit = import_idents_node(&identify->idents, rowcase->idents[i].node)->unit;

		if (identify->slots[rowcase->idents[i].slot].role == IDENTIFY_OWN &&
			((rowcase->legal_unit != 0 && unit != IMPORT_LEGAL_UNIT(rowcase->legal_unit)) ||
			 (rowcase->establishment != 0 && unit != IMPORT_ESTABLISHMENT(rowcase->establishment))))
			return true;
	}
	return false;
}

/* Say which identifiers of a row are others than the register holds of its unit. */
static void
judge_changes(ImportIdentify *identify, IdentifyCase *rowcase, const IdentifyHeld *held, int nheld)
{
	ImportUnit	units[2] = {IMPORT_LEGAL_UNIT(rowcase->legal_unit), IMPORT_ESTABLISHMENT(rowcase->establishment)};

	for (int i = 0; i < rowcase->row.nidents; i++)
		for (int j = 0; j < 2; j++)
		{
			const IdentifySlot *slot = &identify->slots[rowcase->idents[i].slot];
			SbSlice		value = import_idents_value(&identify->idents, rowcase->idents[i].node);
			const IdentifyHeld *known;
			IdentifyRemark remark;

			if (slot->role != IDENTIFY_OWN || units[j] <= IMPORT_UNIT_OTHER)
				continue;
			known = import_held_find(held, nheld, units[j], slot->type);
			if (known == NULL ||
				(known->value.len == value.len && memcmp(known->value.data, value.data, value.len) == 0))
				continue;
			import_remark_begin(identify, &remark, IMPORT_ERROR, "ident_change", slot->name, value);
			import_remark_text(&remark, "from", known->value);
			import_remark_text(&remark, "to", value);
			import_remark_end(identify, &remark, rowcase->row.row_id);
			rowcase->is_refused = true;
		}
}

/* Say that a row ties units together that the register tells apart. */
static void
judge_known(ImportIdentify *identify, IdentifyCase *rowcase)
{
	IdentifyRemark remark;

	if (!rowcase->is_tied)
		return;
	import_remark_begin(identify, &remark, IMPORT_ERROR, "ident_conflict", NULL, no_value);
	import_remark_columns(identify, &remark, rowcase, IDENTIFY_OWN);
	import_remark_number(&remark, "founding_row_id", rowcase->founding);
	import_remark_end(identify, &remark, rowcase->row.row_id);
	rowcase->is_refused = true;
}

/* What the strategy does not do with a row. */
static void
judge_strategy(ImportIdentify *identify, IdentifyCase *rowcase)
{
	bool		is_generic = identify->mode == IDENTIFY_GENERIC;
	IdentifyLife life;
	IdentifyRemark remark;

	if (rowcase->hits[IDENTIFY_OWN].nidents == 0)
		return;
	if (rowcase->is_new ? is_generic || identify->only_known : !is_generic && identify->only_new)
	{
		import_remark_begin(identify, &remark, IMPORT_ERROR, rowcase->is_new ? "unit_not_found" : "unit_already_exists",
							NULL, no_value);
		import_remark_columns(identify, &remark, rowcase, IDENTIFY_OWN);
		import_remark_text(&remark, "strategy", (SbSlice)
						   {
							   identify->job->strategy, strlen(identify->job->strategy)
						   });
		import_remark_end(identify, &remark, rowcase->row.row_id);
		rowcase->is_error = true;
	}
	/* updates and replacements happen within the life of the unit */
	if (!identify->within_life || rowcase->is_new || (rowcase->row.flags & IDENTIFY_PERIOD) == 0 ||
		!import_register_life(identify, rowcase->legal_unit != 0 ? IMPORT_LEGAL_UNIT(rowcase->legal_unit)
							  : IMPORT_ESTABLISHMENT(rowcase->establishment), &life) ||
		import_days_meet(&life, rowcase->row.valid_from, rowcase->row.valid_until))
		return;
	import_remark_begin(identify, &remark, IMPORT_ERROR, "reference_not_valid_then", NULL, no_value);
	import_remark_columns(identify, &remark, rowcase, IDENTIFY_OWN);
	import_remark_life(&remark, "periods", &life);
	import_remark_end(identify, &remark, rowcase->row.row_id);
	rowcase->is_error = true;
}

/* What remains, when it is known whether the row is refused.  True: the register has to be asked once more. */
static bool
judge_rest(ImportIdentify *identify, IdentifyCase *rowcase)
{
	if (rowcase->is_refused)
		rowcase->is_error = true;
	else if ((rowcase->row.flags & IDENTIFY_SKIPPED) == 0)
		judge_strategy(identify, rowcase);
	if (identify->mode == IDENTIFY_FORMAL)
		import_link_judge(identify, rowcase);
	return identify->mode == IDENTIFY_FORMAL && import_link_needs_gap(identify, rowcase);
}

/* All is known of the row by itself. */
static void
finish(ImportIdentify *identify, IdentifyCase *rowcase)
{
	if (rowcase->has_entity && rowcase->is_refused)
		import_event_add(identify, &identify->events, rowcase->row.row_id, IDENTIFY_REFUSED);
	import_repeat_add(identify, rowcase);
	MemoryContextReset(identify->scratch);
}

/* A copy of a row that has to wait. */
static IdentifyCase *
keep_case(JudgeBlock *block, const IdentifyCase *rowcase)
{
	Size		size = sizeof(IdentifyIdent) * rowcase->row.nidents;
	IdentifyCase *copy = MemoryContextAlloc(block->context, sizeof(IdentifyCase) + size);

	*copy = *rowcase;
	copy->idents = (IdentifyIdent *) (copy + 1);
	memcpy(copy->idents, rowcase->idents, size);
	return copy;
}

/* Ask which identifiers the register holds of the units of the rows that wait, and judge them. */
static void
flush_changes(ImportIdentify *identify, JudgeBlock *block)
{
	ImportUnit *units = palloc(sizeof(ImportUnit) * 2 * (block->nchanges + 1));
	IdentifyHeld *held;
	int			nunits = 0;
	int			nheld;

	for (int i = 0; i < block->nchanges; i++)
	{
		if (block->changes[i]->legal_unit != 0)
			units[nunits++] = IMPORT_LEGAL_UNIT(block->changes[i]->legal_unit);
		if (block->changes[i]->establishment != 0)
			units[nunits++] = IMPORT_ESTABLISHMENT(block->changes[i]->establishment);
	}
	nheld = import_register_held(identify, units, nunits, &held);
	for (int i = 0; i < block->nchanges; i++)
	{
		judge_changes(identify, block->changes[i], held, nheld);
		if (judge_rest(identify, block->changes[i]))
			block->gaps[block->ngaps++] = block->changes[i];
		else
			finish(identify, block->changes[i]);
	}
	block->nchanges = 0;
}

/* Let no row wait any more. */
static void
flush_block(ImportIdentify *identify, JudgeBlock *block)
{
	MemoryContext old = MemoryContextSwitchTo(block->context);

	if (block->nchanges > 0)
		flush_changes(identify, block);
	if (block->ngaps > 0)
		import_link_judge_gaps(identify, block->gaps, block->ngaps);
	for (int i = 0; i < block->ngaps; i++)
		finish(identify, block->gaps[i]);
	block->ngaps = 0;
	MemoryContextSwitchTo(old);
	MemoryContextReset(block->context);
}

/* Judge the row that was read, or let it wait. */
static void
judge_row(ImportIdentify *identify, JudgeBlock *block, IdentifyCase *rowcase)
{
	bool		may_change;

	import_entity_place(identify, rowcase);
	for (int role = 0; role < IDENTIFY_ROLES; role++)
		judge_hit(identify, rowcase, (IdentifyRole) role);
	may_change = needs_held(identify, rowcase);
	if (rowcase->has_entity)
		judge_known(identify, rowcase);
	if (import_events_of_row(&identify->conflicts, rowcase->row.row_id) != 0)
		rowcase->is_refused = true;
	if (may_change)
		block->changes[block->nchanges++] = keep_case(block, rowcase);
	else if (judge_rest(identify, rowcase))
		block->gaps[block->ngaps++] = keep_case(block, rowcase);
	else
		finish(identify, rowcase);
	if (block->nchanges == JUDGE_ROWS || block->ngaps == JUDGE_ROWS)
		flush_block(identify, block);
	MemoryContextReset(identify->scratch);
}

/* Judge all rows by what the register knows and the entities are. */
void
import_entity_judge(ImportIdentify *identify)
{
	JudgeBlock *block = palloc(sizeof(JudgeBlock));

	find_differing(identify);
	import_events_begin(&identify->conflicts);
	block->context = AllocSetContextCreate(identify->context, "import identify block", ALLOCSET_DEFAULT_SIZES);
	block->nchanges = block->ngaps = 0;
	import_spool_rewind(identify->rows);
	while (import_identify_read(identify, &identify->current))
	{
		CHECK_FOR_INTERRUPTS();
		judge_row(identify, block, &identify->current);
	}
	flush_block(identify, block);
	MemoryContextDelete(block->context);
	pfree(block);
	if (identify->conflicts.sorter != NULL)
		import_sorter_end(identify->conflicts.sorter);
	identify->conflicts.sorter = NULL;
}

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
 * Rows are gone through twice: to join their identifiers, and to judge them;
 * what needs to be asked of the register about a row is asked of many at once.
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

/* Names of units, for import_held_find(). */
typedef struct IdentifyNames
{
	IdentifyHeld *names;
	int			nnames;
} IdentifyNames;

/* Rows that wait for the register. */
typedef struct JudgeBlock
{
	MemoryContext context;
	IdentifyCase *named[JUDGE_ROWS];	/* what are the units called? */
	int			nnamed;
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
static void remark_unit(IdentifyRemark *remark, ImportUnit unit);
static void remark_name(IdentifyRemark *remark, const IdentifyNames *names, ImportUnit unit);
static void remark_units(ImportIdentify *identify, IdentifyRemark *remark, const IdentifyCase *rowcase,
						 IdentifyRole role, const IdentifyNames *names);
static void remark_conflict(ImportIdentify *identify, const IdentifyCase *rowcase, IdentifyRole role,
							const IdentifyNames *names);
static void remark_kind(ImportIdentify *identify, const IdentifyCase *rowcase, IdentifyRole role,
						const IdentifyNames *names);
static bool needs_names(const ImportIdentify *identify, const IdentifyCase *rowcase);
static void flush_named(ImportIdentify *identify, JudgeBlock *block);
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
		if (identify->mode == IDENTIFY_FORMAL)
			import_link_want(identify, current);
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

/* Which unit it is. */
static void
remark_unit(IdentifyRemark *remark, ImportUnit unit)
{
	if (import_unit_is_legal(unit))
		import_remark_number(remark, "legal_unit_id", import_unit_id(unit));
	else if (import_unit_is_establishment(unit))
		import_remark_number(remark, "establishment_id", import_unit_id(unit));
}

/* What it is called. */
static void
remark_name(IdentifyRemark *remark, const IdentifyNames *names, ImportUnit unit)
{
	const IdentifyHeld *name = import_held_find(names->names, names->nnames, unit, 0);

	if (name != NULL)
		import_remark_text(remark, "name", name->value);
}

/* The units of the identifiers of a row in a role, by their columns. */
static void
remark_units(ImportIdentify *identify, IdentifyRemark *remark, const IdentifyCase *rowcase,
			 IdentifyRole role, const IdentifyNames *names)
{
	import_remark_open(remark, "units");
	for (int i = 0; i < rowcase->row.nidents; i++)
	{
		const IdentifySlot *slot = &identify->slots[rowcase->idents[i].slot];
		ImportUnit	unit = import_idents_node(&identify->idents, rowcase->idents[i].node)->unit;

		if (slot->role != role || unit == IMPORT_UNIT_NONE)
			continue;
		import_remark_open(remark, slot->name);
		remark_unit(remark, unit);
		remark_name(remark, names, unit);
		import_remark_close(remark);
	}
	import_remark_close(remark);
}

/* Say that the identifiers of a row in a role belong to different units. */
static void
remark_conflict(ImportIdentify *identify, const IdentifyCase *rowcase, IdentifyRole role, const IdentifyNames *names)
{
	for (int i = 0; i < rowcase->row.nidents; i++)
	{
		const IdentifySlot *slot = &identify->slots[rowcase->idents[i].slot];
		IdentifyRemark remark;

		if (slot->role != role)
			continue;
		import_remark_begin(identify, &remark, IMPORT_ERROR, role == IDENTIFY_OWN ? "ident_conflict" : "link_conflict",
							slot->name, import_idents_value(&identify->idents, rowcase->idents[i].node));
		import_remark_columns(identify, &remark, rowcase, role);
		remark_unit(&remark, import_idents_node(&identify->idents, rowcase->idents[i].node)->unit);
		remark_units(identify, &remark, rowcase, role, names);
		import_remark_end(identify, &remark, rowcase->row.row_id);
	}
}

/* Say that the unit of a row in a role is of another kind than it should be. */
static void
remark_kind(ImportIdentify *identify, const IdentifyCase *rowcase, IdentifyRole role, const IdentifyNames *names)
{
	const IdentifyHit *hit = &rowcase->hits[role];
	ImportUnit	unit = hit->legal_unit != 0 ? IMPORT_LEGAL_UNIT(hit->legal_unit) :
		hit->establishment != 0 ? IMPORT_ESTABLISHMENT(hit->establishment) : IMPORT_UNIT_NONE;
	IdentifyLife life;
	const char *type;

	import_register_life(identify, unit, &life);
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
		remark_unit(&remark, unit);
		remark_name(&remark, names, unit);
		import_remark_text(&remark, "unit_type", (SbSlice) {type, strlen(type)});
		import_remark_end(identify, &remark, rowcase->row.row_id);
	}
}

/* Is something to be said against the units of the row's identifiers? */
static bool
needs_names(const ImportIdentify *identify, const IdentifyCase *rowcase)
{
	for (int role = 0; role < IDENTIFY_ROLES; role++)
		if (rowcase->hits[role].is_ambiguous ||
			is_of_other_kind(identify, &rowcase->hits[role], (IdentifyRole) role))
			return true;
	return false;
}

/* Say what is to be said against the units of the rows that wait. */
static void
flush_named(ImportIdentify *identify, JudgeBlock *block)
{
	ImportUnit *units = palloc(sizeof(ImportUnit) * (block->nnamed + 1) * (identify->nslots + 1));
	IdentifyNames names;
	int			nunits = 0;

	for (int i = 0; i < block->nnamed; i++)
		for (int j = 0; j < block->named[i]->row.nidents; j++)
		{
			ImportUnit	unit = import_idents_node(&identify->idents, block->named[i]->idents[j].node)->unit;

			if (unit > IMPORT_UNIT_OTHER)
				units[nunits++] = unit;
		}
	names.nnames = import_register_names(units, nunits, &names.names);
	for (int i = 0; i < block->nnamed; i++)
	{
		IdentifyCase *rowcase = block->named[i];

		for (IdentifyRole role = IDENTIFY_OWN; role <= IDENTIFY_INFLUENCED; role++)
			if (rowcase->hits[role].is_ambiguous)
				remark_conflict(identify, rowcase, role, &names);
			else if (is_of_other_kind(identify, &rowcase->hits[role], role))
				remark_kind(identify, rowcase, role, &names);
		MemoryContextReset(identify->scratch);
	}
	block->nnamed = 0;
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
		import_remark_text(&remark, "strategy", (SbSlice) {identify->job->strategy, strlen(identify->job->strategy)});
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

	if (block->nnamed > 0)
		flush_named(identify, block);
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
	if (needs_names(identify, rowcase))
	{
		block->named[block->nnamed++] = keep_case(block, rowcase);
		rowcase->is_error = true;
	}
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
	if (block->nnamed == JUDGE_ROWS || block->nchanges == JUDGE_ROWS || block->ngaps == JUDGE_ROWS)
		flush_block(identify, block);
	MemoryContextReset(identify->scratch);
}

/* Judge all rows by what the register knows and the entities are. */
void
import_entity_judge(ImportIdentify *identify)
{
	JudgeBlock *block = palloc(sizeof(JudgeBlock));

	import_differ_judge(identify);
	import_events_begin(&identify->conflicts);
	block->context = AllocSetContextCreate(identify->context, "import identify block", ALLOCSET_DEFAULT_SIZES);
	block->nnamed = block->nchanges = block->ngaps = 0;
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

/*-------------------------------------------------------------------------
 *
 * import_register_sql.c
 *	  Analysis of a job: what the register knows of the identifiers of a file.
 *
 * It is asked with the rights of whoever runs the analysis.  A file that has
 * many identifiers, beside the register, is told all that there are; otherwise
 * they are asked for in blocks, by keys that are parameters.  The planner does not
 * look at them: to estimate each costs more than to find it.
 *
 * IDENTIFICATION
 *	  src/import_register_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_identify.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Keys that are asked for at once, and rows that are told at once. */
#define REGISTER_KEYS 50000
#define REGISTER_ROWS 10000

/* With more keys than a part of what the register has, all of it is read. */
#define REGISTER_PART 8

/* $1: values, $2: their type. */
static const char regular_query[] =
"SELECT e.ident::text, e.legal_unit_id, e.establishment_id FROM register.external_ident AS e"
" WHERE e.type_id = $2 AND e.ident = ANY ((SELECT $1)::text[]) AND e.ident IS NOT NULL";

/*
 * As text: row security keeps ltree from the index.  Without one, the keys have
 * to be known when it is planned, or each row would be compared with each.
 */
static const char hierarchical_query[] =
"SELECT e.idents::text, e.legal_unit_id, e.establishment_id FROM register.external_ident AS e"
" WHERE e.type_id = $2 AND e.idents::text = ANY ($1) AND e.idents IS NOT NULL";

/* $1: their type. */
static const char all_regular_query[] =
"SELECT e.ident::text, e.legal_unit_id, e.establishment_id FROM register.external_ident AS e"
" WHERE e.type_id = $1 AND e.ident IS NOT NULL";

static const char all_hierarchical_query[] =
"SELECT e.idents::text, e.legal_unit_id, e.establishment_id FROM register.external_ident AS e"
" WHERE e.type_id = $1 AND e.idents IS NOT NULL";

/* How many identifiers there are, about, without counting. */
static const char size_query[] =
"SELECT CASE WHEN c.relpages > 0 THEN c.reltuples / c.relpages ELSE 100 END"
" * pg_relation_size(c.oid) / current_setting('block_size')::double precision"
" FROM pg_class AS c WHERE c.oid = 'register.external_ident'::regclass";

/* $1: units, $2: the first of them, $3: the last.  Columns: unit, from, until, is it of a legal unit. */
#define LIFE_ORDER " ORDER BY u.id, u.valid_from"

static const char *const legal_unit_queries[2] = {
	"SELECT u.id, u.valid_from, u.valid_until, NULL::boolean FROM register.legal_unit AS u"
	" WHERE u.id = ANY ((SELECT $1)::integer[])" LIFE_ORDER,
	"SELECT u.id, u.valid_from, u.valid_until, NULL::boolean FROM register.legal_unit AS u"
	" WHERE u.id BETWEEN $2 AND $3" LIFE_ORDER
};

static const char *const establishment_queries[2] = {
	"SELECT u.id, u.valid_from, u.valid_until, u.legal_unit_id IS NOT NULL FROM register.establishment AS u"
	" WHERE u.id = ANY ((SELECT $1)::integer[])" LIFE_ORDER,
	"SELECT u.id, u.valid_from, u.valid_until, u.legal_unit_id IS NOT NULL FROM register.establishment AS u"
	" WHERE u.id BETWEEN $2 AND $3" LIFE_ORDER
};

/* $1: legal units, $2: establishments, $3: types. */
static const char held_query[] =
"SELECT e.legal_unit_id, e.establishment_id, e.type_id, coalesce(e.ident, e.idents::text) FROM register.external_ident AS e"
" WHERE e.legal_unit_id = ANY ($1) AND e.type_id = ANY ($3)"
" UNION ALL "
"SELECT e.legal_unit_id, e.establishment_id, e.type_id, coalesce(e.ident, e.idents::text) FROM register.external_ident AS e"
" WHERE e.establishment_id = ANY ($2) AND e.type_id = ANY ($3)";

/* $1: legal units, $2: establishments. */
static const char name_query[] =
"(SELECT DISTINCT ON (u.id) u.id, NULL::integer, NULL::integer, u.name::text FROM register.legal_unit AS u"
" WHERE u.id = ANY ($1) ORDER BY u.id, u.valid_from DESC)"
" UNION ALL "
"(SELECT DISTINCT ON (u.id) NULL, u.id, NULL, u.name FROM register.establishment AS u"
" WHERE u.id = ANY ($2) ORDER BY u.id, u.valid_from DESC)";

/* Keys of a question that is being put. */
typedef struct RegisterKeys
{
	Datum	   *keys;
	int			nkeys;
} RegisterKeys;

static SPIPlanPtr prepare(const char *query, int nargs, Oid *types);
static void execute(SPIPlanPtr plan, Datum *arguments);
static Datum array_of(const RegisterKeys *keys, Oid type);
static int32 result_number(uint64 row, int column);
static void take_known(ImportIdentify *identify, int type);
static double register_size(void);
static void take_all(ImportIdentify *identify, int type);
static void ask_type(ImportIdentify *identify, int type);
static void ask_types(ImportIdentify *identify);
static int	compare_units(const void *a, const void *b);
static int64 find_unit(const ImportIdentify *identify, ImportUnit unit);
static void list_units(ImportIdentify *identify);
static void join_units(ImportIdentify *identify);
static void add_days(ImportIdentify *identify, IdentifyUnit *unit, DateADT from, DateADT until);
static void take_lives(ImportIdentify *identify, bool is_legal, int64 place);
static void ask_block(ImportIdentify *identify, bool is_legal, SPIPlanPtr *plans, const RegisterKeys *keys, int64 place);
static void ask_lives(ImportIdentify *identify, bool is_legal);
static int	compare_held(const void *a, const void *b);
static int	ask_units(const char *query, const ImportUnit *units, int nunits, const IdentifyType *types, int ntypes,
					  IdentifyHeld **held);

/* Prepare a question. */
static SPIPlanPtr
prepare(const char *query, int nargs, Oid *types)
{
	MemoryContext old = CurrentMemoryContext;
	SPIPlanPtr	plan = SPI_prepare_cursor(query, nargs, types, CURSOR_OPT_CUSTOM_PLAN);

	MemoryContextSwitchTo(old);
	if (plan == NULL)
		elog(ERROR, "could not prepare a question to the register: %s", SPI_result_code_string(SPI_result));
	return plan;
}

/* Put it, with parameters of which none is NULL. */
static void
execute(SPIPlanPtr plan, Datum *arguments)
{
	MemoryContext old = CurrentMemoryContext;
	int			result = SPI_execute_plan(plan, arguments, NULL, false, 0);

	MemoryContextSwitchTo(old);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not ask the register: %s", SPI_result_code_string(result));
}

/* The keys as an array. */
static Datum
array_of(const RegisterKeys *keys, Oid type)
{
	if (type == TEXTOID)
		return PointerGetDatum(construct_array(keys->keys, keys->nkeys, TEXTOID, -1, false, TYPALIGN_INT));
	return PointerGetDatum(construct_array(keys->keys, keys->nkeys, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

/* A number of the answer; 0: none. */
static int32
result_number(uint64 row, int column)
{
	bool		is_null;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &is_null);

	return is_null ? 0 : DatumGetInt32(value);
}

/* Remember the units of the identifiers that the answer knows. */
static void
take_known(ImportIdentify *identify, int type)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		is_null;
		text	   *value = DatumGetTextPP(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null));
		int32		legal_unit = result_number(i, 2);
		int32		establishment = result_number(i, 3);
		uint32		node;

		if (!import_idents_find(&identify->idents, type, (SbSlice) {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)}, &node))
			continue;
		import_idents_node(&identify->idents, node)->unit =
			legal_unit != 0 ? IMPORT_LEGAL_UNIT(legal_unit) :
			establishment != 0 ? IMPORT_ESTABLISHMENT(establishment) : IMPORT_UNIT_OTHER;
		identify->nunits += legal_unit != 0 || establishment != 0;
	}
}

/* How many identifiers the register has, about. */
static double
register_size(void)
{
	bool		is_null;
	double		size;

	if (SPI_execute(size_query, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not ask how large the register is");
	size = DatumGetFloat8(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	SPI_freetuptable(SPI_tuptable);
	return size;
}

/* Take all that the register has of a type. */
static void
take_all(ImportIdentify *identify, int type)
{
	const char *query = identify->types[type].is_hierarchical ? all_hierarchical_query : all_regular_query;
	Oid			argument_type = INT4OID;
	Datum		argument = Int32GetDatum(identify->types[type].id);
	MemoryContext old = CurrentMemoryContext;
	Portal		portal = SPI_cursor_open_with_args(NULL, query, 1, &argument_type, &argument, NULL, false, 0);
	bool		goes_on;

	do
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, REGISTER_ROWS);
		goes_on = SPI_processed > 0;
		take_known(identify, type);
		SPI_freetuptable(SPI_tuptable);
	} while (goes_on);
	SPI_cursor_close(portal);
	MemoryContextSwitchTo(old);
}

/* Ask for the identifiers of a type by their values. */
static void
ask_type(ImportIdentify *identify, int type)
{
	Oid			types[2] = {TEXTARRAYOID, INT4OID};
	SPIPlanPtr	plan = prepare(identify->types[type].is_hierarchical ? hierarchical_query : regular_query, 2, types);
	RegisterKeys keys = {palloc(sizeof(Datum) * REGISTER_KEYS), 0};
	MemoryContext block = AllocSetContextCreate(CurrentMemoryContext, "import register", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(block);
	uint32		count = identify->idents.count;

	for (uint32 node = 0; node < count; node++)
	{
		if (import_idents_type(&identify->idents, node) == type)
		{
			SbSlice		value = import_idents_value(&identify->idents, node);

			keys.keys[keys.nkeys++] = PointerGetDatum(cstring_to_text_with_len(value.data, (int) value.len));
		}
		if (keys.nkeys == REGISTER_KEYS || (node + 1 == count && keys.nkeys > 0))
		{
			Datum		arguments[2] = {array_of(&keys, TEXTOID), Int32GetDatum(identify->types[type].id)};

			CHECK_FOR_INTERRUPTS();
			execute(plan, arguments);
			take_known(identify, type);
			SPI_freetuptable(SPI_tuptable);
			MemoryContextReset(block);
			keys.nkeys = 0;
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(block);
	pfree(keys.keys);
	SPI_freeplan(plan);
}

/* Ask for all identifiers of the file, each type in the way that suits it. */
static void
ask_types(ImportIdentify *identify)
{
	int64	   *counts = palloc0(sizeof(int64) * (identify->ntypes + 1));
	double		size = register_size();

	for (uint32 node = 0; node < identify->idents.count; node++)
		counts[import_idents_type(&identify->idents, node)]++;
	for (int i = 0; i < identify->ntypes; i++)
		if (counts[i] > 0 && (double) counts[i] * REGISTER_PART >= size)
			take_all(identify, i);
		else if (counts[i] > 0)
			ask_type(identify, i);
	pfree(counts);
}

/* For qsort(). */
static int
compare_units(const void *a, const void *b)
{
	ImportUnit	x = ((const IdentifyUnit *) a)->unit;
	ImportUnit	y = ((const IdentifyUnit *) b)->unit;

	return x < y ? -1 : x > y;
}

/* Where a unit is in the list; -1: nowhere. */
static int64
find_unit(const ImportIdentify *identify, ImportUnit unit)
{
	int64		low = 0;
	int64		high = identify->nunits - 1;

	while (low <= high)
	{
		int64		middle = low + (high - low) / 2;

		if (identify->units[middle].unit == unit)
			return middle;
		if (identify->units[middle].unit < unit)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return -1;
}

/* List the units that the file mentions, each once, in their order. */
static void
list_units(ImportIdentify *identify)
{
	int64		nunits = 0;
	int64		place = 0;

	identify->units = MemoryContextAllocHuge(identify->ident_context, sizeof(IdentifyUnit) * (identify->nunits + 1));
	for (uint32 node = 0; node < identify->idents.count; node++)
	{
		ImportUnit	unit = import_idents_node(&identify->idents, node)->unit;

		if (unit > IMPORT_UNIT_OTHER)
		{
			memset(&identify->units[nunits], 0, sizeof(IdentifyUnit));
			identify->units[nunits++].unit = unit;
		}
	}
	qsort(identify->units, nunits, sizeof(IdentifyUnit), compare_units);
	for (int64 i = 0; i < nunits; i++)
		if (i == 0 || identify->units[i].unit != identify->units[place - 1].unit)
			identify->units[place++] = identify->units[i];
	identify->nunits = place;
}

/* Identifiers of one unit belong together. */
static void
join_units(ImportIdentify *identify)
{
	for (uint32 node = 0; node < identify->idents.count; node++)
	{
		ImportUnit	unit = import_idents_node(&identify->idents, node)->unit;
		IdentifyUnit *at;

		if (unit <= IMPORT_UNIT_OTHER)
			continue;
		at = &identify->units[find_unit(identify, unit)];
		if (at->info == 0)
			at->info = node + 1;
		else
			import_idents_join(&identify->idents, at->info - 1, node);
	}
	for (int64 i = 0; i < identify->nunits; i++)
		identify->units[i].info = 0;
}

/* The unit exists from then to then, after all that is known of it already. */
static void
add_days(ImportIdentify *identify, IdentifyUnit *unit, DateADT from, DateADT until)
{
	int			ndays = IDENTIFY_UNIT_DAYS(unit->info);
	IdentifyDays days = {from, until};
	IdentifyDays *last = ndays <= 1 ? &unit->days : &identify->more_days[identify->nmore_days - 1];

	if (from >= until)
		return;
	if (ndays > 0 && last->until == from)
	{
		last->until = until;
		return;
	}
	unit->info += 1 << 2;
	if (ndays == 0)
	{
		unit->days = days;
		return;
	}
	if (identify->nmore_days + 2 > identify->max_more_days)
	{
		identify->max_more_days = Max(identify->max_more_days * 2, 1024);
		identify->more_days = identify->more_days == NULL
			? MemoryContextAllocHuge(identify->ident_context, sizeof(IdentifyDays) * identify->max_more_days)
			: repalloc_huge(identify->more_days, sizeof(IdentifyDays) * identify->max_more_days);
	}
	if (ndays == 1)
	{
		identify->more_days[identify->nmore_days++] = unit->days;
		if (identify->nmore_days > PG_INT32_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("the units of the file have too many periods")));
		unit->days.from = (DateADT) (identify->nmore_days - 1);
	}
	identify->more_days[identify->nmore_days++] = days;
}

/*
 * Remember when units exist; the answer has them in their order, and of each the
 * periods.  The first of them that the file mentions is at that place or later.
 */
static void
take_lives(ImportIdentify *identify, bool is_legal, int64 place)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		int32		id = result_number(i, 1);
		ImportUnit	unit = is_legal ? IMPORT_LEGAL_UNIT(id) : IMPORT_ESTABLISHMENT(id);
		bool		is_null;
		bool		is_formal;
		IdentifyUnit *at;

		while (place < identify->nunits && identify->units[place].unit < unit)
			place++;
		if (place == identify->nunits)
			return;
		at = &identify->units[place];
		if (at->unit != unit)
			continue;
		add_days(identify, at, result_number(i, 2), result_number(i, 3));
		is_formal = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 4, &is_null));
		if (is_null)
			continue;
		at->info &= ~(uint32) IDENTIFY_UNIT_IS_FORMAL;
		at->info |= IDENTIFY_UNIT_HAS_FORMAL | (is_formal ? IDENTIFY_UNIT_IS_FORMAL : 0);
	}
}

/* Ask when some units of a kind exist, which are sorted: all from the first to the last when that are not many more. */
static void
ask_block(ImportIdentify *identify, bool is_legal, SPIPlanPtr *plans, const RegisterKeys *keys, int64 place)
{
	int32		first = DatumGetInt32(keys->keys[0]);
	int32		last = DatumGetInt32(keys->keys[keys->nkeys - 1]);
	bool		is_dense = ((int64) last - first) / 2 < keys->nkeys;
	Datum		arguments[3] = {array_of(keys, INT4OID), Int32GetDatum(first), Int32GetDatum(last)};

	CHECK_FOR_INTERRUPTS();
	execute(plans[is_dense ? 1 : 0], arguments);
	take_lives(identify, is_legal, place);
	SPI_freetuptable(SPI_tuptable);
	pfree(DatumGetPointer(arguments[0]));
}

/* Ask when units of a kind exist. */
static void
ask_lives(ImportIdentify *identify, bool is_legal)
{
	Oid			types[3] = {INT4ARRAYOID, INT4OID, INT4OID};
	SPIPlanPtr	plans[2];
	RegisterKeys keys = {palloc(sizeof(Datum) * REGISTER_KEYS), 0};
	int64		place = 0;

	for (int i = 0; i < 2; i++)
		plans[i] = prepare(is_legal ? legal_unit_queries[i] : establishment_queries[i], 3, types);
	for (int64 i = 0; i < identify->nunits; i++)
	{
		ImportUnit	unit = identify->units[i].unit;

		if (import_unit_is_legal(unit) == is_legal)
		{
			if (keys.nkeys == 0)
				place = i;
			keys.keys[keys.nkeys++] = Int32GetDatum(import_unit_id(unit));
		}
		if (keys.nkeys == REGISTER_KEYS || (i + 1 == identify->nunits && keys.nkeys > 0))
		{
			ask_block(identify, is_legal, plans, &keys, place);
			keys.nkeys = 0;
		}
	}
	pfree(keys.keys);
	for (int i = 0; i < 2; i++)
		SPI_freeplan(plans[i]);
}

/* Ask whose the identifiers of the file are, and when those units exist. */
void
import_register_ask(ImportIdentify *identify)
{
	ask_types(identify);
	list_units(identify);
	join_units(identify);
	ask_lives(identify, true);
	ask_lives(identify, false);
}

/* When a unit that the file mentions exists; false: the register does not say. */
bool
import_register_life(const ImportIdentify *identify, ImportUnit unit, IdentifyLife *life)
{
	int64		place = unit > IMPORT_UNIT_OTHER ? find_unit(identify, unit) : -1;
	const IdentifyUnit *at;

	memset(life, 0, sizeof(*life));
	if (place < 0)
		return false;
	at = &identify->units[place];
	life->ndays = IDENTIFY_UNIT_DAYS(at->info);
	life->days = life->ndays <= 1 ? &at->days : &identify->more_days[at->days.from];
	life->has_formal = (at->info & IDENTIFY_UNIT_HAS_FORMAL) != 0;
	life->is_formal = (at->info & IDENTIFY_UNIT_IS_FORMAL) != 0;
	return life->ndays > 0;
}

/* Does the unit exist throughout? */
bool
import_days_cover(const IdentifyLife *life, DateADT from, DateADT until)
{
	for (int i = 0; i < life->ndays; i++)
		if (life->days[i].from <= from && until <= life->days[i].until)
			return true;
	return false;
}

/* Does it exist at any time of it? */
bool
import_days_meet(const IdentifyLife *life, DateADT from, DateADT until)
{
	for (int i = 0; i < life->ndays; i++)
		if (life->days[i].from < until && from < life->days[i].until)
			return true;
	return false;
}

/* For qsort() and bsearch(): by unit, then type. */
static int
compare_held(const void *a, const void *b)
{
	const IdentifyHeld *x = a;
	const IdentifyHeld *y = b;

	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	return x->type < y->type ? -1 : x->type > y->type;
}

/*
 * Ask about some units: $1 are legal units, $2 establishments, $3 types when
 * there are some.  The answer's columns are those of held_query; it is for
 * import_held_find(), in the current memory context.
 */
static int
ask_units(const char *query, const ImportUnit *units, int nunits, const IdentifyType *types, int ntypes, IdentifyHeld **held)
{
	Oid			array_types[3] = {INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID};
	RegisterKeys keys[3];
	Datum		arguments[3];
	MemoryContext context = CurrentMemoryContext;
	int			count;

	for (int i = 0; i < 3; i++)
	{
		keys[i].keys = palloc(sizeof(Datum) * (Max(nunits, ntypes) + 1));
		keys[i].nkeys = 0;
	}
	for (int i = 0; i < nunits; i++)
	{
		RegisterKeys *at = &keys[import_unit_is_legal(units[i]) ? 0 : 1];

		at->keys[at->nkeys++] = Int32GetDatum(import_unit_id(units[i]));
	}
	for (int i = 0; i < ntypes; i++)
		keys[2].keys[keys[2].nkeys++] = Int32GetDatum(types[i].id);
	for (int i = 0; i < 3; i++)
		arguments[i] = array_of(&keys[i], INT4OID);
	if (SPI_execute_with_args(query, types == NULL ? 2 : 3, array_types, arguments, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not ask about units");
	MemoryContextSwitchTo(context);
	count = (int) SPI_processed;
	*held = palloc(sizeof(IdentifyHeld) * (count + 1));
	for (int i = 0; i < count; i++)
	{
		IdentifyHeld *at = &(*held)[i];
		int32		legal_unit = result_number(i, 1);
		char	   *value = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 4);

		at->unit = legal_unit != 0 ? IMPORT_LEGAL_UNIT(legal_unit) : IMPORT_ESTABLISHMENT(result_number(i, 2));
		for (at->type = 0; at->type < ntypes && types[at->type].id != result_number(i, 3);)
			at->type++;
		at->value.data = value;
		at->value.len = strlen(value);
	}
	SPI_freetuptable(SPI_tuptable);
	qsort(*held, count, sizeof(IdentifyHeld), compare_held);
	return count;
}

/* Which identifiers of the types of the file the register holds of some units. */
int
import_register_held(ImportIdentify *identify, const ImportUnit *units, int nunits, IdentifyHeld **held)
{
	return ask_units(held_query, units, nunits, identify->types, identify->ntypes, held);
}

/* What units are called now, or were last; as if it were an identifier of the first type. */
int
import_register_names(const ImportUnit *units, int nunits, IdentifyHeld **names)
{
	return ask_units(name_query, units, nunits, NULL, 0, names);
}

/* The identifier of a type that the register holds of a unit; NULL: none. */
const IdentifyHeld *
import_held_find(const IdentifyHeld *held, int nheld, ImportUnit unit, int type)
{
	IdentifyHeld key = {unit, type, {NULL, 0}};

	return bsearch(&key, held, nheld, sizeof(IdentifyHeld), compare_held);
}

/*-------------------------------------------------------------------------
 *
 * import_codes_sql.c
 *	  Analysis of a job: code lists in hash tables, and the server's Unicode.
 *
 * IDENTIFICATION
 *	  src/import_codes_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_analyse.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/unicode_norm.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/formatting.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

/* Columns of a list. */
enum
{
	LIST_CODE = 1,
	LIST_ID,
	LIST_ENABLED,
	LIST_IS_LEAF,
	LIST_FROM,
	LIST_UNTIL,
	LIST_SUCCESSOR,
	LIST_IS_PREFERRED
};

/* What a code means at some time. */
typedef struct CodeMeaning
{
	ImportCode	known;
	ImportPeriod own;			/* known.in_force is as long as the code has
								 * some meaning without a gap */
	bool		is_preferred;
	struct CodeMeaning *next;	/* of the same code; NULL: none */
} CodeMeaning;

/* A code of a list. */
typedef struct CodeEntry
{
	SbSlice		code;
	CodeMeaning meaning;
	uint32		hash;
	char		status;
} CodeEntry;

#define SH_PREFIX codes
#define SH_ELEMENT_TYPE CodeEntry
#define SH_KEY_TYPE SbSlice
#define SH_KEY code
#define SH_HASH_KEY(table, key) hash_bytes((const unsigned char *) (key).data, (int) (key).len)
#define SH_EQUAL(table, a, b) ((a).len == (b).len && memcmp((a).data, (b).data, (a).len) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* What a country may also be called. */
typedef struct CountryName
{
	SbSlice		name;
	int32		place;			/* of the country; the first one counts */
	SbSlice		iso_2;
	uint32		hash;
	char		status;
} CountryName;

#define SH_PREFIX names
#define SH_ELEMENT_TYPE CountryName
#define SH_KEY_TYPE SbSlice
#define SH_KEY name
#define SH_HASH_KEY(table, key) hash_bytes((const unsigned char *) (key).data, (int) (key).len)
#define SH_EQUAL(table, a, b) ((a).len == (b).len && memcmp((a).data, (b).data, (a).len) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* A list; of countries, also what a country is meant by. */
typedef struct CodeList
{
	codes_hash *codes;
	bool		has_several;	/* some code has several meanings */
	names_hash *upper_names;	/* iso_2 and iso_3: asked in capitals */
	names_hash *names;			/* asked as they are */
} CodeList;

static int32 result_day(HeapTuple tuple, TupleDesc desc, int column, int32 otherwise);
static void add_code(CodeList *list, HeapTuple tuple, TupleDesc desc, MemoryContext context);
static void join_meanings(CodeEntry *entry);
static SbSlice kept_slice(Datum value, MemoryContext context);
static void add_name(names_hash *names, SbSlice name, int32 place, SbSlice iso_2);
static void load_countries(CodeList *list, MemoryContext context);
static int	fitness(const CodeMeaning *meaning, const ImportPeriod *period);

/* A text of a result of SPI, kept. */
static SbSlice
kept_slice(Datum value, MemoryContext context)
{
	text	   *packed = DatumGetTextPP(value);
	SbSlice		slice;
	char	   *copy;

	slice.len = VARSIZE_ANY_EXHDR(packed);
	copy = MemoryContextAlloc(context, slice.len + 1);
	memcpy(copy, VARDATA_ANY(packed), slice.len);
	copy[slice.len] = '\0';
	slice.data = copy;
	return slice;
}

/* Let a name mean a country, unless it means one already. */
static void
add_name(names_hash *names, SbSlice name, int32 place, SbSlice iso_2)
{
	bool		found;
	CountryName *entry = names_insert(names, name, &found);

	if (found)
		return;
	entry->place = place;
	entry->iso_2 = iso_2;
}

/* Other ways to write countries, in the order of which is meant when several fit. */
static void
load_countries(CodeList *list, MemoryContext context)
{
	if (SPI_execute("SELECT c.iso_2, c.iso_3, c.name FROM register.country AS c ORDER BY c.id", false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the countries");
	list->upper_names = names_create(context, 512, NULL);
	list->names = names_create(context, 512, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		SbSlice		parts[3];

		for (int j = 0; j < 3; j++)
		{
			bool		is_null;

			parts[j] = kept_slice(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, j + 1, &is_null), context);
		}
		add_name(list->upper_names, parts[0], (int32) i, parts[0]);
		add_name(list->upper_names, parts[1], (int32) i, parts[0]);
		add_name(list->names, parts[2], (int32) i, parts[0]);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* A date of a result of SPI; NULL is some other one. */
static int32
result_day(HeapTuple tuple, TupleDesc desc, int column, int32 otherwise)
{
	bool		is_null;
	Datum		value = SPI_getbinval(tuple, desc, column, &is_null);

	return is_null ? otherwise : DatumGetDateADT(value);
}

/* Keep a code, beside other meanings that it has. */
static void
add_code(CodeList *list, HeapTuple tuple, TupleDesc desc, MemoryContext context)
{
	CodeMeaning meaning = {0};
	CodeEntry  *entry;
	Datum		successor;
	bool		is_null;
	bool		found;

	meaning.known.id = DatumGetInt32(SPI_getbinval(tuple, desc, LIST_ID, &is_null));
	meaning.known.enabled = DatumGetBool(SPI_getbinval(tuple, desc, LIST_ENABLED, &is_null)) && !is_null;
	meaning.known.is_leaf = DatumGetBool(SPI_getbinval(tuple, desc, LIST_IS_LEAF, &is_null)) && !is_null;
	meaning.own.from = result_day(tuple, desc, LIST_FROM, IMPORT_SINCE_EVER);
	meaning.own.until = result_day(tuple, desc, LIST_UNTIL, IMPORT_FOR_EVER);
	meaning.known.in_force = meaning.own;
	successor = SPI_getbinval(tuple, desc, LIST_SUCCESSOR, &is_null);
	if (!is_null)
		meaning.known.successor = kept_slice(successor, context);
	meaning.is_preferred = DatumGetBool(SPI_getbinval(tuple, desc, LIST_IS_PREFERRED, &is_null)) && !is_null;

	entry = codes_insert(list->codes, kept_slice(SPI_getbinval(tuple, desc, LIST_CODE, &is_null), context), &found);
	if (found)
	{
		meaning.next = MemoryContextAlloc(context, sizeof(CodeMeaning));
		*meaning.next = entry->meaning;
		list->has_several = true;
	}
	entry->meaning = meaning;
}

/* How long a code has some meaning without a gap, for each of its meanings. */
static void
join_meanings(CodeEntry *entry)
{
	for (CodeMeaning *a = &entry->meaning; a != NULL; a = a->next)
	{
		ImportPeriod *joined = &a->known.in_force;
		ImportPeriod before;

		do
		{
			before = *joined;
			for (const CodeMeaning *b = &entry->meaning; b != NULL; b = b->next)
				if (b->own.from <= joined->until && b->own.until >= joined->from)
				{
					joined->from = Min(joined->from, b->own.from);
					joined->until = Max(joined->until, b->own.until);
				}
		} while (before.from != joined->from || before.until != joined->until);
	}
}

/*
 * Read a code list that import.code_list_sql() knows.  The result is for
 * import_codes_lookup() and, of countries, import_codes_suggest().
 */
void *
import_codes_load(const char *name, MemoryContext context)
{
	CodeList   *list = MemoryContextAllocZero(context, sizeof(CodeList));
	Oid			type = TEXTOID;
	Datum		argument = CStringGetTextDatum(name);
	char	   *query;

	if (SPI_execute_with_args("SELECT import.code_list_sql($1)", 1, &type, &argument, NULL, false, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "could not ask for code list %s", name);
	query = psprintf("SELECT l.code::text, l.id, l.enabled, l.is_leaf, l.valid_from, l.valid_until, l.successor_code, l.is_preferred FROM %s AS l",
					 SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
	SPI_freetuptable(SPI_tuptable);

	if (SPI_execute(query, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read code list %s", name);
	list->codes = codes_create(context, (uint32) Min(SPI_processed, 1000000), NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_code(list, SPI_tuptable->vals[i], SPI_tuptable->tupdesc, context);
	}
	SPI_freetuptable(SPI_tuptable);
	pfree(query);
	if (list->has_several)
	{
		codes_iterator iterator;
		CodeEntry  *entry;

		codes_start_iterate(list->codes, &iterator);
		while ((entry = codes_iterate(list->codes, &iterator)) != NULL)
			join_meanings(entry);
	}
	if (strcmp(name, "country") == 0)
		load_countries(list, context);
	return list;
}

/* How well a meaning fits a period: throughout, at some time, or as what is preferred. */
static int
fitness(const CodeMeaning *meaning, const ImportPeriod *period)
{
	int			fit = meaning->is_preferred ? 1 : 0;

	if (period == NULL)
		return fit;
	if (meaning->own.from <= period->from && meaning->own.until >= period->until)
		fit += 4;
	else if (meaning->own.from < period->until && meaning->own.until > period->from)
		fit += 2;
	return fit;
}

/* See ImportPlan.lookup. */
bool
import_codes_lookup(void *codes, SbSlice value, const ImportPeriod *period, ImportCode *code)
{
	CodeEntry  *entry = codes_lookup(((CodeList *) codes)->codes, value);
	const CodeMeaning *best;

	if (entry == NULL)
		return false;
	best = &entry->meaning;
	for (const CodeMeaning *m = best->next; m != NULL; m = m->next)
		if (fitness(m, period) > fitness(best, period))
			best = m;
	*code = best->known;
	return true;
}

/* See ImportPlan.suggest. */
bool
import_codes_suggest(void *codes, SbSlice value, SbSlice *suggestion)
{
	CodeList   *list = codes;
	char	   *capitals = str_toupper(value.data, value.len, DEFAULT_COLLATION_OID);
	SbSlice		upper = {capitals, strlen(capitals)};
	CountryName *by_code = names_lookup(list->upper_names, upper);
	CountryName *by_name = names_lookup(list->names, value);

	pfree(capitals);
	if (by_code == NULL || (by_name != NULL && by_name->place < by_code->place))
		by_code = by_name;
	if (by_code == NULL)
		return false;
	*suggestion = by_code->iso_2;
	return true;
}

/* See ImportPlan.normalise.  What is composed already is the value itself. */
SbSlice
import_normalise(void *arg, SbSlice value)
{
	pg_wchar	room[256];
	pg_wchar   *wide = room;
	SbSlice		result = value;
	Datum		composed;
	text	   *packed;

	(void) arg;
	if (value.len >= lengthof(room))
		wide = palloc(sizeof(pg_wchar) * (value.len + 1));
	pg_mb2wchar_with_len(value.data, wide, (int) value.len);
	if (GetDatabaseEncoding() != PG_UTF8 ||
		unicode_is_normalized_quickcheck(UNICODE_NFC, wide) != UNICODE_NORM_QC_YES)
	{
		composed = DirectFunctionCall2(unicode_normalize_func,
									   PointerGetDatum(cstring_to_text_with_len(value.data, (int) value.len)),
									   CStringGetTextDatum("NFC"));
		packed = DatumGetTextPP(composed);
		result.data = VARDATA_ANY(packed);
		result.len = VARSIZE_ANY_EXHDR(packed);
	}
	if (wide != room)
		pfree(wide);
	return result;
}

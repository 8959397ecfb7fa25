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
#include "import_suggest.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/unicode_norm.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

/* Different wrong values of a list for which something is suggested, and the bytes of one. */
#define MAX_GUESSES 4096
#define MAX_GUESS_BYTES 256

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
	LIST_IS_PREFERRED,
	LIST_NAMES
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

/* A text in a hash table: a code of a list, a wrong value, a code of other lists of the same kind. */
typedef struct CodeEntry
{
	SbSlice		text;
	union
	{
		CodeMeaning meaning;
		SbSlice		suggestion; /* NULL data: nothing */
		uint32		lists;		/* a bit for each */
	}			is;
	uint32		hash;
	char		status;
} CodeEntry;

#define SH_PREFIX codes
#define SH_ELEMENT_TYPE CodeEntry
#define SH_KEY_TYPE SbSlice
#define SH_KEY text
#define SH_HASH_KEY(table, key) hash_bytes((const unsigned char *) (key).data, (int) (key).len)
#define SH_EQUAL(table, a, b) ((a).len == (b).len && memcmp((a).data, (b).data, (a).len) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* A list. */
typedef struct CodeList
{
	MemoryContext context;
	codes_hash *codes;
	bool		has_several;	/* some code has several meanings */
	SuggestList suggestions;
	codes_hash *guesses;		/* what is suggested for values that occurred */
	codes_hash *others;			/* which other lists have a code; NULL: there
								 * are none */
	SbSlice		other_names[IMPORT_MAX_OTHERS];
} CodeList;

static int32 result_day(HeapTuple tuple, TupleDesc desc, int column, int32 otherwise);
static void add_code(CodeList *list, HeapTuple tuple, TupleDesc desc);
static void join_meanings(CodeEntry *entry);
static SbSlice kept_slice(Datum value, MemoryContext context);
static void *list_alloc(void *arg, size_t size);
static void add_names(CodeList *list, SbSlice code, Datum names);
static void load_standards(CodeList *list);
static CodeEntry *make_guess(CodeList *list, SbSlice value);
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

/* See SuggestList.alloc: what is kept as long as the list. */
static void *
list_alloc(void *arg, size_t size)
{
	return MemoryContextAlloc(((CodeList *) arg)->context, size);
}

/* A date of a result of SPI; NULL is some other one. */
static int32
result_day(HeapTuple tuple, TupleDesc desc, int column, int32 otherwise)
{
	bool		is_null;
	Datum		value = SPI_getbinval(tuple, desc, column, &is_null);

	return is_null ? otherwise : DatumGetDateADT(value);
}

/* What a code may be suggested for, beside itself. */
static void
add_names(CodeList *list, SbSlice code, Datum names)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(names), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		text	   *name;

		if (nulls[i])
			continue;
		name = DatumGetTextPP(elements[i]);
		suggest_add(&list->suggestions, code, (SbSlice) {VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)}, true);
	}
}

/* Keep a code, beside other meanings that it has. */
static void
add_code(CodeList *list, HeapTuple tuple, TupleDesc desc)
{
	CodeMeaning meaning = {0};
	CodeEntry  *entry;
	Datum		successor;
	Datum		names;
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
		meaning.known.successor = kept_slice(successor, list->context);
	meaning.is_preferred = DatumGetBool(SPI_getbinval(tuple, desc, LIST_IS_PREFERRED, &is_null)) && !is_null;

	entry = codes_insert(list->codes, kept_slice(SPI_getbinval(tuple, desc, LIST_CODE, &is_null), list->context), &found);
	if (meaning.known.enabled)
	{
		suggest_add(&list->suggestions, entry->text, entry->text, false);
		names = SPI_getbinval(tuple, desc, LIST_NAMES, &is_null);
		if (!is_null)
			add_names(list, entry->text, names);
	}
	if (found)
	{
		meaning.next = MemoryContextAlloc(list->context, sizeof(CodeMeaning));
		*meaning.next = entry->is.meaning;
		list->has_several = true;
	}
	entry->is.meaning = meaning;
}

/* How long a code has some meaning without a gap, for each of its meanings. */
static void
join_meanings(CodeEntry *entry)
{
	for (CodeMeaning *a = &entry->is.meaning; a != NULL; a = a->next)
	{
		ImportPeriod *joined = &a->known.in_force;
		ImportPeriod before;

		do
		{
			before = *joined;
			for (const CodeMeaning *b = &entry->is.meaning; b != NULL; b = b->next)
				if (b->own.from <= joined->until && b->own.until >= joined->from)
				{
					joined->from = Min(joined->from, b->own.from);
					joined->until = Max(joined->until, b->own.until);
				}
		} while (before.from != joined->from || before.until != joined->until);
	}
}

/* The codes of standards of activities other than the register's own. */
static void
load_standards(CodeList *list)
{
	int			count = -1;
	int32		last = 0;

	if (SPI_execute("SELECT c.standard_id, s.name, c.code FROM register.activity_category AS c"
					" JOIN register.activity_category_standard AS s ON s.id = c.standard_id"
					" WHERE c.enabled AND c.code IS NOT NULL"
					" AND c.standard_id <> (SELECT g.activity_category_standard_id FROM register.settings AS g) ORDER BY c.standard_id",
					false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the standards of activities");
	list->others = codes_create(list->context, (uint32) Min(SPI_processed, 100000), NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		is_null;
		bool		found;
		int32		standard = DatumGetInt32(SPI_getbinval(tuple, desc, 1, &is_null));
		CodeEntry  *other;

		if (count < 0 || standard != last)
		{
			if (++count == IMPORT_MAX_OTHERS)
				break;
			list->other_names[count] = kept_slice(SPI_getbinval(tuple, desc, 2, &is_null), list->context);
			last = standard;
		}
		other = codes_insert(list->others, kept_slice(SPI_getbinval(tuple, desc, 3, &is_null), list->context), &found);
		other->is.lists = (found ? other->is.lists : 0) | (uint32) 1 << count;
	}
	SPI_freetuptable(SPI_tuptable);
}

/* See ImportPlan.elsewhere. */
uint32_t
import_codes_elsewhere(void *codes, SbSlice value)
{
	CodeList   *list = codes;
	const CodeEntry *other = list->others == NULL ? NULL : codes_lookup(list->others, value);

	return other == NULL ? 0 : other->is.lists;
}

/* See ImportPlan.other_name. */
SbSlice
import_codes_other_name(void *codes, int other)
{
	return ((CodeList *) codes)->other_names[other];
}

/*
 * Read a code list that import.code_list_sql() knows.  The result is for
 * import_codes_lookup() and import_codes_suggest().
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
	query = psprintf("SELECT l.code::text, l.id, l.enabled, l.is_leaf, l.valid_from, l.valid_until, l.successor_code, l.is_preferred, l.names FROM %s AS l",
					 SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
	SPI_freetuptable(SPI_tuptable);

	if (SPI_execute(query, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read code list %s", name);
	list->context = context;
	suggest_begin(&list->suggestions, list_alloc, list);
	list->guesses = codes_create(context, 64, NULL);
	list->codes = codes_create(context, (uint32) Min(SPI_processed, 1000000), NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_code(list, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
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
	if (strcmp(name, "activity_category") == 0)
		load_standards(list);
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
	best = &entry->is.meaning;
	for (const CodeMeaning *m = best->next; m != NULL; m = m->next)
		if (fitness(m, period) > fitness(best, period))
			best = m;
	*code = best->known;
	return true;
}

/*
 * What is suggested for a value, found out once.  NULL: there have been too
 * many different ones.
 */
static CodeEntry *
make_guess(CodeList *list, SbSlice value)
{
	CodeEntry  *guess = codes_lookup(list->guesses, value);
	SbSlice		kept = {NULL, value.len};
	bool		found;
	char	   *copy;

	if (guess != NULL)
		return guess;
	if (list->guesses->members >= MAX_GUESSES || value.len > MAX_GUESS_BYTES)
		return NULL;
	copy = MemoryContextAlloc(list->context, value.len + 1);
	memcpy(copy, value.data, value.len);
	kept.data = copy;
	guess = codes_insert(list->guesses, kept, &found);
	if (!suggest_find(&list->suggestions, kept, &guess->is.suggestion))
		guess->is.suggestion.data = NULL;
	return guess;
}

/* See ImportPlan.suggest. */
bool
import_codes_suggest(void *codes, SbSlice value, const ImportPeriod *period, SbSlice *suggestion)
{
	const CodeEntry *guess = make_guess(codes, value);
	ImportCode	code;

	if (guess == NULL || guess->is.suggestion.data == NULL ||
		!import_codes_lookup(codes, guess->is.suggestion, period, &code) || !code.enabled)
		return false;
	if (period != NULL && (period->from >= code.in_force.until || period->until <= code.in_force.from))
		return false;
	*suggestion = guess->is.suggestion;
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

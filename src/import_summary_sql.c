/*-------------------------------------------------------------------------
 *
 * import_summary_sql.c
 *	  The findings of a job, counted: import.finding_summary().
 *
 * One pass over the packed findings.  Faults, which are code, column and
 * severity, are few and stay in memory.  Values are counted in a table of at
 * most work_mem; what it holds when it is full goes to a sort, which adds up
 * what is equal at the end.
 *
 * IDENTIFICATION
 *	  src/import_summary_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "statbus.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/tuplesort.h"

#define FIRST_ROWS 10
#define TOP_VALUES 20

/* Rows that the query gives at once. */
#define READER_ROWS 1000

/* Columns of the result. */
#define SUMMARY_COLUMNS 9

/* A value of a fault. */
typedef struct SummaryKey
{
	int			fault;
	int			len;
	const char *value;
} SummaryKey;

/* How often it occurs. */
typedef struct SummaryValue
{
	SummaryKey	key;
	int64		count;
	uint32		hash;
	char		status;			/* of the hash table */
} SummaryValue;

/* The hash of a value. */
static inline uint32
hash_key(SummaryKey key)
{
	return hash_bytes((const unsigned char *) key.value, key.len) ^ murmurhash32((uint32) key.fault);
}

/* Are two values the same? */
static inline bool
equal_keys(SummaryKey a, SummaryKey b)
{
	return a.fault == b.fault && a.len == b.len && memcmp(a.value, b.value, a.len) == 0;
}

#define SH_PREFIX summary_values
#define SH_ELEMENT_TYPE SummaryValue
#define SH_KEY_TYPE SummaryKey
#define SH_KEY key
#define SH_HASH_KEY(table, key) hash_key(key)
#define SH_EQUAL(table, a, b) equal_keys(a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* The smallest numbers, in order. */
typedef struct SummaryFirst
{
	int			count;
	int64		numbers[FIRST_ROWS];
} SummaryFirst;

/* A code, column and severity; NULL: none. */
typedef struct SummaryFault
{
	uint32		hash;
	char	   *texts[3];
	int64		nfindings;
	int64		nrows;
	int64		last_row;
	SummaryFirst rows;
	SummaryFirst lines;
	int64		nvalues;
	SummaryKey	top[TOP_VALUES];
	int64		top_counts[TOP_VALUES];
	int			ntop;
} SummaryFault;

/* The whole. */
typedef struct Summary
{
	MemoryContext context;
	MemoryContext values_context;	/* of the table of values */
	MemoryContext batch;		/* of the findings that are being read */
	SummaryFault *faults;
	int			nfaults;
	int			room;
	summary_values_hash *values;
	TupleDesc	sort_desc;
	Tuplesortstate *sort;		/* NULL: all values are in the table */
} Summary;

static void add_first(SummaryFirst *first, int64 number);
static char *copy_text(Summary *summary, const JsonbValue *value);
static bool same_text(const char *text, const JsonbValue *value);
static int	find_fault(Summary *summary, JsonbValue *texts);
static void new_values(Summary *summary);
static void open_sort(Summary *summary);
static void flush_values(Summary *summary);
static void add_value(Summary *summary, int fault, const JsonbValue *value);
static void add_finding(Summary *summary, JsonbContainer *finding, int64 row_id, bool has_line, int64 line);
static void read_findings(Summary *summary, int32 job_id);
static void count_value(Summary *summary, SummaryKey key, int64 count);
static void count_values(Summary *summary);
static Datum numbers_datum(const SummaryFirst *first);
static Datum top_datum(const SummaryFault *fault);
static void put_faults(Summary *summary, ReturnSetInfo *result);

/* Keep a number if it is one of the smallest, once. */
static void
add_first(SummaryFirst *first, int64 number)
{
	int			place = first->count;

	while (place > 0 && first->numbers[place - 1] >= number)
		place--;
	if (place == FIRST_ROWS || (place < first->count && first->numbers[place] == number))
		return;
	if (first->count < FIRST_ROWS)
		first->count++;
	memmove(&first->numbers[place + 1], &first->numbers[place], sizeof(int64) * (first->count - 1 - place));
	first->numbers[place] = number;
}

/* A text that lives as long as the summary; NULL: it is none. */
static char *
copy_text(Summary *summary, const JsonbValue *value)
{
	char	   *copy;

	if (value->type != jbvString)
		return NULL;
	copy = MemoryContextAlloc(summary->context, value->val.string.len + 1);
	memcpy(copy, value->val.string.val, value->val.string.len);
	copy[value->val.string.len] = '\0';
	return copy;
}

/* Is a text what a finding says? */
static bool
same_text(const char *text, const JsonbValue *value)
{
	if (text == NULL || value->type != jbvString)
		return text == NULL && value->type != jbvString;
	return strlen(text) == (size_t) value->val.string.len && memcmp(text, value->val.string.val, value->val.string.len) == 0;
}

/* Which fault this is: code, column and severity. */
static int
find_fault(Summary *summary, JsonbValue *texts)
{
	SummaryFault *fault;
	uint32		hash = 0;

	for (int i = 0; i < 3; i++)
		hash = hash_combine(hash, texts[i].type != jbvString ? 0
							: hash_bytes((unsigned char *) texts[i].val.string.val, texts[i].val.string.len));
	for (int i = 0; i < summary->nfaults; i++)
	{
		fault = &summary->faults[i];
		if (fault->hash == hash && same_text(fault->texts[0], &texts[0]) &&
			same_text(fault->texts[1], &texts[1]) && same_text(fault->texts[2], &texts[2]))
			return i;
	}
	if (summary->nfaults == summary->room)
	{
		summary->room *= 2;
		summary->faults = repalloc(summary->faults, sizeof(SummaryFault) * summary->room);
	}
	fault = &summary->faults[summary->nfaults];
	memset(fault, 0, sizeof(*fault));
	fault->hash = hash;
	fault->last_row = -1;
	for (int i = 0; i < 3; i++)
		fault->texts[i] = copy_text(summary, &texts[i]);
	return summary->nfaults++;
}

/* An empty table of values. */
static void
new_values(Summary *summary)
{
	MemoryContextReset(summary->values_context);
	summary->values = summary_values_create(summary->values_context, 256, NULL);
}

/* Begin to sort what the table cannot hold: fault, value, count. */
static void
open_sort(Summary *summary)
{
	AttrNumber	columns[2] = {1, 2};
	Oid			less[2] = {Int4LessOperator, TextLessOperator};
	Oid			collations[2] = {InvalidOid, C_COLLATION_OID};
	bool		nulls_first[2] = {false, false};

	summary->sort_desc = CreateTemplateTupleDesc(3);
	TupleDescInitEntry(summary->sort_desc, 1, "fault", INT4OID, -1, 0);
	TupleDescInitEntry(summary->sort_desc, 2, "value", TEXTOID, -1, 0);
	TupleDescInitEntry(summary->sort_desc, 3, "count", INT8OID, -1, 0);
	TupleDescInitEntryCollation(summary->sort_desc, 2, C_COLLATION_OID);
	summary->sort = tuplesort_begin_heap(summary->sort_desc, 2, columns, less, collations, nulls_first, work_mem, NULL, TUPLESORT_NONE);
}

/* Give the table to the sort, and begin a new one. */
static void
flush_values(Summary *summary)
{
	MemoryContext old = MemoryContextSwitchTo(summary->context);
	TupleTableSlot *slot;
	summary_values_iterator iterator;
	SummaryValue *entry;

	if (summary->sort == NULL)
		open_sort(summary);
	slot = MakeSingleTupleTableSlot(summary->sort_desc, &TTSOpsVirtual);
	summary_values_start_iterate(summary->values, &iterator);
	while ((entry = summary_values_iterate(summary->values, &iterator)) != NULL)
	{
		text	   *value = cstring_to_text_with_len(entry->key.value, entry->key.len);

		ExecClearTuple(slot);
		slot->tts_values[0] = Int32GetDatum(entry->key.fault);
		slot->tts_values[1] = PointerGetDatum(value);
		slot->tts_values[2] = Int64GetDatum(entry->count);
		memset(slot->tts_isnull, 0, sizeof(bool) * 3);
		ExecStoreVirtualTuple(slot);
		tuplesort_puttupleslot(summary->sort, slot);
		pfree(value);
	}
	ExecDropSingleTupleTableSlot(slot);
	new_values(summary);
	MemoryContextSwitchTo(old);
}

/* Count a value of a fault. */
static void
add_value(Summary *summary, int fault, const JsonbValue *value)
{
	SummaryKey	key = {fault, value->val.string.len, value->val.string.val};
	SummaryValue *entry;
	bool		found;

	entry = summary_values_insert(summary->values, key, &found);
	if (found)
	{
		entry->count++;
		return;
	}
	entry->count = 1;
	entry->key.value = MemoryContextAlloc(summary->values_context, key.len + 1);
	memcpy((char *) entry->key.value, key.value, key.len);
	if (MemoryContextMemAllocated(summary->values_context, true) > (Size) work_mem * 1024)
		flush_values(summary);
}

/* Count a finding. */
static void
add_finding(Summary *summary, JsonbContainer *finding, int64 row_id, bool has_line, int64 line)
{
	static const char *const keys[] = {"code", "column", "severity"};
	JsonbValue	texts[3];
	JsonbValue	value;
	SummaryFault *fault;
	int			place;

	for (int i = 0; i < 3; i++)
		if (getKeyJsonValueFromContainer(finding, keys[i], (int) strlen(keys[i]), &texts[i]) == NULL)
			texts[i].type = jbvNull;
	place = find_fault(summary, texts);
	fault = &summary->faults[place];
	fault->nfindings++;
	if (fault->last_row != row_id)
	{
		fault->last_row = row_id;
		fault->nrows++;
		add_first(&fault->rows, row_id);
		if (has_line)
			add_first(&fault->lines, line);
	}
	if (getKeyJsonValueFromContainer(finding, "value", 5, &value) != NULL && value.type == jbvString)
		add_value(summary, place, &value);
}

/* Read all findings of the job that the caller may see. */
static void
read_findings(Summary *summary, int32 job_id)
{
	Oid			type = INT4OID;
	Datum		argument = Int32GetDatum(job_id);
	Portal		portal = SPI_cursor_open_with_args(NULL, "SELECT b.row_id, b.source_line, b.findings FROM import.bad_row AS b WHERE b.job_id = $1",
												   1, &type, &argument, NULL, true, 0);
	MemoryContext old;

	for (;;)
	{
		SPI_cursor_fetch(portal, true, READER_ROWS);
		if (SPI_processed == 0)
			break;
		old = MemoryContextSwitchTo(summary->batch);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			HeapTuple	tuple = SPI_tuptable->vals[i];
			TupleDesc	desc = SPI_tuptable->tupdesc;
			bool		is_null;
			bool		no_line;
			int64		row_id = DatumGetInt64(SPI_getbinval(tuple, desc, 1, &is_null));
			Datum		line = SPI_getbinval(tuple, desc, 2, &no_line);
			Jsonb	   *findings = DatumGetJsonbP(SPI_getbinval(tuple, desc, 3, &is_null));
			uint32		count = JsonContainerSize(&findings->root);

			CHECK_FOR_INTERRUPTS();
			for (uint32 j = 0; j < count; j++)
			{
				JsonbValue *finding = getIthJsonbValueFromContainer(&findings->root, j);

				if (finding->type == jbvBinary && JsonContainerIsObject(finding->val.binary.data))
					add_finding(summary, finding->val.binary.data, row_id, !no_line, no_line ? 0 : DatumGetInt64(line));
			}
		}
		MemoryContextSwitchTo(old);
		MemoryContextReset(summary->batch);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_freetuptable(SPI_tuptable);
	SPI_cursor_close(portal);
}

/* A value that occurs so often in all: one more of its fault, and perhaps one of its most frequent. */
static void
count_value(Summary *summary, SummaryKey key, int64 count)
{
	SummaryFault *fault = &summary->faults[key.fault];
	int			place = fault->ntop;

	fault->nvalues++;
	for (; place > 0; place--)
	{
		const SummaryKey *other = &fault->top[place - 1];
		int			order = memcmp(key.value, other->value, Min(key.len, other->len));

		if (fault->top_counts[place - 1] > count)
			break;
		if (fault->top_counts[place - 1] == count && (order != 0 ? order > 0 : key.len > other->len))
			break;
	}
	if (place == TOP_VALUES)
		return;
	if (fault->ntop < TOP_VALUES)
		fault->ntop++;
	memmove(&fault->top[place + 1], &fault->top[place], sizeof(SummaryKey) * (fault->ntop - 1 - place));
	memmove(&fault->top_counts[place + 1], &fault->top_counts[place], sizeof(int64) * (fault->ntop - 1 - place));
	fault->top[place] = key;
	fault->top[place].value = MemoryContextAlloc(summary->context, key.len + 1);
	memcpy((char *) fault->top[place].value, key.value, key.len);
	fault->top_counts[place] = count;
}

/* All values, in the order of the sort where there is one. */
static void
count_values(Summary *summary)
{
	summary_values_iterator iterator;
	SummaryValue *entry;
	TupleTableSlot *slot;
	SummaryKey	key = {-1, 0, NULL};
	char	   *room = NULL;
	int64		count = 0;

	if (summary->sort == NULL)
	{
		summary_values_start_iterate(summary->values, &iterator);
		while ((entry = summary_values_iterate(summary->values, &iterator)) != NULL)
			count_value(summary, entry->key, entry->count);
		return;
	}
	flush_values(summary);
	tuplesort_performsort(summary->sort);
	slot = MakeSingleTupleTableSlot(summary->sort_desc, &TTSOpsMinimalTuple);
	while (tuplesort_gettupleslot(summary->sort, true, false, slot, NULL))
	{
		SummaryKey	next;
		text	   *value;

		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		value = DatumGetTextPP(slot->tts_values[1]);
		next = (SummaryKey) {DatumGetInt32(slot->tts_values[0]), VARSIZE_ANY_EXHDR(value), VARDATA_ANY(value)};
		if (key.fault >= 0 && equal_keys(key, next))
		{
			count += DatumGetInt64(slot->tts_values[2]);
			continue;
		}
		if (key.fault >= 0)
			count_value(summary, key, count);
		if (room != NULL)
			pfree(room);
		room = pnstrdup(next.value, next.len);
		key = (SummaryKey) {next.fault, next.len, room};
		count = DatumGetInt64(slot->tts_values[2]);
	}
	if (key.fault >= 0)
		count_value(summary, key, count);
	ExecDropSingleTupleTableSlot(slot);
	tuplesort_end(summary->sort);
}

/* Numbers as an array. */
static Datum
numbers_datum(const SummaryFirst *first)
{
	Datum		numbers[FIRST_ROWS];

	for (int i = 0; i < first->count; i++)
		numbers[i] = Int64GetDatum(first->numbers[i]);
	return PointerGetDatum(construct_array(numbers, first->count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* The most frequent values of a fault: [{"value": …, "count": …}, …] */
static Datum
top_datum(const SummaryFault *fault)
{
	JsonbParseState *state = NULL;
	JsonbValue	value;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < fault->ntop; i++)
	{
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		value.type = jbvString;
		value.val.string.val = "value";
		value.val.string.len = 5;
		pushJsonbValue(&state, WJB_KEY, &value);
		value.val.string.val = (char *) fault->top[i].value;
		value.val.string.len = fault->top[i].len;
		pushJsonbValue(&state, WJB_VALUE, &value);
		value.val.string.val = "count";
		value.val.string.len = 5;
		pushJsonbValue(&state, WJB_KEY, &value);
		value.type = jbvNumeric;
		value.val.numeric = int64_to_numeric(fault->top_counts[i]);
		pushJsonbValue(&state, WJB_VALUE, &value);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL)));
}

/* The rows of the result. */
static void
put_faults(Summary *summary, ReturnSetInfo *result)
{
	for (int i = 0; i < summary->nfaults; i++)
	{
		const SummaryFault *fault = &summary->faults[i];
		Datum		values[SUMMARY_COLUMNS] = {0};
		bool		nulls[SUMMARY_COLUMNS] = {false};

		for (int j = 0; j < 3; j++)
		{
			nulls[j] = fault->texts[j] == NULL;
			if (!nulls[j])
				values[j] = CStringGetTextDatum(fault->texts[j]);
		}
		values[3] = Int64GetDatum(fault->nfindings);
		values[4] = Int64GetDatum(fault->nrows);
		values[5] = numbers_datum(&fault->rows);
		values[6] = numbers_datum(&fault->lines);
		values[7] = Int64GetDatum(fault->nvalues);
		values[8] = top_datum(fault);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

PG_FUNCTION_INFO_V1(statbus_import_finding_summary);

/* The findings of a job, one row per code, column and severity. */
Datum
statbus_import_finding_summary(PG_FUNCTION_ARGS)
{
	Summary		summary = {0};

	InitMaterializedSRF(fcinfo, 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	summary.context = CurrentMemoryContext;
	summary.values_context = AllocSetContextCreate(summary.context, "import summary values", ALLOCSET_DEFAULT_SIZES);
	summary.batch = AllocSetContextCreate(summary.context, "import summary findings", ALLOCSET_DEFAULT_SIZES);
	summary.room = 16;
	summary.faults = palloc(sizeof(SummaryFault) * summary.room);
	new_values(&summary);
	read_findings(&summary, PG_GETARG_INT32(0));
	count_values(&summary);
	put_faults(&summary, (ReturnSetInfo *) fcinfo->resultinfo);
	SPI_finish();
	PG_RETURN_NULL();
}

/*-------------------------------------------------------------------------
 *
 * import_reading_sql.c
 *	  What becomes of the cells of a column before anything else: words of the
 *	  file that mean others here, where to cut, columns that stand in.
 *
 * The same in SQL is import_oracle.ruled_cell_sql() (test/import/oracle_stages.sql).
 *
 * IDENTIFICATION
 *	  src/import_reading_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_reading.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "import_clean.h"

/* Columns of import.reading_rules(), from the first one on. */
enum
{
	READING_WORDS,
	READING_CUT_AT,
	READING_CHARACTERS,
	READING_ALTERNATIVES
};

static SbSlice copy_string(const JsonbValue *value);
static void load_words(ImportReading *reading, Jsonb *words);
static int	find_text(TupleDesc table, const char *name);
static void load_alternatives(ImportReading *reading, Jsonb *alternatives, TupleDesc table);
static SbSlice cut_cell(const ImportReading *reading, SbSlice cell);

/* A text of jsonb. */
static SbSlice
copy_string(const JsonbValue *value)
{
	SbSlice		copy = {"", 0};

	if (value->type == jbvString)
	{
		copy.data = pnstrdup(value->val.string.val, value->val.string.len);
		copy.len = value->val.string.len;
	}
	return copy;
}

/* The words of a column and what they mean. */
static void
load_words(ImportReading *reading, Jsonb *words)
{
	JsonbIterator *it = JsonbIteratorInit(&words->root);
	JsonbValue	value;
	JsonbIteratorToken token;

	reading->words = palloc(sizeof(ImportReadingWord) * (JB_ROOT_COUNT(words) + 1));
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			reading->words[reading->nwords].word = copy_string(&value);
		else if (token == WJB_VALUE)
			reading->words[reading->nwords++].meaning = copy_string(&value);
	}
}

/* A column of texts by its name; -1: there is none. */
static int
find_text(TupleDesc table, const char *name)
{
	for (int i = 0; i < table->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(table, i);

		if (!att->attisdropped && att->atttypid == TEXTOID && strcmp(NameStr(att->attname), name) == 0)
			return i;
	}
	return -1;
}

/* The columns that stand in for a column; lists with one that the table has not are none. */
static void
load_alternatives(ImportReading *reading, Jsonb *alternatives, TupleDesc table)
{
	reading->alternatives = palloc0(sizeof(ImportReadingAlternative) * (JB_ROOT_COUNT(alternatives) + 1));
	for (uint32 i = 0; i < JB_ROOT_COUNT(alternatives); i++)
	{
		JsonbValue *list = getIthJsonbValueFromContainer(&alternatives->root, i);
		ImportReadingAlternative *alternative = &reading->alternatives[reading->nalternatives];
		bool		is_complete = true;

		if (list->type != jbvBinary || !JsonContainerIsArray(list->val.binary.data))
			continue;
		alternative->nattributes = JsonContainerSize(list->val.binary.data);
		alternative->attributes = palloc(sizeof(int) * (alternative->nattributes + 1));
		for (int j = 0; j < alternative->nattributes; j++)
		{
			JsonbValue *name = getIthJsonbValueFromContainer(list->val.binary.data, j);

			alternative->attributes[j] = find_text(table, copy_string(name).data);
			is_complete = is_complete && alternative->attributes[j] >= 0;
		}
		if (is_complete && alternative->nattributes > 0)
			reading->nalternatives++;
	}
}

/*
 * What becomes of the cells of a column, by a row of a result that has words,
 * cut_at, max_characters and alternatives from a column on; NULL: nothing.
 * table is what was uploaded.  It lives in the current memory context.
 */
ImportReading *
import_reading_load(HeapTuple row, TupleDesc desc, int column, TupleDesc table)
{
	bool		nulls[READING_ALTERNATIVES + 1];
	Datum		values[READING_ALTERNATIVES + 1];
	bool		has_any = false;
	ImportReading *reading;

	for (int i = 0; i <= READING_ALTERNATIVES; i++)
	{
		values[i] = SPI_getbinval(row, desc, column + i, &nulls[i]);
		has_any = has_any || !nulls[i];
	}
	if (!has_any)
		return NULL;
	reading = palloc0(sizeof(ImportReading));
	if (!nulls[READING_WORDS])
		load_words(reading, DatumGetJsonbP(values[READING_WORDS]));
	if (!nulls[READING_CUT_AT])
	{
		reading->cut_at.data = TextDatumGetCString(values[READING_CUT_AT]);
		reading->cut_at.len = strlen(reading->cut_at.data);
	}
	if (!nulls[READING_CHARACTERS])
		reading->max_characters = DatumGetInt32(values[READING_CHARACTERS]);
	if (!nulls[READING_ALTERNATIVES])
		load_alternatives(reading, DatumGetJsonbP(values[READING_ALTERNATIVES]), table);
	return reading;
}

/* A cell up to where it is to be cut. */
static SbSlice
cut_cell(const ImportReading *reading, SbSlice cell)
{
	const SbSlice *mark = &reading->cut_at;

	for (size_t i = 0; i + mark->len <= cell.len; i++)
		if (memcmp(cell.data + i, mark->data, mark->len) == 0)
		{
			cell.len = i;
			return import_clean_trim(cell);
		}
	return cell;
}

/* A cell, trimmed, cut where it is to be cut, and what stands for it. */
SbSlice
import_reading_apply(const ImportReading *reading, SbSlice cell)
{
	cell = import_clean_trim(cell);
	if (reading->cut_at.data != NULL)
		cell = cut_cell(reading, cell);
	if (reading->max_characters > 0)
	{
		cell.len = pg_mbcharcliplen(cell.data, (int) cell.len, reading->max_characters);
		cell = import_clean_trim(cell);
	}
	for (int i = 0; i < reading->nwords; i++)
		if (reading->words[i].word.len == cell.len &&
			memcmp(reading->words[i].word.data, cell.data, cell.len) == 0)
			return reading->words[i].meaning;
	return cell;
}

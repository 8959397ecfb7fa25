/*-------------------------------------------------------------------------
 *
 * parse_sql.c
 *	  SQL face of the parsers, and two small facts about the session.
 *
 * A bad value never raises: the parse function gives NULL, and its _error
 * twin the code of the finding.  A value of nothing but spaces is no value
 * and no fault: both give NULL.  A bad format, mark or word list is a bad
 * call, and raises 22023.
 *
 * IDENTIFICATION
 *	  src/parse_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "parse.h"
#include "statbus.h"

/* The formats of a call, kept from one call to the next. */
typedef struct FormatCache
{
	ArrayType  *source;			/* the argument they were read from */
	SbDateFormat *formats;
	int			nformats;
} FormatCache;

/* One list of words of a call, kept likewise. */
typedef struct WordList
{
	ArrayType  *source;
	SbSlice    *words;
	int			nwords;
} WordList;

/* Both lists of words of a call. */
typedef struct WordCache
{
	WordList	true_words;
	WordList	false_words;
} WordCache;

static SbParseCode call_parse_date(FunctionCallInfo fcinfo, SbDate *date);
static SbParseCode call_parse_integer(FunctionCallInfo fcinfo, int64 *result,
									  bool *zero_dropped);
static SbParseCode call_parse_numeric(FunctionCallInfo fcinfo, SbNumber *number);
static SbParseCode call_parse_boolean(FunctionCallInfo fcinfo, bool *result);
static FormatCache *get_formats(FunctionCallInfo fcinfo, int arg);
static WordCache *get_words(FunctionCallInfo fcinfo);
static SbMark get_thousands(FunctionCallInfo fcinfo, int arg);
static Datum code_datum(FunctionCallInfo fcinfo, SbParseCode code);

/*
 * Dates
 */

PG_FUNCTION_INFO_V1(statbus_parse_date);

/* The day a value means; NULL when it means none. */
Datum
statbus_parse_date(PG_FUNCTION_ARGS)
{
	SbDate		date;
	DateADT		result;

	if (call_parse_date(fcinfo, &date) != SB_PARSE_OK)
		PG_RETURN_NULL();
	if (date.infinite)
		DATE_NOEND(result);
	else
		result = date.day;
	PG_RETURN_DATEADT(result);
}

PG_FUNCTION_INFO_V1(statbus_parse_date_error);

/* The finding about a value that is no date; NULL when it is one. */
Datum
statbus_parse_date_error(PG_FUNCTION_ARGS)
{
	SbDate		date;

	return code_datum(fcinfo, call_parse_date(fcinfo, &date));
}

PG_FUNCTION_INFO_V1(statbus_parse_date_info);

/* time_dropped when a date was written with the time 00:00, else NULL. */
Datum
statbus_parse_date_info(PG_FUNCTION_ARGS)
{
	SbDate		date;

	if (call_parse_date(fcinfo, &date) != SB_PARSE_OK || !date.has_time || !date.midnight)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text("time_dropped"));
}

PG_FUNCTION_INFO_V1(statbus_parse_date_warning);

/* time_dropped when a date was written with another time than 00:00. */
Datum
statbus_parse_date_warning(PG_FUNCTION_ARGS)
{
	SbDate		date;

	if (call_parse_date(fcinfo, &date) != SB_PARSE_OK || !date.has_time || date.midnight)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text("time_dropped"));
}

/* Parse the arguments (value text, formats text[]). */
static SbParseCode
call_parse_date(FunctionCallInfo fcinfo, SbDate *date)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	FormatCache *cache = get_formats(fcinfo, 1);

	return sb_parse_date(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value),
						 cache->formats, cache->nformats, date);
}

/*
 * Numbers
 */

PG_FUNCTION_INFO_V1(statbus_parse_integer);

/* The whole number a value means; NULL when it means none. */
Datum
statbus_parse_integer(PG_FUNCTION_ARGS)
{
	int64		result;
	bool		zero_dropped;

	if (call_parse_integer(fcinfo, &result, &zero_dropped) != SB_PARSE_OK)
		PG_RETURN_NULL();
	PG_RETURN_INT64(result);
}

PG_FUNCTION_INFO_V1(statbus_parse_integer_error);

/* The finding about a value that is no whole number; NULL when it is one. */
Datum
statbus_parse_integer_error(PG_FUNCTION_ARGS)
{
	int64		result;
	bool		zero_dropped;

	return code_datum(fcinfo, call_parse_integer(fcinfo, &result, &zero_dropped));
}

PG_FUNCTION_INFO_V1(statbus_parse_integer_info);

/* decimal_zero_dropped for a whole number written as 12.0, else NULL. */
Datum
statbus_parse_integer_info(PG_FUNCTION_ARGS)
{
	int64		result;
	bool		zero_dropped;

	if (call_parse_integer(fcinfo, &result, &zero_dropped) != SB_PARSE_OK || !zero_dropped)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text("decimal_zero_dropped"));
}

/* Parse the arguments (value text, thousands text). */
static SbParseCode
call_parse_integer(FunctionCallInfo fcinfo, int64 *result, bool *zero_dropped)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	int64_t		whole;
	SbParseCode code;

	code = sb_parse_integer(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value),
							get_thousands(fcinfo, 1), &whole, zero_dropped);
	*result = whole;
	return code;
}

PG_FUNCTION_INFO_V1(statbus_parse_numeric);

/* The number a value means; NULL when it means none. */
Datum
statbus_parse_numeric(PG_FUNCTION_ARGS)
{
	SbNumber	number;

	if (call_parse_numeric(fcinfo, &number) != SB_PARSE_OK)
		PG_RETURN_NULL();
	return DirectFunctionCall3(numeric_in, CStringGetDatum(number.plain),
							   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

PG_FUNCTION_INFO_V1(statbus_parse_numeric_error);

/* The finding about a value that is no number; NULL when it is one. */
Datum
statbus_parse_numeric_error(PG_FUNCTION_ARGS)
{
	SbNumber	number;

	return code_datum(fcinfo, call_parse_numeric(fcinfo, &number));
}

/* The argument that declares the decimal mark: a dot or a comma. */
static SbMark
get_decimal(FunctionCallInfo fcinfo, int arg)
{
	text	   *declared = PG_GETARG_TEXT_PP(arg);
	SbMark		mark;

	if (!sb_mark_from_text(VARDATA_ANY(declared), VARSIZE_ANY_EXHDR(declared), &mark) ||
		(mark != SB_MARK_DOT && mark != SB_MARK_COMMA))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid decimal mark \"%s\"", text_to_cstring(declared)),
				 errhint("A decimal mark is \".\" or \",\".")));
	return mark;
}

/* The argument that declares the thousands mark; an empty one is none. */
static SbMark
get_thousands(FunctionCallInfo fcinfo, int arg)
{
	text	   *declared = PG_GETARG_TEXT_PP(arg);
	SbMark		mark;

	if (!sb_mark_from_text(VARDATA_ANY(declared), VARSIZE_ANY_EXHDR(declared), &mark))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid thousands mark \"%s\"", text_to_cstring(declared)),
				 errhint("A thousands mark is \".\", \",\", \" \", \"'\" or empty.")));
	return mark;
}

/* Parse the arguments (value text, decimal_mark text, thousands text). */
static SbParseCode
call_parse_numeric(FunctionCallInfo fcinfo, SbNumber *number)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	SbMark		decimal = get_decimal(fcinfo, 1);
	SbMark		thousands = get_thousands(fcinfo, 2);

	if (decimal == thousands)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("decimal mark and thousands mark are the same"),
				 errhint("Declare two different marks, or an empty thousands mark.")));
	return sb_parse_numeric(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value),
							decimal, thousands, number);
}

/*
 * Booleans
 */

PG_FUNCTION_INFO_V1(statbus_parse_boolean);

/* The boolean a value means; NULL when it means none. */
Datum
statbus_parse_boolean(PG_FUNCTION_ARGS)
{
	bool		result;

	if (call_parse_boolean(fcinfo, &result) != SB_PARSE_OK)
		PG_RETURN_NULL();
	PG_RETURN_BOOL(result);
}

PG_FUNCTION_INFO_V1(statbus_parse_boolean_error);

/* The finding about a value that is no boolean; NULL when it is one. */
Datum
statbus_parse_boolean_error(PG_FUNCTION_ARGS)
{
	bool		result;

	return code_datum(fcinfo, call_parse_boolean(fcinfo, &result));
}

/* Parse the arguments (value text, true_words text[], false_words text[]). */
static SbParseCode
call_parse_boolean(FunctionCallInfo fcinfo, bool *result)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	WordCache  *cache = get_words(fcinfo);

	return sb_parse_boolean(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value),
							cache->true_words.words, cache->true_words.nwords,
							cache->false_words.words, cache->false_words.nwords,
							result);
}

/*
 * Hints
 */

PG_FUNCTION_INFO_V1(statbus_parse_hint);

/* A sentence that may help with a refused value; NULL when there is none. */
Datum
statbus_parse_hint(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	text	   *value = PG_GETARG_TEXT_PP(1);
	SbHintKind	kind;
	char		hint[SB_HINT_SIZE];

	if (!sb_hint_kind_from_name(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), &kind))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown kind of value \"%s\"", text_to_cstring(name)),
				 errhint("The kinds are date, integer, numeric and boolean.")));
	if (!sb_parse_hint(kind, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value),
					   hint, sizeof(hint)))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(hint));
}

/*
 * The session
 */

PG_FUNCTION_INFO_V1(statbus_today);

/* The day of GUC statbus.current_date, or the current date when it is empty. */
Datum
statbus_today(PG_FUNCTION_ARGS)
{
	DateADT		day;

	(void) fcinfo;

	if (!statbus_current_date(&day))
		day = GetSQLCurrentDate();
	PG_RETURN_DATEADT(day);
}

PG_FUNCTION_INFO_V1(statbus_in_transaction_block);

/*
 * True when the caller may not COMMIT: in a transaction block or a
 * subtransaction, or called from a query or function rather than from CALL.
 * A query of the client itself, in no block, gives false.
 */
Datum
statbus_in_transaction_block(PG_FUNCTION_ARGS)
{
	bool		in_spi;

	(void) fcinfo;

	if (IsTransactionBlock() || IsSubTransaction())
		PG_RETURN_BOOL(true);

	/* The cheapest question to SPI: it tells whether anybody is connected. */
	in_spi = SPI_unregister_relation("statbus") != SPI_ERROR_UNCONNECTED;
	PG_RETURN_BOOL(in_spi && !SPI_inside_nonatomic_context());
}

/*
 * Arguments and results
 */

/* The name of a finding as a result; NULL when there is no finding. */
static Datum
code_datum(FunctionCallInfo fcinfo, SbParseCode code)
{
	const char *name = sb_parse_code_name(code);

	if (name == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

/* True when the cached array is the one of this call, byte for byte. */
static bool
same_array(const ArrayType *cached, const ArrayType *array)
{
	return cached != NULL && VARSIZE(cached) == VARSIZE(array) &&
		memcmp(cached, array, VARSIZE(array)) == 0;
}

/* A copy of an array that lives as long as the function's call site. */
static ArrayType *
keep_array(FunctionCallInfo fcinfo, const ArrayType *array)
{
	ArrayType  *copy = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, VARSIZE(array));

	memcpy(copy, array, VARSIZE(array));
	return copy;
}

/*
 * The elements of an array of text, in the current memory context.  An array
 * without elements, or with NULLs among them, is a bad call.
 */
static SbSlice *
read_array(ArrayType *array, const char *what, int *count)
{
	Datum	   *elements;
	bool	   *nulls;
	SbSlice    *slices;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, count);
	if (*count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no %s is declared", what),
				 errhint("Declare one or more.")));

	slices = palloc(sizeof(SbSlice) * *count);
	for (int i = 0; i < *count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a declared %s is null", what),
					 errhint("Leave it out.")));
		slices[i].data = VARDATA_ANY(DatumGetPointer(elements[i]));
		slices[i].len = VARSIZE_ANY_EXHDR(DatumGetPointer(elements[i]));
	}
	pfree(elements);
	pfree(nulls);
	return slices;
}

/* Look one declared date format up; an unknown one is a bad call. */
static SbDateFormat
lookup_format(SbSlice name)
{
	SbDateFormat format;

	if (!sb_date_format_from_name(name.data, name.len, &format))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown date format \"%s\"", pnstrdup(name.data, name.len)),
				 errhint("The formats are YYYY-MM-DD, YYYYMMDD, DD.MM.YYYY, D.M.YYYY, DD/MM/YYYY, MM/DD/YYYY and YYYY/MM/DD.")));
	return format;
}

/* The date formats declared by an argument, looked up once per call site. */
static FormatCache *
get_formats(FunctionCallInfo fcinfo, int arg)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(arg);
	FormatCache *cache = fcinfo->flinfo->fn_extra;
	SbDateFormat *formats;
	SbSlice    *names;
	int			count;

	if (cache != NULL && same_array(cache->source, array))
		return cache;

	names = read_array(array, "date format", &count);
	formats = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(SbDateFormat) * count);
	for (int i = 0; i < count; i++)
		formats[i] = lookup_format(names[i]);
	pfree(names);

	if (cache == NULL)
		cache = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(FormatCache));
	else
	{
		pfree(cache->formats);
		pfree(cache->source);
	}
	cache->formats = formats;
	cache->nformats = count;
	cache->source = keep_array(fcinfo, array);
	fcinfo->flinfo->fn_extra = cache;
	return cache;
}

/* Read a list of words into the cache.  An empty word is a bad call. */
static void
read_words(FunctionCallInfo fcinfo, ArrayType *array, WordList *list)
{
	MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

	list->source = keep_array(fcinfo, array);
	list->words = read_array(list->source, "word", &list->nwords);
	MemoryContextSwitchTo(old);

	for (int i = 0; i < list->nwords; i++)
	{
		SbSlice    *word = &list->words[i];

		*word = sb_trim(word->data, word->len);
		if (word->len == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a declared word is empty"),
					 errhint("An empty value is never true or false; leave the word out.")));
	}
}

/* Refuse a word that is declared to be both true and false. */
static void
check_words(const WordCache *cache)
{
	for (int i = 0; i < cache->true_words.nwords; i++)
	{
		SbSlice		word = cache->true_words.words[i];
		bool		result;

		if (sb_parse_boolean(word.data, word.len, NULL, 0,
							 cache->false_words.words, cache->false_words.nwords,
							 &result) == SB_PARSE_OK)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("word \"%s\" is declared both true and false",
							pnstrdup(word.data, word.len)),
					 errhint("Leave it out of one of the lists.")));
	}
}

/* The words declared by arguments 1 and 2, read once per call site. */
static WordCache *
get_words(FunctionCallInfo fcinfo)
{
	ArrayType  *true_array = PG_GETARG_ARRAYTYPE_P(1);
	ArrayType  *false_array = PG_GETARG_ARRAYTYPE_P(2);
	WordCache  *cache = fcinfo->flinfo->fn_extra;
	WordCache	fresh;

	if (cache != NULL &&
		same_array(cache->true_words.source, true_array) &&
		same_array(cache->false_words.source, false_array))
		return cache;

	memset(&fresh, 0, sizeof(fresh));
	read_words(fcinfo, true_array, &fresh.true_words);
	read_words(fcinfo, false_array, &fresh.false_words);
	check_words(&fresh);

	if (cache == NULL)
		cache = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(WordCache));
	else
	{
		pfree(cache->true_words.source);
		pfree(cache->true_words.words);
		pfree(cache->false_words.source);
		pfree(cache->false_words.words);
	}
	*cache = fresh;
	fcinfo->flinfo->fn_extra = cache;
	return cache;
}

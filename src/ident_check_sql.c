/*-------------------------------------------------------------------------
 *
 * ident_check_sql.c
 *	  The rules of identifiers as the register has them, and findings as jsonb.
 *
 * IDENTIFICATION
 *	  src/ident_check_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "ident_check_sql.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

/* Columns of the query of a rule. */
typedef enum RuleColumn
{
	RULE_CODE,
	RULE_SEVERITY,
	RULE_PATTERNS,
	RULE_CHECKSUM,
	RULE_MODULUS,
	RULE_WEIGHTS,
	RULE_UPPER_CASE,
	RULE_SUFFIXES,
	RULE_PREFIXES,
	RULE_IGNORED,
	RULE_PAD_ZEROS,
	RULE_EXCEPTION_PREFIXES,
	RULE_EXCEPTION_CHECKSUMS,
	RULE_EXCEPTION_MODULI,
	RULE_COLUMNS
} RuleColumn;

/* The rule that a call site has asked for last. */
typedef struct RuleCache
{
	MemoryContext context;
	int32		id;
	bool		is_type;		/* id is of a type, not of a rule */
	IdentRule  *rule;
} RuleCache;

static const char *const rule_query =
"SELECT r.code::text, %s, r.patterns, r.checksum, coalesce(r.modulus, 0), coalesce(r.weights, '{}'),"
" r.upper_case, r.suffixes, r.prefixes, r.ignored, r.pad_zeros,"
" ARRAY(SELECT x.prefix FROM register.external_ident_exception AS x WHERE x.rule_id = r.id ORDER BY x.id),"
" ARRAY(SELECT x.checksum FROM register.external_ident_exception AS x WHERE x.rule_id = r.id ORDER BY x.id),"
" ARRAY(SELECT coalesce(x.modulus, 0) FROM register.external_ident_exception AS x WHERE x.rule_id = r.id ORDER BY x.id)"
" FROM register.external_ident_rule AS r%s";

static SbSlice *text_array(Datum value, MemoryContext context, int *count);
static int *integer_array(Datum value, MemoryContext context, int *count);
static IdentChecksum read_checksum(const char *name);
static void read_patterns(IdentRule *rule, Datum value, MemoryContext context);
static void read_exceptions(IdentRule *rule, const Datum *values, MemoryContext context);
static void fold_affixes(const IdentRule *rule, const SbSlice *affixes, int count);
static IdentRule *read_rule(const Datum *values, MemoryContext context);
static IdentRule *load_rule(const char *query, int32 id, MemoryContext context);
static IdentRule *load_rule_by_id(int32 id, MemoryContext context);
static IdentRule *cached_rule(FunctionCallInfo fcinfo, int32 id, bool is_type);
static void push_key(JsonbParseState **state, const char *key);
static void push_text(JsonbParseState **state, const char *key, SbSlice value);
static void push_number(JsonbParseState **state, const char *key, int value);
static void push_numbers(JsonbParseState **state, const char *key, const int *values, int count);
static void push_finding(JsonbParseState **state, const IdentFinding *finding, const char *column, SbSlice value);

static Datum check_value(FunctionCallInfo fcinfo, const IdentRule *rule);

PG_FUNCTION_INFO_V1(statbus_ident_check);
PG_FUNCTION_INFO_V1(statbus_ident_check_by_rule);
PG_FUNCTION_INFO_V1(statbus_ident_normalise);
PG_FUNCTION_INFO_V1(statbus_ident_rule_fault);

/* Reading rules ------------------------------------------------------------- */

/* The elements of an array of texts, each ended by a NUL. */
static SbSlice *
text_array(Datum value, MemoryContext context, int *count)
{
	Datum	   *elements;
	SbSlice    *result;

	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, count);
	result = MemoryContextAlloc(context, sizeof(SbSlice) * (*count + 1));
	for (int i = 0; i < *count; i++)
	{
		char	   *element = MemoryContextStrdup(context, TextDatumGetCString(elements[i]));

		result[i] = (SbSlice) {element, strlen(element)};
	}
	return result;
}

/* The elements of an array of integers. */
static int *
integer_array(Datum value, MemoryContext context, int *count)
{
	Datum	   *elements;
	int		   *result;

	deconstruct_array(DatumGetArrayTypeP(value), INT4OID, sizeof(int32), true, TYPALIGN_INT, &elements, NULL, count);
	result = MemoryContextAlloc(context, sizeof(int) * (*count + 1));
	for (int i = 0; i < *count; i++)
		result[i] = DatumGetInt32(elements[i]);
	return result;
}

/* A checksum by the name that a constraint of the table has let in. */
static IdentChecksum
read_checksum(const char *name)
{
	IdentChecksum checksum;

	if (!ident_checksum_from_name(name, &checksum))
		elog(ERROR, "unknown checksum \"%s\"", name);
	return checksum;
}

/* The forms of a rule. */
static void
read_patterns(IdentRule *rule, Datum value, MemoryContext context)
{
	SbSlice    *texts = text_array(value, context, &rule->npatterns);
	IdentPattern *patterns = MemoryContextAlloc(context, sizeof(IdentPattern) * (rule->npatterns + 1));

	for (int i = 0; i < rule->npatterns; i++)
		if (!ident_pattern_read(texts[i], &patterns[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is not a form of identifiers", texts[i].data),
					 errdetail("It is in rule \"%s\".", rule->code),
					 errhint("#{9} is nine digits, @ a letter from A to Z, * a digit or letter; at most %d characters.", IDENT_LIMIT)));
	rule->patterns = patterns;
}

/* What else is right. */
static void
read_exceptions(IdentRule *rule, const Datum *values, MemoryContext context)
{
	int			count;
	SbSlice    *prefixes = text_array(values[RULE_EXCEPTION_PREFIXES], context, &rule->nexceptions);
	SbSlice    *checksums = text_array(values[RULE_EXCEPTION_CHECKSUMS], context, &count);
	int		   *moduli = integer_array(values[RULE_EXCEPTION_MODULI], context, &count);
	IdentException *exceptions = MemoryContextAlloc(context, sizeof(IdentException) * (rule->nexceptions + 1));

	for (int i = 0; i < rule->nexceptions; i++)
	{
		exceptions[i].prefix = prefixes[i];
		exceptions[i].checksum = read_checksum(checksums[i].data);
		exceptions[i].modulus = moduli[i];
	}
	rule->exceptions = exceptions;
}

/* Affixes are compared with what is in capitals. */
static void
fold_affixes(const IdentRule *rule, const SbSlice *affixes, int count)
{
	for (int i = 0; rule->upper_case && i < count; i++)
		for (char *c = unconstify(char *, affixes[i].data); *c != '\0'; c++)
			*c = (char) pg_ascii_toupper((unsigned char) *c);
}

/* A rule from a row of the query. */
static IdentRule *
read_rule(const Datum *values, MemoryContext context)
{
	IdentRule  *rule = MemoryContextAllocZero(context, sizeof(IdentRule));
	char	   *severity = TextDatumGetCString(values[RULE_SEVERITY]);
	char	   *ignored = MemoryContextStrdup(context, TextDatumGetCString(values[RULE_IGNORED]));
	const char *fault;

	rule->code = MemoryContextStrdup(context, TextDatumGetCString(values[RULE_CODE]));
	rule->severity = strcmp(severity, "error") == 0 ? IMPORT_ERROR : strcmp(severity, "warning") == 0 ? IMPORT_WARNING : IMPORT_INFO;
	read_patterns(rule, values[RULE_PATTERNS], context);
	rule->checksum = read_checksum(TextDatumGetCString(values[RULE_CHECKSUM]));
	rule->modulus = DatumGetInt32(values[RULE_MODULUS]);
	rule->weights = integer_array(values[RULE_WEIGHTS], context, &rule->nweights);
	rule->upper_case = DatumGetBool(values[RULE_UPPER_CASE]);
	rule->suffixes = text_array(values[RULE_SUFFIXES], context, &rule->nsuffixes);
	rule->prefixes = text_array(values[RULE_PREFIXES], context, &rule->nprefixes);
	fold_affixes(rule, rule->suffixes, rule->nsuffixes);
	fold_affixes(rule, rule->prefixes, rule->nprefixes);
	rule->ignored = (SbSlice) {ignored, strlen(ignored)};
	rule->pad_zeros = DatumGetBool(values[RULE_PAD_ZEROS]);
	read_exceptions(rule, values, context);
	fault = ident_rule_fault(rule);
	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rule \"%s\" of identifiers contradicts itself", rule->code),
				 errdetail_internal("%s", fault)));
	return rule;
}

/* The rule that a query with one parameter gives; NULL: none. */
static IdentRule *
load_rule(const char *query, int32 id, MemoryContext context)
{
	Oid			type = INT4OID;
	Datum		argument = Int32GetDatum(id);
	IdentRule  *rule = NULL;

	SPI_connect();
	if (SPI_execute_with_args(query, 1, &type, &argument, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the rule of identifiers %d", id);
	if (SPI_processed > 0)
	{
		Datum		values[RULE_COLUMNS];
		bool		is_null;

		for (int i = 0; i < RULE_COLUMNS; i++)
		{
			values[i] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &is_null);
			if (is_null)
				elog(ERROR, "column %d of the rule of identifiers %d is null", i + 1, id);
		}
		rule = read_rule(values, context);
	}
	SPI_finish();
	return rule;
}

/* The rule of a type of identifier, in the memory context; NULL: it has none. */
IdentRule *
ident_rules_load(int32 type_id, MemoryContext context)
{
	return load_rule(psprintf(rule_query, "t.rule_severity",
							  " JOIN register.external_ident_type AS t ON t.rule_id = r.id AND t.shape = 'regular' WHERE t.id = $1"),
					 type_id, context);
}

/* The rule itself; what breaks it is an error. */
static IdentRule *
load_rule_by_id(int32 id, MemoryContext context)
{
	return load_rule(psprintf(rule_query, "'error'::text", " WHERE r.id = $1"), id, context);
}

/* The rule that a function was asked for, kept as long as the query runs. */
static IdentRule *
cached_rule(FunctionCallInfo fcinfo, int32 id, bool is_type)
{
	RuleCache  *cache = fcinfo->flinfo->fn_extra;

	if (cache == NULL)
	{
		cache = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(RuleCache));
		cache->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "rule of identifiers", ALLOCSET_SMALL_SIZES);
		cache->id = -1;
		fcinfo->flinfo->fn_extra = cache;
	}
	if (cache->id != id || cache->is_type != is_type)
	{
		cache->id = -1;
		MemoryContextReset(cache->context);
		cache->rule = is_type ? ident_rules_load(id, cache->context) : load_rule_by_id(id, cache->context);
		cache->is_type = is_type;
		cache->id = id;
	}
	return cache->rule;
}

/* Findings ------------------------------------------------------------------ */

/* The key of the next member. */
static void
push_key(JsonbParseState **state, const char *key)
{
	JsonbValue	item;

	item.type = jbvString;
	item.val.string.val = unconstify(char *, key);
	item.val.string.len = (int) strlen(key);
	pushJsonbValue(state, WJB_KEY, &item);
}

/* A member that is a text, unless there is none. */
static void
push_text(JsonbParseState **state, const char *key, SbSlice value)
{
	JsonbValue	item;

	if (value.data == NULL)
		return;
	push_key(state, key);
	item.type = jbvString;
	item.val.string.val = unconstify(char *, value.data);
	item.val.string.len = (int) value.len;
	pushJsonbValue(state, WJB_VALUE, &item);
}

/* A member that is a number, unless it is 0. */
static void
push_number(JsonbParseState **state, const char *key, int value)
{
	JsonbValue	item;

	if (value == 0)
		return;
	push_key(state, key);
	item.type = jbvNumeric;
	item.val.numeric = int64_to_numeric(value);
	pushJsonbValue(state, WJB_VALUE, &item);
}

/* A member that is a list of numbers, unless it is empty. */
static void
push_numbers(JsonbParseState **state, const char *key, const int *values, int count)
{
	JsonbValue	item;

	if (count == 0)
		return;
	push_key(state, key);
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	item.type = jbvNumeric;
	for (int i = 0; i < count; i++)
	{
		item.val.numeric = int64_to_numeric(values[i]);
		pushJsonbValue(state, WJB_ELEM, &item);
	}
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

/* A finding as import.bad_row has them, whose object is left open; column NULL: it names none. */
static void
push_finding(JsonbParseState **state, const IdentFinding *finding, const char *column, SbSlice value)
{
	static const char *const severities[] = {
		[IMPORT_ERROR] = "error",
		[IMPORT_WARNING] = "warning",
		[IMPORT_INFO] = "info"
	};
	const char *severity = severities[finding->severity];

	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	push_text(state, "code", (SbSlice) {finding->code, strlen(finding->code)});
	push_text(state, "severity", (SbSlice) {severity, strlen(severity)});
	if (column != NULL)
		push_text(state, "column", (SbSlice) {column, strlen(column)});
	push_text(state, "value", value);
	if (finding->type != NULL || finding->length > 0 || finding->npositions > 0 || finding->normalised.data != NULL)
	{
		push_key(state, "details");
		pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
		if (finding->type != NULL)
			push_text(state, "type", (SbSlice) {finding->type, strlen(finding->type)});
		push_text(state, "expected", finding->expected);
		push_text(state, "suggestion", finding->suggestion);
		push_text(state, "normalised", finding->normalised);
		push_text(state, "char", finding->character);
		push_number(state, "position", finding->position);
		push_number(state, "length", finding->length);
		push_number(state, "limit", finding->limit);
		push_numbers(state, "lengths", finding->lengths, finding->nlengths);
		push_numbers(state, "positions", finding->positions, finding->npositions);
		pushJsonbValue(state, WJB_END_OBJECT, NULL);
	}
}

/* A finding about a cell: column without "_raw", value as the file has it. */
Jsonb *
ident_finding_jsonb(const IdentFinding *finding, const char *column, SbSlice value)
{
	JsonbParseState *state = NULL;

	push_finding(&state, finding, column, value);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* SQL ----------------------------------------------------------------------- */

/*
 * What there is to say about a value: NULL when it is right as it is, or an
 * object with the normalised value, whether it can be used, and the findings.
 */
static Datum
check_value(FunctionCallInfo fcinfo, const IdentRule *rule)
{
	text	   *value = PG_GETARG_TEXT_PP(1);
	SbSlice		slice = {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
	IdentVerdict verdict;
	JsonbParseState *state = NULL;
	JsonbValue	item;

	if (slice.len == 0)
		PG_RETURN_NULL();
	import_ident_check(rule, slice, &verdict);
	if (verdict.nfindings == 0)
		PG_RETURN_NULL();
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_text(&state, "value", verdict.value);
	push_key(&state, "refused");
	item.type = jbvBool;
	item.val.boolean = verdict.is_refused;
	pushJsonbValue(&state, WJB_VALUE, &item);
	push_key(&state, "findings");
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < verdict.nfindings; i++)
	{
		push_finding(&state, &verdict.findings[i], NULL, slice);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

/* import.check_ident(type_id integer, value text) → jsonb */
Datum
statbus_ident_check(PG_FUNCTION_ARGS)
{
	return check_value(fcinfo, cached_rule(fcinfo, PG_GETARG_INT32(0), true));
}

/* register.check_ident_by_rule(rule_id integer, value text) → jsonb */
Datum
statbus_ident_check_by_rule(PG_FUNCTION_ARGS)
{
	return check_value(fcinfo, cached_rule(fcinfo, PG_GETARG_INT32(0), false));
}

/* import.normalise_ident(type_id integer, value text) → text */
Datum
statbus_ident_normalise(PG_FUNCTION_ARGS)
{
	const IdentRule *rule = cached_rule(fcinfo, PG_GETARG_INT32(0), true);
	text	   *value = PG_GETARG_TEXT_PP(1);
	SbSlice		slice = {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
	SbSlice		normalised;
	char		buffer[IDENT_BYTES];

	if (rule == NULL || slice.len == 0)
		PG_RETURN_TEXT_P(value);
	normalised = import_ident_normalise(rule, slice, buffer);
	if (normalised.data == slice.data)
		PG_RETURN_TEXT_P(value);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(normalised.data, (int) normalised.len));
}

/* register.require_sound_ident_rule(rule_id integer) → void: raises an error when it cannot be used. */
Datum
statbus_ident_rule_fault(PG_FUNCTION_ARGS)
{
	(void) load_rule_by_id(PG_GETARG_INT32(0), CurrentMemoryContext);
	PG_RETURN_VOID();
}

/*-------------------------------------------------------------------------
 *
 * import_report_sql.c
 *	  Findings in words, for the reports of a job.
 *
 * A template is a text in which {key} stands for something that the finding
 * says: its column, its value, a member of its details.  It is gone through
 * once, from left to right: what a value holds is never read as a placeholder
 * again.
 *
 * IDENTIFICATION
 *	  src/import_report_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "statbus.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "parse.h"

/* What a template is filled with. */
typedef struct ReportGiven
{
	JsonbContainer *members;	/* NULL: none */
	bool		is_finding;		/* members are details of a finding, whose
								 * column and value these are, and whose lists
								 * are read as words */
	SbSlice		column;			/* NULL data: none */
	SbSlice		value;
} ReportGiven;

static SbSlice slice_of(const text *value);
static SbSlice words_of(const JsonbValue *value);
static bool is_list_of_words(const JsonbValue *value);
static SbSlice join_words(JsonbContainer *list);
static bool get_given(const ReportGiven *given, SbSlice key, SbSlice *words);
static SbSlice find_key(SbSlice template);
static void append(StringInfo out, SbSlice words);
static bool render(StringInfo out, SbSlice template, const ReportGiven *given);
static bool gives_all(SbSlice template, const ReportGiven *given);
static bool contains(SbSlice text, const char *part);
static bool say_hint(StringInfo out, SbSlice template, const ReportGiven *given);
static void get_text_member(JsonbContainer *object, const char *key, SbSlice *words);
static Datum text_datum(StringInfo out);
static JsonbContainer *members_of(Jsonb *object);
static void push_text(JsonbParseState **state, JsonbIteratorToken token, SbSlice words);

/* A text that is not compressed; NULL data for NULL. */
static SbSlice
slice_of(const text *value)
{
	if (value == NULL)
		return (SbSlice) {NULL, 0};
	return (SbSlice) {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

/* A member as operator ->> has it; NULL data for null. */
static SbSlice
words_of(const JsonbValue *value)
{
	StringInfoData out;
	char	   *number;

	switch (value->type)
	{
		case jbvString:
			return (SbSlice) {value->val.string.val, (size_t) value->val.string.len};
		case jbvNumeric:
			number = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
			return (SbSlice) {number, strlen(number)};
		case jbvBool:
			return value->val.boolean ? (SbSlice) {"true", 4} : (SbSlice) {"false", 5};
		case jbvBinary:
			initStringInfo(&out);
			(void) JsonbToCString(&out, value->val.binary.data, value->val.binary.len);
			return (SbSlice) {out.data, (size_t) out.len};
		default:
			return (SbSlice) {NULL, 0};
	}
}

/* Is it a list in which there are neither lists nor objects? */
static bool
is_list_of_words(const JsonbValue *value)
{
	JsonbContainer *list;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		return false;
	list = value->val.binary.data;
	for (uint32 i = 0; i < JsonContainerSize(list); i++)
		if (getIthJsonbValueFromContainer(list, i)->type == jbvBinary)
			return false;
	return true;
}

/* Its words with commas between them; NULL data when there is none. */
static SbSlice
join_words(JsonbContainer *list)
{
	StringInfoData out;
	bool		is_first = true;

	initStringInfo(&out);
	for (uint32 i = 0; i < JsonContainerSize(list); i++)
	{
		SbSlice		word = words_of(getIthJsonbValueFromContainer(list, i));

		if (word.data == NULL)
			continue;
		if (!is_first)
			appendStringInfoString(&out, ", ");
		appendBinaryStringInfo(&out, word.data, (int) word.len);
		is_first = false;
	}
	return (SbSlice) {is_first ? NULL : out.data, (size_t) out.len};
}

/* What stands for a key; false: nothing. */
static bool
get_given(const ReportGiven *given, SbSlice key, SbSlice *words)
{
	JsonbValue	value;

	if (given->is_finding && key.len == 6 && memcmp(key.data, "column", 6) == 0)
		*words = given->column;
	else if (given->is_finding && key.len == 5 && memcmp(key.data, "value", 5) == 0)
		*words = given->value;
	else if (given->members == NULL ||
			 getKeyJsonValueFromContainer(given->members, key.data, (int) key.len, &value) == NULL)
		return false;
	else if (given->is_finding && is_list_of_words(&value))
		*words = join_words(value.val.binary.data);
	else
		*words = words_of(&value);
	return words->data != NULL;
}

/* The key between braces with which a template begins; NULL data: it does not. */
static SbSlice
find_key(SbSlice template)
{
	size_t		len = 1;

	if (template.len == 0 || template.data[0] != '{')
		return (SbSlice) {NULL, 0};
	while (len < template.len &&
		   (('a' <= template.data[len] && template.data[len] <= 'z') ||
			('0' <= template.data[len] && template.data[len] <= '9') || template.data[len] == '_'))
		len++;
	if (len == 1 || len == template.len || template.data[len] != '}')
		return (SbSlice) {NULL, 0};
	return (SbSlice) {template.data + 1, len - 1};
}

/* Add words. */
static void
append(StringInfo out, SbSlice words)
{
	appendBinaryStringInfo(out, words.data, (int) words.len);
}

/* Add a template, filled; a key that is not given stays as it is.  False: the template is empty. */
static bool
render(StringInfo out, SbSlice template, const ReportGiven *given)
{
	const char *end = template.data + template.len;
	const char *at = template.data;

	if (template.data == NULL || template.len == 0)
		return false;
	while (at < end)
	{
		SbSlice		key = find_key((SbSlice) {at, (size_t) (end - at)});
		SbSlice		words;
		const char *next;

		if (key.data != NULL)
		{
			next = key.data + key.len + 1;
			append(out, get_given(given, key, &words) ? words : (SbSlice) {at, (size_t) (next - at)});
		}
		else
		{
			next = memchr(at + 1, '{', (size_t) (end - at - 1));
			if (next == NULL)
				next = end;
			append(out, (SbSlice) {at, (size_t) (next - at)});
		}
		at = next;
	}
	return true;
}

/* Is all that a template asks for given? */
static bool
gives_all(SbSlice template, const ReportGiven *given)
{
	const char *end = template.data + template.len;

	for (const char *at = template.data; at < end; at++)
	{
		SbSlice		key = find_key((SbSlice) {at, (size_t) (end - at)});
		SbSlice		words;

		if (key.data != NULL && !get_given(given, key, &words))
			return false;
	}
	return true;
}

/* Does a text contain another? */
static bool
contains(SbSlice text, const char *part)
{
	size_t		len = strlen(part);

	for (size_t i = 0; i + len <= text.len; i++)
		if (memcmp(text.data + i, part, len) == 0)
			return true;
	return false;
}

/*
 * Add what to do about a finding.  A template that asks for what is not given
 * says nothing; a hint of the finding's own is said in any case, and a
 * suggestion also where the template does not speak of it.  False: nothing was
 * said.
 */
static bool
say_hint(StringInfo out, SbSlice template, const ReportGiven *given)
{
	static const SbSlice hint_key = {"hint", 4};
	static const SbSlice suggestion_key = {"suggestion", 10};
	int			start = out->len;
	bool		is_said = gives_all(template, given) && render(out, template, given);
	SbSlice		words;

	if (get_given(given, hint_key, &words))
	{
		if (is_said)
			appendStringInfoString(out, "; ");
		append(out, words);
		is_said = true;
	}
	if (get_given(given, suggestion_key, &words) && !contains(template, "{suggestion}"))
	{
		if (is_said)
			appendStringInfoString(out, "; ");
		appendStringInfoString(out, "Did you mean \"");
		append(out, words);
		appendStringInfoString(out, "\"?");
	}
	return out->len > start;
}

/* A member of an object in words; NULL data: there is none. */
static void
get_text_member(JsonbContainer *object, const char *key, SbSlice *words)
{
	JsonbValue	value;

	*words = (SbSlice) {NULL, 0};
	if (object != NULL && getKeyJsonValueFromContainer(object, key, (int) strlen(key), &value) != NULL)
		*words = words_of(&value);
}

/* What was written, as a text. */
static Datum
text_datum(StringInfo out)
{
	return PointerGetDatum(cstring_to_text_with_len(out->data, out->len));
}

/* The members of an object; NULL: it is none. */
static JsonbContainer *
members_of(Jsonb *object)
{
	return JB_ROOT_IS_OBJECT(object) ? &object->root : NULL;
}

PG_FUNCTION_INFO_V1(statbus_render_template);

/* statbus.render_template(template text, given jsonb) */
Datum
statbus_render_template(PG_FUNCTION_ARGS)
{
	ReportGiven given = {0};
	StringInfoData out;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(1))
		given.members = members_of(PG_GETARG_JSONB_P(1));
	initStringInfo(&out);
	if (!render(&out, slice_of(PG_GETARG_TEXT_PP(0)), &given))
		PG_RETURN_NULL();
	return text_datum(&out);
}

/* Push a key, or a text; null without one. */
static void
push_text(JsonbParseState **state, JsonbIteratorToken token, SbSlice words)
{
	JsonbValue	value;

	value.type = words.data == NULL ? jbvNull : jbvString;
	if (words.data != NULL)
	{
		value.val.string.val = unconstify(char *, words.data);
		value.val.string.len = (int) words.len;
	}
	pushJsonbValue(state, token, &value);
}

PG_FUNCTION_INFO_V1(statbus_import_finding_given);

/* import.finding_given(details jsonb, column_name text, value text) */
Datum
statbus_import_finding_given(PG_FUNCTION_ARGS)
{
	static const SbSlice keys[] = {{"column", 6}, {"value", 5}};
	Jsonb	   *details = PG_ARGISNULL(0) ? NULL : PG_GETARG_JSONB_P(0);
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (details != NULL && members_of(details) != NULL)
	{
		JsonbIterator *members = JsonbIteratorInit(&details->root);
		JsonbIteratorToken token;
		JsonbValue	value;

		(void) JsonbIteratorNext(&members, &value, true);
		while ((token = JsonbIteratorNext(&members, &value, true)) == WJB_KEY || token == WJB_VALUE)
		{
			if (token == WJB_VALUE && is_list_of_words(&value))
				push_text(&state, WJB_VALUE, join_words(value.val.binary.data));
			else
				pushJsonbValue(&state, token, &value);
		}
	}
	for (int i = 0; i < (int) lengthof(keys); i++)
	{
		push_text(&state, WJB_KEY, keys[i]);
		push_text(&state, WJB_VALUE, slice_of(PG_ARGISNULL(i + 1) ? NULL : PG_GETARG_TEXT_PP(i + 1)));
	}
	PG_RETURN_JSONB_P(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

PG_FUNCTION_INFO_V1(statbus_import_finding_hint);

/* import.finding_hint(template text, given jsonb) */
Datum
statbus_import_finding_hint(PG_FUNCTION_ARGS)
{
	ReportGiven given = {0};
	StringInfoData out;

	if (!PG_ARGISNULL(1))
		given.members = members_of(PG_GETARG_JSONB_P(1));
	initStringInfo(&out);
	if (!say_hint(&out, slice_of(PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0)), &given))
		PG_RETURN_NULL();
	return text_datum(&out);
}

PG_FUNCTION_INFO_V1(statbus_import_finding_text);

/* import.finding_text(finding jsonb, message text, hint text) */
Datum
statbus_import_finding_text(PG_FUNCTION_ARGS)
{
	JsonbContainer *members = PG_ARGISNULL(0) ? NULL : members_of(PG_GETARG_JSONB_P(0));
	JsonbValue	details;
	ReportGiven given = {0};
	SbSlice		code;
	StringInfoData out;
	StringInfoData hint;

	given.is_finding = true;
	get_text_member(members, "column", &given.column);
	get_text_member(members, "value", &given.value);
	get_text_member(members, "code", &code);
	if (members != NULL && getKeyJsonValueFromContainer(members, "details", 7, &details) != NULL &&
		details.type == jbvBinary && JsonContainerIsObject(details.val.binary.data))
		given.members = details.val.binary.data;
	initStringInfo(&out);
	if (!render(&out, slice_of(PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1)), &given))
	{
		if (given.column.data != NULL)
			append(&out, given.column);
		if (given.column.data != NULL && code.data != NULL)
			appendStringInfoString(&out, ": ");
		if (code.data != NULL)
			append(&out, code);
	}
	initStringInfo(&hint);
	if (say_hint(&hint, slice_of(PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2)), &given))
	{
		appendStringInfoString(&out, ". ");
		appendBinaryStringInfo(&out, hint.data, hint.len);
	}
	return text_datum(&out);
}

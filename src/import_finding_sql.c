/*-------------------------------------------------------------------------
 *
 * import_finding_sql.c
 *	  Analysis of a job: findings as jsonb.
 *
 * All findings of a row in an array, as import.bad_row has them, and those of
 * one severity as an object with one key per column, as the data table has
 * them.  Both join what earlier stages noted with what the cells came to.
 *
 * IDENTIFICATION
 *	  src/import_finding_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_analyse.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

static const char *const severity_names[] = {
	[IMPORT_ERROR] = "error",
	[IMPORT_WARNING] = "warning",
	[IMPORT_INFO] = "info"
};

static void set_text(JsonbValue *value, const char *data, size_t len);
static void push_key(JsonbParseState **state, const char *key);
static void push_text(JsonbParseState **state, const char *key, const char *data, size_t len);
static void push_detail(JsonbParseState **state, const ImportDetail *detail);
static void push_finding(JsonbParseState **state, const ImportFinding *finding);
static bool get_member(JsonbContainer *container, const char *key, JsonbValue *value);
static void push_column(JsonbParseState **state, const char *data, size_t len, JsonbValue *shown);
static void note_by_column(JsonbParseState **state, const ImportNote *note, bool show_value);
static void finding_by_column(JsonbParseState **state, const ImportFinding *finding, bool show_value);

/* Make a value of a text that it points to. */
static void
set_text(JsonbValue *value, const char *data, size_t len)
{
	value->type = jbvString;
	value->val.string.val = (char *) data;
	value->val.string.len = (int) len;
}

/* The key of the next member. */
static void
push_key(JsonbParseState **state, const char *key)
{
	JsonbValue	value;

	set_text(&value, key, strlen(key));
	pushJsonbValue(state, WJB_KEY, &value);
}

/* A member that is a text; none for NULL. */
static void
push_text(JsonbParseState **state, const char *key, const char *data, size_t len)
{
	JsonbValue	value;

	if (data == NULL)
		return;
	push_key(state, key);
	set_text(&value, data, len);
	pushJsonbValue(state, WJB_VALUE, &value);
}

/* A member of the details. */
static void
push_detail(JsonbParseState **state, const ImportDetail *detail)
{
	JsonbValue	value;

	switch (detail->type)
	{
		case IMPORT_DETAIL_TEXT:
			push_text(state, detail->key, detail->text.data, detail->text.len);
			break;
		case IMPORT_DETAIL_INTEGER:
			push_key(state, detail->key);
			value.type = jbvNumeric;
			value.val.numeric = int64_to_numeric(detail->number);
			pushJsonbValue(state, WJB_VALUE, &value);
			break;
		case IMPORT_DETAIL_LIST:
			push_key(state, detail->key);
			pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
			for (int i = 0; i < detail->nlist; i++)
			{
				set_text(&value, detail->list[i], strlen(detail->list[i]));
				pushJsonbValue(state, WJB_ELEM, &value);
			}
			pushJsonbValue(state, WJB_END_ARRAY, NULL);
			break;
	}
}

/* A finding about a cell, as an element of an array. */
static void
push_finding(JsonbParseState **state, const ImportFinding *finding)
{
	const char *severity = severity_names[finding->severity];

	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	if (finding->code != NULL)
		push_text(state, "code", finding->code, strlen(finding->code));
	push_text(state, "severity", severity, strlen(severity));
	if (finding->column != NULL)
		push_text(state, "column", finding->column, strlen(finding->column));
	push_text(state, "value", finding->value.data, finding->value.len);
	if (finding->has_details)
	{
		push_key(state, "details");
		pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
		for (int i = 0; i < finding->ndetails; i++)
			push_detail(state, &finding->details[i]);
		pushJsonbValue(state, WJB_END_OBJECT, NULL);
	}
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/*
 * All findings of a row as an array: errors, warnings, infos; of each, what was
 * noted before the cells.
 */
Datum
import_pack_findings(const ImportRecord *record)
{
	JsonbParseState *state = NULL;
	JsonbValue	value;
	JsonbValue *whole;
	int			note = 0;
	int			finding = 0;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (ImportSeverity severity = IMPORT_ERROR; severity <= IMPORT_INFO; severity++)
	{
		for (; note < record->nnotes && record->notes[note].severity == severity; note++)
		{
			Jsonb	   *noted = record->notes[note].finding;

			value.type = jbvBinary;
			value.val.binary.data = &noted->root;
			value.val.binary.len = VARSIZE(noted) - VARHDRSZ;
			pushJsonbValue(&state, WJB_ELEM, &value);
		}
		for (; finding < record->row.nfindings && record->row.findings[finding].severity == severity; finding++)
			push_finding(&state, &record->row.findings[finding]);
	}
	whole = pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	return JsonbPGetDatum(JsonbValueToJsonb(whole));
}

/* A member of an object of jsonb. */
static bool
get_member(JsonbContainer *container, const char *key, JsonbValue *value)
{
	return getKeyJsonValueFromContainer(container, key, (int) strlen(key), value) != NULL;
}

/* A member <column>_raw; without a column, row. */
static void
push_column(JsonbParseState **state, const char *data, size_t len, JsonbValue *shown)
{
	static const char suffix[] = "_raw";
	JsonbValue	key;

	if (data == NULL)
		set_text(&key, "row", 3);
	else
	{
		char	   *name = palloc(len + sizeof(suffix));

		memcpy(name, data, len);
		memcpy(name + len, suffix, sizeof(suffix));
		set_text(&key, name, len + strlen(suffix));
	}
	pushJsonbValue(state, WJB_KEY, &key);
	pushJsonbValue(state, WJB_VALUE, shown);
}

/* What was noted, under its column, or else under each column that its details name. */
static void
note_by_column(JsonbParseState **state, const ImportNote *note, bool show_value)
{
	JsonbContainer *root = &note->finding->root;
	JsonbValue	shown;
	JsonbValue	column;
	JsonbValue	details;
	JsonbValue	columns;

	if (!(show_value && get_member(root, "value", &shown)) && !get_member(root, "code", &shown))
		shown.type = jbvNull;
	if (get_member(root, "column", &column))
	{
		if (column.type == jbvString)
			push_column(state, column.val.string.val, column.val.string.len, &shown);
		else
			push_column(state, NULL, 0, &shown);
		return;
	}
	if (get_member(root, "details", &details) && details.type == jbvBinary &&
		JsonContainerIsObject(details.val.binary.data) &&
		get_member(details.val.binary.data, "columns", &columns))
	{
		if (columns.type != jbvBinary)
			return;
		for (uint32 i = 0; i < JsonContainerSize(columns.val.binary.data); i++)
		{
			JsonbValue *name = getIthJsonbValueFromContainer(columns.val.binary.data, i);

			if (name->type == jbvString)
				push_column(state, name->val.string.val, name->val.string.len, &shown);
		}
		return;
	}
	push_column(state, NULL, 0, &shown);
}

/* What a cell came to, likewise. */
static void
finding_by_column(JsonbParseState **state, const ImportFinding *finding, bool show_value)
{
	JsonbValue	shown;

	if (show_value && finding->value.data != NULL)
		set_text(&shown, finding->value.data, finding->value.len);
	else if (finding->code != NULL)
		set_text(&shown, finding->code, strlen(finding->code));
	else
		shown.type = jbvNull;
	if (finding->column != NULL)
		push_column(state, finding->column, strlen(finding->column), &shown);
	else
		push_column(state, NULL, 0, &shown);
}

/*
 * Findings of one severity as an object with one key per column: of an error its
 * code, of others the value of the file.  The first finding of a column counts;
 * of equal keys jsonb keeps the last, hence the order.
 */
Datum
import_findings_by_column(const ImportRecord *record, ImportSeverity severity)
{
	JsonbParseState *state = NULL;
	bool		show_value = severity != IMPORT_ERROR;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = record->row.nfindings - 1; i >= 0; i--)
		if (record->row.findings[i].severity == severity)
			finding_by_column(&state, &record->row.findings[i], show_value);
	for (int i = record->nnotes - 1; i >= 0; i--)
		if (record->notes[i].severity == severity)
			note_by_column(&state, &record->notes[i], show_value);
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

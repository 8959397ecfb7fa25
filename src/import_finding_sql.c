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

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

static const char *const severity_names[] = {
	[IMPORT_ERROR] = "error",
	[IMPORT_WARNING] = "warning",
	[IMPORT_INFO] = "info"
};

/* A container of jsonb that is being written: see utils/jsonb.h. */
typedef struct JsonWriter
{
	StringInfo	out;
	int			entries;		/* where the JEntries are */
	int			child;			/* the next of them */
	int			start;			/* of the child being written */
	uint32		total;			/* bytes of the children so far */
} JsonWriter;

static void begin_container(JsonWriter *writer, StringInfo out, uint32 header, int count, int children);
static void begin_child(JsonWriter *writer);
static void end_child(JsonWriter *writer, uint32 type);
static void add_text(JsonWriter *writer, const char *data, size_t len);
static void add_number(JsonWriter *writer, int64 number);
static void pad(StringInfo out);
static int	compare_keys(const char *a, const char *b);
static void write_list(StringInfo out, const ImportDetail *detail);
static void write_details(StringInfo out, const ImportFinding *finding);
static void write_finding(StringInfo out, const ImportFinding *finding);
static void set_text(JsonbValue *value, const char *data, size_t len);
static bool get_member(JsonbContainer *container, const char *key, JsonbValue *value);
static void push_column(JsonbParseState **state, const char *data, size_t len, JsonbValue *shown);
static void note_by_column(JsonbParseState **state, const ImportNote *note, bool show_value);
static void finding_by_column(JsonbParseState **state, const ImportFinding *finding, bool show_value);

/* Containers and numbers begin at a multiple of four bytes. */
static void
pad(StringInfo out)
{
	while (out->len % sizeof(uint32) != 0)
		appendStringInfoCharMacro(out, '\0');
}

/* Begin an array or object; `count` is of its elements or members. */
static void
begin_container(JsonWriter *writer, StringInfo out, uint32 header, int count, int children)
{
	pad(out);
	header |= (uint32) count;
	appendBinaryStringInfo(out, (char *) &header, sizeof(header));
	writer->out = out;
	writer->entries = out->len;
	writer->child = 0;
	writer->total = 0;
	enlargeStringInfo(out, (int) sizeof(JEntry) * children);
	out->len += (int) sizeof(JEntry) * children;
}

/* Begin an element, a key or a member's value. */
static void
begin_child(JsonWriter *writer)
{
	writer->start = writer->out->len;
}

/* End it: every JB_OFFSET_STRIDE-th entry tells where it ends, others their length, with what comes before it to align it. */
static void
end_child(JsonWriter *writer, uint32 type)
{
	uint32		len = (uint32) (writer->out->len - writer->start);
	JEntry		entry;

	writer->total += len;
	if (writer->total > JENTRY_OFFLENMASK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the findings of a row exceed the maximum of %u bytes", JENTRY_OFFLENMASK)));
	entry = writer->child % JB_OFFSET_STRIDE == 0 ? type | writer->total | JENTRY_HAS_OFF : type | len;
	memcpy(writer->out->data + writer->entries + sizeof(JEntry) * writer->child, &entry, sizeof(entry));
	writer->child++;
}

/* A text. */
static void
add_text(JsonWriter *writer, const char *data, size_t len)
{
	begin_child(writer);
	appendBinaryStringInfo(writer->out, data, (int) len);
	end_child(writer, JENTRY_ISSTRING);
}

/* A whole number. */
static void
add_number(JsonWriter *writer, int64 number)
{
	Numeric		numeric = int64_to_numeric(number);

	begin_child(writer);
	pad(writer->out);
	appendBinaryStringInfo(writer->out, (char *) numeric, VARSIZE_ANY(numeric));
	end_child(writer, JENTRY_ISNUMERIC);
}

/* The order of keys in an object: shorter ones first. */
static int
compare_keys(const char *a, const char *b)
{
	size_t		a_len = strlen(a);
	size_t		b_len = strlen(b);

	return a_len != b_len ? (a_len < b_len ? -1 : 1) : memcmp(a, b, a_len);
}

/* A list of texts. */
static void
write_list(StringInfo out, const ImportDetail *detail)
{
	JsonWriter	writer;

	begin_container(&writer, out, JB_FARRAY, detail->nlist, detail->nlist);
	for (int i = 0; i < detail->nlist; i++)
		add_text(&writer, detail->list[i], strlen(detail->list[i]));
}

/* The details of a finding, without those that are not known. */
static void
write_details(StringInfo out, const ImportFinding *finding)
{
	const ImportDetail *sorted[IMPORT_MAX_DETAILS];
	JsonWriter	writer;
	int			count = 0;

	for (int i = 0; i < finding->ndetails; i++)
	{
		const ImportDetail *detail = &finding->details[i];
		int			place = count;

		if (detail->type == IMPORT_DETAIL_TEXT && detail->text.data == NULL)
			continue;
		for (; place > 0 && compare_keys(sorted[place - 1]->key, detail->key) > 0; place--)
			sorted[place] = sorted[place - 1];
		sorted[place] = detail;
		count++;
	}
	begin_container(&writer, out, JB_FOBJECT, count, 2 * count);
	for (int i = 0; i < count; i++)
		add_text(&writer, sorted[i]->key, strlen(sorted[i]->key));
	for (int i = 0; i < count; i++)
		switch (sorted[i]->type)
		{
			case IMPORT_DETAIL_TEXT:
				add_text(&writer, sorted[i]->text.data, sorted[i]->text.len);
				break;
			case IMPORT_DETAIL_INTEGER:
				add_number(&writer, sorted[i]->number);
				break;
			case IMPORT_DETAIL_LIST:
				begin_child(&writer);
				write_list(out, sorted[i]);
				end_child(&writer, JENTRY_ISCONTAINER);
				break;
		}
}

/* A finding about a cell; its keys in their order are code, value, column, details, severity. */
static void
write_finding(StringInfo out, const ImportFinding *finding)
{
	const char *severity = severity_names[finding->severity];
	bool		has_value = finding->value.data != NULL;
	int			count = 1 + (finding->code != NULL) + has_value + (finding->column != NULL) + finding->has_details;
	JsonWriter	writer;

	begin_container(&writer, out, JB_FOBJECT, count, 2 * count);
	if (finding->code != NULL)
		add_text(&writer, "code", 4);
	if (has_value)
		add_text(&writer, "value", 5);
	if (finding->column != NULL)
		add_text(&writer, "column", 6);
	if (finding->has_details)
		add_text(&writer, "details", 7);
	add_text(&writer, "severity", 8);
	if (finding->code != NULL)
		add_text(&writer, finding->code, strlen(finding->code));
	if (has_value)
		add_text(&writer, finding->value.data, finding->value.len);
	if (finding->column != NULL)
		add_text(&writer, finding->column, strlen(finding->column));
	if (finding->has_details)
	{
		begin_child(&writer);
		write_details(out, finding);
		end_child(&writer, JENTRY_ISCONTAINER);
	}
	add_text(&writer, severity, strlen(severity));
}

/*
 * All findings of a row as an array: errors, warnings, infos; of each, what was
 * noted before the cells.  Written as jsonb is stored: building it of
 * JsonbValues costs as much as judging the row.
 */
Datum
import_pack_findings(const ImportRecord *record)
{
	StringInfoData out;
	JsonWriter	writer;
	int			count = record->nnotes + record->row.nfindings;
	int			note = 0;
	int			finding = 0;

	initStringInfo(&out);
	out.len = VARHDRSZ;
	begin_container(&writer, &out, JB_FARRAY, count, count);
	for (ImportSeverity severity = IMPORT_ERROR; severity <= IMPORT_INFO; severity++)
	{
		for (; note < record->nnotes && record->notes[note].severity == severity; note++)
		{
			Jsonb	   *noted = record->notes[note].finding;

			begin_child(&writer);
			pad(&out);
			appendBinaryStringInfo(&out, (char *) &noted->root, VARSIZE(noted) - VARHDRSZ);
			end_child(&writer, JENTRY_ISCONTAINER);
		}
		for (; finding < record->row.nfindings && record->row.findings[finding].severity == severity; finding++)
		{
			begin_child(&writer);
			write_finding(&out, &record->row.findings[finding]);
			end_child(&writer, JENTRY_ISCONTAINER);
		}
	}
	Assert(writer.child == count);
	SET_VARSIZE(out.data, out.len);
	return PointerGetDatum(out.data);
}

/* Make a value of a text that it points to. */
static void
set_text(JsonbValue *value, const char *data, size_t len)
{
	value->type = jbvString;
	value->val.string.val = (char *) data;
	value->val.string.len = (int) len;
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

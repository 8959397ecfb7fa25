/*-------------------------------------------------------------------------
 *
 * import_finding_sql.c
 *	  Analysis of a job: findings as jsonb.
 *
 * All findings of a row in an array, as import.bad_row has them, and those of
 * one severity as an object with one key per column, as the data table has
 * them.  Both join what earlier stages noted with what the cells came to.  They
 * are written as jsonb is stored: to build them of JsonbValues costs as much as
 * to judge the row.
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

/* What is being written; parts of it take room before they are written. */
typedef struct JsonOut
{
	char	   *data;
	char	   *at;
	char	   *end;
} JsonOut;

/* A container of jsonb that is being written: see utils/jsonb.h. */
typedef struct JsonWriter
{
	JsonOut    *out;
	size_t		entries;		/* where the JEntries are */
	int			child;			/* the next of them */
	size_t		start;			/* of the child being written */
	uint32		total;			/* bytes of the children so far */
} JsonWriter;

/* Bytes of a container beside its children, with what aligns it. */
#define CONTAINER_ROOM(children) (2 * sizeof(uint32) + sizeof(JEntry) * (size_t) (children))

/* Bytes of a whole number, likewise. */
#define NUMBER_ROOM 32

/* First room of findings, for each. */
#define FINDING_ROOM 160

/* Columns that are shown without further room. */
#define SHOWN_COLUMNS 16

/* What is shown under a column; no name: under the row. */
typedef struct ShownColumn
{
	const char *name;			/* without "_raw" */
	size_t		len;
	JsonbValue	value;
} ShownColumn;

typedef struct ShownColumns
{
	ShownColumn *columns;
	int			count;
	int			max;
	ShownColumn first[SHOWN_COLUMNS];
} ShownColumns;

static void begin_out(JsonOut *out, size_t room);
static void grow(JsonOut *out, size_t room);
static Jsonb *end_out(JsonOut *out);
static int	compare_keys(const char *a, const char *b);
static void write_list(JsonOut *out, const ImportDetail *detail);
static void write_details(JsonOut *out, const ImportFinding *finding);
static void write_finding(JsonOut *out, const ImportFinding *finding);
static void add_value(JsonWriter *writer, const JsonbValue *value);
static void set_text(JsonbValue *value, const char *data, size_t len);
static bool get_member(JsonbContainer *container, const char *key, JsonbValue *value);
static void show(ShownColumns *shown, const char *data, size_t len, const JsonbValue *value);
static void show_note(ShownColumns *shown, const ImportNote *note, bool show_value);
static void show_finding(ShownColumns *shown, const ImportFinding *finding, bool show_value);

/* Begin to write a jsonb, in the current memory context. */
static void
begin_out(JsonOut *out, size_t room)
{
	room += VARHDRSZ;
	out->data = palloc(room);
	out->at = out->data + VARHDRSZ;
	out->end = out->data + room;
}

/* Find more room. */
static void
grow(JsonOut *out, size_t room)
{
	size_t		len = (size_t) (out->at - out->data);
	size_t		size = Max(2 * (size_t) (out->end - out->data), len + room);

	out->data = repalloc(out->data, size);
	out->at = out->data + len;
	out->end = out->data + size;
}

/* Take room for what is written next. */
static inline void
take_room(JsonOut *out, size_t room)
{
	if ((size_t) (out->end - out->at) < room)
		grow(out, room);
}

/* It is written. */
static Jsonb *
end_out(JsonOut *out)
{
	SET_VARSIZE(out->data, out->at - out->data);
	return (Jsonb *) out->data;
}

/* Containers and numbers begin at a multiple of four bytes. */
static inline void
pad(JsonOut *out)
{
	while ((size_t) (out->at - out->data) % sizeof(uint32) != 0)
		*out->at++ = '\0';
}

/* Write bytes. */
static inline void
put(JsonOut *out, const char *data, size_t len)
{
	memcpy(out->at, data, len);
	out->at += len;
}

/*
 * Begin an array or object; `count` is of its elements or members.  As for all
 * that is written, the caller has taken room.
 */
static inline void
begin_container(JsonWriter *writer, JsonOut *out, uint32 header, int count, int children)
{
	pad(out);
	header |= (uint32) count;
	put(out, (char *) &header, sizeof(header));
	writer->out = out;
	writer->entries = (size_t) (out->at - out->data);
	writer->child = 0;
	writer->total = 0;
	out->at += sizeof(JEntry) * (size_t) children;
}

/* Begin an element, a key or a member's value. */
static inline void
begin_child(JsonWriter *writer)
{
	writer->start = (size_t) (writer->out->at - writer->out->data);
}

/*
 * End it: every JB_OFFSET_STRIDE-th entry tells where it ends, others their
 * length, with what comes before it to align it.
 */
static inline void
end_child(JsonWriter *writer, uint32 type)
{
	uint32		len = (uint32) ((size_t) (writer->out->at - writer->out->data) - writer->start);
	JEntry		entry;

	writer->total += len;
	if (writer->total > JENTRY_OFFLENMASK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the findings of a row exceed the maximum of %u bytes", JENTRY_OFFLENMASK)));
	entry = writer->child % JB_OFFSET_STRIDE == 0 ? type | writer->total | JENTRY_HAS_OFF : type | len;
	memcpy(writer->out->data + writer->entries + sizeof(JEntry) * (size_t) writer->child, &entry, sizeof(entry));
	writer->child++;
}

/* A text. */
static inline void
add_text(JsonWriter *writer, const char *data, size_t len)
{
	begin_child(writer);
	put(writer->out, data, len);
	end_child(writer, JENTRY_ISSTRING);
}

/* A whole number. */
static void
add_number(JsonWriter *writer, int64 number)
{
	Numeric		numeric = int64_to_numeric(number);

	Assert(VARSIZE_ANY(numeric) + sizeof(uint32) <= NUMBER_ROOM);
	begin_child(writer);
	pad(writer->out);
	put(writer->out, (char *) numeric, VARSIZE_ANY(numeric));
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
write_list(JsonOut *out, const ImportDetail *detail)
{
	JsonWriter	writer;
	size_t		room = CONTAINER_ROOM(detail->nlist);

	for (int i = 0; i < detail->nlist; i++)
		room += strlen(detail->list[i]);
	take_room(out, room);
	begin_container(&writer, out, JB_FARRAY, detail->nlist, detail->nlist);
	for (int i = 0; i < detail->nlist; i++)
		add_text(&writer, detail->list[i], strlen(detail->list[i]));
}

/* The details of a finding, without those that are not known. */
static void
write_details(JsonOut *out, const ImportFinding *finding)
{
	const ImportDetail *sorted[IMPORT_MAX_DETAILS];
	JsonWriter	writer;
	size_t		room = CONTAINER_ROOM(2 * IMPORT_MAX_DETAILS);
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
		room += strlen(detail->key) + (detail->type == IMPORT_DETAIL_TEXT ? detail->text.len : NUMBER_ROOM);
	}
	take_room(out, room);
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
				take_room(out, room);
				break;
		}
}

/* A finding about a cell; its keys in their order are code, value, column, details, severity. */
static void
write_finding(JsonOut *out, const ImportFinding *finding)
{
	const char *severity = severity_names[finding->severity];
	size_t		severity_len = strlen(severity);
	bool		has_value = finding->value.data != NULL;
	size_t		code_len = finding->code != NULL ? strlen(finding->code) : 0;
	size_t		column_len = finding->column != NULL ? strlen(finding->column) : 0;
	int			count = 1 + (finding->code != NULL) + has_value + (finding->column != NULL) + finding->has_details;
	JsonWriter	writer;

	take_room(out, CONTAINER_ROOM(2 * count) + strlen("codevaluecolumndetailsseverity") + code_len +
			  (has_value ? finding->value.len : 0) + column_len + severity_len);
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
		add_text(&writer, finding->code, code_len);
	if (has_value)
		add_text(&writer, finding->value.data, finding->value.len);
	if (finding->column != NULL)
		add_text(&writer, finding->column, column_len);
	if (finding->has_details)
	{
		begin_child(&writer);
		write_details(out, finding);
		end_child(&writer, JENTRY_ISCONTAINER);
		take_room(out, severity_len);
	}
	add_text(&writer, severity, severity_len);
}

/* A finding as it is kept among those of a row, in the current memory context. */
Jsonb *
import_finding_jsonb(const ImportFinding *finding)
{
	JsonOut		out;

	begin_out(&out, FINDING_ROOM);
	write_finding(&out, finding);
	return end_out(&out);
}

/*
 * All findings of a row as an array: errors, warnings, infos; of each, what was
 * noted before the cells.
 */
Datum
import_pack_findings(const ImportRecord *record)
{
	JsonOut		out;
	JsonWriter	writer;
	int			count = record->nnotes + record->row.nfindings;
	int			note = 0;
	int			finding = 0;

	begin_out(&out, CONTAINER_ROOM(count) + FINDING_ROOM * (size_t) count);
	begin_container(&writer, &out, JB_FARRAY, count, count);
	for (ImportSeverity severity = IMPORT_ERROR; severity <= IMPORT_INFO; severity++)
	{
		for (; note < record->nnotes && record->notes[note].severity == severity; note++)
		{
			Jsonb	   *noted = record->notes[note].finding;

			take_room(&out, sizeof(uint32) + VARSIZE(noted));
			begin_child(&writer);
			pad(&out);
			put(&out, (char *) &noted->root, VARSIZE(noted) - VARHDRSZ);
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
	return JsonbPGetDatum(end_out(&out));
}

/* The bytes of a value, with what aligns it. */
static inline size_t
value_room(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvString:
			return (size_t) value->val.string.len;
		case jbvNumeric:
			return sizeof(uint32) + VARSIZE_ANY(value->val.numeric);
		case jbvBinary:
			return sizeof(uint32) + (size_t) value->val.binary.len;
		default:
			return 0;
	}
}

/* A value that another jsonb holds, or a text of ours. */
static void
add_value(JsonWriter *writer, const JsonbValue *value)
{
	begin_child(writer);
	switch (value->type)
	{
		case jbvString:
			put(writer->out, value->val.string.val, (size_t) value->val.string.len);
			end_child(writer, JENTRY_ISSTRING);
			break;
		case jbvNumeric:
			pad(writer->out);
			put(writer->out, (char *) value->val.numeric, VARSIZE_ANY(value->val.numeric));
			end_child(writer, JENTRY_ISNUMERIC);
			break;
		case jbvBool:
			end_child(writer, value->val.boolean ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE);
			break;
		case jbvBinary:
			pad(writer->out);
			put(writer->out, (char *) value->val.binary.data, (size_t) value->val.binary.len);
			end_child(writer, JENTRY_ISCONTAINER);
			break;
		default:
			end_child(writer, JENTRY_ISNULL);
			break;
	}
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

/*
 * Show a value under a column, unless one is shown there; without a column,
 * under the row.  Columns are kept in the order of jsonb's keys.
 */
static void
show(ShownColumns *shown, const char *data, size_t len, const JsonbValue *value)
{
	int			place = 0;

	for (; place < shown->count; place++)
	{
		const ShownColumn *other = &shown->columns[place];
		int			order = len != other->len ? (len < other->len ? -1 : 1) : memcmp(data, other->name, len);

		if (order == 0)
			return;
		if (order < 0)
			break;
	}
	if (shown->count == shown->max)
	{
		ShownColumn *more = palloc(sizeof(ShownColumn) * 2 * (size_t) shown->max);

		memcpy(more, shown->columns, sizeof(ShownColumn) * (size_t) shown->count);
		shown->columns = more;
		shown->max *= 2;
	}
	memmove(&shown->columns[place + 1], &shown->columns[place], sizeof(ShownColumn) * (shown->count - place));
	shown->columns[place].name = data;
	shown->columns[place].len = len;
	shown->columns[place].value = *value;
	shown->count++;
}

/* What was noted, under its column, or else under each column that its details name. */
static void
show_note(ShownColumns *shown, const ImportNote *note, bool show_value)
{
	JsonbContainer *root = &note->finding->root;
	JsonbValue	value;
	JsonbValue	column;
	JsonbValue	details;
	JsonbValue	columns;

	if (!(show_value && get_member(root, "value", &value)) && !get_member(root, "code", &value))
		value.type = jbvNull;
	if (get_member(root, "column", &column))
	{
		if (column.type == jbvString)
			show(shown, column.val.string.val, column.val.string.len, &value);
		else
			show(shown, "", 0, &value);
		return;
	}
	if (!get_member(root, "details", &details) || details.type != jbvBinary ||
		!JsonContainerIsObject(details.val.binary.data) ||
		!get_member(details.val.binary.data, "columns", &columns))
	{
		show(shown, "", 0, &value);
		return;
	}
	if (columns.type != jbvBinary || !JsonContainerIsArray(columns.val.binary.data))
		return;
	for (uint32 i = 0; i < JsonContainerSize(columns.val.binary.data); i++)
	{
		JsonbValue *name = getIthJsonbValueFromContainer(columns.val.binary.data, i);

		if (name->type == jbvString)
			show(shown, name->val.string.val, name->val.string.len, &value);
	}
}

/* What a cell came to, likewise. */
static void
show_finding(ShownColumns *shown, const ImportFinding *finding, bool show_value)
{
	JsonbValue	value;

	if (show_value && finding->value.data != NULL)
		set_text(&value, finding->value.data, finding->value.len);
	else if (finding->code != NULL)
		set_text(&value, finding->code, strlen(finding->code));
	else
		value.type = jbvNull;
	if (finding->column != NULL)
		show(shown, finding->column, strlen(finding->column), &value);
	else
		show(shown, "", 0, &value);
}

/*
 * Findings of one severity as an object with one key per column, <column>_raw,
 * or row: of an error its code, of others the value of the file.  The first
 * finding of a column counts.
 */
Datum
import_findings_by_column(const ImportRecord *record, ImportSeverity severity)
{
	bool		show_value = severity != IMPORT_ERROR;
	ShownColumns shown;
	JsonOut		out;
	JsonWriter	writer;
	size_t		room;

	shown.columns = shown.first;
	shown.count = 0;
	shown.max = SHOWN_COLUMNS;
	for (int i = 0; i < record->nnotes; i++)
		if (record->notes[i].severity == severity)
			show_note(&shown, &record->notes[i], show_value);
	for (int i = 0; i < record->row.nfindings; i++)
		if (record->row.findings[i].severity == severity)
			show_finding(&shown, &record->row.findings[i], show_value);

	room = CONTAINER_ROOM(2 * shown.count);
	for (int i = 0; i < shown.count; i++)
		room += shown.columns[i].len + strlen("_raw") + value_room(&shown.columns[i].value);
	begin_out(&out, room);
	begin_container(&writer, &out, JB_FOBJECT, shown.count, 2 * shown.count);
	for (int i = 0; i < shown.count; i++)
	{
		bool		is_column = shown.columns[i].len > 0;

		begin_child(&writer);
		put(&out, shown.columns[i].name, shown.columns[i].len);
		put(&out, is_column ? "_raw" : "row", is_column ? 4 : 3);
		end_child(&writer, JENTRY_ISSTRING);
	}
	for (int i = 0; i < shown.count; i++)
		add_value(&writer, &shown.columns[i].value);
	return JsonbPGetDatum(end_out(&out));
}

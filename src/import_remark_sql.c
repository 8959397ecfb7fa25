/*-------------------------------------------------------------------------
 *
 * import_remark_sql.c
 *	  Analysis of a job: findings about identifiers, entities and periods.
 *
 * A finding is begun, gets its details one by one, and becomes a note of its
 * row.
 *
 * IDENTIFICATION
 *	  src/import_remark_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_identify.h"

#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

static void push_key(IdentifyRemark *remark, const char *key);
static void push_text(IdentifyRemark *remark, JsonbIteratorToken token, SbSlice text);
static void push_number(IdentifyRemark *remark, JsonbIteratorToken token, int64 number);
static void begin_array(IdentifyRemark *remark, const char *key);
static void end_array(IdentifyRemark *remark);
static int	compare_names(const void *a, const void *b);

/* A key of the object that is being written. */
static void
push_key(IdentifyRemark *remark, const char *key)
{
	JsonbValue	value;

	value.type = jbvString;
	value.val.string.val = (char *) key;
	value.val.string.len = (int) strlen(key);
	pushJsonbValue(&remark->state, WJB_KEY, &value);
}

/* A text; NULL data: null. */
static void
push_text(IdentifyRemark *remark, JsonbIteratorToken token, SbSlice text)
{
	JsonbValue	value;

	value.type = text.data == NULL ? jbvNull : jbvString;
	value.val.string.val = (char *) text.data;
	value.val.string.len = (int) text.len;
	pushJsonbValue(&remark->state, token, &value);
}

/* A whole number. */
static void
push_number(IdentifyRemark *remark, JsonbIteratorToken token, int64 number)
{
	JsonbValue	value;

	value.type = jbvNumeric;
	value.val.numeric = int64_to_numeric(number);
	pushJsonbValue(&remark->state, token, &value);
}

/* Begin an array of the details. */
static void
begin_array(IdentifyRemark *remark, const char *key)
{
	import_remark_details(remark);
	push_key(remark, key);
	pushJsonbValue(&remark->state, WJB_BEGIN_ARRAY, NULL);
}

/* End it. */
static void
end_array(IdentifyRemark *remark)
{
	pushJsonbValue(&remark->state, WJB_END_ARRAY, NULL);
}

/*
 * Begin a finding.  Without a column it is about the row; without data there is
 * no value to show.
 */
void
import_remark_begin(ImportIdentify *identify, IdentifyRemark *remark, ImportSeverity severity,
					const char *code, const char *column, SbSlice value)
{
	static const char *const severities[] = {
		[IMPORT_ERROR] = "error",
		[IMPORT_WARNING] = "warning",
		[IMPORT_INFO] = "info"
	};

	remark->old = MemoryContextSwitchTo(identify->scratch);
	remark->state = NULL;
	remark->severity = severity;
	remark->has_details = false;
	pushJsonbValue(&remark->state, WJB_BEGIN_OBJECT, NULL);
	push_key(remark, "code");
	push_text(remark, WJB_VALUE, (SbSlice) {code, strlen(code)});
	push_key(remark, "severity");
	push_text(remark, WJB_VALUE, (SbSlice) {severities[severity], strlen(severities[severity])});
	if (column != NULL)
	{
		push_key(remark, "column");
		push_text(remark, WJB_VALUE, (SbSlice) {column, strlen(column)});
	}
	if (value.data != NULL)
	{
		push_key(remark, "value");
		push_text(remark, WJB_VALUE, value);
	}
}

/* Let the finding have details, if need be none. */
void
import_remark_details(IdentifyRemark *remark)
{
	if (remark->has_details)
		return;
	push_key(remark, "details");
	pushJsonbValue(&remark->state, WJB_BEGIN_OBJECT, NULL);
	remark->has_details = true;
}

/* A text; NULL data: null. */
void
import_remark_text(IdentifyRemark *remark, const char *key, SbSlice text)
{
	import_remark_details(remark);
	push_key(remark, key);
	push_text(remark, WJB_VALUE, text);
}

/* A number. */
void
import_remark_number(IdentifyRemark *remark, const char *key, int64 number)
{
	import_remark_details(remark);
	push_key(remark, key);
	push_number(remark, WJB_VALUE, number);
}

/* A number that need not be whole. */
void
import_remark_numeric(IdentifyRemark *remark, const char *key, Numeric number)
{
	JsonbValue	value;

	import_remark_details(remark);
	push_key(remark, key);
	value.type = jbvNumeric;
	value.val.numeric = number;
	pushJsonbValue(&remark->state, WJB_VALUE, &value);
}

/* Something that is so. */
void
import_remark_true(IdentifyRemark *remark, const char *key)
{
	JsonbValue	value;

	import_remark_details(remark);
	push_key(remark, key);
	value.type = jbvBool;
	value.val.boolean = true;
	pushJsonbValue(&remark->state, WJB_VALUE, &value);
}

/* A list of names; NULL: null. */
void
import_remark_names(IdentifyRemark *remark, const char *key, const char *const *names, int nnames)
{
	if (names == NULL)
	{
		import_remark_text(remark, key, (SbSlice) {NULL, 0});
		return;
	}
	begin_array(remark, key);
	for (int i = 0; i < nnames; i++)
		push_text(remark, WJB_ELEM, (SbSlice) {names[i], strlen(names[i])});
	end_array(remark);
}

/* A list of texts. */
void
import_remark_slices(IdentifyRemark *remark, const char *key, const SbSlice *texts, int ntexts)
{
	begin_array(remark, key);
	for (int i = 0; i < ntexts; i++)
		push_text(remark, WJB_ELEM, texts[i]);
	end_array(remark);
}

/* A list of rows. */
void
import_remark_rows(IdentifyRemark *remark, const char *key, const uint32 *rows, int nrows)
{
	begin_array(remark, key);
	for (int i = 0; i < nrows; i++)
		push_number(remark, WJB_ELEM, rows[i]);
	end_array(remark);
}

/* A day as YYYY-MM-DD; one without end as infinity, one without beginning as nothing. */
SbSlice
import_day_text(DateADT day, char *buffer)
{
	SbSlice		text = {buffer, 0};
	int			year;
	int			month;
	int			mday;

	if (DATE_IS_NOBEGIN(day))
		text.data = NULL;
	else if (DATE_IS_NOEND(day))
		text.len = (size_t) snprintf(buffer, IMPORT_DAY_SIZE, "infinity");
	else
	{
		j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
		text.len = (size_t) snprintf(buffer, IMPORT_DAY_SIZE, "%04d-%02d-%02d", year, month, mday);
	}
	return text;
}

/* The periods of a unit, each as its first and last day. */
void
import_remark_life(IdentifyRemark *remark, const char *key, const IdentifyLife *life)
{
	begin_array(remark, key);
	for (int i = 0; i < life->ndays; i++)
	{
		DateADT		until = life->days[i].until;

		pushJsonbValue(&remark->state, WJB_BEGIN_ARRAY, NULL);
		/* the texts are copied when all is written */
		push_text(remark, WJB_ELEM, import_day_text(life->days[i].from, palloc(IMPORT_DAY_SIZE)));
		push_text(remark, WJB_ELEM, import_day_text(DATE_IS_NOEND(until) ? until : until - 1,
													palloc(IMPORT_DAY_SIZE)));
		pushJsonbValue(&remark->state, WJB_END_ARRAY, NULL);
	}
	end_array(remark);
}

/* An object of the details: what follows is its, until it is closed. */
void
import_remark_open(IdentifyRemark *remark, const char *key)
{
	import_remark_details(remark);
	push_key(remark, key);
	pushJsonbValue(&remark->state, WJB_BEGIN_OBJECT, NULL);
}

/* Close it. */
void
import_remark_close(IdentifyRemark *remark)
{
	pushJsonbValue(&remark->state, WJB_END_OBJECT, NULL);
}

/* Something that was jsonb already. */
void
import_remark_jsonb(IdentifyRemark *remark, const char *key, Jsonb *json)
{
	JsonbValue	value;

	import_remark_details(remark);
	push_key(remark, key);
	value.type = jbvBinary;
	value.val.binary.data = &json->root;
	value.val.binary.len = (int) (VARSIZE(json) - VARHDRSZ);
	pushJsonbValue(&remark->state, WJB_VALUE, &value);
}

/* Details that are an object already, and are all of them. */
void
import_remark_object(IdentifyRemark *remark, Jsonb *details)
{
	JsonbValue	value;

	push_key(remark, "details");
	value.type = jbvBinary;
	value.val.binary.data = &details->root;
	value.val.binary.len = (int) (VARSIZE(details) - VARHDRSZ);
	pushJsonbValue(&remark->state, WJB_VALUE, &value);
}

/* For qsort(). */
static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* The columns that a row fills in a role. */
void
import_remark_columns(ImportIdentify *identify, IdentifyRemark *remark, const IdentifyCase *rowcase,
					  IdentifyRole role)
{
	const char **names = palloc(sizeof(char *) * (identify->nslots + 1));
	int			count = 0;

	for (int i = 0; i < rowcase->row.nidents; i++)
	{
		const IdentifySlot *slot = &identify->slots[rowcase->idents[i].slot];

		if (slot->role == role)
			names[count++] = slot->name;
	}
	qsort(names, count, sizeof(char *), compare_names);
	import_remark_names(remark, "columns", names, count);
}

/* The finding is complete: note it. */
void
import_remark_end(ImportIdentify *identify, IdentifyRemark *remark, uint32 row_id)
{
	JsonbValue *value;

	if (remark->has_details)
		pushJsonbValue(&remark->state, WJB_END_OBJECT, NULL);
	value = pushJsonbValue(&remark->state, WJB_END_OBJECT, NULL);
	import_notes_add(identify->notes, row_id, remark->severity, JsonbValueToJsonb(value));
	MemoryContextSwitchTo(remark->old);
}

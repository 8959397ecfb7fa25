/*-------------------------------------------------------------------------
 *
 * import_note_sql.c
 *	  Analysis of a job: findings that come before those of the cells.
 *
 * They are said in any order and asked for in the order of the file.  A sort
 * keeps them, beyond work_mem on disk; those of one row are put in their order
 * when they are asked for.
 *
 * IDENTIFICATION
 *	  src/import_note_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_stage.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/tuplesort.h"

/* Columns of what is sorted. */
enum
{
	NOTE_ROW_ID = 1,
	NOTE_SEVERITY,
	NOTE_FINDING,
	NOTE_COLUMNS = NOTE_FINDING
};

struct ImportNotes
{
	Tuplesortstate *sort;		/* NULL: there are none */
	TupleDesc	desc;
	TupleTableSlot *written;
	TupleTableSlot *next;		/* the first note that was not given */
	bool		has_next;
	MemoryContext context;
};

static void begin_sort(ImportNotes *notes);
static void read_next(ImportNotes *notes);
static bool get_text(const Jsonb *finding, const char *key, JsonbValue *value);
static int	compare_texts(const Jsonb *a, const Jsonb *b, const char *key);
static int	compare_notes(const void *a, const void *b);

/* Begin to take notes; they live in the current memory context. */
ImportNotes *
import_notes_begin(void)
{
	ImportNotes *notes = palloc0(sizeof(ImportNotes));

	notes->context = CurrentMemoryContext;
	return notes;
}

/* Make room for the first note. */
static void
begin_sort(ImportNotes *notes)
{
	MemoryContext old = MemoryContextSwitchTo(notes->context);
	AttrNumber	column = NOTE_ROW_ID;
	Oid			less = Int8LessOperator;
	Oid			collation = InvalidOid;
	bool		nulls_first = false;

	notes->desc = CreateTemplateTupleDesc(NOTE_COLUMNS);
	TupleDescInitEntry(notes->desc, NOTE_ROW_ID, "row_id", INT8OID, -1, 0);
	TupleDescInitEntry(notes->desc, NOTE_SEVERITY, "severity", INT4OID, -1, 0);
	TupleDescInitEntry(notes->desc, NOTE_FINDING, "finding", JSONBOID, -1, 0);
	notes->written = MakeSingleTupleTableSlot(notes->desc, &TTSOpsVirtual);
	notes->next = MakeSingleTupleTableSlot(notes->desc, &TTSOpsMinimalTuple);
	notes->sort = tuplesort_begin_heap(notes->desc, 1, &column, &less, &collation, &nulls_first,
									   work_mem, NULL, TUPLESORT_NONE);
	MemoryContextSwitchTo(old);
}

/* Take a note of a row; the finding is copied. */
void
import_notes_add(ImportNotes *notes, int64 row_id, ImportSeverity severity, const Jsonb *finding)
{
	if (notes->sort == NULL)
		begin_sort(notes);
	ExecClearTuple(notes->written);
	memset(notes->written->tts_isnull, 0, sizeof(bool) * NOTE_COLUMNS);
	notes->written->tts_values[NOTE_ROW_ID - 1] = Int64GetDatum(row_id);
	notes->written->tts_values[NOTE_SEVERITY - 1] = Int32GetDatum((int32) severity);
	notes->written->tts_values[NOTE_FINDING - 1] = PointerGetDatum(finding);
	ExecStoreVirtualTuple(notes->written);
	tuplesort_puttupleslot(notes->sort, notes->written);
}

/* Read the next note. */
static void
read_next(ImportNotes *notes)
{
	notes->has_next = tuplesort_gettupleslot(notes->sort, true, false, notes->next, NULL);
	if (notes->has_next)
		slot_getallattrs(notes->next);
}

/* All notes were taken: they can be asked for. */
void
import_notes_sort(ImportNotes *notes)
{
	MemoryContext old;

	if (notes->sort == NULL)
		return;
	old = MemoryContextSwitchTo(notes->context);
	tuplesort_performsort(notes->sort);
	read_next(notes);
	MemoryContextSwitchTo(old);
}

/* A member of a finding that is a text. */
static bool
get_text(const Jsonb *finding, const char *key, JsonbValue *value)
{
	return getKeyJsonValueFromContainer((JsonbContainer *) &finding->root, key, (int) strlen(key), value) != NULL &&
		value->type == jbvString;
}

/* The order of a member of two findings, by its bytes; without it last. */
static int
compare_texts(const Jsonb *a, const Jsonb *b, const char *key)
{
	JsonbValue	x;
	JsonbValue	y;
	bool		has_x = get_text(a, key, &x);
	bool		has_y = get_text(b, key, &y);
	int			order;

	if (!has_x || !has_y)
		return has_x == has_y ? 0 : has_x ? -1 : 1;
	order = memcmp(x.val.string.val, y.val.string.val, Min(x.val.string.len, y.val.string.len));
	return order != 0 ? order : x.val.string.len - y.val.string.len;
}

/* The order of the notes of a row: severity, column, code, the finding itself. */
static int
compare_notes(const void *a, const void *b)
{
	const ImportNote *x = a;
	const ImportNote *y = b;
	int			order;

	if (x->severity != y->severity)
		return x->severity < y->severity ? -1 : 1;
	order = compare_texts(x->finding, y->finding, "column");
	if (order == 0)
		order = compare_texts(x->finding, y->finding, "code");
	return order != 0 ? order : compareJsonbContainers(&x->finding->root, &y->finding->root);
}

/* Put notes of one row in their order. */
void
import_notes_order(ImportNote *notes, int count)
{
	if (count > 1)
		qsort(notes, count, sizeof(ImportNote), compare_notes);
}

/*
 * The notes of a row, in no order; rows are asked for in the order of the
 * file.  They are added to an array of *count that has room for *room, which
 * may be moved, in the current memory context.
 */
void
import_notes_of_row(ImportNotes *notes, int64 row_id, ImportNote **result, int *count, int *room)
{
	while (notes->has_next && DatumGetInt64(notes->next->tts_values[NOTE_ROW_ID - 1]) <= row_id)
	{
		ImportNote	note;

		note.severity = (ImportSeverity) DatumGetInt32(notes->next->tts_values[NOTE_SEVERITY - 1]);
		note.finding = DatumGetJsonbPCopy(notes->next->tts_values[NOTE_FINDING - 1]);
		import_notes_append(result, count, room, note);
		read_next(notes);
	}
}

/* Add a note to an array of *count, which has room for *room and may be moved. */
void
import_notes_append(ImportNote **result, int *count, int *room, ImportNote note)
{
	if (*count == *room)
	{
		*room = *room == 0 ? 16 : 2 * *room;
		*result = *result == NULL
			? palloc(sizeof(ImportNote) * *room)
			: repalloc(*result, sizeof(ImportNote) * *room);
	}
	(*result)[(*count)++] = note;
}

/* No more notes are asked for. */
void
import_notes_end(ImportNotes *notes)
{
	if (notes->sort == NULL)
		return;
	ExecDropSingleTupleTableSlot(notes->next);
	ExecDropSingleTupleTableSlot(notes->written);
	tuplesort_end(notes->sort);
	notes->sort = NULL;
}

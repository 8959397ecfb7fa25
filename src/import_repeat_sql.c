/*-------------------------------------------------------------------------
 *
 * import_repeat_sql.c
 *	  Analysis of a job: rows of one entity against each other.
 *
 * Rows of entities that have several are sorted twice: by what they say, so
 * that copies of a row come after it; then, without the copies, by their
 * periods.  Rows whose periods overlap, one after the other, are an island:
 * equal ones are worth a word, different ones contradict each other.  Each is
 * compared with the first of its island, that one with the second.  No entity
 * and no island is held in memory.  What a row says are two sums of its cells,
 * for which it is fetched from the file.
 *
 * IDENTIFICATION
 *	  src/import_repeat_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_identify.h"

#include "miscadmin.h"
#include "utils/memutils.h"

/* The most rows that a finding lists. */
#define MAX_LISTED 10

static const SbSlice no_value = {NULL, 0};

/* A row as it is sorted first; numbers are import_sort_key()s. */
typedef struct CopyRow
{
	uint32		founding;
	ImportHash	whole;
	uint32		row_id;
	ImportHash	content;
	DateADT		valid_from;
	DateADT		valid_until;
	uint32		is_error;
} CopyRow;

/* … and second. */
typedef struct PeriodRow
{
	uint32		founding;
	uint32		valid_from;
	uint32		row_id;
	ImportHash	content;
	DateADT		valid_until;
	uint32		is_error;
} PeriodRow;

/* The first rows of some, by their numbers. */
typedef struct RowList
{
	uint32		count;			/* of all */
	uint32		rows[MAX_LISTED];
} RowList;

/* A row that is being looked at. */
typedef struct RepeatRow
{
	uint32		founding;
	uint32		row_id;
	DateADT		valid_from;
	DateADT		valid_until;
	ImportHash	content;
	bool		is_error;
} RepeatRow;

/* Rows whose periods overlap, one after the other. */
typedef struct Island
{
	RepeatRow	first;
	RowList		rows;
	DateADT		until;
	bool		differs;
	bool		same_period;
} Island;

typedef struct IdentifyRepeats
{
	ImportSorter *copies;		/* NULL: no entity has several rows */
	ImportSorter *periods;
	ImportSpool *entities;		/* the rows of each entity in periods that has
								 * several */
	RowList		entity;			/* of the row that is being looked at */
	DateADT		reached;		/* by the rows of the entity so far */
	int64		fetched;		/* the row whose cells are kept */
	SbSlice    *cells;
	MemoryContext cells_context;
} IdentifyRepeats;

static void add_sums(ImportIdentify *identify, CopyRow *copy, uint32 row_id);
static void list_row(RowList *list, uint32 row_id);
static void end_entity(IdentifyRepeats *repeats, const RowList *list);
static void drop_copies(ImportIdentify *identify);
static void remark_copy(ImportIdentify *identify, uint32 row_id, uint32 first_row_id);
static bool next_row(IdentifyRepeats *repeats, RepeatRow *row);
static void begin_island(Island *island, const RepeatRow *row);
static void add_to_island(Island *island, const RepeatRow *row);
static void read_other(ImportIdentify *identify, uint32 row_id);
static void remark_columns(ImportIdentify *identify, IdentifyRemark *remark, uint32 row_id, uint32 other);
static void remark_overlap(ImportIdentify *identify, const Island *island, const RepeatRow *row);
static void remark_unique(ImportIdentify *identify, uint32 row_id);
static void judge_member(ImportIdentify *identify, const Island *island, const RepeatRow *row);
static void remark_gap(ImportIdentify *identify, const RepeatRow *row, DateADT reached);
static bool judge_island(ImportIdentify *identify, RepeatRow *next, bool *has_next);

/* Begin to take rows. */
void
import_repeat_begin(ImportIdentify *identify)
{
	identify->repeats = palloc0(sizeof(IdentifyRepeats));
}

/* Sums of all cells, and of all but the period. */
static void
add_sums(ImportIdentify *identify, CopyRow *copy, uint32 row_id)
{
	const ImportJob *job = identify->job;
	ImportFileRow row;
	ImportHash	hash;

	import_file_fetch(identify->file, row_id, &row);
	import_hash_begin(&hash, identify->idents.seed);
	for (int i = 0; i < job->plan.ncolumns; i++)
		if (i != identify->period_columns[0] && i != identify->period_columns[1])
			import_hash_add(&hash, row.cells[i]);
	copy->content = import_hash_end(&hash);
	for (int i = 0; i < 2; i++)
		import_hash_add(&hash, identify->period_columns[i] >= 0 ? row.cells[identify->period_columns[i]] : no_value);
	copy->whole = import_hash_end(&hash);
}

/* Take a row that was judged by itself, when its entity has others. */
void
import_repeat_add(ImportIdentify *identify, const IdentifyCase *rowcase)
{
	const IdentifyRow *row = &rowcase->row;

	if (rowcase->has_entity && !rowcase->is_refused && (row->flags & IDENTIFY_PERIOD) != 0 &&
		import_idents_node(&identify->idents, rowcase->root)->rows > 1)
		import_repeat_take(identify, row, rowcase->founding, rowcase->is_error);
}

/* Take a row of an entity that has several. */
void
import_repeat_take(ImportIdentify *identify, const IdentifyRow *row, uint32 founding, bool is_error)
{
	IdentifyRepeats *repeats = identify->repeats;
	CopyRow		copy;

	if (repeats->copies == NULL)
		repeats->copies = import_sorter_begin(identify->context);
	memset(&copy, 0, sizeof(copy));
	copy.founding = import_sort_key(founding);
	add_sums(identify, &copy, row->row_id);
	copy.row_id = import_sort_key(row->row_id);
	copy.valid_from = row->valid_from;
	copy.valid_until = row->valid_until;
	copy.is_error = is_error;
	import_sorter_add(repeats->copies, &copy, sizeof(copy));
}

/* List a row among the first ones. */
static void
list_row(RowList *list, uint32 row_id)
{
	int			place = (int) Min(list->count, MAX_LISTED);

	list->count++;
	for (; place > 0 && list->rows[place - 1] > row_id; place--)
		if (place < MAX_LISTED)
			list->rows[place] = list->rows[place - 1];
	if (place < MAX_LISTED)
		list->rows[place] = row_id;
}

/* Keep the rows of an entity, in the order of entities. */
static void
end_entity(IdentifyRepeats *repeats, const RowList *list)
{
	if (list->count > 0)
		import_spool_write(repeats->entities, list, sizeof(*list));
}

/* Say that a row is a copy of another. */
static void
remark_copy(ImportIdentify *identify, uint32 row_id, uint32 first_row_id)
{
	IdentifyRemark remark;

	import_remark_begin(identify, &remark, IMPORT_WARNING, "row_duplicate", NULL, no_value);
	import_remark_number(&remark, "row", first_row_id);
	import_remark_end(identify, &remark, row_id);
	import_event_add(identify, &identify->events, row_id, IDENTIFY_SKIPPED);
	MemoryContextReset(identify->scratch);
}

/* Find copies; sort the others by their periods. */
static void
drop_copies(ImportIdentify *identify)
{
	IdentifyRepeats *repeats = identify->repeats;
	CopyRow		last = {0};
	RowList		list = {0};
	const void *bytes;
	Size		len;

	while ((bytes = import_sorter_next(repeats->copies, &len)) != NULL)
	{
		CopyRow		copy;
		PeriodRow	row;

		CHECK_FOR_INTERRUPTS();
		memcpy(&copy, bytes, sizeof(copy));
		if (copy.founding == last.founding && memcmp(&copy.whole, &last.whole, sizeof(copy.whole)) == 0)
		{
			remark_copy(identify, import_sort_key(copy.row_id), import_sort_key(last.row_id));
			continue;
		}
		if (copy.founding != last.founding)
		{
			end_entity(repeats, &list);
			memset(&list, 0, sizeof(list));
		}
		last = copy;
		list_row(&list, import_sort_key(copy.row_id));
		memset(&row, 0, sizeof(row));
		row.founding = copy.founding;
		row.valid_from = import_sort_key((uint32) copy.valid_from ^ UINT32_C(0x80000000));
		row.row_id = copy.row_id;
		row.content = copy.content;
		row.valid_until = copy.valid_until;
		row.is_error = copy.is_error;
		import_sorter_add(repeats->periods, &row, sizeof(row));
	}
	end_entity(repeats, &list);
}

/* The next row by periods; false after the last. */
static bool
next_row(IdentifyRepeats *repeats, RepeatRow *row)
{
	PeriodRow	sorted;
	Size		len;
	const void *bytes = import_sorter_next(repeats->periods, &len);

	if (bytes == NULL)
		return false;
	memcpy(&sorted, bytes, sizeof(sorted));
	row->founding = import_sort_key(sorted.founding);
	row->row_id = import_sort_key(sorted.row_id);
	row->valid_from = (DateADT) (import_sort_key(sorted.valid_from) ^ UINT32_C(0x80000000));
	row->valid_until = sorted.valid_until;
	row->content = sorted.content;
	row->is_error = sorted.is_error != 0;
	return true;
}

/* An island of one row. */
static void
begin_island(Island *island, const RepeatRow *row)
{
	memset(island, 0, sizeof(*island));
	island->first = *row;
	island->until = row->valid_until;
	island->same_period = true;
	list_row(&island->rows, row->row_id);
}

/* One more row of it. */
static void
add_to_island(Island *island, const RepeatRow *row)
{
	list_row(&island->rows, row->row_id);
	island->until = Max(island->until, row->valid_until);
	if (row->valid_from != island->first.valid_from || row->valid_until != island->first.valid_until)
		island->same_period = false;
	if (memcmp(&row->content, &island->first.content, sizeof(row->content)) != 0)
		island->differs = true;
}

/* Keep the cells of a row with which others are compared. */
static void
read_other(ImportIdentify *identify, uint32 row_id)
{
	IdentifyRepeats *repeats = identify->repeats;
	int			ncolumns = identify->job->plan.ncolumns;
	ImportFileRow row;
	MemoryContext old;

	if (repeats->fetched == row_id)
		return;
	if (repeats->cells_context == NULL)
		repeats->cells_context = AllocSetContextCreate(identify->context, "import other row", ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(repeats->cells_context);
	import_file_fetch(identify->file, row_id, &row);
	old = MemoryContextSwitchTo(repeats->cells_context);
	repeats->cells = palloc(sizeof(SbSlice) * (ncolumns + 1));
	for (int i = 0; i < ncolumns; i++)
	{
		repeats->cells[i] = row.cells[i];
		if (row.cells[i].data != NULL)
			repeats->cells[i].data = memcpy(palloc(row.cells[i].len + 1), row.cells[i].data, row.cells[i].len);
	}
	repeats->fetched = row_id;
	MemoryContextSwitchTo(old);
}

/* The columns in which two rows differ. */
static void
remark_columns(ImportIdentify *identify, IdentifyRemark *remark, uint32 row_id, uint32 other)
{
	const ImportJob *job = identify->job;
	const SbSlice *others;
	const char **names = palloc(sizeof(char *) * (job->plan.ncolumns + 1));
	int			count = 0;
	ImportFileRow row;

	read_other(identify, other);
	others = identify->repeats->cells;
	import_file_fetch(identify->file, row_id, &row);
	for (int i = 0; i < job->plan.ncolumns; i++)
	{
		int			column = identify->sorted_columns[i];
		SbSlice		x = row.cells[column];
		SbSlice		y = others[column];

		if ((x.data == NULL) != (y.data == NULL) ||
			(x.data != NULL && (x.len != y.len || memcmp(x.data, y.data, x.len) != 0)))
			names[count++] = job->columns[column].name;
	}
	import_remark_names(remark, "columns", names, count);
}

/* Say that a row overlaps with others, and in what it differs from one of them. */
static void
remark_overlap(ImportIdentify *identify, const Island *island, const RepeatRow *row)
{
	uint32		other = island->rows.rows[island->rows.rows[0] == row->row_id ? 1 : 0];
	bool		is_conflict = island->differs && island->same_period;
	char		buffer[IMPORT_DAY_SIZE];
	IdentifyRemark remark;

	import_remark_begin(identify, &remark, island->differs ? IMPORT_ERROR : IMPORT_INFO,
						is_conflict ? "row_conflict" : island->differs ? "period_overlap_conflict" : "period_overlap_equal",
						is_conflict ? NULL : "valid_from",
						is_conflict ? no_value : import_day_text(row->valid_from, buffer));
	import_remark_number(&remark, "row", other);
	import_remark_rows(&remark, "rows", island->rows.rows, (int) Min(island->rows.count, MAX_LISTED));
	if (island->differs)
		remark_columns(identify, &remark, row->row_id, other);
	import_remark_end(identify, &remark, row->row_id);
}

/* Say that a unit may stand in the file only once. */
static void
remark_unique(ImportIdentify *identify, uint32 row_id)
{
	const RowList *list = &identify->repeats->entity;
	IdentifyRemark remark;

	import_remark_begin(identify, &remark, IMPORT_ERROR, "row_conflict", NULL, no_value);
	import_remark_rows(&remark, "rows", list->rows, (int) Min(list->count, MAX_LISTED));
	import_remark_true(&remark, "unique_units");
	import_remark_end(identify, &remark, row_id);
}

/* Say that nothing is known of a unit between the rows before and this one. */
static void
remark_gap(ImportIdentify *identify, const RepeatRow *row, DateADT reached)
{
	char		value[IMPORT_DAY_SIZE];
	char		from[IMPORT_DAY_SIZE];
	char		to[IMPORT_DAY_SIZE];
	IdentifyRemark remark;

	import_remark_begin(identify, &remark, IMPORT_INFO, "period_gap", "valid_from", import_day_text(row->valid_from, value));
	import_remark_text(&remark, "from", import_day_text(reached, from));
	import_remark_text(&remark, "to", import_day_text(row->valid_from - 1, to));
	import_remark_end(identify, &remark, row->row_id);
}

/* What is to be said of a row of an island. */
static void
judge_member(ImportIdentify *identify, const Island *island, const RepeatRow *row)
{
	bool		is_error = row->is_error || island->differs;

	if (island->rows.count > 1)
		remark_overlap(identify, island, row);
	if (identify->unique_units && identify->repeats->entity.count > 1 && !is_error)
		remark_unique(identify, row->row_id);
	MemoryContextReset(identify->scratch);
}

/*
 * Judge the island that begins with *next, which was read last.  When it has
 * been gone through, *next is the first row after it.  False: there was none.
 */
static bool
judge_island(ImportIdentify *identify, RepeatRow *next, bool *has_next)
{
	IdentifyRepeats *repeats = identify->repeats;
	uint32		founding = next->founding;
	Island		island;
	RepeatRow	row;

	begin_island(&island, next);
	import_sorter_mark(repeats->periods);
	while ((*has_next = next_row(repeats, next)) && next->founding == founding && next->valid_from < island.until)
	{
		CHECK_FOR_INTERRUPTS();
		add_to_island(&island, next);
	}
	judge_member(identify, &island, &island.first);
	if (island.rows.count > 1)
	{
		import_sorter_restore(repeats->periods);
		for (uint32 i = 1; i < island.rows.count; i++)
		{
			CHECK_FOR_INTERRUPTS();
			next_row(repeats, &row);
			judge_member(identify, &island, &row);
		}
		*has_next = next_row(repeats, next);
	}
	repeats->reached = Max(repeats->reached, island.until);
	if (!*has_next)
		return false;
	if (next->founding != founding)
	{
		import_spool_read(repeats->entities, &repeats->entity, sizeof(repeats->entity));
		repeats->reached = next->valid_from;
	}
	else if (repeats->reached < next->valid_from)
		remark_gap(identify, next, repeats->reached);
	return true;
}

/* All rows were judged by themselves: judge those of one entity against each other. */
void
import_repeat_judge(ImportIdentify *identify)
{
	IdentifyRepeats *repeats = identify->repeats;
	RepeatRow	next;
	bool		has_next;

	if (repeats->copies == NULL)
		return;
	repeats->periods = import_sorter_begin(identify->context);
	repeats->entities = import_spool_begin(identify->context);
	import_sorter_perform(repeats->copies);
	drop_copies(identify);
	import_sorter_end(repeats->copies);
	import_sorter_perform(repeats->periods);
	import_spool_rewind(repeats->entities);
	has_next = next_row(repeats, &next);
	if (has_next)
	{
		import_spool_read(repeats->entities, &repeats->entity, sizeof(repeats->entity));
		repeats->reached = next.valid_from;
		while (judge_island(identify, &next, &has_next))
			;
	}
	import_sorter_end(repeats->periods);
	import_spool_end(repeats->entities);
}

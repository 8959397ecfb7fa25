/*-------------------------------------------------------------------------
 *
 * sweep_packed_sql.c
 *	  The rows of a sweep as sorted records of 64-bit words.
 *
 * For keys and values of fixed length up to 64 bits and periods over date, int4,
 * int8 or timestamps.  A record is: the keys, as many in a word as fit, and a bit
 * for each that is NULL; the period's points, biased so that they sort without
 * sign, both in one word when they have 32 bits; flags, below the keys when there
 * is room, or in a word of their own; a word per value.
 *
 * Records are sorted in memory by radix.  When work_mem is full they go to a
 * temporary file as a sorted run, and the runs are merged while they are read.
 * The sorting memory (records and as much to move them to) stays within
 * work_mem; merging needs at least a page per run.
 *
 * IDENTIFICATION
 *	  src/sweep_packed_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/buffile.h"
#include "utils/lsyscache.h"

#include "sweep_sql.h"

#define MAX_KEY_WORDS	4
#define MAX_VALUES		16

/* While runs are merged each has a buffer of at most that many bytes: together they should fit into a cache. */
#define RUN_BUFFER		(4 * BLCKSZ)

/* The flags, in the lowest bits of their word. */
#define LO_SIDE_SHIFT	0		/* two bits: side + 1 */
#define HI_SIDE_SHIFT	2
#define VALUE_NULL_SHIFT 4		/* a bit per value */
#define MAX_KEYS		32
#define SIDE_MASK		((uint64) 3)

/* Where a column is in a record. */
typedef struct PackedColumn
{
	AttrNumber	attno;
	int16		length;
	int			word;
	int			shift;
} PackedColumn;

/* A sorted stretch of the temporary file. */
typedef struct PackedRun
{
	int			fileno;			/* where the part that is not read yet begins */
	off_t		offset;
	size_t		left;			/* records in that part */
	uint64	   *buffer;
	size_t		filled;
	size_t		at;
} PackedRun;

struct SweepPacked
{
	bool		narrow;			/* points have 32 bits */
	int			nkeys;
	int			nvalues;
	PackedColumn *columns;		/* keys, then values */
	int			key_words;
	uint64		key_masks[MAX_KEY_WORDS];	/* which bits of the words are
											 * keys and their NULLs */
	int			null_shift;		/* in the last key word */
	uint64		null_mask;
	int			width;			/* words in a record */
	int			lo_word;
	int			hi_word;
	int			flags_word;
	int			sorted_words;	/* before the values */
	SweepField	fields[MAX_KEY_WORDS + 3];	/* the order */
	int			nfields;

	uint64	   *records;
	size_t		count;
	size_t		size;			/* records there is room for */
	size_t		limit;			/* records that work_mem allows */
	uint64	   *varying;		/* bits that differ, by word */
	bool		ordered;		/* the records came in order */
	size_t		at;

	BufFile    *file;
	PackedRun  *runs;
	int			nruns;
	uint64	   *first;			/* a record of the first run */
	uint64	   *all_varying;	/* bits that differ between any two records */
	SweepField	merge_fields[MAX_KEY_WORDS + 3];	/* the fields that do */
	int			nmerge_fields;
	size_t		run_buffer;		/* records */
	int		   *heap;			/* runs, the one with the least record on top */
	int			heap_count;
	int			second;			/* where in the heap the least record below
								 * the top is */

	bool		started;
	uint64		group[MAX_KEY_WORDS];	/* the key bits of the current group */
	int			flip;
	Datum	   *keys[2];
	bool	   *key_nulls[2];
	Datum	   *values;
	bool	   *nulls;
};

static int	key_length(Form_pg_attribute column);
static void lay_out(SweepPacked *packed, const SweepQuery *query);
static int	lay_out_keys(SweepPacked *packed, const SweepQuery *query);
static void add_field(SweepPacked *packed, int word, uint64 mask);
static void make_room(SweepPacked *packed);
static void sort_records(SweepPacked *packed);
static void write_run(SweepPacked *packed);
static void begin_merge(SweepPacked *packed);
static bool fill_run(SweepPacked *packed, PackedRun *run);
static void find_second(SweepPacked *packed);
static void advance_top(SweepPacked *packed);
static void sift_down(SweepPacked *packed, int at);
static const uint64 *next_record(SweepPacked *packed);
static bool is_new_group(SweepPacked *packed, const uint64 *record);
static Datum unpack(const PackedColumn *column, const uint64 *record);

/* The bits of a value of that length. */
static inline uint64
length_mask(int16 length)
{
	return length == 8 ? ~(uint64) 0 : ((uint64) 1 << (8 * length)) - 1;
}

/* The bit that makes values of that length sort without sign. */
static inline uint64
sign_bit(int16 length)
{
	return (uint64) 1 << (8 * length - 1);
}

/* The length of a key whose bits decide about equality; 0 for other types. */
static int
key_length(Form_pg_attribute column)
{
	Oid			type = getBaseType(column->atttypid);

	switch (type)
	{
		case BOOLOID:
		case CHAROID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
		case DATEOID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return column->attlen;
		default:
			return type_is_enum(type) ? column->attlen : 0;
	}
}

/* Whether the rows of a query fit into records. */
bool
sweep_packable(const SweepQuery *query)
{
	int			words = 0;
	int			left = 0;

	if (query->type->points == PERIOD_DATUM || query->nkeys > MAX_KEYS || query->nvalues > MAX_VALUES)
		return false;
	for (int i = 0; i < query->nkeys; i++)
	{
		int			bits = 8 * key_length(sweep_query_column(query, i));

		if (bits == 0)
			return false;
		if (bits > left)
		{
			words++;
			left = 64;
		}
		left -= bits;
	}
	if (query->nkeys > left)
		words++;
	for (int i = 0; i < query->nvalues; i++)
		if (!sweep_query_column(query, query->nkeys + i)->attbyval)
			return false;
	return words <= MAX_KEY_WORDS;
}

/* Begin to collect rows, in the current context. */
SweepPacked *
sweep_packed_begin(const SweepQuery *query)
{
	SweepPacked *packed = palloc0(sizeof(SweepPacked));
	int			ncolumns = query->nkeys + query->nvalues;

	packed->nkeys = query->nkeys;
	packed->nvalues = query->nvalues;
	packed->narrow = query->type->points == PERIOD_INT32;
	packed->columns = palloc0(sizeof(PackedColumn) * (ncolumns + 1));
	lay_out(packed, query);
	packed->varying = palloc0(sizeof(uint64) * packed->width);
	packed->limit = Max((size_t) work_mem * 1024 / (2 * packed->width * sizeof(uint64)), 1024);
	packed->size = Min(packed->limit, 1024);
	packed->ordered = true;
	packed->records = palloc(packed->size * packed->width * sizeof(uint64));
	for (int i = 0; i < 2; i++)
	{
		packed->keys[i] = palloc0(sizeof(Datum) * (query->nkeys + 1));
		packed->key_nulls[i] = palloc0(sizeof(bool) * (query->nkeys + 1));
	}
	packed->values = palloc0(sizeof(Datum) * (query->nvalues + 1));
	packed->nulls = palloc0(sizeof(bool) * (query->nvalues + 1));
	return packed;
}

/*
 * Decide where everything is in a record, and the order of records.  Where the
 * keys and their NULLs are depends on nothing but the keys, so that the two sides
 * of a join agree.
 */
static void
lay_out(SweepPacked *packed, const SweepQuery *query)
{
	int			flags = VALUE_NULL_SHIFT + query->nvalues;
	int			left = lay_out_keys(packed, query);

	packed->lo_word = packed->key_words;
	packed->hi_word = packed->lo_word + (packed->narrow ? 0 : 1);
	packed->width = packed->hi_word + 1;
	if (left >= flags)
		packed->flags_word = packed->key_words - 1;
	else
		packed->flags_word = packed->width++;
	packed->sorted_words = packed->width;
	for (int i = 0; i < query->nvalues; i++)
	{
		PackedColumn *column = &packed->columns[query->nkeys + i];

		column->attno = query->attnos[query->nkeys + i];
		column->word = packed->width++;
	}

	add_field(packed, packed->flags_word, SIDE_MASK << LO_SIDE_SHIFT);
	add_field(packed, packed->lo_word, packed->narrow ? ~(uint64) 0 << 32 : ~(uint64) 0);
	for (int i = packed->key_words - 1; i >= 0; i--)
		add_field(packed, i, packed->key_masks[i]);
}

/* Place the keys, then a bit for each of them; how many bits the last word has left. */
static int
lay_out_keys(SweepPacked *packed, const SweepQuery *query)
{
	int			word = -1;
	int			left = 0;

	for (int i = 0; i < query->nkeys; i++)
	{
		PackedColumn *column = &packed->columns[i];

		column->attno = query->attnos[i];
		column->length = sweep_query_column(query, i)->attlen;
		if (8 * column->length > left)
		{
			word++;
			left = 64;
		}
		left -= 8 * column->length;
		column->word = word;
		column->shift = left;
		packed->key_masks[word] |= length_mask(column->length) << left;
	}
	if (query->nkeys > left)
	{
		word++;
		left = 64;
	}
	left -= query->nkeys;
	packed->key_words = word + 1;
	if (query->nkeys > 0)
	{
		packed->null_shift = left;
		packed->null_mask = (((uint64) 1 << query->nkeys) - 1) << left;
		packed->key_masks[word] |= packed->null_mask;
	}
	return left;
}

/* A field to sort by; the last one counts most. */
static void
add_field(SweepPacked *packed, int word, uint64 mask)
{
	packed->fields[packed->nfields].word = word;
	packed->fields[packed->nfields].mask = mask;
	packed->nfields++;
}

/* Take a row of the query; its columns are already there. */
void
sweep_packed_put(SweepPacked *packed, TupleTableSlot *slot, const SbInterval *cuts)
{
	uint64	   *record;
	uint64		flags;

	if (packed->count == packed->size)
		make_room(packed);
	record = packed->records + packed->count * packed->width;
	for (int i = 0; i < packed->key_words; i++)
		record[i] = 0;

	flags = (uint64) (cuts->lo.side + 1) << LO_SIDE_SHIFT;
	flags |= (uint64) (cuts->hi.side + 1) << HI_SIDE_SHIFT;
	for (int i = 0; i < packed->nkeys; i++)
	{
		const PackedColumn *column = &packed->columns[i];

		/* NULLs after everything else */
		if (slot->tts_isnull[column->attno - 1])
		{
			record[column->word] |= length_mask(column->length) << column->shift;
			record[packed->key_words - 1] |= (uint64) 1 << (packed->null_shift + i);
		}
		else
			record[column->word] |=
				(((uint64) slot->tts_values[column->attno - 1] & length_mask(column->length)) ^
				 sign_bit(column->length)) << column->shift;
	}
	if (packed->narrow)
		record[packed->lo_word] =
			((uint64) ((uint32) cuts->lo.value ^ 0x80000000U) << 32) |
			((uint32) cuts->hi.value ^ 0x80000000U);
	else
	{
		record[packed->lo_word] = (uint64) cuts->lo.value ^ sign_bit(8);
		record[packed->hi_word] = (uint64) cuts->hi.value ^ sign_bit(8);
	}

	/* the side of an unbounded start must not have a value to sort by */
	if (cuts->lo.side == SB_CUT_BEGIN)
		record[packed->lo_word] &= packed->narrow ? (uint64) 0xffffffffU : 0;
	for (int i = 0; i < packed->nvalues; i++)
	{
		const PackedColumn *column = &packed->columns[packed->nkeys + i];

		if (slot->tts_isnull[column->attno - 1])
		{
			flags |= (uint64) 1 << (VALUE_NULL_SHIFT + i);
			record[column->word] = 0;
		}
		else
			record[column->word] = (uint64) slot->tts_values[column->attno - 1];
	}
	if (packed->flags_word < packed->key_words)
		flags |= record[packed->flags_word];
	record[packed->flags_word] = flags;

	if (packed->ordered && packed->count > 0 &&
		sweep_record_compare(record - packed->width, record, packed->fields, packed->nfields) > 0)
		packed->ordered = false;

	/* values need not be sorted */
	for (int i = 0; i < packed->sorted_words; i++)
		packed->varying[i] |= record[i] ^ packed->records[i];
	packed->count++;
}

/* There is no room for one more record: enlarge, or empty the memory into a run. */
static void
make_room(SweepPacked *packed)
{
	if (packed->count < packed->limit)
	{
		packed->size = Min(packed->size * 2, packed->limit);
		packed->records = repalloc_huge(packed->records,
										packed->size * packed->width * sizeof(uint64));
		return;
	}
	sort_records(packed);
	write_run(packed);
}

/* Sort what is in memory. */
static void
sort_records(SweepPacked *packed)
{
	Size		bytes = packed->count * packed->width * sizeof(uint64);
	uint64	   *spare;
	uint64	   *sorted;

	if (packed->ordered)
		return;
	CHECK_FOR_INTERRUPTS();
	spare = MemoryContextAllocHuge(CurrentMemoryContext, packed->file != NULL ?
								   packed->size * packed->width * sizeof(uint64) : bytes);
	sorted = sweep_sort(packed->records, spare, packed->count, packed->width,
						packed->fields, packed->nfields, packed->varying);
	pfree(sorted == spare ? packed->records : spare);
	packed->records = sorted;
}

/* Write what is in memory, sorted, to the file. */
static void
write_run(SweepPacked *packed)
{
	PackedRun  *run;

	if (packed->file == NULL)
	{
		packed->file = BufFileCreateTemp(false);
		packed->runs = palloc(sizeof(PackedRun) * 16);
		packed->first = palloc(sizeof(uint64) * packed->width);
		packed->all_varying = palloc0(sizeof(uint64) * packed->width);
		memcpy(packed->first, packed->records, sizeof(uint64) * packed->width);
	}
	else if (packed->nruns >= 16 && (packed->nruns & (packed->nruns - 1)) == 0)
		packed->runs = repalloc_huge(packed->runs, sizeof(PackedRun) * packed->nruns * 2);
	run = &packed->runs[packed->nruns++];
	memset(run, 0, sizeof(PackedRun));
	BufFileTell(packed->file, &run->fileno, &run->offset);
	run->left = packed->count;
	BufFileWrite(packed->file, packed->records, packed->count * packed->width * sizeof(uint64));
	for (int i = 0; i < packed->sorted_words; i++)
		packed->all_varying[i] |= packed->varying[i] | (packed->records[i] ^ packed->first[i]);
	packed->count = 0;
	packed->ordered = true;
	memset(packed->varying, 0, sizeof(uint64) * packed->width);
}

/* No more rows come. */
void
sweep_packed_sort(SweepPacked *packed)
{
	sort_records(packed);
	if (packed->file == NULL)
		return;
	if (packed->count > 0)
		write_run(packed);
	pfree(packed->records);
	packed->records = NULL;
	begin_merge(packed);
}

/* The record a run is at. */
static inline const uint64 *
run_record(const SweepPacked *packed, int number)
{
	const PackedRun *run = &packed->runs[number];

	return run->buffer + run->at * packed->width;
}

/* Give each run a buffer, and order the runs. */
static void
begin_merge(SweepPacked *packed)
{
	Size		record = packed->width * sizeof(uint64);

	for (int i = 0; i < packed->nfields; i++)
		if (packed->all_varying[packed->fields[i].word] & packed->fields[i].mask)
			packed->merge_fields[packed->nmerge_fields++] = packed->fields[i];
	packed->run_buffer = Min(Max((Size) work_mem * 1024 / packed->nruns, BLCKSZ), RUN_BUFFER) / record;
	packed->heap = palloc(sizeof(int) * packed->nruns);
	for (int i = 0; i < packed->nruns; i++)
	{
		packed->runs[i].buffer = palloc_extended(packed->run_buffer * record, MCXT_ALLOC_HUGE);
		fill_run(packed, &packed->runs[i]);
		packed->heap[packed->heap_count++] = i;
	}
	for (int i = packed->heap_count / 2 - 1; i >= 0; i--)
		sift_down(packed, i);
	find_second(packed);
}

/* Remember which run comes after the one on top. */
static void
find_second(SweepPacked *packed)
{
	packed->second = 1;
	if (packed->heap_count > 2 &&
		sweep_record_compare(run_record(packed, packed->heap[2]), run_record(packed, packed->heap[1]),
							 packed->merge_fields, packed->nmerge_fields) < 0)
		packed->second = 2;
}

/* The run on top has given its record: go on in it, and order the heap again if need be. */
static void
advance_top(SweepPacked *packed)
{
	PackedRun  *run = &packed->runs[packed->heap[0]];

	if (++run->at == run->filled && !fill_run(packed, run))
	{
		packed->heap[0] = packed->heap[--packed->heap_count];
		if (packed->heap_count == 0)
			return;
	}
	else if (packed->heap_count == 1 ||
			 sweep_record_compare(run_record(packed, packed->heap[0]),
								  run_record(packed, packed->heap[packed->second]),
								  packed->merge_fields, packed->nmerge_fields) <= 0)
		return;
	sift_down(packed, 0);
	find_second(packed);
}

/* Read the next part of a run; false at its end. */
static bool
fill_run(SweepPacked *packed, PackedRun *run)
{
	size_t		count = Min(run->left, packed->run_buffer);
	size_t		bytes = count * packed->width * sizeof(uint64);

	if (count == 0)
		return false;
	CHECK_FOR_INTERRUPTS();
	if (BufFileSeek(packed->file, run->fileno, run->offset, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not rewind a temporary file of a sweep")));
	if (BufFileRead(packed->file, run->buffer, bytes) != bytes)
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not read a temporary file of a sweep")));
	BufFileTell(packed->file, &run->fileno, &run->offset);
	run->left -= count;
	run->filled = count;
	run->at = 0;
	return true;
}

/* Restore the order of the heap below a place. */
static void
sift_down(SweepPacked *packed, int at)
{
	int			moving = packed->heap[at];
	const uint64 *record = run_record(packed, moving);

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child >= packed->heap_count)
			break;
		if (child + 1 < packed->heap_count &&
			sweep_record_compare(run_record(packed, packed->heap[child + 1]),
								 run_record(packed, packed->heap[child]),
								 packed->merge_fields, packed->nmerge_fields) < 0)
			child++;
		if (sweep_record_compare(record, run_record(packed, packed->heap[child]),
								 packed->merge_fields, packed->nmerge_fields) <= 0)
			break;
		packed->heap[at] = packed->heap[child];
		at = child;
	}
	packed->heap[at] = moving;
}

/* The next record in order, or NULL. */
static const uint64 *
next_record(SweepPacked *packed)
{
	if (packed->file == NULL)
		return packed->at < packed->count ? packed->records + packed->at++ * packed->width : NULL;

	/* the last record came from the run on top: let it go on only now */
	if (packed->started && packed->heap_count > 0)
		advance_top(packed);
	return packed->heap_count > 0 ? run_record(packed, packed->heap[0]) : NULL;
}

/* The next row in order; false after the last. */
bool
sweep_packed_next(SweepPacked *packed, SweepRow *row)
{
	const uint64 *record = next_record(packed);
	uint64		flags;
	uint64		lo;
	uint64		hi;

	if (record == NULL)
		return false;

	flags = record[packed->flags_word];
	row->new_group = is_new_group(packed, record);
	row->keys = packed->keys[packed->flip];
	row->key_nulls = packed->key_nulls[packed->flip];
	row->null_key = packed->nkeys > 0 && (record[packed->key_words - 1] & packed->null_mask) != 0;

	row->cuts.lo.side = (int32) ((flags >> LO_SIDE_SHIFT) & SIDE_MASK) - 1;
	row->cuts.hi.side = (int32) ((flags >> HI_SIDE_SHIFT) & SIDE_MASK) - 1;
	lo = record[packed->lo_word];
	hi = record[packed->hi_word];
	if (packed->narrow)
	{
		row->cuts.lo.value = (int32) ((uint32) (lo >> 32) ^ 0x80000000U);
		row->cuts.hi.value = (int32) ((uint32) hi ^ 0x80000000U);
	}
	else
	{
		row->cuts.lo.value = (int64) (lo ^ sign_bit(8));
		row->cuts.hi.value = (int64) (hi ^ sign_bit(8));
	}

	row->values = packed->values;
	row->nulls = packed->nulls;
	for (int i = 0; i < packed->nvalues; i++)
	{
		packed->values[i] = (Datum) record[packed->columns[packed->nkeys + i].word];
		packed->nulls[i] = (flags >> (VALUE_NULL_SHIFT + i)) & 1;
	}
	return true;
}

/* Whether the record begins a group; if so its keys are read. */
static bool
is_new_group(SweepPacked *packed, const uint64 *record)
{
	uint64		changed = packed->started ? 0 : 1;
	uint64		key_nulls;

	for (int i = 0; i < packed->key_words; i++)
		changed |= packed->group[i] ^ (record[i] & packed->key_masks[i]);
	if (changed == 0)
		return false;

	packed->started = true;
	packed->flip = 1 - packed->flip;
	for (int i = 0; i < packed->key_words; i++)
		packed->group[i] = record[i] & packed->key_masks[i];
	if (packed->nkeys == 0)
		return true;
	key_nulls = record[packed->key_words - 1] >> packed->null_shift;
	for (int i = 0; i < packed->nkeys; i++)
	{
		packed->key_nulls[packed->flip][i] = (key_nulls >> i) & 1;
		packed->keys[packed->flip][i] = unpack(&packed->columns[i], record);
	}
	return true;
}

/* A key's value. */
static Datum
unpack(const PackedColumn *column, const uint64 *record)
{
	uint64		bits = (record[column->word] >> column->shift) & length_mask(column->length);

	bits ^= sign_bit(column->length);
	switch (column->length)
	{
		case 1:
			return CharGetDatum((char) bits);
		case 2:
			return Int16GetDatum((int16) bits);
		case 4:
			return Int32GetDatum((int32) bits);
		default:
			return Int64GetDatum((int64) bits);
	}
}

/*
 * <0, 0, >0 as the current group of one sorts before, is, or sorts after that of
 * the other, which has keys of the same types.
 */
int
sweep_packed_compare(const SweepPacked *a, const SweepPacked *b)
{
	for (int i = 0; i < a->key_words; i++)
		if (a->group[i] != b->group[i])
			return a->group[i] < b->group[i] ? -1 : 1;
	return 0;
}

/* Give back what the memory context does not. */
void
sweep_packed_end(SweepPacked *packed)
{
	if (packed->file != NULL)
		BufFileClose(packed->file);
	packed->file = NULL;
}

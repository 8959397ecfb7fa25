/*-------------------------------------------------------------------------
 *
 * merge_values_sql.c
 *	  Temporal merge: tables of distinct tuples of values.
 *
 * A hash table with open addressing, whose entries are numbered as they come
 * and take the values, a hash and a slot or two: some 20 bytes for an integer.
 *
 * IDENTIFICATION
 *	  src/merge_values_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "merge_internal.h"

static MergeValues *make_values(int width);
static void describe_value(MergeValues *values, int i, Oid type, Oid collation);
static uint32 hash_key(const MergeValues *values, const Datum *key);
static bool same_key(const MergeValues *values, int number, const Datum *key);
static void grow(MergeValues *values);

/* An empty table of tuples of so many values, in the current memory context. */
static MergeValues *
make_values(int width)
{
	MergeValues *values = palloc0(sizeof(MergeValues));

	values->context = CurrentMemoryContext;
	values->width = width;
	values->typlen = palloc(sizeof(int16) * width);
	values->typbyval = palloc(sizeof(bool) * width);
	values->collations = palloc(sizeof(Oid) * width);
	values->hash = palloc0(sizeof(FmgrInfo) * width);
	values->equal = palloc0(sizeof(FmgrInfo) * width);
	return values;
}

/* How one of the values is stored, hashed and compared. */
static void
describe_value(MergeValues *values, int i, Oid type, Oid collation)
{
	TypeCacheEntry *cache = lookup_type_cache(type, TYPECACHE_HASH_PROC_FINFO | TYPECACHE_EQ_OPR_FINFO);

	if (!OidIsValid(cache->eq_opr_finfo.fn_oid) || !OidIsValid(cache->hash_proc_finfo.fn_oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify a hash function for type %s", format_type_be(type))));
	get_typlenbyval(type, &values->typlen[i], &values->typbyval[i]);
	values->collations[i] = collation;
	fmgr_info(cache->hash_proc_finfo.fn_oid, &values->hash[i]);
	fmgr_info(cache->eq_opr_finfo.fn_oid, &values->equal[i]);
	switch (getBaseType(type))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
		case DATEOID:
			values->integer = values->width == 1;
			break;
		default:
			break;
	}
}

/* An empty table for values of some of the target's columns. */
MergeValues *
merge_values_new(const MergeState *state, int width, const int *columns)
{
	MergeValues *values = make_values(width);

	for (int i = 0; i < width; i++)
		describe_value(values, i, state->columns[columns[i]].type, state->columns[columns[i]].collation);
	return values;
}

/* An empty table for values of one type. */
MergeValues *
merge_values_of_type(Oid type, Oid collation)
{
	MergeValues *values = make_values(1);

	describe_value(values, 0, type, collation);
	return values;
}

/* The hash of a tuple. */
static uint32
hash_key(const MergeValues *values, const Datum *key)
{
	uint32		hash = 0;

	if (values->integer)
	{
		uint64		h = (uint64) key[0];

		h ^= h >> 33;
		h *= UINT64CONST(0xff51afd7ed558ccd);
		h ^= h >> 33;
		return (uint32) h;
	}
	for (int i = 0; i < values->width; i++)
		hash = hash_combine(hash, DatumGetUInt32(FunctionCall1Coll(&values->hash[i], values->collations[i], key[i])));
	return hash;
}

/* True when the tuple of that number equals another. */
static bool
same_key(const MergeValues *values, int number, const Datum *key)
{
	const Datum *own = values->values + (Size) number * values->width;

	if (values->integer)
		return own[0] == key[0];
	for (int i = 0; i < values->width; i++)
		if (!DatumGetBool(FunctionCall2Coll(&values->equal[i], values->collations[i], own[i], key[i])))
			return false;
	return true;
}

/* Room for more: twice the entries, and slots at most half full. */
static void
grow(MergeValues *values)
{
	int			capacity = Max(values->capacity * 2, 64);
	MemoryContext old = MemoryContextSwitchTo(values->context);

	if (values->capacity > PG_INT32_MAX / 4)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many entities in one merge")));
	if (values->capacity == 0)
	{
		values->values = palloc(sizeof(Datum) * capacity * values->width);
		values->hashes = palloc(sizeof(uint32) * capacity);
	}
	else
	{
		values->values = repalloc_huge(values->values, sizeof(Datum) * capacity * values->width);
		values->hashes = repalloc_huge(values->hashes, sizeof(uint32) * capacity);
		pfree(values->slots);
	}
	values->capacity = capacity;
	values->mask = (uint32) capacity * 2 - 1;
	values->slots = palloc_extended(sizeof(int32) * (Size) capacity * 2, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < values->count; i++)
	{
		uint32		slot = values->hashes[i] & values->mask;

		while (values->slots[slot] != 0)
			slot = (slot + 1) & values->mask;
		values->slots[slot] = i + 1;
	}
	MemoryContextSwitchTo(old);
}

/*
 * The number of a tuple of values, none NULL.  Where it is new it is copied
 * and gets the next number; without `insert` the answer is then -1.
 */
int
merge_values_find(MergeValues *values, const Datum *key, bool insert)
{
	uint32		hash = hash_key(values, key);
	uint32		slot;
	MemoryContext old;
	Datum	   *own;

	if (values->capacity == 0 && !insert)
		return -1;
	if (values->count >= values->capacity)
		grow(values);
	slot = hash & values->mask;
	while (values->slots[slot] != 0)
	{
		int			number = values->slots[slot] - 1;

		if (values->hashes[number] == hash && same_key(values, number, key))
			return number;
		slot = (slot + 1) & values->mask;
	}
	if (!insert)
		return -1;

	values->slots[slot] = values->count + 1;
	values->hashes[values->count] = hash;
	own = values->values + (Size) values->count * values->width;
	old = MemoryContextSwitchTo(values->context);
	for (int i = 0; i < values->width; i++)
		own[i] = values->typbyval[i] ? key[i] : datumCopy(key[i], false, values->typlen[i]);
	MemoryContextSwitchTo(old);
	return values->count++;
}

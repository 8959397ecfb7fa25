/*-------------------------------------------------------------------------
 *
 * import_relationship_cycle_sql.c
 *	  Circles of relationships of units of the register; the SQL face.
 *
 * IDENTIFICATION
 *	  src/import_relationship_cycle_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "statbus.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/date.h"
#include "utils/memutils.h"

#include "import_relationship_cycle_sql.h"

static int32 *read_array(FunctionCallInfo fcinfo, int argument, Oid type, int *count);
static int	compare_ids(const void *a, const void *b);
static int	number_units(CycleEdge *edges, int count);
static void *get_memory(void *arg, size_t size);
static void free_memory(void *arg, void *memory);
static void put_circle(void *arg, int edge, int32_t day, const int *path, int npath);
static void check_interrupts(void *arg);

PG_FUNCTION_INFO_V1(statbus_import_find_cycles);

/* The elements of an argument that is an array of four-byte values, none of which is null. */
static int32 *
read_array(FunctionCallInfo fcinfo, int argument, Oid type, int *count)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(argument);

	if (ARR_NDIM(array) > 1 || array_contains_nulls(array) || ARR_ELEMTYPE(array) != type)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_ELEMENT_ERROR),
				 errmsg("arrays of relationships have one dimension and no nulls")));
	*count = ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
	return (int32 *) ARR_DATA_PTR(array);
}

static int
compare_ids(const void *a, const void *b)
{
	int32		x = *(const int32 *) a;
	int32		y = *(const int32 *) b;

	return (x > y) - (x < y);
}

/* Give the units of relationships numbers from 0; how many there are. */
static int
number_units(CycleEdge *edges, int count)
{
	int32	   *units = palloc_extended(sizeof(int32) * (2 * (Size) count + 1), MCXT_ALLOC_HUGE);
	int			nunits = 0;

	for (int i = 0; i < count; i++)
	{
		units[i] = edges[i].from;
		units[count + i] = edges[i].to;
	}
	qsort(units, 2 * (size_t) count, sizeof(int32), compare_ids);
	for (int i = 0; i < 2 * count; i++)
		if (nunits == 0 || units[nunits - 1] != units[i])
			units[nunits++] = units[i];
	for (int i = 0; i < count; i++)
	{
		edges[i].from = (int32) ((int32 *) bsearch(&edges[i].from, units, nunits, sizeof(int32), compare_ids) - units);
		edges[i].to = (int32) ((int32 *) bsearch(&edges[i].to, units, nunits, sizeof(int32), compare_ids) - units);
	}
	pfree(units);
	return nunits;
}

static void *
get_memory(void *arg pg_attribute_unused(), size_t size)
{
	return palloc_extended(size, MCXT_ALLOC_HUGE);
}

static void
free_memory(void *arg pg_attribute_unused(), void *memory)
{
	pfree(memory);
}

static void
check_interrupts(void *arg pg_attribute_unused())
{
	CHECK_FOR_INTERRUPTS();
}

/*
 * Tell of each of the first relationships once whether it is in a circle, as
 * import_find_cycles() does; units are those of the register, and get other
 * numbers.
 */
void
import_tell_cycles(CycleEdge *edges, int nedges, int nwanted, CycleFound found, void *arg)
{
	CycleCaller caller = {get_memory, free_memory, found, check_interrupts, arg};
	int			nunits = number_units(edges, nedges);

	import_find_cycles(edges, nedges, nwanted, nunits, &caller);
}

/* A row of the result; relationships are numbered from 1 there. */
static void
put_circle(void *arg, int edge, int32_t day, const int *path, int npath)
{
	ReturnSetInfo *result = arg;
	Datum		elements[CYCLE_LENGTH];
	Datum		values[3];
	bool		nulls[3] = {false, false, npath == 0};

	for (int i = 0; i < npath; i++)
		elements[i] = Int32GetDatum(path[i] + 1);
	values[0] = Int32GetDatum(edge + 1);
	values[1] = DateADTGetDatum(day);
	values[2] = (Datum) 0;
	if (npath > 0)
		values[2] = PointerGetDatum(construct_array(elements, npath, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	if (npath > 0)
		pfree(DatumGetPointer(values[2]));
}

/*
 * import.find_cycles(influencing_ids integer[], influenced_ids integer[],
 * valid_from date[], valid_until date[], wanted integer) → table
 */
Datum
statbus_import_find_cycles(PG_FUNCTION_ARGS)
{
	int			counts[4];
	int32	   *from = read_array(fcinfo, 0, INT4OID, &counts[0]);
	int32	   *to = read_array(fcinfo, 1, INT4OID, &counts[1]);
	int32	   *valid_from = read_array(fcinfo, 2, DATEOID, &counts[2]);
	int32	   *valid_until = read_array(fcinfo, 3, DATEOID, &counts[3]);
	int			wanted = PG_GETARG_INT32(4);
	CycleEdge  *edges;

	if (counts[1] != counts[0] || counts[2] != counts[0] || counts[3] != counts[0])
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("arrays of relationships are of one length")));
	InitMaterializedSRF(fcinfo, 0);
	edges = palloc_extended(sizeof(CycleEdge) * ((Size) counts[0] + 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < counts[0]; i++)
	{
		edges[i].from = from[i];
		edges[i].to = to[i];
		edges[i].valid_from = valid_from[i];
		edges[i].valid_until = valid_until[i];
	}
	import_tell_cycles(edges, counts[0], Max(0, Min(wanted, counts[0])), put_circle, fcinfo->resultinfo);
	pfree(edges);
	PG_RETURN_VOID();
}

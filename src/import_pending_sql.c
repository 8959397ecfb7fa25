/*-------------------------------------------------------------------------
 *
 * import_pending_sql.c
 *	  Analysis of a job: legal units that the register does not know, but that
 *	  other jobs are about to bring.
 *
 * Whoever may not read the rows of another job is not told of it.
 *
 * IDENTIFICATION
 *	  src/import_pending_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_identify.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Identifiers that are looked for at once. */
#define PENDING_KEYS 50000

/*
 * $1: this job, $2: the type.  Columns: slug, table, what the identifier is in
 * it, which rows count.  Jobs are worked on one after the other: most of what
 * waits was only uploaded.
 */
static const char job_query[] =
"SELECT j.slug, CASE WHEN s.is_analysed THEN j.data_table_name ELSE j.upload_table_name END,"
" (SELECT format('concat_ws(''.'', %s)', string_agg(format('btrim(d.%I)', CASE WHEN s.is_analysed THEN p.column_name ELSE coalesce(p.source_column_name, p.column_name) END), ', ' ORDER BY p.place))"
" FROM import.plan_column(j.definition_snapshot) AS p"
" WHERE p.purpose = 'source_input' AND p.step_code = 'external_idents' AND p.external_ident_type_id = $2"
" HAVING count(*) > 0 AND count(*) = count(p.source_column_name)),"
" CASE WHEN s.is_analysed THEN 'd.action = ''use'' AND d.state <> ''error''' ELSE 'true' END"
" FROM import.job AS j"
" CROSS JOIN LATERAL (SELECT j.state IN ('waiting_for_review', 'approved', 'processing_data') AS is_analysed) AS s"
" WHERE j.id <> $1 AND j.definition_snapshot #>> '{import_definition,mode}' = 'legal_unit'"
" AND (s.is_analysed OR j.state IN ('upload_completed', 'preparing_data', 'analysing_data')) ORDER BY j.id";

/* A job whose rows may hold them. */
typedef struct PendingSource
{
	const char *slug;
	const char *table;
	const char *identifier;		/* SQL; NULL: its file has none of the type */
	const char *condition;
} PendingSource;

static int	list_sources(ImportIdentify *identify, int type, PendingSource **sources);
static bool is_readable(const PendingSource *source);
static void take_pending(ImportIdentify *identify, int type, const char *slug);
static void ask_source(ImportIdentify *identify, const PendingSource *source, int type);

/* Jobs of legal units that wait, the oldest first. */
static int
list_sources(ImportIdentify *identify, int type, PendingSource **sources)
{
	Oid			types[2] = {INT4OID, INT4OID};
	Datum		arguments[2] = {Int32GetDatum(identify->job->id), Int32GetDatum(identify->types[type].id)};
	MemoryContext context = CurrentMemoryContext;
	int			count;

	if (SPI_execute_with_args(job_query, 2, types, arguments, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not ask for other jobs");
	MemoryContextSwitchTo(context);
	count = (int) SPI_processed;
	*sources = palloc(sizeof(PendingSource) * (count + 1));
	for (int i = 0; i < count; i++)
	{
		(*sources)[i].slug = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		(*sources)[i].table = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2);
		(*sources)[i].identifier = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3);
		(*sources)[i].condition = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 4);
	}
	SPI_freetuptable(SPI_tuptable);
	return count;
}

/* Has it such identifiers, in a table that is there until the end of the transaction and may be read? */
static bool
is_readable(const PendingSource *source)
{
	Oid			relid;

	if (source->identifier == NULL)
		return false;
	relid = RangeVarGetRelid(makeRangeVar("import", pstrdup(source->table), -1), AccessShareLock, true);
	return OidIsValid(relid) && pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

/* Remember which identifiers the answer has; the first job counts. */
static void
take_pending(ImportIdentify *identify, int type, const char *slug)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		is_null;
		text	   *value = DatumGetTextPP(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null));
		uint32		node;
		IdentifyPending *pending;
		bool		found;

		if (!import_idents_find(&identify->idents, type, (SbSlice) {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)}, &node))
			continue;
		pending = hash_search(identify->pending, &node, HASH_ENTER, &found);
		if (!found)
			pending->slug = slug;
	}
}

/* Look for the identifiers of a type that are wanted in the rows of a job. */
static void
ask_source(ImportIdentify *identify, const PendingSource *source, int type)
{
	const char *query = psprintf("SELECT DISTINCT %s FROM import.%s AS d WHERE %s = ANY ($1) AND %s", source->identifier,
								 quote_identifier(source->table), source->identifier, source->condition);
	Oid			array_type = TEXTARRAYOID;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "import pending", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Datum	   *keys = palloc(sizeof(Datum) * PENDING_KEYS);
	int			nkeys = 0;

	for (uint32 node = 0; node < identify->idents.count; node++)
	{
		if ((import_idents_node(&identify->idents, node)->flags & IMPORT_NODE_WANTED) != 0 &&
			import_idents_type(&identify->idents, node) == type)
		{
			SbSlice		value = import_idents_value(&identify->idents, node);

			keys[nkeys++] = PointerGetDatum(cstring_to_text_with_len(value.data, (int) value.len));
		}
		if (nkeys == PENDING_KEYS || (node + 1 == identify->idents.count && nkeys > 0))
		{
			Datum		argument = PointerGetDatum(construct_array(keys, nkeys, TEXTOID, -1, false, TYPALIGN_INT));

			CHECK_FOR_INTERRUPTS();
			if (SPI_execute_with_args(query, 1, &array_type, &argument, NULL, false, 0) != SPI_OK_SELECT)
				elog(ERROR, "could not look into the rows of another job");
			MemoryContextSwitchTo(context);
			take_pending(identify, type, source->slug);
			SPI_freetuptable(SPI_tuptable);
			nkeys = 0;
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* Look for the legal units that rows refer to and the register does not know, in the rows of jobs that wait. */
void
import_pending_ask(ImportIdentify *identify)
{
	HASHCTL		control = {0};

	if (!identify->wants)
		return;
	control.keysize = sizeof(uint32);
	control.entrysize = sizeof(IdentifyPending);
	control.hcxt = identify->context;
	identify->pending = hash_create("import pending units", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int type = 0; type < identify->ntypes; type++)
	{
		PendingSource *sources;
		int			nsources = list_sources(identify, type, &sources);

		for (int i = 0; i < nsources; i++)
			if (is_readable(&sources[i]))
				ask_source(identify, &sources[i], type);
	}
}

/* The job that is about to bring an identifier; NULL: none is. */
const char *
import_pending_job(const ImportIdentify *identify, uint32 node)
{
	const IdentifyPending *pending = NULL;

	if (identify->pending != NULL)
		pending = hash_search(identify->pending, &node, HASH_FIND, NULL);
	return pending == NULL ? NULL : pending->slug;
}

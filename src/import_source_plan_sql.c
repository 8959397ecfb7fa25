/*-------------------------------------------------------------------------
 *
 * import_source_plan_sql.c
 *	  Analysis of a job: what it says of its file, and where each of its columns
 *	  comes from.
 *
 * IDENTIFICATION
 *	  src/import_source_plan_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_source.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rls.h"

/* Columns of file_query. */
enum
{
	FILE_TABLE = 1,
	FILE_WORDS,
	FILE_BY_JOB,
	FILE_IS_READ,
	FILE_OPEN_ENDS,
	FILE_UNKNOWN_STARTS
};

static const char file_query[] =
"SELECT j.upload_table_name,"
" ARRAY(SELECT DISTINCT upper(w) FROM jsonb_array_elements_text(j.definition_snapshot #> '{import_definition,import_as_null}') AS w),"
" j.definition_snapshot #>> '{import_definition,valid_time_from}' = 'job_provided',"
" EXISTS (SELECT FROM import.upload AS u WHERE u.job_id = j.id AND u.finished_at IS NOT NULL),"
" ARRAY(SELECT w FROM jsonb_array_elements_text(j.definition_snapshot #> '{import_definition,open_end_values}') AS w),"
" ARRAY(SELECT w FROM jsonb_array_elements_text(j.definition_snapshot #> '{import_definition,unknown_start_values}') AS w)"
" FROM import.job AS j WHERE j.id = $1";

/* Columns of file_column_query. */
enum
{
	FILE_COLUMN_NAME = 1,
	FILE_COLUMN_SOURCE,
	FILE_COLUMN_IS_IDENT,
	FILE_COLUMN_IS_CODE,
	FILE_COLUMN_FIXED,
	FILE_COLUMN_TYPE,
	FILE_COLUMN_WORDS			/* and what else import_reading_load() reads */
};

static const char file_column_query[] =
"SELECT p.column_name, p.source_column_name,"
" p.external_ident_type_id IS NOT NULL OR p.step_code = 'legal_relationship' AND p.column_name LIKE '%\\_ident\\_raw',"
" p.external_ident_type_id IS NULL AND p.stat_definition_id IS NULL AND import.is_code_column(p.column_name),"
" CASE WHEN p.source_value IS NOT NULL THEN p.source_value"
" WHEN p.source_expression = 'now' THEN to_char(statbus.today(), 'YYYY-MM-DD')"
" WHEN p.source_expression = 'default' AND p.column_name = 'valid_from_raw' THEN to_char(j.default_valid_from, 'YYYY-MM-DD')"
" WHEN p.source_expression = 'default' AND p.column_name = 'valid_to_raw' THEN"
" CASE WHEN isfinite(j.default_valid_to) THEN to_char(j.default_valid_to, 'YYYY-MM-DD') ELSE j.default_valid_to::text END"
" WHEN p.source_expression = 'default' AND p.column_name = 'data_source_code_raw' THEN j.default_data_source_code END,"
" (SELECT t.id FROM register.external_ident_type AS t WHERE t.rule_id IS NOT NULL AND (t.id = p.external_ident_type_id"
" OR p.external_ident_type_id IS NULL AND t.code = regexp_replace(p.column_name, '^(influencing|influenced)_(.*)_raw$', '\\2'))),"
" r.words, r.cut_at, r.max_characters, r.alternatives"
" FROM import.job AS j CROSS JOIN LATERAL import.plan_column(j.definition_snapshot) AS p"
" LEFT JOIN LATERAL import.reading_rules(j.definition_snapshot) AS r ON r.column_name = p.column_name AND r.source_column_name = p.source_column_name"
" WHERE j.id = $1 AND p.purpose = 'source_input' ORDER BY p.place";

static void run_query(const ImportFile *file, const char *query);
static Datum get_result(uint64 row, int column, bool *is_null);
static char *get_result_text(uint64 row, int column);
static void read_words(ImportFile *file);
static bool read_file(ImportFile *file);
static void read_file_columns(ImportFile *file);
static void read_list(SbSlice **list, int *count, int column);
static void open_table(ImportFile *file, const char *name);

/* Run a query about the job, which gets its number as $1. */
static void
run_query(const ImportFile *file, const char *query)
{
	Oid			type = INT4OID;
	Datum		argument = Int32GetDatum(file->job->id);
	MemoryContext old = CurrentMemoryContext;
	int			result = SPI_execute_with_args(query, 1, &type, &argument, NULL, false, 0);

	MemoryContextSwitchTo(old);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not read the job: %s", SPI_result_code_string(result));
}

/* A value of the result. */
static Datum
get_result(uint64 row, int column, bool *is_null)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, is_null);
}

/* A text of the result, in the current memory context; NULL for NULL. */
static char *
get_result_text(uint64 row, int column)
{
	bool		is_null;
	Datum		value = get_result(row, column, &is_null);

	return is_null ? NULL : TextDatumGetCString(value);
}

/* An attribute of the table by its name; -1: there is none. */
int
import_source_attribute(const ImportFile *file, const char *name, Oid type)
{
	TupleDesc	desc = RelationGetDescr(file->relation);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped || strcmp(NameStr(att->attname), name) != 0)
			continue;
		if (att->atttypid != type)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of table \"%s\" is of type %s instead of %s", name,
							RelationGetRelationName(file->relation), format_type_be(att->atttypid), format_type_be(type))));
		return i;
	}
	return -1;
}

/* A list of texts of the result. */
static void
read_list(SbSlice **list, int *count, int column)
{
	bool		is_null;
	Datum		words = get_result(0, column, &is_null);
	Datum	   *elements;
	bool	   *nulls;

	deconstruct_array(DatumGetArrayTypeP(words), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, count);
	*list = palloc(sizeof(SbSlice) * (*count + 1));
	for (int i = 0; i < *count; i++)
	{
		char	   *word = nulls[i] ? "" : TextDatumGetCString(elements[i]);

		(*list)[i].data = word;
		(*list)[i].len = strlen(word);
	}
}

/* The words that stand for nothing. */
static void
read_words(ImportFile *file)
{
	read_list(&file->words.words, &file->words.nwords, FILE_WORDS);
	import_words_link(&file->words);
}

/* What the job says of its file as a whole; returns whether import.read_chunk() read it. */
static bool
read_file(ImportFile *file)
{
	static const SbDateFormat iso = SB_FORMAT_YYYY_MM_DD;
	static const char *const iso_name = "YYYY-MM-DD";
	const ImportPlan *plan = &file->job->plan;
	ImportPeriodPlan *periods = &file->periods;
	bool		is_null;
	bool		by_job;
	bool		is_read;
	char	   *table;

	run_query(file, file_query);
	table = get_result_text(0, FILE_TABLE);
	read_words(file);
	by_job = DatumGetBool(get_result(0, FILE_BY_JOB, &is_null)) && !is_null;
	is_read = DatumGetBool(get_result(0, FILE_IS_READ, &is_null));
	periods->formats = by_job ? &iso : plan->date_formats;
	periods->format_names = by_job ? &iso_name : plan->date_format_names;
	periods->nformats = by_job ? 1 : plan->ndate_formats;
	periods->today = plan->today;
	read_list(&periods->open_ends, &periods->nopen_ends, FILE_OPEN_ENDS);
	read_list(&periods->unknown_starts, &periods->nunknown_starts, FILE_UNKNOWN_STARTS);
	SPI_freetuptable(SPI_tuptable);
	open_table(file, table);
	return is_read;
}

/* Where each column of the plan comes from. */
static void
read_file_columns(ImportFile *file)
{
	ImportJob  *job = file->job;

	run_query(file, file_column_query);
	if ((int) SPI_processed != job->plan.ncolumns)
		elog(ERROR, "the columns of import job %d have changed", job->id);
	file->columns = palloc0(sizeof(FileColumn) * (job->plan.ncolumns + 1));
	file->valid_from = file->valid_to = -1;
	for (int i = 0; i < job->plan.ncolumns; i++)
	{
		FileColumn *column = &file->columns[i];
		char	   *source = get_result_text(i, FILE_COLUMN_SOURCE);
		bool		is_null;
		Datum		type = get_result(i, FILE_COLUMN_TYPE, &is_null);

		column->rule = is_null ? NULL : ident_rules_load(DatumGetInt32(type), job->context);
		column->rules = import_reading_load(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, FILE_COLUMN_WORDS, RelationGetDescr(file->relation));
		column->attribute = -1;
		column->is_ident = DatumGetBool(get_result(i, FILE_COLUMN_IS_IDENT, &is_null)) && !is_null;
		column->is_code = DatumGetBool(get_result(i, FILE_COLUMN_IS_CODE, &is_null)) && !is_null;
		if (source != NULL)
		{
			column->attribute = import_source_attribute(file, source, TEXTOID);
			if (column->attribute < 0)
				ereport(ERROR,
						(errcode(ERRCODE_UNDEFINED_COLUMN),
						 errmsg("column \"%s\" of table \"%s\" does not exist", source, RelationGetRelationName(file->relation))));
		}
		else
		{
			char	   *fixed = get_result_text(i, FILE_COLUMN_FIXED);

			if (fixed != NULL)
			{
				column->fixed.data = fixed;
				column->fixed.len = strlen(fixed);
				column->fixed_raw = CStringGetTextDatum(fixed);
			}
		}
		if (strcmp(job->raw_names[i], "valid_from_raw") == 0)
			file->valid_from = i;
		else if (strcmp(job->raw_names[i], "valid_to_raw") == 0)
			file->valid_to = i;
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Open what was uploaded, with the rights of whoever calls. */
static void
open_table(ImportFile *file, const char *name)
{
	Oid			relid = RangeVarGetRelid(makeRangeVar("import", pstrdup(name), -1), AccessShareLock, false);
	AclResult	result = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_TABLE, name);
	if (check_enable_rls(relid, InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for table %s", name),
				 errdetail("Its rows are read as a whole or not at all.")));
	file->relation = table_open(relid, NoLock);
	if (file->relation->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", name)));
}

/*
 * Read what the job says of its file and open the table, with the rights of
 * whoever calls; SPI is connected.  Returns whether import.read_chunk() read it.
 * What is needed lives in the current memory context.
 */
bool
import_source_plan(ImportFile *file)
{
	bool		is_read = read_file(file);

	read_file_columns(file);
	return is_read;
}

/*-------------------------------------------------------------------------
 *
 * import_plan_sql.c
 *	  Analysis of a job: the job, what the columns of its file hold, and what
 *	  fills the columns of its data table.
 *
 * All of it is read once, before the first row.
 *
 * IDENTIFICATION
 *	  src/import_plan_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_analyse.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Columns of job_query. */
enum
{
	JOB_DATA_TABLE = 1,
	JOB_MODE,
	JOB_STRATEGY,
	JOB_USER,
	JOB_EDIT_COMMENT,
	JOB_TRUNCATE,
	JOB_DATE_FORMATS,
	JOB_DECIMAL,
	JOB_THOUSANDS,
	JOB_TRUE_WORDS,
	JOB_FALSE_WORDS,
	JOB_ERASE_WORDS,
	JOB_DATA_SOURCE,
	JOB_COUNTRY,
	JOB_STATUS,
	JOB_STATUS_MAPPED
};

static const char job_query[] =
"SELECT j.data_table_name, d.definition ->> 'mode', d.definition ->> 'strategy', j.user_id, j.edit_comment::text, j.truncate_overlong,"
" ARRAY(SELECT jsonb_array_elements_text(d.definition -> 'date_formats')), d.definition ->> 'decimal_mark', d.definition ->> 'thousands',"
" ARRAY(SELECT jsonb_array_elements_text(d.definition -> 'true_words')), ARRAY(SELECT jsonb_array_elements_text(d.definition -> 'false_words')),"
" ARRAY(SELECT jsonb_array_elements_text(d.definition -> 'erase_words')),"
" (d.definition ->> 'data_source_id')::integer, (SELECT s.country_id FROM register.settings AS s),"
" (SELECT s.id FROM register.status AS s WHERE s.assigned_by_default AND s.enabled),"
" EXISTS (SELECT FROM import.plan_column(j.definition_snapshot) AS p WHERE p.column_name = 'status_code_raw'"
" AND num_nonnulls(p.source_column_name, p.source_value, p.source_expression) > 0)"
" FROM import.job AS j CROSS JOIN LATERAL (SELECT j.definition_snapshot -> 'import_definition' OFFSET 0) AS d (definition)"
" WHERE j.id = $1";

/* Columns of column_query. */
enum
{
	COLUMN_NAME = 1,
	COLUMN_KIND,
	COLUMN_LIST,
	COLUMN_TARGET,
	COLUMN_LIMIT
};

static const char column_query[] =
"SELECT c.column_name, c.kind, c.code_list, c.target_column, c.length_limit"
" FROM import.job AS j CROSS JOIN LATERAL import.cell_columns(j.definition_snapshot) AS c WHERE j.id = $1 ORDER BY c.place";

static const char path_query[] =
"SELECT p.column_name, ARRAY(SELECT c.column_name FROM import.plan_column(j.definition_snapshot) AS c"
" WHERE c.purpose = 'source_input' AND c.external_ident_type_id = p.external_ident_type_id AND c.step_code ="
" CASE WHEN j.definition_snapshot #>> '{import_definition,mode}' = 'establishment_formal' AND p.column_name LIKE 'legal\\_unit\\_%'"
" THEN 'link_establishment_to_legal_unit' ELSE 'external_idents' END ORDER BY c.place)"
" FROM import.job AS j CROSS JOIN LATERAL import.plan_column(j.definition_snapshot) AS p"
" WHERE j.id = $1 AND p.external_ident_type_id IS NOT NULL AND p.purpose = 'internal' AND p.column_name LIKE '%\\_path' ORDER BY p.place";

/* Columns of country_query. */
enum
{
	COUNTRY_ID = 1,
	COUNTRY_MASKS,
	COUNTRY_SOUTH,
	COUNTRY_NORTH,
	COUNTRY_WEST,
	COUNTRY_EAST
};

static const char country_query[] =
"SELECT c.id, c.postcode_masks, (c.min_latitude * 1000000)::integer, (c.max_latitude * 1000000)::integer,"
" (c.min_longitude * 1000000)::integer, (c.max_longitude * 1000000)::integer"
" FROM register.country AS c WHERE cardinality(c.postcode_masks) > 0 OR c.min_latitude IS NOT NULL ORDER BY c.id";

static const char *const kind_names[] = {
	[IMPORT_JUDGED] = "judged",
	[IMPORT_TEXT] = "text",
	[IMPORT_DATE] = "date",
	[IMPORT_INTEGER] = "integer",
	[IMPORT_NUMERIC] = "numeric",
	[IMPORT_BOOLEAN] = "boolean",
	[IMPORT_LATITUDE] = "latitude",
	[IMPORT_LONGITUDE] = "longitude",
	[IMPORT_ALTITUDE] = "altitude",
	[IMPORT_PERCENTAGE] = "percentage",
	[IMPORT_POSTAL_COORDINATE] = "postal_coordinate",
	[IMPORT_CODE] = "code"
};

/* A list, by the name that import.code_list_of_column() gives it; all others are plain. */
static const struct
{
	const char *name;
	ImportList	list;
}			list_names[] = {
	{"activity_category", IMPORT_LIST_ACTIVITY},
	{"region", IMPORT_LIST_REGION},
	{"country", IMPORT_LIST_COUNTRY},
	{"tag", IMPORT_LIST_TAG},
	{"legal_rel_type", IMPORT_LIST_REL_TYPE}
};

static void run_query(const ImportJob *job, const char *query);
static char *result_text(uint64 row, int column, const ImportJob *job);
static ImportId result_id(uint64 row, int column);
static SbSlice *result_words(uint64 row, int column, const ImportJob *job, int *count);
static void read_settings(ImportJob *job);
static void read_marks(ImportJob *job, const char *decimal, const char *thousands);
static void check_marks(const char *decimal, const char *thousands);
static void read_formats(ImportJob *job, uint64 row);
static void *arena_alloc(void *arg, size_t size);
static void read_column(ImportJob *job, uint64 row, ImportColumn *column);
static void read_columns(ImportJob *job);
static void read_countries(ImportJob *job);
static void load_lists(ImportJob *job, char **lists);
static void fill(ImportJob *job, const char *name, ImportSource source, int column);
static void fill_fixed(ImportJob *job, const char *name, Datum value, Oid type);
static int	find_column(const ImportJob *job, const char *name);
static void fill_from_row(ImportJob *job);
static void fill_from_stage(ImportJob *job);
static void fill_paths(ImportJob *job);

/* Run a query about the job, which gets its number as $1. */
static void
run_query(const ImportJob *job, const char *query)
{
	Oid			type = INT4OID;
	Datum		argument = Int32GetDatum(job->id);
	int			result = SPI_execute_with_args(query, 1, &type, &argument, NULL, false, 0);

	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not read the job: %s", SPI_result_code_string(result));
}

/* A text of the result, kept as long as the job; NULL for NULL. */
static char *
result_text(uint64 row, int column, const ImportJob *job)
{
	char	   *value = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);

	return value == NULL ? NULL : MemoryContextStrdup(job->context, value);
}

/* An integer of the result. */
static ImportId
result_id(uint64 row, int column)
{
	ImportId	id;

	id.id = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &id.is_null));
	return id;
}

/* An array of texts of the result, kept as long as the job, each trimmed. */
static SbSlice *
result_words(uint64 row, int column, const ImportJob *job, int *count)
{
	bool		is_null;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &is_null);
	Datum	   *elements;
	bool	   *nulls;
	SbSlice    *words;

	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, count);
	words = MemoryContextAlloc(job->context, sizeof(SbSlice) * (*count + 1));
	for (int i = 0; i < *count; i++)
	{
		char	   *copy = nulls[i] ? "" : MemoryContextStrdup(job->context, TextDatumGetCString(elements[i]));

		words[i] = sb_trim(copy, strlen(copy));
	}
	return words;
}

/* How dates are written in the file. */
static void
read_formats(ImportJob *job, uint64 row)
{
	SbSlice    *names = result_words(row, JOB_DATE_FORMATS, job, &job->plan.ndate_formats);
	SbDateFormat *formats = MemoryContextAlloc(job->context, sizeof(SbDateFormat) * (job->plan.ndate_formats + 1));
	const char **texts = MemoryContextAlloc(job->context, sizeof(char *) * (job->plan.ndate_formats + 1));

	for (int i = 0; i < job->plan.ndate_formats; i++)
	{
		if (!sb_date_format_from_name(names[i].data, names[i].len, &formats[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown date format \"%s\"", names[i].data)));
		texts[i] = sb_date_format_name(formats[i]);
	}
	job->plan.date_formats = formats;
	job->plan.date_format_names = texts;
}

/* Complain about marks that no number can be read with, as import.parse_numeric() does. */
static void
check_marks(const char *decimal, const char *thousands)
{
	Oid			types[2] = {TEXTOID, TEXTOID};
	Datum		arguments[2] = {CStringGetTextDatum(decimal), CStringGetTextDatum(thousands)};

	if (SPI_execute_with_args("SELECT import.parse_numeric('0', $1, $2)", 2, types, arguments, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not check the marks of numbers");
	SPI_freetuptable(SPI_tuptable);
}

/* How numbers are written in the file; marks that are of no use matter only where there are numbers. */
static void
read_marks(ImportJob *job, const char *decimal, const char *thousands)
{
	for (int i = 0; i < job->plan.ncolumns; i++)
	{
		ImportKind	kind = job->columns[i].kind;

		if (kind == IMPORT_INTEGER || kind == IMPORT_NUMERIC ||
			(kind >= IMPORT_LATITUDE && kind <= IMPORT_PERCENTAGE))
		{
			check_marks(decimal, thousands);
			break;
		}
	}
	if (!sb_mark_from_text(decimal, strlen(decimal), &job->plan.decimal))
		job->plan.decimal = SB_MARK_DOT;
	if (!sb_mark_from_text(thousands, strlen(thousands), &job->plan.thousands))
		job->plan.thousands = SB_MARK_NONE;
}

/* The job, its definition, and the register's settings. */
static void
read_settings(ImportJob *job)
{
	ImportPlan *plan = &job->plan;
	bool		is_null;
	bool		is_patch;
	bool		is_mapped;
	char	   *decimal;
	char	   *thousands;

	run_query(job, job_query);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("import job %d does not exist", job->id)));
	job->data_table = result_text(0, JOB_DATA_TABLE, job);
	job->mode = result_text(0, JOB_MODE, job);
	job->strategy = result_text(0, JOB_STRATEGY, job);
	job->user_id = result_id(0, JOB_USER).id;
	job->edit_comment = result_text(0, JOB_EDIT_COMMENT, job);
	plan->truncate_overlong = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
														 JOB_TRUNCATE, &is_null));
	read_formats(job, 0);
	decimal = result_text(0, JOB_DECIMAL, job);
	thousands = result_text(0, JOB_THOUSANDS, job);
	plan->true_words = result_words(0, JOB_TRUE_WORDS, job, &plan->ntrue);
	plan->false_words = result_words(0, JOB_FALSE_WORDS, job, &plan->nfalse);
	plan->erase_words = result_words(0, JOB_ERASE_WORDS, job, &plan->nerase);
	plan->default_data_source = result_id(0, JOB_DATA_SOURCE);
	plan->country = result_id(0, JOB_COUNTRY);
	plan->default_status = result_id(0, JOB_STATUS);
	is_mapped = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
										   JOB_STATUS_MAPPED, &is_null));
	SPI_freetuptable(SPI_tuptable);

	is_patch = strcmp(job->strategy, "insert_or_update") == 0 || strcmp(job->strategy, "update_only") == 0;
	plan->keeps_status = is_patch || !is_mapped;
	plan->is_formal_establishment = strcmp(job->mode, "establishment_formal") == 0;
	plan->name_needed_for_new = strcmp(job->strategy, "insert_or_update") == 0;
	plan->name_never_needed = strcmp(job->strategy, "update_only") == 0;
	if (!statbus_current_date(&plan->today))
		plan->today = GetSQLCurrentDate();

	read_columns(job);
	read_countries(job);
	read_marks(job, decimal, thousands);
}

/* See ImportPlan.alloc: the arena is that of the rows that are not written yet. */
static void *
arena_alloc(void *arg, size_t size)
{
	return MemoryContextAlloc(((ImportJob *) arg)->batch, size);
}

/* What import.cell_columns() calls a kind. */
ImportKind
import_kind_of(const char *name)
{
	for (int i = 0; i < (int) lengthof(kind_names); i++)
		if (strcmp(kind_names[i], name) == 0)
			return (ImportKind) i;
	elog(ERROR, "unknown kind of column \"%s\"", name);
}

/* A column of the file, all but its codes. */
static void
read_column(ImportJob *job, uint64 row, ImportColumn *column)
{
	char	   *raw = result_text(row, COLUMN_NAME, job);
	char	   *name = MemoryContextStrdup(job->context, raw);
	char	   *target = result_text(row, COLUMN_TARGET, job);
	ImportId	limit = result_id(row, COLUMN_LIMIT);
	size_t		len = strlen(name) - strlen("_raw");
	const char *part = "address_part";

	name[len] = '\0';
	job->raw_names[row] = raw;
	column->name = name;
	column->kind = import_kind_of(result_text(row, COLUMN_KIND, job));
	column->length_limit = limit.is_null ? 0 : limit.id;
	column->is_phone = strcmp(name, "phone_number") == 0 || strcmp(name, "landline") == 0 ||
		strcmp(name, "mobile_number") == 0 || strcmp(name, "fax_number") == 0;
	column->is_address_part = len > strlen(part) &&
		strncmp(name + len - 1 - strlen(part), part, strlen(part)) == 0;
	column->is_email = strcmp(name, "email_address") == 0;
	column->is_web_address = strcmp(name, "web_address") == 0;
	if (column->kind == IMPORT_PERCENTAGE)
		job->percentage = (int) row;
	if (target != NULL)
		fill(job, target, IMPORT_FROM_VALUE, (int) row);
}

/* The columns of the file, in the order in which they are judged. */
static void
read_columns(ImportJob *job)
{
	char	  **lists;

	run_query(job, column_query);
	job->plan.ncolumns = (int) SPI_processed;
	job->columns = MemoryContextAllocZero(job->context, sizeof(ImportColumn) * (SPI_processed + 1));
	job->raw_names = MemoryContextAllocZero(job->context, sizeof(char *) * (SPI_processed + 1));
	lists = palloc0(sizeof(char *) * (SPI_processed + 1));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		read_column(job, i, &job->columns[i]);
		lists[i] = result_text(i, COLUMN_LIST, job);
	}
	SPI_freetuptable(SPI_tuptable);
	job->plan.columns = job->columns;
	load_lists(job, lists);
}

/* What is known of countries. */
static void
read_countries(ImportJob *job)
{
	ImportCountry *countries;

	if (SPI_execute(country_query, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the countries");
	job->plan.ncountries = (int) SPI_processed;
	countries = MemoryContextAllocZero(job->context, sizeof(ImportCountry) * (SPI_processed + 1));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		SbSlice    *masks = result_words(i, COUNTRY_MASKS, job, &countries[i].nmasks);
		const char **texts = MemoryContextAlloc(job->context, sizeof(char *) * (countries[i].nmasks + 1));
		ImportId	south = result_id(i, COUNTRY_SOUTH);

		for (int j = 0; j < countries[i].nmasks; j++)
			texts[j] = masks[j].data;
		countries[i].id = result_id(i, COUNTRY_ID).id;
		countries[i].masks = texts;
		countries[i].has_box = !south.is_null;
		countries[i].south = south.id;
		countries[i].north = result_id(i, COUNTRY_NORTH).id;
		countries[i].west = result_id(i, COUNTRY_WEST).id;
		countries[i].east = result_id(i, COUNTRY_EAST).id;
	}
	SPI_freetuptable(SPI_tuptable);
	job->plan.countries = countries;
}

/* Load the code lists, each once. */
static void
load_lists(ImportJob *job, char **lists)
{
	for (int i = 0; i < job->plan.ncolumns; i++)
	{
		ImportColumn *column = &job->columns[i];

		if (lists[i] == NULL)
			continue;
		column->list = IMPORT_LIST_PLAIN;
		for (int j = 0; j < (int) lengthof(list_names); j++)
			if (strcmp(list_names[j].name, lists[i]) == 0)
				column->list = list_names[j].list;
		for (int j = 0; j < i && column->codes == NULL; j++)
			if (lists[j] != NULL && strcmp(lists[j], lists[i]) == 0)
				column->codes = job->columns[j].codes;
		if (column->codes == NULL)
			column->codes = import_codes_load(lists[i], job->context);
	}
}

/* Say what fills a column of the data table; what is said last counts. */
static void
fill(ImportJob *job, const char *name, ImportSource source, int column)
{
	MemoryContext old = MemoryContextSwitchTo(job->context);
	ImportTyped *typed = palloc0(sizeof(ImportTyped));

	typed->name = pstrdup(name);
	typed->source = source;
	typed->column = column;
	job->typed = lappend(job->typed, typed);
	MemoryContextSwitchTo(old);
}

/* Likewise, with what is the same in all rows. */
static void
fill_fixed(ImportJob *job, const char *name, Datum value, Oid type)
{
	ImportTyped *typed;

	fill(job, name, IMPORT_FROM_FIXED, -1);
	typed = llast(job->typed);
	typed->fixed = value;
	typed->fixed_type = type;
}

/* A column of the file by its name in the tables; -1: the file has none. */
static int
find_column(const ImportJob *job, const char *name)
{
	for (int i = 0; i < job->plan.ncolumns; i++)
		if (strcmp(job->raw_names[i], name) == 0)
			return i;
	return -1;
}

/* What follows from several cells of the row. */
static void
fill_from_row(ImportJob *job)
{
	if (find_column(job, "physical_address_part1_raw") >= 0)
		fill(job, "physical_country_id", IMPORT_FROM_COUNTRY, IMPORT_PHYSICAL);
	if (find_column(job, "postal_address_part1_raw") >= 0)
		fill(job, "postal_country_id", IMPORT_FROM_COUNTRY, IMPORT_POSTAL);
	if (find_column(job, "status_code_raw") >= 0)
		fill(job, "status_id", IMPORT_FROM_STATUS, -1);
	if (find_column(job, "sector_code_raw") >= 0)
		fill(job, "sector_id", IMPORT_FROM_SECTOR, -1);
	if (find_column(job, "data_source_code_raw") >= 0)
		fill(job, "data_source_id", IMPORT_FROM_DATA_SOURCE, -1);
	if (find_column(job, "tag_path_raw") >= 0)
		fill(job, "tag_path", IMPORT_FROM_TAG_PATH, find_column(job, "tag_path_raw"));
	fill(job, "edit_comment", IMPORT_FROM_EDIT_COMMENT, find_column(job, "edit_comment_raw"));
	fill(job, "erased_columns", IMPORT_FROM_ERASED, -1);
	fill_fixed(job, "edit_by_user_id", Int32GetDatum(job->user_id), INT4OID);
	fill_fixed(job, "edit_at", TimestampTzGetDatum(GetCurrentStatementStartTimestamp()), TIMESTAMPTZOID);
}

/* What the second stage found out. */
static void
fill_from_stage(ImportJob *job)
{
	fill(job, "founding_row_id", IMPORT_FROM_STAGE, IMPORT_STAGE_FOUNDING);
	fill(job, "valid_from", IMPORT_FROM_STAGE, IMPORT_STAGE_VALID_FROM);
	fill(job, "valid_to", IMPORT_FROM_STAGE, IMPORT_STAGE_VALID_TO);
	fill(job, "valid_until", IMPORT_FROM_STAGE, IMPORT_STAGE_VALID_UNTIL);
	fill(job, "legal_unit_id", IMPORT_FROM_STAGE,
		 job->plan.is_formal_establishment ? IMPORT_STAGE_LINK : IMPORT_STAGE_LEGAL_UNIT);
	fill(job, "establishment_id", IMPORT_FROM_STAGE, IMPORT_STAGE_ESTABLISHMENT);
	fill(job, "legal_relationship_id", IMPORT_FROM_STAGE, IMPORT_STAGE_RELATIONSHIP);

	job->nstage = IMPORT_STAGE_MORE;
	if (strcmp(job->mode, "legal_relationship") == 0)
	{
		fill(job, "influencing_id", IMPORT_FROM_STAGE, job->nstage++);
		fill(job, "influenced_id", IMPORT_FROM_STAGE, job->nstage++);
	}
	fill_paths(job);
}

/* The components of an identifier. */
static void
read_path(ImportJob *job, uint64 row, ImportPath *path)
{
	SbSlice    *names = result_words(row, 2, job, &path->ncolumns);

	path->columns = MemoryContextAlloc(job->context, sizeof(int) * (path->ncolumns + 1));
	for (int i = 0; i < path->ncolumns; i++)
		path->columns[i] = find_column(job, names[i].data);
}

/* Identifiers of several components: what the row says of its own unit, or of its legal unit. */
static void
fill_paths(ImportJob *job)
{
	run_query(job, path_query);
	job->npaths = (int) SPI_processed;
	job->paths = MemoryContextAllocZero(job->context, sizeof(ImportPath) * (SPI_processed + 1));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		fill(job, result_text(i, 1, job), IMPORT_FROM_STAGE_PATH, job->nstage++);
		read_path(job, i, &job->paths[i]);
	}
	SPI_freetuptable(SPI_tuptable);
}

/*
 * Read all that is known of a job before its rows.  The result lives in
 * `context`.
 */
ImportJob *
import_read_job(int32 id, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	ImportJob  *job = palloc0(sizeof(ImportJob));
	ImportPlan *plan = &job->plan;

	job->context = context;
	job->batch = context;
	job->id = id;
	job->percentage = -1;
	read_settings(job);
	fill_from_row(job);
	fill_from_stage(job);
	if (plan->country.is_null &&
		(find_column(job, "physical_address_part1_raw") >= 0 || find_column(job, "postal_address_part1_raw") >= 0))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the register has no settings"),
				 errhint("Choose country, activity standard and region version first: INSERT INTO api.settings.")));
	plan->lookup = import_codes_lookup;
	plan->suggest = import_codes_suggest;
	plan->elsewhere = import_codes_elsewhere;
	plan->other_name = import_codes_other_name;
	plan->normalise = import_normalise;
	plan->alloc = arena_alloc;
	plan->arg = job;
	import_link_plan(plan);
	job->rules = import_rules_load(job);
	MemoryContextSwitchTo(old);
	return job;
}

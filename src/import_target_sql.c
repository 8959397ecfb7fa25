/*-------------------------------------------------------------------------
 *
 * import_target_sql.c
 *	  Analysis of a job: what a row came to, as a row of the data table.
 *
 * Each column of the table has a source, found once per job, and where its
 * type is not that of the source, an explicit cast that is prepared once.
 *
 * IDENTIFICATION
 *	  src/import_target_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_analyse.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "parser/parse_coerce.h"
#include "rewrite/rewriteHandler.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/syscache.h"

/* How a column of the data table is filled. */
typedef struct ImportTarget
{
	ImportSource source;
	int			column;			/* of the file, or of the query of rows */
	Oid			type;
	int32		typmod;
	int			scale;			/* digits that numbers are rounded to; -1:
								 * none */
	Datum		fixed;
	Oid			fixed_type;
	bool		fixed_null;
	ExprState  *expression;		/* of a default, or a cast of what the source
								 * gives; NULL: none */
	FmgrInfo	input;			/* of paths */
	Oid			input_param;
} ImportTarget;

struct ImportTargets
{
	const ImportJob *job;
	EState	   *estate;
	int			ntargets;
	ImportTarget *targets;
	Datum	   *values;			/* of what is the same in all rows */
	bool	   *nulls;
	int			ncells;			/* targets that are cells as they are … */
	int		   *cells;
	int			nmade;			/* … and those that are made for each row */
	int		   *made;
	Datum		operations[2];	/* of known units, of new ones */
	Datum		actions[2];		/* of rows that are used, of others */
	Datum		states[2];		/* of sound rows, of others */
	Oid			enum_types[3];	/* of the same three */
	Datum		no_findings;
	Datum		edit_comment;
	bool		has_edit_comment;
};

/* Columns that every data table has, and where they come from. */
static const struct
{
	const char *name;
	ImportSource source;
}			bookkeeping[] = {
	{"row_id", IMPORT_FROM_ROW_ID},
	{"source_line", IMPORT_FROM_LINE},
	{"operation", IMPORT_FROM_OPERATION},
	{"action", IMPORT_FROM_ACTION},
	{"state", IMPORT_FROM_STATE},
	{"batch_seq", IMPORT_FROM_BATCH},
	{"errors", IMPORT_FROM_ERRORS},
	{"warnings", IMPORT_FROM_WARNINGS}
};

static Oid	enum_type(const char *name);
static Datum enum_value(Oid type, const char *label);
static void find_source(const ImportJob *job, const char *name, ImportTarget *target);
static Oid	value_type(const ImportColumn *column, int *scale);
static Oid	source_type(const ImportTargets *targets, ImportTarget *target, TupleDesc stage_desc);
static void prepare_cast(ImportTargets *targets, ImportTarget *target, Oid given);
static void prepare_default(ImportTargets *targets, ImportTarget *target, Relation relation, int attnum);
static void sort_targets(ImportTargets *targets);
static Datum text_datum(const ImportRecord *record, int column, SbSlice text);
static Datum number_datum(const ImportTarget *target, const ImportValue *value);
static Datum value_datum(const ImportTargets *targets, const ImportTarget *target,
						 const ImportRecord *record, bool *is_null);
static Datum path_datum(ImportTarget *target, SbSlice path);
static Datum id_datum(ImportId id, bool *is_null);
static Datum stage_datum(const ImportRecord *record, int column, bool *is_null);
static Datum erased_datum(const ImportJob *job, const ImportRow *row, bool *is_null);
static Datum state_datum(const ImportTargets *targets, const ImportTarget *target,
						 const ImportRecord *record, bool *is_null);
static Datum source_datum(ImportTargets *targets, ImportTarget *target,
						  const ImportRecord *record, bool *is_null);

/* An enum of schema import. */
static Oid
enum_type(const char *name)
{
	Oid			schema = get_namespace_oid("import", false);
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name), ObjectIdGetDatum(schema));

	if (!OidIsValid(type))
		elog(ERROR, "type import.%s does not exist", name);
	return type;
}

/* A value of an enum. */
static Datum
enum_value(Oid type, const char *label)
{
	return DirectFunctionCall2(enum_in, CStringGetDatum(label), ObjectIdGetDatum(type));
}

/* Where a column of the data table comes from, by its name. */
static void
find_source(const ImportJob *job, const char *name, ImportTarget *target)
{
	ListCell   *cell;

	for (int i = 0; i < (int) lengthof(bookkeeping); i++)
		if (strcmp(bookkeeping[i].name, name) == 0)
		{
			target->source = bookkeeping[i].source;
			return;
		}
	for (int i = 0; i < job->plan.ncolumns; i++)
		if (strcmp(job->raw_names[i], name) == 0)
		{
			target->source = IMPORT_FROM_CELL;
			target->column = i;
			return;
		}
	foreach(cell, job->typed)
	{
		const ImportTyped *typed = lfirst(cell);

		if (strcmp(typed->name, name) != 0)
			continue;
		target->source = typed->source;
		target->column = typed->column;
		target->fixed = typed->fixed;
		target->fixed_type = typed->fixed_type;
	}
}

/* The type of what a cell comes to, and how many digits it is rounded to. */
static Oid
value_type(const ImportColumn *column, int *scale)
{
	switch (column->kind)
	{
		case IMPORT_TEXT:
			return TEXTOID;
		case IMPORT_DATE:
			return DATEOID;
		case IMPORT_INTEGER:
		case IMPORT_CODE:
			return INT4OID;
		case IMPORT_BOOLEAN:
			return BOOLOID;
		case IMPORT_LATITUDE:
		case IMPORT_LONGITUDE:
			*scale = 6;
			return NUMERICOID;
		case IMPORT_ALTITUDE:
			*scale = 1;
			return NUMERICOID;
		case IMPORT_PERCENTAGE:
			*scale = 2;
			return NUMERICOID;
		case IMPORT_NUMERIC:
			return NUMERICOID;
		case IMPORT_JUDGED:
		case IMPORT_POSTAL_COORDINATE:
			break;
	}
	elog(ERROR, "column %s comes to nothing", column->name);
}

/* The type of what a source gives; invalid where that is the column's own. */
static Oid
source_type(const ImportTargets *targets, ImportTarget *target, TupleDesc stage_desc)
{
	switch (target->source)
	{
		case IMPORT_FROM_ROW_ID:
		case IMPORT_FROM_LINE:
			return INT8OID;
		case IMPORT_FROM_BATCH:
		case IMPORT_FROM_COUNTRY:
		case IMPORT_FROM_STATUS:
		case IMPORT_FROM_SECTOR:
		case IMPORT_FROM_DATA_SOURCE:
			return INT4OID;
		case IMPORT_FROM_OPERATION:
			return targets->enum_types[0];
		case IMPORT_FROM_ACTION:
			return targets->enum_types[1];
		case IMPORT_FROM_STATE:
			return targets->enum_types[2];
		case IMPORT_FROM_ERRORS:
		case IMPORT_FROM_WARNINGS:
			return JSONBOID;
		case IMPORT_FROM_CELL:
		case IMPORT_FROM_EDIT_COMMENT:
			return TEXTOID;
		case IMPORT_FROM_ERASED:
			return TEXTARRAYOID;
		case IMPORT_FROM_VALUE:
			return value_type(&targets->job->columns[target->column], &target->scale);
		case IMPORT_FROM_STAGE:
		case IMPORT_FROM_STAGE_PATH:
			return TupleDescAttr(stage_desc, target->column)->atttypid;
		case IMPORT_FROM_FIXED:
			return target->fixed_type;
		default:
			break;
	}
	return InvalidOid;
}

/* Prepare what makes the column's type of the one that is given. */
static void
prepare_cast(ImportTargets *targets, ImportTarget *target, Oid given)
{
	CaseTestExpr *input;
	Node	   *cast;
	Oid			function;

	if (target->source == IMPORT_FROM_TAG_PATH || target->source == IMPORT_FROM_STAGE_PATH)
	{
		if (target->source == IMPORT_FROM_STAGE_PATH && given != TEXTOID)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("an identifier of the analysis is of type %s instead of %s",
							format_type_be(given), format_type_be(TEXTOID))));
		getTypeInputInfo(target->type, &function, &target->input_param);
		fmgr_info(function, &target->input);
		return;
	}
	if (!OidIsValid(given) || (given == target->type && target->typmod < 0))
		return;
	if (given == NUMERICOID && given == target->type && target->scale >= 0 &&
		((target->typmod - VARHDRSZ) & 0x7ff) == (uint32) target->scale)
		return;					/* see number_datum() */
	input = makeNode(CaseTestExpr);
	input->typeId = given;
	input->typeMod = -1;
	input->collation = get_typcollation(given);
	cast = coerce_to_target_type(NULL, (Node *) input, given, target->type, target->typmod,
								 COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1);
	if (cast == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CANNOT_COERCE),
				 errmsg("cannot cast type %s to %s", format_type_be(given), format_type_be(target->type))));
	if (cast != (Node *) input)
		target->expression = ExecPrepareExpr((Expr *) cast, targets->estate);
}

/* Prepare the default of a column that nothing fills. */
static void
prepare_default(ImportTargets *targets, ImportTarget *target, Relation relation, int attnum)
{
	Node	   *expression = build_column_default(relation, attnum);
	ExprContext *context = GetPerTupleExprContext(targets->estate);

	target->source = IMPORT_FROM_FIXED;
	target->fixed_null = true;
	if (expression == NULL)
		return;
	target->expression = ExecPrepareExpr((Expr *) expression, targets->estate);
	if (IsA(expression, Const))
	{
		target->fixed = ExecEvalExpr(target->expression, context, &target->fixed_null);
		target->expression = NULL;
	}
	else
		target->source = IMPORT_FROM_DEFAULT;
}

/* Tell targets that are the same in all rows from cells, and from those that are made. */
static void
sort_targets(ImportTargets *targets)
{
	targets->values = palloc0(sizeof(Datum) * (targets->ntargets + 1));
	targets->nulls = palloc0(sizeof(bool) * (targets->ntargets + 1));
	targets->cells = palloc(sizeof(int) * (targets->ntargets + 1));
	targets->made = palloc(sizeof(int) * (targets->ntargets + 1));
	for (int i = 0; i < targets->ntargets; i++)
	{
		const ImportTarget *target = &targets->targets[i];

		if (target->source == IMPORT_FROM_FIXED && target->expression == NULL)
		{
			targets->values[i] = target->fixed;
			targets->nulls[i] = target->fixed_null;
		}
		else if (target->source == IMPORT_FROM_CELL && target->expression == NULL)
			targets->cells[targets->ncells++] = i;
		else
			targets->made[targets->nmade++] = i;
	}
}

/*
 * Find out what fills each column of the data table.  Expressions are prepared
 * in `estate`, which must live as long.
 */
ImportTargets *
import_targets_prepare(const ImportJob *job, Relation relation, EState *estate, TupleDesc stage_desc)
{
	TupleDesc	desc = RelationGetDescr(relation);
	ImportTargets *targets = palloc0(sizeof(ImportTargets));
	bool		is_patch = strcmp(job->strategy, "insert_or_update") == 0 || strcmp(job->strategy, "update_only") == 0;

	targets->job = job;
	targets->estate = estate;
	targets->ntargets = desc->natts;
	targets->targets = palloc0(sizeof(ImportTarget) * desc->natts);
	targets->enum_types[0] = enum_type("row_operation");
	targets->enum_types[1] = enum_type("row_action");
	targets->enum_types[2] = enum_type("data_state");
	targets->operations[0] = enum_value(targets->enum_types[0], is_patch ? "update" : "replace");
	targets->operations[1] = enum_value(targets->enum_types[0], "insert");
	targets->actions[0] = enum_value(targets->enum_types[1], "use");
	targets->actions[1] = enum_value(targets->enum_types[1], "skip");
	targets->states[0] = enum_value(targets->enum_types[2], "analysed");
	targets->states[1] = enum_value(targets->enum_types[2], "error");
	targets->no_findings = DirectFunctionCall1(jsonb_in, CStringGetDatum("{}"));
	targets->has_edit_comment = job->edit_comment != NULL;
	if (targets->has_edit_comment)
		targets->edit_comment = CStringGetTextDatum(job->edit_comment);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		ImportTarget *target = &targets->targets[i];

		target->type = att->atttypid;
		target->typmod = att->atttypmod;
		target->scale = -1;
		if (att->attisdropped)
		{
			target->source = IMPORT_FROM_FIXED;
			target->fixed_null = true;
			continue;
		}
		find_source(job, NameStr(att->attname), target);
		if (target->source == IMPORT_FROM_DEFAULT)
			prepare_default(targets, target, relation, i + 1);
		else
			prepare_cast(targets, target, source_type(targets, target, stage_desc));
	}
	sort_targets(targets);
	return targets;
}

/* A text of a row; the cell itself where nothing was changed. */
static Datum
text_datum(const ImportRecord *record, int column, SbSlice text)
{
	SbSlice		cell = record->row.cells[column];

	if (text.data == cell.data && text.len == cell.len)
		return record->raw[column];
	return PointerGetDatum(cstring_to_text_with_len(text.data, (int) text.len));
}

/*
 * A number.  The typmod of a column that keeps as many digits as the number is
 * rounded to does the rounding.
 */
static Datum
number_datum(const ImportTarget *target, const ImportValue *value)
{
	bool		rounds = target->scale >= 0 && target->expression == NULL && target->typmod >= 0;
	Datum		number = DirectFunctionCall3(numeric_in, CStringGetDatum(value->text.data), ObjectIdGetDatum(InvalidOid),
											 Int32GetDatum(rounds ? target->typmod : -1));

	if (target->scale >= 0 && !rounds)
		number = DirectFunctionCall2(numeric_round, number, Int32GetDatum(target->scale));
	return number;
}

/* What a cell came to. */
static Datum
value_datum(const ImportTargets *targets, const ImportTarget *target, const ImportRecord *record, bool *is_null)
{
	const ImportValue *value = &record->row.values[target->column];

	if (value->is_null)
	{
		*is_null = true;
		return (Datum) 0;
	}
	switch (targets->job->columns[target->column].kind)
	{
		case IMPORT_TEXT:
			return text_datum(record, target->column, value->text);
		case IMPORT_DATE:
			return DateADTGetDatum(value->day);
		case IMPORT_INTEGER:
			return Int32GetDatum((int32) value->integer);
		case IMPORT_CODE:
			return Int32GetDatum(value->code.id);
		case IMPORT_BOOLEAN:
			return BoolGetDatum(value->truth);
		default:
			return number_datum(target, value);
	}
}

/* A path, of a text that is one. */
static Datum
path_datum(ImportTarget *target, SbSlice path)
{
	char	   *terminated = pnstrdup(path.data, path.len);

	return InputFunctionCall(&target->input, terminated, target->input_param, target->typmod);
}

/* A number of a row in the register. */
static Datum
id_datum(ImportId id, bool *is_null)
{
	*is_null = id.is_null;
	return Int32GetDatum(id.id);
}

/* What became known of the row before its cells were judged. */
static Datum
stage_datum(const ImportRecord *record, int column, bool *is_null)
{
	*is_null = record->stage_nulls[column];
	return record->stage[column];
}

/* The names of the columns whose values go away. */
static Datum
erased_datum(const ImportJob *job, const ImportRow *row, bool *is_null)
{
	Datum	   *names;
	int			count = 0;

	*is_null = row->erased == NULL;
	if (*is_null)
		return (Datum) 0;
	names = palloc(sizeof(Datum) * job->plan.ncolumns);
	for (int i = 0; i < job->plan.ncolumns; i++)
		if (row->erased[i])
			names[count++] = CStringGetTextDatum(job->columns[i].name);
	return PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* What becomes of the row. */
static Datum
state_datum(const ImportTargets *targets, const ImportTarget *target, const ImportRecord *record, bool *is_null)
{
	const ImportRow *row = &record->row;
	bool		is_used = !record->is_error && !row->is_skipped;
	ImportSeverity severity = target->source == IMPORT_FROM_ERRORS ? IMPORT_ERROR : IMPORT_WARNING;
	int			found = severity == IMPORT_ERROR ? row->nerrors : row->nwarnings;

	switch (target->source)
	{
		case IMPORT_FROM_OPERATION:
			return targets->operations[row->is_new ? 1 : 0];
		case IMPORT_FROM_ACTION:
			return targets->actions[is_used ? 0 : 1];
		case IMPORT_FROM_STATE:
			return targets->states[record->is_error ? 1 : 0];
		case IMPORT_FROM_BATCH:
			if (is_used)
				return stage_datum(record, IMPORT_STAGE_BATCH, is_null);
			*is_null = true;
			return (Datum) 0;
		default:
			for (int i = 0; i < record->nnotes && found == 0; i++)
				if (record->notes[i].severity == severity)
					found = 1;
			return found > 0 ? import_findings_by_column(record, severity) : targets->no_findings;
	}
}

/* What fills a column, before any cast. */
static Datum
source_datum(ImportTargets *targets, ImportTarget *target, const ImportRecord *record, bool *is_null)
{
	const ImportRow *row = &record->row;
	Datum		path;

	switch (target->source)
	{
		case IMPORT_FROM_DEFAULT:
			return ExecEvalExprSwitchContext(target->expression, GetPerTupleExprContext(targets->estate), is_null);
		case IMPORT_FROM_FIXED:
			*is_null = target->fixed_null;
			return target->fixed;
		case IMPORT_FROM_ROW_ID:
			return Int64GetDatum(record->row_id);
		case IMPORT_FROM_LINE:
			return Int64GetDatum(record->source_line);
		case IMPORT_FROM_CELL:
			*is_null = record->raw_nulls[target->column];
			return record->raw[target->column];
		case IMPORT_FROM_VALUE:
			return value_datum(targets, target, record, is_null);
		case IMPORT_FROM_TAG_PATH:
			if (row->values[target->column].is_known)
				return path_datum(target, row->cells[target->column]);
			*is_null = true;
			return (Datum) 0;
		case IMPORT_FROM_COUNTRY:
			return id_datum(row->country[target->column], is_null);
		case IMPORT_FROM_STATUS:
			return id_datum(row->status, is_null);
		case IMPORT_FROM_SECTOR:
			return id_datum(row->sector, is_null);
		case IMPORT_FROM_DATA_SOURCE:
			return id_datum(row->data_source, is_null);
		case IMPORT_FROM_EDIT_COMMENT:
			if (target->column >= 0 && !row->values[target->column].is_null)
				return text_datum(record, target->column, row->values[target->column].text);
			*is_null = !targets->has_edit_comment;
			return targets->edit_comment;
		case IMPORT_FROM_ERASED:
			return erased_datum(targets->job, row, is_null);
		case IMPORT_FROM_STAGE:
			return stage_datum(record, target->column, is_null);
		case IMPORT_FROM_STAGE_PATH:
			path = stage_datum(record, target->column, is_null);
			return *is_null ? path : path_datum(target, (SbSlice) {VARDATA_ANY(DatumGetPointer(path)),
																   VARSIZE_ANY_EXHDR(DatumGetPointer(path))});
		default:
			return state_datum(targets, target, record, is_null);
	}
}

/*
 * The row of the data table that a row of the file comes to.  What it points to
 * lives as long as the record and the current memory context.
 */
void
import_targets_fill(ImportTargets *targets, const ImportRecord *record, Datum *values, bool *nulls)
{
	memcpy(values, targets->values, sizeof(Datum) * targets->ntargets);
	memcpy(nulls, targets->nulls, sizeof(bool) * targets->ntargets);
	for (int i = 0; i < targets->ncells; i++)
	{
		int			at = targets->cells[i];
		int			column = targets->targets[at].column;

		values[at] = record->raw[column];
		nulls[at] = record->raw_nulls[column];
	}
	for (int i = 0; i < targets->nmade; i++)
	{
		int			at = targets->made[i];
		ImportTarget *target = &targets->targets[at];

		values[at] = source_datum(targets, target, record, &nulls[at]);
		if (target->expression != NULL && target->source != IMPORT_FROM_DEFAULT)
		{
			ExprContext *context = GetPerTupleExprContext(targets->estate);

			context->caseValue_datum = values[at];
			context->caseValue_isNull = nulls[at];
			values[at] = ExecEvalExpr(target->expression, context, &nulls[at]);
		}
	}
}

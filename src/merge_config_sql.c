/*-------------------------------------------------------------------------
 *
 * merge_config_sql.c
 *	  Temporal merge: what the catalogue says about target and source.
 *
 * IDENTIFICATION
 *	  src/merge_config_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "merge_internal.h"

static void check_call(const TemporalMergeCall *call);
static void set_rules(MergeState *state);
static AttrNumber target_attnum(const MergeState *state, const char *name);
static int	list_position(const List *names, const char *name);
static void find_period(MergeState *state);
static const char *period_argument(const MergeState *state, Node *argument);
static bool is_natural(const MergeState *state, const char *name);
static void add_columns(MergeState *state, bool identity);
static void describe_column(MergeState *state, MergeColumn *column, const FormData_pg_attribute *att);
static void find_default(MergeState *state, MergeColumn *column, const FormData_pg_attribute *att);
static void choose_rule(const MergeState *state, MergeColumn *column);
static void find_equality(MergeColumn *column);
static void describe_keys(MergeState *state);
static int	column_position(const MergeState *state, const char *name);

/* What a call may not ask for. */
static void
check_call(const TemporalMergeCall *call)
{
	if (call->delete_mode != MERGE_DELETE_NONE && call->mode >= INSERT_NEW_ENTITIES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a delete mode cannot be used with a mode that does not merge whole entities")));
	if (call->identity == NIL && (call->natural_keys == NIL || linitial(call->natural_keys) == NIL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("merge needs identity_columns or natural_keys")));
}

/* A column of the target by name; 42703 when there is none. */
static AttrNumber
target_attnum(const MergeState *state, const char *name)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(state->target), name);

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation %s does not exist", name, state->target_name)));
	return attnum;
}

/* Where a name stands in a list of names, or -1. */
static int
list_position(const List *names, const char *name)
{
	ListCell   *cell;

	foreach(cell, names)
	{
		if (strcmp(lfirst(cell), name) == 0)
			return foreach_current_index(cell);
	}
	return -1;
}

/* The period column, and the columns it is generated from. */
static void
find_period(MergeState *state)
{
	TupleDesc	desc = RelationGetDescr(state->target);
	Form_pg_attribute att;
	Node	   *expression = NULL;
	FuncExpr   *call;

	state->period = target_attnum(state, state->call->period);
	att = TupleDescAttr(desc, state->period - 1);
	state->period_type = period_type(att->atttypid);
	if (att->attgenerated == '\0')
		return;

	for (int i = 0; i < desc->constr->num_defval; i++)
		if (desc->constr->defval[i].adnum == state->period)
			expression = stringToNode(desc->constr->defval[i].adbin);
	call = (FuncExpr *) expression;
	if (expression != NULL && IsA(expression, FuncExpr) && period_is_made_by(call, att->atttypid))
	{
		state->from = period_argument(state, linitial(call->args));
		state->until = period_argument(state, lsecond(call->args));
	}
	if (state->from == NULL || state->until == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("period \"%s\" of relation %s is not generated from two columns",
						state->call->period, state->target_name)));
	state->from_not_null = TupleDescAttr(desc, target_attnum(state, state->from) - 1)->attnotnull;
	state->until_not_null = TupleDescAttr(desc, target_attnum(state, state->until) - 1)->attnotnull;
}

/* The column that an argument of the period's expression is, or NULL. */
static const char *
period_argument(const MergeState *state, Node *argument)
{
	while (IsA(argument, RelabelType))
		argument = (Node *) ((RelabelType *) argument)->arg;
	if (!IsA(argument, Var))
		return NULL;
	return get_attname(RelationGetRelid(state->target), ((Var *) argument)->varattno, false);
}

/* Is a column part of some natural key? */
static bool
is_natural(const MergeState *state, const char *name)
{
	ListCell   *cell;

	foreach(cell, state->call->natural_keys)
	{
		if (list_position(lfirst(cell), name) >= 0)
			return true;
	}
	return false;
}

/* Add the columns of the identity, or the others that merge may write. */
static void
add_columns(MergeState *state, bool identity)
{
	TupleDesc	desc = RelationGetDescr(state->target);
	const List *ids = state->call->identity != NIL ? state->call->identity : linitial(state->call->natural_keys);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		const char *name = NameStr(att->attname);
		int			position;
		MergeColumn *column;

		if (att->attisdropped || att->attnum == state->period ||
			(state->from != NULL && (strcmp(name, state->from) == 0 || strcmp(name, state->until) == 0)))
			continue;
		position = list_position(ids, name);
		if ((position >= 0) != identity)
			continue;
		if (!identity && (att->attgenerated != '\0' || att->attidentity == ATTRIBUTE_IDENTITY_ALWAYS))
			continue;

		column = &state->columns[state->ncolumns];
		column->id_position = position;
		if (identity)
		{
			state->ids[position] = state->ncolumns;
			column->identity_always = att->attidentity == ATTRIBUTE_IDENTITY_ALWAYS;
			state->overriding |= column->identity_always;
		}
		else
			state->npayload++;
		state->ncolumns++;
		describe_column(state, column, att);
	}
}

/* Everything else about a column. */
static void
describe_column(MergeState *state, MergeColumn *column, const FormData_pg_attribute *att)
{
	TupleDesc	source = state->call->source_desc;

	column->name = pstrdup(NameStr(att->attname));
	column->attnum = att->attnum;
	column->type = att->atttypid;
	column->typmod = att->atttypmod;
	column->collation = att->attcollation;
	column->typlen = att->attlen;
	column->typbyval = att->attbyval;
	column->not_null = att->attnotnull;
	column->ephemeral = list_position(state->call->ephemeral, column->name) >= 0;
	column->natural = column->id_position < 0 && is_natural(state, column->name);
	for (int i = 0; i < source->natts; i++)
		if (!TupleDescAttr(source, i)->attisdropped &&
			strcmp(NameStr(TupleDescAttr(source, i)->attname), column->name) == 0)
			column->source_attnum = i + 1;
	find_default(state, column, att);
	choose_rule(state, column);
	find_equality(column);
}

/*
 * A column's own default: a sequence, of which an identity column asks no
 * USAGE, or an expression.
 */
static void
find_default(MergeState *state, MergeColumn *column, const FormData_pg_attribute *att)
{
	Node	   *expression;

	if (att->attgenerated != '\0' || (!att->atthasdef && att->attidentity == '\0'))
		return;
	expression = build_column_default(state->target, att->attnum);
	if (expression == NULL)
		return;
	column->has_default = true;
	if (IsA(expression, NextValueExpr))
		column->sequence = ((NextValueExpr *) expression)->seqid;
	else
		column->expression = ExecPrepareExpr(expression_planner((Expr *) expression), state->estate);
}

/* The value of a column's default, in the current memory context; NULL when it has none. */
Datum
merge_default(MergeState *state, const MergeColumn *column, bool *is_null)
{
	*is_null = false;
	if (OidIsValid(column->sequence))
	{
		int64		value = nextval_internal(column->sequence, false);

		switch (getBaseType(column->type))
		{
			case INT2OID:
				return Int16GetDatum((int16) value);
			case INT4OID:
				return Int32GetDatum((int32) value);
			default:
				return Int64GetDatum(value);
		}
	}
	if (column->expression != NULL)
		return ExecEvalExpr(column->expression, state->econtext, is_null);
	*is_null = true;
	return (Datum) 0;
}

/* What the mode makes of a column. */
static void
choose_rule(const MergeState *state, MergeColumn *column)
{
	bool		in_source = column->source_attnum != 0;
	bool		patch = state->rules.patch;
	bool		upsert = state->combines && !patch;
	bool		kept = !in_source && (state->combines || column->ephemeral);

	if (state->rules.removes || kept)
		column->rule = MERGE_RULE_SLICE;
	else if (state->call->given != NULL)
		column->rule = MERGE_RULE_GIVEN;
	else if (patch || (upsert && (column->not_null || column->has_default)))
		column->rule = MERGE_RULE_COMBINE;
	else if (upsert)
		column->rule = MERGE_RULE_TOP;
	else if (!in_source)
		column->rule = MERGE_RULE_DEFAULT;
	else
		column->rule = column->not_null ? MERGE_RULE_TOP_FILLED : MERGE_RULE_TOP;
	column->fills = (state->combines || kept) && column->has_default;
	column->updated = column->ephemeral || (in_source && !state->rules.removes) ||
		(!state->combines && !state->rules.removes);
}

/* How values of a column compare. */
static void
find_equality(MergeColumn *column)
{
	Oid			base = getBaseType(column->type);
	TypeCacheEntry *cache = lookup_type_cache(base, TYPECACHE_EQ_OPR_FINFO);
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(base));
	bool		citext;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", base);
	citext = strcmp(NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname), "citext") == 0;
	ReleaseSysCache(tuple);

	switch (base)
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			column->integer = true;
			break;
		default:
			break;
	}

	/* what citext takes for equal, as an identity, is still worth an update */
	column->as_text = citext || !OidIsValid(cache->eq_opr_finfo.fn_oid);
	if (column->as_text)
	{
		Oid			output;
		bool		is_varlena;

		getTypeOutputInfo(column->type, &output, &is_varlena);
		fmgr_info(output, &column->output);
	}
	else
		fmgr_info(cache->eq_opr_finfo.fn_oid, &column->equal);
}

/* Are two values of a column the same?  NULLs are. */
bool
merge_same_value(const MergeColumn *column, Datum a, bool a_null, Datum b, bool b_null)
{
	if (a_null || b_null)
		return a_null && b_null;
	if (column->integer)
		return a == b;
	if (datum_image_eq(a, b, column->typbyval, column->typlen))
		return true;
	if (column->as_text)
		return strcmp(OutputFunctionCall((FmgrInfo *) &column->output, a),
					  OutputFunctionCall((FmgrInfo *) &column->output, b)) == 0;
	return DatumGetBool(FunctionCall2Coll((FmgrInfo *) &column->equal, column->collation, a, b));
}

/* SQL for `left` equals `right`, with the type's own operator, whatever the search_path. */
char *
merge_equality(const MergeState *state, const MergeColumn *column, const char *left, const char *right)
{
	TypeCacheEntry *cache = lookup_type_cache(column->type, TYPECACHE_EQ_OPR);
	HeapTuple	tuple;
	Form_pg_operator form;
	char	   *result;

	(void) state;
	if (!OidIsValid(cache->eq_opr))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify an equality operator for type %s", format_type_be(column->type))));
	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(cache->eq_opr));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", cache->eq_opr);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	result = psprintf("%s OPERATOR(%s.%s) %s", left,
					  quote_identifier(get_namespace_name(form->oprnamespace)), NameStr(form->oprname), right);
	ReleaseSysCache(tuple);
	return result;
}

/* A column of merge by name; 0A000 when merge cannot use it. */
static int
column_position(const MergeState *state, const char *name)
{
	for (int i = 0; i < state->ncolumns; i++)
		if (strcmp(state->columns[i].name, name) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("column \"%s\" of relation %s cannot be part of a natural key", name, state->target_name),
			 errdetail("Generated columns and those of the period cannot.")));
}

/* The natural keys; one whose columns the source lacks identifies nothing. */
static void
describe_keys(MergeState *state)
{
	ListCell   *cell;

	state->keys = palloc0(sizeof(MergeKey) * Max(list_length(state->call->natural_keys), 1));
	foreach(cell, state->call->natural_keys)
	{
		List	   *names = lfirst(cell);
		MergeKey   *key = &state->keys[state->nkeys];
		bool		given = names != NIL;
		ListCell   *name;

		if (list_length(names) > INDEX_MAX_KEYS)
			ereport(ERROR,
					(errcode(ERRCODE_TOO_MANY_COLUMNS),
					 errmsg("cannot use more than %d columns to identify", INDEX_MAX_KEYS)));
		key->columns = palloc(sizeof(int) * Max(list_length(names), 1));
		key->width = list_length(names);
		foreach(name, names)
		{
			int			i = column_position(state, lfirst(name));

			key->columns[foreach_current_index(name)] = i;
			given = given && state->columns[i].source_attnum != 0;
		}
		if (!given)
			key->width = 0;
		else
			key->values = merge_values_new(state, key->width, key->columns);
		state->nkeys++;
	}
}

/* What the modes mean for the planner. */
static void
set_rules(MergeState *state)
{
	const TemporalMergeCall *call = state->call;

	state->rules.patch = call->mode == MERGE_ENTITY_PATCH || call->mode == PATCH_FOR_PORTION_OF;
	if (call->given != NULL && call->mode != UPDATE_FOR_PORTION_OF)
		elog(ERROR, "rows that say what they give need UPDATE_FOR_PORTION_OF");
	state->rules.portion = call->mode >= UPDATE_FOR_PORTION_OF;
	state->rules.removes = call->mode == DELETE_FOR_PORTION_OF;
	state->rules.drops_timeline = call->delete_mode == DELETE_MISSING_TIMELINE ||
		call->delete_mode == DELETE_MISSING_TIMELINE_AND_ENTITIES;
	state->drops_entities = call->delete_mode == DELETE_MISSING_ENTITIES ||
		call->delete_mode == DELETE_MISSING_TIMELINE_AND_ENTITIES;
	state->combines = state->rules.patch || call->mode == MERGE_ENTITY_UPSERT ||
		call->mode == UPDATE_FOR_PORTION_OF;

	/* rows that give different columns combine as patches do */
	if (call->given != NULL)
		state->rules.patch = true;
}

/*
 * Find out everything that the catalogue knows, and refuse what cannot be
 * merged.  Opens the target.
 */
void
merge_configure(MergeState *state)
{
	const TemporalMergeCall *call = state->call;
	const List *ids;
	ListCell   *cell;
	ListCell   *name;

	check_call(call);
	set_rules(state);
	state->target = try_relation_open(call->target, AccessShareLock);
	if (state->target == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", call->target)));
	state->target_name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(state->target)),
													RelationGetRelationName(state->target));
	if (state->target->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("relation %s is not an ordinary table", state->target_name)));

	ids = call->identity != NIL ? call->identity : linitial(call->natural_keys);
	foreach(cell, ids)
		target_attnum(state, lfirst(cell));
	foreach(cell, call->ephemeral)
		target_attnum(state, lfirst(cell));
	foreach(cell, call->natural_keys)
	{
		foreach(name, lfirst(cell))
		{
			target_attnum(state, lfirst(name));
		}
	}
	find_period(state);

	state->nids = list_length(ids);
	if (state->nids > INDEX_MAX_KEYS)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("cannot use more than %d columns to identify", INDEX_MAX_KEYS)));
	state->ids = palloc(sizeof(int) * state->nids);
	for (int i = 0; i < state->nids; i++)
		state->ids[i] = -1;
	state->columns = palloc0(sizeof(MergeColumn) * RelationGetDescr(state->target)->natts);
	add_columns(state, false);
	add_columns(state, true);
	for (int i = 0; i < state->nids; i++)
		if (state->ids[i] < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" cannot identify", (char *) list_nth(ids, i)),
					 errdetail("It belongs to the period, or is named twice.")));
	state->idents = merge_values_new(state, state->nids, state->ids);
	describe_keys(state);
}

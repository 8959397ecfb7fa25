/*-------------------------------------------------------------------------
 *
 * import_writer_sql.c
 *	  Analysis of a job: rows into a table, many at once.
 *
 * What COPY does: rows are kept until there are enough of them, written with
 * one call, and then put into the indexes.
 *
 * IDENTIFICATION
 *	  src/import_writer_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_analyse.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"

/* As many rows as COPY keeps. */
#define WRITER_ROWS 1000

struct ImportWriter
{
	Relation	relation;
	EState	   *estate;
	ResultRelInfo *result;
	BulkInsertState bulk;
	CommandId	command;
	MemoryContext context;		/* of the slots */
	TupleTableSlot *slots[WRITER_ROWS];
	int			nslots;			/* that hold rows */
};

/* Has the table a trigger other than those of its foreign keys? */
static bool
has_user_trigger(Relation relation)
{
	TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (!triggers->triggers[i].tgisinternal)
			return true;
	return false;
}

/*
 * Begin to write into a table, which the caller has opened and checked rights of.
 * What is needed for it lives in the current memory context.  A caller may say
 * that he checks the table's foreign keys himself.
 */
ImportWriter *
import_writer_open(Relation relation, bool with_foreign_keys)
{
	ImportWriter *writer = palloc0(sizeof(ImportWriter));
	bool		has_triggers = with_foreign_keys ? has_user_trigger(relation) : relation->trigdesc != NULL;

	if (relation->rd_rel->relkind != RELKIND_RELATION || has_triggers || relation->rd_rules != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table \"%s\" of an import job must have neither triggers nor rules",
						RelationGetRelationName(relation))));
	writer->relation = relation;
	writer->context = CurrentMemoryContext;
	writer->estate = CreateExecutorState();
	writer->result = makeNode(ResultRelInfo);
	InitResultRelInfo(writer->result, relation, 0, NULL, 0);
	ExecOpenIndices(writer->result, false);
	writer->bulk = GetBulkInsertState();
	writer->command = GetCurrentCommandId(true);
	return writer;
}

/* Where expressions about rows of the table are evaluated. */
EState *
import_writer_estate(ImportWriter *writer)
{
	return writer->estate;
}

/* An empty slot for the next row; its values must live until the next flush. */
TupleTableSlot *
import_writer_slot(ImportWriter *writer)
{
	TupleTableSlot **slot = &writer->slots[writer->nslots];

	if (*slot == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(writer->context);

		*slot = table_slot_create(writer->relation, NULL);
		MemoryContextSwitchTo(old);
	}
	ExecClearTuple(*slot);
	return *slot;
}

/* Take the row in the slot; true when it is time for a flush. */
bool
import_writer_add(ImportWriter *writer)
{
	TupleTableSlot *slot = writer->slots[writer->nslots++];

	ExecStoreVirtualTuple(slot);
	if (writer->relation->rd_att->constr != NULL)
		ExecConstraints(writer->result, slot, writer->estate);
	return writer->nslots == WRITER_ROWS;
}

/* Write what was taken. */
void
import_writer_flush(ImportWriter *writer)
{
	if (writer->nslots == 0)
		return;
	table_multi_insert(writer->relation, writer->slots, writer->nslots, writer->command, 0, writer->bulk);
	for (int i = 0; i < writer->nslots; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (writer->result->ri_NumIndices > 0)
			list_free(statbus_insert_index_tuples(writer->result, writer->slots[i], writer->estate));
		ExecClearTuple(writer->slots[i]);
		ResetPerTupleExprContext(writer->estate);
	}
	writer->nslots = 0;
}

/* Write the rest and give up all that was taken for the table, which stays open. */
void
import_writer_close(ImportWriter *writer)
{
	import_writer_flush(writer);
	for (int i = 0; i < WRITER_ROWS && writer->slots[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(writer->slots[i]);
	FreeBulkInsertState(writer->bulk);
	table_finish_bulk_insert(writer->relation, 0);
	ExecCloseIndices(writer->result);
	FreeExecutorState(writer->estate);
	pfree(writer);
}

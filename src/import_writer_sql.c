/*-------------------------------------------------------------------------
 *
 * import_writer_sql.c
 *	  Analysis of a job: rows into a table, many at once.
 *
 * What COPY does: rows are kept until there are enough of them, written with
 * one call, and then put into the indexes.  A row is formed when it is given, so
 * that nothing it was made of has to be kept.
 *
 * IDENTIFICATION
 *	  src/import_writer_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_analyse.h"

#include "access/hio.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"

/* As many rows, and bytes of them, as COPY keeps. */
#define WRITER_ROWS 1000
#define WRITER_BYTES 65536

struct ImportWriter
{
	Relation	relation;
	EState	   *estate;
	ResultRelInfo *result;
	BulkInsertState bulk;
	CommandId	command;
	int			options;		/* see table_multi_insert() */
	MemoryContext context;		/* of the slots */
	MemoryContext tuples;		/* of the rows that wait */
	TupleTableSlot *row;		/* that is given next */
	bool		has_checks;		/* other constraints than of NOT NULL */
	int			nneeded;		/* columns that must not be NULL, from 0 */
	int		   *needed;
	TupleTableSlot *slots[WRITER_ROWS];
	int			nslots;			/* that hold rows */
	Size		nbytes;
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

/* Which columns must not be NULL, and are there other constraints? */
static void
read_constraints(ImportWriter *writer)
{
	TupleDesc	desc = RelationGetDescr(writer->relation);

	writer->has_checks = desc->constr != NULL && desc->constr->num_check > 0;
	writer->needed = palloc(sizeof(int) * (desc->natts + 1));
	for (int i = 0; i < desc->natts; i++)
		if (TupleDescAttr(desc, i)->attnotnull)
			writer->needed[writer->nneeded++] = i;
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
	writer->tuples = AllocSetContextCreate(CurrentMemoryContext, "import rows to be written", ALLOCSET_DEFAULT_SIZES);
	writer->row = MakeSingleTupleTableSlot(RelationGetDescr(relation), &TTSOpsVirtual);
	read_constraints(writer);
	writer->estate = CreateExecutorState();
	writer->result = makeNode(ResultRelInfo);
	InitResultRelInfo(writer->result, relation, 0, NULL, 0);
	ExecOpenIndices(writer->result, false);
	writer->bulk = GetBulkInsertState();

	/*
	 * rows that are read again soon stay in shared buffers, as those of
	 * INSERT do
	 */
	FreeAccessStrategy(writer->bulk->strategy);
	writer->bulk->strategy = NULL;
	writer->command = GetCurrentCommandId(true);

	/*
	 * a table of this job alone has its rows in their order, and no gaps of
	 * others
	 */
	writer->options = with_foreign_keys ? 0 : TABLE_INSERT_SKIP_FSM;
	return writer;
}

/* Where expressions about rows of the table are evaluated. */
EState *
import_writer_estate(ImportWriter *writer)
{
	return writer->estate;
}

/* An empty slot for the next row; its values must live until the row is taken. */
TupleTableSlot *
import_writer_slot(ImportWriter *writer)
{
	ExecClearTuple(writer->row);
	return writer->row;
}

/* Check what the table demands of the row in the slot. */
static void
check_row(ImportWriter *writer)
{
	bool		is_suspect = writer->has_checks;

	for (int i = 0; i < writer->nneeded; i++)
		is_suspect = is_suspect || writer->row->tts_isnull[writer->needed[i]];
	if (is_suspect)
		ExecConstraints(writer->result, writer->row, writer->estate);
}

/* Take the row in the slot; true when it is time for a flush. */
bool
import_writer_add(ImportWriter *writer)
{
	TupleTableSlot **slot = &writer->slots[writer->nslots++];
	MemoryContext old;
	HeapTuple	tuple;

	ExecStoreVirtualTuple(writer->row);
	check_row(writer);
	if (*slot == NULL)
	{
		old = MemoryContextSwitchTo(writer->context);
		*slot = MakeSingleTupleTableSlot(RelationGetDescr(writer->relation), &TTSOpsHeapTuple);
		MemoryContextSwitchTo(old);
	}
	old = MemoryContextSwitchTo(writer->tuples);
	tuple = ExecCopySlotHeapTuple(writer->row);
	MemoryContextSwitchTo(old);
	/* a tuple that the slot may free need not be copied to be written */
	ExecStoreHeapTuple(tuple, *slot, true);
	writer->nbytes += tuple->t_len;
	ResetPerTupleExprContext(writer->estate);
	return writer->nslots == WRITER_ROWS || writer->nbytes >= WRITER_BYTES;
}

/* Write what was taken. */
void
import_writer_flush(ImportWriter *writer)
{
	if (writer->nslots == 0)
		return;
	table_multi_insert(writer->relation, writer->slots, writer->nslots, writer->command, writer->options, writer->bulk);
	for (int i = 0; i < writer->nslots; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (writer->result->ri_NumIndices > 0)
			list_free(statbus_insert_index_tuples(writer->result, writer->slots[i], writer->estate));
		ExecClearTuple(writer->slots[i]);
		ResetPerTupleExprContext(writer->estate);
	}
	writer->nslots = 0;
	writer->nbytes = 0;
}

/* Write the rest and give up all that was taken for the table, which stays open. */
void
import_writer_close(ImportWriter *writer)
{
	import_writer_flush(writer);
	for (int i = 0; i < WRITER_ROWS && writer->slots[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(writer->slots[i]);
	ExecDropSingleTupleTableSlot(writer->row);
	MemoryContextDelete(writer->tuples);
	FreeBulkInsertState(writer->bulk);
	table_finish_bulk_insert(writer->relation, 0);
	ExecCloseIndices(writer->result);
	FreeExecutorState(writer->estate);
	pfree(writer);
}

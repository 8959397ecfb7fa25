/*-------------------------------------------------------------------------
 *
 * ident_check_sql.h
 *	  The rules of identifiers as the register has them, and findings as jsonb.
 *
 * IDENTIFICATION
 *	  src/ident_check_sql.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IDENT_CHECK_SQL_H
#define STATBUS_IDENT_CHECK_SQL_H

#include "statbus.h"

#include "utils/jsonb.h"

#include "ident_check.h"

/*
 * The rule of a type of identifier, in the memory context; NULL: it has none.
 * Read with the rights of the caller, who need not be connected to SPI.
 */
extern IdentRule *ident_rules_load(int32 type_id, MemoryContext context);

/* A finding about a cell: column without "_raw", value as the file has it. */
extern Jsonb *ident_finding_jsonb(const IdentFinding *finding, const char *column, SbSlice value);

#endif							/* STATBUS_IDENT_CHECK_SQL_H */

/*-------------------------------------------------------------------------
 *
 * import_cell_internal.h
 *	  What the files that judge cells share with each other only.
 *
 * IDENTIFICATION
 *	  src/import_cell_internal.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_CELL_INTERNAL_H
#define STATBUS_IMPORT_CELL_INTERNAL_H

#include "import_cell.h"
#include "utf8.h"

/* A row that is being judged. */
typedef struct ImportJudge
{
	const ImportPlan *plan;
	ImportRow  *row;
	int			room;			/* for findings */
	ImportFinding unheard;		/* what a skipped row would have */
	SbSlice    *emptied;		/* the cells of the row, without those that
								 * erase values */
} ImportJudge;

/* True when the file says something in this column. */
static inline bool
import_has_cell(const ImportRow *row, int column)
{
	return column >= 0 && row->cells[column].data != NULL;
}

/* True when the file says that the value of this column goes away. */
static inline bool
import_is_erased(const ImportRow *row, int column)
{
	return column >= 0 && row->erased != NULL && row->erased[column];
}

/* Where the postcode and the postplace are among the parts of an address. */
#define IMPORT_PART_POSTCODE 3
#define IMPORT_PART_POSTPLACE 4

/* import_cell_file.c */
extern ImportTally *import_begin_tally(const ImportPlan *plan);
extern void import_count_cell(ImportJudge *judge, int column);

/* import_cell_erase.c */
extern void import_take_erasures(ImportJudge *judge);

/* import_cell_finding.c */
extern ImportFinding *import_add_finding(ImportJudge *judge, ImportSeverity severity,
										 const char *code, const char *column, SbSlice value);
extern ImportFinding *import_add_cell_finding(ImportJudge *judge, ImportSeverity severity,
											  const char *code, int column);
extern void import_add_text(ImportFinding *finding, const char *key, SbSlice text);
extern void import_add_number(ImportFinding *finding, const char *key, int64_t number);
extern void import_add_list(ImportFinding *finding, const char *key,
							const char *const *list, int nlist);
extern void import_add_hint(ImportJudge *judge, ImportFinding *finding, SbHintKind kind,
							SbSlice value);
extern SbSlice import_copy(const ImportPlan *plan, const char *data, size_t len);
extern void import_sort_findings(ImportJudge *judge);

/* import_cell_number.c */
extern void import_judge_date(ImportJudge *judge, int column);
extern void import_judge_integer(ImportJudge *judge, int column);
extern void import_judge_numeric(ImportJudge *judge, int column);
extern void import_judge_bounded(ImportJudge *judge, int column);
extern void import_judge_boolean(ImportJudge *judge, int column);

/* import_cell_code.c */
extern void import_judge_code(ImportJudge *judge, int column);

/* import_cell_text.c */
extern void import_judge_text(ImportJudge *judge, int column);

/* import_cell_place.c */
extern void import_judge_postcode(ImportJudge *judge, int which);
extern void import_judge_swapped(ImportJudge *judge);

/* import_cell_contact.c */
extern bool import_is_email(SbSlice text);
extern bool import_is_phone(SbSlice text);
extern bool import_is_web_address(SbSlice text);

/* import_cell_repair.c */
extern int	import_misread_byte(uint32_t c);
extern SbSlice import_decode_again(const ImportPlan *plan, SbSlice text);
extern SbSlice import_without_marker(SbSlice value);

/* import_cell_unicode.c */
extern uint32_t import_last_character(const char *start, const char *end);
extern size_t import_count_characters(SbSlice text);
extern size_t import_first_characters(SbSlice text, size_t count);
extern bool import_is_plain(SbSlice text);
extern bool import_is_space(uint32_t c);
extern bool import_is_upper(uint32_t c);
extern bool import_is_composed(uint32_t c);
extern bool import_is_character(uint32_t c, size_t bytes);

#endif							/* STATBUS_IMPORT_CELL_INTERNAL_H */

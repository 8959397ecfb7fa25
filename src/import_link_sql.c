/*-------------------------------------------------------------------------
 *
 * import_link_sql.c
 *	  Analysis of a job: the legal units of establishments.
 *
 * A new establishment needs one.  Known ones may leave it out: they keep
 * theirs, and new time of theirs belongs to the legal unit of the slice before
 * it, or after it.
 *
 * IDENTIFICATION
 *	  src/import_link_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_identify.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

static const SbSlice no_value = {NULL, 0};

/*
 * $1: places, $2: establishments, $3, $4: the periods of rows.  Columns: place,
 * the legal unit whose new time it would be and does not exist then, its
 * periods.
 */
static const char gap_query[] =
"SELECT DISTINCT ON (r.place) r.place, n.legal_unit_id, import.periods_as_text(l.life)"
" FROM unnest($1, $2, $3, $4) AS r (place, establishment_id, valid_from, valid_until)"
" CROSS JOIN LATERAL (SELECT range_agg(t.valid_range) AS life FROM register.establishment AS t WHERE t.id = r.establishment_id) AS e"
" CROSS JOIN LATERAL unnest(datemultirange(daterange(r.valid_from, r.valid_until)) - e.life) AS gap"
" CROSS JOIN LATERAL (SELECT t.legal_unit_id FROM register.establishment AS t WHERE t.id = r.establishment_id"
" ORDER BY t.valid_from < lower(gap) DESC, CASE WHEN t.valid_from < lower(gap) THEN t.valid_from END DESC, t.valid_from LIMIT 1) AS n"
" CROSS JOIN LATERAL (SELECT range_agg(u.valid_range) AS life FROM register.legal_unit AS u WHERE u.id = n.legal_unit_id) AS l"
" WHERE NOT l.life @> gap ORDER BY r.place, gap";

static void remark_link(ImportIdentify *identify, const IdentifyCase *rowcase, const char *code, const IdentifyLife *life);
static void remark_gap(ImportIdentify *identify, IdentifyCase *rowcase, int32 legal_unit, Jsonb *periods);

/* Say something of each identifier of the legal unit; with a life, that it does not exist then. */
static void
remark_link(ImportIdentify *identify, const IdentifyCase *rowcase, const char *code, const IdentifyLife *life)
{
	for (int i = 0; i < rowcase->row.nidents; i++)
	{
		const IdentifySlot *slot = &identify->slots[rowcase->idents[i].slot];
		const char *pending;
		IdentifyRemark remark;

		if (slot->role != IDENTIFY_LINK)
			continue;
		import_remark_begin(identify, &remark, IMPORT_ERROR, code, slot->name,
							import_idents_value(&identify->idents, rowcase->idents[i].node));
		pending = life == NULL ? import_pending_job(identify, rowcase->idents[i].node) : NULL;
		if (pending != NULL)
			import_remark_text(&remark, "pending_job", (SbSlice) {pending, strlen(pending)});
		if (life != NULL)
		{
			import_remark_number(&remark, "legal_unit_id", rowcase->hits[IDENTIFY_LINK].legal_unit);
			import_remark_life(&remark, "periods", life);
		}
		import_remark_end(identify, &remark, rowcase->row.row_id);
	}
}

/* The row refers to a legal unit that is not known: remember its identifiers. */
void
import_link_want(ImportIdentify *identify, const IdentifyCase *rowcase)
{
	const IdentifyHit *hit = &rowcase->hits[IDENTIFY_LINK];

	if (hit->nidents == 0 || hit->is_known)
		return;
	identify->wants = true;
	for (int i = 0; i < rowcase->row.nidents; i++)
		if (identify->slots[rowcase->idents[i].slot].role == IDENTIFY_LINK)
			import_idents_node(&identify->idents, rowcase->idents[i].node)->flags |= IMPORT_NODE_WANTED;
}

/* Judge the legal unit that an establishment is said to be of. */
void
import_link_judge(ImportIdentify *identify, IdentifyCase *rowcase)
{
	const IdentifyHit *hit = &rowcase->hits[IDENTIFY_LINK];
	bool		is_skipped = (rowcase->row.flags & IDENTIFY_SKIPPED) != 0;
	IdentifyLife life;
	IdentifyRemark remark;

	if (hit->nidents == 0)
	{
		if (!rowcase->is_new || is_skipped)
			return;
		import_remark_begin(identify, &remark, IMPORT_ERROR, "link_missing", NULL, no_value);
		import_remark_names(&remark, "columns", identify->link_names, identify->nlinks);
		import_remark_end(identify, &remark, rowcase->row.row_id);
		rowcase->is_error = true;
		return;
	}
	if (!hit->is_known)
	{
		remark_link(identify, rowcase, "reference_missing", NULL);
		rowcase->is_error = true;
		return;
	}
	if (hit->is_ambiguous || is_skipped || hit->legal_unit == 0 ||
		!import_register_life(identify, IMPORT_LEGAL_UNIT(hit->legal_unit), &life))
		return;
	/* without a period nobody knows when it would have to exist */
	if ((rowcase->row.flags & IDENTIFY_PERIOD) == 0 ||
		import_days_cover(&life, rowcase->row.valid_from, rowcase->row.valid_until))
		return;
	remark_link(identify, rowcase, "reference_not_valid_then", &life);
	rowcase->is_error = true;
}

/* May the row give an establishment new time without saying of which legal unit? */
bool
import_link_needs_gap(const ImportIdentify *identify, const IdentifyCase *rowcase)
{
	return rowcase->establishment != 0 && !rowcase->is_refused && !rowcase->is_covered && !identify->within_life &&
		rowcase->hits[IDENTIFY_LINK].nidents == 0 &&
		(rowcase->row.flags & (IDENTIFY_PERIOD | IDENTIFY_SKIPPED)) == IDENTIFY_PERIOD;
}

/* Say that the legal unit of new time does not exist then. */
static void
remark_gap(ImportIdentify *identify, IdentifyCase *rowcase, int32 legal_unit, Jsonb *periods)
{
	IdentifyRemark remark;

	import_remark_begin(identify, &remark, IMPORT_ERROR, "reference_not_valid_then", NULL, no_value);
	import_remark_names(&remark, "columns", identify->link_names, identify->nlinks);
	import_remark_number(&remark, "legal_unit_id", legal_unit);
	import_remark_jsonb(&remark, "periods", periods);
	import_remark_end(identify, &remark, rowcase->row.row_id);
	rowcase->is_error = true;
}

/* Judge new time of establishments, of several rows at once. */
void
import_link_judge_gaps(ImportIdentify *identify, IdentifyCase **cases, int ncases)
{
	Oid			types[4] = {INT4ARRAYOID, INT4ARRAYOID, DATEARRAYOID, DATEARRAYOID};
	Datum	   *keys[4];
	Datum		arguments[4];
	MemoryContext context = CurrentMemoryContext;

	for (int i = 0; i < 4; i++)
		keys[i] = palloc(sizeof(Datum) * (ncases + 1));
	for (int i = 0; i < ncases; i++)
	{
		keys[0][i] = Int32GetDatum(i);
		keys[1][i] = Int32GetDatum(cases[i]->establishment);
		keys[2][i] = DateADTGetDatum(cases[i]->row.valid_from);
		keys[3][i] = DateADTGetDatum(cases[i]->row.valid_until);
	}
	for (int i = 0; i < 4; i++)
		arguments[i] = PointerGetDatum(construct_array(keys[i], ncases, i < 2 ? INT4OID : DATEOID, sizeof(int32), true,
													   TYPALIGN_INT));
	if (SPI_execute_with_args(gap_query, 4, types, arguments, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not ask for the legal units of establishments");
	MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		is_null;
		int			place = DatumGetInt32(SPI_getbinval(tuple, desc, 1, &is_null));
		int32		legal_unit = DatumGetInt32(SPI_getbinval(tuple, desc, 2, &is_null));

		remark_gap(identify, cases[place], legal_unit, DatumGetJsonbP(SPI_getbinval(tuple, desc, 3, &is_null)));
		MemoryContextReset(identify->scratch);
	}
	SPI_freetuptable(SPI_tuptable);
}

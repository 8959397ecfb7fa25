/*-------------------------------------------------------------------------
 *
 * csv_heading_sql.c
 *	  Which field of an uploaded file is which column.
 *
 * The first record of a file is its heading when the definition knows one of
 * its fields; import.match_headings() says which column each field is.  When it
 * knows none, the lines below are looked at, so that what is said of the file
 * names the line where its heading is.
 *
 * IDENTIFICATION
 *	  src/csv_heading_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "statbus.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "csv_heading.h"
#include "csv_upload.h"
#include "utf8.h"

/* As many records as may be titles above the heading. */
#define HEADING_LINES 20

static bool match_headings(Upload *upload, Datum headings, bool apply);
static Datum headings_array(const CsvRecord *record);
static void set_fields(Upload *upload, ArrayType *columns, ArrayType *names);
static bool is_report(const Upload *upload);

PG_FUNCTION_INFO_V1(statbus_import_heading_key);

/* import.heading_key(heading text): headings with the same key mean the same column. */
Datum
statbus_import_heading_key(PG_FUNCTION_ARGS)
{
	text	   *heading = PG_GETARG_TEXT_PP(0);
	char	   *key = palloc(SB_SMALL_SIZE(VARSIZE_ANY_EXHDR(heading)) + 1);
	size_t		len = csv_heading_key(VARDATA_ANY(heading), VARSIZE_ANY_EXHDR(heading), key);

	PG_RETURN_TEXT_P(cstring_to_text_with_len(key, len));
}

PG_FUNCTION_INFO_V1(statbus_import_heading_distance);

/* import.heading_distance(x text, y text, most integer): as csv_heading_distance(). */
Datum
statbus_import_heading_distance(PG_FUNCTION_ARGS)
{
	text	   *x = PG_GETARG_TEXT_PP(0);
	text	   *y = PG_GETARG_TEXT_PP(1);

	PG_RETURN_INT32(csv_heading_distance(VARDATA_ANY(x), VARSIZE_ANY_EXHDR(x), VARDATA_ANY(y), VARSIZE_ANY_EXHDR(y),
										 Max(PG_GETARG_INT32(2), 0)));
}

/* A record that may be the heading: it is when it is the first one and a heading of it is known. */
void
upload_add_heading(Upload *upload)
{
	const CsvRecord *record = &upload->reader->record;
	Datum		headings = headings_array(record);
	bool		fits = match_headings(upload, headings, upload->candidates == 0);

	if (upload->candidates == 0)
	{
		if (fits)
		{
			if (!upload->refused)
				csv_take_header(upload->reader);
			return;
		}
		upload->first_headings = headings;
		upload->first_line = record->line;
	}
	upload->candidates++;
	if (fits || upload->candidates >= HEADING_LINES)
		upload_refuse_headings(upload, fits ? record->line : 0);
}

/* No heading is where it should be; hint_line looks like one, unless it is 0. */
void
upload_refuse_headings(Upload *upload, int64 hint_line)
{
	Oid			types[4] = {TEXTARRAYOID, INT8OID, INT8OID, JSONBOID};
	Datum		values[4];
	char		nulls[] = "    ";
	bool		is_null;

	values[0] = upload->candidates > 0 ? upload->first_headings : PointerGetDatum(construct_empty_array(TEXTOID));
	values[1] = Int64GetDatum(upload->first_line);
	values[2] = Int64GetDatum(hint_line);
	if (hint_line == 0)
		nulls[2] = 'n';
	values[3] = JsonbPGetDatum(upload->snapshot);
	upload->refused = true;
	SPI_connect();
	if (SPI_execute_with_args("SELECT import.explain_headings($1, $2, $3, $4)", 4, types, values, nulls, true, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "import.explain_headings() gave no answer");
	upload_add_findings(upload, DatumGetJsonbP(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null)));
	SPI_finish();
}

/*
 * Whether a record holds a heading of the definition.  apply: it is where the heading should be, so take what it says: which
 * field is which column, and what there is to say about that.
 */
static bool
match_headings(Upload *upload, Datum headings, bool apply)
{
	Oid			types[2] = {TEXTARRAYOID, JSONBOID};
	Datum		values[2];
	MemoryContext caller = CurrentMemoryContext;
	HeapTuple	row;
	TupleDesc	desc;
	bool		is_null;
	bool		fits;

	values[0] = headings;
	values[1] = JsonbPGetDatum(upload->snapshot);
	SPI_connect();
	if (SPI_execute_with_args("SELECT h.matched, h.columns, h.names, h.findings, h.refused FROM import.match_headings($1, $2) AS h",
							  2, types, values, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "import.match_headings() gave no answer");
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	/* Below a title one heading more is asked for: a value may look like one. */
	fits = DatumGetInt32(SPI_getbinval(row, desc, 1, &is_null)) > (apply ? 0 : 1);
	if (fits && apply)
	{
		upload->headings = headings;
		upload_add_findings(upload, DatumGetJsonbP(SPI_getbinval(row, desc, 4, &is_null)));
		upload->refused = DatumGetBool(SPI_getbinval(row, desc, 5, &is_null));
		MemoryContextSwitchTo(caller);
		set_fields(upload, DatumGetArrayTypeP(SPI_getbinval(row, desc, 2, &is_null)),
				   DatumGetArrayTypeP(SPI_getbinval(row, desc, 3, &is_null)));
	}
	SPI_finish();
	MemoryContextSwitchTo(caller);
	return fits;
}

/* The fields of a record as text[]. */
static Datum
headings_array(const CsvRecord *record)
{
	Datum	   *headings = palloc(sizeof(Datum) * Max(record->nkept, 1));

	for (int i = 0; i < record->nkept; i++)
		headings[i] = PointerGetDatum(cstring_to_text_with_len(record->fields[i].data, record->fields[i].len));
	return PointerGetDatum(construct_array(headings, record->nkept, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Keeps which field goes into which column, and by what name it is found fault with. */
static void
set_fields(Upload *upload, ArrayType *columns, ArrayType *names)
{
	Datum	   *column;
	Datum	   *name;
	bool	   *no_column;
	int			nnames;

	deconstruct_array(columns, TEXTOID, -1, false, TYPALIGN_INT, &column, &no_column, &upload->state.nfields);
	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &name, NULL, &nnames);
	Assert(nnames == upload->state.nfields);
	upload->fields = palloc0(sizeof(UploadField) * Max(upload->state.nfields, 1));
	for (int i = 0; i < upload->state.nfields; i++)
	{
		upload->fields[i].name = TextDatumGetCString(name[i]);
		if (no_column[i])
			continue;
		upload->fields[i].attnum = get_attnum(RelationGetRelid(upload->relation), TextDatumGetCString(column[i]));
		if (upload->fields[i].attnum <= 0)
			elog(ERROR, "table \"%s\" lacks column \"%s\"", RelationGetRelationName(upload->relation), TextDatumGetCString(column[i]));
	}
	upload->state.is_report = is_report(upload);
}

/* True when the file ends with the columns of a report, none of which is of the definition. */
static bool
is_report(const Upload *upload)
{
	static const char *const names[] = {"errors", "warnings", "source_line"};
	int			first = upload->state.nfields - (int) lengthof(names);

	for (int i = 0; i < (int) lengthof(names); i++)
		if (first < 0 || upload->fields[first + i].attnum != 0 || strcmp(upload->fields[first + i].name, names[i]) != 0)
			return false;
	return true;
}

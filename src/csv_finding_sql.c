/*-------------------------------------------------------------------------
 *
 * csv_finding_sql.c
 *	  What the reader of a file finds, as JSON.
 *
 * Findings of a record stand beside its row in the upload table, for the
 * analysis; those of the file as a whole are gathered in the upload.
 *
 * IDENTIFICATION
 *	  src/csv_finding_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "statbus.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "csv_upload.h"

/* As much of a field as is shown in a finding, in bytes. */
#define SHOWN_BYTES 200

static void append_details(StringInfo out, const CsvFinding *finding, const char *text_key);

/* What is wrong with the record, as the analysis takes it: a jsonb array of findings with severity. */
Datum
upload_row_findings(Upload *upload)
{
	const CsvRecord *record = &upload->reader->record;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '[');
	for (int i = 0; i < record->nfindings; i++)
	{
		const CsvFinding *finding = &record->findings[i];
		CsvFinding	placed = *finding;

		/* The line of the row is said beside it. */
		if (placed.line == record->line)
			placed.line = 0;
		appendStringInfo(&out, "%s{\"code\": \"%s\", \"severity\": \"%s\"", i > 0 ? ", " : "",
						 csv_code_name(finding->code), csv_is_error(finding->code) ? "error" : "warning");
		if (finding->field >= 0 && finding->field < upload->state.nfields)
		{
			appendStringInfoString(&out, ", \"column\": ");
			escape_json(&out, upload->fields[finding->field].name);
		}
		if (finding->field >= 0 && finding->field < record->nkept)
		{
			const CsvField *field = &record->fields[finding->field];
			char	   *shown = pnstrdup(field->data, pg_mbcliplen(field->data, field->len, SHOWN_BYTES));

			appendStringInfoString(&out, ", \"value\": ");
			escape_json(&out, shown);
		}
		if (finding->code == CSV_ROW_TOO_SHORT || finding->code == CSV_ROW_TOO_LONG)
			appendStringInfo(&out, ", \"details\": {\"expected\": %d, \"got\": %d}", upload->reader->expected, record->nfields);
		else if (finding->code == CSV_FIELD_TOO_LONG || finding->code == CSV_RECORD_TOO_LONG)
			appendStringInfo(&out, ", \"details\": {\"limit\": %d}",
							 finding->code == CSV_FIELD_TOO_LONG ? CSV_FIELD_LIMIT : CSV_RECORD_LIMIT);
		else
			append_details(&out, &placed, NULL);
		appendStringInfoChar(&out, '}');
	}
	appendStringInfoChar(&out, ']');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
}

/* Counts a line without any value. */
void
upload_add_blank(UploadBlanks *blanks, int64 line)
{
	if (blanks->n < NAMED_BLANKS)
		blanks->lines[blanks->n] = line;
	blanks->n++;
}

/* Says how many there were, and where the first of them. */
void
upload_add_blanks(Upload *upload, const char *code, const UploadBlanks *blanks)
{
	StringInfo	out = &upload->findings;

	if (blanks->n == 0)
		return;
	appendStringInfo(out, "%s{\"code\": \"%s\", \"severity\": \"info\", \"details\": {\"n\": " INT64_FORMAT ", \"lines\": [",
					 out->len > 0 ? ", " : "", code, blanks->n);
	for (int i = 0; i < Min(blanks->n, NAMED_BLANKS); i++)
		appendStringInfo(out, "%s" INT64_FORMAT, i > 0 ? ", " : "", blanks->lines[i]);
	appendStringInfoString(out, "]}}");
}

/* A finding that is the reader's own. */
void
upload_add_finding(Upload *upload, const CsvFinding *finding)
{
	StringInfo	out = &upload->findings;
	const char *severity = "info";
	const char *text_key = "encoding";

	if (csv_is_fatal(finding->code))
	{
		severity = "error";
		upload->refused = true;
	}
	else if (finding->code == CSV_MIXED_LINE_ENDINGS || finding->code == CSV_NO_ROWS)
		severity = "warning";

	if (finding->code == CSV_DELIMITER_DETECTED || finding->code == CSV_EXCEL_SEP_LINE)
		text_key = "delimiter";
	else if (finding->code == CSV_DELIMITER_MISMATCH)
		text_key = "detected";
	else if (finding->code == CSV_NOT_A_CSV)
		text_key = "magic";
	else if (finding->code == CSV_FILE_ENCODING)
		text_key = "guess";
	appendStringInfo(out, "%s{\"code\": \"%s\", \"severity\": \"%s\"", out->len > 0 ? ", " : "", csv_code_name(finding->code), severity);
	append_details(out, finding, text_key);
	appendStringInfoChar(out, '}');
}

/* The details that a finding has: a text under a key, and where in the file it is. */
static void
append_details(StringInfo out, const CsvFinding *finding, const char *text_key)
{
	const char *separator = "";

	if ((text_key == NULL || finding->text == NULL) && finding->line <= 0 && finding->offset < 0 && finding->byte < 0)
		return;
	appendStringInfoString(out, ", \"details\": {");
	if (text_key != NULL && finding->text != NULL)
	{
		appendStringInfo(out, "\"%s\": ", text_key);
		escape_json(out, strcmp(finding->text, "\t") == 0 ? "tab" : finding->text);
		separator = ", ";
	}
	if (finding->line > 0)
	{
		appendStringInfo(out, "%s\"line\": " INT64_FORMAT, separator, finding->line);
		separator = ", ";
	}
	if (finding->offset >= 0)
	{
		appendStringInfo(out, "%s\"offset\": " INT64_FORMAT, separator, finding->offset);
		separator = ", ";
	}
	if (finding->byte >= 0)
		appendStringInfo(out, "%s\"byte\": \"%02X\"", separator, (unsigned int) finding->byte);
	appendStringInfoChar(out, '}');
}

/* Findings that SQL has made, an array of objects. */
void
upload_add_findings(Upload *upload, Jsonb *findings)
{
	char	   *text = JsonbToCString(NULL, &findings->root, VARSIZE(findings));
	size_t		len = strlen(text);

	if (len > 2)
		appendStringInfo(&upload->findings, "%s%.*s", upload->findings.len > 0 ? ", " : "", (int) (len - 2), text + 1);
}

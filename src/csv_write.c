/*-------------------------------------------------------------------------
 *
 * csv_write.c
 *	  Fields of a CSV file, written.
 *
 * A report is opened in a spreadsheet, and what begins like a formula would be
 * one there: an apostrophe before it makes it a text.  The reader of a report
 * takes that apostrophe away again, and no other one: what was written comes
 * back as it was, whatever it begins with.
 *
 * IDENTIFICATION
 *	  src/csv_write.c
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "csv.h"

/* True for what a spreadsheet computes: a formula, behind any number of apostrophes. */
static bool
is_formula(const char *field, size_t len)
{
	size_t		i = 0;

	while (i < len && field[i] == '\'')
		i++;
	return i < len && strchr("=+-@\t\r", field[i]) != NULL && field[i] != '\0';
}

/* True for a minus sign, digits and marks between them: a spreadsheet shows it as it stands. */
static bool
is_negative_number(const char *field, size_t len)
{
	bool		digits = false;

	if (len < 2 || field[0] != '-')
		return false;
	for (size_t i = 1; i < len; i++)
	{
		bool		is_digit = field[i] >= '0' && field[i] <= '9';

		if (!is_digit && field[i] != '.' && field[i] != ',')
			return false;
		digits |= is_digit;
	}
	return digits;
}

/*
 * Writes a field, in quotes where it needs them; neutralise: formulas as text.  Returns the length; out has room for
 * CSV_WRITTEN(len).
 */
size_t
csv_write_field(const char *field, size_t len, char delimiter, bool neutralise, char *out)
{
	bool		add_apostrophe = neutralise && is_formula(field, len) && !is_negative_number(field, len);
	bool		quoted = len > 0 && (field[0] == ' ' || field[len - 1] == ' ');
	char	   *end = out;

	for (size_t i = 0; i < len && !quoted; i++)
		quoted = field[i] == delimiter || field[i] == '"' || field[i] == '\n' || field[i] == '\r';
	if (quoted)
		*end++ = '"';
	if (add_apostrophe)
		*end++ = '\'';
	for (size_t i = 0; i < len; i++)
	{
		if (field[i] == '"')
			*end++ = '"';
		*end++ = field[i];
	}
	if (quoted)
		*end++ = '"';
	return end - out;
}

/* True when the first byte of a field of a report is an apostrophe that csv_write_field() has put there. */
bool
csv_is_neutralised(const char *field, size_t len)
{
	return len > 1 && field[0] == '\'' && is_formula(field, len);
}

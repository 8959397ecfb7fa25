/*-------------------------------------------------------------------------
 *
 * import_cell_number.c
 *	  Cells that hold a date, a number, or a yes or no.
 *
 * IDENTIFICATION
 *	  src/import_cell_number.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_cell_internal.h"

#include <string.h>

/* 1800-01-01: older births and deaths of units are mistakes, most likely. */
#define PLAUSIBLE_FROM (-73048)

/* So many days from today are no plausible date either. */
#define PLAUSIBLE_DAYS 36525

/* A larger double precision may not exist, nor a smaller one be more than nothing. */
#define LARGEST_EXPONENT 300

/* The digits of a number that count: without zeros at either end. */
typedef struct ImportDigits
{
	const char *whole;
	size_t		whole_len;
	const char *fraction;
	size_t		fraction_len;
	bool		negative;		/* below zero */
} ImportDigits;

/* What a column of bounded numbers takes. */
typedef struct ImportBounds
{
	const char *limit_whole;
	const char *limit_fraction;
	bool		below_zero;		/* the limit is one of size, else zero is the
								 * lowest */
	size_t		scale;			/* digits that the register keeps */
	const char *code;			/* of what is out of bounds */
	bool		may_be_utm;
} ImportBounds;

/* The bounds of a column. */
static const ImportBounds *
bounds_of(ImportKind kind)
{
	static const ImportBounds latitude = {"90", "", true, 6, "coordinate_range", true};
	static const ImportBounds longitude = {"180", "", true, 6, "coordinate_range", true};
	static const ImportBounds altitude = {"99999", "9", false, 1, "coordinate_range", false};
	static const ImportBounds percentage = {"100", "", false, 2, "percentage_range", false};

	switch (kind)
	{
		case IMPORT_LATITUDE:
			return &latitude;
		case IMPORT_LONGITUDE:
			return &longitude;
		case IMPORT_ALTITUDE:
			return &altitude;
		default:
			return &percentage;
	}
}

/* The digits that count of a number. */
static ImportDigits
digits_of(const SbNumber *number)
{
	const char *at = number->plain + (number->negative ? 1 : 0);
	const char *end = number->plain + number->len;
	const char *mark = number->has_fraction ? memchr(at, '.', (size_t) (end - at)) : NULL;
	ImportDigits digits;

	digits.fraction = mark != NULL ? mark + 1 : end;
	digits.fraction_len = (size_t) (end - digits.fraction);
	if (mark != NULL)
		end = mark;
	while (digits.fraction_len > 0 && digits.fraction[digits.fraction_len - 1] == '0')
		digits.fraction_len--;
	while (at < end && *at == '0')
		at++;
	digits.whole = at;
	digits.whole_len = (size_t) (end - at);
	digits.negative = number->negative && digits.whole_len + digits.fraction_len > 0;
	return digits;
}

/* How the sizes of a number and a limit, written without such zeros too, compare. */
static int
compare_size(const ImportDigits *digits, const char *whole, const char *fraction)
{
	size_t		whole_len = strlen(whole);
	size_t		fraction_len = strlen(fraction);
	int			order;

	if (digits->whole_len != whole_len)
		return digits->whole_len < whole_len ? -1 : 1;
	order = memcmp(digits->whole, whole, whole_len);
	if (order == 0)
		order = memcmp(digits->fraction, fraction,
					   digits->fraction_len < fraction_len ? digits->fraction_len : fraction_len);
	if (order == 0 && digits->fraction_len != fraction_len)
		order = digits->fraction_len < fraction_len ? -1 : 1;
	return order;
}

/* True above 10 to the power of LARGEST_EXPONENT. */
static bool
is_huge(const ImportDigits *digits)
{
	if (digits->whole_len != LARGEST_EXPONENT + 1)
		return digits->whole_len > LARGEST_EXPONENT + 1;
	if (digits->whole[0] > '1' || digits->fraction_len > 0)
		return true;
	for (size_t i = 1; i < digits->whole_len; i++)
		if (digits->whole[i] != '0')
			return true;
	return false;
}

/* True below the inverse of that. */
static bool
is_tiny(const ImportDigits *digits)
{
	if (digits->whole_len > 0)
		return false;
	for (size_t i = 0; i < digits->fraction_len && i < LARGEST_EXPONENT; i++)
		if (digits->fraction[i] != '0')
			return false;
	return true;
}

/* What a parser refused: its finding, with a hint. */
static ImportFinding *
refuse(ImportJudge *judge, int column, SbParseCode code)
{
	return import_add_cell_finding(judge, IMPORT_ERROR, sb_parse_code_name(code), column);
}

/* A value could be read without the apostrophe that marks it as text. */
static SbParseCode
unmark(ImportJudge *judge, int column)
{
	import_add_cell_finding(judge, IMPORT_INFO, "text_marker_removed", column);
	return SB_PARSE_OK;
}

/* A date, and whether it is one that a unit can have. */
void
import_judge_date(ImportJudge *judge, int column)
{
	const ImportPlan *plan = judge->plan;
	SbSlice		cell = judge->row->cells[column];
	ImportValue *value = &judge->row->values[column];
	SbSlice		rest;
	SbParseCode code;
	SbDate		date;

	if (cell.data == NULL)
		return;
	code = sb_parse_date(cell.data, cell.len, plan->date_formats, plan->ndate_formats, &date);
	if (code != SB_PARSE_OK && (rest = import_without_marker(cell)).data != NULL &&
		sb_parse_date(rest.data, rest.len, plan->date_formats, plan->ndate_formats, &date) == SB_PARSE_OK)
		code = unmark(judge, column);
	if (code != SB_PARSE_OK)
	{
		ImportFinding *finding = refuse(judge, column, code);

		import_add_list(finding, "formats", plan->date_format_names, plan->ndate_formats);
		if (code == SB_PARSE_DATE_OUT_OF_RANGE)
		{
			import_add_text(finding, "min", (SbSlice) {SB_DAY_MIN, strlen(SB_DAY_MIN)});
			import_add_text(finding, "max", (SbSlice) {SB_DAY_MAX, strlen(SB_DAY_MAX)});
		}
		import_add_hint(judge, finding, SB_HINT_DATE, cell);
		return;
	}
	value->is_parsed = true;
	value->is_null = false;
	value->is_infinite = date.infinite;
	value->day = date.infinite ? INT32_MAX : date.day;
	if (date.infinite)
		import_add_cell_finding(judge, IMPORT_ERROR, "date_infinite_not_allowed", column);
	else if (date.day < PLAUSIBLE_FROM || date.day > (int64_t) plan->today + PLAUSIBLE_DAYS)
		import_add_cell_finding(judge, IMPORT_WARNING, "date_implausible", column);
	if (date.has_time)
		import_add_cell_finding(judge, date.midnight ? IMPORT_INFO : IMPORT_WARNING,
								"time_dropped", column);
}

/* A whole-number statistic, which counts something. */
void
import_judge_integer(ImportJudge *judge, int column)
{
	SbSlice		cell = judge->row->cells[column];
	ImportValue *value = &judge->row->values[column];
	SbSlice		rest;
	bool		zero_dropped;
	SbParseCode code;

	if (cell.data == NULL)
		return;
	code = sb_parse_integer(cell.data, cell.len, judge->plan->thousands, &value->integer, &zero_dropped);
	if (code != SB_PARSE_OK && (rest = import_without_marker(cell)).data != NULL &&
		sb_parse_integer(rest.data, rest.len, judge->plan->thousands, &value->integer, &zero_dropped) == SB_PARSE_OK)
		code = unmark(judge, column);
	if (code != SB_PARSE_OK)
	{
		import_add_hint(judge, refuse(judge, column, code), SB_HINT_INTEGER, cell);
		return;
	}
	value->is_parsed = true;
	value->is_null = value->integer < 0 || value->integer > INT32_MAX;
	if (value->is_null)
		import_add_cell_finding(judge, IMPORT_ERROR,
								value->integer < 0 ? "number_negative" : "number_too_big", column);
	if (zero_dropped)
		import_add_cell_finding(judge, IMPORT_INFO, "decimal_zero_dropped", column);
}

/*
 * Read a number.  False when there is none, which is a finding if the file
 * says something.
 */
static bool
read_number(ImportJudge *judge, int column, SbNumber *number)
{
	const ImportPlan *plan = judge->plan;
	SbSlice		cell = judge->row->cells[column];
	SbSlice		rest;
	SbParseCode code;

	if (cell.data == NULL)
		return false;
	code = sb_parse_numeric(cell.data, cell.len, plan->decimal, plan->thousands, number);
	if (code != SB_PARSE_OK && (rest = import_without_marker(cell)).data != NULL &&
		sb_parse_numeric(rest.data, rest.len, plan->decimal, plan->thousands, number) == SB_PARSE_OK)
		code = unmark(judge, column);
	if (code != SB_PARSE_OK)
	{
		import_add_hint(judge, refuse(judge, column, code), SB_HINT_NUMERIC, cell);
		return false;
	}
	judge->row->values[column].is_parsed = true;
	return true;
}

/* The value of a column is this number. */
static void
keep_number(ImportJudge *judge, int column, const char *plain, size_t len)
{
	ImportValue *value = &judge->row->values[column];

	value->is_null = false;
	value->text = import_copy(judge->plan, plain, len);
}

/* A statistic that is any number. */
void
import_judge_numeric(ImportJudge *judge, int column)
{
	SbNumber	number;
	ImportDigits digits;

	if (!read_number(judge, column, &number))
		return;
	digits = digits_of(&number);
	if (is_huge(&digits))
		import_add_cell_finding(judge, IMPORT_ERROR, "number_too_big", column);
	else if (is_tiny(&digits))
		keep_number(judge, column, "0", 1);
	else
		keep_number(judge, column, number.plain, number.len);
}

/* A coordinate or a percentage. */
void
import_judge_bounded(ImportJudge *judge, int column)
{
	const ImportBounds *bounds = bounds_of(judge->plan->columns[column].kind);
	SbNumber	number;
	ImportDigits digits;

	if (!read_number(judge, column, &number))
		return;
	digits = digits_of(&number);
	if ((digits.negative && !bounds->below_zero) ||
		compare_size(&digits, bounds->limit_whole, bounds->limit_fraction) > 0)
	{
		ImportFinding *finding = import_add_cell_finding(judge, IMPORT_ERROR, bounds->code, column);

		if (bounds->may_be_utm && compare_size(&digits, "10000", "") > 0)
			import_add_text(finding, "hint", (SbSlice) {"looks like UTM metres", 21});
		return;
	}
	keep_number(judge, column, number.plain, number.len);
	if (digits.fraction_len > bounds->scale)
		import_add_cell_finding(judge, IMPORT_INFO, "precision_lost", column);
	if (judge->plan->columns[column].kind == IMPORT_PERCENTAGE &&
		judge->plan->all_percentages_small && !digits.negative &&
		digits.whole_len + digits.fraction_len > 0)
		import_add_cell_finding(judge, IMPORT_WARNING, "percentage_maybe_fraction", column);
}

/* True for a cell that is a number above one. */
bool
import_percentage_above_one(const ImportPlan *plan, SbSlice cell)
{
	SbNumber	number;
	ImportDigits digits;

	if (cell.data == NULL ||
		sb_parse_numeric(cell.data, cell.len, plan->decimal, plan->thousands, &number) != SB_PARSE_OK)
		return false;
	digits = digits_of(&number);
	return !digits.negative && compare_size(&digits, "1", "") > 0;
}

/*
 * A cell that is a share, in hundredths of a per cent, as the register rounds
 * it: 10001 is any share above 100 per cent, -1 no share.
 */
int32_t
import_percentage_hundredths(const ImportPlan *plan, SbSlice cell)
{
	SbNumber	number;
	ImportDigits digits;
	int32_t		hundredths = 0;

	if (cell.data == NULL ||
		sb_parse_numeric(cell.data, cell.len, plan->decimal, plan->thousands, &number) != SB_PARSE_OK)
		return -1;
	digits = digits_of(&number);
	if (digits.negative)
		return -1;
	if (digits.whole_len > 3)
		return IMPORT_ALL_HUNDREDTHS + 1;
	for (size_t i = 0; i < digits.whole_len; i++)
		hundredths = hundredths * 10 + (digits.whole[i] - '0');
	for (size_t i = 0; i < 2; i++)
		hundredths = hundredths * 10 + (i < digits.fraction_len ? digits.fraction[i] - '0' : 0);
	if (digits.fraction_len > 2 && digits.fraction[2] >= '5')
		hundredths++;
	return hundredths > IMPORT_ALL_HUNDREDTHS ? IMPORT_ALL_HUNDREDTHS + 1 : hundredths;
}

/* Yes or no, in the declared words. */
void
import_judge_boolean(ImportJudge *judge, int column)
{
	const ImportPlan *plan = judge->plan;
	SbSlice		cell = judge->row->cells[column];
	ImportValue *value = &judge->row->values[column];

	if (cell.data == NULL)
		return;
	value->is_parsed = sb_parse_boolean(cell.data, cell.len, plan->true_words, plan->ntrue,
										plan->false_words, plan->nfalse, &value->truth) == SB_PARSE_OK;
	value->is_null = !value->is_parsed;
	if (value->is_null)
		import_add_cell_finding(judge, IMPORT_ERROR, "not_a_boolean", column);
}

/*-------------------------------------------------------------------------
 *
 * import_cell_fuzz.c
 *	  Fuzz target of the cells of a row: src/import_cell*.c without a server.
 *
 * The first byte chooses what is declared, the rest are cells, one for each
 * column, with a byte between them that is no part of UTF-8.  Apart from what
 * the sanitizers see, these promises are held against each row:
 *	  - findings are sorted, about columns of the plan, and counted;
 *	  - a skipped row has the same values and no findings;
 *	  - a value, written into the file, is read back as the same value.
 *
 * IDENTIFICATION
 *	  test/fuzz/import_cell_fuzz.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_cell_internal.h"
#include "fuzz_memory.h"

#include <string.h>

/* Between two cells, and for a cell that is not there. */
#define SEPARATOR 0xFF
#define NOTHING 0xFE

#define COLUMNS 24

static const ImportColumn columns[COLUMNS] = {
	{.name = "name", .kind = IMPORT_TEXT, .length_limit = 8},
	{.name = "email_address", .kind = IMPORT_TEXT, .is_email = true},
	{.name = "web_address", .kind = IMPORT_TEXT, .is_web_address = true},
	{.name = "physical_postcode", .kind = IMPORT_TEXT},
	{.name = "physical_address_part1", .kind = IMPORT_TEXT, .length_limit = 20, .is_address_part = true},
	{.name = "phone_number", .kind = IMPORT_TEXT, .is_phone = true},
	{.name = "birth_date", .kind = IMPORT_DATE},
	{.name = "death_date", .kind = IMPORT_DATE},
	{.name = "employees", .kind = IMPORT_INTEGER},
	{.name = "turnover", .kind = IMPORT_NUMERIC},
	{.name = "active", .kind = IMPORT_BOOLEAN},
	{.name = "percentage", .kind = IMPORT_PERCENTAGE},
	{.name = "physical_latitude", .kind = IMPORT_LATITUDE},
	{.name = "physical_longitude", .kind = IMPORT_LONGITUDE},
	{.name = "physical_altitude", .kind = IMPORT_ALTITUDE},
	{.name = "postal_latitude", .kind = IMPORT_POSTAL_COORDINATE},
	{.name = "physical_region_code", .kind = IMPORT_CODE, .list = IMPORT_LIST_REGION},
	{.name = "physical_country_iso_2", .kind = IMPORT_CODE, .list = IMPORT_LIST_COUNTRY},
	{.name = "primary_activity_category_code", .kind = IMPORT_CODE, .list = IMPORT_LIST_ACTIVITY},
	{.name = "secondary_activity_category_code", .kind = IMPORT_CODE, .list = IMPORT_LIST_ACTIVITY},
	{.name = "status_code", .kind = IMPORT_CODE, .list = IMPORT_LIST_PLAIN},
	{.name = "tag_path", .kind = IMPORT_CODE, .list = IMPORT_LIST_TAG},
	{.name = "rel_type_code", .kind = IMPORT_CODE, .list = IMPORT_LIST_REL_TYPE},
	{.name = "tax_ident", .kind = IMPORT_JUDGED},
};

/* The list of codes: whatever begins with 0 to 3; 0 and 1 are in use, 1 and 2 are leaves. */
static bool
look_up(void *codes, SbSlice value, const ImportPeriod *period, ImportCode *code)
{
	(void) period;
	(void) codes;
	if (value.len == 0 || value.data[0] < '0' || value.data[0] > '3')
		return false;
	code->id = value.data[0];
	code->enabled = value.data[0] < '2';
	code->in_force = (ImportPeriod) {value.len % 3 == 0 ? (int32_t) value.len : IMPORT_SINCE_EVER, value.len % 2 == 0 ? 100 : IMPORT_FOR_EVER};
	code->successor = value.len % 5 == 0 ? value : (SbSlice) {NULL, 0};
	code->is_leaf = value.data[0] == '1' || value.data[0] == '2';
	return true;
}

static bool
suggest(void *codes, SbSlice value, const ImportPeriod *period, SbSlice *suggestion)
{
	(void) period;
	(void) codes;
	*suggestion = value;
	return value.len % 2 == 0;
}

/* Codes of two digits are known to the second of two other lists, those that begin with 9 to both. */
static uint32_t
look_elsewhere(void *list, SbSlice value)
{
	(void) list;
	return (value.len == 2 ? 2 : 0) | (value.len > 0 && value.data[0] == '9' ? 1 : 0);
}

static SbSlice
name_other(void *list, int other)
{
	(void) list;
	return other == 0 ? (SbSlice) {"first", 5} : (SbSlice) {"second", 6};
}

/* Nothing to compose: the value itself. */
static SbSlice
normalise(void *arg, SbSlice value)
{
	(void) arg;
	return value;
}

/* What the first byte declares. */
static void
declare(uint8_t choice, ImportPlan *plan, ImportRow *row)
{
	static const SbDateFormat formats[] = {SB_FORMAT_YYYY_MM_DD, SB_FORMAT_D_M_YYYY_DOT};
	static const char *const names[] = {"YYYY-MM-DD", "D.M.YYYY"};
	static const SbSlice words[] = {{"1", 1}, {"0", 1}};
	static const char *const masks[] = {"99", "A-9"};
	static const ImportCountry countries[] = {
		{'0', masks, 2, true, 1000000, 2000000, 3000000, 4000000}, {'1', &masks[1], 1, false, 0, 0, 0, 0}
	};

	memset(plan, 0, sizeof(*plan));
	plan->columns = columns;
	plan->ncolumns = COLUMNS;
	plan->date_formats = formats;
	plan->date_format_names = names;
	plan->ndate_formats = 2;
	plan->decimal = choice & 1 ? SB_MARK_COMMA : SB_MARK_DOT;
	plan->thousands = choice & 2 ? SB_MARK_SPACE : SB_MARK_NONE;
	plan->true_words = &words[0];
	plan->ntrue = 1;
	plan->false_words = &words[1];
	plan->nfalse = 1;
	plan->truncate_overlong = (choice & 4) != 0;
	plan->today = 9132;
	plan->country.id = '0';
	plan->countries = countries;
	plan->ncountries = 2;
	plan->default_status.is_null = (choice & 8) != 0;
	plan->name_needed_for_new = (choice & 16) != 0;
	plan->all_percentages_small = (choice & 32) != 0;
	plan->lookup = look_up;
	plan->suggest = suggest;
	plan->elsewhere = look_elsewhere;
	plan->other_name = name_other;
	plan->normalise = normalise;
	plan->alloc = take;
	plan->arg = plan;
	import_link_plan(plan);

	memset(row, 0, sizeof(*row));
	row->has_period = (choice & 64) != 0;
	row->valid_until = choice & 2 ? 50 : IMPORT_FOR_EVER;
	row->is_new = (choice & 128) != 0;
}

/* Cut the input into cells, each in memory of its own. */
static void
cut(const uint8_t *data, size_t size, SbSlice *cells)
{
	for (int i = 0; i < COLUMNS; i++)
	{
		const uint8_t *end = size == 0 ? NULL : memchr(data, SEPARATOR, size);
		size_t		len = end == NULL ? size : (size_t) (end - data);
		char	   *copy = take(NULL, len);

		cells[i] = (SbSlice) {NULL, 0};
		if (len > 0 && data[0] != NOTHING)
			cells[i] = (SbSlice) {copy, len};
		if (len > 0)
			memcpy(copy, data, len);
		data += len + (end != NULL);
		size -= len + (end != NULL);
	}
}

/* Findings: sorted and counted, about a column or its cell. */
static void
check_findings(const ImportRow *row)
{
	int			count[3] = {0, 0, 0};

	for (int i = 0; i < row->nfindings; i++)
	{
		const ImportFinding *f = &row->findings[i];
		int			column = 0;

		CHECK(i == 0 || row->findings[i - 1].severity <= f->severity);
		count[f->severity]++;
		while (strcmp(columns[column].name, f->column) != 0)
			CHECK(++column < COLUMNS);
		CHECK(columns[column].kind != IMPORT_JUDGED);
		CHECK(f->value.data == NULL || f->value.data == row->cells[column].data);
		CHECK(f->code != NULL || f->value.data != NULL);
		CHECK(f->ndetails <= IMPORT_MAX_DETAILS && (f->has_details || f->ndetails == 0));
		for (int d = 0; d < f->ndetails; d++)
			CHECK(f->details[d].key != NULL && (f->details[d].type != IMPORT_DETAIL_TEXT || f->details[d].text.data != NULL));
	}
	CHECK(count[IMPORT_ERROR] == row->nerrors && count[IMPORT_WARNING] == row->nwarnings);
}

/* True for kinds whose values are texts. */
static bool
has_text(ImportKind kind)
{
	return kind == IMPORT_TEXT || kind == IMPORT_NUMERIC || (IMPORT_LATITUDE <= kind && kind <= IMPORT_PERCENTAGE);
}

/* Two values of a kind are the same. */
static void
check_same(ImportKind kind, const ImportValue *x, const ImportValue *y)
{
	CHECK(x->is_null == y->is_null && x->is_parsed == y->is_parsed && x->is_infinite == y->is_infinite);
	CHECK(x->truth == y->truth && x->day == y->day && x->integer == y->integer);
	CHECK(x->is_known == y->is_known && x->code.id == y->code.id);
	CHECK(x->text.len == y->text.len);
	CHECK(has_text(kind) || x->text.data == NULL);
	CHECK(x->text.len == 0 || memcmp(x->text.data, y->text.data, x->text.len) == 0);
}

/* Values written into the file again, with a dot for the decimal mark. */
static void
check_again(ImportPlan *plan, const ImportRow *row)
{
	SbSlice		cells[COLUMNS];
	ImportValue values[COLUMNS];
	ImportRow	again = *row;

	plan->decimal = SB_MARK_DOT;
	plan->thousands = SB_MARK_NONE;
	for (int i = 0; i < COLUMNS; i++)
		cells[i] = has_text(columns[i].kind) ? row->values[i].text : row->cells[i];
	again.cells = cells;
	again.values = values;
	import_judge_row(plan, &again);
	check_findings(&again);
	for (int i = 0; i < COLUMNS; i++)
	{
		if (!has_text(columns[i].kind) || row->values[i].is_null)
			continue;
		if (columns[i].kind != IMPORT_TEXT && row->values[i].text.len > SB_NUMBER_DIGITS)
			continue;			/* the zero put before the point is one digit
								 * too many */
		check_same(columns[i].kind, &row->values[i], &values[i]);
		CHECK(columns[i].length_limit == 0 ||
			  import_count_characters(values[i].text) <= (size_t) columns[i].length_limit);
	}
	for (int i = 0; i < again.nfindings; i++)
		CHECK(again.findings[i].code == NULL || strcmp(again.findings[i].code, "control_char") != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SbSlice		cells[COLUMNS];
	ImportValue values[COLUMNS];
	ImportValue skipped_values[COLUMNS];
	ImportPlan	plan;
	ImportRow	row;
	ImportRow	skipped;

	if (size < 1)
		return 0;
	declare(data[0], &plan, &row);
	cut(data + 1, size - 1, cells);
	row.cells = cells;
	row.values = values;
	import_judge_row(&plan, &row);
	check_findings(&row);

	skipped = row;
	skipped.is_skipped = true;
	skipped.values = skipped_values;
	import_judge_row(&plan, &skipped);
	CHECK(skipped.nfindings == 0 && skipped.nerrors == 0 && skipped.nwarnings == 0);
	for (int i = 0; i < COLUMNS; i++)
		check_same(columns[i].kind, &values[i], &skipped_values[i]);
	check_again(&plan, &row);

	give_back();
	return 0;
}

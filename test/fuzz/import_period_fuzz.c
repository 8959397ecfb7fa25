/*-------------------------------------------------------------------------
 *
 * import_period_fuzz.c
 *	  Fuzz target of src/import_period.c: the period of a row.
 *
 * The first byte chooses what is declared; the rest is cut at bytes 0xFF: the
 * first day, the last, what means an open end, what means an unknown start.
 * Promises: a row without an error has a period, one with an error has none;
 * a period has its days in order and is read again from its days.
 *
 * IDENTIFICATION
 *	  test/fuzz/import_period_fuzz.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_period.h"
#include "fuzz_memory.h"

#include <string.h>

#define SEPARATOR 0xFF
#define CELLS 4

/* Bits of the first byte. */
#define HAS_FROM 0x10
#define HAS_TO 0x20
#define HAS_OPEN_END 0x40
#define HAS_UNKNOWN_START 0x80

static const SbDateFormat all_formats[] = {SB_FORMAT_YYYY_MM_DD, SB_FORMAT_DD_MM_YYYY_DOT, SB_FORMAT_YYYYMMDD, SB_FORMAT_DD_MM_YYYY_SLASH};
static const char *const all_names[] = {"YYYY-MM-DD", "DD.MM.YYYY", "YYYYMMDD", "DD/MM/YYYY"};

/* Findings are about the two columns and are codes; how many of them are errors. */
static int
check_findings(const ImportFinding *findings, int count)
{
	int			errors = 0;

	CHECK(count >= 0 && count <= IMPORT_PERIOD_FINDINGS);
	for (int i = 0; i < count; i++)
	{
		CHECK(findings[i].code != NULL && findings[i].code[0] != '\0');
		CHECK(strcmp(findings[i].column, "valid_from") == 0 || strcmp(findings[i].column, "valid_to") == 0);
		errors += findings[i].severity == IMPORT_ERROR;
	}
	return errors;
}

/* The days of a period, written as a file has them, mean the same period. */
static void
check_again(const ImportPeriodPlan *plan, const ImportRowPeriod *period)
{
	static const SbDateFormat formats[] = {SB_FORMAT_YYYY_MM_DD};
	ImportPeriodPlan again = {.formats = formats, .format_names = all_names, .nformats = 1, .today = plan->today};
	char		texts[2][16];
	SbSlice		cells[2];
	ImportRowPeriod read;

	for (int i = 0; i < 2; i++)
	{
		int32_t		day = i == 0 ? period->valid_from : period->valid_to;
		int			year = 0;
		int			month = 0;
		int			of_month = 0;

		if (day == INT32_MAX)
			strcpy(texts[i], "infinity");
		else
		{
			/* nearly the year, and then by steps */
			year = 2000 + (int) (day / 365.2425) - 2;
			while (sb_days_from_civil(year + 1, 1, 1) <= day)
				year++;
			for (month = 1; month < 12 && sb_days_from_civil(year, month + 1, 1) <= day;)
				month++;
			of_month = day - sb_days_from_civil(year, month, 1) + 1;
			CHECK(year >= SB_YEAR_MIN && year <= SB_YEAR_MAX);
			snprintf(texts[i], sizeof(texts[i]), "%04u-%02u-%02u", (unsigned) year % 10000, (unsigned) month % 100, (unsigned) of_month % 100);
		}
		cells[i] = (SbSlice) {texts[i], strlen(texts[i])};
	}
	read = import_read_period(&again, cells[0], cells[1]);
	CHECK(read.has_period && read.valid_from == period->valid_from && read.valid_to == period->valid_to &&
		  read.valid_until == period->valid_until);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SbSlice		cells[CELLS];
	ImportPeriodPlan plan = {.formats = all_formats, .format_names = all_names};
	ImportFinding findings[IMPORT_PERIOD_FINDINGS];
	char		hints[2][SB_HINT_SIZE];
	ImportRowPeriod period;
	SbSlice		nothing = {NULL, 0};
	SbSlice		from;
	SbSlice		to;
	uint8_t		chosen = size > 0 ? data[0] : 0;

	data += size > 0;
	size -= size > 0;
	for (int i = 0; i < CELLS; i++)
	{
		const uint8_t *end = size > 0 && i < CELLS - 1 ? memchr(data, SEPARATOR, size) : NULL;
		size_t		len = end == NULL ? size : (size_t) (end - data);

		cells[i] = copy_of(data, len);
		data += len + (end != NULL);
		size -= len + (end != NULL);
	}
	plan.nformats = 1 + chosen % 4;
	plan.today = sb_days_from_civil(2024, 6, 15);
	plan.open_ends = &cells[2];
	plan.nopen_ends = (chosen & HAS_OPEN_END) != 0;
	plan.unknown_starts = &cells[3];
	plan.nunknown_starts = (chosen & HAS_UNKNOWN_START) != 0;
	from = (chosen & HAS_FROM) != 0 ? cells[0] : nothing;
	to = (chosen & HAS_TO) != 0 ? cells[1] : nothing;

	period = import_read_period(&plan, from, to);
	CHECK(period.has_period == (check_findings(findings, import_judge_period(&plan, from, to, findings, hints)) == 0));
	if (period.has_period)
	{
		CHECK(period.valid_from <= period.valid_to);
		CHECK(period.valid_to == INT32_MAX ? period.valid_until == INT32_MAX : period.valid_until == period.valid_to + 1);
		check_again(&plan, &period);
	}
	give_back();
	return 0;
}

/*-------------------------------------------------------------------------
 *
 * import_cell_test.c
 *	  Unit tests of cells, each by itself: src/import_cell*.c without a server.
 *
 * Prints TAP.  Exits with 1 when a test fails.
 *
 *
 * IDENTIFICATION
 *	  test/unit/import_cell_test.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_cell_harness.h"

/* Flags of a text column. */
#define PHONE 1
#define ADDRESS 2
#define EMAIL 4
#define WEB 8

/* A cell by itself: what it comes to, and its findings. */
typedef struct CellCase
{
	const char *cell;
	const char *value;
	const char *findings;
} CellCase;

/* The value of a cell as text. */
static const char *
value_text(ImportKind kind, const ImportValue *value)
{
	text[0] = '\0';
	if (value->is_null)
		say("%s", kind == IMPORT_CODE ? (value->is_known ? "null, known" : "null") : value->is_parsed ? "null, parsed" : "null");
	else if (kind == IMPORT_DATE)
	{
		SbCivil		civil = sb_civil_from_days(value->is_infinite ? 0 : value->day);

		if (value->is_infinite)
			say("infinity%s", value->day == INT32_MAX ? "" : "?");
		else
			say("%04d-%02d-%02d", civil.year, civil.month, civil.day);
	}
	else if (kind == IMPORT_INTEGER)
		say("%lld", (long long) value->integer);
	else if (kind == IMPORT_BOOLEAN)
		say("%s", value->truth ? "true" : "false");
	else if (kind == IMPORT_CODE)
		say("%d", value->code.id);
	else
		say("[%.*s]", (int) value->text.len, value->text.data);
	return text;
}

/* Judge cells of one column, each in a row of its own. */
static void
check_cells(const char *what, const CellCase *cases, int ncases)
{
	int			since;

	import_link_plan(&plan);
	since = nchunks;
	for (int i = 0; i < ncases; i++)
	{
		char		name[64];

		cells[0] = exact(cases[i].cell, strlen(cases[i].cell));
		snprintf(name, sizeof(name), "%s %d", what, i + 1);
		is(findings(), cases[i].findings, name);
		is(value_text(columns[0].kind, &values[0]), cases[i].value, name);
		row.is_skipped = true;
		is(findings(), "", name);
		is(value_text(columns[0].kind, &values[0]), cases[i].value, name);
		row.is_skipped = false;
		give_back(since);
	}
}

static void
test_dates(void)
{
#define FORMATS "{formats:YYYY-MM-DD/DD.MM.YYYY"
	static const CellCase cases[] = {
		{"2020-02-29", "2020-02-29", ""},
		{"1800-01-01", "1800-01-01", ""},
		{"1799-12-31", "1799-12-31", "W date_implausible d=1799-12-31"},
		{"2125-01-02", "2125-01-02", ""},
		{"2125-01-03", "2125-01-03", "W date_implausible d=2125-01-03"},
		{"infinity", "infinity", "E date_infinite_not_allowed d=infinity"},
		{"2020-01-01T00:00", "2020-01-01", "I time_dropped d=2020-01-01T00:00"},
		{"2020-01-01T00:01", "2020-01-01", "W time_dropped d=2020-01-01T00:01"},
		{"1700-01-01 12:00", "1700-01-01", "W date_implausible d=1700-01-01 12:00; W time_dropped d=1700-01-01 12:00"},
		{"2023-02-29", "null", "E date_not_in_calendar d=2023-02-29 " FORMATS ",hint:February 2023 has 28 days.}"},
		{"x", "null", "E date_format d=x " FORMATS "}"},
		{"2020", "null", "E date_incomplete d=2020 " FORMATS ",hint:Write year, month and day.}"},
		{"", "null", "E - d= " FORMATS "}"},
	};
	char		hint[SB_HINT_SIZE];

	begin_plan();
	add_column("d", IMPORT_DATE, IMPORT_LIST_NONE);
	ok(sb_days_from_civil(1800, 1, 1) == -73048, "the first plausible day");
	ok(sb_parse_hint(SB_HINT_DATE, "x", 1, hint, sizeof(hint)) == false, "no hint, and yet details");
	check_cells("date", cases, length(cases));
}

static void
test_integers(void)
{
	static const CellCase cases[] = {
		{"0", "0", ""},
		{"2147483647", "2147483647", ""},
		{"2147483648", "null, parsed", "E number_too_big n=2147483648"},
		{"-1", "null, parsed", "E number_negative n=-1"},
		{"12.0", "12", "I decimal_zero_dropped n=12.0"},
		{"-1.0", "null, parsed", "E number_negative n=-1.0; I decimal_zero_dropped n=-1.0"},
		{"12.5", "null", "E not_whole n=12.5 {hint:A whole number is expected.}"},
		{"99999999999999999999", "null", "E number_too_big n=99999999999999999999 {}"},
		{"abc", "null", "E not_a_number n=abc {}"},
		{"", "null", "E - n= {}"},
	};

	begin_plan();
	add_column("n", IMPORT_INTEGER, IMPORT_LIST_NONE);
	check_cells("integer", cases, length(cases));
}

/* A number of a digit and zeros, and what comes after. */
static char *
power(char *number, const char *first, int zeros, const char *rest)
{
	char	   *at = number + sprintf(number, "%s", first);

	memset(at, '0', (size_t) zeros);
	strcpy(at + zeros, rest);
	return number;
}

static void
test_numerics(void)
{
	static const CellCase cases[] = {
		{"1.50", "[1.50]", ""},
		{"-.5", "[-0.5]", ""},
		{"0.00", "[0]", ""},
		{"-0", "[0]", ""},
		{"", "null", "E - n= {}"},
	};
	static char number[400];
	static char value[402];
	const CellCase large[] = {{power(number, "1", 300, ""), value, ""}};
	SbSlice		cell;

	begin_plan();
	add_column("n", IMPORT_NUMERIC, IMPORT_LIST_NONE);
	check_cells("numeric", cases, length(cases));
	snprintf(value, sizeof(value), "[%s]", number);
	check_cells("numeric", large, 1);

	for (int i = 0; i < 5; i++)
	{
		static const char *const firsts[] = {"1", "2", "1", "0.", "-0."};
		static const int zeros[] = {300, 300, 301, 299, 300};
		static const char *const rests[] = {".1", "", "", "1", "9"};
		static const char *const expected[] = {"E number_too_big", "E number_too_big", "E number_too_big", "", ""};

		power(number, firsts[i], zeros[i], rests[i]);
		cell = exact(number, strlen(number));
		cells[0] = cell;
		ok(strncmp(findings(), expected[i], strlen(expected[i])) == 0 && (row.nfindings == 0) == (expected[i][0] == '\0'),
		   "a number of %zu digits", cell.len);
		ok(values[0].is_null == (i < 3), "... has a value or none");
		if (i >= 3)
			ok((strcmp(values[0].text.data, "0") == 0) == (i == 4), "... which is nothing when it is too small");
	}
}

static void
test_coordinates(void)
{
	static const CellCase latitudes[] = {
		{"90", "[90]", ""},
		{"-90.000", "[-90.000]", ""},
		{"-90.0000001", "null, parsed", "E coordinate_range x=-90.0000001"},
		{"59.1234567", "[59.1234567]", "I precision_lost x=59.1234567"},
		{"59.1234560", "[59.1234560]", ""},
		{"10000", "null, parsed", "E coordinate_range x=10000"},
		{"-6655555.5", "null, parsed", "E coordinate_range x=-6655555.5 {hint:looks like UTM metres}"},
		{"59,1", "null", "E number_format x=59,1 {hint:With decimal mark \",\" the value reads as 59.1.}"},
	};
	static const CellCase longitudes[] = {
		{"-180", "[-180]", ""},
		{"180.1", "null, parsed", "E coordinate_range x=180.1"},
		{"1000", "null, parsed", "E coordinate_range x=1000"},
	};
	static const CellCase altitudes[] = {
		{"99999.90", "[99999.90]", ""},
		{"99999.91", "null, parsed", "E coordinate_range x=99999.91"},
		{"100000", "null, parsed", "E coordinate_range x=100000"},
		{"-0.0", "[-0.0]", ""},
		{"-0.01", "null, parsed", "E coordinate_range x=-0.01"},
		{"12.34", "[12.34]", "I precision_lost x=12.34"},
	};
	static const CellCase postal[] = {
		{"59", "null", "E coordinate_postal x=59"},
		{"x", "null", "E coordinate_postal x=x"},
	};

	begin_plan();
	add_column("x", IMPORT_LATITUDE, IMPORT_LIST_NONE);
	check_cells("latitude", latitudes, length(latitudes));
	columns[0].kind = IMPORT_LONGITUDE;
	check_cells("longitude", longitudes, length(longitudes));
	columns[0].kind = IMPORT_ALTITUDE;
	check_cells("altitude", altitudes, length(altitudes));
	columns[0].kind = IMPORT_POSTAL_COORDINATE;
	check_cells("postal coordinate", postal, length(postal));
}

static void
test_percentages(void)
{
	static const CellCase cases[] = {
		{"100", "[100]", ""},
		{"100.01", "null, parsed", "E percentage_range p=100.01"},
		{"-1", "null, parsed", "E percentage_range p=-1"},
		{"33.333", "[33.333]", "I precision_lost p=33.333"},
		{"0.5", "[0.5]", ""},
	};
	static const CellCase small[] = {
		{"0.5", "[0.5]", "W percentage_maybe_fraction p=0.5"},
		{"0.505", "[0.505]", "W percentage_maybe_fraction p=0.505; I precision_lost p=0.505"},
		{"0.00", "[0.00]", ""},
		{"1", "[1]", "W percentage_maybe_fraction p=1"},
	};

	begin_plan();
	add_column("p", IMPORT_PERCENTAGE, IMPORT_LIST_NONE);
	check_cells("percentage", cases, length(cases));
	plan.all_percentages_small = true;
	check_cells("small percentage", small, length(small));
	ok(!import_percentage_above_one(&plan, (SbSlice) {"1.000", 5}), "one is not above one");
	ok(import_percentage_above_one(&plan, (SbSlice) {"1.001", 5}), "a little more is");
	ok(!import_percentage_above_one(&plan, (SbSlice) {"-20", 3}), "less than nothing is not");
	ok(!import_percentage_above_one(&plan, (SbSlice) {"20%", 3}), "no number is not");
	ok(!import_percentage_above_one(&plan, (SbSlice) {NULL, 0}), "nothing is not");
}

static void
test_booleans(void)
{
	static const CellCase cases[] = {
		{"JA", "true", ""},
		{"nei", "false", ""},
		{"maybe", "null", "E not_a_boolean b=maybe"},
		{"", "null", "E not_a_boolean b="},
	};

	begin_plan();
	add_column("b", IMPORT_BOOLEAN, IMPORT_LIST_NONE);
	check_cells("boolean", cases, length(cases));
}

static void
test_codes(void)
{
	static const CellCase plain[] = {
		{"A", "1", ""},
		{"a", "null", "W code_unknown c=a"},
		{"301", "null", "W code_unknown c=301 {suggestion:0301}"},
		{"B", "3", ""},
		{"old", "null, known", "W code_inactive c=old"},
	};
	static const CellCase activity[] = {
		{"B", "3", "W code_not_leaf c=B"},
		{"301", "null", "W code_unknown c=301 {suggestion:0301}"},
		{"9", "null", "W code_unknown c=9"},
		{"old", "null, known", "W code_inactive c=old"},
	};
	static const CellCase region[] = {
		{"301", "null", "W code_unknown c=301 {suggestion:0301}"},
		{"B", "3", ""},
	};
	static const CellCase tag[] = {
		{"x", "null", "E tag_unknown c=x"},
		{"old", "null, known", "W code_inactive c=old"},
	};
	static const CellCase type[] = {
		{"x", "null", "E code_unknown c=x"},
		{"old", "null, known", "E code_inactive c=old"},
		{"A", "1", ""},
	};

	begin_plan();
	add_column("c", IMPORT_CODE, IMPORT_LIST_PLAIN);
	check_cells("code", plain, length(plain));
	columns[0].list = IMPORT_LIST_ACTIVITY;
	check_cells("activity", activity, length(activity));
	columns[0].list = IMPORT_LIST_REGION;
	check_cells("region", region, length(region));
	columns[0].list = IMPORT_LIST_TAG;
	check_cells("tag", tag, length(tag));
	columns[0].list = IMPORT_LIST_REL_TYPE;
	check_cells("type of relationship", type, length(type));
	cells[0] = (SbSlice) {NULL, 0};
	is(findings(), "E value_missing c", "no type of relationship");
	columns[0].list = IMPORT_LIST_PLAIN;
	is(findings(), "", "no other code");
}

/* Codes that are not always in force, in rows of 2020-01-01 and later. */
static void
test_codes_in_time(void)
{
	static const CellCase open_end[] = {
		{"0219", "null, known", "E code_not_valid_then c=0219 {to:2019-12-31,successor:3024}"},
		{"3024", "7", "W code_not_valid_then c=3024 {from:2020-01-01,to:2023-12-31,successor:3201}"},
		{"3201", "8", "W code_not_valid_then c=3201 {from:2024-01-01}"},
		{"loop", "null, known", "E code_not_valid_then c=loop {to:2001-01-01,successor:loop}"},
		{"A", "1", ""},
		{"old", "null, known", "W code_inactive c=old"},
	};
	static const CellCase one_year[] = {
		{"0219", "null, known", "E code_not_valid_then c=0219 {to:2019-12-31,successor:3201}"},
		{"3024", "null, known", "E code_not_valid_then c=3024 {from:2020-01-01,to:2023-12-31,successor:3201}"},
		{"3201", "8", "W code_not_leaf c=3201"},
	};
	static const CellCase region[] = {
		{"0219", "null, known", "W code_not_valid_then c=0219 {to:2019-12-31,successor:3201}"},
	};

	begin_plan();
	add_column("c", IMPORT_CODE, IMPORT_LIST_ACTIVITY);
	row.has_period = true;
	row.valid_from = 7305;
	check_cells("code in time", open_end, length(open_end));
	row.valid_from = 8766;
	row.valid_until = 9132;
	check_cells("code in a year", one_year, length(one_year));
	columns[0].list = IMPORT_LIST_REGION;
	check_cells("region in a year", region, length(region));
	row.has_period = false;
	cells[0] = exact("0219", 4);
	is(findings(), "", "a row without a period");
}

/* Texts in a column of ten characters. */
static void
check_texts(const char *what, int flags, const CellCase *cases, int ncases)
{
	begin_plan();
	add_column("t", IMPORT_TEXT, IMPORT_LIST_NONE);
	columns[0].is_phone = (flags & PHONE) != 0;
	columns[0].is_address_part = (flags & ADDRESS) != 0;
	columns[0].is_email = (flags & EMAIL) != 0;
	columns[0].is_web_address = (flags & WEB) != 0;
	check_cells(what, cases, ncases);
}

static void
test_control_characters(void)
{
	static const CellCase cases[] = {
		{"Abc def ghi jkl", "[Abc def ghi jkl]", ""},
		{"a\tb", "[a b]", "W control_char t=a\tb {codepoint:U+0009}"},
		{"a\001\002\x7f" "b\r\nc", "[a b c]", "W control_char t=a\001\002\x7f" "b\r\nc {codepoint:U+0001}"},
		{"12345678\x7f", "[12345678]", "W control_char t=12345678\x7f {codepoint:U+007F}"},
		{"\x1f  a \x1f", "[a]", "W control_char t=\x1f  a \x1f {codepoint:U+001F}"},
		{"\x01", "[]", "W control_char t=\x01 {codepoint:U+0001}"},
		{"a\xE2\x80\xA8\xE2\x80\xA9" "b", "[a b]", "W control_char t=a\xE2\x80\xA8\xE2\x80\xA9" "b {codepoint:U+2028}"},
		{"a\xC2\x85" "b", "[a b]", "W control_char t=a\xC2\x85" "b {codepoint:U+0085}"},
		{"a\xC3\x83\xC2\x85" "b", "[a\xC3\x83\xC2\x85" "b]", "W mojibake t=a\xC3\x83\xC2\x85" "b {suggestion:a\xC3\x85" "b}"},
		{"\xC3\x82\xC2\x85\xC2\x85x", "[\xC3\x82\xC2\x85 x]", "W control_char t=\xC3\x82\xC2\x85\xC2\x85x {codepoint:U+0085}; W mojibake t=\xC3\x82\xC2\x85\xC2\x85x"},
		{"e\xCC\x81\t", "[e\xCC\x81]", "W control_char t=e\xCC\x81\t {codepoint:U+0009}"},
		{"e\xCC\x81", "[\xC3\xA9]", ""},
		{"", "[]", ""},
	};

	check_texts("text", 0, cases, length(cases));
	normalised = 0;
	cells[0] = exact("\xC3\x85ngstr\xC3\xB6m \xE2\x80\x93 \xD0\x96", 18);
	is(findings(), "", "a text that has nothing to compose");
	ok(normalised == 0, "... is not composed");
	cells[0] = exact("\xE2\x84\xAB", 3);
	is(findings(), "", "the sign for \xC3\x85ngstr\xC3\xB6m");
	ok(normalised == 1, "... is composed");
}

static void
test_formulas(void)
{
	static const CellCase cases[] = {
		{"=1", "[=1]", "I formula_like t==1"},
		{"@x", "[@x]", "I formula_like t=@x"},
		{"+", "[+]", ""},
		{"-4", "[-4]", ""},
		{"-x", "[-x]", "I formula_like t=-x"},
		{"+\xC3\x85", "[+\xC3\x85]", "I formula_like t=+\xC3\x85"},
		{"a=", "[a=]", ""},
		{"BlÃ¥", "[BlÃ¥]", "W mojibake t=BlÃ¥ {suggestion:Blå}"},
		{"\xC3\x82\xC2\xBF", "[\xC3\x82\xC2\xBF]", "W mojibake t=\xC3\x82\xC2\xBF {suggestion:\xC2\xBF}"},
		{"\xC3\x82\xC3\x80", "[\xC3\x82\xC3\x80]", ""},
		{"Ãndre", "[Ãndre]", ""},
		{"BLÃ…BÃ†R", "[BLÃ…BÃ†R]", "W mojibake t=BLÃ…BÃ†R {suggestion:BLÅBÆR}"},
		{"Ã…Ж", "[Ã…Ж]", ""},
		{"Ã¥Ж", "[Ã¥Ж]", "W mojibake t=Ã¥Ж"},
		{"Ã…Ã", "[Ã…Ã]", ""},
		{"Ã¥\xC3\xA0\xC2\x80\xC2\x80", "[Ã¥\xC3\xA0\xC2\x80\xC2\x80]", "W mojibake t=Ã¥\xC3\xA0\xC2\x80\xC2\x80"},
	};
	static const CellCase phones[] = {
		{"+-", "[+-]", "W phone_format t=+-"},
		{"BlÃ¥", "[BlÃ¥]", "W phone_format t=BlÃ¥"},
		{"+47 22 33 44 55", "[+47 22 33 44 55]", ""},
		{"(0)22-33.44/55", "[(0)22-33.44/55]", ""},
		{"110", "[110]", ""},
		{"11", "[11]", "W phone_format t=11"},
		{"47 22 \xE2\x80\xA6", "[47 22 \xE2\x80\xA6]", "W phone_format t=47 22 \xE2\x80\xA6"},
		{"2+3333", "[2+3333]", "W phone_format t=2+3333"},
	};

	check_texts("formula", 0, cases, length(cases));
	check_texts("phone", PHONE, phones, length(phones));
}

static void
test_addresses(void)
{
	static const CellCase cases[] = {
		{"Gate 1/nOslo", "[Gate 1/nOslo]", "W escaped_newline t=Gate 1/nOslo"},
		{"Gate/n1", "[Gate/n1]", "W escaped_newline t=Gate/n1"},
		{"Gate/n\xC3\x85", "[Gate/n\xC3\x85]", "W escaped_newline t=Gate/n\xC3\x85"},
		{"\xC3\x85/n1", "[\xC3\x85/n1]", "W escaped_newline t=\xC3\x85/n1"},
		{"Gate/n\xC3\xA5", "[Gate/n\xC3\xA5]", ""},
		{"Gate /n1", "[Gate /n1]", ""},
		{"Gate\xE2\x80\x83/n1", "[Gate\xE2\x80\x83/n1]", ""},
		{"Gate\xC2\xA0/n1", "[Gate\xC2\xA0/n1]", "W escaped_newline t=Gate\xC2\xA0/n1"},
		{"Gate//n1", "[Gate//n1]", ""},
		{"/n1", "[/n1]", ""},
		{"/x/n", "[/x/n]", ""},
		{"c/o a/nB", "[c/o a/nB]", "W escaped_newline t=c/o a/nB"},
	};
	static const CellCase other[] = {{"Gate/n1", "[Gate/n1]", ""}};

	check_texts("address", ADDRESS, cases, length(cases));
	check_texts("other text", 0, other, length(other));
}

static void
test_web_addresses(void)
{
	static const CellCase cases[] = {
		{"www.a.no", "[www.a.no]", ""},
		{"HTTPS://a.no/x y", "[HTTPS://a.no/x y]", "W web_format t=HTTPS://a.no/x y"},
		{"https://a.no:80/x?y#z", "[https://a.no:80/x?y#z]", ""},
		{"a.no?b", "[a.no?b]", ""},
		{"www.x", "[www.x]", "W web_format t=www.x"},
		{"post@a.no", "[post@a.no]", "W web_format t=post@a.no"},
		{"a.no/@b", "[a.no/@b]", ""},
		{"a..no", "[a..no]", "W web_format t=a..no"},
		{"http://", "[http://]", "W web_format t=http://"},
		{"none", "[none]", "W web_format t=none"},
		{"\xC3\xA5.no", "[\xC3\xA5.no]", ""},
		{"a.", "[a.]", "W web_format t=a."},
	};

	check_texts("web address", WEB, cases, length(cases));
}

/* What a spreadsheet marks as text. */
static void
test_text_markers(void)
{
	static const CellCase integers[] = {
		{"'12", "12", "I text_marker_removed x='12"},
		{"'x", "null", "E not_a_number x='x {}"},
		{"'", "null", "E not_a_number x=' {}"},
	};
	static const CellCase numbers[] = {{"'1.5", "[1.5]", "I text_marker_removed x='1.5"}};
	static const CellCase dates[] = {{"'2020-01-01", "2020-01-01", "I text_marker_removed x='2020-01-01"}};
	static const CellCase listed[] = {
		{"'0301", "5", "I text_marker_removed x='0301"},
		{"'old", "null, known", "W code_inactive x='old; I text_marker_removed x='old"},
		{"'x", "null", "W code_unknown x='x"},
	};
	static const CellCase tags[] = {{"'0301", "null", "E tag_unknown x='0301"}};
	static const CellCase texts[] = {{"'s-Hertogenbosch", "['s-Hertogenbosch]", ""}};

	begin_plan();
	add_column("x", IMPORT_INTEGER, IMPORT_LIST_NONE);
	check_cells("marked integer", integers, length(integers));
	columns[0].kind = IMPORT_NUMERIC;
	check_cells("marked number", numbers, length(numbers));
	columns[0].kind = IMPORT_DATE;
	check_cells("marked date", dates, length(dates));
	columns[0].kind = IMPORT_CODE;
	columns[0].list = IMPORT_LIST_REGION;
	check_cells("marked code", listed, length(listed));
	columns[0].list = IMPORT_LIST_TAG;
	check_cells("marked tag", tags, length(tags));
	columns[0].kind = IMPORT_TEXT;
	check_cells("marked text", texts, length(texts));
}

static void
test_emails(void)
{
	static const char *const good[] = {"a@b.c", "a.b@c.d.e", ".@b.c", "\xC3\xA5@\xC3\xB8.no", "a@b\xC2\xA0.c"};
	static const char *const bad[] = {"a", "a@", "a@b", "a@b.", "a@.b", "a@b..c", "a b@c.d", "a@b.c d", "a@b@c.d", "x@b.c@", "a\xE2\x80\x83@b.c", ".", "a.b", ""};
	CellCase	one;
	char		value[64];
	char		finding[64];

	for (int i = 0; i < length(good) + length(bad); i++)
	{
		one.cell = i < length(good) ? good[i] : bad[i - length(good)];
		snprintf(value, sizeof(value), "[%s]", one.cell);
		snprintf(finding, sizeof(finding), i < length(good) ? "" : "W email_format t=%s", one.cell);
		one.value = value;
		one.findings = finding;
		check_texts("e-mail", EMAIL, &one, 1);
	}
}

static void
test_lengths(void)
{
	static const CellCase long_texts[] = {
		{"1234567890", "[1234567890]", ""},
		{"12345678901", "[1234567890]", "E too_long t=12345678901 {length:11,limit:10}"},
		{"\xC3\xA5\xC3\xA5\xC3\xA5\xC3\xA5\xC3\xA5\xC3\xA5\xC3\xA5\xC3\xA5\xC3\xA5\xC3\xA5", "[\xC3\xA5\xC3\xA5\xC3\xA5\xC3\xA5\xC3\xA5\xC3\xA5\xC3\xA5\xC3\xA5\xC3\xA5\xC3\xA5]", ""},
		{"123456789\xC3\xA5" "1", "[123456789\xC3\xA5]", "E too_long t=123456789\xC3\xA5" "1 {length:11,limit:10}"},
		{"1234\t\t5678901", "[1234 56789]", "E too_long t=1234\t\t5678901 {length:12,limit:10}; W control_char t=1234\t\t5678901 {codepoint:U+0009}"},
	};
	static const CellCase cut_texts[] = {
		{"123456789 1", "[123456789 ]", "W truncated t=123456789 1 {length:11,limit:10}"},
		{"=234\t\t5678901", "[=234 56789]", "W control_char t==234\t\t5678901 {codepoint:U+0009}; W truncated t==234\t\t5678901 {length:12,limit:10}; I formula_like t==234\t\t5678901"},
	};

	begin_plan();
	add_column("t", IMPORT_TEXT, IMPORT_LIST_NONE)->length_limit = 10;
	check_cells("length", long_texts, length(long_texts));
	plan.truncate_overlong = true;
	check_cells("cut", cut_texts, length(cut_texts));
}

/* What is looked for eight bytes at a time is found in every place. */
static void
test_plain(void)
{
	bool		passed = true;

	for (int len = 0; len <= 24; len++)
	{
		for (int at = 0; at < len; at++)
		{
			for (int c = 1; c < 256; c++)
			{
				char		bytes[24];

				memset(bytes, c & 1 ? ' ' : '~', sizeof(bytes));
				bytes[at] = (char) c;
				if (import_is_plain((SbSlice) {bytes, (size_t) len}) != (c >= 0x20 && c < 0x7f))
					passed = false;
			}
		}
	}
	ok(passed, "every byte in every place");
}

/* White space and upper case, by samples from both ends of ranges. */
static void
test_characters(void)
{
	static const uint32_t upper[] = {'A', 'Z', 0xC0, 0xD6, 0xD8, 0x100, 0x178, 0x18F, 0x218, 0x3A9, 0x401, 0x42F, 0x4A2, 0x531, 0x1E00, 0x1EA6, 0xFF21, 0x1F189};
	static const uint32_t other[] = {0, '@', '[', 'a', 0xBF, 0xD7, 0xDF, 0xE5, 0x101, 0x430, 0x1EA7, 0x4E00, 0x1F18A, 0x10FFFF, 0x110080};
	static const uint32_t spaces[] = {9, 13, ' ', 0x1680, 0x2000, 0x2006, 0x2008, 0x200A, 0x2028, 0x2029, 0x205F, 0x3000};
	static const uint32_t marks[] = {0, 8, 14, 0x1F, '!', 0x85, 0xA0, 0x180E, 0x2007, 0x200B, 0x202F, 0x2060, 0xFEFF};

	for (int i = 0; i < length(upper); i++)
		ok(import_is_upper(upper[i]), "U+%04X is upper case", upper[i]);
	for (int i = 0; i < length(other); i++)
		ok(!import_is_upper(other[i]), "U+%04X is not", other[i]);
	for (int i = 0; i < length(spaces); i++)
		ok(import_is_space(spaces[i]), "U+%04X is white space", spaces[i]);
	for (int i = 0; i < length(marks); i++)
		ok(!import_is_space(marks[i]), "U+%04X is not", marks[i]);
}

/* Bytes that are no UTF-8 are a character each, and nothing beyond the end is read. */
static void
test_broken_bytes(void)
{
	static const char *const broken[] = {"\x80", "\xC3", "\xE2\x80", "\xF0\x9F\x98", "\xC0\x80", "\xFF", "\xE2" "a\x80"};

	begin_plan();
	for (int i = 0; i < length(broken); i++)
	{
		SbSlice		cell = exact(broken[i], strlen(broken[i]));
		const char *at = cell.data;
		uint32_t	c = sb_next_character(&at, cell.data + cell.len);

		ok(c > 0x10FFFF && at == cell.data + 1, "broken bytes %d are no character", i + 1);
		ok(import_last_character(cell.data, cell.data + cell.len) > 0x10FFFF, "... from behind neither");
		ok(!import_is_space(c) && !import_is_upper(c) && !import_is_composed(c), "... and of no sort");
	}
	ok(import_count_characters((SbSlice) {"a\xC3\xA5\xE2\x82\xAC", 6}) == 3, "three characters");
	ok(import_first_characters((SbSlice) {"a\xC3\xA5\xE2\x82\xAC", 6}, 2) == 3, "two of them are three bytes");
	ok(import_first_characters((SbSlice) {"a\xC3\xA5", 3}, 5) == 3, "no more than there are");
}

int
main(void)
{
	test_dates();
	test_integers();
	test_numerics();
	test_coordinates();
	test_percentages();
	test_booleans();
	test_codes();
	test_codes_in_time();
	test_control_characters();
	test_formulas();
	test_addresses();
	test_emails();
	test_web_addresses();
	test_text_markers();
	test_lengths();
	test_plain();
	test_characters();
	test_broken_bytes();
	give_back(0);
	return tap_end();
}

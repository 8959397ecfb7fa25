/*-------------------------------------------------------------------------
 *
 * import_cell_row_test.c
 *	  Unit tests of the cells of a row together: src/import_cell*.c without a
 *	  server.
 *
 * Prints TAP.  Exits with 1 when a test fails.
 *
 *
 * IDENTIFICATION
 *	  test/unit/import_cell_row_test.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_cell_harness.h"

/* Cells together: name=cell, one after the other, separated by |. */
typedef struct RowCase
{
	const char *cells;
	const char *findings;
} RowCase;

/* A column that a row may have. */
typedef struct KnownColumn
{
	const char *name;
	ImportKind	kind;
	ImportList	list;
} KnownColumn;

/* All columns that are judged together, in the order of a file. */
static const KnownColumn known_columns[] = {
	{"name", IMPORT_TEXT, IMPORT_LIST_NONE},
	{"tax_ident", IMPORT_JUDGED, IMPORT_LIST_NONE},
	{"birth_date", IMPORT_DATE, IMPORT_LIST_NONE},
	{"death_date", IMPORT_DATE, IMPORT_LIST_NONE},
	{"physical_address_part1", IMPORT_TEXT, IMPORT_LIST_NONE},
	{"physical_postcode", IMPORT_TEXT, IMPORT_LIST_NONE},
	{"physical_region_code", IMPORT_CODE, IMPORT_LIST_REGION},
	{"physical_country_iso_2", IMPORT_CODE, IMPORT_LIST_COUNTRY},
	{"physical_latitude", IMPORT_LATITUDE, IMPORT_LIST_NONE},
	{"physical_longitude", IMPORT_LONGITUDE, IMPORT_LIST_NONE},
	{"physical_altitude", IMPORT_ALTITUDE, IMPORT_LIST_NONE},
	{"postal_address_part1", IMPORT_TEXT, IMPORT_LIST_NONE},
	{"postal_postcode", IMPORT_TEXT, IMPORT_LIST_NONE},
	{"postal_postplace", IMPORT_TEXT, IMPORT_LIST_NONE},
	{"postal_region_code", IMPORT_CODE, IMPORT_LIST_REGION},
	{"postal_country_iso_2", IMPORT_CODE, IMPORT_LIST_COUNTRY},
	{"postal_latitude", IMPORT_POSTAL_COORDINATE, IMPORT_LIST_NONE},
	{"primary_activity_category_code", IMPORT_CODE, IMPORT_LIST_ACTIVITY},
	{"secondary_activity_category_code", IMPORT_CODE, IMPORT_LIST_ACTIVITY},
	{"status_code", IMPORT_CODE, IMPORT_LIST_PLAIN},
	{"sector_code", IMPORT_CODE, IMPORT_LIST_PLAIN},
	{"data_source_code", IMPORT_CODE, IMPORT_LIST_PLAIN},
};

/* Fill the row: name=cell, one after the other, separated by |. */
static void
fill_row(const char *at)
{
	memset(cells, 0, sizeof(cells));
	while (*at != '\0')
	{
		size_t		name_len = strcspn(at, "=");
		size_t		len = strcspn(at + name_len + 1, "|");
		int			c = 0;

		while (strlen(columns[c].name) != name_len || memcmp(columns[c].name, at, name_len) != 0)
			if (++c == plan.ncolumns)
				abort();
		cells[c] = exact(at + name_len + 1, len);
		at += name_len + 1 + len;
		at += *at == '|';
	}
}

/* Judge rows. */
static void
check_rows(const char *what, const RowCase *cases, int ncases)
{
	int			since;

	import_link_plan(&plan);
	since = nchunks;
	for (int i = 0; i < ncases; i++)
	{
		fill_row(cases[i].cells);
		ok(strcmp(findings(), cases[i].findings) == 0, "%s: %s: %s", what, cases[i].cells, cases[i].findings);
		if (strcmp(text, cases[i].findings) != 0)
			printf("# got: %s\n", text);
		give_back(since);
	}
}

/* All columns that are judged together; the name is there. */
static void
begin_row(void)
{
	begin_plan();
	for (int i = 0; i < length(known_columns); i++)
		add_column(known_columns[i].name, known_columns[i].kind, known_columns[i].list);
	row.is_new = false;
	row.is_covered = true;
	plan.name_needed_for_new = true;
}

static void
test_lives(void)
{
	static const RowCase cases[] = {
		{"birth_date=2020-01-01|death_date=2021-01-01", ""},
		{"birth_date=2021-01-02|death_date=2021-01-01",
		"W dates_inconsistent birth_date=2021-01-02; W dates_inconsistent death_date=2021-01-01"},
		{"birth_date=2022-01-02", "W dates_inconsistent birth_date=2022-01-02"},
		{"birth_date=2022-01-01", ""},
		{"death_date=2025-01-02", "W dates_inconsistent death_date=2025-01-02"},
		{"death_date=2025-01-01", ""},
		{"birth_date=infinity|death_date=2021-01-01",
		"E date_infinite_not_allowed birth_date=infinity; W dates_inconsistent death_date=2021-01-01"},
		{"birth_date=2020-01-01|death_date=infinity", "E date_infinite_not_allowed death_date=infinity"},
	};
	static const RowCase unknown_period[] = {{"birth_date=2022-01-02", ""}};

	begin_row();
	row.has_period = true;
	row.valid_from = sb_days_from_civil(2022, 1, 1);
	check_rows("birth and death", cases, length(cases));
	row.has_period = false;
	check_rows("birth without a period", unknown_period, 1);
}

static void
test_places(void)
{
	static const RowCase cases[] = {
		{"physical_address_part1=Gate 1|physical_region_code=0301", ""},
		{"physical_address_part1=Gate 1", "W region_missing physical_region_code"},
		{"physical_postcode=0150|physical_country_iso_2=NO", "W region_missing physical_region_code"},
		{"physical_postcode=0150|physical_country_iso_2=SE", ""},
		{"physical_country_iso_2=NO", ""},
		{"postal_address_part1=Gate 1", ""},
		{"physical_region_code=0301|physical_country_iso_2=SE", "E region_needs_domestic physical_region_code=0301"},
		{"physical_region_code=0301|physical_country_iso_2=SU",
		"E region_needs_domestic physical_region_code=0301; W code_inactive physical_country_iso_2=SU"},
		{"postal_region_code=x|postal_country_iso_2=SE",
		"E region_needs_domestic postal_region_code=x; W code_unknown postal_region_code=x"},
		{"physical_country_iso_2=NOR", "W country_unknown physical_country_iso_2=NOR {suggestion:NO}"},
		{"physical_country_iso_2=NOR|physical_latitude=1|physical_longitude=1", "W country_unknown physical_country_iso_2=NOR {suggestion:NO}"},
		{"physical_country_iso_2=NOR|physical_postcode=1", "E country_unknown physical_country_iso_2=NOR {suggestion:NO}"},
		{"physical_country_iso_2=no|physical_postcode=1", "E country_unknown physical_country_iso_2=no"},
		{"physical_country_iso_2=no|postal_address_part1=1", "W country_unknown physical_country_iso_2=no"},
		{"physical_latitude=1", "E coordinate_pair physical_longitude {columns:physical_latitude/physical_longitude}"},
		{"physical_longitude=1", "E coordinate_pair physical_latitude {columns:physical_latitude/physical_longitude}"},
		{"physical_altitude=1",
		"E coordinate_pair physical_latitude {columns:physical_latitude/physical_longitude/physical_altitude}"},
		{"physical_latitude=1|physical_longitude=1|physical_altitude=1", ""},
		{"postal_latitude=1", "E coordinate_postal postal_latitude=1"},
		{"primary_activity_category_code=A|secondary_activity_category_code=A", "W activity_same secondary_activity_category_code=A"},
		{"primary_activity_category_code=A|secondary_activity_category_code=01.1", ""},
	};

	static const RowCase foreign[] = {{"postal_region_code=0301|postal_country_iso_2=SE", ""}};

	begin_row();
	check_rows("address", cases, length(cases));
	plan.country.is_null = true;
	check_rows("address in a register without a country", foreign, 1);
}

/* The numbers that follow for the unit as text. */
static const char *
ids(void)
{
	const ImportId *all[] = {&row.country[0], &row.country[1], &row.status, &row.sector, &row.data_source};

	text[0] = '\0';
	for (int i = 0; i < length(all); i++)
	{
		if (all[i]->is_null)
			say("%s-", i > 0 ? " " : "");
		else
			say("%s%d", i > 0 ? " " : "", all[i]->id);
	}
	return text;
}

/* Judge rows for what follows for the unit. */
static void
check_ids(const char *what, const RowCase *cases, int ncases)
{
	int			since;

	import_link_plan(&plan);
	since = nchunks;
	for (int i = 0; i < ncases; i++)
	{
		fill_row(cases[i].cells);
		import_judge_row(&plan, &row);
		ok(strcmp(ids(), cases[i].findings) == 0, "%s: %s: %s", what, cases[i].cells, cases[i].findings);
		if (strcmp(text, cases[i].findings) != 0)
			printf("# got: %s\n", text);
		give_back(since);
	}
}

static void
test_countries(void)
{
	static const RowCase cases[] = {
		{"name=x", "- - - - -"},
		{"physical_address_part1=x|postal_address_part1=x", "47 47 - - -"},
		{"physical_region_code=0301|postal_region_code=old", "47 47 - - -"},
		{"physical_region_code=x", "- - - - -"},
		{"physical_latitude=999", "47 - - - -"},
		{"physical_latitude=x|physical_longitude=1", "- - - - -"},
		{"postal_latitude=9", "- - - - -"},
		{"physical_country_iso_2=SE|postal_country_iso_2=SE", "46 46 - - -"},
		{"physical_country_iso_2=SU|physical_address_part1=x", "- - - - -"},
		{"physical_country_iso_2=x|physical_address_part1=x", "- - - - -"},
		{"status_code=A|sector_code=B|data_source_code=A", "- - 1 3 1"},
		{"status_code=old|sector_code=old|data_source_code=old", "- - - - -"},
	};
	static const RowCase fresh[] = {
		{"status_code=old|data_source_code=x", "- - 90 - 5"},
		{"status_code=A|data_source_code=A", "- - 1 - 1"},
		{"", "- - 90 - 5"},
	};
	static const RowCase formal[] = {{"sector_code=B", "- - 90 - 5"}};

	begin_row();
	plan.keeps_status = true;
	check_ids("patched", cases, length(cases));
	row.is_new = true;
	plan.default_data_source = (ImportId) {false, 5};
	check_ids("new", fresh, length(fresh));
	row.is_new = false;
	plan.keeps_status = false;
	check_ids("replaced", fresh, length(fresh));
	plan.is_formal_establishment = true;
	check_ids("formal establishment", formal, length(formal));
}

/* What is known of countries. */
static void
test_known_countries(void)
{
	static const char *const four[] = {"9999"};
	static const char *const several[] = {"999 99", "AA-99"};
	static const ImportCountry known[] = {
		{46, &several[1], 1, false, 0, 0, 0, 0},
		{47, four, 1, true, 57700000, 81100000, -9200000, 33700000},
	};
	static const RowCase cases[] = {
		{"physical_postcode=0125|physical_region_code=0301", ""},
		{"physical_postcode= 01 25|physical_region_code=0301", ""},
		{"physical_postcode=125|physical_region_code=0301", "W postcode_format physical_postcode=125"},
		{"physical_postcode=01250|physical_region_code=0301", "W postcode_format physical_postcode=01250"},
		{"physical_postcode=OSLO|physical_region_code=0301", "W postcode_format physical_postcode=OSLO"},
		{"physical_postcode=ab-12|physical_country_iso_2=SE", ""},
		{"physical_postcode=a[-12|physical_country_iso_2=SE", "W postcode_format physical_postcode=a[-12"},
		{"physical_postcode=125|physical_country_iso_2=SU", "W code_inactive physical_country_iso_2=SU"},
		{"physical_latitude=59.91|physical_longitude=10.75", ""},
		{"physical_latitude=10.75|physical_longitude=59.91",
		"W coordinates_swapped physical_latitude=10.75 {columns:physical_latitude/physical_longitude}"},
		{"physical_latitude=10.75|physical_longitude=57.7",
		"W coordinates_swapped physical_latitude=10.75 {columns:physical_latitude/physical_longitude}"},
		{"physical_latitude=-9.2|physical_longitude=81.1000001",
		"W coordinates_swapped physical_latitude=-9.2 {columns:physical_latitude/physical_longitude}; I precision_lost physical_longitude=81.1000001"},
		{"physical_latitude=-9.200001|physical_longitude=60", ""},
		{"physical_latitude=10|physical_longitude=10", ""},
		{"physical_latitude=10.75|physical_longitude=59.91|physical_country_iso_2=SE", ""},
	};

	begin_row();
	plan.countries = known;
	plan.ncountries = length(known);
	check_rows("known country", cases, length(cases));
}

/* Judge the same row so many times. */
static void
repeat_row(const char *cells_of_row, int times)
{
	int			since = nchunks;

	for (int i = 0; i < times; i++)
	{
		fill_row(cells_of_row);
		import_judge_row(&plan, &row);
		give_back(since);
	}
}

/* What is said of the file. */
static void
is_of_file(const char *expected, const char *what)
{
	text[0] = '\0';
	import_judge_file(&plan, &row);
	for (int i = 0; i < row.nfindings; i++)
		say_finding(&row.findings[i]);
	is(text, expected, what);
}

/* What all rows tell together. */
static void
test_files(void)
{
	static const char *const four[] = {"9999"};
	static const ImportCountry known[] = {{47, four, 1, false, 0, 0, 0, 0}};
	const char *shifted = "E column_shifted physical_latitude {rows:91}";

	begin_row();
	plan.countries = known;
	plan.ncountries = 1;
	import_link_plan(&plan);
	is_of_file("", "no rows");
	repeat_row("primary_activity_category_code=77|physical_altitude=none", 9);
	is_of_file("", "few rows");
	row.is_skipped = true;
	repeat_row("primary_activity_category_code=77|physical_altitude=none", 100);
	row.is_skipped = false;
	is_of_file("", "skipped rows");
	repeat_row("primary_activity_category_code=77", 1);
	is_of_file("W standard_mismatch primary_activity_category_code {standard:second,codes:10,unknown:10,fitting:10}", "ten rows");
	repeat_row("primary_activity_category_code=B", 40);
	is_of_file("", "a fifth");
	repeat_row("primary_activity_category_code=9", 11);
	is_of_file("W standard_mismatch primary_activity_category_code {standard:first,codes:61,unknown:21,fitting:11}", "the one that fits best");
	repeat_row("primary_activity_category_code=x", 1);
	is_of_file("", "no standard fits more than half of the unknown ones");

	begin_row();
	import_link_plan(&plan);
	repeat_row("physical_latitude=north|physical_longitude=1", 90);
	repeat_row("physical_latitude=1|physical_longitude=1", 10);
	is_of_file("", "words in nine of ten cells");
	repeat_row("physical_latitude=north|physical_longitude=1x", 1);
	is_of_file(shifted, "words in more");

	begin_row();
	plan.countries = known;
	plan.ncountries = 1;
	import_link_plan(&plan);
	repeat_row("postal_address_part1=x|postal_postcode=Oslo|postal_postplace=0125", 3);
	repeat_row("postal_address_part1=x|postal_postcode=0125|postal_postplace=Oslo", 3);
	is_of_file("W columns_swapped postal_postcode {columns:postal_postcode/postal_postplace,rows:3}", "postcode and place");
	repeat_row("postal_address_part1=x|postal_postcode=125|postal_postplace=Oslo", 1);
	is_of_file("", "less than half of them");
}

static void
test_units(void)
{
	static const RowCase unnamed[] = {{"", "E value_missing name"}};
	static const RowCase named[] = {{"name=x", ""}};
	static const RowCase nothing[] = {{"", ""}};
	static const RowCase formal[] = {
		{"name=x|sector_code=A", "W implausible sector_code=A {rule:a formal establishment has the sector of its legal unit}"},
		{"name=x|sector_code=x",
		"W code_unknown sector_code=x; W implausible sector_code=x {rule:a formal establishment has the sector of its legal unit}"},
	};
	static const RowCase no_status[] = {
		{"name=x", "E status_missing status_code"},
		{"name=x|status_code=old", "E status_missing status_code=old; W code_inactive status_code=old"},
		{"name=x|status_code=A", ""},
	};

	begin_row();
	check_rows("patched", nothing, 1);
	row.is_covered = false;
	check_rows("new time", unnamed, 1);
	check_rows("new time", named, 1);
	row.is_refused = true;
	check_rows("refused", nothing, 1);
	row.is_refused = false;
	row.is_skipped = true;
	check_rows("skipped", nothing, 1);
	row.is_skipped = false;
	plan.name_never_needed = true;
	check_rows("update_only", nothing, 1);
	plan.name_never_needed = false;
	plan.name_needed_for_new = false;
	row.is_covered = true;
	check_rows("replaced", unnamed, 1);
	plan.is_formal_establishment = true;
	check_rows("formal", formal, length(formal));
	plan.is_formal_establishment = false;
	plan.default_status.is_null = true;
	check_rows("no default status", no_status, length(no_status));
}

/* A row with more findings than there is room for at first, in their order. */
static void
test_order(void)
{
	begin_plan();
	add_column("n", IMPORT_INTEGER, IMPORT_LIST_NONE);
	add_column("t", IMPORT_TEXT, IMPORT_LIST_NONE);
	add_column("u", IMPORT_TEXT, IMPORT_LIST_NONE);
	add_column("b", IMPORT_BOOLEAN, IMPORT_LIST_NONE);
	add_column("tag_path", IMPORT_CODE, IMPORT_LIST_TAG);
	add_column("birth_date", IMPORT_DATE, IMPORT_LIST_NONE);
	add_column("death_date", IMPORT_DATE, IMPORT_LIST_NONE);
	add_column("status_code", IMPORT_CODE, IMPORT_LIST_PLAIN);
	add_column("c", IMPORT_CODE, IMPORT_LIST_PLAIN);
	import_link_plan(&plan);
	fill_row("n=-1.0|t=@|u=a\tb|b=?|tag_path=?|birth_date=1700-01-01T01:00|death_date=infinity|status_code=?|c=?");
	is(findings(), "E number_negative n=-1.0; E not_a_boolean b=?; E tag_unknown tag_path=?; "
	   "E date_infinite_not_allowed death_date=infinity; W control_char u=a\tb {codepoint:U+0009}; "
	   "W date_implausible birth_date=1700-01-01T01:00; W time_dropped birth_date=1700-01-01T01:00; "
	   "W code_unknown status_code=?; W code_unknown c=?; I decimal_zero_dropped n=-1.0; I formula_like t=@",
	   "errors, warnings, infos, each in the order of the columns");
	ok(row.nerrors == 4 && row.nwarnings == 5 && row.nfindings == 11, "and how many there are of each");
}

/* Words that take a value away, alone and together with what else the row says. */
static void
test_erasures(void)
{
	static const SbSlice words[] = {{"<erase>", 7}, {"\xd0\xa1\xd0\xa2\xd0\x95\xd0\xa0\xd0\x95\xd0\xa2\xd0\xac", 14}};
	static const RowCase cases[] = {
		{"name=<Erase>", "E erase_not_allowed name=<Erase>"},
		{"name=A|birth_date=<ERASE>|death_date=\xd1\x81\xd1\x82\xd0\xb5\xd1\x80\xd0\xb5\xd1\x82\xd1\x8c", ""},
		{"name=A|physical_address_part1=<erase>|physical_postcode=<erase>", ""},
		{"name=A|physical_address_part1=Gate 1|physical_region_code=<erase>", ""},
		{"name=A|physical_latitude=<erase>|physical_longitude=<erase>", ""},
		{"name=A|physical_latitude=<erase>",
		"E coordinate_pair physical_longitude {columns:physical_latitude/physical_longitude}"},
		{"name=A|physical_longitude=<erase>",
		"E coordinate_pair physical_latitude {columns:physical_latitude/physical_longitude}"},
		{"name=A|physical_latitude=<erase>|physical_longitude=1",
		"E coordinate_pair physical_longitude {columns:physical_latitude/physical_longitude}"},
		{"name=A|physical_latitude=<erase>|physical_longitude=<erase>|physical_altitude=1",
		"E coordinate_pair physical_latitude {columns:physical_latitude/physical_longitude/physical_altitude}"},
		{"name=A|tax_ident=<erase>|postal_latitude=<erase>|postal_country_iso_2=<erase>",
		"E erase_not_allowed tax_ident=<erase>; E erase_not_allowed postal_country_iso_2=<erase>; E erase_not_allowed postal_latitude=<erase>"},
		{"name=A|status_code=<erase>|data_source_code=<erase>",
		"E erase_not_allowed status_code=<erase>; E erase_not_allowed data_source_code=<erase>"},
		{"name=A|sector_code=<erase>|secondary_activity_category_code=<erase>|primary_activity_category_code=<erase>", ""},
	};
	static const RowCase formal[] = {{"name=A|sector_code=<erase>", "E erase_not_allowed sector_code=<erase>"}};
	static const RowCase plain[] = {{"name=<erase>|birth_date=2020-01-01", ""}};

	begin_row();
	plan.name_never_needed = false;
	plan.erase_words = words;
	plan.nerase = length(words);
	check_rows("words that erase", cases, length(cases));
	fill_row("name=A|birth_date=<erase>|physical_postcode=0150|physical_region_code=0301");
	is(findings(), "", "a value goes");
	ok(row.erased != NULL && row.erased[2] && !row.erased[0] && values[2].is_null && !values[5].is_null, "and no other");
	fill_row("name=A");
	is(findings(), "", "nothing goes");
	ok(row.erased == NULL, "and nothing is kept for it");
	plan.is_formal_establishment = true;
	check_rows("the sector of a formal establishment", formal, 1);
	plan.is_formal_establishment = false;
	plan.nerase = 0;
	check_rows("no words that erase", plain, 1);
}

int
main(void)
{
	test_lives();
	test_places();
	test_countries();
	test_known_countries();
	test_files();
	test_units();
	test_order();
	test_erasures();
	give_back(0);
	return tap_end();
}

/*-------------------------------------------------------------------------
 *
 * import_cell.c
 *	  One row of a file: its cells parsed and judged, each by itself and
 *	  against the others of the row.
 *
 * The cells are judged in the order of the plan, then what they say together.
 * Cells of one kind each are in import_cell_text.c, import_cell_number.c and
 * import_cell_code.c.
 *
 * IDENTIFICATION
 *	  src/import_cell.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_cell_internal.h"

#include <string.h>

#define COUNTRY_NAME "country_iso_2"

static const SbSlice no_value = {NULL, 0};

/*
 * The plan
 */

/* Where the column of that name is, after a prefix; -1: not in the file. */
static int
find_column(const ImportPlan *plan, const char *prefix, const char *name)
{
	size_t		len = strlen(prefix);

	for (int i = 0; i < plan->ncolumns; i++)
		if (strncmp(plan->columns[i].name, prefix, len) == 0 &&
			strcmp(plan->columns[i].name + len, name) == 0)
			return i;
	return -1;
}

/* Where the columns of an address are. */
static void
link_address(const ImportPlan *plan, const char *prefix, ImportAddress *address)
{
	static const char *const parts[] = {"address_part1", "address_part2", "address_part3", "postcode", "postplace"};

	for (int i = 0; i < IMPORT_ADDRESS_PARTS; i++)
		address->parts[i] = find_column(plan, prefix, parts[i]);
	address->is_used = address->parts[0] >= 0;
	address->region = find_column(plan, prefix, "region_code");
	address->country = find_column(plan, prefix, COUNTRY_NAME);
	address->latitude = find_column(plan, prefix, "latitude");
	address->longitude = find_column(plan, prefix, "longitude");
	address->altitude = find_column(plan, prefix, "altitude");
}

/* True when a name ends so. */
static bool
ends_with(const char *name, const char *end)
{
	size_t		name_len = strlen(name);
	size_t		end_len = strlen(end);

	return name_len >= end_len && strcmp(name + name_len - end_len, end) == 0;
}

/* The columns of the address that a country is of, without coordinates. */
static int *
find_peers(const ImportPlan *plan, int country)
{
	const char *name = plan->columns[country].name;
	int		   *peers = plan->alloc(plan->arg, sizeof(int) * (size_t) plan->ncolumns);
	size_t		len = ends_with(name, COUNTRY_NAME) ? strlen(name) - strlen(COUNTRY_NAME) : 0;
	int			npeers = 0;

	for (int i = 0; i < plan->ncolumns; i++)
	{
		const char *other = plan->columns[i].name;

		if (i != country && strncmp(other, name, len) == 0 && !ends_with(other, "_latitude") &&
			!ends_with(other, "_longitude") && !ends_with(other, "_altitude"))
			peers[npeers++] = i;
	}
	peers[npeers] = -1;
	return peers;
}

/* Find the columns that are judged together. */
void
import_link_plan(ImportPlan *plan)
{
	ImportLinks *links = &plan->links;

	links->birth_date = find_column(plan, "", "birth_date");
	links->death_date = find_column(plan, "", "death_date");
	links->primary_activity = find_column(plan, "", "primary_activity_category_code");
	links->secondary_activity = find_column(plan, "", "secondary_activity_category_code");
	links->name = find_column(plan, "", "name");
	links->status = find_column(plan, "", "status_code");
	links->sector = find_column(plan, "", "sector_code");
	links->data_source = find_column(plan, "", "data_source_code");
	link_address(plan, "physical_", &links->addresses[IMPORT_PHYSICAL]);
	link_address(plan, "postal_", &links->addresses[IMPORT_POSTAL]);

	plan->tally = import_begin_tally(plan);
	links->peers = plan->alloc(plan->arg, sizeof(int *) * (size_t) (plan->ncolumns + 1));
	for (int i = 0; i < plan->ncolumns; i++)
		links->peers[i] = plan->columns[i].list == IMPORT_LIST_COUNTRY ? find_peers(plan, i) : NULL;
}

/*
 * Cells
 */

/* Parse and judge one cell by itself. */
static void
judge_cell(ImportJudge *judge, int column)
{
	ImportValue *value = &judge->row->values[column];

	memset(value, 0, sizeof(*value));
	value->is_null = true;
	switch (judge->plan->columns[column].kind)
	{
		case IMPORT_JUDGED:
			break;
		case IMPORT_TEXT:
			import_judge_text(judge, column);
			break;
		case IMPORT_DATE:
			import_judge_date(judge, column);
			break;
		case IMPORT_INTEGER:
			import_judge_integer(judge, column);
			break;
		case IMPORT_NUMERIC:
			import_judge_numeric(judge, column);
			break;
		case IMPORT_BOOLEAN:
			import_judge_boolean(judge, column);
			break;
		case IMPORT_LATITUDE:
		case IMPORT_LONGITUDE:
		case IMPORT_ALTITUDE:
		case IMPORT_PERCENTAGE:
			import_judge_bounded(judge, column);
			break;
		case IMPORT_POSTAL_COORDINATE:
			if (import_has_cell(judge->row, column))
				import_add_cell_finding(judge, IMPORT_ERROR, "coordinate_postal", column);
			break;
		case IMPORT_CODE:
			import_judge_code(judge, column);
			break;
	}
}

/*
 * Cells together
 */

/* Birth and death of a unit against each other, its first day and today. */
static void
judge_life(ImportJudge *judge)
{
	const ImportPlan *plan = judge->plan;
	const ImportRow *row = judge->row;
	const ImportValue *birth;
	const ImportValue *death;
	bool		is_reversed;

	if (plan->links.birth_date < 0 || plan->links.death_date < 0)
		return;
	birth = &row->values[plan->links.birth_date];
	death = &row->values[plan->links.death_date];
	is_reversed = birth->is_parsed && death->is_parsed && death->day < birth->day;
	if (birth->is_parsed && !birth->is_infinite &&
		((row->has_period && birth->day > row->valid_from) || is_reversed))
		import_add_cell_finding(judge, IMPORT_WARNING, "dates_inconsistent", plan->links.birth_date);
	if (death->is_parsed && !death->is_infinite && (is_reversed || death->day > plan->today))
		import_add_cell_finding(judge, IMPORT_WARNING, "dates_inconsistent", plan->links.death_date);
}

/* The same activity as primary and as secondary one. */
static void
judge_activities(ImportJudge *judge)
{
	const ImportLinks *links = &judge->plan->links;
	SbSlice		primary;
	SbSlice		secondary;

	if (!import_has_cell(judge->row, links->primary_activity) ||
		!import_has_cell(judge->row, links->secondary_activity))
		return;
	primary = judge->row->cells[links->primary_activity];
	secondary = judge->row->cells[links->secondary_activity];
	if (primary.len == secondary.len && memcmp(primary.data, secondary.data, primary.len) == 0)
		import_add_cell_finding(judge, IMPORT_WARNING, "activity_same", links->secondary_activity);
}

/* True when the file has something of the address itself. */
static bool
has_parts(const ImportRow *row, const ImportAddress *address)
{
	for (int i = 0; i < IMPORT_ADDRESS_PARTS; i++)
		if (import_has_cell(row, address->parts[i]))
			return true;
	return false;
}

/* True when the code of this column is in its list. */
static bool
is_known(const ImportRow *row, int column)
{
	return column >= 0 && row->values[column].is_known;
}

/* True when the code of this column is that of the register's own country. */
static bool
is_domestic(const ImportJudge *judge, int column)
{
	return is_known(judge->row, column) && !judge->plan->country.is_null &&
		judge->row->values[column].code.id == judge->plan->country.id;
}

/*
 * The country of an address.  Some address, or a known region, or coordinates:
 * then there is a location, in this country unless another is given.
 */
static void
decide_country(ImportJudge *judge, int which)
{
	const ImportAddress *address = &judge->plan->links.addresses[which];
	ImportRow  *row = judge->row;
	bool		has_place = has_parts(row, address) || is_known(row, address->region) ||
		(which == IMPORT_PHYSICAL && address->latitude >= 0 && row->values[address->latitude].is_parsed);

	if (address->country >= 0 && !row->values[address->country].is_null)
		row->country[which] = (ImportId) {false, row->values[address->country].code.id};
	else if (!import_has_cell(row, address->country) && has_place)
		row->country[which] = judge->plan->country;
}

/* Latitude and longitude come together, and an altitude only with them. */
static void
judge_coordinates(ImportJudge *judge, const ImportAddress *address)
{
	static const char *const columns[] = {"physical_latitude", "physical_longitude", "physical_altitude"};
	bool		has_latitude = import_has_cell(judge->row, address->latitude);
	bool		has_longitude = import_has_cell(judge->row, address->longitude);
	bool		has_altitude = import_has_cell(judge->row, address->altitude);
	bool		no_latitude = import_is_erased(judge->row, address->latitude);
	bool		no_longitude = import_is_erased(judge->row, address->longitude);
	bool		is_pair = has_latitude == has_longitude && no_latitude == no_longitude;

	if (is_pair && (has_latitude || !has_altitude))
		return;
	import_add_list(import_add_finding(judge, IMPORT_ERROR, "coordinate_pair",
									   columns[!is_pair && (has_latitude || no_latitude) ? 1 : 0], no_value),
					"columns", columns, has_altitude ? 3 : 2);
}

/* The parts of an address against each other. */
static void
judge_address(ImportJudge *judge, int which)
{
	const ImportAddress *address = &judge->plan->links.addresses[which];
	ImportRow  *row = judge->row;
	bool		has_region = import_has_cell(row, address->region);

	if (!address->is_used)
		return;
	decide_country(judge, which);
	if (has_region && is_known(row, address->country) && !judge->plan->country.is_null &&
		!is_domestic(judge, address->country))
		import_add_cell_finding(judge, IMPORT_ERROR, "region_needs_domestic", address->region);
	import_judge_postcode(judge, which);
	if (which != IMPORT_PHYSICAL)
		return;
	if (!has_region && !import_is_erased(row, address->region) && has_parts(row, address) &&
		(!import_has_cell(row, address->country) || is_domestic(judge, address->country)))
		import_add_finding(judge, IMPORT_WARNING, "region_missing", "physical_region_code", no_value);
	judge_coordinates(judge, address);
	import_judge_swapped(judge);
}

/* The value of a code column, or another. */
static ImportId
id_or(const ImportRow *row, int column, ImportId otherwise)
{
	if (row->values[column].is_null)
		return otherwise;
	return (ImportId) {false, row->values[column].code.id};
}

/* The unit itself: its name, status, sector and data source. */
static void
judge_unit(ImportJudge *judge)
{
	const ImportPlan *plan = judge->plan;
	const ImportLinks *links = &plan->links;
	const ImportId no_id = {true, 0};
	ImportRow  *row = judge->row;

	if (links->name >= 0 && !import_has_cell(row, links->name) && !import_is_erased(row, links->name) && !row->is_refused && !plan->name_never_needed &&
		(!plan->name_needed_for_new || row->is_new || !row->is_covered))
		import_add_finding(judge, IMPORT_ERROR, "value_missing", "name", no_value);
	if (links->status >= 0)
	{
		row->status = id_or(row, links->status, plan->keeps_status && !row->is_new ? no_id : plan->default_status);
		if (plan->default_status.is_null && row->values[links->status].is_null)
			import_add_cell_finding(judge, IMPORT_ERROR, "status_missing", links->status);
	}
	if (links->sector >= 0 && !plan->is_formal_establishment)
		row->sector = id_or(row, links->sector, no_id);
	else if (import_has_cell(row, links->sector))
	{
		static const char rule[] = "a formal establishment has the sector of its legal unit";
		ImportFinding *finding = import_add_cell_finding(judge, IMPORT_WARNING, "implausible", links->sector);

		import_add_text(finding, "rule", (SbSlice) {rule, sizeof(rule) - 1});
	}
	if (links->data_source >= 0)
		row->data_source = id_or(row, links->data_source, plan->default_data_source);
}

/* Parse and judge all cells of a row. */
void
import_judge_row(const ImportPlan *plan, ImportRow *row)
{
	ImportJudge judge;

	judge.plan = plan;
	judge.row = row;
	judge.room = 0;
	row->country[IMPORT_PHYSICAL].is_null = true;
	row->country[IMPORT_POSTAL].is_null = true;
	row->status.is_null = true;
	row->sector.is_null = true;
	row->data_source.is_null = true;
	row->findings = NULL;
	row->nfindings = 0;
	import_take_erasures(&judge);

	for (int i = 0; i < plan->ncolumns; i++)
	{
		judge_cell(&judge, i);
		import_count_cell(&judge, i);
	}
	judge_life(&judge);
	judge_activities(&judge);
	judge_address(&judge, IMPORT_PHYSICAL);
	judge_address(&judge, IMPORT_POSTAL);
	judge_unit(&judge);
	import_sort_findings(&judge);
}

/*-------------------------------------------------------------------------
 *
 * import_cell_place.c
 *	  What the country of an address tells of its postcode and its place on
 *	  the map.
 *
 * IDENTIFICATION
 *	  src/import_cell_place.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_cell_internal.h"

#include <string.h>

/* What is known of a country.  NULL: nothing. */
static const ImportCountry *
find_country(const ImportPlan *plan, ImportId country)
{
	int			low = 0;
	int			high = plan->ncountries;

	if (country.is_null)
		return NULL;
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (plan->countries[middle].id < country.id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < plan->ncountries && plan->countries[low].id == country.id ? &plan->countries[low] : NULL;
}

/* True for a text that is written as the mask: 9 a digit, A a letter, spaces anywhere. */
static bool
fits_mask(const char *mask, SbSlice text)
{
	for (size_t i = 0; i < text.len; i++)
	{
		char		c = text.data[i];

		if (c == ' ')
			continue;
		if (*mask == '\0' || (*mask == '9' ? c < '0' || c > '9' :
							  *mask == 'A' ? (c | 0x20) < 'a' || (c | 0x20) > 'z' : c != *mask))
			return false;
		mask++;
	}
	return *mask == '\0';
}

/* True for a postcode of a country. */
static bool
is_postcode(const ImportCountry *country, SbSlice text)
{
	for (int i = 0; i < country->nmasks; i++)
		if (fits_mask(country->masks[i], text))
			return true;
	return false;
}

/* The postcode of an address; counted when it stands where the place should. */
void
import_judge_postcode(ImportJudge *judge, int which)
{
	const ImportAddress *address = &judge->plan->links.addresses[which];
	const ImportRow *row = judge->row;
	ImportSwapTally *tally = &judge->plan->tally->postcodes[which];
	int			column = address->parts[IMPORT_PART_POSTCODE];
	int			place = address->parts[IMPORT_PART_POSTPLACE];
	const ImportCountry *country;
	bool		is_counted = import_has_cell(row, place) && !row->is_skipped;

	if (!import_has_cell(row, column))
		return;
	country = find_country(judge->plan, row->country[which]);
	if (country == NULL || country->nmasks == 0)
		return;
	tally->both += is_counted;
	if (is_postcode(country, row->cells[column]))
		return;
	import_add_cell_finding(judge, IMPORT_WARNING, "postcode_format", column);
	tally->swapped += is_counted && is_postcode(country, row->cells[place]);
}

/* True for coordinates, in millionths of a degree, in the box around a country. */
static bool
is_inside(const ImportCountry *country, int64_t latitude, int64_t longitude)
{
	return country->south <= latitude && latitude <= country->north &&
		country->west <= longitude && longitude <= country->east;
}

/* Millionths of a degree; the rest is cut off. */
static int64_t
millionths(SbSlice plain)
{
	bool		negative = plain.len > 0 && plain.data[0] == '-';
	int64_t		value = 0;
	int			digits = -1;	/* after the point; -1: before it */

	for (size_t i = negative ? 1 : 0; i < plain.len && digits < 6; i++)
	{
		if (plain.data[i] == '.')
			digits = 0;
		else
		{
			value = value * 10 + (plain.data[i] - '0');
			digits += digits >= 0 ? 1 : 0;
		}
	}
	for (digits = digits < 0 ? 0 : digits; digits < 6; digits++)
		value *= 10;
	return negative ? -value : value;
}

/* Latitude and longitude that are outside the country, and inside it the other way round. */
void
import_judge_swapped(ImportJudge *judge)
{
	static const char *const columns[] = {"physical_latitude", "physical_longitude"};
	const ImportAddress *address = &judge->plan->links.addresses[IMPORT_PHYSICAL];
	const ImportRow *row = judge->row;
	const ImportCountry *country;
	int64_t		latitude;
	int64_t		longitude;

	if (address->latitude < 0 || address->longitude < 0 ||
		row->values[address->latitude].is_null || row->values[address->longitude].is_null)
		return;
	country = find_country(judge->plan, row->country[IMPORT_PHYSICAL]);
	if (country == NULL || !country->has_box)
		return;
	latitude = millionths(row->values[address->latitude].text);
	longitude = millionths(row->values[address->longitude].text);
	if (!is_inside(country, latitude, longitude) && is_inside(country, longitude, latitude))
		import_add_list(import_add_cell_finding(judge, IMPORT_WARNING, "coordinates_swapped", address->latitude),
						"columns", columns, 2);
}

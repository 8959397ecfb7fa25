/*
 * Unit tests of the headings of a file (src/csv_heading.c).  TAP output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv_heading.h"
#include "tap.h"
#include "utf8.h"

/* The key of a heading is this; the heading stands in memory of its own size. */
static void
key_is(const char *heading, size_t len, const char *expected)
{
	char	   *given = malloc(len + 1);
	char	   *key = malloc(SB_SMALL_SIZE(len) + 1);
	size_t		n;

	memcpy(given, heading, len);
	n = csv_heading_key(given, len, key);
	ok(n == strlen(expected) && memcmp(key, expected, n) == 0, "%s", expected);
	free(given);
	free(key);
}

#define KEY(heading, expected) key_is(heading, sizeof(heading) - 1, expected)

/* What is folded, and what is not. */
static void
test_keys(void)
{
	KEY("", "");
	KEY("   ", "");
	KEY("tax_ident", "tax_ident");
	KEY(" Tax  Ident ", "tax_ident");
	KEY("TAX-IDENT", "tax_ident");
	KEY("naeringskode1.kode", "naeringskode1_kode");
	KEY("\xEF\xBB\xBFname", "name");
	KEY("na\xC2\xA0me", "na_me");
	KEY("_name_", "name");
	KEY("N\xC3\x86RING", "n\xC3\xA6ring");
	KEY("\xC3\x97", "\xC3\x97");
	KEY("\xC5\xBDivnost \xC4\x8C\xC4\x86", "\xC5\xBEivnost_\xC4\x8D\xC4\x87");
	KEY("\xD0\x98\xD0\x9C\xD0\xAF", "\xD0\xB8\xD0\xBC\xD1\x8F");
	KEY("\xD0\x83", "\xD1\x93");
	KEY("\xCE\x91\xCE\xA6\xCE\x9C", "\xCE\xB1\xCF\x86\xCE\xBC");
	KEY("\xCE\x9D\xCF\x8C\xCE\xBC\xCE\xBF\xCF\x82", "\xCE\xBD\xCF\x8C\xCE\xBC\xCE\xBF\xCF\x83");
	KEY("\xC4\xB0L KODU", "il_kodu");
	KEY("\xC8\xBA\xC8\xBE", "\xE2\xB1\xA5\xE2\xB1\xA6");
	KEY("\xD4\xB1", "\xD5\xA1");
	KEY("\xE4\xBC\x81\xE6\xA5\xAD", "\xE4\xBC\x81\xE6\xA5\xAD");
	KEY("\xF0\x9F\x8F\xAD" "A", "\xF0\x9F\x8F\xAD" "a");
	/* Bytes that are no characters stay what they are. */
	KEY("A\xC3", "a\xC3");
	KEY("\xFF\x80" "B", "\xFF\x80" "b");
	KEY("\xE2\x80", "\xE2\x80");
}

/* So many changes make one of the other. */
static void
distance_is(const char *x, const char *y, int most, int expected)
{
	int			found = csv_heading_distance(x, strlen(x), y, strlen(y), most);
	char		name[128];

	snprintf(name, sizeof(name), "%.40s and %.40s: %d of %d", x, y, expected, most);
	ok(found == expected && csv_heading_distance(y, strlen(y), x, strlen(x), most) == found, "%s", name);
}

static void
test_distances(void)
{
	static char long_text[CSV_DISTANCE_BYTES + 2];

	distance_is("", "", 2, 0);
	distance_is("", "ab", 2, 2);
	distance_is("name", "name", 2, 0);
	distance_is("tax_idnt", "tax_ident", 2, 1);
	distance_is("nmae", "name", 2, 1);
	distance_is("employes", "employees", 2, 1);
	distance_is("kitten", "sitting", 3, 3);
	distance_is("kitten", "sitting", 2, 3);
	distance_is("name", "colour", 2, 3);
	distance_is("ab", "ba", 0, 1);
	memset(long_text, 'x', sizeof(long_text) - 1);
	distance_is(long_text, long_text, 2, 3);
	distance_is(long_text + 1, long_text + 1, 2, 0);
}

int
main(void)
{
	test_keys();
	test_distances();
	return tap_end();
}

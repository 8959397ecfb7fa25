/*-------------------------------------------------------------------------
 *
 * import_suggest_test.c
 *	  Unit tests of src/import_suggest.c: what is suggested for a wrong code.
 *
 * Prints TAP.  Exits with 1 when a test fails.
 *
 *
 * IDENTIFICATION
 *	  test/unit/import_suggest_test.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_suggest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define MAX_CHUNKS 4096

static void *chunks[MAX_CHUNKS];
static int	nchunks = 0;

static void *
take(void *arg, size_t size)
{
	if (nchunks == MAX_CHUNKS || arg != chunks)
		abort();
	chunks[nchunks] = malloc(size);
	if (chunks[nchunks] == NULL)
		abort();
	return chunks[nchunks++];
}

/* A copy in memory of exactly that size, so that overreads are caught. */
static SbSlice
exact(const char *text)
{
	size_t		len = strlen(text);
	char	   *copy = take(chunks, len > 0 ? len : 1);

	memcpy(copy, text, len);
	return (SbSlice) {copy, len};
}

/* Report what is suggested for a value; NULL: nothing. */
static void
check(const SuggestList *list, const char *value, const char *expected)
{
	SbSlice		got = {NULL, 0};
	bool		found = suggest_find(list, exact(value), &got);
	bool		passed = found == (expected != NULL) &&
		(!found || (got.len == strlen(expected) && memcmp(got.data, expected, got.len) == 0));

	ok(passed, "\"%s\" means %s", value, expected != NULL ? expected : "nothing");
	if (!passed)
		printf("# got: %.*s\n", found ? (int) got.len : 0, found ? got.data : "");
}

/* Add a code with a name. */
static void
add(SuggestList *list, const char *code, const char *name)
{
	SbSlice		kept = exact(code);

	suggest_add(list, kept, kept, false);
	if (name != NULL)
		suggest_add(list, kept, exact(name), true);
}

/* The edit distance of two words, by its definition. */
static int
slow_distance(const char *a, const char *b)
{
	int			best;
	int			other;

	if (*a == '\0')
		return (int) strlen(b);
	if (*b == '\0')
		return (int) strlen(a);
	best = slow_distance(a + 1, b + 1) + (*a != *b);
	other = 1 + slow_distance(a + 1, b);
	best = other < best ? other : best;
	other = 1 + slow_distance(a, b + 1);
	return other < best ? other : best;
}

/* Random words against one code: suggested when, and only when, the distance is in the limit. */
static void
check_distances(void)
{
	unsigned	seed = 1;

	for (int i = 0; i < 300; i++)
	{
		char		word[2][8];
		SuggestList list;
		int			distance;

		for (int w = 0; w < 2; w++)
		{
			int			len;

			seed = seed * 1103515245 + 12345;
			len = 5 + (int) ((seed >> 16) % 3);
			for (int j = 0; j < len; j++)
			{
				seed = seed * 1103515245 + 12345;
				word[w][j] = "ab"[(seed >> 16) % 2];
			}
			word[w][len] = '\0';
		}
		suggest_begin(&list, take, chunks);
		add(&list, word[0], NULL);
		distance = slow_distance(word[0], word[1]);
		check(&list, word[1], distance <= 2 ? word[0] : NULL);
	}
}

int
main(void)
{
	static char name[SUGGEST_LENGTH + 2];
	SuggestList list;

	suggest_begin(&list, take, chunks);
	check(&list, "01", NULL);
	add(&list, "01.110", "Growing of cereals");
	add(&list, "01.120", "Growing of rice");
	add(&list, "0301", "Oslo");
	add(&list, "11", "Rogaland");
	add(&list, "01.1", "Crops");
	add(&list, "active", "Active");
	add(&list, "passive", NULL);
	add(&list, "NO", "Norway");
	add(&list, "SE", "\xC3\x85land-like");
	add(&list, "\xC3\xB8k", NULL);
	add(&list, "\xCF\x83\xCE\xBF\xCF\x82", NULL);
	check(&list, "1.110", "01.110");
	check(&list, "01110", "01.110");
	check(&list, "1110", "01.110");
	check(&list, "301", "0301");
	check(&list, "1.1", "01.1");
	check(&list, "ACTIVE", "active");
	check(&list, "actve", "active");
	check(&list, "aktiv", "active");
	check(&list, "pasive", "passive");
	check(&list, "no", "NO");
	check(&list, "n.o.", "NO");
	check(&list, "\xEF\xBC\xAE\xEF\xBC\xAF", "NO");
	check(&list, "NOR", NULL);
	check(&list, "N", NULL);
	check(&list, "norway", "NO");
	check(&list, "Norwey", "NO");
	check(&list, "Oslo", "0301");
	check(&list, "Osl", "0301");
	check(&list, "\xC3\xA5land-like", "SE");
	check(&list, "\xC3\x98K", "\xC3\xB8k");
	check(&list, "\xCE\xA3\xCE\x9F\xCE\xA3", "\xCF\x83\xCE\xBF\xCF\x82");
	check(&list, "\xC3", NULL);
	check(&list, "01.130", NULL);
	check(&list, "?", NULL);
	check(&list, "", NULL);
	check(&list, "0000", NULL);
	check(&list, "Growing of", NULL);

	/* a name of the greatest length, and one that is longer */
	memset(name, 'x', SUGGEST_LENGTH);
	add(&list, "long", name);
	check(&list, name, "long");
	name[SUGGEST_LENGTH] = 'x';
	check(&list, name, NULL);
	add(&list, "longer", name);
	check(&list, name, NULL);
	check_distances();

	while (nchunks > 0)
		free(chunks[--nchunks]);
	return tap_end();
}

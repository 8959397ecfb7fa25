/*-------------------------------------------------------------------------
 *
 * import_ident_test.c
 *	  Identifiers of a file and their trees against a plain list of both, the
 *	  memory they take, and sums of rows.
 *
 * IDENTIFICATION
 *	  test/unit/import_ident_test.c
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import_hash.h"
#include "import_ident.h"
#include "tap.h"

#define MODEL_NODES 3000
#define MANY 200000

static uint64_t state = 88172645463325252u;
static size_t allocated = 0;

/* A number below the limit, the same ones in every run. */
static uint32_t
any(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t) (state >> 33) % limit;
}

/* Each block begins with its size. */
static void *
take(void *arg, size_t size)
{
	size_t	   *block = malloc(size + 16);

	(void) arg;
	*block = size;
	allocated += size;
	return (char *) block + 16;
}

static void
give(void *arg, void *memory)
{
	size_t	   *block = (size_t *) ((char *) memory - 16);

	(void) arg;
	allocated -= *block;
	free(block);
}

static void
begin(ImportIdents *idents)
{
	memset(idents, 0, sizeof(*idents));
	idents->alloc = take;
	idents->release = give;
	idents->seed = 42;
	import_idents_init(idents, 0);
}

static void
end(ImportIdents *idents)
{
	for (uint32_t i = 0; i < idents->nodes.used; i++)
		give(NULL, idents->nodes.blocks[i]);
	for (uint32_t i = 0; i < idents->values.used; i++)
		give(NULL, idents->values.blocks[i]);
	if (idents->nodes.room > 0)
		give(NULL, idents->nodes.blocks);
	if (idents->values.room > 0)
		give(NULL, idents->values.blocks);
	give(NULL, idents->slots);
}

static SbSlice
slice(const char *text)
{
	SbSlice		result = {text, strlen(text)};

	return result;
}

/* Every value once for each type, whatever its length; found again, and no other. */
static void
test_values(void)
{
	ImportIdents idents;
	char		text[40];
	char	   *longest = malloc(IMPORT_MAX_IDENT_LENGTH + 1);
	uint32_t	node;
	uint32_t	again;
	bool		same = true;
	bool		found = true;
	bool		absent = true;

	begin(&idents);
	for (uint32_t i = 0; i < MANY; i++)
	{
		snprintf(text, sizeof(text), "%.*u", 1 + (int) (i % 30), i / 2);
		import_idents_add(&idents, (int) (i % 2), slice(text), &node);
		same = same && import_idents_add(&idents, (int) (i % 2), slice(text), &again) && again == node;
		same = same && import_idents_type(&idents, node) == (int) (i % 2) &&
			import_idents_value(&idents, node).len == strlen(text) &&
			memcmp(import_idents_value(&idents, node).data, text, strlen(text)) == 0;
	}
	ok(same, "an identifier has one number, and keeps type and value");
	for (uint32_t i = 0; i < MANY; i++)
	{
		snprintf(text, sizeof(text), "%.*u", 1 + (int) (i % 30), i / 2);
		found = found && import_idents_find(&idents, (int) (i % 2), slice(text), &node);
		absent = absent && !import_idents_find(&idents, 2, slice(text), &node);
	}
	ok(found, "what was added is found");
	ok(absent, "of another type it is another identifier");
	memset(longest, 'x', IMPORT_MAX_IDENT_LENGTH + 1);
	ok(import_idents_add(&idents, 255, (SbSlice) {longest, IMPORT_MAX_IDENT_LENGTH}, &node) &&
	   import_idents_value(&idents, node).len == IMPORT_MAX_IDENT_LENGTH, "the longest value is kept");
	ok(!import_idents_add(&idents, 255, (SbSlice) {longest, IMPORT_MAX_IDENT_LENGTH + 1}, &node), "a longer one is refused");
	ok(import_idents_add(&idents, 0, (SbSlice) {"", 0}, &node) && import_idents_value(&idents, node).len == 0, "an empty one is kept");
	free(longest);
	end(&idents);
}

/* However many are expected, the same are found; room for them is made at once, and never for more than 16 MB. */
static void
test_expected(void)
{
	static const uint64_t expectations[] = {1, 765, 766, 100000, UINT64_MAX};
	char		text[40];
	uint32_t	node;
	bool		same = true;

	for (int i = 0; i < 5; i++)
	{
		ImportIdents idents;
		uint32_t	mask;

		begin(&idents);
		give(NULL, idents.slots);
		import_idents_init(&idents, expectations[i]);
		mask = idents.mask;
		for (uint32_t j = 0; j < 2000; j++)
		{
			snprintf(text, sizeof(text), "%u", j);
			same = same && import_idents_add(&idents, 0, slice(text), &node) && node == j;
			same = same && (j >= expectations[i] || idents.mask == mask);
		}
		for (uint32_t j = 0; j < 2000; j++)
		{
			snprintf(text, sizeof(text), "%u", j);
			same = same && import_idents_find(&idents, 0, slice(text), &node) && node == j;
		}
		same = same && mask < 4 * 1024 * 1024;
		end(&idents);
	}
	ok(same, "whatever is expected, room is made for it up to 16 MB, and all are found");
}

/* No more than 48 bytes for an identifier of nine digits, before what is known of its unit. */
static void
test_memory(void)
{
	ImportIdents idents;
	char		text[40];
	uint32_t	node;

	allocated = 0;
	begin(&idents);
	for (uint32_t i = 0; i < MANY; i++)
	{
		snprintf(text, sizeof(text), "%09u", i);
		import_idents_add(&idents, 0, slice(text), &node);
	}
	printf("# %.1f bytes an identifier\n", (double) allocated / MANY);
	ok(allocated <= (size_t) MANY * 48, "an identifier of nine digits takes at most 48 bytes");
	end(&idents);
	ok(allocated == 0, "all memory is given back");
}

/* Joined at random, against labels that are written anew at each join. */
static void
test_trees(void)
{
	static uint32_t labels[MODEL_NODES];
	static uint32_t rows[MODEL_NODES];
	static uint32_t first[MODEL_NODES];
	static ImportUnit units[MODEL_NODES];
	ImportIdents idents;
	char		text[40];
	bool		same = true;
	bool		counted = true;
	bool		known = true;
	bool		ambiguous = true;

	begin(&idents);
	for (uint32_t i = 0; i < MODEL_NODES; i++)
	{
		uint32_t	node;

		snprintf(text, sizeof(text), "n%u", i);
		import_idents_add(&idents, 0, slice(text), &node);
		labels[i] = i;
		units[i] = any(10) == 0 ? IMPORT_LEGAL_UNIT(1 + any(MODEL_NODES)) : IMPORT_UNIT_NONE;
		rows[i] = any(3);
		first[i] = rows[i] > 0 ? 1 + any(1000000) : 0;
		import_idents_node(&idents, i)->unit = units[i];
		import_idents_node(&idents, i)->rows = rows[i];
		import_idents_node(&idents, i)->first_row = first[i];
	}
	for (int i = 0; i < MODEL_NODES * 2 / 3; i++)
	{
		uint32_t	a = any(MODEL_NODES);
		uint32_t	b = any(MODEL_NODES);
		uint32_t	from = labels[a];

		import_idents_join(&idents, a, b);
		for (uint32_t j = 0; j < MODEL_NODES; j++)
			if (labels[j] == from)
				labels[j] = labels[b];
	}
	for (uint32_t i = 0; i < MODEL_NODES; i += 7)
	{
		const ImportNode *root = import_idents_node(&idents, import_idents_root(&idents, i));
		uint32_t	count = 0;
		uint32_t	lowest = 0;
		ImportUnit	unit = IMPORT_UNIT_NONE;
		bool		differs = false;

		for (uint32_t j = 0; j < MODEL_NODES; j++)
		{
			same = same && (labels[i] == labels[j]) == (import_idents_root(&idents, i) == import_idents_root(&idents, j));
			if (labels[j] != labels[i])
				continue;
			count += rows[j];
			if (first[j] != 0 && (lowest == 0 || first[j] < lowest))
				lowest = first[j];
			differs = differs || (unit != IMPORT_UNIT_NONE && units[j] != IMPORT_UNIT_NONE && unit != units[j]);
			if (units[j] != IMPORT_UNIT_NONE)
				unit = units[j];
		}
		counted = counted && root->rows == count && root->first_row == lowest;
		known = known && (root->unit == IMPORT_UNIT_NONE) == (unit == IMPORT_UNIT_NONE);
		ambiguous = ambiguous && ((root->flags & IMPORT_TREE_AMBIGUOUS) != 0) == differs;
	}
	ok(same, "what was joined has one root, and nothing else");
	ok(counted, "a tree knows how many rows it has, and the first");
	ok(known, "the root is known when one of the tree is");
	ok(ambiguous, "a tree of several units says so");
	end(&idents);
}

static ImportHash
sum(const char *const *texts, int count)
{
	ImportHash	hash;

	import_hash_begin(&hash, 1);
	for (int i = 0; i < count; i++)
		import_hash_add(&hash, texts[i] == NULL ? (SbSlice) {NULL, 0} : slice(texts[i]));
	return import_hash_end(&hash);
}

static bool
differ(const char *const *a, int na, const char *const *b, int nb)
{
	ImportHash	x = sum(a, na);
	ImportHash	y = sum(b, nb);

	return x.high != y.high && x.low != y.low;
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(uint64_t));
}

/* Rows that look alike when their cells are written one after the other. */
static void
test_sums(void)
{
	static uint64_t highs[MANY];
	char		text[64];
	const char *one[] = {text};
	bool		unique = true;

	ok(differ((const char *[]) {"ab", "c"}, 2, (const char *[]) {"a", "bc"}, 2), "where a cell ends makes a difference");
	ok(differ((const char *[]) {"", "a"}, 2, (const char *[]) {NULL, "a"}, 2), "nothing is not an empty text");
	ok(differ((const char *[]) {"a", NULL}, 2, (const char *[]) {NULL, "a"}, 2), "so does in which column it stands");
	ok(differ((const char *[]) {"a"}, 1, (const char *[]) {"a", NULL}, 2), "and how many there are");
	ok(!differ((const char *[]) {"12345678", "123456789"}, 2, (const char *[]) {"12345678", "123456789"}, 2), "equal rows have one sum");
	for (int i = 0; i < MANY; i++)
	{
		snprintf(text, sizeof(text), "%0*d", 1 + i % 60, i);
		highs[i] = sum(one, 1).high;
	}
	qsort(highs, MANY, sizeof(uint64_t), compare);
	for (int i = 1; i < MANY; i++)
		unique = unique && highs[i - 1] != highs[i];
	ok(unique, "200000 texts have as many sums");
}

int
main(void)
{
	test_values();
	test_expected();
	test_memory();
	test_trees();
	test_sums();
	return tap_end();
}

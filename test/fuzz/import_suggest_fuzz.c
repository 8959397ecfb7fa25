/*-------------------------------------------------------------------------
 *
 * import_suggest_fuzz.c
 *	  Fuzz target of src/import_suggest.c: what is suggested for a wrong code.
 *
 * The input is cut at bytes that are no part of UTF-8: the first piece is the
 * value, the others are codes and names in turn.  What is suggested must be
 * one of the codes, and the same with the codes in another order.
 *
 * IDENTIFICATION
 *	  test/fuzz/import_suggest_fuzz.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_suggest.h"
#include "fuzz_memory.h"

#include <string.h>

#define SEPARATOR 0xFF
#define MAX_PIECES 200

/* Cut the input into pieces, each in memory of its own. */
static int
cut(const uint8_t *data, size_t size, SbSlice *pieces)
{
	int			count = 0;

	while (size > 0 && count < MAX_PIECES)
	{
		const uint8_t *end = memchr(data, SEPARATOR, size);
		size_t		len = end == NULL ? size : (size_t) (end - data);

		pieces[count++] = copy_of(data, len);
		data += len + (end != NULL);
		size -= len + (end != NULL);
	}
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SbSlice		pieces[MAX_PIECES];
	int			count = cut(data, size, pieces);
	SbSlice		found[2] = {{NULL, 0}, {NULL, 0}};
	bool		is_found[2];
	SuggestList lists[2];

	if (count > 0)
	{
		for (int l = 0; l < 2; l++)
		{
			suggest_begin(&lists[l], take, NULL);
			for (int i = 1; i < count; i++)
			{
				int			piece = l == 0 ? i : count - i;
				int			code = piece - 1 + piece % 2;

				suggest_add(&lists[l], pieces[code], pieces[piece], piece % 2 == 0);
			}
			is_found[l] = suggest_find(&lists[l], pieces[0], &found[l]);
		}
		CHECK(is_found[0] == is_found[1]);
		CHECK(!is_found[0] || found[0].data == found[1].data);
	}
	give_back();
	return 0;
}

/*-------------------------------------------------------------------------
 *
 * import_suggest.c
 *	  What may have been meant by a code that is not in its list.
 *
 * Codes and names are compared by their letters and digits alone, without
 * regard to case and width.  The nearest code is suggested when no other one
 * is as near: zeros lost in front, another case or other marks, its name, one
 * or two characters wrong.  Of two that are equally near neither is.
 *
 * IDENTIFICATION
 *	  src/import_suggest.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_suggest.h"

#include <string.h>

#include "utf8.h"

#define FIRST_ROOM 64

/* How near a code is, the nearest first. */
enum
{
	NEAR_ZERO,					/* a zero in front was lost */
	NEAR_CASE,					/* case, width and marks differ */
	NEAR_ZEROS,					/* ... and zeros in front */
	NEAR_NAME,
	NEAR_EDIT,					/* one character; names one further, two
								 * characters two further */
	NEAR_NOTHING = NEAR_EDIT + 4
};

/* A character in small and of usual width. */
static uint32_t
fold(uint32_t c)
{
	if (0xFF01 <= c && c <= 0xFF5E)
		c -= 0xFF01 - '!';
	return sb_fold_letter(c);
}

/* True for a character that counts: a letter or a digit, whatever is no mark. */
static bool
counts(uint32_t c)
{
	if (c < 0x80)
		return ('a' <= c && c <= 'z') || ('0' <= c && c <= '9');
	return !(c < 0xC0 || c == 0xD7 || c == 0xF7 || (0x300 <= c && c <= 0x36F) ||
			 (0x2000 <= c && c <= 0x206F) || (0x3000 <= c && c <= 0x3003) || c == 0xFEFF);
}

/* The characters of a text that count; -1: too many. */
static int
make_key(SbSlice text, uint32_t *key)
{
	const char *at = text.data;
	const char *end = at + text.len;
	int			len = 0;

	while (at < end)
	{
		uint32_t	c = fold(sb_next_character(&at, end));

		if (!counts(c))
			continue;
		if (len == SUGGEST_LENGTH)
			return -1;
		key[len++] = c;
	}
	return len;
}

/* Begin an empty list. */
void
suggest_begin(SuggestList *list, void *(*alloc) (void *arg, size_t size), void *arg)
{
	memset(list, 0, sizeof(*list));
	list->alloc = alloc;
	list->arg = arg;
}

/*
 * Add a code, under itself or under a name of it.  Both must live as long as
 * the list.  What has nothing to compare is left out.
 */
void
suggest_add(SuggestList *list, SbSlice code, SbSlice text, bool is_name)
{
	uint32_t	key[SUGGEST_LENGTH];
	int			len = make_key(text, key);
	uint32_t   *copy;
	SuggestEntry *entry;

	if (len <= 0)
		return;
	if (list->count == list->room)
	{
		int			room = list->room == 0 ? FIRST_ROOM : 2 * list->room;
		SuggestEntry *entries = list->alloc(list->arg, sizeof(SuggestEntry) * (size_t) room);

		if (list->count > 0)
			memcpy(entries, list->entries, sizeof(SuggestEntry) * (size_t) list->count);
		list->entries = entries;
		list->room = room;
	}
	copy = list->alloc(list->arg, sizeof(uint32_t) * (size_t) len);
	memcpy(copy, key, sizeof(uint32_t) * (size_t) len);
	entry = &list->entries[list->count++];
	entry->code = code;
	entry->is_name = is_name;
	entry->len = len;
	entry->key = copy;
}

/* How many edits turn one key into the other; more than `limit` is limit + 1. */
static int
edit_distance(const uint32_t *a, int alen, const uint32_t *b, int blen, int limit)
{
	int			row[SUGGEST_LENGTH + 1];

	if (alen - blen > limit || blen - alen > limit)
		return limit + 1;
	for (int j = 0; j <= blen; j++)
		row[j] = j;
	for (int i = 1; i <= alen; i++)
	{
		int			diagonal = row[0];
		int			least = row[0] = i;

		for (int j = 1; j <= blen; j++)
		{
			int			replaced = diagonal + (a[i - 1] != b[j - 1]);
			int			other = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);

			diagonal = row[j];
			row[j] = replaced < other ? replaced : other;
			if (row[j] < least)
				least = row[j];
		}
		if (least > limit)
			return limit + 1;
	}
	return row[blen] > limit ? limit + 1 : row[blen];
}

/* True when keys are the same but for zeros in front. */
static bool
equal_without_zeros(const uint32_t *a, int alen, const uint32_t *b, int blen)
{
	while (alen > 0 && a[0] == '0')
		a++, alen--;
	while (blen > 0 && b[0] == '0')
		b++, blen--;
	return alen > 0 && alen == blen && memcmp(a, b, sizeof(uint32_t) * (size_t) alen) == 0;
}

/*
 * How many edits may be between two keys: of the shortest none, of digits
 * alone one, as there each number is another code.
 */
static int
edit_limit(const uint32_t *key, int len, int other_len)
{
	int			shorter = len < other_len ? len : other_len;

	if (shorter < 3)
		return 0;
	if (shorter < 5)
		return 1;
	for (int i = 0; i < len; i++)
		if (key[i] < '0' || key[i] > '9')
			return 2;
	return 1;
}

/* How near an entry is to a value. */
static int
nearness(const SuggestEntry *entry, SbSlice value, const uint32_t *key, int len)
{
	int			limit;
	int			edits;

	if (!entry->is_name)
	{
		if (entry->code.len == value.len + 1 && entry->code.data[0] == '0' &&
			memcmp(entry->code.data + 1, value.data, value.len) == 0)
			return NEAR_ZERO;
		if (entry->len == len && memcmp(entry->key, key, sizeof(uint32_t) * (size_t) len) == 0)
			return NEAR_CASE;
		if (equal_without_zeros(entry->key, entry->len, key, len))
			return NEAR_ZEROS;
	}
	else if (entry->len == len && memcmp(entry->key, key, sizeof(uint32_t) * (size_t) len) == 0)
		return NEAR_NAME;
	limit = edit_limit(key, len, entry->len);
	edits = edit_distance(entry->key, entry->len, key, len, limit);
	if (edits == 0 || edits > limit)
		return NEAR_NOTHING;
	return NEAR_EDIT + 2 * (edits - 1) + (entry->is_name ? 1 : 0);
}

/* The one code that is nearest to a value.  False when there is none. */
bool
suggest_find(const SuggestList *list, SbSlice value, SbSlice *suggestion)
{
	uint32_t	key[SUGGEST_LENGTH];
	int			len = make_key(value, key);
	int			nearest = NEAR_NOTHING;
	bool		is_one = false;

	if (len <= 0)
		return false;
	for (int i = 0; i < list->count; i++)
	{
		const SuggestEntry *entry = &list->entries[i];
		int			near = nearness(entry, value, key, len);

		if (near < nearest)
		{
			nearest = near;
			*suggestion = entry->code;
			is_one = true;
		}
		else if (near == nearest && nearest < NEAR_NOTHING && entry->code.data != suggestion->data)
			is_one = false;
	}
	return is_one;
}

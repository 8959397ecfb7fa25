/*-------------------------------------------------------------------------
 *
 * import_ident.c
 *	  The identifiers of a file, each once, and which of them are one unit's.
 *
 * Nodes and values lie in blocks that never move, so that growing costs no
 * copy and no second half that stays empty; only the table of slots doubles.
 *
 * IDENTIFICATION
 *	  src/import_ident.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_ident.h"

#include <string.h>

#include "import_hash.h"

#define BLOCK_NODES UINT32_C(4096)
#define BLOCK_WORDS UINT32_C(32768) /* of values, four bytes each */
#define FIRST_SLOTS UINT32_C(1024)
#define MAX_FIRST_SLOTS (UINT32_C(4) * 1024 * 1024)

/* Before a value: its type and its length. */
#define HEAD_BYTES 3

static void *add_block(ImportIdents *idents, ImportIdentBlocks *blocks, size_t size);
static const unsigned char *key_of(const ImportIdents *idents, uint32_t key);
static uint64_t hash_of(const ImportIdents *idents, int type, SbSlice value);
static bool is_key(const ImportIdents *idents, const ImportNode *node, int type, SbSlice value);
static uint32_t slot_of(const ImportIdents *idents, uint64_t hash, uint32_t node);
static uint32_t find_slot(const ImportIdents *idents, uint64_t hash, int type, SbSlice value);
static void grow(ImportIdents *idents);
static uint32_t store_key(ImportIdents *idents, int type, SbSlice value);

/* Begin with no identifiers. */
void
import_idents_init(ImportIdents *idents, uint64_t expected)
{
	uint32_t	room = FIRST_SLOTS;

	while (room < MAX_FIRST_SLOTS && (room - 1) / 4 * 3 < expected)
		room *= 2;
	idents->count = 0;
	memset(&idents->nodes, 0, sizeof(idents->nodes));
	memset(&idents->values, 0, sizeof(idents->values));
	idents->value_room = 0;
	idents->mask = room - 1;
	idents->slots = idents->alloc(idents->arg, sizeof(uint32_t) * room);
	memset(idents->slots, 0, sizeof(uint32_t) * room);
}

/* One more block. */
static void *
add_block(ImportIdents *idents, ImportIdentBlocks *blocks, size_t size)
{
	if (blocks->used == blocks->room)
	{
		uint32_t	room = blocks->room == 0 ? 16 : blocks->room * 2;
		void	  **copy = idents->alloc(idents->arg, sizeof(void *) * room);

		if (blocks->used > 0)
		{
			memcpy(copy, blocks->blocks, sizeof(void *) * blocks->used);
			idents->release(idents->arg, blocks->blocks);
		}
		blocks->blocks = copy;
		blocks->room = room;
	}
	blocks->blocks[blocks->used] = idents->alloc(idents->arg, size);
	return blocks->blocks[blocks->used++];
}

/* Type, length and value of an identifier. */
static const unsigned char *
key_of(const ImportIdents *idents, uint32_t key)
{
	const unsigned char *block = idents->values.blocks[key / BLOCK_WORDS];

	return block + (size_t) (key % BLOCK_WORDS) * 4;
}

/* A node by its number. */
ImportNode *
import_idents_node(const ImportIdents *idents, uint32_t node)
{
	return (ImportNode *) idents->nodes.blocks[node / BLOCK_NODES] + node % BLOCK_NODES;
}

/* The type of an identifier, as it was added. */
int
import_idents_type(const ImportIdents *idents, uint32_t node)
{
	return key_of(idents, import_idents_node(idents, node)->key)[0];
}

/* The value of an identifier, which lives as long as they all. */
SbSlice
import_idents_value(const ImportIdents *idents, uint32_t node)
{
	const unsigned char *key = key_of(idents, import_idents_node(idents, node)->key);
	SbSlice		value = {(const char *) key + HEAD_BYTES, (size_t) key[1] | (size_t) key[2] << 8};

	return value;
}

/* The sum by which an identifier is found. */
static uint64_t
hash_of(const ImportIdents *idents, int type, SbSlice value)
{
	ImportHash	hash;

	import_hash_begin(&hash, idents->seed + (uint64_t) type);
	import_hash_add(&hash, value);
	return import_hash_end(&hash).high;
}

/* Is this the identifier? */
static bool
is_key(const ImportIdents *idents, const ImportNode *node, int type, SbSlice value)
{
	const unsigned char *key = key_of(idents, node->key);

	return key[0] == type && ((size_t) key[1] | (size_t) key[2] << 8) == value.len &&
		memcmp(key + HEAD_BYTES, value.data, value.len) == 0;
}

/* What a slot says of a node. */
static uint32_t
slot_of(const ImportIdents *idents, uint64_t hash, uint32_t node)
{
	return ((uint32_t) hash & ~idents->mask) | (node + 1);
}

/* The slot of an identifier, or the free one where it would be. */
static uint32_t
find_slot(const ImportIdents *idents, uint64_t hash, int type, SbSlice value)
{
	uint32_t	slot = (uint32_t) hash & idents->mask;

	for (uint32_t found; (found = idents->slots[slot]) != 0; slot = (slot + 1) & idents->mask)
		if ((((uint32_t) hash ^ found) & ~idents->mask) == 0 &&
			is_key(idents, import_idents_node(idents, (found & idents->mask) - 1), type, value))
			break;
	return slot;
}

/* Twice as many slots; the nodes are put into them in their order. */
static void
grow(ImportIdents *idents)
{
	uint32_t	room = (idents->mask + 1) * 2;

	idents->release(idents->arg, idents->slots);
	idents->slots = idents->alloc(idents->arg, sizeof(uint32_t) * room);
	memset(idents->slots, 0, sizeof(uint32_t) * room);
	idents->mask = room - 1;
	for (uint32_t node = 0; node < idents->count; node++)
	{
		uint64_t	hash = hash_of(idents, import_idents_type(idents, node), import_idents_value(idents, node));
		uint32_t	slot = (uint32_t) hash & idents->mask;

		while (idents->slots[slot] != 0)
			slot = (slot + 1) & idents->mask;
		idents->slots[slot] = slot_of(idents, hash, node);
	}
}

/* Keep type and value; the answer says where. */
static uint32_t
store_key(ImportIdents *idents, int type, SbSlice value)
{
	uint32_t	words = (uint32_t) ((value.len + HEAD_BYTES + 3) / 4);
	uint32_t	place;
	unsigned char *key;

	if (words > idents->value_room)
	{
		add_block(idents, &idents->values, (size_t) BLOCK_WORDS * 4);
		idents->value_room = BLOCK_WORDS;
	}
	place = BLOCK_WORDS - idents->value_room;
	key = (unsigned char *) idents->values.blocks[idents->values.used - 1] + (size_t) place * 4;
	key[0] = (unsigned char) type;
	key[1] = (unsigned char) (value.len & 0xff);
	key[2] = (unsigned char) (value.len >> 8);
	memcpy(key + HEAD_BYTES, value.data, value.len);
	idents->value_room -= words;
	return (idents->values.used - 1) * BLOCK_WORDS + place;
}

/*
 * The number of an identifier.  False: there are too many of them, or it is
 * too long.
 */
bool
import_idents_add(ImportIdents *idents, int type, SbSlice value, uint32_t *node)
{
	uint64_t	hash = hash_of(idents, type, value);
	uint32_t	slot = find_slot(idents, hash, type, value);
	ImportNode *added;

	if (idents->slots[slot] != 0)
	{
		*node = (idents->slots[slot] & idents->mask) - 1;
		return true;
	}
	if (value.len > IMPORT_MAX_IDENT_LENGTH || idents->count >= IMPORT_MAX_IDENTS ||
		idents->values.used >= UINT32_MAX / BLOCK_WORDS)
		return false;
	if (idents->count >= idents->mask / 4 * 3)
	{
		grow(idents);
		slot = find_slot(idents, hash, type, value);
	}
	if (idents->count % BLOCK_NODES == 0)
		add_block(idents, &idents->nodes, sizeof(ImportNode) * BLOCK_NODES);
	*node = idents->count++;
	idents->slots[slot] = slot_of(idents, hash, *node);
	added = import_idents_node(idents, *node);
	memset(added, 0, sizeof(*added));
	added->parent = *node;
	added->key = store_key(idents, type, value);
	return true;
}

/* The number of an identifier, when it is there. */
bool
import_idents_find(const ImportIdents *idents, int type, SbSlice value, uint32_t *node)
{
	uint32_t	slot = find_slot(idents, hash_of(idents, type, value), type, value);

	if (idents->slots[slot] == 0)
		return false;
	*node = (idents->slots[slot] & idents->mask) - 1;
	return true;
}

/* The root of a node's tree; on the way every other node moves up. */
uint32_t
import_idents_root(ImportIdents *idents, uint32_t node)
{
	for (;;)
	{
		ImportNode *at = import_idents_node(idents, node);

		if (at->parent == node)
			return node;
		at->parent = import_idents_node(idents, at->parent)->parent;
		node = at->parent;
	}
}

/* Make one tree of two. */
void
import_idents_join(ImportIdents *idents, uint32_t a, uint32_t b)
{
	ImportNode *upper;
	ImportNode *lower;

	a = import_idents_root(idents, a);
	b = import_idents_root(idents, b);
	if (a == b)
		return;
	upper = import_idents_node(idents, a);
	lower = import_idents_node(idents, b);
	/* a known one stays above; among equals, the one with more rows */
	if ((upper->unit == IMPORT_UNIT_NONE) != (lower->unit == IMPORT_UNIT_NONE)
		? upper->unit == IMPORT_UNIT_NONE : upper->rows < lower->rows)
	{
		ImportNode *other = upper;

		upper = lower;
		lower = other;
		b = a;
		a = upper->parent;
	}
	lower->parent = a;
	upper->flags |= lower->flags & IMPORT_TREE_AMBIGUOUS;
	upper->flags |= IMPORT_TREE_JOINED;
	if (lower->unit != IMPORT_UNIT_NONE && lower->unit != upper->unit)
		upper->flags |= IMPORT_TREE_AMBIGUOUS;
	if (lower->first_row != 0 && (upper->first_row == 0 || lower->first_row < upper->first_row))
		upper->first_row = lower->first_row;
	upper->rows += lower->rows;
}

/*-------------------------------------------------------------------------
 *
 * sweep_tree.c
 *	  The combined value of the rows that are open now.
 *
 * A binary tree over slots: setting or clearing a slot combines again along
 * the way to the root, O(log slots).  So a sum of floating-point numbers never
 * holds the rounding of values that have left, a NaN goes when its row goes,
 * and the scale of a numeric sum is that of the values in it.
 *
 * IDENTIFICATION
 *	  src/sweep_tree.c
 *
 *-------------------------------------------------------------------------
 */
#include "sweep.h"

/* What a node holds. */
#define NODE_EMPTY		0
#define NODE_BORROWED	1		/* a leaf's or child's own value */
#define NODE_COMBINED	2		/* made by combine() */

static void enlarge(SweepTree *tree, int slot);
static void combine_node(SweepTree *tree, int node);
static void combine_upwards(SweepTree *tree, int slot);
static void set_node(SweepTree *tree, int node, uint8_t state, int64_t value);

/* Give a slot a value, which must live until the slot is set again or cleared. */
void
sweep_tree_set(SweepTree *tree, int slot, int64_t value)
{
	if (slot >= tree->capacity)
		enlarge(tree, slot);
	tree->values[tree->capacity + slot] = value;
	tree->states[tree->capacity + slot] = NODE_BORROWED;
	combine_upwards(tree, slot);
}

/* Empty a slot; its value is not used any more. */
void
sweep_tree_clear(SweepTree *tree, int slot)
{
	if (slot >= tree->capacity || tree->states[tree->capacity + slot] == NODE_EMPTY)
		return;
	tree->states[tree->capacity + slot] = NODE_EMPTY;
	combine_upwards(tree, slot);
}

/* All values combined; false when there is none. */
bool
sweep_tree_root(const SweepTree *tree, int64_t *value)
{
	if (tree->capacity == 0 || tree->states[1] == NODE_EMPTY)
		return false;
	*value = tree->values[1];
	return true;
}

/* Make room for a slot: the leaves move, and everything above is combined again. */
static void
enlarge(SweepTree *tree, int slot)
{
	const SweepMemory *memory = tree->memory;
	int			old = tree->capacity;
	int			capacity = old == 0 ? 1 : old;

	while (capacity <= slot)
		capacity *= 2;
	for (int node = 1; node < old; node++)
		set_node(tree, node, NODE_EMPTY, 0);
	tree->values = memory->resize(memory->arg, tree->values, 2 * (size_t) capacity * sizeof(int64_t));
	tree->states = memory->resize(memory->arg, tree->states, 2 * (size_t) capacity);
	tree->capacity = capacity;

	/* from the last leaf to the first: old and new places may overlap */
	for (int leaf = capacity - 1; leaf >= 0; leaf--)
	{
		tree->values[capacity + leaf] = leaf < old ? tree->values[old + leaf] : 0;
		tree->states[capacity + leaf] = leaf < old ? tree->states[old + leaf] : NODE_EMPTY;
	}
	for (int node = capacity - 1; node >= 1; node--)
	{
		tree->states[node] = NODE_EMPTY;
		combine_node(tree, node);
	}
}

/* Combine the nodes above a leaf again. */
static void
combine_upwards(SweepTree *tree, int slot)
{
	for (int node = (tree->capacity + slot) / 2; node >= 1; node /= 2)
		combine_node(tree, node);
}

/* A node from its two children. */
static void
combine_node(SweepTree *tree, int node)
{
	int			left = 2 * node;
	int			right = left + 1;

	if (tree->states[left] == NODE_EMPTY && tree->states[right] == NODE_EMPTY)
		set_node(tree, node, NODE_EMPTY, 0);
	else if (tree->states[right] == NODE_EMPTY)
		set_node(tree, node, NODE_BORROWED, tree->values[left]);
	else if (tree->states[left] == NODE_EMPTY)
		set_node(tree, node, NODE_BORROWED, tree->values[right]);
	else
		set_node(tree, node, NODE_COMBINED,
				 tree->combine(tree->arg, tree->values[left], tree->values[right]));
}

/* Put a value into an inner node and give back the one it made before. */
static void
set_node(SweepTree *tree, int node, uint8_t state, int64_t value)
{
	if (tree->states[node] == NODE_COMBINED && tree->release != NULL)
		tree->release(tree->arg, tree->values[node]);
	tree->states[node] = state;
	tree->values[node] = value;
}

/*-------------------------------------------------------------------------
 *
 * interval_set_heap.h
 *	  Heap sort in place of the n items of an array: a function's body.
 *
 * Before: ITEM is the type, KEY(i) the cut to sort items[i] by, LESS(a, b)
 * compares.  No recursion, no memory, n log n always.
 *
 * IDENTIFICATION
 *	  src/interval_set_heap.h
 *
 *-------------------------------------------------------------------------
 */

/* No include guard: it is meant to be included more than once. */

int			sorted = 1;
int			start = n / 2;
int			end = n;

while (sorted < n && !LESS(KEY(sorted), KEY(sorted - 1)))
	sorted++;
if (sorted >= n)
	return;

while (end > 1)
{
	ITEM		top;
	int			at;

	if (start > 0)
		start--;
	else
	{
		end--;
		top = items[0];
		items[0] = items[end];
		items[end] = top;
	}
	at = start;
	top = items[at];
	for (;;)
	{
		int			child = 2 * at + 1;
		ITEM		chosen;

		if (child >= end)
			break;
		if (child + 1 < end && LESS(KEY(child), KEY(child + 1)))
			child++;
		chosen = items[child];
		items[at] = top;
		if (!LESS(KEY(at), KEY(child)))
			break;
		items[at] = chosen;
		at = child;
	}
	items[at] = top;
}

#undef KEY
#undef ITEM

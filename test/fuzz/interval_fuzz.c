/*-------------------------------------------------------------------------
 *
 * interval_fuzz.c
 *	  Fuzz target of the interval algebra: src/interval*.c without a server.
 *
 * The input is a list of intervals, two bytes each, whose first bit asks for a
 * merge in between.  Apart from what the sanitizers see, these promises are held:
 *	  - islands are sorted, do not touch, and cover the days that were added;
 *	  - a packed set and a wide one agree;
 *	  - counted cuts are sorted, different, and add up to what is open each day;
 *	  - the relation of two neighbours is inverse to that the other way round, and
 *		one of those that composing with a third allows.
 *
 * IDENTIFICATION
 *	  test/fuzz/interval_fuzz.c
 *
 *-------------------------------------------------------------------------
 */
#include "interval_set.h"
#include "fuzz.h"

#define DAYS		256
#define MAX_ITEMS	2048

static const SbOrder order = {NULL, NULL};
static const SbSetOwner owner = {&order, NULL};

static SbPackedInterval packed[MAX_ITEMS];
static SbInterval wide[MAX_ITEMS];
static SbPackedCount counts[2 * MAX_ITEMS];

/* Relations of three intervals agree with one another. */
static void
check_relations(const SbInterval *x, const SbInterval *y, const SbInterval *z)
{
	SbAllen		xy = sb_allen(&order, x, y);

	CHECK(sb_allen(&order, y, x) == sb_allen_inverse(xy));
	CHECK(sb_allen_compose(xy, sb_allen(&order, y, z)) >> sb_allen(&order, x, z) & 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SbSetFill	packed_fill = {0, 0, MAX_ITEMS};
	SbSetFill	wide_fill = {0, 0, MAX_ITEMS};
	SbSetFill	counts_fill = {0, 0, 2 * MAX_ITEMS};
	int			open[DAYS + 1] = {0};
	SbInterval	last[3];
	int			seen = 0;
	int			at = 0;
	int64_t		sum = 0;

	for (size_t i = 0; i + 1 < size && i / 2 < MAX_ITEMS; i += 2)
	{
		int			from = data[i];
		int			until = from + 1 + (data[i + 1] & 127);
		SbInterval	x;
		SbPackedInterval p;

		if (until > DAYS)
			until = DAYS;
		for (int day = from; day < until; day++)
			open[day]++;
		x.lo = (SbCut) {from, SB_CUT_BEFORE};
		x.hi = until == DAYS ? (SbCut) {0, SB_CUT_END} : (SbCut) {until, SB_CUT_BEFORE};
		p.lo = sb_pack(x.lo);
		p.hi = sb_pack(x.hi);
		last[seen++ % 3] = x;
		if (seen >= 3)
			check_relations(&last[seen % 3], &last[(seen + 1) % 3], &last[(seen + 2) % 3]);
		if (data[i + 1] & 128)
		{
			sb_packed_islands_compact(packed, &packed_fill);
			sb_packed_counts_compact(counts, &counts_fill);
		}
		sb_packed_islands_add(packed, &packed_fill, p);
		sb_wide_islands_add(&owner, wide, &wide_fill, x);
		sb_packed_counts_add(counts, &counts_fill, (SbPackedCount) {p.lo, 1});
		sb_packed_counts_add(counts, &counts_fill, (SbPackedCount) {p.hi, -1});
	}
	sb_packed_islands_compact(packed, &packed_fill);
	sb_wide_islands_compact(&owner, wide, &wide_fill);
	sb_packed_counts_compact(counts, &counts_fill);

	CHECK(packed_fill.count == wide_fill.count && packed_fill.used == packed_fill.count);
	for (int i = 0; i < packed_fill.count; i++)
	{
		int			from = (int) sb_unpack(packed[i].lo).value;
		SbCut		end = sb_unpack(packed[i].hi);
		int			until = end.side == SB_CUT_END ? DAYS : (int) end.value;

		CHECK(sb_cut_compare(&order, wide[i].lo, sb_unpack(packed[i].lo)) == 0);
		CHECK(sb_cut_compare(&order, wide[i].hi, end) == 0);
		CHECK(i == 0 || packed[i - 1].hi < packed[i].lo);
		for (; at < from; at++)
			CHECK(open[at] == 0);
		for (; at < until; at++)
			CHECK(open[at] > 0);
	}
	for (; at < DAYS; at++)
		CHECK(open[at] == 0);

	for (int i = 0; i < counts_fill.count; i++)
	{
		SbCut		cut = sb_unpack(counts[i].cut);
		int			from = cut.side == SB_CUT_END ? DAYS : (int) cut.value;

		CHECK(i == 0 || counts[i - 1].cut < counts[i].cut);
		sum += counts[i].net;
		if (i + 1 < counts_fill.count)
		{
			SbCut		next = sb_unpack(counts[i + 1].cut);
			int			until = next.side == SB_CUT_END ? DAYS : (int) next.value;

			for (int day = from; day < until; day++)
				CHECK(open[day] == sum);
		}
	}
	CHECK(sum == 0);
	return 0;
}

/*-------------------------------------------------------------------------
 *
 * interval_set.c
 *	  Sets of time that grow: see interval_set.h.
 *
 * IDENTIFICATION
 *	  src/interval_set.c
 *
 *-------------------------------------------------------------------------
 */
#include "interval_set.h"

/* Packed cuts: integers that nobody owns. */
#define SET(name) sb_packed_##name
#define CUT SbPackedCut
#define ISLAND SbPackedInterval
#define COUNT SbPackedCount
#define OWNER
#define PASS
#define COMPARE(a, b) ((a) < (b) ? -1 : (a) > (b))
#define DROP(cut) ((void) 0)
#include "interval_set_template.h"

/* Give up the value of a cut. */
static inline void
drop_cut(const SbSetOwner *owner, SbCut cut)
{
	if (owner->drop != NULL && (cut.side == SB_CUT_BEFORE || cut.side == SB_CUT_AFTER))
		owner->drop(cut.value);
}

/* Cuts as they are. */
#define SET(name) sb_wide_##name
#define CUT SbCut
#define ISLAND SbInterval
#define COUNT SbWideCount
#define OWNER const SbSetOwner *owner,
#define PASS owner,
#define COMPARE(a, b) sb_cut_compare(owner->order, a, b)
#define DROP(cut) drop_cut(owner, cut)
#include "interval_set_template.h"

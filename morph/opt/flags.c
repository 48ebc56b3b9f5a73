/* Dead flags, found before anything is lifted, so that dead ones cost no node.
 *
 * Flags are wanted at every commit, because a fault, a signal or a stop in the next block shows them. Within a region that
 * commits once they are wanted only by readers: rollback brings back the old ones.
 */
#include "opt.h"

#include "guest/lift.h"
#include "shared.h"

enum { ALL = 0x3f };

/* The flags that the instruction's body replaces whatever they were. Some keep what the manual leaves undefined. */
static unsigned killed_by(const struct ginsn *g)
{
    switch (g->op) {
    case G_BT: case G_BTS: case G_BTR: case G_BTC: return g->flags_written & 1;
    case G_DIV: case G_IDIV: return 0;
    default: return g->flags_written;
    }
}

void opt_dead_flags(const struct ginsn *g, unsigned n, uint32_t null_segs, bool enabled, uint8_t *known)
{
    unsigned live = ALL;
    for (unsigned i = n; i-- > 0;) {
        const struct ginsn *p = &g[i];
        unsigned written = killed_by(p);
        known[i] = enabled && written && !(live & written) ? LIFT_DEAD : 0;
        live = (live & ~written) | p->flags_read;
        if (lift_can(p) && !(null_segs >> p->seg & 1))
            continue;
        known[i] |= LIFT_CANNOT;
        live = ALL; /* the block is left before it */
    }
}

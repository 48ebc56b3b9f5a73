/* Dead flags, found before anything is lifted, so that dead ones cost no node.
 *
 * Flags are wanted at every commit, because a fault, a signal or a stop in the next block shows them. Within a region that
 * commits once they are wanted only by readers: rollback brings back the old ones.
 */
#include "opt.h"

#include "guest/lift.h"
#include "shared.h"

enum { ALL = 0x3f };

void opt_dead_flags(const struct ginsn *g, unsigned n, uint32_t null_segs, bool enabled, uint8_t *dead)
{
    unsigned live = ALL;
    for (unsigned i = n; i-- > 0;) {
        const struct ginsn *p = &g[i];
        unsigned written = p->flags_written;
        dead[i] = enabled && written && !(live & written);
        live = (live & ~written) | p->flags_read;
        if (!lift_can(p) || (null_segs && p->seg >= GUEST_FS))
            live = ALL; /* the block is left before it */
    }
}

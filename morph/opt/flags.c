/* Dead flags, found before anything is lifted, so that dead ones cost no node.
 *
 * Flags are wanted at every commit, because a fault, a signal or a stop in the next block shows them. Within a region that
 * commits once they are wanted only by readers: rollback brings back the old ones.
 */
#include "opt.h"

#include "guest/decode.h"
#include "guest/lift.h"
#include "guest/lift_simd.h"
#include "guest/lift_x87.h"
#include "shared.h"

enum { ALL = 0x3f, BODY = 0x40, LOOK = 0x80, READS_AT = 8 };

void opt_init(struct opt_table *t)
{
    for (unsigned op = 0; op < GOP_COUNT; op++) {
        struct ginsn g = {.op = (uint16_t)op, .opsize = 4, .addrsize = 4, .seg = GUEST_DS};
        t->attr[op] = (uint16_t)(ALL |
                                 (lift_simd_op(op) || lift_x87_op(op) ? BODY | LOOK
                                  : lift_can(&g)                      ? BODY
                                                                      : 0) |
                                 gop_infos[op].flags_read << READS_AT);
    }
    /* Some bodies keep what the manual leaves undefined. */
    static const uint16_t bit_tests[] = {G_BT, G_BTS, G_BTR, G_BTC}, divisions[] = {G_DIV, G_IDIV},
                          look[] = {G_ENTER, G_MOVS, G_STOS, G_LODS, G_SCAS, G_CMPS};
    for (unsigned i = 0; i < 4; i++)
        t->attr[bit_tests[i]] = BODY | 1; /* reads none */
    for (unsigned i = 0; i < 2; i++)
        t->attr[divisions[i]] = BODY | LOOK;
    for (unsigned i = 0; i < 6; i++)
        t->attr[look[i]] |= LOOK;
}

void opt_dead_flags(const struct opt_table *t, const struct ginsn *g, unsigned n, uint32_t null_segs, bool enabled,
                    uint8_t *known)
{
    unsigned live = ALL, none = enabled ? 0 : ALL, look = null_segs | 1u << GUEST_CS;
    for (unsigned i = n; i-- > 0;) {
        const struct ginsn *p = &g[i];
        unsigned attr = t->attr[p->op], seg = p->seg, written = p->flags_written & attr, read = p->flags_read;
        bool dead = written && !((live | none) & written);
        unsigned what = dead ? LIFT_DEAD : 0;
        /* A count in CL may be zero, so that the instruction "reads" flags to keep them. If nobody wants them, it need not. */
        unsigned kept = dead ? read & ~(attr >> READS_AT) : 0;
        live = (live & ~written) | (read & ~kept);
        /* Looked at closer are ops with a condition, and code and null segments. */
        if (((attr & (BODY | LOOK)) ^ BODY) | (look >> seg & 1)) {
            bool can = attr & BODY && !(null_segs >> seg & 1) && lift_can(p) &&
                       !(null_segs & LIFT_NO_SIMD && lift_simd_op(p->op)) && !(null_segs & LIFT_NO_X87 && lift_x87_op(p->op));
            if (!can || lift_alone(p)) {
                what |= can ? LIFT_ALONE : LIFT_CANNOT;
                live = ALL; /* the block is left before it */
            }
        }
        known[i] = (uint8_t)what;
    }
}

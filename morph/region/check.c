/* Self-checking: a region that compares its own guest code with what it was made of, every time that it is entered. The translated
 * bits of the TLB make that needless; it is here to say what they are worth, and costs a load and two operations for four bytes. */
#include "guest/block.h"
#include "morph.h"
#include "port.h"
#include "region.h"

enum { PAGE = 4096 };

/* What is in memory at byte n of the block now. */
static uint8_t code_byte(const struct gblock *b, unsigned n)
{
    unsigned first = PAGE - (b->paddr & (PAGE - 1));
    return n < first ? port_phys(b->paddr)[n] : port_phys(b->paddr2)[n - first];
}

/* Nonzero if `size` bytes of the block from byte n on are no longer what they are now. */
static struct ir_val difference(struct ir_block *ir, const struct gblock *b, unsigned n, unsigned size)
{
    uint64_t was = 0;
    for (unsigned i = 0; i < size; i++)
        was |= (uint64_t)code_byte(b, n + i) << 8 * i;
    struct ir_val now = ir_load(ir, ir_const(ir, b->rip + n), size, false), then = ir_const(ir, was);
    return ir_logic(ir, DUKE_OP_XOR, now, then);
}

static bool seen_before(const struct region *r, uint32_t step)
{
    for (uint32_t i = 0; i < step; i++)
        if (r->steps[i].block == r->steps[step].block)
            return true;
    return false;
}

static void check_block(struct ir_block *ir, const struct gblock *b)
{
    struct ir_val all = ir_const(ir, 0);
    for (unsigned n = 0, size; n < b->len; n += size) {
        size = b->len - n >= 4 ? 4 : b->len - n >= 2 ? 2 : 1;
        struct ir_val d = difference(ir, b, n, size);
        all = n ? ir_logic(ir, DUKE_OP_OR, all, d) : d;
    }
    ir_fault_if(ir, all);
}

void region_check(struct morph *m)
{
    struct region *r = m->region;
    for (uint32_t s = 0; s < r->nsteps; s++) {
        const struct region_step *step = &r->steps[s];
        if (seen_before(r, s))
            continue;
        check_block(&r->ir, &m->blocks->blocks[step->block]);
        if (step->nover)
            check_block(&r->ir, &m->blocks->blocks[step->over]);
    }
}

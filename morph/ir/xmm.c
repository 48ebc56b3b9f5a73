/* XMM registers as the lifter sees them: pairs of 64-bit halves, each an f register's value. */
#include "ir.h"

void ir_begin_xmm(struct ir_block *b)
{
    unsigned n = b->wide ? IR_XMM_HALVES : IR_XMM_HALVES / 2; /* IA-32 has eight registers */
    b->fp = b->uses_xmm = b->has_xmm = 1;
    b->xmm_dirty = 0;
    for (unsigned i = 0; i < n; i++)
        b->xmm[i] = b->xmm_home[i] = ir_emit(b, IR_XMM, 0, 0, 0, i, 0, 64);
}

ir_ref ir_get_xmm(struct ir_block *b, unsigned half) { return b->xmm[half]; }

void ir_put_xmm(struct ir_block *b, unsigned half, ir_ref r)
{
    b->xmm[half] = r;
    b->xmm_dirty |= 1u << half;
}

void ir_xmm_home(struct ir_block *b)
{
    for (uint32_t m = b->xmm_dirty; m; m &= m - 1) {
        unsigned i = (unsigned)__builtin_ctz(m);
        if (b->xmm[i] == b->xmm_home[i])
            continue;
        ir_emit(b, IR_SET, b->xmm[i], 0, 0, IR_G_XMM + i, 0, 0);
        b->xmm_home[i] = b->xmm[i];
    }
    b->xmm_dirty = 0;
}

void ir_check_aligned(struct ir_block *b, struct ir_val addr)
{
    uint8_t k = (uint8_t)addr.k & 15;
    if (addr.ref == 0) {
        if (k)
            ir_fault_if(b, (struct ir_val){1, 0, 0, 0});
        return;
    }
    for (uint32_t i = 0; i < b->nchecks; i++)
        if (b->check[i].ref == addr.ref && b->check[i].tag == addr.tag && b->check[i].k == k)
            return;
    struct ir_val low = ir_logic(b, DUKE_OP_AND, addr, (struct ir_val){15, 0, 0, 0});
    ir_fault_if(b, low);
    if (b->nchecks < IR_CHECKS_MAX)
        b->check[b->nchecks++] = (struct ir_check){addr.ref, addr.tag, k};
}

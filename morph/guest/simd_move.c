/* Moves. */
#include "morph.h"
#include "simd.h"

bool simd_move(struct simd *x)
{
    const struct gopnd *o = x->g->opnd;
    bool from_memory = o[1].kind == GO_MEM, to_memory = o[0].kind == GO_MEM;
    bool from_vector = o[1].kind == GO_XMM || o[1].kind == GO_MMX;
    switch (x->g->op) {
    case G_MOVUPS:
    case G_MOVUPD:
    case G_MOVAPS:
    case G_MOVAPD:
    case G_MOVDQA:
    case G_MOVDQU:
    case G_LDDQU:
    case G_MOVNTPS:
    case G_MOVNTPD:
    case G_MOVNTDQ:
    case G_MOVNTDQA:
    case G_MOVNTQ: x->d = x->s; return true;
    case G_MOVSS:
        x->d.w[0] = x->s.w[0];
        if (from_memory)
            x->d.w[1] = x->d.w[2] = x->d.w[3] = 0;
        return true;
    case G_MOVSD:
        x->d.q[0] = x->s.q[0];
        if (from_memory)
            x->d.q[1] = 0;
        return true;
    case G_MOVQ:
    case G_MOVDQ2Q:
    case G_MOVQ2DQ:
        x->d.q[0] = x->s.q[0];
        x->d.q[1] = 0;
        return true;
    case G_MOVD:
        x->d.q[0] = o[from_vector ? 0 : 1].size == 8 ? x->s.q[0] : x->s.w[0];
        x->d.q[1] = 0;
        return true;
    case G_MOVLPS:
    case G_MOVLPD: x->d.q[0] = x->s.q[0]; return true;
    case G_MOVHPS:
    case G_MOVHPD:
        if (to_memory)
            x->d.q[0] = x->s.q[1];
        else
            x->d.q[1] = x->s.q[0];
        return true;
    case G_MOVHLPS: x->d.q[0] = x->s.q[1]; return true;
    case G_MOVLHPS: x->d.q[1] = x->s.q[0]; return true;
    case G_MOVDDUP: x->d.q[0] = x->d.q[1] = x->s.q[0]; return true;
    case G_MOVSLDUP:
        x->d.w[0] = x->d.w[1] = x->s.w[0];
        x->d.w[2] = x->d.w[3] = x->s.w[2];
        return true;
    case G_MOVSHDUP:
        x->d.w[0] = x->d.w[1] = x->s.w[1];
        x->d.w[2] = x->d.w[3] = x->s.w[3];
        return true;
    default: return false;
    }
}

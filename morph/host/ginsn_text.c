/* See ginsn_text.h. */
#include "ginsn_text.h"

#include <stdio.h>

#define X(name, text, read, written, undefined, attr) [G_##name] = text,
static const char *const op_names[] = {GOP_TABLE(X)};
#undef X

const char *guest_op_name(unsigned op) { return op < GOP_COUNT ? op_names[op] : "?"; }

void ginsn_flags_text(unsigned flags, char *text)
{
    for (unsigned i = 0; i < 6; i++)
        if (flags >> i & 1)
            *text++ = "CPAZSO"[i];
    if (!flags)
        *text++ = '-';
    *text = 0;
}

void ginsn_text(const struct ginsn *g, char *text, unsigned size)
{
    static const char *const kinds[] = {"none", "r", "h", "mem", "imm", "imm2", "seg", "cr", "dr", "st", "mmx", "xmm"};
    int n = snprintf(text, size, "%s", guest_op_name(g->op));
#define ADD(...) n += snprintf(text + n, size - (unsigned)n, __VA_ARGS__)
    if (g->op == G_JCC || g->op == G_SETCC || g->op == G_CMOVCC)
        ADD(".%u", g->cc);
    for (unsigned i = 0; i < g->nopnds; i++) {
        const struct gopnd *o = &g->opnd[i];
        ADD(" %s", kinds[o->kind]);
        if (o->kind == GO_IMM)
            ADD("=%#llx", (unsigned long long)g->imm);
        else if (o->kind == GO_IMM2)
            ADD("=%#x", g->imm2);
        else if (o->kind == GO_MEM)
            ADD("[b%d i%d<<%u %+lld seg%u a%u]", (int8_t)g->base, (int8_t)g->index, g->scale, (long long)g->disp, g->seg,
                g->addrsize);
        else
            ADD("%u", o->reg);
        ADD(".%u", o->size);
    }
    ADD(" op%u pfx%x (%u bytes)", g->opsize, g->prefixes, g->len);
#undef ADD
}

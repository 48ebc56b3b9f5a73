/* Random MMX and SSE instructions: the opcodes are those that the decoder knows with a vector operand, each with the same chance. */
#include <cpuid.h>
#include <string.h>

#include "decode.h"
#include "oracle.h"

struct form {
    uint8_t prefix, map, opcode;
    int8_t reg; /* ModRM.reg that selects, or -1 */
    bool regs, mem;
};

static struct form forms[1200];
static unsigned nforms;

/* Not all processors have them, nor want their memory operands aligned. */
static bool is_sha(unsigned op)
{
    return op == G_SHA1NEXTE || op == G_SHA1MSG1 || op == G_SHA1MSG2 || op == G_SHA1RNDS4 || op == G_SHA256RNDS2 ||
           op == G_SHA256MSG1 || op == G_SHA256MSG2;
}

static bool host_has_sha(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b >> 29 & 1;
}

/* RCP and RSQRT approximate as each processor likes; LDMXCSR is made with a prepared value; the rest shows the kernel's work. */
static bool wanted(const struct ginsn *g)
{
    switch (g->op) {
    case G_RCPPS:
    case G_RCPSS:
    case G_RSQRTPS:
    case G_RSQRTSS:
    case G_FXSAVE:
    case G_FXRSTOR:
    case G_LDMXCSR: return false;
    case G_EMMS:
    case G_STMXCSR:
    case G_CRC32:
    case G_MOVBE:
    case G_ADCX:
    case G_ADOX:
    case G_CVTSD2SI: /* from memory, too */
    case G_CVTTSD2SI:
    case G_CVTSS2SI:
    case G_CVTTSS2SI: return true;
    default: break;
    }
    if (is_sha(g->op) && !host_has_sha())
        return false;
    for (unsigned i = 0; i < g->nopnds; i++)
        if (g->opnd[i].kind == GO_XMM || g->opnd[i].kind == GO_MMX)
            return true;
    return false;
}

static unsigned put_opcode(const struct form *f, uint8_t *p)
{
    unsigned n = 0;
    if (f->prefix)
        p[n++] = f->prefix;
    p[n++] = 0x0f;
    if (f->map)
        p[n++] = f->map;
    p[n++] = f->opcode;
    return n;
}

static bool decodes(const struct form *f, unsigned reg, bool memory, struct ginsn *g)
{
    uint8_t bytes[16] = {0};
    unsigned n = put_opcode(f, bytes);
    bytes[n] = (uint8_t)(reg << 3 | (memory ? 0 : 0xc0));
    return guest_decode(bytes, 15, GUEST_X86_64, g) == DECODE_OK && wanted(g);
}

static void make_forms(void)
{
    static const uint8_t prefixes[] = {0, 0x66, 0xf3, 0xf2}, maps[] = {0, 0x38, 0x3a};
    for (unsigned i = 0; i < 12; i++)
        for (unsigned opcode = 0; opcode < 256; opcode++) {
            struct form f = {.prefix = prefixes[i % 4], .map = maps[i / 4], .opcode = (uint8_t)opcode, .reg = -1};
            struct ginsn g;
            unsigned ops[8], n = 0;
            for (unsigned reg = 0; reg < 8; reg++)
                ops[reg] = decodes(&f, reg, false, &g) || decodes(&f, reg, true, &g) ? (n++, g.op) : 0;
            if (!n || (!f.map && (opcode == 0x38 || opcode == 0x3a))) /* escapes */
                continue;
            bool same = n == 8;
            for (unsigned reg = 1; reg < 8; reg++)
                same &= ops[reg] == ops[0];
            for (unsigned reg = 0; reg < (same ? 1 : 8); reg++) {
                f.reg = (int8_t)(same ? -1 : (int)reg);
                f.regs = decodes(&f, reg, false, &g);
                f.mem = decodes(&f, reg, true, &g);
                if (f.regs || f.mem)
                    forms[nforms++] = f;
            }
        }
}

/* A fresh value into an XMM register, so that not all become NaNs. */
static const struct form loads[] = {
    {0xf3, 0, 0x6f, -1, true, true}, {0x66, 0, 0x6f, -1, true, true}, {0xf3, 0, 0x10, -1, true, true},
    {0xf2, 0, 0x10, -1, true, true}, {0, 0, 0x10, -1, true, true},    {0, 0, 0x16, -1, false, true},
};

unsigned generator_sse(struct generator *gen, const struct oracle_state *s, uint8_t *p)
{
    struct random *r = &gen->rng;
    bool wide = gen->kind.mode == GUEST_X86_64;
    if (!nforms)
        make_forms();
    const struct form *f = random_below(r, 5) ? &forms[random_below(r, nforms)] : &loads[random_below(r, 6)];
    bool memory = f->mem && (!f->regs || random_below(r, 2));
    unsigned reg = f->reg >= 0 ? (unsigned)f->reg : random_below(r, 8);
    uint8_t rex = (uint8_t)(wide && random_below(r, 3) ? 0x40 | (random_below(r, 16) & (memory ? 0xc : 0xd)) : 0);
    if (f->reg >= 0)
        rex &= 0xfb;
    unsigned n = 0, rex_at;
    uint64_t base = 0;
    if (memory)
        n = generator_mem_prefixes(gen, s, &base, p);
    if (f->prefix)
        p[n++] = f->prefix;
    if (f->map == 0x38 && f->prefix == 0xf2 && random_below(r, 3) == 0) /* CRC32 of 16 bits */
        p[n++] = 0x66;
    rex_at = n;
    n += wide;
    p[n++] = 0x0f;
    if (f->map)
        p[n++] = f->map;
    p[n++] = f->opcode;

    struct ginsn g;
    uint8_t probe[16] = {0};
    unsigned pn = put_opcode(f, probe);
    probe[pn] = (uint8_t)(reg << 3 | (memory ? 0 : 0xc0));
    if (guest_decode(probe, 15, GUEST_X86_64, &g) != DECODE_OK)
        return 0;
    uint64_t room = ORACLE_DATA + ORACLE_RW_SIZE - 16 - s->gpr[GUEST_RDI];
    if ((g.op == G_MASKMOVQ || g.op == G_MASKMOVDQU) &&
        room > ORACLE_RW_SIZE - 16) /* processors differ in the fault's address */
        return 0;
    bool modrm = g.len > pn; /* not EMMS */
    unsigned tail = modrm ? g.len - pn - 1 : 0;
    if (modrm && memory) {
        unsigned size = 4;
        for (unsigned i = 0; i < g.nopnds; i++)
            size = g.opnd[i].kind == GO_MEM && g.opnd[i].size ? g.opnd[i].size : size;
        uint32_t target = random_data(r, size);
        if (is_sha(g.op) || random_below(r, 20)) /* less often misaligned than others: most raise #GP then */
            target &= ~(size - 1);
        unsigned done = generator_put_mem(gen, s, reg, target, base, n - (wide && !rex), tail, &rex, p + n);
        if (!done)
            return 0;
        n += done;
    } else if (modrm) {
        p[n++] = (uint8_t)(0xc0 | reg << 3 | random_below(r, 8));
    }
    for (unsigned i = 0; i < tail; i++)
        p[n++] = (uint8_t)(random_below(r, 2) ? random_next(r) : random_below(r, 20));
    if (!wide)
        return n;
    if (rex) {
        p[rex_at] = rex | 0x40;
        return n;
    }
    memmove(p + rex_at, p + rex_at + 1, n - rex_at - 1);
    return n - 1;
}

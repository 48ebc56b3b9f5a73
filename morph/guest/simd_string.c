/* String compares of SSE4.2. */
#include "morph.h"
#include "simd.h"

enum { ANY, RANGES, EACH, ORDERED }; /* imm[3:2] */

struct strings {
    unsigned n; /* lanes: 16 bytes or 8 halves */
    int32_t a[16], b[16];
    unsigned na, nb; /* valid lanes of destination and source */
};

static int32_t element(const union simd_value *v, unsigned imm, unsigned i)
{
    if (imm & 1)
        return imm & 2 ? (int16_t)v->h[i] : v->h[i];
    return imm & 2 ? (int8_t)v->b[i] : v->b[i];
}

/* A length in RAX or RDX: its magnitude, at most n. With REX.W it has 64 bits. */
static unsigned given_length(const struct simd *x, unsigned reg, unsigned n)
{
    uint64_t v = x->cpu->gpr[reg];
    int64_t s = x->g->opsize == 8 ? (int64_t)v : (int32_t)v;
    uint64_t magnitude = s < 0 ? -(uint64_t)s : (uint64_t)s;
    return magnitude > n ? n : (unsigned)magnitude;
}

static void take(const struct simd *x, struct strings *t, bool given)
{
    t->n = x->imm & 1 ? 8 : 16;
    t->na = t->nb = t->n;
    for (unsigned i = t->n; i--;) {
        t->a[i] = element(&x->d, x->imm, i);
        t->b[i] = element(&x->s, x->imm, i);
        if (!t->a[i])
            t->na = i;
        if (!t->b[i])
            t->nb = i;
    }
    if (given) {
        t->na = given_length(x, GUEST_RAX, t->n);
        t->nb = given_length(x, GUEST_RDX, t->n);
    }
}

/* Whether element j of the second string is in the set or one of the ranges of the first. */
static bool member(const struct strings *t, bool ranges, unsigned j)
{
    for (unsigned i = 0; i < t->na; i += ranges ? 2 : 1) {
        if (!ranges && t->a[i] == t->b[j])
            return true;
        if (ranges && i + 1 < t->na && t->b[j] >= t->a[i] && t->b[j] <= t->a[i + 1])
            return true;
    }
    return false;
}

/* Whether the first string, as far as the register shows, begins at element j of the second. */
static bool begins(const struct strings *t, unsigned j)
{
    for (unsigned i = 0; i < t->na && i + j < t->n; i++)
        if (i + j >= t->nb || t->a[i] != t->b[i + j])
            return false;
    return true;
}

static bool matches(const struct strings *t, unsigned kind, unsigned j)
{
    switch (kind) {
    case ANY:
    case RANGES: return j < t->nb && member(t, kind == RANGES, j);
    case EACH: return j < t->na && j < t->nb ? t->a[j] == t->b[j] : j >= t->na && j >= t->nb;
    default: return begins(t, j);
    }
}

static void set_mask(struct simd *x, unsigned mask, unsigned n)
{
    volatile uint64_t *xmm0 = x->cpu->xmm[0];
    union simd_value r = {{0, 0}};
    if (x->imm & 0x40) {
        for (unsigned i = 0; i < 16; i++)
            r.b[i] = mask >> (i * n / 16) & 1 ? 0xff : 0;
    } else {
        r.q[0] = mask;
    }
    xmm0[0] = r.q[0];
    xmm0[1] = r.q[1];
}

bool simd_string(struct simd *x)
{
    unsigned op = x->g->op;
    struct strings t;
    if (op != G_PCMPESTRI && op != G_PCMPESTRM && op != G_PCMPISTRI && op != G_PCMPISTRM)
        return false;
    take(x, &t, op == G_PCMPESTRI || op == G_PCMPESTRM);
    unsigned mask = 0;
    for (unsigned j = 0; j < t.n; j++) {
        bool r = matches(&t, x->imm >> 2 & 3, j);
        bool negate = x->imm & 0x10 && (!(x->imm & 0x20) || j < t.nb);
        mask |= (unsigned)(r != negate) << j;
    }
    if (op == G_PCMPESTRI || op == G_PCMPISTRI) {
        unsigned at = t.n;
        for (unsigned j = 0; j < t.n; j++)
            if (mask >> j & 1 && (at == t.n || x->imm & 0x40))
                at = j;
        *(volatile uint64_t *)&x->cpu->gpr[GUEST_RCX] = at;
    } else {
        set_mask(x, mask, t.n);
    }
    x->flags = (mask ? EFL_CF : 0) | (t.nb < t.n ? EFL_ZF : 0) | (t.na < t.n ? EFL_SF : 0) | (mask & 1 ? EFL_OF : 0);
    x->flags_set = x->keep = true;
    return true;
}

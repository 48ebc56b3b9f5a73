/* Writes Duke code from C: for tests, random programs and benchmarks. Bundles are checked as they end. */
#pragma once
#include <stdio.h>
#include <stdlib.h>

#include "duke_disasm.h"

struct duke_program {
    uint32_t base; /* native address of word 0 */
    uint32_t *words;
    size_t n, capacity;
    struct duke_op bundle[DUKE_MAX_WORDS]; /* ops of the bundle that is open */
    unsigned nbundle;
    const struct duke_machine *machine;
};

static inline uint32_t duke_here(const struct duke_program *p) { return p->base + 4 * (uint32_t)p->n; }

static inline void duke_program_error(const struct duke_op *o, const char *what)
{
    char text[96];
    fprintf(stderr, "duke_program: %s: %s\n", duke_disassemble(text, sizeof text, 0, o), what);
    abort();
}

/* Appends an op to the open bundle. Form COUNT: the shortest that takes the immediate. */
static inline void duke_put(struct duke_program *p, struct duke_op o)
{
    uint32_t w[2];
    if (o.form == DUKE_FORM_COUNT)
        o.form = (uint8_t)duke_imm_form(o.op, o.imm);
    o.end = false;
    o.words = (uint8_t)(o.form < DUKE_FORM_COUNT ? duke_encode(&o, w) : 0);
    if (o.words == 0 || p->n + o.words > p->capacity || p->nbundle == DUKE_MAX_WORDS)
        duke_program_error(&o, "no such form, immediate does not fit, or no room");
    for (unsigned i = 0; i < o.words; i++)
        p->words[p->n++] = w[i];
    p->bundle[p->nbundle++] = o;
}

/* Ends the bundle. */
static inline void duke_end(struct duke_program *p)
{
    p->words[p->n - 1] |= DUKE_END;
    p->bundle[p->nbundle - 1].end = true;
    if (duke_bundle_check(p->machine, p->bundle, p->nbundle) != DUKE_BUNDLE_OK)
        duke_program_error(&p->bundle[p->nbundle - 1], "the bundle that ends here is not legal");
    p->nbundle = 0;
}

/* Shorthands; each appends one op, D_END closes the bundle. */
#define D_END(p)                  duke_end(p)
#define D_R(p, OP, d, a, b)       duke_put(p, (struct duke_op){ .op = DUKE_OP_##OP, .rd = d, .ra = a, .rb = b })
#define D_I(p, OP, d, a, i)       duke_put(p, (struct duke_op){ .op = DUKE_OP_##OP, .form = DUKE_FORM_COUNT, .rd = d, .ra = a, .imm = i })
#define D_LI(p, d, i)             D_I(p, LI, d, 0, i)
#define D_MEM(p, OP, d, a, i)     D_I(p, OP, d, a, i)
#define D_MEMX(p, OP, d, a, b, s, i) \
    duke_put(p, (struct duke_op){ .op = DUKE_OP_##OP, .form = DUKE_FORM_EXT, .rd = d, .ra = a, .rb = b, .scale = s, .imm = i })
/* Branches: `to` is a native address. */
#define D_B(p, OP, a, b, to) \
    duke_put(p, (struct duke_op){ .op = DUKE_OP_##OP, .form = DUKE_FORM_COUNT, .ra = a, .rb = b, .imm = (int32_t)((to) - duke_here(p)) })
#define D_J(p, to)                D_B(p, J, 0, 0, to)
#define D_COMMIT(p, n)            D_I(p, COMMIT, 0, 0, n)
#define D_CAT(p, n)               D_I(p, CAT, 0, 0, n)
#define D_HCALL(p, n)             D_I(p, HCALL, 0, 0, n)
#define D_RDCR(p, d, cr)          D_I(p, RDCR, d, 0, (DUKE_CR_##cr) >= 32 ? (DUKE_CR_##cr) - 64 : (DUKE_CR_##cr))
#define D_WRCR(p, a, cr)          D_I(p, WRCR, 0, a, (DUKE_CR_##cr) >= 32 ? (DUKE_CR_##cr) - 64 : (DUKE_CR_##cr))

/* Random x87 instructions: any byte pair D8..DF xx, and sequences that save, change and load the unit's state.
 *
 * The transcendental ones are left to tests/x87: processors differ in their last bit. So are pointers to the last instruction,
 * which a context switch between two steps loses.
 */
#include <string.h>

#include "../../x87/operands.h"
#include "decode.h"
#include "oracle.h"

enum {
    REALS_AT = 0x600, /* in the data: numbers of ten bytes, each in sixteen */
    BCD_AT = 0x800,
    NREALS = 32,
    NBCD = 8,
};

/* What the next step of a sequence is. */
enum { STEP_NONE, STEP_PATCH, STEP_TAKE };
enum image_kind { IMAGE_CW, IMAGE_ENV, IMAGE_ENV16, IMAGE_ALL, IMAGE_ALL16, IMAGE_FX, IMAGE_FX_WIDE };

uint16_t oracle_tags(const struct oracle_state *s)
{
    uint16_t tw = 0;
    for (unsigned i = 0; i < 8; i++) {
        unsigned exp = s->se[i] & 0x7fff, tag = exp == 0x7fff || !(s->st[i] >> 63) ? 2 : exp ? 0 : 2;
        if (exp == 0 && s->st[i] == 0)
            tag = 1;
        tw |= (uint16_t)((s->st_used >> i & 1 ? tag : 3) << (2 * i));
    }
    return tw;
}

bool generator_is_x87(const uint8_t *bytes)
{
    while (*bytes == 0x66 || *bytes == 0x67 || *bytes == 0x64 || *bytes == 0x65)
        bytes++;
    return (*bytes & 0xf8) == 0xd8 || ((*bytes & 0xf0) == 0x40 && (bytes[1] & 0xf8) == 0xd8);
}

/* Not the reserved precision. */
static uint16_t random_cw(struct random *r)
{
    uint16_t v = (uint16_t)((random_below(r, 4) ? 0x3f : random_next(r) & 0x3f) | (random_next(r) & 0x1f40));
    return (v & 0x300) == 0x100 ? v | 0x200 : v;
}

void generator_begin_x87(struct generator *gen, struct oracle_state *s, struct oracle_memory *mem)
{
    struct random *r = &gen->rng;
    for (unsigned i = 0; i < NREALS; i++)
        random_real(&r->s, mem->data + REALS_AT + 16 * i);
    for (unsigned i = 0; i < 16 * NBCD; i++)
        mem->data[BCD_AT + i] = (uint8_t)(random_below(r, 10) << 4 | random_below(r, 10));
    s->fcw = random_cw(r);
    s->fcw |= 0x40;
    s->fsw = (uint16_t)((random_next(r) & 0x7f40) | (random_next(r) & s->fcw & 0x3f)); /* nothing pending */
    s->st_used = (uint8_t)random_next(r);
    if (random_below(r, 4)) /* most often few */
        s->st_used &= (uint8_t)random_next(r);
    for (unsigned i = 0; i < 8; i++) {
        uint8_t real[10];
        random_real(&r->s, real);
        memcpy(&s->st[i], real, 8);
        memcpy(&s->se[i], real + 8, 2);
    }
}

static bool left_out(unsigned op)
{
    switch (op) {
    case G_F2XM1:
    case G_FYL2X:
    case G_FYL2XP1:
    case G_FPTAN:
    case G_FPATAN:
    case G_FSIN:
    case G_FCOS:
    case G_FSINCOS: return true;
    default: return false;
    }
}

/* Need an image: made by sequences. */
static bool wants_image(unsigned op)
{
    return op == G_FLDCW || op == G_FLDENV || op == G_FRSTOR || op == G_FNSTENV || op == G_FNSAVE;
}

static bool st_used(const struct oracle_state *s, unsigned i) { return s->st_used >> (((s->fsw >> 11) + i) & 7) & 1; }

/* Most would soon only find a stack that is empty or full. */
static bool likely(struct random *r, const struct oracle_state *s, const struct ginsn *g)
{
    bool pushes = g->op == G_FLD || g->op == G_FILD || g->op == G_FBLD || (g->op >= G_FLD1 && g->op <= G_FLDZ);
    bool from_stack = g->op == G_FLD && g->opnd[0].kind != GO_MEM;
    if (g->op == G_FNINIT && random_below(r, 4))
        return false;
    if (pushes && !from_stack)
        return !st_used(s, 7) || random_below(r, 16) == 0;
    if (!st_used(s, 0) || (g->nopnds == 2 && g->opnd[1].kind != GO_MEM && !st_used(s, g->opnd[1].reg)))
        return random_below(r, 16) == 0;
    return true;
}

static uint32_t operand(struct random *r, const struct ginsn *g)
{
    unsigned size = g->opnd[0].size;
    if (g->op == G_FBLD && random_below(r, 8))
        return ORACLE_DATA + BCD_AT + 16 * random_below(r, NBCD);
    if (size == 10 && random_below(r, 3))
        return ORACLE_DATA + REALS_AT + 16 * random_below(r, NREALS);
    return random_data(r, size == 10 ? 16 : size ? size : 4);
}

/* Opcode and ModRM of a memory operand at `target`, with prefixes. */
static unsigned put_memory(struct generator *gen, const struct oracle_state *s, uint32_t target, const char *opcode,
                           unsigned reg, bool small, bool rexw, uint8_t *p)
{
    bool wide = gen->kind.mode == GUEST_X86_64;
    uint64_t base;
    unsigned n = generator_mem_prefixes(gen, s, &base, p), behind = (unsigned)strlen(opcode);
    uint8_t rex = (uint8_t)(rexw ? 8 : 0), modrm[8];
    if (gen->addr32 && target < base) /* beyond 4 GiB: see generator_x87_sequence on images that are nowhere */
        return 0;
    if (small)
        p[n++] = 0x66;
    unsigned done = generator_put_mem(gen, s, reg, target, base, n + rexw + behind, 0, &rex, modrm);
    if (!done || (rex && !wide))
        return 0;
    if (rex)
        p[n++] = 0x40 | rex;
    while (*opcode)
        p[n++] = (uint8_t)*opcode++;
    memcpy(p + n, modrm, done);
    return n + done;
}

unsigned generator_x87(struct generator *gen, const struct oracle_state *s, uint8_t *p)
{
    struct random *r = &gen->rng;
    bool wide = gen->kind.mode == GUEST_X86_64;
    uint8_t bytes[16] = {(uint8_t)(0xd8 + random_below(r, 8)), (uint8_t)random_next(r)};
    struct ginsn g;
    if (random_below(r, 2))
        bytes[1] &= 0x3f;
    if (random_below(r, 40) == 0) {
        p[0] = 0x9b; /* fwait */
        return 1;
    }
    if (s->fsw & 0x80 && random_below(r, 4)) { /* pending exceptions end the case */
        p[0] = 0xdb;
        p[1] = 0xe2;
        return 2;
    }
    bool memory = bytes[1] < 0xc0;
    if (guest_decode(bytes, 15, gen->kind.mode, &g) != DECODE_OK || gop_infos[g.op].attr & GOPA_UNDEF) {
        if (memory || random_below(r, 100))
            return 0;
        memcpy(p, bytes, 2);
        return 2;
    }
    if (left_out(g.op) || (memory && wants_image(g.op)) || !likely(r, s, &g))
        return 0;
    bool small = random_below(r, 20) == 0, rexw = wide && random_below(r, 8) == 0;
    if (memory)
        return put_memory(gen, s, operand(r, &g), (const char[]){(char)bytes[0], 0}, bytes[1] >> 3 & 7, small, rexw, p);
    unsigned n = 0;
    if (small)
        p[n++] = 0x66;
    if (wide && random_below(r, 8) == 0)
        p[n++] = (uint8_t)(0x40 | random_below(r, 16));
    memcpy(p + n, bytes, 2);
    return n + 2;
}

/* mov [at], value by its absolute address. */
static unsigned put_store(uint32_t at, uint32_t value, unsigned size, uint8_t *p)
{
    unsigned n = 0;
    if (size == 2)
        p[n++] = 0x66;
    p[n++] = size == 1 ? 0xc6 : 0xc7;
    p[n++] = 0x04;
    p[n++] = 0x25;
    memcpy(p + n, &at, 4);
    memcpy(p + n + 4, &value, size);
    return n + 4 + size;
}

/* A new control, status or tag word, or MXCSR, in the image. */
static unsigned put_patch(struct generator *gen, enum image_kind kind, uint8_t *p)
{
    struct random *r = &gen->rng;
    unsigned what = random_below(r, kind >= IMAGE_FX ? 4 : 3), step = kind == IMAGE_ENV || kind == IMAGE_ALL ? 4 : 2;
    uint32_t at = gen->image + what * step, mxcsr = 0x1f80 | (random_next(r) & 0xffff) | (random_below(r, 10) ? 0 : 1u << 16);
    if (kind == IMAGE_CW || what == 0)
        return put_store(gen->image, random_cw(r), 2, p);
    if (what == 3)
        return put_store(gen->image + 24, mxcsr, 4, p);
    if (what == 1)
        return put_store(at, (uint32_t)random_next(r) & (random_below(r, 3) ? 0x7f00 : 0xffff), 2, p);
    return put_store(at, (uint32_t)random_next(r), kind >= IMAGE_FX ? 1 : 2, p);
}

/* The instruction that makes or takes the image. */
static unsigned put_image(struct generator *gen, const struct oracle_state *s, enum image_kind kind, bool take, uint8_t *p)
{
    bool small = kind == IMAGE_ENV16 || kind == IMAGE_ALL16;
    switch (kind) {
    case IMAGE_CW: return put_memory(gen, s, gen->image, "\xd9", take ? 5 : 7, false, false, p);
    case IMAGE_ENV:
    case IMAGE_ENV16: return put_memory(gen, s, gen->image, "\xd9", take ? 4 : 6, small, false, p);
    case IMAGE_ALL:
    case IMAGE_ALL16: return put_memory(gen, s, gen->image, "\xdd", take ? 4 : 6, small, false, p);
    default: return put_memory(gen, s, gen->image, "\x0f\xae", take ? 1 : 0, false, kind == IMAGE_FX_WIDE, p);
    }
}

/* image_op: what is next, and the kind of image. */
unsigned generator_x87_sequence(struct generator *gen, const struct oracle_state *s, uint8_t *p)
{
    struct random *r = &gen->rng;
    enum image_kind kind = (enum image_kind)(gen->image_op >> 4);
    if (!gen->image_op) {
        static const uint8_t kinds[] = {IMAGE_CW,  IMAGE_CW,    IMAGE_CW, IMAGE_ENV, IMAGE_ENV16,
                                        IMAGE_ALL, IMAGE_ALL16, IMAGE_FX, IMAGE_FX,  IMAGE_FX_WIDE};
        kind = (enum image_kind)kinds[random_below(r, sizeof kinds)];
        if (kind == IMAGE_FX_WIDE && gen->kind.mode != GUEST_X86_64)
            kind = IMAGE_FX;
        /* Processors differ in which part of an image that cannot be written raises the page fault. */
        bool anywhere = kind == IMAGE_CW && random_below(r, 10) == 0;
        gen->image = anywhere ? random_data(r, 2) : ORACLE_DATA + 0x100 + random_below(r, ORACLE_RW_SIZE - 0x400);
        gen->image &= ~(uint32_t)(kind >= IMAGE_FX && random_below(r, 20) ? 15 : random_below(r, 2) ? 3 : 0);
        unsigned n = put_image(gen, s, kind, false, p);
        gen->image_op = n ? (uint32_t)kind << 4 | STEP_PATCH : 0;
        return n;
    }
    if ((gen->image_op & 15) == STEP_PATCH) {
        if (random_below(r, 3) == 0)
            gen->image_op += STEP_TAKE - STEP_PATCH;
        return put_patch(gen, kind, p);
    }
    gen->image_op = 0;
    return put_image(gen, s, kind, true, p);
}

void generator_forget_pointers(const struct ginsn *g, uint32_t at, uint8_t *data, const uint8_t *got)
{
    static const struct {
        uint16_t op;
        uint8_t opsize, at, size;
    } parts[] = {
        {G_FNSTENV, 2, 6, 8},  {G_FNSAVE, 2, 6, 8},  {G_FNSTENV, 4, 12, 16},
        {G_FNSAVE, 4, 12, 16}, {G_FXSAVE, 0, 6, 18}, {G_FXSAVE, 0, 28, 4}, /* what of MXCSR there is */
    };
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++) {
        uint32_t from = at + parts[i].at - ORACLE_DATA;
        bool size_fits = !parts[i].opsize || (parts[i].opsize == 2) == (g->opsize == 2);
        if (parts[i].op == g->op && size_fits && from <= (unsigned)ORACLE_DATA_SIZE - parts[i].size)
            memcpy(data + from, got + from, parts[i].size);
    }
}

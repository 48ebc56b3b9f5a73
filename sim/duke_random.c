/* Random programs that stay alive whatever happens to them.
 *
 * Code is a row of *blocks*. A block starts by loading base registers and r59 with the address of the next block; traps that
 * cannot be mended go there. A block ends by jumping to a block that a pseudo-random number in r57 chooses, so that all
 * are visited whatever the data. Random ops write r1..r56 only; r57 to r63 belong to the skeleton and the handlers, none of
 * them is shadowed.
 *
 * Every guest address can be mapped: the TLB handler maps address a to DRAM page a mod DRAM size, with permissions by the
 * page number, so that some pages trap on stores, are translated, devices, or the supervisor's. Handlers of those mend the
 * entry. Native accesses go to hidden memory or to the DRAM pages that guest accesses use. They must not
 * reach code, whose changes are undefined without icf: their base registers are not shadowed and nothing else writes them.
 */
#include "duke_random.h"

#include <string.h>

#include "duke_program.h"

enum {
    START = ENGINE_RESET_PC,
    VECTORS = 0x40018000,
    TABLES = 0x4001a000, /* 16 double words of page bits, 16 of chunk masks, then addresses of blocks */
    BODY = 0x40020000,
    BODY_END = 0x400f0000,
    DATA = 0x40100000, /* native data up to the end of hidden memory */
    BLOCKS = 256,
    REG_NUMBER = 57, /* the pseudo-random number that chooses blocks */
    REG_TARGET = 58,
    REG_NEXT = 59,
    FREE_REGS = 56, /* random ops write r1..r56 */
    GUEST_BASES = 4,
    NATIVE_BASES = 2,
    MAX_FIXUPS = 64,
};

struct gen {
    struct duke_program p;
    uint64_t state;
    uint32_t block[BLOCKS + 1];
    unsigned guest_base[GUEST_BASES], native_base[NATIVE_BASES];
    struct {
        size_t word;
        struct duke_op op;
    } fixup[MAX_FIXUPS]; /* branches to the end of the block */
    unsigned nfixups;
    unsigned b_op; /* 1: the open bundle's branch is in fixup[nfixups - 1] */
};

static uint64_t rnd(struct gen *g)
{
    g->state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    uint64_t z = g->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static unsigned below(struct gen *g, unsigned n) { return (unsigned)(rnd(g) % n); }
static bool chance(struct gen *g, unsigned percent) { return below(g, 100) < percent; }
static int range(struct gen *g, int low, int high) { return low + (int)below(g, (unsigned)(high - low + 1)); }

/* Guest addresses: few pages, mostly, so that the TLB hits; low and very high ones. */
static uint64_t guest_address(struct gen *g)
{
    uint64_t page = chance(g, 70) ? below(g, 48) : chance(g, 80) ? below(g, 1024) : rnd(g) >> 12;
    unsigned offset = chance(g, 50) ? below(g, 4096) : chance(g, 50) ? below(g, 64) : 4096 - below(g, 24);
    return (page << 12) + offset;
}

static uint32_t native_address(struct gen *g)
{
    uint32_t any = (uint32_t)rnd(g);
    if (chance(g, 3) && (any < ENGINE_HIDDEN_BASE || any >= DATA + 65536))
        return any; /* mostly nowhere */
    if (chance(g, 30))
        return below(g, 48) * 4096 + below(g, 4096); /* DRAM that guest accesses use as well */
    uint32_t size = ENGINE_HIDDEN_BASE + DUKE_RANDOM_HIDDEN - DATA;
    return chance(g, 50) ? DATA + 4096 + below(g, 8192) : DATA + below(g, size - 4096);
}

/* Immediates near what breaks things. */
static int64_t some_imm(struct gen *g)
{
    switch (below(g, 5)) {
    case 0: return range(g, -33, 33);
    case 1: return (int64_t)(rnd(g) >> range(g, 0, 63));
    case 2: return -(int64_t)(rnd(g) >> range(g, 1, 63));
    case 3: return (int64_t)(UINT64_C(1) << below(g, 63)) - below(g, 3);
    default: return below(g, 4096);
    }
}

static unsigned some_dest(struct gen *g)
{
    if (chance(g, 2))
        return 0;
    for (;;) {
        unsigned r = 1 + below(g, FREE_REGS);
        bool base = false;
        for (unsigned i = 0; i < GUEST_BASES; i++)
            base = base || r == g->guest_base[i];
        bool native = false;
        for (unsigned i = 0; i < NATIVE_BASES; i++)
            native = native || r == g->native_base[i];
        if (!native && (!base || chance(g, 5)))
            return r;
    }
}

static unsigned some_source(struct gen *g) { return chance(g, 50) ? below(g, 16) : below(g, 64); }

static bool open_bundle_takes(const struct gen *g, struct duke_op o)
{
    struct duke_op ops[DUKE_MAX_WORDS];
    uint32_t w[2];
    unsigned n = g->p.nbundle;
    if (n == DUKE_MAX_WORDS)
        return false;
    memcpy(ops, g->p.bundle, sizeof ops);
    o.words = (uint8_t)duke_encode(&o, w);
    o.end = true;
    ops[n] = o;
    return o.words != 0 && duke_bundle_check(g->p.machine, ops, n + 1) == DUKE_BUNDLE_OK;
}

static bool try_put(struct gen *g, struct duke_op o)
{
    if (!open_bundle_takes(g, o))
        return false;
    duke_put(&g->p, o);
    return true;
}

static void put_alu(struct gen *g)
{
    for (int tries = 0; tries < 50; tries++) {
        unsigned op = below(g, DUKE_OP_COUNT);
        const struct duke_op_info *info = &duke_ops[op];
        if (info->kind != DUKE_KIND_ALU || (info->unit == DUKE_UNIT_X && !g->p.machine->units_x87) ||
            (info->unit == DUKE_UNIT_V && !g->p.machine->units_vec) || (info->unit == DUKE_UNIT_F && !g->p.machine->units_fp))
            continue;
        if (info->unit == DUKE_UNIT_V && !chance(g, 20)) /* there are many, and they change no addresses */
            continue;
        if ((info->lat == DUKE_LAT_DIV || info->lat == DUKE_LAT_FP_DIV || info->lat == DUKE_LAT_X_DIV) && !chance(g, 25))
            continue;
        struct duke_op o = {.op = (uint16_t)op, .form = (uint8_t)below(g, 3), .rd = (uint8_t)some_dest(g)};
        if ((info->forms & (1u << o.form)) == 0)
            continue;
        if ((info->flags & DUKE_F_RD) != 0)
            o.rd = (uint8_t)some_source(g);
        bool imm = !duke_imm_fits(op, o.form, INT64_MIN);
        o.ra = info->fmt == DUKE_FMT_LI ? 0 : (uint8_t)some_source(g);
        if ((duke_reads(&o) & DUKE_READS_RB) != 0)
            o.rb = (uint8_t)some_source(g);
        if ((info->flags & DUKE_READS_RC) != 0)
            o.rc = (uint8_t)some_source(g);
        if (op == DUKE_OP_SELCC)
            o.cc = (uint8_t)below(g, 16);
        do
            o.imm = imm ? some_imm(g) : 0;
        while (!duke_imm_fits(op, o.form, o.imm));
        if (try_put(g, o))
            return;
    }
}

static void put_memory(struct gen *g)
{
    unsigned op;
    do
        op = below(g, DUKE_OP_COUNT);
    while (duke_ops[op].kind != DUKE_KIND_LOAD && duke_ops[op].kind != DUKE_KIND_STORE);
    const struct duke_op_info *info = &duke_ops[op];
    bool guest = (info->flags & DUKE_GUEST) != 0, store = info->kind == DUKE_KIND_STORE;
    struct duke_op o = {.op = (uint16_t)op};
    o.form = (uint8_t)((info->forms & (1u << DUKE_FORM_IMM)) != 0 && chance(g, 60) ? DUKE_FORM_IMM : DUKE_FORM_EXT);
    o.rd = (uint8_t)((info->flags & DUKE_F_RD) != 0 || store ? below(g, 64) : some_dest(g));
    o.ra = (uint8_t)(guest ? g->guest_base[below(g, GUEST_BASES)] : g->native_base[below(g, NATIVE_BASES)]);
    if ((info->forms & (1u << DUKE_FORM_EXT)) != 0 && o.form == DUKE_FORM_EXT && g->p.machine->lanes_address_modes) {
        o.rb = (uint8_t)(guest && chance(g, 20) ? some_source(g) : 0);
        o.scale = (uint8_t)below(g, 4);
    }
    o.entry = info->spec == DUKE_SPEC_PROTECT ? (uint8_t)below(g, 16) : 0;
    if (info->spec == DUKE_SPEC_CHECK) { /* a quarter of the entries */
        o.mask = (uint16_t)rnd(g);
        o.mask &= (uint16_t)rnd(g);
    }
    o.imm = chance(g, 60) ? range(g, -16, 16) : chance(g, 90) ? range(g, -2048, 2047) : range(g, -60000, 60000);
    if (!duke_imm_fits(op, o.form, o.imm))
        o.imm = range(g, -16, 16);
    if ((info->spec == DUKE_SPEC_PROTECT || info->spec == DUKE_SPEC_CHECK) && chance(g, 70)) {
        o.ra = (uint8_t)g->guest_base[0]; /* where they meet */
        o.rb = 0;
        o.imm = range(g, -12, 12);
    }
    try_put(g, o);
}

static void put_branch(struct gen *g)
{
    unsigned op;
    do
        op = below(g, DUKE_OP_COUNT);
    while (duke_ops[op].kind != DUKE_KIND_BRANCH);
    struct duke_op o = {.op = (uint16_t)op, .form = (uint8_t)(chance(g, 70) ? DUKE_FORM_IMM : DUKE_FORM_EXT)};
    o.ra = (uint8_t)some_source(g);
    o.rb = duke_ops[op].fmt == DUKE_FMT_BC ? (uint8_t)some_source(g) : 0;
    o.cc = duke_ops[op].fmt == DUKE_FMT_BF ? (uint8_t)below(g, 16) : 0;
    size_t word = g->p.n;
    if (g->nfixups == MAX_FIXUPS || !try_put(g, o))
        return;
    g->fixup[g->nfixups].word = word;
    g->fixup[g->nfixups++].op = o;
}

static void load_constant(struct gen *g, unsigned reg, uint64_t value)
{
    struct duke_program *p = &g->p;
    int64_t v = (int64_t)value;
    if (duke_imm_fits(DUKE_OP_LI, DUKE_FORM_EXT, v)) {
        D_LI(p, (uint8_t)reg, v), D_END(p);
        return;
    }
    D_LI(p, (uint8_t)reg, (int64_t)(value & 0xffffffff)), D_END(p);
    D_I(p, ORHI, (uint8_t)reg, (uint8_t)reg, (int32_t)(value >> 32)), D_END(p);
}

/* A block made so far, or the first. */
static uint32_t known_block(struct gen *g)
{
    uint32_t at = g->block[below(g, BLOCKS)];
    return at != 0 ? at : BODY;
}

/* One of a few guest addresses that stand for code: what ITC and RAS are asked for. Half of them share an ITC entry. */
static void put_code_address(struct gen *g, unsigned reg)
{
    D_LI(&g->p, (uint8_t)reg, chance(g, 50) ? (int64_t)below(g, 6) * 0x201 : 0x1000 + 5 * (int64_t)below(g, 16));
    D_END(&g->p);
}

static void close_bundle(struct gen *g)
{
    if (g->p.nbundle != 0)
        D_END(&g->p);
}

/* Bundles that break a rule, or bytes that are no op. The handler goes to the next block. */
static void put_illegal(struct gen *g)
{
    static const uint32_t words[][3] = {
        {0x80000000, 0, 0},                   /* opcode 0 */
        {0xe0000000, 0, 0},                   /* an extension word alone */
        {0x9d00003f, 0, 0},                   /* no such function */
        {0x10041000, 0x90041000, 0},          /* two writers of r1 */
        {0x5f000000, 0xdf000000, 0},          /* two jumps */
        {0x14041000, 0x14081000, 0x940c1000}, /* three multiplies */
        {0x1d00000a, 0x90041000, 0},          /* rfe with company */
        {0x85041000, 0, 0},                   /* padd.b: no such unit */
    };
    const uint32_t *w = words[below(g, sizeof words / sizeof words[0])];
    for (unsigned i = 0; i < 3; i++) {
        g->p.words[g->p.n++] = w[i];
        if ((w[i] & DUKE_END) != 0)
            break;
    }
}

/* A number that floating point finds difficult goes to an f register. */
static void put_number(struct gen *g)
{
    static const uint64_t numbers[] = {
        0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000, 0xbff8000000000000, 0x7ff0000000000000, 0xfff0000000000000,
        0x7ff8000000000001, 0x7ff0000000000001, 0x0000000000000001, 0x800fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff,
        0x43e0000000000000, 0xc3e0000000000000, 0x41dfffffffc00000, 0x3fdfffffffffffff, 0x0000000080000000, 0x000000003f800000,
        0x000000007f800000, 0x000000007fc00001, 0x000000007f800001, 0x0000000000000001, 0x0000000080800000, 0x000000007f7fffff,
    };
    uint64_t v = numbers[below(g, sizeof numbers / sizeof numbers[0])];
    if (chance(g, 40))
        v = (rnd(g) & 0x800fffffffffffff) | (uint64_t)range(g, 0x3e8, 0x418) << 52;
    load_constant(g, 60, v);
    D_R(&g->p, FMV_F, (uint8_t)below(g, 16), 60, 0), D_END(&g->p);
}

/* The same for the x87: any number that there is, to both files. */
static void put_extended(struct gen *g)
{
    static const uint16_t exponents[] = {0,      1,      2,      0x7ffe, 0x7fff, 0x3fff, 0x3ffe,
                                         0x3c01, 0x3bcd, 0x43fe, 0x3f81, 0x3f6a, 0x407e};
    uint64_t sig = rnd(g);
    unsigned e = exponents[below(g, sizeof exponents / sizeof exponents[0])], n = below(g, 16);
    switch (below(g, 5)) {
    case 0: sig = 0; break;
    case 1: sig = ~UINT64_C(0) << below(g, 64); break;
    case 2: sig = UINT64_C(1) << below(g, 64); break;
    default: break;
    }
    if (chance(g, 85))
        sig |= UINT64_C(1) << 63;
    if (chance(g, 40)) /* where they meet */
        e = (unsigned)range(g, 0x3ff0, 0x4040);
    D_LI(&g->p, 61, (int64_t)(e | below(g, 2) << 15)), D_END(&g->p);
    load_constant(g, 60, sig);
    D_R(&g->p, FMV_F, (uint8_t)n, 60, 0), D_END(&g->p);
    D_R(&g->p, FMK_E, (uint8_t)n, (uint8_t)n, 61), D_END(&g->p);
}

/* Modes, an op of unit X, and its flags. */
static void put_x87_flags(struct gen *g, unsigned r)
{
    static const uint16_t ops[] = {DUKE_OP_FADD_X,   DUKE_OP_FMUL_X,   DUKE_OP_FDIV_X,   DUKE_OP_FSQRT_X, DUKE_OP_FSUB_X,
                                   DUKE_OP_FCVT_D_X, DUKE_OP_FCVT_S_X, DUKE_OP_FROUND_X, DUKE_OP_FCHS_X};
    struct duke_program *p = &g->p;
    if (chance(g, 50)) {
        D_LI(p, 60, (int64_t)below(g, 16) << 16 | below(g, 4)), D_END(p);
        D_WRCR(p, chance(g, 80) ? 60 : (uint8_t)some_source(g), FCSR), D_END(p);
    }
    duke_put(p, (struct duke_op){.op = ops[below(g, sizeof ops / sizeof ops[0])],
                                 .rd = (uint8_t)below(g, 16),
                                 .ra = (uint8_t)below(g, 16),
                                 .rb = (uint8_t)below(g, 16)});
    if (chance(g, 30))
        D_COMMIT(p, 1);
    D_END(p);
    if (chance(g, 10))
        D_R(p, ROLLBACK, 0, 0, 0), D_END(p);
    D_RDCR(p, (uint8_t)r, FCSR), D_END(p);
}

static void put_system(struct gen *g)
{
    struct duke_program *p = &g->p;
    unsigned r = some_dest(g);
    if (p->machine->units_x87 && chance(g, 25)) {
        if (chance(g, 65))
            put_extended(g);
        else
            put_x87_flags(g, r);
        return;
    }
    switch (below(g, p->machine->units_fp ? 24 : 20)) {
    case 20: /* flags of the bundle before */
        if (chance(g, 50))
            D_WRCR(p, chance(g, 50) ? 0 : (uint8_t)some_source(g), FCSR), D_END(p);
        if (chance(g, 50))
            D_R(p, FDIV_D, (uint8_t)below(g, 16), (uint8_t)below(g, 16), (uint8_t)below(g, 16));
        else
            D_R(p, FMUL_S, (uint8_t)below(g, 16), (uint8_t)below(g, 16), (uint8_t)below(g, 16));
        D_END(p);
        if (chance(g, 20))
            D_WRCR(p, 0, FCSR), D_END(p);
        D_RDCR(p, (uint8_t)r, FCSR);
        break;
    case 21:
    case 22:
    case 23: put_number(g); return;
    case 0: D_R(p, ROLLBACK, 0, 0, 0); break;
    case 1: D_R(p, ALCLR, 0, 0, 0); break;
    case 2: D_R(p, TLBI, 0, (uint8_t)g->guest_base[0], 0); break;
    case 3: D_R(p, CHKS, 0, (uint8_t)below(g, 64), 0); break;
    case 4: D_R(p, NOP, 0, 0, 0); break;
    case 5:
        if (chance(g, 5))
            D_R(p, TLBF, 0, 0, 0);
        else if (chance(g, 5))
            D_R(p, ITCF, 0, 0, 0);
        else
            D_R(p, ICF, 0, 0, 0);
        break;
    case 6:
        if (chance(g, 10))
            put_illegal(g);
        return;
    case 7:
        if (!chance(g, 10))
            return;
        D_I(p, TRAP, 0, 0, range(g, -32, 31));
        break;
    case 8: D_RDCR(p, (uint8_t)r, POISON); break;
    case 9: D_I(p, RDCR, (uint8_t)r, 0, range(g, -32, 31)); break;
    case 10: D_WRCR(p, (uint8_t)some_source(g), SCR2); break;
    case 11: D_WRCR(p, (uint8_t)some_source(g), FCSR); break;
    case 12: D_WRCR(p, (uint8_t)some_source(g), POISON); break;
    case 13:
        D_LI(p, REG_TARGET, below(g, 4)), D_END(p);
        D_WRCR(p, REG_TARGET, GCTL);
        break;
    case 14:
        if (!chance(g, 10)) {
            D_CAT(p, DUKE_CAT_GEAR2 + below(g, 4));
            break;
        }
        D_LI(p, REG_TARGET, DUKE_CAT_GEAR2 + below(g, 4)), D_END(p);
        D_WRCR(p, REG_TARGET, CAT);
        break;
    case 15:
        put_code_address(g, REG_TARGET);
        load_constant(g, 60, known_block(g));
        D_R(p, ITCW, 0, REG_TARGET, 60);
        break;
    case 16:
        if (!chance(g, 10))
            return;
        D_LI(p, REG_TARGET, (int64_t)rnd(g) >> 18 | 1), D_END(p); /* a misaligned address */
        D_R(p, JR, 0, REG_TARGET, 0);
        break;
    case 17: D_I(p, HCALL, 0, 0, range(g, 0, 31)); break;
    case 18: D_RDCR(p, (uint8_t)r, STATUS); break;
    default: D_RDCR(p, (uint8_t)r, CYCLE); break;
    }
    D_END(p);
}

static void put_bundle(struct gen *g)
{
    if (chance(g, 8)) {
        put_system(g);
        return;
    }
    unsigned memory = below(g, 3), alu = below(g, 4);
    bool commit = chance(g, 20), branch = chance(g, 12);
    if (chance(g, 3))
        try_put(g, (struct duke_op){.op = DUKE_OP_CAT, .form = DUKE_FORM_IMM, .imm = DUKE_CAT_GEAR2 + (int64_t)below(g, 2)});
    while (memory + alu + commit + branch != 0) {
        switch (below(g, 4)) { /* in any order */
        case 0:
            if (memory != 0)
                memory--, put_memory(g);
            break;
        case 1:
            if (alu != 0)
                alu--, put_alu(g);
            break;
        case 2:
            if (commit) {
                commit = false;
                try_put(g, (struct duke_op){.op = DUKE_OP_COMMIT, .form = DUKE_FORM_IMM, .imm = (int64_t)below(g, 32)});
            }
            break;
        default:
            if (branch)
                branch = false, put_branch(g);
            break;
        }
    }
    close_bundle(g);
}

/* A run of stores without a commit: the store buffer overflows. */
static void put_store_burst(struct gen *g)
{
    for (unsigned i = 0, n = 20 + below(g, 30); i < n; i++) {
        D_MEM(&g->p, STG_D, (uint8_t)below(g, 64), (uint8_t)g->guest_base[0], range(g, -255, 255) * 8);
        if (g->p.machine->lanes_m > 1)
            D_MEM(&g->p, STG_W, (uint8_t)below(g, 64), (uint8_t)g->guest_base[1], range(g, -2048, 2047));
        D_END(&g->p);
    }
}

static void pick_bases(struct gen *g)
{
    unsigned all[GUEST_BASES + NATIVE_BASES];
    for (unsigned i = 0; i < GUEST_BASES + NATIVE_BASES; i++) {
        bool again = true;
        while (again) {
            all[i] = i < GUEST_BASES ? 1 + below(g, FREE_REGS) : DUKE_SHADOWED + below(g, FREE_REGS + 1 - DUKE_SHADOWED);
            again = false;
            for (unsigned k = 0; k < i; k++)
                again = again || all[k] == all[i];
        }
    }
    memcpy(g->guest_base, all, sizeof g->guest_base);
    memcpy(g->native_base, all + GUEST_BASES, sizeof g->native_base);
    for (unsigned i = 0; i < GUEST_BASES; i++)
        load_constant(g, g->guest_base[i], guest_address(g));
    for (unsigned i = 0; i < NATIVE_BASES; i++)
        load_constant(g, g->native_base[i], native_address(g));
}

/* The last bundles of a block; an ITC or RAS try before the ordinary way. */
static void put_block_end(struct gen *g)
{
    struct duke_program *p = &g->p;
    D_I(p, MUL, REG_NUMBER, REG_NUMBER, 0x2545f491), D_END(p); /* a linear generator visits everything */
    D_I(p, ADD, REG_NUMBER, REG_NUMBER, 0x5851f42d), D_END(p);
    D_I(p, SHR, REG_TARGET, REG_NUMBER, 40), D_END(p);
    D_I(p, ANDI, REG_TARGET, REG_TARGET, BLOCKS - 1), D_I(p, LI, 60, 0, TABLES + 256), D_END(p);
    D_R(p, SH2ADD, 60, REG_TARGET, 60), D_END(p);
    D_MEM(p, LDN_WU, REG_TARGET, 60, 0), D_END(p);
    /* Three times of four not, or fixed targets would make short cycles. */
    D_I(p, SHR, 61, REG_NUMBER, 30), D_END(p);
    D_I(p, ANDI, 61, 61, 3), D_END(p);
    size_t over = p->n;
    D_B(p, BNE, 61, 0, duke_here(p)), D_END(p);
    switch (below(g, 4)) {
    case 0: D_B(p, RASP, (uint8_t)some_source(g), 0, BODY), D_END(p); break;
    case 1:
        put_code_address(g, 60);
        D_R(p, ITCW, 0, 60, REG_TARGET), D_END(p);
        put_code_address(g, 60);
        D_R(p, JITC, 0, 60, 0), D_COMMIT(p, 1), D_END(p);
        break;
    default:
        put_code_address(g, 60);
        if (chance(g, 50))
            D_B(p, RASP, 60, 0, known_block(g)), D_END(p);
        D_R(p, JRAS, 0, 60, 0), D_END(p);
        break;
    }
    struct duke_op skip = {.op = DUKE_OP_BNE, .form = DUKE_FORM_IMM, .ra = 61, .imm = 4 * (int64_t)(p->n - over), .end = true};
    duke_encode(&skip, p->words + over);
    switch (below(g, 4)) {
    case 0: D_R(p, CALLR, 0, REG_TARGET, 0); break;
    case 1: D_R(p, RET, 0, REG_TARGET, 0); break;
    default: D_R(p, JR, 0, REG_TARGET, 0); break;
    }
    if (chance(g, 50))
        D_COMMIT(p, 2);
    D_END(p);
}

static void put_block(struct gen *g, unsigned index)
{
    struct duke_program *p = &g->p;
    size_t next = p->n;
    g->nfixups = 0;
    g->block[index] = duke_here(p);
    duke_put(p, (struct duke_op){.op = DUKE_OP_LI, .form = DUKE_FORM_EXT, .rd = REG_NEXT}), D_END(p); /* patched below */
    pick_bases(g);
    if (chance(g, 6))
        put_store_burst(g);
    for (unsigned i = 0, n = 4 + below(g, 24); i < n; i++)
        put_bundle(g);
    for (unsigned i = 0; i < g->nfixups; i++) {
        struct duke_op o = g->fixup[i].op;
        uint32_t w[2];
        o.imm = 4 * (int64_t)(p->n - g->fixup[i].word);
        duke_encode(&o, w);
        for (unsigned k = 0; k < (o.form == DUKE_FORM_EXT ? 2u : 1u); k++)
            p->words[g->fixup[i].word + k] = w[k] | (p->words[g->fixup[i].word + k] & DUKE_END);
    }
    put_block_end(g);
    struct duke_op li = {.op = DUKE_OP_LI, .form = DUKE_FORM_EXT, .rd = REG_NEXT, .imm = duke_here(p), .end = true};
    duke_encode(&li, p->words + next);
}

/* --- handlers ------------------------------------------------------------------------------------------------------- */

static void vector(struct gen *g, unsigned cause) { g->p.n = (VECTORS - g->p.base + 128 * cause) / 4; }

/* rfe after setting tpc to the next block. */
static void put_skip(struct duke_program *p)
{
    D_WRCR(p, REG_NEXT, TPC), D_END(p);
    D_R(p, RFE, 0, 0, 0), D_END(p);
}

/* Maps tval's page; `mend` with all permissions, else with those of the page's number. */
static void put_map(struct duke_program *p, bool mend)
{
    D_RDCR(p, 60, TVAL), D_LI(p, 61, DUKE_RANDOM_DRAM - 4096), D_END(p);
    D_R(p, AND, 61, 60, 61), D_LI(p, 62, TABLES), D_END(p);
    if (mend) {
        D_I(p, ORI, 61, 61, 6), D_LI(p, 62, 0), D_END(p);
    } else {
        D_I(p, SHR, 63, 60, 12), D_END(p);
        D_I(p, ANDI, 63, 63, 15), D_END(p);
        D_R(p, SH3ADD, 63, 63, 62), D_END(p);
        D_MEM(p, LDN_D, 62, 63, 0), D_END(p);
        D_MEM(p, LDN_D, 63, 63, 128), D_R(p, OR, 61, 61, 62), D_END(p);
        D_R(p, OR, 62, 63, 0), D_END(p);
    }
    duke_put(p, (struct duke_op){.op = DUKE_OP_TLBW, .ra = 60, .rb = 61, .rc = 62}), D_END(p);
    D_R(p, RFE, 0, 0, 0), D_END(p);
}

static void put_handlers(struct gen *g)
{
    struct duke_program *p = &g->p;
    vector(g, DUKE_TRAP_TLB_MISS_LOAD), put_map(p, false);
    vector(g, DUKE_TRAP_TLB_MISS_STORE), put_map(p, false);
    vector(g, DUKE_TRAP_PROT_LOAD), put_map(p, true);
    vector(g, DUKE_TRAP_PROT_STORE), put_map(p, true);
    vector(g, DUKE_TRAP_TRANSLATED), put_map(p, true);
    vector(g, DUKE_TRAP_DEVICE), put_map(p, true);
    vector(g, DUKE_TRAP_SB_OVERFLOW); /* by the count of bundles: roll back and go on elsewhere, or commit and try again */
    D_RDCR(p, 60, BUNDLES), D_END(p);
    D_I(p, ANDI, 60, 60, 3), D_END(p);
    D_B(p, BEQ, 60, 0, duke_here(p) + 12), D_END(p);
    D_COMMIT(p, 0), D_END(p);
    D_R(p, RFE, 0, 0, 0), D_END(p);
    D_R(p, ROLLBACK, 0, 0, 0), D_END(p);
    put_skip(p);
    vector(g, DUKE_TRAP_ALIAS);
    D_RDCR(p, 60, BUNDLES), D_END(p);
    D_I(p, ANDI, 60, 60, 1), D_END(p);
    D_B(p, BEQ, 60, 0, duke_here(p) + 12), D_END(p);
    D_R(p, ALCLR, 0, 0, 0), D_END(p);
    D_R(p, RFE, 0, 0, 0), D_END(p);
    D_R(p, ROLLBACK, 0, 0, 0), D_END(p);
    put_skip(p);
    vector(g, DUKE_TRAP_POISON);
    D_WRCR(p, 0, POISON), D_END(p);
    D_R(p, RFE, 0, 0, 0), D_END(p);
    vector(g, DUKE_TRAP_NATIVE);
    D_RDCR(p, 60, TINFO), D_END(p);
    D_COMMIT(p, 0), D_END(p);
    put_skip(p);
    vector(g, DUKE_TRAP_ILLEGAL), put_skip(p);
    vector(g, DUKE_TRAP_FETCH), put_skip(p);
    vector(g, DUKE_TRAP_INTERRUPT);
    D_RDCR(p, 60, ICOUNT), D_END(p);
    D_I(p, ADD, 60, 60, 3000), D_END(p);
    D_WRCR(p, 60, ILIMIT), D_END(p);
    D_R(p, RFE, 0, 0, 0), D_END(p);
    vector(g, DUKE_TRAP_SOFT); /* over the one-word op */
    D_RDCR(p, 60, TPC), D_END(p);
    D_I(p, ADDI, 60, 60, 4), D_END(p);
    D_WRCR(p, 60, TPC), D_END(p);
    D_R(p, RFE, 0, 0, 0), D_END(p);
}

static void put_tables(struct gen *g)
{
    /* writable 2, user 4, device 8 */
    static const uint8_t bits[16] = {6, 6, 6, 4, 6, 6, 14, 6, 6, 2, 6, 6, 6, 6, 12, 6};
    uint64_t *table = (uint64_t *)(void *)(g->p.words + (TABLES - g->p.base) / 4);
    for (unsigned i = 0; i < 16; i++) {
        table[i] = bits[i];
        table[16 + i] = i == 5 ? rnd(g) : 0;
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        g->p.words[(TABLES + 256 - g->p.base) / 4 + i] = g->block[i];
}

static void put_start(struct gen *g)
{
    struct duke_program *p = &g->p;
    p->n = (START - p->base) / 4;
    D_LI(p, 60, VECTORS), D_LI(p, 61, 3000), D_END(p);
    D_LI(p, REG_NEXT, BODY), D_END(p);
    D_WRCR(p, 60, TVEC), D_END(p);
    D_WRCR(p, 61, ILIMIT), D_END(p);
    for (unsigned i = 1; i <= FREE_REGS; i++)
        load_constant(g, i, rnd(g) >> below(g, 64));
    load_constant(g, REG_NUMBER, rnd(g));
    D_COMMIT(p, 0), D_J(p, g->block[0]), D_END(p);
}

static void fill(struct gen *g, struct engine *e, uint32_t from, uint32_t size)
{
    uint64_t page[512];
    for (uint32_t at = 0; at < size; at += sizeof page) {
        for (unsigned i = 0; i < 512; i++)
            page[i] = rnd(g);
        e->ops->dma_write(e, from + at, page, sizeof page);
    }
}

void duke_random_load(struct engine *e, const struct duke_machine *machine, uint64_t seed)
{
    struct gen g = {.state = seed};
    g.p.base = START;
    g.p.capacity = (DATA - START) / 4;
    g.p.words = calloc(g.p.capacity, 4);
    g.p.machine = machine;
    g.p.n = (BODY - START) / 4;
    for (unsigned i = 0; i < BLOCKS && duke_here(&g.p) < BODY_END; i++)
        put_block(&g, i);
    D_J(&g.p, BODY), D_END(&g.p); /* what follows the last block */
    for (unsigned i = 0; i < BLOCKS; i++)
        if (g.block[i] == 0)
            g.block[i] = BODY;
    put_tables(&g);
    put_handlers(&g);
    put_start(&g);
    e->ops->dma_write(e, START, g.p.words, 4 * g.p.capacity);
    free(g.p.words);
    fill(&g, e, 0, DUKE_RANDOM_DRAM);
    fill(&g, e, DATA, ENGINE_HIDDEN_BASE + DUKE_RANDOM_HIDDEN - DATA);
}

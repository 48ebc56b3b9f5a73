/* Random guest code: the translation, run on the functional engine, against the interpreter.
 *
 * Whatever way the engine leaves, the state must be the one after the instructions it committed; after a trap, interpreting
 * on from there must meet an exception. GEN_SEED and GEN_CASES in the environment choose other cases.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duke_isa.h"
#include "gtest_shim.h"
#include "guest/decode.h"
#include "guest/lift.h"
#include "port.h"
#include "region/region.h"
#include "rig.h"
#include "splitmix64.h"

static uint64_t rng_state;

static uint64_t rng(void) { return splitmix64(&rng_state); }

static unsigned pick(unsigned n) { return (unsigned)(rng() % n); }

/* ModRM, SIB and displacement of an operand that mostly hits data: esi is an index, the others but eax and ecx pointers. */
static unsigned put_modrm(uint8_t *p)
{
    unsigned n = 0, mod = pick(4), reg = pick(8), rm = pick(8);
    if (mod == 3) {
        p[n++] = (uint8_t)(0xc0 | reg << 3 | rm);
        return n;
    }
    if (rm < 2 || rm == 6)
        rm = 4;
    p[n++] = (uint8_t)(mod << 6 | reg << 3 | rm);
    unsigned base = rm;
    if (rm == 4) {
        base = pick(8);
        unsigned index = pick(3) ? 6 : 4;
        p[n++] = (uint8_t)(pick(4) << 6 | index << 3 | base);
    }
    int32_t disp = (int32_t)pick(256) - 128;
    if (mod == 0 && base == 5)
        disp = RIG_DATA + 0x8000 + (int32_t)pick(2048);
    if (mod == 2)
        disp = (int32_t)pick(0x2000) - 0x1000;
    if (mod == 1)
        p[n++] = (uint8_t)disp;
    if (mod == 2 || (mod == 0 && base == 5)) {
        memcpy(p + n, &disp, 4);
        n += 4;
    }
    return n;
}

static const uint8_t one_byte[] = {
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x18, 0x19,
    0x1a, 0x1b, 0x1c, 0x1d, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x30, 0x31, 0x32, 0x33,
    0x34, 0x35, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x40, 0x41, 0x42, 0x43, 0x45, 0x46, 0x48, 0x49, 0x4a, 0x4b, 0x4d, 0x4e,
    0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x5b, 0x5d, 0x5e, 0x5f, 0x60, 0x61, 0x68, 0x69, 0x6a,
    0x6b, 0x80, 0x81, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8d, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x95, 0x96,
    0x97, 0x98, 0x99, 0x9e, 0x9f, 0xa8, 0xa9, 0xb0, 0xb1, 0xb4, 0xb5, 0xb6, 0xb8, 0xb9, 0xba, 0xc0, 0xc1, 0xc6, 0xc7, 0xc9,
    0xd0, 0xd1, 0xd2, 0xd3, 0xd6, 0xd7, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfe, 0xff, 0x89, 0x8b, 0x89, 0x8b, 0x01, 0x03, 0x39,
    0x3b, 0x83, 0x83, 0x85, 0x8d, 0xc1, 0xc1, 0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0xfc,
};
static const uint8_t two_byte[] = {
    0x40, 0x42, 0x44, 0x45, 0x46, 0x48, 0x4c, 0x4d, 0x4e, 0x4f, 0x90, 0x92, 0x94, 0x95, 0x97, 0x98, 0x9a,
    0x9c, 0x9f, 0xa3, 0xa4, 0xa5, 0xab, 0xac, 0xad, 0xaf, 0xb0, 0xb1, 0xb3, 0xb6, 0xb7, 0xba, 0xbb, 0xbc,
    0xbd, 0xbe, 0xbf, 0xc0, 0xc1, 0xc7, 0xc8, 0xc9, 0xca, 0xcb, 0xcf, 0x1f, 0xaf, 0xb6, 0xb7, 0xbe,
};

static bool plain; /* the case is made of put_plain's instructions */

/* An instruction between few registers, so that copies, sums and comparisons meet. Returns its length. */
static unsigned put_plain(uint8_t *p)
{
    static const uint8_t regs[] = {0, 0, 1, 2, 3, 3, 5, 4},
                         alu[] = {0x01, 0x29, 0x21, 0x09, 0x31, 0x39, 0x38, 0x84, 0x85, 0x88};
    unsigned a = regs[pick(7 + !pick(8))], b = regs[pick(7 + !pick(4))], low = pick(4), rr = 0xc0 | b << 3 | a;
    uint8_t code[8] = {0};
    switch (pick(18)) {
    case 0: memcpy(code, (uint8_t[]){(uint8_t)(0x40 | pick(2) << 3 | a)}, 1); break;
    case 1: memcpy(code, (uint8_t[]){0x83, (uint8_t)(0xc0 | pick(8) << 3 | a), (uint8_t)(pick(5) - 2)}, 3); break;
    case 2: memcpy(code, (uint8_t[]){0x83, (uint8_t)(0xf8 | a), (uint8_t)(pick(5) - 2)}, 3); break; /* cmp */
    case 3: memcpy(code, (uint8_t[]){0x8d, (uint8_t)(0x40 | b << 3 | (a == 4 ? 5 : a)), (uint8_t)pick(9)}, 3); break;
    case 4: memcpy(code, (uint8_t[]){0x0f, (uint8_t)(0x90 | pick(16)), (uint8_t)(0xc0 | low)}, 3); break; /* setcc */
    case 5: memcpy(code, (uint8_t[]){0x0f, 0xb6, (uint8_t)(0xc0 | b << 3 | low)}, 3); break;              /* movzx */
    case 6: memcpy(code, (uint8_t[]){0x84, (uint8_t)(0xc0 | low << 3 | low)}, 2); break;        /* test of a byte with itself */
    case 7: memcpy(code, (uint8_t[]){0x80, (uint8_t)(0xf8 | low), (uint8_t)pick(2)}, 3); break; /* cmp of one */
    case 8: memcpy(code, (uint8_t[]){0x0f, (uint8_t)(0x40 | pick(16)), (uint8_t)rr}, 3); break; /* cmovcc */
    case 9: memcpy(code, (uint8_t[]){(uint8_t)(0xb8 | a), (uint8_t)pick(3)}, 2); break;         /* mov r, imm */
    case 10: code[0] = pick(16) ? (uint8_t)(0x50 | pick(2) << 3 | a) : 0xc9; break;             /* push, pop, leave */
    case 11: memcpy(code, (uint8_t[]){pick(3) ? 0x8b : 0x8a, (uint8_t)(0x43 | b << 3), (uint8_t)(4 * pick(4))}, 3); break;
    case 12: memcpy(code, (uint8_t[]){0x89, (uint8_t)(0x43 | b << 3), (uint8_t)(4 * pick(4))}, 3); break;
    case 13: memcpy(code, (uint8_t[]){alu[pick(sizeof alu)], (uint8_t)rr}, 2); break;
    default: memcpy(code, (uint8_t[]){0x89, (uint8_t)rr}, 2); break; /* mov r, r */
    }
    struct ginsn g;
    if (guest_decode(code, sizeof code, GUEST_IA32, &g) != DECODE_OK)
        return 0;
    memcpy(p, code, g.len);
    return g.len;
}

/* One instruction that the lifter takes and that is no transfer. Returns its length. */
static unsigned put_insn(uint8_t *p)
{
    if (plain && pick(8))
        return put_plain(p);
    for (;;) {
        uint8_t buf[24];
        unsigned n = 0;
        struct ginsn g;
        for (unsigned i = 0; i < sizeof buf; i++)
            buf[i] = (uint8_t)rng();
        if (pick(8) == 0)
            buf[n++] = 0x66;
        if (pick(24) == 0)
            buf[n++] = pick(2) ? 0x64 : 0x65;
        if (pick(40) == 0)
            buf[n++] = 0x67;
        if (pick(30) == 0) { /* a repeated string instruction; the count is small now and then */
            static const uint8_t strings[] = {0xa4, 0xa5, 0xaa, 0xab, 0xa6, 0xa7, 0xae, 0xaf, 0xac};
            buf[n++] = pick(3) ? 0xf3 : 0xf2;
            buf[n++] = strings[pick(sizeof strings)];
            if (pick(2) && guest_decode(buf, 15, GUEST_IA32, &g) == DECODE_OK) {
                static const uint8_t small_count[] = {0x83, 0xe1, 0x07}; /* and ecx, 7 */
                memcpy(p, small_count, 3);
                memcpy(p + 3, buf, g.len);
                return 3 + g.len;
            }
        }
        if (pick(4)) {
            buf[n++] = one_byte[pick(sizeof one_byte)];
        } else {
            if (pick(20) == 0)
                buf[n++] = 0xf3;
            buf[n++] = 0x0f;
            buf[n++] = two_byte[pick(sizeof two_byte)];
        }
        put_modrm(buf + n);
        if (guest_decode(buf, 15, GUEST_IA32, &g) != DECODE_OK || !lift_can(&g) || gop_ends_block(g.op))
            continue;
        if (g.op == G_ENTER || ((g.op == G_DIV || g.op == G_IDIV) && pick(4)))
            continue;
        memcpy(p, buf, g.len);
        return g.len;
    }
}

static unsigned put_short(uint8_t *p, uint8_t op, int rel)
{
    p[0] = op;
    p[1] = (uint8_t)rel;
    return 2;
}

/* call f (or mov ecx, f; call ecx); jmp over; f: a few instructions, which may well change where it returns to; ret; over: */
static unsigned put_function(uint8_t *p, uint32_t address)
{
    uint8_t direct[] = {0xe8, 2, 0, 0, 0, 0xeb, 0}, indirect[] = {0xb9, 0, 0, 0, 0, 0xff, 0xd1, 0xeb, 0};
    uint32_t f = address + sizeof indirect;
    memcpy(indirect + 1, &f, 4);
    unsigned n = sizeof direct;
    if (pick(2)) {
        n = sizeof indirect;
        memcpy(p, indirect, n);
    } else {
        memcpy(p, direct, n);
    }
    unsigned begin = n;
    for (unsigned i = pick(4); i-- > 0;)
        n += put_insn(p + n);
    if (pick(8) == 0)
        n += put_short(p + n, 0x70 | pick(16), 1); /* over the ret */
    p[n++] = 0xc3;
    p[begin - 1] = (uint8_t)(n - begin);
    return n;
}

/* A run of instructions with conditional branches forward in it; it ends in a transfer or something not lifted. */
static unsigned put_code(uint8_t *p)
{
    unsigned n = 0, count = 1 + pick(pick(3) ? 8 : 40), open = 0, at[8], pending = 0;
    for (unsigned i = 0; i < count; i++) {
        if (pick(7) == 0 && pending < 8) {
            p[n++] = (uint8_t)(pick(12) ? 0x70 | pick(16) : 0xe0 | pick(4));
            at[pending++] = n++;
        } else if (pick(30) == 0) {
            p[n++] = 0xeb; /* over a few bytes */
            p[n++] = (uint8_t)pick(3);
            p[n++] = 0x90;
            p[n++] = 0x90;
        } else if (pick(30) == 0) {
            n += put_function(p + n, RIG_CODE + n);
        } else {
            n += put_insn(p + n);
        }
        if (pending > open && pick(3) == 0) {
            p[at[open]] = (uint8_t)(n - at[open] - 1 > 127 ? 0 : n - at[open] - 1);
            open++;
        }
    }
    for (; open < pending; open++)
        p[at[open]] = (uint8_t)(n - at[open] - 1 > 127 ? 0 : n - at[open] - 1);
    switch (pick(8)) {
    case 0: p[n++] = 0xc3; break; /* ret */
    case 1:
        p[n++] = 0xff;
        p[n++] = (uint8_t)(0xe0 | pick(8));
        break; /* jmp reg */
    case 2:
        p[n++] = 0xff;
        p[n++] = (uint8_t)(0xd0 | pick(8));
        break; /* call reg */
    case 3:
        p[n++] = 0xe8;
        p[n++] = 0x40;
        p[n++] = 0;
        p[n++] = 0;
        p[n++] = 0;
        break;
    case 4:
        p[n++] = 0xc2;
        p[n++] = (uint8_t)pick(64);
        p[n++] = 0;
        break;
    case 5:
        p[n++] = 0x0f;
        p[n++] = 0xa2;
        break;                                                                   /* cpuid */
    case 6: n += put_short(p + n, 0xeb, n + 2 < 128 ? -(int)(n + 2) : 2); break; /* to the start */
    default: n += put_short(p + n, 0x75, n + 2 < 128 ? -(int)(n + 2) : 2); break;
    }
    return n;
}

static void random_state(struct rig *r)
{
    struct guest_cpu *cpu = &r->sh->cpu;
    for (unsigned i = 0; i < 8; i++)
        cpu->gpr[i] = i < 2 ? (pick(3) ? (uint32_t)rng() : pick(40)) : RIG_DATA + 0x8000 + pick(0x1000) * (pick(2) ? 4 : 1);
    cpu->gpr[GUEST_RSI] = pick(4) ? pick(64) : (uint32_t)(0 - pick(64));
    cpu->gpr[GUEST_RSP] &= ~UINT64_C(3);
    cpu->flags = rng() & EFL_ARITH;
    cpu->rip = RIG_CODE;
}

static bool in_repeated(struct rig *r)
{
    struct gblock *b = rig_block(r, r->sh->cpu.rip);
    return b && lift_alone(block_insns(r->m->blocks, b));
}

/* The engine stopped within a repeated instruction, at whose start the interpreter is: from either state, what follows must
 * come to the same end. */
static bool same_end(struct rig *r, const struct guest_cpu *got)
{
    enum { MORE = 40 };
    static uint8_t memory[RIG_DATA_END - RIG_DATA];
    struct guest_cpu *cpu = &r->sh->cpu, end;
    uint8_t *data = r->port->ram + RIG_DATA;
    enum interp_result want = rig_interpret(r, MORE);
    uint64_t insns = r->port->icount;
    end = *cpu;
    memcpy(memory, data, sizeof memory);
    *cpu = *got;
    memcpy(data, r->dram + RIG_DATA, sizeof memory);
    enum interp_result result = rig_interpret(r, MORE);
    return result == want && r->port->icount == insns && memcmp(cpu->gpr, end.gpr, sizeof end.gpr) == 0 &&
           cpu->flags == end.flags && cpu->rip == end.rip && memcmp(memory, data, sizeof memory) == 0;
}

static void dump_code(const uint8_t *code, unsigned n)
{
    fprintf(stderr, "code:");
    for (unsigned i = 0; i < n; i++)
        fprintf(stderr, " %02x", code[i]);
    fprintf(stderr, "\n");
}

struct totals {
    unsigned cases, traps, refused, undone, stubs[4];
    uint64_t insns, committed;
};

/* -- The IR itself: rules, text, meaning */

static uint8_t eval_memory[RIG_DATA_END - RIG_DATA];

static bool eval_load(void *arg, uint64_t addr, unsigned size, uint64_t *value)
{
    struct rig *r = arg;
    *value = 0;
    for (unsigned i = 0; i < size; i++) {
        uint32_t a = (uint32_t)(addr + i);
        if (a >= RIG_DATA && a < RIG_DATA_END)
            *value |= (uint64_t)eval_memory[a - RIG_DATA] << 8 * i;
        else if (a >= RIG_CODE && a < RIG_CODE_END)
            *value |= (uint64_t)r->port->ram[a] << 8 * i;
        else
            return false;
    }
    return true;
}

static bool eval_store(void *arg, uint64_t addr, unsigned size, uint64_t value)
{
    (void)arg;
    for (unsigned i = 0; i < size; i++)
        if ((uint32_t)(addr + i) < RIG_DATA || (uint32_t)(addr + i) >= RIG_DATA_END)
            return false;
    for (unsigned i = 0; i < size; i++)
        eval_memory[(uint32_t)(addr + i) - RIG_DATA] = (uint8_t)(value >> 8 * i);
    return true;
}

static const struct ir_block *ir_of(struct rig *r) { return r->regions ? &r->m->region->ir : &r->m->gear2->ir; }

static bool prepare(struct rig *r, struct gblock *b, unsigned level)
{
    return r->regions ? region_prepare(r->m, b, 100, level) : gear2_prepare(r->m, b, GEAR2_BLOCKS_MAX, 32);
}

/* Checks the IR just prepared, prints and reads it, and evaluates it from `start` against the interpreter. What goes to cycles
 * without IR has none to check. */
static bool check_ir(struct rig *r, uint64_t seed, const struct guest_cpu *start, const uint8_t *before)
{
    static struct ir_block again; /* zero, as ir_start wants it at first */
    static char text[1 << 18], text2[1 << 18];
    const struct ir_block *b = ir_of(r);
    struct guest_cpu *cpu = &r->sh->cpu;
    char err[120];
    if (!r->regions && r->sh->params.opt_direct)
        return true;
    bool ok = ir_check(b, err, sizeof err);
    EXPECT_MSG(ok, "seed %#" PRIx64 ": %s", seed, err);
    struct ir_text out = {text, sizeof text, 0}, out2 = {text2, sizeof text2, 0};
    ir_print(b, &out);
    bool read = ir_parse(text, &again, err, sizeof err);
    EXPECT_MSG(read, "seed %#" PRIx64 ": %s", seed, err);
    if (!ok || !read)
        return false;

    struct ir_machine m = {.arg = r, .load = eval_load, .store = eval_store};
    memcpy(m.g, start->gpr, sizeof start->gpr);
    m.g[IR_G_FLAGS] = start->flags;
    m.g[IR_G_FS] = start->seg_base[GUEST_FS];
    m.g[IR_G_GS] = start->seg_base[GUEST_GS];
    struct ir_machine m2 = m;
    memcpy(eval_memory, before, sizeof eval_memory);
    ir_eval(&again, &m2); /* what was read means the same, and is the same text but for numbers of values */
    memcpy(eval_memory, before, sizeof eval_memory);
    ir_eval(b, &m);
    m.icount -= m.g[LIFT_UNCOUNT];
    m2.icount -= m2.g[LIFT_UNCOUNT];
    m.g[LIFT_UNCOUNT] = m2.g[LIFT_UNCOUNT] = 0;
    bool same_text = m.exit == m2.exit && m.icount == m2.icount && memcmp(m.g, m2.g, sizeof m.g) == 0;
    EXPECT_MSG(same_text, "seed %#" PRIx64 ": text and IR mean different things", seed);
    ir_print(&again, &out2);

    uint64_t rip = m.next;
    if (m.exit >= 0)
        rip = b->exit[m.exit].kind == IR_EXIT_JMP || b->exit[m.exit].kind == IR_EXIT_RET ? m.g[IR_G_TARGET]
                                                                                         : b->exit[m.exit].target;
    if (m.exit >= 0 && b->exit[m.exit].flags & IR_EXIT_ZERO)
        return same_text; /* in the middle of a repeated instruction: the engine goes on */
    *cpu = *start;
    memcpy(r->port->ram + RIG_DATA, before, sizeof eval_memory);
    enum interp_result result = m.icount ? rig_interpret(r, m.icount) : INTERP_OK;
    bool same = result == INTERP_OK && cpu->rip == rip && cpu->flags == m.g[IR_G_FLAGS] &&
                memcmp(cpu->gpr, m.g, sizeof cpu->gpr) == 0 &&
                (m.exit < 0 || memcmp(r->port->ram + RIG_DATA, eval_memory, sizeof eval_memory) == 0);
    EXPECT_MSG(same, "seed %#" PRIx64 ": IR evaluates otherwise than the interpreter, exit %d after %u", seed, m.exit,
               (unsigned)m.icount);
    if (!same)
        fputs(text, stderr);
    memcpy(r->port->ram + RIG_DATA, before, sizeof eval_memory);
    return same && same_text;
}

/* False: a difference was reported. level: how much a region may speculate. */
static bool one_case(struct rig *r, uint64_t seed, struct totals *t, unsigned level)
{
    static uint8_t before[RIG_DATA_END - RIG_DATA];
    struct guest_cpu *cpu = &r->sh->cpu, start, got;
    uint8_t code[1024];
    char why[100];
    rng_state = seed;
    plain = pick(3) == 0;
    unsigned n = put_code(code);
    rig_code(r, code, n);
    r->sh->params.opt_fold = pick(8) != 0;
    r->sh->params.opt_dead_flags = pick(8) != 0;
    r->sh->params.opt_fuse = pick(8) != 0;
    r->sh->params.opt_parts = pick(8) != 0;
    r->sh->params.opt_direct = pick(4) != 0;
    random_state(r);
    uint64_t *data = (uint64_t *)(void *)(r->port->ram + RIG_DATA);
    for (unsigned i = 0; i < sizeof before / 8; i++)
        data[i] = i % 5 ? rng() : RIG_DATA + 0x8000 + (rng() & 0x1ffc);
    memcpy(before, data, sizeof before);
    start = *cpu;
    rig_interpret(r, 1 + pick(200)); /* for the profile */
    memcpy(data, before, sizeof before);
    *cpu = start;

    uint64_t icount = 0;
    r->sh->params.hot2 = 1 + pick(4);
    r->ilimit = 1 + pick(300);
    struct gblock *b = rig_block(r, RIG_CODE);
    t->cases++;
    if (b)
        region_care(r->m->region, b->rip)->level = (uint8_t)level;
    if (b && prepare(r, b, level) && !check_ir(r, seed, &start, before))
        return false;
    *cpu = start;
    t->insns += ir_of(r)->insns;
    unsigned stub = b ? rig_translated(r, b, &icount) : 0;
    if (!stub) {
        t->refused++;
        return true;
    }
    t->committed += icount;
    if (stub < RIG_TRAP)
        t->stubs[stub]++;
    else
        t->traps++;
    bool ok = rig_legal(r, why, sizeof why);
    EXPECT_MSG(ok, "seed %#" PRIx64 ": %s", seed, why);
    got = *cpu;
    *cpu = start;
    enum interp_result result = icount ? rig_interpret(r, icount) : INTERP_OK;
    bool same = result == INTERP_OK && got.flags == cpu->flags && got.rip == cpu->rip &&
                memcmp(got.gpr, cpu->gpr, sizeof got.gpr) == 0 && memcmp(r->dram + RIG_DATA, data, sizeof before) == 0;
    if (!same && result == INTERP_OK && got.rip == cpu->rip && in_repeated(r))
        same = same_end(r, &got);
    uint64_t undone_rip = same ? got.rip : ~UINT64_C(0);
    if (stub >= RIG_TRAP && stub != RIG_TRAP + DUKE_TRAP_INTERRUPT && same) /* what trapped must be the guest's doing */
        same = rig_interpret(r, 64) == INTERP_EXCEPTION;
    if (ok && same)
        return true;
    /* Or it was a speculation that failed. */
    if (ok && r->regions && level < REGION_NO_HOIST && stub >= RIG_TRAP && got.rip == undone_rip) {
        t->undone++;
        return one_case(r, seed, t, REGION_NO_HOIST);
    }
    shim_fail(__FILE__, __LINE__, "seed %#" PRIx64 ": stub %u after %u instructions, interpreter says %d", seed, stub,
              (unsigned)icount, result);
    dump_code(code, n);
    for (unsigned i = 0; i < 8; i++)
        fprintf(stderr, "r%u %08x: %08x, interpreter %08x%s\n", i, (unsigned)start.gpr[i], (unsigned)got.gpr[i],
                (unsigned)cpu->gpr[i], got.gpr[i] == cpu->gpr[i] ? "" : " <");
    fprintf(stderr, "flags %03x: %03x, interpreter %03x; rip %x, %x\n", (unsigned)start.flags, (unsigned)got.flags,
            (unsigned)cpu->flags, (unsigned)got.rip, (unsigned)cpu->rip);
    for (unsigned i = 0; i < sizeof before; i++)
        if (r->dram[RIG_DATA + i] != ((uint8_t *)data)[i]) {
            fprintf(stderr, "first difference in memory at %x\n", RIG_DATA + i);
            break;
        }
    char *text = malloc(1 << 20);
    struct ir_text out = {text, 1 << 20, 0};
    ir_print(ir_of(r), &out);
    fputs(text, stderr);
    free(text);
    rig_dump(r);
    return false;
}

static uint64_t env_u64(const char *name, uint64_t otherwise)
{
    const char *s = getenv(name);
    return s ? strtoull(s, NULL, 0) : otherwise;
}

static void run_cases(const char *machine, uint64_t seed, uint64_t cases, bool regions, bool far)
{
    struct rig *r = rig_make(machine);
    gen_init(&r->m->gear2->gen, r->m->machine, far);
    r->regions = regions;
    struct totals t = {0};
    for (uint64_t i = 0; i < cases; i++)
        if (!one_case(r, seed + i, &t, REGION_BOLD))
            break;
    printf("%s: %u cases, %u refused, %u undone, exits %u direct %u indirect %u interp %u trap; %" PRIu64
           " instructions translated, %" PRIu64 " committed, %" PRIu64 " bundles\n",
           machine, t.cases, t.refused, t.undone, t.stubs[1], t.stubs[2], t.stubs[3], t.traps, t.insns, t.committed,
           r->sh->stats.gear2_bundles + r->sh->stats.gear3_bundles);
    EXPECT(t.committed > t.cases); /* the test must not have become empty */
    rig_free(r);
}

/* A branch that is decided by what is known of its operands, against the profile. */
static void decided_branch(bool regions)
{
    static const uint8_t code[] = {
        0xb8, 1,    0, 0,    0, 0xeb, 0, /* mov eax, 1; jmp over nothing */
        0x83, 0xf8, 2, 0x76, 4,          /* cmp eax, 2; jbe */
        0x83, 0xc3, 7, 0xc3,             /* add ebx, 7; ret */
        0x83, 0xc3, 9, 0xc3,             /* add ebx, 9; ret */
    };
    struct rig *r = rig_make("default");
    r->regions = regions;
    rig_code(r, code, sizeof code);
    r->sh->cpu.gpr[GUEST_RSP] = RIG_DATA + 0x8000;
    r->sh->cpu.rip = RIG_CODE;
    rig_block(r, RIG_CODE + 7)->count = 100;
    rig_block(r, RIG_CODE + 12)->count = 100;
    rig_block(r, RIG_CODE + 16)->count = 50;
    region_note(r->m, rig_block(r, RIG_CODE + 7));
    region_note(r->m, rig_block(r, RIG_CODE + 12));
    uint64_t icount = 0;
    EXPECT(rig_translated(r, rig_block(r, RIG_CODE), &icount) != 0);
    EXPECT(r->sh->cpu.gpr[GUEST_RBX] != 7);
    EXPECT(icount == 4 || r->sh->cpu.gpr[GUEST_RBX] == 9);
    EXPECT(r->sh->cpu.rip == (icount == 4 ? RIG_CODE + 16 : 0));
    rig_free(r);
}

TEST_CASE(gen, decided_branch_gear2) { decided_branch(false); }
TEST_CASE(gen, decided_branch_region) { decided_branch(true); }
/* What makes room for a result is moved to a register that no operand of the same op is in, though it be the operand's last use. */
static void room_for_result(bool regions, bool direct)
{
    static const uint8_t code[] = {
        0x0f, 0xc7, 0x8c, 0x71, 0xff, 0x00, 0x32, 0x00, /* cmpxchg8b [ecx+esi*2+0x3200ff] */
        0xd2, 0xa3, 0x00, 0x02, 0x32, 0x00,             /* shl byte [ebx+0x320200], cl */
        0xc1, 0x99, 0xff, 0x02, 0x32, 0x00, 0x9b,       /* rcr dword [ecx+0x3202ff], 27 */
        0x66, 0x0f, 0xad, 0xca,                         /* shrd dx, cx, cl */
        0x0f, 0xc1, 0xe2,                               /* xadd edx, esp */
        0xbe, 1,    0,    0,    0,                      /* mov esi, 1 */
        0xbf, 0x00, 0x04, 0x32, 0x00,                   /* mov edi, 0x320400 */
        0x66, 0xaf,                                     /* scasw */
        0xeb, 0,                                        /* jmp */
    };
    struct rig *r = rig_make("default");
    r->regions = regions;
    r->sh->params.opt_direct = direct;
    rig_code(r, code, sizeof code);
    struct guest_cpu *cpu = &r->sh->cpu;
    static const uint32_t gpr[8] = {0x12345678, 1, 0x3a29b3fb, 0, 0x2000f090, 5, 0, 7};
    for (unsigned i = 0; i < 8; i++)
        cpu->gpr[i] = gpr[i];
    cpu->rip = RIG_CODE;
    struct guest_cpu start = *cpu;
    region_note(r->m, rig_block(r, RIG_CODE));
    uint64_t icount = 0;
    EXPECT(rig_translated(r, rig_block(r, RIG_CODE), &icount) != 0);
    EXPECT(icount == 9);
    struct guest_cpu got = *cpu;
    *cpu = start;
    EXPECT(rig_interpret(r, icount) == INTERP_OK);
    EXPECT(memcmp(got.gpr, cpu->gpr, sizeof got.gpr) == 0);
    rig_free(r);
}
TEST_CASE(gen, room_for_result_direct) { room_for_result(false, true); }
TEST_CASE(gen, room_for_result_ir) { room_for_result(false, false); }
TEST_CASE(gen, room_for_result_region) { room_for_result(true, false); }
TEST_CASE(gen, random_default) { run_cases("default", env_u64("GEN_SEED", 1000), env_u64("GEN_CASES", 4000), false, false); }
TEST_CASE(gen, random_tm5400) { run_cases("tm5400", env_u64("GEN_SEED", 50000), env_u64("GEN_CASES", 2000), false, false); }
TEST_CASE(gen, region_default) { run_cases("default", env_u64("GEN_SEED", 90000), env_u64("GEN_CASES", 4000), true, false); }
TEST_CASE(gen, region_tm5400) { run_cases("tm5400", env_u64("GEN_SEED", 140000), env_u64("GEN_CASES", 2000), true, false); }
TEST_CASE(gen, random_far) { run_cases("default", env_u64("GEN_SEED", 200000), env_u64("GEN_CASES", 1000), false, true); }
TEST_CASE(gen, region_far) { run_cases("default", env_u64("GEN_SEED", 210000), env_u64("GEN_CASES", 1000), true, true); }

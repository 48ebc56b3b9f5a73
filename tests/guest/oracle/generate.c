/* Random instructions. Rows give an opcode and what follows it; the generator fills in operands from the CPU's state, so that most
 * addresses are good, and a few lie across pages, in read-only data or nowhere.
 */
#include "oracle.h"

#include <string.h>

#include "decode.h"
#include "rows.h"
#include "sem/sem.h"

#define ALU(base, n) \
    {0, base, -1, RM | BYTE | LOCK, 2}, {0, base + 1, -1, RM | LOCK, 4}, {0, base + 2, -1, RM | BYTE, 2}, \
    {0, base + 3, -1, RM, 4}, {0, base + 4, -1, IMM8 | BYTE, 1}, {0, base + 5, -1, IMMZ, 1}, \
    {0, 0x80, n, RM | BYTE | LOCK | IMM8, 2}, {0, 0x81, n, RM | LOCK | IMMZ, 2}, {0, 0x83, n, RM | LOCK | IMM8, 2}, \
    {0, 0x82, n, RM | BYTE | LOCK | IMM8 | NO64, 1}
#define SHIFT(n) \
    {0, 0xc0, n, RM | BYTE | IMM8, 2}, {0, 0xc1, n, RM | IMM8, 3}, {0, 0xd0, n, RM | BYTE, 1}, {0, 0xd1, n, RM, 2}, \
    {0, 0xd2, n, RM | BYTE, 2}, {0, 0xd3, n, RM, 3}

static const struct row rows[] = {
    ALU(0x00, 0),
    ALU(0x08, 1),
    ALU(0x10, 2),
    ALU(0x18, 3),
    ALU(0x20, 4),
    ALU(0x28, 5),
    ALU(0x30, 6),
    ALU(0x38, 7),
    SHIFT(0),
    SHIFT(1),
    SHIFT(2),
    SHIFT(3),
    SHIFT(4),
    SHIFT(5),
    SHIFT(6),
    SHIFT(7),
    {0, 0x27, -1, NONE | NO64, 4},
    {0, 0x2f, -1, NONE | NO64, 4},
    {0, 0x37, -1, NONE | NO64, 4},
    {0, 0x3f, -1, NONE | NO64, 4},
    {0, 0xd4, -1, IMM8 | BYTE | NO64, 4},
    {0, 0xd5, -1, IMM8 | BYTE | NO64, 4},
    {0, 0xd6, -1, NONE | NO64, 2}, /* aam aad salc */
    {0, 0x40, -1, OPREG | NO64, 3},
    {0, 0x48, -1, OPREG | NO64, 3},
    {0, 0x50, -1, OPREG, 4},
    {0, 0x58, -1, OPREG, 4},
    {0, 0x60, -1, NONE | NO64, 2},
    {0, 0x61, -1, NONE | NO64, 1},
    {0, 0x62, -1, MEM | NO64, 1},
    {0, 0x63, -1, RM | NO64, 1},
    {0, 0x63, -1, RM | NEW64, 5}, /* arpl; movsxd */
    {0, 0x68, -1, IMMZ, 2},
    {0, 0x6a, -1, IMM8, 2},
    {0, 0x69, -1, RM | IMMZ, 3},
    {0, 0x6b, -1, RM | IMM8, 3},
    {0, 0x84, -1, RM | BYTE, 2},
    {0, 0x85, -1, RM, 3},
    {0, 0x86, -1, RM | BYTE | LOCK, 2},
    {0, 0x87, -1, RM | LOCK, 3},
    {0, 0x88, -1, RM | BYTE, 3},
    {0, 0x89, -1, RM, 5},
    {0, 0x8a, -1, RM | BYTE, 3},
    {0, 0x8b, -1, RM, 5},
    {0, 0x8c, -1, RM, 3}, /* mov from segment */
    {0, 0x8d, -1, MEM | LEA, 6},
    {0, 0x8f, 0, RM, 2},
    {0, 0x90, -1, OPREG, 3},
    {0, 0x98, -1, NONE, 2},
    {0, 0x99, -1, NONE, 2},
    {0, 0x9c, -1, NONE, 2},
    {0, 0x9e, -1, NONE, 2},
    {0, 0x9f, -1, NONE, 2},
    {0, 0xa8, -1, IMM8 | BYTE, 1},
    {0, 0xa9, -1, IMMZ, 1},
    {0, 0xb0, -1, OPREG | IMM8 | BYTE, 3},
    {0, 0xb8, -1, OPREG | IMMZ, 3},
    {0, 0xc6, 0, RM | BYTE | IMM8, 2},
    {0, 0xc7, 0, RM | IMMZ, 3},
    {0, 0xf5, -1, NONE, 2},
    {0, 0xf8, -1, NONE, 2},
    {0, 0xf9, -1, NONE, 2},
    {0, 0xfc, -1, NONE, 1},
    {0, 0xfd, -1, NONE, 1},
    {0, 0xf6, 0, RM | BYTE | IMM8, 1},
    {0, 0xf7, 0, RM | IMMZ, 1},
    {0, 0xf6, 1, RM | BYTE | IMM8, 1},
    {0, 0xf7, 1, RM | IMMZ, 1},
    {0, 0xf6, 2, RM | BYTE | LOCK, 2},
    {0, 0xf7, 2, RM | LOCK, 2},
    {0, 0xf6, 3, RM | BYTE | LOCK, 2},
    {0, 0xf7, 3, RM | LOCK, 2},
    {0, 0xf6, 4, RM | BYTE, 3},
    {0, 0xf7, 4, RM, 4},
    {0, 0xf6, 5, RM | BYTE, 3},
    {0, 0xf7, 5, RM, 4},
    {0, 0xf6, 6, RM | BYTE, 3},
    {0, 0xf7, 6, RM, 3},
    {0, 0xf6, 7, RM | BYTE, 3},
    {0, 0xf7, 7, RM, 3}, /* div idiv */
    {0, 0xfe, 0, RM | BYTE | LOCK, 2},
    {0, 0xfe, 1, RM | BYTE | LOCK, 2},
    {0, 0xff, 0, RM | LOCK, 3},
    {0, 0xff, 1, RM | LOCK, 3},
    {0, 0xff, 6, RM, 3},
    {0x0f, 0x02, -1, RM, 1},
    {0x0f, 0x03, -1, RM, 1},
    {0x0f, 0x00, 4, RM, 1},
    {0x0f, 0x00, 5, RM, 1},
    {0x0f, 0x18, -1, MEM, 1},
    {0x0f, 0x19, -1, RM, 1},
    {0x0f, 0x1a, -1, RM, 1},
    {0x0f, 0x1b, -1, RM, 1},
    {0x0f, 0x1c, -1, RM, 1},
    {0x0f, 0x1d, -1, RM, 1},
    {0x0f, 0x1e, -1, RM, 1},
    {0x0f, 0x1f, -1, RM, 2},
    {0x0f, 0xae, 7, MEM, 1}, /* prefetch, nop, clflush */
    {0x0f, 0x40, -1, RM | CC, 8},
    {0x0f, 0x90, -1, RM | BYTE | CC, 8},
    {0x0f, 0xa3, -1, RM | BIT, 3},
    {0x0f, 0xab, -1, RM | LOCK | BIT, 3},
    {0x0f, 0xb3, -1, RM | LOCK | BIT, 3},
    {0x0f, 0xbb, -1, RM | LOCK | BIT, 3},
    {0x0f, 0xba, 4, RM | IMM8, 2},
    {0x0f, 0xba, 5, RM | LOCK | IMM8, 2},
    {0x0f, 0xba, 6, RM | LOCK | IMM8, 2},
    {0x0f, 0xba, 7, RM | LOCK | IMM8, 2},
    {0x0f, 0xa4, -1, RM | IMM8, 4},
    {0x0f, 0xa5, -1, RM, 4},
    {0x0f, 0xac, -1, RM | IMM8, 4},
    {0x0f, 0xad, -1, RM, 4},
    {0x0f, 0xaf, -1, RM, 4},
    {0x0f, 0xb0, -1, RM | BYTE | LOCK, 3},
    {0x0f, 0xb1, -1, RM | LOCK, 4},
    {0x0f, 0xb6, -1, RM, 4},
    {0x0f, 0xb7, -1, RM, 3},
    {0x0f, 0xbe, -1, RM, 4},
    {0x0f, 0xbf, -1, RM, 3},
    {0x0f, 0xbc, -1, RM, 3},
    {0x0f, 0xbd, -1, RM, 3},
    {0xf3, 0xbc, -1, RM, 2},
    {0xf3, 0xbd, -1, RM, 2},
    {0xf3, 0xb8, -1, RM, 3},
    {0x0f, 0xc0, -1, RM | BYTE | LOCK, 3},
    {0x0f, 0xc1, -1, RM | LOCK, 3},
    {0x0f, 0xc3, -1, MEM, 1},
    {0x0f, 0xc7, 1, MEM | LOCK, 4},
    {0x0f, 0xc8, -1, OPREG, 3},
    {0x0f, 0x0b, -1, NONE, 1},
    {0, 0xcc, -1, NONE, 1},
    {0, 0xce, -1, NONE | NO64, 2},
    {0, 0xf4, -1, NONE, 1},
};

/* Sequences of more than one instruction, and those that need a prepared state. */
enum plan {
    PLAN_NONE,
    PLAN_JCC,
    PLAN_JMP,
    PLAN_CALL,
    PLAN_LOOP,
    PLAN_JMP_REG,
    PLAN_CALL_REG,
    PLAN_JMP_FAR,
    PLAN_RET_PUSH,
    PLAN_RET,
    PLAN_RETF_CS,
    PLAN_RETF_IP,
    PLAN_RETF,
    PLAN_STRING_CX,
    PLAN_STRING_SI,
    PLAN_STRING_DI,
    PLAN_STRING,
    PLAN_POPF_PUSH,
    PLAN_POPF,
    PLAN_XLAT_BX,
    PLAN_XLAT,
    PLAN_LEAVE_BP,
    PLAN_LEAVE,
    PLAN_ENTER,
    PLAN_SEG_AX,
    PLAN_SEG,
    PLAN_DIV_DX,
    PLAN_DIV,
    PLAN_STACK, /* put the stack pointer back into data */
    PLAN_MOFFS,
    PLAN_INT,
    PLAN_INVALID,
    PLAN_MXCSR_STORE,
    PLAN_MXCSR,
    PLAN_X87, /* see generate_x87.c */
    PLAN_RAW, /* see generate_raw.c */
    PLAN_JMP_MEM,
    PLAN_CALL_MEM,
    PLAN_JMP16,
    PLAN_COUNT,
};
static const uint8_t plan_starts[] = {
    PLAN_JCC,       PLAN_JCC,       PLAN_JCC,       PLAN_JMP,       PLAN_CALL,      PLAN_LOOP,
    PLAN_JMP_REG,   PLAN_CALL_REG,  PLAN_JMP_FAR,   PLAN_RET_PUSH,  PLAN_RET_PUSH,  PLAN_RETF_CS,
    PLAN_STRING_CX, PLAN_STRING_CX, PLAN_STRING_CX, PLAN_STRING_CX, PLAN_STRING_SI, PLAN_STRING_SI,
    PLAN_POPF_PUSH, PLAN_XLAT_BX,   PLAN_LEAVE_BP,  PLAN_ENTER,     PLAN_SEG_AX,    PLAN_DIV_DX,
    PLAN_DIV_DX,    PLAN_DIV_DX,    PLAN_MOFFS,     PLAN_MOFFS,     PLAN_INT,       PLAN_RAW,
    PLAN_JMP_MEM,   PLAN_CALL_MEM,  PLAN_JMP16,
};
/* In 64-bit mode without far transfers and segment registers: other modes and the kernel's own treatment would show. */
static const uint8_t plan_starts64[] = {
    PLAN_JCC,       PLAN_JCC,       PLAN_JCC,       PLAN_JMP,       PLAN_CALL,      PLAN_LOOP,      PLAN_JMP_REG,
    PLAN_CALL_REG,  PLAN_RET_PUSH,  PLAN_RET_PUSH,  PLAN_STRING_CX, PLAN_STRING_CX, PLAN_STRING_CX, PLAN_STRING_CX,
    PLAN_STRING_SI, PLAN_STRING_SI, PLAN_POPF_PUSH, PLAN_XLAT_BX,   PLAN_LEAVE_BP,  PLAN_ENTER,     PLAN_DIV_DX,
    PLAN_DIV_DX,    PLAN_DIV_DX,    PLAN_MOFFS,     PLAN_MOFFS,     PLAN_INT,       PLAN_INVALID,   PLAN_RAW,
    PLAN_JMP_MEM,   PLAN_CALL_MEM,
};

static bool is_used(const struct generator *gen, unsigned at) { return gen->used[at / 8] >> (at % 8) & 1; }

static bool is_free(const struct generator *gen, unsigned at, unsigned n)
{
    if (at + n > ORACLE_CODE_SIZE)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (is_used(gen, at + i))
            return false;
    return true;
}

enum { ROOM = 40 }; /* free bytes that a place to go on must have */

/* An address of free code in [lo, hi) that leaves room for an instruction at `here`, or 0. */
static uint32_t fresh_place(struct generator *gen, unsigned here, unsigned lo, unsigned hi)
{
    if (hi > ORACLE_CODE_SIZE - ROOM)
        hi = ORACLE_CODE_SIZE - ROOM;
    for (unsigned tries = 0; lo < hi && tries < 20; tries++) {
        unsigned at = lo + random_below(&gen->rng, hi - lo);
        if ((at >= here + 16 || at + ROOM <= here) && is_free(gen, at, ROOM))
            return ORACLE_CODE + at;
    }
    return 0;
}

static void put32(uint8_t *p, uint32_t v) { memcpy(p, &v, 4); }

static unsigned mov_imm(unsigned reg, uint32_t v, uint8_t *p)
{
    p[0] = (uint8_t)(0xb8 + reg);
    put32(p + 1, v);
    return 5;
}

static unsigned push_imm(uint32_t v, uint8_t *p)
{
    p[0] = 0x68;
    put32(p + 1, v);
    return 5;
}

static unsigned relative(const struct oracle_state *s, uint32_t target, unsigned opcode, unsigned opcode_bytes, uint8_t *p)
{
    unsigned n = 0;
    if (opcode_bytes == 2)
        p[n++] = 0x0f;
    p[n++] = (uint8_t)opcode;
    put32(p + n, target - ((uint32_t)s->rip + n + 4));
    return n + 4;
}

/* Mostly with all exceptions masked, and no flags raised yet. */
static uint32_t random_mxcsr(struct random *r)
{
    uint32_t v = random_below(r, 4) ? 0x1f80 : (uint32_t)random_next(r) & 0x1f80;
    return v | random_below(r, 4) << 13 | (random_below(r, 3) ? 0 : (uint32_t)random_next(r) & 0x8040) |
           (random_below(r, 4) ? 0 : (uint32_t)random_next(r) & 0x3f);
}

/* Whether reads from a stack at this address may reach code: its bytes are not all there yet when the host goes step by step. */
static bool reaches_code(uint64_t at) { return at >= ORACLE_CODE - 0x100 && at < ORACLE_CODE + ORACLE_CODE_SIZE + 0x100; }

static uint32_t small_count(struct random *r) { return random_below(r, 4) ? random_below(r, 20) : random_below(r, 200); }

/* The next instruction of a sequence; moves gen->plan on. 0: nothing possible. */
static unsigned from_plan(struct generator *gen, const struct oracle_state *s, uint8_t *p)
{
    static const uint8_t string_ops[] = {0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf};
    static const uint16_t selectors[] = {0x2b, 0x2b, 0x2b, 0x63, 0x63, 0, 0x23, 0x33, 0x08, 0x6b, 0x7f, 0x28, 0x60, 0x1000};
    struct random *r = &gen->rng;
    bool wide = gen->kind.mode == GUEST_X86_64;
    unsigned here = (unsigned)(s->rip - ORACLE_CODE), n = 0;
    uint32_t target = fresh_place(gen, here, 0, ORACLE_CODE_SIZE);
    enum plan plan = (enum plan)gen->plan;
    gen->plan = PLAN_NONE;

    switch (plan) {
    case PLAN_JCC:
    case PLAN_LOOP: {
        unsigned lo = here > 100 ? here - 100 : 0;
        uint32_t near = fresh_place(gen, here, lo, here + 100);
        if (plan == PLAN_LOOP) {
            if (!near)
                return 0;
            p[0] = (uint8_t)(0xe0 + random_below(r, 4));
            p[1] = (uint8_t)(near - ((uint32_t)s->rip + 2));
            return 2;
        }
        if (near && random_below(r, 2)) {
            p[0] = (uint8_t)(0x70 + random_below(r, 16));
            p[1] = (uint8_t)(near - ((uint32_t)s->rip + 2));
            return 2;
        }
        return target ? relative(s, target, 0x80 + random_below(r, 16), 2, p) : 0;
    }
    case PLAN_JMP: {
        uint32_t near = random_below(r, 2) ? fresh_place(gen, here, here > 100 ? here - 100 : 0, here + 100) : 0;
        if (!near)
            return target ? relative(s, target, 0xe9, 1, p) : 0;
        p[0] = 0xeb;
        p[1] = (uint8_t)(near - ((uint32_t)s->rip + 2));
        return 2;
    }
    case PLAN_CALL: return target ? relative(s, target, 0xe8, 1, p) : 0;
    case PLAN_JMP_REG:
    case PLAN_CALL_REG:
        if (!target)
            return 0;
        if (!gen->plan_arg) {
            unsigned reg = random_below(r, 8);
            if (reg == 4 && plan == PLAN_JMP_REG)
                reg = 0; /* a stack in code: pops would read bytes that are not yet there when the host goes step by step */
            gen->plan = plan;
            gen->plan_arg = reg + 1;
            return mov_imm(reg, target, p);
        }
        p[0] = 0xff;
        p[1] = (uint8_t)(0xc0 | (plan == PLAN_CALL_REG ? 2 : 4) << 3 | (gen->plan_arg - 1));
        gen->plan_arg = 0;
        return 2;
    case PLAN_JMP_FAR:
        if (!target)
            return 0;
        p[0] = random_below(r, 3) ? 0xea : 0x9a;
        put32(p + 1, target);
        p[5] = random_below(r, 6) ? 0x23 : (uint8_t)random_next(r) & 0x7c;
        if ((p[5] & 0xfc) == 0x30) /* 64-bit mode */
            p[5] = 0x28;
        p[6] = 0;
        return 7;
    case PLAN_RET_PUSH: gen->plan = PLAN_RET; return target ? push_imm(target, p) : 0;
    case PLAN_RET:
        if (random_below(r, 2)) {
            p[0] = 0xc3;
            return 1;
        }
        p[0] = 0xc2;
        p[1] = (uint8_t)(random_below(r, 16) * 4);
        p[2] = 0;
        return 3;
    case PLAN_RETF_CS:
        gen->plan = PLAN_RETF_IP;
        return push_imm(random_below(r, 6) ? 0x23 : (uint32_t)random_next(r) & 0xffffff0f, p);
    case PLAN_RETF_IP: gen->plan = PLAN_RETF; return target ? push_imm(target, p) : 0;
    case PLAN_RETF:
        p[0] = (uint8_t)(0xcb - random_below(r, 2));
        p[1] = (uint8_t)(random_below(r, 16) * 4);
        p[2] = 0;
        return p[0] == 0xcb ? 1 : 3;
    case PLAN_STRING_CX:
        gen->plan = PLAN_STRING_SI;
        gen->plan_arg = 1;
        return mov_imm(GUEST_RCX, small_count(r), p);
    case PLAN_STRING_SI: gen->plan = PLAN_STRING_DI; return mov_imm(GUEST_RSI, random_data(r, 4), p);
    case PLAN_STRING_DI: gen->plan = PLAN_STRING; return mov_imm(GUEST_RDI, random_data(r, 4), p);
    case PLAN_STRING:
        if (gen->plan_arg && random_below(r, 6))
            p[n++] = random_below(r, 2) ? 0xf2 : 0xf3;
        gen->plan_arg = 0;
        if (random_below(r, 4) == 0)
            p[n++] = 0x66;
        if (wide && random_below(r, 8) == 0) {
            memmove(p + 1, p, n++);
            p[0] = 0x67;
        }
        if (wide && random_below(r, 2))
            p[n++] = 0x48;
        p[n++] = string_ops[random_below(r, sizeof string_ops)];
        return n;
    case PLAN_POPF_PUSH: /* no TF, NT, AC, RF, VM; ID cannot be set by ptrace */
        gen->plan = PLAN_POPF;
        return push_imm((uint32_t)random_next(r) & 0x00000ed5, p);
    case PLAN_POPF:
        if (random_below(r, 4) == 0)
            p[n++] = 0x66;
        p[n++] = 0x9d;
        return n;
    case PLAN_XLAT_BX: gen->plan = PLAN_XLAT; return mov_imm(GUEST_RBX, random_data(r, 1), p);
    case PLAN_XLAT: p[0] = 0xd7; return 1;
    case PLAN_LEAVE_BP: gen->plan = PLAN_LEAVE; return mov_imm(GUEST_RBP, random_data(r, 4), p);
    case PLAN_LEAVE: p[0] = 0xc9; return 1;
    case PLAN_ENTER:
        p[0] = 0xc8;
        p[1] = (uint8_t)(random_below(r, 64) * 4);
        p[2] = random_below(r, 8) ? 0 : (uint8_t)random_below(r, 16);
        p[3] = random_below(r, 2) ? 0 : (uint8_t)random_below(r, 6);
        return 4;
    case PLAN_SEG_AX:
        gen->plan = PLAN_SEG;
        return mov_imm(GUEST_RAX, selectors[random_below(r, sizeof selectors / sizeof *selectors)], p);
    case PLAN_SEG: {
        static const uint8_t regs[] = {0, 3, 4, 5, 4, 5};
        unsigned seg = regs[random_below(r, sizeof regs)];
        uint32_t sel = s->gpr[GUEST_RAX] & 0xffff;
        if ((sel & 0xfffc) == 0x20 || (sel & 0xfffc) == 0x30) /* read-only: not done by morph */
            return 0;
        if (seg == GUEST_DS || seg == GUEST_ES) /* null there is not done by morph, and a base would move all addresses */
            if ((sel & 0xfffc) == 0 || (sel & 0xfffc) == 0x60)
                seg = GUEST_FS;
        p[0] = 0x8e;
        p[1] = (uint8_t)(0xc0 | seg << 3);
        return 2;
    }
    case PLAN_DIV_DX:
        gen->plan = PLAN_DIV;
        return mov_imm(GUEST_RDX, random_below(r, 3) ? random_below(r, 16) : -random_below(r, 16), p);
    case PLAN_DIV:
        if (random_below(r, 4) == 0)
            p[n++] = 0x66;
        if (wide && random_below(r, 2))
            p[n++] = (uint8_t)(0x48 | random_below(r, 2));
        p[n++] = 0xf7;
        p[n++] = (uint8_t)(0xc0 | (6 + random_below(r, 2)) << 3 | random_below(r, 8));
        return n;
    case PLAN_STACK: return mov_imm(GUEST_RSP, ORACLE_DATA + 0x400 + random_below(r, 0x1800), p);
    case PLAN_MOFFS:
        if (random_below(r, 4) == 0)
            p[n++] = 0x66;
        if (wide && random_below(r, 2))
            p[n++] = 0x48;
        p[n++] = (uint8_t)(0xa0 + random_below(r, 4));
        put32(p + n, random_data(r, 4));
        if (wide)
            put32(p + n + 4, 0);
        return n + (wide ? 8 : 4);
    case PLAN_INT:
        p[0] = 0xcd;
        p[1] = random_below(r, 2) ? (uint8_t)(3 + random_below(r, 2)) : (uint8_t)random_next(r);
        if (p[1] == 0x80 || p[1] == 1)
            p[1] = 0x21;
        return random_below(r, 4) ? 0 : 2;
    case PLAN_INVALID: { /* no VEX or EVEX: the host may have AVX */
        static const uint8_t gone[] = {0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37,
                                       0x3f, 0x60, 0x61, 0x82, 0x9a, 0xce, 0xd4, 0xd5, 0xd6, 0xea};
        if (random_below(r, 4))
            return 0;
        p[0] = gone[random_below(r, sizeof gone)];
        return 2;
    }
    case PLAN_MXCSR_STORE: /* mov dword [data], value */
        gen->plan = PLAN_MXCSR;
        memcpy(p, "\xc7\x04\x25", 3);
        put32(p + 3, ORACLE_DATA + 0x40);
        put32(p + 7, random_mxcsr(r) | (random_below(r, 30) ? 0 : 0x10000));
        return 11;
    case PLAN_MXCSR:
        memcpy(p, "\x0f\xae\x14\x25", 4);
        put32(p + 4, ORACLE_DATA + 0x40);
        return 8;
    case PLAN_RAW: return generator_raw(gen, p);
    case PLAN_JMP_MEM:
    case PLAN_CALL_MEM:
        if (!target || reaches_code(s->gpr[GUEST_RSP]))
            return 0;
        if (!gen->plan_arg) { /* mov [data], target */
            gen->plan = plan;
            gen->plan_arg = ORACLE_DATA + 0x100 + 8 * random_below(r, 64);
            if (wide)
                p[n++] = 0x48;
            memcpy(p + n, "\xc7\x04\x25", 3);
            put32(p + n + 3, gen->plan_arg);
            put32(p + n + 7, target);
            return n + 11;
        }
        n = generator_indirect(gen, s, plan == PLAN_CALL_MEM ? 2 : 4, gen->plan_arg, p);
        gen->plan_arg = n ? 0 : gen->plan_arg;
        return n;
    case PLAN_JMP16: return random_below(r, 4) ? 0 : generator_jump16(gen, p);
    case PLAN_X87:
        gen->plan = PLAN_X87;
        n = generator_x87_sequence(gen, s, p);
        if (!gen->image_op || !n)
            gen->plan = PLAN_NONE;
        return n;
    default: return 0;
    }
}

static uint32_t packed_to_eflags(unsigned packed)
{
    static const uint16_t bits[] = {EFL_CF, EFL_PF, EFL_AF, EFL_ZF, EFL_SF, EFL_OF};
    uint32_t v = 0;
    for (unsigned i = 0; i < 6; i++)
        if (packed >> i & 1)
            v |= bits[i];
    return v;
}

/* A call to nowhere without a stack: either fault may come first. */
static bool lost_call(const struct oracle_state *s, const struct ginsn *g)
{
    if (g->op != G_CALL_IND || g->opnd[0].kind != GO_REG)
        return false;
    bool nowhere = (s->gpr[g->opnd[0].reg] + (UINT64_C(1) << 47)) >> 48 != 0;
    return nowhere && s->gpr[GUEST_RSP] - 8 - ORACLE_DATA > ORACLE_RW_SIZE - 8;
}

/* Whether the instruction may be used: it reads no undefined flag, and the decoder knows it as what was meant. */
static bool suitable(const struct generator *gen, const struct oracle_state *s, const uint8_t *p, unsigned n)
{
    struct ginsn g;
    if (guest_decode(p, 15, gen->kind.mode, &g) != DECODE_OK)
        return true; /* #UD: the host shall say so too */
    if (g.len != n)
        return true; /* a disagreement on the length shows in rip */
    if (g.opsize == 2 && (g.op == G_SHLD || g.op == G_SHRD)) { /* undefined results for counts above 16 */
        unsigned count = (unsigned)(g.opnd[2].kind == GO_IMM ? (uint64_t)g.imm : s->gpr[GUEST_RCX]);
        if ((count & 31) > 16)
            return false;
    }
    if (gen->kind.mode == GUEST_X86_64 && lost_call(s, &g))
        return false;
    if (g.opsize == 2 && g.op == G_BSWAP) /* undefined */
        return false;
    if ((g.op == G_LEAVE || g.op == G_ENTER) && reaches_code(s->gpr[GUEST_RBP]))
        return false;
    if (g.op == G_LSL && (g.opnd[1].kind == GO_MEM || (s->gpr[g.opnd[1].reg] & 0xfffc) == 0x78)) /* number of the host's CPU */
        return false;
    if (g.opsize == 2 && g.op == G_MOVSXD) /* reads two bytes or four */
        return false;
    bool names_segment = g.op == G_LAR || g.op == G_LSL || g.op == G_VERR || g.op == G_VERW;
    if (gen->kind.mode == GUEST_X86_64 && names_segment) { /* the 64-bit child has no TLS segments */
        const struct gopnd *o = &g.opnd[g.op == G_LAR || g.op == G_LSL];
        if (o->kind == GO_MEM || ((s->gpr[o->reg] & 0xffff) >= 0x60 && (s->gpr[o->reg] & 0xffff) < 0x80))
            return false;
    }
    uint32_t reads = packed_to_eflags(g.flags_read);
    if (gop_infos[g.op].attr & GOPA_END && (g.op == G_INT || g.op == G_INT3 || g.op == G_INTO))
        reads &= g.op == G_INTO ? (uint32_t)EFL_OF : 0;
    if (g.op == G_SHL || g.op == G_SHR || g.op == G_SAR || g.op == G_ROL || g.op == G_ROR || g.op == G_SHLD || g.op == G_SHRD ||
        gop_infos[g.op].flags_undefined)
        reads = packed_to_eflags(gop_infos[g.op].flags_read); /* kept flags stay undefined, see generator_done */
    if (g.op == G_CMPS || g.op == G_SCAS)
        reads = 0;
    return !(reads & gen->undefined);
}

static bool row_fits(const struct row *row, bool wide) { return !(row->what & (wide ? NO64 : NEW64)); }

static unsigned stack_op(const uint8_t *p)
{
    uint8_t op = p[0] == 0x66 ? p[1] : p[0];
    return (op >= 0x50 && op <= 0x61) || op == 0x68 || op == 0x6a || op == 0x8f || op == 0x9c || op == 0x9d || op == 0xc8 ||
           op == 0xe8 || op == 0x9a || op == 0xff;
}

unsigned generator_next(struct generator *gen, const struct oracle_state *s, uint8_t bytes[16])
{
    struct random *r = &gen->rng;
    unsigned here = (unsigned)(s->rip - ORACLE_CODE), n = 0;
    bool wide = gen->kind.mode == GUEST_X86_64;
    if (s->rip - ORACLE_CODE >= ORACLE_CODE_SIZE || here >= ORACLE_CODE_SIZE || is_used(gen, here))
        return 0;
    for (unsigned tries = 0; tries < 50; tries++) {
        memset(bytes, 0xcc, 16);
        gen->addr32 = gen->addr16 = false;
        if (!is_free(gen, here, ROOM - 8)) { /* little room left: go elsewhere */
            uint32_t target = fresh_place(gen, here, 0, ORACLE_CODE_SIZE);
            if (!target || !is_free(gen, here, 5))
                return 0;
            gen->plan = PLAN_NONE;
            n = relative(s, target, 0xe9, 1, bytes);
            break;
        }
        if (reaches_code(s->gpr[GUEST_RSP]) && gen->plan != PLAN_CALL_REG) { /* that only writes, and faults */
            gen->plan = PLAN_STACK;
            gen->plan_arg = 0;
        }
        unsigned plan = gen->plan, plan_arg = gen->plan_arg;
        if (!gen->plan && random_below(r, 4) == 0)
            gen->plan = wide ? plan_starts64[random_below(r, sizeof plan_starts64)]
                             : plan_starts[random_below(r, sizeof plan_starts)];
        if (gen->kind.sse && !plan && random_below(r, 3)) {
            gen->plan = PLAN_NONE;
            if (random_below(r, 25) == 0)
                gen->plan = PLAN_MXCSR_STORE;
            if (gen->kind.x87 && random_below(r, 10) == 0) {
                gen->plan = PLAN_X87;
                gen->image_op = 0;
            }
        }
        bool lost = s->gpr[GUEST_RSP] < ORACLE_DATA + 0x100 || s->gpr[GUEST_RSP] > ORACLE_DATA + ORACLE_RW_SIZE - 0x100;
        if (gen->plan) {
            n = from_plan(gen, s, bytes);
        } else if (gen->kind.sse && random_below(r, 8)) {
            bool bmi = random_below(r, 10) == 0 && generator_has_bmi(), x87 = gen->kind.x87 && random_below(r, 6);
            n = (x87 ? generator_x87 : bmi ? generator_bmi : generator_sse)(gen, s, bytes);
        } else {
            unsigned total = 0, pick;
            for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
                total += row_fits(&rows[i], wide) ? rows[i].weight : 0;
            pick = random_below(r, total);
            const struct row *row = rows;
            for (; !row_fits(row, wide) || pick >= row->weight; row++)
                pick -= row_fits(row, wide) ? row->weight : 0;
            n = generator_row(gen, s, row, bytes);
        }
        if (n && lost && stack_op(bytes) && random_below(r, 16)) {
            gen->plan = PLAN_STACK;
            memset(bytes, 0xcc, 16);
            n = from_plan(gen, s, bytes);
        }
        if (n && n <= 15 && suitable(gen, s, bytes, n))
            break;
        gen->plan = plan;
        gen->plan_arg = plan_arg;
        if (plan && tries > 20)
            gen->plan = gen->plan_arg = 0;
        n = 0;
    }
    for (unsigned i = 0; i < n; i++)
        gen->used[(here + i) / 8] |= (uint8_t)(1u << ((here + i) % 8));
    return n;
}

/* Flags that the instruction leaves undefined. The table says so for an op; for shifts it depends on the count, too. */
static uint32_t undefined_by(const struct ginsn *g, const struct oracle_state *before, uint32_t was)
{
    uint32_t undefined = packed_to_eflags(gop_infos[g->op].flags_undefined);
    uint32_t written = packed_to_eflags(gop_infos[g->op].flags_written) & ~undefined;
    unsigned last = g->nopnds ? g->nopnds - 1u : 0, count, size = 8u * g->opsize;
    switch (g->op) {
    case G_ROL:
    case G_ROR:
    case G_RCL:
    case G_RCR:
    case G_SHL:
    case G_SHR:
    case G_SAR:
    case G_SHLD:
    case G_SHRD:
        count = (unsigned)(g->opnd[last].kind == GO_IMM ? (uint64_t)g->imm : before->gpr[GUEST_RCX]) & (size == 64 ? 63 : 31);
        if (count == 0)
            return was;
        if (g->op == G_SHLD || g->op == G_SHRD) {
            undefined |= count != 1 ? (uint32_t)EFL_OF : 0;
        } else if (g->op == G_SHL || g->op == G_SHR || g->op == G_SAR) {
            undefined |= count != 1 ? (uint32_t)EFL_OF : 0;
            if (count >= size && g->op != G_SAR)
                undefined |= EFL_CF;
        } else if (count == 1) {
            undefined &= ~(uint32_t)EFL_OF;
            written |= EFL_OF;
        }
        break;
    case G_SCAS:
    case G_CMPS:
        if (g->prefixes & (GPFX_REP | GPFX_REPNE) && before->gpr[GUEST_RCX] == 0)
            return was;
        break;
    case G_POPF:
    case G_IRET: return 0;
    default: break;
    }
    return (was & ~written) | undefined;
}

void generator_done(struct generator *gen, const uint8_t *bytes, unsigned len, const struct oracle_state *before)
{
    struct ginsn g;
    (void)len;
    if (guest_decode(bytes, 15, gen->kind.mode, &g) == DECODE_OK)
        gen->undefined = undefined_by(&g, before, gen->undefined);
}

/* Registers and much of the data become floating-point numbers. */
static void begin_sse(struct generator *gen, struct oracle_state *s, struct oracle_memory *mem)
{
    struct random *r = &gen->rng;
    for (unsigned i = 0; i < ORACLE_PATTERN; i += 8) {
        uint64_t v = random_double(r);
        memcpy(gen->pattern + i, &v, 8);
    }
    uint64_t pool[256], picks = 0; /* not each number anew: that took longer than all the rest of a case */
    for (unsigned i = 0; i < 256; i++)
        pool[i] = i < 192 ? random_double(r) : random_next(r);
    for (unsigned i = 0; i < sizeof mem->data; i += 8, picks >>= 8) {
        if (i % 64 == 0)
            picks = random_next(r);
        memcpy(mem->data + i, &pool[picks & 0xff], 8);
    }
    for (unsigned i = 0; i < (gen->kind.mode == GUEST_X86_64 ? 16 : 8); i++) {
        s->xmm[i][0] = random_double(r);
        s->xmm[i][1] = random_below(r, 4) ? random_double(r) : random_next(r);
    }
    s->mxcsr = random_mxcsr(r);
}

void generator_begin(struct generator *gen, const struct oracle_kind *kind, uint64_t seed, struct oracle_state *s,
                     struct oracle_memory *mem)
{
    bool wide = kind->mode == GUEST_X86_64;
    *gen = (struct generator){.rng.s = seed, .kind = *kind};
    struct random *r = &gen->rng;
    memset(mem->code, 0, sizeof mem->code);
    for (unsigned i = 0; i < ORACLE_PATTERN; i += 8) {
        uint64_t v = random_next(r);
        memcpy(gen->pattern + i, &v, 8);
    }
    for (unsigned i = 0; i < sizeof mem->data; i += ORACLE_PATTERN)
        memcpy(mem->data + i, gen->pattern, ORACLE_PATTERN);
    for (unsigned i = 0; i < 40; i++) {
        uint32_t v = random_value(r);
        memcpy(mem->data + random_below(r, sizeof mem->data - 4), &v, 4);
    }
    *s = (struct oracle_state){
        .rip = ORACLE_CODE + 0x400 + random_below(r, 0x800),
        .eflags = EFL_FIXED | EFL_IF | ((uint32_t)random_next(r) & (EFL_ARITH | (random_below(r, 4) ? 0 : EFL_DF))),
        .seg = {0x2b, 0x23, 0x2b, 0x2b, 0, 0x63},
        .vector = -1,
        .mxcsr = 0x1f80,
    };
    if (wide)
        memcpy(s->seg, (const uint16_t[]){0, 0x33, 0x2b, 0, 0, 0}, sizeof s->seg);
    for (unsigned i = 0; i < (wide ? 16 : 8); i++)
        s->gpr[i] = wide ? random_value64(r) : random_value(r);
    s->fcw = 0x37f;
    if (kind->sse)
        begin_sse(gen, s, mem);
    if (kind->x87)
        generator_begin_x87(gen, s, mem);
    s->gpr[GUEST_RSP] = ORACLE_DATA + 0x400 + random_below(r, 0x1800);
}

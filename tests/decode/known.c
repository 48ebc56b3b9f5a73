/* The table of Capstone's differences. A row holds for some kinds of difference, a set of opcodes and a condition. */
#include "known.h"

/* Conditions; all must hold. */
enum {
    C_REP = 1, /* F2 or F3 */
    C_66 = 2,
    C_67 = 4,
    C_SPREAD = 8, /* several prefixes */
    C_64 = 16,
    C_32 = 32,
    C_REG = 64, /* ModRM names a register */
    C_LOCK = 128,
    C_REX = 256,
    C_ANY_PREFIX = 512,   /* 66, F2 or F3 */
    C_SIZE_OR_REP = 1024, /* 66, 67, F2 or F3 */
};

#define ONE(lo, hi) {0x000 | (lo), 0x000 | (hi), 0xff}
#define TWO(lo, hi) {0x100 | (lo), 0x100 | (hi), 0xff}
#define M38(lo, hi) {0x200 | (lo), 0x200 | (hi), 0xff}
#define M3A(lo, hi) {0x300 | (lo), 0x300 | (hi), 0xff}
#define GRP(op, regs) {(op), (op), (regs)} /* regs: bit i for ModRM.reg = i */
#define ALL {0x000, 0x3ff, 0xff}
#define KIND(d) (1u << (d))

struct known {
    const char *text;
    unsigned kinds, conditions;
    struct {
        uint16_t lo, hi;
        uint8_t regs;
    } opcodes[12];
};

static const struct known known[] = {
    /* Not in the processor that isa-spec/x86 describes: SDM 2, each instruction's exceptions: #UD if CPUID lacks the feature.
     */
    {"VMX, SMX, SVM, SGX, MPX, XSAVE, TSX, WAITPKG, PKU: #UD without the feature",
     KIND(ONLY_THEIRS),
     0,
     {GRP(0x101, 0xaf), TWO(0x37, 0x37), TWO(0x78, 0x79), GRP(0x1c7, 0xfd), GRP(0x1ae, 0xf0)}},
    {"RTM: #UD without the feature", KIND(ONLY_THEIRS), C_REG, {GRP(0x0c6, 0x80), GRP(0x0c7, 0x80)}},
    {"3DNow! and VIA PadLock are other vendors'", KIND(ONLY_THEIRS), 0, {TWO(0x0e, 0x0f), TWO(0xa6, 0xa7)}},
    {"SSE4a is another vendor's", KIND(ONLY_THEIRS), C_REP, {TWO(0x2b, 0x2b)}},
    {"INVPCID, INVEPT, INVVPID: #UD without the feature", KIND(ONLY_THEIRS), 0, {M38(0x80, 0x82)}},
    {"VEX, EVEX: #UD without AVX; in 32-bit mode only if ModRM would name a register",
     KIND(ONLY_THEIRS),
     0,
     {ONE(0xc4, 0xc5), ONE(0x62, 0x62)}},
    {"XOP is another vendor's", KIND(ONLY_THEIRS), 0, {GRP(0x08f, 0xfe)}},
    {"SYSCALL, SYSRET: SDM 2B: #UD if not in 64-bit mode", KIND(ONLY_THEIRS), C_32, {TWO(0x05, 0x05), TWO(0x07, 0x07)}},

    /* What the SDM forbids. */
    {"MOV Sreg: SDM 2B: loading CS with MOV raises #UD", KIND(ONLY_THEIRS), 0, {GRP(0x08e, 0x02)}},
    {"MOV CRn: SDM 2B: #UD for CR1, CR5-CR7, CR9-CR15", KIND(ONLY_THEIRS), 0, {TWO(0x20, 0x20), TWO(0x22, 0x22)}},
    {"MOV DRn: SDM 2B: #UD with REX.R", KIND(ONLY_THEIRS), C_REX, {TWO(0x21, 0x21), TWO(0x23, 0x23)}},
    {"LOCK: SDM 2A: #UD unless the destination is memory and the instruction is in the list", KIND(ONLY_THEIRS), C_LOCK, {ALL}},
    {"NP: SDM 2A, 3.1.1.1: 66, F2, F3 not allowed; or a prefix for which the opcode map has no instruction",
     KIND(ONLY_THEIRS),
     C_ANY_PREFIX,
     {TWO(0x10, 0x17), TWO(0x28, 0x2f), TWO(0x50, 0x7f), TWO(0xc2, 0xc6), TWO(0xd0, 0xfe), TWO(0xae, 0xae), M38(0, 0xff),
      M3A(0, 0xff)}},

    /* What Capstone lacks. */
    {"hint NOPs: SDM 2B, table A-3: 0F 18-1F are NOP Ev", KIND(ONLY_OURS) | KIND(OPERANDS), 0, {TWO(0x18, 0x1f)}},
    {"PREFETCHW: SDM 2B: 0F 0D is NOP or prefetch for every ModRM", KIND(ONLY_OURS), 0, {TWO(0x0d, 0x0d)}},
    {"LFENCE, MFENCE, SFENCE: SDM 2A: the processor ignores the r/m field", KIND(ONLY_OURS), C_REG, {GRP(0x1ae, 0xe0)}},
    {"UD0, UD1: SDM 2B: have a ModRM byte", KIND(ONLY_OURS) | KIND(LENGTH), 0, {TWO(0xb9, 0xb9), TWO(0xff, 0xff)}},
    {"MOV Sreg: SDM 2A, 2.2.1.2: REX.R is ignored where ModRM names a segment register",
     KIND(ONLY_OURS),
     C_REX,
     {ONE(0x8c, 0x8c), ONE(0x8e, 0x8e)}},
    {"moffs: 67 and several prefixes", KIND(ONLY_OURS), C_SPREAD, {ONE(0xa0, 0xa3)}},

    /* Sizes that Capstone's tables do not give or give wrongly; the SDM's operand column says m16:32, r32/m16, m32, ... */
    {"far pointers have no size", KIND(SIZE), 0, {GRP(0x0ff, 0x28), ONE(0xc4, 0xc5), TWO(0xb2, 0xb2), TWO(0xb4, 0xb5)}},
    {"LAR, LSL r, r32/m16; MOV Sreg, r/m16", KIND(SIZE), 0, {TWO(0x02, 0x03), ONE(0x8e, 0x8e)}},
    {"COMISS xmm, xmm/m32; COMISD xmm, xmm/m64", KIND(SIZE), 0, {TWO(0x2f, 0x2f)}},
    {"PUNPCKLBW, WD, DQ mm, mm/m32", KIND(SIZE), 0, {TWO(0x60, 0x62)}},
    {"x87 environment and state are 14, 28, 94 or 108 bytes", KIND(SIZE), 0, {GRP(0x0d9, 0x50), GRP(0x0dd, 0x50)}},
    {"FNSTSW m16 whatever the prefixes", KIND(SIZE), 0, {GRP(0x0dd, 0x80)}},
    {"MOVSXD: SDM 2B: without REX.W the destination has 32 bits", KIND(SIZE), C_64, {ONE(0x63, 0x63)}},
    {"NOP Ev, prefetches: the size says nothing", KIND(SIZE), 0, {TWO(0x0d, 0x0d), TWO(0x18, 0x1f)}},

    /* Other names and lists. */
    {"8087's FENI, FDISI, FSETPM do nothing; D9 D8 is FSTP without the check for an empty stack",
     KIND(NAME),
     C_REG,
     {GRP(0x0d9, 0x08), GRP(0x0db, 0x10)}},
    {"aliases FXCH DD C8, DF C8 and FSTP DF D0, DF D8 have one operand",
     KIND(OPERANDS),
     C_REG,
     {GRP(0x0dd, 0x02), GRP(0x0df, 0x0e)}},

    /* Prefixes: SDM 2A, 2.1.1: at most one of each group, in any order, each having its effect. */
    {"66 in 64-bit near branches: SDM 2A, Jcc, CALL, JMP, RET: operand size is forced to 64 bits",
     KIND(LENGTH) | KIND(OPERANDS),
     C_64 | C_66,
     {ONE(0xe8, 0xe9), ONE(0xc2, 0xc2), ONE(0x70, 0x7f), ONE(0xe0, 0xe3), ONE(0xeb, 0xeb), TWO(0x80, 0x8f)}},
    {"67 does not change the target of a near branch",
     KIND(OPERANDS),
     C_67,
     {ONE(0xe8, 0xe9), ONE(0x70, 0x7f), ONE(0xe0, 0xe3), ONE(0xeb, 0xeb), TWO(0x80, 0x8f)}},
    {"Capstone knows 66, 67 and F3 only next to the opcode, and F2 or F3 with 66 as one of the two",
     KIND(LENGTH) | KIND(NAME) | KIND(SIZE) | KIND(OPERANDS) | KIND(ONLY_OURS),
     C_SPREAD | C_SIZE_OR_REP,
     {ALL}},
    {"CS, DS, ES, SS overrides in 64-bit mode do nothing, not even after FS: SDM 1, 3.4.2.1",
     KIND(MEMORY),
     C_SPREAD | C_64,
     {ALL}},
    {"Capstone shows one prefix of group 1", KIND(PREFIXES), C_REP, {ALL}},
};

const unsigned known_count = sizeof known / sizeof *known;

const char *known_text(unsigned row) { return known[row].text; }

struct shape shape_of(const uint8_t *p, enum guest_mode mode)
{
    struct shape s = {.mode = mode};
    const uint8_t *start = p;
    for (unsigned i = 0; i < GUEST_INSN_MAX; i++, p++) {
        bool rex = mode == GUEST_X86_64 && (*p & 0xf0) == 0x40;
        if (*p == 0x66)
            s.has66 = true;
        else if (*p == 0x67)
            s.has67 = true;
        else if (*p == 0xf2 || *p == 0xf3)
            s.rep = true;
        else if (*p == 0xf0)
            s.lock = true;
        else if (rex)
            s.rex = true;
        else if (*p != 0x26 && *p != 0x2e && *p != 0x36 && *p != 0x3e && *p != 0x64 && *p != 0x65)
            break;
    }
    s.spread = p - start > 1;
    if (*p == 0x0f) {
        p++;
        s.map = 1;
        if (*p == 0x38 || *p == 0x3a)
            s.map = *p++ == 0x38 ? 2 : 3;
    }
    s.opcode = p[0];
    s.modrm = p[1];
    return s;
}

static bool row_matches(const struct known *k, const struct shape *s, enum difference d)
{
    unsigned op = s->map << 8 | s->opcode, reg = s->modrm >> 3 & 7;
    unsigned have = (s->rep ? C_REP : 0) | (s->has66 ? C_66 : 0) | (s->has67 ? C_67 : 0) | (s->spread ? C_SPREAD : 0) |
                    (s->mode == GUEST_X86_64 ? C_64 : C_32) | (s->modrm >= 0xc0 ? C_REG : 0) | (s->lock ? C_LOCK : 0) |
                    (s->rex ? C_REX : 0) | (s->rep || s->has66 ? C_ANY_PREFIX : 0) |
                    (s->rep || s->has66 || s->has67 ? C_SIZE_OR_REP : 0);
    if (!(k->kinds & KIND(d)) || k->conditions & ~have)
        return false;
    for (unsigned i = 0; i < sizeof k->opcodes / sizeof *k->opcodes && k->opcodes[i].regs; i++)
        if (op >= k->opcodes[i].lo && op <= k->opcodes[i].hi && k->opcodes[i].regs >> reg & 1)
            return true;
    return false;
}

int known_difference(const struct shape *s, enum difference d)
{
    for (unsigned i = 0; i < known_count; i++)
        if (row_matches(&known[i], s, d))
            return (int)i;
    return -1;
}

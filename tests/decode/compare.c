/* Compares guest_decode with Capstone. Capstone's structures are brought to ours: its operand lists have implicit operands
 * for some instructions (string instructions, x87) and lack them for others; `implicit` says for which the lists cannot match.
 */
#include "compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ginsn_text.h"

const char *const difference_names[] = {"same",     "only ours", "only theirs", "length",  "name",
                                        "operands", "size",      "memory",      "prefixes"};

enum { ADDRESS = 0x10000 };

void comparer_open(struct comparer *c)
{
    for (int mode = 0; mode < 2; mode++) {
        if (cs_open(CS_ARCH_X86, mode ? CS_MODE_64 : CS_MODE_32, &c->handle[mode]) != CS_ERR_OK)
            abort();
        cs_option(c->handle[mode], CS_OPT_DETAIL, CS_OPT_ON);
    }
    c->insn = cs_malloc(c->handle[0]);
}

void comparer_close(struct comparer *c)
{
    cs_free(c->insn, 1);
    cs_close(&c->handle[0]);
    cs_close(&c->handle[1]);
}

/* A register of Capstone's as kind and number; size in bytes. */
static struct gopnd reg_of(csh h, unsigned reg)
{
    static struct gopnd known[X86_REG_ENDING];
    if (known[reg].kind)
        return known[reg];
    static const char *const names[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    const char *name = cs_reg_name(h, reg);
    struct gopnd o = {.kind = GO_REG, .size = 2};
    int n, matched = 0;
    char suffix = 0;
    if (!name)
        name = "(none)";
    for (unsigned i = 0; i < 8; i++) {
        char low[4] = {names[i][0], 'l', 0}, high[3] = {names[i][0], 'h', 0};
        if (i >= 4)
            low[0] = names[i][0], low[1] = names[i][1], low[2] = 'l';
        if (!strcmp(name, names[i]))
            return known[reg] = (struct gopnd){GO_REG, (uint8_t)i, 2};
        if (!strcmp(name, low))
            return known[reg] = (struct gopnd){GO_REG, (uint8_t)i, 1};
        if (i < 4 && !strcmp(name, high))
            return known[reg] = (struct gopnd){GO_REGH, (uint8_t)i, 1};
        if ((name[0] == 'e' || name[0] == 'r') && !strcmp(name + 1, names[i]))
            return known[reg] = (struct gopnd){GO_REG, (uint8_t)i, name[0] == 'e' ? 4 : 8};
    }
    if (sscanf(name, "r%d%c", &n, &suffix) >= 1) {
        o.size = suffix == 'b' ? 1 : suffix == 'w' ? 2 : suffix == 'd' ? 4 : 8;
        matched = 1;
    } else if (sscanf(name, "xmm%d", &n) == 1) {
        o.kind = GO_XMM, o.size = 16, matched = 1;
    } else if (sscanf(name, "mm%d", &n) == 1) {
        o.kind = GO_MMX, o.size = 8, matched = 1;
    } else if (sscanf(name, "st(%d)", &n) == 1) {
        o.kind = GO_ST, o.size = 10, matched = 1;
    } else if (!strcmp(name, "st")) {
        n = 0, o.kind = GO_ST, o.size = 10, matched = 1;
    } else if (sscanf(name, "cr%d", &n) == 1) {
        o.kind = GO_CR, o.size = 4, matched = 1;
    } else if (sscanf(name, "dr%d", &n) == 1) {
        o.kind = GO_DR, o.size = 4, matched = 1;
    } else if (strlen(name) == 2 && name[1] == 's' && strchr("ecsdfg", name[0])) {
        n = (int)(strchr("ecsdfg", name[0]) - "ecsdfg");
        o.kind = GO_SEG, matched = 1;
    }
    if (!matched) {
        fprintf(stderr, "Capstone's register %s is unknown here\n", name);
        abort();
    }
    o.reg = (uint8_t)n;
    return known[reg] = o;
}

/* Ops whose name in Capstone depends on sizes or conditions, or is another of the SDM's names. */
static bool name_matches(const struct ginsn *g, const char *theirs)
{
    static const char *const cc[16] = {"o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"};
    static const char *const cmp[8] = {"eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord"};
    static const char sizes[] = {'?', 'b', 'w', '?', 'd', '?', '?', '?', 'q'};
    static const struct {
        uint16_t op;
        const char *names; /* separated by blanks */
    } alias[] = {
        /* clang-format off */
        {G_IMUL1, "imul"}, {G_IMUL2, "imul"}, {G_IMUL3, "imul"}, {G_PUSH_SEG, "push"}, {G_POP_SEG, "pop"},
        {G_MOV_TO_SEG, "mov"}, {G_MOV_FROM_SEG, "mov"}, {G_MOV_TO_CR, "mov"}, {G_MOV_FROM_CR, "mov"},
        {G_MOV_TO_DR, "mov"}, {G_MOV_FROM_DR, "mov"}, {G_CALL_IND, "call"}, {G_JMP_IND, "jmp"}, {G_CALL_FAR, "lcall"},
        {G_JMP_FAR, "ljmp"}, {G_RET_FAR, "retf retfq"}, {G_MOV, "mov movabs"}, {G_XLAT, "xlatb"}, {G_FWAIT, "wait"},
        {G_PREFETCH, "prefetch prefetchw prefetchnta prefetcht0 prefetcht1 prefetcht2"}, {G_MOVD, "movd movq"},
        {G_PINSRD, "pinsrd pinsrq"}, {G_PEXTRD, "pextrd pextrq"}, {G_SYSRET, "sysret sysretq"},
        {G_SYSEXIT, "sysexit sysexitq"}, {G_RET, "ret"}, {G_UD1, "ud2b"}, {G_FXSAVE, "fxsave fxsave64"},
        {G_FXRSTOR, "fxrstor fxrstor64"}, {G_FCOMP, "fcomp"}, {G_LOOP, "loop"}, {G_INT1, "int1"}, {G_SHL, "shl sal"},
        /* clang-format on */
    };
    char want[32];
    const char *ours = guest_op_name(g->op);
    const char *space = strrchr(theirs, ' '); /* "rep movsb", "lock add" */
    theirs = space ? space + 1 : theirs;
    if (!strcmp(ours, theirs))
        return true;
    switch (g->op) {
    case G_JCC:
    case G_SETCC:
    case G_CMOVCC:
        snprintf(want, sizeof want, "%s%s", g->op == G_JCC ? "j" : g->op == G_SETCC ? "set" : "cmov", cc[g->cc]);
        return !strcmp(want, theirs);
    case G_MOVS:
    case G_CMPS:
    case G_SCAS:
    case G_LODS:
    case G_STOS:
    case G_INS:
    case G_OUTS: snprintf(want, sizeof want, "%s%c", ours, sizes[g->opsize]); return !strcmp(want, theirs);
    case G_CBW: return !strcmp(g->opsize == 2 ? "cbw" : g->opsize == 4 ? "cwde" : "cdqe", theirs);
    case G_CWD: return !strcmp(g->opsize == 2 ? "cwd" : g->opsize == 4 ? "cdq" : "cqo", theirs);
    case G_JCXZ: return !strcmp(g->addrsize == 2 ? "jcxz" : g->addrsize == 4 ? "jecxz" : "jrcxz", theirs);
    case G_IRET: return !strcmp(g->opsize == 2 ? "iret" : g->opsize == 4 ? "iretd" : "iretq", theirs);
    case G_PUSHF:
    case G_POPF:
        snprintf(want, sizeof want, "%s%s", ours, g->opsize == 2 ? "" : g->opsize == 4 ? "d" : "q");
        return !strcmp(want, theirs);
    case G_PUSHA:
    case G_POPA: return !strncmp(theirs, ours, 4) && strstr(theirs, g->opsize == 2 ? "aw" : "al");
    case G_CMPPS:
    case G_CMPPD:
    case G_CMPSS:
    case G_CMPSD:
        if (g->imm < 8) {
            snprintf(want, sizeof want, "cmp%s%s", cmp[g->imm], ours + 3);
            return !strcmp(want, theirs);
        }
        return false;
    default: break;
    }
    for (unsigned i = 0; i < sizeof alias / sizeof *alias; i++) {
        if (alias[i].op != g->op)
            continue;
        const char *at = strstr(alias[i].names, theirs);
        size_t n = strlen(theirs);
        if (at && (at == alias[i].names || at[-1] == ' ') && (at[n] == 0 || at[n] == ' '))
            return true;
    }
    return false;
}

static bool is_string(unsigned op)
{
    return op == G_MOVS || op == G_CMPS || op == G_SCAS || op == G_LODS || op == G_STOS || op == G_INS || op == G_OUTS ||
           op == G_XLAT || op == G_MASKMOVQ || op == G_MASKMOVDQU;
}

static uint64_t cut(int64_t v, unsigned bytes)
{
    return bytes >= 8 ? (uint64_t)v : (uint64_t)v & ((UINT64_C(1) << 8 * bytes) - 1);
}

static bool is_relative(unsigned op)
{
    return op == G_JCC || op == G_JMP || op == G_CALL || op == G_JCXZ || op == G_LOOP || op == G_LOOPE || op == G_LOOPNE;
}

static bool mem_reg_matches(const struct comparer *c, enum guest_mode mode, unsigned ours, unsigned theirs, unsigned addrsize)
{
    if (ours == GREG_NONE)
        return theirs == X86_REG_INVALID || theirs == X86_REG_EIZ || theirs == X86_REG_RIZ;
    if (theirs == X86_REG_INVALID)
        return false;
    if (ours == GREG_RIP)
        return theirs == X86_REG_RIP || theirs == X86_REG_EIP;
    if (theirs == X86_REG_RIP || theirs == X86_REG_EIP)
        return false;
    struct gopnd o = reg_of(c->handle[mode], theirs);
    return o.kind == GO_REG && o.reg == ours && o.size == addrsize;
}

static bool segment_matches(const struct comparer *c, enum guest_mode mode, const struct ginsn *g, unsigned theirs)
{
    /* SDM 1, 3.4.2.1: in 64-bit mode, CS, DS, ES and SS overrides are ignored. Capstone shows them. */
    bool ignored = theirs == X86_REG_CS || theirs == X86_REG_DS || theirs == X86_REG_ES || theirs == X86_REG_SS;
    if (!(g->prefixes & GPFX_SEG))
        return theirs == X86_REG_INVALID || (mode == GUEST_X86_64 && ignored);
    return theirs != X86_REG_INVALID && reg_of(c->handle[mode], theirs).reg == g->seg;
}

static bool mem_matches(const struct comparer *c, enum guest_mode mode, const struct ginsn *g, const cs_x86 *x,
                        const x86_op_mem *m)
{
    return x->addr_size == g->addrsize && mem_reg_matches(c, mode, g->base, m->base, g->addrsize) &&
           mem_reg_matches(c, mode, g->index, m->index, g->addrsize) && (g->index == GREG_NONE || m->scale == 1 << g->scale) &&
           cut(m->disp, g->addrsize) == cut(g->disp, g->addrsize) && segment_matches(c, mode, g, m->segment);
}

static enum difference compare_operand(const struct comparer *c, enum guest_mode mode, const struct ginsn *g, const cs_x86 *x,
                                       const struct gopnd *o, const cs_x86_op *t)
{
    struct gopnd r;
    int64_t want;
    switch (o->kind) {
    case GO_MEM:
        if (t->type != X86_OP_MEM)
            return OPERANDS;
        if (!mem_matches(c, mode, g, x, &t->mem))
            return MEMORY;
        return o->size && o->size != t->size ? SIZE : SAME;
    case GO_IMM: /* the target of a branch is cut to the operand size in both */
        want = is_relative(g->op) ? ADDRESS + g->len + g->imm : g->imm;
        return t->type == X86_OP_IMM && cut(t->imm, o->size) == cut(want, o->size) ? SAME : OPERANDS;
    case GO_IMM2: return t->type == X86_OP_IMM && cut(t->imm, o->size) == g->imm2 ? SAME : OPERANDS;
    default:
        if (t->type != X86_OP_REG)
            return OPERANDS;
        r = reg_of(c->handle[mode], t->reg);
        if (r.kind != o->kind || r.reg != o->reg)
            return OPERANDS;
        return (o->kind == GO_REG || o->kind == GO_REGH) && r.size != o->size ? SIZE : SAME;
    }
}

static enum difference compare_operands(const struct comparer *c, enum guest_mode mode, const struct ginsn *g, const cs_x86 *x)
{
    if (g->nopnds != x->op_count)
        return OPERANDS;
    for (unsigned i = 0; i < g->nopnds; i++) {
        enum difference d = compare_operand(c, mode, g, x, &g->opnd[i], &x->operands[i]);
        if (d != SAME)
            return d;
    }
    return SAME;
}

/* String instructions have memory operands in Capstone and none here: segment, address and operand size must agree. */
static enum difference compare_string(const struct comparer *c, enum guest_mode mode, const struct ginsn *g, const cs_x86 *x)
{
    for (unsigned i = 0; i < x->op_count; i++) {
        const cs_x86_op *t = &x->operands[i];
        if (t->type != X86_OP_MEM)
            continue;
        unsigned base = reg_of(c->handle[mode], t->mem.base).reg;
        if (x->addr_size != g->addrsize)
            return MEMORY;
        if (g->op < G_XLAT && t->size != g->opsize)
            return OPERANDS;
        if ((base == GUEST_RSI || base == GUEST_RBX) && !segment_matches(c, mode, g, t->mem.segment))
            return MEMORY;
    }
    return SAME;
}

static void insert(cs_x86 *x, unsigned at, cs_x86_op o)
{
    memmove(x->operands + at + 1, x->operands + at, (size_t)(x->op_count - at) * sizeof o);
    x->operands[at] = o;
    x->op_count++;
}

static void swap(cs_x86 *x)
{
    cs_x86_op t = x->operands[0];
    x->operands[0] = x->operands[1];
    x->operands[1] = t;
}

/* Brings Capstone's operand list to the SDM's where it only writes the same thing otherwise. */
static void normalise(const struct ginsn *g, cs_x86 *x)
{
    if ((g->op == G_CALL_FAR || g->op == G_JMP_FAR) && x->op_count == 2) /* selector first */
        swap(x);
    bool st0 = g->nopnds == 2 && g->opnd[0].kind == GO_ST && g->opnd[1].kind == GO_ST;
    if (st0 && x->op_count == 1) { /* one operand means ST(0), ST(i), or ST(i), ST(0) */
        cs_x86_op t = {.type = X86_OP_REG, .reg = X86_REG_ST0, .size = 10};
        size_t n = strlen(guest_op_name(g->op));
        bool to_sti = guest_op_name(g->op)[n - 1] == 'p' && guest_op_name(g->op)[1] != 'c' && guest_op_name(g->op)[1] != 'u';
        insert(x, to_sti, t);
    }
    if ((g->op == G_AAM || g->op == G_AAD) && x->op_count == 0 && g->imm == 10) {
        cs_x86_op t = {.type = X86_OP_IMM, .imm = 10, .size = 1};
        insert(x, 0, t);
    }
    bool compare_ps = g->op == G_CMPPS || g->op == G_CMPPD || g->op == G_CMPSS || g->op == G_CMPSD;
    if (compare_ps && x->op_count == 2 && g->imm < 8) { /* the name says the immediate */
        cs_x86_op t = {.type = X86_OP_IMM, .imm = g->imm, .size = 1};
        insert(x, 2, t);
    }
}

enum difference compare(struct comparer *c, const uint8_t *bytes, unsigned avail, enum guest_mode mode)
{
    const uint8_t *p = bytes;
    size_t left = avail;
    uint64_t address = ADDRESS;
    struct ginsn *g = &c->ours;
    char ours[200] = "-";
    enum difference d;
    bool theirs = cs_disasm_iter(c->handle[mode], &p, &left, &address, c->insn);
    c->result = guest_decode(bytes, avail, mode, g);
    bool valid = c->result == DECODE_OK;
    if (!valid && !theirs)
        return SAME;
    cs_x86 *x = &c->insn->detail->x86;
    if (valid != theirs) {
        d = valid ? ONLY_OURS : ONLY_THEIRS;
    } else if (g->len != c->insn->size) {
        d = LENGTH;
    } else if (!name_matches(g, c->insn->mnemonic)) {
        d = NAME;
    } else if (is_string(g->op)) {
        d = compare_string(c, mode, g, x);
    } else {
        normalise(g, x);
        d = compare_operands(c, mode, g, x);
        if (d == OPERANDS && g->op == G_XCHG && x->op_count == 2) { /* either order means the same */
            swap(x);
            d = compare_operands(c, mode, g, x);
        }
    }
    if (d == SAME && !!(g->prefixes & GPFX_LOCK) != (x->prefix[0] == X86_PREFIX_LOCK))
        d = PREFIXES;
    if (d == SAME)
        return SAME;
    if (valid)
        ginsn_text(g, ours, sizeof ours);
    int n = 0;
    for (unsigned i = 0; i < avail && i < 12; i++)
        n += snprintf(c->text + n, sizeof c->text - (size_t)n, "%02x ", bytes[i]);
    snprintf(c->text + n, sizeof c->text - (size_t)n, "%d-bit: %s; ours %s; Capstone %s %s (%d bytes)", mode ? 64 : 32,
             difference_names[d], ours, theirs ? c->insn->mnemonic : "-", theirs ? c->insn->op_str : "",
             theirs ? c->insn->size : 0);
    return d;
}

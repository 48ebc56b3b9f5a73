/* Values and flags of unit X, by the host's own x87 under a control word made of fcsr: as in engine_func_fp.c, x86's rules are
 * Duke's and no rule is written down here a second time. */
#include "engine_func.h"

enum { CW_MASKS = 0x3f, SW_FLAGS = 0x3f, SW_C1 = 1 << 9, SIGN = 0x8000 };

static long double pack(struct func_x87 v)
{
    long double x = 0;
    memcpy(&x, &v.sig, sizeof v.sig);
    memcpy((char *)&x + sizeof v.sig, &v.exp, sizeof v.exp);
    return x;
}

static struct func_x87 unpack(long double x)
{
    struct func_x87 v;
    memcpy(&v.sig, &x, sizeof v.sig);
    memcpy(&v.exp, (char *)&x + sizeof v.sig, sizeof v.exp);
    return v;
}

/* clang-format off */
/* Runs `insn` between a load of the operand and a store of the result, both of which have no effect on an extended number. The
 * unit is left empty and as the ABI wants it. */
#define RUN(insn, outputs, inputs)                                                                                               \
    __asm__ volatile("fldcw %[cw]\n\tfnclex\n\t" insn "\n\tfnclex\n\tfldcw %[plain]"                                             \
                     : [sw] "=a"(sw) outputs : [cw] "m"(cw), [plain] "m"(plain) inputs : "cc", "memory",                         \
                       "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)")
#define AND ,
#define UNARY(insn) RUN("fldt %[x]\n\t" insn "\n\tfnstsw %%ax\n\tfstpt %[r]", AND [r] "=m"(r), AND [x] "m"(x))
#define BINARY(insn) RUN("fldt %[x]\n\tfldt %[y]\n\t" insn "\n\tfnstsw %%ax\n\tfstpt %[r]", AND [r] "=m"(r), AND [x] "m"(x) AND [y] "m"(y))
#define COMPARE(insn)                                                                                                            \
    RUN("fldt %[y]\n\tfldt %[x]\n\t" insn "\n\tfnstsw %%ax\n\tfstp %%st(0)\n\tfstp %%st(0)", , AND [x] "m"(x) AND [y] "m"(y))
#define LOAD(insn, m) RUN(insn " %[n]\n\tfnstsw %%ax\n\tfstpt %[r]", AND [r] "=m"(r), AND [n] "m"(m))
#define STORE(insn, m) RUN("fldt %[x]\n\t" insn " %[n]\n\tfnstsw %%ax", AND [n] "=m"(m), AND [x] "m"(x))
/* clang-format on */

struct func_x87 func_x87(unsigned op, struct func_x87 a, struct func_x87 b, uint64_t *fcsr)
{
    const long double x = pack(a), y = pack(b);
    long double r = 0;
    uint64_t pc = *fcsr >> FCSR_X87_PC & 3, i64 = a.sig;
    uint32_t i32 = (uint32_t)a.sig;
    uint16_t i16 = 0, sw = 0, plain = 0x37f;
    const uint16_t cw = (uint16_t)(CW_MASKS | (pc == 1 ? 3 : pc) << 8 | (*fcsr >> FCSR_X87_RC & 3) << 10);
    bool extended = (duke_ops[op].flags & DUKE_E_RD) != 0;
    struct func_x87 out = {.sig = 0};
    /* clang-format off */
    switch (op) {
    case DUKE_OP_FMV_E: return (struct func_x87){.sig = a.exp};
    case DUKE_OP_FMK_E: return (struct func_x87){a.sig, (uint16_t)b.sig};
    case DUKE_OP_FMV_EF: return a;
    case DUKE_OP_FCHS_X: return (struct func_x87){a.sig, a.exp ^ SIGN};
    case DUKE_OP_FABS_X: return (struct func_x87){a.sig, a.exp & ~SIGN};
    case DUKE_OP_FADD_X: BINARY("faddp"); break;
    case DUKE_OP_FSUB_X: BINARY("fsubrp %%st, %%st(1)"); break; /* AT&T syntax: st(1) := st(1) - st */
    case DUKE_OP_FMUL_X: BINARY("fmulp"); break;
    case DUKE_OP_FDIV_X: BINARY("fdivrp %%st, %%st(1)"); break;
    case DUKE_OP_FSQRT_X: UNARY("fsqrt"); break;
    case DUKE_OP_FROUND_X: UNARY("frndint"); break;
    case DUKE_OP_FCMPF_X: COMPARE("fucom"); break;
    case DUKE_OP_FCOMF_X: COMPARE("fcom"); break;
    case DUKE_OP_FCVT_X_D: LOAD("fldl", i64); break;
    case DUKE_OP_FCVT_X_S: LOAD("flds", i32); break;
    case DUKE_OP_FCVT_X_L: LOAD("fildll", i64); break;
    case DUKE_OP_FCVT_D_X: STORE("fstpl", i64); out.sig = i64; break;
    case DUKE_OP_FCVT_S_X: STORE("fstps", i32); out.sig = i32; break;
    case DUKE_OP_FCVT_L_X: STORE("fistpll", i64); out.sig = i64; break;
    case DUKE_OP_FCVT_W_X: STORE("fistpl", i32); out.sig = isa_sext(i32, 32); break;
    case DUKE_OP_FCVT_H_X: STORE("fistps", i16); out.sig = isa_sext(i16, 16); break;
    case DUKE_OP_FCVTT_L_X: STORE("fisttpll", i64); out.sig = i64; break;
    case DUKE_OP_FCVTT_W_X: STORE("fisttpl", i32); out.sig = isa_sext(i32, 32); break;
    case DUKE_OP_FCVTT_H_X: STORE("fisttps", i16); out.sig = isa_sext(i16, 16); break;
    default: return out;
    }
    /* clang-format on */
    if (op == DUKE_OP_FCMPF_X || op == DUKE_OP_FCOMF_X) {
        out.sig = sw >> 8 & 0x45; /* C3 C2 C0 lie as ZF PF CF do */
        sw = (uint16_t)((sw & SW_FLAGS) | ((*fcsr & FCSR_X87_C1) != 0 ? SW_C1 : 0));
    }
    *fcsr = (*fcsr & ~FCSR_X87_C1) | (uint64_t)(sw & SW_FLAGS) << FCSR_X87_FLAGS | ((sw & SW_C1) != 0 ? FCSR_X87_C1 : 0);
    return extended ? unpack(r) : out;
}

/* Values and flags of floating-point ops, by the host's own SSE and FMA instructions under an MXCSR made of fcsr. x86's rules are
 * Duke's, so no rule is written down here a second time; the RTL's arithmetic is compared with this. Assembly, because a compiler
 * may move floating-point operations across writes of MXCSR. */
#include <stdio.h>
#include <stdlib.h>

#include "engine_func.h"

enum { MXCSR_MASKS = 0x1f80, MXCSR_DAZ = 1 << 6, MXCSR_RC = 13, MXCSR_FTZ = 1 << 15, MXCSR_FLAGS = 0x3f };
enum { FCSR_RC = 3, FCSR_FTZ = 1 << 2, FCSR_DAZ = 1 << 3, FCSR_FLAGS = 8 };

bool func_fp_host(void) { return __builtin_cpu_supports("fma") != 0 && __builtin_cpu_supports("sse4.1") != 0; }

/* clang-format off */
/* x = x op y under `in`; the flags come out in `out`. */
#define RUN(insn, ...)                                                                                                           \
    __asm__ volatile("ldmxcsr %[in]\n\t" insn "\n\tstmxcsr %[out]\n\tldmxcsr %[plain]"                                           \
                     : [x] "+x"(x), [r] "+r"(r), [out] "=m"(out)                                                                 \
                     : [y] "x"(y), [z] "x"(z), [in] "m"(in), [plain] "m"(plain) __VA_ARGS__)
#define CASE(OP, insn)                                                                                                           \
    case DUKE_OP_##OP: RUN(insn); break;
#define SINGLE(OP, insn)                                                                                                         \
    case DUKE_OP_##OP:                                                                                                           \
        RUN(insn);                                                                                                               \
        single = true;                                                                                                           \
        break;
#define PAIR(OP, insn) CASE(OP, insn)
#define BOTH(OP, insn) CASE(OP##_D, insn "d %[y], %[x]") SINGLE(OP##_S, insn "s %[y], %[x]")
#define ROUND(n)                                                                                                                 \
    case n:                                                                                                                      \
        if (single)                                                                                                              \
            RUN("roundss $" #n ", %[x], %[x]");                                                                                  \
        else                                                                                                                     \
            RUN("roundsd $" #n ", %[x], %[x]");                                                                                  \
        break;
/* lahf leaves SF ZF AF PF CF in EFLAGS' places in ah; SF and AF are 0 after a compare. */
#define FLAGS(OP, insn)                                                                                                          \
    case DUKE_OP_##OP:                                                                                                           \
        RUN(insn " %[y], %[x]\n\tlahf\n\tmovzbl %%ah, %%eax\n\tmov %%rax, %[r]", : "rax", "cc");                                  \
        r &= 0x45;                                                                                                               \
        break;
/* clang-format on */

uint64_t func_fp(unsigned op, const uint64_t operand[4], uint64_t *fcsr)
{
    typedef double xmm __attribute__((vector_size(16)));
    uint64_t r = operand[0];
    const uint64_t ones = UINT64_C(0x3f8000003f800000); /* the other two of four singles raise nothing */
    uint64_t lane[2] = {operand[0], ones};
    uint32_t plain = MXCSR_MASKS, out = 0;
    uint32_t in = MXCSR_MASKS | (uint32_t)(*fcsr & FCSR_RC) << MXCSR_RC | ((*fcsr & FCSR_FTZ) != 0 ? MXCSR_FTZ : 0) |
                  ((*fcsr & FCSR_DAZ) != 0 ? MXCSR_DAZ : 0);
    xmm x, y, z;
    memcpy(&x, lane, sizeof x);
    lane[0] = operand[1];
    memcpy(&y, lane, sizeof y);
    lane[0] = operand[2];
    memcpy(&z, lane, sizeof z);
    if ((op == DUKE_OP_FMADD_D || op == DUKE_OP_FMADD_S) && !func_fp_host()) {
        fprintf(stderr, "selkirk: the program uses fmadd; the functional engine needs a host processor with FMA for it\n");
        exit(1);
    }
    bool single = false; /* the result is one; its upper half is an operand's */
    /* clang-format off */
    switch (op) {
        BOTH(FADD, "adds")
        BOTH(FSUB, "subs")
        BOTH(FMUL, "muls")
        BOTH(FDIV, "divs")
        BOTH(FMIN, "mins")
        BOTH(FMAX, "maxs")
        CASE(FSQRT_D, "sqrtsd %[x], %[x]")
        PAIR(FADD_P, "addps %[y], %[x]")
        PAIR(FSUB_P, "subps %[y], %[x]")
        PAIR(FMUL_P, "mulps %[y], %[x]")
        PAIR(FDIV_P, "divps %[y], %[x]")
        PAIR(FMIN_P, "minps %[y], %[x]")
        PAIR(FMAX_P, "maxps %[y], %[x]")
        PAIR(FSQRT_P, "sqrtps %[x], %[x]")
        SINGLE(FSQRT_S, "sqrtss %[x], %[x]")
        CASE(FCMPEQ_D, "cmpeqsd %[y], %[x]")
        SINGLE(FCMPEQ_S, "cmpeqss %[y], %[x]")
        PAIR(FCMPEQ_P, "cmpeqps %[y], %[x]")
        CASE(FCMPLT_D, "cmpltsd %[y], %[x]")
        SINGLE(FCMPLT_S, "cmpltss %[y], %[x]")
        PAIR(FCMPLT_P, "cmpltps %[y], %[x]")
        CASE(FCMPLE_D, "cmplesd %[y], %[x]")
        SINGLE(FCMPLE_S, "cmpless %[y], %[x]")
        PAIR(FCMPLE_P, "cmpleps %[y], %[x]")
        CASE(FCMPUN_D, "cmpunordsd %[y], %[x]")
        SINGLE(FCMPUN_S, "cmpunordss %[y], %[x]")
        PAIR(FCMPUN_P, "cmpunordps %[y], %[x]")
        CASE(FMADD_D, "vfmadd132sd %[y], %[z], %[x]")
        SINGLE(FMADD_S, "vfmadd132ss %[y], %[z], %[x]")
        CASE(FCVT_D_S, "cvtss2sd %[x], %[x]")
        SINGLE(FCVT_S_D, "cvtsd2ss %[x], %[x]")
        CASE(FCVT_D_L, "cvtsi2sdq %[r], %[x]")
        SINGLE(FCVT_S_L, "cvtsi2ssq %[r], %[x]")
        CASE(FCVT_D_W, "cvtsi2sdl %k[r], %[x]")
        SINGLE(FCVT_S_W, "cvtsi2ssl %k[r], %[x]")
        CASE(FCVT_L_D, "cvtsd2siq %[x], %[r]")
        CASE(FCVT_L_S, "cvtss2siq %[x], %[r]")
        CASE(FCVT_W_D, "cvtsd2sil %[x], %k[r]")
        CASE(FCVT_W_S, "cvtss2sil %[x], %k[r]")
        CASE(FCVTT_L_D, "cvttsd2siq %[x], %[r]")
        CASE(FCVTT_L_S, "cvttss2siq %[x], %[r]")
        CASE(FCVTT_W_D, "cvttsd2sil %[x], %k[r]")
        CASE(FCVTT_W_S, "cvttss2sil %[x], %k[r]")
        FLAGS(FCMPF_D, "ucomisd")
        FLAGS(FCMPF_S, "ucomiss")
        FLAGS(FCOMF_D, "comisd")
        FLAGS(FCOMF_S, "comiss")
    case DUKE_OP_FROUND_S: single = true; /* fall through */
    case DUKE_OP_FROUND_D:
        switch (operand[1] & 15) {
            ROUND(0) ROUND(1) ROUND(2) ROUND(3) ROUND(4) ROUND(5) ROUND(6) ROUND(7)
            ROUND(8) ROUND(9) ROUND(10) ROUND(11) ROUND(12) ROUND(13) ROUND(14) ROUND(15)
        }
        break;
    default: return operand[0]; /* moves */
    }
    /* clang-format on */
    *fcsr |= (uint64_t)(out & MXCSR_FLAGS) << FCSR_FLAGS;
    if ((duke_ops[op].flags & DUKE_F_RD) == 0)
        return r;
    memcpy(lane, &x, sizeof lane);
    bool second = op == DUKE_OP_FSQRT_S || op == DUKE_OP_FCVT_S_D || op == DUKE_OP_FCVT_S_L || op == DUKE_OP_FCVT_S_W;
    return single ? (uint32_t)lane[0] | operand[second] >> 32 << 32 : lane[0];
}

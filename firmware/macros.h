/* What the firmware's assembly files share. r3 holds the address of struct shared from reset on. */
#pragma once
#include "firmware_offsets.h"

#define SHARED 0x40000000

/* clang-format off */
/* Stores or loads two registers side by side, at `at` of struct shared. */
.macro pair op, first, second, at
    \op \first, [r3 + r0 << 0 + \at] ~
    \op \second, [r3 + r0 << 0 + \at + 8]
.endm

/* Store (stn.d.x) or load (ldn.d.x) a C context, struct native_ctx, at offset `ctx`. */
.macro move_ctx op, ctx
    pair \op, r1, r2, \ctx + 0
    pair \op, r18, r19, \ctx + 16
    pair \op, r20, r21, \ctx + 32
    pair \op, r22, r23, \ctx + 48
    pair \op, r24, r25, \ctx + 64
    pair \op, r26, r27, \ctx + 80
    pair \op, r56, r57, \ctx + 96
    \op r58, [r3 + r0 << 0 + \ctx + 112]
.endm

/* The guest registers that translated code keeps in r31..r47. */
.macro move_guest op
    \op r31, [r3 + r0 << 0 + SH_FLAGS] ~
    \op r32, [r3 + r0 << 0 + SH_GPR + 0]
    pair \op, r33, r34, SH_GPR + 8 + 0
    pair \op, r35, r36, SH_GPR + 8 + 16
    pair \op, r37, r38, SH_GPR + 8 + 32
    pair \op, r39, r40, SH_GPR + 8 + 48
    pair \op, r41, r42, SH_GPR + 8 + 64
    pair \op, r43, r44, SH_GPR + 8 + 80
    pair \op, r45, r46, SH_GPR + 8 + 96
    \op r47, [r3 + r0 << 0 + SH_GPR + 8 + 112]
.endm

/* XMM0..XMM7, or XMM8..XMM15, with stn.fd.x or ldn.fd.x; each takes two f registers. */
.macro move_xmm_low op
    pair \op, f0, f1, SH_XMM + 0
    pair \op, f2, f3, SH_XMM + 16
    pair \op, f4, f5, SH_XMM + 32
    pair \op, f6, f7, SH_XMM + 48
    pair \op, f8, f9, SH_XMM + 64
    pair \op, f10, f11, SH_XMM + 80
    pair \op, f12, f13, SH_XMM + 96
    pair \op, f14, f15, SH_XMM + 112
.endm

/* Signs and exponents of R0..R7 in r5..r12. */
.macro exponents op
    \op r5, [r3 + r0 << 0 + SH_X87_SE + 0]
    \op r6, [r3 + r0 << 0 + SH_X87_SE + 2]
    \op r7, [r3 + r0 << 0 + SH_X87_SE + 4]
    \op r8, [r3 + r0 << 0 + SH_X87_SE + 6]
    \op r9, [r3 + r0 << 0 + SH_X87_SE + 8]
    \op r10, [r3 + r0 << 0 + SH_X87_SE + 10]
    \op r11, [r3 + r0 << 0 + SH_X87_SE + 12]
    \op r12, [r3 + r0 << 0 + SH_X87_SE + 14]
.endm

/* R0..R7 and the words of enum x87_word in f32..f44, the same way; signs and exponents are apart. */
.macro move_x87 op
    pair \op, f32, f33, SH_X87_MANT + 0
    pair \op, f34, f35, SH_X87_MANT + 16
    pair \op, f36, f37, SH_X87_MANT + 32
    pair \op, f38, f39, SH_X87_MANT + 48
    pair \op, f40, f41, SH_X87_WORD + 0
    pair \op, f42, f43, SH_X87_WORD + 16
    \op f44, [r3 + r0 << 0 + SH_X87_WORD + 32]
.endm

.macro move_xmm_high op
    pair \op, f16, f17, SH_XMM + 128 + 0
    pair \op, f18, f19, SH_XMM + 128 + 16
    pair \op, f20, f21, SH_XMM + 128 + 32
    pair \op, f22, f23, SH_XMM + 128 + 48
    pair \op, f24, f25, SH_XMM + 128 + 64
    pair \op, f26, f27, SH_XMM + 128 + 80
    pair \op, f28, f29, SH_XMM + 128 + 96
    pair \op, f30, f31, SH_XMM + 128 + 112
.endm

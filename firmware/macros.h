/* What the firmware's assembly files share. r3 holds the address of struct shared from reset on. */
#pragma once
#include "firmware_offsets.h"

#define SHARED 0x40000000

/* Store or load a C context (struct native_ctx) at offset ctx of struct shared. */
/* clang-format off */
.macro save_ctx ctx
    stn.d.x r1, [r3 + r0 << 0 + \ctx + 0] ~
    stn.d.x r2, [r3 + r0 << 0 + \ctx + 8]
    stn.d.x r18, [r3 + r0 << 0 + \ctx + 16] ~
    stn.d.x r19, [r3 + r0 << 0 + \ctx + 24]
    stn.d.x r20, [r3 + r0 << 0 + \ctx + 32] ~
    stn.d.x r21, [r3 + r0 << 0 + \ctx + 40]
    stn.d.x r22, [r3 + r0 << 0 + \ctx + 48] ~
    stn.d.x r23, [r3 + r0 << 0 + \ctx + 56]
    stn.d.x r24, [r3 + r0 << 0 + \ctx + 64] ~
    stn.d.x r25, [r3 + r0 << 0 + \ctx + 72]
    stn.d.x r26, [r3 + r0 << 0 + \ctx + 80] ~
    stn.d.x r27, [r3 + r0 << 0 + \ctx + 88]
    stn.d.x r56, [r3 + r0 << 0 + \ctx + 96] ~
    stn.d.x r57, [r3 + r0 << 0 + \ctx + 104]
    stn.d.x r58, [r3 + r0 << 0 + \ctx + 112]
.endm

.macro load_ctx ctx
    ldn.d.x r1, [r3 + r0 << 0 + \ctx + 0] ~
    ldn.d.x r2, [r3 + r0 << 0 + \ctx + 8]
    ldn.d.x r18, [r3 + r0 << 0 + \ctx + 16] ~
    ldn.d.x r19, [r3 + r0 << 0 + \ctx + 24]
    ldn.d.x r20, [r3 + r0 << 0 + \ctx + 32] ~
    ldn.d.x r21, [r3 + r0 << 0 + \ctx + 40]
    ldn.d.x r22, [r3 + r0 << 0 + \ctx + 48] ~
    ldn.d.x r23, [r3 + r0 << 0 + \ctx + 56]
    ldn.d.x r24, [r3 + r0 << 0 + \ctx + 64] ~
    ldn.d.x r25, [r3 + r0 << 0 + \ctx + 72]
    ldn.d.x r26, [r3 + r0 << 0 + \ctx + 80] ~
    ldn.d.x r27, [r3 + r0 << 0 + \ctx + 88]
    ldn.d.x r56, [r3 + r0 << 0 + \ctx + 96] ~
    ldn.d.x r57, [r3 + r0 << 0 + \ctx + 104]
    ldn.d.x r58, [r3 + r0 << 0 + \ctx + 112]
.endm

/* Store or load the guest registers that translated code keeps in r31..r47. */
.macro save_guest
    stn.d.x r31, [r3 + r0 << 0 + SH_FLAGS] ~
    stn.d.x r32, [r3 + r0 << 0 + SH_GPR + 0]
    stn.d.x r33, [r3 + r0 << 0 + SH_GPR + 8] ~
    stn.d.x r34, [r3 + r0 << 0 + SH_GPR + 16]
    stn.d.x r35, [r3 + r0 << 0 + SH_GPR + 24] ~
    stn.d.x r36, [r3 + r0 << 0 + SH_GPR + 32]
    stn.d.x r37, [r3 + r0 << 0 + SH_GPR + 40] ~
    stn.d.x r38, [r3 + r0 << 0 + SH_GPR + 48]
    stn.d.x r39, [r3 + r0 << 0 + SH_GPR + 56] ~
    stn.d.x r40, [r3 + r0 << 0 + SH_GPR + 64]
    stn.d.x r41, [r3 + r0 << 0 + SH_GPR + 72] ~
    stn.d.x r42, [r3 + r0 << 0 + SH_GPR + 80]
    stn.d.x r43, [r3 + r0 << 0 + SH_GPR + 88] ~
    stn.d.x r44, [r3 + r0 << 0 + SH_GPR + 96]
    stn.d.x r45, [r3 + r0 << 0 + SH_GPR + 104] ~
    stn.d.x r46, [r3 + r0 << 0 + SH_GPR + 112]
    stn.d.x r47, [r3 + r0 << 0 + SH_GPR + 120]
.endm

.macro load_guest
    ldn.d.x r31, [r3 + r0 << 0 + SH_FLAGS] ~
    ldn.d.x r32, [r3 + r0 << 0 + SH_GPR + 0]
    ldn.d.x r33, [r3 + r0 << 0 + SH_GPR + 8] ~
    ldn.d.x r34, [r3 + r0 << 0 + SH_GPR + 16]
    ldn.d.x r35, [r3 + r0 << 0 + SH_GPR + 24] ~
    ldn.d.x r36, [r3 + r0 << 0 + SH_GPR + 32]
    ldn.d.x r37, [r3 + r0 << 0 + SH_GPR + 40] ~
    ldn.d.x r38, [r3 + r0 << 0 + SH_GPR + 48]
    ldn.d.x r39, [r3 + r0 << 0 + SH_GPR + 56] ~
    ldn.d.x r40, [r3 + r0 << 0 + SH_GPR + 64]
    ldn.d.x r41, [r3 + r0 << 0 + SH_GPR + 72] ~
    ldn.d.x r42, [r3 + r0 << 0 + SH_GPR + 80]
    ldn.d.x r43, [r3 + r0 << 0 + SH_GPR + 88] ~
    ldn.d.x r44, [r3 + r0 << 0 + SH_GPR + 96]
    ldn.d.x r45, [r3 + r0 << 0 + SH_GPR + 104] ~
    ldn.d.x r46, [r3 + r0 << 0 + SH_GPR + 112]
    ldn.d.x r47, [r3 + r0 << 0 + SH_GPR + 120]
.endm

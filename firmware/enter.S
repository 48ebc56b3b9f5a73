/* Entering and leaving translated code, and the guard that a guest fault in C code returns to. See docs/morph.md.
 * Guest registers live in r28, r29, r31..r47 while translated code runs, in shared.cpu otherwise.
 */
#include "macros.h"

/* int port_enter(uint32_t native): r4 = entry; returns enum port_exit. The commit in the last bundle makes the entry the
 * commit PC, so that a trap in the first block finds its way back.
 */
    .text
    .globl port_enter
    .type port_enter, @function
port_enter:
    ldn.d.x r5, [r3 + r0 << 0 + SH_XMM_STATE]
    addi r5, r5, -XMM_IN_MEMORY
    beq.x r5, r0, load_xmm
enter:
    save_ctx SH_ENTER_CTX
    li r5, 1
    stn.d.x r5, [r3 + r0 << 0 + SH_IN_TRANSLATION] ~
    li r6, DUKE_CAT_GEAR2
    load_guest
    ldn.d.x r28, [r3 + r0 << 0 + SH_FS_BASE] ~
    ldn.d.x r29, [r3 + r0 << 0 + SH_GS_BASE]
    wrcr.i r6, DUKE_CR_CAT
    commit.i 0 ~
    jr r4
    .size port_enter, .-port_enter

/* f0..f31 from shared.cpu, of IA-32 code half of them; fcsr's modes and flags from MXCSR. Keeps r4. */
load_xmm:
    ldn.fd.x f0, [r3 + r0 << 0 + SH_XMM + 0] ~
    ldn.fd.x f1, [r3 + r0 << 0 + SH_XMM + 8]
    ldn.fd.x f2, [r3 + r0 << 0 + SH_XMM + 16] ~
    ldn.fd.x f3, [r3 + r0 << 0 + SH_XMM + 24]
    ldn.fd.x f4, [r3 + r0 << 0 + SH_XMM + 32] ~
    ldn.fd.x f5, [r3 + r0 << 0 + SH_XMM + 40]
    ldn.fd.x f6, [r3 + r0 << 0 + SH_XMM + 48] ~
    ldn.fd.x f7, [r3 + r0 << 0 + SH_XMM + 56]
    ldn.fd.x f8, [r3 + r0 << 0 + SH_XMM + 64] ~
    ldn.fd.x f9, [r3 + r0 << 0 + SH_XMM + 72]
    ldn.fd.x f10, [r3 + r0 << 0 + SH_XMM + 80] ~
    ldn.fd.x f11, [r3 + r0 << 0 + SH_XMM + 88]
    ldn.fd.x f12, [r3 + r0 << 0 + SH_XMM + 96] ~
    ldn.fd.x f13, [r3 + r0 << 0 + SH_XMM + 104]
    ldn.fd.x f14, [r3 + r0 << 0 + SH_XMM + 112] ~
    ldn.fd.x f15, [r3 + r0 << 0 + SH_XMM + 120]
    ldn.wu.x r5, [r3 + r0 << 0 + SH_MODE]
    beq.x r5, r0, 1f
    ldn.fd.x f16, [r3 + r0 << 0 + SH_XMM + 128] ~
    ldn.fd.x f17, [r3 + r0 << 0 + SH_XMM + 136]
    ldn.fd.x f18, [r3 + r0 << 0 + SH_XMM + 144] ~
    ldn.fd.x f19, [r3 + r0 << 0 + SH_XMM + 152]
    ldn.fd.x f20, [r3 + r0 << 0 + SH_XMM + 160] ~
    ldn.fd.x f21, [r3 + r0 << 0 + SH_XMM + 168]
    ldn.fd.x f22, [r3 + r0 << 0 + SH_XMM + 176] ~
    ldn.fd.x f23, [r3 + r0 << 0 + SH_XMM + 184]
    ldn.fd.x f24, [r3 + r0 << 0 + SH_XMM + 192] ~
    ldn.fd.x f25, [r3 + r0 << 0 + SH_XMM + 200]
    ldn.fd.x f26, [r3 + r0 << 0 + SH_XMM + 208] ~
    ldn.fd.x f27, [r3 + r0 << 0 + SH_XMM + 216]
    ldn.fd.x f28, [r3 + r0 << 0 + SH_XMM + 224] ~
    ldn.fd.x f29, [r3 + r0 << 0 + SH_XMM + 232]
    ldn.fd.x f30, [r3 + r0 << 0 + SH_XMM + 240] ~
    ldn.fd.x f31, [r3 + r0 << 0 + SH_XMM + 248]
1:  ldn.wu.x r5, [r3 + r0 << 0 + SH_MXCSR]
    shr.i r6, r5, 13 ~
    shr.i r7, r5, 3 ~
    andi r8, r5, 63
    andi r9, r6, 3 ~
    andi r10, r6, 4 ~
    andi r7, r7, 8
    shl.i r8, r8, 8 ~
    or r9, r9, r10
    or r7, r7, r9
    or r7, r7, r8 ~
    li r5, XMM_IN_REGISTERS
    stn.d.x r5, [r3 + r0 << 0 + SH_XMM_STATE]
    wrcr.i r7, DUKE_CR_FCSR
    j enter

/* void port_xmm_save(void): what XMM_IN_REGISTERS says is in registers goes to shared.cpu. */
    .globl port_xmm_save
    .type port_xmm_save, @function
port_xmm_save:
    stn.fd.x f0, [r3 + r0 << 0 + SH_XMM + 0] ~
    stn.fd.x f1, [r3 + r0 << 0 + SH_XMM + 8]
    stn.fd.x f2, [r3 + r0 << 0 + SH_XMM + 16] ~
    stn.fd.x f3, [r3 + r0 << 0 + SH_XMM + 24]
    stn.fd.x f4, [r3 + r0 << 0 + SH_XMM + 32] ~
    stn.fd.x f5, [r3 + r0 << 0 + SH_XMM + 40]
    stn.fd.x f6, [r3 + r0 << 0 + SH_XMM + 48] ~
    stn.fd.x f7, [r3 + r0 << 0 + SH_XMM + 56]
    stn.fd.x f8, [r3 + r0 << 0 + SH_XMM + 64] ~
    stn.fd.x f9, [r3 + r0 << 0 + SH_XMM + 72]
    stn.fd.x f10, [r3 + r0 << 0 + SH_XMM + 80] ~
    stn.fd.x f11, [r3 + r0 << 0 + SH_XMM + 88]
    stn.fd.x f12, [r3 + r0 << 0 + SH_XMM + 96] ~
    stn.fd.x f13, [r3 + r0 << 0 + SH_XMM + 104]
    stn.fd.x f14, [r3 + r0 << 0 + SH_XMM + 112] ~
    stn.fd.x f15, [r3 + r0 << 0 + SH_XMM + 120]
    ldn.wu.x r5, [r3 + r0 << 0 + SH_MODE]
    beq.x r5, r0, 1f
    stn.fd.x f16, [r3 + r0 << 0 + SH_XMM + 128] ~
    stn.fd.x f17, [r3 + r0 << 0 + SH_XMM + 136]
    stn.fd.x f18, [r3 + r0 << 0 + SH_XMM + 144] ~
    stn.fd.x f19, [r3 + r0 << 0 + SH_XMM + 152]
    stn.fd.x f20, [r3 + r0 << 0 + SH_XMM + 160] ~
    stn.fd.x f21, [r3 + r0 << 0 + SH_XMM + 168]
    stn.fd.x f22, [r3 + r0 << 0 + SH_XMM + 176] ~
    stn.fd.x f23, [r3 + r0 << 0 + SH_XMM + 184]
    stn.fd.x f24, [r3 + r0 << 0 + SH_XMM + 192] ~
    stn.fd.x f25, [r3 + r0 << 0 + SH_XMM + 200]
    stn.fd.x f26, [r3 + r0 << 0 + SH_XMM + 208] ~
    stn.fd.x f27, [r3 + r0 << 0 + SH_XMM + 216]
    stn.fd.x f28, [r3 + r0 << 0 + SH_XMM + 224] ~
    stn.fd.x f29, [r3 + r0 << 0 + SH_XMM + 232]
    stn.fd.x f30, [r3 + r0 << 0 + SH_XMM + 240] ~
    stn.fd.x f31, [r3 + r0 << 0 + SH_XMM + 248]
1:  ldn.wu.x r5, [r3 + r0 << 0 + SH_MXCSR]
    rdcr.i r6, DUKE_CR_FCSR
    shr.i r6, r6, 8
    andi r6, r6, 63
    or r5, r5, r6 ~
    li r6, XMM_IN_MEMORY
    stn.w.x r5, [r3 + r0 << 0 + SH_MXCSR] ~
    stn.d.x r6, [r3 + r0 << 0 + SH_XMM_STATE]
    ret r1
    .size port_xmm_save, .-port_xmm_save

/* Exits, everything committed. exit_direct: r48 = exit number, which says where it goes; the others: r30 = guest rip. */
    .globl exit_direct
    .type exit_direct, @function
exit_direct:
    li r4, PORT_EXIT_DIRECT ~
    j exit_common
    .globl exit_indirect
    .type exit_indirect, @function
exit_indirect:
    li r4, PORT_EXIT_INDIRECT ~
    j exit_common
    .globl exit_interp
    .type exit_interp, @function
exit_interp:
    li r4, PORT_EXIT_INTERP ~
    j exit_common

exit_common:
    stn.d.x r30, [r3 + r0 << 0 + SH_RIP] ~
    stn.d.x r48, [r3 + r0 << 0 + SH_EXIT_ID] ~
    li r5, DUKE_CAT_INTERP
    save_guest
    stn.d.x r0, [r3 + r0 << 0 + SH_IN_TRANSLATION]
    load_ctx SH_ENTER_CTX
    wrcr.i r5, DUKE_CR_CAT
    ret r1
    .size exit_common, .-exit_common

/* int port_guard(void): returns 0; returns again, with 1, when a guest access in C code faults. */
    .globl port_guard
    .type port_guard, @function
port_guard:
    save_ctx SH_FAULT_CTX
    li r4, 0 ~
    ret r1
    .size port_guard, .-port_guard

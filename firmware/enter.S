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
    move_ctx stn.d.x, SH_ENTER_CTX
    li r5, 1
    stn.d.x r5, [r3 + r0 << 0 + SH_IN_TRANSLATION] ~
    li r6, DUKE_CAT_GEAR2
    move_guest ldn.d.x
    ldn.d.x r28, [r3 + r0 << 0 + SH_FS_BASE] ~
    ldn.d.x r29, [r3 + r0 << 0 + SH_GS_BASE]
    wrcr.i r6, DUKE_CR_CAT
    commit.i 0 ~
    jr r4
    .size port_enter, .-port_enter

/* f0..f31 from shared.cpu, of IA-32 code half of them; fcsr's modes and flags from MXCSR. Keeps r4. */
load_xmm:
    move_xmm_low ldn.fd.x
    ldn.wu.x r5, [r3 + r0 << 0 + SH_MODE]
    beq.x r5, r0, 1f
    move_xmm_high ldn.fd.x
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
    move_xmm_low stn.fd.x
    ldn.wu.x r5, [r3 + r0 << 0 + SH_MODE]
    beq.x r5, r0, 1f
    move_xmm_high stn.fd.x
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
    move_guest stn.d.x
    stn.d.x r0, [r3 + r0 << 0 + SH_IN_TRANSLATION]
    move_ctx ldn.d.x, SH_ENTER_CTX
    wrcr.i r5, DUKE_CR_CAT
    ret r1
    .size exit_common, .-exit_common

/* int port_guard(void): returns 0; returns again, with 1, when a guest access in C code faults. */
    .globl port_guard
    .type port_guard, @function
port_guard:
    move_ctx stn.d.x, SH_FAULT_CTX
    li r4, 0 ~
    ret r1
    .size port_guard, .-port_guard

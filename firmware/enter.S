/* Entering and leaving translated code, and the guard that a guest fault in C code returns to. See docs/morph.md.
 * Guest registers live in r28, r29, r31..r47 while translated code runs, in shared.cpu otherwise.
 */
#include "macros.h"

#define FCSR_SSE 0x3fff /* its bits that come from MXCSR */

/* int port_enter(uint32_t native): r4 = entry; returns enum port_exit. The commit in the last bundle makes the entry the
 * commit PC, so that a trap in the first block finds its way back.
 */
    .text
    .globl port_enter
    .type port_enter, @function
port_enter:
    ldn.d.x r5, [r3 + r0 << 0 + SH_XMM_STATE] /* and the x87's, 32 bits higher */
    andi.x r6, r5, XMM_IN_MEMORY | XMM_IN_MEMORY << 32
    bne.x r6, r0, load_fp
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

/* What is in memory and wanted in f registers: XMM registers, the x87, or both. Keeps r4. */
load_fp:
    andi r6, r5, XMM_IN_MEMORY
    beq.x r6, r0, load_x87

/* f0..f31 from shared.cpu, of IA-32 code half of them; fcsr's modes and flags from MXCSR. */
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
    rdcr.i r6, DUKE_CR_FCSR
    or r7, r7, r9
    andi.x r6, r6, ~FCSR_SSE
    or r7, r7, r8
    or r7, r7, r6 ~
    li r5, XMM_IN_REGISTERS
    stn.w.x r5, [r3 + r0 << 0 + SH_XMM_STATE]
    wrcr.i r7, DUKE_CR_FCSR
    ldn.wu.x r5, [r3 + r0 << 0 + SH_X87_STATE]
    andi r5, r5, XMM_IN_MEMORY
    beq.x r5, r0, enter

/* f32..f44 and fcsr from what x87_leave_home has made. */
load_x87:
    move_x87 ldn.fd.x
    exponents ldn.hu.x
    fmk.e f32, f32, r5
    fmk.e f33, f33, r6
    fmk.e f34, f34, r7
    fmk.e f35, f35, r8
    fmk.e f36, f36, r9
    fmk.e f37, f37, r10
    fmk.e f38, f38, r11
    fmk.e f39, f39, r12
    rdcr.i r6, DUKE_CR_FCSR
    ldn.d.x r5, [r3 + r0 << 0 + SH_X87_FCSR]
    andi.x r6, r6, FCSR_SSE
    or r6, r6, r5 ~
    li r5, XMM_IN_REGISTERS
    stn.w.x r5, [r3 + r0 << 0 + SH_X87_STATE]
    wrcr.i r6, DUKE_CR_FCSR
    j enter

/* void port_x87_save(void): f32..f44 and fcsr to shared. */
    .globl port_x87_save
    .type port_x87_save, @function
port_x87_save:
    move_x87 stn.fd.x
    fmv.e r5, f32
    fmv.e r6, f33
    fmv.e r7, f34
    fmv.e r8, f35
    fmv.e r9, f36
    fmv.e r10, f37
    fmv.e r11, f38
    fmv.e r12, f39
    exponents stn.h.x
    rdcr.i r5, DUKE_CR_FCSR
    stn.d.x r5, [r3 + r0 << 0 + SH_X87_FCSR] ~
    li r6, XMM_IN_MEMORY
    stn.w.x r6, [r3 + r0 << 0 + SH_X87_STATE]
    ret r1
    .size port_x87_save, .-port_x87_save

/* uint64_t port_x87_stack(void) */
    .globl port_x87_stack
    .type port_x87_stack, @function
port_x87_stack:
    fmv.x r4, f44
    ret r1
    .size port_x87_stack, .-port_x87_stack

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
    stn.w.x r6, [r3 + r0 << 0 + SH_XMM_STATE]
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

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

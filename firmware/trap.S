/* Trap vectors and handlers. They own r60..r63, which nothing else uses.
 *
 * A TLB miss walks the guest's four-level page tables (Intel SDM volume 3, 4.5) and enters the page; anything unusual there
 * (not present, accessed bit clear, a reserved form) and every other cause is handed to C: from translated code by rolling
 * back and leaving port_enter, from C code by rolling back gated stores and returning to port_guard.
 */
#include "macros.h"

    .section .text.vectors, "ax"
    .balign 128
    .globl trap_vectors
trap_vectors:
    j trap_fatal            /* 0: no such cause */
    .balign 128
    j trap_fatal            /* illegal */
    .balign 128
    j tlb_miss              /* tlb_miss_load */
    .balign 128
    j tlb_miss              /* tlb_miss_store */
    .balign 128
    j trap_guest            /* prot_load */
    .balign 128
    j trap_guest            /* prot_store */
    .balign 128
    j trap_guest            /* translated */
    .balign 128
    j trap_guest            /* device */
    .balign 128
    j trap_overflow         /* sb_overflow */
    .balign 128
    j trap_guest            /* alias */
    .balign 128
    j trap_guest            /* poison */
    .balign 128
    j trap_fatal            /* native */
    .balign 128
    j trap_interrupt        /* interrupt */
    .balign 128
    j trap_fatal            /* fetch */
    .balign 128
    j trap_soft             /* soft */
    .balign 128

    .text
/* r61: address of a table or page from an entry, or 1 << 40 and more if bits beyond the physical width are set; r62: temporary.
 * What lies outside guest DRAM is C's business: a guest must not reach hidden memory by its page tables.
 */
.macro address_of_entry
    shl.i r61, r61, 12 ~
    ldn.d.x r62, [r3 + r0 << 0 + SH_DRAM_SIZE]
    shr.i r61, r61, 24
    shl.i r61, r61, 12
    bgeu.x r61, r62, trap_guest
.endm

/* Most misses are of pages that were found before and lost their place in the TLB. */
    .globl tlb_miss
    .type tlb_miss, @function
tlb_miss:
    rdcr.i r60, DUKE_CR_TVAL ~
    ldn.d.x r63, [r3 + r0 << 0 + SH_WALKS]
    shr.i r62, r60, 12 ~
    shr.i r61, r60, 8
    andi.x r61, r61, (WALKS - 1) * 16 ~
    or r63, r62, r63
    ldn.d.x r62, [r3 + r61 << 0 + SH_WALKS + 16] ~
    ldn.d.x r61, [r3 + r61 << 0 + SH_WALKS + 24]
    ldn.d.x r63, [r3 + r0 << 0 + SH_TMASK_BASE] ~
    bne r62, r63, tlb_walk
    shr.i r62, r61, 12 ~
    beq r63, r0, tlb_walk
    ldn.d.x r62, [r63 + r62 << 3 + 0] ~
    ldn.d.x r63, [r3 + r0 << 0 + SH_TLB_FILLS]
    addi r63, r63, 1
    stn.d.x r63, [r3 + r0 << 0 + SH_TLB_FILLS]
    tlbw r60, r61, r62
    rfe

/* r60 address, r61 entry, r62 temporary, r63 permissions so far (bit 1 writable, bit 2 user, of every level). */
tlb_walk:
    ldn.d.x r61, [r3 + r0 << 0 + SH_WALK_ROOT]
    ldn.d.x r62, [r3 + r0 << 0 + SH_DRAM_SIZE] ~
    sar.i r63, r60, 47 - 64 /* 0 or -1 in canonical addresses; C raises what others deserve */
    bgeu.x r61, r62, trap_guest ~
    shr.i r62, r60, 39 - 64 ~
    addi r63, r63, 1
    andi r62, r62, 511 ~
    shr.i r63, r63, 1
    bne.x r63, r0, trap_guest ~
    ldn.d.x r61, [r61 + r62 << 3 + 0]
    andi r62, r61, 129 ~
    or r63, r61, r0
    xor.i r62, r62, 1
    bne.x r62, r0, trap_guest
    address_of_entry
    shr.i r62, r60, 30
    andi r62, r62, 511
    ldn.d.x r61, [r61 + r62 << 3 + 0]
    andi r62, r61, 1 ~
    and r63, r63, r61
    beq.x r62, r0, trap_guest ~
    andi r62, r61, 128
    bne r62, r0, page_1g
    address_of_entry
    shr.i r62, r60, 21
    andi r62, r62, 511
    ldn.d.x r61, [r61 + r62 << 3 + 0]
    andi r62, r61, 1 ~
    and r63, r63, r61
    beq.x r62, r0, trap_guest ~
    andi r62, r61, 128
    bne r62, r0, page_2m
    address_of_entry
    shr.i r62, r60, 12
    andi r62, r62, 511
    ldn.d.x r61, [r61 + r62 << 3 + 0]
    andi r62, r61, 1 ~
    and r63, r63, r61
    beq.x r62, r0, trap_guest

/* r61: entry of the page, its frame already that of the 4 KiB page. Writable only if dirty too: the first store to a clean
 * page traps, and C sets the bit.
 */
fill:
    andi r62, r61, 32
    beq.x r62, r0, trap_guest ~
    shr.i r62, r61, 5
    andi r62, r62, 2
    ori r62, r62, 4
    and r63, r63, r62
    address_of_entry
    or r63, r63, r61 ~
    shr.i r61, r61, 12 ~
    ldn.d.x r62, [r3 + r0 << 0 + SH_TMASK_BASE]
    beq r62, r0, 1f
    ldn.d.x r62, [r62 + r61 << 3 + 0]
1:  tlbw r60, r63, r62
    ldn.d.x r61, [r3 + r0 << 0 + SH_TLB_FILLS] ~
    ldn.d.x r62, [r3 + r0 << 0 + SH_TLB_WALKS]
    addi r61, r61, 1 ~
    addi r62, r62, 1
    stn.d.x r61, [r3 + r0 << 0 + SH_TLB_FILLS] ~
    stn.d.x r62, [r3 + r0 << 0 + SH_TLB_WALKS]
    shr.i r62, r60, 12 ~
    shr.i r61, r60, 8 ~
    ldn.d.x r60, [r3 + r0 << 0 + SH_WALKS]
    andi.x r61, r61, (WALKS - 1) * 16
    or r60, r60, r62 ~
    stn.d.x r63, [r3 + r61 << 0 + SH_WALKS + 24]
    stn.d.x r60, [r3 + r61 << 0 + SH_WALKS + 16]
    rfe

/* Bit 12 of a large page's entry is PAT; the others below its frame are reserved. */
page_1g:
    andi.x r62, r61, 0x3fffe000
    bne.x r62, r0, trap_guest
    andi.x r62, r61, 0x1000
    xor r61, r61, r62 ~
    andi.x r62, r60, 0x3ffff000
    or r61, r61, r62 ~
    j fill
page_2m:
    andi.x r62, r61, 0x001fe000
    bne.x r62, r0, trap_guest
    andi.x r62, r61, 0x1000
    xor r61, r61, r62 ~
    andi.x r62, r60, 0x001ff000
    or r61, r61, r62 ~
    j fill
    .size tlb_miss, .-tlb_miss

/* Leaves the description of the trap in struct shared. */
.macro describe_trap
    rdcr.i r60, DUKE_CR_TCAUSE
    stn.d.x r60, [r3 + r0 << 0 + SH_TRAP_CAUSE]
    rdcr.i r61, DUKE_CR_TVAL
    stn.d.x r61, [r3 + r0 << 0 + SH_TRAP_VAL]
    rdcr.i r61, DUKE_CR_TPC
    stn.d.x r61, [r3 + r0 << 0 + SH_TRAP_PC]
    rdcr.i r61, DUKE_CR_TINFO
    stn.d.x r61, [r3 + r0 << 0 + SH_TRAP_INFO]
    rdcr.i r61, DUKE_CR_CPC
    stn.d.x r61, [r3 + r0 << 0 + SH_TRAP_CPC]
    ldn.d.x r61, [r3 + r0 << 0 + SH_IN_TRANSLATION]
.endm

/* The guest did something that C code must look at. */
    .globl trap_guest
    .type trap_guest, @function
trap_guest:
    describe_trap
    bne r61, r0, leave_translation
    rollback
    li.x r3, SHARED
    move_ctx ldn.d.x, SH_FAULT_CTX
    wrcr.i r1, DUKE_CR_TPC
    li r4, 1
    rfe
    .size trap_guest, .-trap_guest

/* Translated code did not foresee how much it stores. C code did: what it stores piece by piece cannot fault any more, see
 * morph/guest/stores.h.
 */
    .globl trap_overflow
    .type trap_overflow, @function
trap_overflow:
    ldn.d.x r60, [r3 + r0 << 0 + SH_IN_TRANSLATION]
    bne.x r60, r0, trap_guest
    commit.i 0
    rfe
    .size trap_overflow, .-trap_overflow

/* icount reached ilimit. C code counts for itself: it goes on, and the interpreter leaves at the next block's end. */
    .globl trap_interrupt
    .type trap_interrupt, @function
trap_interrupt:
    describe_trap
    li r62, -1
    wrcr.i r62, DUKE_CR_ILIMIT
    bne r61, r0, leave_translation
    stn.d.x r0, [r3 + r0 << 0 + SH_FOLLOW_KEY]
    rfe
    .size trap_interrupt, .-trap_interrupt

leave_translation:
    rollback
    li.x r3, SHARED
    move_guest stn.d.x
    stn.d.x r30, [r3 + r0 << 0 + SH_TRAP_R30] ~
    stn.d.x r0, [r3 + r0 << 0 + SH_IN_TRANSLATION] ~
    li r61, DUKE_TRAP_INTERRUPT ~
    li r62, DUKE_CAT_INTERP
    move_ctx ldn.d.x, SH_ENTER_CTX
    wrcr.i r62, DUKE_CR_SCAT
    wrcr.i r1, DUKE_CR_TPC
    li r4, PORT_EXIT_FAULT
    bne r60, r61, 1f
    li r4, PORT_EXIT_LIMIT
1:  rfe

/* Translated code undoes itself by `trap` where the guest may have to be told of an exception; C code only does so if broken. */
    .globl trap_soft
    .type trap_soft, @function
trap_soft:
    ldn.d.x r60, [r3 + r0 << 0 + SH_IN_TRANSLATION]
    bne.x r60, r0, trap_guest
    j trap_fatal
    .size trap_soft, .-trap_soft

/* A trap that only a mistake in firmware or translated code can cause: tell the host and stop. */
    .globl trap_fatal
    .type trap_fatal, @function
trap_fatal:
    describe_trap
    li.x r62, firmware_trap_panic
    rollback
    li.x r3, SHARED
    ldn.d.x r2, [r3 + r0 << 0 + SH_HIDDEN_SIZE]
    add r2, r2, r3
    addi r2, r2, -64
    wrcr.i r62, DUKE_CR_TPC
    rfe
    .size trap_fatal, .-trap_fatal

/* Start of a program compiled by duke-cc: stack at the top of hidden memory, trap vectors, then C. */
#define SHARED 0x40000000
#define SH_HIDDEN_SIZE 8 /* struct shared */
#define CR_TVEC 0
#define CR_TCAUSE 1
#define CR_TVAL 2
#define CR_TPC 3

    .section .text..reset, "ax"
    .globl _start
    .type _start, @function
_start:
    li.x r3, SHARED ~
    li.x r4, vectors
    ldn.d r2, [r3 + SH_HIDDEN_SIZE]
    wrcr r4, CR_TVEC
    add r2, r2, r3
    addi r2, r2, -64
    j __rt_start
    .size _start, .-_start

/* A program has no use for traps: any of them ends it, with a message. The handler runs as an ordinary function. */
    .balign 128
vectors:
    .rept 16
    .balign 128
    j trap
    .endr

    .type trap, @function
trap:
    rdcr r4, CR_TCAUSE
    rdcr r5, CR_TVAL
    rdcr r6, CR_TPC
    li.x r60, __rt_trap
    wrcr r60, CR_TPC
    rfe
    .size trap, .-trap

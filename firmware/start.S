/* Reset: the core starts here with every register zero. The host has loaded the image, written struct shared's sizes and
 * nothing else.
 */
#include "macros.h"

    .section .text..reset, "ax"
    .globl _start
    .type _start, @function
_start:
    li.x r3, SHARED ~
    li.x r4, trap_vectors
    ldn.d.x r2, [r3 + r0 << 0 + SH_HIDDEN_SIZE]
    wrcr.i r4, DUKE_CR_TVEC
    add r2, r2, r3
    addi r2, r2, -64
    call firmware_main
1:  j 1b
    .size _start, .-_start

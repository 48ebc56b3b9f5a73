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
    li.x r4, rodata_layout
    .size _start, .-_start

/* Constants begin at one place of the data cache's ways, of 8 KiB, whatever the size of the code before them: translating an
 * instruction costs up to 1.5 % more or less by where that is. The op above is never reached; it keeps this in the image.
 */
    .section .rodata.layout, "a"
    .globl rodata_layout
    .type rodata_layout, @object
    .balign 8192
rodata_layout:
    .skip 2816
    .size rodata_layout, .-rodata_layout

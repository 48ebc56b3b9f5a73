/* Start of a program compiled by duke-cc: stack at the top of hidden memory, then C. */
    .section .text.start, "ax"
    .globl _start
    .type _start, @function
_start:
    li.x r4, 0x40000000
    ldn.d r5, [r4 + 8] /* shared.hidden_size */
    add r2, r4, r5
    addi r2, r2, -64
    call __native_main
1:  j 1b
    .size _start, .-_start

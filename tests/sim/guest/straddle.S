# 24 stores in a row, each to two double words: 2000 times. Ends with 0 if all of them are there.
    .globl _start
_start:
    mov $2000, %ecx
    mov $buffer + 6, %ebx
again:
    .set at, 0
    .rept 24
    mov %ecx, at(%ebx)
    .set at, at + 8
    .endr
    dec %ecx
    jnz again
    xor %edx, %edx
    mov $24, %ecx
sum:
    add -8(%ebx, %ecx, 8), %edx
    dec %ecx
    jnz sum
    mov %edx, %ebx
    sub $24, %ebx
    mov $1, %eax
    int $0x80
    .bss
    .balign 64
buffer:
    .skip 256
    .section .note.GNU-stack, "", @progbits

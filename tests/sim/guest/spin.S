# A guest that never ends.
    .globl _start
_start:
    inc %eax
    jmp _start
    .section .note.GNU-stack, "", @progbits

# Ends in an instruction that morph lacks: a jump to 64-bit code.
    .globl _start
_start:
    mov $0x1234, %eax
    ljmp $0x33, $_start
    .section .note.GNU-stack, "", @progbits

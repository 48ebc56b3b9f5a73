# Dies of a store to an address where nothing is.
    .globl _start
_start:
    movb %bl, 0x10
    .section .note.GNU-stack, "", @progbits

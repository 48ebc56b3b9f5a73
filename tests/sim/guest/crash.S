# Dies of a store to an address where nothing is. Its bss is larger than small machines are.
    .globl _start
_start:
    movb %bl, 0x10
    .lcomm large, 0x400000
    .section .note.GNU-stack, "", @progbits

# Stands in for the firmware image where the engine runs no Duke code.
    .text
    .globl _start
_start:
    .long 0
    .section .note.GNU-stack, "", @progbits

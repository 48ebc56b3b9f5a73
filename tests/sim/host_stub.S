# The process in which engine_host runs guest code: it only waits to be told what to do. The gadget lies 16 bytes
# behind the entry.
    .text
    .globl _start
_start:
    int3
    .balign 16
gadget: # a system call, then back to the tracer
    int $0x80
    int3
    .section .note.GNU-stack, "", @progbits

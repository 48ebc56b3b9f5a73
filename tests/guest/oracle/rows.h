/* The integer instructions that the generator chooses from. */
#pragma once
#include <stdint.h>

enum { /* what follows the opcode */
       NONE = 0,
       RM = 1,       /* ModRM, register or memory */
       MEM = 2,      /* ModRM, memory */
       REG = 3,      /* ModRM, register */
       OPREG = 4,    /* register in the opcode's low bits */
       IMM8 = 0x10,
       IMM16 = 0x20,
       IMMZ = 0x30, /* immediate of 1, 2, or operand-size bytes (at most 4) */
       BYTE = 0x100, /* operands are bytes: no operand-size prefix */
       LOCK = 0x200, /* LOCK is allowed with memory */
       CC = 0x400,   /* condition in the opcode's low bits */
       BIT = 0x800,  /* register bit offset: the address is chosen so that the bit lies in data */
       LEA = 0x1000, /* any address */
       WORD_SRC = 0x2000,
       NO64 = 0x4000, /* not in 64-bit mode */
       NEW64 = 0x8000, /* 64-bit mode only */
};

struct row {
    uint8_t map0f, opcode;
    int8_t reg;     /* ModRM.reg, -1 any */
    uint16_t what;
    uint8_t weight;
};

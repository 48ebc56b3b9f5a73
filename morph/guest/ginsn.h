/* A decoded guest instruction: what decode.c makes, the interpreter runs and the lifter reads. */
#pragma once
#include <stdint.h>
#include "guest_ops.h" /* generated from isa-spec/x86: enum gop */

enum gopnd_kind {
    GO_NONE,
    GO_REG,  /* general register; size from the operand */
    GO_REGH, /* AH CH DH BH: register 0..3, bits 15:8 */
    GO_MEM,  /* the instruction's one memory operand */
    GO_IMM,  /* the immediate, already sign- or zero-extended to 64 bits */
    GO_IMM2, /* the second immediate (enter, far pointers' selector) */
    GO_SEG,
    GO_CR,
    GO_DR,
    GO_ST,
    GO_MMX,
    GO_XMM,
};

struct gopnd {
    uint8_t kind; /* enum gopnd_kind */
    uint8_t reg;
    uint8_t size; /* bytes: 1 2 4 8 10 16; 0 for lea-like operands */
};

enum { GPFX_LOCK = 1, GPFX_REP = 2, GPFX_REPNE = 4, GPFX_SEG = 8 };
enum { GREG_NONE = 0xff, GREG_RIP = 0xfe };

struct ginsn {
    uint16_t op;      /* enum gop */
    uint8_t len;      /* bytes, 1..15 */
    uint8_t opsize;   /* effective operand size in bytes: 1 2 4 8 */
    uint8_t addrsize; /* effective address size in bytes: 2 4 8 */
    uint8_t prefixes; /* GPFX_* */
    uint8_t cc;       /* condition of jcc, setcc, cmovcc */
    uint8_t nopnds;
    struct gopnd opnd[3];              /* destination first, as in Intel syntax */
    uint8_t base, index;               /* memory operand: register number, GREG_NONE, GREG_RIP */
    uint8_t scale;                     /* shift, 0..3 */
    uint8_t seg;                       /* effective segment, enum guest_seg */
    uint8_t feature;                   /* enum gfeat: what the processor must have */
    uint8_t flags_read, flags_written; /* EFLAGS arithmetic flags as a packed set: bit 0 CF 1 PF 2 AF 3 ZF 4 SF 5 OF */
    int64_t disp;
    int64_t imm;
    uint16_t imm2;
    /* The interpreter's own use. */
    uint16_t next16;     /* number of the handler of the instruction behind it in the block, or of what ends interpreting */
    uint16_t offset;     /* from the block's first instruction */
    uint8_t byte_reg[2]; /* operands 0 and 1 if byte registers: their byte offset in guest_cpu.gpr */
};

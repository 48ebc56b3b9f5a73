/* Decodes guest instructions; freestanding, no state. The tables come from isa-spec/x86. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "ginsn.h"
#include "shared.h"

enum {
    GUEST_INSN_MAX = 15, /* a longer instruction raises #GP */
    DECODE_ROWS = 2048,  /* rows of the table, at most */
};

enum decode_result {
    DECODE_OK,
    DECODE_TOO_SHORT, /* `avail` bytes do not tell. Never with avail >= GUEST_INSN_MAX */
    DECODE_INVALID,   /* raises #UD: no such instruction, or LOCK where it may not be */
    DECODE_TOO_LONG,  /* raises #GP: more than GUEST_INSN_MAX bytes */
};

/* Decodes the instruction at `bytes`. `out` is undefined unless the result is DECODE_OK.
 *
 * What goes where: see struct ginsn. Points that need saying:
 * - Relative branches: imm is the displacement from the end of the instruction. RIP-relative operands: so is disp.
 * - Absolute addresses (moffs) are zero-extended in disp, other displacements sign-extended; the sum wraps at addrsize.
 * - String instructions, XLAT and MASKMOV have no memory operand: op, opsize, addrsize, seg and prefixes say it all.
 * - Prefixes that select an instruction (F3 in MOVSS or PAUSE) are not in `prefixes`.
 * - seg of an instruction without memory operand is DS or the override.
 * - imm2 of an x87 instruction is its FOP: three bits of the opcode and the ModRM byte.
 * - flags_read, flags_written include what the immediate count, the condition or a REP prefix change about them: a shift
 *   by zero writes nothing; what may be written or left alone is both read and written.
 */
enum decode_result guest_decode(const uint8_t *bytes, unsigned avail, enum guest_mode mode, struct ginsn *out);

/* Features that a guest model (struct morph_params.guest_cpu) lacks, bit by enum gfeat. Code in 64-bit mode is never looked at
 * as on a processor without that mode. */
uint64_t guest_lacks(uint64_t model, enum guest_mode mode);
/* What a processor that lacks the feature of `g` makes of the instruction: another one, or DECODE_INVALID. */
enum decode_result guest_decode_without(struct ginsn *g);

/* What all instructions of one row of the table with the same operand size and kind of ModRM have in common, in the form of
 * struct ginsn's words. A decode_memo learns it from the table when it is first needed. */
struct decode_template {
    uint64_t word[3];
    uint64_t word5;
    uint8_t state;  /* enum in decode.c; 0: not yet known */
    uint8_t traits; /* the same */
    uint8_t imm_size;
    uint8_t high;             /* bits of the register fields that mean AH, CH, DH, BH */
    uint8_t shift_a, shift_b; /* where the register numbers of ModRM's reg and rm (or of the opcode) go in word 1 */
    uint8_t mask_a, mask_b;
    uint8_t byte_a, byte_b; /* where they go in word 5, for byte_reg */
    uint16_t handler[4];    /* the interpreter's: by shape of the memory operand; 0 not yet known */
    uint8_t pad[14];        /* to 64 bytes */
};

struct decode_memo {
    struct decode_template row[2][DECODE_ROWS][2][2]; /* by mode, row, memory operand, REX.W */
    uint64_t lacks[2]; /* of the guest model, by mode: instructions with one of these features are not decoded quickly */
};

enum { DECODE_QUICK_BYTES = 24 }; /* that must be readable for guest_decode_quick */

/* What guest_decode_quick found out: to be used instead of reading fresh memory back. */
struct decode_quick {
    uint16_t op;
    uint8_t len;
    uint16_t *handler; /* where the number of the instruction's handler is kept; 0 at first: interp_handler knows it */
    uint64_t word5;    /* the last word of `out`, which is for the caller to write when it knows next16, at bit 16 */
};

/* The same as guest_decode for the commonest instructions, those without prefixes but REX, in a third of the time. Makes
 * byte_reg and offset too. False: ask guest_decode. `memo` but for `lacks` must be zero in the beginning. */
bool guest_decode_quick(struct decode_memo *memo, const uint8_t *bytes, enum guest_mode mode, struct decode_quick *found,
                        struct ginsn *out);

/* Facts of an op, from the table. */
struct gop_info {
    uint8_t flags_read, flags_written, flags_undefined; /* packed as in struct ginsn; undefined is a subset of written */
    uint8_t attr;                                       /* GOPA_* */
};
extern const struct gop_info gop_infos[GOP_COUNT];

static inline bool gop_ends_block(unsigned op) { return gop_infos[op].attr & GOPA_END; }

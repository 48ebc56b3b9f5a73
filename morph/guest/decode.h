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

/* Facts of an op, from the table. */
struct gop_info {
    uint8_t flags_read, flags_written, flags_undefined; /* packed as in struct ginsn; undefined is a subset of written */
    uint8_t attr;                                       /* GOPA_* */
};
extern const struct gop_info gop_infos[GOP_COUNT];

static inline bool gop_ends_block(unsigned op) { return gop_infos[op].attr & GOPA_END; }

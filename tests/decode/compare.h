/* Compares one instruction as guest_decode and as Capstone see it. */
#pragma once
#include <capstone/capstone.h>

#include "decode.h"

/* What differs first. */
enum difference {
    SAME,
    ONLY_OURS,   /* Capstone refuses it */
    ONLY_THEIRS, /* guest_decode refuses it */
    LENGTH,
    NAME,
    OPERANDS, /* number, kind, register or immediate */
    SIZE,     /* operand size */
    MEMORY,   /* base, index, scale, displacement, segment, address size */
    PREFIXES, /* LOCK */
};

extern const char *const difference_names[];

struct comparer {
    csh handle[2]; /* by enum guest_mode */
    cs_insn *insn;
    struct ginsn ours;
    enum decode_result result;
    char text[400]; /* of the last difference, both sides */
};

/* Decodes with both and says in what they differ, if at all; `avail` bytes are there. */
void comparer_open(struct comparer *c);
void comparer_close(struct comparer *c);
enum difference compare(struct comparer *c, const uint8_t *bytes, unsigned avail, enum guest_mode mode);

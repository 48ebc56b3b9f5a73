/* Differences between guest_decode and Capstone 4.0.2 that are Capstone's, each with the manual's word. */
#pragma once
#include "compare.h"

/* The parts of an encoding, found by position alone. */
struct shape {
    enum guest_mode mode;
    bool has66, has67, rep, lock, rex;
    bool spread;  /* more than one prefix */
    unsigned map; /* 0, 1 (0F), 2 (0F 38), 3 (0F 3A) */
    unsigned opcode, modrm;
};

/* Prefixes, map and opcode as far as the bytes go. */
struct shape shape_of(const uint8_t *bytes, enum guest_mode mode);

/* The number of the row of the table that explains this difference, or -1. */
int known_difference(const struct shape *s, enum difference d);

extern const unsigned known_count;
const char *known_text(unsigned row); /* why, with the manual's word */

/* guest_decode against Capstone over all opcodes, ModRM forms and prefixes; differences only by the table of known.c.
 *
 * Capstone 4 goes wrong over several prefixes in some orders. So the orders are tested by themselves: guest_decode must not
 * care about the order, and one of the orders is one that Capstone understands.
 */
#include <stdio.h>
#include <string.h>

#include "gtest_shim.h"
#include "known.h"
#include "splitmix64.h"

enum { BYTES = 16, REPORTS = 20 };

static unsigned long used[64]; /* how often each row explained something, over all tests of this file */
static unsigned reports;

struct prefixes {
    uint8_t n, bytes[3], modes; /* modes: 1 IA-32, 2 64-bit */
};

static const struct prefixes sets[] = {
    {0, {0}, 3},          {1, {0x66}, 3},       {1, {0x67}, 3},       {1, {0xf3}, 3},
    {1, {0xf2}, 3},       {1, {0xf0}, 3},       {1, {0x64}, 3},       {1, {0x3e}, 3},
    {1, {0x36}, 3},       {2, {0x66, 0xf3}, 3}, {2, {0xf2, 0x66}, 3}, {2, {0x67, 0x66}, 3},
    {2, {0x65, 0x67}, 3}, {1, {0x40}, 2},       {1, {0x41}, 2},       {1, {0x42}, 2},
    {1, {0x44}, 2},       {1, {0x48}, 2},       {1, {0x4f}, 2},       {2, {0x66, 0x48}, 2},
    {2, {0xf3, 0x48}, 2}, {2, {0xf2, 0x48}, 2}, {2, {0x67, 0x41}, 2}, {3, {0x64, 0x66, 0x4d}, 2},
};

static void check(struct comparer *c, const uint8_t *bytes, unsigned avail, enum guest_mode mode)
{
    enum difference d = compare(c, bytes, avail, mode);
    if (d == SAME)
        return;
    struct shape s = shape_of(bytes, mode);
    int row = known_difference(&s, d);
    if (row >= 0)
        used[row]++;
    else if (reports++ < REPORTS)
        shim_fail(__FILE__, __LINE__, "%s", c->text);
}

static unsigned put_opcode(uint8_t *bytes, unsigned n, unsigned map, unsigned opcode)
{
    if (map)
        bytes[n++] = 0x0f;
    if (map >= 2)
        bytes[n++] = map == 2 ? 0x38 : 0x3a;
    bytes[n++] = (uint8_t)opcode;
    return n;
}

static void put_tail(uint8_t *bytes, unsigned from, unsigned seed)
{
    for (unsigned i = from; i < BYTES; i++)
        bytes[i] = (uint8_t)(seed + i * 0x23);
}

TEST_CASE(decode_sweep, opcodes)
{
    struct comparer c;
    comparer_open(&c);
    reports = 0;
    for (unsigned set = 0; set < sizeof sets / sizeof *sets; set++) {
        for (unsigned code = 0; code < 0x800; code++) {
            unsigned mode = code >> 10, map = code >> 8 & 3, opcode = code & 0xff;
            if (!(sets[set].modes >> mode & 1) || (map == 0 && opcode == 0x0f))
                continue;
            for (unsigned modrm = 0; modrm < 256; modrm++) {
                uint8_t bytes[BYTES];
                memcpy(bytes, sets[set].bytes, sizeof sets[set].bytes);
                unsigned n = put_opcode(bytes, sets[set].n, map, opcode);
                bytes[n++] = (uint8_t)modrm;
                put_tail(bytes, n, modrm * 37 + opcode);
                check(&c, bytes, BYTES, (enum guest_mode)mode);
            }
        }
    }
    comparer_close(&c);
}

/* Every SIB byte under every ModRM and the REX bits, for opcodes with all kinds of operands and immediates behind. */
TEST_CASE(decode_sweep, addresses)
{
    static const uint16_t codes[] = {0x08b, 0x088, 0x081, 0x06b, 0x0c6, 0x0f7, 0x0dd, 0x08d,
                                     0x0c1, 0x1af, 0x1a4, 0x16f, 0x1c2, 0x200, 0x30f};
    struct comparer c;
    comparer_open(&c);
    reports = 0;
    for (unsigned set = 0; set < sizeof sets / sizeof *sets; set++)
        for (unsigned i = 0; i < 2 * sizeof codes / sizeof *codes; i++)
            for (unsigned modrm = 0; modrm < 0xc0; modrm++)
                for (unsigned sib = 0; sib < 256; sib++) {
                    unsigned mode = i & 1, code = codes[i >> 1];
                    uint8_t bytes[BYTES];
                    if (!(sets[set].modes >> mode & 1) || ((modrm & 7) != 4 && sib > 3))
                        continue;
                    memcpy(bytes, sets[set].bytes, sizeof sets[set].bytes);
                    unsigned n = put_opcode(bytes, sets[set].n, code >> 8, code & 0xff);
                    bytes[n++] = (uint8_t)modrm;
                    bytes[n++] = (uint8_t)(sib * 67);
                    put_tail(bytes, n, sib);
                    check(&c, bytes, BYTES, (enum guest_mode)mode);
                }
    comparer_close(&c);
}

static uint64_t random_state;

static uint64_t next_random(void) { return splitmix64(&random_state); }

TEST_CASE(decode_sweep, random_bytes)
{
    struct comparer c;
    comparer_open(&c);
    reports = 0;
    random_state = 0x5e1c;
    for (unsigned i = 0; i < 2000000; i++) {
        uint8_t bytes[BYTES];
        uint64_t low = next_random(), high = next_random();
        memcpy(bytes, &low, 8);
        memcpy(bytes + 8, &high, 8);
        check(&c, bytes, BYTES, (enum guest_mode)(i & 1));
    }
    comparer_close(&c);
}

/* The order of prefixes of different groups means nothing; a REX is right before the opcode. */
TEST_CASE(decode_sweep, prefix_order)
{
    static const uint8_t groups[][4] = {{0x66}, {0x67}, {0xf2, 0xf3, 0xf0}, {0x26, 0x36, 0x64, 0x65}};
    for (unsigned code = 0; code < 0x800; code++) {
        enum guest_mode mode = (enum guest_mode)(code >> 10);
        unsigned map = code >> 8 & 3, opcode = code & 0xff;
        if (map == 0 && opcode == 0x0f)
            continue;
        for (unsigned pair = 0; pair < 4 * 4 * 16; pair++) {
            unsigned a = pair & 3, b = pair >> 2 & 3;
            uint8_t x = groups[a][pair >> 4 & 3], y = groups[b][pair >> 6 & 3];
            if (a >= b || !x || !y)
                continue;
            for (unsigned modrm = 0; modrm < 256; modrm += 3) {
                uint8_t one[BYTES] = {x, y}, two[BYTES] = {y, x};
                struct ginsn g1, g2;
                unsigned n = put_opcode(one, 2, map, opcode);
                one[n++] = (uint8_t)modrm;
                put_tail(one, n, modrm);
                memcpy(two + 2, one + 2, BYTES - 2);
                enum decode_result r1 = guest_decode(one, BYTES, mode, &g1), r2 = guest_decode(two, BYTES, mode, &g2);
                EXPECT_MSG(r1 == r2 && (r1 != DECODE_OK || !memcmp(&g1, &g2, sizeof g1)),
                           "%02x %02x before map %u opcode %02x modrm %02x in mode %u: the order matters", x, y, map, opcode,
                           modrm, mode);
                if (shim_failed())
                    return;
            }
        }
    }
}

/* An instruction decodes the same with its own bytes alone, and is TOO_SHORT with fewer. */
TEST_CASE(decode_sweep, truncation)
{
    random_state = 0x7c0de;
    for (unsigned i = 0; i < 500000; i++) {
        uint8_t bytes[BYTES];
        uint64_t low = next_random(), high = next_random();
        memcpy(bytes, &low, 8);
        memcpy(bytes + 8, &high, 8);
        if (i % 4 == 1)
            bytes[0] = 0x0f;
        enum guest_mode mode = (enum guest_mode)(i & 1);
        struct ginsn whole, part;
        if (guest_decode(bytes, BYTES, mode, &whole) != DECODE_OK)
            continue;
        EXPECT(guest_decode(bytes, whole.len, mode, &part) == DECODE_OK && !memcmp(&whole, &part, sizeof whole));
        for (unsigned n = 0; n < whole.len; n++)
            EXPECT_MSG(guest_decode(bytes, n, mode, &part) == DECODE_TOO_SHORT, "%u of %u bytes of %02x %02x %02x %02x", n,
                       whole.len, bytes[0], bytes[1], bytes[2], bytes[3]);
        if (shim_failed())
            return;
    }
}

/* Instructions with a VEX prefix: every opcode of the two maps under every value of the prefix's fields but L, which Capstone does
 * not look at; AVX is not there. */
TEST_CASE(decode_sweep, vex)
{
    unsigned same = 0;
    static const uint8_t modrms[] = {0x00, 0x0b, 0x4c, 0x95, 0x1d, 0xc1, 0xca, 0xd3, 0xdf, 0xe6};
    struct comparer c;
    comparer_open(&c);
    reports = 0;
    for (unsigned i = 0; i < 2 * 2 * 8 * 256 * 16 && reports < REPORTS; i++) {
        unsigned mode = i & 1, map = 2 + (i >> 1 & 1), rxb = mode ? i >> 2 & 7 : 6, more = i >> 5 & 0xff,
                 opcode = 0xf0 + (i >> 13 & 15);
        if (more & 4)
            continue;
        for (unsigned m = 0; m < sizeof modrms; m++) {
            uint8_t bytes[BYTES] = {0xc4, (uint8_t)(rxb << 5 | map), (uint8_t)more, (uint8_t)opcode, modrms[m]};
            put_tail(bytes, 5, i);
            enum difference d = compare(&c, bytes, BYTES, (enum guest_mode)mode);
            bool avx = d == ONLY_THEIRS && c.insn->mnemonic[0] == 'v';
            bool rorx = d == ONLY_THEIRS && map == 3 && (more & 0x78) != 0x78; /* SDM 2A, 2.3.5.6: VEX.vvvv must be 1111b */
            if (d != SAME && !avx && !rorx && reports++ < REPORTS)
                shim_fail(__FILE__, __LINE__, "%s", c.text);
            same += d == SAME && c.result == DECODE_OK;
        }
    }
    EXPECT(same > 10000);
    comparer_close(&c);
}

/* Runs last, as tests run in the order of the file: a row that explains nothing is to be deleted. */
TEST_CASE(decode_sweep, every_row_used)
{
    for (unsigned row = 0; row < known_count; row++)
        EXPECT_MSG(used[row], "known.c: no difference falls under \"%s\"", known_text(row));
}

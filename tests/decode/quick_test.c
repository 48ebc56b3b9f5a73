/* guest_decode_quick against guest_decode, and the handlers it remembers against interp_handler: every opcode of the one-byte and
 * 0F maps with every ModRM byte and REX prefix, and SIB, displacement and immediate bytes at random.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "ginsn_text.h"
#include "gtest_shim.h"
#include "interp.h"

enum { TAILS = 6 };

static struct decode_memo *memo;
static uint64_t seed = 1;
static unsigned long quick, slow;

static uint8_t random_byte(void)
{
    static const uint8_t special[] = {0, 1, 0x20, 0x7f, 0x80, 0xff, 0x25, 0x65};
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 60 < 4 ? special[seed >> 57 & 7] : (uint8_t)(seed >> 40);
}

static void check(const uint8_t *bytes, enum guest_mode mode)
{
    struct ginsn got, want;
    char text[2][160];
    memset(&got, 0xa5, sizeof got);
    struct decode_quick found;
    if (!guest_decode_quick(memo, bytes, mode, &found, &got)) {
        slow++;
        return;
    }
    quick++;
    enum decode_result r = guest_decode(bytes, GUEST_INSN_MAX, mode, &want);
    if (r != DECODE_OK) {
        shim_fail(__FILE__, __LINE__, "%02x %02x %02x %02x mode %d: is refused (%d)", bytes[0], bytes[1], bytes[2], bytes[3],
                  mode, r);
        return;
    }
    interp_bind(&want);
    memcpy(&got.imm2, &found.word5, 8);
    unsigned handler = interp_handler(&want, mode);
    if (!*found.handler)
        *found.handler = (uint16_t)interp_handler(&got, mode);
    for (unsigned i = 0; i < 2; i++) /* counts for byte registers only */
        if (want.opnd[i].kind != GO_REG || want.opnd[i].size != 1)
            got.byte_reg[i] = want.byte_reg[i];
    if (!memcmp(&got, &want, sizeof got) && found.op == want.op && found.len == want.len && *found.handler == handler)
        return;
    ginsn_text(&got, text[0], sizeof text[0]);
    ginsn_text(&want, text[1], sizeof text[1]);
    shim_fail(__FILE__, __LINE__,
              "%02x %02x %02x %02x %02x mode %d: %s handler %u byte %u %u, should be %s handler %u byte %u %u", bytes[0],
              bytes[1], bytes[2], bytes[3], bytes[4], mode, text[0], *found.handler, got.byte_reg[0], got.byte_reg[1], text[1],
              handler, want.byte_reg[0], want.byte_reg[1]);
}

static void check_opcode(const uint8_t *start, unsigned n, enum guest_mode mode)
{
    uint8_t bytes[DECODE_QUICK_BYTES];
    memcpy(bytes, start, n);
    for (unsigned modrm = 0; modrm < 256 && !shim_failed(); modrm++) {
        for (unsigned t = 0; t < TAILS; t++) {
            bytes[n] = (uint8_t)modrm;
            for (unsigned i = n + 1; i < sizeof bytes; i++)
                bytes[i] = random_byte();
            check(bytes, mode);
        }
    }
}

static void check_map(enum guest_mode mode, unsigned rex)
{
    for (unsigned opcode = 0; opcode < 512; opcode++) {
        uint8_t start[3];
        unsigned n = 0;
        if (rex)
            start[n++] = (uint8_t)rex;
        if (opcode >= 256)
            start[n++] = 0x0f;
        start[n++] = (uint8_t)opcode;
        check_opcode(start, n, mode);
    }
}

TEST_CASE(decode_quick, agrees)
{
    memo = calloc(1, sizeof *memo);
    check_map(GUEST_IA32, 0);
    check_map(GUEST_X86_64, 0);
    for (unsigned rex = 0x40; rex < 0x50; rex++)
        check_map(GUEST_X86_64, rex);
    printf("%lu of %lu decoded quickly\n", quick, quick + slow);
    EXPECT(quick > (quick + slow) / 3);
    free(memo);
}

/* What a compiler emits must be quick: a slow path that is always taken would go unnoticed otherwise. */
TEST_CASE(decode_quick, is_taken)
{
    static const uint8_t common[][8] = {
        {0x55},
        {0x89, 0xe5},
        {0x8b, 0x45, 0x08},
        {0x83, 0xec, 0x10},
        {0xe8},
        {0x74, 0x05},
        {0x0f, 0x84},
        {0xc3},
        {0xff, 0x24, 0x85},
        {0x0f, 0xb6, 0x00},
        {0xc1, 0xe0, 0x02},
        {0xf7, 0xd8},
        {0x8d, 0x04, 0x40},
        {0x31, 0xc0},
        {0x88, 0x08},
        {0xb8},
        {0xc7, 0x00},
    };
    struct ginsn g;
    struct decode_quick found;
    memo = calloc(1, sizeof *memo);
    for (unsigned i = 0; i < sizeof common / sizeof *common; i++) {
        uint8_t bytes[DECODE_QUICK_BYTES] = {0};
        memcpy(bytes, common[i], sizeof common[i]);
        EXPECT_MSG(guest_decode_quick(memo, bytes, GUEST_IA32, &found, &g), "row %u", i);
    }
    free(memo);
}

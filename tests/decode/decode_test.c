/* guest_decode on chosen instructions: what Capstone cannot tell (flags, operand size, refusals) or is easy to get wrong. */
#include <stdio.h>

#include "decode.h"
#include "ginsn_text.h"
#include "gtest_shim.h"

/* Bytes as hex with blanks; returns the count. */
static unsigned parse(const char *hex, uint8_t *bytes)
{
    unsigned n = 0, v;
    int used;
    while (n < 20 && sscanf(hex, "%2x%n", &v, &used) == 1) {
        bytes[n++] = (uint8_t)v;
        hex += used;
    }
    return n;
}

static enum decode_result decode(const char *hex, enum guest_mode mode, struct ginsn *g)
{
    uint8_t bytes[20];
    unsigned n = parse(hex, bytes);
    return guest_decode(bytes, n, mode, g);
}

/* Text as ginsn_text writes it. */
TEST_CASE(decode, operands)
{
    static const struct {
        const char *hex;
        int mode;
        const char *want;
    } rows[] = {
        {"89 c8", 0, "mov r0.4 r1.4 op4 pfx0 (2 bytes)"},
        {"88 e0", 0, "mov r0.1 h0.1 op1 pfx0 (2 bytes)"},
        {"40 88 e0", 1, "mov r0.1 r4.1 op1 pfx0 (3 bytes)"},
        {"41 88 e0", 1, "mov r8.1 r4.1 op1 pfx0 (3 bytes)"},
        {"48 66 89 c8", 1, "mov r0.2 r1.2 op2 pfx0 (4 bytes)"},
        {"66 48 89 c8", 1, "mov r0.8 r1.8 op8 pfx0 (4 bytes)"},
        {"8b 44 24 08", 0, "mov r0.4 mem[b4 i-1<<0 +8 seg2 a4].4 op4 pfx0 (4 bytes)"},
        {"65 8b 44 24 08", 0, "mov r0.4 mem[b4 i-1<<0 +8 seg5 a4].4 op4 pfx8 (5 bytes)"},
        {"8b 45 fc", 0, "mov r0.4 mem[b5 i-1<<0 -4 seg2 a4].4 op4 pfx0 (3 bytes)"},
        {"8b 04 6d 10 00 00 00", 0, "mov r0.4 mem[b-1 i5<<1 +16 seg3 a4].4 op4 pfx0 (7 bytes)"},
        {"8b 04 25 10 00 00 00", 1, "mov r0.4 mem[b-1 i-1<<0 +16 seg3 a8].4 op4 pfx0 (7 bytes)"},
        {"8b 05 f0 ff ff ff", 1, "mov r0.4 mem[b-2 i-1<<0 -16 seg3 a8].4 op4 pfx0 (6 bytes)"},
        {"43 8b 04 65 00 00 00 80", 1, "mov r0.4 mem[b-1 i12<<1 -2147483648 seg3 a8].4 op4 pfx0 (8 bytes)"},
        {"41 8b 45 00", 1, "mov r0.4 mem[b13 i-1<<0 +0 seg3 a8].4 op4 pfx0 (4 bytes)"},
        {"67 8b 46 fe", 0, "mov r0.4 mem[b5 i-1<<0 -2 seg2 a2].4 op4 pfx0 (4 bytes)"},
        {"67 8b 06 fe ff", 0, "mov r0.4 mem[b-1 i-1<<0 -2 seg3 a2].4 op4 pfx0 (5 bytes)"},
        {"67 8b 00", 0, "mov r0.4 mem[b3 i6<<0 +0 seg3 a2].4 op4 pfx0 (3 bytes)"},
        {"a1 00 00 00 80", 0, "mov r0.4 mem[b-1 i-1<<0 +2147483648 seg3 a4].4 op4 pfx0 (5 bytes)"},
        {"48 b8 88 77 66 55 44 33 22 11", 1, "mov r0.8 imm=0x1122334455667788.8 op8 pfx0 (10 bytes)"},
        {"48 c7 c0 ff ff ff ff", 1, "mov r0.8 imm=0xffffffffffffffff.8 op8 pfx0 (7 bytes)"},
        {"83 c0 80", 0, "add r0.4 imm=0xffffffffffffff80.4 op4 pfx0 (3 bytes)"},
        {"c8 00 80 ff", 0, "enter imm=0x8000.2 imm2=0xff.1 op4 pfx0 (4 bytes)"},
        {"9a 00 00 00 80 23 00", 0, "call_far imm=0x80000000.4 imm2=0x23.2 op4 pfx0 (7 bytes)"},
        {"50", 1, "push r0.8 op8 pfx0 (1 bytes)"},
        {"66 50", 1, "push r0.2 op2 pfx0 (2 bytes)"},
        {"6a ff", 0, "push imm=0xffffffffffffffff.4 op4 pfx0 (2 bytes)"},
        {"66 e8 00 00 00 00", 1, "call imm=0.8 op8 pfx0 (6 bytes)"},
        {"66 e8 00 80", 0, "call imm=0xffffffffffff8000.2 op2 pfx0 (4 bytes)"},
        {"f3 90", 0, "pause op4 pfx0 (2 bytes)"},
        {"f3 a4", 0, "movs op1 pfx2 (2 bytes)"},
        {"90", 1, "nop op4 pfx0 (1 bytes)"},
        {"41 90", 1, "xchg r8.4 r0.4 op4 pfx0 (2 bytes)"},
        {"c0 e0 04", 0, "shl r0.1 imm=0x4.1 op1 pfx0 (3 bytes)"},
        {"d1 f8", 0, "sar r0.4 imm=0x1.1 op4 pfx0 (2 bytes)"},
        {"f0 0f c7 0f", 0, "cmpxchg8b mem[b7 i-1<<0 +0 seg3 a4].8 op4 pfx1 (4 bytes)"},
        {"48 0f c7 0f", 1, "cmpxchg16b mem[b7 i-1<<0 +0 seg3 a8].16 op8 pfx0 (4 bytes)"},
        {"66 8c d8", 0, "mov_from_seg r0.2 seg3.2 op2 pfx0 (3 bytes)"},
        {"8c d8", 0, "mov_from_seg r0.4 seg3.2 op4 pfx0 (2 bytes)"},
        {"8c 18", 0, "mov_from_seg mem[b0 i-1<<0 +0 seg3 a4].2 seg3.2 op4 pfx0 (2 bytes)"},
        {"66 0f 6f c1", 0, "movdqa xmm0.16 xmm1.16 op4 pfx0 (4 bytes)"},
        {"f2 66 0f 10 c1", 0, "movsd xmm0.8 xmm1.8 op2 pfx0 (5 bytes)"},
        {"66 48 0f 7e c0", 1, "movd r0.8 xmm0.16 op8 pfx0 (5 bytes)"},
        {"66 f2 0f 38 f1 c8", 0, "crc32 r1.4 r0.2 op2 pfx0 (6 bytes)"},
        {"0f 20 08 ", 0, 0}, /* CR1 */
        {"0f 22 d8", 0, "mov_to_cr cr3.4 r0.4 op4 pfx0 (3 bytes)"},
        {"d8 c1", 0, "fadd st0.10 st1.10 op4 pfx0 (2 bytes)"},
        {"dc c1", 0, "fadd st1.10 st0.10 op4 pfx0 (2 bytes)"},
        {"db 28", 0, "fld mem[b0 i-1<<0 +0 seg3 a4].10 op4 pfx0 (2 bytes)"},
        {"df e0", 0, "fnstsw r0.2 op4 pfx0 (2 bytes)"},
        {"f3 0f bc c1", 0, "tzcnt r0.4 r1.4 op4 pfx0 (4 bytes)"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ginsn g;
        char got[200] = "invalid";
        if (decode(rows[i].hex, (enum guest_mode)rows[i].mode, &g) == DECODE_OK)
            ginsn_text(&g, got, sizeof got);
        EXPECT_MSG(!strcmp(got, rows[i].want ? rows[i].want : "invalid"), "%s: %s, not %s", rows[i].hex, got, rows[i].want);
    }
}

TEST_CASE(decode, refusals)
{
    static const struct {
        const char *hex;
        int mode;
        enum decode_result want;
    } rows[] = {
        {"", 0, DECODE_TOO_SHORT},
        {"0f", 0, DECODE_TOO_SHORT},
        {"0f 38", 0, DECODE_TOO_SHORT},
        {"66 66", 1, DECODE_TOO_SHORT},
        {"f0 90", 0, DECODE_INVALID},
        {"f0 01 c0", 0, DECODE_INVALID},       /* LOCK without memory */
        {"f0 39 00", 0, DECODE_INVALID},       /* LOCK CMP */
        {"f0 03 00", 0, DECODE_INVALID},       /* LOCK with memory source */
        {"f0 0f ba 20 00", 0, DECODE_INVALID}, /* LOCK BT */
        {"f0 01 00", 0, DECODE_OK},
        {"8d c0", 0, DECODE_INVALID}, /* LEA of a register */
        {"0f c7 c8", 0, DECODE_INVALID},
        {"8e c8", 0, DECODE_INVALID},    /* MOV CS */
        {"8c f0", 0, DECODE_INVALID},    /* sixth segment register */
        {"c5 f8 77", 0, DECODE_INVALID}, /* VZEROUPPER */
        {"c5 38", 0, DECODE_OK},         /* LDS */
        {"c5 f8 77", 1, DECODE_INVALID},
        {"62 00", 0, DECODE_OK}, /* BOUND */
        {"62 00", 1, DECODE_INVALID},
        {"06", 1, DECODE_INVALID},
        {"d6", 1, DECODE_INVALID},
        {"0f 05", 0, DECODE_INVALID}, /* SYSCALL outside 64-bit mode */
        {"0f 05", 1, DECODE_OK},
        {"0f 0b", 0, DECODE_OK}, /* UD2 is an instruction: it raises #UD when executed */
        {"8f c8", 0, DECODE_INVALID},
        {"66 0f 10 c0", 0, DECODE_OK},
        {"66 66 66 66 66 66 66 66 66 66 66 66 66 66 90", 0, DECODE_OK}, /* 15 bytes */
        {"66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90", 0, DECODE_TOO_LONG},
        {"66 66 66 66 66 66 66 66 66 66 81 00 00 00 00", 0, DECODE_OK},
        {"2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 81 00 00 00 00 00", 0, DECODE_TOO_LONG},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ginsn g;
        enum decode_result got = decode(rows[i].hex, (enum guest_mode)rows[i].mode, &g);
        EXPECT_MSG(got == rows[i].want, "%s in mode %d: %d, not %d", rows[i].hex, rows[i].mode, got, rows[i].want);
    }
}

enum { C = 1, P = 2, A = 4, Z = 8, S = 16, O = 32, ALL = 63 };

TEST_CASE(decode, flags)
{
    static const struct {
        const char *hex;
        unsigned read, written;
    } rows[] = {
        {"01 c0", 0, ALL},
        {"11 c0", C, ALL},
        {"40", 0, ALL & ~C},
        {"89 c0", 0, 0},
        {"c1 e0 00", 0, 0},
        {"c1 e0 20", 0, 0},
        {"c1 e0 05", 0, ALL},
        {"d1 e0", 0, ALL},
        {"d3 e0", ALL, ALL},
        {"c1 c0 05", 0, C | O},
        {"d3 c0", C | O, C | O},
        {"c1 d0 05", C, C | O},
        {"d3 d0", C | O, C | O},
        {"c1 d0 00", 0, 0},
        {"0f a4 c8 00", 0, 0},
        {"0f a4 c8 03", 0, ALL},
        {"0f a5 c8", ALL, ALL},
        {"74 00", Z, 0},
        {"0f 8f 00 00 00 00", Z | S | O, 0},
        {"0f 96 c0", C | Z, 0},
        {"0f 4a c1", P, 0},
        {"7c 00", S | O, 0},
        {"a6", 0, ALL},
        {"f3 a6", ALL, ALL},
        {"f2 ae", ALL, ALL},
        {"f3 a4", 0, 0},
        {"0f bc c0", 0, ALL},
        {"0f a3 c8", 0, ALL & ~Z},
        {"9c", ALL, 0},
        {"9f", ALL & ~O, 0},
        {"e1 00", Z, 0},
        {"f5", C, C},
        {"27", C | A, ALL},
        {"db e8", 0, ALL},
        {"f7 f1", 0, ALL},
        {"0f af c1", 0, ALL},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ginsn g;
        EXPECT(decode(rows[i].hex, GUEST_IA32, &g) == DECODE_OK);
        EXPECT_MSG(g.flags_read == rows[i].read && g.flags_written == rows[i].written,
                   "%s: reads %#x, writes %#x, not %#x, %#x", rows[i].hex, g.flags_read, g.flags_written, rows[i].read,
                   rows[i].written);
    }
}

TEST_CASE(decode, op_facts)
{
    EXPECT(gop_infos[G_DIV].flags_undefined == ALL && gop_infos[G_ADD].flags_undefined == 0);
    EXPECT(gop_ends_block(G_RET) && gop_ends_block(G_JCC) && !gop_ends_block(G_ADD));
    EXPECT(gop_infos[G_HLT].attr & GOPA_PRIV && gop_infos[G_IN].attr & GOPA_IOPL && gop_infos[G_UD2].attr & GOPA_UNDEF);
    for (unsigned op = 0; op < GOP_COUNT; op++)
        EXPECT_MSG(!(gop_infos[op].flags_undefined & ~gop_infos[op].flags_written), "%s", guest_op_name(op));
}

/* Every x87 instruction on random and special operands, compared with the host's unit: registers, tags, control and status
 * words, pointers, memory, EFLAGS and AX. Results of the transcendental ones may be one unit of the last place apart, as the
 * host's are not always the nearest, and then C1 may differ. */
#include <stdio.h>
#include <stdlib.h>

#include "decode.h"
#include "gtest_shim.h"
#include "host.h"
#include "mmu.h"
#include "morph.h"
#include "operands.h"
#include "splitmix64.h"
#include "x87.h"

enum { MEMORY = 128 };

struct bench {
    struct shared sh;
    struct morph m;
    uint64_t random;
    uint8_t memory[MEMORY + 16];
};

/* Stores that may be too many are tried before, all of them here: sh.store_buffer is 0. */
struct mmu_result mmu_translate(const struct shared *sh, uint64_t lin, enum mmu_access access)
{
    (void)sh, (void)access;
    return (struct mmu_result){.paddr = lin, .page_bits = 12, .ok = true};
}

static void load_image(struct guest_x87 *f, const struct x87_image *im)
{
    f->cw = im->cw;
    f->sw = im->sw;
    f->tw = im->tw;
    f->fip = im->fip;
    f->fcs = im->fcs;
    f->fop = im->fop & 0x7ff;
    f->fdp = im->fdp;
    f->fds = im->fds;
    for (unsigned i = 0; i < 8; i++) {
        unsigned phys = ((im->sw >> 11) + i) & 7;
        memcpy(&f->mant[phys], im->st[i].byte, 8);
        memcpy(&f->se[phys], im->st[i].byte + 8, 2);
        unsigned exp = f->se[phys] & 0x7fff, tag = exp == 0x7fff || !(f->mant[phys] >> 63) ? 2 : exp ? 0 : 2;
        if (exp == 0 && f->mant[phys] == 0)
            tag = 1;
        if ((f->tw >> (2 * phys) & 3) != 3)
            f->tw = (uint16_t)((f->tw & ~(3u << (2 * phys))) | tag << (2 * phys));
    }
}

static void save_image(const struct guest_x87 *f, struct x87_image *im)
{
    memset(im, 0xff, sizeof *im);
    im->cw = f->cw;
    im->sw = f->sw;
    im->tw = f->tw;
    im->fip = (uint32_t)f->fip;
    im->fcs = (uint16_t)f->fcs;
    im->fop = f->fop;
    im->fdp = (uint32_t)f->fdp;
    im->fds = (uint16_t)f->fds;
    for (unsigned i = 0; i < 8; i++) {
        unsigned phys = ((f->sw >> 11) + i) & 7;
        memcpy(im->st[i].byte, &f->mant[phys], 8);
        memcpy(im->st[i].byte + 8, &f->se[phys], 2);
    }
}

static void print_image(const char *what, const struct x87_image *im)
{
    fprintf(stderr, "%-5s cw %04x sw %04x tw %04x fop %03x ip %04x:%08x dp %04x:%08x\n", what, im->cw, im->sw, im->tw, im->fop,
            im->fcs, im->fip, im->fds, im->fdp);
    for (int i = 0; i < 8; i++) {
        uint64_t mant;
        uint16_t se;
        memcpy(&mant, im->st[i].byte, 8);
        memcpy(&se, im->st[i].byte + 8, 2);
        fprintf(stderr, "%s%04x.%016" PRIx64, i == 4 ? "\n      " : i ? "  " : "      ", se, mant);
    }
    fprintf(stderr, "\n");
}

static const uint64_t test_flags = EFL_CF | EFL_PF | EFL_AF | EFL_ZF | EFL_SF | EFL_OF;

static bool transcendental(unsigned op)
{
    static const uint16_t ops[] = {G_F2XM1, G_FYL2X, G_FPTAN, G_FPATAN, G_FYL2XP1, G_FSINCOS, G_FSIN, G_FCOS};
    for (unsigned i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (ops[i] == op)
            return true;
    }
    return false;
}

/* Makes one result equal to another that is its neighbour. */
static void forgive_neighbour(uint8_t ours[10], const uint8_t host[10])
{
    unsigned __int128 a = 0, b = 0;
    memcpy(&a, ours, 10);
    memcpy(&b, host, 10);
    for (int i = 0; i < 2; i++) { /* the step over a power of two skips the numbers without an integer bit */
        unsigned __int128 next = a + 1;
        if (!(uint64_t)next)
            next |= (unsigned __int128)1 << 63;
        if (next == b) {
            memcpy(ours, host, 10);
            return;
        }
        unsigned __int128 t = a;
        a = b;
        b = t;
    }
}

static void forgive(struct x87_image *ours, const struct x87_image *host)
{
    for (int i = 0; i < 2; i++)
        forgive_neighbour(ours->st[i].byte, host->st[i].byte);
    ours->sw = (uint16_t)((ours->sw & ~0x200) | (host->sw & 0x200));
}

/* One instruction on `cases` random states. Returns the number of cases that differ; it stops at the first. */
static int run_cases(struct bench *b, const uint8_t *insn, unsigned len, int cases)
{
    struct ginsn g;
    struct host_stub stub = host_x87_stub(insn, len);
    int bad = 0;
    if (guest_decode(insn, 15, GUEST_X86_64, &g) != DECODE_OK || g.len != len)
        return 1;
    for (int n = 0; n < cases && bad < 1; n++) {
        struct x87_image in, host, ours;
        struct host_frame frame = {0, 0x202};
        uint8_t memory_in[MEMORY], memory_host[MEMORY], memory_ours[MEMORY];
        random_image(&b->random, &in);
        random_memory(&b->random, b->memory, MEMORY, g.opnd[0].kind == GO_MEM ? g.opnd[0].size : 0);
        frame.rax = splitmix64(&b->random);
        frame.flags |= splitmix64(&b->random) & test_flags;
        load_image(&b->sh.cpu.x87, &in);
        b->sh.cpu.gpr[GUEST_RAX] = frame.rax;
        b->sh.cpu.flags = frame.flags & test_flags;
        b->sh.cpu.rip = (uint64_t)(uintptr_t)stub.insn;
        memcpy(memory_in, b->memory, MEMORY);

        enum x87_result result = x87_exec(&b->m, &g, (uint64_t)(uintptr_t)b->memory);
        save_image(&b->sh.cpu.x87, &ours);
        memcpy(memory_ours, b->memory, MEMORY);
        /* A context switch of the host may lose the pointers of the last instruction (FXRSTOR of AMD64): try again then. */
        struct host_frame start = frame;
        for (int tries = 0; tries < 5; tries++) {
            frame = start;
            memcpy(b->memory, memory_in, MEMORY);
            host_x87_run(stub, &in, &host, b->memory, &frame);
            memcpy(memory_host, b->memory, MEMORY);
            host.pad0 = host.pad1 = host.pad2 = host.pad3 = 0xffff;
            if (transcendental(g.op))
                forgive(&ours, &host);
            if (memcmp(&ours, &host, sizeof ours) == 0 && memcmp(memory_ours, memory_host, MEMORY) == 0)
                break;
        }

        bool same = result == X87_DONE && memcmp(&ours, &host, sizeof ours) == 0 &&
                    memcmp(memory_ours, memory_host, MEMORY) == 0 && b->sh.cpu.gpr[GUEST_RAX] == frame.rax &&
                    b->sh.cpu.flags == (frame.flags & test_flags);
        if (!same) {
            bad++;
            fprintf(stderr, "\ncase %d of", n);
            for (unsigned i = 0; i < len; i++)
                fprintf(stderr, " %02x", insn[i]);
            fprintf(stderr, ", result %d, flags %03x, host %03x\n", (int)result, (unsigned)b->sh.cpu.flags,
                    (unsigned)(frame.flags & test_flags));
            print_image("in", &in);
            print_image("host", &host);
            print_image("ours", &ours);
            for (int i = 0; i < 16; i++)
                fprintf(stderr, "%02x>%02x,%02x ", memory_in[i], memory_host[i], memory_ours[i]);
            fprintf(stderr, "\n");
        }
    }
    return bad;
}

static struct bench *make_bench(void)
{
    static struct bench b;
    const char *seed = getenv("X87_SEED");
    uint16_t cs, ds;
    memset(&b, 0, sizeof b);
    b.m.sh = &b.sh;
    b.random = seed ? strtoull(seed, NULL, 0) : 0x9e3779b97f4a7c15;
    b.sh.cpu.mode = GUEST_X86_64;
    __asm__("mov %%cs, %0; mov %%ds, %1" : "=r"(cs), "=r"(ds));
    b.sh.cpu.seg_sel[GUEST_CS] = cs;
    for (int s = 0; s < GUEST_SEGS; s++) {
        if (s != GUEST_CS)
            b.sh.cpu.seg_sel[s] = ds;
    }
    return &b;
}

static int cases_wanted(void)
{
    const char *cases = getenv("X87_CASES");
    return cases ? atoi(cases) : 4000;
}

static void sweep(unsigned opcode)
{
    struct bench *b = make_bench();
    int tried = 0, cases = cases_wanted();
    const char *only = getenv("X87_ONLY"); /* a ModRM byte in hex */
    if (!host_x87_init()) {
        EXPECT(!"executable memory");
        return;
    }
    for (unsigned modrm = 0; modrm < 256; modrm++) {
        uint8_t insn[16] = {(uint8_t)opcode, (uint8_t)modrm};
        struct ginsn g;
        if (modrm < 0xc0 && (modrm & 0xc7) != 2) /* memory operands are [rdx] */
            continue;
        if (only && strtoul(only, NULL, 16) != modrm)
            continue;
        if (guest_decode(insn, 15, GUEST_X86_64, &g) != DECODE_OK)
            continue;
        tried++;
        EXPECT_MSG(run_cases(b, insn, 2, cases) == 0, "%02x %02x differs from the host", opcode, modrm);
    }
    EXPECT(only || tried >= 40);
}

TEST_CASE(x87, d8) { sweep(0xd8); }
TEST_CASE(x87, d9) { sweep(0xd9); }
TEST_CASE(x87, da) { sweep(0xda); }
TEST_CASE(x87, db) { sweep(0xdb); }
TEST_CASE(x87, dc) { sweep(0xdc); }
TEST_CASE(x87, dd) { sweep(0xdd); }
TEST_CASE(x87, de) { sweep(0xde); }
TEST_CASE(x87, df) { sweep(0xdf); }

TEST_CASE(x87, environment_of_16_bits)
{
    static const uint8_t insns[][3] = {{0x66, 0xd9, 0x22}, {0x66, 0xd9, 0x32}, {0x66, 0xdd, 0x22}, {0x66, 0xdd, 0x32}};
    struct bench *b = make_bench();
    EXPECT(host_x87_init());
    for (int i = 0; i < 4; i++)
        EXPECT_MSG(run_cases(b, insns[i], 3, cases_wanted()) == 0, "66 %02x %02x differs", insns[i][1], insns[i][2]);
}

static enum x87_result execute(struct bench *b, uint8_t first, uint8_t second)
{
    uint8_t bytes[16] = {first, second};
    struct ginsn g;
    EXPECT(guest_decode(bytes, 15, GUEST_X86_64, &g) == DECODE_OK);
    return x87_exec(&b->m, &g, (uint64_t)(uintptr_t)b->memory);
}

TEST_CASE(x87, pending_exception_waits_for_the_next_instruction)
{
    struct bench *b = make_bench();
    EXPECT(execute(b, 0xdb, 0xe3) == X87_DONE); /* fninit */
    b->sh.cpu.x87.cw = 0x37b;                   /* divide by zero is not masked */
    EXPECT(execute(b, 0xd9, 0xee) == X87_DONE); /* fldz */
    EXPECT(execute(b, 0xd9, 0xe8) == X87_DONE); /* fld1 */
    EXPECT(execute(b, 0xd8, 0xf1) == X87_DONE); /* fdiv st, st(1) */
    EXPECT_EQ_U64(b->sh.cpu.x87.sw & 0x80ff, 0x8084);
    struct guest_x87 before = b->sh.cpu.x87;
    EXPECT(execute(b, 0xd8, 0xc1) == X87_MF); /* fadd */
    EXPECT(execute(b, 0x9b, 0x90) == X87_MF); /* fwait */
    EXPECT(memcmp(&before, &b->sh.cpu.x87, sizeof before) == 0);
    EXPECT(execute(b, 0xdf, 0xe0) == X87_DONE); /* fnstsw ax */
    EXPECT_EQ_U64(b->sh.cpu.gpr[GUEST_RAX] & 0xffff, before.sw);
    EXPECT(execute(b, 0xdb, 0xe2) == X87_DONE); /* fnclex */
    EXPECT(execute(b, 0xd8, 0xc1) == X87_DONE);
}

TEST_CASE(x87, unit_that_is_not_available)
{
    struct bench *b = make_bench();
    b->sh.cpu.cr0 = 8; /* TS */
    EXPECT(execute(b, 0xd9, 0xe8) == X87_NM);
    EXPECT(execute(b, 0xdb, 0xe3) == X87_NM);
    EXPECT(execute(b, 0x9b, 0x90) == X87_DONE); /* fwait looks at MP too */
    b->sh.cpu.cr0 = 8 | 2;
    EXPECT(execute(b, 0x9b, 0x90) == X87_NM);
    b->sh.cpu.cr0 = 4; /* EM */
    EXPECT(execute(b, 0xd9, 0xe8) == X87_NM);
}

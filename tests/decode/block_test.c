/* The decode cache and the page-table walk, on the host's port: real page tables in a buffer. */
#include <stdlib.h>

#include "block.h"
#include "gtest_shim.h"
#include "guest/mmu.h"
#include "morph.h"
#include "port.h"

enum { RAM = 4 << 20, CODE = 0x100000, LIN = 0x08048000, PAGE = 4096 };

static struct shared sh;
static struct morph machine;
static uint64_t marked[RAM / PAGE];

/* The run's own version drops translations too; here only what was marked matters. */
void morph_mark_code(struct morph *m, uint32_t paddr, uint32_t len)
{
    (void)m;
    EXPECT_MSG(len && paddr / PAGE == (paddr + len - 1) / PAGE, "[%#x, +%u) is not on one page", paddr, len);
    for (uint32_t a = paddr; a < paddr + len; a++)
        marked[a / PAGE] |= UINT64_C(1) << (a % PAGE / 64);
}

static void start(uint32_t max_blocks, uint32_t max_insns)
{
    memset(&sh, 0, sizeof sh);
    memset(marked, 0, sizeof marked);
    port_host_make(&sh, RAM);
    sh.params.block_insns = 32;
    machine = (struct morph){.sh = &sh, .arena = {.base = calloc(1, 8 << 20), .size = 8 << 20}};
    machine.blocks = block_cache_make(&machine.arena, max_blocks, max_insns);
    EXPECT(machine.blocks);
    port_host_map(LIN, CODE, 4 * PAGE, PORT_HOST_READ | PORT_HOST_EXEC);
}

static void stop(void)
{
    free(machine.arena.base);
    port_host_free(port_host);
}

static void put(uint64_t lin, const char *bytes, unsigned n) { memcpy(port_host->ram + CODE + (lin - LIN), bytes, n); }

static struct gblock *make(uint64_t rip)
{
    struct gblock *b = NULL;
    struct block_fault fault;
    enum block_result r = block_make(&machine, rip, &b, &fault);
    EXPECT_MSG(r == BLOCK_OK, "block at %#llx: %d", (unsigned long long)rip, r);
    return b;
}

TEST_CASE(block, ends)
{
    start(64, 1024);
    put(LIN, "\x40\x41\xeb\xfe", 4);        /* inc, inc, jmp */
    put(LIN + 0x40, "\x40\x0f\xff", 3);     /* UD0 needs a ModRM byte: it is an instruction */
    put(LIN + 0x80, "\x40\x40\xf0\x90", 4); /* LOCK NOP cannot be decoded */
    struct gblock *b = make(LIN);
    EXPECT(b->ninsns == 3 && b->len == 4 && b->end == BLOCK_END_BRANCH && b->paddr == CODE);
    EXPECT(block_insns(machine.blocks, b)[2].op == G_JMP);
    EXPECT(block_find(&machine, machine.blocks, LIN, GUEST_IA32) == b && make(LIN) == b);
    EXPECT(!block_find(&machine, machine.blocks, LIN, GUEST_X86_64) && !block_find(&machine, machine.blocks, LIN + 1, 0));
    b = make(LIN + 0x80);
    EXPECT(b->ninsns == 2 && b->end == BLOCK_END_UNDECODED);
    struct block_fault fault;
    EXPECT(block_make(&machine, LIN + 0x82, &b, &fault) == BLOCK_UNDEFINED && fault.addr == LIN + 0x82 &&
           fault.bytes[0] == 0xf0);
    sh.params.block_insns = 5;
    memset(port_host->ram + CODE + 0x200, 0x90, 100);
    b = make(LIN + 0x200);
    EXPECT(b->ninsns == 5 && b->end == BLOCK_END_LIMIT);
    EXPECT_EQ_U64(marked[CODE / PAGE], 1 | 2 << 1 | 1u << 8);
    stop();
}

TEST_CASE(block, page_crossing)
{
    start(64, 1024);
    put(LIN + 0xffb, "\x40\xb8\x01\x02\x03\x04", 6); /* the last byte of mov eax, imm32 is on the next page */
    put(LIN + PAGE, "\x04\x90\x90", 3);
    struct gblock *b = make(LIN + 0xffb);
    EXPECT(b->ninsns == 2 && b->end == BLOCK_END_PAGE && b->len == 6);
    EXPECT(b->paddr2 == CODE + PAGE && marked[CODE / PAGE + 1] == 1);
    EXPECT(block_insns(machine.blocks, b)[1].imm == 0x04030201);
    uint32_t index = block_index(machine.blocks, b);
    EXPECT(block_first_on_page(machine.blocks, CODE + 5) == index && block_first_on_page(machine.blocks, CODE + PAGE) == index);
    EXPECT(block_next_on_page(machine.blocks, index, CODE) == 0 && block_first_on_page(machine.blocks, CODE + 2 * PAGE) == 0);
    block_drop_page(machine.blocks, CODE + PAGE + 7);
    EXPECT(b->flags & BLOCK_DEAD);
    EXPECT(!block_peek(machine.blocks, LIN + 0xffb, 0) && !block_first_on_page(machine.blocks, CODE));

    /* Without the second page the block ends before; asking for the crossing instruction faults on the second page. */
    port_host_map(LIN + PAGE, 0, PAGE, 0);
    b = make(LIN + 0xffb);
    EXPECT(b->ninsns == 1 && b->end == BLOCK_END_UNDECODED);
    struct block_fault fault;
    EXPECT(block_make(&machine, LIN + 0xffc, &b, &fault) == BLOCK_PAGE_FAULT);
    EXPECT_EQ_U64(fault.addr, LIN + PAGE);
    EXPECT_EQ_U64(fault.error, PF_USER | PF_FETCH);
    EXPECT(block_make(&machine, LIN + PAGE, &b, &fault) == BLOCK_PAGE_FAULT && fault.addr == LIN + PAGE);
    stop();
}

TEST_CASE(block, mapping_changes)
{
    start(64, 1024);
    put(LIN, "\x40\xc3", 2);
    put(LIN + PAGE, "\x41\x41\xc3", 3);
    struct gblock *b = make(LIN);
    block_new_epoch(machine.blocks);
    EXPECT(b && block_find(&machine, machine.blocks, LIN, 0) == b && b->epoch == machine.blocks->epoch);
    port_host_map(LIN, CODE + PAGE, PAGE, PORT_HOST_READ | PORT_HOST_EXEC);
    block_new_epoch(machine.blocks);
    EXPECT(!block_find(&machine, machine.blocks, LIN, 0));
    b = make(LIN);
    EXPECT(b->ninsns == 3 && b->paddr == CODE + PAGE);
    port_host_map(LIN, CODE + PAGE, PAGE, PORT_HOST_READ); /* NX now */
    block_new_epoch(machine.blocks);
    EXPECT(!block_find(&machine, machine.blocks, LIN, 0));
    stop();
}

/* Another process's page at the same address: what was looked up last is forgotten with the blocks. */
TEST_CASE(block, another_process)
{
    start(64, 1024);
    put(LIN, "\x40\xc3", 2);
    put(LIN + PAGE, "\x41\x41\xc3", 3);
    EXPECT(make(LIN)->ninsns == 2);
    port_host_map(LIN, CODE + PAGE, PAGE, PORT_HOST_READ | PORT_HOST_EXEC);
    block_drop_all(machine.blocks);
    struct gblock *b = make(LIN);
    EXPECT(b->ninsns == 3 && b->paddr == CODE + PAGE);
    stop();
}

TEST_CASE(block, ranges)
{
    start(64, 1024);
    put(LIN, "\x40\xc3", 2);
    put(LIN + 0x10, "\x40\xc3", 2);
    struct gblock *a = make(LIN), *b = make(LIN + 0x10);
    block_drop_range(machine.blocks, LIN + 2, LIN + 0x10);
    EXPECT(!(a->flags & BLOCK_DEAD) && !(b->flags & BLOCK_DEAD));
    block_drop_range(machine.blocks, LIN + 0x11, LIN + 0x12);
    EXPECT(!(a->flags & BLOCK_DEAD) && (b->flags & BLOCK_DEAD));
    block_drop_range(machine.blocks, 0, UINT64_MAX);
    EXPECT(a->flags & BLOCK_DEAD);
    stop();
}

/* Many blocks on few pages, dropped and made again in a random order; the cache against a plain list. */
TEST_CASE(block, churn)
{
    enum { PLACES = 512 };
    bool present[PLACES] = {false};
    uint64_t seed = 77;
    unsigned full = 0;
    start(200, 4000);
    for (unsigned i = 0; i < PLACES; i++)
        put(LIN + i * 32, "\x40\xc3", 2);
    for (unsigned i = 0; i < PLACES / 128; i++) /* one block at the end of each page crosses into the next */
        put(LIN + (i + 1) * PAGE - 1, "\xb8\x90\x90\x90\x90", 5);
    for (unsigned step = 0; step < 20000; step++) {
        seed = seed * 6364136223846793005u + 1;
        unsigned i = seed >> 40 & (PLACES - 1);
        uint64_t rip = LIN + i * 32 + (i % 128 == 127 && i < 384 ? 31 : 0);
        struct gblock *b = block_peek(machine.blocks, rip, 0);
        struct block_fault fault;
        EXPECT_MSG(!!b == present[i], "step %u, place %u", step, i);
        if (b && seed >> 33 & 1) {
            block_drop(machine.blocks, b);
            present[i] = false;
        } else if (!b) {
            enum block_result r = block_make(&machine, rip, &b, &fault);
            present[i] = r == BLOCK_OK;
            if (r == BLOCK_FULL) {
                full++;
                block_drop_all(machine.blocks);
                memset(present, 0, sizeof present);
            }
        } else if (seed % 64 == 0) {
            unsigned page = seed >> 50 & 3;
            block_drop_page(machine.blocks, CODE + page * PAGE);
            for (unsigned k = 0; k < PLACES; k++)
                if (k / 128 == page || (k % 128 == 127 && k < 384 && k / 128 + 1 == page))
                    present[k] = false;
        }
        if (shim_failed())
            break;
    }
    EXPECT(full > 2);
    stop();
}

TEST_CASE(mmu, faults)
{
    start(64, 1024);
    port_host_map(LIN + 0x10000, CODE, PAGE, PORT_HOST_READ | PORT_HOST_WRITE);
    struct mmu_result r = mmu_translate(&sh, LIN + 0x10123, MMU_WRITE);
    EXPECT(r.ok && r.paddr == CODE + 0x123 && r.page_bits == 12);
    EXPECT_EQ_U64(mmu_translate(&sh, LIN + 0x10123, MMU_EXEC).error, PF_PRESENT | PF_USER | PF_FETCH);
    EXPECT_EQ_U64(mmu_translate(&sh, LIN, MMU_WRITE).error, PF_PRESENT | PF_USER | PF_WRITE);
    EXPECT_EQ_U64(mmu_translate(&sh, 0x1000, MMU_READ).error, PF_USER);
    EXPECT(mmu_translate(&sh, LIN, MMU_EXEC).ok);
    sh.cpu.efer = 0x500;
    EXPECT_EQ_U64(mmu_translate(&sh, LIN + 0x10123, MMU_READ).error, PF_PRESENT | PF_RESERVED | PF_USER); /* NX is reserved */
    sh.cpu.efer = 0xd01;
    sh.cpu.user = 0;
    EXPECT_EQ_U64(mmu_translate(&sh, LIN, MMU_WRITE).error, PF_PRESENT | PF_WRITE);
    sh.cpu.cr0 &= ~UINT64_C(0x10000); /* WP */
    EXPECT(mmu_translate(&sh, LIN, MMU_WRITE).ok);
    sh.cpu.cr4 |= 1u << 20; /* SMEP */
    EXPECT_EQ_U64(mmu_translate(&sh, LIN, MMU_EXEC).error, PF_PRESENT | PF_FETCH);
    sh.cpu.cr4 |= 1u << 21; /* SMAP */
    EXPECT_EQ_U64(mmu_translate(&sh, LIN, MMU_READ).error, PF_PRESENT);
    sh.cpu.sysflags |= EFL_AC;
    EXPECT(mmu_translate(&sh, LIN, MMU_READ).ok);
    stop();
}

TEST_CASE(mmu, large_pages_and_bits)
{
    start(64, 1024);
    uint64_t root = sh.cpu.cr3, pdpt = 0x200000, pd = 0x201000;
    pst64(root + 8, pdpt | 7);      /* linear 512 GiB.. */
    pst64(pdpt, 0x40000000 | 0x87); /* 1 GiB page */
    pst64(pdpt + 8, pd | 7);
    pst64(pd, 0x200000 | 0x87);     /* 2 MiB page */
    pst64(pd + 8, 0x201000 | 0x87); /* misaligned: reserved bit 12 is PAT, bit 13 up must be zero */
    pst64(pd + 16, 0x202000 | 0x87);
    uint64_t base = UINT64_C(1) << 39;
    struct mmu_result r = mmu_translate(&sh, base + 0x12345678, MMU_READ);
    EXPECT(r.ok && r.paddr == 0x40000000 + 0x12345678 && r.page_bits == 30);
    EXPECT_EQ_U64(pld64(pdpt), 0x40000000 | 0xa7);
    r = mmu_translate(&sh, base + 0x40000000 + 0x54321, MMU_WRITE);
    EXPECT(r.ok && r.paddr == 0x254321 && r.page_bits == 21);
    EXPECT_EQ_U64(pld64(pd), 0x200000 | 0xe7);
    EXPECT_EQ_U64(pld64(pdpt + 8), pd | 0x27);
    EXPECT(mmu_translate(&sh, base + 0x40200000, MMU_READ).ok);
    EXPECT_EQ_U64(mmu_translate(&sh, base + 0x40400000, MMU_READ).error, PF_PRESENT | PF_RESERVED | PF_USER);
    pst64(pdpt + 16, 0x7ff00000 | 7); /* a table where no memory is */
    EXPECT_EQ_U64(mmu_translate(&sh, base + 0x80000000, MMU_READ).error, PF_PRESENT | PF_RESERVED | PF_USER);
    pst64(pdpt + 24, UINT64_C(0x100000000) | 0x87);
    EXPECT_EQ_U64(mmu_translate(&sh, base + 0xc0000000, MMU_READ).error, PF_PRESENT | PF_RESERVED | PF_USER);
    stop();
}

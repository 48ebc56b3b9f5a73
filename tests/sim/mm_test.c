/* The guest's address space over a plain buffer: tables as the core will walk them, areas, lazy pages, moves. */
#include "mm.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gtest_shim.h"

enum { DRAM = 4 << 20 };

static bool buf_read(void *arg, uint32_t paddr, void *buf, size_t size)
{
    memcpy(buf, (uint8_t *)arg + paddr, size);
    return true;
}

static bool buf_write(void *arg, uint32_t paddr, const void *buf, size_t size)
{
    memcpy((uint8_t *)arg + paddr, buf, size);
    return true;
}

static uint8_t *buf_direct(void *arg, uint32_t paddr, size_t size)
{
    return paddr + size <= DRAM ? (uint8_t *)arg + paddr : NULL;
}

static uint8_t *no_direct(void *arg, uint32_t paddr, size_t size)
{
    (void)arg, (void)paddr, (void)size;
    return NULL;
}

static struct mm make(uint8_t **memory)
{
    struct mm mm;
    *memory = malloc(DRAM);
    memset(*memory, 0xa5, DRAM); /* memory is not clean: frames must be */
    EXPECT(mm_init(&mm, (struct pmem){*memory, DRAM, buf_read, buf_write, buf_direct}));
    return mm;
}

static void drop(struct mm *mm, uint8_t *memory)
{
    mm_free(mm);
    free(memory);
}

/* As the core's firmware walks: by memory contents alone. 0: not present. */
static uint64_t walk(const struct mm *mm, const uint8_t *memory, uint64_t va)
{
    uint64_t table = mm_root(mm);
    for (int level = 3;; level--) {
        uint64_t e;
        memcpy(&e, memory + table + ((va >> (12 + 9 * level)) & 511) * 8, 8);
        if (!(e & 1) || level == 0)
            return e & 1 ? e : 0;
        table = e & 0x000ffffffffff000;
    }
}

TEST_CASE(sim_mm, tables_are_x86)
{
    uint8_t *memory;
    struct mm mm = make(&memory);
    const uint64_t va = 0x08048000, high = 0x7fff12345000;
    EXPECT(mm_map(&mm, va, 0x3000, MM_READ | MM_EXEC, NULL, 0));
    EXPECT(mm_map(&mm, high, 0x1000, MM_READ | MM_WRITE, NULL, 0));
    EXPECT(mm_write(&mm, va + 0xffe, "abcd", 4));
    uint64_t e = walk(&mm, memory, va), h = walk(&mm, memory, high);
    EXPECT_EQ_U64(e & 0xfff & ~0x200u, 0x65); /* accessed, dirty, user, present; not writable */
    EXPECT_EQ_U64(e >> 63, 0);
    EXPECT_EQ_U64(h & 0xfff & ~0x200u, 0x67);
    EXPECT_EQ_U64(h >> 63, 1);
    EXPECT_EQ_U64(walk(&mm, memory, va + 0x3000), 0);
    EXPECT(!memcmp(memory + (e & 0x000ffffffffff000) + 0xffe, "ab", 2));
    EXPECT_EQ_U64(memory[(e & 0x000ffffffffff000) + 0x10], 0);
    EXPECT(mm_protect(&mm, va, 0x1000, 0));
    EXPECT_EQ_U64(walk(&mm, memory, va), 0);
    EXPECT(mm_protect(&mm, va, 0x1000, MM_READ));
    EXPECT(walk(&mm, memory, va) != 0);
    char back[4];
    EXPECT(mm_read(&mm, va + 0xffe, back, 4) && !memcmp(back, "abcd", 4));
    drop(&mm, memory);
}

TEST_CASE(sim_mm, same_frames_every_time)
{
    uint64_t seen[2];
    for (int i = 0; i < 2; i++) {
        uint8_t *memory;
        struct mm mm = make(&memory);
        mm_map(&mm, 0x10000, 0x8000, MM_READ, NULL, 0);
        mm_unmap(&mm, 0x12000, 0x2000);
        mm_map(&mm, 0x50000, 0x3000, MM_READ, NULL, 0);
        seen[i] = walk(&mm, memory, 0x51000);
        drop(&mm, memory);
    }
    EXPECT_EQ_U64(seen[0], seen[1]);
}

TEST_CASE(sim_mm, changes_are_told)
{
    uint8_t *memory;
    struct mm mm = make(&memory);
    mm_map(&mm, 0x10000, 0x2000, MM_READ | MM_WRITE | MM_EXEC, NULL, 0);
    mm_map(&mm, 0x20000, 0x1000, MM_READ | MM_WRITE, NULL, 0);
    struct mm_changes c = mm_take_changes(&mm);
    EXPECT(!c.tlb && !c.code); /* what was absent cannot be in a TLB */
    mm_write(&mm, 0x20010, "x", 1);
    EXPECT(!mm_take_changes(&mm).code);
    mm_write(&mm, 0x10ffe, "xyz", 3);
    c = mm_take_changes(&mm);
    EXPECT(!c.tlb && c.code);
    EXPECT_EQ_U64(c.code_start, 0x10ffe);
    EXPECT_EQ_U64(c.code_end, 0x11001);
    mm_unmap(&mm, 0x20000, 0x1000);
    c = mm_take_changes(&mm);
    EXPECT(c.tlb && !c.code);
    mm_protect(&mm, 0x10000, 0x1000, MM_READ);
    c = mm_take_changes(&mm);
    EXPECT(c.tlb && c.code);
    EXPECT_EQ_U64(c.code_end, 0x11000);
    drop(&mm, memory);
}

TEST_CASE(sim_mm, areas_split_and_merge)
{
    uint8_t *memory;
    struct mm mm = make(&memory);
    mm_map(&mm, 0x10000, 0x4000, MM_READ | MM_WRITE, NULL, 0);
    mm_map(&mm, 0x14000, 0x1000, MM_READ | MM_WRITE, NULL, 0);
    EXPECT_EQ_U64(mm.nareas, 1);
    mm_protect(&mm, 0x11000, 0x1000, MM_READ);
    EXPECT_EQ_U64(mm.nareas, 3);
    EXPECT_EQ_U64(mm_copy_out(&mm, 0x10ff0, "0123456789abcdefXX", 18), 16); /* stops at the read-only page */
    mm_protect(&mm, 0x11000, 0x1000, MM_READ | MM_WRITE);
    EXPECT_EQ_U64(mm.nareas, 1);
    mm_unmap(&mm, 0x12000, 0x1000);
    EXPECT_EQ_U64(mm.nareas, 2);
    EXPECT(!mm_protect(&mm, 0x11000, 0x3000, MM_READ)); /* a hole */
    EXPECT(mm_is_free(&mm, 0x12000, 0x1000) && !mm_is_free(&mm, 0x12000, 0x1001));
    EXPECT_EQ_U64(mm_gap_below(&mm, 0x16000, 0x10000, 0x1000), 0x15000);
    EXPECT_EQ_U64(mm_gap_below(&mm, 0x15000, 0x10000, 0x1000), 0x12000);
    EXPECT_EQ_U64(mm_gap_below(&mm, 0x15000, 0x10000, 0x2000), 0);
    drop(&mm, memory);
}

TEST_CASE(sim_mm, large_areas_are_lazy)
{
    uint8_t *memory, byte = 9;
    struct mm mm = make(&memory);
    EXPECT(mm_map(&mm, 0x40000000, 0x20000000, MM_READ | MM_WRITE, NULL, 0)); /* 512 MiB in 4 */
    EXPECT_EQ_U64(walk(&mm, memory, 0x48000000), 0);
    EXPECT_EQ_U64(mm_fault(&mm, 0x48000123, MM_WRITE), MM_FAULT_FIXED);
    EXPECT(walk(&mm, memory, 0x48000000) != 0);
    EXPECT_EQ_U64(mm_fault(&mm, 0x48000123, MM_EXEC), MM_FAULT_ACCERR);
    EXPECT_EQ_U64(mm_fault(&mm, 0x39999999, MM_READ), MM_FAULT_MAPERR);
    EXPECT(mm_read(&mm, 0x50000000, &byte, 1) && byte == 0);
    uint64_t at = 0x40000000;
    while (mm_fault(&mm, at, MM_READ) == MM_FAULT_FIXED)
        at += 0x10000;
    EXPECT_EQ_U64(mm_fault(&mm, at, MM_READ), MM_FAULT_NOMEM);
    uint64_t used = mm.pool->frames_used;
    EXPECT(!mm_map(&mm, 0x1000000, 0x100000, MM_READ, NULL, 0)); /* nothing left, nothing half done */
    EXPECT(mm_find(&mm, 0x1000000) == NULL);
    EXPECT(mm.pool->frames_used <= used + 1); /* at most an empty table */
    mm_discard(&mm, 0x40000000, 0x20000000);
    EXPECT(mm_map(&mm, 0x1000000, 0x100000, MM_READ, NULL, 0));
    drop(&mm, memory);
}

/* Terabytes that nobody touches cost nothing: every step is as quick as if they were a few pages. */
TEST_CASE(sim_mm, reservations)
{
    const uint64_t base = UINT64_C(0x100000000000), size = UINT64_C(1) << 44, last = base + size - MM_PAGE;
    uint8_t *memory;
    struct mm mm = make(&memory);
    char c = 'x';
    EXPECT(mm_map(&mm, base, size, 0, NULL, 0));
    EXPECT(mm_protect(&mm, base, size, MM_READ | MM_WRITE));
    EXPECT(mm_write(&mm, base, &c, 1) && mm_write(&mm, last, &c, 1) && mm_write(&mm, base + size / 2, &c, 1));
    struct mm *child = mm_fork(&mm);
    EXPECT(child && mm_read(child, last, &c, 1) && c == 'x');
    mm_drop(child);
    EXPECT(mm_discard(&mm, base + MM_PAGE, size - MM_PAGE));
    EXPECT(mm_read(&mm, last, &c, 1) && c == 0 && mm_read(&mm, base, &c, 1) && c == 'x');
    EXPECT(mm_move(&mm, base, base + size, size / 2));
    EXPECT(mm_read(&mm, base + size, &c, 1) && c == 'x' && mm_is_free(&mm, base, size / 2));
    EXPECT(!mm_discard(&mm, base, size));
    EXPECT(mm_unmap(&mm, base, 2 * size));
    EXPECT(mm_is_free(&mm, base, 2 * size) && !mm_read(&mm, base + size, &c, 1));
    /* Addresses beyond the tables' 48 bits are none. */
    EXPECT(mm_map(&mm, 0x10000, MM_PAGE, MM_READ | MM_WRITE, NULL, 0));
    EXPECT(!mm_read(&mm, UINT64_C(1) << 48 | 0x10000, &c, 1));
    EXPECT_EQ_U64(mm_copy_in(&mm, &c, UINT64_C(1) << 63 | 0x10000, 1), 0);
    drop(&mm, memory);
}

TEST_CASE(sim_mm, stack_grows_to_its_floor)
{
    uint8_t *memory;
    struct mm mm = make(&memory);
    mm_map(&mm, 0xff000000, 0x2000, MM_READ | MM_WRITE, NULL, 0);
    mm_set_stack(&mm, 0xff000000, 0xfefe0000);
    EXPECT_EQ_U64(mm_fault(&mm, 0xfefff123, MM_WRITE), MM_FAULT_FIXED);
    EXPECT_EQ_U64(mm_fault(&mm, 0xfefe0000, MM_WRITE), MM_FAULT_FIXED);
    EXPECT_EQ_U64(mm_fault(&mm, 0xfefdffff, MM_WRITE), MM_FAULT_MAPERR);
    drop(&mm, memory);
}

TEST_CASE(sim_mm, move_keeps_bytes)
{
    uint8_t *memory;
    char back[3] = "";
    struct mm mm = make(&memory);
    mm.mem.direct = no_direct; /* as with an engine that has caches */
    mm_map(&mm, 0x10000, 0x3000, MM_READ | MM_WRITE, NULL, 0);
    mm_write(&mm, 0x11fff, "xy", 2);
    EXPECT(mm_move(&mm, 0x11000, 0x80000, 0x2000));
    EXPECT(mm_is_free(&mm, 0x11000, 0x2000));
    EXPECT(mm_read(&mm, 0x80fff, back, 2));
    EXPECT_STR(back, "xy");
    EXPECT(!mm_read(&mm, 0x11fff, back, 1));
    drop(&mm, memory);
}

TEST_CASE(sim_mm, files)
{
    uint8_t *memory;
    char back[4] = "";
    struct mm mm = make(&memory);
    int fd = memfd_create("file", 0);
    EXPECT(ftruncate(fd, 0x1800) == 0 && pwrite(fd, "end", 3, 0x17fd) == 3);
    struct mm_file *f = mm_file_new(fd);
    EXPECT(mm_map(&mm, 0x10000, 0x3000, MM_READ, f, 0));
    mm_file_drop(f);
    EXPECT(mm_read(&mm, 0x117fd, back, 3));
    EXPECT_STR(back, "end");
    EXPECT_EQ_U64(mm_fault(&mm, 0x12000, MM_READ), MM_FAULT_BUS); /* whole page behind the end */
    EXPECT(mm_unmap(&mm, 0x10000, 0x1000));                       /* the rest keeps its place in the file */
    mm_discard(&mm, 0x11000, 0x1000);
    EXPECT(mm_read(&mm, 0x117fd, back, 3) && back[0] == 'e');
    EXPECT(fcntl(fd, F_GETFD) >= 0);
    mm_unmap(&mm, 0x11000, 0x2000);
    EXPECT(fcntl(fd, F_GETFD) < 0); /* closed with the last area */
    drop(&mm, memory);
}

static uint8_t byte_at(struct mm *mm, uint64_t addr)
{
    uint8_t b = 0;
    EXPECT(mm_copy_in(mm, &b, addr, 1) == 1);
    return b;
}

/* Two address spaces from one: private pages part when either writes, shared ones stay together, and all frames come back. */
TEST_CASE(sim_mm, fork)
{
    uint8_t *memory;
    struct mm first = make(&memory);
    uint64_t empty = first.pool->frames_used;
    EXPECT(mm_map(&first, 0x10000, 0x3000, MM_READ | MM_WRITE, NULL, 0));
    EXPECT(mm_map_shared(&first, 0x20000, 0x2000, MM_READ | MM_WRITE, NULL, 0));
    EXPECT(mm_write(&first, 0x10000, "a", 1) && mm_write(&first, 0x20000, "b", 1));
    uint64_t used = first.pool->frames_used;
    struct mm *second = mm_fork(&first);
    EXPECT(second && mm_take_changes(&first).tlb);
    EXPECT(first.pool->frames_used < used + 8); /* its tables */
    EXPECT_EQ_U64(byte_at(second, 0x10000), 'a');
    EXPECT(mm_copy_out(&first, 0x10000, "x", 1) == 1);
    EXPECT(mm_write(second, 0x20001, "y", 1));
    EXPECT_EQ_U64(byte_at(second, 0x10000), 'a');
    EXPECT_EQ_U64(byte_at(&first, 0x10000), 'x');
    EXPECT_EQ_U64(byte_at(&first, 0x20001), 'y');
    /* What a host writes parts too, and a change of protection does not undo the parting. */
    EXPECT(mm_write(second, 0x11000, "h", 1));
    EXPECT_EQ_U64(byte_at(&first, 0x11000), 0);
    EXPECT(mm_protect(second, 0x12000, 0x1000, MM_READ) && mm_protect(second, 0x12000, 0x1000, MM_READ | MM_WRITE));
    EXPECT(mm_copy_out(second, 0x12000, "p", 1) == 1);
    EXPECT_EQ_U64(byte_at(&first, 0x12000), 0);
    /* The last owner writes in place. */
    mm_drop(second);
    used = first.pool->frames_used;
    EXPECT(mm_copy_out(&first, 0x11000, "q", 1) == 1);
    EXPECT_EQ_U64(first.pool->frames_used, used);
    EXPECT(mm_unmap(&first, 0x10000, 0x20000));
    EXPECT(first.pool->frames_used <= empty + 3); /* tables */
    drop(&first, memory);
}

/* What the core keeps of the code when it goes over to another address space. */
TEST_CASE(sim_mm, switches)
{
    uint8_t *memory;
    struct mm first = make(&memory);
    EXPECT(mm_map(&first, 0x10000, 0x2000, MM_READ | MM_WRITE | MM_EXEC, NULL, 0));
    EXPECT(mm_map(&first, 0x20000, 0x2000, MM_READ | MM_WRITE, NULL, 0));
    struct mm *second = mm_fork(&first);
    EXPECT(second != NULL);
    mm_take_changes(&first);
    mm_switch(&first, second);
    struct mm_changes c = mm_take_changes(second);
    EXPECT(c.tlb && !c.code); /* the same pages */
    EXPECT(mm_copy_out(second, 0x20000, "d", 1) == 1);
    mm_take_changes(second);
    mm_switch(second, &first);
    EXPECT(!mm_take_changes(&first).code); /* data does not count */
    EXPECT(mm_copy_out(second, 0x11000, "x", 1) == 1);
    mm_take_changes(second);
    mm_switch(second, &first);
    c = mm_take_changes(&first);
    EXPECT(c.code && c.code_start == 0x11000 && c.code_end == 0x12000); /* parted */
    EXPECT(mm_copy_out(&first, 0x10000, "y", 1) == 1);
    mm_switch(&first, second);
    c = mm_take_changes(second);
    EXPECT(c.code && c.code_start == 0x10000 && c.code_end == 0x12000); /* and what the core has not heard of */
    EXPECT(mm_unmap(second, 0x10000, 0x1000));
    mm_take_changes(second);
    mm_switch(second, &first);
    c = mm_take_changes(&first);
    EXPECT(c.code && c.code_start == 0x11000); /* the page that the second lacks was dropped when it went */
    mm_switch(&first, second);
    c = mm_take_changes(second);
    EXPECT(c.code && c.code_start == 0x10000 && c.code_end == 0x12000);
    mm_drop(second);
    drop(&first, memory);
}

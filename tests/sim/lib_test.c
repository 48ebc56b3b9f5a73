/* libselkirk as a program uses it: a machine with the firmware on engine func. The firmware is named by SELKIRK_FIRMWARE. */
#include "selkirk.h"

#include <stdio.h>
#include <string.h>

#include "engine.h"
#include "gtest_shim.h"

enum { CODE = 0x10000, DATA = 0x20000 };

static struct selkirk *make(const char *code, size_t size)
{
    struct selkirk_config cfg;
    char err[1024];
    selkirk_config_init(&cfg);
    cfg.dram_mib = 16;
    struct selkirk *m = selkirk_create(&cfg, err, sizeof err);
    EXPECT_MSG(m != NULL, "%s", err);
    if (!m)
        return NULL;
    EXPECT(selkirk_map(m, CODE, 0x1000, SELKIRK_READ | SELKIRK_EXEC));
    EXPECT(selkirk_map(m, DATA, 0x1000, SELKIRK_READ | SELKIRK_WRITE));
    EXPECT(selkirk_write(m, CODE, code, size));
    selkirk_cpu(m)->rip = CODE;
    return m;
}

static enum selkirk_stop run(struct selkirk *m, struct selkirk_limits limits) { return selkirk_run(m, &limits).stop; }

static const char loop[] = "\x40\xa3\x00\x00\x02\x00\xeb\xf8"; /* 1: inc eax; mov [0x20000], eax; jmp 1b */

TEST_CASE(selkirk, limits)
{
    struct selkirk *m = make(loop, sizeof loop - 1);
    uint32_t value;
    if (!m)
        return;
    EXPECT_EQ_U64(run(m, (struct selkirk_limits){.insts = 4}), SELKIRK_STOP_INSTS);
    EXPECT_EQ_U64(selkirk_icount(m), 4);
    EXPECT_EQ_U64(selkirk_cpu(m)->gpr[GUEST_RAX], 2);
    EXPECT_EQ_U64(run(m, (struct selkirk_limits){.address_on = true, .address = CODE + 6}), SELKIRK_STOP_ADDRESS);
    EXPECT_EQ_U64(selkirk_cpu(m)->rip, CODE + 6);
    EXPECT(selkirk_read(m, DATA, &value, 4) && value == 2);
    EXPECT_EQ_U64(run(m, (struct selkirk_limits){.insts = 300005}), SELKIRK_STOP_INSTS); /* far into translations */
    EXPECT_EQ_U64(selkirk_icount(m), 300005);
    EXPECT_EQ_U64(selkirk_cpu(m)->gpr[GUEST_RAX], 100002);
    uint64_t cycles = selkirk_cycles(m);
    struct selkirk_limits both = {.insts = 900000, .cycles = cycles + 5000};
    EXPECT_EQ_U64(run(m, both), SELKIRK_STOP_CYCLES);
    EXPECT(selkirk_cycles(m) >= cycles + 5000 && selkirk_cycles(m) < cycles + 5100);
    EXPECT_EQ_U64(run(m, (struct selkirk_limits){.insts = 900000}), SELKIRK_STOP_INSTS); /* and on from there */
    EXPECT_EQ_U64(selkirk_icount(m), 900000);
    selkirk_interrupt(m);
    EXPECT_EQ_U64(run(m, (struct selkirk_limits){0}), SELKIRK_STOP_INTERRUPTED);
    selkirk_destroy(m);
}

TEST_CASE(selkirk, memory_and_code_change)
{
    struct selkirk *m = make(loop, sizeof loop - 1);
    char err[256];
    if (!m)
        return;
    EXPECT(!selkirk_map(m, DATA + 1, 0x1000, SELKIRK_READ) && !selkirk_map(m, DATA, 0, SELKIRK_READ));
    EXPECT(!selkirk_write(m, 0x99990000, "x", 1));
    EXPECT_EQ_U64(run(m, (struct selkirk_limits){.insts = 3000}), SELKIRK_STOP_INSTS);
    EXPECT(selkirk_write(m, CODE, "\x48", 1)); /* dec eax: what was translated is not valid any more */
    EXPECT_EQ_U64(run(m, (struct selkirk_limits){.insts = 6000}), SELKIRK_STOP_INSTS);
    EXPECT_EQ_U64(selkirk_cpu(m)->gpr[GUEST_RAX], 0);
    EXPECT(selkirk_protect(m, DATA, 0x1000, SELKIRK_READ));
    struct selkirk_event ev = selkirk_run(m, &(struct selkirk_limits){.insts = 9000});
    EXPECT_EQ_U64(ev.stop, SELKIRK_STOP_EXCEPTION);
    EXPECT(ev.arg[0] == 14 && ev.arg[1] == 7 && ev.arg[2] == DATA);
    EXPECT_EQ_U64(selkirk_cpu(m)->rip, CODE + 1);
    EXPECT(selkirk_unmap(m, DATA, 0x1000));
    ev = selkirk_run(m, &(struct selkirk_limits){.insts = 9000});
    EXPECT(ev.stop == SELKIRK_STOP_EXCEPTION && ev.arg[1] == 6);
    EXPECT_MSG(selkirk_stats_check(m, err, sizeof err), "%s", err);
    selkirk_destroy(m);
}

struct seen {
    struct selkirk *m;
    unsigned calls, exceptions, translations, ticks;
    uint64_t records;
};

static enum selkirk_verdict on_syscall(void *arg, const struct selkirk_event *ev)
{
    struct seen *s = arg;
    EXPECT_EQ_U64(ev->arg[0], 0x80);
    selkirk_cpu(s->m)->gpr[GUEST_RAX] = 7;
    return ++s->calls == 100 ? SELKIRK_RETURN : SELKIRK_GO_ON;
}

static enum selkirk_verdict on_exception(void *arg, const struct selkirk_event *ev)
{
    struct seen *s = arg;
    s->exceptions++;
    EXPECT_EQ_U64(ev->arg[0], 6);
    selkirk_cpu(s->m)->rip += 2;
    return SELKIRK_GO_ON;
}

static enum selkirk_verdict on_translation(void *arg, const struct selkirk_event *ev)
{
    struct seen *s = arg;
    s->translations += ev->arg[0] >= CODE && ev->arg[0] < CODE + 16;
    return SELKIRK_GO_ON;
}

static enum selkirk_verdict on_tick(void *arg)
{
    ((struct seen *)arg)->ticks++;
    return SELKIRK_GO_ON;
}

static void on_record(void *arg, const struct engine_record *rec)
{
    struct seen *s = arg;
    s->records += rec->flags & ENGINE_REC_COMMIT ? 1 : 0;
}

TEST_CASE(selkirk, hooks)
{
    struct selkirk *m = make("\x90\xcd\x80\x0f\x0b\xeb\xf9", 7); /* 1: nop; int 0x80; ud2; jmp 1b */
    if (!m)
        return;
    struct seen s = {.m = m};
    struct selkirk_hooks h = {&s, on_syscall, on_exception, on_translation, NULL, on_tick, 1000, on_record};
    selkirk_params(m)->trace_translations = 1;
    selkirk_set_hooks(m, &h);
    EXPECT_EQ_U64(run(m, (struct selkirk_limits){.insts = 100000}), SELKIRK_STOP_SYSCALL);
    EXPECT_EQ_U64(s.calls, 100);
    EXPECT_EQ_U64(s.exceptions, 99);
    EXPECT_EQ_U64(selkirk_cpu(m)->gpr[GUEST_RAX], 7);
    EXPECT(s.translations > 0 && s.ticks > 0 && s.records > 100);
    selkirk_destroy(m);
}

/* Physical address of a mapped guest page. */
static uint64_t physical(struct selkirk *m, uint64_t lin)
{
    uint64_t entry = selkirk_cpu(m)->cr3;
    for (unsigned shift = 39; shift >= 12; shift -= 9) {
        uint64_t slot = (entry & 0xfffff000) + (lin >> shift & 511) * 8;
        EXPECT(selkirk_read_physical(m, (uint32_t)slot, &entry, 8) && entry & 1);
    }
    return entry & 0xfffff000;
}

enum { TABLES = 0x30000, WINDOW = 0x400000 }; /* page tables in guest memory; what the guest reads through them */

static void put_entry(struct selkirk *m, unsigned table, unsigned index, uint64_t entry)
{
    EXPECT(selkirk_write(m, TABLES + 0x1000 * table + 8 * index, &entry, 8));
}

/* Runs `mov eax, [WINDOW]` under page tables of the test's own, whose page-directory entry for WINDOW is `pde`; 0: a table whose
 * first entry is `pte`. */
static struct selkirk_event read_window(struct selkirk *m, uint64_t pde, uint64_t pte)
{
    struct selkirk_limits limits = {.insts = 1};
    uint64_t table[5];
    EXPECT(selkirk_map(m, TABLES, sizeof table / 8 * 0x1000, SELKIRK_READ | SELKIRK_WRITE));
    for (unsigned i = 0; i < sizeof table / 8; i++)
        table[i] = physical(m, TABLES + 0x1000 * i);
    for (unsigned i = 0; i < 3; i++)
        put_entry(m, i, 0, table[i + 1] | 0x27);
    put_entry(m, 3, CODE >> 12, physical(m, CODE) | 0x25);
    put_entry(m, 2, WINDOW >> 21, pde ? pde : table[4] | 0x27);
    put_entry(m, 4, 0, pte);
    selkirk_cpu(m)->cr3 = table[0];
    return selkirk_run(m, &limits);
}

/* The walk of the TLB miss handler never leaves guest memory, so a guest cannot reach hidden memory by its page tables. */
TEST_CASE(selkirk, page_tables_stay_in_guest_memory)
{
    enum { HIDDEN = 0x40000000, PAGE = 0x67, LARGE = 0xe7 };
    static const struct {
        uint64_t pde, pte; /* pte 1: the data page */
        enum selkirk_stop stop;
    } cases[] = {
        {0, 1, SELKIRK_STOP_INSTS},
        {0, UINT64_C(1) << 32 | PAGE, SELKIRK_STOP_EXCEPTION}, /* beyond the physical width: reserved */
        {HIDDEN | PAGE, 0, SELKIRK_STOP_EXCEPTION},            /* a table in hidden memory: reads as ones */
        {0x7ffff000 | PAGE, 0, SELKIRK_STOP_EXCEPTION},        /* a table where nothing is */
        {UINT64_C(1) << 32 | PAGE, 0, SELKIRK_STOP_EXCEPTION},
        {0x2000 | LARGE, 0, SELKIRK_STOP_EXCEPTION}, /* a large page that begins anywhere */
        {0, HIDDEN | PAGE, SELKIRK_STOP_PANIC},
        {HIDDEN | LARGE, 0, SELKIRK_STOP_PANIC},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct selkirk *m = make("\xa1\x00\x00\x40\x00\xeb\xfe", 7);
        uint32_t value = 0x1234567;
        if (!m)
            return;
        EXPECT(selkirk_write(m, DATA, &value, 4));
        uint64_t pte = cases[i].pte == 1 ? physical(m, DATA) | PAGE : cases[i].pte;
        struct selkirk_event ev = read_window(m, cases[i].pde, pte);
        EXPECT_MSG(ev.stop == cases[i].stop, "case %u: stop %d (%s)", i, (int)ev.stop, ev.text ? ev.text : "");
        if (ev.stop == SELKIRK_STOP_EXCEPTION)
            EXPECT_MSG(ev.arg[0] == 14 && ev.arg[1] == 0xd && ev.arg[2] == WINDOW,
                       "case %u: exception %u, error %#x, address %#x", i, (unsigned)ev.arg[0], (unsigned)ev.arg[1],
                       (unsigned)ev.arg[2]);
        else if (ev.stop == SELKIRK_STOP_PANIC)
            EXPECT_MSG(ev.text && strstr(ev.text, "page table"), "case %u: %s", i, ev.text ? ev.text : "");
        else
            EXPECT_EQ_U64(selkirk_cpu(m)->gpr[GUEST_RAX], value);
        selkirk_destroy(m);
    }
}

TEST_CASE(selkirk, morph_statistics)
{
    struct selkirk *m = make(loop, sizeof loop - 1);
    struct morph_stats s;
    if (!m)
        return;
    selkirk_params(m)->gear_max = 1;
    EXPECT_EQ_U64(run(m, (struct selkirk_limits){.insts = 3000}), SELKIRK_STOP_INSTS);
    selkirk_morph_stats(m, &s);
    EXPECT(s.insns_interp == 3000 && s.blocks_decoded == 1 && s.insns_decoded == 3 && s.decode_flushes == 0);
    EXPECT_MSG(s.tlb_fills == 1, "%u", (unsigned)s.tlb_fills);
    uint64_t cycles = selkirk_cycles(m) + 100000;
    EXPECT_EQ_U64(run(m, (struct selkirk_limits){.cycles = cycles}), SELKIRK_STOP_CYCLES); /* in the middle of interpreting */
    selkirk_morph_stats(m, &s);
    EXPECT_MSG(s.insns_interp == selkirk_icount(m) && s.insns_interp > 5000, "%u", (unsigned)s.insns_interp);
    selkirk_destroy(m);

    /* More blocks than the decode cache holds: one jump to the next instruction after the other. */
    enum { MANY = 0x100000, JUMPS = 40000 };
    m = make("\xe9\xfb\xff\x0e\x00", 5); /* jmp MANY */
    if (!m)
        return;
    EXPECT(selkirk_map(m, MANY, 0x20000, SELKIRK_READ | SELKIRK_EXEC));
    for (unsigned i = 0; i < JUMPS; i++)
        EXPECT(selkirk_write(m, MANY + 2 * i, "\xeb", 2));
    EXPECT_EQ_U64(run(m, (struct selkirk_limits){.insts = JUMPS}), SELKIRK_STOP_INSTS);
    EXPECT_EQ_U64(selkirk_cpu(m)->rip, MANY + 2 * (JUMPS - 1));
    selkirk_morph_stats(m, &s);
    /* The block that it stopped before has been decoded too. */
    EXPECT_MSG(s.decode_flushes == 1 && s.blocks_decoded == JUMPS + 1 && s.insns_decoded == JUMPS + 1, "%u flushes, %u blocks",
               (unsigned)s.decode_flushes, (unsigned)s.blocks_decoded);
    selkirk_destroy(m);
}

TEST_CASE(selkirk, machines_are_independent)
{
    struct selkirk *a = make(loop, sizeof loop - 1), *b = make("\x41\xeb\xfd", 3);
    if (!a || !b)
        return;
    for (uint64_t n = 100; n < 500; n += 100) {
        run(a, (struct selkirk_limits){.insts = n});
        run(b, (struct selkirk_limits){.insts = n});
    }
    EXPECT_EQ_U64(selkirk_cpu(a)->gpr[GUEST_RAX], 134);
    EXPECT_EQ_U64(selkirk_cpu(b)->gpr[GUEST_RAX], 0);
    EXPECT_EQ_U64(selkirk_cpu(b)->gpr[GUEST_RCX], 200);
    selkirk_destroy(a);
    selkirk_destroy(b);
}

/* A translation cache that hidden memory has no room for. */
TEST_CASE(selkirk, hidden_memory_too_small)
{
    struct selkirk *m = make(loop, sizeof loop - 1);
    if (!m)
        return;
    selkirk_params(m)->tcache_kib = 65536;
    struct selkirk_event ev = selkirk_run(m, &(struct selkirk_limits){.insts = 100});
    EXPECT_EQ_U64(ev.stop, SELKIRK_STOP_PANIC);
    EXPECT_MSG(strstr(ev.text, "raise memory.hidden_mib or lower morph.tcache_kib"), "%s", ev.text);
    selkirk_destroy(m);
}

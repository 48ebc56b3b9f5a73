/* Inside of the functional engine; nobody but engine_func*.c, lockstep and their tests includes this.
 *
 * Two executors share one state. engine_func_step.c is the reference: one bundle, every rule of docs/core.md spelled out in
 * order, with commit records. engine_func_fast.c runs threaded code that engine_func_code.c makes of bundles; it does only
 * what cannot go wrong, and where anything could (no entry in the soft TLB, a page crossed, the store buffer full, a
 * system op) it leaves the bundle undone and lets the reference do it.
 *
 * Guest stores are written to memory at once, and an undo log keeps what they replaced until the commit: every load then sees
 * the youngest bytes without looking anything up, and rollback, which is rare, pays.
 */
#pragma once
#include <stdatomic.h>
#include <string.h>

#include "duke_isa.h"
#include "engine.h"

enum {
    FUNC_REGS = 128, /* r0..r63, f0..f63 */
    FUNC_E = 128,    /* e0 in the commit record */
    FUNC_SINK = 128, /* what writes to r0 go to */
    FUNC_TEMP = 129, /* saved operands of bundles that overwrite what they read */
    FUNC_TEMPS = 24,
    FUNC_MAX_GATED = 256, /* bound of spec.store_buffer */
    FUNC_MAX_ALIAS = 32,
    FUNC_SOFT_TLB = 256,
    FUNC_DECODE_CACHE = 1024,
    FUNC_TRACE_BUNDLES = 32, /* a trace never has more */
};

enum { FUNC_PAGE_PLAIN, FUNC_PAGE_CODE, FUNC_PAGE_DIRTY }; /* DIRTY: code, overwritten since the last icf */

struct func_undo {
    uint32_t paddr, size;
    uint64_t old;
};

struct func_tlb_entry {
    uint64_t vpn, translated;
    uint32_t page; /* physical address */
    bool valid, writable, user, device;
};

struct func_alias {
    uint64_t addr;
    uint32_t size;
    bool valid;
};

struct func_itc_entry {
    uint64_t guest;
    uint32_t native;
    bool valid;
};

struct func_ras_entry {
    uint64_t guest;
    uint32_t native;
};

/* Guest pages that may be accessed without any check: va & ~4095 equals the tag. addend + va is the host address. */
struct func_soft {
    uint64_t load, store; /* 1: never equal */
    uintptr_t addend;
    uint32_t page;
};

/* fcsr: bits that exist, and the x87's part */
#define FCSR_BITS   UINT64_C(0x7f0f3fff)
#define FCSR_X87_C1 (UINT64_C(1) << 30)
enum { FCSR_X87_RC = 16, FCSR_X87_PC = 18, FCSR_X87_FLAGS = 24 };

/* An operand or result of unit X; an integer is in sig. */
struct func_x87 {
    uint64_t sig;
    uint16_t exp;
};

/* A bundle in the decode cache. */
struct func_bundle {
    uint32_t pc, words;
    uint32_t generation; /* of the cache; another one than the engine's: not valid */
    uint32_t cause;      /* 0, illegal or fetch */
    uint32_t first;      /* first word */
    unsigned n;
    struct duke_op op[DUKE_MAX_WORDS];
    uint8_t position[DUKE_MAX_WORDS]; /* among the ops that take a lane */
};

/* One step of threaded code. What the fields mean depends on the handler. */
struct func_insn {
    const void *handler;
    int64_t imm;
    uint8_t d, a, b, c;
    uint32_t aux;
};

/* A point of a trace: what has been done since its start. Exits and bundles that may be left half-way have one. */
struct func_place {
    uint64_t executed; /* exits: how often taken; events are worked out from it when somebody asks */
    uint32_t pc;       /* of the bundle, or where the exit goes */
    uint32_t bundles;
    uint16_t ops, loads, stores, branches, taken;
    uint8_t saved_reg; /* what a first load has overwritten */
    bool first_store;  /* the first memory op is a store */
};

struct func_code;   /* engine_func_code.c */
struct func_inject; /* engine_func_inject.c */

struct func {
    uint64_t reg[FUNC_TEMP + FUNC_TEMPS];
    struct engine base;
    const struct duke_machine *machine;

    /* Read and written by the fast executor. */
    uint64_t count;         /* cycles; bundles and traps */
    _Atomic uint64_t limit; /* count at which the fast executor stops; 0 after engine_interrupt */
    uint64_t address_mask;  /* of guest addresses: gctl bit 0 */
    uint64_t icount, ilimit;
    uint64_t ilimit_now; /* ilimit, or all ones in a trap handler */
    uint32_t pc, cpc;
    uint32_t undo_count, gated; /* stores in the log, double words in the store buffer */
    uint32_t store_buffer;
    uint32_t hidden_size, dram_size;
    uint32_t hidden_limit, dram_limit; /* at offsets below these any access of up to 8 bytes is inside */
    uint8_t *memory;                   /* host address of physical address 0 */
    uint8_t *code_page;                /* by physical page: FUNC_PAGE_* */
    bool f_dirty;                      /* f, e or fcsr was written since the last commit */
    bool alias_any;
    uint64_t poison;
    uint64_t saved;                   /* by a first load: the register's old value; by a native store: memory's */
    uint32_t saved_paddr, saved_size; /* of a first store; size 0: a guest store, undone by the log */
    uint32_t saved_undo, saved_gated;
    struct func_soft soft[FUNC_SOFT_TLB];
    struct func_undo undo[FUNC_MAX_GATED];
    uint64_t shadow[FUNC_REGS];                 /* only the shadowed ones are used */
    uint16_t exponent[64], exponent_shadow[64]; /* file e */

    /* The reference's. */
    uint64_t traps; /* taken; count - traps bundles have retired, and count is the next record's seq */
    uint64_t tval, tvec, scr[4], cat, scat, tcause, tinfo, gctl, fcsr;
    uint64_t fcsr_shadow; /* as of the last commit */
    uint32_t tpc;
    bool in_trap, interrupt_due, hcall_due;
    uint32_t hcall_number;
    struct func_tlb_entry *tlb;
    uint32_t *tlb_next;
    struct func_alias alias[FUNC_MAX_ALIAS];
    struct func_itc_entry *itc;
    struct func_ras_entry *ras;
    uint32_t ras_top, ras_depth;
    uint64_t counted; /* count up to which by_category is right */
    struct engine_counters counters;
    uint32_t generation;
    struct func_bundle *decoded;
    struct func_code *code;
    struct func_place *places;  /* of its traces */
    const void *const *labels;  /* handlers of the fast executor, by enum func_handler */
    struct func_inject *inject; /* NULL: nothing */
    bool feed_cycle;
    uint64_t cycle_value;
    atomic_bool interrupted;
    char error[4096];
};

/* Whether [paddr, paddr + size) is memory. */
static inline bool func_in_memory(const struct func *e, uint64_t paddr, uint64_t size)
{
    uint64_t hidden = paddr - ENGINE_HIDDEN_BASE;
    return (paddr < e->dram_size && size <= e->dram_size - paddr) ||
           (paddr >= ENGINE_HIDDEN_BASE && hidden < e->hidden_size && size <= e->hidden_size - hidden);
}

static inline uint64_t func_read(const struct func *e, uint32_t paddr, unsigned size)
{
    uint64_t v = 0;
    memcpy(&v, e->memory + paddr, size); /* little-endian hosts only, as everything here */
    return v;
}

/* engine_func_code.c: a page that holds predecoded code was written. */
void func_code_dirty(struct func *e, uint32_t page);

static inline void func_touch_code(struct func *e, uint32_t paddr, unsigned size)
{
    if (e->code_page[paddr >> 12] == FUNC_PAGE_CODE)
        func_code_dirty(e, paddr >> 12);
    if (e->code_page[(paddr + size - 1) >> 12] == FUNC_PAGE_CODE)
        func_code_dirty(e, (paddr + size - 1) >> 12);
}

static inline void func_write(struct func *e, uint32_t paddr, unsigned size, uint64_t v)
{
    memcpy(e->memory + paddr, &v, size);
    func_touch_code(e, paddr, size);
}

static inline void func_alias_clear(struct func *e)
{
    if (e->alias_any)
        memset(e->alias, 0, sizeof e->alias);
    e->alias_any = false;
}

static inline uint32_t func_itc_index(const struct func *e, uint64_t guest)
{
    return (uint32_t)((guest ^ (guest >> 9)) & (e->machine->spec_itc_entries - 1));
}

/* engine_func_step.c: one record. */
enum func_status { FUNC_RUN, FUNC_HCALL, FUNC_DOUBLE_FAULT };
enum func_status func_step(struct func *e, struct engine_record *rec);
const struct func_bundle *func_decode(struct func *e, uint32_t pc);
void func_count_category(struct func *e);
/* From now on cycles belong to another category. done: bundles that the fast executor has retired but not yet counted. */
void func_set_category(struct func *e, unsigned cat, uint32_t done);
void func_write_cr(struct func *e, unsigned n, uint64_t v);
void func_enter_trap_state(struct func *e, bool in_trap);
uint64_t func_read_cr(const struct func *e, unsigned n, uint32_t done);

/* engine_func_fp.c: operands ra, rb, rc and the old rd; flags are added to fcsr. */
uint64_t func_fp(unsigned op, const uint64_t operand[4], uint64_t *fcsr);
/* engine_func_x87.c: unit X; flags and C1 go to fcsr. Results that are not extended numbers are in sig. */
struct func_x87 func_x87(unsigned op, struct func_x87 a, struct func_x87 b, uint64_t *fcsr);
/* engine_func_vec.c: unit V */
uint64_t func_vec(unsigned op, uint64_t a, uint64_t b);
bool func_fp_host(void); /* whether this host can */

/* engine_func_mem.c: TLB, undo log. */
struct func_access {
    uint32_t paddr[2]; /* of the bytes before and after a page boundary; the second unused if size[1] is 0 */
    uint32_t size[2];
    bool device;
    uint32_t cause; /* 0 or why not */
    uint64_t tval;
};
void func_translate(struct func *e, uint64_t va, unsigned size, bool store, bool careful, struct func_access *out);
void func_tlb_write(struct func *e, uint64_t va, uint64_t rb, uint64_t translated);
void func_tlb_inval(struct func *e, uint64_t va);
void func_tlb_flush(struct func *e);
void func_soft_flush(struct func *e);
void func_soft_enter(struct func *e, uint64_t va);
uint32_t func_itc_target(struct func *e, uint64_t guest, uint32_t next); /* step.c; next: on a miss */
uint32_t func_jras(struct func *e, uint64_t guest, uint32_t next);
void func_ras_push(struct func *e, uint64_t guest, uint32_t native);
bool func_gated_at(const struct func *e, uint32_t paddr, unsigned size);
void func_undo_to(struct func *e, uint32_t count); /* takes back the stores from log entry `count` on */
void func_gated_lift(struct func *e, uint64_t *bytes);
void func_gated_put(struct func *e, const uint64_t *bytes);

/* engine_func_code.c: predecoded code. */
bool func_code_create(struct func *e);
void func_code_destroy(struct func *e);
void func_code_flush(struct func *e);                          /* forget everything */
void func_code_reset(struct func *e);                          /* events too */
void func_code_sync(struct func *e);                           /* forget what was overwritten */
void func_code_events(const struct func *e, uint64_t *event);  /* adds what traces have done */
struct func_insn *func_code_find(struct func *e, uint32_t pc); /* NULL: the reference must do this bundle */

/* engine_func_fast.c: runs from e->pc until count reaches limit or something needs attention. */
enum func_status func_fast(struct func *e);
const void *const *func_fast_labels(void);

/* engine_func_inject.c: whether the bundle at e->pc shall trap although nothing is wrong: the cause, or 0. May make the next
 * commit be interrupted instead. */
uint32_t func_injected(struct func *e);
void func_inject_free(struct func *e);
/* what: "KIND:N" of the configuration's func.inject; `from`: translated code has native addresses from here on. */
bool engine_func_inject(struct engine *e, const char *what, uint32_t from, char *err, size_t err_size);

/* Lockstep: the value that the next rdcr of `cycle` gives. */
void engine_func_feed_cycle(struct engine *e, uint64_t value);

/* The seam between a machine and whatever executes Duke code. Engines: func, rtl, lockstep.
 *
 * An engine owns the machine's memory (guest DRAM and hidden memory), because a core with caches is the only one that knows
 * where the newest bytes are; everybody else goes through dma_read and dma_write.
 * Lockstep owns one engine of each kind and compares their commit records and their dma_read results.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENGINE_HIDDEN_BASE 0x40000000u
#define ENGINE_RESET_PC    0x40010000u

struct engine;

/* The commit record of isa-spec/duke/commit.toml. */
struct engine_record {
    uint64_t seq;
    uint32_t pc, next_pc;
    uint32_t flags; /* ENGINE_REC_* */
    uint32_t cause;
    uint64_t tval;
    uint32_t nwrites, nstores;
    struct {
        uint32_t reg; /* 0..63 r, 64..127 f, 128..191 e */
        uint64_t value;
    } writes[6];
    struct {
        uint32_t addr, size; /* physical address, bytes */
        uint64_t data;
    } stores[2];
};
enum { ENGINE_REC_COMMIT = 1, ENGINE_REC_TRAP = 2, ENGINE_REC_ROLLBACK = 4, ENGINE_REC_HCALL = 8 };

enum engine_stop {
    ENGINE_HCALL,        /* an hcall op retired; hcall_number says which */
    ENGINE_LIMIT,        /* max_cycles elapsed */
    ENGINE_DOUBLE_FAULT, /* a trap inside a trap handler: the firmware is broken */
    ENGINE_DIVERGED,     /* lockstep only: error_text says how */
    ENGINE_INTERRUPTED,  /* engine_interrupt was called (Ctrl-C) */
};

struct engine_cfg {
    const char *machine;   /* name of the machine table, "default" */
    uint64_t dram_size;    /* bytes of guest DRAM, a multiple of 4 KiB, at most 1 GiB */
    uint64_t hidden_size;  /* bytes of hidden memory, a multiple of 4 KiB, at most 1 GiB */
    uint64_t store_buffer; /* entries of the store buffer, if fewer than the machine has; 0: all. For tests, 4 at least */
    const char *fst_path;  /* rtl: write an FST from fst_start to fst_end cycles; NULL for none */
    uint64_t fst_start, fst_end;
};

/* Entries of the store buffer of an engine whose machine has so many. */
static inline uint32_t engine_store_buffer(const struct engine_cfg *cfg, uint32_t machine)
{
    return cfg->store_buffer && cfg->store_buffer < machine ? (uint32_t)cfg->store_buffer : machine;
}

/* Architectural state, for checkpoints and for moving between engines; valid at a commit point only. */
struct duke_state {
    uint64_t r[64], f[64];
    uint16_t e[64];
    uint64_t cr[64];
    uint32_t pc;
};

typedef void engine_record_fn(void *arg, const struct engine_record *rec);

enum { ENGINE_CATEGORIES = 12, ENGINE_REASONS = 7, ENGINE_EVENTS = 25 };

/* Counters of events.toml, indexed by the generated enums of duke_isa.h. */
struct engine_counters {
    uint64_t cycles;
    uint64_t by_category[ENGINE_CATEGORIES][ENGINE_REASONS];
    uint64_t event[ENGINE_EVENTS];
};

struct engine_ops {
    const char *name;
    /* A core that has just come out of reset; NULL and err on failure. */
    struct engine *(*create)(const struct engine_cfg *cfg, char *err, size_t err_size);
    void (*destroy)(struct engine *e);
    void (*reset)(struct engine *e);
    /* Runs until a stop or until `max_cycles` more cycles have passed. `seen` (may be NULL) gets every record. */
    enum engine_stop (*run)(struct engine *e, uint64_t max_cycles, engine_record_fn *seen, void *arg);
    uint32_t (*hcall_number)(const struct engine *e);
    void (*get_state)(struct engine *e, struct duke_state *out);
    void (*set_state)(struct engine *e, const struct duke_state *in);
    /* Physical memory, coherent with the engine's caches. False: the range is not memory, nothing was done. */
    bool (*dma_read)(struct engine *e, uint32_t paddr, void *buf, size_t size);
    bool (*dma_write)(struct engine *e, uint32_t paddr, const void *buf, size_t size);
    void (*counters)(const struct engine *e, struct engine_counters *out);
    /* Guest instructions so far (control register icount), or NULL: get_state says it too, but gathers everything. */
    uint64_t (*icount)(const struct engine *e);
    const char *(*error_text)(const struct engine *e); /* after DOUBLE_FAULT or DIVERGED: both sides' state, disassembly */
    void (*interrupt)(struct engine *e);               /* async-signal-safe: makes run return ENGINE_INTERRUPTED soon */
    /* Memory the engine lets the host use directly, or NULL: a fast path for reading and writing, same contents as dma. No such
     * function where there is none: caches may hold newer bytes (rtl), or memory exists twice (lockstep). */
    uint8_t *(*direct)(struct engine *e, uint32_t paddr, size_t size);
};

/* Every engine pointer starts with this. */
struct engine {
    const struct engine_ops *ops;
};

extern const struct engine_ops engine_func, engine_rtl, engine_lockstep;

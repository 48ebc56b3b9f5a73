/* libselkirk: a Selkirk machine as a library. `selkirk run` and `selkirk vectors` stand on it, and so may any program.
 *
 *     struct selkirk_config cfg;
 *     selkirk_config_init(&cfg);
 *     struct selkirk *m = selkirk_create(&cfg, err, sizeof err);
 *     selkirk_map(m, 0x10000, 0x1000, SELKIRK_READ | SELKIRK_WRITE | SELKIRK_EXEC);
 *     selkirk_write(m, 0x10000, code, sizeof code);
 *     selkirk_cpu(m)->rip = 0x10000;
 *     struct selkirk_event ev = selkirk_run(m, &(struct selkirk_limits){.insts = 100});
 *     selkirk_destroy(m);
 *
 * A machine is an engine (what executes Duke code), the firmware with morph in hidden memory, and guest DRAM with page
 * tables that selkirk_map builds. The guest runs in user mode; where a kernel would be entered, the host is: by hooks, or by
 * selkirk_run returning. Machines are independent of each other; one machine belongs to one thread at a time.
 * Functions that return bool return false on failure; `err` then holds one line without a newline.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared.h" /* struct guest_cpu, struct morph_params, struct morph_stats */

struct engine_counters;
struct engine_ops;
struct engine_record;
struct mm;
struct selkirk;

#define SELKIRK_VERSION "0.1.0"

/* Configuration ------------------------------------------------------------------------------------------------------ */

struct selkirk_config {
    char engine[16];               /* "func", "rtl" or "lockstep" */
    char machine[32];              /* machine table, see isa-spec/machines */
    uint64_t dram_mib, hidden_mib; /* guest DRAM, hidden memory */
    uint64_t clock_mhz;            /* turns cycles into seconds */
    char firmware[4096];           /* ELF64 for Duke; empty: the one built with this program */
    struct morph_params morph;
    char fst[4096]; /* rtl: waves to this file; empty: none */
    uint64_t fst_start, fst_cycles;
    char inject[32];                     /* func: events for tests, see config.c */
    uint64_t store_buffer;               /* entries, for tests; 0: the machine's */
    const struct engine_ops *engine_ops; /* an engine of one's own instead of `engine`; then firmware may be missing */
};

/* Every key has its default. */
void selkirk_config_init(struct selkirk_config *cfg);
/* Sets one key, for example "morph.hot2" to "16". */
bool selkirk_config_set(struct selkirk_config *cfg, const char *key, const char *value, char *err, size_t err_size);
/* Reads a file of `[section]` and `key = value` lines (TOML with integers, strings and booleans). */
bool selkirk_config_read(struct selkirk_config *cfg, const char *path, char *err, size_t err_size);
/* Calls fn for every key with its value as text, in a fixed order. */
typedef void selkirk_config_fn(void *arg, const char *key, const char *value, const char *doc);
void selkirk_config_each(const struct selkirk_config *cfg, selkirk_config_fn *fn, void *arg);

/* What a key that chooses a policy may be set to: those of a key follow each other, its default first. */
struct selkirk_policy {
    const char *key, *name, *doc; /* key: as of selkirk_config_set, for example "morph.evict" */
};
const struct selkirk_policy *selkirk_policies(size_t *n);

/* Machines ----------------------------------------------------------------------------------------------------------- */

/* A machine with the firmware booted, an empty address space and every guest register zero, in IA-32 user mode. */
struct selkirk *selkirk_create(const struct selkirk_config *cfg, char *err, size_t err_size);
void selkirk_destroy(struct selkirk *m);

/* Guest memory ------------------------------------------------------------------------------------------------------- */

enum { SELKIRK_READ = 1, SELKIRK_WRITE = 2, SELKIRK_EXEC = 4 };

/* Whole pages. Mapping replaces what was there with zeros. */
bool selkirk_map(struct selkirk *m, uint64_t addr, uint64_t size, int prot);
bool selkirk_unmap(struct selkirk *m, uint64_t addr, uint64_t size);
bool selkirk_protect(struct selkirk *m, uint64_t addr, uint64_t size, int prot);
/* Any mapped bytes, whatever their protection. Code that changes is translated anew. */
bool selkirk_read(struct selkirk *m, uint64_t addr, void *buf, size_t size);
bool selkirk_write(struct selkirk *m, uint64_t addr, const void *buf, size_t size);
struct mm *selkirk_mm(struct selkirk *m); /* the address space itself, see mm.h */
/* Goes on in another address space, made by mm_new or mm_fork; sets CR3. The machine keeps a reference. */
void selkirk_set_mm(struct selkirk *m, struct mm *mm);

/* Guest registers ---------------------------------------------------------------------------------------------------- */

/* The registers, to read and to change; valid until the next selkirk_run. After SELKIRK_STOP_CYCLES and
 * SELKIRK_STOP_INTERRUPTED the machine is inside the firmware: the registers are those of the last stop, changes are lost. */
struct guest_cpu *selkirk_cpu(struct selkirk *m);
struct morph_params *selkirk_params(struct selkirk *m); /* take effect at the next selkirk_run, where morph allows it */

/* Running ------------------------------------------------------------------------------------------------------------ */

enum selkirk_stop {
    SELKIRK_STOP_SYSCALL = 1, /* arg 0: 0x80 int, 1 syscall, 2 sysenter; rip is after the instruction */
    SELKIRK_STOP_EXCEPTION,   /* arg 0 vector, 1 error code, 2 address */
    SELKIRK_STOP_INSTS,       /* limits.insts reached */
    SELKIRK_STOP_ADDRESS,     /* limits.address is next */
    SELKIRK_STOP_HALT,
    SELKIRK_STOP_CYCLES,        /* limits.cycles elapsed */
    SELKIRK_STOP_INTERRUPTED,   /* selkirk_interrupt */
    SELKIRK_STOP_HOOK,          /* a hook asked for it */
    SELKIRK_STOP_UNIMPLEMENTED, /* an instruction that morph lacks, at rip; arg 0 bytes known, in text */
    SELKIRK_STOP_PANIC,         /* the firmware's own bug: text */
    SELKIRK_STOP_DIVERGED,      /* lockstep: text */
};

/* After SELKIRK_STOP_CYCLES and SELKIRK_STOP_INTERRUPTED the guest goes on from inside the firmware, which learns of another
 * `insts` or `address` only at the next host call: give the same ones there. */
struct selkirk_limits {
    uint64_t insts;  /* stop when this many guest instructions have run since creation; 0: none */
    uint64_t cycles; /* stop when this many cycles have passed since creation; 0: none */
    bool address_on; /* stop before the instruction at `address` */
    uint64_t address;
};

struct selkirk_event {
    enum selkirk_stop stop;
    uint64_t arg[6];
    const char *text; /* valid until the next selkirk_run */
};

/* Runs until something happens that no hook deals with, or until a limit; the event says what. May be called again. */
struct selkirk_event selkirk_run(struct selkirk *m, const struct selkirk_limits *limits);
void selkirk_interrupt(struct selkirk *m); /* async-signal-safe */
/* Forgets decoded and translated guest code before the next selkirk_run. */
void selkirk_forget_code(struct selkirk *m);

/* Hooks -------------------------------------------------------------------------------------------------------------- */

enum selkirk_verdict { SELKIRK_GO_ON, SELKIRK_RETURN /* selkirk_run returns the event */ };

/* Each may be NULL: then syscalls and exceptions return from selkirk_run, and the others are dropped. */
struct selkirk_hooks {
    void *arg;
    enum selkirk_verdict (*syscall)(void *arg, const struct selkirk_event *ev);
    enum selkirk_verdict (*exception)(void *arg, const struct selkirk_event *ev);
    enum selkirk_verdict (*translation)(void *arg, const struct selkirk_event *ev); /* with params.trace_translations */
    void (*log)(void *arg, const char *text);
    /* Called about every `tick_cycles` cycles, between bundles. */
    enum selkirk_verdict (*tick)(void *arg);
    uint64_t tick_cycles;
    void (*record)(void *arg, const struct engine_record *rec); /* every retired bundle and trap: slow */
};
void selkirk_set_hooks(struct selkirk *m, const struct selkirk_hooks *hooks);

/* Statistics --------------------------------------------------------------------------------------------------------- */

uint64_t selkirk_icount(struct selkirk *m); /* guest instructions since creation */
uint64_t selkirk_cycles(struct selkirk *m); /* of the core; functional engine: bundles */
/* The core's counters and morph's, as they are now. */
void selkirk_counters(struct selkirk *m, struct engine_counters *out);
void selkirk_morph_stats(struct selkirk *m, struct morph_stats *out);
/* Calls fn for every statistic. Units as gem5 writes them: "Count", "Cycle", "Second", "Ratio". */
typedef void selkirk_stat_fn(void *arg, const char *name, double value, bool whole, const char *unit, const char *doc);
void selkirk_stats_each(struct selkirk *m, selkirk_stat_fn *fn, void *arg);
/* Checks what must add up (cycles by category and reason against the total). */
bool selkirk_stats_check(struct selkirk *m, char *err, size_t err_size);

/* Native side, for traces: reads physical memory, hidden memory included. */
bool selkirk_read_physical(struct selkirk *m, uint32_t paddr, void *buf, size_t size);

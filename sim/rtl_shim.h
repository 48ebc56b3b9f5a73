/* C face of the Verilated core: clock, memory coherence, state, records. The memory arrays belong to the caller. */
#pragma once
#include "engine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the core reaches by DPI. Addresses outside both arrays never get here: the core traps on them. */
struct rtl_host {
    uint8_t *dram, *hidden;
    uint64_t dram_size, hidden_size;
    uint32_t store_buffer;  /* entries in use */
    engine_record_fn *seen; /* NULL: no records */
    void *seen_arg;
    struct engine_record record; /* the one that is being put together */
    uint32_t position[6];        /* of its writes in the bundle */
};

struct rtl_model;

/* One Verilated model. The tracing one is a second model, so that the other does not pay for it. */
struct rtl_ops {
    const char *machine; /* name of the machine table that it was built for */
    /* A core that has just been reset. fst_path NULL: no waveform. */
    struct rtl_model *(*create)(struct rtl_host *host, const char *fst_path, uint64_t fst_start, uint64_t fst_end);
    void (*destroy)(struct rtl_model *m);
    /* Clocks until a host call, a double fault, `*stop` or `cycles` more. */
    enum engine_stop (*run)(struct rtl_model *m, uint64_t cycles, const volatile bool *stop);
    uint32_t (*hcall)(const struct rtl_model *m);
    void (*counters)(const struct rtl_model *m, struct engine_counters *out);
    void (*get_state)(struct rtl_model *m, struct duke_state *out);
    /* Only after create and at a host call. */
    void (*set_state)(struct rtl_model *m, const struct duke_state *in);
    /* Memory with what caches and committed stores hold; the range lies in one of the arrays. Gated stores are not seen.
     * Writing is exact after create and at a host call; in mid-flight a store that is just then draining may win. */
    void (*read)(struct rtl_model *m, uint32_t paddr, void *buf, size_t size);
    void (*write)(struct rtl_model *m, uint32_t paddr, const void *buf, size_t size);
    /* Brings the arrays up to date, for a model that is about to go. */
    void (*flush)(struct rtl_model *m);
};

extern const struct rtl_ops rtl_plain, rtl_tracing; /* rtl_tracing: only in builds with SELKIRK_FST */

#ifdef __cplusplus
}
#endif

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
    engine_record_fn *seen; /* NULL: no records */
    void *seen_arg;
    struct engine_record record; /* the one that is being put together */
    uint32_t position[6];        /* of its writes in the bundle */
};

struct rtl_model;

/* A core under reset. fst_path NULL: no waveform; otherwise this must be the tracing build. NULL if it is not. */
struct rtl_model *rtl_create(struct rtl_host *host, const char *fst_path, uint64_t fst_start, uint64_t fst_end);
void rtl_destroy(struct rtl_model *m);
/* Name of the machine table that the core was built for. */
const char *rtl_machine(void);

/* Clocks until a host call, a double fault, `*stop` or `cycles` more. */
enum engine_stop rtl_run(struct rtl_model *m, uint64_t cycles, const volatile bool *stop);
uint32_t rtl_hcall(const struct rtl_model *m);
void rtl_counters(const struct rtl_model *m, struct engine_counters *out);
void rtl_get_state(struct rtl_model *m, struct duke_state *out);
void rtl_set_state(struct rtl_model *m, const struct duke_state *in);

/* Memory with what caches and committed stores hold. The range lies in one of the arrays. Gated stores are not seen. */
void rtl_read(struct rtl_model *m, uint32_t paddr, void *buf, size_t size);
void rtl_write(struct rtl_model *m, uint32_t paddr, const void *buf, size_t size);
/* Brings the arrays up to date, for a model that is about to go. */
void rtl_flush(struct rtl_model *m);

#ifdef __cplusplus
}
#endif

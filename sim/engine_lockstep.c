/* Lockstep: the RTL leads, and for every record it gives the functional engine executes one bundle and must say the same.
 *
 * Memory goes to both; reads are compared. `rdcr cycle` is the one value that may differ, so the functional engine is told the
 * RTL's. At host calls, which both have to reach together, all registers are compared as well. On the first difference
 * the RTL is stopped and error_text has both sides.
 */
#include "engine_func.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "duke_disasm.h"

enum { HISTORY = 8 };

struct lockstep {
    struct engine base;
    struct engine *rtl, *func;
    engine_record_fn *seen;
    void *seen_arg;
    struct engine_record mine; /* the functional engine's record of the same bundle */
    bool have_mine, diverged;
    uint32_t history[HISTORY]; /* addresses of the last bundles */
    uint64_t records;
    size_t used;
    char error[16384];
};

static struct lockstep *self(struct engine *e) { return (struct lockstep *)(void *)e; }
static const struct lockstep *self_const(const struct engine *e) { return (const struct lockstep *)(const void *)e; }

__attribute__((format(printf, 2, 3))) static void say(struct lockstep *l, const char *format, ...)
{
    va_list args;
    if (l->used >= sizeof l->error)
        return;
    va_start(args, format);
    int n = vsnprintf(l->error + l->used, sizeof l->error - l->used, format, args);
    va_end(args);
    l->used += n > 0 ? (size_t)n : 0;
}

static void say_bundle(struct lockstep *l, uint32_t pc)
{
    char text[1536];
    uint32_t words[DUKE_MAX_WORDS];
    size_t n = 0;
    const uint8_t *at;
    while (n < DUKE_MAX_WORDS && (pc & 3) == 0 && (at = l->func->ops->direct(l->func, pc + 4 * (uint32_t)n, 4)) != NULL)
        memcpy(&words[n++], at, 4);
    duke_disassemble_bundle(text, sizeof text, pc, words, n);
    say(l, "%s", text);
}

static void say_record(struct lockstep *l, const char *who, const struct engine_record *r)
{
    say(l, "%-5s record %" PRIu64 ": pc %08x next %08x flags %x cause %u tval %#" PRIx64 "\n", who, r->seq, r->pc, r->next_pc,
        r->flags, r->cause, r->tval);
    for (unsigned i = 0; i < r->nwrites && i < 6; i++)
        say(l, "      %c%u = %016" PRIx64 "\n", "rfe"[r->writes[i].reg / 64 % 3], r -> writes[i].reg & 63, r->writes[i].value);
    for (unsigned i = 0; i < r->nstores && i < 2; i++)
        say(l, "      [%08x], %u bytes = %016" PRIx64 "\n", r->stores[i].addr, r->stores[i].size, r->stores[i].data);
}

/* Lists the registers that differ; true if any does. cr cycle may differ, bundles and status may lag behind a record. */
static bool say_registers(struct lockstep *l)
{
    struct duke_state a, b;
    bool any = false;
    l->rtl->ops->get_state(l->rtl, &a);
    l->func->ops->get_state(l->func, &b);
    for (unsigned i = 0; i < 64; i++) {
        if (a.r[i] != b.r[i])
            say(l, "r%-3u rtl %016" PRIx64 " func %016" PRIx64 "\n", i, a.r[i], b.r[i]);
        if (a.f[i] != b.f[i])
            say(l, "f%-3u rtl %016" PRIx64 " func %016" PRIx64 "\n", i, a.f[i], b.f[i]);
        if (a.e[i] != b.e[i])
            say(l, "e%-3u rtl %04x func %04x\n", i, a.e[i], b.e[i]);
        bool cr = a.cr[i] != b.cr[i] && i != DUKE_CR_CYCLE;
        if (cr)
            say(l, "cr%-2u rtl %016" PRIx64 " func %016" PRIx64 "\n", i, a.cr[i], b.cr[i]);
        any = any || a.r[i] != b.r[i] || a.f[i] != b.f[i] || a.e[i] != b.e[i] || cr;
    }
    if (a.pc != b.pc)
        say(l, "pc   rtl %08x func %08x\n", a.pc, b.pc);
    return any || a.pc != b.pc;
}

/* Starts the error text. */
static void diverge(struct lockstep *l, const char *what)
{
    l->diverged = true;
    l->used = 0;
    say(l, "lockstep: %s, after %" PRIu64 " records\nbundles before, oldest first:\n", what, l->records);
    for (uint64_t i = l->records < HISTORY ? 0 : l->records - HISTORY; i < l->records; i++)
        say_bundle(l, l->history[i % HISTORY]);
}

static const char *difference(const struct engine_record *a, const struct engine_record *b)
{
    if (a->seq != b->seq)
        return "seq";
    if (a->pc != b->pc)
        return "pc";
    if (a->flags != b->flags)
        return "flags";
    if (a->cause != b->cause)
        return "cause";
    if (a->tval != b->tval)
        return "tval";
    if (a->next_pc != b->next_pc)
        return "next_pc";
    if (a->nwrites != b->nwrites)
        return "nwrites";
    for (unsigned i = 0; i < a->nwrites && i < 6; i++)
        if (a->writes[i].reg != b->writes[i].reg || a->writes[i].value != b->writes[i].value)
            return "a register write";
    if (a->nstores != b->nstores)
        return "nstores";
    for (unsigned i = 0; i < a->nstores && i < 2; i++)
        if (a->stores[i].addr != b->stores[i].addr || a->stores[i].size != b->stores[i].size ||
            a->stores[i].data != b->stores[i].data)
            return "a store";
    return NULL;
}

static void keep(void *arg, const struct engine_record *rec)
{
    struct lockstep *l = arg;
    l->mine = *rec;
    l->have_mine = true;
}

/* If the bundle reads the cycle counter, the functional engine shall read what the RTL has read. */
static void feed_cycle(struct lockstep *l, const struct engine_record *rec)
{
    struct func *f = (struct func *)(void *)((char *)l->func - offsetof(struct func, base));
    const struct func_bundle *b = func_decode(f, rec->pc);
    if ((rec->flags & ENGINE_REC_TRAP) != 0 || b->cause != 0)
        return;
    for (unsigned i = 0; i < b->n; i++) {
        const struct duke_op *op = &b->op[i];
        if (duke_ops[op->op].kind != DUKE_KIND_RDCR || (op->imm & 63) != DUKE_CR_CYCLE)
            continue;
        for (unsigned k = 0; k < rec->nwrites && k < 6; k++)
            if (rec->writes[k].reg == op->rd)
                engine_func_feed_cycle(l->func, rec->writes[k].value);
    }
}

static void on_record(void *arg, const struct engine_record *rec)
{
    struct lockstep *l = arg;
    if (l->diverged)
        return;
    feed_cycle(l, rec);
    l->have_mine = false;
    enum engine_stop stop = l->func->ops->run(l->func, 1, keep, l);
    const char *what = !l->have_mine ? "the functional engine has no record" : difference(rec, &l->mine);
    if (what != NULL) {
        diverge(l, what);
        say(l, "this bundle:\n");
        say_bundle(l, rec->pc);
        say_record(l, "rtl", rec);
        if (l->have_mine)
            say_record(l, "func", &l->mine);
        else
            say(l, "func stopped with %d: %s\n", (int)stop, l->func->ops->error_text(l->func));
        say(l, "registers (the RTL's may be some cycles ahead):\n");
        say_registers(l);
        l->rtl->ops->interrupt(l->rtl);
        return;
    }
    l->history[l->records++ % HISTORY] = rec->pc;
    if (l->seen != NULL)
        l->seen(l->seen_arg, rec);
}

/* Both have stopped at a host call: everything must be equal. */
static enum engine_stop at_host_call(struct lockstep *l)
{
    uint32_t a = l->rtl->ops->hcall_number(l->rtl), b = l->func->ops->hcall_number(l->func);
    if (a != b) {
        diverge(l, "the host calls' numbers differ");
        say(l, "rtl %u, func %u\n", a, b);
        return ENGINE_DIVERGED;
    }
    l->used = 0;
    if (say_registers(l)) {
        diverge(l, "registers differ at a host call");
        say_registers(l);
        return ENGINE_DIVERGED;
    }
    return ENGINE_HCALL;
}

static enum engine_stop run(struct engine *e, uint64_t max_cycles, engine_record_fn *seen, void *arg)
{
    struct lockstep *l = self(e);
    l->seen = seen;
    l->seen_arg = arg;
    if (l->diverged)
        return ENGINE_DIVERGED;
    enum engine_stop stop = l->rtl->ops->run(l->rtl, max_cycles, on_record, l);
    if (l->diverged)
        return ENGINE_DIVERGED;
    if (stop == ENGINE_HCALL)
        return at_host_call(l);
    if (stop == ENGINE_DOUBLE_FAULT) {
        l->have_mine = false;
        enum engine_stop other = l->func->ops->run(l->func, 1, keep, l);
        if (other != ENGINE_DOUBLE_FAULT) {
            diverge(l, "the RTL has a double fault, the functional engine has none");
            if (l->have_mine)
                say_record(l, "func", &l->mine);
            return ENGINE_DIVERGED;
        }
        l->used = 0;
        say(l, "%s\nfunc: %s", l->rtl->ops->error_text(l->rtl), l->func->ops->error_text(l->func));
    }
    return stop;
}

static void destroy(struct engine *e)
{
    struct lockstep *l = self(e);
    if (l->rtl != NULL)
        l->rtl->ops->destroy(l->rtl);
    if (l->func != NULL)
        l->func->ops->destroy(l->func);
    free(l);
}

static struct engine *create(const struct engine_cfg *cfg, char *err, size_t err_size)
{
    struct lockstep *l = calloc(1, sizeof *l);
    if (l == NULL) {
        snprintf(err, err_size, "out of memory");
        return NULL;
    }
    l->base.ops = &engine_lockstep;
    l->func = engine_func.create(cfg, err, err_size);
    l->rtl = l->func == NULL ? NULL : engine_rtl.create(cfg, err, err_size);
    if (l->rtl == NULL) {
        destroy(&l->base);
        return NULL;
    }
    return &l->base;
}

static void reset(struct engine *e)
{
    struct lockstep *l = self(e);
    l->rtl->ops->reset(l->rtl);
    l->func->ops->reset(l->func);
    l->diverged = false;
    l->records = 0;
    l->used = 0;
    l->error[0] = 0;
}

static uint32_t hcall_number(const struct engine *e)
{
    const struct lockstep *l = self_const(e);
    return l->rtl->ops->hcall_number(l->rtl);
}

static void get_state(struct engine *e, struct duke_state *out)
{
    struct lockstep *l = self(e);
    l->rtl->ops->get_state(l->rtl, out);
}

static void set_state(struct engine *e, const struct duke_state *in)
{
    struct lockstep *l = self(e);
    l->rtl->ops->set_state(l->rtl, in);
    l->func->ops->set_state(l->func, in);
}

/* A difference is kept for the next run to report. */
static bool dma_read(struct engine *e, uint32_t paddr, void *buf, size_t size)
{
    struct lockstep *l = self(e);
    bool ok = l->rtl->ops->dma_read(l->rtl, paddr, buf, size);
    void *other = malloc(size != 0 ? size : 1);
    if (other == NULL)
        return ok;
    bool other_ok = l->func->ops->dma_read(l->func, paddr, other, size);
    if (!l->diverged && (ok != other_ok || (ok && memcmp(buf, other, size) != 0))) {
        diverge(l, "memory differs");
        size_t i = 0;
        while (ok && other_ok && ((uint8_t *)buf)[i] == ((uint8_t *)other)[i])
            i++;
        say(l, "first at %08x: rtl %02x, func %02x\n", paddr + (uint32_t)i, ((uint8_t *)buf)[i], ((uint8_t *)other)[i]);
    }
    free(other);
    return ok;
}

static bool dma_write(struct engine *e, uint32_t paddr, const void *buf, size_t size)
{
    struct lockstep *l = self(e);
    bool ok = l->rtl->ops->dma_write(l->rtl, paddr, buf, size);
    return l->func->ops->dma_write(l->func, paddr, buf, size) && ok;
}

static void counters(const struct engine *e, struct engine_counters *out)
{
    const struct lockstep *l = self_const(e);
    l->rtl->ops->counters(l->rtl, out);
}

static const char *error_text(const struct engine *e) { return self_const(e)->error; }

static void interrupt(struct engine *e)
{
    struct lockstep *l = self(e);
    l->rtl->ops->interrupt(l->rtl);
}

const struct engine_ops engine_lockstep = {
    .name = "lockstep",
    .create = create,
    .destroy = destroy,
    .reset = reset,
    .run = run,
    .hcall_number = hcall_number,
    .get_state = get_state,
    .set_state = set_state,
    .dma_read = dma_read,
    .dma_write = dma_write,
    .counters = counters,
    .error_text = error_text,
    .interrupt = interrupt,
};

/* Machines: creation, guest memory and registers, and the loop that serves host calls. */
#include "machine.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duke_isa.h"
#include "engine_func.h"

enum { BOOT_CYCLES = 200000000 };

static uint32_t shared_at(size_t offset) { return SHARED_ADDR + (uint32_t)offset; }

static bool dma_read(void *arg, uint32_t paddr, void *buf, size_t size)
{
    struct selkirk *m = arg;
    return m->engine->ops->dma_read(m->engine, paddr, buf, size);
}

static bool dma_write(void *arg, uint32_t paddr, const void *buf, size_t size)
{
    struct selkirk *m = arg;
    return m->engine->ops->dma_write(m->engine, paddr, buf, size);
}

static uint8_t *dma_direct(void *arg, uint32_t paddr, size_t size)
{
    struct selkirk *m = arg;
    return m->engine->ops->direct ? m->engine->ops->direct(m->engine, paddr, size) : NULL;
}

static bool boot(struct selkirk *m, char *err, size_t err_size)
{
    const struct engine_ops *ops = m->engine->ops;
    uint64_t sizes[2] = {m->cfg.hidden_mib << 20, m->cfg.dram_mib << 20};
    dma_write(m, shared_at(offsetof(struct shared, hidden_size)), sizes, sizeof sizes);
    if (m->cfg.store_buffer)
        dma_write(m, shared_at(offsetof(struct shared, store_buffer)), &m->cfg.store_buffer, sizeof m->cfg.store_buffer);
    /* A new engine has come out of reset and has executed nothing: another reset would end an RTL waveform. */
    enum engine_stop stop = ops->run(m->engine, BOOT_CYCLES, NULL, NULL);
    uint32_t version;
    if (stop == ENGINE_DOUBLE_FAULT || stop == ENGINE_DIVERGED)
        snprintf(err, err_size, "the firmware failed to start: %s", ops->error_text(m->engine));
    else if (stop != ENGINE_HCALL || ops->hcall_number(m->engine) != HC_READY)
        snprintf(err, err_size, "the firmware did not become ready within %d cycles", BOOT_CYCLES);
    else if (!dma_read(m, shared_at(offsetof(struct shared, version)), &version, sizeof version) || version != SHARED_VERSION)
        snprintf(err, err_size, "the firmware speaks version %u of struct shared, this program %u; build both again", version,
                 SHARED_VERSION);
    else
        return true;
    return false;
}

static void cpu_reset(struct selkirk *m)
{
    struct guest_cpu *c = &m->cpu;
    memset(c, 0, sizeof *c);
    c->sysflags = EFL_FIXED | EFL_IF;
    c->user = 1;
    c->mode = GUEST_IA32;
    for (int i = 0; i < GUEST_SEGS; i++)
        c->seg_sel[i] = i == GUEST_CS ? 0x23 : i == GUEST_FS || i == GUEST_GS ? 0 : 0x2b;
    c->cr0 = 0x80050033; /* PG AM WP NE ET MP PE */
    c->cr3 = mm_root(m->mm);
    c->cr4 = 0x6b0;  /* OSXMMEXCPT OSFXSR PGE PAE PSE */
    c->efer = 0xd01; /* NXE LMA LME SCE */
    c->x87.cw = 0x37f;
    c->x87.tw = 0xffff;
    c->mxcsr = 0x1f80;
}

static const struct engine_ops *find_engine(const char *name, char *err, size_t err_size)
{
    size_t used = (size_t)snprintf(err, err_size, "engine \"%s\" is unknown; this program has", name);
    for (size_t i = 0; machine_engines[i]; i++) {
        if (!strcmp(machine_engines[i]->name, name))
            return machine_engines[i];
        if (used < err_size)
            used += (size_t)snprintf(err + used, err_size - used, " %s", machine_engines[i]->name);
    }
    return NULL;
}

static struct mm *first_space(struct pmem mem)
{
    struct mm *mm = calloc(1, sizeof *mm);
    if (mm && mm_init(mm, mem)) {
        mm->refs = 1;
        return mm;
    }
    free(mm);
    return NULL;
}

/* What only the functional engine can do. */
static bool set_tests_up(struct selkirk *m, char *err, size_t err_size)
{
    if (!m->cfg.inject[0])
        return true;
    if (m->engine->ops == &engine_func)
        return engine_func_inject(m->engine, m->cfg.inject, m->firmware_end, err, err_size);
    snprintf(err, err_size, "func.inject: engine \"%s\" cannot; only func can", m->engine->ops->name);
    return false;
}

struct selkirk *selkirk_create(const struct selkirk_config *cfg, char *err, size_t err_size)
{
    const struct engine_ops *ops = cfg->engine_ops ? cfg->engine_ops : find_engine(cfg->engine, err, err_size);
    if (!ops)
        return NULL;
    if (cfg->store_buffer && cfg->store_buffer < 4) { /* a bundle may store as much */
        snprintf(err, err_size, "sim.store_buffer: 4 entries at least, or 0 for what the machine has");
        return NULL;
    }
    struct selkirk *m = calloc(1, sizeof *m);
    if (!m) {
        snprintf(err, err_size, "out of memory");
        return NULL;
    }
    m->cfg = *cfg;
    if (!cfg->engine_ops && !firmware_fits(cfg, err, err_size)) {
        free(m);
        return NULL;
    }
    struct engine_cfg ec = {
        .machine = m->cfg.machine,
        .dram_size = cfg->dram_mib << 20,
        .hidden_size = cfg->hidden_mib << 20,
        .store_buffer = cfg->store_buffer,
        .fst_path = cfg->fst[0] ? m->cfg.fst : NULL,
        .fst_start = cfg->fst_start,
        .fst_end = cfg->fst_cycles ? cfg->fst_start + cfg->fst_cycles : UINT64_MAX,
    };
    m->engine = ops->create(&ec, err, err_size);
    if (!m->engine) {
        free(m);
        return NULL;
    }
    char path[4096];
    firmware_path(&m->cfg, path, sizeof path);
    struct pmem mem = {m, ec.dram_size, dma_read, dma_write, dma_direct};
    bool ok = (cfg->engine_ops && !cfg->firmware[0]) || firmware_load(m, path, err, err_size);
    ok = ok && set_tests_up(m, err, err_size);
    if (ok)
        ok = boot(m, err, err_size);
    if (ok && !(m->mm = first_space(mem))) {
        snprintf(err, err_size, "no guest memory for page tables; raise memory.dram_mib");
        ok = false;
    }
    if (!ok) {
        selkirk_destroy(m);
        return NULL;
    }
    cpu_reset(m);
    m->at_hostcall = true;
    return m;
}

void selkirk_destroy(struct selkirk *m)
{
    if (!m)
        return;
    mm_drop(m->mm);
    if (m->engine)
        m->engine->ops->destroy(m->engine);
    free(m);
}

/* Memory and registers ---------------------------------------------------------------------------------------------- */

static bool whole_pages(uint64_t addr, uint64_t size) { return size && !((addr | size) % MM_PAGE) && addr + size > addr; }

bool selkirk_map(struct selkirk *m, uint64_t addr, uint64_t size, int prot)
{
    return whole_pages(addr, size) && mm_map(m->mm, addr, size, prot, NULL, 0);
}

bool selkirk_unmap(struct selkirk *m, uint64_t addr, uint64_t size)
{
    return whole_pages(addr, size) && mm_unmap(m->mm, addr, size);
}

bool selkirk_protect(struct selkirk *m, uint64_t addr, uint64_t size, int prot)
{
    return whole_pages(addr, size) && mm_protect(m->mm, addr, size, prot);
}

bool selkirk_read(struct selkirk *m, uint64_t addr, void *buf, size_t size) { return mm_read(m->mm, addr, buf, size); }

bool selkirk_write(struct selkirk *m, uint64_t addr, const void *buf, size_t size) { return mm_write(m->mm, addr, buf, size); }

bool selkirk_read_physical(struct selkirk *m, uint32_t paddr, void *buf, size_t size) { return dma_read(m, paddr, buf, size); }

struct mm *selkirk_mm(struct selkirk *m) { return m->mm; }

void selkirk_set_mm(struct selkirk *m, struct mm *mm)
{
    if (m->mm == mm)
        return;
    mm_ref(mm);
    mm_switch(m->mm, mm);
    m->switched = true;
    mm_drop(m->mm);
    m->mm = mm;
    m->cpu.cr3 = mm_root(mm);
}

struct guest_cpu *selkirk_cpu(struct selkirk *m) { return &m->cpu; }

struct morph_params *selkirk_params(struct selkirk *m) { return &m->cfg.morph; }

void selkirk_set_hooks(struct selkirk *m, const struct selkirk_hooks *hooks) { m->hooks = *hooks; }

void selkirk_interrupt(struct selkirk *m)
{
    m->interrupted = true;
    m->engine->ops->interrupt(m->engine);
}

void selkirk_forget_code(struct selkirk *m) { m->forget_code = true; }

uint64_t selkirk_icount(struct selkirk *m)
{
    struct duke_state s;
    if (m->engine->ops->icount)
        return m->engine->ops->icount(m->engine);
    m->engine->ops->get_state(m->engine, &s);
    return s.cr[DUKE_CR_ICOUNT];
}

uint64_t selkirk_cycles(struct selkirk *m)
{
    struct engine_counters c;
    m->engine->ops->counters(m->engine, &c);
    return c.cycles;
}

/* Running ----------------------------------------------------------------------------------------------------------- */

/* Gives the firmware what it needs to go on: registers, parameters, and what it must forget. */
static void resume(struct selkirk *m, const struct selkirk_limits *limits)
{
    struct morph_params *p = &m->cfg.morph;
    struct mm_changes c = mm_take_changes(m->mm);
    m->forget_code |= m->switched && m->cpu.mode != m->ran_mode; /* the same pages may be code of both kinds */
    m->switched = false;
    m->ran_mode = m->cpu.mode;
    p->max_insts = limits->insts;
    p->stop_rip = limits->address;
    p->stop_rip_on = limits->address_on;
    m->hc.resume = (c.tlb ? RESUME_TLB_FLUSH : 0) | (c.code ? RESUME_CODE_FLUSH : 0) | (m->forget_code ? RESUME_RESET : 0);
    m->hc.inval_start = c.code_start;
    m->hc.inval_end = c.code_end;
    m->forget_code = false;
    dma_write(m, shared_at(offsetof(struct shared, cpu)), &m->cpu, sizeof m->cpu);
    dma_write(m, shared_at(offsetof(struct shared, params)), p, sizeof *p);
    dma_write(m, shared_at(offsetof(struct shared, hc.resume)), &m->hc.resume, 3 * sizeof(uint64_t));
}

static void fetch(struct selkirk *m)
{
    dma_read(m, shared_at(offsetof(struct shared, cpu)), &m->cpu, sizeof m->cpu);
    dma_read(m, shared_at(offsetof(struct shared, hc)), &m->hc, sizeof m->hc);
    m->hc.text[sizeof m->hc.text - 1] = 0;
}

static struct selkirk_event make_event(struct selkirk *m, enum selkirk_stop stop)
{
    struct selkirk_event ev = {.stop = stop, .text = m->text};
    memcpy(ev.arg, m->hc.arg, sizeof ev.arg);
    return ev;
}

/* A page fault on a page that belongs there is the host's to mend: the guest never knows. */
static bool page_in(struct selkirk *m)
{
    enum { PF = 14, ERROR_WRITE = 2, ERROR_FETCH = 16 };
    if (m->hc.arg[0] != PF)
        return false;
    uint64_t error = m->hc.arg[1];
    int access = error & ERROR_FETCH ? MM_EXEC : error & ERROR_WRITE ? MM_WRITE : MM_READ;
    return mm_fault(m->mm, m->hc.arg[2], access) == MM_FAULT_FIXED;
}

static void panic_text(struct selkirk *m)
{
    uint64_t trap[5] = {0};
    dma_read(m, shared_at(offsetof(struct shared, trap_cause)), trap, sizeof trap);
    snprintf(m->text, sizeof m->text, "%s (last trap: cause %u, value %#llx, native pc %#x, commit pc %#x)", m->hc.text,
             (unsigned)trap[0], (unsigned long long)trap[1], (unsigned)trap[2], (unsigned)trap[4]);
}

/* Serves one host call. True: selkirk_run returns *ev. */
static bool serve(struct selkirk *m, struct selkirk_event *ev)
{
    static const enum selkirk_stop reasons[] = {
        [STOP_COUNT] = SELKIRK_STOP_INSTS,
        [STOP_ADDRESS] = SELKIRK_STOP_ADDRESS,
        [STOP_HALT] = SELKIRK_STOP_HALT,
    };
    const struct selkirk_hooks *h = &m->hooks;
    uint32_t number = m->engine->ops->hcall_number(m->engine);
    fetch(m);
    memcpy(m->text, m->hc.text, sizeof m->hc.text);
    switch (number) {
    case HC_SYSCALL: *ev = make_event(m, SELKIRK_STOP_SYSCALL); return !h->syscall || h->syscall(h->arg, ev) == SELKIRK_RETURN;
    case HC_EXCEPTION:
        if (page_in(m))
            return false;
        *ev = make_event(m, SELKIRK_STOP_EXCEPTION);
        return !h->exception || h->exception(h->arg, ev) == SELKIRK_RETURN;
    case HC_UNIMPLEMENTED: *ev = make_event(m, SELKIRK_STOP_UNIMPLEMENTED); return true;
    case HC_STOP:
        if (m->hc.arg[0] < 1 || m->hc.arg[0] >= sizeof reasons / sizeof *reasons)
            break;
        *ev = make_event(m, reasons[m->hc.arg[0]]);
        return true;
    case HC_PANIC:
        panic_text(m);
        *ev = make_event(m, SELKIRK_STOP_PANIC);
        return true;
    case HC_LOG:
        if (h->log)
            h->log(h->arg, m->text);
        return false;
    case HC_TRACE:
        *ev = make_event(m, SELKIRK_STOP_HOOK);
        return h->translation && h->translation(h->arg, ev) == SELKIRK_RETURN;
    default: break;
    }
    snprintf(m->text, sizeof m->text, "unknown host call %u, argument %#llx", number, (unsigned long long)m->hc.arg[0]);
    *ev = make_event(m, SELKIRK_STOP_PANIC);
    return true;
}

/* Cycles until the next thing the host wants to do: a limit or a tick. 0: the limit is reached. */
static uint64_t slice(struct selkirk *m, const struct selkirk_limits *limits)
{
    uint64_t n = m->hooks.tick && m->hooks.tick_cycles ? m->hooks.tick_cycles : UINT64_MAX;
    if (limits->cycles) {
        uint64_t now = selkirk_cycles(m);
        uint64_t left = limits->cycles > now ? limits->cycles - now : 0;
        n = left < n ? left : n;
    }
    return n;
}

struct selkirk_event selkirk_run(struct selkirk *m, const struct selkirk_limits *limits)
{
    const struct engine_ops *ops = m->engine->ops;
    struct selkirk_event ev;
    for (;;) {
        uint64_t cycles = slice(m, limits);
        if (!cycles)
            return make_event(m, SELKIRK_STOP_CYCLES);
        if (m->interrupted) {
            m->interrupted = false;
            return make_event(m, SELKIRK_STOP_INTERRUPTED);
        }
        if (m->at_hostcall)
            resume(m, limits);
        enum engine_stop stop = ops->run(m->engine, cycles, m->hooks.record, m->hooks.arg);
        m->at_hostcall = stop == ENGINE_HCALL;
        switch (stop) {
        case ENGINE_HCALL:
            if (serve(m, &ev))
                return ev;
            break;
        case ENGINE_LIMIT:
            if (m->hooks.tick && m->hooks.tick(m->hooks.arg) == SELKIRK_RETURN)
                return make_event(m, SELKIRK_STOP_HOOK);
            break;
        case ENGINE_INTERRUPTED: m->interrupted = false; return make_event(m, SELKIRK_STOP_INTERRUPTED);
        case ENGINE_DOUBLE_FAULT:
        case ENGINE_DIVERGED:
            snprintf(m->text, sizeof m->text, "%s", ops->error_text(m->engine));
            return make_event(m, stop == ENGINE_DIVERGED ? SELKIRK_STOP_DIVERGED : SELKIRK_STOP_PANIC);
        }
    }
}

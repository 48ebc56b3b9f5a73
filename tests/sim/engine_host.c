/* Guest code on the host CPU under ptrace. See engine_host.h.
 *
 * Guest DRAM is a memory file. Before the process runs, its mappings are made equal to the guest's page tables, by system
 * calls that are injected into it at a gadget of host_stub.S. Error codes of page faults are not told to a tracer; they are
 * worked out from the page tables. An instruction count does not exist: every stop counts as a thousand, and a limit is
 * reached after some milliseconds.
 */
#include "engine_host.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "duke_isa.h"
#include "shared.h"

#define PAGES (1u << 20)
enum { MEMORY_FD = 100, GADGET_AT = 16 /* behind the entry */, DESC_AT = 0x100, FREE_FROM = 0x30000 };
enum { PAGE = 4096, STOP_COSTS = 1000, HIDDEN = 1 << 20, LIMIT_MICROSECONDS = 5000 };
enum { NR_MUNMAP = 91, NR_MMAP2 = 192, NR_SET_THREAD_AREA = 243 };
enum { P = 1, W = 2, REGION_SHIFT = 21, REGIONS = 2048 };
#define NX (UINT64_C(1) << 63)

struct host_engine {
    struct engine base;
    uint64_t dram_size, hidden_size;
    int memory_fd;
    uint8_t *dram, *hidden;
    pid_t child;
    uint64_t gadget;
    bool started;
    uint32_t hcall;
    uint64_t insts;
    uint64_t tls_base[3];
    uint64_t *mapped; /* [PAGES] page-table entry that the process has, 0: none */
    uint64_t *wanted;
    uint8_t seen[REGIONS], had[REGIONS]; /* of 512 pages: have a table now, ever had one */
    volatile sig_atomic_t interrupted;
    char error[256];
};

static struct host_engine *self(const struct engine *e) { return (struct host_engine *)(uintptr_t)e; }

static struct shared *shared(struct host_engine *h) { return (struct shared *)h->hidden; }

/* The traced process ------------------------------------------------------------------------------------------------- */

static void die(const char *what)
{
    perror(what);
    abort();
}

static int wait_stop(struct host_engine *h)
{
    int status;
    while (waitpid(h->child, &status, 0) < 0)
        if (errno != EINTR)
            die("waitpid");
    if (!WIFSTOPPED(status)) {
        fprintf(stderr, "engine_host: the traced process is gone (status %#x)\n", (unsigned)status);
        abort();
    }
    return WSTOPSIG(status);
}

/* The time that a run with a limit on instructions may take. */
static volatile pid_t timed_child;

static void time_over(int signal)
{
    (void)signal;
    if (timed_child)
        kill(timed_child, SIGALRM);
}

static void timer_set(struct host_engine *h, bool on)
{
    struct itimerval t = {.it_value.tv_usec = on ? LIMIT_MICROSECONDS : 0, .it_interval.tv_usec = on ? LIMIT_MICROSECONDS : 0};
    struct sigaction a = {.sa_handler = time_over, .sa_flags = SA_RESTART};
    timed_child = on ? h->child : 0;
    sigaction(SIGALRM, &a, NULL);
    setitimer(ITIMER_REAL, &t, NULL);
}

static int32_t inject(struct host_engine *h, uint32_t nr, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e,
                      uint32_t f)
{
    struct user_regs_struct r;
    if (ptrace(PTRACE_GETREGS, h->child, NULL, &r))
        die("PTRACE_GETREGS");
    r.rip = h->gadget;
    r.rax = nr;
    r.rbx = a, r.rcx = b, r.rdx = c, r.rsi = d, r.rdi = e, r.rbp = f;
    r.orig_rax = UINT64_MAX;
    r.eflags = 0x202;
    if (ptrace(PTRACE_SETREGS, h->child, NULL, &r) || ptrace(PTRACE_CONT, h->child, NULL, NULL))
        die("ptrace");
    int signal;
    while ((signal = wait_stop(h)) == SIGALRM) /* one that came too late */
        ptrace(PTRACE_CONT, h->child, NULL, NULL);
    if (ptrace(PTRACE_GETREGS, h->child, NULL, &r) || signal != SIGTRAP) {
        fprintf(stderr, "engine_host: signal %d at %#llx instead of a system call's end\n", signal, r.rip);
        abort();
    }
    return (int32_t)r.rax;
}

static void must(int32_t result, const char *what, uint32_t addr)
{
    if (result < 0 && result > -4096) {
        fprintf(stderr, "engine_host: %s at %#x: %s\n", what, addr, strerror(-result));
        abort();
    }
}

static void start_child(struct host_engine *h)
{
    h->child = fork();
    if (h->child < 0)
        die("fork");
    if (h->child == 0) {
        dup2(h->memory_fd, MEMORY_FD);
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        char *const none[] = {NULL};
        execve(HOST_STUB, none, none);
        _exit(127);
    }
    wait_stop(h);
    struct user_regs_struct r;
    if (ptrace(PTRACE_GETREGS, h->child, NULL, &r))
        die(HOST_STUB);
    h->gadget = r.rip + GADGET_AT;
    ptrace(PTRACE_SETOPTIONS, h->child, NULL, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
    must(inject(h, NR_MUNMAP, FREE_FROM, 0xffffe000 - FREE_FROM, 0, 0, 0, 0), "munmap", FREE_FROM);
}

/* Page tables -------------------------------------------------------------------------------------------------------- */

/* Tables of the last level that are there now, by region: h->wanted has their entries, and zeros elsewhere. */
static void walk(struct host_engine *h, uint64_t table, int level, uint64_t va)
{
    const uint64_t *entry = (const uint64_t *)(h->dram + table);
    if (!level)
        h->seen[va >> REGION_SHIFT] = 1;
    for (uint64_t i = 0; i < 512; i++) {
        uint64_t at = va | i << (12 + 9 * level), e = entry[i];
        if (at >> 32)
            continue;
        if (!level)
            h->wanted[at >> 12] = e & P ? e : 0;
        else if (e & P)
            walk(h, e & 0x000ffffffffff000, level - 1, at);
    }
}

static uint32_t entry_prot(uint64_t e) { return PROT_READ | (e & W ? PROT_WRITE : 0) | (e & NX ? 0 : PROT_EXEC); }

/* Pages from `first` on that one mmap can make: contiguous in memory, of one protection, and not there yet. */
static uint32_t run_length(const struct host_engine *h, uint32_t first)
{
    uint32_t n = 1;
    while (first + n < PAGES && h->wanted[first + n] == h->wanted[first] + (uint64_t)n * PAGE &&
           h->mapped[first + n] != h->wanted[first + n])
        n++;
    return n;
}

static void sync_mappings(struct host_engine *h)
{
    memset(h->seen, 0, sizeof h->seen);
    walk(h, shared(h)->cpu.cr3, 3, 0);
    for (uint32_t r = 0; r < REGIONS; r++) {
        if (!h->seen[r] && h->had[r])
            memset(&h->wanted[r * 512], 0, 512 * sizeof *h->wanted);
        h->had[r] |= h->seen[r];
    }
    for (uint32_t i = FREE_FROM / PAGE; i < PAGES;) {
        if (i % 512 == 0 && !h->had[i / 512]) {
            i += 512;
            continue;
        }
        if (h->wanted[i] == h->mapped[i]) {
            i++;
            continue;
        }
        uint32_t n = 1;
        if (h->wanted[i]) {
            n = run_length(h, i);
            must(inject(h, NR_MMAP2, i * PAGE, n * PAGE, entry_prot(h->wanted[i]), MAP_SHARED | MAP_FIXED, MEMORY_FD,
                        (uint32_t)((h->wanted[i] & 0x000ffffffffff000) / PAGE)),
                 "mmap", i * PAGE);
        } else {
            must(inject(h, NR_MUNMAP, i * PAGE, PAGE, 0, 0, 0, 0), "munmap", i * PAGE);
        }
        memcpy(&h->mapped[i], &h->wanted[i], n * sizeof *h->mapped);
        i += n;
    }
}

/* Thread areas are passed through a structure that is written below the stub's code. */
static void sync_tls(struct host_engine *h)
{
    for (uint32_t i = 0; i < 3; i++) {
        uint64_t base = shared(h)->cpu.tls_base[i];
        if (base == h->tls_base[i])
            continue;
        uint32_t desc[4] = {12 + i, (uint32_t)base, 0xfffff, 0x51}; /* 32-bit, limit in pages, useable */
        for (int w = 0; w < 2; w++) {
            long word;
            memcpy(&word, &desc[2 * w], sizeof word);
            if (ptrace(PTRACE_POKEDATA, h->child, h->gadget + DESC_AT + 8 * w, word))
                die("PTRACE_POKEDATA");
        }
        must(inject(h, NR_SET_THREAD_AREA, (uint32_t)h->gadget + DESC_AT, 0, 0, 0, 0, 0), "set_thread_area", (uint32_t)base);
        h->tls_base[i] = base;
    }
}

/* Registers ---------------------------------------------------------------------------------------------------------- */

/* The base that a selector stands for: the kernel takes it from the tracer, not from the descriptor. */
static uint64_t base_of(const struct guest_cpu *c, uint32_t selector)
{
    uint32_t entry = (selector >> 3) - 12;
    return entry < 3 ? c->tls_base[entry] : 0;
}

static void set_registers(struct host_engine *h)
{
    const struct guest_cpu *c = &shared(h)->cpu;
    struct user_regs_struct r;
    struct user_fpregs_struct f;
    if (ptrace(PTRACE_GETREGS, h->child, NULL, &r) || ptrace(PTRACE_GETFPREGS, h->child, NULL, &f))
        die("PTRACE_GETREGS");
    r.rax = c->gpr[GUEST_RAX], r.rbx = c->gpr[GUEST_RBX], r.rcx = c->gpr[GUEST_RCX], r.rdx = c->gpr[GUEST_RDX];
    r.rsi = c->gpr[GUEST_RSI], r.rdi = c->gpr[GUEST_RDI], r.rbp = c->gpr[GUEST_RBP], r.rsp = c->gpr[GUEST_RSP];
    r.rip = c->rip;
    r.eflags = c->flags | c->sysflags;
    r.orig_rax = UINT64_MAX;
    r.cs = 0x23, r.ss = 0x2b;
    r.ds = c->seg_sel[GUEST_DS], r.es = c->seg_sel[GUEST_ES], r.fs = c->seg_sel[GUEST_FS], r.gs = c->seg_sel[GUEST_GS];
    r.fs_base = base_of(c, c->seg_sel[GUEST_FS]), r.gs_base = base_of(c, c->seg_sel[GUEST_GS]);
    unsigned top = c->x87.sw >> 11 & 7;
    f.cwd = c->x87.cw, f.swd = c->x87.sw, f.mxcsr = c->mxcsr, f.ftw = 0;
    for (unsigned i = 0; i < 8; i++) {
        unsigned phys = (top + i) & 7;
        memcpy((uint8_t *)f.st_space + 16 * i, &c->x87.mant[phys], 8);
        memcpy((uint8_t *)f.st_space + 16 * i + 8, &c->x87.se[phys], 2);
        memcpy((uint8_t *)f.xmm_space + 16 * i, c->xmm[i], 16);
        f.ftw |= (uint16_t)(((c->x87.tw >> (2 * i) & 3) != 3) << i);
    }
    if (ptrace(PTRACE_SETREGS, h->child, NULL, &r) || ptrace(PTRACE_SETFPREGS, h->child, NULL, &f))
        die("PTRACE_SETREGS");
}

static void get_registers(struct host_engine *h, struct user_regs_struct *r)
{
    struct guest_cpu *c = &shared(h)->cpu;
    struct user_fpregs_struct f;
    if (ptrace(PTRACE_GETREGS, h->child, NULL, r) || ptrace(PTRACE_GETFPREGS, h->child, NULL, &f))
        die("PTRACE_GETREGS");
    const uint64_t g[8] = {r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi};
    for (int i = 0; i < 8; i++)
        c->gpr[i] = (uint32_t)g[i];
    c->rip = (uint32_t)r->rip;
    c->flags = r->eflags & EFL_ARITH;
    c->sysflags = r->eflags & ~(uint64_t)EFL_ARITH;
    c->seg_sel[GUEST_DS] = (uint32_t)r->ds, c->seg_sel[GUEST_ES] = (uint32_t)r->es;
    c->seg_sel[GUEST_FS] = (uint32_t)r->fs, c->seg_sel[GUEST_GS] = (uint32_t)r->gs;
    unsigned top = f.swd >> 11 & 7;
    c->x87.cw = f.cwd, c->x87.sw = f.swd, c->x87.tw = 0, c->mxcsr = f.mxcsr;
    for (unsigned i = 0; i < 8; i++) {
        unsigned phys = (top + i) & 7;
        memcpy(&c->x87.mant[phys], (uint8_t *)f.st_space + 16 * i, 8);
        memcpy(&c->x87.se[phys], (uint8_t *)f.st_space + 16 * i + 8, 2);
        memcpy(c->xmm[i], (uint8_t *)f.xmm_space + 16 * i, 16);
        c->x87.tw |= (uint16_t)((f.ftw >> i & 1 ? 0 : 3) << (2 * i));
    }
}

/* Stops -------------------------------------------------------------------------------------------------------------- */

static enum engine_stop call(struct host_engine *h, uint32_t number, uint64_t a0, uint64_t a1, uint64_t a2)
{
    struct hostcall_block *hc = &shared(h)->hc;
    h->hcall = number;
    hc->arg[0] = a0, hc->arg[1] = a1, hc->arg[2] = a2;
    return ENGINE_HCALL;
}

static enum engine_stop exception(struct host_engine *h, int signal, const siginfo_t *si)
{
    uint32_t addr = (uint32_t)(uintptr_t)si->si_addr;
    uint64_t e = h->mapped[addr / PAGE], error;
    switch (signal) {
    case SIGSEGV:
        if (si->si_code != SEGV_MAPERR && si->si_code != SEGV_ACCERR)
            return call(h, HC_EXCEPTION, 13, 0, 0);
        error = 4;
        if (e)
            error |= 1;
        if (addr == shared(h)->cpu.rip && (!e || (e & NX)))
            error |= 16;
        else if (e)
            error |= 2;
        shared(h)->cpu.cr2 = addr;
        return call(h, HC_EXCEPTION, 14, error, addr);
    case SIGFPE: return call(h, HC_EXCEPTION, si->si_code == FPE_INTDIV ? 0 : 16, 0, 0);
    case SIGILL: return call(h, HC_EXCEPTION, 6, 0, 0);
    case SIGBUS: return call(h, HC_EXCEPTION, 17, 0, 0);
    default: return call(h, HC_EXCEPTION, si->si_code == TRAP_TRACE ? 1 : 3, 0, 0);
    }
}

static enum engine_stop run(struct engine *engine, uint64_t max_cycles, engine_record_fn *seen, void *arg)
{
    struct host_engine *h = self(engine);
    struct user_regs_struct r;
    siginfo_t si;
    (void)max_cycles, (void)seen, (void)arg;
    if (!h->started) {
        h->started = true;
        shared(h)->magic = SHARED_MAGIC;
        shared(h)->version = SHARED_VERSION;
        h->hcall = HC_READY;
        return ENGINE_HCALL;
    }
    if (h->interrupted) {
        h->interrupted = 0;
        return ENGINE_INTERRUPTED;
    }
    sync_mappings(h);
    sync_tls(h);
    set_registers(h);
    h->insts += STOP_COSTS;
    uint64_t limit = shared(h)->params.max_insts;
    int signal;
    if (limit)
        timer_set(h, true);
    do {
        if (ptrace(PTRACE_SYSEMU, h->child, NULL, NULL))
            die("PTRACE_SYSEMU");
        signal = wait_stop(h);
        if (signal == SIGALRM && limit) /* whatever the child has done: a busy host may not even have let it run */
            h->insts += LIMIT_MICROSECONDS * 1000;
    } while (signal == SIGALRM && (!limit || h->insts < limit));
    if (limit)
        timer_set(h, false);
    get_registers(h, &r);
    if (signal == SIGALRM) {
        h->insts = limit;
        return call(h, HC_STOP, STOP_COUNT, 0, 0);
    }
    if (signal == (SIGTRAP | 0x80)) {
        shared(h)->cpu.gpr[GUEST_RAX] = (uint32_t)r.orig_rax;
        return call(h, HC_SYSCALL, 0x80, 0, 0);
    }
    ptrace(PTRACE_GETSIGINFO, h->child, NULL, &si);
    return exception(h, signal, &si);
}

/* Engine ------------------------------------------------------------------------------------------------------------- */

static struct engine *create(const struct engine_cfg *cfg, char *err, size_t err_size)
{
    struct host_engine *h = calloc(1, sizeof *h);
    h->base.ops = &engine_host;
    h->dram_size = cfg->dram_size;
    h->hidden_size = cfg->hidden_size;
    h->memory_fd = memfd_create("guest", MFD_CLOEXEC);
    h->hidden = calloc(1, HIDDEN);
    h->mapped = calloc(PAGES, sizeof *h->mapped);
    h->wanted = calloc(PAGES, sizeof *h->wanted);
    if (h->memory_fd < 0 || ftruncate(h->memory_fd, (off_t)h->dram_size)) {
        snprintf(err, err_size, "memory file: %s", strerror(errno));
        free(h);
        return NULL;
    }
    h->dram = mmap(NULL, h->dram_size, PROT_READ | PROT_WRITE, MAP_SHARED, h->memory_fd, 0);
    start_child(h);
    return &h->base;
}

static void destroy(struct engine *e)
{
    struct host_engine *h = self(e);
    kill(h->child, SIGKILL);
    waitpid(h->child, NULL, 0);
    munmap(h->dram, h->dram_size);
    close(h->memory_fd);
    free(h->hidden);
    free(h->mapped);
    free(h->wanted);
    free(h);
}

static void reset(struct engine *e) { self(e)->started = false; }

static uint32_t hcall_number(const struct engine *e) { return self(e)->hcall; }

static void get_state(struct engine *e, struct duke_state *out)
{
    memset(out, 0, sizeof *out);
    out->cr[DUKE_CR_ICOUNT] = self(e)->insts;
}

static void set_state(struct engine *e, const struct duke_state *in) { (void)e, (void)in; }

static uint8_t *direct(struct engine *e, uint32_t paddr, size_t size)
{
    struct host_engine *h = self(e);
    if (paddr + size <= h->dram_size)
        return h->dram + paddr;
    if (paddr >= ENGINE_HIDDEN_BASE && paddr - ENGINE_HIDDEN_BASE + size <= HIDDEN)
        return h->hidden + (paddr - ENGINE_HIDDEN_BASE);
    return NULL;
}

static bool dma_read(struct engine *e, uint32_t paddr, void *buf, size_t size)
{
    uint8_t *p = direct(e, paddr, size);
    if (p)
        memcpy(buf, p, size);
    return p != NULL;
}

static bool dma_write(struct engine *e, uint32_t paddr, const void *buf, size_t size)
{
    uint8_t *p = direct(e, paddr, size);
    if (p)
        memcpy(p, buf, size);
    return p != NULL;
}

static void counters(const struct engine *e, struct engine_counters *out)
{
    memset(out, 0, sizeof *out);
    out->cycles = out->by_category[DUKE_CAT_INTERP][DUKE_REASON_ISSUE] = self(e)->insts;
}

static const char *error_text(const struct engine *e) { return self(e)->error; }

static void interrupt(struct engine *e)
{
    self(e)->interrupted = 1;
    kill(self(e)->child, SIGINT);
}

const struct engine_ops engine_host = {
    .name = "host",
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
    .direct = direct,
};

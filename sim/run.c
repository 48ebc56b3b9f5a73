/* `selkirk run`: one guest program from start to end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "disasm.h"
#include "guest_ops.h"
#include "linux/linux.h"
#include "machine.h"
#include "output.h"
#include "profile.h"
#include "progress.h"
#include "regions.h"
#include "trace.h"

struct run {
    struct run_options o;
    struct selkirk *m;
    struct linux_kernel k;
    struct selkirk_limits limits; /* the machine looks at them whenever it goes on */
    struct progress progress;
    struct trace *trace;
    FILE *trace_out;
    bool in_window; /* of the trace */
    struct profile *profile;
    struct regions *regions;
};

static struct selkirk *interrupt_target; /* for the signal handler, which takes no argument */

static void on_signal(int signal)
{
    (void)signal;
    selkirk_interrupt(interrupt_target);
}

static void catch_signals(struct selkirk *m)
{
    /* No SA_RESTART: a read that waits shall end. A second Ctrl-C ends the simulator itself. */
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    interrupt_target = m;
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    signal(SIGPIPE, SIG_IGN); /* the guest gets its own */
    signal(SIGXFSZ, SIG_IGN); /* a limit of the host's on the size of files is the guest's EFBIG */
}

/* Hooks -------------------------------------------------------------------------------------------------------------- */

static uint64_t icount(void *arg) { return selkirk_icount(arg); }

static void set_mm(void *arg, struct mm *mm) { selkirk_set_mm(arg, mm); }

/* Instructions until the user's limit or another task's turn. */
static void set_limit(struct run *r)
{
    uint64_t most = r->o.max_insts;
    r->limits.insts = r->k.slice_end == UINT64_MAX || (most && most <= r->k.slice_end) ? most : r->k.slice_end;
}

static enum selkirk_verdict verdict(struct run *r)
{
    set_limit(r);
    return r->k.end == LINUX_RUNNING ? SELKIRK_GO_ON : SELKIRK_RETURN;
}

static enum selkirk_verdict on_syscall(void *arg, const struct selkirk_event *ev)
{
    enum { INT80 = 0x80, SYSCALL = 1, INSTRUCTION_BYTES = 2, INVALID_OPCODE = 6 };
    struct run *r = arg;
    bool wide = ev->arg[0] == SYSCALL && r->k.cpu->mode == GUEST_X86_64;
    if (ev->arg[0] == INT80 || wide) {
        linux_syscall(&r->k, wide);
    } else { /* this kernel offers no vdso, so nothing tells an i386 program to use syscall or sysenter */
        r->k.cpu->rip -= INSTRUCTION_BYTES;
        linux_exception(&r->k, INVALID_OPCODE, 0, 0);
    }
    return verdict(r);
}

static enum selkirk_verdict on_exception(void *arg, const struct selkirk_event *ev)
{
    struct run *r = arg;
    linux_exception(&r->k, (unsigned)ev->arg[0], (uint32_t)ev->arg[1], ev->arg[2]);
    return verdict(r);
}

static enum selkirk_verdict on_translation(void *arg, const struct selkirk_event *ev)
{
    struct run *r = arg;
    if (r->trace)
        trace_translation(r->trace, ev);
    if (r->profile)
        profile_translation(r->profile, ev);
    if (r->regions)
        regions_translation(r->regions, ev);
    return SELKIRK_GO_ON;
}

static enum selkirk_verdict on_tick(void *arg)
{
    struct run *r = arg;
    progress_tick(&r->progress, r->m, &r->o);
    return SELKIRK_GO_ON;
}

static void on_log(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "morph: %s\n", text);
}

static void on_record(void *arg, const struct engine_record *rec)
{
    struct run *r = arg;
    if (r->in_window)
        trace_record(r->trace, rec);
    if (r->profile)
        profile_record(r->profile, rec);
}

static void set_hooks(struct run *r, bool in_window)
{
    r->in_window = in_window;
    bool slow = strcmp(r->o.cfg.engine, "func") != 0;
    struct selkirk_hooks h = {
        .arg = r,
        .syscall = on_syscall,
        .exception = on_exception,
        .translation = on_translation,
        .log = on_log,
        .tick = on_tick,
        .tick_cycles = slow ? 20000 : 2000000,
        .record = in_window || r->profile ? on_record : NULL,
    };
    selkirk_set_hooks(r->m, &h);
}

/* The end ------------------------------------------------------------------------------------------------------------ */

static void print_instruction(struct run *r)
{
    const struct guest_cpu *c = r->k.cpu;
    uint8_t bytes[15];
    char text[160];
    size_t n = 0;
    while (n < sizeof bytes && selkirk_read(r->m, c->rip + n, &bytes[n], 1))
        n++;
    size_t length = guest_disasm(text, sizeof text, (int)c->mode, c->rip, bytes, n);
    fprintf(stderr, " at %#llx:", (unsigned long long)c->rip);
    for (size_t i = 0; i < (length ? length : n); i++)
        fprintf(stderr, " %02x", bytes[i]);
    fprintf(stderr, "  %s", n ? text : "(not mapped)");
}

static const char *model_name(const struct run *r)
{
    static const char *const names[GMODEL_COUNT] = {GMODEL_NAMES};
    bool wide = r->k.cpu->mode == GUEST_X86_64, least = r->o.cfg.morph.guest_cpu == GMODEL_I686;
    return names[least && wide ? GMODEL_X86_64 : r->o.cfg.morph.guest_cpu];
}

static void print_registers(const struct guest_cpu *c)
{
    static const char *const names[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    for (int i = 0; i < 8 && c->mode != GUEST_X86_64; i++)
        fprintf(stderr, " e%s=%08x", names[i], (unsigned)c->gpr[i]);
    for (int i = 0; i < 16 && c->mode == GUEST_X86_64; i++) {
        unsigned long long value = c->gpr[i];
        if (i < 8)
            fprintf(stderr, " r%s=%llx", names[i], value);
        else
            fprintf(stderr, " r%d=%llx", i, value);
    }
    fprintf(stderr, " efl=%08x\n", (unsigned)(c->flags | c->sysflags));
}

static int process_ended(struct run *r)
{
    const struct linux_kernel *k = &r->k;
    switch (k->end) {
    case LINUX_EXITED: return k->end_value;
    case LINUX_KILLED:
        if (k->end_value == SIGPIPE) /* the usual end of a program whose reader has gone */
            return 128 + SIGPIPE;
        fprintf(stderr, "selkirk: guest killed by SIG%s", linux_signal_name(k->end_value));
        if (k->end_text[0])
            fprintf(stderr, " (%s)", k->end_text);
        else if ((k->end_value == SIGSEGV || k->end_value == SIGBUS) && k->end_info.code > 0 && k->end_info.code < SI_KERNEL)
            fprintf(stderr, " (address %#llx)", (unsigned long long)k->end_info.addr);
        else if (k->end_value == SIGILL && r->o.cfg.morph.guest_cpu != GMODEL_MAX)
            fprintf(stderr, " (no instruction of guest model %s; see --guest-cpu)", model_name(r));
        print_instruction(r);
        fputc(';', stderr);
        print_registers(k->cpu);
        return 128 + k->end_value;
    default: fprintf(stderr, "selkirk: guest is stuck: %s\n", k->end_text); return EXIT_STUCK;
    }
}

static int ended(struct run *r, const struct selkirk_event *ev)
{
    switch (ev->stop) {
    case SELKIRK_STOP_UNIMPLEMENTED:
        fputs("selkirk: instruction is not implemented", stderr);
        print_instruction(r);
        fputc(';', stderr);
        print_registers(r->k.cpu);
        return EXIT_UNIMPLEMENTED;
    case SELKIRK_STOP_PANIC: fprintf(stderr, "selkirk: firmware panic: %s\n", ev->text); return EXIT_PANIC;
    case SELKIRK_STOP_DIVERGED: fprintf(stderr, "selkirk: engines differ: %s\n", ev->text); return EXIT_DIVERGED;
    case SELKIRK_STOP_INSTS:
        if (r->k.end != LINUX_RUNNING)
            return process_ended(r);
        __attribute__((fallthrough));
    case SELKIRK_STOP_CYCLES:
        fprintf(stderr, "selkirk: stopped at the limit, %llu instructions, %llu cycles\n",
                (unsigned long long)selkirk_icount(r->m), (unsigned long long)selkirk_cycles(r->m));
        return EXIT_LIMIT;
    case SELKIRK_STOP_INTERRUPTED:
        fprintf(stderr, "selkirk: interrupted after %llu instructions, %llu cycles\n", (unsigned long long)selkirk_icount(r->m),
                (unsigned long long)selkirk_cycles(r->m));
        return EXIT_INTERRUPTED;
    default: return process_ended(r);
    }
}

/* The run ------------------------------------------------------------------------------------------------------------ */

static bool open_trace(struct run *r)
{
    char path[4096];
    if (!r->o.trace)
        return true;
    r->trace_out = stderr;
    if (r->o.trace_file || r->o.outdir) {
        snprintf(path, sizeof path, "%s%s", r->o.trace_file ? r->o.trace_file : r->o.outdir,
                 r->o.trace_file ? "" : "/trace.txt");
        r->trace_out = fopen(path, "w");
        if (!r->trace_out)
            return usage_error("--trace-file %s: %s", path, strerror(errno)), false;
    }
    r->trace = trace_open(r->m, r->trace_out);
    return true;
}

static bool open_profile(struct run *r)
{
    char path[4096], err[4224];
    if (!r->o.profile)
        return true;
    firmware_path(&r->o.cfg, path, sizeof path);
    r->profile = profile_open(r->m, r->o.profile, path, err, sizeof err);
    if (!r->profile)
        usage_error("--profile %s", err);
    return r->profile != NULL;
}

static bool open_regions(struct run *r)
{
    if (!r->o.regions)
        return true;
    r->regions = regions_open(r->m, r->o.regions);
    if (!r->regions)
        usage_error("--regions %s: %s", r->o.regions, strerror(errno));
    return r->regions != NULL;
}

static bool close_regions(struct run *r)
{
    bool ok = regions_close(r->regions);
    if (!ok)
        usage_error("--regions %s: could not be written", r->o.regions);
    return ok;
}

static bool close_profile(struct run *r)
{
    bool ok = profile_close(r->profile);
    if (!ok)
        usage_error("--profile %s: %s", r->o.profile, strerror(errno));
    return ok;
}

static void close_trace(struct run *r)
{
    if (r->trace)
        trace_close(r->trace);
    if (r->trace_out && r->trace_out != stderr)
        fclose(r->trace_out);
}

/* Runs on from one task's turn to the next one's. */
static struct selkirk_event run_tasks(struct run *r)
{
    for (;;) {
        set_limit(r);
        struct selkirk_event ev = selkirk_run(r->m, &r->limits);
        uint64_t now = selkirk_icount(r->m);
        if (ev.stop != SELKIRK_STOP_INSTS || now < r->k.slice_end || (r->o.max_insts && now >= r->o.max_insts))
            return ev;
        linux_schedule(&r->k);
        if (r->k.end != LINUX_RUNNING)
            return ev;
    }
}

/* The window of a trace is run with the record hook, the rest without. */
static struct selkirk_event run_guest(struct run *r)
{
    uint64_t cycles = r->o.max_cycles;
    uint64_t start = r->o.trace_start, count = r->o.trace_count;
    uint64_t end = count > UINT64_MAX - start ? UINT64_MAX : start + count;
    const struct {
        uint64_t until;
        bool record;
    } parts[] = {{start, false}, {end, true}, {UINT64_MAX, false}};
    for (int i = 0; i < 3; i++) {
        bool last = !r->trace || parts[i].until == UINT64_MAX || (cycles && cycles <= parts[i].until);
        if (r->trace && !parts[i].until)
            continue;
        r->limits.cycles = last ? cycles : parts[i].until;
        set_hooks(r, r->trace && parts[i].record);
        struct selkirk_event ev = run_tasks(r);
        if (last || ev.stop != SELKIRK_STOP_CYCLES)
            return ev;
    }
    return (struct selkirk_event){.stop = SELKIRK_STOP_CYCLES};
}

/* From here on the guest runs: the simulator keeps what it needs for that. The host engine, of tests, lets the host's kernel
 * run the guest and needs all of it. */
static bool enter_sandbox(struct run *r)
{
    const struct run_options *o = &r->o;
    const char *outputs[] = {
        o->outdir, o->stats, o->stats_json, o->profile, o->regions, o->trace_file, o->cfg.fst[0] ? o->cfg.fst : NULL};
    const char *named[sizeof outputs / sizeof *outputs + 1] = {NULL};
    char report[256];
    size_t n = 0;
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
        if (outputs[i])
            named[n++] = outputs[i];
    struct sandbox_plan plan = {o->sandbox, r->k.root_fd, r->k.confined, named};
    if (!strcmp(o->cfg.engine, "host"))
        plan.mode = SANDBOX_OFF;
    bool ok = sandbox_enter(&plan, report, sizeof report);
    if (!ok)
        usage_error("--sandbox require: %s", report);
    else if (o->verbose)
        fprintf(stderr, "selkirk: %s\n", report);
    return ok;
}

static int run_to_end(struct run *r)
{
    char err[512];
    if (!output_prepare(&r->o) || !open_trace(r) || !open_profile(r) || !open_regions(r))
        return EXIT_USAGE;
    if (r->o.cfg.fst[0] && !waves_save(r->o.cfg.fst, r->o.cfg.fst_start))
        return EXIT_USAGE;
    progress_start(&r->progress, &r->o);
    catch_signals(r->m);
    if (!enter_sandbox(r))
        return EXIT_USAGE;
    struct selkirk_event ev = run_guest(r);
    progress_end(&r->progress);
    signal(SIGINT, SIG_DFL);
    double seconds = host_seconds() - r->progress.start;
    int status = ended(r, &ev);
    linux_report_missing(&r->k, stderr);
    if (!selkirk_stats_check(r->m, err, sizeof err)) {
        fprintf(stderr, "selkirk: %s\n", err);
        status = EXIT_INVARIANT;
    }
    if (!output_write(&r->o, r->m, seconds, status))
        status = EXIT_USAGE;
    if (r->o.report)
        output_report(r->m, &r->o, seconds, stderr);
    close_trace(r);
    bool written = close_regions(r);
    return close_profile(r) && written ? status : EXIT_USAGE;
}

static int start(struct run *r)
{
    char err[1024];
    r->o.cfg.morph.trace_translations = r->o.trace || r->o.profile || r->o.regions;
    r->m = selkirk_create(&r->o.cfg, err, sizeof err);
    if (!r->m)
        return usage_error("%s", err);
    if (!linux_init(&r->k, selkirk_mm(r->m), selkirk_cpu(r->m), r->o.root, r->o.sandbox == SANDBOX_OFF, err, sizeof err))
        return usage_error("--root %s", err);
    r->k.icount = icount;
    r->k.set_mm = set_mm;
    r->k.arg = r->m;
    r->k.max_tasks = r->o.max_tasks;
    r->k.max_fds = r->o.max_files;
    if (r->o.epoch)
        r->k.epoch = (int64_t)r->o.epoch;
    r->k.strace = r->o.strace ? stderr : NULL;
    r->k.guest_cpu = (unsigned)r->o.cfg.morph.guest_cpu;
    if (!linux_load(r->k.current, r->o.program[0], r->o.program, r->o.env, err, sizeof err))
        return usage_error("%s", err);
    return run_to_end(r);
}

int run_main(int argc, char *argv[])
{
    struct run *r = calloc(1, sizeof *r);
    if (!r)
        return usage_error("out of memory");
    r->k.root_fd = -1;
    int status = options_parse(&r->o, argc, argv);
    if (status < 0)
        status = start(r);
    if (r->m)
        linux_free(&r->k);
    selkirk_destroy(r->m);
    options_free(&r->o);
    free(r);
    return status;
}

/* duke-run: runs a program compiled by duke-cc on an engine. Serves HC_NATIVE (firmware/rt/rt.h); exit status is the
 * program's, 2 for wrong usage or files, 134 if the core stops.
 */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "duke_isa.h"
#include "engine.h"
#include "shared.h"

enum { EM_DUKE = 0x4b44, STATUS_USAGE = 2, STATUS_STOPPED = 134 };
enum native { NATIVE_WRITE = 1, NATIVE_EXIT, NATIVE_READ, NATIVE_ARG };

static const char help[] = "duke-run - runs a program compiled by duke-cc\n"
                           "\n"
                           "usage: duke-run [options] program [arguments]\n"
                           "\n"
                           "  --engine=NAME      func (default)%s\n"
                           "  --machine=NAME     machine table (default)\n"
                           "  --memory=MIB       hidden memory: image, heap and stack (64)\n"
                           "  --max-cycles=N     stop after so many cycles, with status 134\n"
                           "  --stats            cycles, bundles, operations and events to standard error at the end\n"
                           "  --help             this text\n";

struct run {
    const char *engine_name, *machine, *program;
    char **args; /* of the program, its name first */
    int nargs;
    uint64_t memory, max_cycles;
    bool stats;
    struct engine *engine;
};

static _Noreturn void fail(const char *format, const char *a, const char *b)
{
    fputs("duke-run: ", stderr);
    fprintf(stderr, format, a, b);
    fputc('\n', stderr);
    exit(STATUS_USAGE);
}

static const struct engine_ops *find_engine(const char *name)
{
    static const struct engine_ops *const engines[] = {
        &engine_func,
#ifdef WITH_RTL
        &engine_rtl,
        &engine_lockstep,
#endif
    };
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++)
        if (strcmp(engines[i]->name, name) == 0)
            return engines[i];
    fail("--engine: \"%s\" is unknown or not built in; see duke-run --help", name, "");
}

static uint64_t number(const char *option, const char *text, uint64_t min, uint64_t max)
{
    char *end;
    errno = 0;
    uint64_t n = strtoull(text, &end, 0);
    if (*text == 0 || *end != 0 || errno != 0 || n < min || n > max)
        fail("%s: \"%s\" is not a number in its range", option, text);
    return n;
}

static void parse(struct run *r, int argc, char **argv)
{
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        const char *a = argv[i];
        if (strcmp(a, "--help") == 0) {
#ifdef WITH_RTL
            printf(help, ", rtl, lockstep");
#else
            printf(help, "");
#endif
            exit(0);
        } else if (strncmp(a, "--engine=", 9) == 0) {
            r->engine_name = a + 9;
        } else if (strncmp(a, "--machine=", 10) == 0) {
            r->machine = a + 10;
        } else if (strncmp(a, "--memory=", 9) == 0) {
            r->memory = number("--memory", a + 9, 1, 1024) << 20;
        } else if (strncmp(a, "--max-cycles=", 13) == 0) {
            r->max_cycles = number("--max-cycles", a + 13, 1, UINT64_MAX - 1);
        } else if (strcmp(a, "--stats") == 0) {
            r->stats = true;
        } else {
            fail("unknown option %s; see duke-run --help%s", a, "");
        }
    }
    if (i == argc)
        fail("no program given; see duke-run --help%s%s", "", "");
    r->program = argv[i];
    r->args = argv + i;
    r->nargs = argc - i;
}

/* ---- loading ---- */

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t capacity = 0, room, n;
    *size = 0;
    if (f == NULL)
        fail("%s: %s", path, strerror(errno));
    do {
        if (*size == capacity) {
            capacity = capacity ? 2 * capacity : 1 << 16;
            uint8_t *more = realloc(bytes, capacity);
            if (more == NULL)
                fail("%s: no memory%s", path, "");
            bytes = more;
        }
        room = capacity - *size;
        n = fread(bytes + *size, 1, room, f);
        *size += n;
    } while (n == room);
    if (ferror(f))
        fail("%s: %s", path, strerror(errno));
    fclose(f);
    return bytes;
}

static void load(struct run *r)
{
    size_t size;
    uint8_t *file = read_file(r->program, &size);
    Elf64_Ehdr eh;
    if (size < sizeof eh || memcmp(file, ELFMAG, SELFMAG) != 0)
        fail("%s: not an ELF file; give a program linked by duke-cc%s", r->program, "");
    memcpy(&eh, file, sizeof eh);
    if (eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_machine != EM_DUKE)
        fail("%s: not a program for Duke; give one linked by duke-cc%s", r->program, "");
    if (eh.e_type != ET_EXEC || eh.e_entry != ENGINE_RESET_PC)
        fail("%s: not linked for the reset address 0x40010000; link it with duke-cc%s", r->program, "");
    for (unsigned i = 0; i < eh.e_phnum; i++) {
        Elf64_Phdr ph;
        if (eh.e_phoff > size || size - eh.e_phoff < (uint64_t)(i + 1) * sizeof ph)
            fail("%s: truncated%s", r->program, "");
        memcpy(&ph, file + eh.e_phoff + i * sizeof ph, sizeof ph);
        if (ph.p_type != PT_LOAD)
            continue;
        if (ph.p_offset > size || ph.p_filesz > size - ph.p_offset || ph.p_filesz > ph.p_memsz)
            fail("%s: truncated%s", r->program, "");
        uint64_t end = ENGINE_HIDDEN_BASE + r->memory;
        if (ph.p_paddr < ENGINE_RESET_PC || ph.p_paddr > end || ph.p_memsz > end - ph.p_paddr)
            fail("%s: does not fit in hidden memory; raise --memory%s", r->program, "");
        if (!r->engine->ops->dma_write(r->engine, (uint32_t)ph.p_paddr, file + ph.p_offset, ph.p_filesz))
            fail("%s: the engine refuses a segment's address%s", r->program, "");
    }
    free(file);
    uint64_t sizes[2] = {r->memory, 4096}; /* hidden_size, dram_size */
    r->engine->ops->dma_write(r->engine, SHARED_ADDR + (uint32_t)offsetof(struct shared, hidden_size), sizes, sizeof sizes);
}

/* ---- serving ---- */

static uint64_t transfer(struct run *r, bool out, uint64_t fd, uint64_t addr, uint64_t size)
{
    char buffer[4096];
    uint64_t done = 0;
    while (done < size) {
        size_t n = size - done < sizeof buffer ? size - done : sizeof buffer;
        ssize_t got;
        if (out) {
            if (!r->engine->ops->dma_read(r->engine, (uint32_t)(addr + done), buffer, n))
                return UINT64_MAX;
            got = write((int)fd, buffer, n);
        } else {
            got = read((int)fd, buffer, n);
            if (got > 0 && !r->engine->ops->dma_write(r->engine, (uint32_t)(addr + done), buffer, (size_t)got))
                return UINT64_MAX;
        }
        if (got < 0)
            return UINT64_MAX;
        done += (uint64_t)got;
        if (!out)
            break; /* what is there is enough */
    }
    return done;
}

/* True: the program ends, with *status. */
static bool serve(struct run *r, int *status)
{
    const uint32_t at = SHARED_ADDR + (uint32_t)offsetof(struct shared, hc);
    uint64_t a[4], result = UINT64_MAX;
    r->engine->ops->dma_read(r->engine, at, a, sizeof a);
    switch (a[0]) {
    case NATIVE_WRITE:
        if (a[1] == 1 || a[1] == 2)
            result = transfer(r, true, a[1], a[2], a[3]);
        break;
    case NATIVE_READ:
        if (a[1] == 0)
            result = transfer(r, false, a[1], a[2], a[3]);
        break;
    case NATIVE_ARG: {
        const char *arg = a[1] < (uint64_t)r->nargs ? r->args[a[1]] : NULL;
        result = arg ? strlen(arg) + 1 : 0;
        if (arg && result <= a[3])
            r->engine->ops->dma_write(r->engine, (uint32_t)a[2], arg, result);
        break;
    }
    case NATIVE_EXIT: *status = (int)(a[1] & 0xff); return true;
    default:
        fprintf(stderr, "duke-run: the program calls host function %" PRIu64 ", which there is not\n", a[0]);
        *status = STATUS_STOPPED;
        return true;
    }
    r->engine->ops->dma_write(r->engine, at, &result, sizeof result);
    return false;
}

static int run(struct run *r)
{
    int status = STATUS_STOPPED;
    uint64_t left = r->max_cycles;
    for (;;) {
        struct engine_counters before, after;
        r->engine->ops->counters(r->engine, &before);
        enum engine_stop stop = r->engine->ops->run(r->engine, left, NULL, NULL);
        r->engine->ops->counters(r->engine, &after);
        left -= after.cycles - before.cycles < left ? after.cycles - before.cycles : left;
        if (stop == ENGINE_HCALL && r->engine->ops->hcall_number(r->engine) == HC_NATIVE) {
            if (serve(r, &status))
                return status;
            continue;
        }
        if (stop == ENGINE_HCALL)
            fprintf(stderr, "duke-run: host call %u, which only firmware makes\n", r->engine->ops->hcall_number(r->engine));
        else if (stop == ENGINE_LIMIT)
            fprintf(stderr, "duke-run: stopped after --max-cycles\n");
        else
            fprintf(stderr, "duke-run: the core stopped: %s\n", r->engine->ops->error_text(r->engine));
        return STATUS_STOPPED;
    }
}

static void print_stats(struct run *r)
{
    struct engine_counters c;
    r->engine->ops->counters(r->engine, &c);
    uint64_t bundles = c.event[DUKE_EVENT_BUNDLES_RETIRED], ops = c.event[DUKE_EVENT_OPS_RETIRED];
    fprintf(stderr, "cycles %" PRIu64 ", bundles %" PRIu64 ", ops %" PRIu64 ", ops/bundle %.2f, ops/cycle %.2f\n", c.cycles,
            bundles, ops, bundles ? (double)ops / (double)bundles : 0, c.cycles ? (double)ops / (double)c.cycles : 0);
    fprintf(stderr,
            "loads %" PRIu64 ", stores %" PRIu64 ", branches %" PRIu64 " (%" PRIu64 " taken, %" PRIu64 " mispredicted)\n",
            c.event[DUKE_EVENT_LOADS], c.event[DUKE_EVENT_STORES], c.event[DUKE_EVENT_BRANCHES],
            c.event[DUKE_EVENT_TAKEN_BRANCHES], c.event[DUKE_EVENT_MISPREDICTS]);
}

int main(int argc, char **argv)
{
    char err[256] = "";
    struct run r = {.engine_name = "func", .machine = "default", .memory = 64 << 20, .max_cycles = UINT64_MAX};
    parse(&r, argc, argv);
    struct engine_cfg cfg = {.machine = r.machine, .dram_size = 4096, .hidden_size = r.memory};
    r.engine = find_engine(r.engine_name)->create(&cfg, err, sizeof err);
    if (r.engine == NULL)
        fail("%s%s", err, "");
    load(&r);
    int status = run(&r);
    if (r.stats)
        print_stats(&r);
    r.engine->ops->destroy(r.engine);
    return status;
}

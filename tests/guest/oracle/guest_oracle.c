/* guest-oracle: random guest instructions on the host CPU and on morph's interpreter, compared one by one.
 *
 *   guest-oracle --seed S --count N [--mode ia32|x86-64] [--sse | --x87] [--len L] [--case K] [--vectors COMMAND] [--dump FILE]
 *                [--expect FILE] [--coverage FILE] [--child PATH] [--verbose]
 *
 * --mode says which mode the code is for, --sse that there are MMX and SSE instructions, too, --x87 all of these and x87.
 * --case runs one case of the seed alone. --vectors runs each case also by a command that reads cases as `selkirk vectors` does,
 * for example "selkirk vectors --gear translate". --dump and --expect write cases and the host's results in the format of
 * docs/vectors.md. Exit status: 0 no difference, 1 a difference, 2 bad usage, 3 this host cannot.
 */
#define _GNU_SOURCE
#include "oracle.h"

#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compare.h"
#include "coverage.h"
#include "decode.h"
#include "sem/sem.h"
#include "vectors.h"

struct options {
    uint64_t seed, first, count;
    unsigned len;
    struct oracle_kind kind;
    const char *child, *dump, *expect, *vectors, *coverage;
    bool verbose;
};

struct totals {
    uint64_t cases, insns, faults, given_up;
    struct coverage *coverage; /* NULL: not wanted */
};

static uint64_t case_seed(uint64_t seed, uint64_t number)
{
    struct random r = {.s = seed ^ (number * UINT64_C(0xd1342543de82ef95))};
    return random_next(&r);
}

static void print_insn(FILE *f, enum guest_mode mode, uint64_t rip, const uint8_t *bytes, unsigned len)
{
    struct ginsn g;
    static const char *const names[] = {
#define X(name, text, r, w, u, attr) [G_##name] = text,
        GOP_TABLE(X)
#undef X
    };
    bool ok = guest_decode(bytes, 15, mode, &g) == DECODE_OK;
    fprintf(f, "  %08" PRIx64 ":", rip);
    for (unsigned i = 0; i < len; i++)
        fprintf(f, " %02x", bytes[i]);
    fprintf(f, "  (%s)\n", ok ? names[g.op] : "undefined");
}

static bool is_pushf(const uint8_t *bytes, enum guest_mode mode)
{
    struct ginsn g;
    return guest_decode(bytes, 15, mode, &g) == DECODE_OK && g.op == G_PUSHF;
}

/* The kernel's trap flag shows in what pushf pushes. */
static void hide_trap_flag(struct host_cpu *h, const struct oracle_state *s)
{
    uint64_t at = s->gpr[GUEST_RSP] + 1 - ORACLE_DATA;
    if (at < ORACLE_DATA_SIZE)
        host_memory(h)->data[at] &= 0xfe;
}

struct trace {
    uint64_t rip;
    uint8_t bytes[16], len;
};

/* A processor may leave what ENTER and PUSHA pushed before they faulted: memory below the stack pointer, which nobody may rely on.
 * Morph leaves nothing. */
static void forget_pushes(enum guest_mode mode, struct oracle_memory *mem, const struct trace *t, const uint8_t *data)
{
    struct ginsn g;
    if (guest_decode(t->bytes, 15, mode, &g) != DECODE_OK)
        return;
    bool image = g.op == G_FNSTENV || g.op == G_FNSAVE || g.op == G_FXSAVE; /* or of an image that does not fit */
    if (image || g.op == G_ENTER || g.op == G_PUSHA || g.op == G_CALL_FAR)
        memcpy(mem->data, data, sizeof mem->data);
}

/* The signal of #MF is that of #XM. MMX instructions wait as those of the x87 do. */
static bool waits_for_x87(const uint8_t *bytes, enum guest_mode mode)
{
    struct ginsn g;
    if (guest_decode(bytes, 15, mode, &g) != DECODE_OK)
        return false;
    for (unsigned i = 0; i < g.nopnds; i++)
        if (g.opnd[i].kind == GO_MMX)
            return true;
    return g.op == G_FWAIT || g.op == G_EMMS || generator_is_x87(bytes);
}

static void forget_pointers(enum guest_mode mode, struct oracle_memory *mem, const struct trace *t, uint32_t at,
                            const uint8_t *got)
{
    struct ginsn g;
    if (guest_decode(t->bytes, 15, mode, &g) == DECODE_OK)
        generator_forget_pointers(&g, at, mem->data, got);
}

static const char *kind_options(const struct options *o)
{
    static const char *const texts[2][3] = {{"", "--sse ", "--x87 "},
                                            {"--mode x86-64 ", "--mode x86-64 --sse ", "--mode x86-64 --x87 "}};
    return texts[o->kind.mode == GUEST_X86_64][o->kind.sse + o->kind.x87];
}

static void print_state(const struct options *o, const struct oracle_state *s)
{
    static const char *const names[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    bool wide = o->kind.mode == GUEST_X86_64;
    fputs("Before:", stderr);
    for (unsigned i = 0; i < (wide ? 16 : 8); i++)
        if (i < 8)
            fprintf(stderr, " %c%s %08" PRIx64, wide ? 'r' : 'e', names[i], s->gpr[i]);
        else
            fprintf(stderr, " r%u %08" PRIx64, i, s->gpr[i]);
    fprintf(stderr, " eflags %08x\n", s->eflags);
    if (!o->kind.sse)
        return;
    for (unsigned i = 0; i < (wide ? 16 : 8); i++)
        fprintf(stderr, "  xmm%u %016" PRIx64 "'%016" PRIx64 "%s", i, s->xmm[i][1], s->xmm[i][0], i % 2 ? "\n" : "");
    for (unsigned i = 0; i < 8; i++)
        fprintf(stderr, "  mm%u %04x.%016" PRIx64 "%s", i, s->se[i], s->st[i], i % 4 == 3 ? "\n" : "");
    fprintf(stderr, "  mxcsr %04x, x87 control %04x, status %04x, used %02x\n", s->mxcsr, s->fcw, s->fsw, s->st_used);
}

static void complain(const struct options *o, const char *what, const char *executor, const struct oracle_case *c,
                     const char *text, const struct trace *trace, unsigned n, const struct oracle_state *before)
{
    fprintf(stderr, "guest-oracle: case %" PRIu64 " of seed %" PRIu64 ": %s differs from the host %s:\n%s", c->number, o->seed,
            executor, what, text);
    print_state(o, before);
    fprintf(stderr, "Instructions:\n");
    for (unsigned i = 0; i < n; i++)
        print_insn(stderr, o->kind.mode, trace[i].rip, trace[i].bytes, trace[i].len);
    fprintf(stderr, "Again: guest-oracle %s--seed %" PRIu64 " --case %" PRIu64 " --len %u\n", kind_options(o), o->seed,
            c->number, o->len);
}

static uint32_t defined_mask(const struct generator *gen)
{
    return (EFL_ARITH & ~gen->undefined) | EFL_DF | EFL_AC | 1 << 14; /* ptrace cannot set ID */
}

/* Makes case c on the host, instruction by instruction with the executor. False: they differ. *complete: false if given up. */
static bool make_case(const struct options *o, struct host_cpu *h, const struct oracle_executor *x, void *xs,
                      struct oracle_case *c, struct totals *totals, bool *complete)
{
    static struct generator gen;
    struct trace trace[ORACLE_MAX_INSNS] = {0};
    struct oracle_memory *mem = host_memory(h);
    struct oracle_state s;
    char text[4096];

    c->kind = o->kind;
    generator_begin(&gen, &o->kind, case_seed(o->seed, c->number), &c->before, mem);
    c->mem_before = *mem;
    memcpy(c->pattern, gen.pattern, sizeof c->pattern);
    c->ninsns = 0;
    s = c->after = c->before;
    c->eflags_mask = defined_mask(&gen);
    host_set(h, &s);
    x->begin(xs, &o->kind, &s, mem);
    for (unsigned i = 0; i < o->len; i++) {
        struct trace *t = &trace[i];
        struct oracle_state host, got;
        uint64_t at = s.rip - ORACLE_CODE;
        t->rip = s.rip;
        t->len = (uint8_t)generator_next(&gen, &s, t->bytes);
        if (t->len) {
            memcpy(mem->code + at, t->bytes, t->len);
            memcpy(c->mem_before.code + at, t->bytes, t->len);
            x->write_code(xs, (unsigned)at, t->bytes, t->len);
        } else if (at < ORACLE_CODE_SIZE) {
            break;
        }
        if (o->verbose)
            print_insn(stdout, o->kind.mode, t->rip, t->bytes, t->len);
        if (!host_step(h, &host)) {
            totals->given_up++;
            *complete = false;
            return true;
        }
        if (is_pushf(t->bytes, o->kind.mode) && host.vector < 0)
            hide_trap_flag(h, &host);
        if (host.vector >= 0 && t->len)
            forget_pushes(o->kind.mode, mem, t, x->data(xs));
        if (host.vector < 0)
            generator_done(&gen, t->bytes, t->len, &s);
        if (host.vector == GUEST_XM && s.fsw & 0x80 && waits_for_x87(t->bytes, o->kind.mode))
            host.vector = GUEST_MF;
        x->run(xs, 1, &got);
        if (host.vector < 0 && o->kind.x87)
            forget_pointers(o->kind.mode, mem, t, gen.image, x->data(xs));
        if (oracle_differs(&host, &got, defined_mask(&gen), mem->data, x->data(xs), text, sizeof text)) {
            complain(o, "after the last of these", x->name, c, text, trace, i + 1, &s);
            return false;
        }
        totals->insns++;
        if (t->len && totals->coverage)
            coverage_note(totals->coverage, o->kind.mode, t->bytes, host.vector >= 0);
        s = c->after = host;
        c->eflags_mask = defined_mask(&gen);
        c->ninsns++;
        if (host.vector >= 0) {
            totals->faults++;
            break;
        }
    }
    memcpy(c->data_after, mem->data, sizeof c->data_after);
    memcpy(c->code_used, gen.used, sizeof c->code_used);

    /* The same again in one go: blocks of more than one instruction. */
    struct oracle_state got;
    x->begin(xs, &o->kind, &c->before, &c->mem_before);
    x->run(xs, c->ninsns, &got);
    if (oracle_differs(&c->after, &got, c->eflags_mask, c->data_after, x->data(xs), text, sizeof text)) {
        complain(o, "when all are run at once", x->name, c, text, trace, c->ninsns, &c->before);
        return false;
    }
    return true;
}

/* The case as a whole on the command of --vectors. False: it differs. */
static bool send_case(const struct options *o, struct vectors_process *p, const struct oracle_case *c)
{
    static uint8_t data[ORACLE_DATA_SIZE];
    static char answer[16384];
    char text[4096];
    struct oracle_state got;
    if (!vectors_run(p, c, &got, data, answer, sizeof answer)) {
        fprintf(stderr, "guest-oracle: case %" PRIu64 " of seed %" PRIu64 ": %s: %s\n", c->number, o->seed, o->vectors, answer);
        return false;
    }
    if (!oracle_differs(&c->after, &got, c->eflags_mask, c->data_after, data, text, sizeof text))
        return true;
    fprintf(stderr, "guest-oracle: case %" PRIu64 " of seed %" PRIu64 ": %s differs from the host:\n%sAnswer: %s", c->number,
            o->seed, o->vectors, text, answer);
    fprintf(stderr, "Again: guest-oracle %s--seed %" PRIu64 " --case %" PRIu64 " --len %u --vectors '%s' --verbose\n",
            kind_options(o), o->seed, c->number, o->len, o->vectors);
    return false;
}

static int help(void)
{
    printf("usage: guest-oracle [options]\n\n"
           "Random x86 instructions on the host CPU and in morph's interpreter, compared one by one.\n\n"
           "  --seed S           seed of the run (1)\n"
           "  --count N          cases (1000)\n"
           "  --len 1..%u        most instructions in a case (12)\n"
           "  --mode MODE        ia32 (default) or x86-64\n"
           "  --sse              MMX and SSE instructions too\n"
           "  --x87              x87, MMX and SSE instructions too\n"
           "  --case K           case K of the seed alone\n"
           "  --vectors COMMAND  run each case by this as well; it reads cases as `selkirk vectors` does\n"
           "  --dump FILE        write the cases\n"
           "  --expect FILE      write the host's results\n"
           "  --coverage FILE    write which instructions were executed in which forms\n"
           "  --child PATH       the traced program (guest-oracle-child beside this one)\n"
           "  --verbose          show the instructions\n\n"
           "Exit status: 0 no difference, 1 a difference, 2 bad usage, 3 this host cannot.\n",
           ORACLE_MAX_INSNS);
    return 0;
}

static int usage(const char *why)
{
    fprintf(stderr, "guest-oracle: %s; see guest-oracle --help\n", why);
    return 2;
}

static bool number(const char *text, uint64_t *out)
{
    char *end;
    *out = strtoull(text, &end, 0);
    return *text && !*end;
}

static void shut(FILE *f)
{
    if (f)
        fclose(f);
}

int main(int argc, char **argv)
{
    struct options o = {.seed = 1, .count = 1000, .len = 12};
    static struct totals totals;
    static struct oracle_case c;
    static char path[4096];

    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        uint64_t v = 0;
        if (!strcmp(name, "--help") || !strcmp(name, "-h"))
            return help();
        if (!strcmp(name, "--sse")) {
            o.kind.sse = true;
            continue;
        }
        if (!strcmp(name, "--x87")) {
            o.kind.sse = o.kind.x87 = true;
            continue;
        }
        if (!strcmp(name, "--verbose")) {
            o.verbose = true;
            continue;
        }
        i++;
        if (!strcmp(name, "--mode") && (!strcmp(value, "ia32") || !strcmp(value, "x86-64"))) {
            o.kind.mode = *value == 'x' ? GUEST_X86_64 : GUEST_IA32;
        } else if (!strcmp(name, "--child")) {
            o.child = value;
        } else if (!strcmp(name, "--dump")) {
            o.dump = value;
        } else if (!strcmp(name, "--expect")) {
            o.expect = value;
        } else if (!strcmp(name, "--vectors")) {
            o.vectors = value;
        } else if (!strcmp(name, "--coverage")) {
            o.coverage = value;
            totals.coverage = coverage_make();
        } else if (!number(value, &v)) {
            return usage(strncmp(name, "--", 2) ? "arguments are options" : "unknown option, or it wants a number");
        } else if (!strcmp(name, "--seed")) {
            o.seed = v;
        } else if (!strcmp(name, "--count")) {
            o.count = v;
        } else if (!strcmp(name, "--case")) {
            o.first = v;
            o.count = 1;
        } else if (!strcmp(name, "--len") && v >= 1 && v <= ORACLE_MAX_INSNS) {
            o.len = (unsigned)v;
        } else {
            return usage("unknown option or value out of range");
        }
    }
    if (!o.child) { /* beside this program */
        ssize_t n = readlink("/proc/self/exe", path, sizeof path - 32);
        path[n < 0 ? 0 : n] = '\0';
        o.child = strcat(dirname(path), o.kind.mode == GUEST_X86_64 ? "/guest-oracle-child64" : "/guest-oracle-child");
    }
    FILE *dump = NULL, *expect = NULL;
    if ((o.dump && !(dump = fopen(o.dump, "w"))) || (o.expect && !(expect = fopen(o.expect, "w")))) {
        perror(o.dump && !dump ? o.dump : o.expect);
        shut(dump);
        return 2;
    }
    struct vectors_process *process = o.vectors ? vectors_start(o.vectors) : NULL;
    struct host_cpu *h = host_open(o.child, &o.kind);
    void *xs = oracle_interp.open();
    if (!h || !xs) {
        shut(dump);
        shut(expect);
        return 3;
    }
    bool ok = true;
    for (uint64_t i = 0; i < o.count && ok; i++) {
        c.seed = o.seed;
        c.number = o.first + i;
        totals.cases++;
        bool complete = true;
        ok = make_case(&o, h, &oracle_interp, xs, &c, &totals, &complete);
        if (!ok || !complete || !c.ninsns)
            continue;
        if (dump)
            vectors_write(dump, &c);
        if (expect)
            vectors_write_expected(expect, &c);
        if (process)
            ok = send_case(&o, process, &c);
    }
    shut(dump);
    shut(expect);
    if (process)
        vectors_end(process);
    fprintf(stderr,
            "guest-oracle: seed %" PRIu64 ": %" PRIu64 " cases, %" PRIu64 " instructions, %" PRIu64 " exceptions, %" PRIu64
            " given up: %s\n",
            o.seed, totals.cases, totals.insns, totals.faults, totals.given_up, ok ? "no difference" : "DIFFERENT");
    if (o.coverage && !coverage_write(totals.coverage, o.coverage)) {
        perror(o.coverage);
        ok = false;
    }
    host_close(h);
    oracle_interp.close(xs);
    return ok ? 0 : 1;
}

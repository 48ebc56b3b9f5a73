/* guest-oracle: random guest instructions on the host CPU and on morph's interpreter, compared.
 *
 *   guest-oracle --seed S --count N [--mode ia32|x86-64] [--sse | --x87] [--len L] [--case K] [--vectors COMMAND] [--dump FILE]
 *                [--step-every K] [--expect FILE] [--coverage FILE] [--child PATH] [--verbose]
 *
 * --mode says which mode the code is for, --sse that there are MMX and SSE instructions, too, --x87 all of these and x87.
 * Each case goes by single steps and is compared after each; with --step-every, each Kth alone (0: none): the others run natively to
 * their end. --case runs one case of the seed alone. --vectors runs each case also by a command that reads cases as `selkirk vectors` does,
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

#include "case.h"
#include "vectors.h"

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
            case_kind_options(o), o->seed, c->number, o->len, o->vectors);
    return false;
}

static int help(void)
{
    printf("usage: guest-oracle [options]\n\n"
           "Random x86 instructions on the host CPU and in morph's interpreter, compared.\n\n"
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
           "  --step-every K     single steps for each Kth case only, 0: for none (1); the others run natively, many times as "
           "fast\n"
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

/* A program beside this one. */
static const char *beside(const char *name, char path[4096])
{
    ssize_t n = readlink("/proc/self/exe", path, 4096 - 32);
    path[n < 0 ? 0 : n] = '\0';
    return strcat(dirname(path), name);
}

/* What a run has at hand. */
struct run {
    const struct options *o;
    struct totals *totals;
    struct host_cpu *host;
    void *interp;
    struct batch *batch;
    struct vectors_process *process;
    FILE *dump, *expect;
    struct oracle_case c;
};

/* The case was as it should be: others get it. */
static bool hand_on(struct run *r)
{
    if (r->dump)
        vectors_write(r->dump, &r->c);
    if (r->expect)
        vectors_write_expected(r->expect, &r->c);
    return !r->process || send_case(r->o, r->process, &r->c);
}

static bool run_steps(struct run *r, uint64_t number)
{
    bool complete = true;
    r->c.seed = r->o->seed;
    r->c.number = number;
    r->totals->stepped++;
    if (!case_by_steps(r->o, r->host, &oracle_interp, r->interp, &r->c, r->totals, &complete))
        return false;
    return !complete || !r->c.ninsns || hand_on(r);
}

static bool run_batch(struct run *r)
{
    struct batch *b = r->batch;
    bool wanted = r->dump || r->expect || r->process, ok = batch_run(b);
    for (unsigned i = 0; ok && i < batch_count(b); i++) {
        char text[4096];
        if (batch_same(b, i, wanted ? &r->c : NULL, text, sizeof text)) {
            ok = !wanted || hand_on(r);
            continue;
        }
        ok = run_steps(r, batch_number(b, i));
        if (ok && !batch_stored_image(b, i)) {
            batch_complain(b, i, text);
            ok = false;
        }
    }
    batch_clear(b);
    return ok;
}

static bool run_all(struct run *r)
{
    const struct options *o = r->o;
    bool ok = true;
    for (uint64_t i = o->first; i < o->first + o->count && ok; i++) {
        bool steps = o->step_every && i % o->step_every == 0;
        r->totals->cases++;
        if (steps || !batch_add(r->batch, i, r->totals))
            ok = run_steps(r, i);
        else if (batch_full(r->batch))
            ok = run_batch(r);
    }
    return ok && (!r->batch || run_batch(r));
}

static int run(const struct options *o, struct totals *t)
{
    static struct run r;
    int status = 3;
    r.o = o;
    r.totals = t;
    if ((o->dump && !(r.dump = fopen(o->dump, "w"))) || (o->expect && !(r.expect = fopen(o->expect, "w")))) {
        perror(o->dump && !r.dump ? o->dump : o->expect);
        shut(r.dump);
        return 2;
    }
    r.process = o->vectors ? vectors_start(o->vectors) : NULL;
    r.host = host_open(o->child, &o->kind);
    r.interp = oracle_interp.open(ORACLE_BLOCK);
    r.batch = o->step_every != 1 ? batch_open(o, &oracle_interp) : NULL;
    if (r.host && (r.batch || o->step_every == 1)) {
        bool ok = run_all(&r);
        fprintf(stderr,
                "guest-oracle: seed %" PRIu64 ": %" PRIu64 " cases, %" PRIu64 " by steps, %" PRIu64 " instructions, %" PRIu64
                " exceptions, %" PRIu64 " given up: %s\n",
                o->seed, t->cases, t->stepped, t->insns, t->faults, t->given_up, ok ? "no difference" : "DIFFERENT");
        if (o->coverage && !coverage_write(t->coverage, o->coverage)) {
            perror(o->coverage);
            ok = false;
        }
        status = !ok;
    }
    shut(r.dump);
    shut(r.expect);
    if (r.process)
        vectors_end(r.process);
    if (r.batch)
        batch_close(r.batch);
    if (r.host)
        host_close(r.host);
    oracle_interp.close(r.interp);
    return status;
}

int main(int argc, char **argv)
{
    static struct options o = {.seed = 1, .count = 1000, .len = 12, .step_every = 1};
    static struct totals totals;
    static char path[4096], native[4096];

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
        } else if (!strcmp(name, "--step-every") && v <= UINT32_MAX) {
            o.step_every = (unsigned)v;
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
    bool wide = o.kind.mode == GUEST_X86_64;
    o.native_child = beside(wide ? "/guest-oracle-native64" : "/guest-oracle-native", native);
    if (!o.child)
        o.child = beside(wide ? "/guest-oracle-child64" : "/guest-oracle-child", path);
    return run(&o, &totals);
}

/* What all ways of making a case need: numbers, reports, and what of memory does not count. */
#include "case.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "decode.h"
#include "sem/sem.h"

uint64_t case_seed(uint64_t seed, uint64_t number)
{
    struct random r = {.s = seed ^ (number * UINT64_C(0xd1342543de82ef95))};
    return random_next(&r);
}

uint32_t case_defined_flags(const struct generator *gen)
{
    return (EFL_ARITH & ~gen->undefined) | EFL_DF | EFL_AC | 1 << 14; /* ptrace cannot set ID */
}

void case_print_insn(FILE *f, enum guest_mode mode, uint64_t rip, const uint8_t *bytes, unsigned len)
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

const char *case_kind_options(const struct options *o)
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

void case_complain(const struct options *o, const char *what, const char *executor, const struct oracle_case *c,
                   const char *text, const struct trace *trace, unsigned n, const struct oracle_state *before)
{
    fprintf(stderr, "guest-oracle: case %" PRIu64 " of seed %" PRIu64 ": %s differs from the host %s:\n%s", c->number, o->seed,
            executor, what, text);
    print_state(o, before);
    fprintf(stderr, "Instructions:\n");
    for (unsigned i = 0; i < n; i++)
        case_print_insn(stderr, o->kind.mode, trace[i].rip, trace[i].bytes, trace[i].len);
    fprintf(stderr, "Again: guest-oracle %s--seed %" PRIu64 " --case %" PRIu64 " --len %u\n", case_kind_options(o), o->seed,
            c->number, o->len);
}

static bool is_image(unsigned op) { return op == G_FNSTENV || op == G_FNSAVE || op == G_FXSAVE; }

bool case_stores_image(enum guest_mode mode, const struct trace *t)
{
    struct ginsn g;
    return t->image && guest_decode(t->bytes, 15, mode, &g) == DECODE_OK && is_image(g.op);
}

/* A processor may leave what ENTER and PUSHA pushed before they faulted: memory below the stack pointer, which nobody may rely on.
 * Morph leaves nothing. */
void case_forget_pushes(enum guest_mode mode, uint8_t *data, const struct trace *t, const uint8_t *got)
{
    struct ginsn g;
    if (guest_decode(t->bytes, 15, mode, &g) != DECODE_OK)
        return;
    if (is_image(g.op) /* that does not fit */ || g.op == G_ENTER || g.op == G_PUSHA || g.op == G_CALL_FAR)
        memcpy(data, got, ORACLE_DATA_SIZE);
}

void case_forget_pointers(enum guest_mode mode, uint8_t *data, const struct trace *t, const uint8_t *got)
{
    struct ginsn g;
    if (t->image && guest_decode(t->bytes, 15, mode, &g) == DECODE_OK)
        generator_forget_pointers(&g, t->image, data, got);
}

/* Whether an exception is that of a string instruction's destination. */
static bool tells_destination(enum guest_mode mode, const struct ginsn *g, const struct oracle_state *s)
{
    uint64_t at = g->addrsize == 8 ? s->gpr[GUEST_RDI] : s->gpr[GUEST_RDI] & ((UINT64_C(1) << 8 * g->addrsize) - 1);
    if (at - ORACLE_DATA <= ORACLE_DATA_SIZE - g->opsize) /* nothing is wrong with it */
        return false;
    if (s->vector == GUEST_PF)
        return s->addr - at < g->opsize;
    return s->vector == GUEST_GP && mode == GUEST_X86_64 && (uint64_t)((int64_t)(at << 16) >> 16) != at;
}

void case_forget_order(enum guest_mode mode, const struct trace *t, struct oracle_state *host, const struct oracle_state *got)
{
    struct ginsn g;
    bool raised = host->vector == GUEST_PF || host->vector == GUEST_GP;
    if (!raised || !t->len || guest_decode(t->bytes, 15, mode, &g) != DECODE_OK || g.op != G_CMPS)
        return;
    if (tells_destination(mode, &g, got) && !tells_destination(mode, &g, host)) {
        host->vector = got->vector;
        host->error = got->error;
        host->addr = got->addr;
    }
}

/* Cases by single steps of the host: after each instruction the states are compared. */
#include <string.h>

#include "case.h"
#include "decode.h"
#include "sem/sem.h"

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

enum { CHILD_BEGIN = 0x5b7d0000, CHILD_SIZE = 0x10000 }; /* where the traced program is */

bool case_by_steps(const struct options *o, struct host_cpu *h, const struct oracle_executor *x, void *xs,
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
    c->eflags_mask = case_defined_flags(&gen);
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
            case_print_insn(stdout, o->kind.mode, t->rip, t->bytes, t->len);
        if (!host_step(h, &host)) {
            totals->given_up++;
            *complete = false;
            return true;
        }
        if (is_pushf(t->bytes, o->kind.mode) && host.vector < 0)
            hide_trap_flag(h, &host);
        if (host.vector >= 0 && t->len)
            case_forget_pushes(o->kind.mode, mem->data, t, x->data(xs));
        if (host.vector < 0)
            generator_done(&gen, t->bytes, t->len, &s);
        if (host.vector == GUEST_XM && s.fsw & 0x80 && waits_for_x87(t->bytes, o->kind.mode))
            host.vector = GUEST_MF;
        x->run(xs, 1, &got);
        case_forget_order(o->kind.mode, t, &host, &got);
        if (got.vector == GUEST_PF && got.addr - CHILD_BEGIN < CHILD_SIZE) { /* here it may well find something */
            totals->given_up++;
            *complete = false;
            return true;
        }
        t->image = host.vector < 0 && o->kind.x87 ? gen.image : 0;
        case_forget_pointers(o->kind.mode, mem->data, t, x->data(xs));
        if (oracle_differs(&host, &got, case_defined_flags(&gen), mem->data, x->data(xs), text, sizeof text)) {
            case_complain(o, "after the last of these", x->name, c, text, trace, i + 1, &s);
            return false;
        }
        totals->insns++;
        if (t->len && totals->coverage)
            coverage_note(totals->coverage, o->kind.mode, t->bytes, host.vector >= 0);
        s = c->after = host;
        c->eflags_mask = case_defined_flags(&gen);
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
        case_complain(o, "when all are run at once", x->name, c, text, trace, c->ninsns, &c->before);
        return false;
    }
    return true;
}

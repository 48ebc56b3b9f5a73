/* Cases that run natively. The interpreter makes a case, instruction by instruction, as the host does in steps.c; then the host
 * runs the whole of it, and both ends are compared. What differs is for single steps to explain.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "native.h"
#include "sem/sem.h"

enum { INT3 = 0xcc, PATIENCE = 30 /* a batch takes milliseconds */ };

struct made {
    uint64_t number;
    struct oracle_state after; /* as the interpreter has it */
    uint32_t eflags_mask;
    unsigned ninsns;
    bool image;
    struct trace trace[ORACLE_MAX_INSNS];
    uint8_t data_after[ORACLE_DATA_SIZE];
    uint8_t pattern[ORACLE_PATTERN], code_used[ORACLE_CODE_SIZE / 8];
};

struct batch {
    const struct options *o;
    const struct oracle_executor *x;
    void *steps, *whole; /* machines of the executor: one makes cases, the other runs them in one go */
    struct native *native;
    unsigned count;
    struct oracle_memory *before; /* of each case, for those who want it; else NULL */
    struct made made[NATIVE_CASES];
};

struct batch *batch_open(const struct options *o, const struct oracle_executor *x)
{
    struct batch *b = calloc(1, sizeof *b);
    b->o = o;
    b->x = x;
    b->steps = x->open(1);
    b->whole = x->open(ORACLE_BLOCK);
    b->native = native_open(o->native_child, &o->kind, PATIENCE);
    if (b->native && (o->vectors || o->dump || o->expect))
        b->before = calloc(NATIVE_CASES, sizeof *b->before);
    if (b->native)
        return b;
    free(b);
    return NULL;
}

void batch_close(struct batch *b)
{
    native_close(b->native);
    b->x->close(b->steps);
    b->x->close(b->whole);
    free(b->before);
    free(b);
}

static bool is_runners(uint64_t at) { return at >= NATIVE_BEGIN && at < NATIVE_END; }

/* Whether the native run ends where this one does: not in code that was executed, not where the runner's own memory is. */
static bool ends_well(const struct oracle_state *s, const struct generator *gen)
{
    uint64_t at = s->rip - ORACLE_CODE;
    if (s->vector >= 0x100 || is_runners(s->rip) || is_runners(s->gpr[GUEST_RSP]) || is_runners(s->addr))
        return false;
    return s->vector >= 0 || (at < ORACLE_CODE_SIZE && !(gen->used[at / 8] >> (at % 8) & 1));
}

/* The same again: blocks of more than one instruction. */
static bool same_at_once(struct batch *b, const struct native_case *slot, const struct made *m, const struct oracle_state *s,
                         uint32_t flags)
{
    struct oracle_state got;
    char text[512];
    b->x->begin(b->whole, &b->o->kind, &slot->before, &slot->mem);
    b->x->run(b->whole, m->ninsns, &got);
    return !oracle_differs(s, &got, flags, b->x->data(b->steps), b->x->data(b->whole), text, sizeof text);
}

bool batch_add(struct batch *b, uint64_t number, struct totals *totals)
{
    static struct generator gen;
    const struct options *o = b->o;
    const struct oracle_executor *x = b->x;
    struct native_case *slot = native_case(b->native, b->count);
    struct made *m = &b->made[b->count];
    struct oracle_state s;
    struct totals sum = {0};

    generator_begin(&gen, &o->kind, case_seed(o->seed, number), &slot->before, &slot->mem);
    m->number = number;
    m->ninsns = 0;
    m->image = false;
    s = slot->before;
    x->begin(b->steps, &o->kind, &s, &slot->mem);
    for (unsigned i = 0; i < o->len && s.vector < 0; i++) {
        struct trace *t = &m->trace[i];
        struct oracle_state before = s;
        uint64_t at = s.rip - ORACLE_CODE;
        t->rip = s.rip;
        t->len = (uint8_t)generator_next(&gen, &s, t->bytes);
        if (t->len) {
            memcpy(slot->mem.code + at, t->bytes, t->len);
            x->write_code(b->steps, (unsigned)at, t->bytes, t->len);
        } else if (at < ORACLE_CODE_SIZE) {
            break;
        }
        if (o->verbose)
            case_print_insn(stdout, o->kind.mode, t->rip, t->bytes, t->len);
        x->run(b->steps, 1, &s);
        t->image = s.vector < 0 && o->kind.x87 ? gen.image : 0;
        m->image |= case_stores_image(o->kind.mode, t);
        if (s.vector < 0)
            generator_done(&gen, t->bytes, t->len, &before);
        sum.insns++;
        sum.faults += s.vector >= 0;
        m->ninsns++;
    }
    if (!m->ninsns || !ends_well(&s, &gen))
        return false;
    if (s.vector < 0)
        slot->mem.code[s.rip - ORACLE_CODE] = INT3;
    if (!same_at_once(b, slot, m, &s, case_defined_flags(&gen)))
        return false;
    m->after = s;
    m->eflags_mask = case_defined_flags(&gen);
    memcpy(m->data_after, x->data(b->steps), sizeof m->data_after);
    memcpy(m->pattern, gen.pattern, sizeof m->pattern);
    memcpy(m->code_used, gen.used, sizeof m->code_used);
    slot->after = (struct oracle_state){0};
    if (b->before)
        b->before[b->count] = slot->mem;
    totals->insns += sum.insns;
    totals->faults += sum.faults;
    for (unsigned i = 0; i < m->ninsns && totals->coverage; i++)
        if (m->trace[i].len)
            coverage_note(totals->coverage, o->kind.mode, m->trace[i].bytes, i + 1 == m->ninsns && s.vector >= 0);
    b->count++;
    return true;
}

bool batch_full(const struct batch *b) { return b->count == NATIVE_CASES; }

bool batch_run(struct batch *b) { return !b->count || native_run(b->native, b->count); }

unsigned batch_count(const struct batch *b) { return b->count; }

uint64_t batch_number(const struct batch *b, unsigned i) { return b->made[i].number; }

bool batch_stored_image(const struct batch *b, unsigned i) { return b->made[i].image; }

static const uint64_t USER_END = UINT64_C(0x7ffffffff000);

/* The host's end of the case, as if there were no INT3. */
static struct oracle_state host_end(const struct made *m, const struct native_case *slot)
{
    struct oracle_state host = slot->after;
    if (m->after.vector < 0 && host.vector == GUEST_BP && host.rip == m->after.rip + 1) {
        host.rip--;
        host.vector = -1;
    }
    if (host.vector == GUEST_PF && host.addr >= USER_END) /* the kernel does not tell which of its pages are there */
        host.error &= ~1;
    return host;
}

static void forget(const struct batch *b, const struct made *m, uint8_t *data)
{
    enum guest_mode mode = b->o->kind.mode;
    for (unsigned i = 0; i < m->ninsns && m->image; i++)
        case_forget_pointers(mode, data, &m->trace[i], m->data_after);
    if (m->after.vector >= 0)
        case_forget_pushes(mode, data, &m->trace[m->ninsns - 1], m->data_after);
}

bool batch_same(struct batch *b, unsigned i, struct oracle_case *c, char *text, unsigned size)
{
    const struct made *m = &b->made[i];
    struct native_case *slot = native_case(b->native, i);
    struct oracle_state host = host_end(m, slot);
    if (host.vector == NATIVE_HUNG || host.vector == NATIVE_DIED) {
        snprintf(text, size, host.vector == NATIVE_HUNG ? "  it does not come back\n" : "  it ends the host's process\n");
        return false;
    }
    case_forget_order(b->o->kind.mode, &m->trace[m->ninsns - 1], &host, &m->after);
    if (memcmp(slot->mem.data, m->data_after, ORACLE_DATA_SIZE) != 0)
        forget(b, m, slot->mem.data);
    if (oracle_differs(&host, &m->after, m->eflags_mask, slot->mem.data, m->data_after, text, size))
        return false;
    if (!c)
        return true;
    *c = (struct oracle_case){
        .seed = b->o->seed,
        .number = m->number,
        .kind = b->o->kind,
        .before = slot->before,
        .after = host,
        .eflags_mask = m->eflags_mask,
        .ninsns = m->ninsns,
        .mem_before = b->before[i],
    };
    memcpy(c->pattern, m->pattern, sizeof c->pattern);
    memcpy(c->code_used, m->code_used, sizeof c->code_used);
    memcpy(c->data_after, slot->mem.data, sizeof c->data_after);
    return true;
}

void batch_complain(const struct batch *b, unsigned i, const char *text)
{
    const struct made *m = &b->made[i];
    const struct oracle_case c = {.number = m->number};
    case_complain(b->o, "as it runs without steps", b->x->name, &c, text, m->trace, m->ninsns,
                  &native_case(b->native, i)->before);
}

void batch_clear(struct batch *b) { b->count = 0; }

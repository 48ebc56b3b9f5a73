/* Makes threaded code of bundles.
 *
 * A *trace* is a run of consecutive bundles from the address that was asked for to an unconditional jump, a bundle that only
 * the reference can do, or FUNC_TRACE_BUNDLES. Its ops run one after the other, so the order must make up for "reads before
 * writes" and "a bundle that traps has no effect":
 *
 *   saves of registers that an op reads after another one has written them (to temporaries),
 *   chks, loads, stores          anything that can fail; a second one can take the first one back
 *   other ops                    sorted so that few registers need saving
 *   commit, branch
 *
 * Conditional branches that are not taken go on in the trace. Exits are two steps: the branch, whose imm points at what runs
 * next, and a LINK that finds the target's trace at first and then points imm there.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>

#include "engine_func.h"
#include "engine_func_ops.h"

enum {
    MAX_INSNS = 1 << 22,
    MAX_PLACES = 1 << 21,
    TRACE_INSNS = FUNC_TRACE_BUNDLES * 32 + 8, /* no trace is longer */
    TRACE_PLACES = FUNC_TRACE_BUNDLES * 4 + 4,
    MAX_DIRTY = 256,
    PAGE_WORDS = 1024,
    PAGES = 1 << 20,
};

struct func_code {
    struct func_insn *insns;
    struct func_place *places;
    uint32_t ninsns, nplaces;
    uint32_t dirty[MAX_DIRTY], ndirty;
    bool dirty_overflow;
    uint64_t past[5];               /* events of places that are gone */
    struct func_insn **page[PAGES]; /* by pc: heads of traces */
    uint32_t used[PAGES], nused;    /* pages that have heads */
};

static void *reserve(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

bool func_code_create(struct func *e)
{
    e->code = reserve(sizeof *e->code);
    if (e->code == NULL)
        return false;
    e->code->insns = reserve(sizeof(struct func_insn) * MAX_INSNS);
    e->code->places = reserve(sizeof(struct func_place) * MAX_PLACES);
    e->code->nplaces = 1;
    e->places = e->code->places;
    e->labels = func_fast_labels();
    return e->code->insns != NULL && e->code->places != NULL;
}

void func_code_destroy(struct func *e)
{
    if (e->code == NULL)
        return;
    for (uint32_t i = 0; i < e->code->nused; i++)
        free(e->code->page[e->code->used[i]]);
    if (e->code->insns != NULL)
        munmap(e->code->insns, sizeof(struct func_insn) * MAX_INSNS);
    if (e->code->places != NULL)
        munmap(e->code->places, sizeof(struct func_place) * MAX_PLACES);
    munmap(e->code, sizeof *e->code);
}

static void sum_places(const struct func_code *c, uint64_t sum[5])
{
    for (uint32_t i = 1; i < c->nplaces; i++) {
        const struct func_place *p = &c->places[i];
        sum[0] += p->executed * p->ops;
        sum[1] += p->executed * p->loads;
        sum[2] += p->executed * p->stores;
        sum[3] += p->executed * p->branches;
        sum[4] += p->executed * p->taken;
    }
}

void func_code_events(const struct func *e, uint64_t *event)
{
    uint64_t sum[5];
    memcpy(sum, e->code->past, sizeof sum);
    sum_places(e->code, sum);
    event[DUKE_EVENT_OPS_RETIRED] += sum[0];
    event[DUKE_EVENT_LOADS] += sum[1];
    event[DUKE_EVENT_STORES] += sum[2];
    event[DUKE_EVENT_BRANCHES] += sum[3];
    event[DUKE_EVENT_TAKEN_BRANCHES] += sum[4];
    event[DUKE_EVENT_BUNDLES_RETIRED] = e->count - e->traps;
}

void func_code_flush(struct func *e)
{
    struct func_code *c = e->code;
    sum_places(c, c->past);
    for (uint32_t i = 0; i < c->nused; i++) {
        uint32_t page = c->used[i];
        free(c->page[page]);
        c->page[page] = NULL;
        e->code_page[page] = e->code_page[(page + 1) % PAGES] = FUNC_PAGE_PLAIN; /* a trace may reach into the next */
    }
    c->nused = 0;
    c->ninsns = 0;
    c->nplaces = 1;
    c->ndirty = 0;
    c->dirty_overflow = false;
    e->generation++;
}

void func_code_reset(struct func *e)
{
    func_code_flush(e);
    memset(e->code->past, 0, sizeof e->code->past);
}

void func_code_dirty(struct func *e, uint32_t page)
{
    struct func_code *c = e->code;
    e->code_page[page] = FUNC_PAGE_DIRTY;
    if (c->ndirty < MAX_DIRTY)
        c->dirty[c->ndirty++] = page;
    else
        c->dirty_overflow = true;
}

/* Traces that start in `page` and reach `from` or beyond. head[-1].aux is the address after the trace. */
static void drop_traces(struct func *e, uint32_t page, uint64_t from)
{
    struct func_insn **heads = e->code->page[page];
    for (unsigned i = 0; heads != NULL && i < PAGE_WORDS; i++) {
        struct func_insn *head = heads[i];
        if (head == NULL || head[-1].aux <= from)
            continue;
        *head = (struct func_insn){.handler = e->labels[FH_STALE], .aux = (page << 12) + 4 * i};
        heads[i] = NULL;
    }
}

void func_code_sync(struct func *e)
{
    struct func_code *c = e->code;
    e->generation++;
    if (c->dirty_overflow) {
        func_code_flush(e);
        return;
    }
    for (uint32_t i = 0; i < c->ndirty; i++) {
        uint32_t page = c->dirty[i];
        drop_traces(e, page, 0);
        if (page != 0)
            drop_traces(e, page - 1, (uint64_t)page << 12);
        e->code_page[page] = FUNC_PAGE_PLAIN;
    }
    c->ndirty = 0;
}

/* --- one trace ---------------------------------------------------------------------------------------------------- */

struct builder {
    struct func *e;
    struct func_place now; /* sums so far */
    uint32_t place;        /* index of the current bundle's place, 0 if it has none yet */
};

static struct func_insn *emit(struct builder *b, unsigned handler)
{
    struct func_code *c = b->e->code;
    struct func_insn *i = &c->insns[c->ninsns++];
    *i = (struct func_insn){.handler = b->e->labels[handler]};
    return i;
}

static uint32_t add_place(struct builder *b)
{
    struct func_code *c = b->e->code;
    c->places[c->nplaces] = b->now;
    return c->nplaces++;
}

static struct func_place *place_at(struct builder *b, uint32_t index) { return &b->e->code->places[index]; }

/* The place of the bundle being emitted, for leaving it undone. */
static uint32_t bundle_place(struct builder *b)
{
    if (b->place == 0)
        b->place = add_place(b);
    return b->place;
}

/* One op of a bundle on its way into a trace. */
struct item {
    const struct duke_op *op;
    uint32_t op_pc;
    unsigned kind, read[4]; /* registers read: ra, rb, rc, rd; 0 where none */
    int write;
};

static void item_init(struct item *it, const struct duke_op *op, uint32_t op_pc)
{
    const unsigned n[4] = {op->ra, op->rb, op->rc, op->rd};
    const unsigned bit[4] = {DUKE_READS_RA, DUKE_READS_RB, DUKE_READS_RC, DUKE_READS_RD};
    const unsigned file[4] = {DUKE_F_RA, DUKE_F_RB, DUKE_F_RC, DUKE_F_RD};
    unsigned reads = duke_reads(op), flags = duke_ops[op->op].flags;
    *it = (struct item){.op = op, .op_pc = op_pc, .kind = duke_ops[op->op].kind, .write = duke_writes(op)};
    for (unsigned i = 0; i < 4; i++)
        it->read[i] = (reads & bit[i]) != 0 ? n[i] + ((flags & file[i]) != 0 ? 64 : 0) : 0;
}

static bool item_reads(const struct item *it, int reg)
{
    for (unsigned i = 0; i < 4; i++)
        if (reg > 0 && it->read[i] == (unsigned)reg)
            return true;
    return false;
}

/* Ranks of ops within a bundle's code. */
static int rank_of(unsigned kind)
{
    switch (kind) {
    case DUKE_KIND_CHKS: return 0;
    case DUKE_KIND_LOAD: return 1;
    case DUKE_KIND_STORE: return 2;
    case DUKE_KIND_ALU:
    case DUKE_KIND_RDCR: return 3;
    case DUKE_KIND_CAT: return 4;
    case DUKE_KIND_COMMIT: return 5;
    case DUKE_KIND_NOP: return 7;
    default: return 6;
    }
}

/* Whether only the reference can do the op. */
static bool is_slow(const struct duke_op *op)
{
    const struct duke_op_info *info = &duke_ops[op->op];
    switch (info->kind) {
    case DUKE_KIND_LOAD:
    case DUKE_KIND_STORE: return info->spec != DUKE_SPEC_NO;
    case DUKE_KIND_ALU: return info->unit == DUKE_UNIT_F || info->unit == DUKE_UNIT_V || info->unit == DUKE_UNIT_X;
    case DUKE_KIND_RDCR: return (op->imm & 63) == DUKE_CR_STATUS; /* counts the bundle's own stores too soon */
    case DUKE_KIND_CHKS:
    case DUKE_KIND_NOP:
    case DUKE_KIND_CAT:
    case DUKE_KIND_COMMIT: return false;
    default: return info->unit != DUKE_UNIT_B;
    }
}

static void swap_items(struct item *a, struct item *b)
{
    struct item t = *a;
    *a = *b;
    *b = t;
}

/* Sorts by rank, stores in program order, others so that an op runs before those that overwrite what it reads, if possible. */
static void order(struct item *it, unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        for (unsigned k = i; k > 0 && rank_of(it[k].kind) < rank_of(it[k - 1].kind); k--)
            swap_items(&it[k], &it[k - 1]);
    for (unsigned i = 0; i < n; i++) {
        int rank = rank_of(it[i].kind);
        if (rank != 1 && rank != 3)
            continue;
        for (unsigned pick = i; pick < n && rank_of(it[pick].kind) == rank; pick++) {
            bool clear = true;
            for (unsigned k = i; k < n && clear; k++)
                clear = k == pick || !item_reads(&it[k], it[pick].write);
            if (clear) {
                swap_items(&it[i], &it[pick]);
                break;
            }
        }
    }
}

static unsigned load_handler(const struct duke_op *op, bool save)
{
    const struct duke_op_info *info = &duke_ops[op->op];
    bool sign = (info->flags & DUKE_SIGNED) != 0;
    unsigned kind = info->size == 1 ? 0 : info->size == 2 ? 1 : info->size == 4 ? 2 : 3;
    unsigned base = (info->flags & DUKE_GUEST) != 0 ? FH_LD_G_BU_A : FH_LD_N_BU_A;
    return base + 4 * (sign ? kind + 4 : kind) + 2 * (op->form == DUKE_FORM_EXT) + save;
}

static unsigned store_handler(const struct duke_op *op, bool save)
{
    const struct duke_op_info *info = &duke_ops[op->op];
    unsigned kind = info->size == 1 ? 0 : info->size == 2 ? 1 : info->size == 4 ? 2 : 3;
    unsigned base = (info->flags & DUKE_GUEST) != 0 ? FH_ST_G_B_A : FH_ST_N_B_A;
    return base + 4 * kind + 2 * (op->form == DUKE_FORM_EXT) + save;
}

static unsigned alu_handler(unsigned op)
{
#define ROW(OP, low) [DUKE_OP_##OP] = FH_R_##OP,
    static const uint16_t table[DUKE_OP_COUNT] = {DUKE_ALU_ROWS(ROW)};
#undef ROW
    return table[op];
}

static unsigned branch_handler(unsigned op)
{
#define ROW(OP, low) [DUKE_OP_##OP] = FH_B_##OP,
    static const uint16_t table[DUKE_OP_COUNT] = {DUKE_BRANCH_ROWS(ROW)};
#undef ROW
    return table[op];
}

static void emit_li(struct builder *b, uint8_t d, uint64_t value)
{
    struct func_insn *i = emit(b, FH_I_LI);
    i->d = d;
    i->imm = (int64_t)value;
}

/* `first`, `second`: of two memory ops. */
static void emit_memory(struct builder *b, const struct item *it, bool first, bool second)
{
    bool load = it->kind == DUKE_KIND_LOAD;
    struct func_insn *i = emit(b, load ? load_handler(it->op, first) : store_handler(it->op, first));
    uint32_t place = bundle_place(b);
    i->d = (uint8_t)(load ? (it->write < 0 ? FUNC_SINK : it->write) : (int)it->read[3]);
    i->a = (uint8_t)it->read[0];
    i->b = (uint8_t)it->read[1];
    i->c = it->op->scale;
    i->imm = it->op->imm;
    i->aux = place | (second ? FUNC_SECOND : 0);
    if (first) {
        place_at(b, place)->first_store = !load;
        place_at(b, place)->saved_reg = i->d;
    }
}

static void emit_alu(struct builder *b, const struct item *it)
{
    if (it->write < 0)
        return;
    const struct duke_op *op = it->op;
    bool imm = op->form != DUKE_FORM_REG && duke_ops[op->op].fmt != DUKE_FMT_R4X;
    struct func_insn *i = emit(b, alu_handler(op->op) + imm);
    i->d = (uint8_t)it->write;
    i->a = (uint8_t)it->read[0];
    i->b = (uint8_t)it->read[1];
    i->c = (uint8_t)it->read[2];
    i->imm = op->imm;
    i->aux = op->cc;
}

/* The two steps of a direct exit to `target`. */
static void emit_exit(struct builder *b, const struct item *it, unsigned handler, uint32_t target, bool taken)
{
    struct func_insn *i = emit(b, handler);
    struct func_insn *link = emit(b, FH_LINK);
    uint32_t place = add_place(b);
    place_at(b, place)->pc = target;
    place_at(b, place)->taken = (uint16_t)(b->now.taken + taken);
    if (it != NULL) {
        i->a = (uint8_t)it->read[0];
        i->b = (uint8_t)it->read[1];
        i->c = it->op->cc;
    }
    i->aux = b->now.bundles;
    i->imm = (int64_t)(intptr_t)link;
    link->imm = (int64_t)(intptr_t)place_at(b, place);
    link->aux = target;
}

/* The op of unit B. b->now already counts the bundle. Returns whether the trace ends here. */
static bool emit_branch(struct builder *b, const struct item *it, bool commit, uint32_t next)
{
    uint32_t target = it->op_pc + (uint32_t)it->op->imm;
    struct func_insn *i;
    switch (it->kind) {
    case DUKE_KIND_BRANCH: emit_exit(b, it, branch_handler(it->op->op) + commit, target, true); return false;
    case DUKE_KIND_JUMP:
    case DUKE_KIND_CALL: emit_exit(b, it, FH_J + commit, target, true); return true;
    case DUKE_KIND_JUMP_REG:
    case DUKE_KIND_RET:
    case DUKE_KIND_CALL_REG: emit_exit(b, it, FH_JR + commit, 0, true); return true;
    case DUKE_KIND_RAS_PUSH:
        i = emit(b, FH_RAS_PUSH);
        i->a = (uint8_t)it->read[0];
        i->aux = target;
        return false;
    default: emit_exit(b, it, (it->kind == DUKE_KIND_JITC ? FH_JITC : FH_JRAS) + commit, next, true); return false;
    }
}

static void emit_save(struct builder *b, struct item *it, unsigned reg, unsigned temp)
{
    struct func_insn *mov = emit(b, FH_MOV);
    mov->d = (uint8_t)temp;
    mov->a = (uint8_t)reg;
    for (unsigned r = 0; r < 4; r++)
        if (it->read[r] == reg)
            it->read[r] = temp;
}

/* Registers that an item reads after an earlier item has written them are saved first. */
static void emit_saves(struct builder *b, struct item *it, unsigned n)
{
    unsigned temp = FUNC_TEMP;
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < i; k++) {
            if (item_reads(&it[i], it[k].write))
                emit_save(b, &it[i], (unsigned)it[k].write, temp++);
        }
        if (it[i].kind == DUKE_KIND_CALL_REG && item_reads(&it[i], 1)) /* r1 is written before the jump */
            emit_save(b, &it[i], 1, temp++);
    }
}

static void count_bundle(struct builder *b, const struct item *it, unsigned n)
{
    b->now.bundles++;
    for (unsigned i = 0; i < n; i++) {
        const struct duke_op_info *info = &duke_ops[it[i].op->op];
        b->now.ops += info->unit != DUKE_UNIT_N;
        b->now.loads += it[i].kind == DUKE_KIND_LOAD;
        b->now.stores += it[i].kind == DUKE_KIND_STORE;
        b->now.branches += info->unit == DUKE_UNIT_B && it[i].kind != DUKE_KIND_RAS_PUSH;
    }
}

static void emit_commit(struct builder *b, const struct item *it, bool branch, uint32_t next)
{
    struct func_insn *i = emit(b, branch ? FH_COMMIT_B : FH_COMMIT);
    uint32_t place = add_place(b);
    place_at(b, place)->pc = next;
    i->a = (uint8_t)(it->op->imm & 63);
    i->imm = next;
    i->aux = place;
}

static void emit_slow(struct builder *b) { emit(b, FH_SLOW)->aux = bundle_place(b); }

/* Returns whether the trace ends with this bundle. */
static bool emit_bundle(struct builder *b, const struct func_bundle *f)
{
    struct item it[DUKE_MAX_WORDS + 1];
    unsigned n = 0, memory = 0, done = 0;
    bool slow = f->cause != 0, f_written = false, commit = false, branch = false;
    uint32_t op_pc = f->pc, next = f->pc + 4 * f->words;
    b->now.pc = f->pc;
    b->place = 0;
    for (unsigned i = 0; i < f->n && !slow; op_pc += 4 * f->op[i++].words) {
        item_init(&it[n], &f->op[i], op_pc);
        slow = is_slow(&f->op[i]);
        memory += rank_of(it[n].kind) == 1 || rank_of(it[n].kind) == 2;
        f_written = f_written || it[n].write >= 64;
        commit = commit || it[n].kind == DUKE_KIND_COMMIT;
        branch = branch || (rank_of(it[n].kind) == 6 && it[n].kind != DUKE_KIND_RAS_PUSH);
        n++;
    }
    if (slow) {
        emit_slow(b);
        return true;
    }
    order(it, n);
    emit_saves(b, it, n);
    if (f_written)
        emit(b, FH_F_DIRTY);
    bool end = false, counted = false;
    for (unsigned i = 0; i < n; i++) {
        int rank = rank_of(it[i].kind);
        if (rank >= 4 && !counted) {
            count_bundle(b, it, n);
            counted = true;
        }
        if (rank == 0) {
            struct func_insn *chks = emit(b, FH_CHKS);
            chks->a = it[i].op->ra; /* the register's number: its value does not matter */
            chks->aux = bundle_place(b);
        } else if (rank == 1 || rank == 2) {
            emit_memory(b, &it[i], memory == 2 && done == 0, done == 1);
            done++;
        } else if (it[i].kind == DUKE_KIND_RDCR && it[i].write >= 0) {
            struct func_insn *rdcr = emit(b, FH_RDCR);
            rdcr->d = (uint8_t)it[i].write;
            rdcr->a = it[i].op->imm & 63;
            rdcr->aux = b->now.bundles;
        } else if (rank == 3) {
            if (it[i].kind == DUKE_KIND_ALU)
                emit_alu(b, &it[i]);
        } else if (rank == 4) {
            struct func_insn *cat = emit(b, FH_CAT);
            cat->a = it[i].op->imm & 15;
            cat->aux = b->now.bundles;
        } else if (rank == 5) {
            for (unsigned k = i; k < n; k++) { /* a push of this bundle comes before a possible interrupt */
                if (it[k].kind == DUKE_KIND_RAS_PUSH)
                    end = emit_branch(b, &it[k], false, next);
                if (it[k].kind == DUKE_KIND_CALL || it[k].kind == DUKE_KIND_CALL_REG)
                    emit_li(b, 1, next); /* the commit covers it */
            }
            emit_commit(b, &it[i], branch, next);
        } else if (rank == 6 && !(commit && it[i].kind == DUKE_KIND_RAS_PUSH)) {
            if (!commit && (it[i].kind == DUKE_KIND_CALL || it[i].kind == DUKE_KIND_CALL_REG))
                emit_li(b, 1, next);
            end = emit_branch(b, &it[i], commit, next);
        }
    }
    if (!counted)
        count_bundle(b, it, n);
    b->now.taken = 0;
    return end;
}

static void mark_code(struct func *e, uint32_t from, uint32_t to)
{
    for (uint32_t page = from >> 12; page <= (to - 1) >> 12; page++) {
        if (e->code_page[page] == FUNC_PAGE_PLAIN) {
            e->code_page[page] = FUNC_PAGE_CODE;
            func_soft_flush(e); /* guest stores to it must be seen from now on */
        }
    }
}

struct func_insn *func_code_find(struct func *e, uint32_t pc)
{
    struct func_code *c = e->code;
    if ((pc & 3) != 0)
        return NULL;
    struct func_insn **heads = c->page[pc >> 12];
    if (heads != NULL && heads[(pc >> 2) % PAGE_WORDS] != NULL)
        return heads[(pc >> 2) % PAGE_WORDS];
    const struct func_bundle *f = func_decode(e, pc);
    if (f->cause != 0)
        return NULL;
    if (c->ninsns + TRACE_INSNS > MAX_INSNS || c->nplaces + TRACE_PLACES > MAX_PLACES)
        func_code_flush(e);
    heads = c->page[pc >> 12];
    if (heads == NULL) {
        heads = c->page[pc >> 12] = calloc(PAGE_WORDS, sizeof *heads);
        if (heads == NULL)
            return NULL;
        c->used[c->nused++] = pc >> 12;
    }
    struct builder b = {.e = e};
    struct func_insn *front = emit(&b, FH_STALE), *head = front + 1;
    uint32_t at = pc;
    for (;;) {
        f = func_decode(e, at);
        bool end = emit_bundle(&b, f);
        at += 4 * (f->words != 0 ? f->words : 1);
        if (end)
            break;
        if (b.now.bundles == FUNC_TRACE_BUNDLES) {
            emit_exit(&b, NULL, FH_FALL, at, false);
            break;
        }
    }
    front->aux = at;
    mark_code(e, pc, at);
    heads[(pc >> 2) % PAGE_WORDS] = head;
    return head;
}

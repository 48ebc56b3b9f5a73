/* The reference executor: one commit record at a time, by the letter of docs/core.md.
 *
 * A bundle goes through three stages. `prepare` reads every operand and finds the first op that traps; nothing has changed
 * by then. `perform` carries out stores, system ops and register writes. `finish` commits and moves on.
 */
#include "engine_func.h"

enum { ALIAS_NUMBERS = 16 };

struct store {
    bool guest;
    uint64_t data;
    struct func_access at;
    unsigned size;
};

struct plan {
    const struct func_bundle *b;
    uint32_t next;
    unsigned nwrites, nstores, nalias, npoison;
    struct {
        unsigned reg;
        uint64_t value;
    } write[DUKE_MAX_WORDS];
    struct store store[2];
    struct {
        unsigned entry;
        struct func_alias value;
    } alias[2];
    struct {
        unsigned reg;
        bool set;
    } poison[2];
    uint64_t fcsr;         /* with the flags of the bundle's floating-point ops */
    uint32_t cause, tinfo; /* of the first op that traps */
    uint64_t tval;
};

static unsigned reg_of(unsigned n, unsigned flags, unsigned f_bit) { return n + ((flags & f_bit) != 0 ? 64 : 0); }

const struct func_bundle *func_decode(struct func *e, uint32_t pc)
{
    struct func_bundle *b = &e->decoded[(pc >> 2) % FUNC_DECODE_CACHE];
    if (b->pc == pc && b->generation == e->generation)
        return b;
    *b = (struct func_bundle){.pc = pc, .generation = e->generation};
    uint32_t words[DUKE_MAX_WORDS];
    unsigned have = 0;
    bool end = false;
    while (have < DUKE_MAX_WORDS && !end && (pc & 3) == 0 && func_in_memory(e, (uint64_t)pc + 4 * have, 4)) {
        words[have] = (uint32_t)func_read(e, pc + 4 * have, 4);
        end = (words[have++] & DUKE_END) != 0;
    }
    b->words = have;
    b->first = have != 0 ? words[0] : 0;
    if (!end) {
        b->cause = have == DUKE_MAX_WORDS ? DUKE_TRAP_ILLEGAL : DUKE_TRAP_FETCH;
        return b;
    }
    unsigned at = 0, lane = 0;
    while (at < have) {
        struct duke_op *op = &b->op[b->n];
        if (duke_decode(words + at, have - at, op) != DUKE_DECODE_OK) {
            b->cause = DUKE_TRAP_ILLEGAL;
            return b;
        }
        b->position[b->n++] = (uint8_t)lane;
        lane += duke_ops[op->op].unit != DUKE_UNIT_N;
        at += op->words;
    }
    if (duke_bundle_check(e->machine, b->op, b->n) != DUKE_BUNDLE_OK)
        b->cause = DUKE_TRAP_ILLEGAL;
    return b;
}

static void plan_trap(struct plan *p, uint32_t cause, uint64_t tval, uint32_t tinfo)
{
    if (p->cause == 0) {
        p->cause = cause;
        p->tval = tval;
        p->tinfo = tinfo;
    }
}

static void plan_write(struct plan *p, int reg, uint64_t value)
{
    if (reg < 0)
        return;
    p->write[p->nwrites].reg = (unsigned)reg;
    p->write[p->nwrites++].value = value;
}

/* An op of unit X. */
static void plan_x87(const struct func *e, struct plan *p, const struct duke_op *op, uint64_t ra, uint64_t rb)
{
    const struct func_x87 a = {ra, e->exponent[op->ra]}, b = {rb, e->exponent[op->rb]};
    const struct func_x87 v = func_x87(op->op, a, b, &p->fcsr);
    plan_write(p, duke_writes(op), v.sig);
    if ((duke_ops[op->op].flags & DUKE_E_RD) != 0)
        plan_write(p, FUNC_E + op->rd, v.exp);
}

/* Double words that [addr, addr + size) touches. */
static unsigned double_words(uint64_t addr, unsigned size) { return (unsigned)(((addr & 7) + size + 7) / 8); }

static unsigned gated_by(const struct func_access *a)
{
    return double_words(a->paddr[0], a->size[0]) + (a->size[1] != 0 ? double_words(a->paddr[1], a->size[1]) : 0);
}

static bool access_in_memory(const struct func *e, const struct func_access *a)
{
    return func_in_memory(e, a->paddr[0], a->size[0]) && (a->size[1] == 0 || func_in_memory(e, a->paddr[1], a->size[1]));
}

/* The entry that a protected load with this number takes. Machines with more entries than numbers have two for each. */
static struct func_alias *alias_of(struct func *e, unsigned number)
{
    unsigned n = e->machine->spec_alias_entries;
    struct func_alias *a = &e->alias[number % n];
    return n > ALIAS_NUMBERS && a->valid ? a + ALIAS_NUMBERS : a;
}

static bool alias_hit(const struct func *e, uint64_t va, unsigned size, unsigned mask)
{
    unsigned n = e->machine->spec_alias_entries, last = n > ALIAS_NUMBERS ? n : ALIAS_NUMBERS;
    for (unsigned i = 0; i < last; i++) {
        const struct func_alias *a = &e->alias[i % n];
        if ((mask >> i % ALIAS_NUMBERS & 1) != 0 && a->valid && (va - a->addr < a->size || a->addr - va < size))
            return true;
    }
    return false;
}

static bool near(uint32_t a, unsigned m, uint32_t b, unsigned n)
{
    return m != 0 && n != 0 && a >> 3 <= (b + n - 1) >> 3 && b >> 3 <= (a + m - 1) >> 3;
}

/* Whether a native store touches a double word with gated stores, those of the bundle's earlier ops included. */
static bool native_blocked(const struct func *e, const struct plan *p, uint32_t paddr, unsigned size)
{
    for (unsigned i = 0; i < p->nstores; i++)
        if (p->store[i].guest)
            for (unsigned k = 0; k < 2; k++)
                if (near(paddr, size, p->store[i].at.paddr[k], p->store[i].at.size[k]))
                    return true;
    return func_gated_at(e, paddr, size);
}

static uint64_t access_read(const struct func *e, const struct func_access *a)
{
    uint64_t v = func_read(e, a->paddr[0], a->size[0]);
    if (a->size[1] != 0)
        v |= func_read(e, a->paddr[1], a->size[1]) << (8 * a->size[0]);
    return v;
}

static void plan_memory(struct func *e, struct plan *p, const struct duke_op *op, unsigned position)
{
    const struct duke_op_info *info = &duke_ops[op->op];
    bool store = info->kind == DUKE_KIND_STORE, guest = (info->flags & DUKE_GUEST) != 0;
    bool speculative = info->spec == DUKE_SPEC_SPECULATIVE;
    unsigned size = info->size;
    uint64_t va = e->reg[op->ra] + (uint64_t)op->imm;
    if ((duke_reads(op) & DUKE_READS_RB) != 0)
        va += e->reg[op->rb] << op->scale;
    va &= guest ? e->address_mask : UINT32_MAX;
    uint32_t tinfo = size | (uint32_t)store << 4 | position << 8;

    struct func_access a = {.paddr = {(uint32_t)va}, .size = {size}, .tval = va};
    if (guest)
        func_translate(e, va, size, store, info->spec != DUKE_SPEC_NO, &a);
    if (guest && store && a.cause == 0) {
        unsigned need = gated_by(&a);
        for (unsigned i = 0; i < p->nstores; i++)
            need += p->store[i].guest ? gated_by(&p->store[i].at) : 0;
        if (e->gated + need > e->store_buffer)
            a.cause = DUKE_TRAP_SB_OVERFLOW;
    }
    if (a.cause == 0 && info->spec == DUKE_SPEC_CHECK && alias_hit(e, va, size, op->mask))
        a.cause = DUKE_TRAP_ALIAS;
    if (a.cause == 0 && !access_in_memory(e, &a))
        a.cause = DUKE_TRAP_NATIVE;
    if (a.cause == 0 && store && !guest && native_blocked(e, p, a.paddr[0], size))
        a.cause = DUKE_TRAP_NATIVE;

    if (guest && a.cause == 0 && a.size[1] == 0)
        func_soft_enter(e, va);
    if (a.cause != 0 && !speculative && (guest || store)) { /* a native load outside memory gives zero */
        plan_trap(p, a.cause, a.tval, tinfo);
        return;
    }
    if (store) {
        p->store[p->nstores++] = (struct store){
            guest, e->reg[reg_of(op->rd, info->flags, DUKE_F_RD)] & isa_zext(~UINT64_C(0), 8 * size), a, size};
        return;
    }
    uint64_t v = 0;
    if (a.cause == 0) {
        v = access_read(e, &a);
        if ((info->flags & DUKE_SIGNED) != 0)
            v = isa_sext(v, 8 * size);
    }
    plan_write(p, duke_writes(op), v);
    if (speculative) {
        p->poison[p->npoison].reg = op->rd;
        p->poison[p->npoison++].set = a.cause != 0;
    }
    if (info->spec == DUKE_SPEC_PROTECT) {
        p->alias[p->nalias].entry = op->entry;
        p->alias[p->nalias++].value = (struct func_alias){va, size, true};
    }
}

/* Target of jitc and of jras's second try: the successor unless the cache has the address. */
uint32_t func_itc_target(struct func *e, uint64_t guest, uint32_t next)
{
    const struct func_itc_entry *t = &e->itc[func_itc_index(e, guest)];
    e->counters.event[DUKE_EVENT_ITC_LOOKUPS]++;
    if (!t->valid || t->guest != guest)
        return next;
    e->counters.event[DUKE_EVENT_ITC_HITS]++;
    return t->native;
}

static uint64_t rdcr(struct func *e, unsigned n)
{
    if (n != DUKE_CR_CYCLE || !e->feed_cycle)
        return func_read_cr(e, n, 0);
    e->feed_cycle = false;
    return e->cycle_value;
}

/* Ops that are neither memory nor in need of a trap: values and targets. */
static void plan_op(struct func *e, struct plan *p, const struct duke_op *op, uint32_t op_pc)
{
    const struct duke_op_info *info = &duke_ops[op->op];
    unsigned flags = info->flags;
    bool imm = op->form != DUKE_FORM_REG && info->fmt != DUKE_FMT_R4X && info->fmt != DUKE_FMT_BC;
    uint64_t ra = e->reg[reg_of(op->ra, flags, DUKE_F_RA)];
    uint64_t rb = imm ? (uint64_t)op->imm : e->reg[reg_of(op->rb, flags, DUKE_F_RB)];
    uint64_t rc = e->reg[reg_of(op->rc, flags, DUKE_F_RC)];
    uint32_t target = op_pc + (uint32_t)op->imm, after = p->b->pc + 4 * p->b->words;
    switch (info->kind) {
    case DUKE_KIND_ALU:
        if (info->unit == DUKE_UNIT_F) {
            const uint64_t operand[4] = {ra, rb, rc, e->reg[reg_of(op->rd, flags, DUKE_F_RD)]};
            plan_write(p, duke_writes(op), func_fp(op->op, operand, &p->fcsr));
            break;
        }
        if (info->unit == DUKE_UNIT_X) {
            plan_x87(e, p, op, ra, rb);
            break;
        }
        if (info->unit == DUKE_UNIT_V) {
            plan_write(p, duke_writes(op), func_vec(op->op, ra, rb));
            break;
        }
        plan_write(p, duke_writes(op), duke_eval(op->op, ra, rb, rc, op->cc));
        break;
    case DUKE_KIND_BRANCH:
        if (duke_eval(op->op, ra, rb, rc, op->cc) != 0)
            p->next = target;
        break;
    case DUKE_KIND_CALL:
        plan_write(p, 1, after);
        p->next = target;
        break;
    case DUKE_KIND_CALL_REG:
        plan_write(p, 1, after);
        p->next = (uint32_t)ra;
        break;
    case DUKE_KIND_JUMP: p->next = target; break;
    case DUKE_KIND_JUMP_REG:
    case DUKE_KIND_RET: p->next = (uint32_t)ra; break;
    case DUKE_KIND_RDCR: plan_write(p, duke_writes(op), rdcr(e, (unsigned)op->imm & 63)); break;
    default: break;
    }
}

static void prepare(struct func *e, struct plan *p)
{
    const struct func_bundle *b = p->b;
    uint32_t op_pc = b->pc;
    p->next = b->pc + 4 * b->words;
    for (unsigned i = 0; i < b->n; op_pc += 4 * b->op[i++].words) {
        const struct duke_op *op = &b->op[i];
        unsigned kind = duke_ops[op->op].kind;
        uint32_t position = b->position[i];
        if (kind == DUKE_KIND_LOAD || kind == DUKE_KIND_STORE)
            plan_memory(e, p, op, position);
        else if (kind == DUKE_KIND_CHKS && (e->poison >> op->ra & 1) != 0)
            plan_trap(p, DUKE_TRAP_POISON, op->ra, position << 8);
        else if (kind == DUKE_KIND_TRAP)
            plan_trap(p, DUKE_TRAP_SOFT, op->form == DUKE_FORM_REG ? e->reg[op->rb] : (uint64_t)op->imm, position << 8);
        else if (kind == DUKE_KIND_HCALL && e->gated != 0)
            plan_trap(p, DUKE_TRAP_ILLEGAL, b->first, 0);
        else
            plan_op(e, p, op, op_pc);
    }
}

void func_write_cr(struct func *e, unsigned n, uint64_t v)
{
    switch (n) {
    case DUKE_CR_TVEC: e->tvec = v & 0xffffff80; break;
    case DUKE_CR_TCAUSE: e->tcause = v & 31; break;
    case DUKE_CR_TVAL: e->tval = v; break;
    case DUKE_CR_TPC: e->tpc = (uint32_t)v; break;
    case DUKE_CR_TINFO: e->tinfo = v & 0x7ff; break;
    case DUKE_CR_CPC: e->cpc = (uint32_t)v; break;
    case DUKE_CR_GCTL:
        if (((v ^ e->gctl) & 2) != 0)
            func_soft_flush(e);
        e->gctl = v & 3;
        e->address_mask = (v & 1) != 0 ? UINT32_MAX : UINT64_MAX;
        break;
    case DUKE_CR_CAT: func_set_category(e, v & 15, 0); break;
    case DUKE_CR_SCAT: e->scat = v & 15; break;
    case DUKE_CR_SCR0: e->scr[0] = v; break;
    case DUKE_CR_SCR1: e->scr[1] = v; break;
    case DUKE_CR_SCR2: e->scr[2] = v; break;
    case DUKE_CR_SCR3: e->scr[3] = v; break;
    case DUKE_CR_POISON: e->poison = v; break;
    case DUKE_CR_FCSR:
        e->fcsr = v & FCSR_BITS;
        e->f_dirty = true;
        break;
    case DUKE_CR_ICOUNT: e->icount = v; break;
    case DUKE_CR_ILIMIT:
        e->ilimit = v;
        e->ilimit_now = e->in_trap ? UINT64_MAX : v;
        break;
    default: break;
    }
}

/* `done`: bundles that the fast executor has retired but not yet counted. */
uint64_t func_read_cr(const struct func *e, unsigned n, uint32_t done)
{
    switch (n) {
    case DUKE_CR_TVEC: return e->tvec;
    case DUKE_CR_TCAUSE: return e->tcause;
    case DUKE_CR_TVAL: return e->tval;
    case DUKE_CR_TPC: return e->tpc;
    case DUKE_CR_TINFO: return e->tinfo;
    case DUKE_CR_CPC: return e->cpc;
    case DUKE_CR_GCTL: return e->gctl;
    case DUKE_CR_CAT: return e->cat;
    case DUKE_CR_SCAT: return e->scat;
    case DUKE_CR_STATUS: return (uint64_t)e->in_trap | (uint64_t)e->gated << 8;
    case DUKE_CR_SCR0: return e->scr[0];
    case DUKE_CR_SCR1: return e->scr[1];
    case DUKE_CR_SCR2: return e->scr[2];
    case DUKE_CR_SCR3: return e->scr[3];
    case DUKE_CR_POISON: return e->poison;
    case DUKE_CR_CYCLE: return e->count + done;
    case DUKE_CR_BUNDLES: return e->count - e->traps + done;
    case DUKE_CR_MACHID: return e->machine->id;
    case DUKE_CR_FCSR: return e->fcsr;
    case DUKE_CR_ICOUNT: return e->icount;
    case DUKE_CR_ILIMIT: return e->ilimit;
    default: return 0;
    }
}

/* Cycles since the last call belong to the category of now. */
void func_count_category(struct func *e)
{
    uint64_t cat = e->cat < DUKE_CAT_COUNT ? e->cat : DUKE_CAT_IDLE;
    e->counters.by_category[cat][DUKE_REASON_ISSUE] += e->count - e->counted;
    e->counted = e->count;
}

void func_set_category(struct func *e, unsigned cat, uint32_t done)
{
    e->count += done;
    func_count_category(e);
    e->count -= done;
    e->cat = cat;
}

void func_enter_trap_state(struct func *e, bool in_trap)
{
    e->in_trap = in_trap;
    e->ilimit_now = in_trap ? UINT64_MAX : e->ilimit;
}

static enum func_status take_trap(struct func *e, uint32_t cause, uint64_t tval, uint32_t tinfo, struct engine_record *rec)
{
    if (e->in_trap) {
        e->tval = tval; /* for the error text */
        e->tcause = cause;
        return FUNC_DOUBLE_FAULT;
    }
    func_count_category(e);
    e->tcause = cause;
    e->tval = tval;
    e->tpc = e->pc;
    e->tinfo = tinfo;
    e->scat = e->cat;
    e->cat = DUKE_CAT_TLB_FILL;
    func_enter_trap_state(e, true);
    uint32_t vector = (uint32_t)e->tvec + 128 * cause;
    *rec = (struct engine_record){
        .seq = e->count, .pc = e->pc, .next_pc = vector, .flags = ENGINE_REC_TRAP, .cause = cause, .tval = tval};
    e->pc = vector;
    e->count++;
    e->traps++;
    e->counters.event[DUKE_EVENT_TRAPS]++;
    e->counters.event[DUKE_EVENT_TLB_MISSES] += cause == DUKE_TRAP_TLB_MISS_LOAD || cause == DUKE_TRAP_TLB_MISS_STORE;
    e->counters.event[DUKE_EVENT_ALIAS_HITS] += cause == DUKE_TRAP_ALIAS;
    return FUNC_RUN;
}

static void store_piece(struct func *e, const struct store *s, uint32_t paddr, unsigned size, uint64_t data)
{
    if (s->guest) {
        e->undo[e->undo_count++] = (struct func_undo){paddr, size, func_read(e, paddr, size)};
        e->gated += double_words(paddr, size);
    }
    func_write(e, paddr, size, data);
}

static void perform_stores(struct func *e, const struct plan *p, struct engine_record *rec)
{
    for (unsigned i = 0; i < p->nstores; i++) {
        const struct store *s = &p->store[i];
        store_piece(e, s, s->at.paddr[0], s->at.size[0], s->data);
        if (s->at.size[1] != 0)
            store_piece(e, s, s->at.paddr[1], s->at.size[1], s->data >> (8 * s->at.size[0]));
        rec->stores[i].addr = s->at.paddr[0];
        rec->stores[i].size = s->size;
        rec->stores[i].data = s->data;
    }
    rec->nstores = p->nstores;
}

static void rollback(struct func *e, struct engine_record *rec)
{
    memcpy(e->reg, e->shadow, sizeof *e->reg * DUKE_SHADOWED);
    memcpy(e->reg + 64, e->shadow + 64, sizeof *e->reg * DUKE_SHADOWED);
    memcpy(e->exponent, e->exponent_shadow, sizeof *e->exponent * DUKE_SHADOWED);
    e->fcsr = e->fcsr_shadow;
    e->f_dirty = false;
    func_undo_to(e, 0);
    e->gated = 0;
    func_alias_clear(e);
    rec->flags |= ENGINE_REC_ROLLBACK;
    e->counters.event[DUKE_EVENT_ROLLBACKS]++;
}

static void itc_flush(struct func *e)
{
    memset(e->itc, 0, sizeof *e->itc * e->machine->spec_itc_entries);
    e->ras_depth = 0;
}

void func_ras_push(struct func *e, uint64_t guest, uint32_t native)
{
    unsigned n = e->machine->spec_ras_entries;
    e->ras_top = (e->ras_top + 1) % n;
    e->ras[e->ras_top] = (struct func_ras_entry){guest, native};
    e->ras_depth += e->ras_depth < n;
}

uint32_t func_jras(struct func *e, uint64_t guest, uint32_t next)
{
    e->counters.event[DUKE_EVENT_RAS_LOOKUPS]++;
    if (e->ras_depth == 0)
        return func_itc_target(e, guest, next);
    struct func_ras_entry r = e->ras[e->ras_top];
    unsigned n = e->machine->spec_ras_entries;
    e->ras_top = (e->ras_top + n - 1) % n;
    e->ras_depth--;
    if (r.guest != guest)
        return func_itc_target(e, guest, next);
    e->counters.event[DUKE_EVENT_RAS_HITS]++;
    return r.native;
}

/* System ops: everything that is not a register write or a store. Operands are read before the bundle's writes. */
static void perform_system(struct func *e, struct plan *p, const struct duke_op *op, uint32_t op_pc, struct engine_record *rec)
{
    uint64_t ra = e->reg[op->ra], rb = op->form == DUKE_FORM_REG ? e->reg[op->rb] : (uint64_t)op->imm;
    switch (duke_ops[op->op].kind) {
    case DUKE_KIND_RAS_PUSH: func_ras_push(e, ra, op_pc + (uint32_t)op->imm); break;
    case DUKE_KIND_JITC: p->next = func_itc_target(e, ra, p->next); break;
    case DUKE_KIND_JRAS: p->next = func_jras(e, ra, p->next); break;
    case DUKE_KIND_ITC_WRITE: e->itc[func_itc_index(e, ra)] = (struct func_itc_entry){ra, (uint32_t)rb, true}; break;
    case DUKE_KIND_ITC_FLUSH: itc_flush(e); break;
    case DUKE_KIND_TLB_INVAL: func_tlb_inval(e, ra); break;
    case DUKE_KIND_TLB_FLUSH: func_tlb_flush(e); break;
    case DUKE_KIND_TLB_WRITE: func_tlb_write(e, ra, rb, e->reg[op->rc]); break;
    case DUKE_KIND_ICACHE_LINE: /* more than asked for: whatever is dirty */
    case DUKE_KIND_ICACHE_FLUSH: func_code_sync(e); break;
    case DUKE_KIND_RFE:
        func_count_category(e);
        p->next = e->tpc;
        e->cat = e->scat;
        func_enter_trap_state(e, false);
        break;
    case DUKE_KIND_CAT: func_set_category(e, (unsigned)op->imm & 15, 0); break;
    case DUKE_KIND_ROLLBACK: rollback(e, rec); break;
    case DUKE_KIND_HCALL:
        e->hcall_number = (uint32_t)rb;
        rec->flags |= ENGINE_REC_HCALL;
        break;
    case DUKE_KIND_WRCR: func_write_cr(e, (unsigned)op->imm & 63, ra); break;
    case DUKE_KIND_ALIAS_CLEAR: func_alias_clear(e); break;
    default: break;
    }
}

static void commit(struct func *e, const struct duke_op *op, uint32_t next, struct engine_record *rec)
{
    memcpy(e->shadow, e->reg, sizeof *e->reg * DUKE_SHADOWED);
    memcpy(e->shadow + 64, e->reg + 64, sizeof *e->reg * DUKE_SHADOWED);
    memcpy(e->exponent_shadow, e->exponent, sizeof *e->exponent * DUKE_SHADOWED);
    e->fcsr_shadow = e->fcsr;
    e->f_dirty = false;
    e->undo_count = e->gated = 0;
    func_alias_clear(e);
    e->cpc = next;
    e->icount += (uint64_t)op->imm & 63;
    e->interrupt_due = !e->in_trap && e->icount >= e->ilimit;
    rec->flags |= ENGINE_REC_COMMIT;
    e->counters.event[DUKE_EVENT_COMMITS]++;
}

static void count_events(struct func *e, const struct plan *p)
{
    uint64_t *ev = e->counters.event;
    for (unsigned i = 0; i < p->b->n; i++) {
        const struct duke_op_info *info = &duke_ops[p->b->op[i].op];
        ev[DUKE_EVENT_OPS_RETIRED] += info->unit != DUKE_UNIT_N;
        ev[DUKE_EVENT_LOADS] += info->kind == DUKE_KIND_LOAD;
        ev[DUKE_EVENT_STORES] += info->kind == DUKE_KIND_STORE;
        ev[DUKE_EVENT_BRANCHES] += info->unit == DUKE_UNIT_B && info->kind != DUKE_KIND_RAS_PUSH;
    }
    ev[DUKE_EVENT_TAKEN_BRANCHES] += p->next != p->b->pc + 4 * p->b->words;
}

static void perform(struct func *e, struct plan *p, struct engine_record *rec)
{
    const struct func_bundle *b = p->b;
    const struct duke_op *committing = NULL;
    uint32_t op_pc = b->pc;
    e->f_dirty = e->f_dirty || p->fcsr != e->fcsr;
    e->fcsr = p->fcsr;
    for (unsigned i = 0; i < b->n; op_pc += 4 * b->op[i++].words) {
        if (duke_ops[b->op[i].op].kind == DUKE_KIND_COMMIT)
            committing = &b->op[i];
        perform_system(e, p, &b->op[i], op_pc, rec);
    }
    perform_stores(e, p, rec);
    for (unsigned i = 0; i < p->nwrites; i++) {
        unsigned reg = p->write[i].reg;
        if (reg < FUNC_E)
            e->reg[reg] = p->write[i].value;
        else
            e->exponent[reg - FUNC_E] = (uint16_t)p->write[i].value;
        e->f_dirty = e->f_dirty || reg >= 64;
        if (i < sizeof rec->writes / sizeof rec->writes[0]) {
            rec->writes[i].reg = reg;
            rec->writes[i].value = p->write[i].value;
        }
    }
    rec->nwrites = p->nwrites;
    for (unsigned i = 0; i < p->npoison; i++) {
        uint64_t bit = UINT64_C(1) << p->poison[i].reg;
        e->poison = p->poison[i].set ? e->poison | bit : e->poison & ~bit;
    }
    for (unsigned i = 0; i < p->nalias; i++)
        *alias_of(e, p->alias[i].entry) = p->alias[i].value;
    e->alias_any = e->alias_any || p->nalias != 0;
    count_events(e, p);
    if (committing != NULL)
        commit(e, committing, p->next, rec);
}

enum func_status func_step(struct func *e, struct engine_record *rec)
{
    if (e->interrupt_due) {
        e->interrupt_due = false;
        return take_trap(e, DUKE_TRAP_INTERRUPT, 0, 0, rec);
    }
    uint32_t cause = e->inject != NULL ? func_injected(e) : 0;
    if (cause != 0)
        return take_trap(e, cause, 0, 0, rec);
    struct plan p = {.b = func_decode(e, e->pc), .fcsr = e->fcsr};
    if (p.b->cause != 0)
        return take_trap(e, p.b->cause, p.b->cause == DUKE_TRAP_FETCH ? e->pc : p.b->first, 0, rec);
    prepare(e, &p);
    if (p.cause != 0)
        return take_trap(e, p.cause, p.tval, p.tinfo, rec);
    *rec = (struct engine_record){.seq = e->count, .pc = e->pc};
    e->count++;
    perform(e, &p, rec);
    rec->next_pc = p.next;
    e->pc = p.next;
    return (rec->flags & ENGINE_REC_HCALL) != 0 ? FUNC_HCALL : FUNC_RUN;
}

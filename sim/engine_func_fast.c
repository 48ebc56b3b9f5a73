/* The fast executor: threaded code, one handler an op. See engine_func_code.c for how bundles become such code.
 *
 * Whatever a handler cannot do in a few instructions goes to `slow`: the bundle's effects so far are taken back and the
 * reference executes it from the start. Counting is done at exits only, by what engine_func_code.c has summed up.
 */
#include "engine_func.h"
#include "engine_func_ops.h"

typedef uint64_t vec __attribute__((vector_size(32), aligned(8), may_alias));

static inline void copy_regs(uint64_t *to, const uint64_t *from)
{
    for (unsigned i = 0; i < DUKE_SHADOWED; i += 4)
        *(vec *)(to + i) = *(const vec *)(from + i);
}

static inline void fast_commit(struct func *e, unsigned n, uint32_t next)
{
    copy_regs(e->shadow, e->reg);
    if (__builtin_expect(e->f_dirty, 0)) {
        copy_regs(e->shadow + 64, e->reg + 64);
        memcpy(e->exponent_shadow, e->exponent, sizeof *e->exponent * DUKE_SHADOWED);
        e->fcsr_shadow = e->fcsr;
        e->f_dirty = false;
    }
    e->undo_count = e->gated = 0;
    func_alias_clear(e);
    e->cpc = next;
    e->icount += n;
    e->counters.event[DUKE_EVENT_COMMITS]++;
}

static inline bool native_ok(const struct func *e, uint32_t paddr)
{
    return __builtin_expect(paddr - ENGINE_HIDDEN_BASE < e->hidden_limit, 1) || paddr < e->dram_limit;
}

/* Takes back the first memory op of a bundle whose second one cannot be done. */
static void undo_first(struct func *e, const struct func_place *place)
{
    if (!place->first_store)
        e->reg[place->saved_reg] = e->saved;
    else if (e->saved_size != 0)
        func_write(e, e->saved_paddr, e->saved_size, e->saved);
    else {
        func_undo_to(e, e->saved_undo);
        e->gated = e->saved_gated;
    }
}

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define NEXT                                                                                       \
    do {                                                                                           \
        ip++;                                                                                      \
        goto *ip->handler;                                                                         \
    } while (0)
#define SKIP /* over the LINK of an exit that is not taken */                                      \
    do {                                                                                           \
        ip += 2;                                                                                   \
        goto *ip->handler;                                                                         \
    } while (0)
#define PLACE(i) ((struct func_place *)(intptr_t)(i)[1].imm)
#define LIMIT    atomic_load_explicit(&e->limit, memory_order_relaxed)

/* Leaves the trace for a known target. */
#define EXIT                                                                                       \
    do {                                                                                           \
        PLACE(ip)->executed++;                                                                     \
        e->count += ip->aux;                                                                       \
        if (unlikely(e->count >= LIMIT)) {                                                         \
            e->pc = PLACE(ip)->pc;                                                                 \
            return FUNC_RUN;                                                                       \
        }                                                                                          \
        ip = (struct func_insn *)(intptr_t)ip->imm;                                                \
        goto *ip->handler;                                                                         \
    } while (0)

/* Leaves the trace for the computed address in `target`. */
#define EXIT_COMPUTED                                                                              \
    do {                                                                                           \
        PLACE(ip)->executed++;                                                                     \
        e->count += ip->aux;                                                                       \
        e->pc = target;                                                                            \
        goto enter;                                                                                \
    } while (0)

/* After the branch of a bundle that commits. cpc is the next bundle's address, taken or not. */
#define INTERRUPT                                                                                  \
    do {                                                                                           \
        if (unlikely(e->icount >= e->ilimit_now))                                                  \
            goto interrupt;                                                                        \
    } while (0)

#define VA_A  ((r[ip->a] + (uint64_t)ip->imm) & e->address_mask)
#define VA_X  ((r[ip->a] + (r[ip->b] << ip->c) + (uint64_t)ip->imm) & e->address_mask)
#define PA_A  ((uint32_t)(r[ip->a] + (uint64_t)ip->imm))
#define PA_X  ((uint32_t)(r[ip->a] + (r[ip->b] << ip->c) + (uint64_t)ip->imm))

#define LOAD_G(name, u, s, address, save)                                                          \
    name:                                                                                          \
    {                                                                                              \
        uint64_t va = address;                                                                     \
        const struct func_soft *t = &e->soft[(va >> 12) % FUNC_SOFT_TLB];                          \
        if (unlikely(((va + sizeof(u) - 1) & ~UINT64_C(4095)) != t->load))                         \
            goto slow;                                                                             \
        u v;                                                                                       \
        memcpy(&v, (void *)(t->addend + va), sizeof v);                                            \
        if (save)                                                                                  \
            e->saved = r[ip->d];                                                                   \
        r[ip->d] = (uint64_t)(s)v;                                                                 \
        NEXT;                                                                                      \
    }
#define LOAD_N(name, u, s, address, save)                                                          \
    name:                                                                                          \
    {                                                                                              \
        uint32_t pa = address;                                                                     \
        if (unlikely(!native_ok(e, pa)))                                                           \
            goto slow;                                                                             \
        u v;                                                                                       \
        memcpy(&v, e->memory + pa, sizeof v);                                                      \
        if (save)                                                                                  \
            e->saved = r[ip->d];                                                                   \
        r[ip->d] = (uint64_t)(s)v;                                                                 \
        NEXT;                                                                                      \
    }
#define STORE_G(name, u, address, save)                                                            \
    name:                                                                                          \
    {                                                                                              \
        uint64_t va = address;                                                                     \
        const struct func_soft *t = &e->soft[(va >> 12) % FUNC_SOFT_TLB];                          \
        uint32_t need = 1 + ((va & 7) + sizeof(u) > 8);                                            \
        if (unlikely(((va + sizeof(u) - 1) & ~UINT64_C(4095)) != t->store ||                       \
                     e->gated + need > e->store_buffer))                                           \
            goto slow;                                                                             \
        if (save) {                                                                                \
            e->saved_size = 0;                                                                     \
            e->saved_undo = e->undo_count;                                                         \
            e->saved_gated = e->gated;                                                             \
        }                                                                                          \
        u v = (u)r[ip->d], old;                                                                    \
        struct func_undo *undo = &e->undo[e->undo_count++];                                        \
        memcpy(&old, (void *)(t->addend + va), sizeof v);                                          \
        undo->paddr = t->page + (uint32_t)(va & 4095);                                             \
        undo->size = sizeof(u);                                                                    \
        undo->old = old;                                                                           \
        e->gated += need;                                                                          \
        memcpy((void *)(t->addend + va), &v, sizeof v);                                            \
        NEXT;                                                                                      \
    }
#define STORE_N(name, u, address, save)                                                            \
    name:                                                                                          \
    {                                                                                              \
        uint32_t pa = address;                                                                     \
        if (unlikely(!native_ok(e, pa)) || (e->gated != 0 && func_gated_at(e, pa, sizeof(u))))     \
            goto slow;                                                                             \
        if (save) {                                                                                \
            e->saved_size = sizeof(u);                                                             \
            e->saved_paddr = pa;                                                                   \
            e->saved = func_read(e, pa, sizeof(u));                                                \
        }                                                                                          \
        u v = (u)r[ip->d];                                                                         \
        memcpy(e->memory + pa, &v, sizeof v);                                                      \
        func_touch_code(e, pa, sizeof(u));                                                         \
        NEXT;                                                                                      \
    }

/* With `labels`: only says where the handlers are. */
static enum func_status run(struct func *e, const void *const **labels)
{
#define L_ALU(OP, low)              &&R_##OP, &&I_##OP,
#define L_BRANCH(OP, low)           &&B_##OP, &&B_##OP##_C,
#define L_LOAD(space, kind, u, s)   &&LD_##space##_##kind##_A, &&LD_##space##_##kind##_A_S,        \
                                    &&LD_##space##_##kind##_X, &&LD_##space##_##kind##_X_S,
#define L_STORE(space, kind, u)     &&ST_##space##_##kind##_A, &&ST_##space##_##kind##_A_S,        \
                                    &&ST_##space##_##kind##_X, &&ST_##space##_##kind##_X_S,
#define L_PLAIN(name)               &&P_##name,
    /* clang-format off */
    static const void *const table[FH_COUNT] = {
        DUKE_ALU_ROWS(L_ALU)
        DUKE_BRANCH_ROWS(L_BRANCH)
        FUNC_LOAD_KINDS(L_LOAD, G)
        FUNC_LOAD_KINDS(L_LOAD, N)
        FUNC_STORE_KINDS(L_STORE, G)
        FUNC_STORE_KINDS(L_STORE, N)
        FUNC_PLAIN_HANDLERS(L_PLAIN)
    };
    /* clang-format on */
    if (labels != NULL) {
        *labels = table;
        return FUNC_RUN;
    }

    uint64_t *const r = e->reg;
    struct func_insn *ip;
    uint32_t target;
    struct engine_record rec;

enter: /* e->pc and e->count are right */
    if (unlikely(e->count >= LIMIT))
        return FUNC_RUN;
    ip = func_code_find(e, e->pc);
    if (unlikely(ip == NULL))
        goto reference;
    goto * ip->handler;

slow:
    if ((ip->aux & FUNC_SECOND) != 0)
        undo_first(e, &e->places[ip->aux & ~FUNC_SECOND]);
P_SLOW: {
    struct func_place *place = &e->places[ip->aux & ~FUNC_SECOND];
    place->executed++;
    e->count += place->bundles;
    e->pc = place->pc;
}
reference: {
    enum func_status status = func_step(e, &rec);
    if (status != FUNC_RUN || e->interrupt_due)
        return status;
    goto enter;
}

interrupt:
    PLACE(ip)->executed++;
    e->count += ip->aux;
    e->pc = e->cpc;
    e->interrupt_due = !e->in_trap;
    return FUNC_RUN;

P_LINK: {
    uint32_t generation = e->generation;
    e->pc = ip->aux;
    struct func_insn *to = func_code_find(e, ip->aux);
    if (to == NULL)
        goto reference;
    if (generation == e->generation)
        ip[-1].imm = (int64_t)(intptr_t)to;
    ip = to;
    goto * ip->handler;
}
P_STALE:
    e->pc = ip->aux;
    goto enter;
P_FALL:
    EXIT;

#define ALU(OP, low)                                                                               \
    R_##OP:                                                                                        \
    r[ip->d] = duke_sem_##low(r[ip->a], r[ip->b], r[ip->c], ip->aux);                              \
    NEXT;                                                                                          \
    I_##OP:                                                                                        \
    r[ip->d] = duke_sem_##low(r[ip->a], (uint64_t)ip->imm, r[ip->c], ip->aux);                     \
    NEXT;
    DUKE_ALU_ROWS(ALU)

#define BRANCH(OP, low)                                                                            \
    B_##OP:                                                                                        \
    if (duke_sem_##low(r[ip->a], r[ip->b], 0, ip->c) != 0)                                         \
        EXIT;                                                                                      \
    SKIP;                                                                                          \
    B_##OP##_C:                                                                                    \
    if (duke_sem_##low(r[ip->a], r[ip->b], 0, ip->c) != 0) {                                       \
        e->cpc = PLACE(ip)->pc;                                                                    \
        INTERRUPT;                                                                                 \
        EXIT;                                                                                      \
    }                                                                                              \
    INTERRUPT;                                                                                     \
    SKIP;
    DUKE_BRANCH_ROWS(BRANCH)

#define LOADS(space, kind, u, s)                                                                   \
    LOAD_##space(LD_##space##_##kind##_A, u, s, ADDRESS_##space(A), 0)                             \
    LOAD_##space(LD_##space##_##kind##_A_S, u, s, ADDRESS_##space(A), 1)                           \
    LOAD_##space(LD_##space##_##kind##_X, u, s, ADDRESS_##space(X), 0)                             \
    LOAD_##space(LD_##space##_##kind##_X_S, u, s, ADDRESS_##space(X), 1)
#define STORES(space, kind, u)                                                                     \
    STORE_##space(ST_##space##_##kind##_A, u, ADDRESS_##space(A), 0)                               \
    STORE_##space(ST_##space##_##kind##_A_S, u, ADDRESS_##space(A), 1)                             \
    STORE_##space(ST_##space##_##kind##_X, u, ADDRESS_##space(X), 0)                               \
    STORE_##space(ST_##space##_##kind##_X_S, u, ADDRESS_##space(X), 1)
#define ADDRESS_G(form) VA_##form
#define ADDRESS_N(form) PA_##form
    FUNC_LOAD_KINDS(LOADS, G)
    FUNC_LOAD_KINDS(LOADS, N)
    FUNC_STORE_KINDS(STORES, G)
    FUNC_STORE_KINDS(STORES, N)

P_MOV:
    r[ip->d] = r[ip->a];
    NEXT;
P_F_DIRTY:
    e->f_dirty = true;
    NEXT;
P_CHKS:
    if (unlikely(e->poison >> ip->a & 1))
        goto slow;
    NEXT;
P_RDCR:
    r[ip->d] = func_read_cr(e, ip->a, ip->aux);
    NEXT;
P_CAT:
    func_set_category(e, ip->a, ip->aux);
    NEXT;
P_RAS_PUSH:
    func_ras_push(e, r[ip->a], ip->aux);
    NEXT;
P_COMMIT:
    fast_commit(e, ip->a, (uint32_t)ip->imm);
    if (unlikely(e->icount >= e->ilimit_now)) {
        struct func_place *place = &e->places[ip->aux];
        place->executed++;
        e->count += place->bundles;
        e->pc = place->pc;
        e->interrupt_due = !e->in_trap;
        return FUNC_RUN;
    }
    NEXT;
P_COMMIT_B:
    fast_commit(e, ip->a, (uint32_t)ip->imm);
    NEXT;
P_J_C:
    e->cpc = PLACE(ip)->pc;
    INTERRUPT;
P_J:
    EXIT;
P_JR_C:
    e->cpc = (uint32_t)r[ip->a];
    INTERRUPT;
P_JR:
    target = (uint32_t)r[ip->a];
    EXIT_COMPUTED;
P_JITC_C:
    e->cpc = target = func_itc_target(e, r[ip->a], PLACE(ip)->pc);
    INTERRUPT;
    goto computed;
P_JITC:
    target = func_itc_target(e, r[ip->a], PLACE(ip)->pc);
    goto computed;
P_JRAS_C:
    e->cpc = target = func_jras(e, r[ip->a], PLACE(ip)->pc);
    INTERRUPT;
    goto computed;
P_JRAS:
    target = func_jras(e, r[ip->a], PLACE(ip)->pc);
computed:
    if (target == PLACE(ip)->pc) /* not found: the next bundle is the next in this trace */
        SKIP;
    EXIT_COMPUTED;
}

const void *const *func_fast_labels(void)
{
    const void *const *labels;
    run(NULL, &labels);
    return labels;
}

enum func_status func_fast(struct func *e) { return run(e, NULL); }

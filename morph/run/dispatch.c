/* The dispatcher: finds out how to execute what is at cpu.rip, again and again. */
#include "cache/cache.h"
#include "duke_isa.h"
#include "gear2.h"
#include "guest/block.h"
#include "guest/interp.h"
#include "guest/lift.h"
#include "guest/mmu.h"
#include "guest/sem/sem.h"
#include "guest/x87_home.h"
#include "morph.h"
#include "port.h"
#include "region/region.h"
#include "run.h"

enum { NO_EXIT = 0xffffffffu, BLOCK_MAX = 64 };

/* What the last exit from translated code would like to be told. */
struct wish {
    uint32_t exit;       /* number of the direct exit to chain, or NO_EXIT */
    uint32_t generation; /* of the cache */
    bool indirect;       /* cpu.rip was looked up and not found */
};

/* Reports to the host what the interpreter could not go on with. False: the run has come to a stop. */
static bool report(struct morph *m, enum interp_result r)
{
    switch (r) {
    case INTERP_OK: return true;
    case INTERP_SMC: return report(m, (enum interp_result)smc_step(m, m->interp.addr));
    case INTERP_EXCEPTION:
    case INTERP_SYSCALL:
    case INTERP_UNIMPLEMENTED:
    case INTERP_STOP:
        exc_report(m, r);
        run_resume(m);
        return r != INTERP_STOP;
    default: port_panic("an interpreted instruction met a trap that no instruction should");
    }
}

/* The fetch at cpu.rip fails: raises what the processor raises, unless the run is to stop before that instruction. */
static bool report_fetch(struct morph *m, enum block_result r, const struct block_fault *f)
{
    const struct morph_params *p = &m->sh->params;
    bool counted = p->max_insts && port_icount() >= p->max_insts;
    if (counted || (p->stop_rip_on && p->stop_rip == m->sh->cpu.rip)) {
        m->interp.stop = counted ? STOP_COUNT : STOP_ADDRESS;
        return report(m, INTERP_STOP);
    }
    unsigned vector = r == BLOCK_PAGE_FAULT ? GUEST_PF : r == BLOCK_PROTECTION ? GUEST_GP : GUEST_UD;
    m->interp.addr = f->addr;
    return report(m, interp_raise(m, vector, r == BLOCK_PAGE_FAULT ? f->error : 0));
}

/* The block at cpu.rip. NULL: none; *go_on says whether the run goes on all the same. */
static struct gblock *block_here(struct morph *m, bool *go_on)
{
    const struct guest_cpu *cpu = &m->sh->cpu;
    struct gblock **recent = block_recent(m->blocks, cpu->rip), *b = *recent;
    struct block_fault fault;
    if (b->rip == cpu->rip && b->mode == cpu->mode && b->epoch == m->blocks->epoch && !(b->flags & BLOCK_DEAD) && b->ninsns)
        return b;
    b = block_find(m, m->blocks, cpu->rip, cpu->mode);
    if (b)
        return *recent = b;
    enum block_result r = block_make(m, cpu->rip, &b, &fault);
    if (r == BLOCK_FULL) {
        m->sh->stats.decode_flushes++;
        morph_drop_all(m);
        r = block_make(m, cpu->rip, &b, &fault);
    }
    if (r == BLOCK_OK)
        return b;
    *go_on = report_fetch(m, r, &fault);
    return NULL;
}

/* Whether translated code may run: enough instructions are left before the stop, and the segments are as it expects. */
static bool may_enter(struct morph *m)
{
    const struct morph_params *p = &m->sh->params;
    struct tcache *t = m->tcache;
    uint32_t env = run_env(m);
    if (env != t->env || !(env & 1)) {
        if (cache_live(t))
            cache_flush(m);
        if ((env ^ t->env) & (RUN_ENV_SIMD | RUN_ENV_X87))
            block_retry_refused(m->blocks, GEAR2_REFUSED);
        t->env = env;
        return false;
    }
    if (m->sh->cpu.sysflags & (EFL_TF | EFL_DF)) /* translated string instructions go up */
        return false;
    if (p->stop_rip_on && p->stop_rip == m->sh->cpu.rip)
        return false;
    if (p->max_insts) {
        if (port_icount() + t->max_commit > p->max_insts)
            return false;
        port_set_ilimit(p->max_insts - t->max_commit + 1);
    }
    if (m->region && p->gear_max >= 3)
        region_arm(m);
    return true;
}

/* A region was rolled back, and the block behind its last commit interpreted with result r. */
static void region_recover(struct morph *m, uint32_t t, enum interp_result r, uint32_t cause)
{
    if (r != INTERP_OK || m->tcache->tr[t].dead)
        return;
    m->sh->stats.gear3_traps++;
    if (!region_trapped(m, m->tcache->tr[t].rip, cause))
        return;
    m->sh->stats.gear3_demoted++;
    struct gblock *head = &m->blocks->blocks[m->tcache->tr[t].block];
    cache_drop(m, t);
    port_cat(DUKE_CAT_TRANSLATE3);
    if (head->epoch == m->blocks->epoch && !(head->flags & BLOCK_DEAD))
        region_translate(m, head); /* it is hot: made anew at once */
    port_cat(DUKE_CAT_RECOVER);
}

/* Whether translated code found the x87's stack in another state than it was made for. Then it is made anew when next wanted, a few
 * times. */
static bool other_stack(struct morph *m, uint32_t cause)
{
    struct tcache *c = m->tcache;
    uint32_t t = cause == DUKE_TRAP_SOFT ? cache_find(c, (uint32_t)m->sh->trap_pc) : CACHE_NONE;
    if (t == CACHE_NONE || !c->tr[t].stack || c->tr[t].stack == x87_stack(m->sh) + 1)
        return false;
    struct gblock *first = &m->blocks->blocks[c->tr[t].block];
    cache_drop(m, t);
    if (first->flags & BLOCK_STACKS)
        first->translation = GEAR2_REFUSED;
    else
        first->flags += BLOCK_STACK;
    return true;
}

/* Translated code was rolled back to its last commit: interprets from there. The rest of the way to a fault that lies in
 * a later block is found by the dispatcher. */
static bool recover(struct morph *m, uint32_t cause)
{
    struct morph_stats *s = &m->sh->stats;
    bool go_on = true;
    port_cat(DUKE_CAT_RECOVER);
    struct gblock *b = block_here(m, &go_on);
    if (other_stack(m, cause))
        cause = 0;
    enum interp_result r = b ? interp_block(m, b, BLOCK_MAX) : INTERP_OK;
    if (r == INTERP_EXCEPTION)
        s->faults_genuine++;
    else
        s->faults_spurious++;
    uint32_t t = m->region ? cache_find(m->tcache, (uint32_t)m->sh->trap_pc) : CACHE_NONE;
    if (t != CACHE_NONE && m->tcache->tr[t].gear == 3) {
        region_recover(m, t, r, cause);
    } else if (b && cause == DUKE_TRAP_SB_OVERFLOW) { /* gear 2 did not foresee it: once more, with commits in between */
        t = cache_find(m->tcache, (uint32_t)m->sh->trap_pc);
        if (t != CACHE_NONE) {
            struct gblock *first = &m->blocks->blocks[m->tcache->tr[t].block];
            cache_drop(m, t);
            if (first->flags & BLOCK_SHORT)
                first->translation = GEAR2_REFUSED;
            first->flags |= BLOCK_SHORT;
        }
    }
    go_on = b ? report(m, r) : go_on;
    port_cat(DUKE_CAT_INTERP);
    return go_on;
}

/* Interprets what translated code leaves to the interpreter: one instruction at least. */
static enum interp_result interpret_odd(struct morph *m, struct gblock *b)
{
    unsigned n = gear2_span(m, b);
    return n == b->ninsns && n > 1 ? interp_run(m, b) : interp_block(m, b, n ? n : 1);
}

static bool step(struct morph *m)
{
    bool go_on = true;
    struct gblock *b = block_here(m, &go_on);
    return b ? report(m, interpret_odd(m, b)) : go_on;
}

/* port_enter. Regions of IA-32 code count instructions that they jump over, and how many these are: see lift_join. */
static int enter_counted(struct morph *m, uint32_t native)
{
    struct guest_cpu *cpu = &m->sh->cpu;
    if (!m->region || cpu->mode != GUEST_IA32)
        return port_enter(native);
    uint64_t kept = cpu->gpr[LIFT_UNCOUNT];
    cpu->gpr[LIFT_UNCOUNT] = 0;
    int how = port_enter(native);
    if (cpu->gpr[LIFT_UNCOUNT])
        port_uncount(cpu->gpr[LIFT_UNCOUNT]);
    cpu->gpr[LIFT_UNCOUNT] = kept;
    return how;
}

static bool enter(struct morph *m, uint32_t native, struct wish *w)
{
    struct shared *sh = m->sh;
    struct morph_stats *s = &sh->stats;
    s->enters++;
    if (sh->x87_state == XMM_IN_MEMORY) {
        if (m->tcache->env & RUN_ENV_X87)
            x87_leave_home(sh);
        else
            sh->x87_state = XMM_UNUSED; /* registers cannot hold what it may be now, and no translation wants it there */
    }
    switch (enter_counted(m, native)) {
    case PORT_EXIT_DIRECT:
        s->exits_direct++;
        w->exit = (uint32_t)sh->exit_id;
        sh->cpu.rip = m->tcache->exits[w->exit].target;
        w->generation = m->tcache->generation;
        return true;
    case PORT_EXIT_INDIRECT:
        s->exits_indirect++;
        w->indirect = true;
        return true;
    case PORT_EXIT_INTERP: s->exits_interp++; return step(m);
    case PORT_EXIT_LIMIT:
        sh->cpu.rip = cache_resolve(m->tcache, (uint32_t)sh->trap_cpc, sh->trap_r30);
        if (m->region)
            region_sample(m, (uint32_t)sh->trap_cpc);
        return true;
    default:
        s->exits_fault++;
        sh->cpu.rip = cache_resolve(m->tcache, (uint32_t)sh->trap_cpc, sh->trap_r30);
        return recover(m, (uint32_t)sh->trap_cause);
    }
}

/* Gives the last exit what it lacked, now that block b is translated. */
static void grant(struct morph *m, struct wish *w, const struct gblock *b)
{
    const struct morph_params *p = &m->sh->params;
    struct tcache *t = m->tcache;
    if (w->exit != NO_EXIT && w->generation == t->generation && p->opt_chain && t->exits[w->exit].target == b->rip)
        cache_chain(m, w->exit, b->translation);
    if (w->indirect && p->opt_itc)
        port_itc_write(b->rip, b->native);
}

/* Whether the policies want the block, executed hot2 times, to wait: for promotion, and for code that changes. */
static bool must_wait(struct morph *m, struct gblock *b)
{
    enum { MOST = 7 };
    uint64_t hot2 = m->sh->params.hot2;
    unsigned asked = b->flags / BLOCK_ASKED & MOST;
    unsigned written = m->written[b->paddr >> 12], patience = m->policy.smc->patience;
    uint32_t more = m->policy.promote->wait ? m->policy.promote->wait(&m->sh->params, b, asked) : 0;
    if (asked + 1 < written && asked + 1 < patience)
        more = (uint32_t)hot2;
    if (asked < MOST)
        b->flags += BLOCK_ASKED;
    if (!more)
        return false;
    b->count = (uint32_t)(more < hot2 ? hot2 - more : 0);
    m->sh->stats.promote_waits++;
    return true;
}

static bool hot(struct morph *m, struct gblock *b)
{
    const struct morph_params *p = &m->sh->params;
    if (p->gear_max < 2 || b->translation == GEAR2_REFUSED || ++b->count < p->hot2)
        return false;
    if (p->stop_rip_on && p->stop_rip == b->rip) /* nothing of it will run */
        return false;
    if ((m->policy.promote->wait || m->written[b->paddr >> 12]) && must_wait(m, b))
        return false;
    bool at_once = m->region && p->hot3 == 1 && p->gear_max >= 3;
    port_cat(at_once ? DUKE_CAT_TRANSLATE3 : DUKE_CAT_TRANSLATE);
    bool done = (at_once && region_translate(m, b)) || gear2_translate(m, b);
    port_cat(DUKE_CAT_INTERP);
    return done;
}

void morph_run(struct morph *m)
{
    bool go_on = true;
    struct wish w = {.exit = NO_EXIT};
    port_cat(DUKE_CAT_INTERP);
    run_resume(m);
    if (!cache_live(m->tcache))
        m->tcache->env = run_env(m);
    while (go_on) {
        struct gblock *b = block_here(m, &go_on);
        if (!b)
            continue;
        if (m->region && m->region->profile.end && region_watch(m, b)) {
            w = (struct wish){.exit = NO_EXIT};
            go_on = report(m, interp_block(m, b, BLOCK_MAX));
            continue;
        }
        if ((b->native || hot(m, b)) && may_enter(m)) {
            grant(m, &w, b);
            w = (struct wish){.exit = NO_EXIT};
            go_on = enter(m, b->native, &w);
            continue;
        }
        w = (struct wish){.exit = NO_EXIT};
        /* A block whose first instruction only the interpreter knows: what follows it may be translated. */
        bool refused = b->translation == GEAR2_REFUSED && !b->native;
        go_on = report(m, refused ? interpret_odd(m, b) : interp_run(m, b));
    }
}

/* A region's bundles to memory, and its stubs behind them. */
#include "gen/writer.h"
#include "region.h"
#include "region_sched.h"

enum { FIX_WORDS = 6, OWED_WORDS = 4 };

/* commit n: the count is the short immediate's six bits, unsigned. */
static uint32_t *put_commit(const struct writer *w, uint32_t *at, unsigned n)
{
    *at = w->info[DUKE_OP_COMMIT].imm | n << 6;
    return at + 1;
}

/* *label: where the label is. */
static uint32_t *put_bundles(struct writer *w, const struct region_gen *g, uint32_t *at, uint32_t *label)
{
    uint32_t next_exit = 0, nexits = g->ir->nexits;
    for (uint32_t c = 0; c < g->ncycles; c++) {
        const struct gen_bundle *u = &g->bundle[c];
        if (c == g->base)
            *label = writer_here(w, at);
        if (u->n | u->commit) {
            bool joined = at == w->p->words + 1; /* the first bundle begins with the category, which has no position */
            uint32_t place = writer_here(w, at - joined) / 4; /* as a trap tells it: bundle and position */
            for (unsigned i = 0; i < u->n; i++, place++) {
                const struct gen_op *o = &g->op[u->op[i]];
                uint32_t *start = at;
                at = writer_put(at, o);
                if (o->site)
                    g->site[place % REGION_SITES] = (struct region_site){o->site, (uint16_t)(place / REGION_SITES)};
                if (o->use)
                    writer_use(w, o->use, o->exit, start);
            }
            if (u->commit)
                at = put_commit(w, at, u->commit - 1u);
            at[-1] |= DUKE_END;
            w->out->nops += u->n;
            w->out->nbundles++;
        }
        for (; next_exit < nexits && (g->exit_cycle[next_exit] <= c || g->exit_cycle[next_exit] == REGION_NO_CYCLE);
             next_exit++)
            if (g->exit_cycle[next_exit] != REGION_NO_CYCLE)
                w->out->exit[next_exit].after = writer_here(w, at);
    }
    return at;
}

static uint32_t *put_fix(const struct writer *w, uint32_t *at, const struct region_fix *f)
{
    const struct gen_info *t = &w->info[f->op];
    struct gen_op o = {.nwords = 0};
    if (ir_is_store(f->op)) {
        words_mem(&o, t, f->rc, f->ra, f->rb, f->x, f->imm);
        if (f->entries)
            sched_check(w->info, &o, 1u << ir_mem_log2(f->op), f->imm, f->entries);
    } else if (t->fmt == DUKE_FMT_LI)
        words_li(&o, t, f->rd, w->ir->wide ? f->imm : (int64_t)(uint32_t)f->imm);
    else if (t->fmt == DUKE_FMT_R3 && (f->rb || f->imm == 0))
        words_r3(&o, t, f->rd, f->ra, f->rb);
    else if (t->fmt == DUKE_FMT_R3)
        words_r3i(&o, t, f->rd, f->ra, f->imm);
    else if (t->fmt == DUKE_FMT_RI)
        words_ri(&o, t, f->rd, f->ra, f->imm);
    else
        words_r4(&o, t, f->rd, f->ra, f->rb, f->rc, f->x);
    w->out->nops++;
    return writer_put(at, &o);
}

static bool reads(const struct region_fix *f, unsigned r) { return f->ra == r || f->rb == r || f->rc == r; }

/* Whether a fix other than number k, among those left, reads what k overwrites and is not among `taken`. */
static bool read_later(const struct region_fix *f, unsigned n, unsigned k, uint32_t taken)
{
    for (unsigned j = 0; j < n; j++)
        if (j != k && !(taken >> j & 1) && reads(&f[j], f[k].rd))
            return true;
    return false;
}

/* The fixes of a bundle: at most `room` of those left, such that no fix left for later reads what they overwrite. */
static uint32_t choose(const struct region_fix *f, unsigned n, uint32_t done, unsigned room)
{
    uint32_t left = ((1u << n) - 1) & ~done, taken = 0;
    uint64_t read = 0; /* registers; most homes are not among them */
    if ((unsigned)__builtin_popcount(left) <= room)
        return left;
    for (uint32_t m = left; m; m &= m - 1) {
        const struct region_fix *x = &f[__builtin_ctz(m)];
        read |= UINT64_C(1) << x->ra | UINT64_C(1) << x->rb | UINT64_C(1) << x->rc;
    }
    for (uint32_t m = left; m && room; m &= m - 1) {
        unsigned k = (unsigned)__builtin_ctz(m);
        if (read >> f[k].rd & 1 && read_later(f, n, k, done | taken))
            continue;
        taken |= 1u << k;
        room--;
    }
    return taken;
}

/* A temporary that no fix reads. */
static unsigned scratch(const struct region_fix *f, unsigned n)
{
    unsigned r = 4;
    for (unsigned k = 0; k < n; k++) {
        if (reads(&f[k], r)) {
            r++;
            k = ~0u;
        }
    }
    return r;
}

/* Stores that were left to later ones, in their order. The last bundle is not ended; *lanes is how many it has taken. */
static uint32_t *put_stores(struct writer *w, const struct region_fix *f, unsigned n, uint32_t *at, unsigned room,
                            unsigned *lanes)
{
    *lanes = 0;
    for (unsigned k = 0; k < n; k++, ++*lanes) {
        if (*lanes == room) {
            at[-1] |= DUKE_END;
            w->out->nbundles++;
            *lanes = 0;
        }
        at = put_fix(w, at, &f[k]);
    }
    return at;
}

/* The last bundle is for the caller to end. */
static uint32_t *put_fixes(struct writer *w, const struct region_gen *g, uint32_t *at, unsigned exit)
{
    struct region_fix f[IR_G_COUNT];
    unsigned stores = 0, room = g->lanes >> 8 & 7, taken;
    while (stores < g->fix_count[exit] && ir_is_store(g->fix[g->fix_first[exit] + stores].op))
        stores++;
    unsigned n = g->fix_count[exit] - stores;
    at = put_stores(w, &g->fix[g->fix_first[exit]], stores, at, g->lanes & 7, &taken);
    if (n && taken == room) {
        at[-1] |= DUKE_END;
        w->out->nbundles++;
        taken = 0;
    }
    uint32_t done = 0, all = (1u << n) - 1;
    for (unsigned k = 0; k < n; k++)
        f[k] = g->fix[g->fix_first[exit] + stores + k];
    while (done != all) {
        uint32_t now = choose(f, n, done, room - taken);
        taken = 0;
        if (!now) { /* a cycle: one that is overwritten is kept */
            unsigned k = (unsigned)__builtin_ctz(all & ~done), r = f[k].rd;
            uint8_t t = (uint8_t)scratch(f, n);
            at = put_fix(w, at, &(struct region_fix){.op = DUKE_OP_ADDI, .rd = t, .ra = (uint8_t)r});
            at[-1] |= DUKE_END;
            w->out->nbundles++;
            for (unsigned j = 0; j < n; j++) {
                f[j].ra = f[j].ra == r ? t : f[j].ra;
                f[j].rb = f[j].rb == r ? t : f[j].rb;
                f[j].rc = f[j].rc == r ? t : f[j].rc;
            }
            continue;
        }
        done |= now;
        for (; now; now &= now - 1)
            at = put_fix(w, at, &f[__builtin_ctz(now)]);
        if (done != all) {
            at[-1] |= DUKE_END;
            w->out->nbundles++;
        }
    }
    return at;
}

/* Return addresses that the way not taken would have popped: li r4, guest address; rasp r4, native address. The stub's
 * temporaries are free by now. */
static uint32_t *put_owed(struct writer *w, const struct region_gen *g, uint32_t *at, uint32_t i)
{
    for (uint32_t k = g->owed_first[i]; k < (uint32_t)g->owed_first[i] + g->owed_count[i]; k++) {
        struct gen_op o;
        if (at != w->p->words)
            at[-1] |= DUKE_END;
        words_li(&o, &w->info[DUKE_OP_LI], 4, (int64_t)w->ir->exit[k].target);
        at = writer_put(at, &o);
        at[-1] |= DUKE_END;
        w->out->exit[k].branch = writer_here(w, at);
        words_branch(&o, &w->info[DUKE_OP_RASP], 4, 0, 0);
        at = writer_put(at, &o);
        at[-1] |= DUKE_END;
        w->out->nbundles += 2;
        w->out->nops += 2;
    }
    return at;
}

/* The register that the stub's indirect jump reads: the target's home, or the temporary that one of the last fixes brings there,
 * so that the jump need not wait for the move. Nothing in the stub writes such a temporary unless return addresses are owed. */
static unsigned jump_by(const struct region_gen *g, uint32_t i)
{
    unsigned home = ir_home(IR_G_TARGET);
    for (unsigned k = 0; k < g->fix_count[i] && !g->owed_count[i]; k++) {
        const struct region_fix *f = &g->fix[g->fix_first[i] + k];
        if (f->rd == home && f->op == DUKE_OP_ADDI && f->imm == 0 && !sched_is_home(f->ra))
            return f->ra;
    }
    return home;
}

/* A late exit's branch leads here: the guest's registers are made good, then it commits and jumps on; that jump is then what
 * the exit leaves by, unless it goes to the label. */
static uint32_t *put_late(struct writer *w, const struct region_gen *g, uint32_t *at, uint32_t i, uint32_t label)
{
    struct gen_exit_code *x = &w->out->exit[i];
    const struct ir_exit *e = &w->ir->exit[i];
    writer_patch(w, x->branch, writer_here(w, at));
    at = put_fixes(w, g, at, i);
    at = put_owed(w, g, at, i);
    bool local = e->kind == IR_EXIT_LOCAL, direct = e->kind == IR_EXIT_DIRECT || local;
    unsigned by = direct ? 0 : jump_by(g, i);
    if (by == ir_home(IR_G_TARGET) && !(at[-1] & DUKE_END)) { /* what follows reads r30, which a fix has just written */
        at[-1] |= DUKE_END;
        w->out->nbundles++;
    }
    x->branch = direct && !local ? writer_here(w, at) : 0;
    uint32_t *leave = at++;
    if (direct)
        at = writer_jump(w, leave);
    if (local)
        gen_patch(leave, writer_here(w, leave), label);
    if (!direct)
        leave[0] = w->info[DUKE_OP_JITC].reg | words_ra(by);
    at = put_commit(w, at, e->ninsns);
    at[-1] |= DUKE_END;
    w->out->nbundles++;
    x->after = local ? label : 0;
    if (direct)
        return at;
    x->after = writer_here(w, at);
    w->out->nbundles++;
    return writer_jump_to(w, at, w->p->exit_indirect);
}

bool region_emit(const struct region_gen *g, const struct gen_place *p, struct gen_code *out)
{
    const struct ir_block *b = g->ir;
    struct writer w;
    writer_begin(&w, b, g->info, p, out);
    if (region_worst_words(g) > p->max_words)
        return false;
    out->nops = out->nbundles = 0;
    for (uint32_t i = 0; i < b->nexits; i++)
        out->exit[i] = (struct gen_exit_code){0, 0, 0};
    uint32_t label = 0, *at = put_bundles(&w, g, writer_category(&w, p->words), &label);
    writer_category_end(&w);
    for (uint32_t i = 0; i < b->nexits; i++) {
        const struct ir_exit *e = &b->exit[i];
        if (e->flags & IR_EXIT_LATE)
            at = put_late(&w, g, at, i, label);
        if (e->kind == IR_EXIT_DIRECT || e->kind == IR_EXIT_RETURN)
            at = writer_exit(&w, at, i);
    }
    if (g->has_fault)
        at = writer_fault_stub(&w, at);
    out->nwords = (uint32_t)(at - p->words);
    return w.nfaults <= WRITER_FAULTS_MAX;
}

uint32_t region_worst_words(const struct region_gen *g)
{
    return 2 * g->nops + 2 * g->ncycles + FIX_WORDS * g->nfixes + (WRITER_STUB_WORDS + 5) * (g->ir->nexits + 1) + 2 +
           OWED_WORDS * g->nowed;
}

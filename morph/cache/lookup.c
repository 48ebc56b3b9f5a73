/* From native addresses back to the guest. */
#include "cache.h"

#include "ir/ir.h"

uint32_t cache_find(const struct tcache *t, uint32_t native)
{
    uint32_t offset = native - t->native, u = t->nunits == 1 ? 0 : offset / t->step.used;
    if (offset >= t->size || u >= t->nunits)
        return CACHE_NONE;
    uint32_t lo = cache_begin_of(t, u).ntr, hi = cache_fill_of(t, u).ntr; /* in [lo, hi) if anywhere: entries ascend */
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (t->tr[mid].entry <= native)
            lo = mid;
        else
            hi = mid;
    }
    return lo < hi && native >= t->tr[lo].entry && native < t->tr[lo].end ? lo : CACHE_NONE;
}

uint64_t cache_resolve(const struct tcache *t, uint32_t cpc, uint64_t r30)
{
    uint32_t n = cache_find(t, cpc);
    if (n == CACHE_NONE) /* a firmware stub */
        return r30;
    const struct translation *tr = &t->tr[n];
    if (cpc == tr->entry)
        return tr->rip;
    for (uint32_t i = tr->first_exit; i < tr->first_exit + tr->nexits; i++) {
        const struct cache_exit *x = &t->exits[i];
        if (cpc == x->stub)
            return x->target;
        if (cpc == x->after && x->kind != IR_EXIT_RETURN)
            return x->kind == IR_EXIT_JMP || x->kind == IR_EXIT_RET ? r30 : x->next;
    }
    return r30;
}

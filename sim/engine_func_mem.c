/* The functional engine's guest TLB, soft TLB and undo log. */
#include "engine_func.h"

enum { PAGE = 4096 };

static struct func_tlb_entry *tlb_set(struct func *e, uint64_t vpn)
{
    return &e->tlb[(vpn % e->machine->tlb_sets) * e->machine->tlb_ways];
}

static struct func_tlb_entry *tlb_lookup(struct func *e, uint64_t vpn)
{
    struct func_tlb_entry *set = tlb_set(e, vpn);
    for (unsigned w = 0; w < e->machine->tlb_ways; w++)
        if (set[w].valid && set[w].vpn == vpn)
            return &set[w];
    return NULL;
}

static void soft_drop(struct func *e, uint64_t vpn)
{
    struct func_soft *s = &e->soft[vpn % FUNC_SOFT_TLB];
    s->load = s->store = 1;
}

void func_soft_flush(struct func *e)
{
    for (unsigned i = 0; i < FUNC_SOFT_TLB; i++)
        e->soft[i].load = e->soft[i].store = 1;
}

void func_tlb_flush(struct func *e)
{
    memset(e->tlb, 0, sizeof *e->tlb * e->machine->tlb_sets * e->machine->tlb_ways);
    memset(e->tlb_next, 0, sizeof *e->tlb_next * e->machine->tlb_sets);
    func_soft_flush(e);
}

void func_tlb_inval(struct func *e, uint64_t va)
{
    uint64_t vpn = (va & e->address_mask) >> 12;
    struct func_tlb_entry *t = tlb_lookup(e, vpn);
    if (t != NULL)
        t->valid = false;
    soft_drop(e, vpn);
}

void func_tlb_write(struct func *e, uint64_t va, uint64_t rb, uint64_t translated)
{
    uint64_t vpn = (va & e->address_mask) >> 12;
    struct func_tlb_entry *t = tlb_lookup(e, vpn);
    if (t == NULL) {
        uint32_t *next = &e->tlb_next[vpn % e->machine->tlb_sets];
        t = tlb_set(e, vpn) + *next;
        *next = (*next + 1) % e->machine->tlb_ways;
        if (t->valid)
            soft_drop(e, t->vpn);
    }
    *t = (struct func_tlb_entry){
        .vpn = vpn,
        .translated = translated,
        .page = (uint32_t)rb & ~(uint32_t)(PAGE - 1),
        .valid = true,
        .writable = (rb & 2) != 0,
        .user = (rb & 4) != 0,
        .device = (rb & 8) != 0,
    };
    soft_drop(e, vpn);
}

/* Makes the page of va reachable without checks, as far as its TLB entry lets everything through. */
void func_soft_enter(struct func *e, uint64_t va)
{
    uint64_t vpn = va >> 12;
    const struct func_tlb_entry *t = tlb_lookup(e, vpn);
    if (t == NULL || (!t->user && (e->gctl & 2) != 0) || !func_in_memory(e, t->page, PAGE))
        return;
    struct func_soft *s = &e->soft[vpn % FUNC_SOFT_TLB];
    s->load = vpn << 12;
    s->store = t->writable && t->translated == 0 && (e->code_page[t->page >> 12] & 1) == 0 ? vpn << 12 : 1;
    s->page = t->page;
    s->addend = (uintptr_t)e->memory + t->page - (vpn << 12);
}

/* Bits of the 64-byte chunks that bytes [from, from + size) of a page lie in. */
static uint64_t chunks(unsigned from, unsigned size)
{
    unsigned first = from / 64, last = (from + size - 1) / 64;
    return (UINT64_C(1) << first) | (UINT64_C(1) << last);
}

/* `careful`: a speculative, protected or checked access, which must not reach a device. */
void func_translate(struct func *e, uint64_t va, unsigned size, bool store, bool careful, struct func_access *out)
{
    unsigned first = PAGE - (unsigned)(va & (PAGE - 1));
    *out = (struct func_access){.size = {size < first ? size : first, size < first ? 0 : size - first}};
    uint64_t at = va;
    for (unsigned i = 0; i < 2 && out->size[i] != 0; i++) {
        const struct func_tlb_entry *t = tlb_lookup(e, at >> 12);
        unsigned offset = (unsigned)(at & (PAGE - 1));
        out->tval = at;
        if (t == NULL)
            out->cause = store ? DUKE_TRAP_TLB_MISS_STORE : DUKE_TRAP_TLB_MISS_LOAD;
        else if (!t->user && (e->gctl & 2) != 0)
            out->cause = store ? DUKE_TRAP_PROT_STORE : DUKE_TRAP_PROT_LOAD;
        else if (store && !t->writable)
            out->cause = DUKE_TRAP_PROT_STORE;
        else if (store && (t->translated & chunks(offset, out->size[i])) != 0)
            out->cause = DUKE_TRAP_TRANSLATED;
        else if (careful && t->device)
            out->cause = DUKE_TRAP_DEVICE;
        if (out->cause != 0)
            return;
        out->paddr[i] = t->page + offset;
        out->device = out->device || t->device;
        at = (va + out->size[0]) & e->address_mask;
    }
    out->tval = va;
}

/* Whether a double word that [paddr, paddr + size) touches has a gated store. */
bool func_gated_at(const struct func *e, uint32_t paddr, unsigned size)
{
    uint32_t first = paddr >> 3, last = (paddr + size - 1) >> 3;
    for (uint32_t i = 0; i < e->undo_count; i++) {
        const struct func_undo *u = &e->undo[i];
        if (u->paddr >> 3 <= last && first <= (u->paddr + u->size - 1) >> 3)
            return true;
    }
    return false;
}

void func_undo_to(struct func *e, uint32_t count)
{
    while (e->undo_count > count) {
        const struct func_undo *u = &e->undo[--e->undo_count];
        memcpy(e->memory + u->paddr, &u->old, u->size);
    }
}

/* Takes the gated stores out of memory, youngest first; their bytes go to `bytes` (FUNC_MAX_GATED). */
void func_gated_lift(struct func *e, uint64_t *bytes)
{
    for (uint32_t i = e->undo_count; i-- > 0;) {
        const struct func_undo *u = &e->undo[i];
        memcpy(&bytes[i], e->memory + u->paddr, u->size);
        memcpy(e->memory + u->paddr, &u->old, u->size);
    }
}

/* Puts them back over what memory holds by now. */
void func_gated_put(struct func *e, const uint64_t *bytes)
{
    for (uint32_t i = 0; i < e->undo_count; i++) {
        struct func_undo *u = &e->undo[i];
        memcpy(&u->old, e->memory + u->paddr, u->size);
        memcpy(e->memory + u->paddr, &bytes[i], u->size);
    }
}

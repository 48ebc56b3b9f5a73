/* The decode cache. See block.h for what a block is.
 *
 * Blocks are chained in two hash tables: by linear address for finding them, by physical page for forgetting them when code is
 * written to. A block that crosses into a second page is on two page lists; page_next[i] belongs to its i-th page.
 */
#include "block.h"

#include "decode.h"
#include "interp_table.h"
#include "mmu.h"
#include "morph.h"
#include "port.h"

enum { PAGE = 4096, PAGE_SHIFT = 12, LIST_END = 0 };

static uint32_t power_of_two_from(uint32_t n)
{
    uint32_t p = 1;
    while (p < n)
        p <<= 1;
    return p;
}

struct block_cache *block_cache_make(struct arena *arena, uint32_t max_blocks, uint32_t max_insns)
{
    uint32_t hash = power_of_two_from(max_blocks), pages = power_of_two_from(max_blocks / 8 + 64), filter = 4096;
    struct block_cache *c = arena_alloc(arena, sizeof *c, 64);
    struct gblock *blocks = arena_alloc(arena, (uint64_t)max_blocks * sizeof *blocks, 64);
    struct ginsn *insns = arena_alloc(arena, (uint64_t)max_insns * sizeof *insns, 64);
    uint32_t *heads = arena_alloc(arena, (uint64_t)hash * sizeof *heads, 64);
    uint32_t *page_heads = arena_alloc(arena, (uint64_t)pages * sizeof *page_heads, 64);
    uint64_t *lin_filter = arena_alloc(arena, filter / 8, 64);
    if (!c || !blocks || !insns || !heads || !page_heads || !lin_filter)
        return NULL;
    c->blocks = blocks;
    c->insns = insns;
    c->hash = heads;
    c->pages = page_heads;
    c->lin_filter = lin_filter;
    for (unsigned i = 0; i < BLOCK_RECENT; i++)
        c->recent[i] = blocks;
    c->hash_mask = hash - 1;
    c->page_mask = pages - 1;
    c->filter_mask = filter - 1;
    c->max_blocks = max_blocks;
    c->max_insns = max_insns;
    c->nblocks = 1;
    c->epoch = 1;
    blocks[0].follow_key = BLOCK_NO_KEY;
    return c;
}

void block_retry_refused(struct block_cache *c, uint32_t refused)
{
    for (uint32_t i = 1; i < c->nblocks; i++) {
        c->blocks[i].flags &= (1u << BLOCK_SPAN_AT) - 1;
        if (c->blocks[i].translation == refused && !c->blocks[i].native)
            c->blocks[i].translation = c->blocks[i].count = 0;
    }
}

/* Costs what the blocks made since the last time are, not what there is room for. */
void block_drop_all(struct block_cache *c)
{
    for (uint32_t i = 1; i < c->nblocks; i++) {
        struct gblock *b = &c->blocks[i];
        c->hash[block_hash(b->rip) & c->hash_mask] = LIST_END;
        c->pages[b->paddr >> PAGE_SHIFT & c->page_mask] = LIST_END;
        c->pages[b->paddr2 >> PAGE_SHIFT & c->page_mask] = LIST_END;
        b->follow_key = BLOCK_NO_KEY;
        b->flags |= BLOCK_DEAD;
    }
    for (uint32_t i = 0; i < (c->filter_mask + 1) / 64; i++)
        c->lin_filter[i] = 0;
    c->nblocks = 1;
    c->ninsns = 0;
    c->free = LIST_END;
    c->fetch.page = 0; /* the page tables may be another process's */
}

/* Which of the block's pages (0, 1) is the frame; -1: neither. */
static int page_of(const struct gblock *b, uint32_t frame)
{
    if (b->paddr >> PAGE_SHIFT == frame)
        return 0;
    return b->paddr2 != BLOCK_NO_PAGE && b->paddr2 >> PAGE_SHIFT == frame ? 1 : -1;
}

/* The two pages of a block may share a list or even be one frame: the link is found by walking, never by guessing. */
static void page_link(struct block_cache *c, uint32_t index, unsigned which)
{
    struct gblock *b = &c->blocks[index];
    uint32_t frame = (which ? b->paddr2 : b->paddr) >> PAGE_SHIFT;
    uint32_t *head = &c->pages[frame & c->page_mask];
    b->page_next[which] = *head;
    *head = index << 1 | which;
}

static void page_unlink(struct block_cache *c, uint32_t index, unsigned which)
{
    struct gblock *b = &c->blocks[index];
    uint32_t frame = (which ? b->paddr2 : b->paddr) >> PAGE_SHIFT;
    uint32_t *at = &c->pages[frame & c->page_mask];
    while (*at != (index << 1 | which))
        at = &c->blocks[*at >> 1].page_next[*at & 1];
    *at = b->page_next[which];
}

void block_drop(struct block_cache *c, struct gblock *b)
{
    uint32_t index = block_index(c, b);
    uint32_t *at = &c->hash[block_hash(b->rip) & c->hash_mask];
    if (b->flags & BLOCK_DEAD)
        return;
    while (*at != index)
        at = &c->blocks[*at].hash_next;
    *at = b->hash_next;
    page_unlink(c, index, 0);
    if (b->paddr2 != BLOCK_NO_PAGE)
        page_unlink(c, index, 1);
    b->flags |= BLOCK_DEAD;
    b->follow_key = BLOCK_NO_KEY;
    b->hash_next = c->free;
    c->free = index;
}

/* The first block of a page list from `link` on that is on the frame, once for each of its links to it. */
static uint32_t page_find(const struct block_cache *c, uint32_t link, uint32_t frame)
{
    for (; link; link = c->blocks[link >> 1].page_next[link & 1])
        if (page_of(&c->blocks[link >> 1], frame) == (int)(link & 1))
            return link >> 1;
    return LIST_END;
}

uint32_t block_first_on_page(const struct block_cache *c, uint32_t paddr)
{
    uint32_t frame = paddr >> PAGE_SHIFT;
    return page_find(c, c->pages[frame & c->page_mask], frame);
}

uint32_t block_next_on_page(const struct block_cache *c, uint32_t index, uint32_t paddr)
{
    uint32_t frame = paddr >> PAGE_SHIFT;
    int which = page_of(&c->blocks[index], frame);
    return which < 0 ? LIST_END : page_find(c, c->blocks[index].page_next[which], frame);
}

void block_drop_page(struct block_cache *c, uint32_t paddr)
{
    uint32_t index;
    while ((index = block_first_on_page(c, paddr)) != LIST_END)
        block_drop(c, &c->blocks[index]);
}

static uint32_t filter_bit(const struct block_cache *c, uint64_t page)
{
    return (uint32_t)(page ^ page >> 12) & c->filter_mask;
}

static bool range_may_have_code(const struct block_cache *c, uint64_t start, uint64_t end)
{
    uint64_t first = start >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;
    if (last - first > c->filter_mask)
        return true;
    for (uint64_t page = first; page <= last; page++) {
        uint32_t bit = filter_bit(c, page);
        if (c->lin_filter[bit / 64] >> (bit & 63) & 1)
            return true;
    }
    return false;
}

void block_drop_range(struct block_cache *c, uint64_t start, uint64_t end)
{
    if (start >= end || !range_may_have_code(c, start, end))
        return;
    for (uint32_t i = 1; i < c->nblocks; i++) {
        struct gblock *b = &c->blocks[i];
        if (!(b->flags & BLOCK_DEAD) && b->rip < end && b->rip + b->len > start)
            block_drop(c, b);
    }
}

/* The guest code that the block being made may use: at most two pages. */
struct fetch {
    const struct shared *sh;
    struct decode_memo *memo;
    const uint8_t *code;    /* the byte at rip; readable to the page's end */
    uint64_t rip, page_end; /* page_end: linear address where the second page starts */
    uint32_t paddr, paddr2; /* paddr2: BLOCK_NO_PAGE until looked up */
    bool second_tried;
    struct mmu_result second;
};

static bool wraps(const struct shared *sh, uint64_t lin)
{
    return sh->cpu.mode == GUEST_IA32 ? lin >> 32 != 0 : !mmu_canonical(lin);
}

/* Looks up the second page, once. Done only for an instruction that reaches it: its fault counts for no other. */
static void find_second(struct fetch *f)
{
    if (f->second_tried || wraps(f->sh, f->page_end))
        return;
    f->second_tried = true;
    f->second = mmu_translate(f->sh, f->page_end, MMU_EXEC);
    if (f->second.ok && f->second.paddr < f->sh->dram_size)
        f->paddr2 = (uint32_t)f->second.paddr;
}

/* guest_decode as the guest model's processor does it. */
static enum decode_result decode_by_model(const struct fetch *f, const uint8_t *bytes, unsigned n, struct ginsn *g)
{
    enum guest_mode mode = (enum guest_mode)f->sh->cpu.mode;
    enum decode_result r = guest_decode(bytes, n, mode, g);
    return r == DECODE_OK && f->memo->lacks[mode] >> g->feature & 1 ? guest_decode_without(g) : r;
}

/* Decodes the instruction at `at`, which the bytes up to the end of its page do not tell. */
static enum block_result decode_crossing(struct fetch *f, uint64_t at, struct ginsn *g, struct block_fault *fault)
{
    unsigned n = (unsigned)(f->page_end - at), total = n;
    find_second(f);
    for (unsigned i = 0; i < n; i++)
        fault->bytes[i] = f->code[at - f->rip + i];
    if (f->paddr2 != BLOCK_NO_PAGE)
        for (const uint8_t *from = port_phys(f->paddr2); total < GUEST_INSN_MAX; total++)
            fault->bytes[total] = *from++;
    fault->nbytes = (uint8_t)total;
    switch (decode_by_model(f, fault->bytes, total, g)) {
    case DECODE_OK: return BLOCK_OK;
    case DECODE_TOO_LONG: return BLOCK_PROTECTION;
    case DECODE_TOO_SHORT: /* so there is no second page */
        if (wraps(f->sh, f->page_end))
            return BLOCK_PROTECTION;
        if (f->second.ok)
            return BLOCK_UNDEFINED; /* no memory there: all ones */
        fault->addr = f->page_end;
        fault->error = f->second.error;
        return BLOCK_PAGE_FAULT;
    default: return BLOCK_UNDEFINED;
    }
}

/* Decodes the instruction at `at`. BLOCK_OK or what is wrong with it. */
static enum block_result decode_at(struct fetch *f, uint64_t at, struct ginsn *g, struct block_fault *fault)
{
    const uint8_t *bytes = f->code + (at - f->rip);
    uint64_t left = f->page_end - at;
    unsigned n = left < GUEST_INSN_MAX ? (unsigned)left : GUEST_INSN_MAX;
    enum decode_result r = decode_by_model(f, bytes, n, g);
    if (r == DECODE_OK)
        return BLOCK_OK;
    fault->addr = at;
    if (r == DECODE_TOO_SHORT)
        return decode_crossing(f, at, g, fault);
    for (unsigned i = 0; i < n; i++)
        fault->bytes[i] = bytes[i];
    fault->nbytes = (uint8_t)n;
    return r == DECODE_TOO_LONG ? BLOCK_PROTECTION : BLOCK_UNDEFINED;
}

_Static_assert(offsetof(struct ginsn, imm2) == 40 && offsetof(struct ginsn, next16) == 42 &&
                   offsetof(struct ginsn, offset) == 44,
               "the last word of struct ginsn is written as one here");

static void set_last_word(struct ginsn *g, uint64_t v) { __builtin_memcpy(&g->imm2, &v, 8); }

/* Decodes the instruction at `at`, in either way. BLOCK_OK or what is wrong with it. */
static enum block_result decode_either(struct fetch *f, uint64_t at, struct decode_quick *found, unsigned *handler,
                                       struct ginsn *g, struct block_fault *fault)
{
    enum guest_mode mode = (enum guest_mode)f->sh->cpu.mode;
    if (f->page_end - at >= DECODE_QUICK_BYTES && guest_decode_quick(f->memo, f->code + (at - f->rip), mode, found, g)) {
        if (!*found->handler)
            *found->handler = (uint16_t)interp_handler(g, mode);
        *handler = *found->handler;
        return BLOCK_OK;
    }
    enum block_result r = decode_at(f, at, g, fault);
    if (r != BLOCK_OK)
        return r;
    interp_bind(g);
    *handler = interp_handler(g, mode);
    found->op = g->op;
    found->len = g->len;
    __builtin_memcpy(&found->word5, &g->imm2, 8);
    return BLOCK_OK;
}

/* Decodes from rip into `g`, at most `max` instructions; fills in b's start, ninsns, len, end. The first instruction's failure is
 * the result. */
static enum block_result decode_block(struct fetch *f, struct ginsn *g, unsigned max, struct gblock *b,
                                      struct block_fault *fault)
{
    uint64_t at = f->rip, last = 0; /* last: what is still to be written of the instruction before */
    unsigned n = 0, handler, start = 0, odd = 0;
    struct decode_quick found;
    b->end = BLOCK_END_LIMIT;
    for (;; n++, g++) {
        if (n == max)
            break;
        if (n && at >= f->page_end) {
            b->end = BLOCK_END_PAGE;
            break;
        }
        enum block_result r = decode_either(f, at, &found, &handler, g, fault);
        if (r != BLOCK_OK) {
            if (!n)
                return r;
            b->end = BLOCK_END_UNDECODED;
            break;
        }
        odd |= handler - HANDLER_OTHER < HANDLER_HOT - HANDLER_OTHER;
        if (n)
            set_last_word(g - 1, last | (uint64_t)handler << 16);
        else
            start = handler;
        last = found.word5 | (at - f->rip) << 32;
        at += found.len;
        if (gop_ends_block(found.op)) {
            b->end = BLOCK_END_BRANCH;
            n++, g++;
            break;
        }
    }
    set_last_word(g - 1, last | (uint64_t)HANDLER_END << 16);
    b->flags = odd ? BLOCK_X87 : 0;
    b->start = (uint16_t)start;
    b->ninsns = (uint16_t)n;
    b->len = (uint16_t)(at - f->rip);
    return BLOCK_OK;
}

/* Marks the chunks of both pages, and enters the block in all lists. */
static void enter(struct morph *m, struct block_cache *c, uint32_t index, const struct fetch *f)
{
    struct gblock *b = &c->blocks[index];
    uint64_t end = b->rip + b->len, page = b->rip >> PAGE_SHIFT;
    uint32_t first = end > f->page_end ? (uint32_t)(f->page_end - b->rip) : b->len;
    uint32_t *head = &c->hash[block_hash(b->rip) & c->hash_mask];

    b->hash_next = *head;
    *head = index;
    page_link(c, index, 0);
    morph_mark_code(m, b->paddr, first);
    if (first < b->len) {
        b->paddr2 = f->paddr2;
        page_link(c, index, 1);
        morph_mark_code(m, b->paddr2, b->len - first);
    }
    for (; page <= (end - 1) >> PAGE_SHIFT; page++) {
        uint32_t bit = filter_bit(c, page);
        c->lin_filter[bit / 64] |= UINT64_C(1) << (bit & 63);
    }
}

/* Physical address of the code at rip. Most new blocks are on the page of the one before. */
static struct mmu_result look_up(const struct shared *sh, struct block_cache *c, uint64_t rip)
{
    uint64_t page = (rip >> PAGE_SHIFT) + 1;
    if (c->fetch.page == page && c->fetch.epoch == c->epoch && c->fetch.user == sh->cpu.user)
        return (struct mmu_result){.paddr = c->fetch.frame | (rip & (PAGE - 1)), .ok = true};
    struct mmu_result r = mmu_translate(sh, rip, MMU_EXEC);
    c->fetch.page = r.ok ? page : 0;
    c->fetch.frame = r.paddr & ~(uint64_t)(PAGE - 1);
    c->fetch.epoch = c->epoch;
    c->fetch.user = sh->cpu.user;
    return r;
}

enum block_result block_make(struct morph *m, uint64_t rip, struct gblock **out, struct block_fault *fault)
{
    struct shared *sh = m->sh;
    struct block_cache *c = m->blocks;
    struct fetch f = {.sh = sh, .memo = &c->memo, .rip = rip, .page_end = (rip | (PAGE - 1)) + 1, .paddr2 = BLOCK_NO_PAGE};
    unsigned max = sh->params.block_insns < BLOCK_MAX_INSNS ? (unsigned)sh->params.block_insns : BLOCK_MAX_INSNS;

    fault->addr = rip;
    fault->error = 0;
    fault->nbytes = 0;
    if (wraps(sh, rip))
        return BLOCK_PROTECTION;
    *out = block_find(m, c, rip, sh->cpu.mode);
    if (*out)
        return BLOCK_OK;
    if ((!c->free && c->nblocks == c->max_blocks) || c->max_insns - c->ninsns <= max)
        return BLOCK_FULL;
    struct mmu_result r = look_up(sh, c, rip);
    if (!r.ok) {
        fault->error = r.error;
        return BLOCK_PAGE_FAULT;
    }
    if (r.paddr >= sh->dram_size)
        return BLOCK_UNDEFINED; /* nothing answers: all ones */
    f.paddr = (uint32_t)r.paddr;
    f.code = port_phys(f.paddr);

    uint32_t index = c->free ? c->free : c->nblocks;
    struct gblock *b = &c->blocks[index];
    struct ginsn *first = &c->insns[c->ninsns];
    enum block_result result = decode_block(&f, first, max, b, fault);
    if (result != BLOCK_OK)
        return result;
    if (c->free)
        c->free = b->hash_next;
    else
        c->nblocks++;
    b->rip = rip;
    b->follow_key = BLOCK_NO_KEY;
    b->end_rip = sh->cpu.mode == GUEST_IA32 ? (uint32_t)(rip + b->len) : rip + b->len;
    b->first = first;
    b->succ[0] = b->succ[1] = c->blocks;
    b->count = b->native = b->translation = 0;
    b->mode = (uint8_t)sh->cpu.mode;
    b->paddr = f.paddr;
    b->paddr2 = BLOCK_NO_PAGE;
    b->epoch = c->epoch;
    c->ninsns += b->ninsns;
    sh->stats.blocks_decoded++;
    sh->stats.insns_decoded += b->ninsns;
    enter(m, c, index, &f);
    *out = b;
    return BLOCK_OK;
}

bool block_still_mapped(struct morph *m, struct gblock *b)
{
    struct mmu_result r = look_up(m->sh, m->blocks, b->rip);
    bool same = r.ok && r.paddr == b->paddr;
    if (same && b->paddr2 != BLOCK_NO_PAGE) {
        r = mmu_translate(m->sh, (b->rip | (PAGE - 1)) + 1, MMU_EXEC);
        same = r.ok && r.paddr == b->paddr2;
    }
    if (same)
        b->epoch = m->blocks->epoch;
    else
        block_drop(m->blocks, b);
    return same;
}

/* Writes the path of every region as text that tests/proof reads:
 *
 *     region RIP mode 0 level 0 null 0 elements 8 copies 8
 *     block RIP INSTRUCTIONS BYTES                 each block of the path, and what it jumps over, once
 *     step RIP FOLLOW LIKELY GUESS RET OVER NOVER  struct region_step, in order; OVER: a block, 0 for none
 *     end
 *
 * All of it is read out of the firmware's memory. Duke's compiler and the host's lay structures out alike: sizes of types and
 * alignments are the same.
 */
#include "regions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/block.h"
#include "guest/lift.h"
#include "morph.h"
#include "region/region.h"

enum { MXCSR_MASKS = 0x1f80, PAGE = 4096, BYTES_MAX = 1024 };

struct regions {
    struct selkirk *m;
    FILE *out;
    bool failed; /* memory that should be there was not */
};

struct regions *regions_open(struct selkirk *m, const char *path)
{
    struct regions *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->m = m;
    r->out = fopen(path, "w");
    if (!r->out) {
        free(r);
        return NULL;
    }
    return r;
}

bool regions_close(struct regions *r)
{
    if (!r)
        return true;
    bool ok = !ferror(r->out) && !r->failed;
    ok = fclose(r->out) == 0 && ok;
    free(r);
    return ok;
}

static bool get(struct regions *r, const void *native, void *to, size_t size)
{
    if (selkirk_read_physical(r->m, (uint32_t)(uintptr_t)native, to, size))
        return true;
    r->failed = true;
    return false;
}

static void put_block(struct regions *r, const struct gblock *b)
{
    uint8_t bytes[BYTES_MAX];
    unsigned first = PAGE - b->paddr % PAGE;
    if (b->len > sizeof bytes)
        return;
    if (first > b->len)
        first = b->len;
    if (!get(r, (const void *)(uintptr_t)b->paddr, bytes, first))
        return;
    if (first < b->len && !get(r, (const void *)(uintptr_t)(b->paddr2 & ~(PAGE - 1u)), bytes + first, b->len - first))
        return;
    fprintf(r->out, "block %#llx %u ", (unsigned long long)b->rip, b->ninsns);
    for (unsigned i = 0; i < b->len; i++)
        fprintf(r->out, "%02x", bytes[i]);
    fputc('\n', r->out);
}

/* Segments of the guest that no code may use, and what else the lifter wants to know of them: lift.null_segs. */
static unsigned null_segs(const struct guest_cpu *cpu)
{
    unsigned null = (cpu->mxcsr & MXCSR_MASKS) == MXCSR_MASKS ? 0 : LIFT_NO_SIMD;
    for (unsigned s = GUEST_FS; s <= GUEST_GS && cpu->mode == GUEST_IA32; s++)
        if ((cpu->seg_sel[s] & 0xfffc) == 0)
            null |= 1u << s;
    return null;
}

/* Reads block `number` of the cache to *b, and writes it if it is new to the region. */
static bool block_of(struct regions *r, const struct block_cache *cache, uint32_t number, struct gblock *b, uint32_t *seen,
                     uint32_t *nseen)
{
    if (!get(r, (const void *)((uintptr_t)cache->blocks + number * sizeof *b), b, sizeof *b))
        return false;
    for (uint32_t i = 0; i < *nseen; i++)
        if (seen[i] == number)
            return true;
    seen[(*nseen)++] = number;
    put_block(r, b);
    return true;
}

void regions_translation(struct regions *r, const struct selkirk_event *ev)
{
    enum { GEAR = 3 };
    struct morph m;
    struct block_cache cache;
    struct region_step step[REGION_STEPS_MAX];
    struct gblock block[REGION_STEPS_MAX], over[REGION_STEPS_MAX] = {0};
    uint32_t n, level, seen[2 * REGION_STEPS_MAX], nseen = 0;
    if (ev->arg[3] != GEAR || !get(r, (const void *)(uintptr_t)ev->arg[5], &m, sizeof m))
        return;
    /* Parts of the structure that m.region points to, which is a native address. */
    uintptr_t region = (uintptr_t)m.region;
    if (!get(r, m.blocks, &cache, sizeof cache) ||
        !get(r, (const void *)(region + offsetof(struct region, nsteps)), &n, sizeof n) || n == 0 || n > REGION_STEPS_MAX ||
        !get(r, (const void *)(region + offsetof(struct region, steps)), step, n * sizeof *step) ||
        !get(r, (const void *)(region + offsetof(struct region, gen) + offsetof(struct region_gen, level)), &level,
             sizeof level))
        return;
    if (!get(r, (const void *)((uintptr_t)cache.blocks + step[0].block * sizeof *block), block, sizeof *block))
        return;
    const struct morph_params *p = selkirk_params(r->m);
    fprintf(r->out, "region %#llx mode %u level %u null %#x elements %llu copies %llu\n", (unsigned long long)block[0].rip,
            block[0].mode, level, null_segs(selkirk_cpu(r->m)), (unsigned long long)p->region_elements,
            (unsigned long long)p->region_copies);
    for (uint32_t i = 0; i < n; i++)
        if (!block_of(r, &cache, step[i].block, &block[i], seen, &nseen) ||
            (step[i].nover && !block_of(r, &cache, step[i].over, &over[i], seen, &nseen)))
            return;
    for (uint32_t i = 0; i < n; i++)
        fprintf(r->out, "step %#llx %u %u %#llx %#llx %#llx %u\n", (unsigned long long)block[i].rip, step[i].follow,
                step[i].taken_likely, (unsigned long long)step[i].guess, (unsigned long long)step[i].ret,
                (unsigned long long)over[i].rip, step[i].nover);
    fputs("end\n", r->out);
}

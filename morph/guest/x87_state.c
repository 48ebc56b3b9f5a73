/* x87 state in memory: environment and registers in the protected-mode formats of 16 and 32 bits.
 *
 * Images are put together in a buffer and moved as aligned double words where possible: FNSAVE then takes 17 entries of the
 * store buffer at most, and a fault leaves nothing half done.
 */
#include "stores.h"
#include "x87_run.h"

enum { ENV16 = 14, ENV32 = 28, REGS = 80 };

struct image {
    uint8_t byte[ENV32 + REGS];
};

static void put(struct image *im, unsigned at, unsigned size, uint64_t v)
{
    for (unsigned i = 0; i < size; i++)
        im->byte[at + i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get(const struct image *im, unsigned at, unsigned size)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < size; i++)
        v |= (uint64_t)im->byte[at + i] << (8 * i);
    return v;
}

static void put_image(struct shared *sh, uint64_t ea, const struct image *im, unsigned size, bool trying)
{
    for (unsigned i = 0, n; i < size; i += n) {
        uint64_t at = ea + i;
        n = !(at & 7) && size - i >= 8 ? 8 : !(at & 3) && size - i >= 4 ? 4 : !(at & 1) && size - i >= 2 ? 2 : 1;
        if (trying)
            stores_try(sh, at, get(im, i, n), n);
        else
            stores_put(at, get(im, i, n), n);
    }
}

static void store_image(const struct x87_run *r, const struct image *im, unsigned size)
{
    if (stores_exceed(r->sh, size / 8 + 6))
        put_image(r->sh, r->ea, im, size, true);
    put_image(r->sh, r->ea, im, size, false);
}

static void load_image(uint64_t ea, struct image *im, unsigned size)
{
    unsigned i = 0;
    for (; i + 4 <= size; i += 4)
        put(im, i, 4, gld32(ea + i));
    for (; i < size; i++)
        im->byte[i] = (uint8_t)gld8(ea + i);
}

unsigned x87_tag_of(struct f80 v)
{
    unsigned exp = v.se & F80_MAX_EXP;
    if (exp == 0)
        return v.mant == 0 ? TAG_ZERO : TAG_SPECIAL;
    return exp == F80_MAX_EXP || !(v.mant & TOP_BIT) ? TAG_SPECIAL : TAG_VALID;
}

void x87_init(struct guest_x87 *f)
{
    f->cw = 0x37f;
    f->sw = 0;
    f->tw = 0xffff;
    f->fop = 0;
    f->fcs = f->fds = 0;
    f->fip = f->fdp = 0;
}

/* Bit 6 always reads as one; bit 12 is only kept. */
void x87_load_cw(struct guest_x87 *f, uint16_t cw)
{
    f->cw = (uint16_t)((cw & 0x1f3f) | 0x40);
    x87_summarize(f);
}

static unsigned make_env(const struct x87_run *r, struct image *im)
{
    const struct guest_x87 *f = r->f;
    if (r->g->opsize == 2) {
        put(im, 0, 2, f->cw);
        put(im, 2, 2, f->sw);
        put(im, 4, 2, f->tw);
        put(im, 6, 2, f->fip);
        put(im, 8, 2, f->fcs);
        put(im, 10, 2, f->fdp);
        put(im, 12, 2, f->fds);
        return ENV16;
    }
    put(im, 0, 4, 0xffff0000u | f->cw);
    put(im, 4, 4, 0xffff0000u | f->sw);
    put(im, 8, 4, 0xffff0000u | f->tw);
    put(im, 12, 4, f->fip);
    put(im, 16, 4, (uint32_t)f->fop << 16 | (f->fcs & 0xffff));
    put(im, 20, 4, f->fdp);
    put(im, 24, 4, 0xffff0000u | (f->fds & 0xffff));
    return ENV32;
}

static unsigned env_size(const struct x87_run *r) { return r->g->opsize == 2 ? ENV16 : ENV32; }

static void take_env(struct x87_run *r, const struct image *im)
{
    struct guest_x87 *f = r->f;
    unsigned step = r->g->opsize == 2 ? 2 : 4;
    uint16_t tags = (uint16_t)get(im, 2 * step, 2);
    f->cw = (uint16_t)get(im, 0, 2);
    f->sw = (uint16_t)get(im, step, 2);
    f->fip = get(im, 3 * step, step);
    f->fcs = (uint32_t)get(im, 4 * step, 2);
    f->fop = step == 4 ? get(im, 18, 2) & 0x7ff : 0;
    f->fdp = get(im, 5 * step, step);
    f->fds = (uint32_t)get(im, 6 * step, 2);
    f->tw = tags;
    x87_load_cw(f, f->cw);
}

/* Tags of registers that are not empty are what their contents say. */
static void refresh_tags(struct guest_x87 *f)
{
    for (unsigned i = 0; i < 8; i++) {
        if (x87_tag(f, i) != TAG_EMPTY)
            x87_set_tag(f, i, x87_tag_of((struct f80){f->mant[i], f->se[i]}));
    }
}

void x87_store_env(struct x87_run *r)
{
    struct image im;
    store_image(r, &im, make_env(r, &im));
    r->f->cw |= SW_EXCEPTIONS;
    x87_summarize(r->f);
}

void x87_load_env(struct x87_run *r)
{
    struct image im;
    load_image(r->ea, &im, env_size(r));
    take_env(r, &im);
    refresh_tags(r->f);
}

void x87_save(struct x87_run *r)
{
    struct image im;
    unsigned at = make_env(r, &im), top = x87_top(r->f);
    for (unsigned i = 0; i < 8; i++, at += 10) {
        put(&im, at, 8, r->f->mant[(top + i) & 7]);
        put(&im, at + 8, 2, r->f->se[(top + i) & 7]);
    }
    store_image(r, &im, at);
    x87_init(r->f);
}

void x87_restore(struct x87_run *r)
{
    struct image im;
    unsigned at = env_size(r);
    load_image(r->ea, &im, at + REGS);
    take_env(r, &im);
    for (unsigned i = 0; i < 8; i++, at += 10) {
        unsigned phys = (x87_top(r->f) + i) & 7;
        r->f->mant[phys] = get(&im, at, 8);
        r->f->se[phys] = (uint16_t)get(&im, at + 8, 2);
    }
    refresh_tags(r->f);
}

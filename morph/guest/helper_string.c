/* String instructions. REP repeats here; each iteration leaves registers and memory complete, so that a fault in the middle
 * restarts where it was. Within pages that were just touched no fault can come, which allows copying 64 bytes a commit.
 */
#include "helper.h"

#include "stores.h"

enum { PAGE = 4096, BULK = 64 /* bytes a commit: at most 16 entries of the store buffer, if it has so many */ };

struct string {
    uint64_t mask;      /* of addresses and counts */
    uint64_t si, di, n; /* truncated to the address size */
    uint64_t src, dst;  /* segment bases */
    uint64_t step;
    uint64_t bulk; /* bytes between two commits */
    unsigned size;
    bool rep;
};

static struct string string_begin(const struct guest_cpu *cpu, const struct morph *m, const struct ginsn *g)
{
    uint64_t room = m->sh->store_buffer / 2 * 8;
    bool wide = cpu->mode == GUEST_X86_64;
    struct string s = {
        .mask = sem_trunc(~UINT64_C(0), g->addrsize),
        .src = wide && g->seg < GUEST_FS ? 0 : cpu->seg_base[g->seg],
        .dst = wide ? 0 : cpu->seg_base[GUEST_ES],
        .bulk = room < BULK ? room : BULK,
        .size = g->opsize,
        .step = cpu->sysflags & EFL_DF ? -(uint64_t)g->opsize : g->opsize,
        .rep = g->prefixes & (GPFX_REP | GPFX_REPNE),
    };
    s.si = cpu->gpr[GUEST_RSI] & s.mask;
    s.di = cpu->gpr[GUEST_RDI] & s.mask;
    s.n = s.rep ? cpu->gpr[GUEST_RCX] & s.mask : 1;
    return s;
}

static bool null_source(const struct guest_cpu *cpu, const struct ginsn *g)
{
    return g->seg >= GUEST_FS && cpu->mode == GUEST_IA32 && (cpu->seg_sel[g->seg] & 0xfffc) == 0;
}

static void set_index(struct guest_cpu *cpu, unsigned r, uint64_t v, unsigned asize)
{
    volatile uint64_t *reg = &cpu->gpr[r];
    *reg = asize == 2 ? (*reg & ~UINT64_C(0xffff)) | v : v;
}

/* Makes the iterations up to here architectural. */
static void string_commit(struct guest_cpu *cpu, const struct ginsn *g, const struct string *s, bool si, bool di)
{
    if (si)
        set_index(cpu, GUEST_RSI, s->si, g->addrsize);
    if (di)
        set_index(cpu, GUEST_RDI, s->di, g->addrsize);
    if (s->rep) {
        set_index(cpu, GUEST_RCX, s->n, g->addrsize);
        port_commit(0);
    }
}

static void string_advance(struct string *s, uint64_t bytes, uint64_t count, bool si, bool di)
{
    if (si)
        s->si = (s->si + bytes) & s->mask;
    if (di)
        s->di = (s->di + bytes) & s->mask;
    s->n -= count;
}

static uint64_t load(uint64_t lin, unsigned size)
{
    return size == 1 ? gld8(lin) : size == 2 ? gld16(lin) : size == 4 ? gld32(lin) : gld64(lin);
}

/* Bytes, a multiple of 8, that may be done at once going up from here without leaving the pages that the previous element
 * touched last. */
static uint64_t bulk_bytes(const struct string *s, bool source)
{
    uint64_t d = s->dst + s->di, bytes = s->n * s->size;
    if (s->n < 8 || s->step != s->size || d % PAGE == 0)
        return 0;
    if (bytes > s->bulk || s->n > s->bulk)
        bytes = s->bulk;
    if (bytes > PAGE - d % PAGE)
        bytes = PAGE - d % PAGE;
    if (s->di + bytes > s->mask)
        return 0;
    if (source) {
        uint64_t f = s->src + s->si, ahead = d - f;
        if (f % PAGE == 0 || s->si + bytes > s->mask)
            return 0;
        if (s->mask == UINT32_MAX)
            ahead = (uint32_t)ahead;
        if (ahead < 8) /* each element feeds one within the same eight bytes */
            return 0;
        if (bytes > PAGE - f % PAGE)
            bytes = PAGE - f % PAGE;
    }
    return bytes & ~UINT64_C(7);
}

HELPER_FN(string_movs)
{
    struct string s = string_begin(cpu, m, g);
    if (s.n && null_source(cpu, g))
        return interp_raise(m, GUEST_GP, 0);
    while (s.n) {
        stores_put(s.dst + s.di, load(s.src + s.si, s.size), s.size);
        string_advance(&s, s.step, 1, true, true);
        string_commit(cpu, g, &s, true, true);
        for (uint64_t bytes; s.n && (bytes = bulk_bytes(&s, true));) {
            for (uint64_t i = 0; i < bytes; i += 8)
                gst64(s.dst + s.di + i, gld64(s.src + s.si + i));
            string_advance(&s, bytes, bytes / s.size, true, true);
            string_commit(cpu, g, &s, true, true);
        }
    }
    return INTERP_OK;
}

HELPER_FN(string_stos)
{
    struct string s = string_begin(cpu, m, g);
    uint64_t v = sem_trunc(cpu->gpr[GUEST_RAX], s.size), eight = v;
    for (unsigned size = s.size; size < 8; size *= 2)
        eight |= eight << (8 * size);
    while (s.n) {
        stores_put(s.dst + s.di, v, s.size);
        string_advance(&s, s.step, 1, false, true);
        string_commit(cpu, g, &s, false, true);
        for (uint64_t bytes; s.n && (bytes = bulk_bytes(&s, false));) {
            for (uint64_t i = 0; i < bytes; i += 8)
                gst64(s.dst + s.di + i, eight);
            string_advance(&s, bytes, bytes / s.size, false, true);
            string_commit(cpu, g, &s, false, true);
        }
    }
    return INTERP_OK;
}

HELPER_FN(string_lods)
{
    struct string s = string_begin(cpu, m, g);
    sem_ctx c = helper_ctx(cpu, m, g);
    if (s.n && null_source(cpu, g))
        return interp_raise(m, GUEST_GP, 0);
    while (s.n) {
        uint64_t v = load(s.src + s.si, s.size);
        set_reg(&c, GUEST_RAX, v, s.size);
        string_advance(&s, s.step, 1, true, false);
        string_commit(cpu, g, &s, true, false);
    }
    return INTERP_OK;
}

/* REPE and REPNE end when ZF says so. */
HELPER_FN(string_scas)
{
    struct string s = string_begin(cpu, m, g);
    sem_ctx c = helper_ctx(cpu, m, g);
    uint64_t a = cpu->gpr[GUEST_RAX], stop_zf = g->prefixes & GPFX_REPNE ? EFL_ZF : 0;
    while (s.n) {
        uint64_t v = load(s.dst + s.di, s.size);
        uint64_t flags = fl_sub(&c, a, v, s.size);
        bool last = !s.rep || s.n == 1 || (flags & EFL_ZF) == stop_zf;
        set_flags(&c, flags);
        string_advance(&s, s.step, 1, false, true);
        string_commit(cpu, g, &s, false, true);
        if (last)
            break;
    }
    return INTERP_OK;
}

HELPER_FN(string_cmps)
{
    struct string s = string_begin(cpu, m, g);
    sem_ctx c = helper_ctx(cpu, m, g);
    uint64_t stop_zf = g->prefixes & GPFX_REPNE ? EFL_ZF : 0;
    if (s.n && null_source(cpu, g))
        return interp_raise(m, GUEST_GP, 0);
    while (s.n) {
        uint64_t b = load(s.dst + s.di, s.size); /* first, as processors do: the address of a fault shows it */
        uint64_t a = load(s.src + s.si, s.size);
        uint64_t flags = fl_sub(&c, a, b, s.size);
        bool last = !s.rep || s.n == 1 || (flags & EFL_ZF) == stop_zf;
        set_flags(&c, flags);
        string_advance(&s, s.step, 1, true, true);
        string_commit(cpu, g, &s, true, true);
        if (last)
            break;
    }
    return INTERP_OK;
}

/* Runs test cases one after another on one machine.
 *
 * Pages stay mapped from case to case as long as their addresses and protection stay; only bytes that differ from what the
 * next case wants are written. Code that changes is thereby forgotten by morph piece by piece, and everything is forgotten
 * only when the gear changes.
 */
#include <stdlib.h>
#include <string.h>

#include "mm.h"
#include "vectors.h"

enum {
    CYCLE_LIMIT = 200000000,
    FORGET_AFTER = 128, /* cases: translations of changed code are dead weight that every further change looks through */
};

struct vpage {
    uint64_t addr;
    int prot;
    uint8_t wanted[MM_PAGE]; /* contents at the start of the case */
};

struct vrunner {
    struct selkirk_config cfg;
    struct selkirk *m;
    struct guest_cpu base;
    int translating; /* gear of the last case: 0 interpreter, 1 translations, 2 regions; -1 there was none */
    unsigned cases;
    struct vpage *pages;
    size_t npages;
    struct {
        uint64_t addr;
        int prot;
    } mapped[VCASE_PAGES];
    size_t nmapped;
};

/* A tick means that CYCLE_LIMIT cycles have passed since the last stop. */
static enum selkirk_verdict on_tick(void *arg)
{
    (void)arg;
    return SELKIRK_RETURN;
}

static bool start_machine(struct vrunner *v, char *err, size_t err_size)
{
    selkirk_destroy(v->m);
    v->nmapped = 0;
    v->translating = -1;
    if (!selkirk_config_set(&v->cfg, "morph.gear_max", "3", err, err_size)) /* so that there is memory for every gear */
        return false;
    v->m = selkirk_create(&v->cfg, err, err_size);
    if (!v->m)
        return false;
    struct selkirk_hooks h = {.tick = on_tick, .tick_cycles = CYCLE_LIMIT};
    selkirk_set_hooks(v->m, &h);
    v->base = *selkirk_cpu(v->m);
    return true;
}

struct vrunner *vrunner_new(const struct selkirk_config *cfg, char *err, size_t err_size)
{
    struct vrunner *v = calloc(1, sizeof *v);
    if (v) {
        v->cfg = *cfg;
        v->pages = calloc(VCASE_PAGES, sizeof *v->pages);
        if (v->pages && start_machine(v, err, err_size))
            return v;
        vrunner_free(v);
    }
    return NULL;
}

void vrunner_free(struct vrunner *v)
{
    if (!v)
        return;
    selkirk_destroy(v->m);
    free(v->pages);
    free(v);
}

const struct guest_cpu *vrunner_base(const struct vrunner *v) { return &v->base; }

/* Memory ------------------------------------------------------------------------------------------------------------- */

static struct vpage *page_at(struct vrunner *v, uint64_t addr)
{
    for (size_t i = 0; i < v->npages; i++)
        if (v->pages[i].addr == addr)
            return &v->pages[i];
    if (v->npages == VCASE_PAGES)
        return NULL;
    struct vpage *p = &v->pages[v->npages++];
    p->addr = addr;
    memset(p->wanted, 0, MM_PAGE);
    return p;
}

static int compare_pages(const void *a, const void *b)
{
    const struct vpage *p = a, *q = b;
    return (p->addr > q->addr) - (p->addr < q->addr);
}

/* Turns the case's pieces of memory into pages. */
static bool collect(struct vrunner *v, const struct vcase *c, char *err, size_t err_size)
{
    uint64_t top = c->cpu.mode == GUEST_IA32 ? UINT64_C(1) << 32 : UINT64_C(1) << 47;
    v->npages = 0;
    for (size_t i = 0; i < c->nmem; i++) {
        const struct vmem *m = &c->mem[i];
        if (m->addr >= top || m->size > top - m->addr) {
            snprintf(err, err_size, "memory at %#llx lies outside the address space", (unsigned long long)m->addr);
            return false;
        }
        for (uint64_t at = m->addr & ~(uint64_t)(MM_PAGE - 1); at < m->addr + m->size; at += MM_PAGE) {
            struct vpage *p = page_at(v, at);
            if (!p) {
                snprintf(err, err_size, "memory touches more than %d pages", VCASE_PAGES);
                return false;
            }
            p->prot = m->prot;
            uint64_t from = m->addr > at ? m->addr : at;
            uint64_t to = m->addr + m->nbytes < at + MM_PAGE ? m->addr + m->nbytes : at + MM_PAGE;
            if (from < to)
                memcpy(p->wanted + (from - at), c->data + m->bytes + (from - m->addr), to - from);
        }
    }
    qsort(v->pages, v->npages, sizeof *v->pages, compare_pages);
    return true;
}

static bool same_mappings(const struct vrunner *v)
{
    if (v->npages != v->nmapped)
        return false;
    for (size_t i = 0; i < v->npages; i++)
        if (v->pages[i].addr != v->mapped[i].addr || v->pages[i].prot != v->mapped[i].prot)
            return false;
    return true;
}

static bool map_pages(struct vrunner *v, char *err, size_t err_size)
{
    if (same_mappings(v))
        return true;
    for (size_t i = 0; i < v->nmapped; i++)
        selkirk_unmap(v->m, v->mapped[i].addr, MM_PAGE);
    v->nmapped = 0;
    for (size_t i = 0; i < v->npages; i++) {
        const struct vpage *p = &v->pages[i];
        /* A page without any rights still needs its bytes: mapped first, then closed. */
        if (!selkirk_map(v->m, p->addr, MM_PAGE, p->prot ? p->prot : SELKIRK_READ) ||
            (!p->prot && !selkirk_protect(v->m, p->addr, MM_PAGE, 0))) {
            snprintf(err, err_size, "no guest memory left; raise memory.dram_mib");
            return false;
        }
        v->mapped[v->nmapped].addr = p->addr;
        v->mapped[v->nmapped++].prot = p->prot;
    }
    return true;
}

/* First and last byte that differ; false: none does. */
static bool difference(const uint8_t *a, const uint8_t *b, size_t *first, size_t *last)
{
    if (!memcmp(a, b, MM_PAGE))
        return false;
    for (*first = 0; a[*first] == b[*first];)
        ++*first;
    for (*last = MM_PAGE - 1; a[*last] == b[*last];)
        --*last;
    return true;
}

static void fill_pages(struct vrunner *v)
{
    uint8_t now[MM_PAGE];
    size_t first, last;
    for (size_t i = 0; i < v->npages; i++) {
        const struct vpage *p = &v->pages[i];
        selkirk_read(v->m, p->addr, now, MM_PAGE);
        if (difference(now, p->wanted, &first, &last))
            selkirk_write(v->m, p->addr + first, p->wanted + first, last - first + 1);
    }
}

/* Running ------------------------------------------------------------------------------------------------------------ */

static struct selkirk_event run_once(struct vrunner *v, const struct vcase *c, uint64_t *insts, uint64_t *interp)
{
    struct morph_stats before, after;
    uint64_t start = selkirk_icount(v->m);
    struct selkirk_limits l = {
        .insts = start + (c->count ? c->count : c->max_insts),
        .address_on = c->has_end,
        .address = c->end,
    };
    fill_pages(v);
    *selkirk_cpu(v->m) = c->cpu;
    selkirk_morph_stats(v->m, &before);
    struct selkirk_event ev = selkirk_run(v->m, &l);
    selkirk_morph_stats(v->m, &after);
    *insts = selkirk_icount(v->m) - start;
    *interp = after.insns_interp - before.insns_interp;
    return ev;
}

static void set_gear(struct vrunner *v, enum vgear gear)
{
    struct morph_params *p = selkirk_params(v->m);
    int translate = gear == VGEAR_REGION ? 2 : gear != VGEAR_INTERP;
    if (translate == v->translating && ++v->cases % FORGET_AFTER)
        return;
    p->gear_max = 1 + (uint64_t)translate;
    p->hot2 = p->hot3 = 1;
    selkirk_forget_code(v->m); /* translations would be used by the interpreter's gear as well */
    v->translating = translate;
}

/* Results ------------------------------------------------------------------------------------------------------------ */

static void put_regs(FILE *out, const struct guest_cpu *c)
{
    static const char *const names[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    bool wide = c->mode == GUEST_X86_64;
    fputs("\"regs\":{", out);
    for (int i = 0; i < (wide ? 16 : 8); i++) {
        if (i < 8)
            fprintf(out, "\"%c%s\":%llu,", wide ? 'r' : 'e', names[i], (unsigned long long)c->gpr[i]);
        else
            fprintf(out, "\"r%d\":%llu,", i, (unsigned long long)c->gpr[i]);
    }
    fprintf(out, "\"%cip\":%llu},\"flags\":%llu", wide ? 'r' : 'e', (unsigned long long)c->rip,
            (unsigned long long)(c->flags | c->sysflags));
}

static void put_hex(FILE *out, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    fputc('"', out);
    for (size_t i = 0; i < n; i++) {
        putc_unlocked(digits[bytes[i] >> 4], out);
        putc_unlocked(digits[bytes[i] & 15], out);
    }
    fputc('"', out);
}

/* Runs of changed bytes; gaps of less than eight bytes do not end one. */
static void put_changes(FILE *out, struct vrunner *v)
{
    enum { GAP = 8 };
    uint8_t now[MM_PAGE];
    size_t first, last;
    bool any = false;
    fputs(",\"mem\":[", out);
    for (size_t i = 0; i < v->npages; i++) {
        const struct vpage *p = &v->pages[i];
        selkirk_read(v->m, p->addr, now, MM_PAGE);
        if (!difference(now, p->wanted, &first, &last))
            continue;
        for (size_t at = first; at <= last;) {
            size_t end = at, same = 0, to = at;
            for (; end <= last && same < GAP; end++) {
                same = now[end] == p->wanted[end] ? same + 1 : 0;
                if (!same)
                    to = end;
            }
            fprintf(out, "%s{\"addr\":%llu,\"bytes\":", any ? "," : "", (unsigned long long)p->addr + at);
            put_hex(out, now + at, to - at + 1);
            fputc('}', out);
            any = true;
            for (at = to + 1; at <= last && now[at] == p->wanted[at];)
                at++;
        }
    }
    fputc(']', out);
}

static void put_reads(FILE *out, struct vrunner *v, const struct vcase *c)
{
    if (!c->nread)
        return;
    fputs(",\"read\":[", out);
    for (size_t i = 0; i < c->nread; i++) {
        uint64_t size = c->read[i].size < VCASE_BYTES ? c->read[i].size : VCASE_BYTES;
        uint8_t *bytes = malloc(size);
        bool ok = bytes && selkirk_read(v->m, c->read[i].addr, bytes, size);
        fprintf(out, "%s{\"addr\":%llu,\"bytes\":", i ? "," : "", (unsigned long long)c->read[i].addr);
        if (ok)
            put_hex(out, bytes, size);
        else
            fputs("null", out);
        fputc('}', out);
        free(bytes);
    }
    fputc(']', out);
}

static void put_fp(FILE *out, const struct guest_cpu *c)
{
    fprintf(out, ",\"x87\":{\"cw\":%u,\"sw\":%u,\"tw\":%u,\"regs\":[", c->x87.cw, c->x87.sw, c->x87.tw);
    for (int i = 0; i < 8; i++) {
        uint8_t bytes[10];
        memcpy(bytes, &c->x87.mant[i], 8);
        memcpy(bytes + 8, &c->x87.se[i], 2);
        fputs(i ? "," : "", out);
        put_hex(out, bytes, sizeof bytes);
    }
    fprintf(out, "]},\"mxcsr\":%u,\"xmm\":[", c->mxcsr);
    for (int i = 0; i < (c->mode == GUEST_X86_64 ? 16 : 8); i++) {
        fputs(i ? "," : "", out);
        put_hex(out, (const uint8_t *)c->xmm[i], 16);
    }
    fputc(']', out);
}

static void put_text(FILE *out, const char *text)
{
    fputs(",\"text\":\"", out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        if ((unsigned char)*text < ' ')
            fprintf(out, "\\u%04x", *text);
        else
            fputc(*text, out);
    }
    fputc('"', out);
}

static void put_result(struct vrunner *v, const struct vcase *c, const struct selkirk_event *ev, uint64_t insts,
                       uint64_t interp, FILE *out)
{
    static const char *const stops[] = {
        [SELKIRK_STOP_SYSCALL] = "syscall",
        [SELKIRK_STOP_EXCEPTION] = "exception",
        [SELKIRK_STOP_INSTS] = "count",
        [SELKIRK_STOP_ADDRESS] = "end",
        [SELKIRK_STOP_HALT] = "halt",
        [SELKIRK_STOP_CYCLES] = "cycles",
        [SELKIRK_STOP_INTERRUPTED] = "interrupted",
        [SELKIRK_STOP_HOOK] = "hang",
        [SELKIRK_STOP_UNIMPLEMENTED] = "unimplemented",
        [SELKIRK_STOP_PANIC] = "panic",
        [SELKIRK_STOP_DIVERGED] = "diverged",
    };
    const char *stop = ev->stop == SELKIRK_STOP_INSTS && !c->count ? "limit" : stops[ev->stop];
    fputc('{', out);
    if (c->id)
        fprintf(out, "\"id\":%.*s,", (int)c->id_size, c->id);
    fprintf(out, "\"stop\":\"%s\",", stop);
    if (ev->stop == SELKIRK_STOP_EXCEPTION)
        fprintf(out, "\"exception\":{\"vector\":%llu,\"error\":%llu,\"address\":%llu},", (unsigned long long)ev->arg[0],
                (unsigned long long)ev->arg[1], (unsigned long long)ev->arg[2]);
    if (ev->stop == SELKIRK_STOP_SYSCALL)
        fprintf(out, "\"syscall\":%llu,", (unsigned long long)ev->arg[0]);
    put_regs(out, selkirk_cpu(v->m));
    fprintf(out, ",\"insts\":%llu,\"interpreted\":%llu", (unsigned long long)insts, (unsigned long long)interp);
    put_changes(out, v);
    put_reads(out, v, c);
    if (c->fp)
        put_fp(out, selkirk_cpu(v->m));
    if (ev->stop == SELKIRK_STOP_PANIC || ev->stop == SELKIRK_STOP_DIVERGED || ev->stop == SELKIRK_STOP_UNIMPLEMENTED)
        put_text(out, ev->text);
    fputs("}\n", out);
}

bool vrunner_run(struct vrunner *v, const struct vcase *c, FILE *out, char *err, size_t err_size)
{
    uint64_t insts, interp, cr3 = v->base.cr3;
    struct selkirk_event ev;
    if (!collect(v, c, err, err_size) || !map_pages(v, err, err_size))
        return false;
    set_gear(v, c->gear);
    ev = run_once(v, c, &insts, &interp);
    if (c->gear == VGEAR_TCACHE && ev.stop < SELKIRK_STOP_CYCLES) /* it stopped as a guest does */
        ev = run_once(v, c, &insts, &interp);
    put_result(v, c, &ev, insts, interp, out);
    /* A machine that hung or broke is of no use for the next case. */
    bool broken = ev.stop == SELKIRK_STOP_HOOK || ev.stop == SELKIRK_STOP_PANIC || ev.stop == SELKIRK_STOP_DIVERGED;
    if (broken && !start_machine(v, err, err_size))
        return false;
    if (v->base.cr3 != cr3)
        snprintf(err, err_size, "page tables have moved");
    return v->base.cr3 == cr3;
}

/* A profile is made from the commit records: the cycles between two records belong to the later bundle, which was what the
 * core waited for. What they were spent on comes from the engine's counters. Those are kept at the head of the pipe, a few
 * cycles before a bundle retires, so a stall may show at a neighbour of the bundle that it belongs to; sums are exact.
 */
#include "profile.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duke_disasm.h"
#include "duke_events.h"
#include "duke_isa.h"

enum { WORDS = 12, TEXT = 256 };

struct cost {
    uint64_t count, cycles, reason[ENGINE_REASONS]; /* count: bundles */
};

/* A bundle in a category. */
struct site {
    uint32_t pc;
    uint32_t translation; /* number + 1; 0: firmware */
    uint8_t cat, nwords;
    uint32_t words[WORDS]; /* translations come and go: their code is kept */
    struct cost cost;
};

struct function {
    uint32_t start, end;
    char *name;
    struct cost cost[ENGINE_CATEGORIES];
};

struct translation {
    uint32_t native, size;
    uint64_t guest, guest_size, entries;
    unsigned gear;
    struct cost cost;
};

struct profile {
    struct selkirk *m;
    FILE *out;
    struct engine_counters before;
    struct site *sites;         /* hash table, count 0: free */
    size_t nsites, cap;         /* cap: a power of two */
    struct function *functions; /* by address; the last one is for everything else */
    size_t nfunctions;
    struct translation *translations;
    size_t ntranslations;
    uint32_t *live; /* translations that are in the cache, by native address */
    size_t nlive;
    struct cost total, by_category[ENGINE_CATEGORIES];
    bool incomplete; /* out of memory */
};

static void add(struct cost *sum, const struct cost *c)
{
    sum->count += c->count;
    sum->cycles += c->cycles;
    for (int r = 0; r < ENGINE_REASONS; r++)
        sum->reason[r] += c->reason[r];
}

/* -- Firmware functions */

static int by_start(const void *a, const void *b)
{
    const struct function *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

static void *read_part(FILE *f, uint64_t at, uint64_t size)
{
    void *p = size < (UINT64_C(1) << 30) ? malloc(size + 1) : NULL;
    if (p && (fseeko(f, (off_t)at, SEEK_SET) || fread(p, 1, size, f) != size)) {
        free(p);
        return NULL;
    }
    if (p)
        ((char *)p)[size] = 0;
    return p;
}

/* Functions and, for assembly, labels without a type that lie in a code section. */
static bool take_symbols(struct profile *p, const Elf64_Shdr *sh, size_t nsh, const Elf64_Sym *sym, size_t n, const char *names,
                         size_t names_size)
{
    p->functions = calloc(n + 1, sizeof *p->functions);
    for (size_t i = 0; p->functions && i < n; i++) {
        unsigned type = ELF64_ST_TYPE(sym[i].st_info);
        bool code = sym[i].st_shndx < nsh && sh[sym[i].st_shndx].sh_flags & SHF_EXECINSTR;
        if (!code || (type != STT_FUNC && type != STT_NOTYPE) || sym[i].st_name >= names_size || !names[sym[i].st_name])
            continue;
        struct function *f = &p->functions[p->nfunctions++];
        const Elf64_Shdr *s = &sh[sym[i].st_shndx];
        f->start = (uint32_t)sym[i].st_value;
        f->end = sym[i].st_size ? f->start + (uint32_t)sym[i].st_size : (uint32_t)(s->sh_addr + s->sh_size);
        f->name = strdup(names + sym[i].st_name);
        if (!f->name)
            return false;
    }
    if (!p->functions)
        return false;
    qsort(p->functions, p->nfunctions, sizeof *p->functions, by_start);
    for (size_t i = 0; i + 1 < p->nfunctions; i++)
        if (p->functions[i].end > p->functions[i + 1].start)
            p->functions[i].end = p->functions[i + 1].start;
    p->functions[p->nfunctions++] = (struct function){.name = strdup("(elsewhere)")};
    return p->functions[p->nfunctions - 1].name != NULL;
}

static bool read_symbols(struct profile *p, FILE *f)
{
    Elf64_Ehdr eh;
    if (fread(&eh, sizeof eh, 1, f) != 1 || memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 || eh.e_shentsize != sizeof(Elf64_Shdr))
        return false;
    Elf64_Shdr *sh = read_part(f, eh.e_shoff, (uint64_t)eh.e_shnum * sizeof *sh);
    bool ok = false;
    for (size_t i = 0; sh && i < eh.e_shnum && !ok; i++) {
        if (sh[i].sh_type != SHT_SYMTAB || sh[i].sh_link >= eh.e_shnum)
            continue;
        const Elf64_Shdr *str = &sh[sh[i].sh_link];
        Elf64_Sym *sym = read_part(f, sh[i].sh_offset, sh[i].sh_size);
        char *names = read_part(f, str->sh_offset, str->sh_size);
        if (sym && names)
            ok = take_symbols(p, sh, eh.e_shnum, sym, sh[i].sh_size / sizeof *sym, names, str->sh_size);
        free(sym);
        free(names);
    }
    free(sh);
    return ok;
}

static struct function *function_at(struct profile *p, uint32_t pc)
{
    size_t lo = 0, hi = p->nfunctions - 1; /* without the last */
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (p->functions[mid].end <= pc)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < p->nfunctions - 1 && p->functions[lo].start <= pc ? &p->functions[lo] : &p->functions[p->nfunctions - 1];
}

/* -- Life */

static void forget(struct profile *p)
{
    for (size_t i = 0; i < p->nfunctions; i++)
        free(p->functions[i].name);
    free(p->functions);
    free(p->translations);
    free(p->live);
    free(p->sites);
    free(p);
}

struct profile *profile_open(struct selkirk *m, const char *path, const char *firmware, char *err, size_t err_size)
{
    struct profile *p = calloc(1, sizeof *p);
    FILE *f = fopen(firmware, "rb");
    bool ok = false;
    if (!p)
        snprintf(err, err_size, "out of memory");
    else if (!f)
        snprintf(err, err_size, "firmware %s: %s", firmware, strerror(errno));
    else if (!read_symbols(p, f))
        snprintf(err, err_size, "firmware %s: it has no symbols", firmware);
    else if (!(p->out = fopen(path, "w")))
        snprintf(err, err_size, "%s: %s", path, strerror(errno));
    else
        ok = true;
    if (f)
        fclose(f);
    if (!ok) {
        if (p)
            forget(p);
        return NULL;
    }
    p->m = m;
    selkirk_counters(m, &p->before);
    return p;
}

/* -- Translations */

/* Index of the first live translation that ends behind pc. */
static size_t live_index(const struct profile *p, uint32_t pc)
{
    size_t lo = 0, hi = p->nlive;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        const struct translation *t = &p->translations[p->live[mid]];
        if (t->native + t->size <= pc)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void profile_translation(struct profile *p, const struct selkirk_event *ev)
{
    struct translation t = {.guest = ev->arg[0],
                            .native = (uint32_t)ev->arg[1],
                            .size = (uint32_t)ev->arg[2],
                            .guest_size = ev->arg[4],
                            .gear = (unsigned)ev->arg[3]};
    /* Room for 2^k more whenever 2^k are reached. */
    if ((p->ntranslations & (p->ntranslations - 1)) == 0) {
        size_t cap = p->ntranslations ? 2 * p->ntranslations : 1;
        struct translation *list = realloc(p->translations, cap * sizeof *list);
        if (list)
            p->translations = list;
        uint32_t *live = realloc(p->live, cap * sizeof *live);
        if (live)
            p->live = live;
        if (!list || !live) {
            p->incomplete = true;
            return;
        }
    }
    /* What lay there before is gone: the cache was flushed. */
    size_t i = live_index(p, t.native), end = i;
    while (end < p->nlive && p->translations[p->live[end]].native < t.native + t.size)
        end++;
    memmove(&p->live[i + 1], &p->live[end], (p->nlive - end) * sizeof *p->live);
    p->nlive = p->nlive - (end - i) + 1;
    p->live[i] = (uint32_t)p->ntranslations;
    p->translations[p->ntranslations++] = t;
}

/* Number + 1 of the translation that pc lies in; 0 none. */
static uint32_t translation_at(const struct profile *p, uint32_t pc)
{
    size_t i = live_index(p, pc);
    return i < p->nlive && p->translations[p->live[i]].native <= pc ? p->live[i] + 1 : 0;
}

/* -- Records */

static struct site *find(struct site *sites, size_t cap, uint32_t pc, uint32_t translation, unsigned cat)
{
    uint64_t h = ((uint64_t)translation << 36 | (uint64_t)cat << 32 | pc) * UINT64_C(0x9e3779b97f4a7c15);
    for (size_t i = (size_t)(h >> 32) & (cap - 1);; i = (i + 1) & (cap - 1)) {
        struct site *s = &sites[i];
        if (s->cost.count == 0 || (s->pc == pc && s->translation == translation && s->cat == cat))
            return s;
    }
}

static bool grow(struct profile *p)
{
    size_t cap = p->cap ? 2 * p->cap : 1 << 12;
    struct site *sites = calloc(cap, sizeof *sites);
    if (!sites)
        return false;
    for (size_t i = 0; i < p->cap; i++)
        if (p->sites[i].cost.count)
            *find(sites, cap, p->sites[i].pc, p->sites[i].translation, p->sites[i].cat) = p->sites[i];
    free(p->sites);
    p->sites = sites;
    p->cap = cap;
    return true;
}

static unsigned since(struct profile *p, struct cost *c)
{
    struct engine_counters now;
    unsigned cat = 0;
    uint64_t most = 0;
    selkirk_counters(p->m, &now);
    for (unsigned i = 0; i < ENGINE_CATEGORIES; i++) {
        uint64_t sum = 0;
        for (int r = 0; r < ENGINE_REASONS; r++) {
            uint64_t n = now.by_category[i][r] - p->before.by_category[i][r];
            sum += n;
            c->reason[r] += n;
        }
        c->cycles += sum;
        if (sum > most) {
            most = sum;
            cat = i;
        }
    }
    p->before = now;
    return cat;
}

void profile_record(struct profile *p, const struct engine_record *rec)
{
    struct cost c = {.count = 1};
    unsigned cat = since(p, &c);
    add(&p->total, &c);
    add(&p->by_category[cat], &c);
    if (4 * p->nsites >= 3 * p->cap && !grow(p)) {
        p->incomplete = true;
        return;
    }
    uint32_t translation = translation_at(p, rec->pc);
    struct site *s = find(p->sites, p->cap, rec->pc, translation, cat);
    if (s->cost.count == 0) {
        p->nsites++;
        *s = (struct site){.pc = rec->pc, .translation = translation, .cat = (uint8_t)cat};
        while (s->nwords < WORDS && selkirk_read_physical(p->m, rec->pc + 4u * s->nwords, &s->words[s->nwords], 4))
            if (s->words[s->nwords++] >> 31)
                break;
    }
    add(&s->cost, &c);
    if (translation) {
        struct translation *t = &p->translations[translation - 1];
        add(&t->cost, &c);
        t->entries += rec->pc == t->native;
    } else {
        add(&function_at(p, rec->pc)->cost[cat], &c);
    }
}

/* -- Tables */

static double percent(uint64_t a, uint64_t b) { return b ? 100.0 * (double)a / (double)b : 0; }

static void heading(FILE *f, const char *title, const char *first)
{
    fprintf(f, "\n%s\n%12s %6s %11s", title, "cycles", "%", "bundles");
    for (int r = 0; r < ENGINE_REASONS; r++)
        fprintf(f, " %10s", duke_reason_info[r].name);
    fprintf(f, "  %s\n", first);
}

static void row(FILE *f, const struct profile *p, const struct cost *c)
{
    fprintf(f, "%12llu %6.2f %11llu", (unsigned long long)c->cycles, percent(c->cycles, p->total.cycles),
            (unsigned long long)c->count);
    for (int r = 0; r < ENGINE_REASONS; r++)
        fprintf(f, " %10llu", (unsigned long long)c->reason[r]);
    fputs("  ", f);
}

/* Something with a cost, to be put in order. */
struct entry {
    const struct cost *cost;
    size_t index;
};

static int by_cycles(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->cost->cycles != y->cost->cycles)
        return x->cost->cycles > y->cost->cycles ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static void write_functions(FILE *f, struct profile *p, struct entry *list)
{
    size_t n = 0;
    for (size_t i = 0; i < p->nfunctions * ENGINE_CATEGORIES; i++) {
        const struct cost *c = &p->functions[i / ENGINE_CATEGORIES].cost[i % ENGINE_CATEGORIES];
        if (c->count)
            list[n++] = (struct entry){c, i};
    }
    qsort(list, n, sizeof *list, by_cycles);
    heading(f, "Firmware functions", "category, function");
    for (size_t i = 0; i < n; i++) {
        row(f, p, list[i].cost);
        fprintf(f, "%-9s %s\n", duke_category_info[list[i].index % ENGINE_CATEGORIES].name,
                p->functions[list[i].index / ENGINE_CATEGORIES].name);
    }
}

static void write_translations(FILE *f, struct profile *p, struct entry *list)
{
    for (size_t i = 0; i < p->ntranslations; i++)
        list[i] = (struct entry){&p->translations[i].cost, i};
    qsort(list, p->ntranslations, sizeof *list, by_cycles);
    heading(f, "Translations", "guest address, native address, bytes of it, guest bytes of the first block, entries, gear");
    for (size_t i = 0; i < p->ntranslations; i++) {
        const struct translation *t = &p->translations[list[i].index];
        row(f, p, &t->cost);
        fprintf(f, "%08llx %08x %5u %3llu %10llu %u\n", (unsigned long long)t->guest, t->native, t->size,
                (unsigned long long)t->guest_size, (unsigned long long)t->entries, t->gear);
    }
}

static void write_bundles(FILE *f, struct profile *p, struct entry *list)
{
    size_t n = 0;
    for (size_t i = 0; i < p->cap; i++)
        if (p->sites[i].cost.count)
            list[n++] = (struct entry){&p->sites[i].cost, i};
    qsort(list, n, sizeof *list, by_cycles);
    heading(f, "Bundles", "category, place, ops");
    for (size_t i = 0; i < n; i++) {
        const struct site *s = &p->sites[list[i].index];
        row(f, p, &s->cost);
        if (s->translation) {
            const struct translation *t = &p->translations[s->translation - 1];
            fprintf(f, "%-9s %08llx+%#x", duke_category_info[s->cat].name, (unsigned long long)t->guest, s->pc - t->native);
        } else {
            const struct function *g = function_at(p, s->pc);
            fprintf(f, "%-9s %s+%#x", duke_category_info[s->cat].name, g->name, s->pc - g->start);
        }
        struct duke_op op;
        for (unsigned w = 0; w < s->nwords && duke_decode(&s->words[w], s->nwords - w, &op) == DUKE_DECODE_OK; w += op.words) {
            char text[TEXT];
            fprintf(f, "%s %s", w ? " |" : ":", duke_disassemble(text, sizeof text, s->pc + 4 * w, &op));
        }
        fputc('\n', f);
    }
}

static bool write_all(struct profile *p)
{
    FILE *f = p->out;
    size_t n = p->nfunctions * ENGINE_CATEGORIES;
    n = n > p->nsites ? n : p->nsites;
    n = n > p->ntranslations ? n : p->ntranslations;
    struct entry *list = malloc((n + 1) * sizeof *list);
    if (!list)
        return false;
    fprintf(f, "Cycles from the start of the guest program to the last bundle.%s\n",
            p->incomplete ? " INCOMPLETE: the host ran out of memory." : "");
    heading(f, "Categories", "category");
    for (int cat = 0; cat < ENGINE_CATEGORIES; cat++) {
        if (!p->by_category[cat].count)
            continue;
        row(f, p, &p->by_category[cat]);
        fprintf(f, "%s\n", duke_category_info[cat].name);
    }
    row(f, p, &p->total);
    fputs("all\n", f);
    write_functions(f, p, list);
    write_translations(f, p, list);
    write_bundles(f, p, list);
    free(list);
    return !ferror(f);
}

bool profile_close(struct profile *p)
{
    if (!p)
        return true;
    bool ok = write_all(p);
    ok = fclose(p->out) == 0 && ok;
    forget(p);
    return ok;
}

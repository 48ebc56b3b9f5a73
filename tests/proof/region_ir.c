/* region-ir FILE: makes the regions of a file that `selkirk run --regions` wrote, twice each: as the lifter finds them, with every
 * switch off that makes code shorter, and as region/ hands them to its scheduler. prove.py compares the two.
 *
 * The output has all that the proof needs, as numbers:
 *
 *     region RIP WIDE LEVEL INSTRUCTIONS
 *     plain | opt
 *     n REF OP A B C X IMM OVER        a node; OVER: see opt_stores
 *     e NUMBER KIND FLAGS NINSNS OP TARGET NEXT
 *     end | refused
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/cache.h"
#include "duke_isa.h"
#include "guest/block.h"
#include "guest/lift.h"
#include "morph.h"
#include "port.h"
#include "port_host.h"
#include "region/region.h"
#include "run/run.h"

enum { RAM = 64 << 20, FRAMES_FROM = 32 << 20, PAGE = 4096, PAGES = (RAM - FRAMES_FROM) / PAGE, ARENA = 48 << 20, LINE = 8192 };

struct maker {
    struct shared *sh;
    struct port_host *port;
    struct morph *m;
    uint64_t page[PAGES]; /* linear page numbers; their frames begin at FRAMES_FROM */
    unsigned npages;
    FILE *in;
    unsigned line;
};

static _Noreturn void fail(const struct maker *k, const char *why)
{
    fprintf(stderr, "region-ir: line %u: %s\n", k->line, why);
    exit(2);
}

static const char *const pseudo_names[] = {"entry", "addr", "set", "exit", "call", "fault", "nop", "xmm", "label"};
static const char *const kind_names[] = {"none", "direct", "jmp", "ret", "interp", "return", "local"};

static const char *op_name(unsigned op) { return op < DUKE_OP_COUNT ? duke_op_names[op] : pseudo_names[op - DUKE_OP_COUNT]; }

static void print_block(const struct ir_block *b, const uint16_t *over)
{
    for (uint32_t i = IR_FIRST; i < b->n; i++) {
        const struct ir_node *n = &b->node[i];
        if (n->op == IR_NOP)
            continue;
        bool big = n->op == DUKE_OP_LI && n->x == IR_BIG;
        int64_t imm = big ? b->consts[n->imm] : n->imm;
        printf("n %u %s %u %u %u %u %" PRId64 " %u\n", i, op_name(n->op), n->a, n->b, n->c, big ? 0 : n->x, imm,
               over ? over[i] : 0);
    }
    for (uint32_t i = 0; i < b->nexits; i++) {
        const struct ir_exit *e = &b->exit[i];
        printf("e %u %s %u %u %s %#" PRIx64 " %#" PRIx64 "\n", i, kind_names[e->kind], e->flags, e->ninsns,
               e->op == IR_ALWAYS ? "always" : duke_op_names[e->op], e->target, e->next);
    }
    puts("end");
}

static uint8_t *byte_at(struct maker *k, uint64_t lin)
{
    unsigned i = 0;
    while (i < k->npages && k->page[i] != lin / PAGE)
        i++;
    if (i == k->npages) {
        if (i == PAGES)
            fail(k, "the file has code on more pages than there is room for");
        k->page[k->npages++] = lin / PAGE;
        port_host_map(lin & ~UINT64_C(0xfff), FRAMES_FROM + (uint64_t)i * PAGE, PAGE, PORT_HOST_READ | PORT_HOST_EXEC);
        memset(k->port->ram + FRAMES_FROM + (size_t)i * PAGE, 0x90, PAGE);
    }
    return k->port->ram + FRAMES_FROM + (size_t)i * PAGE + lin % PAGE;
}

static void put_bytes(struct maker *k, uint64_t rip, const char *hex)
{
    unsigned v;
    for (; sscanf(hex, "%2x", &v) == 1; hex += 2)
        *byte_at(k, rip++) = (uint8_t)v;
}

static struct gblock *find(struct maker *k, uint64_t rip)
{
    struct gblock *b = block_find(k->m, k->m->blocks, rip, k->sh->cpu.mode);
    struct block_fault fault;
    return b || block_make(k->m, rip, &b, &fault) == BLOCK_OK ? b : NULL;
}

/* The switches of everything that changes code while it is lifted. */
static void set_switches(struct maker *k, uint64_t on)
{
    struct morph_params *p = &k->sh->params;
    p->opt_parts = p->opt_fold = p->opt_fuse = p->opt_dead_flags = p->region_forward = on;
}

struct header {
    uint64_t rip;
    unsigned mode, level, null_segs;
    unsigned long long elements, copies;
};

static bool next_line(struct maker *k, char line[LINE])
{
    k->line++;
    return fgets(line, LINE, k->in) != NULL;
}

/* Reads a region's path into k->m->region. False: its code cannot be what it was, as when a program has changed it. */
static bool read_path(struct maker *k)
{
    static char line[LINE], hex[LINE];
    struct region *r = k->m->region;
    struct {
        uint64_t rip;
        unsigned ninsns;
    } blocks[2 * REGION_STEPS_MAX];
    unsigned n = 0;
    bool good = true;
    r->nsteps = 0;
    while (next_line(k, line) && strcmp(line, "end\n") != 0) {
        uint64_t rip, guess, ret, over;
        unsigned ninsns, follow, likely, nover;
        if (n < 2 * REGION_STEPS_MAX && sscanf(line, "block %" SCNx64 " %u %8191s", &rip, &ninsns, hex) == 3) {
            put_bytes(k, rip, hex);
            blocks[n].rip = rip;
            blocks[n++].ninsns = ninsns;
            continue;
        }
        if (r->nsteps == REGION_STEPS_MAX || sscanf(line, "step %" SCNx64 " %u %u %" SCNx64 " %" SCNx64 " %" SCNx64 " %u", &rip,
                                                    &follow, &likely, &guess, &ret, &over, &nover) != 7)
            fail(k, "neither a block, nor a step, nor the end");
        if (r->nsteps == 0)
            for (unsigned i = 0; i < n; i++) {
                struct gblock *b = find(k, blocks[i].rip);
                good = good && b && b->ninsns == blocks[i].ninsns;
            }
        struct gblock *b = find(k, rip), *o = nover ? find(k, over) : NULL;
        good = good && b && (o ? nover <= o->ninsns : !nover);
        r->steps[r->nsteps++] = (struct region_step){.block = b ? block_index(k->m->blocks, b) : 0,
                                                     .follow = (uint8_t)follow,
                                                     .taken_likely = (uint8_t)likely,
                                                     .nover = (uint8_t)nover,
                                                     .over = o ? block_index(k->m->blocks, o) : 0,
                                                     .guess = guess,
                                                     .ret = ret};
    }
    return good && r->nsteps;
}

static void set_state(struct maker *k, const struct header *h)
{
    struct guest_cpu *cpu = &k->sh->cpu;
    cpu->mode = h->mode;
    for (unsigned s = 0; s < GUEST_SEGS; s++)
        cpu->seg_sel[s] = h->null_segs >> s & 1 ? 0 : 0x2b;
    cpu->mxcsr = h->null_segs & LIFT_NO_SIMD ? 0 : 0x1f80;
    k->sh->params.region_elements = h->elements;
    k->sh->params.region_copies = h->copies;
    k->m->tcache->env = run_env(k->m);
}

static void one_region(struct maker *k, const struct header *h)
{
    struct region *r = k->m->region;
    morph_drop_all(k->m);
    set_state(k, h);
    bool good = read_path(k);
    printf("region %#" PRIx64 " %u %u", h->rip, h->mode != GUEST_IA32, h->level);
    if (!good) {
        puts(" 0\nrefused the code is another by now");
        return;
    }
    const struct gblock *b = &k->m->blocks->blocks[r->steps[0].block];
    uint32_t nsteps = r->nsteps;
    struct region_step steps[REGION_STEPS_MAX];
    memcpy(steps, r->steps, sizeof steps);
    set_switches(k, 1);
    bool lifted = region_prepare_path(k->m, b, h->level);
    printf(" %u\n", r->ir.insns);
    if (!lifted) {
        puts("refused the region is not made any more");
        return;
    }
    puts("opt");
    print_block(&r->ir, r->over);
    /* The same part of the path. Where a branch was decided against the profile the other lift goes on by itself. */
    memcpy(r->steps, steps, sizeof steps);
    r->nsteps = nsteps;
    set_switches(k, 0);
    if (!region_lift(k->m, b)) {
        puts("refused the plain form is too big");
        return;
    }
    puts("plain");
    print_block(&r->ir, NULL);
}

static void make(struct maker *k)
{
    k->sh = calloc(1, sizeof *k->sh);
    void *arena = calloc(1, ARENA);
    if (!k->sh || !arena)
        abort();
#define PARAM(name, def, min, max, doc) k->sh->params.name = (def);
#include "params.def"
#undef PARAM
    k->sh->params.tcache_kib = 256;
    k->sh->params.gear_max = 3;
    k->sh->params.guest_cpu = 3; /* every instruction */
    k->sh->cpu.sysflags = EFL_FIXED | EFL_IF;
    k->port = port_host_make(k->sh, RAM);
    k->m = morph_init(k->sh, arena, ARENA);
    if (!k->m)
        abort();
}

int main(int argc, char *argv[])
{
    static struct maker k;
    static char line[LINE];
    struct header h;
    if (argc != 2 || !(k.in = fopen(argv[1], "r"))) {
        fputs("usage: region-ir FILE, of selkirk run --regions\n", stderr);
        return 2;
    }
    make(&k);
    while (next_line(&k, line)) {
        if (sscanf(line, "region %" SCNx64 " mode %u level %u null %x elements %llu copies %llu", &h.rip, &h.mode, &h.level,
                   &h.null_segs, &h.elements, &h.copies) != 6 ||
            h.mode > GUEST_X86_64 || h.level >= REGION_NEVER)
            fail(&k, "not the beginning of a region");
        one_region(&k, &h);
    }
    fclose(k.in);
    return 0;
}

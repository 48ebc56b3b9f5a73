/* morph-translate: prints what becomes of guest code, stage by stage: instructions, IR as lifted, IR as optimized, schedule, bundles.
 * The code is interpreted first, so that there is a profile. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/cache.h"
#include "duke_disasm.h"
#include "ginsn_text.h"
#include "guest/block.h"
#include "guest/interp.h"
#include "ir/ir.h"
#include "morph.h"
#include "port.h"
#include "region/region.h"
#include "run/gear2.h"

enum {
    MAX_BYTES = 4096,
    RAM = 4 << 20,
    ARENA = 64 << 20,
    CODE = 0x300000,
    DATA = 0x320000,
    DATA_END = 0x330000,
    STACK = DATA_END - 0x100,
    TEXT = 1 << 18,
};

static const char usage[] =
    "usage: morph-translate [options] HEX...\n"
    "Interprets guest code, then translates it and prints every stage.\n"
    "  --32, --64      IA-32 (default), 64-bit mode\n"
    "  --gear N        2 or 3 (default)\n"
    "  --insts N       guest instructions to interpret first (default 600)\n"
    "  --set NAME=N    a register (r0 to r15; 1 is ecx, 4 esp, 6 esi, 7 edi), or a parameter of morph, in numbers\n"
    "Code lies at 0x300000; 64 KiB of zeros, which esi and edi point to, at 0x320000; the stack at their end.\n"
    "Exit status: 0 translated, 1 not, 2 wrong arguments.\n";

struct job {
    struct shared *sh;
    struct morph *m;
    unsigned gear, nbytes;
    uint64_t insts;
    uint8_t bytes[MAX_BYTES];
};

static int digit(int c) { return isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10 : -1; }

/* Appends the bytes of one argument; false if it is not hex with an even number of digits, or too long. */
static bool parse_hex(struct job *j, const char *text)
{
    while (*text) {
        if (isspace((unsigned char)*text)) {
            text++;
            continue;
        }
        int high = digit((unsigned char)text[0]), low = high < 0 ? -1 : digit((unsigned char)text[1]);
        if (low < 0 || j->nbytes == MAX_BYTES)
            return false;
        j->bytes[j->nbytes++] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return true;
}

static bool number(const char *text, uint64_t *value)
{
    char *end;
    if (!isdigit((unsigned char)*text))
        return false;
    *value = strtoull(text, &end, 0);
    return !*end;
}

static bool set(struct job *j, const char *pair)
{
    const char *equals = strchr(pair, '=');
    uint64_t value;
    size_t n = equals ? (size_t)(equals - pair) : 0;
    if (!n || !number(equals + 1, &value))
        return false;
    for (unsigned r = 0; r < 16; r++) {
        char name[4];
        snprintf(name, sizeof name, "r%u", r);
        if (strlen(name) == n && !strncmp(pair, name, n)) {
            j->sh->cpu.gpr[r] = value;
            return true;
        }
    }
#define PARAM(name, def, min, max, doc) \
    if (sizeof #name - 1 == n && !strncmp(pair, #name, n)) { \
        j->sh->params.name = value; \
        return true; \
    }
#include "params.def"
#undef PARAM
    return false;
}

static void defaults(struct shared *sh)
{
#define PARAM(name, def, min, max, doc) sh->params.name = (def);
#include "params.def"
#undef PARAM
    sh->params.gear_max = 3;
    sh->params.guest_cpu = 3;
    sh->params.tcache_kib = 1024;
    sh->cpu.sysflags = EFL_FIXED | EFL_IF;
    for (unsigned s = 0; s < GUEST_SEGS; s++)
        sh->cpu.seg_sel[s] = 0x2b;
    sh->cpu.gpr[GUEST_RSP] = STACK;
    sh->cpu.gpr[GUEST_RSI] = sh->cpu.gpr[GUEST_RDI] = DATA;
}

/* False, with a message: the arguments are wrong. */
static bool parse(struct job *j, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        uint64_t n = 0;
        bool ok = true;
        if (!strcmp(arg, "--32") || !strcmp(arg, "--64")) {
            j->sh->cpu.mode = arg[2] == '3' ? GUEST_IA32 : GUEST_X86_64;
        } else if (!strcmp(arg, "--gear")) {
            ok = number(value, &n) && (n == 2 || n == 3);
            j->gear = (unsigned)n;
            i++;
        } else if (!strcmp(arg, "--insts")) {
            ok = number(value, &j->insts);
            i++;
        } else if (!strcmp(arg, "--set")) {
            ok = set(j, value);
            i++;
        } else if (!parse_hex(j, arg)) {
            fprintf(stderr, "morph-translate: \"%s\" is neither an option nor bytes in hex; see --help\n", arg);
            return false;
        }
        if (!ok) {
            fprintf(stderr, "morph-translate: %s: \"%s\" is no value for it; see --help\n", arg, value);
            return false;
        }
    }
    if (!j->nbytes)
        fputs(usage, stderr);
    return j->nbytes != 0;
}

static struct gblock *block_at(struct morph *m, uint64_t rip)
{
    struct gblock *b = block_find(m, m->blocks, rip, m->sh->cpu.mode);
    struct block_fault fault;
    return b || block_make(m, rip, &b, &fault) == BLOCK_OK ? b : NULL;
}

/* Runs the code in the interpreter, and notes which block follows which, as an episode of gear 3 does. */
static void interpret(struct job *j)
{
    struct guest_cpu *cpu = &j->sh->cpu;
    enum interp_result r = INTERP_OK;
    cpu->rip = CODE;
    while (port_icount() < j->insts && r == INTERP_OK) {
        struct gblock *b = block_at(j->m, cpu->rip);
        if (!b)
            break;
        b->count++;
        region_note(j->m, b);
        r = interp_block(j->m, b, BLOCK_MAX_INSNS);
    }
}

static void print_instructions(const struct job *j)
{
    unsigned at = 0;
    puts("== Guest instructions");
    while (at < j->nbytes) {
        struct ginsn g;
        char text[200];
        if (guest_decode(j->bytes + at, j->nbytes - at, (enum guest_mode)j->sh->cpu.mode, &g) != DECODE_OK)
            break;
        ginsn_text(&g, text, sizeof text);
        printf("%08x  ", CODE + at);
        for (unsigned i = 0; i < 8; i++)
            printf(i < g.len ? "%02x " : "   ", j->bytes[at + (i < g.len ? i : 0)]);
        puts(text);
        at += g.len;
    }
}

/* The stages before emission. False: refused. */
static bool prepare(struct job *j, struct gblock *b)
{
    unsigned max = j->gear == 3 ? (unsigned)j->sh->params.region_insns : (unsigned)j->sh->params.block_insns;
    return j->gear == 3 ? region_prepare(j->m, b, max, REGION_BOLD) : gear2_prepare(j->m, b, GEAR2_BLOCKS_MAX, max);
}

static void print_ir(const struct job *j, const char *title)
{
    static char text[TEXT];
    struct ir_text out = {text, sizeof text, 0};
    ir_print(j->gear == 3 ? &j->m->region->ir : &j->m->gear2->ir, &out);
    printf("\n== %s\n%s", title, text);
}

static void print_op(const struct gen_op *o, bool first)
{
    struct duke_op op;
    char text[160];
    uint32_t w[2] = {o->w[0], o->w[1]};
    w[o->nwords - 1] |= DUKE_END; /* alone it is a bundle of its own */
    if (duke_decode(w, o->nwords, &op) != DUKE_DECODE_OK)
        snprintf(text, sizeof text, "?");
    else
        duke_disassemble(text, sizeof text, 0, &op);
    printf("%s%s", first ? "" : " ~ ", text);
}

/* Cycle by cycle; branches have no targets yet. */
static void print_schedule(const struct job *j)
{
    puts("\n== Schedule (branches have no targets yet)");
    const struct region_gen *g = &j->m->region->gen;
    for (uint32_t c = 0; c < g->ncycles; c++) {
        const struct gen_bundle *u = &g->bundle[c];
        printf("%4u: ", c);
        for (unsigned i = 0; i < u->n; i++)
            print_op(&g->op[u->op[i]], i == 0);
        if (u->commit)
            printf("%scommit %u", u->n ? " ~ " : "", u->commit - 1u);
        puts(u->n || u->commit ? "" : "(waits)");
    }
}

static bool print_code(struct job *j, struct gblock *b)
{
    struct tcache *t = j->m->tcache;
    if (!(j->gear == 3 ? region_translate(j->m, b) : gear2_translate(j->m, b)))
        return false;
    puts("\n== Code");
    const uint32_t *w = (const uint32_t *)(const void *)t->mem;
    uint32_t end = (t->tr[b->translation].end - t->native) / 4;
    for (uint32_t at = (b->native - t->native) / 4; at < end;) {
        char text[2000];
        at += (uint32_t)duke_disassemble_bundle(text, sizeof text, t->native + 4 * at, w + at, end - at);
        puts(text);
    }
    return true;
}

static bool print_stages(struct job *j)
{
    struct morph_params *p = &j->sh->params, wanted = *p;
    struct gblock *b = block_at(j->m, CODE);
    if (!b)
        return false;
    print_instructions(j);
    p->opt_direct = 0; /* gear 2 without IR has nothing to show here */
    p->opt_parts = p->opt_fold = p->opt_dead_flags = p->opt_fuse = p->region_forward = p->region_dead_stores = 0;
    if (!prepare(j, b))
        return false;
    print_ir(j, "IR as lifted: nothing folded, every flag computed, every load done");
    *p = wanted;
    p->opt_direct = 0;
    if (!prepare(j, b))
        return false;
    print_ir(j, "IR as optimized");
    if (j->gear == 3)
        print_schedule(j);
    *p = wanted;
    return print_code(j, b);
}

int main(int argc, char **argv)
{
    struct job j = {.sh = calloc(1, sizeof *j.sh), .gear = 3, .insts = 600};
    void *arena = calloc(1, ARENA);
    if (!j.sh || !arena)
        return 2;
    if (argc == 2 && !strcmp(argv[1], "--help")) {
        fputs(usage, stdout);
        return 0;
    }
    defaults(j.sh);
    if (!parse(&j, argc, argv))
        return 2;
    struct port_host *port = port_host_make(j.sh, RAM);
    port_host_map(CODE, CODE, 0x10000, PORT_HOST_READ | PORT_HOST_EXEC);
    port_host_map(DATA, DATA, DATA_END - DATA, PORT_HOST_READ | PORT_HOST_WRITE);
    memset(port->ram + CODE, 0xcc, 0x10000);
    memcpy(port->ram + CODE, j.bytes, j.nbytes);
    j.m = morph_init(j.sh, arena, ARENA);
    if (!j.m)
        return 2;
    interpret(&j);
    bool ok = print_stages(&j);
    if (!ok)
        fputs("morph-translate: refused: nothing of it can be translated\n", stderr);
    port_host_free(port);
    free(arena);
    free(j.sh);
    return ok ? 0 : 1;
}

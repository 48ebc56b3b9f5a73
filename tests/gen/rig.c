#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/cache.h"
#include "duke_disasm.h"
#include "duke_isa.h"
#include "port.h"
#include "region/region.h"

enum { HIDDEN = 16 << 20, STUBS = 0x40010000, VECTORS = 0x40011000, PRELUDE = 0x40014000 };

static uint32_t *native(struct rig *r, uint32_t at) { return (uint32_t *)(void *)r->engine->ops->direct(r->engine, at, 4); }

static uint32_t put(struct rig *r, uint32_t at, struct duke_op o)
{
    uint32_t w[2];
    unsigned n = duke_encode(&o, w);
    if (!n)
        abort();
    memcpy(native(r, at), w, 4 * n);
    return at + 4 * n;
}

static uint32_t put_li(struct rig *r, uint32_t at, unsigned rd, uint64_t k)
{
    return put(r, at,
               (struct duke_op){.op = DUKE_OP_LI, .form = DUKE_FORM_EXT, .rd = (uint8_t)rd, .imm = (int64_t)k, .end = true});
}

static uint32_t put_hcall(struct rig *r, uint32_t at, unsigned n)
{
    return put(r, at, (struct duke_op){.op = DUKE_OP_HCALL, .form = DUKE_FORM_EXT, .imm = n, .end = true});
}

static uint32_t stub(unsigned n) { return STUBS + 16 * n; }

static void make_stubs(struct rig *r)
{
    for (unsigned n = 0; n < RIG_TRAP + 16; n++)
        put_hcall(r, stub(n), n);
    for (unsigned c = 0; c < 16; c++) { /* trap handlers: undo, leave to the stub */
        uint32_t at = VECTORS + 128 * c;
        at = put(r, at, (struct duke_op){.op = DUKE_OP_ROLLBACK, .form = DUKE_FORM_REG, .end = true});
        at = put_li(r, at, 60, stub(RIG_TRAP + c));
        at = put(r, at, (struct duke_op){.op = DUKE_OP_WRCR, .form = DUKE_FORM_IMM, .ra = 60, .imm = DUKE_CR_TPC, .end = true});
        put(r, at, (struct duke_op){.op = DUKE_OP_RFE, .form = DUKE_FORM_REG, .end = true});
    }
}

/* Setting the engine's state empties its TLB: code that fills it, and goes on to `to`. */
static void put_prelude(struct rig *r, uint32_t to)
{
    uint32_t at = PRELUDE;
    for (uint32_t page = RIG_CODE; page < RIG_DATA_END; page += 4096) {
        if (page >= RIG_CODE_END && page < RIG_DATA)
            continue;
        at = put_li(r, at, 4, page);
        at = put_li(r, at, 5, page | (page < RIG_CODE_END ? 4 : 2 | 4));
        at = put(r, at, (struct duke_op){.op = DUKE_OP_TLBW, .form = DUKE_FORM_REG, .ra = 4, .rb = 5, .end = true});
    }
    put(r, at, (struct duke_op){.op = DUKE_OP_J, .form = DUKE_FORM_IMM, .imm = (int64_t)to - at, .end = true});
}

struct rig *rig_make(const char *machine)
{
    struct rig *r = calloc(1, sizeof *r);
    char err[200];
    struct engine_cfg cfg = {.machine = machine, .dram_size = RIG_RAM, .hidden_size = HIDDEN};
    r->engine = engine_func.create(&cfg, err, sizeof err);
    if (!r->engine) {
        fprintf(stderr, "%s\n", err);
        abort();
    }
    engine_func.reset(r->engine);
    r->dram = engine_func.direct(r->engine, 0, RIG_RAM);
    make_stubs(r);

    struct shared *sh = r->sh = calloc(1, sizeof *sh);
#define PARAM(name, def, min, max, doc) sh->params.name = (def);
#include "params.def"
#undef PARAM
    sh->dram_size = RIG_RAM;
    sh->params.tcache_kib = 256;
    sh->params.gear_max = 3;
    sh->params.guest_cpu = 3; /* every instruction */
    sh->cpu.mode = GUEST_IA32;
    sh->cpu.user = 1;
    sh->cpu.sysflags = EFL_FIXED | EFL_IF;
    sh->cpu.seg_base[GUEST_FS] = RIG_FS;
    sh->cpu.seg_base[GUEST_GS] = RIG_GS;
    sh->cpu.x87.cw = 0x37f;
    sh->cpu.x87.tw = 0xffff;
    for (unsigned s = 0; s < GUEST_SEGS; s++)
        sh->cpu.seg_sel[s] = 0x2b;
    r->port = port_host_make(sh, RIG_RAM);
    port_host_map(RIG_CODE, RIG_CODE, RIG_CODE_END - RIG_CODE, PORT_HOST_READ | PORT_HOST_EXEC);
    port_host_map(RIG_DATA, RIG_DATA, RIG_DATA_END - RIG_DATA, PORT_HOST_READ | PORT_HOST_WRITE);
    uint64_t size = 16 << 20;
    r->arena = calloc(1, size);
    r->m = morph_init(sh, r->arena, size);
    if (!r->m)
        abort();
    r->m->machine = duke_machine_find(machine);
    gen_init(&r->m->gear2->gen, r->m->machine, false);
    r->m->exit_direct = stub(RIG_DIRECT);
    r->m->exit_indirect = stub(RIG_INDIRECT);
    r->m->exit_interp = stub(RIG_INTERP);
    return r;
}

void rig_free(struct rig *r)
{
    r->engine->ops->destroy(r->engine);
    port_host_free(r->port);
    free(r->arena);
    free(r->sh);
    free(r);
}

void rig_code(struct rig *r, const uint8_t *code, unsigned size)
{
    morph_drop_all(r->m);
    r->m->region->profile = (struct region_profile){.from = 0};
    for (unsigned i = 0; i < REGION_CARE; i++)
        r->m->region->care[i] = (struct region_care){.rip = 0};
    memset(r->port->ram + RIG_CODE, 0x90, RIG_CODE_END - RIG_CODE);
    memcpy(r->port->ram + RIG_CODE, code, size);
}

struct gblock *rig_block(struct rig *r, uint64_t rip)
{
    struct gblock *b = block_find(r->m, r->m->blocks, rip, r->sh->cpu.mode);
    struct block_fault fault;
    if (!b && block_make(r->m, rip, &b, &fault) != BLOCK_OK)
        return NULL;
    return b;
}

enum interp_result rig_interpret(struct rig *r, uint64_t insns)
{
    r->port->icount = 0;
    r->port->ngated = 0;
    r->sh->params.max_insts = insns;
    enum interp_result result = INTERP_OK;
    while (r->port->icount < insns && result == INTERP_OK) {
        struct gblock *b = rig_block(r, r->sh->cpu.rip);
        if (!b) {
            result = INTERP_EXCEPTION;
            break;
        }
        b->count++;
        if (r->regions)
            region_note(r->m, b);
        result = interp_block(r->m, b, 64);
    }
    r->sh->params.max_insts = 0;
    return result;
}

unsigned rig_translated(struct rig *r, struct gblock *b, uint64_t *icount)
{
    struct guest_cpu *cpu = &r->sh->cpu;
    struct engine *e = r->engine;
    if (r->regions ? !region_translate(r->m, b) : !gear2_translate(r->m, b))
        return 0;
    struct tcache *t = r->m->tcache;
    memcpy(native(r, t->native), t->mem, t->used);
    memcpy(r->dram + RIG_CODE, r->port->ram + RIG_CODE, RIG_CODE_END - RIG_CODE);
    memcpy(r->dram + RIG_DATA, r->port->ram + RIG_DATA, RIG_DATA_END - RIG_DATA);
    put_prelude(r, b->native);
    struct duke_state s = {.pc = PRELUDE};
    s.r[28] = cpu->seg_base[GUEST_FS];
    s.r[29] = cpu->seg_base[GUEST_GS];
    s.r[31] = cpu->flags;
    memcpy(&s.r[32], cpu->gpr, sizeof cpu->gpr);
    s.cr[DUKE_CR_GCTL] = 3;
    s.cr[DUKE_CR_TVEC] = VECTORS;
    s.cr[DUKE_CR_CPC] = b->native;
    s.cr[DUKE_CR_ILIMIT] = r->ilimit ? r->ilimit : ~UINT64_C(0);
    e->ops->set_state(e, &s);
    if (e->ops->run(e, 1000000, NULL, NULL) != ENGINE_HCALL) {
        rig_dump(r);
        fprintf(stderr, "engine: %s\n", e->ops->error_text(e));
        abort();
    }
    unsigned n = e->ops->hcall_number(e);
    e->ops->get_state(e, &s);
    cpu->flags = s.r[31];
    memcpy(cpu->gpr, &s.r[32], sizeof cpu->gpr);
    if (n == RIG_DIRECT) /* as the dispatcher: the exit's number says where it goes */
        cpu->rip = s.r[48] < t->nexits ? t->exits[s.r[48]].target : ~UINT64_C(0);
    else
        cpu->rip = n < RIG_TRAP ? s.r[30] : cache_resolve(t, (uint32_t)s.cr[DUKE_CR_CPC], s.r[30]);
    *icount = s.cr[DUKE_CR_ICOUNT] - cpu->gpr[LIFT_UNCOUNT]; /* as the dispatcher */
    cpu->gpr[LIFT_UNCOUNT] = 0;
    return n;
}

bool rig_legal(struct rig *r, char *why, unsigned size)
{
    const struct tcache *t = r->m->tcache;
    const uint32_t *w = (const uint32_t *)(const void *)t->mem;
    uint32_t n = t->used / 4, at = 0;
    while (at < n) {
        struct duke_op ops[16];
        unsigned k = 0;
        uint32_t start = at;
        do {
            if (k == 16 || duke_decode(w + at, n - at, &ops[k]) != DUKE_DECODE_OK) {
                snprintf(why, size, "no op at word %u", at);
                return false;
            }
            uint32_t again[2] = {0, 0};
            if (duke_encode(&ops[k], again) != ops[k].words || memcmp(again, w + at, 4 * ops[k].words) != 0) {
                snprintf(why, size, "the codec encodes the op at word %u otherwise", at);
                return false;
            }
            at += ops[k].words;
        } while (!ops[k++].end);
        enum duke_bundle_error e = duke_bundle_check(r->m->machine, ops, k);
        if (e != DUKE_BUNDLE_OK) {
            snprintf(why, size, "bundle at word %u breaks rule %d", start, e);
            return false;
        }
    }
    return true;
}

void rig_dump(struct rig *r)
{
    const struct tcache *t = r->m->tcache;
    uint32_t n = t->used / 4, at = 0;
    char text[4096];
    while (at < n) {
        at += (uint32_t)duke_disassemble_bundle(text, sizeof text, t->native + 4 * at,
                                                (const uint32_t *)(const void *)t->mem + at, n - at);
        fputs(text, stderr);
        fputs("\n", stderr);
    }
}

/* Stores of regions that wait for the loads behind them, and sites that are kept in order. */
#include <string.h>

#include "duke_isa.h"
#include "gtest_shim.h"
#include "port.h"
#include "region/region.h"
#include "rig.h"

/* The load of eax needs no more than eax itself and is placed first, above the store of what another load gives; it overwrites its own
 * base, which edx then has. */
static const uint8_t code[] = {
    0x8b, 0x0b, /* mov ecx, [ebx] */
    0x89, 0xc2, /* mov edx, eax */
    0x89, 0x0e, /* mov [esi], ecx */
    0x8b, 0x00, /* mov eax, [eax] */
    0xc3,       /* ret */
};
enum {
    STORE = RIG_CODE + 4,
    FROM = RIG_DATA + 0x100,
    TO = RIG_DATA + 0x200,
    OTHER = RIG_DATA + 0x300,
    STACK = RIG_DATA + 0x8000
};

static void put(struct rig *r, uint32_t at, uint32_t v) { memcpy(r->port->ram + at, &v, sizeof v); }

static void start_with(struct rig *r, uint32_t eax)
{
    struct guest_cpu *cpu = &r->sh->cpu;
    for (unsigned i = 0; i < 16; i++)
        cpu->gpr[i] = i < 8 ? 0x11111111u * i : 0;
    cpu->gpr[GUEST_RAX] = eax;
    cpu->gpr[GUEST_RBX] = FROM;
    cpu->gpr[GUEST_RSI] = TO;
    cpu->gpr[GUEST_RSP] = STACK;
    cpu->flags = 0;
    cpu->rip = RIG_CODE;
    put(r, FROM, 0x12345678);
    put(r, TO, 0x0badf00d);
    put(r, OTHER, 0xcafebabe);
    put(r, STACK, RIG_CODE + 0x100);
}

static unsigned run(struct rig *r, uint32_t eax, uint64_t *icount)
{
    start_with(r, eax);
    return rig_translated(r, rig_block(r, RIG_CODE), icount);
}

/* Whether the region has done what the interpreter does. */
static void runs_right(struct rig *r, uint32_t eax)
{
    struct guest_cpu *cpu = &r->sh->cpu, got;
    uint64_t icount = 0;
    EXPECT(run(r, eax, &icount) == RIG_INDIRECT);
    got = *cpu;
    start_with(r, eax);
    EXPECT(icount == 5 && rig_interpret(r, icount) == INTERP_OK);
    EXPECT(memcmp(got.gpr, cpu->gpr, sizeof got.gpr) == 0 && got.rip == cpu->rip);
}

static struct rig *make(unsigned wait)
{
    struct rig *r = rig_make("default");
    r->regions = true;
    r->sh->params.region_wait = wait;
    rig_code(r, code, sizeof code);
    return r;
}

TEST_CASE(waiting, loads_come_first)
{
    struct rig *r = make(1);
    runs_right(r, OTHER);
    EXPECT(r->m->region->gen.waited == 1 && r->m->region->gen.aliased);
    rig_free(r);
    r = make(0);
    runs_right(r, OTHER);
    EXPECT(r->m->region->gen.waited == 0);
    rig_free(r);
}

TEST_CASE(waiting, they_are_guarded)
{
    uint64_t icount = 0;
    struct rig *r = make(1);
    EXPECT(run(r, TO, &icount) == RIG_TRAP + DUKE_TRAP_ALIAS && icount == 0);
    rig_free(r);
}

TEST_CASE(waiting, what_is_kept_in_order_is_not_passed)
{
    struct rig *r = make(1);
    struct region_care *care = region_care(r->m->region, RIG_CODE);
    care->pin[0] = (uint16_t)(STORE ^ STORE >> 16);
    care->npins = 1;
    runs_right(r, TO);
    EXPECT(r->m->region->gen.aliased == 0);
    rig_free(r);
}

TEST_CASE(waiting, a_store_that_traps_is_kept_in_order)
{
    uint64_t icount = 0;
    struct rig *r = make(1);
    const struct region_care *care = region_care(r->m->region, RIG_CODE);
    EXPECT(run(r, TO, &icount) == RIG_TRAP + DUKE_TRAP_ALIAS);
    const struct region_gen *g = &r->m->region->gen;
    uint32_t at = 4, bundle = 0, position = 0; /* where the store is, with the code at 0, and its category first */
    for (uint32_t c = 0; c < g->ncycles; c++) {
        for (unsigned i = 0, start = at; i < g->bundle[c].n; i++) {
            const struct gen_op *o = &g->op[g->bundle[c].op[i]];
            if (o->site == (uint16_t)(STORE ^ STORE >> 16)) {
                bundle = start == 4 ? 0 : start;
                position = i;
            }
            at += 4u * o->nwords;
        }
        at += g->bundle[c].commit ? 4 : 0;
    }
    r->sh->trap_pc = rig_block(r, RIG_CODE)->native + bundle;
    r->sh->trap_info = position << 8 | 1 << 4 | 4;
    r->sh->params.region_traps = 8;
    for (unsigned i = 0; i < 7; i++)
        EXPECT(!region_trapped(r->m, RIG_CODE, DUKE_TRAP_ALIAS));
    EXPECT(region_trapped(r->m, RIG_CODE, DUKE_TRAP_ALIAS));
    EXPECT(care->level == REGION_BOLD && care->npins == 1 && care->pin[0] == (uint16_t)(STORE ^ STORE >> 16));
    runs_right(r, TO);
    r->sh->trap_pc += REGION_SITES * 4; /* code that has been overwritten in the table: the region as a whole */
    for (unsigned i = 0; i < 8; i++)
        region_trapped(r->m, RIG_CODE, DUKE_TRAP_ALIAS);
    EXPECT(care->level == REGION_NO_ALIAS && care->npins == 1);
    rig_free(r);
}

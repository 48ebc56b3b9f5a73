/* Branches over a few instructions that become selects (LIFT_OVER): what is executed, and what is counted, for either way. */
#include <string.h>

#include "duke_isa.h"
#include "gtest_shim.h"
#include "guest/decode.h"
#include "guest/lift.h"
#include "port.h"
#include "region/region.h"
#include "rig.h"

static const uint8_t code[] = {
    0x39, 0xd8, 0x72, 0x03, /* cmp eax, ebx; jb to the addition */
    0x89, 0xd1, 0x42,       /* mov ecx, edx; inc edx */
    0x01, 0xce, 0x19, 0xc7, /* add esi, ecx; sbb edi, eax */
    0xc3,                   /* ret */
};
enum { FALL = RIG_CODE + 4, JOIN = RIG_CODE + 7 };

/* As if it had been seen to fall through and to be taken so many times. */
static void observe(struct rig *r, unsigned falls, unsigned takes)
{
    for (unsigned i = 0; i < falls + takes; i++) {
        region_note(r->m, rig_block(r, RIG_CODE));
        region_note(r->m, rig_block(r, i < falls ? FALL : JOIN));
    }
}

static unsigned direct_exits(const struct ir_block *b)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < b->nexits; i++)
        n += b->exit[i].kind == IR_EXIT_DIRECT;
    return n;
}

static void start_with(struct rig *r, uint32_t eax, uint32_t ebx)
{
    struct guest_cpu *cpu = &r->sh->cpu;
    for (unsigned i = 0; i < 16; i++)
        cpu->gpr[i] = i < 8 ? 0x11111111u * i : 0;
    cpu->gpr[GUEST_RAX] = eax;
    cpu->gpr[GUEST_RBX] = ebx;
    cpu->gpr[GUEST_RSP] = RIG_DATA + 0x8000;
    cpu->flags = 0;
    cpu->rip = RIG_CODE;
}

static void runs_right(struct rig *r, uint32_t eax, uint32_t ebx)
{
    struct guest_cpu *cpu = &r->sh->cpu, got;
    uint64_t icount = 0;
    start_with(r, eax, ebx);
    unsigned stub = rig_translated(r, rig_block(r, RIG_CODE), &icount);
    EXPECT(stub == RIG_INDIRECT || (stub == RIG_DIRECT && direct_exits(&r->m->region->ir)));
    EXPECT(icount == (stub == RIG_DIRECT ? 2 : eax < ebx ? 5 : 7));
    got = *cpu;
    start_with(r, eax, ebx);
    EXPECT(rig_interpret(r, icount) == INTERP_OK);
    EXPECT(memcmp(got.gpr, cpu->gpr, sizeof got.gpr) == 0 && got.flags == cpu->flags && got.rip == cpu->rip);
}

/* Returns the conditional exits that are left. */
static unsigned exits_left(unsigned over, unsigned falls, unsigned takes)
{
    struct rig *r = rig_make("default");
    r->regions = true;
    r->sh->params.region_over = over;
    rig_code(r, code, sizeof code);
    rig_block(r, FALL);
    rig_block(r, JOIN);
    observe(r, falls, takes);
    runs_right(r, 1, 2);
    unsigned n = direct_exits(&r->m->region->ir);
    runs_right(r, 2, 1);
    runs_right(r, 2, 2);
    rig_free(r);
    return n;
}

TEST_CASE(over, becomes_selects)
{
    EXPECT(exits_left(4, 10, 10) == 0);
    EXPECT(exits_left(2, 4, 15) == 0);
    EXPECT(exits_left(1, 10, 10) == 1); /* too many instructions */
    EXPECT(exits_left(0, 10, 10) == 1);
    EXPECT(exits_left(4, 1, 20) == 1); /* nearly always taken */
    EXPECT(exits_left(4, 20, 1) == 1);
}

TEST_CASE(over, what_can_be_selected)
{
    static const struct {
        uint8_t bytes[8];
        bool can;
    } cases[] = {
        {{0x89, 0xd1}, true},             /* mov ecx, edx */
        {{0x8d, 0x44, 0x8b, 0x10}, true}, /* lea eax, [ebx+ecx*4+16] */
        {{0x0f, 0xb6, 0xc3}, true},       /* movzx eax, bl */
        {{0x83, 0xe8, 0x05}, true},       /* sub eax, 5 */
        {{0x0f, 0x94, 0xc0}, true},       /* sete al */
        {{0x8b, 0x00}, false},            /* mov eax, [eax] */
        {{0x01, 0x18}, false},            /* add [eax], ebx */
        {{0x88, 0xe0}, false},            /* mov al, ah */
        {{0xf7, 0xf1}, false},            /* div ecx */
        {{0x50}, false},                  /* push eax */
        {{0xeb, 0x00}, false},            /* jmp */
        {{0x8c, 0xd8}, false},            /* mov eax, ds */
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ginsn g;
        EXPECT(guest_decode(cases[i].bytes, 8, GUEST_IA32, &g) == DECODE_OK);
        EXPECT_MSG(lift_can_select(&g) == cases[i].can, "case %u", i);
    }
}

/* Reads of a part of a register behind writes of its other parts: what is left of them in the IR, and that it is right. */
#include <string.h>

#include "duke_isa.h"
#include "gtest_shim.h"
#include "port.h"
#include "region/region.h"
#include "rig.h"

static void start(struct rig *r, uint32_t eax)
{
    struct guest_cpu *cpu = &r->sh->cpu;
    for (unsigned i = 0; i < 16; i++)
        cpu->gpr[i] = i < 8 ? 0x89abcdefu * (i + 1) & 0xffffffff : 0;
    cpu->gpr[GUEST_RAX] = eax;
    cpu->gpr[GUEST_RSP] = RIG_DATA + 0x8000;
    cpu->flags = 0;
    cpu->rip = RIG_CODE;
}

/* What the values that set guest registers other than eax, and exits, need: nodes that take parts out of registers or put them there. */
static unsigned part_ops(const struct ir_block *b, unsigned *all)
{
    bool wanted[IR_NODES_MAX] = {false};
    unsigned n = 0;
    *all = 0;
    for (uint32_t i = b->n - 1; i >= IR_FIRST; i--) {
        const struct ir_node *x = &b->node[i];
        bool set = x->op == IR_SET && x->x != GUEST_RAX && x->x != IR_G_FLAGS;
        if (!set && x->op != IR_EXIT && !ir_is_store(x->op) && !wanted[i])
            continue;
        wanted[x->a] = wanted[x->b] = wanted[x->c] = true;
        n += (x->op >= DUKE_OP_INS_B && x->op <= DUKE_OP_INS_H) || x->op == DUKE_OP_EXTU_B || x->op == DUKE_OP_SHR;
        *all += x->op < DUKE_OP_COUNT;
    }
    return n;
}

/* Translates the code, compares what it does with the interpreter, and returns the nodes of part_ops that are left. */
static unsigned left(const uint8_t *code, unsigned size, unsigned insns, bool regions, bool see)
{
    struct rig *r = rig_make("default");
    struct guest_cpu *cpu = &r->sh->cpu, got;
    uint64_t icount = 0;
    unsigned all;
    r->regions = regions;
    r->sh->params.opt_parts = see;
    r->sh->params.opt_direct = 0; /* gear 2 by way of IR */
    rig_code(r, code, size);
    for (uint32_t eax = 0x1233ff; eax <= 0x123502; eax += 0x33) {
        start(r, eax);
        EXPECT(rig_translated(r, rig_block(r, RIG_CODE), &icount) == RIG_INDIRECT && icount == insns);
        got = *cpu;
        start(r, eax);
        EXPECT(rig_interpret(r, icount) == INTERP_OK);
        EXPECT(memcmp(got.gpr, cpu->gpr, sizeof got.gpr) == 0 && got.flags == cpu->flags && got.rip == cpu->rip);
    }
    unsigned n = part_ops(regions ? &r->m->region->ir : &r->m->gear2->ir, &all);
    EXPECT(all > 0);
    rig_free(r);
    return n;
}

#define LEFT(see, insns, ...) \
    (left((const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__}, insns, true, see) + \
     left((const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__}, insns, false, see))

TEST_CASE(parts, seen_through)
{
    /* cmp eax, ecx; sete al; mov ah, al; xor ah, 1; movzx ecx, ah; movzx edx, al; ret */
#define BOTH_BYTES 0x39, 0xc8, 0x0f, 0x94, 0xc0, 0x88, 0xc4, 0x80, 0xf4, 0x01, 0x0f, 0xb6, 0xcc, 0x0f, 0xb6, 0xd0, 0xc3
    EXPECT(LEFT(true, 7, BOTH_BYTES) == 0);
    EXPECT(LEFT(false, 7, BOTH_BYTES) > 6);
    /* cmp eax, ecx; setb al; test al, al; setne cl; movzx edx, cl; ret */
    EXPECT(LEFT(true, 6, 0x39, 0xc8, 0x0f, 0x92, 0xc0, 0x84, 0xc0, 0x0f, 0x95, 0xc1, 0x0f, 0xb6, 0xd1, 0xc3) <= 2);
}

TEST_CASE(parts, overwritten)
{
    /* mov ah, cl; mov al, dl; mov ax, bx; movzx esi, ax; ret */
    EXPECT(LEFT(true, 5, 0x88, 0xcc, 0x88, 0xd0, 0x66, 0x89, 0xd8, 0x0f, 0xb7, 0xf0, 0xc3) == 0);
    /* mov al, cl; mov ah, dl; mov al, bl; mov ah, cl; mov esi, eax; ret: one of each is left */
    EXPECT(LEFT(true, 6, 0x88, 0xc8, 0x88, 0xd4, 0x88, 0xd8, 0x88, 0xcc, 0x89, 0xc6, 0xc3) <= 8);
}

TEST_CASE(parts, constants)
{
    /* mov al, 0x85; mov ah, 3; movzx ecx, al; movsx edx, al; movzx esi, ah; mov cl, al; shl ebx, cl; ret */
    EXPECT(LEFT(true, 8, 0xb0, 0x85, 0xb4, 0x03, 0x0f, 0xb6, 0xc8, 0x0f, 0xbe, 0xd0, 0x0f, 0xb6, 0xf4, 0x88, 0xc1, 0xd3, 0xe3,
                0xc3) <= 2);
    /* mov ax, 0x1281; mov al, 7; movzx ecx, ah; movsx edx, ax; ret */
    EXPECT(LEFT(true, 5, 0x66, 0xb8, 0x81, 0x12, 0xb0, 0x07, 0x0f, 0xb6, 0xcc, 0x0f, 0xbf, 0xd0, 0xc3) <= 4);
}

/* What the lifter takes to be in memory (ir/known.c). */
#include "gtest_shim.h"
#include "ir/ir.h"
#include "shared.h"

static struct ir_block b; /* zero, as ir_start wants it at first */
static struct ir_known known;

static struct ir_val slot(unsigned reg, int32_t disp)
{
    struct ir_val v = ir_get(&b, reg, b.wide ? 8 : 4);
    return ir_add(&b, v, ir_const(&b, (uint64_t)(int64_t)disp));
}

static ir_ref load(unsigned reg, int32_t disp, unsigned size)
{
    struct ir_val v = ir_load(&b, slot(reg, disp), size, false);
    return ir_mat(&b, v);
}

static void store(unsigned reg, int32_t disp, unsigned value, unsigned size)
{
    ir_store(&b, slot(reg, disp), ir_get(&b, value, size), size);
}

static void start(bool wide)
{
    b.wide = wide;
    b.fold = b.fuse = b.index = 1;
    b.known = &known;
    ir_known_begin(&known);
    ir_start(&b, 0x1000);
}

static void add_to(unsigned reg, int32_t k)
{
    unsigned size = b.wide ? 8 : 4;
    struct ir_val sum = ir_add(&b, ir_get(&b, reg, size), ir_const(&b, (uint64_t)(int64_t)k));
    ir_put(&b, reg, (struct ir_val){0, ir_mat(&b, sum), 0, 0}, size); /* a node of its own, as at an exit */
}

static void slots(bool wide)
{
    unsigned size = wide ? 8 : 4;
    start(wide);
    store(GUEST_RSP, 8, GUEST_RBX, size);
    EXPECT(load(GUEST_RSP, 8, size) == ir_entry(GUEST_RBX));
    add_to(GUEST_RSP, -16); /* the frame moves, the slot does not */
    EXPECT(load(GUEST_RSP, 24, size) == ir_entry(GUEST_RBX));
    store(GUEST_RSP, 24 + (int32_t)size, GUEST_RCX, size); /* its neighbour */
    EXPECT(load(GUEST_RSP, 24, size) == ir_entry(GUEST_RBX));
    store(GUEST_RSP, 25, GUEST_RCX, 1); /* one of its bytes */
    EXPECT(load(GUEST_RSP, 24, size) != ir_entry(GUEST_RBX));
    ir_ref again = load(GUEST_RSP, 24, size);
    EXPECT(load(GUEST_RSP, 24, size) == again);
    store(GUEST_RSI, 0, GUEST_RCX, 1); /* anywhere */
    EXPECT(load(GUEST_RSP, 24, size) != again);
    store(GUEST_RDI, 4, GUEST_RDX, 4);
    EXPECT(load(GUEST_RDI, 4 + 4096, 4) != load(GUEST_RDI, 4, 4));
    store(GUEST_RDI, 4 + 4096, GUEST_RCX, 4); /* two pages may be one frame */
    EXPECT(b.node[load(GUEST_RDI, 4, 4)].op == DUKE_OP_LDG_WU);
}

TEST_CASE(known, ia32) { slots(false); }
TEST_CASE(known, wide) { slots(true); }

/* In 64-bit code a sum that was cut to 32 bits is another address. */
TEST_CASE(known, cut_sums)
{
    start(true);
    store(GUEST_RBX, 4, GUEST_RCX, 8);
    ir_ref cut = ir_emit(&b, DUKE_OP_ADDI_W, ir_entry(GUEST_RBX), 0, 0, 0, 4, 32);
    EXPECT(ir_load(&b, (struct ir_val){0, cut, 0, 0}, 8, false).ref != ir_entry(GUEST_RCX));
    start(false);
    store(GUEST_RBX, 4, GUEST_RCX, 4);
    cut = ir_emit(&b, DUKE_OP_ADDI_W, ir_entry(GUEST_RBX), 0, 0, 0, 4, 32);
    EXPECT(ir_load(&b, (struct ir_val){0, cut, 0, 0}, 4, false).ref == ir_entry(GUEST_RCX));
}

/* Repeated MOVS and STOS as regions: by double words and by elements, passes one after the other, against the interpreter. And the
 * label that joins the two, in IR as text. */
#include <stdio.h>
#include <string.h>

#include "gtest_shim.h"
#include "port.h"
#include "rig.h"
#include "splitmix64.h"

enum { PASSES_MAX = 400, DATA_BYTES = RIG_DATA_END - RIG_DATA };

static uint64_t rng_state;

static unsigned pick(unsigned n) { return (unsigned)(splitmix64(&rng_state) % n); }

static void random_strings(struct rig *r)
{
    struct guest_cpu *cpu = &r->sh->cpu;
    for (unsigned i = 0; i < 8; i++)
        cpu->gpr[i] = (uint32_t)splitmix64(&rng_state);
    cpu->gpr[GUEST_RCX] = pick(3) ? pick(300) : pick(20);
    cpu->gpr[GUEST_RDI] = RIG_DATA + 0x2000 + pick(0x2000);
    cpu->gpr[GUEST_RSI] = RIG_DATA + 0x2000 + pick(0x2000);
    if (pick(2)) /* near each other, and near each other in their pages */
        cpu->gpr[GUEST_RSI] = cpu->gpr[GUEST_RDI] + pick(160) - 80 + (pick(3) ? 0 : 0x3000);
    if (pick(8) == 0) /* into what is not mapped */
        cpu->gpr[pick(2) ? GUEST_RSI : GUEST_RDI] = RIG_DATA_END - 1 - pick(600);
    cpu->flags = 0x44;
    cpu->rip = RIG_CODE;
}

/* Runs the translation until the instruction is finished or faults. Returns how often. */
static unsigned run_passes(struct rig *r, unsigned *stub, uint64_t *icount)
{
    unsigned n = 0;
    do {
        struct gblock *b = rig_block(r, RIG_CODE);
        *stub = b ? rig_translated(r, b, icount) : 0;
        memcpy(r->port->ram + RIG_DATA, r->dram + RIG_DATA, DATA_BYTES);
        n++;
    } while (*stub == RIG_DIRECT && r->sh->cpu.rip == RIG_CODE && n < PASSES_MAX);
    return n;
}

/* Returns the number of passes, 0 if something was wrong. */
static unsigned one_string(struct rig *r, uint64_t seed)
{
    static const uint8_t op[] = {0xa4, 0xa5, 0xaa, 0xab};
    static uint8_t before[DATA_BYTES], got_data[DATA_BYTES];
    struct guest_cpu *cpu = &r->sh->cpu, start, got;
    uint8_t *data = r->port->ram + RIG_DATA, code[8] = {0};
    unsigned n = 0, stub = 0;
    uint64_t icount = 0;
    rng_state = seed;
    if (pick(5) == 0)
        code[n++] = 0x66;
    code[n++] = 0xf3;
    code[n++] = op[pick(sizeof op)];
    code[n++] = 0xc3;
    rig_code(r, code, n);
    random_strings(r);
    for (unsigned i = 0; i < DATA_BYTES; i++)
        data[i] = (uint8_t)splitmix64(&rng_state);
    memcpy(before, data, sizeof before);
    start = *cpu;
    unsigned passes = run_passes(r, &stub, &icount);
    got = *cpu;
    memcpy(got_data, data, sizeof got_data);
    *cpu = start;
    memcpy(data, before, sizeof before);
    bool traps = stub >= RIG_TRAP; /* then the interpreter goes on from where it is */
    enum interp_result want = rig_interpret(r, 1);
    if (traps) {
        struct guest_cpu end = *cpu;
        memcpy(before, data, sizeof before);
        *cpu = got;
        memcpy(data, got_data, sizeof got_data);
        enum interp_result result = rig_interpret(r, 1);
        got = *cpu;
        *cpu = end;
        memcpy(got_data, data, sizeof got_data);
        memcpy(data, before, sizeof before);
        icount = result == want;
    }
    bool same = icount == 1 && got.rip == cpu->rip && got.flags == cpu->flags &&
                memcmp(got.gpr, cpu->gpr, sizeof got.gpr) == 0 && memcmp(got_data, data, sizeof got_data) == 0;
    EXPECT_MSG(same, "seed %#llx: stub %u, count %u, source %x, destination %x", (unsigned long long)seed, stub,
               (unsigned)start.gpr[GUEST_RCX], (unsigned)start.gpr[GUEST_RSI], (unsigned)start.gpr[GUEST_RDI]);
    return same ? passes : 0;
}

static unsigned run_strings(const char *machine, unsigned copies, unsigned cases)
{
    struct rig *r = rig_make(machine);
    unsigned passes = 0, one = 1;
    r->regions = true;
    r->sh->params.region_copies = copies;
    for (unsigned i = 0; i < cases && one; i++)
        passes += one = one_string(r, 7000 + i);
    rig_free(r);
    return passes;
}

TEST_CASE(strings, copies)
{
    unsigned by_copies = run_strings("default", 8, 600), by_elements = run_strings("default", 0, 600);
    EXPECT(by_copies * 2 < by_elements);
    EXPECT(run_strings("default", 3, 200) > 0);
    EXPECT(run_strings("tm5400", 8, 200) > 0);
}

#define FAST "exit 0 local if bltu rcx rdx to 0x1000 commit 0 next 0x1000 late wall\n%30 = addi.w rcx 8\nset rcx %30\n" \
             "exit 1 direct to 0x1000 commit 0 next 0x1000 zero\n"
#define SLOW "%31 = addi.w rcx 1\nset rcx %31\nexit 2 direct to 0x2000 commit 1 next 0x2000\n"

static const char *check_text(const char *text)
{
    static struct ir_block b;
    static char err[120];
    if (!ir_parse(text, &b, err, sizeof err) || !ir_check(&b, err, sizeof err))
        return strchr(err, ':') + 2;
    return "right";
}

static void eval_label(uint64_t rcx, int32_t exit, uint64_t icount, uint64_t want)
{
    static struct ir_block b;
    char err[120];
    struct ir_machine m = {.g = {[GUEST_RCX] = rcx, [GUEST_RDX] = 10}};
    EXPECT(ir_parse("block 0x1000 ia32\n" FAST "label\n" SLOW, &b, err, sizeof err));
    ir_eval(&b, &m);
    EXPECT(m.exit == exit && m.icount == icount && m.g[GUEST_RCX] == want);
}

TEST_CASE(label, rules)
{
    EXPECT(strcmp(check_text("block 0x1000 ia32\n" FAST "label\n" SLOW), "right") == 0);
    EXPECT(strcmp(check_text("block 0x1000 ia32\n" FAST SLOW), "is last, and the label is missing") == 0);
    EXPECT(strcmp(check_text("block 0x1000 ia32\nlabel\n" SLOW), "right") != 0);
    EXPECT(strcmp(check_text("block 0x1000 ia32\n" FAST "label\nset rdx %30\n" SLOW), "refers to a node before the label") ==
           0);
    EXPECT(strcmp(check_text("block 0x1000 ia32\n" FAST "label\n" SLOW "label\n" SLOW), "right") != 0);
    EXPECT(strcmp(check_text("block 0x1000 ia32\nexit 0 local if bltu rcx rdx to 0x1000 commit 0 next 0x1000 late\n"
                             "label\nexit 1 direct to 0x1000 commit 0 next 0x1000\n"),
                  "is a label that is run into") == 0);
}

TEST_CASE(label, evaluated)
{
    eval_label(10, 1, 0, 18); /* not below: the first part */
    eval_label(9, 2, 1, 10);
}

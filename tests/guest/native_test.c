/* The host's native runner: what a case does to its process is known of that case, and the others of the batch run. */
#include <string.h>

#include "gtest_shim.h"
#include "oracle/native.h"
#include "sem/sem.h"

static struct native_case *put(struct native *n, unsigned i, enum guest_mode mode, const char *code, unsigned size)
{
    struct native_case *c = native_case(n, i);
    memset(c, 0, sizeof *c);
    c->before = (struct oracle_state){
        .rip = ORACLE_CODE, .eflags = EFL_FIXED | EFL_IF, .seg = {0x2b, 0x23, 0x2b, 0x2b, 0, 0x63}};
    if (mode == GUEST_X86_64)
        memcpy(c->before.seg, (const uint16_t[]){0, 0x33, 0x2b, 0, 0, 0}, sizeof c->before.seg);
    c->before.gpr[GUEST_RBX] = ORACLE_DATA;
    memcpy(c->mem.code, code, size);
    return c;
}

static void run(const char *path, enum guest_mode mode, const char *deadly, unsigned size)
{
    const struct oracle_kind kind = {.mode = mode};
    static const char store[] = "\xc6\x03\x05\xcc", loop[] = "\xeb\xfe", fault[] = "\xc6\x83\x00\x20\x00\x00\x05";
    struct native *n = native_open(path, &kind, 2);
    EXPECT(n);
    if (!n)
        return;
    struct native_case *good = put(n, 0, mode, store, sizeof store), *hung = put(n, 1, mode, loop, sizeof loop),
                       *died = put(n, 2, mode, deadly, size), *raises = put(n, 3, mode, fault, sizeof fault);
    EXPECT(native_run(n, 4));
    EXPECT(good->after.vector == GUEST_BP);
    EXPECT_EQ_U64(good->after.rip, ORACLE_CODE + 4);
    EXPECT(good->mem.data[0] == 5);
    EXPECT(hung->after.vector == NATIVE_HUNG);
    EXPECT(died->after.vector == NATIVE_DIED);
    EXPECT(raises->after.vector == GUEST_PF && raises->after.error == 7); /* the page is read-only */
    EXPECT_EQ_U64(raises->after.addr, ORACLE_DATA + 0x2000);
    EXPECT_EQ_U64(raises->after.rip, ORACLE_CODE);
    native_close(n);
}

/* The deadly ones unmap the stack that signals are on. */
TEST_CASE(native, ia32)
{
    static const char deadly[] = "\xb8\x5b\0\0\0\xbb\0\0\xc0\x5b\xb9\0\0\x01\0\xcd\x80\xcc";
    run(NATIVE_CHILD, GUEST_IA32, deadly, sizeof deadly);
}

TEST_CASE(native, x86_64)
{
    static const char deadly[] = "\xb8\x0b\0\0\0\xbf\0\0\xc0\x5b\xbe\0\0\x01\0\x0f\x05\xcc";
    run(NATIVE_CHILD "64", GUEST_X86_64, deadly, sizeof deadly);
}

_Static_assert(NATIVE_STACK == 0x5bc00000 && NATIVE_STACK_SIZE == 0x10000, "the deadly cases name it");

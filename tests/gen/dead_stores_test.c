/* Stores that are left to later ones, from IR as text. The outcome is a letter for each load and store: s a store that is done, d one
 * that is left to a later one, l a load, g a load that needs an alias entry. */
#include <stdio.h>
#include <string.h>

#include "gtest_shim.h"
#include "opt/opt.h"

static void expect(const char *body, unsigned max_guards, const char *want)
{
    static struct ir_block b;
    static uint16_t over[IR_NODES_MAX];
    char text[2000], err[120], got[40];
    unsigned n = 0;
    snprintf(text, sizeof text, "block 0x1000 ia32\n%sexit 9 direct to 0x3000 commit 9 next 0x3000\n", body);
    const char *first = strstr(body, "exit ");
    unsigned exits = 0;
    for (; first; first = strstr(first + 5, "exit "))
        exits++;
    char *last = strstr(text, "exit 9");
    last[5] = (char)('0' + exits);
    bool ok = ir_parse(text, &b, err, sizeof err);
    EXPECT_MSG(ok, "%s in\n%s", err, text);
    if (!ok)
        return;
    opt_dead_stores(&b, max_guards, over);
    for (uint32_t i = IR_FIRST; i < b.n; i++) {
        if (ir_is_store(b.node[i].op)) {
            got[n++] = over[i] ? 'd' : 's';
            EXPECT(over[i] == 0 || (over[i] > i && ir_is_store(b.node[over[i]].op)));
        } else if (ir_is_load(b.node[i].op)) {
            got[n++] = over[i] ? 'g' : 'l';
        }
    }
    got[n] = 0;
    EXPECT_MSG(strcmp(got, want) == 0, "%s, not %s, for\n%s", got, want, text);
}

#define SLOT "stg.w [rsp + 8] "
#define LATE "exit 0 direct if beq rcx rdx to 0x2000 commit 3 next 0x1004 late\n"

TEST_CASE(dead_stores, plain)
{
    expect(SLOT "rax\n" SLOT "rbx\n", 0, "ds");
    expect(SLOT "rax\n" SLOT "rbx\n" SLOT "rcx\n", 0, "dds");
    expect(SLOT "rax\nstg.w [rsp + 12] rbx\n", 0, "ss");              /* the neighbour */
    expect(SLOT "rax\nstg.b [rsp + 8] rbx\n", 0, "ss");               /* only a part of it */
    expect("stg.b [rsp + 9] rax\n" SLOT "rbx\n", 0, "ds");            /* a part before */
    expect(SLOT "rax\nstg.w [rsi + 0] rcx\n" SLOT "rbx\n", 0, "dss"); /* whoever rsi meets, the last store is last */
    expect("%30 = addi.w rsp -16\n" SLOT "rax\nstg.w [%30 + 24] rbx\n", 0, "ds");
}

TEST_CASE(dead_stores, loads)
{
    expect(SLOT "rax\n%30 = ldg.wu [rsp + 8]\n" SLOT "rbx\n", 8, "sls"); /* it is read */
    expect(SLOT "rax\n%30 = ldg.bu [rsp + 11]\n" SLOT "rbx\n", 8, "sls");
    expect(SLOT "rax\n%30 = ldg.wu [rsp + 12]\n" SLOT "rbx\n", 8, "dls");
    expect(SLOT "rax\n%30 = ldg.wu [rsi + 0]\n" SLOT "rbx\n", 8, "dgs"); /* it may be */
    expect(SLOT "rax\n%30 = ldg.wu [rsi + 0]\n" SLOT "rbx\n", 0, "sls");
    expect(SLOT "rax\n%30 = ldg.wu [rsi + 0]\n%31 = ldg.wu [rsi + 4]\n" SLOT "rbx\n", 1, "slls"); /* not that many entries */
    expect("%30 = ldg.wu [rsi + 0]\n" SLOT "rax\n" SLOT "rbx\n%31 = ldg.wu [rsi + 4]\n", 8, "ldsl");
    /* a store that checks has room for 17 bits */
    expect("stg.w [rsp + 65536] rax\n%30 = ldg.wu [rsi + 0]\nstg.w [rsp + 65536] rbx\n", 8, "sls");
    expect("stg.w [rsp + 65536] rax\nstg.w [rsp + 65536] rbx\n", 8, "ds");
}

TEST_CASE(dead_stores, exits)
{
    expect(SLOT "rax\n" LATE SLOT "rbx\n", 0, "ds"); /* its stub stores */
    expect(SLOT "rax\nexit 0 none to 0x0 commit 3 next 0x1004\n" SLOT "rbx\n", 0, "ss");
    expect(SLOT "rax\nexit 0 direct if beq rcx rdx to 0x2000 commit 3 next 0x1004\n" SLOT "rbx\n", 0, "ss");
    /* the stub would store after rsi's, which may be the same place */
    expect(SLOT "rax\nstg.w [rsi + 0] rcx\n" LATE SLOT "rbx\n", 0, "sss");
    expect(SLOT "rax\n" LATE "stg.w [rsi + 0] rcx\n" SLOT "rbx\n", 0, "dss");
    expect(SLOT "rax\nstg.b [rsp + 8] rcx\n" LATE SLOT "rbx\n", 0, "sds");
}

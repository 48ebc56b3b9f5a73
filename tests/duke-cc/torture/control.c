/* Control flow: dense and sparse switches, computed goto, loops of every shape, short-circuit evaluation, setjmp, branches
 * too far for a short displacement.
 */
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>

#define NI __attribute__((noinline))

NI static int dense(int x)
{
    switch (x) {
    case 0: return 5;
    case 1: return -7;
    case 2: return x * 17;
    case 3: return 1 << x;
    case 4: return x ^ 0x55;
    case 5: x += 3; /* fall through */
    case 6: return x - 1;
    case 7: return -9;
    case 8: return 80;
    default: return -1;
    }
}
NI static int sparse(long x)
{
    switch (x) {
    case -5000000000: return 1;
    case -1: return 2;
    case 17: return 3;
    case 1000: return 4;
    case 0x7fffffff: return 5;
    case 0x80000000: return 6;
    default: return 0;
    }
}
NI static const char *names(unsigned char c)
{
    switch (c) {
    case 'a' ... 'f': return "low";
    case 'A' ... 'F': return "high";
    case '0' ... '9': return "digit";
    case 0xff: return "end";
    }
    return "other";
}

/* An interpreter with threaded code. */
NI static long threaded(const unsigned char *code)
{
    static void *const labels[] = {&&halt, &&push, &&add, &&mul, &&dup, &&jnz, &&dec};
    long stack[16], *sp = stack;
#define NEXT goto *labels[*code++]
    NEXT;
push:
    *sp++ = *code++;
    NEXT;
add:
    sp--;
    sp[-1] += sp[0];
    NEXT;
mul:
    sp--;
    sp[-1] *= sp[0];
    NEXT;
dup:
    sp[0] = sp[-1];
    sp++;
    NEXT;
dec:
    sp[-1]--;
    NEXT;
jnz:
    code = sp[-1] ? code - code[0] : code + 1;
    NEXT;
halt:
    return sp[-1] + 1000 * (sp - stack);
}

static int calls;
NI static int yes(int v)
{
    calls++;
    return v;
}

static jmp_buf env;
NI static void jump(int depth)
{
    if (depth == 0)
        longjmp(env, 7);
    jump(depth - 1);
}
NI static int jumps(void)
{
    volatile int count = 0;
    int r = setjmp(env);
    count++;
    if (r == 0)
        jump(5);
    return r * 10 + count;
}

/* More than 8 KiB between a branch and its target. */
#define X4(x) x x x x
#define X256(x) X4(X4(X4(X4(x))))
NI static uint64_t far(uint64_t v, int skip)
{
    for (int i = 0; i < 3; i++) {
        if (skip == i)
            continue;
        X256(__asm__ volatile("" : "+r"(v)); v = v * 3 + 1; v ^= v >> 7; v = (v << 9) ^ (v + 12345);)
    }
    return v;
}

int main(void)
{
    for (int i = -2; i < 11; i++)
        printf("%d ", dense(i));
    const long keys[] = {-5000000000, -1, 17, 1000, 0x7fffffff, 0x80000000, 18, 0};
    for (int i = 0; i < 8; i++)
        printf("%d ", sparse(keys[i]));
    printf("%s %s %s %s %s\n", names('c'), names('B'), names('7'), names(0xff), names('z'));
    const unsigned char code[] = {1, 10, 1, 5, 6, 5, 2, 3, 4, 2, 0};
    printf("threaded %ld\n", threaded(code));
    int s = (yes(1) && yes(0) && yes(1)) + (yes(0) || yes(5)) * 2 + (yes(1) ? yes(0) : yes(9)) * 4;
    printf("calls %d %d\n", calls, s);
    for (unsigned i = 1, n = 0; i < 100000; i = i * 3 + n++ % 5)
        if (i & 1)
            printf("%u ", i);
    do
        s += 11;
    while (s < 100);
    for (;;)
        if ((s -= 7) < 0)
            break;
    printf("loops %d setjmp %d\n", s, jumps());
    for (int i = 0; i < 4; i++)
        printf("far %llx\n", (unsigned long long)far(0x1234567, i));
    return 3;
}

/* Callee-saved registers at early returns. The epilogue of a path that returns early lies behind a branch, often with that branch
 * as its only way in, so its loads are candidates to be moved above the branch (DukeHoist.cpp); no instruction says that
 * returning reads what they restore. The callers keep values in registers and in the end count what is left of them.
 */
#include <stdint.h>
#include <stdio.h>

#define NI __attribute__((noinline))

static volatile long zero, i, k;
static volatile uint64_t hash = 1;

NI static long step(long a) { return a + zero + 1; }
NI static long join(long a, long b, long c) { return a * 31 + b * 7 + c + zero; }

/* The other way out is a tail call: an epilogue of its own, and nothing to share a return with. */
NI static long or_tail_call(long a, long b, long c)
{
    long x = step(a), y = step(b), z = step(c);
    if (x > y)
        return x - y + z;
    return join(x, y, z);
}
/* No other way out. */
NI static long or_loop(long a, long b, long n)
{
    long x = step(a);
    for (;;) {
        x = step(x + b);
        if (x > n)
            return x;
        b++;
    }
}
/* Three ends; the last two differ in little. */
NI static long of_three(long a, long b, long c)
{
    long x = step(a), y = step(b);
    if (x == 3)
        return step(y) + 1;
    if (y == 5)
        return join(y, x, c);
    return join(c, x, y);
}

NI static long around(long (*f)(long, long, long), long a, long b, long c)
{
    long p = a * 5, q = b ^ 77, r = c - 9, s = a + b + c, t = a * c;
    long result = f(a, b, c);
    return result + p * 3 + q * 5 + r * 7 + s * 11 + t * 13;
}

int main(void)
{
    for (i = 0; i < 40; i++)
        for (k = 0; k < 8; k++) {
            hash = hash * 1000003 + (uint64_t)around(or_tail_call, i, k * 3, k);
            hash = hash * 1000003 + (uint64_t)around(or_loop, i, k, 90);
            hash = hash * 1000003 + (uint64_t)around(of_three, i, k, i ^ k);
        }
    printf("%llx\n", (unsigned long long)hash);
    return 0;
}

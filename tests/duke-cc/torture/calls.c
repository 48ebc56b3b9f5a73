/* Calls: many arguments, variadic functions, aggregates by value and as results, pointers to functions, recursion, tail
 * calls, variable-length arrays, big and aligned frames. Prints the same on every machine with 8-byte long.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define NI __attribute__((noinline))

NI static int many(int a, int b, int c, int d, int e, int f, int g, int h, long i, short j, signed char k, unsigned char l)
{
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * (int)i + 10 * j + 11 * k + 12 * l;
}

NI static long sum(int n, ...)
{
    va_list args, copy;
    long s = 0;
    va_start(args, n);
    va_copy(copy, args);
    for (int i = 0; i < n; i++)
        s = s * 3 + (i % 3 == 0 ? va_arg(args, int) : i % 3 == 1 ? va_arg(args, long) : *va_arg(args, const char *));
    s ^= va_arg(copy, int);
    va_end(copy);
    va_end(args);
    return s;
}
NI static long sum_after_eight(int a, int b, int c, int d, int e, int f, int g, int h, int n, ...)
{
    va_list args;
    long s = a + b + c + d + e + f + g + h;
    va_start(args, n);
    while (n-- > 0)
        s = s * 7 + va_arg(args, long);
    va_end(args);
    return s;
}

struct tiny {
    char c;
};
struct pair {
    long a, b;
};
struct mixed {
    int a;
    short b;
    char c[9];
    long d;
};
struct big {
    long v[12];
};

NI static struct tiny tiny_next(struct tiny t) { return (struct tiny){(char)(t.c + 1)}; }
NI static struct pair pair_swap(struct pair p) { return (struct pair){p.b, p.a + 1}; }
NI static struct mixed mixed_change(struct mixed p, int k)
{
    p.a += k;
    p.d *= 3;
    p.c[8] = (char)p.b;
    return p;
}
NI static struct big big_reverse(struct big b, int x, struct big c)
{
    struct big r;
    for (int i = 0; i < 12; i++)
        r.v[i] = b.v[11 - i] * x + c.v[i];
    return r;
}
NI static long big_late(int a, int b, int c, int d, int e, int f, int g, int h, struct big s, int i, struct pair p)
{
    return a + b + c + d + e + f + g + h + s.v[3] * i + p.a - p.b;
}

NI static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
NI static long ackermann(long m, long n)
{
    return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}
static int odd(unsigned n);
NI static int even(unsigned n) { return n == 0 ? 1 : odd(n - 1); }
NI static int odd(unsigned n) { return n == 0 ? 0 : even(n - 1); }

NI static int vla(int n)
{
    int a[n], s = 0;
    for (int i = 0; i < n; i++)
        a[i] = i * i;
    for (int i = 0; i < n; i++)
        s += a[n - 1 - i] * (i + 1);
    return s;
}
NI static int vla_calls(int n, int depth)
{
    char text[n];
    snprintf(text, (size_t)n, "%d %d %d %d %d %d %d %d %d", n, depth, 1, 2, 3, 4, 5, 6, 7);
    int s = (int)strlen(text);
    return depth ? s + vla_calls(n + 1, depth - 1) : s;
}
NI static long big_frame(int n)
{
    volatile long a[3000];
    long s = 0;
    for (int i = 0; i < 3000; i++)
        a[i] = i * n;
    for (int i = 0; i < 3000; i += 7)
        s += a[i];
    return s + many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
}
NI static void fill(char *p, int n, int seed)
{
    for (int i = 0; i < n; i++)
        p[i] = (char)(i * seed);
}
NI static int aligned(int n)
{
    _Alignas(256) char b[64];
    int s = 0;
    fill(b, 64, n);
    for (int i = 0; i < 64; i++)
        s = s * 31 + b[i];
    return s + (int)((uintptr_t)b & 255);
}
NI static int aligned_vla(int n)
{
    _Alignas(64) char b[64];
    char c[n];
    int s = 0;
    fill(b, 64, n);
    fill(c, n, 3);
    for (int i = 0; i < n; i++)
        s = s * 31 + b[i & 63] + c[i];
    return s + (int)((uintptr_t)b & 63);
}

typedef int fn(int);
NI static int twice(int x) { return x * 2; }
NI static int apply(fn *f, int x) { return f(x) + 1; }
NI static int apply_tail(fn *f, int x) { return f(x + 1); }

int main(void)
{
    printf("many %d\n", many(1, -2, 3, -4, 5, 6, 7, 8, 1L << 20, -10, -11, 250));
    printf("sum %ld %ld\n", sum(7, -5, 1L << 40, "x", 7, -9L, "yz", 3, 99), sum(1, 8));
    printf("late %ld\n", sum_after_eight(1, 2, 3, 4, 5, 6, 7, 8, 3, 10L, -20L, 30L));
    printf("tiny %d\n", tiny_next((struct tiny){'a'}).c);
    struct pair p = pair_swap((struct pair){5, 6});
    printf("pair %ld %ld\n", p.a, p.b);
    struct mixed m = {1, 2, "abcdefgh", 1L << 40};
    m = mixed_change(m, 41);
    printf("mixed %d %d %s %ld %d\n", m.a, m.b, m.c, m.d, m.c[8]);
    struct big b, c;
    for (int i = 0; i < 12; i++)
        b.v[i] = i + 1, c.v[i] = -i;
    b = big_reverse(b, 3, c);
    printf("big %ld %ld %ld\n", b.v[0], b.v[5], b.v[11]);
    printf("big late %ld\n", big_late(1, 2, 3, 4, 5, 6, 7, 8, b, 9, p));
    printf("recursion %d %ld %d %d\n", fib(15), ackermann(2, 6), even(100000), odd(7));
    printf("frames %d %d %ld %d %d\n", vla(33), vla_calls(20, 4), big_frame(3), aligned(5), aligned_vla(77));
    fn *table[] = {fib, twice, vla};
    for (int i = 0; i < 3; i++)
        printf("pointer %d %d %d\n", table[i](4), apply(table[i], 5), apply_tail(table[i], 6));
    return 42;
}

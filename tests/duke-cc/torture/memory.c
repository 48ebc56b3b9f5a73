/* Memory: every access width at every alignment, indexed and scaled addresses, bit fields, unions, initialised data of all
 * kinds, volatile, aliasing, copies of all lengths, atomics.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define NI __attribute__((noinline))

struct __attribute__((packed)) odd {
    char c;
    int16_t h;
    int32_t w;
    int64_t d;
    uint16_t uh;
    uint32_t uw;
};
struct fields {
    unsigned a : 3, b : 13;
    int c : 5;
    unsigned long d : 40;
    int e : 24;
    _Bool f : 1;
};
union view {
    uint64_t d;
    uint32_t w[2];
    uint16_t h[4];
    uint8_t b[8];
    int8_t sb[8];
};

static uint8_t bytes[512];
static int64_t longs[64];
static int32_t ints[64] = {1, -2, 3, [10] = 100, [63] = -63};
static int16_t shorts[64];
static const char *const strings[] = {"zero", "one", "two", NULL};
static int *const pointers[] = {ints, ints + 10, &ints[63]};
static const struct {
    const char *name;
    int (*f)(const char *, const char *);
    long n;
} rows[] = {{"strcmp", strcmp, 5}, {"other", strcmp, -6}};
static uint64_t grid[7][9];
int common_symbol;

NI static int64_t indexed(int i, long j, unsigned k)
{
    return longs[i] + ints[j + 3] + shorts[k] + bytes[i + j] + longs[j - 1] + ints[(unsigned char)k] + grid[i & 3][j & 7];
}
NI static void fill(void)
{
    for (int i = 0; i < 64; i++) {
        longs[i] = (int64_t)i * 0x0123456789abcdef;
        ints[i] ^= i * -77777;
        shorts[i] = (int16_t)(i * 12345);
    }
    for (int i = 0; i < 512; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 3));
    for (int i = 0; i < 7; i++)
        for (int j = 0; j < 9; j++)
            grid[i][j] = (uint64_t)(i * 10 + j);
}
NI static uint64_t unaligned(const uint8_t *p, int step)
{
    uint64_t h = 0;
    for (int i = 0; i < 64; i += step) {
        uint64_t d;
        int32_t w;
        int16_t s;
        memcpy(&d, p + i, 8);
        memcpy(&w, p + i + 1, 4);
        memcpy(&s, p + i + 3, 2);
        h = h * 31 + d + (uint64_t)w + (uint64_t)s + (uint64_t)(int8_t)p[i + 5];
    }
    return h;
}
NI static void store_odd(struct odd *o, int64_t v)
{
    o->c = (char)v;
    o->h = (int16_t)(v >> 3);
    o->w = (int32_t)(v >> 5);
    o->d = v;
    o->uh = (uint16_t)(v >> 9);
    o->uw = (uint32_t)(v >> 11);
}
NI static int64_t copies(size_t n)
{
    uint8_t a[300], b[300];
    uint64_t h = 0;
    memset(a, 0x5a, sizeof a);
    memcpy(a + 3, bytes, n);
    memmove(a + 5, a + 3, n);
    memmove(a, a + 2, n);
    memset(b, (int)n, sizeof b);
    memcpy(b + 1, a, n);
    for (int i = 0; i < 300; i++)
        h = h * 31 + a[i] + b[i];
    return (int64_t)h + memcmp(a, b + 1, n) + (memcmp(a, bytes, n) < 0);
}

static int counter;
NI static int atomics(int v)
{
    int expected = 10;
    __atomic_fetch_add(&counter, v, __ATOMIC_SEQ_CST);
    __atomic_compare_exchange_n(&counter, &expected, 77, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_exchange_n(&counter, 3, __ATOMIC_ACQ_REL) + __atomic_load_n(&counter, __ATOMIC_ACQUIRE) + expected;
}
NI static int aliasing(int *a, short *b, char *c)
{
    *a = 0x01020304;
    c[1] = 9;
    int x = *a;
    *b = 5;
    c[0]++;
    return x + *b + *a;
}

int main(void)
{
    fill();
    uint64_t h = 0;
    for (int i = 1; i < 40; i++)
        h = h * 33 + (uint64_t)indexed(i, i / 2 + 1, (unsigned)i + 5);
    printf("indexed %llx\n", (unsigned long long)h);
    for (int step = 1; step < 9; step++)
        printf("%llx ", (unsigned long long)unaligned(bytes + step, step));
    struct odd o;
    store_odd(&o, 0x8123456789abcdef);
    printf("odd %d %d %d %lld %u %u\n", o.c, o.h, o.w, (long long)o.d, o.uh, o.uw);
    struct fields f = {5, 0x1abc, -9, 0xfedcba9876, -0x7fffff, 1};
    f.a += 6;
    f.c -= 12;
    f.d *= 3;
    f.e <<= 1;
    printf("fields %u %u %d %llx %d %d\n", f.a, f.b, f.c, (unsigned long long)f.d, f.e, f.f);
    union view v = {.d = 0xf1e2d3c4b5a69788};
    printf("union %x %x %d %d %d\n", v.w[1], v.h[2], v.b[7], v.sb[7], v.sb[0]);
    printf("data %s %d %d %d %d %ld\n", strings[1], *pointers[1], *pointers[2], rows[0].f("a", "a"), strings[3] == NULL,
           rows[1].n);
    for (size_t n = 0; n < 130; n += 1 + n / 7)
        h = h * 31 + (uint64_t)copies(n);
    printf("copies %llx\n", (unsigned long long)h);
    int first = atomics(10);
    printf("atomics %d %d %d\n", first, atomics(5), common_symbol);
    int word = 0;
    short half = 0;
    printf("aliasing %d %d\n", aliasing(&word, &half, (char *)&word), aliasing(&word, (short *)&half, (char *)&half));
    return 0;
}

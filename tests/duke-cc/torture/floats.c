/* Floating point, which is software on Duke: arithmetic, comparisons and conversions of awkward values, bit for bit. NaNs
 * are printed as one value, for hosts choose their signs and payloads differently.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define NI __attribute__((noinline))

static const uint64_t doubles[] = {
    /* clang-format off */
    0, 0x8000000000000000, 1, 0x8000000000000001, 0xfffffffffffff, 0x10000000000000, 0x3ff0000000000000, 0xbff0000000000000,
    0x3ff0000000000001, 0x3fefffffffffffff, 0x4000000000000000, 0x3fd5555555555555, 0x400921fb54442d18, 0x7fefffffffffffff,
    0xffefffffffffffff, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000001, 0x433fffffffffffff, 0x4340000000000000,
    0x4340000000000001, 0x41dfffffffc00000, 0x41e0000000000000, 0x43dfffffffffffff, 0x43e0000000000000, 0x43f0000000000000,
    0xc3e0000000000000, 0x3810000000000000, 0x380fffffffffffff, 0x36a0000000000000, 0x36a8000000000000, 0x47efffffe0000000,
    0x47effffff0000000, 0x3ff0000010000000, 0x3ff0000030000000, 0x3ff0000010000001, 0x001fffffffffffff, 0x7fe0000000000000,
    0x0008000000000000, 0x1e60000000000000, 0x5fe123456789abcd, 0xbfe999999999999a, 0x47e0000000000000, 0x47efffffffffffff,
    /* clang-format on */
};
enum { N = sizeof doubles / sizeof doubles[0] };

static double to_double(uint64_t u)
{
    double d;
    memcpy(&d, &u, 8);
    return d;
}
static uint64_t bits(double d)
{
    uint64_t u;
    memcpy(&u, &d, 8);
    return d != d ? 0x7ff8000000000000 : u;
}
static uint64_t bits_float(float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    return f != f ? 0x7fc00000 : u;
}
static uint64_t mix(uint64_t h, uint64_t v) { return (h ^ v ^ v >> 29) * 0x9e3779b97f4a7c15u + (h >> 31); }

NI static double add(double a, double b) { return a + b; }
NI static double sub(double a, double b) { return a - b; }
NI static double mul(double a, double b) { return a * b; }
NI static double div(double a, double b) { return a / b; }
NI static float addf(float a, float b) { return a + b; }
NI static float subf(float a, float b) { return a - b; }
NI static float mulf(float a, float b) { return a * b; }
NI static float divf(float a, float b) { return a / b; }
NI static int less(double a, double b)
{
    return (a < b) | (a <= b) << 1 | (a > b) << 2 | (a >= b) << 3 | (a == b) << 4 | (a != b) << 5;
}
NI static int lessf(float a, float b)
{
    return (a < b) | (a <= b) << 1 | (a > b) << 2 | (a >= b) << 3 | (a == b) << 4 | (a != b) << 5;
}
NI static float narrow(double a) { return (float)a; }
NI static double widen(float a) { return a; }

/* Conversions of what does not fit are undefined in C. */
NI static uint64_t integers(double a)
{
    uint64_t h = 0;
    if (a > -2147483649.0 && a < 2147483648.0)
        h = mix(h, (uint64_t)(int32_t)a + (uint64_t)(int)(float)(a / 2));
    if (a > -1 && a < 4294967296.0)
        h = mix(h, (uint32_t)a);
    if (a >= -9223372036854775808.0 && a < 9223372036854775808.0)
        h = mix(h, (uint64_t)(int64_t)a);
    if (a > -1 && a < 18446744073709551616.0)
        h = mix(h, (uint64_t)a + (uint64_t)((float)a / 4));
    if (a > -1e38 && a < 1e38) {
        __int128 w = (__int128)a;
        h = mix(mix(h, (uint64_t)w), (uint64_t)(w >> 64));
    }
    return h;
}
NI static uint64_t from_integers(uint64_t u)
{
    uint64_t h = mix(bits((double)u), bits((double)(int64_t)u));
    h = mix(mix(h, bits((double)(int32_t)u)), bits((double)(uint32_t)u));
    h = mix(mix(h, bits_float((float)u)), bits_float((float)(int64_t)u));
    h = mix(mix(h, bits_float((float)(int32_t)u)), bits_float((float)(uint32_t)u));
    unsigned __int128 w = (unsigned __int128)u * 0xfedcba9876543211;
    h = mix(mix(h, bits((double)w)), bits((double)(__int128)w));
    return mix(h, bits_float((float)(w >> 1)));
}

static double series(int n)
{
    double s = 0, t = 1;
    for (int i = 1; i < n; i++) {
        t *= -0.75 / i;
        s += t * (float)i;
    }
    return s;
}

int main(void)
{
    uint64_t h[12] = {0};
    for (int i = 0; i < N; i++) {
        double a = to_double(doubles[i]);
        float af = narrow(a);
        h[0] = mix(h[0], bits_float(af));
        h[1] = mix(h[1], bits(widen(af)));
        h[2] = mix(h[2], integers(a));
        h[3] = mix(h[3], from_integers(doubles[i]));
        for (int j = 0; j < N; j++) {
            double b = to_double(doubles[j]);
            float bf = narrow(b);
            h[4] = mix(h[4], bits(add(a, b)));
            h[5] = mix(h[5], bits(sub(a, b)));
            h[6] = mix(h[6], bits(mul(a, b)));
            h[7] = mix(h[7], bits(div(a, b)));
            h[8] = mix(h[8], (uint64_t)less(a, b));
            h[9] = mix(mix(h[9], bits_float(addf(af, bf))), bits_float(subf(af, bf)));
            h[10] = mix(mix(h[10], bits_float(mulf(af, bf))), bits_float(divf(af, bf)));
            h[11] = mix(h[11], (uint64_t)lessf(af, bf));
        }
    }
    for (int i = 0; i < 12; i++)
        printf("%d %016llx\n", i, (unsigned long long)h[i]);
    uint64_t seed = 1, sum = 0;
    for (int i = 0; i < 2000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        double a = to_double(seed), b = to_double(seed * 7919 ^ (seed & 0x7ff0000000000000) * 3);
        sum = mix(sum, bits(add(a, b)) ^ bits(mul(a, b)) ^ bits(div(a, b)) ^ bits(sub(b, a)) ^ bits_float(narrow(a * 1e-3)));
    }
    printf("random %016llx series %016llx\n", (unsigned long long)sum, (unsigned long long)bits(series(40)));
    return 0;
}

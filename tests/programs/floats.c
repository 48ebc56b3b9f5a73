/* Floating point on the x87, as gcc and glibc for i686 use it: arithmetic in three formats, conversions, comparisons, rounding
 * modes, status flags, and glibc's elementary functions, which are x87 instructions. Elementary functions are printed with
 * fewer digits than the format has, because CPUs may differ in the last one. */
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t random_state = 99;

static double random_double(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    int exponent = (int)(random_state >> 26) - 32;
    random_state = random_state * 1664525u + 1013904223u;
    return ldexp((double)(int32_t)random_state, exponent - 31);
}

static uint32_t mix(uint32_t h, double v)
{
    uint32_t words[2];
    memcpy(words, &v, sizeof words);
    return (h * 31 + words[0]) * 31 + words[1];
}

static void arithmetic(void)
{
    uint32_t h = 0;
    float narrow = 0;
    long double wide = 0;
    for (int i = 0; i < 2000; i++) {
        volatile double a = random_double(), b = random_double();
        h = mix(h, a + b);
        h = mix(h, a - b);
        h = mix(h, a * b);
        h = mix(h, a / b);
        h = mix(h, sqrt(fabs(a)));
        h = mix(h, fmod(a, b));
        h = mix(h, a < b ? floor(a) : ceil(b));
        h = mix(h, (double)(long long)(a * 1000) + (int)b + (unsigned)fabs(b));
        narrow = narrow * 0.5f + (float)(a - b);
        wide = wide / 3 + (long double)a * b;
    }
    printf("arithmetic %08x %.9g %.20Lg\n", h, narrow, wide);
}

static void elementary(void)
{
    for (int i = 1; i <= 40; i++) {
        long double x = (i - 20) * 0.37L + 0.01L, p = fabsl(x);
        printf("%8.3Lf %.14Lg %.14Lg %.14Lg %.14Lg %.14Lg %.14Lg %.14Lg\n", x, sinl(x), cosl(x), tanl(x), atan2l(x, 1.5L),
               expl(x), logl(p), powl(p, x / 5));
    }
}

static void rounding(void)
{
    static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    for (int m = 0; m < 4; m++) {
        fesetround(modes[m]);
        feclearexcept(FE_ALL_EXCEPT);
        volatile double one = 1, three = 3, tiny = 1e-308, huge = 1e308, zero = 0;
        double third = one / three;
        int inexact = fetestexcept(FE_ALL_EXCEPT);
        volatile double under = tiny / 1e5, over = huge * 10, bad = zero / zero, pole = -one / zero;
        printf("mode %d: %a %.3f %ld %ld, flags %x %x, %g %g %d %g\n", m, third, 2.5, lrint(2.5), lrint(-0.7),
               (unsigned)inexact, (unsigned)fetestexcept(FE_ALL_EXCEPT), under, over, bad != bad, pole);
    }
    fesetround(FE_TONEAREST);
}

static void printing(void)
{
    static const double samples[] = {0.1, 1.0 / 3, 1e22, 123456789.125, 5e-324, 1.7976931348623157e308, -0.0, 2.5};
    for (unsigned i = 0; i < sizeof samples / sizeof *samples; i++) {
        char text[64];
        double back;
        snprintf(text, sizeof text, "%.17g", samples[i]);
        sscanf(text, "%lf", &back);
        printf("%s %a %e %.3f %d\n", text, samples[i], samples[i], fabs(samples[i]) < 1e30 ? samples[i] : 0,
               back == samples[i]);
    }
}

int main(void)
{
    arithmetic();
    elementary();
    rounding();
    printing();
    return 0;
}

/* Division of 128-bit integers, under the names that the compiler calls. The core divides 64 bits; 128 by 64 is Knuth's
 * algorithm D with two digits of 32 bits (The Art of Computer Programming, volume 2, 4.3.1).
 */
#include <stdint.h>

typedef unsigned __int128 u128;
typedef __int128 i128;

/* (high, low) / d with high < d; the remainder to *rem. */
static uint64_t divide_2by1(uint64_t high, uint64_t low, uint64_t d, uint64_t *rem)
{
    unsigned s = (unsigned)__builtin_clzl(d);
    d <<= s;
    if (s != 0)
        high = high << s | low >> (64 - s);
    low <<= s;
    uint64_t d1 = d >> 32, d0 = (uint32_t)d, q = 0;
    for (int i = 1; i >= 0; i--) {
        uint64_t next = i ? low >> 32 : (uint32_t)low;
        uint64_t digit = high / d1, r = high % d1;
        while (digit >> 32 || digit * d0 > (r << 32 | next)) {
            digit--;
            r += d1;
            if (r >> 32)
                break;
        }
        high = (high << 32 | next) - digit * d;
        q = q << 32 | digit;
    }
    *rem = high >> s;
    return q;
}

u128 __udivmodti4(u128 n, u128 d, u128 *rem)
{
    uint64_t n1 = (uint64_t)(n >> 64), n0 = (uint64_t)n, d1 = (uint64_t)(d >> 64), d0 = (uint64_t)d, r;
    if (d > n) {
        if (rem)
            *rem = n;
        return 0;
    }
    if (d1 == 0) {
        uint64_t q1 = n1 / d0, q0 = divide_2by1(n1 % d0, n0, d0, &r);
        if (rem)
            *rem = r;
        return (u128)q1 << 64 | q0;
    }
    /* The quotient has at most 64 bits: shift and subtract. */
    unsigned shift = (unsigned)(__builtin_clzl(d1) - __builtin_clzl(n1));
    uint64_t q = 0;
    d <<= shift;
    for (unsigned i = 0; i <= shift; i++) {
        q <<= 1;
        if (n >= d) {
            n -= d;
            q |= 1;
        }
        d >>= 1;
    }
    if (rem)
        *rem = n;
    return q;
}

u128 __udivti3(u128 a, u128 b) { return __udivmodti4(a, b, 0); }
u128 __umodti3(u128 a, u128 b)
{
    u128 r;
    __udivmodti4(a, b, &r);
    return r;
}
i128 __divti3(i128 a, i128 b)
{
    u128 q = __udivmodti4(a < 0 ? -(u128)a : (u128)a, b < 0 ? -(u128)b : (u128)b, 0);
    return (i128)((a < 0) != (b < 0) ? -q : q);
}
i128 __modti3(i128 a, i128 b)
{
    u128 r;
    __udivmodti4(a < 0 ? -(u128)a : (u128)a, b < 0 ? -(u128)b : (u128)b, &r);
    return (i128)(a < 0 ? -r : r);
}

/* 128-bit shifts by a variable count, from 64-bit halves: what the compiler calls for them. Counts are 0..127. */
#include <stdint.h>

typedef unsigned __int128 u128;
typedef __int128 i128;

static u128 join(uint64_t hi, uint64_t lo) { return (u128)hi << 64 | lo; }

u128 __ashlti3(u128 v, int n)
{
    uint64_t lo = (uint64_t)v, hi = (uint64_t)(v >> 64);
    if (n >= 64)
        return join(lo << (n - 64), 0);
    return n ? join(hi << n | lo >> (64 - n), lo << n) : v;
}

u128 __lshrti3(u128 v, int n)
{
    uint64_t lo = (uint64_t)v, hi = (uint64_t)(v >> 64);
    if (n >= 64)
        return join(0, hi >> (n - 64));
    return n ? join(hi >> n, lo >> n | hi << (64 - n)) : v;
}

i128 __ashrti3(i128 v, int n)
{
    uint64_t lo = (uint64_t)v;
    int64_t hi = (int64_t)(v >> 64);
    if (n >= 64)
        return (i128)join((uint64_t)(hi >> 63), (uint64_t)(hi >> (n - 64)));
    return n ? (i128)join((uint64_t)(hi >> n), lo >> n | (uint64_t)hi << (64 - n)) : v;
}

/* Random numbers, addresses and floating-point values. */
#include "oracle.h"
#include "splitmix64.h"

uint64_t random_next(struct random *r) { return splitmix64(&r->s); }

uint32_t random_below(struct random *r, uint32_t n) { return (uint32_t)((random_next(r) >> 32) * n >> 32); }

uint32_t random_data(struct random *r, unsigned size)
{
    switch (random_below(r, 40)) {
    case 0: return ORACLE_DATA + ORACLE_RW_SIZE + random_below(r, ORACLE_RO_SIZE - 8);   /* read-only */
    case 1: return ORACLE_DATA + ORACLE_DATA_SIZE - random_below(r, 8);                  /* the end of all data */
    case 2: return ORACLE_DATA + ORACLE_RW_SIZE - random_below(r, 8);                    /* partly read-only */
    case 3: return ORACLE_DATA - random_below(r, 8);                                     /* before all data */
    case 4:
    case 5:
    case 6: return ORACLE_DATA + 0x1000 - random_below(r, 8);                            /* across pages */
    case 7: return random_below(r, 3) ? ORACLE_DATA + 0x100 : (uint32_t)random_next(r);
    default: {
        uint32_t at = ORACLE_DATA + random_below(r, ORACLE_RW_SIZE - 64);
        return random_below(r, 3) ? at & ~(size - 1) : at;
    }
    }
}

uint32_t random_value(struct random *r)
{
    static const uint32_t edges[] = {0,          1,          2,          3,          7,      8,       9,
                                     15,         16,         31,         32,         33,     0x7f,    0x80,
                                     0xff,       0x100,      0x7fff,     0x8000,     0xffff, 0x10000, 0x7fffffff,
                                     0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 0x99,   0x9a,    0xf0};
    switch (random_below(r, 6)) {
    case 0: return edges[random_below(r, sizeof edges / sizeof *edges)];
    case 1: return random_below(r, 256);
    case 2: return random_data(r, 4);
    case 3: return (uint32_t)random_next(r) >> random_below(r, 32);
    default: return (uint32_t)random_next(r);
    }
}

uint64_t random_value64(struct random *r)
{
    uint64_t low = random_value(r);
    switch (random_below(r, 5)) {
    case 0: return low;
    case 1: return (uint64_t)(int32_t)low;
    case 2: return low << 32 | random_value(r);
    case 3: return random_next(r) >> random_below(r, 64);
    default: return random_data(r, 8);
    }
}

static uint32_t random_single(struct random *r)
{
    static const uint32_t special[] = {
        0,          1,          2,          0x7fffff,   0x800000,   0x800001,   0x3f800000, 0x3f7fffff, 0x3f800001, 0x3f000000,
        0x3fc00000, 0x40000000, 0x4b000000, 0x4b7fffff, 0x4effffff, 0x4f000000, 0x5f000000, 0x5effffff, 0x7f7fffff, 0x7f800000,
        0x7f800001, 0x7fc00000, 0x7fc12345, 0x7fbfffff, 0x40200000, 0x4b000001, 0x34000000, 0x33800000, 0x1f800000,
    };
    uint32_t sign = (uint32_t)random_next(r) & 0x80000000;
    switch (random_below(r, 5)) {
    case 0:
    case 1: return special[random_below(r, sizeof special / sizeof *special)] | sign;
    case 2: return (uint32_t)random_next(r) >> (9 + random_below(r, 20)) | sign;                                /* denormal */
    case 3: return (112 + random_below(r, 32)) << 23 | ((uint32_t)random_next(r) & 0x7fffff) | sign; /* neighbours of 1 */
    default: return (uint32_t)random_next(r);
    }
}

uint64_t random_double(struct random *r)
{
    static const uint64_t special[] = {
        0,
        1,
        2,
        UINT64_C(0xfffffffffffff),
        UINT64_C(0x10000000000000),
        UINT64_C(0x10000000000001),
        UINT64_C(0x3ff0000000000000),
        UINT64_C(0x3fefffffffffffff),
        UINT64_C(0x3ff0000000000001),
        UINT64_C(0x3fe0000000000000),
        UINT64_C(0x3ff8000000000000),
        UINT64_C(0x4000000000000000),
        UINT64_C(0x4330000000000000),
        UINT64_C(0x433fffffffffffff),
        UINT64_C(0x41dfffffffc00000),
        UINT64_C(0x41dfffffffe00000),
        UINT64_C(0x41e0000000000000),
        UINT64_C(0xc1e0000000000000),
        UINT64_C(0xc1e0000000100000),
        UINT64_C(0x43e0000000000000),
        UINT64_C(0x43dfffffffffffff),
        UINT64_C(0x7fefffffffffffff),
        UINT64_C(0x7ff0000000000000),
        UINT64_C(0x7ff0000000000001),
        UINT64_C(0x7ff8000000000000),
        UINT64_C(0x7ff8000012345678),
        UINT64_C(0x7ff7ffffffffffff),
        UINT64_C(0x3810000000000000),
        UINT64_C(0x380fffffffffffff),
        UINT64_C(0x36a0000000000000),
        UINT64_C(0x3690000000000001),
        UINT64_C(0x47efffffe0000000),
        UINT64_C(0x47effffff0000000),
        UINT64_C(0x3ca0000000000000),
        UINT64_C(0x4004000000000000),
    };
    uint64_t sign = random_next(r) & UINT64_C(1) << 63;
    switch (random_below(r, 8)) {
    case 0:
    case 1: return special[random_below(r, sizeof special / sizeof *special)] | sign;
    case 2: return random_next(r) >> (12 + random_below(r, 40)) | sign;
    case 3: return (uint64_t)(1000 + random_below(r, 80)) << 52 | (random_next(r) & UINT64_C(0xfffffffffffff)) | sign;
    case 4: return random_next(r);
    default: return (uint64_t)random_single(r) << 32 | random_single(r);
    }
}

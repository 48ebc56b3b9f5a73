#include "operands.h"

#include <string.h>

#include "splitmix64.h"

static uint64_t random_mantissa(uint64_t *state)
{
    uint64_t r = splitmix64(state), v = splitmix64(state);
    switch (r & 7) {
    case 0: return 0;
    case 1: return UINT64_MAX;
    case 2: return v << (r >> 8 & 63);                                 /* few leading bits */
    case 3: return UINT64_MAX << (r >> 8 & 63);                        /* a run of ones */
    case 4: return UINT64_C(1) << (r >> 8 & 63);                       /* one bit */
    case 5: return (v & ~UINT64_C(0xffffffffff)) | (r >> 8 & 3) << 38; /* near ties of 24 bits */
    case 6: return (v & ~UINT64_C(0x7ff)) | (r >> 8 & 3) << 9;         /* near ties of 53 bits */
    default: return v;
    }
}

void random_real(uint64_t *state, uint8_t out[10])
{
    uint64_t r = splitmix64(state), mant = random_mantissa(state) | UINT64_C(1) << 63;
    unsigned exp, near = (unsigned)(r >> 16);
    switch (r & 15) {
    case 0:
        exp = 0;
        mant = 0;
        break; /* zero */
    case 1:
        exp = 0;
        mant = random_mantissa(state);
        break; /* denormal or pseudo-denormal */
    case 2:
        exp = 0x7fff;
        mant = UINT64_C(1) << 63;
        break; /* infinity */
    case 3:
        exp = 0x7fff;
        mant = random_mantissa(state);
        break; /* any NaN, or what was one once */
    case 4: exp = near & 0x7fff; break;
    case 5: exp = 1 + near % 70; break;             /* near underflow */
    case 6: exp = 0x7ffe - near % 70; break;        /* near overflow */
    case 7: exp = 0x3fff - 1074 + near % 80; break; /* near the least double */
    case 8: exp = 0x3fff + 1020 + near % 8; break;  /* near the greatest double */
    case 9: exp = 0x3fff - 150 + near % 40; break;  /* the same of single */
    case 10: exp = 0x3fff + 124 + near % 8; break;
    case 11:
        exp = near & 0x7fff;
        mant = random_mantissa(state);
        break;                                /* perhaps without its integer bit */
    case 12: exp = 0x3fff + near % 66; break; /* integers */
    default: exp = 0x3fff - 3 + near % 8; break;
    }
    exp |= (unsigned)(r >> 48 & 1) << 15;
    memcpy(out, &mant, 8);
    memcpy(out + 8, &exp, 2);
}

void random_image(uint64_t *state, struct x87_image *im)
{
    uint64_t r = splitmix64(state), s = splitmix64(state);
    unsigned masks = r & 3 ? 0x3f : (unsigned)(r >> 8) & 0x3f;
    memset(im, 0, sizeof *im);
    im->cw = (uint16_t)(masks | 0x40 | (r >> 16 & 0x1f00));
    if ((im->cw & 0x300) == 0x100) /* the reserved precision */
        im->cw |= 0x200;
    im->sw = (uint16_t)((r >> 32 & 0x7f00) | (r >> 48 & masks) | (r >> 40 & 0x40));
    im->tw = 0;
    for (int i = 0; i < 8; i++) {
        if ((s >> (4 * i) & 15) < (s >> 60 & 3))
            im->tw |= (uint16_t)(3 << (2 * i));
    }
    if ((s >> 56 & 3) == 0) /* half of the stack is free: room to push */
        im->tw |= (uint16_t)(s >> 57 & 1 ? 0xff00 : 0x00ff);
    im->fip = (uint32_t)splitmix64(state);
    im->fdp = (uint32_t)splitmix64(state);
    im->fcs = (uint16_t)splitmix64(state);
    im->fds = (uint16_t)splitmix64(state);
    im->fop = (uint16_t)(splitmix64(state) & 0x7ff);
    for (int i = 0; i < 8; i++)
        random_real(state, im->st[i].byte);
    if ((s >> 52 & 3) == 0) /* ST0 and ST1 close to each other */
        memcpy(im->st[1].byte, im->st[0].byte, s >> 54 & 1 ? 10 : 8);
    if ((s >> 48 & 3) == 0) {
        int exp = (im->st[0].byte[8] | im->st[0].byte[9] << 8) + (int)(s >> 44 & 3) - 1;
        im->st[1].byte[8] = (uint8_t)exp;
        im->st[1].byte[9] = (uint8_t)(exp >> 8);
    }
}

/* A number of an IEEE format with `exp_bits` and `fraction` bits. */
static uint64_t random_narrow(uint64_t *state, unsigned exp_bits, unsigned fraction)
{
    uint64_t r = splitmix64(state), mask = (UINT64_C(1) << exp_bits) - 1, exp = r >> 8 & mask;
    uint64_t f = random_mantissa(state) >> (64 - fraction);
    switch (r & 7) {
    case 0: exp = 0; break;
    case 1: exp = mask; break;
    case 2: exp = mask / 2 + (r >> 40) % 8 - 4; break;
    default: break;
    }
    return ((r >> 60 & 1) << exp_bits | exp) << fraction | f;
}

void random_memory(uint64_t *state, uint8_t *memory, unsigned bytes, unsigned size)
{
    for (unsigned i = 0; i + 8 <= bytes; i += 8) {
        uint64_t v = splitmix64(state);
        memcpy(memory + i, &v, 8);
    }
    uint64_t v = size == 4 ? random_narrow(state, 8, 23) : random_narrow(state, 11, 52);
    if (size == 4 || size == 8)
        memcpy(memory, &v, size);
    else if (size == 10)
        random_real(state, memory);
}

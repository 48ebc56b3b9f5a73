/* Constants of x87_trans.c, 128 bits each. */
#pragma once
#include <stdint.h>

#define PI_HI    UINT64_C(0xc90fdaa22168c234)
#define PI_LO    UINT64_C(0xc4c6628b80dc1cd1)
#define LN2_HI   UINT64_C(0xb17217f7d1cf79ab)
#define LN2_LO   UINT64_C(0xc9e3b39803f2f6af)
#define LOG2E_HI UINT64_C(0xb8aa3b295c17f0bb)
#define LOG2E_LO UINT64_C(0xbe87fed0691d3e89)

struct wide_words {
    uint64_t hi, lo;
    int32_t exp;
};

/* arctan(1/16), arctan(2/16), ..., arctan(1) */
static const struct wide_words arctan_sixteenths[16] = {
    {0xffaaddb967ef4e36, 0xcb2792dc0e2e0d51, -5}, {0xfeadd4d5617b6e32, 0xc897989f3e888ef8, -4},
    {0xbdcbda5e72d81134, 0x7b0b4f881c9c7488, -3}, {0xfadbafc96406eb15, 0x6dc79ef5f7a217e6, -3},
    {0x9b13b9b83f5e5e69, 0xc5abb498d27af328, -2}, {0xb7b0ca0f26f78473, 0x8aa32122dcfe4483, -2},
    {0xd327761e611fe5b6, 0x427c95e9001e7136, -2}, {0xed63382b0dda7b45, 0x6fe445ecbc3a8d03, -2},
    {0x832bf4a6d9867e2a, 0x4b6a09cb61a515c1, -1}, {0x8f005d5ef7f59f9b, 0x5c835e1665c43748, -1},
    {0x9a2f80e671bdda20, 0x4226f8e2204ff3bd, -1}, {0xa4bc7d1934f70924, 0x19a87f2a457dac9f, -1},
    {0xaeac4c38b4d8c080, 0x14725e2f3e52070a, -1}, {0xb8053e2bc2319e73, 0xcb2da55210a4443d, -1},
    {0xc0ce85b8ac526640, 0x89dd62c46e92fa25, -1}, {0xc90fdaa22168c234, 0xc4c6628b80dc1cd1, -1},
};

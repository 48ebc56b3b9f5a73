/* AES, carry-less multiplication, SHA-1 and SHA-256. */
#include "morph.h"
#include "simd.h"

/* Product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
static uint8_t field_mul(uint8_t a, uint8_t b)
{
    uint8_t r = 0;
    for (; b; b >>= 1) {
        r ^= b & 1 ? a : 0;
        a = (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1b : 0));
    }
    return r;
}

/* a^254: the inverse, and 0 for 0. */
static uint8_t field_inverse(uint8_t a)
{
    uint8_t r = 1;
    for (unsigned i = 0; i < 7; i++) {
        a = field_mul(a, a);
        r = field_mul(r, a);
    }
    return r;
}

static uint8_t rotate(uint8_t v, unsigned n) { return (uint8_t)(v << n | v >> (8 - n)); }

static uint8_t sub_byte(uint8_t v)
{
    uint8_t b = field_inverse(v);
    return b ^ rotate(b, 1) ^ rotate(b, 2) ^ rotate(b, 3) ^ rotate(b, 4) ^ 0x63;
}

static uint8_t inverse_sub_byte(uint8_t v) { return field_inverse(rotate(v, 1) ^ rotate(v, 3) ^ rotate(v, 6) ^ 0x05); }

/* Column i of the state is bytes 4i to 4i + 3; row j moves by j columns. */
static union simd_value substitute_and_shift(const union simd_value *v, bool inverse)
{
    union simd_value r;
    for (unsigned i = 0; i < 16; i++) {
        unsigned row = i % 4, column = i / 4 + (inverse ? 4 - row : row);
        uint8_t b = v->b[column % 4 * 4 + row];
        r.b[i] = inverse ? inverse_sub_byte(b) : sub_byte(b);
    }
    return r;
}

static union simd_value mix_columns(const union simd_value *v, bool inverse)
{
    static const uint8_t factors[2][4] = {{2, 3, 1, 1}, {14, 11, 13, 9}};
    union simd_value r;
    for (unsigned i = 0; i < 16; i++) {
        uint8_t sum = 0;
        for (unsigned j = 0; j < 4; j++)
            sum ^= field_mul(v->b[i / 4 * 4 + (i + j) % 4], factors[inverse][j]);
        r.b[i] = sum;
    }
    return r;
}

static bool aes_round(struct simd *x, bool inverse, bool last)
{
    union simd_value r = substitute_and_shift(&x->d, inverse);
    if (!last)
        r = mix_columns(&r, inverse);
    x->d.q[0] = r.q[0] ^ x->s.q[0];
    x->d.q[1] = r.q[1] ^ x->s.q[1];
    return true;
}

static uint32_t sub_word(uint32_t v)
{
    return (uint32_t)sub_byte((uint8_t)v) | (uint32_t)sub_byte((uint8_t)(v >> 8)) << 8 |
           (uint32_t)sub_byte((uint8_t)(v >> 16)) << 16 | (uint32_t)sub_byte((uint8_t)(v >> 24)) << 24;
}

static uint32_t ror32(uint32_t v, unsigned n) { return v >> n | v << (32 - n); }

static bool key_assist(struct simd *x)
{
    for (unsigned i = 0; i < 2; i++) {
        uint32_t word = sub_word(x->s.w[2 * i + 1]);
        x->d.w[2 * i] = word;
        x->d.w[2 * i + 1] = ror32(word, 8) ^ x->imm;
    }
    return true;
}

static bool carryless_multiply(struct simd *x)
{
    uint64_t a = x->d.q[x->imm & 1], b = x->s.q[x->imm >> 4 & 1], hi = 0, lo = 0;
    for (unsigned i = 0; i < 64; i++)
        if (b >> i & 1) {
            lo ^= a << i;
            hi ^= i ? a >> (64 - i) : 0;
        }
    x->d.q[0] = lo;
    x->d.q[1] = hi;
    return true;
}

/* ---- SHA-1: a is the top word of the state ----------------------------------------------------------------------------- */

static bool sha1_rounds(struct simd *x)
{
    static const uint32_t constants[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32_t a = x->d.w[3], b = x->d.w[2], c = x->d.w[1], d = x->d.w[0], e = 0;
    unsigned kind = x->imm & 3;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t f = kind == 0 ? (b & c) ^ (~b & d) : kind == 2 ? (b & c) ^ (b & d) ^ (c & d) : b ^ c ^ d;
        uint32_t next = f + ror32(a, 27) + x->s.w[3 - i] + e + constants[kind]; /* the source's top word has e added */
        e = d;
        d = c;
        c = ror32(b, 2);
        b = a;
        a = next;
    }
    x->d = (union simd_value){.w = {d, c, b, a}};
    return true;
}

static bool sha1_message2(struct simd *x)
{
    uint32_t w16 = ror32(x->d.w[3] ^ x->s.w[2], 31), w17 = ror32(x->d.w[2] ^ x->s.w[1], 31);
    uint32_t w18 = ror32(x->d.w[1] ^ x->s.w[0], 31), w19 = ror32(x->d.w[0] ^ w16, 31);
    x->d = (union simd_value){.w = {w19, w18, w17, w16}};
    return true;
}

static bool sha1_message1(struct simd *x)
{
    union simd_value d = x->d;
    x->d = (union simd_value){.w = {d.w[0] ^ x->s.w[2], d.w[1] ^ x->s.w[3], d.w[2] ^ d.w[0], d.w[3] ^ d.w[1]}};
    return true;
}

/* ---- SHA-256 ------------------------------------------------------------------------------------------------------------- */

static bool sha256_rounds(struct simd *x)
{
    uint32_t a = x->s.w[3], b = x->s.w[2], c = x->d.w[3], d = x->d.w[2], e = x->s.w[1], f = x->s.w[0], g = x->d.w[1],
             h = x->d.w[0];
    for (unsigned i = 0; i < 2; i++) {
        uint32_t wk = (uint32_t)(x->cpu->xmm[0][0] >> (32 * i));
        uint32_t t = h + wk + ((e & f) ^ (~e & g)) + (ror32(e, 6) ^ ror32(e, 11) ^ ror32(e, 25));
        uint32_t u = ((a & b) ^ (a & c) ^ (b & c)) + (ror32(a, 2) ^ ror32(a, 13) ^ ror32(a, 22));
        h = g;
        g = f;
        f = e;
        e = d + t;
        d = c;
        c = b;
        b = a;
        a = t + u;
    }
    x->d = (union simd_value){.w = {f, e, b, a}};
    return true;
}

static uint32_t small_sigma0(uint32_t v) { return ror32(v, 7) ^ ror32(v, 18) ^ v >> 3; }
static uint32_t small_sigma1(uint32_t v) { return ror32(v, 17) ^ ror32(v, 19) ^ v >> 10; }

static bool sha256_message1(struct simd *x)
{
    uint32_t w4 = x->s.w[0];
    for (unsigned i = 0; i < 4; i++)
        x->d.w[i] += small_sigma0(i < 3 ? x->d.w[i + 1] : w4);
    return true;
}

static bool sha256_message2(struct simd *x)
{
    x->d.w[0] += small_sigma1(x->s.w[2]);
    x->d.w[1] += small_sigma1(x->s.w[3]);
    x->d.w[2] += small_sigma1(x->d.w[0]);
    x->d.w[3] += small_sigma1(x->d.w[1]);
    return true;
}

bool simd_crypto(struct simd *x)
{
    switch (x->g->op) {
    case G_AESENC: return aes_round(x, false, false);
    case G_AESENCLAST: return aes_round(x, false, true);
    case G_AESDEC: return aes_round(x, true, false);
    case G_AESDECLAST: return aes_round(x, true, true);
    case G_AESIMC: x->d = mix_columns(&x->s, true); return true;
    case G_AESKEYGENASSIST: return key_assist(x);
    case G_PCLMULQDQ: return carryless_multiply(x);
    case G_SHA1RNDS4: return sha1_rounds(x);
    case G_SHA1NEXTE:
        x->s.w[3] += ror32(x->d.w[3], 2);
        x->d = x->s;
        return true;
    case G_SHA1MSG1: return sha1_message1(x);
    case G_SHA1MSG2: return sha1_message2(x);
    case G_SHA256RNDS2: return sha256_rounds(x);
    case G_SHA256MSG1: return sha256_message1(x);
    case G_SHA256MSG2: return sha256_message2(x);
    default: return false;
    }
}

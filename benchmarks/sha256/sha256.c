/* SHA-256 (FIPS 180-4) of the standard's test strings and of a generated message, fed in pieces of odd sizes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sha256 {
    uint32_t h[8];
    uint64_t length;
    unsigned fill;
    uint8_t block[64];
};

static const uint32_t round_constant[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void sha256_start(struct sha256 *s)
{
    static const uint32_t initial[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };
    memcpy(s->h, initial, sizeof s->h);
    s->length = 0;
    s->fill = 0;
}

static void sha256_block(struct sha256 *s)
{
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)s->block[4 * i] << 24 | (uint32_t)s->block[4 * i + 1] << 16 | (uint32_t)s->block[4 * i + 2] << 8 |
               s->block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[i - 7] + (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
    memcpy(v, s->h, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t e = v[4], a = v[0];
        uint32_t t1 = v[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & v[5]) ^ (~e & v[6])) + round_constant[i] +
                      w[i];
        uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        for (int j = 7; j > 0; j--)
            v[j] = v[j - 1];
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        s->h[i] += v[i];
}

static void sha256_add(struct sha256 *s, const uint8_t *data, unsigned size)
{
    s->length += size;
    while (size) {
        unsigned part = 64 - s->fill;
        if (part > size)
            part = size;
        memcpy(s->block + s->fill, data, part);
        s->fill += part;
        data += part;
        size -= part;
        if (s->fill == 64) {
            sha256_block(s);
            s->fill = 0;
        }
    }
}

static void sha256_finish(struct sha256 *s, char text[65])
{
    uint64_t bits = s->length * 8;
    uint8_t pad = 0x80, tail[8];
    sha256_add(s, &pad, 1);
    pad = 0;
    while (s->fill != 56)
        sha256_add(s, &pad, 1);
    for (int i = 0; i < 8; i++)
        tail[i] = (uint8_t)(bits >> (56 - 8 * i));
    sha256_add(s, tail, 8);
    for (int i = 0; i < 64; i++)
        text[i] = "0123456789abcdef"[s->h[i / 8] >> (28 - 4 * (i % 8)) & 15];
    text[64] = 0;
}

static int check(const char *message, const char *want)
{
    struct sha256 s;
    char text[65];
    sha256_start(&s);
    sha256_add(&s, (const uint8_t *)message, (unsigned)strlen(message));
    sha256_finish(&s, text);
    printf("%s\n", text);
    return strcmp(text, want) == 0;
}

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    unsigned total = 32u * 1024 * (unsigned)scale, size = 1;
    uint8_t piece[257];
    uint32_t random = 1;
    struct sha256 s;
    char text[65];

    if (!check("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") ||
        !check("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
               "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"))
        return 1;
    sha256_start(&s);
    for (unsigned done = 0; done < total; done += size) {
        size = (size * 5 + 3) % 257;
        if (size == 0 || size > total - done)
            size = total - done < 257 ? total - done : 1;
        for (unsigned i = 0; i < size; i++) {
            random = random * 1103515245u + 12345u;
            piece[i] = (uint8_t)(random >> 16);
        }
        sha256_add(&s, piece, size);
    }
    sha256_finish(&s, text);
    printf("%u bytes %s\n", total, text);
    return 0;
}

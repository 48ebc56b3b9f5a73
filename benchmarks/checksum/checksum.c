/* Checksums and codes of a data stream: CRC-32 by bit and by table, Adler-32, Fletcher-16, base64 there and back, and LZ
 * run-length packing. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t crc_table[8][256];

static void crc_prepare(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
        crc_table[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++)
            crc_table[k][i] = crc_table[k - 1][i] >> 8 ^ crc_table[0][crc_table[k - 1][i] & 255];
}

static uint32_t crc_bytes(const uint8_t *p, uint32_t n)
{
    uint32_t c = 0xffffffff;
    while (n--)
        c = crc_table[0][(c ^ *p++) & 255] ^ c >> 8;
    return ~c;
}

/* Eight bytes at a time. */
static uint32_t crc_sliced(const uint8_t *p, uint32_t n)
{
    uint32_t c = 0xffffffff;
    for (; n >= 8; n -= 8, p += 8) {
        uint32_t a, b;
        memcpy(&a, p, 4);
        memcpy(&b, p + 4, 4);
        a ^= c;
        c = crc_table[7][a & 255] ^ crc_table[6][a >> 8 & 255] ^ crc_table[5][a >> 16 & 255] ^ crc_table[4][a >> 24] ^
            crc_table[3][b & 255] ^ crc_table[2][b >> 8 & 255] ^ crc_table[1][b >> 16 & 255] ^ crc_table[0][b >> 24];
    }
    while (n--)
        c = crc_table[0][(c ^ *p++) & 255] ^ c >> 8;
    return ~c;
}

static uint32_t adler(const uint8_t *p, uint32_t n)
{
    uint32_t a = 1, b = 0;
    while (n--) {
        a = (a + *p++) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

static uint32_t fletcher(const uint8_t *p, uint32_t n)
{
    uint32_t a = 0, b = 0;
    while (n--) {
        a = (a + *p++) % 255;
        b = (b + a) % 255;
    }
    return b << 8 | a;
}

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint32_t base64_encode(const uint8_t *p, uint32_t n, char *out)
{
    char *start = out;
    for (uint32_t i = 0; i < n; i += 3) {
        uint32_t left = n - i, v = (uint32_t)p[i] << 16;
        v |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
        v |= left > 2 ? p[i + 2] : 0;
        *out++ = digits64[v >> 18];
        *out++ = digits64[v >> 12 & 63];
        *out++ = left > 1 ? digits64[v >> 6 & 63] : '=';
        *out++ = left > 2 ? digits64[v & 63] : '=';
    }
    return (uint32_t)(out - start);
}

static uint32_t base64_decode(const char *p, uint32_t n, uint8_t *out)
{
    uint8_t value[256];
    uint8_t *start = out;
    memset(value, 0, sizeof value);
    for (int i = 0; i < 64; i++)
        value[(uint8_t)digits64[i]] = (uint8_t)i;
    for (uint32_t i = 0; i + 4 <= n; i += 4) {
        uint32_t v = 0;
        for (int k = 0; k < 4; k++)
            v = v << 6 | value[(uint8_t)p[i + (uint32_t)k]];
        *out++ = (uint8_t)(v >> 16);
        if (p[i + 2] != '=')
            *out++ = (uint8_t)(v >> 8);
        if (p[i + 3] != '=')
            *out++ = (uint8_t)v;
    }
    return (uint32_t)(out - start);
}

/* PackBits: a count byte, then literals (0..127: count + 1 of them) or one byte repeated (129..255: 257 - count times). */
static uint32_t pack(const uint8_t *p, uint32_t n, uint8_t *out)
{
    uint8_t *start = out;
    for (uint32_t i = 0; i < n;) {
        uint32_t run = 1;
        while (i + run < n && run < 128 && p[i + run] == p[i])
            run++;
        if (run > 2) {
            *out++ = (uint8_t)(257 - run);
            *out++ = p[i];
            i += run;
        } else {
            uint8_t *count = out++;
            uint32_t k = 0;
            while (i < n && k < 128 && !(i + 2 < n && p[i] == p[i + 1] && p[i] == p[i + 2])) {
                *out++ = p[i++];
                k++;
            }
            *count = (uint8_t)(k - 1);
        }
    }
    return (uint32_t)(out - start);
}

static uint32_t unpack(const uint8_t *p, uint32_t n, uint8_t *out)
{
    uint8_t *start = out;
    for (uint32_t i = 0; i < n;) {
        uint32_t count = p[i++];
        if (count > 128) {
            memset(out, p[i++], 257 - count);
            out += 257 - count;
        } else {
            memcpy(out, p + i, count + 1);
            out += count + 1;
            i += count + 1;
        }
    }
    return (uint32_t)(out - start);
}

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    uint32_t n = 17000u * (uint32_t)scale, random = 3, i = 0;
    uint8_t *data = malloc(n), *coded = malloc(2 * n + 16), *back = malloc(n + 256);

    if (!data || !coded || !back)
        return 1;
    while (i < n) { /* runs and noise in turn, as in a picture */
        random = random * 1664525u + 1013904223u;
        for (uint32_t run = random >> 28; run && i < n; run--)
            data[i++] = (uint8_t)(random >> 9);
        if (i < n)
            data[i++] = (uint8_t)(random >> 17);
    }
    crc_prepare();
    uint32_t crc = crc_bytes(data, n);
    printf("check %08x crc %08x adler %08x fletcher %04x\n", crc_bytes((const uint8_t *)"123456789", 9), crc, adler(data, n),
           fletcher(data, n));
    if (crc != crc_sliced(data, n))
        return 1;
    uint32_t size = base64_encode(data, n, (char *)coded);
    printf("base64 %u bytes crc %08x\n", size, crc_bytes(coded, size));
    if (base64_decode((char *)coded, size, back) != n || memcmp(data, back, n) != 0)
        return 1;
    size = pack(data, n, coded);
    printf("packed %u bytes crc %08x\n", size, crc_bytes(coded, size));
    if (unpack(coded, size, back) != n || memcmp(data, back, n) != 0)
        return 1;
    free(back);
    free(coded);
    free(data);
    return 0;
}

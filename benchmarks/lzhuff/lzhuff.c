/* Compression and back: LZ77 with hash chains, then canonical Huffman codes over literals, lengths and distance classes.
 *
 * Stream: 5 bits of code length for each of the SYMBOLS symbols, then the codes. Symbols 0..255 are literals, 256 is the end,
 * 257 + c is a match: class c of the length with c extra bits, then 4 bits of distance class d and d extra bits.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW = 1 << 14,
    MIN_MATCH = 4,
    MAX_MATCH = 258,
    MAX_CHAIN = 16,
    HASH_BITS = 12,
    END = 256,
    CLASSES = 9,
    SYMBOLS = 257 + CLASSES,
    MAX_BITS = 15,
};

struct token {
    uint16_t length; /* 0: a literal in `value` */
    uint16_t value;  /* literal or distance */
};

struct codes {
    uint8_t bits[SYMBOLS];
    uint16_t code[SYMBOLS];
};

struct stream {
    uint8_t *data;
    uint32_t size, pos, acc, count;
};

static unsigned class_of(unsigned v)
{
    unsigned c = 0;
    while (v >> c)
        c++;
    return c; /* v has its top bit at c - 1 */
}

static void put_bits(struct stream *s, uint32_t value, unsigned n)
{
    s->acc |= value << s->count;
    s->count += n;
    while (s->count >= 8) {
        s->data[s->pos++] = (uint8_t)s->acc;
        s->acc >>= 8;
        s->count -= 8;
    }
}

static uint32_t get_bits(struct stream *s, unsigned n)
{
    uint32_t v;
    while (s->count < n) {
        uint32_t byte = s->pos < s->size ? s->data[s->pos] : 0;
        s->pos++;
        s->acc |= byte << s->count;
        s->count += 8;
    }
    v = s->acc & ((1u << n) - 1);
    s->acc >>= n;
    s->count -= n;
    return v;
}

static uint32_t hash4(const uint8_t *p)
{
    uint32_t v = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    return v * 2654435761u >> (32 - HASH_BITS);
}

static uint32_t find_tokens(const uint8_t *in, uint32_t n, struct token *out)
{
    static int32_t head[1 << HASH_BITS], prev[WINDOW];
    uint32_t count = 0, i = 0;
    for (int h = 0; h < 1 << HASH_BITS; h++)
        head[h] = -1;
    while (i < n) {
        uint32_t best = 0, distance = 0, step = 1;
        if (i + MIN_MATCH <= n) {
            int chain = MAX_CHAIN;
            uint32_t limit = n - i < MAX_MATCH ? n - i : MAX_MATCH;
            for (int32_t c = head[hash4(in + i)]; c >= 0 && i - (uint32_t)c < WINDOW && chain-- > 0; c = prev[c % WINDOW]) {
                uint32_t length = 0;
                while (length < limit && in[(uint32_t)c + length] == in[i + length])
                    length++;
                if (length > best) {
                    best = length;
                    distance = i - (uint32_t)c;
                }
            }
        }
        if (best >= MIN_MATCH) {
            out[count++] = (struct token){(uint16_t)best, (uint16_t)distance};
            step = best;
        } else {
            out[count++] = (struct token){0, in[i]};
        }
        for (; step; step--, i++) {
            if (i + MIN_MATCH <= n) {
                uint32_t h = hash4(in + i);
                prev[i % WINDOW] = head[h];
                head[h] = (int32_t)i;
            }
        }
    }
    return count;
}

/* Code lengths from frequencies by repeatedly joining the two rarest; frequencies are flattened until all fit MAX_BITS. */
static void make_lengths(uint32_t *freq, uint8_t *bits)
{
    for (;;) {
        uint32_t weight[2 * SYMBOLS];
        int parent[2 * SYMBOLS], alive[SYMBOLS], n = 0, nodes = SYMBOLS, longest = 0;
        for (int i = 0; i < SYMBOLS; i++) {
            weight[i] = freq[i];
            parent[i] = -1;
            if (freq[i])
                alive[n++] = i;
        }
        while (n > 1) {
            int a = 0, b = 1;
            if (weight[alive[b]] < weight[alive[a]]) {
                a = 1;
                b = 0;
            }
            for (int i = 2; i < n; i++) {
                if (weight[alive[i]] < weight[alive[a]]) {
                    b = a;
                    a = i;
                } else if (weight[alive[i]] < weight[alive[b]]) {
                    b = i;
                }
            }
            weight[nodes] = weight[alive[a]] + weight[alive[b]];
            parent[nodes] = -1;
            parent[alive[a]] = parent[alive[b]] = nodes;
            alive[a] = nodes++;
            alive[b] = alive[--n];
        }
        for (int i = 0; i < SYMBOLS; i++) {
            int depth = 0;
            for (int p = parent[i]; p >= 0; p = parent[p])
                depth++;
            bits[i] = (uint8_t)(freq[i] && depth == 0 ? 1 : depth);
            longest = depth > longest ? depth : longest;
        }
        if (longest <= MAX_BITS)
            return;
        for (int i = 0; i < SYMBOLS; i++)
            freq[i] = freq[i] ? freq[i] / 2 + 1 : 0;
    }
}

static void make_codes(struct codes *c)
{
    uint32_t code = 0;
    for (unsigned bits = 1; bits <= MAX_BITS; bits++) {
        for (int s = 0; s < SYMBOLS; s++) {
            if (c->bits[s] == bits)
                c->code[s] = (uint16_t)code++;
        }
        code <<= 1;
    }
}

static void put_symbol(struct stream *s, const struct codes *c, unsigned symbol)
{
    for (unsigned i = c->bits[symbol]; i-- > 0;) /* canonical codes are read from the top bit */
        put_bits(s, c->code[symbol] >> i & 1, 1);
}

static uint32_t compress(const uint8_t *in, uint32_t n, uint8_t *out, struct token *tokens)
{
    uint32_t count = find_tokens(in, n, tokens), freq[SYMBOLS] = {0};
    struct stream s = {out, 0, 0, 0, 0};
    struct codes c;
    for (uint32_t i = 0; i < count; i++)
        freq[tokens[i].length ? 256 + class_of(tokens[i].length - MIN_MATCH + 1u) : tokens[i].value]++;
    freq[END]++;
    make_lengths(freq, c.bits);
    make_codes(&c);
    for (int i = 0; i < SYMBOLS; i++)
        put_bits(&s, c.bits[i], 5);
    for (uint32_t i = 0; i < count; i++) {
        if (tokens[i].length == 0) {
            put_symbol(&s, &c, tokens[i].value);
        } else {
            unsigned length = tokens[i].length - MIN_MATCH + 1u, lc = class_of(length);
            unsigned dc = class_of(tokens[i].value);
            put_symbol(&s, &c, 256 + lc);
            put_bits(&s, length & ((1u << (lc - 1)) - 1), lc - 1);
            put_bits(&s, dc, 4);
            put_bits(&s, tokens[i].value & ((1u << (dc - 1)) - 1), dc - 1);
        }
    }
    put_symbol(&s, &c, END);
    put_bits(&s, 0, 7);
    return s.pos;
}

static uint32_t expand(uint8_t *in, uint32_t size, uint8_t *out, uint32_t room)
{
    struct stream s = {in, size, 0, 0, 0};
    uint16_t sorted[SYMBOLS], first[MAX_BITS + 2], start[MAX_BITS + 2];
    struct codes c;
    uint32_t n = 0, code = 0, at = 0;
    for (int i = 0; i < SYMBOLS; i++)
        c.bits[i] = (uint8_t)get_bits(&s, 5);
    for (unsigned bits = 1; bits <= MAX_BITS; bits++) {
        first[bits] = (uint16_t)code;
        start[bits] = (uint16_t)at;
        for (int i = 0; i < SYMBOLS; i++) {
            if (c.bits[i] == bits) {
                sorted[at++] = (uint16_t)i;
                code++;
            }
        }
        code <<= 1;
    }
    start[MAX_BITS + 1] = (uint16_t)at;
    for (;;) {
        uint32_t v = 0, symbol = END;
        unsigned bits = 1;
        for (; bits <= MAX_BITS; bits++) {
            v = v << 1 | get_bits(&s, 1);
            if (v - first[bits] < (uint32_t)(start[bits + 1] - start[bits])) {
                symbol = sorted[start[bits] + v - first[bits]];
                break;
            }
        }
        if (symbol == END || n >= room)
            return n;
        if (symbol < 256) {
            out[n++] = (uint8_t)symbol;
        } else {
            unsigned lc = symbol - 256;
            uint32_t length = (1u << (lc - 1) | get_bits(&s, lc - 1)) + MIN_MATCH - 1;
            unsigned dc = get_bits(&s, 4);
            uint32_t distance = 1u << (dc - 1) | get_bits(&s, dc - 1);
            if (distance > n || length > room - n)
                return 0;
            for (; length; length--, n++)
                out[n] = out[n - distance];
        }
    }
}

static void make_text(uint8_t *p, uint32_t n)
{
    static const char *const words[16] = {
        "the ", "translator ", "keeps ", "every ", "region ", "it ",    "has ",  "made, ",
        "and ", "a ",          "store ", "to ",    "one ",    "drops ", "it.\n", "again ",
    };
    uint32_t random = 12345, at = 0;
    while (at < n) {
        random = random * 1664525u + 1013904223u;
        const char *w = words[random >> 28];
        if ((random >> 20 & 31) == 0)
            p[at++] = (uint8_t)(random >> 8);
        while (*w && at < n)
            p[at++] = (uint8_t)*w++;
    }
}

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    uint32_t n = 14000u * (uint32_t)scale, sum = 0;
    uint8_t *text = malloc(n + 1), *packed = malloc(2 * n + 1024), *back = malloc(n + 1);
    struct token *tokens = malloc((n + 1) * sizeof *tokens);

    if (!text || !packed || !back || !tokens)
        return 1;
    make_text(text, n);
    uint32_t size = compress(text, n, packed, tokens);
    for (uint32_t i = 0; i < size; i++)
        sum = sum * 31 + packed[i];
    uint32_t got = expand(packed, size, back, n);
    int same = got == n && memcmp(text, back, n) == 0;
    printf("%u bytes to %u, checksum %08x, round trip %s\n", n, size, sum, same ? "good" : "BAD");
    free(tokens);
    free(back);
    free(packed);
    free(text);
    return !same;
}

/* Text: words are counted and the most frequent listed; then regular expressions are matched by simulating an NFA. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 2048, STATES = 64 };

struct word {
    char text[16];
    uint32_t count;
};

/* One state of a compiled expression. It consumes a character of its set and goes to the next one; a starred state may
 * repeat or be skipped, an optional one may be skipped. */
struct state {
    uint32_t set[8];
    uint8_t star, skip;
};

struct regex {
    struct state state[STATES];
    int states;
    int anchored;
};

static void set_add(struct state *s, unsigned first, unsigned last)
{
    for (unsigned c = first; c <= last; c++)
        s->set[c >> 5] |= 1u << (c & 31);
}

static int set_has(const struct state *s, unsigned c) { return s->set[c >> 5] >> (c & 31) & 1; }

/* Syntax: ^ at the start, . [a-z] [^a-z] \w \d, each followed by * + ? or nothing. */
static void regex_compile(struct regex *r, const char *p)
{
    memset(r, 0, sizeof *r);
    if (*p == '^') {
        r->anchored = 1;
        p++;
    }
    while (*p) {
        struct state *s = &r->state[r->states++];
        if (*p == '.') {
            set_add(s, 1, 255);
        } else if (*p == '\\') {
            p++;
            if (*p == 'w' || *p == 'd')
                set_add(s, '0', '9');
            else
                set_add(s, (uint8_t)*p, (uint8_t)*p);
            if (*p == 'w') {
                set_add(s, 'a', 'z');
                set_add(s, 'A', 'Z');
            }
        } else if (*p == '[') {
            int negated = *++p == '^';
            p += negated;
            for (; *p != ']'; p++) {
                int range = p[1] == '-' && p[2] != ']';
                set_add(s, (uint8_t)p[0], (uint8_t)p[range ? 2 : 0]);
                p += range ? 2 : 0;
            }
            for (int i = 0; negated && i < 8; i++)
                s->set[i] = ~s->set[i];
        } else {
            set_add(s, (uint8_t)*p, (uint8_t)*p);
        }
        p++;
        if (*p == '+') { /* x+ is xx* */
            r->state[r->states] = *s;
            s = &r->state[r->states++];
            s->star = s->skip = 1;
            p++;
        } else if (*p == '*' || *p == '?') {
            s->star = *p == '*';
            s->skip = 1;
            p++;
        }
    }
}

static uint64_t closure(const struct regex *r, uint64_t active)
{
    for (int i = 0; i < r->states; i++) {
        if (active >> i & 1 && r->state[i].skip)
            active |= 2ull << i;
    }
    return active;
}

static int regex_match(const struct regex *r, const char *line, uint32_t length)
{
    uint64_t start = closure(r, 1), active = start, accept = 1ull << r->states;
    if (active & accept)
        return 1;
    for (uint32_t k = 0; k < length; k++) {
        uint64_t next = 0;
        for (int i = 0; i < r->states; i++) {
            if (active >> i & 1 && set_has(&r->state[i], (uint8_t)line[k]))
                next |= (r->state[i].star ? 1ull : 2ull) << i;
        }
        active = closure(r, next);
        if (active & accept)
            return 1;
        if (!r->anchored)
            active |= start;
    }
    return 0;
}

static char *make_text(uint32_t n)
{
    static const char *const parts[16] = {"ba", "ko", "the", "mi", "run", "st", "e", "ing",
                                          "or", "un", "42",  "Z",  "la",  "er", "o", "7"};
    char *text = malloc(n + 32);
    uint32_t random = 99, at = 0;
    while (text && at < n) {
        int count;
        random = random * 1664525u + 1013904223u;
        count = 1 + (int)(random >> 30);
        for (int i = 0; i < count; i++) {
            const char *p = parts[random >> (8 + 4 * i) & (i ? 3 : 15)];
            while (*p)
                text[at++] = *p++;
        }
        text[at++] = random >> 27 == 5 ? '\n' : ' ';
    }
    if (text)
        text[at] = 0;
    return text;
}

static int count_words(const char *text, struct word *words)
{
    int n = 0;
    for (const char *p = text; *p;) {
        size_t length = strcspn(p, " \n");
        if (length && length < sizeof words->text) {
            uint32_t h = 5381;
            for (size_t i = 0; i < length; i++)
                h = h * 33 ^ (uint8_t)p[i];
            h %= WORDS;
            while (words[h].count && (strncmp(words[h].text, p, length) != 0 || words[h].text[length]))
                h = (h + 1) % WORDS;
            if (!words[h].count) {
                if (++n == WORDS)
                    return n;
                memcpy(words[h].text, p, length);
                words[h].text[length] = 0;
            }
            words[h].count++;
        }
        p += length + (p[length] != 0);
    }
    return n;
}

int main(int argc, char **argv)
{
    static const char *const patterns[] = {"^the", "[aeiou]+ng", "\\d+ba", "k.*7", "[^ ]o[^a-z]", "Z?bako", "run \\w+un "};
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    char *text = make_text(4000u * (uint32_t)scale);
    static struct word words[WORDS];

    if (!text)
        return 1;
    printf("%d different words in %u bytes\n", count_words(text, words), (uint32_t)strlen(text));
    for (int place = 0; place < 5; place++) {
        int best = 0;
        for (int i = 1; i < WORDS; i++) {
            if (words[i].count > words[best].count ||
                (words[i].count == words[best].count && words[i].count && strcmp(words[i].text, words[best].text) < 0))
                best = i;
        }
        printf("%8u %s\n", words[best].count, words[best].text);
        words[best].count = 0;
    }
    for (unsigned i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct regex r;
        uint32_t lines = 0, matched = 0;
        regex_compile(&r, patterns[i]);
        for (const char *p = text; *p; lines++) {
            uint32_t length = (uint32_t)strcspn(p, "\n");
            matched += (uint32_t)regex_match(&r, p, length);
            p += length + (p[length] != 0);
        }
        printf("%s: %u of %u lines\n", patterns[i], matched, lines);
    }
    free(text);
    return 0;
}

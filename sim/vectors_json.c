/* A JSON reader for test cases. See vectors_json.h. */
#include "vectors_json.h"

#include <string.h>

enum { DEPTH = 32 };

void json_start(struct json *r, const char *text, size_t n) { *r = (struct json){.start = text, .p = text, .end = text + n}; }

bool json_fail(struct json *r, const char *why)
{
    if (!r->error)
        r->error = why;
    return false;
}

static char peek(struct json *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
    return r->p < r->end && !r->error ? *r->p : 0;
}

static bool take(struct json *r, char c, const char *why)
{
    if (peek(r) != c)
        return json_fail(r, why);
    r->p++;
    return true;
}

bool json_object(struct json *r)
{
    r->first = true;
    return take(r, '{', "an object {...} is wanted");
}

bool json_array(struct json *r)
{
    r->first = true;
    return take(r, '[', "an array [...] is wanted");
}

/* One more item before `close`? */
static bool more(struct json *r, char close, const char *why)
{
    bool first = r->first;
    r->first = false;
    if (peek(r) == close) {
        r->p++;
        return false;
    }
    return first ? !r->error : take(r, ',', why);
}

bool json_key(struct json *r, struct json_text *key)
{
    return more(r, '}', "a comma or } is wanted") && json_string(r, key) && take(r, ':', "a colon is wanted");
}

bool json_element(struct json *r) { return more(r, ']', "a comma or ] is wanted"); }

bool json_string(struct json *r, struct json_text *text)
{
    if (!take(r, '"', "a string is wanted"))
        return false;
    text->p = r->p;
    while (r->p < r->end && *r->p != '"')
        r->p += *r->p == '\\' && r->p + 1 < r->end ? 2 : 1;
    if (r->p >= r->end)
        return json_fail(r, "a string does not end");
    text->n = (size_t)(r->p++ - text->p);
    return true;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

uint64_t json_number(struct json *r)
{
    static const char why[] = "a whole number of at most 64 bits is wanted, or one like \"0x7b\"";
    bool quoted = peek(r) == '"', negative = false;
    uint64_t n = 0, base = 10;
    if (r->error)
        return 0;
    r->p += quoted;
    if (r->p < r->end && *r->p == '-') {
        negative = true;
        r->p++;
    }
    if (quoted && r->end - r->p > 2 && r->p[0] == '0' && (r->p[1] | 0x20) == 'x') {
        base = 16;
        r->p += 2;
    }
    const char *digits = r->p;
    for (; r->p < r->end && (uint64_t)digit(*r->p) < base; r->p++)
        if (__builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, (uint64_t)digit(*r->p), &n))
            return json_fail(r, why);
    if (r->p == digits || (r->p < r->end && (*r->p == '.' || (*r->p | 0x20) == 'e')))
        return json_fail(r, why);
    if (quoted && !take(r, '"', why))
        return 0;
    return negative ? 0 - n : n;
}

bool json_bool(struct json *r)
{
    bool yes = peek(r) == 't';
    struct json_text t = json_raw(r);
    return r->error || json_is(t, yes ? "true" : "false") ? yes : json_fail(r, "true or false is wanted");
}

static void skip(struct json *r, int depth)
{
    struct json_text t;
    char c = peek(r);
    if (depth == DEPTH) {
        json_fail(r, "nested too deeply");
    } else if (c == '{') {
        for (json_object(r); json_key(r, &t);)
            skip(r, depth + 1);
    } else if (c == '[') {
        for (json_array(r); json_element(r);)
            skip(r, depth + 1);
    } else if (c == '"') {
        json_string(r, &t);
    } else {
        const char *from = r->p;
        while (r->p < r->end && !strchr(",]} \t\r\n", *r->p))
            r->p++;
        if (r->p == from)
            json_fail(r, "a value is wanted");
    }
}

struct json_text json_raw(struct json *r)
{
    peek(r);
    const char *from = r->p;
    skip(r, 0);
    r->first = false;
    return (struct json_text){from, (size_t)(r->p - from)};
}

bool json_end(struct json *r) { return peek(r) == 0 && r->p == r->end ? !r->error : json_fail(r, "text follows the object"); }

bool json_is(struct json_text t, const char *s) { return t.n == strlen(s) && !memcmp(t.p, s, t.n); }

bool json_hex(struct json *r, uint8_t *bytes, size_t size, size_t *n)
{
    struct json_text t;
    if (!json_string(r, &t))
        return false;
    if (t.n % 2 || t.n / 2 > size)
        return json_fail(r, t.n % 2 ? "an even number of hexadecimal digits is wanted" : "too many bytes");
    for (size_t i = 0; i < t.n; i += 2) {
        int high = digit(t.p[i]), low = digit(t.p[i + 1]);
        if (high > 15 || low > 15)
            return json_fail(r, "hexadecimal digits are wanted");
        bytes[i / 2] = (uint8_t)(high << 4 | low);
    }
    *n = t.n / 2;
    return true;
}

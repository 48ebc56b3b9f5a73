/* JSON: a document is generated as text, parsed to a tree, walked, and written again; both texts must agree. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { J_NULL, J_FALSE, J_TRUE, J_NUMBER, J_STRING, J_ARRAY, J_OBJECT };

struct node {
    enum kind kind;
    int32_t number;
    char *name;         /* in an object */
    char *text;         /* J_STRING */
    struct node *child; /* J_ARRAY, J_OBJECT */
    struct node *next;
};

struct buffer {
    char *data;
    uint32_t size, room;
};

struct parser {
    const char *at;
    uint32_t nodes;
};

static void put(struct buffer *b, const char *s)
{
    uint32_t n = (uint32_t)strlen(s);
    if (b->size + n + 1 > b->room) {
        char *bigger = malloc(2 * b->room + n);
        memcpy(bigger, b->data, b->size);
        free(b->data);
        b->data = bigger;
        b->room = 2 * b->room + n;
    }
    memcpy(b->data + b->size, s, n + 1);
    b->size += n;
}

static void put_number(struct buffer *b, int32_t v)
{
    char text[12], *p = text + 11;
    uint32_t u = v < 0 ? 0u - (uint32_t)v : (uint32_t)v;
    *p = 0;
    do
        *--p = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        *--p = '-';
    put(b, p);
}

static void put_string(struct buffer *b, const char *s)
{
    char piece[3] = {0, 0, 0};
    put(b, "\"");
    for (; *s; s++) {
        int escape = *s == '"' || *s == '\\' || *s == '\n';
        piece[0] = escape ? '\\' : *s;
        piece[1] = escape ? (*s == '\n' ? 'n' : *s) : 0;
        put(b, piece);
    }
    put(b, "\"");
}

static void skip_space(struct parser *p)
{
    while (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r')
        p->at++;
}

static char *parse_string(struct parser *p)
{
    const char *end = ++p->at;
    uint32_t n = 0;
    while (*end && *end != '"')
        end += *end == '\\' ? 2 : 1;
    char *s = malloc((size_t)(end - p->at) + 1);
    for (; *p->at != '"'; p->at++) {
        char c = *p->at;
        if (c == '\\') {
            c = *++p->at;
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        s[n++] = c;
    }
    s[n] = 0;
    p->at++;
    return s;
}

static struct node *parse_value(struct parser *p)
{
    static const struct {
        const char *word;
        enum kind kind;
    } words[] = {{"null", J_NULL}, {"false", J_FALSE}, {"true", J_TRUE}};
    struct node *v = malloc(sizeof *v);
    memset(v, 0, sizeof *v);
    p->nodes++;
    skip_space(p);
    if (*p->at == '{' || *p->at == '[') {
        char close = *p->at == '{' ? '}' : ']';
        struct node **link = &v->child;
        v->kind = close == '}' ? J_OBJECT : J_ARRAY;
        p->at++;
        for (skip_space(p); *p->at != close; skip_space(p)) {
            char *name = NULL;
            if (*p->at == ',') {
                p->at++;
                skip_space(p);
            }
            if (close == '}') {
                name = parse_string(p);
                skip_space(p);
                p->at++; /* the colon */
            }
            *link = parse_value(p);
            (*link)->name = name;
            link = &(*link)->next;
        }
        p->at++;
    } else if (*p->at == '"') {
        v->kind = J_STRING;
        v->text = parse_string(p);
    } else if (*p->at == '-' || (*p->at >= '0' && *p->at <= '9')) {
        int negative = *p->at == '-';
        v->kind = J_NUMBER;
        for (p->at += negative; *p->at >= '0' && *p->at <= '9'; p->at++)
            v->number = v->number * 10 + (*p->at - '0');
        if (negative)
            v->number = -v->number;
    } else {
        for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
            size_t n = strlen(words[i].word);
            if (strncmp(p->at, words[i].word, n) == 0) {
                v->kind = words[i].kind;
                p->at += n;
            }
        }
    }
    return v;
}

static void write_value(struct buffer *b, const struct node *v)
{
    switch (v->kind) {
    case J_NULL: put(b, "null"); break;
    case J_FALSE: put(b, "false"); break;
    case J_TRUE: put(b, "true"); break;
    case J_NUMBER: put_number(b, v->number); break;
    case J_STRING: put_string(b, v->text); break;
    default:
        put(b, v->kind == J_OBJECT ? "{" : "[");
        for (const struct node *c = v->child; c; c = c->next) {
            if (c->name) {
                put_string(b, c->name);
                put(b, ":");
            }
            write_value(b, c);
            if (c->next)
                put(b, ",");
        }
        put(b, v->kind == J_OBJECT ? "}" : "]");
    }
}

static void free_value(struct node *v)
{
    while (v) {
        struct node *next = v->next;
        free_value(v->child);
        free(v->name);
        free(v->text);
        free(v);
        v = next;
    }
}

static void generate(struct buffer *b, int people)
{
    static const char *const names[4] = {"Ada", "Alan \"the\" T", "Grace\nH", "Back\\slash"};
    uint32_t random = 7;
    put(b, "[");
    for (int i = 0; i < people; i++) {
        random = random * 1664525u + 1013904223u;
        put(b, i ? ",{\"id\":" : "{\"id\":");
        put_number(b, i);
        put(b, ",\"name\":");
        put_string(b, names[random >> 30]);
        put(b, ",\"balance\":");
        put_number(b, (int32_t)(random >> 8) - (1 << 23));
        put(b, ",\"tags\":[");
        for (uint32_t t = 0; t < (random >> 10 & 3); t++) {
            put(b, t ? "," : "");
            put_string(b, t & 1 ? "even" : "longer tag");
        }
        put(b, "],\"active\":");
        put(b, random & 0x1000 ? "true" : "false");
        put(b, ",\"parent\":null,\"pos\":{\"x\":");
        put_number(b, (int32_t)(random & 1023));
        put(b, ",\"y\":-5}}");
    }
    put(b, "]");
}

static const struct node *member(const struct node *object, const char *name)
{
    for (const struct node *c = object->child; c; c = c->next) {
        if (strcmp(c->name, name) == 0)
            return c;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    struct buffer text = {malloc(64), 0, 64}, again = {malloc(64), 0, 64};
    int32_t balance = 0, active = 0, x = 0;
    generate(&text, 170 * scale);

    struct parser p = {text.data, 0};
    struct node *root = parse_value(&p);
    for (const struct node *c = root->child; c; c = c->next) {
        balance += member(c, "balance")->number / 16;
        active += member(c, "active")->kind == J_TRUE;
        x += member(member(c, "pos"), "x")->number;
    }
    write_value(&again, root);
    int same = text.size == again.size && memcmp(text.data, again.data, text.size) == 0;
    printf("%u bytes, %u nodes, balance %d, active %d, x %d, rewritten %s\n", text.size, p.nodes, balance, active, x,
           same ? "the same" : "DIFFERENT");
    free_value(root);
    free(text.data);
    free(again.data);
    return !same;
}

/* Reads the text form of IR, which is what ir_print writes, line by line. Host only. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir.h"
#include "text_host.h"

struct parser {
    struct ir_block *b;
    const char *p; /* what is left of the text */
    char *err;
    uint32_t err_size, line;
    bool failed;
    ir_ref renamed[IR_NODES_MAX]; /* by number in the text */
};

static bool fail(struct parser *s, const char *what)
{
    if (!s->failed)
        snprintf(s->err, s->err_size, "line %u: %s", s->line, what);
    s->failed = true;
    return false;
}

static void skip(struct parser *s)
{
    while (*s->p == ' ')
        s->p++;
}

static bool accept(struct parser *s, const char *word)
{
    skip(s);
    size_t n = strlen(word);
    if (strncmp(s->p, word, n) != 0)
        return false;
    if (isalnum((unsigned char)word[n - 1]) && (isalnum((unsigned char)s->p[n]) || s->p[n] == '.'))
        return false;
    s->p += n;
    return true;
}

static void expect(struct parser *s, const char *word)
{
    if (!accept(s, word)) {
        char text[80];
        snprintf(text, sizeof text, "\"%s\" expected", word);
        fail(s, text);
    }
}

static int64_t number(struct parser *s)
{
    char *end;
    skip(s);
    bool negative = *s->p == '-';
    uint64_t v = strtoull(s->p + negative, &end, 0);
    if (end == s->p + negative)
        fail(s, "number expected");
    s->p = end;
    return negative ? -(int64_t)v : (int64_t)v;
}

static bool is_number(struct parser *s)
{
    skip(s);
    return *s->p == '-' || isdigit((unsigned char)*s->p);
}

static int state(struct parser *s)
{
    for (int g = 0; g < IR_G_COUNT; g++)
        if (accept(s, ir_state_names[g]))
            return g;
    return -1;
}

static ir_ref ref(struct parser *s)
{
    if (accept(s, "zero"))
        return 0;
    if (accept(s, "%")) {
        int64_t n = number(s);
        if (n < 0 || n >= IR_NODES_MAX || !s->renamed[n])
            fail(s, "that value does not exist");
        return s->failed ? 0 : s->renamed[n];
    }
    int g = state(s);
    if (g < 0)
        fail(s, "value expected");
    return g < 0 ? 0 : ir_entry((unsigned)g);
}

static unsigned op_named(struct parser *s)
{
    skip(s);
    size_t n = strcspn(s->p, " \n");
    for (unsigned op = 0; op < DUKE_OP_COUNT; op++)
        if (strlen(duke_op_names[op]) == n && strncmp(duke_op_names[op], s->p, n) == 0) {
            s->p += n;
            return op;
        }
    fail(s, "no such op");
    return DUKE_OP_ADD;
}

static void address(struct parser *s, struct ir_node *n)
{
    expect(s, "[");
    n->a = ref(s);
    expect(s, "+");
    if (!is_number(s)) {
        n->b = ref(s);
        expect(s, "<<");
        n->x = (uint8_t)number(s);
        expect(s, "+");
    }
    n->imm = (int32_t)number(s);
    expect(s, "]");
}

static void operands(struct parser *s, struct ir_node *n)
{
    const struct duke_op_info *info = &duke_ops[n->op];
    if (ir_is_load(n->op)) {
        address(s, n);
    } else if (n->op == DUKE_OP_LI && accept(s, "big")) {
        s->b->consts[s->b->nconsts] = number(s);
        n->imm = (int32_t)s->b->nconsts++;
        n->x = IR_BIG;
    } else if (n->op == DUKE_OP_LI) {
        n->imm = (int32_t)number(s);
    } else {
        n->a = ref(s);
        if (info->fmt == DUKE_FMT_R4 || info->fmt == DUKE_FMT_R4X) {
            n->b = ref(s);
            n->c = ref(s);
            if (n->op == DUKE_OP_SELCC)
                n->x = (uint8_t)number(s);
        } else if (is_number(s)) {
            n->imm = (int32_t)number(s);
        } else {
            skip(s);
            if (*s->p != '\n' && *s->p)
                n->b = ref(s);
        }
    }
}

static void exit_line(struct parser *s, struct ir_node *n)
{
    struct ir_exit e = {.op = IR_ALWAYS, .kind = 0xff};
    n->op = IR_EXIT;
    n->imm = (int32_t)number(s);
    for (unsigned k = 0; k < sizeof ir_kind_names / sizeof *ir_kind_names; k++)
        if (accept(s, ir_kind_names[k]))
            e.kind = (uint8_t)k;
    if (e.kind == 0xff)
        fail(s, "no such kind of exit");
    if (accept(s, "if")) {
        e.op = (uint16_t)op_named(s);
        if (e.op == DUKE_OP_BCC) {
            n->x = (uint8_t)number(s);
            n->a = ref(s);
        } else {
            n->a = ref(s);
            n->b = ref(s);
        }
    }
    expect(s, "to");
    e.target = (uint64_t)number(s);
    expect(s, "commit");
    e.ninsns = (uint8_t)number(s);
    expect(s, "next");
    e.next = (uint64_t)number(s);
    if (accept(s, "late"))
        e.flags |= IR_EXIT_LATE;
    if (accept(s, "zero"))
        e.flags |= IR_EXIT_ZERO;
    if (accept(s, "wall"))
        e.flags |= IR_EXIT_WALL;
    if ((uint32_t)n->imm != s->b->nexits || s->b->nexits == IR_EXITS_MAX)
        fail(s, "exits must be numbered in order");
    else
        s->b->exit[s->b->nexits++] = e;
}

static void call_line(struct parser *s, struct ir_node *n)
{
    n->op = IR_CALL;
    n->imm = (int32_t)number(s);
    n->a = ref(s);
    expect(s, "to");
    struct ir_exit e = {.kind = IR_EXIT_RETURN, .target = (uint64_t)number(s)};
    if ((uint32_t)n->imm != s->b->nexits || s->b->nexits == IR_EXITS_MAX)
        fail(s, "exits must be numbered in order");
    else
        s->b->exit[s->b->nexits++] = e;
}

static void node_line(struct parser *s)
{
    struct ir_node n = {.op = IR_NOP, .bits = 64};
    int64_t name = -1;
    if (accept(s, "%")) {
        name = number(s);
        expect(s, "=");
        if (accept(s, "addr")) {
            n.op = IR_ADDR;
            address(s, &n);
        } else {
            n.op = (uint16_t)op_named(s);
            operands(s, &n);
        }
    } else if (accept(s, "set")) {
        int g = state(s);
        n.op = IR_SET;
        n.x = (uint8_t)(g < 0 ? fail(s, "guest state expected") : g);
        if (is_number(s))
            n.imm = (int32_t)number(s);
        else
            n.a = ref(s);
    } else if (accept(s, "exit")) {
        exit_line(s, &n);
    } else if (accept(s, "call")) {
        call_line(s, &n);
    } else if (accept(s, "label")) {
        n.op = IR_LABEL;
    } else if (accept(s, "fault")) {
        n.op = IR_FAULT;
        n.a = ref(s);
    } else {
        n.op = (uint16_t)op_named(s);
        if (!s->failed && !ir_is_store(n.op))
            fail(s, "a value must be named");
        address(s, &n);
        n.c = ref(s);
    }
    ir_ref r = ir_emit(s->b, n.op, n.a, n.b, n.c, n.x, n.imm, 64);
    if (name >= 0 && name < IR_NODES_MAX)
        s->renamed[name] = r;
}

bool ir_parse(const char *text, struct ir_block *b, char *err, uint32_t err_size)
{
    static _Thread_local struct parser s;
    memset(&s, 0, sizeof s);
    s.b = b;
    s.p = text;
    s.err = err;
    s.err_size = err_size;
    s.line = 1;
    expect(&s, "block");
    uint64_t rip = (uint64_t)number(&s);
    b->wide = accept(&s, "wide");
    if (!b->wide)
        expect(&s, "ia32");
    ir_start(b, rip);
    while (!s.failed) {
        skip(&s);
        if (*s.p == '\n') {
            s.line++;
            s.p++;
        } else if (*s.p == 0) {
            break;
        } else {
            node_line(&s);
            skip(&s);
            if (*s.p && *s.p != '\n')
                fail(&s, "something follows");
        }
    }
    if (b->overflow)
        fail(&s, "too many nodes");
    return !s.failed;
}

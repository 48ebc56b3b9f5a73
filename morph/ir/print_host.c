/* IR as text. Host only: for tests and tools. parse_host.c reads it back. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "ir.h"
#include "text_host.h"

const char *const ir_state_names[IR_G_COUNT] = {
    /* clang-format off */
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    "flags", "fs", "gs", "target",
    /* clang-format on */
};
const char *const ir_kind_names[] = {"none", "direct", "jmp", "ret", "interp", "return", "local"};

static void add(struct ir_text *t, const char *format, ...)
{
    va_list args;
    if (t->used + 1 >= t->size)
        return;
    va_start(args, format);
    int n = vsnprintf(t->buf + t->used, t->size - t->used, format, args);
    va_end(args);
    t->used += n < 0 ? 0 : (uint32_t)n < t->size - t->used ? (uint32_t)n : t->size - t->used - 1;
}

static void add_ref(struct ir_text *t, ir_ref r)
{
    if (r == 0)
        add(t, "zero");
    else if (ir_is_entry(r))
        add(t, "%s", ir_state_names[r - 1]);
    else
        add(t, "%%%u", r);
}

static void add_address(struct ir_text *t, const struct ir_node *n)
{
    add(t, "[");
    add_ref(t, n->a);
    if (n->b) {
        add(t, " + ");
        add_ref(t, n->b);
        add(t, " << %u", n->x);
    }
    add(t, " + %d]", n->imm);
}

static void add_exit(struct ir_text *t, const struct ir_block *b, const struct ir_node *n)
{
    const struct ir_exit *e = &b->exit[n->imm];
    add(t, "exit %d %s", n->imm, ir_kind_names[e->kind]);
    if (e->op != IR_ALWAYS) {
        add(t, " if %s ", duke_op_names[e->op]);
        if (e->op == DUKE_OP_BCC) {
            add(t, "%u ", n->x);
            add_ref(t, n->a);
        } else {
            add_ref(t, n->a);
            add(t, " ");
            add_ref(t, n->b);
        }
    }
    add(t, " to %#" PRIx64 " commit %u next %#" PRIx64 "%s%s%s\n", e->target, e->ninsns, e->next,
        e->flags & IR_EXIT_LATE ? " late" : "", e->flags & IR_EXIT_ZERO ? " zero" : "", e->flags & IR_EXIT_WALL ? " wall" : "");
}

static void add_op(struct ir_text *t, const struct ir_block *b, const struct ir_node *n)
{
    const struct duke_op_info *info = &duke_ops[n->op];
    add(t, "%s ", duke_op_names[n->op]);
    if (ir_is_load(n->op) || ir_is_load_f(n->op)) {
        add_address(t, n);
    } else if (n->op == DUKE_OP_LI) {
        if (n->x == IR_BIG)
            add(t, "big %" PRId64, b->consts[n->imm]);
        else
            add(t, "%d", n->imm);
    } else {
        add_ref(t, n->a);
        if (info->fmt == DUKE_FMT_R4 || info->fmt == DUKE_FMT_R4X) {
            add(t, " ");
            add_ref(t, n->b);
            add(t, " ");
            add_ref(t, n->c);
            if (n->op == DUKE_OP_SELCC)
                add(t, " %u", n->x);
        } else if (n->b) {
            add(t, " ");
            add_ref(t, n->b);
        } else if (info->forms & 1u << DUKE_FORM_IMM) {
            add(t, " %d", n->imm);
        }
    }
}

void ir_print(const struct ir_block *b, struct ir_text *t)
{
    add(t, "block %#" PRIx64 " %s\n", b->rip, b->wide ? "wide" : "ia32");
    for (uint32_t i = IR_FIRST; i < b->n; i++) {
        const struct ir_node *n = &b->node[i];
        switch (n->op) {
        case IR_NOP: break;
        case IR_LABEL: add(t, "label\n"); break;
        case IR_XMM:
            if (n->x >= IR_XMM_HALVES)
                add(t, "%%%u = x87.%u\n", i, n->x - IR_XMM_HALVES);
            else
                add(t, "%%%u = xmm%u.%u\n", i, n->x / 2u, n->x & 1u);
            break;
        case IR_SET:
            if (n->x >= IR_G_X87)
                add(t, "set x87.%u ", n->x - IR_G_X87);
            else if (n->x >= IR_G_XMM)
                add(t, "set xmm%u.%u ", (n->x - IR_G_XMM) / 2u, n->x & 1u);
            else
                add(t, "set %s ", ir_state_names[n->x]);
            if (n->a)
                add_ref(t, n->a);
            else
                add(t, "%d", n->imm);
            add(t, "\n");
            break;
        case IR_EXIT: add_exit(t, b, n); break;
        case IR_CALL:
            add(t, "call %d ", n->imm);
            add_ref(t, n->a);
            add(t, " to %#" PRIx64 "\n", b->exit[n->imm].target);
            break;
        case IR_FAULT:
            add(t, "fault ");
            add_ref(t, n->a);
            add(t, "\n");
            break;
        case IR_ADDR:
            add(t, "%%%u = addr ", i);
            add_address(t, n);
            add(t, "\n");
            break;
        default:
            if (ir_is_store(n->op) || ir_is_store_f(n->op)) {
                add(t, "%s ", duke_op_names[n->op]);
                add_address(t, n);
                add(t, " ");
                add_ref(t, n->c);
            } else {
                add(t, "%%%u = ", i);
                add_op(t, b, n);
            }
            add(t, "\n");
            break;
        }
    }
}

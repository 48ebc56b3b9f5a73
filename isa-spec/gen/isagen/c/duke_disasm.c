#include "duke_disasm.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct text {
    char *buf;
    size_t size, used;
};

static void add(struct text *t, const char *format, ...)
{
    if (t->used >= t->size)
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->buf + t->used, t->size - t->used, format, args);
    va_end(args);
    t->used += n > 0 ? (size_t)n : 0;
}

static void operand(struct text *t, bool *first, const char *format, long long value)
{
    add(t, *first ? " " : ", ");
    add(t, format, value);
    *first = false;
}

static void address(struct text *t, const struct duke_op *o)
{
    add(t, ", [r%u", o->ra);
    if ((duke_reads(o) & DUKE_READS_RB) != 0 && (o->rb != 0 || o->scale != 0)) {
        add(t, " + r%u", o->rb);
        if (o->scale != 0)
            add(t, " << %u", o->scale);
    }
    if (o->imm != 0)
        add(t, " %c %" PRIu64, o->imm < 0 ? '-' : '+', o->imm < 0 ? 0 - (uint64_t)o->imm : (uint64_t)o->imm);
    add(t, "]");
}

/* Only forms that a mnemonic alone does not tell have a suffix. */
static const char *suffix(const struct duke_op_info *info, unsigned form)
{
    bool several = (info->forms & (info->forms - 1)) != 0;
    if (!several)
        return "";
    if (form == DUKE_FORM_EXT)
        return ".x";
    return form == DUKE_FORM_IMM && info->fmt == DUKE_FMT_R3 ? ".i" : "";
}

char *duke_disassemble(char *buf, size_t size, uint32_t pc, const struct duke_op *o)
{
    const struct duke_op_info *info = &duke_ops[o->op];
    struct text t = {buf, size, 0};
    unsigned reads = duke_reads(o);
    bool first = true, memory = info->kind == DUKE_KIND_LOAD || info->kind == DUKE_KIND_STORE;
    if (size != 0)
        buf[0] = 0;
    add(&t, "%s%s", duke_op_names[o->op], suffix(info, o->form));
    if (info->fmt == DUKE_FMT_BF)
        operand(&t, &first, "%lld", o->cc);
    if ((info->flags & DUKE_WRITES_RD) != 0 || (reads & DUKE_READS_RD) != 0)
        operand(&t, &first, (info->flags & DUKE_F_RD) != 0 ? "f%lld" : "r%lld", o->rd);
    if (memory) {
        address(&t, o);
        if (info->spec == DUKE_SPEC_PROTECT)
            operand(&t, &first, "%lld", o->entry);
        if (info->spec == DUKE_SPEC_CHECK)
            operand(&t, &first, "%lld", o->mask);
        return buf;
    }
    if ((reads & DUKE_READS_RA) != 0)
        operand(&t, &first, (info->flags & DUKE_F_RA) != 0 ? "f%lld" : "r%lld", o->ra);
    if ((reads & DUKE_READS_RB) != 0)
        operand(&t, &first, (info->flags & DUKE_F_RB) != 0 ? "f%lld" : "r%lld", o->rb);
    if ((reads & DUKE_READS_RC) != 0)
        operand(&t, &first, (info->flags & DUKE_F_RC) != 0 ? "f%lld" : "r%lld", o->rc);
    if (o->op == DUKE_OP_SELCC)
        operand(&t, &first, "%lld", o->cc);
    if (info->fmt == DUKE_FMT_BC || info->fmt == DUKE_FMT_BF || info->fmt == DUKE_FMT_J)
        operand(&t, &first, "0x%llx", (uint32_t)(pc + (uint64_t)o->imm));
    else if (o->form != DUKE_FORM_REG && info->fmt != DUKE_FMT_R4X)
        operand(&t, &first, "%lld", o->imm);
    return buf;
}

size_t duke_disassemble_bundle(char *buf, size_t size, uint32_t pc, const uint32_t *words, size_t nwords)
{
    struct text t = {buf, size, 0};
    size_t used = 0;
    bool end = false;
    if (size != 0)
        buf[0] = 0;
    while (used < nwords && !end) {
        struct duke_op o;
        char line[96];
        enum duke_decode_status status = duke_decode(words + used, nwords - used, &o);
        if (status != DUKE_DECODE_OK) {
            o.words = 1;
            o.end = (words[used] & DUKE_END) != 0;
            snprintf(line, sizeof line, ".word 0x%08" PRIx32, words[used]);
        } else {
            duke_disassemble(line, sizeof line, pc + 4 * (uint32_t)used, &o);
        }
        add(&t, "%08" PRIx32 "  %08" PRIx32, pc + 4 * (uint32_t)used, words[used]);
        if (o.words == 2)
            add(&t, " %08" PRIx32, words[used + 1]);
        else
            add(&t, "         ");
        add(&t, "  %s%s\n", line, o.end ? "" : " ~");
        end = o.end;
        used += o.words;
    }
    return used;
}

/* Writes every op in every form with random operands, as assembly text (by the generated disassembler) and as words. Every third
 * op shares a bundle with a nop, so that the end bit is seen both ways.
 *
 * The words are those of the generated encoder, or with --emitter those of morph's own (morph/gen/words.h), which chooses the
 * form itself; formats that morph never emits are left out then.
 * usage: gen_ops [--emitter] seed out.s out.bin
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duke_disasm.h"
#include "gen/words.h"
#include "splitmix64.h"

enum { SAMPLES = 8 };

static struct gen emitter;

static uint64_t state;
static uint64_t rnd(void) { return splitmix64(&state); }

/* An immediate that fits: small, of any size, or the greatest or least. */
static int64_t immediate(const struct duke_op *o, bool branch, unsigned sample)
{
    for (;;) {
        int64_t v = (int64_t)rnd() >> (rnd() & 63);
        if (branch)
            v = (int64_t)((uint64_t)v << 2);
        if (sample < 2) {
            for (unsigned bits = 63; bits != 0; bits--) {
                v = sample ? (INT64_C(1) << bits) - (branch ? 4 : 1) : -(INT64_C(1) << bits);
                if (duke_imm_fits(o->op, o->form, v))
                    return v;
            }
        }
        if (duke_imm_fits(o->op, o->form, v))
            return v;
    }
}

static struct duke_op sample_op(unsigned op, unsigned form, unsigned sample)
{
    const struct duke_op_info *info = &duke_ops[op];
    struct duke_op o = {.op = (uint16_t)op, .form = (uint8_t)form};
    unsigned reads = duke_reads(&o);
    bool memory = info->kind == DUKE_KIND_LOAD || info->kind == DUKE_KIND_STORE;
    bool branch = info->fmt == DUKE_FMT_BC || info->fmt == DUKE_FMT_BF || info->fmt == DUKE_FMT_J;
    if ((info->flags & DUKE_WRITES_RD) != 0 || (reads & DUKE_READS_RD) != 0)
        o.rd = rnd() & 63;
    if ((reads & DUKE_READS_RA) != 0)
        o.ra = rnd() & 63;
    if ((reads & DUKE_READS_RB) != 0)
        o.rb = rnd() & 63;
    if ((reads & DUKE_READS_RC) != 0)
        o.rc = rnd() & 63;
    if (memory && form == DUKE_FORM_EXT)
        o.scale = rnd() & 3;
    if (info->fmt == DUKE_FMT_BF || op == DUKE_OP_SELCC)
        o.cc = rnd() & 15;
    if (info->spec == DUKE_SPEC_PROTECT)
        o.entry = rnd() & 15;
    if (info->spec == DUKE_SPEC_CHECK)
        o.mask = (uint16_t)rnd();
    if (form != DUKE_FORM_REG && info->fmt != DUKE_FMT_R4X)
        o.imm = immediate(&o, branch, sample);
    return o;
}

/* What morph's emitter makes of the op; `o` gets the form that it chose. 0: morph does not emit such ops. */
static unsigned emitter_words(struct duke_op *o, uint32_t w[2])
{
    const struct gen_info *t = &emitter.info[o->op];
    struct gen_op e = {.nwords = 0};
    bool branch = t->fmt == DUKE_FMT_BC || t->fmt == DUKE_FMT_BF || t->fmt == DUKE_FMT_J;
    if (t->fmt == DUKE_FMT_R3 || t->fmt == DUKE_FMT_MEM || branch)
        o->imm = (int32_t)o->imm; /* all that morph passes */
    switch (t->fmt) {
    case DUKE_FMT_R3:
        if (o->form == DUKE_FORM_REG)
            words_r3(&e, t, o->rd, o->ra, o->rb);
        else
            words_r3i(&e, t, o->rd, o->ra, (int32_t)o->imm);
        break;
    case DUKE_FMT_RI: words_ri(&e, t, o->rd, o->ra, o->imm); break;
    case DUKE_FMT_LI: words_li(&e, t, o->rd, o->imm); break;
    case DUKE_FMT_R4:
    case DUKE_FMT_R4X: words_r4(&e, t, o->rd, o->ra, o->rb, o->rc, o->cc); break;
    case DUKE_FMT_MEM: words_mem(&e, t, o->rd, o->ra, o->rb, o->scale, (int32_t)o->imm); break;
    case DUKE_FMT_BC:
    case DUKE_FMT_BF: words_branch(&e, t, o->ra, o->rb, o->cc); break;
    case DUKE_FMT_J:
        if (o->op != DUKE_OP_J)
            return 0; /* calls are the firmware's */
        e.w[0] = t->imm;
        e.nwords = 1;
        break;
    default: return 0;
    }
    if (branch)
        gen_patch(e.w, 0, (uint32_t)o->imm);
    if (o->form != DUKE_FORM_REG)
        o->form = e.nwords == 2 ? DUKE_FORM_EXT : DUKE_FORM_IMM;
    if (o->form == DUKE_FORM_IMM)
        o->rb = o->scale = (branch ? o->rb : 0) & 63;
    e.w[e.nwords - 1] |= o->end ? DUKE_END : 0;
    memcpy(w, e.w, sizeof e.w);
    return e.nwords;
}

/* False: left out. */
static bool emit(FILE *text, FILE *bin, struct duke_op *o, bool by_emitter)
{
    const struct duke_op_info *info = &duke_ops[o->op];
    char line[128];
    uint32_t w[2];
    unsigned n = by_emitter ? emitter_words(o, w) : duke_encode(o, w);
    if (n == 0 && by_emitter)
        return false;
    if (n == 0) {
        fprintf(stderr, "gen_ops: %s cannot be encoded\n", duke_op_names[o->op]);
        exit(1);
    }
    fwrite(w, 4, n, bin);
    duke_disassemble(line, sizeof line, 0, o);
    if (info->fmt == DUKE_FMT_BC || info->fmt == DUKE_FMT_BF || info->fmt == DUKE_FMT_J)
        sprintf(strrchr(line, ' ') + 1, "%" PRId64, o->imm); /* assembly has displacements */
    fprintf(text, "%s%s\n", line, o->end ? "" : " ~");
    return true;
}

int main(int argc, char **argv)
{
    bool by_emitter = argc > 1 && strcmp(argv[1], "--emitter") == 0;
    if (by_emitter)
        argc--, argv++;
    if (argc != 4) {
        fprintf(stderr, "usage: gen_ops [--emitter] seed out.s out.bin\n");
        return 2;
    }
    gen_init(&emitter, duke_machines[0], false);
    state = strtoull(argv[1], NULL, 0);
    FILE *text = fopen(argv[2], "w"), *bin = fopen(argv[3], "wb");
    if (!text || !bin) {
        fprintf(stderr, "gen_ops: cannot write %s or %s\n", argv[2], argv[3]);
        if (text)
            fclose(text);
        if (bin)
            fclose(bin);
        return 2;
    }
    unsigned count = 0, ops = 0;
    for (unsigned op = 0; op < DUKE_OP_COUNT; op++) {
        unsigned before = count;
        for (unsigned form = 0; form < DUKE_FORM_COUNT; form++)
            for (unsigned i = 0; i < SAMPLES && (duke_ops[op].forms & (1u << form)) != 0; i++) {
                struct duke_op o = sample_op(op, form, i);
                o.end = (duke_ops[op].flags & DUKE_ALONE) != 0 || i % 3 != 0;
                if (!emit(text, bin, &o, by_emitter))
                    continue;
                if (!o.end)
                    emit(text, bin, &(struct duke_op){.op = DUKE_OP_NOP, .end = true}, false);
                count++;
            }
        ops += count != before;
    }
    printf("%u of %u ops, %u samples\n", ops, (unsigned)DUKE_OP_COUNT, count);
    return fclose(text) != 0 || fclose(bin) != 0;
}

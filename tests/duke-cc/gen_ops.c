/* Writes every op in every form with random operands, as assembly text (by the generated disassembler) and as words (by the
 * generated encoder). Every third op shares a bundle with a nop, so that the end bit is seen both ways.
 * usage: gen_ops seed out.s out.bin
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duke_disasm.h"

enum { SAMPLES = 8 };

static uint64_t state;
static uint64_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

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

static void emit(FILE *text, FILE *bin, struct duke_op *o)
{
    const struct duke_op_info *info = &duke_ops[o->op];
    char line[128];
    uint32_t w[2];
    unsigned n = duke_encode(o, w);
    if (n == 0) {
        fprintf(stderr, "gen_ops: %s cannot be encoded\n", duke_op_names[o->op]);
        exit(1);
    }
    fwrite(w, 4, n, bin);
    duke_disassemble(line, sizeof line, 0, o);
    if (info->fmt == DUKE_FMT_BC || info->fmt == DUKE_FMT_BF || info->fmt == DUKE_FMT_J)
        sprintf(strrchr(line, ' ') + 1, "%" PRId64, o->imm); /* assembly has displacements */
    fprintf(text, "%s%s\n", line, o->end ? "" : " ~");
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    state = strtoull(argv[1], NULL, 0) * 2 + 1;
    FILE *text = fopen(argv[2], "w"), *bin = fopen(argv[3], "wb");
    if (!text || !bin)
        return 2;
    unsigned count = 0;
    for (unsigned op = 0; op < DUKE_OP_COUNT; op++)
        for (unsigned form = 0; form < DUKE_FORM_COUNT; form++)
            for (unsigned i = 0; i < SAMPLES && (duke_ops[op].forms & (1u << form)) != 0; i++) {
                struct duke_op o = sample_op(op, form, i);
                o.end = (duke_ops[op].flags & DUKE_ALONE) != 0 || i % 3 != 0;
                emit(text, bin, &o);
                if (!o.end)
                    emit(text, bin, &(struct duke_op){.op = DUKE_OP_NOP, .end = true});
                count++;
            }
    printf("%u ops\n", count);
    return fclose(text) != 0 || fclose(bin) != 0;
}

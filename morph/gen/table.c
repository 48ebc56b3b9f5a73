/* Per-op facts in the form that the scheduler wants them, from the tables of the ISA and the machine. */
#include "gen.h"

static void encode(unsigned op, unsigned form, uint32_t w[2])
{
    struct duke_op o = {.op = (uint16_t)op, .form = (uint8_t)form};
    w[0] = w[1] = 0;
    if (duke_ops[op].forms & 1u << form)
        duke_encode_words(&o, w);
}

static unsigned need_of(const struct duke_machine *m, unsigned unit)
{
    switch (unit) {
    case DUKE_UNIT_M: return m->lanes_m_does_int ? 0x101 : 0x001;
    case DUKE_UNIT_I: return m->lanes_m_does_int ? 0x100 : 0x110;
    case DUKE_UNIT_F:
    case DUKE_UNIT_V:
    case DUKE_UNIT_A: return 0x110;
    case DUKE_UNIT_X: /* one a bundle: as two of the other kinds */ return m->lanes_a > 1 ? 0x120 : 0x110;
    case DUKE_UNIT_B:
    case DUKE_UNIT_S: return 0x1000;
    default: return 0;
    }
}

/* A jump of any reach: a branch that is always taken, with an extension word. It takes the place of j in the table, and is known
 * by its format. */
static void jump_far(struct gen_info *info)
{
    info[DUKE_OP_J] = info[DUKE_OP_BEQ];
    info[DUKE_OP_J].imm = info[DUKE_OP_J].ext[0];
}

void gen_init(struct gen *g, const struct duke_machine *m, bool far)
{
    unsigned all = m->lanes_a + (m->lanes_m_does_int ? m->lanes_m : 0);
    g->empty[0] = (uint16_t)(GEN_GUARDS | m->lanes_m | m->lanes_a << 4 | all << 8 | m->lanes_b << 12);
    g->empty[1] = g->empty[2] = g->empty[3] = 0;
    for (unsigned s = 0; s < IR_G_COUNT; s++) {
        g->entry_content[ir_home(s) - GEN_FIRST_HOME] = ir_entry(s);
        g->entry_loc[ir_entry(s)] = (uint16_t)ir_home(s);
    }
    for (unsigned op = 0; op < DUKE_OP_COUNT; op++) {
        struct gen_info *t = &g->info[op];
        uint32_t w[2];
        unsigned latency = m->latency[duke_ops[op].lat];
        encode(op, DUKE_FORM_REG, w);
        t->reg = w[0];
        encode(op, DUKE_FORM_IMM, w);
        t->imm = w[0];
        encode(op, DUKE_FORM_EXT, t->ext);
        t->need = (uint16_t)need_of(m, duke_ops[op].unit);
        t->latency = (uint8_t)(latency > 8 ? 8 : latency); /* long ones are waited for by the hardware */
        t->fmt = duke_ops[op].fmt;
    }
    if (far)
        jump_far(g->info);
}

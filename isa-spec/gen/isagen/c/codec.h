/* The shortest form of `op` that takes the immediate; DUKE_FORM_COUNT if none does. */
static inline unsigned duke_imm_form(unsigned op, int64_t imm)
{
    for (unsigned form = DUKE_FORM_IMM; form <= DUKE_FORM_EXT; form++)
        if ((duke_ops[op].forms & (1u << form)) != 0 && duke_imm_fits(op, form, imm))
            return form;
    return DUKE_FORM_COUNT;
}

/* Number of words written, end bit included if o->end; 0 if the op has no such form or the immediate does not fit. */
static inline unsigned duke_encode(const struct duke_op *o, uint32_t w[2])
{
    if ((duke_ops[o->op].forms & (1u << o->form)) == 0 || !duke_imm_fits(o->op, o->form, o->imm))
        return 0;
    unsigned words = duke_encode_words(o, w);
    if (words && o->end)
        w[words - 1] |= DUKE_END;
    return words;
}

enum duke_decode_status {
    DUKE_DECODE_OK,
    DUKE_DECODE_MORE,    /* more words are needed */
    DUKE_DECODE_ILLEGAL, /* not an op */
};

static inline enum duke_decode_status duke_decode(const uint32_t *w, size_t nwords, struct duke_op *o)
{
    if (nwords == 0)
        return DUKE_DECODE_MORE;
    uint32_t w0 = w[0], w1 = 0;
    bool ext = false;
    *o = (struct duke_op){.op = DUKE_OP_COUNT, .words = 1, .end = (w0 & DUKE_END) != 0};
    if (!o->end) {
        if (nwords < 2)
            return DUKE_DECODE_MORE;
        ext = ((w[1] >> 29) & 3) == 3;
        if (ext) {
            w1 = w[1];
            o->words = 2;
            o->end = (w1 & DUKE_END) != 0;
        }
    }
    unsigned op = duke_primary[(w0 >> 24) & 0x7f];
    if (op == 0xffff)
        return DUKE_DECODE_ILLEGAL;
    bool short_imm = false;
    if ((op & 0x8000) != 0) {
        const uint16_t *table = duke_functions[op & 0x3fff];
        short_imm = (op & 0x4000) != 0;
        bool fn_in_ext = ((w0 >> 24) & 0x7f) == DUKE_OPCODE_R4X;
        if (fn_in_ext && !ext)
            return DUKE_DECODE_ILLEGAL;
        op = table[fn_in_ext ? duke_fn_ext(w1) : duke_fn_short(w0)];
        if (op == 0xffff)
            return DUKE_DECODE_ILLEGAL;
    }
    const struct duke_op_info *info = &duke_ops[op];
    bool r3 = info->fmt == DUKE_FMT_R3;
    if (ext)
        o->form = DUKE_FORM_EXT;
    else if (r3)
        o->form = short_imm ? DUKE_FORM_IMM : DUKE_FORM_REG;
    else
        o->form = (info->forms & (1u << DUKE_FORM_IMM)) != 0 ? DUKE_FORM_IMM : DUKE_FORM_REG;
    if ((info->forms & (1u << o->form)) == 0 || (ext && short_imm))
        return DUKE_DECODE_ILLEGAL;
    o->op = (uint16_t)op;
    duke_decode_fields(o, w0, w1);
    return DUKE_DECODE_OK;
}

/* DUKE_READS_* of this op in its form. */
static inline unsigned duke_reads(const struct duke_op *o)
{
    const struct duke_op_info *info = &duke_ops[o->op];
    unsigned reads = info->flags & 15u;
    if (info->fmt == DUKE_FMT_R3 && o->form != DUKE_FORM_REG)
        reads &= ~(unsigned)DUKE_READS_RB;
    if (info->fmt == DUKE_FMT_MEM && o->form != DUKE_FORM_EXT)
        reads &= ~(unsigned)DUKE_READS_RB;
    return reads;
}

/* The register the op writes: 0..63 r, 64..127 f, or -1. Writes to r0 count as none. */
static inline int duke_writes(const struct duke_op *o)
{
    unsigned flags = duke_ops[o->op].flags;
    if ((flags & DUKE_WRITES_R1) != 0)
        return 1;
    if ((flags & DUKE_WRITES_RD) == 0)
        return -1;
    if ((flags & DUKE_F_RD) != 0)
        return o->rd + 64;
    return o->rd == 0 ? -1 : o->rd;
}

/* Rules of hazards.toml that a bundle may break. */
enum duke_bundle_error {
    DUKE_BUNDLE_OK,
    DUKE_BUNDLE_EMPTY,   /* no ops */
    DUKE_BUNDLE_WORDS,   /* more than DUKE_MAX_WORDS words */
    DUKE_BUNDLE_END,     /* an op before the last has the end bit, or the last lacks it */
    DUKE_BUNDLE_LANES,   /* more ops than lanes */
    DUKE_BUNDLE_UNIT,    /* the machine has no such unit */
    DUKE_BUNDLE_WRITERS, /* two ops write one register */
    DUKE_BUNDLE_COMMITS, /* more than one commit */
    DUKE_BUNDLE_ALONE,   /* an op that must be alone has company */
    DUKE_BUNDLE_ADDRESS, /* index or scale on a machine without address modes */
};

static inline enum duke_bundle_error duke_bundle_check(const struct duke_machine *m, const struct duke_op *ops, unsigned n)
{
    unsigned count[DUKE_UNIT_COUNT] = {0}, words = 0, commits = 0;
    uint64_t written[2] = {0, 0};
    bool alone = false;
    if (n == 0)
        return DUKE_BUNDLE_EMPTY;
    for (unsigned i = 0; i < n; i++) {
        const struct duke_op *o = &ops[i];
        const struct duke_op_info *info = &duke_ops[o->op];
        if (o->end != (i == n - 1))
            return DUKE_BUNDLE_END;
        words += o->words;
        count[info->unit]++;
        commits += info->kind == DUKE_KIND_COMMIT;
        alone = alone || (info->flags & DUKE_ALONE) != 0;
        int reg = duke_writes(o);
        if (reg >= 0) {
            uint64_t *set = &written[reg >> 6], bit = UINT64_C(1) << (reg & 63);
            if ((*set & bit) != 0)
                return DUKE_BUNDLE_WRITERS;
            *set |= bit;
        }
        bool memory = info->kind == DUKE_KIND_LOAD || info->kind == DUKE_KIND_STORE;
        if (memory && !m->lanes_address_modes && (o->scale != 0 || ((duke_reads(o) & DUKE_READS_RB) != 0 && o->rb != 0)))
            return DUKE_BUNDLE_ADDRESS;
    }
    if (words > DUKE_MAX_WORDS)
        return DUKE_BUNDLE_WORDS;
    if ((count[DUKE_UNIT_F] != 0 && !m->units_fp) || (count[DUKE_UNIT_V] != 0 && !m->units_vec) ||
        (count[DUKE_UNIT_X] != 0 && !m->units_x87))
        return DUKE_BUNDLE_UNIT;
    if (commits > 1)
        return DUKE_BUNDLE_COMMITS;
    if (alone && n > 1)
        return DUKE_BUNDLE_ALONE;
    unsigned a = count[DUKE_UNIT_A] + count[DUKE_UNIT_F] + count[DUKE_UNIT_V] + count[DUKE_UNIT_X];
    unsigned ints = count[DUKE_UNIT_I], mem = count[DUKE_UNIT_M];
    unsigned a_free = a > m->lanes_a ? 0 : m->lanes_a - a;
    unsigned m_free = !m->lanes_m_does_int || mem > m->lanes_m ? 0 : m->lanes_m - mem;
    if (mem > m->lanes_m || a > m->lanes_a || count[DUKE_UNIT_B] + count[DUKE_UNIT_S] > m->lanes_b || ints > a_free + m_free ||
        count[DUKE_UNIT_X] > 1)
        return DUKE_BUNDLE_LANES;
    return DUKE_BUNDLE_OK;
}

/* The machine table of that name, or NULL. */
static inline const struct duke_machine *duke_machine_find(const char *name)
{
    for (size_t i = 0; i < sizeof duke_machines / sizeof duke_machines[0]; i++) {
        const char *a = name, *b = duke_machines[i]->name;
        while (*a != 0 && *a == *b)
            a++, b++;
        if (*a == *b)
            return duke_machines[i];
    }
    return NULL;
}

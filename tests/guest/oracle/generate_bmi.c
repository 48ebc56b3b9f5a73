/* Random BMI1 and BMI2 instructions: the only ones with a VEX prefix. Fields that the processor ignores are random too. */
#include <cpuid.h>

#include "oracle.h"

enum { NP, P66, PF3, PF2 };

static const struct {
    uint8_t pp, map, opcode;
    int8_t reg;   /* ModRM.reg that selects, or -1 */
    bool no_vvvv; /* no register in VEX.vvvv */
    uint8_t imm;
} forms[] = {
    {NP, 2, 0xf2, -1, false, 0}, {NP, 2, 0xf3, 1, false, 0},   {NP, 2, 0xf3, 2, false, 0},   {NP, 2, 0xf3, 3, false, 0},
    {NP, 2, 0xf5, -1, false, 0}, {PF2, 2, 0xf5, -1, false, 0}, {PF3, 2, 0xf5, -1, false, 0}, {PF2, 2, 0xf6, -1, false, 0},
    {NP, 2, 0xf7, -1, false, 0}, {P66, 2, 0xf7, -1, false, 0}, {PF3, 2, 0xf7, -1, false, 0}, {PF2, 2, 0xf7, -1, false, 0},
    {PF2, 3, 0xf0, -1, true, 1},
};

bool generator_has_bmi(void)
{
    enum { BMI = 1 << 3 | 1 << 8 };
    static int known; /* 1: yes, -1: no. Asking is slow, above all in a virtual machine. */
    unsigned a, b, c, d;
    if (!known)
        known = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & BMI) == BMI ? 1 : -1;
    return known > 0;
}

unsigned generator_bmi(struct generator *gen, const struct oracle_state *s, uint8_t *p)
{
    enum { MODRM_AT = 4 };
    struct random *r = &gen->rng;
    bool wide = gen->kind.mode == GUEST_X86_64, odd = random_below(r, 200) == 0;
    unsigned f = random_below(r, sizeof forms / sizeof *forms), n = MODRM_AT;
    unsigned reg = forms[f].reg >= 0 ? (unsigned)forms[f].reg : random_below(r, 8);
    unsigned other = forms[f].no_vvvv && !odd ? 0 : random_below(r, 16), w = random_below(r, 2);
    uint8_t rex = 0;
    if (random_below(r, 2)) {
        uint32_t target = random_data(r, wide && w ? 8 : 4);
        unsigned done = generator_put_mem(gen, s, reg, target, 0, MODRM_AT, forms[f].imm, &rex, p + n);
        if (!done)
            return 0;
        n += done;
    } else {
        p[n++] = (uint8_t)(0xc0 | reg << 3 | random_below(r, 8));
        rex = (uint8_t)random_below(r, 2);
    }
    rex |= (uint8_t)(random_below(r, 2) << 2); /* R: ignored where ModRM.reg selects */
    if (!wide)
        rex &= 1; /* else it would be LES; B is ignored */
    p[0] = 0xc4;
    p[1] = (uint8_t)((~rex & 7) << 5 | forms[f].map);
    p[2] = (uint8_t)(w << 7 | (~other & 15) << 3 | (odd && random_below(r, 2) ? 4 : 0) | forms[f].pp);
    p[3] = forms[f].opcode;
    if (forms[f].imm)
        p[n++] = (uint8_t)random_next(r);
    return n;
}

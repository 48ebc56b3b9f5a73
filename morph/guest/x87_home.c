/* x87 state to and from the form in which translated code keeps it in registers.
 *
 * R0..R7 are f32..f39 with sign and exponent, the words of enum x87_word f40..f44. Rounding, precision, exception flags and C1
 * are in fcsr, but for IE and DE that were set before: translated code finds out by fcsr whether it met a denormal or a signaling NaN
 * in memory, whose rules it leaves to the interpreter.
 */
#include "x87_home.h"

#include "../port.h"
#include "x87_run.h"

enum {
    CODES = 0x45, /* CF, PF, ZF: C0, C2, C3 eight bits lower */
    KEPT_FLAGS = SW_IE | SW_DE | SW_SF,
    FCSR_RC_AT = 16,
    FCSR_PC_AT = 18,
    FCSR_FLAGS_AT = 24,
    FCSR_C1_AT = 30,
    CONTROL_FLAGS_AT = 16,
    FIP_HIGH_AT = 43,
    FDP_SS_AT = 62,
};

static unsigned used_of(uint16_t tw)
{
    unsigned empty = tw & tw >> 1 & 0x5555;
    empty = (empty | empty >> 1) & 0x3333;
    empty = (empty | empty >> 2) & 0x0f0f;
    return ~(empty | empty >> 4) & 0xff;
}

static unsigned stack_of(const struct guest_x87 *f) { return used_of(f->tw) | x87_top(f) << X87_TOP_AT; }

unsigned x87_stack(const struct shared *sh)
{
    return sh->x87_state == XMM_IN_REGISTERS ? (unsigned)port_x87_stack() : stack_of(&sh->cpu.x87);
}

void x87_bring_home(struct shared *sh)
{
    struct guest_cpu *cpu = &sh->cpu;
    struct guest_x87 *f = &cpu->x87;
    const uint64_t *w = sh->x87_word;
    port_x87_save();
    uint64_t fcsr = sh->x87_fcsr, control = w[X87_CONTROL], stack = w[X87_STACK];
    uint64_t flags = (fcsr >> FCSR_FLAGS_AT & SW_EXCEPTIONS) | (control >> CONTROL_FLAGS_AT & KEPT_FLAGS);
    f->cw = (uint16_t)control;
    f->sw = (uint16_t)(flags | (w[X87_CODES] & CODES) << 8 | (fcsr >> FCSR_C1_AT & 1) << 9 | (stack >> X87_TOP_AT & 7) << 11);
    unsigned tw = 0;
    for (unsigned i = 0; i < 8; i++)
        tw |= (stack >> i & 1 ? x87_tag_of((struct f80){f->mant[i], f->se[i]}) : (unsigned)TAG_EMPTY) << (2 * i);
    f->tw = (uint16_t)tw;
    if (w[X87_FIP] != X87_KEPT) {
        f->fip = (uint32_t)w[X87_FIP] | w[X87_FIP] >> FIP_HIGH_AT << 32;
        f->fop = w[X87_FIP] >> 32 & 0x7ff;
        f->fcs = cpu->seg_sel[GUEST_CS];
    }
    if (w[X87_FDP] != X87_KEPT) {
        f->fdp = w[X87_FDP] & ((UINT64_C(1) << FDP_SS_AT) - 1);
        f->fds = cpu->seg_sel[w[X87_FDP] >> FDP_SS_AT ? GUEST_SS : GUEST_DS];
    }
}

void x87_leave_home(struct shared *sh)
{
    struct guest_x87 *f = &sh->cpu.x87;
    uint64_t *w = sh->x87_word;
    w[X87_CODES] = f->sw >> 8 & CODES;
    w[X87_FIP] = w[X87_FDP] = X87_KEPT;
    w[X87_CONTROL] = f->cw | (uint64_t)(f->sw & KEPT_FLAGS) << CONTROL_FLAGS_AT;
    w[X87_STACK] = stack_of(f);
    sh->x87_fcsr = (uint64_t)(f->cw >> 10 & 3) << FCSR_RC_AT | (uint64_t)(f->cw >> 8 & 3) << FCSR_PC_AT |
                   (uint64_t)(f->sw & SW_EXCEPTIONS & ~(SW_IE | SW_DE)) << FCSR_FLAGS_AT |
                   (uint64_t)(f->sw >> 9 & 1) << FCSR_C1_AT;
    f->sw |= SW_ES; /* the interpreter's handlers leave such a state to x87_exec, which brings it home */
}

bool x87_translatable(const struct guest_cpu *cpu)
{
    enum { CR0_EM = 4, CR0_TS = 8 };
    const uint32_t *sel = cpu->seg_sel;
    if ((cpu->x87.cw & SW_EXCEPTIONS) != SW_EXCEPTIONS || cpu->cr0 & (CR0_EM | CR0_TS))
        return false;
    return cpu->mode != GUEST_IA32 || (sel[GUEST_DS] == sel[GUEST_SS] && sel[GUEST_DS] == sel[GUEST_ES]);
}

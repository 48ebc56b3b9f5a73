/* Segment registers and far transfers as user code on a 64-bit Linux kernel meets them.
 *
 * The descriptor table is the kernel's: flat user code and data, three thread-local segments whose bases set_thread_area
 * chose (shared.cpu.tls_base; 0 means unused), and the CPU-number segment. There is no LDT.
 */
#include "helper.h"
#include "x87_home.h"

enum {
    SEL_USER32_CS = 0x20,
    SEL_USER_DS = 0x28,
    SEL_USER_CS = 0x30,
    SEL_TLS = 0x60,
    SEL_CPUNODE = 0x78,
    SEL_KERNEL_LAST = 0x18,
    DESC_WRITABLE = 0x200,
    DESC_CODE = 0x800,
    DESC_LONG = 0x200000,
};

struct descriptor {
    uint32_t rights; /* as LAR gives them; 0: nothing that user code may see */
    uint32_t limit;
    uint64_t base;
};

static struct descriptor describe(const struct guest_cpu *cpu, unsigned selector)
{
    switch (selector & 0xfffc) {
    case SEL_USER32_CS: return (struct descriptor){0x00cffb00, 0xffffffff, 0};
    case SEL_USER_DS: return (struct descriptor){0x00cff300, 0xffffffff, 0};
    case SEL_USER_CS: return (struct descriptor){0x00affb00, 0xffffffff, 0};
    case SEL_CPUNODE: return (struct descriptor){0x0040f500, 0, 0};
    case SEL_TLS:
    case SEL_TLS + 8:
    case SEL_TLS + 16: {
        uint64_t base = cpu->tls_base[((selector & 0xfffc) - SEL_TLS) / 8];
        return base ? (struct descriptor){0x00dff300, 0xffffffff, base} : (struct descriptor){0};
    }
    default: return (struct descriptor){0};
    }
}

static bool is_null(unsigned selector) { return (selector & 0xfffc) == 0; }
static enum interp_result bad_selector(struct morph *m, unsigned selector)
{
    return interp_raise(m, GUEST_GP, selector & 0xfffc);
}

enum interp_result helper_check_segment(struct morph *m, unsigned seg, unsigned selector)
{
    const struct guest_cpu *cpu = &m->sh->cpu;
    if (is_null(selector)) {
        if (seg == GUEST_SS)
            return interp_raise(m, GUEST_GP, 0);
        return seg == GUEST_DS || seg == GUEST_ES ? (cpu->mode == GUEST_IA32 ? INTERP_UNIMPLEMENTED : INTERP_OK) : INTERP_OK;
    }
    struct descriptor d = describe(cpu, selector);
    if (!d.rights)
        return bad_selector(m, selector);
    if (seg == GUEST_SS && ((selector & 3) != 3 || d.rights & DESC_CODE || !(d.rights & DESC_WRITABLE)))
        return bad_selector(m, selector);
    /* Read-only and limited segments would need a check of every access. */
    if (seg != GUEST_SS && cpu->mode == GUEST_IA32 && !(d.rights & DESC_WRITABLE && !(d.rights & DESC_CODE)))
        return INTERP_UNIMPLEMENTED;
    return INTERP_OK;
}

enum interp_result helper_load_segment(struct morph *m, unsigned seg, unsigned selector)
{
    struct guest_cpu *cpu = &m->sh->cpu;
    enum interp_result r = helper_check_segment(m, seg, selector);
    if (r)
        return r;
    bool ignored = cpu->mode == GUEST_X86_64 && seg < GUEST_FS;
    x87_home(m->sh); /* it names segments by their registers */
    cpu->seg_sel[seg] = selector & 0xffff;
    cpu->seg_base[seg] = ignored || is_null(selector) ? 0 : describe(cpu, selector).base;
    return INTERP_OK;
}

HELPER_FN(mov_from_seg)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    wr(&c, 0, cpu->seg_sel[g->opnd[1].reg]);
    return INTERP_OK;
}

HELPER_FN(mov_to_seg)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    return helper_load_segment(m, g->opnd[0].reg, (uint16_t)rd(&c, 1));
}

HELPER_FN(push_seg)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    push_value(&c, cpu->seg_sel[g->opnd[0].reg], g->opsize);
    return INTERP_OK;
}

HELPER_FN(pop_seg)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    uint64_t sp = sem_trunc(cpu->gpr[GUEST_RSP], stack_size(&c));
    unsigned selector = (unsigned)gld16(stack_lin(&c, sp));
    enum interp_result r = helper_load_segment(m, g->opnd[0].reg, selector);
    if (!r)
        set_reg(&c, GUEST_RSP, sp + g->opsize, stack_size(&c));
    return r;
}

/* lds, les, lss, lfs, lgs */
HELPER_FN(load_far)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    unsigned seg = g->op == G_LDS   ? GUEST_DS
                   : g->op == G_LES ? GUEST_ES
                   : g->op == G_LSS ? GUEST_SS
                   : g->op == G_LFS ? GUEST_FS
                                    : GUEST_GS;
    uint64_t offset = mem_ld(&c, c.mem, g->opsize);
    unsigned selector = (unsigned)gld16(c.mem + g->opsize);
    enum interp_result r = helper_load_segment(m, seg, selector);
    if (!r)
        set_reg(&c, g->opnd[0].reg, offset, g->opsize);
    return r;
}

/* Whether a transfer to code segment `selector` stays in the CPU's mode. `to_outer`: returns want RPL 3. */
static enum interp_result check_code(struct morph *m, unsigned selector, bool is_return)
{
    if (is_null(selector))
        return interp_raise(m, GUEST_GP, 0);
    x87_home(m->sh); /* it does not know the selector that CS had */
    struct descriptor d = describe(&m->sh->cpu, selector);
    if (!(d.rights & DESC_CODE) || (is_return && (selector & 3) != 3))
        return bad_selector(m, selector);
    bool wide = d.rights & DESC_LONG;
    return wide == (m->sh->cpu.mode == GUEST_X86_64) ? INTERP_OK : INTERP_UNIMPLEMENTED;
}

/* Offset and selector of a far pointer, direct or in memory. */
static unsigned far_target(sem_ctx *c, uint64_t *offset)
{
    if (c->f.kind[0] == GO_MEM) {
        *offset = mem_ld(c, c->mem, c->f.size);
        return (unsigned)gld16(c->mem + c->f.size);
    }
    *offset = sem_trunc((uint64_t)c->g->imm, c->f.size);
    return c->g->imm2;
}

HELPER_FN(jmp_far)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    uint64_t offset;
    unsigned selector = far_target(&c, &offset);
    enum interp_result r = check_code(m, selector, false);
    if (!r) {
        cpu->seg_sel[GUEST_CS] = (selector & 0xfffc) | 3;
        jump_ind(&c, offset, SEM_JMP);
    }
    return r;
}

HELPER_FN(call_far)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    uint64_t offset;
    unsigned selector = far_target(&c, &offset), size = g->opsize;
    enum interp_result r = check_code(m, selector, false);
    if (r)
        return r;
    uint64_t sp = cpu->gpr[GUEST_RSP];
    mem_st(&c, stack_at(&c, sp, -(int64_t)size), cpu->seg_sel[GUEST_CS], size);
    mem_st(&c, stack_at(&c, sp, -2 * (int64_t)size), sem_next(&c), size);
    set_reg(&c, GUEST_RSP, sp - 2 * size, stack_size(&c));
    cpu->seg_sel[GUEST_CS] = (selector & 0xfffc) | 3;
    jump_ind(&c, offset, SEM_JMP);
    return INTERP_OK;
}

HELPER_FN(ret_far)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    unsigned size = g->opsize, drop = c.f.kind[0] == GO_IMM ? (uint16_t)g->imm : 0;
    uint64_t sp = cpu->gpr[GUEST_RSP];
    uint64_t offset = mem_ld(&c, stack_lin(&c, sp), size);
    unsigned selector = (uint16_t)mem_ld(&c, stack_at(&c, sp, size), size);
    enum interp_result r = check_code(m, selector, true);
    if (r)
        return r;
    cpu->seg_sel[GUEST_CS] = selector;
    set_reg(&c, GUEST_RSP, sp + 2 * size + drop, stack_size(&c));
    jump_ind(&c, offset, SEM_JMP);
    return INTERP_OK;
}

/* To the same privilege and mode. In 64-bit mode the stack is always loaded too. With NT set there is no task to return to. */
HELPER_FN(iret)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    unsigned size = g->opsize;
    uint64_t sp = cpu->gpr[GUEST_RSP], new_sp = sp + 3 * size;
    unsigned stack = cpu->seg_sel[GUEST_SS];
    if (cpu->sysflags & GUEST_EFL_NT)
        return interp_raise(m, GUEST_GP, 0);
    uint64_t offset = mem_ld(&c, stack_lin(&c, sp), size);
    unsigned selector = (uint16_t)mem_ld(&c, stack_at(&c, sp, size), size);
    uint64_t eflags = mem_ld(&c, stack_at(&c, sp, 2 * size), size);
    if (c.f.wide) {
        new_sp = mem_ld(&c, stack_at(&c, sp, 3 * size), size);
        stack = (uint16_t)mem_ld(&c, stack_at(&c, sp, 4 * size), size);
    }
    enum interp_result r = check_code(m, selector, true);
    if (!r && c.f.wide)
        r = helper_load_segment(m, GUEST_SS, stack);
    if (r)
        return r;
    cpu->seg_sel[GUEST_CS] = selector;
    set_reg(&c, GUEST_RSP, new_sp, c.f.wide ? size : stack_size(&c));
    helper_set_eflags(m, eflags, size);
    jump_ind(&c, offset, SEM_JMP);
    return INTERP_OK;
}

static enum interp_result set_zf(struct guest_cpu *cpu, bool zf)
{
    cpu->flags = (cpu->flags & ~(uint64_t)EFL_ZF) | (zf ? EFL_ZF : 0);
    return INTERP_OK;
}

HELPER_FN(arpl)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    uint64_t dst = rdz(&c, 0), src = rdz(&c, 1);
    bool raise = (dst & 3) < (src & 3);
    if (raise && c.f.kind[0] == GO_MEM && g->seg == GUEST_CS && !c.f.wide)
        return interp_raise(m, GUEST_GP, 0);
    if (raise)
        wr(&c, 0, (dst & ~UINT64_C(3)) | (src & 3));
    return set_zf(cpu, raise);
}

HELPER_FN(lar)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    struct descriptor d = describe(cpu, (uint16_t)rd(&c, 1));
    if (d.rights)
        wr(&c, 0, g->opsize == 2 ? d.rights & 0xff00 : d.rights);
    return set_zf(cpu, d.rights);
}

HELPER_FN(lsl)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    struct descriptor d = describe(cpu, (uint16_t)rd(&c, 1));
    if (d.rights)
        wr(&c, 0, d.limit);
    return set_zf(cpu, d.rights);
}

HELPER_FN(verr)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    (void)m;
    return set_zf(cpu, describe(cpu, (uint16_t)rd(&c, 0)).rights);
}

HELPER_FN(verw)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    uint32_t rights = describe(cpu, (uint16_t)rd(&c, 0)).rights;
    return set_zf(cpu, rights & DESC_WRITABLE && !(rights & DESC_CODE));
}
